// What entries say of themselves, in a log whose operator signs anything: whole, and changed in one place each. gatehouse-verify passes
// them all, since they stand in the log; the page must refuse what contradicts itself. TAP.

import { generateKeyPairSync, sign } from "node:crypto";
import { assess, provenVotes } from "../../console/verifier/assess.ts";
import { canonical } from "../../console/verifier/canonical.ts";
import { ed25519 } from "@noble/curves/ed25519.js";
import { base64, bytes, headOf, Key, leafHash, noteOf, Random, receiptOf, sha256 } from "./forge.mjs";

const INSTANCE = "gate.example", ORIGIN = `${INSTANCE}/keeper1`;
const random = new Random("evidence");
const log = [new Key(ORIGIN, 1, random.bytes(32)), new Key(ORIGIN, 6, random.bytes(32))], witness = new Key("witness.example/w1", 4, random.bytes(32));
const policy = bytes(`${log.map((key) => `log ${key.vkey}\n`).join("")}witness w ${witness.vkey}\nquorum w\n`);
const hex = (content) => Buffer.from(content).toString("hex");
const digest = (value) => sha256(canonical(value));

/* A log of this entry alone, as its operator signs it. */
function questionOf(leaf) {
	const head = headOf(ORIGIN, 1, leafHash(leaf));
	return { kind: "receipt", policy, subject: bytes(receiptOf({ entry: leaf, index: 0, hashes: [], note: noteOf(head, ...log.map((key) => key.over(head)), witness.over(head)) })) };
}

const entryOf = (type, body) => canonical({ at: 1_795_000_000_000, body, seq: 0, type, version: 1 });

// --- Signers. ---

const seed = random.bytes(32), terminal = { public_key: hex(ed25519.getPublicKey(seed)) };
const labelled = (label, over) => ({ ...terminal, signature: hex(ed25519.sign(Buffer.concat([bytes(`${label}\0`), over]), seed)) });

const cbor = (major, number) => (number < 24 ? [(major << 5) | number] : number < 256 ? [(major << 5) | 24, number] : [(major << 5) | 25, number >> 8, number & 255]);
const integer = (number) => (number < 0 ? cbor(1, -1 - number) : cbor(0, number));
const string = (content) => [...cbor(2, content.length), ...content];
const cose = (pairs) => Uint8Array.from([...cbor(5, pairs.length), ...pairs.flatMap(([label, value]) => [...integer(label), ...(typeof value === "number" ? integer(value) : string(value))])]);

function passkey(algorithm) {
	const kinds = {
		ES256: ["ec", { namedCurve: "P-256" }, "sha256", (jwk) => [[1, 2], [3, -7], [-1, 1], [-2, from(jwk.x)], [-3, from(jwk.y)]]],
		ES384: ["ec", { namedCurve: "P-384" }, "sha384", (jwk) => [[1, 2], [3, -35], [-1, 2], [-2, from(jwk.x)], [-3, from(jwk.y)]]],
		RS256: ["rsa", { modulusLength: 2048 }, "sha256", (jwk) => [[1, 3], [3, -257], [-1, from(jwk.n)], [-2, from(jwk.e)]]],
		EdDSA: ["ed25519", {}, null, (jwk) => [[1, 1], [3, -8], [-1, 6], [-2, from(jwk.x)]]],
	};
	const from = (text) => Buffer.from(text, "base64url"), [type, options, hash, pairs] = kinds[algorithm];
	const { publicKey, privateKey } = generateKeyPairSync(type, options);
	return { hash, privateKey, public: cose(pairs(publicKey.export({ format: "jwk" }))) };
}

const keys = Object.fromEntries(["ES256", "ES384", "RS256", "EdDSA"].map((name) => [name, passkey(name)]));

function assertion(challenge, { key = keys.ES256, rp = "gate.example", flags = 0x05, client = {}, text = (made) => JSON.stringify(made) } = {}) {
	const made = { type: "webauthn.get", challenge: Buffer.from(challenge).toString("base64url"), origin: "https://gate.example:8443", crossOrigin: false, ...client };
	const clientData = bytes(text(made)), authenticatorData = Buffer.concat([sha256(bytes(rp)), Uint8Array.of(flags, 0, 0, 0, 1)]);
	return {
		assertion: { authenticator_data: hex(authenticatorData), client_data: hex(clientData) },
		public_key: hex(key.public),
		signature: hex(sign(key.hash, Buffer.concat([authenticatorData, sha256(clientData)]), key.privateKey)),
	};
}

// --- Entries. ---

const payload = { format: "evm", transaction: "0x02f0" };
const operation = (principal, more = {}) => ({
	created: 1_795_000_000_000, expires: 1_795_000_600_000, idempotency_key: "order-1", instance: INSTANCE, kind: "sign",
	payload_sha256: hex(digest(payload)), principal, resource: "key:eth-hot", type: "gatehouse/operation/v1", ...more,
});
const idOf = ({ idempotency_key, instance, principal }) => hex(digest({ idempotency_key, instance, principal, type: "gatehouse/operation-id/v1" }));

function decision(document, requester, more = {}) {
	const type = document.principal.startsWith("person:") ? "Person" : "Workload";
	return {
		action: { id: document.kind, type: "Action" }, decision: "permit", digest: hex(digest(document)), document, operation: idOf(document), outcome: "done", payload,
		principal: { id: document.principal.replace(/^\w+:/, ""), type }, reasons: ["small"], requester, resource: { id: "eth-hot", type: "Key" }, ...more,
	};
}

const WORKLOAD = "workload:settlement", PERSON = "person:p-0123456789abcdef";

function requestOf(document, { sent = payload, key = `${WORKLOAD}/main`, idempotency = document.idempotency_key } = {}) {
	const body = Buffer.concat([bytes('{"operation":'), canonical(document), bytes(',"payload":'), canonical(sent), bytes("}")]);
	const base = [
		'"@method": POST', '"@authority": gate.example', '"@path": /v1/operations', '"@query": ?', '"content-type": application/json',
		`"content-digest": sha-256=:${base64(sha256(body))}:`, `"idempotency-key": ${idempotency}`,
		`"@signature-params": ("@method");created=1;expires=60;nonce="0123456789abcdef";keyid="${key}";tag="gatehouse"`,
	].join("\n");
	return { base, key, method: "http-message-signature", nonce: "0123456789abcdef", ...terminal, signature: hex(ed25519.sign(bytes(base), seed)) };
}

const byWorkload = operation(WORKLOAD), request = requestOf(byWorkload), requested = decision(byWorkload, request);
const byPerson = operation(PERSON), terminalKey = `${PERSON}/terminal`, passkeyKey = `${PERSON}/phone`;
const signed = decision(byPerson, { key: terminalKey, method: "digest-signature", ...labelled("gatehouse/operation/v1", digest(byPerson)) });
const touched = (options) => decision(byPerson, { key: passkeyKey, method: "passkey", ...assertion(digest(byPerson), options) });

const statement = (more = {}) => ({
	bundle_hash: hex(sha256(bytes("bundle"))), client: "console", expires: 1_795_000_600_000, instance: INSTANCE, nonce: "0".repeat(32), operation_digest: hex(digest(byWorkload)),
	operation_id: idOf(byWorkload), person: PERSON, stage: 0, type: "gatehouse/approval/v1", verdict: "approve", view_digest: hex(sha256(bytes("view"))), ...more,
});
const vote = (of, evidence, more = {}) => ({ cast_at: 1_795_000_000_000, key: passkeyKey, operation: of.operation_id, statement: of, ...evidence, ...more });
const touchedVote = (options) => vote(statement(), assertion(digest(statement()), options));
const signIn = (options) => { const challenge = random.bytes(32); return { aal: 2, challenge: hex(challenge), ends_at: 2, key: passkeyKey, session: "00", signed_in_at: 1, ...assertion(challenge, options) }; };
const TOKEN = hex(sha256(bytes("token")));
function enrolment({ instance = INSTANCE, name = "phone", person = PERSON, nonce = TOKEN.slice(0, 32), client = {}, more = {} } = {}) {
	const challenge = digest({ instance, name, nonce, person, type: "gatehouse/passkey-enrolment/v1" });
	const made = { type: "webauthn.create", challenge: Buffer.from(challenge).toString("base64url"), origin: "https://gate.example", crossOrigin: false, ...client };
	return { attestation_object: "a0", client_data: hex(bytes(JSON.stringify(made))), enrolled_at: 1, key: passkeyKey, rp_id: "gate.example", token_sha256: TOKEN, usable_from: 1, ...more };
}
const founding = { changes: [], created: 1, format: 1, instance: INSTANCE, origin: ORIGIN, type: "gatehouse/genesis/v1" };
const founders = (of, count = 2) => Array.from({ length: count }, () => ({ key: terminalKey, ...labelled("gatehouse/genesis/v1", digest(of)) }));

const flip = (text) => text.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));

// Each row: what the entry is, its type, its body, and what must be said.
const rows = [
	["a request signed by a workload", "decision", requested, "verified"],
	["an intent", "intent", { ...requested, outcome: "intended" }, "verified"],
	["an operation signed at a terminal", "decision", signed, "verified"],
	...Object.keys(keys).map((name) => [`an operation signed by a passkey, ${name}`, "decision", touched({ key: keys[name] }), "verified"]),
	["a passkey of a domain above the host", "decision", touched({ rp: "gate.example", client: { origin: "https://console.gate.example" } }), "verified"],
	["a passkey of localhost", "decision", touched({ rp: "localhost", client: { origin: "http://localhost:8080" } }), "verified"],
	["a vote by a passkey", "vote", touchedVote(), "verified"],
	["a vote from a terminal", "vote", vote(statement(), labelled("gatehouse/approval/v1", digest(statement()))), "verified"],
	["a sign-in", "sign_in", signIn(), "verified"],
	["an enrolment by a link", "enrolment", enrolment(), "verified"],
	["a genesis that two signed", "genesis", { document: founding, signatures: founders(founding) }, "verified"],
	["an entry without signatures of its own", "counts", { counts: { counts: 1 } }, "verified"],
	["a payload in a blob", "decision", { ...Object.fromEntries(Object.entries(signed).filter(([name]) => name !== "payload")), payload_blob: byPerson.payload_sha256 }, "verified"],

	["another digest", "decision", { ...requested, digest: hex(sha256(bytes("x"))) }, "evidence.digest"],
	["another kind than was decided", "decision", { ...requested, action: { id: "key.create", type: "Action" } }, "evidence.kind"],
	["another principal than was decided", "decision", { ...requested, principal: { id: "treasurer", type: "Workload" } }, "evidence.principal"],
	["another resource than was decided", "decision", { ...requested, resource: { id: "eth-cold", type: "Key" } }, "evidence.resource"],
	["another id", "decision", { ...requested, operation: hex(sha256(bytes("x"))) }, "evidence.operation"],
	["another payload", "decision", { ...requested, payload: { ...payload, transaction: "0x02f1" } }, "evidence.payload"],
	["another payload in a blob", "decision", { ...Object.fromEntries(Object.entries(signed).filter(([name]) => name !== "payload")), payload_blob: flip(byPerson.payload_sha256) }, "evidence.payload"],
	["a document that was changed with its digest", "decision", { ...decision(operation(WORKLOAD, { reason: "none" }), request) }, "request_signature.content_differs"],
	["a payload that was changed with its hash", "decision", (() => { const other = { format: "evm", transaction: "0x02ff" }, document = operation(WORKLOAD, { payload_sha256: hex(digest(other)) }); return { ...decision(document, request), payload: other }; })(), "request_signature.content_differs"],
	["a request for another body", "decision", decision(byWorkload, requestOf(byWorkload, { sent: {} })), "request_signature.content_differs"],
	["a request under another idempotency key", "decision", decision(byWorkload, requestOf(byWorkload, { idempotency: "order-2" })), "request_signature.differs"],
	["a request that names another key", "decision", decision(byWorkload, { ...request, key: `${WORKLOAD}/other` }), "request_signature.differs"],
	["a request that is signed by somebody else", "decision", decision(byWorkload, { ...request, public_key: hex(ed25519.getPublicKey(random.bytes(32))) }), "request_signature.mismatch"],
	["a request with a flipped bit", "decision", decision(byWorkload, { ...request, signature: flip(request.signature) }), "request_signature.mismatch"],
	["another principal's key", "decision", decision(byWorkload, requestOf(byWorkload, { key: "workload:treasurer/main" })), "evidence.principal"],
	["no requester", "decision", Object.fromEntries(Object.entries(requested).filter(([name]) => name !== "requester")), "evidence.form"],
	["an unknown way of signing", "decision", decision(byWorkload, { ...request, method: "cookie" }), "evidence.method"],
	["a terminal's signature that is called a passkey's", "decision", { ...signed, requester: { ...signed.requester, method: "passkey" } }, "evidence.method"],
	["another installation", "decision", (() => { const document = operation(WORKLOAD, { instance: "other.example" }); return decision(document, requestOf(document)); })(), "evidence.instance"],
	["an operation signed with the label of a vote", "decision", decision(byPerson, { key: terminalKey, method: "digest-signature", ...labelled("gatehouse/approval/v1", digest(byPerson)) }), "person_signature.mismatch"],
	["a signature of another operation", "decision", decision(byPerson, { key: terminalKey, method: "digest-signature", ...labelled("gatehouse/operation/v1", digest(byWorkload)) }), "person_signature.mismatch"],
	["a passkey that signed something else", "decision", decision(byPerson, { key: passkeyKey, method: "passkey", ...assertion(digest(byWorkload)) }), "client_data.challenge"],
	["a passkey at its registration", "decision", touched({ client: { type: "webauthn.create" } }), "client_data.type"],
	["a passkey asked from within another page", "decision", touched({ client: { crossOrigin: true } }), "client_data.cross_origin"],
	["a passkey asked below another page", "decision", touched({ client: { topOrigin: "https://evil.example" } }), "client_data.cross_origin"],
	["a passkey of another relying party", "decision", touched({ rp: "evil.example" }), "authenticator_data.rp_id"],
	["a passkey asked by another site", "decision", touched({ client: { origin: "https://evil.example" } }), "authenticator_data.rp_id"],
	["a passkey asked without TLS", "decision", touched({ client: { origin: "http://gate.example" } }), "authenticator_data.rp_id"],
	["a passkey asked by a host that only ends alike", "decision", touched({ client: { origin: "https://evilgate.example" } }), "authenticator_data.rp_id"],
	["nobody at the authenticator", "decision", touched({ flags: 0x04 }), "authenticator_data.user_present"],
	["a user who was not verified", "decision", touched({ flags: 0x01 }), "authenticator_data.user_verified"],
	["client data that is no JSON", "decision", touched({ text: () => "{" }), "client_data.form"],
	...Object.keys(keys).map((name) => [`a passkey's signature with a flipped bit, ${name}`, "decision", (() => { const body = touched({ key: keys[name] }); const raw = Buffer.from(body.requester.signature, "hex"); raw[raw.length - 1] ^= 1; return { ...body, requester: { ...body.requester, signature: hex(raw) } }; })(), "signature.mismatch"]),
	["an ECDSA signature that is no DER", "decision", (() => { const body = touched(); return { ...body, requester: { ...body.requester, signature: `${body.requester.signature}00` } }; })(), "signature.der"],
	["another key's passkey signature", "decision", (() => { const body = touched(); return { ...body, requester: { ...body.requester, public_key: hex(passkey("ES256").public) } }; })(), "signature.mismatch"],
	["a key with bytes behind it", "decision", (() => { const body = touched(); return { ...body, requester: { ...body.requester, public_key: `${body.requester.public_key}00` } }; })(), "cose.form"],
	["a key that is cut off", "decision", (() => { const body = touched(); return { ...body, requester: { ...body.requester, public_key: body.requester.public_key.slice(0, -2) } }; })(), "cose.truncated"],
	["a key of another algorithm", "decision", (() => { const body = touched(); return { ...body, requester: { ...body.requester, public_key: hex(cose([[1, 2], [3, -9]])) } }; })(), "cose.algorithm"],
	["another type of resource than was decided", "decision", { ...requested, resource: { id: "eth-hot", type: "Account" } }, "evidence.resource"],
	["a sign-in over another challenge", "sign_in", { ...signIn(), challenge: hex(random.bytes(32)) }, "client_data.challenge"],
	["a sign-in without an assertion", "sign_in", (({ assertion: _, ...rest }) => rest)(signIn()), "evidence.form"],
	["an enrolment of somebody else", "enrolment", enrolment({ person: "person:p-fedcba9876543210" }), "client_data.challenge"],
	["an enrolment under another name", "enrolment", enrolment({ name: "tablet" }), "client_data.challenge"],
	["an enrolment at another installation", "enrolment", enrolment({ instance: "other.example" }), "client_data.challenge"],
	["an enrolment by another invitation", "enrolment", enrolment({ more: { token_sha256: flip(TOKEN) } }), "client_data.challenge"],
	["an enrolment that is a sign-in", "enrolment", enrolment({ client: { type: "webauthn.get" } }), "client_data.type"],
	["an enrolment on another site", "enrolment", enrolment({ client: { origin: "https://evil.example" } }), "authenticator_data.rp_id"],
	["authenticator data that is cut off", "decision", (() => { const body = touched(); const { assertion: made } = body.requester; return { ...body, requester: { ...body.requester, assertion: { ...made, authenticator_data: made.authenticator_data.slice(0, 60) } } }; })(), "authenticator_data.truncated"],
	["client data that is a number", "decision", touched({ text: () => "1" }), "client_data.form"],
	["a vote about another operation than its entry", "vote", vote(statement(), assertion(digest(statement())), { operation: flip(idOf(byWorkload)) }), "evidence.statement"],
	["a vote whose verdict was changed", "vote", vote(statement({ verdict: "reject" }), assertion(digest(statement()))), "client_data.challenge"],
	["a vote that is an operation", "vote", vote(statement({ type: "gatehouse/operation/v1" }), assertion(digest(statement()))), "evidence.statement"],
	["a vote for another installation", "vote", (() => { const of = statement({ instance: "other.example" }); return vote(of, assertion(digest(of))); })(), "evidence.instance"],
	["a genesis that one signed", "genesis", { document: founding, signatures: founders(founding, 1) }, "evidence.founders"],
	["a genesis that was changed after it was signed", "genesis", { document: { ...founding, created: 2 }, signatures: founders(founding) }, "person_signature.mismatch"],
	["a genesis of another log", "genesis", (() => { const of = { ...founding, origin: "gate.example/keeper2" }; return { document: of, signatures: founders(of) }; })(), "evidence.origin"],
];

// Leaves that are no entries: nothing of them is shown as if it were known.
const leaves = [
	["no JSON", "decision", "json.syntax"],
	["not in canonical form", '{"at":1,"body":{}, "seq":0,"type":"counts","version":1}', "json.canonical"],
	["keys in another order", '{"body":{},"at":1,"seq":0,"type":"counts","version":1}', "json.canonical"],
	["a key twice", '{"at":1,"at":1,"body":{},"seq":0,"type":"counts","version":1}', "json.canonical"],
	["a fraction", '{"at":1.5,"body":{},"seq":0,"type":"counts","version":1}', "json.integer"],
	["a number too large", '{"at":9007199254740993,"body":{},"seq":0,"type":"counts","version":1}', "json.integer"],
	["nested too deep", `{"at":1,"body":${'{"a":'.repeat(40)}1${"}".repeat(40)},"seq":0,"type":"counts","version":1}`, "json.depth"],
	["an array", "[]", "entry.object"],
	["a newer version", '{"at":1,"body":{},"seq":0,"type":"counts","version":2}', "entry.version"],
	["a member too many", '{"at":1,"body":{},"seq":0,"type":"counts","version":1,"x":1}', "entry.members"],
	["no body", '{"at":1,"seq":0,"type":"counts","version":1}', "entry.body"],
	["no time", '{"body":{},"seq":0,"type":"counts","version":1}', "entry.number"],
];

const saidOf = ({ result, error }) => error ?? result;

async function judge(name, leaf, expected) {
	const found = await assess(questionOf(leaf)), wrong = [];
	if (saidOf(found) !== expected) wrong.push(`${name}: ${saidOf(found)}, expected ${expected}`);
	if (found.verdict.result !== "verified") wrong.push(`${name}: the receipt itself is ${found.verdict.result}`);
	if (expected === "verified" && !found.checks.some(({ state }) => state !== "contradicts")) wrong.push(`${name}: nothing was said of it`);
	return wrong;
}

const judgeRows = async () => (await Promise.all(rows.map(([name, type, body, said]) => judge(name, entryOf(type, body), said)))).flat();
const judgeLeaves = async () => (await Promise.all(leaves.map(([name, text, said]) => judge(name, bytes(text), said)))).flat();

/* A decision is not shown to rest on votes unless their own receipts are there and hold. */
async function judgeVotes() {
	const cast = [touchedVote(), vote(statement({ nonce: "1".repeat(32) }), labelled("gatehouse/approval/v1", digest(statement({ nonce: "1".repeat(32) }))))];
	const countedAs = (more) => decision(byWorkload, request, { votes: cast.map(({ statement: of }) => ({ key: passkeyKey, person: PERSON, statement: hex(digest(of)), verdict: "approve", ...more })) });
	const stateWith = async (bodies, counted = countedAs({})) => {
		const proven = await provenVotes(await Promise.all(bodies.map((body) => assess(questionOf(entryOf("vote", body))))), ORIGIN);
		return (await assess(questionOf(entryOf("decision", counted)), proven)).checks.find(({ name }) => name === "evidence.votes").state;
	};
	const forged = { ...cast[1], signature: flip(cast[1].signature) }, wrong = [];
	const other = operation(WORKLOAD, { idempotency_key: "order-2" }), elsewhere = { ...decision(other, requestOf(other)), votes: countedAs({}).votes };
	for (const [name, bodies, expected, counted] of [
		["no votes", [], "unchecked"], ["one", [cast[0]], "unchecked"], ["both", cast, "holds"], ["one forged", [cast[0], forged], "unchecked"],
		["counted for another operation", cast, "contradicts", elsewhere], ["counted as another's", cast, "contradicts", countedAs({ person: "person:p-fedcba9876543210" })],
		["counted the other way", [cast[0]], "contradicts", countedAs({ verdict: "reject" })],
	]) {
		const found = await stateWith(bodies, counted);
		if (found !== expected) wrong.push(`${name}: ${found}, expected ${expected}`);
	}
	return wrong;
}

const tests = [
	[`${rows.length} entries: what holds is said to hold, and what contradicts is refused by its name`, judgeRows],
	[`${leaves.length} leaves that are no entries are refused by name`, judgeLeaves],
	["a decision's votes count as checked only if the receipt of each was given and holds", judgeVotes],
];
console.log(`TAP version 13\n1..${tests.length}`);
for (const [at, [name, test]] of tests.entries()) {
	const wrong = await test();
	console.log(`${wrong.length === 0 ? "ok" : "not ok"} ${at + 1} - ${name}`);
	for (const line of wrong) console.log(`# ${line}`);
	if (wrong.length > 0) process.exitCode = 1;
}
