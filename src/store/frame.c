#include "store/frame.h"

#include "base/crc32c.h"
#include "base/cursor.h"

static const uint8_t magic[8] = "GHFRAME\n";
constexpr size_t HASHED_HEADER = 112; /* the digest covers this much of the header */
constexpr uint8_t LEAF_PREFIX = 0x00; /* RFC 6962 §2.1 */
constexpr size_t CHECKED_HEADER = FRAME_HEADER_SIZE - sizeof(uint32_t);

struct lengths {
	uint32_t entries, openings, signatures;
};

static size_t
pad(size_t len) {
	return (len + FRAME_ALIGNMENT - 1) / FRAME_ALIGNMENT * FRAME_ALIGNMENT;
}

size_t
frame_padded_size(size_t entries_len, size_t openings_len, size_t signatures_len) {
	return pad(FRAME_HEADER_SIZE + entries_len + openings_len + signatures_len);
}

static enum status
read_header(struct bytes header, struct frame *frame, struct lengths *lengths) {
	struct cursor cursor = cursor_of(header);
	struct bytes read_magic, reserved, sha256_field;
	uint16_t version, header_size;
	uint32_t body_len, crc;
	*frame = (struct frame){};
	if (header.len < FRAME_HEADER_SIZE)
		return fail(STATUS_CORRUPT, "frame.truncated: a header of %zu bytes", header.len);
	TRY(cursor_take(&cursor, "frame.header", sizeof magic, &read_magic));
	if (!bytes_equal(read_magic, BYTES_OF_ARRAY(magic)))
		return fail(STATUS_CORRUPT, "frame.magic: no frame begins here");
	if (crc32c(0, bytes_of(header.data, CHECKED_HEADER)) != load_u32be(header.data + CHECKED_HEADER))
		return fail(STATUS_CORRUPT, "frame.header_crc: the header does not match its CRC");
	TRY(cursor_u16be(&cursor, "frame.header", &version));
	if (version != FRAME_VERSION)
		return fail(STATUS_UNSUPPORTED, "frame.version: version %u, this program reads %u", version,
			    FRAME_VERSION);
	TRY(cursor_u16be(&cursor, "frame.header", &header_size));
	TRY(cursor_u32be(&cursor, "frame.header", &body_len));
	TRY(cursor_u64be(&cursor, "frame.header", &frame->epoch));
	TRY(cursor_u64be(&cursor, "frame.header", &frame->first_index));
	TRY(cursor_u32be(&cursor, "frame.header", &frame->entry_count));
	TRY(cursor_u32be(&cursor, "frame.header", &lengths->entries));
	TRY(cursor_u32be(&cursor, "frame.header", &lengths->openings));
	TRY(cursor_u32be(&cursor, "frame.header", &lengths->signatures));
	TRY(cursor_copy(&cursor, "frame.header", frame->previous_root.bytes, sizeof frame->previous_root.bytes));
	TRY(cursor_copy(&cursor, "frame.header", frame->root.bytes, sizeof frame->root.bytes));
	TRY(cursor_take(&cursor, "frame.header", sizeof(struct hash256), &sha256_field));
	TRY(cursor_take(&cursor, "frame.header", 12, &reserved));
	TRY(cursor_u32be(&cursor, "frame.header", &crc));

	uint64_t body = (uint64_t)lengths->entries + lengths->openings + lengths->signatures, end;
	static const uint8_t zeros[12] = {};
	if (header_size != FRAME_HEADER_SIZE || body != body_len || FRAME_HEADER_SIZE + body > FRAME_SIZE_MAX ||
	    !bytes_equal(reserved, BYTES_OF_ARRAY(zeros)))
		return fail(STATUS_CORRUPT, "frame.length: a body of %llu bytes, at most %zu are written",
			    (unsigned long long)body, FRAME_SIZE_MAX - FRAME_HEADER_SIZE);
	if (frame->entry_count == 0 || frame->entry_count > FRAME_ENTRIES_MAX ||
	    __builtin_add_overflow(frame->first_index, frame->entry_count, &end) || end > INT64_MAX)
		return fail(STATUS_CORRUPT, "frame.count: %u entries from index %llu", frame->entry_count,
			    (unsigned long long)frame->first_index);
	frame->size = pad(FRAME_HEADER_SIZE + (size_t)body);
	return OK;
}

enum status
frame_parse_header(struct bytes header, struct frame *frame) {
	struct lengths lengths;
	return read_header(header, frame, &lengths);
}

/* --- The digest: of the header, the entries' leaf hashes, and what follows the entries. --- */

static enum status
add_leaves(struct sha256_stream *digest, const struct frame *frame) {
	struct cursor cursor = cursor_of(frame->entries);
	for (uint32_t i = 0; i < frame->entry_count; i++) {
		uint16_t len;
		struct bytes entry;
		if (cursor_u16be(&cursor, "frame.entries", &len) != OK ||
		    cursor_take(&cursor, "frame.entries", len, &entry) != OK)
			return fail(STATUS_CORRUPT, "frame.entries: entry %u of %u is cut", i, frame->entry_count);
		struct hash256 leaf = SHA256_PARTS(bytes_of(&LEAF_PREFIX, 1), entry);
		sha256_stream_add(digest, hash256_bytes(&leaf));
	}
	if (cursor.left != 0)
		return fail(STATUS_CORRUPT, "frame.entries: %zu bytes after the last entry", cursor.left);
	return OK;
}

/* Of what is read: nothing is taken from where it came from but its bytes. */
static enum status
digest_of_read(const uint8_t *header, const struct frame *frame, struct hash256 *hash) {
	_cleanup_(sha256_stream_destroy) struct sha256_stream *digest = nullptr;
	TRY(sha256_stream_create(&digest));
	sha256_stream_add(digest, bytes_of(header, HASHED_HEADER));
	TRY(add_leaves(digest, frame));
	sha256_stream_add(digest, frame->openings);
	sha256_stream_add(digest, frame->signatures);
	*hash = sha256_stream_finish(digest);
	return OK;
}

static enum status
digest_of_written(const uint8_t *header, const struct frame *frame, struct hash256 *hash) {
	if (frame->leaves == nullptr)
		return digest_of_read(header, frame, hash);
	struct bytes leaves = bytes_of((const uint8_t *)frame->leaves, frame->entry_count * sizeof *frame->leaves);
	*hash = SHA256_PARTS(bytes_of(header, HASHED_HEADER), leaves, frame->openings, frame->signatures);
	return OK;
}

static enum status
check_openings(const struct frame *frame) {
	struct cursor cursor = cursor_of(frame->openings);
	uint32_t last = 0;
	while (cursor.left > 0) {
		uint32_t position, len;
		struct bytes sealed;
		if (cursor_u32be(&cursor, "frame.openings", &position) != OK ||
		    cursor_u32be(&cursor, "frame.openings", &len) != OK ||
		    cursor_take(&cursor, "frame.openings", len, &sealed) != OK)
			return fail(STATUS_CORRUPT, "frame.openings: an opening is cut");
		if (position < last || position >= frame->entry_count || len == 0)
			return fail(STATUS_CORRUPT, "frame.openings: one of %u bytes for entry %u of %u", len, position,
				    frame->entry_count);
		last = position;
	}
	return OK;
}

/* --- Reading and writing. --- */

enum status
frame_parse(struct bytes bytes, struct frame *frame) {
	struct lengths lengths;
	TRY(read_header(bytes, frame, &lengths));
	size_t body_len = (size_t)lengths.entries + lengths.openings + lengths.signatures;
	if (bytes.len < frame->size)
		return fail(STATUS_CORRUPT, "frame.truncated: %zu bytes of %zu", bytes.len, frame->size);
	struct bytes body = {bytes.data + FRAME_HEADER_SIZE, body_len};
	struct hash256 hash;
	frame->entries = bytes_of(body.data, lengths.entries);
	frame->openings = bytes_of(body.data + lengths.entries, lengths.openings);
	frame->signatures = bytes_of(body.data + lengths.entries + lengths.openings, lengths.signatures);
	TRY(digest_of_read(bytes.data, frame, &hash));
	if (memcmp(hash.bytes, bytes.data + HASHED_HEADER, sizeof hash.bytes) != 0)
		return fail(STATUS_CORRUPT, "frame.sha256: the frame of index %llu does not match its SHA-256",
			    (unsigned long long)frame->first_index);
	for (size_t i = FRAME_HEADER_SIZE + body_len; i < frame->size; i++)
		if (bytes.data[i] != 0)
			return fail(STATUS_CORRUPT, "frame.padding: byte %zu is not zero", i);
	return check_openings(frame);
}

void
frame_append_entry(struct buffer *bytes, struct bytes entry) {
	buffer_append_u16be(bytes, (uint16_t)entry.len);
	buffer_append_bytes(bytes, entry);
}

void
frame_append_opening(struct buffer *openings, uint32_t position, struct bytes sealed) {
	buffer_append_u32be(openings, position);
	buffer_append_u32be(openings, (uint32_t)sealed.len);
	buffer_append_bytes(openings, sealed);
}

static enum status
store_header(uint8_t *header, const struct frame *frame, size_t body_len) {
	memset(header, 0, FRAME_HEADER_SIZE);
	memcpy(header, magic, sizeof magic);
	header[8] = FRAME_VERSION >> 8;
	header[9] = FRAME_VERSION & 0xff;
	header[10] = FRAME_HEADER_SIZE >> 8;
	header[11] = FRAME_HEADER_SIZE & 0xff;
	store_u32be(header + 12, (uint32_t)body_len);
	store_u64be(header + 16, frame->epoch);
	store_u64be(header + 24, frame->first_index);
	store_u32be(header + 32, frame->entry_count);
	store_u32be(header + 36, (uint32_t)frame->entries.len);
	store_u32be(header + 40, (uint32_t)frame->openings.len);
	store_u32be(header + 44, (uint32_t)frame->signatures.len);
	memcpy(header + 48, frame->previous_root.bytes, sizeof frame->previous_root.bytes);
	memcpy(header + 80, frame->root.bytes, sizeof frame->root.bytes);
	struct hash256 hash;
	TRY(digest_of_written(header, frame, &hash));
	memcpy(header + HASHED_HEADER, hash.bytes, sizeof hash.bytes);
	store_u32be(header + CHECKED_HEADER, crc32c(0, bytes_of(header, CHECKED_HEADER)));
	return OK;
}

enum status
frame_finish(struct buffer *bytes, const struct frame *frame) {
	static const uint8_t zeros[FRAME_ALIGNMENT] = {};
	TRY(buffer_status(bytes));
	size_t entries_len = bytes->len - FRAME_HEADER_SIZE;
	size_t size = frame_padded_size(entries_len, frame->openings.len, frame->signatures.len);
	if (size > FRAME_SIZE_MAX || frame->entry_count == 0 || frame->entry_count > FRAME_ENTRIES_MAX)
		return fail(STATUS_TOO_LARGE, "frame.size: %zu bytes and %u entries, at most %zu and %zu", size,
			    frame->entry_count, FRAME_SIZE_MAX, FRAME_ENTRIES_MAX);
	buffer_append_bytes(bytes, frame->openings);
	buffer_append_bytes(bytes, frame->signatures);
	size_t end = bytes->len;
	buffer_append(bytes, zeros, size - end);
	TRY(buffer_status(bytes));
	struct frame whole = *frame;
	whole.entries = bytes_of(bytes->data + FRAME_HEADER_SIZE, entries_len);
	return store_header(bytes->data, &whole, end - FRAME_HEADER_SIZE);
}

bool
frame_next_entry(struct frame_iterator *iterator, struct bytes *entry) {
	struct cursor cursor = cursor_of(iterator->left);
	uint16_t len;
	if (cursor.left == 0 || cursor_u16be(&cursor, "frame.entries", &len) != OK ||
	    cursor_take(&cursor, "frame.entries", len, entry) != OK)
		return false;
	iterator->left = bytes_of(cursor.at, cursor.left);
	return true;
}

bool
frame_next_opening(struct frame_iterator *iterator, uint32_t *position, struct bytes *sealed) {
	struct cursor cursor = cursor_of(iterator->left);
	uint32_t len;
	if (cursor.left == 0 || cursor_u32be(&cursor, "frame.openings", position) != OK ||
	    cursor_u32be(&cursor, "frame.openings", &len) != OK ||
	    cursor_take(&cursor, "frame.openings", len, sealed) != OK)
		return false;
	iterator->left = bytes_of(cursor.at, cursor.left);
	return true;
}
