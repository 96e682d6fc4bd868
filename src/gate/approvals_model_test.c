/*
 * Random votes, stages and delegations against a model small enough to be right at sight: who holds which seat. Whatever was
 * tried, what the shipped policies demand of two is never done by fewer than two distinct humans, of whom none is who asked.
 */
#include "tests/test.h"

#include "crypto/sign.h"
#include "tests/gate_fixture.h"

enum { PEOPLE = 5 };

static uint64_t random_state = 7;

static uint32_t
random_below(uint32_t bound) {
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % bound;
}

/* --- The model: for every seat, whose hand fills it, with what. --- */

struct seat {
	int hand; /* −1: nobody's */
	enum approval_verdict verdict;
	int64_t stage;
};

struct model {
	struct seat seats[PEOPLE];
	int initiator; /* −1: a workload */
};

static void
model_start(struct model *model, int initiator) {
	model->initiator = initiator;
	for (int i = 0; i < PEOPLE; i++)
		model->seats[i] = (struct seat){.hand = -1};
}

static int
seat_of_hand(const struct model *model, int hand) {
	for (int i = 0; i < PEOPLE; i++)
		if (model->seats[i].hand == hand)
			return i;
	return -1;
}

/* Whether the vote is taken; then the seats are as it leaves them. is_over: of each seat, whether who fills it may not any more. */
static bool
model_cast(struct model *model, int hand, int seat, enum approval_verdict verdict, int64_t stage,
	   const bool is_over[PEOPLE]) {
	int held = seat_of_hand(model, hand);
	struct seat *at = &model->seats[seat];
	bool is_elsewhere = held >= 0 && held != seat;
	if (hand == model->initiator || seat == model->initiator || (is_elsewhere && !is_over[held]) ||
	    (verdict == APPROVAL_WITHDRAW && held != seat) ||
	    (at->hand >= 0 && at->hand != hand && hand != seat && !is_over[seat]) ||
	    (verdict == APPROVAL_APPROVE && at->hand >= 0 && at->stage != stage) ||
	    (verdict == APPROVAL_APPROVE && is_elsewhere && model->seats[held].stage != stage))
		return false;
	if (is_elsewhere)
		model->seats[held].hand = -1;
	*at = verdict == APPROVAL_WITHDRAW ? (struct seat){.hand = -1} : (struct seat){hand, verdict, stage};
	return true;
}

static int
model_hands(const struct model *model) {
	int hands = 0;
	for (int i = 0; i < PEOPLE; i++)
		hands += model->seats[i].hand >= 0 && model->seats[i].verdict == APPROVAL_APPROVE;
	return hands;
}

/* --- Votes by themselves, over every stage and group. --- */

struct crowd {
	struct directory *directory;
	const char *names[PEOPLE];
	char keys[PEOPLE][32];
	bool is_member[PEOPLE];
	int64_t from_ms[PEOPLE][PEOPLE], until_ms[PEOPLE][PEOPLE]; /* of whose seat, by whom */
};

/* By somebody else, and after that: the former ends when it begins. */
static void
delegate_later(struct crowd *crowd, int of, int before) {
	int by = (int)random_below(PEOPLE);
	int64_t from_ms = crowd->from_ms[of][before] + 1 + random_below(20), until_ms = from_ms + 1 + random_below(20);
	if (by == of || by == before || random_below(2) == 0)
		return;
	assert_ok(directory_delegate(crowd->directory, bytes_of_text(crowd->names[of]), bytes_of_text(crowd->names[by]),
				     from_ms, until_ms, from_ms - 1));
	crowd->from_ms[of][by] = from_ms;
	crowd->until_ms[of][by] = until_ms;
	if (crowd->until_ms[of][before] > from_ms)
		crowd->until_ms[of][before] = from_ms;
}

static void
make_crowd(struct crowd *crowd) {
	static const char *const names[PEOPLE] = {"person:p-a", "person:p-b", "person:p-c", "person:p-d", "person:p-e"};
	*crowd = (struct crowd){};
	assert_ok(directory_create(&crowd->directory));
	assert_ok(directory_add_unit(crowd->directory, UNIT_LEGAL_ENTITY, BYTES_OF_LITERAL("acme"), (struct bytes){}));
	assert_ok(directory_add_group(crowd->directory, BYTES_OF_LITERAL("g")));
	for (int i = 0; i < PEOPLE; i++) {
		uint8_t seed[32] = {(uint8_t)(i + 1)}, public_key[32];
		crowd->names[i] = names[i];
		snprintf(crowd->keys[i], sizeof crowd->keys[i], "%s/t", names[i]);
		assert_ok(directory_add_person(crowd->directory, bytes_of_text(names[i]), BYTES_OF_LITERAL("acme")));
		assert_ok(ed25519_public_key(seed, public_key));
		assert_ok(directory_add_key(crowd->directory, bytes_of_text(names[i]), BYTES_OF_LITERAL("t"),
					    public_key, DIRECTORY_KEY_TERMINAL, (struct bytes){}));
		crowd->is_member[i] = random_below(2) == 0;
		if (crowd->is_member[i])
			assert_ok(directory_add_member(crowd->directory, BYTES_OF_LITERAL("g"), bytes_of_text(names[i]),
						       0));
	}
	for (int of = 0; of < PEOPLE; of++) {
		int by = (int)random_below(PEOPLE);
		int64_t from_ms = random_below(10), until_ms = from_ms + 1 + random_below(20);
		if (by == of)
			continue;
		crowd->from_ms[of][by] = from_ms;
		crowd->until_ms[of][by] = until_ms;
		assert_ok(directory_delegate(crowd->directory, bytes_of_text(names[of]), bytes_of_text(names[by]),
					     from_ms, until_ms, 0));
		delegate_later(crowd, of, by);
	}
}

/* What is left of a stage that rests on what it rested on; stages of the model are completed by whoever is in them. */
static bool
may_fill(const struct crowd *crowd, int seat, int hand, int64_t now_ms) {
	return hand == seat ||
	       (hand >= 0 && crowd->until_ms[seat][hand] > now_ms && crowd->from_ms[seat][hand] <= now_ms);
}

static void
assert_counts(const struct crowd *crowd, const struct votes *votes, const struct model *model, int64_t now_ms,
	      const struct hash256 *bundle, const bool rests[PEOPLE]) {
	for (int64_t stage = -1; stage < (int64_t)VOTES_STAGES; stage++)
		for (int of_group = 0; of_group < 2; of_group++) {
			size_t expected = 0;
			for (int i = 0; i < PEOPLE; i++) {
				const struct seat *seat = &model->seats[i];
				expected += seat->hand >= 0 && seat->verdict == APPROVAL_APPROVE &&
					    may_fill(crowd, i, seat->hand, now_ms) && rests[i] &&
					    (stage < 0 || seat->stage == stage) &&
					    (of_group == 0 || crowd->is_member[i]);
			}
			struct votes_question question = {
				crowd->directory, bundle, now_ms,
				of_group == 0 ? nullptr : directory_group(crowd->directory, BYTES_OF_LITERAL("g")),
				stage};
			assert_int_equal(expected, votes_count(votes, &question).approvals);
		}
}

static void
votes_count_as_the_model_counts(void **) {
	struct hash256 bundle = {{1}};
	size_t taken = 0, refused = 0;
	for (int round = 0; round < 400; round++) {
		struct crowd crowd;
		struct model model;
		_cleanup_(votes_destroy) struct votes *votes = nullptr;
		struct hash256 rested_on[PEOPLE] = {};
		make_crowd(&crowd);
		int64_t now_ms = 0;
		model_start(&model, (int)random_below(PEOPLE + 1) - 1);
		assert_ok(votes_create(&votes, model.initiator < 0 ? BYTES_OF_LITERAL("workload:w")
								   : bytes_of_text(crowd.names[model.initiator])));
		for (int step = 0; step < 25; step++) {
			int hand = (int)random_below(PEOPLE),
			    seat = random_below(3) > 0 ? hand : (int)random_below(PEOPLE);
			enum approval_verdict verdict = random_below(4) == 0   ? APPROVAL_WITHDRAW
							: random_below(6) == 0 ? APPROVAL_REJECT
									       : APPROVAL_APPROVE;
			struct vote vote = {.key_id = bytes_of_text(crowd.keys[hand]),
					    .person = bytes_of_text(crowd.names[seat]),
					    .verdict = verdict,
					    .stage = random_below(3),
					    .bundle_hash = bundle,
					    .expires_ms = 1000};
			vote.statement_digest =
				(struct hash256){{(uint8_t)round, (uint8_t)(round >> 8), (uint8_t)step, 9}};
			if (vote.stage > 0)
				vote.completed_stage = votes_stage_digest(votes, vote.stage - 1);
			bool is_taken = votes_cast(votes, crowd.directory, &vote, now_ms) == OK, is_over[PEOPLE];
			for (int i = 0; i < PEOPLE; i++)
				is_over[i] = !may_fill(&crowd, i, model.seats[i].hand, now_ms);
			assert_int_equal(is_taken, model_cast(&model, hand, seat, verdict, vote.stage, is_over));
			if (is_taken)
				rested_on[seat] = vote.completed_stage;
			taken += is_taken;
			refused += !is_taken;
			now_ms += random_below(3);
			bool rests[PEOPLE];
			for (int i = 0; i < PEOPLE; i++) {
				struct hash256 now = model.seats[i].stage > 0
							     ? votes_stage_digest(votes, model.seats[i].stage - 1)
							     : (struct hash256){};
				rests[i] = model.seats[i].stage == 0 || hash256_equal(&now, &rested_on[i]);
			}
			assert_counts(&crowd, votes, &model, now_ms, &bundle, rests);
		}
		directory_destroy(&crowd.directory);
	}
	assert_true(taken > 1000 && refused > 1000); /* the model is asked about both */
}

/* --- The gate, under the shipped policies. --- */

static const char *
person_of(int i) {
	static const char *const people[PEOPLE] = {"person:p-0000000000000001", "person:p-0000000000000002",
						   "person:p-0000000000000003", "person:p-0000000000000004",
						   "person:p-0000000000000005"};
	return people[i];
}

static void
delegate_at_random(struct bench_gate *b) {
	for (int of = 0; of < PEOPLE; of++) {
		int by = (int)random_below(PEOPLE);
		if (by != of)
			assert_ok(directory_delegate(b->gate->state->directory, bytes_of_text(person_of(of)),
						     bytes_of_text(person_of(by)), b->now_ms,
						     b->now_ms + 1 + random_below(600'000), b->now_ms));
	}
}

static bool
may_vote(const struct bench_gate *b, int hand, int seat) {
	const struct directory *directory = b->gate->state->directory;
	return hand >= 0 &&
	       directory_may_vote(directory, directory_principal(directory, bytes_of_text(person_of(hand))),
				  directory_principal(directory, bytes_of_text(person_of(seat))), b->now_ms);
}

/* A round's entries are not needed after it. */
static void
forget_entries(struct bench_gate *b) {
	while (b->count > 1)
		buffer_free(&b->leaves[--b->count]);
}

static void
nothing_that_two_must_approve_is_done_by_fewer(void **) {
	static const struct {
		const char *kind, *resource, *more;
		bool break_glass;
	} asked[] = {
		{"unit.add", "system:gatehouse", ",\"kind\":\"legal_entity\"", false},
		{"group.add", "system:gatehouse", "", true},
		{"zone.add", "system:gatehouse", "", true},
		{"list.create", "system:gatehouse", ",\"kind\":\"allowed\"", false},
	};
	_cleanup_(tear_down) struct bench_gate b;
	size_t done = 0, held = 0;
	set_up(&b);
	for (int round = 0; round < 120; round++) {
		_cleanup_(submitted_free) struct submitted s;
		struct model model;
		char payload[128];
		size_t which = random_below(ARRAY_LENGTH(asked));
		int initiator = (int)random_below(PEOPLE);
		snprintf(payload, sizeof payload, "{\"id\":\"n%d\"%s}", round, asked[which].more);
		struct firm_operation operation = {.by = (enum firm_member)initiator,
						   .kind = asked[which].kind,
						   .resource = asked[which].resource,
						   .payload = payload,
						   .reason = "tried",
						   .break_glass = asked[which].break_glass};
		delegate_at_random(&b);
		submit(&b, &operation, &s);
		assert_ok(s.status);
		assert_int_equal(OPERATION_HELD, s.step.state);
		model_start(&model, initiator);
		enum operation_state state = OPERATION_HELD;
		for (int step = 0; step < 10 && state == OPERATION_HELD; step++) {
			int hand = (int)random_below(PEOPLE), seat = random_below(2) ? hand : (int)random_below(PEOPLE);
			bool withdraws = random_below(5) == 0;
			struct firm_choice choice = {.verdict = withdraws ? "withdraw" : "approve",
						     .client = (enum approval_client)random_below(APPROVAL_CLIENTS),
						     .person = person_of(seat)};
			b.now_ms += random_below(2000);
			bool is_over[PEOPLE];
			for (int i = 0; i < PEOPLE; i++)
				is_over[i] = !may_vote(&b, model.seats[i].hand, i);
			if (vote_as(&b, s.step.operation, (enum firm_member)hand, &choice, &state) == OK)
				assert_true(model_cast(&model, hand, seat,
						       withdraws ? APPROVAL_WITHDRAW : APPROVAL_APPROVE, 0, is_over));
		}
		assert_true(state == OPERATION_DONE || state == OPERATION_HELD);
		if (state == OPERATION_DONE && model_hands(&model) < 2)
			fail_msg("%s was done with %d hands", asked[which].kind, model_hands(&model));
		done += state == OPERATION_DONE;
		held += state == OPERATION_HELD;
		forget_entries(&b);
	}
	assert_true(done > 10 && held > 10);
}

RUN_TESTS(T(votes_count_as_the_model_counts), T(nothing_that_two_must_approve_is_done_by_fewer))
