/* Shared keys in the state: which epoch may follow which. */
#include "tests/test.h"

#include "gate/shared_keys.h"

static struct sharing
sharing_of_epoch(uint32_t epoch) {
	static const uint8_t generator[POINT_SIZE] = {0x02, 0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0,
						      0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02, 0x9b, 0xfc, 0xdb, 0x2d,
						      0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98};
	static const char *const names[] = {"one", "two"};
	struct sharing sharing = {
		.scheme = KEY_SHARED_ECDSA,
		.key = {.id = "vault", .threshold = 2, .epoch = epoch, .purpose = KEY_PURPOSE_TRANSFER}};
	memcpy(sharing.key.public_key, generator, POINT_SIZE);
	sharing.key.holders.count = ARRAY_LENGTH(names);
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		sharing.key.holders.parties[i].index = (uint8_t)(i + 1);
		memset(sharing.key.holders.parties[i].identity, (int)(i + 1), PARTY_IDENTITY_SIZE);
		memcpy(sharing.key.public_shares[i], generator, POINT_SIZE);
		memcpy(sharing.names[i], names[i], strlen(names[i]));
		sharing.admissions[i] = 1;
	}
	return sharing;
}

static enum status
put(struct gate_state *state, uint32_t epoch, const struct sharing *before) {
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct json_writer writer;
	const json *document;
	struct sharing sharing = sharing_of_epoch(epoch);
	json_writer_start(&writer, &text);
	sharing_write(&writer, &sharing);
	assert_ok(json_writer_finish(&writer));
	assert_ok(json_read(&arena, buffer_bytes(&text), (struct json_limits){}, &document));
	return shared_keys_put(state, document, before, 1);
}

static uint32_t
epoch_of(const struct gate_state *state) {
	return shared_keys_find(state, BYTES_OF_LITERAL("vault"))->sharing.key.epoch;
}

static void
an_epoch_follows_the_one_before_and_no_other(void **) {
	struct gate_state state = {.keeper = "three"}; /* that holds nothing, and no keys */
	struct sharing first = sharing_of_epoch(1), second = sharing_of_epoch(2);
	assert_ok(put(&state, 1, nullptr));
	assert_fails(STATUS_CONFLICT, "key.epoch", put(&state, 1, nullptr));
	assert_fails(STATUS_CONFLICT, "key.epoch", put(&state, 2, nullptr));
	assert_fails(STATUS_CONFLICT, "key.epoch", put(&state, 1, &first));
	assert_fails(STATUS_CONFLICT, "key.epoch", put(&state, 3, &first));
	assert_int_equal(1, epoch_of(&state));
	assert_ok(put(&state, 2, &first));
	assert_fails(STATUS_CONFLICT, "key.epoch", put(&state, 4, &second));
	assert_fails(STATUS_CONFLICT, "key.epoch", put(&state, 1, &second));
	assert_ok(put(&state, 3, &second));
	assert_int_equal(3, epoch_of(&state));
	shared_keys_free(&state);
}

RUN_TESTS(T(an_epoch_follows_the_one_before_and_no_other))
