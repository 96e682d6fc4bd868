#include "store/sealed_file.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/random.h"

/* Header: magic, version (16 bits), number of recipients (16); per recipient SHA-256 of its public key, ciphertext, wrapped key.
 * Then per piece: 1 if it is the last else 0 (8 bits), length (32), nonce ‖ ciphertext ‖ tag. */
static const uint8_t MAGIC[8] = "GHSEAL1\n";
static const char KEM_LABEL[] = "gatehouse/sealed-file-key/v1";
static const char PIECE_LABEL[] = "gatehouse/sealed-file-piece/v1"; /* with its zero byte */
constexpr uint16_t VERSION = 1;
constexpr size_t PIECE = 64 * 1024;
constexpr size_t WRAPPED_SIZE = AEAD_KEY_SIZE + AEAD_OVERHEAD;
constexpr size_t RECIPIENT_SIZE = sizeof(struct hash256) + KEM_CIPHERTEXT_SIZE + WRAPPED_SIZE;
constexpr size_t HEADER_MIN = sizeof MAGIC + 4;
constexpr size_t ASSOCIATED_SIZE = sizeof PIECE_LABEL + sizeof(struct hash256) + 9;

struct binding {
	struct secret key;
	struct hash256 header;
	uint64_t number; /* of the next piece */
};

static void
associate(const struct binding *binding, bool is_last, uint8_t associated[ASSOCIATED_SIZE]) {
	memcpy(associated, PIECE_LABEL, sizeof PIECE_LABEL);
	memcpy(associated + sizeof PIECE_LABEL, binding->header.bytes, sizeof binding->header);
	store_u64be(associated + sizeof PIECE_LABEL + sizeof binding->header, binding->number);
	associated[ASSOCIATED_SIZE - 1] = is_last;
}

/* --- Writing. --- */

struct sealed_writer {
	const struct io *io;
	int file;
	char *path;
	uint64_t offset;
	struct binding binding;
	struct buffer plain; /* of the piece that is being filled */
	struct sha256_stream *hash;
};

static enum status
write_out(struct sealed_writer *writer, struct bytes bytes) {
	TRY(io_write_at(writer->io, writer->file, writer->offset, bytes.data, bytes.len));
	sha256_stream_add(writer->hash, bytes);
	writer->offset += bytes.len;
	return OK;
}

static enum status
write_recipient(const struct sealed_writer *writer, struct bytes public_key, struct buffer *header) {
	_cleanup_(secret_free) struct secret wrapping = {};
	uint8_t ciphertext[KEM_CIPHERTEXT_SIZE], wrapped[WRAPPED_SIZE];
	struct hash256 id = sha256(public_key);
	TRY(secret_alloc(&wrapping, KEM_KEY_SIZE));
	TRY(kem_encapsulate(public_key, bytes_of_text(KEM_LABEL), ciphertext, wrapping.data));
	TRY(aead_seal(wrapping.data, hash256_bytes(&id), secret_bytes(&writer->binding.key), wrapped));
	buffer_append_bytes(header, hash256_bytes(&id));
	buffer_append_bytes(header, BYTES_OF_ARRAY(ciphertext));
	buffer_append_bytes(header, BYTES_OF_ARRAY(wrapped));
	return buffer_status(header);
}

static enum status
write_header(struct sealed_writer *writer, const struct bytes *recipients, size_t count) {
	_cleanup_(buffer_free) struct buffer header = {};
	buffer_append(&header, MAGIC, sizeof MAGIC);
	buffer_append_u16be(&header, VERSION);
	buffer_append_u16be(&header, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		TRY(write_recipient(writer, recipients[i], &header));
	writer->binding.header = sha256(buffer_bytes(&header));
	return write_out(writer, buffer_bytes(&header));
}

enum status
sealed_writer_create(const struct io *io, const char *path, const struct bytes *recipients, size_t count,
		     struct sealed_writer **writer) {
	if (count == 0 || count > SEALED_FILE_RECIPIENTS_MAX)
		return fail(STATUS_INVALID, "sealed_file.recipients: %zu keys, 1 to %zu are possible", count,
			    SEALED_FILE_RECIPIENTS_MAX);
	_cleanup_(sealed_writer_close) struct sealed_writer *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->io = io;
	made->file = -1;
	made->path = strdup(path);
	TRY_ALLOC(made->path);
	TRY(sha256_stream_create(&made->hash));
	TRY(secret_alloc(&made->binding.key, AEAD_KEY_SIZE));
	random_bytes(made->binding.key.data, made->binding.key.len);
	TRY(io_open(io, path, IO_WRITE | IO_CREATE | IO_EXCLUSIVE, &made->file));
	TRY(write_header(made, recipients, count));
	*writer = TAKE(made);
	return OK;
}

static enum status
write_piece(struct sealed_writer *writer, bool is_last) {
	_cleanup_(buffer_free) struct buffer piece = {};
	uint8_t associated[ASSOCIATED_SIZE];
	size_t sealed_len = writer->plain.len + AEAD_OVERHEAD;
	associate(&writer->binding, is_last, associated);
	buffer_append_byte(&piece, is_last);
	buffer_append_u32be(&piece, (uint32_t)sealed_len);
	if (!buffer_reserve(&piece, sealed_len))
		return buffer_status(&piece);
	TRY(aead_seal(writer->binding.key.data, BYTES_OF_ARRAY(associated), buffer_bytes(&writer->plain),
		      piece.data + piece.len));
	piece.len += sealed_len;
	writer->binding.number++;
	buffer_reset(&writer->plain);
	return write_out(writer, buffer_bytes(&piece));
}

enum status
sealed_writer_put(struct sealed_writer *writer, struct bytes bytes) {
	while (bytes.len > 0) {
		size_t room = PIECE - writer->plain.len;
		size_t taken = bytes.len < room ? bytes.len : room;
		buffer_append(&writer->plain, bytes.data, taken);
		TRY(buffer_status(&writer->plain));
		bytes = bytes_of(bytes.data + taken, bytes.len - taken);
		if (writer->plain.len == PIECE)
			TRY(write_piece(writer, false));
	}
	return OK;
}

enum status
sealed_writer_finish(struct sealed_writer *writer, struct hash256 *hash) {
	TRY(write_piece(writer, true));
	TRY(io_sync_data(writer->io, writer->file));
	TRY(io_sync_parent(writer->io, writer->path));
	*hash = sha256_stream_finish(writer->hash);
	return OK;
}

void
sealed_writer_close(struct sealed_writer **writer) {
	struct sealed_writer *gone = TAKE(*writer);
	if (gone == nullptr)
		return;
	if (gone->file >= 0)
		IGNORE_STATUS(io_close(gone->io, gone->file)); /* what matters was synced */
	secret_free(&gone->binding.key);
	buffer_free(&gone->plain);
	sha256_stream_destroy(&gone->hash);
	free(gone->path);
	free(gone);
}

/* --- Reading. --- */

struct sealed_reader {
	const struct io *io;
	int file;
	uint64_t offset;
	struct binding binding;
	struct buffer sealed, plain;
	size_t at; /* in plain */
	bool had_last;
};

static enum status
read_in(struct sealed_reader *reader, void *to, size_t len) {
	size_t got;
	TRY(io_read_at(reader->io, reader->file, reader->offset, to, len, &got));
	if (got != len)
		return fail(STATUS_CORRUPT, "sealed_file.truncated: it ends after %llu bytes",
			    (unsigned long long)reader->offset + got);
	reader->offset += len;
	return OK;
}

static enum status
read_recipients(struct sealed_reader *reader, struct bytes recipients, struct bytes private_key) {
	_cleanup_(secret_free) struct secret wrapping = {};
	uint8_t public_key[KEM_PUBLIC_SIZE];
	struct cursor cursor = cursor_of(recipients);
	TRY(secret_alloc(&wrapping, KEM_KEY_SIZE));
	TRY(secret_alloc(&reader->binding.key, AEAD_KEY_SIZE));
	TRY(kem_public_of(private_key, public_key));
	struct hash256 own = sha256(BYTES_OF_ARRAY(public_key)), id;
	while (cursor.left > 0) {
		struct bytes ciphertext, wrapped;
		TRY(cursor_copy(&cursor, "sealed_file.recipient", id.bytes, sizeof id.bytes));
		TRY(cursor_take(&cursor, "sealed_file.recipient", KEM_CIPHERTEXT_SIZE, &ciphertext));
		TRY(cursor_take(&cursor, "sealed_file.recipient", WRAPPED_SIZE, &wrapped));
		if (!hash256_equal(&id, &own))
			continue;
		if (kem_decapsulate(private_key, bytes_of_text(KEM_LABEL), ciphertext, wrapping.data) != OK ||
		    aead_open(wrapping.data, hash256_bytes(&id), wrapped, reader->binding.key.data) != OK)
			return fail(STATUS_CORRUPT, "sealed_file.header: the key that is sealed for us was damaged");
		return OK;
	}
	return fail(STATUS_UNAUTHORIZED, "sealed_file.recipient: it was not sealed for this recovery key");
}

static enum status
read_header(struct sealed_reader *reader, struct bytes private_key) {
	_cleanup_(buffer_free) struct buffer header = {};
	if (!buffer_reserve(&header, HEADER_MIN + SEALED_FILE_RECIPIENTS_MAX * RECIPIENT_SIZE))
		return buffer_status(&header);
	TRY(read_in(reader, header.data, HEADER_MIN));
	if (memcmp(header.data, MAGIC, sizeof MAGIC) != 0)
		return fail(STATUS_CORRUPT, "sealed_file.magic: not a sealed file");
	unsigned version = header.data[8] * 256U + header.data[9];
	size_t count = header.data[10] * 256U + header.data[11];
	if (version != VERSION)
		return fail(STATUS_UNSUPPORTED, "sealed_file.version: version %u, this program reads %u", version,
			    VERSION);
	if (count == 0 || count > SEALED_FILE_RECIPIENTS_MAX)
		return fail(STATUS_CORRUPT, "sealed_file.recipients: %zu of them", count);
	TRY(read_in(reader, header.data + HEADER_MIN, count * RECIPIENT_SIZE));
	header.len = HEADER_MIN + count * RECIPIENT_SIZE;
	reader->binding.header = sha256(buffer_bytes(&header));
	return read_recipients(reader, bytes_of(header.data + HEADER_MIN, count * RECIPIENT_SIZE), private_key);
}

enum status
sealed_reader_open(const struct io *io, const char *path, struct bytes private_key, struct sealed_reader **reader) {
	_cleanup_(sealed_reader_close) struct sealed_reader *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->io = io;
	made->file = -1;
	TRY(io_open(io, path, IO_READ, &made->file));
	TRY(read_header(made, private_key));
	*reader = TAKE(made);
	return OK;
}

static enum status
read_piece(struct sealed_reader *reader) {
	uint8_t head[5], associated[ASSOCIATED_SIZE];
	if (reader->had_last)
		return fail(STATUS_CORRUPT, "sealed_file.end: there is nothing more");
	TRY(read_in(reader, head, sizeof head));
	size_t len = load_u32be(head + 1);
	if (head[0] > 1 || len < AEAD_OVERHEAD || len > PIECE + AEAD_OVERHEAD)
		return fail(STATUS_CORRUPT, "sealed_file.piece: piece %llu has %zu bytes",
			    (unsigned long long)reader->binding.number, len);
	buffer_reset(&reader->sealed);
	buffer_reset(&reader->plain);
	if (!buffer_reserve(&reader->sealed, len) || !buffer_reserve(&reader->plain, len))
		return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
	TRY(read_in(reader, reader->sealed.data, len));
	associate(&reader->binding, head[0] == 1, associated);
	if (aead_open(reader->binding.key.data, BYTES_OF_ARRAY(associated), bytes_of(reader->sealed.data, len),
		      reader->plain.data) != OK)
		return fail(STATUS_CORRUPT, "sealed_file.piece: piece %llu was changed or does not stand in its place",
			    (unsigned long long)reader->binding.number);
	reader->plain.len = len - AEAD_OVERHEAD;
	reader->at = 0;
	reader->had_last = head[0] == 1;
	reader->binding.number++;
	return OK;
}

enum status
sealed_reader_get(struct sealed_reader *reader, void *to, size_t len) {
	uint8_t *next = to;
	while (len > 0) {
		if (reader->at == reader->plain.len)
			TRY(read_piece(reader));
		size_t left = reader->plain.len - reader->at;
		size_t taken = len < left ? len : left;
		memcpy(next, reader->plain.data + reader->at, taken);
		reader->at += taken;
		next += taken;
		len -= taken;
	}
	return OK;
}

enum status
sealed_reader_end(struct sealed_reader *reader) {
	uint64_t size;
	while (!reader->had_last && reader->at == reader->plain.len)
		TRY(read_piece(reader));
	TRY(io_size(reader->io, reader->file, &size));
	if (reader->at != reader->plain.len || size != reader->offset)
		return fail(STATUS_CORRUPT, "sealed_file.trailing: something follows the end");
	return OK;
}

void
sealed_reader_close(struct sealed_reader **reader) {
	struct sealed_reader *gone = TAKE(*reader);
	if (gone == nullptr)
		return;
	if (gone->file >= 0)
		IGNORE_STATUS(io_close(gone->io, gone->file)); /* read only */
	secret_free(&gone->binding.key);
	buffer_free(&gone->sealed);
	buffer_free(&gone->plain);
	free(gone);
}
