/* A hostile gateway forges requester, approver and payload. What it holds is what passes through a gateway, and a key of its own. */
#include <stdio.h>

#include "cli/demo/hostile.h"
#include "cli/demo/stage.h"
#include "cli/review.h"
#include "crypto/sign.h"
#include "gate/view.h"
#include "keys/key.h"

static const uint8_t TREASURY_ADDRESS[4] = {127, 2, 0, 10};

struct forgery {
	struct stage *stage;
	struct hostile hostile;
	struct key_file own; /* of the hostile gateway: nobody has enrolled it */
	unsigned tried;
};

static void
forgery_free(struct forgery *forgery) {
	hostile_stop(&forgery->hostile);
	key_file_free(&forgery->own);
}

static enum status
pass(struct forgery *forgery, const struct http_request *request, struct told *told) {
	struct connection_answer answer;
	TRY(hostile_send(&forgery->hostile, &forgery->stage->arena, request, TREASURY_ADDRESS, &answer));
	told_read(&forgery->stage->arena, &answer, told);
	return OK;
}

static enum status
expect_refused(struct forgery *forgery, const char *what, const struct http_request *request, const char *type) {
	struct told told;
	TRY(pass(forgery, request, &told));
	TRY(stage_expect_refusal(what, &told, type));
	forgery->tried++;
	return OK;
}

/* The gateway's own key, under somebody else's name. */
static struct key_file
own_key_as(const struct forgery *forgery, const struct key_file *named) {
	struct key_file key = forgery->own;
	key.key_id = named->key_id;
	key.principal = named->principal;
	return key;
}

/* --- Requester. --- */

static enum status
forge_requester(struct forgery *forgery, enum actor_id named, const char *kind, const char *resource,
		const char *payload, const char *type) {
	struct actors *actors = &forgery->stage->actors;
	struct prepared prepared;
	struct key_file theirs = actors->actors[named].key;
	actors->actors[named].key = own_key_as(forgery, &theirs);
	enum status status = actor_prepare(actors, named, kind, resource, payload, &prepared);
	actors->actors[named].key = theirs;
	TRY(status);
	return expect_refused(forgery, actor_short(actors, named), &prepared.request, type);
}

static enum status
forge_requesters(struct forgery *forgery, const char *payload) {
	TRY(forge_requester(forgery, ACTOR_TREASURER, "sign", "key:btc-treasury", payload,
			    "request_signature.mismatch"));
	return forge_requester(forgery, ACTOR_PERSON_4, "list.add", "list:counterparties",
			       "{\"entries\":[\"eip155:1:" ATTACKER_ADDRESS "\"],\"probation\":100}",
			       "person_signature.mismatch");
}

/* --- Payload. --- */

/* A true request, whose payload becomes another one; every hash in it is made to fit again. */
static enum status
forge_payload(struct forgery *forgery, const char *wanted, const char *others) {
	struct stage *stage = forgery->stage;
	struct prepared prepared;
	struct bytes canonical_others = bytes_of_text(others);
	char before[65], after[65];
	TRY(actor_prepare(&stage->actors, ACTOR_TREASURER, "sign", "key:btc-treasury", wanted, &prepared));
	struct hash256 old_hash = sha256(bytes_of_text(wanted)), new_hash = sha256(canonical_others);
	hex_encode(hash256_bytes(&old_hash), before);
	hex_encode(hash256_bytes(&new_hash), after);
	TRY(stage_check(prepared_swap(prepared.request.body, before, after) &&
				prepared_swap(prepared.request.body, wanted, others),
			"the true request", "does not hold its payload"));
	TRY(prepared_refit_digest(&stage->actors, &prepared));
	return expect_refused(forgery, "a forged payload", &prepared.request, "request_signature.mismatch");
}

/* --- Approver. --- */

static enum status
post_vote(struct forgery *forgery, const char *operation, struct bytes body, const char *what, const char *type) {
	struct http_request request;
	TRY(actor_vote_request(&forgery->stage->actors, operation, body, &request));
	return expect_refused(forgery, what, &request, type);
}

/* A vote of person 1, signed with the gateway's own key. */
static enum status
forge_approver(struct forgery *forgery, const char *operation, struct bytes material) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct stage *stage = forgery->stage;
	struct review review;
	struct key_file key = own_key_as(forgery, &stage->actors.actors[ACTOR_PERSON_1].key);
	TRY(review_read(&stage->arena, material, stage->actors.instance, &review));
	TRY(review_vote(&review, &key,
			&(struct review_choice){.verdict = APPROVAL_APPROVE, .client = APPROVAL_CLIENT_CLI}, &body));
	return post_vote(forgery, operation, buffer_bytes(&body), "a forged approver", "person_signature.mismatch");
}

/* The digest of the view that the shown operation has: what a liar states as well, so that everything shown fits together. */
static enum status
view_of_shown(struct arena *arena, const json *shown, const struct operation *operation, struct hash256 *digest) {
	_cleanup_(asset_registry_destroy) struct asset_registry *registry = nullptr;
	_cleanup_(buffer_free) struct buffer view = {};
	struct wallet_transaction *transaction;
	struct wallet_key key = {};
	struct key_info info;
	enum wallet_format format;
	struct bytes bytes;
	const json *record, *payload;
	TRY(json_need(shown, "material", "key", JSON_OBJECT, &record));
	TRY(json_need(shown, "material", "payload", JSON_OBJECT, &payload));
	TRY(key_read(record, &info));
	key.id = bytes_of_text(info.id);
	TRY(secp256k1_public_uncompressed(key_public(&info), key.public_key));
	TRY(asset_registry_create(&registry));
	TRY(asset_registry_add(registry, BYTES_OF_LITERAL("bitcoin:main"), (struct bytes){}, BYTES_OF_LITERAL("BTC"),
			       8));
	struct wallet_context context = {.assets = registry, .key = &key};
	TRY(transaction_of_payload(arena, payload, &format, &bytes));
	TRY(wallet_decode(arena, format, bytes, &context, &transaction));
	TRY(operation_view(operation, (struct bytes){}, transaction, &view));
	*digest = sha256(buffer_bytes(&view));
	return OK;
}

static enum status
swap_hash(struct buffer *shown, const json *root, const char *member, const struct hash256 *hash) {
	struct bytes stated;
	char before[65], after[65];
	TRY(json_need_string(root, "material", member, &stated));
	snprintf(before, sizeof before, "%.*s", BYTES_ARGS(stated));
	hex_encode(hash256_bytes(hash), after);
	return stage_check(prepared_swap(buffer_bytes(shown), before, after), "the material",
			   "does not state its digests");
}

/* Material of a harmless operation with the id of the one that is held. */
static enum status
forge_material(struct stage *stage, struct bytes material, const char *held, const char *harmless,
	       struct buffer *shown) {
	_cleanup_(buffer_free) struct buffer document = {};
	struct operation operation;
	const json *root, *operation_document;
	struct json_writer w;
	char before[65], after[65];
	buffer_append_bytes(shown, material);
	TRY(buffer_status(shown));
	struct hash256 old_hash = sha256(bytes_of_text(held)), new_hash = sha256(bytes_of_text(harmless)), digest;
	hex_encode(hash256_bytes(&old_hash), before);
	hex_encode(hash256_bytes(&new_hash), after);
	TRY(stage_check(prepared_swap(buffer_bytes(shown), before, after) &&
				prepared_swap(buffer_bytes(shown), held, harmless),
			"the material", "does not hold its payload"));
	TRY(json_read(&stage->arena, buffer_bytes(shown), (struct json_limits){}, &root));
	TRY(json_need(root, "material", "operation", JSON_OBJECT, &operation_document));
	TRY(operation_read(operation_document, &operation));
	json_writer_start(&w, &document);
	json_write_value(&w, operation_document);
	TRY(json_writer_finish(&w));
	digest = sha256(buffer_bytes(&document));
	TRY(swap_hash(shown, root, "digest", &digest));
	TRY(view_of_shown(&stage->arena, root, &operation, &digest));
	return swap_hash(shown, root, "view_digest", &digest);
}

/* What person 1 is shown first does not fit together, and the own terminal says so; then it does, and person 1 signs what was
 * shown: the keeper holds another operation. */
static enum status
mislead_approver(struct forgery *forgery, const char *operation, struct bytes material, const char *held,
		 const char *harmless) {
	_cleanup_(buffer_free) struct buffer clumsy = {}, shown = {}, body = {};
	struct stage *stage = forgery->stage;
	char name[64];
	buffer_append_bytes(&clumsy, material);
	TRY(buffer_status(&clumsy));
	TRY(stage_check(prepared_swap(buffer_bytes(&clumsy), held, harmless), "the material",
			"does not hold its payload"));
	TRY(stage_check(actor_sign_vote(&stage->actors, ACTOR_PERSON_1, buffer_bytes(&clumsy), &body) != OK,
			"clumsy material", "expected the approver's terminal to refuse it"));
	fail_name(name, sizeof name);
	TRY(stage_check(strcmp(name, "review.payload") == 0, "clumsy material", "expected review.payload"));
	forgery->tried++;
	buffer_reset(&body);
	TRY(forge_material(stage, material, held, harmless, &shown));
	TRY(actor_sign_vote(&stage->actors, ACTOR_PERSON_1, buffer_bytes(&shown), &body));
	return post_vote(forgery, operation, buffer_bytes(&body), "a misled approver",
			 "approval.operation_digest_differs");
}

static enum status
forge_approvals(struct forgery *forgery, const char *large, const char *small) {
	struct stage *stage = forgery->stage;
	struct prepared prepared;
	struct told held, material;
	TRY(actor_prepare(&stage->actors, ACTOR_TREASURER, "sign", "key:btc-treasury", large, &prepared));
	TRY(pass(forgery, &prepared.request, &held));
	TRY(stage_expect(stage, "a large PSBT", &held, "held"));
	stage->attacked = held.operation;
	const char *target = arena_format(&stage->arena, "/v1/operations/%s/payload", held.operation);
	TRY_ALLOC(target);
	TRY(actor_prepare_get(&stage->actors, ACTOR_PERSON_1, target, &prepared));
	TRY(pass(forgery, &prepared.request, &material));
	if (material.status != 200)
		return fail(STATUS_CONFLICT, "demo.material: %u %.*s", material.status, BYTES_ARGS(material.body));
	TRY(forge_approver(forgery, held.operation, material.body));
	return mislead_approver(forgery, held.operation, material.body, large, small);
}

/* --- All of it. --- */

static enum status
order_payload(struct stage *stage, const char *to, uint64_t sats, const char **payload) {
	struct psbt_order order = {.to = to, .sats = sats, .fee_sats = 2'000, .serial = 3};
	memcpy(order.public_key, stage->bitcoin_key, sizeof order.public_key);
	return psbt_payload(&stage->arena, &order, payload);
}

static enum status
forge(struct forgery *forgery) {
	struct stage *stage = forgery->stage;
	const char *small, *other, *large;
	uint64_t sats = amount_pick(stage->amounts, "gateway", 30'000'000, 60'000'000);
	TRY(order_payload(stage, BITCOIN_PAYEE_ADDRESS, sats / 10, &small));
	TRY(order_payload(stage, BITCOIN_PAYEE_ADDRESS, sats / 10 + 1, &other));
	TRY(order_payload(stage, BITCOIN_PAYEE_ADDRESS, sats, &large));
	TRY(forge_requesters(forgery, small));
	TRY(forge_payload(forgery, small, other));
	return forge_approvals(forgery, large, small);
}

enum status
attack_gateway(struct stage *stage) {
	_cleanup_(forgery_free) struct forgery forgery = {.stage = stage, .hostile = {.control = -1, .link = -1}};
	size_t before, after;
	char number[NUMBER_SIZE];
	TRY(stage_released(stage, &before));
	TRY(key_file_generate(&forgery.own, "workload:gateway", "main"));
	TRY(hostile_start(&stage->house, &forgery.hostile));
	pid_t process = forgery.hostile.process;
	TRY(forge(&forgery));
	hostile_stop(&forgery.hostile);
	TRY(stage_released(stage, &after));
	TRY(stage_check(before == after, "a hostile gateway", "something was released"));
	stage->refused += forgery.tried;
	snprintf(number, sizeof number, "%u forgeries", forgery.tried);
	narrate("a hostile gateway forges", "refused", number,
		"requester, approver, payload and view, by process %d: %zu signed", (int)process, after - before);
	return OK;
}
