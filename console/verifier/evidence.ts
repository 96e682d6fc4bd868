/*
 * What an entry carries as evidence of itself: the requester's signature over exactly this operation, a voter's over exactly this
 * statement, the founders' over the genesis. Each check says what holds, what contradicts, or what this one entry cannot show.
 */
import { checkRegistration, verifyAssertion } from "./assertion";
import { base64, type Bytes, concat, equal, hex, unhex, utf8 } from "./bytes";
import { canonical, isObject, type Json, type JsonObject } from "./canonical";
import { sha256, verifyEd25519 } from "./crypto";
import type { Entry } from "./entry";
import { Refusal, refuse } from "./refusal";

export interface Check {
	name: string; /* stable: "evidence.requester" */
	state: "holds" | "contradicts" | "unchecked";
	text: string;
	error?: string; /* of what contradicts: its own name */
}

/* --- Members. --- */

function text(object: JsonObject, key: string): string {
	const value = object[key];
	return typeof value === "string" ? value : refuse("evidence.form", `${key} is missing or no text`);
}

function object(parent: JsonObject, key: string): JsonObject {
	const value = parent[key];
	return isObject(value) ? value : refuse("evidence.form", `${key} is missing or no object`);
}

function bytesAt(parent: JsonObject, key: string, length?: number): Bytes {
	return unhex(text(parent, key), length) ?? refuse("evidence.form", `${key} is no hexadecimal of the right length`);
}

async function digestOf(value: Json): Promise<Bytes> {
	return sha256(canonical(value));
}

/* --- Signatures. --- */

const OPERATION_LABEL = "gatehouse/operation/v1", APPROVAL_LABEL = "gatehouse/approval/v1", GENESIS_LABEL = "gatehouse/genesis/v1";

function checkLabelled(label: string, digest: Bytes, evidence: JsonObject): void {
	const message = concat(utf8(`${label}\0`), digest);
	if (!verifyEd25519(bytesAt(evidence, "public_key", 32), message, bytesAt(evidence, "signature", 64)))
		refuse("person_signature.mismatch", "not a signature by this key over this");
}

/* A person's, by a passkey or an Ed25519 key; what was verified, in words. */
async function checkPerson(label: string, digest: Bytes, evidence: JsonObject): Promise<string> {
	if (!isObject(evidence["assertion"])) {
		checkLabelled(label, digest, evidence);
		return "an Ed25519 key signed exactly this";
	}
	const origin = await verifyAssertion(
		{
			authenticatorData: bytesAt(evidence["assertion"], "authenticator_data"),
			clientData: bytesAt(evidence["assertion"], "client_data"),
			publicKey: bytesAt(evidence, "public_key"),
			signature: bytesAt(evidence, "signature"),
		},
		digest,
	);
	return `a passkey signed exactly this, asked by ${origin}, with the user verified`;
}

/* RFC 9421, narrowed: the base names the digest of the body, which is made of document and payload. */
async function checkRequest(body: JsonObject, requester: JsonObject): Promise<string> {
	const base = text(requester, "base"), document = object(body, "document");
	if (!verifyEd25519(bytesAt(requester, "public_key", 32), utf8(base), bytesAt(requester, "signature", 64)))
		refuse("request_signature.mismatch", "not a signature by this key over this request");
	const sent = concat(utf8('{"operation":'), canonical(document), utf8(',"payload":'), canonical(body["payload"] as Json), utf8("}"));
	const lines = base.split("\n"), key = text(document, "idempotency_key");
	if (!lines.includes(`"content-digest": sha-256=:${base64(await sha256(sent))}:`))
		refuse("request_signature.content_differs", "it covers another body");
	if (!lines.includes(`"idempotency-key": ${key}`) || !lines.some((line) => line.includes(`;keyid="${text(requester, "key")}"`)))
		refuse("request_signature.differs", "it covers another idempotency key, or names another key");
	return "the workload's key signed the request whose body is exactly this operation and payload";
}

async function checkRequester(body: JsonObject): Promise<string> {
	const requester = object(body, "requester"), method = text(requester, "method"), principal = text(object(body, "document"), "principal");
	if (!text(requester, "key").startsWith(`${principal}/`))
		refuse("evidence.principal", "the key that signed is another principal's");
	if (method === "http-message-signature")
		return checkRequest(body, requester);
	if (method !== "passkey" && method !== "digest-signature")
		refuse("evidence.method", "a way of signing that this program does not know");
	if (isObject(requester["assertion"]) !== (method === "passkey"))
		refuse("evidence.method", "not the kind of signature that is stated");
	return checkPerson(OPERATION_LABEL, await digestOf(object(body, "document")), requester);
}

/* --- Entries. --- */

/* Whether "legal_entity:custody" is {"id":"custody","type":"LegalEntity"}. */
function names(word: string, uid: JsonObject): boolean {
	const colon = word.indexOf(":"), type = word.slice(0, colon).replaceAll("_", "");
	return type === text(uid, "type").toLowerCase() && word.slice(colon + 1) === text(uid, "id");
}

async function checkDocument(body: JsonObject): Promise<string> {
	const document = object(body, "document");
	if (!equal(await digestOf(document), bytesAt(body, "digest", 32)))
		refuse("evidence.digest", "the operation has another hash");
	if (text(document, "kind") !== text(object(body, "action"), "id"))
		refuse("evidence.kind", "the operation is of another kind than the one that was decided");
	for (const key of ["principal", "resource"])
		if (!names(text(document, key), object(body, key)))
			refuse(`evidence.${key}`, `the operation names another ${key} than the one that was decided`);
	const id: JsonObject = {
		idempotency_key: text(document, "idempotency_key"),
		instance: text(document, "instance"),
		principal: text(document, "principal"),
		type: "gatehouse/operation-id/v1",
	};
	if (!equal(await digestOf(id), bytesAt(body, "operation", 32)))
		refuse("evidence.operation", "the operation's id is another");
	return "the document hashes to the operation's digest, and its parts to the operation's id";
}

async function checkPayload(body: JsonObject): Promise<string> {
	const stated = text(object(body, "document"), "payload_sha256");
	const found = body["payload"] === undefined ? text(body, "payload_blob") : hex(await digestOf(body["payload"]));
	if (found !== stated)
		refuse("evidence.payload", "the payload has another hash than the operation names");
	return body["payload"] === undefined ? "the payload lies in a blob of the hash that the operation names" : "the payload hashes to what the operation names";
}

async function checkVote(body: JsonObject): Promise<string> {
	const statement = object(body, "statement");
	if (text(statement, "type") !== APPROVAL_LABEL || text(statement, "operation_id") !== text(body, "operation"))
		refuse("evidence.statement", "the statement is of another kind, or about another operation");
	return checkPerson(APPROVAL_LABEL, await digestOf(statement), body);
}

async function checkGenesis(body: JsonObject, origin: string): Promise<string> {
	const document = object(body, "document"), signatures = body["signatures"];
	if (text(document, "origin") !== origin)
		refuse("evidence.origin", "the founding document is another log's");
	if (!Array.isArray(signatures) || signatures.length < 2)
		refuse("evidence.founders", "fewer than two founders signed");
	const digest = await digestOf(document);
	for (const signature of signatures)
		checkLabelled(GENESIS_LABEL, digest, isObject(signature) ? signature : refuse("evidence.form", "a signature is no object"));
	return `${signatures.length} founders signed exactly this document`;
}

/* The challenge was the keeper's; that it was fresh only the keeper could know. */
async function checkSignIn(body: JsonObject): Promise<string> {
	if (!isObject(body["assertion"]))
		refuse("evidence.form", "a sign-in without an assertion");
	return checkPerson("", bytesAt(body, "challenge", 32), body);
}

const NONCE_SIZE = 16; /* of the token's hash */

/* By a link: the passkey was made for this person, name and installation, and for the invitation's token. */
async function checkEnrolment(body: JsonObject, origin: string): Promise<string> {
	const [person, name] = text(body, "key").split("/") as [string, string | undefined];
	const asked: JsonObject = {
		instance: origin.slice(0, origin.lastIndexOf("/")),
		name: name ?? "",
		nonce: hex(bytesAt(body, "token_sha256", 32).subarray(0, NONCE_SIZE)),
		person,
		type: "gatehouse/passkey-enrolment/v1",
	};
	const stated = await checkRegistration(bytesAt(body, "client_data"), await digestOf(asked), text(body, "rp_id"));
	return `a browser at ${stated} made it for this person, this name and this invitation`;
}

function checkOrigin(entry: Entry, origin: string): string {
	const of = entry.type === "vote" ? object(entry.body, "statement") : object(entry.body, "document");
	if (!origin.startsWith(`${text(of, "instance")}/`))
		refuse("evidence.instance", "it was signed for another installation than the one whose log this is");
	return "it was signed for the installation whose log this is";
}

async function attempt(name: string, check: () => string | Promise<string>): Promise<Check> {
	try {
		return { name, state: "holds", text: await check() };
	} catch (reason) {
		if (!(reason instanceof Refusal))
			throw reason;
		return { name, state: "contradicts", text: reason.detail, error: reason.error };
	}
}

function unchecked(name: string, why: string): Check {
	return { name, state: "unchecked", text: why };
}

/* A request whose payload lies in a blob: the body that was signed cannot be put together from the entry alone. */
function requesterCheck(body: JsonObject): Promise<Check> {
	const { requester } = body;
	if (body["payload"] === undefined && isObject(requester) && requester["method"] === "http-message-signature")
		return Promise.resolve(unchecked("evidence.requester", "the payload lies in a blob, so the body that was signed is not here"));
	return attempt("evidence.requester", () => checkRequester(body));
}

const OWNER = "that the keys belonged to these people then, and that policy decides so again: gatehouse ledger replay, on the whole log";

/* Statements whose own entries are proven and hold, by their digest, so that decisions that count them need not be believed. */
export type ProvenVotes = ReadonlyMap<string, JsonObject>;

export async function provenVote(entry: Entry): Promise<[string, JsonObject]> {
	const statement = object(entry.body, "statement");
	return [hex(await digestOf(statement)), statement];
}

/* A counted vote is the one that was cast: about this operation, by this person, to this effect. */
function isCast(vote: Json, statement: JsonObject, body: JsonObject): boolean {
	return isObject(vote) && statement["operation_id"] === body["operation"] && statement["operation_digest"] === body["digest"] &&
		statement["person"] === vote["person"] && statement["verdict"] === vote["verdict"];
}

function votesCheck(votes: Json[], body: JsonObject, proven: ProvenVotes): Check {
	const name = "evidence.votes", found = votes.flatMap((vote) => {
		const statement = isObject(vote) && typeof vote["statement"] === "string" ? proven.get(vote["statement"]) : undefined;
		return statement === undefined ? [] : [isCast(vote, statement, body)];
	});
	if (found.includes(false))
		return { name, state: "contradicts", text: "a vote was counted for something else than it was cast for", error: "evidence.votes" };
	if (found.length === votes.length)
		return { name, state: "holds", text: `the receipts of all ${found.length} votes were given as well, and their signatures hold` };
	return unchecked(name, `the votes' signatures stand in entries of their own: the receipts of ${found.length} of ${votes.length} were given`);
}

async function decisionChecks({ body }: Entry, proven: ProvenVotes): Promise<Check[]> {
	const checks = [
		await attempt("evidence.document", () => checkDocument(body)),
		await attempt("evidence.payload", () => checkPayload(body)),
		await requesterCheck(body),
	];
	if (Array.isArray(body["votes"]) && body["votes"].length > 0)
		checks.push(votesCheck(body["votes"], body, proven));
	checks.push(unchecked("evidence.keys", OWNER));
	return checks;
}

/* Of the entry in a log of that origin. */
export async function checkEvidence(entry: Entry, origin: string, proven: ProvenVotes): Promise<Check[]> {
	switch (entry.type) {
	case "decision":
	case "intent":
		return [await attempt("evidence.instance", () => checkOrigin(entry, origin)), ...(await decisionChecks(entry, proven))];
	case "vote":
		return [
			await attempt("evidence.instance", () => checkOrigin(entry, origin)),
			await attempt("evidence.vote", () => checkVote(entry.body)),
			unchecked("evidence.keys", OWNER),
		];
	case "sign_in":
		return [await attempt("evidence.sign_in", () => checkSignIn(entry.body)), unchecked("evidence.keys", OWNER)];
	case "enrolment":
		return [
			await attempt("evidence.enrolment", () => checkEnrolment(entry.body, origin)),
			unchecked("evidence.attestation", "what the maker of the authenticator vouches for, and that the invitation was approved"),
		];
	case "genesis":
		return [
			await attempt("evidence.founders", () => checkGenesis(entry.body, origin)),
			unchecked("evidence.pins", "that the pinned keys are the ones of this ceremony is for whoever was there to say"),
		];
	default:
		return [unchecked("evidence.none", "an entry of this type carries no signature of its own: it stands under the log's")];
	}
}
