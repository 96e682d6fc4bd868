// verify-eth reads a signed Ethereum transaction with ethers and says what it is.
//
//   node verify-eth.mjs HEX...
//
// HEX is the raw transaction, with or without 0x; "-" reads it from standard input. For each prints one line of JSON with sorted keys:
// hash, sender (recovered from the signature), type, chain_id, nonce, to, value, data, gas_limit, and gas_price or max_fee and
// max_priority_fee, signing_hash; numbers are decimal strings. Status 0; or "fail: REASON" and 1 where ethers refuses it or it is unsigned.
import { readFileSync } from 'node:fs';
import { argv, exit } from 'node:process';
import { Transaction } from 'ethers';

function describe(text) {
	const hex = text.trim();
	const transaction = Transaction.from(hex.startsWith('0x') ? hex : `0x${hex}`);
	if (!transaction.isSigned())
		throw new Error('the transaction is not signed');
	if (transaction.serialized !== (hex.startsWith('0x') ? hex : `0x${hex}`).toLowerCase())
		throw new Error('written again it differs');
	const fields = {
		chain_id: transaction.chainId, data: transaction.data, gas_limit: transaction.gasLimit,
		gas_price: transaction.type === 2 ? null : transaction.gasPrice, hash: transaction.hash,
		max_fee: transaction.maxFeePerGas, max_priority_fee: transaction.maxPriorityFeePerGas, nonce: transaction.nonce,
		sender: transaction.from, signing_hash: transaction.unsignedHash, to: transaction.to, type: transaction.type,
		value: transaction.value,
	};
	return JSON.stringify(fields, (_, value) => typeof value === 'bigint' || typeof value === 'number' ? value.toString() : value);
}

if (argv.length < 3) {
	console.error('usage: verify-eth.mjs HEX...');
	exit(2);
}
try {
	for (const argument of argv.slice(2))
		console.log(describe(argument === '-' ? readFileSync(0, 'utf8') : argument));
} catch (error) {
	console.log(`fail: ${error.shortMessage ?? error.message}`);
	exit(1);
}
