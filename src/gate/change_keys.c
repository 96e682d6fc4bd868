#include "gate/change_keys.h"

#include <stdlib.h>

#include "crypto/kem.h"
#include "gate/shared_keys.h"

enum status
change_add_key(struct gate_state *state, const json *record) {
	struct key_info info;
	TRY(key_read(record, &info));
	struct bytes id = bytes_of_text(info.id);
	if (state->ring != nullptr) {
		_cleanup_(buffer_free) struct buffer blob = {};
		if (info.state != KEY_DESTROYED && info.sharing == KEY_WHOLE)
			TRY(secrets_get(state->secrets, "key", id, &blob));
		return keyring_add(state->ring, &info, buffer_bytes(&blob));
	}
	if (map_get(&state->keys, id) != nullptr)
		return fail(STATUS_CONFLICT, "key.exists: there is a key \"%s\"", info.id);
	struct key_info *kept = malloc(sizeof *kept);
	TRY_ALLOC(kept);
	*kept = info;
	enum status status = map_put(&state->keys, id, kept, nullptr);
	if (status != OK)
		free(kept);
	return status;
}

/* The sharing first: what the record is of. */
static enum status
add_shared_key(struct gate_state *state, const json *record, const json *text, const struct sharing *before,
	       int64_t dealt_ms) {
	struct key_info info;
	struct sharing sharing;
	TRY(key_read(record, &info));
	TRY(sharing_read(text, &sharing));
	TRY(sharing_check_record(&sharing, &info));
	if (gate_state_key(state, bytes_of_text(info.id)) != nullptr)
		return fail(STATUS_CONFLICT, "key.exists: there is a key \"%s\"", info.id);
	TRY(shared_keys_put(state, text, before, dealt_ms));
	enum status status = change_add_key(state, record);
	if (status != OK)
		shared_keys_forget(state, bytes_of_text(info.id));
	return status;
}

enum status
change_add_shared_key(struct gate_state *state, const json *record, const json *text, int64_t dealt_ms) {
	return add_shared_key(state, record, text, nullptr, dealt_ms);
}

static enum status
check_id_is_free(const struct gate_state *state, const struct change *change) {
	struct bytes id;
	TRY(json_need_string(change->payload, "payload", "id", &id));
	return gate_state_key(state, id) == nullptr
		       ? OK
		       : fail(STATUS_CONFLICT, "key.exists: there is a key \"%.*s\"", BYTES_ARGS(id));
}

enum status
can_key_create(const struct gate_state *state, const struct change *change) {
	const struct unit *unit = directory_unit(state->directory, change->resource_id);
	if (unit == nullptr || unit->kind != UNIT_ACCOUNT)
		return fail(STATUS_NOT_FOUND, "key.account: there is no account \"%.*s\"",
			    BYTES_ARGS(change->resource_id));
	return check_id_is_free(state, change);
}

/* Where the keys are: their records alone say less. */
static enum status
check_key_state(const struct gate_state *state, const struct change *change, enum key_state to) {
	return state->ring == nullptr ? OK : keyring_check_change(state->ring, change->resource_id, to);
}

enum status
can_key_unfreeze(const struct gate_state *state, const struct change *change) {
	return check_key_state(state, change, KEY_ACTIVE);
}

enum status
can_key_rotate(const struct gate_state *state, const struct change *change) {
	TRY(check_key_state(state, change, KEY_ROTATED));
	return check_id_is_free(state, change);
}

enum status
can_key_destroy(const struct gate_state *state, const struct change *change) {
	return check_key_state(state, change, KEY_DESTROYED);
}

enum status
change_key_create(struct gate_state *state, const struct change *change) {
	const json *record, *sharing;
	if (change->result == nullptr)
		return fail(STATUS_INTERNAL, "key.record: the act yielded no key");
	TRY(json_need(change->result, "result", "key", JSON_OBJECT, &record));
	if (json_get(record, "sharing") == nullptr)
		return change_add_key(state, record);
	TRY(json_need(change->result, "result", "sharing", JSON_OBJECT, &sharing));
	return change_add_shared_key(state, record, sharing, change->now_ms);
}

static enum status
set_key_state(struct gate_state *state, const struct change *change, enum key_state to,
	      enum status (*ring_change)(struct keyring *, struct bytes)) {
	if (state->ring != nullptr)
		return ring_change(state->ring, change->resource_id);
	struct key_info *key = map_get(&state->keys, change->resource_id);
	if (key == nullptr)
		return fail(STATUS_NOT_FOUND, "key.unknown: there is no key \"%.*s\"", BYTES_ARGS(change->resource_id));
	key->state = to;
	return OK;
}

enum status
change_key_freeze(struct gate_state *state, const struct change *change) {
	return set_key_state(state, change, KEY_FROZEN, keyring_freeze);
}

enum status
change_key_unfreeze(struct gate_state *state, const struct change *change) {
	return set_key_state(state, change, KEY_ACTIVE, keyring_unfreeze);
}

enum status
change_key_destroy(struct gate_state *state, const struct change *change) {
	TRY(set_key_state(state, change, KEY_DESTROYED, keyring_destroy_key));
	shared_keys_drop_share(state, change->resource_id);
	return OK;
}

enum status
change_key_rotate(struct gate_state *state, const struct change *change) {
	struct bytes successor;
	TRY(change_key_create(state, change));
	TRY(json_need_string(change->payload, "payload", "id", &successor));
	if (state->ring != nullptr)
		return keyring_rotate(state->ring, change->resource_id, successor);
	struct key_info *key = map_get(&state->keys, change->resource_id);
	if (key == nullptr)
		return fail(STATUS_NOT_FOUND, "key.unknown: there is no key \"%.*s\"", BYTES_ARGS(change->resource_id));
	key->state = KEY_ROTATED;
	memcpy(key->successor, successor.data, successor.len < KEY_ID_MAX ? successor.len : KEY_ID_MAX);
	return OK;
}

/* How the key was shared until then: as is known here, or, where this keeper has come in, as the payload says, which the holders have
 * compared. */
static enum status
find_before(const struct gate_state *state, const struct change *change, struct sharing *before) {
	const struct shared_key *shared = shared_keys_find(state, change->resource_id);
	const json *stated = json_get(change->payload, "sharing");
	if (stated != nullptr)
		TRY(sharing_read(stated, before));
	if (shared == nullptr && stated == nullptr)
		return fail(STATUS_CONFLICT, "key.not_shared: key \"%.*s\" is not a shared one",
			    BYTES_ARGS(change->resource_id));
	if (shared != nullptr && (stated == nullptr || !shared_key_was_left(state, shared, before)))
		*before = shared->sharing;
	return OK;
}

enum status
change_key_redeal(struct gate_state *state, const struct change *change) {
	const json *record, *text;
	struct key_info info;
	struct sharing sharing;
	if (change->result == nullptr)
		return fail(STATUS_INTERNAL, "key.record: the act yielded no key");
	TRY(json_need(change->result, "result", "key", JSON_OBJECT, &record));
	TRY(json_need(change->result, "result", "sharing", JSON_OBJECT, &text));
	TRY(key_read(record, &info));
	TRY(sharing_read(text, &sharing));
	TRY(sharing_check_record(&sharing, &info));
	struct sharing before;
	TRY(find_before(state, change, &before));
	const struct key_info *known = gate_state_key(state, change->resource_id);
	if (!bytes_equal_text(change->resource_id, info.id) || before.key.epoch + 1 != info.epoch ||
	    (known != nullptr && !bytes_equal(key_public(known), key_public(&info))))
		return fail(STATUS_CONFLICT, "key.epoch: what was dealt does not follow from the key as it is");
	if (known == nullptr)
		return add_shared_key(state, record, text, &before, change->now_ms);
	TRY(shared_keys_put(state, text, &before, change->now_ms));
	if (state->ring != nullptr)
		return keyring_reshare(state->ring, &info);
	struct key_info *kept = map_get(&state->keys, bytes_of_text(info.id));
	kept->threshold = info.threshold;
	kept->parties = info.parties;
	kept->epoch = info.epoch;
	return OK;
}

void
facts_of_key(const struct gate_state *, const struct change *change, struct facts *facts) {
	facts_add_payload_text(facts, "change.algorithm", change->payload, "algorithm");
	facts_add_payload_text(facts, "change.chain", change->payload, "chain");
	facts_add_payload_text(facts, "change.purpose", change->payload, "purpose");
	uint8_t threshold, parties;
	if (sharing_parse_threshold(payload_text(change->payload, "threshold"), &threshold, &parties) != OK)
		return;
	facts_add_long(facts, "change.parties", FACT_VERIFIED, parties);
	facts_add_long(facts, "change.threshold", FACT_VERIFIED, threshold);
}

void
facts_of_key_backup(const struct gate_state *, const struct change *change, struct facts *facts) {
	uint8_t key[KEM_PUBLIC_SIZE];
	char hex[65];
	struct bytes text = payload_text(change->payload, "recovery_key");
	if (hex_decode(text, key, sizeof key) != OK)
		return;
	struct hash256 hash = sha256(BYTES_OF_ARRAY(key));
	hex_encode(hash256_bytes(&hash), hex);
	facts_add_string(facts, "change.recovery_key", FACT_VERIFIED, bytes_of(hex, 64));
}

void
facts_of_digest_sign(const struct gate_state *, const struct change *change, struct facts *facts) {
	facts_add_payload_text(facts, "change.digest", change->payload, "digest");
	facts_add_payload_text(facts, "change.path", change->payload, "path");
}
