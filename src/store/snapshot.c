#include "store/snapshot.h"

#include "base/cursor.h"
#include "base/secret.h"

/* magic, version (16 bits) and 6 zeros, identity, size, root, both lengths (64 bits), the states, HMAC-SHA-256 of all before it. */
static const uint8_t magic[8] = "GHSNAPS\n";
constexpr uint16_t VERSION = 2;

enum status
snapshot_write(const struct io *io, const char *path, struct bytes key, const struct snapshot *snapshot) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	if (snapshot->log_state.len > SNAPSHOT_SIZE_MAX / 2 || snapshot->decision_state.len > SNAPSHOT_SIZE_MAX / 2)
		return fail(STATUS_TOO_LARGE, "snapshot.size: %zu bytes, at most %zu", snapshot->decision_state.len,
			    SNAPSHOT_SIZE_MAX / 2);
	if (key.len != SNAPSHOT_KEY_SIZE)
		return fail(STATUS_INTERNAL, "snapshot.key: %zu bytes", key.len);
	buffer_append(&bytes, magic, sizeof magic);
	buffer_append_u16be(&bytes, VERSION);
	buffer_append(&bytes, (const uint8_t[6]){}, 6);
	buffer_append_bytes(&bytes, hash256_bytes(&snapshot->identity));
	buffer_append_u64be(&bytes, snapshot->mark.size);
	buffer_append_bytes(&bytes, hash256_bytes(&snapshot->mark.root));
	buffer_append_u64be(&bytes, snapshot->log_state.len);
	buffer_append_u64be(&bytes, snapshot->decision_state.len);
	buffer_append_bytes(&bytes, snapshot->log_state);
	buffer_append_bytes(&bytes, snapshot->decision_state);
	TRY(buffer_status(&bytes));
	struct hash256 mac = hmac_sha256(key, buffer_bytes(&bytes));
	buffer_append_bytes(&bytes, hash256_bytes(&mac));
	TRY(buffer_status(&bytes));
	return io_replace_file(io, path, buffer_bytes(&bytes));
}

static enum status
read_fields(struct cursor *cursor, struct snapshot *snapshot) {
	static const uint8_t zeros[6] = {};
	struct bytes read_magic, reserved;
	uint16_t version;
	uint64_t log_len, decision_len;
	TRY(cursor_take(cursor, "snapshot.magic", sizeof magic, &read_magic));
	if (!bytes_equal(read_magic, BYTES_OF_ARRAY(magic)))
		return fail(STATUS_CORRUPT, "snapshot.magic: not a snapshot");
	TRY(cursor_u16be(cursor, "snapshot.version", &version));
	if (version != VERSION)
		return fail(STATUS_UNSUPPORTED, "snapshot.version: version %u, this program reads %u", version,
			    VERSION);
	TRY(cursor_take(cursor, "snapshot.reserved", sizeof zeros, &reserved));
	if (!bytes_equal(reserved, BYTES_OF_ARRAY(zeros)))
		return fail(STATUS_CORRUPT, "snapshot.reserved: not zero");
	TRY(cursor_copy(cursor, "snapshot.identity", snapshot->identity.bytes, sizeof snapshot->identity.bytes));
	TRY(cursor_u64be(cursor, "snapshot.size", &snapshot->mark.size));
	TRY(cursor_copy(cursor, "snapshot.root", snapshot->mark.root.bytes, sizeof snapshot->mark.root.bytes));
	TRY(cursor_u64be(cursor, "snapshot.log_state", &log_len));
	TRY(cursor_u64be(cursor, "snapshot.decision_state", &decision_len));
	TRY(cursor_take(cursor, "snapshot.log_state", log_len, &snapshot->log_state));
	TRY(cursor_take(cursor, "snapshot.decision_state", decision_len, &snapshot->decision_state));
	return cursor_end(cursor, "snapshot");
}

enum status
snapshot_parse(struct bytes bytes, struct bytes key, struct snapshot *snapshot) {
	*snapshot = (struct snapshot){};
	if (bytes.len < sizeof(struct hash256))
		return fail(STATUS_CORRUPT, "snapshot.truncated: %zu bytes", bytes.len);
	if (key.len != SNAPSHOT_KEY_SIZE)
		return fail(STATUS_INTERNAL, "snapshot.key: %zu bytes", key.len);
	struct bytes covered = bytes_of(bytes.data, bytes.len - sizeof(struct hash256));
	struct hash256 mac = hmac_sha256(key, covered);
	/* A newer version is told from damage by its name, so the version is looked at where the rest is right. */
	if (!secret_equal(hash256_bytes(&mac), bytes_of(bytes.data + covered.len, sizeof mac)))
		return fail(STATUS_CORRUPT, "snapshot.mac: damaged, or not made by this installation");
	struct cursor cursor = cursor_of(covered);
	enum status status = read_fields(&cursor, snapshot);
	return status == STATUS_INVALID ? STATUS_CORRUPT : status;
}

enum status
snapshot_read(const struct io *io, const char *path, struct bytes key, struct buffer *bytes,
	      struct snapshot *snapshot) {
	buffer_reset(bytes);
	TRY(io_read_file(io, path, SNAPSHOT_SIZE_MAX + 4096, bytes));
	return snapshot_parse(buffer_bytes(bytes), key, snapshot);
}
