/*
 * Verifying one receipt or checkpoint offline, trusting pinned keys alone: docs/PROTOCOL.receipt §4. The verdict is that of
 * `gatehouse-verify receipt` and `gatehouse-verify checkpoint`, with the same names, for the same files; the tests compare them.
 */
import { type Bytes, Cursor, equal, hex, octetsOf, shown, utf8 } from "./bytes";
import { type Checkpoint, I64_MAX, parseCheckpoint } from "./checkpoint";
import { type Note, parseNote } from "./note";
import { checkSignatures, NO_SIGNATURES, parsePolicy, type Policy, type Signatures } from "./policy";
import { parseProof, verifyConsistency } from "./proof";
import { checkEntry, ENTRY_MAX, isReceipt, parseReceipt, type Receipt, RECEIPT_MAX } from "./receipt";
import { Refusal, refuse } from "./refusal";

export interface Question {
	kind: "receipt" | "checkpoint";
	subject: Bytes;
	entry?: Bytes; /* where it does not travel in the receipt */
	policy?: Bytes; /* a tlog-policy; without it nothing is proven */
	older?: Bytes; /* an older receipt or checkpoint */
	consistency?: Bytes; /* the proof that leads from it, lines of base64 */
}

export const WEAKNESSES = {
	"unpinned": "no key was given that the log must be signed by",
	"single-signature": "the head is not under both an Ed25519 and an ML-DSA-44 key of the log",
	"unwitnessed": "no quorum of witnesses cosigned: an operator with the log's keys could show two histories",
	"no-older-head": "nothing older was given to compare with",
	"older-not-compared": "the older head has another size and no consistency proof was given",
} as const;
export type Weakness = keyof typeof WEAKNESSES;

/* The members that gatehouse-verify reports. */
export interface Report {
	cosignatures: number;
	index?: string;
	leaf?: string;
	origin: string;
	root: string;
	signed_at?: string;
	size: string;
	witnessed_at?: string;
}

export type Verdict =
	| { result: "verified" | "weaker"; weaknesses: Weakness[]; report: Report; entry: Bytes | null }
	| { result: "refused"; error: string; detail: string };

interface Head {
	checkpoint: Checkpoint;
	signatures: Signatures;
	receipt: Receipt | null;
	leaf: Bytes | null; /* its hash, where the receipt carries its entry */
}

const CONSISTENCY_MAX = 64 * 1024;

function octetsUpTo(bytes: Bytes, max: number): string {
	if (bytes.length > max)
		refuse("io.size", `${bytes.length} bytes, at most ${max} are read`);
	return octetsOf(bytes);
}

async function readHead(bytes: Bytes, policy: Policy | null): Promise<Head> {
	const octets = octetsUpTo(bytes, RECEIPT_MAX);
	let note: Note, checkpoint: Checkpoint, receipt: Receipt | null = null, leaf: Bytes | null = null;
	if (isReceipt(octets)) {
		receipt = parseReceipt(octets);
		({ note, checkpoint } = receipt);
		leaf = receipt.entry === null ? null : await checkEntry(receipt, receipt.entry);
	} else {
		note = parseNote(octets);
		checkpoint = parseCheckpoint(note.text);
	}
	return { checkpoint, receipt, leaf, signatures: policy === null ? NO_SIGNATURES : checkSignatures(policy, note, checkpoint) };
}

function parseConsistency(bytes: Bytes): Bytes[] {
	const cursor = new Cursor(`${octetsUpTo(bytes, CONSISTENCY_MAX)}\n`);
	const hashes = parseProof(cursor, "consistency.proof");
	if (cursor.left > 0)
		refuse("consistency.trailing", `${cursor.left} bytes after the end`);
	return hashes;
}

/* Whether the two could be compared. */
async function compareHeads(older: Checkpoint, head: Checkpoint, consistency: Bytes[] | null): Promise<boolean> {
	if (older.origin !== head.origin)
		refuse("verify.other_origin", `the older head is of ${shown(older.origin)}, this one of ${shown(head.origin)}`);
	if (older.size > head.size)
		refuse("verify.behind", `the older head has ${older.size} entries, this one only ${head.size}`);
	if (older.size === head.size) {
		if (!equal(older.root, head.root))
			refuse("verify.fork", `there are two roots for ${head.size} entries`);
		return true;
	}
	if (consistency === null || older.size === 0n)
		return false;
	await verifyConsistency(older.size, older.root, head.size, head.root, consistency);
	return true;
}

async function compareWithOlder(question: Question, older: Head | null, head: Head, weaknesses: Weakness[]): Promise<void> {
	if (older === null) {
		if (weaknesses.includes("unwitnessed"))
			weaknesses.push("no-older-head");
		return;
	}
	const consistency = question.consistency === undefined ? null : parseConsistency(question.consistency);
	if (!(await compareHeads(older.checkpoint, head.checkpoint, consistency)))
		weaknesses.push("older-not-compared");
}

function weaknessesOf(policy: Policy | null, signatures: Signatures): Weakness[] {
	if (policy === null)
		return ["unpinned"];
	const found: Weakness[] = [];
	if (!signatures.hasEd25519 || !signatures.hasMldsa44)
		found.push("single-signature");
	if (!signatures.hasQuorum)
		found.push("unwitnessed");
	return found;
}

const TIME_MAX_MS = 253_402_300_799_999n;

/* undefined where there is no time, or none that has four digits for its year. */
function timeOf(seconds: bigint): string | undefined {
	const ms = seconds > I64_MAX / 1000n ? 0n : seconds * 1000n;
	return ms === 0n || ms > TIME_MAX_MS ? undefined : new Date(Number(ms)).toISOString();
}

function reportOf(head: Head, leaf: Bytes | null): Report {
	const { checkpoint, signatures } = head;
	const signedAt = timeOf(signatures.logTimeS), witnessedAt = timeOf(signatures.witnessedS);
	return {
		cosignatures: signatures.cosignatures,
		...(leaf !== null && head.receipt !== null && { index: head.receipt.index.toString(), leaf: hex(leaf) }),
		origin: shown(checkpoint.origin),
		root: hex(checkpoint.root),
		...(signedAt !== undefined && { signed_at: signedAt }),
		size: checkpoint.size.toString(),
		...(witnessedAt !== undefined && { witnessed_at: witnessedAt }),
	};
}

/* The entry that the receipt proves, and its leaf hash. */
async function proveEntry(question: Question, head: Head): Promise<{ entry: Bytes; leaf: Bytes }> {
	if (question.entry === undefined) {
		if (head.receipt === null || head.receipt.entry === null || head.leaf === null)
			refuse("usage.entry", "the receipt does not carry its entry: give the entry beside it");
		return { entry: head.receipt.entry, leaf: head.leaf };
	}
	if (question.entry.length > ENTRY_MAX)
		refuse("io.size", `${question.entry.length} bytes, at most ${ENTRY_MAX} are read`);
	const receipt = head.receipt ?? parseReceipt(octetsOf(question.subject));
	return { entry: question.entry, leaf: await checkEntry(receipt, question.entry) };
}

async function answer(question: Question): Promise<Verdict> {
	if (question.consistency !== undefined && question.older === undefined)
		refuse("usage.consistency", "a consistency proof needs the older head that it leads from");
	const policy = question.policy === undefined ? null : await parsePolicy(octetsUpTo(question.policy, RECEIPT_MAX));
	const older = question.older === undefined ? null : await readHead(question.older, policy);
	const head = await readHead(question.subject, policy);
	const proven = question.kind === "receipt" ? await proveEntry(question, head) : null;
	const weaknesses = weaknessesOf(policy, head.signatures);
	await compareWithOlder(question, older, head, weaknesses);
	return {
		result: weaknesses.length === 0 ? "verified" : "weaker",
		weaknesses,
		report: reportOf(head, proven === null ? null : proven.leaf),
		entry: proven === null ? null : proven.entry,
	};
}

export async function verify(question: Question): Promise<Verdict> {
	try {
		return await answer(question);
	} catch (reason) {
		if (!(reason instanceof Refusal))
			throw reason; /* a fault of this program is no verdict */
		return { result: "refused", error: reason.error, detail: reason.detail };
	}
}

/* Keys given one by one are a policy without witnesses. */
export function policyOfKeys(vkeys: string[]): Bytes {
	return utf8(`${vkeys.map((vkey) => `log ${vkey}\n`).join("")}quorum none\n`);
}

/* A receipt or a checkpoint, as far as the first line tells. */
export function kindOf(subject: Bytes): Question["kind"] {
	return isReceipt(octetsOf(subject.subarray(0, 32))) ? "receipt" : "checkpoint";
}
