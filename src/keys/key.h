/*
 * What is known of a key without its secret: the attributes given at its creation, its public key and where it stands in
 * its life. All of it is public and recorded in the ledger; the secret is in a key blob (keys/blob.h).
 *
 * A key is either a single private key (any algorithm) or a BIP-32 extended key (secp256k1 only), below which it signs
 * for derived keys. Its purpose is set at creation and never changes: a transfer key signs decoded transactions only, a
 * digest key signs opaque digests only, so that no digest from outside can ever be a transaction of a transfer key.
 *
 * Life: active ─► rotated (names its successor; still signs, so that what it holds can be moved there; policies see the
 * state); active and rotated ◄─► frozen; all ─► destroyed (its secret is gone, the record stays). Plain data, copied by
 * value. Errors: STATUS_INVALID "key_record.*".
 *
 * A shared key exists nowhere whole: its record says by how many of how many keepers it signs, and its public terms are a
 * struct sharing (keys/threshold/sharing.h); of its secret a keeper has a share (docs/PROTOCOL.threshold).
 */
#ifndef GATEHOUSE_KEYS_KEY_H
#define GATEHOUSE_KEYS_KEY_H

#include "base/json.h"
#include "model/signing_request.h"

constexpr size_t KEY_ID_MAX =
	64; /* of "eth-hot-1": lower-case letters, digits, "-", ".", "_"; a letter or digit first */
constexpr size_t KEY_ACCOUNT_MAX = 64; /* the id of the account that owns it, of the same characters */
constexpr size_t KEY_CHAIN_MAX = 32; /* "eip155:1", "bitcoin:regtest": lower-case letters and digits, one ":" between */
constexpr size_t KEY_BRANCHES_MAX = 4;

constexpr uint8_t KEY_PARTIES_MAX = 16;

enum key_purpose { KEY_PURPOSE_TRANSFER, KEY_PURPOSE_DIGEST, KEY_PURPOSE_COUNT };
enum key_material { KEY_MATERIAL_SINGLE, KEY_MATERIAL_EXTENDED, KEY_MATERIAL_COUNT };
enum key_sharing { KEY_WHOLE, KEY_SHARED_ECDSA, KEY_SHARED_ED25519, KEY_SHARED_BIP340, KEY_SHARING_COUNT };
enum key_state { KEY_ACTIVE, KEY_FROZEN, KEY_ROTATED, KEY_DESTROYED, KEY_STATE_COUNT };

struct key_info {
	char id[KEY_ID_MAX + 1];
	char account[KEY_ACCOUNT_MAX + 1];
	char successor[KEY_ID_MAX + 1]; /* once rotated; "" before */
	char chain[KEY_CHAIN_MAX +
		   1]; /* the only one that it signs for: "bitcoin:regtest"; "": what wallets hold to without */
	enum key_algorithm algorithm;
	enum key_purpose purpose;
	enum key_material material;
	enum key_state state;
	enum key_sharing sharing;
	uint8_t threshold; /* shared keys: keepers that a signature takes, */
	uint8_t parties;   /* of so many that hold a share, */
	uint32_t epoch;    /* dealt so many times */
	int64_t created_ms;
	uint8_t public_key[33]; /* compressed point; Ed25519: 32 bytes; extended: of the extended key itself */
	size_t public_key_len;
	/* Extended keys: the master key's fingerprint and the path from it to this key; count 0: this is the master. */
	uint8_t fingerprint[4];
	struct signing_path origin;
	/* Extended keys: the paths below this key that requests must lie under (BIP-44 accounts); none: every path. */
	size_t branch_count;
	struct signing_path branches[KEY_BRANCHES_MAX];
};

/* OK if text can be the id of a key or account; "key_record.id" otherwise. */
enum status key_check_id(struct bytes text);
/* OK if text has the form of a chain; whether there is such a chain is a wallet's to say. "key_record.chain" otherwise. */
enum status key_check_chain(struct bytes text);
/* OK if the attributes go together: ids, material with algorithm, origin and branches with material, successor with state. */
enum status key_check_info(const struct key_info *key);

static inline struct bytes
key_public(const struct key_info *key) {
	return (struct bytes){key->public_key, key->public_key_len};
}

/* The record as canonical JSON, and back (checked). The writer appends one object. */
void key_write(struct json_writer *writer, const struct key_info *key);
enum status key_read(const json *record, struct key_info *key);

const char *key_algorithm_name(enum key_algorithm algorithm); /* "secp256k1", "p256", "ed25519" */
const char *key_purpose_name(enum key_purpose purpose);       /* "transfer", "digest" */
const char *key_material_name(enum key_material material);    /* "single", "extended" */
const char *key_state_name(enum key_state state);             /* "active", "frozen", "rotated", "destroyed" */
const char *key_sharing_name(enum key_sharing sharing);       /* "whole", or its scheme: "ecdsa", "ed25519", "bip340" */
enum status key_algorithm_parse(struct bytes name, enum key_algorithm *algorithm);
enum status key_purpose_parse(struct bytes name, enum key_purpose *purpose);
enum status key_material_parse(struct bytes name, enum key_material *material);
enum status key_state_parse(struct bytes name, enum key_state *state);
enum status key_sharing_parse(struct bytes name, enum key_sharing *sharing);

#endif
