/* Which invitations are good, for how long they are remembered, and which make room for others. */
#include "tests/test.h"

#include "identity/invitations.h"

#define PERSON BYTES_OF_LITERAL("person:p-0000000000000001")
#define NAME BYTES_OF_LITERAL("phone")
constexpr int64_t HOUR = 3'600'000;
constexpr int64_t START = INT64_C(1'800'000'000'000);

static struct hash256
token_of(uint32_t number) {
	struct hash256 token = {};
	store_u32be(token.bytes, number);
	return token;
}

static struct invitation
invitation(uint32_t number, int64_t expires_ms) {
	return (struct invitation){.token = token_of(number), .person = PERSON, .name = NAME, .expires_ms = expires_ms};
}

static enum status
add(struct invitations *invitations, uint32_t number, int64_t expires_ms, int64_t now_ms) {
	struct invitation added = invitation(number, expires_ms);
	return invitations_add(invitations, &added, now_ms);
}

static bool
is_open(const struct invitations *invitations, uint32_t number, int64_t now_ms) {
	struct hash256 token = token_of(number);
	return invitations_find(invitations, &token, now_ms) != nullptr;
}

static bool
is_remembered(const struct invitations *invitations, uint32_t number, int64_t now_ms) {
	struct hash256 token = token_of(number);
	return invitations_remembered(invitations, &token, now_ms) != nullptr;
}

static void
use(struct invitations *invitations, uint32_t number) {
	struct hash256 token = token_of(number), registration = {.bytes = {7}};
	invitations_use(invitations, &token, &registration);
}

static void
one_is_good_until_it_is_used_or_over_and_remembered_for_a_week(void **) {
	_cleanup_(invitations_free) struct invitations invitations = {};
	assert_ok(add(&invitations, 1, START + HOUR, START));
	assert_ok(add(&invitations, 2, START + HOUR, START));
	assert_fails(STATUS_CONFLICT, "invitation.exists", add(&invitations, 1, START + 2 * HOUR, START));
	assert_true(is_open(&invitations, 1, START + HOUR - 1));
	assert_false(is_open(&invitations, 1, START + HOUR));
	assert_false(is_open(&invitations, 3, START));
	use(&invitations, 2);
	use(&invitations, 3); /* of which there is none */
	assert_false(is_open(&invitations, 2, START));
	for (uint32_t i = 1; i <= 2; i++) {
		assert_true(is_remembered(&invitations, i, START));
		assert_true(is_remembered(&invitations, i, START + HOUR + INVITATION_HANDOVER_MS - 1));
		assert_false(is_remembered(&invitations, i, START + HOUR + INVITATION_HANDOVER_MS));
	}
	assert_fails(STATUS_CONFLICT, "invitation.exists", add(&invitations, 2, START + 2 * HOUR, START + HOUR));
	/* With the next one those are forgotten that nobody can bring any more. */
	assert_ok(add(&invitations, 4, START + 400 * HOUR, START + HOUR + INVITATION_HANDOVER_MS));
	assert_int_equal(1, invitations.by_token.count);
}

static void
open_ones_are_bounded_and_never_make_room(void **) {
	_cleanup_(invitations_free) struct invitations invitations = {};
	for (uint32_t i = 0; i < INVITATIONS_MAX; i++)
		assert_ok(add(&invitations, i, START + HOUR + i % 3, START));
	assert_fails(STATUS_TOO_LARGE, "invitation.full", add(&invitations, 9'000, START + HOUR, START));
	/* Of those that are used, or over, the first to be over goes; of those alike, the first by its hash. */
	use(&invitations, 8);
	use(&invitations, 7);
	use(&invitations, 4);
	static const uint32_t gone[] = {4, 7, 8};
	for (uint32_t i = 0; i < ARRAY_LENGTH(gone); i++) {
		assert_true(is_remembered(&invitations, gone[i], START));
		assert_ok(add(&invitations, 9'000 + i, START + 2 * HOUR, START));
		assert_false(is_remembered(&invitations, gone[i], START));
	}
	assert_fails(STATUS_TOO_LARGE, "invitation.full", add(&invitations, 9'100, START + 2 * HOUR, START));
	assert_ok(add(&invitations, 9'100, START + 2 * HOUR, START + HOUR));
	assert_false(is_remembered(&invitations, 0, START + HOUR));
	assert_true(is_open(&invitations, 1, START + HOUR));
	assert_int_equal(INVITATIONS_MAX, invitations.by_token.count);
}

static void
what_was_not_used_can_be_withdrawn_by_its_name(void **) {
	_cleanup_(invitations_free) struct invitations invitations = {};
	struct bytes other = BYTES_OF_LITERAL("tablet");
	assert_ok(add(&invitations, 1, START + HOUR, START));
	assert_ok(add(&invitations, 2, START + HOUR, START));
	assert_ok(add(&invitations, 3, START + HOUR, START));
	use(&invitations, 3);
	assert_false(invitations_withdraw(&invitations, PERSON, other, nullptr, START));
	assert_false(invitations_withdraw(&invitations, other, NAME, nullptr, START));
	assert_true(invitations_withdraw(&invitations, PERSON, NAME, nullptr, START));
	assert_false(invitations_withdraw(&invitations, PERSON, NAME, nullptr, START));
	assert_true(is_remembered(&invitations, 3, START));
	assert_int_equal(1, invitations.by_token.count);
}

static void
one_may_take_the_place_of_those_of_its_name(void **) {
	_cleanup_(invitations_free) struct invitations invitations = {};
	struct hash256 last = token_of(3);
	for (uint32_t i = 1; i <= 3; i++)
		assert_ok(add(&invitations, i, START + HOUR, START));
	use(&invitations, 1);
	assert_true(invitations_withdraw(&invitations, PERSON, NAME, &last, START));
	assert_false(invitations_withdraw(&invitations, PERSON, NAME, &last, START));
	assert_false(is_remembered(&invitations, 2, START));
	assert_true(is_open(&invitations, 3, START));
	assert_true(is_remembered(&invitations, 1, START)); /* which was used */
}

/* Another keeper may hand over what was enrolled by it: a passkey that is revoked before it arrives never does. */
static void
one_that_is_over_can_be_withdrawn_as_long_as_it_is_remembered(void **) {
	_cleanup_(invitations_free) struct invitations invitations = {};
	int64_t end_ms = START + HOUR + INVITATION_HANDOVER_MS;
	assert_ok(add(&invitations, 1, START + HOUR, START));
	assert_false(invitations_withdraw(&invitations, PERSON, NAME, nullptr, end_ms));
	assert_true(is_remembered(&invitations, 1, end_ms - 1));
	assert_true(invitations_withdraw(&invitations, PERSON, NAME, nullptr, end_ms - 1));
	assert_false(is_remembered(&invitations, 1, end_ms - 1));
}

static enum status
check(const struct invitations *invitations, uint32_t number, bool is_handed_over, int64_t now_ms) {
	const struct invitation *found;
	struct hash256 token = token_of(number);
	enum status status = invitations_check(invitations, &token, is_handed_over, now_ms, &found);
	assert_true((status == OK) == (found != nullptr));
	return status;
}

static void
one_that_is_outdated_serves_nobody_and_makes_room_for_another(void **) {
	_cleanup_(invitations_free) struct invitations invitations = {}, again = {};
	_cleanup_(buffer_free) struct buffer snapshot = {};
	struct invitation theirs = invitation(3, START + HOUR);
	theirs.person = BYTES_OF_LITERAL("person:p-0000000000000002");
	assert_ok(add(&invitations, 1, START + HOUR, START));
	assert_ok(add(&invitations, 2, START + HOUR, START));
	assert_ok(invitations_add(&invitations, &theirs, START));
	use(&invitations, 2);
	invitations_outdate(&invitations, PERSON);
	assert_ok(invitations_write(&invitations, &snapshot));
	assert_ok(invitations_read(&again, buffer_bytes(&snapshot)));
	const struct invitations *both[] = {&invitations, &again};
	for (size_t i = 0; i < ARRAY_LENGTH(both); i++) {
		assert_false(is_open(both[i], 1, START));
		assert_fails(STATUS_UNAUTHORIZED, "enrolment.outdated", check(both[i], 1, false, START));
		assert_fails(STATUS_UNAUTHORIZED, "enrolment.refused", check(both[i], 1, false, START + HOUR));
		/* What another keeper has enrolled by it is no more wanted; what was enrolled here, is. */
		assert_fails(STATUS_UNAUTHORIZED, "enrolment.outdated", check(both[i], 1, true, START + HOUR));
		assert_fails(STATUS_UNAUTHORIZED, "enrolment.refused", check(both[i], 2, false, START));
		assert_ok(check(both[i], 2, true, START));
		assert_ok(check(both[i], 3, false, START));
		assert_fails(STATUS_UNAUTHORIZED, "enrolment.refused", check(both[i], 4, true, START));
	}
	invitations_outdate(&invitations, (struct bytes){});
	assert_fails(STATUS_UNAUTHORIZED, "enrolment.outdated", check(&invitations, 3, false, START));
	assert_ok(check(&invitations, 2, true, START));
	for (uint32_t i = 0; i < INVITATIONS_MAX - 3; i++)
		assert_ok(add(&invitations, 100 + i, START + HOUR, START));
	assert_ok(add(&invitations, 9'000, START + HOUR, START));
	assert_false(is_remembered(&invitations, 1, START));
}

static void
a_snapshot_says_all_and_a_damaged_one_nothing(void **) {
	_cleanup_(invitations_free) struct invitations invitations = {}, again = {};
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	struct hash256 token = token_of(2);
	for (uint32_t i = 1; i <= 3; i++)
		assert_ok(add(&invitations, i, START + i * HOUR, START));
	use(&invitations, 2);
	invitations_differ(&invitations, &token, 3);
	invitations_differ(&invitations, &token, 32); /* which is no keeper's */
	assert_ok(invitations_write(&invitations, &first));
	assert_ok(invitations_read(&again, buffer_bytes(&first)));
	assert_ok(invitations_write(&again, &second));
	assert_bytes(buffer_bytes(&first), buffer_bytes(&second));
	const struct invitation *used = invitations_remembered(&again, &token, START);
	assert_true(used->is_used);
	assert_int_equal(1 << 3, used->differing);
	assert_int_equal(7, used->registration.bytes[0]);
	size_t whole = 0;
	for (size_t len = 0; len < first.len; len++) {
		_cleanup_(invitations_free) struct invitations cut = {};
		whole += invitations_read(&cut, bytes_of(first.data, len)) == OK;
	}
	assert_int_equal(3, whole); /* none, one, two of them */
	size_t flags = 32 + 4 + PERSON.len + 4 + NAME.len + 8 + 8;
	static const uint8_t none[] = {0x10, 0x0c}; /* used, and outdated before it was */
	for (size_t i = 0; i < ARRAY_LENGTH(none); i++) {
		_cleanup_(invitations_free) struct invitations damaged = {};
		first.data[flags] = none[i];
		assert_fails(STATUS_INVALID, "invitations.snapshot", invitations_read(&damaged, buffer_bytes(&first)));
	}
}

RUN_TESTS(T(one_is_good_until_it_is_used_or_over_and_remembered_for_a_week),
	  T(open_ones_are_bounded_and_never_make_room), T(what_was_not_used_can_be_withdrawn_by_its_name),
	  T(one_may_take_the_place_of_those_of_its_name),
	  T(one_that_is_over_can_be_withdrawn_as_long_as_it_is_remembered),
	  T(one_that_is_outdated_serves_nobody_and_makes_room_for_another),
	  T(a_snapshot_says_all_and_a_damaged_one_nothing))
