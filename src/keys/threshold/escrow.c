#include "keys/threshold/escrow.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "base/secret.h"
#include "crypto/declassify.h"
#include "crypto/hash.h"
#include "crypto/kem.h"

static const char MAGIC[] = "GHTE";
constexpr uint16_t VERSION = 1;
constexpr size_t SEED_SIZE = 32;
constexpr size_t SCALAR_BYTES = 32;

static const char LABEL[] = "gatehouse/threshold/escrow/v1";

/* A part, encrypted: the encapsulation, and the part XOR its key, which is used for nothing else. */
struct sealed_part {
	uint8_t ciphertext[KEM_CIPHERTEXT_SIZE];
	uint8_t masked[SCALAR_BYTES];
};

/* What stands for one pair: the opened part's seed, of the second part also the part itself (the first is made from its seed; there
 * are zeros), and the other part's ciphertext. */
struct opened_pair {
	uint8_t seed[SEED_SIZE];
	uint8_t part[SCALAR_BYTES];
	struct sealed_part other;
};

/* Bytes only, so that the format is their order. */
static_assert(sizeof(struct opened_pair) == SEED_SIZE + 2 * SCALAR_BYTES + KEM_CIPHERTEXT_SIZE);

constexpr size_t HEADER_SIZE = 4 + 2;
constexpr size_t ESCROW_SIZE = HEADER_SIZE + 32 + ESCROW_PAIRS * sizeof(struct opened_pair);

/* --- Parts --- */

/* Both parts of a pair together with what is derived from them. */
struct pair {
	struct frost_element commitment; /* of the first part */
	struct sealed_part sealed[2];
};

static struct hash256
terms_hash(const struct escrow_terms *terms) {
	_cleanup_(buffer_free) struct buffer all = {};
	buffer_append_prefixed(&all, bytes_of_text(LABEL));
	buffer_append_prefixed(&all, bytes_of_text(terms->suite->name));
	buffer_append_prefixed(&all, terms->context);
	buffer_append_prefixed(&all, frost_element_bytes(terms->suite, &terms->public_share));
	buffer_append_prefixed(&all, terms->recovery_key);
	return sha256(buffer_bytes(&all));
}

static struct frost_scalar
part_of_seed(const struct escrow_terms *terms, const uint8_t seed[SEED_SIZE]) {
	const struct bytes parts[] = {bytes_of_text(LABEL), BYTES_OF_LITERAL("part"), bytes_of(seed, SEED_SIZE)};
	return terms->suite->nonce(parts, ARRAY_LENGTH(parts));
}

static enum status
seal(const struct escrow_terms *terms, const struct hash256 *bound, const uint8_t seed[SEED_SIZE],
     const struct frost_scalar *part, struct sealed_part *sealed) {
	uint8_t coins[64], key[KEM_KEY_SIZE];
	static const uint8_t NUMBERS[2] = {0, 1};
	for (size_t i = 0; i < 2; i++) {
		struct hash256 half = SHA256_PARTS(bytes_of_text(LABEL), BYTES_OF_LITERAL("coins"),
						   bytes_of(seed, SEED_SIZE), bytes_of(&NUMBERS[i], 1));
		memcpy(coins + 32 * i, half.bytes, 32);
		secret_wipe(&half, sizeof half);
	}
	enum status status =
		kem_encapsulate_from(terms->recovery_key, hash256_bytes(bound), coins, sealed->ciphertext, key);
	for (size_t i = 0; i < SCALAR_BYTES; i++)
		sealed->masked[i] = part->bytes[i] ^ key[i];
	declassify(sealed, sizeof *sealed); /* it is published */
	secret_wipe(coins, sizeof coins);
	secret_wipe(key, sizeof key);
	return status;
}

/* Which part of each pair is opened. */
static struct hash256
choose(const struct escrow_terms *terms, const struct hash256 *bound, const struct pair *pairs) {
	_cleanup_(buffer_free) struct buffer all = {};
	buffer_append_prefixed(&all, bytes_of_text(LABEL));
	buffer_append(&all, bound->bytes, sizeof bound->bytes);
	for (size_t i = 0; i < ESCROW_PAIRS; i++) {
		buffer_append_bytes(&all, frost_element_bytes(terms->suite, &pairs[i].commitment));
		for (size_t j = 0; j < 2; j++) {
			buffer_append(&all, pairs[i].sealed[j].ciphertext, sizeof pairs[i].sealed[j].ciphertext);
			buffer_append(&all, pairs[i].sealed[j].masked, sizeof pairs[i].sealed[j].masked);
		}
	}
	return sha256(buffer_bytes(&all));
}

static size_t
choice(const struct hash256 *choices, size_t pair) {
	return choices->bytes[pair / 8] >> (pair % 8) & 1;
}

/* --- Making one --- */

struct making {
	struct pair pairs[ESCROW_PAIRS];
	struct {
		uint8_t seeds[2][SEED_SIZE];
		struct frost_scalar parts[2];
	} secret[ESCROW_PAIRS];
};

static void
free_making(struct making **making) {
	if (*making != nullptr)
		secret_wipe(*making, sizeof **making);
	free(*making);
}

static enum status
make_pair(const struct escrow_terms *terms, const struct hash256 *bound, const struct frost_scalar *share,
	  const struct randomness *randomness, struct making *making, size_t i) {
	for (size_t j = 0; j < 2; j++)
		randomness_fill(randomness, making->secret[i].seeds[j], SEED_SIZE);
	making->secret[i].parts[0] = part_of_seed(terms, making->secret[i].seeds[0]);
	making->secret[i].parts[1] = terms->suite->subtract(share, &making->secret[i].parts[0]);
	TRY(terms->suite->element_of(&making->secret[i].parts[0], &making->pairs[i].commitment));
	for (size_t j = 0; j < 2; j++)
		TRY(seal(terms, bound, making->secret[i].seeds[j], &making->secret[i].parts[j],
			 &making->pairs[i].sealed[j]));
	return OK;
}

static void
append_pair(const struct making *making, size_t i, size_t opened, struct buffer *escrow) {
	static const uint8_t NONE[SCALAR_BYTES];
	const struct sealed_part *other = &making->pairs[i].sealed[1 - opened];
	buffer_append(escrow, making->secret[i].seeds[opened], SEED_SIZE);
	buffer_append(escrow, opened == 0 ? NONE : making->secret[i].parts[1].bytes, SCALAR_BYTES);
	buffer_append(escrow, other->ciphertext, sizeof other->ciphertext);
	buffer_append(escrow, other->masked, sizeof other->masked);
}

enum status
escrow_create(const struct escrow_terms *terms, const struct frost_scalar *share, const struct randomness *randomness,
	      struct buffer *escrow) {
	_cleanup_(free_making) struct making *making = calloc(1, sizeof *making);
	struct frost_element public_share;
	TRY_ALLOC(making);
	TRY(terms->suite->element_of(share, &public_share));
	if (memcmp(public_share.bytes, terms->public_share.bytes, sizeof public_share.bytes) != 0)
		return fail(STATUS_INVALID, "escrow.share: is not the one of the public share");
	const struct hash256 bound = terms_hash(terms);
	for (size_t i = 0; i < ESCROW_PAIRS; i++)
		TRY(make_pair(terms, &bound, share, randomness, making, i));
	const struct hash256 choices = choose(terms, &bound, making->pairs);
	buffer_append(escrow, MAGIC, 4);
	buffer_append_u16be(escrow, VERSION);
	buffer_append(escrow, choices.bytes, sizeof choices.bytes);
	for (size_t i = 0; i < ESCROW_PAIRS; i++)
		append_pair(making, i, choice(&choices, i), escrow);
	return buffer_status(escrow);
}

/* --- Checking one --- */

static enum status
read_header(struct cursor *cursor, struct hash256 *choices) {
	struct bytes magic;
	uint16_t version;
	TRY(cursor_take(cursor, "escrow.magic", 4, &magic));
	if (memcmp(magic.data, MAGIC, 4) != 0)
		return fail(STATUS_INVALID, "escrow.magic: no escrow of a share");
	TRY(cursor_u16be(cursor, "escrow.version", &version));
	if (version != VERSION)
		return fail(STATUS_UNSUPPORTED, "escrow.version: %u; this program knows %u", version, VERSION);
	if (cursor->left != ESCROW_SIZE - HEADER_SIZE)
		return fail(STATUS_INVALID, "escrow.length: %zu bytes, expected %zu", cursor->left + HEADER_SIZE,
			    ESCROW_SIZE);
	return cursor_copy(cursor, "escrow.choices", choices->bytes, sizeof choices->bytes);
}

/* The pair as its maker must have had it: one half of it made again, the other half as it is said to be. */
static enum status
remake_pair(const struct escrow_terms *terms, const struct hash256 *bound, const struct opened_pair *opened,
	    size_t which, struct pair *pair) {
	const struct frost_suite *suite = terms->suite;
	const struct frost_scalar one = suite->scalar_of(1), zero = {}, minus_one = suite->subtract(&zero, &one);
	struct frost_scalar part = part_of_seed(terms, opened->seed);
	struct frost_element element;
	static const uint8_t NONE[SCALAR_BYTES];
	if (which == 0) {
		if (memcmp(opened->part, NONE, sizeof NONE) != 0)
			return fail(STATUS_INVALID, "escrow.part: bytes that mean nothing");
		TRY(suite->element_of(&part, &pair->commitment));
	} else {
		TRY(suite->scalar_read(opened->part, &part));
		TRY(suite->element_of(&part, &element));
		TRY(suite->element_multiply(&element, &minus_one, &element));
		TRY(suite->element_add(&terms->public_share, &element, &pair->commitment));
	}
	pair->sealed[1 - which] = opened->other;
	return seal(terms, bound, opened->seed, &part, &pair->sealed[which]);
}

enum status
escrow_verify(const struct escrow_terms *terms, struct bytes escrow) {
	struct cursor cursor = cursor_of(escrow);
	struct hash256 choices;
	struct opened_pair opened;
	TRY(read_header(&cursor, &choices));
	_cleanup_(free_making) struct making *making = calloc(1, sizeof *making);
	TRY_ALLOC(making);
	const struct hash256 bound = terms_hash(terms);
	for (size_t i = 0; i < ESCROW_PAIRS; i++) {
		TRY(cursor_copy(&cursor, "escrow.pair", &opened, sizeof opened));
		if (remake_pair(terms, &bound, &opened, choice(&choices, i), &making->pairs[i]) != OK)
			return fail(STATUS_UNAUTHORIZED, "escrow.proof: pair %zu does not open", i);
	}
	const struct hash256 expected = choose(terms, &bound, making->pairs);
	if (!hash256_equal(&expected, &choices))
		return fail(STATUS_UNAUTHORIZED,
			    "escrow.proof: what is opened is not what was sealed for this share and key");
	return OK;
}

/* --- Opening one --- */

/* The share by one pair: true if it is that of the public share. */
static bool
recover_by(const struct escrow_terms *terms, const struct hash256 *bound, const struct opened_pair *opened,
	   size_t which, struct bytes private_key, struct frost_scalar *share) {
	const struct frost_suite *suite = terms->suite;
	struct frost_scalar known = part_of_seed(terms, opened->seed), other = {};
	struct frost_element public_share;
	uint8_t key[KEM_KEY_SIZE];
	if (which == 1 && suite->scalar_read(opened->part, &known) != OK)
		return false;
	if (kem_decapsulate(private_key, hash256_bytes(bound), BYTES_OF_ARRAY(opened->other.ciphertext), key) != OK)
		return false;
	for (size_t i = 0; i < SCALAR_BYTES; i++)
		key[i] ^= opened->other.masked[i];
	bool is_number = suite->scalar_read(key, &other) == OK;
	*share = suite->add(&known, &other);
	secret_wipe(key, sizeof key);
	secret_wipe(&other, sizeof other);
	return is_number && suite->element_of(share, &public_share) == OK &&
	       memcmp(public_share.bytes, terms->public_share.bytes, sizeof public_share.bytes) == 0;
}

enum status
escrow_recover(const struct escrow_terms *terms, struct bytes escrow, struct bytes recovery_private_key,
	       struct frost_scalar *share) {
	struct cursor cursor = cursor_of(escrow);
	struct hash256 choices;
	struct opened_pair opened;
	TRY(read_header(&cursor, &choices));
	const struct hash256 bound = terms_hash(terms);
	for (size_t i = 0; i < ESCROW_PAIRS; i++) {
		TRY(cursor_copy(&cursor, "escrow.pair", &opened, sizeof opened));
		if (recover_by(terms, &bound, &opened, choice(&choices, i), recovery_private_key, share))
			return OK;
	}
	secret_wipe(share, sizeof *share);
	return fail(STATUS_UNAUTHORIZED, "escrow.recovery: nothing in it gives the share with this key");
}
