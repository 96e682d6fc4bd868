// verify-note-mldsa checks the ML-DSA-44 signature (type 0x06) of a checkpoint with @noble/post-quantum. The signed message is built
// here from the note's text, after C2SP tlog-cosignature.
//
//   node verify-note-mldsa.mjs FILE VKEY
//
// VKEY is "name+hash+base64(06 || public key)". Prints "ok ORIGIN SIZE TIME" with status 0, or "fail: REASON" with status 1.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { argv, exit } from 'node:process';
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';

const TYPE = 0x06;
const bytes = (text) => Buffer.from(text, 'utf8');
const u64 = (number) => {
	const buffer = Buffer.alloc(8);
	buffer.writeBigUInt64BE(BigInt(number));
	return buffer;
};
const prefixed = (text) => Buffer.concat([Buffer.from([bytes(text).length]), bytes(text)]);

function parseKey(vkey) {
	const [name, hash, ...rest] = vkey.split('+');
	const key = Buffer.from(rest.join('+'), 'base64');
	if (key[0] !== TYPE)
		throw new Error(`the key is of type ${key[0]}, not ${TYPE}`);
	const id = createHash('sha256').update(bytes(`${name}\n`)).update(key).digest().subarray(0, 4);
	if (id.toString('hex') !== hash)
		throw new Error(`the key's hash is ${id.toString('hex')}, not ${hash}`);
	return { name, id, publicKey: new Uint8Array(key.subarray(1)) };
}

function parseNote(text) {
	const at = text.lastIndexOf('\n\n');
	if (at < 0)
		throw new Error('a note has a blank line before its signatures');
	const lines = text.slice(at + 2).split('\n').filter((line) => line !== '');
	const signatures = lines.map((line) => {
		const match = /^\u2014 (\S+) (\S+)$/u.exec(line);
		if (!match)
			throw new Error('a line below the blank one is no signature');
		const data = Buffer.from(match[2], 'base64');
		return { name: match[1], id: data.subarray(0, 4), signature: data.subarray(4) };
	});
	const [origin, size, root] = text.slice(0, at + 1).split('\n');
	return { origin, size, root: Buffer.from(root, 'base64'), signatures };
}

function check(path, vkey) {
	const key = parseKey(vkey);
	const note = parseNote(readFileSync(path, 'utf8'));
	const found = note.signatures.find(({ name, id }) => name === key.name && id.equals(key.id));
	if (!found)
		throw new Error(`not signed by ${key.name}`);
	const time = found.signature.readBigUInt64BE(0);
	const message = Buffer.concat([
		bytes('subtree/v1\n\0'), prefixed(key.name), u64(time), prefixed(note.origin), u64(0), u64(note.size), note.root,
	]);
	if (!ml_dsa44.verify(new Uint8Array(found.signature.subarray(8)), new Uint8Array(message), key.publicKey))
		throw new Error('the signature is not of this key over this checkpoint');
	return `ok ${note.origin} ${note.size} ${time}`;
}

if (argv.length !== 4) {
	console.error('usage: verify-note-mldsa.mjs FILE VKEY');
	exit(2);
}
try {
	console.log(check(argv[2], argv[3]));
} catch (error) {
	console.log(`fail: ${error.message}`);
	exit(1);
}
