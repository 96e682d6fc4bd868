/* Receipts (C2SP tlog-proof): docs/PROTOCOL.receipt §1. */
import { type Bytes, Cursor, decimal, unbase64 } from "./bytes";
import { type Checkpoint, parseCheckpoint } from "./checkpoint";
import { type Note, parseNote } from "./note";
import { leafHash, parseProof, verifyInclusion } from "./proof";
import { refuse } from "./refusal";

export const RECEIPT_MAX = 1024 * 1024;
export const ENTRY_MAX = 65_535;
const MAGIC = "c2sp.org/tlog-proof@v1";

export interface Receipt {
	entry: Bytes | null; /* where it travels in the receipt */
	index: bigint;
	proof: Bytes[];
	note: Note;
	checkpoint: Checkpoint;
}

export function isReceipt(octets: string): boolean {
	return octets.startsWith("c2sp.org/tlog-proof@");
}

function parseEntry(text: string): Bytes {
	const entry = text.length > Math.ceil(ENTRY_MAX / 3) * 4 ? null : unbase64(text);
	if (entry === null || entry.length > ENTRY_MAX)
		refuse("receipt.extra", `expected base64 of an entry of at most ${ENTRY_MAX} bytes`);
	return entry;
}

export function parseReceipt(octets: string): Receipt {
	if (octets.length > RECEIPT_MAX)
		refuse("receipt.size", `${octets.length} bytes, at most ${RECEIPT_MAX}`);
	const cursor = new Cursor(octets);
	if (cursor.until("receipt.magic", "\n") !== MAGIC)
		refuse("receipt.magic", `expected ${MAGIC}`);
	let line = cursor.until("receipt.index", "\n"), entry: Bytes | null = null;
	if (line.startsWith("extra ")) {
		entry = parseEntry(line.slice("extra ".length));
		line = cursor.until("receipt.index", "\n");
	}
	const index = line.startsWith("index ") ? decimal(line.slice("index ".length)) : null;
	if (index === null)
		refuse("receipt.index", "expected index and a decimal number");
	const proof = parseProof(cursor, "receipt.proof");
	const note = parseNote(cursor.rest());
	return { entry, index, proof, note, checkpoint: parseCheckpoint(note.text) };
}

/* That the entry is the leaf of the receipt's index in the tree of its checkpoint; the leaf's hash. */
export async function checkEntry(receipt: Receipt, entry: Bytes): Promise<Bytes> {
	const leaf = await leafHash(entry);
	await verifyInclusion(leaf, receipt.index, receipt.checkpoint.size, receipt.proof, receipt.checkpoint.root);
	return leaf;
}
