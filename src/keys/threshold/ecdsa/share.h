/*
 * A threshold ECDSA key as everyone knows it, and one holder's share of it.
 *
 * The key's secret is the value at zero of a polynomial; a share is its value at the holder's index, with what the
 * holder has between itself and each other (pairwise.h). The epoch counts dealings: shares of different epochs do not
 * go together. The purpose is the key's for life: a transfer key signs digests that its holders computed from decoded
 * transactions, a digest key signs opaque ones, and only in full rounds.
 *
 * Memory: a share owns secret memory. At rest it is a blob under the root key (docs/PROTOCOL.threshold §10), opened
 * only for the key that it was sealed for; presignatures and what a signing makes are never written. Threads: one at a
 * time. Errors: "ecdsa.*"; of blobs STATUS_CORRUPT "share_blob.*".
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_SHARE_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_SHARE_H

#include "base/secret.h"
#include "keys/key.h"
#include "keys/threshold/ecdsa/pairwise.h"

struct ecdsa_key {
	char id[KEY_ID_MAX + 1];
	enum key_purpose purpose;
	uint8_t threshold;
	uint32_t epoch;
	struct party_set holders;
	uint8_t public_key[POINT_SIZE];
	uint8_t chain_code[32];                         /* BIP-32, for paths without hardened steps */
	uint8_t public_shares[PARTIES_MAX][POINT_SIZE]; /* in the order of holders */
};

struct ecdsa_share {
	struct ecdsa_key key;
	uint8_t self;
	struct secret memory; /* the number, and a struct pairwise for each holder, the own one unused */
};

enum status ecdsa_share_create(struct ecdsa_share **share, const struct ecdsa_key *key, uint8_t self);
void ecdsa_share_destroy(struct ecdsa_share **share); /* a cleanup function */
struct scalar *ecdsa_share_value(const struct ecdsa_share *share);
/* The peer is a holder. */
struct pairwise *ecdsa_share_pair(const struct ecdsa_share *share, uint8_t peer);
/* OK if the share is that of its public share. "ecdsa.share". */
enum status ecdsa_share_check(const struct ecdsa_share *share);
/* OK if the signers are holders, enough, this one one of them, and all pairs ready: ecdsa.signers, ecdsa.no_setup. */
enum status ecdsa_share_check_signers(const struct ecdsa_share *share, const struct party_set *signers);

/* Parts that add up to the key, for as many holders: to bring a key in, each holder deals one (dealing.h). parts holds
 * count × 32 bytes; the private key is the caller's to wipe. */
enum status ecdsa_split_private_key(const uint8_t private_key[32], size_t count, const struct randomness *randomness,
				    uint8_t (*parts)[SCALAR_SIZE]);

/* What the wrapping key is derived from the root key for (keys/root_key.h). */
#define ECDSA_SHARE_LABEL "gatehouse/threshold-shares/v1"
/* instance: of the installation. The blob is appended. */
enum status ecdsa_share_seal(const struct ecdsa_share *share, const uint8_t wrapping_key[32], struct bytes instance,
			     struct buffer *blob);
/* Errors: share_blob.magic, .version (STATUS_UNSUPPORTED), .length, .attributes, .sealed, .public_share. */
enum status ecdsa_share_open(struct ecdsa_share **share, const struct ecdsa_key *key, uint8_t self,
			     const uint8_t wrapping_key[32], struct bytes instance, struct bytes blob);

#endif
