/* Policies and sets in Cedar's JSON form. */
#include "policy/policy_json.h"
#include "policy/policy_json_reader.h"
#include "policy/set.h"

struct set_reader {
	struct policy_json_reader reader;
	struct policy_set *set;
	size_t findings;
};

static enum status
read_uid(const struct json_source *source, struct json_node node, struct entity_uid *uid) {
	return json_source_pass(source, node, value_read_uid(node.value, uid));
}

static enum status
need_string(const struct json_source *source, struct json_node node, const char *key, struct bytes *text) {
	struct json_node member;
	TRY(json_source_need(source, node, key, JSON_STRING, &member));
	*text = json_string(member.value);
	return OK;
}

/* "entity", or "slot". */
static enum status
read_scope_entity(const struct json_source *source, struct json_node node, const char *slot, struct scope *scope) {
	struct json_node member = json_source_get(source, node, "slot");
	struct entity_uid *uid = ARENA_NEW(source->arena, struct entity_uid);
	TRY_ALLOC(uid);
	if (member.value != nullptr) {
		TRY(json_source_expect(source, member, JSON_STRING));
		if (slot == nullptr || !bytes_equal_text(json_string(member.value), slot))
			return json_source_complain(source, member, "policy.scope_slot", "expected an entity%s%s",
						    slot == nullptr ? "" : " or ", slot == nullptr ? "" : slot);
		scope->is_slot = true;
		return OK;
	}
	TRY(json_source_need(source, node, "entity", JSON_OBJECT, &member));
	TRY(read_uid(source, member, uid));
	scope->entities = uid;
	scope->entity_count = 1;
	return OK;
}

static enum status
read_scope_type(const struct json_source *source, struct json_node node, const char *slot, struct scope *scope) {
	struct json_node within = json_source_get(source, node, "in");
	TRY(json_source_only(source, node, (const char *const[]){"op", "entity_type", "in", nullptr}));
	TRY(need_string(source, node, "entity_type", &scope->type));
	scope->kind = SCOPE_IS;
	if (!value_is_type_name(scope->type))
		return json_source_complain(source, node, "policy.is_type", "\"%.*s\" is no entity type",
					    (int)(scope->type.len > 80 ? 80 : scope->type.len),
					    (const char *)scope->type.data);
	if (within.value == nullptr)
		return OK;
	scope->kind = SCOPE_IS_IN;
	TRY(json_source_expect(source, within, JSON_OBJECT));
	TRY(json_source_only(source, within, (const char *const[]){"entity", "slot", nullptr}));
	return read_scope_entity(source, within, slot, scope);
}

static enum status
read_scope_entities(const struct json_source *source, struct json_node node, struct scope *scope) {
	struct json_node item;
	TRY(json_source_expect(source, node, JSON_ARRAY));
	struct entity_uid *uids = ARENA_NEW_ARRAY(source->arena, json_size(node.value), struct entity_uid);
	TRY_ALLOC(uids);
	struct json_walk walk = json_source_walk(source, node);
	while (json_source_next(&walk, nullptr, &item))
		TRY(read_uid(source, item, &uids[scope->entity_count++]));
	scope->entities = uids;
	scope->is_list = true;
	return OK;
}

/* slot: "?principal"; null for action, which has "entities" and no type. */
static enum status
read_scope(const struct json_source *source, struct json_node policy, const char *variable, const char *slot,
	   struct scope *scope) {
	struct json_node node;
	struct bytes operator;
	TRY(json_source_need(source, policy, variable, JSON_OBJECT, &node));
	TRY(need_string(source, node, "op", &operator));
	scope->place = json_node_place(node);
	if (bytes_equal_text(operator, "All"))
		return json_source_only(source, node, (const char *const[]){"op", nullptr});
	if (bytes_equal_text(operator, "is") && slot != nullptr)
		return read_scope_type(source, node, slot, scope);
	scope->kind = bytes_equal_text(operator, "==") ? SCOPE_EQUAL : SCOPE_IN;
	if (scope->kind == SCOPE_IN && !bytes_equal_text(operator, "in"))
		return json_source_complain(source, node, "policy.scope_operator", "expected All, == or in%s",
					    slot == nullptr ? "" : ", or is");
	struct json_node list = json_source_get(source, node, "entities");
	if (scope->kind == SCOPE_IN && slot == nullptr && list.value != nullptr) {
		TRY(json_source_only(source, node, (const char *const[]){"op", "entities", nullptr}));
		return read_scope_entities(source, list, scope);
	}
	TRY(json_source_only(source, node, (const char *const[]){"op", "entity", "slot", nullptr}));
	return read_scope_entity(source, node, slot, scope);
}

static enum status
check_actions(const struct json_source *source, struct json_node policy, const struct scope *scope) {
	for (size_t i = 0; i < scope->entity_count; i++)
		if (!policy_is_action_type(scope->entities[i].type))
			return json_source_complain(source, json_source_get(source, policy, "action"),
						    "policy.action_type", "expected entities of type Action");
	return OK;
}

static enum status
read_condition(struct policy_json_reader *reader, struct json_node node, struct condition *condition) {
	struct json_node body;
	struct bytes kind;
	TRY(json_source_expect(&reader->json, node, JSON_OBJECT));
	TRY(json_source_only(&reader->json, node, (const char *const[]){"kind", "body", nullptr}));
	TRY(need_string(&reader->json, node, "kind", &kind));
	condition->place = json_node_place(node);
	condition->is_unless = bytes_equal_text(kind, "unless");
	if (!condition->is_unless && !bytes_equal_text(kind, "when"))
		return json_source_complain(&reader->json, node, "policy.condition_keyword", "expected when or unless");
	TRY(json_source_need(&reader->json, node, "body", JSON_OBJECT, &body));
	reader->depth = 0;
	return policy_json_expression(reader, body, &condition->body);
}

static enum status
read_conditions(struct policy_json_reader *reader, struct json_node node, struct policy_ast *policy) {
	struct json_node item;
	struct condition *conditions = ARENA_NEW_ARRAY(reader->json.arena, json_size(node.value), struct condition);
	TRY_ALLOC(conditions);
	struct json_walk walk = json_source_walk(&reader->json, node);
	while (json_source_next(&walk, nullptr, &item))
		TRY(read_condition(reader, item, &conditions[policy->condition_count++]));
	policy->conditions = conditions;
	return OK;
}

/* An identifier, reserved words among them. */
static bool
is_annotation_name(struct bytes name) {
	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i], lower = c | 0x20;
		if (c != '_' && !(lower >= 'a' && lower <= 'z') && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return name.len > 0;
}

static enum status
read_annotations(const struct json_source *source, struct json_node node, struct policy_ast *policy) {
	struct json_node item;
	TRY(json_source_expect(source, node, JSON_OBJECT));
	struct policy_annotation *annotations =
		ARENA_NEW_ARRAY(source->arena, json_size(node.value), struct policy_annotation);
	TRY_ALLOC(annotations);
	struct json_walk walk = json_source_walk(source, node);
	for (struct bytes key; json_source_next(&walk, &key, &item);) {
		struct policy_annotation *annotation = &annotations[policy->annotation_count++];
		*annotation = (struct policy_annotation){key, bytes_of("", 0)};
		if (!is_annotation_name(key))
			return json_source_complain(source, item, "policy.annotation_name",
						    "\"%.*s\" is no name of an annotation",
						    (int)(key.len > 80 ? 80 : key.len), (const char *)key.data);
		if (json_type_of(item.value) == JSON_NULL)
			continue;
		TRY(json_source_expect(source, item, JSON_STRING));
		annotation->value = json_string(item.value);
	}
	policy->annotations = annotations;
	return OK;
}

static enum status
read_policy(struct policy_json_reader *reader, struct json_node node, struct policy_ast *policy) {
	const struct json_source *source = &reader->json;
	struct json_node member;
	struct bytes effect;
	size_t column;
	TRY(json_source_expect(source, node, JSON_OBJECT));
	*policy = (struct policy_ast){.source = source->source, .place = json_node_place(node)};
	policy->effect_place = (struct place){policy->place.offset, 1};
	policy_source_position(source->source, node.place.offset, &policy->line, &column);
	TRY(json_source_only(source, node,
			     (const char *const[]){"effect", "principal", "action", "resource", "conditions",
						   "annotations", nullptr}));
	TRY(need_string(source, node, "effect", &effect));
	policy->effect = bytes_equal_text(effect, "forbid") ? POLICY_FORBID : POLICY_PERMIT;
	if (policy->effect == POLICY_PERMIT && !bytes_equal_text(effect, "permit"))
		return json_source_complain(source, node, "policy.effect", "expected permit or forbid");
	TRY(read_scope(source, node, "principal", "?principal", &policy->principal));
	TRY(read_scope(source, node, "action", nullptr, &policy->action));
	TRY(read_scope(source, node, "resource", "?resource", &policy->resource));
	TRY(check_actions(source, node, &policy->action));
	TRY(json_source_need(source, node, "conditions", JSON_ARRAY, &member));
	TRY(read_conditions(reader, member, policy));
	member = json_source_get(source, node, "annotations");
	return member.value == nullptr ? OK : read_annotations(source, member, policy);
}

/* One finding per policy, and on to the next. */
static enum status
note(struct set_reader *reader, enum status status) {
	if (status != STATUS_INVALID)
		return status;
	reader->findings++;
	return reader->findings >= DIAGNOSTICS_MAX ? status : OK;
}

/* id: null for what takes its id as a policy in a text does. */
static enum status
add_policy(struct set_reader *reader, struct json_node node, const struct bytes *id, const bool *is_template) {
	struct policy_ast *policy = ARENA_NEW(&reader->set->arena, struct policy_ast);
	TRY_ALLOC(policy);
	TRY(read_policy(&reader->reader, node, policy));
	if (is_template != nullptr && policy_ast_is_template(policy) != *is_template)
		return json_source_complain(&reader->reader.json, node, "policy.template",
					    *is_template ? "this policy has no slot: it is no template"
							 : "this policy has a slot: it is a template");
	return policy_set_add_ast(reader->set, policy, id, reader->reader.json.diagnostics);
}

static enum status
read_policies(struct set_reader *reader, struct json_node root, const char *key, bool is_template) {
	struct json_node node = json_source_get(&reader->reader.json, root, key), item;
	struct bytes id;
	if (node.value == nullptr)
		return OK;
	TRY(json_source_expect(&reader->reader.json, node, JSON_OBJECT));
	struct json_walk walk = json_source_walk(&reader->reader.json, node);
	while (json_source_next(&walk, &id, &item))
		TRY(note(reader, add_policy(reader, item, &id, &is_template)));
	return OK;
}

static enum status
read_link(struct set_reader *reader, struct json_node node) {
	const struct json_source *source = &reader->reader.json;
	struct bytes template_id, id;
	struct json_node values, principal, resource;
	struct entity_uid uids[2];
	TRY(json_source_expect(source, node, JSON_OBJECT));
	TRY(json_source_only(source, node, (const char *const[]){"templateId", "newId", "values", nullptr}));
	TRY(need_string(source, node, "templateId", &template_id));
	TRY(need_string(source, node, "newId", &id));
	TRY(json_source_need(source, node, "values", JSON_OBJECT, &values));
	TRY(json_source_only(source, values, (const char *const[]){"?principal", "?resource", nullptr}));
	principal = json_source_get(source, values, "?principal");
	resource = json_source_get(source, values, "?resource");
	if (principal.value != nullptr)
		TRY(read_uid(source, principal, &uids[0]));
	if (resource.value != nullptr)
		TRY(read_uid(source, resource, &uids[1]));
	enum status status =
		policy_set_link(reader->set, template_id, id, principal.value == nullptr ? nullptr : &uids[0],
				resource.value == nullptr ? nullptr : &uids[1]);
	/* What is wrong with a link is wrong with the document. */
	if (status == STATUS_NOT_FOUND || status == STATUS_CONFLICT)
		status = STATUS_INVALID;
	return json_source_pass(source, node, status);
}

static enum status
read_set(struct set_reader *reader, struct json_node root) {
	const struct json_source *source = &reader->reader.json;
	struct json_node links, item;
	TRY(json_source_only(source, root,
			     (const char *const[]){"staticPolicies", "templates", "templateLinks", nullptr}));
	TRY(read_policies(reader, root, "staticPolicies", false));
	TRY(read_policies(reader, root, "templates", true));
	links = json_source_get(source, root, "templateLinks");
	if (links.value == nullptr)
		return OK;
	TRY(json_source_expect(source, links, JSON_ARRAY));
	struct json_walk walk = json_source_walk(source, links);
	while (json_source_next(&walk, nullptr, &item))
		TRY(note(reader, read_link(reader, item)));
	return OK;
}

static enum status
add_document(struct policy_set *set, const struct policy_source *source, struct policy_diagnostics *diagnostics) {
	struct set_reader reader = {
		.reader = {.json = {.arena = &set->arena,
				    .source = source,
				    .diagnostics = diagnostics,
				    .prefix = "policy"},
			   .options = set->options},
		.set = set,
	};
	struct json_node root;
	TRY(json_source_read(&reader.reader.json, &root));
	TRY(json_source_expect(&reader.reader.json, root, JSON_OBJECT));
	if (json_get(root.value, "effect") != nullptr)
		return add_policy(&reader, root, nullptr, nullptr);
	TRY(read_set(&reader, root));
	return reader.findings > 0 ? fail_with(STATUS_INVALID) : OK;
}

enum status
policy_set_add_json(struct policy_set *set, const char *file, struct bytes text,
		    struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own = {};
	const struct policy_source *source;
	if (diagnostics == nullptr)
		diagnostics = &own;
	size_t first = diagnostics->count;
	TRY(policy_set_keep_source(set, file, text, diagnostics, &source));
	enum status status = add_document(set, source, diagnostics);
	policy_diagnostics_sort(diagnostics, first);
	return status == STATUS_INVALID ? policy_diagnostics_fail(diagnostics, first) : status;
}
