#include "gate/snapshot.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "gate/change_keys.h"
#include "gate/local_bundle.h"
#include "gate/one_time.h"
#include "gate/shared_keys.h"
#include "policy/bundle_check.h"

/* "GHSTATE\n", version, time; then each part after its length: bundle, directory, trust, subjects, access, invitations,
 * one-time passwords, assets, lists, zones, keys, limits, nonces, last nonces, operations, open reviews, keepers, local bundle, what
 * others counted. */
static const uint8_t MAGIC[8] = "GHSTATE\n";
static const char FIELD[] = "state.snapshot";
constexpr uint16_t VERSION =
	16; /* 11: invitations that were used; 12: who has left a key's former epoch, and what they counted; 13: how high prices were; 14: invitations that are outdated; 15: since when a key is shared so; 16: which operations codes failed beside */

struct writing {
	struct gate *gate;
	struct buffer *to;
	bool with_forecast;
};

/* --- Parts that their modules write. --- */

static enum status
write_bundle(const struct writing *writing, struct buffer *to) {
	const struct bundle *bundle = writing->gate->state->bundle;
	if (bundle != nullptr)
		buffer_append_bytes(to, bundle->text);
	return buffer_status(to);
}

static enum status
read_bundle(struct gate *gate, struct bytes part) {
	return part.len == 0 ? OK : bundle_create(&gate->state->bundle, part, nullptr);
}

static enum status
write_local_bundle(const struct writing *writing, struct buffer *to) {
	const struct bundle *bundle = writing->gate->state->local;
	if (bundle != nullptr)
		buffer_append_bytes(to, bundle->text);
	return buffer_status(to);
}

static enum status
read_local_bundle(struct gate *gate, struct bytes part) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	if (part.len == 0)
		return OK;
	TRY(bundle_create(&bundle, part, nullptr));
	TRY(bundle_check_forbids(bundle, nullptr));
	return local_bundle_apply(gate->state, &bundle);
}

static enum status
write_directory(const struct writing *writing, struct buffer *to) {
	return directory_write(writing->gate->state->directory, to);
}

static enum status
read_directory(struct gate *gate, struct bytes part) {
	return directory_read(gate->state->directory, part);
}

static enum status
write_subjects(const struct writing *writing, struct buffer *to) {
	return subjects_write(&writing->gate->state->subjects, to);
}

static enum status
read_subjects(struct gate *gate, struct bytes part) {
	return subjects_read(&gate->state->subjects, part);
}

static enum status
write_access(const struct writing *writing, struct buffer *to) {
	return access_write(&writing->gate->state->access, to);
}

static enum status
read_access(struct gate *gate, struct bytes part) {
	TRY(access_read(&gate->state->access, part));
	const struct map *auditors = &gate->state->access.auditors;
	struct bytes id;
	size_t at = 0;
	while (map_next(auditors, &at, &id, nullptr))
		TRY(directory_make_auditor(gate->state->directory, id));
	return OK;
}

static enum status
write_lists(const struct writing *writing, struct buffer *to) {
	return destinations_write(&writing->gate->state->destinations, to);
}

static enum status
read_lists(struct gate *gate, struct bytes part) {
	return destinations_read(&gate->state->destinations, part);
}

static enum status
write_zones(const struct writing *writing, struct buffer *to) {
	return zones_write(&writing->gate->state->zones, to);
}

static enum status
read_zones(struct gate *gate, struct bytes part) {
	return zones_read(&gate->state->zones, part);
}

static enum status
write_limits(const struct writing *writing, struct buffer *to) {
	return limits_write(writing->gate->state->limits, to);
}

static enum status
read_limits(struct gate *gate, struct bytes part) {
	return limits_read(gate->state->limits, part);
}

static enum status
write_nonces(const struct writing *writing, struct buffer *to) {
	return nonces_write(writing->gate->state->nonces, to);
}

static enum status
read_nonces(struct gate *gate, struct bytes part) {
	return nonces_read(gate->state->nonces, part);
}

static enum status
write_keepers(const struct writing *writing, struct buffer *to) {
	return keepers_write(&writing->gate->state->keepers, to);
}

static enum status
read_keepers(struct gate *gate, struct bytes part) {
	return keepers_read(&gate->state->keepers, gate->state->instance, part);
}

static enum status
write_counted(const struct writing *writing, struct buffer *to) {
	return counted_snapshot_write(&writing->gate->state->counted, to);
}

static enum status
read_counted(struct gate *gate, struct bytes part) {
	return counted_snapshot_read(&gate->state->counted, part);
}

/* --- Trust: models in order of their AAGUIDs, each with its certificates. --- */

static enum status
write_trust(const struct writing *writing, struct buffer *to) {
	const struct map *models = &writing->gate->state->trust.models;
	struct bytes *aaguids;
	TRY(map_sorted_keys(models, &aaguids));
	for (size_t i = 0; i < models->count; i++) {
		buffer_append_bytes(to, aaguids[i]);
		buffer_append_prefixed(to, certificate_roots_encoding(map_get(models, aaguids[i])));
	}
	free(aaguids);
	return buffer_status(to);
}

static enum status
read_roots(struct bytes encoding, struct certificate_roots **roots) {
	struct bytes der;
	TRY(certificate_roots_create(roots));
	for (struct cursor cursor = cursor_of(encoding); cursor.left > 0;) {
		TRY(cursor_prefixed(&cursor, FIELD, UINT32_MAX, &der));
		TRY(certificate_roots_add(*roots, der));
	}
	return certificate_roots_count(*roots) > 0 ? OK : fail(STATUS_INVALID, "%s: a model without roots", FIELD);
}

static enum status
read_trust(struct gate *gate, struct bytes part) {
	struct cursor cursor = cursor_of(part);
	while (cursor.left > 0) {
		_cleanup_(certificate_roots_destroy) struct certificate_roots *roots = nullptr;
		struct bytes aaguid, encoding;
		TRY(cursor_take(&cursor, FIELD, AAGUID_SIZE, &aaguid));
		TRY(cursor_prefixed(&cursor, FIELD, UINT32_MAX, &encoding));
		TRY(read_roots(encoding, &roots));
		TRY(authenticator_trust_set(&gate->state->trust, aaguid, roots));
		roots = nullptr; /* taken over */
	}
	return OK;
}

static enum status
write_invitations(const struct writing *writing, struct buffer *to) {
	return invitations_write(&writing->gate->state->invitations, to);
}

static enum status
read_invitations(struct gate *gate, struct bytes part) {
	return invitations_read(&gate->state->invitations, part);
}

static enum status
write_one_time(const struct writing *writing, struct buffer *to) {
	return one_time_write(writing->gate->state, to);
}

static enum status
read_one_time(struct gate *gate, struct bytes part) {
	return one_time_read(gate->state, part);
}

/* --- Assets: in order of addition; chain, contract, symbol, decimals, whether there is a price, and what prices there were. --- */

static enum status
write_assets(const struct writing *writing, struct buffer *to) {
	const struct asset_registry *assets = writing->gate->state->assets;
	for (size_t i = 0; i < asset_registry_count(assets); i++) {
		const struct asset *asset = asset_registry_at(assets, i);
		buffer_append_prefixed(to, asset->chain);
		buffer_append_prefixed(to, asset->contract);
		buffer_append_prefixed(to, asset->symbol);
		buffer_append_byte(to, (uint8_t)asset->decimals);
		buffer_append_byte(to, asset->has_price);
		if (asset->has_price)
			price_history_write(&asset->prices, to);
	}
	return buffer_status(to);
}

static enum status
read_assets(struct gate *gate, struct bytes part) {
	struct asset_registry *assets = gate->state->assets;
	struct cursor cursor = cursor_of(part);
	while (cursor.left > 0) {
		struct bytes chain, contract, symbol;
		uint8_t decimals, has_price;
		struct price_history prices;
		TRY(cursor_prefixed(&cursor, FIELD, ASSET_CHAIN_MAX, &chain));
		TRY(cursor_prefixed(&cursor, FIELD, ASSET_CONTRACT_MAX, &contract));
		TRY(cursor_prefixed(&cursor, FIELD, ASSET_SYMBOL_MAX, &symbol));
		TRY(cursor_u8(&cursor, FIELD, &decimals));
		TRY(cursor_u8(&cursor, FIELD, &has_price));
		size_t before = asset_registry_count(assets);
		TRY(asset_registry_add(assets, chain, contract, symbol, decimals));
		if (asset_registry_count(assets) == before)
			return fail(STATUS_INVALID, "%s: an asset twice", FIELD);
		if (has_price == 0)
			continue;
		TRY(price_history_read(&cursor, &prices));
		TRY(asset_registry_restore_price(assets, asset_registry_at(assets, before)->id, &prices));
	}
	return OK;
}

/* --- Keys: their records, in order of their ids, each with nothing, or with its sharing and who has left the epoch before. --- */

static enum status
collect_keys(const struct gate_state *state, struct map *keys) {
	size_t at = 0;
	struct bytes id;
	void *key;
	if (state->ring == nullptr) {
		while (map_next(&state->keys, &at, &id, &key))
			TRY(map_put(keys, id, key, nullptr));
		return OK;
	}
	for (size_t i = 0; i < keyring_count(state->ring); i++) {
		const struct key_info *info = keyring_at(state->ring, i);
		TRY(map_put(keys, bytes_of_text(info->id), (void *)(uintptr_t)info, nullptr));
	}
	return OK;
}

static enum status
write_key(const struct gate_state *state, const struct key_info *key, struct buffer *to) {
	_cleanup_(buffer_free) struct buffer record = {}, sharing = {};
	const struct shared_key *shared = shared_keys_find(state, bytes_of_text(key->id));
	struct json_writer writer;
	json_writer_start(&writer, &record);
	key_write(&writer, key);
	TRY(json_writer_finish(&writer));
	buffer_append_prefixed(to, buffer_bytes(&record));
	if (shared != nullptr) {
		json_writer_start(&writer, &sharing);
		sharing_write(&writer, &shared->sharing);
		TRY(json_writer_finish(&writer));
	}
	buffer_append_prefixed(to, buffer_bytes(&sharing));
	if (shared == nullptr)
		return OK;
	leaving_write(&shared->leaving, to);
	buffer_append_u64be(to, (uint64_t)shared->dealt_ms);
	buffer_append_u64be(to, (uint64_t)shared->told_due_ms);
	return OK;
}

static enum status
write_keys(const struct writing *writing, struct buffer *to) {
	_cleanup_(map_free) struct map keys = {};
	struct bytes *ids;
	TRY(collect_keys(writing->gate->state, &keys));
	TRY(map_sorted_keys(&keys, &ids));
	enum status status = OK;
	for (size_t i = 0; status == OK && i < keys.count; i++)
		status = write_key(writing->gate->state, map_get(&keys, ids[i]), to);
	free(ids);
	return status == OK ? buffer_status(to) : status;
}

constexpr size_t KEY_RECORD_MAX = 64 * 1024;

static enum status
read_time(struct cursor *cursor, int64_t *time_ms) {
	uint64_t number;
	TRY(cursor_u64be(cursor, FIELD, &number));
	if (number > (uint64_t)JSON_INTEGER_MAX)
		return fail(STATUS_INVALID, "%s: a time that cannot be", FIELD);
	*time_ms = (int64_t)number;
	return OK;
}

/* Since when it is shared so, and what has happened since. */
static enum status
read_dealt(struct gate_state *state, const json *sharing, struct cursor *cursor) {
	struct bytes id;
	TRY(json_need_string(sharing, "sharing", "key", &id));
	struct shared_key *key = shared_keys_find(state, id);
	if (key == nullptr)
		return fail(STATUS_INVALID, "%s: a sharing of another key", FIELD);
	TRY(leaving_read(cursor, &key->leaving));
	TRY(read_time(cursor, &key->dealt_ms));
	return read_time(cursor, &key->told_due_ms);
}

static enum status
read_keys(struct gate *gate, struct bytes part) {
	struct cursor cursor = cursor_of(part);
	while (cursor.left > 0) {
		struct bytes text, sharing_text;
		const json *record, *sharing;
		TRY(cursor_prefixed(&cursor, FIELD, KEY_RECORD_MAX, &text));
		TRY(cursor_prefixed(&cursor, FIELD, KEY_RECORD_MAX, &sharing_text));
		arena_reset(&gate->scratch);
		TRY(json_read(&gate->scratch, text, (struct json_limits){}, &record));
		if (sharing_text.len == 0) {
			TRY(change_add_key(gate->state, record));
			continue;
		}
		TRY(json_read(&gate->scratch, sharing_text, (struct json_limits){}, &sharing));
		TRY(change_add_shared_key(gate->state, record, sharing, 0));
		TRY(read_dealt(gate->state, sharing, &cursor));
	}
	return OK;
}

/* --- Last Ethereum nonces: "<key>/<chain>" and the nonce plus one. --- */

static enum status
write_last_nonces(const struct writing *writing, struct buffer *to) {
	const struct map *nonces = &writing->gate->state->last_nonces;
	struct bytes *names;
	TRY(map_sorted_keys(nonces, &names));
	for (size_t i = 0; i < nonces->count; i++) {
		buffer_append_prefixed(to, names[i]);
		buffer_append_u64be(to, (uintptr_t)map_get(nonces, names[i]));
	}
	free(names);
	return buffer_status(to);
}

static enum status
read_last_nonces(struct gate *gate, struct bytes part) {
	struct cursor cursor = cursor_of(part);
	while (cursor.left > 0) {
		struct bytes name;
		uint64_t stored;
		TRY(cursor_prefixed(&cursor, FIELD, KEY_ID_MAX + 1 + ASSET_CHAIN_MAX, &name));
		TRY(cursor_u64be(&cursor, FIELD, &stored));
		if (stored == 0)
			return fail(STATUS_INVALID, "%s: no nonce", FIELD);
		TRY(map_put(&gate->state->last_nonces, name, (void *)(uintptr_t)stored, nullptr));
	}
	return OK;
}

/* --- Operations: in order of their ids; id, digest, repetition, state, entry, expiry, and whether something is kept: document,
 * payload, evidence of the requester, its key, legal entity, the network that was seen, forecast, votes (empty: none). --- */

static enum status
write_held(const struct writing *writing, const struct gate_operation *operation, struct buffer *to) {
	_cleanup_(buffer_free) struct buffer votes = {};
	const struct held_operation *held = operation->held;
	/* The log does not tell an intent that nobody voted on from one that nobody could. */
	if (held->votes != nullptr && (operation->state == OPERATION_HELD || votes_size(held->votes) > 0))
		TRY(votes_write(held->votes, &votes));
	buffer_append_prefixed(to, held->document);
	buffer_append_prefixed(to, held->payload);
	buffer_append_prefixed(to, held->requester);
	buffer_append_prefixed(to, held->key_id);
	buffer_append_prefixed(to, held->legal_entity);
	buffer_append_prefixed(to, held->seen.zone);
	buffer_append_byte(to, held->seen.is_elsewhere);
	buffer_append_prefixed(to, writing->with_forecast ? held->missing : (struct bytes){});
	buffer_append_prefixed(to, buffer_bytes(&votes));
	return buffer_status(to);
}

static enum status
write_operations(const struct writing *writing, struct buffer *to) {
	const struct operations *operations = &writing->gate->state->operations;
	enum status status = OK;
	const struct gate_operation **sorted;
	TRY(operations_sorted(operations, &sorted));
	for (size_t i = 0; status == OK && i < operations->count; i++) {
		const struct gate_operation *operation = sorted[i];
		buffer_append_bytes(to, hash256_bytes(&operation->id));
		buffer_append_bytes(to, hash256_bytes(&operation->digest));
		buffer_append_bytes(to, hash256_bytes(&operation->repetition));
		buffer_append_byte(to, (uint8_t)operation->state);
		buffer_append_u64be(to, operation->entry);
		buffer_append_u64be(to, (uint64_t)operation->expires_ms);
		buffer_append_byte(to, operation->held != nullptr);
		if (operation->held != nullptr)
			status = write_held(writing, operation, to);
	}
	free(sorted);
	return status == OK ? buffer_status(to) : status;
}

static enum status
read_kept(struct cursor *cursor, struct arena *arena, struct bytes *kept) {
	struct bytes text;
	TRY(cursor_prefixed(cursor, FIELD, UINT32_MAX, &text));
	*kept = arena_copy(arena, text);
	return text.len == 0 || kept->data != nullptr ? OK : fail(STATUS_NO_MEMORY, "memory: out of memory");
}

static enum status
read_held(struct gate *gate, struct cursor *cursor, struct gate_operation *operation) {
	struct held_operation *held;
	const json *document;
	struct bytes votes;
	uint8_t is_elsewhere;
	TRY(operations_keep(&gate->state->operations, operation, &held));
	TRY(read_kept(cursor, &held->arena, &held->document));
	TRY(read_kept(cursor, &held->arena, &held->payload));
	TRY(read_kept(cursor, &held->arena, &held->requester));
	TRY(read_kept(cursor, &held->arena, &held->key_id));
	TRY(read_kept(cursor, &held->arena, &held->legal_entity));
	TRY(read_kept(cursor, &held->arena, &held->seen.zone));
	TRY(cursor_u8(cursor, FIELD, &is_elsewhere));
	held->seen.is_elsewhere = is_elsewhere == 1;
	if (is_elsewhere > 1)
		return fail(STATUS_INVALID, "%s: no network that was seen", FIELD);
	TRY(read_kept(cursor, &held->arena, &held->missing));
	TRY(cursor_prefixed(cursor, FIELD, UINT32_MAX, &votes));
	TRY(json_read(&held->arena, held->document, (struct json_limits){}, &document));
	TRY(operation_read(document, &held->operation));
	TRY(operations_note_requester(&gate->state->operations, held));
	bool is_held = operation->state == OPERATION_HELD;
	if ((is_held && votes.len == 0) || (!is_held && operation->state != OPERATION_UNKNOWN))
		return fail(STATUS_INVALID, "%s: something is kept for an operation that is %s", FIELD,
			    operation_state_name(operation->state));
	return votes.len == 0 ? OK : votes_read(votes, &held->votes);
}

static enum status
read_operation(struct gate *gate, struct cursor *cursor) {
	struct operations *operations = &gate->state->operations;
	struct gate_operation *operation;
	struct hash256 id;
	uint8_t state, is_kept;
	uint64_t expires_ms;
	TRY(cursor_copy(cursor, FIELD, id.bytes, sizeof id.bytes));
	if (operations_find(operations, &id) != nullptr)
		return fail(STATUS_INVALID, "%s: an operation twice", FIELD);
	TRY(operations_add(operations, &id, &operation));
	TRY(cursor_copy(cursor, FIELD, operation->digest.bytes, sizeof operation->digest.bytes));
	TRY(cursor_copy(cursor, FIELD, operation->repetition.bytes, sizeof operation->repetition.bytes));
	TRY(cursor_u8(cursor, FIELD, &state));
	TRY(cursor_u64be(cursor, FIELD, &operation->entry));
	TRY(cursor_u64be(cursor, FIELD, &expires_ms));
	TRY(cursor_u8(cursor, FIELD, &is_kept));
	bool keeps = state == OPERATION_HELD || state == OPERATION_UNKNOWN;
	if (state == OPERATION_IN_FLIGHT || state >= OPERATION_STATES || keeps != (is_kept == 1) || is_kept > 1)
		return fail(STATUS_INVALID, "%s: no state of an operation", FIELD);
	operation->state = (enum operation_state)state;
	operation->expires_ms = (int64_t)expires_ms;
	return keeps ? read_held(gate, cursor, operation) : OK;
}

static enum status
read_operations(struct gate *gate, struct bytes part) {
	struct cursor cursor = cursor_of(part);
	while (cursor.left > 0)
		TRY(read_operation(gate, &cursor));
	return OK;
}

static enum status
write_reviews(const struct writing *writing, struct buffer *to) {
	return reviews_write(&writing->gate->state->reviews, to);
}

static enum status
read_reviews(struct gate *gate, struct bytes part) {
	return reviews_read(&gate->state->reviews, part);
}

/* --- All of it. --- */

static const struct {
	enum status (*write)(const struct writing *, struct buffer *);
	enum status (*read)(struct gate *, struct bytes);
} parts[] = {
	{write_bundle, read_bundle},
	{write_directory, read_directory},
	{write_trust, read_trust},
	{write_subjects, read_subjects},
	{write_access, read_access},
	{write_invitations, read_invitations},
	{write_one_time, read_one_time},
	{write_assets, read_assets},
	{write_lists, read_lists},
	{write_zones, read_zones},
	{write_keys, read_keys},
	{write_limits, read_limits},
	{write_nonces, read_nonces},
	{write_last_nonces, read_last_nonces},
	{write_operations, read_operations},
	{write_reviews, read_reviews},
	{write_keepers, read_keepers},
	{write_local_bundle, read_local_bundle},
	{write_counted, read_counted},
};

static enum status
write_all(const struct writing *writing) {
	_cleanup_(buffer_free) struct buffer part = {};
	gate_tick(writing->gate, writing->gate->state->now_ms);
	buffer_append(writing->to, MAGIC, sizeof MAGIC);
	buffer_append_u16be(writing->to, VERSION);
	buffer_append_u64be(writing->to, (uint64_t)writing->gate->state->now_ms);
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
		buffer_reset(&part);
		TRY(parts[i].write(writing, &part));
		buffer_append_prefixed(writing->to, buffer_bytes(&part));
	}
	return buffer_status(writing->to);
}

enum status
gate_snapshot_write(struct gate *gate, struct buffer *to) {
	return write_all(&(struct writing){gate, to, .with_forecast = true});
}

enum status
gate_state_digest(struct gate *gate, int64_t now_ms, struct hash256 *digest) {
	_cleanup_(buffer_free) struct buffer text = {};
	if (now_ms > gate->state->now_ms)
		gate->state->now_ms = now_ms;
	TRY(write_all(&(struct writing){gate, &text, .with_forecast = false}));
	*digest = sha256(buffer_bytes(&text));
	return OK;
}

static enum status
read_header(struct cursor *cursor, int64_t *now_ms) {
	uint8_t magic[sizeof MAGIC];
	uint16_t version;
	uint64_t time;
	TRY(cursor_copy(cursor, FIELD, magic, sizeof magic));
	if (memcmp(magic, MAGIC, sizeof magic) != 0)
		return fail(STATUS_INVALID, "%s: no decision state", FIELD);
	TRY(cursor_u16be(cursor, FIELD, &version));
	if (version != VERSION)
		return fail(STATUS_UNSUPPORTED, "%s: version %u, this program reads %u", FIELD, version, VERSION);
	TRY(cursor_u64be(cursor, FIELD, &time));
	*now_ms = (int64_t)time;
	return time <= INT64_MAX ? OK : fail(STATUS_INVALID, "%s: a time out of range", FIELD);
}

static enum status
read_all(struct gate *gate, struct bytes snapshot) {
	struct cursor cursor = cursor_of(snapshot);
	TRY(read_header(&cursor, &gate->state->now_ms));
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
		struct bytes part;
		TRY(cursor_prefixed(&cursor, FIELD, UINT32_MAX, &part));
		TRY(parts[i].read(gate, part));
	}
	TRY(cursor_end(&cursor, FIELD));
	TRY(entities_load(gate->entities, gate->state));
	if (gate->state->bundle != nullptr)
		TRY(bundle_put_entities(gate->state->bundle, gate->entities));
	return policy_entities_seal(gate->entities);
}

enum status
gate_snapshot_read(struct gate *gate, struct bytes snapshot) {
	enum status status = read_all(gate, snapshot);
	if (status == OK || status == STATUS_NO_MEMORY || status == STATUS_UNSUPPORTED || status == STATUS_CORRUPT)
		return status;
	char why[512];
	fail_name(why, sizeof why);
	return fail(STATUS_CORRUPT, "%s: damaged: %s", FIELD, why);
}
