/*
 * What a keeper is told of a transfer that it signs with others, and by whom: forged signatures and results, what a peer says in another's
 * name, who proposes signers without having asked, and what people said of it. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_log.h"
#include "tests/team_relay.h"

#include "keys/threshold/ecdsa/signing.h"

/* They ask each other what became of it. */
static void
assert_comes_out(struct team *team, const struct hash256 *id) {
	team->on_message = nullptr;
	team_pass_ms(team, 31'000);
	team_settle(team);
	assert_all(team, id, OPERATION_DONE);
}

/* People say there that nothing came of it. */
static void
resolve_at(struct team *team, size_t at, struct bytes operation, struct arena *arena) {
	struct ipc_response response;
	team_do(team, at,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "intent.resolve",
					.payload = "{\"happened\":false}",
					.resource = arena_format(arena, "operation:%.*s", BYTES_ARGS(operation)),
					.reason = "as looked up"},
		arena, &response);
	assert_answer(200, "done", &response);
}

/* A liar's word of what is signed. */
struct forging {
	struct relay relay;
	struct buffer told; /* answer 4, as one who has signed tells it */
};

static bool
keep_told(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct forging *forging = team->context;
	if (kind == PEER_ANSWER && body->data[0] == ANSWER_SIGNED) {
		buffer_reset(&forging->told);
		buffer_append_bytes(&forging->told, buffer_bytes(body));
		return false;
	}
	struct relay relay = forging->relay;
	team->context = &relay;
	bool passes = lose(team, from, to, kind, body);
	team->context = forging;
	return passes && !(kind == PEER_PROPOSE && body->data[0] == PROPOSE_SHOW);
}

/* r, s, and of ECDSA the recovery id, which is part of what Ethereum takes. */
static void
a_forged_signature_convinces_nobody(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct forging forging = {.relay = {.from = 1, .to = 0}};
	struct ipc_response response;
	found_with(&team, 930, keep_told, &forging);
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
	assert_answer(202, "unknown", &response);
	struct hash256 id = id_of(&response);
	assert_int_equal(34 + 65, forging.told.len);
	static const size_t at[] = {34, 34 + 40, 34 + 64};
	for (size_t i = 0; i < ARRAY_LENGTH(at); i++) {
		struct gate_operation *operation = operations_find(&state_of(&team, 0)->operations, &id);
		operation->held->misled = 0; /* each lie for itself */
		forging.told.data[at[i]] ^= 1;
		hear(&team, 0, 2, PEER_ANSWER, buffer_bytes(&forging.told));
		assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 0, &id));
		assert_int_equal(UINT32_C(1) << 3, operation->held->misled);
		forging.told.data[at[i]] ^= 1;
	}
	/* Who lied is not heard again, whatever it says; another is. */
	hear(&team, 0, 2, PEER_ANSWER, buffer_bytes(&forging.told));
	assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 0, &id));
	hear(&team, 0, 1, PEER_ANSWER, buffer_bytes(&forging.told));
	assert_int_equal(OPERATION_DONE, team_state(&team, 0, &id));
	buffer_free(&forging.told);
}

/* What stands in one's log is shown to one that asks, and nothing else of it is believed either. */
static void
a_forged_result_convinces_nobody(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer body = {};
	struct forging forging = {.relay = {.from = 1, .to = 0}};
	struct ipc_response response;
	found_with(&team, 940, keep_told, &forging);
	team_submit(&team, 0, transfer(&arena, 10, 0), &arena, &response);
	struct hash256 id = id_of(&response);
	buffer_free(&forging.told);
	static const char *const shown[] = {
		"{}",
		"[]",
		"no",
		"{\"transaction\":\"02\"}",
		"{\"transaction\":\"\",\"transaction_id\":\"0x\"}",
		"{\"signature\":\"00\",\"public_key\":\"02\",\"recovery\":0}",
	};
	for (size_t i = 0; i < ARRAY_LENGTH(shown); i++) {
		struct gate_operation *operation = operations_find(&state_of(&team, 0)->operations, &id);
		operation->held->misled = 0;
		buffer_reset(&body);
		joint_answer_write(&body, &(struct joint_answer){.kind = ANSWER_SHOWN,
								 .operation = id,
								 .result = bytes_of_text(shown[i])});
		hear(&team, 0, 2, PEER_ANSWER, buffer_bytes(&body));
		assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 0, &id));
		assert_int_equal(UINT32_C(1) << 3, operation->held->misled);
	}
	assert_comes_out(&team, &id);
}

/* People said that nothing came of it, and were wrong: it stays so, and the log says who contradicts it. */
static void
a_signature_that_people_denied_is_seen(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct relay relay = {.from = 1, .to = 0, .loses_all = true};
	struct ipc_response response;
	found_with_relay(&team, &relay, 950);
	team_cut(&team, 0, 2);
	team_cut(&team, 1, 2);
	team_submit(&team, 0, named_transfer(&arena, "denied", 0), &arena, &response);
	assert_answer(202, "unknown", &response);
	struct hash256 id = id_of(&response);
	team_cut(&team, 0, 1);
	team.on_message = nullptr;
	resolve_at(&team, 0, response.operation, &arena);
	assert_int_equal(OPERATION_FAILED, team_state(&team, 0, &id));
	assert_int_equal(TRANSFER_CENTS, spent(&team, 0));
	struct joint_answer told = {.kind = ANSWER_SIGNED, .operation = id, .signature_count = 1};
	_cleanup_(buffer_free) struct buffer body = {};
	joint_answer_write(&body, &told);
	hear(&team, 0, 1, PEER_ANSWER, buffer_bytes(&body));
	assert_int_equal(OPERATION_FAILED, team_state(&team, 0, &id));
	assert_true(log_says(&team, 0, ENTRY_CHECK, "\"check\":\"joint.contradiction: "));
	assert_true(log_says(&team, 0, ENTRY_CHECK, "\"keeper\":\"two\",\"operation\""));
}

/* A peer speaks for another, or one that has a holder's party and no share speaks: nobody is blamed, and the session goes on. */
struct speaking {
	bool has_spoken, is_newcomer;
};

/* That it is refused, and who is to sign it. */
static void
speak_of_session(struct team_member *member, const struct peer *speaker) {
	_cleanup_(buffer_free) struct buffer refusal = {}, proposal = {};
	const struct joint_session *session = member->house.keeper->threshold->sessions;
	joint_answer_write(&refusal, &(struct joint_answer){.kind = ANSWER_REFUSED,
							    .operation = session->operation->id,
							    .reason = BYTES_OF_LITERAL("joint.no: no")});
	proposal_write(&proposal, &session->proposal);
	threshold_message(member->house.keeper, speaker, PEER_ANSWER, buffer_bytes(&refusal));
	threshold_message(member->house.keeper, speaker, PEER_PROPOSE, buffer_bytes(&proposal));
}

/* In the asker's party, and before it does. */
static void
propose_others(struct team_member *member, struct bytes proposed) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct peer speaker = member->peers[0];
	struct proposal proposal;
	speaker.identity[0] ^= 1;
	assert_ok(proposal_read(proposed, &proposal));
	memcpy(proposal.signers, (const uint8_t[]){2, 3}, 2);
	proposal_write(&body, &proposal);
	threshold_message(member->house.keeper, &speaker, PEER_PROPOSE, buffer_bytes(&body));
}

static bool
speak(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct speaking *speaking = team->context;
	if (speaking->is_newcomer && from == 0 && to == 1 && kind == PEER_PROPOSE && body->data[0] == PROPOSE_SIGN)
		propose_others(&team->members[1], buffer_bytes(body));
	if (speaking->has_spoken || from != 1 || to != 0 || kind != PEER_PROTOCOL || body->data[6] != ONLINE_SIGN)
		return true;
	speaking->has_spoken = true;
	_cleanup_(buffer_free) struct buffer wrong = {};
	buffer_append_bytes(&wrong, buffer_bytes(body));
	wrong.data[wrong.len - 1] ^= 1;
	struct team_member *member = &team->members[0];
	struct peer speaker = member->peers[speaking->is_newcomer ? 1 : 2];
	speaker.identity[0] ^= speaking->is_newcomer;
	threshold_message(member->house.keeper, &speaker, PEER_PROTOCOL, buffer_bytes(&wrong));
	if (speaking->is_newcomer)
		speak_of_session(member, &speaker);
	return true;
}

static void
no_peer_speaks_for_another(void **) {
	for (int is_newcomer = 0; is_newcomer < 2; is_newcomer++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct speaking speaking = {.is_newcomer = is_newcomer};
		struct ipc_response response;
		found_with(&team, 960, speak, &speaking);
		struct firm_operation asked = transfer(&arena, 10, 0);
		team_submit(&team, 0, asked, &arena, &response);
		assert_true(speaking.has_spoken);
		assert_signed(&team, 0, &arena, &asked, &response);
		assert_int_equal(1, team.members[0].house.keeper->stray_frames.value);
		assert_int_equal(0, shared_keys_pairs_lost(state_of(&team, 0)));
		assert_int_equal(-1, named_at(&team, 0));
	}
}

/* Signers are proposed once: nothing is started anew that runs. */
struct proposing {
	struct buffer proposal;
	bool is_repeated;
};

static bool
propose_again(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct proposing *proposing = team->context;
	if (from == 0 && to == 1 && kind == PEER_PROPOSE && body->data[0] == PROPOSE_SIGN)
		buffer_append_bytes(&proposing->proposal, buffer_bytes(body));
	if (from == 0 && to == 1 && kind == PEER_PROTOCOL && body->data[6] == ONLINE_SIGN && !proposing->is_repeated) {
		struct team_member *member = &team->members[1];
		const struct joint_session *session = member->house.keeper->threshold->sessions;
		proposing->is_repeated = true;
		assert_non_null(session);
		assert_int_equal(SESSION_RUNNING, session->state);
		threshold_message(member->house.keeper, &member->peers[0], PEER_PROPOSE,
				  buffer_bytes(&proposing->proposal));
	}
	return true;
}

static void
signers_are_proposed_once(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct proposing proposing = {};
	struct ipc_response response;
	found_with(&team, 970, propose_again, &proposing);
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_true(proposing.is_repeated);
	/* It ended there, its share having left; the asker had that, and shows what came of it. */
	assert_true(log_says(&team, 1, ENTRY_CHECK, "\"check\":\"joint.proposed: "));
	assert_signed(&team, 0, &arena, &asked, &response);
	struct hash256 id = id_of(&response);
	assert_comes_out(&team, &id);
	buffer_free(&proposing.proposal);
}

/* --- A holder that would sign around the asker. --- */

/* The third one tells the asker nothing but that it refuses, and proposes itself with the second one; to whom it hands on the request first,
 * or not. What completes the signature it keeps. */
struct lying {
	bool is_relayed; /* the second one takes it for the asker */
	bool has_proposed, has_signed;
	struct hash256 id;
};

static void
tell_propose(struct team *team, size_t to, size_t from, const struct hash256 *id) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct team_member *member = &team->members[to];
	proposal_write(&body, &(struct proposal){.kind = PROPOSE_SIGN,
						 .operation = *id,
						 .signer_count = 2,
						 .signers = {2, 3},
						 .presignature_count = 1});
	threshold_message(member->house.keeper, &member->peers[from], PEER_PROPOSE, buffer_bytes(&body));
}

static void
tell_refusal(struct team *team, size_t to, size_t from, const struct hash256 *id) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct team_member *member = &team->members[to];
	joint_answer_write(&body, &(struct joint_answer){.kind = ANSWER_REFUSED,
							 .operation = *id,
							 .gives_back = true,
							 .reason = BYTES_OF_LITERAL("joint.no: of course not")});
	threshold_message(member->house.keeper, &member->peers[from], PEER_ANSWER, buffer_bytes(&body));
}

static bool
sign_around(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct lying *lying = team->context;
	struct team_member *second = &team->members[1];
	if (lying->is_relayed && from == 0 && to == 1 && kind == PEER_REQUEST) {
		threshold_message(second->house.keeper, &second->peers[2], PEER_REQUEST, buffer_bytes(body));
		return false;
	}
	if (from != 2 || kind == PEER_COUNTED)
		return true;
	if (to == 1 && kind == PEER_ANSWER && body->data[0] == ANSWER_PERMITTED && !lying->has_proposed) {
		lying->has_proposed = true;
		memcpy(lying->id.bytes, body->data + 1, sizeof lying->id.bytes);
		tell_propose(team, 2, 0, &lying->id);
		tell_propose(team, 1, 2, &lying->id);
		return true;
	}
	bool is_last = kind == PEER_PROTOCOL && body->data[6] == SIGNING_MESSAGES[SIGNING_ROUNDS - 1].type;
	if (is_last && to == 1 && !lying->has_signed) {
		lying->has_signed = true;
		tell_refusal(team, 0, 2, &lying->id);
	}
	return to == 1 && kind == PEER_PROTOCOL && !is_last;
}

static void
nobody_signs_around_the_asker(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct lying lying = {};
	struct ipc_response response;
	found_with(&team, 985, sign_around, &lying);
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_true(lying.has_proposed);
	assert_false(lying.has_signed);
	assert_signed(&team, 0, &arena, &asked, &response);
}

/* The second one has it from the third one first: the asker never says that it failed. */
static void
who_hands_on_what_was_asked_makes_no_liar_of_the_asker(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct lying lying = {.is_relayed = true};
	struct ipc_response response;
	found_with(&team, 986, sign_around, &lying);
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, 0, asked, &arena, &response);
	assert_true(lying.has_signed);
	assert_answer(202, "unknown", &response);
	team_pass_ms(&team, 60'000);
	team_settle(&team);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(OPERATION_UNKNOWN, team_state(&team, i, &lying.id));
		assert_int_equal(TRANSFER_CENTS, spent(&team, i));
	}
	assert_int_equal(OPERATION_DONE, team_state(&team, 2, &lying.id)); /* it has the signature */
	/* It comes out as soon as it is shown. */
	assert_comes_out(&team, &lying.id);
}

/* --- What comes too late. --- */

/* What the third one says to both signers when their shares have left, and neither has the other's. */
struct objecting {
	struct joint_answer answer;
	bool has_objected;
};

static bool
object_late(struct team *team, size_t, size_t, enum peer_kind kind, struct buffer *body) {
	struct objecting *objecting = team->context;
	_cleanup_(buffer_free) struct buffer said = {};
	if (kind != PEER_PROTOCOL || body->data[6] != ONLINE_SIGN || objecting->has_objected)
		return true;
	objecting->has_objected = true;
	for (size_t i = 0; i < 2; i++) {
		struct team_member *member = &team->members[i];
		const struct joint_session *session = member->house.keeper->threshold->sessions;
		assert_non_null(session);
		assert_true(session_may_be_signed(session));
		objecting->answer.operation = session->operation->id;
		buffer_reset(&said);
		joint_answer_write(&said, &objecting->answer);
		threshold_message(member->house.keeper, &member->peers[2], PEER_ANSWER, buffer_bytes(&said));
	}
	return true;
}

/* What has left cannot be taken back; that it is signed would only be lost. */
static void
who_does_not_sign_ends_nothing_whose_shares_have_left(void **) {
	static const struct joint_answer answers[] = {
		{.kind = ANSWER_REFUSED, .gives_back = true, .reason = BYTES_OF_LITERAL("joint.denied: no")},
		{.kind = ANSWER_REFUSED, .reason = BYTES_OF_LITERAL("joint.ended: no")},
		{.kind = ANSWER_PERMITTED, .digest = {{1}}},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(answers); i++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct objecting objecting = {.answer = answers[i]};
		struct ipc_response response;
		found_with(&team, 975 + i, object_late, &objecting);
		struct firm_operation asked = transfer(&arena, 10, 0);
		team_submit(&team, 0, asked, &arena, &response);
		assert_true(objecting.has_objected);
		assert_signed(&team, 0, &arena, &asked, &response);
		team_settle(&team);
		struct hash256 id = id_of(&response);
		assert_all(&team, &id, OPERATION_DONE);
	}
}

/* --- What people say. --- */

/* Both signers' people have said that it did not happen, and their keepers can say no such thing: their shares had left. */
static void
what_people_say_is_no_keeper_s_word(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct relay relay = {.loses_both = true};
	struct ipc_response response;
	found_with_relay(&team, &relay, 988);
	struct firm_operation asked = named_transfer(&arena, "said", 0);
	team_submit(&team, 0, asked, &arena, &response);
	struct hash256 id = id_of(&response);
	struct bytes operation = arena_copy(&arena, response.operation);
	team_pass_ms(&team, 60'000);
	team_settle(&team);
	assert_all(&team, &id, OPERATION_UNKNOWN);
	for (size_t i = 0; i < 2; i++)
		for (size_t j = i + 1; j < 3; j++)
			team_cut(&team, i, j);
	for (size_t i = 0; i < 2; i++) {
		resolve_at(&team, i, operation, &arena);
		assert_int_equal(OPERATION_FAILED, team_state(&team, i, &id));
	}
	for (size_t i = 0; i < 2; i++)
		team_connect(&team, i, 2);
	team_settle(&team);
	team_submit(&team, 2, asked, &arena, &response);
	assert_int_equal(OPERATION_UNKNOWN, team_state(&team, 2, &id));
	assert_int_equal(TRANSFER_CENTS, spent(&team, 2));
}

RUN_TESTS(T(a_forged_signature_convinces_nobody), T(a_forged_result_convinces_nobody),
	  T(a_signature_that_people_denied_is_seen), T(no_peer_speaks_for_another), T(signers_are_proposed_once),
	  T(nobody_signs_around_the_asker), T(who_hands_on_what_was_asked_makes_no_liar_of_the_asker),
	  T(who_does_not_sign_ends_nothing_whose_shares_have_left), T(what_people_say_is_no_keeper_s_word))
