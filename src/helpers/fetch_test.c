/*
 * The helper as its process, in a child; the test is its supervisor, its keeper and the service that it asks. With sanitizers it
 * is not confined, otherwise as in production.
 */
#include "tests/test.h"

#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ipc_control.h"
#include "base/ipc_messages.h"
#include "helpers/endpoint.h"
#include "helpers/fetch.h"
#include "helpers/http_exchange.h"

constexpr int64_t PATIENCE_NS = 120'000'000'000;

struct helper {
	pid_t child;
	int control, listener;
	struct ipc_channel channel;
	uint64_t request;
};

static void
hand_over(struct helper *helper, enum ipc_control_type type, enum ipc_role peer, int descriptor) {
	struct ipc_control_message message = {
		.type = type, .peer = peer, .descriptors = {descriptor}, .descriptor_count = descriptor >= 0};
	assert_ok(ipc_control_send(helper->control, &message));
	if (descriptor >= 0)
		close(descriptor);
}

static int
configuration(const char *guard) {
	char text[512];
	int file = memfd_create("configuration", MFD_CLOEXEC);
	assert_true(file >= 0);
	int len = snprintf(
		text, sizeof text,
		"authority: [a]\ndata_directory: /d\nrollback_guard: %s\nroot_key: {file: /f}\nlog_level: error\n",
		guard);
	assert_int_equal(len, write(file, text, (size_t)len));
	return file;
}

static void
launch(struct helper *helper, const char *guard) {
	int control[2], channel[2];
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control));
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel));
	fflush(nullptr);
	helper->child = fork();
	if (helper->child == 0) {
		close(control[0]);
		close(channel[0]);
		close(channel[1]);
		if (helper->listener >= 0)
			close(helper->listener);
		_exit(fetch_main(control[1]));
	}
	close(control[1]);
	helper->control = control[0];
	assert_ok(ipc_start(&helper->channel, channel[0], IPC_ROLE_KEEPER, IPC_ROLE_FETCH));
	hand_over(helper, IPC_CONTROL_CONFIG, IPC_ROLE_NONE, configuration(guard));
	hand_over(helper, IPC_CONTROL_CHANNEL, IPC_ROLE_KEEPER, channel[1]);
	hand_over(helper, IPC_CONTROL_START, IPC_ROLE_NONE, -1);
}

static void
start(struct helper *helper) {
	struct endpoint endpoint;
	struct ipc_control_message message;
	char address[ENDPOINT_TEXT_MAX], guard[ENDPOINT_TEXT_MAX + 160];
	*helper = (struct helper){.listener = -1};
	assert_ok(endpoint_parse(BYTES_OF_LITERAL("127.0.0.1:0"), &endpoint));
	assert_ok(endpoint_listen(&endpoint, &helper->listener));
	assert_ok(endpoint_of_listener(helper->listener, address));
	snprintf(guard, sizeof guard,
		 "{kind: witness, witnesses: ['http://%s/w', 'http://127.0.0.1:9', 'https://nowhere.invalid'], policy: "
		 "/p}",
		 address);
	launch(helper, guard);
	assert_ok(ipc_control_receive(helper->control, &message));
	assert_int_equal(IPC_CONTROL_READY, message.type);
}

static int
end_of(struct helper *helper) {
	int status;
	assert_int_equal(helper->child, waitpid(helper->child, &status, 0));
	assert_true(WIFEXITED(status));
	ipc_stop(&helper->channel);
	close(helper->control);
	if (helper->listener >= 0)
		close(helper->listener);
	return WEXITSTATUS(status);
}

static void
stop(struct helper *helper) {
	hand_over(helper, IPC_CONTROL_STOP, IPC_ROLE_NONE, -1);
	assert_int_equal(0, end_of(helper));
}

static void
ask_of(struct helper *helper, uint8_t witness, enum ipc_fetch_action action, struct bytes body) {
	struct buffer *payload;
	assert_ok(ipc_begin(&helper->channel, IPC_FETCH, ++helper->request, false, &payload));
	ipc_write_fetch(payload, &(struct ipc_fetch){action, body, witness});
	assert_ok(ipc_end(&helper->channel));
	assert_ok(ipc_flush(&helper->channel));
}

static void
ask(struct helper *helper, enum ipc_fetch_action action, struct bytes body) {
	ask_of(helper, 0, action, body);
}

/* One connection: what was asked, up to the end of the body's last bytes; then the answer, and the end. */
static void
serve(struct helper *helper, const char *last_of_request, struct bytes answer, struct buffer *asked) {
	char bytes[4096];
	assert_ok(endpoint_wait(helper->listener, POLLIN, endpoint_clock_ns() + PATIENCE_NS));
	int connection = accept4(helper->listener, nullptr, nullptr, SOCK_CLOEXEC);
	assert_true(connection >= 0);
	size_t len = strlen(last_of_request);
	while (asked->len < len || memcmp(asked->data + asked->len - len, last_of_request, len) != 0) {
		ssize_t got = recv(connection, bytes, sizeof bytes, 0);
		assert_true(got > 0);
		buffer_append(asked, bytes, (size_t)got);
	}
	for (size_t done = 0; done < answer.len;) {
		ssize_t sent = send(connection, answer.data + done, answer.len - done, MSG_NOSIGNAL);
		if (sent < 0)
			break; /* enough was read to refuse it */
		done += (size_t)sent;
	}
	close(connection);
}

/* The views live until the next call. */
static void
receive(struct helper *helper, struct ipc_fetched *fetched) {
	struct ipc_frame frame;
	bool found = false;
	while (!found) {
		assert_ok(ipc_next(&helper->channel, &frame, &found));
		if (found)
			break;
		assert_ok(endpoint_wait(helper->channel.descriptor, POLLIN, endpoint_clock_ns() + PATIENCE_NS));
		assert_ok(ipc_receive(&helper->channel));
		assert_false(helper->channel.closed);
	}
	assert_int_equal(IPC_FETCHED, frame.type);
	assert_int_equal(helper->request, frame.request);
	assert_ok(ipc_read_fetched(frame.payload, fetched));
}

static void
assert_begins(const char *expected, const struct buffer *text) {
	assert_true(text->len >= strlen(expected));
	assert_memory_equal(expected, text->data, strlen(expected));
}

static void
each_action_is_one_request_to_the_configured_address(void **) {
	static const uint8_t hash[32] = {0xab, 1};
	_cleanup_(buffer_free) struct buffer posted = {}, got = {};
	struct helper helper;
	struct ipc_fetched fetched;
	start(&helper);
	ask(&helper, IPC_FETCH_WITNESS_ADD, BYTES_OF_LITERAL("old 0\n\nGET http://elsewhere/ end"));
	serve(&helper, " end",
	      BYTES_OF_LITERAL(
		      "HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\nContent-Length: 3\r\n\r\n20\n"),
	      &posted);
	receive(&helper, &fetched);
	assert_int_equal(409, fetched.status);
	assert_bytes(BYTES_OF_LITERAL("text/x.tlog.size"), fetched.content_type);
	assert_bytes(BYTES_OF_LITERAL("20\n"), fetched.body);
	assert_begins("POST /w/add-checkpoint HTTP/1.1\r\nHost: 127.0.0.1:", &posted);
	ask(&helper, IPC_FETCH_WITNESS_NEWEST, BYTES_OF_ARRAY(hash));
	serve(&helper, "\r\n\r\n", BYTES_OF_LITERAL("HTTP/1.1 200 OK\r\n\r\nto the end"), &got);
	receive(&helper, &fetched);
	assert_int_equal(200, fetched.status);
	assert_bytes(BYTES_OF_LITERAL("to the end"), fetched.body);
	assert_memory_equal(
		"GET /w/ab01000000000000000000000000000000000000000000000000000000000000/checkpoint HTTP/1.1\r\n",
		got.data, 91);
	stop(&helper);
}

static void
bad_answers_are_told_by_name_and_the_next_one_is_taken(void **) {
	static const struct {
		const char *answer, *error;
	} cases[] = {
		{"", "http_exchange.answer"},
		{"nonsense\r\n\r\n", "http_exchange.answer"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "http_exchange.answer"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		 "http_exchange.answer"},
		{"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", "fetch.status"},
		{"HTTP/1.1 100 Continue\r\n\r\n", "http_exchange.answer"},
		{"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n", "http_exchange.answer"},
		{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		 "http_exchange.answer"},
	};
	_cleanup_(buffer_free) struct buffer large = {};
	struct helper helper;
	struct ipc_fetched fetched;
	start(&helper);
	for (size_t i = 0; i <= ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer asked = {};
		bool is_large = i == ARRAY_LENGTH(cases);
		if (is_large) {
			buffer_append_format(&large, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
					     IPC_FETCHED_BODY_MAX + 1);
			for (size_t j = 0; j <= IPC_FETCHED_BODY_MAX; j++)
				buffer_append_byte(&large, 'x');
		}
		const char *error = is_large ? "http_exchange.size" : cases[i].error;
		ask(&helper, IPC_FETCH_WITNESS_ADD, BYTES_OF_LITERAL("x"));
		serve(&helper, "\r\n\r\nx", is_large ? buffer_bytes(&large) : bytes_of_text(cases[i].answer), &asked);
		receive(&helper, &fetched);
		if (fetched.status != 0 || fetched.error.len < strlen(error) ||
		    memcmp(fetched.error.data, error, strlen(error)) != 0)
			fail_msg("case %zu: status %u, %.*s", i, fetched.status, BYTES_ARGS(fetched.error));
	}
	/* A type that could not be passed on is left out. */
	_cleanup_(buffer_free) struct buffer asked = {};
	ask(&helper, IPC_FETCH_WITNESS_ADD, BYTES_OF_LITERAL("x"));
	serve(&helper, "\r\n\r\nx",
	      BYTES_OF_LITERAL("HTTP/1.1 200 OK\r\nContent-Type: caf\xc3\xa9\r\nContent-Length: 1\r\n\r\ny"), &asked);
	receive(&helper, &fetched);
	assert_int_equal(200, fetched.status);
	assert_int_equal(0, fetched.content_type.len);
	/* What announces an answer is none. */
	buffer_reset(&asked);
	ask(&helper, IPC_FETCH_WITNESS_ADD, BYTES_OF_LITERAL("x"));
	serve(&helper, "\r\n\r\nx",
	      BYTES_OF_LITERAL(
		      "HTTP/1.1 100 Continue\r\nContent-Type: text/early\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
		      "HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size\r\nContent-Length: 1\r\n\r\n7"),
	      &asked);
	receive(&helper, &fetched);
	assert_int_equal(409, fetched.status);
	assert_bytes(BYTES_OF_LITERAL("text/x.tlog.size"), fetched.content_type);
	assert_bytes(BYTES_OF_LITERAL("7"), fetched.body);
	stop(&helper);
}

static void
a_body_that_does_not_fit_its_action_is_not_sent(void **) {
	struct helper helper;
	struct ipc_fetched fetched;
	start(&helper);
	ask(&helper, IPC_FETCH_WITNESS_NEWEST, BYTES_OF_LITERAL("../../etc/passwd"));
	receive(&helper, &fetched);
	assert_int_equal(0, fetched.status);
	assert_memory_equal("fetch.body:", fetched.error.data, 11);
	ask(&helper, IPC_FETCH_WITNESS_ADD, BYTES_OF_LITERAL(""));
	receive(&helper, &fetched);
	assert_memory_equal("fetch.body:", fetched.error.data, 11);
	stop(&helper);
}

/* One that is away, one whose name nobody knows, one that is not configured: and the first answers as before. */
static void
each_witness_is_reached_or_not_for_itself(void **) {
	static const char *const errors[] = {nullptr, "endpoint.connect", "http_target.lookup", "fetch.witness"};
	struct helper helper;
	struct ipc_fetched fetched;
	start(&helper);
	for (uint8_t witness = 1; witness < ARRAY_LENGTH(errors); witness++) {
		_cleanup_(buffer_free) struct buffer asked = {};
		ask_of(&helper, witness, IPC_FETCH_WITNESS_ADD, BYTES_OF_LITERAL("x"));
		receive(&helper, &fetched);
		assert_int_equal(0, fetched.status);
		if (memcmp(fetched.error.data, errors[witness], strlen(errors[witness])) != 0)
			fail_msg("witness %u: %.*s", witness, BYTES_ARGS(fetched.error));
		ask_of(&helper, 0, IPC_FETCH_WITNESS_ADD, BYTES_OF_LITERAL("x"));
		serve(&helper, "\r\n\r\nx", BYTES_OF_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny"), &asked);
		receive(&helper, &fetched);
		assert_int_equal(200, fetched.status);
	}
	stop(&helper);
}

/* The start is sent once, then the rest again and again: something is there to read at every moment. */
static pid_t
send_without_end(const int pair[2], const char *start, const char *rest) {
	int descriptor = pair[1];
	pid_t child = fork();
	if (child != 0)
		return child;
	close(pair[0]);
	send(descriptor, start, strlen(start), MSG_NOSIGNAL);
	while (send(descriptor, rest, strlen(rest), MSG_NOSIGNAL) > 0)
		;
	_exit(0);
}

static void
an_answer_without_an_end_is_given_up_in_time(void **) {
	static const struct {
		const char *start, *rest;
		bool status_only;
	} cases[] = {
		{"HTTP/1.1 200 ", "fine and ", false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1", ";name=value", false},
		{"", "HTTP/1.1 100 Continue\r\n\r\n", true},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(http_reply_free) struct http_reply reply = {};
		struct http_call call = {.timeout_ms = 200, .answer_max = 1024, .status_only = cases[i].status_only};
		int pair[2];
		assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
		pid_t child = send_without_end(pair, cases[i].start, cases[i].rest);
		close(pair[1]);
		alarm(30);
		enum status status = http_read_answer(pair[0], &call, &reply);
		alarm(0);
		close(pair[0]);
		assert_int_equal(child, waitpid(child, nullptr, 0));
		if (status != STATUS_UNAVAILABLE)
			fail_msg("case %zu: %s", i, fail_message());
	}
}

static void
a_keeper_that_breaks_the_protocol_ends_it(void **) {
	struct helper helper;
	struct ipc_control_message message;
	start(&helper);
	assert_ok(ipc_send(&helper.channel, IPC_RESPONSE, 1, false, (struct bytes){}));
	assert_ok(ipc_flush(&helper.channel));
	assert_ok(ipc_control_receive(helper.control, &message));
	assert_int_equal(IPC_CONTROL_FAILED, message.type);
	assert_memory_equal("fetch.direction:", message.text, 16);
	assert_int_equal(4, end_of(&helper));
}

static void
a_configuration_without_a_witness_is_refused(void **) {
	struct helper helper = {.listener = -1};
	struct ipc_control_message message;
	launch(&helper, "{kind: none}");
	assert_ok(ipc_control_receive(helper.control, &message));
	assert_int_equal(IPC_CONTROL_FAILED, message.type);
	assert_int_equal(IPC_FAILED_AT_START, message.value);
	assert_memory_equal("fetch.configuration:", message.text, 20);
	assert_int_equal(4, end_of(&helper));
}

RUN_TESTS(T(each_witness_is_reached_or_not_for_itself), T(each_action_is_one_request_to_the_configured_address),
	  T(bad_answers_are_told_by_name_and_the_next_one_is_taken), T(a_body_that_does_not_fit_its_action_is_not_sent),
	  T(an_answer_without_an_end_is_given_up_in_time), T(a_keeper_that_breaks_the_protocol_ends_it),
	  T(a_configuration_without_a_witness_is_refused))
