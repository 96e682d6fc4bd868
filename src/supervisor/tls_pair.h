/*
 * A certificate chain and its private key, as PEM files hold them: read the one way by the supervisor, which checks them before it
 * hands them on, and by the gateway, which serves with them. Chain: ours first. Key: without a passphrase.
 *
 * Errors: STATUS_INVALID "tls.certificate", "tls.key". Threads: any.
 */
#ifndef GATEHOUSE_SUPERVISOR_TLS_PAIR_H
#define GATEHOUSE_SUPERVISOR_TLS_PAIR_H

#include <openssl/ssl.h>

#include "base/bytes.h"

constexpr size_t TLS_PEM_SIZE_MAX = 256 * 1024;

enum status tls_pair_use(SSL_CTX *context, struct bytes chain, struct bytes key);

enum tls_pair_time { TLS_PAIR_VALID, TLS_PAIR_NOT_YET, TLS_PAIR_EXPIRED };
/* Whether the gateway can serve with them. *time is of our own certificate, now: clients may pin one whatever its time. */
enum status tls_pair_check(struct bytes chain, struct bytes key, enum tls_pair_time *time);

/* Why OpenSSL's last call failed, in its words; its errors are forgotten. Static. */
const char *tls_library_reason(void);

#endif
