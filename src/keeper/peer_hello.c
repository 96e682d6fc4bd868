#include "keeper/peer_hello.h"

static const uint8_t MAGIC[8] = "gatepeer";

static bool
is_visible(struct bytes text) {
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
			return false;
	return text.len > 0;
}

void
peer_hello_write(const struct peer_hello *hello, struct buffer *to) {
	uint8_t signatures[HEAD_SIGNATURES_SIZE];
	buffer_append(to, MAGIC, sizeof MAGIC);
	buffer_append_u16be(to, hello->version);
	buffer_append_prefixed(to, hello->instance);
	buffer_append_prefixed(to, hello->name);
	buffer_append_byte(to, hello->party);
	buffer_append_prefixed(to, hello->build);
	buffer_append(to, hello->boot_epoch, sizeof hello->boot_epoch);
	buffer_append_bytes(to, hash256_bytes(&hello->bundle));
	buffer_append_u64be(to, hello->head.size);
	buffer_append_bytes(to, hash256_bytes(&hello->head.root));
	head_signatures_store(&hello->signatures, signatures);
	buffer_append(to, signatures, sizeof signatures);
	buffer_append_u64be(to, hello->remembered.size);
	buffer_append_bytes(to, hash256_bytes(&hello->remembered.root));
}

static enum status
read_who(struct cursor *cursor, struct peer_hello *hello) {
	uint8_t magic[sizeof MAGIC];
	TRY(cursor_copy(cursor, "peer_hello.magic", magic, sizeof magic));
	if (memcmp(magic, MAGIC, sizeof magic) != 0)
		return fail(STATUS_INVALID, "peer_hello.magic: no hello of a keeper");
	TRY(cursor_u16be(cursor, "peer_hello.version", &hello->version));
	if (hello->version != PEER_VERSION)
		return fail(STATUS_UNSUPPORTED, "peer_hello.version: %u, this program speaks %u", hello->version,
			    PEER_VERSION);
	TRY(cursor_prefixed(cursor, "peer_hello.instance", PEER_INSTANCE_MAX, &hello->instance));
	if (hello->instance.len == 0)
		return fail(STATUS_INVALID, "peer_hello.instance: empty");
	TRY(cursor_prefixed(cursor, "peer_hello.name", PEER_NAME_MAX, &hello->name));
	if (!keeper_name_is_valid(hello->name))
		return fail(STATUS_INVALID, "peer_hello.name: no name of a keeper");
	TRY(cursor_u8(cursor, "peer_hello.party", &hello->party));
	if (hello->party == 0 || hello->party > PEERS_MAX)
		return fail(STATUS_INVALID, "peer_hello.party: %u, expected 1 to %zu", hello->party, PEERS_MAX);
	TRY(cursor_prefixed(cursor, "peer_hello.build", PEER_BUILD_MAX, &hello->build));
	return is_visible(hello->build) ? OK : fail(STATUS_INVALID, "peer_hello.build: not visible ASCII");
}

enum status
peer_hello_read(struct bytes message, struct peer_hello *hello) {
	struct cursor cursor = cursor_of(message);
	struct bytes signatures;
	*hello = (struct peer_hello){};
	TRY(read_who(&cursor, hello));
	TRY(cursor_copy(&cursor, "peer_hello.epoch", hello->boot_epoch, sizeof hello->boot_epoch));
	TRY(cursor_copy(&cursor, "peer_hello.bundle", hello->bundle.bytes, sizeof hello->bundle.bytes));
	TRY(cursor_u64be(&cursor, "peer_hello.head", &hello->head.size));
	TRY(cursor_copy(&cursor, "peer_hello.head", hello->head.root.bytes, sizeof hello->head.root.bytes));
	TRY(cursor_take(&cursor, "peer_hello.head", HEAD_SIGNATURES_SIZE, &signatures));
	TRY(head_signatures_load(signatures, &hello->signatures));
	TRY(cursor_u64be(&cursor, "peer_hello.remembered", &hello->remembered.size));
	TRY(cursor_copy(&cursor, "peer_hello.remembered", hello->remembered.root.bytes,
			sizeof hello->remembered.root.bytes));
	return cursor_end(&cursor, "peer_hello");
}

/* --- Consistency: both sizes, then the hashes. --- */

void
peer_consistency_write(const struct peer_consistency *consistency, struct buffer *to) {
	buffer_append_u64be(to, consistency->old_size);
	buffer_append_u64be(to, consistency->size);
	for (size_t i = 0; i < consistency->proof.count; i++)
		buffer_append_bytes(to, hash256_bytes(&consistency->proof.hashes[i]));
}

enum status
peer_consistency_read(struct bytes message, struct peer_consistency *consistency) {
	struct cursor cursor = cursor_of(message);
	*consistency = (struct peer_consistency){};
	TRY(cursor_u64be(&cursor, "peer_consistency.size", &consistency->old_size));
	TRY(cursor_u64be(&cursor, "peer_consistency.size", &consistency->size));
	while (cursor.left > 0) {
		if (consistency->proof.count == PROOF_LENGTH_MAX)
			return fail(STATUS_INVALID, "peer_consistency.proof: more than %zu hashes", PROOF_LENGTH_MAX);
		struct hash256 *hash = &consistency->proof.hashes[consistency->proof.count++];
		TRY(cursor_copy(&cursor, "peer_consistency.proof", hash->bytes, sizeof hash->bytes));
	}
	return OK;
}

/* --- Beat. --- */

void
peer_beat_write(const struct peer_beat *beat, struct buffer *to) {
	buffer_append_u64be(to, beat->head.size);
	buffer_append_bytes(to, hash256_bytes(&beat->head.root));
	buffer_append_bytes(to, hash256_bytes(&beat->bundle));
}

enum status
peer_beat_read(struct bytes message, struct peer_beat *beat) {
	struct cursor cursor = cursor_of(message);
	TRY(cursor_u64be(&cursor, "peer_beat.head", &beat->head.size));
	TRY(cursor_copy(&cursor, "peer_beat.head", beat->head.root.bytes, sizeof beat->head.root.bytes));
	TRY(cursor_copy(&cursor, "peer_beat.bundle", beat->bundle.bytes, sizeof beat->bundle.bytes));
	return cursor_end(&cursor, "peer_beat");
}
