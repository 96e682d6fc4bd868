/*
 * Limits on a key that keepers share hold over what all of them have counted, whoever was asked for which transfer, and against one that
 * lies about what it has counted as docs/PROTOCOL.threshold §16 says. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_limits.h"
#include "tests/team_log.h"

#include <stdio.h>

#include "keeper/threshold_internal.h"

/* No keeper has counted more than it was asked about; together they have. */
static void
each_decides_on_what_all_signers_have_counted(void **) {
	_cleanup_(team_free) struct team team;
	team_found(&team, 3, 6);
	team_make_key(&team, "vault", "2-of-3");
	limit_to(&team, 700);
	team_cut(&team, 0, 2);
	team_cut(&team, 1, 2);
	assert_true(sign_at(&team, 0, 0)); /* by one and two */
	team_connect(&team, 1, 2);
	team_cut(&team, 0, 1);
	assert_true(sign_at(&team, 2, 1)); /* by two and three */
	assert_int_equal(TRANSFER_CENTS, spent(&team, 0));
	assert_int_equal(TRANSFER_CENTS, spent(&team, 2));
	team_cut(&team, 1, 2);
	team_connect(&team, 0, 2);
	/* One has counted the first, three the second: three with this one, and the limit lets two through. */
	assert_false(sign_at(&team, 0, 2));
	assert_false(sign_at(&team, 2, 3));
	/* The first, which permitted one, has not heard from the second, which is not there, that it did not sign. */
	assert_int_equal(2 * TRANSFER_CENTS, spent(&team, 0));
	assert_int_equal(TRANSFER_CENTS, spent(&team, 2));
}

/* What only another has counted leaves a window when it does there, also where it is told again meanwhile. */
static void
what_a_peer_has_counted_counts_at_its_own_time(void **) {
	_cleanup_(team_free) struct team team;
	team_found(&team, 3, 22);
	team_make_key(&team, "vault", "2-of-3");
	limit_to(&team, 700);
	team_cut(&team, 0, 2);
	team_cut(&team, 1, 2);
	assert_true(sign_at(&team, 0, 0)); /* by one and two */
	assert_true(sign_at(&team, 0, 1));
	team_cut(&team, 0, 1);
	team_connect(&team, 1, 2);
	team_settle(&team);
	assert_int_equal(0, spent(&team, 2));
	assert_int_equal(2 * TRANSFER_CENTS, heard(&team, 2));
	assert_false(sign_at(&team, 2, 2));
	team_pass_ms(&team, 40 * 60'000);
	team_settle(&team);
	team_cut(&team, 1, 2);
	assert_int_equal(2 * TRANSFER_CENTS, heard(&team, 2));
	team_connect(&team, 1, 2);
	team_settle(&team);
	assert_int_equal(2 * TRANSFER_CENTS, heard(&team, 2)); /* told again, forty minutes of the hour later */
	team_pass_ms(&team, 21 * 60'000);
	team_settle(&team);
	assert_int_equal(0, heard(&team, 2));
	/* Told again after they have left all windows but the greater ones, they are not of this hour either. */
	team_cut(&team, 1, 2);
	team_connect(&team, 1, 2);
	team_settle(&team);
	assert_int_equal(0, heard(&team, 2));
}

/* --- Each by its own clock. --- */

constexpr int64_t APART_MS = 60'000;

/* How far ahead of the slowest each is, in minutes. Forward alone: recorded time never goes back. */
static const int64_t AHEAD[][3] = {{1, 2, 0}, {1, 0, 2}, {2, 1, 0}};

/* Set while nobody runs, so that each takes its own clock for right. */
static void
set_clocks_apart(struct team *team, const int64_t ahead[3]) {
	for (size_t i = 0; i < 3; i++)
		team_stop(team, i);
	for (size_t i = 0; i < 3; i++) {
		simulated_disk_step_realtime(team->members[i].disk, ahead[i] * APART_MS * 1'000'000);
		team_start(team, i);
	}
	team_settle(team);
}

static void
found_apart(struct team *team, const int64_t ahead[3], uint64_t seed, unsigned usd) {
	team_found(team, 3, seed);
	team_make_key(team, "vault", "2-of-3");
	limit_to(team, usd);
	set_clocks_apart(team, ahead);
}

/* By the clock that is the furthest behind: everybody else takes what is made now for a minute or two old. */
static int64_t
slowest_ms(const struct team *team) {
	int64_t slowest_ms = INT64_MAX;
	for (size_t i = 0; i < team->count; i++) {
		int64_t now_ms = house_now_ms(&team->members[i].house);
		slowest_ms = now_ms < slowest_ms ? now_ms : slowest_ms;
	}
	return slowest_ms;
}

static bool
sign_made_at(struct team *team, size_t at, uint64_t nonce, int64_t created_ms) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct firm_operation asked = transfer(&arena, 10, nonce);
	asked.created_ms = created_ms;
	team_submit(team, at, asked, &arena, &response);
	if (response.status == 200)
		assert_signed(team, at, &arena, &asked, &response);
	return response.status == 200;
}

static bool
sign_apart(struct team *team, size_t at, uint64_t nonce) {
	return sign_made_at(team, at, nonce, slowest_ms(team));
}

static void
assert_each_trusts_its_clock(const struct team *team) {
	for (size_t i = 0; i < team->count; i++)
		assert_false(team->members[i].house.keeper->clock.in_doubt);
}

static int64_t
spent_now(struct team *team, size_t at) {
	return limits_sum(state_of(team, at)->limits, LIMIT_KEY, BYTES_OF_LITERAL("vault"), LIMIT_HOUR,
			  ledger_time_ms(keeper_ledger(team->members[at].house.keeper)), nullptr, 0);
}

/* The rule of each_decides_on_what_all_signers_have_counted, for keepers that are minutes apart. */
static void
the_limit_holds_whatever_the_clocks_say(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(AHEAD); i++) {
		_cleanup_(team_free) struct team team;
		found_apart(&team, AHEAD[i], 60 + 3 * i, 700);
		team_cut(&team, 0, 2);
		team_cut(&team, 1, 2);
		assert_true(sign_apart(&team, 0, 0)); /* by one and two */
		team_connect(&team, 1, 2);
		team_cut(&team, 0, 1);
		assert_true(sign_apart(&team, 2, 1)); /* by two and three */
		team_cut(&team, 1, 2);
		team_connect(&team, 0, 2);
		assert_false(sign_apart(&team, 0, 2));
		assert_false(sign_apart(&team, 2, 3));
		assert_int_equal(2 * TRANSFER_CENTS, spent(&team, 0));
		assert_int_equal(TRANSFER_CENTS, spent(&team, 2));
		assert_each_trusts_its_clock(&team);
	}
}

/* Every ten seconds around the end of the hour: as long as the teller counts them the hearer does, told at once or again. Where the clocks are
 * apart by a minute or two in either direction, a time of day in place of an age would be off by that. */
static void
what_was_counted_leaves_no_window_sooner_than_at_its_teller(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(AHEAD); i++) {
		_cleanup_(team_free) struct team team;
		found_apart(&team, AHEAD[i], 80 + 3 * i, 700);
		team_cut(&team, 0, 2);
		team_cut(&team, 1, 2);
		assert_true(sign_apart(&team, 0, 0)); /* by one and two */
		assert_true(sign_apart(&team, 0, 1));
		team_cut(&team, 0, 1);
		team_connect(&team, 1, 2);
		team_settle(&team);
		assert_int_equal(2 * TRANSFER_CENTS, heard(&team, 2));
		team_pass_ms(&team, 40 * 60'000);
		team_cut(&team, 1, 2);
		team_connect(&team, 1, 2); /* told again */
		team_settle(&team);
		team_pass_ms(&team, 18 * 60'000);
		size_t at_both = 0;
		while (spent_now(&team, 1) > 0) {
			assert_true(heard(&team, 2) >= spent_now(&team, 1));
			at_both++;
			team_pass_ms(&team, 10'000);
			team_settle(&team);
		}
		assert_true(at_both > 0);
		team_pass_ms(&team, 10'000); /* nor much later: what it took to be told */
		assert_int_equal(0, heard(&team, 2));
		assert_each_trusts_its_clock(&team);
	}
}

/* Why a keeper did not come to decide what it was asked, as it told the first: the last that it said. */
struct undecided {
	char by_party[3][128];
};

static bool
overhear_undecided(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct undecided *undecided = team->context;
	struct joint_answer answer;
	if (kind != PEER_ANSWER || to != 0 || joint_answer_read(buffer_bytes(body), &answer) != OK ||
	    answer.kind != ANSWER_REFUSED)
		return true;
	assert_true(answer.is_undecided);
	snprintf(undecided->by_party[from], sizeof undecided->by_party[from], "%.*s", BYTES_ARGS(answer.reason));
	return true;
}

static void
assert_spent(struct team *team, int64_t one, int64_t two, int64_t three) {
	const int64_t transfers[] = {one, two, three};
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(transfers[i] * TRANSFER_CENTS, spent(team, i));
}

/* Whoever does not take it by its own clock did not come to decide it, and is bound by nothing: it says so by name to who asked, and the two
 * others sign. Two is a minute ahead of one, and three a minute behind. */
static void
a_request_that_one_clock_refuses_is_signed_by_the_others(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct undecided undecided = {};
	struct ipc_response response;
	found_apart(&team, AHEAD[0], 100, 5'000);
	team.on_message = overhear_undecided;
	team.context = &undecided;
	/* Made now, by one's clock, which is later than three tolerates. */
	assert_true(sign_made_at(&team, 0, 0, house_now_ms(&team.members[0].house)));
	assert_non_null(strstr(undecided.by_party[2], "request_signature.created: "));
	assert_string_equal("", undecided.by_party[1]);
	assert_spent(&team, 1, 1, 0);
	/* It has half a minute left by one's clock, more by three's, and none by two's. */
	undecided = (struct undecided){};
	struct firm_operation asked = transfer(&arena, 10, 1);
	asked.created_ms = slowest_ms(&team);
	asked.lifetime_ms = APART_MS + APART_MS / 2;
	team_submit(&team, 0, asked, &arena, &response);
	assert_signed(&team, 0, &arena, &asked, &response);
	assert_non_null(strstr(undecided.by_party[1], "operation.expired: "));
	assert_string_equal("", undecided.by_party[2]);
	assert_true(log_says(&team, 1, ENTRY_REFUSAL, "operation.expired: "));
	assert_spent(&team, 2, 1, 1);
	/* With nobody else there it is signed by nobody. */
	undecided = (struct undecided){};
	team_cut(&team, 0, 1);
	asked = transfer(&arena, 10, 2);
	asked.created_ms = house_now_ms(&team.members[0].house);
	team_submit(&team, 0, asked, &arena, &response);
	assert_answer(202, "unknown", &response); /* three is bound by nothing that it has said */
	assert_true(says(&response, "joint.too_few: 1 of 2 keepers that must sign are there"));
	assert_non_null(strstr(undecided.by_party[2], "request_signature.created: "));
	assert_spent(&team, 3, 1, 1);
	assert_each_trusts_its_clock(&team);
}

/* --- Against who lies. --- */

/* 2 of 3: 2t − n − 1 = 0 liars are stood. One spends the limit once with each of the honest, and no more. */
static void
one_liar_of_three_spends_the_limit_twice_and_no_more(void **) {
	_cleanup_(team_free) struct team team;
	struct simulated_disk *before = nullptr;
	team_found(&team, 3, 7);
	team_make_key(&team, "vault", "2-of-3");
	limit_to(&team, 620);
	unsigned signatures = 0;
	uint64_t nonce = 0;
	team_cut(&team, 0, 1);
	for (size_t turn = 0; turn < 4; turn++) { /* with either, and with either once more */
		size_t honest = turn % 2;
		keep_disk(&team, 2, &before);
		team_connect(&team, honest, 2);
		team_cut(&team, 1 - honest, 2);
		unsigned of_turn = 0;
		while (sign_at(&team, honest, nonce++))
			of_turn++;
		assert_false(sign_at(&team, 2, nonce++));
		assert_int_equal(turn < 2 ? 2 : 0, of_turn);
		signatures += of_turn;
		put_back(&team, 2, &before);
	}
	assert_int_equal(4, signatures); /* of 301.89 USD each: twice what the limit lets through */
	assert_int_equal(2, sharing_spends(2, 3, 1));
}

/* 3 of 4: one liar is stood. */
static void
one_liar_of_four_spends_nothing_beyond_the_limit(void **) {
	_cleanup_(team_free) struct team team;
	struct simulated_disk *before = nullptr;
	team_found(&team, 4, 8);
	team_make_key(&team, "vault", "3-of-4");
	limit_to(&team, 620);
	unsigned signatures = 0;
	uint64_t nonce = 0;
	for (size_t absent = 0; absent < 3; absent++) { /* each pair of the honest, with the liar */
		keep_disk(&team, 3, &before);
		for (size_t a = 0; a < 4; a++)
			for (size_t b = 0; b < a; b++)
				if (a == absent || b == absent)
					team_cut(&team, a, b);
				else
					team_connect(&team, a, b);
		for (int i = 0; i < 3; i++)
			signatures += sign_at(&team, absent == 0 ? 1 : 0, nonce++);
		put_back(&team, 3, &before);
	}
	assert_int_equal(2, signatures); /* all that the limit lets through */
}

/* What the fourth says it has counted is next to nothing, it says so before anybody else, and what others have is not heard there. */
static bool
tell_less(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer less = {};
	if (kind != PEER_COUNTED || (from != 3 && to != 3))
		return true;
	if (to == 3)
		return false;
	struct cursor cursor = cursor_of(buffer_bytes(body));
	struct counted_seal seal;
	assert_ok(counted_seal_read(&cursor, &seal));
	while (cursor.left > 0) {
		struct spend spend;
		assert_ok(counted_read(&cursor, &arena, 0, &spend));
		struct limit_part *parts = ARENA_NEW_ARRAY(&arena, spend.part_count, struct limit_part);
		assert_non_null(parts);
		for (size_t i = 0; i < spend.part_count; i++) {
			parts[i] = spend.parts[i];
			parts[i].cents = 1;
		}
		spend.parts = parts;
		counted_write(&less, &spend, 0);
	}
	team_seal_counted(team, from, to, buffer_bytes(&less), body);
	return true;
}

static void
a_liar_makes_nothing_smaller_that_others_have_counted(void **) {
	_cleanup_(team_free) struct team team;
	struct simulated_disk *before = nullptr;
	team_found(&team, 4, 12);
	team_make_key(&team, "vault", "3-of-4");
	limit_to(&team, 700);
	keep_disk(&team, 3, &before);
	team.on_message = tell_less;
	for (size_t i = 0; i < 4; i++)
		if (i != 2)
			team_cut(&team, 2, i);
	assert_true(sign_at(&team, 0, 0)); /* by one, two and the liar */
	team_cut(&team, 0, 1);
	team_cut(&team, 0, 3);
	team_connect(&team, 2, 3);
	team_settle(&team);
	team_connect(&team, 2, 1);
	team_settle(&team);
	assert_true(sign_at(&team, 1, 1)); /* by two, three and the liar */
	team_cut(&team, 1, 2);
	team_cut(&team, 1, 3);
	team_connect(&team, 0, 3); /* the liar first */
	team_settle(&team);
	team_connect(&team, 0, 2);
	team_settle(&team);
	put_back(&team, 3, &before);
	team_connect(&team, 0, 3);
	team_connect(&team, 2, 3);
	team_settle(&team);
	/* One has counted the first, three the second: with this one it would be three, and the limit lets two through. */
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_submit(&team, 0, transfer(&arena, 10, 2), &arena, &response);
	assert_answer(403, "denied", &response);
	assert_true(says(&response, "forbidden by hourly"));
}

/* Policies limit what such a key spends, and where two sets of signers need not meet nobody counts all of it. What signs opaque digests is under no
 * limit. */
static void
no_key_that_is_limited_is_shared_so_that_signers_need_not_meet(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	static const char refusal[] =
		"key.threshold: two sets of 2 of 4 keepers need not meet, so that no limit would hold";
	team_found(&team, 4, 13);
	team_ask_key(&team, "vault", "2-of-4", &arena, &response);
	assert_true(response.status >= 400 && says(&response, refusal));
	team_make_key(&team, "vault", "3-of-4");
	reshare_vault(&team, 0, "\"one\",\"two\",\"three\",\"four\"", "2-of-4", &response, &arena);
	assert_true(response.status >= 400 && says(&response, refusal));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(1, vault_at(&team, i)->sharing.key.epoch);
	team_ask_key_as(&team, &(struct team_key){.id = "seal", .threshold = "2-of-4", .purpose = "digest"}, &arena,
			&response);
	assert_answer(200, "done", &response);
}

/* What comes from the second keeper to the first under the name of what it has counted. */
struct forgery {
	enum { SPEND_ALTERED, SIGNATURE_ALTERED, BY_OTHER_KEYS, LIST_LEFT_OUT, LIST_TWICE, CUT_SHORT, FORGERIES } kind;
	bool is_armed, is_done;
	struct buffer earlier;
};

static bool
forge(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct forgery *forgery = team->context;
	if (kind != PEER_COUNTED || from != 1 || to != 0)
		return true;
	if (!forgery->is_armed) {
		buffer_reset(&forgery->earlier);
		buffer_append_bytes(&forgery->earlier, buffer_bytes(body));
		return true;
	}
	if (forgery->is_done)
		return true;
	forgery->is_done = true;
	switch (forgery->kind) {
	case SPEND_ALTERED:
		body->data[body->len - 1] ^= 1; /* of the cents */
		return true;
	case SIGNATURE_ALTERED:
		body->data[64] ^= 1;
		return true;
	case BY_OTHER_KEYS: {
		_cleanup_(buffer_free) struct buffer spends = {};
		buffer_append(&spends, body->data + sizeof(struct counted_seal),
			      body->len - sizeof(struct counted_seal));
		team_seal_counted(team, 2, to, buffer_bytes(&spends), body);
		return true;
	}
	case LIST_LEFT_OUT:
		return false;
	case LIST_TWICE:
		buffer_reset(body);
		buffer_append_bytes(body, buffer_bytes(&forgery->earlier));
		return true;
	default:
		body->len = sizeof(struct counted_seal) - 1;
		return true;
	}
}

/* What stands in a keeper's own log of lists that it refused of the second one. */
static enum status
find_refused(void *context, const struct ledger_record *record) {
	static const char refused[] = "\"keeper\":\"two\",\"party\":2,\"protocol\":\"counted\"";
	size_t *found = context;
	*found += memmem(record->leaf.data, record->leaf.len, refused, strlen(refused)) != nullptr;
	return OK;
}

static size_t
refused_at(struct team *team, size_t at) {
	struct ledger *ledger = keeper_ledger(team->members[at].house.keeper);
	struct ledger_head head;
	size_t found = 0;
	assert_ok(ledger_commit_now(ledger)); /* nobody waits for it */
	ledger_durable_head(ledger, &head);
	assert_ok(ledger_visit(ledger, 0, head.head.size, find_refused, &found));
	return found;
}

/* Of each operation a keeper tells the others before it permits: the list that is altered is of the second transfer. */
static void
a_list_that_its_teller_has_not_signed_is_refused_and_names_it(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	for (unsigned kind = 0; kind < FORGERIES; kind++) {
		_cleanup_(team_free) struct team team;
		struct forgery forgery = {.kind = kind};
		struct ipc_response response;
		uint64_t nonce = 0;
		team_found(&team, 3, 22 + kind);
		team_make_key(&team, "vault", "2-of-3");
		team.on_message = forge;
		team.context = &forgery;
		assert_true(sign_at(&team, 0, nonce++));
		assert_int_equal(0, refused_at(&team, 0));
		/* The third signs in its place. What was left out is seen with the next list. */
		forgery.is_armed = true;
		for (size_t i = 0; i < 3; i++) {
			assert_true(sign_at(&team, 0, nonce++));
			assert_true(forgery.is_done);
		}
		assert_int_equal(1, refused_at(&team, 0));
		assert_int_equal(0, refused_at(&team, 2));
		/* Nobody else is there. */
		for (size_t i = 0; i < 2; i++)
			team_cut(&team, 2, i);
		team_submit(&team, 0, transfer(&arena, 10, nonce++), &arena, &response);
		assert_answer(202, "unknown", &response);
		assert_true(says(&response, "joint.counted: keeper two has not told what it counted"));
		/* When it tells all again the two sign. */
		team_cut(&team, 0, 1);
		team_connect(&team, 0, 1);
		team_settle(&team);
		assert_true(sign_at(&team, 0, nonce++));
		buffer_free(&forgery.earlier);
	}
}

RUN_TESTS(T(each_decides_on_what_all_signers_have_counted), T(what_a_peer_has_counted_counts_at_its_own_time),
	  T(the_limit_holds_whatever_the_clocks_say), T(what_was_counted_leaves_no_window_sooner_than_at_its_teller),
	  T(a_request_that_one_clock_refuses_is_signed_by_the_others),
	  T(one_liar_of_three_spends_the_limit_twice_and_no_more), T(one_liar_of_four_spends_nothing_beyond_the_limit),
	  T(a_liar_makes_nothing_smaller_that_others_have_counted),
	  T(no_key_that_is_limited_is_shared_so_that_signers_need_not_meet),
	  T(a_list_that_its_teller_has_not_signed_is_refused_and_names_it))
