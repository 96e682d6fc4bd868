/* Shared keys as their holders' people see them: among whom, and whether all fits. */
#include "cli/handlers.h"

#include "cli/client.h"
#include "cli/key_audit.h"
#include "cli/output.h"
#include "crypto/random.h"

static enum status
get_sharing(struct invocation *invocation, struct client *client, const char *query, struct connection_answer *answer) {
	struct bytes id = bytes_of_text(invocation_word(invocation, 0));
	TRY(key_check_id(id));
	const char *target = arena_format(&invocation->arena, "/v1/keys/%.*s/sharing%s", BYTES_ARGS(id), query);
	TRY_ALLOC(target);
	TRY(client_get(client, &invocation->arena, target, answer));
	invocation->exit_code = client_exit_code(answer->status);
	if (answer->status >= 300)
		client_say_problem(&invocation->arena, answer);
	return OK;
}

enum status
key_parties_run(struct invocation *invocation) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct connection_answer answer;
	TRY(client_create(invocation, false, &client));
	TRY(get_sharing(invocation, client, "", &answer));
	return answer.status < 300 || invocation->json ? output_document(invocation, answer.body) : OK;
}

/* --- Audit. --- */

/* In words: what the proof is worth depends on what the asker knew before. */
static void
say_proved(const struct key_audit *audit, const struct key_audit_expected *expected) {
	char public_key[2 * POINT_SIZE + 1], hash[2 * sizeof audit->sharing_hash.bytes + 1];
	hex_encode(sharing_public_key(&audit->sharing), public_key);
	hex_encode(BYTES_OF_ARRAY(audit->sharing_hash.bytes), hash);
	output_note("Whoever answered knows keeper %s's share of public key %s in the sharing %s", audit->holder,
		    public_key, hash);
	if (expected->sharing_hash == nullptr)
		output_note("That this sharing is the one of key %s is not proved, as anyone can make one%s: compare "
			    "its hash with what the key's other keepers say, or give --sharing-hash",
			    expected->key, expected->public_key == nullptr ? "" : " of a public key that is known");
}

enum status
key_audit_run(struct invocation *invocation) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	_cleanup_(buffer_free) struct buffer text = {};
	struct connection_answer answer;
	struct key_audit audit;
	const json *document;
	uint8_t challenge[AUDIT_CHALLENGE_SIZE];
	char hex[2 * sizeof challenge + 1];
	struct json_writer w;
	random_bytes(challenge, sizeof challenge);
	hex_encode(BYTES_OF_ARRAY(challenge), hex);
	const char *query = arena_format(&invocation->arena, "?challenge=%s", hex);
	TRY_ALLOC(query);
	TRY(client_create(invocation, false, &client));
	TRY(profile_need_instance(client_profile(client)));
	const struct key_audit_expected expected = {.key = invocation_word(invocation, 0),
						    .instance = client_profile(client)->instance,
						    .challenge = challenge,
						    .public_key = invocation_option(invocation, "public-key"),
						    .sharing_hash = invocation_option(invocation, "sharing-hash")};
	TRY(get_sharing(invocation, client, query, &answer));
	if (answer.status >= 300)
		return invocation->json ? output_document(invocation, answer.body) : OK;
	TRY(json_read(&invocation->arena, answer.body, (struct json_limits){}, &document));
	TRY(key_audit_check(document, &expected, &audit));
	json_writer_start(&w, &text);
	key_audit_write(&w, &audit, &expected);
	TRY(json_writer_finish(&w));
	say_proved(&audit, &expected);
	return output_document(invocation, buffer_bytes(&text));
}
