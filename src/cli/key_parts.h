/*
 * A key that is split on one machine, which need not be connected, and brought in by another: the file of its sealed parts.
 *
 *   {"chain_code":"…","instance":"…","key":"…","parties":["one",…],"parts":"<base64>","public_key":"…","salt":"…",
 *    "type":"gatehouse/key-parts/v1"}
 *
 * chain_code of an extended key alone. Nobody but the keepers can open the parts, and they only while they run on. Memory: what is read lives in
 * the arena. Errors: STATUS_INVALID "key_parts.*".
 */
#ifndef GATEHOUSE_CLI_KEY_PARTS_H
#define GATEHOUSE_CLI_KEY_PARTS_H

#include "cli/command.h"
#include "base/json.h"

struct key_parts {
	const json *document;
	struct bytes instance, key, public_key, chain_code, salt, parts;
	const json *parties;
};

enum status key_parts_read(struct arena *arena, const char *path, struct key_parts *parts);

#endif
