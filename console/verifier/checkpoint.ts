/* The body of a checkpoint (C2SP tlog-checkpoint) and timestamped signatures over it (C2SP tlog-cosignature). */
import { type Bytes, bytesOf, concat, Cursor, decimal, readU64, shown, u64, unbase64 } from "./bytes";
import { verifyEd25519, verifyMlDsa44 } from "./crypto";
import { NAME_MAX, type Note, type NoteKey, type NoteSignature, TYPE_COSIGNATURE_ED25519, TYPE_COSIGNATURE_MLDSA44 } from "./note";
import { refuse } from "./refusal";

export const I64_MAX = 2n ** 63n - 1n;

export interface Checkpoint {
	origin: string; /* octets */
	size: bigint;
	root: Bytes;
}

/* Extension lines are looked at for their form alone: an ML-DSA-44 signature does not cover them. */
function checkExtensions(lines: Cursor): void {
	while (lines.left > 0)
		if (lines.until("checkpoint.extension", "\n") === "")
			refuse("checkpoint.extension", "an empty line");
}

export function parseCheckpoint(text: string): Checkpoint {
	const cursor = new Cursor(text);
	const origin = cursor.until("checkpoint.origin", "\n");
	if (origin === "")
		refuse("checkpoint.origin", "empty");
	const size = decimal(cursor.until("checkpoint.size", "\n"));
	if (size === null || size > I64_MAX)
		refuse("checkpoint.size", "expected a decimal number below 2^63");
	const root = unbase64(cursor.until("checkpoint.root", "\n"));
	if (root === null || root.length !== 32)
		refuse("checkpoint.root", "expected base64 of 32 bytes");
	checkExtensions(cursor);
	return { origin, size, root };
}

/* --- Timestamped signatures. --- */

const TIME_SIZE = 8;
const SIGNATURE_SIZES: Record<number, number> = { [TYPE_COSIGNATURE_ED25519]: 64, [TYPE_COSIGNATURE_MLDSA44]: 2420 };

function prefixed(octets: string): Bytes {
	return concat(Uint8Array.of(octets.length), bytesOf(octets));
}

/* What 0x06 signs: the whole tree as a subtree from 0. */
function subtreeMessage(cosigner: string, timeS: bigint, checkpoint: Checkpoint): Bytes {
	return concat(bytesOf("subtree/v1\n\0"), prefixed(cosigner), u64(timeS), prefixed(checkpoint.origin), u64(0n), u64(checkpoint.size),
		checkpoint.root);
}

/* Of a 0x04 or 0x06 key; the time that was signed, in seconds. */
export function checkCosignature(note: Note, checkpoint: Checkpoint, key: NoteKey, found: NoteSignature): bigint {
	const { signature } = found, expected = SIGNATURE_SIZES[key.type];
	if (expected === undefined || signature.length !== TIME_SIZE + expected)
		refuse("cosignature.length", `${signature.length} bytes by ${shown(key.name)}, a key of type ${key.type}`);
	const timeS = readU64(signature), signed = signature.subarray(TIME_SIZE);
	if (timeS > I64_MAX)
		refuse("cosignature.time", `beyond 2^63 by ${shown(key.name)}`);
	if (key.type === TYPE_COSIGNATURE_ED25519) {
		if (!verifyEd25519(key.publicKey, bytesOf(`cosignature/v1\ntime ${timeS}\n${note.text}`), signed))
			refuse("signature.ed25519", "does not verify");
		return timeS;
	}
	if (checkpoint.origin.length > NAME_MAX)
		refuse("cosignature.origin", `${checkpoint.origin.length} bytes, type 0x06 signs at most ${NAME_MAX}`);
	if (!verifyMlDsa44(key.publicKey, subtreeMessage(key.name, timeS, checkpoint), signed))
		refuse("signature.mldsa44", "does not verify");
	return timeS;
}
