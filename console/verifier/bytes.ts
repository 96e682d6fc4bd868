/*
 * Bytes and their spellings. Text that is parsed is held as a string with one character for each byte ("octets"), so that
 * offsets, lengths and comparisons are those of the bytes; only what is shown is decoded from UTF-8.
 */
import { refuse } from "./refusal";

export type Bytes = Uint8Array<ArrayBuffer>;

const CHUNK = 0x2000;

export function octetsOf(bytes: Uint8Array): string {
	let text = "";
	for (let at = 0; at < bytes.length; at += CHUNK)
		text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
	return text;
}

export function bytesOf(octets: string): Bytes {
	const bytes = new Uint8Array(octets.length);
	for (let i = 0; i < octets.length; i++)
		bytes[i] = octets.charCodeAt(i);
	return bytes;
}

export function utf8(text: string): Bytes {
	return new TextEncoder().encode(text) as Bytes;
}

/* For people; what is no UTF-8 shows as U+FFFD. */
export function shown(octets: string): string {
	return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytesOf(octets));
}

export function concat(...parts: Uint8Array[]): Bytes {
	const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
	let at = 0;
	for (const part of parts) {
		whole.set(part, at);
		at += part.length;
	}
	return whole;
}

export function equal(a: Uint8Array, b: Uint8Array): boolean {
	return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function hex(bytes: Uint8Array): string {
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* null where it is not hexadecimal; of `length` bytes if that is given. */
export function unhex(text: string, length?: number): Bytes | null {
	if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text) || (length !== undefined && text.length !== 2 * length))
		return null;
	return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export function base64(bytes: Uint8Array): string {
	return btoa(octetsOf(bytes));
}

/* RFC 4648 with padding and zero trailing bits, so that bytes have one spelling; null for anything else. */
export function unbase64(text: string): Bytes | null {
	if (text.length % 4 !== 0)
		return null;
	const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
	const bytes = new Uint8Array((text.length / 4) * 3 - padding);
	let bits = 0, held = 0, at = 0;
	for (let i = 0; i < text.length - padding; i++) {
		const digit = DIGITS.indexOf(text.charAt(i));
		if (digit < 0)
			return null;
		held = ((held << 6) | digit) & 0xffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			bytes[at++] = (held >> bits) & 0xff;
		}
	}
	return (held & ((1 << bits) - 1)) === 0 ? bytes : null;
}

export function unbase64url(text: string): Bytes | null {
	if (!/^[A-Za-z0-9_-]*$/.test(text))
		return null;
	return unbase64(text.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (text.length % 4)) % 4));
}

const U64_MAX = 2n ** 64n - 1n;

/* Digits without a leading zero, within 64 bits; null for anything else. */
export function decimal(text: string): bigint | null {
	if (!/^(0|[1-9][0-9]{0,19})$/.test(text))
		return null;
	const number = BigInt(text);
	return number <= U64_MAX ? number : null;
}

export function u64(number: bigint): Bytes {
	const bytes = new Uint8Array(8);
	new DataView(bytes.buffer).setBigUint64(0, number);
	return bytes;
}

export function readU64(bytes: Uint8Array): bigint {
	return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
}

/* Length of the UTF-8 character at an offset; 0 where there is none. */
export function utf8Length(octets: string, at: number): number {
	const first = octets.charCodeAt(at), second = octets.charCodeAt(at + 1);
	if (first < 0x80)
		return 1;
	const length = first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
	if (length === 0 || at + length > octets.length)
		return 0;
	for (let i = 1; i < length; i++)
		if ((octets.charCodeAt(at + i) & 0xc0) !== 0x80)
			return 0;
	const overlong = (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90);
	const surrogate = first === 0xed && second > 0x9f, beyond = first === 0xf4 && second > 0x8f;
	return overlong || surrogate || beyond ? 0 : length;
}

/* Reads text from the front. */
export class Cursor {
	private at = 0;

	constructor(private readonly octets: string) {}

	get left(): number {
		return this.octets.length - this.at;
	}

	rest(): string {
		return this.octets.slice(this.at);
	}

	take(error: string, length: number): string {
		if (length > this.left)
			refuse(error, `truncated: ${length} bytes expected, ${this.left} left`);
		this.at += length;
		return this.octets.slice(this.at - length, this.at);
	}

	until(error: string, end: string): string {
		const found = this.octets.indexOf(end, this.at);
		if (found < 0)
			refuse(error, `no 0x${end.charCodeAt(0).toString(16).padStart(2, "0")} ends it in the ${this.left} bytes left`);
		const taken = this.octets.slice(this.at, found);
		this.at = found + 1;
		return taken;
	}
}
