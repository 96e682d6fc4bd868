/*
 * The decoded view of an operation: what an approver reads and what the approval statement names by its digest. Keeper and
 * approver build it with this same function from the raw payload, so that nothing between them can show one operation and have
 * another approved (design §4).
 */
#ifndef GATEHOUSE_GATE_VIEW_H
#define GATEHOUSE_GATE_VIEW_H

#include "model/operation.h"
#include "keys/key.h"
#include "model/operation_kind.h"
#include "wallet/wallet.h"

/* The transaction of a payload {["chain"],"format","transaction"}, as the wallet wants it. */
enum status transaction_of_payload(struct arena *arena, const json *payload, enum wallet_format *format,
				   struct bytes *transaction);

/* Points of keys that were asked for before, so that no root is taken twice for the same one; zeros to begin with. */
struct known_point {
	uint8_t compressed[33]; /* [0] is 0: free */
	uint8_t uncompressed[65];
};
constexpr size_t KNOWN_POINTS = 64;

/* What a wallet must know of a key, as its public record says it; it derives nothing. points: KNOWN_POINTS of them, or null.
 * STATUS_UNSUPPORTED "key.algorithm" for a key of a curve that no chain signs with. */
enum status wallet_key_of_record(const struct key_info *record, struct known_point *points, struct wallet_key *key);

/* Canonical JSON {"kind","payload" or "transaction","reason","reference","resource","type"}. transaction is the decoded one
 * for OPERATION_SIGN and null for every other kind. */
enum status operation_view(const struct operation *operation, struct bytes payload,
			   const struct wallet_transaction *transaction, struct buffer *view);

#endif
