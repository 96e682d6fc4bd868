#include "gate/leaving.h"

#include "base/cursor.h"
#include "gate/change.h"
#include "gate/gate.h"
#include "gate/shared_keys.h"
#include "store/blob.h"

/* --- Who. --- */

void
leaving_begin(struct leaving *leaving, const struct sharing *before, const struct sharing *now, const char *self) {
	const struct party_set *holders = &before->key.holders;
	*leaving = (struct leaving){.needed = before->key.threshold, .has_come_in = true};
	for (size_t i = 0; i < holders->count; i++) {
		const struct party *party = &holders->parties[i];
		size_t position = party_set_position(&now->key.holders, party->index);
		bool is_self = strcmp(before->names[i], self) == 0;
		if (position >= now->key.holders.count || now->admissions[position] != before->admissions[i] ||
		    memcmp(now->key.holders.parties[position].identity, party->identity, sizeof party->identity) != 0)
			continue;
		leaving->has_come_in = leaving->has_come_in && !is_self;
		leaving->has_left[leaving->count] = is_self; /* by being here */
		leaving->parties[leaving->count++] = party->index;
	}
}

static size_t
position_of(const struct leaving *leaving, uint8_t party) {
	size_t position = 0;
	while (position < leaving->count && leaving->parties[position] != party)
		position++;
	return position;
}

bool
leaving_is_awaited(const struct leaving *leaving, uint8_t party) {
	size_t position = position_of(leaving, party);
	return position < leaving->count && !leaving->has_left[position];
}

/* People have removed it since, or admitted it anew: it is not waited for. */
static bool
is_gone(const struct gate_state *state, const struct sharing *sharing, uint8_t party) {
	const struct enrolled_keeper *enrolled = party <= KEEPERS_MAX ? state->keepers.of_party[party] : nullptr;
	size_t position = party_set_position(&sharing->key.holders, party);
	return enrolled != nullptr && position < sharing->key.holders.count &&
	       (!enrolled->is_enrolled || enrolled->admission != sharing->admissions[position]);
}

bool
leaving_is_settled(const struct gate_state *state, const struct shared_key *key) {
	const struct leaving *leaving = &key->leaving;
	size_t left = 0, missing = 0;
	for (size_t i = 0; i < leaving->count; i++) {
		left += leaving->has_left[i];
		missing += !leaving->has_left[i] && !is_gone(state, &key->sharing, leaving->parties[i]);
	}
	return left >= leaving->needed || missing == 0;
}

enum status
leaving_need_settled(const struct gate_state *state, const struct shared_key *key) {
	return leaving_is_settled(state, key) ? OK
					      : fail(STATUS_UNAVAILABLE,
						     "key.unsettled: not enough of those that held key %s before it "
						     "was dealt anew have said that "
						     "they have left, and what they counted",
						     key->sharing.key.id);
}

/* --- The entry. --- */

struct listing {
	struct json_writer writer;
	int64_t since_ms; /* what no window sees any more is not listed */
};

static enum status
write_spend(void *context, const struct spend *spend) {
	struct listing *listing = context;
	if (spend->at_ms <= listing->since_ms)
		return OK;
	spend_write_told(&listing->writer, spend);
	return OK;
}

static enum status
list_spends(const struct gate_state *state, const struct left *left, struct buffer *text) {
	struct listing listing = {.since_ms = left->heard_ms - limit_window_ms[LIMIT_WEEK]};
	json_writer_start(&listing.writer, text);
	json_write_array(&listing.writer);
	TRY(counted_visit(&state->counted, left->party, bytes_of_text(left->key->sharing.key.id), write_spend,
			  &listing));
	json_write_end(&listing.writer);
	return json_writer_finish(&listing.writer);
}

static void
write_body(const struct left *left, struct bytes legal_entity, struct bytes spends, struct buffer *body) {
	const struct sharing *sharing = &left->key->sharing;
	struct hash256 hash = sha256(spends);
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_member_hex(&w, "certificate", hash256_bytes(&left->certificate));
	json_write_member_integer(&w, "epoch", sharing->key.epoch);
	json_write_member_hex(&w, "head", hash256_bytes(&left->head));
	json_write_member_integer(&w, "heard_at", left->heard_ms);
	json_write_member_text(&w, "keeper", sharing->names[party_set_position(&sharing->key.holders, left->party)]);
	json_write_member_string(&w, "legal_entity", legal_entity);
	json_write_member_integer(&w, "party", left->party);
	json_write_member_hex(&w, "public_key", BYTES_OF_ARRAY(left->public_key));
	json_write_member_text(&w, "shared_key", sharing->key.id);
	json_write_member_hex(&w, "signature", BYTES_OF_ARRAY(left->signature));
	if (spends.len > BLOB_THRESHOLD)
		json_write_member_hex(&w, "spends_blob", hash256_bytes(&hash));
	else {
		json_write_key(&w, "spends");
		json_write_canonical(&w, spends);
	}
	json_write_member_boolean(&w, "stopped", left->is_stopped);
	json_write_end(&w);
	IGNORE_STATUS(json_writer_finish(&w));
}

enum status
left_write(const struct gate_state *state, const struct left *left, const struct record_blobs *blobs,
	   struct buffer *body) {
	_cleanup_(buffer_free) struct buffer spends = {};
	TRY(list_spends(state, left, &spends));
	TRY(record_put_large(blobs, buffer_bytes(&spends)));
	write_body(left, gate_state_entity_of_key(state, bytes_of_text(left->key->sharing.key.id)),
		   buffer_bytes(&spends), body);
	return buffer_status(body);
}

static enum status
read_spends(struct arena *arena, const json *body, const struct record_blobs *blobs, const json **spends) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct bytes hex;
	struct hash256 hash;
	if (json_get(body, "spends_blob") == nullptr)
		return json_need(body, "left", "spends", JSON_ARRAY, spends);
	TRY(json_need_string(body, "left", "spends_blob", &hex));
	TRY(hex_decode(hex, hash.bytes, sizeof hash.bytes));
	TRY(blob_get(blobs->io, blobs->directory, &hash, &text));
	struct bytes kept = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(kept.data);
	TRY(json_read(arena, kept, (struct json_limits){}, spends));
	return json_type_of(*spends) == JSON_ARRAY ? OK : fail(STATUS_CORRUPT, "left.spends: no list");
}

/* All are read before any is kept. */
static enum status
keep_spends(struct gate_state *state, struct arena *arena, uint8_t party, const json *listed) {
	struct spend *spends = ARENA_NEW_ARRAY(arena, json_size(listed) + 1, struct spend);
	struct json_iterator iterator = json_iterate(listed);
	size_t count = 0;
	TRY_ALLOC(spends);
	for (const json *spend; (spend = json_next(&iterator, nullptr)) != nullptr; count++)
		TRY(spend_read_told(arena, spend, &spends[count]));
	for (size_t i = 0; i < count; i++)
		TRY(counted_keep(&state->counted, party, &spends[i]));
	return OK;
}

/* A freeze that came while it was dealt, when the one that comes in had no key to freeze. */
static enum status
take_over_state(struct gate *gate, const struct shared_key *key) {
	struct bytes id = bytes_of_text(key->sharing.key.id);
	const struct key_info *record = gate_state_key(gate->state, id);
	if (!key->leaving.has_come_in || record == nullptr || record->state != KEY_ACTIVE)
		return OK;
	return gate_apply_change(gate, &(struct change){.kind = OPERATION_KEY_FREEZE,
							.resource_type = RESOURCE_KEY,
							.resource_id = id,
							.now_ms = gate->state->now_ms});
}

enum status
left_apply(struct gate *gate, struct arena *arena, const json *body) {
	struct bytes id;
	int64_t epoch, party;
	bool is_stopped;
	const json *spends;
	TRY(json_need_string(body, "left", "shared_key", &id));
	TRY(json_need_integer(body, "left", "epoch", &epoch));
	TRY(json_need_integer(body, "left", "party", &party));
	TRY(json_need_boolean(body, "left", "stopped", &is_stopped));
	struct shared_key *key = shared_keys_find(gate->state, id);
	if (key == nullptr || epoch != key->sharing.key.epoch)
		return fail(STATUS_CORRUPT, "left.epoch: key \"%.*s\" is not of the epoch that its holder went to",
			    BYTES_ARGS(id));
	size_t position =
		party < 1 || party > UINT8_MAX ? key->leaving.count : position_of(&key->leaving, (uint8_t)party);
	if (position >= key->leaving.count)
		return fail(STATUS_CORRUPT, "left.party: party %lld held no share of it before", (long long)party);
	TRY(read_spends(arena, body, &gate->blobs, &spends));
	TRY(keep_spends(gate->state, arena, (uint8_t)party, spends));
	key->leaving.has_left[position] = true;
	return is_stopped ? take_over_state(gate, key) : OK;
}

/* --- Snapshots. --- */

static const char FIELD[] = "leaving.snapshot";

void
leaving_write(const struct leaving *leaving, struct buffer *to) {
	buffer_append_byte(to, leaving->needed);
	buffer_append_byte(to, leaving->has_come_in);
	buffer_append_byte(to, leaving->count);
	for (size_t i = 0; i < leaving->count; i++) {
		buffer_append_byte(to, leaving->parties[i]);
		buffer_append_byte(to, leaving->has_left[i]);
	}
}

enum status
leaving_read(struct cursor *cursor, struct leaving *leaving) {
	uint8_t has_come_in, has_left;
	*leaving = (struct leaving){};
	TRY(cursor_u8(cursor, FIELD, &leaving->needed));
	TRY(cursor_u8(cursor, FIELD, &has_come_in));
	TRY(cursor_u8(cursor, FIELD, &leaving->count));
	if (has_come_in > 1 || leaving->count > PARTIES_MAX)
		return fail(STATUS_INVALID, "%s: damaged", FIELD);
	leaving->has_come_in = has_come_in == 1;
	for (size_t i = 0; i < leaving->count; i++) {
		TRY(cursor_u8(cursor, FIELD, &leaving->parties[i]));
		TRY(cursor_u8(cursor, FIELD, &has_left));
		if (has_left > 1 || leaving->parties[i] <= (i == 0 ? 0 : leaving->parties[i - 1]))
			return fail(STATUS_INVALID, "%s: damaged", FIELD);
		leaving->has_left[i] = has_left == 1;
	}
	return OK;
}
