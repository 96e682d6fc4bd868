/*
 * How a key is shared: the public side of it, as it stands in the log's entries beside the key's record.
 *
 * Which keepers hold a share, by name, index and identity; how many of them sign; each holder's public share; the chain code.
 * With it everyone can check a signature's signers, and a holder its own share. Of every scheme the key's terms are held as those
 * of ECDSA are; points of Ed25519 take the first 32 bytes of their places, and are 32 bytes in JSON. Canonical JSON:
 *
 *   {"chain_code":"…","epoch":1,"key":"eth-vault","parties":[{"admission":1,"identity":"…","index":1,"name":"one",
 *    "public_share":"…"},…],"public_key":"…","purpose":"transfer","scheme":"ecdsa","threshold":2}
 *
 * Plain values. Errors: STATUS_INVALID "sharing.*", and those of session.h. Format: docs/PROTOCOL.threshold §16.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_SHARING_H
#define GATEHOUSE_KEYS_THRESHOLD_SHARING_H

#include "base/json.h"
#include "keys/threshold/ecdsa/share.h"
#include "keys/threshold/frost/key_share.h"

constexpr size_t PARTY_NAME_MAX = 32; /* of [a-z0-9-] */

static_assert(KEY_PARTIES_MAX == PARTIES_MAX);

struct sharing {
	enum key_sharing scheme;
	struct ecdsa_key key;
	/* In the order of key.holders. */
	char names[PARTIES_MAX][PARTY_NAME_MAX + 1];
	uint64_t admissions
		[PARTIES_MAX]; /* of its enrolment: one that was admitted anew since shares nothing until a refresh */
};

/* The group that the scheme's keys and shares are of. */
const struct frost_suite *sharing_suite(const struct sharing *sharing);
struct bytes sharing_public_key(const struct sharing *sharing);
/* Ed25519 and BIP-340 are FROST's: its keys, in and out. */
bool sharing_is_frost(enum key_sharing scheme);
void sharing_to_frost(const struct sharing *sharing, struct frost_key_info *key);
void sharing_of_frost(const struct frost_key_info *key, struct sharing *sharing);

void sharing_write(struct json_writer *writer, const struct sharing *sharing);
enum status sharing_read(const json *text, struct sharing *sharing);
/* OK if both speak of one key: "sharing.record". */
enum status sharing_check_record(const struct sharing *sharing, const struct key_info *record);
/* SHA-256 of its canonical JSON: what all holders of a dealing must have alike. */
enum status sharing_hash(const struct sharing *sharing, struct hash256 *hash);

/* OK if text can be a keeper's name: "sharing.name". */
enum status party_name_check(struct bytes text);
/* "2-of-3". Errors: sharing.threshold. */
enum status sharing_parse_threshold(struct bytes text, uint8_t *threshold, uint8_t *parties);

/*
 * What limits are worth where keepers lie. Two sets of signers have 2t − n keepers in common at least; a limit holds against so
 * many liars as leave an honest one among them: 2t − n − 1. Beyond that the liars sign once with each of disjoint groups of the
 * honest, so often the limit is spent; as many of them as sign need no honest one.
 */
struct sharing_tolerance {
	bool may_be_limited; /* 2t > n */
	uint8_t liars;       /* against which limits hold */
};
struct sharing_tolerance sharing_tolerance(uint8_t threshold, uint8_t parties);
/* How many times a limit is spent at most with so many liars, fewer than the threshold: once as long as it holds, and with one liar
 * less than sign, n − t + 1 times. */
uint8_t sharing_spends(uint8_t threshold, uint8_t parties, uint8_t liars);

#endif
