import { useState } from "preact/hooks";
import type { Asset, Destination, DestinationList, Limit, LimitsOfKey, Page as PageOf, Spent } from "../api";
import { dollars, plural, price } from "../format";
import { approvalsText, barOf, windowText } from "../limits";
import { everything, useResource } from "../resource";
import { link } from "../route";
import { Answer, Button, Empty, Hash, Page, Section, Table, Time } from "../ui";

const STATES = { expired: ["expired", "bad"], waiting: ["waits", "wait"], probation: ["on probation", "wait"], in_force: ["in force", "good"] } as const;

function Entry({ entry }: { entry: Destination }) {
	const [words, tone] = STATES[entry.state];
	return (
		<li>
			<span class="mono wrap">{entry.destination}</span> <span class={`pill ${tone}`}>{words}</span>
			<span class="muted small">
				{entry.state === "waiting" && <> until <Time at={entry.effective_from ?? 0} /></>}
				{entry.expires !== undefined && <> · {entry.state === "expired" ? "ended" : "ends"} <Time at={entry.expires} /></>}
				{entry.probation !== undefined && <> · tests up to {dollars(entry.probation)} a day{entry.tested_by === undefined ? ", none yet" : ", one was sent"}</>}
				{entry.note !== undefined && <> · {entry.note}</>}
			</span>
		</li>
	);
}

function Entries({ id }: { id: string }) {
	const [path, setPath] = useState(`/v1/lists/${id}?limit=200`);
	const list = useResource<DestinationList>(path);
	return (
		<Answer of={list}>
			{({ entries, next, count }) => (
				<>
					<ul class="entries">
						{(entries ?? []).map((entry) => (
							<Entry key={entry.destination} entry={entry} />
						))}
					</ul>
					{next !== undefined && (
						<Button onClick={() => setPath(`/v1/lists/${id}?limit=200&after=${next}`)}>
							The next of {count}
						</Button>
					)}
				</>
			)}
		</Answer>
	);
}

function List({ list }: { list: DestinationList }) {
	const [open, setOpen] = useState(false);
	return (
		<li class="card">
			<div class="card-head">
				<h3>{list.id}</h3>
				<span class={`pill ${list.kind === "allowed" ? "good" : "bad"}`}>{list.kind}</span>
			</div>
			<p class="muted small">
				{plural(list.count, "destination")} · version {list.version} · changed <Time at={list.changed_at} />
			</p>
			<p class="small">
				<Hash value={list.hash} />
			</p>
			<details onToggle={(event) => setOpen(event.currentTarget.open)}>
				<summary>Its destinations</summary>
				{open && <Entries id={list.id} />}
			</details>
		</li>
	);
}

interface Subject {
	dimension: string;
	spent: Spent;
}

// Every key, account, desk and legal entity once.
function subjects(items: LimitsOfKey[]): Subject[] {
	const found = new Map<string, Subject>();
	for (const dimension of ["legal_entity", "desk", "account", "key"] as const)
		for (const item of items) {
			const spent = item[dimension];
			if (spent !== undefined) found.set(`${dimension} ${spent.subject}`, { dimension, spent });
		}
	return [...found.values()];
}

const WINDOWS = ["hour", "day", "week"] as const;

function Amount({ cents, bar }: { cents: number; bar: number | undefined }) {
	return (
		<td class="number">
			{dollars(cents)}
			{bar !== undefined && (
				<>
					<span class="muted small"> of {dollars(bar)}</span>
					<meter min={0} max={bar} high={bar * 0.8} value={Math.min(cents, bar)} aria-label={`${dollars(cents)} of ${dollars(bar)}`} />
				</>
			)}
		</td>
	);
}

function Usage({ items, limits }: { items: LimitsOfKey[]; limits: Limit[] }) {
	const all = subjects(items);
	if (all.length === 0)
		return (
			<Empty title="Nothing can be spent yet">
				<p>There is no key. What is signed for by a key, its account, its desk and its legal entity is counted here.</p>
			</Empty>
		);
	return (
		<Table caption="What was signed for in the windows that end now" head={["", "Last hour", "Last day", "Last week"]}>
			{all.slice(0, 500).map(({ dimension, spent }) => (
				<tr key={`${dimension} ${spent.subject}`}>
					<th scope="row">
						{spent.subject} <span class="muted small">{dimension.replace("_", " ")}</span>
					</th>
					{WINDOWS.map((window) => (
						<Amount key={window} cents={spent[window]} bar={barOf(limits, dimension, spent.subject, window)} />
					))}
				</tr>
			))}
		</Table>
	);
}

export function Destinations() {
	const lists = useResource<PageOf<DestinationList>>("/v1/lists", { live: true, read: everything });
	const usage = useResource<PageOf<LimitsOfKey>>("/v1/limits", { live: true, read: everything });
	const table = useResource<PageOf<Limit>>("/v1/policy/limits", { live: true, read: everything });
	const assets = useResource<PageOf<Asset>>("/v1/prices", { live: true, read: everything });
	return (
		<Page title="Destinations and limits" lead="Where funds may go, and how much has gone.">
			<h2 class="between">Lists of destinations</h2>
			<Answer of={lists}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty title="No list">
							<p>
								A list is made and filled by operations: <code>gatehouse list create counterparties --kind allowed</code>.
							</p>
						</Empty>
					) : (
						<ul class="cards small">
							{items.map((list) => (
								<List key={list.id} list={list} />
							))}
						</ul>
					)
				}
			</Answer>
			<Section title="Signed for">
				<Answer of={usage}>{({ items }) => <Usage items={items} limits={table.data?.items ?? []} />}</Answer>
			</Section>
			<Section title="Limits of the bundle in force">
				<Answer of={table}>
					{({ items }) =>
						items.length === 0 ? (
							<p class="muted">
								The bundle has no table of limits. Limits that its policies write themselves are under <a href={link("policies")}>Policies</a>.
							</p>
						) : (
							<Table caption="Limits" head={["Limit", "Who asks", "Keys of", "Asset", "Up to", "Above that"]}>
								{items.slice(0, 500).map((limit) => (
									<tr key={limit.id}>
										<th scope="row">
											{limit.id}
											{limit.note !== "" && <span class="muted small block">{limit.note}</span>}
										</th>
										<td>{limit.who === "*" ? "anyone" : limit.who}</td>
										<td>{limit.account === "*" ? "any" : limit.account}</td>
										<td class="wrap">{limit.asset === "*" ? "any" : limit.asset}</td>
										<td class="number">
											{dollars(limit.cents)} <span class="muted small block">{windowText(limit)}</span>
										</td>
										<td>{approvalsText(limit)}</td>
									</tr>
								))}
							</Table>
						)
					}
				</Answer>
			</Section>
			<Section title="Assets and prices">
				<Answer of={assets}>
					{({ items }) =>
						items.length === 0 ? (
							<p class="muted">No asset is registered: no transfer has a known value, and the shipped policies deny those.</p>
						) : (
							<Table caption="Assets and prices" head={["Asset", "Price", "Recorded", "Id"]}>
								{items.map((asset) => (
									<tr key={asset.id}>
										<th scope="row">{asset.symbol}</th>
										<td class="number">
											{asset.microcents === undefined ? <span class="muted">none</span> : price(asset.microcents)}
										</td>
										<td>{asset.recorded_at === undefined ? "" : <Time at={asset.recorded_at} />}</td>
										<td class="mono wrap">{asset.id}</td>
									</tr>
								))}
							</Table>
						)
					}
				</Answer>
			</Section>
		</Page>
	);
}
