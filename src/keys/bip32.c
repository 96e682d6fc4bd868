#include "keys/bip32.h"

#include <stdio.h>

#include "base/base58.h"
#include "base/cursor.h"
#include "base/secret.h"
#include "crypto/sign.h"

static_assert(BIP32_TEXT_SIZE == BASE58_TEXT_SIZE);
static_assert(sizeof(struct bip32_node) == 64);

constexpr size_t SERIALISED_SIZE = 78;
constexpr size_t CHECKSUM_SIZE = 4;

enum status
bip32_master(struct bytes seed, struct bip32_node *master) {
	if (seed.len < BIP32_SEED_MIN || seed.len > BIP32_SEED_MAX)
		return fail(STATUS_INVALID, "bip32.seed: %zu bytes; %zu to %zu are possible", seed.len, BIP32_SEED_MIN,
			    BIP32_SEED_MAX);
	uint8_t mac[64];
	hmac_sha512(BYTES_OF_LITERAL("Bitcoin seed"), seed, mac);
	memcpy(master->key, mac, 32);
	memcpy(master->chain_code, mac + 32, 32);
	secret_wipe(mac, sizeof mac);
	if (secp256k1_private_check(master->key) != OK) {
		secret_wipe(master, sizeof *master);
		return fail(STATUS_INVALID, "bip32.no_master: this seed has no master key");
	}
	return OK;
}

/* HMAC-SHA-512 of 33 bytes of key and the step: the tweak and the child's chain code. */
static void
child_mac(const uint8_t chain_code[32], const uint8_t key[33], uint32_t step, uint8_t mac[64]) {
	uint8_t message[37];
	memcpy(message, key, 33);
	store_u32be(message + 33, step);
	hmac_sha512(bytes_of(chain_code, 32), BYTES_OF_ARRAY(message), mac);
	secret_wipe(message, sizeof message);
}

static enum status
fail_no_child(uint32_t step) {
	return fail(STATUS_INVALID, "bip32.no_child: step %u leads to no key; the next index does", step);
}

enum status
bip32_child(const struct bip32_node *parent, const uint8_t public_key[33], uint32_t step, struct bip32_node *child) {
	uint8_t mac[64], own[33];
	if (step >= BIP32_HARDENED) {
		own[0] = 0;
		memcpy(own + 1, parent->key, 32);
	} else if (public_key != nullptr) {
		memcpy(own, public_key, sizeof own);
	} else {
		TRY(secp256k1_public_key(parent->key, own));
	}
	child_mac(parent->chain_code, own, step, mac);
	memmove(child->key, parent->key, 32);
	enum status status = secp256k1_private_add(child->key, mac);
	memcpy(child->chain_code, mac + 32, 32);
	secret_wipe(mac, sizeof mac);
	secret_wipe(own, sizeof own);
	if (status != OK) {
		secret_wipe(child, sizeof *child);
		return fail_no_child(step);
	}
	return OK;
}

enum status
bip32_descend(const struct bip32_node *from, const struct signing_path *path, struct bip32_node *to) {
	memmove(to, from, sizeof *to);
	for (size_t i = 0; i < path->count; i++)
		TRY(bip32_child(to, nullptr, path->steps[i], to));
	return OK;
}

enum status
bip32_public_child(uint8_t public_key[33], uint8_t chain_code[32], uint32_t step) {
	if (step >= BIP32_HARDENED)
		return fail(STATUS_INVALID, "bip32.hardened: step %u' cannot be derived from a public key",
			    step - BIP32_HARDENED);
	uint8_t mac[64];
	child_mac(chain_code, public_key, step, mac);
	if (secp256k1_public_add(public_key, mac) != OK)
		return fail_no_child(step);
	memcpy(chain_code, mac + 32, 32);
	return OK;
}

void
bip32_fingerprint(const uint8_t public_key[33], uint8_t fingerprint[4]) {
	uint8_t digest[20];
	hash160(bytes_of(public_key, 33), digest);
	memcpy(fingerprint, digest, 4);
}

static const struct {
	uint32_t version;
	enum bip32_network network;
	bool is_private;
} versions[] = {
	{0x0488b21e, BIP32_MAIN, false},
	{0x0488ade4, BIP32_MAIN, true},
	{0x043587cf, BIP32_TEST, false},
	{0x04358394, BIP32_TEST, true},
};

static struct hash256
checksum_of(const uint8_t serialised[SERIALISED_SIZE]) {
	struct hash256 inner = sha256_of_secret(bytes_of(serialised, SERIALISED_SIZE));
	return sha256(hash256_bytes(&inner));
}

enum status
bip32_encode(const struct bip32_extended *extended, char *text) {
	uint8_t bytes[SERIALISED_SIZE + CHECKSUM_SIZE];
	for (size_t i = 0; i < ARRAY_LENGTH(versions); i++)
		if (versions[i].network == extended->network && versions[i].is_private == extended->is_private)
			store_u32be(bytes, versions[i].version);
	bytes[4] = extended->depth;
	memcpy(bytes + 5, extended->parent, 4);
	store_u32be(bytes + 9, extended->step);
	memcpy(bytes + 13, extended->chain_code, 32);
	memcpy(bytes + 45, extended->key, 33);
	struct hash256 checksum = checksum_of(bytes);
	memcpy(bytes + SERIALISED_SIZE, checksum.bytes, CHECKSUM_SIZE);
	enum status status = base58_encode(BYTES_OF_ARRAY(bytes), text);
	secret_wipe(bytes, sizeof bytes);
	return status;
}

static enum status
read_version(struct cursor *cursor, struct bip32_extended *extended) {
	uint32_t version;
	TRY(cursor_u32be(cursor, "bip32.version", &version));
	for (size_t i = 0; i < ARRAY_LENGTH(versions); i++)
		if (versions[i].version == version) {
			extended->network = versions[i].network;
			extended->is_private = versions[i].is_private;
			return OK;
		}
	return fail(STATUS_INVALID, "bip32.version: 0x%08x is none of xpub, xprv, tpub, tprv", version);
}

static enum status
check_key(const struct bip32_extended *extended) {
	static const uint8_t none[4];
	if (extended->depth == 0 && memcmp(extended->parent, none, sizeof none) != 0)
		return fail(STATUS_INVALID,
			    "bip32.master_parent: a master key has no parent, but a fingerprint is given");
	if (extended->depth == 0 && extended->step != 0)
		return fail(STATUS_INVALID, "bip32.master_step: a master key is no child, but step %u is given",
			    extended->step);
	if (extended->is_private) {
		if (extended->key[0] != 0 || secp256k1_private_check(extended->key + 1) != OK)
			return fail(STATUS_INVALID, "bip32.private_key: not a private key of secp256k1");
	} else {
		uint8_t point[65];
		if (secp256k1_public_uncompressed(BYTES_OF_ARRAY(extended->key), point) != OK)
			return fail(STATUS_INVALID, "bip32.public_key: not a point of secp256k1");
	}
	return OK;
}

static enum status
read_extended(struct bytes serialised, struct bip32_extended *extended) {
	struct cursor cursor = cursor_of(serialised);
	TRY(read_version(&cursor, extended));
	TRY(cursor_u8(&cursor, "bip32.depth", &extended->depth));
	TRY(cursor_copy(&cursor, "bip32.parent", extended->parent, sizeof extended->parent));
	TRY(cursor_u32be(&cursor, "bip32.step", &extended->step));
	TRY(cursor_copy(&cursor, "bip32.chain_code", extended->chain_code, sizeof extended->chain_code));
	TRY(cursor_copy(&cursor, "bip32.key", extended->key, sizeof extended->key));
	TRY(cursor_end(&cursor, "bip32"));
	return check_key(extended);
}

enum status
bip32_decode(struct bytes text, struct bip32_extended *extended) {
	uint8_t bytes[SERIALISED_SIZE + CHECKSUM_SIZE] = {};
	size_t len = 0;
	TRY(base58_decode(text, bytes, sizeof bytes, &len));
	enum status status;
	struct hash256 checksum = checksum_of(bytes);
	if (len != sizeof bytes)
		status = fail(STATUS_INVALID, "bip32.length: %zu bytes where %zu were expected", len, sizeof bytes);
	else if (memcmp(checksum.bytes, bytes + SERIALISED_SIZE, CHECKSUM_SIZE) != 0)
		status = fail(STATUS_INVALID, "bip32.checksum: the text is not what was once written");
	else
		status = read_extended(bytes_of(bytes, SERIALISED_SIZE), extended);
	secret_wipe(bytes, sizeof bytes);
	if (status != OK)
		secret_wipe(extended, sizeof *extended);
	return status;
}

static enum status
fail_path(struct bytes text, size_t at) {
	return fail(STATUS_INVALID,
		    "bip32.path: character %zu of \"%.*s\"; expected m/44'/0'/0'/0/5, at most %zu steps", at,
		    (int)(text.len > 128 ? 128 : text.len), (const char *)text.data, SIGNING_PATH_MAX);
}

/* A step from text at *at: decimal without leading zeros, below 2^31, then perhaps ', h or H. */
static bool
parse_step(struct bytes text, size_t *at, uint32_t *step) {
	size_t start = *at;
	uint64_t number = 0;
	for (; *at < text.len && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
		number = number * 10 + (uint64_t)(text.data[*at] - '0');
		if (number >= BIP32_HARDENED)
			return false;
	}
	if (*at == start || (text.data[start] == '0' && *at > start + 1))
		return false;
	*step = (uint32_t)number;
	if (*at < text.len && (text.data[*at] == '\'' || text.data[*at] == 'h' || text.data[*at] == 'H')) {
		*step |= BIP32_HARDENED;
		(*at)++;
	}
	return true;
}

enum status
bip32_path_parse(struct bytes text, struct signing_path *path) {
	*path = (struct signing_path){};
	if (text.len == 0 || text.data[0] != 'm')
		return fail_path(text, 0);
	for (size_t at = 1; at < text.len;) {
		if (text.data[at] != '/' || path->count == SIGNING_PATH_MAX)
			return fail_path(text, at);
		at++;
		if (!parse_step(text, &at, &path->steps[path->count]))
			return fail_path(text, at);
		path->count++;
	}
	return OK;
}

void
bip32_path_format(const struct signing_path *path, char *text) {
	char *at = text;
	*at++ = 'm';
	for (size_t i = 0; i < path->count && i < SIGNING_PATH_MAX; i++) {
		uint32_t step = path->steps[i];
		bool hardened = step >= BIP32_HARDENED;
		at += sprintf(at, "/%u%s", hardened ? step - BIP32_HARDENED : step, hardened ? "'" : "");
	}
	*at = '\0';
}

bool
bip32_path_starts_with(const struct signing_path *path, const struct signing_path *prefix) {
	return path->count >= prefix->count &&
	       memcmp(path->steps, prefix->steps, prefix->count * sizeof prefix->steps[0]) == 0;
}
