#include "policy/index.h"

struct index_bucket {
	uint64_t hash;
	const struct uid_literal *uid; /* null: free */
	enum variable axis;
	uint32_t count;
	uint32_t filled;
	uint32_t *policies;
};

struct anchor {
	enum variable axis;
	const struct uid_literal *uids;
	size_t count; /* 0: none */
	bool is_none;
};

static bool
names_entity(const struct compiled_scope *scope) {
	return scope->kind == SCOPE_EQUAL || scope->kind == SCOPE_IN || scope->kind == SCOPE_IS_IN;
}

static struct anchor
anchor_on(enum variable axis, const struct compiled_scope *scope) {
	return (struct anchor){axis, scope->entities, scope->count, false};
}

/* One entity says more than a whole group; a group of principals or resources more than an action. */
static struct anchor
choose_anchor(const struct compiled_policy *policy) {
	if (policy->principal.kind == SCOPE_EQUAL)
		return anchor_on(VARIABLE_PRINCIPAL, &policy->principal);
	if (policy->resource.kind == SCOPE_EQUAL)
		return anchor_on(VARIABLE_RESOURCE, &policy->resource);
	if (names_entity(&policy->principal))
		return anchor_on(VARIABLE_PRINCIPAL, &policy->principal);
	if (names_entity(&policy->resource))
		return anchor_on(VARIABLE_RESOURCE, &policy->resource);
	if (names_entity(&policy->action))
		return anchor_on(VARIABLE_ACTION, &policy->action);
	return (struct anchor){.is_none = true};
}

/* The bucket of that uid, or the free one where it belongs. */
static struct index_bucket *
find_bucket(const struct policy_index *index, enum variable axis, struct entity_uid uid, uint64_t hash) {
	for (size_t i = (hash + axis) & (index->capacity - 1);; i = (i + 1) & (index->capacity - 1)) {
		struct index_bucket *bucket = &index->buckets[i];
		if (bucket->uid == nullptr ||
		    (bucket->hash == hash && bucket->axis == axis && bytes_equal(bucket->uid->uid.id, uid.id) &&
		     bytes_equal(bucket->uid->uid.type, uid.type)))
			return bucket;
	}
}

static struct index_bucket *
enter_bucket(struct policy_index *index, enum variable axis, const struct uid_literal *uid) {
	struct index_bucket *bucket = find_bucket(index, axis, uid->uid, uid->hash);
	bucket->hash = uid->hash;
	bucket->uid = uid;
	bucket->axis = axis;
	return bucket;
}

/* Counts first, then room, then numbers. */
enum status
policy_index_build(struct arena *arena, const struct compiled_policy *policies, size_t count,
		   struct policy_index *index) {
	*index = (struct policy_index){.capacity = 16, .policy_count = count};
	size_t anchors = 0;
	for (size_t i = 0; i < count; i++) {
		struct anchor anchor = choose_anchor(&policies[i]);
		anchors += anchor.count;
		index->unanchored_count += anchor.is_none;
	}
	while (index->capacity < 2 * anchors + 1)
		index->capacity *= 2;
	uint32_t *unanchored = ARENA_NEW_ARRAY(arena, index->unanchored_count, uint32_t);
	uint32_t *postings = ARENA_NEW_ARRAY(arena, anchors, uint32_t);
	index->buckets = ARENA_NEW_ARRAY(arena, index->capacity, struct index_bucket);
	TRY_ALLOC(unanchored);
	TRY_ALLOC(postings);
	TRY_ALLOC(index->buckets);
	index->unanchored = unanchored;
	for (size_t i = 0; i < count; i++) {
		struct anchor anchor = choose_anchor(&policies[i]);
		for (size_t j = 0; j < anchor.count; j++)
			enter_bucket(index, anchor.axis, &anchor.uids[j])->count++;
		if (anchor.count > 0)
			index->has_axis[anchor.axis] = true;
		if (anchor.count > 1)
			index->may_repeat = true;
	}
	for (size_t i = 0; i < index->capacity; i++) {
		index->buckets[i].policies = postings;
		postings += index->buckets[i].count;
	}
	for (size_t i = 0; i < count; i++) {
		struct anchor anchor = choose_anchor(&policies[i]);
		if (anchor.is_none)
			*unanchored++ = (uint32_t)i;
		for (size_t j = 0; j < anchor.count; j++) {
			struct index_bucket *bucket = enter_bucket(index, anchor.axis, &anchor.uids[j]);
			bucket->policies[bucket->filled++] = (uint32_t)i;
		}
	}
	return OK;
}

struct visit {
	enum status (*visit)(void *context, uint32_t policy);
	void *context;
	uint64_t *seen; /* a bit per policy; null: none can come twice */
};

static enum status
visit_policies(struct visit *visit, const uint32_t *policies, size_t count) {
	for (size_t i = 0; i < count; i++) {
		if (visit->seen != nullptr) {
			uint64_t *word = &visit->seen[policies[i] / 64], bit = UINT64_C(1) << policies[i] % 64;
			if ((*word & bit) != 0)
				continue;
			*word |= bit;
		}
		TRY(visit->visit(visit->context, policies[i]));
	}
	return OK;
}

static enum status
visit_axis(struct visit *visit, const struct policy_index *index, const struct evaluation *evaluation,
	   enum variable axis) {
	const struct index_bucket *bucket =
		find_bucket(index, axis, evaluation->variables[axis].entity, evaluation->hashes[axis]);
	TRY(visit_policies(visit, bucket->policies, bucket->count));
	if (evaluation->indexes[axis] == ENTITY_NONE)
		return OK;
	size_t count;
	const uint32_t *ancestors = entity_store_ancestors(evaluation->entities, evaluation->indexes[axis], &count);
	for (size_t i = 0; i < count; i++) {
		struct entity_uid uid = entity_store_uid(evaluation->entities, ancestors[i]);
		bucket = find_bucket(index, axis, uid, entity_store_hash(evaluation->entities, ancestors[i]));
		TRY(visit_policies(visit, bucket->policies, bucket->count));
	}
	return OK;
}

enum status
policy_index_visit(const struct policy_index *index, const struct evaluation *evaluation,
		   enum status (*visit)(void *context, uint32_t policy), void *context) {
	struct visit state = {.visit = visit, .context = context};
	if (index->may_repeat && index->has_axis[VARIABLE_ACTION]) {
		state.seen = ARENA_NEW_ARRAY(evaluation->scratch, index->policy_count / 64 + 1, uint64_t);
		TRY_ALLOC(state.seen);
	}
	TRY(visit_policies(&state, index->unanchored, index->unanchored_count));
	for (enum variable axis = VARIABLE_PRINCIPAL; axis <= VARIABLE_RESOURCE; axis++)
		if (index->has_axis[axis])
			TRY(visit_axis(&state, index, evaluation, axis));
	return OK;
}
