#include "wallet/bitcoin/address.h"

#include "base/base58.h"
#include "crypto/hash.h"
#include "wallet/bitcoin/script.h"

static const struct {
	const char *chain;
	const char *prefix; /* Bech32's human-readable part */
	uint8_t key_version, script_version;
	uint32_t coin_type;
} NETWORKS[BITCOIN_NETWORK_COUNT] = {
	[BITCOIN_MAIN] = {"bitcoin:main", "bc", 0x00, 0x05, 0},
	[BITCOIN_TEST] = {"bitcoin:test", "tb", 0x6f, 0xc4, 1},
	[BITCOIN_TESTNET4] = {"bitcoin:testnet4", "tb", 0x6f, 0xc4, 1},
	[BITCOIN_SIGNET] = {"bitcoin:signet", "tb", 0x6f, 0xc4, 1},
	[BITCOIN_REGTEST] = {"bitcoin:regtest", "bcrt", 0x6f, 0xc4, 1},
};

constexpr size_t CHECKSUM_SIZE = 4;            /* Base58Check */
constexpr size_t BASE58_PAYLOAD_SIZE = 1 + 20; /* version and hash */
constexpr size_t BECH32_TEXT_MAX = 90;
constexpr size_t BECH32_CHECKSUM = 6;
constexpr uint32_t BECH32_CONSTANT = 1;
constexpr uint32_t BECH32M_CONSTANT = 0x2bc8'30a3;
static const char BECH32_DIGITS[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

const char *
bitcoin_network_chain(enum bitcoin_network network) {
	return NETWORKS[network].chain;
}

uint32_t
bitcoin_network_coin_type(enum bitcoin_network network) {
	return NETWORKS[network].coin_type;
}

enum status
bitcoin_network_of_chain(struct bytes chain, enum bitcoin_network *network) {
	for (size_t i = 0; i < BITCOIN_NETWORK_COUNT; i++)
		if (bytes_equal_text(chain, NETWORKS[i].chain)) {
			*network = (enum bitcoin_network)i;
			return OK;
		}
	return fail(STATUS_UNSUPPORTED,
		    "bitcoin.chain: expected bitcoin:main, bitcoin:test, bitcoin:testnet4, bitcoin:signet or "
		    "bitcoin:regtest, "
		    "found \"%.*s\"",
		    (int)(chain.len > 64 ? 64 : chain.len), (const char *)chain.data);
}

/* --- Base58Check --- */

static bool
base58check_encode(uint8_t version, struct bytes hash, char text[static BITCOIN_ADDRESS_SIZE]) {
	uint8_t bytes[BASE58_PAYLOAD_SIZE + CHECKSUM_SIZE];
	bytes[0] = version;
	memcpy(bytes + 1, hash.data, BASE58_PAYLOAD_SIZE - 1);
	struct hash256 checksum = sha256_twice(bytes_of(bytes, BASE58_PAYLOAD_SIZE));
	memcpy(bytes + BASE58_PAYLOAD_SIZE, checksum.bytes, CHECKSUM_SIZE);
	char wide[BASE58_TEXT_SIZE];
	if (base58_encode(BYTES_OF_ARRAY(bytes), wide) != OK)
		return false;                 /* cannot happen: the length is fixed and small */
	memcpy(text, wide, strlen(wide) + 1); /* 25 bytes give at most 35 digits */
	return true;
}

static enum status
base58check_decode(enum bitcoin_network network, struct bytes text, uint8_t *script, size_t *len) {
	uint8_t bytes[BASE58_PAYLOAD_SIZE + CHECKSUM_SIZE];
	size_t count;
	enum status status = base58_decode(text, bytes, sizeof bytes, &count);
	if (status != OK)
		return fail(STATUS_INVALID, "address.character: neither Bech32 with a known prefix nor Base58");
	if (count != sizeof bytes)
		return fail(STATUS_INVALID, "address.length: %zu bytes in Base58, %zu expected", count, sizeof bytes);
	struct hash256 checksum = sha256_twice(bytes_of(bytes, BASE58_PAYLOAD_SIZE));
	if (memcmp(checksum.bytes, bytes + BASE58_PAYLOAD_SIZE, CHECKSUM_SIZE) != 0)
		return fail(STATUS_INVALID, "address.checksum: the Base58 checksum does not match");
	struct bitcoin_script built;
	if (bytes[0] == NETWORKS[network].key_version)
		built = bitcoin_script_p2pkh(bytes + 1);
	else if (bytes[0] == NETWORKS[network].script_version)
		built = bitcoin_script_p2sh(bytes + 1);
	else
		return fail(STATUS_INVALID, "address.version: version byte 0x%02x is not of %s", bytes[0],
			    NETWORKS[network].chain);
	memcpy(script, built.data, built.len);
	*len = built.len;
	return OK;
}

/* --- Bech32 and Bech32m: BIP-173's BCH code over groups of five bits --- */

static uint32_t
polymod_step(uint32_t checksum, uint8_t value) {
	static const uint32_t GENERATOR[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
	uint32_t top = checksum >> 25;
	checksum = (checksum & 0x1ff'ffff) << 5 ^ value;
	for (size_t i = 0; i < ARRAY_LENGTH(GENERATOR); i++)
		if (top >> i & 1)
			checksum ^= GENERATOR[i];
	return checksum;
}

static uint32_t
polymod(const char *prefix, const uint8_t *values, size_t count) {
	uint32_t checksum = 1;
	size_t prefix_len = strlen(prefix);
	for (size_t i = 0; i < prefix_len; i++)
		checksum = polymod_step(checksum, (uint8_t)prefix[i] >> 5);
	checksum = polymod_step(checksum, 0);
	for (size_t i = 0; i < prefix_len; i++)
		checksum = polymod_step(checksum, (uint8_t)prefix[i] & 31);
	for (size_t i = 0; i < count; i++)
		checksum = polymod_step(checksum, values[i]);
	return checksum;
}

static uint32_t
bech32_constant(unsigned witness_version) {
	return witness_version == 0 ? BECH32_CONSTANT : BECH32M_CONSTANT;
}

static void
bech32_encode(const char *prefix, unsigned version, struct bytes program, char text[static BITCOIN_ADDRESS_SIZE]) {
	uint8_t values[BECH32_TEXT_MAX] = {(uint8_t)version}; /* 1 + ceil(40 × 8 / 5) + 6 = 71 at most */
	size_t count = 1;
	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < program.len; i++) {
		bits = bits << 8 | program.data[i];
		for (held += 8; held >= 5; held -= 5)
			values[count++] = bits >> (held - 5) & 31;
	}
	if (held > 0)
		values[count++] = (uint8_t)(bits << (5 - held) & 31);
	/* The checksum of the values followed by six zeros (they are already zero). */
	uint32_t checksum = polymod(prefix, values, count + BECH32_CHECKSUM) ^ bech32_constant(version);
	for (size_t i = 0; i < BECH32_CHECKSUM; i++)
		values[count++] = checksum >> 5 * (BECH32_CHECKSUM - 1 - i) & 31;
	size_t at = strlen(prefix);
	memcpy(text, prefix, at);
	text[at++] = '1';
	for (size_t i = 0; i < count; i++)
		text[at++] = BECH32_DIGITS[values[i]];
	text[at] = '\0';
}

static uint8_t
lower(uint8_t c) {
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static enum status
check_single_case(struct bytes text) {
	bool upper = false, small = false;
	for (size_t i = 0; i < text.len; i++) {
		upper |= text.data[i] >= 'A' && text.data[i] <= 'Z';
		small |= text.data[i] >= 'a' && text.data[i] <= 'z';
	}
	return upper && small ? fail(STATUS_INVALID, "address.mixed_case: Bech32 is all upper or all lower case") : OK;
}

/* True if text is the prefix, of either case, and the separator, at least. */
static bool
has_prefix(struct bytes text, const char *prefix) {
	size_t len = strlen(prefix);
	if (text.len <= len || text.data[len] != '1')
		return false;
	for (size_t i = 0; i < len; i++)
		if (lower(text.data[i]) != (uint8_t)prefix[i])
			return false;
	return true;
}

static enum status
bech32_values(struct bytes digits, uint8_t *values) {
	for (size_t i = 0; i < digits.len; i++) {
		uint8_t c = lower(digits.data[i]);
		const char *digit = c == 0 ? nullptr : strchr(BECH32_DIGITS, c);
		if (digit == nullptr)
			return fail(STATUS_INVALID, "address.character: digit %zu is not one of Bech32", i);
		values[i] = (uint8_t)(digit - BECH32_DIGITS);
	}
	return OK;
}

/* Groups of five bits to bytes; what is left over is less than a group and zero (BIP-173). */
static enum status
regroup(const uint8_t *values, size_t count, uint8_t program[static 40], size_t *len) {
	uint32_t bits = 0;
	unsigned held = 0;
	*len = 0;
	for (size_t i = 0; i < count; i++) {
		bits = bits << 5 | values[i];
		held += 5;
		if (held < 8)
			continue;
		held -= 8;
		if (*len == 40)
			return fail(STATUS_INVALID, "address.program: longer than 40 bytes");
		program[(*len)++] = (uint8_t)(bits >> held);
	}
	if (held >= 5 || (bits & ((1u << held) - 1)) != 0)
		return fail(STATUS_INVALID, "address.padding: the last bits are not zero padding");
	return OK;
}

static enum status
bech32_decode(const char *prefix, struct bytes text, uint8_t *script, size_t *len) {
	uint8_t values[BECH32_TEXT_MAX], program[40];
	size_t start = strlen(prefix) + 1, program_len;
	if (text.len > BECH32_TEXT_MAX || text.len < start + 1 + BECH32_CHECKSUM)
		return fail(STATUS_INVALID, "address.length: %zu characters, %zu to %zu expected", text.len,
			    start + 1 + BECH32_CHECKSUM, BECH32_TEXT_MAX);
	TRY(check_single_case(text));
	size_t count = text.len - start;
	TRY(bech32_values(bytes_of(text.data + start, count), values));
	unsigned version = values[0];
	if (version > 16)
		return fail(STATUS_INVALID, "address.witness_version: %u, at most 16", version);
	if (polymod(prefix, values, count) != bech32_constant(version))
		return fail(STATUS_INVALID, "address.checksum: the %s checksum does not match",
			    version == 0 ? "Bech32" : "Bech32m");
	TRY(regroup(values + 1, count - 1 - BECH32_CHECKSUM, program, &program_len));
	if (program_len < 2 || (version == 0 && program_len != 20 && program_len != 32))
		return fail(STATUS_INVALID, "address.program: %zu bytes cannot be a program of witness version %u",
			    program_len, version);
	script[0] = version == 0 ? 0 : (uint8_t)(0x50 + version);
	script[1] = (uint8_t)program_len;
	memcpy(script + 2, program, program_len);
	*len = 2 + program_len;
	return OK;
}

bool
bitcoin_address_of_script(enum bitcoin_network network, struct bytes script, char text[static BITCOIN_ADDRESS_SIZE]) {
	unsigned version;
	struct bytes program;
	switch (bitcoin_script_template(script)) {
	case BITCOIN_P2PKH:
		return base58check_encode(NETWORKS[network].key_version, bitcoin_script_payload(script), text);
	case BITCOIN_P2SH:
		return base58check_encode(NETWORKS[network].script_version, bitcoin_script_payload(script), text);
	default:
		break;
	}
	if (!bitcoin_script_witness_program(script, &version, &program) ||
	    (version == 0 && program.len != 20 && program.len != 32))
		return false;
	bech32_encode(NETWORKS[network].prefix, version, program, text);
	return true;
}

enum status
bitcoin_address_to_script(enum bitcoin_network network, struct bytes text, uint8_t *script, size_t *len) {
	if (has_prefix(text, NETWORKS[network].prefix))
		return bech32_decode(NETWORKS[network].prefix, text, script, len);
	for (size_t i = 0; i < BITCOIN_NETWORK_COUNT; i++)
		if (has_prefix(text, NETWORKS[i].prefix))
			return fail(STATUS_INVALID, "address.network: an address of %s, %s expected", NETWORKS[i].chain,
				    NETWORKS[network].chain);
	return base58check_decode(network, text, script, len);
}
