#include "model/operation.h"

static const char TYPE[] = "gatehouse/operation/v1";
static const char ID_TYPE[] = "gatehouse/operation-id/v1";

/* Names of things: what may stand in a URL, a log line and a shell command without quoting. */
static bool
is_identifier_character(uint8_t c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
	       c == ':' || c == '/' || c == '@' || c == '-';
}

static enum status
check_identifier(const char *member, struct bytes text) {
	if (text.len == 0)
		return fail(STATUS_INVALID, "operation.%s: empty", member);
	if (text.len > OPERATION_TEXT_MAX)
		return fail(STATUS_TOO_LARGE, "operation.%s: %zu bytes where at most %zu are allowed", member, text.len,
			    OPERATION_TEXT_MAX);
	for (size_t i = 0; i < text.len; i++)
		if (!is_identifier_character(text.data[i]))
			return fail(STATUS_INVALID,
				    "operation.%s: a character other than A-Z a-z 0-9 . _ : / @ - at offset %zu",
				    member, i);
	return OK;
}

/* Length of a character that changes how a terminal shows the text around it, 0 if the next one does not: C0 and C1
 * controls, line and paragraph separators, and the bidirectional controls (Unicode UAX #9 §2). An approver must see what
 * was written in the order in which it was written. */
static size_t
control_length(const uint8_t *text, size_t left) {
	if (text[0] < 0x20 || text[0] == 0x7f)
		return 1;
	if (left >= 2 && text[0] == 0xc2 && text[1] >= 0x80 && text[1] <= 0x9f)
		return 2;
	if (left >= 2 && text[0] == 0xd8 && text[1] == 0x9c) /* U+061C */
		return 2;
	if (left < 3 || text[0] != 0xe2)
		return 0;
	bool general = text[1] == 0x80 && (text[2] == 0x8e || text[2] == 0x8f || (text[2] >= 0xa8 && text[2] <= 0xae));
	bool isolates = text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9;
	return general || isolates ? 3 : 0;
}

enum status
text_check(const char *name, struct bytes text, size_t max) {
	if (text.len > max)
		return fail(STATUS_TOO_LARGE, "%s: %zu bytes where at most %zu are allowed", name, text.len, max);
	for (size_t i = 0; i < text.len; i++)
		if (control_length(text.data + i, text.len - i) > 0)
			return fail(STATUS_INVALID, "%s: a control character at offset %zu", name, i);
	return OK;
}

static enum status
check_times(const struct operation *operation) {
	if (operation->created_ms < 0)
		return fail(STATUS_INVALID, "operation.created: %lld is before 1970", (long long)operation->created_ms);
	if (operation->expires_ms <= operation->created_ms || operation->expires_ms > JSON_INTEGER_MAX)
		return fail(STATUS_INVALID, "operation.expires: %lld is not after created, %lld",
			    (long long)operation->expires_ms, (long long)operation->created_ms);
	if (operation->expires_ms - operation->created_ms > OPERATION_LIFETIME_MAX_MS)
		return fail(STATUS_INVALID,
			    "operation.expires: %lld ms after created, at most %lld (30 days) are allowed",
			    (long long)(operation->expires_ms - operation->created_ms),
			    (long long)OPERATION_LIFETIME_MAX_MS);
	return OK;
}

static enum status
check(const struct operation *operation) {
	TRY(check_times(operation));
	TRY(check_identifier("idempotency_key", operation->idempotency_key));
	TRY(check_identifier("instance", operation->instance));
	TRY(check_identifier("kind", operation->kind));
	TRY(check_identifier("principal", operation->principal));
	TRY(check_identifier("resource", operation->resource));
	if (operation->break_glass && operation->reason.len == 0)
		return fail(STATUS_INVALID, "operation.break_glass: expected a reason with it");
	TRY(text_check("operation.reference", operation->reference, OPERATION_TEXT_MAX));
	return text_check("operation.reason", operation->reason, OPERATION_REASON_MAX);
}

enum status
operation_write(const struct operation *operation, struct buffer *to) {
	struct json_writer writer;
	TRY(check(operation));
	json_writer_start(&writer, to);
	json_write_object(&writer);
	if (operation->break_glass)
		json_write_member_boolean(&writer, "break_glass", true);
	json_write_member_integer(&writer, "created", operation->created_ms);
	json_write_member_integer(&writer, "expires", operation->expires_ms);
	json_write_member_string(&writer, "idempotency_key", operation->idempotency_key);
	json_write_member_string(&writer, "instance", operation->instance);
	json_write_member_string(&writer, "kind", operation->kind);
	json_write_member_hex(&writer, "payload_sha256", hash256_bytes(&operation->payload_hash));
	json_write_member_string(&writer, "principal", operation->principal);
	if (operation->reason.len > 0)
		json_write_member_string(&writer, "reason", operation->reason);
	if (operation->reference.len > 0)
		json_write_member_string(&writer, "reference", operation->reference);
	json_write_member_string(&writer, "resource", operation->resource);
	json_write_member_text(&writer, "type", TYPE);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

static enum status
read_payload_hash(const json *document, struct hash256 *hash) {
	struct bytes text;
	TRY(json_need_string(document, "operation", "payload_sha256", &text));
	bool valid = text.len == 2 * sizeof hash->bytes && hex_decode(text, hash->bytes, sizeof hash->bytes) == OK;
	for (size_t i = 0; valid && i < text.len; i++)
		valid = text.data[i] < 'A' || text.data[i] > 'F';
	return valid ? OK : fail(STATUS_INVALID, "operation.payload_sha256: expected 64 lower-case hexadecimal digits");
}

/* Left out and empty would be one operation with two digests: so empty is refused. */
static enum status
read_optional(const json *document, const char *member, struct bytes *text) {
	*text = (struct bytes){};
	if (json_get(document, member) == nullptr)
		return OK;
	TRY(json_need_string(document, "operation", member, text));
	return text->len > 0 ? OK : fail(STATUS_INVALID, "operation.%s: empty; leave the member out", member);
}

/* Left out and false would be one operation with two digests: so false is refused. */
static enum status
read_break_glass(const json *document, bool *break_glass) {
	*break_glass = false;
	if (json_get(document, "break_glass") == nullptr)
		return OK;
	TRY(json_need_boolean(document, "operation", "break_glass", break_glass));
	return *break_glass ? OK : fail(STATUS_INVALID, "operation.break_glass: false; leave the member out");
}

enum status
operation_read(const json *document, struct operation *operation) {
	static const char *const members[] = {
		"break_glass", "created", "expires",   "idempotency_key", "instance", "kind", "payload_sha256",
		"principal",   "reason",  "reference", "resource",        "type",     nullptr};
	struct bytes type;
	TRY(json_need_string(document, "operation", "type", &type));
	if (!bytes_equal_text(type, TYPE))
		return fail(STATUS_UNSUPPORTED, "operation.type: expected \"%s\", found \"%.*s\"", TYPE,
			    (int)(type.len > 80 ? 80 : type.len), (const char *)type.data);
	TRY(json_only(document, "operation", members));
	TRY(read_break_glass(document, &operation->break_glass));
	TRY(json_need_integer(document, "operation", "created", &operation->created_ms));
	TRY(json_need_integer(document, "operation", "expires", &operation->expires_ms));
	TRY(json_need_string(document, "operation", "idempotency_key", &operation->idempotency_key));
	TRY(json_need_string(document, "operation", "instance", &operation->instance));
	TRY(json_need_string(document, "operation", "kind", &operation->kind));
	TRY(read_payload_hash(document, &operation->payload_hash));
	TRY(json_need_string(document, "operation", "principal", &operation->principal));
	TRY(read_optional(document, "reason", &operation->reason));
	TRY(read_optional(document, "reference", &operation->reference));
	TRY(json_need_string(document, "operation", "resource", &operation->resource));
	return check(operation);
}

enum status
operation_id(struct bytes instance, struct bytes principal, struct bytes idempotency_key, struct hash256 *id) {
	_cleanup_(buffer_free) struct buffer canonical = {};
	struct json_writer writer;
	TRY(check_identifier("idempotency_key", idempotency_key));
	TRY(check_identifier("instance", instance));
	TRY(check_identifier("principal", principal));
	json_writer_start(&writer, &canonical);
	json_write_object(&writer);
	json_write_member_string(&writer, "idempotency_key", idempotency_key);
	json_write_member_string(&writer, "instance", instance);
	json_write_member_string(&writer, "principal", principal);
	json_write_member_text(&writer, "type", ID_TYPE);
	json_write_end(&writer);
	TRY(json_writer_finish(&writer));
	*id = sha256(buffer_bytes(&canonical));
	return OK;
}
