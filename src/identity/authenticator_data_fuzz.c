/*
 * Reader: identity/authenticator_data.c
 * Reads the input as authenticator data: what is accepted is consistent in itself, and its checks give one of their two answers.
 */
#include "identity/authenticator_data.h"
#include "tests/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct authenticator_data read;
	if (authenticator_data_read(bytes_of(data, size), &read) != OK)
		return 0;
	must(read.rp_id_hash.len == 32 && (read.backup_eligible || !read.backed_up));
	must(read.has_credential == (read.credential_id.len > 0) && read.has_credential == (read.aaguid.len == 16));
	bool checked = authenticator_data_check(&read, BYTES_OF_LITERAL("example.org"), true) == OK;
	must(!checked || (read.user_present && read.user_verified));
	must(authenticator_counter_check(read.counter, read.counter) == (read.counter == 0 ? OK : STATUS_UNAUTHORIZED));
	return 0;
}
