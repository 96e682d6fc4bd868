#include "policy/entities.h"

#include <sodium.h>
#include <stdlib.h>
#include <threads.h>

#include "policy/entity_store.h"
#include "policy/number_set.h"
#include "policy/pack.h"

/* Of one entity, and of all together: a store that wants more is refused rather than let it take all memory. */
constexpr size_t ANCESTORS_MAX = 10'000;
constexpr size_t ANCESTORS_TOTAL_MAX = 32 << 20;
constexpr uint32_t FREE = UINT32_MAX;
constexpr uint32_t REMOVED = UINT32_MAX - 1;

enum closure_state : uint8_t { CLOSURE_STALE, CLOSURE_IN_PROGRESS, CLOSURE_DONE };

struct record { /* of one uid; a cache line */
	uint64_t hash;
	uint8_t *id;                  /* heap; null: a free record */
	struct packed_values content; /* attributes and tags */
	uint32_t *links;              /* heap: parents, then ancestors, both ascending; null: none */
	uint32_t parent_count;
	uint32_t ancestor_count;
	uint32_t id_length;
	uint32_t children; /* entities that name it as a parent */
	uint16_t type;     /* among the store's types */
	enum closure_state closure;
	bool is_present;
};

constexpr size_t TYPES_MAX = UINT16_MAX;

struct policy_entities {
	struct bytes *types; /* heap, each */
	size_t type_count;
	struct record *records;
	uint32_t record_count;
	uint32_t record_capacity;
	uint32_t free_count;  /* records that may be used again, */
	uint32_t first_free;  /* chained through their `children` */
	uint32_t *slots;      /* of the hash table: an index, FREE or REMOVED */
	size_t slot_capacity; /* a power of two */
	size_t slots_used;    /* removed ones included */
	size_t present_count;
	size_t ancestors_total;
	bool is_sealed;
	bool has_cycle;
	uint32_t cycle; /* an entity of it */
	bool all_stale; /* something with descendants changed its parents */
};

static once_flag hash_key_once = ONCE_FLAG_INIT;
static uint8_t hash_keys[2][crypto_shorthash_KEYBYTES];

static void
draw_hash_keys(void) {
	randombytes_buf(hash_keys, sizeof hash_keys);
}

void
entity_hash_start(void) {
	call_once(&hash_key_once, draw_hash_keys);
}

uint64_t
entity_type_hash(struct bytes type) {
	uint64_t hash;
	crypto_shorthash((unsigned char *)&hash, type.data, type.len, hash_keys[0]);
	return hash;
}

/* Two keys, so that neither half can be chosen to undo the other. */
uint64_t
entity_hash_within(uint64_t type_hash, struct bytes id) {
	uint64_t hash;
	crypto_shorthash((unsigned char *)&hash, id.data, id.len, hash_keys[1]);
	return type_hash ^ hash;
}

uint64_t
entity_hash(struct entity_uid uid) {
	return entity_hash_within(entity_type_hash(uid.type), uid.id);
}

static bool
uids_equal(struct entity_uid a, struct entity_uid b) {
	return bytes_equal(a.id, b.id) && bytes_equal(a.type, b.type);
}

enum status
policy_entities_create(struct policy_entities **entities) {
	entity_hash_start();
	*entities = calloc(1, sizeof **entities);
	TRY_ALLOC(*entities);
	(*entities)->is_sealed = true;
	return OK;
}

static struct entity_uid
uid_of(const struct policy_entities *store, const struct record *record) {
	return (struct entity_uid){store->types[record->type], bytes_of(record->id, record->id_length)};
}

static const uint32_t *
ancestors_of(const struct record *record) {
	return record->links + record->parent_count;
}

static void
free_record(struct record *record) {
	free(record->id);
	pack_free(&record->content);
	free(record->links);
	*record = (struct record){};
}

void
policy_entities_destroy(struct policy_entities **entities) {
	struct policy_entities *store = *entities;
	*entities = nullptr;
	if (store == nullptr)
		return;
	for (uint32_t i = 0; i < store->record_count; i++)
		free_record(&store->records[i]);
	for (size_t i = 0; i < store->type_count; i++)
		free((void *)(uintptr_t)store->types[i].data);
	free(store->types);
	free(store->records);
	free(store->slots);
	free(store);
}

uint32_t
entity_store_find(const struct policy_entities *store, struct entity_uid uid, uint64_t hash) {
	if (store->slot_capacity == 0)
		return ENTITY_NONE;
	for (size_t i = hash & (store->slot_capacity - 1);; i = (i + 1) & (store->slot_capacity - 1)) {
		uint32_t index = store->slots[i];
		if (index == FREE)
			return ENTITY_NONE;
		if (index != REMOVED && store->records[index].hash == hash &&
		    uids_equal(uid_of(store, &store->records[index]), uid))
			return index;
	}
}

static void
enter_slot(struct policy_entities *store, uint32_t index) {
	size_t i = store->records[index].hash & (store->slot_capacity - 1);
	while (store->slots[i] != FREE)
		i = (i + 1) & (store->slot_capacity - 1);
	store->slots[i] = index;
	store->slots_used++;
}

/* Half of the slots are free at least, so that a search ends soon. */
static enum status
reserve_slot(struct policy_entities *store) {
	if (store->slots_used + 1 <= store->slot_capacity / 2)
		return OK;
	size_t live = store->record_count - store->free_count, capacity = 64;
	while (capacity < 4 * (live + 1))
		capacity *= 2;
	uint32_t *slots = malloc(capacity * sizeof *slots);
	TRY_ALLOC(slots);
	for (size_t i = 0; i < capacity; i++)
		slots[i] = FREE;
	free(store->slots);
	store->slots = slots;
	store->slot_capacity = capacity;
	store->slots_used = 0;
	for (uint32_t i = 0; i < store->record_count; i++)
		if (store->records[i].id != nullptr)
			enter_slot(store, i);
	return OK;
}

static enum status
reserve_record(struct policy_entities *store) {
	if (store->free_count > 0 || store->record_count < store->record_capacity)
		return OK;
	if (store->record_capacity > UINT32_MAX / 4)
		return fail(STATUS_TOO_LARGE, "entities.count: more than %u entities", store->record_capacity);
	uint32_t capacity = store->record_capacity + store->record_capacity / 4 + 16;
	struct record *records = reallocarray(store->records, capacity, sizeof *records);
	TRY_ALLOC(records);
	store->records = records;
	store->record_capacity = capacity;
	return OK;
}

static uint32_t
take_record(struct policy_entities *store) {
	if (store->free_count == 0)
		return store->record_count++;
	uint32_t index = store->first_free;
	store->first_free = store->records[index].children;
	store->free_count--;
	return index;
}

/* The type's number. Types are few and stay. */
static enum status
enter_type(struct policy_entities *store, struct bytes type, uint16_t *number) {
	for (size_t i = store->type_count; i > 0; i--)
		if (bytes_equal(store->types[i - 1], type)) {
			*number = (uint16_t)(i - 1);
			return OK;
		}
	if (store->type_count == TYPES_MAX)
		return fail(STATUS_TOO_LARGE, "entities.types: more than %zu entity types", TYPES_MAX);
	struct bytes *types = reallocarray(store->types, store->type_count + 1, sizeof *types);
	TRY_ALLOC(types);
	store->types = types;
	uint8_t *copy = malloc(type.len + 1);
	TRY_ALLOC(copy);
	if (type.len > 0)
		memcpy(copy, type.data, type.len);
	types[store->type_count] = bytes_of(copy, type.len);
	*number = (uint16_t)store->type_count++;
	return OK;
}

/* The uid's index, which it is given if it has none. */
static enum status
enter_uid(struct policy_entities *store, struct entity_uid uid, uint32_t *index) {
	uint64_t hash = entity_hash(uid);
	uint16_t type;
	*index = entity_store_find(store, uid, hash);
	if (*index != ENTITY_NONE)
		return OK;
	if (uid.id.len > UINT32_MAX)
		return fail(STATUS_TOO_LARGE, "entities.uid: an entity's id is longer than 4 GiB");
	TRY(enter_type(store, uid.type, &type));
	TRY(reserve_slot(store));
	TRY(reserve_record(store));
	uint8_t *id = malloc(uid.id.len + 1);
	TRY_ALLOC(id);
	if (uid.id.len > 0)
		memcpy(id, uid.id.data, uid.id.len);
	*index = take_record(store);
	store->records[*index] = (struct record){
		.id = id,
		.id_length = (uint32_t)uid.id.len,
		.type = type,
		.hash = hash,
	};
	enter_slot(store, *index);
	return OK;
}

/* Drops a uid that nobody names any more. */
static void
leave_uid(struct policy_entities *store, uint32_t index) {
	struct record *record = &store->records[index];
	if (record->is_present || record->children > 0 || record->id == nullptr)
		return;
	size_t i = record->hash & (store->slot_capacity - 1);
	while (store->slots[i] != index)
		i = (i + 1) & (store->slot_capacity - 1);
	store->slots[i] = REMOVED;
	store->ancestors_total -= record->ancestor_count;
	free_record(record);
	record->children = store->first_free;
	store->first_free = index;
	store->free_count++;
}

/* Frees the links, of which the first are the parents, who lose a child each. */
static void
drop_parents(struct policy_entities *store, uint32_t *parents, uint32_t count) {
	for (uint32_t i = 0; i < count; i++) {
		store->records[parents[i]].children--;
		leave_uid(store, parents[i]);
	}
	free(parents);
}

/* The ascending indexes of the parents, each of whom has one child more. */
static enum status
take_parents(struct policy_entities *store, const struct policy_entity *entity, uint32_t **parents, uint32_t *count) {
	if (entity->parent_count > ANCESTORS_MAX)
		return fail(STATUS_TOO_LARGE, "entities.parents: %zu parents of one entity, at most %zu",
			    entity->parent_count, ANCESTORS_MAX);
	*parents = nullptr;
	*count = 0;
	if (entity->parent_count == 0)
		return OK;
	uint32_t *list = calloc(entity->parent_count, sizeof *list), entered = 0;
	TRY_ALLOC(list);
	enum status status = OK;
	while (entered < entity->parent_count && status == OK) {
		status = enter_uid(store, entity->parents[entered], &list[entered]);
		entered += status == OK;
	}
	*count = (uint32_t)number_set_make(list, entered);
	for (uint32_t i = 0; i < *count; i++)
		store->records[list[i]].children++;
	if (status != OK)
		drop_parents(store, list, *count);
	else
		*parents = list;
	return status;
}

static bool
has_parents(const struct record *record, const uint32_t *parents, uint32_t count) {
	return record->parent_count == count &&
	       (count == 0 || memcmp(record->links, parents, count * sizeof *parents) == 0);
}

/* Whatever stands below it inherits the change. */
static void
mark_stale(struct policy_entities *store, struct record *record) {
	record->closure = CLOSURE_STALE;
	store->is_sealed = false;
	if (record->children > 0)
		store->all_stale = true;
}

/* Without ancestors until the store is sealed. */
static void
replace_links(struct policy_entities *store, uint32_t index, uint32_t *links, uint32_t parent_count) {
	struct record *record = &store->records[index];
	uint32_t *old_links = record->links, old_count = record->parent_count;
	store->ancestors_total -= record->ancestor_count;
	record->links = links;
	record->parent_count = parent_count;
	record->ancestor_count = 0;
	drop_parents(store, old_links, old_count);
}

enum status
policy_entities_put(struct policy_entities *store, const struct policy_entity *entity) {
	struct packed_values packed = {};
	uint32_t index, *parents, count;
	const struct value *values[2] = {entity->attributes, entity->tags};
	for (size_t i = 0; i < 2; i++)
		if (values[i] != nullptr && values[i]->type != VALUE_RECORD)
			return fail(STATUS_INVALID, "entities.record: attributes and tags are records, found %s",
				    value_type_name(values[i]->type));
	TRY(enter_uid(store, entity->uid, &index));
	enum status status = take_parents(store, entity, &parents, &count);
	if (status != OK) {
		leave_uid(store, index);
		return status;
	}
	status = pack_values(values, 2, &packed);
	if (status != OK) {
		drop_parents(store, parents, count);
		leave_uid(store, index);
		return status;
	}
	struct record *record = &store->records[index];
	store->present_count += !record->is_present;
	pack_free(&record->content);
	record->content = packed;
	if (record->is_present && has_parents(record, parents, count)) { /* ancestors stay what they are */
		drop_parents(store, parents, count);
		return OK;
	}
	record->is_present = true;
	mark_stale(store, record);
	replace_links(store, index, parents, count);
	return OK;
}

enum status
policy_entities_remove(struct policy_entities *store, struct entity_uid uid) {
	uint32_t index = entity_store_find(store, uid, entity_hash(uid));
	if (index == ENTITY_NONE || !store->records[index].is_present)
		return OK;
	struct record *record = &store->records[index];
	if (record->children > 0)
		mark_stale(store, record);
	pack_free(&record->content);
	record->is_present = false;
	store->present_count--;
	replace_links(store, index, nullptr, 0);
	leave_uid(store, index);
	return OK;
}

/* Ancestors, by depth-first search with a stack of our own: a hierarchy may be as deep as it likes. */
struct closure {
	struct policy_entities *store;
	struct {
		uint32_t index;
		uint32_t next_parent;
	} *stack;
	size_t depth;
	size_t capacity;
	uint32_t *found; /* ancestors of the entity being finished */
	size_t found_count;
	size_t found_capacity;
};

static void
free_closure(struct closure *closure) {
	free(closure->stack);
	free(closure->found);
}

static enum status
push_entity(struct closure *closure, uint32_t index) {
	if (closure->depth == closure->capacity) {
		size_t capacity = closure->capacity == 0 ? 64 : 2 * closure->capacity;
		typeof(closure->stack) stack = reallocarray(closure->stack, capacity, sizeof *stack);
		TRY_ALLOC(stack);
		closure->stack = stack;
		closure->capacity = capacity;
	}
	closure->stack[closure->depth].index = index;
	closure->stack[closure->depth++].next_parent = 0;
	closure->store->records[index].closure = CLOSURE_IN_PROGRESS;
	return OK;
}

static enum status
add_found(struct closure *closure, const uint32_t *indexes, size_t count) {
	if (closure->found_count + count > closure->found_capacity) {
		size_t capacity = 2 * (closure->found_count + count);
		uint32_t *found = reallocarray(closure->found, capacity, sizeof *found);
		TRY_ALLOC(found);
		closure->found = found;
		closure->found_capacity = capacity;
	}
	if (count > 0)
		memcpy(closure->found + closure->found_count, indexes, count * sizeof *indexes);
	closure->found_count += count;
	return OK;
}

#define UID_ARGS(uid)                                                                                                  \
	(int)((uid).type.len > 80 ? 80 : (uid).type.len), (const char *)(uid).type.data,                               \
		(int)((uid).id.len > 80 ? 80 : (uid).id.len), (const char *)(uid).id.data

/* All parents are done: their ancestors and they themselves are the entity's. */
static enum status
finish_entity(struct closure *closure, uint32_t index) {
	struct policy_entities *store = closure->store;
	struct record *record = &store->records[index];
	closure->found_count = 0;
	TRY(add_found(closure, record->links, record->parent_count));
	for (uint32_t i = 0; i < record->parent_count; i++) {
		const struct record *parent = &store->records[record->links[i]];
		if (parent->ancestor_count > 0)
			TRY(add_found(closure, ancestors_of(parent), parent->ancestor_count));
	}
	size_t count = number_set_make(closure->found, closure->found_count);
	store->ancestors_total -= record->ancestor_count;
	record->ancestor_count = 0;
	if (count > ANCESTORS_MAX || count > ANCESTORS_TOTAL_MAX - store->ancestors_total)
		return fail(STATUS_TOO_LARGE,
			    "entities.ancestors: %.*s::\"%.*s\" has %zu ancestors: at most %zu, and %zu of all "
			    "entities together",
			    UID_ARGS(uid_of(store, record)), count, ANCESTORS_MAX, ANCESTORS_TOTAL_MAX);
	if (count > 0) {
		uint32_t *links = reallocarray(record->links, record->parent_count + count, sizeof *links);
		TRY_ALLOC(links);
		memcpy(links + record->parent_count, closure->found, count * sizeof *links);
		record->links = links;
	}
	record->ancestor_count = (uint32_t)count;
	record->closure = CLOSURE_DONE;
	store->ancestors_total += count;
	return OK;
}

static enum status
visit_from(struct closure *closure, uint32_t start) {
	struct record *records = closure->store->records;
	TRY(push_entity(closure, start));
	while (closure->depth > 0) {
		typeof(closure->stack) top = &closure->stack[closure->depth - 1];
		const struct record *record = &records[top->index];
		if (top->next_parent == record->parent_count) {
			TRY(finish_entity(closure, top->index));
			closure->depth--;
			continue;
		}
		uint32_t parent = record->links[top->next_parent++];
		if (records[parent].closure == CLOSURE_IN_PROGRESS) {
			closure->store->has_cycle = true;
			closure->store->cycle = top->index;
			return fail(STATUS_INVALID,
				    "entities.cycle: %.*s::\"%.*s\" is its own ancestor through %.*s::\"%.*s\"",
				    UID_ARGS(uid_of(closure->store, &records[parent])),
				    UID_ARGS(uid_of(closure->store, record)));
		}
		if (records[parent].closure == CLOSURE_STALE)
			TRY(push_entity(closure, parent));
	}
	return OK;
}

enum status
policy_entities_seal(struct policy_entities *store) {
	_cleanup_(free_closure) struct closure closure = {.store = store};
	if (store->is_sealed)
		return OK;
	store->has_cycle = false;
	for (uint32_t i = 0; i < store->record_count; i++)
		if (store->all_stale || store->records[i].closure == CLOSURE_IN_PROGRESS)
			store->records[i].closure = CLOSURE_STALE; /* in progress: an earlier sealing failed */
	for (uint32_t i = 0; i < store->record_count; i++)
		if (store->records[i].id != nullptr && store->records[i].closure == CLOSURE_STALE)
			TRY(visit_from(&closure, i));
	store->all_stale = false;
	store->is_sealed = true;
	return OK;
}

size_t
policy_entities_count(const struct policy_entities *store) {
	return store->present_count;
}

bool
policy_entities_get(const struct policy_entities *store, struct entity_uid uid, struct policy_entity *entity) {
	uint32_t index = entity_store_find(store, uid, entity_hash(uid));
	if (index == ENTITY_NONE || !store->records[index].is_present)
		return false;
	*entity = (struct policy_entity){
		.uid = uid_of(store, &store->records[index]),
		.attributes = entity_store_attributes(store, index),
		.tags = entity_store_tags(store, index),
	};
	return true;
}

size_t
policy_entities_parents(const struct policy_entities *store, struct entity_uid uid, struct entity_uid *parents,
			size_t capacity) {
	size_t count = 0;
	uint32_t index = entity_store_find(store, uid, entity_hash(uid));
	if (index == ENTITY_NONE || !store->records[index].is_present)
		return 0;
	const uint32_t *indexes = entity_store_parents(store, index, &count);
	for (size_t i = 0; i < count && i < capacity; i++)
		parents[i] = entity_store_uid(store, indexes[i]);
	return count;
}

bool
policy_entities_is_in(const struct policy_entities *store, struct entity_uid descendant, struct entity_uid ancestor) {
	if (uids_equal(descendant, ancestor))
		return true;
	uint32_t below = entity_store_find(store, descendant, entity_hash(descendant));
	uint32_t above = entity_store_find(store, ancestor, entity_hash(ancestor));
	return below != ENTITY_NONE && above != ENTITY_NONE && entity_store_has_ancestor(store, below, above);
}

uint32_t
entity_store_limit(const struct policy_entities *store) {
	return store->record_count;
}

bool
entity_store_cycle(const struct policy_entities *store, struct entity_uid *uid) {
	if (store->has_cycle)
		*uid = uid_of(store, &store->records[store->cycle]);
	return store->has_cycle;
}

bool
entity_store_is_sealed(const struct policy_entities *store) {
	return store->is_sealed;
}

bool
entity_store_is_present(const struct policy_entities *store, uint32_t index) {
	return store->records[index].is_present;
}

uint64_t
entity_store_hash(const struct policy_entities *store, uint32_t index) {
	return store->records[index].hash;
}

struct entity_uid
entity_store_uid(const struct policy_entities *store, uint32_t index) {
	return uid_of(store, &store->records[index]);
}

const struct value *
entity_store_attributes(const struct policy_entities *store, uint32_t index) {
	return store->records[index].content.values[0];
}

const struct value *
entity_store_tags(const struct policy_entities *store, uint32_t index) {
	return store->records[index].content.values[1];
}

const uint32_t *
entity_store_ancestors(const struct policy_entities *store, uint32_t index, size_t *count) {
	*count = store->records[index].ancestor_count;
	return *count == 0 ? nullptr : ancestors_of(&store->records[index]);
}

const uint32_t *
entity_store_parents(const struct policy_entities *store, uint32_t index, size_t *count) {
	*count = store->records[index].parent_count;
	return store->records[index].links;
}

constexpr size_t BISECTION_MIN = 16;

bool
entity_store_has_ancestor(const struct policy_entities *store, uint32_t descendant, uint32_t ancestor) {
	const struct record *record = &store->records[descendant];
	size_t low = 0, high = record->ancestor_count;
	if (high == 0)
		return false;
	const uint32_t *ancestors = ancestors_of(record);
	while (high - low > BISECTION_MIN) {
		size_t middle = low + (high - low) / 2;
		if (ancestors[middle] <= ancestor)
			low = middle;
		else
			high = middle;
	}
	for (; low < high; low++)
		if (ancestors[low] == ancestor)
			return true;
	return false;
}
