#include "base/crc32c.h"

#if defined(__x86_64__)
#include <immintrin.h>
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

[[gnu::target("sse4.2")]] static uint32_t
crc32c_sse42(uint32_t crc, struct bytes data) {
	const uint8_t *at = data.data;
	size_t left = data.len;
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
