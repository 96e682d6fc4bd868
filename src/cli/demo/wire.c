#include "cli/demo/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/peer_frame.h"
#include "cli/demo/front.h"
#include "cli/demo/interrupt.h"
#include "keys/threshold/ecdsa/presignature.h"
#include "keys/threshold/ecdsa/signing.h"

constexpr size_t CHUNK = 64 * 1024;
constexpr int PATIENCE_MS = 60'000;
constexpr int LOOK_MS = 200;

/* Of TLS 1.3. A message's body is a record of its own, behind that of its length and kind (keeper/peer_channel.h). */
constexpr size_t RECORD_HEADER_SIZE = 5;
constexpr size_t RECORD_OVERHEAD = 1 + 16; /* the kind of what is in it, and the tag */

/* What the two processes say to each other. */
enum word : uint8_t { WORD_ARM = 1, WORD_DISARM, WORD_DONE, WORD_HELD };

/* --- What is carried. --- */

struct direction {
	struct buffer frames; /* as they came */
	struct buffer stream; /* what stood in them: TLS's records */
	bool holds;           /* nothing more is delivered */
};

struct carrier {
	int listener, control;
	uint16_t to;
	bool is_armed, has_told;
	int ends[2];                    /* of the one that dialled, and of the other; -1: not connected */
	struct direction directions[2]; /* by the end that it comes from */
};

static bool
send_all(int to, struct bytes bytes) {
	while (bytes.len > 0) {
		ssize_t sent = send(to, bytes.data, bytes.len, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		bytes = bytes_of(bytes.data + sent, bytes.len - (size_t)sent);
	}
	return true;
}

/* The last round of a signature, with a presignature or without; nothing else between keepers is as long. */
static bool
ends_signature(size_t record_len) {
	static const struct message_counts none;
	const struct message_kind *last[] = {&ONLINE_MESSAGES[ONLINE_ROUNDS - 1],
					     &SIGNING_MESSAGES[SIGNING_ROUNDS - 1]};
	for (size_t i = 0; i < ARRAY_LENGTH(last); i++)
		if (record_len == message_size(last[i], &none) + RECORD_OVERHEAD)
			return true;
	return false;
}

static void
drop_front(struct buffer *buffer, size_t len) {
	memmove(buffer->data, buffer->data + len, buffer->len - len);
	buffer->len -= len;
}

/* Whole records, each in a frame of its own. */
static bool
deliver(struct carrier *carrier, size_t from, const struct peer_frame *route) {
	struct direction *direction = &carrier->directions[from];
	struct cursor cursor = cursor_of(buffer_bytes(&direction->stream));
	size_t taken = 0;
	while (!direction->holds && cursor.left >= RECORD_HEADER_SIZE) {
		struct cursor record = cursor;
		struct bytes kind_and_version, body;
		uint16_t len;
		_cleanup_(buffer_free) struct buffer frame = {};
		if (cursor_take(&record, "wire.record", 3, &kind_and_version) != OK ||
		    cursor_u16be(&record, "wire.record", &len) != OK)
			return false;
		if (record.left < len)
			break;
		if (cursor_take(&record, "wire.record", len, &body) != OK)
			return false;
		direction->holds = carrier->is_armed && ends_signature(len);
		if (direction->holds)
			break;
		struct peer_frame out = *route;
		out.bytes = bytes_of(direction->stream.data + taken, RECORD_HEADER_SIZE + len);
		peer_frame_write(&out, &frame);
		if (buffer_status(&frame) != OK || !send_all(carrier->ends[1 - from], buffer_bytes(&frame)))
			return false;
		taken += RECORD_HEADER_SIZE + len;
		cursor = record;
	}
	drop_front(&direction->stream, direction->holds ? direction->stream.len : taken);
	return true;
}

static bool
carry(struct carrier *carrier, size_t from) {
	struct direction *direction = &carrier->directions[from];
	struct peer_frame frame;
	if (!buffer_reserve(&direction->frames, CHUNK))
		return false;
	ssize_t got = recv(carrier->ends[from], direction->frames.data + direction->frames.len, CHUNK, 0);
	if (got < 0 && errno == EINTR)
		return true;
	if (got <= 0)
		return false;
	direction->frames.len += (size_t)got;
	struct cursor cursor = cursor_of(buffer_bytes(&direction->frames));
	for (bool found = true; found;) {
		if (peer_frame_read(&cursor, &frame, &found) != OK)
			return false;
		if (!found)
			break;
		buffer_append(&direction->stream, frame.bytes.data, frame.bytes.len);
		if (buffer_status(&direction->stream) != OK || !deliver(carrier, from, &frame))
			return false;
	}
	drop_front(&direction->frames, direction->frames.len - cursor.left);
	return true;
}

/* --- The process. --- */

static void
hang_up(struct carrier *carrier) {
	for (size_t i = 0; i < 2; i++) {
		if (carrier->ends[i] >= 0)
			close(carrier->ends[i]);
		carrier->ends[i] = -1;
		buffer_free(&carrier->directions[i].frames);
		buffer_free(&carrier->directions[i].stream);
		carrier->directions[i] = (struct direction){};
	}
	carrier->is_armed = carrier->is_armed && !carrier->has_told;
	carrier->has_told = false;
}

/* One connection at a time: there is one keeper that dials, and it dials anew when the last one has ended. */
static void
take(struct carrier *carrier) {
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(carrier->to)};
	carrier->ends[0] = accept4(carrier->listener, nullptr, nullptr, SOCK_CLOEXEC);
	carrier->ends[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (carrier->ends[0] < 0 || carrier->ends[1] < 0 ||
	    connect(carrier->ends[1], (struct sockaddr *)&address, sizeof address) != 0)
		hang_up(carrier);
}

static void
say(const struct carrier *carrier, enum word word) {
	if (send(carrier->control, &word, sizeof word, MSG_NOSIGNAL) != sizeof word)
		_exit(0);
}

static void
obey(struct carrier *carrier) {
	enum word word;
	if (recv(carrier->control, &word, sizeof word, 0) != sizeof word)
		_exit(0);
	carrier->is_armed = word == WORD_ARM;
	if (word == WORD_DISARM && (carrier->directions[0].holds || carrier->directions[1].holds))
		hang_up(carrier);
	say(carrier, WORD_DONE);
}

[[noreturn]] static void
serve(struct carrier *carrier, pid_t parent) {
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, nullptr);
	for (int number = 1; number < NSIG; number++)
		signal(number, number == SIGPIPE ? SIG_IGN : SIG_DFL);
	setpgid(0, 0);
	if (geteuid() == 0 &&
	    (setresgid(FRONT_USER, FRONT_USER, FRONT_USER) != 0 || setresuid(FRONT_USER, FRONT_USER, FRONT_USER) != 0))
		_exit(1);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(1);
	for (;;) {
		bool is_connected = carrier->ends[0] >= 0;
		struct pollfd ready[] = {{.fd = carrier->control, .events = POLLIN},
					 {.fd = is_connected ? -1 : carrier->listener, .events = POLLIN},
					 {.fd = carrier->ends[0], .events = POLLIN},
					 {.fd = carrier->ends[1], .events = POLLIN}};
		if (poll(ready, ARRAY_LENGTH(ready), -1) < 0)
			continue;
		if (ready[1].revents != 0)
			take(carrier);
		if ((ready[2].revents != 0 && !carry(carrier, 0)) || (ready[3].revents != 0 && !carry(carrier, 1)))
			hang_up(carrier);
		if (carrier->directions[0].holds && carrier->directions[1].holds && !carrier->has_told) {
			carrier->has_told = true;
			say(carrier, WORD_HELD);
		}
		if (ready[0].revents != 0)
			obey(carrier);
	}
}

/* --- Its owner. --- */

enum status
wire_open(struct wire *wire, uint16_t to) {
	int control[2], listener = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) != 0)
		return fail_errno(STATUS_UNAVAILABLE, "wire.control");
	enum status status = front_listen(&listener, &wire->port);
	pid_t parent = getpid(), made = status == OK ? fork() : -1;
	if (made == 0) {
		struct carrier carrier = {.listener = listener, .control = control[1], .to = to, .ends = {-1, -1}};
		close(control[0]);
		serve(&carrier, parent);
	}
	if (status == OK && made < 0)
		status = fail_errno(STATUS_UNAVAILABLE, "wire.fork");
	close(control[1]);
	if (listener >= 0)
		close(listener);
	if (status != OK) {
		close(control[0]);
		return status;
	}
	wire->control = control[0];
	wire->process = made;
	return OK;
}

void
wire_close(struct wire *wire) {
	if (wire->process == 0)
		return;
	close(wire->control);
	kill(wire->process, SIGTERM);
	waitpid(wire->process, nullptr, 0);
	wire->process = 0;
}

static enum status
hear(const struct wire *wire, enum word *word) {
	return recv(wire->control, word, sizeof *word, 0) == sizeof *word
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "wire.ended: the process between the keepers is gone");
}

static enum status
order(const struct wire *wire, enum word what) {
	enum word word = WORD_HELD;
	if (send(wire->control, &what, sizeof what, MSG_NOSIGNAL) != sizeof what)
		return fail(STATUS_UNAVAILABLE, "wire.ended: the process between the keepers is gone");
	while (word != WORD_DONE) /* that both are held may have been said before */
		TRY(hear(wire, &word));
	return OK;
}

enum status
wire_arm(const struct wire *wire) {
	return order(wire, WORD_ARM);
}

enum status
wire_disarm(const struct wire *wire) {
	return order(wire, WORD_DISARM);
}

enum status
wire_wait(const struct wire *wire, int other, bool *held) {
	struct pollfd ends[] = {{.fd = wire->control, .events = POLLIN}, {.fd = other, .events = POLLIN}};
	enum word word;
	for (int waited = 0; waited < PATIENCE_MS && !interrupt_came(); waited += LOOK_MS) {
		if (poll(ends, 2, LOOK_MS) <= 0)
			continue;
		*held = ends[0].revents != 0;
		return *held ? hear(wire, &word) : OK;
	}
	return fail(STATUS_UNAVAILABLE, "wire.time: no signature was begun");
}
