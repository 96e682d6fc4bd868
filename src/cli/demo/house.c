#include "cli/demo/house.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "cli/connection.h"
#include "cli/demo/front.h"
#include "cli/demo/interrupt.h"
#include "keys/root_key.h"
#include "supervisor/certificate.h"
#include "supervisor/handover.h"

constexpr int START_MS = 20'000;
constexpr int STOP_MS = 20'000;
constexpr int STEP_MS = 10;
constexpr size_t LOG_MAX = 1024 * 1024;
constexpr size_t LINE_MAX_BYTES = 4096;

char *
house_path(struct house *house, const char *name) {
	return arena_format(&house->arena, "%s/%s", house->directory, name);
}

/* --- The directory. --- */

/* Nobody else is given it while this process lives: it stays bound, and only who names it listens there, by SO_REUSEADDR. */
enum status
house_choose_port(uint16_t *port) {
	static const int one = 1;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* The option after the binding: two that are chosen at once are two. */
	if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0 ||
	    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    getsockname(descriptor, (struct sockaddr *)&address, &len) != 0) {
		enum status status = fail_errno(STATUS_UNAVAILABLE, "house.port");
		if (descriptor >= 0)
			close(descriptor);
		return status;
	}
	*port = ntohs(address.sin_port);
	return OK;
}

static enum status
choose_port(struct house *house) {
	uint16_t port;
	TRY(house_choose_port(&port));
	house->port = arena_format(&house->arena, "%u", port);
	house->authority = arena_format(&house->arena, "127.0.0.1:%u", port);
	TRY_ALLOC(house->port);
	TRY_ALLOC(house->authority);
	return OK;
}

/* Of the console; it is kept open, so nobody else can take it. */
static enum status
choose_console(struct house *house) {
	uint16_t port;
	TRY(front_listen(&house->front_listener, &port));
	house->console = arena_format(&house->arena, "http://localhost:%u", port);
	TRY_ALLOC(house->console);
	return OK;
}

static enum status
write_file(const char *path, struct bytes content, mode_t mode) {
	TRY(io_replace_file(io_system(), path, content));
	return chmod(path, mode) == 0 ? OK : fail_errno(STATUS_IO, "house.mode: %s", path);
}

static enum status
write_certificate(struct house *house) {
	_cleanup_(buffer_free) struct buffer certificate = {};
	_cleanup_(secret_free) struct secret key = {};
	const char *const names[] = {house->authority}, *key_path = house_path(house, "tls.key");
	TRY_ALLOC(key_path);
	TRY(certificate_create_self_signed(names, 1, 2, &certificate, &key));
	TRY(write_file(house->certificate_path, buffer_bytes(&certificate), 0644));
	return write_file(key_path, secret_bytes(&key), 0600);
}

enum status
house_configure(struct house *house) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_format(&text,
			     "listen:\n  - address: 127.0.0.1\n    port: %s\nauthority: [\"%s\", \"%s\"%s]\n"
			     "tls:\n  certificate: %s/tls.crt\n  key: %s/tls.key\n"
			     "data_directory: %s\nrollback_guard: %s\n"
			     "root_key:\n  file: %s/root.key\nlog_level: notice\n%s",
			     house->port, house->authority, house->console + strlen("http://"),
			     house->also_known == nullptr ? "" : house->also_known, house->directory, house->directory,
			     house->data, house->guard, house->directory,
			     house->settings == nullptr ? "" : house->settings);
	TRY(buffer_status(&text));
	TRY(write_file(house->config_path, buffer_bytes(&text), 0644));
	config_free(&house->config);
	return config_read_file(house->config_path, &house->config);
}

/* Outside the data directory. */
static enum status
guard_by_mark(struct house *house) {
	house->guard = arena_format(&house->arena, "{kind: path, path: %s}", house->mark);
	TRY_ALLOC(house->guard);
	return house_configure(house);
}

enum status
house_guard_by_witness(struct house *house) {
	house->guard = arena_format(&house->arena, "{kind: witness, witnesses: [\"%s\"], policy: %s}",
				    house->witness_address, house->policy_path);
	TRY_ALLOC(house->guard);
	return house_configure(house);
}

static enum status
make_paths(struct house *house) {
	struct {
		char **path;
		const char *name;
	} const paths[] = {
		{&house->data, "data"},
		{&house->mark, "mark"},
		{&house->keys, "keys"},
		{&house->witness, "witness"},
		{&house->log, "gatehouse.log"},
		{&house->config_path, "gatehouse.yaml"},
		{&house->founding_path, "firm.yaml"},
		{&house->certificate_path, "tls.crt"},
		{&house->pins_path, "log.policy"},
		{&house->policy_path, "auditor.policy"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
		*paths[i].path = house_path(house, paths[i].name);
		TRY_ALLOC(*paths[i].path);
	}
	return OK;
}

static enum status
make_directory(const char *path, uint32_t user) {
	TRY(io_make_directory(io_system(), path));
	return geteuid() != 0 || user == 0 || chown(path, user, user) == 0
		       ? OK
		       : fail_errno(STATUS_IO, "house.owner: %s", path);
}

enum status
house_open(struct house *house, bool with_front) {
	const char *parent = getenv("TMPDIR");
	*house = (struct house){.program = -1, .front_listener = -1};
	char *directory = arena_format(&house->arena, "%s/gatehouse-demo-XXXXXX", parent == nullptr ? "/tmp" : parent);
	TRY_ALLOC(directory);
	if (mkdtemp(directory) == nullptr)
		return fail_errno(STATUS_IO, "house.directory: %s", directory);
	house->directory = directory;
	/* The users of the processes pass through it to what is theirs. */
	if (chmod(directory, 0711) != 0)
		return fail_errno(STATUS_IO, "house.mode: %s", directory);
	house->program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (house->program < 0)
		return fail_errno(STATUS_IO, "house.program: /proc/self/exe");
	TRY(make_paths(house));
	TRY(choose_port(house));
	TRY(choose_console(house));
	TRY(write_certificate(house));
	TRY(guard_by_mark(house));
	TRY(make_directory(house->keys, 0));
	TRY(make_directory(house->witness, HOUSE_WITNESS_USER));
	struct front front = {house->front_listener, house->port, house->certificate_path};
	return with_front ? front_start(&front, &house->fronting) : OK;
}

/* --- Processes. --- */

struct child {
	const char *const *arguments; /* after the program's name */
	uint32_t user;                /* 0: the own one */
	int output;                   /* standard output; −1: into the log */
	int log;
};

[[noreturn]] static void
run_child(const struct house *house, const struct child *child, pid_t parent) {
	char *arguments[16] = {(char *)(uintptr_t)"gatehouse"};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; child->arguments[i] != nullptr && i + 2 < ARRAY_LENGTH(arguments); i++)
		arguments[i + 1] = (char *)(uintptr_t)child->arguments[i];
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(child->log, STDERR_FILENO) < 0 ||
	    dup2(child->output < 0 ? child->log : child->output, STDOUT_FILENO) < 0)
		_exit(127);
	if (child->user != 0 && (setresgid(child->user, child->user, child->user) != 0 ||
				 setresuid(child->user, child->user, child->user) != 0))
		_exit(127);
	setpgid(0, 0); /* Ctrl-C reaches the demo alone, which stops the others in order */
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, nullptr);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(127);
	syscall(SYS_execveat, house->program, "", arguments, environ, AT_EMPTY_PATH);
	_exit(127);
}

static enum status
start_child(const struct house *house, struct child *child, pid_t *started) {
	child->log = open(house->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (child->log < 0)
		return fail_errno(STATUS_IO, "house.log: %s", house->log);
	fflush(stdout);
	pid_t parent = getpid(), made = fork();
	if (made == 0)
		run_child(house, child, parent);
	close(child->log);
	if (made < 0)
		return fail_errno(STATUS_IO, "house.fork");
	*started = made;
	return OK;
}

/* Waits for the child's end, and gives up where the demo is interrupted meanwhile. */
static enum status
wait_for_end(pid_t child, int timeout_ms, int *status) {
	for (int waited = 0;; waited += STEP_MS) {
		pid_t ended = waitpid(child, status, WNOHANG);
		if (ended == child)
			return OK;
		if (ended < 0)
			return fail_errno(STATUS_INTERNAL, "house.wait");
		if (waited >= timeout_ms)
			return fail(STATUS_UNAVAILABLE, "house.timeout: a process did not end within %d ms",
				    timeout_ms);
		poll(nullptr, 0, STEP_MS);
	}
}

static void
end_child(pid_t *child, int timeout_ms) {
	int status;
	if (*child == 0)
		return;
	kill(*child, SIGTERM);
	if (wait_for_end(*child, timeout_ms, &status) != OK) {
		kill(*child, SIGKILL);
		waitpid(*child, &status, 0);
	}
	*child = 0;
}

static enum status
read_to_end(int descriptor, struct buffer *output) {
	for (;;) {
		if (!buffer_reserve(output, LINE_MAX_BYTES))
			return buffer_status(output);
		ssize_t got = read(descriptor, output->data + output->len, LINE_MAX_BYTES);
		if (got < 0 && errno == EINTR && !interrupt_came())
			continue;
		if (got < 0)
			return fail_errno(STATUS_IO, "house.read");
		if (got == 0)
			return OK;
		output->len += (size_t)got;
	}
}

enum status
house_run(struct house *house, uint32_t user, const char *const *arguments, struct buffer *output, int *exit_code) {
	int ends[2], ended;
	pid_t child;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail_errno(STATUS_IO, "house.pipe");
	struct child start = {.arguments = arguments, .user = geteuid() == 0 ? user : 0, .output = ends[1]};
	enum status status = start_child(house, &start, &child);
	close(ends[1]);
	if (status == OK) {
		status = read_to_end(ends[0], output);
		enum status waited = wait_for_end(child, STOP_MS, &ended);
		if (waited != OK)
			end_child(&child, 0);
		status = status == OK ? waited : status;
	}
	close(ends[0]);
	TRY(status);
	*exit_code = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
	return OK;
}

/* --- The supervisor. --- */

/* What the keeper said last, in the log's lines from `from` on: "... cannot start: <name>: <sentence>". */
static const char *
reason_in_log(struct house *house, size_t from) {
	_cleanup_(buffer_free) struct buffer text = {};
	static const char mark[] = "cannot start: ";
	if (io_read_file(io_system(), house->log, LOG_MAX, &text) != OK || text.len <= from)
		return "";
	const char *found = nullptr, *start = (const char *)text.data + from, *end = (const char *)text.data + text.len;
	for (const char *at; (at = memmem(start, (size_t)(end - start), mark, sizeof mark - 1)) != nullptr;
	     start = found)
		found = at + sizeof mark - 1;
	if (found == nullptr)
		return "";
	size_t len = 0;
	while (found + len < end && found[len] != '"' && found[len] != '\\')
		len++;
	const char *reason = arena_text(&house->arena, bytes_of(found, len));
	return reason == nullptr ? "" : reason;
}

static bool
is_ready(struct house *house) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(connection_destroy) struct connection *connection = nullptr;
	struct connection_target target = {.host = "127.0.0.1", .port = house->port, .ca = house->certificate_path};
	struct http_field host = {BYTES_OF_LITERAL("Host"), bytes_of_text(house->authority)};
	struct http_request request = {.method = BYTES_OF_LITERAL("GET"),
				       .target = BYTES_OF_LITERAL("/readyz"),
				       .fields = &host,
				       .field_count = 1};
	struct connection_answer answer;
	return connection_create(&target, &connection) == OK &&
	       connection_exchange(connection, &arena, &request, &answer) == OK && answer.status == 200;
}

static size_t
log_size(const struct house *house) {
	struct stat found;
	return stat(house->log, &found) == 0 ? (size_t)found.st_size : 0;
}

enum status
house_serve(struct house *house, const char **reason) {
	const char *const arguments[] = {"serve", "--config", house->config_path, nullptr};
	struct child start = {.arguments = arguments, .output = -1};
	size_t before = log_size(house);
	TRY(start_child(house, &start, &house->serving));
	for (int waited = 0; waited < START_MS; waited += STEP_MS) {
		int status;
		if (interrupt_came())
			return fail(STATUS_UNAVAILABLE, "house.interrupted: while the processes started");
		if (waitpid(house->serving, &status, WNOHANG) == house->serving) {
			house->serving = 0;
			*reason = reason_in_log(house, before);
			return fail(STATUS_DENIED, "house.refused: the processes did not start: %s", *reason);
		}
		if (is_ready(house))
			return OK;
		poll(nullptr, 0, STEP_MS);
	}
	return fail(STATUS_UNAVAILABLE, "house.timeout: not ready within %d ms", START_MS);
}

enum status
house_stop(struct house *house) {
	int status;
	kill(house->serving, SIGTERM);
	TRY(wait_for_end(house->serving, STOP_MS, &status));
	house->serving = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "house.stop: the supervisor did not end well");
}

/* The last word of its command line is the role. */
static bool
has_role(long process, const char *role) {
	char path[64], words[256];
	snprintf(path, sizeof path, "/proc/%ld/cmdline", process);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = file < 0 ? -1 : read(file, words, sizeof words - 1);
	size_t len = strlen(role);
	if (file >= 0)
		close(file);
	return got > (ssize_t)len + 1 && memcmp(words + (size_t)got - len - 1, role, len) == 0 &&
	       words[(size_t)got - 1] == '\0' && words[(size_t)got - len - 2] == '\0';
}

/* Its children's numbers, as the kernel lists them. */
static size_t
list_children(pid_t parent, long children[static 16]) {
	char path[64], text[256];
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
	size_t count = 0;
	if (file >= 0)
		close(file);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	for (char *at = text, *end; count < 16; at = end) {
		long child = strtol(at, &end, 10);
		if (end == at)
			break;
		children[count++] = child;
	}
	return count;
}

pid_t
house_process(const struct house *house, const char *role) {
	long children[16];
	size_t count = list_children(house->serving, children);
	for (size_t i = 0; i < count; i++)
		if (has_role(children[i], role))
			return (pid_t)children[i];
	return 0;
}

void
house_crash(struct house *house) {
	long children[16];
	int status;
	if (house->serving == 0)
		return;
	kill(house->serving, SIGSTOP); /* so that it starts nothing anew meanwhile */
	size_t count = list_children(house->serving, children);
	pid_t keeper = house_process(house, "keeper"); /* first: it must not see the others go, and record that */
	if (keeper > 0)
		kill(keeper, SIGKILL);
	for (size_t i = 0; i < count; i++)
		kill((pid_t)children[i], SIGKILL);
	kill(house->serving, SIGKILL);
	waitpid(house->serving, &status, 0);
	house->serving = 0;
}

/* --- The witness. --- */

enum status
house_make_witness(struct house *house, struct buffer *lines) {
	int exit_code;
	TRY(HOUSE_RUN(house, HOUSE_WITNESS_USER, lines, &exit_code, "witness", "init", house->witness,
		      "witness.example"));
	return exit_code == 0 ? OK : fail(STATUS_UNAVAILABLE, "house.witness: its key could not be made");
}

/* "witness NAME listens on ADDRESS" is the first that it says. */
static enum status
read_address(struct house *house, int descriptor) {
	char line[256] = "";
	size_t len = 0;
	while (len + 1 < sizeof line && memchr(line, '\n', len) == nullptr) {
		struct pollfd polled = {.fd = descriptor, .events = POLLIN};
		ssize_t got = poll(&polled, 1, START_MS) == 1 ? read(descriptor, line + len, sizeof line - 1 - len) : 0;
		if (got <= 0)
			return fail(STATUS_UNAVAILABLE, "house.witness: it did not start");
		len += (size_t)got;
	}
	const char *mark = " listens on ", *found = strstr(line, mark);
	if (found == nullptr)
		return fail(STATUS_UNAVAILABLE, "house.witness: it says \"%s\"", line);
	found += strlen(mark);
	house->witness_address = arena_format(&house->arena, "http://%.*s", (int)strcspn(found, "\n"), found);
	TRY_ALLOC(house->witness_address);
	return OK;
}

enum status
house_start_witness(struct house *house, const char *logs) {
	const char *const arguments[] = {"witness", "serve",    house->witness, "--logs",
					 logs,      "--listen", "127.0.0.1:0",  nullptr};
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) != 0)
		return fail_errno(STATUS_IO, "house.pipe");
	struct child start = {
		.arguments = arguments, .user = geteuid() == 0 ? HOUSE_WITNESS_USER : 0, .output = ends[1]};
	enum status status = start_child(house, &start, &house->witnessing);
	close(ends[1]);
	if (status == OK)
		status = read_address(house, ends[0]);
	close(ends[0]);
	return status;
}

void
house_close(struct house *house) {
	end_child(&house->fronting, STOP_MS);
	end_child(&house->serving, STOP_MS);
	end_child(&house->witnessing, STOP_MS);
	if (house->directory != nullptr && house_remove(house->directory) != OK)
		fprintf(stderr, "gatehouse demo: %s\n", fail_message());
	if (house->program >= 0)
		close(house->program);
	if (house->front_listener >= 0)
		close(house->front_listener);
	config_free(&house->config);
	arena_free(&house->arena);
	*house = (struct house){.program = -1, .front_listener = -1};
}

void
house_show_log(const struct house *house) {
	_cleanup_(buffer_free) struct buffer text = {};
	constexpr size_t SHOWN = 4000;
	if (io_read_file(io_system(), house->log, LOG_MAX, &text) != OK || text.len == 0)
		return;
	size_t from = text.len > SHOWN ? text.len - SHOWN : 0;
	while (from > 0 && from < text.len && text.data[from - 1] != '\n')
		from++;
	fprintf(stderr, "the processes said last:\n%.*s", (int)(text.len - from), (const char *)text.data + from);
}
