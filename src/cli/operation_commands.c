#include "cli/handlers.h"

#include "base/time.h"
#include "cli/operation_id.h"
#include "cli/output.h"
#include "cli/review.h"
#include "cli/submit.h"
#include "gate/payloads.h"
#include "model/operation_kind.h"
#include "wallet/wallet.h"

constexpr size_t PAYLOAD_MAX = 896 * 1024;
constexpr size_t MATERIAL_MAX = 4 * 1024 * 1024;
constexpr size_t VOTE_MAX = 64 * 1024;

/* --- Asking. --- */

/* Any JSON object, made canonical: what is signed has one form. */
static enum status
read_payload(struct invocation *invocation, const char *path, struct bytes *payload) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct bytes given;
	const json *document;
	struct json_writer w;
	TRY(input_file(&invocation->arena, path, PAYLOAD_MAX, &given));
	TRY(json_read(&invocation->arena, given, (struct json_limits){}, &document));
	if (json_type_of(document) != JSON_OBJECT)
		return fail(STATUS_INVALID, "payload.type: %s holds no JSON object", path);
	json_writer_start(&w, &text);
	json_write_value(&w, document);
	TRY(json_writer_finish(&w));
	*payload = arena_copy(&invocation->arena, buffer_bytes(&text));
	TRY_ALLOC(payload->data);
	return OK;
}

enum status
op_submit_run(struct invocation *invocation) {
	struct submit_request request = {.kind = invocation_word(invocation, 0),
					 .resource = invocation_word(invocation, 1)};
	const char *path = invocation_option(invocation, "payload");
	request.payload = BYTES_OF_LITERAL("{}");
	if (path != nullptr)
		TRY(read_payload(invocation, path, &request.payload));
	return submit_operation(invocation, &request);
}

/* Of a kind that is named what its payload has, by the table that it is checked by; else which kinds there are. */
enum status
op_submit_help(const struct invocation *invocation, struct buffer *to) {
	const char *name = invocation_word(invocation, 0);
	enum operation_kind_id kind;
	if (name == nullptr) {
		buffer_append_text(to, "\nkinds:\n");
		for (size_t i = 0; i < OPERATION_KINDS; i++)
			buffer_append_format(to, "  %s\n", operation_kinds[i].name);
		return OK;
	}
	if (operation_kind_parse(bytes_of_text(name), &kind) != OK)
		return fail(STATUS_INVALID, "usage.kind: there is no kind \"%s\"", name);
	buffer_append_format(to, "\npayload of %s:\n", name);
	payload_describe(kind, to);
	return OK;
}

/* The transaction in any form that people hand over: bytes, hexadecimal, base64. */
enum status
op_sign_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer payload = {}, text = {};
	enum wallet_format format, wanted;
	struct bytes given, bytes;
	struct json_writer w;
	const char *wanted_name = invocation_option(invocation, "format");
	TRY(input_file(&invocation->arena, invocation_option(invocation, "transaction"), 2 * WALLET_PAYLOAD_MAX,
		       &given));
	enum status status =
		wallet_reader_payload_of_text(&invocation->arena, given, (struct bytes){}, &format, &bytes);
	if (status != OK && wanted_name != nullptr) /* it may read as two formats, one of which is named */
		status = wallet_payload_of_text(&invocation->arena, given, &format, &bytes);
	TRY(status);
	if (format == WALLET_BITCOIN)
		return fail(STATUS_UNSUPPORTED,
			    "payload.format: a network transaction of Bitcoin; the gate signs PSBTs (BIP-174)");
	if (wanted_name != nullptr)
		TRY(wallet_format_of_name(bytes_of_text(wanted_name), &wanted));
	if (wanted_name != nullptr && wanted != format)
		return fail(STATUS_INVALID, "payload.format: --format says %s, and the transaction is %s", wanted_name,
			    wallet_format_name(format));
	if (format == WALLET_EVM) {
		buffer_append_text(&text, "0x");
		buffer_append_hex(&text, bytes);
	} else
		buffer_append_base64(&text, bytes);
	TRY(buffer_status(&text));
	json_writer_start(&w, &payload);
	json_write_object(&w);
	json_write_member_text(&w, "format", wallet_format_name(format));
	json_write_member_string(&w, "transaction", buffer_bytes(&text));
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	/* --key names who asks; the key that shall sign is the word. */
	const char *resource = arena_format(&invocation->arena, "key:%s", invocation_word(invocation, 0));
	TRY_ALLOC(resource);
	return submit_operation(invocation, &(struct submit_request){.kind = operation_kinds[OPERATION_SIGN].name,
								     .resource = resource,
								     .payload = buffer_bytes(&payload)});
}

enum status
op_sign_digest_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer payload = {};
	uint8_t digest[32];
	struct json_writer w;
	const char *path = invocation_option(invocation, "path");
	if (hex_decode(bytes_of_text(invocation_word(invocation, 1)), digest, sizeof digest) != OK)
		return fail(STATUS_INVALID, "usage.digest: expected %zu hexadecimal digits", 2 * sizeof digest);
	json_writer_start(&w, &payload);
	json_write_object(&w);
	json_write_member_hex(&w, "digest", BYTES_OF_ARRAY(digest));
	if (path != nullptr)
		json_write_member_text(&w, "path", path);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	const char *resource = arena_format(&invocation->arena, "key:%s", invocation_word(invocation, 0));
	TRY_ALLOC(resource);
	return submit_operation(invocation, &(struct submit_request){.kind = invocation->command->kind,
								     .resource = resource,
								     .payload = buffer_bytes(&payload)});
}

/* The operation that the review is of, said where a beginning of its id was given; null: a problem, which was said. */
static enum status
find_reviewed(struct invocation *invocation, const char **id) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct connection_answer answer;
	const char *given = invocation_word(invocation, 0);
	TRY(operation_id_check(given));
	TRY(client_create(invocation, false, &client));
	TRY(operation_id_find(invocation, client, given, id, &answer));
	if (*id == nullptr) {
		invocation->exit_code = client_exit_code(answer.status);
		client_say_problem(&invocation->arena, &answer);
	} else if (!operation_id_is_whole(given))
		output_note("gatehouse: the operation is %s", *id);
	return OK;
}

enum status
op_review_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer payload = {};
	struct json_writer w;
	const char *id;
	TRY(find_reviewed(invocation, &id));
	if (id == nullptr)
		return OK;
	json_writer_start(&w, &payload);
	json_write_object(&w);
	json_write_member_text(&w, "finding", invocation_option(invocation, "finding"));
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	const char *resource = arena_format(&invocation->arena, "operation:%s", id);
	TRY_ALLOC(resource);
	return submit_operation(invocation, &(struct submit_request){.kind = invocation->command->kind,
								     .resource = resource,
								     .payload = buffer_bytes(&payload)});
}

/* --- Looking. --- */

/* GET /v1/operations/ID<what>; a problem is said and sets the exit code, and *answer->body is not to be used. */
static enum status
get_of_operation(struct invocation *invocation, struct client *client, const char *what,
		 struct connection_answer *answer) {
	const char *id;
	TRY(operation_id_find(invocation, client, invocation_word(invocation, 0), &id, answer));
	if (id != nullptr) {
		const char *target = arena_format(&invocation->arena, "/v1/operations/%s%s", id, what);
		TRY_ALLOC(target);
		TRY(client_get(client, &invocation->arena, target, answer));
	}
	invocation->exit_code = client_exit_code(answer->status);
	return OK;
}

enum status
op_show_run(struct invocation *invocation) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct connection_answer answer;
	TRY(operation_id_check(invocation_word(invocation, 0)));
	TRY(client_create(invocation, false, &client));
	TRY(get_of_operation(invocation, client, "", &answer));
	return submit_show_answer(invocation, &answer);
}

static enum status
show_plain(struct invocation *invocation, const char *what) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct connection_answer answer;
	TRY(operation_id_check(invocation_word(invocation, 0)));
	TRY(client_create(invocation, false, &client));
	TRY(get_of_operation(invocation, client, what, &answer));
	if (answer.status < 300)
		return output_document(invocation, answer.body);
	client_say_problem(&invocation->arena, &answer);
	return invocation->json ? output_document(invocation, answer.body) : OK;
}

enum status
policy_explain_run(struct invocation *invocation) {
	TRY(show_plain(invocation, "/explanation"));
	if (!invocation->json && invocation->exit_code == EXIT_DONE)
		output_note("outcome: satisfied, it applies; scope, it is about another principal, action or resource; "
			    "condition, what it demands is not so; error, it could not be told");
	return OK;
}

/* As they came, so that a file of them is what was given. */
static enum status
save(struct invocation *invocation, const char *what) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct connection_answer answer;
	TRY(operation_id_check(invocation_word(invocation, 0)));
	TRY(client_create(invocation, false, &client));
	TRY(get_of_operation(invocation, client, what, &answer));
	if (answer.status < 300)
		return output_file(invocation_option(invocation, "out"), answer.body, 0644, false);
	client_say_problem(&invocation->arena, &answer);
	return OK;
}

enum status
op_receipt_run(struct invocation *invocation) {
	return save(invocation, invocation_flag(invocation, "cosigned") ? "/receipt?cosigned=1" : "/receipt");
}

enum status
op_export_run(struct invocation *invocation) {
	return save(invocation, "/payload");
}

/* --from and --until, as milliseconds. */
static enum status
append_times(const struct invocation *invocation, char separator, struct buffer *target) {
	static const char *const names[] = {"from", "until"};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		const char *text = invocation_option(invocation, names[i]);
		int64_t time_ms;
		if (text == nullptr)
			continue;
		TRY(time_parse(bytes_of_text(text), &time_ms));
		buffer_append_format(target, "%c%s=%lld", separator, names[i], (long long)time_ms);
		separator = '&';
	}
	return OK;
}

/* RFC 3986 §2.1: all but the unreserved. */
static void
append_encoded(struct buffer *to, const char *text) {
	for (; *text != '\0'; text++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-", *text) != nullptr)
			buffer_append_byte(to, (uint8_t)*text);
		else
			buffer_append_format(to, "%%%02X", (unsigned)(uint8_t)*text);
}

enum status
op_list_run(struct invocation *invocation) {
	static const char *const filters[] = {"state",  "kind",         "principal", "resource",
					      "before", "legal-entity", "limit"};
	_cleanup_(client_destroy) struct client *client = nullptr;
	_cleanup_(buffer_free) struct buffer target = {};
	struct connection_answer answer;
	buffer_append_text(&target, "/v1/operations");
	char separator = '?';
	for (size_t i = 0; i < ARRAY_LENGTH(filters); i++) {
		const char *value = invocation_option(invocation, filters[i]);
		if (value == nullptr)
			continue;
		if (value[0] == '\0' ||
		    value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:/@-")] !=
			    '\0')
			return fail(STATUS_INVALID, "usage.filter: --%s: a character that no such name has",
				    filters[i]);
		bool is_entity = strcmp(filters[i], "legal-entity") == 0;
		buffer_append_format(&target, "%c%s=%s", separator, is_entity ? "legal_entity" : filters[i], value);
		separator = '&';
	}
	const char *search = invocation_option(invocation, "search");
	if (search != nullptr) {
		buffer_append_format(&target, "%csearch=", separator);
		append_encoded(&target, search);
		separator = '&';
	}
	TRY(append_times(invocation, separator, &target));
	buffer_append_byte(&target, '\0');
	TRY(buffer_status(&target));
	TRY(client_create(invocation, false, &client));
	TRY(client_get(client, &invocation->arena, (const char *)target.data, &answer));
	invocation->exit_code = client_exit_code(answer.status);
	if (answer.status >= 300)
		client_say_problem(&invocation->arena, &answer);
	return answer.status < 300 || invocation->json ? output_document(invocation, answer.body) : OK;
}

/* --- Voting. --- */

static enum status
post_vote(struct invocation *invocation, struct client *client, const struct hash256 *id, struct bytes body) {
	struct connection_answer answer;
	char hex[65];
	struct hash256 key = sha256(body); /* the same vote sent twice is one request */
	char idempotency_key[65];
	hex_encode(hash256_bytes(id), hex);
	hex_encode(hash256_bytes(&key), idempotency_key);
	const char *target = arena_format(&invocation->arena, "/v1/operations/%s/votes", hex);
	TRY_ALLOC(target);
	TRY(client_post(client, &invocation->arena, target, body, bytes_of_text(idempotency_key), &answer));
	return submit_show_answer(invocation, &answer);
}

/* *found false: the installation gave none, which was said. */
static enum status
fetch_material(struct invocation *invocation, struct client *client, struct bytes *material, bool *found) {
	const char *offline = invocation_option(invocation, "offline");
	struct connection_answer answer;
	*found = true;
	if (offline != nullptr)
		return input_file(&invocation->arena, offline, MATERIAL_MAX, material);
	TRY(get_of_operation(invocation, client, "/payload", &answer));
	*material = answer.body;
	*found = answer.status < 300;
	if (!*found)
		client_say_problem(&invocation->arena, &answer);
	return OK;
}

static enum status
check_wanted(const struct invocation *invocation, const struct review *review) {
	const char *wanted = invocation_word(invocation, 0);
	char id[OPERATION_ID_DIGITS + 1];
	hex_encode(hash256_bytes(&review->id), id);
	/* Without one, offline: what is in the file was shown. */
	return wanted == nullptr || strncmp(id, wanted, strlen(wanted)) == 0
		       ? OK
		       : fail(STATUS_CONFLICT, "review.id: the material is of another operation than asked for");
}

/* "p-…" and "person:p-…" alike. */
static enum status
read_seat(struct invocation *invocation, struct bytes *person) {
	static const char prefix[] = "person:";
	const char *given = invocation_option(invocation, "for");
	*person = (struct bytes){};
	if (given == nullptr)
		return OK;
	bool is_whole = strncmp(given, prefix, sizeof prefix - 1) == 0;
	const char *text = is_whole ? given : arena_format(&invocation->arena, "%s%s", prefix, given);
	TRY_ALLOC(text);
	*person = bytes_of_text(text);
	return OK;
}

/* What the words say of the operation. */
static enum status
check_words(const struct invocation *invocation) {
	const char *id = invocation_word(invocation, 0);
	bool is_offline = invocation_option(invocation, "offline") != nullptr;
	if (!is_offline && id == nullptr)
		return fail(STATUS_INVALID, "usage.id: give the operation's id (gatehouse op inbox lists what waits "
					    "for you), or --offline FILE");
	if (!is_offline && invocation_option(invocation, "out") != nullptr)
		return fail(STATUS_INVALID, "usage.out: --out goes with --offline");
	if (id == nullptr)
		return OK;
	TRY(operation_id_check(id));
	/* Whoever asks chooses what the id is made of, and can find one that begins like another's. */
	return operation_id_is_whole(id) || !invocation_flag(invocation, "yes")
		       ? OK
		       : fail(STATUS_INVALID, "usage.id: with --yes nobody reads what is voted on: give the whole id");
}

static enum status
append_fact(const json *facts, const char *name, struct buffer *to) {
	const json *fact;
	struct bytes text;
	TRY(json_need(facts, "explanation.facts", name, JSON_OBJECT, &fact));
	TRY(json_need_string(fact, name, "value", &text));
	output_foreign(to, text, false);
	return buffer_status(to);
}

static enum status
say_facts_of_look_alikes(const json *facts) {
	_cleanup_(buffer_free) struct buffer entry = {}, other = {};
	const json *fact = json_get(facts, "change.look_alike");
	bool looks_alike;
	if (fact == nullptr)
		return OK; /* the list is no allow list */
	TRY(json_need_boolean(fact, "change.look_alike", "value", &looks_alike));
	if (!looks_alike) {
		output_note("%-11s none, as the keeper states", "look-alikes");
		return OK;
	}
	TRY(append_fact(facts, "change.look_alike_entry", &entry));
	TRY(append_fact(facts, "change.look_alike_of", &other));
	output_note("%-11s %.*s\n%-11s %.*s, as the keeper states: compare every character", "LOOK-ALIKE",
		    BYTES_ARGS(entry), "of", BYTES_ARGS(other));
	return OK;
}

/* Whether a destination to be added looks like another one: which only the keeper sees, who has the lists. client null: offline. */
static enum status
say_look_alikes(struct invocation *invocation, struct client *client, const struct review *review) {
	struct connection_answer answer;
	const json *explanation, *facts;
	char id[OPERATION_ID_DIGITS + 1];
	if (!bytes_equal_text(review->operation.kind, operation_kinds[OPERATION_LIST_ADD].name))
		return OK;
	hex_encode(hash256_bytes(&review->id), id);
	const char *target = arena_format(&invocation->arena, "/v1/operations/%s/explanation", id);
	TRY_ALLOC(target);
	if (client != nullptr)
		TRY(client_get(client, &invocation->arena, target, &answer));
	if (client == nullptr || answer.status >= 300) {
		output_note("%-11s not known here: gatehouse policy explain tells them", "look-alikes");
		return OK;
	}
	TRY(json_read(&invocation->arena, answer.body, (struct json_limits){}, &explanation));
	TRY(json_need(explanation, "explanation", "facts", JSON_OBJECT, &facts));
	return say_facts_of_look_alikes(facts);
}

static enum status
vote(struct invocation *invocation, enum approval_verdict verdict, const char *question) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	_cleanup_(buffer_free) struct buffer body = {};
	struct review review;
	struct bytes material, person;
	bool found, is_offline = invocation_option(invocation, "offline") != nullptr;
	const char *reason = verdict == APPROVAL_REJECT ? invocation_option(invocation, "reason") : nullptr;
	TRY(check_words(invocation));
	if (verdict == APPROVAL_REJECT && reason == nullptr)
		return fail(STATUS_INVALID, "usage.reason: a rejection says why: --reason TEXT");
	if (reason != nullptr)
		TRY(text_check("approval.reason", bytes_of_text(reason), APPROVAL_REASON_MAX));
	TRY(read_seat(invocation, &person));
	TRY(client_create(invocation, false, &client));
	TRY(profile_need_instance(client_profile(client)));
	if (!key_file_is_person(client_key(client)))
		return fail(STATUS_DENIED, "review.person: votes are people's, and %s is a key of a workload",
			    client_profile(client)->key);
	TRY(fetch_material(invocation, client, &material, &found));
	if (!found)
		return OK;
	TRY(review_read(&invocation->arena, material, client_profile(client)->instance, &review));
	TRY(check_wanted(invocation, &review));
	output_note("%.*s", BYTES_ARGS(review.text));
	if (verdict == APPROVAL_APPROVE)
		TRY(say_look_alikes(invocation, is_offline ? nullptr : client, &review));
	TRY(output_confirm(invocation, question));
	struct review_choice choice = {.verdict = verdict,
				       .client = is_offline ? APPROVAL_CLIENT_OFFLINE : APPROVAL_CLIENT_CLI,
				       .person = person,
				       .reason = reason == nullptr ? (struct bytes){} : bytes_of_text(reason)};
	TRY(review_vote(&review, client_key(client), &choice, &body));
	if (!is_offline)
		return post_vote(invocation, client, &review.id, buffer_bytes(&body));
	return output_file(invocation_option(invocation, "out"), buffer_bytes(&body), 0644, false);
}

enum status
op_approve_run(struct invocation *invocation) {
	return vote(invocation, APPROVAL_APPROVE, "Approve this operation?");
}

enum status
op_reject_run(struct invocation *invocation) {
	return vote(invocation, APPROVAL_REJECT, "Reject this operation?");
}

enum status
op_withdraw_run(struct invocation *invocation) {
	return vote(invocation, APPROVAL_WITHDRAW, "Withdraw your vote on this operation?");
}

/* A vote that was signed offline; whoever carries it adds nothing. */
enum status
op_import_run(struct invocation *invocation) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct bytes text, id_text;
	struct hash256 id;
	const json *document, *statement;
	TRY(input_file(&invocation->arena, invocation_word(invocation, 0), VOTE_MAX, &text));
	TRY(json_read(&invocation->arena, text, (struct json_limits){}, &document));
	TRY(json_need(document, "vote", "statement", JSON_OBJECT, &statement));
	TRY(json_need_string(statement, "vote.statement", "operation_id", &id_text));
	TRY(hex_decode(id_text, id.bytes, sizeof id.bytes));
	TRY(client_create(invocation, false, &client));
	return post_vote(invocation, client, &id, text);
}
