/* Shared keys as their holders' people see them: among whom, whether all fits, and the key back from escrows. */
#include "cli/handlers.h"

#include "cli/client.h"
#include "cli/output.h"
#include "cli/recovery_key.h"
#include "crypto/random.h"
#include "keys/bip32.h"
#include "keys/threshold/audit.h"
#include "keys/threshold/recovery.h"

constexpr size_t ESCROW_FILE_MAX = 1024 * 1024;
constexpr size_t ESCROW_MAX = 256 * 1024;

static enum status
get_sharing(struct invocation *invocation, const char *query, struct connection_answer *answer) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct bytes id = bytes_of_text(invocation_word(invocation, 0));
	TRY(key_check_id(id));
	const char *target = arena_format(&invocation->arena, "/v1/keys/%.*s/sharing%s", BYTES_ARGS(id), query);
	TRY_ALLOC(target);
	TRY(client_create(invocation, false, &client));
	TRY(client_get(client, &invocation->arena, target, answer));
	invocation->exit_code = client_exit_code(answer->status);
	if (answer->status >= 300)
		client_say_problem(&invocation->arena, answer);
	return OK;
}

enum status
key_parties_run(struct invocation *invocation) {
	struct connection_answer answer;
	TRY(get_sharing(invocation, "", &answer));
	return answer.status < 300 || invocation->json ? output_document(invocation, answer.body) : OK;
}

/* --- Audit. --- */

static enum status
check_audit(const json *document, const uint8_t challenge[AUDIT_CHALLENGE_SIZE], struct sharing *sharing,
	    int64_t *holder) {
	const json *text;
	struct bytes instance, hex;
	uint8_t proof[AUDIT_PROOF_MAX];
	TRY(json_need(document, "audit", "sharing", JSON_OBJECT, &text));
	TRY(sharing_read(text, sharing));
	TRY(share_audit_public(sharing));
	TRY(json_need_string(document, "audit", "instance", &instance));
	TRY(json_need_integer(document, "audit", "holder", holder));
	TRY(json_need_string(document, "audit", "proof", &hex));
	size_t len = hex.len / 2;
	if (len > sizeof proof)
		return fail(STATUS_INVALID, "audit.proof: %zu hexadecimal digits", hex.len);
	TRY(hex_decode(hex, proof, len));
	if (*holder < 1 || *holder > UINT8_MAX)
		return fail(STATUS_INVALID, "audit.holder: %lld", (long long)*holder);
	return share_audit_verify(sharing, (uint8_t)*holder, instance, challenge, bytes_of(proof, len));
}

enum status
key_audit_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct connection_answer answer;
	struct sharing sharing;
	const json *document;
	int64_t holder;
	uint8_t challenge[AUDIT_CHALLENGE_SIZE];
	char hex[2 * sizeof challenge + 1];
	struct json_writer w;
	random_bytes(challenge, sizeof challenge);
	hex_encode(BYTES_OF_ARRAY(challenge), hex);
	const char *query = arena_format(&invocation->arena, "?challenge=%s", hex);
	TRY_ALLOC(query);
	TRY(get_sharing(invocation, query, &answer));
	if (answer.status >= 300)
		return invocation->json ? output_document(invocation, answer.body) : OK;
	TRY(json_read(&invocation->arena, answer.body, (struct json_limits){}, &document));
	TRY(check_audit(document, challenge, &sharing, &holder));
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_integer(&w, "epoch", sharing.key.epoch);
	json_write_member_text(&w, "holds", sharing.names[party_set_position(&sharing.key.holders, (uint8_t)holder)]);
	json_write_member_text(&w, "key", sharing.key.id);
	json_write_member_hex(&w, "public_key", sharing_public_key(&sharing));
	json_write_member_text(&w, "scheme", key_sharing_name(sharing.scheme));
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return output_document(invocation, buffer_bytes(&text));
}

/* --- Recovery. --- */

/* What one keeper gave: the answer to key.backup, or the result in it. */
struct given {
	uint8_t holder;
	struct key_info key;
	struct sharing sharing;
	struct bytes escrow;
};

static enum status
read_given(struct invocation *invocation, const char *path, struct given *given) {
	struct arena *arena = &invocation->arena;
	const json *document, *key, *sharing;
	struct bytes text, base64;
	int64_t holder;
	size_t len;
	TRY(input_file(arena, path, ESCROW_FILE_MAX, &text));
	TRY(json_read(arena, text, (struct json_limits){}, &document));
	if (json_get(document, "result") != nullptr)
		document = json_get(document, "result");
	TRY(json_need_string(document, "escrow", "escrow", &base64));
	TRY(json_need_integer(document, "escrow", "holder", &holder));
	TRY(json_need(document, "escrow", "sharing", JSON_OBJECT, &sharing));
	TRY(sharing_read(sharing, &given->sharing));
	TRY(json_need(document, "escrow", "key", JSON_OBJECT, &key));
	TRY(key_read(key, &given->key));
	TRY(sharing_check_record(&given->sharing, &given->key));
	if (holder < 1 || holder > UINT8_MAX)
		return fail(STATUS_INVALID, "escrow.holder: %lld", (long long)holder);
	given->holder = (uint8_t)holder;
	uint8_t *escrow = arena_alloc(arena, ESCROW_MAX);
	TRY_ALLOC(escrow);
	TRY(base64_decode(base64, escrow, ESCROW_MAX, &len));
	given->escrow = bytes_of(escrow, len);
	return OK;
}

/* All must be of one sharing: of one key and epoch. */
static enum status
read_all(struct invocation *invocation, struct key_info *key, struct sharing *sharing, uint8_t holders[PARTIES_MAX],
	 struct bytes escrows[PARTIES_MAX], size_t *count) {
	struct hash256 first, hash;
	const char *path;
	for (*count = 0; (path = invocation_option_at(invocation, "escrow", *count)) != nullptr; ++*count) {
		struct given *given = ARENA_NEW(&invocation->arena, struct given);
		TRY_ALLOC(given);
		if (*count == PARTIES_MAX)
			return fail(STATUS_INVALID, "usage.escrow: at most %zu", PARTIES_MAX);
		TRY(read_given(invocation, path, given));
		TRY(sharing_hash(&given->sharing, &hash));
		if (*count == 0) {
			first = hash;
			*key = given->key;
			*sharing = given->sharing;
		}
		if (!hash256_equal(&first, &hash))
			return fail(STATUS_CONFLICT, "escrow.sharing: %s is of another key or epoch than the first",
				    path);
		holders[*count] = given->holder;
		escrows[*count] = given->escrow;
	}
	return *count > 0 ? OK : fail(STATUS_INVALID, "usage.escrow: expected one at least");
}

/* An extended key is a master key, whose chain code the sharing has: BIP-32's form of it derives what it derived before. */
static enum status
write_extended(const struct key_info *key, const struct sharing *sharing, struct bytes number, struct secret *text) {
	bool is_test = strncmp(key->chain, "bitcoin:", 8) == 0 && strcmp(key->chain, "bitcoin:main") != 0;
	struct bip32_extended extended = {.network = is_test ? BIP32_TEST : BIP32_MAIN, .is_private = true};
	TRY(secret_alloc(text, BIP32_TEXT_SIZE + 1));
	memcpy(extended.chain_code, sharing->key.chain_code, sizeof extended.chain_code);
	memcpy(extended.key + 1, number.data, number.len);
	enum status status = bip32_encode(&extended, (char *)text->data);
	secret_wipe(&extended, sizeof extended);
	return status;
}

static enum status
write_number(struct bytes number, struct secret *text) {
	TRY(secret_alloc(text, 2 * number.len + 2));
	hex_encode(number, (char *)text->data);
	return OK;
}

/* What key import calls it. */
static const char *
secret_kind(const struct key_info *key) {
	if (key->algorithm == KEY_ED25519)
		return "scalar";
	return key->material == KEY_MATERIAL_EXTENDED ? "xprv" : "private_key";
}

enum status
key_recover_run(struct invocation *invocation) {
	_cleanup_(secret_free) struct secret recovery = {}, whole = {}, text = {};
	uint8_t holders[PARTIES_MAX];
	struct bytes escrows[PARTIES_MAX];
	struct key_info key;
	struct sharing sharing;
	size_t count;
	TRY(recovery_key_read_private(invocation, invocation_option(invocation, "recovery-key"), &recovery));
	TRY(read_all(invocation, &key, &sharing, holders, escrows, &count));
	TRY(recovery_join(&sharing, bytes_of_text(invocation_option(invocation, "instance")), secret_bytes(&recovery),
			  holders, escrows, count, &whole));
	TRY(key.material == KEY_MATERIAL_EXTENDED ? write_extended(&key, &sharing, secret_bytes(&whole), &text)
						  : write_number(secret_bytes(&whole), &text));
	size_t len = strlen((const char *)text.data);
	text.data[len] = '\n';
	TRY(output_file(invocation_word(invocation, 0), bytes_of(text.data, len + 1), 0600, false));
	output_note("key %s, whole, is in %s: it is no shared key any more. It is imported with --secret-kind %s%s; "
		    "move what it holds, and destroy the file",
		    sharing.key.id, invocation_word(invocation, 0), secret_kind(&key),
		    sharing.scheme == KEY_SHARED_ED25519
			    ? " --algorithm ed25519 (no seed gives it: wallets that take seeds cannot)"
			    : "");
	return OK;
}
