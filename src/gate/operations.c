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

static void
held_destroy(struct held_operation **held) {
	struct held_operation *gone = TAKE(*held);
	if (gone == nullptr)
		return;
	votes_destroy(&gone->votes);
	arena_free(&gone->arena);
	free(gone);
}

void
operations_free(struct operations *operations) {
	size_t at = 0;
	void *value;
	while (map_next(&operations->by_id, &at, nullptr, &value)) {
		struct gate_operation *operation = value;
		held_destroy(&operation->held);
		free(operation);
	}
	map_free(&operations->by_id);
	map_free(&operations->kept);
}

struct gate_operation *
operations_find(const struct operations *operations, const struct hash256 *id) {
	return map_get(&operations->by_id, hash256_bytes(id));
}

enum status
operations_add(struct operations *operations, const struct hash256 *id, struct gate_operation **operation) {
	struct gate_operation *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->id = *id;
	made->state = OPERATION_IN_FLIGHT;
	made->entry = UINT64_MAX;
	enum status status = map_put(&operations->by_id, hash256_bytes(id), made, nullptr);
	if (status != OK)
		free(made);
	else
		*operation = made;
	return status;
}

static void
drop_kept(struct operations *operations, struct gate_operation *operation) {
	if (operation->held == nullptr)
		return;
	held_destroy(&operation->held);
	(void)map_remove(&operations->kept, hash256_bytes(&operation->id));
}

void
operations_forget(struct operations *operations, struct gate_operation *operation) {
	drop_kept(operations, operation);
	(void)map_remove(&operations->by_id, hash256_bytes(&operation->id));
	free(operation);
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
