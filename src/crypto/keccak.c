#include "crypto/keccak.h"

#include "base/secret.h"

typedef uint64_t keccak_lanes __attribute__((vector_size(32))); /* the same word of four states */

static const uint64_t KECCAK_ROUNDS[24] = {
	0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
	0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
	0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
	0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
	0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

#define KECCAK_ROTATE(word, by) ((word) << (by) | (word) >> (64 - (by)))

/* FIPS 202 §3.2; word x + 5y of the state is lane (x, y). The rotations of ρ stand at the places that π moves to. */
#define KECCAK_PERMUTE(word_type, a)                                                                                   \
	for (size_t round = 0; round < 24; round++) {                                                                  \
		word_type c[5], d[5], b[25];                                                                           \
		for (size_t x = 0; x < 5; x++)                                                                         \
			c[x] = (a)[x] ^ (a)[x + 5] ^ (a)[x + 10] ^ (a)[x + 15] ^ (a)[x + 20];                          \
		for (size_t x = 0; x < 5; x++)                                                                         \
			d[x] = c[(x + 4) % 5] ^ KECCAK_ROTATE(c[(x + 1) % 5], 1);                                      \
		for (size_t i = 0; i < 25; i++)                                                                        \
			(a)[i] ^= d[i % 5];                                                                            \
		KECCAK_RHO_PI(a, b)                                                                                    \
		for (size_t y = 0; y < 25; y += 5)                                                                     \
			for (size_t x = 0; x < 5; x++)                                                                 \
				(a)[y + x] = b[y + x] ^ (~b[y + (x + 1) % 5] & b[y + (x + 2) % 5]);                    \
		(a)[0] ^= KECCAK_ROUNDS[round];                                                                        \
	}

/* b[y, 2x + 3y] = a[x, y] rotated. */
#define KECCAK_RHO_PI(a, b)                                                                                            \
	(b)[0] = (a)[0];                                                                                               \
	(b)[1] = KECCAK_ROTATE((a)[6], 44);                                                                            \
	(b)[2] = KECCAK_ROTATE((a)[12], 43);                                                                           \
	(b)[3] = KECCAK_ROTATE((a)[18], 21);                                                                           \
	(b)[4] = KECCAK_ROTATE((a)[24], 14);                                                                           \
	(b)[5] = KECCAK_ROTATE((a)[3], 28);                                                                            \
	(b)[6] = KECCAK_ROTATE((a)[9], 20);                                                                            \
	(b)[7] = KECCAK_ROTATE((a)[10], 3);                                                                            \
	(b)[8] = KECCAK_ROTATE((a)[16], 45);                                                                           \
	(b)[9] = KECCAK_ROTATE((a)[22], 61);                                                                           \
	(b)[10] = KECCAK_ROTATE((a)[1], 1);                                                                            \
	(b)[11] = KECCAK_ROTATE((a)[7], 6);                                                                            \
	(b)[12] = KECCAK_ROTATE((a)[13], 25);                                                                          \
	(b)[13] = KECCAK_ROTATE((a)[19], 8);                                                                           \
	(b)[14] = KECCAK_ROTATE((a)[20], 18);                                                                          \
	(b)[15] = KECCAK_ROTATE((a)[4], 27);                                                                           \
	(b)[16] = KECCAK_ROTATE((a)[5], 36);                                                                           \
	(b)[17] = KECCAK_ROTATE((a)[11], 10);                                                                          \
	(b)[18] = KECCAK_ROTATE((a)[17], 15);                                                                          \
	(b)[19] = KECCAK_ROTATE((a)[23], 56);                                                                          \
	(b)[20] = KECCAK_ROTATE((a)[2], 62);                                                                           \
	(b)[21] = KECCAK_ROTATE((a)[8], 55);                                                                           \
	(b)[22] = KECCAK_ROTATE((a)[14], 39);                                                                          \
	(b)[23] = KECCAK_ROTATE((a)[15], 41);                                                                          \
	(b)[24] = KECCAK_ROTATE((a)[21], 2);

static inline void
store_word(uint8_t *to, uint64_t word) {
	for (size_t i = 0; i < 8; i++)
		to[i] = (uint8_t)(word >> 8 * i);
}

static void
permute(uint64_t words[25]) {
	KECCAK_PERMUTE(uint64_t, words)
}

void
shake_start(struct shake *shake, size_t rate) {
	*shake = (struct shake){.rate = rate};
}

void
shake_absorb(struct shake *shake, struct bytes bytes) {
	for (size_t i = 0; i < bytes.len; i++) {
		shake->words[shake->at / 8] ^= (uint64_t)bytes.data[i] << 8 * (shake->at % 8);
		if (++shake->at == shake->rate) {
			permute(shake->words);
			shake->at = 0;
		}
	}
}

void
shake_finish(struct shake *shake) {
	shake->words[shake->at / 8] ^= UINT64_C(0x1f) << 8 * (shake->at % 8);
	shake->words[shake->rate / 8 - 1] ^= UINT64_C(1) << 63;
	shake->at = shake->rate;
}

void
shake_squeeze(struct shake *shake, uint8_t *to, size_t len) {
	for (size_t i = 0; i < len; i++) {
		if (shake->at == shake->rate) {
			permute(shake->words);
			shake->at = 0;
		}
		to[i] = (uint8_t)(shake->words[shake->at / 8] >> 8 * (shake->at % 8));
		shake->at++;
	}
}

/* --- Four at a time --- */

static inline __attribute__((always_inline)) void
four(const uint8_t *const inputs[4], size_t len, uint8_t *const to[4], size_t blocks) {
	keccak_lanes words[25] = {};
	for (size_t lane = 0; lane < 4; lane++) {
		for (size_t i = 0; i < len; i++)
			words[i / 8][lane] ^= (uint64_t)inputs[lane][i] << 8 * (i % 8);
		words[len / 8][lane] ^= UINT64_C(0x1f) << 8 * (len % 8);
		words[SHAKE256_RATE / 8 - 1][lane] ^= UINT64_C(1) << 63;
	}
	for (size_t block = 0; block < blocks; block++) {
		KECCAK_PERMUTE(keccak_lanes, words)
		for (size_t lane = 0; lane < 4; lane++)
			for (size_t i = 0; i < SHAKE256_RATE / 8; i++)
				store_word(to[lane] + block * SHAKE256_RATE + 8 * i, words[i][lane]);
	}
	secret_wipe(words, sizeof words);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void
four_avx2(const uint8_t *const inputs[4], size_t len, uint8_t *const to[4], size_t blocks) {
	four(inputs, len, to, blocks);
}
#endif

void
shake256_four(const uint8_t *const inputs[4], size_t len, uint8_t *const to[4], size_t blocks) {
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2")) {
		four_avx2(inputs, len, to, blocks);
		return;
	}
#endif
	four(inputs, len, to, blocks);
}
