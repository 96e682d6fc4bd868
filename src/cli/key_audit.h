/*
 * What came back on an audit of a shared key, held against what the asker knows. The gateway that carries the answer is not trusted: it
 * can make a sharing of its own, of the asked key's public key even, and prove that it knows a share of that. So the proof is checked
 * for the key that was asked for, in the installation of the profile, and the sharing as a whole can be compared by its hash with
 * what was heard another way.
 *
 * Plain values; what is expected is the caller's. Errors: STATUS_UNAUTHORIZED "audit.key", "audit.instance", "audit.public_key",
 * "audit.sharing_hash", where the answer is of another; STATUS_INVALID "usage.public-key", "usage.sharing-hash", "audit.*"; those of
 * keys/threshold/audit.h and sharing.h.
 */
#ifndef GATEHOUSE_CLI_KEY_AUDIT_H
#define GATEHOUSE_CLI_KEY_AUDIT_H

#include "base/json.h"
#include "keys/threshold/audit.h"

struct key_audit_expected {
	const char *key, *instance;
	const uint8_t *challenge; /* AUDIT_CHALLENGE_SIZE bytes */
	const char *public_key;   /* hexadecimal; null: the asker knows none */
	const char *sharing_hash; /* SHA-256 of the sharing's canonical JSON; null: the asker knows none */
};

struct key_audit {
	struct sharing sharing;
	struct hash256 sharing_hash;
	const char *holder; /* the name that has the proof's index; in sharing */
};

/* document: the answer to GET /v1/keys/{id}/sharing?challenge=... */
enum status key_audit_check(const json *document, const struct key_audit_expected *expected, struct key_audit *audit);
/* As one object: what was proved of which key, and what of it was compared with what the asker knew. */
void key_audit_write(struct json_writer *writer, const struct key_audit *audit,
		     const struct key_audit_expected *expected);

#endif
