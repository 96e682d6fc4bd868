#include "gate/state.h"

#include <stdlib.h>

#include "gate/one_time.h"
#include "gate/shared_keys.h"
#include "identity/http_signature.h"
#include "policy/context_path.h"

enum status
gate_state_create(struct gate_state **state, struct bytes instance, struct bytes keeper, const struct root_key *root,
		  struct secrets *secrets) {
	_cleanup_(gate_state_destroy) struct gate_state *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	if (instance.len == 0 || instance.len >= sizeof made->instance)
		return fail(STATUS_INVALID, "state.instance: 1 to %zu characters", sizeof made->instance - 1);
	memcpy(made->instance, instance.data, instance.len);
	if (keeper.len >= sizeof made->keeper)
		return fail(STATUS_INVALID, "state.keeper: at most %zu characters", sizeof made->keeper - 1);
	if (keeper.len > 0)
		memcpy(made->keeper, keeper.data, keeper.len);
	made->secrets = secrets;
	throttle_start(&made->one_time_throttle);
	TRY(directory_create(&made->directory));
	TRY(asset_registry_create(&made->assets));
	TRY(limits_create(&made->limits));
	TRY(nonces_create(&made->nonces, (struct nonces_limits){}));
	if (root != nullptr) {
		TRY(keyring_create(&made->ring_to_come, root, instance));
		TRY(secret_alloc(&made->share_key, 32));
		TRY(root_key_derive(root, ECDSA_SHARE_LABEL, made->share_key.data));
		TRY(secret_alloc(&made->frost_share_key, 32));
		TRY(root_key_derive(root, FROST_SHARE_LABEL, made->frost_share_key.data));
		TRY(secret_alloc(&made->one_time_key, 32));
		TRY(root_key_derive(root, ONE_TIME_LABEL, made->one_time_key.data));
	}
	*state = TAKE(made);
	return OK;
}

static void
free_records(struct gate_state *state) {
	size_t at = 0;
	void *key;
	while (map_next(&state->keys, &at, nullptr, &key))
		free(key);
	map_free(&state->keys);
}

void
gate_state_destroy(struct gate_state **state) {
	struct gate_state *gone = TAKE(*state);
	if (gone == nullptr)
		return;
	policy_set_destroy(&gone->joined); /* before what it borrows from */
	bundle_destroy(&gone->bundle);
	bundle_destroy(&gone->local);
	keyring_destroy(&gone->ring);
	keyring_destroy(&gone->ring_to_come);
	free_records(gone);
	shared_keys_free(gone);
	counted_free(&gone->counted);
	secret_free(&gone->share_key);
	secret_free(&gone->frost_share_key);
	one_time_free(gone);
	map_free(&gone->last_nonces);
	operations_free(&gone->operations);
	reviews_free(&gone->reviews);
	nonces_destroy(&gone->nonces);
	limits_destroy(&gone->limits);
	destinations_free(&gone->destinations);
	zones_free(&gone->zones);
	keepers_free(&gone->keepers);
	asset_registry_destroy(&gone->assets);
	directory_destroy(&gone->directory);
	access_free(&gone->access);
	subjects_free(&gone->subjects);
	authenticator_trust_free(&gone->trust);
	invitations_free(&gone->invitations);
	free(gone);
}

static enum status
open_key(struct gate_state *state, const struct key_info *key) {
	_cleanup_(buffer_free) struct buffer blob = {};
	if (key->state != KEY_DESTROYED && key->sharing == KEY_WHOLE)
		TRY(secrets_get(state->secrets, "key", bytes_of_text(key->id), &blob));
	return keyring_add(state->ring_to_come, key, buffer_bytes(&blob));
}

enum status
gate_state_open_keys(struct gate_state *state) {
	size_t at = 0;
	void *key;
	if (state->ring_to_come == nullptr)
		return OK;
	while (map_next(&state->keys, &at, nullptr, &key))
		TRY(open_key(state, key));
	state->ring = TAKE(state->ring_to_come);
	free_records(state);
	return shared_keys_open(state);
}

const struct key_info *
gate_state_key(const struct gate_state *state, struct bytes id) {
	return state->ring != nullptr ? keyring_find(state->ring, id) : map_get(&state->keys, id);
}

static struct bytes
entity_above(const struct unit *unit) {
	const struct unit *entity = unit_above(unit, UNIT_LEGAL_ENTITY);
	return entity == nullptr ? (struct bytes){} : entity->id;
}

struct bytes
gate_state_entity_of(const struct gate_state *state, struct bytes principal_or_key) {
	struct bytes of_key = http_signature_principal(principal_or_key);
	const struct principal *principal =
		directory_principal(state->directory, of_key.len > 0 ? of_key : principal_or_key);
	return principal == nullptr ? (struct bytes){} : entity_above(principal->unit);
}

struct bytes
gate_state_entity_of_key(const struct gate_state *state, struct bytes id) {
	const struct key_info *key = gate_state_key(state, id);
	return key == nullptr ? (struct bytes){}
			      : entity_above(directory_unit(state->directory, bytes_of_text(key->account)));
}

static const struct key_info *
next_key(const struct gate_state *state, size_t *at) {
	void *key = nullptr;
	if (state->ring != nullptr)
		return *at < keyring_count(state->ring) ? keyring_at(state->ring, (*at)++) : nullptr;
	return map_next(&state->keys, at, nullptr, &key) ? key : nullptr;
}

enum status
gate_state_need_unknown_key(const struct gate_state *state, const struct key_info *key) {
	size_t at = 0;
	for (const struct key_info *known; (known = next_key(state, &at)) != nullptr;) {
		bool is_recovered = known->sharing != KEY_WHOLE && key->sharing == KEY_WHOLE;
		if (!is_recovered && known->state != KEY_DESTROYED && known->algorithm == key->algorithm &&
		    bytes_equal(key_public(known), key_public(key)))
			return fail(STATUS_CONFLICT, "key.known: it is key \"%s\", which has no second name",
				    known->id);
	}
	return OK;
}

unsigned
gate_state_stages(struct gate_state *state) {
	static const char *const paths[VOTES_STAGES] = {"approvals.first", "approvals.second", "approvals.third"};
	if (hash256_equal(&state->stages.bundle, &state->bundle->hash))
		return state->stages.count;
	state->stages.bundle = state->bundle->hash;
	state->stages.count = 0;
	for (unsigned i = 0; i < VOTES_STAGES; i++)
		if (policy_set_mentions(state->bundle->policies, paths[i]))
			state->stages.count = i + 1;
	return state->stages.count;
}

enum status
gate_state_make_auditor(struct gate_state *state, struct bytes principal) {
	TRY(access_make_auditor(&state->access, principal));
	return directory_make_auditor(state->directory, principal);
}

const struct policy_set *
gate_state_policies(const struct gate_state *state) {
	return state->joined != nullptr ? state->joined : state->bundle->policies;
}

enum status
gate_state_join(struct gate_state *state) {
	_cleanup_(policy_set_destroy) struct policy_set *made = nullptr;
	if (state->local != nullptr && state->bundle != nullptr)
		TRY(bundle_join(state->bundle, state->local, &made));
	policy_set_destroy(&state->joined);
	state->joined = TAKE(made);
	return OK;
}

constexpr size_t NONCE_NAME_MAX = KEY_ID_MAX + 1 + ASSET_CHAIN_MAX;

static bool
nonce_name(struct bytes key, struct bytes chain, uint8_t name[NONCE_NAME_MAX], struct bytes *view) {
	if (key.len > KEY_ID_MAX || chain.len > ASSET_CHAIN_MAX)
		return false;
	memcpy(name, key.data, key.len);
	name[key.len] = '/';
	memcpy(name + key.len + 1, chain.data, chain.len);
	*view = bytes_of(name, key.len + 1 + chain.len);
	return true;
}

/* Stored as nonce + 1, so that 0 and "none" differ. The largest nonce has no successor and is refused by EIP-2681. */
bool
gate_state_last_nonce(const struct gate_state *state, struct bytes key, struct bytes chain, uint64_t *nonce) {
	uint8_t name[NONCE_NAME_MAX];
	struct bytes view;
	if (!nonce_name(key, chain, name, &view))
		return false;
	uintptr_t stored = (uintptr_t)map_get(&state->last_nonces, view);
	*nonce = stored - 1;
	return stored != 0;
}

enum status
gate_state_set_last_nonce(struct gate_state *state, struct bytes key, struct bytes chain, uint64_t nonce) {
	uint8_t name[NONCE_NAME_MAX];
	struct bytes view;
	if (!nonce_name(key, chain, name, &view) || nonce == UINT64_MAX)
		return fail(STATUS_INVALID, "state.nonce: cannot be kept");
	return map_put(&state->last_nonces, view, (void *)(uintptr_t)(nonce + 1), nullptr);
}

enum status
gate_state_note_nonce(struct gate_state *state, struct bytes key, struct bytes chain, uint64_t nonce) {
	uint64_t last;
	if (gate_state_last_nonce(state, key, chain, &last) && last >= nonce)
		return OK;
	return gate_state_set_last_nonce(state, key, chain, nonce);
}

enum status
gate_state_apply_spend(struct gate_state *state, const struct spend *spend) {
	TRY(limits_apply(state->limits, spend));
	for (size_t i = 0; !spend->is_allowance && i < spend->part_count; i++)
		if (spend->parts[i].dimension == LIMIT_DESTINATION)
			destinations_note_transfer(&state->destinations, spend->parts[i].subject, spend->parts[i].cents,
						   spend->operation, spend->at_ms);
	return OK;
}

struct signing {
	struct gate_state *state;
	const struct hash256 *operation;
	int64_t now_ms;
};

static void
note_destination(void *context, struct bytes subject, int64_t cents) {
	const struct signing *signing = context;
	destinations_note_transfer(&signing->state->destinations, subject, cents, signing->operation->bytes,
				   signing->now_ms);
}

void
gate_state_note_signed(struct gate_state *state, const struct hash256 *operation, int64_t now_ms) {
	struct signing signing = {state, operation, now_ms};
	limits_visit_paid(state->limits, operation->bytes, note_destination, &signing);
}
