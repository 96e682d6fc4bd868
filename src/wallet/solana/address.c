#include "wallet/solana/address.h"

#include "base/base58.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

static const char *const PROGRAM_NAMES[] = {
	[SOLANA_SYSTEM] = "system",
	[SOLANA_TOKEN] = "token",
	[SOLANA_ASSOCIATED_TOKEN] = "associated_token",
	[SOLANA_COMPUTE_BUDGET] = "compute_budget",
	[SOLANA_MEMO] = "memo",
	[SOLANA_PROGRAM_UNKNOWN] = "unknown",
};

static const struct {
	enum solana_program program;
	struct solana_address address;
} PROGRAMS[] = {
	/* 11111111111111111111111111111111 */
	{SOLANA_SYSTEM,
	 {{0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	   0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}}},
	/* TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA */
	{SOLANA_TOKEN,
	 {{0x06, 0xdd, 0xf6, 0xe1, 0xd7, 0x65, 0xa1, 0x93, 0xd9, 0xcb, 0xe1, 0x46, 0xce, 0xeb, 0x79, 0xac,
	   0x1c, 0xb4, 0x85, 0xed, 0x5f, 0x5b, 0x37, 0x91, 0x3a, 0x8c, 0xf5, 0x85, 0x7e, 0xff, 0x00, 0xa9}}},
	/* ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL */
	{SOLANA_ASSOCIATED_TOKEN,
	 {{0x8c, 0x97, 0x25, 0x8f, 0x4e, 0x24, 0x89, 0xf1, 0xbb, 0x3d, 0x10, 0x29, 0x14, 0x8e, 0x0d, 0x83,
	   0x0b, 0x5a, 0x13, 0x99, 0xda, 0xff, 0x10, 0x84, 0x04, 0x8e, 0x7b, 0xd8, 0xdb, 0xe9, 0xf8, 0x59}}},
	/* ComputeBudget111111111111111111111111111111 */
	{SOLANA_COMPUTE_BUDGET,
	 {{0x03, 0x06, 0x46, 0x6f, 0xe5, 0x21, 0x17, 0x32, 0xff, 0xec, 0xad, 0xba, 0x72, 0xc3, 0x9b, 0xe7,
	   0xbc, 0x8c, 0xe5, 0xbb, 0xc5, 0xf7, 0x12, 0x6b, 0x2c, 0x43, 0x9b, 0x3a, 0x40, 0x00, 0x00, 0x00}}},
	/* MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr */
	{SOLANA_MEMO,
	 {{0x05, 0x4a, 0x53, 0x5a, 0x99, 0x29, 0x21, 0x06, 0x4d, 0x24, 0xe8, 0x71, 0x60, 0xda, 0x38, 0x7c,
	   0x7c, 0x35, 0xb5, 0xdd, 0xbc, 0x92, 0xbb, 0x81, 0xe4, 0x1f, 0xa8, 0x40, 0x41, 0x05, 0x44, 0x8d}}},
	/* Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo */
	{SOLANA_MEMO,
	 {{0x05, 0x4a, 0x53, 0x50, 0xf8, 0x5d, 0xc8, 0x82, 0xd6, 0x14, 0xa5, 0x56, 0x72, 0x78, 0x8a, 0x29,
	   0x6d, 0xdf, 0x1e, 0xab, 0xab, 0xd0, 0xa6, 0x06, 0x78, 0x88, 0x49, 0x32, 0xf4, 0xee, 0xf6, 0xa0}}},
};

/* --- Text --- */

void
solana_address_format(const struct solana_address *address, char text[static SOLANA_ADDRESS_TEXT_SIZE]) {
	char wide[BASE58_TEXT_SIZE];
	IGNORE_STATUS(base58_encode(BYTES_OF_ARRAY(address->bytes), wide)); /* 32 bytes always fit */
	memcpy(text, wide, strlen(wide) + 1);
}

struct bytes
solana_address_text(struct arena *arena, const struct solana_address *address) {
	char text[SOLANA_ADDRESS_TEXT_SIZE];
	solana_address_format(address, text);
	return arena_copy(arena, bytes_of_text(text));
}

enum status
solana_address_parse(struct bytes text, struct solana_address *address) {
	size_t len;
	if (text.len >= SOLANA_ADDRESS_TEXT_SIZE)
		return fail(STATUS_INVALID, "solana.address.length: expected at most %zu characters, found %zu",
			    SOLANA_ADDRESS_TEXT_SIZE - 1, text.len);
	enum status status = base58_decode(text, address->bytes, sizeof address->bytes, &len);
	if (status != OK)
		return fail(STATUS_INVALID, "solana.address.form: expected an address in base58, found \"%.*s\"",
			    BYTES_ARGS(text));
	if (len != sizeof address->bytes)
		return fail(STATUS_INVALID, "solana.address.length: expected 32 bytes, found %zu", len);
	return OK;
}

/* --- Programs --- */

enum solana_program
solana_program_of(const struct solana_address *address) {
	for (size_t i = 0; i < ARRAY_LENGTH(PROGRAMS); i++)
		if (solana_address_equal(address, &PROGRAMS[i].address))
			return PROGRAMS[i].program;
	return SOLANA_PROGRAM_UNKNOWN;
}

const char *
solana_program_name(enum solana_program program) {
	return PROGRAM_NAMES[program];
}

const struct solana_address *
solana_program_address(enum solana_program program) {
	for (size_t i = 0; i < ARRAY_LENGTH(PROGRAMS); i++)
		if (PROGRAMS[i].program == program)
			return &PROGRAMS[i].address;
	return nullptr;
}

/* --- Derived addresses --- */

bool
solana_associated_account(const struct solana_address *owner, const struct solana_address *mint,
			  struct solana_address *account) {
	const struct solana_address *token = solana_program_address(SOLANA_TOKEN);
	const struct solana_address *program = solana_program_address(SOLANA_ASSOCIATED_TOKEN);
	for (unsigned bump = UINT8_MAX + 1; bump-- > 0;) {
		const uint8_t seed = (uint8_t)bump;
		struct hash256 hash = SHA256_PARTS(
			BYTES_OF_ARRAY(owner->bytes), BYTES_OF_ARRAY(token->bytes), BYTES_OF_ARRAY(mint->bytes),
			bytes_of(&seed, 1), BYTES_OF_ARRAY(program->bytes), BYTES_OF_LITERAL("ProgramDerivedAddress"));
		if (ed25519_is_on_curve(hash.bytes))
			continue;
		memcpy(account->bytes, hash.bytes, sizeof account->bytes);
		return true;
	}
	return false;
}
