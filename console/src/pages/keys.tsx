import { useState } from "preact/hooks";
import type { KeyRecord, Page as PageOf } from "../api";
import { chainName, plural } from "../format";
import { readAll, useResource } from "../resource";
import { link } from "../route";
import { Answer, Empty, Hash, Page, Term, Terms, Time } from "../ui";

const TONES: Record<string, string> = { active: "good", frozen: "wait", rotated: "plain", destroyed: "bad" };

function readKeys(path: string, aborted?: AbortSignal): Promise<PageOf<KeyRecord>> {
	return readAll<KeyRecord>(path, aborted).then((items) => ({ items }));
}

function Key({ record }: { record: KeyRecord }) {
	return (
		<li class="card">
			<div class="card-head">
				<h2>{record.id}</h2>
				<span class={`pill ${TONES[record.state] ?? "plain"}`}>{record.state}</span>
			</div>
			<Terms>
				<Term name="Account">{record.account}</Term>
				<Term name="Signs">
					{record.purpose === "transfer" ? `transfers${record.chain === undefined ? "" : ` on ${chainName(record.chain)}`}` : "any digest: what it signs is not decoded"}
				</Term>
				<Term name="Algorithm">
					{record.algorithm}
					{record.material === "extended" && ", extended (BIP-32)"}
				</Term>
				<Term name="Public key">
					<Hash value={record.public_key} />
				</Term>
				{record.origin !== undefined && (
					<Term name="Origin">
						<span class="mono">
							{record.fingerprint} {record.origin}
						</span>
					</Term>
				)}
				{record.branches !== undefined && (
					<Term name="Branches">
						<span class="mono">{record.branches.join(", ")}</span>
					</Term>
				)}
				{record.successor !== undefined && <Term name="Successor">{record.successor}</Term>}
				<Term name="Made">
					<Time at={record.created} both />
				</Term>
			</Terms>
		</li>
	);
}

export function Keys() {
	const keys = useResource<PageOf<KeyRecord>>("/v1/keys", { live: true, read: readKeys });
	const [words, setWords] = useState("");
	const wanted = words.trim().toLowerCase();
	return (
		<Page title="Keys" lead={keys.data === undefined ? "What signs, and for which account." : `${plural(keys.data.items.length, "key")}: what signs, and for which account.`}>
			<Answer of={keys}>
				{({ items }) => {
					if (items.length === 0)
						return (
							<Empty title="There is no key yet">
								<p>
									A key is made by an operation that people approve: <code>gatehouse key create eth-hot --account options-hot</code>. Then it waits in the{" "}
									<a href={link("inbox")}>inbox</a> of those who approve keys.
								</p>
							</Empty>
						);
					const shown = items.filter(({ id, account, public_key }) => [id, account, public_key].some((text) => text.toLowerCase().includes(wanted)));
					return (
						<>
							{items.length > 6 && (
								<label class="field">
									<span>Find a key</span>
									<input type="search" value={words} onInput={(event) => setWords(event.currentTarget.value)} />
								</label>
							)}
							<ul class="cards">
								{shown.slice(0, 200).map((record) => (
									<Key key={record.id} record={record} />
								))}
							</ul>
							{shown.length > 200 && <p class="muted">The first 200 of {plural(shown.length, "key")}: find one by its id.</p>}
							{shown.length === 0 && <p class="muted">No key fits.</p>}
						</>
					);
				}}
			</Answer>
		</Page>
	);
}
