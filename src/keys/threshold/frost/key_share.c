#include "keys/threshold/frost/key_share.h"

#include <stdlib.h>

#include "crypto/aead.h"
#include "crypto/declassify.h"

static const uint8_t MAGIC[4] = {'G', 'H', 'T', 'F'};
constexpr uint16_t BLOB_VERSION = 1;
constexpr size_t HEADER_SIZE =
	4 + 2 + 1 + 4 + 1 + 1 + 1 + 1; /* magic, version, scheme, epoch, threshold, holders, self, purpose */
constexpr size_t SECRET_SIZE = sizeof(struct frost_scalar);
constexpr size_t BLOB_SIZE = HEADER_SIZE + SECRET_SIZE + AEAD_OVERHEAD;

static_assert(KEY_PURPOSE_TRANSFER == 0 && KEY_PURPOSE_DIGEST == 1); /* stored */

struct frost_scalar
frost_scalar_random(const struct frost_suite *suite, const struct randomness *randomness) {
	uint8_t random[64];
	randomness_fill(randomness, random, sizeof random);
	struct frost_scalar scalar = suite->nonce(&BYTES_OF_ARRAY(random), 1);
	secret_wipe(random, sizeof random);
	return scalar;
}

/* --- In memory --- */

enum status
frost_key_share_create(struct frost_key_share **share, const struct frost_key_info *key, uint8_t self) {
	_cleanup_(frost_key_share_destroy) struct frost_key_share *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(party_set_check(&key->holders));
	if (frost_scheme_suite(key->scheme) == nullptr)
		return fail(STATUS_INVALID, "frost_share.scheme: %d", (int)key->scheme);
	if (!party_set_has(&key->holders, self) || key->threshold == 0 || key->threshold > key->holders.count)
		return fail(STATUS_INVALID, "frost_share.holders: %u of %u, and %u one of them", key->threshold,
			    key->holders.count, self);
	made->key = *key;
	made->self = self;
	TRY(secret_alloc(&made->memory, SECRET_SIZE));
	*share = TAKE(made);
	return OK;
}

void
frost_key_share_destroy(struct frost_key_share **share) {
	struct frost_key_share *gone = TAKE(*share);
	if (gone == nullptr)
		return;
	secret_free(&gone->memory);
	free(gone);
}

struct frost_scalar *
frost_key_share_value(const struct frost_key_share *share) {
	return (struct frost_scalar *)(void *)share->memory.data;
}

enum status
frost_key_share_check(const struct frost_key_share *share) {
	const struct frost_suite *suite = frost_scheme_suite(share->key.scheme);
	const struct frost_element *expected =
		&share->key.public_shares[party_set_position(&share->key.holders, share->self)];
	struct frost_element actual;
	if (suite->element_of(frost_key_share_value(share), &actual) != OK ||
	    !bytes_equal(frost_element_bytes(suite, &actual), frost_element_bytes(suite, expected)))
		return fail(STATUS_CORRUPT, "frost_share.number: of key %s is not that of its public share",
			    share->key.id);
	return OK;
}

enum status
frost_commitment_at(const struct frost_suite *suite, const struct frost_element *coefficients, uint8_t threshold,
		    uint8_t index, struct frost_element *public_share) {
	const struct frost_scalar at = suite->scalar_of(index);
	struct frost_scalar power = at;
	struct frost_element sum = coefficients[0], term;
	for (size_t i = 1; i < threshold; i++) {
		TRY(suite->element_multiply(&coefficients[i], &power, &term));
		TRY(suite->element_add(&sum, &term, &sum));
		power = suite->multiply(&power, &at);
	}
	*public_share = sum;
	return OK;
}

/* --- At rest --- */

static void
write_header(const struct frost_key_info *key, uint8_t self, uint8_t header[HEADER_SIZE]) {
	memcpy(header, MAGIC, sizeof MAGIC);
	header[4] = BLOB_VERSION >> 8;
	header[5] = BLOB_VERSION & 0xff;
	header[6] = key->scheme;
	store_u32be(header + 7, key->epoch);
	header[11] = key->threshold;
	header[12] = key->holders.count;
	header[13] = self;
	header[14] = (uint8_t)key->purpose;
}

static void
append_field(struct buffer *to, struct bytes field) {
	buffer_append_u32be(to, (uint32_t)field.len);
	buffer_append_bytes(to, field);
}

/* Everything public that the share belongs to, every field with its length before it. */
static enum status
write_associated(const struct frost_key_info *key, uint8_t self, struct bytes instance, struct buffer *to) {
	const struct frost_suite *suite = frost_scheme_suite(key->scheme);
	uint8_t header[HEADER_SIZE];
	if (instance.len == 0 || instance.len > SESSION_NAME_MAX)
		return fail(STATUS_INVALID, "frost_blob.instance: a name of %zu bytes", instance.len);
	write_header(key, self, header);
	append_field(to, BYTES_OF_LITERAL("gatehouse/threshold/frost-share-blob/v1"));
	append_field(to, BYTES_OF_ARRAY(header));
	append_field(to, instance);
	append_field(to, bytes_of_text(key->id));
	append_field(to, frost_element_bytes(suite, &key->public_key));
	append_field(to, BYTES_OF_ARRAY(key->chain_code));
	for (size_t i = 0; i < key->holders.count; i++) {
		append_field(to, bytes_of(&key->holders.parties[i].index, 1));
		append_field(to, BYTES_OF_ARRAY(key->holders.parties[i].identity));
		append_field(to, frost_element_bytes(suite, &key->public_shares[i]));
	}
	return buffer_status(to);
}

enum status
frost_key_share_seal(const struct frost_key_share *share, const uint8_t wrapping_key[32], struct bytes instance,
		     struct buffer *blob) {
	_cleanup_(buffer_free) struct buffer associated = {};
	uint8_t header[HEADER_SIZE];
	TRY(write_associated(&share->key, share->self, instance, &associated));
	write_header(&share->key, share->self, header);
	buffer_append(blob, header, sizeof header);
	if (!buffer_reserve(blob, SECRET_SIZE + AEAD_OVERHEAD))
		return buffer_status(blob);
	TRY(aead_seal(wrapping_key, buffer_bytes(&associated), secret_bytes(&share->memory), blob->data + blob->len));
	blob->len += SECRET_SIZE + AEAD_OVERHEAD;
	return OK;
}

static enum status
check_header(const struct frost_key_info *key, uint8_t self, struct bytes blob) {
	uint8_t expected[HEADER_SIZE];
	write_header(key, self, expected);
	if (blob.len < HEADER_SIZE || memcmp(blob.data, MAGIC, sizeof MAGIC) != 0)
		return fail(STATUS_CORRUPT, "frost_blob.magic: %zu bytes that are no share (key %s)", blob.len,
			    key->id);
	unsigned version = (unsigned)blob.data[4] << 8 | blob.data[5];
	if (version != BLOB_VERSION)
		return fail(STATUS_UNSUPPORTED, "frost_blob.version: %u; this program knows %u", version, BLOB_VERSION);
	if (memcmp(blob.data, expected, HEADER_SIZE) != 0)
		return fail(STATUS_CORRUPT,
			    "frost_blob.attributes: sealed for another scheme, epoch, threshold, holder or purpose "
			    "than key %s has",
			    key->id);
	if (blob.len != BLOB_SIZE)
		return fail(STATUS_CORRUPT, "frost_blob.length: %zu bytes for key %s", blob.len, key->id);
	return OK;
}

enum status
frost_key_share_open(struct frost_key_share **share, const struct frost_key_info *key, uint8_t self,
		     const uint8_t wrapping_key[32], struct bytes instance, struct bytes blob) {
	_cleanup_(buffer_free) struct buffer associated = {};
	_cleanup_(frost_key_share_destroy) struct frost_key_share *made = nullptr;
	struct frost_scalar checked;
	TRY(frost_key_share_create(&made, key, self));
	TRY(check_header(key, self, blob));
	TRY(write_associated(key, self, instance, &associated));
	struct bytes sealed = bytes_of(blob.data + HEADER_SIZE, blob.len - HEADER_SIZE);
	if (aead_open(wrapping_key, buffer_bytes(&associated), sealed, made->memory.data) != OK)
		return fail(STATUS_CORRUPT,
			    "frost_blob.sealed: does not open for key %s: changed, moved, or under another root key",
			    key->id);
	enum status status = frost_scheme_suite(key->scheme)->scalar_read(made->memory.data, &checked);
	secret_wipe(&checked, sizeof checked);
	if (status != OK || frost_key_share_check(made) != OK)
		return fail(STATUS_CORRUPT,
			    "frost_blob.public_share: the sealed number is not that of the public share");
	*share = TAKE(made);
	return OK;
}
