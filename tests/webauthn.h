/*
 * The published registrations of tests/webauthn/attestations.json: name, source, and both parts as hexadecimal digits; and those that a
 * TPM made for us, tests/webauthn/tpm.json, with the certificate that they lead to.
 * Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_WEBAUTHN_H
#define GATEHOUSE_TESTS_WEBAUTHN_H

#include <stdio.h>

#include "base/json.h"
#include "tests/file.h"

struct published {
	struct bytes attestation_object, client_data;
	struct bytes root; /* DER; of tpm.json alone */
};

static inline struct bytes
published_file(struct arena *arena, const char *name) {
	char path[4096];
	snprintf(path, sizeof path, "%s/tests/webauthn/%s", test_source_root(), name);
	return file_of_test(arena, path);
}

static inline struct bytes
published_hex(struct arena *arena, const json *object, const char *member) {
	struct bytes text = json_string(json_get(object, member));
	uint8_t *bytes = arena_alloc(arena, text.len / 2 + 1);
	assert_non_null(bytes);
	assert_ok(hex_decode(text, bytes, text.len / 2));
	return bytes_of(bytes, text.len / 2);
}

static inline struct published
registration_in(struct arena *arena, const char *file, const char *name) {
	const json *root;
	assert_ok(json_read(arena, published_file(arena, file), (struct json_limits){}, &root));
	struct json_iterator iterator = json_iterate(root);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;)
		if (bytes_equal_text(json_string(json_get(one, "name")), name))
			return (struct published){published_hex(arena, one, "attestation_object"),
						  published_hex(arena, one, "client_data"),
						  json_get(one, "root") == nullptr ? (struct bytes){}
										   : published_hex(arena, one, "root")};
	fail_msg("%s: not among the registrations of %s", name, file);
	return (struct published){};
}

static inline struct published
published_registration(struct arena *arena, const char *name) {
	return registration_in(arena, "attestations.json", name);
}

#endif
