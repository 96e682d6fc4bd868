// Why: what each policy said, and every fact with its origin.

import type { Explanation, Fact, Missing } from "./api";
import type { Json } from "./canonical";
import { factSections, factWords } from "./facts";
import { dateTime, dollars, duration, missingText } from "./format";
import { Hash, Table } from "./ui";

function factText(name: string, value: Json): string | null {
	if (typeof value === "boolean") return value ? "yes" : "no";
	if (typeof value === "number") {
		if (name.endsWith("usd_cents")) return dollars(value);
		if (name.endsWith("_ms")) return value === 0 ? "0" : duration(Math.abs(value)) + (value < 0 ? " ago" : "");
		return value.toLocaleString("en-US");
	}
	if (typeof value === "string") return value === "" ? "none" : value;
	if (Array.isArray(value)) return value.map((one) => factText("", one as Json) ?? JSON.stringify(one)).join(", ") || "none";
	if (value !== null && typeof value === "object") {
		const record = value as Record<string, Json>;
		const extension = record["__extn"] as { fn?: string; arg?: string } | undefined;
		if (extension?.arg !== undefined) {
			const at = Date.parse(extension.arg);
			return extension.fn === "datetime" && !Number.isNaN(at) ? dateTime(at) : extension.arg;
		}
		if (record["__entity"] !== undefined) {
			const entity = record["__entity"] as { type: string; id: string };
			return `${entity.type} ${entity.id}`;
		}
		const inner = name.startsWith("limits.") ? "usd_cents" : "";
		return Object.entries(record).map(([member, one]) => `${member} ${factText(inner, one) ?? JSON.stringify(one)}`).join(" · ");
	}
	return null;
}

function FactValue({ name, value }: { name: string; value: Json }) {
	if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return <Hash value={value} />;
	return <>{factText(name, value) ?? JSON.stringify(value)}</>;
}

const ORIGINS: Record<string, string> = {
	verified: "by the keeper, from signed bytes or its own state",
	feed: "entered by an operation, or signed by a pinned feed key",
	reported: "by the gateway; may only narrow",
};

// A transfer as its facts tell it, where nothing else of it is at hand any more.
export interface Told {
	amount: string;
	chain: string;
	destinations: string[];
	fee: string;
}

export function transferOf(explanation: Explanation | undefined): Told | undefined {
	const facts = explanation?.facts;
	const fact = (name: string) => facts?.[`transfer.${name}`]?.value;
	const to = fact("destinations");
	if (facts === undefined || !Array.isArray(to)) return undefined;
	const milli = (value: Json | undefined) => (typeof value === "number" ? (value / 1000).toLocaleString("en-US", { maximumFractionDigits: 3 }) : undefined);
	const whole = milli(fact("amount_milli"));
	const amount = whole !== undefined ? `${whole} ${String(fact("symbol"))}` : `${String(fact("amount"))} smallest units of ${String(fact("asset"))}`;
	const cents = fact("fee_usd_cents");
	const fee = typeof cents === "number" ? dollars(cents) : `${String(fact("fee_max"))} smallest units`;
	return { amount, chain: String(fact("chain")), destinations: to.map(String), fee };
}

// What everything in a transfer can cost, in US cents.
export function worthOf(explanation: Explanation | undefined): number | undefined {
	const value = explanation?.facts["transfer.usd_cents"]?.value;
	return typeof value === "number" ? value : undefined;
}

// opened: how many of the first parts stand open, where there is room.
export function Facts({ facts, opened }: { facts: Record<string, Fact>; opened: number }) {
	const isNarrow = matchMedia("(max-width: 40rem)").matches;
	return (
		<>
			<p class="muted small">
				Every fact says where it comes from: <span class="origin verified">verified</span> {ORIGINS["verified"]}; <span class="origin feed">feed</span> {ORIGINS["feed"]};{" "}
				<span class="origin reported">reported</span> {ORIGINS["reported"]}.
			</p>
			{factSections(Object.keys(facts)).map(([title, names], at) => (
				<details key={title} class="facts" open={at < opened && !isNarrow}>
					<summary>
						{title} <span class="muted">{names.length}</span>
					</summary>
				<Table caption={`${title}: facts with their origin`} head={[title, "Value", "Origin"]}>
					{names.map((name) => {
						const fact = facts[name];
						return (
							fact !== undefined && (
								<tr key={name}>
									<th scope="row">
										{factWords(name) !== undefined && <span class="block">{factWords(name)}</span>}
										<span class="mono muted small">{name}</span>
									</th>
									<td class="wrap">
										<FactValue name={name} value={fact.value} />
									</td>
									<td>
										<span class={`origin ${fact.origin}`} title={ORIGINS[fact.origin] ?? ""}>
											{fact.origin}
										</span>
									</td>
								</tr>
							)
						);
					})}
				</Table>
				</details>
			))}
		</>
	);
}

const OUTCOMES: Record<string, string> = {
	satisfied: "holds",
	scope: "is about something else",
	condition: "its condition does not hold",
	error: "could not be evaluated",
};

type Policy = Explanation["policies"][number];

function PolicyLine({ policy }: { policy: Policy }) {
	const decides = policy.outcome === "satisfied" || policy.outcome === "error";
	const tone = !decides ? "plain" : policy.effect === "permit" && policy.outcome === "satisfied" ? "good" : "bad";
	return (
		<li class="policy">
			<span class={`pill ${tone}`}>{policy.effect}</span>
			<span class="policy-text">
				<span>{policy.reason ?? policy.id}</span>
				<span class="muted small">
					<code>{policy.id}</code> {OUTCOMES[policy.outcome] ?? policy.outcome}
					{policy.error !== undefined && `: ${policy.error}`}
				</span>
			</span>
		</li>
	);
}

// What it comes to, in one sentence.
function verdictOf({ decision, policies }: Explanation, missing: Missing): string {
	const forbids = policies.filter(({ effect, outcome }) => effect === "forbid" && (outcome === "satisfied" || outcome === "error"));
	if (decision === "permit") return "Permitted: a policy permits it, and none forbids it.";
	if (decision === "held") return `Not permitted yet. It would be, once approved by ${missingText(missing)}.`;
	return forbids.length > 0 ? "Denied: whatever else holds, this forbids it." : "Denied: no policy permits it.";
}

// missing: what is now, where votes have come since it was decided.
export function Policies({ explanation, missing }: { explanation: Explanation; missing?: Missing | undefined }) {
	const decisive = explanation.policies.filter(({ outcome }) => outcome === "satisfied" || outcome === "error");
	const near = explanation.decision === "permit" ? [] : explanation.policies.filter(({ outcome, effect }) => outcome === "condition" && effect === "permit");
	const others = explanation.policies.filter((policy) => !decisive.includes(policy) && !near.includes(policy));
	return (
		<>
			<p>{verdictOf(explanation, missing ?? explanation.missing ?? {})}</p>
			{decisive.length > 0 && (
				<ul class="policies">
					{decisive.map((policy) => (
						<PolicyLine key={policy.id} policy={policy} />
					))}
				</ul>
			)}
			{near.length > 0 && (
				<>
					<p class="muted">{explanation.decision === "held" ? "Permits that do not hold yet:" : "Permits that did not hold:"}</p>
					<ul class="policies">
						{near.map((policy) => (
							<PolicyLine key={policy.id} policy={policy} />
						))}
					</ul>
				</>
			)}
			<details>
				<summary>{others.length} policies have nothing to say about it</summary>
				<ul class="policies">
					{others.map((policy) => (
						<PolicyLine key={policy.id} policy={policy} />
					))}
				</ul>
			</details>
		</>
	);
}
