#include "keeper/threshold_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "keeper/decide.h"
#include "keeper/loop.h"

int64_t
threshold_now_ms(const struct keeper *keeper) {
	return io_boottime_ns(keeper->config.io) / 1'000'000;
}

/* --- Peers. --- */

const struct peer *
threshold_peer(const struct keeper *keeper, uint8_t party) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct peer *peer;
	for (size_t i = 0; (peer = link->at(link->context, i)) != nullptr; i++)
		if (peer->party == party && peer->is_enrolled && peer->state == PEER_UP)
			return peer;
	return nullptr;
}

const struct peer *
threshold_holder(const struct keeper *keeper, const struct party *party) {
	const struct peer *peer = threshold_peer(keeper, party->index);
	return peer != nullptr && memcmp(peer->identity, party->identity, sizeof peer->identity) == 0 ? peer : nullptr;
}

uint64_t
threshold_admission(const struct keeper *keeper, uint8_t party) {
	const struct enrolled_keeper *enrolled =
		party <= KEEPERS_MAX ? keeper->gate->state->keepers.of_party[party] : nullptr;
	return enrolled == nullptr ? 0 : enrolled->admission;
}

bool
threshold_may_sign(const struct keeper *keeper, const struct shared_key *key, const struct party *party) {
	size_t position = party_set_position(&key->sharing.key.holders, party->index);
	return position < key->sharing.key.holders.count && threshold_holder(keeper, party) != nullptr &&
	       threshold_admission(keeper, party->index) == key->sharing.admissions[position];
}

static void
send_body(struct keeper *keeper, const struct peer *peer, enum peer_kind kind, const struct buffer *body) {
	const struct threshold_link *link = &keeper->threshold->link;
	if (buffer_status(body) != OK || link->send(link->context, peer, kind, buffer_bytes(body)) != OK)
		log_warning("keeper %s is not told: %s", peer->name, fail_message());
}

void
threshold_send_answer(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer) {
	_cleanup_(buffer_free) struct buffer body = {};
	joint_answer_write(&body, answer);
	send_body(keeper, peer, PEER_ANSWER, &body);
}

void
threshold_send_proposal(struct keeper *keeper, const struct peer *peer, const struct proposal *proposal) {
	_cleanup_(buffer_free) struct buffer body = {};
	proposal_write(&body, proposal);
	send_body(keeper, peer, PEER_PROPOSE, &body);
}

void
threshold_tell(struct keeper *keeper, const struct party_set *parties, const struct joint_answer *answer) {
	for (size_t i = 0; i < parties->count; i++) {
		const struct peer *peer = threshold_holder(keeper, &parties->parties[i]);
		if (peer != nullptr)
			threshold_send_answer(keeper, peer, answer);
	}
}

/* --- Machines. --- */

void
machine_close(struct machine *machine) {
	switch (machine->kind) {
	case MACHINE_DEALING:
		dealing_destroy(&machine->dealing);
		break;
	case MACHINE_SIGNING:
		signing_destroy(&machine->signing);
		break;
	case MACHINE_ONLINE:
		online_destroy(&machine->online);
		break;
	case MACHINE_NONE:
		break;
	}
	*machine = (struct machine){};
}

enum status
machine_receive(struct machine *machine, struct bytes frame) {
	switch (machine->kind) {
	case MACHINE_DEALING:
		return dealing_receive(machine->dealing, frame);
	case MACHINE_SIGNING:
		return signing_receive(machine->signing, frame);
	case MACHINE_ONLINE:
		return online_receive(machine->online, frame);
	case MACHINE_NONE:
		break;
	}
	return fail(STATUS_INTERNAL, "joint.machine: none runs");
}

enum exchange_state
machine_state(const struct machine *machine) {
	switch (machine->kind) {
	case MACHINE_DEALING:
		return dealing_state(machine->dealing);
	case MACHINE_SIGNING:
		return signing_state(machine->signing);
	case MACHINE_ONLINE:
		return online_state(machine->online);
	case MACHINE_NONE:
		break;
	}
	return EXCHANGE_ABORTED;
}

uint8_t
machine_culprit(const struct machine *machine) {
	switch (machine->kind) {
	case MACHINE_DEALING:
		return dealing_culprit(machine->dealing);
	case MACHINE_SIGNING:
		return signing_culprit(machine->signing);
	case MACHINE_ONLINE:
		return online_culprit(machine->online);
	case MACHINE_NONE:
		break;
	}
	return 0;
}

static bool
machine_next(struct machine *machine, uint8_t *to, struct bytes *frame) {
	switch (machine->kind) {
	case MACHINE_DEALING:
		return dealing_next(machine->dealing, to, frame);
	case MACHINE_SIGNING:
		return signing_next(machine->signing, to, frame);
	case MACHINE_ONLINE:
		return online_next(machine->online, to, frame);
	case MACHINE_NONE:
		break;
	}
	return false;
}

enum status
machine_send(struct keeper *keeper, struct machine *machine, const struct party_set *parties) {
	const struct threshold_link *link = &keeper->threshold->link;
	struct bytes frame;
	uint8_t to;
	while (machine_next(machine, &to, &frame)) {
		struct message_header header;
		TRY(message_read_header(frame, &header));
		machine->session_id = header.session_id;
		machine->has_session_id = true;
		size_t position = party_set_position(parties, to);
		const struct peer *peer =
			position < parties->count ? threshold_holder(keeper, &parties->parties[position]) : nullptr;
		if (peer == nullptr)
			return fail(STATUS_UNAVAILABLE, "joint.absent: party %u is not there", to);
		TRY(link->send(link->context, peer, PEER_PROTOCOL, frame));
	}
	return OK;
}

/* --- Sessions. --- */

struct joint_session *
session_find(struct keeper *keeper, const struct hash256 *operation) {
	struct joint_session *session = keeper->threshold->sessions;
	while (session != nullptr && !hash256_equal(&session->operation->id, operation))
		session = session->next;
	return session;
}

static bool
is_machine(const struct machine *machine, const struct hash256 *session_id) {
	return machine->has_session_id && hash256_equal(&machine->session_id, session_id);
}

struct joint_session *
session_find_frame(struct keeper *keeper, const struct hash256 *session_id, struct machine **machine) {
	for (struct joint_session *session = keeper->threshold->sessions; session != nullptr; session = session->next) {
		*machine = &session->dealing;
		if (is_machine(*machine, session_id))
			return session;
		for (size_t i = 0; i < session->request_count; i++) {
			*machine = &session->machines[i];
			if (is_machine(*machine, session_id))
				return session;
		}
	}
	return nullptr;
}

static void
session_free(struct joint_session *session) {
	machine_close(&session->dealing);
	for (size_t i = 0; i < JOINT_REQUESTS_MAX; i++)
		machine_close(&session->machines[i]);
	arena_free(&session->arena);
	free(session);
}

static void
session_unlink(struct keeper *keeper, struct joint_session *session) {
	struct joint_session **at = &keeper->threshold->sessions;
	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
}

/* The record of the intent says what came of it, for the answer. */
static enum status
answer_with(struct job *job, const struct conclusion *conclusion) {
	struct decision_record *record = ARENA_NEW(&job->arena, struct decision_record);
	TRY_ALLOC(record);
	if (job->intent != nullptr)
		*record = *job->intent;
	record->outcome = conclusion->outcome;
	if (conclusion->result.len > 0) {
		record->result = arena_copy(&job->arena, conclusion->result);
		TRY_ALLOC(record->result.data);
	}
	if (conclusion->error != nullptr)
		record->error = bytes_of_text(arena_format(&job->arena, "%s", conclusion->error) ?: "");
	job->intent = record;
	return OK;
}

void
session_conclude(struct keeper *keeper, struct joint_session *session, const struct conclusion *conclusion) {
	struct gate_operation *operation = session->operation;
	struct job *job = session->job;
	if (job == nullptr) {
		job = job_take(keeper);
		if (job == nullptr) {
			keeper_end(keeper, "joint.memory: an outcome cannot be recorded");
			return;
		}
		job->is_internal = true;
	}
	if (job->intent != nullptr && answer_with(job, conclusion) != OK)
		log_warning("an answer lacks its result: %s", fail_message());
	if (!session->is_dealing)
		pool_burn(keeper, 0, &session->proposal);
	session_unlink(keeper, session);
	gate_step_free(&job->step);
	commit_release(job->commit);
	job->commit = nullptr;
	loop_begin_batch(keeper);
	enum status status = gate_conclude(keeper->gate, operation, conclusion, keeper->batch_ms, &job->step);
	decide_concluded(keeper, job, status);
	session_free(session);
}

/* For the own log and nobody else: which check failed, and whom it names, where it names anybody. */
static enum status
write_blame(const struct machine *machine, struct buffer *blame) {
	static const char *const protocols[] = {[MACHINE_NONE] = "none",
						[MACHINE_DEALING] = "dealing",
						[MACHINE_SIGNING] = "signing",
						[MACHINE_ONLINE] = "online"};
	struct json_writer writer;
	json_writer_start(&writer, blame);
	json_write_object(&writer);
	json_write_member_text(&writer, "check", fail_message());
	if (machine_culprit(machine) != 0)
		json_write_member_integer(&writer, "party", machine_culprit(machine));
	json_write_member_text(&writer, "protocol", protocols[machine->kind]);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

/* A row that it did not store is another dealing's, which may be in force. */
static void
discard_row(struct keeper *keeper, const struct joint_session *session) {
	if (session->has_row && shared_keys_discard(keeper->gate->state, bytes_of_text(session->wanted.key.id),
						    session->wanted.key.epoch) != OK)
		log_warning("a share that is not used stays until the next start: %s", fail_message());
}

static const char ENDED[] = "joint.ended: the session was ended by a party";

void
session_fail(struct keeper *keeper, struct joint_session *session, const struct machine *failed) {
	char error[512];
	_cleanup_(buffer_free) struct buffer blame = {};
	bool is_blamed = failed != nullptr && write_blame(failed, &blame) == OK;
	snprintf(error, sizeof error, "%s", failed != nullptr ? ENDED : fail_message());
	struct conclusion conclusion = {
		.outcome = OUTCOME_FAILED, .error = error, .gives_back = !session->is_dealing && !session->share_left};
	struct joint_answer refusal = {.kind = ANSWER_REFUSED,
				       .operation = session->operation->id,
				       .gives_back = !session->share_left,
				       .reason = bytes_of_text(error)};
	if (is_blamed)
		conclusion.blame = buffer_bytes(&blame);
	threshold_tell(keeper, &session->holders, &refusal);
	discard_row(keeper, session);
	session_conclude(keeper, session, &conclusion);
}

/* Which keepers it concerns: those that are named, or those that hold the key. */
static enum status
session_prepare(struct keeper *keeper, struct joint_session *session) {
	struct submission submission;
	TRY(joint_submission(session->operation, &session->arena, &submission));
	session->is_dealing = submission.kind != OPERATION_SIGN;
	session->end_ms = threshold_now_ms(keeper) + (session->is_dealing ? DEALING_MS : SIGNING_MS);
	if (session->is_dealing)
		return joint_read_key(keeper->gate, &submission, keeper->gate->state->now_ms, &session->wanted);
	struct shared_key *key;
	TRY(shared_keys_need_share(keeper->gate->state, submission.resource_id, &key));
	memcpy(session->key_id, submission.resource_id.data, submission.resource_id.len);
	session->holders = key->sharing.key.holders;
	return OK;
}

static enum status
session_start(struct keeper *keeper, struct joint_session *session) {
	TRY(session_prepare(keeper, session));
	if (keeper->threshold->link.at == nullptr)
		return fail(STATUS_UNAVAILABLE, "joint.alone: this keeper has no connection to others");
	return session->is_dealing ? dealing_session_start(keeper, session) : signing_session_start(keeper, session);
}

void
threshold_begin(struct keeper *keeper, struct job *job) {
	struct joint_session *session = calloc(1, sizeof *session);
	if (session == nullptr) {
		keeper_end(keeper, "joint.memory: an intended act cannot begin");
		job_give_back(keeper, job);
		return;
	}
	session->operation = job->step.operation;
	session->job = job;
	session->is_asker = job->forwarded_by == 0;
	session->arena.block_size = 16 * 1024;
	job->intent = job->step.record;
	session->next = keeper->threshold->sessions;
	keeper->threshold->sessions = session;
	if (session_start(keeper, session) != OK)
		session_fail(keeper, session, nullptr);
	else if (!session->is_dealing)
		signing_session_step(keeper, session);
	session_take_early(keeper);
}

/* --- Messages. --- */

static void
hear_refusal(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
	     const struct joint_answer *answer) {
	char error[512];
	snprintf(error, sizeof error, "%.*s (keeper %s)", BYTES_ARGS(answer->reason), peer->name);
	bool is_named = memchr(answer->reason.data, ':', answer->reason.len) != nullptr;
	fail_keep("%s%s", is_named ? "" : "joint.refused: ", error);
	/* Who did not sign gives back only where who did had not either. */
	if (!session->is_dealing && !party_set_has(&session->signers, peer->party) && !answer->gives_back)
		session->share_left = true;
	session_fail(keeper, session, nullptr);
}

static void
hear_permission(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
		const struct joint_answer *answer) {
	struct session_party *party = &session->parties[peer->party];
	if (!hash256_equal(&answer->digest, &session->operation->digest)) {
		fail_keep("joint.digest: keeper %s has another operation of this id", peer->name);
		session_fail(keeper, session, nullptr);
		return;
	}
	party->is_expected = false;
	party->has_permitted = true;
	party->digest = answer->digest;
	party->bundle = answer->bundle;
	if (!session->is_dealing)
		signing_session_step(keeper, session);
}

/* Whether a session of the operation may still come: it is not known here yet, or not ended. */
static bool
may_begin(const struct keeper *keeper, const struct hash256 *id) {
	const struct gate_operation *operation = operations_find(&keeper->gate->state->operations, id);
	return operation == nullptr || operation->state == OPERATION_HELD || operation->state == OPERATION_UNKNOWN ||
	       operation->state == OPERATION_IN_FLIGHT;
}

/* False: there is nothing yet that it could be about. */
static bool
hear_answer(struct keeper *keeper, const struct peer *peer, struct bytes body) {
	struct joint_answer answer;
	if (joint_answer_read(body, &answer) != OK) {
		log_warning("keeper %s: %s", peer->name, fail_message());
		return true;
	}
	struct joint_session *session = session_find(keeper, &answer.operation);
	if (answer.kind == ANSWER_REFUSED && answer.gives_back)
		counted_withdraw(&keeper->gate->state->counted, peer->party, answer.operation.bytes);
	if (session == nullptr)
		return !may_begin(keeper, &answer.operation);
	if (!party_set_has(&session->holders, peer->party))
		return true;
	switch (answer.kind) {
	case ANSWER_PERMITTED:
		hear_permission(keeper, session, peer, &answer);
		return true;
	case ANSWER_REFUSED:
		hear_refusal(keeper, session, peer, &answer);
		return true;
	case ANSWER_STORED:
		if (session->is_dealing)
			dealing_session_stored(keeper, session, peer->party, &answer.digest);
		return true;
	case ANSWER_SIGNED:
		if (!session->is_dealing)
			signing_session_signed(keeper, session, &answer);
		return true;
	}
	return true;
}

static bool
hear_proposal(struct keeper *keeper, const struct peer *peer, struct bytes body) {
	struct proposal proposal;
	if (proposal_read(body, &proposal) != OK) {
		log_warning("keeper %s: %s", peer->name, fail_message());
		return true;
	}
	if (proposal.kind == PROPOSE_PREPARE) {
		pool_proposed(keeper, peer, &proposal);
		return true;
	}
	if (proposal.kind == PROPOSE_RESUME) {
		dealing_session_proposed(keeper, peer, &proposal);
		return true;
	}
	struct joint_session *session = session_find(keeper, &proposal.operation);
	if (session == nullptr) {
		bool is_over = !may_begin(keeper, &proposal.operation);
		if (is_over)
			pool_burn(keeper, peer->party, &proposal);
		return is_over;
	}
	if (!session->is_dealing && party_set_has(&session->holders, peer->party))
		signing_session_proposed(keeper, session, &proposal);
	return true;
}

/* The channel says who speaks; a frame that says otherwise is nobody's. */
static bool
hear_frame(struct keeper *keeper, const struct peer *peer, struct bytes frame) {
	struct message_header header;
	struct machine *machine;
	if (message_read_header(frame, &header) != OK || header.from != peer->party)
		return true;
	struct joint_session *session = session_find_frame(keeper, &header.session_id, &machine);
	if (session == nullptr)
		return pool_frame(keeper, &header.session_id, frame);
	if (session->is_dealing)
		dealing_session_frame(keeper, session, frame);
	else
		signing_session_frame(keeper, session, machine, frame);
	return true;
}

static void
hear_request(struct keeper *keeper, const struct peer *peer, struct bytes body) {
	struct job *job = job_take(keeper);
	if (job == nullptr) {
		log_warning("a request from keeper %s is dropped: out of memory", peer->name);
		return;
	}
	job->forwarded_by = peer->party;
	loop_take_forwarded(keeper, job, body);
}

static bool
hear(struct keeper *keeper, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	switch (kind) {
	case PEER_PROTOCOL:
		return hear_frame(keeper, peer, body);
	case PEER_PROPOSE:
		return hear_proposal(keeper, peer, body);
	case PEER_ANSWER:
		return hear_answer(keeper, peer, body);
	case PEER_COUNTED:
		signing_hear_counted(keeper, peer, body);
		return true;
	case PEER_REQUEST:
		hear_request(keeper, peer, body);
		return true;
	default:
		return true;
	}
}

/* Another keeper may be ahead: what cannot be about anything yet waits a while. */
static void
keep_early(struct keeper *keeper, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	struct threshold *threshold = keeper->threshold;
	if (threshold->early_count[peer->party] >= EARLY_MAX ||
	    threshold->early_bytes[peer->party] + body.len > EARLY_BYTES_MAX) {
		log_warning("a message of keeper %s came too early, and too much waits already", peer->name);
		return;
	}
	struct early *made = calloc(1, sizeof *made);
	if (made == nullptr)
		return;
	made->party = peer->party;
	made->kind = kind;
	made->end_ms = threshold_now_ms(keeper) + EARLY_MS;
	buffer_append_bytes(&made->body, body);
	if (buffer_status(&made->body) != OK) {
		free(made);
		return;
	}
	threshold->early_bytes[peer->party] += body.len;
	threshold->early_count[peer->party]++;
	struct early **at = &threshold->early; /* in the order of their coming */
	while (*at != nullptr)
		at = &(*at)->next;
	*at = made;
}

static void
early_free(struct threshold *threshold, struct early *gone) {
	threshold->early_bytes[gone->party] -= gone->body.len;
	threshold->early_count[gone->party]--;
	buffer_free(&gone->body);
	free(gone);
}

static void
take_early_once(struct keeper *keeper) {
	struct threshold *threshold = keeper->threshold;
	struct early *waiting = threshold->early;
	threshold->early = nullptr;
	while (waiting != nullptr) {
		struct early *one = waiting;
		const struct peer *peer = threshold_peer(keeper, one->party);
		waiting = one->next;
		one->next = nullptr;
		if (peer == nullptr || hear(keeper, peer, one->kind, buffer_bytes(&one->body))) {
			early_free(threshold, one);
			continue;
		}
		struct early **at = &threshold->early;
		while (*at != nullptr)
			at = &(*at)->next;
		*at = one;
	}
}

void
session_take_early(struct keeper *keeper) {
	struct threshold *threshold = keeper->threshold;
	do {
		threshold->has_begun = false;
		take_early_once(keeper);
	} while (threshold->has_begun);
}

/* Of the party (0: of any) what has waited until then. */
static void
drop_early(struct keeper *keeper, uint8_t party, int64_t until_ms) {
	for (struct early **at = &keeper->threshold->early; *at != nullptr;) {
		struct early *one = *at;
		if (one->end_ms > until_ms || (party != 0 && one->party != party)) {
			at = &one->next;
			continue;
		}
		*at = one->next;
		early_free(keeper->threshold, one);
	}
}

void
threshold_message(struct keeper *keeper, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	if (keeper->threshold == nullptr || keeper->threshold->link.at == nullptr || peer->party == 0 ||
	    peer->party > PARTIES_MAX || atomic_load(&keeper->has_ended))
		return;
	if (!hear(keeper, peer, kind, body))
		keep_early(keeper, peer, kind, body);
	if (keeper->threshold->has_begun)
		session_take_early(keeper);
}

void
threshold_peer_up(struct keeper *keeper, const struct peer *peer) {
	struct threshold *threshold = keeper->threshold;
	if (peer->party == 0 || peer->party > PARTIES_MAX)
		return;
	threshold->is_pool_due = true;
	threshold->was_told[peer->party] = threshold->is_unheard[peer->party] = false;
	counted_forget_party(&keeper->gate->state->counted, peer->party);
	if (signing_tell_counted(keeper, peer) != OK)
		log_warning("keeper %s does not hear what was counted: %s", peer->name, fail_message());
	for (struct joint_session *session = threshold->sessions, *next; session != nullptr; session = next) {
		next = session->next;
		if (session->is_dealing)
			dealing_session_up(keeper, session, peer);
	}
}

/* Whatever ran with it ends: what of it arrived, nobody knows. */
void
threshold_peer_down(struct keeper *keeper, const struct peer *peer) {
	if (peer->party == 0 || peer->party > PARTIES_MAX)
		return;
	pool_forget_party(keeper, peer->party);
	drop_early(keeper, peer->party, INT64_MAX);
	for (struct joint_session *session = keeper->threshold->sessions, *next; session != nullptr; session = next) {
		next = session->next;
		bool concerns = session->is_dealing ? session->state != SESSION_STORED &&
							      party_set_has(&session->holders, peer->party)
						    : party_set_has(&session->signers, peer->party);
		/* What it has counted is forgotten when it comes again: it permits after it has told that anew, or not at all. */
		session->parties[peer->party].is_expected = session->parties[peer->party].has_permitted = false;
		if (concerns) {
			fail_keep("joint.lost: the connection to keeper %s was lost", peer->name);
			session_fail(keeper, session, nullptr);
		} else if (!session->is_dealing)
			signing_session_step(keeper, session);
	}
}

/* --- Forwarding. --- */

/* What acts on keys that one keeper has alone is nobody else's; the rest is every keeper's. */
static bool
concerns_all(const struct keeper *keeper, const struct job *job) {
	const struct submission *submission = &job->submission;
	if (job->kind == JOB_VOTE)
		return true;
	if (submission->kind == OPERATION_KEY_CREATE)
		return joint_is(keeper->gate, submission->kind, submission->resource_id, submission->payload_document);
	if (submission->kind == OPERATION_KEY_IMPORT)
		return false;
	return submission->resource_type != RESOURCE_KEY ||
	       shared_keys_find(keeper->gate->state, submission->resource_id) != nullptr;
}

void
threshold_forward(struct keeper *keeper, struct job *job) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct peer *peer;
	_cleanup_(buffer_free) struct buffer body = {};
	if (link->at == nullptr || job->forwarded_by != 0 || job->is_internal || !concerns_all(keeper, job))
		return;
	ipc_write_request(&body, &job->received);
	for (size_t i = 0; (peer = link->at(link->context, i)) != nullptr; i++)
		if (peer->is_enrolled && peer->state == PEER_UP)
			send_body(keeper, peer, PEER_REQUEST, &body);
}

/* Only operations that it would have taken part in: of others this keeper's refusal is its own affair. */
void
threshold_answered(struct keeper *keeper, const struct job *job, unsigned status, const char *reason) {
	const struct hash256 *id = job->kind == JOB_VOTE ? &job->vote.operation_id : &job->submission.id;
	static const struct hash256 none;
	const struct peer *peer = threshold_peer(keeper, job->forwarded_by);
	if (hash256_equal(id, &none) || status < 400 || peer == nullptr || job->intent != nullptr)
		return;
	const struct gate_operation *operation = operations_find(&keeper->gate->state->operations, id);
	bool is_open =
		operation != nullptr && (operation->state == OPERATION_HELD || operation->state == OPERATION_UNKNOWN ||
					 operation->state == OPERATION_DONE);
	if (is_open) /* a vote that does not count here, or a request that was here before */
		return;
	struct joint_answer refusal = {
		.kind = ANSWER_REFUSED, .operation = *id, .gives_back = true, .reason = bytes_of_text(reason)};
	threshold_send_answer(keeper, peer, &refusal);
}

/* --- Time. --- */

void
threshold_end_key(struct keeper *keeper, struct bytes key_id) {
	if (keeper->threshold == nullptr)
		return;
	pool_forget_key(keeper, key_id);
	for (struct joint_session *session = keeper->threshold->sessions, *next; session != nullptr; session = next) {
		next = session->next;
		if (session->is_dealing || !bytes_equal_text(key_id, session->key_id))
			continue;
		fail_keep("joint.key: the key was destroyed or dealt anew meanwhile");
		session_fail(keeper, session, nullptr);
	}
}

/* A person has said meanwhile what became of it. */
static void
drop_resolved(struct keeper *keeper, struct joint_session *session) {
	if (session->job != nullptr)
		decide_answer_unknown(keeper, session->job);
	discard_row(keeper, session);
	session_unlink(keeper, session);
	session_free(session);
}

static void
expire_session(struct keeper *keeper, struct joint_session *session, int64_t now_ms) {
	if (session->operation->state != OPERATION_UNKNOWN) {
		drop_resolved(keeper, session);
		return;
	}
	if (session->state == SESSION_STORED) { /* the others may be done: only they can say */
		if (session->job != nullptr && session->end_ms <= now_ms) {
			decide_answer_unknown(keeper, session->job);
			session->job = nullptr;
		}
		return;
	}
	if (session->end_ms <= now_ms) {
		fail_keep("joint.time: the other keepers did not do their part in time");
		session_fail(keeper, session, nullptr);
	} else if (!session->is_dealing && session->state == SESSION_GATHERING && session->gather_end_ms <= now_ms)
		signing_session_step(keeper, session);
}

size_t
threshold_outstanding(const struct keeper *keeper) {
	size_t count = 0;
	if (keeper->threshold == nullptr || atomic_load(&keeper->has_ended))
		return 0;
	for (const struct joint_session *session = keeper->threshold->sessions; session != nullptr;
	     session = session->next)
		count += session->job != nullptr;
	return count;
}

void
threshold_turn(struct keeper *keeper) {
	struct threshold *threshold = keeper->threshold;
	if (threshold == nullptr || threshold->link.at == nullptr || atomic_load(&keeper->has_ended))
		return;
	int64_t now_ms = threshold_now_ms(keeper);
	for (struct joint_session *session = threshold->sessions, *next; session != nullptr; session = next) {
		next = session->next;
		expire_session(keeper, session, now_ms);
	}
	drop_early(keeper, 0, now_ms);
	/* Nothing is prepared while somebody waits, but for once in a while. */
	if ((threshold->is_pool_due && threshold_outstanding(keeper) == 0) || now_ms >= threshold->pool_turn_ms) {
		threshold->is_pool_due = false;
		threshold->pool_turn_ms = now_ms + POOL_TURN_MS;
		pool_turn(keeper);
	}
	if (threshold->has_begun)
		session_take_early(keeper);
}

bool
threshold_wait(struct keeper *keeper) {
	if (keeper->threshold == nullptr || keeper->threshold->link.wait == nullptr)
		return false;
	keeper->threshold->link.wait(keeper->threshold->link.context);
	return true;
}

size_t
threshold_prepared(const struct keeper *keeper, struct bytes key_id) {
	return pool_count(keeper, key_id, nullptr);
}

/* --- Beginning and end. --- */

enum status
threshold_start(struct keeper *keeper, const struct threshold_link *link) {
	keeper->threshold->link = *link;
	return dealings_resume(keeper);
}

void
threshold_stop(struct keeper *keeper) {
	struct threshold *gone = TAKE(keeper->threshold);
	if (gone == nullptr)
		return;
	while (gone->sessions != nullptr) {
		struct joint_session *session = gone->sessions;
		gone->sessions = session->next;
		if (session->job != nullptr)
			jobs_free(session->job);
		session_free(session);
	}
	while (gone->early != nullptr) {
		struct early *one = gone->early;
		gone->early = one->next;
		early_free(gone, one);
	}
	keeper->threshold = gone;
	pool_close(keeper);
	keeper->threshold = nullptr;
	map_free(&gone->nonces);
	presignature_pool_free(&gone->pool);
	free(gone);
}
