/*
 * What is told alike of a PSBT and of a network transaction: names of outputs, amounts, times.
 *
 * Owner: the transaction's arena. Threads: any. Errors: bitcoin.chain.
 */
#ifndef GATEHOUSE_WALLET_BITCOIN_DESCRIBE_H
#define GATEHOUSE_WALLET_BITCOIN_DESCRIBE_H

#include "wallet/bitcoin/address.h"
#include "wallet/bitcoin/transaction.h"
#include "wallet/wallet.h"

/* The network that is wanted, "bitcoin:main" where none is; sets the transaction's chain and native asset. */
enum status bitcoin_find_network(struct wallet_transaction *transaction, enum bitcoin_network *network);

/* The address; for a script that has none, "script:" and the script's SHA-256, which no list of addresses contains. */
enum status bitcoin_name_script(struct arena *arena, enum bitcoin_network network, struct bytes script,
				struct bytes *name);
enum status bitcoin_name_outputs(struct arena *arena, enum bitcoin_network network,
				 const struct bitcoin_transaction *transaction, const struct bytes **names);
/* Sorts the names in place and sets them, each once. */
void bitcoin_set_destinations(struct wallet_transaction *transaction, struct bytes *names, size_t count);
/* An output that leaves: a movement, and its part of the whole amount. */
enum status bitcoin_add_output(struct wallet_transaction *transaction, struct bytes name, uint64_t sats,
			       struct wallet_movement *movement);

void bitcoin_write_sats(struct json_writer *writer, const char *key, uint64_t sats);
/* Whether it can be replaced, and what it waits for. */
void bitcoin_explain_times(const struct bitcoin_transaction *transaction, struct buffer *text);

#endif
