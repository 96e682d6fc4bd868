#include "base/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/crc32c.h"

static const uint8_t MAGIC[8] = "gate-ipc";

constexpr size_t CHECKSUM_AT = 16;
constexpr size_t INPUT_STEP = 64 * 1024;     /* room for one read */
constexpr size_t KEPT_CAPACITY = 256 * 1024; /* a buffer that grew beyond this is freed once it is empty */
constexpr size_t BUILD_ID_MAX = 64;

/* --- Frames --- */

static uint32_t
frame_checksum(const uint8_t *header, struct bytes payload) {
	return crc32c(crc32c(0, bytes_of(header, CHECKSUM_AT)), payload);
}

enum status
ipc_read_frame(struct cursor *input, struct ipc_frame *frame, bool *found) {
	*found = false;
	if (input->left < IPC_HEADER_SIZE)
		return OK;
	struct cursor cursor = *input;
	const uint8_t *header = cursor.at;
	uint32_t length, checksum;
	uint16_t type, flags;
	TRY(cursor_u32be(&cursor, "ipc.frame", &length));
	TRY(cursor_u16be(&cursor, "ipc.frame", &type));
	TRY(cursor_u16be(&cursor, "ipc.frame", &flags));
	TRY(cursor_u64be(&cursor, "ipc.frame", &frame->request));
	TRY(cursor_u32be(&cursor, "ipc.frame", &checksum));
	/* Refused before the rest has arrived: a bad length would have us wait for it. */
	if (length > IPC_PAYLOAD_MAX)
		return fail(STATUS_INVALID, "ipc.frame_size: a payload of %u bytes, at most %zu expected", length,
			    IPC_PAYLOAD_MAX);
	if (type < IPC_HELLO || type >= IPC_TYPE_END)
		return fail(STATUS_INVALID, "ipc.frame_type: unknown frame type %u", type);
	if (flags != 0)
		return fail(STATUS_INVALID, "ipc.frame_flags: expected none, found 0x%04x", flags);
	if (length > cursor.left)
		return OK;
	TRY(cursor_take(&cursor, "ipc.frame", length, &frame->payload));
	if (frame_checksum(header, frame->payload) != checksum)
		return fail(STATUS_CORRUPT, "ipc.checksum: a %u-byte frame of type %u does not match its checksum",
			    length, type);
	frame->type = (enum ipc_type)type;
	*input = cursor;
	*found = true;
	return OK;
}

/* --- Hello --- */

/* The linker's hash of the program: two builds never share it, whatever their version says. */
static int
find_build_note(struct dl_phdr_info *info, size_t, void *context) {
	struct bytes *found = context;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		if (segment->p_type != PT_NOTE)
			continue;
		struct cursor notes = {(const uint8_t *)info->dlpi_addr + segment->p_vaddr, segment->p_memsz};
		ElfW(Nhdr) note;
		struct bytes name, value;
		while (cursor_copy(&notes, "elf.note", &note, sizeof note) == OK &&
		       cursor_take(&notes, "elf.note", (note.n_namesz + 3U) & ~3U, &name) == OK &&
		       cursor_take(&notes, "elf.note", (note.n_descsz + 3U) & ~3U, &value) == OK) {
			if (note.n_type == NT_GNU_BUILD_ID && bytes_equal(name, BYTES_OF_LITERAL("GNU\0"))) {
				*found = bytes_of(value.data, note.n_descsz);
				return 1;
			}
		}
	}
	return 1; /* the first object is the program itself */
}

const char *
ipc_build_id(void) {
	static char id[BUILD_ID_MAX + 1];
	if (id[0] == '\0') {
		struct bytes hash = {};
		dl_iterate_phdr(find_build_note, &hash);
		if (hash.len > 16)
			hash.len = 16;
		char digits[33];
		hex_encode(hash, digits);
		snprintf(id, sizeof id, "%s+%s", GATEHOUSE_VERSION, digits);
	}
	return id;
}

const char *
ipc_role_name(enum ipc_role role) {
	static const char *const names[IPC_ROLE_END] = {
		[IPC_ROLE_SUPERVISOR] = "supervisor", [IPC_ROLE_GATEWAY] = "gateway", [IPC_ROLE_KEEPER] = "keeper",
		[IPC_ROLE_WATCHER] = "watcher",       [IPC_ROLE_WORKER] = "worker",   [IPC_ROLE_FETCH] = "fetch",
		[IPC_ROLE_WITNESS] = "witness",
	};
	return (unsigned)role < IPC_ROLE_END && names[role] != nullptr ? names[role] : "unknown";
}

static enum status
send_hello(struct ipc_channel *channel) {
	struct buffer *payload;
	struct bytes build = bytes_of_text(ipc_build_id());
	TRY(ipc_begin(channel, IPC_HELLO, 0, false, &payload));
	buffer_append(payload, MAGIC, sizeof MAGIC);
	buffer_append_u16be(payload, IPC_VERSION);
	buffer_append_byte(payload, (uint8_t)channel->own);
	buffer_append_byte(payload, (uint8_t)build.len);
	buffer_append_bytes(payload, build);
	return ipc_end(channel);
}

static enum status
check_hello(struct ipc_channel *channel, struct bytes payload) {
	struct cursor cursor = cursor_of(payload);
	struct bytes magic, build;
	uint16_t version;
	uint8_t role, build_length;
	TRY(cursor_take(&cursor, "ipc.hello", sizeof MAGIC, &magic));
	if (!bytes_equal(magic, BYTES_OF_ARRAY(MAGIC)))
		return fail(STATUS_INVALID, "ipc.hello_magic: the peer does not speak this protocol");
	TRY(cursor_u16be(&cursor, "ipc.hello", &version));
	if (version != IPC_VERSION)
		return fail(STATUS_UNSUPPORTED, "ipc.hello_version: expected version %u, found %u", IPC_VERSION,
			    version);
	TRY(cursor_u8(&cursor, "ipc.hello", &role));
	if (role != (uint8_t)channel->peer)
		return fail(STATUS_INVALID, "ipc.hello_role: expected %s, found %s", ipc_role_name(channel->peer),
			    ipc_role_name((enum ipc_role)role));
	TRY(cursor_u8(&cursor, "ipc.hello", &build_length));
	TRY(cursor_take(&cursor, "ipc.hello", build_length, &build));
	TRY(cursor_end(&cursor, "ipc.hello"));
	if (!bytes_equal_text(build, ipc_build_id()))
		return fail(STATUS_UNSUPPORTED, "ipc.hello_build: the peer is another build than %s", ipc_build_id());
	channel->greeted = true;
	return OK;
}

enum status
ipc_start(struct ipc_channel *channel, int descriptor, enum ipc_role own, enum ipc_role peer) {
	*channel = (struct ipc_channel){.descriptor = descriptor, .own = own, .peer = peer};
	int flags = fcntl(descriptor, F_GETFL);
	if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0)
		return fail_errno(STATUS_IO, "ipc.descriptor: descriptor %d", descriptor);
	return send_hello(channel);
}

void
ipc_stop(struct ipc_channel *channel) {
	if (channel->own == 0)
		return;
	close(channel->descriptor);
	buffer_free(&channel->input);
	buffer_free(&channel->ordinary.bytes);
	buffer_free(&channel->urgent.bytes);
	*channel = (struct ipc_channel){.descriptor = -1, .closed = true};
}

/* --- Input --- */

/* Bodies may be confidential: what has been handed on does not stay behind. */
static void
empty_buffer(struct buffer *buffer) {
	if (buffer->capacity > KEPT_CAPACITY) {
		buffer_free(buffer);
		return;
	}
	if (buffer->len > 0)
		explicit_bzero(buffer->data, buffer->len);
	buffer_reset(buffer);
}

static void
drop_front(struct buffer *buffer, size_t *front) {
	if (*front == buffer->len)
		empty_buffer(buffer);
	else if (*front > 0) {
		size_t rest = buffer->len - *front;
		memmove(buffer->data, buffer->data + *front, rest);
		explicit_bzero(buffer->data + rest, *front);
		buffer->len = rest;
	}
	*front = 0;
}

/* Room for the rest of the frame that has begun, or for one read. */
static size_t
room_wanted(const struct buffer *input) {
	if (input->len < sizeof(uint32_t))
		return INPUT_STEP;
	size_t frame = IPC_HEADER_SIZE + load_u32be(input->data);
	return frame <= IPC_FRAME_MAX && frame > input->len + INPUT_STEP ? frame - input->len : INPUT_STEP;
}

enum status
ipc_receive(struct ipc_channel *channel) {
	struct buffer *input = &channel->input;
	if (channel->closed)
		return OK;
	drop_front(input, &channel->consumed);
	if (!buffer_reserve(input, room_wanted(input)))
		return buffer_status(input);
	ssize_t got;
	do
		got = recv(channel->descriptor, input->data + input->len, input->capacity - input->len, 0);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		input->len += (size_t)got;
	else if (got == 0 || errno == ECONNRESET)
		channel->closed = true;
	else if (errno != EAGAIN)
		return fail_errno(STATUS_IO, "ipc.receive: from the %s", ipc_role_name(channel->peer));
	return OK;
}

enum status
ipc_next(struct ipc_channel *channel, struct ipc_frame *frame, bool *found) {
	for (;;) {
		const struct buffer *input = &channel->input;
		struct cursor cursor = {};
		if (input->len > channel->consumed)
			cursor = (struct cursor){input->data + channel->consumed, input->len - channel->consumed};
		TRY(ipc_read_frame(&cursor, frame, found));
		if (!*found)
			return OK;
		channel->consumed = input->len - cursor.left;
		if (channel->greeted && frame->type == IPC_HELLO)
			return fail(STATUS_INVALID, "ipc.hello_repeated: a second hello from the %s",
				    ipc_role_name(channel->peer));
		if (channel->greeted)
			return OK;
		*found = false;
		if (frame->type != IPC_HELLO)
			return fail(STATUS_INVALID, "ipc.hello_missing: frame type %d before the hello",
				    (int)frame->type);
		TRY(check_hello(channel, frame->payload));
	}
}

/* --- Output --- */

static size_t
unwritten(const struct ipc_output *output) {
	return output->bytes.len - output->written;
}

enum status
ipc_begin(struct ipc_channel *channel, enum ipc_type type, uint64_t request, bool urgent, struct buffer **payload) {
	struct ipc_output *output = urgent ? &channel->urgent : &channel->ordinary;
	if (unwritten(output) > IPC_OUTPUT_HIGH_WATER)
		return fail(STATUS_UNAVAILABLE, "ipc.backlog: the %s has left %zu bytes unread",
			    ipc_role_name(channel->peer), unwritten(output));
	struct buffer *bytes = &output->bytes;
	output->frame_at = bytes->len;
	buffer_append_u32be(bytes, 0); /* the length, known at the end */
	buffer_append_u16be(bytes, (uint16_t)type);
	buffer_append_u16be(bytes, 0);
	buffer_append_u64be(bytes, request);
	buffer_append_u32be(bytes, 0); /* the checksum */
	channel->building = output;
	*payload = bytes;
	return OK;
}

enum status
ipc_end(struct ipc_channel *channel) {
	struct ipc_output *output = TAKE(channel->building);
	struct buffer *bytes = &output->bytes;
	enum status status = buffer_status(bytes);
	size_t size = bytes->len - output->frame_at;
	if (status == OK && size > IPC_FRAME_MAX)
		status = fail(STATUS_TOO_LARGE, "ipc.frame_size: a frame of %zu bytes, at most %zu expected", size,
			      IPC_FRAME_MAX);
	if (status != OK) {
		bytes->len = output->frame_at;
		bytes->failed = false;
		return status;
	}
	uint8_t *header = bytes->data + output->frame_at;
	struct bytes payload = {header + IPC_HEADER_SIZE, size - IPC_HEADER_SIZE};
	store_u32be(header, (uint32_t)payload.len);
	store_u32be(header + CHECKSUM_AT, frame_checksum(header, payload));
	return OK;
}

enum status
ipc_send(struct ipc_channel *channel, enum ipc_type type, uint64_t request, bool urgent, struct bytes payload) {
	struct buffer *to;
	TRY(ipc_begin(channel, type, request, urgent, &to));
	buffer_append_bytes(to, payload);
	return ipc_end(channel);
}

/* Where the frame that contains the first unwritten byte ends; bytes.len if it is the last. */
static size_t
end_of_cut_frame(const struct ipc_output *output) {
	size_t at = output->cut_at;
	while (at < output->written)
		at += IPC_HEADER_SIZE + load_u32be(output->bytes.data + at);
	return at;
}

static void
mark_written(struct ipc_output *output, size_t len) {
	output->written += len;
	if (output->written == output->bytes.len) {
		output->written = output->cut_at = 0;
		empty_buffer(&output->bytes);
		return;
	}
	/* cut_at follows to the start of the first frame that is not wholly written. */
	for (;;) {
		size_t next = output->cut_at + IPC_HEADER_SIZE + load_u32be(output->bytes.data + output->cut_at);
		if (next > output->written)
			break;
		output->cut_at = next;
	}
	if (output->cut_at > INPUT_STEP && output->cut_at > output->bytes.len / 2) {
		output->written -= output->cut_at;
		drop_front(&output->bytes, &output->cut_at);
	}
}

static struct iovec
output_slice(const struct ipc_output *output, size_t from, size_t to) {
	return (struct iovec){from == to ? nullptr : output->bytes.data + from, to - from};
}

enum status
ipc_flush(struct ipc_channel *channel) {
	struct ipc_output *ordinary = &channel->ordinary, *urgent = &channel->urgent;
	while (ipc_wants_write(channel)) {
		/* The rest of an ordinary frame that is on the wire in part, then what is urgent, then the ordinary
		 * rest. */
		size_t cut_end = end_of_cut_frame(ordinary);
		struct iovec slices[3] = {
			output_slice(ordinary, ordinary->written, cut_end),
			output_slice(urgent, urgent->written, urgent->bytes.len),
			output_slice(ordinary, cut_end, ordinary->bytes.len),
		};
		/* Urgent frames are cut only when nothing of the ordinary ones after them was written. */
		struct msghdr message = {.msg_iov = slices, .msg_iovlen = ARRAY_LENGTH(slices)};
		ssize_t sent = sendmsg(channel->descriptor, &message, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return OK;
		if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
			return fail(STATUS_UNAVAILABLE, "ipc.closed: the %s is gone", ipc_role_name(channel->peer));
		if (sent < 0)
			return fail_errno(STATUS_IO, "ipc.send: to the %s", ipc_role_name(channel->peer));
		size_t left = (size_t)sent;
		size_t first = left < slices[0].iov_len ? left : slices[0].iov_len;
		left -= first;
		size_t second = left < slices[1].iov_len ? left : slices[1].iov_len;
		left -= second;
		if (first + left > 0)
			mark_written(ordinary, first + left);
		if (second > 0)
			mark_written(urgent, second);
	}
	return OK;
}

bool
ipc_wants_write(const struct ipc_channel *channel) {
	return unwritten(&channel->ordinary) > 0 || unwritten(&channel->urgent) > 0;
}
