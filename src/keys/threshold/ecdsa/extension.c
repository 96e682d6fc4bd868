#include "keys/threshold/ecdsa/extension.h"

#include "base/secret.h"
#include "crypto/declassify.h"
#include "keys/threshold/ecdsa/gf128.h"
#include "keys/threshold/ecdsa/transpose.h"

constexpr size_t CHECK_BLOCKS = EXTENSION_ROWS / 128;

typedef uint8_t column[EXTENSION_COLUMN_SIZE];

static void
add_column(column to, const column from) {
	for (size_t i = 0; i < EXTENSION_COLUMN_SIZE; i++)
		to[i] ^= from[i];
}

/* The stream of a leaf. Neither its position nor its place is hashed: the two sides know it by different ones. */
static void
stream_of_leaf(struct oblivious *oblivious, const struct hash256 *context, size_t block,
	       const uint8_t leaf[OT_SEED_SIZE], column stream) {
	uint8_t data[1 + OT_SEED_SIZE];
	data[0] = (uint8_t)block;
	memcpy(data + 1, leaf, OT_SEED_SIZE);
	struct hash256 seed = oblivious_hash(oblivious, context, TAG_STREAM, data, sizeof data);
	oblivious_stream(oblivious, &seed, stream, EXTENSION_COLUMN_SIZE);
	secret_wipe(&seed, sizeof seed);
	secret_wipe(data, sizeof data);
}

/* χ, from all that the receiver has fixed. */
static void
make_challenge(struct oblivious *oblivious, const struct hash256 *context, const struct extension_message *message,
	       struct gf128 challenge[CHECK_BLOCKS]) {
	oblivious_hash_start(oblivious, context, TAG_CHALLENGE);
	oblivious_hash_add(oblivious, message->corrections, sizeof message->corrections);
	struct hash256 all = oblivious_hash_finish(oblivious);
	for (size_t i = 0; i < CHECK_BLOCKS; i++) {
		uint8_t data[33];
		memcpy(data, all.bytes, 32);
		data[32] = (uint8_t)i;
		struct hash256 part = oblivious_hash(oblivious, context, TAG_CHALLENGE_PART, data, sizeof data);
		challenge[i] = gf128_read(part.bytes);
	}
}

static struct gf128
checked_sum(const struct gf128 challenge[CHECK_BLOCKS], const column bits) {
	struct gf128 sum = gf128_read(bits + 16 * CHECK_BLOCKS);
	for (size_t i = 0; i < CHECK_BLOCKS; i++)
		sum = gf128_add(sum, gf128_multiply(challenge[i], gf128_read(bits + 16 * i)));
	return sum;
}

/* Over the sums of the columns, of which the sender first removes Δ's part. */
static struct hash256
hash_columns(struct oblivious *oblivious, const struct hash256 *context, const struct extension_message *message,
	     const struct gf128 challenge[CHECK_BLOCKS], const column columns[OT_KAPPA], const uint8_t *delta) {
	struct gf128 choice_sum = gf128_read(message->choice_sum);
	uint8_t sums[OT_KAPPA][16];
	for (size_t c = 0; c < OT_KAPPA; c++) {
		struct gf128 sum = checked_sum(challenge, columns[c]);
		if (delta != nullptr) {
			uint64_t mask = UINT64_C(0) - (bit_mask(delta, c) & 1);
			sum = gf128_add(sum, (struct gf128){choice_sum.low & mask, choice_sum.high & mask});
		}
		gf128_write(sum, sums[c]);
	}
	oblivious_hash_start(oblivious, context, TAG_CONSISTENCY);
	oblivious_hash_add(oblivious, message->choice_sum, sizeof message->choice_sum);
	oblivious_hash_add(oblivious, sums, sizeof sums);
	secret_wipe(sums, sizeof sums);
	return oblivious_hash_finish(oblivious);
}

void
extension_receive(struct oblivious *oblivious, const struct hash256 *context, const struct pprf_full *full,
		  const uint8_t choices[EXTENSION_ROWS / 8], const struct randomness *randomness,
		  struct extension_message *message, extension_row rows[EXTENSION_ROWS]) {
	column columns[OT_KAPPA] = {}, chosen, stream;
	struct gf128 challenge[CHECK_BLOCKS];
	memcpy(chosen, choices, EXTENSION_ROWS / 8);
	randomness_fill(randomness, chosen + EXTENSION_ROWS / 8, OT_KAPPA / 8);
	for (size_t block = 0; block < PPRF_BLOCKS; block++) {
		memcpy(message->corrections[block], chosen, sizeof chosen);
		for (size_t x = 0; x < PPRF_LEAVES; x++) {
			stream_of_leaf(oblivious, context, block, full->leaves[block][x], stream);
			add_column(message->corrections[block], stream);
			for (size_t bit = 0; bit < PPRF_K; bit++)
				if ((x >> bit & 1) != 0)
					add_column(columns[PPRF_K * block + bit], stream);
		}
	}
	declassify(message->corrections, sizeof message->corrections);
	make_challenge(oblivious, context, message, challenge);
	gf128_write(checked_sum(challenge, chosen), message->choice_sum);
	declassify(message->choice_sum, sizeof message->choice_sum);
	struct hash256 hash = hash_columns(oblivious, context, message, challenge, columns, nullptr);
	memcpy(message->column_hash, hash.bytes, sizeof hash.bytes);
	declassify(message->column_hash, sizeof message->column_hash);
	transpose_columns(columns[0], sizeof columns[0], EXTENSION_ROWS, rows);
	secret_wipe(columns, sizeof columns);
	secret_wipe(chosen, sizeof chosen);
	secret_wipe(stream, sizeof stream);
}

enum status
extension_send(struct oblivious *oblivious, const struct hash256 *context, const struct pprf_punctured *punctured,
	       const struct extension_message *message, extension_row rows[EXTENSION_ROWS]) {
	column columns[OT_KAPPA] = {}, stream;
	struct gf128 challenge[CHECK_BLOCKS];
	for (size_t block = 0; block < PPRF_BLOCKS; block++) {
		for (size_t z = 1; z < PPRF_LEAVES; z++) {
			stream_of_leaf(oblivious, context, block, punctured->leaves[block][z], stream);
			for (size_t bit = 0; bit < PPRF_K; bit++)
				if ((z >> bit & 1) != 0)
					add_column(columns[PPRF_K * block + bit], stream);
		}
		for (size_t bit = 0; bit < PPRF_K; bit++) {
			uint8_t mask = bit_mask(punctured->delta, PPRF_K * block + bit);
			for (size_t i = 0; i < EXTENSION_COLUMN_SIZE; i++)
				columns[PPRF_K * block + bit][i] ^= message->corrections[block][i] & mask;
		}
	}
	make_challenge(oblivious, context, message, challenge);
	struct hash256 hash = hash_columns(oblivious, context, message, challenge, columns, punctured->delta);
	bool sound = secret_equal(hash256_bytes(&hash), bytes_of(message->column_hash, sizeof hash.bytes));
	transpose_columns(columns[0], sizeof columns[0], EXTENSION_ROWS, rows);
	secret_wipe(columns, sizeof columns);
	secret_wipe(stream, sizeof stream);
	if (!declassified(sound)) {
		secret_wipe(rows, EXTENSION_ROWS * sizeof rows[0]);
		return fail(STATUS_UNAUTHORIZED, "extension.check: the choices are not the same in every column");
	}
	return OK;
}
