/* Merkle proofs (RFC 6962 hashing; RFC 9162 §2.1.3.2 and §2.1.4.2). */
import { type Bytes, type Cursor, equal, hex, unbase64 } from "./bytes";
import { sha256 } from "./crypto";
import { refuse } from "./refusal";

const LENGTH_MAX = 64;

export function leafHash(entry: Uint8Array): Promise<Bytes> {
	return sha256(Uint8Array.of(0), entry);
}

function nodeHash(left: Bytes, right: Bytes): Promise<Bytes> {
	return sha256(Uint8Array.of(1), left, right);
}

function checkLength(isRight: boolean, hashes: Bytes[]): void {
	if (!isRight)
		refuse("proof.length", `${hashes.length} hashes are not the length of this proof`);
}

function checkRoot(proven: Bytes, expected: Bytes): void {
	if (!equal(proven, expected))
		refuse("proof.root", `the proof leads to ${hex(proven)}, expected ${hex(expected)}`);
}

/* Lines of base64, ended by an empty one. */
export function parseProof(cursor: Cursor, field: string): Bytes[] {
	const hashes: Bytes[] = [];
	for (let line; (line = cursor.until(field, "\n")) !== ""; ) {
		if (hashes.length === LENGTH_MAX)
			refuse(field, `more than ${LENGTH_MAX} hashes`);
		const hash = unbase64(line);
		if (hash === null || hash.length !== 32)
			refuse(field, `hash ${hashes.length + 1} is not base64 of 32 bytes`);
		hashes.push(hash);
	}
	return hashes;
}

export async function verifyInclusion(leaf: Bytes, index: bigint, size: bigint, hashes: Bytes[], root: Bytes): Promise<void> {
	if (index >= size)
		refuse("proof.range", `leaf ${index} of leaves 0 to ${size}`);
	let fn = index, sn = size - 1n, computed = leaf;
	for (const hash of hashes) {
		checkLength(sn !== 0n, hashes);
		if ((fn & 1n) === 1n || fn === sn) {
			computed = await nodeHash(hash, computed);
			while ((fn & 1n) === 0n && fn !== 0n) {
				fn >>= 1n;
				sn >>= 1n;
			}
		} else {
			computed = await nodeHash(computed, hash);
		}
		fn >>= 1n;
		sn >>= 1n;
	}
	checkLength(sn === 0n, hashes);
	checkRoot(computed, root);
}

/* Between two sizes, the older one not 0. `fr` rebuilds the older root, `sr` the newer one. */
export async function verifyConsistency(oldSize: bigint, oldRoot: Bytes, size: bigint, root: Bytes, hashes: Bytes[]): Promise<void> {
	if (oldSize === 0n)
		refuse("proof.range", "consistency with an empty tree proves nothing");
	if (oldSize > size)
		refuse("proof.range", `from ${oldSize} leaves to ${size}`);
	const fn = 0n;
	let sn = oldSize - 1n, tn = size - 1n;
	const endsTogether = sn === tn;
	while (fn !== sn && (endsTogether || (sn & 1n) === 1n)) {
		sn >>= 1n;
		tn >>= 1n;
	}
	let next = 0, fr = oldRoot, sr = oldRoot;
	if (fn !== sn) {
		const first = hashes[next++];
		if (first === undefined)
			refuse("proof.length", "no hashes");
		fr = sr = first;
	}
	for (const hash of hashes.slice(next)) {
		checkLength(tn !== 0n, hashes);
		if ((sn & 1n) === 1n || sn === tn) {
			if (fn < sn)
				fr = await nodeHash(hash, fr);
			sr = await nodeHash(hash, sr);
			while ((sn & 1n) === 0n && sn !== 0n) {
				sn >>= 1n;
				tn >>= 1n;
			}
		} else {
			sr = await nodeHash(sr, hash);
		}
		sn >>= 1n;
		tn >>= 1n;
	}
	checkLength(tn === 0n, hashes);
	checkRoot(fr, oldRoot);
	checkRoot(sr, root);
}
