/* A shared key in escrow, in files alone: whether a recovery key will get it out of what the keepers gave, and the key out of it. */
#include "cli/handlers.h"

#include "cli/output.h"
#include "cli/recovery_key.h"
#include "keys/bip32.h"
#include "keys/threshold/audit.h"
#include "keys/threshold/recovery.h"

constexpr size_t ESCROW_FILE_MAX = 1024 * 1024;
constexpr size_t ESCROW_MAX = 256 * 1024;

/* --- What keepers gave. --- */

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

/* Those of one key and epoch; of each whether its share is in there. */
struct collection {
	struct key_info key;
	struct sharing sharing;
	size_t count, sound;
	uint8_t holders[PARTIES_MAX]; /* the sound ones first */
	struct bytes escrows[PARTIES_MAX];
};

static const char *
name_of(const struct sharing *sharing, uint8_t holder) {
	size_t position = party_set_position(&sharing->key.holders, holder);
	return position < sharing->key.holders.count ? sharing->names[position] : "nobody";
}

static void
take(struct collection *collection, const struct given *given, bool is_sound) {
	size_t at = collection->count++;
	if (is_sound) {
		size_t first = collection->sound++;
		collection->holders[at] = collection->holders[first];
		collection->escrows[at] = collection->escrows[first];
		at = first;
	}
	collection->holders[at] = given->holder;
	collection->escrows[at] = given->escrow;
}

/* What does not check is said and counted, and stops nobody from using the others. */
static enum status
check_given(struct invocation *invocation, const char *path, const uint8_t recovery_key[KEM_PUBLIC_SIZE],
	    struct collection *collection) {
	struct given *given = ARENA_NEW(&invocation->arena, struct given);
	struct hash256 first, hash;
	TRY_ALLOC(given);
	TRY(read_given(invocation, path, given));
	if (collection->count == 0) {
		TRY(share_audit_public(&given->sharing));
		collection->key = given->key;
		collection->sharing = given->sharing;
	}
	TRY(sharing_hash(&collection->sharing, &first));
	TRY(sharing_hash(&given->sharing, &hash));
	if (!hash256_equal(&first, &hash))
		return fail(STATUS_CONFLICT, "escrow.sharing: %s is of another key or epoch than the first", path);
	for (size_t i = 0; i < collection->count; i++)
		if (collection->holders[i] == given->holder)
			return fail(STATUS_INVALID, "escrow.holder: %s is of keeper %s, as one before it is", path,
				    name_of(&given->sharing, given->holder));
	bool is_sound =
		recovery_check(&given->sharing, given->holder, bytes_of_text(invocation_option(invocation, "instance")),
			       bytes_of(recovery_key, KEM_PUBLIC_SIZE), given->escrow) == OK;
	if (!is_sound)
		output_note("%s, of keeper %s, gives no share of key %s to this recovery key: %s", path,
			    name_of(&given->sharing, given->holder), given->sharing.key.id, fail_message());
	take(collection, given, is_sound);
	return OK;
}

static enum status
collect(struct invocation *invocation, const uint8_t recovery_key[KEM_PUBLIC_SIZE], struct collection *collection) {
	const char *path;
	*collection = (struct collection){};
	for (size_t i = 0; (path = invocation_option_at(invocation, "escrow", i)) != nullptr; i++) {
		if (i == PARTIES_MAX)
			return fail(STATUS_INVALID, "usage.escrow: at most %zu", PARTIES_MAX);
		TRY(check_given(invocation, path, recovery_key, collection));
	}
	return OK;
}

static enum status
need_enough(const struct collection *collection) {
	return collection->sound >= collection->sharing.key.threshold
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "recovery.escrows: %zu are sound; the key takes %u",
			      collection->sound, collection->sharing.key.threshold);
}

/* --- Checking, by anyone. --- */

static enum status
write_collection(const struct collection *collection, struct buffer *text) {
	const struct sharing *sharing = &collection->sharing;
	struct json_writer w;
	json_writer_start(&w, text);
	json_write_object(&w);
	json_write_member_integer(&w, "epoch", sharing->key.epoch);
	json_write_key(&w, "escrows");
	json_write_array(&w);
	for (size_t i = 0; i < collection->count; i++) {
		json_write_object(&w);
		json_write_member_text(&w, "keeper", name_of(sharing, collection->holders[i]));
		json_write_member_boolean(&w, "sound", i < collection->sound);
		json_write_end(&w);
	}
	json_write_end(&w);
	json_write_member_text(&w, "key", sharing->key.id);
	json_write_member_hex(&w, "public_key", sharing_public_key(sharing));
	json_write_member_boolean(&w, "recoverable", collection->sound >= sharing->key.threshold);
	json_write_member_text(&w, "scheme", key_sharing_name(sharing->scheme));
	json_write_member_integer(&w, "threshold", sharing->key.threshold);
	json_write_end(&w);
	return json_writer_finish(&w);
}

enum status
key_escrow_check_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer text = {};
	uint8_t recovery_key[KEM_PUBLIC_SIZE];
	struct collection collection;
	struct bytes id = bytes_of_text(invocation_word(invocation, 0));
	TRY(recovery_key_read_public(invocation, invocation_option(invocation, "for"), recovery_key));
	TRY(collect(invocation, recovery_key, &collection));
	if (!bytes_equal_text(id, collection.sharing.key.id))
		return fail(STATUS_CONFLICT, "escrow.key: these are of key %s", collection.sharing.key.id);
	TRY(write_collection(&collection, &text));
	TRY(output_document(invocation, buffer_bytes(&text)));
	if (collection.sound < collection.count)
		return fail(STATUS_UNAUTHORIZED, "escrow.proof: %zu of %zu are not sound",
			    collection.count - collection.sound, collection.count);
	return need_enough(&collection);
}

/* --- The key. --- */

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
	uint8_t recovery_key[KEM_PUBLIC_SIZE];
	struct collection collection;
	const struct sharing *sharing = &collection.sharing;
	const struct key_info *key = &collection.key;
	TRY(recovery_key_read_private(invocation, invocation_option(invocation, "recovery-key"), &recovery));
	TRY(kem_public_of(secret_bytes(&recovery), recovery_key));
	TRY(collect(invocation, recovery_key, &collection));
	TRY(need_enough(&collection));
	TRY(recovery_join(sharing, bytes_of_text(invocation_option(invocation, "instance")), secret_bytes(&recovery),
			  collection.holders, collection.escrows, collection.sound, &whole));
	TRY(key->material == KEY_MATERIAL_EXTENDED ? write_extended(key, sharing, secret_bytes(&whole), &text)
						   : write_number(secret_bytes(&whole), &text));
	size_t len = strlen((const char *)text.data);
	text.data[len] = '\n';
	TRY(output_file(invocation_word(invocation, 0), bytes_of(text.data, len + 1), 0600, false));
	output_note("key %s, whole, is in %s: it is no shared key any more. It is imported with --secret-kind %s%s; "
		    "move what it holds, and destroy the file",
		    sharing->key.id, invocation_word(invocation, 0), secret_kind(key),
		    sharing->scheme == KEY_SHARED_ED25519
			    ? " --algorithm ed25519 (no seed gives it: wallets that take seeds cannot)"
			    : "");
	return OK;
}
