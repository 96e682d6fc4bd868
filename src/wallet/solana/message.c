#include "wallet/solana/message.h"

#include "base/cursor.h"

constexpr uint8_t VERSION_BIT = 0x80;
constexpr size_t ACCOUNTS_MAX = 256; /* an index is a byte */

/* --- Reading --- */

/* A length of 16 bits in groups of 7, least significant first, as short as can be. */
static enum status
read_length(struct cursor *cursor, const char *field, size_t *length) {
	*length = 0;
	for (unsigned shift = 0; shift < 21; shift += 7) {
		uint8_t group;
		TRY(cursor_u8(cursor, field, &group));
		if (group == 0 && shift > 0)
			return fail(STATUS_INVALID, "%s.length_form: the length is not written in the fewest bytes",
				    field);
		*length |= (size_t)(group & 0x7f) << shift;
		if (group & 0x80)
			continue;
		return *length <= UINT16_MAX ? OK
					     : fail(STATUS_INVALID, "%s.length: %zu is above 65535", field, *length);
	}
	return fail(STATUS_INVALID, "%s.length: more than three bytes of length", field);
}

static enum status
read_indices(struct cursor *cursor, const char *field, struct bytes *indices) {
	size_t count;
	TRY(read_length(cursor, field, &count));
	return cursor_take(cursor, field, count, indices);
}

static enum status
read_version(struct cursor *cursor, struct solana_message *message) {
	uint8_t first;
	if (cursor->left == 0 || !(cursor->at[0] & VERSION_BIT))
		return OK;
	TRY(cursor_u8(cursor, "solana.version", &first));
	message->is_versioned = true;
	if (first == VERSION_BIT)
		return OK;
	return fail(STATUS_UNSUPPORTED, "solana.version: message version %u is not handled (legacy and 0 are)",
		    (unsigned)(first & ~VERSION_BIT));
}

static enum status
read_header(struct cursor *cursor, struct solana_message *message) {
	TRY(cursor_u8(cursor, "solana.header", &message->signers));
	TRY(cursor_u8(cursor, "solana.header", &message->readonly_signers));
	TRY(cursor_u8(cursor, "solana.header", &message->readonly_others));
	if (message->readonly_signers >= message->signers)
		return fail(STATUS_INVALID,
			    "solana.header.payer: %u signers, %u of them read-only: nobody can pay the fee",
			    message->signers, message->readonly_signers);
	return OK;
}

static enum status
read_accounts(struct arena *arena, struct cursor *cursor, struct solana_message *message) {
	size_t count;
	TRY(read_length(cursor, "solana.accounts", &count));
	if (count > ACCOUNTS_MAX)
		return fail(STATUS_INVALID, "solana.accounts.count: %zu, at most %zu", count, ACCOUNTS_MAX);
	if (count < (size_t)message->signers + message->readonly_others)
		return fail(STATUS_INVALID, "solana.accounts.header: %zu accounts, and the header speaks of %u", count,
			    (unsigned)message->signers + message->readonly_others);
	struct solana_address *accounts = ARENA_NEW_ARRAY(arena, count, struct solana_address);
	TRY_ALLOC(accounts);
	for (size_t i = 0; i < count; i++) {
		TRY(cursor_copy(cursor, "solana.accounts", accounts[i].bytes, sizeof accounts[i].bytes));
		for (size_t j = 0; j < i; j++)
			if (solana_address_equal(&accounts[i], &accounts[j]))
				return fail(STATUS_INVALID,
					    "solana.accounts.duplicate: account %zu repeats account %zu", i, j);
	}
	message->accounts = accounts;
	message->account_count = count;
	return OK;
}

static enum status
read_instruction(struct cursor *cursor, struct solana_instruction *instruction) {
	struct bytes accounts;
	TRY(cursor_u8(cursor, "solana.instruction.program", &instruction->program));
	TRY(read_indices(cursor, "solana.instruction.accounts", &accounts));
	instruction->accounts = accounts.data;
	instruction->account_count = accounts.len;
	return read_indices(cursor, "solana.instruction.data", &instruction->data);
}

static enum status
read_instructions(struct arena *arena, struct cursor *cursor, struct solana_message *message) {
	size_t count;
	TRY(read_length(cursor, "solana.instructions", &count));
	if (count > cursor->left / 3) /* each has three bytes at least */
		return fail(STATUS_INVALID, "solana.instructions: truncated: %zu of them, and %zu bytes left", count,
			    cursor->left);
	struct solana_instruction *instructions = ARENA_NEW_ARRAY(arena, count, struct solana_instruction);
	TRY_ALLOC(instructions);
	for (size_t i = 0; i < count; i++)
		TRY(read_instruction(cursor, &instructions[i]));
	message->instructions = instructions;
	message->instruction_count = count;
	return OK;
}

static enum status
read_lookup(struct cursor *cursor, struct solana_message *message, struct solana_lookup *lookup) {
	TRY(cursor_copy(cursor, "solana.lookup.table", lookup->table.bytes, sizeof lookup->table.bytes));
	TRY(read_indices(cursor, "solana.lookup.writable", &lookup->writable));
	TRY(read_indices(cursor, "solana.lookup.readonly", &lookup->readonly));
	size_t count = lookup->writable.len + lookup->readonly.len;
	if (count == 0)
		return fail(STATUS_INVALID, "solana.lookup.empty: a table that nothing is taken from");
	message->looked_up_count += count;
	return OK;
}

static enum status
read_lookups(struct arena *arena, struct cursor *cursor, struct solana_message *message) {
	size_t count;
	if (!message->is_versioned)
		return OK;
	TRY(read_length(cursor, "solana.lookups", &count));
	if (count > cursor->left / (sizeof(struct solana_address) + 2))
		return fail(STATUS_INVALID, "solana.lookups: truncated: %zu of them, and %zu bytes left", count,
			    cursor->left);
	struct solana_lookup *lookups = ARENA_NEW_ARRAY(arena, count, struct solana_lookup);
	TRY_ALLOC(lookups);
	for (size_t i = 0; i < count; i++)
		TRY(read_lookup(cursor, message, &lookups[i]));
	message->lookups = lookups;
	message->lookup_count = count;
	if (message->account_count + message->looked_up_count > ACCOUNTS_MAX)
		return fail(STATUS_INVALID, "solana.lookups.count: %zu accounts in all, at most %zu",
			    message->account_count + message->looked_up_count, ACCOUNTS_MAX);
	return OK;
}

static enum status
check_instruction(const struct solana_message *message, size_t index) {
	const struct solana_instruction *instruction = &message->instructions[index];
	if (instruction->program == 0)
		return fail(STATUS_INVALID, "solana.instruction.payer: instruction %zu calls the fee payer", index);
	if (instruction->program >= message->account_count)
		return fail(STATUS_INVALID,
			    "solana.instruction.program: instruction %zu calls account %u, and the message holds %zu",
			    index, instruction->program, message->account_count);
	for (size_t i = 0; i < instruction->account_count; i++)
		if (instruction->accounts[i] >= message->account_count + message->looked_up_count)
			return fail(STATUS_INVALID,
				    "solana.instruction.account: instruction %zu names account %u of %zu", index,
				    instruction->accounts[i], message->account_count + message->looked_up_count);
	return OK;
}

static enum status
read_message(struct arena *arena, struct cursor *cursor, struct solana_message *message) {
	*message = (struct solana_message){};
	TRY(read_version(cursor, message));
	TRY(read_header(cursor, message));
	TRY(read_accounts(arena, cursor, message));
	TRY(cursor_copy(cursor, "solana.recent_blockhash", message->recent_blockhash.bytes,
			sizeof message->recent_blockhash.bytes));
	TRY(read_instructions(arena, cursor, message));
	TRY(read_lookups(arena, cursor, message));
	TRY(cursor_end(cursor, "solana.transaction"));
	for (size_t i = 0; i < message->instruction_count; i++)
		TRY(check_instruction(message, i));
	return OK;
}

enum status
solana_decode_transaction(struct arena *arena, struct bytes bytes, struct solana_transaction *transaction) {
	struct cursor cursor = cursor_of(bytes);
	struct bytes signatures;
	size_t count;
	if (bytes.len > SOLANA_TRANSACTION_MAX)
		return fail(STATUS_TOO_LARGE, "solana.transaction.size: %zu bytes, at most %zu", bytes.len,
			    SOLANA_TRANSACTION_MAX);
	TRY(read_length(&cursor, "solana.signatures", &count));
	TRY(cursor_take(&cursor, "solana.signatures", count * SOLANA_SIGNATURE_SIZE, &signatures));
	*transaction = (struct solana_transaction){
		.message_bytes = bytes_of(cursor.at, cursor.left),
		.signatures = (const uint8_t(*)[SOLANA_SIGNATURE_SIZE])signatures.data,
	};
	TRY(read_message(arena, &cursor, &transaction->message));
	if (count != transaction->message.signers)
		return fail(STATUS_INVALID, "solana.signatures.count: room for %zu, and %u accounts must sign", count,
			    transaction->message.signers);
	return OK;
}

bool
solana_has_signature(const struct solana_transaction *transaction, size_t signer) {
	static const uint8_t NONE[SOLANA_SIGNATURE_SIZE];
	return memcmp(transaction->signatures[signer], NONE, sizeof NONE) != 0;
}

bool
solana_is_transaction(struct bytes bytes) {
	struct cursor cursor = cursor_of(bytes);
	struct bytes signatures;
	size_t count;
	uint8_t byte;
	if (read_length(&cursor, "solana.signatures", &count) != OK || count == 0 ||
	    cursor_take(&cursor, "solana.signatures", count * SOLANA_SIGNATURE_SIZE, &signatures) != OK ||
	    cursor_u8(&cursor, "solana.header", &byte) != OK)
		return false;
	if (byte & VERSION_BIT && cursor_u8(&cursor, "solana.header", &byte) != OK)
		return false;
	return byte == count;
}

/* --- Writing --- */

static void
write_length(struct buffer *to, size_t length) {
	for (; length > 0x7f; length >>= 7)
		buffer_append_byte(to, (uint8_t)(length | 0x80));
	buffer_append_byte(to, (uint8_t)length);
}

static void
write_counted(struct buffer *to, struct bytes bytes) {
	write_length(to, bytes.len);
	buffer_append_bytes(to, bytes);
}

void
solana_encode_message(const struct solana_message *message, struct buffer *to) {
	if (message->is_versioned)
		buffer_append_byte(to, VERSION_BIT);
	buffer_append_byte(to, message->signers);
	buffer_append_byte(to, message->readonly_signers);
	buffer_append_byte(to, message->readonly_others);
	write_length(to, message->account_count);
	for (size_t i = 0; i < message->account_count; i++)
		buffer_append_bytes(to, BYTES_OF_ARRAY(message->accounts[i].bytes));
	buffer_append_bytes(to, BYTES_OF_ARRAY(message->recent_blockhash.bytes));
	write_length(to, message->instruction_count);
	for (size_t i = 0; i < message->instruction_count; i++) {
		const struct solana_instruction *instruction = &message->instructions[i];
		buffer_append_byte(to, instruction->program);
		write_counted(to, bytes_of(instruction->accounts, instruction->account_count));
		write_counted(to, instruction->data);
	}
	if (!message->is_versioned)
		return;
	write_length(to, message->lookup_count);
	for (size_t i = 0; i < message->lookup_count; i++) {
		buffer_append_bytes(to, BYTES_OF_ARRAY(message->lookups[i].table.bytes));
		write_counted(to, message->lookups[i].writable);
		write_counted(to, message->lookups[i].readonly);
	}
}

void
solana_encode_transaction(const struct solana_transaction *transaction, struct buffer *to) {
	write_length(to, transaction->message.signers);
	buffer_append(to, transaction->signatures, transaction->message.signers * SOLANA_SIGNATURE_SIZE);
	solana_encode_message(&transaction->message, to);
}
