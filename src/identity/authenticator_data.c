#include "identity/authenticator_data.h"

enum {
	FLAG_UP = 0x01,
	FLAG_UV = 0x04,
	FLAG_BE = 0x08,
	FLAG_BS = 0x10,
	FLAG_AT = 0x40,
	FLAG_ED = 0x80,
	FLAGS_RESERVED = 0x22,
};

static const char FIELD[] = "authenticator_data";

static enum status
truncated(const char *what) {
	return fail(STATUS_INVALID, "authenticator_data.truncated: ends within %s", what);
}

/* §6.5.1. */
static enum status
read_credential(struct cursor *cursor, struct authenticator_data *data) {
	uint16_t len;
	if (cursor_take(cursor, FIELD, AAGUID_SIZE, &data->aaguid) != OK || cursor_u16be(cursor, FIELD, &len) != OK)
		return truncated("the attested credential data");
	if (len == 0 || len > CREDENTIAL_ID_MAX)
		return fail(STATUS_INVALID, "authenticator_data.credential_id: %u bytes, expected 1 to %zu", len,
			    CREDENTIAL_ID_MAX);
	if (cursor_take(cursor, FIELD, len, &data->credential_id) != OK)
		return truncated("the credential's id");
	return cose_read(cursor, &data->key);
}

static enum status
read_extensions(struct cursor *cursor, struct authenticator_data *data) {
	struct cursor ahead = *cursor;
	struct cbor_item item;
	TRY(cbor_read(&ahead, &item));
	if (item.type != CBOR_MAP)
		return fail(STATUS_INVALID, "authenticator_data.extensions: expected a map, found %s",
			    cbor_type_name(item.type));
	return cbor_skip(cursor, &data->extensions);
}

static enum status
read_flags(uint8_t flags, struct authenticator_data *data) {
	if ((flags & FLAGS_RESERVED) != 0)
		return fail(STATUS_INVALID, "authenticator_data.reserved: flags %02x", flags);
	if ((flags & FLAG_BS) != 0 && (flags & FLAG_BE) == 0)
		return fail(STATUS_INVALID, "authenticator_data.backup: backed up, and not eligible for backup");
	data->user_present = (flags & FLAG_UP) != 0;
	data->user_verified = (flags & FLAG_UV) != 0;
	data->backup_eligible = (flags & FLAG_BE) != 0;
	data->backed_up = (flags & FLAG_BS) != 0;
	data->has_credential = (flags & FLAG_AT) != 0;
	return OK;
}

enum status
authenticator_data_read(struct bytes encoding, struct authenticator_data *data) {
	struct cursor cursor = cursor_of(encoding);
	uint8_t flags;
	*data = (struct authenticator_data){.encoding = encoding};
	if (encoding.len > AUTHENTICATOR_DATA_MAX)
		return fail(STATUS_INVALID, "authenticator_data.size: %zu bytes, and at most %zu are read",
			    encoding.len, AUTHENTICATOR_DATA_MAX);
	if (cursor_take(&cursor, FIELD, sizeof(struct hash256), &data->rp_id_hash) != OK ||
	    cursor_u8(&cursor, FIELD, &flags) != OK || cursor_u32be(&cursor, FIELD, &data->counter) != OK)
		return truncated("its fixed part");
	TRY(read_flags(flags, data));
	if (data->has_credential)
		TRY(read_credential(&cursor, data));
	if ((flags & FLAG_ED) != 0)
		TRY(read_extensions(&cursor, data));
	return cursor_end(&cursor, FIELD);
}

enum status
authenticator_data_check(const struct authenticator_data *data, struct bytes rp_id, bool verify_user) {
	struct hash256 expected = sha256(rp_id);
	if (!bytes_equal(data->rp_id_hash, hash256_bytes(&expected)))
		return fail(STATUS_UNAUTHORIZED, "authenticator_data.rp_id: made for another relying party");
	if (!data->user_present)
		return fail(STATUS_UNAUTHORIZED, "authenticator_data.user_present: nobody touched the authenticator");
	if (verify_user && !data->user_verified)
		return fail(STATUS_UNAUTHORIZED, "authenticator_data.user_verified: the authenticator did not verify "
						 "who used it");
	return OK;
}

enum status
authenticator_counter_check(uint32_t before, uint32_t counter) {
	if (counter > before || (counter == 0 && before == 0))
		return OK;
	return fail(STATUS_UNAUTHORIZED,
		    "authenticator_data.counter: %u after %u: the authenticator may have been "
		    "copied",
		    counter, before);
}
