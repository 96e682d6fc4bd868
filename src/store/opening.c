#include "store/opening.h"

#include "base/cursor.h"
#include "crypto/aead.h"
#include "crypto/random.h"

/* Clear: version (8 bits), length of subject (8 bits), subject. Then nonce, ciphertext and tag of: number of fields (8 bits),
 * and for each the length of its name (16 bits), name, salt, length of its value (32 bits), value. */
constexpr uint8_t VERSION = 1;
static const char commitment_label[] = "gatehouse/commitment/v1"; /* with its final zero byte */
static const char sealing_label[] = "gatehouse/opening/v1";

struct opening_field
opening_field_of(struct bytes name, struct bytes value) {
	struct opening_field field = {.name = name, .value = value};
	random_bytes(field.salt, sizeof field.salt);
	return field;
}

struct hash256
opening_commit(const struct opening_field *field) {
	uint8_t name_len[2] = {(uint8_t)(field->name.len >> 8), (uint8_t)field->name.len};
	return SHA256_PARTS(bytes_of(commitment_label, sizeof commitment_label), BYTES_OF_ARRAY(field->salt),
			    BYTES_OF_ARRAY(name_len), field->name, field->value);
}

static enum status
write_fields(const struct opening_field *fields, size_t count, struct buffer *plain) {
	buffer_append_byte(plain, (uint8_t)count);
	for (size_t i = 0; i < count; i++) {
		if (fields[i].name.len == 0 || fields[i].name.len > UINT16_MAX ||
		    fields[i].value.len > OPENING_SIZE_MAX)
			return fail(STATUS_TOO_LARGE, "opening.field: a name of %zu and a value of %zu bytes",
				    fields[i].name.len, fields[i].value.len);
		buffer_append_u16be(plain, (uint16_t)fields[i].name.len);
		buffer_append_bytes(plain, fields[i].name);
		buffer_append(plain, fields[i].salt, sizeof fields[i].salt);
		buffer_append_u32be(plain, (uint32_t)fields[i].value.len);
		buffer_append_bytes(plain, fields[i].value);
	}
	return buffer_status(plain);
}

/* What is authenticated beside the fields: the label and the clear head with the subject. */
static enum status
associated_data(struct bytes head, struct buffer *associated) {
	buffer_append(associated, sealing_label, sizeof sealing_label);
	buffer_append_bytes(associated, head);
	return buffer_status(associated);
}

enum status
opening_seal(const uint8_t subject_key[32], struct bytes subject, const struct opening_field *fields, size_t count,
	     struct buffer *sealed) {
	_cleanup_(buffer_free) struct buffer plain = {}, associated = {};
	if (count == 0 || count > OPENING_FIELDS_MAX || subject.len == 0 || subject.len > OPENING_SUBJECT_MAX)
		return fail(STATUS_INVALID, "opening.count: %zu fields of a subject of %zu bytes", count, subject.len);
	TRY(write_fields(fields, count, &plain));
	size_t head_len = 2 + subject.len;
	if (head_len + plain.len + AEAD_OVERHEAD > OPENING_SIZE_MAX)
		return fail(STATUS_TOO_LARGE, "opening.size: %zu bytes, at most %zu sealed", plain.len,
			    OPENING_SIZE_MAX);
	if (!buffer_reserve(sealed, head_len + plain.len + AEAD_OVERHEAD))
		return buffer_status(sealed);
	uint8_t *head = sealed->data + sealed->len;
	head[0] = VERSION;
	head[1] = (uint8_t)subject.len;
	memcpy(head + 2, subject.data, subject.len);
	TRY(associated_data(bytes_of(head, head_len), &associated));
	TRY(aead_seal(subject_key, buffer_bytes(&associated), buffer_bytes(&plain), head + head_len));
	sealed->len += head_len + plain.len + AEAD_OVERHEAD;
	return OK;
}

static enum status
read_head(struct cursor *cursor, struct bytes *subject) {
	uint8_t version, len;
	TRY(cursor_u8(cursor, "opening.version", &version));
	if (version != VERSION)
		return fail(STATUS_UNSUPPORTED, "opening.version: version %u, this program reads %u", version, VERSION);
	TRY(cursor_u8(cursor, "opening.subject", &len));
	if (len == 0 || len > OPENING_SUBJECT_MAX)
		return fail(STATUS_INVALID, "opening.subject: %u bytes", len);
	return cursor_take(cursor, "opening.subject", len, subject);
}

enum status
opening_subject(struct bytes sealed, struct bytes *subject) {
	struct cursor cursor = cursor_of(sealed);
	return read_head(&cursor, subject);
}

static enum status
read_fields(struct bytes plain, struct arena *arena, struct opening_field **fields, size_t *count) {
	struct cursor cursor = cursor_of(plain);
	uint8_t number;
	TRY(cursor_u8(&cursor, "opening.count", &number));
	if (number == 0 || number > OPENING_FIELDS_MAX)
		return fail(STATUS_INVALID, "opening.count: %u fields", number);
	struct opening_field *read = ARENA_NEW_ARRAY(arena, number, struct opening_field);
	TRY_ALLOC(read);
	for (size_t i = 0; i < number; i++) {
		uint16_t name_len;
		uint32_t value_len;
		TRY(cursor_u16be(&cursor, "opening.name", &name_len));
		TRY(cursor_take(&cursor, "opening.name", name_len, &read[i].name));
		TRY(cursor_copy(&cursor, "opening.salt", read[i].salt, sizeof read[i].salt));
		TRY(cursor_u32be(&cursor, "opening.value", &value_len));
		TRY(cursor_take(&cursor, "opening.value", value_len, &read[i].value));
	}
	TRY(cursor_end(&cursor, "opening"));
	*fields = read;
	*count = number;
	return OK;
}

enum status
opening_open(const uint8_t subject_key[32], struct bytes sealed, struct arena *arena, struct opening_field **fields,
	     size_t *count) {
	_cleanup_(buffer_free) struct buffer associated = {};
	struct cursor cursor = cursor_of(sealed);
	struct bytes subject;
	TRY(read_head(&cursor, &subject));
	if (cursor.left < AEAD_OVERHEAD)
		return fail(STATUS_INVALID, "opening.sealed: %zu bytes", cursor.left);
	TRY(associated_data(bytes_of(sealed.data, sealed.len - cursor.left), &associated));
	size_t plain_len = cursor.left - AEAD_OVERHEAD;
	uint8_t *plain = arena_alloc(arena, plain_len + 1);
	TRY_ALLOC(plain);
	TRY(aead_open(subject_key, buffer_bytes(&associated), bytes_of(cursor.at, cursor.left), plain));
	return read_fields(bytes_of(plain, plain_len), arena, fields, count);
}
