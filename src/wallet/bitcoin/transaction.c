#include "wallet/bitcoin/transaction.h"

#include <stdlib.h>

#include "wallet/bitcoin/compact_size.h"

/* The least that each takes: outpoint, empty script, sequence; amount, empty script. */
constexpr size_t INPUT_SIZE_MIN = 32 + 4 + 1 + 4;
constexpr size_t OUTPUT_SIZE_MIN = 8 + 1;
constexpr uint8_t WITNESS_MARKER = 0;
constexpr uint8_t WITNESS_FLAG = 1;

static enum status
read_input(struct cursor *cursor, struct bitcoin_input *input) {
	TRY(cursor_copy(cursor, "bitcoin.input", input->previous.txid.bytes, sizeof input->previous.txid.bytes));
	TRY(cursor_u32le(cursor, "bitcoin.input", &input->previous.index));
	TRY(bitcoin_read_sized(cursor, "bitcoin.script_sig", &input->script_sig));
	return cursor_u32le(cursor, "bitcoin.sequence", &input->sequence);
}

static enum status
read_inputs(struct arena *arena, struct cursor *cursor, struct bitcoin_input **inputs, size_t *count) {
	TRY(bitcoin_read_count(cursor, "bitcoin.input_count", INPUT_SIZE_MIN, count));
	*inputs = ARENA_NEW_ARRAY(arena, *count, struct bitcoin_input);
	TRY_ALLOC(*inputs);
	for (size_t i = 0; i < *count; i++)
		TRY(read_input(cursor, &(*inputs)[i]));
	return OK;
}

static enum status
read_output(struct cursor *cursor, const char *amount_field, const char *script_field, struct bitcoin_output *output) {
	TRY(cursor_u64le(cursor, amount_field, &output->sats));
	return bitcoin_read_sized(cursor, script_field, &output->script);
}

static enum status
read_outputs(struct arena *arena, struct cursor *cursor, struct bitcoin_transaction *transaction) {
	TRY(bitcoin_read_count(cursor, "bitcoin.output_count", OUTPUT_SIZE_MIN, &transaction->output_count));
	struct bitcoin_output *outputs = ARENA_NEW_ARRAY(arena, transaction->output_count, struct bitcoin_output);
	TRY_ALLOC(outputs);
	for (size_t i = 0; i < transaction->output_count; i++)
		TRY(read_output(cursor, "bitcoin.output", "bitcoin.script", &outputs[i]));
	transaction->outputs = outputs;
	return OK;
}

/* BIP-144: one stack per input, in order. A transaction whose stacks are all empty must use the encoding without them. */
static enum status
read_witnesses(struct cursor *cursor, struct bitcoin_input *inputs, size_t count) {
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *start = cursor->at;
		size_t items;
		TRY(bitcoin_read_count(cursor, "bitcoin.witness", 1, &items));
		for (size_t n = 0; n < items; n++) {
			struct bytes item;
			TRY(bitcoin_read_sized(cursor, "bitcoin.witness", &item));
		}
		if (items == 0)
			continue;
		inputs[i].witness = bytes_of(start, (size_t)(cursor->at - start));
		any = true;
	}
	if (!any)
		return fail(STATUS_INVALID, "bitcoin.witness_superfluous: marked as having witnesses, all are empty");
	return OK;
}

static enum status
read_witness_marker(struct cursor *cursor, bool *has_witness) {
	*has_witness = cursor->left > 0 && cursor->at[0] == WITNESS_MARKER;
	if (!*has_witness)
		return OK;
	uint8_t marker, flag;
	TRY(cursor_u8(cursor, "bitcoin.witness_flag", &marker));
	TRY(cursor_u8(cursor, "bitcoin.witness_flag", &flag));
	if (flag == 0)
		return fail(STATUS_INVALID, "bitcoin.no_inputs: a transaction spends at least one output");
	if (flag != WITNESS_FLAG)
		return fail(STATUS_INVALID, "bitcoin.witness_flag: expected 1, found %u", flag);
	return OK;
}

enum status
bitcoin_transaction_read(struct arena *arena, struct bytes encoded, struct bitcoin_transaction *transaction) {
	*transaction = (struct bitcoin_transaction){};
	struct cursor cursor = cursor_of(encoded);
	struct bitcoin_input *inputs;
	TRY(cursor_u32le(&cursor, "bitcoin.version", &transaction->version));
	TRY(read_witness_marker(&cursor, &transaction->has_witness));
	TRY(read_inputs(arena, &cursor, &inputs, &transaction->input_count));
	if (transaction->input_count == 0)
		return fail(STATUS_INVALID, "bitcoin.no_inputs: a transaction spends at least one output");
	TRY(read_outputs(arena, &cursor, transaction));
	if (transaction->has_witness)
		TRY(read_witnesses(&cursor, inputs, transaction->input_count));
	TRY(cursor_u32le(&cursor, "bitcoin.lock_time", &transaction->lock_time));
	transaction->inputs = inputs;
	return cursor_end(&cursor, "bitcoin.transaction");
}

enum status
bitcoin_transaction_read_unsigned(struct arena *arena, struct bytes encoded, struct bitcoin_transaction *transaction) {
	*transaction = (struct bitcoin_transaction){};
	struct cursor cursor = cursor_of(encoded);
	struct bitcoin_input *inputs;
	TRY(cursor_u32le(&cursor, "bitcoin.version", &transaction->version));
	TRY(read_inputs(arena, &cursor, &inputs, &transaction->input_count));
	TRY(read_outputs(arena, &cursor, transaction));
	TRY(cursor_u32le(&cursor, "bitcoin.lock_time", &transaction->lock_time));
	transaction->inputs = inputs;
	return cursor_end(&cursor, "bitcoin.transaction");
}

enum status
bitcoin_output_read(struct bytes encoded, const char *field, struct bitcoin_output *output) {
	struct cursor cursor = cursor_of(encoded);
	TRY(read_output(&cursor, field, field, output));
	return cursor_end(&cursor, field);
}

void
bitcoin_outpoint_write(const struct bitcoin_outpoint *outpoint, struct buffer *to) {
	buffer_append_bytes(to, hash256_bytes(&outpoint->txid));
	buffer_append_u32le(to, outpoint->index);
}

void
bitcoin_output_write(const struct bitcoin_output *output, struct buffer *to) {
	buffer_append_u64le(to, output->sats);
	bitcoin_append_sized(to, output->script);
}

static void
write_transaction(const struct bitcoin_transaction *transaction, bool with_witness, struct buffer *to) {
	buffer_append_u32le(to, transaction->version);
	if (with_witness)
		buffer_append(to, (uint8_t[]){WITNESS_MARKER, WITNESS_FLAG}, 2);
	bitcoin_append_compact_size(to, transaction->input_count);
	for (size_t i = 0; i < transaction->input_count; i++) {
		bitcoin_outpoint_write(&transaction->inputs[i].previous, to);
		bitcoin_append_sized(to, transaction->inputs[i].script_sig);
		buffer_append_u32le(to, transaction->inputs[i].sequence);
	}
	bitcoin_append_compact_size(to, transaction->output_count);
	for (size_t i = 0; i < transaction->output_count; i++)
		bitcoin_output_write(&transaction->outputs[i], to);
	for (size_t i = 0; with_witness && i < transaction->input_count; i++) {
		if (transaction->inputs[i].witness.len == 0)
			bitcoin_append_compact_size(to, 0);
		buffer_append_bytes(to, transaction->inputs[i].witness);
	}
	buffer_append_u32le(to, transaction->lock_time);
}

void
bitcoin_transaction_write(const struct bitcoin_transaction *transaction, struct buffer *to) {
	write_transaction(transaction, transaction->has_witness, to);
}

void
bitcoin_transaction_write_without_witness(const struct bitcoin_transaction *transaction, struct buffer *to) {
	write_transaction(transaction, false, to);
}

enum status
bitcoin_transaction_id(const struct bitcoin_transaction *transaction, struct hash256 *id) {
	_cleanup_(buffer_free) struct buffer encoded = {};
	write_transaction(transaction, false, &encoded);
	TRY(buffer_status(&encoded));
	*id = sha256_twice(buffer_bytes(&encoded));
	return OK;
}

bool
bitcoin_transaction_is_replaceable(const struct bitcoin_transaction *transaction) {
	constexpr uint32_t REPLACEABLE_MAX = 0xffff'fffd;
	for (size_t i = 0; i < transaction->input_count; i++)
		if (transaction->inputs[i].sequence <= REPLACEABLE_MAX)
			return true;
	return false;
}

bool
bitcoin_transaction_is_time_locked(const struct bitcoin_transaction *transaction) {
	constexpr uint32_t RELATIVE_LOCK_OFF = UINT32_C(1) << 31;
	constexpr uint32_t RELATIVE_LOCK_MASK = 0xffff;
	for (size_t i = 0; i < transaction->input_count; i++) {
		uint32_t sequence = transaction->inputs[i].sequence;
		if (transaction->lock_time != 0 && sequence != BITCOIN_SEQUENCE_FINAL)
			return true;
		if (transaction->version >= 2 && (sequence & RELATIVE_LOCK_OFF) == 0 &&
		    (sequence & RELATIVE_LOCK_MASK) != 0)
			return true;
	}
	return false;
}

bool
bitcoin_begins_transaction(struct bytes bytes) {
	struct cursor cursor = cursor_of(bytes);
	uint32_t version;
	return cursor_u32le(&cursor, "bitcoin.version", &version) == OK && version >= BITCOIN_VERSION_MIN &&
	       version <= BITCOIN_VERSION_MAX;
}

int
bitcoin_outpoint_compare(const struct bitcoin_outpoint *a, const struct bitcoin_outpoint *b) {
	int order = memcmp(a->txid.bytes, b->txid.bytes, sizeof a->txid.bytes);
	return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static int
compare_inputs(const void *a, const void *b) {
	const struct bitcoin_input *const *left = a, *const *right = b;
	return bitcoin_outpoint_compare(&(*left)->previous, &(*right)->previous);
}

static enum status
check_no_duplicate_input(struct arena *arena, const struct bitcoin_transaction *transaction) {
	const struct bitcoin_input **sorted =
		ARENA_NEW_ARRAY(arena, transaction->input_count, const struct bitcoin_input *);
	TRY_ALLOC(sorted);
	for (size_t i = 0; i < transaction->input_count; i++)
		sorted[i] = &transaction->inputs[i];
	qsort(sorted, transaction->input_count, sizeof *sorted, compare_inputs);
	for (size_t i = 1; i < transaction->input_count; i++) {
		if (compare_inputs(&sorted[i - 1], &sorted[i]) != 0)
			continue;
		size_t a = (size_t)(sorted[i - 1] - transaction->inputs), b = (size_t)(sorted[i] - transaction->inputs);
		return fail(STATUS_INVALID, "bitcoin.duplicate_input: inputs %zu and %zu spend the same output",
			    a < b ? a : b, a < b ? b : a);
	}
	return OK;
}

static bool
is_null_outpoint(const struct bitcoin_outpoint *outpoint) {
	static const struct hash256 NULL_TXID;
	return outpoint->index == UINT32_MAX && hash256_equal(&outpoint->txid, &NULL_TXID);
}

enum status
bitcoin_transaction_check(struct arena *arena, const struct bitcoin_transaction *transaction, uint64_t *output_sats) {
	if (transaction->input_count == 0)
		return fail(STATUS_INVALID, "bitcoin.no_inputs: a transaction spends at least one output");
	if (transaction->output_count == 0)
		return fail(STATUS_INVALID, "bitcoin.no_outputs: a transaction has at least one output");
	for (size_t i = 0; i < transaction->input_count; i++)
		if (is_null_outpoint(&transaction->inputs[i].previous))
			return fail(STATUS_INVALID, "bitcoin.coinbase: input %zu spends no output", i);
	TRY(check_no_duplicate_input(arena, transaction));
	*output_sats = 0;
	for (size_t i = 0; i < transaction->output_count; i++)
		TRY(bitcoin_add_sats(output_sats, transaction->outputs[i].sats, "output", i));
	return OK;
}

enum status
bitcoin_add_sats(uint64_t *sum, uint64_t sats, const char *what, size_t index) {
	if (sats > BITCOIN_MONEY_MAX)
		return fail(STATUS_INVALID, "bitcoin.money_range: %s %zu: %llu satoshi, more than can exist", what,
			    index, (unsigned long long)sats);
	uint64_t total;
	if (__builtin_add_overflow(*sum, sats, &total) || total > BITCOIN_MONEY_MAX)
		return fail(STATUS_INVALID, "bitcoin.money_range: the sum up to %s %zu is more than can exist", what,
			    index);
	*sum = total;
	return OK;
}

void
bitcoin_hash_text(const struct hash256 *hash, char text[static 65]) {
	struct hash256 reversed;
	for (size_t i = 0; i < sizeof reversed.bytes; i++)
		reversed.bytes[i] = hash->bytes[sizeof reversed.bytes - 1 - i];
	hex_encode(hash256_bytes(&reversed), text);
}
