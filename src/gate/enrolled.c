#include "gate/enrolled.h"

#include <stdlib.h>

#include "identity/directory.h"

void
enrolled_free(struct enrolled *enrolled) {
	size_t at = 0;
	void *key;
	while (map_next(&enrolled->keys, &at, nullptr, &key))
		free(key);
	map_free(&enrolled->keys);
}

static enum status
enrol(struct enrolled *enrolled, struct bytes principal, const json *key) {
	struct bytes name, hex;
	void *before = nullptr;
	TRY(json_need_string(key, "payload.key", "name", &name));
	TRY(json_need_string(key, "payload.key", "public_key", &hex));
	_cleanup_(buffer_free) struct buffer id = {};
	buffer_append_bytes(&id, principal);
	buffer_append_byte(&id, '/');
	buffer_append_bytes(&id, name);
	TRY(buffer_status(&id));
	uint8_t *public_key = malloc(32);
	TRY_ALLOC(public_key);
	enum status status = hex_decode(hex, public_key, 32);
	if (status == OK)
		status = map_put(&enrolled->keys, buffer_bytes(&id), public_key, &before);
	if (status != OK)
		free(public_key);
	free(before);
	return status;
}

static enum status
enrol_principal(struct enrolled *enrolled, const json *payload, const char *member) {
	struct bytes principal;
	const json *keys;
	TRY(json_need_string(payload, "payload", member, &principal));
	TRY(json_need(payload, "payload", "keys", JSON_ARRAY, &keys));
	struct json_iterator iterator = json_iterate(keys);
	for (const json *key; (key = json_next(&iterator, nullptr)) != nullptr;)
		TRY(enrol(enrolled, principal, key));
	return OK;
}

enum status
enrolled_follow(struct enrolled *enrolled, struct bytes kind, struct bytes resource, const json *payload) {
	struct bytes key_id;
	if (bytes_equal_text(kind, "person.add"))
		return enrol_principal(enrolled, payload, "person");
	if (bytes_equal_text(kind, "workload.add"))
		return enrol_principal(enrolled, payload, "workload");
	if (bytes_equal_text(kind, "principal.key_add"))
		return enrol(enrolled, resource, payload);
	if (!bytes_equal_text(kind, "principal.key_revoke"))
		return OK;
	TRY(json_need_string(payload, "payload", "key", &key_id));
	free(map_remove(&enrolled->keys, key_id));
	return OK;
}

bool
enrolled_has(const struct enrolled *enrolled, struct bytes principal, struct bytes key_id,
	     const uint8_t public_key[32]) {
	const uint8_t *known = map_get(&enrolled->keys, key_id);
	bool is_theirs = key_id.len > principal.len && key_id.data[principal.len] == '/' &&
			 memcmp(key_id.data, principal.data, principal.len) == 0;
	return is_theirs && known != nullptr && memcmp(known, public_key, 32) == 0;
}
