#include "keys/threshold/ecdsa/pprf.h"

#include "base/secret.h"
#include "crypto/declassify.h"

typedef uint8_t seed[OT_SEED_SIZE];

static void
add_masked(uint8_t *to, const uint8_t *from, size_t len, uint8_t mask) {
	for (size_t i = 0; i < len; i++)
		to[i] ^= from[i] & mask;
}

/* All ones if equal. */
static uint8_t
equal_mask(size_t a, size_t b) {
	uint32_t difference = (uint32_t)(a ^ b);
	return (uint8_t)(0u - ((difference - 1u) >> 31));
}

static struct hash256
hash_node(struct oblivious *oblivious, const struct hash256 *context, enum oblivious_tag tag, size_t block,
	  size_t place, const seed node) {
	uint8_t data[2 + OT_SEED_SIZE];
	data[0] = (uint8_t)block;
	data[1] = (uint8_t)place;
	memcpy(data + 2, node, OT_SEED_SIZE);
	return oblivious_hash(oblivious, context, tag, data, sizeof data);
}

/* Replaces count nodes by their 2 · count children, left before right. */
static void
grow(struct oblivious *oblivious, const struct hash256 *context, size_t block, size_t level, size_t count,
     seed *nodes) {
	for (size_t x = count; x-- > 0;) {
		struct hash256 children = hash_node(oblivious, context, TAG_TREE, block, level, nodes[x]);
		memcpy(nodes[2 * x], children.bytes, OT_SEED_SIZE);
		memcpy(nodes[2 * x + 1], children.bytes + OT_SEED_SIZE, OT_SEED_SIZE);
		secret_wipe(&children, sizeof children);
	}
}

static void
make_block(struct oblivious *oblivious, const struct hash256 *context, size_t block,
	   const uint8_t keys[OT_KAPPA][2][OT_SEED_SIZE], struct pprf_full *full, struct pprf_message *message) {
	seed nodes[PPRF_LEAVES];
	uint8_t checks[PPRF_LEAVES][32], number = (uint8_t)block;
	memcpy(nodes, keys[PPRF_K * block + PPRF_K - 1], 2 * OT_SEED_SIZE);
	for (size_t level = 2; level <= PPRF_K; level++) {
		seed *sums = message->corrections[block][level - 2];
		grow(oblivious, context, block, level, (size_t)1 << (level - 1), nodes);
		memcpy(sums, keys[PPRF_K * block + PPRF_K - level], 2 * OT_SEED_SIZE);
		for (size_t x = 0; x < (size_t)1 << level; x++)
			add_masked(sums[x & 1], nodes[x], OT_SEED_SIZE, 0xff);
	}
	memset(message->sums[block], 0, sizeof message->sums[block]);
	for (size_t y = 0; y < PPRF_LEAVES; y++) {
		struct hash256 leaf = hash_node(oblivious, context, TAG_LEAF, block, y, nodes[y]),
			       check = hash_node(oblivious, context, TAG_LEAF_CHECK, block, y, nodes[y]);
		memcpy(full->leaves[block][y], leaf.bytes, OT_SEED_SIZE);
		memcpy(checks[y], check.bytes, sizeof checks[y]);
		add_masked(message->sums[block], check.bytes, sizeof check.bytes, 0xff);
		secret_wipe(&leaf, sizeof leaf);
	}
	oblivious_hash_start(oblivious, context, TAG_TREE_CHECK);
	oblivious_hash_add(oblivious, &number, 1);
	oblivious_hash_add(oblivious, checks, sizeof checks);
	struct hash256 all = oblivious_hash_finish(oblivious);
	memcpy(message->hashes[block], all.bytes, sizeof all.bytes);
	secret_wipe(nodes, sizeof nodes);
	secret_wipe(checks, sizeof checks);
}

void
pprf_make(struct oblivious *oblivious, const struct hash256 *context, const uint8_t keys[OT_KAPPA][2][OT_SEED_SIZE],
	  struct pprf_full *full, struct pprf_message *message) {
	memset(message, 0, sizeof *message);
	for (size_t block = 0; block < PPRF_BLOCKS; block++)
		make_block(oblivious, context, block, keys, full, message);
	declassify(message, sizeof *message);
}

/* One level down: the children of the missing node are unknown but for the one on the side that was chosen. */
static void
descend(struct oblivious *oblivious, const struct hash256 *context, size_t block, size_t level, size_t missing,
	uint8_t chosen, const seed key, const uint8_t corrections[2][OT_SEED_SIZE], seed *nodes) {
	size_t parents = (size_t)1 << (level - 1);
	seed learned;
	grow(oblivious, context, block, level, parents, nodes);
	memcpy(learned, key, sizeof learned);
	add_masked(learned, corrections[0], sizeof learned, (uint8_t)~chosen);
	add_masked(learned, corrections[1], sizeof learned, chosen);
	for (size_t x = 0; x < parents; x++)
		for (size_t side = 0; side < 2; side++) {
			uint8_t known = (uint8_t)~equal_mask(x, missing);
			for (size_t i = 0; i < OT_SEED_SIZE; i++)
				nodes[2 * x + side][i] &= known;
			add_masked(learned, nodes[2 * x + side], OT_SEED_SIZE, side == 0 ? (uint8_t)~chosen : chosen);
		}
	for (size_t x = 0; x < parents; x++)
		for (size_t side = 0; side < 2; side++)
			add_masked(nodes[2 * x + side], learned, OT_SEED_SIZE,
				   equal_mask(x, missing) & (side == 0 ? (uint8_t)~chosen : chosen));
	secret_wipe(learned, sizeof learned);
}

/* Leaves and check values, with zeros for the missing leaf and its check value computed from the sum. */
static bool
finish_leaves(struct oblivious *oblivious, const struct hash256 *context, size_t block, size_t missing,
	      const seed *nodes, const struct pprf_message *message, struct pprf_punctured *punctured) {
	uint8_t checks[PPRF_LEAVES][32], absent[32], number = (uint8_t)block;
	memcpy(absent, message->sums[block], sizeof absent);
	memset(punctured->leaves[block], 0, sizeof punctured->leaves[block]);
	memset(checks, 0, sizeof checks);
	for (size_t y = 0; y < PPRF_LEAVES; y++) {
		uint8_t known = (uint8_t)~equal_mask(y, missing);
		struct hash256 leaf = hash_node(oblivious, context, TAG_LEAF, block, y, nodes[y]),
			       check = hash_node(oblivious, context, TAG_LEAF_CHECK, block, y, nodes[y]);
		add_masked(punctured->leaves[block][y], leaf.bytes, OT_SEED_SIZE, known);
		add_masked(checks[y], check.bytes, sizeof checks[y], known);
		add_masked(absent, check.bytes, sizeof absent, known);
		secret_wipe(&leaf, sizeof leaf);
	}
	for (size_t y = 0; y < PPRF_LEAVES; y++)
		add_masked(checks[y], absent, sizeof absent, equal_mask(y, missing));
	oblivious_hash_start(oblivious, context, TAG_TREE_CHECK);
	oblivious_hash_add(oblivious, &number, 1);
	oblivious_hash_add(oblivious, checks, sizeof checks);
	struct hash256 all = oblivious_hash_finish(oblivious);
	secret_wipe(checks, sizeof checks);
	return secret_equal(hash256_bytes(&all), bytes_of(message->hashes[block], sizeof all.bytes));
}

/* Leaf z ⊕ Δ_i to place z: for each bit of Δ_i that is set, the places that differ in it change. */
static void
rotate_leaves(seed *leaves, const uint8_t *delta, size_t block) {
	for (size_t bit = 0; bit < PPRF_K; bit++) {
		uint8_t mask = bit_mask(delta, PPRF_K * block + bit);
		size_t step = (size_t)1 << bit;
		for (size_t z = 0; z < PPRF_LEAVES; z++) {
			if ((z & step) != 0)
				continue;
			for (size_t i = 0; i < OT_SEED_SIZE; i++) {
				uint8_t difference = (uint8_t)((leaves[z][i] ^ leaves[z + step][i]) & mask);
				leaves[z][i] ^= difference;
				leaves[z + step][i] ^= difference;
			}
		}
	}
}

static bool
open_block(struct oblivious *oblivious, const struct hash256 *context, size_t block,
	   const uint8_t keys[OT_KAPPA][OT_SEED_SIZE], const struct pprf_message *message,
	   struct pprf_punctured *punctured) {
	seed nodes[PPRF_LEAVES] = {};
	size_t top = PPRF_K * block + PPRF_K - 1, missing;
	uint8_t absent = bit_mask(punctured->delta, top);
	add_masked(nodes[0], keys[top], OT_SEED_SIZE, absent);
	add_masked(nodes[1], keys[top], OT_SEED_SIZE, (uint8_t)~absent);
	missing = absent & 1;
	for (size_t level = 2; level <= PPRF_K; level++) {
		size_t transfer = PPRF_K * block + PPRF_K - level;
		absent = bit_mask(punctured->delta, transfer);
		descend(oblivious, context, block, level, missing, (uint8_t)~absent, keys[transfer],
			message->corrections[block][level - 2], nodes);
		missing = 2 * missing + (absent & 1);
	}
	bool sound = finish_leaves(oblivious, context, block, missing, nodes, message, punctured);
	rotate_leaves(punctured->leaves[block], punctured->delta, block);
	secret_wipe(nodes, sizeof nodes);
	return sound;
}

enum status
pprf_open(struct oblivious *oblivious, const struct hash256 *context, const uint8_t keys[OT_KAPPA][OT_SEED_SIZE],
	  const uint8_t delta[OT_KAPPA / 8], const struct pprf_message *message, struct pprf_punctured *punctured) {
	/* All blocks are checked, however many fail: when the answer comes says nothing. */
	unsigned unsound = 0;
	memcpy(punctured->delta, delta, sizeof punctured->delta);
	for (size_t block = 0; block < PPRF_BLOCKS; block++)
		unsound |= !open_block(oblivious, context, block, keys, message, punctured);
	if (!declassified(unsound == 0))
		return fail(STATUS_UNAUTHORIZED, "pprf.check: the trees are not well formed");
	return OK;
}
