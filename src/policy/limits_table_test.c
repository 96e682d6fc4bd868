#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "policy/fixture.h"
#include "policy/limits_testing.h"

#define HEADER "id,who,account,asset,window,per,amount,approvals,note\n"

static const char sample[] = HEADER
	"hot-day,*,account:options-hot,*,day,account,250000.00,treasury:2 independent:1,\"Daily limit, \"\"hot\"\"\"\n"
	"hot-one,desk:options,account:options-hot,*,transaction,-,100000,never,\n"
	",workload:settlement,*,eip155:1/native,week,requester,0.05,risk-officers:3,\n";

static void
a_table_compiles_to_one_forbid_for_each_row(void **) {
	static const char expected[] =
		"// Made from a table of limits: change the table.\n"
		"\n"
		"@id(\"limit:hot-day\")\n"
		"@limit(\"*,account:options-hot,*,day,account,250000.00,treasury:2 independent:1\")\n"
		"@reason(\"Daily limit, \\\"hot\\\"\")\n"
		"forbid (principal, action == Action::\"sign\", resource in Account::\"options-hot\")\n"
		"unless { context has limits && context.limits has account && (context.limits.account.day <= 25000000 "
		"|| (context.approvals.group.treasury >= 2 && context.approvals.independent >= 1)) };\n"
		"\n"
		"@id(\"limit:hot-one\")\n"
		"@limit(\"desk:options,account:options-hot,*,transaction,-,100000.00,never\")\n"
		"forbid (principal in Desk::\"options\", action == Action::\"sign\", resource in "
		"Account::\"options-hot\")\n"
		"unless { context.transfer has usd_cents && context.transfer.usd_cents <= 10000000 };\n"
		"\n"
		"@id(\"limit:limit-3\")\n"
		"@limit(\"workload:settlement,*,eip155:1/native,week,requester,0.05,risk-officers:3\")\n"
		"forbid (principal == Workload::\"settlement\", action == Action::\"sign\", resource)\n"
		"when { context.transfer.asset == \"eip155:1/native\" }\n"
		"unless { context has limits && context.limits has requester && (context.limits.requester.week <= 5 || "
		"context.approvals.group[\"risk-officers\"] >= 3) };\n";
	_cleanup_(limits_table_free) struct limits_table table = {};
	_cleanup_(buffer_free) struct buffer text = {};
	assert_ok(limits_table_read(&table, "limits.csv", bytes_of_text(sample), nullptr));
	assert_int_equal(table.count, 3);
	assert_ok(limits_table_compile(&table, &text));
	buffer_append_byte(&text, '\0');
	assert_string_equal(expected, (const char *)text.data);
}

static void
assert_tables_equal(const struct limits_table *a, const struct limits_table *b) {
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		assert_true(limits_rows_equal(&a->rows[i], &b->rows[i]));
}

/* Through CSV, YAML and Cedar, and each time the same table. */
static void
assert_round_trips(const struct limits_table *table) {
	_cleanup_(limits_table_free) struct limits_table csv = {}, yaml = {}, cedar = {};
	_cleanup_(buffer_free) struct buffer as_csv = {}, as_yaml = {}, as_cedar = {};
	limits_table_write_csv(table, &as_csv);
	assert_ok(limits_table_read(&csv, "limits.csv", buffer_bytes(&as_csv), nullptr));
	assert_tables_equal(table, &csv);
	limits_table_write_yaml(table, &as_yaml);
	assert_ok(limits_table_read(&yaml, "limits.yaml", buffer_bytes(&as_yaml), nullptr));
	assert_tables_equal(table, &yaml);
	assert_ok(limits_table_compile(table, &as_cedar));
	assert_ok(limits_table_extract(&cedar, "limits.cedar", buffer_bytes(&as_cedar), nullptr));
	assert_tables_equal(table, &cedar);
}

static void
spelling_of_cedar_does_not_matter_and_its_meaning_does(void **) {
	static const char reformatted[] =
		"@id(\"limit:a\") @limit(\"*,*,*,transaction,-,1.00,never\") @reason(\"why\") // by hand\n"
		"forbid(principal,action==Action::\"sign\",resource) unless {\n"
		"  (context.transfer has \"usd_cents\") && context.transfer[\"usd_cents\"] <= 100 };";
	static const char *const others[] = {
		"@id(\"limit:a\") @limit(\"*,*,*,transaction,-,1.00,never\")\n"
		"forbid(principal, action == Action::\"sign\", resource)\n"
		"unless { context.transfer has usd_cents && context.transfer.usd_cents <= 101 };",
		"@id(\"limit:a\") @limit(\"*,*,*,transaction,-,1.00,never\")\n"
		"permit(principal, action == Action::\"sign\", resource)\n"
		"unless { context.transfer has usd_cents && context.transfer.usd_cents <= 100 };",
		"@id(\"limit:a\") forbid(principal, action, resource);",
		"@id(\"limit:a\") @limit(\"*,*,*,transaction,-,1.00\") forbid(principal, action, resource);",
		"@id(\"limit:a\") @limit(\"*,*,*,monthly,-,1.00,never\") forbid(principal, action, resource);",
		"@id(\"a\") @limit(\"*,*,*,transaction,-,1.00,never\")\n"
		"forbid(principal, action == Action::\"sign\", resource)\n"
		"unless { context.transfer has usd_cents && context.transfer.usd_cents <= 100 };",
	};
	_cleanup_(limits_table_free) struct limits_table table = {};
	assert_ok(limits_table_extract(&table, "limits.cedar", bytes_of_text(reformatted), nullptr));
	assert_int_equal(table.count, 1);
	assert_int_equal(table.rows[0].cents, 100);
	assert_bytes(bytes_of_text("why"), table.rows[0].note);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		_cleanup_(limits_table_free) struct limits_table other = {};
		assert_fails(STATUS_INVALID, "limits.not_a_limit",
			     limits_table_extract(&other, "limits.cedar", bytes_of_text(others[i]), nullptr));
	}
}

static void
bad_tables_are_refused_at_the_field(void **) {
	static const struct {
		const char *name, *text, *message;
	} cases[] = {
		{"t.csv", "who,account\n", "limits.column: t.csv:1:1: expected the column asset"},
		{"t.csv", HEADER "a,b\n", "csv.columns: t.csv:2:1: expected 9 fields, found 2"},
		{"t.csv", "who,who\n", "limits.column: t.csv:1:5: \"who\" is a column already"},
		{"t.csv", "whose\n", "limits.column: t.csv:1:1: \"whose\" is not a column of this table"},
		{"t.csv", HEADER "a b,*,*,*,day,key,1,never,\n", "limits.id: t.csv:2:1:"},
		{"t.csv", HEADER "a,*,*,*,day,key,1,never,\na,*,*,*,day,key,1,never,\n", "limits.id: t.csv:3:1:"},
		{"t.csv", HEADER "a,bob,*,*,day,key,1,never,\n", "limits.who: t.csv:2:3:"},
		{"t.csv", HEADER "a,key:x,*,*,day,key,1,never,\n", "limits.who: t.csv:2:3:"},
		{"t.csv", HEADER "a,person:,*,*,day,key,1,never,\n", "limits.who: t.csv:2:3:"},
		{"t.csv", HEADER "a,\"person:x\"\"\",*,*,day,key,1,never,\n", "limits.who: t.csv:2:3:"},
		{"t.csv", HEADER "a,*,person:x,*,day,key,1,never,\n", "limits.account: t.csv:2:5:"},
		{"t.csv", HEADER "a,*,*,a b,day,key,1,never,\n", "limits.asset: t.csv:2:7:"},
		{"t.csv", HEADER "a,*,*,,day,key,1,never,\n", "limits.asset: t.csv:2:7:"},
		{"t.csv", HEADER "a,*,*,eip155:1/0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48,day,key,1,never,\n",
		 "limits.asset: t.csv:2:7:"},
		{"t.csv", HEADER "a,*,*,*,month,key,1,never,\n", "limits.window: t.csv:2:9:"},
		{"t.csv", HEADER "a,*,*,*,day,-,1,never,\n", "limits.per: t.csv:2:13:"},
		{"t.csv", HEADER "a,*,*,*,transaction,key,1,never,\n", "limits.per: t.csv:2:21:"},
		{"t.csv", HEADER "a,*,*,*,day,key,1.234,never,\n", "limits.amount: t.csv:2:17:"},
		{"t.csv", HEADER "a,*,*,*,day,key,-1,never,\n", "limits.amount: t.csv:2:17:"},
		{"t.csv", HEADER "a,*,*,*,day,key,1.,never,\n", "limits.amount: t.csv:2:17:"},
		{"t.csv", HEADER "a,*,*,*,day,key,\"1,000\",never,\n", "limits.amount: t.csv:2:17:"},
		{"t.csv", HEADER "a,*,*,*,day,key,99999999999999999,never,\n", "limits.amount: t.csv:2:17:"},
		{"t.csv", HEADER "a,*,*,*,day,key,1,,\n", "limits.approvals: t.csv:2:19:"},
		{"t.csv", HEADER "a,*,*,*,day,key,1,treasury,\n", "limits.approvals: t.csv:2:19:"},
		{"t.csv", HEADER "a,*,*,*,day,key,1,treasury:0,\n", "limits.approvals: t.csv:2:19:"},
		{"t.csv", HEADER "a,*,*,*,day,key,1,x:1 x:2,\n", "limits.approvals: t.csv:2:19:"},
		{"t.csv", HEADER "a,*,*,*,day,key,1,x:1  y:2,\n", "limits.approvals: t.csv:2:19:"},
		{"t.csv", HEADER "a,*,*,*,day,key,1,x:1 ,\n", "limits.approvals: t.csv:2:19:"},
		{"t.csv", HEADER "a,*,*,*,day,key,1,never,\"x\ny\"\n", "limits.note: t.csv:2:25:"},
		{"t.csv", HEADER "a,*,*,*,day,key,1,never,x\u202ey\n", "limits.note: t.csv:2:25:"},
		{"t.yaml", "rows: []\n", "limits.form: t.yaml:1:1:"},
		{"t.yaml", "limits:\n  - a\n", "limits.row: t.yaml:2:5:"},
		{"t.yaml", "limits:\n  - {who: \"*\", whose: x}\n", "limits.column: t.yaml:2:16:"},
		{"t.yaml", "limits:\n  - {who: [x]}\n", "limits.column: t.yaml:2:6:"},
		{"t.yaml", "limits: [\n", "yaml.syntax: t.yaml:2:1:"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		_cleanup_(limits_table_free) struct limits_table table = {};
		enum status status = limits_table_read(&table, cases[i].name, bytes_of_text(cases[i].text), nullptr);
		if (status != STATUS_INVALID ||
		    strncmp(fail_message(), cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("%s: expected %s, got %s", cases[i].text, cases[i].message,
				 status == OK ? "nothing" : fail_message());
	}
}

/* --- A thousand random tables, against an interpreter of the table itself. --- */

static uint64_t random_state = 7;

static uint32_t
random_below(uint32_t bound) {
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % bound;
}

static const char *const approvals[] = {"never",           "treasury:1", "treasury:2 independent:1",
					"risk-officers:1", "total:3",    "independent:2 treasury:1 total:2"};
static const char *const assets[] = {"*", "eip155:1/native", "bitcoin:main/native"};
static const char *const whos[] = {"*", "workload:a", "workload:b", "desk:d1", "desk:d2", "entity:e1"};
static const char *const accounts[] = {"*", "key:k1", "key:k2", "account:a1", "account:a2", "desk:d1", "entity:e2"};
static const char *const windows[] = {"transaction", "hour", "day", "week"};
static const char *const pers[] = {"key", "account", "desk", "legal_entity", "requester", "destination", "asset"};

#define PICK(list) list[random_below(sizeof list / sizeof *list)]

static void
random_table(struct limits_table *table) {
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, HEADER);
	uint32_t rows = random_below(7);
	for (uint32_t i = 0; i < rows; i++) {
		const char *window = PICK(windows);
		buffer_append_format(&text, "r%u,%s,%s,%s,%s,%s,%u.%02u,%s,%s\n", i, PICK(whos), PICK(accounts),
				     PICK(assets), window, window == windows[0] ? "-" : PICK(pers), random_below(4),
				     random_below(2) * 50, PICK(approvals),
				     random_below(2) ? "\"say \"\"why\"\", \\ twice\"" : "");
	}
	assert_ok(limits_table_read(table, "limits.csv", buffer_bytes(&text), nullptr));
}

/* What a transfer is, and what was spent: −1 where it is not known. */
struct transfer {
	bool by_b;     /* workload a of desk d1 (entity e1), or b of desk d2 (entity e2) */
	bool from_two; /* key k1 of account a1 (d1, e1), or k2 of a2 (d2, e2) */
	bool is_bitcoin;
	int64_t usd_cents;
	int64_t spent[7][3]; /* by per, as in pers; by window */
	int64_t treasury, risk, independent, total;
};

static bool
names(enum limits_subject subject, struct bytes id, const char *const of[LIMITS_SUBJECTS]) {
	return subject == LIMITS_ANYONE || (of[subject] != nullptr && bytes_equal_text(id, of[subject]));
}

static int64_t
count_of(const struct transfer *transfer, struct bytes group) {
	return bytes_equal_text(group, "treasury")      ? transfer->treasury
	       : bytes_equal_text(group, "independent") ? transfer->independent
	       : bytes_equal_text(group, "total")       ? transfer->total
							: transfer->risk;
}

static int64_t
spent_of(const struct transfer *transfer, const struct limits_row *row) {
	if (row->window == LIMITS_TRANSACTION)
		return transfer->usd_cents;
	for (size_t i = 0; i < 7; i++)
		if (bytes_equal_text(row->per, pers[i]))
			return transfer->spent[i][row->window - LIMITS_HOUR];
	return -1;
}

static bool
row_allows(const struct limits_row *row, const struct transfer *transfer) {
	const char *const asks[LIMITS_SUBJECTS] = {[LIMITS_WORKLOAD] = transfer->by_b ? "b" : "a",
						   [LIMITS_DESK] = transfer->by_b ? "d2" : "d1",
						   [LIMITS_ENTITY] = transfer->by_b ? "e2" : "e1"};
	const char *const owns[LIMITS_SUBJECTS] = {[LIMITS_KEY] = transfer->from_two ? "k2" : "k1",
						   [LIMITS_ACCOUNT] = transfer->from_two ? "a2" : "a1",
						   [LIMITS_DESK] = transfer->from_two ? "d2" : "d1",
						   [LIMITS_ENTITY] = transfer->from_two ? "e2" : "e1"};
	const char *asset = transfer->is_bitcoin ? assets[2] : assets[1];
	if (!names(row->who, row->who_id, asks) || !names(row->account, row->account_id, owns) ||
	    (row->asset.len > 0 && !bytes_equal_text(row->asset, asset)))
		return true;
	int64_t spent = spent_of(transfer, row);
	if (spent < 0)
		return false;
	bool is_approved = !row->is_never;
	for (size_t i = 0; i < row->approval_count; i++)
		is_approved = is_approved && count_of(transfer, row->approvals[i].group) >= row->approvals[i].count;
	return spent <= row->cents || is_approved;
}

static struct transfer
random_transfer(void) {
	struct transfer transfer = {.by_b = random_below(2),
				    .from_two = random_below(2),
				    .is_bitcoin = random_below(2),
				    .usd_cents = (int64_t)random_below(9) * 50 - 50,
				    .treasury = random_below(3),
				    .risk = random_below(2),
				    .independent = random_below(3),
				    .total = random_below(4)};
	bool is_known = transfer.usd_cents >= 0;
	transfer.usd_cents = is_known ? transfer.usd_cents : -1;
	for (size_t per = 0; per < 7; per++) {
		bool is_there = is_known && random_below(8) > 0;
		for (size_t window = 0; window < 3; window++)
			transfer.spent[per][window] = is_there ? (int64_t)random_below(8) * 50 : -1;
	}
	return transfer;
}

static bool
policies_allow(const struct policy_set *set, const struct policy_entities *entities, const struct transfer *transfer,
	       struct arena *arena) {
	static const size_t by_name[] = {1, 6, 2, 5, 0, 3, 4};
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_format(
		&text,
		"{\"approvals\":{\"group\":{\"risk-officers\":%lld,\"treasury\":%lld},\"independent\":%lld,"
		"\"total\":%lld},",
		(long long)transfer->risk, (long long)transfer->treasury, (long long)transfer->independent,
		(long long)transfer->total);
	if (transfer->usd_cents >= 0) {
		buffer_append_text(&text, "\"limits\":{");
		const char *comma = "";
		for (size_t i = 0; i < 7; i++) {
			const int64_t *spent = transfer->spent[by_name[i]];
			if (spent[0] < 0)
				continue;
			buffer_append_format(&text, "%s\"%s\":{\"day\":%lld,\"hour\":%lld,\"week\":%lld}", comma,
					     pers[by_name[i]], (long long)spent[1], (long long)spent[0],
					     (long long)spent[2]);
			comma = ",";
		}
		buffer_append_text(&text, "},");
	}
	buffer_append_format(&text, "\"transfer\":{\"asset\":\"%s\"", transfer->is_bitcoin ? assets[2] : assets[1]);
	if (transfer->usd_cents >= 0)
		buffer_append_format(&text, ",\"usd_cents\":%lld", (long long)transfer->usd_cents);
	buffer_append_text(&text, "}}");
	buffer_append_byte(&text, '\0');
	arena_reset(arena);
	struct value context = fixture_record(arena, (const char *)text.data);
	struct policy_request request = {fixture_uid("Workload", transfer->by_b ? "b" : "a"),
					 fixture_uid("Action", "sign"),
					 fixture_uid("Key", transfer->from_two ? "k2" : "k1"), &context};
	struct policy_result result;
	assert_ok(policy_decide(set, entities, &request, (struct policy_options){.strict = true}, arena, &result));
	assert_int_equal(result.error_count, 0);
	return result.decision == POLICY_ALLOW;
}

static struct policy_set *
set_of(const struct limits_table *table) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct policy_set *set;
	assert_ok(limits_table_compile(table, &text));
	assert_ok(policy_set_create(nullptr, &set));
	assert_ok(policy_set_add(set, "limits.cedar", buffer_bytes(&text), nullptr));
	assert_ok(policy_set_add(set, "all.cedar", bytes_of_text("@id(\"all\") permit(principal, action, resource);"),
				 nullptr));
	assert_ok(policy_set_seal(set));
	return set;
}

static void
a_thousand_random_tables_round_trip_and_decide_as_the_table_says(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct policy_entities *entities = fixture_two_desks();
	size_t allowed = 0, refused = 0;
	for (size_t i = 0; i < 1000; i++) {
		_cleanup_(limits_table_free) struct limits_table table = {};
		random_table(&table);
		assert_round_trips(&table);
		_cleanup_(policy_set_destroy) struct policy_set *set = set_of(&table);
		for (size_t j = 0; j < 50; j++) {
			struct transfer transfer = random_transfer();
			bool expected = true;
			for (size_t row = 0; row < table.count; row++)
				expected = expected && row_allows(&table.rows[row], &transfer);
			assert_int_equal(expected, policies_allow(set, entities, &transfer, &arena));
			allowed += expected;
			refused += !expected;
		}
	}
	policy_entities_destroy(&entities);
	assert_true(allowed > 10'000 && refused > 10'000);
}

RUN_TESTS(T(a_table_compiles_to_one_forbid_for_each_row), T(spelling_of_cedar_does_not_matter_and_its_meaning_does),
	  T(bad_tables_are_refused_at_the_field), T(a_thousand_random_tables_round_trip_and_decide_as_the_table_says))
