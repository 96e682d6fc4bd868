/*
 * A keeper whose peer says more than it should, on a channel that is its own: what that peer can make it hold in memory, write to its log,
 * or keep it from doing with others is bounded, and stated in docs/PROTOCOL.threshold §16. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/logged.h"
#include "tests/team_limits.h"

#include "keeper/threshold_internal.h"

constexpr size_t LIAR = 0; /* the first of all sets that it is in: it begins what is prepared with them */
constexpr size_t VICTIM = 1;
constexpr size_t OTHER = 2;

static struct threshold *
threshold_at(struct team *team, size_t at) {
	return team->members[at].house.keeper->threshold;
}

static void
say(struct team *team, size_t from, size_t to, enum peer_kind kind, const struct buffer *body) {
	assert_ok(buffer_status(body));
	threshold_message(team->members[to].house.keeper, &team->members[to].peers[from], kind, buffer_bytes(body));
}

static void
found(struct team *team, uint64_t seed) {
	team_found(team, 3, seed);
	team_make_key(team, "vault", "2-of-3");
	team_settle(team);
}

/* --- What is prepared. --- */

/* It does its part in each, and begins the next as if nothing had come of it. */
static void
who_prepares_without_end_fills_no_memory(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	size_t prepared = 0;
	found(&team, 51);
	const struct party_set *holders = &vault_at(&team, VICTIM)->sharing.key.holders;
	struct party_set two;
	assert_ok(party_set_choose(holders, (const uint8_t[]){LIAR + 1, VICTIM + 1}, 2, &two));
	for (size_t i = 0; i < 5; i++) {
		presignature_pool_discard(&threshold_at(&team, LIAR)->pool);
		team_pass_ms(&team, POOL_TURN_MS);
		team_settle(&team);
		prepared += pool_count(team.members[LIAR].house.keeper, BYTES_OF_LITERAL("vault"), &two);
	}
	assert_true(prepared > PRESIGNATURES_OF_SET_MAX);
	assert_int_equal(PRESIGNATURES_OF_SET_MAX,
			 pool_count(team.members[VICTIM].house.keeper, BYTES_OF_LITERAL("vault"), &two));
	/* Those that were prepared last are kept. */
	team_cut(&team, OTHER, LIAR);
	team_cut(&team, OTHER, VICTIM);
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, LIAR, asked, &arena, &response);
	assert_signed(&team, LIAR, &arena, &asked, &response);
}

static void
propose_with(struct team *team, size_t from, size_t to, const uint8_t *signers, uint8_t count) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct proposal proposal = {.kind = PROPOSE_PREPARE,
				    .key_id = BYTES_OF_LITERAL("vault"),
				    .epoch = 1,
				    .counter = threshold_at(team, to)->heard[from + 1] + 1,
				    .signer_count = count};
	memcpy(proposal.signers, signers, count);
	proposal_write(&body, &proposal);
	say(team, from, to, PEER_PROPOSE, &body);
}

static void
propose_preparation(struct team *team) {
	propose_with(team, LIAR, VICTIM, (const uint8_t[]){LIAR + 1, VICTIM + 1}, 2);
}

static bool
lose_frames_to_liar(struct team *, size_t, size_t to, enum peer_kind, struct buffer *) {
	return to != LIAR;
}

static bool
lose_frames_to_two(struct team *, size_t, size_t to, enum peer_kind, struct buffer *) {
	return to >= 2;
}

/* Begun, and never gone on with. */
static void
who_begins_without_end_leaves_places_for_others(void **) {
	_cleanup_(team_free) struct team team;
	struct party_set two;
	found(&team, 52);
	struct threshold *victim = threshold_at(&team, VICTIM);
	assert_ok(party_set_choose(&vault_at(&team, VICTIM)->sharing.key.holders,
				   (const uint8_t[]){VICTIM + 1, OTHER + 1}, 2, &two));
	team.on_message = lose_frames_to_liar;
	for (uint64_t i = 1; i <= 4 * PREPARING_MAX; i++)
		propose_preparation(&team);
	assert_int_equal(PREPARING_OF_PEER_MAX, victim->preparing_count);
	presignature_pool_discard(&victim->pool);
	presignature_pool_discard(&threshold_at(&team, OTHER)->pool);
	victim->is_pool_due = true;
	team_settle(&team);
	assert_int_equal(POOL_TARGET, pool_count(team.members[VICTIM].house.keeper, BYTES_OF_LITERAL("vault"), &two));
}

static bool
lose_frames_of_last(struct team *, size_t from, size_t, enum peer_kind kind, struct buffer *) {
	return from != 4 || kind != PEER_PROTOCOL;
}

/* Two that begin without end, together: of the places there are, those that are the victim's own stay. */
static void
whoever_begins_without_end_its_own_places_stay(void **) {
	static const uint8_t sets[][3] = {{1, 2, 3}, {2, 3, 4}, {3, 4, 5}}; /* each one's, who is the first */
	_cleanup_(team_free) struct team team;
	struct party_set own;
	team_found(&team, 5, 58);
	team_make_key(&team, "vault", "3-of-5");
	team_settle(&team);
	struct threshold *victim = threshold_at(&team, 2);
	assert_ok(party_set_choose(&vault_at(&team, 2)->sharing.key.holders, sets[2], 3, &own));
	team.on_message = lose_frames_to_two;
	for (size_t from = 0; from < 2; from++)
		for (size_t i = 0; i < PREPARING_MAX; i++)
			propose_with(&team, from, 2, sets[from], 3);
	assert_int_equal(PREPARING_MAX - PREPARING_OWN, victim->preparing_count);
	for (size_t at = 2; at < 5; at++)
		presignature_pool_discard(&threshold_at(&team, at)->pool);
	victim->is_pool_due = true;
	team_settle(&team);
	assert_int_equal(POOL_TARGET, pool_count(team.members[2].house.keeper, BYTES_OF_LITERAL("vault"), &own));
	/* The last is silent: who waits for it with the first is not left out beside it. */
	struct threshold *first = threshold_at(&team, 0);
	team.on_message = lose_frames_of_last;
	team_cut(&team, 0, 2);
	team_cut(&team, 0, 3);
	presignature_pool_discard(&first->pool);
	first->is_pool_due = true;
	team_settle(&team);
	assert_true(first->preparing_count > 0);
	team_pass_ms(&team, PREPARING_MS);
	team_settle(&team);
	assert_true(first->pool_paused_ms[5] > threshold_now_ms(team.members[0].house.keeper));
	assert_int_equal(0, first->pool_paused_ms[2]);
}

/* --- Who says nothing. --- */

static bool
lose_frames_of_other(struct team *, size_t from, size_t, enum peer_kind kind, struct buffer *) {
	return from != OTHER || kind != PEER_PROTOCOL;
}

static size_t
count_at(struct team *team, size_t at, uint8_t first, uint8_t second) {
	struct party_set two;
	assert_ok(
		party_set_choose(&vault_at(team, at)->sharing.key.holders, (const uint8_t[]){first, second}, 2, &two));
	return pool_count(team->members[at].house.keeper, BYTES_OF_LITERAL("vault"), &two);
}

/* A pause with it alone, and not with who waited for it as well; afterwards all is as it was. */
static void
with_who_is_silent_nothing_is_begun_for_a_while(void **) {
	_cleanup_(team_free) struct team team;
	found(&team, 59);
	team.on_message = lose_frames_of_other;
	for (size_t at = 0; at < 3; at++) {
		presignature_pool_discard(&threshold_at(&team, at)->pool);
		threshold_at(&team, at)->is_pool_due = true;
	}
	team_settle(&team);
	team_pass_ms(&team, PREPARING_MS);
	team_settle(&team);
	for (size_t at = LIAR; at <= VICTIM; at++) {
		struct threshold *threshold = threshold_at(&team, at);
		int64_t now_ms = threshold_now_ms(team.members[at].house.keeper);
		assert_true(threshold->pool_paused_ms[OTHER + 1] > now_ms);
		assert_int_equal(0, threshold->pool_paused_ms[at == LIAR ? VICTIM + 1 : LIAR + 1]);
		assert_int_equal(0, threshold->preparing_count);
		assert_int_equal(0, count_at(&team, at, (uint8_t)(at + 1), OTHER + 1));
		assert_int_equal(POOL_TARGET, count_at(&team, at, LIAR + 1, VICTIM + 1));
	}
	/* It speaks again, and is waited for no earlier than that. */
	team.on_message = nullptr;
	team_pass_ms(&team, 30'000);
	team_settle(&team);
	assert_int_equal(0, count_at(&team, LIAR, LIAR + 1, OTHER + 1));
	team_pass_ms(&team, 31'000);
	team_settle(&team);
	for (size_t at = LIAR; at <= VICTIM; at++)
		assert_int_equal(POOL_TARGET, count_at(&team, at, (uint8_t)(at + 1), OTHER + 1));
}

/* Each keeper for itself: the freeze that the victim has heard of binds nobody's proposals. */
static void
with_a_frozen_key_nothing_is_begun_whoever_proposes(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	found(&team, 57);
	struct threshold *victim = threshold_at(&team, VICTIM);
	team.on_message = lose_frames_to_liar;
	team_submit(&team, VICTIM,
		    (struct firm_operation){
			    .by = FIRM_PERSON_1, .kind = "key.freeze", .resource = "key:vault", .payload = "{}"},
		    &arena, &response);
	assert_answer(200, "done", &response);
	propose_preparation(&team);
	assert_int_equal(0, victim->preparing_count);
	team_do(&team, VICTIM,
		(struct firm_operation){
			.by = FIRM_PERSON_4, .kind = "key.unfreeze", .resource = "key:vault", .payload = "{}"},
		&arena, &response);
	assert_answer(200, "done", &response);
	propose_preparation(&team);
	assert_int_equal(1, victim->preparing_count);
}

struct checks {
	size_t count, bytes, largest;
};

static enum status
count_check(void *context, const struct ledger_record *record) {
	struct checks *checks = context;
	struct entry entry;
	_cleanup_(arena_free) struct arena arena = {};
	TRY(entry_read(&arena, record->leaf, &entry));
	if (entry.type != ENTRY_CHECK)
		return OK;
	checks->count++;
	checks->bytes += record->leaf.len;
	checks->largest = record->leaf.len > checks->largest ? record->leaf.len : checks->largest;
	return OK;
}

static struct checks
checks_at(struct team *team, size_t at) {
	struct ledger *ledger = keeper_ledger(team->members[at].house.keeper);
	struct ledger_head head;
	struct checks checks = {};
	assert_ok(ledger_commit_now(ledger)); /* nobody waits for it */
	ledger_durable_head(ledger, &head);
	assert_ok(ledger_visit(ledger, 0, head.head.size, count_check, &checks));
	return checks;
}

/* A lie in each first frame: the first one costs the pair, and with it every further try. */
static bool
spoil_starts(struct team *, size_t from, size_t, enum peer_kind kind, struct buffer *body) {
	if (from == LIAR && kind == PEER_PROTOCOL && body->data[6] == 5) /* sign.start: corrections */
		body->data[MESSAGE_HEADER_SIZE + 32 + 9] ^= 1;
	return true;
}

static void
let_all_prepare(struct team *team) {
	for (size_t at = 0; at < 3; at++) {
		presignature_pool_discard(&threshold_at(team, at)->pool);
		threshold_at(team, at)->is_pool_due = true;
	}
	team_settle(team);
	team_pass_ms(team, 61'000); /* longer than any pause after a failure */
	team_settle(team);
}

/* After each it is put back to where it has all its pairs, and hears from the others which it has no more. */
static void
who_fails_checks_without_end_stands_in_the_log_once_for_each_pair(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct simulated_disk *before = nullptr;
	struct ipc_response response;
	found(&team, 53);
	team.on_message = spoil_starts;
	for (size_t i = 0; i < 6; i++) {
		keep_disk(&team, LIAR, &before);
		let_all_prepare(&team);
		put_back(&team, LIAR, &before);
		team_connect(&team, LIAR, VICTIM);
		team_connect(&team, LIAR, OTHER);
		team_settle(&team);
		assert_false(ecdsa_share_pair(vault_at(&team, LIAR)->share, VICTIM + 1)->ready);
		assert_false(ecdsa_share_pair(vault_at(&team, VICTIM)->share, LIAR + 1)->ready);
		assert_false(ecdsa_share_pair(vault_at(&team, OTHER)->share, LIAR + 1)->ready);
	}
	struct checks victim = checks_at(&team, VICTIM), other = checks_at(&team, OTHER);
	print_message("# %zu and %zu entries, %zu bytes\n", victim.count, other.count, victim.bytes);
	assert_int_equal(1, victim.count);
	assert_int_equal(1, other.count);
	assert_true(victim.largest < 1024);
	/* The two sign meanwhile; and when people have it dealt anew, it may lie once more. */
	team_cut(&team, LIAR, VICTIM);
	assert_true(sign_at(&team, VICTIM, 0));
	team_connect(&team, LIAR, VICTIM);
	team.on_message = nullptr;
	redeal(&team, "key.refresh", "{}", &arena, &response);
	assert_answer(200, "done", &response);
	team.on_message = spoil_starts;
	let_all_prepare(&team);
	assert_int_equal(2, checks_at(&team, VICTIM).count);
}

/* --- What is said of an operation. --- */

static bool
lose_signed(struct team *, size_t, size_t, enum peer_kind kind, struct buffer *body) {
	return kind != PEER_ANSWER || body->data[0] != ANSWER_SIGNED;
}

/* Who waits to hear what was signed checks what it is shown: of each peer once, where it is nothing. */
static void
who_shows_no_signature_is_checked_once(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_response response;
	found(&team, 54);
	team.on_message = lose_signed;
	struct firm_operation asked = transfer(&arena, 10, 0);
	team_submit(&team, LIAR, asked, &arena, &response); /* signs with the second */
	assert_signed(&team, LIAR, &arena, &asked, &response);
	const struct joint_session *session = threshold_at(&team, OTHER)->sessions;
	assert_non_null(session);
	struct joint_answer answer = {.kind = ANSWER_SIGNED, .operation = id_of(&response), .signature_count = 1};
	answer.signatures[0].compact[31] = answer.signatures[0].compact[63] = 1;
	joint_answer_write(&body, &answer);
	say(&team, LIAR, OTHER, PEER_ANSWER, &body);
	size_t used = session->arena.used;
	for (size_t i = 0; i < 100; i++)
		say(&team, LIAR, OTHER, PEER_ANSWER, &body);
	assert_int_equal(used, session->arena.used);
	/* It hears from others all the same. */
	struct hash256 id = id_of(&response);
	assert_int_equal(OPERATION_UNKNOWN, team_state(&team, OTHER, &id));
	team_pass_ms(&team, SIGNING_MS);
	team_settle(&team);
	team_pass_ms(&team, ENDING_MS); /* those that signed do not say that they released nothing */
	team_settle(&team);
	assert_null(threshold_at(&team, OTHER)->sessions);
}

/* Of an operation that nobody has asked for. */
static void
say_early(struct team *team, uint32_t number) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct joint_answer answer = {.kind = ANSWER_STORED};
	store_u32be(answer.operation.bytes, number);
	joint_answer_write(&body, &answer);
	say(team, LIAR, VICTIM, PEER_ANSWER, &body);
}

/* A frame of no run, as large as a body may be. */
static void
say_large_early(struct team *team) {
	_cleanup_(buffer_free) struct buffer body = {};
	message_start(&body, &(struct message_header){.type = 1, .from = LIAR + 1, .to = VICTIM + 1});
	assert_true(buffer_reserve(&body, PEER_BODY_MAX - body.len));
	memset(body.data + body.len, 0, PEER_BODY_MAX - body.len);
	body.len = PEER_BODY_MAX;
	say(team, LIAR, VICTIM, PEER_PROTOCOL, &body);
}

static void
what_comes_early_is_bounded_and_goes(void **) {
	_cleanup_(team_free) struct team team;
	found(&team, 55);
	struct threshold *victim = threshold_at(&team, VICTIM);
	for (size_t size = 0; size < 2; size++) {
		for (uint32_t i = 1; size == 0 && i <= 3 * EARLY_MAX; i++)
			say_early(&team, i);
		for (size_t i = 0; size == 1 && i < 12; i++)
			say_large_early(&team);
		assert_true(victim->early_count[LIAR + 1] <= EARLY_MAX);
		assert_true(victim->early_bytes[LIAR + 1] <= EARLY_BYTES_MAX);
		assert_true(size == 0 ? victim->early_count[LIAR + 1] == EARLY_MAX
				      : victim->early_bytes[LIAR + 1] == EARLY_BYTES_MAX);
		assert_int_equal(0, victim->early_count[OTHER + 1]);
		/* Meanwhile the others sign. */
		team_cut(&team, LIAR, OTHER);
		assert_true(sign_at(&team, OTHER, size));
		team_connect(&team, LIAR, OTHER);
		team_pass_ms(&team, EARLY_MS);
		team_settle(&team);
		assert_int_equal(0, victim->early_count[LIAR + 1]);
		assert_int_equal(0, victim->early_bytes[LIAR + 1]);
	}
}

/* --- What stands in the log of it. --- */

/* What cannot be read, what is about nothing yet; and of another the same, for itself. */
static void
say_faults(struct team *team, size_t times) {
	_cleanup_(buffer_free) struct buffer unreadable = {};
	buffer_append_byte(&unreadable, 0xff); /* no kind of either */
	buffer_append(&unreadable, (uint8_t[32]){}, 32);
	for (uint32_t i = 1; i <= times; i++) {
		say(team, LIAR, VICTIM, PEER_ANSWER, &unreadable);
		say(team, LIAR, VICTIM, PEER_PROPOSE, &unreadable);
		say_early(team, i);
	}
	say(team, OTHER, VICTIM, PEER_ANSWER, &unreadable);
}

static void
what_a_peer_does_wrong_without_end_the_log_says_once_a_minute(void **) {
	constexpr size_t TIMES = 2 * EARLY_MAX;
	_cleanup_(team_free) struct team team;
	found(&team, 59);
	for (size_t minute = 0; minute < 2; minute++) {
		_cleanup_(buffer_free) struct buffer lines = {};
		struct logged logged = logged_start();
		say_faults(&team, TIMES);
		logged_end(&logged, &lines);
		assert_int_equal(1, logged_count(&lines, "keeper one: joint.answer"));
		assert_int_equal(1, logged_count(&lines, "keeper one: joint.proposal"));
		assert_int_equal(1, logged_count(&lines, "of keeper one came too early"));
		assert_int_equal(1, logged_count(&lines, "keeper three: joint.answer"));
		/* And how often it was. */
		assert_int_equal(2 * minute, logged_count(&lines, "and 2047 times more since"));
		assert_int_equal(minute, logged_count(&lines, "and 1023 times more since"));
		assert_int_equal(3 * minute, logged_count(&lines, "times more since"));
		team_pass_ms(&team, FAULT_LOG_MS);
	}
}

/* Beside the one that asks. */
static bool
propose_beside(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	if (from == OTHER && to == VICTIM && kind == PEER_PROPOSE && body->data[0] == PROPOSE_SIGN)
		for (size_t i = 0; i < 100; i++)
			say(team, LIAR, VICTIM, PEER_PROPOSE, body);
	return true;
}

static void
who_proposes_signers_of_what_another_asks_stands_in_the_log_once(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(buffer_free) struct buffer lines = {};
	found(&team, 60);
	team_cut(&team, LIAR, OTHER);
	team.on_message = propose_beside;
	struct logged logged = logged_start();
	bool is_signed = sign_at(&team, OTHER, 0);
	logged_end(&logged, &lines);
	assert_true(is_signed);
	assert_int_equal(1, logged_count(&lines, "keeper one proposes signers"));
}

/* --- What is told to be counted. --- */

/* One list after the other, signed as it must be, of operations that nobody knows: 20000 of them, each as large as one may be. */
static void
who_tells_of_spends_without_end_fills_no_memory(void **) {
	constexpr size_t PARTS = 60, SUBJECT = 256;
	_cleanup_(team_free) struct team team;
	_cleanup_(buffer_free) struct buffer spends = {}, body = {};
	static uint8_t subject[SUBJECT];
	static struct limit_part parts[PARTS];
	found(&team, 56);
	struct gate_state *state = state_of(&team, VICTIM);
	memset(subject, 's', sizeof subject);
	for (size_t i = 0; i < PARTS; i++)
		parts[i] = (struct limit_part){LIMIT_KEY, BYTES_OF_ARRAY(subject), 1};
	size_t lists = 0;
	for (uint32_t i = 0; i < COUNTED_OPERATIONS_MAX && !threshold_at(&team, VICTIM)->is_unheard[LIAR + 1]; i++) {
		struct spend spend = {.at_ms = state->now_ms, .parts = parts, .part_count = PARTS};
		store_u32be(spend.operation, i + 1);
		store_u32be(spend.identity, i + 1);
		counted_write(&spends, &spend, state->now_ms);
		if (spends.len < PEER_BODY_MAX / 2)
			continue;
		team_seal_counted(&team, LIAR, VICTIM, buffer_bytes(&spends), &body);
		say(&team, LIAR, VICTIM, PEER_COUNTED, &body);
		buffer_reset(&spends);
		lists++;
	}
	print_message("# %zu lists, %zu spends, %zu bytes\n", lists, state->counted.of_party[LIAR + 1],
		      state->counted.bytes_of_party[LIAR + 1]);
	assert_true(threshold_at(&team, VICTIM)->is_unheard[LIAR + 1]);
	assert_true(state->counted.of_party[LIAR + 1] < COUNTED_OPERATIONS_MAX);
	assert_in_range(state->counted.bytes_of_party[LIAR + 1], COUNTED_BYTES_MAX - 64 * 1024, COUNTED_BYTES_MAX);
	/* The others sign without it; nothing is signed with it alone; and with its connection all of it goes. */
	assert_true(sign_at(&team, VICTIM, 0));
	team_cut(&team, OTHER, VICTIM);
	assert_false(sign_at(&team, VICTIM, 1));
	team_connect(&team, OTHER, VICTIM);
	team_settle(&team);
	team_cut(&team, LIAR, OTHER);
	team_cut(&team, LIAR, VICTIM);
	assert_true(sign_at(&team, VICTIM, 2));
	team_connect(&team, LIAR, VICTIM);
	team_settle(&team);
	assert_true(state->counted.bytes_of_party[LIAR + 1] < 4096);
	assert_true(sign_at(&team, VICTIM, 3));
}

RUN_TESTS(T(who_prepares_without_end_fills_no_memory), T(who_begins_without_end_leaves_places_for_others),
	  T(whoever_begins_without_end_its_own_places_stay), T(with_who_is_silent_nothing_is_begun_for_a_while),
	  T(with_a_frozen_key_nothing_is_begun_whoever_proposes),
	  T(who_fails_checks_without_end_stands_in_the_log_once_for_each_pair),
	  T(who_shows_no_signature_is_checked_once), T(what_comes_early_is_bounded_and_goes),
	  T(what_a_peer_does_wrong_without_end_the_log_says_once_a_minute),
	  T(who_proposes_signers_of_what_another_asks_stands_in_the_log_once),
	  T(who_tells_of_spends_without_end_fills_no_memory))
