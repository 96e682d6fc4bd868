/*
 * Who comes in gets a share of a key that it does not know: what it checks of what is stated to it, for itself, whatever a keeper that lies
 * hands on, and with no word of the honest ones. The keepers are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/team_limits.h"

#include "gate/pledges.h"

constexpr size_t LIAR = 0;
constexpr size_t NEWCOMER = 3;

static const char OLD[] = "\"one\",\"two\",\"three\"", NEW[] = "\"one\",\"two\",\"four\"";

static enum status
find_row(void *, struct bytes, struct bytes) {
	return fail(STATUS_CONFLICT, "found: a row");
}

/* By which it would be known: a key, a share, a share on its way, a pledge. */
static void
assert_has_nothing(struct team *team) {
	assert_null(vault_at(team, NEWCOMER));
	assert_null(gate_state_key(state_of(team, NEWCOMER), BYTES_OF_LITERAL("vault")));
	assert_false(has_row(team, NEWCOMER, "vault/2"));
	assert_ok(secrets_visit(state_of(team, NEWCOMER)->secrets, "pledge", find_row, nullptr));
}

/* Of a key whose account it does not know it would count nothing: no limit on it would hold there. */
static void
who_does_not_know_the_account_takes_no_share(void **) {
	static const char unit[] = "{\"id\":\"desk-of-three\",\"kind\":\"account\",\"parent\":\"options\"}";
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct firm_operation add = {
		.by = FIRM_PERSON_4, .kind = "unit.add", .resource = "system:gatehouse", .payload = unit};
	team_found(&team, 4, 31);
	for (size_t i = 0; i < NEWCOMER; i++)
		team_cut(&team, i, NEWCOMER);
	team_do(&team, 0, add, &arena, &response);
	assert_answer(200, "done", &response);
	make_vault(&team, "desk-of-three", OLD, "2-of-3");
	for (size_t i = 0; i < NEWCOMER; i++)
		team_connect(&team, i, NEWCOMER);
	team_settle(&team);
	redeal(&team, "key.reshare", reshare_payload(NEW, vault_stated(&team, 0, &arena), "2-of-3", &arena), &arena,
	       &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "key.account"));
	assert_true(says(&response, "(keeper four)"));
	assert_has_nothing(&team);
	for (size_t i = 0; i < NEWCOMER; i++)
		assert_int_equal(1, vault_at(&team, i)->sharing.key.epoch);
	assert_true(sign_at(&team, 0, 0));
	/* With the account it takes one, and counts. */
	for (size_t i = 0; i < NEWCOMER; i++)
		team_cut(&team, i, NEWCOMER);
	team_do(&team, NEWCOMER, add, &arena, &response);
	assert_answer(200, "done", &response);
	for (size_t i = 0; i < NEWCOMER; i++)
		team_connect(&team, i, NEWCOMER);
	team_settle(&team);
	redeal(&team, "key.reshare", reshare_payload(NEW, vault_stated(&team, 0, &arena), "2-of-3", &arena), &arena,
	       &response);
	assert_answer(200, "done", &response);
	assert_true(sign_at(&team, NEWCOMER, 1));
	assert_int_equal(TRANSFER_CENTS, spent(&team, NEWCOMER));
}

/* What the honest ones say does not reach it. */
static bool
hear_the_liar_alone(struct team *, size_t from, size_t to, enum peer_kind, struct buffer *) {
	return to != NEWCOMER || from == LIAR;
}

static const char *
altered(struct arena *arena, const char *text, const char *from, const char *to) {
	const char *at = strstr(text, from);
	assert_non_null(at);
	return arena_format(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* The same of one hexadecimal digit, some digits after that text. */
static const char *
altered_digit(struct arena *arena, const char *text, const char *after, size_t digits) {
	char *copy = arena_format(arena, "%s", text), *at = strstr(copy, after);
	assert_non_null(at);
	at += strlen(after) + digits;
	*at = *at == '0' ? '1' : '0';
	return copy;
}

static enum status
note_error(void *context, const struct ledger_record *record) {
	static const char name[] = "\"error\":\"";
	struct buffer *last = context;
	const uint8_t *at = memmem(record->leaf.data, record->leaf.len, name, strlen(name));
	if (at == nullptr)
		return OK;
	buffer_reset(last);
	at += strlen(name);
	buffer_append(last, at, (size_t)((const uint8_t *)memchr(at, '"', 512) - at));
	return buffer_status(last);
}

/* What the newest entry of a keeper's own log says that has an error. */
static struct bytes
last_error(struct team *team, size_t at, struct arena *arena) {
	_cleanup_(buffer_free) struct buffer last = {};
	struct ledger *ledger = keeper_ledger(team->members[at].house.keeper);
	struct ledger_head head;
	assert_ok(ledger_commit_now(ledger)); /* nobody waits for it */
	ledger_durable_head(ledger, &head);
	assert_ok(ledger_visit(ledger, 0, head.head.size, note_error, &last));
	return arena_copy(arena, buffer_bytes(&last));
}

/* The liar hands on what people are said to ask for, and does its part in what it can; the dealers of what is stated must be those that
 * are enrolled here, and deal what is stated of them. */
static void
who_hears_a_liar_alone_takes_no_share_of_another_story(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	char identity[80];
	size_t stories = 0;
	team_found(&team, 4, 32);
	make_vault(&team, "options-hot", OLD, "2-of-3");
	const char *truth = reshare_payload(NEW, vault_stated(&team, 0, &arena), "2-of-3", &arena);
	memcpy(identity, "\"identity\":\"", 12);
	hex_encode(BYTES_OF_ARRAY(vault_at(&team, 0)->sharing.key.holders.parties[1].identity), identity + 12);
	identity[12 + 8] = 0; /* as it begins */
	const struct {
		const char *payload, *error;
	} lies[] = {
		{truth, "joint.time"}, /* the other dealer is not heard */
		{altered_digit(&arena, truth, identity, 0), "joint.dealers"},
		{altered_digit(&arena, truth, "\"admission\":", 0), "joint.dealers"},
		{altered_digit(&arena, truth, "\"chain_code\":\"", 1), "joint.time"},
		{altered_digit(&arena, truth, "\"public_share\":\"", 9), ""}, /* by chance a point or none */
		{altered(&arena, truth, "\"account\":\"options-hot\"", "\"account\":\"nobodys\""), "key.account"},
		{altered(&arena, truth, "\"account\":\"options-hot\"", "\"account\":\"options\""), "key.account"},
		{altered(&arena, truth, "\"purpose\":\"transfer\"", "\"purpose\":\"digest\""),
		 ""}, /* refused as it is read */
		{altered(&arena, truth, "\"epoch\":1", "\"epoch\":3"), ""},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(lies); i++, stories++) {
		team.on_message = hear_the_liar_alone;
		redeal(&team, "key.reshare", lies[i].payload, &arena, &response);
		team_pass_ms(&team, 31'000);
		team_settle(&team);
		assert_true(response.status >= 400);
		struct bytes asked = arena_copy(&arena, response.operation);
		struct bytes said = last_error(&team, NEWCOMER, &arena); /* in its own words */
		if (said.len < strlen(lies[i].error) || memcmp(said.data, lies[i].error, strlen(lies[i].error)) != 0)
			fail_msg("story %zu: %.*s", i, BYTES_ARGS(said));
		assert_has_nothing(&team);
		struct hash256 id = {};
		assert_ok(hex_decode(asked, id.bytes, sizeof id.bytes));
		enum operation_state state = team_state(&team, NEWCOMER, &id);
		if (state != OPERATION_FAILED && state != OPERATION_STATES)
			fail_msg("story %zu: %s", i, operation_state_name(state));
		for (size_t k = 0; k < NEWCOMER; k++)
			assert_int_equal(1, vault_at(&team, k)->sharing.key.epoch);
		team.on_message = nullptr;
		team_settle(&team);
	}
	print_message("# %zu stories\n", stories);
	redeal(&team, "key.reshare", truth, &arena, &response);
	assert_answer(200, "done", &response);
	assert_true(sign_at(&team, NEWCOMER, 0));
}

RUN_TESTS(T(who_does_not_know_the_account_takes_no_share), T(who_hears_a_liar_alone_takes_no_share_of_another_story))
