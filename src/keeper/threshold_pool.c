/* Presignatures, prepared in the background: a few for each set of signers that is likely to be chosen (threshold_sets.h). */
#include "keeper/threshold_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "keeper/system_entry.h"

constexpr int64_t PAUSE_MS = 60'000; /* after a failure with a party */

/* --- What is ready. --- */

size_t
pool_count(const struct keeper *keeper, struct bytes key_id, const struct party_set *signers) {
	const struct shared_key *key = shared_keys_find(keeper->gate->state, key_id);
	const struct presignature_pool *pool = &keeper->threshold->pool;
	size_t count = 0;
	if (key == nullptr)
		return 0;
	if (signers != nullptr)
		return presignature_pool_count(pool, key->sharing.key.id, key->sharing.key.epoch, signers);
	for (const struct presignature *one = presignature_pool_newest(pool); one != nullptr; one = one->older)
		count += one->epoch == key->sharing.key.epoch && strcmp(one->key_id, key->sharing.key.id) == 0;
	return count;
}

bool
pool_find(struct keeper *keeper, struct bytes key_id, const struct party_set *signers, size_t skip,
	  struct hash256 *id) {
	const struct shared_key *key = shared_keys_find(keeper->gate->state, key_id);
	const struct presignature *found =
		key == nullptr ? nullptr
			       : presignature_pool_find(&keeper->threshold->pool, key->sharing.key.id,
							key->sharing.key.epoch, signers, skip);
	if (found != nullptr)
		*id = found->id;
	return found != nullptr;
}

void
pool_burn(struct keeper *keeper, uint8_t party, const struct proposal *proposal) {
	struct presignature_pool *pool = &keeper->threshold->pool;
	for (size_t i = 0; i < proposal->presignature_count; i++) {
		_cleanup_(presignature_destroy) struct presignature *gone = nullptr;
		const struct presignature *ready = map_get(&pool->ready, hash256_bytes(&proposal->presignatures[i]));
		if (ready != nullptr && (party == 0 || party_set_has(&ready->signers, party)))
			IGNORE_STATUS(
				presignature_pool_take(pool, &proposal->presignatures[i], &gone)); /* it is ready */
	}
}

/* --- What is under way. --- */

static void
preparing_end(struct keeper *keeper, struct preparing *preparing) {
	struct preparing **at = &keeper->threshold->preparing;
	while (*at != preparing)
		at = &(*at)->next;
	*at = preparing->next;
	keeper->threshold->preparing_count--;
	machine_close(&preparing->machine);
	free(preparing);
}

static bool
is_preparing(const struct keeper *keeper, struct bytes key_id, const struct party_set *signers) {
	for (const struct preparing *one = keeper->threshold->preparing; one != nullptr; one = one->next) {
		bool same = bytes_equal_text(key_id, one->key_id) && one->signers.count == signers->count;
		for (size_t i = 0; same && i < signers->count; i++)
			same = one->signers.parties[i].index == signers->parties[i].index;
		if (same)
			return true;
	}
	return false;
}

static void
pause_with(struct keeper *keeper, const struct party_set *signers) {
	for (size_t i = 0; i < signers->count; i++)
		keeper->threshold->pool_paused_ms[signers->parties[i].index] = threshold_now_ms(keeper) + PAUSE_MS;
}

/* So that nobody takes the places of all others, nor all others together this keeper's own. */
static bool
has_begun_enough(const struct keeper *keeper, uint8_t party, uint8_t self) {
	size_t count = 0, others = 0;
	for (const struct preparing *one = keeper->threshold->preparing; one != nullptr; one = one->next) {
		count += one->signers.parties[0].index == party;
		others += one->signers.parties[0].index != self;
	}
	return count >= PREPARING_OF_PEER_MAX || (party != self && others >= PREPARING_MAX - PREPARING_OWN);
}

/* The same at all signers, and never twice: counters of one keeper ascend, also over its restarts, and of restarts of others the epochs
 * tell. */
static enum status
make_nonce(const struct keeper *keeper, const struct shared_key *key, const struct party_set *signers, uint64_t counter,
	   struct hash256 *nonce) {
	static const char LABEL[] = "gatehouse/joint/preparing/v1";
	const struct threshold_link *link = &keeper->threshold->link;
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, LABEL);
	buffer_append_u64be(&text, counter);
	for (size_t i = 0; i < signers->count; i++) {
		const struct party *party = &signers->parties[i];
		bool is_own = party->index == shared_key_self(key);
		const struct peer *peer = is_own ? nullptr : threshold_holder(keeper, party);
		if (!is_own && peer == nullptr)
			return fail(STATUS_UNAVAILABLE, "joint.absent: party %u is not there", party->index);
		buffer_append_byte(&text, party->index);
		buffer_append(&text, is_own ? link->own_epoch(link->context) : peer->boot_epoch, PEER_EPOCH_SIZE);
	}
	TRY(buffer_status(&text));
	*nonce = sha256(buffer_bytes(&text));
	return OK;
}

static enum status
start(struct keeper *keeper, const struct shared_key *key, const struct party_set *signers, uint64_t counter) {
	struct threshold *threshold = keeper->threshold;
	if (threshold->preparing_count >= PREPARING_MAX)
		return fail(STATUS_UNAVAILABLE, "joint.preparing: %zu are under way", threshold->preparing_count);
	struct hash256 nonce;
	TRY(make_nonce(keeper, key, signers, counter, &nonce));
	struct preparing *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	struct signing_terms terms = {.share = key->share,
				      .signers = signers,
				      .instance = bytes_of_text(keeper->gate->state->instance),
				      .nonce = nonce.bytes};
	machine_begin(keeper, &made->machine);
	enum status status = signing_start(&made->machine.signing, &terms);
	if (status != OK) {
		free(made);
		return status;
	}
	made->machine.kind = MACHINE_SIGNING;
	memcpy(made->key_id, key->sharing.key.id, sizeof made->key_id);
	made->signers = *signers;
	made->end_ms = threshold_now_ms(keeper) + PREPARING_MS;
	made->next = threshold->preparing;
	threshold->preparing = made;
	threshold->preparing_count++;
	return machine_send(keeper, &made->machine, &made->signers);
}

static void
record_failure(struct keeper *keeper, const struct preparing *preparing) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer writer;
	char error[512];
	snprintf(error, sizeof error, "%s", fail_message());
	json_writer_start(&writer, &body);
	json_write_object(&writer);
	json_write_member_integer(&writer, "at", keeper->batch_ms);
	machine_write_blame(&preparing->machine,
			    gate_state_entity_of_key(keeper->gate->state, bytes_of_text(preparing->key_id)), &writer);
	json_write_member_text(&writer, "shared_key", preparing->key_id);
	json_write_key(&writer, "signers");
	json_write_array(&writer);
	for (size_t i = 0; i < preparing->signers.count; i++)
		json_write_integer(&writer, preparing->signers.parties[i].index);
	json_write_end(&writer);
	json_write_end(&writer);
	if (json_writer_finish(&writer) != OK || system_entry_check(keeper, buffer_bytes(&body)) != OK)
		log_error("a failed check is not recorded: %s", fail_message());
	fail_keep("%s", error);
}

/* What failed here is tried with nobody of them for a while; whose pairs are forgotten prepare nothing until a refresh. */
static void
preparing_fail(struct keeper *keeper, struct preparing *preparing) {
	char key_id[KEY_ID_MAX + 1];
	memcpy(key_id, preparing->key_id, sizeof key_id);
	log_warning("a presignature of key %s failed: %s (names party %u)", key_id, fail_message(),
		    machine_culprit(&preparing->machine));
	record_failure(keeper, preparing);
	pause_with(keeper, &preparing->signers);
	preparing->has_failed = true;
	pairs_seal(keeper, bytes_of_text(key_id));
}

void
pool_tell_failed(struct keeper *keeper, struct bytes key_id) {
	for (struct preparing *one = keeper->threshold->preparing, *next; one != nullptr; one = next) {
		next = one->next;
		if (!one->has_failed || !bytes_equal_text(key_id, one->key_id))
			continue;
		IGNORE_STATUS(machine_send(keeper, &one->machine, &one->signers)); /* that it has ended */
		preparing_end(keeper, one);
	}
}

static void
preparing_frame(struct keeper *keeper, struct preparing *preparing, struct bytes frame) {
	if (preparing->has_failed)
		return;
	enum status status = machine_receive(&preparing->machine, frame);
	if (status != OK && machine_state(&preparing->machine) != EXCHANGE_ABORTED)
		return; /* stray, or over */
	if (status != OK) {
		preparing_fail(keeper, preparing);
		return;
	}
	if (machine_send(keeper, &preparing->machine, &preparing->signers) != OK) {
		preparing_end(keeper, preparing);
		return;
	}
	if (machine_state(&preparing->machine) != EXCHANGE_DONE)
		return;
	_cleanup_(presignature_destroy) struct presignature *made =
		signing_take_presignature(preparing->machine.signing);
	if (made != nullptr && presignature_pool_add(&keeper->threshold->pool, &made) != OK)
		log_warning("a presignature is not kept: %s", fail_message());
	preparing_end(keeper, preparing);
	keeper->threshold->is_pool_due = true;
	for (struct joint_session *session = keeper->threshold->sessions, *next; session != nullptr; session = next) {
		next = session->next;
		if (!session->is_dealing && session->state == SESSION_DECIDING)
			signing_session_step(keeper, session);
	}
}

bool
pool_frame(struct keeper *keeper, const struct hash256 *session_id, struct bytes frame) {
	for (struct preparing *one = keeper->threshold->preparing; one != nullptr; one = one->next)
		if (one->machine.has_session_id && hash256_equal(&one->machine.session_id, session_id)) {
			preparing_frame(keeper, one, frame);
			return true;
		}
	return false;
}

/* --- Beginning. --- */

/* What it prepares may be signed from: else there is nothing to prepare. */
static bool
has_use(const struct keeper *keeper, struct bytes key_id) {
	const struct key_info *record = gate_state_key(keeper->gate->state, key_id);
	return record != nullptr && (record->state == KEY_ACTIVE || record->state == KEY_ROTATED);
}

void
pool_proposed(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal) {
	struct shared_key *key;
	struct party_set signers;
	enum status status = shared_keys_need_share(keeper->gate->state, proposal->key_id, &key);
	if (status == OK && !has_use(keeper, proposal->key_id))
		status = fail(STATUS_DENIED, "joint.presignature: nothing is signed with key %s now",
			      key->sharing.key.id);
	if (status == OK)
		status = pairs_need_sealed(key);
	if (status == OK && key->share == nullptr)
		status = fail(STATUS_INVALID, "joint.presignature: nothing is prepared with keys of scheme %s",
			      key_sharing_name(key->sharing.scheme));
	if (status == OK)
		status = party_set_choose(&key->sharing.key.holders, proposal->signers, proposal->signer_count,
					  &signers);
	if (status == OK && (proposal->epoch != key->sharing.key.epoch || peer->party != signers.parties[0].index ||
			     signers.count != key->sharing.key.threshold || !party_set_has(&signers, key->share->self)))
		status = fail(STATUS_INVALID,
			      "joint.signers: not those of this key and epoch, the first of which proposes");
	for (size_t i = 0; status == OK && i < signers.count; i++)
		if (signers.parties[i].index != key->share->self &&
		    !threshold_may_sign(keeper, key, &signers.parties[i]))
			status = fail(STATUS_UNAVAILABLE, "joint.absent: party %u is not there",
				      signers.parties[i].index);
	if (status == OK && has_begun_enough(keeper, peer->party, key->share->self))
		status = fail(STATUS_UNAVAILABLE,
			      "joint.preparing: keeper %s, or all others, have begun enough that is under way",
			      peer->name);
	if (status == OK && proposal->counter <= keeper->threshold->heard[peer->party])
		status = fail(STATUS_CONFLICT, "joint.counter: a preparation of this counter or a later one was here");
	if (status == OK) {
		keeper->threshold->heard[peer->party] = proposal->counter;
		status = start(keeper, key, &signers, proposal->counter);
	}
	if (status != OK)
		log_info("no presignature with keeper %s: %s", peer->name, fail_message());
	else
		keeper->threshold->has_begun = true;
}

/* Greater than those of the last process. Where the wall clock went back meanwhile peers prepare nothing with this keeper until it is
 * later again, or they start anew. */
static uint64_t
next_counter(struct keeper *keeper) {
	uint64_t *last = &keeper->threshold->prepared;
	*last = *last == 0 ? (uint64_t)(io_realtime_ns(keeper->config.io) / 1'000'000) << 20 : *last + 1;
	return *last;
}

static void
begin(struct keeper *keeper, const struct shared_key *key, const struct party_set *signers) {
	struct proposal proposal = {.kind = PROPOSE_PREPARE,
				    .key_id = bytes_of_text(key->sharing.key.id),
				    .epoch = key->sharing.key.epoch,
				    .counter = next_counter(keeper),
				    .signer_count = signers->count};
	for (size_t i = 0; i < signers->count; i++)
		proposal.signers[i] = signers->parties[i].index;
	for (size_t i = 1; i < signers->count; i++)
		threshold_send_proposal(keeper, threshold_holder(keeper, &signers->parties[i]), &proposal);
	if (start(keeper, key, signers, proposal.counter) != OK) {
		log_info("no presignature is begun: %s", fail_message());
		pause_with(keeper, signers);
	}
}

static bool
is_usable(const struct keeper *keeper, const struct shared_key *key, const struct party *party, int64_t now_ms) {
	return party->index == key->share->self ||
	       (threshold_may_sign(keeper, key, party) && ecdsa_share_pair(key->share, party->index)->ready &&
		keeper->threshold->pool_paused_ms[party->index] <= now_ms);
}

/* As bits over the holders' positions. */
static size_t
find_failed(const struct shared_key *key, uint32_t failed[DOUBTED_SETS_MAX]) {
	const struct party_set *holders = &key->sharing.key.holders;
	memset(failed, 0, DOUBTED_SETS_MAX * sizeof *failed);
	for (size_t i = 0; i < key->doubts.set_count; i++)
		for (size_t j = 0; j < holders->count; j++)
			failed[i] |= (key->doubts.sets[i] >> holders->parties[j].index & 1) << j;
	return key->doubts.set_count;
}

/* By position, as bits over positions. */
static void
find_lost(const struct shared_key *key, uint32_t lost[PARTIES_MAX]) {
	const struct party_set *holders = &key->sharing.key.holders;
	for (size_t i = 0; i < holders->count; i++)
		for (size_t j = 0; j < holders->count; j++)
			if ((key->told_lost[holders->parties[i].index] >> holders->parties[j].index & 1) != 0)
				lost[i] |= UINT32_C(1) << j;
}

/* Nothing more of what this keeper begins fits in, here or elsewhere. */
static bool
is_full(const struct keeper *keeper, const struct shared_key *key) {
	uint8_t self = key->share->self;
	return keeper->threshold->preparing_count >= PREPARING_MAX || has_begun_enough(keeper, self, self) ||
	       keeper->threshold->pool.of_first[self] + PREPARING_OF_PEER_MAX > PRESIGNATURES_OF_FIRST_MAX;
}

/* For the sets whose first is this keeper. */
static void
fill_key(struct keeper *keeper, const struct shared_key *key, int64_t now_ms) {
	const struct party_set *holders = &key->sharing.key.holders;
	struct bytes id = bytes_of_text(key->sharing.key.id);
	uint32_t failed[DOUBTED_SETS_MAX];
	struct signer_question question = {.holders = holders->count,
					   .self = party_set_position(holders, key->share->self),
					   .needed = key->sharing.key.threshold,
					   .failed = failed,
					   .failed_count = find_failed(key, failed)};
	struct signer_sets found;
	for (size_t i = 0; i < holders->count; i++)
		if (is_usable(keeper, key, &holders->parties[i], now_ms))
			question.usable |= UINT32_C(1) << i;
	find_lost(key, question.lost);
	signer_sets_find(&question, &found);
	for (size_t i = 0; i < found.count && !is_full(keeper, key); i++) { /* what is over makes place */
		uint8_t indices[PARTIES_MAX];
		struct party_set signers;
		size_t count = 0;
		for (size_t j = 0; j < holders->count; j++)
			if (found.sets[i] >> j & 1)
				indices[count++] = holders->parties[j].index;
		if (party_set_choose(holders, indices, count, &signers) == OK && !is_preparing(keeper, id, &signers) &&
		    pool_count(keeper, id, &signers) < POOL_TARGET)
			begin(keeper, key, &signers);
	}
}

/* Those from which nothing came in the round that it is in: the others wait for them as well. */
static void
pause_with_missing(struct keeper *keeper, const struct preparing *preparing) {
	const struct exchange *exchange = machine_exchange(&preparing->machine);
	struct party_set missing = {};
	for (size_t i = 0; i < preparing->signers.count; i++)
		if (exchange == nullptr || exchange->round >= EXCHANGE_ROUNDS_MAX ||
		    exchange->received[exchange->round][i].len == 0)
			missing.parties[missing.count++] = preparing->signers.parties[i];
	pause_with(keeper, &missing);
}

/* What is not done in time is dropped: nothing of it is told, so that no pair is lost for a slow peer. */
static void
expire(struct keeper *keeper, int64_t now_ms) {
	for (struct preparing *one = keeper->threshold->preparing, *next; one != nullptr; one = next) {
		next = one->next;
		if (one->end_ms > now_ms)
			continue;
		pause_with_missing(keeper, one);
		preparing_end(keeper, one);
	}
}

static bool
is_prepared(const struct keeper *keeper, struct bytes id, const struct shared_key *key) {
	return key->share != nullptr && !key->is_closed && key->sharing.key.purpose == KEY_PURPOSE_TRANSFER &&
	       has_use(keeper, id);
}

/* With many keys some each time: it goes on where it left off. */
void
pool_turn(struct keeper *keeper) {
	const struct map *keys = &keeper->gate->state->shared_keys;
	int64_t now_ms = threshold_now_ms(keeper);
	size_t *at = &keeper->threshold->pool_at;
	struct bytes id;
	void *value;
	expire(keeper, now_ms);
	for (size_t looked_at = 0; looked_at < POOL_KEYS_MAX && looked_at < keys->count; looked_at++) {
		if (!map_next(keys, at, &id, &value)) {
			*at = 0;
			if (!map_next(keys, at, &id, &value))
				return;
		}
		if (is_prepared(keeper, id, value))
			fill_key(keeper, value, now_ms);
	}
}

/* --- Forgetting. --- */

/* Of the party, or else of the key: only_lost: where a pair of two of the signers is gone. */
struct forgotten {
	uint8_t party;
	struct bytes key_id;
	const struct shared_key *only_lost;
};

static bool
is_lost(const struct shared_key *key, const struct party_set *signers) {
	uint32_t bits = 0;
	for (size_t i = 0; i < signers->count; i++)
		bits |= UINT32_C(1) << signers->parties[i].index;
	return !shared_key_has_pairs(key, bits);
}

static bool
concerns(const struct forgotten *forgotten, const char *key_id, const struct party_set *signers) {
	if (forgotten->party != 0)
		return party_set_has(signers, forgotten->party);
	return bytes_equal_text(forgotten->key_id, key_id) &&
	       (forgotten->only_lost == nullptr || is_lost(forgotten->only_lost, signers));
}

static void
forget(struct keeper *keeper, const struct forgotten *forgotten) {
	struct presignature_pool *pool = &keeper->threshold->pool;
	for (struct presignature *one = presignature_pool_newest(pool), *older; one != nullptr; one = older) {
		_cleanup_(presignature_destroy) struct presignature *gone = nullptr;
		struct hash256 id = one->id;
		older = one->older;
		if (concerns(forgotten, one->key_id, &one->signers))
			IGNORE_STATUS(presignature_pool_take(pool, &id, &gone)); /* it is ready */
	}
	for (struct preparing *one = keeper->threshold->preparing, *next; one != nullptr; one = next) {
		next = one->next;
		if (concerns(forgotten, one->key_id, &one->signers) &&
		    (forgotten->only_lost == nullptr || !one->has_failed)) /* that one is told of */
			preparing_end(keeper, one);
	}
}

void
pool_forget_party(struct keeper *keeper, uint8_t party) {
	forget(keeper, &(struct forgotten){.party = party});
	keeper->threshold->pool_paused_ms[party] = 0;
}

void
pool_forget_key(struct keeper *keeper, struct bytes key_id) {
	forget(keeper, &(struct forgotten){.key_id = key_id});
}

void
pool_forget_lost(struct keeper *keeper, const struct shared_key *key) {
	forget(keeper, &(struct forgotten){.key_id = bytes_of_text(key->sharing.key.id), .only_lost = key});
}

void
pool_close(struct keeper *keeper) {
	while (keeper->threshold->preparing != nullptr)
		preparing_end(keeper, keeper->threshold->preparing);
}
