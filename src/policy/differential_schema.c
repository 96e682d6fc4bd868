/* Schemas: what is declared is drawn first, then written in either syntax. */
#include "policy/differential_case.h"

static const char *const attribute_names[] = {"a", "b", "c", "d", "is", "odd name"};

static const struct draft_type *draw_type(struct draft *draft, size_t depth);

static struct draft_type *
new_type(struct draft *draft, enum draft_kind kind) {
	struct draft_type *type = ARENA_NEW(draft->arena, struct draft_type);
	type->kind = kind;
	return type;
}

static const struct draft_type *
draw_record(struct draft *draft, size_t depth) {
	struct draft_type *record = new_type(draft, DRAFT_RECORD);
	struct draft_field *fields = ARENA_NEW_ARRAY(draft->arena, ARRAY_LENGTH(attribute_names), struct draft_field);
	for (size_t i = 0; i < ARRAY_LENGTH(attribute_names); i++)
		if (draft_percent(draft, i < 4 ? 55 : 15))
			fields[record->field_count++] = (struct draft_field){
				attribute_names[i], draft_percent(draft, 35), draw_type(draft, depth - 1)};
	record->fields = fields;
	return record;
}

/* No deeper than that. */
static const struct draft_type *
draw_type(struct draft *draft, size_t depth) {
	enum draft_kind kind = draft_below(draft, depth == 0 ? DRAFT_ENTITY + 1 : DRAFT_RECORD + 1);
	if (depth > 0 && draft->common_count > 0 && draft_percent(draft, 15))
		return draft->commons[draft_below(draft, (uint32_t)draft->common_count)];
	if (kind == DRAFT_RECORD)
		return draw_record(draft, depth);
	struct draft_type *type = new_type(draft, kind);
	if (kind == DRAFT_SET)
		type->element = draw_type(draft, depth - 1);
	if (kind == DRAFT_ENTITY)
		type->entity = draft_below(draft, (uint32_t)draft->entity_count);
	return type;
}

static void
draw_entities(struct draft *draft) {
	static const char *const names[] = {"User", "Group", "Doc", "Color"};
	for (size_t i = 0; i < draft->entity_count; i++) {
		struct draft_entity *entity = &draft->entities[i];
		entity->name = draft->namespace == nullptr
				       ? names[i]
				       : arena_format(draft->arena, "%s::%s", draft->namespace, names[i]);
		entity->is_enum = i == 3;
		entity->shape = entity->is_enum ? new_type(draft, DRAFT_RECORD) : draw_record(draft, 2);
		if (entity->is_enum)
			continue;
		for (size_t j = 0; j <= i; j++)
			entity->parents[j] = draft_percent(draft, 40);
		if (draft_percent(draft, 40))
			entity->tags = draw_type(draft, 1);
	}
}

static void
draw_actions(struct draft *draft) {
	static const char *const ids[] = {"view", "edit", "share all", "act"};
	for (size_t i = 0; i < draft->action_count; i++) {
		struct draft_action *action = &draft->actions[i];
		action->id = ids[i];
		for (size_t j = 0; j < i; j++)
			action->parents[j] = draft_percent(draft, 35);
		action->context = draw_record(draft, 2);
		if (draft_percent(draft, 15))
			continue;
		action->principal_count = 1 + draft_below(draft, 2);
		action->resource_count = 1 + draft_below(draft, 2);
		for (size_t j = 0; j < 2; j++) {
			action->principals[j] = draft_below(draft, (uint32_t)draft->entity_count);
			action->resources[j] = draft_below(draft, (uint32_t)draft->entity_count);
		}
	}
}

void
draft_schema(struct draft *draft) {
	draft->namespace = draft_percent(draft, 30) ? "N" : nullptr;
	draft->entity_count = 2 + draft_below(draft, 3);
	draft->action_count = 2 + draft_below(draft, 3);
	for (size_t i = 0; i < DRAFT_COMMONS_MAX; i++) {
		if (!draft_percent(draft, 40))
			break;
		struct draft_type *common = ARENA_NEW(draft->arena, struct draft_type);
		*common = *draw_type(draft, 1);
		common->common = draft->common_count + 1;
		draft->commons[draft->common_count++] = common;
	}
	draw_entities(draft);
	draw_actions(draft);
}

/* --- As text. --- */

static void
append_name(struct buffer *to, const char *name) {
	bool is_plain = strchr(name, ' ') == nullptr && strcmp(name, "is") != 0;
	buffer_append_format(to, is_plain ? "%s" : "\"%s\"", name);
}

static const char *
local_name(const struct draft *draft, size_t entity) {
	const char *name = draft->entities[entity].name, *colon = strrchr(name, ':');
	return colon == nullptr ? name : colon + 1;
}

static const char *const plain_names[] = {
	[DRAFT_BOOL] = "Bool",         [DRAFT_LONG] = "Long",     [DRAFT_STRING] = "String",
	[DRAFT_DECIMAL] = "decimal",   [DRAFT_IPADDR] = "ipaddr", [DRAFT_DATETIME] = "datetime",
	[DRAFT_DURATION] = "duration",
};

static void
count_type(struct draft *draft, const struct draft_type *type) {
	static const enum construct constructs[] = {
		[DRAFT_BOOL] = CONSTRUCT_type_bool,         [DRAFT_LONG] = CONSTRUCT_type_long,
		[DRAFT_STRING] = CONSTRUCT_type_string,     [DRAFT_DECIMAL] = CONSTRUCT_type_decimal,
		[DRAFT_IPADDR] = CONSTRUCT_type_ipaddr,     [DRAFT_DATETIME] = CONSTRUCT_type_datetime,
		[DRAFT_DURATION] = CONSTRUCT_type_duration, [DRAFT_ENTITY] = CONSTRUCT_type_entity,
		[DRAFT_SET] = CONSTRUCT_type_set,           [DRAFT_RECORD] = CONSTRUCT_type_record,
	};
	draft_count(draft, constructs[type->kind]);
}

static void write_type(struct draft *draft, const struct draft_type *type, bool is_declared, struct buffer *to);

static void
write_record(struct draft *draft, const struct draft_type *type, struct buffer *to) {
	buffer_append_text(to, "{");
	for (size_t i = 0; i < type->field_count; i++) {
		if (draft_percent(draft, 3)) {
			draft_count(draft, CONSTRUCT_schema_annotation);
			buffer_append_text(to, "@doc(\"x\") ");
		}
		append_name(to, type->fields[i].name);
		if (type->fields[i].is_optional)
			draft_count(draft, CONSTRUCT_schema_optional);
		buffer_append_text(to, type->fields[i].is_optional ? "?: " : ": ");
		write_type(draft, type->fields[i].type, false, to);
		if (i + 1 < type->field_count || draft_percent(draft, 20))
			buffer_append_text(to, ", ");
	}
	buffer_append_text(to, "}");
}

/* is_declared: a common type's own text, not its name. */
static void
write_type(struct draft *draft, const struct draft_type *type, bool is_declared, struct buffer *to) {
	if (type->common > 0 && !is_declared) {
		draft_count(draft, CONSTRUCT_schema_common);
		buffer_append_format(to, "C%zu", type->common - 1);
		return;
	}
	count_type(draft, type);
	switch (type->kind) {
	case DRAFT_ENTITY:
		buffer_append_text(to, draft_percent(draft, 50) ? local_name(draft, type->entity)
								: draft->entities[type->entity].name);
		break;
	case DRAFT_SET:
		buffer_append_text(to, "Set<");
		write_type(draft, type->element, false, to);
		buffer_append_text(to, ">");
		break;
	case DRAFT_RECORD:
		write_record(draft, type, to);
		break;
	default:
		if (draft_percent(draft, 5)) {
			draft_count(draft, CONSTRUCT_schema_builtin_path);
			buffer_append_text(to, "__cedar::");
		}
		buffer_append_text(to, plain_names[type->kind]);
	}
}

static void
write_entity(struct draft *draft, size_t number, struct buffer *to) {
	const struct draft_entity *entity = &draft->entities[number];
	const char *separator = " in [";
	draft_count(draft, CONSTRUCT_schema_entity);
	buffer_append_format(to, "entity %s", local_name(draft, number));
	if (entity->is_enum) {
		draft_count(draft, CONSTRUCT_schema_enum);
		buffer_append_text(to, " enum [\"0\", \"1\"];\n");
		return;
	}
	for (size_t i = 0; i <= number; i++)
		if (entity->parents[i]) {
			draft_count(draft, CONSTRUCT_schema_entity_in);
			buffer_append_format(to, "%s%s", separator, local_name(draft, i));
			separator = ", ";
		}
	if (separator[0] == ',')
		buffer_append_text(to, "]");
	if (entity->shape->field_count > 0 || draft_percent(draft, 50)) {
		buffer_append_text(to, draft_percent(draft, 50) ? " = " : " ");
		write_record(draft, entity->shape, to);
	}
	if (entity->tags != nullptr) {
		draft_count(draft, CONSTRUCT_schema_tags);
		buffer_append_text(to, " tags ");
		write_type(draft, entity->tags, false, to);
	}
	buffer_append_text(to, ";\n");
}

static void
write_parties(struct draft *draft, const char *word, const size_t *types, size_t count, struct buffer *to) {
	buffer_append_format(to, "%s: ", word);
	if (count == 1 && draft_percent(draft, 50)) {
		buffer_append_text(to, local_name(draft, types[0]));
		return;
	}
	for (size_t i = 0; i < count; i++)
		buffer_append_format(to, "%s%s", i == 0 ? "[" : ", ", local_name(draft, types[i]));
	buffer_append_text(to, "]");
}

static void
write_action(struct draft *draft, size_t number, struct buffer *to) {
	const struct draft_action *action = &draft->actions[number];
	const char *separator = " in [";
	draft_count(draft, CONSTRUCT_schema_action);
	buffer_append_text(to, "action ");
	append_name(to, action->id);
	for (size_t i = 0; i < number; i++)
		if (action->parents[i]) {
			draft_count(draft, CONSTRUCT_schema_action_in);
			buffer_append_text(to, separator);
			append_name(to, draft->actions[i].id);
			separator = ", ";
		}
	if (separator[0] == ',')
		buffer_append_text(to, "]");
	if (action->principal_count > 0) {
		draft_count(draft, CONSTRUCT_schema_applies_to);
		buffer_append_text(to, " appliesTo {");
		write_parties(draft, "principal", action->principals, action->principal_count, to);
		buffer_append_text(to, ", ");
		write_parties(draft, "resource", action->resources, action->resource_count, to);
		buffer_append_text(to, ", context: ");
		write_record(draft, action->context, to);
		buffer_append_text(to, draft_percent(draft, 20) ? ",}" : "}");
	}
	buffer_append_text(to, ";\n");
}

void
draft_schema_text(struct draft *draft, struct buffer *to) {
	draft_count(draft, CONSTRUCT_schema_in_text);
	if (draft->namespace != nullptr) {
		draft_count(draft, CONSTRUCT_schema_namespace);
		buffer_append_format(to, "namespace %s {\n", draft->namespace);
	}
	for (size_t i = 0; i < draft->common_count; i++) {
		buffer_append_format(to, "type C%zu = ", i);
		write_type(draft, draft->commons[i], true, to);
		buffer_append_text(to, ";\n");
	}
	for (size_t i = 0; i < draft->entity_count; i++)
		write_entity(draft, i, to);
	for (size_t i = 0; i < draft->action_count; i++)
		write_action(draft, i, to);
	if (draft->namespace != nullptr)
		buffer_append_text(to, "}\n");
}

/* --- As JSON. --- */

/* Without its braces, so that "required" can go in. */
static void
write_json_type(struct draft *draft, const struct draft_type *type, bool is_declared, struct buffer *to) {
	if (type->common > 0 && !is_declared) {
		draft_count(draft, CONSTRUCT_schema_common);
		buffer_append_format(to, "\"type\":\"C%zu\"", type->common - 1);
		return;
	}
	count_type(draft, type);
	switch (type->kind) {
	case DRAFT_BOOL:
		buffer_append_text(to, "\"type\":\"Boolean\"");
		break;
	case DRAFT_LONG:
	case DRAFT_STRING:
		buffer_append_format(to, "\"type\":\"%s\"", plain_names[type->kind]);
		break;
	case DRAFT_ENTITY:
		buffer_append_format(to, "\"type\":\"%s\",\"name\":\"%s\"",
				     draft_percent(draft, 50) ? "Entity" : "EntityOrCommon",
				     draft->entities[type->entity].name);
		break;
	case DRAFT_SET:
		buffer_append_text(to, "\"type\":\"Set\",\"element\":{");
		write_json_type(draft, type->element, false, to);
		buffer_append_text(to, "}");
		break;
	case DRAFT_RECORD:
		buffer_append_text(to, "\"type\":\"Record\",\"attributes\":{");
		for (size_t i = 0; i < type->field_count; i++) {
			buffer_append_format(to, "%s\"%s\":{", i == 0 ? "" : ",", type->fields[i].name);
			write_json_type(draft, type->fields[i].type, false, to);
			if (type->fields[i].is_optional) {
				draft_count(draft, CONSTRUCT_schema_optional);
				buffer_append_text(to, ",\"required\":false");
			}
			buffer_append_text(to, "}");
		}
		buffer_append_text(to, "}");
		break;
	default:
		buffer_append_format(to, "\"type\":\"Extension\",\"name\":\"%s\"", plain_names[type->kind]);
	}
}

static void
write_json_entity(struct draft *draft, size_t number, struct buffer *to) {
	const struct draft_entity *entity = &draft->entities[number];
	const char *separator = "";
	draft_count(draft, CONSTRUCT_schema_entity);
	buffer_append_format(to, "\"%s\":{", local_name(draft, number));
	if (entity->is_enum) {
		draft_count(draft, CONSTRUCT_schema_enum);
		buffer_append_text(to, "\"enum\":[\"0\",\"1\"]}");
		return;
	}
	buffer_append_text(to, "\"memberOfTypes\":[");
	for (size_t i = 0; i <= number; i++)
		if (entity->parents[i]) {
			draft_count(draft, CONSTRUCT_schema_entity_in);
			buffer_append_format(to, "%s\"%s\"", separator, draft->entities[i].name);
			separator = ",";
		}
	buffer_append_text(to, "],\"shape\":{");
	write_json_type(draft, entity->shape, true, to);
	buffer_append_text(to, "}");
	if (entity->tags != nullptr) {
		draft_count(draft, CONSTRUCT_schema_tags);
		buffer_append_text(to, ",\"tags\":{");
		write_json_type(draft, entity->tags, false, to);
		buffer_append_text(to, "}");
	}
	buffer_append_text(to, "}");
}

static void
write_json_parties(const struct draft *draft, const char *key, const size_t *types, size_t count, struct buffer *to) {
	buffer_append_format(to, "\"%s\":[", key);
	for (size_t i = 0; i < count; i++)
		buffer_append_format(to, "%s\"%s\"", i == 0 ? "" : ",", draft->entities[types[i]].name);
	buffer_append_text(to, "],");
}

static void
write_json_action(struct draft *draft, size_t number, struct buffer *to) {
	const struct draft_action *action = &draft->actions[number];
	const char *separator = "";
	draft_count(draft, CONSTRUCT_schema_action);
	buffer_append_format(to, "\"%s\":{\"memberOf\":[", action->id);
	for (size_t i = 0; i < number; i++)
		if (action->parents[i]) {
			draft_count(draft, CONSTRUCT_schema_action_in);
			buffer_append_format(to, "%s{\"id\":\"%s\"}", separator, draft->actions[i].id);
			separator = ",";
		}
	buffer_append_text(to, "]");
	if (action->principal_count > 0) {
		draft_count(draft, CONSTRUCT_schema_applies_to);
		buffer_append_text(to, ",\"appliesTo\":{");
		write_json_parties(draft, "principalTypes", action->principals, action->principal_count, to);
		write_json_parties(draft, "resourceTypes", action->resources, action->resource_count, to);
		buffer_append_text(to, "\"context\":{");
		write_json_type(draft, action->context, true, to);
		buffer_append_text(to, "}}");
	}
	buffer_append_text(to, "}");
}

void
draft_schema_json(struct draft *draft, struct buffer *to) {
	draft_count(draft, CONSTRUCT_schema_in_json);
	if (draft->namespace != nullptr)
		draft_count(draft, CONSTRUCT_schema_namespace);
	buffer_append_format(to, "{\"%s\":{\"commonTypes\":{", draft->namespace == nullptr ? "" : draft->namespace);
	for (size_t i = 0; i < draft->common_count; i++) {
		buffer_append_format(to, "%s\"C%zu\":{", i == 0 ? "" : ",", i);
		write_json_type(draft, draft->commons[i], true, to);
		buffer_append_text(to, "}");
	}
	buffer_append_text(to, "},\"entityTypes\":{");
	for (size_t i = 0; i < draft->entity_count; i++) {
		buffer_append_text(to, i == 0 ? "" : ",");
		write_json_entity(draft, i, to);
	}
	buffer_append_text(to, "},\"actions\":{");
	for (size_t i = 0; i < draft->action_count; i++) {
		buffer_append_text(to, i == 0 ? "" : ",");
		write_json_action(draft, i, to);
	}
	buffer_append_text(to, "}}}");
}
