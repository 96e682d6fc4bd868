/*
 * A Bitcoin transaction as data, read from and written to its network encoding, with or without witnesses (BIP-144).
 *
 * Reading is strict: counts in their shortest form, nothing after the end, no superfluous witness; so writing what was read
 * gives the same bytes. Hashes stand in the order in which they are hashed; people see them reversed
 * (bitcoin_hash_text()). Owner: arrays live in the arena given to the reader, scripts and witnesses borrow from its input.
 * Errors: "bitcoin.*", each naming the field and the input or output.
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_TRANSACTION_H
#define GATEHOUSE_WALLET_BITCOIN_TRANSACTION_H

#include "base/arena.h"
#include "crypto/hash.h"

constexpr uint64_t BITCOIN_MONEY_MAX = UINT64_C(21'000'000) * 100'000'000; /* satoshi */
constexpr uint32_t BITCOIN_SEQUENCE_FINAL = 0xffff'ffff;
constexpr size_t BITCOIN_HASH_TEXT_SIZE = 65;
constexpr uint32_t BITCOIN_VERSION_MIN = 1;
constexpr uint32_t BITCOIN_VERSION_MAX = 3; /* what nodes relay; 3: BIP-431 */

struct bitcoin_outpoint {
	struct hash256 txid;
	uint32_t index;
};

struct bitcoin_input {
	struct bitcoin_outpoint previous;
	struct bytes script_sig;
	uint32_t sequence;
	struct bytes witness; /* as encoded: the count of items and the items; len 0: none */
};

struct bitcoin_output {
	uint64_t sats;
	struct bytes script;
};

struct bitcoin_transaction {
	uint32_t version;
	const struct bitcoin_input *inputs;
	size_t input_count;
	const struct bitcoin_output *outputs;
	size_t output_count;
	uint32_t lock_time;
	bool has_witness;
};

/* A network transaction. Errors: bitcoin.version, bitcoin.input_count, bitcoin.input, bitcoin.script_sig, bitcoin.sequence,
 * bitcoin.output_count, bitcoin.output, bitcoin.script, bitcoin.witness, bitcoin.lock_time where bytes are missing;
 * bitcoin.compact_size, bitcoin.witness_flag, bitcoin.witness_superfluous, bitcoin.no_inputs, bitcoin.transaction.trailing. */
enum status bitcoin_transaction_read(struct arena *arena, struct bytes encoded,
				     struct bitcoin_transaction *transaction);
/* The encoding without witnesses only; no inputs are allowed. */
enum status bitcoin_transaction_read_unsigned(struct arena *arena, struct bytes encoded,
					      struct bitcoin_transaction *transaction);
/* One output as it stands in a transaction, and nothing after it. */
enum status bitcoin_output_read(struct bytes encoded, const char *field, struct bitcoin_output *output);

/* Appended. Witnesses are written if the transaction has any. */
void bitcoin_transaction_write(const struct bitcoin_transaction *transaction, struct buffer *to);
void bitcoin_transaction_write_without_witness(const struct bitcoin_transaction *transaction, struct buffer *to);
void bitcoin_outpoint_write(const struct bitcoin_outpoint *outpoint, struct buffer *to);
void bitcoin_output_write(const struct bitcoin_output *output, struct buffer *to);

/* The txid (without witnesses) and the wtxid. Fail only without memory. */
enum status bitcoin_transaction_id(const struct bitcoin_transaction *transaction, struct hash256 *id);

/* BIP-125: an input's sequence says so. */
bool bitcoin_transaction_is_replaceable(const struct bitcoin_transaction *transaction);
/* Cannot be mined before some time or height (the lock time, BIP-68). */
bool bitcoin_transaction_is_time_locked(const struct bitcoin_transaction *transaction);

/* Whether bytes begin with a version that nodes relay, as a network transaction does and no Ethereum transaction can. */
bool bitcoin_begins_transaction(struct bytes bytes);

/* What no valid transaction can be without: inputs and outputs, no coinbase, no outpoint spent twice, amounts and their sum
 * within 21 million bitcoin. *output_sats receives the sum.
 * Errors: bitcoin.no_inputs, bitcoin.no_outputs, bitcoin.coinbase, bitcoin.duplicate_input, bitcoin.money_range. */
enum status bitcoin_transaction_check(struct arena *arena, const struct bitcoin_transaction *transaction,
				      uint64_t *output_sats);
/* sum += sats, both within 21 million bitcoin. what and index name it in bitcoin.money_range. */
enum status bitcoin_add_sats(uint64_t *sum, uint64_t sats, const char *what, size_t index);

int bitcoin_outpoint_compare(const struct bitcoin_outpoint *a, const struct bitcoin_outpoint *b);

/* 64 hexadecimal digits in the order of explorers, and a NUL. */
void bitcoin_hash_text(const struct hash256 *hash, char text[static 65]);

#endif
