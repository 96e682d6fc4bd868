/* Entities: whether they are there, what they have, and what they are in. */
#include "policy/prove/symbolic.h"

static struct bytes
type_name(const struct encoding *encoding, uint32_t type) {
	return policy_schema_entity(encoding->schema, type)->name;
}

void
entity_note(struct encoding *encoding, const struct symbolic *entity) {
	if (entity->entity == SCHEMA_NONE)
		return;
	if (encoding_is_new(encoding, 'e', (const uint32_t[]){entity->entity, entity->term->number}, 2))
		ENCODING_ADD(encoding, &encoding->entities, (struct entity_term){entity->entity, entity->term});
}

static const struct term *
is_there(struct encoding *encoding, const struct symbolic *entity) {
	struct bytes name = symbolic_path(encoding, BYTES_OF_LITERAL("@"), "", type_name(encoding, entity->entity));
	uint8_t width = WIDTH_CODE;
	return term_apply(&encoding->terms, term_symbol(&encoding->terms, name, WIDTH_TRUTH, &width, 1), &entity->term);
}

/* Where an id may be that of the request's own principal or resource, that one is there. */
const struct term *
entity_exists(struct encoding *encoding, const struct symbolic *entity) {
	const struct symbolic *known[] = {&encoding->principal, &encoding->resource};
	struct term_table *terms = &encoding->terms;
	if (entity->entity == SCHEMA_NONE)
		return terms->no;
	if (policy_schema_entity(encoding->schema, entity->entity)->is_action)
		return terms->yes;
	for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
		if (known[i]->entity == entity->entity && known[i]->term == entity->term)
			return terms->yes;
	entity_note(encoding, entity);
	const struct term *there = is_there(encoding, entity);
	for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
		if (known[i]->entity == entity->entity)
			term_attach(terms, there,
				    term_implies(terms, term_equal(terms, entity->term, known[i]->term), there));
	return there;
}

struct symbolic
entity_attribute(struct encoding *encoding, const struct symbolic *entity, const struct type_field *field,
		 const struct term **present) {
	struct bytes path = symbolic_path(encoding, type_name(encoding, entity->entity), ".", field->name);
	*present = entity_exists(encoding, entity);
	if (!field->is_required)
		*present = term_and(&encoding->terms, *present, symbolic_present(encoding, path, &entity->term, 1));
	entity_note(encoding, entity);
	return symbolic_free(encoding, path, &entity->term, 1, field->type);
}

const struct term *
entity_has_tag(struct encoding *encoding, const struct symbolic *entity, const struct term *key) {
	struct bytes path = symbolic_path(encoding, type_name(encoding, entity->entity), "#", BYTES_OF_LITERAL("tag"));
	const struct term *keys[] = {entity->term, key};
	entity_note(encoding, entity);
	if (encoding_is_new(encoding, 't', (const uint32_t[]){entity->entity, entity->term->number, key->number}, 3))
		ENCODING_ADD(encoding, &encoding->tags, (struct tag_use){{entity->entity, entity->term}, key});
	return term_and(&encoding->terms, entity_exists(encoding, entity), symbolic_present(encoding, path, keys, 2));
}

struct symbolic
entity_tag(struct encoding *encoding, const struct symbolic *entity, const struct term *key, const struct type *type) {
	struct bytes path = symbolic_path(encoding, type_name(encoding, entity->entity), "#", BYTES_OF_LITERAL("tag"));
	const struct term *keys[] = {entity->term, key};
	return symbolic_free(encoding, path, keys, 2, type);
}

/* --- Ancestors --- */

static const struct term *
below(struct encoding *encoding, struct entity_term entity, struct entity_term other) {
	struct bytes path =
		symbolic_path(encoding, type_name(encoding, entity.type), "<", type_name(encoding, other.type));
	const uint8_t widths[] = {WIDTH_CODE, WIDTH_CODE};
	const struct term *ids[] = {entity.id, other.id};
	return term_apply(&encoding->terms, term_symbol(&encoding->terms, path, WIDTH_TRUTH, widths, 2), ids);
}

/* Strictly: a type that may be in itself is listed among its own ancestors. */
static bool
may_be_below(const struct encoding *encoding, uint32_t type, uint32_t above) {
	const struct schema_entity *entity = policy_schema_entity(encoding->schema, type);
	for (size_t i = 0; i < entity->ancestor_count; i++)
		if (entity->ancestors[i] == above)
			return true;
	return false;
}

static void
note_descendant(struct encoding *encoding, struct entity_term entity) {
	if (encoding_is_new(encoding, 'd', (const uint32_t[]){entity.type, entity.id->number}, 2))
		ENCODING_ADD(encoding, &encoding->descendants, entity);
}

static void
note_ancestry(struct encoding *encoding, const struct term *term, struct entity_term entity, struct entity_term other) {
	struct term_table *terms = &encoding->terms;
	const struct symbolic lower = symbolic_entity(entity.type, entity.id);
	if (term->kind != TERM_APPLY || !encoding_is_new(encoding, 'a', &term->number, 1))
		return;
	/* What is not in the store is in nothing; and nothing is below itself. */
	term_attach(terms, term, term_implies(terms, term, entity_exists(encoding, &lower)));
	if (entity.type == other.type)
		term_attach(terms, term,
			    term_implies(terms, term, term_not(terms, term_equal(terms, entity.id, other.id))));
	ENCODING_ADD(encoding, &encoding->ancestries, (struct ancestry){term, entity, other});
}

/* Actions are known, and so is what they are in. */
static const struct term *
action_is_in(struct encoding *encoding, const struct symbolic *action, const struct symbolic *other) {
	const struct policy_schema *schema = encoding->schema;
	struct term_table *terms = &encoding->terms;
	const struct term *any = terms->no;
	for (uint32_t i = 0; i < policy_schema_action_count(schema); i++) {
		const struct schema_action *lower = policy_schema_action(schema, i);
		if (lower->type != action->entity)
			continue;
		for (uint32_t j = 0; j < policy_schema_action_count(schema); j++) {
			const struct schema_action *upper = policy_schema_action(schema, j);
			if (upper->type != other->entity || !policy_schema_action_is_in(schema, i, j))
				continue;
			const struct term *pair = term_and(
				terms, term_equal(terms, action->term, encoding_literal(encoding, lower->uid.id)),
				term_equal(terms, other->term, encoding_literal(encoding, upper->uid.id)));
			any = term_or(terms, any, pair);
		}
	}
	return any;
}

const struct term *
entity_is_below(struct encoding *encoding, struct entity_term entity, struct entity_term other) {
	if (entity.type == SCHEMA_NONE || other.type == SCHEMA_NONE || !may_be_below(encoding, entity.type, other.type))
		return encoding->terms.no;
	const struct term *term = below(encoding, entity, other);
	const struct symbolic lower = symbolic_entity(entity.type, entity.id),
			      upper = symbolic_entity(other.type, other.id);
	note_descendant(encoding, entity);
	note_ancestry(encoding, term, entity, other);
	entity_note(encoding, &lower);
	entity_note(encoding, &upper);
	return term;
}

const struct term *
entity_is_in(struct encoding *encoding, const struct symbolic *entity, const struct symbolic *other) {
	if (entity->entity == SCHEMA_NONE || other->entity == SCHEMA_NONE)
		return encoding->terms.no;
	if (policy_schema_entity(encoding->schema, entity->entity)->is_action)
		return action_is_in(encoding, entity, other);
	const struct term *same = entity->entity == other->entity
					  ? term_equal(&encoding->terms, entity->term, other->term)
					  : encoding->terms.no;
	if (term_is_true(same))
		return same;
	return term_or(&encoding->terms, same,
		       entity_is_below(encoding, (struct entity_term){entity->entity, entity->term},
				       (struct entity_term){other->entity, other->term}));
}
