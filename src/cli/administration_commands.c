#include "cli/handlers.h"

#include <stdio.h>

#include "base/time.h"
#include "cli/bundle_source.h"
#include "cli/founding.h"
#include "cli/key_file.h"
#include "cli/output.h"
#include "cli/payload.h"

/* "p-…" and "person:p-…" alike; the noun says which. */
static enum status
principal_of(struct invocation *invocation, const char *noun, const char *given, const char **principal) {
	const char *prefix = strcmp(noun, "workload") == 0 ? "workload:" : "person:";
	bool is_whole = strncmp(given, prefix, strlen(prefix)) == 0;
	*principal = is_whole ? given : arena_format(&invocation->arena, "%s%s", prefix, given);
	TRY_ALLOC(*principal);
	return OK;
}

/* --- People and workloads. --- */

enum status
plain_principal_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *principal;
	TRY(principal_of(invocation, invocation->command->noun, invocation_word(invocation, 0), &principal));
	payload_start(&payload, invocation);
	return payload_submit_on(&payload, "", principal);
}

enum status
principal_resume_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *principal;
	TRY(principal_of(invocation, invocation->command->noun, invocation_word(invocation, 0), &principal));
	payload_start(&payload, invocation);
	TRY(payload_effective(&payload));
	return payload_submit_on(&payload, "", principal);
}

static enum status
read_public(struct invocation *invocation, struct key_file *key) {
	TRY(key_file_read_public(invocation_word(invocation, 0), key));
	if (key_file_is_person(key) != (strcmp(invocation->command->noun, "person") == 0))
		return fail(STATUS_INVALID, "usage.principal: \"%.*s\" is no %s", BYTES_ARGS(key->principal),
			    invocation->command->noun);
	return OK;
}

static enum status
write_new_key(struct payload *payload, const struct key_file *key) {
	const char *class = invocation_option(payload->invocation, "class");
	json_write_member_text(&payload->w, "class",
			       class != nullptr          ? class
			       : key_file_is_person(key) ? "terminal"
							 : "plain");
	TRY(payload_effective(payload));
	json_write_member_string(
		&payload->w, "name",
		bytes_of(key->key_id.data + key->principal.len + 1, key->key_id.len - key->principal.len - 1));
	json_write_member_hex(&payload->w, "public_key", BYTES_OF_ARRAY(key->public_key));
	payload_option(payload, "zone", "zone");
	return OK;
}

enum status
principal_add_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	_cleanup_(key_file_free) struct key_file key = {};
	TRY(read_public(invocation, &key));
	payload_start(&payload, invocation);
	if (invocation_flag(invocation, "auditor"))
		json_write_member_boolean(&payload.w, "auditor", true);
	json_write_key(&payload.w, "keys");
	json_write_array(&payload.w);
	json_write_object(&payload.w);
	TRY(write_new_key(&payload, &key));
	json_write_end(&payload.w);
	json_write_end(&payload.w);
	json_write_member_string(&payload.w, invocation->command->noun, key.principal);
	return payload_submit_on(&payload, "desk", invocation_option(invocation, "desk"));
}

enum status
principal_key_add_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	_cleanup_(key_file_free) struct key_file key = {};
	TRY(read_public(invocation, &key));
	payload_start(&payload, invocation);
	TRY(write_new_key(&payload, &key));
	const char *principal = arena_text(&invocation->arena, key.principal);
	TRY_ALLOC(principal);
	return payload_submit_on(&payload, "", principal);
}

enum status
principal_key_revoke_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *key;
	TRY(principal_of(invocation, invocation->command->noun, invocation_word(invocation, 0), &key));
	struct bytes owner = http_signature_principal(bytes_of_text(key));
	if (owner.len == strlen(key))
		return fail(STATUS_INVALID, "usage.key: a key's id is its owner's, a slash and a name, \"%s\" is not",
			    key);
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "key", key);
	const char *principal = arena_text(&invocation->arena, owner);
	TRY_ALLOC(principal);
	return payload_submit_on(&payload, "", principal);
}

enum status
delegate_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *person, *by;
	int64_t until_ms;
	TRY(principal_of(invocation, "person", invocation_word(invocation, 0), &person));
	TRY(principal_of(invocation, "person", invocation_option(invocation, "by"), &by));
	TRY(time_parse(bytes_of_text(invocation_option(invocation, "until")), &until_ms));
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "by", by);
	TRY(payload_effective(&payload));
	json_write_member_integer(&payload.w, "until", until_ms);
	return payload_submit_on(&payload, "", person);
}

enum status
group_add_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "id", invocation_word(invocation, 0));
	return payload_submit_system(&payload);
}

enum status
group_member_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *person;
	TRY(principal_of(invocation, "person", invocation_word(invocation, 1), &person));
	payload_start(&payload, invocation);
	TRY(payload_effective(&payload));
	json_write_member_text(&payload.w, "person", person);
	return payload_submit_on(&payload, "group", invocation_word(invocation, 0));
}

/* Of a delegation that is about to begin; of an entry into a group it is group_member_run(). */
enum status
delegation_cancel_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *person;
	TRY(principal_of(invocation, "person", invocation_word(invocation, 0), &person));
	payload_start(&payload, invocation);
	return payload_submit_on(&payload, "", person);
}

/* --- Destinations, assets, prices. --- */

enum status
list_create_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "id", invocation_word(invocation, 0));
	payload_option(&payload, "kind", "kind");
	return payload_submit_system(&payload);
}

/* From the command line, and one per line from --from. */
static enum status
write_entries(struct payload *payload) {
	struct invocation *invocation = payload->invocation;
	const char *word, *file = invocation_option(invocation, "from");
	json_write_key(&payload->w, "entries");
	json_write_array(&payload->w);
	for (size_t i = 1; (word = invocation_word(invocation, i)) != nullptr; i++)
		json_write_text(&payload->w, word);
	if (file != nullptr) {
		struct bytes text;
		TRY(input_file(&invocation->arena, file, 512 * 1024, &text));
		for (size_t at = 0; at < text.len;) {
			const uint8_t *end = memchr(text.data + at, '\n', text.len - at);
			size_t len = end == nullptr ? text.len - at : (size_t)(end - text.data) - at;
			if (len > 0)
				json_write_string(&payload->w, bytes_of(text.data + at, len));
			at += len + 1;
		}
	}
	json_write_end(&payload->w);
	return OK;
}

static enum status
check_entries(const struct invocation *invocation) {
	bool any = invocation_word(invocation, 1) != nullptr || invocation_option(invocation, "from") != nullptr;
	return any ? OK : fail(STATUS_INVALID, "usage.entries: give CHAIN:ADDRESS, or --from FILE");
}

struct written_terms {
	int64_t effective_ms, expires_ms, probation_cents; /* 0: none */
};

static enum status
read_terms(const struct invocation *invocation, struct written_terms *terms) {
	const char *until = invocation_option(invocation, "until"),
		   *probation = invocation_option(invocation, "probation");
	uint64_t cents = 0;
	*terms = (struct written_terms){};
	TRY(payload_read_effective(invocation, &terms->effective_ms));
	if (until != nullptr)
		TRY(time_parse(bytes_of_text(until), &terms->expires_ms));
	if (probation != nullptr && (decimal_decode(bytes_of_text(probation), &cents) != OK || cents == 0 ||
				     cents > (uint64_t)JSON_INTEGER_MAX))
		return fail(STATUS_INVALID, "usage.probation: expected US cents, found \"%s\"", probation);
	terms->probation_cents = (int64_t)cents;
	return OK;
}

enum status
list_add_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	struct written_terms terms;
	TRY(check_entries(invocation));
	TRY(read_terms(invocation, &terms));
	payload_start(&payload, invocation);
	if (terms.effective_ms != 0)
		json_write_member_integer(&payload.w, "effective_from", terms.effective_ms);
	TRY(write_entries(&payload));
	if (terms.expires_ms != 0)
		json_write_member_integer(&payload.w, "expires", terms.expires_ms);
	payload_option(&payload, "note", "note");
	if (terms.probation_cents != 0)
		json_write_member_integer(&payload.w, "probation", terms.probation_cents);
	return payload_submit_on(&payload, "list", invocation_word(invocation, 0));
}

enum status
list_entries_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	TRY(check_entries(invocation));
	payload_start(&payload, invocation);
	TRY(write_entries(&payload));
	return payload_submit_on(&payload, "list", invocation_word(invocation, 0));
}

enum status
asset_add_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	uint64_t decimals;
	TRY(decimal_decode(bytes_of_text(invocation_option(invocation, "decimals")), &decimals));
	if (decimals > 255)
		return fail(STATUS_INVALID, "usage.decimals: %llu is too many", (unsigned long long)decimals);
	payload_start(&payload, invocation);
	payload_option(&payload, "chain", "chain");
	payload_option(&payload, "contract", "contract");
	json_write_member_integer(&payload.w, "decimals", (int64_t)decimals);
	payload_option(&payload, "symbol", "symbol");
	return payload_submit_system(&payload);
}

enum status
price_set_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	int64_t microcents;
	TRY(price_parse(bytes_of_text(invocation_option(invocation, "usd")), &microcents));
	payload_start(&payload, invocation);
	json_write_member_integer(&payload.w, "microcents", microcents);
	return payload_submit_on(&payload, "asset", invocation_word(invocation, 0));
}

/* --- Units, zones, policy, system. --- */

enum status
unit_add_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "id", invocation_word(invocation, 0));
	payload_option(&payload, "kind", "kind");
	payload_option(&payload, "parent", "parent");
	return payload_submit_system(&payload);
}

enum status
zone_add_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "id", invocation_word(invocation, 0));
	payload_texts(&payload, "networks", "network");
	return payload_submit_system(&payload);
}

enum status
policy_activate_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	_cleanup_(bundle_source_close) struct bundle_source source = {};
	TRY(bundle_source_open(invocation, invocation_word(invocation, 0), &source));
	if (source.bundle == nullptr)
		return OK;
	payload_start(&payload, invocation);
	bundle_source_write_members(&source, &payload.w);
	return payload_submit_system(&payload);
}

/* A person says that the keeper's clock, which stepped, is right again. */
enum status
clock_accept_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	int64_t realtime_ms;
	TRY(time_parse(bytes_of_text(invocation_word(invocation, 0)), &realtime_ms));
	payload_start(&payload, invocation);
	json_write_member_integer(&payload.w, "realtime", realtime_ms);
	return payload_submit_system(&payload);
}

enum status
intent_resolve_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *happened = invocation_option(invocation, "happened");
	bool yes = strcmp(happened, "yes") == 0;
	if (!yes && strcmp(happened, "no") != 0)
		return fail(STATUS_INVALID, "usage.happened: expected yes or no, found \"%s\"", happened);
	payload_start(&payload, invocation);
	json_write_member_boolean(&payload.w, "happened", yes);
	return payload_submit_on(&payload, "operation", invocation_word(invocation, 0));
}

enum status
notify_test_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "receiver", invocation_word(invocation, 0));
	return payload_submit_system(&payload);
}
