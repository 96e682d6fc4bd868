#include "tests/test.h"
#include "tests/log_keys.h"
#include "tests/remove_tree.h"
#include "base/arena.h"
#include "base/json.h"
#include "helpers/http_exchange.h"
#include "helpers/witness.h"
#include "helpers/witness_key.h"
#include "ledger/head.h"
#include "ledger/proof_testing.h"
#include "ledger/witness.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

constexpr int64_t PATIENCE_NS = 120'000'000'000;
static const char ORIGIN[] = "gate.example/keeper1";

/* A directory with a witness's key and the policy of a small log. */
static struct fixture {
	char directory[64], witness[96], policy[96];
	uint8_t seed[32];
	struct mldsa44_private *mldsa44;
	struct head_keys keys;
	struct tree *tree;
} f;

static int
run(int (*in_child)(void), int *output) {
	int ends[2];
	assert_int_equal(0, pipe(ends));
	fflush(nullptr);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null < 0 || dup2(null, STDERR_FILENO) < 0)
			_exit(126);
		_exit(in_child());
	}
	close(ends[1]);
	*output = ends[0];
	return child;
}

static const struct witness_arguments *child_arguments;
static int (*child_verb)(const struct witness_arguments *arguments);

static int
run_witness(void) {
	return child_verb(child_arguments);
}

/* Runs a verb to its end; returns the exit code. */
static int
witness(struct buffer *output, int (*verb)(const struct witness_arguments *),
	const struct witness_arguments *arguments) {
	int from, status;
	child_verb = verb;
	child_arguments = arguments;
	pid_t child = run(run_witness, &from);
	char bytes[4096];
	for (ssize_t got; (got = read(from, bytes, sizeof bytes)) > 0;)
		buffer_append(output, bytes, (size_t)got);
	close(from);
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}
#define WITNESS(output, verb, ...) witness((output), witness_##verb, &(const struct witness_arguments){__VA_ARGS__})

static int
make_fixture(void **) {
	f = (struct fixture){.directory = "/tmp/gatehouse-witness-test-XXXXXX", .seed = {1}};
	assert_non_null(mkdtemp(f.directory));
	snprintf(f.witness, sizeof f.witness, "%s/w", f.directory);
	snprintf(f.policy, sizeof f.policy, "%s/policy", f.directory);
	log_keys_make(f.seed, ORIGIN, &f.mldsa44, &f.keys);
	_cleanup_(buffer_free) struct buffer policy = {};
	buffer_append_text(&policy, "log ");
	note_key_format(&f.keys.ed25519, &policy);
	buffer_append_text(&policy, "\nlog ");
	note_key_format(&f.keys.mldsa44, &policy);
	buffer_append_text(&policy, "\nquorum none\n");
	assert_ok(io_replace_file(io_system(), f.policy, buffer_bytes(&policy)));
	assert_ok(tree_create(&f.tree, 64));
	for (uint8_t i = 0; i < 20; i++) {
		struct hash256 leaf = tree_leaf_hash(bytes_of(&i, 1));
		assert_ok(tree_append(f.tree, &leaf));
	}
	return 0;
}

static int
free_fixture(void **) {
	mldsa44_private_destroy(&f.mldsa44);
	head_keys_free(&f.keys);
	tree_destroy(&f.tree);
	return remove_tree(f.directory);
}

static void
write_request(uint64_t old_size, uint64_t size, struct buffer *request, struct buffer *note) {
	struct tree_source source = {f.tree, nullptr};
	struct tree_reader reader = tree_reader_of(&source);
	struct head_signer signer = {&f.keys, f.seed, f.mldsa44};
	struct head_signatures signatures;
	struct head head = {.size = size, .root = root_of_leaves(&reader, 0, size)};
	struct proof proof;
	assert_ok(proof_make_consistency(&reader, old_size, size, &proof));
	assert_ok(head_sign(&signer, &head, 1'763'715'600, &signatures));
	buffer_reset(note);
	buffer_reset(request);
	head_format(note, &f.keys, &head, &signatures);
	witness_request_write(request, old_size, &proof, buffer_bytes(note));
}

struct server {
	pid_t pid;
	int output;
	char address[ENDPOINT_TEXT_MAX + 8];
	struct endpoint endpoint;
};

static void
start_server(struct server *server, const char *listen) {
	const struct witness_arguments arguments = {.directory = f.witness, .logs = f.policy, .listen = listen};
	child_verb = witness_serve;
	child_arguments = &arguments;
	server->pid = run(run_witness, &server->output);
	char line[512] = "";
	for (size_t len = 0; len < sizeof line - 1 && strchr(line, '\n') == nullptr; len++)
		if (read(server->output, line + len, 1) != 1)
			fail_msg("the witness did not start: %s", line);
	char *address = strstr(line, "listens on ");
	assert_non_null(address);
	address += strlen("listens on ");
	*strchr(address, '\n') = '\0';
	assert_ok(endpoint_parse(bytes_of_text(address), &server->endpoint));
	snprintf(server->address, sizeof server->address, "%s%s", strncmp(address, "unix:", 5) == 0 ? "" : "http://",
		 address);
}

static void
stop_server(struct server *server) {
	int status;
	kill(server->pid, SIGTERM);
	assert_int_equal(server->pid, waitpid(server->pid, &status, 0));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(server->output);
}

static void
a_key_is_made_once_and_shown_alike(void **) {
	_cleanup_(buffer_free) struct buffer made = {}, shown = {}, policy = {};
	assert_int_equal(0, WITNESS(&made, init, .directory = f.witness, .name = "witness.example/w1"));
	assert_int_equal(0, WITNESS(&shown, show, .directory = f.witness));
	assert_bytes(buffer_bytes(&made), buffer_bytes(&shown));
	assert_int_equal(1, WITNESS(&shown, init, .directory = f.witness, .name = "witness.example/w1"));
	/* What it prints are lines of a policy. */
	buffer_append_bytes(&policy, buffer_bytes(&made));
	buffer_append_text(&policy, "group w all witness.example/w1/ed25519 witness.example/w1/mldsa44\nquorum w\n");
	_cleanup_(tlog_policy_destroy) struct tlog_policy *parsed = nullptr;
	assert_ok(tlog_policy_parse(buffer_bytes(&policy), &parsed));
	assert_int_equal(2, tlog_policy_witness_count(parsed));
}

/* What --json says is what the lines say. */
static void
the_key_and_where_it_listens_are_shown_as_documents_too(void **) {
	_cleanup_(buffer_free) struct buffer lines = {}, document = {}, expected = {};
	_cleanup_(arena_free) struct arena arena = {};
	const json *shown;
	struct bytes name, vkeys[2];
	assert_int_equal(0, WITNESS(&document, show, .directory = f.witness, .json = true));
	assert_int_equal(0, WITNESS(&lines, show, .directory = f.witness));
	assert_ok(json_read(&arena, buffer_bytes(&document), (struct json_limits){}, &shown));
	assert_ok(json_need_string(shown, "shown", "name", &name));
	assert_ok(json_need_string(shown, "shown", "ed25519", &vkeys[0]));
	assert_ok(json_need_string(shown, "shown", "mldsa44", &vkeys[1]));
	buffer_append_format(&expected, "witness %.*s/ed25519 %.*s\nwitness %.*s/mldsa44 %.*s\n", BYTES_ARGS(name),
			     BYTES_ARGS(vkeys[0]), BYTES_ARGS(name), BYTES_ARGS(vkeys[1]));
	assert_bytes(buffer_bytes(&expected), buffer_bytes(&lines));
	const struct witness_arguments arguments = {
		.directory = f.witness, .logs = f.policy, .listen = "127.0.0.1:0", .json = true};
	struct server server;
	char line[512] = "";
	child_verb = witness_serve;
	child_arguments = &arguments;
	server.pid = run(run_witness, &server.output);
	for (size_t len = 0; len < sizeof line - 1 && strchr(line, '\n') == nullptr; len++)
		if (read(server.output, line + len, 1) != 1)
			fail_msg("the witness did not start: %s", line);
	assert_ok(json_read(&arena, bytes_of_text(line), (struct json_limits){}, &shown));
	struct bytes endpoint;
	assert_ok(json_need_string(shown, "shown", "endpoint", &endpoint));
	assert_ok(endpoint_parse(endpoint, &server.endpoint));
	stop_server(&server);
}

static void
a_key_that_others_may_read_is_refused(void **) {
	char path[128];
	struct witness_key key;
	snprintf(path, sizeof path, "%s/key", f.witness);
	assert_int_equal(0, chmod(path, 0640));
	assert_fails(STATUS_DENIED, "witness_key.mode", witness_key_load(path, &key));
	assert_int_equal(0, chmod(path, 0600));
	assert_ok(witness_key_load(path, &key));
	witness_key_free(&key);
}

static void
damaged_keys_are_refused_by_name(void **) {
#define SEED "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	static const struct {
		enum status status;
		const char *name, *text;
	} cases[] = {
		{STATUS_INVALID, "witness_key.magic", ""},
		{STATUS_UNSUPPORTED, "witness_key.magic", "gatehouse/witness-key/v2\nw\n" SEED SEED},
		{STATUS_INVALID, "witness_key.name", "gatehouse/witness-key/v1\n"},
		{STATUS_INVALID, "note.name", "gatehouse/witness-key/v1\nw w\n" SEED SEED},
		{STATUS_INVALID, "witness_key.seed", "gatehouse/witness-key/v1\nw\n" SEED},
		{STATUS_INVALID, "witness_key.seed", "gatehouse/witness-key/v1\nw\n" SEED "AAAA\n"},
		{STATUS_INVALID, "witness_key.trailing", "gatehouse/witness-key/v1\nw\n" SEED SEED "\n"},
	};
	char path[128];
	snprintf(path, sizeof path, "%s/damaged", f.directory);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct witness_key key;
		assert_ok(io_replace_file(io_system(), path, bytes_of_text(cases[i].text)));
		assert_fails(cases[i].status, cases[i].name, witness_key_load(path, &key));
	}
}

static enum status
post(const char *address, const struct buffer *request, struct http_reply *reply) {
	struct http_target target;
	struct http_call call = {.is_post = true,
				 .path = "/add-checkpoint",
				 .body = buffer_bytes(request),
				 .timeout_ms = PATIENCE_NS / 1'000'000,
				 .answer_max = 64 * 1024};
	TRY(http_target_parse(bytes_of_text(address), &target));
	return http_exchange(&target, nullptr, &call, reply);
}

static void
a_log_gets_its_cosignatures(const char *listen) {
	_cleanup_(buffer_free) struct buffer request = {}, note = {}, lines = {};
	_cleanup_(witness_key_free) struct witness_key key = {};
	char path[128];
	struct server server;
	uint64_t at = 0;
	snprintf(path, sizeof path, "%s/key", f.witness);
	assert_ok(witness_key_load(path, &key));
	const struct note_key *keys[] = {&key.cosigner.ed25519, &key.cosigner.mldsa44};
	start_server(&server, listen);
	/* As a log does that does not know how far the witness has come: it asks from 0, then from what it is told. */
	for (uint64_t size = 1; size <= 20; size += 5) {
		for (uint64_t from = 0;;) {
			_cleanup_(http_reply_free) struct http_reply reply = {};
			write_request(from, size, &request, &note);
			assert_ok(post(server.address, &request, &reply));
			enum status status = witness_response_read(reply.status, buffer_bytes(&reply.content_type),
								   buffer_bytes(&reply.body), buffer_bytes(&note), keys,
								   2, &lines, &from);
			if (status == OK)
				break;
			assert_int_equal(STATUS_CONFLICT, status);
			if (from > size) /* of the run before */
				size = from;
		}
		at = size;
	}
	stop_server(&server);
	assert_true(at >= 16 && lines.len > 0);
}

static void
a_log_gets_its_cosignatures_over_tcp(void **) {
	a_log_gets_its_cosignatures("127.0.0.1:0");
}

static void
a_log_gets_its_cosignatures_over_a_unix_socket_after_a_restart(void **) {
	char listen[160];
	snprintf(listen, sizeof listen, "unix:%s/socket", f.directory);
	a_log_gets_its_cosignatures(listen);
	a_log_gets_its_cosignatures(listen);
}

/* The status of the answer to raw bytes; 0 if the connection was closed without one. */
static int
status_of(const struct server *server, const char *request, size_t len, char *answer, size_t capacity) {
	int descriptor, status = 0;
	int64_t deadline_ns = endpoint_clock_ns() + PATIENCE_NS;
	size_t got = 0;
	assert_ok(endpoint_connect(&server->endpoint, deadline_ns, &descriptor));
	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(descriptor, request + sent, len - sent, MSG_NOSIGNAL);
		if (n < 0)
			break; /* refused before everything was sent */
		sent += (size_t)n;
	}
	while (got < capacity - 1 && endpoint_wait(descriptor, POLLIN, deadline_ns) == OK) {
		ssize_t n = recv(descriptor, answer + got, capacity - 1 - got, 0);
		if (n <= 0)
			break;
		got += (size_t)n;
		answer[got] = '\0';
		if (strstr(answer, "\r\n\r\n") != nullptr)
			break;
	}
	answer[got] = '\0';
	close(descriptor);
	sscanf(answer, "HTTP/1.1 %d ", &status);
	return status;
}

static void
bad_http_is_answered_by_its_status(void **) {
	static char long_header[9100], body_too_large[300];
	struct server server;
	char answer[16 * 1024];
	start_server(&server, "127.0.0.1:0");
	snprintf(long_header, sizeof long_header, "GET / HTTP/1.1\r\nHost: x\r\nA: %0*d\r\n\r\n", 9000, 0);
	snprintf(body_too_large, sizeof body_too_large,
		 "POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", WITNESS_REQUEST_MAX + 1);
	const struct {
		int status;
		const char *request;
	} cases[] = {
		{404, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
		{404, "GET /add-checkpoint HTTP/1.1\r\nHost: x\r\n\r\n"},
		{404, "POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"},
		{404, "GET /0000000000000000000000000000000000000000000000000000000000000000/checkpoint "
		      "HTTP/1.1\r\nHost: x\r\n\r\n"},
		{404, "GET /000000000000000000000000000000000000000000000000000000000000000g/checkpoint "
		      "HTTP/1.1\r\nHost: x\r\n\r\n"},
		{400, "POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nold"},
		{400,
		 "POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nold\r\n0\r\n\r\n"},
		{405, "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n"},
		{400, "nonsense\r\n\r\n"},
		{400, "GET / HTTP/1.1\nHost: x\n\n"},
		{400, "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"},
		{400, "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"},
		{431, long_header},
		{413, body_too_large},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		int status = status_of(&server, cases[i].request, strlen(cases[i].request), answer, sizeof answer);
		if (status != cases[i].status)
			fail_msg("%.40s: expected %d, got %s", cases[i].request, cases[i].status, answer);
	}
	/* Two requests in one packet are answered in turn, and a body may come in pieces. */
	static const char two[] =
		"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	assert_int_equal(404, status_of(&server, two, sizeof two - 1, answer, sizeof answer));
	stop_server(&server);
}

/* Sends the same request again and again until nobody takes more of it; goes on where it was. */
static void
send_until_full(int descriptor, struct bytes request, size_t *sent) {
	for (ssize_t n = 0; n >= 0; *sent += n > 0 ? (size_t)n : 0) {
		size_t at = *sent % request.len;
		n = send(descriptor, request.data + at, request.len - at, MSG_NOSIGNAL);
	}
	assert_int_equal(EAGAIN, errno);
}

static size_t
count_answers(int descriptor, size_t expected) {
	_cleanup_(buffer_free) struct buffer text = {};
	static const char mark[] = "HTTP/1.1 404 ";
	size_t found = 0, at = 0;
	while (found < expected && endpoint_wait(descriptor, POLLIN, endpoint_clock_ns() + PATIENCE_NS) == OK) {
		char bytes[16 * 1024];
		ssize_t got = recv(descriptor, bytes, sizeof bytes, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		buffer_append(&text, bytes, got < 0 ? 0 : (size_t)got);
		for (; at + sizeof mark - 1 <= text.len; at++)
			found += memcmp(text.data + at, mark, sizeof mark - 1) == 0;
	}
	return found;
}

/* It has sent as much as the system takes, and reads nothing. */
static void
who_does_not_read_keeps_nobody_waiting(void **) {
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct server server;
	char answer[1024], listen[160];
	int slow;
	size_t sent = 0;
	snprintf(listen, sizeof listen, "unix:%s/socket", f.directory);
	start_server(&server, listen);
	assert_ok(endpoint_connect(&server.endpoint, endpoint_clock_ns() + PATIENCE_NS, &slow));
	/* With every answer to another the server has been past this one once more, until it takes nothing. */
	for (int unmoved = 0; unmoved < 10;) {
		size_t before = sent;
		send_until_full(slow, BYTES_OF_LITERAL(request), &sent);
		unmoved = sent == before ? unmoved + 1 : 0;
		assert_int_equal(404, status_of(&server, request, sizeof request - 1, answer, sizeof answer));
	}
	/* It has not been given up for the others' sake: all of its answers come. */
	assert_int_equal(sent / (sizeof request - 1), count_answers(slow, sent / (sizeof request - 1)));
	close(slow);
	stop_server(&server);
}

static void
a_request_by_file_is_answered_on_standard_output(void **) {
	char path[128];
	_cleanup_(buffer_free) struct buffer request = {}, note = {}, output = {}, refused = {};
	struct server server;
	start_server(&server, "127.0.0.1:0");
	_cleanup_(http_reply_free) struct http_reply reply = {};
	write_request(0, 1, &request, &note);
	assert_ok(post(server.address, &request, &reply));
	uint64_t from = 0;
	assert_int_equal(409, reply.status);
	assert_int_equal(STATUS_CONFLICT,
			 witness_response_read(409, buffer_bytes(&reply.content_type), buffer_bytes(&reply.body),
					       buffer_bytes(&note), nullptr, 0, &output, &from));
	/* The directory is in use. */
	assert_int_equal(1, WITNESS(&output, add, .directory = f.witness, .logs = f.policy));
	stop_server(&server);
	write_request(from, 20, &request, &note);
	snprintf(path, sizeof path, "%s/request", f.directory);
	assert_ok(io_replace_file(io_system(), path, buffer_bytes(&request)));
	int saved = dup(STDIN_FILENO), file = open(path, O_RDONLY | O_CLOEXEC);
	if (saved < 0 || file < 0)
		abort();
	dup2(file, STDIN_FILENO);
	assert_int_equal(0, WITNESS(&output, add, .directory = f.witness, .logs = f.policy));
	/* The same once more: it knows a newer head than the request starts from. */
	assert_int_equal(0, lseek(STDIN_FILENO, 0, SEEK_SET));
	assert_int_equal(1, WITNESS(&refused, add, .directory = f.witness, .logs = f.policy, .json = true));
	assert_bytes(BYTES_OF_LITERAL("{\"body\":\"20\\n\",\"status\":409}\n"), buffer_bytes(&refused));
	assert_int_equal(0, lseek(STDIN_FILENO, 0, SEEK_SET));
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(file);
	assert_true(output.len > 3000 && memcmp(output.data, "\u2014 witness.example/w1 ", 23) == 0);
}

static void
what_is_no_address_exits_with_two_and_what_is_not_there_with_one(void **) {
	_cleanup_(buffer_free) struct buffer output = {};
	assert_int_equal(2, WITNESS(&output, serve, .directory = f.witness, .logs = f.policy, .listen = "nowhere"));
	assert_int_equal(1, WITNESS(&output, show, .directory = "/nonexistent"));
	assert_int_equal(0, output.len);
}

static void
bad_addresses_are_refused_by_name(void **) {
	static const struct {
		enum status status;
		const char *name, *address;
	} cases[] = {
		{STATUS_INVALID, "http_target.address", ""},
		{STATUS_INVALID, "http_target.address", "127.0.0.1:80"},
		{STATUS_INVALID, "http_target.address", "http://127.0.0.1:80/a b"},
		{STATUS_INVALID, "http_target.address", "http://127.0.0.1:80/a\r\nX: y"},
		{STATUS_INVALID, "http_target.address", "https://"},
		{STATUS_INVALID, "http_target.address", "https://:1"},
		{STATUS_INVALID, "http_target.address", "https://[::1"},
		{STATUS_INVALID, "http_target.address", "https://[::1]1"},
		{STATUS_INVALID, "http_target.address", "https://witness.example:"},
		{STATUS_INVALID, "http_target.address", "https://witness.example:0"},
		{STATUS_INVALID, "http_target.address", "https://witness.example:65536"},
		{STATUS_INVALID, "http_target.address", "https://a:b@witness.example/"},
		{STATUS_INVALID, "endpoint.form", "http://localhost:80"},
		{STATUS_INVALID, "endpoint.form", "http://127.0.0.1:65536"},
		{STATUS_INVALID, "endpoint.form", "http://127.0.0.1"},
		{STATUS_INVALID, "endpoint.form", "http://[::1:80"},
		{STATUS_INVALID, "endpoint.form", "unix:relative"},
		{STATUS_UNAVAILABLE, "endpoint.connect", "unix:/nonexistent/socket"},
		{STATUS_UNAVAILABLE, "endpoint.connect", "http://127.0.0.1:1/"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(http_reply_free) struct http_reply reply = {};
		struct buffer nothing = {};
		assert_fails(cases[i].status, cases[i].name, post(cases[i].address, &nothing, &reply));
	}
}

static void
an_address_is_split_into_what_is_needed(void **) {
	static const struct {
		const char *address, *authority, *host, *prefix;
		uint16_t port;
		bool has_tls, has_name;
	} cases[] = {
		{"https://witness.example", "witness.example", "witness.example", "", 443, true, true},
		{"https://witness.example:8443/a/", "witness.example:8443", "witness.example", "/a", 8443, true, true},
		{"https://127.0.0.1/", "127.0.0.1", "127.0.0.1", "", 443, true, false},
		{"https://[::1]:9/w", "[::1]:9", "::1", "/w", 9, true, false},
		{"http://127.0.0.1:8081", "127.0.0.1:8081", "127.0.0.1", "", 8081, false, false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct http_target target;
		assert_ok(http_target_parse(bytes_of_text(cases[i].address), &target));
		assert_string_equal(cases[i].authority, target.authority);
		assert_string_equal(cases[i].host, target.host);
		assert_string_equal(cases[i].prefix, target.prefix);
		assert_int_equal(cases[i].port, target.port);
		assert_int_equal(cases[i].has_tls, target.has_tls);
		assert_int_equal(cases[i].has_name, target.has_name);
		assert_int_equal(cases[i].has_name, target.endpoint.len == 0);
	}
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(a_key_is_made_once_and_shown_alike),
		T(the_key_and_where_it_listens_are_shown_as_documents_too),
		T(a_key_that_others_may_read_is_refused),
		T(damaged_keys_are_refused_by_name),
		T(a_log_gets_its_cosignatures_over_tcp),
		T(a_log_gets_its_cosignatures_over_a_unix_socket_after_a_restart),
		T(bad_http_is_answered_by_its_status),
		T(who_does_not_read_keeps_nobody_waiting),
		T(a_request_by_file_is_answered_on_standard_output),
		T(what_is_no_address_exits_with_two_and_what_is_not_there_with_one),
		T(bad_addresses_are_refused_by_name),
		T(an_address_is_split_into_what_is_needed),
	};
	return cmocka_run_group_tests(tests, make_fixture, free_fixture);
}
