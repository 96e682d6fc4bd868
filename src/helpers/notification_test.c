#include "tests/test.h"
#include "helpers/mail.h"
#include "helpers/notification.h"

#define OPERATION "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ID "0101010101010101010101010101010101010101010101010101010101010101"
#define CONSOLE "https://gate.example:8443"
#define SECRET BYTES_OF_LITERAL("0123456789abcdef0123456789abcdef")

static struct notice
notice_of(enum notice_kind kind) {
	struct notice notice = {.kind = kind,
				.instance = BYTES_OF_LITERAL("north<wind>&co.example"),
				.at_ms = INT64_C(1'767'225'600'000),
				.count = 1};
	memset(notice.id.bytes, 1, sizeof notice.id.bytes);
	if (kind == NOTICE_ALERT)
		notice.alarm = ALARM_CLOCK_DOUBT;
	else
		notice.operation = BYTES_OF_LITERAL(OPERATION);
	return notice;
}

static void
each_receiver_gets_its_form_to_the_byte(void **) {
	static const struct {
		enum config_notification_kind kind;
		enum notice_kind notice;
		const char *body;
	} cases[] = {
		{CONFIG_NOTIFY_WEBHOOK, NOTICE_HELD,
		 "{\"at\":1767225600000,\"count\":1,\"id\":\"" ID
		 "\",\"instance\":\"north<wind>&co.example\",\"kind\":\"held\",\"link\":\"" CONSOLE
		 "/#/operations/" OPERATION "\",\"operation\":\"" OPERATION "\",\"type\":\"gatehouse/notice/v1\"}"},
		{CONFIG_NOTIFY_WEBHOOK, NOTICE_ALERT,
		 "{\"alarm\":\"clock_doubt\",\"at\":1767225600000,\"count\":1,\"id\":\"" ID
		 "\",\"instance\":\"north<wind>&co.example\",\"kind\":\"alert\",\"link\":\"" CONSOLE
		 "/#/health\",\"type\":\"gatehouse/notice/v1\"}"},
		{CONFIG_NOTIFY_SLACK, NOTICE_HELD,
		 "{\"text\":\"Gatehouse: An operation waits for approval "
		 "(north&lt;wind&gt;&amp;co.example)\\n<" CONSOLE "/#/operations/" OPERATION "|Operation " OPERATION
		 ">\"}"},
		{CONFIG_NOTIFY_SLACK, NOTICE_ALERT,
		 "{\"text\":\"Gatehouse: The clocks disagree: nothing is decided "
		 "(north&lt;wind&gt;&amp;co.example)\\n<" CONSOLE "/#/health|Health>\"}"},
		{CONFIG_NOTIFY_TEAMS, NOTICE_DENIED,
		 "{\"attachments\":[{\"content\":{\"$schema\":\"http://adaptivecards.io/schemas/"
		 "adaptive-card.json\",\"actions\":[{\"title\":\"Open\",\"type\":\"Action.OpenUrl\",\"url\":\"" CONSOLE
		 "/#/operations/" OPERATION
		 "\"}],\"body\":[{\"text\":\"Gatehouse: An operation was denied\",\"type\":\"TextBlock\",\"weight\":"
		 "\"Bolder\",\"wrap\":true},{\"facts\":[{\"title\":\"Installation\",\"value\":\"north<wind>&co."
		 "example\"},{\"title\":\"Operation\",\"value\":\"" OPERATION
		 "\"}],\"type\":\"FactSet\"}],\"type\":\"AdaptiveCard\",\"version\":\"1.4\"},\"contentType\":"
		 "\"application/vnd.microsoft.card.adaptive\"}],\"type\":\"message\"}"},
		{CONFIG_NOTIFY_PAGERDUTY, NOTICE_GLASS_BROKEN,
		 "{\"dedup_key\":\"" ID "\",\"event_action\":\"trigger\",\"links\":[{\"href\":\"" CONSOLE
		 "/#/operations/" OPERATION
		 "\",\"text\":\"Open\"}],\"payload\":{\"class\":\"glass_broken\",\"component\":\"" OPERATION
		 "\",\"severity\":\"critical\",\"source\":\"north<wind>&co.example\",\"summary\":\"Gatehouse: An "
		 "operation went through by break-glass: it must be "
		 "reviewed\"},\"routing_key\":\"0123456789abcdef0123456789abcdef\"}"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer body = {};
		struct notice notice = notice_of(cases[i].notice);
		assert_ok(notification_write_body(cases[i].kind, &notice, CONSOLE, SECRET, &body));
		assert_bytes(bytes_of_text(cases[i].body), buffer_bytes(&body));
	}
}

static void
many_at_once_are_told_as_a_number(void **) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct notice notice = notice_of(NOTICE_DENIED);
	notice.count = 41;
	assert_ok(notification_write_body(CONFIG_NOTIFY_SLACK, &notice, CONSOLE, SECRET, &body));
	assert_non_null(memmem(body.data, body.len, "An operation was denied, and 40 more of the kind", 48));
}

/* Computed with Python's hmac. */
static void
the_signature_is_over_time_and_body(void **) {
	_cleanup_(buffer_free) struct buffer fields = {};
	struct notice notice = notice_of(NOTICE_TEST);
	notification_write_signature(&notice, 1'767'225'600, BYTES_OF_LITERAL("{\"a\":1}"), SECRET, &fields);
	assert_bytes(BYTES_OF_LITERAL("Gatehouse-Event: " ID "\r\nGatehouse-Timestamp: 1767225600\r\nGatehouse-"
				      "Signature: "
				      "v1=5a178d9c0a752b5853bf52551646d72a3506620c785b7cfaf493f8b2adddfbdd\r\n"),
		     buffer_bytes(&fields));
}

static void
a_mail_has_the_sender_the_recipients_and_one_sentence(void **) {
	static const char *const to[] = {"desk@a.example", "risk@b.example"};
	const struct config_notification notification = {
		.kind = CONFIG_NOTIFY_SMTP, .from = "gate@firm.example", .to = {to, 2}};
	_cleanup_(buffer_free) struct buffer mail = {};
	struct notice notice = notice_of(NOTICE_EXPIRING);
	notification_write_mail(&notification, &notice, CONSOLE, 1'767'225'599, &mail);
	assert_ok(buffer_status(&mail));
	assert_bytes(BYTES_OF_LITERAL(
			     "Date: Wed, 31 Dec 2025 23:59:59 +0000\r\nFrom: <gate@firm.example>\r\nTo:\r\n "
			     "<desk@a.example>,\r\n <risk@b.example>\r\nMessage-ID: <" ID
			     "@firm.example>\r\nSubject: Gatehouse: An operation that waits for approval is about to "
			     "expire\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: "
			     "text/plain; charset=us-ascii\r\n\r\nGatehouse: An operation that waits for approval is "
			     "about to expire.\r\n\r\nInstallation: north<wind>&co.example\r\nOperation: " OPERATION
			     "\r\n" CONSOLE "/#/operations/" OPERATION "\r\n"),
		     buffer_bytes(&mail));
}

static void
a_mail_server_has_the_port_of_its_kind_where_none_is_given(void **) {
	static const struct {
		const char *url, *host;
		uint16_t port;
	} cases[] = {
		{"smtp://mail.example", "mail.example", 587},
		{"smtps://mail.example", "mail.example", 465},
		{"smtp://mail.example:25", "mail.example", 25},
		{"smtps://127.0.0.1:1465", "127.0.0.1", 1465},
		{"smtp://[::1]", "::1", 587},
		{"smtps://[::1]:5", "::1", 5},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct http_target server;
		assert_ok(mail_server_parse(cases[i].url, &server));
		assert_string_equal(cases[i].host, server.host);
		assert_int_equal(cases[i].port, server.port);
	}
	struct http_target server;
	assert_fails(STATUS_INVALID, "http_target.address", mail_server_parse("smtp://mail.example:0", &server));
	assert_fails(STATUS_INVALID, "http_target.address", mail_server_parse("smtp://:5", &server));
}

RUN_TESTS(T(each_receiver_gets_its_form_to_the_byte), T(many_at_once_are_told_as_a_number),
	  T(the_signature_is_over_time_and_body), T(a_mail_has_the_sender_the_recipients_and_one_sentence),
	  T(a_mail_server_has_the_port_of_its_kind_where_none_is_given))
