/*
 * A notice in the words of those who receive it: the webhook's own JSON and its signature, what Slack, Teams and PagerDuty expect, and a
 * mail. Each says what happened, to which operation, and where to look; nothing else is known here. docs/notifications.md.
 *
 * Sources: Slack "Incoming webhooks"; Teams "Workflows" with an adaptive card 1.4; PagerDuty Events API v2; RFC 5322, RFC 3834.
 * Errors: only those of memory. Threads: any.
 */
#ifndef GATEHOUSE_HELPERS_NOTIFICATION_H
#define GATEHOUSE_HELPERS_NOTIFICATION_H

#include "model/notice.h"
#include "supervisor/config_notifications.h"

/* The body of a POST, appended. console: what the link begins with. secret: PagerDuty's routing key; the others' bodies have none. */
enum status notification_write_body(enum config_notification_kind kind, const struct notice *notice,
				    const char *console, struct bytes secret, struct buffer *to);

/* Header fields, each with its line's end, appended: Gatehouse-Event, -Timestamp and -Signature, which is HMAC-SHA-256 under the
 * secret over the timestamp's digits, a full stop and the body. */
void notification_write_signature(const struct notice *notice, int64_t now_s, struct bytes body, struct bytes secret,
				  struct buffer *to);

/* A whole message with its header, lines ended by CR LF, none longer than RFC 5322 lets it be; appended. */
void notification_write_mail(const struct config_notification *notification, const struct notice *notice,
			     const char *console, int64_t now_s, struct buffer *to);

#endif
