/* Malformed PSBTs: the reader refuses each by the name of its error. */
#include "tests/test.h"

#include "wallet/bitcoin/psbt.h"

#define MAGIC "70736274ff"
#define OUTPOINT                                                                                                       \
	"0101010101010101010101010101010101010101010101010101010101010101"                                             \
	"00000000"
#define UNSIGNED                                                                                                       \
	"02000000"                                                                                                     \
	"01" OUTPOINT "00"                                                                                             \
	"ffffffff"                                                                                                     \
	"01"                                                                                                           \
	"e803000000000000"                                                                                             \
	"0151"                                                                                                         \
	"00000000" /* 61 bytes */
#define GLOBAL                                                                                                         \
	"0100"                                                                                                         \
	"3d" UNSIGNED "00"
#define KEY33 "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define X32 "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

struct malformed {
	enum status status;
	const char *name, *hex;
};

static const struct malformed MALFORMED[] = {
	/* the frame */
	{STATUS_INVALID, "psbt.magic", ""},
	{STATUS_INVALID, "psbt.magic", "70736274"},
	{STATUS_INVALID, "psbt.magic",
	 "70736274fe" GLOBAL "00"
	 "00"},
	{STATUS_INVALID, "psbt.magic",
	 "50534254ff" GLOBAL "00"
	 "00"},
	{STATUS_INVALID, "psbt.missing_map", MAGIC},
	{STATUS_INVALID, "psbt.missing_map", MAGIC GLOBAL},
	{STATUS_INVALID, "psbt.missing_map", MAGIC GLOBAL "00"},
	{STATUS_INVALID, "psbt.trailing",
	 MAGIC GLOBAL "00"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.key", MAGIC "01"},
	{STATUS_INVALID, "psbt.key", MAGIC "fd"},
	{STATUS_INVALID, "psbt.key",
	 MAGIC "02"
	       "fd"},
	{STATUS_INVALID, "psbt.key",
	 MAGIC "ffffffffffffffffff"
	       "00"},
	{STATUS_INVALID, "psbt.value", MAGIC "0100"},
	{STATUS_INVALID, "psbt.value",
	 MAGIC "0100"
	       "3e" UNSIGNED},
	{STATUS_INVALID, "psbt.key",
	 MAGIC "0100"
	       "3d" UNSIGNED},
	{STATUS_INVALID, "bitcoin.compact_size",
	 MAGIC "fd0100"
	       "00"
	       "3d" UNSIGNED "00"
	       "00"
	       "00"},
	{STATUS_INVALID, "bitcoin.compact_size",
	 MAGIC "03fd0000"
	       "3d" UNSIGNED "00"
	       "00"
	       "00"},
	{STATUS_INVALID, "bitcoin.compact_size",
	 MAGIC "0100"
	       "fd3d00" UNSIGNED "00"
	       "00"
	       "00"},
	{STATUS_INVALID, "psbt.duplicate_key",
	 MAGIC "0100"
	       "3d" UNSIGNED "0100"
	       "3d" UNSIGNED "00"
	       "00"
	       "00"},
	{STATUS_INVALID, "psbt.duplicate_key",
	 MAGIC GLOBAL "0104"
		      "0151"
		      "0104"
		      "0152"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.duplicate_key",
	 MAGIC GLOBAL "00"
		      "02f001"
		      "00"
		      "02f001"
		      "00"
		      "00"},
	/* the global map */
	{STATUS_INVALID, "psbt.unsigned_transaction", MAGIC "00"},
	{STATUS_INVALID, "psbt.key_data",
	 MAGIC "020001"
	       "3d" UNSIGNED "00"
	       "00"
	       "00"},
	{STATUS_INVALID, "psbt.unsigned_transaction_signed",
	 MAGIC "0100"
	       "3e"
	       "02000000"
	       "01" OUTPOINT "0151"
	       "ffffffff"
	       "01"
	       "e803000000000000"
	       "0151"
	       "00000000"
	       "00"
	       "00"
	       "00"},
	{STATUS_INVALID, "psbt.unsigned_transaction_witness",
	 MAGIC "0100"
	       "42"
	       "02000000"
	       "0001"
	       "01" OUTPOINT "00"
	       "ffffffff"
	       "01"
	       "e803000000000000"
	       "0151"
	       "010151"
	       "00000000"
	       "00"
	       "00"
	       "00"},
	{STATUS_INVALID, "bitcoin.transaction.trailing",
	 MAGIC "0100"
	       "3e" UNSIGNED "00"
	       "00"
	       "00"
	       "00"},
	{STATUS_INVALID, "bitcoin.lock_time",
	 MAGIC "0100"
	       "3c"
	       "02000000"
	       "01" OUTPOINT "00"
	       "ffffffff"
	       "01"
	       "e803000000000000"
	       "0151"
	       "000000"
	       "00"
	       "00"
	       "00"},
	{STATUS_UNSUPPORTED, "psbt.version_2",
	 MAGIC "01fb"
	       "04"
	       "02000000"
	       "00"},
	{STATUS_UNSUPPORTED, "psbt.version_2",
	 MAGIC "0102"
	       "04"
	       "02000000"
	       "0100"
	       "3d" UNSIGNED "00"
	       "00"
	       "00"},
	{STATUS_UNSUPPORTED, "psbt.version_2",
	 MAGIC GLOBAL "010e"
		      "00"
		      "00"
		      "00"},
	{STATUS_UNSUPPORTED, "psbt.version_2",
	 MAGIC GLOBAL "00"
		      "0103"
		      "00"
		      "00"},
	{STATUS_UNSUPPORTED, "psbt.version",
	 MAGIC "0100"
	       "3d" UNSIGNED "01fb"
	       "04"
	       "01000000"
	       "00"
	       "00"
	       "00"},
	{STATUS_UNSUPPORTED, "psbt.version",
	 MAGIC "0100"
	       "3d" UNSIGNED "01fb"
	       "04"
	       "03000000"
	       "00"
	       "00"
	       "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC "0100"
	       "3d" UNSIGNED "01fb"
	       "02"
	       "0000"
	       "00"
	       "00"
	       "00"},
	{STATUS_INVALID, "psbt.key_data",
	 MAGIC "0100"
	       "3d" UNSIGNED "0201ff"
	       "04"
	       "00000000"
	       "00"
	       "00"
	       "00"},
	{STATUS_INVALID, "psbt.key_data",
	 MAGIC "0100"
	       "3d" UNSIGNED "02fc05"
	       "00"
	       "00"
	       "00"
	       "00"},
	/* an input */
	{STATUS_INVALID, "bitcoin.version",
	 MAGIC GLOBAL "0100"
		      "00"
		      "00"
		      "00"},
	{STATUS_INVALID, "bitcoin.transaction.trailing",
	 MAGIC GLOBAL "0100"
		      "3e" UNSIGNED "00"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.witness_utxo",
	 MAGIC GLOBAL "0101"
		      "08"
		      "e803000000000000"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.witness_utxo.trailing",
	 MAGIC GLOBAL "0101"
		      "0b"
		      "e803000000000000"
		      "015100"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "0103"
		      "01"
		      "01"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.key_data",
	 MAGIC GLOBAL "020300"
		      "04"
		      "01000000"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.key_data",
	 MAGIC GLOBAL "0202ff"
		      "09"
		      "300602010102010101"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.key_data",
	 MAGIC GLOBAL "2202"
		      "05" X32 "09"
		      "300602010102010101"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "2202" KEY33 "01"
		      "30"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "2206" KEY33 "03"
		      "000000"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "2206" KEY33 "05"
		      "0000000000"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "0108"
		      "02"
		      "0105"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "0108"
		      "02"
		      "0000"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.key_data",
	 MAGIC GLOBAL "020bff"
		      "00"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "0113"
		      "01"
		      "00"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.key_data",
	 MAGIC GLOBAL "2114" X32 "01"
		      "00"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "0117"
		      "21" KEY33 "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "0118"
		      "01"
		      "00"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "2116" X32 "05"
		      "0100000000"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.key_data",
	 MAGIC GLOBAL "2115" X32 "02"
		      "51c0"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "2215"
		      "c0" X32 "00"
		      "00"
		      "00"},
	/* an output */
	{STATUS_INVALID, "psbt.key_data",
	 MAGIC GLOBAL "00"
		      "020000"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.key_data",
	 MAGIC GLOBAL "00"
		      "2102" X32 "04"
		      "00000000"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "00"
		      "0105"
		      "21" KEY33 "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "00"
		      "0106"
		      "00"
		      "00"},
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "00"
		      "0106"
		      "04"
		      "01c00151"
		      "00"}, /* half a tree */
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "00"
		      "0106"
		      "04"
		      "00c10151"
		      "00"}, /* an odd leaf version */
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "00"
		      "0106"
		      "08"
		      "00c0015100c00151"
		      "00"}, /* two roots */
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "00"
		      "0106"
		      "04"
		      "81c00151"
		      "00"}, /* too deep */
	{STATUS_INVALID, "psbt.value_data",
	 MAGIC GLOBAL "00"
		      "2107" X32 "00"
		      "00"},
};

static void
malformed_psbts_are_refused_by_name(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(MALFORMED); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		uint8_t bytes[512];
		size_t len = strlen(MALFORMED[i].hex) / 2;
		struct psbt psbt;
		assert_true(len <= sizeof bytes);
		assert_ok(hex_decode(bytes_of_text(MALFORMED[i].hex), bytes, len));
		char name[128];
		enum status status = psbt_read(&arena, bytes_of(bytes, len), &psbt);
		fail_name(name, sizeof name);
		if (status != MALFORMED[i].status || strcmp(name, MALFORMED[i].name) != 0)
			fail_msg("row %zu: expected %s, got %s: %s", i, MALFORMED[i].name, status_name(status),
				 fail_message());
	}
}

/* Of a record that breaks off: which one it is. */
static void
a_record_that_cannot_be_read_is_named_with_its_map_and_its_number(void **) {
	static const struct {
		const char *hex, *detail;
	} CASES[] = {
		{MAGIC "0100", "psbt.value: global 0, record 0 of type 0x00: truncated: 1 bytes expected, 0 left"},
		{MAGIC "0100"
		       "3e" UNSIGNED,
		 "psbt.value: global 0, record 0 of type 0x00: truncated: 62 bytes expected, 61 left"},
		{MAGIC GLOBAL "05", "psbt.key: input 0, record 0: truncated: 5 bytes expected, 0 left"},
		{MAGIC GLOBAL "01fd", "psbt.key: input 0, record 0: truncated: 2 bytes expected, 0 left"},
		{MAGIC GLOBAL "01030401000000"
			      "02f001050102",
		 "psbt.value: input 0, record 1 of type 0xf0: truncated: 5 bytes expected, 2 left"},
		{MAGIC GLOBAL "00"
			      "0100",
		 "psbt.value: output 0, record 0 of type 0x00: truncated: 1 bytes expected, 0 left"},
		{MAGIC GLOBAL "00"
			      "03fd0000",
		 "bitcoin.compact_size: psbt.key: output 0, record 0: 0 is not in its shortest form"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(CASES); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		uint8_t bytes[512];
		size_t len = strlen(CASES[i].hex) / 2;
		struct psbt psbt;
		assert_ok(hex_decode(bytes_of_text(CASES[i].hex), bytes, len));
		assert_int_equal(STATUS_INVALID, psbt_read(&arena, bytes_of(bytes, len), &psbt));
		assert_string_equal(CASES[i].detail, fail_message());
	}
}

static void
what_the_malformed_ones_are_made_of_is_read(void **) {
	static const char *const SOUND[] = {
		MAGIC GLOBAL "00"
			     "00",
		MAGIC GLOBAL "02f001"
			     "00"
			     "00"
			     "00", /* an unknown field */
		MAGIC GLOBAL "05fc0161 0001"
			     "00"
			     "00"
			     "00", /* proprietary */
		MAGIC "01fb"
		      "04"
		      "00000000"
		      "0100"
		      "3d" UNSIGNED "00"
		      "00"
		      "00", /* version 0, said */
		MAGIC GLOBAL "00"
			     "0106"
			     "08"
			     "01c0015101c00151"
			     "00", /* a tree of two leaves */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(SOUND); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer text = {}, written = {};
		for (const char *c = SOUND[i]; *c != '\0'; c++)
			if (*c != ' ')
				buffer_append_byte(&text, (uint8_t)*c);
		uint8_t bytes[512];
		struct psbt psbt;
		assert_ok(hex_decode(buffer_bytes(&text), bytes, text.len / 2));
		assert_ok(psbt_read(&arena, bytes_of(bytes, text.len / 2), &psbt));
		psbt_write(&psbt, &written);
		assert_bytes(bytes_of(bytes, text.len / 2), buffer_bytes(&written));
	}
}

static void
an_oversize_psbt_is_refused_unread(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	uint8_t *bytes = calloc(1, PSBT_SIZE_MAX + 1);
	struct psbt psbt;
	assert_non_null(bytes);
	assert_fails(STATUS_TOO_LARGE, "psbt.size", psbt_read(&arena, bytes_of(bytes, PSBT_SIZE_MAX + 1), &psbt));
	free(bytes);
}

RUN_TESTS(T(malformed_psbts_are_refused_by_name), T(a_record_that_cannot_be_read_is_named_with_its_map_and_its_number),
	  T(what_the_malformed_ones_are_made_of_is_read), T(an_oversize_psbt_is_refused_unread))
