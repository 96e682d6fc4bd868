// spending makes what a Bitcoin key is to sign, with bitcoinjs-lib.
//
//   node spending.mjs PUBLIC_KEY NUMBER KIND...     a PSBT that spends, of each kind, an output of 0.0003 that pays to the key, 33 bytes in
//                                                   hexadecimal: p2pkh, p2sh-p2wpkh, p2wpkh, p2tr by its key path. 0.0002 for each input go to
//                                                   bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4. Another one for each number. Prints it in base64
import { argv } from 'node:process';
import { createHash } from 'node:crypto';
import * as bitcoin from 'bitcoinjs-lib';
import * as ecc from '@bitcoinerlab/secp256k1';

bitcoin.initEccLib(ecc);
const [, , publicKey, number, ...kinds] = argv;
const pubkey = Buffer.from(publicKey, 'hex'), internalPubkey = pubkey.subarray(1);
const witness = bitcoin.payments.p2wpkh({ pubkey });
const scripts = {
	'p2pkh': bitcoin.payments.p2pkh({ pubkey }).output, 'p2sh-p2wpkh': bitcoin.payments.p2sh({ redeem: witness }).output,
	'p2wpkh': witness.output, 'p2tr': bitcoin.payments.p2tr({ internalPubkey }).output,
};

// What comes before it: nobody's signature covers that, and its outputs are of this key.
const previous = new bitcoin.Transaction();
previous.version = 2;
previous.addInput(createHash('sha256').update(number).digest(), 0);
for (const kind of kinds)
	previous.addOutput(scripts[kind], 30000n);

const psbt = new bitcoin.Psbt();
kinds.forEach((kind, index) => {
	const input = { hash: previous.getId(), index, nonWitnessUtxo: previous.toBuffer() };
	if (kind === 'p2sh-p2wpkh')
		input.redeemScript = witness.output;
	if (kind === 'p2tr')
		Object.assign(input, { witnessUtxo: { script: scripts.p2tr, value: 30000n }, tapInternalKey: internalPubkey });
	psbt.addInput(input);
});
psbt.addOutput({ address: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', value: 20000n * BigInt(kinds.length) });
console.log(psbt.toBase64());
