#include "supervisor/config_notifications.h"

#include "model/notice.h"

#define FIELD(member) offsetof(struct config_notification, member)

static const char *const KINDS[] = {"webhook", "slack", "teams", "pagerduty", "smtp", nullptr};
static const char *const TLS[] = {
	[CONFIG_TLS_1_3] = "1.3", [CONFIG_TLS_1_2] = "1.2", [CONFIG_TLS_NONE] = "none", nullptr};

static const struct yaml_field FIELDS[] = {
	{"name", YAML_TEXT, FIELD(name), .required = true},
	{"kind", YAML_CHOICE, FIELD(kind), .required = true, .choices = KINDS},
	{"url", YAML_TEXT, FIELD(url), .required = true},
	{"events", YAML_TEXTS, FIELD(events), .required = true, .min = 1, .max = NOTICE_KINDS},
	{"secret_file", YAML_TEXT, FIELD(secret_file)},
	{"certificates", YAML_TEXT, FIELD(certificates)},
	{"tls", YAML_CHOICE, FIELD(tls), .choices = TLS},
	{"give_up", YAML_DURATION, FIELD(give_up_ms), .min = 1'000, .max = INT64_C(604'800'000)},
	{"user", YAML_TEXT, FIELD(user)},
	{"from", YAML_TEXT, FIELD(from)},
	{"to", YAML_TEXTS, FIELD(to), .min = 1, .max = CONFIG_RECIPIENTS_MAX},
};

static const struct config_notification DEFAULTS = {.give_up_ms = INT64_C(86'400'000)};

const struct yaml_schema CONFIG_NOTIFICATION = {FIELDS, ARRAY_LENGTH(FIELDS), sizeof(struct config_notification),
						&DEFAULTS};

static bool
starts_with_one_of(const char *text, const char *const *starts) {
	for (; *starts != nullptr; starts++)
		if (strncmp(text, *starts, strlen(*starts)) == 0 && text[strlen(*starts)] != '\0')
			return true;
	return false;
}

static const char *
check_url(const struct config_notification *notification) {
	static const char *const web[] = {"https://", "http://127.0.0.1:", "http://[::1]:", nullptr};
	static const char *const mail[] = {"smtp://", "smtps://", nullptr};
	bool is_mail = notification->kind == CONFIG_NOTIFY_SMTP;
	for (const char *c = notification->url; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || *c == '@' || *c == '#' || *c == '?')
			return "a url holds a character that it may not have, or a part that it may not";
	if (!starts_with_one_of(notification->url, is_mail ? mail : web))
		return is_mail ? "url: expected smtp://HOST[:PORT] (with STARTTLS) or smtps://HOST[:PORT]"
			       : "url: expected https://HOST[:PORT][/PATH], or http://127.0.0.1:PORT";
	return is_mail && strchr(strchr(notification->url, ':') + 3, '/') != nullptr ? "url: a mail server has no path"
										     : nullptr;
}

/* What a mailbox's address has where nobody needs quotes; so nothing in it ends a line or a command. */
static bool
is_mailbox(const char *text) {
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_+=";
	const char *at = strchr(text, '@');
	size_t len = strlen(text);
	if (at == nullptr || at == text || at[1] == '\0' || len > 254)
		return false;
	size_t local = (size_t)(at - text);
	return strspn(text, allowed) == local && strspn(at + 1, allowed) == len - local - 1 && text[0] != '-';
}

static const char *
check_mail(const struct config_notification *notification) {
	if (notification->kind != CONFIG_NOTIFY_SMTP)
		return notification->from == nullptr && notification->to.count == 0 && notification->user == nullptr
			       ? nullptr
			       : "from, to and user belong to kind smtp";
	if (notification->from == nullptr || notification->to.count == 0)
		return "kind smtp needs from and to";
	if (!is_mailbox(notification->from))
		return "from: expected a plain address, such as gatehouse@example.org";
	for (size_t i = 0; i < notification->to.count; i++)
		if (!is_mailbox(notification->to.items[i]))
			return "to: expected plain addresses, such as desk@example.org";
	for (const char *c = notification->user; c != nullptr && *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			return "user: a character that it may not have";
	return (notification->user == nullptr) == (notification->secret_file == nullptr)
		       ? nullptr
		       : "user and secret_file go together";
}

/* Without TLS everybody on the way reads it, and anybody can be the server. */
static const char *
check_tls(const struct config_notification *notification) {
	static const char *const local[] = {"smtp://127.0.0.1", "smtp://[::1]", nullptr};
	if (notification->tls != CONFIG_TLS_NONE)
		return nullptr;
	for (size_t i = 0; local[i] != nullptr; i++) {
		size_t len = strlen(local[i]);
		if (strncmp(notification->url, local[i], len) == 0 &&
		    (notification->url[len] == ':' || notification->url[len] == '\0'))
			return nullptr;
	}
	return "tls: none is for smtp://127.0.0.1 and smtp://[::1] alone";
}

static const char *
check_files(const struct config_notification *notification) {
	bool needs_secret =
		notification->kind == CONFIG_NOTIFY_WEBHOOK || notification->kind == CONFIG_NOTIFY_PAGERDUTY;
	if (needs_secret && notification->secret_file == nullptr)
		return "kinds webhook and pagerduty need a secret_file";
	if ((notification->secret_file != nullptr && notification->secret_file[0] != '/') ||
	    (notification->certificates != nullptr && notification->certificates[0] != '/'))
		return "secret_file and certificates must be absolute";
	return nullptr;
}

static const char *
check_name(const char *name) {
	size_t len = strlen(name);
	return len <= 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len
		       ? nullptr
		       : "name: at most 32 lower-case letters, digits and hyphens";
}

static const char *
take_events(struct config_notification *notification) {
	for (size_t i = 0; i < notification->events.count; i++) {
		enum notice_kind kind;
		if (notice_kind_parse(bytes_of_text(notification->events.items[i]), &kind) != OK || kind == NOTICE_TEST)
			return "events: expected some of held, expiring, denied, rejected, objected, break_glass, "
			       "glass_broken, "
			       "enrolled, alert";
		if (notification->notices & 1U << kind)
			return "events: one is named twice";
		notification->notices |= 1U << kind;
	}
	notification->notices |= 1U << NOTICE_TEST; /* whoever is configured can be tried */
	return nullptr;
}

const char *
config_notification_check(struct config_notification *notification) {
	const char *wrong = check_name(notification->name);
	if (wrong == nullptr)
		wrong = check_url(notification);
	if (wrong == nullptr)
		wrong = check_mail(notification);
	if (wrong == nullptr)
		wrong = check_tls(notification);
	if (wrong == nullptr)
		wrong = check_files(notification);
	return wrong != nullptr ? wrong : take_events(notification);
}
