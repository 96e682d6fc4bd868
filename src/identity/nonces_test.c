#include "tests/test.h"

#include <stdio.h>

#include "identity/http_signature.h"
#include "identity/nonces.h"

#define A BYTES_OF_LITERAL("workload:a/1")
#define B BYTES_OF_LITERAL("workload:b/1")
#define N BYTES_OF_LITERAL("AAAAAAAAAAAAAAAA")
constexpr int64_t NOW_S = 1'800'000'000;

static enum status
take(struct nonces *nonces, struct bytes key_id, struct bytes nonce, int64_t expires_s, int64_t now_s) {
	return nonces_take(nonces, key_id, nonce, expires_s, now_s * 1000);
}

static enum status
take_number(struct nonces *nonces, struct bytes key_id, unsigned number, int64_t expires_s, int64_t now_s) {
	char text[32];
	snprintf(text, sizeof text, "nonce-%010u", number);
	return take(nonces, key_id, bytes_of_text(text), expires_s, now_s);
}

static void
a_nonce_counts_once_per_key(void **) {
	_cleanup_(nonces_destroy) struct nonces *nonces = nullptr;
	assert_ok(nonces_create(&nonces, (struct nonces_limits){}));
	assert_false(nonces_has(nonces, A, N));
	assert_ok(take(nonces, A, N, NOW_S + 60, NOW_S));
	assert_true(nonces_has(nonces, A, N));
	assert_fails(STATUS_CONFLICT, "nonces.replayed", take(nonces, A, N, NOW_S + 60, NOW_S));
	assert_fails(STATUS_CONFLICT, "nonces.replayed", take(nonces, A, N, NOW_S + 90, NOW_S + 30));
	assert_ok(take(nonces, B, N, NOW_S + 60, NOW_S));
	assert_ok(take(nonces, A, BYTES_OF_LITERAL("BAAAAAAAAAAAAAAA"), NOW_S + 60, NOW_S));
	assert_int_equal(3, nonces_count(nonces));
}

/* Otherwise "ab" + "c" would be "a" + "bc". */
static void
key_and_nonce_do_not_run_together(void **) {
	_cleanup_(nonces_destroy) struct nonces *nonces = nullptr;
	assert_ok(nonces_create(&nonces, (struct nonces_limits){}));
	assert_ok(take(nonces, BYTES_OF_LITERAL("ab"), BYTES_OF_LITERAL("c"), NOW_S + 60, NOW_S));
	assert_ok(take(nonces, BYTES_OF_LITERAL("a"), BYTES_OF_LITERAL("bc"), NOW_S + 60, NOW_S));
}

static void
a_nonce_is_kept_until_expiry_plus_skew(void **) {
	_cleanup_(nonces_destroy) struct nonces *nonces = nullptr;
	assert_ok(nonces_create(&nonces, (struct nonces_limits){}));
	assert_ok(take(nonces, A, N, NOW_S + 60, NOW_S));
	assert_ok(take_number(nonces, B, 1, NOW_S + 200, NOW_S + 60 + REQUEST_SIGNATURE_SKEW_S));
	assert_true(nonces_has(nonces, A, N));
	assert_ok(take_number(nonces, B, 2, NOW_S + 200, NOW_S + 61 + REQUEST_SIGNATURE_SKEW_S));
	assert_false(nonces_has(nonces, A, N));
	assert_int_equal(2, nonces_count(nonces));
	assert_ok(
		take_number(nonces, B, 3, NOW_S + 100'000, NOW_S + 99'900)); /* a step beyond everything that is kept */
	assert_int_equal(1, nonces_count(nonces));
}

static void
expiries_outside_a_signatures_life_are_refused(void **) {
	_cleanup_(nonces_destroy) struct nonces *nonces = nullptr;
	assert_ok(nonces_create(&nonces, (struct nonces_limits){}));
	const int64_t latest = NOW_S + REQUEST_SIGNATURE_LIFETIME_MAX_S + REQUEST_SIGNATURE_SKEW_S;
	assert_ok(take_number(nonces, A, 1, latest, NOW_S));
	assert_ok(take_number(nonces, A, 2, NOW_S - REQUEST_SIGNATURE_SKEW_S, NOW_S));
	assert_fails(STATUS_EXPIRED, "nonces.expiry",
		     take_number(nonces, A, 3, NOW_S - REQUEST_SIGNATURE_SKEW_S - 1, NOW_S));
	assert_fails(STATUS_EXPIRED, "nonces.expiry", take_number(nonces, A, 4, NOW_S + 1000, NOW_S));
	assert_fails(STATUS_EXPIRED, "nonces.expiry", take_number(nonces, A, 5, INT64_MAX, NOW_S));
	assert_int_equal(2, nonces_count(nonces));
}

static void
a_full_store_refuses_and_forgets_nothing(void **) {
	_cleanup_(nonces_destroy) struct nonces *nonces = nullptr;
	assert_ok(nonces_create(&nonces, (struct nonces_limits){.total = 5, .per_key = 3}));
	for (unsigned i = 0; i < 3; i++)
		assert_ok(take_number(nonces, A, i, NOW_S + 60, NOW_S));
	assert_fails(STATUS_UNAVAILABLE, "nonces.key_full", take_number(nonces, A, 3, NOW_S + 60, NOW_S));
	assert_ok(take_number(nonces, B, 0, NOW_S + 10, NOW_S));
	assert_ok(take_number(nonces, B, 1, NOW_S + 60, NOW_S));
	assert_fails(STATUS_UNAVAILABLE, "nonces.full", take_number(nonces, B, 2, NOW_S + 60, NOW_S));
	assert_fails(STATUS_CONFLICT, "nonces.replayed", take_number(nonces, A, 0, NOW_S + 60, NOW_S));
	assert_ok(take_number(nonces, B, 2, NOW_S + 60, NOW_S + 16));
	assert_int_equal(5, nonces_count(nonces));
}

/* Against a plain model: every nonce of the last seconds is known, no other. */
static void
growing_and_forgetting_lose_nothing(void **) {
	_cleanup_(nonces_destroy) struct nonces *nonces = nullptr;
	constexpr unsigned PER_SECOND = 200;
	constexpr int SECONDS = 60;
	constexpr int LIFE_S = 10;
	assert_ok(nonces_create(&nonces, (struct nonces_limits){}));
	for (int second = 0; second < SECONDS; second++) {
		for (unsigned i = 0; i < PER_SECOND; i++)
			assert_ok(take_number(nonces, i % 2 ? A : B, (unsigned)second * PER_SECOND + i,
					      NOW_S + second + LIFE_S, NOW_S + second));
		size_t kept_seconds = (size_t)(second < LIFE_S + 5 ? second + 1 : LIFE_S + 6);
		assert_int_equal(kept_seconds * PER_SECOND, nonces_count(nonces));
	}
	for (unsigned i = 0; i < SECONDS * PER_SECOND; i++) {
		char text[32];
		snprintf(text, sizeof text, "nonce-%010u", i);
		bool kept = (int)(i / PER_SECOND) + LIFE_S >= SECONDS - 1 - 5;
		assert_true(kept == nonces_has(nonces, i % 2 ? A : B, bytes_of_text(text)));
	}
}

static void
snapshots_give_the_same_store_and_bytes(void **) {
	_cleanup_(nonces_destroy) struct nonces *first = nullptr, *second = nullptr, *reordered = nullptr;
	_cleanup_(buffer_free) struct buffer written = {}, again = {}, other = {};
	assert_ok(nonces_create(&first, (struct nonces_limits){}));
	assert_ok(nonces_create(&second, (struct nonces_limits){}));
	assert_ok(nonces_create(&reordered, (struct nonces_limits){}));
	for (unsigned i = 0; i < 3000; i++)
		assert_ok(take_number(first, i % 3 ? A : B, i, NOW_S + i % 300, NOW_S));
	for (unsigned i = 3000; i-- > 0;)
		assert_ok(take_number(reordered, i % 3 ? A : B, i, NOW_S + i % 300, NOW_S));
	assert_ok(nonces_write(first, &written));
	assert_ok(nonces_write(reordered, &other));
	assert_bytes(buffer_bytes(&written), buffer_bytes(&other));
	assert_ok(nonces_read(second, buffer_bytes(&written)));
	assert_int_equal(3000, nonces_count(second));
	assert_ok(nonces_write(second, &again));
	assert_bytes(buffer_bytes(&written), buffer_bytes(&again));
	assert_fails(STATUS_CONFLICT, "nonces.replayed", take_number(second, A, 1, NOW_S + 200, NOW_S));
	assert_ok(take_number(second, A, 3000, NOW_S + 200, NOW_S + 100));

	_cleanup_(nonces_destroy) struct nonces *empty = nullptr, *still_empty = nullptr;
	buffer_reset(&written);
	assert_ok(nonces_create(&empty, (struct nonces_limits){}));
	assert_ok(nonces_create(&still_empty, (struct nonces_limits){}));
	assert_ok(nonces_write(empty, &written));
	assert_ok(nonces_read(still_empty, buffer_bytes(&written)));
	assert_int_equal(0, nonces_count(still_empty));
}

static void
damaged_snapshots_are_refused(void **) {
	_cleanup_(nonces_destroy) struct nonces *nonces = nullptr;
	_cleanup_(buffer_free) struct buffer written = {};
	assert_ok(nonces_create(&nonces, (struct nonces_limits){}));
	for (unsigned i = 0; i < 3; i++)
		assert_ok(take_number(nonces, i % 2 ? A : B, i, NOW_S + 60, NOW_S));
	assert_ok(nonces_write(nonces, &written));
	assert_fails(STATUS_INTERNAL, "nonces.snapshot", nonces_read(nonces, buffer_bytes(&written)));
	for (size_t len = 0; len < written.len; len++) {
		_cleanup_(nonces_destroy) struct nonces *read = nullptr;
		assert_ok(nonces_create(&read, (struct nonces_limits){}));
		assert_fails(STATUS_CORRUPT, "nonces.snapshot", nonces_read(read, bytes_of(written.data, len)));
	}
	static const struct {
		size_t offset;
		uint8_t byte;
	} changes[] = {{0, 'X'}, {11, 2}, {12, 0x80}, {27, 9}, {28, 1}, {29, 200}, {43, 0xff}};
	for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
		_cleanup_(nonces_destroy) struct nonces *read = nullptr;
		assert_ok(nonces_create(&read, (struct nonces_limits){}));
		uint8_t before = written.data[changes[i].offset];
		written.data[changes[i].offset] = changes[i].byte;
		assert_fails(STATUS_CORRUPT, "nonces.snapshot", nonces_read(read, buffer_bytes(&written)));
		written.data[changes[i].offset] = before;
	}
	buffer_append_byte(&written, 0);
	_cleanup_(nonces_destroy) struct nonces *read = nullptr;
	assert_ok(nonces_create(&read, (struct nonces_limits){}));
	assert_fails(STATUS_CORRUPT, "nonces.snapshot", nonces_read(read, buffer_bytes(&written)));
}

RUN_TESTS(T(a_nonce_counts_once_per_key), T(key_and_nonce_do_not_run_together),
	  T(a_nonce_is_kept_until_expiry_plus_skew), T(expiries_outside_a_signatures_life_are_refused),
	  T(a_full_store_refuses_and_forgets_nothing), T(growing_and_forgetting_lose_nothing),
	  T(snapshots_give_the_same_store_and_bytes), T(damaged_snapshots_are_refused))
