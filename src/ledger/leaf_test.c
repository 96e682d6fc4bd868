#include "tests/test.h"

#include "ledger/leaf.h"

static void
leaves_of_another_form_are_refused(void **) {
	static const char good[] =
		"{\"at\":1,\"body\":{\"a\":[{}],\"b\":\"\\\\\\\"}\"},\"seq\":0,\"type\":\"a_b\",\"version\":1}";
	static const char *const bad[] = {
		"",
		"{}",
		" {\"at\":1,\"body\":{},\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":-1,\"body\":{},\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":01,\"body\":{},\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":,\"body\":{},\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":18446744073709551616,\"body\":{},\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":1,\"body\":[],\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":1,\"body\":1,\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":1,\"body\":{]},\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":1,\"body\":{[}],\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":1,\"body\":{{\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":1,\"body\":{ },\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":1,\"body\":{\"x\n\":1},\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":1,\"body\":{\"x\":\"1},\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":1,\"body\":{\"x\":\"\\\"},\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":1,\"body\":{\"x\\",
		"{\"at\":1,\"body\":{},\"seq\":0,\"seq\":0,\"type\":\"a\",\"version\":1}",
		"{\"at\":1,\"body\":{},\"type\":\"a\",\"seq\":0,\"version\":1}",
		"{\"at\":1,\"body\":{},\"seq\":0,\"type\":\"\",\"version\":1}",
		"{\"at\":1,\"body\":{},\"seq\":0,\"type\":\"A\",\"version\":1}",
		"{\"at\":1,\"body\":{},\"seq\":0,\"type\":\"a\",\"version\":1}}",
		"{\"at\":1,\"body\":{},\"seq\":0,\"type\":\"a\",\"version\":1} ",
		"{\"at\":1,\"body\":{},\"seq\":0,\"type\":\"a\",\"version\":1",
	};
	struct leaf_view view;
	assert_ok(leaf_scan(bytes_of_text(good), &view));
	assert_bytes(BYTES_OF_LITERAL("{\"a\":[{}],\"b\":\"\\\\\\\"}\"}"), view.body);
	assert_bytes(BYTES_OF_LITERAL("a_b"), view.type);
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++)
		assert_fails(STATUS_CORRUPT, "leaf.form", leaf_scan(bytes_of_text(bad[i]), &view));
	for (size_t len = 0; len < sizeof good - 1; len++)
		assert_fails(STATUS_CORRUPT, "leaf.form", leaf_scan(bytes_of(good, len), &view));
}

RUN_TESTS(T(leaves_of_another_form_are_refused))
