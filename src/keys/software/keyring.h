/*
 * The keys of the keeper in software: 10,000 and more, their secrets clear in memfd_secret memory and used where they lie.
 *
 * The ring is memory only. Creating and importing yield a key's record and blob without changing the ring; the caller makes
 * both durable and then adds them. Changes of state are made here after the ledger has recorded them.
 *
 * Every signature is verified before it is handed out; one that does not verify is wiped (design §7).
 * Owner: the ring copies what it is given. Threads: one at a time.
 * Errors: STATUS_NOT_FOUND "key.unknown"; STATUS_DENIED "key.frozen", "key.destroyed", "key.purpose", "key.path", "key.shared";
 * STATUS_INVALID "key.scheme", "key.tweak"; STATUS_CONFLICT "key.expected_public_key", "key.exists", "key.state",
 * "key.successor"; STATUS_INTERNAL "key.signature". *signature is zero unless OK.
 */
#ifndef GATEHOUSE_KEYS_SOFTWARE_KEYRING_H
#define GATEHOUSE_KEYS_SOFTWARE_KEYRING_H

#include "keys/blob.h"
#include "keys/key.h"
#include "keys/root_key.h"

struct keyring;

enum status keyring_create(struct keyring **ring, const struct root_key *root, struct bytes instance);
void keyring_destroy(struct keyring **ring); /* a cleanup function */
/* True if clear keys cannot be read by other processes, root's included. Shown in /healthz. */
bool keyring_is_isolated(const struct keyring *ring);
/* False if clear keys may be swapped out. Shown in /healthz. */
bool keyring_is_locked(const struct keyring *ring);

/* --- Making keys. *key enters with id, account, algorithm, purpose, material, created_ms and branches; the rest is filled
 * in, state is active. Nothing is added. Errors: also key.exists. --- */
enum status keyring_generate(struct keyring *ring, struct key_info *key, uint8_t blob[BLOB_SIZE]);
/* A private key of 32 bytes; material must be single. */
enum status keyring_import_private(struct keyring *ring, struct key_info *key, struct bytes private_key,
				   uint8_t blob[BLOB_SIZE]);
/* The number of an Ed25519 key that no seed gives, 32 bytes, as a shared key's recovery yields it; material must be single. */
enum status keyring_import_scalar(struct keyring *ring, struct key_info *key, struct bytes scalar,
				  uint8_t blob[BLOB_SIZE]);
/* Material must be extended. */
enum status keyring_import_mnemonic(struct keyring *ring, struct key_info *key, struct bytes mnemonic,
				    struct bytes passphrase, uint8_t blob[BLOB_SIZE]);
/* "xprv…"; where it is not a master key, fingerprint and origin enter filled in: "key.origin" where they do not fit. */
enum status keyring_import_extended(struct keyring *ring, struct key_info *key, struct bytes xprv,
				    uint8_t blob[BLOB_SIZE]);

/* --- The ring. --- */
/* Opens the blob and adds the key in its recorded state; a destroyed one and a shared one are added without secret, blob then
 * empty. A shared key lives here as any other, but signs elsewhere: "key.shared". */
enum status keyring_add(struct keyring *ring, const struct key_info *key, struct bytes blob);

/* Null if there is none. Valid until the key is forgotten. */
const struct key_info *keyring_find(const struct keyring *ring, struct bytes id);
size_t keyring_count(const struct keyring *ring);
const struct key_info *keyring_at(const struct keyring *ring, size_t index); /* in order of addition */

enum status keyring_freeze(struct keyring *ring, struct bytes id);
enum status keyring_unfreeze(struct keyring *ring, struct bytes id);
/* The successor is another active key of the same algorithm, purpose and account: "key.successor". */
enum status keyring_rotate(struct keyring *ring, struct bytes id, struct bytes successor);
/* A shared key was dealt anew: threshold, parties and epoch are those of key, whose id it has. */
enum status keyring_reshare(struct keyring *ring, const struct key_info *key);
enum status keyring_destroy_key(struct keyring *ring, struct bytes id); /* the secret is wiped; the record stays */
/* Whether the change would be made, changing nothing: what the gate asks before it records one. */
enum status keyring_check_change(const struct keyring *ring, struct bytes id, enum key_state to);
enum status keyring_check_rotation(const struct keyring *ring, struct bytes id, struct bytes successor);

/* --- Using keys. --- */
/* Whether the key may sign this: state, purpose, scheme, branches. Nothing is signed. */
enum status keyring_check_request(const struct keyring *ring, struct bytes id, enum key_purpose use,
				  const struct signing_request *request);
/* The same, and that there is a key for it at that path: what follows cannot fail but by what is broken. */
enum status keyring_check_sign(struct keyring *ring, struct bytes id, enum key_purpose use,
			       const struct signing_request *request);
/* The compressed public key at path below an extended key (count 0: the key's own). Any state but destroyed. */
enum status keyring_public_key(struct keyring *ring, struct bytes id, const struct signing_path *path,
			       uint8_t public_key[33]);
/* use: what the digest is, by whoever computed it; it must be the key's purpose. An Ed25519 key signs the 32 bytes of the
 * digest as its message. */
enum status keyring_sign(struct keyring *ring, struct bytes id, enum key_purpose use,
			 const struct signing_request *request, struct signature *signature);

#endif
