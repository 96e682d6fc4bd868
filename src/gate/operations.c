#include "gate/operations.h"

#include <stdlib.h>

static const char *const state_names[OPERATION_STATES] = {
	[OPERATION_IN_FLIGHT] = "in_flight", [OPERATION_HELD] = "held",         [OPERATION_DONE] = "done",
	[OPERATION_DENIED] = "denied",       [OPERATION_REJECTED] = "rejected", [OPERATION_FAILED] = "failed",
	[OPERATION_EXPIRED] = "expired",     [OPERATION_UNKNOWN] = "unknown",
};

const char *
operation_state_name(enum operation_state state) {
	return state_names[state];
}

struct requester {
	struct held_operation *first;
};

static void
held_destroy(struct held_operation **held) {
	struct held_operation *gone = TAKE(*held);
	if (gone == nullptr)
		return;
	votes_destroy(&gone->votes);
	arena_free(&gone->arena);
	free(gone);
}

/* --- Places: in blocks, so that what stands there stays there. --- */

constexpr size_t PER_BLOCK = 1024;

static struct gate_operation *
operation_at(const struct operations *operations, size_t place) {
	return &operations->blocks[place / PER_BLOCK][place % PER_BLOCK];
}

static const uint8_t *
id_at(const void *context, uint32_t place) {
	return operation_at(context, place)->id.bytes;
}

static enum status
add_block(struct operations *operations) {
	struct gate_operation **blocks =
		reallocarray(operations->blocks, operations->block_count + 1, sizeof *operations->blocks);
	TRY_ALLOC(blocks);
	operations->blocks = blocks;
	blocks[operations->block_count] = calloc(PER_BLOCK, sizeof **blocks);
	TRY_ALLOC(blocks[operations->block_count]);
	operations->block_count++;
	return OK;
}

/* A vacant place is the newest one's: only what was just added is forgotten. */
static enum status
take_place(struct operations *operations, uint32_t *place) {
	if (operations->used > 0 && operation_at(operations, operations->used - 1)->is_vacant) {
		*place = (uint32_t)(operations->used - 1);
		return OK;
	}
	if (operations->used == DIGEST_INDEX_NONE)
		return fail(STATUS_TOO_LARGE, "operations.count: %zu are as many as one log can have",
			    operations->used);
	if (operations->used == operations->block_count * PER_BLOCK)
		TRY(add_block(operations));
	*place = (uint32_t)operations->used++;
	operation_at(operations, *place)->is_vacant = true;
	return OK;
}

void
operations_free(struct operations *operations) {
	for (size_t place = 0; place < operations->used; place++)
		held_destroy(&operation_at(operations, place)->held);
	for (size_t i = 0; i < operations->block_count; i++)
		free(operations->blocks[i]);
	free(operations->blocks);
	size_t at = 0;
	void *requester;
	while (map_next(&operations->requesters, &at, nullptr, &requester))
		free(requester);
	map_free(&operations->requesters);
	digest_index_free(&operations->by_id);
	map_free(&operations->kept);
	*operations = (struct operations){};
}

struct gate_operation *
operations_find(const struct operations *operations, const struct hash256 *id) {
	uint32_t place = digest_index_find(&operations->by_id, operations, id->bytes);
	return place == DIGEST_INDEX_NONE ? nullptr : operation_at(operations, place);
}

enum status
operations_add(struct operations *operations, const struct hash256 *id, struct gate_operation **operation) {
	uint32_t place;
	operations->by_id.digest_at = id_at;
	TRY(digest_index_reserve(&operations->by_id));
	TRY(take_place(operations, &place));
	struct gate_operation *made = operation_at(operations, place);
	*made = (struct gate_operation){.id = *id, .state = OPERATION_IN_FLIGHT, .entry = UINT64_MAX};
	digest_index_put(&operations->by_id, operations, id->bytes, place);
	operations->count++;
	*operation = made;
	return OK;
}

static int
compare_ids(const void *a, const void *b) {
	const struct gate_operation *x = *(const struct gate_operation *const *)a,
				    *y = *(const struct gate_operation *const *)b;
	return memcmp(x->id.bytes, y->id.bytes, sizeof x->id.bytes);
}

enum status
operations_sorted(const struct operations *operations, const struct gate_operation ***sorted) {
	size_t count = 0;
	*sorted = calloc(operations->count == 0 ? 1 : operations->count, sizeof **sorted);
	TRY_ALLOC(*sorted);
	for (size_t place = 0; place < operations->used; place++)
		if (!operation_at(operations, place)->is_vacant)
			(*sorted)[count++] = operation_at(operations, place);
	qsort(*sorted, count, sizeof **sorted, compare_ids);
	return OK;
}

/* --- What is kept of those that are not over. --- */

static enum status
find_or_add_requester(struct operations *operations, struct bytes principal, struct requester **requester) {
	*requester = map_get(&operations->requesters, principal);
	if (*requester != nullptr)
		return OK;
	struct requester *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	enum status status = map_put(&operations->requesters, principal, made, nullptr);
	if (status != OK)
		free(made);
	else
		*requester = made;
	return status;
}

enum status
operations_note_requester(struct operations *operations, struct held_operation *held) {
	struct requester *requester;
	if (held->whose != nullptr)
		return OK;
	TRY(find_or_add_requester(operations, held->operation.principal, &requester));
	held->whose = requester;
	held->of_same = requester->first;
	if (requester->first != nullptr)
		requester->first->before = held;
	requester->first = held;
	return OK;
}

const struct held_operation *
operations_first_of(const struct operations *operations, struct bytes principal) {
	const struct requester *requester = map_get(&operations->requesters, principal);
	return requester == nullptr ? nullptr : requester->first;
}

/* Who has none left is forgotten. */
static void
leave_requester(struct operations *operations, struct held_operation *held) {
	struct requester *requester = held->whose;
	if (requester == nullptr)
		return;
	*(held->before != nullptr ? &held->before->of_same : &requester->first) = held->of_same;
	if (held->of_same != nullptr)
		held->of_same->before = held->before;
	if (requester->first == nullptr)
		free(map_remove(&operations->requesters, held->operation.principal));
}

static void
drop_kept(struct operations *operations, struct gate_operation *operation) {
	if (operation->held == nullptr)
		return;
	leave_requester(operations, operation->held);
	held_destroy(&operation->held);
	(void)map_remove(&operations->kept, hash256_bytes(&operation->id));
}

void
operations_forget(struct operations *operations, struct gate_operation *operation) {
	drop_kept(operations, operation);
	digest_index_remove(&operations->by_id, operations, operation->id.bytes);
	*operation = (struct gate_operation){.is_vacant = true};
	operations->count--;
}

void
operations_set_state(struct operations *operations, struct gate_operation *operation, enum operation_state state) {
	if (state != OPERATION_HELD && state != OPERATION_UNKNOWN)
		drop_kept(operations, operation);
	operation->state = state;
}

enum status
operations_keep(struct operations *operations, struct gate_operation *operation, struct held_operation **held) {
	if (operation->held == nullptr) {
		operation->held = calloc(1, sizeof *operation->held);
		TRY_ALLOC(operation->held);
		operation->held->arena.block_size = 4096;
		operation->held->of = operation;
		enum status status = map_put(&operations->kept, hash256_bytes(&operation->id), operation, nullptr);
		if (status != OK) {
			free(operation->held);
			operation->held = nullptr;
			return status;
		}
	}
	*held = operation->held;
	return OK;
}

struct hash256
operation_repetition_hash(const struct operation *operation) {
	const struct bytes members[] = {operation->kind, operation->resource, hash256_bytes(&operation->payload_hash),
					operation->reference, operation->reason};
	uint8_t lengths[ARRAY_LENGTH(members)][4];
	struct bytes parts[2 + 2 * ARRAY_LENGTH(members)] = {BYTES_OF_LITERAL("gatehouse/repetition/v1")};
	for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
		store_u32be(lengths[i], (uint32_t)members[i].len);
		parts[1 + 2 * i] = bytes_of(lengths[i], sizeof lengths[i]);
		parts[2 + 2 * i] = members[i];
	}
	/* What is no break-glass hashes as it did before there was any. */
	parts[ARRAY_LENGTH(parts) - 1] = BYTES_OF_LITERAL("break_glass");
	return sha256_parts(parts, ARRAY_LENGTH(parts) - !operation->break_glass);
}
