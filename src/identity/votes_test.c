#include "tests/test.h"

#include "crypto/sign.h"
#include "identity/votes.h"

#define B(text) BYTES_OF_LITERAL(text)
constexpr int64_t NOW_MS = 1'000'000;
constexpr int64_t EXPIRES_MS = 2'000'000;

/* Anna and Bert are treasurers, Carl is a risk officer, Dora is neither; each has a terminal key "t" and a plain key "b". Emil is
 * who asks. */
enum person { ANNA, BERT, CARL, DORA, EMIL, PEOPLE };
static const char *const NAMES[] = {"person:p-anna", "person:p-bert", "person:p-carl", "person:p-dora",
				    "person:p-emil"};

struct fixture {
	struct directory *directory;
	struct votes *votes;
	struct hash256 bundle;
	uint8_t next_statement;
};

static void
seed_of(int person, bool is_terminal, uint8_t seed[32]) {
	memset(seed, 0, 32);
	seed[0] = (uint8_t)(1 + person);
	seed[1] = is_terminal;
}

static void
enrol(struct directory *directory, int person, bool is_terminal) {
	uint8_t seed[32], public_key[32];
	seed_of(person, is_terminal, seed);
	assert_ok(ed25519_public_key(seed, public_key));
	assert_ok(directory_add_key(directory, bytes_of_text(NAMES[person]), is_terminal ? B("t") : B("b"), public_key,
				    is_terminal ? DIRECTORY_KEY_TERMINAL : DIRECTORY_KEY_PLAIN, (struct bytes){}));
}

static int
set_up(void **state) {
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	assert_ok(directory_create(&f->directory));
	assert_ok(directory_add_unit(f->directory, UNIT_LEGAL_ENTITY, B("acme"), (struct bytes){}));
	assert_ok(directory_add_group(f->directory, B("treasurers")));
	assert_ok(directory_add_group(f->directory, B("risk")));
	assert_ok(directory_add_workload(f->directory, B("workload:bot"), B("acme")));
	for (int i = 0; i < PEOPLE; i++) {
		assert_ok(directory_add_person(f->directory, bytes_of_text(NAMES[i]), B("acme")));
		enrol(f->directory, i, false);
		enrol(f->directory, i, true);
	}
	uint8_t seed[32] = {99}, public_key[32];
	assert_ok(ed25519_public_key(seed, public_key));
	assert_ok(directory_add_key(f->directory, B("workload:bot"), B("k"), public_key, DIRECTORY_KEY_PLAIN,
				    (struct bytes){}));
	assert_ok(directory_add_member(f->directory, B("treasurers"), bytes_of_text(NAMES[ANNA]), 0));
	assert_ok(directory_add_member(f->directory, B("treasurers"), bytes_of_text(NAMES[BERT]), 0));
	assert_ok(directory_add_member(f->directory, B("treasurers"), bytes_of_text(NAMES[EMIL]), 0));
	assert_ok(directory_add_member(f->directory, B("risk"), bytes_of_text(NAMES[CARL]), 0));
	assert_ok(votes_create(&f->votes, bytes_of_text(NAMES[EMIL])));
	f->bundle.bytes[0] = 7;
	*state = f;
	return 0;
}

static int
tear_down(void **state) {
	struct fixture *f = *state;
	votes_destroy(&f->votes);
	directory_destroy(&f->directory);
	free(f);
	return 0;
}

static struct vote
vote_by(struct fixture *f, enum person signer, enum person seat, bool is_terminal) {
	static char key_ids[PEOPLE][2][32];
	char *key_id = key_ids[signer][is_terminal];
	strcpy(key_id, NAMES[signer]);
	strcat(key_id, is_terminal ? "/t" : "/b");
	struct vote vote = {
		.key_id = bytes_of_text(key_id),
		.person = bytes_of_text(NAMES[seat]),
		.bundle_hash = f->bundle,
		.expires_ms = EXPIRES_MS,
	};
	vote.statement_digest.bytes[0] = ++f->next_statement;
	return vote;
}

static enum status
cast(struct fixture *f, enum person signer, enum person seat, enum approval_verdict verdict) {
	struct vote vote = vote_by(f, signer, seat, true);
	vote.verdict = verdict;
	return votes_cast(f->votes, f->directory, &vote, NOW_MS);
}

static struct votes_count
count_in(struct fixture *f, const char *group) {
	return votes_count(
		f->votes,
		&(struct votes_question){
			.directory = f->directory,
			.bundle_hash = &f->bundle,
			.now_ms = NOW_MS,
			.group = group == nullptr ? nullptr : directory_group(f->directory, bytes_of_text(group)),
			.stage = -1});
}

static void
assert_counts(struct fixture *f, size_t total, size_t independent, size_t treasurers, size_t risk) {
	assert_int_equal(total, count_in(f, nullptr).approvals);
	assert_int_equal(independent, count_in(f, nullptr).independent);
	assert_int_equal(treasurers, count_in(f, "treasurers").approvals);
	assert_int_equal(risk, count_in(f, "risk").approvals);
}

static void
distinct_people_count_in_their_groups(void **state) {
	struct fixture *f = *state;
	assert_counts(f, 0, 0, 0, 0);
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_APPROVE));
	assert_counts(f, 1, 1, 1, 0);
	struct vote plain = vote_by(f, CARL, CARL, false);
	assert_ok(votes_cast(f->votes, f->directory, &plain, NOW_MS));
	assert_counts(f, 2, 1, 1, 1);
	assert_ok(cast(f, DORA, DORA, APPROVAL_APPROVE));
	assert_counts(f, 3, 2, 1, 1);
}

static void
one_human_is_one_vote(void **state) {
	struct fixture *f = *state;
	struct vote plain = vote_by(f, ANNA, ANNA, false);
	assert_ok(votes_cast(f->votes, f->directory, &plain, NOW_MS));
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_APPROVE)); /* the other key replaces */
	assert_counts(f, 1, 1, 1, 0);
	assert_int_equal(1, votes_size(f->votes));
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_REJECT));
	assert_counts(f, 0, 0, 0, 0);
	assert_int_equal(1, count_in(f, nullptr).rejections);
	assert_int_equal(1, count_in(f, "treasurers").rejections);
	assert_int_equal(0, count_in(f, "risk").rejections);
}

static void
the_initiator_does_not_vote(void **state) {
	struct fixture *f = *state;
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[EMIL]), bytes_of_text(NAMES[ANNA]), 0,
				     EXPIRES_MS, NOW_MS));
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[BERT]), bytes_of_text(NAMES[EMIL]), 0,
				     EXPIRES_MS, NOW_MS));
	assert_fails(STATUS_DENIED, "votes.initiator", cast(f, EMIL, EMIL, APPROVAL_APPROVE));
	assert_fails(STATUS_DENIED, "votes.initiator", cast(f, ANNA, EMIL, APPROVAL_APPROVE));
	assert_fails(STATUS_DENIED, "votes.initiator", cast(f, EMIL, BERT, APPROVAL_APPROVE));
	assert_counts(f, 0, 0, 0, 0);
}

static void
a_delegated_vote_counts_once(void **state) {
	struct fixture *f = *state;
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[ANNA]), bytes_of_text(NAMES[DORA]), 0,
				     EXPIRES_MS, NOW_MS));
	assert_ok(cast(f, DORA, ANNA, APPROVAL_APPROVE));
	assert_counts(f, 1, 1, 1, 0);
	assert_fails(STATUS_CONFLICT, "votes.signer_voted", cast(f, DORA, DORA, APPROVAL_APPROVE));
	assert_counts(f, 1, 1, 1, 0);
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_APPROVE)); /* her own hand replaces her delegate's */
	assert_counts(f, 1, 1, 1, 0);
	assert_fails(STATUS_CONFLICT, "votes.seat_taken", cast(f, DORA, ANNA, APPROVAL_REJECT));
	assert_ok(cast(f, DORA, DORA, APPROVAL_APPROVE));
	assert_counts(f, 2, 2, 1, 0);
}

static void
a_delegation_that_ended_takes_its_vote_with_it(void **state) {
	struct fixture *f = *state;
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[ANNA]), bytes_of_text(NAMES[DORA]), 0,
				     EXPIRES_MS, NOW_MS));
	assert_ok(cast(f, DORA, ANNA, APPROVAL_APPROVE));
	assert_counts(f, 1, 1, 1, 0);
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[ANNA]), bytes_of_text(NAMES[DORA]), 0, NOW_MS,
				     NOW_MS));
	assert_counts(f, 0, 0, 0, 0);
}

/* Nor does it keep the seat, or the hand that cast it, from another vote. */
static void
a_vote_whose_delegation_is_over_is_in_nobodys_way(void **state) {
	struct fixture *f = *state;
	struct bytes anna = bytes_of_text(NAMES[ANNA]), bert = bytes_of_text(NAMES[BERT]),
		     dora = bytes_of_text(NAMES[DORA]);
	assert_ok(directory_delegate(f->directory, anna, dora, 0, EXPIRES_MS, NOW_MS));
	assert_ok(cast(f, DORA, ANNA, APPROVAL_APPROVE));
	assert_fails(STATUS_CONFLICT, "votes.seat_taken", cast(f, BERT, ANNA, APPROVAL_APPROVE));
	assert_ok(directory_delegate(f->directory, anna, bert, 0, EXPIRES_MS, NOW_MS));
	assert_fails(STATUS_CONFLICT, "votes.nothing_to_withdraw", cast(f, DORA, DORA, APPROVAL_WITHDRAW));
	assert_ok(cast(f, BERT, ANNA, APPROVAL_APPROVE)); /* the seat */
	assert_counts(f, 1, 1, 1, 0);
	assert_ok(cast(f, DORA, DORA, APPROVAL_APPROVE)); /* the hand */
	assert_counts(f, 2, 2, 1, 0);
	/* What was put aside stays aside, also where the delegation is given again. */
	assert_ok(directory_delegate(f->directory, anna, dora, 0, EXPIRES_MS, NOW_MS));
	assert_counts(f, 1, 1, 0, 0);
	assert_ok(cast(f, BERT, BERT, APPROVAL_APPROVE)); /* the hand alone: its vote for anna is over */
	assert_counts(f, 2, 2, 1, 0);
	/* In another stage it would change what later ones rest on. */
	struct vote later = vote_by(f, DORA, DORA, true);
	later.stage = 1;
	assert_fails(STATUS_CONFLICT, "votes.stage_voted", votes_cast(f->votes, f->directory, &later, NOW_MS));
}

static void
a_withdrawn_vote_does_not_come_back(void **state) {
	struct fixture *f = *state;
	struct vote vote = vote_by(f, ANNA, ANNA, true);
	assert_fails(STATUS_CONFLICT, "votes.nothing_to_withdraw", cast(f, ANNA, ANNA, APPROVAL_WITHDRAW));
	assert_ok(votes_cast(f->votes, f->directory, &vote, NOW_MS));
	assert_fails(STATUS_CONFLICT, "votes.repeated", votes_cast(f->votes, f->directory, &vote, NOW_MS));
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_WITHDRAW));
	assert_counts(f, 0, 0, 0, 0);
	assert_int_equal(0, votes_size(f->votes));
	assert_fails(STATUS_CONFLICT, "votes.repeated", votes_cast(f->votes, f->directory, &vote, NOW_MS));
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_APPROVE));
	assert_counts(f, 1, 1, 1, 0);
}

static void
what_no_longer_holds_no_longer_counts(void **state) {
	struct fixture *f = *state;
	struct hash256 other_bundle = {};
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_APPROVE));
	struct votes_question now = {f->directory, &other_bundle, NOW_MS, nullptr, -1};
	assert_int_equal(0, votes_count(f->votes, &now).approvals);
	now.bundle_hash = &f->bundle;
	now.now_ms = EXPIRES_MS - 1;
	assert_int_equal(1, votes_count(f->votes, &now).approvals);
	now.now_ms = EXPIRES_MS;
	assert_int_equal(0, votes_count(f->votes, &now).approvals);
	assert_ok(directory_remove_member(f->directory, B("treasurers"), bytes_of_text(NAMES[ANNA])));
	assert_counts(f, 1, 1, 0, 0);
	assert_ok(directory_suspend(f->directory, bytes_of_text(NAMES[ANNA]), true));
	assert_counts(f, 0, 0, 0, 0);
	assert_ok(directory_suspend(f->directory, bytes_of_text(NAMES[ANNA]), false));
	assert_counts(f, 1, 1, 0, 0);
	assert_ok(directory_revoke_key(f->directory, B("person:p-anna/t")));
	assert_counts(f, 0, 0, 0, 0);
}

static void
what_is_yet_to_begin_counts_from_then_on(void **state) {
	struct fixture *f = *state;
	struct votes_question later = {f->directory, &f->bundle, NOW_MS + 1, directory_group(f->directory, B("risk")),
				       -1};
	assert_ok(directory_add_member(f->directory, B("risk"), bytes_of_text(NAMES[ANNA]), NOW_MS + 1));
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_APPROVE));
	assert_counts(f, 1, 1, 1, 0);
	assert_int_equal(1, votes_count(f->votes, &later).approvals);
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[BERT]), bytes_of_text(NAMES[DORA]), NOW_MS + 1,
				     EXPIRES_MS, NOW_MS));
	assert_ok(cast(f, DORA, BERT, APPROVAL_APPROVE)); /* as if nobody had asked */
	assert_counts(f, 1, 1, 1, 0);
	later.group = nullptr;
	assert_int_equal(2, votes_count(f->votes, &later).approvals);
}

static void
a_suspended_persons_seat_does_not_count(void **state) {
	struct fixture *f = *state;
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[ANNA]), bytes_of_text(NAMES[DORA]), 0,
				     EXPIRES_MS, NOW_MS));
	assert_ok(cast(f, DORA, ANNA, APPROVAL_APPROVE));
	assert_ok(directory_suspend(f->directory, bytes_of_text(NAMES[ANNA]), true));
	assert_counts(f, 0, 0, 0, 0);
}

static void
a_later_stage_rests_on_the_one_before(void **state) {
	struct fixture *f = *state;
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_APPROVE));
	struct vote second = vote_by(f, CARL, CARL, true);
	second.stage = 1;
	second.completed_stage = votes_stage_digest(f->votes, 0);
	assert_ok(votes_cast(f->votes, f->directory, &second, NOW_MS));
	assert_counts(f, 2, 2, 1, 1);
	assert_ok(cast(f, BERT, BERT, APPROVAL_APPROVE)); /* the first stage is no longer what Carl saw */
	assert_counts(f, 2, 2, 2, 0);

	struct hash256 empty = sha256(B("gatehouse/stage/v1\0")), digest = votes_stage_digest(f->votes, 5);
	assert_true(hash256_equal(&empty, &digest));
}

/* What a third stage rests on is gone with the first, although nobody of the second has moved. */
static void
a_stage_that_is_void_is_no_ground_for_the_next(void **state) {
	struct fixture *f = *state;
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_APPROVE));
	struct vote second = vote_by(f, CARL, CARL, true), third = vote_by(f, DORA, DORA, true), again;
	second.stage = 1;
	second.completed_stage = votes_stage_digest(f->votes, 0);
	assert_ok(votes_cast(f->votes, f->directory, &second, NOW_MS));
	third.stage = 2;
	third.completed_stage = votes_stage_digest(f->votes, 1);
	assert_ok(votes_cast(f->votes, f->directory, &third, NOW_MS));
	assert_counts(f, 3, 3, 1, 1);
	assert_int_equal(2, votes_last_stage(f->votes));
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_WITHDRAW));
	assert_counts(f, 0, 0, 0, 0);
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_APPROVE)); /* another statement: another stage */
	assert_counts(f, 1, 1, 1, 0);
	again = vote_by(f, CARL, CARL, true);
	again.stage = 1;
	again.completed_stage = votes_stage_digest(f->votes, 0);
	assert_ok(votes_cast(f->votes, f->directory, &again, NOW_MS));
	assert_counts(f, 2, 2, 1, 1);
}

static void
an_approval_does_not_wander_from_stage_to_stage(void **state) {
	struct fixture *f = *state;
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[ANNA]), bytes_of_text(NAMES[DORA]), 0,
				     EXPIRES_MS, NOW_MS));
	assert_ok(cast(f, DORA, ANNA, APPROVAL_APPROVE));
	assert_ok(cast(f, BERT, BERT, APPROVAL_APPROVE));
	struct vote later = vote_by(f, BERT, BERT, true), own = vote_by(f, ANNA, ANNA, true);
	later.stage = own.stage = 1;
	later.completed_stage = own.completed_stage = votes_stage_digest(f->votes, 0);
	assert_fails(STATUS_CONFLICT, "votes.stage_voted", votes_cast(f->votes, f->directory, &later, NOW_MS));
	assert_fails(STATUS_CONFLICT, "votes.stage_voted", votes_cast(f->votes, f->directory, &own, NOW_MS));
	assert_counts(f, 2, 2, 2, 0);
	later.verdict = APPROVAL_REJECT; /* which is never too late */
	assert_ok(votes_cast(f->votes, f->directory, &later, NOW_MS));
	assert_int_equal(1, count_in(f, nullptr).rejections);
}

/* No chain: who holds a delegation does not hand it on. */
static void
a_delegation_is_not_handed_on(void **state) {
	struct fixture *f = *state;
	const struct principal *anna = directory_principal(f->directory, bytes_of_text(NAMES[ANNA])),
			       *carl = directory_principal(f->directory, bytes_of_text(NAMES[CARL]));
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[ANNA]), bytes_of_text(NAMES[DORA]), 0,
				     EXPIRES_MS, NOW_MS));
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[DORA]), bytes_of_text(NAMES[CARL]), 0,
				     EXPIRES_MS, NOW_MS));
	assert_false(directory_may_vote(f->directory, carl, anna, NOW_MS));
	assert_ok(cast(f, CARL, ANNA, APPROVAL_APPROVE)); /* as if nobody had asked */
	assert_counts(f, 0, 0, 0, 0);
	assert_ok(cast(f, DORA, DORA, APPROVAL_APPROVE));
	assert_counts(f, 1, 1, 0, 0);
}

static void
a_delegate_has_one_vote_for_whoever_delegated(void **state) {
	struct fixture *f = *state;
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[ANNA]), bytes_of_text(NAMES[DORA]), 0,
				     EXPIRES_MS, NOW_MS));
	assert_ok(directory_delegate(f->directory, bytes_of_text(NAMES[BERT]), bytes_of_text(NAMES[DORA]), 0,
				     EXPIRES_MS, NOW_MS));
	assert_ok(cast(f, DORA, ANNA, APPROVAL_APPROVE));
	assert_fails(STATUS_CONFLICT, "votes.signer_voted", cast(f, DORA, BERT, APPROVAL_APPROVE));
	assert_fails(STATUS_CONFLICT, "votes.signer_voted", cast(f, DORA, DORA, APPROVAL_APPROVE));
	assert_counts(f, 1, 1, 1, 0);
}

static void
votes_are_bounded(void **state) {
	struct fixture *f = *state;
	for (size_t i = 0; i < VOTES_CAST_BY_ONE_MAX; i++)
		assert_ok(cast(f, ANNA, ANNA, i % 2 ? APPROVAL_WITHDRAW : APPROVAL_APPROVE));
	assert_fails(STATUS_TOO_LARGE, "votes.full", cast(f, ANNA, ANNA, APPROVAL_APPROVE));
	assert_ok(cast(f, BERT, BERT, APPROVAL_APPROVE));
}

static void
only_people_vote(void **state) {
	struct fixture *f = *state;
	struct vote vote = vote_by(f, ANNA, ANNA, true);
	vote.key_id = B("workload:bot/k");
	assert_fails(STATUS_UNAUTHORIZED, "votes.signer", votes_cast(f->votes, f->directory, &vote, NOW_MS));
	vote = vote_by(f, ANNA, ANNA, true);
	vote.person = B("workload:bot");
	assert_fails(STATUS_UNAUTHORIZED, "votes.signer", votes_cast(f->votes, f->directory, &vote, NOW_MS));
	vote.person = B("person:p-nobody");
	assert_fails(STATUS_UNAUTHORIZED, "votes.signer", votes_cast(f->votes, f->directory, &vote, NOW_MS));
	vote = vote_by(f, ANNA, ANNA, true);
	vote.key_id = B("person:p-anna/z");
	assert_fails(STATUS_UNAUTHORIZED, "votes.signer", votes_cast(f->votes, f->directory, &vote, NOW_MS));
}

static const struct value *
field_of(const struct facts *facts, const char *record, const char *group) {
	const struct fact *fact = facts_find(facts, record);
	assert_non_null(fact);
	assert_int_equal(VALUE_RECORD, fact->value.type);
	for (size_t i = 0; i < fact->value.record.count; i++)
		if (bytes_equal_text(fact->value.record.fields[i].name, group))
			return &fact->value.record.fields[i].value;
	fail_msg("no count for %s", group);
	return nullptr;
}

static void
facts_count_every_group(void **state) {
	struct fixture *f = *state;
	_cleanup_(arena_free) struct arena arena = {};
	struct facts *facts = ARENA_NEW(&arena, struct facts);
	struct value context;
	struct vote offline = vote_by(f, ANNA, ANNA, true);
	offline.client = APPROVAL_CLIENT_OFFLINE;
	assert_ok(votes_cast(f->votes, f->directory, &offline, NOW_MS));
	assert_ok(cast(f, CARL, CARL, APPROVAL_REJECT));
	facts_start(facts, &arena);
	votes_facts(f->votes, f->directory, &f->bundle, 2, NOW_MS, facts);
	assert_ok(facts_status(facts));
	assert_ok(facts_context(facts, &context));
	assert_int_equal(1, facts_find(facts, "approvals.total")->value.integer);
	assert_int_equal(1, facts_find(facts, "approvals.independent")->value.integer);
	assert_int_equal(1, facts_find(facts, "approvals.rejections")->value.integer);
	assert_int_equal(1, field_of(facts, "approvals.group", "treasurers")->integer);
	assert_int_equal(0, field_of(facts, "approvals.group", "risk")->integer);
	assert_bytes(B("risk"), facts_find(facts, "approvals.group")->value.record.fields[0].name); /* sorted */
	assert_int_equal(1, field_of(facts, "approvals.first", "treasurers")->integer);
	assert_int_equal(0, field_of(facts, "approvals.second", "treasurers")->integer);
	assert_null(facts_find(facts, "approvals.third"));
	assert_int_equal(1, field_of(facts, "approvals.by_client", "offline")->integer);
	assert_int_equal(0, field_of(facts, "approvals.by_client", "cli")->integer);

	facts_start(facts, &arena);
	votes_facts(nullptr, f->directory, &f->bundle, 0, NOW_MS, facts);
	assert_ok(facts_status(facts));
	assert_int_equal(0, facts_find(facts, "approvals.total")->value.integer);
	assert_int_equal(0, field_of(facts, "approvals.group", "treasurers")->integer);
}

static void
snapshots_keep_votes_and_repetitions(void **state) {
	struct fixture *f = *state;
	_cleanup_(buffer_free) struct buffer written = {}, again = {};
	_cleanup_(votes_destroy) struct votes *read = nullptr;
	struct vote withdrawn = vote_by(f, ANNA, ANNA, true);
	assert_ok(votes_cast(f->votes, f->directory, &withdrawn, NOW_MS));
	assert_ok(cast(f, ANNA, ANNA, APPROVAL_WITHDRAW));
	assert_ok(cast(f, BERT, BERT, APPROVAL_APPROVE));
	assert_ok(votes_write(f->votes, &written));
	assert_ok(votes_read(buffer_bytes(&written), &read));
	assert_ok(votes_write(read, &again));
	assert_bytes(buffer_bytes(&written), buffer_bytes(&again));
	assert_bytes(bytes_of_text(NAMES[EMIL]), votes_initiator(read));
	assert_int_equal(1, votes_size(read));
	assert_bytes(bytes_of_text(NAMES[BERT]), votes_at(read, 0)->person);
	assert_null(votes_at(read, 1));
	assert_fails(STATUS_CONFLICT, "votes.repeated", votes_cast(read, f->directory, &withdrawn, NOW_MS));
	struct votes_question now = {f->directory, &f->bundle, NOW_MS, nullptr, -1};
	assert_int_equal(1, votes_count(read, &now).approvals);

	struct votes *damaged = nullptr;
	for (size_t len = 0; len < written.len; len++)
		assert_fails(STATUS_CORRUPT, "votes.snapshot", votes_read(bytes_of(written.data, len), &damaged));
	buffer_append_byte(&written, 0);
	assert_fails(STATUS_CORRUPT, "votes.snapshot", votes_read(buffer_bytes(&written), &damaged));
	assert_null(damaged);
}

#define V(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

RUN_TESTS(V(distinct_people_count_in_their_groups), V(one_human_is_one_vote), V(the_initiator_does_not_vote),
	  V(what_is_yet_to_begin_counts_from_then_on), V(a_delegated_vote_counts_once),
	  V(a_delegation_that_ended_takes_its_vote_with_it), V(a_vote_whose_delegation_is_over_is_in_nobodys_way),
	  V(a_withdrawn_vote_does_not_come_back), V(what_no_longer_holds_no_longer_counts),
	  V(a_suspended_persons_seat_does_not_count), V(a_later_stage_rests_on_the_one_before), V(votes_are_bounded),
	  V(a_stage_that_is_void_is_no_ground_for_the_next), V(an_approval_does_not_wander_from_stage_to_stage),
	  V(a_delegation_is_not_handed_on), V(a_delegate_has_one_vote_for_whoever_delegated), V(only_people_vote),
	  V(facts_count_every_group), V(snapshots_keep_votes_and_repetitions))
