/*
 * A keeper lies in what it says about operations, beside the frames of the protocols: every field of every proposal, answer and list of what
 * was counted is changed in what one says to another, while a transfer is signed and while a key is dealt anew. Whatever it
 * was: nothing is said to be signed that is not, and once the two talk anew all have the key in one epoch, and it signs.
 * The same of which pairs it says it has lost: nobody loses another.
 * GATEHOUSE_SOAK=1: by all schemes, in every direction, at the first, middle or last byte of each field, which GATEHOUSE_SEED says; else by
 * one, in one.
 */
#include "tests/soak.h"
#include "tests/team_ceremonies.h"

#include "keeper/threshold_internal.h"

/* From the beginning of the body; docs/PROTOCOL.threshold §16. Of a key id, of 9 bytes, and of lists of one. */
static const struct field {
	enum peer_kind kind;
	uint8_t first; /* byte of the body; 0: any */
	const char *name;
	size_t at, size;
} FIELDS[] = {
	{PEER_PROPOSE, PROPOSE_SIGN, "sign.kind", 0, 1},
	{PEER_PROPOSE, PROPOSE_SIGN, "sign.operation", 1, 32},
	{PEER_PROPOSE, PROPOSE_SIGN, "sign.signer_count", 33, 1},
	{PEER_PROPOSE, PROPOSE_SIGN, "sign.signers", 34, 2},
	{PEER_PROPOSE, PROPOSE_SIGN, "sign.presignature_count", 36, 1},
	{PEER_PROPOSE, PROPOSE_SIGN, "sign.presignatures", 37, 32},
	{PEER_PROPOSE, PROPOSE_LEAVE, "leave.kind", 0, 1},
	{PEER_PROPOSE, PROPOSE_LEAVE, "leave.key_size", 1, 4},
	{PEER_PROPOSE, PROPOSE_LEAVE, "leave.key", 5, 9},
	{PEER_PROPOSE, PROPOSE_LEAVE, "leave.epoch", 14, 4},
	{PEER_ANSWER, ANSWER_PERMITTED, "permitted.kind", 0, 1},
	{PEER_ANSWER, ANSWER_PERMITTED, "permitted.operation", 1, 32},
	{PEER_ANSWER, ANSWER_PERMITTED, "permitted.digest", 33, 32},
	{PEER_ANSWER, ANSWER_PERMITTED, "permitted.bundle", 65, 32},
	{PEER_ANSWER, ANSWER_PERMITTED, "permitted.epoch", 97, 4},
	{PEER_ANSWER, ANSWER_STORED, "stored.kind", 0, 1},
	{PEER_ANSWER, ANSWER_STORED, "stored.operation", 1, 32},
	{PEER_ANSWER, ANSWER_STORED, "stored.sharing", 33, 32},
	{PEER_ANSWER, ANSWER_SIGNED, "signed.kind", 0, 1},
	{PEER_ANSWER, ANSWER_SIGNED, "signed.operation", 1, 32},
	{PEER_ANSWER, ANSWER_SIGNED, "signed.count", 33, 1},
	{PEER_ANSWER, ANSWER_SIGNED, "signed.signature", 34, 64},
	{PEER_ANSWER, ANSWER_SIGNED, "signed.recovery", 98, 1},
	{PEER_ANSWER, ANSWER_PLEDGED, "pledged.kind", 0, 1},
	{PEER_ANSWER, ANSWER_PLEDGED, "pledged.operation", 1, 32},
	{PEER_ANSWER, ANSWER_PLEDGED, "pledged.count", 33, 1},
	{PEER_ANSWER, ANSWER_PLEDGED, "pledged.holder", 34, 1},
	{PEER_ANSWER, ANSWER_PLEDGED, "pledged.word", 35, 1},
	{PEER_ANSWER, ANSWER_PLEDGED, "pledged.certificate", 36, 32},
	{PEER_ANSWER, ANSWER_PLEDGED, "pledged.peer_key", 68, 32},
	{PEER_ANSWER, ANSWER_PLEDGED, "pledged.signature", 100, 64},
	{PEER_ANSWER, ANSWER_LEFT, "left.kind", 0, 1},
	{PEER_ANSWER, ANSWER_LEFT, "left.sharing", 1, 32},
	{PEER_ANSWER, ANSWER_LEFT, "left.key_size", 33, 4},
	{PEER_ANSWER, ANSWER_LEFT, "left.key", 37, 9},
	{PEER_ANSWER, ANSWER_LEFT, "left.stopped", 46, 1},
	{PEER_ANSWER, ANSWER_LEFT, "left.certificate", 47, 32},
	{PEER_ANSWER, ANSWER_LEFT, "left.peer_key", 79, 32},
	{PEER_ANSWER, ANSWER_LEFT, "left.signature", 111, 64},
	{PEER_COUNTED, 0, "counted.certificate", 0, 32},
	{PEER_COUNTED, 0, "counted.peer_key", 32, 32},
	{PEER_COUNTED, 0, "counted.signature", 64, 64},
	{PEER_COUNTED, 0, "counted.operation", 128, 32},
	{PEER_COUNTED, 0, "counted.identity", 160, 32},
	{PEER_COUNTED, 0, "counted.age", 192, 4},
	{PEER_COUNTED, 0, "counted.parts", 196, 4},
	{PEER_COUNTED, 0, "counted.dimension", 200, 1},
	{PEER_COUNTED, 0, "counted.subject_size", 201, 4},
};

struct lie {
	const struct field *field;
	size_t liar, victim, place;
	bool is_told;
};

static bool
tell(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct lie *lie = team->context;
	const struct field *field = lie->field;
	if (lie->is_told || from != lie->liar || to != lie->victim || kind != field->kind ||
	    (field->first != 0 && body->data[0] != field->first))
		return true;
	size_t at = field->at + lie->place * (field->size - 1) / 2;
	assert_true(at < body->len);
	body->data[at] ^= 1;
	lie->is_told = true;
	return true;
}

static void
talk_anew(struct team *team) {
	team->on_message = nullptr;
	for (size_t i = 0; i < team->count; i++)
		for (size_t j = 0; j < i; j++)
			team_cut(team, i, j);
	team_pass_ms(team, 61'000); /* longer than anything is waited for */
	team_settle(team);
	for (size_t i = 0; i < team->count; i++)
		for (size_t j = 0; j < i; j++)
			team_connect(team, i, j);
	team_settle(team);
	team_pass_ms(team, 61'000);
	team_settle(team);
}

/* One's share has left, and another, who was to sign with it, has heard meanwhile that a third one refuses, and never will: all say that
 * they do not know, since who says never could lie, and only people end it (§16). */
static bool
is_left_open(struct team *team, const struct hash256 *id) {
	size_t unknown = 0, released = 0, bound = 0;
	for (size_t i = 0; i < team->count; i++) {
		const struct gate_operation *operation = operations_find(&state_of(team, i)->operations, id);
		if (operation->state != OPERATION_UNKNOWN)
			continue;
		unknown++;
		released += !operation->held->is_unreleased;
		bound += operation->held->is_unreleased;
	}
	return unknown == team->count && released == 1 && bound == team->count - 1;
}

/* Asked of the liar or of the victim. True if there was something to lie about. */
static bool
lie_in_signing(struct team *team, const struct scheme *scheme, struct lie lie, bool asks_liar, uint32_t *number) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	size_t at = asks_liar ? lie.liar : lie.victim;
	team->on_message = tell;
	team->context = &lie;
	team_submit(team, at, transfer(team, scheme, ++*number, &arena), &arena, &response);
	if (response.status == 200)
		assert_signed(team, at, scheme, *number, &arena, &response);
	struct hash256 id = id_of(&response);
	size_t done = 0, unsure = 0;
	for (size_t i = 0; i < team->count; i++) {
		enum operation_state state = team_state(team, i, &id);
		done += state == OPERATION_DONE;
		unsure += state == OPERATION_UNKNOWN || state == OPERATION_IN_FLIGHT;
	}
	assert_true(response.status == 200 || done == 0 || lie.is_told);
	talk_anew(team);
	if (!is_left_open(team, &id) || !lie.is_told)
		for (size_t i = 0; i < team->count; i++) {
			enum operation_state state = team_state(team, i, &id);
			if (state == OPERATION_UNKNOWN || state == OPERATION_IN_FLIGHT)
				fail_msg("%s, %s: keeper %zu does not know (%zu did not before)", scheme->name,
					 lie.field->name, i, unsure);
		}
	sign(team, lie.victim, scheme, ++*number);
	return lie.is_told;
}

static bool
lie_in_dealing(struct team *team, const struct scheme *scheme, struct lie lie,
	       struct simulated_disk *const before[TEAM_MAX], uint32_t *number) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team->on_message = tell;
	team->context = &lie;
	team_submit(team, 0, ceremony_operation(team, scheme, &CEREMONIES[1], &arena), &arena, &response);
	struct hash256 id = {};
	assert_ok(hex_decode(response.operation, id.bytes, sizeof id.bytes));
	talk_anew(team);
	/* What one has pledged never to take, another has pledged to keep: only people end that, and the old shares sign on (§16). */
	bool may_stay = lie.is_told && lie.field->kind == PEER_ANSWER &&
			(lie.field->first == ANSWER_STORED || lie.field->first == ANSWER_PLEDGED);
	size_t states[OPERATION_STATES] = {};
	for (size_t i = 0; i < team->count; i++) {
		states[team_state(team, i, &id)]++;
		assert_int_equal(key_at(team, 0, scheme)->sharing.key.epoch,
				 key_at(team, i, scheme)->sharing.key.epoch);
	}
	if (states[OPERATION_DONE] + states[OPERATION_FAILED] != team->count &&
	    !(may_stay && states[OPERATION_DONE] == 0 &&
	      states[OPERATION_UNKNOWN] + states[OPERATION_FAILED] == team->count))
		fail_msg("%s, %s from %zu to %zu: %zu done, %zu failed, %zu unknown", scheme->name, lie.field->name,
			 lie.liar, lie.victim, states[OPERATION_DONE], states[OPERATION_FAILED],
			 states[OPERATION_UNKNOWN]);
	for (size_t i = 0; i < team->count; i++)
		sign(team, i, scheme, ++*number);
	if (states[OPERATION_UNKNOWN] > 0)
		team_put_back(team, before, 92);
	return lie.is_told;
}

static void
lie_in_all(const struct scheme *scheme, size_t *lies, bool was_told[ARRAY_LENGTH(FIELDS)]) {
	_cleanup_(team_free) struct team team;
	struct simulated_disk *before[TEAM_MAX] = {};
	uint32_t number = 0;
	found(&team, 3, scheme, "2-of-3", 91);
	sign(&team, 0, scheme, ++number); /* so that there is something counted */
	for (size_t i = 0; i < team.count; i++)
		assert_ok(ledger_commit_now(keeper_ledger(team.members[i].house.keeper))); /* what nobody waits for */
	team_keep(&team, before);
	for (size_t f = 0; f < ARRAY_LENGTH(FIELDS); f++) {
		/* An old price counts nothing, and then nothing is told. */
		must_do(&team, (struct firm_operation){.by = FIRM_PRICES,
						       .kind = "price.set",
						       .resource = scheme->asset,
						       .payload = scheme->price});
		for (size_t k = 0; k < 6; k++)
			for (size_t place = 0; place < 3; place++) {
				struct lie lie = {.field = &FIELDS[f],
						  .liar = k / 2,
						  .victim = (k / 2 + 1 + k % 2) % 3,
						  .place = place};
				if (place != (f + (team_is_soak() ? k + soak_share(3) : 0)) % 3 ||
				    (!team_is_soak() && was_told[f])) /* once is enough */
					continue;
				for (size_t asks_liar = 0; asks_liar < 2; asks_liar++)
					was_told[f] |= lie_in_signing(&team, scheme, lie, asks_liar == 1, &number) &&
						       ++*lies > 0;
				was_told[f] |= lie_in_dealing(&team, scheme, lie, before, &number) && ++*lies > 0;
			}
	}
	for (size_t i = 0; i < TEAM_MAX; i++)
		simulated_disk_destroy(&before[i]);
}

static void
whatever_one_says_the_key_signs_in_one_epoch(void **) {
	for (size_t s = 0; s < (team_is_soak() ? ARRAY_LENGTH(SCHEMES) : 1); s++) {
		bool was_told[ARRAY_LENGTH(FIELDS)] = {};
		size_t lies = 0, told = 0;
		lie_in_all(&SCHEMES[s], &lies, was_told);
		for (size_t f = 0; f < ARRAY_LENGTH(FIELDS); f++) {
			told += was_told[f];
			if (!was_told[f])
				print_message("# %s: %s was not said\n", SCHEMES[s].name, FIELDS[f].name);
		}
		print_message("# result %s_lying_words %zu in %zu fields\n", SCHEMES[s].name, lies, told);
		assert_int_equal(ARRAY_LENGTH(FIELDS), told);
	}
}

/* --- Which pairs are lost. --- */

/* Of the key "vault", and of one that is lost. */
static const struct field PAIRS_FIELDS[] = {
	{PEER_ANSWER, ANSWER_PAIRS, "pairs.kind", 0, 1},      {PEER_ANSWER, ANSWER_PAIRS, "pairs.sharing", 1, 32},
	{PEER_ANSWER, ANSWER_PAIRS, "pairs.key_size", 33, 4}, {PEER_ANSWER, ANSWER_PAIRS, "pairs.key", 37, 5},
	{PEER_ANSWER, ANSWER_PAIRS, "pairs.count", 42, 1},    {PEER_ANSWER, ANSWER_PAIRS, "pairs.lost", 43, 1},
};
constexpr size_t LOSER = 2; /* has lost its half of the pair with */
constexpr size_t HALF = 0;  /* this one, and has whole pairs with */
constexpr size_t OTHER = 1; /* this one */

static bool
is_whole(struct team *team, size_t at, size_t with) {
	return shared_key_is_ready_with(key_at(team, at, &KINDS[0]), (uint8_t)(with + 1));
}

/* Nobody loses another pair by it, and when it is said as it is both ends are gone, and each two with a whole pair sign. */
static void
lie_in_pairs(struct team *team, struct lie lie, uint32_t *number) {
	struct keeper *loser = team->members[LOSER].house.keeper;
	pairwise_forget(ecdsa_share_pair(key_at(team, LOSER, &KINDS[0])->share, HALF + 1));
	team->on_message = tell;
	team->context = &lie;
	pairs_seal(loser, BYTES_OF_LITERAL("vault"));
	team_settle(team);
	assert_true(lie.is_told);
	bool is_heard = lie.victim != HALF;
	for (size_t turns = 0; turns < 2; turns++) {
		if (is_whole(team, HALF, LOSER) == (is_heard || turns == 1))
			fail_msg("%s to %zu: of the lost pair the other half is %s", lie.field->name, lie.victim,
				 is_whole(team, HALF, LOSER) ? "there" : "gone");
		assert_true(is_whole(team, HALF, OTHER) && is_whole(team, OTHER, HALF));
		assert_true(is_whole(team, LOSER, OTHER) && is_whole(team, OTHER, LOSER));
		team_pass_ms(team, LEAVING_TURN_MS); /* it is said again */
		team_settle(team);
	}
	team->on_message = nullptr;
	assert_signs(team, HALF, &KINDS[0], ++*number);
	assert_signs(team, LOSER, &KINDS[0], ++*number);
}

static void
whatever_one_says_it_has_lost_no_other_pair_is(void **) {
	_cleanup_(team_free) struct team team;
	struct simulated_disk *before[TEAM_MAX] = {};
	size_t lies = 0;
	team_found(&team, 3, 93);
	learn(&team, 0);
	make_key_among(&team, &KINDS[0], "\"one\",\"two\",\"three\"", "2-of-3");
	for (size_t i = 0; i < team.count; i++)
		assert_ok(ledger_commit_now(keeper_ledger(team.members[i].house.keeper)));
	team_keep(&team, before);
	for (size_t f = 0; f < ARRAY_LENGTH(PAIRS_FIELDS); f++)
		for (size_t victim = HALF; victim <= OTHER; victim++)
			for (size_t place = 0; place < 3; place++) {
				uint32_t number = 0;
				if (!team_is_soak() && (place != f % 3 || victim != f / 3))
					continue;
				lie_in_pairs(&team,
					     (struct lie){.field = &PAIRS_FIELDS[f],
							  .liar = LOSER,
							  .victim = victim,
							  .place = place},
					     &number);
				lies++;
				team_put_back(&team, before, 94);
			}
	print_message("# result ecdsa_lying_pairs %zu in %zu fields\n", lies, ARRAY_LENGTH(PAIRS_FIELDS));
	for (size_t i = 0; i < TEAM_MAX; i++)
		simulated_disk_destroy(&before[i]);
}

RUN_TESTS(T(whatever_one_says_it_has_lost_no_other_pair_is), T(whatever_one_says_the_key_signs_in_one_epoch))
