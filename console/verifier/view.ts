/* An assessment as elements of a page: text only, nothing that is interpreted. The standalone page and the console show the same. */
import type { Assessment } from "./assess";
import { isObject, type Json, type JsonObject } from "./canonical";
import type { Check } from "./evidence";
import type { Entry } from "./entry";
import { WEAKNESSES } from "./verify";

type Child = Node | string;

/* What is shown came from elsewhere: characters that nobody sees, or that turn the order of others round, are spelled out. */
function visible(text: string): string {
	const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
	return text.replace(hidden, (c) => `\\u{${c.charCodeAt(0).toString(16)}}`);
}

export function element(name: string, attributes: Record<string, string> = {}, ...children: Child[]): HTMLElement {
	const made = document.createElement(name);
	for (const [attribute, value] of Object.entries(attributes))
		made.setAttribute(attribute, value);
	made.append(...children.map((child) => (typeof child === "string" ? visible(child) : child)));
	return made;
}

function section(title: string, ...children: Child[]): HTMLElement {
	return element("section", {}, element("h4", {}, title), ...children);
}

/* Rows of name and value; those without a value are left out. */
export function rows(pairs: [string, Child | undefined][]): HTMLElement {
	const list = element("dl");
	for (const [name, value] of pairs)
		if (value !== undefined && value !== "")
			list.append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
	return list;
}

export function code(text: string): HTMLElement {
	return element("code", {}, text);
}

const DATE_MAX_MS = 8.64e15; /* ECMA-262, time values: beyond it a date has no text, and asking for it throws */

/* Whoever wrote the entry chose the number. */
function time(ms: number): string {
	if (Math.abs(ms) > DATE_MAX_MS)
		return `${ms} ms after 1970 began`;
	return new Date(ms).toISOString().replace("T", " ").replace(".000Z", " UTC").replace("Z", " UTC");
}

/* --- The verdict. --- */

const SAID = {
	verified: { mark: "\u2713", title: "Verified", text: "Nothing is missing: the entry stands in this log, under both of its keys, and the witnesses saw the same log." },
	weaker: { mark: "!", title: "Weaker than verified", text: "This is not a pass. It is sound as far as it goes, and this is missing:" },
	refused: { mark: "\u2715", title: "Refused", text: "This contradicts what is pinned, or itself." },
} as const;

export function verdictOf(assessment: Assessment): HTMLElement {
	const { result, error, detail, weaknesses } = assessment, said = SAID[result];
	const text = result === "verified" && assessment.entry === null ? "Nothing is missing: this head is under both of the log's keys, and the witnesses saw it." : said.text;
	const block = element("div", { class: `verdict ${result}` }, element("span", { class: "mark", "aria-hidden": "true" }, said.mark));
	const body = element("div", {}, element("p", { class: "title" }, said.title), element("p", {}, text));
	if (error !== null)
		body.append(element("p", {}, code(error), ` ${detail}`));
	if (weaknesses.length > 0)
		body.append(element("ul", {}, ...weaknesses.map((name) => element("li", {}, code(name), ` ${WEAKNESSES[name]}`))));
	block.append(body);
	return block;
}

function head({ verdict }: Assessment): Child[] {
	if (verdict.result === "refused")
		return [];
	const { report } = verdict;
	return [
		section(
			"The log's head",
			rows([
				["log", code(report.origin)],
				["entries", report.size],
				["this entry", report.index],
				["signed", report.signed_at && time(Date.parse(report.signed_at))],
				["cosignatures", String(report.cosignatures)],
				["newest cosignature", report.witnessed_at && time(Date.parse(report.witnessed_at))],
				["root", code(report.root)],
				["leaf", report.leaf && code(report.leaf)],
			]),
		),
	];
}

/* --- The entry. --- */

const STATES = { holds: ["\u2713", "holds"], contradicts: ["\u2715", "contradicts"], unchecked: ["\u2013", "not checked"] } as const;

function evidence(checks: Check[]): Child[] {
	if (checks.length === 0)
		return [];
	const items = checks.map(({ name, state, text }) => {
		const [mark, said] = STATES[state], shown = element("span", {}, element("strong", {}, said), ` ${text} `, code(name));
		return element("li", { class: state }, element("span", { class: "mark", "aria-hidden": "true" }, mark), shown);
	});
	return [section("What the entry proves of itself", element("ul", { class: "evidence" }, ...items))];
}

function scalar(value: Json): string {
	if (isObject(value) && isObject(value["__extn"]))
		return String(value["__extn"]["arg"]);
	if (isObject(value) && isObject(value["__entity"]))
		return `${String(value["__entity"]["type"])} ${String(value["__entity"]["id"])}`;
	return typeof value === "string" ? value : JSON.stringify(value);
}

/* A record of numbers by name, such as limits by window, is spread over rows. */
function flatten(name: string, value: Json): [string, string][] {
	if (isObject(value) && value["__extn"] === undefined && value["__entity"] === undefined)
		return Object.entries(value).flatMap(([key, inner]) => flatten(`${name}.${key}`, inner));
	return [[name, scalar(value)]];
}

const ORIGINS: Record<string, string> = {
	verified: "verified: by the keeper itself",
	feed: "feed: entered by an operation, or signed by a feed",
	reported: "reported: by the gateway; may only narrow",
};

function facts(all: JsonObject): Child[] {
	const origins = ["verified", "feed", "reported"].filter((origin) => isObject(all[origin]) && Object.keys(all[origin]).length > 0);
	const row = ([name, value]: [string, string]) => element("tr", {}, element("th", { scope: "row" }, code(name)), element("td", {}, value));
	const bodies = origins.map((origin) => {
		const header = element("tr", {}, element("th", { colspan: "2", scope: "rowgroup" }, ORIGINS[origin] as string));
		return element("tbody", {}, header, ...Object.entries(all[origin] as JsonObject).flatMap(([name, value]) => flatten(name, value)).map(row));
	});
	const summary = element("summary", {}, "Facts that the policy saw, each with its origin");
	return bodies.length === 0 ? [] : [element("details", {}, summary, element("table", {}, ...bodies))];
}

function names(value: Json | undefined): string | undefined {
	return Array.isArray(value) && value.length > 0 ? value.map(scalar).join(", ") : undefined;
}

function pairsOf(value: Json | undefined): HTMLElement | undefined {
	if (!isObject(value) || Object.keys(value).length === 0)
		return undefined;
	return rows(Object.entries(value).flatMap(([name, inner]) => flatten(name, inner)).map(([name, inner]) => [name, code(inner)]));
}

function textOf(value: Json | undefined): string | undefined {
	return value === undefined ? undefined : scalar(value);
}

function votes(value: Json | undefined): HTMLElement | undefined {
	if (!Array.isArray(value) || value.length === 0)
		return undefined;
	const part = (vote: JsonObject, name: string) => code(scalar(vote[name] ?? ""));
	const item = (vote: JsonObject) => element("li", {}, `${scalar(vote["verdict"] ?? "")} by `, part(vote, "person"), " with ", part(vote, "key"));
	return element("ul", {}, ...value.filter(isObject).map(item));
}

const DECISIONS = new Map([["permit", "permitted"], ["deny", "denied"], ["held", "held: it waits for approvals"]]);
const OUTCOMES = new Map([
	["none", "nothing was done"],
	["done", "done"],
	["failed", "permitted, and failed"],
	["intended", "begun; its outcome is an entry of its own"],
]);

/* 1234567 thousandths: "1,234.567". */
function thousandths(value: Json | undefined): string | undefined {
	if (typeof value !== "number")
		return undefined;
	const [whole, part] = (value / 1000).toFixed(3).split(".") as [string, string];
	return `${whole.replace(/\B(?=(\d{3})+$)/g, ",")}${part === "000" ? "" : `.${part.replace(/0+$/, "")}`}`;
}

/* What a transfer moves, as the keeper decoded it; its facts stand below with their origins. */
function transfer(body: JsonObject): [string, Child | undefined][] {
	const { verified, feed } = isObject(body["facts"]) ? body["facts"] : {};
	if (!isObject(verified) || typeof verified["transfer.kind"] !== "string")
		return [];
	const known = isObject(feed) ? feed : {}, amount = thousandths(known["transfer.amount_milli"]);
	const exact = textOf(verified["transfer.amount"]), cents = known["transfer.amount_usd_cents"];
	return [
		["moves", exact && `${exact} smallest units of ${scalar(verified["transfer.asset"] ?? "")}`],
		["which is about", amount && `${amount} ${scalar(known["transfer.symbol"] ?? "")}`],
		["worth", typeof cents === "number" ? `${(cents / 100).toFixed(2)} USD at that day's price` : undefined],
		["from", codeOf(verified["transfer.from"])],
		["to", Array.isArray(verified["transfer.destinations"]) ? code(verified["transfer.destinations"].map(scalar).join(", ")) : undefined],
		["on chain", textOf(verified["transfer.chain"])],
	];
}

function decision(body: JsonObject): Child[] {
	const document = isObject(body["document"]) ? body["document"] : {};
	return [
		section(
			"The operation",
			rows([
				["what", textOf(document["kind"])],
				["on", codeOf(document["resource"])],
				["asked by", codeOf(document["principal"])],
				...transfer(body),
				["reason", textOf(document["reason"])],
				["reference", textOf(document["reference"])],
				["legal entity", textOf(body["legal_entity"])],
				["payload", pairsOf(body["payload"])],
			]),
		),
		section(
			"The decision",
			rows([
				["decision", DECISIONS.get(scalar(body["decision"] ?? "")) ?? textOf(body["decision"])],
				["by policy", names(body["reasons"])],
				["missing", pairsOf(body["missing"])],
				["outcome", OUTCOMES.get(scalar(body["outcome"] ?? "")) ?? textOf(body["outcome"])],
				["error", textOf(body["error"])],
				["votes", votes(body["votes"])],
				["result", pairsOf(body["result"])],
			]),
			...(isObject(body["facts"]) ? facts(body["facts"]) : []),
		),
	];
}

function codeOf(value: Json | undefined): HTMLElement | undefined {
	return value === undefined ? undefined : code(scalar(value));
}

function vote(body: JsonObject): Child[] {
	const statement = isObject(body["statement"]) ? body["statement"] : {};
	return [
		section(
			"The vote",
			rows([
				["verdict", textOf(statement["verdict"])],
				["reason", textOf(statement["reason"])],
				["by", codeOf(statement["person"])],
				["with", codeOf(body["key"])],
				["through", textOf(statement["client"])],
				["on operation", codeOf(statement["operation_id"])],
				["view that was signed for", codeOf(statement["view_digest"])],
			]),
		),
	];
}

function signIn(body: JsonObject): Child[] {
	const at = body["signed_in_at"];
	return [section("The sign-in", rows([["with", codeOf(body["key"])], ["level", textOf(body["aal"])], ["at", typeof at === "number" ? time(at) : undefined]]))];
}

const PARTS = new Map([["decision", decision], ["intent", decision], ["vote", vote], ["sign_in", signIn]]);

function titleOf(entry: Entry): string {
	const { body } = entry, document = isObject(body["document"]) ? body["document"] : {};
	if ((entry.type === "decision" || entry.type === "intent") && typeof document["kind"] === "string")
		return `${document["kind"]} on ${scalar(document["resource"] ?? "")}: ${DECISIONS.get(scalar(body["decision"] ?? "")) ?? ""}`;
	return `An entry of type ${entry.type}`;
}

function entryOf(assessment: Assessment): Child[] {
	const { entry, leaf } = assessment;
	if (leaf === null)
		return [];
	const text = entry === null ? new TextDecoder().decode(leaf) : JSON.stringify(entry.body, null, 2);
	const raw = element("details", {}, element("summary", {}, "The entry as it stands in the log"), element("pre", { tabindex: "0" }, text));
	if (entry === null)
		return [raw];
	const parts = PARTS.get(entry.type)?.(entry.body) ?? [];
	const about = section("The entry", rows([["type", entry.type], ["recorded", time(entry.at)], ["number of its type", String(entry.seq)]]));
	return [...parts, ...evidence(assessment.checks), about, raw];
}

/* All of it: an article with a heading of level 3, named as the file is. Its looks: report.css. */
export function viewOf(assessment: Assessment, name: string): HTMLElement {
	const { entry } = assessment;
	const title = element("h3", { tabindex: "-1" }, name), what = entry === null ? [] : [element("p", { class: "what" }, titleOf(entry))];
	return element("article", { class: "report" }, title, verdictOf(assessment), ...what, ...entryOf(assessment), ...head(assessment));
}
