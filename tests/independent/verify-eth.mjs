// verify-eth reads a signed Ethereum transaction with ethers and says what it is.
//
//   node verify-eth.mjs [--sender ADDRESS] HEX...
//
// HEX is the raw transaction, with or without 0x; "-" reads it from standard input. For each prints one line of JSON with sorted keys:
// hash, sender (recovered from the signature), type, chain_id, nonce, to, value, data, gas_limit, and gas_price or max_fee and
// max_priority_fee, signing_hash; numbers are decimal strings. Status 0; or "fail: REASON" and 1 where ethers refuses it or it is unsigned, or another than ADDRESS signed it.
import { readFileSync } from 'node:fs';
import { argv, exit } from 'node:process';
import { Transaction, getAddress } from 'ethers';

function describe(text, sender) {
	const hex = text.trim();
	const transaction = Transaction.from(hex.startsWith('0x') ? hex : `0x${hex}`);
	if (!transaction.isSigned())
		throw new Error('the transaction is not signed');
	if (transaction.serialized !== (hex.startsWith('0x') ? hex : `0x${hex}`).toLowerCase())
		throw new Error('written again it differs');
	if (sender && getAddress(sender) !== transaction.from)
		throw new Error(`the sender is ${transaction.from}`);
	const fields = {
		chain_id: transaction.chainId, data: transaction.data, gas_limit: transaction.gasLimit,
		gas_price: transaction.type === 2 ? null : transaction.gasPrice, hash: transaction.hash,
		max_fee: transaction.maxFeePerGas, max_priority_fee: transaction.maxPriorityFeePerGas, nonce: transaction.nonce,
		sender: transaction.from, signing_hash: transaction.unsignedHash, to: transaction.to, type: transaction.type,
		value: transaction.value,
	};
	return JSON.stringify(fields, (_, value) => typeof value === 'bigint' || typeof value === 'number' ? value.toString() : value);
}

const [sender, ...texts] = argv[2] === '--sender' ? argv.slice(3) : [null, ...argv.slice(2)];
if (texts.length === 0) {
	console.error('usage: verify-eth.mjs [--sender ADDRESS] HEX...');
	exit(2);
}
try {
	for (const text of texts)
		console.log(describe(text === '-' ? readFileSync(0, 'utf8') : text, sender));
} catch (error) {
	console.log(`fail: ${error.shortMessage ?? error.message}`);
	exit(1);
}
