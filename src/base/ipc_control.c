#include "base/ipc_control.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* type, peer, value: one byte, one byte, four bytes; then the text. */
constexpr size_t CONTROL_HEADER_SIZE = 6;

/* How many descriptors each type carries. */
static const struct {
	uint8_t min, max;
} descriptors_of[IPC_CONTROL_END] = {
	[IPC_CONTROL_CONFIG] = {1, 1},
	[IPC_CONTROL_CHANNEL] = {1, 1},
	[IPC_CONTROL_LISTENERS] = {1, IPC_CONTROL_DESCRIPTORS},
	[IPC_CONTROL_TLS] = {2, 2},
	[IPC_CONTROL_PASSPHRASE] = {1, 1},
	[IPC_CONTROL_START] = {0, 0},
	[IPC_CONTROL_LOG_LEVEL] = {0, 0},
	[IPC_CONTROL_STOP] = {0, 0},
	[IPC_CONTROL_READY] = {0, 0},
	[IPC_CONTROL_FAILED] = {0, 0},
	[IPC_CONTROL_CHANNEL_LOST] = {0, 0},
	[IPC_CONTROL_PEER_LISTENER] = {1, 1},
	[IPC_CONTROL_LOCAL_BUNDLE] = {1, 1},
	[IPC_CONTROL_CONFINED] = {0, 0},
};

union ancillary {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(IPC_CONTROL_DESCRIPTORS * sizeof(int))];
};

static enum status
check_message(const struct ipc_control_message *message) {
	unsigned type = (unsigned)message->type;
	if (type < IPC_CONTROL_CONFIG || type >= IPC_CONTROL_END)
		return fail(STATUS_INVALID, "control.type: unknown message type %u", type);
	if (message->descriptor_count < descriptors_of[type].min ||
	    message->descriptor_count > descriptors_of[type].max)
		return fail(STATUS_INVALID, "control.descriptors: %zu with message type %u, expected %u to %u",
			    message->descriptor_count, type, descriptors_of[type].min, descriptors_of[type].max);
	bool names_peer =
		type == IPC_CONTROL_CHANNEL || type == IPC_CONTROL_CHANNEL_LOST || type == IPC_CONTROL_CONFINED;
	if (names_peer != (message->peer != 0) || (unsigned)message->peer >= IPC_ROLE_END)
		return fail(STATUS_INVALID, "control.peer: role %u with message type %u", (unsigned)message->peer,
			    type);
	return OK;
}

enum status
ipc_control_send(int control, const struct ipc_control_message *message) {
	TRY(check_message(message));
	uint8_t bytes[CONTROL_HEADER_SIZE + IPC_CONTROL_TEXT_MAX] = {(uint8_t)message->type, (uint8_t)message->peer};
	size_t text = strnlen(message->text, IPC_CONTROL_TEXT_MAX);
	store_u32be(bytes + 2, message->value);
	memcpy(bytes + CONTROL_HEADER_SIZE, message->text, text);
	struct iovec slice = {bytes, CONTROL_HEADER_SIZE + text};
	struct msghdr header = {.msg_iov = &slice, .msg_iovlen = 1};
	union ancillary ancillary = {};
	if (message->descriptor_count > 0) {
		header.msg_control = ancillary.bytes;
		header.msg_controllen = CMSG_SPACE(message->descriptor_count * sizeof(int));
		struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(message->descriptor_count * sizeof(int));
		memcpy(CMSG_DATA(rights), message->descriptors, message->descriptor_count * sizeof(int));
	}
	ssize_t sent;
	do
		sent = sendmsg(control, &header, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
		return fail(STATUS_UNAVAILABLE, "control.closed: the other side is gone");
	if (sent < 0 && errno == EAGAIN)
		return fail(STATUS_UNAVAILABLE, "control.full: the other side has not taken what it was sent");
	if (sent < 0)
		return fail_errno(STATUS_IO, "control.send: message type %u", (unsigned)message->type);
	return OK;
}

static void
take_descriptors(struct msghdr *header, struct ipc_control_message *message) {
	for (struct cmsghdr *rights = CMSG_FIRSTHDR(header); rights != nullptr; rights = CMSG_NXTHDR(header, rights)) {
		if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int descriptor;
			memcpy(&descriptor, CMSG_DATA(rights) + i * sizeof descriptor, sizeof descriptor);
			if (message->descriptor_count < IPC_CONTROL_DESCRIPTORS)
				message->descriptors[message->descriptor_count++] = descriptor;
			else
				close(descriptor);
		}
	}
}

static enum status
decode(struct bytes bytes, struct ipc_control_message *message) {
	struct cursor cursor = cursor_of(bytes);
	uint8_t type, peer;
	struct bytes text;
	TRY(cursor_u8(&cursor, "control.header", &type));
	TRY(cursor_u8(&cursor, "control.header", &peer));
	TRY(cursor_u32be(&cursor, "control.header", &message->value));
	TRY(cursor_take(&cursor, "control.text", cursor.left, &text));
	if (text.len >= sizeof message->text)
		return fail(STATUS_INVALID, "control.text: %zu bytes, at most %zu expected", text.len,
			    sizeof message->text - 1);
	if (text.len > 0)
		memcpy(message->text, text.data, text.len);
	message->type = (enum ipc_control_type)type;
	message->peer = (enum ipc_role)peer;
	return check_message(message);
}

enum status
ipc_control_receive(int control, struct ipc_control_message *message) {
	*message = (struct ipc_control_message){};
	uint8_t bytes[CONTROL_HEADER_SIZE + IPC_CONTROL_TEXT_MAX];
	struct iovec slice = {bytes, sizeof bytes};
	union ancillary ancillary = {};
	struct msghdr header = {
		.msg_iov = &slice,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof ancillary.bytes,
	};
	ssize_t got;
	do
		got = recvmsg(control, &header, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return fail(STATUS_UNAVAILABLE, "control.empty: nothing to receive");
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return fail(STATUS_UNAVAILABLE, "control.closed: the other side is gone");
	if (got < 0)
		return fail_errno(STATUS_IO, "control.receive: descriptor %d", control);
	take_descriptors(&header, message);
	enum status status = header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)
				     ? fail(STATUS_INVALID, "control.truncated: a message over the limits")
				     : decode(bytes_of(bytes, (size_t)got), message);
	if (status != OK)
		ipc_control_close_descriptors(message);
	return status;
}

void
ipc_control_close_descriptors(struct ipc_control_message *message) {
	for (size_t i = 0; i < message->descriptor_count; i++)
		if (message->descriptors[i] >= 0)
			close(message->descriptors[i]);
	message->descriptor_count = 0;
}
