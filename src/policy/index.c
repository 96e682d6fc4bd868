#include "policy/index.h"

#include <stdlib.h>

/* Buckets and groups are found by hash alone: two that share one are one, since a candidate's scope is tested anyway. */
struct index_bucket {
	uint64_t key;
	uint32_t first; /* group */
	uint32_t count; /* 0: a free bucket */
};

struct index_group {
	uint64_t action; /* its hash */
	bool is_any;     /* of policies that name no action */
	uint32_t first;  /* of the policies */
	uint32_t count;
};

struct anchor {
	enum index_axis axis;
	uint64_t hash;
};

struct entry { /* a policy below one action */
	uint64_t key;
	uint64_t action;
	bool is_any;
	uint32_t policy;
};

static bool
names_entity(const struct compiled_scope *scope) {
	return scope->kind == SCOPE_EQUAL || scope->kind == SCOPE_IN || scope->kind == SCOPE_IS_IN;
}

/* One entity says more than a whole group, and a group more than a type. */
static struct anchor
choose_anchor(const struct compiled_policy *policy) {
	const struct compiled_scope *principal = &policy->principal, *resource = &policy->resource;
	if (principal->kind == SCOPE_EQUAL)
		return (struct anchor){INDEX_PRINCIPAL, principal->entities[0].hash};
	if (resource->kind == SCOPE_EQUAL)
		return (struct anchor){INDEX_RESOURCE, resource->entities[0].hash};
	if (names_entity(principal))
		return (struct anchor){INDEX_PRINCIPAL, principal->entities[0].hash};
	if (names_entity(resource))
		return (struct anchor){INDEX_RESOURCE, resource->entities[0].hash};
	if (principal->kind == SCOPE_IS)
		return (struct anchor){INDEX_PRINCIPAL_TYPE, entity_type_hash(principal->type)};
	if (resource->kind == SCOPE_IS)
		return (struct anchor){INDEX_RESOURCE_TYPE, entity_type_hash(resource->type)};
	return (struct anchor){INDEX_NONE, 0};
}

static uint64_t
key_of(enum index_axis axis, uint64_t hash) {
	return hash + (uint64_t)axis * UINT64_C(0x9e3779b97f4a7c15);
}

/* The bucket of that key, or the free one where it belongs. */
static struct index_bucket *
find_bucket(const struct policy_index *index, uint64_t key) {
	for (size_t i = key & (index->capacity - 1);; i = (i + 1) & (index->capacity - 1)) {
		struct index_bucket *bucket = &index->buckets[i];
		if (bucket->count == 0 || bucket->key == key)
			return bucket;
	}
}

/* A policy that names no action is one entry; in an empty list of actions it would be none, and is never satisfied. */
static size_t
entry_count(const struct compiled_policy *policy) {
	return policy->action.kind == SCOPE_ANY ? 1 : policy->action.count;
}

static void
make_entries(struct policy_index *index, const struct compiled_policy *policies, size_t count, struct entry *entries) {
	for (size_t i = 0; i < count; i++) {
		struct anchor anchor = choose_anchor(&policies[i]);
		const struct compiled_scope *action = &policies[i].action;
		index->has_axis[anchor.axis] = true;
		index->may_repeat |= entry_count(&policies[i]) > 1;
		for (size_t j = 0; j < entry_count(&policies[i]); j++)
			*entries++ = (struct entry){
				.key = key_of(anchor.axis, anchor.hash),
				.action = action->kind == SCOPE_ANY ? 0 : action->entities[j].hash,
				.is_any = action->kind == SCOPE_ANY,
				.policy = (uint32_t)i,
			};
	}
}

static int
compare_entries(const void *a, const void *b) {
	const struct entry *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->is_any != y->is_any)
		return x->is_any ? -1 : 1;
	if (x->action != y->action)
		return x->action < y->action ? -1 : 1;
	return (x->policy > y->policy) - (x->policy < y->policy);
}

static bool
is_same_group(const struct entry *a, const struct entry *b) {
	return a->key == b->key && a->is_any == b->is_any && a->action == b->action;
}

/* Sorted entries become policies in a row, groups over them, and buckets over those. */
static enum status
fill(struct policy_index *index, struct arena *arena, const struct entry *entries, size_t count) {
	size_t groups = 0, buckets = 0;
	for (size_t i = 0; i < count; i++) {
		groups += i == 0 || !is_same_group(&entries[i - 1], &entries[i]);
		buckets += i == 0 || entries[i - 1].key != entries[i].key;
	}
	for (index->capacity = 16; index->capacity < 2 * buckets + 1;)
		index->capacity *= 2;
	struct index_group *group = ARENA_NEW_ARRAY(arena, groups, struct index_group), *first = group;
	uint32_t *policies = ARENA_NEW_ARRAY(arena, count, uint32_t);
	index->buckets = ARENA_NEW_ARRAY(arena, index->capacity, struct index_bucket);
	TRY_ALLOC(group);
	TRY_ALLOC(policies);
	TRY_ALLOC(index->buckets);
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && compare_entries(&entries[i - 1], &entries[i]) == 0) /* an action that is listed twice */
			continue;
		policies[kept++] = entries[i].policy;
		if (i > 0 && is_same_group(&entries[i - 1], &entries[i])) {
			group[-1].count++;
			continue;
		}
		struct index_bucket *bucket = find_bucket(index, entries[i].key);
		if (bucket->count++ == 0) {
			bucket->key = entries[i].key;
			bucket->first = (uint32_t)(group - first);
		}
		*group++ = (struct index_group){entries[i].action, entries[i].is_any, (uint32_t)(kept - 1), 1};
	}
	index->groups = first;
	index->policies = policies;
	return OK;
}

enum status
policy_index_build(struct arena *arena, const struct compiled_policy *policies, size_t count,
		   struct policy_index *index) {
	size_t total = 0;
	*index = (struct policy_index){.policy_count = count};
	for (size_t i = 0; i < count; i++)
		total += entry_count(&policies[i]);
	if (total > UINT32_MAX)
		return fail(STATUS_TOO_LARGE, "policy.too_large: more than 2^32 actions in scopes");
	struct entry *entries = calloc(total + 1, sizeof *entries);
	TRY_ALLOC(entries);
	make_entries(index, policies, count, entries);
	if (total > 1)
		qsort(entries, total, sizeof *entries, compare_entries);
	enum status status = fill(index, arena, entries, total);
	free(entries);
	return status;
}

struct visit {
	const struct policy_index *index;
	const struct evaluation *evaluation;
	const uint32_t *actions; /* what the action is in, by index in the store */
	size_t action_count;
	enum status (*visit)(void *context, uint32_t policy);
	void *context;
	uint64_t *seen; /* a bit per policy; null: none can come twice */
};

static bool
is_seen(struct visit *visit, uint32_t policy) {
	if (visit->seen == nullptr)
		return false;
	uint64_t *word = &visit->seen[policy / 64], bit = UINT64_C(1) << policy % 64;
	bool is_set = (*word & bit) != 0;
	*word |= bit;
	return is_set;
}

static bool
is_of_action(const struct visit *visit, const struct index_group *group) {
	if (group->is_any || group->action == visit->evaluation->hashes[VARIABLE_ACTION])
		return true;
	for (size_t i = 0; i < visit->action_count; i++)
		if (entity_store_hash(visit->evaluation->entities, visit->actions[i]) == group->action)
			return true;
	return false;
}

static enum status
visit_bucket(struct visit *visit, enum index_axis axis, uint64_t hash) {
	const struct index_bucket *bucket = find_bucket(visit->index, key_of(axis, hash));
	const struct index_group *group = visit->index->groups + bucket->first;
	for (const struct index_group *end = group + bucket->count; group < end; group++) {
		if (!is_of_action(visit, group))
			continue;
		const uint32_t *policies = visit->index->policies + group->first;
		for (uint32_t i = 0; i < group->count; i++)
			if (!is_seen(visit, policies[i]))
				TRY(visit->visit(visit->context, policies[i]));
	}
	return OK;
}

/* The entity itself, and all that it is in. */
static enum status
visit_entity(struct visit *visit, enum index_axis axis, enum variable variable) {
	const struct evaluation *evaluation = visit->evaluation;
	TRY(visit_bucket(visit, axis, evaluation->hashes[variable]));
	if (evaluation->indexes[variable] == ENTITY_NONE)
		return OK;
	size_t count;
	const uint32_t *ancestors = entity_store_ancestors(evaluation->entities, evaluation->indexes[variable], &count);
	for (size_t i = 0; i < count; i++)
		TRY(visit_bucket(visit, axis, entity_store_hash(evaluation->entities, ancestors[i])));
	return OK;
}

static enum status
visit_axes(struct visit *visit) {
	const bool *has_axis = visit->index->has_axis;
	const struct evaluation *evaluation = visit->evaluation;
	if (has_axis[INDEX_NONE])
		TRY(visit_bucket(visit, INDEX_NONE, 0));
	if (has_axis[INDEX_PRINCIPAL_TYPE])
		TRY(visit_bucket(visit, INDEX_PRINCIPAL_TYPE, evaluation->type_hashes[VARIABLE_PRINCIPAL]));
	if (has_axis[INDEX_RESOURCE_TYPE])
		TRY(visit_bucket(visit, INDEX_RESOURCE_TYPE, evaluation->type_hashes[VARIABLE_RESOURCE]));
	if (has_axis[INDEX_PRINCIPAL])
		TRY(visit_entity(visit, INDEX_PRINCIPAL, VARIABLE_PRINCIPAL));
	return has_axis[INDEX_RESOURCE] ? visit_entity(visit, INDEX_RESOURCE, VARIABLE_RESOURCE) : OK;
}

enum status
policy_index_visit(const struct policy_index *index, const struct evaluation *evaluation,
		   enum status (*visit)(void *context, uint32_t policy), void *context) {
	struct visit state = {.index = index, .evaluation = evaluation, .visit = visit, .context = context};
	if (evaluation->indexes[VARIABLE_ACTION] != ENTITY_NONE)
		state.actions = entity_store_ancestors(evaluation->entities, evaluation->indexes[VARIABLE_ACTION],
						       &state.action_count);
	if (index->may_repeat && state.action_count > 0) {
		state.seen = ARENA_NEW_ARRAY(evaluation->scratch, index->policy_count / 64 + 1, uint64_t);
		TRY_ALLOC(state.seen);
	}
	return visit_axes(&state);
}
