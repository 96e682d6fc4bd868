#include "keeper/threshold_message.h"

#include "base/json.h"

constexpr size_t PARTS_MAX = 4096; /* of one spend */
constexpr size_t SUBJECT_MAX = 256;

/* --- Proposals. --- */

static void
append_signers(struct buffer *body, const struct proposal *proposal) {
	buffer_append_byte(body, proposal->signer_count);
	buffer_append(body, proposal->signers, proposal->signer_count);
}

void
proposal_write(struct buffer *body, const struct proposal *proposal) {
	buffer_append_byte(body, (uint8_t)proposal->kind);
	switch (proposal->kind) {
	case PROPOSE_SIGN:
		buffer_append_bytes(body, hash256_bytes(&proposal->operation));
		append_signers(body, proposal);
		buffer_append_byte(body, proposal->presignature_count);
		for (size_t i = 0; i < proposal->presignature_count; i++)
			buffer_append_bytes(body, hash256_bytes(&proposal->presignatures[i]));
		return;
	case PROPOSE_PREPARE:
		buffer_append_prefixed(body, proposal->key_id);
		buffer_append_u32be(body, proposal->epoch);
		buffer_append_u64be(body, proposal->counter);
		append_signers(body, proposal);
		return;
	case PROPOSE_RESUME:
		buffer_append_bytes(body, hash256_bytes(&proposal->operation));
		buffer_append_bytes(body, hash256_bytes(&proposal->nonce));
		return;
	case PROPOSE_LEAVE:
		buffer_append_prefixed(body, proposal->key_id);
		buffer_append_u32be(body, proposal->epoch);
		return;
	case PROPOSE_CONTINUE:
		buffer_append_bytes(body, hash256_bytes(&proposal->operation));
		buffer_append_bytes(body, hash256_bytes(&proposal->nonce));
		buffer_append_byte(body, proposal->round_count);
		for (size_t i = 0; i < proposal->round_count; i++)
			buffer_append_bytes(body, hash256_bytes(&proposal->rounds[i]));
		return;
	case PROPOSE_SHOW:
		buffer_append_bytes(body, hash256_bytes(&proposal->operation));
		return;
	}
}

static enum status
read_signers(struct cursor *cursor, struct proposal *proposal) {
	TRY(cursor_u8(cursor, "joint.signers", &proposal->signer_count));
	if (proposal->signer_count < 2 || proposal->signer_count > PARTIES_MAX)
		return fail(STATUS_INVALID, "joint.signers: %u; 2 to %zu are possible", proposal->signer_count,
			    PARTIES_MAX);
	TRY(cursor_copy(cursor, "joint.signers", proposal->signers, proposal->signer_count));
	for (size_t i = 0; i < proposal->signer_count; i++)
		if (proposal->signers[i] <= (i == 0 ? 0 : proposal->signers[i - 1]))
			return fail(STATUS_INVALID, "joint.signers: their indices do not ascend from 1");
	return OK;
}

static enum status
read_sign(struct cursor *cursor, struct proposal *proposal) {
	TRY(cursor_copy(cursor, "joint.operation", proposal->operation.bytes, sizeof proposal->operation.bytes));
	TRY(read_signers(cursor, proposal));
	TRY(cursor_u8(cursor, "joint.presignatures", &proposal->presignature_count));
	if (proposal->presignature_count == 0 || proposal->presignature_count > JOINT_REQUESTS_MAX)
		return fail(STATUS_INVALID, "joint.presignatures: %u; 1 to %zu are possible",
			    proposal->presignature_count, JOINT_REQUESTS_MAX);
	for (size_t i = 0; i < proposal->presignature_count; i++)
		TRY(cursor_copy(cursor, "joint.presignatures", proposal->presignatures[i].bytes,
				sizeof proposal->presignatures[i].bytes));
	return OK;
}

static enum status
read_key(struct cursor *cursor, struct bytes *key_id) {
	TRY(cursor_prefixed(cursor, "joint.key", KEY_ID_MAX, key_id));
	return key_check_id(*key_id);
}

static enum status
read_leave(struct cursor *cursor, struct proposal *proposal) {
	TRY(read_key(cursor, &proposal->key_id));
	return cursor_u32be(cursor, "joint.epoch", &proposal->epoch);
}

static enum status
read_prepare(struct cursor *cursor, struct proposal *proposal) {
	TRY(read_leave(cursor, proposal));
	TRY(cursor_u64be(cursor, "joint.counter", &proposal->counter));
	return read_signers(cursor, proposal);
}

static enum status
read_resume(struct cursor *cursor, struct proposal *proposal) {
	TRY(cursor_copy(cursor, "joint.operation", proposal->operation.bytes, sizeof proposal->operation.bytes));
	return cursor_copy(cursor, "joint.sharing", proposal->nonce.bytes, sizeof proposal->nonce.bytes);
}

static enum status
read_continue(struct cursor *cursor, struct proposal *proposal) {
	TRY(cursor_copy(cursor, "joint.operation", proposal->operation.bytes, sizeof proposal->operation.bytes));
	TRY(cursor_copy(cursor, "joint.session", proposal->nonce.bytes, sizeof proposal->nonce.bytes));
	TRY(cursor_u8(cursor, "joint.rounds", &proposal->round_count));
	if (proposal->round_count == 0 || proposal->round_count > EXCHANGE_ROUNDS_MAX)
		return fail(STATUS_INVALID, "joint.rounds: %u; 1 to %zu are possible", proposal->round_count,
			    EXCHANGE_ROUNDS_MAX);
	for (size_t i = 0; i < proposal->round_count; i++)
		TRY(cursor_copy(cursor, "joint.rounds", proposal->rounds[i].bytes, sizeof proposal->rounds[i].bytes));
	return OK;
}

enum status
proposal_read(struct bytes body, struct proposal *proposal) {
	struct cursor cursor = cursor_of(body);
	uint8_t kind;
	*proposal = (struct proposal){};
	TRY(cursor_u8(&cursor, "joint.proposal", &kind));
	proposal->kind = (enum proposal_kind)kind;
	switch (kind) {
	case PROPOSE_SIGN:
		TRY(read_sign(&cursor, proposal));
		break;
	case PROPOSE_PREPARE:
		TRY(read_prepare(&cursor, proposal));
		break;
	case PROPOSE_RESUME:
		TRY(read_resume(&cursor, proposal));
		break;
	case PROPOSE_LEAVE:
		TRY(read_leave(&cursor, proposal));
		break;
	case PROPOSE_CONTINUE:
		TRY(read_continue(&cursor, proposal));
		break;
	case PROPOSE_SHOW:
		TRY(cursor_copy(&cursor, "joint.operation", proposal->operation.bytes,
				sizeof proposal->operation.bytes));
		break;
	default:
		return fail(STATUS_INVALID, "joint.proposal: kind %u", kind);
	}
	return cursor_end(&cursor, "joint.proposal");
}

/* --- Answers. --- */

static void
write_reason(struct buffer *body, struct bytes reason) {
	buffer_append_prefixed(body,
			       bytes_of(reason.data, reason.len > JOINT_REASON_MAX ? JOINT_REASON_MAX : reason.len));
}

void
joint_answer_write(struct buffer *body, const struct joint_answer *answer) {
	buffer_append_byte(body, (uint8_t)answer->kind);
	bool is_of_key = answer->kind == ANSWER_LEFT || answer->kind == ANSWER_PAIRS;
	buffer_append_bytes(body, hash256_bytes(is_of_key ? &answer->digest : &answer->operation));
	switch (answer->kind) {
	case ANSWER_PERMITTED:
		buffer_append_bytes(body, hash256_bytes(&answer->digest));
		buffer_append_bytes(body, hash256_bytes(&answer->bundle));
		buffer_append_u32be(body, answer->epoch);
		buffer_append_bytes(body, hash256_bytes(&answer->holders));
		return;
	case ANSWER_REFUSED:
		buffer_append_byte(body, answer->is_undecided ? 2 : answer->gives_back);
		write_reason(body, answer->reason);
		return;
	case ANSWER_STORED:
		buffer_append_bytes(body, hash256_bytes(&answer->digest));
		return;
	case ANSWER_SIGNED:
		buffer_append_byte(body, answer->signature_count);
		for (size_t i = 0; i < answer->signature_count; i++) {
			buffer_append(body, answer->signatures[i].compact, sizeof answer->signatures[i].compact);
			buffer_append_byte(body, (uint8_t)answer->signatures[i].recovery);
		}
		return;
	case ANSWER_PLEDGED:
		pledges_write(body, &answer->pledges);
		return;
	case ANSWER_ENROLMENT:
		buffer_append_byte(body, (uint8_t)answer->enrolment);
		write_reason(body, answer->reason);
		return;
	case ANSWER_LEFT:
		buffer_append_prefixed(body, answer->key_id);
		buffer_append_byte(body, answer->is_stopped);
		counted_seal_write(body, &answer->seal);
		return;
	case ANSWER_PAIRS:
		buffer_append_prefixed(body, answer->key_id);
		buffer_append_byte(body, answer->lost_count);
		buffer_append(body, answer->lost, answer->lost_count);
		return;
	case ANSWER_SHOWN:
		buffer_append_prefixed(body, answer->result);
		return;
	}
}

/* A reason is shown to people and recorded: printable ASCII, so that it can do neither harm. */
static enum status
read_reason(struct cursor *cursor, struct joint_answer *answer) {
	TRY(cursor_prefixed(cursor, "joint.reason", JOINT_REASON_MAX, &answer->reason));
	for (size_t i = 0; i < answer->reason.len; i++)
		if (answer->reason.data[i] < ' ' || answer->reason.data[i] > '~')
			return fail(STATUS_INVALID, "joint.reason: byte %zu is not printable", i);
	return OK;
}

static enum status
read_refused(struct cursor *cursor, struct joint_answer *answer) {
	uint8_t gives_back;
	TRY(cursor_u8(cursor, "joint.gives_back", &gives_back));
	if (gives_back > 2)
		return fail(STATUS_INVALID, "joint.gives_back: %u", gives_back);
	answer->gives_back = gives_back == 1;
	answer->is_undecided = gives_back == 2;
	return read_reason(cursor, answer);
}

static enum status
read_enrolment(struct cursor *cursor, struct joint_answer *answer) {
	uint8_t result;
	TRY(cursor_u8(cursor, "joint.enrolment", &result));
	if (result < ENROLMENT_ANSWER_HAS || result > ENROLMENT_ANSWER_NOT_NOW)
		return fail(STATUS_INVALID, "joint.enrolment: %u", result);
	answer->enrolment = (enum enrolment_answer)result;
	return read_reason(cursor, answer);
}

static enum status
read_signed(struct cursor *cursor, struct joint_answer *answer) {
	TRY(cursor_u8(cursor, "joint.signatures", &answer->signature_count));
	if (answer->signature_count == 0 || answer->signature_count > JOINT_REQUESTS_MAX)
		return fail(STATUS_INVALID, "joint.signatures: %u; 1 to %zu are possible", answer->signature_count,
			    JOINT_REQUESTS_MAX);
	for (size_t i = 0; i < answer->signature_count; i++) {
		struct ecdsa_signature *signature = &answer->signatures[i];
		uint8_t recovery;
		TRY(cursor_copy(cursor, "joint.signatures", signature->compact, sizeof signature->compact));
		TRY(cursor_u8(cursor, "joint.signatures", &recovery));
		if (recovery > 3)
			return fail(STATUS_INVALID, "joint.signatures: recovery id %u", recovery);
		signature->recovery = recovery;
	}
	return OK;
}

static enum status
read_left(struct cursor *cursor, struct joint_answer *answer) {
	uint8_t is_stopped;
	answer->digest = answer->operation;
	answer->operation = (struct hash256){};
	TRY(read_key(cursor, &answer->key_id));
	TRY(cursor_u8(cursor, "joint.stopped", &is_stopped));
	if (is_stopped > 1)
		return fail(STATUS_INVALID, "joint.stopped: %u", is_stopped);
	answer->is_stopped = is_stopped == 1;
	return counted_seal_read(cursor, &answer->seal);
}

static enum status
read_pairs(struct cursor *cursor, struct joint_answer *answer) {
	answer->digest = answer->operation;
	answer->operation = (struct hash256){};
	TRY(read_key(cursor, &answer->key_id));
	TRY(cursor_u8(cursor, "joint.pairs", &answer->lost_count));
	if (answer->lost_count == 0 || answer->lost_count > PARTIES_MAX)
		return fail(STATUS_INVALID, "joint.pairs: %u; 1 to %zu are possible", answer->lost_count, PARTIES_MAX);
	TRY(cursor_copy(cursor, "joint.pairs", answer->lost, answer->lost_count));
	for (size_t i = 0; i < answer->lost_count; i++)
		if (answer->lost[i] == 0 || answer->lost[i] > PARTIES_MAX ||
		    (i > 0 && answer->lost[i] <= answer->lost[i - 1]))
			return fail(STATUS_INVALID, "joint.pairs: their indices do not ascend from 1");
	return OK;
}

enum status
joint_answer_read(struct bytes body, struct joint_answer *answer) {
	struct cursor cursor = cursor_of(body);
	uint8_t kind;
	*answer = (struct joint_answer){};
	TRY(cursor_u8(&cursor, "joint.answer", &kind));
	answer->kind = (enum answer_kind)kind;
	TRY(cursor_copy(&cursor, "joint.operation", answer->operation.bytes, sizeof answer->operation.bytes));
	switch (kind) {
	case ANSWER_PERMITTED:
		TRY(cursor_copy(&cursor, "joint.digest", answer->digest.bytes, sizeof answer->digest.bytes));
		TRY(cursor_copy(&cursor, "joint.bundle", answer->bundle.bytes, sizeof answer->bundle.bytes));
		TRY(cursor_u32be(&cursor, "joint.epoch", &answer->epoch));
		TRY(cursor_copy(&cursor, "joint.holders", answer->holders.bytes, sizeof answer->holders.bytes));
		break;
	case ANSWER_REFUSED:
		TRY(read_refused(&cursor, answer));
		break;
	case ANSWER_STORED:
		TRY(cursor_copy(&cursor, "joint.sharing", answer->digest.bytes, sizeof answer->digest.bytes));
		break;
	case ANSWER_SIGNED:
		TRY(read_signed(&cursor, answer));
		break;
	case ANSWER_PLEDGED:
		TRY(pledges_read(&cursor, &answer->pledges));
		break;
	case ANSWER_ENROLMENT:
		TRY(read_enrolment(&cursor, answer));
		break;
	case ANSWER_LEFT:
		TRY(read_left(&cursor, answer));
		break;
	case ANSWER_PAIRS:
		TRY(read_pairs(&cursor, answer));
		break;
	case ANSWER_SHOWN:
		TRY(cursor_prefixed(&cursor, "joint.result", JOINT_RESULT_MAX, &answer->result));
		break;
	default:
		return fail(STATUS_INVALID, "joint.answer: kind %u", kind);
	}
	return cursor_end(&cursor, "joint.answer");
}

/* --- What was counted. --- */

void
counted_seal_write(struct buffer *body, const struct counted_seal *seal) {
	buffer_append_bytes(body, hash256_bytes(&seal->certificate));
	buffer_append(body, seal->key, sizeof seal->key);
	buffer_append(body, seal->signature, sizeof seal->signature);
}

enum status
counted_seal_read(struct cursor *cursor, struct counted_seal *seal) {
	struct bytes bytes;
	TRY(cursor_take(cursor, "joint.counted_seal", sizeof *seal, &bytes));
	memcpy(seal->certificate.bytes, bytes.data, 32);
	memcpy(seal->key, bytes.data + 32, sizeof seal->key);
	memcpy(seal->signature, bytes.data + 64, sizeof seal->signature);
	return OK;
}

void
counted_write(struct buffer *body, const struct spend *spend, int64_t now_ms) {
	int64_t age_ms = now_ms > spend->at_ms ? now_ms - spend->at_ms : 0;
	buffer_append(body, spend->operation, sizeof spend->operation);
	buffer_append(body, spend->identity, sizeof spend->identity);
	buffer_append_u32be(body, age_ms < UINT32_MAX ? (uint32_t)age_ms : UINT32_MAX);
	buffer_append_u32be(body, (uint32_t)spend->part_count);
	for (size_t i = 0; i < spend->part_count; i++) {
		const struct limit_part *part = &spend->parts[i];
		buffer_append_byte(body, (uint8_t)part->dimension);
		buffer_append_prefixed(body, part->subject);
		buffer_append_u32be(body, (uint32_t)((uint64_t)part->cents >> 32));
		buffer_append_u32be(body, (uint32_t)part->cents);
	}
}

static enum status
read_part(struct cursor *cursor, struct limit_part *part) {
	uint8_t dimension;
	uint64_t cents;
	TRY(cursor_u8(cursor, "joint.dimension", &dimension));
	if (dimension >= LIMIT_DIMENSIONS)
		return fail(STATUS_INVALID, "joint.dimension: %u", dimension);
	TRY(cursor_prefixed(cursor, "joint.subject", SUBJECT_MAX, &part->subject));
	TRY(cursor_u64be(cursor, "joint.cents", &cents));
	if (cents > (uint64_t)JSON_INTEGER_MAX)
		return fail(STATUS_INVALID, "joint.cents: more than counts");
	part->dimension = (enum limit_dimension)dimension;
	part->cents = (int64_t)cents;
	return OK;
}

enum status
counted_read(struct cursor *cursor, struct arena *arena, int64_t now_ms, struct spend *spend) {
	uint32_t age_ms, count;
	*spend = (struct spend){};
	TRY(cursor_copy(cursor, "joint.operation", spend->operation, sizeof spend->operation));
	TRY(cursor_copy(cursor, "joint.identity", spend->identity, sizeof spend->identity));
	TRY(cursor_u32be(cursor, "joint.age", &age_ms));
	spend->at_ms = now_ms - (int64_t)age_ms;
	TRY(cursor_u32be(cursor, "joint.parts", &count));
	if (count == 0 || count > PARTS_MAX)
		return fail(STATUS_INVALID, "joint.parts: %u; 1 to %zu are possible", count, PARTS_MAX);
	struct limit_part *parts = ARENA_NEW_ARRAY(arena, count, struct limit_part);
	TRY_ALLOC(parts);
	for (size_t i = 0; i < count; i++)
		TRY(read_part(cursor, &parts[i]));
	spend->parts = parts;
	spend->part_count = count;
	return OK;
}
