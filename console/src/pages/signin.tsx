import { useState } from "preact/hooks";
import { type Problem, sessionEnded } from "../api";
import { passkeysWork } from "../passkey";
import { asRefusal } from "../resource";
import { signIn } from "../session";
import { Button, Note, ProblemNote } from "../ui";
import { Door } from "./door";

export function SignIn() {
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const start = async () => {
		setBusy(true);
		setProblem(undefined);
		try {
			await signIn();
		} catch (error) {
			setProblem(asRefusal(error));
		} finally {
			setBusy(false);
		}
	};
	return (
		<Door title="Sign in">
			{sessionEnded.value && problem === undefined && <Note tone="info">Your session is over. Sign in again to go on where you were.</Note>}
			{problem !== undefined && <ProblemNote problem={problem} />}
			{passkeysWork ? (
				<Button tone="primary" busy={busy} onClick={() => void start()}>
					Sign in with passkey
				</Button>
			) : (
				<Note tone="warn">This browser has no passkeys here: they need HTTPS, or the machine that it runs on.</Note>
			)}
			<p class="muted small">
				Signing in lets you read. Every vote is signed by itself, with your passkey, over exactly what it is about. No passkey yet? Whoever administers people can give you a link to
				enrol one.
			</p>
		</Door>
	);
}
