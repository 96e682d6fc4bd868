import { useState } from "preact/hooks";
import { Act } from "../act";
import type { KeyRecord, Page as PageOf, SharingOfKey } from "../api";
import { chainName, plural } from "../format";
import { readAll, useResource } from "../resource";
import { link } from "../route";
import { Answer, Empty, Hash, Page, Term, Terms, Time } from "../ui";

const TONES: Record<string, string> = { active: "good", frozen: "wait", rotated: "plain", destroyed: "bad" };

function readKeys(path: string, aborted?: AbortSignal): Promise<PageOf<KeyRecord>> {
	return readAll<KeyRecord>(path, aborted).then((items) => ({ items }));
}

const SCHEMES: Record<string, string> = { bip340: "FROST, for Taproot", ecdsa: "threshold ECDSA", ed25519: "FROST, Ed25519" };

function names(parties: readonly { name: string }[]): string {
	return parties.map(({ name }) => name).join(", ");
}

function Refresh({ id }: { id: string }) {
	return (
		<Act label="Refresh…" intention={{ kind: "key.refresh", resource: `key:${id}`, payload: {} }} ask="Why (kept in the log for ever; name nobody)">
			All keepers that share {id} deal it anew: the key and its addresses stay, every share is another. All of them must be there, and the policies say who approves it first.
		</Act>
	);
}

// A shared key, as the keeper that answers sees it.
function Sharing({ id, sharing: { epoch, scheme, threshold, parties: count } }: { id: string; sharing: NonNullable<KeyRecord["sharing"]> }) {
	const shared = useResource<SharingOfKey>(`/v1/keys/${id}/sharing`, { live: true });
	return (
		<>
			<Term name="Shared">
				any {threshold} of {plural(count, "keeper")} sign together; nowhere is it whole <span class="muted small block">{SCHEMES[scheme] ?? scheme}, epoch {epoch}</span>
			</Term>
			<Answer of={shared} rows={2}>
				{({ address, dealt_at, holder, prepared, ready, refresh_due_at, refresh_is_overdue, sharing }) => {
					const others = sharing.parties.filter(({ index }) => index !== holder);
					const lacking = others.filter(({ index }) => ready?.includes(index) === false);
					return (
						<>
							{address !== undefined && (
								<Term name="Address">
									<span class="mono">{address}</span>
								</Term>
							)}
							<Term name="Keepers">{names(sharing.parties)}</Term>
							<Term name="Here">
								{holder === undefined ? (
									"this keeper holds no share of it"
								) : (
									<>
										this keeper holds share {holder}
										{lacking.length > 0 && (
											<>
												<span class="block">
													<span class="pill wait">needs a refresh</span> before it signs together with {names(lacking)}: a check failed, or a peer was admitted anew
												</span>
												{refresh_is_overdue !== true && <Refresh id={id} />}
											</>
										)}
									</>
								)}
							</Term>
							<Term name="Dealt">
								<Time at={dealt_at} both />
								{refresh_due_at !== undefined && (
									<span class="block">
										{refresh_is_overdue === true ? <span class="pill wait">overdue: refresh it</span> : "to be dealt anew by"} <Time at={refresh_due_at} both />
									</span>
								)}
								{refresh_is_overdue === true && <Refresh id={id} />}
							</Term>
							{holder !== undefined && scheme === "ecdsa" && <Term name="Prepared">{plural(prepared, "signature")} in advance</Term>}
						</>
					);
				}}
			</Answer>
		</>
	);
}

function Freezing({ record }: { record: KeyRecord }) {
	if (record.state === "active")
		return (
			<Act label="Freeze…" tone="danger" intention={{ kind: "key.freeze", resource: `key:${record.id}`, payload: {}, isProtective: true }} ask="Why (kept in the log for ever; name nobody)">
				Nothing is signed with {record.id} any more, at once, until it is unfrozen. What already left stays valid.
			</Act>
		);
	if (record.state === "frozen")
		return (
			<Act label="Unfreeze…" intention={{ kind: "key.unfreeze", resource: `key:${record.id}`, payload: {} }} ask="Why (kept in the log for ever; name nobody)">
				{record.id} signs again. The policies say who must approve that first.
			</Act>
		);
	return null;
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
				{record.sharing !== undefined && <Sharing id={record.id} sharing={record.sharing} />}
				{record.successor !== undefined && <Term name="Successor">{record.successor}</Term>}
				<Term name="Made">
					<Time at={record.created} both />
				</Term>
			</Terms>
			<Freezing record={record} />
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
