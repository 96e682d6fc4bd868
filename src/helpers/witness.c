#include "helpers/witness.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "helpers/endpoint.h"
#include "helpers/small_server.h"
#include "helpers/witness_key.h"
#include "ledger/witness.h"
#include "supervisor/confine.h"

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3, EXIT_INTERNAL = 4 };

struct running {
	struct witness_key key;
	struct tlog_policy *logs;
	struct witness *witness;
};

static int
fail_with_message(int code) {
	fprintf(stderr, "gatehouse witness: %s\n", fail_message());
	return code;
}

static enum status
key_path(const struct witness_arguments *arguments, char path[PATH_MAX]) {
	return snprintf(path, PATH_MAX, "%s/key", arguments->directory) < PATH_MAX
		       ? OK
		       : fail(STATUS_INVALID, "io.path: too long: %s", arguments->directory);
}

static enum status
load_key(const struct witness_arguments *arguments, struct witness_key *key) {
	char path[PATH_MAX];
	TRY(key_path(arguments, path));
	return witness_key_load(path, key);
}

static int
print_text(const struct buffer *text) {
	if (buffer_status(text) != OK)
		return fail_with_message(EXIT_INTERNAL);
	return fwrite(text->data, 1, text->len, stdout) == text->len && fflush(stdout) == 0 ? EXIT_SUCCESS
											    : EXIT_INTERNAL;
}

/* One document, one line. */
static int
print_document(const struct json_writer *writer) {
	if (json_writer_finish(writer) != OK)
		return fail_with_message(EXIT_INTERNAL);
	buffer_append_byte(writer->to, '\n');
	return print_text(writer->to);
}

static void
write_key(struct json_writer *w, const char *member, const struct note_key *key) {
	_cleanup_(buffer_free) struct buffer text = {};
	note_key_format(key, &text);
	json_write_member_string(w, member, buffer_bytes(&text));
}

static int
print_key_document(const struct witness_key *key) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_object(&w);
	write_key(&w, "ed25519", &key->cosigner.ed25519);
	write_key(&w, "mldsa44", &key->cosigner.mldsa44);
	json_write_member_text(&w, "name", key->cosigner.ed25519.name);
	json_write_end(&w);
	return print_document(&w);
}

/* Names within a policy have no meaning outside it; a slash and the type tell the two keys apart. */
static int
print_key(const struct witness_key *key) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_format(&text, "witness %s/ed25519 ", key->cosigner.ed25519.name);
	note_key_format(&key->cosigner.ed25519, &text);
	buffer_append_format(&text, "\nwitness %s/mldsa44 ", key->cosigner.mldsa44.name);
	note_key_format(&key->cosigner.mldsa44, &text);
	buffer_append_byte(&text, '\n');
	return print_text(&text);
}

/* The key is in this process's memory: no core dumps, no debugger of the same user. */
static void
start(void) {
	log_start("witness", LOG_LEVEL_INFO);
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int
witness_show(const struct witness_arguments *arguments) {
	start();
	_cleanup_(witness_key_free) struct witness_key key = {};
	if (load_key(arguments, &key) != OK)
		return fail_with_message(EXIT_REFUSED);
	return arguments->json ? print_key_document(&key) : print_key(&key);
}

int
witness_init(const struct witness_arguments *arguments) {
	char path[PATH_MAX];
	start();
	enum status status = io_make_directory(io_system(), arguments->directory);
	if (status == OK)
		status = key_path(arguments, path);
	if (status == OK)
		status = witness_key_create(path, bytes_of_text(arguments->name));
	return status == OK ? witness_show(arguments) : fail_with_message(EXIT_REFUSED);
}

static void
stop_running(struct running *running) {
	witness_close(&running->witness);
	tlog_policy_destroy(&running->logs);
	witness_key_free(&running->key);
}

static enum status
start_running(const struct witness_arguments *arguments, struct running *running) {
	_cleanup_(buffer_free) struct buffer policy = {};
	TRY(load_key(arguments, &running->key));
	TRY(io_read_file(io_system(), arguments->logs, TLOG_POLICY_SIZE_MAX, &policy));
	TRY(tlog_policy_parse(buffer_bytes(&policy), &running->logs));
	return witness_open(io_system(), arguments->directory, running->logs, &running->key.cosigner,
			    &running->witness);
}

/* Once key, policy and listener are there it needs its directory and what comes to the listener, and nothing else. */
static enum status
confine(const struct witness_arguments *arguments) {
	struct confinement result;
	struct confine_request request = {.role = IPC_ROLE_WITNESS,
					  .read_write = {arguments->directory},
					  .degraded_allowed = arguments->degraded_allowed};
	return confine_enter(&request, &result);
}

/* <64 hexadecimal digits> of /<hash>/checkpoint. */
static bool
split_target(struct bytes target, struct bytes *hash) {
	static const struct bytes end = BYTES_OF_LITERAL("/checkpoint");
	if (target.len != 1 + 64 + end.len || target.data[0] != '/' ||
	    !bytes_equal(bytes_of(target.data + 65, end.len), end))
		return false;
	*hash = bytes_of(target.data + 1, 64);
	return true;
}

static enum status
answer_request(struct witness *witness, const struct small_request *request, struct witness_answer *answer) {
	struct bytes hash;
	if (request->is_post && bytes_equal_text(request->target, "/add-checkpoint"))
		return witness_add_checkpoint(witness, request->body, answer);
	if (!request->is_post && split_target(request->target, &hash))
		return witness_get_checkpoint(witness, hash, answer);
	answer->status = 404;
	answer->content_type = "text/plain";
	return OK;
}

/* A full disk refuses this request; whatever else fails ends the witness: it no longer knows what it has promised. */
static enum status
handle(void *context, const struct small_request *request, struct small_answer *answer) {
	struct running *running = context;
	_cleanup_(witness_answer_free) struct witness_answer own = {};
	enum status status = answer_request(running->witness, request, &own);
	if (status == STATUS_UNAVAILABLE) {
		log_error("%s", fail_message());
		answer->status = 503;
		return OK;
	}
	TRY(status);
	answer->status = own.status;
	answer->content_type = own.content_type;
	answer->body = own.body;
	own.body = (struct buffer){};
	return OK;
}

static int
print_endpoint(const struct witness_arguments *arguments, const char *name, const char *endpoint) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	if (!arguments->json) {
		buffer_append_format(&text, "witness %s listens on %s\n", name, endpoint);
		return print_text(&text);
	}
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_text(&w, "endpoint", endpoint);
	json_write_member_text(&w, "name", name);
	json_write_end(&w);
	return print_document(&w);
}

int
witness_serve(const struct witness_arguments *arguments) {
	_cleanup_(stop_running) struct running running = {};
	struct endpoint endpoint;
	int listener = -1;
	char text[ENDPOINT_TEXT_MAX];
	sigset_t ending;
	start();
	if (endpoint_parse(bytes_of_text(arguments->listen), &endpoint) != OK)
		return fail_with_message(EXIT_USAGE);
	if (start_running(arguments, &running) != OK)
		return fail_with_message(EXIT_REFUSED);
	if (endpoint_listen(&endpoint, &listener) != OK || endpoint_of_listener(listener, text) != OK)
		return fail_with_message(EXIT_UNREACHABLE);
	if (confine(arguments) != OK)
		return fail_with_message(EXIT_INTERNAL);
	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigprocmask(SIG_BLOCK, &ending, nullptr);
	if (print_endpoint(arguments, running.key.cosigner.ed25519.name, text) != EXIT_SUCCESS)
		return EXIT_INTERNAL;
	struct small_server server = {listener, WITNESS_REQUEST_MAX, handle, &running};
	enum status status = small_server_run(&server);
	close(listener);
	return status == OK ? EXIT_SUCCESS : fail_with_message(EXIT_INTERNAL);
}

static enum status
read_standard_input(struct buffer *to) {
	char bytes[16 * 1024];
	for (size_t got; (got = fread(bytes, 1, sizeof bytes, stdin)) > 0;) {
		buffer_append(to, bytes, got);
		if (to->len > WITNESS_REQUEST_MAX)
			return fail(STATUS_TOO_LARGE, "witness.request: more than %zu bytes", WITNESS_REQUEST_MAX);
	}
	return ferror(stdin) ? fail_errno(STATUS_IO, "io.read: standard input") : buffer_status(to);
}

static int
print_answer(const struct witness_answer *answer) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_string(&w, "body", buffer_bytes(&answer->body));
	json_write_member_integer(&w, "status", answer->status);
	json_write_end(&w);
	return print_document(&w);
}

int
witness_add(const struct witness_arguments *arguments) {
	_cleanup_(stop_running) struct running running = {};
	_cleanup_(buffer_free) struct buffer request = {};
	_cleanup_(witness_answer_free) struct witness_answer answer = {};
	start();
	if (start_running(arguments, &running) != OK || confine(arguments) != OK || read_standard_input(&request) != OK)
		return fail_with_message(EXIT_REFUSED);
	if (witness_add_checkpoint(running.witness, buffer_bytes(&request), &answer) != OK)
		return fail_with_message(EXIT_INTERNAL);
	if (arguments->json) {
		int code = print_answer(&answer);
		return code == EXIT_SUCCESS && answer.status != 200 ? EXIT_REFUSED : code;
	}
	FILE *to = answer.status == 200 ? stdout : stderr;
	if (answer.status != 200)
		fprintf(stderr, "gatehouse witness: %d: ", answer.status);
	if (fwrite(answer.body.data, 1, answer.body.len, to) != answer.body.len || fflush(to) != 0)
		return EXIT_INTERNAL;
	return answer.status == 200 ? EXIT_SUCCESS : EXIT_REFUSED;
}
