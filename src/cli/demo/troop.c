#include "cli/demo/troop.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

constexpr int PATIENCE_MS = 60'000;
constexpr int LOOK_MS = 20;

const char *const troop_names[KEEPERS] = {"a", "b", "c"};

/* --- Opening. --- */

static enum status
configure(struct troop *troop, enum troop_member member) {
	struct house *house = &troop->stages[member]->house;
	_cleanup_(buffer_free) struct buffer known = {}, settings = {};
	buffer_append_format(&settings, "peer_listen: {address: 127.0.0.1, port: %u}\npeers:\n", troop->ports[member]);
	for (size_t i = 0; i < KEEPERS; i++) {
		if (i == member)
			continue;
		/* What a workload signed for one of them holds at all. */
		buffer_append_format(&known, ", \"%s\"", troop->stages[i]->house.authority);
		bool by_wire = member == KEEPER_A && i == KEEPER_B;
		buffer_append_format(&settings, "  - {name: %s, address: 127.0.0.1, port: %u}\n", troop_names[i],
				     by_wire ? troop->wire.port : troop->ports[i]);
	}
	TRY(buffer_status(&known));
	TRY(buffer_status(&settings));
	house->guard = "{kind: none}"; /* that data is old is the others' to find out */
	house->also_known = arena_text(&house->arena, buffer_bytes(&known));
	house->settings = arena_text(&house->arena, buffer_bytes(&settings));
	TRY_ALLOC(house->also_known);
	TRY_ALLOC(house->settings);
	return house_configure(house);
}

enum status
troop_open(struct troop *troop, const char *amounts) {
	troop->amounts = amounts;
	for (size_t i = 0; i < KEEPERS; i++) {
		troop->stages[i] = calloc(1, sizeof *troop->stages[i]);
		TRY_ALLOC(troop->stages[i]);
		troop->stages[i]->amounts = amounts;
		troop->stages[i]->house.program = troop->stages[i]->house.front_listener = -1;
		TRY(house_open(&troop->stages[i]->house, false));
		TRY(house_choose_port(&troop->ports[i]));
	}
	TRY(wire_open(&troop->wire, troop->ports[KEEPER_B]));
	for (size_t i = 0; i < KEEPERS; i++)
		TRY(configure(troop, (enum troop_member)i));
	return OK;
}

void
troop_close(struct troop *troop) {
	for (size_t i = 0; i < KEEPERS; i++) {
		struct stage *stage = TAKE(troop->stages[i]);
		if (stage == nullptr)
			continue;
		house_close(&stage->house);
		actors_free(&stage->actors);
		arena_free(&stage->arena);
		free(stage);
	}
	wire_close(&troop->wire);
}

/* --- Asking. --- */

enum status
troop_decide(struct stage *stage, const char *kind, const char *resource, const char *payload, struct told *told) {
	TRY(actor_ask(&stage->actors, ACTOR_PERSON_4, kind, resource, payload, told));
	TRY(stage_expect(stage, kind, told, "held"));
	const char *operation = told->operation;
	TRY(actor_vote(&stage->actors, ACTOR_PERSON_3, operation, told));
	TRY(stage_expect(stage, kind, told, "held"));
	TRY(actor_vote(&stage->actors, ACTOR_PERSON_5, operation, told));
	return stage_expect(stage, kind, told, "done");
}

enum status
troop_peer(struct stage *stage, const char *name, const json **row) {
	struct told told;
	const json *peers, *one;
	struct bytes its_name;
	*row = nullptr;
	TRY(actor_get(&stage->actors, ACTOR_PERSON_1, "/v1/keepers", &told));
	TRY(json_need(told.document, "keepers", "peers", JSON_ARRAY, &peers));
	struct json_iterator iterator = json_iterate(peers);
	while ((one = json_next(&iterator, nullptr)) != nullptr) {
		TRY(json_need_string(one, "keepers", "name", &its_name));
		if (bytes_equal_text(its_name, name))
			*row = one;
	}
	return OK;
}

static enum status
is_in_state(struct stage *stage, const char *name, const char *wanted, const json **row, bool *is) {
	struct bytes state;
	*is = false;
	TRY(troop_peer(stage, name, row));
	if (*row == nullptr)
		return OK;
	TRY(json_need_string(*row, "keepers", "state", &state));
	*is = bytes_equal_text(state, wanted);
	return OK;
}

static enum status
look_again(int waited, const char *name, const char *what) {
	if (interrupt_came())
		return fail(STATUS_UNAVAILABLE, "demo.interrupted: by a signal");
	if (waited >= PATIENCE_MS)
		return fail(STATUS_CONFLICT, "demo.wait: keeper %s is not %s", name, what);
	poll(nullptr, 0, LOOK_MS);
	return OK;
}

enum status
troop_wait_state(struct stage *stage, const char *name, const char *state) {
	const json *row;
	bool is = false;
	for (int waited = 0; !is; waited += LOOK_MS) {
		TRY(is_in_state(stage, name, state, &row, &is));
		if (!is)
			TRY(look_again(waited, name, state));
	}
	return OK;
}

enum status
troop_wait_shown(struct stage *stage, const char *name, int64_t more_than, int64_t *size) {
	const json *row, *shown;
	bool is = false;
	for (int waited = 0;; waited += LOOK_MS) {
		TRY(is_in_state(stage, name, "up", &row, &is));
		*size = 0;
		if (is && (shown = json_get(row, "shown")) != nullptr)
			TRY(json_need_integer(shown, "keepers.shown", "size", size));
		if (is && *size > more_than)
			return OK;
		TRY(look_again(waited, name, "up with a log that has grown"));
	}
}

enum status
troop_wait_all_up(struct troop *troop) {
	for (size_t i = 0; i < KEEPERS; i++)
		for (size_t j = 0; j < KEEPERS; j++)
			if (i != j)
				TRY(troop_wait_state(troop->stages[i], troop_names[j], "up"));
	return OK;
}

/* --- Transfers. --- */

static enum status
id_of_request(struct stage *stage, const struct prepared *prepared, struct hash256 *id) {
	const json *body, *document;
	struct operation operation;
	TRY(json_read(&stage->arena, prepared->request.body, (struct json_limits){}, &body));
	TRY(json_need(body, "request", "operation", JSON_OBJECT, &document));
	TRY(operation_read(document, &operation));
	return operation_id(operation.instance, operation.principal, operation.idempotency_key, id);
}

enum status
troop_prepare(struct troop *troop, enum troop_member at, uint64_t low, uint64_t high, struct troop_transfer *transfer) {
	struct stage *stage = troop->stages[at];
	const char *payload, *what = arena_format(&stage->arena, "keepers %llu", (unsigned long long)troop->picked++);
	TRY_ALLOC(what);
	transfer->plan = (struct evm_plan){
		.nonce = troop->nonce, .to = PAYEE_ADDRESS, .gwei = amount_pick(troop->amounts, what, low, high)};
	TRY(evm_payload(&stage->arena, &transfer->plan, &payload));
	TRY(actor_prepare(&stage->actors, ACTOR_SETTLEMENT, "sign", "key:vault", payload, &transfer->request));
	return id_of_request(stage, &transfer->request, &transfer->operation);
}

enum status
troop_spent(struct stage *stage, const struct told *told, int64_t *cents, int64_t *hour) {
	struct decision_facts facts;
	const json *limits, *value;
	TRY(stage_facts(stage, told, &facts));
	TRY(stage_fact_long(&facts, "transfer.usd_cents", cents));
	TRY(json_need(facts.facts, "facts", "limits.key", JSON_OBJECT, &limits));
	TRY(json_need(limits, "limits.key", "value", JSON_OBJECT, &value));
	return json_need_integer(value, "limits.key", "hour", hour);
}

enum status
troop_sign(struct troop *troop, enum troop_member at, int64_t *cents, const char **id) {
	struct stage *stage = troop->stages[at];
	struct troop_transfer transfer;
	struct told told;
	TRY(troop_prepare(troop, at, 10'000'000, 50'000'000, &transfer)); /* 30 to 150 USD */
	TRY(actor_send(&stage->actors, &transfer.request, &told));
	TRY(stage_expect(stage, "a transfer", &told, "done"));
	TRY(stage_check_signed(stage, &told, &transfer.plan, id));
	TRY(troop_spent(stage, &told, cents, &troop->spent));
	troop->nonce++;
	return OK;
}

const char *
troop_words(struct stage *stage, const struct told *told) {
	const json *detail = json_get(told->document, "detail");
	if (detail == nullptr || json_type_of(detail) != JSON_STRING)
		return "";
	return arena_text(&stage->arena, json_string(detail)) ?: "";
}

enum status
troop_expect_refused(const char *what, const struct told *told, const char *why) {
	bool refused = told->status >= 400 && memmem(told->body.data, told->body.len, why, strlen(why)) != nullptr;
	return refused ? OK
		       : fail(STATUS_CONFLICT, "demo.refusal: %s: expected \"%s\", found %u: %.*s", what, why,
			      told->status, (int)(told->body.len > 400 ? 400 : told->body.len),
			      (const char *)told->body.data);
}
