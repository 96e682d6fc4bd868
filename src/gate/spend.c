#include "gate/spend.h"

struct bytes
destination_name(struct arena *arena, struct bytes chain, struct bytes address) {
	const struct bytes parts[] = {chain, BYTES_OF_LITERAL(":"), address};
	return arena_join(arena, parts, ARRAY_LENGTH(parts));
}

/* Parts of one dimension and subject are one part. */
static void
add_part(struct limit_part *parts, size_t *count, enum limit_dimension dimension, struct bytes subject, int64_t cents) {
	for (size_t i = 0; i < *count; i++)
		if (parts[i].dimension == dimension && bytes_equal(parts[i].subject, subject)) {
			if (__builtin_add_overflow(parts[i].cents, cents, &parts[i].cents))
				parts[i].cents = INT64_MAX;
			return;
		}
	parts[(*count)++] = (struct limit_part){dimension, subject, cents};
}

enum status
spend_of_transaction(struct arena *arena, const struct spend_source *source, struct spend *spend) {
	const struct wallet_transaction *transaction = source->transaction;
	int64_t total;
	if (wallet_usd_cents(transaction, &total) != ASSET_VALUED || !transaction->has_spend)
		return fail(STATUS_INTERNAL, "spend.value: a transaction of unknown value cannot be counted");
	struct limit_part *parts = ARENA_NEW_ARRAY(arena, 5 + 2 * transaction->movement_count, struct limit_part);
	TRY_ALLOC(parts);
	size_t count = 0;
	const struct unit *desk = unit_above(source->account, UNIT_DESK);
	const struct unit *legal_entity = unit_above(source->account, UNIT_LEGAL_ENTITY);
	add_part(parts, &count, LIMIT_KEY, bytes_of_text(source->key->id), total);
	add_part(parts, &count, LIMIT_ACCOUNT, source->account->id, total);
	if (desk != nullptr)
		add_part(parts, &count, LIMIT_DESK, desk->id, total);
	if (legal_entity != nullptr)
		add_part(parts, &count, LIMIT_LEGAL_ENTITY, legal_entity->id, total);
	add_part(parts, &count, LIMIT_REQUESTER, source->requester, total);
	bool allows = false;
	for (size_t i = 0; i < transaction->movement_count; i++) {
		const struct wallet_movement *movement = &transaction->movements[i];
		allows |= movement->part == WALLET_PART_ALLOWANCE;
		add_part(parts, &count, LIMIT_ASSET, movement->asset_id, movement->usd_cents);
		if (movement->destination.len == 0)
			continue;
		struct bytes name = destination_name(arena, transaction->chain, movement->destination);
		if (name.len == 0)
			return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
		add_part(parts, &count, LIMIT_DESTINATION, name, movement->usd_cents);
	}
	*spend = (struct spend){.at_ms = source->at_ms, .is_allowance = allows, .parts = parts, .part_count = count};
	memcpy(spend->operation, source->operation.bytes, sizeof spend->operation);
	memcpy(spend->identity, transaction->spend.bytes, sizeof spend->identity);
	return OK;
}

void
spend_write(struct json_writer *writer, const struct spend *spend) {
	json_write_object(writer);
	if (spend->is_allowance)
		json_write_member_boolean(writer, "allowance", true);
	json_write_key(writer, "cents");
	json_write_array(writer);
	for (size_t i = 0; i < spend->part_count; i++) {
		json_write_array(writer);
		json_write_text(writer, limit_dimension_names[spend->parts[i].dimension]);
		json_write_string(writer, spend->parts[i].subject);
		int64_t cents = spend->parts[i].cents;
		json_write_integer(writer, cents > JSON_INTEGER_MAX ? JSON_INTEGER_MAX : cents);
		json_write_end(writer);
	}
	json_write_end(writer);
	json_write_member_hex(writer, "identity", BYTES_OF_ARRAY(spend->identity));
	json_write_end(writer);
}

static enum status
read_part(const json *recorded, struct limit_part *part) {
	if (json_type_of(recorded) != JSON_ARRAY || json_size(recorded) != 3)
		return fail(STATUS_CORRUPT, "spend.part: expected [dimension, subject, cents]");
	struct json_iterator iterator = json_iterate(recorded);
	const json *dimension = json_next(&iterator, nullptr), *subject = json_next(&iterator, nullptr),
		   *cents = json_next(&iterator, nullptr);
	if (json_type_of(dimension) != JSON_STRING || json_type_of(subject) != JSON_STRING ||
	    json_type_of(cents) != JSON_INTEGER)
		return fail(STATUS_CORRUPT, "spend.part: expected [dimension, subject, cents]");
	part->subject = json_string(subject);
	part->cents = json_integer(cents);
	return limit_dimension_find(json_string(dimension), &part->dimension)
		       ? OK
		       : fail(STATUS_CORRUPT, "spend.dimension: \"%.*s\" is not a dimension of limits",
			      BYTES_ARGS(json_string(dimension)));
}

enum status
spend_read(struct arena *arena, const json *recorded, struct spend *spend) {
	const json *array;
	struct bytes identity;
	TRY(json_need(recorded, "spend", "cents", JSON_ARRAY, &array));
	TRY(json_need_string(recorded, "spend", "identity", &identity));
	TRY(hex_decode(identity, spend->identity, sizeof spend->identity));
	if (json_get(recorded, "allowance") != nullptr)
		TRY(json_need_boolean(recorded, "spend", "allowance", &spend->is_allowance));
	struct limit_part *parts = ARENA_NEW_ARRAY(arena, json_size(array), struct limit_part);
	TRY_ALLOC(parts);
	struct json_iterator iterator = json_iterate(array);
	size_t count = 0;
	for (const json *part; (part = json_next(&iterator, nullptr)) != nullptr;)
		TRY(read_part(part, &parts[count++]));
	spend->parts = parts;
	spend->part_count = count;
	return OK;
}

void
spend_write_told(struct json_writer *writer, const struct spend *spend) {
	json_write_object(writer);
	json_write_member_integer(writer, "at", spend->at_ms);
	json_write_member_hex(writer, "operation", BYTES_OF_ARRAY(spend->operation));
	json_write_key(writer, "spend");
	spend_write(writer, spend);
	json_write_end(writer);
}

enum status
spend_read_told(struct arena *arena, const json *told, struct spend *spend) {
	const json *parts;
	struct bytes hex;
	TRY(json_need(told, "spend", "spend", JSON_OBJECT, &parts));
	TRY(spend_read(arena, parts, spend));
	TRY(json_need_integer(told, "spend", "at", &spend->at_ms));
	TRY(json_need_string(told, "spend", "operation", &hex));
	return hex_decode(hex, spend->operation, sizeof spend->operation);
}
