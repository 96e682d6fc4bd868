/*
 * A passkey that a person enrols by a link at one keeper, at all keepers: its vote counts for what they do together; one that was away
 * gets it when it is back; and what a keeper that lies, or two people with one link, can do with that.
 */
#include "tests/test.h"
#include "tests/authenticator.h"
#include "tests/team.h"

#include <stdio.h>

#include "gate/enrolment.h"
#include "gate/replay.h"
#include "keeper/enrolments.h"
#include "keeper/internal.h"
#include "keeper/threshold_internal.h"
#include "ledger/log.h"

#define ORIGIN "https://" HOUSE_AUTHORITY
#define RP_ID "127.0.0.1"
#define PERSON "person:p-0000000000000002"
#define TOKEN_HEX "4217000000000000000000000000000000000000000000000000000000000000"
constexpr int64_t HOUR_MS = 3'600'000;
constexpr int64_t DAY_MS = 24 * HOUR_MS;
static const uint8_t TOKEN[INVITATION_TOKEN_SIZE] = {0x42, 0x17};

struct fixture {
	struct team team;
	struct arena arena;
	struct authenticator phone, other;
	/* Of the answers to what was handed over. */
	size_t handed_over, has, differs, not_now;
	char reason[JOINT_REASON_MAX + 1];
	bool (*before)(struct fixture *f, size_t from, size_t to, enum peer_kind kind);
};

/* An enrolment, and not another request. */
static bool
is_enrolment(enum peer_kind kind, const struct buffer *body) {
	return kind == PEER_REQUEST && memmem(body->data, body->len, "/v1/enrolment", 13) != nullptr;
}

static bool
listen(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct fixture *f = team->context;
	struct joint_answer answer;
	f->handed_over += is_enrolment(kind, body);
	if (f->before != nullptr && is_enrolment(kind, body) && !f->before(f, from, to, kind))
		return false;
	if (kind != PEER_ANSWER || joint_answer_read(buffer_bytes(body), &answer) != OK ||
	    answer.kind != ANSWER_ENROLMENT)
		return true;
	f->has += answer.enrolment == ENROLMENT_ANSWER_HAS;
	f->differs += answer.enrolment == ENROLMENT_ANSWER_DIFFERS;
	f->not_now += answer.enrolment == ENROLMENT_ANSWER_NOT_NOW;
	snprintf(f->reason, sizeof f->reason, "%.*s", BYTES_ARGS(answer.reason));
	return true;
}

static void
begin(struct fixture *f, size_t count, uint64_t seed) {
	*f = (struct fixture){};
	team_found(&f->team, count, seed);
	f->team.on_message = listen;
	f->team.context = f;
	authenticator_start(&f->phone, 1, RP_ID, ORIGIN);
	authenticator_start(&f->other, 2, RP_ID, ORIGIN);
}

static void
end(struct fixture *f) {
	team_free(&f->team);
	arena_free(&f->arena);
}

static struct keeper *
keeper_at(struct fixture *f, size_t at) {
	return f->team.members[at].house.keeper;
}

static int64_t
now_ms(struct fixture *f, size_t at) {
	return house_now_ms(&f->team.members[at].house);
}

static const char *
invitation_payload(struct fixture *f) {
	struct hash256 token = sha256(BYTES_OF_ARRAY(TOKEN));
	char hex[65];
	hex_encode(hash256_bytes(&token), hex);
	return arena_format(
		&f->arena,
		"{\"certified\":false,\"expires\":%lld,\"name\":\"phone\",\"synced\":true,\"token_sha256\":\"%s\","
		"\"waiting_ms\":%lld}",
		(long long)(now_ms(f, 0) + 3 * DAY_MS), hex, (long long)DAY_MS);
}

/* Asked of one keeper, approved there by two of security. */
static void
invite(struct fixture *f) {
	struct ipc_response response;
	team_do(&f->team, 0,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "principal.invite",
					.resource = PERSON,
					.payload = invitation_payload(f),
					.reason = "a test"},
		&f->arena, &response);
	assert_answer(200, "done", &response);
}

/* What a registration is made for; null members are right. */
struct ceremony {
	const char *person, *name, *token;
	const char *rp_id;
};

static struct bytes
body_of(struct fixture *f, struct authenticator *authenticator, const struct ceremony *ceremony) {
	_cleanup_(registration_made_free) struct registration_made made = {};
	_cleanup_(buffer_free) struct buffer body = {};
	struct hash256 challenge, hash = sha256(BYTES_OF_ARRAY(TOKEN));
	assert_ok(passkey_enrolment_challenge(BYTES_OF_LITERAL(HOUSE_INSTANCE),
					      bytes_of_text(ceremony->person ?: PERSON),
					      bytes_of_text(ceremony->name ?: "phone"), hash.bytes, &challenge));
	authenticator_register(authenticator, hash256_bytes(&challenge), false, &made);
	buffer_append_text(&body, "{\"attestation_object\":\"");
	buffer_append_hex(&body, buffer_bytes(&made.attestation_object));
	buffer_append_text(&body, "\",\"client_data\":\"");
	buffer_append_hex(&body, buffer_bytes(&made.client_data));
	buffer_append_format(&body, "\",\"rp_id\":\"%s\",\"token\":\"%s\"}", ceremony->rp_id ?: RP_ID,
			     ceremony->token ?: TOKEN_HEX);
	struct bytes copy = arena_copy(&f->arena, buffer_bytes(&body));
	assert_non_null(copy.data);
	return copy;
}

static struct ipc_request
frame_of(struct bytes body) {
	struct http_request plain = {
		.method = BYTES_OF_LITERAL("POST"), .target = BYTES_OF_LITERAL("/v1/enrolment"), .body = body};
	return house_frame(&plain);
}

/* The person's browser, at one keeper. */
static void
hand_in(struct fixture *f, size_t at, struct bytes body, unsigned expected) {
	struct ipc_request frame = frame_of(body);
	struct ipc_response response;
	assert_ok(house_ask(&f->team.members[at].house, &frame, &f->arena, &response));
	assert_answer(expected, nullptr, &response);
}

/* One keeper says this to another, whatever it has enrolled itself; the answer to it is delivered. */
static void
lie(struct fixture *f, size_t from, size_t to, struct bytes body) {
	_cleanup_(buffer_free) struct buffer request = {};
	struct ipc_request frame = frame_of(body);
	ipc_write_request(&request, &frame);
	assert_ok(buffer_status(&request));
	f->has = f->differs = f->not_now = 0;
	f->reason[0] = '\0';
	threshold_message(keeper_at(f, to), &f->team.members[to].peers[from], PEER_REQUEST, buffer_bytes(&request));
}

static const struct directory_key *
phone_at(struct fixture *f, size_t at) {
	return directory_key(keeper_gate(keeper_at(f, at))->state->directory, BYTES_OF_LITERAL(PERSON "/phone"));
}

static bool
is_phone_of(struct fixture *f, size_t at, const struct authenticator *authenticator) {
	const struct directory_key *key = phone_at(f, at);
	return key != nullptr && bytes_equal(key->passkey->credential_id, BYTES_OF_ARRAY(authenticator->credential_id));
}

static void
assert_nothing_waits(struct fixture *f) {
	for (size_t i = 0; i < f->team.count; i++)
		if (f->team.members[i].is_open)
			assert_int_equal(0, enrolments_waiting(keeper_at(f, i)));
}

static enum status
count_row(void *context, struct bytes, struct bytes) {
	++*(size_t *)context;
	return OK;
}

static size_t
rows_at(struct fixture *f, size_t at) {
	size_t count = 0;
	assert_ok(secrets_visit(f->team.members[at].house.installation.secrets, "enrolment", count_row, &count));
	return count;
}

struct counting {
	enum entry_type type;
	size_t count;
	struct replayer *replayer;
	size_t differences;
};

static enum status
count_entry(void *context, const struct ledger_record *record) {
	struct counting *counting = context;
	struct entry entry;
	enum replay_result result;
	const char *difference;
	TRY(entry_peek(record->leaf, &entry));
	counting->count += entry.type == counting->type;
	TRY(replayer_add(counting->replayer, record->index, record->leaf, &result, &difference));
	if (difference != nullptr)
		print_error("entry %llu: %s\n", (unsigned long long)record->index, difference);
	counting->differences += difference != nullptr;
	return OK;
}

/* Of one type in a keeper's log, all of which replays. */
static size_t
entries_at(struct fixture *f, size_t at, enum entry_type type) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	struct ledger *ledger = keeper_ledger(keeper_at(f, at));
	struct ledger_head head;
	assert_ok(replayer_create(&replayer, &keeper_gate(keeper_at(f, at))->blobs));
	struct counting counting = {.type = type, .replayer = replayer};
	assert_ok(ledger_commit_now(ledger));
	ledger_durable_head(ledger, &head);
	assert_ok(ledger_visit(ledger, 0, head.head.size, count_entry, &counting));
	assert_int_equal(0, counting.differences);
	return counting.count;
}

static void
pass(struct fixture *f, int64_t ms) {
	team_pass_ms(&f->team, ms);
	team_settle(&f->team);
}

/* --- It reaches all. --- */

static enum status
sign(void *context, enum firm_member, const struct hash256 *digest, struct buffer *object) {
	struct fixture *f = context;
	_cleanup_(assertion_made_free) struct assertion_made made = {};
	authenticator_assert(&f->phone, hash256_bytes(digest), &made);
	buffer_append_text(object, "{\"assertion\":{\"authenticator_data\":\"");
	buffer_append_hex(object, buffer_bytes(&made.authenticator_data));
	buffer_append_text(object, "\",\"client_data\":\"");
	buffer_append_hex(object, buffer_bytes(&made.client_data));
	buffer_append_text(object, "\"},\"key_id\":\"" PERSON "/phone\",\"signature\":\"");
	buffer_append_hex(object, buffer_bytes(&made.signature));
	buffer_append_text(object, "\"}");
	return buffer_status(object);
}

/* 12,000 USD: two of treasury, one of them at an own terminal. Person 2's vote is by the passkey, at that keeper. */
static void
assert_vote_counts(struct fixture *f, size_t at, uint64_t nonce) {
	struct ipc_response response;
	struct firm *firm = &f->team.members[at].house.firm;
	team_submit(&f->team, at,
		    (struct firm_operation){.by = FIRM_PRICES,
					    .kind = "price.set",
					    .resource = "asset:eip155:1/native",
					    .payload = "{\"microcents\":300000000000}"},
		    &f->arena, &response);
	assert_answer(200, "done", &response);
	struct firm_operation asked = house_sign(house_transfer(&f->arena, 400, nonce, 30));
	asked.resource = "key:vault";
	team_submit(&f->team, at, asked, &f->arena, &response);
	assert_answer(202, "held", &response);
	struct bytes id = response.operation;
	firm->sign = sign;
	firm->signer = f;
	team_vote(&f->team, at, id, FIRM_PERSON_2, &f->arena, &response);
	firm->sign = nullptr;
	assert_answer(202, "held", &response);
	team_vote(&f->team, at, id, FIRM_PERSON_1, &f->arena, &response);
	assert_answer(200, "done", &response);
	struct hash256 operation;
	assert_ok(hex_decode(id, operation.bytes, sizeof operation.bytes));
	for (size_t i = 0; i < f->team.count; i++)
		if (f->team.members[i].is_open)
			assert_int_equal(OPERATION_DONE, team_state(&f->team, i, &operation));
}

static void
a_passkey_enrolled_at_one_keeper_votes_at_all(void **) {
	struct fixture f;
	begin(&f, 3, 1);
	team_make_key(&f.team, "vault", "2-of-3");
	invite(&f);
	struct bytes body = body_of(&f, &f.phone, &(struct ceremony){});
	hand_in(&f, 0, body, 201);
	team_settle(&f.team);
	for (size_t i = 0; i < 3; i++) {
		assert_true(is_phone_of(&f, i, &f.phone));
		assert_int_equal(1, entries_at(&f, i, ENTRY_ENROLMENT));
		assert_int_equal(0, rows_at(&f, i));
		/* The link is used at each of them, for whoever has it. */
		hand_in(&f, i, body, 401);
	}
	assert_nothing_waits(&f);
	assert_int_equal(f.handed_over, f.has);
	pass(&f, DAY_MS + HOUR_MS);
	assert_vote_counts(&f, 0, 0);
	assert_vote_counts(&f, 2, 1);
	/* And after a start of all. */
	for (size_t i = 0; i < 3; i++) {
		team_stop(&f.team, i);
		team_start(&f.team, i);
		team_settle(&f.team);
		assert_true(is_phone_of(&f, i, &f.phone));
	}
	assert_vote_counts(&f, 1, 2);
	end(&f);
}

/* --- It waits for whoever is away. --- */

static void
a_keeper_that_was_away_gets_it_when_it_is_back(void **) {
	struct fixture f;
	begin(&f, 3, 2);
	team_make_key(&f.team, "vault", "2-of-3");
	invite(&f);
	team_stop(&f.team, 2);
	hand_in(&f, 0, body_of(&f, &f.phone, &(struct ceremony){}), 201);
	team_settle(&f.team);
	assert_true(is_phone_of(&f, 1, &f.phone));
	assert_int_equal(1, enrolments_waiting(keeper_at(&f, 0)));
	assert_int_equal(1, enrolments_waiting(keeper_at(&f, 1)));
	/* Whoever waits is started anew meanwhile, and the first one is gone when the third comes. */
	team_stop(&f.team, 1);
	team_start(&f.team, 1);
	assert_int_equal(1, enrolments_waiting(keeper_at(&f, 1)));
	team_stop(&f.team, 0);
	pass(&f, DAY_MS);
	team_start(&f.team, 2);
	team_settle(&f.team);
	assert_true(is_phone_of(&f, 2, &f.phone));
	/* It waits there from then on: by its own clock. */
	assert_true(phone_at(&f, 2)->usable_from_ms >= now_ms(&f, 2) + DAY_MS - HOUR_MS);
	team_start(&f.team, 0);
	team_settle(&f.team);
	pass(&f, DAY_MS + HOUR_MS);
	assert_nothing_waits(&f);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(1, entries_at(&f, i, ENTRY_ENROLMENT));
		assert_int_equal(0, rows_at(&f, i));
	}
	team_stop(&f.team, 1);
	assert_vote_counts(&f, 0, 0);
	end(&f);
}

static bool
takes_power(struct fixture *f, size_t, size_t to, enum peer_kind) {
	f->before = nullptr;
	team_stop(&f->team, to);
	return false;
}

static void
a_crash_of_either_loses_nothing(void **) {
	struct fixture f;
	begin(&f, 2, 3);
	invite(&f);
	f.before = takes_power; /* of whoever is about to take it */
	hand_in(&f, 0, body_of(&f, &f.phone, &(struct ceremony){}), 201);
	team_settle(&f.team);
	assert_false(f.team.members[1].is_open);
	team_stop(&f.team, 0); /* and of whoever hands it over */
	team_start(&f.team, 0);
	team_start(&f.team, 1);
	team_settle(&f.team);
	assert_true(is_phone_of(&f, 1, &f.phone));
	pass(&f, 5'000);
	assert_nothing_waits(&f);
	assert_int_equal(0, rows_at(&f, 0) + rows_at(&f, 1));
	end(&f);
}

/* The row is durable first: without its entry it was never said. */
static void
a_row_without_its_entry_is_gone_at_the_next_start(void **) {
	struct fixture f;
	begin(&f, 2, 4);
	invite(&f);
	struct job job = {.http.body = body_of(&f, &f.phone, &(struct ceremony){})};
	job.enrolment.token = sha256(BYTES_OF_ARRAY(TOKEN));
	const struct invitation *invitation = invitations_find(&keeper_gate(keeper_at(&f, 0))->state->invitations,
							       &job.enrolment.token, now_ms(&f, 0));
	assert_ok(enrolments_keep(keeper_at(&f, 0), &job, invitation));
	assert_int_equal(1, rows_at(&f, 0));
	team_settle(&f.team);
	assert_int_equal(0, f.handed_over);
	team_stop(&f.team, 0);
	team_start(&f.team, 0);
	assert_int_equal(0, rows_at(&f, 0));
	assert_nothing_waits(&f);
	/* The link is as good as before. */
	hand_in(&f, 0, job.http.body, 201);
	team_settle(&f.team);
	assert_true(is_phone_of(&f, 1, &f.phone));
	end(&f);
}

static void
it_is_handed_over_for_a_week_after_the_links_end_and_not_longer(void **) {
	static const struct {
		int64_t away_ms;
		bool arrives;
	} cases[] = {{3 * DAY_MS + INVITATION_HANDOVER_MS - HOUR_MS, true},
		     {3 * DAY_MS + INVITATION_HANDOVER_MS + HOUR_MS, false}};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct fixture f;
		begin(&f, 2, 5 + i);
		invite(&f);
		struct bytes body = body_of(&f, &f.phone, &(struct ceremony){});
		team_stop(&f.team, 1);
		hand_in(&f, 0, body, 201);
		pass(&f, cases[i].away_ms);
		team_start(&f.team, 1);
		team_settle(&f.team);
		pass(&f, 5'000);
		assert_int_equal(cases[i].arrives, phone_at(&f, 1) != nullptr);
		hand_in(&f, 1, body, 401); /* for whoever has the link it is over in any case */
		assert_nothing_waits(&f);
		assert_int_equal(0, rows_at(&f, 0));
		team_stop(&f.team, 1);
		team_start(&f.team, 1);
		assert_int_equal(cases[i].arrives, entries_at(&f, 1, ENTRY_ENROLMENT));
		end(&f);
	}
}

/* It was away when people approved the invitation, and is asked itself. */
static void
a_keeper_that_knows_of_no_invitation_takes_it_once_it_does(void **) {
	struct fixture f;
	struct ipc_response response;
	begin(&f, 2, 7);
	team_cut(&f.team, 0, 1);
	invite(&f);
	hand_in(&f, 0, body_of(&f, &f.phone, &(struct ceremony){}), 201);
	team_connect(&f.team, 0, 1);
	team_settle(&f.team);
	assert_true(f.not_now > 0);
	assert_string_equal("enrolment.refused: there is no such invitation, or it is over", f.reason);
	assert_null(phone_at(&f, 1));
	assert_int_equal(1, enrolments_waiting(keeper_at(&f, 0)));
	team_do(&f.team, 1,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "principal.invite",
					.resource = PERSON,
					.payload = invitation_payload(&f),
					.reason = "a test"},
		&f.arena, &response);
	assert_answer(200, "done", &response);
	pass(&f, 60'000);
	assert_true(is_phone_of(&f, 1, &f.phone));
	assert_nothing_waits(&f);
	end(&f);
}

/* Where the person was given a voice before the passkey came, it is not taken: one keeper has it, another does not, and both say so. */
static void
a_keeper_where_the_invitation_is_outdated_takes_nothing_and_says_so(void **) {
	struct fixture f;
	struct ipc_response response;
	begin(&f, 2, 13);
	invite(&f);
	team_settle(&f.team);
	team_cut(&f.team, 0, 1);
	hand_in(&f, 0, body_of(&f, &f.phone, &(struct ceremony){}), 201);
	team_do(&f.team, 1,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "group.member_add",
					.resource = "group:security",
					.payload = arena_format(&f.arena,
								"{\"effective_from\":%lld,\"person\":\"" PERSON "\"}",
								(long long)(now_ms(&f, 1) + 2 * DAY_MS)),
					.reason = "a test"},
		&f.arena, &response);
	assert_answer(200, "done", &response);
	team_connect(&f.team, 0, 1);
	team_settle(&f.team);
	pass(&f, 60'000);
	assert_true(f.not_now > 0);
	assert_int_equal(0, f.has);
	assert_memory_equal("enrolment.outdated", f.reason, 18);
	assert_true(is_phone_of(&f, 0, &f.phone));
	assert_null(phone_at(&f, 1));
	assert_int_equal(1, enrolments_waiting(keeper_at(&f, 0)));
	assert_int_equal(0, entries_at(&f, 1, ENTRY_ENROLMENT));
	/* Nor from the person's own hand, or from a keeper that has it in another way. */
	hand_in(&f, 1, body_of(&f, &f.phone, &(struct ceremony){}), 401);
	lie(&f, 0, 1, body_of(&f, &f.other, &(struct ceremony){}));
	team_settle(&f.team);
	assert_null(phone_at(&f, 1));
	end(&f);
}

/* One that cannot be read is nobody's hindrance: what is there besides arrives, and it is not tried without end. */
static void
a_row_that_is_gone_delays_no_other(void **) {
	struct fixture f;
	char name[65];
	begin(&f, 3, 12);
	invite(&f);
	team_stop(&f.team, 2);
	hand_in(&f, 0, body_of(&f, &f.phone, &(struct ceremony){}), 201);
	team_settle(&f.team);
	struct hash256 token = sha256(BYTES_OF_ARRAY(TOKEN));
	hex_encode(hash256_bytes(&token), name);
	assert_ok(secrets_destroy(f.team.members[0].house.installation.secrets, "enrolment", bytes_of_text(name)));
	const size_t before = f.handed_over;
	team_start(&f.team, 2);
	team_settle(&f.team);
	assert_true(is_phone_of(&f, 2, &f.phone)); /* the second had it as well */
	assert_true(f.handed_over <= before + 2);
	pass(&f, 60'000);
	pass(&f, 60'000);
	assert_nothing_waits(&f); /* the third said that it has it, by handing it on */
	end(&f);
}

/* --- Revoked before it arrives. --- */

static void
revoke(struct fixture *f, size_t at) {
	struct ipc_response response;
	team_do(&f->team, at,
		(struct firm_operation){.by = FIRM_PERSON_1,
					.kind = "principal.key_revoke",
					.resource = PERSON,
					.payload = "{\"key\":\"" PERSON "/phone\"}"},
		&f->arena, &response);
	assert_answer(200, "done", &response);
}

static void
what_is_revoked_is_handed_to_nobody_and_its_link_can_be_ended_where_it_is_open(void **) {
	struct fixture f;
	begin(&f, 3, 8);
	invite(&f);
	struct bytes body = body_of(&f, &f.phone, &(struct ceremony){});
	team_stop(&f.team, 2);
	hand_in(&f, 0, body, 201);
	team_settle(&f.team);
	revoke(&f, 0);
	team_start(&f.team, 2);
	team_settle(&f.team);
	pass(&f, 5'000);
	assert_null(phone_at(&f, 2));
	assert_nothing_waits(&f);
	assert_int_equal(0, rows_at(&f, 0) + rows_at(&f, 1));
	/* There the link is still open: the same revocation ends it. */
	revoke(&f, 2);
	hand_in(&f, 2, body, 401);
	lie(&f, 1, 2, body);
	team_settle(&f.team);
	assert_int_equal(1, f.not_now);
	assert_null(phone_at(&f, 2));
	team_stop(&f.team, 2);
	team_start(&f.team, 2);
	hand_in(&f, 2, body, 401);
	assert_int_equal(0, entries_at(&f, 2, ENTRY_ENROLMENT));
	end(&f);
}

/* --- Whoever lies. --- */

static void
a_keeper_that_lies_enrols_nothing(void **) {
	static const struct {
		struct ceremony ceremony;
		const char *reason;
	} cases[] = {
		{{.token = "4217000000000000000000000000000000000000000000000000000000000001"}, "enrolment.refused"},
		{{.token = "42"}, nullptr}, /* answered to nobody: it names no invitation */
		{{.person = "person:p-0000000000000003"}, "client_data.challenge"},
		{{.name = "tablet"}, "client_data.challenge"},
		{{.rp_id = "evil.example"}, "client_data.origin"},
	};
	struct fixture f;
	begin(&f, 2, 9);
	invite(&f);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		lie(&f, 1, 0, body_of(&f, &f.phone, &cases[i].ceremony));
		team_settle(&f.team);
		assert_int_equal(cases[i].reason != nullptr, f.not_now);
		if (cases[i].reason != nullptr && strncmp(f.reason, cases[i].reason, strlen(cases[i].reason)) != 0)
			fail_msg("expected %s, found %s", cases[i].reason, f.reason);
	}
	f.phone.origin = "https://evil.example";
	lie(&f, 1, 0, body_of(&f, &f.phone, &(struct ceremony){}));
	team_settle(&f.team);
	assert_memory_equal("client_data.origin", f.reason, 18);
	for (size_t i = 0; i < 2; i++) {
		assert_null(phone_at(&f, i));
		assert_int_equal(0, entries_at(&f, i, ENTRY_ENROLMENT));
		assert_int_equal(0, rows_at(&f, i));
	}
	/* Nobody's network is slowed by it, and the link is as good as before. */
	assert_int_equal(0, throttle_waiting(&keeper_at(&f, 0)->origins, keeper_at(&f, 0)->batch_ms));
	f.phone.origin = ORIGIN;
	hand_in(&f, 0, body_of(&f, &f.phone, &(struct ceremony){}), 201);
	end(&f);
}

static void
the_same_again_changes_nothing(void **) {
	struct fixture f;
	begin(&f, 2, 10);
	invite(&f);
	struct bytes body = body_of(&f, &f.phone, &(struct ceremony){});
	hand_in(&f, 0, body, 201);
	team_settle(&f.team);
	for (int i = 0; i < 3; i++) {
		lie(&f, 1, 0, body);
		team_settle(&f.team);
		assert_int_equal(1, f.has);
	}
	assert_int_equal(1, entries_at(&f, 0, ENTRY_ENROLMENT));
	assert_int_equal(0, entries_at(&f, 0, ENTRY_DIVERGENCE));
	/* An answer to what was never asked is nothing. */
	_cleanup_(buffer_free) struct buffer answer = {};
	joint_answer_write(&answer,
			   &(struct joint_answer){.kind = ANSWER_ENROLMENT, .enrolment = ENROLMENT_ANSWER_DIFFERS});
	threshold_message(keeper_at(&f, 0), &f.team.members[0].peers[1], PEER_ANSWER, buffer_bytes(&answer));
	assert_nothing_waits(&f);
	end(&f);
}

/* Two people with one link, at two keepers that do not hear each other: or a gateway that has both. */
static void
two_passkeys_by_one_link_are_recorded_by_both(void **) {
	struct fixture f;
	begin(&f, 3, 11);
	invite(&f);
	team_cut(&f.team, 0, 1);
	team_cut(&f.team, 0, 2);
	hand_in(&f, 0, body_of(&f, &f.phone, &(struct ceremony){}), 201);
	hand_in(&f, 1, body_of(&f, &f.other, &(struct ceremony){}), 201);
	team_settle(&f.team);
	assert_int_equal(0, enrolments_that_differ(keeper_gate(keeper_at(&f, 0))->state));
	team_connect(&f.team, 0, 1);
	team_connect(&f.team, 0, 2);
	team_settle(&f.team);
	pass(&f, 5'000);
	/* The first one wins at each. */
	assert_true(is_phone_of(&f, 0, &f.phone));
	assert_true(is_phone_of(&f, 1, &f.other));
	assert_true(is_phone_of(&f, 2, &f.other));
	assert_int_equal(2, entries_at(&f, 0, ENTRY_DIVERGENCE)); /* keepers two and three have the other */
	assert_int_equal(1, entries_at(&f, 1, ENTRY_DIVERGENCE));
	assert_int_equal(1, entries_at(&f, 2, ENTRY_DIVERGENCE));
	assert_nothing_waits(&f);
	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(1, enrolments_that_differ(keeper_gate(keeper_at(&f, i))->state));
			team_stop(&f.team, i);
			team_start(&f.team, i);
		}
		team_settle(&f.team);
	}
	/* Said again it is not recorded again. */
	lie(&f, 1, 0, body_of(&f, &f.other, &(struct ceremony){}));
	team_settle(&f.team);
	assert_int_equal(1, f.differs);
	lie(&f, 1, 0, body_of(&f, &f.other, &(struct ceremony){}));
	team_settle(&f.team);
	assert_int_equal(1, f.differs);
	assert_int_equal(2, entries_at(&f, 0, ENTRY_DIVERGENCE));
	/* Revoked at all: nothing is to be said any more. */
	revoke(&f, 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(0, enrolments_that_differ(keeper_gate(keeper_at(&f, i))->state));
	end(&f);
}

RUN_TESTS(T(a_passkey_enrolled_at_one_keeper_votes_at_all), T(a_keeper_that_was_away_gets_it_when_it_is_back),
	  T(a_crash_of_either_loses_nothing), T(a_row_without_its_entry_is_gone_at_the_next_start),
	  T(it_is_handed_over_for_a_week_after_the_links_end_and_not_longer),
	  T(a_keeper_that_knows_of_no_invitation_takes_it_once_it_does), T(a_row_that_is_gone_delays_no_other),
	  T(a_keeper_where_the_invitation_is_outdated_takes_nothing_and_says_so),
	  T(what_is_revoked_is_handed_to_nobody_and_its_link_can_be_ended_where_it_is_open),
	  T(a_keeper_that_lies_enrols_nothing), T(the_same_again_changes_nothing),
	  T(two_passkeys_by_one_link_are_recorded_by_both))
