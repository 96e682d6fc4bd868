#include "keys/threshold/recovery.h"

#include "crypto/kem.h"
#include "keys/threshold/escrow.h"
#include "keys/threshold/shamir.h"

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
		.suite = &frost_secp256k1, .context = buffer_bytes(context), .recovery_key = recovery_key};
	memcpy(terms->public_share.bytes, sharing->key.public_shares[position], POINT_SIZE);
	return OK;
}

enum status
recovery_escrow(const struct sharing *sharing, const struct ecdsa_share *share, struct bytes instance,
		struct bytes recovery_key, struct buffer *escrow) {
	_cleanup_(buffer_free) struct buffer context = {};
	struct randomness randomness = {};
	struct escrow_terms terms;
	struct frost_scalar number;
	if (recovery_key.len != KEM_PUBLIC_SIZE)
		return fail(STATUS_INVALID, "kem.public_key: %zu bytes where %zu were expected", recovery_key.len,
			    KEM_PUBLIC_SIZE);
	TRY(terms_of(sharing, share->self, instance, recovery_key, &context, &terms));
	scalar_write(ecdsa_share_value(share), number.bytes);
	enum status status = escrow_create(&terms, &number, &randomness, escrow);
	secret_wipe(&number, sizeof number);
	return status;
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

/* Of one escrow what it adds to the key: L(holder) times the share. */
static enum status
add_share(const struct sharing *sharing, const struct party_set *holders, uint8_t holder, struct bytes instance,
	  struct bytes recovery_private_key, struct bytes escrow, struct scalar *sum) {
	_cleanup_(buffer_free) struct buffer context = {};
	uint8_t recovery_key[KEM_PUBLIC_SIZE];
	struct escrow_terms terms;
	struct frost_scalar number;
	struct scalar share, factor = lagrange_coefficient(holders, holder);
	TRY(kem_public_of(recovery_private_key, recovery_key));
	TRY(terms_of(sharing, holder, instance, BYTES_OF_ARRAY(recovery_key), &context, &terms));
	enum status status = escrow_recover(&terms, escrow, recovery_private_key, &number);
	if (status == OK)
		status = scalar_read(number.bytes, &share);
	if (status == OK) {
		share = scalar_multiply(&share, &factor);
		*sum = scalar_add(sum, &share);
	}
	secret_wipe(&number, sizeof number);
	secret_wipe(&share, sizeof share);
	return status;
}

enum status
recovery_join(const struct sharing *sharing, struct bytes instance, struct bytes recovery_private_key,
	      const uint8_t *holders, const struct bytes *escrows, size_t count, struct secret *private_key) {
	struct party_set chosen;
	struct scalar sum = {};
	struct point joined, whole;
	if (count < sharing->key.threshold || count > PARTIES_MAX)
		return fail(STATUS_INVALID, "recovery.escrows: %zu; the key takes %u", count, sharing->key.threshold);
	TRY(party_set_choose(&sharing->key.holders, holders, count, &chosen));
	enum status status = OK;
	for (size_t i = 0; status == OK && i < count; i++)
		status = add_share(sharing, &chosen, holders[i], instance, recovery_private_key, escrows[i], &sum);
	if (status == OK)
		status = secret_alloc(private_key, SCALAR_SIZE);
	if (status == OK) {
		scalar_write(&sum, private_key->data);
		status = point_of_secret(&sum, &joined);
	}
	secret_wipe(&sum, sizeof sum);
	TRY(status);
	TRY(point_read(sharing->key.public_key, &whole));
	if (point_equal(&joined, &whole))
		return OK;
	secret_free(private_key);
	return fail(STATUS_CORRUPT, "recovery.key: what the shares give is not this key");
}
