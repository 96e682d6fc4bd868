// Logs and witnesses of the test's own, with keys to sign whatever is wanted: heads of any size, proofs of trees that nobody could
// write down, policies of every form. Everything is drawn from a seed.

import { createHash } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";

export const bytes = (text) => new TextEncoder().encode(text);
export const sha256 = (...parts) => new Uint8Array(createHash("sha256").update(Buffer.concat(parts)).digest());
export const base64 = (content) => Buffer.from(content).toString("base64");
const u64 = (number) => {
	const out = Buffer.alloc(8);
	out.writeBigUInt64BE(BigInt(number));
	return out;
};

/* Deterministic numbers: SHA-256 of the seed and a counter. */
export class Random {
	constructor(seed) {
		this.seed = bytes(String(seed));
		this.count = 0;
	}
	bytes(length) {
		const parts = [];
		for (let have = 0; have < length; have += 32) parts.push(sha256(this.seed, u64(this.count++)));
		return Buffer.concat(parts).subarray(0, length);
	}
	below(limit) {
		return Number(this.bytes(8).readBigUInt64BE() % BigInt(limit));
	}
	of(list) {
		return list[this.below(list.length)];
	}
}

// --- Keys. ---

export class Key {
	/* publicKey: one of which nobody has the private part. */
	constructor(name, type, seed, publicKey) {
		this.name = name;
		this.type = type;
		this.secret = type === 6 ? ml_dsa44.keygen(seed).secretKey : seed;
		this.public = publicKey ?? (type === 6 ? ml_dsa44.keygen(seed).publicKey : ed25519.getPublicKey(seed));
		this.id = sha256(bytes(`${name}\n`), Uint8Array.of(type), this.public).subarray(0, 4);
	}
	sign(message) {
		return this.type === 6 ? ml_dsa44.sign(message, this.secret) : ed25519.sign(message, this.secret);
	}
	get vkey() {
		return `${this.name}+${Buffer.from(this.id).toString("hex")}+${base64(Buffer.concat([Uint8Array.of(this.type), this.public]))}`;
	}
	line(signature) {
		return `\u2014 ${this.name} ${base64(Buffer.concat([this.id, signature]))}\n`;
	}
	/* Over a checkpoint: of type 0x01 plain, of 0x04 and 0x06 with a time. */
	over(head, time = 1_795_000_000n) {
		if (this.type === 1) return this.line(this.sign(bytes(head.text)));
		if (this.type === 4) return this.line(Buffer.concat([u64(time), this.sign(bytes(`cosignature/v1\ntime ${time}\n${head.text}`))]));
		const name = bytes(this.name), origin = bytes(head.origin);
		const parts = ["subtree/v1\n\0", Uint8Array.of(name.length), name, u64(time), Uint8Array.of(origin.length), origin, u64(0), u64(head.size), head.root];
		return this.line(Buffer.concat([u64(time), this.sign(Buffer.concat(parts.map((part) => (typeof part === "string" ? bytes(part) : part))))]));
	}
}

export function headOf(origin, size, root, extensions = "") {
	return { origin, size: BigInt(size), root, text: `${origin}\n${size}\n${base64(root)}\n${extensions}` };
}

export function noteOf(head, ...lines) {
	return `${head.text}\n${lines.join("")}`;
}

// --- Trees. ---

export const leafHash = (entry) => sha256(Uint8Array.of(0), entry);
export const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

function split(size) {
	let k = 1;
	while (k * 2 < size) k *= 2;
	return k;
}

export function rootOf(leaves) {
	if (leaves.length === 0) return sha256(new Uint8Array());
	if (leaves.length === 1) return leaves[0];
	const k = split(leaves.length);
	return nodeHash(rootOf(leaves.slice(0, k)), rootOf(leaves.slice(k)));
}

/* RFC 6962 §2.1.1 */
export function inclusion(leaves, index) {
	if (leaves.length <= 1) return [];
	const k = split(leaves.length);
	return index < k ? [...inclusion(leaves.slice(0, k), index), rootOf(leaves.slice(k))] : [...inclusion(leaves.slice(k), index - k), rootOf(leaves.slice(0, k))];
}

/* RFC 6962 §2.1.2 */
export function consistency(leaves, oldSize, isWhole = true) {
	if (oldSize === leaves.length) return isWhole ? [] : [rootOf(leaves)];
	const k = split(leaves.length);
	return oldSize <= k
		? [...consistency(leaves.slice(0, k), oldSize, isWhole), rootOf(leaves.slice(k))]
		: [...consistency(leaves.slice(k), oldSize - k, false), rootOf(leaves.slice(0, k))];
}

/* A leaf of a tree of any size below 2^64, whose other leaves are drawn: the proof, and the root that it leads to. */
export function drawnPath(random, leaf, index, size) {
	const hashes = [];
	let root = leaf, fn = BigInt(index), sn = BigInt(size) - 1n;
	for (; sn > 0n; fn >>= 1n, sn >>= 1n) {
		if ((fn & 1n) === 0n && fn === sn) continue; /* the rightmost node rises as it is */
		const sibling = random.bytes(32);
		hashes.push(sibling);
		root = (fn & 1n) === 1n ? nodeHash(sibling, root) : nodeHash(root, sibling);
	}
	return { hashes, root };
}

// --- Files. ---

export function receiptOf({ entry, index, hashes, note }) {
	const extra = entry === undefined ? "" : `extra ${base64(entry)}\n`;
	return `c2sp.org/tlog-proof@v1\n${extra}index ${index}\n${linesOf(hashes)}\n${note}`;
}

export const linesOf = (hashes) => hashes.map((hash) => `${base64(hash)}\n`).join("");
