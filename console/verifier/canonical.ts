/* Canonical JSON (docs/PROTOCOL.json): one value has one spelling. What another program would spell otherwise is refused. */
import { type Bytes, utf8 } from "./bytes";
import { refuse } from "./refusal";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
	[key: string]: Json;
}

const DEPTH_MAX = 32;

export function isObject(value: Json | undefined): value is JsonObject {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function write(value: Json, depth: number): string {
	if (typeof value !== "object" || value === null) {
		if (typeof value === "number" && !Number.isSafeInteger(value))
			refuse("json.integer", "a number that is not an integer within ±(2^53-1)");
		return JSON.stringify(value);
	}
	if (depth >= DEPTH_MAX)
		refuse("json.depth", `nested deeper than ${DEPTH_MAX} levels`);
	if (Array.isArray(value))
		return `[${value.map((element) => write(element, depth + 1)).join(",")}]`;
	const members = Object.keys(value).sort((a, b) => (a < b ? -1 : 1));
	if (members.some((key) => !/^[ -~]*$/.test(key)))
		refuse("json.key", "a key is not printable ASCII");
	return `{${members.map((key) => `${JSON.stringify(key)}:${write(value[key] as Json, depth + 1)}`).join(",")}}`;
}

export function canonical(value: Json): Bytes {
	return utf8(write(value, 0));
}

export function parseCanonical(bytes: Uint8Array): Json {
	let text: string, value: Json;
	try {
		text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
		value = JSON.parse(text) as Json;
	} catch {
		refuse("json.syntax", "neither UTF-8 nor JSON, or not both");
	}
	/* Duplicate keys, floats, white space and other spellings do not come out as they went in. */
	if (write(value, 0) !== text)
		refuse("json.canonical", "not in canonical form");
	return value;
}
