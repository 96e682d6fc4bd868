/* What people are called, who may read it, and who audits. */
#include "cli/handlers.h"

#include "base/time.h"
#include "cli/output.h"
#include "cli/submit.h"
#include "store/opening.h"

constexpr size_t FIELDS_MAX = 2;

/* "p-…" is a person; "person:…" and "workload:…" stand as they are. */
static enum status
principal_of(struct invocation *invocation, const char *given, const char **principal) {
	bool is_whole = strncmp(given, "person:", 7) == 0 || strncmp(given, "workload:", 9) == 0;
	*principal = is_whole ? given : arena_format(&invocation->arena, "person:%s", given);
	TRY_ALLOC(*principal);
	return OK;
}

static enum status
read_time(const struct invocation *invocation, const char *option, int64_t *time_ms) {
	return time_parse(bytes_of_text(invocation_option(invocation, option)), time_ms);
}

static enum status
submit(struct invocation *invocation, const struct json_writer *payload, struct bytes personal) {
	const char *principal;
	if (json_writer_finish(payload) != OK)
		return fail(STATUS_INVALID, "payload.text: what was given is no UTF-8 text");
	TRY(principal_of(invocation, invocation_word(invocation, 0), &principal));
	return submit_operation(invocation, &(struct submit_request){.kind = invocation->command->kind,
								     .resource = principal,
								     .payload = buffer_bytes(payload->to),
								     .personal = personal});
}

/* --- A profile: the payload commits, the values go beside it. --- */

static size_t
gather_fields(const struct invocation *invocation, struct opening_field fields[FIELDS_MAX]) {
	static const char *const names[FIELDS_MAX] = {"contact", "name"};
	size_t count = 0;
	for (size_t i = 0; i < FIELDS_MAX; i++) {
		const char *value = invocation_option(invocation, names[i]);
		if (value != nullptr)
			fields[count++] = opening_field_of(bytes_of_text(names[i]), bytes_of_text(value));
	}
	return count;
}

static enum status
write_personal(const struct opening_field *fields, size_t count, struct buffer *to) {
	struct json_writer w;
	json_writer_start(&w, to);
	json_write_object(&w);
	for (size_t i = 0; i < count; i++) {
		json_write_key_bytes(&w, fields[i].name);
		json_write_object(&w);
		json_write_member_hex(&w, "salt", BYTES_OF_ARRAY(fields[i].salt));
		json_write_member_string(&w, "value", fields[i].value);
		json_write_end(&w);
	}
	json_write_end(&w);
	return json_writer_finish(&w) == OK ? OK
					    : fail(STATUS_INVALID, "payload.text: what was given is no UTF-8 text");
}

enum status
person_profile_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer payload = {}, personal = {};
	struct opening_field fields[FIELDS_MAX];
	struct json_writer w;
	size_t count = gather_fields(invocation, fields);
	if (count == 0)
		return fail(STATUS_INVALID, "usage.profile: give --name, --contact or both");
	json_writer_start(&w, &payload);
	json_write_object(&w);
	for (size_t i = 0; i < count; i++) {
		struct hash256 commitment = opening_commit(&fields[i]);
		json_write_key_bytes(&w, fields[i].name);
		json_write_hex(&w, hash256_bytes(&commitment));
	}
	json_write_end(&w);
	TRY(write_personal(fields, count, &personal));
	return submit(invocation, &w, buffer_bytes(&personal));
}

/* --- Who may read what. --- */

enum status
personal_grant_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer payload = {};
	struct json_writer w;
	int64_t until_ms;
	TRY(read_time(invocation, "until", &until_ms));
	json_writer_start(&w, &payload);
	json_write_object(&w);
	json_write_member_integer(&w, "until", until_ms);
	json_write_end(&w);
	return submit(invocation, &w, (struct bytes){});
}

enum status
auditor_grant_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer payload = {};
	struct json_writer w;
	int64_t from_ms, until_ms;
	TRY(read_time(invocation, "from", &from_ms));
	TRY(read_time(invocation, "until", &until_ms));
	json_writer_start(&w, &payload);
	json_write_object(&w);
	json_write_member_text(&w, "entity", invocation_option(invocation, "legal-entity"));
	json_write_member_integer(&w, "from", from_ms);
	json_write_member_integer(&w, "until", until_ms);
	json_write_end(&w);
	return submit(invocation, &w, (struct bytes){});
}

enum status
auditor_revoke_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer payload = {};
	struct json_writer w;
	json_writer_start(&w, &payload);
	json_write_object(&w);
	json_write_member_text(&w, "entity", invocation_option(invocation, "legal-entity"));
	json_write_end(&w);
	return submit(invocation, &w, (struct bytes){});
}

/* --- Reading. --- */

/* What goes into a target as it is. */
static enum status
check_word(const char *word) {
	static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:@-";
	return word[0] != '\0' && word[strspn(word, fit)] == '\0'
		       ? OK
		       : fail(STATUS_INVALID, "usage.id: \"%s\": a character that no such name has", word);
}

static enum status
show(struct invocation *invocation, const char *before, const char *after) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct connection_answer answer;
	const char *word = invocation_word(invocation, 0);
	TRY(check_word(word));
	const char *target = arena_format(&invocation->arena, "%s%s%s", before, word, after);
	TRY_ALLOC(target);
	TRY(client_create(invocation, false, &client));
	TRY(client_get(client, &invocation->arena, target, &answer));
	invocation->exit_code = client_exit_code(answer.status);
	if (answer.status >= 300)
		client_say_problem(&invocation->arena, &answer);
	return answer.status < 300 || invocation->json ? output_document(invocation, answer.body) : OK;
}

enum status
person_show_run(struct invocation *invocation) {
	return show(invocation, "/v1/people/", "/personal");
}

enum status
ledger_personal_run(struct invocation *invocation) {
	return show(invocation, "/v1/ledger/entries/", "/personal");
}

/* --- Exports: one page a line, as it was answered, so that a line's SHA-256 is what the log says of it. --- */

static enum status
start_target(struct invocation *invocation, struct buffer *target) {
	const char *entity = invocation_option(invocation, "legal-entity");
	char separator = '?';
	buffer_append_text(target, "/v1/ledger/export");
	if (entity != nullptr) {
		TRY(check_word(entity));
		buffer_append_format(target, "%clegal_entity=%s", separator, entity);
		separator = '&';
	}
	for (size_t i = 0; i < 2; i++) {
		static const char *const names[] = {"from", "until"};
		int64_t time_ms;
		if (invocation_option(invocation, names[i]) == nullptr)
			continue;
		TRY(read_time(invocation, names[i], &time_ms));
		buffer_append_format(target, "%c%s=%lld", separator, names[i], (long long)time_ms);
		separator = '&';
	}
	buffer_append_format(target, "%c", separator);
	return buffer_status(target);
}

/* 0: it was the last. */
static enum status
read_next(struct arena *arena, struct bytes page, uint64_t *next) {
	const json *document;
	int64_t number = 0;
	TRY(json_read(arena, page, (struct json_limits){}, &document));
	if (json_get(document, "next") != nullptr)
		TRY(json_need_integer(document, "export", "next", &number));
	if (number < 0 || (*next != 0 && (uint64_t)number >= *next))
		return fail(STATUS_CORRUPT, "export.next: the pages lead nowhere");
	*next = (uint64_t)number;
	return OK;
}

enum status
ledger_export_run(struct invocation *invocation) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	_cleanup_(buffer_free) struct buffer start = {}, pages = {};
	struct connection_answer answer;
	uint64_t before = 0;
	TRY(start_target(invocation, &start));
	TRY(client_create(invocation, false, &client));
	do {
		const char *target = arena_format(&invocation->arena, "%.*slimit=100", BYTES_ARGS(start));
		if (before > 0)
			target = arena_format(&invocation->arena, "%.*sbefore=%llu&limit=100", BYTES_ARGS(start),
					      (unsigned long long)before);
		TRY_ALLOC(target);
		TRY(client_get(client, &invocation->arena, target, &answer));
		invocation->exit_code = client_exit_code(answer.status);
		if (answer.status >= 300) {
			client_say_problem(&invocation->arena, &answer);
			return OK;
		}
		TRY(read_next(&invocation->arena, answer.body, &before));
		buffer_append_bytes(&pages, answer.body);
		buffer_append_byte(&pages, '\n');
	} while (before > 0);
	TRY(buffer_status(&pages));
	return output_file(invocation_option(invocation, "out"), buffer_bytes(&pages), 0600, false);
}
