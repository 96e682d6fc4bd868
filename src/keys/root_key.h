/*
 * The root key: 32 bytes from which the keys that seal everything else at rest are derived.
 *
 * It comes from a passphrase (argon2id, salt and cost in the record), from a systemd service credential, or, for the demo
 * or by explicit configuration only, from a bare file; the latter two hold 64 hexadecimal digits. The *record* is public
 * bytes that the caller stores: source, salt and cost, and a check value, so that a wrong passphrase is told from
 * damaged data. The key lies in a secret_region; nothing seals with it directly (root_key_derive()).
 * Format of the record: docs/PROTOCOL.keys. Threads: read-only after creation. Errors: "root_key.*".
 */
#ifndef GATEHOUSE_KEYS_ROOT_KEY_H
#define GATEHOUSE_KEYS_ROOT_KEY_H

#include "base/secret.h"
#include "crypto/aead.h"

enum root_key_source { ROOT_KEY_PASSPHRASE, ROOT_KEY_CREDENTIAL, ROOT_KEY_FILE, ROOT_KEY_SOURCE_COUNT };

constexpr size_t ROOT_KEY_PASSPHRASE_MIN = 12; /* bytes */
constexpr size_t ROOT_KEY_GIVEN_MAX = 1024;    /* bytes: of a passphrase, or of digits as a file has them */
/* RFC 9106 §4, the choice for limited memory. */
constexpr struct argon2id_cost ROOT_KEY_COST = {.memory_kib = 65536, .passes = 3, .lanes = 4};

struct root_key;

/* For a new installation: given is the passphrase, or the 64 digits. The record is appended. cost matters for a passphrase
 * only. Errors: root_key.passphrase, root_key.digits. */
enum status root_key_create(struct root_key **key, enum root_key_source source, struct bytes given,
			    struct argon2id_cost cost, struct buffer *record);
/* For an existing one. Errors: STATUS_UNAUTHORIZED root_key.wrong; root_key.source (the record names another one);
 * STATUS_CORRUPT root_key.record. */
enum status root_key_open(struct root_key **key, enum root_key_source source, struct bytes given, struct bytes record);
void root_key_destroy(struct root_key **key); /* a cleanup function */

/* The key for one use: "gatehouse/key-blobs/v1". Different labels give unrelated keys. */
enum status root_key_derive(const struct root_key *key, const char *label, uint8_t derived[32]);
enum root_key_source root_key_source(const struct root_key *key); /* shown in /healthz */
const char *root_key_source_name(enum root_key_source source);    /* "passphrase", "credential", "file" */

/* 64 fresh digits, for a credential or file that is being made. */
enum status root_key_generate(struct secret *digits);
/* The file of that name in $CREDENTIALS_DIRECTORY. Errors: root_key.credential. */
enum status root_key_read_credential(const char *name, struct secret *given);
/* Only if allowed says that configuration asked for it, and only a file that nobody else can read. Errors: STATUS_DENIED
 * root_key.file_not_allowed, root_key.file_mode. */
enum status root_key_read_file(const char *path, bool allowed, struct secret *given);

#endif
