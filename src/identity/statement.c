#include "identity/statement.h"

#include "crypto/sign.h"
#include "identity/directory.h"
#include "model/operation.h"

static const char TYPE[] = "gatehouse/approval/v1";

static const char *const VERDICTS[] = {
	[APPROVAL_APPROVE] = "approve",
	[APPROVAL_REJECT] = "reject",
	[APPROVAL_WITHDRAW] = "withdraw",
};

static const char *const CLIENTS[APPROVAL_CLIENTS] = {
	[APPROVAL_CLIENT_CONSOLE] = "console",
	[APPROVAL_CLIENT_CLI] = "cli",
	[APPROVAL_CLIENT_OFFLINE] = "offline",
};

const char *
approval_verdict_name(enum approval_verdict verdict) {
	return VERDICTS[verdict];
}

const char *
approval_client_name(enum approval_client client) {
	return CLIENTS[client];
}

/* --- Signatures --- */

constexpr size_t LABEL_MAX = 64;

struct labelled {
	uint8_t bytes[LABEL_MAX + 1 + 32];
	size_t len;
};

/* label ‖ 0x00 ‖ digest. */
static struct labelled
label_digest(const char *label, const struct hash256 *digest) {
	struct labelled message = {};
	size_t len = strnlen(label, LABEL_MAX);
	memcpy(message.bytes, label, len);
	memcpy(message.bytes + len + 1, digest->bytes, sizeof digest->bytes);
	message.len = len + 1 + sizeof digest->bytes;
	return message;
}

enum status
person_sign(const char *label, const struct hash256 *digest, const uint8_t seed[32], const uint8_t public_key[32],
	    uint8_t signature[64]) {
	struct labelled message = label_digest(label, digest);
	return ed25519_sign(seed, public_key, bytes_of(message.bytes, message.len), signature);
}

enum status
person_verify(const char *label, const struct hash256 *digest, const uint8_t public_key[32],
	      const uint8_t signature[64]) {
	struct labelled message = label_digest(label, digest);
	if (ed25519_verify(public_key, bytes_of(message.bytes, message.len), signature) != OK)
		return fail(STATUS_UNAUTHORIZED, "person_signature.mismatch: not a signature by this key over this %s",
			    label);
	return OK;
}

/* --- The statement as JSON --- */

enum status
approval_write(const struct approval_statement *statement, struct buffer *to) {
	struct json_writer writer;
	json_writer_start(&writer, to);
	json_write_object(&writer);
	json_write_member_hex(&writer, "bundle_hash", hash256_bytes(&statement->bundle_hash));
	json_write_member_text(&writer, "client", CLIENTS[statement->client]);
	if (statement->has_completed_stage)
		json_write_member_hex(&writer, "completed_stage", hash256_bytes(&statement->completed_stage));
	json_write_member_integer(&writer, "expires", statement->expires_ms);
	json_write_member_string(&writer, "instance", statement->instance);
	json_write_member_hex(&writer, "nonce", BYTES_OF_ARRAY(statement->nonce));
	json_write_member_hex(&writer, "operation_digest", hash256_bytes(&statement->operation_digest));
	json_write_member_hex(&writer, "operation_id", hash256_bytes(&statement->operation_id));
	json_write_member_string(&writer, "person", statement->person);
	if (statement->reason.len > 0)
		json_write_member_string(&writer, "reason", statement->reason);
	json_write_member_integer(&writer, "stage", statement->stage);
	json_write_member_text(&writer, "type", TYPE);
	json_write_member_text(&writer, "verdict", VERDICTS[statement->verdict]);
	json_write_member_hex(&writer, "view_digest", hash256_bytes(&statement->view_digest));
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

enum status
approval_digest(const struct approval_statement *statement, struct hash256 *digest) {
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(approval_write(statement, &text));
	*digest = sha256(buffer_bytes(&text));
	return OK;
}

static enum status
need_hex(const json *document, const char *member, uint8_t *to, size_t len) {
	struct bytes text;
	TRY(json_need_string(document, "approval", member, &text));
	bool valid = text.len == 2 * len && hex_decode(text, to, len) == OK;
	for (size_t i = 0; valid && i < text.len; i++)
		valid = text.data[i] < 'A' || text.data[i] > 'F';
	if (!valid)
		return fail(STATUS_INVALID, "approval.%s: expected %zu lower-case hexadecimal digits", member, 2 * len);
	return OK;
}

static enum status
need_name(const json *document, const char *member, const char *const *names, size_t count, unsigned *index) {
	struct bytes text;
	TRY(json_need_string(document, "approval", member, &text));
	for (*index = 0; *index < count; ++*index)
		if (bytes_equal_text(text, names[*index]))
			return OK;
	return fail(STATUS_INVALID, "approval.%s: \"%.*s\" is not among those that are known", member,
		    (int)(text.len > 32 ? 32 : text.len), (const char *)text.data);
}

static enum status
need_text(const json *document, const char *member, size_t max, struct bytes *text) {
	TRY(json_need_string(document, "approval", member, text));
	if (text->len == 0 || text->len > max)
		return fail(STATUS_INVALID, "approval.%s: expected 1 to %zu bytes, found %zu", member, max, text->len);
	return OK;
}

static enum status
read_type(const json *document) {
	struct bytes type;
	TRY(json_need_string(document, "approval", "type", &type));
	if (!bytes_equal_text(type, TYPE))
		return fail(STATUS_UNSUPPORTED, "approval.type: expected \"%s\", found \"%.*s\"", TYPE,
			    (int)(type.len > 64 ? 64 : type.len), (const char *)type.data);
	return OK;
}

/* The first stage has none before it; every later one names it. */
static enum status
read_stage(const json *document, struct approval_statement *statement) {
	TRY(json_need_integer(document, "approval", "stage", &statement->stage));
	if (statement->stage < 0 || statement->stage > APPROVAL_STAGE_MAX)
		return fail(STATUS_INVALID, "approval.stage: expected 0 to %lld, found %lld",
			    (long long)APPROVAL_STAGE_MAX, (long long)statement->stage);
	statement->has_completed_stage = json_get(document, "completed_stage") != nullptr;
	if (statement->has_completed_stage != (statement->stage > 0))
		return fail(STATUS_INVALID,
			    "approval.completed_stage: given in every stage after the first, and only there");
	if (!statement->has_completed_stage)
		return OK;
	return need_hex(document, "completed_stage", statement->completed_stage.bytes,
			sizeof statement->completed_stage.bytes);
}

/* Left out and empty would be one rejection with two digests: so empty is refused. */
static enum status
read_reason(const json *document, struct approval_statement *statement) {
	if (json_get(document, "reason") == nullptr)
		return OK;
	if (statement->verdict != APPROVAL_REJECT)
		return fail(STATUS_INVALID, "approval.reason: given with a rejection, and only there");
	TRY(need_text(document, "reason", APPROVAL_REASON_MAX, &statement->reason));
	return text_check("approval.reason", statement->reason, APPROVAL_REASON_MAX);
}

static enum status
read_hashes(const json *document, struct approval_statement *statement) {
	const struct {
		const char *member;
		struct hash256 *to;
	} hashes[] = {
		{"bundle_hash", &statement->bundle_hash},
		{"operation_digest", &statement->operation_digest},
		{"operation_id", &statement->operation_id},
		{"view_digest", &statement->view_digest},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(hashes); i++)
		TRY(need_hex(document, hashes[i].member, hashes[i].to->bytes, sizeof hashes[i].to->bytes));
	return OK;
}

enum status
approval_read(struct arena *arena, struct bytes text, struct approval_statement *statement) {
	static const char *const members[] = {
		"bundle_hash",  "client", "completed_stage", "expires", "instance", "nonce",   "operation_digest",
		"operation_id", "person", "reason",          "stage",   "type",     "verdict", "view_digest",
		nullptr};
	const json *document;
	unsigned verdict, client;
	*statement = (struct approval_statement){};
	TRY(json_check_canonical(arena, text));
	TRY(json_read(arena, text, (struct json_limits){}, &document));
	TRY(read_type(document));
	TRY(json_only(document, "approval", members));
	TRY(read_hashes(document, statement));
	TRY(need_name(document, "verdict", VERDICTS, ARRAY_LENGTH(VERDICTS), &verdict));
	TRY(need_name(document, "client", CLIENTS, ARRAY_LENGTH(CLIENTS), &client));
	TRY(need_text(document, "instance", OPERATION_TEXT_MAX, &statement->instance));
	TRY(need_text(document, "person", DIRECTORY_PRINCIPAL_MAX, &statement->person));
	TRY(need_hex(document, "nonce", statement->nonce, sizeof statement->nonce));
	TRY(json_need_integer(document, "approval", "expires", &statement->expires_ms));
	if (statement->expires_ms <= 0)
		return fail(STATUS_INVALID, "approval.expires: %lld is no time", (long long)statement->expires_ms);
	TRY(read_stage(document, statement));
	statement->verdict = (enum approval_verdict)verdict;
	statement->client = (enum approval_client)client;
	return read_reason(document, statement);
}

/* --- Rebuild and compare --- */

static enum status
check_stage(const struct approval_statement *statement, const struct approval_statement *expected) {
	if (statement->stage != expected->stage)
		return fail(STATUS_CONFLICT, "approval.stage_differs: expected %lld, found %lld",
			    (long long)expected->stage, (long long)statement->stage);
	if (statement->has_completed_stage != expected->has_completed_stage ||
	    (expected->has_completed_stage && !hash256_equal(&statement->completed_stage, &expected->completed_stage)))
		return fail(STATUS_CONFLICT,
			    "approval.completed_stage_differs: the stage before was completed otherwise");
	return OK;
}

static enum status
check_expiry(const struct approval_statement *statement, const struct approval_statement *expected, int64_t now_ms) {
	if (statement->expires_ms <= now_ms)
		return fail(STATUS_EXPIRED, "approval.expired: the vote expired at %lld",
			    (long long)statement->expires_ms);
	if (statement->expires_ms > expected->expires_ms)
		return fail(STATUS_EXPIRED, "approval.expires_late: %lld is after the operation's own expiry, %lld",
			    (long long)statement->expires_ms, (long long)expected->expires_ms);
	return OK;
}

enum status
approval_check(const struct approval_statement *statement, const struct approval_statement *expected, int64_t now_ms) {
	if (!bytes_equal(statement->instance, expected->instance))
		return fail(STATUS_CONFLICT, "approval.instance_differs: a statement for another installation");
	if (!hash256_equal(&statement->operation_id, &expected->operation_id))
		return fail(STATUS_CONFLICT, "approval.operation_id_differs: a statement for another operation");
	if (!hash256_equal(&statement->operation_digest, &expected->operation_digest))
		return fail(STATUS_CONFLICT,
			    "approval.operation_digest_differs: the operation that was shown is not this one");
	if (!hash256_equal(&statement->view_digest, &expected->view_digest))
		return fail(STATUS_CONFLICT,
			    "approval.view_digest_differs: what was shown is not what the keeper decodes");
	if (!hash256_equal(&statement->bundle_hash, &expected->bundle_hash))
		return fail(STATUS_CONFLICT,
			    "approval.bundle_hash_differs: the policy has changed; the vote is asked again");
	TRY(check_stage(statement, expected));
	return check_expiry(statement, expected, now_ms);
}

bool
approval_entry_ends(const json *entry) {
	const json *ends = json_get(entry, "ends");
	return ends == nullptr || json_type_of(ends) != JSON_BOOLEAN || json_boolean(ends);
}
