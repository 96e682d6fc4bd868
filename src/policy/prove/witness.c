#include "policy/prove/witness.h"

#include <stdio.h>

#include "policy/prove/like.h"

constexpr uint32_t NO_CODE = UINT32_MAX;

void
reading_free(struct reading *reading) {
	map_free(&reading->texts);
}

/* --- Codes --- */

static struct bytes
code_key(const uint32_t *code) {
	return bytes_of(code, sizeof *code);
}

static struct bytes *
known_text(const struct reading *reading, uint32_t code) {
	return map_get(&reading->texts, code_key(&code));
}

static struct bytes
keep_text(struct reading *reading, uint32_t code, struct bytes text) {
	struct bytes *kept = ARENA_NEW(reading->arena, struct bytes);
	if (kept == nullptr || map_put(&reading->texts, code_key(&code), kept, nullptr) != OK) {
		reading->failed = true;
		return text;
	}
	return *kept = text;
}

static bool
is_taken(const struct reading *reading, struct bytes text) {
	size_t at = 0;
	struct bytes key;
	void *other;
	if (map_get(&reading->encoding->codes, text) != nullptr)
		return true;
	while (map_next(&reading->texts, &at, &key, &other))
		if (bytes_equal(*(const struct bytes *)other, text))
			return true;
	return false;
}

/* Literals are themselves; any other code is some string that no literal and no other code is. */
static struct bytes
text_of(struct reading *reading, uint64_t code) {
	if (code < reading->encoding->literals.count)
		return reading->encoding->literals.items[code];
	const struct bytes *known = known_text(reading, (uint32_t)code);
	if (known != nullptr)
		return *known;
	for (;;) {
		const char *text = arena_format(reading->arena, "any-%u", ++reading->unnamed);
		if (text == nullptr) {
			reading->failed = true;
			return (struct bytes){};
		}
		if (!is_taken(reading, bytes_of_text(text)))
			return keep_text(reading, (uint32_t)code, bytes_of_text(text));
	}
}

/* --- Patterns --- */

constexpr size_t WISHES_MAX = 32;

/* What the model says of a code's patterns, as far as any question spoke of them. */
static size_t
wishes_of(struct reading *reading, const struct term *code, struct like_wish *wishes, const struct term **holds) {
	struct encoding *encoding = reading->encoding;
	size_t count = 0;
	uint64_t value = solver_value(reading->solver, code, NO_CODE);
	for (size_t i = 0; i < encoding->likes.count; i++)
		for (size_t j = 0; j < encoding->like_codes.count; j++) {
			const struct like_use *like = &encoding->likes.items[i];
			const struct term *other = encoding->like_codes.items[j];
			const struct term *term = term_apply(&encoding->terms, like->symbol, &other);
			if (!solver_knows(reading->solver, term) ||
			    solver_value(reading->solver, other, NO_CODE) != value || count == WISHES_MAX)
				continue;
			bool matches = solver_value(reading->solver, term, 0) != 0;
			holds[count] = term_apply(&encoding->terms, like->symbol, &code);
			wishes[count++] = (struct like_wish){like->parts, like->part_count, matches};
			break;
		}
	return count;
}

/* The code is this string only if the pattern matches as it does. */
static enum status
teach_literal(struct reading *reading, const struct term *code, struct bytes text, const struct like_wish *wishes,
	      const struct term *const *holds, size_t count, bool *again) {
	struct term_table *terms = &reading->encoding->terms;
	for (size_t i = 0; i < count; i++) {
		bool matches = like_matches(text, wishes[i].parts, wishes[i].part_count);
		if (matches == wishes[i].matches)
			continue;
		*again = true;
		const struct term *is_it = term_equal(terms, code, encoding_literal(reading->encoding, text));
		TRY(solver_learn(reading->solver,
				 term_implies(terms, is_it, matches ? holds[i] : term_not(terms, holds[i]))));
	}
	return OK;
}

/* Only these strings are matched so. */
static enum status
teach_all(struct reading *reading, const struct term *code, const struct like_wish *wishes,
	  const struct term *const *holds, size_t count, const struct bytes *strings, size_t string_count) {
	struct encoding *encoding = reading->encoding;
	struct term_table *terms = &encoding->terms;
	const struct term *so = terms->yes, *one = terms->no;
	for (size_t i = 0; i < count; i++)
		so = term_and(terms, so, wishes[i].matches ? holds[i] : term_not(terms, holds[i]));
	for (size_t i = 0; i < string_count; i++)
		one = term_or(terms, one, term_equal(terms, code, encoding_literal(encoding, strings[i])));
	return solver_learn(reading->solver, term_implies(terms, so, one));
}

constexpr size_t STRINGS_MAX = 256;

static enum status
settle_code(struct reading *reading, const struct term *code, bool *again) {
	struct encoding *encoding = reading->encoding;
	struct like_wish wishes[WISHES_MAX];
	const struct term *holds[WISHES_MAX];
	size_t count = wishes_of(reading, code, wishes, holds);
	uint64_t value = solver_value(reading->solver, code, NO_CODE);
	if (count == 0)
		return OK;
	if (value < encoding->literals.count)
		return teach_literal(reading, code, encoding->literals.items[value], wishes, holds, count, again);
	if (known_text(reading, (uint32_t)value) != nullptr)
		return OK;
	struct bytes *strings = ARENA_NEW_ARRAY(reading->arena, STRINGS_MAX, struct bytes);
	size_t found = 0;
	bool is_all = false;
	TRY_ALLOC(strings);
	for (size_t wanted = 4; wanted <= STRINGS_MAX; wanted *= 4) {
		TRY(like_strings(reading->arena, wishes, count, wanted, strings, &found, &is_all));
		for (size_t i = 0; i < found; i++)
			if (!is_taken(reading, strings[i])) {
				keep_text(reading, (uint32_t)value, strings[i]);
				return OK;
			}
		if (is_all)
			break;
	}
	if (!is_all)
		return fail(STATUS_TOO_LARGE, "prove.like: no string was found that the patterns ask for");
	*again = true;
	return teach_all(reading, code, wishes, holds, count, strings, found);
}

enum status
reading_settle(struct reading *reading, bool *again) {
	const struct encoding *encoding = reading->encoding;
	*again = false;
	for (size_t i = 0; i < encoding->like_codes.count && !*again; i++)
		if (solver_knows(reading->solver, encoding->like_codes.items[i]))
			TRY(settle_code(reading, encoding->like_codes.items[i], again));
	return encoding_status(encoding);
}

/* --- Values --- */

/* The same thing may be spoken of through several terms (two entities that turn out to be one): each is a candidate. */
struct keys {
	const struct term *terms[2];
};

struct candidates {
	const struct keys *keys;
	size_t count;     /* at least one */
	size_t key_count; /* of each */
};

static struct value read_free(struct reading *reading, struct bytes path, const struct candidates *candidates,
			      const struct type *type);

static struct value
read_flat(struct reading *reading, const struct symbolic *value) {
	struct solver *solver = reading->solver;
	switch (value->type) {
	case VALUE_BOOLEAN:
		return value_boolean(solver_value(solver, value->term, 0) != 0);
	case VALUE_STRING:
		return value_string(text_of(reading, solver_value(solver, value->term, NO_CODE)));
	case VALUE_ENTITY: {
		const struct schema_entity *entity = policy_schema_entity(reading->encoding->schema, value->entity);
		uint64_t code = solver_value(solver, value->term, NO_CODE);
		if (!solver_knows(solver, value->term) && entity->id_count > 0)
			return value_entity(entity->name, entity->ids[0]);
		return value_entity(entity->name, text_of(reading, code));
	}
	case VALUE_IPADDR: {
		struct value ip = {.type = VALUE_IPADDR, .ip = {.is_v6 = solver_value(solver, value->term, 0) != 0}};
		uint64_t high = solver_value(solver, value->ip.high, 0), low = solver_value(solver, value->ip.low, 0);
		store_u32be(ip.ip.address, (uint32_t)(high >> 32));
		store_u32be(ip.ip.address + 4, (uint32_t)high);
		store_u32be(ip.ip.address + 8, (uint32_t)(low >> 32));
		store_u32be(ip.ip.address + 12, (uint32_t)low);
		ip.ip.prefix = (uint8_t)solver_value(solver, value->ip.prefix, 0);
		return ip;
	}
	default:
		return (struct value){.type = value->type, .integer = (int64_t)solver_value(solver, value->term, 0)};
	}
}

static bool
is_known(const struct reading *reading, const struct symbolic *value) {
	struct flat flat;
	if (!symbolic_flat(value, &flat))
		return false;
	for (size_t i = 0; i < flat.count; i++)
		if (solver_knows(reading->solver, flat.terms[i]))
			return true;
	return false;
}

static struct value
read_plain(struct reading *reading, struct bytes path, const struct candidates *candidates, const struct type *type) {
	struct symbolic value = {};
	for (size_t i = 0; i < candidates->count; i++) {
		struct symbolic other =
			symbolic_free(reading->encoding, path, candidates->keys[i].terms, candidates->key_count, type);
		if (i == 0 || (!is_known(reading, &value) && is_known(reading, &other)))
			value = other;
	}
	return read_flat(reading, &value);
}

static bool
has_element(struct reading *reading, struct bytes path, const struct candidates *candidates, const struct type *type,
	    const struct element_term *element) {
	struct flat flat;
	for (size_t i = 0; i < candidates->count; i++) {
		struct symbolic set =
			symbolic_free(reading->encoding, path, candidates->keys[i].terms, candidates->key_count, type);
		if (set.set.count == 0 || set.set.parts[0].members == nullptr || !symbolic_flat(&element->value, &flat))
			return false;
		const struct term *has = set_has(reading->encoding, &set.set.parts[0], &flat);
		if (solver_knows(reading->solver, has) && solver_value(reading->solver, has, 0) != 0)
			return true;
	}
	return false;
}

static bool
is_of_type(const struct element_term *element, const struct type *type) {
	return element->type->kind == TYPE_ENTITY ? type->kind == TYPE_ENTITY && type->entity == element->type->entity
	       : type_is_boolean(type)            ? type_is_boolean(element->type)
						  : element->type->kind == type->kind;
}

static struct value
read_set(struct reading *reading, struct bytes path, const struct candidates *candidates, const struct type *type) {
	struct encoding *encoding = reading->encoding;
	size_t count = 0;
	struct value *items = ARENA_NEW_ARRAY(reading->arena, encoding->elements.count, struct value);
	if (items == nullptr) {
		reading->failed = true;
		return value_set(nullptr, 0);
	}
	for (size_t i = 0; i < encoding->elements.count; i++) {
		const struct element_term element = encoding->elements.items[i];
		if (is_of_type(&element, type->element) && has_element(reading, path, candidates, type, &element))
			items[count++] = read_flat(reading, &element.value);
	}
	return value_set(items, count);
}

static bool
is_present(struct reading *reading, struct bytes path, const struct candidates *candidates) {
	for (size_t i = 0; i < candidates->count; i++) {
		const struct term *present =
			symbolic_present(reading->encoding, path, candidates->keys[i].terms, candidates->key_count);
		if (solver_knows(reading->solver, present))
			return solver_value(reading->solver, present, 0) != 0;
	}
	return false;
}

static struct value
read_record(struct reading *reading, struct bytes path, const struct candidates *candidates, const struct type *type) {
	struct value record = {.type = VALUE_RECORD};
	struct value_field *fields = ARENA_NEW_ARRAY(reading->arena, type->field_count, struct value_field);
	size_t count = 0;
	if (fields == nullptr) {
		reading->failed = true;
		return record;
	}
	for (size_t i = 0; i < type->field_count; i++) {
		const struct type_field *field = &type->fields[i];
		struct bytes name = symbolic_path(reading->encoding, path, ".", field->name);
		if (field->is_required || is_present(reading, name, candidates))
			fields[count++] =
				(struct value_field){field->name, read_free(reading, name, candidates, field->type)};
	}
	record.record.fields = fields;
	record.record.count = count;
	return record;
}

static struct value
read_free(struct reading *reading, struct bytes path, const struct candidates *candidates, const struct type *type) {
	switch (type->kind) {
	case TYPE_SET:
		return read_set(reading, path, candidates, type);
	case TYPE_RECORD:
		return read_record(reading, path, candidates, type);
	default:
		return read_plain(reading, path, candidates, type);
	}
}

/* --- Entities --- */

struct found_entity {
	struct entity_uid uid;
	uint32_t type;
	struct keys *terms;
	size_t count, capacity;
};

struct found_entities {
	struct found_entity *items;
	size_t count;
};

static struct found_entity *
find_entity(const struct found_entities *found, uint32_t type, struct bytes id) {
	for (size_t i = 0; i < found->count; i++)
		if (found->items[i].type == type && bytes_equal(found->items[i].uid.id, id))
			return &found->items[i];
	return nullptr;
}

static struct bytes
id_of(struct reading *reading, const struct entity_term *term) {
	struct symbolic entity = symbolic_entity(term->type, term->id);
	return read_flat(reading, &entity).entity.id;
}

static bool
is_own(const struct encoding *encoding, const struct entity_term *term) {
	return (term->type == encoding->principal.entity && term->id == encoding->principal.term) ||
	       (term->type == encoding->resource.entity && term->id == encoding->resource.term);
}

static enum status
add_keys(struct reading *reading, struct found_entity *entity, struct keys keys) {
	if (entity->count == entity->capacity) {
		size_t capacity = entity->capacity == 0 ? 2 : 2 * entity->capacity;
		struct keys *terms = ARENA_NEW_ARRAY(reading->arena, capacity, struct keys);
		TRY_ALLOC(terms);
		if (entity->count > 0)
			memcpy(terms, entity->terms, entity->count * sizeof *terms);
		entity->terms = terms;
		entity->capacity = capacity;
	}
	entity->terms[entity->count++] = keys;
	return OK;
}

static enum status
find_entities(struct reading *reading, struct found_entities *found) {
	struct encoding *encoding = reading->encoding;
	size_t count = encoding->entities.count;
	found->items = ARENA_NEW_ARRAY(reading->arena, count, struct found_entity);
	TRY_ALLOC(found->items);
	for (size_t i = 0; i < count; i++) {
		struct entity_term term = encoding->entities.items[i];
		const struct schema_entity *type = policy_schema_entity(encoding->schema, term.type);
		if (type->is_action || (!is_own(encoding, &term) && !solver_knows(reading->solver, term.id)))
			continue;
		struct bytes id = id_of(reading, &term);
		struct found_entity *entity = find_entity(found, term.type, id);
		if (entity == nullptr) {
			entity = &found->items[found->count++];
			*entity = (struct found_entity){.uid = {type->name, id}, .type = term.type};
		}
		TRY(add_keys(reading, entity, (struct keys){{term.id}}));
	}
	return OK;
}

static bool
is_there(struct reading *reading, const struct found_entity *entity) {
	for (size_t i = 0; i < entity->count; i++) {
		struct symbolic term = symbolic_entity(entity->type, entity->terms[i].terms[0]);
		const struct term *exists = entity_exists(reading->encoding, &term);
		if (solver_knows(reading->solver, exists))
			return solver_value(reading->solver, exists, 0) != 0;
	}
	return false;
}

/* Tags that some question spoke of, and found to be there. */
static enum status
read_tags(struct reading *reading, const struct found_entity *entity, const struct value **tags) {
	struct encoding *encoding = reading->encoding;
	const struct schema_entity *schema = policy_schema_entity(encoding->schema, entity->type);
	size_t uses = encoding->tags.count, count = 0;
	if (schema->tags == nullptr || uses == 0)
		return OK;
	struct value_field *fields = ARENA_NEW_ARRAY(reading->arena, uses, struct value_field);
	struct value *record = ARENA_NEW(reading->arena, struct value);
	TRY_ALLOC(fields);
	TRY_ALLOC(record);
	struct bytes path = symbolic_path(encoding, schema->name, "#", BYTES_OF_LITERAL("tag"));
	for (size_t i = 0; i < uses; i++) {
		const struct tag_use use = encoding->tags.items[i];
		if (use.entity.type != entity->type || !solver_knows(reading->solver, use.entity.id) ||
		    !bytes_equal(id_of(reading, &use.entity), entity->uid.id))
			continue;
		const struct keys keys = {{use.entity.id, use.key}};
		const struct candidates one = {&keys, 1, 2};
		if (!is_present(reading, path, &one))
			continue;
		struct bytes name = text_of(reading, solver_value(reading->solver, use.key, NO_CODE));
		size_t at = count;
		bool is_double = false;
		for (size_t j = 0; j < count; j++)
			is_double |= bytes_equal(fields[j].name, name);
		if (is_double)
			continue;
		struct value value = read_free(reading, path, &one, schema->tags);
		for (; at > 0 && bytes_compare(fields[at - 1].name, name) > 0; at--)
			fields[at] = fields[at - 1];
		fields[at] = (struct value_field){name, value};
		count++;
	}
	*record = (struct value){.type = VALUE_RECORD};
	record->record.fields = fields;
	record->record.count = count;
	*tags = record;
	return OK;
}

static enum status
read_parents(struct reading *reading, const struct found_entity *entity, struct policy_entity *result) {
	struct encoding *encoding = reading->encoding;
	struct entity_uid *parents = ARENA_NEW_ARRAY(reading->arena, encoding->ancestries.count, struct entity_uid);
	TRY_ALLOC(parents);
	result->parents = parents;
	for (size_t i = 0; i < encoding->ancestries.count; i++) {
		const struct ancestry it = encoding->ancestries.items[i];
		if (it.entity.type != entity->type || !solver_knows(reading->solver, it.term) ||
		    solver_value(reading->solver, it.term, 0) == 0 ||
		    !bytes_equal(id_of(reading, &it.entity), entity->uid.id))
			continue;
		struct entity_uid parent = {policy_schema_entity(encoding->schema, it.other.type)->name,
					    id_of(reading, &it.other)};
		bool is_double = false;
		for (size_t j = 0; j < result->parent_count; j++)
			is_double |= bytes_equal(parents[j].type, parent.type) && bytes_equal(parents[j].id, parent.id);
		if (!is_double)
			parents[result->parent_count++] = parent;
	}
	return OK;
}

static enum status
read_entity(struct reading *reading, const struct found_entity *found, struct policy_entity *entity) {
	struct encoding *encoding = reading->encoding;
	const struct schema_entity *schema = policy_schema_entity(encoding->schema, found->type);
	struct value *attributes = ARENA_NEW(reading->arena, struct value);
	TRY_ALLOC(attributes);
	*entity = (struct policy_entity){.uid = found->uid, .attributes = attributes};
	const struct candidates candidates = {found->terms, found->count, 1};
	*attributes = read_record(reading, schema->name, &candidates, schema->shape);
	TRY(read_tags(reading, found, &entity->tags));
	return read_parents(reading, found, entity);
}

/* --- The request --- */

/* Free or put together: a context is a record whose fields are free. */
static struct value read_context(struct reading *reading, const struct symbolic *context, const struct type *type);

static struct value
read_context_field(struct reading *reading, const struct symbolic *value, struct bytes path, const struct type *type) {
	const struct keys none = {};
	const struct candidates one = {&none, 1, 0};
	struct flat flat;
	if (value->type == VALUE_RECORD)
		return read_context(reading, value, type);
	if (symbolic_flat(value, &flat))
		return read_flat(reading, value);
	return read_free(reading, path, &one, type);
}

static struct bytes
set_path(const struct symbolic *set) {
	static const char suffix[] = "#has";
	const struct symbol *members = set->set.count == 0 ? nullptr : set->set.parts[0].members;
	return members == nullptr ? (struct bytes){}
				  : bytes_of(members->name.data, members->name.len - (sizeof suffix - 1));
}

static struct value
read_context(struct reading *reading, const struct symbolic *context, const struct type *type) {
	struct value record = {.type = VALUE_RECORD};
	struct value_field *fields = ARENA_NEW_ARRAY(reading->arena, type->field_count, struct value_field);
	size_t count = 0;
	if (fields == nullptr) {
		reading->failed = true;
		return record;
	}
	for (size_t i = 0; i < type->field_count; i++) {
		const struct symbolic_field *field = &context->record.fields[i];
		if (solver_value(reading->solver, field->present, 0) == 0)
			continue;
		struct bytes path = field->value->type == VALUE_SET ? set_path(field->value) : (struct bytes){};
		fields[count++] = (struct value_field){
			field->name, read_context_field(reading, field->value, path, type->fields[i].type)};
	}
	record.record.fields = fields;
	record.record.count = count;
	return record;
}

static enum status
keep_context(struct reading *reading, const struct symbolic *context, const struct value **kept) {
	const struct schema_action *action =
		policy_schema_action(reading->encoding->schema, reading->encoding->environment.action);
	struct value *value = ARENA_NEW(reading->arena, struct value);
	TRY_ALLOC(value);
	*value = read_context(reading, context, action->context);
	*kept = value;
	return OK;
}

enum status
reading_witness(struct reading *reading, const struct symbolic *seen, const struct symbolic *truth,
		struct prove_witness *witness) {
	struct encoding *encoding = reading->encoding;
	const struct schema_action *action = policy_schema_action(encoding->schema, encoding->environment.action);
	struct found_entities found = {};
	*witness = (struct prove_witness){.request = {
						  .principal = read_flat(reading, &encoding->principal).entity,
						  .action = action->uid,
						  .resource = read_flat(reading, &encoding->resource).entity,
					  }};
	TRY(keep_context(reading, seen, &witness->request.context));
	if (truth != nullptr)
		TRY(keep_context(reading, truth, &witness->truth));
	TRY(find_entities(reading, &found));
	struct policy_entity *entities = ARENA_NEW_ARRAY(reading->arena, found.count, struct policy_entity);
	TRY_ALLOC(entities);
	for (size_t i = 0; i < found.count; i++)
		if (is_there(reading, &found.items[i]))
			TRY(read_entity(reading, &found.items[i], &entities[witness->entity_count++]));
	witness->entities = entities;
	return reading->failed ? fail(STATUS_NO_MEMORY, "memory: out of memory for a counterexample") : OK;
}
