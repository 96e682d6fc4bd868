#include "helpers/notification.h"

#include "base/time.h"

/* --- What all of them say. --- */

static void
write_link(const struct notice *notice, const char *console, struct buffer *to) {
	buffer_append_text(to, console);
	if (notice->kind == NOTICE_ALERT) {
		buffer_append_text(to, "/#/health");
		return;
	}
	buffer_append_text(to, "/#/operations/");
	buffer_append_bytes(to, notice->operation);
}

static void
write_sentence(const struct notice *notice, struct buffer *to) {
	buffer_append_format(to, "%s: %s", "Gatehouse", notice_sentence(notice));
	if (notice->count > 1)
		buffer_append_format(to, ", and %lld more of the kind", (long long)(notice->count - 1));
}

static void
write_member_of(struct json_writer *w, const char *key, void (*write)(const struct notice *, struct buffer *),
		const struct notice *notice) {
	_cleanup_(buffer_free) struct buffer text = {};
	write(notice, &text);
	json_write_member_string(w, key, buffer_bytes(&text));
}

static void
write_member_link(struct json_writer *w, const char *key, const struct notice *notice, const char *console) {
	_cleanup_(buffer_free) struct buffer text = {};
	write_link(notice, console, &text);
	json_write_member_string(w, key, buffer_bytes(&text));
}

/* --- The webhook's own form. --- */

static void
write_webhook(const struct notice *notice, const char *console, struct bytes, struct json_writer *w) {
	json_write_object(w);
	if (notice->kind == NOTICE_ALERT)
		json_write_member_text(w, "alarm", notice_alarm_name(notice->alarm));
	json_write_member_integer(w, "at", notice->at_ms);
	json_write_member_integer(w, "count", notice->count);
	json_write_member_hex(w, "id", hash256_bytes(&notice->id));
	json_write_member_string(w, "instance", notice->instance);
	json_write_member_text(w, "kind", notice_kind_name(notice->kind));
	write_member_link(w, "link", notice, console);
	if (notice->kind != NOTICE_ALERT)
		json_write_member_string(w, "operation", notice->operation);
	json_write_member_text(w, "type", "gatehouse/notice/v1");
	json_write_end(w);
}

void
notification_write_signature(const struct notice *notice, int64_t now_s, struct bytes body, struct bytes secret,
			     struct buffer *to) {
	_cleanup_(buffer_free) struct buffer content = {};
	buffer_append_format(&content, "%lld.", (long long)now_s);
	buffer_append_bytes(&content, body);
	struct hash256 mac = hmac_sha256(secret, buffer_bytes(&content));
	buffer_append_text(to, "Gatehouse-Event: ");
	buffer_append_hex(to, hash256_bytes(&notice->id));
	buffer_append_format(to, "\r\nGatehouse-Timestamp: %lld\r\nGatehouse-Signature: v1=", (long long)now_s);
	buffer_append_hex(to, hash256_bytes(&mac));
	buffer_append_text(to, "\r\n");
}

/* --- Slack: three characters have a meaning in its markup. --- */

static void
append_escaped(struct buffer *to, struct bytes text) {
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c == '&' || c == '<' || c == '>')
			buffer_append_text(to, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;");
		else
			buffer_append_byte(to, c);
	}
}

static void
write_slack(const struct notice *notice, const char *console, struct bytes, struct json_writer *w) {
	_cleanup_(buffer_free) struct buffer text = {}, link = {};
	write_link(notice, console, &link);
	write_sentence(notice, &text);
	buffer_append_text(&text, " (");
	append_escaped(&text, notice->instance);
	buffer_append_text(&text, ")\n<");
	append_escaped(&text, buffer_bytes(&link));
	buffer_append_text(&text, notice->kind == NOTICE_ALERT ? "|Health>" : "|Operation ");
	if (notice->kind != NOTICE_ALERT) {
		buffer_append_bytes(&text, notice->operation);
		buffer_append_text(&text, ">");
	}
	json_write_object(w);
	json_write_member_string(w, "text", buffer_bytes(&text));
	json_write_end(w);
}

/* --- Teams: an adaptive card, as a workflow's "when a webhook request is received" takes it. --- */

static void
write_teams_fact(struct json_writer *w, const char *title, struct bytes value) {
	json_write_object(w);
	json_write_member_text(w, "title", title);
	json_write_member_string(w, "value", value);
	json_write_end(w);
}

static void
write_teams_body(const struct notice *notice, struct json_writer *w) {
	json_write_array(w);
	json_write_object(w);
	write_member_of(w, "text", write_sentence, notice);
	json_write_member_text(w, "type", "TextBlock");
	json_write_member_text(w, "weight", "Bolder");
	json_write_member_boolean(w, "wrap", true);
	json_write_end(w);
	json_write_object(w);
	json_write_key(w, "facts");
	json_write_array(w);
	write_teams_fact(w, "Installation", notice->instance);
	if (notice->kind != NOTICE_ALERT)
		write_teams_fact(w, "Operation", notice->operation);
	json_write_end(w);
	json_write_member_text(w, "type", "FactSet");
	json_write_end(w);
	json_write_end(w);
}

static void
write_teams_card(const struct notice *notice, const char *console, struct json_writer *w) {
	json_write_object(w);
	json_write_member_text(w, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
	json_write_key(w, "actions");
	json_write_array(w);
	json_write_object(w);
	json_write_member_text(w, "title", "Open");
	json_write_member_text(w, "type", "Action.OpenUrl");
	write_member_link(w, "url", notice, console);
	json_write_end(w);
	json_write_end(w);
	json_write_key(w, "body");
	write_teams_body(notice, w);
	json_write_member_text(w, "type", "AdaptiveCard");
	json_write_member_text(w, "version", "1.4");
	json_write_end(w);
}

static void
write_teams(const struct notice *notice, const char *console, struct bytes, struct json_writer *w) {
	json_write_object(w);
	json_write_key(w, "attachments");
	json_write_array(w);
	json_write_object(w);
	json_write_key(w, "content");
	write_teams_card(notice, console, w);
	json_write_member_text(w, "contentType", "application/vnd.microsoft.card.adaptive");
	json_write_end(w);
	json_write_end(w);
	json_write_member_text(w, "type", "message");
	json_write_end(w);
}

/* --- PagerDuty. --- */

static const char *
severity_of(enum notice_kind kind) {
	switch (kind) {
	case NOTICE_ALERT:
	case NOTICE_BREAK_GLASS:
	case NOTICE_GLASS_BROKEN:
		return "critical";
	case NOTICE_DENIED:
	case NOTICE_EXPIRING:
		return "warning";
	default:
		return "info";
	}
}

static void
write_pagerduty(const struct notice *notice, const char *console, struct bytes secret, struct json_writer *w) {
	json_write_object(w);
	json_write_member_hex(w, "dedup_key", hash256_bytes(&notice->id));
	json_write_member_text(w, "event_action", "trigger");
	json_write_key(w, "links");
	json_write_array(w);
	json_write_object(w);
	write_member_link(w, "href", notice, console);
	json_write_member_text(w, "text", "Open");
	json_write_end(w);
	json_write_end(w);
	json_write_key(w, "payload");
	json_write_object(w);
	json_write_member_text(w, "class", notice_kind_name(notice->kind));
	if (notice->kind != NOTICE_ALERT)
		json_write_member_string(w, "component", notice->operation);
	json_write_member_text(w, "severity", severity_of(notice->kind));
	json_write_member_string(w, "source", notice->instance);
	write_member_of(w, "summary", write_sentence, notice);
	json_write_end(w);
	json_write_member_string(w, "routing_key", secret);
	json_write_end(w);
}

enum status
notification_write_body(enum config_notification_kind kind, const struct notice *notice, const char *console,
			struct bytes secret, struct buffer *to) {
	static void (*const forms[CONFIG_NOTIFICATION_KINDS])(const struct notice *, const char *, struct bytes,
							      struct json_writer *) = {
		[CONFIG_NOTIFY_WEBHOOK] = write_webhook,
		[CONFIG_NOTIFY_SLACK] = write_slack,
		[CONFIG_NOTIFY_TEAMS] = write_teams,
		[CONFIG_NOTIFY_PAGERDUTY] = write_pagerduty,
	};
	struct json_writer w;
	if (forms[kind] == nullptr)
		return fail(STATUS_INTERNAL, "notification.form: kind %d has no body", (int)kind);
	json_writer_start(&w, to);
	forms[kind](notice, console, secret, &w);
	return json_writer_finish(&w);
}

/* --- Mail. --- */

/* RFC 5322 §3.3, without the system's files of time zones. */
static void
write_date(int64_t now_s, struct buffer *to) {
	static const char days[7][4] = {"Thu", "Fri", "Sat", "Sun",
					"Mon", "Tue", "Wed"}; /* 1970-01-01 was a Thursday */
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int64_t day_number = now_s / 86'400, second = now_s % 86'400, year;
	int month, day;
	time_date_from_days(day_number, &year, &month, &day);
	buffer_append_format(to, "%s, %d %s %lld %02d:%02d:%02d +0000", days[day_number % 7], day, months[month - 1],
			     (long long)year, (int)(second / 3'600), (int)(second / 60 % 60), (int)(second % 60));
}

static const char *
domain_of(const char *mailbox) {
	const char *at = strchr(mailbox, '@');
	return at == nullptr ? "localhost" : at + 1;
}

void
notification_write_mail(const struct config_notification *notification, const struct notice *notice,
			const char *console, int64_t now_s, struct buffer *to) {
	buffer_append_text(to, "Date: ");
	write_date(now_s, to);
	buffer_append_format(to, "\r\nFrom: <%s>\r\nTo:", notification->from);
	for (size_t i = 0; i < notification->to.count; i++)
		buffer_append_format(to, "%s\r\n <%s>", i == 0 ? "" : ",", notification->to.items[i]);
	buffer_append_text(to, "\r\nMessage-ID: <");
	buffer_append_hex(to, hash256_bytes(&notice->id));
	buffer_append_format(to, "@%s>\r\nSubject: ", domain_of(notification->from));
	write_sentence(notice, to);
	buffer_append_text(to, "\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
			       "Content-Type: text/plain; charset=us-ascii\r\n\r\n");
	write_sentence(notice, to);
	buffer_append_format(to, ".\r\n\r\nInstallation: %.*s\r\n", BYTES_ARGS(notice->instance));
	if (notice->kind != NOTICE_ALERT)
		buffer_append_format(to, "Operation: %.*s\r\n", BYTES_ARGS(notice->operation));
	write_link(notice, console, to);
	buffer_append_text(to, "\r\n");
}
