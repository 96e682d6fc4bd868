/*
 * The verifier as one page that is opened from disk: files are dropped or chosen, nothing is sent anywhere. Keys are pinned by a policy
 * file, or in a copy of the page that was saved with them.
 */
import { assess, type Assessment, provenVotes } from "./assess";
import { base64, type Bytes, equal, hex, octetsOf, shown, unbase64 } from "./bytes";
import { sha256 } from "./crypto";
import { parsePolicy, type Policy } from "./policy";
import { isReceipt, RECEIPT_MAX } from "./receipt";
import { Refusal } from "./refusal";
import { code, element, rows, viewOf } from "./view";
import { kindOf, type Question } from "./verify";

/* As the file is, before anything on it changes: copies are made of this. */
const source = document.documentElement.outerHTML;

interface Given {
	name: string;
	bytes: Bytes;
}

/* What was given so far. */
const given: { policy: Given | null; older: Given | null; consistency: Given | null; entry: Given | null; subjects: Given[] } = {
	policy: null,
	older: null,
	consistency: null,
	entry: null,
	subjects: [],
};

/* Names of files that came with others and would have pinned other keys. */
let notPinned: string[] = [];

function at<T extends HTMLElement = HTMLElement>(id: string): T {
	return document.getElementById(id) as T;
}

function say(text: string): void {
	at("said").textContent = text;
}

/* --- What a file is, by how it begins. --- */

type Role = "policy" | "subjects" | "consistency" | "entry";

function roleOf(bytes: Bytes): Role {
	const octets = octetsOf(bytes);
	if (isReceipt(octets) || octets.includes("\n\n\u00e2\u0080\u0094 "))
		return "subjects";
	if (octets.startsWith("{"))
		return "entry";
	return /^([A-Za-z0-9+/]{43}=\n)+$/.test(octets) ? "consistency" : "policy";
}

/* No more than shows that it is too large. */
async function read(file: File): Promise<Given> {
	return { name: file.name, bytes: new Uint8Array(await file.slice(0, RECEIPT_MAX + 1).arrayBuffer()) };
}

/* Whoever sends receipts may send a policy with them: one that comes so pins keys where nothing is pinned, and never other keys. */
function pinDropped(policies: Given[]): void {
	if (given.policy === null && policies.length === 1)
		given.policy = policies[0] as Given;
	const pinned = given.policy;
	notPinned = policies.filter(({ bytes }) => pinned === null || !equal(bytes, pinned.bytes)).map(({ name }) => name);
}

async function take(files: Iterable<File>): Promise<void> {
	const all = await Promise.all([...files].map(read));
	const subjects = all.filter(({ bytes }) => roleOf(bytes) === "subjects"), policies = all.filter(({ bytes }) => roleOf(bytes) === "policy");
	for (const file of all) {
		const role = roleOf(file.bytes);
		if (role === "consistency" || role === "entry")
			given[role] = file;
	}
	pinDropped(policies);
	if (subjects.length > 0)
		given.subjects = subjects;
	await show();
}

/* --- What is pinned. --- */

function keyText(key: Policy["logs"][number]): string {
	return `${shown(key.name)}+${Array.from(key.id, (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("")}`;
}

function notPinnedView(): HTMLElement[] {
	if (notPinned.length === 0)
		return [];
	const kept = given.policy === null ? "there are several, so no keys are pinned" : "the keys that were pinned stay";
	return [element("p", { class: "wrong" }, `${notPinned.join(", ")}: not taken as a policy, ${kept}. To pin by it, choose it as the policy file.`)];
}

async function pinsView(): Promise<HTMLElement[]> {
	if (given.policy === null)
		return [element("p", {}, "No keys are pinned. Without them nothing shows whose log a receipt is of.")];
	const { name, bytes } = given.policy;
	try {
		const policy = await parsePolicy(octetsOf(bytes));
		const quorum = policy.quorum === null ? "none: an operator with the log's keys could show two histories" : shown(policy.quorum.name);
		const list = rows([
			["pinned by", name],
			["SHA-256", code(hex(await sha256(bytes)))],
			["keys of logs", element("ul", {}, ...policy.logs.map((key) => element("li", {}, code(keyText(key)))))],
			["witnesses", policy.witnesses.length === 0 ? undefined : element("ul", {}, ...policy.witnesses.map((key) => element("li", {}, code(keyText(key)))))],
			["quorum", quorum],
		]);
		return [list];
	} catch (reason) {
		if (!(reason instanceof Refusal))
			throw reason;
		return [element("p", { class: "wrong" }, `${name} pins nothing: `, code(reason.error), ` ${reason.detail}`)];
	}
}

function saveCopy(): void {
	if (given.policy === null)
		return;
	const pinned = source.replace(/(<meta name="gatehouse-pinned" content=")[^"]*/, `$1${base64(given.policy.bytes)}`);
	const url = URL.createObjectURL(new Blob([`<!doctype html>\n${pinned}\n`], { type: "text/html" }));
	const link = element("a", { href: url, download: "gatehouse-verify.html" });
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 60_000);
	say("A copy of this page was saved, with these keys in it.");
}

/* --- Results. --- */

function questionOf(subject: Given): Question {
	const question: Question = { kind: kindOf(subject.bytes), subject: subject.bytes };
	if (given.policy !== null)
		question.policy = given.policy.bytes;
	if (given.older !== null)
		question.older = given.older.bytes;
	if (given.older !== null && given.consistency !== null)
		question.consistency = given.consistency.bytes;
	if (given.entry !== null && question.kind === "receipt" && !octetsOf(subject.bytes.subarray(0, 64)).includes("\nextra "))
		question.entry = given.entry.bytes;
	return question;
}

/* Twice, so that a decision may rest on votes whose receipts were given beside it. */
async function assessAll(): Promise<Assessment[]> {
	const alone = await Promise.all(given.subjects.map((subject) => assess(questionOf(subject))));
	return Promise.all(
		given.subjects.map(async (subject, i) => {
			const first = alone[i] as Assessment;
			if (first.verdict.result === "refused" || given.subjects.length === 1)
				return first;
			return assess(questionOf(subject), await provenVotes(alone, first.verdict.report.origin));
		}),
	);
}

const COUNTED = { verified: "verified", weaker: "weaker than verified, which is no pass", refused: "refused" } as const;

function summary(assessments: Assessment[]): string {
	if (assessments.length === 1)
		return `${given.subjects[0]?.name}: ${COUNTED[(assessments[0] as Assessment).result]}.`;
	const counts = (["verified", "weaker", "refused"] as const).map((result) => [assessments.filter((one) => one.result === result).length, COUNTED[result]] as const);
	return `${counts.filter(([count]) => count > 0).map(([count, said]) => `${count} ${said}`).join("; ")}.`;
}

function besideView(): HTMLElement {
	const name = (file: Given | null): string => file?.name ?? "none";
	return rows([
		["older head", name(given.older)],
		["consistency proof", name(given.consistency)],
		["entry beside the receipt", name(given.entry)],
	]);
}

let running = 0;

async function show(): Promise<void> {
	const turn = ++running;
	const pins = await pinsView(), assessments = await assessAll();
	if (turn !== running)
		return; /* something else was given meanwhile */
	at("pins").replaceChildren(...pins, ...notPinnedView());
	at<HTMLButtonElement>("save").disabled = given.policy === null;
	at("beside").replaceChildren(besideView());
	at("results").replaceChildren(...assessments.map((assessment, i) => viewOf(assessment, given.subjects[i]?.name ?? "")));
	at("reset").hidden = given.subjects.length === 0;
	if (assessments.length > 0)
		say(summary(assessments));
}

function fault(reason: unknown): void {
	at("results").replaceChildren(element("p", { class: "wrong" }, `This page failed, which is no verdict: ${String(reason)}`));
	say("This page failed, which is no verdict.");
}

/* --- The page. --- */

function chooseWith(id: string, use: (files: File[]) => Promise<void>): void {
	const input = at<HTMLInputElement>(id);
	input.addEventListener("change", () => {
		use([...(input.files ?? [])]).catch(fault);
		input.value = "";
	});
}

function chooseOne(id: string, role: "policy" | "older" | "consistency" | "entry"): void {
	chooseWith(id, async (files) => {
		if (files[0] === undefined)
			return;
		given[role] = await read(files[0]);
		notPinned = [];
		await show();
	});
}

function forgetSubjects(): void {
	Object.assign(given, { subjects: [], older: null, consistency: null, entry: null });
	show().catch(fault);
	say("The files were put away. The pinned keys stay.");
}

function watchDrops(): void {
	const mark = (isOver: boolean) => document.body.classList.toggle("over", isOver);
	document.addEventListener("dragover", (event) => {
		event.preventDefault();
		mark(true);
	});
	document.addEventListener("dragleave", (event) => mark(event.relatedTarget !== null));
	document.addEventListener("drop", (event) => {
		event.preventDefault();
		mark(false);
		take(event.dataTransfer?.files ?? []).catch(fault);
	});
}

function takePinned(): void {
	const content = document.querySelector<HTMLMetaElement>('meta[name="gatehouse-pinned"]')?.content ?? "";
	const bytes = unbase64(content);
	if (content !== "" && bytes !== null)
		given.policy = { name: "this copy of the page", bytes };
}

function start(): void {
	at("served").hidden = location.protocol === "file:";
	if (globalThis.crypto?.subtle === undefined) {
		fault("this browser gives a page opened in this way no WebCrypto; open the file from disk");
		return;
	}
	chooseWith("choose-files", take);
	chooseOne("choose-policy", "policy");
	chooseOne("choose-older", "older");
	chooseOne("choose-consistency", "consistency");
	chooseOne("choose-entry", "entry");
	at("save").addEventListener("click", saveCopy);
	at("reset").addEventListener("click", forgetSubjects);
	watchDrops();
	takePinned();
	show().catch(fault);
}

start();
