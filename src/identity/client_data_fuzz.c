/*
 * Reader: identity/client_data.c
 * Reads the input as collected client data; what passes all checks says what was checked.
 */
#include "identity/client_data.h"
#include "tests/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const char *const origins[] = {"https://example.org"};
	static const uint8_t challenge[32];
	_cleanup_(arena_free) struct arena arena = {};
	struct client_data read;
	if (client_data_read(&arena, bytes_of(data, size), &read) != OK)
		return 0;
	must(size <= CLIENT_DATA_MAX);
	if (client_data_check_type(&read, CLIENT_DATA_GET) == OK)
		must(bytes_equal_text(read.type, "webauthn.get"));
	if (client_data_check_challenge(&read, BYTES_OF_ARRAY(challenge)) == OK)
		must(read.challenge.len == 43);
	if (client_data_check_origin(&read, origins, 1) == OK)
		must(client_data_check_relying_party(&read, BYTES_OF_LITERAL("example.org")) == OK);
	if (client_data_check_relying_party(&read, BYTES_OF_LITERAL("localhost")) == OK)
		must(!read.is_cross_origin && memmem(read.origin.data, read.origin.len, "localhost", 9) != nullptr);
	return 0;
}
