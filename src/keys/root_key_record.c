#include "keys/root_key_record.h"

#include "base/json.h"

static const char TYPE[] = "gatehouse/root-key/v1";

/* So that a record from elsewhere cannot make this process take all memory or all time. */
constexpr uint32_t MEMORY_KIB_MAX = 4u << 20;
constexpr uint32_t PASSES_MAX = 64;
constexpr uint32_t LANES_MAX = 64;

enum status
root_key_record_check_cost(struct argon2id_cost cost) {
	if (cost.lanes == 0 || cost.lanes > LANES_MAX || cost.passes == 0 || cost.passes > PASSES_MAX ||
	    cost.memory_kib < 8 * cost.lanes || cost.memory_kib > MEMORY_KIB_MAX)
		return fail(STATUS_INVALID,
			    "root_key.cost: %u KiB, %u passes, %u lanes; at most %u, %u, %u, and 8 KiB a lane",
			    cost.memory_kib, cost.passes, cost.lanes, MEMORY_KIB_MAX, PASSES_MAX, LANES_MAX);
	return OK;
}

enum status
root_key_record_write(const struct root_key_record *record, struct buffer *to) {
	struct json_writer writer;
	json_writer_start(&writer, to);
	json_write_object(&writer);
	json_write_member_hex(&writer, "check", BYTES_OF_ARRAY(record->check));
	if (record->source == ROOT_KEY_PASSPHRASE) {
		json_write_member_integer(&writer, "lanes", record->cost.lanes);
		json_write_member_integer(&writer, "memory_kib", record->cost.memory_kib);
		json_write_member_integer(&writer, "passes", record->cost.passes);
		json_write_member_hex(&writer, "salt", BYTES_OF_ARRAY(record->salt));
	}
	json_write_member_text(&writer, "source", root_key_source_name(record->source));
	json_write_member_text(&writer, "type", TYPE);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

static enum status
read_hex(const json *root, const char *member, uint8_t *bytes, size_t len) {
	struct bytes text;
	TRY(json_need_string(root, "root_key.record", member, &text));
	return hex_decode(text, bytes, len);
}

static enum status
read_cost(const json *root, struct argon2id_cost *cost) {
	int64_t lanes, memory_kib, passes;
	TRY(json_need_integer(root, "root_key.record", "lanes", &lanes));
	TRY(json_need_integer(root, "root_key.record", "memory_kib", &memory_kib));
	TRY(json_need_integer(root, "root_key.record", "passes", &passes));
	if (lanes < 0 || lanes > UINT32_MAX || memory_kib < 0 || memory_kib > UINT32_MAX || passes < 0 ||
	    passes > UINT32_MAX)
		return fail(STATUS_INVALID, "root_key.record: a cost is out of range");
	*cost = (struct argon2id_cost){(uint32_t)memory_kib, (uint32_t)passes, (uint32_t)lanes};
	return root_key_record_check_cost(*cost);
}

static enum status
read_source(const json *root, enum root_key_source *source) {
	struct bytes name;
	TRY(json_need_string(root, "root_key.record", "source", &name));
	for (size_t i = 0; i < ROOT_KEY_SOURCE_COUNT; i++)
		if (bytes_equal_text(name, root_key_source_name((enum root_key_source)i))) {
			*source = (enum root_key_source)i;
			return OK;
		}
	return fail(STATUS_INVALID, "root_key.record: source \"%.*s\" is unknown", BYTES_ARGS(name));
}

static enum status
parse_record(struct arena *arena, struct bytes text, struct root_key_record *record) {
	static const char *const passphrase_members[] = {"check", "lanes",  "memory_kib", "passes",
							 "salt",  "source", "type",       nullptr};
	static const char *const other_members[] = {"check", "source", "type", nullptr};
	const json *root;
	struct bytes type;
	*record = (struct root_key_record){};
	TRY(json_read(arena, text, (struct json_limits){}, &root));
	TRY(json_need_string(root, "root_key.record", "type", &type));
	if (!bytes_equal_text(type, TYPE))
		return fail(STATUS_UNSUPPORTED, "root_key.version: \"%.*s\"; this program knows \"%s\"",
			    BYTES_ARGS(type), TYPE);
	TRY(read_source(root, &record->source));
	bool passphrase = record->source == ROOT_KEY_PASSPHRASE;
	TRY(json_only(root, "root_key.record", passphrase ? passphrase_members : other_members));
	TRY(read_hex(root, "check", record->check, sizeof record->check));
	if (passphrase) {
		TRY(read_hex(root, "salt", record->salt, sizeof record->salt));
		TRY(read_cost(root, &record->cost));
	}
	return OK;
}

enum status
root_key_record_read(struct bytes text, struct root_key_record *record) {
	_cleanup_(arena_free) struct arena arena = {};
	enum status status = parse_record(&arena, text, record);
	if (status == OK || status == STATUS_UNSUPPORTED || status == STATUS_NO_MEMORY)
		return status;
	return fail(STATUS_CORRUPT, "root_key.record: %s", fail_message());
}
