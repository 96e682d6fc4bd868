#include "tests/test.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/founding.h"
#include "cli/submit.h"
#include "model/operation_kind.h"

constexpr int ARGUMENTS_MAX = 40;

static enum status
parse(struct invocation *invocation, const char *line) {
	static char words[512];
	char *arguments[ARGUMENTS_MAX], *rest = words;
	int count = 0;
	snprintf(words, sizeof words, "%s", line);
	for (char *word; count < ARGUMENTS_MAX && (word = strsep(&rest, " ")) != nullptr;)
		arguments[count++] = word;
	*invocation = (struct invocation){};
	return command_parse(count, arguments, invocation);
}

static void
a_wrong_command_line_is_named(void **) {
	static const struct {
		const char *line, *name;
	} rows[] = {
		{"gatehouse", "usage.command"},
		{"gatehouse op", "usage.command"},
		{"gatehouse opp show", "usage.command"},
		{"gatehouse op shows x", "usage.command"},
		{"gatehouse ledger verify", "usage.command"},
		{"gatehouse ledger verify logs x", "usage.command"},
		{"gatehouse ledger verify log", "usage.words"},
		{"gatehouse ledger verify log x --entry y", "usage.option"},
		{"gatehouse ledger verify log x --older a --older b", nullptr},
		{"gatehouse ledger verify receipt x --older a --older b", "usage.repeated"},
		{"gatehouse witness", "usage.command"},
		{"gatehouse witness sign w", "usage.command"},
		{"gatehouse witness init w", "usage.words"},
		{"gatehouse witness show a b", "usage.words"},
		{"gatehouse witness show w --unknown", "usage.option"},
		{"gatehouse witness serve w --logs p", "usage.missing"},
		{"gatehouse witness serve w --logs", "usage.value"},
		{"gatehouse op show", "usage.words"},
		{"gatehouse op show a b", "usage.words"},
		{"gatehouse op approve a b", "usage.words"},
		{"gatehouse list add", "usage.words"},
		{"gatehouse list add a 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", "usage.words"},
		{"gatehouse op show x --nothing", "usage.option"},
		{"gatehouse op show x --", nullptr},
		{"gatehouse op show -- --json", nullptr},
		{"gatehouse op show x -j", "usage.option"},
		{"gatehouse op show x --json=yes", "usage.flag"},
		{"gatehouse op show x --key", "usage.value"},
		{"gatehouse op show x --key=a --key=b", "usage.repeated"},
		{"gatehouse op show x --json --json", "usage.repeated"},
		{"gatehouse op show x --reason r", "usage.option"},
		{"gatehouse key create k", "usage.missing"},
		{"gatehouse key create k --help", nullptr},
		{"gatehouse key create k --account= ", "usage.words"},
		{"gatehouse tx decode -", nullptr},
		{"gatehouse zone add z --network a --network b", nullptr},
		{"gatehouse init --sign-with a --sign-with b", nullptr},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct invocation invocation;
		enum status status = parse(&invocation, rows[i].line);
		char name[64];
		fail_name(name, sizeof name);
		if (rows[i].name == nullptr ? status != OK
					    : status != STATUS_INVALID || strcmp(name, rows[i].name) != 0)
			fail_msg("%s: %s %s", rows[i].line, status_name(status), fail_message());
	}
}

static void
words_and_options_are_handed_over_as_given(void **) {
	struct invocation invocation;
	assert_ok(parse(&invocation, "gatehouse zone add --network=10.0.0.0/8 lab --network 10.1.0.0/16 --json"));
	assert_string_equal("zone", invocation.command->noun);
	assert_string_equal("lab", invocation_word(&invocation, 0));
	assert_null(invocation_word(&invocation, 1));
	assert_string_equal("10.0.0.0/8", invocation_option(&invocation, "network"));
	assert_string_equal("10.1.0.0/16", invocation_option_at(&invocation, "network", 1));
	assert_null(invocation_option_at(&invocation, "network", 2));
	assert_true(invocation.json);
	assert_false(invocation_flag(&invocation, "help"));
}

static void
a_verb_that_is_also_a_noun_is_told_apart(void **) {
	struct invocation invocation;
	assert_ok(parse(&invocation, "gatehouse init sign --with k doc"));
	assert_string_equal("sign", invocation.command->verb);
	assert_ok(parse(&invocation, "gatehouse init --print-document"));
	assert_null(invocation.command->noun);
}

static bool
is_kind(const char *name) {
	enum operation_kind_id id;
	return operation_kind_parse(bytes_of_text(name), &id) == OK;
}

static void
every_row_is_whole_and_no_two_are_alike(void **) {
	for (size_t i = 0; i < command_count; i++) {
		const struct command *row = &commands[i];
		assert_non_null(row->run);
		assert_true(row->kind == nullptr || is_kind(row->kind));
		assert_true(row->kind == nullptr || (row->groups & COMMAND_SUBMITS) != 0);
		assert_true((row->groups & COMMAND_SUBMITS) == 0 || (row->groups & COMMAND_CONNECTS) != 0);
		assert_true(row->summary[strlen(row->summary) - 1] != '.');
		const struct command_option *option, *other;
		for (size_t j = 0; (option = command_option_at(row, j)) != nullptr; j++)
			for (size_t k = 0; k < j && (other = command_option_at(row, k)) != nullptr; k++)
				if (strcmp(option->name, other->name) == 0)
					fail_msg("%s %s: --%s stands twice", row->noun, row->verb, option->name);
		for (size_t j = 0; j < i; j++) {
			bool same_noun =
				row->noun == commands[j].noun || (row->noun != nullptr && commands[j].noun != nullptr &&
								  strcmp(row->noun, commands[j].noun) == 0);
			if (same_noun && strcmp(row->verb, commands[j].verb) == 0)
				fail_msg("%s %s stands twice", row->noun, row->verb);
		}
	}
}

/* Everything that can be asked of the gate has a command, `op submit` apart. */
static void
every_kind_of_operation_has_a_command(void **) {
	for (size_t kind = 0; kind < OPERATION_KINDS; kind++) {
		bool found = kind == OPERATION_SIGN; /* op sign */
		for (size_t i = 0; i < command_count && !found; i++)
			found = commands[i].kind != nullptr &&
				strcmp(commands[i].kind, operation_kinds[kind].name) == 0;
		if (!found)
			fail_msg("%s has none", operation_kinds[kind].name);
	}
}

static void
prices_are_read_in_dollars_and_refused_by_name(void **) {
	static const struct {
		const char *text;
		int64_t microcents; /* 0: refused */
		const char *name;
	} rows[] = {
		{"3000", 300'000'000'000, nullptr},
		{"0.99995", 99'995'000, nullptr},
		{"0.00000001", 1, nullptr},
		{"1.10", 110'000'000, nullptr},
		{"90071992", 9'007'199'200'000'000, nullptr},
		{"", 0, "price.form"},
		{".5", 0, "price.form"},
		{"1.", 0, "price.form"},
		{"1.123456789", 0, "price.form"},
		{"1,5", 0, "price.form"},
		{"-1", 0, "price.form"},
		{"01", 0, "price.form"},
		{"1.5x", 0, "price.form"},
		{"1e3", 0, "price.form"},
		{"0", 0, "price.range"},
		{"0.00000000", 0, "price.range"},
		{"90071993", 0, "price.range"},
		{"18446744073709551615", 0, "price.range"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		int64_t microcents = 0;
		if (rows[i].name == nullptr) {
			assert_ok(price_parse(bytes_of_text(rows[i].text), &microcents));
			assert_int_equal(rows[i].microcents, microcents);
		} else
			assert_fails(STATUS_INVALID, rows[i].name,
				     price_parse(bytes_of_text(rows[i].text), &microcents));
	}
}

static void
durations_are_whole_numbers_with_a_unit(void **) {
	static const struct {
		const char *text;
		int64_t ms; /* 0: refused */
	} rows[] = {{"30s", 30'000},
		    {"5m", 300'000},
		    {"24h", 86'400'000},
		    {"30d", INT64_C(2'592'000'000)},
		    {"31d", 0},
		    {"0s", 0},
		    {"", 0},
		    {"5", 0},
		    {"m", 0},
		    {"5 m", 0},
		    {"-5m", 0},
		    {"5ms", 0},
		    {"99999999999999999999s", 0}};
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		int64_t ms = 0;
		if (rows[i].ms == 0)
			assert_fails(STATUS_INVALID, "usage.duration", duration_parse(rows[i].text, &ms));
		else
			assert_ok(duration_parse(rows[i].text, &ms));
		assert_int_equal(rows[i].ms, ms);
	}
}

RUN_TESTS(T(a_wrong_command_line_is_named), T(words_and_options_are_handed_over_as_given),
	  T(a_verb_that_is_also_a_noun_is_told_apart), T(every_row_is_whole_and_no_two_are_alike),
	  T(every_kind_of_operation_has_a_command), T(prices_are_read_in_dollars_and_refused_by_name),
	  T(durations_are_whole_numbers_with_a_unit))
