/*
 * The record of the root key, which the caller stores and which is public: where the key comes from, how it is stretched,
 * and a value to check it by. Canonical JSON; docs/PROTOCOL.keys. For root_key.c.
 * Errors: STATUS_CORRUPT "root_key.record"; STATUS_UNSUPPORTED "root_key.version"; STATUS_INVALID "root_key.cost".
 */
#ifndef GATEHOUSE_KEYS_ROOT_KEY_RECORD_H
#define GATEHOUSE_KEYS_ROOT_KEY_RECORD_H

#include "keys/root_key.h"

struct root_key_record {
	enum root_key_source source;
	struct argon2id_cost cost; /* of a passphrase; unused otherwise, as is the salt */
	uint8_t salt[16];
	uint8_t check[32];
};

/* The record is appended. */
enum status root_key_record_write(const struct root_key_record *record, struct buffer *to);
enum status root_key_record_read(struct bytes text, struct root_key_record *record);
/* Within bounds that keep a record from elsewhere from taking all memory or all time. */
enum status root_key_record_check_cost(struct argon2id_cost cost);

#endif
