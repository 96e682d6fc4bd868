/*
 * Readers: identity/cbor.c, identity/cose.c (read_parameters, check_parameters, cose_read, cose_read_whole, cose_algorithm)
 * Reads the input as one CBOR item, as the members of a map, and as a COSE key: what is accepted is taken whole and read again the
 * same, and a key that is accepted can be asked for the library's.
 */
#include "identity/cose.h"
#include "tests/fuzz.h"

static void
read_item(struct bytes input) {
	struct cursor cursor = cursor_of(input), again;
	struct bytes first, second;
	struct cbor_item item;
	int64_t number;
	if (cbor_skip(&cursor, &first) != OK)
		return;
	must(first.len + cursor.left == input.len && cbor_end(&cursor) == (cursor.left == 0 ? OK : STATUS_INVALID));
	again = cursor_of(first);
	must(cbor_skip(&again, &second) == OK && again.left == 0 && bytes_equal(first, second));
	again = cursor_of(first);
	must(cbor_read(&again, &item) == OK && cbor_type_name(item.type) != nullptr);
	if (cbor_integer(&item, &number) == OK)
		must((number >= 0) == (item.type == CBOR_UNSIGNED));
}

static void
read_members(struct bytes input, enum cbor_order order) {
	struct cursor cursor = cursor_of(input);
	struct cbor_item a, label, any;
	const struct cbor_member members[] = {
		{.name = "fmt", .type = CBOR_TEXT, .item = &a},
		{.label = -2, .type = CBOR_MAP, .is_optional = true, .item = &label},
		{.label = 3, .is_optional = true, .item = &any},
	};
	if (cbor_read_members(&cursor, "fuzz", order, members, ARRAY_LENGTH(members)) != OK)
		return;
	must(a.type == CBOR_TEXT && (label.type == CBOR_NONE || label.type == CBOR_MAP));
}

static void
read_key(struct bytes input) {
	struct cose_key key;
	struct public_key *public_key = nullptr;
	if (cose_read_whole(input, &key) != OK)
		return;
	must(bytes_equal(key.encoding, input));
	if (cose_public_key(&key, &public_key) == OK)
		must(public_key_algorithm(public_key) == key.algorithm);
	public_key_destroy(&public_key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct bytes input = bytes_of(data, size);
	read_item(input);
	read_members(input, CBOR_CANONICAL);
	read_members(input, CBOR_ANY_ORDER);
	read_key(input);
	return 0;
}
