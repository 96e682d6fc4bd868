import { useState } from "preact/hooks";
import type { Group, Page as PageOf, PrincipalKey, PrincipalRecord } from "../api";
import { plural } from "../format";
import { readAll, useResource } from "../resource";
import { Answer, Empty, Page, Section, Who } from "../ui";

function everything<T>(path: string, aborted?: AbortSignal): Promise<PageOf<T>> {
	return readAll<T>(path, aborted).then((items) => ({ items }));
}

const CLASSES: Record<string, string> = {
	passkey: "passkey",
	terminal: "terminal key: its votes are independent",
	plain: "key",
};

function KeyLine({ record }: { record: PrincipalKey }) {
	return (
		<li>
			<span class={`pill ${record.revoked ? "bad" : record.class === "terminal" ? "good" : "plain"}`}>{record.revoked ? "revoked" : record.class}</span>
			<span title={CLASSES[record.class] ?? record.class}>{record.id.split("/")[1]}</span>
			{record.zone !== undefined && <span class="muted small">from zone {record.zone}</span>}
		</li>
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
								{items.map(({ id, members }) => (
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
