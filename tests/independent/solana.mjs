// solana makes and reads transactions with @solana/web3.js and @solana/spl-token.
//
//   node solana.mjs make SEED COUNT     prints one transaction a line, unsigned and paid by the key whose seed is 32 bytes of 7, as
//                                       JSON: {transaction, message, steps, fee_max, lookup_tables, version}
//   node solana.mjs verify HEX...       for each signed transaction one line of JSON: {message, payer, signature}; status 1 and
//                                       "fail: REASON" where it does not read, differs when written again, or a signature does not verify
//
// A step says what an instruction does: {kind, amount, from, mint, owner, program, to}, "" and "0" for what it has not.
import { argv, exit } from 'node:process';
import { createPublicKey, verify as verifySignature } from 'node:crypto';
import {
	AddressLookupTableAccount, ComputeBudgetProgram, Keypair, NONCE_ACCOUNT_LENGTH, PublicKey, SystemProgram, Transaction,
	TransactionInstruction, TransactionMessage, VersionedTransaction,
} from '@solana/web3.js';
import {
	ASSOCIATED_TOKEN_PROGRAM_ID, TOKEN_PROGRAM_ID, createApproveCheckedInstruction, createAssociatedTokenAccountIdempotentInstruction,
	createAssociatedTokenAccountInstruction, createTransferCheckedInstruction, createTransferInstruction, getAssociatedTokenAddressSync,
} from '@solana/spl-token';

const MEMO = new PublicKey('MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr');
const payer = Keypair.fromSeed(new Uint8Array(32).fill(7)).publicKey;

// SplitMix64 (Steele, Lea and Flood, 2014).
function randomOf(seed) {
	let state = BigInt(seed);
	const mask = (1n << 64n) - 1n;
	return (below) => {
		state = (state + 0x9e3779b97f4a7c15n) & mask;
		let z = state;
		z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
		z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
		return (z ^ (z >> 31n)) % BigInt(below);
	};
}

function keyOf(random) {
	const bytes = new Uint8Array(32);
	for (let i = 0; i < 32; i++)
		bytes[i] = Number(random(256));
	return Keypair.fromSeed(bytes).publicKey;
}

function step(kind, program, fields) {
	return { amount: '0', from: '', kind, mint: '', owner: '', program: program.toBase58(), to: '', ...fields };
}

function memoOf(random) {
	return new TransactionInstruction({ keys: [], programId: MEMO, data: Buffer.from(`invoice ${random(1000)}`, 'utf8') });
}

const MAKERS = {
	transfer(random) {
		const to = keyOf(random), lamports = random(1n << 60n);
		return [[SystemProgram.transfer({ fromPubkey: payer, toPubkey: to, lamports })],
			[step('transfer', SystemProgram.programId, { amount: `${lamports}`, from: payer.toBase58(), to: to.toBase58() })]];
	},
	tokenTransfer(random) {
		const mint = keyOf(random), to = keyOf(random), from = getAssociatedTokenAddressSync(mint, payer), amount = random(1n << 63n);
		return [[createTransferCheckedInstruction(from, mint, to, payer, amount, 6)],
			[step('token_transfer', TOKEN_PROGRAM_ID, { amount: `${amount}`, from: from.toBase58(), mint: mint.toBase58(), to: to.toBase58() })]];
	},
	tokenTransferToOwner(random) {
		const mint = keyOf(random), owner = keyOf(random), amount = random(1n << 63n);
		const from = getAssociatedTokenAddressSync(mint, payer), to = getAssociatedTokenAddressSync(mint, owner);
		const create = random(2) === 0n ? createAssociatedTokenAccountInstruction : createAssociatedTokenAccountIdempotentInstruction;
		const names = { mint: mint.toBase58(), owner: owner.toBase58(), to: to.toBase58() };
		return [[create(payer, to, owner, mint), createTransferCheckedInstruction(from, mint, to, payer, amount, 9)],
			[step('create_account', ASSOCIATED_TOKEN_PROGRAM_ID, { ...names, from: payer.toBase58() }),
				step('token_transfer', TOKEN_PROGRAM_ID, { ...names, amount: `${amount}`, from: from.toBase58() })]];
	},
	tokenTransferOfAnotherMint(random) {
		const mint = keyOf(random), created = keyOf(random), owner = keyOf(random), amount = random(1n << 63n);
		const from = getAssociatedTokenAddressSync(mint, payer), to = getAssociatedTokenAddressSync(created, owner);
		return [[createAssociatedTokenAccountInstruction(payer, to, owner, created), createTransferCheckedInstruction(from, mint, to, payer, amount, 9)],
			[step('create_account', ASSOCIATED_TOKEN_PROGRAM_ID, { from: payer.toBase58(), mint: created.toBase58(), owner: owner.toBase58(), to: to.toBase58() }),
				step('token_transfer', TOKEN_PROGRAM_ID, { amount: `${amount}`, from: from.toBase58(), mint: mint.toBase58(), to: to.toBase58() })]];
	},
	accountOfNobody(random) {
		return [[createAssociatedTokenAccountInstruction(payer, keyOf(random), keyOf(random), keyOf(random))],
			[step('unrecognised', ASSOCIATED_TOKEN_PROGRAM_ID, {})]];
	},
	lateNonce(random) {
		return [[memoOf(random), SystemProgram.nonceAdvance({ noncePubkey: keyOf(random), authorizedPubkey: payer })],
			[step('memo', MEMO, {}), step('unrecognised', SystemProgram.programId, {})]];
	},
	memo(random) {
		return [[memoOf(random)], [step('memo', MEMO, {})]];
	},
	plainTokenTransfer(random) {
		return [[createTransferInstruction(keyOf(random), keyOf(random), payer, random(1n << 40n))],
			[step('unrecognised', TOKEN_PROGRAM_ID, {})]];
	},
	approve(random) {
		return [[createApproveCheckedInstruction(keyOf(random), keyOf(random), keyOf(random), payer, 5n, 6)],
			[step('unrecognised', TOKEN_PROGRAM_ID, {})]];
	},
	otherProgram(random) {
		const programId = keyOf(random);
		return [[new TransactionInstruction({ keys: [{ pubkey: payer, isSigner: true, isWritable: true }], programId, data: Buffer.from([1, 2]) })],
			[step('unrecognised', programId, {})]];
	},
	createAccount(random) {
		const seeded = keyOf(random);
		return [[SystemProgram.createAccountWithSeed({ fromPubkey: payer, newAccountPubkey: seeded, basePubkey: payer, seed: 'x', lamports: 10, space: NONCE_ACCOUNT_LENGTH, programId: SystemProgram.programId })],
			[step('unrecognised', SystemProgram.programId, {})]];
	},
};

// An instruction with an account that the message does not hold says nothing, and proves no owner.
function hideWhatIsLookedUp(steps, compiled) {
	compiled.compiledInstructions.forEach(({ accountKeyIndexes }, i) => {
		if (accountKeyIndexes.some((index) => index >= compiled.staticAccountKeys.length))
			steps[i] = step('unrecognised', new PublicKey(steps[i].program), {});
	});
	for (const transfer of steps.filter(({ kind }) => kind === 'token_transfer'))
		if (!steps.some(({ kind, to }) => kind === 'create_account' && to === transfer.to))
			transfer.owner = '';
}

function make(random) {
	const instructions = [], steps = [];
	let units = null, price = 0n, lookups = 0;
	const add = ([more, said]) => {
		instructions.push(...more);
		steps.push(...said);
	};
	if (random(4) === 0n) {
		const nonce = keyOf(random);
		add([[SystemProgram.nonceAdvance({ noncePubkey: nonce, authorizedPubkey: payer })], [step('advance_nonce', SystemProgram.programId, { to: nonce.toBase58() })]]);
	}
	if (random(2) === 0n) {
		units = random(2_000_000);
		add([[ComputeBudgetProgram.setComputeUnitLimit({ units: Number(units) })], [step('compute_budget', ComputeBudgetProgram.programId, {})]]);
	}
	if (random(2) === 0n) {
		price = random(1n << 40n);
		add([[ComputeBudgetProgram.setComputeUnitPrice({ microLamports: price })], [step('compute_budget', ComputeBudgetProgram.programId, {})]]);
	}
	const names = Object.keys(MAKERS);
	for (let i = 0n; i <= random(3); i++)
		add(MAKERS[names[Number(random(names.length))]](random));
	const blockhash = keyOf(random).toBase58();
	let version = 'legacy', bytes, message;
	if (random(2) === 0n) {
		const legacy = new Transaction({ feePayer: payer, recentBlockhash: blockhash }).add(...instructions);
		bytes = legacy.serialize({ requireAllSignatures: false, verifySignatures: false });
		message = legacy.serializeMessage();
	} else {
		version = 'v0';
		const tables = [];
		if (random(3) === 0n && instructions.at(-1).keys.some(({ isSigner }) => !isSigner)) {
			const account = instructions.at(-1).keys.find(({ isSigner }) => !isSigner).pubkey;
			tables.push(new AddressLookupTableAccount({ key: keyOf(random), state: { deactivationSlot: (1n << 64n) - 1n, lastExtendedSlot: 0, lastExtendedSlotStartIndex: 0, addresses: [account] } }));
		}
		const compiled = new TransactionMessage({ payerKey: payer, recentBlockhash: blockhash, instructions }).compileToV0Message(tables);
		if (random(6) === 0n) // a table that no instruction takes an account from
			compiled.addressTableLookups.push({ accountKey: keyOf(random), writableIndexes: [0], readonlyIndexes: [] });
		lookups = compiled.addressTableLookups.length;
		hideWhatIsLookedUp(steps, compiled);
		bytes = new VersionedTransaction(compiled).serialize();
		message = compiled.serialize();
	}
	const created = BigInt(steps.filter(({ kind }) => kind === 'create_account').length);
	const others = BigInt(steps.filter(({ kind }) => kind !== 'compute_budget').length);
	const most = [units ?? 200_000n * others, 1_400_000n].reduce((a, b) => (a < b ? a : b));
	return {
		fee_max: `${5000n + (price * most + 999_999n) / 1_000_000n + 2_039_280n * created}`, lookup_tables: lookups,
		message: Buffer.from(message).toString('hex'), steps, transaction: Buffer.from(bytes).toString('hex'), version,
	};
}

function verify(hex) {
	const bytes = Buffer.from(hex, 'hex');
	const transaction = VersionedTransaction.deserialize(bytes);
	if (!Buffer.from(transaction.serialize()).equals(bytes))
		throw new Error('written again it differs');
	const message = Buffer.from(transaction.message.serialize());
	const signer = transaction.message.staticAccountKeys[0];
	const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(signer.toBytes()).toString('base64url') }, format: 'jwk' });
	if (!verifySignature(null, message, key, transaction.signatures[0]))
		throw new Error('the signature does not verify');
	if (transaction.version === 'legacy' && !Transaction.from(bytes).verifySignatures(true))
		throw new Error('the signature does not verify (legacy)');
	return { message: message.toString('hex'), payer: signer.toBase58(), signature: Buffer.from(transaction.signatures[0]).toString('hex') };
}

try {
	if (argv[2] === 'make' && argv.length === 5) {
		const random = randomOf(argv[3]);
		for (let made = 0; made < Number(argv[4]);) {
			try {
				console.log(JSON.stringify(make(random)));
				made++;
			} catch (error) {
				if (!/too large|overruns/.test(error.message))
					throw error; // what does not fit 1,232 bytes is drawn again
			}
		}
	} else if (argv[2] === 'verify' && argv.length > 3) {
		for (const hex of argv.slice(3))
			console.log(JSON.stringify(verify(hex)));
	} else {
		console.error('usage: solana.mjs make SEED COUNT | verify HEX...');
		exit(2);
	}
} catch (error) {
	console.log(`fail: ${error.message}`);
	exit(1);
}
