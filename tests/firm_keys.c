#include "tests/firm_keys.h"

#include <stdio.h>

#include "gate/material.h"

static int64_t
now_ms(void) {
	return io_realtime_ns(io_system()) / 1'000'000;
}

static enum status
ask(struct keeper *keeper, struct arena *arena, const char *host, const char *target, struct bytes body,
    struct ipc_response *response) {
	static const uint8_t trading[] = {127, 1, 0, 9};
	struct ipc_request request = {.method = BYTES_OF_LITERAL("POST"),
				      .target = bytes_of_text(target),
				      .host = bytes_of_text(host),
				      .body = body};
	request.reported.peer_address = BYTES_OF_ARRAY(trading);
	request.reported.tls_group = BYTES_OF_LITERAL("X25519MLKEM768");
	return keeper_answer(keeper, &request, arena, response);
}

static enum status
vote(struct firm *firm, struct keeper *keeper, const char *instance, const char *host,
     const struct gate_operation *operation, enum firm_member by, unsigned *answered) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer material = {}, body = {};
	struct ipc_response response;
	char target[128], id[65];
	TRY(material_write(keeper_gate(keeper), &arena, operation, &material));
	TRY(firm_vote(firm, instance, by, buffer_bytes(&material), "approve", now_ms(), &body));
	hex_encode(hash256_bytes(&operation->id), id);
	snprintf(target, sizeof target, "/v1/operations/%s/votes", id);
	TRY(ask(keeper, &arena, host, target, buffer_bytes(&body), &response));
	*answered = response.status;
	return OK;
}

enum status
firm_make_key(struct firm *firm, struct keeper *keeper, const char *instance, const char *host, const char *id) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_response response;
	struct hash256 hash;
	unsigned answered;
	char payload[160];
	snprintf(payload, sizeof payload,
		 "{\"algorithm\":\"secp256k1\",\"id\":\"%s\",\"material\":\"single\",\"purpose\":\"transfer\"}", id);
	struct firm_operation operation = {.by = FIRM_PERSON_4,
					   .kind = "key.create",
					   .resource = "account:options-hot",
					   .payload = payload,
					   .idempotency_key = id,
					   .created_ms = now_ms()};
	TRY(firm_body(firm, instance, &operation, &body));
	TRY(ask(keeper, &arena, host, "/v1/operations", buffer_bytes(&body), &response));
	TRY(operation_id(bytes_of_text(instance), bytes_of_text(firm->members[operation.by].principal),
			 bytes_of_text(id), &hash));
	struct gate_operation *held = operations_find(&keeper_gate(keeper)->state->operations, &hash);
	if (response.status != 202 || held == nullptr)
		return fail(STATUS_INTERNAL, "firm_keys: %s is answered %u", id, response.status);
	TRY(vote(firm, keeper, instance, host, held, FIRM_PERSON_3, &answered));
	TRY(vote(firm, keeper, instance, host, held, FIRM_PERSON_5, &answered));
	return answered == 200 ? OK : fail(STATUS_INTERNAL, "firm_keys: %s is answered %u at last", id, answered);
}
