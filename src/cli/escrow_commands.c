/* A shared key in escrow, in files alone: whether a recovery key will get it out of what the keepers gave, and the key out of it. */
#include "cli/handlers.h"

#include "cli/escrow_files.h"
#include "cli/output.h"
#include "cli/recovery_key.h"
#include "keys/bip32.h"

/* --- What keepers gave. --- */

static enum status
collect(struct invocation *invocation, const uint8_t recovery_key[KEM_PUBLIC_SIZE],
	struct escrow_collection *collection) {
	const char *paths[PARTIES_MAX], *path;
	size_t count = 0;
	for (; (path = invocation_option_at(invocation, "escrow", count)) != nullptr; count++) {
		if (count == PARTIES_MAX)
			return fail(STATUS_INVALID, "usage.escrow: at most %zu", PARTIES_MAX);
		paths[count] = path;
	}
	return escrow_files_collect(&invocation->arena, paths, count,
				    bytes_of_text(invocation_option(invocation, "instance")),
				    bytes_of(recovery_key, KEM_PUBLIC_SIZE), collection);
}

static enum status
need_enough(const struct escrow_collection *collection) {
	return collection->sound >= collection->sharing->key.threshold
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "recovery.escrows: %zu are sound; the key takes %u",
			      collection->sound, collection->sharing->key.threshold);
}

/* --- Checking, by anyone. --- */

static void
write_file(const struct escrow_file *file, struct json_writer *w) {
	json_write_object(w);
	json_write_member_text(w, "file", file->path);
	if (file->is_read)
		json_write_member_text(w, "keeper", escrow_file_keeper(file));
	if (file->refusal != nullptr)
		json_write_member_text(w, "refusal", file->refusal);
	json_write_member_boolean(w, "sound", file->refusal == nullptr);
	json_write_end(w);
}

static enum status
write_collection(const struct escrow_collection *collection, struct buffer *text) {
	const struct sharing *sharing = collection->sharing;
	struct json_writer w;
	json_writer_start(&w, text);
	json_write_object(&w);
	json_write_member_integer(&w, "epoch", sharing->key.epoch);
	json_write_key(&w, "escrows");
	json_write_array(&w);
	for (size_t i = 0; i < collection->count; i++)
		write_file(&collection->files[i], &w);
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
	struct escrow_collection collection;
	struct bytes id = bytes_of_text(invocation_word(invocation, 0));
	TRY(recovery_key_read_public(invocation, invocation_option(invocation, "for"), recovery_key));
	TRY(collect(invocation, recovery_key, &collection));
	if (!bytes_equal_text(id, collection.sharing->key.id))
		return fail(STATUS_CONFLICT, "escrow.key: these are of key %s", collection.sharing->key.id);
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
	struct escrow_collection collection;
	TRY(recovery_key_read_private(invocation, invocation_option(invocation, "recovery-key"), &recovery));
	TRY(kem_public_of(secret_bytes(&recovery), recovery_key));
	TRY(collect(invocation, recovery_key, &collection));
	TRY(need_enough(&collection));
	const struct sharing *sharing = collection.sharing;
	const struct key_info *key = collection.key;
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
