/* Making keys: each yields a record and a blob, and leaves the ring as it was. */
#include "crypto/random.h"
#include "crypto/sign.h"
#include "keys/bip39.h"
#include "keys/software/ring.h"

/* A random private key is out of range with a chance below 2^-31 (P-256) or 2^-127 (secp256k1). */
constexpr int ATTEMPTS = 8;

static enum status
check_request(const struct keyring *ring, struct key_info *key, enum key_material material) {
	key->state = KEY_ACTIVE;
	key->successor[0] = '\0';
	TRY(key_check_info(key));
	if (key->material != material)
		return fail(STATUS_INVALID, "key_record.material: this makes a %s key, not a %s one",
			    key_material_name(material), key_material_name(key->material));
	if (keyring_find(ring, bytes_of_text(key->id)) != nullptr)
		return fail(STATUS_CONFLICT, "key.exists: there is a key %s already", key->id);
	return OK;
}

static void
set_master(struct key_info *key) {
	bip32_fingerprint(key->public_key, key->fingerprint);
	key->origin = (struct signing_path){};
}

/* Seals what lies in scratch, whose public key is filled in, and wipes it. */
static enum status
seal(struct keyring *ring, const struct key_info *key, uint8_t blob[BLOB_SIZE]) {
	enum status status = blob_seal(ring->wrapping_key, buffer_bytes(&ring->instance), key, ring->scratch, blob);
	secret_wipe(ring->scratch, KEY_SECRET_SIZE);
	return status;
}

/* Fills in the public key of what lies in scratch, and seals that. */
static enum status
seal_single(struct keyring *ring, struct key_info *key, uint8_t blob[BLOB_SIZE]) {
	enum status status = key_derive_public(key->algorithm, ring->scratch, key->public_key, &key->public_key_len);
	if (status == OK)
		return seal(ring, key, blob);
	secret_wipe(ring->scratch, KEY_SECRET_SIZE);
	return status;
}

static enum status
draw(struct keyring *ring, struct key_info *key) {
	uint8_t seed[BIP32_SEED_MAX];
	enum status status = OK;
	for (int i = 0; i < ATTEMPTS; i++) {
		random_bytes(seed, sizeof seed);
		status = OK;
		if (key->material == KEY_MATERIAL_EXTENDED)
			status = bip32_master(BYTES_OF_ARRAY(seed), (struct bip32_node *)ring->scratch);
		else {
			memcpy(ring->scratch, seed, 32);
			memset(ring->scratch + 32, 0, KEY_SECRET_SIZE - 32);
		}
		if (status == OK)
			status =
				key_derive_public(key->algorithm, ring->scratch, key->public_key, &key->public_key_len);
		if (status == OK)
			break;
	}
	secret_wipe(seed, sizeof seed);
	if (status != OK)
		secret_wipe(ring->scratch, KEY_SECRET_SIZE);
	return status;
}

enum status
keyring_generate(struct keyring *ring, struct key_info *key, uint8_t blob[BLOB_SIZE]) {
	key->origin.count = 0;
	TRY(check_request(ring, key, key->material));
	TRY(draw(ring, key));
	if (key->material == KEY_MATERIAL_EXTENDED)
		set_master(key);
	return seal(ring, key, blob);
}

enum status
keyring_import_private(struct keyring *ring, struct key_info *key, struct bytes private_key, uint8_t blob[BLOB_SIZE]) {
	TRY(check_request(ring, key, KEY_MATERIAL_SINGLE));
	if (private_key.len != 32)
		return fail(STATUS_INVALID, "key.private_key: %zu bytes where 32 were expected", private_key.len);
	memcpy(ring->scratch, private_key.data, 32);
	memset(ring->scratch + 32, 0, KEY_SECRET_SIZE - 32); /* else it were a number of Ed25519 */
	return seal_single(ring, key, blob);
}

/* Nonces are made of a prefix that the number gives and nobody without it. */
enum status
keyring_import_scalar(struct keyring *ring, struct key_info *key, struct bytes scalar, uint8_t blob[BLOB_SIZE]) {
	TRY(check_request(ring, key, KEY_MATERIAL_SINGLE));
	if (key->algorithm != KEY_ED25519)
		return fail(STATUS_INVALID, "key.scalar: a number is imported for ed25519, not for %s",
			    key_algorithm_name(key->algorithm));
	if (scalar.len != 32)
		return fail(STATUS_INVALID, "key.scalar: %zu bytes where 32 were expected", scalar.len);
	struct hash256 prefix = SHA256_PARTS(BYTES_OF_LITERAL("gatehouse/ed25519-prefix/v1"), scalar);
	memcpy(ring->scratch, scalar.data, 32);
	memcpy(ring->scratch + 32, prefix.bytes, sizeof prefix.bytes);
	secret_wipe(&prefix, sizeof prefix);
	return seal_single(ring, key, blob);
}

enum status
keyring_import_mnemonic(struct keyring *ring, struct key_info *key, struct bytes mnemonic, struct bytes passphrase,
			uint8_t blob[BLOB_SIZE]) {
	uint8_t seed[BIP39_SEED_SIZE];
	key->origin.count = 0;
	TRY(check_request(ring, key, KEY_MATERIAL_EXTENDED));
	TRY(bip39_seed(mnemonic, passphrase, seed));
	enum status status = bip32_master(BYTES_OF_ARRAY(seed), (struct bip32_node *)ring->scratch);
	secret_wipe(seed, sizeof seed);
	if (status == OK)
		status = key_derive_public(key->algorithm, ring->scratch, key->public_key, &key->public_key_len);
	if (status != OK) {
		secret_wipe(ring->scratch, KEY_SECRET_SIZE);
		return status;
	}
	set_master(key);
	return seal(ring, key, blob);
}

static enum status
take_extended(struct keyring *ring, struct key_info *key, const struct bip32_extended *extended) {
	if (!extended->is_private)
		return fail(STATUS_INVALID, "key.public: an extended public key cannot sign");
	const struct signing_path *origin = &key->origin;
	if (origin->count != extended->depth ||
	    (origin->count > 0 && origin->steps[origin->count - 1] != extended->step))
		return fail(STATUS_INVALID,
			    "key.origin: the key is %u steps below its master, the last of them %u; the given path "
			    "says otherwise",
			    extended->depth, extended->step);
	struct bip32_node *node = (struct bip32_node *)ring->scratch;
	memcpy(node->key, extended->key + 1, sizeof node->key);
	memcpy(node->chain_code, extended->chain_code, sizeof node->chain_code);
	TRY(key_derive_public(key->algorithm, ring->scratch, key->public_key, &key->public_key_len));
	if (extended->depth == 0)
		set_master(key);
	else if (extended->depth == 1 && memcmp(key->fingerprint, extended->parent, sizeof key->fingerprint) != 0)
		return fail(STATUS_INVALID,
			    "key.origin: the key's parent is not the master with the given fingerprint");
	return OK;
}

/* "tprv…" says of itself that it is for test networks. */
static enum status
check_network(const struct key_info *key, const struct bip32_extended *extended) {
	static const char test[] = "bitcoin:", main[] = "bitcoin:main";
	bool is_test = strncmp(key->chain, test, strlen(test)) == 0 && strcmp(key->chain, main) != 0;
	if (is_test == (extended->network == BIP32_TEST))
		return OK;
	return fail(STATUS_INVALID, "key.network: the extended key is of %s, and the key to be made signs for %s",
		    is_test ? "the main network" : "test networks",
		    key->chain[0] == '\0' ? "bitcoin:main" : key->chain);
}

enum status
keyring_import_extended(struct keyring *ring, struct key_info *key, struct bytes xprv, uint8_t blob[BLOB_SIZE]) {
	struct bip32_extended extended;
	TRY(check_request(ring, key, KEY_MATERIAL_EXTENDED));
	TRY(bip32_decode(xprv, &extended));
	enum status status = check_network(key, &extended);
	if (status == OK)
		status = take_extended(ring, key, &extended);
	secret_wipe(&extended, sizeof extended);
	if (status != OK) {
		secret_wipe(ring->scratch, KEY_SECRET_SIZE);
		return status;
	}
	return seal(ring, key, blob);
}
