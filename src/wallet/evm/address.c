#include "wallet/evm/address.h"

#include "crypto/hash.h"
#include "wallet/evm/rlp.h"

constexpr size_t DIGITS = 40;

static bool
is_letter(char c) {
	return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* EIP-55: a letter is upper case where the digit of the hash of the lower-case text at its place is 8 or more. */
static void
apply_checksum(char digits[static DIGITS]) {
	struct hash256 hash = keccak256(bytes_of(digits, DIGITS));
	for (size_t i = 0; i < DIGITS; i++) {
		unsigned nibble = i % 2 == 0 ? hash.bytes[i / 2] >> 4 : hash.bytes[i / 2] & 15;
		if (is_letter(digits[i]) && nibble >= 8)
			digits[i] = (char)(digits[i] & ~0x20);
	}
}

void
evm_address_format(const struct evm_address *address, char text[static 43]) {
	text[0] = '0';
	text[1] = 'x';
	hex_encode(BYTES_OF_ARRAY(address->bytes), text + 2);
	apply_checksum(text + 2);
}

struct bytes
evm_address_text(struct arena *arena, const struct evm_address *address) {
	char text[EVM_ADDRESS_TEXT_SIZE];
	evm_address_format(address, text);
	return arena_copy(arena, bytes_of_text(text));
}

enum status
evm_address_parse(struct bytes text, struct evm_address *address) {
	if (text.len != EVM_ADDRESS_TEXT_SIZE - 1 || text.data[0] != '0' || text.data[1] != 'x' ||
	    hex_decode(bytes_of(text.data + 2, DIGITS), address->bytes, sizeof address->bytes) != OK)
		return fail(STATUS_INVALID,
			    "evm.address.form: expected 0x and 40 hexadecimal digits, found %zu characters", text.len);
	bool has_lower = false, has_upper = false;
	for (size_t i = 2; i < text.len; i++) {
		has_lower |= text.data[i] >= 'a';
		has_upper |= text.data[i] >= 'A' && text.data[i] <= 'F';
	}
	if (!has_lower || !has_upper)
		return OK;
	char expected[EVM_ADDRESS_TEXT_SIZE];
	evm_address_format(address, expected);
	if (!bytes_equal_text(text, expected))
		return fail(STATUS_INVALID, "evm.address.checksum: expected %s, found %.*s", expected,
			    BYTES_ARGS(text));
	return OK;
}

struct evm_address
evm_address_of_key(const uint8_t public_key[65]) {
	struct hash256 hash = keccak256(bytes_of(public_key + 1, 64));
	struct evm_address address;
	memcpy(address.bytes, hash.bytes + 12, sizeof address.bytes);
	return address;
}

struct evm_address
evm_address_of_contract(const struct evm_address *sender, uint64_t nonce) {
	uint8_t memory[40]; /* header 1, address 21, nonce at most 9 */
	struct buffer list = {.data = memory, .capacity = sizeof memory};
	struct rlp_writer content = {};
	rlp_write_bytes(&content, BYTES_OF_ARRAY(sender->bytes));
	rlp_write_u64(&content, nonce);
	struct rlp_writer writer = {.to = &list};
	rlp_write_list_header(&writer, content.len);
	rlp_write_bytes(&writer, BYTES_OF_ARRAY(sender->bytes));
	rlp_write_u64(&writer, nonce);
	struct hash256 hash = keccak256(buffer_bytes(&list));
	struct evm_address address;
	memcpy(address.bytes, hash.bytes + 12, sizeof address.bytes);
	return address;
}
