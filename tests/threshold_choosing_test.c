/*
 * Who signs with a shared key where a keeper spoils what it takes part in: whom a check has named is left out while others can sign, and
 * no company that failed comes again while there is another. What failed stays failed. The keepers are those of tests/frost_team.h.
 */
#include "tests/frost_team.h"

#include "keys/threshold/frost/frost_quorum.h"
#include "keys/threshold/message.h"

/* In every round of that number, one byte of what these keepers send. */
struct spoiling {
	unsigned liars; /* bits by place */
	size_t round, spoiled;
};

static bool
spoil(struct team *team, size_t from, size_t, enum peer_kind kind, struct buffer *body) {
	struct spoiling *spoiling = team->context;
	if (!(spoiling->liars >> from & 1) || kind != PEER_PROTOCOL ||
	    body->data[6] != FROST_QUORUM_MESSAGES[spoiling->round].type)
		return true;
	/* Of a share its last byte, which a check names; of the first round's echo, which nobody can be named for. */
	body->data[spoiling->round == 0 ? MESSAGE_HEADER_SIZE : body->len - 1] ^= 1;
	spoiling->spoiled++;
	return true;
}

static void
assert_not_signed(struct team *team, const struct scheme *scheme, uint32_t number) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_submit(team, 0, transfer(team, scheme, number, &arena), &arena, &response);
	/* The shares of all had left. */
	assert_answer(202, "unknown", &response);
	struct hash256 id = id_of(&response);
	team_pass_ms(team, 60'000);
	team_settle(team);
	/* And nobody tries it again. A liar may have made the signature, of the shares of the others: then it is everybody's. */
	enum operation_state state = team_state(team, 0, &id);
	assert_true(state == OPERATION_DONE || state == OPERATION_UNKNOWN);
	for (size_t i = 0; i < team->count; i++)
		assert_int_equal(state, team_state(team, i, &id));
}

/* Outcomes in a keeper's own log that name the second one. */
static enum status
find_named(void *context, const struct ledger_record *record) {
	static const char named[] = "\"party\":2,\"protocol\":\"frost-signing\"";
	size_t *found = context;
	*found += memmem(record->leaf.data, record->leaf.len, named, strlen(named)) != nullptr;
	return OK;
}

static size_t
named_at(struct team *team, size_t at) {
	struct ledger *ledger = keeper_ledger(team->members[at].house.keeper);
	struct ledger_head head;
	size_t found = 0;
	ledger_durable_head(ledger, &head);
	assert_ok(ledger_visit(ledger, 0, head.head.size, find_named, &found));
	return found;
}

static uint32_t
doubted_at(struct team *team, size_t at, const struct scheme *scheme) {
	return key_at(team, at, scheme)->doubts.parties;
}

static void
refresh(struct team *team, const struct scheme *scheme) {
	_cleanup_(arena_free) struct arena arena = {};
	must_do(team, (struct firm_operation){.kind = "key.refresh",
					      .resource = arena_format(&arena, "key:%s", scheme->key),
					      .payload = "{}"});
}

/* By the order of their places it would be the second, whoever is asked; once it has spoiled a signature the other two sign. */
static void
whom_a_check_has_named_signs_no_more_while_others_can(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		struct spoiling spoiling = {.liars = 0b010, .round = 1};
		found(&team, 3, &SCHEMES[s], "2-of-3", 30 + s);
		team.on_message = spoil;
		team.context = &spoiling;
		assert_not_signed(&team, &SCHEMES[s], 1);
		assert_int_equal(1U << 2, doubted_at(&team, 0, &SCHEMES[s]));
		assert_int_equal(1, named_at(&team, 0));
		size_t spoiled = spoiling.spoiled;
		assert_true(spoiled > 0);
		for (uint32_t number = 2; number < 5; number++)
			sign(&team, 0, &SCHEMES[s], number);
		assert_int_equal(spoiled, spoiling.spoiled); /* it was not asked */
		assert_int_equal(1, named_at(&team, 0));
		/* Two liars, and nobody else is left: it ends in a refusal, as often as it is asked for. */
		spoiling.liars = 0b110;
		for (uint32_t number = 5; number < 8; number++)
			assert_not_signed(&team, &SCHEMES[s], number);
		assert_int_equal(1U << 2 | 1U << 3, doubted_at(&team, 0, &SCHEMES[s]));
		/* It is better than none: where it does its part it signs. */
		spoiling.liars = 0;
		team_cut(&team, 0, 2);
		sign(&team, 0, &SCHEMES[s], 8);
		team_connect(&team, 0, 2);
		team_settle(&team);
		/* Dealt anew, nobody is under doubt. */
		refresh(&team, &SCHEMES[s]);
		assert_int_equal(0, doubted_at(&team, 0, &SCHEMES[s]));
		sign(&team, 0, &SCHEMES[s], 9);
	}
}

/* Nobody can say who it was: those who failed together sign together no more while others can. */
static void
no_company_that_failed_comes_again_while_there_is_another(void **) {
	_cleanup_(team_free) struct team team;
	struct spoiling spoiling = {.liars = 0b0010};
	found(&team, 4, &SCHEMES[1], "3-of-4", 40);
	team.on_message = spoil;
	team.context = &spoiling;
	/* One asks two and three, then two and four, which have the liar; and then three and four. */
	for (uint32_t number = 1; number < 3; number++)
		assert_not_signed(&team, &SCHEMES[1], number);
	size_t spoiled = spoiling.spoiled;
	for (uint32_t number = 3; number < 6; number++)
		sign(&team, 0, &SCHEMES[1], number);
	assert_int_equal(spoiled, spoiling.spoiled);
	/* Where all have failed it is the turn of those whose failure is the longest ago; who has signed is trusted again. */
	spoiling.liars = 0b1010;
	assert_not_signed(&team, &SCHEMES[1], 6); /* three and four */
	assert_not_signed(&team, &SCHEMES[1], 7); /* two and three */
	spoiling.liars = 0b1000;
	assert_not_signed(&team, &SCHEMES[1], 8); /* two and four */
	assert_not_signed(&team, &SCHEMES[1], 9); /* three and four */
	assert_int_equal(3, key_at(&team, 0, &SCHEMES[1])->doubts.set_count);
	sign(&team, 0, &SCHEMES[1], 10); /* two and three */
	assert_int_equal(2, key_at(&team, 0, &SCHEMES[1])->doubts.set_count);
	sign(&team, 0, &SCHEMES[1], 11);
}

RUN_TESTS(T(whom_a_check_has_named_signs_no_more_while_others_can),
	  T(no_company_that_failed_comes_again_while_there_is_another))
