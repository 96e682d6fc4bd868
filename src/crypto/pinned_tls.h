/*
 * TLS between two parties that know the hash of each other's certificate, over memory: bytes in, bytes out, no socket.
 *
 * Version 1.3 alone, X25519MLKEM768 alone, TLS_AES_256_GCM_SHA384 alone; both sides present a self-signed certificate of an
 * ML-DSA-65 key and sign with mldsa65. What a certificate says counts for nothing, neither names nor times: its SHA-256 must
 * be one of the pinned ones. No tickets, no resumption, no early data. Keys are renewed every 64 MiB. RFC 8446; FIPS 204;
 * draft-ietf-tls-mldsa, draft-ietf-tls-ecdhe-mlkem.
 *
 * Owner: an identity outlives its connections. Threads: one per connection. Errors: STATUS_UNAUTHORIZED "pinned_tls.handshake"
 * where the other side is not who it should be or does not speak this; "pinned_tls.record" where a record is not genuine: the
 * connection is of no further use. STATUS_UNAVAILABLE "pinned_tls.closed": the other side has said that it ends.
 */
#ifndef GATEHOUSE_CRYPTO_PINNED_TLS_H
#define GATEHOUSE_CRYPTO_PINNED_TLS_H

#include "crypto/hash.h"

constexpr size_t PINNED_TLS_SEED_SIZE = 32;
constexpr size_t PINNED_TLS_CERTIFICATE_MAX = 8 * 1024;
constexpr size_t PINNED_TLS_EXPORT_SIZE = 32;

struct pinned_identity;
struct pinned_tls;

/* A certificate of the key that the seed gives, DER, appended. Two calls give two certificates. */
enum status pinned_certificate_make(const uint8_t seed[32], struct buffer *der);
/* "pinned_tls.certificate" where it is not of that key. */
enum status pinned_identity_create(struct pinned_identity **identity, const uint8_t seed[32], struct bytes certificate);
void pinned_identity_destroy(struct pinned_identity **identity); /* a cleanup function */
/* What the others pin. */
const struct hash256 *pinned_identity_hash(const struct pinned_identity *identity);

/* pins are copied; there must be one at least. A client starts to speak at once. */
enum status pinned_tls_start(struct pinned_tls **tls, const struct pinned_identity *identity, bool is_client,
			     const struct hash256 *pins, size_t pin_count);
void pinned_tls_end(struct pinned_tls **tls); /* a cleanup function */

/* Takes what has come from the other side and goes on with the handshake. All of it is taken, or the connection is over. */
enum status pinned_tls_take(struct pinned_tls *tls, struct bytes bytes);
/* Whether both have shown their certificates; and which pin it was. */
bool pinned_tls_is_established(const struct pinned_tls *tls);
size_t pinned_tls_pin(const struct pinned_tls *tls);
/* Keying material of this connection, the same on both sides and of no other: RFC 8446 §7.5. */
enum status pinned_tls_export(struct pinned_tls *tls, const char *label, uint8_t to[32]);

/* Once established: appends what has been decrypted. */
enum status pinned_tls_read(struct pinned_tls *tls, struct buffer *plain);
enum status pinned_tls_write(struct pinned_tls *tls, struct bytes plain);
/* Says that no more will follow. */
void pinned_tls_finish(struct pinned_tls *tls);

/* Moves at most max bytes for the other side into output. */
enum status pinned_tls_output(struct pinned_tls *tls, size_t max, struct buffer *output);
size_t pinned_tls_waiting(const struct pinned_tls *tls); /* bytes of that kind */

#endif
