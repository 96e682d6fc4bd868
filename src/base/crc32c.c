#include "base/crc32c.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <pthread.h>
#endif

constexpr uint32_t REFLECTED_POLYNOMIAL = 0x82f63b78;

static uint32_t
crc32c_portable(uint32_t crc, struct bytes data) {
	for (size_t i = 0; i < data.len; i++) {
		crc ^= data.data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (REFLECTED_POLYNOMIAL & (0 - (crc & 1)));
	}
	return crc;
}

#if defined(__x86_64__)

/* The instruction takes three cycles and one can begin in each: three parts of a stretch go side by side, and are joined by what
 * the zeros of a part's length do to a checksum, which is linear in its bits. */
constexpr size_t PART = 256;
static uint32_t after_zeros[4][256]; /* of a checksum, byte by byte: what PART zeros make of it */
static pthread_once_t after_zeros_once = PTHREAD_ONCE_INIT;

static void
find_after_zeros(void) {
	static const uint8_t zeros[PART] = {};
	for (unsigned bit = 0; bit < 32; bit++) {
		uint32_t of_bit = crc32c_portable(UINT32_C(1) << bit, BYTES_OF_ARRAY(zeros));
		for (unsigned byte = 0; byte < 256; byte++)
			if (byte >> bit % 8 & 1)
				after_zeros[bit / 8][byte] ^= of_bit;
	}
}

static uint32_t
pass_zeros(uint32_t crc) {
	return after_zeros[0][crc & 0xff] ^ after_zeros[1][crc >> 8 & 0xff] ^ after_zeros[2][crc >> 16 & 0xff] ^
	       after_zeros[3][crc >> 24];
}

[[gnu::target("sse4.2")]] static uint32_t
crc32c_stretch(uint32_t crc, const uint8_t *at) {
	uint64_t first = crc, second = 0, third = 0, words[3];
	for (size_t i = 0; i < PART; i += sizeof words[0]) {
		memcpy(&words[0], at + i, sizeof words[0]);
		memcpy(&words[1], at + PART + i, sizeof words[1]);
		memcpy(&words[2], at + 2 * PART + i, sizeof words[2]);
		first = _mm_crc32_u64(first, words[0]);
		second = _mm_crc32_u64(second, words[1]);
		third = _mm_crc32_u64(third, words[2]);
	}
	return pass_zeros(pass_zeros((uint32_t)first) ^ (uint32_t)second) ^ (uint32_t)third;
}

[[gnu::target("sse4.2")]] static uint32_t
crc32c_sse42(uint32_t crc, struct bytes data) {
	const uint8_t *at = data.data;
	size_t left = data.len;
	if (left >= 3 * PART && pthread_once(&after_zeros_once, find_after_zeros) == 0)
		for (; left >= 3 * PART; at += 3 * PART, left -= 3 * PART)
			crc = crc32c_stretch(crc, at);
	uint64_t wide = crc;
	for (; left >= sizeof wide; at += sizeof wide, left -= sizeof wide) {
		uint64_t word;
		memcpy(&word, at, sizeof word);
		wide = _mm_crc32_u64(wide, word);
	}
	uint32_t narrow = (uint32_t)wide;
	for (; left > 0; at++, left--)
		narrow = _mm_crc32_u8(narrow, *at);
	return narrow;
}

uint32_t
crc32c(uint32_t crc, struct bytes data) {
	return ~(__builtin_cpu_supports("sse4.2") ? crc32c_sse42(~crc, data) : crc32c_portable(~crc, data));
}

#else

uint32_t
crc32c(uint32_t crc, struct bytes data) {
	return ~crc32c_portable(~crc, data);
}

#endif
