/* Eight requests: what is signed, what is held, what is denied, and what never reaches a decision. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/demo/stage.h"
#include "wallet/bitcoin/transaction.h"
#include "wallet/evm/transaction.h"

static enum status
ask_ether(struct stage *stage, const struct evm_plan *plan, struct prepared *prepared, struct told *told) {
	const char *payload;
	TRY(evm_payload(&stage->arena, plan, &payload));
	TRY(actor_prepare(&stage->actors, ACTOR_SETTLEMENT, "sign", "key:eth-hot", payload, prepared));
	return actor_send(&stage->actors, prepared, told);
}

static enum status
result_bytes(struct stage *stage, const struct told *told, struct bytes *transaction, const char **id) {
	struct bytes hex, name;
	TRY(json_need_string(told->result, "result", "transaction", &hex));
	TRY(json_need_string(told->result, "result", "transaction_id", &name));
	uint8_t *bytes = arena_alloc(&stage->arena, hex.len / 2 + 1);
	TRY_ALLOC(bytes);
	TRY(hex_decode(hex, bytes, hex.len / 2));
	*transaction = bytes_of(bytes, hex.len / 2);
	*id = arena_text(&stage->arena, name);
	TRY_ALLOC(*id);
	return OK;
}

enum status
stage_check_signed(struct stage *stage, const struct told *told, const struct evm_plan *plan, const char **id) {
	struct evm_transaction signed_transaction;
	struct evm_address sender;
	struct bytes bytes;
	char text[EVM_ADDRESS_TEXT_SIZE];
	TRY(result_bytes(stage, told, &bytes, id));
	TRY(evm_decode_transaction(&stage->arena, bytes, 1, &signed_transaction));
	TRY(evm_recover_sender(&stage->arena, &signed_transaction, &sender));
	evm_address_format(&sender, text);
	TRY(stage_check(strcmp(text, stage->ether_address) == 0, "the signature", "is of another key"));
	struct amount wanted = amount_of(plan->gwei);
	TRY(stage_check(amount_multiply_u64(&wanted, 1'000'000'000, &wanted) &&
				amount_compare(&wanted, &signed_transaction.value) == 0 &&
				signed_transaction.nonce == plan->nonce,
			"the signed transaction", "has another value or nonce than was asked for"));
	stage->nonce++;
	return OK;
}

enum status
step_small_transfer(struct stage *stage) {
	struct evm_plan plan = {.nonce = stage->nonce,
				.to = PAYEE_ADDRESS,
				.gwei = amount_pick(stage->amounts, "small transfer", 500'000'000, 2'900'000'000)};
	struct decision_facts facts;
	int64_t cents;
	const char *id;
	char usd[NUMBER_SIZE], shortened[NUMBER_SIZE];
	TRY(ask_ether(stage, &plan, &stage->first_request, &stage->first_answer));
	TRY(stage_expect(stage, "a small transfer", &stage->first_answer, "done"));
	TRY(stage_check_signed(stage, &stage->first_answer, &plan, &id));
	TRY(stage_facts(stage, &stage->first_answer, &facts));
	TRY(stage_fact_long(&facts, "transfer.usd_cents", &cents));
	narrate("1 small EIP-1559 transfer", "signed", number_usd(cents, usd),
		"%llu.%09llu ETH, transaction %s, receipt of entry %lld",
		(unsigned long long)(plan.gwei / 1'000'000'000), (unsigned long long)(plan.gwei % 1'000'000'000),
		name_short(id, shortened), (long long)stage->first_answer.entry);
	return OK;
}

enum status
step_token_transfer(struct stage *stage) {
	struct evm_plan plan = {.nonce = stage->nonce,
				.to = PAYEE_ADDRESS,
				.token = amount_pick(stage->amounts, "token transfer", 20'000'000'000, 90'000'000'000)};
	struct actors *actors = &stage->actors;
	struct prepared prepared;
	struct told held, first, second;
	struct decision_facts facts;
	int64_t cents, independent, by_passkey, needed, left;
	const char *missing, *id;
	char usd[NUMBER_SIZE], count[NUMBER_SIZE], shortened[NUMBER_SIZE];
	TRY(ask_ether(stage, &plan, &prepared, &held));
	TRY(stage_expect(stage, "a token transfer over the limit", &held, "held"));
	TRY(stage_missing(stage, &held, &missing, &needed));
	TRY(stage_facts(stage, &held, &facts));
	TRY(stage_fact_long(&facts, "transfer.usd_cents", &cents));
	narrate("2 token over the limit", "held", number_usd(cents, usd), "%llu.%06llu USDC; missing: %s",
		(unsigned long long)(plan.token / 1'000'000), (unsigned long long)(plan.token % 1'000'000), missing);
	TRY(actor_approve(actors, ACTOR_PERSON_1, held.operation, &first));
	TRY(stage_expect(stage, "the first approval", &first, "held"));
	TRY(stage_missing(stage, &first, &missing, &left));
	snprintf(count, sizeof count, "%lld of %lld", (long long)(needed - left), (long long)needed);
	narrate("  approved", "held", count, "by person 1 at an own terminal; missing: %s", missing);
	TRY(passkey_approve(stage, ACTOR_PERSON_2, held.operation, &second));
	TRY(stage_expect(stage, "the second approval", &second, "done"));
	TRY(stage_check_signed(stage, &second, &plan, &id));
	TRY(stage_facts(stage, &second, &facts));
	TRY(stage_fact_long(&facts, "approvals.independent", &independent));
	TRY(stage_fact_long(&facts, "approvals.phishing_resistant", &by_passkey));
	TRY(stage_check(independent == 1 && by_passkey == 1, "two approvals",
			"expected one independent and one by a passkey"));
	snprintf(count, sizeof count, "%lld independent", (long long)independent);
	narrate("  approved", "signed", count, "by person 2 with a passkey; decided afresh; transaction %s",
		name_short(id, shortened));
	return OK;
}

enum status
step_bitcoin(struct stage *stage) {
	struct psbt_order order = {.to = BITCOIN_PAYEE_ADDRESS,
				   .sats = amount_pick(stage->amounts, "bitcoin", 2'000'000, 15'000'000),
				   .fee_sats = amount_pick(stage->amounts, "bitcoin fee", 1'000, 6'000),
				   .serial = 1};
	struct told told;
	struct decision_facts facts;
	struct bitcoin_transaction final;
	struct hash256 computed;
	struct bytes bytes;
	int64_t cents, rate;
	const char *payload, *id;
	char usd[NUMBER_SIZE], txid[65], shortened[NUMBER_SIZE];
	memcpy(order.public_key, stage->bitcoin_key, sizeof order.public_key);
	TRY(psbt_payload(&stage->arena, &order, &payload));
	TRY(actor_ask(&stage->actors, ACTOR_TREASURER, "sign", "key:btc-treasury", payload, &told));
	TRY(stage_expect(stage, "a PSBT", &told, "done"));
	TRY(result_bytes(stage, &told, &bytes, &id));
	TRY(bitcoin_transaction_read(&stage->arena, bytes, &final));
	TRY(bitcoin_transaction_id(&final, &computed));
	bitcoin_hash_text(&computed, txid);
	TRY(stage_check(strcmp(txid, id) == 0 && final.output_count == 1 && final.outputs[0].sats == order.sats,
			"the final transaction", "is not the one that was asked for"));
	for (size_t i = 0; i < final.input_count; i++)
		TRY(stage_check(final.inputs[i].witness.len > 0, "the final transaction",
				"has an input without a signature"));
	TRY(stage_facts(stage, &told, &facts));
	TRY(stage_fact_long(&facts, "transfer.usd_cents", &cents));
	TRY(stage_fact_long(&facts, "transfer.fee_rate", &rate));
	narrate("3 PSBT", "signed", number_usd(cents, usd),
		"%llu.%08llu BTC of %zu inputs, %lld sat/vB; finalised, txid %s",
		(unsigned long long)(order.sats / 100'000'000), (unsigned long long)(order.sats % 100'000'000),
		final.input_count, (long long)rate, name_short(id, shortened));
	return OK;
}

enum status
step_sanctioned(struct stage *stage) {
	struct evm_plan plan = {.nonce = stage->nonce,
				.to = SANCTIONED_ADDRESS,
				.gwei = amount_pick(stage->amounts, "sanctioned", 100'000'000, 900'000'000)};
	struct prepared prepared;
	struct decision_facts facts;
	const char *list, *hash;
	char shortened[NUMBER_SIZE], address[NUMBER_SIZE];
	TRY(ask_ether(stage, &plan, &prepared, &stage->sanctioned));
	TRY(stage_expect(stage, "a sanctioned address", &stage->sanctioned, "denied"));
	TRY(stage_check(told_reason(&stage->sanctioned, "sanctioned"), "a sanctioned address",
			"expected the policy \"sanctioned\""));
	TRY(stage_facts(stage, &stage->sanctioned, &facts));
	TRY(stage_fact_text(stage, &facts, "destination.sanctioned_by", &list));
	TRY(stage_fact_text(stage, &facts, "destination.sanctions_hash", &hash));
	narrate("4 sanctioned address", "denied", name_short(hash, shortened),
		"hash of list \"%s\", which %s is on: policy \"sanctioned\"", list,
		name_short(SANCTIONED_ADDRESS, address));
	return OK;
}

enum status
step_unlimited_approve(struct stage *stage) {
	struct evm_plan plan = {.nonce = stage->nonce, .to = PAYEE_ADDRESS, .is_approve = true};
	struct prepared prepared;
	struct told told;
	struct decision_facts facts;
	const char *amount;
	char shortened[NUMBER_SIZE];
	TRY(ask_ether(stage, &plan, &prepared, &told));
	TRY(stage_expect(stage, "an unlimited approve", &told, "denied"));
	TRY(stage_check(told_reason(&told, "unlimited_approve"), "an unlimited approve",
			"expected the policy \"unlimited_approve\""));
	TRY(stage_facts(stage, &told, &facts));
	TRY(stage_fact_text(stage, &facts, "transfer.amount", &amount));
	narrate("5 unlimited approve", "denied", name_short(amount, shortened),
		"smallest units of USDC: policy \"unlimited_approve\", entry %lld", (long long)told.entry);
	return OK;
}

/* Another payload is put in; then the hash of the payload is made to fit, then the digest of the body: everything but the
 * signature. */
enum status
step_tampered(struct stage *stage) {
	struct evm_plan plan = {.nonce = stage->nonce,
				.to = PAYEE_ADDRESS,
				.gwei = amount_pick(stage->amounts, "tampered", 100'000'000, 900'000'000)};
	struct evm_plan other = plan;
	struct actors *actors = &stage->actors;
	struct prepared prepared;
	struct told changed, hashed, digested;
	const char *payload, *other_payload;
	char number[NUMBER_SIZE], before[65], after[65];
	other.to = ATTACKER_ADDRESS;
	TRY(evm_payload(&stage->arena, &plan, &payload));
	TRY(evm_payload(&stage->arena, &other, &other_payload));
	TRY(actor_prepare(actors, ACTOR_SETTLEMENT, "sign", "key:eth-hot", payload, &prepared));
	TRY(stage_check(prepared_swap(prepared.request.body, payload, other_payload), "the request",
			"does not hold its payload"));
	TRY(actor_send(actors, &prepared, &changed));
	TRY(stage_expect_refusal("another payload", &changed, "operation.payload_sha256"));
	struct hash256 old_hash = sha256(bytes_of_text(payload)), new_hash = sha256(bytes_of_text(other_payload));
	hex_encode(hash256_bytes(&old_hash), before);
	hex_encode(hash256_bytes(&new_hash), after);
	TRY(stage_check(prepared_swap(prepared.request.body, before, after), "the request",
			"does not hold its payload's hash"));
	TRY(actor_send(actors, &prepared, &hashed));
	TRY(stage_expect_refusal("another payload and hash", &hashed, "request_signature.content_differs"));
	TRY(prepared_refit_digest(actors, &prepared));
	TRY(actor_send(actors, &prepared, &digested));
	TRY(stage_expect_refusal("another payload, hash and digest", &digested, "request_signature.mismatch"));
	snprintf(number, sizeof number, "HTTP %u", digested.status);
	narrate("6 tampered request", "refused", number, "changed: %s; refitted: %s", changed.type, digested.type);
	return OK;
}

/* The same bytes once more: the stored answer. Its signature around another request: nothing. */
enum status
step_replayed(struct stage *stage) {
	struct actors *actors = &stage->actors;
	struct told again, other;
	struct prepared moved = stage->first_request;
	struct http_field fields[6];
	const char *first_id, *again_id;
	struct bytes first_bytes, again_bytes;
	char number[NUMBER_SIZE];
	TRY(actor_send(actors, &stage->first_request, &again));
	TRY(stage_check(again.status == 200 && again.entry == stage->first_answer.entry, "a replayed request",
			"expected the answer of the first time"));
	TRY(result_bytes(stage, &stage->first_answer, &first_bytes, &first_id));
	TRY(result_bytes(stage, &again, &again_bytes, &again_id));
	TRY(stage_check(bytes_equal(first_bytes, again_bytes), "a replayed request", "something was signed anew"));
	TRY(stage_check(moved.request.field_count == ARRAY_LENGTH(fields), "the request", "expected six fields"));
	memcpy(fields, moved.fields, sizeof fields);
	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
		if (bytes_equal_text(fields[i].name, "idempotency-key"))
			fields[i].value = BYTES_OF_LITERAL("replayed-1");
	moved.request.fields = moved.fields = fields;
	TRY(actor_send(actors, &moved, &other));
	TRY(stage_expect_refusal("a replayed signature", &other, "request_signature.mismatch"));
	snprintf(number, sizeof number, "entry %lld", (long long)again.entry);
	narrate("7 replayed request", "known", number, "the first answer, nothing signed; moved: %s", other.type);
	return OK;
}

/* Small transfers, each of them permitted, until the key has moved what it may within an hour. */
enum status
step_velocity(struct stage *stage) {
	constexpr unsigned TRANSFERS_MAX = 60;
	struct told told;
	struct prepared prepared;
	struct decision_facts facts;
	unsigned count = 0;
	int64_t cents = 0;
	char usd[NUMBER_SIZE];
	for (;; count++) {
		char what[32];
		snprintf(what, sizeof what, "velocity %u", count);
		struct evm_plan plan = {.nonce = stage->nonce,
					.to = PAYEE_ADDRESS,
					.gwei = amount_pick(stage->amounts, what, 2'000'000'000, 3'300'000'000)};
		const char *id;
		TRY(stage_check(count < TRANSFERS_MAX, "a velocity breach", "nothing stopped the transfers"));
		TRY(ask_ether(stage, &plan, &prepared, &told));
		if (strcmp(told.state, "done") != 0)
			break;
		TRY(stage_expect(stage, "a small transfer", &told, "done"));
		TRY(stage_check_signed(stage, &told, &plan, &id));
	}
	TRY(stage_expect(stage, "a velocity breach", &told, "denied"));
	TRY(stage_check(told_reason(&told, "hourly_limit"), "a velocity breach",
			"expected the policy \"hourly_limit\""));
	TRY(stage_facts(stage, &told, &facts));
	const json *limits, *value;
	TRY(json_need(facts.facts, "facts", "limits.key", JSON_OBJECT, &limits));
	TRY(json_need(limits, "limits.key", "value", JSON_OBJECT, &value));
	TRY(json_need_integer(value, "limits.key", "hour", &cents));
	narrate("8 velocity breach", "denied", number_usd(cents, usd),
		"in the hour, after %u small transfers: policy \"hourly_limit\"", count);
	return OK;
}
