/*
 * An answer as a hostile gateway could give it: it is refused, or it is of the key and the installation that were asked, names a holder, and
 * stands the comparison with its own public key and sharing and with no other.
 * Reader: cli/key_audit.c (not key_audit_write)
 */
#include "cli/key_audit.h"

#include <stdlib.h>

static const uint8_t CHALLENGE[AUDIT_CHALLENGE_SIZE] = {7};

/* is_changed: with another first digit. */
static void
write_hex(struct bytes bytes, char *hex, bool is_changed) {
	hex_encode(bytes, hex);
	if (is_changed)
		hex[0] = hex[0] == '0' ? '1' : '0';
}

static bool
passes(const json *document, const char *public_key, const char *sharing_hash, struct key_audit *audit) {
	const struct key_audit_expected expected = {.key = "vault",
						    .instance = "northwind",
						    .challenge = CHALLENGE,
						    .public_key = public_key,
						    .sharing_hash = sharing_hash};
	return key_audit_check(document, &expected, audit) == OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	struct key_audit audit, again;
	const json *document;
	char own[2 * POINT_SIZE + 1], other[sizeof own], own_hash[65], other_hash[65];
	if (json_read(&arena, bytes_of(data, size), (struct json_limits){}, &document) != OK)
		return 0;
	if (passes(document, "02", nullptr, &again) || passes(document, nullptr, "no digits", &again))
		abort();
	if (!passes(document, nullptr, nullptr, &audit))
		return 0;
	write_hex(sharing_public_key(&audit.sharing), own, false);
	write_hex(sharing_public_key(&audit.sharing), other, true);
	write_hex(BYTES_OF_ARRAY(audit.sharing_hash.bytes), own_hash, false);
	write_hex(BYTES_OF_ARRAY(audit.sharing_hash.bytes), other_hash, true);
	if (strcmp(audit.sharing.key.id, "vault") != 0 || audit.holder[0] == '\0')
		abort();
	if (!passes(document, own, own_hash, &again) || passes(document, other, nullptr, &again) ||
	    passes(document, own, other_hash, &again) || passes(document, nullptr, "00", &again) ||
	    passes(document, "", nullptr, &again))
		abort();
	return 0;
}
