/*
 * One message to a mail server, by libcurl: over TLS from the first byte (smtps) or from STARTTLS on, which is then required; without TLS only
 * where that was configured, which is possible on the loopback alone. The server's certificate must be good for its name.
 *
 * Names are not looked up and no file is read here: address, certificates and password are the caller's. Errors:
 * STATUS_UNAVAILABLE "mail.send: ...". Threads: one.
 */
#ifndef GATEHOUSE_HELPERS_MAIL_H
#define GATEHOUSE_HELPERS_MAIL_H

#include "helpers/curl_library.h"
#include "helpers/http_exchange.h"
#include "supervisor/config_notifications.h"

struct mail_call {
	const struct curl_library *library;
	const struct config_notification *notification; /* server, sender, recipients, lowest version of TLS */
	const struct http_target *server;
	struct bytes certificates; /* PEM that is trusted */
	struct bytes password;
	struct bytes message; /* lines ended by CR LF */
	int64_t timeout_ms;
};

/* "smtp://HOST[:PORT]", "smtps://HOST[:PORT]"; the ports are 587 and 465 where none is given. */
enum status mail_server_parse(const char *url, struct http_target *server);

/* *status: what the server said last, such as 250. */
enum status mail_send(const struct mail_call *call, int *status);

#endif
