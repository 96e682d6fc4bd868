/*
 * TLS as the gateway speaks it: version 1.3 only, the groups that are configured (X25519MLKEM768 first), one ticket, no
 * early data. A reload makes a new context; connections that exist keep theirs. Owner: SSL_CTX is reference-counted by
 * OpenSSL; SSL_CTX_free() gives ours back. Source: RFC 8446.
 */
#ifndef GATEHOUSE_GATEWAY_TLS_H
#define GATEHOUSE_GATEWAY_TLS_H

#include <openssl/ssl.h>

#include "supervisor/config.h"

/* chain: PEM certificates, ours first; key: PEM, without a passphrase. Errors: STATUS_INVALID "tls.*". */
enum status tls_context_create(SSL_CTX **context, struct bytes chain, struct bytes key,
			       const struct config_tls *settings);

/* From descriptors whose content is read from offset 0; they stay open and the caller's. */
enum status tls_context_read(SSL_CTX **context, int chain, int key, const struct config_tls *settings);

#endif
