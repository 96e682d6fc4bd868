/* A decision over a resident set and resident entities allocates nothing: malloc and its kin are counted here. */
#include "tests/test.h"

#include <stdio.h>

#include "policy/bench_scale.h"
#include "policy/fixture.h"

static size_t calls;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *
malloc(size_t size) {
	calls++;
	return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size) {
	calls++;
	return __libc_calloc(count, size);
}

void *
realloc(void *memory, size_t size) {
	calls++;
	return __libc_realloc(memory, size);
}

static struct policy_entities *
fill(enum status (*filler)(struct policy_entities *, struct bench_draw *), struct bench_draw *draw) {
	struct policy_entities *entities = nullptr;
	assert_ok(policy_entities_create(&entities));
	assert_ok(filler(entities, draw));
	assert_ok(policy_entities_seal(entities));
	return entities;
}

/* After one decision, which gives the scratch its first block. */
static size_t
count_calls(const struct policy_set *set, const struct policy_entities *entities, const struct policy_request *request,
	    struct arena *scratch) {
	struct policy_result result;
	size_t before = 0;
	for (size_t round = 0; round < 2; round++) {
		arena_reset(scratch);
		before = calls;
		assert_ok(policy_decide(set, entities, request, (struct policy_options){.strict = true}, scratch,
					&result));
	}
	return calls - before;
}

static void
the_hook_counts(void **) {
	size_t before = calls;
	_cleanup_(arena_free) struct arena arena = {};
	assert_non_null(arena_alloc(&arena, 1));
	assert_true(calls > before);
}

static void
ten_thousand_policies_are_decided_without_an_allocation(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(arena_free) struct arena scratch = {}, arena = {};
	struct bench_draw draw = {11};
	assert_ok(bench_scale_policies(&text, &draw));
	buffer_append_byte(&text, 0);
	struct policy_set *set = fixture_policies((const char *)text.data);
	struct policy_entities *entities = fill(bench_scale_fill, &draw);
	for (size_t i = 0; i < 1'000; i++) {
		struct bench_request request;
		assert_ok(bench_scale_ask(&request, &arena, &draw));
		assert_int_equal(count_calls(set, entities, &request.request, &scratch), 0);
	}
	policy_entities_destroy(&entities);
	policy_set_destroy(&set);
}

/* Every kind of node, errors with their text, sets and records that are made anew. */
static void
neither_errors_nor_sets_made_anew_allocate(void **) {
	static const char policies[] =
		"permit(principal, action, resource) when { [context.n, 2, 1 + context.n].contains(3) };"
		"permit(principal, action, resource) when { {a: context.n, b: principal}.a * 2 == 6 };"
		"forbid(principal, action, resource) when { context.none > 5 };"
		"forbid(principal, action, resource) when { 9223372036854775807 + context.n > 5 };"
		"forbid(principal, action, resource) when { ip(context.s).isIpv4() };"
		"forbid(principal, action, resource) when { decimal(\"1.0\").lessThan(decimal(\"2.0\")) && "
		"context.s like \"a*b\" && principal.hasTag(context.s) };"
		"permit(principal, action, resource) unless { resource in [principal, User::\"x\"] };"
		"permit(principal, action, resource) when { if principal is User then context has a.b else false };";
	_cleanup_(arena_free) struct arena scratch = {}, arena = {};
	struct policy_set *set = fixture_policies(policies);
	struct policy_entities *entities = fixture_entities("[]");
	struct value context = fixture_record(&arena, "{\"a\":{\"b\":1},\"n\":3,\"s\":\"not an address\"}");
	struct policy_request request = {fixture_uid("User", "a"), fixture_uid("Action", "sign"),
					 fixture_uid("Key", "k"), &context};
	assert_int_equal(count_calls(set, entities, &request, &scratch), 0);
	policy_entities_destroy(&entities);
	policy_set_destroy(&set);
}

RUN_TESTS(T(the_hook_counts), T(ten_thousand_policies_are_decided_without_an_allocation),
	  T(neither_errors_nor_sets_made_anew_allocate))
