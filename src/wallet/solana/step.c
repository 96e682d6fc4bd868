#include "wallet/solana/step.h"

#include "base/cursor.h"
#include "model/amount.h"

/* Lamports for each signature (Solana documentation, "Transaction fees"). */
constexpr uint64_t SIGNATURE_FEE = 5000;
/* What a transaction may use at most, and for each instruction where it sets no limit: the upper bound of all rules so far. */
constexpr uint64_t UNITS_MAX = 1'400'000;
constexpr uint64_t UNITS_PER_INSTRUCTION = 200'000;
/* Two years' rent of a token account: (165 + 128) bytes at 3,480 lamports a year. */
constexpr uint64_t TOKEN_ACCOUNT_RENT = 2'039'280;

enum { SYSTEM_TRANSFER = 2, SYSTEM_ADVANCE_NONCE = 4 };
enum { TOKEN_TRANSFER_CHECKED = 12 };
enum { ASSOCIATED_CREATE = 0, ASSOCIATED_CREATE_IDEMPOTENT = 1 };
enum { BUDGET_HEAP_FRAME = 1, BUDGET_UNIT_LIMIT = 2, BUDGET_UNIT_PRICE = 3, BUDGET_LOADED_ACCOUNTS = 4 };

/* SysvarRecentB1ockHashes11111111111111111111 */
static const struct solana_address RECENT_BLOCKHASHES = {
	{0x06, 0xa7, 0xd5, 0x17, 0x19, 0x2c, 0x56, 0x8e, 0xe0, 0x8a, 0x84, 0x5f, 0x73, 0xd2, 0x97, 0x88,
	 0xcf, 0x03, 0x5c, 0x31, 0x45, 0xb2, 0x1a, 0xb3, 0x44, 0xd8, 0x06, 0x2e, 0xa9, 0x40, 0x00, 0x00}};

static const char *const STEP_NAMES[SOLANA_STEP_KINDS] = {
	[SOLANA_TRANSFER] = "transfer",
	[SOLANA_TOKEN_TRANSFER] = "token_transfer",
	[SOLANA_CREATE_ACCOUNT] = "create_account",
	[SOLANA_ADVANCE_NONCE] = "advance_nonce",
	[SOLANA_COMPUTE_BUDGET_STEP] = "compute_budget",
	[SOLANA_MEMO_STEP] = "memo",
	[SOLANA_UNRECOGNISED] = "unrecognised",
};

const char *
solana_step_name(enum solana_step_kind kind) {
	return STEP_NAMES[kind];
}

struct reading {
	const struct solana_message *message;
	struct solana_steps *steps;
	unsigned budget_seen; /* a bit for each kind of compute budget instruction */
};

/* --- What one instruction holds --- */

static bool
is_signer(const struct solana_message *message, const struct solana_instruction *instruction, size_t place) {
	return instruction->accounts[place] < message->signers;
}

/* Null where a lookup table gives it. */
static const struct solana_address *
account(const struct solana_message *message, const struct solana_instruction *instruction, size_t place) {
	size_t index = instruction->accounts[place];
	return index < message->account_count ? &message->accounts[index] : nullptr;
}

static bool
stands_whole(const struct solana_message *message, const struct solana_instruction *instruction) {
	for (size_t i = 0; i < instruction->account_count; i++)
		if (account(message, instruction, i) == nullptr)
			return false;
	return true;
}

static bool
is_account(const struct solana_message *message, const struct solana_instruction *instruction, size_t index,
	   const struct solana_address *address) {
	const struct solana_address *found = account(message, instruction, index);
	return found != nullptr && solana_address_equal(found, address);
}

static bool
has_form(const struct solana_instruction *instruction, size_t accounts, size_t bytes) {
	return instruction->account_count == accounts && instruction->data.len == bytes;
}

static uint64_t
u64_at(const struct solana_instruction *instruction, size_t offset) {
	uint64_t number = 0;
	for (size_t i = 8; i-- > 0;)
		number = number << 8 | instruction->data.data[offset + i];
	return number;
}

static uint32_t
u32_at(const struct solana_instruction *instruction, size_t offset) {
	uint32_t number = 0;
	for (size_t i = 4; i-- > 0;)
		number = number << 8 | instruction->data.data[offset + i];
	return number;
}

/* --- Programs. Each leaves *step unrecognised where it is not sure. --- */

static void
read_system(struct reading *reading, const struct solana_instruction *instruction, struct solana_step *step) {
	const struct solana_message *message = reading->message;
	if (instruction->data.len < 4)
		return;
	uint32_t call = u32_at(instruction, 0);
	if (call == SYSTEM_TRANSFER && has_form(instruction, 2, 12) && is_signer(message, instruction, 0)) {
		step->kind = SOLANA_TRANSFER;
		step->from = account(message, instruction, 0);
		step->to = account(message, instruction, 1);
		step->amount = u64_at(instruction, 4);
	} else if (call == SYSTEM_ADVANCE_NONCE && has_form(instruction, 3, 4) &&
		   instruction == message->instructions && is_account(message, instruction, 1, &RECENT_BLOCKHASHES) &&
		   is_signer(message, instruction, 2)) {
		step->kind = SOLANA_ADVANCE_NONCE;
		step->to = account(message, instruction, 0);
	}
}

static void
read_token(struct reading *reading, const struct solana_instruction *instruction, struct solana_step *step) {
	const struct solana_message *message = reading->message;
	if (!has_form(instruction, 4, 10) || instruction->data.data[0] != TOKEN_TRANSFER_CHECKED ||
	    !is_signer(message, instruction, 3))
		return;
	step->kind = SOLANA_TOKEN_TRANSFER;
	step->from = account(message, instruction, 0);
	step->mint = account(message, instruction, 1);
	step->to = account(message, instruction, 2);
	step->amount = u64_at(instruction, 1);
	step->decimals = instruction->data.data[9];
}

static void
read_associated_token(struct reading *reading, const struct solana_instruction *instruction, struct solana_step *step) {
	const struct solana_message *message = reading->message;
	struct solana_address derived;
	if (instruction->account_count != 6 || instruction->data.len > 1 || !is_signer(message, instruction, 0))
		return;
	if (instruction->data.len == 1 && instruction->data.data[0] != ASSOCIATED_CREATE &&
	    instruction->data.data[0] != ASSOCIATED_CREATE_IDEMPOTENT)
		return;
	const struct solana_address *created = account(message, instruction, 1),
				    *owner = account(message, instruction, 2), *mint = account(message, instruction, 3);
	if (solana_program_of(account(message, instruction, 4)) != SOLANA_SYSTEM ||
	    solana_program_of(account(message, instruction, 5)) != SOLANA_TOKEN ||
	    !solana_associated_account(owner, mint, &derived) || !is_account(message, instruction, 1, &derived))
		return;
	step->kind = SOLANA_CREATE_ACCOUNT;
	step->from = account(message, instruction, 0);
	step->to = created;
	step->owner = owner;
	step->mint = mint;
	reading->steps->created++;
}

static void
read_compute_budget(struct reading *reading, const struct solana_instruction *instruction, struct solana_step *step) {
	static const uint8_t LENGTHS[] = {[BUDGET_HEAP_FRAME] = 5,
					  [BUDGET_UNIT_LIMIT] = 5,
					  [BUDGET_UNIT_PRICE] = 9,
					  [BUDGET_LOADED_ACCOUNTS] = 5};
	uint8_t call = instruction->data.len == 0 ? 0 : instruction->data.data[0];
	if (call == 0 || call >= ARRAY_LENGTH(LENGTHS) || instruction->data.len != LENGTHS[call] ||
	    reading->budget_seen & 1U << call)
		return;
	reading->budget_seen |= 1U << call;
	step->kind = SOLANA_COMPUTE_BUDGET_STEP;
	if (call == BUDGET_UNIT_LIMIT) {
		reading->steps->has_unit_limit = true;
		reading->steps->unit_limit = u32_at(instruction, 1);
	} else if (call == BUDGET_UNIT_PRICE) {
		reading->steps->has_unit_price = true;
		reading->steps->unit_price = u64_at(instruction, 1);
	}
}

static void
read_memo(struct reading *reading, const struct solana_instruction *instruction, struct solana_step *step) {
	for (size_t i = 0; i < instruction->account_count; i++)
		if (!is_signer(reading->message, instruction, i))
			return;
	if (utf8_is_valid(instruction->data))
		step->kind = SOLANA_MEMO_STEP;
}

typedef void read_program(struct reading *, const struct solana_instruction *, struct solana_step *);

static read_program *const PROGRAMS[SOLANA_PROGRAM_COUNT] = {
	[SOLANA_SYSTEM] = read_system,
	[SOLANA_TOKEN] = read_token,
	[SOLANA_ASSOCIATED_TOKEN] = read_associated_token,
	[SOLANA_COMPUTE_BUDGET] = read_compute_budget,
	[SOLANA_MEMO] = read_memo,
};

/* --- All of them --- */

/* The owner of the account that a transfer pays is known where the same transaction creates it, or finds it created. */
static void
find_owners(struct solana_step *steps, size_t count) {
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; steps[i].kind == SOLANA_TOKEN_TRANSFER && j < count; j++)
			if (steps[j].kind == SOLANA_CREATE_ACCOUNT && solana_address_equal(steps[i].to, steps[j].to) &&
			    solana_address_equal(steps[i].mint, steps[j].mint))
				steps[i].owner = steps[j].owner;
}

enum status
solana_read_steps(struct arena *arena, const struct solana_message *message, struct solana_steps *steps) {
	struct reading reading = {message, steps, 0};
	struct solana_step *items = ARENA_NEW_ARRAY(arena, message->instruction_count, struct solana_step);
	TRY_ALLOC(items);
	*steps = (struct solana_steps){.items = items, .count = message->instruction_count};
	steps->has_unrecognised = message->lookup_count > 0;
	for (size_t i = 0; i < steps->count; i++) {
		const struct solana_instruction *instruction = &message->instructions[i];
		items[i] = (struct solana_step){.kind = SOLANA_UNRECOGNISED,
						.program = &message->accounts[instruction->program]};
		enum solana_program program = solana_program_of(items[i].program);
		if (program != SOLANA_PROGRAM_UNKNOWN && stands_whole(message, instruction))
			PROGRAMS[program](&reading, instruction, &items[i]);
		steps->has_unrecognised |= items[i].kind == SOLANA_UNRECOGNISED;
	}
	find_owners(items, steps->count);
	return OK;
}

/* --- What it costs --- */

static uint64_t
units_max(const struct solana_steps *steps) {
	uint64_t units = 0;
	for (size_t i = 0; !steps->has_unit_limit && i < steps->count; i++)
		units += steps->items[i].kind == SOLANA_COMPUTE_BUDGET_STEP ? 0 : UNITS_PER_INSTRUCTION;
	if (steps->has_unit_limit)
		units = steps->unit_limit;
	return units < UNITS_MAX ? units : UNITS_MAX;
}

enum status
solana_fee_max(const struct solana_message *message, const struct solana_steps *steps, uint64_t *lamports) {
	static const struct amount MILLION = {{1'000'000}};
	struct amount priority = amount_of(steps->unit_price), fee;
	const struct amount fixed =
		amount_of(SIGNATURE_FEE * message->signers + TOKEN_ACCOUNT_RENT * (uint64_t)steps->created);
	if (!amount_multiply_u64(&priority, units_max(steps), &priority))
		return fail(STATUS_INTERNAL, "solana.fee: 64 bits times 21 bits exceed 256");
	priority = amount_divide_up(&priority, &MILLION);
	if (!amount_add(&fixed, &priority, &fee) || !amount_fits_u64(&fee, lamports))
		return fail(STATUS_INVALID, "solana.fee.overflow: the priority fee exceeds 64 bits");
	return OK;
}
