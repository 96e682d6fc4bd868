#include "gate/shadow_history.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/csv.h"
#include "base/time.h"
#include "guards/limits/limits.h"
#include "policy/test_request.h"

enum column {
	TIME,
	REQUESTER,
	KEY,
	USD,
	DESTINATION,
	ASSET,
	ACCOUNT,
	DESK,
	LEGAL_ENTITY,
	REQUESTER_DESK,
	ALLOWED,
	SANCTIONED,
	APPROVALS,
	DECISION,
	COLUMNS,
};

static const struct {
	const char *name;
	const char *otherwise; /* null: needed */
} columns[COLUMNS] = {
	[TIME] = {"time", nullptr},
	[REQUESTER] = {"requester", nullptr},
	[KEY] = {"key", nullptr},
	[USD] = {"usd", nullptr},
	[DESTINATION] = {"destination", nullptr},
	[ASSET] = {"asset", ""},
	[ACCOUNT] = {"account", "account"},
	[DESK] = {"desk", "desk"},
	[LEGAL_ENTITY] = {"legal_entity", "firm"},
	[REQUESTER_DESK] = {"requester_desk", ""},
	[ALLOWED] = {"allowed", "true"},
	[SANCTIONED] = {"sanctioned", "false"},
	[APPROVALS] = {"approvals", ""},
	[DECISION] = {"decision", ""},
};

/* Of every row, unless it says otherwise. */
static const char defaults_text[] =
	"request: {age_ms: 0, has_reason: false, has_reference: false}\n"
	"key: {known: true, state: active}\n"
	"destination: {allow_hash: \"\", expired: false, probation: false, sanctions_hash: \"\",\n"
	"  waiting: false}\n"
	"call.unrecognised: false\n"
	"approve: {revokes: false, unlimited: false}\n"
	"identity.terminal_key: false\n"
	"transfer: {amount: \"0\", asset_known: true, destination_count: 1, fee_max: "
	"\"0\", format: evm, kind: native,\n"
	"  price_missing: false, price_stale: false}\n";

struct history {
	struct shadow *shadow;
	struct test_reader reader;
	struct arena arena; /* of the table */
	struct arena row;
	struct limits *limits;
	const struct yaml_node *defaults;
	struct csv_field cells[COLUMNS];
	struct csv_field extra[CSV_FIELDS_MAX]; /* fact:NAME */
	struct bytes extra_names[CSV_FIELDS_MAX];
	size_t extra_count;
	uint64_t rows;
	int64_t last_ms;
};

static enum status
complain(struct history *history, enum column column, const char *name, const char *sentence) {
	const struct csv_field *field = &history->cells[column];
	return policy_complain(history->reader.diagnostics, &history->reader.source, field->offset, field->text.len,
			       name, "%s: %s", columns[column].name, sentence);
}

/* --- Facts of a row, as a table of tests would state them. --- */

struct stating {
	struct yaml_node nodes[COLUMNS + CSV_FIELDS_MAX + 64];
	size_t count;
	struct yaml_node whole;
};

static enum status
state(struct history *history, struct stating *stating, const struct csv_field *field, struct bytes name,
      struct bytes text) {
	struct yaml_node *node = &stating->nodes[stating->count];
	if (stating->count + 1 >= ARRAY_LENGTH(stating->nodes))
		return fail(STATUS_TOO_LARGE, "history.facts: too many in one row");
	struct bytes key = arena_copy(&history->row, name);
	TRY_ALLOC(key.data);
	*node = (struct yaml_node){
		.kind = YAML_NODE_SCALAR, .line = field->line, .column = field->column, .key = key, .text = text};
	if (stating->count > 0)
		stating->nodes[stating->count - 1].next = node;
	stating->count++;
	return OK;
}

static enum status
state_text(struct history *history, struct stating *stating, enum column column, const char *name, struct bytes text) {
	return state(history, stating, &history->cells[column], bytes_of_text(name), text);
}

static enum status
state_long(struct history *history, struct stating *stating, const char *name, int64_t number) {
	const char *text = arena_format(&history->row, "%lld", (long long)number);
	TRY_ALLOC(text);
	return state_text(history, stating, USD, name, bytes_of_text(text));
}

/* --- Cells. --- */

static struct bytes
cell(const struct history *history, enum column column) {
	return history->cells[column].text;
}

static enum status
read_cents(struct history *history, int64_t *cents) {
	struct bytes text = cell(history, USD);
	size_t dot = 0;
	uint64_t whole, part = 0;
	*cents = -1;
	if (text.len == 0)
		return OK;
	while (dot < text.len && text.data[dot] != '.')
		dot++;
	size_t decimals = dot < text.len ? text.len - dot - 1 : 0;
	bool is_number = decimal_decode(bytes_of(text.data, dot), &whole) == OK && decimals <= 2 &&
			 (dot == text.len || decimals > 0) && whole < UINT64_C(90'000'000'000'000);
	for (size_t i = 0; is_number && i < 2; i++) {
		uint8_t c = i < decimals ? text.data[dot + 1 + i] : '0';
		is_number = c >= '0' && c <= '9';
		part = part * 10 + (uint64_t)(c - '0');
	}
	if (!is_number)
		return complain(history, USD, "history.usd",
				"expected US dollars with at most two decimals, or nothing");
	*cents = (int64_t)(whole * 100 + part);
	return OK;
}

static enum status
read_requester(struct history *history, struct entity_uid *uid) {
	struct bytes text = cell(history, REQUESTER);
	static const struct {
		const char *prefix, *entity;
	} kinds[] = {{"workload:", "Workload"}, {"person:", "Person"}};
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		size_t len = strlen(kinds[i].prefix);
		if (text.len <= len || memcmp(text.data, kinds[i].prefix, len) != 0)
			continue;
		*uid = (struct entity_uid){bytes_of_text(kinds[i].entity), bytes_of(text.data + len, text.len - len)};
		return OK;
	}
	return complain(history, REQUESTER, "history.requester", "expected workload:ID or person:ID");
}

/* "treasury:2 independent:1" */
static enum status
state_approvals(struct history *history, struct stating *stating) {
	struct bytes left = cell(history, APPROVALS);
	while (left.len > 0) {
		const uint8_t *end = memchr(left.data, ' ', left.len);
		size_t len = end == nullptr ? left.len : (size_t)(end - left.data);
		const uint8_t *colon = memchr(left.data, ':', len);
		if (colon == nullptr)
			return complain(history, APPROVALS, "history.approvals",
					"expected groups with counts, such as \"treasury:2 independent:1\"");
		struct bytes group = bytes_of(left.data, (size_t)(colon - left.data));
		bool of_anyone = bytes_equal_text(group, "total") || bytes_equal_text(group, "independent");
		const char *name =
			arena_format(&history->row, "approvals.%s%.*s", of_anyone ? "" : "group.", BYTES_ARGS(group));
		TRY_ALLOC(name);
		TRY(state_text(history, stating, APPROVALS, name, bytes_of(colon + 1, len - group.len - 1)));
		left = end == nullptr ? (struct bytes){} : bytes_of(end + 1, left.len - len - 1);
	}
	return OK;
}

/* --- What is spent. --- */

static enum status
state_spent(struct history *history, struct stating *stating, int64_t at_ms, int64_t cents, struct spend *spend,
	    struct limit_part parts[LIMIT_DIMENSIONS]) {
	const struct bytes subjects[LIMIT_DIMENSIONS] = {
		[LIMIT_KEY] = cell(history, KEY),
		[LIMIT_ACCOUNT] = cell(history, ACCOUNT),
		[LIMIT_DESK] = cell(history, DESK),
		[LIMIT_LEGAL_ENTITY] = cell(history, LEGAL_ENTITY),
		[LIMIT_REQUESTER] = cell(history, REQUESTER),
		[LIMIT_DESTINATION] = cell(history, DESTINATION),
		[LIMIT_ASSET] = cell(history, ASSET),
	};
	store_u64be(spend->operation, history->rows);
	store_u64be(spend->identity, history->rows);
	spend->at_ms = at_ms;
	spend->parts = parts;
	spend->part_count = LIMIT_DIMENSIONS;
	for (size_t i = 0; i < LIMIT_DIMENSIONS; i++) {
		parts[i] = (struct limit_part){(enum limit_dimension)i, subjects[i], cents};
		for (size_t window = 0; window < LIMIT_WINDOWS; window++) {
			const char *name = arena_format(&history->row, "limits.%s.%s", limit_dimension_names[i],
							limit_window_names[window]);
			TRY_ALLOC(name);
			TRY(state_long(history, stating, name,
				       limits_sum(history->limits, (enum limit_dimension)i, subjects[i],
						  (enum limit_window)window, at_ms, spend->identity, cents)));
		}
	}
	return OK;
}

/* --- One row. --- */

static enum status
state_all(struct history *history, struct stating *stating, const struct entity_uid *requester, bool is_same_desk) {
	struct bytes destination = cell(history, DESTINATION);
	const uint8_t *colon = destination.len == 0 ? nullptr : memrchr(destination.data, ':', destination.len);
	if (colon == nullptr)
		return complain(history, DESTINATION, "history.destination", "expected chain:address");
	struct bytes chain = bytes_of(destination.data, (size_t)(colon - destination.data));
	if (cell(history, ASSET).len == 0) {
		const char *native = arena_format(&history->row, "%.*s/native", BYTES_ARGS(chain));
		TRY_ALLOC(native);
		history->cells[ASSET].text = bytes_of_text(native);
	}
	struct bytes same = is_same_desk ? BYTES_OF_LITERAL("true") : BYTES_OF_LITERAL("false");
	TRY(state_text(history, stating, TIME, "time.now", cell(history, TIME)));
	TRY(state_text(history, stating, REQUESTER, "identity.kind",
		       bytes_equal_text(requester->type, "Person") ? BYTES_OF_LITERAL("person")
								   : BYTES_OF_LITERAL("workload")));
	TRY(state_text(history, stating, LEGAL_ENTITY, "identity.legal_entity", cell(history, LEGAL_ENTITY)));
	TRY(state_text(history, stating, ACCOUNT, "key.account", cell(history, ACCOUNT)));
	TRY(state_text(history, stating, DESK, "key.same_desk", same));
	TRY(state_text(history, stating, DESK, "key.same_legal_entity", BYTES_OF_LITERAL("true")));
	TRY(state_text(history, stating, ALLOWED, "destination.allowed", cell(history, ALLOWED)));
	TRY(state_text(history, stating, ALLOWED, "destination.some_allowed", cell(history, ALLOWED)));
	TRY(state_text(history, stating, SANCTIONED, "destination.sanctioned", cell(history, SANCTIONED)));
	TRY(state_text(history, stating, DESTINATION, "transfer.chain", chain));
	TRY(state_text(history, stating, ASSET, "transfer.asset", cell(history, ASSET)));
	/* One address: a set of one. */
	struct yaml_node *address = ARENA_NEW(&history->row, struct yaml_node);
	TRY_ALLOC(address);
	TRY(state_text(history, stating, DESTINATION, "transfer.destinations", (struct bytes){}));
	*address = (struct yaml_node){.kind = YAML_NODE_SCALAR,
				      .line = history->cells[DESTINATION].line,
				      .column = history->cells[DESTINATION].column,
				      .text = bytes_of(colon + 1, destination.len - chain.len - 1)};
	struct yaml_node *set = &stating->nodes[stating->count - 1];
	set->kind = YAML_NODE_SEQUENCE;
	set->count = 1;
	set->first = address;
	for (size_t i = 0; i < history->extra_count; i++)
		if (history->extra[i].text.len > 0)
			TRY(state(history, stating, &history->extra[i], history->extra_names[i],
				  history->extra[i].text));
	return state_approvals(history, stating);
}

static enum status
put(struct policy_entities *entities, const char *type, struct bytes id, const struct value_field *fields,
    size_t field_count, const char *parent_type, struct bytes parent) {
	struct value attributes = {.type = VALUE_RECORD, .record = {fields, field_count}};
	struct entity_uid above = {bytes_of_text(parent_type == nullptr ? "" : parent_type), parent};
	return policy_entities_put(entities, &(struct policy_entity){.uid = {bytes_of_text(type), id},
								     .attributes = &attributes,
								     .parents = &above,
								     .parent_count = parent_type != nullptr});
}

static enum status
put_all(struct history *history, const struct entity_uid *requester, struct policy_entities *entities) {
	const struct value_field person[] = {{bytes_of_text("suspended"), value_boolean(false)}};
	const struct value_field key[] = {{bytes_of_text("algorithm"), value_text("secp256k1")},
					  {bytes_of_text("purpose"), value_text("transfer")},
					  {bytes_of_text("state"), value_text("active")}};
	char type[16];
	snprintf(type, sizeof type, "%.*s", BYTES_ARGS(requester->type));
	TRY(put(entities, "LegalEntity", cell(history, LEGAL_ENTITY), nullptr, 0, nullptr, (struct bytes){}));
	TRY(put(entities, "Desk", cell(history, DESK), nullptr, 0, "LegalEntity", cell(history, LEGAL_ENTITY)));
	TRY(put(entities, "Desk", cell(history, REQUESTER_DESK), nullptr, 0, "LegalEntity",
		cell(history, LEGAL_ENTITY)));
	TRY(put(entities, "Account", cell(history, ACCOUNT), nullptr, 0, "Desk", cell(history, DESK)));
	TRY(put(entities, "Key", cell(history, KEY), key, ARRAY_LENGTH(key), "Account", cell(history, ACCOUNT)));
	TRY(put(entities, type, requester->id, person, ARRAY_LENGTH(person), "Desk", cell(history, REQUESTER_DESK)));
	return policy_entities_seal(entities);
}

static enum status
read_decision(struct history *history, struct shadow_case *one) {
	struct bytes text = cell(history, DECISION);
	one->is_decided = text.len > 0;
	for (int i = 0; i < DECISION_COUNT; i++)
		if (bytes_equal_text(text, decision_name((enum decision)i))) {
			one->decided = (enum decision)i;
			return OK;
		}
	return !one->is_decided
		       ? OK
		       : complain(history, DECISION, "history.decision", "expected permit, deny, held or nothing");
}

static enum status
add_row(struct history *history) {
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	struct shadow_case one = {};
	struct stating *stating = ARENA_NEW(&history->row, struct stating);
	struct limit_part parts[LIMIT_DIMENSIONS];
	struct spend spend = {};
	struct value context;
	int64_t cents;
	char place[300];
	TRY_ALLOC(stating);
	struct policy_request request = {.action = {bytes_of_text("Action"), bytes_of_text("sign")},
					 .resource = {bytes_of_text("Key"), cell(history, KEY)},
					 .context = &context};
	if (time_parse(cell(history, TIME), &one.at_ms) != OK || one.at_ms < history->last_ms)
		return complain(history, TIME, "history.time",
				"expected times such as 2026-01-02T12:00:00Z that ascend");
	history->last_ms = one.at_ms;
	TRY(read_cents(history, &cents));
	TRY(read_requester(history, &request.principal));
	TRY(read_decision(history, &one));
	if (cell(history, REQUESTER_DESK).len == 0)
		history->cells[REQUESTER_DESK].text = cell(history, DESK);
	TRY(state_all(history, stating, &request.principal,
		      bytes_equal(cell(history, REQUESTER_DESK), cell(history, DESK))));
	if (cents >= 0) {
		TRY(state_long(history, stating, "transfer.usd_cents", cents));
		TRY(state_spent(history, stating, one.at_ms, cents, &spend, parts));
	}
	stating->whole = (struct yaml_node){.kind = YAML_NODE_MAPPING,
					    .line = history->cells[TIME].line,
					    .column = 1,
					    .count = stating->count,
					    .first = stating->nodes};
	history->reader.arena = &history->row;
	uint32_t action = policy_schema_find_action(history->reader.bundle->schema, request.action);
	TRY(test_read_context(&history->reader, &stating->whole, &stating->whole, history->defaults,
			      policy_schema_action(history->reader.bundle->schema, action), &context));
	TRY(policy_entities_create(&entities));
	TRY(bundle_put_entities(history->reader.bundle, entities));
	TRY(put_all(history, &request.principal, entities));
	snprintf(place, sizeof place, "%.200s:%zu", history->reader.source.file, history->cells[TIME].line);
	one.place = place;
	one.request = &request;
	one.entities = entities;
	if (cents >= 0 && !(one.is_decided && one.decided == DECISION_DENY))
		TRY(limits_apply(history->limits, &spend));
	return shadow_add(history->shadow, &one);
}

/* --- The table. --- */

static enum status
read_header(struct history *history, const struct csv_field *fields, size_t count, size_t order[CSV_FIELDS_MAX]) {
	static const struct bytes prefix = BYTES_OF_LITERAL("fact:");
	bool seen[COLUMNS] = {};
	for (size_t i = 0; i < count; i++) {
		struct bytes name = fields[i].text;
		size_t column = 0;
		while (column < COLUMNS && !bytes_equal_text(name, columns[column].name))
			column++;
		bool is_fact = name.len > prefix.len && memcmp(name.data, prefix.data, prefix.len) == 0;
		order[i] = column < COLUMNS ? column : COLUMNS + history->extra_count;
		if (is_fact)
			history->extra_names[history->extra_count++] =
				bytes_of(name.data + prefix.len, name.len - prefix.len);
		if ((column == COLUMNS && !is_fact) || (column < COLUMNS && seen[column]))
			return policy_complain(history->reader.diagnostics, &history->reader.source, fields[i].offset,
					       name.len, "history.column", "\"%.*s\" is %s",
					       (int)(name.len > 60 ? 60 : name.len), (const char *)name.data,
					       column < COLUMNS ? "a column already" : "not a column of a history");
		if (column < COLUMNS)
			seen[column] = true;
	}
	for (size_t i = 0; i < COLUMNS; i++)
		if (!seen[i] && columns[i].otherwise == nullptr)
			return policy_complain(history->reader.diagnostics, &history->reader.source, 0, 1,
					       "history.column", "expected the column %s", columns[i].name);
	return OK;
}

static enum status
read_rows(struct history *history) {
	struct csv_reader csv;
	struct csv_field fields[CSV_FIELDS_MAX];
	size_t order[CSV_FIELDS_MAX], count;
	csv_start(&csv, &history->arena, history->reader.source.file, history->reader.source.text);
	TRY(csv_next(&csv, fields, &count));
	TRY(read_header(history, fields, count, order));
	for (;;) {
		TRY(csv_next(&csv, fields, &count));
		if (count == 0)
			return OK;
		arena_reset(&history->row);
		for (size_t i = 0; i < COLUMNS; i++)
			history->cells[i] = (struct csv_field){
				.text = bytes_of_text(columns[i].otherwise == nullptr ? "" : columns[i].otherwise),
				.line = fields[0].line,
				.column = 1,
				.offset = fields[0].offset};
		for (size_t i = 0; i < count; i++) {
			bool is_given = order[i] >= COLUMNS || fields[i].text.len > 0;
			if (order[i] >= COLUMNS)
				history->extra[order[i] - COLUMNS] = fields[i];
			else if (is_given)
				history->cells[order[i]] = fields[i];
		}
		history->rows++;
		TRY(add_row(history));
	}
}

static void
history_free(struct history *history) {
	limits_destroy(&history->limits);
	arena_free(&history->arena);
	arena_free(&history->row);
}

enum status
shadow_add_history(struct shadow *shadow, const struct bundle *bundle, const struct host *host, const char *name,
		   struct bytes text, struct policy_diagnostics *diagnostics) {
	_cleanup_(history_free) struct history history = {
		.shadow = shadow,
		.reader = {.bundle = bundle,
			   .host = &host->bundles,
			   .source = {name, text},
			   .diagnostics = diagnostics},
	};
	TRY(limits_create(&history.limits));
	TRY(yaml_read(&history.arena, "defaults", bytes_of_text(defaults_text), &history.defaults));
	return read_rows(&history);
}
