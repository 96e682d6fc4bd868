/*
 * Readers: gate/personal.c (check_text, check_contact, check_name, read_hex, read_value, personal_read),
 * identity/subjects.c (read_value, subjects_read), identity/access.c (read_time, read_auditor, read_reader, access_read)
 * Reads the input as {"payload","personal"} of a profile, as a snapshot of subjects and as one of access. What is brought commits to what
 * the payload says; a snapshot that is accepted is written and read again to the same bytes.
 */
#include "gate/personal.h"
#include "identity/access.h"
#include "identity/subjects.h"
#include "tests/fuzz.h"

static void
read_as_profile(struct bytes input) {
	_cleanup_(arena_free) struct arena arena = {};
	struct personal_values values;
	const json *root;
	if (json_read(&arena, input, (struct json_limits){}, &root) != OK || json_type_of(root) != JSON_OBJECT)
		return;
	const json *payload = json_get(root, "payload"), *brought = json_get(root, "personal");
	if (payload == nullptr || brought == nullptr || personal_read(payload, brought, &values) != OK)
		return;
	must(values.count > 0 && values.count < PERSONAL_FIELDS_MAX);
	for (size_t i = 0; i < values.count; i++) {
		struct hash256 commitment = opening_commit(&values.fields[i]), stated;
		must(personal_is_profile_field(values.fields[i].name));
		must(hex_decode(json_string(json_get_bytes(payload, values.fields[i].name)), stated.bytes, 32) == OK);
		must(hash256_equal(&commitment, &stated));
	}
}

static void
read_as_subjects(struct bytes input) {
	_cleanup_(subjects_free) struct subjects subjects = {}, again = {};
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	if (subjects_read(&subjects, input) != OK)
		return;
	must(subjects_write(&subjects, &first) == OK && subjects_read(&again, buffer_bytes(&first)) == OK &&
	     subjects_write(&again, &second) == OK && bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
	must(subjects_keys(&subjects) <= subjects.by_id.count);
}

static void
read_as_access(struct bytes input) {
	_cleanup_(access_free) struct access access = {}, again = {};
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	if (access_read(&access, input) != OK)
		return;
	must(access_write(&access, &first) == OK && access_read(&again, buffer_bytes(&first)) == OK &&
	     access_write(&again, &second) == OK && bytes_equal(buffer_bytes(&first), buffer_bytes(&second)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	read_as_profile(bytes_of(data, size));
	read_as_subjects(bytes_of(data, size));
	read_as_access(bytes_of(data, size));
	return 0;
}
