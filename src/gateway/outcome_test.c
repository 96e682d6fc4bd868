#include "tests/test.h"

#include "gateway/outcome.h"
#include "model/operation.h"

static void
the_id_is_the_one_that_the_keeper_gives(void **) {
	struct hash256 hash;
	char expected[65], id[OUTCOME_ID_SIZE];
	assert_ok(operation_id(BYTES_OF_LITERAL("treasury"), BYTES_OF_LITERAL("workload:w-1"), BYTES_OF_LITERAL("k"),
			       &hash));
	hex_encode(hash256_bytes(&hash), expected);
	assert_true(outcome_operation_id(
		BYTES_OF_LITERAL("treasury"),
		BYTES_OF_LITERAL("s=(\"@method\");created=1;keyid=\"workload:w-1/a/b\";tag=\"gatehouse\""),
		BYTES_OF_LITERAL("k"), id));
	assert_string_equal(expected, id);
}

static void
without_instance_principal_or_key_there_is_no_id(void **) {
	static const struct {
		const char *instance, *signature_input, *key;
	} cases[] = {
		{"", "s=();keyid=\"w/1\"", "k"},
		{"i", "s=();keyid=\"w/1\"", ""},
		{"i", "", "k"},
		{"i", "s=();keyid=\"w\"", "k"},
		{"i", "s=();keyid=\"", "k"},
		{"i", "s=();keyid=\"w\";path=\"a/b\"", "k"},
		{"i", "s=();nonce=\"keyid\"", "k"},
	};
	char id[OUTCOME_ID_SIZE];
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_false(outcome_operation_id(bytes_of_text(cases[i].instance),
						  bytes_of_text(cases[i].signature_input), bytes_of_text(cases[i].key),
						  id));
}

RUN_TESTS(T(the_id_is_the_one_that_the_keeper_gives), T(without_instance_principal_or_key_there_is_no_id))
