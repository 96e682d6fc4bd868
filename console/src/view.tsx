// What an approver reads of an operation: the view of docs/PROTOCOL.approval, every member of it and nothing else.

import type { ComponentChildren } from "preact";
import type { Asset, Movement, Page, Transaction, View } from "./api";
import type { Json } from "./canonical";
import { chainName, dollars, nameOf, price, priceChange } from "./format";
import { everything, useResource } from "./resource";
import { Hash, Term, Terms, Time, Who } from "./ui";
import { fees, isAllowance, moved } from "./words";

export function Address({ value }: { value: string }) {
	// In groups of four, so that eyes can keep their place.
	const groups = value.match(/.{1,4}/g) ?? [];
	return (
		<span class="address mono" title={value}>
			<span class="hidden">{value}</span>
			<span aria-hidden="true">
				{groups.map((group, at) => (
					<span key={at} class="group">
						{group}
					</span>
				))}
			</span>
		</span>
	);
}

function Payment({ movement }: { movement: Movement }) {
	return (
		<li class="payment">
			<span class="amount">{movement.text}</span>
			<span class="to">
				<span class="muted">{isAllowance(movement) ? "may be spent by" : "to"}</span> <Address value={movement.destination} />
			</span>
			<span class="muted small">{movement.asset}</span>
		</li>
	);
}

export function JsonValue({ value }: { value: Json }): ComponentChildren {
	if (value === null) return <span class="muted">none</span>;
	if (typeof value === "boolean") return value ? "yes" : "no";
	if (typeof value === "number") return String(value);
	if (typeof value === "string") {
		if (value === "") return <span class="muted">none</span>;
		if (/^(0x)?[0-9a-f]{40,}$/i.test(value)) return <Hash value={value} />;
		return value.length > 400 ? <pre class="text">{value}</pre> : value;
	}
	if (Array.isArray(value)) {
		if (value.length === 0) return <span class="muted">none</span>;
		return (
			<ol class="plain">
				{value.map((one, at) => (
					<li key={at}>
						<JsonValue value={one as Json} />
					</li>
				))}
			</ol>
		);
	}
	return (
		<Terms>
			{Object.entries(value as Record<string, Json>).map(([name, member]) => (
				<Term key={name} name={name.replaceAll("_", " ")}>
					<JsonValue value={member} />
				</Term>
			))}
		</Terms>
	);
}

function TransactionView({ transaction, resource, cents }: { transaction: Transaction; resource: string; cents: number | undefined }) {
	return (
		<>
			{transaction.approve_unlimited && <p class="note bad">This hands over everything that the key will ever hold of the asset.</p>}
			{transaction.call_unrecognised && <p class="note bad">The decoder does not fully understand what this transaction does.</p>}
			<ul class="payments">
				{moved(transaction).map((movement, at) => (
					<Payment key={at} movement={movement} />
				))}
			</ul>
			<Terms>
				<Term name="From key">
					<strong>{nameOf(resource).name}</strong>
				</Term>
				{transaction.from !== "" && (
					<Term name="From address">
						<Address value={transaction.from} />
					</Term>
				)}
				<Term name="Chain">
					{chainName(transaction.chain)} <span class="muted">{transaction.chain}</span>
				</Term>
				<Term name="Fee at most">{fees(transaction).map(({ text }) => text).join(", ") || "none"}</Term>
				{cents !== undefined && <Term name="Worth, with the fee">{dollars(cents)}</Term>}
			</Terms>
		</>
	);
}

// The new price is what was signed; the one in force what the keeper says.
function PriceView({ view }: { view: View }) {
	const assets = useResource<Page<Asset>>("/v1/prices", { live: true, read: everything });
	const asset = assets.data?.items.find(({ id }) => view.resource === `asset:${id}`);
	const now = Number(view.payload?.["microcents"]);
	return (
		<Terms>
			<Term name="New price">{price(now)}</Term>
			<Term name="Price in force">
				{asset?.microcents !== undefined ? price(asset.microcents) : assets.data === undefined ? "not known" : "none"}
				{asset?.recorded_at !== undefined && <> · <Time at={asset.recorded_at} /></>}
			</Term>
			{asset?.microcents !== undefined && <Term name="Change">{priceChange(asset.microcents, now)}</Term>}
		</Terms>
	);
}

export function Emergency() {
	return (
		<p class="note bad">
			<span>
				<strong>The glass is broken.</strong> Whoever asked says that this cannot wait: other people may decide, waits are shorter, and it is reviewed afterwards.
			</span>
		</p>
	);
}

// Members that this page has no place for are shown as they are: what is signed is the whole view.
const KNOWN = new Set(["break_glass", "kind", "payload", "principal", "reason", "reference", "resource", "transaction", "type"]);
const KNOWN_OF_TRANSACTION = new Set(["approve_unlimited", "call_unrecognised", "chain", "destinations", "details", "format", "from", "kind", "movements", "payload_hash", "type"]);

function others(record: object, known: Set<string>): Record<string, Json> {
	return Object.fromEntries(Object.entries(record).filter(([name]) => !known.has(name))) as Record<string, Json>;
}

export function OperationView({ view, cents }: { view: View; cents?: number | undefined }) {
	const more = { ...others(view, KNOWN), ...others(view.transaction ?? {}, KNOWN_OF_TRANSACTION) };
	return (
		<>
			{view.break_glass === true && <Emergency />}
			{view.transaction !== undefined && <TransactionView transaction={view.transaction} resource={view.resource} cents={cents} />}
			{view.kind === "price.set" && <PriceView view={view} />}
			{view.payload !== undefined && view.kind !== "policy.activate" && Object.keys(view.payload).length > 0 && <JsonValue value={view.payload} />}
			<Terms>
				<Term name="Asked for by">
					<Who id={view.principal} />
				</Term>
				{view.transaction === undefined && <Term name="On">{view.resource}</Term>}
				{view.reason !== "" && <Term name="Reason">{view.reason}</Term>}
				{view.reference !== "" && <Term name="Reference">{view.reference}</Term>}
			</Terms>
			{view.transaction !== undefined && (
				<details>
					<summary>Everything in the transaction</summary>
					<Terms>
						<Term name="kind">{view.transaction.kind.replaceAll("_", " ")}</Term>
						<Term name="format">{view.transaction.format}</Term>
						<Term name="SHA-256 of its bytes">
							<Hash value={view.transaction.payload_hash} />
						</Term>
					</Terms>
					<JsonValue value={view.transaction.details} />
				</details>
			)}
			{Object.keys(more).length > 0 && <JsonValue value={more} />}
			{view.kind === "policy.activate" && view.payload !== undefined && <PolicyPayload payload={view.payload} />}
		</>
	);
}

function PolicyPayload({ payload }: { payload: Record<string, Json> }) {
	const bundle = payload["bundle"] as Record<string, Json> | undefined;
	if (bundle === undefined) return null;
	const texts = Object.entries(bundle).filter(([, value]) => Array.isArray(value) && value.length > 0) as [string, { file: string; text: string }[]][];
	return (
		<>
			<JsonValue value={others(payload, new Set(["bundle"]))} />
			{texts.map(([part, files]) =>
				files.map(({ file, text }) => (
					<details key={`${part}/${file}`}>
						<summary>
							{part}: {file}
						</summary>
						<pre class="text">{text}</pre>
					</details>
				)),
			)}
		</>
	);
}
