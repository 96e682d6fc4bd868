/*
 * The decoded view of an operation: what an approver reads and what the approval statement names by its digest. Keeper and
 * approver build it with this same function from the raw payload, so that nothing between them can show one operation and have
 * another approved (design §4).
 */
#ifndef GATEHOUSE_GATE_VIEW_H
#define GATEHOUSE_GATE_VIEW_H

#include "model/operation.h"
#include "model/operation_kind.h"
#include "wallet/wallet.h"

/* The transaction of a payload {"format","transaction"}, as the wallet wants it. */
enum status transaction_of_payload(struct arena *arena, const json *payload, enum wallet_format *format,
				   struct bytes *transaction);

/* Canonical JSON {"kind","payload" or "transaction","reason","reference","resource","type"}. transaction is the decoded one
 * for OPERATION_SIGN and null for every other kind. */
enum status operation_view(const struct operation *operation, struct bytes payload,
			   const struct wallet_transaction *transaction, struct buffer *view);

#endif
