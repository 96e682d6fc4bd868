/*
 * Between two epochs of a key: a holder that has taken its new share says that it has left the former epoch, after all that it had
 * counted; nobody signs with a new share before enough have. docs/PROTOCOL.threshold §16, "Leaving".
 */
#include "keeper/threshold_internal.h"

#include "base/log.h"
#include "keeper/loop.h"
#include "keeper/system_entry.h"

static const char LABEL[] = "gatehouse/threshold/left/v1";

static enum status
write_statement(const struct keeper *keeper, const uint8_t teller[32], const uint8_t hearer[32],
		const struct joint_answer *left, const struct hash256 *head, struct buffer *statement) {
	buffer_append(statement, LABEL, sizeof LABEL); /* with its zero byte */
	buffer_append_prefixed(statement, bytes_of_text(keeper->gate->state->instance));
	buffer_append(statement, teller, PARTY_IDENTITY_SIZE);
	buffer_append(statement, hearer, PARTY_IDENTITY_SIZE);
	buffer_append_bytes(statement, hash256_bytes(&left->digest));
	buffer_append_byte(statement, left->is_stopped);
	buffer_append_bytes(statement, hash256_bytes(head));
	return buffer_status(statement);
}

static uint8_t
own_index(const struct keeper *keeper, const struct sharing *sharing) {
	for (size_t i = 0; i < sharing->key.holders.count; i++)
		if (strcmp(sharing->names[i], keeper->gate->state->keeper) == 0)
			return sharing->key.holders.parties[i].index;
	return 0;
}

/* --- Telling. --- */

/* What is kept was all there when this keeper left: once is enough. */
static enum status
tell_kept(struct keeper *keeper, struct shared_key *key, const struct peer *peer) {
	uint32_t bit = UINT32_C(1) << peer->party;
	if (key->kept_told & bit)
		return OK;
	TRY(counting_tell_kept(keeper, peer, key));
	key->kept_told |= bit;
	return OK;
}

static enum status
tell(struct keeper *keeper, struct shared_key *key, const struct peer *peer) {
	const struct threshold_link *link = &keeper->threshold->link;
	_cleanup_(buffer_free) struct buffer statement = {};
	struct bytes id = bytes_of_text(key->sharing.key.id);
	const struct key_info *record = gate_state_key(keeper->gate->state, id);
	struct joint_answer left = {.kind = ANSWER_LEFT, .key_id = id};
	left.is_stopped = record == nullptr || record->state == KEY_FROZEN || record->state == KEY_DESTROYED;
	TRY(sharing_hash(&key->sharing, &left.digest));
	TRY(signing_tell_counted(keeper, peer));
	TRY(tell_kept(keeper, key, peer));
	TRY(write_statement(keeper, link->own_identity(link->context), peer->identity, &left,
			    &keeper->threshold->told_head[peer->party], &statement));
	TRY(counting_seal(keeper, buffer_bytes(&statement), &left.seal));
	threshold_send_answer(keeper, peer, &left);
	return OK;
}

/* Only who held a share before has something to say. */
static void
tell_holder(struct keeper *keeper, struct shared_key *key, const struct peer *peer) {
	uint8_t self = own_index(keeper, &key->sharing);
	bool was_holder = self != 0 && memchr(key->leaving.parties, self, key->leaving.count) != nullptr;
	if (was_holder && tell(keeper, key, peer) != OK)
		log_warning("keeper %s is not told what was counted with key %s: %s", peer->name, key->sharing.key.id,
			    fail_message());
}

void
leaving_asked(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal) {
	struct shared_key *key = shared_keys_find(keeper->gate->state, proposal->key_id);
	if (key == nullptr || key->sharing.key.epoch != proposal->epoch)
		return; /* it has not come so far: who comes later tells all */
	size_t position = party_set_position(&key->sharing.key.holders, peer->party);
	if (position < key->sharing.key.holders.count &&
	    threshold_holder(keeper, &key->sharing.key.holders.parties[position]) == peer)
		tell_holder(keeper, key, peer);
}

/* --- Asking. --- */

static void
ask(struct keeper *keeper, const struct shared_key *key, const struct party *party) {
	const struct peer *peer = threshold_holder(keeper, party);
	struct proposal proposal = {
		.kind = PROPOSE_LEAVE, .key_id = bytes_of_text(key->sharing.key.id), .epoch = key->sharing.key.epoch};
	if (peer != nullptr && leaving_is_awaited(&key->leaving, party->index))
		threshold_send_proposal(keeper, peer, &proposal);
}

void
leaving_concluded(struct keeper *keeper, struct bytes key_id) {
	struct shared_key *key = shared_keys_find(keeper->gate->state, key_id);
	for (size_t i = 0; key != nullptr && i < key->sharing.key.holders.count; i++) {
		const struct party *party = &key->sharing.key.holders.parties[i];
		const struct peer *peer = threshold_holder(keeper, party);
		if (peer != nullptr)
			tell_holder(keeper, key, peer);
		ask(keeper, key, party);
	}
}

void
leaving_up(struct keeper *keeper, const struct peer *peer) {
	size_t at = 0;
	void *value;
	while (map_next(&keeper->gate->state->shared_keys, &at, nullptr, &value)) {
		struct shared_key *key = value;
		key->kept_told &= ~(UINT32_C(1) << peer->party);
		memset(key->kept_until[peer->party], 0, sizeof key->kept_until[peer->party]);
		size_t position = party_set_position(&key->sharing.key.holders, peer->party);
		if (position < key->sharing.key.holders.count && own_index(keeper, &key->sharing) != 0)
			ask(keeper, key, &key->sharing.key.holders.parties[position]);
	}
}

void
leaving_turn(struct keeper *keeper, int64_t now_ms) {
	size_t at = 0;
	void *value;
	if (now_ms < keeper->threshold->leaving_turn_ms)
		return;
	keeper->threshold->leaving_turn_ms = now_ms + LEAVING_TURN_MS;
	pairs_turn(keeper);
	while (map_next(&keeper->gate->state->shared_keys, &at, nullptr, &value)) {
		const struct shared_key *key = value;
		if (own_index(keeper, &key->sharing) == 0)
			continue;
		for (size_t i = 0; i < key->sharing.key.holders.count; i++)
			ask(keeper, key, &key->sharing.key.holders.parties[i]);
	}
}

/* --- Hearing. --- */

/* Signed by who says it, over all that it has told here. */
static enum status
check(struct keeper *keeper, const struct peer *peer, const struct shared_key *key, const struct joint_answer *answer) {
	const struct threshold_link *link = &keeper->threshold->link;
	_cleanup_(buffer_free) struct buffer statement = {};
	size_t position = party_set_position(&key->sharing.key.holders, peer->party);
	if (position >= key->sharing.key.holders.count ||
	    !threshold_may_sign(keeper, key, &key->sharing.key.holders.parties[position]))
		return fail(STATUS_UNAVAILABLE, "joint.admission: party %u must not sign with this key", peer->party);
	if (keeper->threshold->is_unheard[peer->party])
		return fail(STATUS_UNAVAILABLE,
			    "joint.counted: keeper %s has not told what it counted, under its signature", peer->name);
	TRY(write_statement(keeper, peer->identity, link->own_identity(link->context), answer,
			    &keeper->threshold->heard_head[peer->party], &statement));
	return counting_check_seal(keeper, peer, &answer->seal, buffer_bytes(&statement));
}

/* By the reader of a start: what that could not read does not hold. */
static enum status
take(struct keeper *keeper, struct bytes body) {
	_cleanup_(arena_free) struct arena arena = {};
	const json *document;
	TRY(json_read(&arena, body, (struct json_limits){}, &document));
	enum status status = left_apply(keeper->gate, &arena, document);
	if (status == STATUS_INVALID || status == STATUS_CORRUPT)
		return status;
	if (status != OK || system_entry_left(keeper, body) != OK)
		keeper_end(keeper, "joint.left: what another keeper has counted cannot be kept");
	return OK;
}

static enum status
hear(struct keeper *keeper, const struct peer *peer, const struct shared_key *key, const struct joint_answer *answer) {
	_cleanup_(buffer_free) struct buffer body = {};
	TRY(check(keeper, peer, key, answer));
	loop_begin_batch(keeper);
	struct left left = {.key = key,
			    .party = peer->party,
			    .is_stopped = answer->is_stopped,
			    .heard_ms = keeper->batch_ms,
			    .head = keeper->threshold->heard_head[peer->party],
			    .certificate = answer->seal.certificate};
	memcpy(left.public_key, answer->seal.key, sizeof left.public_key);
	memcpy(left.signature, answer->seal.signature, sizeof left.signature);
	TRY(left_write(keeper->gate->state, &left, &keeper->gate->blobs, &body));
	return take(keeper, buffer_bytes(&body));
}

static void
step_signings(struct keeper *keeper) {
	for (struct joint_session *session = keeper->threshold->sessions, *next; session != nullptr; session = next) {
		next = session->next;
		if (!session->is_dealing)
			signing_session_step(keeper, session);
	}
}

void
leaving_heard(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer) {
	const struct shared_key *key = shared_keys_find(keeper->gate->state, answer->key_id);
	struct hash256 hash;
	if (key == nullptr || !leaving_is_awaited(&key->leaving, peer->party) ||
	    sharing_hash(&key->sharing, &hash) != OK || !hash256_equal(&hash, &answer->digest))
		return; /* of another epoch, or said before: whoever needs it asks */
	if (hear(keeper, peer, key, answer) != OK) {
		log_error("keeper %s: %s", peer->name, fail_message());
		return;
	}
	if (!atomic_load(&keeper->has_ended))
		step_signings(keeper);
}
