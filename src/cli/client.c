#include "cli/client.h"

#include <signal.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/json.h"
#include "cli/connection.h"
#include "cli/output.h"
#include "crypto/random.h"

constexpr int64_t SIGNATURE_LIFETIME_S = 60;

struct client {
	struct profile profile;
	struct key_file key;
	bool has_key;
	struct connection *connection; /* null before the first request */
};

const struct profile *
client_profile(const struct client *client) {
	return &client->profile;
}

const struct key_file *
client_key(const struct client *client) {
	return &client->key;
}

enum status
client_create(struct invocation *invocation, bool may_lack_key, struct client **client) {
	_cleanup_(client_destroy) struct client *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(profile_read(invocation, &made->profile));
	if (made->profile.key == nullptr && !may_lack_key)
		return fail(STATUS_INVALID, "profile.key: who asks? Give --key FILE, or key in the profile");
	if (made->profile.key != nullptr) {
		TRY(key_file_read(made->profile.key, &made->key));
		made->has_key = true;
	}
	*client = TAKE(made);
	return OK;
}

void
client_destroy(struct client **client) {
	struct client *gone = TAKE(*client);
	if (gone == nullptr)
		return;
	connection_destroy(&gone->connection);
	key_file_free(&gone->key);
	free(gone);
}

/* --- One request. --- */

static enum status
connect_client(struct client *client) {
	const struct profile *profile = &client->profile;
	if (client->connection != nullptr)
		return OK;
	if (profile->host == nullptr)
		return fail(STATUS_INVALID,
			    "profile.url: where is the installation? Give --url, or url in the profile");
	signal(SIGPIPE, SIG_IGN); /* a server that goes away is an error, not the end of this program */
	struct connection_target target = {.host = profile->host,
					   .port = profile->port,
					   .source = profile->source,
					   .ca = profile->ca,
					   .has_pin = profile->has_pin,
					   .pin = profile->pin,
					   .any_on_loopback = profile->insecure_demo};
	return connection_create(&target, &client->connection);
}

/* The six signed fields, or what a person's body needs around it; their number in *count. */
static enum status
make_fields(struct client *client, struct arena *arena, const struct http_request *request, bool is_signed,
	    struct bytes idempotency_key, struct http_field fields[static 6], size_t *count) {
	struct bytes content_type = BYTES_OF_LITERAL("application/json");
	if (!is_signed) {
		fields[0] = (struct http_field){BYTES_OF_LITERAL("Host"), bytes_of_text(client->profile.authority)};
		fields[1] = (struct http_field){BYTES_OF_LITERAL("Content-Type"), content_type};
		fields[2] = (struct http_field){BYTES_OF_LITERAL("Idempotency-Key"), idempotency_key};
		*count = 3;
		return OK;
	}
	struct http_request_signer signer = key_file_signer(&client->key);
	*count = 6;
	return http_signature_create(arena, &signer, request, bytes_of_text(client->profile.authority), content_type,
				     idempotency_key, io_realtime_ns(io_system()) / 1'000'000, SIGNATURE_LIFETIME_S,
				     fields);
}

static enum status
ask(struct client *client, struct arena *arena, const struct http_request *request, bool is_signed,
    struct bytes idempotency_key, struct connection_answer *answer) {
	struct http_field fields[6];
	struct http_request sent = *request;
	TRY(connect_client(client));
	TRY(make_fields(client, arena, request, is_signed, idempotency_key, fields, &sent.field_count));
	sent.fields = fields;
	return connection_exchange(client->connection, arena, &sent, answer);
}

enum status
client_get(struct client *client, struct arena *arena, const char *target, struct connection_answer *answer) {
	uint8_t random[16];
	char key[2 * sizeof random + 1];
	random_bytes(random, sizeof random);
	hex_encode(BYTES_OF_ARRAY(random), key);
	struct http_request request = {.method = BYTES_OF_LITERAL("GET"), .target = bytes_of_text(target)};
	return ask(client, arena, &request, client->has_key, bytes_of_text(key), answer);
}

enum status
client_post(struct client *client, struct arena *arena, const char *target, struct bytes body,
	    struct bytes idempotency_key, struct connection_answer *answer) {
	struct http_request request = {
		.method = BYTES_OF_LITERAL("POST"), .target = bytes_of_text(target), .body = body};
	return ask(client, arena, &request, !key_file_is_person(&client->key), idempotency_key, answer);
}

/* --- Answers. --- */

int
client_exit_code(unsigned status) {
	if (status < 300)
		return EXIT_DONE;
	if (status == 503 || status == 502 || status == 504 || status == 429)
		return EXIT_UNREACHABLE;
	return status < 500 ? EXIT_FOUND : EXIT_INTERNAL;
}

static struct bytes
member_of(const json *document, const char *name) {
	const json *value = json_get(document, name);
	return value == nullptr || json_type_of(value) != JSON_STRING ? (struct bytes){} : json_string(value);
}

void
client_say_problem(struct arena *arena, const struct connection_answer *answer) {
	static const char prefix[] = "urn:gatehouse:problem:";
	_cleanup_(buffer_free) struct buffer text = {};
	const json *document;
	if (json_read(arena, answer->body, (struct json_limits){}, &document) == OK &&
	    json_type_of(document) == JSON_OBJECT) {
		struct bytes type = member_of(document, "type"), detail = member_of(document, "detail");
		if (type.len > strlen(prefix) && memcmp(type.data, prefix, strlen(prefix)) == 0)
			output_foreign(&text, bytes_of(type.data + strlen(prefix), type.len - strlen(prefix)), false);
		buffer_append_text(&text, ": ");
		output_foreign(&text, detail.len > 0 ? detail : member_of(document, "title"), false);
		buffer_append_byte(&text, ' ');
	}
	buffer_append_format(&text, "(HTTP %u)", answer->status);
	if (buffer_status(&text) == OK)
		output_note("gatehouse: %.*s", BYTES_ARGS(text));
}
