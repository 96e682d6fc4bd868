// The vote: what it counts for, and the two buttons. One touch of the passkey signs what stands on the page.

import { useEffect, useRef, useState } from "preact/hooks";
import { type OperationAnswer, Problem, session, type Waiting } from "./api";
import { type Verdict, vote } from "./approval";
import { missingName, missingText, nameOf, short } from "./format";
import { asRefusal } from "./resource";
import { link } from "./route";
import { announce, Button, Hash, Note, ProblemNote, State, Time, Who } from "./ui";

export function Votes({ waiting }: { waiting: Waiting }) {
	return (
		<ul class="votes">
			{waiting.votes.map((cast) => (
				<li key={cast.key + cast.person}>
					<span class={`pill ${cast.verdict === "approve" ? (cast.stands ? "good" : "plain") : "bad"}`}>{cast.verdict === "approve" ? "Approved" : "Rejected"}</span>
					<Who id={cast.person} />
					<span class="muted small">
						{cast.independent ? "from a terminal" : cast.phishing_resistant ? "by passkey" : "by key"}
						{!cast.stands && ", does not count any more"}
					</span>
				</li>
			))}
			{Object.entries(waiting.missing).map(([name, number]) => (
				<li key={name}>
					<span class="pill wait">Missing</span>
					<span>
						{number} {missingName(name)}
						{name === "independent" && Object.keys(waiting.missing).length > 1 && <span class="muted small"> (may be one of the others)</span>}
					</span>
				</li>
			))}
		</ul>
	);
}

export function Recorded({ answer, title }: { answer: OperationAnswer; title: string }) {
	return (
		<Note tone={answer.state === "done" || answer.state === "held" ? "good" : "warn"}>
			<p tabIndex={-1} ref={(text) => text?.focus()}>
				<State state={answer.state} /> <a href={link("operations", answer.operation)}>{title}</a>: your vote is recorded.{" "}
				{answer.state === "held" && `Still missing: ${missingText(answer.missing ?? {})}.`}
				{answer.state === "done" && "It was the last one needed, and it is done."}
				{answer.refusal !== undefined && ` It could not be decided yet: ${answer.refusal}`}
			</p>
		</Note>
	);
}

// The own vote that stands, which may be taken back.
function Withdraw({ waiting, seat, voted }: { waiting: Waiting; seat: string; voted: (answer?: OperationAnswer) => void }) {
	const [asked, setAsked] = useState(false);
	const [busy, setBusy] = useState(false);
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const by = session.value?.person ?? "";
	const withdraw = async () => {
		setBusy(true);
		setProblem(undefined);
		try {
			voted(await vote(waiting, "withdraw", by, seat, ""));
			announce("Withdrawn");
		} catch (error) {
			setProblem(asRefusal(error));
		} finally {
			setBusy(false);
		}
	};
	return (
		<div class="decide">
			{problem !== undefined && <ProblemNote problem={problem} />}
			<p>
				You have approved{seat === by ? "" : ` for ${nameOf(seat).name}`}. It waits for others.
				{asked && " Taken back, your approval counts no more, and what later stages rested on it falls with it. You may vote again."}
			</p>
			<div class="buttons">
				{asked ? (
					<>
						<Button tone="danger" busy={busy} onClick={() => void withdraw()}>
							Withdraw with passkey
						</Button>
						<Button disabled={busy} onClick={() => setAsked(false)}>
							Back
						</Button>
					</>
				) : (
					<Button onClick={() => setAsked(true)}>Withdraw my approval…</Button>
				)}
			</div>
		</div>
	);
}

// voted: with the answer; without one where the page must be read again.
export function Decide({ waiting, voted }: { waiting: Waiting; voted: (answer?: OperationAnswer) => void }) {
	const [busy, setBusy] = useState<Verdict | null>(null);
	const here = useRef(true); // whoever went elsewhere meanwhile is left there
	useEffect(() => () => {
		here.current = false;
	}, []);
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const [rejecting, setRejecting] = useState(false);
	const [reason, setReason] = useState("");
	const [seat, setSeat] = useState<string | undefined>(undefined);
	const by = session.value?.person ?? "";
	const chosen = seat ?? waiting.seats[0];
	const mine = waiting.votes.find(({ key, verdict }) => verdict === "approve" && key.startsWith(`${by}/`));
	if (mine !== undefined) return <Withdraw waiting={waiting} seat={mine.person} voted={voted} />;
	if (chosen === undefined) return null;

	const cast = async (verdict: Verdict) => {
		setBusy(verdict);
		setProblem(undefined);
		try {
			const given = await vote(waiting, verdict, by, chosen, reason.trim());
			announce(verdict === "approve" ? "Approved" : "Rejected");
			if (here.current) voted(given);
		} catch (error) {
			setProblem(asRefusal(error));
			if (error instanceof Problem && /differs|not_held|votes\./.test(error.problem)) voted();
		} finally {
			setBusy(null);
		}
	};

	const isAsked = waiting.helps.length > 0;
	const onlyTerminal = waiting.helps.length > 0 && waiting.helps.every((name) => name === "independent");
	return (
		<div class="decide">
			{problem !== undefined && <ProblemNote problem={problem} />}
			{waiting.stage !== undefined && (
				<Note tone="info">
					<p>Those who were asked first have approved. Your vote rests on theirs: if one of them takes it back, yours counts no more.</p>
				</Note>
			)}
			<p class="muted small">
				A vote from this page does not count as independent: the gateway that served it could have shown you something else.
				{waiting.missing["independent"] !== undefined && (
					<>
						{" "}
						One that does, on your own machine: <Hash value={`gatehouse op approve ${waiting.operation}`} shown={`gatehouse op approve ${short(waiting.operation)}`} />
					</>
				)}
			</p>
			{!isAsked && (
				<Note tone="info">
					<p>It is not for you to approve now: what is missing is {missingText(waiting.missing)}. You may reject it all the same.</p>
				</Note>
			)}
			{onlyTerminal && <Note tone="warn">Only a vote from a terminal is missing. Approving here is recorded, and does not bring it further.</Note>}
			{waiting.seats.length > 1 && (
				<label class="field">
					<span>Whose vote</span>
					<select value={chosen} onChange={(event) => setSeat(event.currentTarget.value)}>
						{waiting.seats.map((one) => (
							<option key={one} value={one}>
								{one === by ? "My own" : `For ${nameOf(one).name}, who delegated to me`}
							</option>
						))}
					</select>
				</label>
			)}
			{rejecting && (
				<label class="field">
					<span>Why you reject it: shown to whoever asked, and kept in the log for ever. Name nobody.</span>
					<textarea rows={2} maxLength={500} value={reason} onInput={(event) => setReason(event.currentTarget.value)} ref={(field) => field?.focus()} />
				</label>
			)}
			<div class="buttons">
				{rejecting ? (
					<>
						<Button tone="danger" busy={busy === "reject"} disabled={reason.trim() === "" || busy !== null} onClick={() => void cast("reject")}>
							Reject with this reason
						</Button>
						<Button disabled={busy !== null} onClick={() => setRejecting(false)}>
							Back
						</Button>
					</>
				) : (
					<>
						{isAsked && (
							<Button tone="primary" busy={busy === "approve"} disabled={busy !== null} onClick={() => void cast("approve")}>
								Approve with passkey
							</Button>
						)}
						<Button tone="danger" disabled={busy !== null} onClick={() => setRejecting(true)}>
							Reject…
						</Button>
					</>
				)}
			</div>
			<p class="muted small">
				Expires <Time at={waiting.expires} />.
			</p>
		</div>
	);
}
