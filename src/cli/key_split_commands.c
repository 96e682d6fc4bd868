/* A key that somebody has whole, split for the keepers that are to share it: their import keys, and the sealed parts. */
#include "cli/handlers.h"

#include <unistd.h>

#include "cli/client.h"
#include "cli/key_parts.h"
#include "cli/output.h"
#include "crypto/random.h"
#include "crypto/sign.h"
#include "keys/bip32.h"
#include "keys/bip39.h"
#include "keys/threshold/import.h"
#include "keys/threshold/sharing.h"

constexpr size_t FILE_MAX_BYTES = 64 * 1024;
constexpr size_t SECRET_MAX = 4096;
static const char IMPORT_KEY_TYPE[] = "gatehouse/import-key/v1";
static const char PARTS_TYPE[] = "gatehouse/key-parts/v1";

/* --- A keeper's import key. --- */

struct import_key_file {
	struct bytes instance, keeper;
	uint8_t public_key[KEM_PUBLIC_SIZE];
};

static enum status
read_import_key(const json *document, struct import_key_file *key) {
	static const char *const members[] = {"instance", "keeper", "public_key", "type", nullptr};
	struct bytes type, hex;
	TRY(json_only(document, "import_key", members));
	TRY(json_need_string(document, "import_key", "type", &type));
	if (!bytes_equal_text(type, IMPORT_KEY_TYPE))
		return fail(STATUS_INVALID, "import_key.type: expected \"%s\"", IMPORT_KEY_TYPE);
	TRY(json_need_string(document, "import_key", "instance", &key->instance));
	TRY(json_need_string(document, "import_key", "keeper", &key->keeper));
	TRY(party_name_check(key->keeper));
	TRY(json_need_string(document, "import_key", "public_key", &hex));
	return hex_decode(hex, key->public_key, sizeof key->public_key) == OK
		       ? OK
		       : fail(STATUS_INVALID, "import_key.public_key: expected %zu hexadecimal digits",
			      2 * sizeof key->public_key);
}

/* Whoever stands between could give a key of its own: the hash comes from the keeper's log, by another way. */
enum status
key_import_key_run(struct invocation *invocation) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct connection_answer answer;
	struct import_key_file key;
	const json *document;
	char hex[65];
	TRY(client_create(invocation, false, &client));
	TRY(client_get(client, &invocation->arena, "/v1/import-key", &answer));
	invocation->exit_code = client_exit_code(answer.status);
	if (answer.status >= 300) {
		client_say_problem(&invocation->arena, &answer);
		return OK;
	}
	TRY(json_read(&invocation->arena, answer.body, (struct json_limits){}, &document));
	TRY(read_import_key(document, &key));
	struct hash256 hash = sha256(BYTES_OF_ARRAY(key.public_key));
	hex_encode(hash256_bytes(&hash), hex);
	if (strcmp(hex, invocation_option(invocation, "hash")) != 0)
		return fail(STATUS_UNAUTHORIZED,
			    "import_key.hash: the key that came has %s: it is another one than the keeper's log says",
			    hex);
	return output_file(invocation_option(invocation, "out"), answer.body, 0644, false);
}

/* --- Splitting. --- */

static enum status
read_import_key_file(struct arena *arena, const char *path, struct import_key_file *key) {
	struct bytes text;
	const json *document;
	TRY(input_file(arena, path, FILE_MAX_BYTES, &text));
	TRY(json_read(arena, text, (struct json_limits){}, &document));
	return read_import_key(document, key);
}

/* The private key and, of an extended one, its chain code. */
struct whole {
	uint8_t private_key[SCALAR_SIZE], chain_code[32], public_key[POINT_SIZE];
	bool is_extended;
};

static struct bytes
trimmed(struct bytes text) {
	while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
		text.len--;
	return text;
}

static enum status
read_extended(struct bytes text, struct whole *whole) {
	struct bip32_extended extended;
	enum status status = bip32_decode(text, &extended);
	if (status == OK && !extended.is_private)
		status = fail(STATUS_INVALID, "key.public: an extended public key cannot be split");
	if (status == OK) {
		memcpy(whole->private_key, extended.key + 1, sizeof whole->private_key);
		memcpy(whole->chain_code, extended.chain_code, sizeof whole->chain_code);
		whole->is_extended = true;
	}
	secret_wipe(&extended, sizeof extended);
	return status;
}

/* The master key that the words give; with a path the private key there, which only who has the whole key can find. */
static enum status
descend(const struct invocation *invocation, struct bip32_node *node, struct whole *whole) {
	const char *path = invocation_option(invocation, "path");
	struct signing_path steps = {};
	if (path != nullptr) {
		TRY(bip32_path_parse(bytes_of_text(path), &steps));
		TRY(bip32_descend(node, &steps, node));
	}
	memcpy(whole->private_key, node->key, sizeof whole->private_key);
	whole->is_extended = path == nullptr;
	if (whole->is_extended)
		memcpy(whole->chain_code, node->chain_code, sizeof whole->chain_code);
	return OK;
}

static enum status
read_mnemonic(const struct invocation *invocation, struct bytes words, struct whole *whole) {
	_cleanup_(secret_free) struct secret passphrase = {};
	const char *passphrase_file = invocation_option(invocation, "passphrase-file");
	uint8_t seed[BIP39_SEED_SIZE];
	struct bip32_node node;
	if (passphrase_file != nullptr)
		TRY(secret_read_file(&passphrase, passphrase_file, 1024));
	TRY(bip39_seed(words, secret_bytes(&passphrase), seed));
	enum status status = bip32_master(BYTES_OF_ARRAY(seed), &node);
	secret_wipe(seed, sizeof seed);
	if (status == OK)
		status = descend(invocation, &node, whole);
	secret_wipe(&node, sizeof node);
	return status;
}

static enum status
read_secret(const char *path, struct secret *text) {
	return strcmp(path, "-") == 0 ? secret_read_descriptor(text, STDIN_FILENO, SECRET_MAX)
				      : secret_read_file(text, path, SECRET_MAX);
}

static enum status
read_whole(const struct invocation *invocation, struct whole *whole) {
	_cleanup_(secret_free) struct secret text = {};
	const char *kind = invocation_option(invocation, "secret-kind");
	bool is_mnemonic = strcmp(kind, "mnemonic") == 0;
	if (!is_mnemonic && (invocation_option(invocation, "path") != nullptr ||
			     invocation_option(invocation, "passphrase-file") != nullptr))
		return fail(STATUS_INVALID, "usage.path: --path and --passphrase-file go with a mnemonic");
	TRY(read_secret(invocation_option(invocation, "secret-file"), &text));
	struct bytes value = trimmed(secret_bytes(&text));
	if (strcmp(kind, "private_key") == 0)
		TRY(hex_decode(value, whole->private_key, sizeof whole->private_key));
	else if (strcmp(kind, "xprv") == 0)
		TRY(read_extended(value, whole));
	else if (is_mnemonic)
		TRY(read_mnemonic(invocation, value, whole));
	else
		return fail(STATUS_INVALID, "usage.secret-kind: private_key, mnemonic or xprv can be split");
	return secp256k1_public_key(whole->private_key, whole->public_key);
}

struct splitting {
	struct import_key_file keys[PARTIES_MAX];
	size_t count;
	struct buffer sealed;
};

static void
splitting_free(struct splitting *splitting) {
	buffer_free(&splitting->sealed);
}

static enum status
read_keepers(struct invocation *invocation, struct splitting *splitting) {
	const char *path;
	for (; (path = invocation_option_at(invocation, "for", splitting->count)) != nullptr; splitting->count++) {
		if (splitting->count == PARTIES_MAX)
			return fail(STATUS_INVALID, "usage.for: at most %zu", PARTIES_MAX);
		struct import_key_file *key = &splitting->keys[splitting->count];
		TRY(read_import_key_file(&invocation->arena, path, key));
		for (size_t i = 0; i < splitting->count; i++)
			if (bytes_equal(splitting->keys[i].keeper, key->keeper))
				return fail(STATUS_INVALID, "usage.for: keeper %.*s is named twice",
					    BYTES_ARGS(key->keeper));
		if (!bytes_equal(splitting->keys[0].instance, key->instance))
			return fail(STATUS_INVALID, "usage.for: %s is of another installation", path);
	}
	return splitting->count >= 2 ? OK : fail(STATUS_INVALID, "usage.for: a key is split for two keepers at least");
}

static enum status
seal_parts(struct invocation *invocation, const struct whole *whole, struct splitting *splitting) {
	uint8_t parts[PARTIES_MAX][SCALAR_SIZE], sealed[IMPORT_PART_SIZE];
	struct randomness randomness = {};
	TRY(ecdsa_split_private_key(whole->private_key, splitting->count, &randomness, parts));
	enum status status = OK;
	for (size_t i = 0; i < splitting->count && status == OK; i++) {
		struct import_terms terms = {.instance = splitting->keys[i].instance,
					     .key_id = bytes_of_text(invocation_word(invocation, 0)),
					     .public_key = BYTES_OF_ARRAY(whole->public_key),
					     .chain_code = BYTES_OF_ARRAY(whole->chain_code),
					     .keeper = splitting->keys[i].keeper};
		status = import_seal_part(&terms, BYTES_OF_ARRAY(splitting->keys[i].public_key), parts[i], sealed);
		buffer_append(&splitting->sealed, sealed, sizeof sealed);
	}
	secret_wipe(parts, sizeof parts);
	return status == OK ? buffer_status(&splitting->sealed) : status;
}

static enum status
write_parts(struct invocation *invocation, const struct whole *whole, const struct splitting *splitting,
	    struct buffer *text) {
	uint8_t salt[32];
	struct json_writer w;
	random_bytes(salt, sizeof salt);
	json_writer_start(&w, text);
	json_write_object(&w);
	if (whole->is_extended)
		json_write_member_hex(&w, "chain_code", BYTES_OF_ARRAY(whole->chain_code));
	json_write_member_string(&w, "instance", splitting->keys[0].instance);
	json_write_member_text(&w, "key", invocation_word(invocation, 0));
	json_write_key(&w, "parties");
	json_write_array(&w);
	for (size_t i = 0; i < splitting->count; i++)
		json_write_string(&w, splitting->keys[i].keeper);
	json_write_end(&w);
	json_write_key(&w, "parts");
	json_write_base64(&w, buffer_bytes(&splitting->sealed));
	json_write_member_hex(&w, "public_key", BYTES_OF_ARRAY(whole->public_key));
	json_write_member_hex(&w, "salt", BYTES_OF_ARRAY(salt));
	json_write_member_text(&w, "type", PARTS_TYPE);
	json_write_end(&w);
	return json_writer_finish(&w);
}

enum status
key_split_run(struct invocation *invocation) {
	_cleanup_(splitting_free) struct splitting splitting = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct whole whole = {};
	TRY(key_check_id(bytes_of_text(invocation_word(invocation, 0))));
	TRY(read_keepers(invocation, &splitting));
	enum status status = read_whole(invocation, &whole);
	if (status == OK)
		status = seal_parts(invocation, &whole, &splitting);
	secret_wipe(whole.private_key, sizeof whole.private_key);
	TRY(status);
	TRY(write_parts(invocation, &whole, &splitting, &text));
	TRY(output_file(invocation_option(invocation, "out"), buffer_bytes(&text), 0600, false));
	output_note(
		"the key was whole on this machine, and every copy of it still signs alone: destroy them, or move what "
		"it holds to a key that never was");
	return OK;
}

/* --- Its file. --- */

enum status
key_parts_read(struct arena *arena, const char *path, struct key_parts *parts) {
	static const char *const members[] = {"chain_code", "instance", "key",  "parties", "parts",
					      "public_key", "salt",     "type", nullptr};
	struct bytes text, type;
	TRY(input_file(arena, path, FILE_MAX_BYTES, &text));
	TRY(json_read(arena, text, (struct json_limits){}, &parts->document));
	TRY(json_only(parts->document, "key_parts", members));
	TRY(json_need_string(parts->document, "key_parts", "type", &type));
	if (!bytes_equal_text(type, PARTS_TYPE))
		return fail(STATUS_INVALID, "key_parts.type: expected \"%s\"", PARTS_TYPE);
	if (json_get(parts->document, "chain_code") != nullptr)
		TRY(json_need_string(parts->document, "key_parts", "chain_code", &parts->chain_code));
	TRY(json_need_string(parts->document, "key_parts", "instance", &parts->instance));
	TRY(json_need_string(parts->document, "key_parts", "key", &parts->key));
	TRY(json_need(parts->document, "key_parts", "parties", JSON_ARRAY, &parts->parties));
	TRY(json_need_string(parts->document, "key_parts", "parts", &parts->parts));
	TRY(json_need_string(parts->document, "key_parts", "public_key", &parts->public_key));
	return json_need_string(parts->document, "key_parts", "salt", &parts->salt);
}
