/*
 * A key that FROST signs with, and one holder's share of it.
 *
 * What is public of the key is the same at all holders: who they are, how many are needed, the public key and every holder's
 * public share. The scheme says which signatures the key gives; a share is of one scheme and serves no other. With BIP-340 the
 * public key is a point, whose y may be odd: its signatures are those of its x coordinate, and signers are named by their index
 * minus one (bip340.h).
 *
 * At rest a share is a blob: header ‖ AES-256-GCM of the number, bound to everything public (docs/PROTOCOL.threshold §19).
 * Memory: the share is the caller's, its number in secret memory. Threads: one at a time. Errors: "frost_share.*"; of blobs
 * STATUS_CORRUPT "frost_blob.*".
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_FROST_KEY_SHARE_H
#define GATEHOUSE_KEYS_THRESHOLD_FROST_KEY_SHARE_H

#include "base/secret.h"
#include "keys/key.h"
#include "keys/threshold/frost/frost.h"
#include "keys/threshold/frost/scheme.h"
#include "keys/threshold/session.h"

struct frost_key_info {
	char id[KEY_ID_MAX + 1];
	enum frost_scheme scheme;
	enum key_purpose purpose;
	uint8_t threshold;
	uint32_t epoch;
	struct party_set holders;
	struct frost_element public_key;
	uint8_t chain_code[32];                          /* BIP-32, for paths without hardened steps of BIP-340 keys */
	struct frost_element public_shares[PARTIES_MAX]; /* in the order of holders */
};

struct frost_key_share {
	struct frost_key_info key;
	uint8_t self;
	struct secret memory; /* the number */
};

/* Uniform, from 64 bytes. */
struct frost_scalar frost_scalar_random(const struct frost_suite *suite, const struct randomness *randomness);

enum status frost_key_share_create(struct frost_key_share **share, const struct frost_key_info *key, uint8_t self);
void frost_key_share_destroy(struct frost_key_share **share); /* a cleanup function */
struct frost_scalar *frost_key_share_value(const struct frost_key_share *share);
/* OK if the share is that of its public share: STATUS_CORRUPT frost_share.number. */
enum status frost_key_share_check(const struct frost_key_share *share);
/* The public share at a party's index, from the coefficients of a polynomial times the generator. */
enum status frost_commitment_at(const struct frost_suite *suite, const struct frost_element *coefficients,
				uint8_t threshold, uint8_t index, struct frost_element *public_share);

/* What the wrapping key is derived from the root key for (keys/root_key.h). */
#define FROST_SHARE_LABEL "gatehouse/threshold-frost-shares/v1"
/* instance: of the installation. The blob is appended. */
enum status frost_key_share_seal(const struct frost_key_share *share, const uint8_t wrapping_key[32],
				 struct bytes instance, struct buffer *blob);
/* Errors: frost_blob.magic, .version (STATUS_UNSUPPORTED), .attributes, .length, .sealed, .public_share. */
enum status frost_key_share_open(struct frost_key_share **share, const struct frost_key_info *key, uint8_t self,
				 const uint8_t wrapping_key[32], struct bytes instance, struct bytes blob);

#endif
