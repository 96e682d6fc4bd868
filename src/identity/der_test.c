#include "tests/test.h"

#include "identity/der.h"
#include "tests/hex.h"

#define ZEROS_30 "000000000000000000000000000000000000000000000000000000000000"

/* X.690 §8.3.2: as few bytes as there can be, and a number that is not negative. */
static void
a_signature_is_written_with_integers_of_the_least_length(void **) {
	static const struct {
		const char *compact, *der;
	} cases[] = {
		{ZEROS_30 "0000" ZEROS_30 "0000", "3006 020100 020100"},
		{ZEROS_30 "0001" ZEROS_30 "007f", "3006 020101 02017f"},
		{ZEROS_30 "0080" ZEROS_30 "7fff", "3008 02020080 02027fff"},
		{"80" ZEROS_30 "01"
		 "ff" ZEROS_30 "02",
		 "3046 022100 80" ZEROS_30 "01 022100 ff" ZEROS_30 "02"},
		{"7f" ZEROS_30 "01" ZEROS_30 "8000", "3027 0220 7f" ZEROS_30 "01 0203008000"},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer written = {};
		buffer_append_text(&written, "#"); /* appended to what is there */
		der_append_signature(&written, unhex(&arena, cases[i].compact).data);
		assert_ok(buffer_status(&written));
		assert_bytes(unhex(&arena, cases[i].der), bytes_of(written.data + 1, written.len - 1));
	}
}

RUN_TESTS(T(a_signature_is_written_with_integers_of_the_least_length))
