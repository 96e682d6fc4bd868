/*
 * What tests of gate/ share: the whole gate in one process, the entries that it asks to be written, and the firm that uses it.
 * Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_GATE_FIXTURE_H
#define GATEHOUSE_TESTS_GATE_FIXTURE_H

#include <stdio.h>

#include "gate/gate.h"
#include "gate/genesis.h"
#include "gate/material.h"
#include "gate/replay.h"
#include "gate/snapshot.h"
#include "keys/root_key.h"
#include "tests/firm.h"

static const char INSTANCE[] = "northwind.example";
#define AUTHORITY "gate.northwind.example:8443"
constexpr int64_t START_MS = INT64_C(1'767'225'600'000);
constexpr int64_t A_DAY_MS = INT64_C(86'400'000);

struct bench_gate {
	struct firm firm;
	struct gate *gate;
	struct root_key *root;
	struct secrets *secrets;
	struct buffer leaves[256];
	size_t count;
	int64_t now_ms;
	char directory[64];
	int submissions;
	bool is_forged; /* what is in the log is not what the gate did */
};

static inline void
keep_leaf(struct bench_gate *b, enum entry_type type, struct bytes body) {
	struct entry entry = {.type = type, .seq = b->count, .at_ms = b->now_ms, .body = body};
	assert_true(b->count < ARRAY_LENGTH(b->leaves));
	assert_ok(entry_write(&entry, &b->leaves[b->count++]));
}

static inline struct gate_config
config_of(const struct bench_gate *b) {
	static const char *const authorities[] = {AUTHORITY};
	return (struct gate_config){.instance = bytes_of_text(INSTANCE),
				    .authorities = authorities,
				    .authority_count = 1,
				    .root = b->root,
				    .secrets = b->secrets,
				    .blobs = {io_system(), b->directory}};
}

/* From the entries that there are, in the place of one that runs. */
static inline void
start_gate(struct bench_gate *b) {
	struct gate_config config = config_of(b);
	gate_destroy(&b->gate);
	assert_ok(gate_create(&b->gate, &config));
	for (size_t i = 0; i < b->count; i++)
		assert_ok(gate_restore_entry(b->gate, i, buffer_bytes(&b->leaves[i])));
	assert_ok(gate_restore_finish(b->gate));
}

static inline void
set_up(struct bench_gate *b) {
	*b = (struct bench_gate){.now_ms = START_MS};
	firm_make(&b->firm, 1);
	snprintf(b->directory, sizeof b->directory, "/tmp/gatehouse-gate-test-XXXXXX");
	assert_non_null(mkdtemp(b->directory));
	char path[128];
	snprintf(path, sizeof path, "%s/secrets.db", b->directory);
	assert_ok(secrets_open(io_system(), path, &b->secrets));
	_cleanup_(buffer_free) struct buffer record = {}, genesis = {};
	struct argon2id_cost cheap = {.memory_kib = 64, .passes = 1, .lanes = 1};
	assert_ok(root_key_create(&b->root, ROOT_KEY_PASSPHRASE, BYTES_OF_LITERAL("correct horse battery"), cheap,
				  &record));
	assert_ok(firm_genesis(&b->firm, INSTANCE, "northwind.example/k1", "[\"a\",\"b\"]", START_MS, &genesis));
	keep_leaf(b, ENTRY_GENESIS, buffer_bytes(&genesis));
	start_gate(b);
}

/* Everything that is in the log, and what of it differs first. */
static inline struct replay_counts
replay(const struct bench_gate *b, size_t *at, char difference[256]) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	assert_ok(replayer_create(&replayer, &(struct record_blobs){io_system(), b->directory}));
	difference[0] = 0;
	for (size_t i = 0; i < b->count; i++) {
		enum replay_result result;
		const char *found;
		assert_ok(replayer_add(replayer, i, buffer_bytes(&b->leaves[i]), &result, &found));
		assert_int_equal(result == REPLAY_DIFFERENT, found != nullptr);
		if (found == nullptr || difference[0] != 0)
			continue;
		snprintf(difference, 256, "%s", found);
		*at = i;
	}
	return replayer_counts(replayer);
}

/* Whatever a test has the gate do, anyone decides again from the log. */
static inline void
tear_down(struct bench_gate *b) {
	char difference[256];
	size_t at = 0;
	if (!b->is_forged && replay(b, &at, difference).different > 0)
		fail_msg("entry %zu: %s", at, difference);
	gate_destroy(&b->gate);
	secrets_close(&b->secrets);
	root_key_destroy(&b->root);
	firm_free(&b->firm);
	for (size_t i = 0; i < b->count; i++)
		buffer_free(&b->leaves[i]);
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", b->directory);
	assert_int_equal(0, system(command));
}

/* What the keeper does with a step: entries first, then the state settles. */
static inline void
write_step(struct bench_gate *b, struct gate_step *step) {
	for (size_t i = 0; i < step->entry_count; i++)
		keep_leaf(b, step->entries[i].type, buffer_bytes(&step->entries[i].body));
	if (step->kind == GATE_DECIDED)
		gate_settle(b->gate, step, b->count - 1);
}

struct submitted {
	struct arena arena;
	struct submission submission;
	struct gate_step step;
	enum status status;
};

static inline void
submitted_free(struct submitted *s) {
	gate_step_free(&s->step);
	arena_free(&s->arena);
}

/* What people of every group may be asked about, and what waits longest. */
static const struct firm_operation new_unit = {.by = FIRM_PERSON_4,
					       .kind = "unit.add",
					       .resource = "system:gatehouse",
					       .payload = "{\"id\":\"north\",\"kind\":\"legal_entity\"}",
					       .lifetime_ms = 20 * A_DAY_MS};

/* As the gate has it now, after whatever restarts. */
static inline struct gate_operation *
find_submitted(const struct bench_gate *b, const struct submitted *s) {
	return operations_find(&b->gate->state->operations, &s->submission.id);
}

static inline void
submit(struct bench_gate *b, const struct firm_operation *wanted, struct submitted *s) {
	struct firm_operation operation = *wanted;
	char key[32];
	*s = (struct submitted){};
	if (operation.created_ms == 0)
		operation.created_ms = b->now_ms;
	if (operation.idempotency_key == nullptr) {
		snprintf(key, sizeof key, "op-%d", b->submissions++);
		operation.idempotency_key = key;
	}
	struct http_request request;
	s->submission.arena = &s->arena;
	assert_ok(firm_request(&b->firm, &s->arena, INSTANCE, AUTHORITY, &operation, &request));
	s->status = gate_begin_operation(b->gate, &request, (struct bytes){}, b->now_ms, &s->submission);
	if (s->status == OK)
		s->status = gate_verify_operation(b->gate, &request, b->now_ms, &s->submission);
	if (s->status == OK)
		s->status = gate_submit(b->gate, &s->submission, b->now_ms, &s->step);
	if (s->status == OK)
		write_step(b, &s->step);
}

/* The status of casting it; what it led to in *state. */
static inline enum status
vote_as(struct bench_gate *b, const struct gate_operation *operation, enum firm_member by,
	const struct firm_choice *choice, enum operation_state *state) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer material = {}, body = {};
	_cleanup_(gate_step_free) struct gate_step step = {};
	struct vote_submission submission;
	assert_ok(material_write(b->gate, &arena, operation, &material));
	assert_ok(firm_vote_as(&b->firm, INSTANCE, by, buffer_bytes(&material), choice, b->now_ms, &body));
	TRY(gate_read_vote(b->gate, &arena, buffer_bytes(&body), &submission));
	TRY(gate_vote(b->gate, &submission, b->now_ms, &step));
	write_step(b, &step);
	*state = step.state;
	return OK;
}

static inline enum operation_state
vote(struct bench_gate *b, const struct gate_operation *operation, enum firm_member by, const char *verdict) {
	enum operation_state state = OPERATION_IN_FLIGHT;
	struct firm_choice choice = {.verdict = verdict, .client = APPROVAL_CLIENT_CLI};
	assert_ok(vote_as(b, operation, by, &choice, &state));
	return state;
}

static const struct firm_operation create_hot_key = {
	.by = FIRM_PERSON_4,
	.kind = "key.create",
	.resource = "account:options-hot",
	.payload = "{\"algorithm\":\"secp256k1\",\"id\":\"eth-hot\",\"material\":\"single\",\"purpose\":\"transfer\"}",
};

static inline void
make_hot_key(struct bench_gate *b) {
	_cleanup_(submitted_free) struct submitted s;
	submit(b, &create_hot_key, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, s.step.state);
	assert_int_equal(OPERATION_HELD, vote(b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, vote(b, s.step.operation, FIRM_PERSON_5, "approve"));
}

/* EIP-1559, chain 1, to 0x3535…35: fee at most 21,000 × 30 gwei; value in units of 0.01 ETH = 30 USD. */
static inline struct firm_operation
transfer(unsigned hundredths, unsigned nonce, char payload[static 512]) {
	char value[40];
	unsigned __int128 wei = (unsigned __int128)hundredths * 10'000'000'000'000'000ULL;
	uint8_t bytes[16];
	size_t at = sizeof bytes;
	for (; wei > 0; wei >>= 8)
		bytes[--at] = (uint8_t)wei;
	hex_encode(bytes_of(bytes + at, sizeof bytes - at), value);
	size_t length = sizeof bytes - at;
	char body[256];
	snprintf(body, sizeof body, "01%02x843b9aca008506fc23ac0082520894%s%02x%s80c0", nonce == 0 ? 0x80 : nonce,
		 "3535353535353535353535353535353535353535", (unsigned)(0x80 + length), value);
	size_t total = strlen(body) / 2;
	if (total < 56)
		snprintf(payload, 512, "{\"format\":\"evm\",\"transaction\":\"0x02%02x%s\"}", (unsigned)(0xc0 + total),
			 body);
	else
		snprintf(payload, 512, "{\"format\":\"evm\",\"transaction\":\"0x02f8%02x%s\"}", (unsigned)total, body);
	return (struct firm_operation){
		.by = FIRM_SETTLEMENT, .kind = "sign", .resource = "key:eth-hot", .payload = payload};
}

/* EIP-1559, chain 1, a token's transfer (a9059cbb) or approve (095ea7b3) with 0x3535…35: fee at most 60,000 × 30 gwei = 5.40 USD;
 * amount in the token's smallest units. Signed by "eth-hot". */
static inline struct firm_operation
token_call(const char *selector, const char *token, unsigned amount, unsigned nonce, char payload[static 512]) {
	snprintf(payload, 512,
		 "{\"format\":\"evm\",\"transaction\":\"0x02f86d01%02x843b9aca008506fc23ac0082ea6094%s80b844%s%024d%s%"
		 "064x"
		 "c0\"}",
		 nonce == 0 ? 0x80 : nonce, token, selector, 0, "3535353535353535353535353535353535353535", amount);
	return (struct firm_operation){
		.by = FIRM_SETTLEMENT, .kind = "sign", .resource = "key:eth-hot", .payload = payload};
}

static inline void
assert_replays(const struct bench_gate *b, uint64_t same) {
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	assert_ok(replayer_create(&replayer, &(struct record_blobs){io_system(), b->directory}));
	for (size_t i = 0; i < b->count; i++) {
		enum replay_result result;
		const char *difference;
		assert_ok(replayer_add(replayer, i, buffer_bytes(&b->leaves[i]), &result, &difference));
		if (difference != nullptr)
			fail_msg("entry %zu: %s", i, difference);
	}
	assert_int_equal(same, replayer_counts(replayer).same);
}

static inline void
assert_differs(struct bench_gate *b, size_t at, const char *expected) {
	char difference[256];
	b->is_forged = true;
	size_t found = SIZE_MAX;
	replay(b, &found, difference);
	if (strstr(difference, expected) == nullptr)
		fail_msg("expected \"%s\", found \"%s\" at entry %zu", expected, difference, found);
	assert_int_equal(at, found);
}

static inline void
assert_honest(const struct bench_gate *b) {
	char difference[256];
	size_t at = 0;
	struct replay_counts counts = replay(b, &at, difference);
	if (counts.different != 0)
		fail_msg("entry %zu: %s", at, difference);
	assert_int_equal(counts.same, counts.recomputed);
	assert_int_equal(0, counts.partly + counts.unknown);
}

/* The same state after a restart, from the log alone and from a snapshot. The gate is another one afterwards. */
static inline void
assert_restarts_alike(struct bench_gate *b) {
	_cleanup_(buffer_free) struct buffer snapshot = {};
	struct gate_config config = config_of(b);
	struct hash256 live, from_log, from_snapshot;
	assert_ok(gate_state_digest(b->gate, b->now_ms, &live));
	assert_ok(gate_snapshot_write(b->gate, &snapshot));
	start_gate(b);
	assert_ok(gate_state_digest(b->gate, b->now_ms, &from_log));
	assert_true(hash256_equal(&live, &from_log));
	gate_destroy(&b->gate);
	assert_ok(gate_create(&b->gate, &config));
	assert_ok(gate_snapshot_read(b->gate, buffer_bytes(&snapshot)));
	assert_ok(gate_restore_finish(b->gate));
	assert_ok(gate_state_digest(b->gate, b->now_ms, &from_snapshot));
	assert_true(hash256_equal(&live, &from_snapshot));
}

/* Asked by person 4, approved by 3 and 5. */
static inline void
ask(struct bench_gate *b, const char *kind, const char *resource, const char *payload) {
	_cleanup_(submitted_free) struct submitted s;
	struct firm_operation operation = {.by = FIRM_PERSON_4, .kind = kind, .resource = resource, .payload = payload};
	submit(b, &operation, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, s.step.state);
	assert_int_equal(OPERATION_HELD, vote(b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, vote(b, s.step.operation, FIRM_PERSON_5, "approve"));
}

static inline enum operation_state
stop(struct bench_gate *b, enum firm_member by, const char *kind, const char *resource, const char *payload) {
	_cleanup_(submitted_free) struct submitted s;
	struct firm_operation operation = {.by = by, .kind = kind, .resource = resource, .payload = payload};
	submit(b, &operation, &s);
	assert_ok(s.status);
	return s.step.state;
}

/* Puts policies of a test's own into force, in the place of Northwind's. */
static inline void
activate(struct bench_gate *b, const char *policies) {
	_cleanup_(buffer_free) struct buffer payload = {};
	_cleanup_(submitted_free) struct submitted s;
	assert_ok(firm_activation_alone(policies, &payload));
	struct firm_operation change = {.by = FIRM_PERSON_4,
					.kind = "policy.activate",
					.resource = "system:gatehouse",
					.reason = "tested",
					.payload = (const char *)payload.data};
	submit(b, &change, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, vote(b, s.step.operation, FIRM_PERSON_3, "approve"));
	assert_int_equal(OPERATION_DONE, vote(b, s.step.operation, FIRM_PERSON_5, "approve"));
}

#endif
