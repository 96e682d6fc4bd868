/*
 * Reader: policy/prove/work.c
 *
 * Requests as the worker reads them, and answers as the keeper does; what the first reads comes out again as it was.
 */
#include <stdlib.h>

#include "policy/work.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool property) {
	if (!property)
		abort();
}

static void
check_request(struct arena *arena, struct bytes text) {
	_cleanup_(buffer_free) struct buffer again = {}, answer = {};
	struct work work;
	struct work_answer result;
	if (work_read(arena, text, &work) != OK) { /* which is an answer as well, to this request */
		need(work_perform(text, &answer) == OK);
		need(work_read_answer(arena, text, buffer_bytes(&answer), &result) == OK && !result.is_done);
		return;
	}
	struct work same;
	need(work_write(&work, &again) == OK);
	need(work_read(arena, buffer_bytes(&again), &same) == OK);
	need(same.ask == work.ask && same.policy_count == work.policy_count && same.old_count == work.old_count &&
	     bytes_equal(same.document, work.document) && bytes_equal(same.bundle, work.bundle) &&
	     bytes_equal(same.invariants.text, work.invariants.text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	struct work_answer answer;
	struct bytes text = bytes_of(data, size);
	if (work_read_answer(&arena, (struct bytes){}, text, &answer) == OK)
		(void)(work_answer_is_proved(&answer) == OK);
	check_request(&arena, text);
	return 0;
}
