#include "tests/test.h"

#include <stdio.h>

#include "model/notice.h"
#include "supervisor/config.h"

#define MINIMAL                                                                                                        \
	"authority: [gate.example:8443]\n"                                                                             \
	"data_directory: /var/lib/gatehouse\n"                                                                         \
	"rollback_guard: {kind: none}\n"                                                                               \
	"root_key: {credential: root}\n"

static void
a_minimal_file_gets_the_defaults(void **) {
	_cleanup_(config_free) struct config config = {};
	assert_ok(config_parse(BYTES_OF_LITERAL(MINIMAL), &config));
	assert_int_equal(1, config.listener_count);
	assert_string_equal("127.0.0.1", config.listeners[0].address);
	assert_int_equal(8443, config.listeners[0].port);
	assert_string_equal("gate.example:8443", config.authorities[0]);
	assert_string_equal("X25519MLKEM768", config.tls.groups);
	assert_false(config.tls.classical_groups);
	assert_null(config.tls.certificate);
	assert_int_equal(CONFIG_GUARD_NONE, config.rollback_guard.kind);
	assert_int_equal(CONFIG_ROOT_KEY_CREDENTIAL, config.root_key.kind);
	assert_int_equal(256, config.limits.outstanding);
	assert_int_equal(90, config.refresh.days);
	assert_int_equal(0, config.refresh.key_count);
	assert_int_equal(LOG_LEVEL_NOTICE, config.log_level);
	assert_false(config.confinement_degraded);
	assert_bytes(BYTES_OF_LITERAL(MINIMAL), config.source);
}

static void
everything_that_can_be_set_is_taken_over(void **) {
	_cleanup_(config_free) struct config config = {};
	assert_ok(config_parse(
		BYTES_OF_LITERAL("listen:\n"
				 "  - {address: \"::1\", port: 1}\n"
				 "  - {address: 10.0.0.1, port: 65535}\n"
				 "authority: [a, \"[::1]:1\"]\n"
				 "tls: {certificate: /c, key: /k, groups: [X25519MLKEM768, P-256], "
				 "client_certificates: request}\n"
				 "data_directory: /data\n"
				 "rollback_guard: {kind: witness, witnesses: [\"https://w.example\"], policy: /p}\n"
				 "root_key: {descriptor: 5}\n"
				 "peer_listen: {address: 10.0.0.1, port: 8444}\n"
				 "peers: [{name: b, address: 10.0.0.2, port: 8444}, {name: keeper-3, address: \"::2\", "
				 "port: 9}]\n"
				 "vm_generation: /run/generation\n"
				 "refresh: {days: 30, keys: [{key: cold, days: 365}, {key: test-1, days: 0}]}\n"
				 "limits: {connections: 2, outstanding: 3, feed_clients: 0, session_idle_s: 300}\n"
				 "users: {gateway: 1001, keeper: 1002}\n"
				 "confinement: degraded\n"
				 "log_level: debug\n"),
		&config));
	assert_int_equal(2, config.listener_count);
	assert_string_equal("10.0.0.1", config.listeners[1].address);
	assert_int_equal(2, config.authority_count);
	assert_string_equal("X25519MLKEM768/P-256", config.tls.groups);
	assert_true(config.tls.classical_groups);
	assert_true(config.tls.client_certificates);
	assert_string_equal("https://w.example", config.rollback_guard.witnesses[0]);
	assert_string_equal("/p", config.rollback_guard.witness_policy);
	assert_int_equal(CONFIG_ROOT_KEY_DESCRIPTOR, config.root_key.kind);
	assert_int_equal(5, config.root_key.descriptor);
	assert_string_equal("10.0.0.1", config.peer_listener.address);
	assert_int_equal(2, config.peer_count);
	assert_string_equal("keeper-3", config.peers[1].name);
	assert_int_equal(9, config.peers[1].port);
	assert_string_equal("/run/generation", config.vm_generation);
	assert_int_equal(30, config.refresh.days);
	assert_int_equal(2, config.refresh.key_count);
	assert_string_equal("cold", config.refresh.keys[0].key);
	assert_int_equal(365, config.refresh.keys[0].days);
	assert_int_equal(0, config.refresh.keys[1].days);
	assert_int_equal(2, config.limits.connections);
	assert_int_equal(300, config.limits.session_idle_s);
	assert_int_equal(86'400, config.limits.session_overall_s);
	assert_int_equal(1002, config.users[IPC_ROLE_KEEPER]);
	assert_int_equal(70'403, config.users[IPC_ROLE_WATCHER]);
	assert_true(config.confinement_degraded);
	assert_int_equal(LOG_LEVEL_DEBUG, config.log_level);
}

#define GUARD(guard) "authority: [a]\ndata_directory: /d\nrollback_guard: " guard "\nroot_key: {file: /f}\n"

static void
a_witness_is_taken_over(void **) {
	_cleanup_(config_free) struct config tls = {}, plain = {};
	assert_ok(config_parse(BYTES_OF_LITERAL(GUARD("{kind: witness, witnesses: ['https://w.example/a'], policy: /p, "
						      "certificates: /c}")),
			       &tls));
	assert_int_equal(CONFIG_GUARD_WITNESS, tls.rollback_guard.kind);
	assert_string_equal("https://w.example/a", tls.rollback_guard.witnesses[0]);
	assert_string_equal("/p", tls.rollback_guard.witness_policy);
	assert_string_equal("/c", tls.rollback_guard.witness_certificates);
	assert_ok(config_parse(BYTES_OF_LITERAL(GUARD("{kind: witness, witnesses: ['http://[::1]:80'], policy: /p}")),
			       &plain));
	assert_null(plain.rollback_guard.witness_certificates);
}

static void
bad_files_are_refused_by_name_line_and_column(void **) {
	static const struct {
		const char *text;
		const char *name, *place;
	} cases[] = {
		{MINIMAL "typo: 1\n", "yaml.unknown_key", ":5:1:"},
		{MINIMAL "log_level: notice\nlog_level: debug\n", "yaml.duplicate_key", ":6:1:"},
		{MINIMAL "log_level: loud\n", "yaml.choice", ":5:"},
		{MINIMAL "limits: {connections: 0}\n", "yaml.range", ":5:"},
		{MINIMAL "limits: {session_idle_s: 3601}\n", "yaml.range", ":5:"}, /* longer than the standard's */
		{MINIMAL "limits: {session_overall_s: 86401}\n", "yaml.range", ":5:"},
		{MINIMAL "limits: {connections: many}\n", "yaml.type", ":5:"},
		{MINIMAL "confinement: none\n", "yaml.choice", ":5:"},
		{MINIMAL "listen: []\n", "yaml.range", ":5:"},
		{MINIMAL "listen: [{address: localhost, port: 1}]\n", "config.listen", ":5:"},
		{MINIMAL "peers: []\n", "yaml.range", ":5:"},
		{MINIMAL "peers: [{name: b, address: 10.0.0.2}]\n", "yaml.missing_key", ":5:"},
		{MINIMAL "peers: [{name: B, address: 10.0.0.2, port: 1}]\n", "config.peers", ":5:"},
		{MINIMAL "peers: [{name: b, address: localhost, port: 1}]\n", "config.peers", ":5:"},
		{MINIMAL "peers: [{name: b, address: 10.0.0.2, port: 1}, {name: b, address: 10.0.0.3, port: 1}]\n",
		 "config.peers", ":5:"},
		{MINIMAL "peer_listen: {address: localhost, port: 1}\n", "config.peer_listen", ":5:"},
		{MINIMAL "vm_generation: generation\n", "config.vm_generation", ":5:"},
		{MINIMAL "refresh: 90\n", "yaml.type", ":5:"},
		{MINIMAL "refresh: {days: 3651}\n", "yaml.range", ":5:"},
		{MINIMAL "refresh: {days: -1}\n", "yaml.range", ":5:"},
		{MINIMAL "refresh: {days: 90d}\n", "yaml.type", ":5:"},
		{MINIMAL "refresh: {hours: 1}\n", "yaml.unknown_key", ":5:"},
		{MINIMAL "refresh: {keys: []}\n", "yaml.range", ":5:"},
		{MINIMAL "refresh: {keys: [{key: cold}]}\n", "yaml.missing_key", ":5:"},
		{MINIMAL "refresh: {keys: [{key: Cold, days: 1}]}\n", "config.refresh", ":5:"},
		{MINIMAL "refresh: {keys: [{key: c, days: 1}, {key: c, days: 2}]}\n", "config.refresh", ":5:"},
		{MINIMAL "tls: {certificate: /c}\n", "config.tls", ":5:"},
		{MINIMAL "tls: {groups: [X25519]}\n", "config.tls", ":5:"},
		{MINIMAL "tls: {groups: [X25519MLKEM768, P-521]}\n", "config.tls", ":5:"},
		{MINIMAL "users: {gateway: 70402}\n", "config.users", ":5:"},
		{MINIMAL "users: {gateway: 0}\n", "yaml.range", ":5:"},
		{"authority: [A]\ndata_directory: /d\nrollback_guard: {kind: none}\nroot_key: {file: /f}\n",
		 "config.authority", ":1:"},
		{"authority: [a]\ndata_directory: d\nrollback_guard: {kind: none}\nroot_key: {file: /f}\n",
		 "config.data_directory", ":2:"},
		{"authority: [a]\ndata_directory: /d\nroot_key: {file: /f}\n", "yaml.missing_key", ":1:"},
		{"authority: [a]\ndata_directory: /d\nrollback_guard: {kind: tpm}\nroot_key: {file: /f}\n",
		 "yaml.choice", ":3:"},
		{"authority: [a]\ndata_directory: /d\nrollback_guard: {kind: path}\nroot_key: {file: /f}\n",
		 "config.rollback_guard", ":3:"},
		{"authority: [a]\ndata_directory: /d\nrollback_guard: {kind: path, path: /d/m}\nroot_key: {file: /f}\n",
		 "config.rollback_guard", ":3:"},
		{"authority: [a]\ndata_directory: /d\nrollback_guard: {kind: none, path: /m}\nroot_key: {file: /f}\n",
		 "config.rollback_guard", ":3:"},
		{"authority: [a]\ndata_directory: /d\nrollback_guard: {kind: witness, witnesses: [x]}\nroot_key: "
		 "{file: "
		 "/f}\n",
		 "config.rollback_guard", ":3:"},
		{GUARD("{kind: witness, witnesses: ['http://192.0.2.1:80'], policy: /p}"), "config.rollback_guard",
		 ":3:"},
		{GUARD("{kind: witness, witnesses: ['http://127.0.0.1.example:80'], policy: /p}"),
		 "config.rollback_guard", ":3:"},
		{GUARD("{kind: witness, witnesses: ['unix:/socket'], policy: /p}"), "config.rollback_guard", ":3:"},
		{GUARD("{kind: witness, witnesses: ['https://w'], policy: p}"), "config.rollback_guard", ":3:"},
		{GUARD("{kind: witness, witnesses: ['https://w'], policy: /p, certificates: c}"),
		 "config.rollback_guard", ":3:"},
		{GUARD("{kind: witness, witnesses: ['https://w', 'https://w'], policy: /p}"), "config.rollback_guard",
		 ":3:"},
		{GUARD("{kind: witness, witnesses: [], policy: /p}"), "yaml.range", ":3:"},
		{GUARD("{kind: witness, witness: 'https://w', policy: /p}"), "yaml.unknown_key", ":3:"},
		{GUARD("{kind: none, certificates: /c}"), "config.rollback_guard", ":3:"},
		{"authority: [a]\ndata_directory: /d\nrollback_guard: {kind: none}\nroot_key: {}\n", "config.root_key",
		 ":4:"},
		{"authority: [a]\ndata_directory: /d\nrollback_guard: {kind: none}\nroot_key: {file: /f, descriptor: "
		 "4}\n",
		 "config.root_key", ":4:"},
		{"authority: [a]\ndata_directory: /d\nrollback_guard: {kind: none}\nroot_key: {credential: ../x}\n",
		 "config.root_key", ":4:"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct config config = {};
		assert_fails(STATUS_INVALID, cases[i].name, config_parse(bytes_of_text(cases[i].text), &config));
		if (strstr(fail_message(), cases[i].place) == nullptr)
			fail_msg("case %zu: expected %s in: %s", i, cases[i].place, fail_message());
	}
}

/* --- Notifications. --- */

#define ONE(members) MINIMAL "notifications: [{" members "}]\n"
#define HOOK "name: ops, kind: webhook, secret_file: /s, "

static void
a_notification_is_taken_over(void **) {
	_cleanup_(config_free) struct config config = {};
	assert_ok(config_parse(
		BYTES_OF_LITERAL(
			MINIMAL
			"console: https://console.example\n"
			"notifications:\n"
			"  - {name: ops, kind: webhook, url: \"https://hooks.example/a\", secret_file: /s, events: "
			"[held, "
			"alert], give_up: 1h}\n"
			"  - {name: mail, kind: smtp, url: \"smtp://mail.example:587\", from: gate@a.example, to: "
			"[desk@a.example], events: [denied], tls: \"1.2\"}\n"),
		&config));
	assert_int_equal(2, config.notification_count);
	assert_string_equal("https://console.example", config.console);
	assert_int_equal(3'600'000, config.notifications[0].give_up_ms);
	assert_int_equal(86'400'000, config.notifications[1].give_up_ms);
	assert_int_equal(1U << NOTICE_HELD | 1U << NOTICE_ALERT | 1U << NOTICE_TEST, config.notifications[0].notices);
	assert_int_equal(CONFIG_NOTIFY_SMTP, config.notifications[1].kind);
	assert_int_equal(CONFIG_TLS_1_2, config.notifications[1].tls);
	assert_string_equal("desk@a.example", config.notifications[1].to.items[0]);
}

static void
bad_notifications_are_refused_by_name_line_and_column(void **) {
	static const char *const cases[] = {
		ONE(HOOK "url: \"http://hooks.example/a\", events: [held]"),
		ONE(HOOK "url: \"https://\", events: [held]"),
		ONE(HOOK "url: \"https://user@hooks.example/a\", events: [held]"),
		ONE(HOOK "url: \"https://hooks.example/a b\", events: [held]"),
		ONE(HOOK "url: \"smtp://hooks.example\", events: [held]"),
		ONE(HOOK "url: \"https://h\", events: [hold]"),
		ONE(HOOK "url: \"https://h\", events: [held, held]"),
		ONE(HOOK "url: \"https://h\", events: [test]"),
		ONE(HOOK "url: \"https://h\", events: [held], from: a@b"),
		ONE(HOOK "url: \"https://h\", events: [held], certificates: c"),
		ONE("name: Ops, kind: webhook, secret_file: /s, url: \"https://h\", events: [held]"),
		ONE("name: ops, kind: webhook, url: \"https://h\", events: [held]"),
		ONE("name: ops, kind: pagerduty, url: \"https://h\", events: [held]"),
		ONE("name: ops, kind: webhook, secret_file: s, url: \"https://h\", events: [held]"),
		ONE("name: m, kind: smtp, url: \"https://m\", from: a@b, to: [c@d], events: [held]"),
		ONE("name: m, kind: smtp, url: \"smtp://m/path\", from: a@b, to: [c@d], events: [held]"),
		ONE("name: m, kind: smtp, url: \"smtp://m\", to: [c@d], events: [held]"),
		ONE("name: m, kind: smtp, url: \"smtp://m\", from: a@b, events: [held]"),
		ONE("name: m, kind: smtp, url: \"smtp://m\", from: ab, to: [c@d], events: [held]"),
		ONE("name: m, kind: smtp, url: \"smtp://m\", from: a@b, to: [\"c@d\\r\\nBcc: e@f\"], events: [held]"),
		ONE("name: m, kind: smtp, url: \"smtp://m\", from: a@b, to: [\"c@d>\"], events: [held]"),
		ONE("name: m, kind: smtp, url: \"smtp://m\", from: a@b, to: [\"-o@d\"], events: [held]"),
		ONE("name: m, kind: smtp, url: \"smtp://m\", from: a@b, to: [c@d], events: [held], user: u"),
		ONE("name: m, kind: smtp, url: \"smtp://m\", from: a@b, to: [c@d], events: [held], tls: none"),
		ONE("name: m, kind: smtp, url: \"smtp://127.0.0.1.example\", from: a@b, to: [c@d], events: [held], "
		    "tls: "
		    "none"),
		ONE("name: m, kind: smtp, url: \"smtps://127.0.0.1\", from: a@b, to: [c@d], events: [held], tls: none"),
		ONE(HOOK "url: \"https://h\", events: [held], tls: none"),
		MINIMAL "notifications: [{" HOOK "url: \"https://h\", events: [held]}, {" HOOK
			"url: \"https://i\", events: [held]}]\n",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct config config = {};
		assert_fails(STATUS_INVALID, "config.notifications", config_parse(bytes_of_text(cases[i]), &config));
		if (strstr(fail_message(), ":5:") == nullptr)
			fail_msg("case %zu: %s", i, fail_message());
	}
	struct config config = {};
	assert_fails(
		STATUS_INVALID, "yaml.unknown_key",
		config_parse(BYTES_OF_LITERAL(ONE(HOOK "url: \"https://h\", events: [held], header: x")), &config));
	assert_fails(
		STATUS_INVALID, "yaml.choice",
		config_parse(BYTES_OF_LITERAL(ONE("name: a, kind: irc, url: \"https://h\", events: [held]")), &config));
	assert_fails(STATUS_INVALID, "yaml.range",
		     config_parse(BYTES_OF_LITERAL(ONE(HOOK "url: \"https://h\", events: []")), &config));
	assert_fails(STATUS_INVALID, "config.console",
		     config_parse(BYTES_OF_LITERAL(MINIMAL "console: http://gate.example\n"), &config));
}

static void
the_example_is_accepted_and_shows_the_defaults(void **) {
	_cleanup_(config_free) struct config example = {}, minimal = {};
	assert_ok(config_read_file(TEST_SOURCE_ROOT "/examples/gatehouse.yaml", &example));
	assert_ok(config_parse(BYTES_OF_LITERAL(MINIMAL), &minimal));
	assert_memory_equal(&minimal.limits, &example.limits, sizeof minimal.limits);
	assert_int_equal(minimal.refresh.days, example.refresh.days);
	assert_memory_equal(minimal.users, example.users, sizeof minimal.users);
	assert_string_equal(minimal.tls.groups, example.tls.groups);
	assert_int_equal(minimal.log_level, example.log_level);
}

static void
a_reload_changes_what_can_change_alone(void **) {
#define RUNNING "data_directory: /data\nlimits: {outstanding: 3}\n"
#define WITNESSED "rollback_guard: {kind: witness, witnesses: [\"https://w.example\"], policy: /p}\n"
#define REST "authority: [a]\nroot_key: {file: /r}\n"
	static const struct {
		const char *text, *name; /* of what only a restart changes; null: nothing */
	} cases[] = {
		{RUNNING WITNESSED REST, nullptr},
		{RUNNING WITNESSED REST "# words\nlog_level: debug\ntls: {certificate: /c, key: /k}\n"
					"listen: [{address: 127.0.0.1, port: 9}]\nlocal_bundle: /l\n"
					"peers: [{name: b, address: 192.0.2.2, port: 9}]\n",
		 nullptr},
		{RUNNING WITNESSED REST "peer_listen: {address: 127.0.0.1, port: 9}\n", "peer_listen"},
		{RUNNING WITNESSED "authority: [a, b]\nroot_key: {file: /r}\n", "authority"},
		{RUNNING WITNESSED "authority: [a]\nroot_key: {file: /s}\n", "root_key"},
		{RUNNING WITNESSED "authority: [a]\nroot_key: {credential: r}\n", "root_key"},
		{RUNNING WITNESSED REST "tls: {groups: [X25519MLKEM768, P-256]}\n", "tls.groups"},
		{RUNNING WITNESSED REST "tls: {client_certificates: request}\n", "tls.client_certificates"},
		{RUNNING WITNESSED REST "users: {gateway: 1001}\n", "users"},
		{RUNNING WITNESSED REST "confinement: degraded\n", "confinement"},
		{RUNNING WITNESSED REST "refresh: {days: 30}\n", "refresh"},
		{RUNNING WITNESSED REST "refresh: {keys: [{key: cold, days: 90}]}\n", "refresh"},
		{RUNNING WITNESSED REST "console: https://b\n", "notifications"},
		{RUNNING WITNESSED REST
		 "notifications: [{name: a, kind: slack, url: \"https://h/x\", events: [held]}]\n",
		 "notifications"},
		{RUNNING REST "rollback_guard: {kind: none}\n", "rollback_guard"},
		{RUNNING REST "rollback_guard: {kind: witness, witnesses: [\"https://x.example\"], policy: /p}\n",
		 "rollback_guard"},
		{RUNNING REST "rollback_guard: {kind: witness, witnesses: [\"https://w.example\"], policy: /q}\n",
		 "rollback_guard"},
		{"data_directory: /other\nlimits: {outstanding: 3}\n" WITNESSED REST, "data_directory"},
		{"data_directory: /data\n" WITNESSED REST, "limits"},
	};
	_cleanup_(config_free) struct config running = {};
	assert_ok(config_parse(bytes_of_text(cases[0].text), &running));
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(config_free) struct config read = {};
		char start[64];
		assert_ok(config_parse(bytes_of_text(cases[i].text), &read));
		if (cases[i].name == nullptr) {
			assert_ok(config_check_reload(&running, &read));
			continue;
		}
		snprintf(start, sizeof start, "config.reload: %s ", cases[i].name);
		assert_fails(STATUS_CONFLICT, "config.reload", config_check_reload(&running, &read));
		assert_ptr_equal(fail_message(), strstr(fail_message(), start));
	}
#undef RUNNING
#undef WITNESSED
#undef REST
}

RUN_TESTS(T(a_reload_changes_what_can_change_alone), T(a_minimal_file_gets_the_defaults),
	  T(everything_that_can_be_set_is_taken_over), T(a_witness_is_taken_over),
	  T(bad_files_are_refused_by_name_line_and_column), T(a_notification_is_taken_over),
	  T(bad_notifications_are_refused_by_name_line_and_column), T(the_example_is_accepted_and_shows_the_defaults))
