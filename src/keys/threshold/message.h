/*
 * Messages between parties: one frame a round, from one party to one other; a table says what stands in it.
 *
 * A frame is a header (magic, version, type, from, to, session id) and the fields that its type's row lists, in that
 * order, each of a fixed size or a count of units that the session determines, so that a frame's length is known before
 * it is read. The channel between two parties authenticates and encrypts; a frame repeats who speaks so that one that
 * strays is recognised. Type 0 is "abort" in every protocol and has no field: it says that the sender has ended, not
 * why. Memory: fields are views into the frame. Errors: STATUS_INVALID "message.*". Format: docs/PROTOCOL.threshold §3.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_MESSAGE_H
#define GATEHOUSE_KEYS_THRESHOLD_MESSAGE_H

#include "base/cursor.h"
#include "keys/threshold/session.h"

constexpr uint16_t MESSAGE_VERSION = 1;
constexpr size_t MESSAGE_HEADER_SIZE = 4 + 2 + 1 + 1 + 1 + 32;
constexpr size_t MESSAGE_FIELDS_MAX = 12;
constexpr size_t MESSAGE_COUNTS_MAX = 5;
constexpr uint8_t MESSAGE_ABORT = 0;

struct message_field {
	const char *name; /* as errors say it: "sign.commitment" */
	uint32_t unit;    /* bytes */
	uint8_t count;    /* which of the session's counts (of the sender and receiver) multiplies it; 0: one unit */
};

struct message_kind {
	uint8_t type;
	const char *name;
	size_t field_count;
	struct message_field fields[MESSAGE_FIELDS_MAX];
};

/* What the counts are between two parties: counts[0] is not used. */
struct message_counts {
	uint32_t counts[MESSAGE_COUNTS_MAX];
};

struct message_header {
	uint8_t type;
	uint8_t from;
	uint8_t to;
	struct hash256 session_id;
};

void message_start(struct buffer *frame, const struct message_header *header);
/* Errors: message.magic, message.version (STATUS_UNSUPPORTED), message.header. */
enum status message_read_header(struct bytes frame, struct message_header *header);
/* The fields of a frame whose header has been read: fields holds kind->field_count. Errors: message.length. */
enum status message_read_fields(struct bytes frame, const struct message_kind *kind,
				const struct message_counts *counts, struct bytes *fields);
/* Bytes of the whole frame. */
size_t message_size(const struct message_kind *kind, const struct message_counts *counts);

#endif
