#include "tests/test.h"

#include "base/arena.h"
#include "identity/authenticator_data.h"
#include "tests/hex.h"

/* SHA-256("example.org"), as in the W3C's examples. */
#define RP "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b5"
#define AAGUID "8446ccb9ab1db374750b2367ff6f3a1f"
#define ID "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4"
#define KEY                                                                                                            \
	"a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61"                         \
	"225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220"

static void
the_published_example_is_read(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct authenticator_data data;
	assert_ok(authenticator_data_read(unhex(&arena, RP "5900000000" AAGUID "0020" ID KEY), &data));
	assert_true(data.user_present && !data.user_verified && data.backup_eligible && data.backed_up);
	assert_int_equal(0, data.counter);
	assert_true(data.has_credential);
	assert_bytes(unhex(&arena, AAGUID), data.aaguid);
	assert_bytes(unhex(&arena, ID), data.credential_id);
	assert_int_equal(SIGNATURE_ES256, data.key.algorithm);
	assert_ok(authenticator_data_check(&data, BYTES_OF_LITERAL("example.org"), false));
	assert_ok(authenticator_data_read(unhex(&arena, RP "8500000102a163616263f5"), &data));
	assert_true(data.user_verified && !data.has_credential && !data.backup_eligible);
	assert_int_equal(258, data.counter);
	assert_bytes(unhex(&arena, "a163616263f5"), data.extensions);
}

static void
every_other_form_is_refused_by_name(void **) {
	static const struct {
		const char *hex, *name;
	} bad[] = {
		{"", "authenticator_data.truncated"},
		{"bfabc374", "authenticator_data.truncated"},
		{RP, "authenticator_data.truncated"},
		{RP "01", "authenticator_data.truncated"},
		{RP "01000000", "authenticator_data.truncated"},
		{RP "010000000000", "authenticator_data.trailing"},
		{RP "0100000000a0", "authenticator_data.trailing"},
		{RP "0300000000", "authenticator_data.reserved"},
		{RP "2100000000", "authenticator_data.reserved"},
		{RP "1100000000", "authenticator_data.backup"},
		{RP "1500000000", "authenticator_data.backup"},
		{RP "4100000000", "authenticator_data.truncated"},
		{RP "4100000000" AAGUID, "authenticator_data.truncated"},
		{RP "4100000000" AAGUID "00", "authenticator_data.truncated"},
		{RP "4100000000" AAGUID "0000" KEY, "authenticator_data.credential_id"},
		{RP "4100000000" AAGUID "0400" ID KEY, "authenticator_data.credential_id"},
		{RP "4100000000" AAGUID "ffff" ID KEY, "authenticator_data.credential_id"},
		{RP "4100000000" AAGUID "0021" ID, "authenticator_data.truncated"},
		{RP "4100000000" AAGUID "0020" ID, "cbor.truncated"},
		{RP "4100000000" AAGUID "0020" ID "a0", "cose.missing"},
		{RP "4100000000" AAGUID "0020" ID "f6", "cbor.type"},
		{RP "4100000000" AAGUID "0020" ID KEY "00", "authenticator_data.trailing"},
		{RP "4100000000" AAGUID "0020" ID KEY "a0", "authenticator_data.trailing"},
		{RP "0100000000" AAGUID "0020" ID KEY, "authenticator_data.trailing"},
		{RP "8100000000", "cbor.truncated"},
		{RP "810000000080", "authenticator_data.extensions"},
		{RP "8100000000f6", "authenticator_data.extensions"},
		{RP "8100000000a1", "cbor.truncated"},
		{RP "8100000000a2616100616100", "cbor.duplicate_key"},
		{RP "8100000000a2616200616100", "cbor.key_order"},
		{RP "8100000000bf616100ff", "cbor.indefinite"},
		{RP "8100000000a000", "authenticator_data.trailing"},
		{RP "c100000000" AAGUID "0020" ID KEY, "cbor.truncated"},
		{RP "c100000000" AAGUID "0020" ID KEY "a0a0", "authenticator_data.trailing"},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		struct authenticator_data data;
		enum status status = authenticator_data_read(unhex(&arena, bad[i].hex), &data);
		char name[64] = "";
		fail_name(name, sizeof name);
		if (status != STATUS_INVALID || strcmp(name, bad[i].name) != 0)
			fail_msg("%s: expected %s, found %s %s", bad[i].hex, bad[i].name, status_name(status), name);
	}
	static const uint8_t large[AUTHENTICATOR_DATA_MAX + 1];
	struct authenticator_data data;
	assert_fails(STATUS_INVALID, "authenticator_data.size", authenticator_data_read(BYTES_OF_ARRAY(large), &data));
}

static void
relying_party_presence_and_verification_are_demanded(void **) {
	static const struct {
		const char *flags, *rp_id, *name;
		bool verify_user;
	} cases[] = {
		{"05", "example.org", nullptr, true},
		{"01", "example.org", nullptr, false},
		{"05", "example.com", "authenticator_data.rp_id", true},
		{"05", "", "authenticator_data.rp_id", false},
		{"05", "www.example.org", "authenticator_data.rp_id", false},
		{"00", "example.org", "authenticator_data.user_present", false},
		{"04", "example.org", "authenticator_data.user_present", true},
		{"01", "example.org", "authenticator_data.user_verified", true},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct authenticator_data data;
		const char *hex = arena_format(&arena, RP "%s00000001", cases[i].flags);
		assert_ok(authenticator_data_read(unhex(&arena, hex), &data));
		enum status status =
			authenticator_data_check(&data, bytes_of_text(cases[i].rp_id), cases[i].verify_user);
		if (cases[i].name == nullptr)
			assert_ok(status);
		else
			assert_fails(STATUS_UNAUTHORIZED, cases[i].name, status);
	}
}

static void
a_counter_grows_or_there_is_none(void **) {
	static const struct {
		uint32_t before, counter;
		bool follows;
	} cases[] = {
		{0, 0, true},  {0, 1, true},  {1, 2, true},  {1, UINT32_MAX, true},
		{1, 1, false}, {2, 1, false}, {1, 0, false}, {UINT32_MAX, 0, false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		enum status status = authenticator_counter_check(cases[i].before, cases[i].counter);
		if (cases[i].follows)
			assert_ok(status);
		else
			assert_fails(STATUS_UNAUTHORIZED, "authenticator_data.counter", status);
	}
}

RUN_TESTS(T(the_published_example_is_read), T(every_other_form_is_refused_by_name),
	  T(relying_party_presence_and_verification_are_demanded), T(a_counter_grows_or_there_is_none))
