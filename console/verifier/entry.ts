/* An entry: what one leaf of the log says (docs/PROTOCOL.ledger §4, docs/PROTOCOL.entries). */
import { isObject, type JsonObject, parseCanonical } from "./canonical";
import { refuse } from "./refusal";

export interface Entry {
	at: number; /* ms since 1970 */
	body: JsonObject;
	seq: number;
	type: string;
	version: number;
}

const MEMBERS = ["at", "body", "seq", "type", "version"];

export function readEntry(leaf: Uint8Array): Entry {
	const root = parseCanonical(leaf);
	if (!isObject(root))
		refuse("entry.object", "an entry is an object");
	const { at, body, seq, type, version } = root;
	if (Object.keys(root).some((key) => !MEMBERS.includes(key)))
		refuse("entry.members", "a member that entries do not have");
	if (typeof at !== "number" || typeof seq !== "number" || at < 0 || seq < 0)
		refuse("entry.number", "time or number is missing or negative");
	if (typeof type !== "string" || !isObject(body))
		refuse("entry.body", "type or body is missing");
	if (version !== 1)
		refuse("entry.version", "written by a newer program than this one");
	return { at, body, seq, type, version };
}
