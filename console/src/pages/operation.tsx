import { useEffect, useState } from "preact/hooks";
import { Act } from "../act";
import { type Explanation, getOperation, getText, type Inbox, type OperationAnswer, type Problem, type Review as ReviewAnswer, session, type Timeline, type Waiting } from "../api";
import { Decide, Recorded, Votes } from "../decide";
import { Facts, Policies, transferOf, worthOf } from "../explanation";
import { chainName, dollars, missingText, nameOf } from "../format";
import { asProblem, useResource } from "../resource";
import { link } from "../route";
import { TimelineList } from "../timeline";
import { Answer, Button, Hash, Note, Page, ProblemNote, save, Section, State, Term, Terms, Time, Who } from "../ui";
import { Address, Emergency, JsonValue, OperationView } from "../view";
import { headline, kindName } from "../words";

// Under a head that the witnesses cosigned, if there is one that has the operation already: only that verifies in full.
async function receiptOf(id: string): Promise<string> {
	const path = `/v1/operations/${id}/receipt`;
	try {
		return await getText(`${path}?cosigned=1`);
	} catch (error) {
		if (asProblem(error).problem !== "receipt.not_cosigned") throw error;
		return getText(path);
	}
}

function Receipt({ id }: { id: string }) {
	const [problem, setProblem] = useState<Problem | undefined>(undefined);
	const fetchReceipt = async () => {
		setProblem(undefined);
		try {
			save(`${id.slice(0, 16)}.tlog-proof`, await receiptOf(id), "text/plain");
		} catch (error) {
			setProblem(asProblem(error));
		}
	};
	return (
		<>
			<p>
				The proof that this operation stands in the log, with the entry itself: an inclusion proof and the log's head under both of its signatures. Verify it on a machine that does not
				trust this server: <code>gatehouse-verify</code>, or the <a href="/assets/gatehouse-verify.html" download>verifier in one file</a>, opened from disk with the log's keys from elsewhere. A page of this
				server proves nothing against this server.
			</p>
			{problem !== undefined && <ProblemNote problem={problem} />}
			<Button onClick={() => void fetchReceipt()}>Download the receipt</Button>
		</>
	);
}

// What was asked for, as its decision recorded it.
function Asked({ timeline, explanation }: { timeline: Timeline; explanation: Explanation | undefined }) {
	const document = timeline.entries.find((entry) => entry.document !== undefined)?.document;
	const told = transferOf(explanation);
	const cents = worthOf(explanation);
	if (document === undefined) return null;
	return (
		<>
			{document.break_glass === true && <Emergency />}
			<Terms>
				{told === undefined ? (
					<Term name="Kind">{kindName(document.kind)}</Term>
				) : (
					<>
						<Term name="Amount">
							<strong>{told.amount}</strong>
						</Term>
						<Term name="To">
							{told.destinations.map((destination) => (
								<span key={destination} class="block">
									<Address value={destination} />
								</span>
							))}
						</Term>
						<Term name="Chain">{chainName(told.chain)}</Term>
						<Term name="Fee at most">{told.fee}</Term>
						{cents !== undefined && <Term name="Worth, with the fee">{dollars(cents)}</Term>}
					</>
				)}
				<Term name="On">{document.resource}</Term>
				<Term name="Asked for by">
					<Who id={document.principal} />
				</Term>
				<Term name="Asked">
					<Time at={document.created} both />
				</Term>
				{document.reason !== undefined && <Term name="Reason">{document.reason}</Term>}
				{document.reference !== undefined && <Term name="Reference">{document.reference}</Term>}
			</Terms>
		</>
	);
}

function titleOf(timeline: Timeline | undefined, waiting: Waiting | undefined, explanation: Explanation | undefined): string {
	if (waiting !== undefined) return headline(waiting.view);
	const told = transferOf(explanation);
	const document = timeline?.entries.find((entry) => entry.document !== undefined)?.document;
	if (told !== undefined && document !== undefined) return `Transfer of ${told.amount} from ${nameOf(document.resource).name}`;
	return document === undefined ? "Operation" : `${kindName(document.kind)}: ${nameOf(document.resource).name}`;
}

// Of an act beyond the installation: only people can know what became of it.
function Resolve({ id }: { id: string }) {
	return (
		<Note tone="warn">
			<p>The act was intended, and what became of it is not recorded. Nothing is repeated by itself: find out whether it happened, and say so.</p>
			<div class="acts">
				{[true, false].map((happened) => (
					<Act key={String(happened)} label={happened ? "It happened…" : "It did not happen…"} confirm="State it" intention={{ kind: "intent.resolve", resource: `operation:${id}`, payload: { happened } }} ask="How you know (kept in the log for ever; name nobody)">
						The log says from then on that it {happened ? "happened" : "did not happen"}, and limits count it accordingly.
					</Act>
				))}
			</div>
		</Note>
	);
}

// An emergency that went through is looked at afterwards, by somebody who did not ask for it.
function Review({ id, reviews }: { id: string; reviews: ReviewAnswer[] | undefined }) {
	const open = reviews?.find(({ operation }) => operation === id);
	if (open === undefined) return null;
	return (
		<Note tone="warn">
			<p>
				<strong>This emergency waits for its review</strong>, which is due <Time at={open.due} both />. Until then it shows in the installation's state; once it is overdue, no other emergency is permitted by the shipped
				policies.
			</p>
			{open.requester !== session.value?.person ? (
				<Act
					label="Review…"
					intention={{ kind: "break_glass.review", resource: `operation:${id}`, payload: { finding: "" } }}
					ask="What you found (kept in the log for ever; name nobody)"
					withText={(intention, finding) => ({ ...intention, payload: { finding } })}
				>
					You state that you have looked at what was done under this emergency, and what you found.
				</Act>
			) : (
				<p>You asked for it, so somebody else reviews it.</p>
			)}
		</Note>
	);
}

export function Operation({ id }: { id: string }) {
	const path = `/v1/operations/${id}`;
	const answer = useResource<OperationAnswer>(path, { live: true, read: getOperation });
	const isHeld = answer.data?.state === "held";
	const inbox = useResource<Inbox>("/v1/inbox", { live: true });
	const waiting = useResource<Waiting>(isHeld ? `${path}/view` : null, { live: true });
	const timeline = useResource<Timeline>(`${path}/timeline`, { live: true, lags: true });
	// The listing follows the log within a second: what it has not yet is asked for again.
	const behind = answer.data !== undefined && timeline.data !== undefined && timeline.data.size <= answer.data.entry;
	useEffect(() => {
		if (!behind) return;
		const timer = setTimeout(timeline.reload, 700);
		return () => clearTimeout(timer);
	}, [behind, timeline.data]);
	const explanation = useResource<Explanation>(answer.data === undefined ? null : `${path}/explanation`);
	const [recorded, setRecorded] = useState<OperationAnswer | undefined>(undefined);
	const view = isHeld ? waiting.data : undefined;
	const document = timeline.data?.entries.find((entry) => entry.document !== undefined)?.document;
	const title = titleOf(timeline.data, view, explanation.data);
	const voted = (given?: OperationAnswer) => {
		setRecorded(given);
		for (const resource of [answer, waiting, timeline, explanation]) resource.reload();
	};
	return (
		<Page
			title={title}
			lead={<Hash value={id} />}
			aside={answer.data !== undefined && <State state={answer.data.state} />}
		>
			<a class="back always" href={link("operations")}>
				All operations
			</a>
			{recorded !== undefined && <Recorded answer={recorded} title={title} />}
			{answer.problem !== undefined && <ProblemNote problem={answer.problem} retry={answer.reload} />}
			{answer.data?.state === "denied" && (
				<Note tone="warn">
					<p>
						Denied by {(answer.data.reasons ?? []).join(", ") || "the policies: none permits it"}. {answer.data.detail ?? ""}
					</p>
				</Note>
			)}
			{answer.data?.rejection !== undefined && (
				<Note tone="warn">
					<p>
						Rejected by <Who id={answer.data.rejection.person} />
						{answer.data.rejection.reason !== undefined && `: ${answer.data.rejection.reason}`}
					</p>
				</Note>
			)}
			{answer.data?.state === "unknown" && <Resolve id={id} />}
			{answer.data?.state === "done" && document?.break_glass === true && <Review id={id} reviews={inbox.data?.reviews} />}
			<div class="columns">
				<div>
					<Section title="What was asked for">
						{view !== undefined ? <OperationView view={view.view} cents={worthOf(explanation.data)} /> : <Answer of={timeline}>{(data) => <Asked timeline={data} explanation={explanation.data} />}</Answer>}
						{answer.data?.result !== undefined && Object.keys(answer.data.result).length > 0 && (
							<details>
								<summary>What it yielded</summary>
								<JsonValue value={answer.data.result} />
							</details>
						)}
					</Section>
					{view !== undefined && (
						<Section title="Decision">
							<p>Missing: {missingText(view.missing)}.</p>
							<Votes waiting={view} />
							<Decide waiting={view} voted={voted} />
						</Section>
					)}
					<Section title="What the policies say">
						<Answer of={explanation}>{(data) => <Policies explanation={data} missing={view?.missing} />}</Answer>
					</Section>
				</div>
				<div>
					<Section title="Timeline">
						<Answer of={timeline}>{(data) => (data.entries.length === 0 ? <p class="muted">Its entries are being listed: within a second.</p> : <TimelineList timeline={data} />)}</Answer>
					</Section>
					<Section title="Receipt">
						<Receipt id={id} />
					</Section>
				</div>
			</div>
			<Section title="Facts">
				<Answer of={explanation} rows={6}>
					{(data) => <Facts facts={data.facts} opened={0} />}
				</Answer>
			</Section>
		</Page>
	);
}
