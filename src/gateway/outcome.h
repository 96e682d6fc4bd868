/*
 * The id of an operation whose outcome the gateway does not know: it is a hash of what the client sent (design §4), so
 * it can be told without the keeper. It is what the request claims; nobody has verified it.
 */
#ifndef GATEHOUSE_GATEWAY_OUTCOME_H
#define GATEHOUSE_GATEWAY_OUTCOME_H

#include "base/bytes.h"

constexpr size_t OUTCOME_ID_SIZE = 65;

/* The keyid of signature_input begins with the principal's id and a slash. False if one of the three is not there. */
bool outcome_operation_id(struct bytes instance, struct bytes signature_input, struct bytes idempotency_key, char *id);

#endif
