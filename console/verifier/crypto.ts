/*
 * Hashes and signatures. SHA-256, ECDSA and RSA are the browser's (WebCrypto), which a page has over HTTPS, from localhost and
 * from a file on disk. Ed25519 and ML-DSA-44 are not in every browser and come from @noble.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { type Bytes, concat, equal } from "./bytes";

export async function sha256(...parts: Uint8Array[]): Promise<Bytes> {
	return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}

const { Point } = ed25519;

function littleEndian(bytes: Uint8Array): bigint {
	return bytes.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

function readPoint(bytes: Uint8Array) {
	try {
		return Point.fromBytes(bytes, false);
	} catch {
		return null; /* no canonical encoding of a point */
	}
}

/*
 * RFC 8032 §5.1.7 without the cofactor, S below the order, and neither key nor R of small order: exactly what libsodium, and
 * with it gatehouse-verify, takes. The library's own verify() multiplies by the cofactor and so takes a little more.
 */
export function verifyEd25519(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
	if (publicKey.length !== 32 || signature.length !== 64)
		return false;
	const r = signature.subarray(0, 32), s = littleEndian(signature.subarray(32));
	const key = readPoint(publicKey), given = readPoint(r);
	if (key === null || given === null || key.isSmallOrder() || given.isSmallOrder() || s >= Point.Fn.ORDER)
		return false;
	const k = littleEndian(sha512(concat(r, publicKey, message))) % Point.Fn.ORDER;
	const computed = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
	return equal(computed.toBytes(), r);
}

/* FIPS 204, pure, empty context. */
export function verifyMlDsa44(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
	return ml_dsa44.verify(signature, message, publicKey);
}
