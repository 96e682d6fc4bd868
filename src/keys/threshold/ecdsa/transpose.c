#include "keys/threshold/ecdsa/transpose.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

constexpr size_t COLUMNS = 128;

/* Eight bytes as a matrix of eight by eight bits, mirrored at its diagonal (Hacker's Delight, §7-3). */
static uint64_t
transpose_8x8(uint64_t x) {
	uint64_t moved = (x ^ x >> 7) & 0x00aa00aa00aa00aa;
	x ^= moved ^ moved << 7;
	moved = (x ^ x >> 14) & 0x0000cccc0000cccc;
	x ^= moved ^ moved << 14;
	moved = (x ^ x >> 28) & 0x00000000f0f0f0f0;
	return x ^ moved ^ moved << 28;
}

void
transpose_columns_portable(const uint8_t *columns, size_t stride, size_t rows, uint8_t (*to)[16]) {
	for (size_t byte = 0; byte < rows / 8; byte++)
		for (size_t group = 0; group < COLUMNS / 8; group++) {
			uint64_t block = 0;
			for (size_t c = 0; c < 8; c++)
				block |= (uint64_t)columns[(8 * group + c) * stride + byte] << (8 * c);
			block = transpose_8x8(block);
			for (size_t r = 0; r < 8; r++)
				to[8 * byte + r][group] = (uint8_t)(block >> (8 * r));
		}
}

void
transpose_columns(const uint8_t *columns, size_t stride, size_t rows, uint8_t (*to)[16]) {
#if defined(__SSE2__)
	for (size_t byte = 0; byte < rows / 8; byte++)
		for (size_t group = 0; group < COLUMNS / 16; group++) {
			uint8_t gathered[16];
			for (size_t c = 0; c < 16; c++)
				gathered[c] = columns[(16 * group + c) * stride + byte];
			__m128i block = _mm_loadu_si128((const __m128i *)gathered);
			for (size_t r = 8; r-- > 0;) {
				unsigned bits = (unsigned)_mm_movemask_epi8(block);
				to[8 * byte + r][2 * group] = (uint8_t)bits;
				to[8 * byte + r][2 * group + 1] = (uint8_t)(bits >> 8);
				block = _mm_add_epi8(block, block);
			}
		}
#else
	transpose_columns_portable(columns, stride, rows, to);
#endif
}
