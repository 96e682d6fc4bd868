#include "tests/test.h"

#include "keys/threshold/sharing.h"

static struct sharing
example(void) {
	struct sharing sharing = {.scheme = KEY_SHARED_ECDSA,
				  .key = {.id = "eth-vault", .threshold = 2, .epoch = 3, .holders = {.count = 3}},
				  .names = {"one", "two", "three"}};
	struct point point;
	struct scalar number = (struct scalar){.limb = {1}};
	assert_ok(point_of_secret(&number, &point));
	point_write(&point, sharing.key.public_key);
	memset(sharing.key.chain_code, 7, sizeof sharing.key.chain_code);
	for (uint8_t i = 0; i < 3; i++) {
		sharing.key.holders.parties[i].index = i + 1;
		memset(sharing.key.holders.parties[i].identity, 0x10 + i, PARTY_IDENTITY_SIZE);
		point_write(&point, sharing.key.public_shares[i]);
	}
	return sharing;
}

static void
write_text(const struct sharing *sharing, struct buffer *text) {
	struct json_writer writer;
	json_writer_start(&writer, text);
	sharing_write(&writer, sharing);
	assert_ok(json_writer_finish(&writer));
}

/* The same of Ed25519: its base point, as everybody's share. */
static struct sharing
example_of_ed25519(void) {
	struct sharing sharing = example();
	struct frost_scalar one = frost_ed25519.scalar_of(1);
	struct frost_element point;
	assert_ok(frost_ed25519.element_of(&one, &point));
	sharing.scheme = KEY_SHARED_ED25519;
	memcpy(sharing.key.public_key, point.bytes, sizeof point.bytes);
	for (size_t i = 0; i < 3; i++)
		memcpy(sharing.key.public_shares[i], point.bytes, sizeof point.bytes);
	return sharing;
}

static void
check_written(struct sharing sharing, const char *public_key) {
	_cleanup_(buffer_free) struct buffer text = {}, again = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct sharing read;
	const json *document;
	struct hash256 hash, expected;
	write_text(&sharing, &text);
	assert_non_null(memmem(text.data, text.len, public_key, strlen(public_key)));
	assert_ok(json_read(&arena, buffer_bytes(&text), (struct json_limits){}, &document));
	assert_ok(sharing_read(document, &read));
	assert_int_equal(sharing.scheme, read.scheme);
	write_text(&read, &again);
	assert_true(bytes_equal(buffer_bytes(&text), buffer_bytes(&again)));
	assert_ok(sharing_hash(&read, &hash));
	expected = sha256(buffer_bytes(&text));
	assert_true(hash256_equal(&expected, &hash));
}

static void
what_is_written_is_read(void **) {
	static const char base[] =
		"\"public_key\":\"5866666666666666666666666666666666666666666666666666666666666666\"";
	static const char generator[] =
		"\"public_key\":\"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\"";
	struct sharing bip340 = example();
	bip340.scheme = KEY_SHARED_BIP340;
	check_written(example(), generator);
	check_written(bip340, generator);
	check_written(example_of_ed25519(), base);
}

/* Each replaces one text in the document of example(). */
struct bad_input {
	const char *from, *to, *error;
};
static const struct bad_input bad_inputs[] = {
	{"\"scheme\":\"ecdsa\"", "\"scheme\":\"ed25519\"", "sharing.public_share"},
	{"\"chain_code\":\"07", "\"chain_code\":\"", "sharing.chain_code"},
	{"\"epoch\":3", "\"epoch\":0", "sharing.epoch"},
	{"\"epoch\":3", "\"epoch\":4294967296", "sharing.epoch"},
	{"\"key\":\"eth", "\"key\":\"Eth", "key_record.id"},
	{"\"identity\":\"10", "\"identity\":\"1", "sharing.identity"},
	{"\"identity\":\"1111", "\"identity\":\"1x11", "sharing.identity"},
	{"\"admission\":0", "\"admission\":-1", "sharing.admission"},
	{"\"index\":2", "\"index\":1", "session.party_index"},
	{"\"index\":1", "\"index\":0", "sharing.index"},
	{"\"index\":3", "\"index\":256", "sharing.index"},
	{"\"name\":\"two\"", "\"name\":\"one\"", "sharing.name"},
	{"\"name\":\"two\"", "\"name\":\"Two\"", "sharing.name"},
	{"\"name\":\"two\"", "\"name\":\"\"", "sharing.name"},
	{"\"public_share\":\"02", "\"public_share\":\"05", "sharing.public_share"},
	{"\"public_key\":\"02", "\"public_key\":\"00", "sharing.public_key"},
	{"\"purpose\":\"transfer\"", "\"purpose\":\"all\"", "key_record.purpose"},
	{"\"scheme\":\"ecdsa\"", "\"scheme\":\"whole\"", "sharing.scheme"},
	{"\"scheme\":\"ecdsa\"", "\"scheme\":\"rsa\"", "key_record.sharing"},
	{"\"threshold\":2", "\"threshold\":4", "sharing.threshold"},
	{"\"threshold\":2", "\"threshold\":1", "sharing.threshold"},
	{"\"threshold\":2", "\"threshold\":\"2\"", "sharing.threshold"},
	{"\"threshold\":2", "\"threshold\":2,\"more\":1", "sharing.more"},
};

/* The same in that of example_of_ed25519(): no point, one of order 4, the identity, one of a mixed order. */
static const struct bad_input bad_inputs_of_ed25519[] = {
	{"\"public_key\":\"5866666666666666666666666666666666666666666666666666666666666666",
	 "\"public_key\":\"0200000000000000000000000000000000000000000000000000000000000000", "sharing.public_key"},
	{"\"public_key\":\"5866666666666666666666666666666666666666666666666666666666666666",
	 "\"public_key\":\"0000000000000000000000000000000000000000000000000000000000000000", "sharing.public_key"},
	{"\"public_share\":\"5866666666666666666666666666666666666666666666666666666666666666",
	 "\"public_share\":\"0100000000000000000000000000000000000000000000000000000000000000", "sharing.public_share"},
	{"\"public_share\":\"5866666666666666666666666666666666666666666666666666666666666666",
	 "\"public_share\":\"9599999999999999999999999999999999999999999999999999999999999999", "sharing.public_share"},
	{"\"scheme\":\"ed25519\"", "\"scheme\":\"bip340\"", "sharing.public_share"},
};

static void
check_bad(struct sharing sharing, const struct bad_input *inputs, size_t count) {
	for (size_t i = 0; i < count; i++) {
		_cleanup_(buffer_free) struct buffer text = {}, changed = {};
		_cleanup_(arena_free) struct arena arena = {};
		struct sharing read;
		const json *document;
		write_text(&sharing, &text);
		const uint8_t *at = memmem(text.data, text.len, inputs[i].from, strlen(inputs[i].from));
		assert_non_null(at);
		size_t before = (size_t)(at - text.data), after = before + strlen(inputs[i].from);
		buffer_append(&changed, text.data, before);
		buffer_append_text(&changed, inputs[i].to);
		buffer_append(&changed, text.data + after, text.len - after);
		assert_ok(json_read(&arena, buffer_bytes(&changed), (struct json_limits){}, &document));
		assert_fails(STATUS_INVALID, inputs[i].error, sharing_read(document, &read));
	}
}

static void
bad_inputs_are_refused_by_name(void **) {
	check_bad(example(), bad_inputs, ARRAY_LENGTH(bad_inputs));
	check_bad(example_of_ed25519(), bad_inputs_of_ed25519, ARRAY_LENGTH(bad_inputs_of_ed25519));
}

static void
a_threshold_is_two_numbers(void **) {
	static const char *const bad[] = {"",        "2",      "2-of-",  "-of-3",   "02-of-3",
					  "2-of-3x", "1-of-3", "4-of-3", "2-of-17", "2 of 3"};
	uint8_t threshold, parties;
	assert_ok(sharing_parse_threshold(BYTES_OF_LITERAL("11-of-16"), &threshold, &parties));
	assert_int_equal(11, threshold);
	assert_int_equal(16, parties);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_fails(STATUS_INVALID, "sharing.threshold",
			     sharing_parse_threshold(bytes_of_text(bad[i]), &threshold, &parties));
}

static void
the_liars_that_limits_stand_are_known(void **) {
	static const struct {
		uint8_t threshold, parties;
		bool may;
		uint8_t liars;
		uint8_t spends[8]; /* with none, one, ... liars, one less than sign at most */
	} rows[] = {
		{2, 2, true, 1, {1, 1}},          {2, 3, true, 0, {1, 2}},
		{3, 3, true, 2, {1, 1, 1}},       {2, 4, false, 0, {2, 3}},
		{3, 4, true, 1, {1, 1, 2}},       {3, 5, true, 0, {1, 2, 3}},
		{4, 5, true, 2, {1, 1, 1, 2}},    {4, 7, true, 0, {1, 2, 2, 4}},
		{5, 7, true, 2, {1, 1, 1, 2, 3}}, {8, 13, true, 2, {1, 1, 1, 2, 2, 2, 3, 6}},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		uint8_t t = rows[i].threshold, n = rows[i].parties;
		struct sharing_tolerance tolerance = sharing_tolerance(t, n);
		assert_int_equal(rows[i].may, tolerance.may_be_limited);
		assert_int_equal(rows[i].liars, tolerance.liars);
		for (uint8_t liars = 0; liars < t; liars++)
			assert_int_equal(rows[i].spends[liars], sharing_spends(t, n, liars));
		assert_int_equal(n - t + 1, sharing_spends(t, n, t - 1));
	}
}

RUN_TESTS(T(what_is_written_is_read), T(bad_inputs_are_refused_by_name), T(a_threshold_is_two_numbers),
	  T(the_liars_that_limits_stand_are_known))
