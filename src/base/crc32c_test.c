#include "tests/test.h"

#include "base/crc32c.h"

/* RFC 3720 §B.4, and the check value of the catalogue of CRCs. */
static void
published_vectors_are_met(void **) {
	uint8_t zeros[32] = {}, ones[32], up[32];
	memset(ones, 0xff, sizeof ones);
	for (size_t i = 0; i < sizeof up; i++)
		up[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, BYTES_OF_ARRAY(zeros)), 0x8a9136aa);
	assert_int_equal(crc32c(0, BYTES_OF_ARRAY(ones)), 0x62a8ab43);
	assert_int_equal(crc32c(0, BYTES_OF_ARRAY(up)), 0x46dd794e);
	assert_int_equal(crc32c(0, BYTES_OF_LITERAL("123456789")), 0xe3069283);
	assert_int_equal(crc32c(0, (struct bytes){}), 0);
}

/* The definition, bit by bit. */
static uint32_t
slow_crc32c(uint32_t crc, struct bytes data) {
	crc = ~crc;
	for (size_t i = 0; i < data.len; i++) {
		crc ^= data.data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void
every_length_gives_what_the_definition_does(void **) {
	uint8_t data[4000];
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 131 + (i >> 7));
	for (size_t len = 0; len <= sizeof data - 1; len += 1 + len / 200) {
		struct bytes some = bytes_of(data + len % 2, len);
		assert_int_equal(crc32c((uint32_t)len * 2'654'435'761, some),
				 slow_crc32c((uint32_t)len * 2'654'435'761, some));
	}
}

static void
a_checksum_goes_on_where_it_was_cut(void **) {
	uint8_t data[2000];
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7);
	uint32_t whole = crc32c(0, BYTES_OF_ARRAY(data));
	for (size_t cut = 0; cut <= sizeof data; cut += 37)
		assert_int_equal(crc32c(crc32c(0, bytes_of(data, cut)), bytes_of(data + cut, sizeof data - cut)),
				 whole);
}

RUN_TESTS(T(published_vectors_are_met), T(every_length_gives_what_the_definition_does),
	  T(a_checksum_goes_on_where_it_was_cut))
