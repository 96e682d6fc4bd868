#include "keys/threshold/recovery.h"

#include "crypto/kem.h"
#include "keys/threshold/escrow.h"

/* "gatehouse/share-escrow/v1" ‖ lp(instance) ‖ lp(key id) ‖ u32(epoch) ‖ u8(holder) */
static enum status
terms_of(const struct sharing *sharing, uint8_t holder, struct bytes instance, struct bytes recovery_key,
	 struct buffer *context, struct escrow_terms *terms) {
	size_t position = party_set_position(&sharing->key.holders, holder);
	if (position == sharing->key.holders.count)
		return fail(STATUS_NOT_FOUND, "sharing.holder: party %u holds no share", holder);
	buffer_append_text(context, "gatehouse/share-escrow/v1");
	buffer_append_prefixed(context, instance);
	buffer_append_prefixed(context, bytes_of_text(sharing->key.id));
	buffer_append_u32be(context, sharing->key.epoch);
	buffer_append_byte(context, holder);
	TRY(buffer_status(context));
	*terms = (struct escrow_terms){
		.suite = sharing_suite(sharing), .context = buffer_bytes(context), .recovery_key = recovery_key};
	memcpy(terms->public_share.bytes, sharing->key.public_shares[position], sizeof terms->public_share.bytes);
	return OK;
}

enum status
recovery_escrow(const struct sharing *sharing, uint8_t holder, const struct frost_scalar *number, struct bytes instance,
		struct bytes recovery_key, struct buffer *escrow) {
	_cleanup_(buffer_free) struct buffer context = {};
	struct randomness randomness = {};
	struct escrow_terms terms;
	if (recovery_key.len != KEM_PUBLIC_SIZE)
		return fail(STATUS_INVALID, "kem.public_key: %zu bytes where %zu were expected", recovery_key.len,
			    KEM_PUBLIC_SIZE);
	TRY(terms_of(sharing, holder, instance, recovery_key, &context, &terms));
	return escrow_create(&terms, number, &randomness, escrow);
}

enum status
recovery_check(const struct sharing *sharing, uint8_t holder, struct bytes instance, struct bytes recovery_key,
	       struct bytes escrow) {
	_cleanup_(buffer_free) struct buffer context = {};
	struct escrow_terms terms;
	if (recovery_key.len != KEM_PUBLIC_SIZE)
		return fail(STATUS_INVALID, "kem.public_key: %zu bytes where %zu were expected", recovery_key.len,
			    KEM_PUBLIC_SIZE);
	TRY(terms_of(sharing, holder, instance, recovery_key, &context, &terms));
	return escrow_verify(&terms, escrow);
}

/* Of one escrow what it adds to the key: its holder's coefficient times the share. */
static enum status
add_share(const struct sharing *sharing, uint8_t holder, const struct frost_scalar *coefficient, struct bytes instance,
	  struct bytes recovery_private_key, struct bytes escrow, struct frost_scalar *sum) {
	_cleanup_(buffer_free) struct buffer context = {};
	const struct frost_suite *suite = sharing_suite(sharing);
	uint8_t recovery_key[KEM_PUBLIC_SIZE];
	struct escrow_terms terms;
	struct frost_scalar share;
	TRY(kem_public_of(recovery_private_key, recovery_key));
	TRY(terms_of(sharing, holder, instance, BYTES_OF_ARRAY(recovery_key), &context, &terms));
	enum status status = escrow_recover(&terms, escrow, recovery_private_key, &share);
	if (status == OK) {
		share = suite->multiply(&share, coefficient);
		*sum = suite->add(sum, &share);
	}
	secret_wipe(&share, sizeof share);
	return status;
}

/* By whose escrow each is; different ones, of whom each holds a share. */
static enum status
identify(const struct sharing *sharing, const uint8_t *holders, size_t count, uint16_t identifiers[PARTIES_MAX]) {
	struct party_set chosen;
	if (count < sharing->key.threshold || count > PARTIES_MAX)
		return fail(STATUS_INVALID, "recovery.escrows: %zu; the key takes %u", count, sharing->key.threshold);
	TRY(party_set_choose(&sharing->key.holders, holders, count, &chosen));
	for (size_t i = 0; i < count; i++)
		identifiers[i] = holders[i];
	return OK;
}

enum status
recovery_join(const struct sharing *sharing, struct bytes instance, struct bytes recovery_private_key,
	      const uint8_t *holders, const struct bytes *escrows, size_t count, struct secret *private_key) {
	const struct frost_suite *suite = sharing_suite(sharing);
	uint16_t identifiers[PARTIES_MAX];
	struct frost_scalar sum = {};
	struct frost_element joined;
	TRY(identify(sharing, holders, count, identifiers));
	enum status status = OK;
	for (size_t i = 0; status == OK && i < count; i++) {
		struct frost_scalar coefficient = frost_coefficient(suite, identifiers, count, i);
		status = add_share(sharing, holders[i], &coefficient, instance, recovery_private_key, escrows[i], &sum);
	}
	if (status == OK)
		status = secret_alloc(private_key, sizeof sum.bytes);
	if (status == OK) {
		memcpy(private_key->data, sum.bytes, sizeof sum.bytes);
		status = suite->element_of(&sum, &joined);
	}
	secret_wipe(&sum, sizeof sum);
	TRY(status);
	if (bytes_equal(frost_element_bytes(suite, &joined), sharing_public_key(sharing)))
		return OK;
	secret_free(private_key);
	return fail(STATUS_CORRUPT, "recovery.key: what the shares give is not this key");
}
