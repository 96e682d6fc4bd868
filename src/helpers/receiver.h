/*
 * A receiver of notifications, as configured: where it is, what it trusts, its secret, and how a notice gets there.
 *
 * receiver_prepare() reads its files and looks its name up, before confinement; delivering needs neither. What could not be prepared is told
 * with each delivery, and keeps no other receiver from anything. Owner: the caller; the configuration outlives it. Errors:
 * STATUS_UNAVAILABLE those of helpers/http_exchange.h and helpers/mail.h; "receiver.*". Threads: one.
 */
#ifndef GATEHOUSE_HELPERS_RECEIVER_H
#define GATEHOUSE_HELPERS_RECEIVER_H

#include "base/secret.h"
#include "helpers/mail.h"
#include "model/notice.h"

struct receiver {
	const struct config_notification *config;
	const char *console;
	char unprepared[192]; /* why; "": it is prepared */
	unsigned failures;    /* in a row */
	struct http_target target;
	SSL_CTX *tls; /* null: plain HTTP, or mail */
	struct secret secret;
	struct buffer certificates; /* of mail */
	const struct curl_library *library;
};

void receiver_prepare(struct receiver *receiver, const struct config_notification *config, const char *console);
void receiver_free(struct receiver *receiver); /* a cleanup function */

/* *status: of HTTP, or of SMTP. One attempt of at most timeout_ms. */
enum status receiver_deliver(struct receiver *receiver, const struct notice *notice, int64_t now_s, int64_t timeout_ms,
			     int *status);

#endif
