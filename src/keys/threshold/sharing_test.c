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

static void
what_is_written_is_read(void **) {
	_cleanup_(buffer_free) struct buffer text = {}, again = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct sharing sharing = example(), read;
	const json *document;
	struct hash256 hash, expected;
	write_text(&sharing, &text);
	assert_ok(json_read(&arena, buffer_bytes(&text), (struct json_limits){}, &document));
	assert_ok(sharing_read(document, &read));
	write_text(&read, &again);
	assert_true(bytes_equal(buffer_bytes(&text), buffer_bytes(&again)));
	assert_ok(sharing_hash(&read, &hash));
	expected = sha256(buffer_bytes(&text));
	assert_true(hash256_equal(&expected, &hash));
}

/* Each replaces one text in the document of example(). */
static const struct {
	const char *from, *to, *error;
} bad_inputs[] = {
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

static void
bad_inputs_are_refused_by_name(void **) {
	struct sharing sharing = example();
	for (size_t i = 0; i < ARRAY_LENGTH(bad_inputs); i++) {
		_cleanup_(buffer_free) struct buffer text = {}, changed = {};
		_cleanup_(arena_free) struct arena arena = {};
		struct sharing read;
		const json *document;
		write_text(&sharing, &text);
		const uint8_t *at = memmem(text.data, text.len, bad_inputs[i].from, strlen(bad_inputs[i].from));
		assert_non_null(at);
		size_t before = (size_t)(at - text.data), after = before + strlen(bad_inputs[i].from);
		buffer_append(&changed, text.data, before);
		buffer_append_text(&changed, bad_inputs[i].to);
		buffer_append(&changed, text.data + after, text.len - after);
		assert_ok(json_read(&arena, buffer_bytes(&changed), (struct json_limits){}, &document));
		assert_fails(STATUS_INVALID, bad_inputs[i].error, sharing_read(document, &read));
	}
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
		bool open;
		uint8_t overspends;
	} rows[] = {
		{2, 2, true, 1, true, 0},   {2, 3, true, 0, false, 1}, {3, 3, true, 2, true, 0},
		{2, 4, false, 0, false, 0}, {3, 4, true, 1, false, 1}, {3, 5, true, 0, false, 1},
		{4, 5, true, 2, false, 1},  {4, 7, true, 0, false, 1}, {5, 7, true, 2, false, 1},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct sharing_tolerance t = sharing_tolerance(rows[i].threshold, rows[i].parties);
		assert_int_equal(rows[i].may, t.may_be_limited);
		assert_int_equal(rows[i].liars, t.liars);
		assert_int_equal(rows[i].open, t.is_open_beyond);
		assert_int_equal(rows[i].overspends, t.overspends);
	}
}

RUN_TESTS(T(what_is_written_is_read), T(bad_inputs_are_refused_by_name), T(a_threshold_is_two_numbers),
	  T(the_liars_that_limits_stand_are_known))
