/*
 * What a transaction spends, split for the limits: its whole value per key, account, desk, legal entity and requester; per
 * destination what goes there; per asset what moves of it, the fee counting for the chain's own asset. US cents, each part
 * rounded up. The same parts are asked about before the decision and counted after it.
 */
#ifndef GATEHOUSE_GATE_SPEND_H
#define GATEHOUSE_GATE_SPEND_H

#include "base/arena.h"
#include "gate/state.h"
#include "wallet/wallet.h"

struct spend_source {
	const struct wallet_transaction *transaction;
	const struct key_info *key;
	const struct unit *account;
	struct bytes requester; /* principal */
	struct hash256 operation;
	int64_t at_ms;
};

/* *spend and its parts live in the arena. The transaction's value must be known (wallet_usd_cents() gave ASSET_VALUED). */
enum status spend_of_transaction(struct arena *arena, const struct spend_source *source, struct spend *spend);

/* A destination as lists and limits name it: "<chain>:<address>", in the arena. data is null when out of memory. */
struct bytes destination_name(struct arena *arena, struct bytes chain, struct bytes address);

/* {"allowance":true,"cents":[[dimension,subject,cents],...],"identity":"<hex>"}, the first only where it is one; and back, for
 * restoring. */
void spend_write(struct json_writer *writer, const struct spend *spend);
enum status spend_read(struct arena *arena, const json *recorded, struct spend *spend);
/* One that another keeper told: {"at","operation","spend"}; and back. */
void spend_write_told(struct json_writer *writer, const struct spend *spend);
enum status spend_read_told(struct arena *arena, const json *told, struct spend *spend);

#endif
