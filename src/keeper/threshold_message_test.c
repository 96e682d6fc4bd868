#include "tests/test.h"

#include <stdio.h>

#include "base/io.h"
#include "base/json.h"
#include "keeper/threshold_message.h"

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

/* --- Known answers: tests/vectors/threshold-messages.json, which tests/threshold_message_vectors.py makes again in another language, from
 * docs/PROTOCOL.threshold §16. GATEHOUSE_WRITE_VECTORS=1 writes the file anew. --- */

static void
bodies_are_the_recorded_ones(void **) {
	_cleanup_(buffer_free) struct buffer text = {}, recorded = {};
	struct json_writer w;
	char path[4096];
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
	assert_ok(json_writer_finish(&w));
	buffer_append_text(&text, "\n");
	snprintf(path, sizeof path, "%s/tests/vectors/threshold-messages.json", test_source_root());
	if (getenv("GATEHOUSE_WRITE_VECTORS") != nullptr)
		assert_ok(io_replace_file(io_system(), path, buffer_bytes(&text)));
	assert_ok(io_read_file(io_system(), path, 1 << 20, &recorded));
	assert_bytes(buffer_bytes(&recorded), buffer_bytes(&text));
}

RUN_TESTS(T(a_seal_is_read_whole_or_not_at_all), T(what_is_written_is_read_and_nothing_shorter),
	  T(bad_inputs_are_refused_by_name), T(bodies_are_the_recorded_ones))
