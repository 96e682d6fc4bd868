#include "wallet/bitcoin/sighash.h"

#include "wallet/bitcoin/compact_size.h"

static enum status
hash_and_reset(struct buffer *message, struct hash256 *hash) {
	TRY(buffer_status(message));
	*hash = sha256(buffer_bytes(message));
	buffer_reset(message);
	return OK;
}

enum status
bitcoin_sighash_start(const struct bitcoin_transaction *transaction, const struct bitcoin_output *spent,
		      struct bitcoin_sighash *sighash) {
	*sighash = (struct bitcoin_sighash){.transaction = transaction, .spent = spent};
	_cleanup_(buffer_free) struct buffer message = {};
	size_t inputs = transaction->input_count;
	for (size_t i = 0; i < inputs; i++)
		bitcoin_outpoint_write(&transaction->inputs[i].previous, &message);
	TRY(hash_and_reset(&message, &sighash->prevouts));
	for (size_t i = 0; i < inputs; i++)
		buffer_append_u32le(&message, transaction->inputs[i].sequence);
	TRY(hash_and_reset(&message, &sighash->sequences));
	for (size_t i = 0; i < transaction->output_count; i++)
		bitcoin_output_write(&transaction->outputs[i], &message);
	TRY(hash_and_reset(&message, &sighash->outputs));
	for (size_t i = 0; i < inputs; i++)
		buffer_append_u64le(&message, spent[i].sats);
	TRY(hash_and_reset(&message, &sighash->amounts));
	for (size_t i = 0; i < inputs; i++)
		bitcoin_append_sized(&message, spent[i].script);
	return hash_and_reset(&message, &sighash->scripts);
}

static enum status
check_input(const struct bitcoin_sighash *sighash, size_t input) {
	size_t count = sighash->transaction->input_count;
	return input < count ? OK : fail(STATUS_INTERNAL, "bitcoin.sighash: input %zu of %zu", input, count);
}

/* The transaction with every script_sig empty but the signed input's, which is the script code; then the hash type. */
enum status
bitcoin_sighash_original(const struct bitcoin_sighash *sighash, size_t input, struct bytes script_code,
			 struct hash256 *digest) {
	TRY(check_input(sighash, input));
	const struct bitcoin_transaction *transaction = sighash->transaction;
	_cleanup_(buffer_free) struct buffer message = {};
	buffer_append_u32le(&message, transaction->version);
	bitcoin_append_compact_size(&message, transaction->input_count);
	for (size_t i = 0; i < transaction->input_count; i++) {
		bitcoin_outpoint_write(&transaction->inputs[i].previous, &message);
		bitcoin_append_sized(&message, i == input ? script_code : (struct bytes){});
		buffer_append_u32le(&message, transaction->inputs[i].sequence);
	}
	bitcoin_append_compact_size(&message, transaction->output_count);
	for (size_t i = 0; i < transaction->output_count; i++)
		bitcoin_output_write(&transaction->outputs[i], &message);
	buffer_append_u32le(&message, transaction->lock_time);
	buffer_append_u32le(&message, BITCOIN_SIGHASH_ALL);
	TRY(buffer_status(&message));
	*digest = sha256_twice(buffer_bytes(&message));
	return OK;
}

/* BIP-143, "Specification". */
enum status
bitcoin_sighash_witness_v0(const struct bitcoin_sighash *sighash, size_t input, struct bytes script_code,
			   struct hash256 *digest) {
	TRY(check_input(sighash, input));
	const struct bitcoin_transaction *transaction = sighash->transaction;
	struct hash256 prevouts = sha256(hash256_bytes(&sighash->prevouts));
	struct hash256 sequences = sha256(hash256_bytes(&sighash->sequences));
	struct hash256 outputs = sha256(hash256_bytes(&sighash->outputs));
	_cleanup_(buffer_free) struct buffer message = {};
	buffer_append_u32le(&message, transaction->version);
	buffer_append_bytes(&message, hash256_bytes(&prevouts));
	buffer_append_bytes(&message, hash256_bytes(&sequences));
	bitcoin_outpoint_write(&transaction->inputs[input].previous, &message);
	bitcoin_append_sized(&message, script_code);
	buffer_append_u64le(&message, sighash->spent[input].sats);
	buffer_append_u32le(&message, transaction->inputs[input].sequence);
	buffer_append_bytes(&message, hash256_bytes(&outputs));
	buffer_append_u32le(&message, transaction->lock_time);
	buffer_append_u32le(&message, BITCOIN_SIGHASH_ALL);
	TRY(buffer_status(&message));
	*digest = sha256_twice(buffer_bytes(&message));
	return OK;
}

/* BIP-341, "Common signature message" with epoch 0 and spend type 0 (key path, no annex). */
enum status
bitcoin_sighash_taproot(const struct bitcoin_sighash *sighash, size_t input, enum bitcoin_hash_type type,
			struct hash256 *digest) {
	constexpr uint8_t EPOCH = 0;
	constexpr uint8_t SPEND_TYPE = 0;
	TRY(check_input(sighash, input));
	const struct bitcoin_transaction *transaction = sighash->transaction;
	_cleanup_(buffer_free) struct buffer message = {};
	buffer_append_byte(&message, EPOCH);
	buffer_append_byte(&message, (uint8_t)type);
	buffer_append_u32le(&message, transaction->version);
	buffer_append_u32le(&message, transaction->lock_time);
	buffer_append_bytes(&message, hash256_bytes(&sighash->prevouts));
	buffer_append_bytes(&message, hash256_bytes(&sighash->amounts));
	buffer_append_bytes(&message, hash256_bytes(&sighash->scripts));
	buffer_append_bytes(&message, hash256_bytes(&sighash->sequences));
	buffer_append_bytes(&message, hash256_bytes(&sighash->outputs));
	buffer_append_byte(&message, SPEND_TYPE);
	buffer_append_u32le(&message, (uint32_t)input);
	TRY(buffer_status(&message));
	*digest = tagged_hash("TapSighash", buffer_bytes(&message));
	return OK;
}
