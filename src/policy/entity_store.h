/*
 * What the evaluator and the index see of an entity store: entities by index, found by hash.
 *
 * Every uid that the store knows of, put or only named as a parent, has an index, stable until the entity is removed. The
 * hash of a uid is SipHash under a key drawn once per process, so that literals in compiled policies and uids in every
 * store agree on it and nobody outside can make uids collide.
 */
#ifndef GATEHOUSE_POLICY_ENTITY_STORE_H
#define GATEHOUSE_POLICY_ENTITY_STORE_H

#include "policy/entities.h"

constexpr uint32_t ENTITY_NONE = UINT32_MAX;

/* Draws the key, once; every constructor of a set or a store calls it. */
void entity_hash_start(void);
uint64_t entity_hash(struct entity_uid uid);
uint64_t entity_type_hash(struct bytes type);
/* The hash of a uid whose type's hash is known. */
uint64_t entity_hash_within(uint64_t type_hash, struct bytes id);

/* Every index is below. */
uint32_t entity_store_limit(const struct policy_entities *entities);
/* One entity of the cycle that sealing has found. */
bool entity_store_cycle(const struct policy_entities *entities, struct entity_uid *uid);
bool entity_store_is_sealed(const struct policy_entities *entities);
/* ENTITY_NONE where the store does not know the uid. */
uint32_t entity_store_find(const struct policy_entities *entities, struct entity_uid uid, uint64_t hash);
/* False for a uid that is only named as a parent. */
bool entity_store_is_present(const struct policy_entities *entities, uint32_t index);
uint64_t entity_store_hash(const struct policy_entities *entities, uint32_t index);
struct entity_uid entity_store_uid(const struct policy_entities *entities, uint32_t index);
/* A record each, or null. */
const struct value *entity_store_attributes(const struct policy_entities *entities, uint32_t index);
const struct value *entity_store_tags(const struct policy_entities *entities, uint32_t index);
const uint32_t *entity_store_parents(const struct policy_entities *entities, uint32_t index, size_t *count);
/* Ascending indexes; itself is not among them. */
const uint32_t *entity_store_ancestors(const struct policy_entities *entities, uint32_t index, size_t *count);
bool entity_store_has_ancestor(const struct policy_entities *entities, uint32_t descendant, uint32_t ancestor);

#endif
