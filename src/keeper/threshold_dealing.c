/* Making a shared key: dealing, storing, and the end that all keepers have alike. */
#include "keeper/threshold_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static const char NONCE_LABEL[] = "gatehouse/joint/dealing/v1";

/* The keepers that are named, each by the index and identity of its enrolment. All must be there: each gets a share. */
static enum status
find_party(const struct keeper *keeper, const char *name, struct party *party) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct peer *peer;
	if (strcmp(name, keeper->gate->state->keeper) == 0) {
		party->index = link->own_party(link->context);
		if (party->index == 0)
			return fail(STATUS_UNAVAILABLE,
				    "joint.enrolment: this keeper is not enrolled among the others");
		memcpy(party->identity, link->own_identity(link->context), sizeof party->identity);
		return OK;
	}
	for (size_t i = 0; (peer = link->at(link->context, i)) != nullptr; i++) {
		if (!peer->is_enrolled || strcmp(peer->name, name) != 0)
			continue;
		if (peer->state != PEER_UP)
			return fail(STATUS_UNAVAILABLE, "joint.absent: keeper %s is not there", name);
		party->index = peer->party;
		memcpy(party->identity, peer->identity, sizeof party->identity);
		return OK;
	}
	return fail(STATUS_NOT_FOUND, "joint.enrolment: no keeper %s is enrolled", name);
}

/* Ordered by index, names with them. */
static void
insert_party(struct sharing *sharing, const struct party *party, const char *name, uint64_t admission) {
	struct party_set *holders = &sharing->key.holders;
	size_t at = holders->count++;
	for (; at > 0 && holders->parties[at - 1].index > party->index; at--) {
		holders->parties[at] = holders->parties[at - 1];
		memcpy(sharing->names[at], sharing->names[at - 1], sizeof sharing->names[at]);
		sharing->admissions[at] = sharing->admissions[at - 1];
	}
	holders->parties[at] = *party;
	memset(sharing->names[at], 0, sizeof sharing->names[at]);
	memcpy(sharing->names[at], name, strlen(name));
	sharing->admissions[at] = admission;
}

static enum status
find_parties(struct keeper *keeper, struct joint_session *session) {
	struct sharing *sharing = &session->sharing;
	for (size_t i = 0; i < session->wanted.party_count; i++) {
		struct party party = {};
		TRY(find_party(keeper, session->wanted.names[i], &party));
		insert_party(sharing, &party, session->wanted.names[i], threshold_admission(keeper, party.index));
	}
	TRY(party_set_check(&sharing->key.holders));
	session->holders = sharing->key.holders;
	return OK;
}

static struct ecdsa_key
wanted_key(const struct joint_session *session) {
	struct ecdsa_key key = {.purpose = session->wanted.key.purpose,
				.threshold = session->wanted.key.threshold,
				.epoch = session->wanted.key.epoch,
				.holders = session->holders};
	memcpy(key.id, session->wanted.key.id, sizeof key.id);
	return key;
}

/* Those that deal an old key: of the new holders the first ones whose shares are what they were dealt. */
static enum status
find_dealers(const struct joint_session *session, const struct sharing *old, struct party_set *dealers) {
	*dealers = (struct party_set){};
	for (size_t i = 0; i < old->key.holders.count && dealers->count < old->key.threshold; i++) {
		const struct party *party = &old->key.holders.parties[i];
		size_t position = party_set_position(&session->holders, party->index);
		if (position < session->holders.count &&
		    memcmp(session->holders.parties[position].identity, party->identity, sizeof party->identity) == 0 &&
		    session->sharing.admissions[position] == old->admissions[i])
			dealers->parties[dealers->count++] = *party;
	}
	return dealers->count == old->key.threshold
		       ? OK
		       : fail(STATUS_UNAVAILABLE,
			      "joint.dealers: %u of %u that must deal the key hold its shares still", dealers->count,
			      old->key.threshold);
}

static uint8_t
own_party(const struct keeper *keeper) {
	return keeper->threshold->link.own_party(keeper->threshold->link.context);
}

static enum status
start_machine(struct keeper *keeper, struct joint_session *session) {
	struct hash256 nonce = SHA256_PARTS(BYTES_OF_LITERAL(NONCE_LABEL), hash256_bytes(&session->operation->digest));
	struct dealing_terms terms = {.kind = DEALING_GENERATE,
				      .instance = bytes_of_text(keeper->gate->state->instance),
				      .nonce = nonce.bytes,
				      .self = own_party(keeper),
				      .key = wanted_key(session)};
	struct party_set dealers;
	struct shared_key *old;
	if (!session->wanted.is_made) {
		TRY(shared_keys_need_share(keeper->gate->state, bytes_of_text(session->wanted.key.id), &old));
		TRY(find_dealers(session, &old->sharing, &dealers));
		terms.kind = DEALING_RESHARE;
		terms.old_key = &old->sharing.key;
		terms.dealers = &dealers;
		terms.old_share = party_set_has(&dealers, terms.self) ? old->share : nullptr;
		memcpy(terms.key.public_key, old->sharing.key.public_key, POINT_SIZE);
		memcpy(terms.key.chain_code, old->sharing.key.chain_code, sizeof terms.key.chain_code);
	}
	TRY(dealing_start(&session->dealing.dealing, &terms));
	session->dealing.kind = MACHINE_DEALING;
	return OK;
}

enum status
dealing_session_start(struct keeper *keeper, struct joint_session *session) {
	TRY(find_parties(keeper, session));
	TRY(start_machine(keeper, session));
	session->state = SESSION_RUNNING;
	struct joint_answer permitted = {.kind = ANSWER_PERMITTED,
					 .operation = session->operation->id,
					 .digest = session->operation->digest,
					 .bundle = keeper->gate->state->bundle->hash};
	threshold_tell(keeper, &session->holders, &permitted);
	return machine_send(keeper, &session->dealing, &session->holders);
}

/* --- Storing. --- */

static void
tell_stored(struct keeper *keeper, const struct joint_session *session) {
	struct joint_answer stored = {
		.kind = ANSWER_STORED, .operation = session->operation->id, .digest = session->sharing_hash};
	threshold_tell(keeper, &session->holders, &stored);
}

/* All shares are durable: the key is. Result and record are the same at all keepers but for the time of its making. */
static void
conclude(struct keeper *keeper, struct joint_session *session) {
	_cleanup_(buffer_free) struct buffer result = {};
	struct key_info key = session->wanted.key;
	memcpy(key.public_key, session->sharing.key.public_key, POINT_SIZE);
	key.public_key_len = POINT_SIZE;
	threshold_end_key(keeper, bytes_of_text(key.id)); /* with the shares that are of the past now */
	memset(keeper->threshold->pool_paused_ms, 0, sizeof keeper->threshold->pool_paused_ms);
	keeper->threshold->is_pool_due = true;
	if (joint_key_result(&key, &session->sharing, &result) != OK) {
		session_fail(keeper, session, nullptr);
		return;
	}
	session_conclude(keeper, session,
			 &(struct conclusion){.outcome = OUTCOME_DONE,
					      .result = buffer_bytes(&result),
					      .redeals = !session->wanted.is_made});
}

static void
conclude_if_all_stored(struct keeper *keeper, struct joint_session *session) {
	if (session->state != SESSION_STORED)
		return;
	for (size_t i = 0; i < session->holders.count; i++) {
		const struct session_party *party = &session->parties[session->holders.parties[i].index];
		if (!party->has_stored)
			return;
		if (!hash256_equal(&party->sharing, &session->sharing_hash)) {
			fail_keep("joint.sharing_differs: keeper %s has stored a share of another sharing",
				  session->sharing.names[i]);
			session_fail(keeper, session, nullptr);
			return;
		}
	}
	conclude(keeper, session);
}

static uint8_t
own_holder(const struct keeper *keeper, const struct sharing *sharing) {
	for (size_t i = 0; i < sharing->key.holders.count; i++)
		if (strcmp(sharing->names[i], keeper->gate->state->keeper) == 0)
			return sharing->key.holders.parties[i].index;
	return 0;
}

static void
mark_stored(struct keeper *keeper, struct joint_session *session) {
	struct session_party *own = &session->parties[own_holder(keeper, &session->sharing)];
	own->has_stored = true;
	own->sharing = session->sharing_hash;
	session->has_row = true;
	session->state = SESSION_STORED;
	session->operation->is_acting = false; /* others may never say: people may */
}

/* The share is durable before anybody hears that it is. */
static enum status
store(struct keeper *keeper, struct joint_session *session, const struct ecdsa_key *key) {
	_cleanup_(ecdsa_share_destroy) struct ecdsa_share *share = dealing_take_share(session->dealing.dealing);
	if (share == nullptr)
		return fail(STATUS_INTERNAL, "joint.share: the dealing gave no share");
	session->sharing.key = *key;
	session->sharing.scheme = session->wanted.key.sharing;
	TRY(sharing_hash(&session->sharing, &session->sharing_hash));
	TRY(shared_keys_store(keeper->gate->state, &session->sharing, share));
	mark_stored(keeper, session);
	machine_close(&session->dealing);
	tell_stored(keeper, session);
	return OK;
}

void
dealing_session_frame(struct keeper *keeper, struct joint_session *session, struct bytes frame) {
	struct ecdsa_key key;
	if (session->state != SESSION_RUNNING)
		return;
	enum status status = machine_receive(&session->dealing, frame);
	if (status != OK && machine_state(&session->dealing) == EXCHANGE_RUNNING)
		return; /* stray */
	if (status == OK)
		status = machine_send(keeper, &session->dealing, &session->holders);
	if (status == OK && dealing_confirmed(session->dealing.dealing, &key))
		status = store(keeper, session, &key);
	if (status != OK) {
		bool is_check =
			machine_state(&session->dealing) == EXCHANGE_ABORTED && session->state == SESSION_RUNNING;
		char error[512];
		snprintf(error, sizeof error, "%s", fail_message());
		IGNORE_STATUS(machine_send(keeper, &session->dealing, &session->holders)); /* that it has ended */
		fail_keep("%s", error);
		session_fail(keeper, session, is_check ? &session->dealing : nullptr);
		return;
	}
	conclude_if_all_stored(keeper, session);
}

void
dealing_session_stored(struct keeper *keeper, struct joint_session *session, uint8_t party,
		       const struct hash256 *sharing) {
	session->parties[party].has_stored = true;
	session->parties[party].sharing = *sharing;
	conclude_if_all_stored(keeper, session);
}

/* --- After a restart. --- */

static void
ask(struct keeper *keeper, const struct joint_session *session, const struct peer *peer) {
	struct proposal resume = {
		.kind = PROPOSE_RESUME, .operation = session->operation->id, .nonce = session->sharing_hash};
	threshold_send_proposal(keeper, peer, &resume);
}

void
dealing_session_up(struct keeper *keeper, struct joint_session *session, const struct peer *peer) {
	size_t position = party_set_position(&session->holders, peer->party);
	if (session->state == SESSION_STORED && position < session->holders.count &&
	    threshold_holder(keeper, &session->holders.parties[position]) == peer)
		ask(keeper, session, peer);
}

/* What became of a dealing here: our share is there, or never will be. */
static void
answer_resumed(struct keeper *keeper, const struct peer *peer, const struct gate_operation *operation,
	       const struct proposal *proposal) {
	const struct gate_state *state = keeper->gate->state;
	struct joint_answer answer = {.operation = proposal->operation, .digest = proposal->nonce};
	if (operation != nullptr && operation->state == OPERATION_DONE) {
		size_t at = 0;
		void *value;
		struct hash256 hash;
		answer.kind = ANSWER_STORED;
		while (map_next(&state->shared_keys, &at, nullptr, &value))
			if (sharing_hash(&((const struct shared_key *)value)->sharing, &hash) == OK &&
			    hash256_equal(&hash, &proposal->nonce)) {
				threshold_send_answer(keeper, peer, &answer);
				return;
			}
		return; /* dealt again since: only people know what to do */
	}
	if (operation != nullptr && operation->state != OPERATION_FAILED && operation->state != OPERATION_DENIED &&
	    operation->state != OPERATION_REJECTED && operation->state != OPERATION_EXPIRED)
		return;
	answer.kind = ANSWER_REFUSED;
	answer.gives_back = true;
	answer.reason = BYTES_OF_LITERAL("joint.ended: the dealing has failed at this keeper");
	threshold_send_answer(keeper, peer, &answer);
}

void
dealing_session_proposed(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal) {
	struct joint_session *session = session_find(keeper, &proposal->operation);
	if (session == nullptr) {
		answer_resumed(keeper, peer, operations_find(&keeper->gate->state->operations, &proposal->operation),
			       proposal);
		return;
	}
	if (!session->is_dealing || !party_set_has(&session->holders, peer->party))
		return;
	if (session->state == SESSION_STORED) {
		struct joint_answer stored = {
			.kind = ANSWER_STORED, .operation = session->operation->id, .digest = session->sharing_hash};
		threshold_send_answer(keeper, peer, &stored);
	}
	dealing_session_stored(keeper, session, peer->party, &proposal->nonce);
}

/* The share is there: the others say how it ended. It is not: it never left this keeper that it was, so all have failed. */
static enum status
resume(struct keeper *keeper, struct gate_operation *operation, const struct submission *submission) {
	struct joint_session *session = calloc(1, sizeof *session);
	TRY_ALLOC(session);
	session->operation = operation;
	session->is_dealing = true;
	session->next = keeper->threshold->sessions;
	keeper->threshold->sessions = session;
	TRY(joint_read_key(keeper->gate, submission, keeper->gate->state->now_ms, &session->wanted));
	enum status status = shared_keys_stored(keeper->gate->state, bytes_of_text(session->wanted.key.id),
						session->wanted.key.epoch, &session->sharing);
	if (status != OK && status != STATUS_NOT_FOUND)
		return status;
	if (status == STATUS_NOT_FOUND) {
		fail_keep("joint.interrupted: this keeper was started anew before its share was durable");
		session_fail(keeper, session, nullptr);
		return OK;
	}
	session->holders = session->sharing.key.holders;
	TRY(sharing_hash(&session->sharing, &session->sharing_hash));
	mark_stored(keeper, session);
	for (size_t i = 0; i < session->holders.count; i++) {
		const struct peer *peer = threshold_holder(keeper, &session->holders.parties[i]);
		if (peer != nullptr)
			ask(keeper, session, peer);
	}
	return OK;
}

enum status
dealings_resume(struct keeper *keeper) {
	const struct operations *operations = &keeper->gate->state->operations;
	for (;;) {
		struct gate_operation *found = nullptr;
		_cleanup_(arena_free) struct arena arena = {};
		struct submission submission;
		struct bytes key_id;
		size_t at = 0;
		void *value;
		while (found == nullptr && map_next(&operations->kept, &at, nullptr, &value)) {
			struct gate_operation *operation = value;
			if (operation->state == OPERATION_UNKNOWN && session_find(keeper, &operation->id) == nullptr &&
			    joint_submission(operation, &arena, &submission) == OK &&
			    joint_dealt_key(keeper->gate, &submission, &key_id))
				found = operation;
		}
		if (found == nullptr)
			return OK;
		TRY(resume(keeper, found, &submission));
	}
}
