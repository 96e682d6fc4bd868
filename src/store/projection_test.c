#include "tests/test.h"

#include <stdio.h>

#include "base/io_simulated.h"
#include "store/projection.h"

static enum status
apply_decision(struct projection *projection, const struct projection_entry *entry) {
	struct projection_operation operation = {
		.id = entry->operation,
		.kind = BYTES_OF_LITERAL("transfer.sign"),
		.principal = entry->index % 2 == 0 ? BYTES_OF_LITERAL("workload:a") : BYTES_OF_LITERAL("workload:b"),
		.resource = BYTES_OF_LITERAL("key:eth"),
		.state = BYTES_OF_LITERAL("held"),
		.at_ms = entry->at_ms,
		.index = entry->index,
		.legal_entity = entry->legal_entity,
		.words = entry->index % 20 == 3 ? BYTES_OF_LITERAL("key:eth\n0xabc\ninvoice 7")
						: BYTES_OF_LITERAL("key:eth\n0xdef"),
	};
	return projection_put_operation(projection, &operation);
}

static enum status
apply_vote(struct projection *projection, const struct projection_entry *entry) {
	struct projection_operation operation = {.id = entry->operation,
						 .state = BYTES_OF_LITERAL("signed"),
						 .at_ms = entry->at_ms,
						 .index = entry->index};
	return projection_put_operation(projection, &operation);
}

static enum status
apply_change(struct projection *projection, const struct projection_entry *entry) {
	char id[24];
	snprintf(id, sizeof id, "p-%llu", (unsigned long long)entry->index);
	return projection_put_object(projection, "person", bytes_of_text(id), BYTES_OF_LITERAL("active"),
				     BYTES_OF_LITERAL("{\"groups\":[]}"), entry->index);
}

static const struct projection_handler handlers[] = {
	{"decision", apply_decision}, {"vote", apply_vote}, {"change", apply_change}};

static struct projection_config
config_on(struct simulated_disk *disk) {
	return (struct projection_config){
		.io = simulated_disk_io(disk),
		.path = "/state.db",
		.identity = {{1, 2, 3}},
		.handlers = handlers,
		.handler_count = ARRAY_LENGTH(handlers),
	};
}

static struct mark
mark_of(uint64_t size) {
	struct mark mark = {.size = size};
	store_u64be(mark.root.bytes, size);
	return mark;
}

static enum status
apply_number(struct projection *projection, uint64_t index) {
	static const char *const types[] = {"decision", "vote", "clock", "change"};
	char operation[24] = "";
	size_t type = index % 10 < 5 ? 0 : index % 10 < 7 ? 1 : index % 10 < 8 ? 2 : 3;
	if (type < 2)
		snprintf(operation, sizeof operation, "op-%llu", (unsigned long long)(type == 0 ? index : index - 5));
	struct projection_entry entry = {
		.index = index,
		.type = bytes_of_text(types[type]),
		.seq = (int64_t)index,
		.at_ms = (int64_t)index * 1000,
		.operation = bytes_of_text(operation),
		.legal_entity = type > 1          ? (struct bytes){}
				: index % 25 == 3 ? BYTES_OF_LITERAL("small")
						  : BYTES_OF_LITERAL("large"),
	};
	return projection_apply(projection, &entry);
}

static enum status
apply_range(struct projection *projection, uint64_t from, uint64_t to) {
	TRY(projection_begin(projection));
	enum status status = OK;
	for (uint64_t index = from; status == OK && index < to; index++)
		status = apply_number(projection, index);
	TRY(status);
	struct mark mark = mark_of(to);
	return projection_commit(projection, &mark);
}

struct listed {
	size_t count;
	uint64_t first, last;
};

static enum status
note_operation(void *context, const struct projection_operation *operation) {
	struct listed *listed = context;
	if (listed->count++ == 0)
		listed->first = operation->index;
	listed->last = operation->index;
	return OK;
}

static enum status
note_row(void *context, const struct projection_row *row) {
	struct listed *listed = context;
	if (listed->count++ == 0)
		listed->first = row->index;
	listed->last = row->index;
	return OK;
}

static enum status
note_object(void *context, struct bytes, struct bytes, struct bytes) {
	++*(size_t *)context;
	return OK;
}

static void
rows_are_listed_with_filters_and_pages(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(projection_close) struct projection *projection = nullptr;
	assert_ok(simulated_disk_create(&disk, 1));
	struct projection_config config = config_on(disk);
	assert_ok(projection_open(&config, &projection));
	assert_int_equal(projection_applied(projection).size, 0);
	assert_ok(apply_range(projection, 0, 100));
	assert_int_equal(projection_applied(projection).size, 100);

	static const struct {
		struct projection_operation_filter filter;
		size_t count;
		uint64_t first;
	} cases[] = {
		{{.limit = 1000}, 50, 96},
		{{.limit = 7}, 7, 96},
		{{.limit = 7, .before = 11}, 5, 6}, /* op-0 and op-1 moved up to their votes at 5 and 6 */
		{{.limit = 100, .state = BYTES_OF_LITERAL("signed")}, 20, 96},
		{{.limit = 100, .state = BYTES_OF_LITERAL("held")}, 30, 94},
		{{.limit = 100, .principal = BYTES_OF_LITERAL("workload:b")}, 20, 96},
		{{.limit = 100, .principal = BYTES_OF_LITERAL("workload:a"), .state = BYTES_OF_LITERAL("held")},
		 20,
		 94},
		{{.limit = 100, .resource = BYTES_OF_LITERAL("key:btc")}, 0, 0},
		{{.limit = 100, .resource = BYTES_OF_LITERAL("key:eth"), .kind = BYTES_OF_LITERAL("transfer.sign")},
		 50,
		 96},
		{{.limit = 100, .kind = BYTES_OF_LITERAL("key.create")}, 0, 0},
		{{.limit = 100, .from_ms = 50'000, .to_ms = 59'000}, 5, 56},
		{{.limit = 100, .legal_entity = BYTES_OF_LITERAL("small")}, 2, 53},
		{{.limit = 100, .legal_entity = BYTES_OF_LITERAL("small"), .before = 53}, 1, 3},
		{{.limit = 1, .legal_entity = BYTES_OF_LITERAL("large")}, 1, 96},
		{{.limit = 100, .legal_entity = BYTES_OF_LITERAL("large")}, 48, 96},
		{{.limit = 100, .legal_entity = BYTES_OF_LITERAL("large"), .state = BYTES_OF_LITERAL("signed")},
		 20,
		 96},
		{{.limit = 100, .legal_entity = BYTES_OF_LITERAL("small"), .state = BYTES_OF_LITERAL("held")}, 2, 53},
		{{.limit = 100, .legal_entity = BYTES_OF_LITERAL("small"), .state = BYTES_OF_LITERAL("signed")}, 0, 0},
		{{.limit = 100, .legal_entity = BYTES_OF_LITERAL("small"), .principal = BYTES_OF_LITERAL("workload:b")},
		 2,
		 53},
		{{.limit = 100, .legal_entity = BYTES_OF_LITERAL("nobodys")}, 0, 0},
		{{.limit = 100, .search = {BYTES_OF_LITERAL("0xabc")}}, 5, 83},
		{{.limit = 3, .search = {BYTES_OF_LITERAL("invoice"), BYTES_OF_LITERAL("eth")}}, 3, 83},
		{{.limit = 100, .search = {BYTES_OF_LITERAL("op-8")}},
		 5,
		 86}, /* op-80 to op-84: ids by how they begin */
		{{.limit = 100, .search = {BYTES_OF_LITERAL("p-8")}}, 0, 0},
		{{.limit = 100, .search = {BYTES_OF_LITERAL("0xabc"), BYTES_OF_LITERAL("0xdef")}}, 0, 0},
		{{.limit = 100, .search = {BYTES_OF_LITERAL("0xdef")}, .state = BYTES_OF_LITERAL("held")}, 25, 94},
	};
	uint64_t next;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct listed listed = {};
		assert_ok(projection_list_operations(projection, &cases[i].filter, note_operation, &listed, &next));
		assert_int_equal(next, listed.count == cases[i].filter.limit ? listed.last : 0);
		if (listed.count != cases[i].count || listed.first != cases[i].first)
			fail_msg("case %zu: %zu rows from %llu", i, listed.count, (unsigned long long)listed.first);
	}
	struct projection_operation_filter none = {};
	struct listed listed = {};
	assert_fails(STATUS_INVALID, "projection.limit",
		     projection_list_operations(projection, &none, note_operation, &listed, &next));
	size_t people = 0;
	struct listed of_operation = {}, of_type = {}, of_entity = {}, all = {};
	struct projection_entry_filter by_operation = {.operation = BYTES_OF_LITERAL("op-11"), .limit = 10};
	struct projection_entry_filter by_type = {.type = BYTES_OF_LITERAL("clock"), .limit = 3};
	struct projection_entry_filter by_entity = {.legal_entity = BYTES_OF_LITERAL("small"), .limit = 10};
	struct projection_entry_filter any = {.limit = 1000};
	assert_ok(projection_list_entries(projection, &by_operation, note_row, &of_operation));
	assert_int_equal(of_operation.count, 2);
	assert_int_equal(of_operation.first, 16);
	assert_int_equal(of_operation.last, 11);
	assert_ok(projection_list_entries(projection, &by_type, note_row, &of_type));
	assert_int_equal(of_type.count, 3);
	assert_int_equal(of_type.first, 97);
	assert_ok(projection_list_entries(projection, &by_entity, note_row, &of_entity));
	assert_int_equal(of_entity.count, 2);
	assert_int_equal(of_entity.first, 53);
	assert_int_equal(of_entity.last, 3);
	assert_ok(projection_list_entries(projection, &any, note_row, &all));
	assert_int_equal(all.count, 100);
	assert_ok(projection_list_objects(projection, "person", (struct bytes){}, 100, note_object, &people));
	assert_int_equal(people, 20);
}

static enum status
apply_one(struct projection *projection, uint64_t index, const char *type, const char *operation) {
	struct projection_entry entry = {.index = index,
					 .type = bytes_of_text(type),
					 .seq = (int64_t)index,
					 .at_ms = (int64_t)index,
					 .operation = bytes_of_text(operation)};
	return projection_apply(projection, &entry);
}

/* By sixteen digits of its id and the id: entries that name another one which begins alike, or none that stands, change nothing of it. */
static void
an_operation_is_found_by_its_entries(void **) {
	static const char one[] = "0123456789abcdef-one", other[] = "0123456789abcdef-other";
	static const struct {
		const char *type, *operation, *state;
		size_t count;
	} steps[] = {
		{"decision", one, "held", 1},   {"decision", other, "held", 2},  {"clock", one, "held", 2},
		{"vote", one, "held", 1},       {"vote", one, "signed", 1},      {"vote", other, "held", 0},
		{"decision", other, "held", 1}, {"vote", "unseen", "signed", 2},
	};
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(projection_close) struct projection *projection = nullptr;
	assert_ok(simulated_disk_create(&disk, 1));
	struct projection_config config = config_on(disk);
	assert_ok(projection_open(&config, &projection));
	assert_ok(projection_begin(projection));
	for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
		struct projection_operation_filter filter = {.state = bytes_of_text(steps[i].state), .limit = 10};
		struct listed listed = {};
		uint64_t next;
		assert_ok(apply_one(projection, i + 1, steps[i].type, steps[i].operation));
		assert_ok(projection_list_operations(projection, &filter, note_operation, &listed, &next));
		assert_int_equal(listed.count, steps[i].count);
	}
	struct mark mark = mark_of(ARRAY_LENGTH(steps) + 1);
	assert_ok(projection_add_words(projection, bytes_of_text(other), BYTES_OF_LITERAL("again")));
	assert_ok(
		projection_add_words(projection, BYTES_OF_LITERAL("0123456789abcdef-none"), BYTES_OF_LITERAL("again")));
	assert_ok(projection_commit(projection, &mark));
	struct projection_operation_filter found = {.limit = 10, .search = {BYTES_OF_LITERAL("again")}};
	struct listed listed = {};
	uint64_t next;
	assert_ok(projection_list_operations(projection, &found, note_operation, &listed, &next));
	assert_int_equal(listed.count, 1);
	assert_int_equal(listed.first, 7);
}

struct window {
	int64_t from_ms, to_ms;
	size_t inside;
};

static enum status
count_inside(void *context, const struct projection_row *row) {
	struct window *window = context;
	window->inside += row->at_ms >= window->from_ms && (window->to_ms == 0 || row->at_ms <= window->to_ms);
	return OK;
}

static void
assert_window(struct projection *projection, int64_t from_ms, int64_t to_ms) {
	struct window window = {from_ms, to_ms, 0};
	struct listed entries = {}, operations = {};
	uint64_t next;
	assert_ok(projection_list_entries(projection, &(struct projection_entry_filter){.limit = 1000}, count_inside,
					  &window));
	struct projection_entry_filter of_entries = {.from_ms = from_ms, .to_ms = to_ms, .limit = 1000};
	struct projection_operation_filter of_operations = {.from_ms = from_ms, .to_ms = to_ms, .limit = 1000};
	assert_ok(projection_list_entries(projection, &of_entries, note_row, &entries));
	assert_ok(projection_list_operations(projection, &of_operations, note_operation, &operations, &next));
	assert_int_equal(window.inside, entries.count);
	assert_int_equal(window.inside, operations.count);
}

static enum status
apply_at(struct projection *projection, uint64_t index, int64_t at_ms) {
	char operation[24];
	snprintf(operation, sizeof operation, "op-%llu", (unsigned long long)index);
	return projection_apply(projection, &(struct projection_entry){.index = index,
								       .type = BYTES_OF_LITERAL("decision"),
								       .at_ms = at_ms,
								       .operation = bytes_of_text(operation)});
}

/* Several entries of one time, and some that are not committed yet. */
static void
what_stands_in_a_window_of_time_is_listed_wherever_it_lies(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(projection_close) struct projection *projection = nullptr;
	assert_ok(simulated_disk_create(&disk, 1));
	struct projection_config config = config_on(disk);
	assert_ok(projection_open(&config, &projection));
	assert_window(projection, 1, 2);
	assert_ok(projection_begin(projection));
	for (uint64_t index = 0; index < 40; index++)
		assert_ok(apply_at(projection, index, 10 + (int64_t)index / 4 * 10));
	struct mark mark = mark_of(40);
	assert_ok(projection_commit(projection, &mark));
	assert_ok(projection_begin(projection));
	for (uint64_t index = 40; index < 44; index++)
		assert_ok(apply_at(projection, index, 105));
	for (int64_t from_ms = 0; from_ms < 120; from_ms += 5) {
		assert_window(projection, from_ms, 0);
		for (int64_t to_ms = 5; to_ms < 120; to_ms += 5)
			assert_window(projection, from_ms, to_ms);
	}
}

static void
what_is_of_a_kind_is_listed_with_whatever_else_is_asked_for(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(projection_close) struct projection *projection = nullptr;
	static const char *const kinds[] = {"sign", "key.create", "list.add"}, *const principals[] = {"a", "b"};
	assert_ok(simulated_disk_create(&disk, 1));
	struct projection_config config = config_on(disk);
	assert_ok(projection_open(&config, &projection));
	assert_ok(projection_begin(projection));
	for (uint64_t index = 1; index <= 60; index++) {
		char id[24];
		snprintf(id, sizeof id, "op-%llu", (unsigned long long)index);
		struct projection_operation operation = {.id = bytes_of_text(id),
							 .kind = bytes_of_text(kinds[index % 3]),
							 .principal = bytes_of_text(principals[index % 2]),
							 .state = BYTES_OF_LITERAL("done"),
							 .words = BYTES_OF_LITERAL("word"),
							 .at_ms = 1,
							 .index = index};
		assert_ok(projection_put_operation(projection, &operation));
	}
	struct mark mark = mark_of(61);
	assert_ok(projection_commit(projection, &mark));
	for (size_t kind = 0; kind < ARRAY_LENGTH(kinds); kind++)
		for (int by = 0; by < 4; by++) {
			struct projection_operation_filter filter = {.kind = bytes_of_text(kinds[kind]), .limit = 1000};
			struct listed listed = {};
			uint64_t next;
			if (by % 2 == 1)
				filter.principal = BYTES_OF_LITERAL("a");
			if (by / 2 == 1)
				filter.search[0] = BYTES_OF_LITERAL("word");
			assert_ok(projection_list_operations(projection, &filter, note_operation, &listed, &next));
			assert_int_equal(by % 2 == 1 ? 10 : 20, listed.count);
			assert_int_equal(kind, listed.first % 3);
		}
}

/* A search of what is rare goes on from page to page, each of which costs no more than so many rows. */
static void
a_search_looks_at_so_many_rows_and_says_how_far_it_came(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	_cleanup_(projection_close) struct projection *projection = nullptr;
	struct projection_operation_filter filter = {.limit = 10, .search = {BYTES_OF_LITERAL("rare")}};
	struct listed listed = {};
	uint64_t next, rows = PROJECTION_SEARCH_ROWS + 100;
	assert_ok(simulated_disk_create(&disk, 1));
	struct projection_config config = config_on(disk);
	assert_ok(projection_open(&config, &projection));
	assert_ok(projection_begin(projection));
	for (uint64_t index = 1; index <= rows; index++) {
		char id[24];
		snprintf(id, sizeof id, "op-%llu", (unsigned long long)index);
		struct projection_operation operation = {.id = bytes_of_text(id),
							 .kind = BYTES_OF_LITERAL("sign"),
							 .at_ms = 1,
							 .index = index,
							 .words = index == 50 ? BYTES_OF_LITERAL("rare")
									      : BYTES_OF_LITERAL("common")};
		assert_ok(projection_put_operation(projection, &operation));
	}
	struct mark mark = mark_of(rows + 1);
	assert_ok(projection_commit(projection, &mark));
	assert_ok(projection_list_operations(projection, &filter, note_operation, &listed, &next));
	assert_int_equal(listed.count, 0);
	assert_int_equal(next, 101);
	filter.before = next;
	assert_ok(projection_list_operations(projection, &filter, note_operation, &listed, &next));
	assert_int_equal(listed.count, 1);
	assert_int_equal(listed.first, 50);
	assert_int_equal(next, 0);
}

static void
a_projection_of_another_log_and_a_damaged_one_are_built_anew(void **) {
	_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
	struct projection *projection;
	assert_ok(simulated_disk_create(&disk, 1));
	struct projection_config config = config_on(disk);
	assert_ok(projection_open(&config, &projection));
	assert_ok(apply_range(projection, 0, 50));
	projection_close(&projection);
	config.identity.bytes[0] = 77;
	assert_ok(projection_open(&config, &projection));
	assert_int_equal(projection_applied(projection).size, 0);
	assert_ok(apply_range(projection, 0, 50));
	projection_close(&projection);
	assert_ok(simulated_disk_flip_bit(disk, "/state.db", 20, 3));
	assert_ok(simulated_disk_flip_bit(disk, "/state.db", 5, 3));
	assert_ok(projection_open(&config, &projection));
	assert_int_equal(projection_applied(projection).size, 0);
	assert_ok(apply_range(projection, 0, 10));
	projection_close(&projection);
}

/* Whatever survived is a state that was committed; the rest is applied again, and the result is the same. */
static void
after_any_crash_it_is_rebuilt_equal(void **) {
	struct hash256 expected, found;
	unsigned behind = 0;
	for (uint64_t point = 0; point < 160; point += 2) {
		_cleanup_(simulated_disk_destroy) struct simulated_disk *disk = nullptr;
		struct projection *projection = nullptr;
		assert_ok(simulated_disk_create(&disk, point));
		struct projection_config config = config_on(disk);
		if (point == 0) {
			assert_ok(projection_open(&config, &projection));
			assert_ok(apply_range(projection, 0, 80));
			assert_ok(projection_fingerprint(projection, &expected));
			projection_close(&projection);
			continue;
		}
		simulated_disk_crash_at(disk, point);
		enum status status = projection_open(&config, &projection);
		for (uint64_t from = 0; status == OK && from < 80; from += 10)
			status = apply_range(projection, from, from + 10);
		projection_close(&projection);
		simulated_disk_lose_power(disk);
		assert_ok(projection_open(&config, &projection));
		uint64_t applied = projection_applied(projection).size;
		assert_int_equal(applied % 10, 0);
		behind += applied < 80;
		assert_ok(apply_range(projection, applied, 80));
		assert_ok(projection_fingerprint(projection, &found));
		assert_true(hash256_equal(&expected, &found));
		projection_close(&projection);
	}
	assert_true(behind > 20);
}

RUN_TESTS(T(rows_are_listed_with_filters_and_pages), T(an_operation_is_found_by_its_entries),
	  T(what_stands_in_a_window_of_time_is_listed_wherever_it_lies),
	  T(what_is_of_a_kind_is_listed_with_whatever_else_is_asked_for),
	  T(a_search_looks_at_so_many_rows_and_says_how_far_it_came),
	  T(a_projection_of_another_log_and_a_damaged_one_are_built_anew), T(after_any_crash_it_is_rebuilt_equal))
