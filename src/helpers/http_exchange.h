/*
 * One HTTP/1.1 exchange with a configured service over a fresh connection, blocking until a deadline.
 *
 * The address is "https://HOST[:PORT][/PREFIX]", "http://ADDRESS:PORT[/PREFIX]" or "unix:/PATH". Only https takes a name,
 * which http_target_resolve() looks up, and only there is the other side known: its certificate must be good for that name or
 * address. TLS is 1.3. What comes back is bytes of a stranger, bounded in size and time and not trusted by anyone.
 *
 * Owner: the caller. Errors: STATUS_INVALID "http_target.address", "endpoint.form", "http_tls.certificates"; STATUS_UNAVAILABLE
 * "http_target.lookup", "http_tls.handshake", "http_exchange.answer", "endpoint.*"; STATUS_TOO_LARGE "http_exchange.size".
 * Threads: any; one exchange per thread.
 */
#ifndef GATEHOUSE_HELPERS_HTTP_EXCHANGE_H
#define GATEHOUSE_HELPERS_HTTP_EXCHANGE_H

#include <openssl/ssl.h>

#include "helpers/endpoint.h"

constexpr size_t HTTP_HOST_MAX = 255;
constexpr size_t HTTP_PREFIX_MAX = 512;

struct http_target {
	bool has_tls;
	bool has_name; /* a name, not an address */
	uint16_t port; /* 0: a Unix socket */
	struct endpoint endpoint;
	char authority[HTTP_HOST_MAX + 1]; /* as it stands in the Host field */
	char host[HTTP_HOST_MAX + 1];      /* name or address alone: what the certificate must be good for */
	char prefix[HTTP_PREFIX_MAX + 1];  /* begins with '/' if it is not empty, and does not end with one */
};

/* A target with a name has no endpoint before http_target_resolve(). */
enum status http_target_parse(struct bytes address, struct http_target *target);
/* Looks the name up, if there is one: reads files and asks name servers. */
enum status http_target_resolve(struct http_target *target);

/* For https: trusts the certificates in this PEM file, all of which is read now. TLS 1.3, or also 1.2. */
enum status http_tls_create(const char *certificates, bool allows_tls_1_2, SSL_CTX **tls);
void http_tls_free(SSL_CTX **tls); /* a cleanup function */

struct http_call {
	bool is_post;     /* else GET, without the body */
	const char *path; /* behind the target's prefix: "/add-checkpoint" */
	struct bytes body;
	const char *content_type; /* null: text/plain */
	struct bytes fields;      /* more of the header, each with its line's end */
	int64_t timeout_ms;
	size_t answer_max; /* bytes of body */
	bool status_only;  /* what follows the answer's header is not waited for */
};

struct http_reply {
	int status;
	struct buffer content_type;
	struct buffer body;
};
void http_reply_free(struct http_reply *reply); /* a cleanup function */

/* tls: null where the target has none. A process that calls this ignores SIGPIPE where TLS is used. */
enum status http_exchange(const struct http_target *target, SSL_CTX *tls, const struct http_call *call,
			  struct http_reply *reply);

/* What follows the request: the answer, from a connected descriptor without TLS, which stays the caller's. */
enum status http_read_answer(int descriptor, const struct http_call *call, struct http_reply *reply);

#endif
