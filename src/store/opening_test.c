#include "tests/test.h"

#include "store/opening.h"

static const uint8_t key[32] = {1, 2, 3}, other_key[32] = {4};

/* printf 'gatehouse/commitment/v1\0' + 32 × 0x07 + 0x000e + 'source_address' + '10.1.2.3' | sha256sum */
static void
a_commitment_is_the_documented_hash(void **) {
	struct opening_field field = {.name = BYTES_OF_LITERAL("source_address"),
				      .value = BYTES_OF_LITERAL("10.1.2.3")};
	uint8_t expected[32];
	memset(field.salt, 7, sizeof field.salt);
	struct hash256 commitment = opening_commit(&field);
	assert_ok(hex_decode(BYTES_OF_LITERAL("8faacf1a968ea1cabeabe789f0da590cbe0e27ccf0d31c78d20555dbb40eb761"),
			     expected, 32));
	assert_bytes(BYTES_OF_ARRAY(expected), hash256_bytes(&commitment));
}

static void
name_and_value_cannot_trade_bytes(void **) {
	struct opening_field a = {.name = BYTES_OF_LITERAL("ab"), .value = BYTES_OF_LITERAL("c")};
	struct opening_field b = {.name = BYTES_OF_LITERAL("a"), .value = BYTES_OF_LITERAL("bc")};
	struct hash256 of_a = opening_commit(&a), of_b = opening_commit(&b);
	assert_false(hash256_equal(&of_a, &of_b));
}

static void
an_opening_opens_under_its_subjects_key_only(void **) {
	_cleanup_(buffer_free) struct buffer sealed = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct opening_field fields[2] = {
		opening_field_of(BYTES_OF_LITERAL("name"), BYTES_OF_LITERAL("Ada")),
		opening_field_of(BYTES_OF_LITERAL("address"), BYTES_OF_LITERAL("")),
	};
	struct opening_field *opened;
	struct bytes subject;
	size_t count;
	assert_memory_not_equal(fields[0].salt, fields[1].salt, OPENING_SALT_SIZE);
	assert_ok(opening_seal(key, BYTES_OF_LITERAL("p-7f3a"), fields, 2, &sealed));
	assert_ok(opening_subject(buffer_bytes(&sealed), &subject));
	assert_bytes(BYTES_OF_LITERAL("p-7f3a"), subject);
	assert_ok(opening_open(key, buffer_bytes(&sealed), &arena, &opened, &count));
	assert_int_equal(count, 2);
	for (size_t i = 0; i < 2; i++) {
		struct hash256 before = opening_commit(&fields[i]), after = opening_commit(&opened[i]);
		assert_true(hash256_equal(&before, &after));
	}
	assert_fails(STATUS_UNAUTHORIZED, "aead.open",
		     opening_open(other_key, buffer_bytes(&sealed), &arena, &opened, &count));
	for (size_t bit = 8; bit < sealed.len * 8; bit++) {
		sealed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_not_equal(opening_open(key, buffer_bytes(&sealed), &arena, &opened, &count), OK);
		sealed.data[bit / 8] ^= (uint8_t)(1U << bit % 8);
		arena_reset(&arena);
	}
}

static void
bad_openings_are_refused_by_name(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	static const struct {
		const char *name;
		enum status status;
		const char *bytes;
		size_t len;
	} cases[] = {
		{"opening.version", STATUS_INVALID, "", 0},
		{"opening.version", STATUS_UNSUPPORTED, "\2\1a", 3},
		{"opening.subject", STATUS_INVALID, "\1", 1},
		{"opening.subject", STATUS_INVALID, "\1\0", 2},
		{"opening.subject", STATUS_INVALID, "\1\377", 2},
		{"opening.subject", STATUS_INVALID, "\1\5abc", 5},
		{"opening.sealed", STATUS_INVALID, "\1\1a0123456789", 13},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct opening_field *opened;
		size_t count;
		assert_fails(cases[i].status, cases[i].name,
			     opening_open(key, bytes_of(cases[i].bytes, cases[i].len), &arena, &opened, &count));
	}
	_cleanup_(buffer_free) struct buffer sealed = {};
	struct opening_field field = {.name = BYTES_OF_LITERAL("n")};
	assert_fails(STATUS_INVALID, "opening.count", opening_seal(key, BYTES_OF_LITERAL("p"), &field, 0, &sealed));
	assert_fails(STATUS_INVALID, "opening.count", opening_seal(key, BYTES_OF_LITERAL(""), &field, 1, &sealed));
	static const uint8_t long_value[OPENING_SIZE_MAX] = {};
	field.value = BYTES_OF_ARRAY(long_value);
	assert_fails(STATUS_TOO_LARGE, "opening.size", opening_seal(key, BYTES_OF_LITERAL("p"), &field, 1, &sealed));
}

RUN_TESTS(T(a_commitment_is_the_documented_hash), T(name_and_value_cannot_trade_bytes),
	  T(an_opening_opens_under_its_subjects_key_only), T(bad_openings_are_refused_by_name))
