#include "cli/handlers.h"

#include <stdio.h>

#include "base/time.h"
#include "cli/bundle_source.h"
#include "cli/client.h"
#include "cli/founding.h"
#include "cli/key_parts.h"
#include "cli/output.h"
#include "cli/recovery_key.h"
#include "cli/submit.h"
#include "base/io.h"
#include "base/secret.h"
#include "keys/threshold/sharing.h"

/* A payload being written: one object, whose members are given in ascending order. */
struct payload {
	struct invocation *invocation;
	struct buffer text;
	struct json_writer w;
};

static void
payload_free(struct payload *payload) {
	buffer_free(&payload->text);
}

static void
payload_start(struct payload *payload, struct invocation *invocation) {
	payload->invocation = invocation;
	json_writer_start(&payload->w, &payload->text);
	json_write_object(&payload->w);
}

/* The option's value, where it was given. */
static void
payload_option(struct payload *payload, const char *member, const char *option) {
	const char *value = invocation_option(payload->invocation, option);
	if (value != nullptr)
		json_write_member_text(&payload->w, member, value);
}

static void
payload_texts(struct payload *payload, const char *member, const char *option) {
	const char *value;
	if (invocation_option(payload->invocation, option) == nullptr)
		return;
	json_write_key(&payload->w, member);
	json_write_array(&payload->w);
	for (size_t i = 0; (value = invocation_option_at(payload->invocation, option, i)) != nullptr; i++)
		json_write_text(&payload->w, value);
	json_write_end(&payload->w);
}

/* Of the kind that the command's row names. */
static enum status
payload_submit(struct payload *payload, const char *type, const char *id, struct bytes secret,
	       const char *idempotency_key) {
	json_write_end(&payload->w);
	if (json_writer_finish(&payload->w) != OK)
		return fail(STATUS_INVALID, "payload.text: what was given is no UTF-8 text");
	const char *resource =
		arena_format(&payload->invocation->arena, "%s%s%s", type, type[0] == '\0' ? "" : ":", id);
	TRY_ALLOC(resource);
	return submit_operation(payload->invocation,
				&(struct submit_request){.kind = payload->invocation->command->kind,
							 .resource = resource,
							 .payload = buffer_bytes(&payload->text),
							 .secret = secret,
							 .idempotency_key = idempotency_key});
}

static enum status
submit_system(struct payload *payload) {
	return payload_submit(payload, "system", "gatehouse", (struct bytes){}, nullptr);
}

static enum status
submit_on(struct payload *payload, const char *type, const char *id) {
	return payload_submit(payload, type, id, (struct bytes){}, nullptr);
}

/* 0: at once. */
static enum status
read_effective(const struct invocation *invocation, int64_t *effective_ms) {
	const char *from = invocation_option(invocation, "effective-from"),
		   *wait = invocation_option(invocation, "wait");
	*effective_ms = 0;
	if (from != nullptr && wait != nullptr)
		return fail(STATUS_INVALID, "usage.wait: give --effective-from or --wait");
	if (from != nullptr)
		return time_parse(bytes_of_text(from), effective_ms);
	if (wait == nullptr)
		return OK;
	TRY(duration_parse(wait, effective_ms));
	*effective_ms += io_realtime_ns(io_system()) / 1'000'000;
	return OK;
}

static enum status
payload_effective(struct payload *payload) {
	int64_t effective_ms;
	TRY(read_effective(payload->invocation, &effective_ms));
	if (effective_ms != 0)
		json_write_member_integer(&payload->w, "effective_from", effective_ms);
	return OK;
}

/* "p-…" and "person:p-…" alike; the noun says which. */
static enum status
principal_of(struct invocation *invocation, const char *noun, const char *given, const char **principal) {
	const char *prefix = strcmp(noun, "workload") == 0 ? "workload:" : "person:";
	bool is_whole = strncmp(given, prefix, strlen(prefix)) == 0;
	*principal = is_whole ? given : arena_format(&invocation->arena, "%s%s", prefix, given);
	TRY_ALLOC(*principal);
	return OK;
}

/* --- Keys. --- */

static void
write_attributes(struct payload *payload, const char *commitment, const char *secret_kind) {
	const struct invocation *invocation = payload->invocation;
	const char *algorithm = invocation_option(invocation, "algorithm"),
		   *material = invocation_option(invocation, "material");
	const char *purpose = invocation_option(invocation, "purpose"),
		   *threshold = commitment == nullptr ? invocation_option(invocation, "threshold") : nullptr;
	const char *scheme = threshold == nullptr ? nullptr : invocation_option(invocation, "scheme");
	bool is_ed25519 = scheme != nullptr && strcmp(scheme, key_sharing_name(KEY_SHARED_ED25519)) == 0;
	json_write_member_text(&payload->w, "algorithm", algorithm ?: is_ed25519 ? "ed25519" : "secp256k1");
	const char *chain = invocation_option(invocation, "chain");
	payload_texts(payload, "branches", "branch");
	if (chain != nullptr)
		json_write_member_text(&payload->w, "chain", chain);
	if (commitment != nullptr)
		json_write_member_text(&payload->w, "commitment", commitment);
	json_write_member_text(&payload->w, "id", invocation_word(invocation, 0));
	json_write_member_text(&payload->w, "material", material == nullptr ? "single" : material);
	if (commitment == nullptr)
		payload_texts(payload, "parties", "party");
	json_write_member_text(&payload->w, "purpose", purpose == nullptr ? "transfer" : purpose);
	if (threshold != nullptr)
		json_write_member_text(&payload->w, "scheme", scheme ?: key_sharing_name(KEY_SHARED_ECDSA));
	if (secret_kind != nullptr)
		json_write_member_text(&payload->w, "secret_kind", secret_kind);
	if (threshold != nullptr)
		json_write_member_text(&payload->w, "threshold", threshold);
}

/* What limits are worth where keepers lie: said before anybody asks for it. */
static enum status
say_tolerance(const char *text) {
	uint8_t threshold, parties;
	TRY(sharing_parse_threshold(bytes_of_text(text), &threshold, &parties));
	struct sharing_tolerance tolerance = sharing_tolerance(threshold, parties);
	if (!tolerance.may_be_limited) {
		fprintf(stderr, "%s: two sets of signers need not meet; no limit holds\n", text);
		return OK;
	}
	fprintf(stderr, "%s: limits hold against %u lying keepers", text, tolerance.liars);
	for (uint8_t liars = tolerance.liars + 1; liars < threshold; liars++)
		fprintf(stderr,
			liars == tolerance.liars + 1 ? "; with %u, a limit can be spent %u times"
						     : ", with %u, %u times",
			liars, sharing_spends(threshold, parties, liars));
	fprintf(stderr, "; %u sign what they like\n", threshold);
	return OK;
}

enum status
key_create_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	if (invocation_option(invocation, "threshold") != nullptr)
		TRY(say_tolerance(invocation_option(invocation, "threshold")));
	write_attributes(&payload, nullptr, nullptr);
	return submit_on(&payload, "account", invocation_option(invocation, "account"));
}

static enum status
write_secret(struct bytes salt, struct bytes value, struct bytes passphrase, struct buffer *to) {
	struct json_writer w;
	json_writer_start(&w, to);
	json_write_object(&w);
	if (passphrase.data != nullptr)
		json_write_member_string(&w, "passphrase", passphrase);
	json_write_member_hex(&w, "salt", salt);
	json_write_member_string(&w, "value", value);
	json_write_end(&w);
	return json_writer_finish(&w);
}

/* Parts that were sealed to the keepers, by whoever had the key whole. The file is the same when the command is given again. */
static enum status
import_parts(struct invocation *invocation, const char *path) {
	_cleanup_(payload_free) struct payload payload = {};
	_cleanup_(buffer_free) struct buffer secret = {};
	struct key_parts parts;
	uint8_t salt[32];
	char commitment[65];
	const char *id = invocation_word(invocation, 0), *threshold = invocation_option(invocation, "threshold"),
		   *chain = invocation_option(invocation, "chain"), *purpose = invocation_option(invocation, "purpose");
	TRY(key_parts_read(&invocation->arena, path, &parts));
	if (!bytes_equal_text(parts.key, id))
		return fail(STATUS_CONFLICT, "key_parts.key: %s holds parts of key %.*s", path, BYTES_ARGS(parts.key));
	if (threshold == nullptr)
		return fail(STATUS_INVALID, "usage.threshold: how many of the keepers sign together");
	TRY(say_tolerance(threshold));
	TRY(hex_decode(parts.salt, salt, sizeof salt));
	struct hash256 hash = SHA256_PARTS(BYTES_OF_ARRAY(salt), parts.parts);
	hex_encode(hash256_bytes(&hash), commitment);
	TRY(write_secret(BYTES_OF_ARRAY(salt), parts.parts, (struct bytes){}, &secret));
	const char *key = arena_format(&invocation->arena, "import-%.32s", commitment);
	TRY_ALLOC(key);
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "algorithm", key_algorithm_name(KEY_SECP256K1));
	payload_texts(&payload, "branches", "branch");
	if (chain != nullptr)
		json_write_member_text(&payload.w, "chain", chain);
	if (parts.chain_code.len > 0)
		json_write_member_string(&payload.w, "chain_code", parts.chain_code);
	json_write_member_text(&payload.w, "commitment", commitment);
	json_write_member_text(&payload.w, "id", id);
	json_write_member_text(
		&payload.w, "material",
		key_material_name(parts.chain_code.len > 0 ? KEY_MATERIAL_EXTENDED : KEY_MATERIAL_SINGLE));
	json_write_key(&payload.w, "parties");
	json_write_value(&payload.w, parts.parties);
	json_write_member_string(&payload.w, "public_key", parts.public_key);
	json_write_member_text(&payload.w, "purpose", purpose == nullptr ? "transfer" : purpose);
	json_write_member_text(&payload.w, "scheme", key_sharing_name(KEY_SHARED_ECDSA));
	json_write_member_text(&payload.w, "secret_kind", "parts");
	json_write_member_text(&payload.w, "threshold", threshold);
	return payload_submit(&payload, "account", invocation_option(invocation, "account"), buffer_bytes(&secret),
			      key);
}

/*
 * The secret travels beside the payload, which commits to it and to its passphrase (docs/operations.md); only the commitment is
 * recorded, and the secret is not kept while people approve. So the same command is given again after the last approval: salt and idempotency key
 * follow from the secret, and the operation is the same. Secrets here are keys, which nobody finds by trying.
 */
enum status
key_import_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	_cleanup_(secret_free) struct secret value = {}, passphrase = {};
	_cleanup_(buffer_free) struct buffer secret = {};
	char commitment[65];
	const char *id = invocation_word(invocation, 0), *parts = invocation_option(invocation, "parts"),
		   *passphrase_file = invocation_option(invocation, "passphrase-file");
	if (parts != nullptr)
		return import_parts(invocation, parts);
	if (invocation_option(invocation, "secret-kind") == nullptr ||
	    invocation_option(invocation, "secret-file") == nullptr)
		return fail(STATUS_INVALID, "usage.secret-file: give --secret-kind and --secret-file, or --parts");
	TRY(secret_read_file(&value, invocation_option(invocation, "secret-file"), 4096));
	if (passphrase_file != nullptr)
		TRY(secret_read_file(&passphrase, passphrase_file, 1024));
	struct hash256 salt = SHA256_PARTS(BYTES_OF_LITERAL("gatehouse/import-salt/v1\0"), bytes_of(id, strlen(id) + 1),
					   secret_bytes(&value));
	struct hash256 hash = passphrase_file == nullptr ? SHA256_PARTS(hash256_bytes(&salt), secret_bytes(&value))
							 : SHA256_PARTS(hash256_bytes(&salt), secret_bytes(&value),
									bytes_of("", 1), secret_bytes(&passphrase));
	hex_encode(hash256_bytes(&hash), commitment);
	TRY(write_secret(hash256_bytes(&salt), secret_bytes(&value), secret_bytes(&passphrase), &secret));
	const char *key = arena_format(&invocation->arena, "import-%.32s", commitment);
	TRY_ALLOC(key);
	payload_start(&payload, invocation);
	write_attributes(&payload, commitment, invocation_option(invocation, "secret-kind"));
	return payload_submit(&payload, "account", invocation_option(invocation, "account"), buffer_bytes(&secret),
			      key);
}

enum status
key_rotate_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "id", invocation_option(invocation, "successor"));
	return submit_on(&payload, "key", invocation_word(invocation, 0));
}

static enum status
get_document(struct invocation *invocation, struct client *client, const char *what, const json **document) {
	struct connection_answer answer;
	const char *target = arena_format(&invocation->arena, "/v1/keys/%s%s", invocation_word(invocation, 0), what);
	TRY_ALLOC(target);
	TRY(client_get(client, &invocation->arena, target, &answer));
	TRY(json_read(&invocation->arena, answer.body, (struct json_limits){}, document));
	return answer.status < 300 ? OK : fail(STATUS_NOT_FOUND, "key.sharing: the keeper says %d", answer.status);
}

static bool
all_hold_it(const struct invocation *invocation, const struct sharing *sharing) {
	const char *party;
	for (size_t i = 0; (party = invocation_option_at(invocation, "party", i)) != nullptr; i++) {
		bool holds = false;
		for (size_t j = 0; j < sharing->key.holders.count; j++)
			holds = holds || strcmp(sharing->names[j], party) == 0;
		if (!holds)
			return false;
	}
	return true;
}

static enum status
find_sharing(struct invocation *invocation, struct client *client, const json **text, struct sharing *sharing) {
	const json *document;
	TRY(get_document(invocation, client, "/sharing", &document));
	TRY(json_need(document, "answer", "sharing", JSON_OBJECT, text));
	return sharing_read(*text, sharing);
}

/* Where a keeper comes in that has no share, what it must know of the key goes along; the holders check it. */
static enum status
find_stated(struct invocation *invocation, const json **key, const json **text) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct sharing sharing;
	*key = *text = nullptr;
	TRY(key_check_id(bytes_of_text(invocation_word(invocation, 0))));
	TRY(client_create(invocation, false, &client));
	TRY(find_sharing(invocation, client, text, &sharing));
	if (!all_hold_it(invocation, &sharing))
		return get_document(invocation, client, "", key);
	*text = nullptr;
	return OK;
}

static void
write_stated(struct payload *payload, const char *member, const json *document) {
	if (document == nullptr)
		return;
	json_write_key(&payload->w, member);
	json_write_value(&payload->w, document);
}

enum status
key_reshare_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *threshold = invocation_option(invocation, "threshold");
	const json *key, *sharing;
	TRY(say_tolerance(threshold));
	TRY(find_stated(invocation, &key, &sharing));
	payload_start(&payload, invocation);
	write_stated(&payload, "key", key);
	payload_texts(&payload, "parties", "party");
	write_stated(&payload, "sharing", sharing);
	json_write_member_text(&payload.w, "threshold", threshold);
	return submit_on(&payload, "key", invocation_word(invocation, 0));
}

/* Among the same keepers, as before; the one that lost its share lost what it knew of the key as well. */
enum status
key_repair_run(struct invocation *invocation) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	_cleanup_(payload_free) struct payload payload = {};
	const char *lost = invocation_option(invocation, "keeper");
	const json *key, *text;
	struct sharing sharing;
	bool holds = false;
	TRY(key_check_id(bytes_of_text(invocation_word(invocation, 0))));
	TRY(client_create(invocation, false, &client));
	TRY(find_sharing(invocation, client, &text, &sharing));
	TRY(get_document(invocation, client, "", &key));
	payload_start(&payload, invocation);
	write_stated(&payload, "key", key);
	json_write_key(&payload.w, "parties");
	json_write_array(&payload.w);
	for (size_t i = 0; i < sharing.key.holders.count; i++) {
		json_write_text(&payload.w, sharing.names[i]);
		holds = holds || strcmp(sharing.names[i], lost) == 0;
	}
	json_write_end(&payload.w);
	if (!holds)
		return fail(STATUS_INVALID, "usage.keeper: %s holds no share of key %s: key reshare gives it one", lost,
			    sharing.key.id);
	write_stated(&payload, "sharing", text);
	const char *threshold =
		arena_format(&invocation->arena, "%u-of-%u", sharing.key.threshold, sharing.key.holders.count);
	TRY_ALLOC(threshold);
	json_write_member_text(&payload.w, "threshold", threshold);
	return submit_on(&payload, "key", invocation_word(invocation, 0));
}

enum status
key_backup_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	uint8_t public_key[KEM_PUBLIC_SIZE];
	TRY(recovery_key_read_public(invocation, invocation_option(invocation, "for"), public_key));
	payload_start(&payload, invocation);
	json_write_member_hex(&payload.w, "recovery_key", BYTES_OF_ARRAY(public_key));
	return submit_on(&payload, "key", invocation_word(invocation, 0));
}

enum status
plain_key_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	return submit_on(&payload, "key", invocation_word(invocation, 0));
}

/* --- People and workloads. --- */

enum status
plain_principal_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *principal;
	TRY(principal_of(invocation, invocation->command->noun, invocation_word(invocation, 0), &principal));
	payload_start(&payload, invocation);
	return submit_on(&payload, "", principal);
}

enum status
principal_resume_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *principal;
	TRY(principal_of(invocation, invocation->command->noun, invocation_word(invocation, 0), &principal));
	payload_start(&payload, invocation);
	TRY(payload_effective(&payload));
	return submit_on(&payload, "", principal);
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
	return submit_on(&payload, "desk", invocation_option(invocation, "desk"));
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
	return submit_on(&payload, "", principal);
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
	return submit_on(&payload, "", principal);
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
	return submit_on(&payload, "", person);
}

enum status
group_add_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "id", invocation_word(invocation, 0));
	return submit_system(&payload);
}

enum status
group_member_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *person;
	TRY(principal_of(invocation, "person", invocation_word(invocation, 1), &person));
	payload_start(&payload, invocation);
	TRY(payload_effective(&payload));
	json_write_member_text(&payload.w, "person", person);
	return submit_on(&payload, "group", invocation_word(invocation, 0));
}

/* Of a delegation that is about to begin; of an entry into a group it is group_member_run(). */
enum status
delegation_cancel_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	const char *person;
	TRY(principal_of(invocation, "person", invocation_word(invocation, 0), &person));
	payload_start(&payload, invocation);
	return submit_on(&payload, "", person);
}

/* --- Destinations, assets, prices. --- */

enum status
list_create_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "id", invocation_word(invocation, 0));
	payload_option(&payload, "kind", "kind");
	return submit_system(&payload);
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
	TRY(read_effective(invocation, &terms->effective_ms));
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
	return submit_on(&payload, "list", invocation_word(invocation, 0));
}

enum status
list_entries_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	TRY(check_entries(invocation));
	payload_start(&payload, invocation);
	TRY(write_entries(&payload));
	return submit_on(&payload, "list", invocation_word(invocation, 0));
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
	return submit_system(&payload);
}

enum status
price_set_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	int64_t microcents;
	TRY(price_parse(bytes_of_text(invocation_option(invocation, "usd")), &microcents));
	payload_start(&payload, invocation);
	json_write_member_integer(&payload.w, "microcents", microcents);
	return submit_on(&payload, "asset", invocation_word(invocation, 0));
}

/* --- Units, zones, policy, system. --- */

enum status
unit_add_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "id", invocation_word(invocation, 0));
	payload_option(&payload, "kind", "kind");
	payload_option(&payload, "parent", "parent");
	return submit_system(&payload);
}

enum status
zone_add_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "id", invocation_word(invocation, 0));
	payload_texts(&payload, "networks", "network");
	return submit_system(&payload);
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
	return submit_system(&payload);
}

/* A person says that the keeper's clock, which stepped, is right again. */
enum status
clock_accept_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	int64_t realtime_ms;
	TRY(time_parse(bytes_of_text(invocation_word(invocation, 0)), &realtime_ms));
	payload_start(&payload, invocation);
	json_write_member_integer(&payload.w, "realtime", realtime_ms);
	return submit_system(&payload);
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
	return submit_on(&payload, "operation", invocation_word(invocation, 0));
}

enum status
notify_test_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	json_write_member_text(&payload.w, "receiver", invocation_word(invocation, 0));
	return submit_system(&payload);
}
