// What receipts may be wrong by: a row for each, with what both verifiers must say.

import { base64, bytes, consistency, drawnPath, headOf, inclusion, Key, leafHash, linesOf, noteOf, Random, receiptOf, rootOf } from "./forge.mjs";

const ORIGIN = "gate.example/keeper1";
const random = new Random("table");

const log = [new Key(ORIGIN, 1, random.bytes(32)), new Key(ORIGIN, 6, random.bytes(32))];
const stranger = [new Key(ORIGIN, 1, random.bytes(32)), new Key(ORIGIN, 6, random.bytes(32))];
const other = [new Key("other.example/keeper1", 1, random.bytes(32)), new Key("other.example/keeper1", 6, random.bytes(32))];
const w4 = new Key("witness.example/w1", 4, random.bytes(32)), w6 = new Key("witness.example/w1", 6, random.bytes(32));
const v4 = new Key("witness.example/w2", 4, random.bytes(32));

const SIZE = 13, OLD = 6, INDEX = 9;
const entries = Array.from({ length: SIZE }, (_, i) => bytes(`{"at":1,"body":{"n":${i}},"seq":${i},"type":"vote","version":1}`));
const leaves = entries.map(leafHash);
const head = headOf(ORIGIN, SIZE, rootOf(leaves)), oldHead = headOf(ORIGIN, OLD, rootOf(leaves.slice(0, OLD)));
const signed = (of, by = log) => by.map((key) => key.over(of));
const cosigned = (of) => [...signed(of), w4.over(of), w6.over(of)];
const receipt = (changes = {}) => receiptOf({ entry: entries[INDEX], index: INDEX, hashes: inclusion(leaves, INDEX), note: noteOf(head, ...cosigned(head)), ...changes });
const withNote = (...lines) => receipt({ note: noteOf(head, ...lines) });

const policyOf = (logs, witnesses, ...rest) => `${logs.map((key) => `log ${key.vkey}\n`).join("")}${witnesses.map(([name, key]) => `witness ${name} ${key.vkey}\n`).join("")}${rest.join("\n")}\n`;
const pinned = policyOf(log, [["a", w4], ["b", w6]], "group both all a b", "quorum both");
const nobody = policyOf(log, [], "quorum none");
const good = receipt(), older = noteOf(oldHead, ...cosigned(oldHead)), proof = linesOf(consistency(leaves, OLD));

const rows = [];
const add = (name, said, question) => rows.push({ name, said, question: { kind: "receipt", subject: good, policy: pinned, ...question } });
const subject = (name, said, text) => add(name, said, { subject: text });
const policy = (name, said, text) => add(name, said, { policy: text });

/* A receipt of a tree of any size, signed by the log and both of the witness's keys. */
function drawn(index, size, change = (hashes) => hashes) {
	const path = drawnPath(random, leaves[INDEX], index, size), of = headOf(ORIGIN, size, path.root);
	return receiptOf({ entry: entries[INDEX], index, hashes: change(path.hashes), note: noteOf(of, ...cosigned(of)) });
}

// What is sound, and how far.
add("whole", "verified", {});
add("with an older head of the same size", "verified", { older: noteOf(head, ...cosigned(head)) });
add("with an older head and the proof from it", "verified", { older, consistency: proof });
add("with an older receipt and the proof from it", "verified", { older: receiptOf({ entry: entries[2], index: 2, hashes: inclusion(leaves.slice(0, OLD), 2), note: older }), consistency: proof });
add("an older head of another size, and no proof", "weaker: older-not-compared", { older });
add("no key pinned", "weaker: unpinned", { policy: undefined });
add("a policy that demands no witness", "weaker: unwitnessed no-older-head", { policy: nobody });
add("no witness, and an older head with its proof", "weaker: unwitnessed", { policy: nobody, older, consistency: proof });
subject("no cosignature", "weaker: unwitnessed no-older-head", withNote(...signed(head)));
subject("one of two cosignatures", "weaker: unwitnessed no-older-head", withNote(...signed(head), w4.over(head)));
subject("only the Ed25519 signature", "weaker: single-signature", withNote(log[0].over(head), w4.over(head), w6.over(head)));
subject("only the ML-DSA-44 signature", "weaker: single-signature", withNote(log[1].over(head), w4.over(head), w6.over(head)));
subject("both of the log's signatures missing", "policy.unsigned", withNote(w4.over(head), w6.over(head)));
policy("a policy with only one of the log's keys", "weaker: single-signature", policyOf([log[0]], [["a", w4], ["b", w6]], "group both all a b", "quorum both"));
add("an entry beside a receipt without one", "verified", { subject: receipt({ entry: undefined }), entry: entries[INDEX] });
add("an entry beside a receipt, and another inside", "proof.root", { subject: receipt({ entry: entries[3] }), entry: entries[INDEX] });
add("no entry anywhere", "usage.entry", { subject: receipt({ entry: undefined }) });
add("a checkpoint in the place of a receipt", "usage.entry", { subject: noteOf(head, ...cosigned(head)) });
add("a checkpoint", "verified", { kind: "checkpoint", subject: noteOf(head, ...cosigned(head)) });
add("a receipt asked for as a checkpoint", "verified", { kind: "checkpoint" });
subject("unknown signers beside the known ones", "verified", withNote(...cosigned(head), ...signed(head, stranger), v4.over(head)));
subject("extension lines", "verified", (() => { const of = headOf(ORIGIN, SIZE, head.root, "extension 1\nextension 2\n"); return receipt({ note: noteOf(of, ...cosigned(of)) }); })());
subject("a time of 0 in the ML-DSA-44 signatures", "verified", withNote(log[0].over(head), log[1].over(head, 0n), w4.over(head), w6.over(head, 0n)));
subject("a time beyond the year 9999", "verified", withNote(log[0].over(head), log[1].over(head, 253_402_300_800n), w4.over(head), w6.over(head)));
subject("the greatest time", "verified", withNote(log[0].over(head), log[1].over(head, 2n ** 63n - 1n), w4.over(head), w6.over(head)));
subject("the only leaf of its tree", "verified", drawn(0n, 1n));
subject("the last leaf of a tree of 2^63 - 1", "verified", drawn(2n ** 63n - 2n, 2n ** 63n - 1n));
subject("the first leaf of a tree of 2^63 - 1", "verified", drawn(0n, 2n ** 63n - 1n));
subject("the last leaf of a tree of 2^40 + 1, one hash", "verified", drawn(2n ** 40n, 2n ** 40n + 1n));

// The receipt's own lines.
subject("nothing", "note.separator", "");
subject("another version", "receipt.magic", good.replace("@v1", "@v2"));
subject("a space behind the first line", "receipt.magic", good.replace("@v1\n", "@v1 \n"));
subject("carriage returns", "receipt.magic", good.replaceAll("\n", "\r\n"));
subject("a byte order mark", "note.control", `\u0001${good}`);
subject("only the first line", "receipt.magic", "c2sp.org/tlog-proof@v1");
subject("nothing behind the first line", "receipt.index", "c2sp.org/tlog-proof@v1\n");
subject("no index", "receipt.index", good.replace(/index 9\n/, ""));
subject("index before extra", "receipt.proof", good.replace(/(extra .*\n)(index .*\n)/, "$2$1"));
subject("two entries", "receipt.index", good.replace(/(extra .*\n)/, "$1$1"));
subject("two indices", "receipt.proof", good.replace(/(index .*\n)/, "$1$1"));
for (const [name, text] of [["with a leading zero", "09"], ["with a sign", "+9"], ["negative", "-9"], ["empty", ""], ["hexadecimal", "0x9"], ["with a space", " 9"], ["of 2^64", "18446744073709551616"], ["of 25 digits", "1".repeat(25)]])
	subject(`an index ${name}`, "receipt.index", good.replace("index 9\n", `index ${text}\n`));
subject("an index of another leaf", "proof.root", good.replace("index 9\n", "index 8\n"));
subject("an index that asks for a shorter proof", "proof.length", good.replace("index 9\n", "index 12\n"));
subject("an index of the tree's size", "proof.range", good.replace("index 9\n", "index 13\n"));
subject("an index of 2^64 - 1", "proof.range", good.replace("index 9\n", "index 18446744073709551615\n"));
subject("another entry", "proof.root", receipt({ entry: entries[3] }));
subject("an entry with one bit flipped", "proof.root", receipt({ entry: entries[INDEX].map((byte, i) => (i === 20 ? byte ^ 1 : byte)) }));
subject("an empty entry", "proof.root", receipt({ entry: new Uint8Array() }));
subject("an entry of 65,535 bytes", "proof.root", receipt({ entry: new Uint8Array(65_535) }));
subject("an entry of 65,536 bytes", "receipt.extra", receipt({ entry: new Uint8Array(65_536) }));
subject("an entry that is no base64", "receipt.extra", good.replace(/extra .*\n/, "extra ****\n"));
subject("an entry without its padding", "receipt.extra", receipt({ entry: bytes("{}") }).replace("e30=", "e30"));
subject("an entry with bits behind its end", "receipt.extra", receipt({ entry: bytes("{}") }).replace("e30=", "e31="));
subject("an entry in base64url", "receipt.extra", receipt({ entry: Uint8Array.of(251, 255, 254) }).replace("+//+", "-__-"));
subject("a receipt of more than 1 MiB", "io.size", `${good}${"x".repeat(1024 * 1024)}`);

// The proof.
subject("a hash left out", "proof.length", receipt({ hashes: inclusion(leaves, INDEX).slice(1) }));
subject("a hash more", "proof.length", receipt({ hashes: [...inclusion(leaves, INDEX), leaves[0]] }));
subject("no hashes", "proof.length", receipt({ hashes: [] }));
subject("hashes in another order", "proof.root", receipt({ hashes: inclusion(leaves, INDEX).toReversed() }));
subject("one bit of a hash", "proof.root", receipt({ hashes: inclusion(leaves, INDEX).map((hash, i) => (i === 1 ? hash.map((byte, at) => (at === 31 ? byte ^ 1 : byte)) : hash)) }));
subject("a hash of 31 bytes", "receipt.proof", receipt({ hashes: [new Uint8Array(31), ...inclusion(leaves, INDEX).slice(1)] }));
subject("a hash of 33 bytes", "receipt.proof", receipt({ hashes: [new Uint8Array(33), ...inclusion(leaves, INDEX).slice(1)] }));
subject("a hash with bits behind its end", "receipt.proof", good.replace(/(index 9\n.{42}).=/, (_, start) => `${start}B=`));
subject("a space behind a hash", "receipt.proof", good.replace(/(index 9\n.{44})/, "$1 "));
subject("65 hashes", "receipt.proof", receipt({ hashes: Array.from({ length: 65 }, () => leaves[0]) }));
subject("64 hashes", "proof.length", receipt({ hashes: Array.from({ length: 64 }, () => leaves[0]) }));
subject("no empty line behind the proof", "receipt.proof", good.replace("=\n\ngate", "=\ngate"));
subject("a leaf at the height of a node", "proof.length", drawn(5n, 64n, (hashes) => hashes.slice(1)));
subject("a short proof in a tree of 2^63 - 1", "proof.length", drawn(2n ** 62n, 2n ** 63n - 1n, (hashes) => hashes.slice(0, -1)));

// The checkpoint.
const reshape = (change) => { const of = { ...head, text: change(head.text) }; return receipt({ note: noteOf(of, ...cosigned({ ...head, text: of.text })) }); };
subject("a size with a leading zero", "checkpoint.size", reshape((text) => text.replace("\n13\n", "\n013\n")));
subject("a size of 2^63", "checkpoint.size", reshape((text) => text.replace("\n13\n", "\n9223372036854775808\n")));
subject("a size of 2^64", "checkpoint.size", reshape((text) => text.replace("\n13\n", "\n18446744073709551616\n")));
subject("a size that is no number", "checkpoint.size", reshape((text) => text.replace("\n13\n", "\nthirteen\n")));
subject("a size of 0", "proof.range", (() => { const of = headOf(ORIGIN, 0, rootOf([])); return receipt({ note: noteOf(of, ...cosigned(of)) }); })());
subject("a smaller size under the same root", "proof.length", good.replace("\n13\n", "\n12\n"));
subject("a greater size under the same root", "signature.ed25519", receipt({ hashes: inclusion(leaves, INDEX) }).replace("\n13\n", "\n14\n"));
subject("a root of 31 bytes", "checkpoint.root", reshape((text) => text.replace(base64(head.root), base64(new Uint8Array(31)))));
subject("a root with a space behind it", "checkpoint.root", reshape((text) => text.replace("=\n", "= \n")));
subject("another root", "proof.root", reshape((text) => text.replace(base64(head.root), base64(leaves[1]))));
subject("no root", "checkpoint.root", reshape((text) => text.split("\n").slice(0, 2).concat("").join("\n")));
subject("no origin", "checkpoint.origin", reshape((text) => text.replace(ORIGIN, "")));
subject("another origin", "policy.origin", (() => { const of = headOf("other.example/keeper1", SIZE, head.root); return receipt({ note: noteOf(of, ...signed(of, other), w4.over(of), w6.over(of)) }); })());
subject("an origin of 256 bytes", "policy.origin", (() => { const of = headOf("x".repeat(256), SIZE, head.root); return receipt({ note: noteOf(of, log[0].over(of)) }); })());
subject("an empty extension line", "receipt.proof", good.replace(`${base64(head.root)}\n`, `${base64(head.root)}\n\nx\n`).replace("=\n\ngate", "=\ngate"));
subject("an extension line that 0x01 does not cover", "signature.ed25519", good.replace(`${base64(head.root)}\n\n`, `${base64(head.root)}\nextension\n\n`));

// The signatures.
const flip = (line, at) => { const [mark, name, blob] = line.trimEnd().split(" "), raw = Buffer.from(blob, "base64"); raw[at < 0 ? raw.length + at : at] ^= 1; return `${mark} ${name} ${base64(raw)}\n`; };
const cut = (line, length) => { const [mark, name, blob] = line.trimEnd().split(" "); return `${mark} ${name} ${base64(Buffer.from(blob, "base64").subarray(0, length))}\n`; };
const edit = (line, change) => { const [mark, name, blob] = line.trimEnd().split(" "); return `${mark} ${name} ${base64(change(Buffer.from(blob, "base64")))}\n`; };
const lines = cosigned(head), replaced = (at, line) => withNote(...lines.map((old, i) => (i === at ? line : old)));
subject("another key of the same name", "policy.unsigned", withNote(...signed(head, stranger), w4.over(head), w6.over(head)));
subject("another key's Ed25519 signature under the pinned key's id", "signature.ed25519", replaced(0, edit(stranger[0].over(head), (raw) => Buffer.concat([log[0].id, raw.subarray(4)]))));
subject("another key's ML-DSA-44 signature under the pinned key's id", "signature.mldsa44", replaced(1, edit(stranger[1].over(head), (raw) => Buffer.concat([log[1].id, raw.subarray(4)]))));
subject("one bit at the start of the Ed25519 signature", "signature.ed25519", replaced(0, flip(lines[0], 4)));
subject("one bit at the end of the Ed25519 signature", "signature.ed25519", replaced(0, flip(lines[0], -1)));
subject("S of the Ed25519 signature with the order added", "signature.ed25519", replaced(0, edit(lines[0], (raw) => { let s = 0n; for (let i = 67; i >= 36; i--) s = (s << 8n) | BigInt(raw[i]); s += 2n ** 252n + 27742317777372353535851937790883648493n; for (let i = 36; i < 68; i++, s >>= 8n) raw[i] = Number(s & 255n); return raw; })));
subject("R of small order", "signature.ed25519", replaced(0, edit(lines[0], (raw) => { raw.fill(0, 4, 36); raw[4] = 1; return raw; })));
subject("one bit of the time in the ML-DSA-44 signature", "signature.mldsa44", replaced(1, flip(lines[1], 11)));
subject("one bit of the ML-DSA-44 signature", "signature.mldsa44", replaced(1, flip(lines[1], 500)));
subject("one bit of the hint of the ML-DSA-44 signature", "signature.mldsa44", replaced(1, flip(lines[1], -1)));
subject("a time beyond 2^63", "cosignature.time", withNote(log[0].over(head), log[1].over(head, 2n ** 63n), w4.over(head), w6.over(head)));
subject("a shorter Ed25519 signature", "signature.length", replaced(0, cut(lines[0], 67)));
subject("a shorter ML-DSA-44 signature", "cosignature.length", replaced(1, cut(lines[1], 2000)));
subject("a cosignature without its time", "cosignature.length", replaced(2, cut(lines[2], 68)));
subject("a signature of the key id alone", "note.signature_line", replaced(0, cut(lines[0], 4)));
subject("the Ed25519 signature twice", "note.duplicate", withNote(lines[0], ...lines));
subject("the ML-DSA-44 signature twice", "note.duplicate", withNote(lines[1], ...lines));
subject("a cosignature twice", "note.duplicate", withNote(...lines, lines[2]));
subject("an unknown signature twice", "verified", withNote(...lines, stranger[0].over(head), stranger[0].over(head)));
subject("an old head's Ed25519 cosignature", "signature.ed25519", replaced(2, w4.over(oldHead)));
subject("an old head's ML-DSA-44 cosignature", "signature.mldsa44", replaced(3, w6.over(oldHead)));
subject("an old head's signatures of the log", "signature.ed25519", withNote(...signed(oldHead), w4.over(head), w6.over(head)));
subject("a cosignature of another log's head", "signature.ed25519", replaced(2, w4.over(headOf("other.example/keeper1", SIZE, head.root))));
subject("a cosignature with one bit of its time flipped", "signature.ed25519", replaced(2, flip(lines[2], 11)));
subject("a witness that nobody pinned, in the place of one", "weaker: unwitnessed no-older-head", replaced(2, v4.over(head)));
subject("a pinned witness's signature under another name", "weaker: unwitnessed no-older-head", replaced(2, lines[2].replace("w1", "w9")));
subject("the log's Ed25519 key as type 0x04", "policy.unsigned", withNote(new Key(ORIGIN, 4, log[0].secret).over(head), w4.over(head), w6.over(head)));
subject("64 signatures", "verified", withNote(...lines, ...Array.from({ length: 60 }, (_, i) => lines[0].replace(ORIGIN, `x${i}`))));
subject("65 signatures", "note.signature_count", withNote(...lines, ...Array.from({ length: 61 }, (_, i) => lines[0].replace(ORIGIN, `x${i}`))));
subject("no signatures", "note.separator", receipt({ note: `${head.text}\n` }));
subject("no blank line before the signatures", "note.separator", receipt({ note: `${head.text}${lines.join("")}` }));
subject("a blank line behind the signatures", "note.separator", `${good}\n`);
subject("the last line feed missing", "note.signature_line", good.slice(0, -1));
subject("a hyphen in the place of the em dash", "note.signature_line", replaced(0, lines[0].replace("\u2014", "-")));
subject("two spaces before the name", "note.name", replaced(0, lines[0].replace("\u2014 ", "\u2014  ")));
subject("two spaces behind the name", "note.signature_line", replaced(0, lines[0].replace(`${ORIGIN} `, `${ORIGIN}  `)));
subject("a name with a plus", "note.name", replaced(0, lines[0].replace(ORIGIN, "a+b")));
subject("a name with a no-break space", "note.name", replaced(0, lines[0].replace(ORIGIN, "a\u00a0b")));
subject("a name with an ideographic space", "note.name", replaced(0, lines[0].replace(ORIGIN, "a\u3000b")));
subject("a name of 256 bytes", "note.name", replaced(0, lines[0].replace(ORIGIN, "n".repeat(256))));
subject("a name with a rubout", "note.name", replaced(0, lines[0].replace(ORIGIN, "a\x7fb")));
subject("a tabulator in the note", "note.control", replaced(0, lines[0].replace(ORIGIN, "a\tb")));
subject("a zero byte in the note", "note.control", receipt({ note: noteOf(head, ...lines).replace("13", "1\0") }));
subject("a note that is not UTF-8", "note.utf8", Buffer.concat([bytes(good), Uint8Array.of(0xff, 10)]));
subject("a surrogate in UTF-8", "note.utf8", Buffer.concat([bytes(good), Uint8Array.of(0xed, 0xa0, 0x80, 10)]));
subject("an overlong character", "note.utf8", Buffer.concat([bytes(good), Uint8Array.of(0xc0, 0x80, 10)]));
subject("a signature without its padding", "note.signature_line", replaced(0, lines[0].replace(/=+\n/, "\n")));
subject("a signature in base64url", "note.signature_line", replaced(1, lines[1].replaceAll("+", "-").replaceAll("/", "_").replace("keeper1", "keeper1").replace("gate.example_keeper1", ORIGIN)));

// Older heads.
add("an older head with more entries", "verify.behind", { subject: receiptOf({ entry: entries[2], index: 2, hashes: inclusion(leaves.slice(0, OLD), 2), note: noteOf(oldHead, ...cosigned(oldHead)) }), older: good });
add("an older head with another root for the same size", "verify.fork", { older: (() => { const of = headOf(ORIGIN, SIZE, leaves[0]); return noteOf(of, ...cosigned(of)); })() });
add("an older head of another log", "policy.origin", { older: (() => { const of = headOf("other.example/keeper1", OLD, oldHead.root); return noteOf(of, ...signed(of, other)); })() });
add("an older head of another log that is pinned too", "verify.other_origin", { policy: policyOf([...log, ...other], [["a", w4], ["b", w6]], "group both all a b", "quorum both"), older: (() => { const of = headOf("other.example/keeper1", OLD, oldHead.root); return noteOf(of, ...signed(of, other)); })() });
add("an older head with a signature that does not verify", "signature.ed25519", { older: older.replace("\n6\n", "\n5\n") });
add("an older head that nobody signed", "policy.unsigned", { older: noteOf(oldHead, v4.over(oldHead)) });
add("an older head, unpinned", "weaker: unpinned", { policy: undefined, older, consistency: proof });
add("an empty older tree", "weaker: older-not-compared", { older: (() => { const of = headOf(ORIGIN, 0, rootOf([])); return noteOf(of, ...cosigned(of)); })(), consistency: "" });
add("a consistency proof that lacks a hash", "proof.length", { older, consistency: linesOf(consistency(leaves, OLD).slice(1)) });
add("a consistency proof with a hash more", "proof.length", { older, consistency: `${proof}${linesOf([leaves[0]])}` });
add("a consistency proof of another size", "proof.root", { older: (() => { const of = headOf(ORIGIN, 5, oldHead.root); return noteOf(of, ...cosigned(of)); })(), consistency: linesOf(consistency(leaves, 5)) });
add("an empty consistency proof", "proof.length", { older, consistency: "" });
add("a consistency proof with a flipped bit", "proof.root", { older, consistency: linesOf(consistency(leaves, OLD).map((hash, i) => (i === 0 ? hash.map((byte) => byte ^ 1) : hash))) });
add("a consistency proof with an empty line inside", "consistency.trailing", { older, consistency: `\n${proof}` });
add("a consistency proof that is no base64", "consistency.proof", { older, consistency: "hash\n" });
add("a consistency proof without its last line feed", "consistency.proof", { older, consistency: proof.slice(0, -1) });
add("a consistency proof for heads of one size", "verified", { older: noteOf(head, ...cosigned(head)), consistency: proof });
for (const oldSize of [1, 2, 3, 4, 7, 8, 12])
	add(`an older head of ${oldSize} entries`, "verified", { older: (() => { const of = headOf(ORIGIN, oldSize, rootOf(leaves.slice(0, oldSize))); return noteOf(of, ...cosigned(of)); })(), consistency: linesOf(consistency(leaves, oldSize)) });

// Policies.
policy("an empty policy", "policy.quorum", "");
policy("a policy without a quorum", "policy.quorum", `log ${log[0].vkey}\n`);
policy("two quorums", "policy.quorum", `${pinned}quorum none\n`);
policy("a policy without its last line feed", "policy.line", pinned.slice(0, -1));
policy("comments, blank lines and tabulators", "verified", `# pinned\n\n  \t\n${pinned.replaceAll(" ", " \t ")}   # more\n`);
policy("a control character", "policy.character", `\x01${pinned}`);
policy("an unknown word", "policy.keyword", `origin x\n${pinned}`);
policy("a log without a key", "policy.words", `log\n${pinned}`);
policy("a log with two addresses", "policy.words", `log ${log[0].vkey} a b\n`);
policy("a log with an address", "verified", pinned.replace(log[0].vkey, `${log[0].vkey} https://log.example`));
policy("a key whose id is another's", "policy.vkey", pinned.replace(`+${Buffer.from(log[0].id).toString("hex")}+`, "+00000000+"));
policy("a key whose id has capitals", "verified", pinned.replace(Buffer.from(log[0].id).toString("hex"), (id) => id.toUpperCase()));
policy("a key without an id", "policy.vkey", "log name\nquorum none\n");
policy("a key of an unknown type", "policy.vkey", `log x+00000000+${base64(Uint8Array.of(9, 1, 2, 3))}\nquorum none\n`);
policy("a key that is too short", "policy.vkey", `log x+00000000+${base64(Uint8Array.of(1, 1, 2, 3))}\nquorum none\n`);
policy("a key with no name", "policy.vkey", `log ${new Key("", 1, random.bytes(32)).vkey}\nquorum none\n`);
policy("a key of a witness as a log's", "policy.key_type", `log ${w4.vkey}\nquorum none\n`);
policy("a key of a log as a witness's", "policy.key_type", `witness a ${log[0].vkey}\nquorum none\n`);
policy("the same key twice", "policy.duplicate_key", `log ${log[0].vkey}\n${pinned}`);
policy("the same witness key under two names", "policy.duplicate_key", `witness x ${w4.vkey}\n${pinned}`);
policy("two witnesses of one name", "policy.name", `witness a ${v4.vkey}\n${pinned}`);
policy("a witness named none", "policy.name", `witness none ${v4.vkey}\n${pinned}`);
policy("a quorum that is not defined", "policy.undefined", `log ${log[0].vkey}\nquorum both\n`);
policy("a group of somebody who is not defined", "policy.undefined", pinned.replace("all a b", "all a c"));
policy("a group of itself", "policy.undefined", pinned.replace("all a b", "all a both"));
policy("a member of two groups", "policy.member", pinned.replace("quorum both", "group again any a\nquorum both"));
policy("a threshold of 0", "policy.threshold", pinned.replace("all a b", "0 a b"));
policy("a threshold above the members", "policy.threshold", pinned.replace("all a b", "3 a b"));
policy("a threshold that is no number", "policy.threshold", pinned.replace("all a b", "most a b"));
policy("a group without members", "policy.words", pinned.replace("all a b", "all"));
policy("a quorum of one witness", "verified", pinned.replace("quorum both", "quorum a"));
policy("any of a group of which one signed", "verified", policyOf(log, [["a", w4], ["c", v4]], "group some any a c", "quorum some"));
policy("two of three, one of them a group", "verified", policyOf(log, [["a", w4], ["b", w6], ["c", v4]], "group g all a b", "group h 1 g c", "quorum h"));
policy("a group whose inner group is not satisfied", "weaker: unwitnessed no-older-head", policyOf(log, [["a", w4], ["b", w6], ["c", v4]], "group g all a c", "group h all g b", "quorum h"));
policy("65 logs", "policy.limit", `${Array.from({ length: 65 }, (_, i) => `log ${new Key(`l${i}`, 1, random.bytes(32)).vkey}\n`).join("")}quorum none\n`);
policy("64 logs", "policy.origin", `${Array.from({ length: 64 }, (_, i) => `log ${new Key(`l${i}`, 1, random.bytes(32)).vkey}\n`).join("")}quorum none\n`);
policy("a policy of another log of the same name", "policy.unsigned", policyOf(stranger, [["a", w4], ["b", w6]], "group both all a b", "quorum both"));

// Keys and signatures of small order, for which the equation holds whatever was signed.
const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0)), weak = new Key(ORIGIN, 1, random.bytes(32), identity);
add("a key and a signature of small order", "signature.ed25519", { subject: withNote(weak.line(Buffer.concat([identity, new Uint8Array(32)]))), policy: policyOf([weak], [], "quorum none") });

export { good, log, older, pinned, proof, rows };
