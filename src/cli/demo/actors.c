#include "cli/demo/actors.h"

#include <stdio.h>

#include "base/io.h"
#include "base/time.h"
#include "cli/review.h"
#include "crypto/random.h"
#include "model/operation.h"

constexpr int64_t SIGNATURE_LIFETIME_S = 60;

static const struct {
	const char *name, *file, *principal, *key, *source;
} firm[ACTORS] = {
	[ACTOR_PERSON_1] = {"person 1", "1", "person:p-0000000000000001", "terminal", nullptr},
	[ACTOR_PERSON_2] = {"person 2", "2", "person:p-0000000000000002", "terminal", nullptr},
	[ACTOR_PERSON_3] = {"person 3", "3", "person:p-0000000000000003", "terminal", nullptr},
	[ACTOR_PERSON_4] = {"person 4", "4", "person:p-0000000000000004", "terminal", nullptr},
	[ACTOR_PERSON_5] = {"person 5", "5", "person:p-0000000000000005", "terminal", nullptr},
	[ACTOR_SETTLEMENT] = {"settlement", "settlement", "workload:settlement", "main", "127.1.0.10"},
	[ACTOR_TREASURER] = {"treasurer", "treasurer", "workload:treasurer", "main", "127.2.0.10"},
	[ACTOR_PRICES] = {"prices", "prices", "workload:prices", "main", "127.3.0.10"},
};

static enum status
make_key(const struct actors *others, enum actor_id id, struct key_file *key) {
	char path[4096];
	if (others == nullptr)
		return key_file_generate(key, firm[id].principal, firm[id].key);
	snprintf(path, sizeof path, "%s/%s", others->house->keys, firm[id].file);
	return key_file_read(path, key);
}

/* others: whose key it has; null: one of its own. */
static enum status
make_actor(struct actors *actors, const struct actors *others, enum actor_id id) {
	struct actor *actor = &actors->actors[id];
	actor->name = firm[id].name;
	actor->file = firm[id].file;
	actor->source = firm[id].source;
	TRY(make_key(others, id, &actor->key));
	const char *path = arena_format(&actors->arena, "%s/%s", actors->house->keys, actor->file);
	TRY_ALLOC(path);
	TRY(key_file_write(&actor->key, path));
	struct connection_target target = {.host = "127.0.0.1",
					   .port = actors->house->port,
					   .source = actor->source,
					   .ca = actors->house->certificate_path};
	return connection_create(&target, &actor->connection);
}

char *
actor_profile(struct actors *actors, enum actor_id id) {
	return arena_format(&actors->arena, "%s/%s.yaml", actors->house->keys, actors->actors[id].file);
}

/* Where the installation is and who asks, for the command line. */
static enum status
write_profile(struct actors *actors, enum actor_id id) {
	_cleanup_(buffer_free) struct buffer text = {};
	const char *path = actor_profile(actors, id);
	TRY_ALLOC(path);
	buffer_append_format(&text, "url: https://%s\ninstance: %s\nkey: %s\nca: %s\n", actors->house->authority,
			     actors->instance, actors->actors[id].file, actors->house->certificate_path);
	TRY(buffer_status(&text));
	return io_replace_file(io_system(), path, buffer_bytes(&text));
}

static enum status
make_all(struct actors *actors, const struct actors *others) {
	for (enum actor_id id = 0; id < ACTORS; id++)
		TRY(make_actor(actors, others, id));
	for (enum actor_id id = 0; id < ACTORS; id++)
		TRY(write_profile(actors, id));
	return OK;
}

enum status
actors_make(struct actors *actors, struct house *house, const char *instance) {
	*actors = (struct actors){.house = house, .instance = instance};
	return make_all(actors, nullptr);
}

enum status
actors_join(struct actors *actors, struct house *house, const struct actors *others, unsigned first) {
	*actors = (struct actors){.house = house, .instance = others->instance, .operations = first};
	return make_all(actors, others);
}

void
actors_free(struct actors *actors) {
	for (enum actor_id id = 0; id < ACTORS; id++) {
		connection_destroy(&actors->actors[id].connection);
		key_file_free(&actors->actors[id].key);
	}
	arena_free(&actors->arena);
}

void
actors_hang_up(struct actors *actors) {
	for (enum actor_id id = 0; id < ACTORS; id++)
		connection_hang_up(actors->actors[id].connection);
}

const char *
actor_short(const struct actors *actors, enum actor_id id) {
	return actors->actors[id].name;
}

/* --- Answers. --- */

static const char *
text_of(struct arena *arena, const json *document, const char *key) {
	const json *value = json_get(document, key);
	if (value == nullptr || json_type_of(value) != JSON_STRING)
		return "";
	const char *text = arena_text(arena, json_string(value));
	return text == nullptr ? "" : text;
}

void
told_read(struct arena *arena, const struct connection_answer *answer, struct told *told) {
	static const char prefix[] = "urn:gatehouse:problem:";
	const json *document = nullptr;
	*told = (struct told){
		.status = answer->status, .body = answer->body, .operation = "", .state = "", .type = "", .entry = -1};
	if (json_read(arena, answer->body, (struct json_limits){}, &document) != OK)
		return;
	told->document = document;
	if (json_type_of(document) != JSON_OBJECT)
		return;
	told->operation = text_of(arena, document, "operation");
	told->state = text_of(arena, document, "state");
	told->type = text_of(arena, document, "type");
	if (strncmp(told->type, prefix, sizeof prefix - 1) == 0)
		told->type += sizeof prefix - 1;
	told->receipt = bytes_of_text(text_of(arena, document, "receipt"));
	told->result = json_get(document, "result");
	const json *entry = json_get(document, "entry");
	if (entry != nullptr && json_type_of(entry) == JSON_INTEGER)
		told->entry = json_integer(entry);
}

bool
told_reason(const struct told *told, const char *policy) {
	const json *reasons = json_get(told->document, "reasons"), *one;
	if (reasons == nullptr || json_type_of(reasons) != JSON_ARRAY)
		return false;
	struct json_iterator iterator = json_iterate(reasons);
	while ((one = json_next(&iterator, nullptr)) != nullptr)
		if (json_type_of(one) == JSON_STRING && bytes_equal_text(json_string(one), policy))
			return true;
	return false;
}

/* --- Operations. --- */

static enum status
canonical_payload(struct arena *arena, const char *payload, struct bytes *canonical) {
	_cleanup_(buffer_free) struct buffer text = {};
	const json *document;
	struct json_writer w;
	TRY(json_read(arena, bytes_of_text(payload), (struct json_limits){}, &document));
	json_writer_start(&w, &text);
	json_write_value(&w, document);
	TRY(json_writer_finish(&w));
	*canonical = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(canonical->data);
	return OK;
}

static void
write_signature(const struct key_file *key, const uint8_t signature[64], struct json_writer *w) {
	json_write_key(w, "signature");
	json_write_object(w);
	json_write_member_string(w, "key_id", key->key_id);
	json_write_member_hex(w, "signature", bytes_of(signature, 64));
	json_write_end(w);
}

static enum status
write_body(const struct actor *actor, const struct operation *operation, struct bytes payload, struct buffer *body) {
	_cleanup_(buffer_free) struct buffer document = {};
	struct json_writer w;
	TRY(operation_write(operation, &document));
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_key(&w, "operation");
	json_write_canonical(&w, buffer_bytes(&document));
	json_write_key(&w, "payload");
	json_write_canonical(&w, payload);
	if (key_file_is_person(&actor->key)) {
		struct hash256 digest = sha256(buffer_bytes(&document));
		uint8_t signature[64];
		TRY(key_file_sign(&actor->key, OPERATION_SIGNATURE_LABEL, &digest, signature));
		write_signature(&actor->key, signature, &w);
	}
	json_write_end(&w);
	return json_writer_finish(&w);
}

static int64_t
now_ms(void) {
	return io_realtime_ns(io_system()) / 1'000'000;
}

static enum status
sign_request(struct actors *actors, const struct actor *actor, struct bytes idempotency_key,
	     struct prepared *prepared) {
	struct http_request_signer signer = key_file_signer(&actor->key);
	prepared->fields = ARENA_NEW_ARRAY(&actors->arena, 6, struct http_field);
	TRY_ALLOC(prepared->fields);
	TRY(http_signature_create(&actors->arena, &signer, &prepared->request, bytes_of_text(actors->house->authority),
				  BYTES_OF_LITERAL("application/json"), idempotency_key, now_ms(), SIGNATURE_LIFETIME_S,
				  prepared->fields));
	prepared->request.fields = prepared->fields;
	prepared->request.field_count = 6;
	return OK;
}

enum status
actor_prepare(struct actors *actors, enum actor_id by, const char *kind, const char *resource, const char *payload,
	      struct prepared *prepared) {
	const struct actor *actor = &actors->actors[by];
	_cleanup_(buffer_free) struct buffer body = {};
	struct bytes canonical;
	char *key = arena_format(&actors->arena, "%s-%u", actor->file, ++actors->operations);
	TRY_ALLOC(key);
	TRY(canonical_payload(&actors->arena, payload, &canonical));
	struct operation operation = {.instance = bytes_of_text(actors->instance),
				      .kind = bytes_of_text(kind),
				      .principal = actor->key.principal,
				      .resource = bytes_of_text(resource),
				      .idempotency_key = bytes_of_text(key),
				      .payload_hash = sha256(canonical),
				      .created_ms = now_ms()};
	operation.expires_ms = operation.created_ms + HOUR_MS;
	TRY(write_body(actor, &operation, canonical, &body));
	*prepared = (struct prepared){.by = by};
	prepared->request.method = BYTES_OF_LITERAL("POST");
	prepared->request.target = BYTES_OF_LITERAL("/v1/operations");
	prepared->request.body = arena_copy(&actors->arena, buffer_bytes(&body));
	TRY_ALLOC(prepared->request.body.data);
	return sign_request(actors, actor, bytes_of_text(key), prepared);
}

bool
prepared_swap(struct bytes body, const char *from, const char *to) {
	size_t len = strlen(from);
	uint8_t *at = strlen(to) == len ? memmem(body.data, body.len, from, len) : nullptr;
	for (size_t i = 0; at != nullptr && i < len; i++)
		at[i] = (uint8_t)to[i];
	return at != nullptr;
}

enum status
prepared_refit_digest(struct actors *actors, struct prepared *prepared) {
	char encoded[BASE64_LENGTH(32) + 1];
	struct hash256 hash = sha256(prepared->request.body);
	base64_encode(hash256_bytes(&hash), encoded);
	const char *digest = arena_format(&actors->arena, "sha-256=:%s:", encoded);
	TRY_ALLOC(digest);
	for (size_t i = 0; i < prepared->request.field_count; i++)
		if (bytes_equal_text(prepared->fields[i].name, "content-digest"))
			prepared->fields[i].value = bytes_of_text(digest);
	return OK;
}

enum status
actor_send(struct actors *actors, const struct prepared *prepared, struct told *told) {
	struct connection_answer answer;
	int64_t start_ns = io_boottime_ns(io_system());
	TRY(connection_exchange(actors->actors[prepared->by].connection, &actors->arena, &prepared->request, &answer));
	int64_t elapsed_ns = io_boottime_ns(io_system()) - start_ns;
	told_read(&actors->arena, &answer, told);
	told->elapsed_ns = elapsed_ns;
	if (told->receipt.len > 0 && actors->time_count < ACTOR_TIMES_MAX)
		actors->times_ns[actors->time_count++] = elapsed_ns;
	return OK;
}

enum status
actor_ask(struct actors *actors, enum actor_id by, const char *kind, const char *resource, const char *payload,
	  struct told *told) {
	struct prepared prepared;
	TRY(actor_prepare(actors, by, kind, resource, payload, &prepared));
	return actor_send(actors, &prepared, told);
}

enum status
actor_prepare_get(struct actors *actors, enum actor_id by, const char *target, struct prepared *prepared) {
	uint8_t random[16];
	char *key = arena_alloc(&actors->arena, 2 * sizeof random + 1);
	TRY_ALLOC(key);
	random_bytes(random, sizeof random);
	hex_encode(BYTES_OF_ARRAY(random), key);
	*prepared = (struct prepared){.by = by};
	prepared->request.method = BYTES_OF_LITERAL("GET");
	prepared->request.target = bytes_of_text(target);
	return sign_request(actors, &actors->actors[by], bytes_of_text(key), prepared);
}

enum status
actor_get(struct actors *actors, enum actor_id by, const char *target, struct told *told) {
	struct prepared prepared;
	struct connection_answer answer;
	TRY(actor_prepare_get(actors, by, target, &prepared));
	TRY(connection_exchange(actors->actors[by].connection, &actors->arena, &prepared.request, &answer));
	told_read(&actors->arena, &answer, told);
	return OK;
}

/* --- Votes. --- */

enum status
actor_sign_vote(struct actors *actors, enum actor_id by, struct bytes material, struct buffer *body) {
	struct review review;
	TRY(review_read(&actors->arena, material, actors->instance, &review));
	return review_vote(&review, &actors->actors[by].key,
			   &(struct review_choice){.verdict = APPROVAL_APPROVE, .client = APPROVAL_CLIENT_CLI}, body);
}

enum status
actor_vote_request(struct actors *actors, const char *operation, struct bytes body, struct http_request *request) {
	const char *target = arena_format(&actors->arena, "/v1/operations/%s/votes", operation);
	struct http_field *fields = ARENA_NEW_ARRAY(&actors->arena, 2, struct http_field);
	struct bytes copy = arena_copy(&actors->arena, body);
	TRY_ALLOC(target);
	TRY_ALLOC(fields);
	TRY_ALLOC(copy.data);
	fields[0] = (struct http_field){BYTES_OF_LITERAL("Host"), bytes_of_text(actors->house->authority)};
	fields[1] = (struct http_field){BYTES_OF_LITERAL("Content-Type"), BYTES_OF_LITERAL("application/json")};
	*request = (struct http_request){.method = BYTES_OF_LITERAL("POST"),
					 .target = bytes_of_text(target),
					 .fields = fields,
					 .field_count = 2,
					 .body = copy};
	return OK;
}

enum status
actor_post_vote(struct actors *actors, enum actor_id by, const char *operation, struct bytes body, struct told *told) {
	struct http_request request;
	struct connection_answer answer;
	TRY(actor_vote_request(actors, operation, body, &request));
	TRY(connection_exchange(actors->actors[by].connection, &actors->arena, &request, &answer));
	told_read(&actors->arena, &answer, told);
	return OK;
}

enum status
actor_vote(struct actors *actors, enum actor_id by, const char *operation, struct told *told) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct told material;
	const char *target = arena_format(&actors->arena, "/v1/operations/%s/payload", operation);
	TRY_ALLOC(target);
	TRY(actor_get(actors, by, target, &material));
	if (material.status != 200)
		return fail(STATUS_CONFLICT, "demo.material: %u %s", material.status, material.type);
	TRY(actor_sign_vote(actors, by, material.body, &body));
	return actor_post_vote(actors, by, operation, buffer_bytes(&body), told);
}

enum status
actor_approve(struct actors *actors, enum actor_id by, const char *operation, struct told *told) {
	_cleanup_(buffer_free) struct buffer output = {};
	const char *profile = actor_profile(actors, by);
	int exit_code;
	TRY_ALLOC(profile);
	TRY(HOUSE_RUN(actors->house, 0, &output, &exit_code, "op", "approve", operation, "--yes", "--json", "--profile",
		      profile));
	if (exit_code != 0)
		return fail(STATUS_CONFLICT, "demo.approve: %s: gatehouse op approve ends with %d",
			    actors->actors[by].name, exit_code);
	struct connection_answer answer = {.status = 200, .body = arena_copy(&actors->arena, buffer_bytes(&output))};
	TRY_ALLOC(answer.body.data);
	told_read(&actors->arena, &answer, told);
	return OK;
}

enum status
actor_reject(struct actors *actors, enum actor_id by, const char *operation) {
	_cleanup_(buffer_free) struct buffer output = {};
	const char *profile = actor_profile(actors, by);
	int exit_code;
	TRY_ALLOC(profile);
	TRY(HOUSE_RUN(actors->house, 0, &output, &exit_code, "op", "reject", operation, "--reason",
		      "not what was shown", "--yes", "--json", "--profile", profile));
	/* Whoever rejects hears that it is rejected: exit code 1. */
	return exit_code == 1 && output.len > 0 && memmem(output.data, output.len, "\"rejected\"", 10) != nullptr
		       ? OK
		       : fail(STATUS_CONFLICT, "demo.reject: %s: gatehouse op reject ends with %d",
			      actors->actors[by].name, exit_code);
}
