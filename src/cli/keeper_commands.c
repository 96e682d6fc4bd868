#include "cli/handlers.h"

#include "cli/client.h"
#include "cli/output.h"
#include "cli/payload.h"

constexpr size_t ENROLMENT_MAX = 64 * 1024;

static enum status
read_number(const struct invocation *invocation, const char *option, uint64_t min, uint64_t max, int64_t *number) {
	uint64_t read = 0;
	const char *text = invocation_option(invocation, option);
	if (decimal_decode(bytes_of_text(text), &read) != OK || read < min || read > max)
		return fail(STATUS_INVALID, "usage.%s: \"%s\", expected %llu to %llu", option, text,
			    (unsigned long long)min, (unsigned long long)max);
	*number = (int64_t)read;
	return OK;
}

/* What the keeper shows of itself, as it stands in the file; the party is said by people. */
enum status
keeper_add_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	struct bytes text, name;
	const json *enrolment, *member;
	int64_t party = 0, admission = 0;
	TRY(input_file(&invocation->arena, invocation_word(invocation, 0), ENROLMENT_MAX, &text));
	TRY(json_read(&invocation->arena, text, (struct json_limits){}, &enrolment));
	if (json_type_of(enrolment) != JSON_OBJECT)
		return fail(STATUS_INVALID, "usage.keeper: %s is not what a keeper shows of itself",
			    invocation_word(invocation, 0));
	if (invocation_flag(invocation, "party"))
		TRY(read_number(invocation, "party", 1, 16, &party));
	if (invocation_flag(invocation, "admission"))
		TRY(read_number(invocation, "admission", 1, JSON_INTEGER_MAX, &admission));
	payload_start(&payload, invocation);
	if (admission != 0)
		json_write_member_integer(&payload.w, "admission", admission);
	struct json_iterator iterator = json_iterate(enrolment);
	while ((member = json_next(&iterator, &name)) != nullptr) {
		if (party != 0 && bytes_equal_text(name, "party"))
			continue;
		json_write_key_bytes(&payload.w, name);
		json_write_value(&payload.w, member);
	}
	if (party != 0)
		json_write_member_integer(&payload.w, "party", party);
	return payload_submit_system(&payload);
}

enum status
keeper_remove_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "name", invocation_word(invocation, 0));
	return payload_submit_system(&payload);
}

enum status
keeper_readmit_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	int64_t size;
	TRY(read_number(invocation, "size", 1, JSON_INTEGER_MAX, &size));
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "name", invocation_word(invocation, 0));
	json_write_member_text(&payload.w, "root", invocation_option(invocation, "root"));
	json_write_member_integer(&payload.w, "size", size);
	return payload_submit_system(&payload);
}

/* --- What there is. --- */

/* GET /v1/keepers; *document is null where the answer was a problem, which has been shown. */
static enum status
get_keepers(struct invocation *invocation, const json **document) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct connection_answer answer;
	*document = nullptr;
	TRY(client_create(invocation, false, &client));
	TRY(client_get(client, &invocation->arena, "/v1/keepers", &answer));
	invocation->exit_code = client_exit_code(answer.status);
	if (answer.status < 300)
		return json_read(&invocation->arena, answer.body, (struct json_limits){}, document);
	client_say_problem(&invocation->arena, &answer);
	return invocation->json ? output_document(invocation, answer.body) : OK;
}

static enum status
write_member(const json *document, const char *member, struct buffer *text) {
	struct json_writer w;
	const json *value = json_get(document, member);
	if (value == nullptr)
		return fail(STATUS_NOT_FOUND, "keeper.%s: this keeper's name cannot be a peer's", member);
	json_writer_start(&w, text);
	json_write_value(&w, value);
	return json_writer_finish(&w);
}

/* What the others are to enrol. */
enum status
keeper_show_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer text = {};
	const char *out = invocation_option(invocation, "out");
	const json *document;
	TRY(get_keepers(invocation, &document));
	if (document == nullptr)
		return OK;
	TRY(write_member(document, "own", &text));
	if (out == nullptr)
		return output_document(invocation, buffer_bytes(&text));
	buffer_append_byte(&text, '\n');
	TRY(buffer_status(&text));
	return output_file(out, buffer_bytes(&text), 0644, false);
}

enum status
keeper_list_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer text = {};
	const json *document;
	TRY(get_keepers(invocation, &document));
	if (document == nullptr)
		return OK;
	TRY(write_member(document, "peers", &text));
	return output_document(invocation, buffer_bytes(&text));
}
