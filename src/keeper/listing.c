#include "keeper/listing.h"

#include "model/operation_kind.h"

constexpr size_t LIMIT_DEFAULT = 50;

/* --- Operations, from the projection. --- */

static enum status
set_parameter(struct projection_operation_filter *filter, struct bytes name, struct bytes value) {
	uint64_t number;
	struct {
		const char *name;
		struct bytes *to;
	} texts[] = {{"state", &filter->state},
		     {"kind", &filter->kind},
		     {"principal", &filter->principal},
		     {"resource", &filter->resource}};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		if (bytes_equal_text(name, texts[i].name)) {
			*texts[i].to = value;
			return OK;
		}
	if (bytes_equal_text(name, "before"))
		return decimal_decode(value, &filter->before);
	if (!bytes_equal_text(name, "limit"))
		return fail(STATUS_INVALID, "query.name: \"%.*s\" is not a filter", BYTES_ARGS(name));
	TRY(decimal_decode(value, &number));
	if (number == 0 || number > PROJECTION_PAGE_MAX)
		return fail(STATUS_INVALID, "query.limit: expected 1 to %zu", PROJECTION_PAGE_MAX);
	filter->limit = (size_t)number;
	return OK;
}

static enum status
read_filter(struct bytes query, struct projection_operation_filter *filter) {
	*filter = (struct projection_operation_filter){.limit = LIMIT_DEFAULT};
	while (query.len > 0) {
		const uint8_t *end = memchr(query.data, '&', query.len);
		struct bytes one = bytes_of(query.data, end == nullptr ? query.len : (size_t)(end - query.data));
		query = end == nullptr ? (struct bytes){} : bytes_of(end + 1, query.len - one.len - 1);
		const uint8_t *equals = one.len == 0 ? nullptr : memchr(one.data, '=', one.len);
		if (equals == nullptr)
			return fail(STATUS_INVALID, "query.form: expected name=value");
		size_t name_len = (size_t)(equals - one.data);
		TRY(set_parameter(filter, bytes_of(one.data, name_len), bytes_of(equals + 1, one.len - name_len - 1)));
	}
	return OK;
}

static enum status
write_operation(void *context, const struct projection_operation *operation) {
	struct json_writer *w = context;
	json_write_object(w);
	json_write_member_integer(w, "at", operation->at_ms);
	json_write_member_integer(w, "entry", (int64_t)operation->index);
	json_write_member_string(w, "kind", operation->kind);
	json_write_member_string(w, "operation", operation->id);
	json_write_member_string(w, "principal", operation->principal);
	json_write_member_string(w, "resource", operation->resource);
	json_write_member_string(w, "state", operation->state);
	json_write_end(w);
	return OK;
}

enum status
listing_operations(struct keeper *keeper, struct bytes query, struct buffer *to) {
	struct projection_operation_filter filter;
	struct json_writer w;
	TRY(read_filter(query, &filter));
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_key(&w, "operations");
	json_write_array(&w);
	pthread_mutex_lock(&keeper->projection_mutex);
	enum status status = projection_list_operations(keeper->projection, &filter, write_operation, &w);
	uint64_t size = projection_applied(keeper->projection).size;
	pthread_mutex_unlock(&keeper->projection_mutex);
	TRY(status);
	json_write_end(&w);
	json_write_member_integer(&w, "size", (int64_t)size);
	json_write_end(&w);
	return json_writer_finish(&w);
}

/* --- The state. --- */

static void
write_principal(const struct principal *principal, struct json_writer *w) {
	json_write_object(w);
	json_write_member_string(w, "id", principal->id);
	json_write_key(w, "keys");
	json_write_array(w);
	for (const struct directory_key *key = principal->keys; key != nullptr; key = key->next) {
		json_write_object(w);
		json_write_member_text(w, "class", directory_key_class_name(key->class));
		if (key->passkey != nullptr)
			json_write_member_hex(w, "credential", key->passkey->credential_id);
		json_write_member_string(w, "id", key->id);
		json_write_member_hex(w, "public_key",
				      key->passkey != nullptr ? key->passkey->cose_key
							      : BYTES_OF_ARRAY(key->public_key));
		json_write_member_boolean(w, "revoked", key->revoked);
		if (key->zone != nullptr)
			json_write_member_string(w, "zone", key->zone->id);
		json_write_end(w);
	}
	json_write_end(w);
	json_write_member_boolean(w, "suspended", principal->suspended);
	json_write_member_string(w, "unit", principal->unit->id);
	json_write_end(w);
}

static enum status
list_principals(const struct gate_state *state, enum principal_kind kind, struct json_writer *w) {
	json_write_array(w);
	for (size_t i = 0; i < directory_principal_count(state->directory); i++) {
		const struct principal *principal = directory_principal_at(state->directory, i);
		if (principal->kind == kind)
			write_principal(principal, w);
	}
	json_write_end(w);
	return OK;
}

enum status
listing_people(const struct gate_state *state, struct json_writer *w) {
	return list_principals(state, PRINCIPAL_PERSON, w);
}

enum status
listing_workloads(const struct gate_state *state, struct json_writer *w) {
	return list_principals(state, PRINCIPAL_WORKLOAD, w);
}

enum status
listing_groups(const struct gate_state *state, struct json_writer *w) {
	json_write_array(w);
	for (size_t i = 0; i < directory_group_count(state->directory); i++) {
		const struct group *group = directory_group_at(state->directory, i);
		json_write_object(w);
		json_write_member_string(w, "id", group->id);
		json_write_key(w, "members");
		json_write_array(w);
		for (size_t j = 0; j < directory_principal_count(state->directory); j++) {
			const struct principal *person = directory_principal_at(state->directory, j);
			if (directory_is_member(state->directory, group, person))
				json_write_string(w, person->id);
		}
		json_write_end(w);
		json_write_end(w);
	}
	json_write_end(w);
	return OK;
}

enum status
listing_lists(const struct gate_state *state, struct json_writer *w) {
	size_t at = 0;
	void *value;
	json_write_array(w);
	while (map_next(&state->destinations.lists, &at, nullptr, &value)) {
		const struct destination_list *list = value;
		size_t entry_at = 0;
		void *spelling;
		json_write_object(w);
		json_write_member_integer(w, "changed_at", list->changed_ms);
		json_write_key(w, "entries");
		json_write_array(w);
		while (map_next(&list->entries, &entry_at, nullptr, &spelling))
			json_write_text(w, spelling);
		json_write_end(w);
		json_write_member_hex(w, "hash", hash256_bytes(&list->hash));
		json_write_member_text(w, "id", list->name);
		json_write_member_text(w, "kind", destination_list_kind_name(list->kind));
		json_write_member_integer(w, "version", list->version);
		json_write_end(w);
	}
	json_write_end(w);
	return OK;
}

enum status
listing_prices(const struct gate_state *state, struct json_writer *w) {
	json_write_array(w);
	for (size_t i = 0; i < asset_registry_count(state->assets); i++) {
		const struct asset *asset = asset_registry_at(state->assets, i);
		json_write_object(w);
		json_write_member_integer(w, "decimals", asset->decimals);
		json_write_member_string(w, "id", asset->id);
		if (asset->has_price) {
			json_write_member_integer(w, "microcents", (int64_t)asset->price_microcents);
			json_write_member_integer(w, "recorded_at", asset->price_recorded_ms);
		}
		json_write_member_string(w, "symbol", asset->symbol);
		json_write_end(w);
	}
	json_write_end(w);
	return OK;
}

enum status
listing_policy(const struct gate_state *state, struct json_writer *w) {
	json_write_object(w);
	json_write_member_hex(w, "bundle", hash256_bytes(&state->bundle->hash));
	json_write_key(w, "document");
	json_write_canonical(w, state->bundle->text);
	json_write_end(w);
	return OK;
}
