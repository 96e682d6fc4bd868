import { useEffect, useState } from "preact/hooks";
import { post, Problem } from "../api";
import { dateTime } from "../format";
import { create, PasskeyError, passkeysWork } from "../passkey";
import { asProblem } from "../resource";
import { link } from "../route";
import { Answer, Button, Note, ProblemNote, Term, Terms } from "../ui";
import { Door } from "./door";

interface Options {
	algorithms: number[];
	attestation: AttestationConveyancePreference;
	challenge: string;
	exclude: string[];
	expires: number;
	name: string;
	person: string;
	rp_id: string;
	usable_from: number;
}

// One reading of a link: it is not a GET, so that nothing that follows links uses it up.
function useOptions(token: string) {
	const [data, setData] = useState<Options | undefined>(undefined);
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const reload = () => {
		setProblem(undefined);
		post<Options>("/v1/enrolment/options", { token }).then(setData, (error: unknown) => setProblem(asProblem(error)));
	};
	useEffect(reload, [token]);
	return { data, problem, reload };
}

export function Enrol({ token }: { token: string }) {
	const options = useOptions(token);
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const [done, setDone] = useState(false);
	const enrol = async (asked: Options) => {
		setBusy(true);
		setProblem(undefined);
		try {
			const made = await create({
				challenge: asked.challenge,
				host: asked.rp_id,
				person: asked.person,
				label: `${asked.person} at ${location.host}`,
				algorithms: asked.algorithms,
				exclude: asked.exclude,
				attestation: asked.attestation,
			});
			await post("/v1/enrolment", { attestation_object: made.attestation_object, client_data: made.client_data, token });
			setDone(true);
		} catch (error) {
			setProblem(error instanceof PasskeyError ? new Problem(0, "passkey.not_used", error.message) : asProblem(error));
		} finally {
			setBusy(false);
		}
	};
	if (done)
		return (
			<Door title="Your passkey is enrolled">
				<Note tone="good">
					<p role="status">It signs from now on, or from when its waiting time is over.</p>
				</Note>
				<a class="button primary" href={link("inbox")}>
					Sign in
				</a>
			</Door>
		);
	return (
		<Door title="Enrol a passkey">
			{!passkeysWork && <Note tone="warn">This browser has no passkeys here: they need HTTPS, or the machine that it runs on.</Note>}
			<Answer of={options}>
				{(asked) => (
					<>
						<p>This link is for one person and one passkey. Check that it is you.</p>
						<Terms>
							<Term name="Person">
								<span class="mono">{asked.person}</span>
							</Term>
							<Term name="Passkey">{asked.name}</Term>
							<Term name="Counts from">{dateTime(asked.usable_from)}</Term>
							<Term name="Link expires">{dateTime(asked.expires)}</Term>
						</Terms>
						{problem !== undefined && <ProblemNote problem={problem} />}
						<Button tone="primary" busy={busy} disabled={!passkeysWork} onClick={() => void enrol(asked)}>
							Make the passkey
						</Button>
					</>
				)}
			</Answer>
		</Door>
	);
}
