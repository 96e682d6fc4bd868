import { useEffect, useState } from "preact/hooks";
import { type Explanation, type Inbox as InboxAnswer, type OperationAnswer, type Review, session, type Waiting } from "../api";
import { Decide, Recorded, Votes } from "../decide";
import { Facts, Policies, worthOf } from "../explanation";
import { missingText, plural, short, shortName } from "../format";
import { useResource } from "../resource";
import { go, link } from "../route";
import { Answer, Empty, Hash, Note, Page, Time, Who } from "../ui";
import { OperationView } from "../view";
import { headline, kindName, moved } from "../words";

function Row({ waiting, current }: { waiting: Waiting; current: boolean }) {
	const { view } = waiting;
	const to = view.transaction === undefined ? undefined : moved(view.transaction)[0]?.destination;
	return (
		<li>
			<a class="row" href={link("inbox", waiting.operation)} aria-current={current ? "true" : undefined}>
				<span class="row-kind">
					{view.break_glass === true && <span class="pill bad">Emergency</span>} {kindName(view.kind)}
				</span>
				<span class="row-title">{headline(view)}</span>
				{to !== undefined && to !== "" && <span class="row-line mono">to {short(to, 10, 8)}</span>}
				<span class="row-line muted">
					{shortName(view.principal)} · {shortName(view.resource)}
				</span>
				<span class="row-line muted">
					expires <Time at={waiting.expires} />
				</span>
			</a>
		</li>
	);
}

export function Reading({ waiting, voted, level = "h2" }: { waiting: Waiting; voted: (answer?: OperationAnswer) => void; level?: "h2" | "h3" }) {
	const explanation = useResource<Explanation>(`/v1/operations/${waiting.operation}/explanation`);
	const Heading = level;
	return (
		<article class="reading" aria-labelledby={`title-${waiting.operation}`}>
			<p class="muted small">
				{kindName(waiting.view.kind)} · asked <Time at={waiting.created} /> · <Hash value={waiting.operation} />
			</p>
			<Heading id={`title-${waiting.operation}`} class="reading-title">
				{headline(waiting.view)}
			</Heading>
			<OperationView view={waiting.view} cents={worthOf(explanation.data)} />
			<h3>Who has decided, and who is missing</h3>
			<Votes waiting={waiting} />
			<Decide key={waiting.operation} waiting={waiting} voted={voted} />
			<h3>What the policies say</h3>
			<Answer of={explanation}>{(data) => <Policies explanation={data} missing={waiting.missing} />}</Answer>
			<h3>Facts</h3>
			<Answer of={explanation} rows={5}>
				{(data) => <Facts facts={data.facts} opened={3} />}
			</Answer>
		</article>
	);
}

// Emergencies that went through, and that somebody must still look at.
function Reviews({ reviews }: { reviews: Review[] }) {
	const others = reviews.filter(({ requester }) => requester !== session.value?.person);
	if (others.length === 0) return null;
	return (
		<Note tone="warn">
			<p>
				<strong>{others.length === 1 ? "An emergency waits" : `${others.length} emergencies wait`} for review.</strong>
			</p>
			<ul class="plain">
				{others.map(({ due, operation, requester }) => (
					<li key={operation}>
						<a href={link("operations", operation)}>{short(operation)}</a>, asked for by {shortName(requester)}, due <Time at={due} />
					</li>
				))}
			</ul>
		</Note>
	);
}

export function Inbox({ chosen }: { chosen: string | undefined }) {
	const inbox = useResource<InboxAnswer>("/v1/inbox", { live: true });
	const person = session.value?.person ?? "";
	const [recorded, setRecorded] = useState<{ answer: OperationAnswer; title: string } | undefined>(undefined);
	useEffect(() => {
		if (chosen !== undefined) setRecorded(undefined);
	}, [chosen]);
	const voted = (waiting: Waiting) => (answer?: OperationAnswer) => {
		if (answer !== undefined) {
			setRecorded({ answer, title: headline(waiting.view) });
			if (chosen !== undefined) go("inbox");
		}
		inbox.reload();
	};
	return (
		<Page
			title="Inbox"
			lead={
				inbox.data === undefined ? "What waits for you." : inbox.data.count === 0 ? "Nothing waits for your vote." : `${plural(inbox.data.count, "operation waits", "operations wait")} for you, those that expire first at the top.`
			}
		>
			{recorded !== undefined && <Recorded key={recorded.answer.operation} answer={recorded.answer} title={recorded.title} />}
			{inbox.data !== undefined && <Reviews reviews={inbox.data.reviews} />}
			<Answer of={inbox}>
				{({ items, count }) => {
					if (items.length === 0 && chosen === undefined)
						return (
							<Empty title="Nothing waits for your vote">
								<p>
									What is asked for next and needs you appears here by itself. What others decide on is under <a href={link("operations")}>Operations</a>.
								</p>
								<p class="muted small">
									You are <Who id={person} />
									{session.value !== null && session.value !== undefined && session.value.groups.length > 0 ? `, of ${session.value.groups.join(", ")}` : ", in no group that approves"}.
								</p>
							</Empty>
						);
					const current = chosen === undefined ? items[0] : items.find(({ operation }) => operation === chosen);
					return (
						<div class={`split ${chosen === undefined ? "none-chosen" : "chosen"}`}>
							<nav class="split-list" aria-label="What waits">
								<ul class="rows">
									{items.map((waiting) => (
										<Row key={waiting.operation} waiting={waiting} current={waiting === current} />
									))}
								</ul>
								{count > items.length && <p class="muted small">The first {items.length} of {count}. The others follow as these are decided.</p>}
							</nav>
							<div class="split-body">
								<a class="back" href={link("inbox")}>
									Back to the inbox
								</a>
								{current !== undefined ? (
									<Reading key={current.operation} waiting={current} voted={voted(current)} />
								) : (
									<Empty title="This one does not wait for you any more">
										<p>
											<a href={link("operations", chosen ?? "")}>What became of it</a>
										</p>
									</Empty>
								)}
							</div>
						</div>
					);
				}}
			</Answer>
			<p class="hidden" aria-live="polite">
				{inbox.data !== undefined && `${plural(inbox.data.count, "operation waits", "operations wait")}, missing ${missingText(inbox.data.items[0]?.missing ?? {})}`}
			</p>
		</Page>
	);
}
