/*
 * The entities that policies know: attributes, tags and the hierarchy, resident and ready to be asked.
 *
 * A store is filled by policy_entities_put() or from Cedar's entities JSON, then sealed: sealing finds cycles and computes
 * every entity's ancestors. After a later put or remove it must be sealed again, which costs little where only attributes
 * changed or only leaves of the hierarchy were added. Entities that are named as parents but never put are legal; they
 * have no attributes and no ancestors, and `in` finds them.
 *
 * Owner: the store copies everything that is put. Threads: one writer, or many readers of a sealed store.
 * Errors: "entities.*". Source: Cedar 4.5, "Entities and context", "JSON format for entities".
 */
#ifndef GATEHOUSE_POLICY_ENTITIES_H
#define GATEHOUSE_POLICY_ENTITIES_H

#include "model/value.h"
#include "policy/diagnostic.h"

struct policy_entities;

struct policy_entity {
	struct entity_uid uid;
	const struct value *attributes; /* a record; null: none */
	const struct value *tags;       /* a record; null: none */
	const struct entity_uid *parents;
	size_t parent_count;
};

enum status policy_entities_create(struct policy_entities **entities);
void policy_entities_destroy(struct policy_entities **entities); /* a cleanup function */

/* Adds the entity, or replaces the one of that uid. */
enum status policy_entities_put(struct policy_entities *entities, const struct policy_entity *entity);
/* Removes it if it is there; others may go on naming it as their parent. */
enum status policy_entities_remove(struct policy_entities *entities, struct entity_uid uid);
/* entities.cycle: a chain of parents leads back to its beginning; the store stays unsealed. */
enum status policy_entities_seal(struct policy_entities *entities);

struct policy_schema;

struct policy_entities_options {
	bool implicit_entities; /* value_read_implicit(): for documents that were written for a schema that is not there */
	const struct policy_schema
		*schema; /* null: none. With one every entity must fit it, and its actions are put as well */
};

/* Puts every entity of a JSON array [{"uid":...,"attrs":{...},"parents":[...],"tags":{...}},...]. An entity that stands
 * in the array twice is an error. Does not seal. */
enum status policy_entities_read(struct policy_entities *entities, const struct policy_source *source,
				 struct policy_entities_options options, struct policy_diagnostics *diagnostics);

/* Reads and seals: a cycle gets a place as well. */
enum status policy_entities_load(struct policy_entities *entities, const struct policy_source *source,
				 struct policy_entities_options options, struct policy_diagnostics *diagnostics);

size_t policy_entities_count(const struct policy_entities *entities);
/* False where there is none. The views live until the next put, remove or destroy; parents are left out. */
bool policy_entities_get(const struct policy_entities *entities, struct entity_uid uid, struct policy_entity *entity);
/* The uids that the entity names as its parents, at most capacity of them; returns how many there are. */
size_t policy_entities_parents(const struct policy_entities *entities, struct entity_uid uid,
			       struct entity_uid *parents, size_t capacity);
/* True if the two are equal or descendant has ancestor among its ancestors. The store is sealed. */
bool policy_entities_is_in(const struct policy_entities *entities, struct entity_uid descendant,
			   struct entity_uid ancestor);

#endif
