// Both verifiers on a table of receipts that are wrong in one way each, and on receipts that a seed has changed anywhere: they must
// say the same, in the same words. TAP; GATEHOUSE_SOAK makes the second part long, GATEHOUSE_SEED draws another.

import { ask, clean } from "./ask.mjs";
import { Random } from "./forge.mjs";
import { good, older, pinned, proof, rows } from "./table.mjs";

const SEED = process.env.GATEHOUSE_SEED ?? "1", ROUNDS = process.env.GATEHOUSE_SOAK === "1" ? 5_000 : 600, AT_ONCE = 4;

// --- The table. ---

async function askTable() {
	const wrong = [];
	for (const { name, said, question } of rows) {
		const found = await ask(question).catch((reason) => reason.message);
		if (found !== said) wrong.push(`${name}: ${found}, expected ${said}`);
	}
	if (new Set(rows.map(({ name }) => name)).size !== rows.length) wrong.push("two rows of one name");
	console.log(`# result forged_receipts ${rows.length}`);
	return wrong;
}

// --- Changed anywhere. ---

const CHANGES = {
	bit: (text, random) => { const at = random.below(text.length); text[at] ^= 1 << random.below(8); return text; },
	byte: (text, random) => { text[random.below(text.length)] = random.of([0, 9, 10, 13, 32, 43, 47, 48, 57, 61, 65, 127, 128, 255]); return text; },
	cut: (text, random) => text.subarray(0, random.below(text.length)),
	drop: (text, random) => { const at = random.below(text.length), length = 1 + random.below(8); return Buffer.concat([text.subarray(0, at), text.subarray(at + length)]); },
	insert: (text, random) => { const at = random.below(text.length); return Buffer.concat([text.subarray(0, at), random.of([Buffer.from("\n"), Buffer.from(" "), Buffer.from("="), Buffer.from("0"), Buffer.from("+"), random.bytes(1)]), text.subarray(at)]); },
	line_gone: (text, random) => ofLines(text, (lines) => lines.toSpliced(random.below(lines.length), 1)),
	line_twice: (text, random) => ofLines(text, (lines) => { const at = random.below(lines.length); return lines.toSpliced(at, 0, lines[at]); }),
	lines_swapped: (text, random) => ofLines(text, (lines) => { const a = random.below(lines.length), b = random.below(lines.length); return lines.with(a, lines[b]).with(b, lines[a]); }),
	line_of_another: (text, random, all) => ofLines(text, (lines) => lines.with(random.below(lines.length), random.of(random.of(all).toString("latin1").split("\n")))),
	number: (text, random) => Buffer.from(text.toString("latin1").replace(/\b[0-9]+\b/, () => random.of(["0", "1", "8", "9", "10", "12", "14", "64", "9223372036854775807", "18446744073709551615"])), "latin1"),
	word: (text, random) => Buffer.from(text.toString("latin1").replace(/\b(any|all|quorum|group|witness|log|index|extra)\b/, () => random.of(["any", "all", "quorum", "group", "witness", "log", "2", "none"])), "latin1"),
};

function ofLines(text, change) {
	return Buffer.from(change(text.toString("latin1").split("\n")).join("\n"), "latin1");
}

/* One of the files, changed once; one time in four once more. */
function drawQuestion(random, pool) {
	const { kind, ...files } = random.of(pool), all = Object.values(files).map((text) => Buffer.from(text));
	const name = random.of(["subject", "subject", "subject", ...Object.keys(files)]);
	let text = Buffer.from(files[name]), said = name;
	for (let times = random.below(4) === 0 ? 2 : 1; times > 0 && text.length > 0; times--) {
		const change = random.of(Object.keys(CHANGES));
		text = CHANGES[change](Buffer.from(text), random, all);
		said += ` ${change}`;
	}
	return { said, question: { kind, ...files, [name]: text } };
}

async function askChanged() {
	const random = new Random(SEED), counts = new Map(), wrong = [];
	const pool = [{ kind: "receipt", subject: good, policy: pinned, older, consistency: proof }, ...rows.map(({ question }) => question)]
		.map((question) => Object.fromEntries(Object.entries(question).filter(([, value]) => value !== undefined)))
		.filter(({ subject }) => subject.length > 0 && subject.length < 200_000);
	let asked = 0;
	const worker = async () => {
		while (asked < ROUNDS) {
			const round = asked++, { said, question } = drawQuestion(random, pool);
			const found = await ask(question).catch((reason) => void wrong.push(`round ${round}, ${said}: ${reason.message}`));
			counts.set(found, (counts.get(found) ?? 0) + 1);
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, worker));
	console.log(`# result changed_receipts ${asked}`);
	console.log(`# result verdicts ${counts.size}`);
	for (const [name, count] of [...counts].sort()) console.log(`# ${count} ${name}`);
	if (!counts.has("verified") || counts.size < 20) wrong.push("the changes reach too little");
	return wrong;
}

// --- TAP. ---

const tests = [
	[`both verifiers say the same of ${rows.length} receipts, and what they must`, askTable],
	[`both verifiers say the same of ${ROUNDS} receipts that seed ${SEED} changed`, askChanged],
];
console.log(`TAP version 13\n1..${tests.length}`);
for (const [at, [name, test]] of tests.entries()) {
	const wrong = await test();
	console.log(`${wrong.length === 0 ? "ok" : "not ok"} ${at + 1} - ${name}`);
	for (const line of wrong.slice(0, 20).join("\n").split("\n").filter((text) => text !== "")) console.log(`# ${line}`);
	if (wrong.length > 0) process.exitCode = 1;
}
clean();
