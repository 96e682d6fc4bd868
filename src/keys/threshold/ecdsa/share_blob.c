/* A share at rest: header ‖ AES-256-GCM of the number and all pairs (docs/PROTOCOL.threshold §10). */
#include "crypto/aead.h"
#include "crypto/declassify.h"
#include "keys/threshold/ecdsa/share.h"

static const uint8_t MAGIC[4] = {'G', 'H', 'T', 'S'};
constexpr uint16_t BLOB_VERSION = 1;
constexpr size_t HEADER_SIZE = 4 + 2 + 4 + 1 + 1 + 1 + 1; /* magic, version, epoch, threshold, holders, self, purpose */
constexpr size_t PAIR_SIZE = 1 + 32 + sizeof(struct pprf_full) + sizeof(struct pprf_punctured) + 32;
constexpr size_t INSTANCE_MAX = 256;

static_assert(KEY_PURPOSE_TRANSFER == 0 && KEY_PURPOSE_DIGEST == 1); /* stored */

static size_t
plain_size(const struct ecdsa_key *key) {
	return SCALAR_SIZE + ((size_t)key->holders.count - 1) * PAIR_SIZE;
}

static void
write_header(const struct ecdsa_key *key, uint8_t self, uint8_t header[HEADER_SIZE]) {
	memcpy(header, MAGIC, sizeof MAGIC);
	header[4] = BLOB_VERSION >> 8;
	header[5] = BLOB_VERSION & 0xff;
	store_u32be(header + 6, key->epoch);
	header[10] = key->threshold;
	header[11] = key->holders.count;
	header[12] = self;
	header[13] = (uint8_t)key->purpose;
}

static void
append_field(struct buffer *to, struct bytes field) {
	buffer_append_u32be(to, (uint32_t)field.len);
	buffer_append_bytes(to, field);
}

/* Everything public that the share belongs to, every field with its length before it. */
static enum status
write_associated(const struct ecdsa_key *key, uint8_t self, struct bytes instance, struct buffer *to) {
	uint8_t header[HEADER_SIZE];
	if (instance.len == 0 || instance.len > INSTANCE_MAX)
		return fail(STATUS_INVALID, "share_blob.instance: a name of %zu bytes", instance.len);
	write_header(key, self, header);
	append_field(to, BYTES_OF_LITERAL("gatehouse/threshold/share-blob/v1"));
	append_field(to, BYTES_OF_ARRAY(header));
	append_field(to, instance);
	append_field(to, bytes_of_text(key->id));
	append_field(to, BYTES_OF_ARRAY(key->public_key));
	append_field(to, BYTES_OF_ARRAY(key->chain_code));
	for (size_t i = 0; i < key->holders.count; i++) {
		append_field(to, bytes_of(&key->holders.parties[i].index, 1));
		append_field(to, BYTES_OF_ARRAY(key->holders.parties[i].identity));
		append_field(to, BYTES_OF_ARRAY(key->public_shares[i]));
	}
	return buffer_status(to);
}

static void
write_pair(const struct pairwise *pair, uint8_t *to) {
	*to++ = pair->ready ? 1 : 0;
	memcpy(to, pair->setup_id.bytes, 32);
	memcpy(to + 32, &pair->as_receiver, sizeof pair->as_receiver);
	to += 32 + sizeof pair->as_receiver;
	memcpy(to, &pair->as_sender, sizeof pair->as_sender);
	memcpy(to + sizeof pair->as_sender, pair->zero_seed, 32);
}

static void
read_pair(const uint8_t *from, struct pairwise *pair) {
	declassify(from, 1 + 32); /* whether it is ready, and the setup's id */
	pair->ready = *from++ == 1;
	memcpy(pair->setup_id.bytes, from, 32);
	memcpy(&pair->as_receiver, from + 32, sizeof pair->as_receiver);
	from += 32 + sizeof pair->as_receiver;
	memcpy(&pair->as_sender, from, sizeof pair->as_sender);
	memcpy(pair->zero_seed, from + sizeof pair->as_sender, 32);
}

enum status
ecdsa_share_seal(const struct ecdsa_share *share, const uint8_t wrapping_key[32], struct bytes instance,
		 struct buffer *blob) {
	_cleanup_(secret_free) struct secret plain = {};
	_cleanup_(buffer_free) struct buffer associated = {};
	const struct ecdsa_key *key = &share->key;
	uint8_t header[HEADER_SIZE];
	TRY(write_associated(key, share->self, instance, &associated));
	TRY(secret_alloc(&plain, plain_size(key)));
	scalar_write(ecdsa_share_value(share), plain.data);
	uint8_t *at = plain.data + SCALAR_SIZE;
	for (size_t i = 0; i < key->holders.count; i++) {
		uint8_t peer = key->holders.parties[i].index;
		if (peer == share->self)
			continue;
		write_pair(ecdsa_share_pair(share, peer), at);
		at += PAIR_SIZE;
	}
	write_header(key, share->self, header);
	buffer_append(blob, header, sizeof header);
	if (!buffer_reserve(blob, plain.len + AEAD_OVERHEAD))
		return buffer_status(blob);
	TRY(aead_seal(wrapping_key, buffer_bytes(&associated), secret_bytes(&plain), blob->data + blob->len));
	blob->len += plain.len + AEAD_OVERHEAD;
	return OK;
}

static enum status
check_header(const struct ecdsa_key *key, uint8_t self, struct bytes blob) {
	uint8_t expected[HEADER_SIZE];
	write_header(key, self, expected);
	if (blob.len < HEADER_SIZE || memcmp(blob.data, MAGIC, sizeof MAGIC) != 0)
		return fail(STATUS_CORRUPT, "share_blob.magic: %zu bytes that are no share (key %s)", blob.len,
			    key->id);
	unsigned version = (unsigned)blob.data[4] << 8 | blob.data[5];
	if (version != BLOB_VERSION)
		return fail(STATUS_UNSUPPORTED, "share_blob.version: %u; this program knows %u", version, BLOB_VERSION);
	if (memcmp(blob.data, expected, HEADER_SIZE) != 0)
		return fail(STATUS_CORRUPT,
			    "share_blob.attributes: sealed for another epoch, threshold, holder or purpose than key "
			    "%s has",
			    key->id);
	if (blob.len != HEADER_SIZE + plain_size(key) + AEAD_OVERHEAD)
		return fail(STATUS_CORRUPT, "share_blob.length: %zu bytes for key %s", blob.len, key->id);
	return OK;
}

static enum status
read_plain(const uint8_t *plain, struct ecdsa_share *share) {
	const uint8_t *at = plain + SCALAR_SIZE;
	if (scalar_read(plain, ecdsa_share_value(share)) != OK || ecdsa_share_check(share) != OK)
		return fail(STATUS_CORRUPT,
			    "share_blob.public_share: the sealed number is not that of the public share");
	for (size_t i = 0; i < share->key.holders.count; i++) {
		uint8_t peer = share->key.holders.parties[i].index;
		if (peer == share->self)
			continue;
		read_pair(at, ecdsa_share_pair(share, peer));
		at += PAIR_SIZE;
	}
	return OK;
}

enum status
ecdsa_share_open(struct ecdsa_share **share, const struct ecdsa_key *key, uint8_t self, const uint8_t wrapping_key[32],
		 struct bytes instance, struct bytes blob) {
	_cleanup_(secret_free) struct secret plain = {};
	_cleanup_(buffer_free) struct buffer associated = {};
	_cleanup_(ecdsa_share_destroy) struct ecdsa_share *made = nullptr;
	TRY(ecdsa_share_create(&made, key, self));
	TRY(check_header(key, self, blob));
	TRY(write_associated(key, self, instance, &associated));
	TRY(secret_alloc(&plain, plain_size(key)));
	struct bytes sealed = bytes_of(blob.data + HEADER_SIZE, blob.len - HEADER_SIZE);
	if (aead_open(wrapping_key, buffer_bytes(&associated), sealed, plain.data) != OK)
		return fail(STATUS_CORRUPT,
			    "share_blob.sealed: does not open for key %s: changed, moved, or under "
			    "another root key",
			    key->id);
	TRY(read_plain(plain.data, made));
	*share = TAKE(made);
	return OK;
}
