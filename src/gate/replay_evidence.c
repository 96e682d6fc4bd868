#include "gate/replay_internal.h"

#include "crypto/sign.h"
#include "identity/challenges.h"
#include "identity/http_signature.h"
#include "identity/totp.h"
#include "model/operation_kind.h"

enum status
replay_verify_by_enrolled(struct replayer *replayer, const struct enrolled_key *key, const char *label,
			  const struct hash256 *digest, struct person_signature *signature) {
	struct relying_party party = {.id = key->passkey.rp_id};
	return person_signature_verify(&replayer->arena, &party, key->is_passkey ? &key->passkey : nullptr, label,
				       digest, signature);
}

/* The document under its hash, and the payload under the one that the document names. */
static bool
read_document(struct replayer *replayer, const struct decision_record *record, struct operation *operation) {
	struct hash256 digest = sha256(record->document), payload = sha256(record->payload);
	const json *document;
	if (json_read(&replayer->arena, record->document, (struct json_limits){}, &document) != OK ||
	    operation_read(document, operation) != OK)
		DIFFERS("the operation's document cannot be read: %s", fail_message());
	if (!hash256_equal(&digest, &record->digest) || !hash256_equal(&payload, &operation->payload_hash))
		DIFFERS("document or payload has another hash");
	return true;
}

/* "person:p-1" is Person::"p-1". */
static bool
names_entity(struct bytes text, const char *prefix, const struct entity_uid *entity, const char *type) {
	size_t len = strlen(prefix);
	return text.len > len && memcmp(text.data, prefix, len) == 0 && text.data[len] == ':' &&
	       bytes_equal_text(entity->type, type) &&
	       bytes_equal(entity->id, bytes_of(text.data + len + 1, text.len - len - 1));
}

/* Who asks for what, as the policy was asked, is who signed for what; and the id is the document's own. */
static bool
same_question(struct replayer *replayer, const struct decision_record *record, const struct operation *operation) {
	struct hash256 id;
	enum resource_type type;
	struct bytes resource, principal = operation->principal;
	if (!bytes_equal_text(operation->instance, replayer->instance))
		DIFFERS("the operation's document is of another installation");
	if (operation_id(operation->instance, principal, operation->idempotency_key, &id) != OK ||
	    !hash256_equal(&id, &record->operation_id))
		DIFFERS("the operation's document has another id");
	if ((!names_entity(principal, "person", &record->principal, "Person") &&
	     !names_entity(principal, "workload", &record->principal, "Workload")) ||
	    !bytes_equal_text(record->action.type, "Action") || !bytes_equal(record->action.id, operation->kind) ||
	    resource_parse(operation->resource, &type, &resource) != OK ||
	    !names_entity(operation->resource, resource_kinds[type].prefix, &record->resource,
			  resource_kinds[type].entity))
		DIFFERS("principal, action or resource is not the document's");
	return true;
}

/* Nobody decides on what has expired. */
bool
replay_document_holds(struct replayer *replayer, const struct decision_record *record, struct operation *operation) {
	if (!read_document(replayer, record, operation) || !same_question(replayer, record, operation))
		return false;
	if (operation->expires_ms <= record->decided_ms)
		DIFFERS("the operation had expired when it was decided");
	return true;
}

/* As long as the signature can be used, its nonce is kept. */
static bool
expires_so(struct bytes base, int64_t expires_s) {
	char text[40];
	int len = snprintf(text, sizeof text, ";expires=%lld", (long long)expires_s);
	const uint8_t *found = memmem(base.data, base.len, text, (size_t)len);
	const uint8_t *end = found == nullptr ? nullptr : found + len;
	return end != nullptr && (end == base.data + base.len || *end < '0' || *end > '9');
}

/* The signed base names the digest of the body, which is made of document and payload. */
static bool
http_signature_holds(struct replayer *replayer, const struct decision_record *record, const json *requester,
		     const struct person_signature *signature) {
	struct bytes base;
	if (signature->is_passkey || json_need_string(requester, "requester", "base", &base) != OK ||
	    ed25519_verify(signature->public_key.data, base, signature->signature.data) != OK)
		DIFFERS("the requester's signature does not verify");
	struct hash256 body = SHA256_PARTS(BYTES_OF_LITERAL("{\"operation\":"), record->document,
					   BYTES_OF_LITERAL(",\"payload\":"), record->payload, BYTES_OF_LITERAL("}"));
	char encoded[BASE64_LENGTH(sizeof body.bytes) + 1], line[96];
	base64_encode(hash256_bytes(&body), encoded);
	snprintf(line, sizeof line, "\n\"content-digest\": sha-256=:%s:\n", encoded);
	if (memmem(base.data, base.len, line, strlen(line)) == nullptr)
		DIFFERS("the requester's signature covers another body");
	if (record->signature_expires_s != 0 && !expires_so(base, record->signature_expires_s))
		DIFFERS("the requester's signature expires at another time");
	return true;
}

/* The policy was told of no more assurance than the signature gives. */
static bool
assurance_holds(struct replayer *replayer, const struct enrolled_key *key, bool has_totp, const struct facts *facts) {
	const struct fact *resistant = facts_find(facts, "mfa.phishing_resistant");
	int64_t level = 1;
	int64_t most = key->is_passkey ? (key->passkey.backup_eligible ? 2 : 3) : has_totp ? 2 : 1;
	if (resistant != nullptr && resistant->value.boolean && !key->is_passkey)
		DIFFERS("mfa.phishing_resistant is true, and no passkey signed");
	if (facts_long_at(facts, "mfa.aal", &level) && level > most)
		DIFFERS("mfa.aal is %lld, and the requester's key gives %lld", (long long)level, (long long)most);
	return true;
}

/* The log enrolled one-time passwords for them, and says that one was taken, of a step that had begun. Whether it matched is known to
 * the keeper alone, which has the secret. */
static bool
totp_is_stated(const struct replayer *replayer, const struct decision_record *record, struct bytes person,
	       const json *requester) {
	const json *totp = json_get(requester, "totp");
	int64_t step;
	return totp != nullptr && json_need_integer(totp, "requester.totp", "step", &step) == OK && step > 0 &&
	       step <= record->decided_ms / TOTP_STEP_MS + 1 &&
	       map_get(&replayer->enrolled.one_time, person) != nullptr;
}

/* The requester's signature over exactly this operation, by a key that the log enrolled for them. */
bool
replay_evidence_holds(struct replayer *replayer, const struct decision_record *record,
		      const struct operation *operation, const struct facts *facts) {
	const json *requester;
	struct bytes method, key_id;
	struct person_signature signature;
	if (json_read(&replayer->arena, record->requester, (struct json_limits){}, &requester) != OK ||
	    json_need_string(requester, "requester", "method", &method) != OK ||
	    json_need_string(requester, "requester", "key", &key_id) != OK ||
	    person_signature_read_evidence(&replayer->arena, requester, &signature) != OK)
		DIFFERS("the requester's evidence cannot be read: %s", fail_message());
	const struct enrolled_key *key =
		enrolled_find(&replayer->enrolled, operation->principal, key_id, signature.public_key);
	if (key == nullptr)
		DIFFERS("the requester's key is not one that the log enrolled for them");
	bool has_totp = totp_is_stated(replayer, record, operation->principal, requester);
	if (!assurance_holds(replayer, key, has_totp, facts))
		return false;
	if (bytes_equal_text(method, "http-message-signature"))
		return http_signature_holds(replayer, record, requester, &signature);
	if (record->signature_expires_s != 0)
		DIFFERS("the requester's signature does not expire");
	if (!bytes_equal_text(method, key->is_passkey ? "passkey" : "digest-signature") ||
	    replay_verify_by_enrolled(replayer, key, OPERATION_SIGNATURE_LABEL, &record->digest, &signature) != OK)
		DIFFERS("the requester's signature does not verify");
	return true;
}

/* A passkey that the log enrolled signed this challenge, which was fresh; its maker's say is not known here, and so bounds nothing. */
bool
replay_sign_in_holds(struct replayer *replayer, const json *body) {
	struct bytes key_id, hex;
	struct person_signature signature;
	struct hash256 challenge;
	int64_t at_ms, aal;
	if (person_signature_read_evidence(&replayer->arena, body, &signature) != OK || !signature.is_passkey ||
	    json_need_string(body, "sign_in", "key", &key_id) != OK ||
	    json_need_string(body, "sign_in", "challenge", &hex) != OK ||
	    hex_decode(hex, challenge.bytes, sizeof challenge.bytes) != OK ||
	    json_need_integer(body, "sign_in", "signed_in_at", &at_ms) != OK ||
	    json_need_integer(body, "sign_in", "aal", &aal) != OK)
		DIFFERS("a sign-in's evidence cannot be read: %s", fail_message());
	const struct enrolled_key *key =
		enrolled_find(&replayer->enrolled, http_signature_principal(key_id), key_id, signature.public_key);
	if (key == nullptr || !key->is_passkey ||
	    replay_verify_by_enrolled(replayer, key, "sign-in", &challenge, &signature) != OK)
		DIFFERS("a sign-in's assertion does not verify by a passkey that the log enrolled");
	int64_t made_ms = challenge_time(challenge.bytes);
	if (made_ms > at_ms || at_ms - made_ms >= CHALLENGE_LIFETIME_MS)
		DIFFERS("a sign-in's challenge was not made within the two minutes before it");
	if (aal < 2 || aal > (key->passkey.backup_eligible ? 2 : 3))
		DIFFERS("a sign-in amounts to %lld, which its passkey does not give", (long long)aal);
	return true;
}

/* Which member says whom, or which key, the entry is about. Entries of operations are compared with these; a refusal at a last vote is one. */
static const char *
member_of(const struct entry *entry) {
	static const char *const members[ENTRY_TYPES] = {
		[ENTRY_REFUSAL] = "key",     [ENTRY_READ] = "key",          [ENTRY_EXPORT] = "key",
		[ENTRY_SIGN_IN] = "key",     [ENTRY_SIGN_OUT] = "key",      [ENTRY_ENROLMENT] = "key",
		[ENTRY_DIVERGENCE] = "key",  [ENTRY_ERASED] = "subject",    [ENTRY_CHECK] = "shared_key",
		[ENTRY_LEFT] = "shared_key", [ENTRY_OVERDUE] = "shared_key"};
	bool is_of_operation = entry->type == ENTRY_REFUSAL && json_get(entry->document, "vote") != nullptr;
	return is_of_operation ? nullptr : members[entry->type];
}

bool
replay_entity_holds(struct replayer *replayer, const struct entry *entry) {
	const char *member = member_of(entry);
	const json *recorded = json_get(entry->document, "legal_entity");
	if (replayer->past.gate == nullptr || member == nullptr || recorded == nullptr)
		return true;
	const struct gate_state *state = replayer->past.gate->state;
	const json *who = json_get(entry->document, member);
	if (who == nullptr || json_type_of(who) != JSON_STRING || json_type_of(recorded) != JSON_STRING)
		DIFFERS("it names a legal entity, and nobody who stands in it");
	struct bytes expected = strcmp(member, "shared_key") == 0 ? gate_state_entity_of_key(state, json_string(who))
								  : gate_state_entity_of(state, json_string(who));
	if (!bytes_equal(expected, json_string(recorded)))
		DIFFERS("its legal entity is \"%.60s\", recorded \"%.60s\"",
			arena_format(&replayer->arena, "%.*s", BYTES_ARGS(expected)) ?: "?",
			arena_format(&replayer->arena, "%.*s", BYTES_ARGS(json_string(recorded))) ?: "?");
	return true;
}
