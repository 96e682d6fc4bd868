/*
 * Readers: gate/enrolment.c (read_token, read_registration, enrolment_read, enrolment_read_token, read_entry, enrolment_read_entry,
 * enrolment_read_divergence)
 * What a browser or another keeper hands in, and the entries that come of it: an entry that is read is written again, and says the same.
 */
#include "gate/enrolment.h"
#include "tests/fuzz.h"

static void
read_entry_again(struct arena *arena, struct bytes input) {
	_cleanup_(buffer_free) struct buffer written = {};
	struct enrolment enrolment, again;
	int64_t at_ms, at_again_ms;
	const json *root;
	if (json_read(arena, input, (struct json_limits){}, &root) != OK || json_type_of(root) != JSON_OBJECT)
		return;
	bool is_made = enrolment_read_entry(arena, root, &enrolment, &at_ms) == OK;
	if (!is_made && enrolment_read_divergence(arena, root, &enrolment, &at_ms) != OK)
		return;
	enrolment.outcome = is_made ? ENROLMENT_MADE : ENROLMENT_DIFFERS;
	if (enrolment_write(&enrolment, at_ms, &written) != OK)
		return; /* a number that no entry can hold */
	must(json_read(arena, buffer_bytes(&written), (struct json_limits){}, &root) == OK);
	must((is_made ? enrolment_read_entry(arena, root, &again, &at_again_ms)
		      : enrolment_read_divergence(arena, root, &again, &at_again_ms)) == OK);
	struct hash256 first = enrolment_registration_hash(&enrolment), second = enrolment_registration_hash(&again);
	must(hash256_equal(&first, &second) && at_ms == at_again_ms && bytes_equal(enrolment.from, again.from));
	must(bytes_equal(enrolment.key_id, again.key_id) && enrolment.party == again.party);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes input = bytes_of(data, size);
	struct enrolment enrolment;
	struct hash256 token;
	if (enrolment_read(&arena, input, &enrolment) == OK) {
		must(enrolment.registration.attestation_object.len <= ATTESTATION_OBJECT_MAX);
		must(enrolment.registration.client_data.len <= CLIENT_DATA_MAX && enrolment.rp_id.len <= RP_ID_MAX);
	}
	IGNORE_STATUS(enrolment_read_token(&arena, input, &token));
	read_entry_again(&arena, input);
	return 0;
}
