#include "crypto/mldsa44_signer.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/secret.h"
#include "crypto/declassify.h"
#include "crypto/keccak.h"

/* FIPS 204 §4, table 1, ML-DSA-44. */
constexpr int32_t Q = 8380417;
constexpr size_t N = 256;
constexpr size_t K = 4; /* rows of the matrix */
constexpr size_t L = 4; /* its columns */
constexpr int32_t GAMMA1 = 1 << 17;
constexpr int32_t GAMMA2 = (Q - 1) / 88;
constexpr size_t TAU = 39;
constexpr int32_t BETA = 78;
constexpr size_t OMEGA = 80;
constexpr unsigned DROPPED = 13; /* d: bits of t that the public key leaves out */
constexpr size_t CHALLENGE_SIZE = 32;
constexpr size_t Z_SIZE = 576;    /* 256 × 18 bits */
constexpr size_t W1_SIZE = 192;   /* 256 × 6 bits */
constexpr size_t T1_SIZE = 320;   /* 256 × 10 bits */
constexpr size_t MASK_BLOCKS = 5; /* of SHAKE256 that hold Z_SIZE bytes */

/* Coefficients of a polynomial, or its values in the number theoretic transform (§7.5). */
struct poly {
	int32_t at[N];
};

/* All polynomials are transformed. */
struct expanded {
	struct poly matrix[K][L];
	struct poly s1[L], s2[K], t0[K];
	uint8_t draw[32];        /* K of algorithm 6: what randomness is mixed with */
	uint8_t public_hash[64]; /* tr */
};

struct mldsa44_signer {
	struct secret memory; /* a struct expanded */
};

#define INLINE static inline __attribute__((always_inline))

/* --- Numbers modulo Q --- */

constexpr int32_t Q_INVERSE = 58728449; /* Q × Q_INVERSE = 1 mod 2^32 */

/* a / 2^32 mod Q, between −Q and Q; |a| < 2^31 × Q. */
INLINE int32_t
montgomery(int64_t a) {
	int32_t t = (int32_t)((uint32_t)a * (uint32_t)Q_INVERSE);
	return (int32_t)((a - (int64_t)t * Q) >> 32);
}

/* The representative nearest to 0, up to a little: between −6283009 and 6283008; a ≤ 2^31 − 2^22 − 1. */
INLINE int32_t
reduce(int32_t a) {
	int32_t t = (a + (1 << 22)) >> 23;
	return a - t * Q;
}

INLINE int32_t
not_negative(int32_t a) {
	return a + ((a >> 31) & Q);
}

INLINE int32_t
magnitude(int32_t a) {
	int32_t sign = a >> 31;
	return (a ^ sign) - sign;
}

/* --- Transforms --- */

/*
 * Bounds of magnitudes. |montgomery(x)| ≤ |x| / 2^32 + Q / 2, which is below Q for |x| < 256 × Q^2; a ζ is at most Q / 2.
 *
 *   transform        each of 8 layers adds less than Q: from 2^17 (a mask) to 2^17 + 8 × Q < 2^27
 *   point_multiply   at most that × Q (a mask and the matrix): below 9 × Q^2
 *   multiply_row     the sum of four products is below 4 × Q < 2^25, and what reduce() makes of it below Q
 *   transform_back   begins below Q, and a layer doubles it at most: below 2^8 × Q = 2145386752 < 2^31, differences too; ζ times
 *                    one is below 128 × Q^2. INVERSE_END makes of 2^8 × Q less than 0.51 × Q
 *   what is added    then is a mask, a low part or s2, 2^17 at most. The sum is the number that is meant, or that ± Q, and reduce()
 *                    gives that number wherever it is below Q − 2^22, as z, the low part and c·t0 are by far
 */

/* ζ^bitrev(i) × 2^32 mod Q, ζ = 1753 (§7.5 and appendix B), and what the inverse ends with, 2^64 / 256. */
static int32_t zetas[N];
static pthread_once_t zetas_once = PTHREAD_ONCE_INIT;
constexpr int32_t INVERSE_END = 41978;

static int32_t
multiply(int32_t a, int32_t b) {
	return (int32_t)((int64_t)a * b % Q);
}

static void
find_zetas(void) {
	int32_t power = (int32_t)((INT64_C(1) << 32) % Q);
	for (unsigned i = 0; i < N; i++) {
		unsigned reversed = 0;
		for (unsigned bit = 0; bit < 8; bit++)
			reversed |= (i >> bit & 1) << (7 - bit);
		zetas[reversed] = power > Q / 2 ? power - Q : power;
		power = multiply(power, 1753);
	}
}

INLINE void
transform(struct poly *poly) {
	size_t zeta = 0;
	for (size_t len = N / 2; len > 0; len /= 2)
		for (size_t start = 0; start < N; start += 2 * len) {
			int32_t factor = zetas[++zeta];
			for (size_t j = start; j < start + len; j++) {
				int32_t t = montgomery((int64_t)factor * poly->at[j + len]);
				poly->at[j + len] = poly->at[j] - t;
				poly->at[j] = poly->at[j] + t;
			}
		}
}

/* The result is times 2^32, which undoes the one division of point_multiply(). */
INLINE void
transform_back(struct poly *poly) {
	size_t zeta = N;
	for (size_t len = 1; len < N; len *= 2)
		for (size_t start = 0; start < N; start += 2 * len) {
			int32_t factor = -zetas[--zeta];
			for (size_t j = start; j < start + len; j++) {
				int32_t t = poly->at[j];
				poly->at[j] = t + poly->at[j + len];
				poly->at[j + len] = montgomery((int64_t)factor * (t - poly->at[j + len]));
			}
		}
	for (size_t j = 0; j < N; j++)
		poly->at[j] = montgomery((int64_t)INVERSE_END * poly->at[j]);
}

INLINE void
point_multiply(struct poly *product, const struct poly *a, const struct poly *b) {
	for (size_t i = 0; i < N; i++)
		product->at[i] = montgomery((int64_t)a->at[i] * b->at[i]);
}

/* A row of the matrix times a vector, both transformed; the sum is not. */
INLINE void
multiply_row(const struct poly row[L], const struct poly vector[L], struct poly *sum, struct poly *product) {
	point_multiply(sum, &row[0], &vector[0]);
	for (size_t column = 1; column < L; column++) {
		point_multiply(product, &row[column], &vector[column]);
		for (size_t i = 0; i < N; i++)
			sum->at[i] += product->at[i];
	}
	for (size_t i = 0; i < N; i++)
		sum->at[i] = reduce(sum->at[i]);
	transform_back(sum);
}

/* --- Making the key --- */

/* §7.3, algorithm 30. The seed is public. */
static void
expand_public(const uint8_t rho[32], uint8_t column, uint8_t row, struct poly *poly) {
	struct shake shake;
	const uint8_t place[2] = {column, row};
	shake_start(&shake, SHAKE128_RATE);
	shake_absorb(&shake, bytes_of(rho, 32));
	shake_absorb(&shake, BYTES_OF_ARRAY(place));
	shake_finish(&shake);
	for (size_t count = 0; count < N;) {
		uint8_t draw[3];
		shake_squeeze(&shake, draw, sizeof draw);
		int32_t value = draw[0] | draw[1] << 8 | (draw[2] & 0x7f) << 16;
		if (value < Q)
			poly->at[count++] = value;
	}
}

/* §7.3, algorithm 31, η = 2: which nibbles are taken shows, what they are does not. */
static void
expand_small(const uint8_t seed[64], uint8_t number, struct poly *poly) {
	struct shake shake;
	const uint8_t place[2] = {number, 0};
	shake_start(&shake, SHAKE256_RATE);
	shake_absorb(&shake, bytes_of(seed, 64));
	shake_absorb(&shake, BYTES_OF_ARRAY(place));
	shake_finish(&shake);
	for (size_t count = 0; count < N;) {
		uint8_t draw;
		shake_squeeze(&shake, &draw, 1);
		for (unsigned half = 0; half < 2 && count < N; half++) {
			int32_t nibble = draw >> 4 * half & 15;
			if (declassified(nibble < 15))
				poly->at[count++] = 2 - (nibble - (205 * nibble >> 10) * 5);
		}
	}
	secret_wipe(&shake, sizeof shake);
}

/* t = A·s1 + s2: its low bits are kept, its high bits are the public key's. */
static void
split_public(struct expanded *key, uint8_t high[K * T1_SIZE]) {
	struct poly sum, product;
	for (size_t row = 0; row < K; row++) {
		multiply_row(key->matrix[row], key->s1, &sum, &product);
		for (size_t i = 0; i < N; i++) {
			int32_t t = not_negative(reduce(sum.at[i] + key->s2[row].at[i]));
			int32_t top = (t + (1 << (DROPPED - 1)) - 1) >> DROPPED;
			key->t0[row].at[i] = t - (top << DROPPED);
			uint32_t bits = (uint32_t)top << 10 * i % 8;
			uint8_t *to = high + row * T1_SIZE + 10 * i / 8;
			to[0] |= (uint8_t)bits;
			to[1] |= (uint8_t)(bits >> 8);
		}
	}
	secret_wipe(&sum, sizeof sum);
	secret_wipe(&product, sizeof product);
}

static void
transform_secret(struct poly polys[], size_t count) {
	for (size_t i = 0; i < count; i++) {
		transform(&polys[i]);
		for (size_t j = 0; j < N; j++)
			polys[i].at[j] = reduce(polys[i].at[j]);
	}
}

/* Algorithm 6. */
static void
expand(struct expanded *key, const uint8_t seed[32], uint8_t public_key[1312]) {
	static const uint8_t SIZES[2] = {K, L};
	uint8_t seeds[128]; /* ρ, ρ', K */
	struct shake shake;
	shake_start(&shake, SHAKE256_RATE);
	shake_absorb(&shake, bytes_of(seed, 32));
	shake_absorb(&shake, BYTES_OF_ARRAY(SIZES));
	shake_finish(&shake);
	shake_squeeze(&shake, seeds, sizeof seeds);
	declassify(seeds, 32); /* ρ is public */
	memcpy(key->draw, seeds + 96, sizeof key->draw);
	for (uint8_t row = 0; row < K; row++)
		for (uint8_t column = 0; column < L; column++)
			expand_public(seeds, column, row, &key->matrix[row][column]);
	for (uint8_t i = 0; i < L; i++)
		expand_small(seeds + 32, i, &key->s1[i]);
	for (uint8_t i = 0; i < K; i++)
		expand_small(seeds + 32, (uint8_t)(L + i), &key->s2[i]);
	transform_secret(key->s1, L);
	memset(public_key, 0, MLDSA44_PUBLIC_SIZE);
	memcpy(public_key, seeds, 32);
	split_public(key, public_key + 32);
	transform_secret(key->s2, K);
	transform_secret(key->t0, K);
	declassify(public_key, MLDSA44_PUBLIC_SIZE);
	shake_start(&shake, SHAKE256_RATE);
	shake_absorb(&shake, bytes_of(public_key, MLDSA44_PUBLIC_SIZE));
	shake_finish(&shake);
	shake_squeeze(&shake, key->public_hash, sizeof key->public_hash);
	secret_wipe(seeds, sizeof seeds);
	secret_wipe(&shake, sizeof shake);
	secret_wipe_stack();
}

enum status
mldsa44_signer_create(struct mldsa44_signer **signer, const uint8_t seed[32], uint8_t public_key[1312]) {
	_cleanup_(mldsa44_signer_destroy) struct mldsa44_signer *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	if (pthread_once(&zetas_once, find_zetas) != 0)
		return fail(STATUS_INTERNAL, "mldsa44_signer.zetas: they could not be made");
	TRY(secret_alloc(&made->memory, sizeof(struct expanded)));
	expand((struct expanded *)made->memory.data, seed, public_key);
	*signer = TAKE(made);
	return OK;
}

void
mldsa44_signer_destroy(struct mldsa44_signer **signer) {
	struct mldsa44_signer *gone = TAKE(*signer);
	if (gone == nullptr)
		return;
	secret_free(&gone->memory);
	free(gone);
}

/* --- Signing --- */

struct attempt {
	struct poly y[L], y_transformed[L], low[K], z[L], challenge, sum, product;
	uint8_t high[K][N]; /* w1 */
	uint8_t hint[K][N];
	uint8_t mask[L][MASK_BLOCKS * SHAKE256_RATE];
	uint8_t high_packed[K * W1_SIZE];
};

/* Algorithm 34: the mask y, from four streams. */
INLINE void
expand_mask(struct attempt *at, const uint8_t seed[64], uint16_t number) {
	uint8_t inputs[L][66];
	const uint8_t *from[4];
	uint8_t *to[4];
	static_assert(L == 4);
	for (size_t i = 0; i < L; i++) {
		memcpy(inputs[i], seed, 64);
		inputs[i][64] = (uint8_t)(number + i);
		inputs[i][65] = (uint8_t)((number + i) >> 8);
		from[i] = inputs[i];
		to[i] = at->mask[i];
	}
	shake256_four(from, sizeof inputs[0], to, MASK_BLOCKS);
	for (size_t i = 0; i < L; i++)
		for (size_t j = 0; j < N; j += 4) { /* 9 bytes */
			const uint8_t *b = at->mask[i] + 9 * j / 4;
			int32_t *y = at->y[i].at + j;
			y[0] = GAMMA1 - ((b[0] | b[1] << 8 | b[2] << 16) & 0x3ffff);
			y[1] = GAMMA1 - ((b[2] >> 2 | b[3] << 6 | b[4] << 14) & 0x3ffff);
			y[2] = GAMMA1 - ((b[4] >> 4 | b[5] << 4 | b[6] << 12) & 0x3ffff);
			y[3] = GAMMA1 - (b[6] >> 6 | b[7] << 2 | b[8] << 10);
		}
	secret_wipe(inputs, sizeof inputs);
}

/* Algorithm 36, of one coefficient that is not negative: w = high × 2γ2 + low. Division by 2γ2 as multiplication: exact for all
 * of them, as the test that goes through every one shows. */
INLINE void
decompose(int32_t w, uint8_t *high, int32_t *low) {
	int32_t quotient = (w + 127) >> 7;
	quotient = (quotient * 11275 + (1 << 23)) >> 24;
	quotient ^= (43 - quotient) >> 31 & quotient; /* 44 is 0 */
	*low = w - quotient * 2 * GAMMA2;
	*low -= ((Q - 1) / 2 - *low) >> 31 & Q;
	*high = (uint8_t)quotient;
}

/* w = A·y in its high and low parts, and what of it goes into the challenge. */
INLINE void
commit(const struct expanded *key, struct attempt *at) {
	for (size_t i = 0; i < L; i++) {
		at->y_transformed[i] = at->y[i];
		transform(&at->y_transformed[i]);
	}
	for (size_t row = 0; row < K; row++) {
		multiply_row(key->matrix[row], at->y_transformed, &at->sum, &at->product);
		for (size_t i = 0; i < N; i++)
			decompose(not_negative(reduce(at->sum.at[i])), &at->high[row][i], &at->low[row].at[i]);
		for (size_t i = 0; i < N; i += 4) {
			const uint8_t *h = at->high[row] + i;
			uint8_t *to = at->high_packed + row * W1_SIZE + 3 * i / 4;
			to[0] = (uint8_t)(h[0] | h[1] << 6);
			to[1] = (uint8_t)(h[1] >> 2 | h[2] << 4);
			to[2] = (uint8_t)(h[2] >> 4 | h[3] << 2);
		}
	}
}

/* Algorithm 29. Public, as it is of every signature. */
static void
sample_challenge(const uint8_t seed[CHALLENGE_SIZE], struct poly *challenge) {
	struct shake shake;
	uint8_t bits[8], j;
	uint64_t signs = 0;
	shake_start(&shake, SHAKE256_RATE);
	shake_absorb(&shake, bytes_of(seed, CHALLENGE_SIZE));
	shake_finish(&shake);
	shake_squeeze(&shake, bits, sizeof bits);
	for (size_t i = 0; i < sizeof bits; i++)
		signs |= (uint64_t)bits[i] << 8 * i;
	*challenge = (struct poly){};
	for (size_t i = N - TAU; i < N; i++, signs >>= 1) {
		do
			shake_squeeze(&shake, &j, 1);
		while (j > i);
		challenge->at[i] = challenge->at[j];
		challenge->at[j] = (signs & 1) ? -1 : 1;
	}
}

/* Whether all are below the bound in magnitude; no more than that shows. */
INLINE bool
is_within(const struct poly *poly, int32_t bound) {
	int32_t beyond = 0;
	for (size_t i = 0; i < N; i++)
		beyond |= bound - 1 - magnitude(poly->at[i]);
	return declassified(beyond >= 0);
}

INLINE void
times_challenge(struct attempt *at, const struct poly *secret) {
	point_multiply(&at->product, &at->challenge, secret);
	transform_back(&at->product);
}

/* z = y + c·s1. */
INLINE bool
answer(const struct expanded *key, struct attempt *at) {
	for (size_t i = 0; i < L; i++) {
		times_challenge(at, &key->s1[i]);
		for (size_t j = 0; j < N; j++)
			at->z[i].at[j] = reduce(at->y[i].at[j] + at->product.at[j]);
		if (!is_within(&at->z[i], GAMMA1 - BETA))
			return false;
	}
	return true;
}

/* Where adding c·t0, which the verifier lacks, changes the high part (algorithm 39). */
INLINE bool
find_hints(const struct expanded *key, struct attempt *at) {
	uint32_t count = 0;
	for (size_t row = 0; row < K; row++) {
		times_challenge(at, &key->s2[row]);
		for (size_t i = 0; i < N; i++)
			at->low[row].at[i] = reduce(at->low[row].at[i] - at->product.at[i]);
		if (!is_within(&at->low[row], GAMMA2 - BETA))
			return false;
		times_challenge(at, &key->t0[row]);
		for (size_t i = 0; i < N; i++)
			at->product.at[i] = reduce(at->product.at[i]);
		if (!is_within(&at->product, GAMMA2))
			return false;
		for (size_t i = 0; i < N; i++) {
			int32_t low = at->low[row].at[i] + at->product.at[i];
			uint32_t above = (uint32_t)(GAMMA2 - low) >> 31, below = (uint32_t)(GAMMA2 + low) >> 31;
			uint32_t at_edge = ~(uint32_t)((low + GAMMA2) | -(low + GAMMA2)) >> 31;
			uint32_t not_zero = (uint32_t)-(int32_t)at->high[row][i] >> 31;
			at->hint[row][i] = (uint8_t)(above | below | (at_edge & not_zero));
			count += at->hint[row][i];
		}
	}
	return declassified(count <= OMEGA);
}

/* Algorithm 26. What is written is the signature, and public. */
INLINE void
write_signature(struct attempt *at, const uint8_t challenge[CHALLENGE_SIZE], uint8_t signature[2420]) {
	memcpy(signature, challenge, CHALLENGE_SIZE);
	for (size_t i = 0; i < L; i++)
		for (size_t j = 0; j < N; j += 4) {
			const int32_t *z = at->z[i].at + j;
			uint8_t *to = signature + CHALLENGE_SIZE + i * Z_SIZE + 9 * j / 4;
			uint32_t a = (uint32_t)(GAMMA1 - z[0]), b = (uint32_t)(GAMMA1 - z[1]);
			uint32_t c = (uint32_t)(GAMMA1 - z[2]), d = (uint32_t)(GAMMA1 - z[3]);
			to[0] = (uint8_t)a;
			to[1] = (uint8_t)(a >> 8);
			to[2] = (uint8_t)(a >> 16 | b << 2);
			to[3] = (uint8_t)(b >> 6);
			to[4] = (uint8_t)(b >> 14 | c << 4);
			to[5] = (uint8_t)(c >> 4);
			to[6] = (uint8_t)(c >> 12 | d << 6);
			to[7] = (uint8_t)(d >> 2);
			to[8] = (uint8_t)(d >> 10);
		}
	uint8_t *hints = signature + CHALLENGE_SIZE + L * Z_SIZE;
	memset(hints, 0, OMEGA + K);
	declassify(at->hint, sizeof at->hint);
	uint8_t count = 0;
	for (size_t row = 0; row < K; row++) {
		for (size_t i = 0; i < N; i++)
			if (at->hint[row][i])
				hints[count++] = (uint8_t)i;
		hints[OMEGA + row] = count;
	}
	declassify(signature, MLDSA44_SIGNATURE_SIZE);
}

/* One turn of algorithm 7's loop; false: rejected, and nothing of it may be seen. */
INLINE bool
attempt(const struct expanded *key, const uint8_t message_hash[64], const uint8_t seed[64], uint16_t number,
	struct attempt *at, uint8_t signature[2420]) {
	uint8_t challenge[CHALLENGE_SIZE];
	struct shake shake;
	expand_mask(at, seed, number);
	commit(key, at);
	shake_start(&shake, SHAKE256_RATE);
	shake_absorb(&shake, bytes_of(message_hash, 64));
	shake_absorb(&shake, BYTES_OF_ARRAY(at->high_packed));
	shake_finish(&shake);
	shake_squeeze(&shake, challenge, sizeof challenge);
	secret_wipe(&shake, sizeof shake); /* what a rejected attempt committed to stays hidden */
	declassify(challenge, sizeof challenge);
	sample_challenge(challenge, &at->challenge);
	transform(&at->challenge);
	if (!answer(key, at) || !find_hints(key, at))
		return false;
	write_signature(at, challenge, signature);
	return true;
}

typedef bool attempt_function(const struct expanded *, const uint8_t[64], const uint8_t[64], uint16_t, struct attempt *,
			      uint8_t[2420]);

static bool
attempt_anywhere(const struct expanded *key, const uint8_t message_hash[64], const uint8_t seed[64], uint16_t number,
		 struct attempt *at, uint8_t signature[2420]) {
	return attempt(key, message_hash, seed, number, at, signature);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static bool
attempt_avx2(const struct expanded *key, const uint8_t message_hash[64], const uint8_t seed[64], uint16_t number,
	     struct attempt *at, uint8_t signature[2420]) {
	return attempt(key, message_hash, seed, number, at, signature);
}
#endif

static attempt_function *
choose_attempt(void) {
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2"))
		return attempt_avx2;
#endif
	return attempt_anywhere;
}

/* Algorithm 7, of μ. */
static enum status
sign_hash(const struct expanded *key, attempt_function *one, const uint8_t message_hash[64],
	  const uint8_t randomness[32], uint8_t signature[2420]) {
	constexpr uint16_t ATTEMPTS = 814; /* FIPS 204 appendix C: more are needed once in 2^256 */
	uint8_t seed[64];
	struct shake shake;
	struct attempt at;
	shake_start(&shake, SHAKE256_RATE);
	shake_absorb(&shake, BYTES_OF_ARRAY(key->draw));
	shake_absorb(&shake, bytes_of(randomness, 32));
	shake_absorb(&shake, bytes_of(message_hash, 64));
	shake_finish(&shake);
	shake_squeeze(&shake, seed, sizeof seed);
	bool is_signed = false;
	static_assert(ATTEMPTS * L <= UINT16_MAX);
	for (uint16_t i = 0; !is_signed && i < ATTEMPTS; i++)
		is_signed = one(key, message_hash, seed, (uint16_t)(i * L), &at, signature);
	secret_wipe(&at, sizeof at);
	secret_wipe(seed, sizeof seed);
	secret_wipe(&shake, sizeof shake);
	secret_wipe_stack();
	return is_signed ? OK : fail(STATUS_INTERNAL, "mldsa44_signer.attempts: all were rejected");
}

/* μ = H(tr ‖ M'), of pure ML-DSA with an empty context (algorithm 2). */
static void
hash_message(const struct expanded *key, struct bytes message, uint8_t message_hash[64]) {
	static const uint8_t PURE[2] = {0, 0}; /* no digest; an empty context */
	struct shake shake;
	shake_start(&shake, SHAKE256_RATE);
	shake_absorb(&shake, BYTES_OF_ARRAY(key->public_hash));
	shake_absorb(&shake, BYTES_OF_ARRAY(PURE));
	shake_absorb(&shake, message);
	shake_finish(&shake);
	shake_squeeze(&shake, message_hash, 64);
}

enum status
mldsa44_signer_sign(const struct mldsa44_signer *signer, struct bytes message, const uint8_t randomness[32],
		    uint8_t signature[2420]) {
	const struct expanded *key = (const struct expanded *)signer->memory.data;
	uint8_t message_hash[64];
	hash_message(key, message, message_hash);
	return sign_hash(key, choose_attempt(), message_hash, randomness, signature);
}
