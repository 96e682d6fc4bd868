/*
 * Limits on a key that keepers share hold over what all of them have counted, whoever was asked for which transfer, and against one that
 * lies about what it has counted as docs/PROTOCOL.threshold §16 says. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_limits.h"

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
	  T(one_liar_of_three_spends_the_limit_twice_and_no_more), T(one_liar_of_four_spends_nothing_beyond_the_limit),
	  T(a_liar_makes_nothing_smaller_that_others_have_counted),
	  T(no_key_that_is_limited_is_shared_so_that_signers_need_not_meet),
	  T(a_list_that_its_teller_has_not_signed_is_refused_and_names_it))
