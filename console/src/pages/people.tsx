import { useState } from "preact/hooks";
import { Act } from "../act";
import { type Delegation, type Group, type Page as PageOf, type PrincipalKey, type PrincipalRecord, session } from "../api";
import { nameOf, plural, shortName } from "../format";
import { readAll, useResource } from "../resource";
import { Answer, Empty, now, Page, Section, Time, Who } from "../ui";

function everything<T>(path: string, aborted?: AbortSignal): Promise<PageOf<T>> {
	return readAll<T>(path, aborted).then((items) => ({ items }));
}

const CLASSES: Record<string, string> = {
	passkey: "passkey",
	terminal: "terminal key: its votes are independent",
	plain: "key",
};

const WHY = "Why (kept in the log for ever; name nobody)";

function KeyLine({ record }: { record: PrincipalKey }) {
	return (
		<li>
			<span class={`pill ${record.revoked ? "bad" : record.class === "terminal" ? "good" : "plain"}`}>{record.revoked ? "revoked" : record.class === "plain" ? "key" : record.class}</span>
			<span title={CLASSES[record.class] ?? record.class}>{record.id.split("/")[1]}</span>
			{record.zone !== undefined && <span class="muted small">from zone {record.zone}</span>}
			{!record.revoked && record.usable_from !== undefined && (
				<span class="muted small">
					counts <Time at={record.usable_from} />
				</span>
			)}
		</li>
	);
}

// Who may cast this person's vote.
function Delegated({ record, delegation: { by, from, until } }: { record: PrincipalRecord; delegation: Delegation }) {
	const waits = from !== undefined && from > now.value;
	return (
		<div class="delegation">
			<p>
				<Who id={by} /> {waits ? "will vote" : "votes"} for {session.value?.person === record.id ? "you" : "this person"}
				{waits && (
					<>
						{" "}
						from <Time at={from} both />
					</>
				)}{" "}
				until <Time at={until} both />
			</p>
			{waits ? (
				<Act label="Stop it…" tone="danger" intention={{ kind: "addition.cancel", resource: record.id, payload: {}, isProtective: true }} ask={WHY}>
					The delegation never begins.
				</Act>
			) : (
				<Act label="End it…" intention={{ kind: "delegate", resource: record.id, payload: { by, until: 0 } }} ask={WHY}>
					{shortName(by)} votes for {shortName(record.id)} no more. Votes that they have cast for that person count no more either.
				</Act>
			)}
		</div>
	);
}

function Acts({ record }: { record: PrincipalRecord }) {
	const { type } = nameOf(record.id);
	const keys = record.keys.filter(({ revoked }) => !revoked);
	return (
		<details>
			<summary>Stop something</summary>
			<div class="acts">
			{record.suspended ? (
				<Act label="Let act again…" intention={{ kind: "principal.resume", resource: record.id, payload: {} }} ask={WHY}>
					{shortName(record.id)} may ask and vote again. The policies say who must approve that first.
				</Act>
			) : (
				<Act label="Suspend…" tone="danger" intention={{ kind: "principal.suspend", resource: record.id, payload: {}, isProtective: true }} ask={WHY}>
					Nothing that {shortName(record.id)} signs is taken any more, at once, until somebody lets them act again.
					{type === "person" && " They are signed out, and their votes count no more."}
				</Act>
			)}
			{type === "person" && (
				<Act label="Sign out…" intention={{ kind: "session.revoke", resource: record.id, payload: {}, isProtective: true }} ask={WHY}>
					Every session of {shortName(record.id)} ends, on all devices. They may sign in again.
				</Act>
			)}
			{keys.map(({ id }) => (
				<Act
					key={id}
					label={`Revoke ${id.split("/")[1] ?? ""}…`}
					tone="danger"
					intention={{ kind: "principal.key_revoke", resource: record.id, payload: { key: id }, isProtective: true }}
					ask={WHY}
				>
					{id} signs nothing any more, at once and for good.{type === "person" && " Sessions that it began end."}
				</Act>
			))}
			</div>
		</details>
	);
}

function Principal({ record, groups }: { record: PrincipalRecord; groups: Group[] }) {
	const mine = groups.filter(({ members }) => members.includes(record.id));
	return (
		<li class="card">
			<div class="card-head">
				<h3>
					<Who id={record.id} />
				</h3>
				{record.suspended && <span class="pill bad">suspended</span>}
			</div>
			<p class="muted small">
				desk {record.unit}
				{mine.length > 0 && ` · ${mine.length === 1 ? "group" : "groups"} ${mine.map(({ id }) => id).join(", ")}`}
			</p>
			<ul class="keys">
				{record.keys.map((key) => (
					<KeyLine key={key.id} record={key} />
				))}
			</ul>
			{record.delegations?.map((delegation) => (
				<Delegated key={`${delegation.by} ${delegation.from ?? 0}`} record={record} delegation={delegation} />
			))}
			<Acts record={record} />
		</li>
	);
}

function Principals({ records, groups, words }: { records: PrincipalRecord[]; groups: Group[]; words: string }) {
	const shown = records.filter(({ id, unit, keys }) => [id, unit, ...keys.map((key) => key.id)].some((text) => text.toLowerCase().includes(words)));
	if (shown.length === 0) return <p class="muted">Nobody fits.</p>;
	return (
		<>
			<ul class="cards small">
				{shown.slice(0, 200).map((record) => (
					<Principal key={record.id} record={record} groups={groups} />
				))}
			</ul>
			{shown.length > 200 && <p class="muted">The first 200 of {shown.length}.</p>}
		</>
	);
}

export function People() {
	const people = useResource<PageOf<PrincipalRecord>>("/v1/people", { live: true, read: everything });
	const workloads = useResource<PageOf<PrincipalRecord>>("/v1/workloads", { live: true, read: everything });
	const groups = useResource<PageOf<Group>>("/v1/groups", { live: true, read: everything });
	const [typed, setTyped] = useState("");
	const words = typed.trim().toLowerCase();
	return (
		<Page title="People and workloads" lead="Who may ask and who may vote. People stand here, as in the log, under pseudonyms.">
			<label class="field">
				<span>Find somebody</span>
				<input type="search" placeholder="An id, a desk, a key" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
			</label>
			<Section title="Groups">
				<Answer of={groups}>
					{({ items }) =>
						items.length === 0 ? (
							<Empty title="No group">
								<p>
									Groups are who approves: <code>gatehouse group add treasury</code>.
								</p>
							</Empty>
						) : (
							<ul class="groups">
								{items.map(({ id, members, entering }) => (
									<li key={id}>
										<strong>{id}</strong>
										<span class="muted">{plural(members.length, "person", "people")}</span>
										<ul class="inline">
											{members.map((member) => (
												<li key={member}>
													<Who id={member} />
												</li>
											))}
										</ul>
										{entering.map(({ from, person }) => (
											<div key={person} class="entering">
												<p>
													<span class="pill wait">enters</span> <Who id={person} /> <Time at={from} both />
												</p>
												<Act
													label="Stop it…"
													tone="danger"
													intention={{ kind: "addition.cancel", resource: `group:${id}`, payload: { person }, isProtective: true }}
													ask={WHY}
												>
													{shortName(person)} does not enter the group {id}.
												</Act>
											</div>
										))}
									</li>
								))}
							</ul>
						)
					}
				</Answer>
			</Section>
			<h2 class="between">People</h2>
			<Answer of={people}>{({ items }) => <Principals records={items} groups={groups.data?.items ?? []} words={words} />}</Answer>
			<h2 class="between">Workloads</h2>
			<Answer of={workloads}>
				{({ items }) =>
					items.length === 0 ? (
						<Empty title="No workload">
							<p>
								Programs that ask are added by an operation: <code>gatehouse workload add</code>.
							</p>
						</Empty>
					) : (
						<Principals records={items} groups={[]} words={words} />
					)
				}
			</Answer>
		</Page>
	);
}
