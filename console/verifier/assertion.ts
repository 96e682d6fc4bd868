/*
 * A passkey's assertion, as far as it can be verified without the installation: what was asked, by a page of whom, of which
 * authenticator, and whether the key signed (Web Authentication Level 3 §7.2; docs/people.md). Registered counters, the exact origin
 * and the key's owner stand elsewhere in the log and are not looked at.
 */
import { type Bytes, concat, equal, unbase64url, utf8 } from "./bytes";
import { sha256, verifyEd25519 } from "./crypto";
import { refuse } from "./refusal";

/* --- COSE keys (RFC 9052 §7): a CBOR map of small integers, in canonical form. --- */

type CborValue = number | Bytes;

class Cbor {
	private at = 0;

	constructor(private readonly bytes: Uint8Array) {}

	private take(length: number): Bytes {
		if (length > this.bytes.length - this.at)
			refuse("cose.truncated", "the key ends too early");
		this.at += length;
		return this.bytes.slice(this.at - length, this.at) as Bytes;
	}

	/* Major type and argument, which is written in as few bytes as it can be. */
	private head(): [number, number] {
		const first = this.take(1)[0] as number, info = first & 31;
		if (info < 24)
			return [first >> 5, info];
		const width = info === 24 ? 1 : info === 25 ? 2 : 0;
		const argument = this.take(width).reduce((number, byte) => number * 256 + byte, 0);
		if (width === 0 || argument < (width === 1 ? 24 : 256))
			refuse("cose.form", "not the CBOR of a key");
		return [first >> 5, argument];
	}

	private value(): CborValue {
		const [major, argument] = this.head();
		if (major > 2)
			refuse("cose.form", "not the CBOR of a key");
		return major === 0 ? argument : major === 1 ? -1 - argument : this.take(argument);
	}

	map(): Map<number, CborValue> {
		const [major, count] = this.head(), map = new Map<number, CborValue>();
		for (let i = 0; i < count; i++) {
			const label = this.value();
			if (typeof label !== "number" || map.has(label))
				refuse("cose.form", "not the CBOR of a key");
			map.set(label, this.value());
		}
		if (major !== 5 || this.at !== this.bytes.length)
			refuse("cose.form", "not the CBOR of a key");
		return map;
	}
}

function bytesAt(map: Map<number, CborValue>, label: number, length?: number): Bytes {
	const value = map.get(label);
	if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length))
		refuse("cose.parameters", "a parameter is missing or of another length");
	return value;
}

/* An ECDSA signature in DER (RFC 3279) as WebCrypto takes it: r ‖ s. */
function rawOfDer(der: Uint8Array, size: number): Bytes {
	let at = 2;
	const raw = new Uint8Array(2 * size);
	const fits = der[0] === 0x30 && der[1] === der.length - 2 && der.length < 128;
	for (let i = 0; fits && i < 2; i++) {
		const length = der[at + 1] ?? 0, value = der.subarray(at + 2, at + 2 + length);
		const first = value[0] ?? 0xff, second = value[1] ?? 0;
		const isMinimal = first < 0x80 && (first !== 0 || length === 1 || second >= 0x80);
		const number = first === 0 ? value.subarray(1) : value;
		if (der[at] !== 0x02 || value.length !== length || !isMinimal || number.length > size)
			refuse("signature.der", "not the DER of an ECDSA signature");
		raw.set(number, (i + 1) * size - number.length);
		at += 2 + length;
	}
	if (!fits || at !== der.length)
		refuse("signature.der", "not the DER of an ECDSA signature");
	return raw;
}

function base64url(bytes: Uint8Array): string {
	return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

interface Curve {
	name: string;
	hash: string;
	size: number;
}

const CURVES: Record<number, Curve> = {
	[-7]: { name: "P-256", hash: "SHA-256", size: 32 },
	[-35]: { name: "P-384", hash: "SHA-384", size: 48 },
};

async function verifyEcdsa(map: Map<number, CborValue>, curve: Curve, message: Bytes, signature: Bytes): Promise<boolean> {
	const point = concat(Uint8Array.of(4), bytesAt(map, -2, curve.size), bytesAt(map, -3, curve.size));
	const algorithm = { name: "ECDSA", namedCurve: curve.name };
	const key = await crypto.subtle.importKey("raw", point, algorithm, false, ["verify"]).catch(() => refuse("cose.point", "not on the curve"));
	return crypto.subtle.verify({ name: "ECDSA", hash: curve.hash }, key, rawOfDer(signature, curve.size), message);
}

async function verifyRsa(map: Map<number, CborValue>, message: Bytes, signature: Bytes): Promise<boolean> {
	const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
	const jwk = { kty: "RSA", n: base64url(bytesAt(map, -1)), e: base64url(bytesAt(map, -2)) };
	const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]).catch(() => refuse("cose.rsa", "not an RSA key"));
	return crypto.subtle.verify(algorithm, key, signature, message);
}

async function verifyCose(encoding: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
	const map = new Cbor(encoding).map(), algorithm = map.get(3);
	const curve = typeof algorithm === "number" ? CURVES[algorithm] : undefined;
	if (curve !== undefined)
		return verifyEcdsa(map, curve, message, signature);
	if (algorithm === -257)
		return verifyRsa(map, message, signature);
	if (algorithm === -8 && map.get(-1) === 6)
		return verifyEd25519(bytesAt(map, -2, 32), message, signature);
	return refuse("cose.algorithm", "none of ES256, ES384, RS256, EdDSA");
}

/* --- The assertion. --- */

export interface Assertion {
	authenticatorData: Bytes;
	clientData: Bytes;
	signature: Bytes;
	publicKey: Bytes; /* COSE */
}

const FLAG_UP = 0x01, FLAG_UV = 0x04;

type ClientData = Partial<Record<"type" | "challenge" | "origin" | "crossOrigin" | "topOrigin", unknown>>;

function readClientData(bytes: Bytes): ClientData {
	try {
		const read: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
		if (typeof read === "object" && read !== null)
			return read;
	} catch {
		/* refused below */
	}
	return refuse("client_data.form", "not a JSON object");
}

/* Whether the relying party that the authenticator signed for is the host of the origin, or above it. */
async function speaksFor(origin: string, rpIdHash: Uint8Array): Promise<boolean> {
	const host = /^https:\/\/([a-z0-9.-]+)(:[0-9]{1,5})?$|^http:\/\/(localhost)(:[0-9]{1,5})?$/.exec(origin);
	const labels = (host?.[1] ?? host?.[3] ?? "").split(".");
	for (let i = 0; i < labels.length; i++)
		if (equal(await sha256(utf8(labels.slice(i).join("."))), rpIdHash))
			return true;
	return false;
}

/* What the browser was asked, by a page of whom, for which relying party; the origin that it stated. */
async function checkClientData(bytes: Bytes, type: string, challenge: Bytes, rpIdHash: Uint8Array): Promise<string> {
	const client = readClientData(bytes);
	if (client.type !== type)
		refuse("client_data.type", `not made by ${type}`);
	const asked = typeof client.challenge === "string" ? unbase64url(client.challenge) : null;
	if (asked === null || !equal(asked, challenge))
		refuse("client_data.challenge", "something else was signed");
	if (client.topOrigin !== undefined || client.crossOrigin === true)
		refuse("client_data.cross_origin", "asked from within another site's page");
	if (typeof client.origin !== "string" || !(await speaksFor(client.origin, rpIdHash)))
		refuse("authenticator_data.rp_id", "made for another relying party");
	return client.origin;
}

/* A registration's client data; the attestation is not looked at. */
export async function checkRegistration(clientData: Bytes, challenge: Bytes, rpId: string): Promise<string> {
	return checkClientData(clientData, "webauthn.create", challenge, await sha256(utf8(rpId)));
}

/* Refuses with the names that the keeper has for the same. The origin that the person's browser stated. */
export async function verifyAssertion(assertion: Assertion, challenge: Bytes): Promise<string> {
	const { authenticatorData, clientData } = assertion, flags = authenticatorData[32] ?? 0;
	if (authenticatorData.length < 37)
		refuse("authenticator_data.truncated", "ends within its fixed part");
	const origin = await checkClientData(clientData, "webauthn.get", challenge, authenticatorData.subarray(0, 32));
	if ((flags & FLAG_UP) === 0)
		refuse("authenticator_data.user_present", "nobody touched the authenticator");
	if ((flags & FLAG_UV) === 0)
		refuse("authenticator_data.user_verified", "the authenticator did not verify who used it");
	if (!(await verifyCose(assertion.publicKey, concat(authenticatorData, await sha256(clientData)), assertion.signature)))
		refuse("signature.mismatch", "not a signature by this key over this message");
	return origin;
}
