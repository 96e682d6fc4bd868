/* Two of treasury get passkeys, and approve in a browser; the browser and what it asks are software here (cli/demo/software_passkey.h). */
#include <poll.h>
#include <stdio.h>

#include "base/io.h"
#include "base/time.h"
#include "cli/demo/stage.h"
#include "crypto/random.h"
#include "identity/passkey.h"

constexpr int64_t USABLE_AFTER_MS = 6'000; /* time for two people to approve it, and what the demo's policy asks for */
static const char KEY_NAME[] = "browser";

static int64_t
now_ms(void) {
	return io_realtime_ns(io_system()) / 1'000'000;
}

/* --- Enrolment. --- */

static enum status
hex_of(struct arena *arena, struct bytes bytes, const char **text) {
	char *digits = arena_alloc(arena, 2 * bytes.len + 1);
	TRY_ALLOC(digits);
	hex_encode(bytes, digits);
	*text = digits;
	return OK;
}

static enum status
enrolment_payload(struct stage *stage, const struct actor *actor, struct software_passkey *passkey,
		  const char **payload) {
	_cleanup_(buffer_free) struct buffer attestation = {}, client_data = {};
	struct hash256 challenge;
	uint8_t nonce[16];
	const char *attestation_hex, *client_hex, *nonce_hex;
	random_bytes(nonce, sizeof nonce);
	TRY(passkey_enrolment_challenge(bytes_of_text(stage->actors.instance), actor->key.principal,
					bytes_of_text(KEY_NAME), nonce, &challenge));
	TRY(software_passkey_register(passkey, &challenge, &attestation, &client_data));
	TRY(hex_of(&stage->arena, buffer_bytes(&attestation), &attestation_hex));
	TRY(hex_of(&stage->arena, buffer_bytes(&client_data), &client_hex));
	TRY(hex_of(&stage->arena, BYTES_OF_ARRAY(nonce), &nonce_hex));
	*payload =
		arena_format(&stage->arena,
			     "{\"attestation_object\":\"%s\",\"client_data\":\"%s\",\"name\":\"%s\",\"nonce\":\"%s\","
			     "\"rp_id\":\"" SOFTWARE_PASSKEY_RP_ID "\",\"usable_from\":%lld}",
			     attestation_hex, client_hex, KEY_NAME, nonce_hex, (long long)(now_ms() + USABLE_AFTER_MS));
	TRY_ALLOC(*payload);
	return OK;
}

/* Of a person, about a person, approved by two of security at their own terminals. */
static enum status
ask_of_person(struct stage *stage, enum actor_id by, enum actor_id about, const char *kind, const char *payload,
	      struct told *done) {
	struct actors *actors = &stage->actors;
	struct told asked, first;
	const char *resource = arena_text(&stage->arena, actors->actors[about].key.principal);
	TRY_ALLOC(resource);
	TRY(actor_ask(actors, by, kind, resource, payload, &asked));
	TRY(stage_expect(stage, kind, &asked, "held"));
	TRY(actor_approve(actors, ACTOR_PERSON_3, asked.operation, &first));
	TRY(stage_expect(stage, kind, &first, "held"));
	TRY(actor_approve(actors, ACTOR_PERSON_5, asked.operation, done));
	return stage_expect(stage, kind, done, "done");
}

static enum status
enrol(struct stage *stage, enum actor_id id, struct told *enrolled) {
	struct actor *actor = &stage->actors.actors[id];
	const char *payload;
	software_passkey_make(&actor->passkey, stage->house.console);
	TRY(enrolment_payload(stage, actor, &actor->passkey, &payload));
	return ask_of_person(stage, id, id, "principal.passkey_add", payload, enrolled);
}

enum status
passkey_invite(struct stage *stage, enum actor_id person, const char **link) {
	uint8_t token[32];
	const char *token_hex, *hash_hex, *payload;
	struct told invited;
	random_bytes(token, sizeof token);
	struct hash256 hash = sha256(BYTES_OF_ARRAY(token));
	TRY(hex_of(&stage->arena, BYTES_OF_ARRAY(token), &token_hex));
	TRY(hex_of(&stage->arena, hash256_bytes(&hash), &hash_hex));
	payload = arena_format(&stage->arena,
			       "{\"certified\":false,\"expires\":%lld,\"name\":\"yours\",\"synced\":true,"
			       "\"token_sha256\":\"%s\",\"waiting_ms\":%lld}",
			       (long long)(now_ms() + DAY_MS), hash_hex, (long long)stage->passkey_wait_ms);
	*link = arena_format(&stage->arena, "%s/#/enrol/%s", stage->house.console, token_hex);
	TRY_ALLOC(payload);
	TRY_ALLOC(*link);
	return ask_of_person(stage, ACTOR_PERSON_4, person, "principal.invite", payload, &invited);
}

enum status
step_enrol_passkeys(struct stage *stage) {
	struct told first, second;
	struct decision_facts facts;
	int64_t waiting_ms;
	char number[NUMBER_SIZE], time[NUMBER_SIZE], ours[NUMBER_SIZE], shipped[NUMBER_SIZE];
	TRY(enrol(stage, ACTOR_PERSON_1, &first));
	TRY(enrol(stage, ACTOR_PERSON_2, &second));
	stage->passkeys_from_ms = now_ms() + USABLE_AFTER_MS; /* at the latest */
	TRY(stage_facts(stage, &second, &facts));
	TRY(stage_fact_long(&facts, "change.waiting_ms", &waiting_ms));
	snprintf(number, sizeof number, "entry %lld", (long long)second.entry);
	narrate("passkeys are enrolled", "done", number,
		"of persons 1 and 2, approved by persons 3 and 5 at own terminals; the second counts after %s",
		number_time(waiting_ms * 1'000'000, time));
	narrate_more("(the demo's own policy shortens this wait, and is the shipped one in all else: at least %s s, "
		     "not %s s)",
		     number_count((uint64_t)stage->passkey_wait_ms / 1000, ours),
		     number_count((uint64_t)stage->shipped_wait_ms / 1000, shipped));
	return OK;
}

/* --- Approving. --- */

static void
write_signature(const char *key_id, const struct software_assertion *assertion, struct json_writer *w) {
	json_write_key(w, "signature");
	json_write_object(w);
	json_write_key(w, "assertion");
	json_write_object(w);
	json_write_member_hex(w, "authenticator_data", buffer_bytes(&assertion->authenticator_data));
	json_write_member_hex(w, "client_data", buffer_bytes(&assertion->client_data));
	json_write_end(w);
	json_write_member_text(w, "key_id", key_id);
	json_write_member_hex(w, "signature", buffer_bytes(&assertion->signature));
	json_write_end(w);
}

enum status
passkey_vote(struct stage *stage, enum actor_id by, const struct review *asked, struct buffer *body) {
	_cleanup_(software_assertion_free) struct software_assertion assertion = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct actor *actor = &stage->actors.actors[by];
	struct approval_statement statement = {.instance = asked->operation.instance,
					       .operation_id = asked->id,
					       .operation_digest = asked->digest,
					       .view_digest = asked->view_digest,
					       .bundle_hash = asked->bundle,
					       .stage = asked->stage,
					       .has_completed_stage = asked->stage > 0,
					       .completed_stage = asked->completed_stage,
					       .verdict = APPROVAL_APPROVE,
					       .person = actor->key.principal,
					       .client = APPROVAL_CLIENT_CONSOLE,
					       .expires_ms = asked->operation.expires_ms};
	struct hash256 digest;
	struct json_writer w;
	const char *key_id = arena_format(&stage->arena, "%.*s/%s", BYTES_ARGS(actor->key.principal), KEY_NAME);
	TRY_ALLOC(key_id);
	while (now_ms() <= stage->passkeys_from_ms && !interrupt_came())
		poll(nullptr, 0, 20);
	random_bytes(statement.nonce, sizeof statement.nonce);
	TRY(approval_digest(&statement, &digest));
	TRY(software_passkey_assert(&actor->passkey, &digest, &assertion));
	TRY(approval_write(&statement, &text));
	json_writer_start(&w, body);
	json_write_object(&w);
	write_signature(key_id, &assertion, &w);
	json_write_key(&w, "statement");
	json_write_canonical(&w, buffer_bytes(&text));
	json_write_end(&w);
	return json_writer_finish(&w);
}

enum status
passkey_approve(struct stage *stage, enum actor_id by, const char *operation, struct told *told) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct review review;
	struct told material;
	const char *target = arena_format(&stage->arena, "/v1/operations/%s/payload", operation);
	TRY_ALLOC(target);
	TRY(actor_get(&stage->actors, by, target, &material));
	TRY(stage_check(material.status == 200, "the operation's material", "expected it to be given"));
	TRY(review_read(&stage->arena, material.body, stage->actors.instance, &review));
	TRY(passkey_vote(stage, by, &review, &body));
	return actor_post_vote(&stage->actors, by, operation, buffer_bytes(&body), told);
}
