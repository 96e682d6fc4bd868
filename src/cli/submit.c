#include "cli/submit.h"

#include "base/io.h"
#include "base/time.h"
#include "cli/one_time_code.h"
#include "cli/output.h"
#include "crypto/random.h"
#include "gate/operations.h"
#include "identity/statement.h"
#include "model/operation.h"
#include "model/operation_kind.h"

constexpr int64_t LIFETIME_DEFAULT_MS = DAY_MS;

enum status
duration_parse(const char *text, int64_t *duration_ms) {
	static const struct {
		char unit;
		int64_t ms;
	} units[] = {{'s', SECOND_MS}, {'m', MINUTE_MS}, {'h', HOUR_MS}, {'d', DAY_MS}};
	size_t digits = strspn(text, "0123456789");
	uint64_t number;
	for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
		if (text[digits] == units[i].unit && text[digits + 1] == '\0' &&
		    decimal_decode(bytes_of(text, digits), &number) == OK && number > 0 &&
		    number <= (uint64_t)(OPERATION_LIFETIME_MAX_MS / units[i].ms)) {
			*duration_ms = (int64_t)number * units[i].ms;
			return OK;
		}
	return fail(STATUS_INVALID, "usage.duration: expected 30s, 5m, 24h or 7d, at most 30d, found \"%s\"", text);
}

static struct bytes
option_bytes(const struct invocation *invocation, const char *name) {
	const char *value = invocation_option(invocation, name);
	return value == nullptr ? (struct bytes){} : bytes_of_text(value);
}

static enum status
choose_idempotency_key(struct invocation *invocation, const struct submit_request *request, struct bytes *key) {
	uint8_t random[16];
	char hex[2 * sizeof random + 1];
	*key = option_bytes(invocation, "idempotency-key");
	if (key->data == nullptr && request->idempotency_key != nullptr)
		*key = bytes_of_text(request->idempotency_key);
	if (key->data != nullptr)
		return OK;
	random_bytes(random, sizeof random);
	hex_encode(BYTES_OF_ARRAY(random), hex);
	const char *made = arena_format(&invocation->arena, "cli-%s", hex);
	TRY_ALLOC(made);
	*key = bytes_of_text(made);
	return OK;
}

static enum status
make_operation(struct invocation *invocation, const struct client *client, const struct submit_request *request,
	       struct operation *operation) {
	int64_t lifetime_ms = LIFETIME_DEFAULT_MS;
	const char *expires = invocation_option(invocation, "expires");
	TRY(profile_need_instance(client_profile(client)));
	if (expires != nullptr)
		TRY(duration_parse(expires, &lifetime_ms));
	*operation = (struct operation){.instance = bytes_of_text(client_profile(client)->instance),
					.kind = bytes_of_text(request->kind),
					.principal = client_key(client)->principal,
					.resource = bytes_of_text(request->resource),
					.reference = option_bytes(invocation, "reference"),
					.reason = option_bytes(invocation, "reason"),
					.payload_hash = sha256(request->payload),
					.break_glass = invocation_option(invocation, "break-glass") != nullptr,
					.created_ms = io_realtime_ns(io_system()) / 1'000'000};
	operation->expires_ms = operation->created_ms + lifetime_ms;
	return choose_idempotency_key(invocation, request, &operation->idempotency_key);
}

static enum status
write_signature(const struct key_file *key, struct bytes document, const char *totp, struct json_writer *w) {
	struct hash256 digest = sha256(document);
	uint8_t signature[64];
	TRY(key_file_sign(key, OPERATION_SIGNATURE_LABEL, &digest, signature));
	json_write_key(w, "signature");
	json_write_object(w);
	json_write_member_string(w, "key_id", key->key_id);
	json_write_member_hex(w, "signature", BYTES_OF_ARRAY(signature));
	if (totp != nullptr)
		json_write_member_text(w, "totp", totp);
	json_write_end(w);
	return OK;
}

/* The body is canonical: the log shows again which bytes the requester signed. */
static enum status
write_body(const struct client *client, const struct operation *operation, const struct submit_request *request,
	   const char *totp, struct buffer *body) {
	_cleanup_(buffer_free) struct buffer document = {};
	struct json_writer w;
	TRY(operation_write(operation, &document));
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_key(&w, "operation");
	json_write_canonical(&w, buffer_bytes(&document));
	json_write_key(&w, "payload");
	json_write_canonical(&w, request->payload);
	if (request->personal.len > 0) {
		json_write_key(&w, "personal");
		json_write_canonical(&w, request->personal);
	}
	if (request->secret.len > 0) {
		json_write_key(&w, "secret");
		json_write_canonical(&w, request->secret);
	}
	if (key_file_is_person(client_key(client)))
		TRY(write_signature(client_key(client), buffer_bytes(&document), totp, &w));
	json_write_end(&w);
	return json_writer_finish(&w);
}

static enum status
check_kind(const struct submit_request *request, enum operation_kind_id *kind) {
	enum resource_type type;
	struct bytes id;
	TRY(operation_kind_parse(bytes_of_text(request->kind), kind));
	return operation_kind_check_resource(*kind, bytes_of_text(request->resource), &type, &id);
}

/* Where the answer was lost the operation may have been done: its id is known here all the same. */
static void
say_id(const struct operation *operation) {
	struct hash256 id;
	char hex[65];
	if (operation_id(operation->instance, operation->principal, operation->idempotency_key, &id) != OK)
		return;
	hex_encode(hash256_bytes(&id), hex);
	output_note("gatehouse: the operation is %s (idempotency key %.*s)", hex,
		    BYTES_ARGS(operation->idempotency_key));
}

enum status
submit_operation(struct invocation *invocation, const struct submit_request *request) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	_cleanup_(buffer_free) struct buffer body = {};
	enum operation_kind_id kind;
	struct operation operation;
	struct connection_answer answer;
	char totp[ONE_TIME_CODE_MAX + 1];
	TRY(check_kind(request, &kind));
	TRY(client_create(invocation, false, &client));
	TRY(make_operation(invocation, client, request, &operation));
	const char *totp_file = invocation_option(invocation, "totp-file");
	if (totp_file != nullptr && !key_file_is_person(client_key(client)))
		return fail(STATUS_INVALID, "usage.totp-file: a workload has no one-time passwords");
	if (totp_file != nullptr)
		TRY(one_time_code_read(totp_file, totp));
	TRY(write_body(client, &operation, request, totp_file == nullptr ? nullptr : totp, &body));
	const char *target = operation_kinds[kind].is_protective ? "/v1/protective" : "/v1/operations";
	enum status status = client_post(client, &invocation->arena, target, buffer_bytes(&body),
					 operation.idempotency_key, &answer);
	if (status == STATUS_UNAVAILABLE)
		say_id(&operation);
	TRY(status);
	return submit_show_answer(invocation, &answer);
}

/* Nothing is missing of an operation that is held: of its requester's secret, which is not kept while people approve. */
static void
say_whose_turn_it_is(const json *answer) {
	const json *state = json_get(answer, "state"), *missing = json_get(answer, "missing");
	bool is_held = json_type_of(state) == JSON_STRING &&
		       bytes_equal_text(json_string(state), operation_state_name(OPERATION_HELD));
	if (is_held && missing != nullptr && json_type_of(missing) == JSON_OBJECT && json_size(missing) == 0)
		output_note("gatehouse: all approvals are there; its requester gives the same command again, with the "
			    "secret");
}

enum status
submit_show_answer(struct invocation *invocation, const struct connection_answer *answer) {
	_cleanup_(buffer_free) struct buffer lines = {}, one = {};
	const json *document, *member;
	struct bytes key;
	invocation->exit_code = client_exit_code(answer->status);
	if (answer->status >= 400)
		client_say_problem(&invocation->arena, answer);
	if (invocation->json)
		return output_document(invocation, answer->body);
	TRY(json_read(&invocation->arena, answer->body, (struct json_limits){}, &document));
	if (json_get(document, "state") == nullptr)
		return OK; /* a problem, which was said */
	say_whose_turn_it_is(document);
	struct json_writer w;
	json_writer_start(&w, &one);
	json_write_object(&w);
	struct json_iterator iterator = json_iterate(document);
	while ((member = json_next(&iterator, &key)) != nullptr) {
		if (bytes_equal_text(key, "receipt"))
			continue;
		json_write_key_bytes(&w, key);
		json_write_value(&w, member);
	}
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return output_document(invocation, buffer_bytes(&one));
}
