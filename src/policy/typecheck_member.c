/* What is made of parts: attributes and has, sets, records, calls. */
#include "policy/typecheck.h"

/* The record of attributes that a value of the type has; null where it has none, which is noted. */
static const struct type *
attributes_of(struct checker *checker, const struct expression *expression, const struct type *type) {
	if (type->kind == TYPE_RECORD)
		return type;
	if (type->kind == TYPE_ENTITY)
		return policy_schema_entity(checker->schema, type->entity)->shape;
	typecheck_note_type(checker, expression, "an entity or a record", type);
	return nullptr;
}

/* target has name. A required attribute of a record is there; of an entity, only if the entity is. */
static enum status
check_has_one(struct checker *checker, const struct expression *target, const struct type *type, struct bytes name,
	      const struct capability *known, struct typed *typed) {
	const struct type *attributes = attributes_of(checker, target, type);
	if (attributes == nullptr)
		return OK;
	const struct type_field *field = type_find_field(attributes, name);
	struct capability capability = {.target = target, .attribute = name};
	if (field == nullptr) {
		typed->type = type_plain(TYPE_FALSE);
	} else if (capability_holds(known, &capability) || (field->is_required && type->kind == TYPE_RECORD)) {
		typed->type = type_plain(TYPE_TRUE);
	} else {
		typed->type = type_plain(TYPE_BOOLEAN);
		return capability_add(&checker->arena, &capability, &typed->capability);
	}
	return OK;
}

static void
note_missing(struct checker *checker, const struct expression *place, const struct type *type, struct bytes name) {
	_cleanup_(buffer_free) struct buffer words = {};
	type_describe(checker->schema, type, &words);
	typecheck_note(checker, place->place, "validate.attribute", "%.*s has no attribute %.*s",
		       BYTES_ARGS(buffer_bytes(&words)), (int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
}

static enum status
get_attribute(struct checker *checker, const struct expression *place, const struct expression *target,
	      const struct type *type, struct bytes name, const struct capability *known, struct typed *typed) {
	const struct type *attributes = attributes_of(checker, target, type);
	if (attributes == nullptr)
		return OK;
	const struct type_field *field = type_find_field(attributes, name);
	if (field == nullptr)
		note_missing(checker, place, type, name);
	else if (!field->is_required &&
		 !capability_holds(known, &(struct capability){.target = target, .attribute = name}))
		typecheck_note(checker, place->place, "validate.optional_attribute",
			       "the attribute %.*s is optional: expected a `has` before",
			       (int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
	else
		typed->type = field->type;
	return OK;
}

enum status
typecheck_attribute(struct checker *checker, const struct expression *expression, const struct capability *known,
		    struct typed *typed) {
	struct typed target = {};
	TRY(typecheck(checker, expression->operands[0], known, &target));
	if (target.type == nullptr)
		return OK;
	return get_attribute(checker, expression, expression->operands[0], target.type, expression->names[0], known,
			     typed);
}

/* e.name, as the parser would have made it. */
static enum status
make_attribute(struct checker *checker, const struct expression *target, const struct bytes *name, struct place place,
	       const struct expression **attribute) {
	struct expression *made = ARENA_NEW(&checker->arena, struct expression);
	const struct expression **operands = ARENA_NEW(&checker->arena, const struct expression *);
	TRY_ALLOC(made);
	TRY_ALLOC(operands);
	operands[0] = target;
	*made = (struct expression){
		.kind = EXPRESSION_ATTRIBUTE,
		.depth = (uint16_t)(target->depth + 1),
		.place = place,
		.operands = operands,
		.operand_count = 1,
		.names = name,
		.name_count = 1,
	};
	*attribute = made;
	return OK;
}

/* e has a.b.c is e has a && e.a has b && e.a.b has c. */
enum status
typecheck_has(struct checker *checker, const struct expression *expression, const struct capability *known,
	      struct typed *typed) {
	const struct expression *target = expression->operands[0];
	struct typed value = {};
	TRY(typecheck(checker, target, known, &value));
	if (value.type == nullptr)
		return OK;
	*typed = (struct typed){.type = type_plain(TYPE_TRUE)};
	for (size_t i = 0; i < expression->name_count; i++) {
		struct typed part = {};
		TRY(check_has_one(checker, target, value.type, expression->names[i], known, &part));
		if (part.type == nullptr || part.type->kind == TYPE_FALSE) {
			*typed = part;
			return OK;
		}
		if (part.type->kind == TYPE_BOOLEAN)
			typed->type = part.type;
		TRY(capability_unite(&checker->arena, part.capability, typed->capability, &typed->capability));
		if (i + 1 == expression->name_count)
			return OK;
		const struct type_field *field =
			type_find_field(attributes_of(checker, target, value.type), expression->names[i]);
		value.type = field->type;
		TRY(make_attribute(checker, target, &expression->names[i], expression->place, &target));
	}
	return OK;
}

enum status
typecheck_set(struct checker *checker, const struct expression *expression, const struct capability *known,
	      struct typed *typed) {
	const struct type *element = nullptr;
	bool failed = false;
	if (expression->operand_count == 0)
		typecheck_note(checker, expression->place, "validate.empty_set",
			       "the type of an empty set cannot be known: expected elements, or isEmpty()");
	for (size_t i = 0; i < expression->operand_count; i++) {
		struct typed item = {};
		TRY(typecheck(checker, expression->operands[i], known, &item));
		if (item.type == nullptr || failed) {
			failed = true;
			continue;
		}
		const struct type *joined = item.type;
		if (element != nullptr)
			TRY(type_join(&checker->arena, element, item.type, &joined));
		if (joined == nullptr) {
			typecheck_note_incompatible(checker, expression->operands[i], element, item.type);
			failed = true;
		}
		element = joined;
	}
	if (failed || element == nullptr)
		return OK;
	struct type *set = ARENA_NEW(&checker->arena, struct type);
	TRY_ALLOC(set);
	*set = (struct type){.kind = TYPE_SET, .element = element};
	typed->type = set;
	return OK;
}

enum status
typecheck_record(struct checker *checker, const struct expression *expression, const struct capability *known,
		 struct typed *typed) {
	struct type *record = ARENA_NEW(&checker->arena, struct type);
	struct type_field *fields = ARENA_NEW_ARRAY(&checker->arena, expression->operand_count, struct type_field);
	bool failed = false;
	TRY_ALLOC(record);
	TRY_ALLOC(fields);
	for (size_t i = 0; i < expression->operand_count; i++) {
		struct typed item = {};
		size_t at = i;
		TRY(typecheck(checker, expression->operands[i], known, &item));
		failed |= item.type == nullptr;
		for (; at > 0 && bytes_compare(fields[at - 1].name, expression->names[i]) > 0; at--)
			fields[at] = fields[at - 1];
		fields[at] = (struct type_field){expression->names[i], item.type, true};
	}
	*record = (struct type){.kind = TYPE_RECORD, .fields = fields, .field_count = expression->operand_count};
	typed->type = failed ? nullptr : record;
	return OK;
}

static void
check_constructor(struct checker *checker, const struct expression *expression,
		  enum status (*parse)(struct bytes, struct value *), enum type_kind result, struct typed *typed) {
	const struct expression *argument = expression->operands[0];
	struct value value;
	if (argument->kind != EXPRESSION_LITERAL || argument->value.type != VALUE_STRING) {
		typecheck_note(checker, argument->place, "validate.extension_literal", "%s takes a literal string",
			       expression->function->name);
		return;
	}
	if (parse(argument->value.string, &value) != OK) {
		const char *sentence = strstr(fail_message(), ": ");
		typecheck_note(checker, argument->place, "validate.extension_value", "%s",
			       sentence == nullptr ? fail_message() : sentence + 2);
		return;
	}
	typed->type = type_plain(result);
}

static enum status
check_tag(struct checker *checker, const struct expression *expression, const struct type *type,
	  const struct capability *known, struct typed *typed) {
	const struct schema_entity *entity = policy_schema_entity(checker->schema, type->entity);
	struct capability capability = {
		.target = expression->operands[0], .is_tag = true, .tag = expression->operands[1]};
	if (expression->function->id == FUNCTION_HAS_TAG) {
		bool is_known = capability_holds(known, &capability);
		typed->type = entity->tags == nullptr ? type_plain(TYPE_FALSE)
			      : is_known              ? type_plain(TYPE_TRUE)
						      : type_plain(TYPE_BOOLEAN);
		return typed->type->kind == TYPE_BOOLEAN
			       ? capability_add(&checker->arena, &capability, &typed->capability)
			       : OK;
	}
	if (entity->tags == nullptr)
		typecheck_note(checker, expression->place, "validate.tag", "%.*s has no tags",
			       (int)(entity->name.len > 80 ? 80 : entity->name.len), (const char *)entity->name.data);
	else if (!capability_holds(known, &capability))
		typecheck_note(checker, expression->place, "validate.tag",
			       "the tag may not be there: expected a hasTag() with the same tag before");
	else
		typed->type = entity->tags;
	return OK;
}

static enum status
check_containment(struct checker *checker, const struct expression *expression, const struct type *set,
		  const struct type *other, struct typed *typed) {
	const struct type *joined;
	if (expression->function->id != FUNCTION_CONTAINS && other->kind != TYPE_SET) {
		typecheck_note_type(checker, expression->operands[1], "a set", other);
		return OK;
	}
	TRY(type_join(&checker->arena, expression->function->id == FUNCTION_CONTAINS ? set->element : set, other,
		      &joined));
	if (joined == nullptr)
		typecheck_note_incompatible(checker, expression, set, other);
	else
		typed->type = type_plain(TYPE_BOOLEAN);
	return OK;
}

static const struct signature {
	enum type_kind arguments[2];
	enum type_kind result;
	enum status (*parse)(struct bytes, struct value *); /* of a constructor */
} signatures[FUNCTION_COUNT] = {
	[FUNCTION_IS_EMPTY] = {{TYPE_SET}, TYPE_BOOLEAN},
	[FUNCTION_DECIMAL] = {{TYPE_STRING}, TYPE_DECIMAL, value_parse_decimal},
	[FUNCTION_DECIMAL_LESS] = {{TYPE_DECIMAL, TYPE_DECIMAL}, TYPE_BOOLEAN},
	[FUNCTION_DECIMAL_LESS_EQUAL] = {{TYPE_DECIMAL, TYPE_DECIMAL}, TYPE_BOOLEAN},
	[FUNCTION_DECIMAL_GREATER] = {{TYPE_DECIMAL, TYPE_DECIMAL}, TYPE_BOOLEAN},
	[FUNCTION_DECIMAL_GREATER_EQUAL] = {{TYPE_DECIMAL, TYPE_DECIMAL}, TYPE_BOOLEAN},
	[FUNCTION_IP] = {{TYPE_STRING}, TYPE_IPADDR, value_parse_ip},
	[FUNCTION_IS_IPV4] = {{TYPE_IPADDR}, TYPE_BOOLEAN},
	[FUNCTION_IS_IPV6] = {{TYPE_IPADDR}, TYPE_BOOLEAN},
	[FUNCTION_IS_LOOPBACK] = {{TYPE_IPADDR}, TYPE_BOOLEAN},
	[FUNCTION_IS_MULTICAST] = {{TYPE_IPADDR}, TYPE_BOOLEAN},
	[FUNCTION_IS_IN_RANGE] = {{TYPE_IPADDR, TYPE_IPADDR}, TYPE_BOOLEAN},
	[FUNCTION_DATETIME] = {{TYPE_STRING}, TYPE_DATETIME, value_parse_datetime},
	[FUNCTION_OFFSET] = {{TYPE_DATETIME, TYPE_DURATION}, TYPE_DATETIME},
	[FUNCTION_DURATION_SINCE] = {{TYPE_DATETIME, TYPE_DATETIME}, TYPE_DURATION},
	[FUNCTION_TO_DATE] = {{TYPE_DATETIME}, TYPE_DATETIME},
	[FUNCTION_TO_TIME] = {{TYPE_DATETIME}, TYPE_DURATION},
	[FUNCTION_DURATION] = {{TYPE_STRING}, TYPE_DURATION, value_parse_duration},
	[FUNCTION_TO_MILLISECONDS] = {{TYPE_DURATION}, TYPE_LONG},
	[FUNCTION_TO_SECONDS] = {{TYPE_DURATION}, TYPE_LONG},
	[FUNCTION_TO_MINUTES] = {{TYPE_DURATION}, TYPE_LONG},
	[FUNCTION_TO_HOURS] = {{TYPE_DURATION}, TYPE_LONG},
	[FUNCTION_TO_DAYS] = {{TYPE_DURATION}, TYPE_LONG},
};

enum status
typecheck_call(struct checker *checker, const struct expression *expression, const struct capability *known,
	       struct typed *typed) {
	const struct policy_function *function = expression->function;
	const struct signature *signature = &signatures[function->id];
	struct typed arguments[2] = {};
	if (expression->operand_count != function->arguments) {
		typecheck_note(checker, expression->place, "validate.arguments", "%s takes %zu arguments, found %u",
			       function->name, function->arguments, expression->operand_count);
		return OK;
	}
	for (size_t i = 0; i < function->arguments; i++)
		TRY(typecheck(checker, expression->operands[i], known, &arguments[i]));
	if (arguments[0].type == nullptr || (function->arguments > 1 && arguments[1].type == nullptr))
		return OK;
	switch (function->id) {
	case FUNCTION_CONTAINS:
	case FUNCTION_CONTAINS_ALL:
	case FUNCTION_CONTAINS_ANY:
		if (!typecheck_need(checker, expression->operands[0], &arguments[0], TYPE_SET))
			return OK;
		return check_containment(checker, expression, arguments[0].type, arguments[1].type, typed);
	case FUNCTION_HAS_TAG:
	case FUNCTION_GET_TAG:
		if (!typecheck_need(checker, expression->operands[0], &arguments[0], TYPE_ENTITY) ||
		    !typecheck_need(checker, expression->operands[1], &arguments[1], TYPE_STRING))
			return OK;
		return check_tag(checker, expression, arguments[0].type, known, typed);
	default:
		break;
	}
	if (signature->parse != nullptr) {
		check_constructor(checker, expression, signature->parse, signature->result, typed);
		return OK;
	}
	bool is_typed = true;
	for (size_t i = 0; i < function->arguments; i++)
		is_typed &= typecheck_need(checker, expression->operands[i], &arguments[i], signature->arguments[i]);
	typed->type = is_typed ? type_plain(signature->result) : nullptr;
	return OK;
}
