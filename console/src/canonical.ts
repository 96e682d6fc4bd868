// Canonical JSON (docs/PROTOCOL.json) and the hash of it: what people sign is the digest of a document, and every document has one
// spelling. JSON.stringify escapes strings exactly as the protocol does.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export function canonical(value: Json): string {
	if (typeof value === "number") {
		if (!Number.isSafeInteger(value)) throw new RangeError("json.integer: only integers within 2^53 - 1 are signed");
		return String(value);
	}
	if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
	if (value !== null && typeof value === "object") {
		const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
		return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`;
	}
	return JSON.stringify(value);
}

export async function sha256(text: string): Promise<Uint8Array<ArrayBuffer>> {
	return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

export function hex(bytes: ArrayBuffer | Uint8Array): string {
	return Array.from(bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function unhex(text: string): Uint8Array<ArrayBuffer> {
	if (!/^([0-9a-f]{2})*$/.test(text)) throw new RangeError("hex: expected pairs of hexadecimal digits");
	return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function randomHex(bytes: number): string {
	return hex(crypto.getRandomValues(new Uint8Array(bytes)));
}
