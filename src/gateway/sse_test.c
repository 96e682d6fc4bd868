#include "tests/test.h"

#include <stdio.h>

#include "gateway/sse.h"

static void
add(struct sse_ring *ring, uint64_t index) {
	char data[32];
	snprintf(data, sizeof data, "{\"n\":%llu}", (unsigned long long)index);
	assert_ok(sse_add(ring, &(struct ipc_feed){index, BYTES_OF_LITERAL("entry"), bytes_of_text(data)}));
}

static struct sse_ring *
ring_of(uint64_t first, uint64_t count) {
	struct sse_ring *ring = test_calloc(1, sizeof *ring);
	for (uint64_t i = 0; i < count; i++)
		add(ring, first + i);
	return ring;
}

static void
ring_end(struct sse_ring *ring) {
	sse_free(ring);
	test_free(ring);
}

static void
assert_sent(const struct sse_ring *ring, struct sse_place *place, const char *expected) {
	_cleanup_(buffer_free) struct buffer sent = {};
	sse_write(ring, place, &sent);
	assert_bytes(bytes_of_text(expected), buffer_bytes(&sent));
}

static void
a_new_client_gets_what_comes_after_it(void **) {
	struct sse_ring *ring = ring_of(5, 3);
	struct sse_place place = sse_resume(ring, (struct bytes){});
	assert_sent(ring, &place, "");
	add(ring, 9);
	assert_sent(ring, &place, "id: 9\nevent: entry\ndata: {\"n\":9}\n\n");
	assert_sent(ring, &place, "");
	ring_end(ring);
}

static void
a_client_that_resumes_gets_what_it_missed(void **) {
	struct sse_ring *ring = ring_of(5, 3);
	struct sse_place place = sse_resume(ring, BYTES_OF_LITERAL("5"));
	assert_sent(ring, &place, "id: 6\nevent: entry\ndata: {\"n\":6}\n\nid: 7\nevent: entry\ndata: {\"n\":7}\n\n");
	place = sse_resume(ring, BYTES_OF_LITERAL("7"));
	assert_sent(ring, &place, "");
	ring_end(ring);
}

static void
a_client_whose_place_is_unknown_is_told_to_read_anew(void **) {
	static const char *const ids[] = {"4", "8", "", "x", "-1", "5 ", "18446744073709551616"};
	struct sse_ring *ring = ring_of(5, 3);
	for (size_t i = 0; i < ARRAY_LENGTH(ids); i++) {
		struct sse_place place = sse_resume(ring, bytes_of_text(ids[i]));
		assert_sent(ring, &place, "id: 7\nevent: resync\ndata: {}\n\n");
		assert_sent(ring, &place, "");
	}
	ring_end(ring);
	ring = ring_of(0, 0);
	struct sse_place place = sse_resume(ring, BYTES_OF_LITERAL("1"));
	assert_sent(ring, &place, "event: resync\ndata: {}\n\n");
	ring_end(ring);
}

static void
a_client_that_falls_out_of_the_ring_is_told_to_read_anew(void **) {
	struct sse_ring *ring = ring_of(1, 1);
	struct sse_place place = sse_resume(ring, (struct bytes){});
	for (uint64_t i = 2; i <= SSE_RING_SIZE + 2; i++)
		add(ring, i);
	char expected[64];
	snprintf(expected, sizeof expected, "id: %zu\nevent: resync\ndata: {}\n\n", SSE_RING_SIZE + 2);
	assert_sent(ring, &place, expected);
	place = sse_resume(ring, BYTES_OF_LITERAL("2"));
	assert_sent(ring, &place, expected);
	place = sse_resume(ring, BYTES_OF_LITERAL("3"));
	_cleanup_(buffer_free) struct buffer sent = {};
	assert_true(sse_write(ring, &place, &sent));
	assert_memory_equal("id: 4\n", sent.data, 6);
	ring_end(ring);
}

static void
a_slow_client_is_left_where_it_is(void **) {
	struct sse_ring *ring = ring_of(1, 10);
	struct sse_place place = sse_resume(ring, BYTES_OF_LITERAL("1"));
	_cleanup_(buffer_free) struct buffer unsent = {};
	for (size_t i = 0; i < SSE_BACKLOG_MAX; i++)
		buffer_append_byte(&unsent, 'x');
	assert_false(sse_write(ring, &place, &unsent));
	assert_int_equal(SSE_BACKLOG_MAX, unsent.len);
	buffer_reset(&unsent);
	assert_true(sse_write(ring, &place, &unsent));
	assert_memory_equal("id: 2\n", unsent.data, 6);
	ring_end(ring);
}

static void
an_event_that_was_had_is_not_sent_again(void **) {
	struct sse_ring *ring = ring_of(5, 2);
	struct sse_place place = sse_resume(ring, (struct bytes){});
	add(ring, 5);
	add(ring, 6);
	assert_sent(ring, &place, "");
	add(ring, 7);
	assert_sent(ring, &place, "id: 7\nevent: entry\ndata: {\"n\":7}\n\n");
	ring_end(ring);
}

RUN_TESTS(T(a_new_client_gets_what_comes_after_it), T(a_client_that_resumes_gets_what_it_missed),
	  T(a_client_whose_place_is_unknown_is_told_to_read_anew),
	  T(a_client_that_falls_out_of_the_ring_is_told_to_read_anew), T(a_slow_client_is_left_where_it_is),
	  T(an_event_that_was_had_is_not_sent_again))
