// A second implementation of docs/PROTOCOL.request-signature and docs/PROTOCOL.approval, on nothing but Node's own modules.
// One JSON request on standard input, one JSON answer on standard output:
//   {"what":"request", seed, keyid, method, authority, target, contentType, idempotencyKey, created, expires, nonce, body}
//     -> {"content-digest", "signature-input", "signature"}
//   {"what":"approval", seed, statement: {...}} -> {"statement", "digest", "signature"}
//   {"what":"operation", seed, digest} -> {"signature"}
import { createHash, createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";

const COMPONENTS = ["@method", "@authority", "@path", "@query", "content-type", "content-digest", "idempotency-key"];

const sha256 = (data) => createHash("sha256").update(data).digest();

// PKCS #8 (RFC 8410) around the 32-byte seed.
const privateKey = (seed) =>
	createPrivateKey({
		key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.from(seed, "hex")]),
		format: "der",
		type: "pkcs8",
	});

const canonical = (value) =>
	Array.isArray(value)
		? `[${value.map(canonical).join(",")}]`
		: value !== null && typeof value === "object"
			? `{${Object.keys(value)
					.sort()
					.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
					.join(",")}}`
			: JSON.stringify(value);

const labelled = (label, digest) => Buffer.concat([Buffer.from(label, "ascii"), Buffer.from([0]), digest]);

function signRequest(r) {
	const [path, ...rest] = r.target.split("?");
	const values = {
		"@method": r.method,
		"@authority": r.authority,
		"@path": path,
		"@query": `?${rest.join("?")}`,
		"content-type": r.contentType,
		"content-digest": `sha-256=:${sha256(r.body).toString("base64")}:`,
		"idempotency-key": r.idempotencyKey,
	};
	const parameters =
		`(${COMPONENTS.map((name) => `"${name}"`).join(" ")});created=${r.created};expires=${r.expires}` +
		`;nonce="${r.nonce}";keyid="${r.keyid}";tag="gatehouse"`;
	const base = [...COMPONENTS.map((name) => `"${name}": ${values[name]}`), `"@signature-params": ${parameters}`].join("\n");
	return {
		"content-digest": values["content-digest"],
		"signature-input": `node=${parameters}`,
		signature: `node=:${sign(null, Buffer.from(base, "ascii"), privateKey(r.seed)).toString("base64")}:`,
	};
}

function signApproval(r) {
	const statement = canonical(r.statement);
	const digest = sha256(statement);
	const signature = sign(null, labelled("gatehouse/approval/v1", digest), privateKey(r.seed));
	return { statement, digest: digest.toString("hex"), signature: signature.toString("hex") };
}

function signOperation(r) {
	const message = labelled("gatehouse/operation/v1", Buffer.from(r.digest, "hex"));
	return { signature: sign(null, message, privateKey(r.seed)).toString("hex") };
}

const answers = { request: signRequest, approval: signApproval, operation: signOperation };
const request = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(answers[request.what](request)));
