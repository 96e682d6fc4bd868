/*
 * An installation on disk: what `gatehouse init` makes and the keeper opens.
 *
 *   <data>/installation.json   instance, origin and the log's two public keys; compared with genesis, so editing it changes nothing
 *   <data>/root-key            the root key's public record (keys/root_key.h)
 *   <data>/secrets.db          wrapped keys, the log's own among them
 *   <data>/ledger/  blobs/  public/ (tiles, checkpoint)  state.db  snapshot  notified
 *
 * Owner: the installation owns all that it opens; the log's private keys lie in memfd_secret memory.
 * Errors: STATUS_CORRUPT "installation.*"; those of the modules that are opened.
 */
#ifndef GATEHOUSE_KEEPER_INSTALLATION_H
#define GATEHOUSE_KEEPER_INSTALLATION_H

#include "base/json.h"
#include "keys/root_key.h"
#include "ledger/head.h"
#include "store/secrets.h"

struct installation {
	const struct io *io;
	char *directory;
	char *instance;
	char *origin;
	struct root_key *root;
	struct secrets *secrets;
	struct head_keys keys;
	struct secret_region *region;
	uint8_t *ed25519_seed;
	struct mldsa44_private *mldsa44;
	struct head_signer signer;
};

/* A new directory, absent or empty: keys are made, nothing of the log yet. origin is instance "/" keeper. */
enum status installation_create(const struct io *io, const char *directory, const char *instance, const char *keeper,
				struct root_key *root, struct bytes root_record, struct installation *installation);
/* given: the passphrase or the digits. */
enum status installation_open(const struct io *io, const char *directory, enum root_key_source source,
			      struct bytes given, struct installation *installation);
void installation_close(struct installation *installation); /* a cleanup function */

/* <directory>/<name>; the caller frees. Null when out of memory. */
char *installation_path(const struct installation *installation, const char *name);
/* The two public keys as vkeys, one line each, appended. */
void installation_vkeys(const struct installation *installation, struct buffer *to);
/* OK if genesis names the same instance, origin and keys: "installation.genesis". */
enum status installation_check_genesis(const struct installation *installation, const json *genesis_body);

#endif
