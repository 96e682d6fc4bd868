// verify-mldsa checks an ML-DSA-44 signature (FIPS 204, pure, empty context) with @noble/post-quantum.
//
//   node verify-mldsa.mjs MESSAGE SIGNATURE PUBLIC-KEY
//
// Three files of raw bytes. Prints "ok" with status 0, or "fail: REASON" with status 1.
import { readFileSync } from 'node:fs';
import { argv, exit } from 'node:process';
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';

if (argv.length !== 5) {
	console.error('usage: verify-mldsa.mjs MESSAGE SIGNATURE PUBLIC-KEY');
	exit(2);
}
try {
	const [message, signature, publicKey] = argv.slice(2).map((path) => new Uint8Array(readFileSync(path)));
	if (!ml_dsa44.verify(signature, message, publicKey))
		throw new Error('the signature is not of this key over this message');
	console.log('ok');
} catch (error) {
	console.log(`fail: ${error.message}`);
	exit(1);
}
