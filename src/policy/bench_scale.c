#include "policy/bench_scale.h"

#include <stdio.h>

constexpr uint32_t ACTIONS = 20;
constexpr uint32_t FIRMS = 20;
constexpr uint32_t DESKS = 2'000;
constexpr uint32_t GROUPS = 400;
constexpr uint32_t USERS = 20'000;
constexpr uint32_t ACCOUNTS = 30'000;
constexpr uint32_t LISTS = 80;
constexpr uint32_t ADDRESSES =
	(uint32_t)BENCH_SCALE_ENTITIES - ACTIONS - FIRMS - DESKS - GROUPS - USERS - ACCOUNTS - LISTS;
constexpr size_t ID_SIZE = 24;

/* --- Policies. --- */

static void
append_head(struct buffer *text, uint32_t number, struct bench_draw *draw) {
	uint32_t kind = number % 100, action = bench_draw_below(draw, ACTIONS);
	const char *effect = bench_draw_below(draw, 10) == 0 ? "forbid" : "permit";
	if (number < 20)
		buffer_append_text(text, "forbid(principal, action, resource)");
	else if (number < 220)
		buffer_append_format(text, "%s(principal is User, action == Action::\"a%u\", resource)", effect,
				     action);
	else if (kind < 40)
		buffer_append_format(text,
				     "%s(principal, action in [Action::\"a%u\", Action::\"a%u\"], "
				     "resource == Account::\"%u\")",
				     effect, action, bench_draw_below(draw, ACTIONS), bench_draw_below(draw, ACCOUNTS));
	else if (kind < 65)
		buffer_append_format(text, "%s(principal, action == Action::\"a%u\", resource in Desk::\"%u\")", effect,
				     action, bench_draw_below(draw, DESKS));
	else if (kind < 85)
		buffer_append_format(text, "%s(principal == User::\"%u\", action, resource is Account)", effect,
				     bench_draw_below(draw, USERS));
	else
		buffer_append_format(text, "%s(principal in Group::\"%u\", action == Action::\"a%u\", resource)",
				     effect, bench_draw_below(draw, GROUPS), action);
}

static void
append_body(struct buffer *text, uint32_t number, struct bench_draw *draw) {
	uint32_t cents = 1'000 * (1 + bench_draw_below(draw, 100'000));
	if (number < 20)
		buffer_append_format(text, " when { context.score > %u };\n", 80 + number);
	else if (number % 3 == 0)
		buffer_append_format(text, " when { context.usd_cents <= %u && context.approvals.treasury >= %u };\n",
				     cents, bench_draw_below(draw, 3));
	else if (number % 3 == 1)
		buffer_append_format(text, " when { context.usd_cents > %u } unless { principal.clearance >= %u };\n",
				     cents, bench_draw_below(draw, 5));
	else
		buffer_append_format(text, " when { resource has limit && context.usd_cents < resource.limit };\n");
}

enum status
bench_scale_policies(struct buffer *text, struct bench_draw *draw) {
	for (uint32_t i = 0; i < BENCH_SCALE_POLICIES; i++) {
		append_head(text, i, draw);
		append_body(text, i, draw);
	}
	return buffer_status(text);
}

/* --- Entities. --- */

struct draft {
	char id[ID_SIZE];
	char parent_ids[3][ID_SIZE];
	struct entity_uid parents[3];
	size_t parent_count;
	struct value_field fields[3];
	size_t field_count;
};

static void
add_parent(struct draft *draft, const char *type, uint32_t number) {
	char *id = draft->parent_ids[draft->parent_count];
	snprintf(id, ID_SIZE, "%u", number);
	draft->parents[draft->parent_count++] = (struct entity_uid){bytes_of_text(type), bytes_of_text(id)};
}

static void
add_field(struct draft *draft, const char *name, struct value value) {
	draft->fields[draft->field_count++] = (struct value_field){bytes_of_text(name), value};
}

static enum status
put(struct policy_entities *entities, struct draft *draft, const char *type, const char *prefix, uint32_t number) {
	struct value attributes = {.type = VALUE_RECORD, .record = {draft->fields, draft->field_count}};
	snprintf(draft->id, sizeof draft->id, "%s%u", prefix, number);
	struct policy_entity entity = {.uid = {bytes_of_text(type), bytes_of_text(draft->id)},
				       .attributes = draft->field_count == 0 ? nullptr : &attributes,
				       .parents = draft->parents,
				       .parent_count = draft->parent_count};
	draft->parent_count = draft->field_count = 0;
	return policy_entities_put(entities, &entity);
}

static enum status
fill_units(struct policy_entities *entities, struct bench_draw *draw) {
	struct draft draft = {};
	for (uint32_t i = 0; i < ACTIONS; i++)
		TRY(put(entities, &draft, "Action", "a", i));
	for (uint32_t i = 0; i < FIRMS; i++)
		TRY(put(entities, &draft, "Firm", "", i));
	for (uint32_t i = 0; i < GROUPS; i++)
		TRY(put(entities, &draft, "Group", "", i));
	for (uint32_t i = 0; i < LISTS; i++)
		TRY(put(entities, &draft, "List", "", i));
	for (uint32_t i = 0; i < DESKS; i++) {
		add_parent(&draft, "Firm", bench_draw_below(draw, FIRMS));
		TRY(put(entities, &draft, "Desk", "", i));
	}
	return OK;
}

enum status
bench_scale_fill(struct policy_entities *entities, struct bench_draw *draw) {
	struct draft draft = {};
	TRY(fill_units(entities, draw));
	for (uint32_t i = 0; i < USERS; i++) {
		add_parent(&draft, "Group", bench_draw_below(draw, GROUPS));
		add_parent(&draft, "Group", bench_draw_below(draw, GROUPS));
		add_field(&draft, "clearance", value_long(bench_draw_below(draw, 6)));
		add_field(&draft, "name", value_text("a person's name"));
		TRY(put(entities, &draft, "User", "", i));
	}
	for (uint32_t i = 0; i < ACCOUNTS; i++) {
		add_parent(&draft, "Desk", bench_draw_below(draw, DESKS));
		add_field(&draft, "frozen", value_boolean(false));
		add_field(&draft, "limit", value_long(1'000'000 * (int64_t)bench_draw_below(draw, 100)));
		TRY(put(entities, &draft, "Account", "", i));
	}
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		add_parent(&draft, "List", bench_draw_below(draw, LISTS));
		add_field(&draft, "chain", value_text("eip155:1"));
		add_field(&draft, "score", value_long(bench_draw_below(draw, 100)));
		TRY(put(entities, &draft, "Address", "", i));
	}
	return OK;
}

/* --- Requests. --- */

enum status
bench_scale_ask(struct bench_request *request, struct arena *arena, struct bench_draw *draw) {
	struct value_field *approvals = ARENA_NEW(arena, struct value_field);
	struct value_field *fields = ARENA_NEW_ARRAY(arena, 3, struct value_field);
	struct value *context = ARENA_NEW(arena, struct value);
	char *action = arena_format(arena, "a%u", bench_draw_below(draw, ACTIONS));
	TRY_ALLOC(approvals);
	TRY_ALLOC(fields);
	TRY_ALLOC(context);
	TRY_ALLOC(action);
	*approvals = (struct value_field){BYTES_OF_LITERAL("treasury"), value_long(bench_draw_below(draw, 4))};
	fields[0] =
		(struct value_field){BYTES_OF_LITERAL("approvals"), {.type = VALUE_RECORD, .record = {approvals, 1}}};
	fields[1] = (struct value_field){BYTES_OF_LITERAL("score"), value_long(bench_draw_below(draw, 100))};
	fields[2] = (struct value_field){BYTES_OF_LITERAL("usd_cents"),
					 value_long(1'000 * (int64_t)bench_draw_below(draw, 100'000))};
	*context = (struct value){.type = VALUE_RECORD, .record = {fields, 3}};
	snprintf(request->ids[0], sizeof request->ids[0], "%u", bench_draw_below(draw, USERS));
	snprintf(request->ids[1], sizeof request->ids[1], "%u", bench_draw_below(draw, ACCOUNTS));
	request->request = (struct policy_request){
		.principal = {BYTES_OF_LITERAL("User"), bytes_of_text(request->ids[0])},
		.action = {BYTES_OF_LITERAL("Action"), bytes_of_text(action)},
		.resource = {BYTES_OF_LITERAL("Account"), bytes_of_text(request->ids[1])},
		.context = context,
	};
	return OK;
}
