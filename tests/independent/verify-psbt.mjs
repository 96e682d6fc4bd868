// verify-psbt checks a signed Bitcoin transaction with bitcoinjs-lib: every input's signature against the output that it spends.
//
//   node verify-psbt.mjs PSBT [TRANSACTION]
//
// PSBT is a file, binary or base64. With TRANSACTION, a file of hex, that transaction must be the PSBT's own, and its signatures are
// checked; without it the PSBT's signatures are, after it was finalised where it is not yet. Input types: P2PKH, P2SH-P2WPKH, P2WPKH,
// P2TR by key path. Prints one line of JSON {fee, inputs, outputs, transaction, txid} with status 0, or "fail: REASON" with status 1.
import { readFileSync } from 'node:fs';
import { argv, exit } from 'node:process';
import * as bitcoin from 'bitcoinjs-lib';
import * as ecc from '@bitcoinerlab/secp256k1';

bitcoin.initEccLib(ecc);
const { OPS } = bitcoin.script;
const hex = (bytes) => Buffer.from(bytes).toString('hex');

function readPsbt(path) {
	const content = readFileSync(path);
	const isBinary = content.subarray(0, 5).equals(Buffer.from('70736274ff', 'hex'));
	return isBinary ? bitcoin.Psbt.fromBuffer(content) : bitcoin.Psbt.fromBase64(content.toString('ascii').trim());
}

// The output that an input spends. A full previous transaction is checked against the outpoint's hash.
function spentOutput(psbt, index) {
	const { nonWitnessUtxo, witnessUtxo } = psbt.data.inputs[index];
	if (!nonWitnessUtxo) {
		if (!witnessUtxo)
			throw new Error(`input ${index}: nothing says what it spends`);
		return witnessUtxo;
	}
	const previous = bitcoin.Transaction.fromBuffer(nonWitnessUtxo);
	const { hash, index: output } = psbt.txInputs[index];
	if (hex(previous.getHash()) !== hex(hash))
		throw new Error(`input ${index}: the previous transaction is another one`);
	return previous.outs[output];
}

function checkEcdsa(index, publicKey, encoded, digestOf) {
	const { signature, hashType } = bitcoin.script.signature.decode(encoded);
	if (hashType !== bitcoin.Transaction.SIGHASH_ALL)
		throw new Error(`input ${index}: signature hash type ${hashType}`);
	if (!ecc.verify(digestOf(hashType), publicKey, signature, true))
		throw new Error(`input ${index}: the signature does not verify (or has a high s)`);
}

const keyHashScript = (hash) => bitcoin.payments.p2pkh({ hash }).output;

function checkKeyHash(index, publicKey, hash) {
	if (hex(bitcoin.crypto.hash160(publicKey)) !== hex(hash))
		throw new Error(`input ${index}: the public key is not the output's`);
}

function checkWitnessKeyHash(transaction, index, hash, value) {
	const [signature, publicKey] = transaction.ins[index].witness;
	checkKeyHash(index, publicKey, hash);
	checkEcdsa(index, publicKey, signature, (type) => transaction.hashForWitnessV0(index, keyHashScript(hash), value, type));
}

function checkTaproot(transaction, index, outputs) {
	const { witness } = transaction.ins[index];
	if (witness.length !== 1)
		throw new Error(`input ${index}: not a key path spend`);
	const hashType = witness[0].length === 65 ? witness[0][64] : bitcoin.Transaction.SIGHASH_DEFAULT;
	if (witness[0].length === 65 && hashType !== bitcoin.Transaction.SIGHASH_ALL)
		throw new Error(`input ${index}: signature hash type ${hashType}`);
	const digest = transaction.hashForWitnessV1(index, outputs.map(({ script }) => script), outputs.map(({ value }) => value), hashType);
	if (!ecc.verifySchnorr(digest, outputs[index].script.subarray(2), witness[0].subarray(0, 64)))
		throw new Error(`input ${index}: the signature does not verify`);
}

function isShape(script, length, start, end = []) {
	return script.length === length && start.every((byte, i) => script[i] === byte) &&
		end.every((byte, i) => script[length - end.length + i] === byte);
}

function checkInput(transaction, index, outputs) {
	const { script, value } = outputs[index];
	const input = transaction.ins[index];
	if (isShape(script, 34, [OPS.OP_1, 32])) {
		checkTaproot(transaction, index, outputs);
		return 'p2tr';
	}
	if (isShape(script, 22, [OPS.OP_0, 20])) {
		checkWitnessKeyHash(transaction, index, script.subarray(2), value);
		return 'p2wpkh';
	}
	if (isShape(script, 23, [OPS.OP_HASH160, 20], [OPS.OP_EQUAL])) {
		const [redeem, ...others] = bitcoin.script.decompile(input.script);
		if (others.length > 0 || !isShape(redeem, 22, [OPS.OP_0, 20]))
			throw new Error(`input ${index}: not P2SH-P2WPKH`);
		checkKeyHash(index, redeem, script.subarray(2, 22));
		checkWitnessKeyHash(transaction, index, redeem.subarray(2), value);
		return 'p2sh-p2wpkh';
	}
	if (isShape(script, 25, [OPS.OP_DUP, OPS.OP_HASH160, 20], [OPS.OP_EQUALVERIFY, OPS.OP_CHECKSIG])) {
		const [signature, publicKey] = bitcoin.script.decompile(input.script);
		checkKeyHash(index, publicKey, script.subarray(3, 23));
		checkEcdsa(index, publicKey, signature, (type) => transaction.hashForSignature(index, script, type));
		return 'p2pkh';
	}
	throw new Error(`input ${index}: spends an output of another kind`);
}

function finalTransaction(psbt, path) {
	if (path) {
		const transaction = bitcoin.Transaction.fromHex(readFileSync(path, 'ascii').trim());
		const unsigned = bitcoin.Transaction.fromBuffer(psbt.data.globalMap.unsignedTx.toBuffer());
		const stripped = transaction.clone();
		for (const input of stripped.ins) {
			input.script = new Uint8Array();
			input.witness = [];
		}
		if (stripped.toHex() !== unsigned.toHex())
			throw new Error('the transaction is not the PSBT\'s');
		return transaction;
	}
	psbt.data.inputs.forEach((input, index) => {
		if (!input.finalScriptSig && !input.finalScriptWitness)
			psbt.finalizeInput(index);
	});
	return psbt.extractTransaction(true);
}

function check(psbtPath, transactionPath) {
	const psbt = readPsbt(psbtPath);
	const outputs = psbt.data.inputs.map((_, index) => spentOutput(psbt, index));
	const transaction = finalTransaction(psbt, transactionPath);
	const inputs = transaction.ins.map((_, index) => checkInput(transaction, index, outputs));
	const sum = (list) => list.reduce((total, { value }) => total + BigInt(value), 0n);
	const fee = sum(outputs) - sum(transaction.outs);
	if (fee < 0n)
		throw new Error('more goes out than comes in');
	return JSON.stringify({
		fee: fee.toString(), inputs, outputs: transaction.outs.map(({ script, value }) => ({ script: hex(script), value: value.toString() })),
		transaction: transaction.toHex(), txid: transaction.getId(),
	});
}

if (argv.length !== 3 && argv.length !== 4) {
	console.error('usage: verify-psbt.mjs PSBT [TRANSACTION]');
	exit(2);
}
try {
	console.log(check(argv[2], argv[3]));
} catch (error) {
	console.log(`fail: ${error.message}`);
	exit(1);
}
