#include "gate/view.h"

#include "crypto/sign.h"

enum status
transaction_of_payload(struct arena *arena, const json *payload, enum wallet_format *format,
		       struct bytes *transaction) {
	struct bytes format_name, text;
	enum wallet_format found;
	TRY(json_need_string(payload, "payload", "format", &format_name));
	TRY(json_need_string(payload, "payload", "transaction", &text));
	TRY(wallet_format_of_name(format_name, format));
	TRY(wallet_payload_of_text(arena, text, &found, transaction));
	if (found != *format)
		return fail(STATUS_INVALID, "payload.format: says %s, and the transaction is %s",
			    wallet_format_name(*format), wallet_format_name(found));
	return OK;
}

static enum status
point_of(struct known_point *points, struct bytes public_key, uint8_t uncompressed[65]) {
	if (points == nullptr || public_key.len != sizeof points->compressed)
		return secp256k1_public_uncompressed(public_key, uncompressed);
	struct known_point *known = &points[public_key.data[32] % KNOWN_POINTS];
	if (known->compressed[0] == 0 || !bytes_equal(BYTES_OF_ARRAY(known->compressed), public_key)) {
		known->compressed[0] = 0;
		TRY(secp256k1_public_uncompressed(public_key, known->uncompressed));
		memcpy(known->compressed, public_key.data, public_key.len);
	}
	memcpy(uncompressed, known->uncompressed, sizeof known->uncompressed);
	return OK;
}

enum status
wallet_key_of_record(const struct key_info *record, struct known_point *points, struct wallet_key *key) {
	*key = (struct wallet_key){.id = bytes_of_text(record->id),
				   .algorithm = record->algorithm,
				   .chain = bytes_of_text(record->chain),
				   .origin = record->origin,
				   .is_account =
					   record->material == KEY_MATERIAL_EXTENDED && record->sharing != KEY_WHOLE};
	memcpy(key->fingerprint, record->fingerprint, sizeof key->fingerprint);
	switch (record->algorithm) {
	case KEY_SECP256K1:
		return point_of(points, key_public(record), key->public_key);
	case KEY_ED25519:
		memcpy(key->public_key, record->public_key, 32);
		return OK;
	case KEY_P256:
		break;
	}
	return fail(STATUS_UNSUPPORTED, "key.algorithm: key \"%s\" is of %s, which signs on no chain", record->id,
		    key_algorithm_name(record->algorithm));
}

enum status
operation_view(const struct operation *operation, struct bytes payload, const struct wallet_transaction *transaction,
	       struct buffer *view) {
	_cleanup_(buffer_free) struct buffer decoded = {};
	if (transaction != nullptr)
		TRY(wallet_view(transaction, &decoded));
	struct json_writer writer;
	json_writer_start(&writer, view);
	json_write_object(&writer);
	if (operation->break_glass)
		json_write_member_boolean(&writer, "break_glass", true);
	json_write_member_string(&writer, "kind", operation->kind);
	if (transaction == nullptr) {
		json_write_key(&writer, "payload");
		json_write_canonical(&writer, payload);
	}
	json_write_member_string(&writer, "principal", operation->principal);
	json_write_member_string(&writer, "reason", operation->reason);
	json_write_member_string(&writer, "reference", operation->reference);
	json_write_member_string(&writer, "resource", operation->resource);
	if (transaction != nullptr) {
		json_write_key(&writer, "transaction");
		json_write_canonical(&writer, buffer_bytes(&decoded));
	}
	json_write_member_text(&writer, "type", "gatehouse/operation-view/v1");
	json_write_end(&writer);
	return json_writer_finish(&writer);
}
