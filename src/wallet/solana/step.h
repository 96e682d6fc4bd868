/*
 * What the instructions of a Solana message do: one step for each, of those few kinds that are understood exactly. Everything
 * else is unrecognised: the gate must not guess what a program does.
 *
 *   system            Transfer; AdvanceNonceAccount as the first instruction (a durable nonce)
 *   token             TransferChecked, which names its mint and its decimals; one signer, no multisignature
 *   associated token  Create and CreateIdempotent, for exactly the account that owner and mint give. Either fails on the chain,
 *                     and the whole transaction with it, where the account is another owner's: so it proves the owner of
 *                     what a TransferChecked beside it pays
 *   compute budget    what bounds the fee; each kind once
 *   memo              text
 *
 * An instruction with an account from a lookup table, another number of accounts or bytes, or an authority that does not sign, is
 * unrecognised. Token-2022 is not among them: its accounts can carry fees and hooks that its instructions do not show.
 *
 * Owner: steps live in the arena and point into the message.
 * Sources: Solana documentation, "System program", "Compute budget", "Durable nonces"; SPL Token and Associated Token Account.
 */
#ifndef GATEHOUSE_WALLET_SOLANA_STEP_H
#define GATEHOUSE_WALLET_SOLANA_STEP_H

#include "wallet/solana/message.h"

enum solana_step_kind {
	SOLANA_TRANSFER,       /* amount lamports, from, to */
	SOLANA_TOKEN_TRANSFER, /* amount of mint, from and to: token accounts; owner: of to, null where it is not proven */
	SOLANA_CREATE_ACCOUNT, /* to: the associated token account of owner for mint */
	SOLANA_ADVANCE_NONCE,  /* to: the nonce account */
	SOLANA_COMPUTE_BUDGET_STEP,
	SOLANA_MEMO_STEP,
	SOLANA_UNRECOGNISED,
	SOLANA_STEP_KINDS,
};

struct solana_step {
	enum solana_step_kind kind;
	const struct solana_address *program;
	const struct solana_address *from, *to, *mint, *owner;
	uint64_t amount;
	uint8_t decimals;
};

struct solana_steps {
	const struct solana_step *items; /* one for each instruction */
	size_t count;
	size_t created;        /* accounts at most */
	bool has_unrecognised; /* or lookup tables: what they hold is not known */
	bool has_unit_limit, has_unit_price;
	uint32_t unit_limit; /* compute units */
	uint64_t unit_price; /* lamports × 10⁻⁶ for one */
};

enum status solana_read_steps(struct arena *arena, const struct solana_message *message, struct solana_steps *steps);

/* The most lamports that the chain can take beside the transfers: the base fee for each signature, the priority fee for all units that the
 * transaction may use, and the rent of the accounts that it creates. */
enum status solana_fee_max(const struct solana_message *message, const struct solana_steps *steps, uint64_t *lamports);

const char *solana_step_name(enum solana_step_kind kind); /* "transfer", "token_transfer", ... */

#endif
