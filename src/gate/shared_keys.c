#include "gate/shared_keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "keys/threshold/ecdsa/request.h"

static const char COLLECTION[] = "share";
constexpr size_t SHARING_TEXT_MAX = 16 * 1024;

void
share_row_name(char name[SHARE_ROW_SIZE], const char *key, uint32_t epoch) {
	snprintf(name, SHARE_ROW_SIZE, "%.64s/%u", key, epoch);
}

static void
wipe_dropped(struct shared_key *key) {
	ecdsa_share_destroy(&key->dropped_share);
	frost_key_share_destroy(&key->dropped_frost_share);
}

static void
key_destroy(struct shared_key *gone) {
	ecdsa_share_destroy(&gone->share);
	frost_key_share_destroy(&gone->frost_share);
	wipe_dropped(gone);
	free(gone);
}

static void
key_destroy_at(struct shared_key **key) {
	if (*key != nullptr)
		key_destroy(TAKE(*key));
}

uint8_t
shared_key_self(const struct shared_key *key) {
	if (key->share != nullptr)
		return key->share->self;
	return key->frost_share != nullptr ? key->frost_share->self : 0;
}

bool
shared_key_is_ready_with(const struct shared_key *key, uint8_t holder) {
	uint8_t self = shared_key_self(key);
	if (self == 0 || self == holder || !party_set_has(&key->sharing.key.holders, holder))
		return false;
	return key->share == nullptr || ecdsa_share_pair(key->share, holder)->ready;
}

bool
shared_key_has_pairs(const struct shared_key *key, uint32_t holders) {
	uint8_t self = shared_key_self(key);
	for (uint8_t party = 1; party <= PARTIES_MAX; party++)
		if ((holders >> party & 1) != 0 &&
		    ((key->told_lost[party] & holders) != 0 ||
		     (party != self && (holders >> self & 1) != 0 && !shared_key_is_ready_with(key, party))))
			return false;
	return true;
}

void
shared_key_number(const struct shared_key *key, struct frost_scalar *number) {
	if (key->share != nullptr)
		scalar_write(ecdsa_share_value(key->share), number->bytes);
	else
		*number = *frost_key_share_value(key->frost_share);
}

void
shared_keys_free(struct gate_state *state) {
	size_t at = 0;
	void *value;
	while (map_next(&state->shared_keys, &at, nullptr, &value))
		key_destroy(value);
	map_free(&state->shared_keys);
}

struct shared_key *
shared_keys_find(const struct gate_state *state, struct bytes id) {
	return map_get(&state->shared_keys, id);
}

enum status
shared_keys_need_share(const struct gate_state *state, struct bytes id, struct shared_key **key) {
	*key = shared_keys_find(state, id);
	if (*key == nullptr)
		return fail(STATUS_NOT_FOUND, "key.not_shared: key \"%.*s\" is not a shared one",
			    (int)(id.len > KEY_ID_MAX ? KEY_ID_MAX : id.len), (const char *)id.data);
	return shared_key_self(*key) != 0
		       ? OK
		       : fail(STATUS_NOT_FOUND, "key.no_share: this keeper holds no share of key \"%s\"",
			      (*key)->sharing.key.id);
}

enum status
gate_state_public_key(const struct gate_state *state, struct bytes id, const struct signing_path *path,
		      uint8_t public_key[POINT_SIZE]) {
	const struct shared_key *shared = shared_keys_find(state, id);
	const struct key_info *record = gate_state_key(state, id);
	if (shared == nullptr || record == nullptr)
		return keyring_public_key(state->ring, id, path, public_key);
	if (record->state == KEY_DESTROYED)
		return fail(STATUS_DENIED, "key.destroyed: key %s is destroyed", record->id);
	if (record->material != KEY_MATERIAL_EXTENDED && path->count != 0)
		return fail(STATUS_DENIED, "key.path: key %s is a single key; nothing lies below it", record->id);
	if (record->material != KEY_MATERIAL_EXTENDED) {
		memcpy(public_key, record->public_key, record->public_key_len);
		return OK;
	}
	struct ecdsa_derived derived;
	TRY(ecdsa_derive(&shared->sharing.key, path, &derived));
	point_write(&derived.public_key, public_key);
	return OK;
}

/* 0: this keeper is none of its parties. */
static uint8_t
own_index(const struct gate_state *state, const struct sharing *sharing) {
	for (size_t i = 0; i < sharing->key.holders.count; i++)
		if (strcmp(sharing->names[i], state->keeper) == 0)
			return sharing->key.holders.parties[i].index;
	return 0;
}

/* --- Rows. --- */

/* Without the share's blob. */
static enum status
start_row(const struct sharing *sharing, struct buffer *row) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	sharing_write(&writer, sharing);
	TRY(json_writer_finish(&writer));
	buffer_append_prefixed(row, buffer_bytes(&text));
	return buffer_status(row);
}

static enum status
write_row(const struct gate_state *state, const struct sharing *sharing, const struct ecdsa_share *share,
	  struct buffer *row) {
	TRY(start_row(sharing, row));
	return ecdsa_share_seal(share, state->share_key.data, bytes_of_text(state->instance), row);
}

static enum status
read_row(const struct gate_state *state, const char *name, struct buffer *row, struct arena *arena,
	 struct sharing *sharing, struct bytes *blob) {
	struct bytes text;
	const json *document;
	TRY(secrets_get(state->secrets, COLLECTION, bytes_of_text(name), row));
	struct cursor cursor = cursor_of(buffer_bytes(row));
	TRY(cursor_prefixed(&cursor, "share_row.sharing", SHARING_TEXT_MAX, &text));
	TRY(json_read(arena, text, (struct json_limits){}, &document));
	TRY(sharing_read(document, sharing));
	*blob = bytes_of(cursor.at, cursor.left);
	return OK;
}

static enum status
need_secrets(const struct gate_state *state) {
	return state->secrets != nullptr && state->share_key.len > 0
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "key.locked: this process holds no keys");
}

enum status
shared_keys_store(const struct gate_state *state, const struct sharing *sharing, const struct ecdsa_share *share) {
	_cleanup_(buffer_free) struct buffer row = {};
	char name[SHARE_ROW_SIZE];
	TRY(need_secrets(state));
	TRY(ecdsa_share_check(share));
	TRY(write_row(state, sharing, share, &row));
	share_row_name(name, sharing->key.id, sharing->key.epoch);
	return secrets_create(state->secrets, COLLECTION, bytes_of_text(name), buffer_bytes(&row));
}

enum status
shared_keys_store_frost(const struct gate_state *state, const struct sharing *sharing,
			const struct frost_key_share *share) {
	_cleanup_(buffer_free) struct buffer row = {};
	char name[SHARE_ROW_SIZE];
	TRY(need_secrets(state));
	TRY(frost_key_share_check(share));
	TRY(start_row(sharing, &row));
	TRY(frost_key_share_seal(share, state->frost_share_key.data, bytes_of_text(state->instance), &row));
	share_row_name(name, sharing->key.id, sharing->key.epoch);
	return secrets_create(state->secrets, COLLECTION, bytes_of_text(name), buffer_bytes(&row));
}

enum status
shared_keys_stored(const struct gate_state *state, struct bytes id, uint32_t epoch, struct sharing *sharing) {
	_cleanup_(buffer_free) struct buffer row = {};
	_cleanup_(arena_free) struct arena arena = {};
	char key[KEY_ID_MAX + 1] = {}, name[SHARE_ROW_SIZE];
	struct bytes blob;
	TRY(need_secrets(state));
	TRY(key_check_id(id));
	memcpy(key, id.data, id.len);
	share_row_name(name, key, epoch);
	return read_row(state, name, &row, &arena, sharing, &blob);
}

enum status
shared_keys_discard(const struct gate_state *state, struct bytes id, uint32_t epoch) {
	char key[KEY_ID_MAX + 1] = {}, name[SHARE_ROW_SIZE];
	TRY(need_secrets(state));
	TRY(key_check_id(id));
	memcpy(key, id.data, id.len);
	share_row_name(name, key, epoch);
	return secrets_destroy(state->secrets, COLLECTION, bytes_of_text(name));
}

enum status
shared_keys_reseal(const struct gate_state *state, const struct shared_key *key) {
	_cleanup_(buffer_free) struct buffer row = {};
	char name[SHARE_ROW_SIZE];
	TRY(need_secrets(state));
	TRY(write_row(state, &key->sharing, key->share, &row));
	share_row_name(name, key->sharing.key.id, key->sharing.key.epoch);
	return secrets_replace(state->secrets, COLLECTION, bytes_of_text(name), buffer_bytes(&row));
}

/* --- In the state. --- */

/* The row must say what the log says, so that no other sharing comes in by way of a file. */
static enum status
open_share(const struct gate_state *state, const struct sharing *sharing, struct shared_key *key) {
	_cleanup_(buffer_free) struct buffer row = {};
	_cleanup_(arena_free) struct arena arena = {};
	char name[SHARE_ROW_SIZE];
	struct sharing stored;
	struct hash256 recorded_hash, stored_hash;
	struct bytes blob;
	uint8_t self = own_index(state, sharing);
	if (self == 0)
		return OK;
	share_row_name(name, sharing->key.id, sharing->key.epoch);
	TRY(read_row(state, name, &row, &arena, &stored, &blob));
	TRY(sharing_hash(sharing, &recorded_hash));
	TRY(sharing_hash(&stored, &stored_hash));
	if (!hash256_equal(&recorded_hash, &stored_hash))
		return fail(STATUS_CORRUPT, "key.share_row: %s is of another sharing than the log's", name);
	if (!sharing_is_frost(sharing->scheme))
		return ecdsa_share_open(&key->share, &sharing->key, self, state->share_key.data,
					bytes_of_text(state->instance), blob);
	struct frost_key_info info;
	sharing_to_frost(sharing, &info);
	return frost_key_share_open(&key->frost_share, &info, self, state->frost_share_key.data,
				    bytes_of_text(state->instance), blob);
}

enum status
shared_keys_put(struct gate_state *state, const json *text, const struct sharing *before, int64_t dealt_ms) {
	_cleanup_(key_destroy_at) struct shared_key *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(sharing_read(text, &made->sharing));
	made->dealt_ms = dealt_ms;
	const struct ecdsa_key *key = &made->sharing.key;
	struct bytes id = bytes_of_text(key->id);
	struct shared_key *known = shared_keys_find(state, id);
	if ((known != nullptr && before == nullptr) || (before != nullptr && key->epoch != before->key.epoch + 1))
		return fail(STATUS_CONFLICT, "key.epoch: key %s is of epoch %u; what was dealt is of epoch %u", key->id,
			    before == nullptr ? known->sharing.key.epoch : before->key.epoch, key->epoch);
	if (before != nullptr)
		leaving_begin(&made->leaving, before, &made->sharing, state->keeper);
	if (state->ring != nullptr)
		TRY(open_share(state, &made->sharing, made));
	if (known == nullptr) {
		TRY(map_put(&state->shared_keys, id, made, nullptr));
		made = nullptr;
		return OK;
	}
	struct shared_key former = *known;
	*known = *made;
	*made = former;
	return OK;
}

/* As it is admitted now: what was dealt to it under another admission is not its own. */
static bool
is_named(const struct gate_state *state, const struct sharing *sharing) {
	const struct enrolled_keeper *self = keepers_named(&state->keepers, bytes_of_text(state->keeper));
	for (size_t i = 0; i < sharing->key.holders.count; i++)
		if (strcmp(sharing->names[i], state->keeper) == 0)
			return sharing->admissions[i] == (self == nullptr ? 0 : self->admission);
	return false;
}

/* The same key, in a later epoch than the share that is here. */
static bool
is_later(const struct shared_key *key, const struct sharing *by_now) {
	const struct ecdsa_key *own = &key->sharing.key, *other = &by_now->key;
	return other->epoch > own->epoch && key->sharing.scheme == by_now->scheme && own->purpose == other->purpose &&
	       memcmp(own->public_key, other->public_key, sizeof own->public_key) == 0 &&
	       memcmp(own->chain_code, other->chain_code, sizeof own->chain_code) == 0;
}

bool
shared_key_was_left(const struct gate_state *state, const struct shared_key *key, const struct sharing *by_now) {
	return is_later(key, by_now) && !is_named(state, by_now);
}

bool
shared_key_is_behind(const struct gate_state *state, const struct shared_key *key, const struct sharing *by_now) {
	return is_later(key, by_now) && is_named(state, by_now);
}

enum status
shared_keys_apply_overdue(struct gate_state *state, const json *body) {
	struct bytes id;
	int64_t epoch, due_ms;
	TRY(json_need_string(body, "overdue", "shared_key", &id));
	TRY(json_need_integer(body, "overdue", "epoch", &epoch));
	TRY(json_need_integer(body, "overdue", "due_at", &due_ms));
	struct shared_key *key = shared_keys_find(state, id);
	if (key == nullptr || epoch != key->sharing.key.epoch || due_ms <= key->told_due_ms)
		return fail(STATUS_CORRUPT, "overdue.key: key \"%.*s\" is not of that epoch, or was told of",
			    BYTES_ARGS(id));
	key->told_due_ms = due_ms;
	return OK;
}

void
shared_keys_forget(struct gate_state *state, struct bytes id) {
	struct shared_key *gone = map_remove(&state->shared_keys, id);
	if (gone != nullptr)
		key_destroy(gone);
}

enum status
shared_keys_open(struct gate_state *state) {
	size_t at = 0;
	struct bytes id;
	void *value;
	while (map_next(&state->shared_keys, &at, &id, &value)) {
		struct shared_key *key = value;
		const struct key_info *record = gate_state_key(state, id);
		if (record != nullptr && record->state != KEY_DESTROYED)
			TRY(open_share(state, &key->sharing, key));
	}
	return OK;
}

void
shared_keys_drop_share(struct gate_state *state, struct bytes id) {
	struct shared_key *key = shared_keys_find(state, id);
	if (key == nullptr || shared_key_self(key) == 0)
		return;
	wipe_dropped(key);
	key->dropped_share = TAKE(key->share);
	key->dropped_frost_share = TAKE(key->frost_share);
	state->shares_dropped = true;
}

const struct shared_key *
shared_keys_next_dropped(const struct gate_state *state, size_t *at) {
	void *value;
	while (state->shares_dropped && map_next(&state->shared_keys, at, nullptr, &value)) {
		const struct shared_key *key = value;
		if (key->dropped_share != nullptr || key->dropped_frost_share != nullptr)
			return key;
	}
	return nullptr;
}

void
shared_keys_wipe_dropped(struct gate_state *state) {
	size_t at = 0;
	void *value;
	while (state->shares_dropped && map_next(&state->shared_keys, &at, nullptr, &value))
		wipe_dropped(value);
	state->shares_dropped = false;
}

size_t
shared_keys_pairs_lost(const struct gate_state *state) {
	size_t lost = 0, at = 0;
	void *value;
	while (map_next(&state->shared_keys, &at, nullptr, &value)) {
		const struct shared_key *key = value;
		uint8_t self = shared_key_self(key);
		for (size_t i = 0; self != 0 && i < key->sharing.key.holders.count; i++) {
			uint8_t holder = key->sharing.key.holders.parties[i].index;
			lost += holder != self && !shared_key_is_ready_with(key, holder);
		}
	}
	return lost;
}
