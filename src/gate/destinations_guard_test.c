#include "tests/test.h"

#include "gate/guards.h"

#define CHAIN BYTES_OF_LITERAL("bitcoin:main")

struct fixture {
	struct gate_state *state;
	struct arena arena;
	struct facts facts;
};

static void
put(struct fixture *f, const char *list, enum destination_list_kind kind, const char *entry,
    struct destination_terms terms) {
	struct bytes name = bytes_of_text(list), text = bytes_of_text(entry);
	if (destinations_find(&f->state->destinations, name) == nullptr)
		assert_ok(destinations_create_list(&f->state->destinations, name, kind, 1));
	assert_ok(destinations_add(&f->state->destinations, name, &text, 1, &terms, 1));
}

static void
set_up(struct fixture *f) {
	*f = (struct fixture){};
	assert_ok(gate_state_create(&f->state, BYTES_OF_LITERAL("test"), BYTES_OF_LITERAL("k1"), nullptr, nullptr));
	put(f, "ours", DESTINATIONS_ALLOWED, "bitcoin:main:listed", (struct destination_terms){});
	put(f, "ours", DESTINATIONS_ALLOWED, "bitcoin:main:also", (struct destination_terms){});
	put(f, "ours", DESTINATIONS_ALLOWED, "bitcoin:main:late", (struct destination_terms){.effective_ms = 900});
	put(f, "ours", DESTINATIONS_ALLOWED, "bitcoin:main:new", (struct destination_terms){.probation_cents = 500});
}

static void
tear_down(struct fixture *f) {
	gate_state_destroy(&f->state);
	arena_free(&f->arena);
}

static const struct guard *
destinations_row(void) {
	for (size_t i = 0; i < guard_count; i++)
		if (strcmp(guards[i].name, "destinations") == 0)
			return &guards[i];
	fail_msg("there is no row \"destinations\"");
	return nullptr;
}

static void
observe(struct fixture *f, const struct wallet_transaction *transaction) {
	struct observation o = {.state = f->state, .arena = &f->arena, .transaction = transaction, .now_ms = 100};
	f->facts = (struct facts){.arena = &f->arena};
	assert_ok(destinations_row()->observe(&o, &f->facts));
}

static bool
boolean(const struct fixture *f, const char *name) {
	const struct fact *fact = facts_find(&f->facts, name);
	assert_non_null(fact);
	return fact->value.boolean;
}

static void
every_destination_counts_for_allowed_and_any_for_some_allowed(void **) {
	static const struct {
		const char *destinations[3];
		bool allowed, some_allowed, waiting, probation;
	} cases[] = {
		{{"listed"}, true, true, false, false},
		{{"listed", "also"}, true, true, false, false},
		{{"listed", "stranger"}, false, true, false, false},
		{{"stranger", "also"}, false, true, false, false},
		{{"stranger"}, false, false, false, false},
		{{"listed", "late"}, false, true, true, false},
		{{"late"}, false, false, true, false},
		{{"listed", "new"}, false, true, false, true},
		{{"new", "stranger"}, false, false, false, false},
		{{"listed", "also", "stranger"}, false, true, false, false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(tear_down) struct fixture f;
		struct bytes destinations[3];
		struct wallet_transaction transaction = {.chain = CHAIN, .destinations = destinations};
		set_up(&f);
		for (; transaction.destination_count < 3 &&
		       cases[i].destinations[transaction.destination_count] != nullptr;
		     transaction.destination_count++)
			destinations[transaction.destination_count] =
				bytes_of_text(cases[i].destinations[transaction.destination_count]);
		observe(&f, &transaction);
		assert_int_equal(cases[i].allowed, boolean(&f, "destination.allowed"));
		assert_int_equal(cases[i].some_allowed, boolean(&f, "destination.some_allowed"));
		assert_int_equal(cases[i].waiting, boolean(&f, "destination.waiting"));
		assert_int_equal(cases[i].probation, boolean(&f, "destination.probation"));
	}
}

RUN_TESTS(T(every_destination_counts_for_allowed_and_any_for_some_allowed))
