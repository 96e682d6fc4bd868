/*
 * The key that a person or workload signs with, as a file on its owner's machine, and its public half for everybody else.
 *
 *   {"key_id":"person:p-…/terminal","principal":"person:p-…","public_key":"…","seed":"…","type":"gatehouse/key/v1"}
 *   {"key_id":…,"principal":…,"public_key":…,"type":"gatehouse/public-key/v1"}            FILE.pub
 *
 * A key file that anybody else can read is refused, as is one whose seed and public key do not belong together. Errors: "key_file.*".
 */
#ifndef GATEHOUSE_CLI_KEY_FILE_H
#define GATEHOUSE_CLI_KEY_FILE_H

#include "base/secret.h"
#include "crypto/hash.h"
#include "identity/http_signature.h"

struct key_file {
	struct arena arena;
	struct bytes key_id;
	struct bytes principal;
	uint8_t public_key[32];
	struct secret seed; /* empty in a public key file */
};

/* A fresh key for a principal, "person:p-…" or "workload:…"; name is of the key ("terminal"). */
enum status key_file_generate(struct key_file *key, const char *principal, const char *name);
/* path, 0600, and path with ".pub" behind it, 0644; neither may exist. */
enum status key_file_write(const struct key_file *key, const char *path);
enum status key_file_read(const char *path, struct key_file *key);
/* Either kind of file; the seed is not taken. */
enum status key_file_read_public(const char *path, struct key_file *key);
void key_file_free(struct key_file *key); /* a cleanup function */

bool key_file_is_person(const struct key_file *key);
/* For http_signature_create(); borrows. */
struct http_request_signer key_file_signer(const struct key_file *key);
/* Ed25519 over a label and a digest (identity/statement.h). */
enum status key_file_sign(const struct key_file *key, const char *label, const struct hash256 *digest,
			  uint8_t signature[64]);

#endif
