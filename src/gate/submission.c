#include "gate/gate.h"
#include "gate/one_time.h"
#include "gate/passkey_enrolment.h"
#include "gate/payloads.h"
#include "identity/invitations.h"
#include "gate/person_signature.h"
#include "identity/unknown_key.h"

/* The canonical form of a value that was read, in the arena. */
static enum status
canonical_of(struct arena *arena, const json *value, struct bytes *canonical) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	json_write_value(&writer, value);
	if (json_writer_finish(&writer) != OK)
		return fail(STATUS_INVALID, "request.canonical: has no canonical form (keys beyond ASCII)");
	*canonical = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(canonical->data);
	return OK;
}

static const struct http_field *
find_field(const struct http_request *request, const char *name) {
	for (size_t i = 0; i < request->field_count; i++)
		if (bytes_equal_text(request->fields[i].name, name))
			return &request->fields[i];
	return nullptr;
}

/* The evidence that stands in the entry: with it anyone can verify again that the requester asked for exactly this. */
static enum status
write_evidence(struct submission *submission, const char *method, struct bytes base,
	       const struct person_signature *signature) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	json_write_object(&writer);
	person_signature_write_assertion(&writer, signature);
	if (base.len > 0)
		json_write_member_string(&writer, "base", base);
	json_write_member_string(&writer, "key", submission->key_id);
	json_write_member_text(&writer, "method", method);
	if (submission->nonce.len > 0)
		json_write_member_string(&writer, "nonce", submission->nonce);
	json_write_member_hex(&writer, "public_key", signature->public_key);
	json_write_member_hex(&writer, "signature", signature->signature);
	json_write_end(&writer);
	TRY(json_writer_finish(&writer));
	submission->requester = arena_copy(submission->arena, buffer_bytes(&text));
	TRY_ALLOC(submission->requester.data);
	return OK;
}

struct bytes
gate_authority_of(const struct gate *gate, const struct http_request *request) {
	const struct http_field *host = find_field(request, "host");
	for (size_t i = 0; host != nullptr && i < gate->authority_count; i++)
		if (bytes_equal_text(host->value, gate->authorities[i]))
			return host->value;
	return bytes_of_text(gate->authorities[0]);
}

enum status
gate_verify_request(const struct gate *gate, const struct http_signature *signature, const struct directory_key **key) {
	const struct directory_key *known = directory_key(gate->state->directory, signature->key_id);
	bool is_fit = known != nullptr && known->passkey == nullptr;
	TRY(http_signature_verify(signature, is_fit ? known->public_key : unknown_key_ed25519));
	return is_fit ? directory_active_key(gate->state->directory, signature->key_id, key)
		      : http_signature_mismatch(signature);
}

static enum status
read_http(const struct gate *gate, const struct http_request *request, int64_t now_ms, struct submission *submission) {
	struct http_signature *signature = ARENA_NEW(submission->arena, struct http_signature);
	TRY_ALLOC(signature);
	submission->asserted = signature;
	return http_signature_read(submission->arena, request, gate_authority_of(gate, request), now_ms, signature);
}

static enum status
verify_http(const struct gate *gate, const struct http_request *request, struct submission *submission) {
	const struct http_signature *signature = submission->asserted;
	const struct directory_key *key = nullptr;
	TRY(gate_verify_request(gate, signature, &key));
	submission->key_id = signature->key_id;
	submission->nonce = signature->nonce;
	submission->nonce_expires_s = signature->expires_s;
	const struct http_field *idempotency = find_field(request, "idempotency-key");
	if (idempotency == nullptr || !bytes_equal(idempotency->value, submission->operation.idempotency_key))
		return fail(STATUS_INVALID, "operation.idempotency_key: differs from the header field Idempotency-Key");
	struct person_signature evidence = {.public_key = BYTES_OF_ARRAY(key->public_key),
					    .signature = BYTES_OF_ARRAY(signature->signature)};
	return write_evidence(submission, "http-message-signature", signature->base, &evidence);
}

/* Passkeys were asked at one of our own addresses. */
static struct relying_party
own_party(const struct gate *gate) {
	return (struct relying_party){.origins = gate->origins, .origin_count = gate->origin_count};
}

static enum status
verify_person(const struct gate *gate, const json *object, struct submission *submission) {
	struct person_signature signature;
	struct relying_party party = own_party(gate);
	enum status status = person_signature_read(submission->arena, gate->state->directory, &party, object,
						   OPERATION_SIGNATURE_LABEL, &submission->digest, &signature);
	submission->asserted_by = signature.is_passkey ? signature.key_id : (struct bytes){};
	TRY(status);
	submission->key_id = signature.key_id;
	submission->counter = signature.counter;
	submission->totp = signature.totp;
	return write_evidence(submission, signature.is_passkey ? "passkey" : "digest-signature", (struct bytes){},
			      &signature);
}

/* A workload signs the request; a person signs the operation's digest. Nothing else speaks for either. */
static enum status
verify_requester(const struct gate *gate, const struct http_request *request, const json *signature,
		 struct submission *submission) {
	TRY(signature != nullptr ? verify_person(gate, signature, submission) : verify_http(gate, request, submission));
	const struct directory_key *key = directory_key(gate->state->directory, submission->key_id);
	if (!bytes_equal(key->principal->id, submission->operation.principal))
		return fail(STATUS_UNAUTHORIZED, "operation.principal: signed by a key of another principal");
	enum principal_kind needed = signature != nullptr ? PRINCIPAL_PERSON : PRINCIPAL_WORKLOAD;
	if (key->principal->kind != needed)
		return fail(STATUS_UNAUTHORIZED, "operation.signer: a %s signs %s",
			    principal_kind_name(key->principal->kind),
			    key->principal->kind == PRINCIPAL_PERSON ? "the operation's digest" : "the HTTP request");
	return OK;
}

/* canonical: the root as it would be written, in the arena. */
static enum status
read_documents(const struct gate *gate, const json *root, struct bytes canonical, struct submission *submission) {
	static const char *const members[] = {"operation", "payload", "personal", "secret", "signature", nullptr};
	const json *operation;
	TRY(json_only(root, "request", members));
	TRY(json_need(root, "request", "operation", JSON_OBJECT, &operation));
	TRY(json_need(root, "request", "payload", JSON_OBJECT, &submission->payload_document));
	TRY(operation_read(operation, &submission->operation));
	TRY(json_member_text(canonical, "operation", &submission->document));
	TRY(json_member_text(canonical, "payload", &submission->payload));
	submission->digest = sha256(submission->document);
	struct hash256 payload_hash = sha256(submission->payload);
	if (!hash256_equal(&payload_hash, &submission->operation.payload_hash))
		return fail(STATUS_UNAUTHORIZED, "operation.payload_sha256: the payload has another hash");
	if (!bytes_equal_text(submission->operation.instance, gate->state->instance))
		return fail(STATUS_INVALID, "operation.instance: expected \"%s\", found \"%.*s\"",
			    gate->state->instance, BYTES_ARGS(submission->operation.instance));
	return operation_id(submission->operation.instance, submission->operation.principal,
			    submission->operation.idempotency_key, &submission->id);
}

bool
submission_needs_secret(enum operation_kind_id kind) {
	return kind == OPERATION_KEY_IMPORT || kind == OPERATION_PRINCIPAL_TOTP_ADD;
}

static enum status
read_personal(const json *brought, struct submission *submission) {
	if ((brought != nullptr) != (submission->kind == OPERATION_PERSON_PROFILE))
		return fail(STATUS_INVALID, "request.personal: goes with person.profile and nothing else");
	if (brought != nullptr && submission->nonce.len > 0)
		return fail(STATUS_INVALID,
			    "request.personal: personal values are brought by people, not by workloads");
	return brought == nullptr ? OK : personal_read(submission->payload_document, brought, &submission->personal);
}

static enum status
read_kind(const json *root, struct submission *submission) {
	TRY(operation_kind_parse(submission->operation.kind, &submission->kind));
	TRY(operation_kind_check_resource(submission->kind, submission->operation.resource, &submission->resource_type,
					  &submission->resource_id));
	submission->secret = json_get(root, "secret");
	if ((submission->secret != nullptr) != submission_needs_secret(submission->kind))
		return fail(STATUS_INVALID,
			    "request.secret: goes with key.import and principal.totp_add, and nothing else");
	if (submission->secret != nullptr && submission->nonce.len > 0)
		return fail(STATUS_INVALID, "request.secret: secrets are brought by people, not by workloads");
	if (submission->operation.break_glass &&
	    (operation_kinds[submission->kind].is_protective || submission->kind == OPERATION_BREAK_GLASS_REVIEW))
		return fail(STATUS_INVALID, "operation.break_glass: %s is never in need of it",
			    operation_kinds[submission->kind].name);
	TRY(read_personal(json_get(root, "personal"), submission));
	return payload_check(submission->kind, submission->payload_document);
}

/* A new passkey was made at one of our own addresses, and for whom the operation says; an invitation and a one-time password say
 * all that they must. */
static enum status
check_enrolment(const struct gate *gate, int64_t now_ms, struct submission *submission) {
	struct passkey_enrolment enrolment;
	struct invitation invitation;
	if (submission->kind == OPERATION_PRINCIPAL_TOTP_ADD)
		return one_time_check_payload(submission->payload_document);
	if (submission->kind == OPERATION_PRINCIPAL_INVITE)
		return invitation_read(submission->payload_document, submission->operation.resource, &invitation);
	if (submission->kind != OPERATION_PRINCIPAL_PASSKEY_ADD)
		return OK;
	return passkey_enrolment_read(submission->arena, bytes_of_text(gate->state->instance),
				      submission->operation.resource, submission->payload_document, gate->origins,
				      gate->origin_count, nullptr, now_ms, &enrolment);
}

/* The body must be canonical, so that the log can show again which bytes the requester's content-digest covers. */
static enum status
check_body(struct arena *arena, struct bytes body, const json *root, struct bytes *canonical) {
	TRY(canonical_of(arena, root, canonical));
	return bytes_equal(*canonical, body) ? OK
					     : fail(STATUS_INVALID, "request.canonical: the body is not canonical JSON "
								    "(docs/PROTOCOL.json)");
}

enum status
gate_begin_operation(const struct gate *gate, const struct http_request *request, struct bytes peer_address,
		     int64_t now_ms, struct submission *submission) {
	const json *root;
	struct bytes canonical;
	TRY(json_read(submission->arena, request->body, (struct json_limits){.values = JSON_REQUEST_VALUES_MAX},
		      &root));
	if (json_type_of(root) != JSON_OBJECT)
		return fail(STATUS_INVALID, "request.type: expected object, found %s",
			    json_type_name(json_type_of(root)));
	submission->root = root;
	submission->peer_address = peer_address;
	TRY(check_body(submission->arena, request->body, root, &canonical));
	TRY(read_documents(gate, root, canonical, submission));
	return json_get(root, "signature") != nullptr ? OK : read_http(gate, request, now_ms, submission);
}

enum status
gate_verify_operation(const struct gate *gate, const struct http_request *request, int64_t now_ms,
		      struct submission *submission) {
	TRY(verify_requester(gate, request, json_get(submission->root, "signature"), submission));
	TRY(read_kind(submission->root, submission));
	return check_enrolment(gate, now_ms, submission);
}

enum status
gate_read_vote(const struct gate *gate, struct arena *arena, struct bytes body, struct vote_submission *vote) {
	static const char *const members[] = {"signature", "statement", nullptr};
	const json *root, *statement, *signature;
	struct relying_party party = own_party(gate);
	*vote = (struct vote_submission){.arena = arena};
	TRY(json_read(arena, body, (struct json_limits){.values = JSON_REQUEST_VALUES_MAX}, &root));
	if (json_type_of(root) != JSON_OBJECT)
		return fail(STATUS_INVALID, "request.type: expected object, found %s",
			    json_type_name(json_type_of(root)));
	TRY(json_only(root, "request", members));
	TRY(json_need(root, "request", "statement", JSON_OBJECT, &statement));
	TRY(json_need(root, "request", "signature", JSON_OBJECT, &signature));
	TRY(canonical_of(arena, statement, &vote->statement_text));
	TRY(approval_read(arena, vote->statement_text, &vote->statement));
	TRY(approval_digest(&vote->statement, &vote->statement_digest));
	vote->operation_id = vote->statement.operation_id;
	TRY(person_signature_read(arena, gate->state->directory, &party, signature, APPROVAL_SIGNATURE_LABEL,
				  &vote->statement_digest, &vote->signature));
	if (vote->signature.totp.len > 0)
		return fail(STATUS_INVALID, "signature.totp: a vote takes no one-time password");
	vote->key_id = vote->signature.key_id;
	return OK;
}
