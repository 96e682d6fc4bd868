#include "gate/record.h"

#include "store/blob.h"

static const char *const decision_names[] = {
	[DECISION_PERMIT] = "permit", [DECISION_DENY] = "deny", [DECISION_HELD] = "held"};
static const char *const outcome_names[] = {
	[OUTCOME_NONE] = "none", [OUTCOME_DONE] = "done", [OUTCOME_FAILED] = "failed", [OUTCOME_INTENDED] = "intended"};

const char *
decision_name(enum decision decision) {
	return decision_names[decision];
}

const char *
outcome_name(enum outcome outcome) {
	return outcome_names[outcome];
}

enum operation_state
decision_record_state(const struct decision_record *record) {
	if (record->decision == DECISION_HELD)
		return OPERATION_HELD;
	if (record->decision == DECISION_DENY)
		return OPERATION_DENIED;
	switch (record->outcome) {
	case OUTCOME_INTENDED:
		return OPERATION_UNKNOWN;
	case OUTCOME_DONE:
		return OPERATION_DONE;
	default:
		return OPERATION_FAILED;
	}
}

/* --- Writing. --- */

static void
write_uid(struct json_writer *writer, const char *key, struct entity_uid uid) {
	json_write_key(writer, key);
	json_write_object(writer);
	json_write_member_string(writer, "id", uid.id);
	json_write_member_string(writer, "type", uid.type);
	json_write_end(writer);
}

static void
write_canonical(struct json_writer *writer, const char *key, struct bytes canonical) {
	if (canonical.len == 0)
		return;
	json_write_key(writer, key);
	json_write_canonical(writer, canonical);
}

/* Either the JSON itself, or {"blob": "<hash>"} under another key. */
static enum status
write_large(struct json_writer *writer, const char *key, const char *blob_key, struct bytes canonical,
	    const struct record_blobs *blobs) {
	if (canonical.len <= BLOB_THRESHOLD) {
		write_canonical(writer, key, canonical);
		return OK;
	}
	if (blobs == nullptr || blobs->directory == nullptr)
		return fail(STATUS_INTERNAL, "record.blob: %zu bytes and nowhere to put them", canonical.len);
	struct hash256 hash = sha256(canonical);
	json_write_member_hex(writer, blob_key, hash256_bytes(&hash));
	return OK;
}

enum status
record_write_result(struct json_writer *writer, struct bytes result, const struct record_blobs *blobs) {
	return write_large(writer, "result", "result_blob", result, blobs);
}

void
record_write_nonce(struct json_writer *w, struct bytes chain, uint64_t nonce) {
	char digits[24];
	struct buffer text = {.data = (uint8_t *)digits, .capacity = sizeof digits};
	if (chain.len == 0)
		return;
	json_write_key(w, "nonce");
	json_write_object(w);
	json_write_member_string(w, "chain", chain);
	json_write_key(w, "nonce"); /* as text: it may exceed what JSON integers hold */
	buffer_append_decimal(&text, nonce);
	json_write_string(w, buffer_bytes(&text));
	json_write_end(w);
}

enum status
record_put_large(const struct record_blobs *blobs, struct bytes canonical) {
	struct hash256 hash;
	if (canonical.len <= BLOB_THRESHOLD || blobs->directory == nullptr)
		return OK;
	return blob_put(blobs->io, blobs->directory, canonical, &hash);
}

static void
write_errors(struct json_writer *writer, const struct decision_record *record) {
	json_write_key(writer, "errors");
	json_write_array(writer);
	for (size_t i = 0; i < record->error_count; i++) {
		json_write_object(writer);
		json_write_member_string(writer, "message", record->errors[i].message);
		json_write_member_string(writer, "policy", record->errors[i].policy);
		json_write_end(writer);
	}
	json_write_end(writer);
}

static void
write_reasons(struct json_writer *writer, const struct decision_record *record) {
	json_write_key(writer, "reasons");
	json_write_array(writer);
	for (size_t i = 0; i < record->reason_count; i++)
		json_write_string(writer, record->reasons[i].policy);
	json_write_end(writer);
}

/* About what the body will take: a buffer that grows copies, and wipes, what it has each time. */
static size_t
estimate_size(const struct decision_record *record) {
	constexpr size_t BESIDE = 2048; /* names, hashes, reasons, a spend */
	const struct bytes parts[] = {record->document, record->entities,  record->facts,
				      record->missing,  record->payload,   record->personal,
				      record->result,   record->requester, record->votes};
	size_t size = BESIDE;
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++)
		size += parts[i].len <= BLOB_THRESHOLD ? parts[i].len : 0;
	return size;
}

enum status
decision_record_write(const struct decision_record *record, const struct record_blobs *blobs, struct buffer *body) {
	struct json_writer w;
	buffer_reserve(body, estimate_size(record));
	json_writer_start(&w, body);
	json_write_object(&w);
	write_uid(&w, "action", record->action);
	json_write_member_hex(&w, "bundle", hash256_bytes(&record->bundle));
	json_write_member_integer(&w, "decided_at", record->decided_ms);
	json_write_member_text(&w, "decision", decision_names[record->decision]);
	json_write_member_hex(&w, "digest", hash256_bytes(&record->digest));
	write_canonical(&w, "document", record->document);
	json_write_member_text(&w, "engine", ENGINE_VERSION);
	write_canonical(&w, "entities", record->entities);
	if (record->error.len > 0)
		json_write_member_string(&w, "error", record->error);
	write_errors(&w, record);
	json_write_member_integer(&w, "fact_schema", FACT_SCHEMA_VERSION);
	write_canonical(&w, "facts", record->facts);
	json_write_member_string(&w, "legal_entity", record->legal_entity);
	if (record->has_local_bundle)
		json_write_member_hex(&w, "local_bundle", hash256_bytes(&record->local_bundle));
	write_canonical(&w, "missing", record->missing);
	record_write_nonce(&w, record->nonce_chain, record->nonce);
	json_write_member_hex(&w, "operation", hash256_bytes(&record->operation_id));
	others_write(&w, &record->others);
	json_write_member_text(&w, "outcome", outcome_names[record->outcome]);
	TRY(write_large(&w, "payload", "payload_blob", record->payload, blobs));
	write_canonical(&w, "personal", record->personal);
	write_uid(&w, "principal", record->principal);
	write_reasons(&w, record);
	write_canonical(&w, "requester", record->requester);
	write_uid(&w, "resource", record->resource);
	TRY(record_write_result(&w, record->result, blobs));
	if (record->signature_expires_s != 0)
		json_write_member_integer(&w, "signature_expires", record->signature_expires_s);
	if (record->has_spend) {
		json_write_key(&w, "spend");
		spend_write(&w, &record->spend);
	}
	write_canonical(&w, "votes", record->votes);
	json_write_end(&w);
	return json_writer_finish(&w);
}

enum status
decision_record_write_again(const struct decision_record *record, struct buffer *text) {
	struct json_writer w;
	json_writer_start(&w, text);
	json_write_object(&w);
	write_uid(&w, "action", record->action);
	json_write_member_hex(&w, "bundle", hash256_bytes(&record->bundle));
	json_write_member_integer(&w, "decided_at", record->decided_ms);
	json_write_member_text(&w, "decision", decision_names[record->decision]);
	write_canonical(&w, "entities", record->entities);
	write_errors(&w, record);
	write_canonical(&w, "facts", record->facts);
	if (record->has_local_bundle)
		json_write_member_hex(&w, "local_bundle", hash256_bytes(&record->local_bundle));
	others_write(&w, &record->others);
	write_uid(&w, "principal", record->principal);
	write_reasons(&w, record);
	write_uid(&w, "resource", record->resource);
	if (record->has_spend) {
		json_write_key(&w, "spend");
		spend_write(&w, &record->spend);
	}
	json_write_end(&w);
	return json_writer_finish(&w);
}

enum status
record_write_again(struct json_writer *writer, struct bytes again, const struct record_blobs *blobs) {
	return write_large(writer, "again", "again_blob", again, blobs);
}

/* --- Reading. --- */

static enum status
read_hash(const json *body, const char *key, struct hash256 *hash) {
	struct bytes text;
	TRY(json_need_string(body, "record", key, &text));
	return hex_decode(text, hash->bytes, sizeof hash->bytes);
}

static enum status
read_uid(const json *body, const char *key, struct entity_uid *uid) {
	const json *object;
	TRY(json_need(body, "record", key, JSON_OBJECT, &object));
	TRY(json_need_string(object, key, "type", &uid->type));
	return json_need_string(object, key, "id", &uid->id);
}

/* The member's canonical JSON again: entries are canonical, so this gives the bytes that were hashed. */
static enum status
read_canonical(struct arena *arena, const json *member, struct bytes *canonical) {
	if (member == nullptr)
		return OK;
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	json_write_value(&writer, member);
	TRY(json_writer_finish(&writer));
	*canonical = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(canonical->data);
	return OK;
}

static enum status
read_large(struct arena *arena, const json *body, const char *key, const char *blob_key,
	   const struct record_blobs *blobs, struct bytes *canonical) {
	if (json_get(body, blob_key) == nullptr)
		return read_canonical(arena, json_get(body, key), canonical);
	*canonical = (struct bytes){};
	if (blobs == nullptr)
		return OK;
	struct hash256 hash;
	_cleanup_(buffer_free) struct buffer content = {};
	TRY(read_hash(body, blob_key, &hash));
	TRY(blob_get(blobs->io, blobs->directory, &hash, &content));
	*canonical = arena_copy(arena, buffer_bytes(&content));
	TRY_ALLOC(canonical->data);
	return OK;
}

static enum status
read_choice(const json *body, const char *key, const char *const *names, size_t count, size_t *choice) {
	struct bytes text;
	TRY(json_need_string(body, "record", key, &text));
	for (*choice = 0; *choice < count; (*choice)++)
		if (bytes_equal_text(text, names[*choice]))
			return OK;
	return fail(STATUS_CORRUPT, "record.%s: \"%.*s\" is not known", key, BYTES_ARGS(text));
}

static enum status
read_reasons(struct arena *arena, const json *body, struct decision_record *record) {
	const json *reasons, *errors;
	TRY(json_need(body, "record", "reasons", JSON_ARRAY, &reasons));
	TRY(json_need(body, "record", "errors", JSON_ARRAY, &errors));
	struct record_reason *of_reasons = ARENA_NEW_ARRAY(arena, json_size(reasons) + 1, struct record_reason);
	struct record_reason *of_errors = ARENA_NEW_ARRAY(arena, json_size(errors) + 1, struct record_reason);
	TRY_ALLOC(of_reasons);
	TRY_ALLOC(of_errors);
	struct json_iterator iterator = json_iterate(reasons);
	for (const json *reason; (reason = json_next(&iterator, nullptr)) != nullptr;) {
		if (json_type_of(reason) != JSON_STRING)
			return fail(STATUS_CORRUPT, "record.reasons: an element is not a string");
		of_reasons[record->reason_count++].policy = json_string(reason);
	}
	iterator = json_iterate(errors);
	for (const json *error; (error = json_next(&iterator, nullptr)) != nullptr;) {
		struct record_reason *to = &of_errors[record->error_count++];
		TRY(json_need_string(error, "record.errors", "policy", &to->policy));
		TRY(json_need_string(error, "record.errors", "message", &to->message));
	}
	record->reasons = of_reasons;
	record->errors = of_errors;
	return OK;
}

static enum status
read_policy_side(struct arena *arena, const json *again, struct decision_record *record) {
	size_t decision;
	TRY(read_hash(again, "bundle", &record->bundle));
	record->has_local_bundle = json_get(again, "local_bundle") != nullptr;
	if (record->has_local_bundle)
		TRY(read_hash(again, "local_bundle", &record->local_bundle));
	TRY(read_uid(again, "principal", &record->principal));
	TRY(read_uid(again, "action", &record->action));
	TRY(read_uid(again, "resource", &record->resource));
	TRY(json_need_integer(again, "record", "decided_at", &record->decided_ms));
	TRY(read_choice(again, "decision", decision_names, ARRAY_LENGTH(decision_names), &decision));
	record->decision = (enum decision)decision;
	TRY(read_canonical(arena, json_get(again, "facts"), &record->facts));
	TRY(read_canonical(arena, json_get(again, "entities"), &record->entities));
	return read_reasons(arena, again, record);
}

enum status
decision_record_read_again(struct arena *arena, const json *body, const struct record_blobs *blobs,
			   struct decision_record *record) {
	struct bytes text = {};
	const json *again;
	*record = (struct decision_record){};
	TRY(read_hash(body, "operation", &record->operation_id));
	TRY(read_large(arena, body, "again", "again_blob", blobs, &text));
	TRY(json_read(arena, text, (struct json_limits){}, &again));
	TRY(others_read(arena, again, &record->others));
	TRY(read_policy_side(arena, again, record));
	const json *spend = json_get(again, "spend");
	record->has_spend = spend != nullptr;
	return spend == nullptr ? OK : spend_read(arena, spend, &record->spend);
}

enum status
record_read_result(struct arena *arena, const json *body, const struct record_blobs *blobs, struct bytes *result) {
	return read_large(arena, body, "result", "result_blob", blobs, result);
}

enum status
record_read_nonce(const json *body, struct bytes *chain, uint64_t *number) {
	const json *nonce = json_get(body, "nonce");
	struct bytes digits;
	if (nonce == nullptr)
		return OK;
	TRY(json_need_string(nonce, "record.nonce", "chain", chain));
	TRY(json_need_string(nonce, "record.nonce", "nonce", &digits));
	return decimal_decode(digits, number);
}

enum status
decision_record_read(struct arena *arena, const json *body, const struct record_blobs *blobs,
		     struct decision_record *record) {
	*record = (struct decision_record){};
	size_t decision, outcome;
	TRY(read_hash(body, "operation", &record->operation_id));
	TRY(read_hash(body, "digest", &record->digest));
	TRY(read_hash(body, "bundle", &record->bundle));
	record->has_local_bundle = json_get(body, "local_bundle") != nullptr;
	if (record->has_local_bundle)
		TRY(read_hash(body, "local_bundle", &record->local_bundle));
	TRY(read_uid(body, "principal", &record->principal));
	TRY(read_uid(body, "action", &record->action));
	TRY(read_uid(body, "resource", &record->resource));
	TRY(json_need_integer(body, "record", "decided_at", &record->decided_ms));
	TRY(json_need_string(body, "record", "legal_entity", &record->legal_entity));
	TRY(read_choice(body, "decision", decision_names, ARRAY_LENGTH(decision_names), &decision));
	TRY(read_choice(body, "outcome", outcome_names, ARRAY_LENGTH(outcome_names), &outcome));
	record->decision = (enum decision)decision;
	record->outcome = (enum outcome)outcome;
	TRY(read_canonical(arena, json_get(body, "document"), &record->document));
	TRY(read_canonical(arena, json_get(body, "requester"), &record->requester));
	TRY(read_canonical(arena, json_get(body, "facts"), &record->facts));
	TRY(read_canonical(arena, json_get(body, "entities"), &record->entities));
	TRY(read_canonical(arena, json_get(body, "votes"), &record->votes));
	TRY(read_canonical(arena, json_get(body, "personal"), &record->personal));
	TRY(read_canonical(arena, json_get(body, "missing"), &record->missing));
	TRY(read_large(arena, body, "payload", "payload_blob", blobs, &record->payload));
	TRY(record_read_result(arena, body, blobs, &record->result));
	TRY(read_reasons(arena, body, record));
	TRY(record_read_nonce(body, &record->nonce_chain, &record->nonce));
	if (json_get(body, "error") != nullptr)
		TRY(json_need_string(body, "record", "error", &record->error));
	if (json_get(body, "signature_expires") != nullptr)
		TRY(json_need_integer(body, "record", "signature_expires", &record->signature_expires_s));
	TRY(others_read(arena, body, &record->others));
	const json *spend = json_get(body, "spend");
	if (spend == nullptr)
		return OK;
	record->has_spend = true;
	record->spend.at_ms = record->decided_ms;
	memcpy(record->spend.operation, record->operation_id.bytes, sizeof record->spend.operation);
	return spend_read(arena, spend, &record->spend);
}
