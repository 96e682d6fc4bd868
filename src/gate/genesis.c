#include "gate/genesis.h"

#include "crypto/sign.h"
#include "gate/payloads.h"

enum status
genesis_digest(struct bytes document, struct hash256 *digest) {
	*digest = sha256(document);
	return OK;
}

static enum status
canonical_digest(const json *document, struct hash256 *digest) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	json_write_value(&writer, document);
	TRY(json_writer_finish(&writer));
	return genesis_digest(buffer_bytes(&text), digest);
}

static enum status
apply_one(struct gate *gate, const json *described, int64_t created_ms) {
	static const char *const members[] = {"kind", "payload", "resource", nullptr};
	struct operation operation = {.principal = BYTES_OF_LITERAL("genesis"), .created_ms = created_ms};
	struct change change = {.operation = &operation, .now_ms = created_ms};
	if (json_type_of(described) != JSON_OBJECT)
		return fail(STATUS_INVALID, "genesis.changes: an element is not an object");
	TRY(json_only(described, "genesis.change", members));
	TRY(json_need_string(described, "genesis.change", "kind", &operation.kind));
	TRY(json_need_string(described, "genesis.change", "resource", &operation.resource));
	TRY(json_need(described, "genesis.change", "payload", JSON_OBJECT, &change.payload));
	TRY(operation_kind_parse(operation.kind, &change.kind));
	TRY(operation_kind_check_resource(change.kind, operation.resource, &change.resource_type, &change.resource_id));
	if (operation_kinds[change.kind].direction == ACT_OUTWARD || change.kind == OPERATION_SIGN ||
	    change.resource_type == RESOURCE_KEY || change.resource_type == RESOURCE_ACCOUNT)
		return fail(STATUS_INVALID, "genesis.kind: %s is not a founding change",
			    operation_kinds[change.kind].name);
	TRY(payload_check(change.kind, change.payload));
	return gate_apply_change(gate, &change);
}

/* The signers are people that the document has just made, each once. */
static enum status
check_signatures(const struct gate *gate, const json *signatures, const struct hash256 *digest) {
	const struct principal *seen[16];
	size_t count = 0;
	struct json_iterator iterator = json_iterate(signatures);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;) {
		struct bytes key_id, text;
		uint8_t signature[64];
		const struct directory_key *key;
		TRY(json_need_string(one, "genesis.signature", "key", &key_id));
		TRY(json_need_string(one, "genesis.signature", "signature", &text));
		TRY(hex_decode(text, signature, sizeof signature));
		TRY(directory_acting_ed25519(gate->state->directory, key_id, &key));
		TRY(person_verify(GENESIS_LABEL, digest, key->public_key, signature));
		if (key->principal->kind != PRINCIPAL_PERSON)
			return fail(STATUS_INVALID, "genesis.signer: \"%.*s\" is not a person's key",
				    BYTES_ARGS(key_id));
		for (size_t i = 0; i < count; i++)
			if (seen[i] == key->principal)
				return fail(STATUS_INVALID, "genesis.signer: \"%.*s\" signs twice",
					    BYTES_ARGS(key->principal->id));
		if (count == ARRAY_LENGTH(seen))
			return fail(STATUS_TOO_LARGE, "genesis.signatures: more than %zu", ARRAY_LENGTH(seen));
		seen[count++] = key->principal;
	}
	return count >= GENESIS_SIGNERS_MIN
		       ? OK
		       : fail(STATUS_UNAUTHORIZED, "genesis.signatures: %zu, and at least %zu people must sign", count,
			      GENESIS_SIGNERS_MIN);
}

enum status
genesis_apply(struct gate *gate, const json *body) {
	const json *document, *signatures, *changes;
	struct bytes instance, type;
	struct hash256 digest;
	int64_t created_ms, format;
	TRY(json_need(body, "genesis", "document", JSON_OBJECT, &document));
	TRY(json_need(body, "genesis", "signatures", JSON_ARRAY, &signatures));
	TRY(json_need_string(document, "genesis", "type", &type));
	TRY(json_need_integer(document, "genesis", "format", &format));
	TRY(json_need_string(document, "genesis", "instance", &instance));
	TRY(json_need_integer(document, "genesis", "created", &created_ms));
	TRY(json_need(document, "genesis", "changes", JSON_ARRAY, &changes));
	if (!bytes_equal_text(type, GENESIS_LABEL) || format != 1)
		return fail(STATUS_UNSUPPORTED, "genesis.format: this program reads format 1 of " GENESIS_LABEL);
	if (!bytes_equal_text(instance, gate->state->instance))
		return fail(STATUS_INVALID, "genesis.instance: the log is of \"%.*s\", the configuration of \"%s\"",
			    BYTES_ARGS(instance), gate->state->instance);
	TRY(canonical_digest(document, &digest));
	struct json_iterator iterator = json_iterate(changes);
	for (const json *change; (change = json_next(&iterator, nullptr)) != nullptr;)
		TRY(apply_one(gate, change, created_ms));
	if (gate->state->bundle == nullptr)
		return fail(STATUS_INVALID, "genesis.policy: no first bundle");
	gate->state->now_ms = created_ms;
	return check_signatures(gate, signatures, &digest);
}
