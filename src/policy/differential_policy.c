#include "policy/differential_draw.h"

static void
draw_party(struct draft *draft, struct environment *environment, bool is_principal, bool is_slot, struct buffer *to) {
	static const enum construct constructs[2][5] = {
		{CONSTRUCT_scope_resource_any, CONSTRUCT_scope_resource_equal, CONSTRUCT_scope_resource_in,
		 CONSTRUCT_scope_resource_is, CONSTRUCT_scope_resource_is_in},
		{CONSTRUCT_scope_principal_any, CONSTRUCT_scope_principal_equal, CONSTRUCT_scope_principal_in,
		 CONSTRUCT_scope_principal_is, CONSTRUCT_scope_principal_is_in},
	};
	static const uint32_t with_slot[] = {1, 2, 4};
	const char *variable = is_principal ? "principal" : "resource";
	size_t own = is_principal ? environment->principal : environment->resource;
	uint32_t kind = is_slot                    ? with_slot[draft_below(draft, 3)]
			: draft_percent(draft, 45) ? 0
						   : draft_below(draft, 5);
	draft_count(draft, constructs[is_principal][kind]);
	buffer_append_text(to, variable);
	if (kind >= 3)
		buffer_append_format(
			to, " is %s",
			draft->entities[draft_percent(draft, 85) ? own
								 : draft_below(draft, (uint32_t)draft->entity_count)]
				.name);
	if (kind == 0 || kind == 3)
		return;
	buffer_append_text(to, kind == 1 ? " == " : " in ");
	if (is_slot) {
		draft_count(draft, is_principal ? CONSTRUCT_slot_principal : CONSTRUCT_slot_resource);
		buffer_append_format(to, "?%s", variable);
	} else
		draw_uid(draft, kind == 1 ? own : draft_below(draft, (uint32_t)draft->entity_count), to);
}

static void
draw_action_scope(struct draft *draft, struct environment *environment, struct buffer *to) {
	switch (draft_percent(draft, 40) ? 0 : draft_below(draft, 4)) {
	case 0:
		draft_count(draft, CONSTRUCT_scope_action_any);
		buffer_append_text(to, "action");
		return;
	case 1:
		draft_count(draft, CONSTRUCT_scope_action_equal);
		buffer_append_text(to, "action == ");
		draw_action_uid(draft, environment->action, to);
		return;
	case 2:
		draft_count(draft, CONSTRUCT_scope_action_in);
		buffer_append_text(to, "action in ");
		draw_action_uid(draft, draft_below(draft, (uint32_t)draft->action_count), to);
		return;
	default:
		draft_count(draft, CONSTRUCT_scope_action_in_list);
		buffer_append_text(to, "action in [");
		for (uint32_t i = 1 + draft_below(draft, 2); i > 0; i--) {
			draw_action_uid(draft, draft_below(draft, (uint32_t)draft->action_count), to);
			buffer_append_text(to, i > 1 ? ", " : "]");
		}
	}
}

static void
draw_condition(struct draft *draft, struct environment *environment, struct buffer *to) {
	_cleanup_(buffer_free) struct buffer body = {};
	bool is_unless = draft_percent(draft, 30);
	environment->guard_count = 0;
	draw_expression(draft, environment, PLAIN(DRAFT_BOOL), 1 + draft_below(draft, 3), &body);
	draft_count(draft, is_unless ? CONSTRUCT_unless : CONSTRUCT_when);
	buffer_append_text(to, is_unless ? " unless { " : " when { ");
	for (size_t i = 0; i < environment->guard_count; i++) {
		bool is_tag = strstr(environment->guards[i], "hasTag") != nullptr;
		draft_count(draft, CONSTRUCT_and);
		draft_count(draft, is_tag                                           ? CONSTRUCT_hasTag
				   : strchr(environment->guards[i], '"') != nullptr ? CONSTRUCT_has_string
										    : CONSTRUCT_has);
		buffer_append_format(to, "%s && ", environment->guards[i]);
	}
	buffer_append_bytes(to, buffer_bytes(&body));
	buffer_append_text(to, " }");
}

static void
draw_environment(struct draft *draft, struct environment *environment) {
	environment->action = draft_below(draft, (uint32_t)draft->action_count);
	const struct draft_action *action = &draft->actions[environment->action];
	size_t any = draft_below(draft, (uint32_t)draft->entity_count);
	environment->principal = action->principal_count == 0
					 ? any
					 : action->principals[draft_below(draft, (uint32_t)action->principal_count)];
	environment->resource = action->principal_count == 0
					? any
					: action->resources[draft_below(draft, (uint32_t)action->resource_count)];
}

/* slots: of principal and of resource. */
static void
draw_policy(struct draft *draft, const bool slots[2], struct buffer *to) {
	struct environment environment = {};
	bool is_permit = draft_percent(draft, 70);
	draw_environment(draft, &environment);
	if (draft_percent(draft, 10)) {
		draft_count(draft, CONSTRUCT_annotation);
		buffer_append_text(to, "@note(\"why\") ");
	}
	if (draft_percent(draft, 5)) {
		draft_count(draft, CONSTRUCT_annotation_bare);
		buffer_append_text(to, "@bare ");
	}
	draft_count(draft, is_permit ? CONSTRUCT_permit : CONSTRUCT_forbid);
	buffer_append_text(to, is_permit ? "permit(" : "forbid(");
	draw_party(draft, &environment, true, slots[0], to);
	buffer_append_text(to, ", ");
	draw_action_scope(draft, &environment, to);
	buffer_append_text(to, ", ");
	draw_party(draft, &environment, false, slots[1], to);
	if (draft_percent(draft, 5)) {
		draft_count(draft, CONSTRUCT_trailing_comma);
		buffer_append_text(to, ",");
	}
	buffer_append_text(to, ")");
	for (uint32_t i = draft_below(draft, 3) + draft_percent(draft, 50); i > 0; i--)
		draw_condition(draft, &environment, to);
	buffer_append_text(to, ";");
	if (draft_percent(draft, 5)) {
		draft_count(draft, CONSTRUCT_comment);
		buffer_append_text(to, " // a comment");
	}
	buffer_append_text(to, "\n");
}

void
draft_policies(struct draft *draft, struct buffer *to) {
	for (uint32_t i = 1 + draft_below(draft, 4); i > 0; i--)
		draw_policy(draft, (const bool[2]){}, to);
}

void
draft_template(struct draft *draft, size_t number, struct differential_case *made, struct buffer *to) {
	const bool slots[2] = {number == 0 || draft_percent(draft, 50), number == 1 || draft_percent(draft, 50)};
	buffer_append_format(to, "@id(\"t%zu\") ", number);
	draw_policy(draft, slots, to);
	draft_count(draft, CONSTRUCT_link);
	for (size_t i = 0; i < 2; i++) {
		if (!slots[i])
			continue;
		made->slots[number][i].type = draft->entities[draft_below(draft, (uint32_t)draft->entity_count)].name;
		made->slots[number][i].id = PICK(draft, "0", "1");
	}
}
