/* Shared keys as their holders' people see them: among whom, and whether all fits. */
#include "cli/handlers.h"

#include "cli/client.h"
#include "cli/output.h"
#include "crypto/random.h"
#include "keys/threshold/audit.h"

static enum status
get_sharing(struct invocation *invocation, const char *query, struct connection_answer *answer) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct bytes id = bytes_of_text(invocation_word(invocation, 0));
	TRY(key_check_id(id));
	const char *target = arena_format(&invocation->arena, "/v1/keys/%.*s/sharing%s", BYTES_ARGS(id), query);
	TRY_ALLOC(target);
	TRY(client_create(invocation, false, &client));
	TRY(client_get(client, &invocation->arena, target, answer));
	invocation->exit_code = client_exit_code(answer->status);
	if (answer->status >= 300)
		client_say_problem(&invocation->arena, answer);
	return OK;
}

enum status
key_parties_run(struct invocation *invocation) {
	struct connection_answer answer;
	TRY(get_sharing(invocation, "", &answer));
	return answer.status < 300 || invocation->json ? output_document(invocation, answer.body) : OK;
}

/* --- Audit. --- */

static enum status
check_audit(const json *document, const uint8_t challenge[AUDIT_CHALLENGE_SIZE], struct sharing *sharing,
	    int64_t *holder) {
	const json *text;
	struct bytes instance, hex;
	uint8_t proof[AUDIT_PROOF_MAX];
	TRY(json_need(document, "audit", "sharing", JSON_OBJECT, &text));
	TRY(sharing_read(text, sharing));
	TRY(share_audit_public(sharing));
	TRY(json_need_string(document, "audit", "instance", &instance));
	TRY(json_need_integer(document, "audit", "holder", holder));
	TRY(json_need_string(document, "audit", "proof", &hex));
	size_t len = hex.len / 2;
	if (len > sizeof proof)
		return fail(STATUS_INVALID, "audit.proof: %zu hexadecimal digits", hex.len);
	TRY(hex_decode(hex, proof, len));
	if (*holder < 1 || *holder > UINT8_MAX)
		return fail(STATUS_INVALID, "audit.holder: %lld", (long long)*holder);
	return share_audit_verify(sharing, (uint8_t)*holder, instance, challenge, bytes_of(proof, len));
}

enum status
key_audit_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct connection_answer answer;
	struct sharing sharing;
	const json *document;
	int64_t holder;
	uint8_t challenge[AUDIT_CHALLENGE_SIZE];
	char hex[2 * sizeof challenge + 1];
	struct json_writer w;
	random_bytes(challenge, sizeof challenge);
	hex_encode(BYTES_OF_ARRAY(challenge), hex);
	const char *query = arena_format(&invocation->arena, "?challenge=%s", hex);
	TRY_ALLOC(query);
	TRY(get_sharing(invocation, query, &answer));
	if (answer.status >= 300)
		return invocation->json ? output_document(invocation, answer.body) : OK;
	TRY(json_read(&invocation->arena, answer.body, (struct json_limits){}, &document));
	TRY(check_audit(document, challenge, &sharing, &holder));
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_integer(&w, "epoch", sharing.key.epoch);
	json_write_member_text(&w, "holds", sharing.names[party_set_position(&sharing.key.holders, (uint8_t)holder)]);
	json_write_member_text(&w, "key", sharing.key.id);
	json_write_member_hex(&w, "public_key", sharing_public_key(&sharing));
	json_write_member_text(&w, "scheme", key_sharing_name(sharing.scheme));
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return output_document(invocation, buffer_bytes(&text));
}
