#include "keys/threshold/seeded.h"

static const char LABEL[] = "gatehouse/threshold/dealing-randomness/v1";
constexpr size_t BLOCK_SIZE = sizeof(struct hash256);

enum status
seeded_start(struct seeded *seeded, struct bytes seed, const struct hash256 *purpose) {
	*seeded = (struct seeded){.purpose = *purpose, .used = BLOCK_SIZE};
	if (seed.len != SEEDED_SIZE)
		return fail(STATUS_INTERNAL, "seeded.seed: %zu bytes", seed.len);
	TRY(secret_alloc(&seeded->memory, SEEDED_SIZE + BLOCK_SIZE));
	memcpy(seeded->memory.data, seed.data, SEEDED_SIZE);
	return OK;
}

void
seeded_end(struct seeded *seeded) {
	secret_free(&seeded->memory);
	*seeded = (struct seeded){};
}

static void
next_block(struct seeded *seeded) {
	uint8_t message[sizeof LABEL + sizeof seeded->purpose + 8];
	memcpy(message, LABEL, sizeof LABEL); /* with its zero byte */
	memcpy(message + sizeof LABEL, seeded->purpose.bytes, sizeof seeded->purpose);
	store_u64be(message + sizeof message - 8, seeded->counter++);
	struct hash256 block = hmac_sha256(bytes_of(seeded->memory.data, SEEDED_SIZE), BYTES_OF_ARRAY(message));
	memcpy(seeded->memory.data + SEEDED_SIZE, block.bytes, BLOCK_SIZE);
	secret_wipe(&block, sizeof block);
	seeded->used = 0;
}

static void
fill(void *context, void *to, size_t len) {
	struct seeded *seeded = context;
	uint8_t *at = to;
	while (len > 0) {
		if (seeded->used == BLOCK_SIZE)
			next_block(seeded);
		size_t some = len < BLOCK_SIZE - seeded->used ? len : BLOCK_SIZE - seeded->used;
		memcpy(at, seeded->memory.data + SEEDED_SIZE + seeded->used, some);
		seeded->used += some;
		at += some;
		len -= some;
	}
}

struct randomness
seeded_randomness(struct seeded *seeded) {
	return (struct randomness){.fill = fill, .context = seeded};
}
