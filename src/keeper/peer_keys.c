#include "keeper/peer_keys.h"

#include "crypto/aead.h"
#include "crypto/random.h"

static const char LABEL[] = "gatehouse/peer-keys/v1";
constexpr size_t SEEDS_SIZE = ED25519_SEED_SIZE + PINNED_TLS_SEED_SIZE;

const char *
installation_keeper_name(const struct installation *installation) {
	return installation->origin + strlen(installation->instance) + 1;
}

void
peer_keys_close(struct peer_keys *keys) {
	pinned_identity_destroy(&keys->identity);
	secret_region_destroy(&keys->region);
	*keys = (struct peer_keys){};
}

/* Both seeds, and the certificate behind them. */
static enum status
use(struct peer_keys *keys, struct bytes opened) {
	TRY(secret_region_create(&keys->region, ED25519_SEED_SIZE, 1));
	keys->seed = secret_region_take(keys->region);
	memcpy(keys->seed, opened.data, ED25519_SEED_SIZE);
	TRY(ed25519_public_key(keys->seed, keys->key));
	return pinned_identity_create(&keys->identity, opened.data + ED25519_SEED_SIZE,
				      bytes_of(opened.data + SEEDS_SIZE, opened.len - SEEDS_SIZE));
}

static enum status
make(struct installation *installation, const uint8_t wrapping[32], struct peer_keys *keys) {
	_cleanup_(secret_free) struct secret seeds = {}, content = {};
	_cleanup_(buffer_free) struct buffer certificate = {}, sealed = {};
	TRY(secret_alloc(&seeds, SEEDS_SIZE));
	random_bytes(seeds.data, seeds.len);
	TRY(pinned_certificate_make(seeds.data + ED25519_SEED_SIZE, &certificate));
	TRY(secret_alloc(&content, SEEDS_SIZE + certificate.len));
	memcpy(content.data, seeds.data, SEEDS_SIZE);
	memcpy(content.data + SEEDS_SIZE, certificate.data, certificate.len);
	if (!buffer_reserve(&sealed, content.len + AEAD_OVERHEAD))
		return buffer_status(&sealed);
	sealed.len = content.len + AEAD_OVERHEAD;
	TRY(aead_seal(wrapping, bytes_of_text(installation->origin), secret_bytes(&content), sealed.data));
	TRY(secrets_create(installation->secrets, "peer", BYTES_OF_LITERAL("keys"), buffer_bytes(&sealed)));
	return use(keys, secret_bytes(&content));
}

static enum status
open_sealed(struct installation *installation, const uint8_t wrapping[32], struct bytes sealed,
	    struct peer_keys *keys) {
	_cleanup_(secret_free) struct secret content = {};
	if (sealed.len <= SEEDS_SIZE + AEAD_OVERHEAD ||
	    sealed.len > SEEDS_SIZE + AEAD_OVERHEAD + PINNED_TLS_CERTIFICATE_MAX)
		return fail(STATUS_CORRUPT, "peer_keys.form: %zu bytes", sealed.len);
	TRY(secret_alloc(&content, sealed.len - AEAD_OVERHEAD));
	TRY(aead_open(wrapping, bytes_of_text(installation->origin), sealed, content.data));
	return use(keys, secret_bytes(&content));
}

enum status
peer_keys_open(struct installation *installation, struct peer_keys *keys) {
	_cleanup_(secret_free) struct secret wrapping = {};
	_cleanup_(buffer_free) struct buffer sealed = {};
	*keys = (struct peer_keys){};
	TRY(secret_alloc(&wrapping, AEAD_KEY_SIZE));
	TRY(root_key_derive(installation->root, LABEL, wrapping.data));
	enum status status = secrets_get(installation->secrets, "peer", BYTES_OF_LITERAL("keys"), &sealed);
	if (status == STATUS_NOT_FOUND)
		status = make(installation, wrapping.data, keys);
	else if (status == OK)
		status = open_sealed(installation, wrapping.data, buffer_bytes(&sealed), keys);
	if (status != OK)
		peer_keys_close(keys);
	return status;
}
