#include "cli/key_audit.h"

static enum status
check_instance(const json *document, const char *expected) {
	struct bytes instance;
	TRY(json_need_string(document, "audit", "instance", &instance));
	return bytes_equal_text(instance, expected)
		       ? OK
		       : fail(STATUS_UNAUTHORIZED, "audit.instance: the answer is of \"%.*s\", and you asked \"%s\"",
			      BYTES_ARGS(instance), expected);
}

static enum status
check_public_key(const struct sharing *sharing, const char *expected) {
	struct bytes found = sharing_public_key(sharing);
	uint8_t key[POINT_SIZE];
	char hex[2 * sizeof key + 1];
	size_t len = strlen(expected) / 2;
	if (len == 0 || len > sizeof key || hex_decode(bytes_of_text(expected), key, len) != OK)
		return fail(STATUS_INVALID, "usage.public-key: expected the hexadecimal digits that key show has");
	hex_encode(found, hex);
	return bytes_equal(found, bytes_of(key, len))
		       ? OK
		       : fail(STATUS_UNAUTHORIZED, "audit.public_key: the answer is of another key, %s", hex);
}

static enum status
check_sharing_hash(const struct hash256 *found, const char *expected) {
	struct hash256 hash;
	char hex[2 * sizeof hash.bytes + 1];
	if (hex_decode(bytes_of_text(expected), hash.bytes, sizeof hash.bytes) != OK)
		return fail(STATUS_INVALID, "usage.sharing-hash: expected 64 hexadecimal digits");
	hex_encode(BYTES_OF_ARRAY(found->bytes), hex);
	return hash256_equal(found, &hash)
		       ? OK
		       : fail(STATUS_UNAUTHORIZED, "audit.sharing_hash: the answer is of another sharing, or epoch, %s",
			      hex);
}

static enum status
check_sharing(const json *document, const struct key_audit_expected *expected, struct key_audit *audit) {
	const struct sharing *sharing = &audit->sharing;
	const json *text;
	TRY(json_need(document, "audit", "sharing", JSON_OBJECT, &text));
	TRY(sharing_read(text, &audit->sharing));
	if (strcmp(sharing->key.id, expected->key) != 0)
		return fail(STATUS_UNAUTHORIZED, "audit.key: the answer is of key %s, and you asked for %s",
			    sharing->key.id, expected->key);
	if (expected->public_key != nullptr)
		TRY(check_public_key(sharing, expected->public_key));
	TRY(sharing_hash(sharing, &audit->sharing_hash));
	if (expected->sharing_hash != nullptr)
		TRY(check_sharing_hash(&audit->sharing_hash, expected->sharing_hash));
	return share_audit_public(sharing);
}

static enum status
check_proof(const json *document, const struct key_audit_expected *expected, struct key_audit *audit) {
	const struct party_set *holders = &audit->sharing.key.holders;
	uint8_t proof[AUDIT_PROOF_MAX];
	struct bytes hex;
	int64_t holder;
	TRY(json_need_integer(document, "audit", "holder", &holder));
	TRY(json_need_string(document, "audit", "proof", &hex));
	size_t len = hex.len / 2;
	if (len > sizeof proof)
		return fail(STATUS_INVALID, "audit.proof: %zu hexadecimal digits", hex.len);
	TRY(hex_decode(hex, proof, len));
	if (holder < 1 || holder > UINT8_MAX)
		return fail(STATUS_INVALID, "audit.holder: %lld", (long long)holder);
	TRY(share_audit_verify(&audit->sharing, (uint8_t)holder, bytes_of_text(expected->instance), expected->challenge,
			       bytes_of(proof, len)));
	audit->holder = audit->sharing.names[party_set_position(holders, (uint8_t)holder)];
	return OK;
}

enum status
key_audit_check(const json *document, const struct key_audit_expected *expected, struct key_audit *audit) {
	TRY(check_instance(document, expected->instance));
	TRY(check_sharing(document, expected, audit));
	return check_proof(document, expected, audit);
}

void
key_audit_write(struct json_writer *w, const struct key_audit *audit, const struct key_audit_expected *expected) {
	const struct sharing *sharing = &audit->sharing;
	json_write_object(w);
	json_write_key(w, "compared");
	json_write_array(w);
	json_write_text(w, "instance");
	json_write_text(w, "key");
	if (expected->public_key != nullptr)
		json_write_text(w, "public_key");
	if (expected->sharing_hash != nullptr)
		json_write_text(w, "sharing_hash");
	json_write_end(w);
	json_write_member_integer(w, "epoch", sharing->key.epoch);
	json_write_member_text(w, "holds", audit->holder);
	json_write_member_text(w, "key", sharing->key.id);
	json_write_member_hex(w, "public_key", sharing_public_key(sharing));
	json_write_member_text(w, "scheme", key_sharing_name(sharing->scheme));
	json_write_member_hex(w, "sharing_hash", BYTES_OF_ARRAY(audit->sharing_hash.bytes));
	json_write_end(w);
}
