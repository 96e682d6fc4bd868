#include "gate/administration.h"

#include <stdio.h>

#include "gate/activation.h"
#include "gate/change_access.h"
#include "gate/change_assets.h"
#include "gate/change_destinations.h"
#include "gate/change_keys.h"
#include "gate/change_organisation.h"
#include "gate/change_principals.h"
#include "gate/view.h"
#include "wallet/evm/transaction.h"

static enum status
add_keeper(struct gate_state *state, const struct change *change) {
	return keepers_add(&state->keepers, state->instance, change->payload);
}

static enum status
can_add_keeper(const struct gate_state *state, const struct change *change) {
	return keepers_check_add(&state->keepers, state->instance, change->payload);
}

static enum status
can_name_keeper(const struct gate_state *state, const struct change *change) {
	struct bytes name;
	TRY(json_need_string(change->payload, "payload", "name", &name));
	return keepers_named(&state->keepers, name) != nullptr
		       ? OK
		       : fail(STATUS_NOT_FOUND, "keepers.unknown: there is no keeper \"%.*s\"", BYTES_ARGS(name));
}

static enum status
remove_keeper(struct gate_state *state, const struct change *change) {
	struct bytes name;
	TRY(json_need_string(change->payload, "payload", "name", &name));
	return keepers_remove(&state->keepers, name);
}

static enum status
readmit_keeper(struct gate_state *state, const struct change *change) {
	struct bytes name, root;
	struct mark head;
	int64_t size;
	TRY(json_need_string(change->payload, "payload", "name", &name));
	TRY(json_need_integer(change->payload, "payload", "size", &size));
	TRY(json_need_string(change->payload, "payload", "root", &root));
	TRY(hex_decode(root, head.root.bytes, sizeof head.root.bytes));
	if (size < 1)
		return fail(STATUS_INVALID, "payload.size: a log has one entry at least");
	head.size = (uint64_t)size;
	return keepers_readmit(&state->keepers, name, &head);
}

static enum status
activate_policy(struct gate_state *state, const struct change *change) {
	_cleanup_(arena_free) struct arena arena = {};
	struct bytes document;
	struct bundle *bundle;
	TRY(activation_document(&arena, change->payload, &document));
	TRY(bundle_create(&bundle, document, nullptr));
	bundle_destroy(&state->bundle);
	state->bundle = bundle;
	return OK;
}

/* What a signature leaves in the state that its intent did not: the nonce, and that its destinations were paid. */
static enum status
note_signed(struct gate_state *state, const struct gate_operation *operation, const struct change *intended) {
	_cleanup_(arena_free) struct arena arena = {.block_size = 16 * 1024};
	enum wallet_format format;
	struct bytes bytes;
	struct evm_transaction transaction;
	char chain[32];
	gate_state_note_signed(state, &operation->id, intended->now_ms);
	TRY(transaction_of_payload(&arena, intended->payload, &format, &bytes));
	if (format != WALLET_EVM)
		return OK;
	TRY(evm_decode_transaction(&arena, bytes, 0, &transaction));
	int len = snprintf(chain, sizeof chain, "eip155:%llu", (unsigned long long)transaction.chain_id);
	struct bytes name = bytes_of(chain, (size_t)len);
	if (transaction.nonce > JSON_INTEGER_MAX) /* which no fact states */
		return OK;
	return gate_state_note_nonce(state, intended->resource_id, name, transaction.nonce);
}

/* A person says what became of an intended act; where it happened, its change is made now. */
static enum status
resolve_intent(struct gate_state *state, const struct change *change) {
	struct hash256 id;
	bool happened;
	TRY(hex_decode(change->resource_id, id.bytes, sizeof id.bytes));
	TRY(json_need_boolean(change->payload, "payload", "happened", &happened));
	struct gate_operation *operation = operations_find(&state->operations, &id);
	if (operation == nullptr || operation->state != OPERATION_UNKNOWN || operation->held == nullptr)
		return fail(STATUS_CONFLICT, "operation.not_unknown: this operation's outcome is known");
	if (operation->is_acting)
		return fail(STATUS_CONFLICT, "operation.acting: this operation's outcome is about to be known");
	if (happened) {
		struct change intended;
		TRY(change_of_kept(operation, change->now_ms, &intended));
		if (intended.kind == OPERATION_KEY_CREATE || intended.kind == OPERATION_KEY_IMPORT ||
		    intended.kind == OPERATION_KEY_REFRESH || intended.kind == OPERATION_KEY_RESHARE)
			return fail(STATUS_CONFLICT,
				    "operation.joint: only the other keepers can say which key was made");
		TRY(change_apply(state, &intended));
		if (intended.kind == OPERATION_SIGN)
			TRY(note_signed(state, operation, &intended));
	}
	operations_set_state(&state->operations, operation, happened ? OPERATION_DONE : OPERATION_FAILED);
	return OK;
}

/* The keeper's notifier sends it, when the entry is durable. */
static enum status
test_notification(struct gate_state *, const struct change *change) {
	struct bytes receiver;
	return json_need_string(change->payload, "payload", "receiver", &receiver);
}

/* What was found is in the payload, and with it in the log. Nobody reviews what they asked for themselves. */
static enum status
review_break_glass(struct gate_state *state, const struct change *change) {
	struct hash256 id;
	struct bytes finding;
	TRY(json_need_string(change->payload, "payload", "finding", &finding));
	if (finding.len == 0)
		return fail(STATUS_INVALID, "payload.finding: expected what was found");
	TRY(text_check("payload.finding", finding, BREAK_GLASS_FINDING_MAX));
	if (change->resource_id.len != 2 * sizeof id.bytes)
		return fail(STATUS_INVALID, "operation.resource: expected an operation's id");
	TRY(hex_decode(change->resource_id, id.bytes, sizeof id.bytes));
	const struct open_review *review = reviews_find(&state->reviews, &id);
	if (review != nullptr && bytes_equal(review->requester, change->operation->principal))
		return fail(STATUS_DENIED, "review.own: who asked for it does not review it");
	return reviews_close(&state->reviews, &id);
}

static enum status
nothing_to_change(struct gate_state *, const struct change *) {
	return OK;
}

static void
review_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	struct hash256 id;
	if (change->resource_id.len != 2 * sizeof id.bytes ||
	    hex_decode(change->resource_id, id.bytes, sizeof id.bytes) != OK)
		return;
	const struct open_review *review = reviews_find(&state->reviews, &id);
	if (review != nullptr)
		facts_add_boolean(facts, "change.own", FACT_VERIFIED,
				  bytes_equal(review->requester, change->operation->principal));
}

static void
no_facts(const struct gate_state *, const struct change *, struct facts *) {}

static const struct administration {
	change_check_of
		*check; /* null: whoever evaluates it has found out, or a protective one, of which nobody is asked */
	change_effect *apply;
	change_facts_of *add_facts;
} rows[OPERATION_KINDS] = {
	[OPERATION_SIGN] = {nullptr, nothing_to_change, no_facts},
	[OPERATION_DIGEST_SIGN] = {nullptr, nothing_to_change, facts_of_digest_sign},
	[OPERATION_KEY_CREATE] = {can_key_create, change_key_create, facts_of_key},
	[OPERATION_KEY_IMPORT] = {can_key_create, change_key_create, facts_of_key},
	[OPERATION_KEY_FREEZE] = {nullptr, change_key_freeze, no_facts},
	[OPERATION_KEY_UNFREEZE] = {can_key_unfreeze, change_key_unfreeze, no_facts},
	[OPERATION_KEY_ROTATE] = {can_key_rotate, change_key_rotate, no_facts},
	[OPERATION_KEY_REFRESH] = {nullptr, change_key_redeal, no_facts},
	[OPERATION_KEY_RESHARE] = {nullptr, change_key_redeal, facts_of_key},
	[OPERATION_KEY_BACKUP] = {nullptr, nothing_to_change, facts_of_key_backup},
	[OPERATION_KEY_DESTROY] = {can_key_destroy, change_key_destroy, no_facts},
	[OPERATION_UNIT_ADD] = {can_unit_add, change_unit_add, no_facts},
	[OPERATION_ZONE_ADD] = {can_zone_add, change_zone_add, no_facts},
	[OPERATION_PERSON_ADD] = {can_person_add, change_person_add, facts_of_person_add},
	[OPERATION_WORKLOAD_ADD] = {can_workload_add, change_workload_add, no_facts},
	[OPERATION_PRINCIPAL_SUSPEND] = {nullptr, change_principal_suspend, no_facts},
	[OPERATION_PRINCIPAL_RESUME] = {can_change_principal, change_principal_resume, facts_of_principal_resume},
	[OPERATION_PRINCIPAL_KEY_ADD] = {can_principal_key_add, change_principal_key_add, facts_of_principal_key_add},
	[OPERATION_PRINCIPAL_PASSKEY_ADD] = {can_principal_passkey_add, change_principal_passkey_add,
					     facts_of_principal_passkey_add},
	[OPERATION_PRINCIPAL_INVITE] = {can_principal_invite, change_principal_invite, facts_of_principal_invite},
	[OPERATION_PRINCIPAL_TOTP_ADD] = {can_change_principal, change_principal_totp_add, facts_of_principal_totp_add},
	[OPERATION_AUTHENTICATOR_TRUST] = {nullptr, change_authenticator_trust, no_facts},
	[OPERATION_PRINCIPAL_KEY_REVOKE] = {nullptr, change_principal_key_revoke, no_facts},
	[OPERATION_SESSION_REVOKE] = {nullptr, nothing_to_change, no_facts},
	[OPERATION_PERSON_PROFILE] = {can_change_principal, change_person_profile, facts_of_own},
	[OPERATION_PERSON_ERASE] = {can_change_principal, change_person_erase, facts_of_own},
	[OPERATION_AUDITOR_GRANT] = {can_auditor_grant, change_auditor_grant, facts_of_auditor},
	[OPERATION_AUDITOR_REVOKE] = {nullptr, change_auditor_revoke, facts_of_auditor},
	[OPERATION_PERSONAL_GRANT] = {can_change_principal, change_personal_grant, facts_of_personal_grant},
	[OPERATION_PERSONAL_REVOKE] = {nullptr, change_personal_revoke, facts_of_own},
	[OPERATION_GROUP_ADD] = {can_group_add, change_group_add, no_facts},
	[OPERATION_GROUP_MEMBER_ADD] = {can_group_member_add, change_group_member_add, facts_of_group_member_add},
	[OPERATION_GROUP_MEMBER_REMOVE] = {can_group_member_remove, change_group_member_remove, no_facts},
	[OPERATION_DELEGATE] = {can_delegate, change_delegate, facts_of_delegate},
	[OPERATION_ADDITION_CANCEL] = {nullptr, change_addition_cancel, no_facts},
	[OPERATION_LIST_CREATE] = {can_list_create, change_list_create, facts_of_list_create},
	[OPERATION_LIST_ADD] = {can_list_add, change_list_add, facts_of_list_add},
	[OPERATION_LIST_CONFIRM] = {can_list_confirm, change_list_confirm, facts_of_list_confirm},
	[OPERATION_LIST_REMOVE] = {can_list_remove, change_list_remove, facts_of_list},
	[OPERATION_ASSET_ADD] = {can_asset_add, change_asset_add, no_facts},
	[OPERATION_PRICE_SET] = {can_price_set, change_price_set, facts_of_price_set},
	[OPERATION_POLICY_ACTIVATE] = {nullptr, activate_policy, no_facts},
	[OPERATION_KEEPER_ADD] = {can_add_keeper, add_keeper, no_facts},
	[OPERATION_KEEPER_REMOVE] = {can_name_keeper, remove_keeper, no_facts},
	[OPERATION_KEEPER_READMIT] = {can_name_keeper, readmit_keeper, no_facts},
	[OPERATION_CLOCK_ACCEPT] = {nullptr, nothing_to_change, no_facts},
	[OPERATION_INTENT_RESOLVE] = {nullptr, resolve_intent, no_facts},
	[OPERATION_NOTIFICATION_TEST] = {nullptr, test_notification, no_facts},
	[OPERATION_BREAK_GLASS_REVIEW] = {nullptr, review_break_glass, review_facts},
};

enum status
change_of_kept(const struct gate_operation *operation, int64_t now_ms, struct change *change) {
	struct held_operation *held = operation->held;
	*change = (struct change){.operation = &held->operation, .now_ms = now_ms};
	TRY(operation_kind_parse(held->operation.kind, &change->kind));
	TRY(operation_kind_check_resource(change->kind, held->operation.resource, &change->resource_type,
					  &change->resource_id));
	return json_read(&held->arena, held->payload, (struct json_limits){}, &change->payload);
}

enum status
change_facts(const struct gate_state *state, const struct change *change, struct facts *facts) {
	rows[change->kind].add_facts(state, change, facts);
	return facts_status(facts);
}

enum status
change_apply(struct gate_state *state, const struct change *change) {
	return rows[change->kind].apply(state, change);
}

enum status
change_check(const struct gate_state *state, const struct change *change) {
	return rows[change->kind].check == nullptr ? OK : rows[change->kind].check(state, change);
}
