#include "tests/test.h"

#include <stdio.h>

#include "base/io.h"
#include "base/json.h"
#include "crypto/sign.h"
#include "gate/keepers.h"
#include "keeper/internal.h"
#include "keeper/threshold_internal.h"

static void
fill(struct hash256 *hash, uint8_t with) {
	memset(hash->bytes, with, sizeof hash->bytes);
}

static struct proposal
example_sign(void) {
	struct proposal proposal = {
		.kind = PROPOSE_SIGN, .signer_count = 2, .signers = {1, 3}, .presignature_count = 1};
	fill(&proposal.operation, 1);
	fill(&proposal.presignatures[0], 2);
	return proposal;
}

static struct proposal
example_prepare(void) {
	struct proposal proposal = {.kind = PROPOSE_PREPARE,
				    .signer_count = 2,
				    .signers = {2, 3},
				    .key_id = BYTES_OF_LITERAL("vault"),
				    .epoch = 7,
				    .counter = UINT64_C(1) << 60};
	return proposal;
}

static struct proposal
example_resume(void) {
	struct proposal proposal = {.kind = PROPOSE_RESUME};
	fill(&proposal.operation, 1);
	fill(&proposal.nonce, 4);
	return proposal;
}

static struct proposal
example_leave(void) {
	return (struct proposal){.kind = PROPOSE_LEAVE, .key_id = BYTES_OF_LITERAL("vault"), .epoch = 7};
}

static struct proposal
example_continue(void) {
	struct proposal proposal = {.kind = PROPOSE_CONTINUE, .round_count = 2};
	fill(&proposal.operation, 1);
	fill(&proposal.nonce, 4);
	fill(&proposal.rounds[0], 5);
	fill(&proposal.rounds[1], 6);
	return proposal;
}

static struct proposal
example_show(void) {
	struct proposal proposal = {.kind = PROPOSE_SHOW};
	fill(&proposal.operation, 1);
	return proposal;
}

static struct joint_answer
example_answer(enum answer_kind kind) {
	struct joint_answer answer = {
		.kind = kind,
		.enrolment = ENROLMENT_ANSWER_NOT_NOW,
		.gives_back = true,
		.reason = BYTES_OF_LITERAL("operation.denied: no"),
		.signature_count = 1,
		.signatures = {{.recovery = 1}},
		.pledges = {.count = 2,
			    .of = {{.holder = 1, .word = PLEDGE_KEEPS}, {.holder = 1, .word = PLEDGE_NEVER}}},
		.key_id = BYTES_OF_LITERAL("vault"),
		.is_stopped = true,
		.lost_count = 2,
		.lost = {1, 3},
		.result = BYTES_OF_LITERAL("{\"transaction\":\"02\"}"),
		.seal = {.key = {8}, .signature = {9}}};
	fill(&answer.operation, 1);
	fill(&answer.digest, 5);
	fill(&answer.bundle, 6);
	answer.epoch = 7;
	fill(&answer.holders, 10);
	return answer;
}

static struct spend
example_spend(void) {
	static const struct limit_part parts[] = {{LIMIT_KEY, {(const uint8_t *)"vault", 5}, 1000},
						  {LIMIT_ASSET, {(const uint8_t *)"eth", 3}, JSON_INTEGER_MAX}};
	struct spend spend = {.at_ms = 400, .parts = parts, .part_count = ARRAY_LENGTH(parts)};
	memset(spend.operation, 1, sizeof spend.operation);
	memset(spend.identity, 2, sizeof spend.identity);
	return spend;
}

/* One body of every form, and its reader, which writes what it has read once more. */
static enum status
proposal_again(struct bytes body, struct buffer *to) {
	struct proposal read;
	TRY(proposal_read(body, &read));
	proposal_write(to, &read);
	return OK;
}

static enum status
answer_again(struct bytes body, struct buffer *to) {
	struct joint_answer read;
	TRY(joint_answer_read(body, &read));
	joint_answer_write(to, &read);
	return OK;
}

static enum status
counted_again(struct bytes body, struct buffer *to) {
	_cleanup_(arena_free) struct arena arena = {};
	struct cursor cursor = cursor_of(body);
	while (cursor.left > 0) {
		struct spend spend;
		TRY(counted_read(&cursor, &arena, 1000, &spend));
		counted_write(to, &spend, 1000);
	}
	return OK;
}

enum form {
	SIGN,
	PREPARE,
	RESUME,
	LEAVE,
	CONTINUE,
	SHOW,
	PERMITTED,
	REFUSED,
	STORED,
	SIGNED,
	PLEDGED,
	ENROLMENT,
	LEFT,
	PAIRS,
	SHOWN,
	COUNTED,
	FORMS
};

static void
write_form(enum form form, struct buffer *body) {
	struct proposal proposals[] = {example_sign(),  example_prepare(),  example_resume(),
				       example_leave(), example_continue(), example_show()};
	struct spend spend = example_spend();
	if (form <= SHOW) {
		proposal_write(body, &proposals[form]);
	} else if (form == COUNTED) {
		counted_write(body, &spend, 1000);
		counted_write(body, &spend, 1000);
	} else {
		struct joint_answer answer = example_answer((enum answer_kind)(form - PERMITTED + ANSWER_PERMITTED));
		joint_answer_write(body, &answer);
	}
	assert_ok(buffer_status(body));
}

static enum status
read_form(enum form form, struct bytes body, struct buffer *to) {
	return form <= SHOW      ? proposal_again(body, to)
	       : form == COUNTED ? counted_again(body, to)
				 : answer_again(body, to);
}

static void
what_is_written_is_read_and_nothing_shorter(void **) {
	for (enum form form = SIGN; form < FORMS; form++) {
		_cleanup_(buffer_free) struct buffer body = {}, again = {};
		write_form(form, &body);
		assert_ok(read_form(form, buffer_bytes(&body), &again));
		assert_true(bytes_equal(buffer_bytes(&body), buffer_bytes(&again)));
		for (size_t len = 0; len < body.len; len++) {
			bool is_whole = form == COUNTED && (len == 0 || len == body.len / 2);
			buffer_reset(&again);
			assert_true((read_form(form, bytes_of(body.data, len), &again) == OK) == is_whole);
		}
		buffer_append_byte(&body, 0);
		buffer_reset(&again);
		assert_true(read_form(form, buffer_bytes(&body), &again) == STATUS_INVALID);
	}
}

/* One byte of a good body is another. */
static const struct {
	enum form form;
	size_t at;
	uint8_t becomes;
	const char *error;
} bad_inputs[] = {
	{SIGN, 0, 0, "joint.proposal"},
	{SIGN, 0, 7, "joint.proposal"},
	{SIGN, 0, 6, "joint.proposal.trailing"},
	{SHOW, 0, 3, "joint.sharing"},
	{SIGN, 33, 1, "joint.signers"},
	{SIGN, 33, 17, "joint.signers"},
	{SIGN, 34, 0, "joint.signers"},
	{SIGN, 34, 3, "joint.signers"},
	{SIGN, 36, 0, "joint.presignatures"},
	{SIGN, 36, 17, "joint.presignatures"},
	{SIGN, 36, 2, "joint.presignatures"},
	{PREPARE, 1, 1, "joint.key"},
	{PREPARE, 5, 'V', "key_record.id"},
	{PREPARE, 22, 1, "joint.signers"},
	{PREPARE, 24, 2, "joint.signers"},
	{PERMITTED, 0, 0, "joint.answer"},
	{LEAVE, 1, 1, "joint.key"},
	{LEAVE, 5, 0, "key_record.id"},
	{CONTINUE, 65, 0, "joint.rounds"},
	{CONTINUE, 65, 1, "joint.proposal.trailing"},
	{CONTINUE, 65, 3, "joint.rounds"},
	{CONTINUE, 65, 4, "joint.rounds"},
	{LEFT, 33, 1, "joint.key"},
	{LEFT, 37, 0, "key_record.id"},
	{LEFT, 42, 2, "joint.stopped"},
	{PAIRS, 33, 1, "joint.key"},
	{PAIRS, 37, 0, "key_record.id"},
	{PAIRS, 42, 0, "joint.pairs"},
	{PAIRS, 42, 17, "joint.pairs"},
	{PAIRS, 42, 1, "joint.answer.trailing"},
	{PAIRS, 42, 3, "joint.pairs"},
	{PAIRS, 43, 0, "joint.pairs"},
	{PAIRS, 43, 3, "joint.pairs"},
	{PAIRS, 44, 17, "joint.pairs"},
	{PERMITTED, 0, 10, "joint.answer"},
	{PERMITTED, 0, 9, "joint.result"},
	{SHOWN, 33, 1, "joint.result"},
	{SHOWN, 36, 1, "joint.answer.trailing"},
	{SHOWN, 34, 16, "joint.result"},
	{PERMITTED, 0, 3, "joint.answer.trailing"},
	{REFUSED, 33, 3, "joint.gives_back"},
	{REFUSED, 34, 1, "joint.reason"},
	{REFUSED, 38, '\n', "joint.reason"},
	{REFUSED, 38, 0x7f, "joint.reason"},
	{REFUSED, 38, 0xc3, "joint.reason"},
	{SIGNED, 33, 0, "joint.signatures"},
	{SIGNED, 33, 17, "joint.signatures"},
	{SIGNED, 98, 4, "joint.signatures"},
	{ENROLMENT, 33, 0, "joint.enrolment"},
	{ENROLMENT, 33, 4, "joint.enrolment"},
	{ENROLMENT, 37, 1, "joint.answer.trailing"},
	{ENROLMENT, 38, '\n', "joint.reason"},
	{PLEDGED, 33, 0, "pledge.count"},
	{PLEDGED, 33, 1, "joint.answer.trailing"},
	{PLEDGED, 33, 3, "pledge.holder"},
	{PLEDGED, 33, 33, "pledge.count"},
	{PLEDGED, 35, 0, "pledge.word"},
	{PLEDGED, 35, 2, "pledge.twice"},
	{PLEDGED, 35, 3, "pledge.word"},
	{COUNTED, 71, 0, "joint.parts"},
	{COUNTED, 68, 1, "joint.parts"},
	{COUNTED, 72, LIMIT_DIMENSIONS, "joint.dimension"},
	{COUNTED, 73, 1, "joint.subject"},
	{COUNTED, 82, 0xff, "joint.cents"},
};

static void
bad_inputs_are_refused_by_name(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(bad_inputs); i++) {
		_cleanup_(buffer_free) struct buffer body = {}, again = {};
		write_form(bad_inputs[i].form, &body);
		assert_true(bad_inputs[i].at < body.len);
		body.data[bad_inputs[i].at] = bad_inputs[i].becomes;
		assert_fails(STATUS_INVALID, bad_inputs[i].error,
			     read_form(bad_inputs[i].form, buffer_bytes(&body), &again));
	}
}

static void
a_seal_is_read_whole_or_not_at_all(void **) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct counted_seal seal, read;
	memset(&seal, 7, sizeof seal);
	seal.key[0] = 8;
	seal.signature[63] = 9;
	counted_seal_write(&body, &seal);
	assert_ok(buffer_status(&body));
	struct cursor cursor = cursor_of(buffer_bytes(&body));
	assert_ok(counted_seal_read(&cursor, &read));
	assert_int_equal(0, cursor.left);
	assert_memory_equal(&seal, &read, sizeof seal);
	for (size_t len = 0; len < body.len; len++) {
		cursor = cursor_of(bytes_of(body.data, len));
		assert_fails(STATUS_INVALID, "joint.counted_seal", counted_seal_read(&cursor, &read));
	}
}

/* --- Known answers: in tests/vectors, which tests/threshold_message_vectors.py makes again in another language, from
 * docs/PROTOCOL.threshold §16. GATEHOUSE_WRITE_VECTORS=1 writes the files anew. --- */

static void
expect_recorded(const char *name, struct json_writer *w, struct buffer *text) {
	_cleanup_(buffer_free) struct buffer recorded = {};
	char path[4096];
	assert_ok(json_writer_finish(w));
	buffer_append_text(text, "\n");
	snprintf(path, sizeof path, "%s/tests/vectors/%s", test_source_root(), name);
	if (getenv("GATEHOUSE_WRITE_VECTORS") != nullptr)
		assert_ok(io_replace_file(io_system(), path, buffer_bytes(text)));
	assert_ok(io_read_file(io_system(), path, 1 << 20, &recorded));
	assert_bytes(buffer_bytes(&recorded), buffer_bytes(text));
}

static void
bodies_are_the_recorded_ones(void **) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_array(&w);
	for (enum form form = SIGN; form < FORMS; form++) {
		_cleanup_(buffer_free) struct buffer body = {};
		write_form(form, &body);
		char *hex = malloc(2 * body.len + 1);
		assert_non_null(hex);
		hex_encode(buffer_bytes(&body), hex);
		json_write_text(&w, hex);
		free(hex);
	}
	json_write_end(&w);
	expect_recorded("threshold-messages.json", &w, &text);
}

/* What is sealed: told by "one", whose keys are fixed, to "two", over a link that keeps it, at a time that stands still. */

#define INSTANCE "northwind.example"
#define VAULT BYTES_OF_LITERAL("vault")
constexpr int64_t NOW_MS = 1'800'000'000'000;
constexpr size_t TOLD_MAX = 8;

static const struct {
	const char *name;
	uint8_t index;
} PARTIES[] = {{"one", 1}, {"two", 3}};

struct telling_keeper {
	struct keeper keeper;
	struct threshold threshold;
	struct pledge_keys keys[2];
	uint8_t seeds[2][32], publics[2][32], identity[32];
	struct peer peer;
	size_t told_count;
	enum peer_kind kinds[TOLD_MAX];
	struct buffer told[TOLD_MAX];
};

static int64_t
standing_ns(const struct io *) {
	return NOW_MS * 1'000'000;
}

static const struct io_operations STANDING_CLOCK = {.realtime_ns = standing_ns, .boottime_ns = standing_ns};
static const struct io STANDING = {&STANDING_CLOCK};

static const struct peer *
peer_at(void *context, size_t index) {
	const struct telling_keeper *one = context;
	return index == 0 ? &one->peer : nullptr;
}

static uint8_t
own_party(void *) {
	return PARTIES[0].index;
}

static const uint8_t *
own_identity(void *context) {
	const struct telling_keeper *one = context;
	return one->identity;
}

static void
own_keys(void *context, struct pledge_keys *keys) {
	const struct telling_keeper *one = context;
	*keys = one->keys[0];
}

static enum status
keep_told(void *context, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	struct telling_keeper *one = context;
	assert_ptr_equal(&one->peer, peer);
	assert_true(one->told_count < TOLD_MAX);
	one->kinds[one->told_count] = kind;
	buffer_append_bytes(&one->told[one->told_count++], body);
	return OK;
}

static void
make_party(struct telling_keeper *one, size_t at, uint8_t identity[32]) {
	struct pledge_keys *keys = &one->keys[at];
	memset(one->seeds[at], 0x30 + (int)at, sizeof one->seeds[at]);
	assert_ok(ed25519_public_key(one->seeds[at], one->publics[at]));
	*keys = (struct pledge_keys){.seed = one->seeds[at], .key = one->publics[at]};
	fill(&keys->certificate, (uint8_t)(0x70 + at));
	keeper_identity(INSTANCE, PARTIES[at].name, PARTIES[at].index, &keys->certificate, keys->key, identity);
}

/* Both hold the key and held it before. */
static void
add_key(struct telling_keeper *one) {
	struct gate_state *state = one->keeper.gate->state;
	struct shared_key *key = calloc(1, sizeof *key);
	struct key_info *record = calloc(1, sizeof *record);
	assert_non_null(key);
	assert_non_null(record);
	struct sharing *sharing = &key->sharing, before;
	*sharing = (struct sharing){.scheme = KEY_SHARED_ECDSA,
				    .key = {.id = "vault", .threshold = 2, .epoch = 1, .holders = {.count = 2}}};
	for (size_t i = 0; i < 2; i++) {
		sharing->key.holders.parties[i].index = PARTIES[i].index;
		memcpy(sharing->key.holders.parties[i].identity, i == 0 ? one->identity : one->peer.identity, 32);
		memcpy(sharing->names[i], PARTIES[i].name, strlen(PARTIES[i].name));
		memset(sharing->key.public_shares[i], 2 + (int)i, POINT_SIZE);
		sharing->admissions[i] = i + 1;
	}
	memset(sharing->key.public_key, 2, POINT_SIZE);
	before = *sharing;
	sharing->key.epoch = 2;
	leaving_begin(&key->leaving, &before, sharing, "one");
	record->state = KEY_ACTIVE;
	assert_ok(map_put(&state->shared_keys, VAULT, key, nullptr));
	assert_ok(map_put(&state->keys, VAULT, record, nullptr));
}

static void
open_telling(struct telling_keeper *one) {
	static const char *const authorities[] = {"127.0.0.1:8443"};
	*one = (struct telling_keeper){.keeper = {.config = {.io = &STANDING}}};
	make_party(one, 0, one->identity);
	make_party(one, 1, one->peer.identity);
	memcpy(one->peer.name, PARTIES[1].name, strlen(PARTIES[1].name));
	one->peer.party = PARTIES[1].index;
	one->peer.is_enrolled = true;
	one->peer.state = PEER_UP;
	one->threshold.link = (struct threshold_link){.context = one,
						      .at = peer_at,
						      .own_party = own_party,
						      .own_identity = own_identity,
						      .own_keys = own_keys,
						      .send = keep_told};
	one->keeper.threshold = &one->threshold;
	clock_start(&one->keeper.clock, &STANDING, 0);
	assert_ok(gate_create(&one->keeper.gate, &(struct gate_config){.instance = BYTES_OF_LITERAL(INSTANCE),
								       .keeper = BYTES_OF_LITERAL("one"),
								       .authorities = authorities,
								       .authority_count = 1}));
	add_key(one);
}

static void
close_telling(struct telling_keeper *one) {
	for (size_t i = 0; i < one->told_count; i++)
		buffer_free(&one->told[i]);
	for (size_t i = 0; i <= PARTIES_MAX; i++)
		buffer_free(&one->threshold.untold[i]);
	gate_destroy(&one->keeper.gate);
}

/* Operation and identity are of bytes that are all alike; each is ten cents more. */
static struct spend
known_spend(uint8_t number, struct limit_part parts[2]) {
	struct spend spend = {.at_ms = NOW_MS - 1000 * (10 - number), .parts = parts, .part_count = 2};
	memset(spend.operation, number, sizeof spend.operation);
	memset(spend.identity, 0x80 + number, sizeof spend.identity);
	parts[0] = (struct limit_part){LIMIT_KEY, VAULT, 1000 + 10 * number};
	parts[1] = (struct limit_part){LIMIT_ASSET, BYTES_OF_LITERAL("eth"), 1000 + 10 * number};
	return spend;
}

/* Three that it counts itself, two of them told as the connection comes up, one that it keeps of another; then that it has left, once as the
 * key is in use, once as it is frozen. */
static void
tell_all(struct telling_keeper *one) {
	struct gate_state *state = one->keeper.gate->state;
	const struct proposal asked = {.kind = PROPOSE_LEAVE, .key_id = VAULT, .epoch = 2};
	struct limit_part parts[2];
	for (uint8_t number = 1; number <= 3; number++) {
		struct spend spend = known_spend(number, parts);
		assert_ok(limits_apply(state->limits, &spend));
		if (number == 2)
			assert_ok(signing_tell_counted(&one->keeper, &one->peer));
	}
	struct spend kept = known_spend(4, parts);
	assert_ok(counted_keep(&state->counted, 5, &kept));
	leaving_asked(&one->keeper, &one->peer, &asked);
	((struct key_info *)map_get(&state->keys, VAULT))->state = KEY_FROZEN;
	leaving_asked(&one->keeper, &one->peer, &asked);
	assert_int_equal(5, one->told_count);
}

static void
write_sharing(struct json_writer *w, const struct telling_keeper *one) {
	_cleanup_(buffer_free) struct buffer text = {};
	const struct shared_key *key = shared_keys_find(one->keeper.gate->state, VAULT);
	struct json_writer of_sharing;
	json_writer_start(&of_sharing, &text);
	sharing_write(&of_sharing, &key->sharing);
	assert_ok(json_writer_finish(&of_sharing));
	json_write_key(w, "sharing");
	json_write_canonical(w, buffer_bytes(&text));
}

static void
what_is_counted_and_left_is_told_under_the_recorded_seals(void **) {
	_cleanup_(close_telling) struct telling_keeper one;
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	open_telling(&one);
	tell_all(&one);
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_text(&w, "instance", INSTANCE);
	json_write_key(&w, "parties");
	json_write_array(&w);
	for (size_t i = 0; i < 2; i++) {
		json_write_object(&w);
		json_write_member_hex(&w, "certificate", hash256_bytes(&one.keys[i].certificate));
		json_write_member_hex(&w, "peer_key_seed", BYTES_OF_ARRAY(one.seeds[i]));
		json_write_end(&w);
	}
	json_write_end(&w);
	write_sharing(&w, &one);
	json_write_key(&w, "told");
	json_write_array(&w);
	for (size_t i = 0; i < one.told_count; i++) {
		json_write_object(&w);
		json_write_member_hex(&w, "body", buffer_bytes(&one.told[i]));
		json_write_member_text(&w, "kind", one.kinds[i] == PEER_COUNTED ? "counted" : "answer");
		json_write_end(&w);
	}
	json_write_end(&w);
	json_write_end(&w);
	expect_recorded("threshold-counted.json", &w, &text);
}

RUN_TESTS(T(a_seal_is_read_whole_or_not_at_all), T(what_is_written_is_read_and_nothing_shorter),
	  T(bad_inputs_are_refused_by_name), T(bodies_are_the_recorded_ones),
	  T(what_is_counted_and_left_is_told_under_the_recorded_seals))
