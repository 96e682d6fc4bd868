#include "wallet/bitcoin/script.h"

#include "crypto/sign.h"

enum {
	OP_0 = 0x00,
	OP_PUSH_20 = 0x14,
	OP_PUSH_32 = 0x20,
	OP_PUSH_MAX = 0x4b, /* above it, pushes have a length of their own */
	OP_1 = 0x51,
	OP_16 = 0x60,
	OP_RETURN = 0x6a,
	OP_DUP = 0x76,
	OP_EQUAL = 0x87,
	OP_EQUALVERIFY = 0x88,
	OP_HASH160 = 0xa9,
	OP_CHECKSIG = 0xac,
	OP_CHECKMULTISIG = 0xae,
};

constexpr size_t COMPRESSED_KEY_SIZE = 33;
constexpr size_t UNCOMPRESSED_KEY_SIZE = 65;
constexpr size_t PROGRAM_MIN = 2;
constexpr size_t PROGRAM_MAX = 40;

static const char *const TEMPLATE_NAMES[BITCOIN_TEMPLATE_COUNT] = {
	[BITCOIN_UNKNOWN_SCRIPT] = "unknown",
	[BITCOIN_P2PK] = "p2pk",
	[BITCOIN_P2PKH] = "p2pkh",
	[BITCOIN_P2SH] = "p2sh",
	[BITCOIN_P2SH_P2WPKH] = "p2sh-p2wpkh",
	[BITCOIN_P2WPKH] = "p2wpkh",
	[BITCOIN_P2WSH] = "p2wsh",
	[BITCOIN_P2TR] = "p2tr",
	[BITCOIN_MULTISIG] = "multisig",
	[BITCOIN_DATA] = "data",
	[BITCOIN_UNKNOWN_WITNESS] = "unknown-witness",
};

const char *
bitcoin_template_name(enum bitcoin_template template) {
	return template <BITCOIN_TEMPLATE_COUNT ? TEMPLATE_NAMES[template] : "unknown";
}

static struct bytes
slice(struct bytes bytes, size_t start, size_t len) {
	return bytes_of(bytes.data + start, len);
}

static bool
is_p2pkh(struct bytes script) {
	return script.len == 25 && script.data[0] == OP_DUP && script.data[1] == OP_HASH160 &&
	       script.data[2] == OP_PUSH_20 && script.data[23] == OP_EQUALVERIFY && script.data[24] == OP_CHECKSIG;
}

static bool
is_p2sh(struct bytes script) {
	return script.len == 23 && script.data[0] == OP_HASH160 && script.data[1] == OP_PUSH_20 &&
	       script.data[22] == OP_EQUAL;
}

static bool
is_public_key(struct bytes key) {
	return (key.len == COMPRESSED_KEY_SIZE && (key.data[0] == 2 || key.data[0] == 3)) ||
	       (key.len == UNCOMPRESSED_KEY_SIZE && key.data[0] == 4);
}

static bool
is_p2pk(struct bytes script) {
	return script.len > 2 && script.data[0] == script.len - 2 && script.data[script.len - 1] == OP_CHECKSIG &&
	       is_public_key(slice(script, 1, script.len - 2));
}

bool
bitcoin_script_witness_program(struct bytes script, unsigned *version, struct bytes *program) {
	if (script.len < 2 + PROGRAM_MIN || script.len > 2 + PROGRAM_MAX || script.data[1] != script.len - 2)
		return false;
	uint8_t first = script.data[0];
	if (first != OP_0 && (first < OP_1 || first > OP_16))
		return false;
	*version = first == OP_0 ? 0 : first - OP_1 + 1u;
	*program = slice(script, 2, script.len - 2);
	return true;
}

bool
bitcoin_script_multisig(struct bytes script, unsigned *required, unsigned *keys) {
	if (script.len < 3 || script.data[script.len - 1] != OP_CHECKMULTISIG)
		return false;
	uint8_t first = script.data[0], last = script.data[script.len - 2];
	if (first < OP_1 || first > OP_16 || last < OP_1 || last > OP_16)
		return false;
	*required = first - OP_1 + 1u;
	*keys = last - OP_1 + 1u;
	unsigned found = 0;
	size_t at = 1, end = script.len - 2;
	while (at < end) {
		size_t len = script.data[at];
		if (len > end - at - 1 || !is_public_key(slice(script, at + 1, len)))
			return false;
		at += 1 + len;
		found++;
	}
	return found == *keys && *required <= *keys;
}

enum bitcoin_template
bitcoin_script_template(struct bytes script) {
	unsigned version, required, keys;
	struct bytes program;
	if (is_p2pkh(script))
		return BITCOIN_P2PKH;
	if (is_p2sh(script))
		return BITCOIN_P2SH;
	if (bitcoin_script_witness_program(script, &version, &program)) {
		if (version == 0 && program.len == 20)
			return BITCOIN_P2WPKH;
		if (version == 0 && program.len == 32)
			return BITCOIN_P2WSH;
		return version == 1 && program.len == 32 ? BITCOIN_P2TR : BITCOIN_UNKNOWN_WITNESS;
	}
	if (is_p2pk(script))
		return BITCOIN_P2PK;
	if (bitcoin_script_multisig(script, &required, &keys))
		return BITCOIN_MULTISIG;
	return script.len > 0 && script.data[0] == OP_RETURN ? BITCOIN_DATA : BITCOIN_UNKNOWN_SCRIPT;
}

struct bytes
bitcoin_script_payload(struct bytes script) {
	unsigned version;
	struct bytes program;
	if (is_p2pkh(script))
		return slice(script, 3, 20);
	if (is_p2sh(script))
		return slice(script, 2, 20);
	if (bitcoin_script_witness_program(script, &version, &program))
		return program;
	return (struct bytes){};
}

struct bitcoin_script
bitcoin_script_p2pkh(const uint8_t key_hash[20]) {
	struct bitcoin_script script = {.len = 25};
	script.data[0] = OP_DUP;
	script.data[1] = OP_HASH160;
	script.data[2] = OP_PUSH_20;
	memcpy(script.data + 3, key_hash, 20);
	script.data[23] = OP_EQUALVERIFY;
	script.data[24] = OP_CHECKSIG;
	return script;
}

struct bitcoin_script
bitcoin_script_p2sh(const uint8_t script_hash[20]) {
	struct bitcoin_script script = {.len = 23};
	script.data[0] = OP_HASH160;
	script.data[1] = OP_PUSH_20;
	memcpy(script.data + 2, script_hash, 20);
	script.data[22] = OP_EQUAL;
	return script;
}

struct bitcoin_script
bitcoin_script_witness(unsigned version, struct bytes program) {
	struct bitcoin_script script = {.len = 2 + program.len};
	script.data[0] = version == 0 ? OP_0 : (uint8_t)(OP_1 + version - 1);
	script.data[1] = (uint8_t)program.len;
	memcpy(script.data + 2, program.data, program.len);
	return script;
}

enum status
bitcoin_script_of_key(enum bitcoin_template template, const uint8_t public_key[33], struct bytes merkle_root,
		      struct bitcoin_script *script) {
	uint8_t key_hash[20], output[32];
	hash160(bytes_of(public_key, COMPRESSED_KEY_SIZE), key_hash);
	switch (template) {
	case BITCOIN_P2PKH:
		*script = bitcoin_script_p2pkh(key_hash);
		return OK;
	case BITCOIN_P2WPKH:
		*script = bitcoin_script_witness(0, BYTES_OF_ARRAY(key_hash));
		return OK;
	case BITCOIN_P2SH_P2WPKH: {
		struct bitcoin_script redeem = bitcoin_script_witness(0, BYTES_OF_ARRAY(key_hash));
		uint8_t script_hash[20];
		hash160(bitcoin_script_bytes(&redeem), script_hash);
		*script = bitcoin_script_p2sh(script_hash);
		return OK;
	}
	case BITCOIN_P2TR:
		TRY(taproot_tweak_public(public_key + 1, merkle_root, output, nullptr));
		*script = bitcoin_script_witness(1, BYTES_OF_ARRAY(output));
		return OK;
	default:
		return fail(STATUS_INTERNAL, "bitcoin.template: %s is not the script of one key",
			    bitcoin_template_name(template));
	}
}

void
bitcoin_append_push(struct buffer *to, struct bytes data) {
	if (data.len > OP_PUSH_MAX) { /* callers push signatures, keys and key scripts only */
		to->failed = true;
		return;
	}
	buffer_append_byte(to, (uint8_t)data.len);
	buffer_append_bytes(to, data);
}
