#include "keys/key.h"

#include <stdio.h>

#include "keys/bip32.h"

static const char *const algorithm_names[] = {
	[KEY_SECP256K1] = "secp256k1", [KEY_P256] = "p256", [KEY_ED25519] = "ed25519"};
static const char *const purpose_names[KEY_PURPOSE_COUNT] = {
	[KEY_PURPOSE_TRANSFER] = "transfer",
	[KEY_PURPOSE_DIGEST] = "digest",
};
static const char *const material_names[KEY_MATERIAL_COUNT] = {
	[KEY_MATERIAL_SINGLE] = "single",
	[KEY_MATERIAL_EXTENDED] = "extended",
};
static const char *const state_names[KEY_STATE_COUNT] = {
	[KEY_ACTIVE] = "active",
	[KEY_FROZEN] = "frozen",
	[KEY_ROTATED] = "rotated",
	[KEY_DESTROYED] = "destroyed",
};
static const char *const sharing_names[KEY_SHARING_COUNT] = {[KEY_WHOLE] = "whole",
							     [KEY_SHARED_ECDSA] = "ecdsa",
							     [KEY_SHARED_ED25519] = "ed25519",
							     [KEY_SHARED_BIP340] = "bip340"};
static const enum key_algorithm sharing_algorithms[KEY_SHARING_COUNT] = {
	[KEY_SHARED_ECDSA] = KEY_SECP256K1, [KEY_SHARED_ED25519] = KEY_ED25519, [KEY_SHARED_BIP340] = KEY_SECP256K1};

static const char *
name_of(const char *const *names, size_t count, unsigned value) {
	return value < count ? names[value] : "unknown";
}

static enum status
parse_name(const char *what, const char *const *names, size_t count, struct bytes name, unsigned *value) {
	for (size_t i = 0; i < count; i++)
		if (bytes_equal_text(name, names[i])) {
			*value = (unsigned)i;
			return OK;
		}
	return fail(STATUS_INVALID, "key_record.%s: \"%.*s\" is none", what, BYTES_ARGS(name));
}

#define NAMES_OF(noun, count)                                                                                          \
	const char *key_##noun##_name(enum key_##noun noun) {                                                          \
		return name_of(noun##_names, count, (unsigned)noun);                                                   \
	}                                                                                                              \
                                                                                                                       \
	enum status key_##noun##_parse(struct bytes name, enum key_##noun *noun) {                                     \
		unsigned value;                                                                                        \
		TRY(parse_name(#noun, noun##_names, count, name, &value));                                             \
		*noun = (enum key_##noun)value;                                                                        \
		return OK;                                                                                             \
	}

NAMES_OF(algorithm, ARRAY_LENGTH(algorithm_names))
NAMES_OF(purpose, KEY_PURPOSE_COUNT)
NAMES_OF(material, KEY_MATERIAL_COUNT)
NAMES_OF(state, KEY_STATE_COUNT)
NAMES_OF(sharing, KEY_SHARING_COUNT)

static bool
is_id_character(uint8_t character, bool first) {
	bool alphanumeric = (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
	return alphanumeric || (!first && (character == '-' || character == '.' || character == '_'));
}

enum status
key_check_id(struct bytes text) {
	if (text.len == 0 || text.len > KEY_ID_MAX)
		return fail(STATUS_INVALID, "key_record.id: %zu characters; 1 to %zu are possible", text.len,
			    KEY_ID_MAX);
	for (size_t i = 0; i < text.len; i++)
		if (!is_id_character(text.data[i], i == 0))
			return fail(
				STATUS_INVALID,
				"key_record.id: character %zu; a to z, 0 to 9 and, after the first, - . _ are possible",
				i);
	return OK;
}

static bool
is_chain_part(struct bytes text) {
	for (size_t i = 0; i < text.len; i++)
		if (!is_id_character(text.data[i], true))
			return false;
	return text.len > 0;
}

enum status
key_check_chain(struct bytes text) {
	const uint8_t *colon = text.len == 0 ? nullptr : memchr(text.data, ':', text.len);
	size_t before = colon == nullptr ? 0 : (size_t)(colon - text.data);
	if (text.len > KEY_CHAIN_MAX || colon == nullptr || !is_chain_part(bytes_of(text.data, before)) ||
	    !is_chain_part(bytes_of(colon + 1, text.len - before - 1)))
		return fail(STATUS_INVALID, "key_record.chain: expected a chain such as bitcoin:main or eip155:1");
	return OK;
}

static struct bytes
id_bytes(const char *id) {
	return bytes_of(id, strnlen(id, KEY_ID_MAX + 1));
}

static enum status
check_extended(const struct key_info *key) {
	if (key->algorithm != KEY_SECP256K1)
		return fail(STATUS_INVALID, "key_record.material: an extended key is a secp256k1 key, not a %s key",
			    key_algorithm_name(key->algorithm));
	if (key->origin.count > SIGNING_PATH_MAX)
		return fail(STATUS_INVALID, "key_record.origin: %zu steps; at most %zu", key->origin.count,
			    SIGNING_PATH_MAX);
	if (key->branch_count > KEY_BRANCHES_MAX)
		return fail(STATUS_INVALID, "key_record.branches: %zu; at most %zu", key->branch_count,
			    KEY_BRANCHES_MAX);
	for (size_t i = 0; i < key->branch_count; i++)
		if (key->branches[i].count == 0 || key->branches[i].count > SIGNING_PATH_MAX)
			return fail(STATUS_INVALID,
				    "key_record.branches: branch %zu has %zu steps; 1 to %zu are possible", i,
				    key->branches[i].count, SIGNING_PATH_MAX);
	return OK;
}

/* Without hardened steps, which take the private key, that nobody has. */
static enum status
check_shared_material(const struct key_info *key) {
	if (key->material == KEY_MATERIAL_EXTENDED && key->sharing != KEY_SHARED_ECDSA)
		return fail(STATUS_INVALID, "key_record.sharing: scheme %s shares single keys",
			    key_sharing_name(key->sharing));
	if (key->origin.count != 0)
		return fail(STATUS_INVALID, "key_record.origin: a shared key is below no other");
	for (size_t i = 0; i < key->branch_count && i < KEY_BRANCHES_MAX; i++)
		for (size_t j = 0; j < key->branches[i].count && j < SIGNING_PATH_MAX; j++)
			if ((key->branches[i].steps[j] & BIP32_HARDENED) != 0)
				return fail(STATUS_INVALID,
					    "key_record.branches: branch %zu of a shared key has a hardened step", i);
	return OK;
}

/* Of a curve that its scheme shares; or, whole, no numbers of a sharing at all. */
static enum status
check_sharing(const struct key_info *key) {
	if (key->sharing == KEY_WHOLE)
		return key->threshold == 0 && key->parties == 0 && key->epoch == 0
			       ? OK
			       : fail(STATUS_INVALID, "key_record.sharing: a whole key has neither parties nor epoch");
	if (key->algorithm != sharing_algorithms[key->sharing])
		return fail(STATUS_INVALID, "key_record.sharing: scheme %s shares keys of %s, not of %s",
			    key_sharing_name(key->sharing), key_algorithm_name(sharing_algorithms[key->sharing]),
			    key_algorithm_name(key->algorithm));
	TRY(check_shared_material(key));
	if (key->sharing != KEY_SHARED_ECDSA && key->purpose != KEY_PURPOSE_TRANSFER)
		return fail(STATUS_INVALID, "key_record.sharing: scheme %s shares keys of purpose transfer",
			    key_sharing_name(key->sharing));
	if (key->threshold < 2 || key->threshold > key->parties || key->parties > KEY_PARTIES_MAX || key->epoch == 0)
		return fail(STATUS_INVALID,
			    "key_record.sharing: %u of %u, epoch %u; 2 to all, of at most %u, from epoch 1",
			    key->threshold, key->parties, key->epoch, KEY_PARTIES_MAX);
	return OK;
}

enum status
key_check_info(const struct key_info *key) {
	TRY(key_check_id(id_bytes(key->id)));
	TRY(key_check_id(id_bytes(key->account)));
	if (key->successor[0] != '\0')
		TRY(key_check_id(id_bytes(key->successor)));
	if ((unsigned)key->algorithm >= ARRAY_LENGTH(algorithm_names) || (unsigned)key->purpose >= KEY_PURPOSE_COUNT ||
	    (unsigned)key->material >= KEY_MATERIAL_COUNT || (unsigned)key->state >= KEY_STATE_COUNT ||
	    (unsigned)key->sharing >= KEY_SHARING_COUNT)
		return fail(STATUS_INVALID,
			    "key_record.attribute: algorithm %d, purpose %d, material %d or state %d is unknown",
			    (int)key->algorithm, (int)key->purpose, (int)key->material, (int)key->state);
	if (key->public_key_len != 0 && key->public_key_len != (key->algorithm == KEY_ED25519 ? 32 : 33))
		return fail(STATUS_INVALID, "key_record.public_key: %zu bytes for a %s key", key->public_key_len,
			    key_algorithm_name(key->algorithm));
	if (key->created_ms < 0 || key->created_ms > JSON_INTEGER_MAX)
		return fail(STATUS_INVALID, "key_record.created: %lld ms", (long long)key->created_ms);
	if ((key->state == KEY_ACTIVE && key->successor[0] != '\0') ||
	    (key->state == KEY_ROTATED && key->successor[0] == '\0'))
		return fail(STATUS_INVALID,
			    "key_record.successor: a key has a successor once it is rotated, and never before");
	TRY(check_sharing(key));
	if (key->chain[0] != '\0') {
		TRY(key_check_chain(bytes_of(key->chain, strnlen(key->chain, sizeof key->chain))));
		if (key->purpose != KEY_PURPOSE_TRANSFER)
			return fail(STATUS_INVALID, "key_record.chain: a key of opaque digests has no chain");
	}
	if (key->material == KEY_MATERIAL_EXTENDED)
		return check_extended(key);
	if (key->origin.count != 0 || key->branch_count != 0)
		return fail(STATUS_INVALID, "key_record.material: a single key has neither origin nor branches");
	return OK;
}

static void
write_path(struct json_writer *writer, const struct signing_path *path) {
	char text[BIP32_PATH_TEXT_SIZE];
	bip32_path_format(path, text);
	json_write_text(writer, text);
}

void
key_write(struct json_writer *writer, const struct key_info *key) {
	bool extended = key->material == KEY_MATERIAL_EXTENDED;
	json_write_object(writer);
	json_write_member_text(writer, "account", key->account);
	json_write_member_text(writer, "algorithm", key_algorithm_name(key->algorithm));
	if (extended) {
		json_write_key(writer, "branches");
		json_write_array(writer);
		for (size_t i = 0; i < key->branch_count; i++)
			write_path(writer, &key->branches[i]);
		json_write_end(writer);
	}
	if (key->chain[0] != '\0')
		json_write_member_text(writer, "chain", key->chain);
	json_write_member_integer(writer, "created", key->created_ms);
	if (extended)
		json_write_member_hex(writer, "fingerprint", BYTES_OF_ARRAY(key->fingerprint));
	json_write_member_text(writer, "id", key->id);
	json_write_member_text(writer, "material", key_material_name(key->material));
	if (extended) {
		json_write_key(writer, "origin");
		write_path(writer, &key->origin);
	}
	json_write_member_hex(writer, "public_key", key_public(key));
	json_write_member_text(writer, "purpose", key_purpose_name(key->purpose));
	if (key->sharing != KEY_WHOLE) {
		json_write_key(writer, "sharing");
		json_write_object(writer);
		json_write_member_integer(writer, "epoch", key->epoch);
		json_write_member_integer(writer, "parties", key->parties);
		json_write_member_text(writer, "scheme", key_sharing_name(key->sharing));
		json_write_member_integer(writer, "threshold", key->threshold);
		json_write_end(writer);
	}
	json_write_member_text(writer, "state", key_state_name(key->state));
	if (key->successor[0] != '\0')
		json_write_member_text(writer, "successor", key->successor);
	json_write_end(writer);
}

static enum status
read_id(const json *record, const char *member, char id[KEY_ID_MAX + 1]) {
	struct bytes text;
	TRY(json_need_string(record, "key_record", member, &text));
	TRY(key_check_id(text));
	memcpy(id, text.data, text.len);
	id[text.len] = '\0';
	return OK;
}

static enum status
read_chain(const json *record, struct key_info *key) {
	struct bytes text;
	if (json_get(record, "chain") == nullptr)
		return OK;
	TRY(json_need_string(record, "key_record", "chain", &text));
	TRY(key_check_chain(text));
	memcpy(key->chain, text.data, text.len);
	return OK;
}

static enum status
read_public_key(const json *record, struct key_info *key) {
	struct bytes text;
	TRY(json_need_string(record, "key_record", "public_key", &text));
	key->public_key_len = key->algorithm == KEY_ED25519 ? 32 : 33;
	if (hex_decode(text, key->public_key, key->public_key_len) != OK)
		return fail(STATUS_INVALID, "key_record.public_key: expected %zu hexadecimal digits",
			    2 * key->public_key_len);
	return OK;
}

static enum status
read_origin(const json *record, struct key_info *key) {
	struct bytes text;
	const json *branches, *branch;
	TRY(json_need_string(record, "key_record", "fingerprint", &text));
	if (hex_decode(text, key->fingerprint, sizeof key->fingerprint) != OK)
		return fail(STATUS_INVALID, "key_record.fingerprint: expected 8 hexadecimal digits");
	TRY(json_need_string(record, "key_record", "origin", &text));
	TRY(bip32_path_parse(text, &key->origin));
	TRY(json_need(record, "key_record", "branches", JSON_ARRAY, &branches));
	if (json_size(branches) > KEY_BRANCHES_MAX)
		return fail(STATUS_INVALID, "key_record.branches: %zu; at most %zu", json_size(branches),
			    KEY_BRANCHES_MAX);
	struct json_iterator iterator = json_iterate(branches);
	while ((branch = json_next(&iterator, nullptr)) != nullptr) {
		if (json_type_of(branch) != JSON_STRING)
			return fail(STATUS_INVALID, "key_record.branches: expected strings, found %s",
				    json_type_name(json_type_of(branch)));
		TRY(bip32_path_parse(json_string(branch), &key->branches[key->branch_count++]));
	}
	return OK;
}

static enum status
read_number(const json *object, const char *member, int64_t max, int64_t *number) {
	TRY(json_need_integer(object, "key_record.sharing", member, number));
	return *number >= 1 && *number <= max
		       ? OK
		       : fail(STATUS_INVALID, "key_record.sharing: %s is %lld; 1 to %lld are possible", member,
			      (long long)*number, (long long)max);
}

static enum status
read_sharing(const json *record, struct key_info *key) {
	static const char *const members[] = {"epoch", "parties", "scheme", "threshold", nullptr};
	const json *sharing;
	struct bytes scheme;
	int64_t epoch, parties, threshold;
	if (json_get(record, "sharing") == nullptr)
		return OK;
	TRY(json_need(record, "key_record", "sharing", JSON_OBJECT, &sharing));
	TRY(json_only(sharing, "key_record.sharing", members));
	TRY(json_need_string(sharing, "key_record.sharing", "scheme", &scheme));
	TRY(key_sharing_parse(scheme, &key->sharing));
	if (key->sharing == KEY_WHOLE)
		return fail(STATUS_INVALID, "key_record.sharing: \"whole\" is no scheme");
	TRY(read_number(sharing, "epoch", UINT32_MAX, &epoch));
	TRY(read_number(sharing, "parties", KEY_PARTIES_MAX, &parties));
	TRY(read_number(sharing, "threshold", KEY_PARTIES_MAX, &threshold));
	key->epoch = (uint32_t)epoch;
	key->parties = (uint8_t)parties;
	key->threshold = (uint8_t)threshold;
	return OK;
}

enum status
key_read(const json *record, struct key_info *key) {
	static const char *const single_members[] = {"account", "algorithm", "chain",      "created",
						     "id",      "material",  "public_key", "purpose",
						     "sharing", "state",     "successor",  nullptr};
	static const char *const extended_members[] = {
		"account", "algorithm",  "branches", "chain",   "created", "fingerprint", "id",   "material",
		"origin",  "public_key", "purpose",  "sharing", "state",   "successor",   nullptr};
	struct bytes text;
	*key = (struct key_info){};
	TRY(json_need_string(record, "key_record", "material", &text));
	TRY(key_material_parse(text, &key->material));
	bool extended = key->material == KEY_MATERIAL_EXTENDED;
	TRY(json_only(record, "key_record", extended ? extended_members : single_members));
	TRY(read_id(record, "account", key->account));
	TRY(json_need_string(record, "key_record", "algorithm", &text));
	TRY(key_algorithm_parse(text, &key->algorithm));
	TRY(read_chain(record, key));
	TRY(json_need_integer(record, "key_record", "created", &key->created_ms));
	TRY(read_id(record, "id", key->id));
	TRY(read_public_key(record, key));
	TRY(json_need_string(record, "key_record", "purpose", &text));
	TRY(key_purpose_parse(text, &key->purpose));
	TRY(json_need_string(record, "key_record", "state", &text));
	TRY(key_state_parse(text, &key->state));
	if (json_get(record, "successor") != nullptr)
		TRY(read_id(record, "successor", key->successor));
	if (extended)
		TRY(read_origin(record, key));
	TRY(read_sharing(record, key));
	return key_check_info(key);
}
