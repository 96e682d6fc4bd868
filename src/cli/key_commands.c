/* What is asked for about keys: each submits one kind of operation. */
#include "cli/handlers.h"

#include <stdio.h>

#include "base/secret.h"
#include "cli/client.h"
#include "cli/key_parts.h"
#include "cli/payload.h"
#include "cli/recovery_key.h"
#include "keys/threshold/sharing.h"

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
	return payload_submit_on(&payload, "account", invocation_option(invocation, "account"));
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
	return payload_submit_on(&payload, "key", invocation_word(invocation, 0));
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
	return payload_submit_on(&payload, "key", invocation_word(invocation, 0));
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
	return payload_submit_on(&payload, "key", invocation_word(invocation, 0));
}

enum status
key_backup_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	uint8_t public_key[KEM_PUBLIC_SIZE];
	TRY(recovery_key_read_public(invocation, invocation_option(invocation, "for"), public_key));
	payload_start(&payload, invocation);
	json_write_member_hex(&payload.w, "recovery_key", BYTES_OF_ARRAY(public_key));
	return payload_submit_on(&payload, "key", invocation_word(invocation, 0));
}

enum status
plain_key_run(struct invocation *invocation) {
	_cleanup_(payload_free) struct payload payload = {};
	payload_start(&payload, invocation);
	return payload_submit_on(&payload, "key", invocation_word(invocation, 0));
}
