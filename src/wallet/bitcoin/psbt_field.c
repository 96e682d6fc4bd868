#include "wallet/bitcoin/psbt_field.h"

#include "wallet/bitcoin/compact_size.h"

static const struct psbt_field FIELDS[] = {
	{PSBT_GLOBAL, 0x00, "unsigned transaction", PSBT_EMPTY, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_GLOBAL, 0x01, "extended public key", PSBT_EXTENDED_KEY, PSBT_DERIVATION, PSBT_ACCEPTED},
	{PSBT_GLOBAL, 0x02, "transaction version", PSBT_EMPTY, PSBT_U32, PSBT_VERSION_2},
	{PSBT_GLOBAL, 0x03, "fallback lock time", PSBT_EMPTY, PSBT_U32, PSBT_VERSION_2},
	{PSBT_GLOBAL, 0x04, "input count", PSBT_EMPTY, PSBT_ANY, PSBT_VERSION_2},
	{PSBT_GLOBAL, 0x05, "output count", PSBT_EMPTY, PSBT_ANY, PSBT_VERSION_2},
	{PSBT_GLOBAL, 0x06, "modifiable flags", PSBT_EMPTY, PSBT_ANY, PSBT_VERSION_2},
	{PSBT_GLOBAL, 0x07, "silent payment share", PSBT_PUBLIC_KEY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_GLOBAL, 0x08, "silent payment proof", PSBT_PUBLIC_KEY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_GLOBAL, 0x09, "generic signed message", PSBT_EMPTY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_GLOBAL, 0xfb, "version", PSBT_EMPTY, PSBT_U32, PSBT_ACCEPTED},
	{PSBT_GLOBAL, 0xfc, "proprietary", PSBT_PRIVATE_ID, PSBT_ANY, PSBT_ACCEPTED},

	{PSBT_INPUT, 0x00, "previous transaction", PSBT_EMPTY, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x01, "witness UTXO", PSBT_EMPTY, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x02, "partial signature", PSBT_PUBLIC_KEY, PSBT_SIGNATURE, PSBT_NOT_SIGNABLE},
	{PSBT_INPUT, 0x03, "hash type", PSBT_EMPTY, PSBT_U32, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x04, "redeem script", PSBT_EMPTY, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x05, "witness script", PSBT_EMPTY, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x06, "derivation", PSBT_PUBLIC_KEY, PSBT_DERIVATION, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x07, "final script_sig", PSBT_EMPTY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_INPUT, 0x08, "final witness", PSBT_EMPTY, PSBT_WITNESS_STACK, PSBT_NOT_SIGNABLE},
	{PSBT_INPUT, 0x09, "proof-of-reserves commitment", PSBT_EMPTY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_INPUT, 0x0a, "RIPEMD-160 preimage", PSBT_HASH20, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x0b, "SHA-256 preimage", PSBT_HASH32, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x0c, "HASH160 preimage", PSBT_HASH20, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x0d, "HASH256 preimage", PSBT_HASH32, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x0e, "previous txid", PSBT_EMPTY, PSBT_HASH32, PSBT_VERSION_2},
	{PSBT_INPUT, 0x0f, "output index", PSBT_EMPTY, PSBT_U32, PSBT_VERSION_2},
	{PSBT_INPUT, 0x10, "sequence", PSBT_EMPTY, PSBT_U32, PSBT_VERSION_2},
	{PSBT_INPUT, 0x11, "required time", PSBT_EMPTY, PSBT_U32, PSBT_VERSION_2},
	{PSBT_INPUT, 0x12, "required height", PSBT_EMPTY, PSBT_U32, PSBT_VERSION_2},
	{PSBT_INPUT, 0x13, "Taproot key signature", PSBT_EMPTY, PSBT_SCHNORR, PSBT_NOT_SIGNABLE},
	{PSBT_INPUT, 0x14, "Taproot script signature", PSBT_X_ONLY_AND_LEAF, PSBT_SCHNORR, PSBT_NOT_SIGNABLE},
	{PSBT_INPUT, 0x15, "Taproot leaf script", PSBT_CONTROL_BLOCK, PSBT_LEAF_SCRIPT, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x16, "Taproot derivation", PSBT_X_ONLY_KEY, PSBT_TAPROOT_DERIVATION, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x17, "Taproot internal key", PSBT_EMPTY, PSBT_X_ONLY_KEY, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x18, "Taproot merkle root", PSBT_EMPTY, PSBT_HASH32, PSBT_ACCEPTED},
	{PSBT_INPUT, 0x1a, "MuSig2 participants", PSBT_PUBLIC_KEY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_INPUT, 0x1b, "MuSig2 nonce", PSBT_ANY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_INPUT, 0x1c, "MuSig2 partial signature", PSBT_ANY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_INPUT, 0x1d, "silent payment share", PSBT_PUBLIC_KEY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_INPUT, 0x1e, "silent payment proof", PSBT_PUBLIC_KEY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_INPUT, 0xfc, "proprietary", PSBT_PRIVATE_ID, PSBT_ANY, PSBT_ACCEPTED},

	{PSBT_OUTPUT, 0x00, "redeem script", PSBT_EMPTY, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_OUTPUT, 0x01, "witness script", PSBT_EMPTY, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_OUTPUT, 0x02, "derivation", PSBT_PUBLIC_KEY, PSBT_DERIVATION, PSBT_ACCEPTED},
	{PSBT_OUTPUT, 0x03, "amount", PSBT_EMPTY, PSBT_ANY, PSBT_VERSION_2},
	{PSBT_OUTPUT, 0x04, "script", PSBT_EMPTY, PSBT_ANY, PSBT_VERSION_2},
	{PSBT_OUTPUT, 0x05, "Taproot internal key", PSBT_EMPTY, PSBT_X_ONLY_KEY, PSBT_ACCEPTED},
	{PSBT_OUTPUT, 0x06, "Taproot tree", PSBT_EMPTY, PSBT_TAPROOT_TREE, PSBT_ACCEPTED},
	{PSBT_OUTPUT, 0x07, "Taproot derivation", PSBT_X_ONLY_KEY, PSBT_TAPROOT_DERIVATION, PSBT_ACCEPTED},
	{PSBT_OUTPUT, 0x08, "MuSig2 participants", PSBT_PUBLIC_KEY, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_OUTPUT, 0x09, "silent payment address", PSBT_EMPTY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_OUTPUT, 0x0a, "silent payment label", PSBT_EMPTY, PSBT_ANY, PSBT_NOT_SIGNABLE},
	{PSBT_OUTPUT, 0x35, "DNSSEC proof", PSBT_EMPTY, PSBT_ANY, PSBT_ACCEPTED},
	{PSBT_OUTPUT, 0xfc, "proprietary", PSBT_PRIVATE_ID, PSBT_ANY, PSBT_ACCEPTED},
};

const struct psbt_field *
psbt_field_find(enum psbt_scope scope, uint64_t type) {
	for (size_t i = 0; i < ARRAY_LENGTH(FIELDS); i++)
		if (FIELDS[i].scope == scope && FIELDS[i].type == type)
			return &FIELDS[i];
	return nullptr;
}

const char *
psbt_scope_name(enum psbt_scope scope) {
	static const char *const NAMES[] = {[PSBT_GLOBAL] = "global", [PSBT_INPUT] = "input", [PSBT_OUTPUT] = "output"};
	return NAMES[scope];
}

/* --- shapes: null if bytes have it, else what was expected --- */

constexpr size_t FINGERPRINT_SIZE = 4;
constexpr size_t STEP_SIZE = 4;
constexpr size_t PATH_STEPS_MAX = 255;
constexpr size_t SIGNATURE_MIN = 9;
constexpr size_t SIGNATURE_MAX = 73; /* DER of two small numbers; of two 33-byte numbers, and a type */
constexpr size_t TREE_DEPTH_MAX = 128;

static const char *
check_length(struct bytes bytes, size_t len, const char *expected) {
	return bytes.len == len ? nullptr : expected;
}

static const char *
check_public_key(struct bytes bytes) {
	bool compressed = bytes.len == 33 && (bytes.data[0] == 2 || bytes.data[0] == 3);
	bool uncompressed = bytes.len == 65 && bytes.data[0] == 4;
	return compressed || uncompressed ? nullptr : "a public key of 33 or 65 bytes";
}

static bool
is_path(size_t len) {
	return len % STEP_SIZE == 0 && len / STEP_SIZE <= PATH_STEPS_MAX;
}

static const char *
check_derivation(struct bytes bytes) {
	bool valid = bytes.len >= FINGERPRINT_SIZE && is_path(bytes.len - FINGERPRINT_SIZE);
	return valid ? nullptr : "a fingerprint and a path of 4-byte steps";
}

static const char *
check_taproot_derivation(struct bytes bytes) {
	struct cursor cursor = cursor_of(bytes);
	struct bytes hashes;
	size_t count;
	bool valid = bitcoin_read_count(&cursor, "count", 32, &count) == OK &&
		     cursor_take(&cursor, "hashes", 32 * count, &hashes) == OK && cursor.left >= FINGERPRINT_SIZE &&
		     is_path(cursor.left - FINGERPRINT_SIZE);
	return valid ? nullptr : "leaf hashes, a fingerprint and a path of 4-byte steps";
}

static const char *
check_control_block(struct bytes bytes) {
	bool valid = bytes.len >= 33 && (bytes.len - 33) % 32 == 0 && (bytes.len - 33) / 32 <= TREE_DEPTH_MAX;
	return valid ? nullptr : "a control block of 33 + 32 n bytes";
}

/* Leaves in depth-first order; each depth is possible after those before it, and together they fill the tree (BIP-371). */
static const char *
check_taproot_tree(struct bytes bytes) {
	static const char EXPECTED[] = "the leaves of a whole tree, each with depth, version and script";
	struct cursor cursor = cursor_of(bytes);
	bool open[TREE_DEPTH_MAX + 1] = {}; /* at each depth: a left branch waits for its right one */
	bool whole = false;
	while (cursor.left > 0) {
		uint8_t depth, version;
		struct bytes script;
		if (whole || cursor_u8(&cursor, "depth", &depth) != OK ||
		    cursor_u8(&cursor, "version", &version) != OK ||
		    bitcoin_read_sized(&cursor, "script", &script) != OK || depth > TREE_DEPTH_MAX ||
		    (version & 1) != 0)
			return EXPECTED;
		for (size_t below = depth + 1u; below <= TREE_DEPTH_MAX; below++)
			if (open[below])
				return EXPECTED;
		size_t at = depth;
		while (at > 0 && open[at])
			open[at--] = false;
		if (at == 0)
			whole = true;
		else
			open[at] = true;
	}
	return whole ? nullptr : EXPECTED;
}

static const char *
check_witness_stack(struct bytes bytes) {
	struct cursor cursor = cursor_of(bytes);
	size_t count;
	struct bytes item;
	bool valid = bitcoin_read_count(&cursor, "count", 1, &count) == OK;
	for (size_t i = 0; valid && i < count; i++)
		valid = bitcoin_read_sized(&cursor, "item", &item) == OK;
	return valid && cursor.left == 0 ? nullptr : "a witness stack";
}

static const char *
check_private_id(struct bytes bytes) {
	struct cursor cursor = cursor_of(bytes);
	struct bytes identifier;
	uint64_t subtype;
	bool valid = bitcoin_read_sized(&cursor, "identifier", &identifier) == OK &&
		     bitcoin_read_compact_size(&cursor, "subtype", &subtype) == OK;
	return valid ? nullptr : "an identifier with its length, and a subtype";
}

static const char *
expected_of(enum psbt_shape shape, struct bytes bytes) {
	switch (shape) {
	case PSBT_ANY:
		return nullptr;
	case PSBT_EMPTY:
		return check_length(bytes, 0, "nothing");
	case PSBT_U32:
		return check_length(bytes, 4, "4 bytes");
	case PSBT_HASH20:
		return check_length(bytes, 20, "a hash of 20 bytes");
	case PSBT_HASH32:
		return check_length(bytes, 32, "a hash of 32 bytes");
	case PSBT_X_ONLY_KEY:
		return check_length(bytes, 32, "an x-only key of 32 bytes");
	case PSBT_X_ONLY_AND_LEAF:
		return check_length(bytes, 64, "an x-only key and a leaf hash, 64 bytes");
	case PSBT_EXTENDED_KEY:
		return check_length(bytes, 78, "an extended key of 78 bytes");
	case PSBT_PUBLIC_KEY:
		return check_public_key(bytes);
	case PSBT_SIGNATURE:
		return bytes.len >= SIGNATURE_MIN && bytes.len <= SIGNATURE_MAX ? nullptr
										: "a signature and a hash type";
	case PSBT_SCHNORR:
		return bytes.len == 64 || bytes.len == 65 ? nullptr : "a signature of 64 or 65 bytes";
	case PSBT_CONTROL_BLOCK:
		return check_control_block(bytes);
	case PSBT_LEAF_SCRIPT:
		return bytes.len > 0 ? nullptr : "a script and its leaf version";
	case PSBT_DERIVATION:
		return check_derivation(bytes);
	case PSBT_TAPROOT_DERIVATION:
		return check_taproot_derivation(bytes);
	case PSBT_TAPROOT_TREE:
		return check_taproot_tree(bytes);
	case PSBT_WITNESS_STACK:
		return check_witness_stack(bytes);
	case PSBT_PRIVATE_ID:
		return check_private_id(bytes);
	}
	return "a known shape";
}

enum status
psbt_shape_check(enum psbt_shape shape, struct bytes bytes, const char *name, const struct psbt_field *field,
		 size_t index) {
	const char *expected = expected_of(shape, bytes);
	if (expected == nullptr)
		return OK;
	return fail(STATUS_INVALID, "%s: %s %zu, %s: expected %s, found %zu bytes", name, psbt_scope_name(field->scope),
		    index, field->name, expected, bytes.len);
}
