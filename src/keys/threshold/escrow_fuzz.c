/*
 * Escrows of shares, from outside: what a stranger made never verifies, and a sound one with the input laid over it does only where the
 * input changes nothing.
 * Reader: keys/threshold/escrow.c
 */
#include "crypto/kem.h"
#include "keys/threshold/escrow.h"
#include "tests/fuzz.h"

static uint8_t recovery_key[KEM_PUBLIC_SIZE];
static struct escrow_terms terms = {.suite = &frost_ed25519, .recovery_key = {recovery_key, sizeof recovery_key}};
static struct secret private_key;
static struct buffer escrow;

static void
make_escrow(void) {
	const struct frost_scalar share = frost_ed25519.scalar_of(77);
	must(kem_generate(recovery_key, &private_key) == OK);
	must(frost_ed25519.element_of(&share, &terms.public_share) == OK);
	must(escrow_create(&terms, &share, &(struct randomness){}, &escrow) == OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	struct frost_scalar share;
	if (escrow.len == 0)
		make_escrow();
	must(escrow_verify(&terms, bytes_of(data, size)) != OK);
	/* The first three bytes say where the rest is laid over the sound one. */
	_cleanup_(buffer_free) struct buffer changed = {};
	buffer_append_bytes(&changed, buffer_bytes(&escrow));
	bool differs = false;
	for (size_t i = 3, at = size < 3 ? 0 : (size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2];
	     i < size && at < changed.len; i++, at++) {
		differs = differs || data[i] != 0;
		changed.data[at] ^= data[i];
	}
	must((escrow_verify(&terms, buffer_bytes(&changed)) == OK) == !differs);
	if (size < 40 && escrow_recover(&terms, buffer_bytes(&changed), secret_bytes(&private_key), &share) == OK)
		must(share.bytes[0] == 77);
	return 0;
}
