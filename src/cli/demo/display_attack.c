/* A hostile gateway displays one transfer and asks for the signature of another. The people touch what they are asked to touch. */
#include <stdio.h>

#include "cli/demo/hostile.h"
#include "cli/demo/stage.h"

static const uint8_t TREASURY_ADDRESS[4] = {127, 2, 0, 10};

struct display {
	struct stage *stage;
	struct hostile hostile;
	struct told held;    /* what the gateway wants signed */
	struct review asked; /* as its material is decoded: what every touch signs */
	struct review shown; /* the same of the order that the page shows */
	const char *missing; /* when everybody had been misled */
};

static void
display_free(struct display *display) {
	hostile_stop(&display->hostile);
}

static enum status
pass(struct display *display, const struct http_request *request, struct told *told) {
	struct connection_answer answer;
	TRY(hostile_send(&display->hostile, &display->stage->arena, request, TREASURY_ADDRESS, &answer));
	told_read(&display->stage->arena, &answer, told);
	return OK;
}

static enum status
get(struct display *display, const char *what, struct told *told) {
	struct prepared prepared;
	const char *target =
		arena_format(&display->stage->arena, "/v1/operations/%s/%s", display->held.operation, what);
	TRY_ALLOC(target);
	TRY(actor_prepare_get(&display->stage->actors, ACTOR_PERSON_1, target, &prepared));
	TRY(pass(display, &prepared.request, told));
	return stage_check(told->status == 200, what, "expected the keeper to give it");
}

static enum status
hash_of(const json *value, struct hash256 *hash) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_value(&w, value);
	TRY(json_writer_finish(&w));
	*hash = sha256(buffer_bytes(&text));
	return OK;
}

/* An object as it is, but for one member, which is that hash; appended. */
static void
write_with_hash(struct json_writer *w, const json *object, const char *member, const struct hash256 *hash) {
	struct json_iterator iterator = json_iterate(object);
	struct bytes name;
	json_write_object(w);
	for (const json *value; (value = json_next(&iterator, &name)) != nullptr;) {
		if (bytes_equal_text(name, member)) {
			json_write_member_hex(w, member, hash256_bytes(hash));
			continue;
		}
		json_write_key_bytes(w, name);
		json_write_value(w, value);
	}
	json_write_end(w);
}

/* The material of the order that is held, with that of another in its place: all that the page shows fits together, and an honest console
 * decodes it without a word. */
static enum status
forge_material(struct arena *arena, const json *material, const json *payload, const struct hash256 *view,
	       struct bytes *forged) {
	_cleanup_(buffer_free) struct buffer operation = {}, text = {};
	struct json_writer w;
	struct hash256 hash, digest;
	struct json_iterator iterator = json_iterate(material);
	struct bytes name;
	TRY(hash_of(payload, &hash));
	json_writer_start(&w, &operation);
	write_with_hash(&w, json_get(material, "operation"), "payload_sha256", &hash);
	TRY(json_writer_finish(&w));
	digest = sha256(buffer_bytes(&operation));
	json_writer_start(&w, &text);
	json_write_object(&w);
	for (const json *value; (value = json_next(&iterator, &name)) != nullptr;) {
		json_write_key_bytes(&w, name);
		if (bytes_equal_text(name, "operation"))
			json_write_canonical(&w, buffer_bytes(&operation));
		else if (bytes_equal_text(name, "digest"))
			json_write_hex(&w, hash256_bytes(&digest));
		else if (bytes_equal_text(name, "view_digest"))
			json_write_hex(&w, hash256_bytes(view));
		else
			json_write_value(&w, bytes_equal_text(name, "payload") ? payload : value);
	}
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	*forged = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(forged->data);
	return OK;
}

static enum status
show_other_order(struct display *display, const struct told *material, uint64_t sats) {
	struct stage *stage = display->stage;
	struct psbt_order order = {.to = BITCOIN_PAYEE_ADDRESS, .sats = sats, .fee_sats = 2'000, .serial = 5};
	const char *text;
	const json *payload;
	struct bytes forged;
	memcpy(order.public_key, stage->bitcoin_key, sizeof order.public_key);
	TRY(psbt_payload(&stage->arena, &order, &text));
	TRY(json_read(&stage->arena, bytes_of_text(text), (struct json_limits){}, &payload));
	struct hash256 view = {}; /* the first reading tells which one is stated */
	for (int i = 0; i < 2; i++) {
		TRY(forge_material(&stage->arena, material->document, payload, &view, &forged));
		enum status status = review_read(&stage->arena, forged, stage->actors.instance, &display->shown);
		if (i == 1)
			TRY(status);
		view = display->shown.view_digest;
	}
	return stage_check(!hash256_equal(&display->shown.view_digest, &display->asked.view_digest) &&
				   !hash256_equal(&display->shown.digest, &display->asked.digest),
			   "another order on the page", "expected it to have another view and digest");
}

/* A large order is held, and its material is what the gateway makes challenges of. */
static enum status
hold_order(struct display *display, uint64_t shown_sats, uint64_t sats) {
	struct stage *stage = display->stage;
	struct psbt_order order = {.to = BITCOIN_PAYEE_ADDRESS, .sats = sats, .fee_sats = 2'000, .serial = 4};
	struct prepared prepared;
	struct told material;
	const char *payload;
	memcpy(order.public_key, stage->bitcoin_key, sizeof order.public_key);
	TRY(psbt_payload(&stage->arena, &order, &payload));
	TRY(actor_prepare(&stage->actors, ACTOR_TREASURER, "sign", "key:btc-treasury", payload, &prepared));
	TRY(pass(display, &prepared.request, &display->held));
	TRY(stage_expect(stage, "a large PSBT", &display->held, "held"));
	TRY(get(display, "payload", &material));
	TRY(review_read(&stage->arena, material.body, stage->actors.instance, &display->asked));
	return show_other_order(display, &material, shown_sats);
}

/* Whatever the page shows: the challenge is the statement about the held order. The assertion is true, and so it is counted. */
static enum status
mislead(struct display *display, enum actor_id person, struct told *told) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct http_request request;
	TRY(passkey_vote(display->stage, person, &display->asked, &body));
	TRY(actor_vote_request(&display->stage->actors, display->held.operation, buffer_bytes(&body), &request));
	TRY(pass(display, &request, told));
	return stage_expect(display->stage, "a misled touch", told, "held");
}

/* Person 3 decodes the order at an own terminal, sees what it is, and says no. */
static enum status
reject(struct display *display) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct http_request request;
	struct told told;
	struct review_choice choice = {.verdict = APPROVAL_REJECT,
				       .client = APPROVAL_CLIENT_CLI,
				       .reason = BYTES_OF_LITERAL("not the order that the console showed")};
	TRY(review_vote(&display->asked, &display->stage->actors.actors[ACTOR_PERSON_3].key, &choice, &body));
	TRY(actor_vote_request(&display->stage->actors, display->held.operation, buffer_bytes(&body), &request));
	TRY(pass(display, &request, &told));
	return stage_expect(display->stage, "a rejection", &told, "rejected");
}

/* Of treasury nothing is missing any more; one vote is that no gateway can have shown wrongly. */
static enum status
check_missing(struct display *display, const struct told *told, int64_t *independent) {
	int64_t of_groups;
	const json *missing;
	TRY(stage_missing(display->stage, told, &display->missing, &of_groups));
	TRY(json_need(told->document, "answer", "missing", JSON_OBJECT, &missing));
	TRY(json_need_integer(missing, "missing", "independent", independent));
	return stage_check(of_groups == 0 && *independent == 1, "two misled touches",
			   "expected them to count, and an independent vote to be missing");
}

static enum status
worth(struct display *display, int64_t *cents) {
	struct told explained;
	struct decision_facts facts;
	TRY(get(display, "explanation", &explained));
	TRY(json_need(explained.document, "explanation", "facts", JSON_OBJECT, &facts.facts));
	return stage_fact_long(&facts, "transfer.usd_cents", cents);
}

static enum status
run(struct display *display, uint64_t shown_sats, uint64_t asked_sats) {
	static const enum actor_id misled[] = {ACTOR_PERSON_1, ACTOR_PERSON_2};
	struct told told = {};
	int64_t cents, independent;
	char usd[NUMBER_SIZE];
	TRY(hold_order(display, shown_sats, asked_sats));
	for (size_t i = 0; i < ARRAY_LENGTH(misled); i++)
		TRY(mislead(display, misled[i], &told));
	TRY(check_missing(display, &told, &independent));
	TRY(worth(display, &cents));
	TRY(reject(display));
	display->stage->refused += ARRAY_LENGTH(misled);
	narrate("it shows another transfer", "held", number_usd(cents, usd),
		"shown: %llu.%08llu BTC, asked for: %llu.%08llu BTC; %zu of treasury touch their passkeys; missing: %s",
		(unsigned long long)(shown_sats / 100'000'000), (unsigned long long)(shown_sats % 100'000'000),
		(unsigned long long)(asked_sats / 100'000'000), (unsigned long long)(asked_sats % 100'000'000),
		ARRAY_LENGTH(misled), display->missing);
	char shown[65], asked[65];
	hex_encode(hash256_bytes(&display->shown.view_digest), shown);
	hex_encode(hash256_bytes(&display->asked.view_digest), asked);
	narrate_more("both decoded: the view on the page is %.16s, the one that they signed %.16s", shown, asked);
	return OK;
}

enum status
attack_display(struct stage *stage) {
	_cleanup_(display_free) struct display display = {.stage = stage, .hostile = {.control = -1, .link = -1}};
	uint64_t shown = amount_pick(stage->amounts, "shown", 300'000, 900'000);
	uint64_t asked = amount_pick(stage->amounts, "asked for", 100'000'000, 350'000'000);
	size_t before, after;
	TRY(stage_released(stage, &before));
	TRY(hostile_start(&stage->house, &display.hostile));
	TRY(run(&display, shown, asked));
	hostile_stop(&display.hostile);
	TRY(stage_released(stage, &after));
	TRY(stage_check(before == after, "a gateway that shows another transfer", "something was released"));
	narrate_more("person 3 decodes it at an own terminal and rejects what it is: %zu signed", after - before);
	return OK;
}
