#include "policy/prove/symbolic.h"

#include <stdio.h>

enum status
encoding_start(struct encoding *encoding, const struct policy_schema *schema, struct environment environment,
	       struct arena *arena) {
	*encoding = (struct encoding){.schema = schema, .environment = environment, .arena = arena};
	TRY(term_table_start(&encoding->terms, arena));
	const struct schema_action *action = policy_schema_action(schema, environment.action);
	(void)encoding_code(encoding, BYTES_OF_LITERAL("any")); /* 0, which solvers like best */
	const struct type principal = {.kind = TYPE_ENTITY, .entity = environment.principal};
	const struct type resource = {.kind = TYPE_ENTITY, .entity = environment.resource};
	encoding->principal = symbolic_free(encoding, BYTES_OF_LITERAL("principal"), nullptr, 0, &principal);
	encoding->resource = symbolic_free(encoding, BYTES_OF_LITERAL("resource"), nullptr, 0, &resource);
	encoding->action = symbolic_entity(action->type, encoding_literal(encoding, action->uid.id));
	encoding->context = symbolic_free(encoding, BYTES_OF_LITERAL("context"), nullptr, 0, action->context);
	entity_note(encoding, &encoding->principal);
	entity_note(encoding, &encoding->resource);
	return encoding_status(encoding);
}

void
encoding_free(struct encoding *encoding) {
	term_table_free(&encoding->terms);
	map_free(&encoding->codes);
	map_free(&encoding->noted);
	*encoding = (struct encoding){};
}

enum status
encoding_status(const struct encoding *encoding) {
	if (encoding->failed)
		return fail(STATUS_NO_MEMORY, "memory: out of memory for what a proof speaks of");
	return term_status(&encoding->terms);
}

void *
encoding_grow(struct encoding *encoding, void *list, size_t size) {
	ENCODING_LIST(uint8_t) *bytes = list;
	if (bytes->count == bytes->capacity) {
		size_t capacity = bytes->capacity == 0 ? 16 : 2 * bytes->capacity;
		uint8_t *items = arena_alloc_array(encoding->arena, capacity, size);
		if (items == nullptr) {
			encoding->failed = true;
			return nullptr;
		}
		if (bytes->count > 0)
			memcpy(items, bytes->items, bytes->count * size);
		bytes->items = items;
		bytes->capacity = capacity;
	}
	return bytes->items + size * bytes->count++;
}

bool
encoding_is_new(struct encoding *encoding, char list, const uint32_t *numbers, size_t count) {
	uint8_t key[1 + (1 + FLAT_MAX) * sizeof *numbers];
	void *previous;
	if (count > 1 + FLAT_MAX) {
		encoding->failed = true;
		return false;
	}
	key[0] = (uint8_t)list;
	memcpy(key + 1, numbers, count * sizeof *numbers);
	if (map_put(&encoding->noted, bytes_of(key, 1 + count * sizeof *numbers), encoding, &previous) != OK) {
		encoding->failed = true;
		return false;
	}
	return previous == nullptr;
}

uint32_t
encoding_code(struct encoding *encoding, struct bytes text) {
	uintptr_t known = (uintptr_t)map_get(&encoding->codes, text);
	if (known != 0)
		return (uint32_t)(known - 1);
	size_t code = encoding->literals.count;
	ENCODING_ADD(encoding, &encoding->literals, text);
	if (map_put(&encoding->codes, text, (void *)(code + 1), nullptr) != OK)
		encoding->failed = true;
	return (uint32_t)code;
}

const struct term *
encoding_literal(struct encoding *encoding, struct bytes text) {
	return term_constant(&encoding->terms, WIDTH_CODE, encoding_code(encoding, text));
}

const struct term *
encoding_fresh(struct encoding *encoding, const char *what, uint8_t width) {
	char name[64];
	snprintf(name, sizeof name, "!%s%u", what, encoding->fresh_count++);
	return term_apply(&encoding->terms, term_symbol(&encoding->terms, bytes_of_text(name), width, nullptr, 0),
			  nullptr);
}

const struct term *
encoding_unsupported(struct encoding *encoding, const char *construct, struct place place) {
	ENCODING_ADD(encoding, &encoding->unsupported, (struct unsupported){construct, encoding->policy, place});
	return encoding_fresh(encoding, "unsupported", WIDTH_TRUTH);
}

/* --- Free values --- */

struct bytes
symbolic_path(struct encoding *encoding, struct bytes path, const char *between, struct bytes name) {
	size_t middle = strlen(between);
	uint8_t *joined = arena_alloc(encoding->arena, path.len + middle + name.len + 1);
	if (joined == nullptr) {
		encoding->failed = true;
		return path;
	}
	if (path.len > 0)
		memcpy(joined, path.data, path.len);
	memcpy(joined + path.len, between, middle);
	if (name.len > 0)
		memcpy(joined + path.len + middle, name.data, name.len);
	return bytes_of(joined, path.len + middle + name.len);
}

static const struct term *
free_term(struct encoding *encoding, struct bytes path, const struct term *const *keys, size_t key_count,
	  uint8_t width) {
	uint8_t widths[SYMBOL_ARGUMENTS_MAX];
	if (key_count > SYMBOL_ARGUMENTS_MAX) {
		encoding->failed = true;
		return encoding->terms.no;
	}
	for (size_t i = 0; i < key_count; i++)
		widths[i] = keys[i]->width;
	return term_apply(&encoding->terms, term_symbol(&encoding->terms, path, width, widths, key_count), keys);
}

const struct term *
symbolic_present(struct encoding *encoding, struct bytes path, const struct term *const *keys, size_t key_count) {
	struct bytes name = symbolic_path(encoding, BYTES_OF_LITERAL("?"), "", path);
	return free_term(encoding, name, keys, key_count, WIDTH_TRUTH);
}

/* docs/facts.md: a Long outside ±(2^53−1) is left out. */
static void
limit_long(struct encoding *encoding, const struct term *number) {
	struct term_table *terms = &encoding->terms;
	if (encoding_is_new(encoding, 'n', &number->number, 1))
		ENCODING_ADD(encoding, &encoding->longs, number);
	term_attach(terms, number, term_less_equal(terms, number, term_number(terms, JSON_INTEGER_MAX)));
	term_attach(terms, number, term_less_equal(terms, term_number(terms, -JSON_INTEGER_MAX), number));
}

/* An enumerated type has the ids that it lists; a type of actions those that the schema has. */
static void
limit_id(struct encoding *encoding, uint32_t type, const struct term *id) {
	const struct policy_schema *schema = encoding->schema;
	const struct schema_entity *entity = policy_schema_entity(schema, type);
	ENCODING_LIST(const struct term *) choices = {};
	if (!entity->is_action && entity->ids == nullptr)
		return;
	for (size_t i = 0; i < entity->id_count; i++)
		ENCODING_ADD(encoding, &choices,
			     term_equal(&encoding->terms, id, encoding_literal(encoding, entity->ids[i])));
	for (uint32_t i = 0; entity->is_action && i < policy_schema_action_count(schema); i++)
		if (policy_schema_action(schema, i)->type == type)
			ENCODING_ADD(encoding, &choices,
				     term_equal(&encoding->terms, id,
						encoding_literal(encoding, policy_schema_action(schema, i)->uid.id)));
	term_attach(&encoding->terms, id, term_any(&encoding->terms, choices.items, choices.count));
}

static struct symbolic
free_ip(struct encoding *encoding, struct bytes path, const struct term *const *keys, size_t key_count) {
	struct term_table *terms = &encoding->terms;
	const struct bytes none = {};
	struct symbolic ip = {.type = VALUE_IPADDR};
	ip.term = free_term(encoding, symbolic_path(encoding, path, "#v6", none), keys, key_count, WIDTH_TRUTH);
	ip.ip.high = free_term(encoding, symbolic_path(encoding, path, "#high", none), keys, key_count, WIDTH_NUMBER);
	ip.ip.low = free_term(encoding, symbolic_path(encoding, path, "#low", none), keys, key_count, WIDTH_NUMBER);
	ip.ip.prefix =
		free_term(encoding, symbolic_path(encoding, path, "#prefix", none), keys, key_count, WIDTH_NUMBER);
	/* Of version 4 are the first four bytes. */
	const struct term *zero = term_number(terms, 0);
	const struct term *rest = term_binary(terms, TERM_BIT_AND, ip.ip.high, term_number(terms, INT64_C(0xffffffff)));
	const struct term *longest = term_if(terms, ip.term, term_number(terms, 128), term_number(terms, 32));
	term_attach(terms, ip.ip.low, term_or(terms, ip.term, term_equal(terms, ip.ip.low, zero)));
	term_attach(terms, ip.ip.high, term_or(terms, ip.term, term_equal(terms, rest, zero)));
	term_attach(terms, ip.ip.prefix, term_less_equal(terms, zero, ip.ip.prefix));
	term_attach(terms, ip.ip.prefix, term_less_equal(terms, ip.ip.prefix, longest));
	return ip;
}

static struct symbolic
free_record(struct encoding *encoding, struct bytes path, const struct term *const *keys, size_t key_count,
	    const struct type *type) {
	struct symbolic record = {.type = VALUE_RECORD};
	struct symbolic_field *fields = ARENA_NEW_ARRAY(encoding->arena, type->field_count, struct symbolic_field);
	struct symbolic *values = ARENA_NEW_ARRAY(encoding->arena, type->field_count, struct symbolic);
	if (fields == nullptr || values == nullptr) {
		encoding->failed = true;
		return record;
	}
	for (size_t i = 0; i < type->field_count; i++) {
		const struct type_field *field = &type->fields[i];
		struct bytes name = symbolic_path(encoding, path, ".", field->name);
		values[i] = symbolic_free(encoding, name, keys, key_count, field->type);
		fields[i] = (struct symbolic_field){
			.name = field->name,
			.present = field->is_required ? encoding->terms.yes
						      : symbolic_present(encoding, name, keys, key_count),
			.value = &values[i],
		};
	}
	record.record.fields = fields;
	record.record.count = type->field_count;
	record.record.is_open = key_count == 0;
	return record;
}

/* Widths of the terms that an element of a type is made of; 0 where it is made of parts. */
static size_t
element_widths(const struct type *type, uint8_t *widths) {
	switch (type->kind) {
	case TYPE_SET:
	case TYPE_RECORD:
		return 0;
	case TYPE_STRING:
	case TYPE_ENTITY:
		widths[0] = WIDTH_CODE;
		return 1;
	case TYPE_IPADDR:
		widths[0] = WIDTH_TRUTH;
		widths[1] = widths[2] = widths[3] = WIDTH_NUMBER;
		return 4;
	default:
		widths[0] = type_is_boolean(type) ? WIDTH_TRUTH : WIDTH_NUMBER;
		return 1;
	}
}

static struct symbolic
free_set(struct encoding *encoding, struct bytes path, const struct term *const *keys, size_t key_count,
	 const struct type *type) {
	struct symbolic set = {.type = VALUE_SET};
	struct symbolic_part *part = ARENA_NEW(encoding->arena, struct symbolic_part);
	const struct term **copies = ARENA_NEW_ARRAY(encoding->arena, key_count, const struct term *);
	uint8_t widths[SYMBOL_ARGUMENTS_MAX + FLAT_MAX];
	if (part == nullptr || copies == nullptr || key_count > SYMBOL_ARGUMENTS_MAX - FLAT_MAX) {
		encoding->failed = true;
		return set;
	}
	for (size_t i = 0; i < key_count; i++) {
		widths[i] = keys[i]->width;
		copies[i] = keys[i];
	}
	size_t count = element_widths(type->element, widths + key_count);
	struct bytes name = symbolic_path(encoding, path, "#has", (struct bytes){});
	*part = (struct symbolic_part){
		.guard = encoding->terms.yes,
		.members = count == 0 ? nullptr
				      : term_symbol(&encoding->terms, name, WIDTH_TRUTH, widths, key_count + count),
		.keys = copies,
		.key_count = key_count,
		.type = type->element,
	};
	set.set.parts = part;
	set.set.count = 1;
	return set;
}

struct symbolic
symbolic_free(struct encoding *encoding, struct bytes path, const struct term *const *keys, size_t key_count,
	      const struct type *type) {
	static const enum value_type numbers[] = {
		[TYPE_LONG] = VALUE_LONG,
		[TYPE_DECIMAL] = VALUE_DECIMAL,
		[TYPE_DATETIME] = VALUE_DATETIME,
		[TYPE_DURATION] = VALUE_DURATION,
	};
	switch (type->kind) {
	case TYPE_FALSE:
	case TYPE_TRUE:
		return symbolic_truth(term_truth(&encoding->terms, type->kind == TYPE_TRUE));
	case TYPE_BOOLEAN:
		return symbolic_truth(free_term(encoding, path, keys, key_count, WIDTH_TRUTH));
	case TYPE_STRING:
		return symbolic_number(VALUE_STRING, free_term(encoding, path, keys, key_count, WIDTH_CODE));
	case TYPE_ENTITY: {
		const struct term *id = free_term(encoding, path, keys, key_count, WIDTH_CODE);
		limit_id(encoding, type->entity, id);
		return symbolic_entity(type->entity, id);
	}
	case TYPE_SET:
		return free_set(encoding, path, keys, key_count, type);
	case TYPE_RECORD:
		return free_record(encoding, path, keys, key_count, type);
	case TYPE_IPADDR:
		return free_ip(encoding, path, keys, key_count);
	case TYPE_LONG:
	case TYPE_DECIMAL:
	case TYPE_DATETIME:
	case TYPE_DURATION:
		break;
	}
	const struct term *number = free_term(encoding, path, keys, key_count, WIDTH_NUMBER);
	if (type->kind == TYPE_LONG)
		limit_long(encoding, number);
	return symbolic_number(numbers[type->kind], number);
}

/* --- Known values --- */

struct symbolic
symbolic_entity(uint32_t type, const struct term *id) {
	return (struct symbolic){.type = VALUE_ENTITY, .term = id, .entity = type};
}

struct symbolic
symbolic_value(struct encoding *encoding, const struct value *value) {
	struct term_table *terms = &encoding->terms;
	switch (value->type) {
	case VALUE_BOOLEAN:
		return symbolic_truth(term_truth(terms, value->boolean));
	case VALUE_STRING:
		return symbolic_number(VALUE_STRING, encoding_literal(encoding, value->string));
	case VALUE_ENTITY:
		/* An unknown type, which a validated set does not name, is no entity's: SCHEMA_NONE equals none. */
		return symbolic_entity(policy_schema_find_entity(encoding->schema, value->entity.type),
				       encoding_literal(encoding, value->entity.id));
	case VALUE_IPADDR: {
		struct symbolic ip = {.type = VALUE_IPADDR, .term = term_truth(terms, value->ip.is_v6)};
		ip.ip.high = term_constant(terms, WIDTH_NUMBER, load_u64be(value->ip.address));
		ip.ip.low = term_constant(terms, WIDTH_NUMBER, load_u64be(value->ip.address + 8));
		ip.ip.prefix = term_number(terms, value->ip.prefix);
		return ip;
	}
	default:
		return symbolic_number(value->type, term_number(terms, value->integer));
	}
}

bool
symbolic_flat(const struct symbolic *value, struct flat *flat) {
	if (value->type == VALUE_SET || value->type == VALUE_RECORD)
		return false;
	*flat = (struct flat){.terms = {value->term}, .count = 1};
	if (value->type != VALUE_IPADDR)
		return true;
	flat->terms[1] = value->ip.high;
	flat->terms[2] = value->ip.low;
	flat->terms[3] = value->ip.prefix;
	flat->count = 4;
	return true;
}

/* --- Equality and choice --- */

static const struct symbolic_field *
find_field(const struct symbolic *record, struct bytes name) {
	for (size_t i = 0; i < record->record.count; i++)
		if (bytes_equal(record->record.fields[i].name, name))
			return &record->record.fields[i];
	return nullptr;
}

static const struct term *
field_equal(struct encoding *encoding, const struct symbolic_field *a, const struct symbolic_field *b,
	    struct place place) {
	struct term_table *terms = &encoding->terms;
	if (b == nullptr)
		return term_not(terms, a->present);
	const struct term *same = symbolic_equal(encoding, a->value, b->value, place);
	return term_and(terms, term_equal(terms, a->present, b->present), term_implies(terms, a->present, same));
}

static const struct term *
records_equal(struct encoding *encoding, const struct symbolic *a, const struct symbolic *b, struct place place) {
	const struct term *equal = encoding->terms.yes;
	if (a->record.is_open || b->record.is_open)
		return encoding_unsupported(encoding, "a comparison of whole records of the context", place);
	for (size_t i = 0; i < a->record.count; i++) {
		const struct symbolic_field *field = &a->record.fields[i];
		const struct term *same = field_equal(encoding, field, find_field(b, field->name), place);
		equal = term_and(&encoding->terms, equal, same);
	}
	for (size_t i = 0; i < b->record.count; i++) {
		const struct symbolic_field *field = &b->record.fields[i];
		if (find_field(a, field->name) == nullptr)
			equal = term_and(&encoding->terms, equal, term_not(&encoding->terms, field->present));
	}
	return equal;
}

const struct term *
symbolic_equal(struct encoding *encoding, const struct symbolic *a, const struct symbolic *b, struct place place) {
	struct term_table *terms = &encoding->terms;
	struct flat x, y;
	if (a->type != b->type)
		return terms->no;
	if (a->type == VALUE_ENTITY && a->entity != b->entity)
		return terms->no;
	if (a->type == VALUE_RECORD)
		return records_equal(encoding, a, b, place);
	if (a->type == VALUE_SET)
		return term_and(terms, set_is_within(encoding, a, b, place), set_is_within(encoding, b, a, place));
	symbolic_flat(a, &x);
	symbolic_flat(b, &y);
	const struct term *equal = terms->yes;
	for (size_t i = 0; i < x.count; i++)
		equal = term_and(terms, equal, term_equal(terms, x.terms[i], y.terms[i]));
	return equal;
}

static struct symbolic
sets_if(struct encoding *encoding, const struct term *condition, const struct symbolic *then,
	const struct symbolic *otherwise) {
	struct symbolic set = {.type = VALUE_SET};
	size_t count = then->set.count + otherwise->set.count;
	struct symbolic_part *parts = ARENA_NEW_ARRAY(encoding->arena, count, struct symbolic_part);
	if (parts == nullptr) {
		encoding->failed = true;
		return set;
	}
	for (size_t i = 0; i < count; i++) {
		bool is_then = i < then->set.count;
		parts[i] = is_then ? then->set.parts[i] : otherwise->set.parts[i - then->set.count];
		parts[i].guard = term_and(&encoding->terms, parts[i].guard,
					  is_then ? condition : term_not(&encoding->terms, condition));
	}
	set.set.parts = parts;
	set.set.count = count;
	return set;
}

/* Strict typing gives both the same fields. */
static struct symbolic
records_if(struct encoding *encoding, const struct term *condition, const struct symbolic *then,
	   const struct symbolic *otherwise, struct place place) {
	struct symbolic record = *then;
	struct symbolic_field *fields = ARENA_NEW_ARRAY(encoding->arena, then->record.count, struct symbolic_field);
	struct symbolic *values = ARENA_NEW_ARRAY(encoding->arena, then->record.count, struct symbolic);
	if (fields == nullptr || values == nullptr) {
		encoding->failed = true;
		return record;
	}
	for (size_t i = 0; i < then->record.count; i++) {
		const struct symbolic_field *a = &then->record.fields[i], *b = &otherwise->record.fields[i];
		values[i] = symbolic_if(encoding, condition, a->value, b->value, place);
		fields[i] = (struct symbolic_field){
			a->name, term_if(&encoding->terms, condition, a->present, b->present), &values[i]};
	}
	record.record.fields = fields;
	return record;
}

static bool
have_same_fields(const struct symbolic *a, const struct symbolic *b) {
	if (a->record.count != b->record.count)
		return false;
	for (size_t i = 0; i < a->record.count; i++)
		if (!bytes_equal(a->record.fields[i].name, b->record.fields[i].name))
			return false;
	return true;
}

struct symbolic
symbolic_if(struct encoding *encoding, const struct term *condition, const struct symbolic *then,
	    const struct symbolic *otherwise, struct place place) {
	struct term_table *terms = &encoding->terms;
	if (term_is_constant(condition))
		return term_is_true(condition) ? *then : *otherwise;
	bool differ = then->type != otherwise->type ||
		      (then->type == VALUE_ENTITY && then->entity != otherwise->entity) ||
		      (then->type == VALUE_RECORD && !have_same_fields(then, otherwise));
	if (differ) {
		(void)encoding_unsupported(encoding, "an if-then-else with branches of two types", place);
		encoding->opaque = true;
		return *then;
	}
	if (then->type == VALUE_SET)
		return sets_if(encoding, condition, then, otherwise);
	if (then->type == VALUE_RECORD)
		return records_if(encoding, condition, then, otherwise, place);
	struct symbolic chosen = *then;
	chosen.term = term_if(terms, condition, then->term, otherwise->term);
	if (then->type == VALUE_IPADDR) {
		chosen.ip.high = term_if(terms, condition, then->ip.high, otherwise->ip.high);
		chosen.ip.low = term_if(terms, condition, then->ip.low, otherwise->ip.low);
		chosen.ip.prefix = term_if(terms, condition, then->ip.prefix, otherwise->ip.prefix);
	}
	return chosen;
}
