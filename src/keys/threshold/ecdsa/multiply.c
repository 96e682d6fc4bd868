#include "keys/threshold/ecdsa/multiply.h"

#include <pthread.h>

#include "base/secret.h"
#include "crypto/check.h"
#include "crypto/declassify.h"

/* Public, the same for all, and nobody's choice: hashes of the numbers of its places. */
static struct scalar gadget[EXTENSION_ROWS];
static pthread_once_t gadget_made = PTHREAD_ONCE_INIT;

static void
make_gadget(void) {
	for (size_t j = 0; j < EXTENSION_ROWS; j++) {
		const uint8_t place[2] = {(uint8_t)(j >> 8), (uint8_t)j};
		struct hash256 hash =
			SHA256_PARTS(BYTES_OF_LITERAL("gatehouse/threshold/gadget/v1"), BYTES_OF_ARRAY(place));
		gadget[j] = scalar_reduce(hash.bytes);
	}
}

static const struct scalar *
gadget_vector(void) {
	crypto_must(pthread_once(&gadget_made, make_gadget) == 0, "the gadget vector");
	return gadget;
}

static uint64_t
choice_mask(const uint8_t *choices, size_t at) {
	return scalar_mask(bit_mask(choices, at));
}

struct scalar
multiply_input(const uint8_t choices[EXTENSION_ROWS / 8]) {
	const struct scalar *g = gadget_vector();
	struct scalar sum = {};
	for (size_t j = 0; j < EXTENSION_ROWS; j++) {
		struct scalar term = scalar_masked(&g[j], choice_mask(choices, j));
		sum = scalar_add(&sum, &term);
	}
	return sum;
}

/* What a transfer gives: as many pseudorandom numbers as are wanted, from its row. */
static struct scalar
make_pad(struct oblivious *oblivious, const struct hash256 *context, size_t transfer, size_t component,
	 const extension_row row) {
	uint8_t data[3 + sizeof(extension_row)];
	data[0] = (uint8_t)(transfer >> 8);
	data[1] = (uint8_t)transfer;
	data[2] = (uint8_t)component;
	memcpy(data + 3, row, sizeof(extension_row));
	struct hash256 hash = oblivious_hash(oblivious, context, TAG_PAD, data, sizeof data);
	struct scalar pad = scalar_reduce(hash.bytes);
	secret_wipe(&hash, sizeof hash);
	secret_wipe(data, sizeof data);
	return pad;
}

/* θ: what the inputs are multiplied with in the check, from all that Alice has fixed. */
static void
make_theta(struct oblivious *oblivious, const struct hash256 *context, const struct multiply_message *message,
	   struct scalar theta[MULTIPLY_INPUTS]) {
	oblivious_hash_start(oblivious, context, TAG_THETA);
	oblivious_hash_add(oblivious, message->masked, sizeof message->masked);
	struct hash256 all = oblivious_hash_finish(oblivious);
	for (size_t i = 0; i < MULTIPLY_INPUTS; i++) {
		uint8_t data[33];
		memcpy(data, all.bytes, 32);
		data[32] = (uint8_t)i;
		struct hash256 part = oblivious_hash(oblivious, context, TAG_THETA_PART, data, sizeof data);
		theta[i] = scalar_reduce(part.bytes);
	}
}

/* last + Σ θ_i · first_i */
static struct scalar
combine(const struct scalar theta[MULTIPLY_INPUTS], const struct scalar values[MULTIPLY_WIDTH]) {
	struct scalar sum = values[MULTIPLY_INPUTS];
	for (size_t i = 0; i < MULTIPLY_INPUTS; i++) {
		struct scalar product = scalar_multiply(&theta[i], &values[i]);
		sum = scalar_add(&sum, &product);
	}
	return sum;
}

static void
add_product(struct scalar *to, const struct scalar *a, const struct scalar *b) {
	struct scalar product = scalar_multiply(a, b);
	*to = scalar_add(to, &product);
}

typedef struct scalar pads[EXTENSION_ROWS][MULTIPLY_WIDTH];

static void
mask_inputs(struct oblivious *oblivious, const struct hash256 *context, const extension_row *rows, const uint8_t *delta,
	    const struct scalar inputs[MULTIPLY_WIDTH], struct multiply_message *message,
	    struct scalar (*zero_pads)[MULTIPLY_WIDTH]) {
	for (size_t j = 0; j < EXTENSION_ROWS; j++) {
		extension_row flipped;
		for (size_t i = 0; i < sizeof flipped; i++)
			flipped[i] = rows[j][i] ^ delta[i];
		for (size_t i = 0; i < MULTIPLY_WIDTH; i++) {
			zero_pads[j][i] = make_pad(oblivious, context, j, i, rows[j]);
			struct scalar one_pad = make_pad(oblivious, context, j, i, flipped),
				      masked = scalar_subtract(&zero_pads[j][i], &one_pad);
			masked = scalar_add(&masked, &inputs[i]);
			scalar_write(&masked, message->masked[j][i]);
		}
		secret_wipe(flipped, sizeof flipped);
	}
	declassify(message->masked, sizeof message->masked);
}

static void
add_to_check(struct oblivious *oblivious, const struct scalar *value) {
	uint8_t bytes[SCALAR_SIZE];
	scalar_write(value, bytes);
	oblivious_hash_add(oblivious, bytes, sizeof bytes);
	secret_wipe(bytes, sizeof bytes);
}

enum status
multiply_send(struct oblivious *oblivious, const struct hash256 *context, const extension_row rows[EXTENSION_ROWS],
	      const uint8_t delta[OT_KAPPA / 8], const struct scalar inputs[MULTIPLY_INPUTS],
	      const struct randomness *randomness, struct multiply_message *message,
	      struct scalar shares[MULTIPLY_INPUTS]) {
	_cleanup_(secret_free) struct secret memory = {};
	TRY(secret_alloc(&memory, sizeof(pads)));
	struct scalar(*zero_pads)[MULTIPLY_WIDTH] = (void *)memory.data;
	struct scalar all_inputs[MULTIPLY_WIDTH] = {inputs[0], inputs[1], scalar_random(randomness)};
	struct scalar theta[MULTIPLY_INPUTS], sums[MULTIPLY_INPUTS] = {};
	mask_inputs(oblivious, context, rows, delta, all_inputs, message, zero_pads);
	make_theta(oblivious, context, message, theta);
	struct scalar eta = combine(theta, all_inputs);
	scalar_write(&eta, message->eta);
	declassify(message->eta, sizeof message->eta);
	const struct scalar *g = gadget_vector();
	oblivious_hash_start(oblivious, context, TAG_MU);
	for (size_t j = 0; j < EXTENSION_ROWS; j++) {
		struct scalar checked = combine(theta, zero_pads[j]);
		add_to_check(oblivious, &checked);
		for (size_t i = 0; i < MULTIPLY_INPUTS; i++)
			add_product(&sums[i], &g[j], &zero_pads[j][i]);
	}
	struct hash256 mu = oblivious_hash_finish(oblivious);
	memcpy(message->mu, mu.bytes, sizeof mu.bytes);
	declassify(message->mu, sizeof message->mu);
	for (size_t i = 0; i < MULTIPLY_INPUTS; i++)
		shares[i] = scalar_negate(&sums[i]);
	secret_wipe(all_inputs, sizeof all_inputs);
	secret_wipe(sums, sizeof sums);
	return OK;
}

enum status
multiply_receive(struct oblivious *oblivious, const struct hash256 *context, const extension_row rows[EXTENSION_ROWS],
		 const uint8_t choices[EXTENSION_ROWS / 8], const struct multiply_message *message,
		 struct scalar shares[MULTIPLY_INPUTS]) {
	_cleanup_(secret_free) struct secret memory = {};
	TRY(secret_alloc(&memory, sizeof(pads)));
	struct scalar(*values)[MULTIPLY_WIDTH] = (void *)memory.data;
	struct scalar theta[MULTIPLY_INPUTS], eta, sums[MULTIPLY_INPUTS] = {};
	TRY(scalar_read(message->eta, &eta));
	for (size_t j = 0; j < EXTENSION_ROWS; j++)
		for (size_t i = 0; i < MULTIPLY_WIDTH; i++) {
			struct scalar masked;
			TRY(scalar_read(message->masked[j][i], &masked)); /* before there is a pad to wipe */
			struct scalar pad = make_pad(oblivious, context, j, i, rows[j]);
			masked = scalar_masked(&masked, choice_mask(choices, j));
			values[j][i] = scalar_add(&pad, &masked);
			secret_wipe(&pad, sizeof pad);
			secret_wipe(&masked, sizeof masked);
		}
	make_theta(oblivious, context, message, theta);
	const struct scalar *g = gadget_vector();
	oblivious_hash_start(oblivious, context, TAG_MU);
	for (size_t j = 0; j < EXTENSION_ROWS; j++) {
		struct scalar checked = combine(theta, values[j]),
			      claimed = scalar_masked(&eta, choice_mask(choices, j));
		checked = scalar_subtract(&checked, &claimed);
		add_to_check(oblivious, &checked);
		for (size_t i = 0; i < MULTIPLY_INPUTS; i++)
			add_product(&sums[i], &g[j], &values[j][i]);
	}
	struct hash256 mu = oblivious_hash_finish(oblivious);
	if (!declassified(secret_equal(hash256_bytes(&mu), BYTES_OF_ARRAY(message->mu)))) {
		secret_wipe(sums, sizeof sums);
		return fail(STATUS_UNAUTHORIZED, "multiply.check: the inputs are not the same in every transfer");
	}
	memcpy(shares, sums, sizeof sums);
	secret_wipe(sums, sizeof sums);
	return OK;
}
