/*
 * The pinned policy (C2SP tlog-policy): whose logs and witnesses are trusted, and which cosignatures are enough. As
 * src/ledger/tlog_policy.c reads it: the same limits, the same names of errors.
 */
import { Cursor, decimal, equal, shown } from "./bytes";
import { type Checkpoint, checkCosignature } from "./checkpoint";
import { checkEd25519, findSignature, type Note, type NoteKey, parseKey, TYPE_COSIGNATURE_ED25519, TYPE_COSIGNATURE_MLDSA44, TYPE_ED25519 } from "./note";
import { Refusal, refuse } from "./refusal";

const POLICY_MAX = 1024 * 1024;
const ROWS_MAX = 64; /* of logs, of witnesses and of groups */
const WORDS_MAX = 3 + ROWS_MAX + ROWS_MAX;

interface Party {
	name: string;
	group: Group | null; /* null: the witness of that number */
	witness: number;
	isMember: boolean; /* of a group already */
}

interface Group {
	threshold: number;
	members: Party[];
}

export interface Policy {
	logs: NoteKey[];
	witnesses: NoteKey[];
	groups: number;
	parties: Party[];
	hasQuorumLine: boolean;
	quorum: Party | null; /* null: none is demanded */
}

interface Line {
	number: number;
	words: string[];
}

function refuseLine(line: Line, error: string, text: string): never {
	refuse(`policy.${error}`, `line ${line.number}: ${text}`);
}

/* --- Parsing. --- */

function splitWords(text: string, line: Line): string[] {
	for (let at = 0; at < text.length; at++) {
		const c = text.charAt(at);
		if ((c < " " && c !== "\t") || c === "\x7f")
			refuseLine(line, "character", `a control character at column ${at + 1}`);
	}
	const words = text.split(/[ \t]+/).filter((word) => word !== "");
	if (words[0]?.startsWith("#"))
		return [];
	if (words.length > WORDS_MAX)
		refuseLine(line, "words", `more than ${WORDS_MAX} words`);
	return words;
}

function expectWords(line: Line, least: number, most: number): void {
	if (line.words.length < least || line.words.length > most)
		refuseLine(line, "words", `${line.words.length} words, expected ${least} to ${most}`);
}

async function addKey(line: Line, vkey: string, classical: number, keys: NoteKey[]): Promise<void> {
	if (keys.length === ROWS_MAX)
		refuseLine(line, "limit", `more than ${ROWS_MAX} of them`);
	const key = await parseKey(vkey).catch((reason: unknown) =>
		reason instanceof Refusal ? refuseLine(line, "vkey", reason.message) : Promise.reject(reason));
	if (key.type !== classical && key.type !== TYPE_COSIGNATURE_MLDSA44)
		refuseLine(line, "key_type", `${key.type}, expected ${classical} or ${TYPE_COSIGNATURE_MLDSA44}`);
	if (keys.some((other) => equal(other.publicKey, key.publicKey)))
		refuseLine(line, "duplicate_key", "the same public key as of another before");
	keys.push(key);
}

function findParty(policy: Policy, name: string): Party | undefined {
	return policy.parties.find((party) => party.name === name);
}

function addParty(policy: Policy, line: Line, name: string, group: Group | null, witness: number): void {
	if (name === "none")
		refuseLine(line, "name", "none is not a name");
	if (findParty(policy, name) !== undefined)
		refuseLine(line, "name", `${shown(name)} is defined twice`);
	policy.parties.push({ name, group, witness, isMember: false });
}

async function parseLog(policy: Policy, line: Line): Promise<void> {
	expectWords(line, 2, 3);
	await addKey(line, line.words[1] as string, TYPE_ED25519, policy.logs);
}

async function parseWitness(policy: Policy, line: Line): Promise<void> {
	expectWords(line, 3, 4);
	await addKey(line, line.words[2] as string, TYPE_COSIGNATURE_ED25519, policy.witnesses);
	addParty(policy, line, line.words[1] as string, null, policy.witnesses.length - 1);
}

function parseThreshold(line: Line, word: string, members: number): number {
	if (word === "all" || word === "any")
		return word === "all" ? members : 1;
	const number = decimal(word);
	if (number === null || number < 1n || number > BigInt(members))
		refuseLine(line, "threshold", `${shown(word)}, expected all, any or 1 to ${members}`);
	return Number(number);
}

function takeMember(policy: Policy, line: Line, name: string): Party {
	const member = findParty(policy, name);
	if (member === undefined)
		refuseLine(line, "undefined", `${shown(name)} is not defined above`);
	if (member.isMember)
		refuseLine(line, "member", `${shown(name)} is a member of a group already`);
	member.isMember = true;
	return member;
}

async function parseGroup(policy: Policy, line: Line): Promise<void> {
	expectWords(line, 4, WORDS_MAX);
	if (policy.groups === ROWS_MAX)
		refuseLine(line, "limit", `more than ${ROWS_MAX} groups`);
	policy.groups++;
	const [, name, word, ...names] = line.words as [string, string, string, ...string[]];
	const threshold = parseThreshold(line, word, names.length);
	addParty(policy, line, name, { threshold, members: names.map((member) => takeMember(policy, line, member)) }, -1);
}

async function parseQuorum(policy: Policy, line: Line): Promise<void> {
	expectWords(line, 2, 2);
	if (policy.hasQuorumLine)
		refuseLine(line, "quorum", "a second quorum");
	policy.hasQuorumLine = true;
	const name = line.words[1] as string;
	if (name === "none")
		return;
	policy.quorum = findParty(policy, name) ?? refuseLine(line, "undefined", `${shown(name)} is not defined above`);
}

const KINDS = new Map([["log", parseLog], ["witness", parseWitness], ["group", parseGroup], ["quorum", parseQuorum]]);

export async function parsePolicy(octets: string): Promise<Policy> {
	if (octets.length > POLICY_MAX)
		refuse("policy.size", `${octets.length} bytes, at most ${POLICY_MAX}`);
	const policy: Policy = { logs: [], witnesses: [], groups: 0, parties: [], hasQuorumLine: false, quorum: null };
	const line: Line = { number: 0, words: [] };
	for (const cursor = new Cursor(octets); cursor.left > 0; ) {
		line.number++;
		if (!cursor.rest().includes("\n"))
			refuseLine(line, "line", "does not end in a line feed");
		line.words = splitWords(cursor.until("policy.line", "\n"), line);
		if (line.words.length === 0)
			continue;
		const parse = KINDS.get(line.words[0] as string) ?? refuseLine(line, "keyword", "expected log, witness, group or quorum");
		await parse(policy, line);
	}
	if (!policy.hasQuorumLine)
		refuseLine(line, "quorum", "no quorum line");
	return policy;
}

/* --- Checking. --- */

export interface Signatures {
	hasEd25519: boolean; /* the log's own: type 0x01 */
	hasMldsa44: boolean; /* and 0x06 */
	logTimeS: bigint; /* of the latter */
	cosignatures: number; /* by witnesses of the policy */
	witnessedS: bigint; /* the newest time among them */
	hasQuorum: boolean; /* never where none is demanded */
}

export const NO_SIGNATURES: Signatures = { hasEd25519: false, hasMldsa44: false, logTimeS: 0n, cosignatures: 0, witnessedS: 0n, hasQuorum: false };

function checkLogKey(note: Note, checkpoint: Checkpoint, key: NoteKey, signatures: Signatures): void {
	const found = findSignature(note, key);
	if (found === null)
		return;
	if (key.type === TYPE_ED25519) {
		checkEd25519(note, key, found);
		signatures.hasEd25519 = true;
		return;
	}
	const timeS = checkCosignature(note, checkpoint, key, found);
	signatures.hasMldsa44 = true;
	if (timeS > signatures.logTimeS)
		signatures.logTimeS = timeS;
}

function checkLog(policy: Policy, note: Note, checkpoint: Checkpoint, signatures: Signatures): void {
	const keys = policy.logs.filter((key) => key.name === checkpoint.origin);
	for (const key of keys)
		checkLogKey(note, checkpoint, key, signatures);
	if (keys.length === 0)
		refuse("policy.origin", `${shown(checkpoint.origin)} is not a log of the policy`);
	if (!signatures.hasEd25519 && !signatures.hasMldsa44)
		refuse("policy.unsigned", `no key of the policy for ${shown(checkpoint.origin)} signed`);
}

function isSatisfied(party: Party, hasSigned: boolean[]): boolean {
	if (party.group === null)
		return hasSigned[party.witness] === true;
	return party.group.members.filter((member) => isSatisfied(member, hasSigned)).length >= party.group.threshold;
}

/* Every signature of a known key must verify; what is missing shows in the answer, for the caller to name. */
export function checkSignatures(policy: Policy, note: Note, checkpoint: Checkpoint): Signatures {
	const signatures = { ...NO_SIGNATURES };
	checkLog(policy, note, checkpoint, signatures);
	const hasSigned = policy.witnesses.map((key) => {
		const found = findSignature(note, key);
		if (found === null)
			return false;
		const timeS = checkCosignature(note, checkpoint, key, found);
		signatures.cosignatures++;
		if (timeS > signatures.witnessedS)
			signatures.witnessedS = timeS;
		return true;
	});
	signatures.hasQuorum = policy.quorum !== null && isSatisfied(policy.quorum, hasSigned);
	return signatures;
}
