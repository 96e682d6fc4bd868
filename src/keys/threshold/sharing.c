#include "keys/threshold/sharing.h"

bool
sharing_is_frost(enum key_sharing scheme) {
	return scheme == KEY_SHARED_ED25519 || scheme == KEY_SHARED_BIP340;
}

const struct frost_suite *
sharing_suite(const struct sharing *sharing) {
	return sharing->scheme == KEY_SHARED_ED25519 ? &frost_ed25519 : &frost_secp256k1;
}

struct bytes
sharing_public_key(const struct sharing *sharing) {
	return bytes_of(sharing->key.public_key, sharing_suite(sharing)->element_size);
}

void
sharing_to_frost(const struct sharing *sharing, struct frost_key_info *key) {
	const struct ecdsa_key *from = &sharing->key;
	*key = (struct frost_key_info){.scheme = sharing->scheme == KEY_SHARED_ED25519 ? FROST_SCHEME_ED25519
										       : FROST_SCHEME_BIP340,
				       .purpose = from->purpose,
				       .threshold = from->threshold,
				       .epoch = from->epoch,
				       .holders = from->holders};
	memcpy(key->id, from->id, sizeof key->id);
	memcpy(key->public_key.bytes, from->public_key, sizeof key->public_key.bytes);
	memcpy(key->chain_code, from->chain_code, sizeof key->chain_code);
	for (size_t i = 0; i < from->holders.count; i++)
		memcpy(key->public_shares[i].bytes, from->public_shares[i], sizeof key->public_shares[i].bytes);
}

void
sharing_of_frost(const struct frost_key_info *key, struct sharing *sharing) {
	struct ecdsa_key *to = &sharing->key;
	sharing->scheme = key->scheme == FROST_SCHEME_ED25519 ? KEY_SHARED_ED25519 : KEY_SHARED_BIP340;
	*to = (struct ecdsa_key){
		.purpose = key->purpose, .threshold = key->threshold, .epoch = key->epoch, .holders = key->holders};
	memcpy(to->id, key->id, sizeof to->id);
	memcpy(to->public_key, key->public_key.bytes, sizeof to->public_key);
	memcpy(to->chain_code, key->chain_code, sizeof to->chain_code);
	for (size_t i = 0; i < key->holders.count; i++)
		memcpy(to->public_shares[i], key->public_shares[i].bytes, sizeof to->public_shares[i]);
}

static void
write_party(struct json_writer *w, const struct sharing *sharing, size_t position) {
	const struct party *party = &sharing->key.holders.parties[position];
	json_write_object(w);
	json_write_member_integer(w, "admission", (int64_t)sharing->admissions[position]);
	json_write_member_hex(w, "identity", BYTES_OF_ARRAY(party->identity));
	json_write_member_integer(w, "index", party->index);
	json_write_member_text(w, "name", sharing->names[position]);
	json_write_member_hex(w, "public_share",
			      bytes_of(sharing->key.public_shares[position], sharing_suite(sharing)->element_size));
	json_write_end(w);
}

void
sharing_write(struct json_writer *w, const struct sharing *sharing) {
	const struct ecdsa_key *key = &sharing->key;
	json_write_object(w);
	json_write_member_hex(w, "chain_code", BYTES_OF_ARRAY(key->chain_code));
	json_write_member_integer(w, "epoch", key->epoch);
	json_write_member_text(w, "key", key->id);
	json_write_key(w, "parties");
	json_write_array(w);
	for (size_t i = 0; i < key->holders.count; i++)
		write_party(w, sharing, i);
	json_write_end(w);
	json_write_member_hex(w, "public_key", sharing_public_key(sharing));
	json_write_member_text(w, "purpose", key_purpose_name(key->purpose));
	json_write_member_text(w, "scheme", key_sharing_name(sharing->scheme));
	json_write_member_integer(w, "threshold", key->threshold);
	json_write_end(w);
}

enum status
party_name_check(struct bytes text) {
	if (text.len == 0 || text.len > PARTY_NAME_MAX)
		return fail(STATUS_INVALID, "sharing.name: %zu characters; 1 to %zu are possible", text.len,
			    PARTY_NAME_MAX);
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return fail(STATUS_INVALID, "sharing.name: character %zu; a to z, 0 to 9 and - are possible",
				    i);
	}
	return OK;
}

static enum status
read_hex(const json *object, const char *member, uint8_t *to, size_t len) {
	struct bytes text;
	TRY(json_need_string(object, "sharing", member, &text));
	return hex_decode(text, to, len) == OK
		       ? OK
		       : fail(STATUS_INVALID, "sharing.%s: expected %zu hexadecimal digits", member, 2 * len);
}

static enum status
read_number(const json *object, const char *member, int64_t max, int64_t *number) {
	TRY(json_need_integer(object, "sharing", member, number));
	return *number >= 1 && *number <= max ? OK
					      : fail(STATUS_INVALID, "sharing.%s: %lld; 1 to %lld are possible", member,
						     (long long)*number, (long long)max);
}

static enum status
read_point(const json *object, const char *member, const struct frost_suite *suite, uint8_t point[POINT_SIZE]) {
	struct frost_element parsed;
	TRY(read_hex(object, member, point, suite->element_size));
	return suite->element_read(point, &parsed) == OK
		       ? OK
		       : fail(STATUS_INVALID, "sharing.%s: no point of the curve", member);
}

static enum status
read_party(const json *object, struct sharing *sharing, size_t position) {
	static const char *const members[] = {"admission", "identity", "index", "name", "public_share", nullptr};
	struct party *party = &sharing->key.holders.parties[position];
	struct bytes name;
	int64_t index, admission;
	TRY(json_only(object, "sharing.party", members));
	TRY(json_need_integer(object, "sharing.party", "admission", &admission));
	if (admission < 0)
		return fail(STATUS_INVALID, "sharing.admission: %lld", (long long)admission);
	sharing->admissions[position] = (uint64_t)admission;
	TRY(read_hex(object, "identity", party->identity, sizeof party->identity));
	TRY(read_number(object, "index", UINT8_MAX, &index));
	party->index = (uint8_t)index;
	TRY(json_need_string(object, "sharing.party", "name", &name));
	TRY(party_name_check(name));
	for (size_t i = 0; i < position; i++)
		if (bytes_equal_text(name, sharing->names[i]))
			return fail(STATUS_INVALID, "sharing.name: %.*s stands twice", BYTES_ARGS(name));
	memcpy(sharing->names[position], name.data, name.len);
	return read_point(object, "public_share", sharing_suite(sharing), sharing->key.public_shares[position]);
}

static enum status
read_parties(const json *text, struct sharing *sharing) {
	const json *parties;
	TRY(json_need(text, "sharing", "parties", JSON_ARRAY, &parties));
	if (json_size(parties) < 2 || json_size(parties) > PARTIES_MAX)
		return fail(STATUS_INVALID, "sharing.parties: %zu; 2 to %zu are possible", json_size(parties),
			    PARTIES_MAX);
	struct json_iterator iterator = json_iterate(parties);
	for (const json *party; (party = json_next(&iterator, nullptr)) != nullptr; sharing->key.holders.count++)
		TRY(read_party(party, sharing, sharing->key.holders.count));
	return party_set_check(&sharing->key.holders);
}

enum status
sharing_read(const json *text, struct sharing *sharing) {
	static const char *const members[] = {"chain_code", "epoch",  "key",       "parties", "public_key",
					      "purpose",    "scheme", "threshold", nullptr};
	struct ecdsa_key *key = &sharing->key;
	struct bytes id, name;
	int64_t epoch, threshold;
	*sharing = (struct sharing){};
	TRY(json_only(text, "sharing", members));
	TRY(read_hex(text, "chain_code", key->chain_code, sizeof key->chain_code));
	TRY(read_number(text, "epoch", UINT32_MAX, &epoch));
	key->epoch = (uint32_t)epoch;
	TRY(json_need_string(text, "sharing", "key", &id));
	TRY(key_check_id(id));
	memcpy(key->id, id.data, id.len);
	TRY(json_need_string(text, "sharing", "scheme", &name));
	TRY(key_sharing_parse(name, &sharing->scheme));
	if (sharing->scheme == KEY_WHOLE)
		return fail(STATUS_INVALID, "sharing.scheme: \"whole\" is no scheme");
	TRY(read_parties(text, sharing));
	TRY(read_point(text, "public_key", sharing_suite(sharing), key->public_key));
	TRY(json_need_string(text, "sharing", "purpose", &name));
	TRY(key_purpose_parse(name, &key->purpose));
	TRY(read_number(text, "threshold", key->holders.count, &threshold));
	key->threshold = (uint8_t)threshold;
	return key->threshold >= 2 ? OK : fail(STATUS_INVALID, "sharing.threshold: one keeper alone would sign");
}

enum status
sharing_check_record(const struct sharing *sharing, const struct key_info *record) {
	const struct ecdsa_key *key = &sharing->key;
	bool is_same = strcmp(key->id, record->id) == 0 && key->purpose == record->purpose &&
		       sharing->scheme == record->sharing && key->threshold == record->threshold &&
		       key->holders.count == record->parties && key->epoch == record->epoch &&
		       bytes_equal(sharing_public_key(sharing), key_public(record));
	return is_same ? OK
		       : fail(STATUS_INVALID, "sharing.record: the sharing of %s is not that of the key's record",
			      record->id);
}

enum status
sharing_hash(const struct sharing *sharing, struct hash256 *hash) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	sharing_write(&writer, sharing);
	TRY(json_writer_finish(&writer));
	*hash = sha256(buffer_bytes(&text));
	return OK;
}

static bool
read_digits(struct bytes text, uint8_t *number) {
	uint64_t parsed;
	if (text.len == 0 || text.len > 2 || text.data[0] == '0' || decimal_decode(text, &parsed) != OK ||
	    parsed > PARTIES_MAX)
		return false;
	*number = (uint8_t)parsed;
	return true;
}

enum status
sharing_parse_threshold(struct bytes text, uint8_t *threshold, uint8_t *parties) {
	static const char between[] = "-of-";
	const uint8_t *at = text.len == 0 ? nullptr : memmem(text.data, text.len, between, strlen(between));
	size_t before = at == nullptr ? 0 : (size_t)(at - text.data), after = before + strlen(between);
	if (at == nullptr || !read_digits(bytes_of(text.data, before), threshold) ||
	    !read_digits(bytes_of(text.data + after, text.len - after), parties))
		return fail(STATUS_INVALID, "sharing.threshold: expected \"2-of-3\"");
	if (*threshold < 2 || *threshold > *parties)
		return fail(STATUS_INVALID, "sharing.threshold: %u of %u; 2 to all are possible", *threshold, *parties);
	return OK;
}

struct sharing_tolerance
sharing_tolerance(uint8_t threshold, uint8_t parties) {
	struct sharing_tolerance tolerance = {.may_be_limited = 2 * threshold > parties};
	if (tolerance.may_be_limited)
		tolerance.liars = (uint8_t)(2 * threshold - parties - 1);
	return tolerance;
}

uint8_t
sharing_spends(uint8_t threshold, uint8_t parties, uint8_t liars) {
	return (uint8_t)((parties - liars) / (threshold - liars));
}
