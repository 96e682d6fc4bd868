/*
 * Signed notes (C2SP signed-note) and the keys that sign them, as src/ledger/note.c reads them: the same limits, the same names
 * of errors.
 */
import { type Bytes, bytesOf, Cursor, octetsOf, shown, unbase64, unhex, utf8Length } from "./bytes";
import { sha256, verifyEd25519 } from "./crypto";
import { refuse } from "./refusal";

export const NAME_MAX = 255;
const NOTE_MAX = 512 * 1024;
const SIGNATURES_MAX = 64;
const KEY_ID_SIZE = 4;
export const MLDSA44_PUBLIC_SIZE = 1312;

export const TYPE_ED25519 = 0x01;
export const TYPE_COSIGNATURE_ED25519 = 0x04;
export const TYPE_COSIGNATURE_MLDSA44 = 0x06;

const SIZES: Record<number, number> = {
	[TYPE_ED25519]: 32,
	[TYPE_COSIGNATURE_ED25519]: 32,
	[TYPE_COSIGNATURE_MLDSA44]: MLDSA44_PUBLIC_SIZE,
};

export interface NoteSignature {
	name: string; /* octets */
	keyId: string; /* octets */
	signature: Bytes; /* without the key id */
}

export interface Note {
	text: string; /* octets, with the last line feed */
	signatures: NoteSignature[];
}

export interface NoteKey {
	type: number;
	id: string; /* octets */
	name: string; /* octets */
	publicKey: Bytes;
}

const SPACES = /^[\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

export function checkName(name: string): void {
	if (name.length === 0 || name.length > NAME_MAX)
		refuse("note.name", `${name.length} bytes, expected 1 to ${NAME_MAX}`);
	for (let at = 0; at < name.length; ) {
		const length = utf8Length(name, at);
		if (length === 0)
			refuse("note.name", `invalid UTF-8 at offset ${at}`);
		const first = name.charAt(at);
		if (first <= " " || first === "+" || first === "\x7f" || (length > 1 && SPACES.test(shown(name.slice(at, at + length)))))
			refuse("note.name", `a space, control character or '+' at offset ${at}`);
		at += length;
	}
}

function checkCharacters(input: string): void {
	for (let at = 0; at < input.length; ) {
		const length = utf8Length(input, at);
		if (length === 0)
			refuse("note.utf8", `invalid UTF-8 at offset ${at}`);
		if (input.charAt(at) < " " && input.charAt(at) !== "\n")
			refuse("note.control", `a control character at offset ${at}`);
		at += length;
	}
}

const SIGNATURE_START = octetsOf(new TextEncoder().encode("\u2014 "));

function parseSignature(line: string): NoteSignature {
	const cursor = new Cursor(line);
	if (cursor.take("note.signature_line", SIGNATURE_START.length) !== SIGNATURE_START)
		refuse("note.signature_line", "does not begin with an em dash and a space");
	const name = cursor.until("note.signature_line", " ");
	checkName(name);
	const decoded = unbase64(cursor.rest());
	if (decoded === null || decoded.length <= KEY_ID_SIZE)
		refuse("note.signature_line", `${shown(name)}: expected base64 of more than ${KEY_ID_SIZE} bytes`);
	return { name, keyId: octetsOf(decoded.subarray(0, KEY_ID_SIZE)), signature: decoded.slice(KEY_ID_SIZE) };
}

export function parseNote(input: string): Note {
	if (input.length > NOTE_MAX)
		refuse("note.size", `${input.length} bytes, at most ${NOTE_MAX}`);
	checkCharacters(input);
	const blank = input.lastIndexOf("\n\n");
	if (blank < 0 || blank + 2 === input.length)
		refuse("note.separator", "no blank line with signatures after it");
	const note: Note = { text: input.slice(0, blank + 1), signatures: [] };
	const lines = new Cursor(input.slice(blank + 2));
	while (lines.left > 0) {
		if (note.signatures.length === SIGNATURES_MAX)
			refuse("note.signature_count", `more than ${SIGNATURES_MAX}`);
		note.signatures.push(parseSignature(lines.until("note.signature_line", "\n")));
	}
	return note;
}

/* --- Keys. --- */

async function keyIdOf(name: string, type: number, publicKey: Bytes): Promise<string> {
	const hash = await sha256(bytesOf(name), bytesOf("\n"), Uint8Array.of(type), publicKey);
	return octetsOf(hash.subarray(0, KEY_ID_SIZE));
}

/* "name+<8 hex digits>+<base64(type ‖ public key)>" */
export async function parseKey(vkey: string): Promise<NoteKey> {
	const cursor = new Cursor(vkey);
	const name = cursor.until("vkey.syntax", "+");
	const id = unhex(cursor.until("vkey.syntax", "+"), KEY_ID_SIZE);
	if (id === null)
		refuse("vkey.syntax", "the key id is not 8 hexadecimal digits");
	const typed = unbase64(cursor.rest());
	if (typed === null || typed.length < 2 || typed.length > 1 + MLDSA44_PUBLIC_SIZE)
		refuse("vkey.syntax", `the key is not base64 of 2 to ${1 + MLDSA44_PUBLIC_SIZE} bytes`);
	const type = typed[0] as number, publicKey = typed.slice(1), expected = SIZES[type];
	if (expected === undefined)
		refuse("vkey.type", `0x${type.toString(16)}, expected 0x01, 0x04 or 0x06`);
	if (publicKey.length !== expected)
		refuse("vkey.length", `${publicKey.length} bytes in a key of type ${type}, expected ${expected}`);
	const key: NoteKey = { type, id: await keyIdOf(name, type, publicKey), name, publicKey };
	if (octetsOf(id) !== key.id)
		refuse("vkey.id", "not the one that name and key give");
	checkName(name);
	return key;
}

/* The one signature by this key, or null; several refuse: which of them would count? */
export function findSignature(note: Note, key: NoteKey): NoteSignature | null {
	const found = note.signatures.filter((candidate) => candidate.keyId === key.id && candidate.name === key.name);
	if (found.length > 1)
		refuse("note.duplicate", `${shown(key.name)} signed more than once`);
	return found[0] ?? null;
}

/* A signature of type 0x01 over the text. */
export function checkEd25519(note: Note, key: NoteKey, found: NoteSignature): void {
	if (key.type !== TYPE_ED25519 || found.signature.length !== 64)
		refuse("signature.length", `${found.signature.length} bytes by ${shown(key.name)}, expected an Ed25519 signature`);
	if (!verifyEd25519(key.publicKey, bytesOf(note.text), found.signature))
		refuse("signature.ed25519", "does not verify");
}
