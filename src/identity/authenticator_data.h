/*
 * Authenticator data (WebAuthn Level 3 §6.1): what an authenticator signs besides the client data's hash.
 *
 * Read whole: attested credential data and extensions are there exactly where their flags say so, nothing follows, reserved
 * flags are zero, and a credential that is backed up is one that may be (BS implies BE, §6.1.3). Views borrow.
 *
 * Errors, STATUS_INVALID: authenticator_data.truncated, .reserved, .backup, .credential_id, .extensions, cbor.*, cose.*;
 * STATUS_UNAUTHORIZED from the checks: authenticator_data.rp_id, .user_present, .user_verified, .counter.
 */
#ifndef GATEHOUSE_IDENTITY_AUTHENTICATOR_DATA_H
#define GATEHOUSE_IDENTITY_AUTHENTICATOR_DATA_H

#include "crypto/hash.h"
#include "identity/cose.h"

constexpr size_t AAGUID_SIZE = 16;
constexpr size_t CREDENTIAL_ID_MAX = 1023; /* §7.1 step 25 */
constexpr size_t AUTHENTICATOR_DATA_MIN = 37;
constexpr size_t AUTHENTICATOR_DATA_MAX = 4096;

struct authenticator_data {
	struct bytes rp_id_hash;
	bool user_present;    /* UP */
	bool user_verified;   /* UV */
	bool backup_eligible; /* BE: a credential that can be copied to other devices */
	bool backed_up;       /* BS */
	uint32_t counter;
	bool has_credential;
	struct bytes aaguid;
	struct bytes credential_id;
	struct cose_key key;
	struct bytes extensions; /* a CBOR map; empty: none */
	struct bytes encoding;   /* as it was read */
};

enum status authenticator_data_read(struct bytes encoding, struct authenticator_data *data);

/* The relying party's name under its hash, and that a person was there; where wanted also that the authenticator verified who. */
enum status authenticator_data_check(const struct authenticator_data *data, struct bytes rp_id, bool verify_user);

/* Whether a counter may follow another: it grows, or the authenticator has none (0 after 0): authenticator_data.counter. */
enum status authenticator_counter_check(uint32_t before, uint32_t counter);

#endif
