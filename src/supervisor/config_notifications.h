/*
 * Who is told of what: the part `notifications` of gatehouse.yaml. Addresses are the configuration's alone; secrets lie in files
 * that the helper fetch reads before it is confined. Documented example: examples/gatehouse.yaml; docs/notifications.md.
 */
#ifndef GATEHOUSE_SUPERVISOR_CONFIG_NOTIFICATIONS_H
#define GATEHOUSE_SUPERVISOR_CONFIG_NOTIFICATIONS_H

#include "base/yaml_schema.h"

constexpr size_t CONFIG_NOTIFICATIONS_MAX = 8;
constexpr size_t CONFIG_RECIPIENTS_MAX = 16;

enum config_notification_kind {
	CONFIG_NOTIFY_WEBHOOK,
	CONFIG_NOTIFY_SLACK,
	CONFIG_NOTIFY_TEAMS,
	CONFIG_NOTIFY_PAGERDUTY,
	CONFIG_NOTIFY_SMTP,
	CONFIG_NOTIFICATION_KINDS,
};

enum config_tls_version { CONFIG_TLS_1_3, CONFIG_TLS_1_2, CONFIG_TLS_NONE };

struct config_notification {
	const char *name; /* lower-case letters, digits and hyphens */
	int kind;         /* enum config_notification_kind */
	const char *url;  /* https://...; http:// on loopback only; smtp:// (STARTTLS) and smtps:// */
	struct yaml_texts events;
	unsigned notices; /* of those: bits 1 << enum notice_kind */
	/* Webhook: of the signature. PagerDuty: the routing key. Slack, Teams: what the URL ends with. SMTP: the password. */
	const char *secret_file;
	const char *certificates; /* PEM file that TLS trusts; null: the system's */
	int tls;                  /* enum config_tls_version: the lowest; none: mail on the loopback */
	int64_t give_up_ms;       /* how long one notice is tried */
	/* SMTP */
	const char *user; /* null: without authentication */
	const char *from;
	struct yaml_texts to;
};

extern const struct yaml_schema CONFIG_NOTIFICATION;

/* Checks one and fills notices: null, or what is wrong with it, in a sentence. */
const char *config_notification_check(struct config_notification *notification);

#endif
