/*
 * A frame: one durable batch of the log, as bytes. docs/PROTOCOL.ledger §Frames.
 *
 * A frame holds entries, the sealed openings that belong to them, the head before it, the root after it and that head's
 * signatures (opaque here: ledger/head.h). Its header carries a CRC32C of itself, so that a reader may hop from header to
 * header, and a SHA-256 of the header, the leaf hashes of the entries (so that who writes a frame hashes them once) and the rest of the body. It starts at a multiple of FRAME_ALIGNMENT and is padded with zeros to one, so
 * that writing a frame never touches a block that holds an acknowledged one.
 *
 * Owner: a parsed frame borrows from its bytes. Errors of frame_parse*: STATUS_CORRUPT "frame.magic", "frame.header_crc",
 * "frame.length", "frame.truncated", "frame.sha256", "frame.entries", "frame.openings", "frame.padding", "frame.count"; STATUS_UNSUPPORTED
 * "frame.version". Threads: pure functions.
 */
#ifndef GATEHOUSE_STORE_FRAME_H
#define GATEHOUSE_STORE_FRAME_H

#include "base/bytes.h"
#include "crypto/hash.h"

constexpr size_t FRAME_ALIGNMENT = 4096;
constexpr size_t FRAME_HEADER_SIZE = 160;
constexpr size_t FRAME_SIZE_MAX = 4 * 1024 * 1024; /* with padding */
constexpr size_t FRAME_ENTRIES_MAX = 8192;
constexpr size_t FRAME_ENTRY_SIZE_MAX = 65'535; /* a tlog-tiles entry bundle carries no longer one */
constexpr uint16_t FRAME_VERSION = 2;

struct frame {
	uint64_t epoch;       /* of the writer: one more at each opening for writing */
	uint64_t first_index; /* of the first entry: the size of the log before this frame */
	uint32_t entry_count;
	struct hash256 previous_root;
	struct hash256 root;
	const struct hash256 *
		leaves; /* for frame_finish(): leaf hashes of the entries, made from these very bytes; null: it makes them */
	struct bytes entries; /* repeated: length, 16 bits big-endian, and as many bytes */
	struct bytes
		openings; /* repeated: position in the frame and length, 32 bits big-endian each, and as many bytes */
	struct bytes signatures; /* of the head {first_index + entry_count, root} */
	size_t size;             /* with padding */
};

static inline uint64_t
frame_end_index(const struct frame *frame) {
	return frame->first_index + frame->entry_count;
}

/* Checks the header alone: magic, version, CRC, lengths. The body's views are empty. header has FRAME_HEADER_SIZE bytes. */
enum status frame_parse_header(struct bytes header, struct frame *frame);
/* Checks everything. bytes may be longer than the frame. */
enum status frame_parse(struct bytes bytes, struct frame *frame);

/* The padded size that a frame of these lengths has. */
size_t frame_padded_size(size_t entries_len, size_t openings_len, size_t signatures_len);
/*
 * Completes a frame in place: *bytes holds FRAME_HEADER_SIZE bytes of room and then frame->entries as framed by
 * frame_append_entry(). Appends openings, signatures and padding, and fills the header. Views of *frame may not point
 * into *bytes.
 */
enum status frame_finish(struct buffer *bytes, const struct frame *frame);
/* The ledger writes an entry where it makes it, in the frame, and its length afterwards; this is the form for whoever has it already: tests,
 * which forge what they like. */
void frame_append_entry(struct buffer *bytes, struct bytes entry);
void frame_append_opening(struct buffer *openings, uint32_t position, struct bytes sealed);

/* Walks entries or openings of a parsed frame. */
struct frame_iterator {
	struct bytes left;
};
/* False at the end. */
bool frame_next_entry(struct frame_iterator *iterator, struct bytes *entry);
bool frame_next_opening(struct frame_iterator *iterator, uint32_t *position, struct bytes *sealed);

#endif
