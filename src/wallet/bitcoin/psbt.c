#include "wallet/bitcoin/psbt.h"

#include <stdio.h>
#include <stdlib.h>

#include "wallet/bitcoin/compact_size.h"

static const uint8_t MAGIC[] = {'p', 's', 'b', 't', 0xff};
constexpr uint8_t MAP_END = 0;
constexpr uint32_t VERSION_HANDLED = 0;
constexpr uint32_t VERSION_BIP370 = 2;

/* --- maps --- */

static int
compare_records(const void *a, const void *b) {
	const struct psbt_record *const *left = a, *const *right = b;
	if ((*left)->type != (*right)->type)
		return (*left)->type < (*right)->type ? -1 : 1;
	return bytes_compare((*left)->key, (*right)->key);
}

enum status
psbt_map_of(struct arena *arena, enum psbt_scope scope, size_t index, const struct psbt_record *records, size_t count,
	    struct psbt_map *map) {
	*map = (struct psbt_map){.scope = scope, .index = index, .records = records, .count = count};
	if (count == 0)
		return OK;
	map->sorted = ARENA_NEW_ARRAY(arena, count, const struct psbt_record *);
	TRY_ALLOC(map->sorted);
	for (size_t i = 0; i < count; i++)
		map->sorted[i] = &records[i];
	qsort(map->sorted, count, sizeof *map->sorted, compare_records);
	for (size_t i = 1; i < count; i++)
		if (compare_records(&map->sorted[i - 1], &map->sorted[i]) == 0)
			return fail(STATUS_INVALID,
				    "psbt.duplicate_key: %s %zu: two records with the same key of type 0x%02llx",
				    psbt_scope_name(scope), index, (unsigned long long)map->sorted[i]->type);
	return OK;
}

size_t
psbt_find_all(const struct psbt_map *map, uint64_t type, const struct psbt_record *const **first) {
	size_t low = 0, high = map->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (map->sorted[middle]->type < type)
			low = middle + 1;
		else
			high = middle;
	}
	size_t count = 0;
	while (low + count < map->count && map->sorted[low + count]->type == type)
		count++;
	*first = count > 0 ? &map->sorted[low] : nullptr;
	return count;
}

const struct psbt_record *
psbt_find(const struct psbt_map *map, uint64_t type) {
	const struct psbt_record *const *first;
	return psbt_find_all(map, type, &first) > 0 && first[0]->key.len == 0 ? first[0] : nullptr;
}

/* After the last record whose type is not above it: in a map in order of types, at the end of its own. */
static size_t
place_of(const struct psbt_record *records, size_t count, uint64_t type) {
	while (count > 0 && records[count - 1].type > type)
		count--;
	return count;
}

static void
insert_record(struct psbt_record *records, size_t *count, struct psbt_record record) {
	size_t place = place_of(records, *count, record.type);
	memmove(records + place + 1, records + place, (*count - place) * sizeof *records);
	records[place] = record;
	(*count)++;
}

enum status
psbt_map_add(struct arena *arena, struct psbt_map *map, struct psbt_record record) {
	struct psbt_record *records = ARENA_NEW_ARRAY(arena, map->count + 1, struct psbt_record);
	TRY_ALLOC(records);
	size_t count = map->count;
	if (count > 0)
		memcpy(records, map->records, count * sizeof *records);
	insert_record(records, &count, record);
	return psbt_map_of(arena, map->scope, map->index, records, count, map);
}

/* --- reading --- */

static const char KEY[] = "psbt.key", VALUE[] = "psbt.value";

/* Says where as well, behind the field's name: the map, the record's number in it, and its type where that could be read. */
static enum status
fail_at(enum status status, const char *field, const struct psbt_map *map, size_t place, const uint64_t *type) {
	char of_type[40] = "";
	const char *detail = fail_message(), *at = strstr(detail, field);
	if (at == nullptr)
		return status;
	at += strlen(field);
	if (type != nullptr)
		snprintf(of_type, sizeof of_type, " of type 0x%02llx", (unsigned long long)*type);
	return fail(status, "%.*s: %s %zu, record %zu%s%s", (int)(at - detail), detail, psbt_scope_name(map->scope),
		    map->index, place, of_type, at);
}

static enum status
read_type(struct bytes key, struct psbt_record *record) {
	struct cursor inside = cursor_of(key);
	TRY(bitcoin_read_compact_size(&inside, KEY, &record->type));
	record->key = bytes_of(inside.at, inside.left);
	return OK;
}

/* A key is the type and its data; one of length 0 ends the map. */
static enum status
read_record(struct cursor *cursor, const struct psbt_map *map, size_t place, struct psbt_record *record, bool *end) {
	struct bytes key;
	enum status status = bitcoin_read_sized(cursor, KEY, &key);
	*end = status == OK && key.len == 0;
	if (*end)
		return OK;
	if (status == OK)
		status = read_type(key, record);
	if (status != OK)
		return fail_at(status, KEY, map, place, nullptr);
	status = bitcoin_read_sized(cursor, VALUE, &record->value);
	return status == OK ? OK : fail_at(status, VALUE, map, place, &record->type);
}

static enum status
count_records(struct cursor cursor, const struct psbt_map *map, size_t *count) {
	struct psbt_record record;
	bool end = false;
	for (*count = 0;; (*count)++) {
		TRY(read_record(&cursor, map, *count, &record, &end));
		if (end)
			return OK;
	}
}

static enum status
check_record(const struct psbt_map *map, const struct psbt_record *record) {
	const struct psbt_field *field = psbt_field_find(map->scope, record->type);
	if (field == nullptr)
		return OK; /* kept, and refused where something is to be signed */
	if (field->handling == PSBT_VERSION_2)
		return fail(STATUS_UNSUPPORTED,
			    "psbt.version_2: %s %zu has the field \"%s\" of PSBT version 2 (BIP-370); "
			    "export the PSBT as version 0",
			    psbt_scope_name(map->scope), map->index, field->name);
	TRY(psbt_shape_check(field->key, record->key, "psbt.key_data", field, map->index));
	return psbt_shape_check(field->value, record->value, "psbt.value_data", field, map->index);
}

static enum status
read_map(struct arena *arena, struct cursor *cursor, enum psbt_scope scope, size_t index, struct psbt_map *map) {
	if (cursor->left == 0)
		return fail(STATUS_INVALID, "psbt.missing_map: ends before the map of %s %zu", psbt_scope_name(scope),
			    index);
	size_t count;
	*map = (struct psbt_map){.scope = scope, .index = index};
	TRY(count_records(*cursor, map, &count));
	struct psbt_record *records = ARENA_NEW_ARRAY(arena, count, struct psbt_record), end_record;
	TRY_ALLOC(records);
	bool end = false;
	for (size_t i = 0; i < count; i++)
		TRY(read_record(cursor, map, i, &records[i], &end));
	TRY(read_record(cursor, map, count, &end_record, &end));
	return psbt_map_of(arena, scope, index, records, count, map);
}

static enum status
check_map(const struct psbt_map *map) {
	for (size_t i = 0; i < map->count; i++)
		TRY(check_record(map, &map->records[i]));
	return OK;
}

static enum status
check_version(const struct psbt_map *global) {
	const struct psbt_record *record = psbt_find(global, PSBT_GLOBAL_VERSION);
	if (record == nullptr || record->value.len != 4)
		return OK; /* 0 (BIP-174), or refused for its shape */
	struct cursor cursor = cursor_of(record->value);
	uint32_t version;
	TRY(cursor_u32le(&cursor, "psbt.version", &version));
	if (version == VERSION_BIP370)
		return fail(STATUS_UNSUPPORTED,
			    "psbt.version_2: PSBT version 2 (BIP-370) is not handled; export the PSBT as version 0");
	if (version != VERSION_HANDLED)
		return fail(STATUS_UNSUPPORTED, "psbt.version: version %u is not known", version);
	return OK;
}

/* Without inputs the same bytes could begin an encoding without witnesses: it is one with, if it reads as such to its end. */
static bool
is_encoded_with_witness(struct arena *arena, struct bytes encoded) {
	struct bitcoin_transaction transaction;
	bool marked = encoded.len > 5 && encoded.data[4] == 0 && encoded.data[5] == 1;
	return marked && bitcoin_transaction_read(arena, encoded, &transaction) == OK;
}

static enum status
read_unsigned_transaction(struct arena *arena, const struct psbt_map *global, struct bitcoin_transaction *transaction) {
	const struct psbt_record *record = psbt_find(global, PSBT_GLOBAL_UNSIGNED_TRANSACTION);
	if (record == nullptr)
		return fail(STATUS_INVALID, "psbt.unsigned_transaction: missing");
	if (is_encoded_with_witness(arena, record->value))
		return fail(STATUS_INVALID,
			    "psbt.unsigned_transaction_witness: the unsigned transaction is encoded with witnesses");
	TRY(bitcoin_transaction_read_unsigned(arena, record->value, transaction));
	for (size_t i = 0; i < transaction->input_count; i++)
		if (transaction->inputs[i].script_sig.len > 0)
			return fail(STATUS_INVALID,
				    "psbt.unsigned_transaction_signed: input %zu of the unsigned transaction has a "
				    "script_sig",
				    i);
	return OK;
}

static enum status
read_global(struct arena *arena, struct cursor *cursor, struct psbt *psbt) {
	TRY(read_map(arena, cursor, PSBT_GLOBAL, 0, &psbt->global));
	TRY(check_version(&psbt->global));
	TRY(check_map(&psbt->global));
	return read_unsigned_transaction(arena, &psbt->global, &psbt->transaction);
}

static enum status
read_input(struct arena *arena, struct cursor *cursor, size_t index, struct psbt_input *input) {
	TRY(read_map(arena, cursor, PSBT_INPUT, index, &input->map));
	TRY(check_map(&input->map));
	const struct psbt_record *record = psbt_find(&input->map, PSBT_INPUT_PREVIOUS_TRANSACTION);
	if (record != nullptr) {
		struct bitcoin_transaction *previous = ARENA_NEW(arena, struct bitcoin_transaction);
		TRY_ALLOC(previous);
		TRY(bitcoin_transaction_read(arena, record->value, previous));
		input->previous = previous;
	}
	record = psbt_find(&input->map, PSBT_INPUT_WITNESS_UTXO);
	input->has_witness_utxo = record != nullptr;
	return record == nullptr ? OK : bitcoin_output_read(record->value, "psbt.witness_utxo", &input->witness_utxo);
}

static enum status
read_inputs(struct arena *arena, struct cursor *cursor, struct psbt *psbt) {
	psbt->inputs = ARENA_NEW_ARRAY(arena, psbt->transaction.input_count, struct psbt_input);
	TRY_ALLOC(psbt->inputs);
	for (size_t i = 0; i < psbt->transaction.input_count; i++)
		TRY(read_input(arena, cursor, i, &psbt->inputs[i]));
	return OK;
}

static enum status
read_outputs(struct arena *arena, struct cursor *cursor, struct psbt *psbt) {
	psbt->outputs = ARENA_NEW_ARRAY(arena, psbt->transaction.output_count, struct psbt_map);
	TRY_ALLOC(psbt->outputs);
	for (size_t i = 0; i < psbt->transaction.output_count; i++) {
		TRY(read_map(arena, cursor, PSBT_OUTPUT, i, &psbt->outputs[i]));
		TRY(check_map(&psbt->outputs[i]));
	}
	return OK;
}

enum status
psbt_read(struct arena *arena, struct bytes encoded, struct psbt *psbt) {
	*psbt = (struct psbt){};
	if (encoded.len > PSBT_SIZE_MAX)
		return fail(STATUS_TOO_LARGE, "psbt.size: %zu bytes, at most %zu", encoded.len, PSBT_SIZE_MAX);
	struct cursor cursor = cursor_of(encoded);
	struct bytes magic;
	TRY(cursor_take(&cursor, "psbt.magic", sizeof MAGIC, &magic));
	if (!bytes_equal(magic, BYTES_OF_ARRAY(MAGIC)))
		return fail(STATUS_INVALID, "psbt.magic: does not begin with \"psbt\" and 0xff");
	TRY(read_global(arena, &cursor, psbt));
	TRY(read_inputs(arena, &cursor, psbt));
	TRY(read_outputs(arena, &cursor, psbt));
	return cursor_end(&cursor, "psbt");
}

struct psbt_derivation
psbt_derivation_of(const struct psbt_record *record, bool taproot) {
	struct psbt_derivation derivation = {};
	struct cursor cursor = cursor_of(record->value);
	size_t hashes = 0;
	struct bytes skipped;
	if ((taproot && (bitcoin_read_count(&cursor, "psbt.leaf_hashes", 32, &hashes) != OK ||
			 cursor_take(&cursor, "psbt.leaf_hashes", 32 * hashes, &skipped) != OK)) ||
	    cursor_copy(&cursor, "psbt.fingerprint", derivation.fingerprint, sizeof derivation.fingerprint) != OK)
		return derivation; /* cannot happen: the shape was checked */
	derivation.steps = bytes_of(cursor.at, cursor.left);
	return derivation;
}

bool
psbt_derivation_path(const struct psbt_derivation *derivation, struct signing_path *path) {
	*path = (struct signing_path){.count = derivation->steps.len / 4};
	if (path->count > SIGNING_PATH_MAX)
		return false;
	struct cursor cursor = cursor_of(derivation->steps);
	for (size_t i = 0; i < path->count; i++)
		if (cursor_u32le(&cursor, "psbt.path", &path->steps[i]) != OK)
			return false;
	return true;
}

/* --- writing and combining --- */

static void
write_record(const struct psbt_record *record, struct buffer *to) {
	bitcoin_append_compact_size(to, bitcoin_compact_size_length(record->type) + record->key.len);
	bitcoin_append_compact_size(to, record->type);
	buffer_append_bytes(to, record->key);
	bitcoin_append_sized(to, record->value);
}

static void
write_map(const struct psbt_map *map, struct buffer *to) {
	for (size_t i = 0; i < map->count; i++)
		write_record(&map->records[i], to);
	buffer_append_byte(to, MAP_END);
}

void
psbt_write(const struct psbt *psbt, struct buffer *to) {
	buffer_append(to, MAGIC, sizeof MAGIC);
	write_map(&psbt->global, to);
	for (size_t i = 0; i < psbt->transaction.input_count; i++)
		write_map(&psbt->inputs[i].map, to);
	for (size_t i = 0; i < psbt->transaction.output_count; i++)
		write_map(&psbt->outputs[i], to);
}

static const struct psbt_record *
find_same_key(const struct psbt_map *map, const struct psbt_record *record) {
	if (map->count == 0)
		return nullptr;
	const struct psbt_record **found =
		bsearch(&record, map->sorted, map->count, sizeof *map->sorted, compare_records);
	return found == nullptr ? nullptr : *found;
}

static enum status
combine_maps(struct arena *arena, const struct psbt_map *first, const struct psbt_map *second, struct buffer *to) {
	struct psbt_record *records = ARENA_NEW_ARRAY(arena, first->count + second->count, struct psbt_record);
	TRY_ALLOC(records);
	size_t count = first->count;
	if (count > 0)
		memcpy(records, first->records, count * sizeof *records);
	for (size_t i = 0; i < second->count; i++) {
		const struct psbt_record *record = &second->records[i], *same = find_same_key(first, record);
		if (same == nullptr)
			insert_record(records, &count, *record);
		else if (!bytes_equal(same->value, record->value))
			return fail(STATUS_CONFLICT,
				    "psbt.combine_conflict: %s %zu: two values for one key of type 0x%02llx",
				    psbt_scope_name(first->scope), first->index, (unsigned long long)record->type);
	}
	struct psbt_map combined = {.records = records, .count = count};
	write_map(&combined, to);
	return OK;
}

static bool
have_one_transaction(const struct psbt *first, const struct psbt *second) {
	const struct psbt_record *a = psbt_find(&first->global, PSBT_GLOBAL_UNSIGNED_TRANSACTION);
	const struct psbt_record *b = psbt_find(&second->global, PSBT_GLOBAL_UNSIGNED_TRANSACTION);
	return a != nullptr && b != nullptr && bytes_equal(a->value, b->value);
}

enum status
psbt_combine(struct arena *arena, const struct psbt *first, const struct psbt *second, struct buffer *to) {
	if (!have_one_transaction(first, second))
		return fail(STATUS_CONFLICT, "psbt.combine_transaction: the PSBTs are of different transactions");
	buffer_append(to, MAGIC, sizeof MAGIC);
	TRY(combine_maps(arena, &first->global, &second->global, to));
	for (size_t i = 0; i < first->transaction.input_count; i++)
		TRY(combine_maps(arena, &first->inputs[i].map, &second->inputs[i].map, to));
	for (size_t i = 0; i < first->transaction.output_count; i++)
		TRY(combine_maps(arena, &first->outputs[i], &second->outputs[i], to));
	return buffer_status(to);
}
