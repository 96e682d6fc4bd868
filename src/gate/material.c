#include "gate/material.h"

#include "gate/evaluate.h"
#include "gate/shared_keys.h"
#include "gate/view.h"
#include "keys/bip32.h"
#include "wallet/bitcoin/spend.h"

constexpr size_t DERIVED_MAX = BITCOIN_INPUTS_MAX + BITCOIN_OUTPUTS_MAX;

struct recording {
	struct wallet_source source;
	struct {
		struct signing_path path;
		uint8_t public_key[33];
	} derived[DERIVED_MAX];
	size_t count;
};

static enum status
derive_and_record(const void *context, const struct signing_path *path, uint8_t public_key[33]) {
	struct recording *recording = (struct recording *)(uintptr_t)context;
	TRY(gate_state_public_key(recording->source.state, bytes_of_text(recording->source.key->id), path, public_key));
	if (recording->count == DERIVED_MAX)
		return fail(STATUS_TOO_LARGE, "material.derived: more than %zu derived keys", DERIVED_MAX);
	recording->derived[recording->count].path = *path;
	memcpy(recording->derived[recording->count++].public_key, public_key, 33);
	return OK;
}

static void
write_assets(const struct wallet_transaction *transaction, struct json_writer *w) {
	json_write_key(w, "assets");
	json_write_array(w);
	for (size_t i = 0; transaction != nullptr && i < transaction->movement_count; i++) {
		const struct asset *asset = transaction->movements[i].asset;
		bool repeated = asset == nullptr;
		for (size_t j = 0; j < i; j++)
			repeated = repeated || transaction->movements[j].asset == asset;
		if (repeated)
			continue;
		json_write_object(w);
		json_write_member_string(w, "chain", asset->chain);
		json_write_member_string(w, "contract", asset->contract);
		json_write_member_integer(w, "decimals", asset->decimals);
		json_write_member_string(w, "symbol", asset->symbol);
		json_write_end(w);
	}
	json_write_end(w);
}

/* What a price.set would replace: signed by nobody, so shown as the keeper's word. */
static void
write_former_price(const struct gate_state *state, const struct operation *operation, struct json_writer *w) {
	enum resource_type type;
	struct bytes id;
	if (!bytes_equal_text(operation->kind, operation_kinds[OPERATION_PRICE_SET].name) ||
	    resource_parse(operation->resource, &type, &id) != OK)
		return;
	const struct asset *asset = asset_find(state->assets, id);
	if (asset == nullptr || !asset->has_price)
		return;
	json_write_key(w, "former_price");
	json_write_object(w);
	json_write_member_integer(w, "microcents", (int64_t)asset->price_microcents);
	json_write_member_integer(w, "recorded", asset->price_recorded_ms);
	json_write_end(w);
}

static void
write_derived(const struct recording *recording, struct json_writer *w) {
	char path[BIP32_PATH_TEXT_SIZE];
	json_write_key(w, "derived");
	json_write_array(w);
	for (size_t i = 0; i < recording->count; i++) {
		bip32_path_format(&recording->derived[i].path, path);
		json_write_object(w);
		json_write_member_text(w, "path", path);
		json_write_member_hex(w, "public_key", BYTES_OF_ARRAY(recording->derived[i].public_key));
		json_write_end(w);
	}
	json_write_end(w);
}

static enum status
decode(struct gate *gate, struct arena *arena, const struct held_operation *held, struct recording *recording,
       struct wallet_transaction **transaction) {
	enum operation_kind_id kind;
	enum resource_type type;
	struct bytes id, bytes;
	enum wallet_format format;
	const json *payload;
	TRY(operation_kind_parse(held->operation.kind, &kind));
	TRY(resource_parse(held->operation.resource, &type, &id));
	if (type == RESOURCE_KEY)
		recording->source.key = gate_state_key(gate->state, id);
	if (kind != OPERATION_SIGN || recording->source.key == nullptr)
		return OK;
	struct wallet_key *key = ARENA_NEW(arena, struct wallet_key);
	struct wallet_context *context = ARENA_NEW(arena, struct wallet_context);
	TRY_ALLOC(key);
	TRY_ALLOC(context);
	recording->source.state = gate->state;
	recording->source.points = gate->points;
	TRY(wallet_key_of(&recording->source, key));
	if (key->derive != nullptr) {
		key->derive = derive_and_record;
		key->context = recording;
	}
	*context = (struct wallet_context){.assets = gate->state->assets,
					   .now_ms = gate->state->now_ms,
					   .price_age_max_ms = gate->price_age_max_ms,
					   .key = key};
	TRY(json_read(arena, held->payload, (struct json_limits){}, &payload));
	TRY(transaction_of_payload(arena, payload, &format, &bytes));
	return wallet_decode(arena, format, bytes, context, transaction);
}

enum status
material_write_view(struct gate *gate, struct arena *arena, const struct held_operation *held, struct buffer *to) {
	struct wallet_transaction *transaction = nullptr;
	struct recording *recording = ARENA_NEW(arena, struct recording);
	TRY_ALLOC(recording);
	TRY(decode(gate, arena, held, recording, &transaction));
	return operation_view(&held->operation, held->payload, transaction, to);
}

enum status
material_write(struct gate *gate, struct arena *arena, const struct gate_operation *operation, struct buffer *to) {
	struct wallet_transaction *transaction = nullptr;
	struct recording *recording = ARENA_NEW(arena, struct recording);
	struct json_writer w;
	int64_t stage;
	TRY_ALLOC(recording);
	if (operation->state != OPERATION_HELD)
		return fail(STATUS_CONFLICT, "operation.not_held: it is %s", operation_state_name(operation->state));
	TRY(decode(gate, arena, operation->held, recording, &transaction));
	TRY(gate_next_stage(gate, arena, operation, gate->state->now_ms, &stage));
	json_writer_start(&w, to);
	json_write_object(&w);
	write_assets(transaction, &w);
	json_write_member_hex(&w, "bundle", hash256_bytes(&gate->state->bundle->hash));
	if (stage > 0) {
		struct hash256 completed = votes_stage_digest(operation->held->votes, stage - 1);
		json_write_member_hex(&w, "completed_stage", hash256_bytes(&completed));
	}
	write_derived(recording, &w);
	json_write_member_hex(&w, "digest", hash256_bytes(&operation->digest));
	json_write_member_integer(&w, "expires", operation->expires_ms);
	write_former_price(gate->state, &operation->held->operation, &w);
	if (recording->source.key != nullptr) {
		json_write_key(&w, "key");
		key_write(&w, recording->source.key);
	}
	json_write_key(&w, "missing");
	json_write_canonical(&w, operation->held->missing);
	json_write_key(&w, "operation");
	json_write_canonical(&w, operation->held->document);
	json_write_member_hex(&w, "operation_id", hash256_bytes(&operation->id));
	json_write_key(&w, "payload");
	json_write_canonical(&w, operation->held->payload);
	if (stage > 0)
		json_write_member_integer(&w, "stage", stage);
	json_write_member_hex(&w, "view_digest", hash256_bytes(&operation->held->view_digest));
	json_write_end(&w);
	return json_writer_finish(&w);
}
