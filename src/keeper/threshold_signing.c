/* Signing with a shared key: who permits, what all have counted, the decision on it, and the round itself. */
#include "keeper/threshold_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "gate/shared_request.h"
#include "keeper/loop.h"

static const char NONCE_LABEL[] = "gatehouse/joint/signing/v1";

static const struct shared_key *
key_of(const struct keeper *keeper, const struct joint_session *session) {
	return shared_keys_find(keeper->gate->state, bytes_of_text(session->key_id));
}

/* --- Gathering. --- */

enum status
signing_session_start(struct keeper *keeper, struct joint_session *session) {
	const struct shared_key *key = key_of(keeper, session);
	struct session_party *own = &session->parties[shared_key_self(key)];
	struct joint_answer permitted = {.kind = ANSWER_PERMITTED,
					 .operation = session->operation->id,
					 .digest = session->operation->digest,
					 .bundle = keeper->gate->state->bundle->hash,
					 .epoch = key->sharing.key.epoch};
	session->state = SESSION_GATHERING;
	session->gather_end_ms = threshold_now_ms(keeper) + GATHER_MS;
	own->has_permitted = true;
	own->digest = permitted.digest;
	own->bundle = permitted.bundle;
	own->epoch = permitted.epoch;
	if (key->is_closed) /* as if it were not there: others sign, where there are enough */
		return session->is_asker ? pairs_need_sealed(key) : OK;
	for (size_t i = 0; i < session->holders.count; i++) {
		const struct peer *peer = threshold_holder(keeper, &session->holders.parties[i]);
		if (peer == nullptr)
			continue;
		if (signing_tell_counted(keeper, peer) != OK) { /* it does not know all: as if it were not there */
			log_warning("keeper %s does not hear what was counted: %s", peer->name, fail_message());
			continue;
		}
		threshold_send_answer(keeper, peer, &permitted);
		session->parties[peer->party].is_expected = true;
	}
	return OK;
}

/* What it was decided on is recorded with the outcome: where it is refused, and where the own share leaves. */
static enum status
decide_again(struct keeper *keeper, struct joint_session *session, bool is_last) {
	struct evaluation *evaluation = &session->evaluation;
	*evaluation = (struct evaluation){};
	enum status status = joint_decide_again(keeper->gate, session->operation, keeper->gate->state->now_ms,
						&session->arena, evaluation);
	if ((is_last || status != OK) && evaluation->facts != nullptr && evaluation->observation.requester != nullptr)
		TRY(joint_record_again(keeper->gate, &session->arena, evaluation, &session->again));
	return status;
}

static enum status
propose(struct keeper *keeper, struct joint_session *session) {
	struct proposal proposal = {.kind = PROPOSE_SIGN, .operation = session->operation->id};
	struct party_set signers;
	TRY(choosing_signers(keeper, session, &signers));
	TRY(decide_again(keeper, session, false));
	size_t count = session->evaluation.request_count;
	if (count == 0 || count > JOINT_REQUESTS_MAX)
		return fail(STATUS_TOO_LARGE, "joint.requests: %zu signatures; 1 to %zu are made together", count,
			    JOINT_REQUESTS_MAX);
	for (size_t i = 0; i < signers.count; i++)
		proposal.signers[proposal.signer_count++] = signers.parties[i].index;
	proposal.presignature_count = (uint8_t)count;
	for (size_t i = 0; i < count; i++) /* none left, or an opaque digest: full rounds */
		if (session->evaluation.use == KEY_PURPOSE_DIGEST ||
		    !pool_find(keeper, bytes_of_text(session->key_id), &signers, i, &proposal.presignatures[i]))
			proposal.presignatures[i] = (struct hash256){};
	for (size_t i = 0; i < signers.count; i++) {
		const struct peer *peer = threshold_holder(keeper, &signers.parties[i]);
		if (peer != nullptr)
			threshold_send_proposal(keeper, peer, &proposal);
	}
	loop_flush(keeper); /* before this keeper decides once more as well */
	session->proposal = proposal;
	session->signers = signers;
	session->state = SESSION_DECIDING;
	return OK;
}

/* Whoever knows the R that will sign an opaque digest can choose it so that the signature is also that of another; and nothing of FROST's is
 * prepared. */
static enum status
check_rounds(const struct shared_key *key, const struct proposal *proposal) {
	static const struct hash256 none;
	bool takes_all = key->sharing.key.purpose == KEY_PURPOSE_DIGEST || sharing_is_frost(key->sharing.scheme);
	for (size_t i = 0; takes_all && i < proposal->presignature_count; i++)
		if (!hash256_equal(&proposal->presignatures[i], &none))
			return fail(
				STATUS_DENIED,
				"joint.presignature: opaque digests, and keys of FROST's schemes, are signed in full "
				"rounds, with nothing prepared");
	return OK;
}

static enum status
take_proposal(struct keeper *keeper, struct joint_session *session, const struct proposal *proposal) {
	const struct shared_key *key = key_of(keeper, session);
	if (session->state != SESSION_GATHERING)
		return fail(STATUS_CONFLICT, "joint.proposed: signers were proposed before");
	TRY(party_set_choose(&session->holders, proposal->signers, proposal->signer_count, &session->signers));
	if (session->signers.count != key->sharing.key.threshold ||
	    !party_set_has(&session->signers, shared_key_self(key)))
		return fail(STATUS_INVALID,
			    "joint.signers: not those that a signature of this key takes, with this one");
	TRY(check_rounds(key, proposal));
	session->proposal = *proposal;
	session->state = SESSION_DECIDING;
	return OK;
}

/* Who else proposes is heard no more than had it said nothing: it would end what others do. */
void
signing_session_proposed(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
			 const struct proposal *proposal) {
	if (peer->party != session->asker || session->state == SESSION_ENDING) {
		threshold_log_fault(keeper, peer, FAULT_SIGNERS,
				    "keeper %s proposes signers of what it does not ask for", peer->name);
		return;
	}
	if (take_proposal(keeper, session, proposal) != OK)
		session_fail(keeper, session, nullptr);
	else
		signing_session_step(keeper, session);
}

/* --- Deciding once more, and signing. --- */

/* All other signers have permitted, what they counted is here, and they run our bundle. */
static enum status
check_signers(const struct keeper *keeper, const struct joint_session *session, bool *all_here) {
	struct shared_key *key;
	TRY(shared_keys_need_share(keeper->gate->state, bytes_of_text(session->key_id), &key));
	TRY(pairs_need_sealed(key));
	*all_here = true;
	for (size_t i = 0; i < session->signers.count; i++) {
		uint8_t index = session->signers.parties[i].index;
		const struct session_party *party = &session->parties[index];
		const char *name = key->sharing.names[party_set_position(&key->sharing.key.holders, index)];
		if (!party->has_permitted) {
			*all_here = false;
			return OK;
		}
		if (index != shared_key_self(key) && !threshold_may_sign(keeper, key, &session->signers.parties[i]))
			return fail(STATUS_UNAVAILABLE,
				    "joint.admission: keeper %s is not the one that key %s was dealt to, or was "
				    "admitted anew "
				    "since: gatehouse key repair %s --keeper %s",
				    name, key->sharing.key.id, key->sharing.key.id, name);
		if (!hash256_equal(&party->bundle, &keeper->gate->state->bundle->hash))
			return fail(STATUS_CONFLICT, "joint.bundle: party %u has another policy bundle in force",
				    index);
		if (party->epoch != key->sharing.key.epoch)
			return fail(STATUS_CONFLICT, "joint.epoch: keeper %s has key %s as of epoch %u, not %u", name,
				    key->sharing.key.id, party->epoch, key->sharing.key.epoch);
		if (keeper->threshold->is_unheard[index])
			return fail(STATUS_UNAVAILABLE,
				    "joint.counted: keeper %s has not told what it counted, under its signature", name);
	}
	return OK;
}

static bool
presignatures_are_here(const struct keeper *keeper, const struct joint_session *session) {
	static const struct hash256 none;
	for (size_t i = 0; i < session->proposal.presignature_count; i++) {
		const struct hash256 *id = &session->proposal.presignatures[i];
		if (!hash256_equal(id, &none) && !presignature_pool_knows(&keeper->threshold->pool, id))
			return false;
	}
	return true;
}

static void
make_request(const struct keeper *keeper, const struct evaluation *evaluation, size_t i,
	     struct ecdsa_request *request) {
	const struct signing_request *asked = &evaluation->requests[i];
	*request = (struct ecdsa_request){.path = asked->path, .opaque = evaluation->use == KEY_PURPOSE_DIGEST};
	memcpy(request->digest, asked->digest, sizeof request->digest);
	memcpy(request->bundle_hash, keeper->gate->state->bundle->hash.bytes, sizeof request->bundle_hash);
}

/* What was prepared for others than the signers is used up and signs nothing. */
static enum status
start_online(struct keeper *keeper, struct joint_session *session, struct ecdsa_share *share, size_t i,
	     const struct ecdsa_request *request) {
	_cleanup_(presignature_destroy) struct presignature *presignature = nullptr;
	TRY(presignature_pool_take(&keeper->threshold->pool, &session->proposal.presignatures[i], &presignature));
	bool fits = presignature->signers.count == session->signers.count;
	for (size_t j = 0; fits && j < session->signers.count; j++)
		fits = presignature->signers.parties[j].index == session->signers.parties[j].index;
	if (!fits)
		return fail(STATUS_CONFLICT, "presignature.signers: this one is of other signers");
	machine_begin(keeper, &session->machines[i]);
	session->machines[i].kind = MACHINE_ONLINE;
	enum status status = online_start(&session->machines[i].online, &presignature, share,
					  bytes_of_text(keeper->gate->state->instance), request);
	if (status != OK)
		session->machines[i].kind = MACHINE_NONE;
	return status;
}

static enum status
start_full(struct keeper *keeper, struct joint_session *session, struct ecdsa_share *share, size_t i,
	   const struct ecdsa_request *request) {
	uint8_t number = (uint8_t)i;
	struct hash256 nonce = SHA256_PARTS(BYTES_OF_LITERAL(NONCE_LABEL), hash256_bytes(&session->operation->digest),
					    bytes_of(&number, 1));
	struct signing_terms terms = {.share = share,
				      .signers = &session->signers,
				      .instance = bytes_of_text(keeper->gate->state->instance),
				      .nonce = nonce.bytes,
				      .request = request};
	machine_begin(keeper, &session->machines[i]);
	TRY(signing_start(&session->machines[i].signing, &terms));
	session->machines[i].kind = MACHINE_SIGNING;
	return OK;
}

static enum status
start_machines(struct keeper *keeper, struct joint_session *session) {
	static const struct hash256 none;
	struct shared_key *key;
	TRY(shared_keys_need_share(keeper->gate->state, bytes_of_text(session->key_id), &key));
	session->request_count = session->evaluation.request_count;
	for (size_t i = 0; i < session->request_count; i++) {
		struct ecdsa_request request;
		if (key->frost_share != nullptr) {
			TRY(quorum_machine_start(keeper, session, key->frost_share, i));
			continue;
		}
		make_request(keeper, &session->evaluation, i, &request);
		bool is_full = hash256_equal(&session->proposal.presignatures[i], &none);
		TRY(is_full ? start_full(keeper, session, key->share, i, &request)
			    : start_online(keeper, session, key->share, i, &request));
	}
	session->state = SESSION_RUNNING;
	for (size_t i = 0; i < session->request_count; i++)
		TRY(machine_send(keeper, &session->machines[i], &session->signers));
	return OK;
}

static enum status
decide_and_start(struct keeper *keeper, struct joint_session *session) {
	bool all_here;
	TRY(check_signers(keeper, session, &all_here));
	if (!all_here || !presignatures_are_here(keeper, session))
		return OK;
	TRY(decide_again(keeper, session, true));
	if (session->evaluation.request_count != session->proposal.presignature_count)
		return fail(STATUS_CONFLICT, "joint.requests: %zu signatures are asked for, and %u were proposed",
			    session->evaluation.request_count, session->proposal.presignature_count);
	return start_machines(keeper, session);
}

static bool
is_gathered(const struct keeper *keeper, const struct joint_session *session) {
	if (threshold_now_ms(keeper) >= session->gather_end_ms)
		return true;
	for (size_t i = 0; i < session->holders.count; i++)
		if (session->parties[session->holders.parties[i].index].is_expected)
			return false;
	return true;
}

bool
signing_session_is_settled(const struct keeper *keeper, const struct joint_session *session) {
	const struct shared_key *key = key_of(keeper, session);
	return key == nullptr || leaving_need_settled(keeper->gate->state, key) == OK;
}

void
signing_session_step(struct keeper *keeper, struct joint_session *session) {
	enum status status = OK;
	if (!signing_session_is_settled(keeper, session))
		return; /* nothing is asked for, and no share leaves */
	if (session->state == SESSION_GATHERING && session->is_asker && is_gathered(keeper, session))
		status = propose(keeper, session);
	if (status == OK && session->state == SESSION_DECIDING)
		status = decide_and_start(keeper, session);
	if (status != OK)
		session_fail(keeper, session, nullptr);
	else if (session->state == SESSION_RUNNING)
		keeper->threshold->has_begun = keeper->threshold->is_pool_due = true;
}

/* --- The end. --- */

static void
conclude(struct keeper *keeper, struct joint_session *session, const struct ecdsa_signature *made) {
	struct signature signatures[JOINT_REQUESTS_MAX] = {};
	struct conclusion conclusion;
	for (size_t i = 0; i < session->evaluation.request_count; i++) {
		memcpy(signatures[i].bytes, made[i].compact, sizeof signatures[i].bytes);
		memcpy(signatures[i].public_key, made[i].public_key, sizeof signatures[i].public_key);
		signatures[i].recovery = made[i].recovery;
	}
	if (joint_sign_conclusion(&session->arena, &session->evaluation, signatures, &conclusion) != OK) {
		session_fail(keeper, session, nullptr);
		return;
	}
	conclusion.again = session->again;
	choosing_trust(keeper, session);
	session_conclude(keeper, session, &conclusion);
}

/* Whoever has it tells all: one that is to have it too may not get it otherwise. */
static void
tell_signed(struct keeper *keeper, const struct joint_session *session) {
	struct joint_answer signed_answer = {.kind = ANSWER_SIGNED,
					     .operation = session->operation->id,
					     .signature_count = (uint8_t)session->request_count};
	memcpy(signed_answer.signatures, session->signatures, sizeof signed_answer.signatures);
	for (size_t i = 0; i < session->holders.count; i++) {
		const struct peer *peer = threshold_holder(keeper, &session->holders.parties[i]);
		if (peer != nullptr)
			threshold_send_answer(keeper, peer, &signed_answer);
	}
}

static bool
machine_result(const struct machine *machine, const struct sharing *sharing, struct ecdsa_signature *signature) {
	if (machine->kind == MACHINE_QUORUM)
		return quorum_machine_result(machine, sharing, signature);
	return machine->kind == MACHINE_ONLINE ? online_result(machine->online, signature)
					       : signing_result(machine->signing, signature);
}

void
signing_tell_failed(struct keeper *keeper, struct bytes key_id) {
	for (struct joint_session *session = keeper->threshold->sessions, *next; session != nullptr; session = next) {
		next = session->next;
		if (session->failed == nullptr || !bytes_equal_text(key_id, session->key_id))
			continue;
		struct machine *failed = TAKE(session->failed);
		IGNORE_STATUS(machine_send(keeper, failed, &session->signers)); /* that it has ended */
		fail_keep("%s", session->refusal);
		session_fail(keeper, session, failed);
	}
}

void
signing_session_frame(struct keeper *keeper, struct joint_session *session, struct machine *machine,
		      struct bytes frame) {
	if (session->failed != nullptr)
		return;
	enum status status = machine_receive(machine, frame);
	if (status != OK && machine_state(machine) != EXCHANGE_ABORTED)
		return; /* stray, or over */
	if (status != OK) {
		snprintf(session->refusal, sizeof session->refusal, "%s", fail_message());
		session->failed = machine;
		pairs_seal(keeper, bytes_of_text(session->key_id));
		return;
	}
	if (machine_send(keeper, machine, &session->signers) != OK) {
		session_fail(keeper, session, nullptr);
		return;
	}
	const struct shared_key *key = key_of(keeper, session);
	for (size_t i = 0; i < session->request_count; i++)
		if (key == nullptr || !machine_result(&session->machines[i], &key->sharing, &session->signatures[i]))
			return;
	tell_signed(keeper, session);
	conclude(keeper, session, session->signatures);
}

/* Observes and decodes again: what is to be signed. */
static enum status
evaluate_again(struct keeper *keeper, struct joint_session *session) {
	struct submission *submission = ARENA_NEW(&session->arena, struct submission);
	const struct directory_key *asking;
	TRY_ALLOC(submission);
	TRY(joint_submission(session->operation, &session->arena, submission));
	asking = directory_key(keeper->gate->state->directory, submission->key_id);
	if (asking == nullptr)
		return fail(STATUS_NOT_FOUND, "joint.requester: its key is gone");
	return gate_evaluate(keeper->gate, &session->arena, submission, asking, session->operation->held->votes,
			     keeper->gate->state->now_ms, &session->evaluation);
}

/* What is verified with: it decodes, where it has not. That this fails is no fault of whoever shows something. */
static enum status
find_expected(struct keeper *keeper, struct joint_session *session) {
	if (session->state != SESSION_RUNNING)
		TRY(evaluate_again(keeper, session));
	for (size_t i = 0; i < session->evaluation.request_count && i < JOINT_REQUESTS_MAX; i++)
		TRY(gate_state_public_key(keeper->gate->state, bytes_of_text(session->key_id),
					  &session->evaluation.requests[i].path, session->signatures[i].public_key));
	return key_of(keeper, session) != nullptr ? OK : fail(STATUS_NOT_FOUND, "joint.key: it is gone");
}

/* Nobody is believed. */
static enum status
check_signed(struct keeper *keeper, struct joint_session *session, const struct joint_answer *answer) {
	const struct evaluation *evaluation = &session->evaluation;
	const struct shared_key *key = key_of(keeper, session);
	if (evaluation->request_count != answer->signature_count)
		return fail(STATUS_UNAUTHORIZED, "joint.signatures: %u of %zu", answer->signature_count,
			    evaluation->request_count);
	for (size_t i = 0; i < answer->signature_count; i++) {
		struct ecdsa_signature *made = &session->signatures[i];
		memcpy(made->compact, answer->signatures[i].compact, sizeof made->compact);
		made->recovery = answer->signatures[i].recovery;
		TRY(shared_request_verify(keeper->gate->state, &key->sharing, &evaluation->requests[i], made->compact,
					  made->recovery));
	}
	return OK;
}

/* Each check takes time and, of the session, memory: who shows what does not hold is not heard again about the operation. */
void
signing_session_signed(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
		       const struct joint_answer *answer) {
	uint32_t *misled = &session->operation->held->misled, party = UINT32_C(1) << peer->party;
	if ((*misled & party) != 0 || session->cannot_verify)
		return;
	if (find_expected(keeper, session) != OK) {
		session->cannot_verify = true;
		log_warning("what keeper %s says is signed cannot be verified: %s", peer->name, fail_message());
		return;
	}
	enum status status = check_signed(keeper, session, answer);
	if (status != OK) {
		log_warning("what keeper %s says is signed is not: %s", peer->name, fail_message());
		*misled |= status == STATUS_NO_MEMORY ? 0 : party;
		return;
	}
	session->share_left = true; /* whatever comes */
	conclude(keeper, session, session->signatures);
}

void
signing_session_shown(struct keeper *keeper, struct joint_session *session, const struct peer *peer,
		      const struct joint_answer *answer) {
	uint32_t *misled = &session->operation->held->misled, party = UINT32_C(1) << peer->party;
	struct conclusion conclusion;
	if ((*misled & party) != 0 || session->cannot_verify)
		return;
	if (find_expected(keeper, session) != OK) {
		session->cannot_verify = true;
		log_warning("what keeper %s shows cannot be verified: %s", peer->name, fail_message());
		return;
	}
	enum status status = joint_shown_conclusion(keeper->gate, &session->arena, &key_of(keeper, session)->sharing,
						    &session->evaluation, answer->result, &conclusion);
	if (status != OK) {
		log_warning("what keeper %s shows is not what was to be signed: %s", peer->name, fail_message());
		*misled |= status == STATUS_NO_MEMORY ? 0 : party;
		return;
	}
	conclusion.again = session->again;
	session_conclude(keeper, session, &conclusion);
}
