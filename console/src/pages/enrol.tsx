import { useEffect, useState } from "preact/hooks";
import { post, type Problem } from "../api";
import { dateTime, duration, nameOf } from "../format";
import { create, passkeysWork } from "../passkey";
import { asProblem, asRefusal } from "../resource";
import { link } from "../route";
import { Answer, Button, Note, ProblemNote, Term, Terms } from "../ui";
import { Door } from "./door";

interface Options {
	algorithms: number[];
	attestation: AttestationConveyancePreference;
	challenge: string;
	expires: number;
	instance: string;
	name: string;
	person: string;
	rp_id: string;
	waiting_ms: number;
}

interface Enrolled {
	key: string;
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
	const [done, setDone] = useState<Enrolled | undefined>(undefined);
	const enrol = async (asked: Options) => {
		setBusy(true);
		setProblem(undefined);
		try {
			const made = await create({
				challenge: asked.challenge,
				host: asked.rp_id,
				person: asked.person,
				label: `${asked.name} at ${asked.instance}`,
				algorithms: asked.algorithms,
				attestation: asked.attestation,
			});
			setDone(await post<Enrolled>("/v1/enrolment", { attestation_object: made.attestation_object, client_data: made.client_data, rp_id: asked.rp_id, token }));
		} catch (error) {
			setProblem(asRefusal(error));
		} finally {
			setBusy(false);
		}
	};
	if (done !== undefined)
		return (
			<Door title="Your passkey is enrolled">
				<Note tone="good">
					<p role="status">{done.usable_from <= Date.now() ? "It signs from now on." : `It signs from ${dateTime(done.usable_from)} on: a new passkey waits, so that one that was stolen can be stopped.`}</p>
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
								<span class="mono">{nameOf(asked.person).name}</span>
							</Term>
							<Term name="Passkey">{asked.name}</Term>
							<Term name="At">{asked.instance}</Term>
							<Term name="Counts">{asked.waiting_ms === 0 ? "at once" : `after ${duration(asked.waiting_ms)}`}</Term>
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
