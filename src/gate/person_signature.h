/*
 * A person's signature over a digest, as it comes with a request and as it stands in an entry: by an Ed25519 key over label and
 * digest, or by a passkey that took the digest as its challenge (design §4). docs/PROTOCOL.approval.
 *
 * Read and verified from the same members in a request, in the requester's evidence and in a vote: so replay checks what the
 * keeper checked. Views borrow from the document. Errors: those of directory, person_signature, passkey and what it reads.
 */
#ifndef GATEHOUSE_GATE_PERSON_SIGNATURE_H
#define GATEHOUSE_GATE_PERSON_SIGNATURE_H

#include "base/json.h"
#include "identity/directory.h"

struct person_signature {
	struct bytes key_id;
	struct bytes public_key; /* 32 bytes, or a COSE key */
	struct bytes signature;  /* 64 bytes, or what the authenticator made */
	bool is_passkey;
	struct bytes authenticator_data, client_data; /* passkeys only */
	uint32_t counter;                             /* passkeys only, once verified */
	struct bytes totp; /* of an Ed25519 signature in a request: digits, not verified here; empty: none */
};

/* {"assertion"?: {"authenticator_data", "client_data"}, "key_id", "signature", "totp"?}, hexadecimal but the key's id and the digits; verified by the
 * directory's key of that id. A key that does not exist, or of the other kind, is answered as one that did not sign, for as many
 * instructions; what has become of a key is told to whoever signs with it. */
enum status person_signature_read(struct arena *arena, const struct directory *directory,
				  const struct relying_party *party, const json *object, const char *label,
				  const struct hash256 *digest, struct person_signature *signature);

/* {"assertion", "credential_id", "signature"}: by a passkey that says itself which it is. Form only; the challenge is what the
 * client data says, 32 bytes. */
struct discovered_signature {
	struct person_signature signature; /* key_id and counter once it is verified */
	struct bytes credential_id;
	struct hash256 challenge;
};
enum status person_signature_read_discovered(struct arena *arena, const json *object,
					     struct discovered_signature *discovered);
/* By the directory's passkey with that credential. A credential that does not exist is answered as one that did not sign, for as
 * many instructions. signature.key_id is set as soon as the signature holds; what has become of the key is an error after that. */
enum status person_signature_verify_discovered(struct arena *arena, const struct directory *directory,
					       const struct relying_party *party,
					       struct discovered_signature *discovered);

/* The members of the evidence, in order: person_signature_write_assertion() writes "assertion" where there is one; "public_key"
 * and "signature" are the caller's to place. */
void person_signature_write_assertion(struct json_writer *writer, const struct person_signature *signature);

/* From evidence: "assertion"?, "public_key", "signature". */
enum status person_signature_read_evidence(struct arena *arena, const json *evidence,
					   struct person_signature *signature);
/* passkey: what the log enrolled under that key; null for Ed25519. */
enum status person_signature_verify(struct arena *arena, const struct relying_party *party,
				    const struct passkey *passkey, const char *label, const struct hash256 *digest,
				    struct person_signature *signature);

#endif
