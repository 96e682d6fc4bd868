#include "cli/review.h"

#include <stdio.h>

#include "base/time.h"
#include "cli/output.h"
#include "crypto/random.h"
#include "gate/view.h"
#include "keys/bip32.h"
#include "keys/key.h"

constexpr size_t DERIVED_MAX = 512;

/* Public keys below an extended key, as the material states them. A false one gives a view that the keeper does not have. */
struct derived_keys {
	struct signing_path paths[DERIVED_MAX];
	uint8_t public_keys[DERIVED_MAX][33];
	size_t count;
};

static bool
same_path(const struct signing_path *a, const struct signing_path *b) {
	return a->count == b->count && memcmp(a->steps, b->steps, a->count * sizeof a->steps[0]) == 0;
}

static enum status
find_derived(const void *context, const struct signing_path *path, uint8_t public_key[33]) {
	const struct derived_keys *derived = context;
	for (size_t i = 0; i < derived->count; i++)
		if (same_path(&derived->paths[i], path)) {
			memcpy(public_key, derived->public_keys[i], 33);
			return OK;
		}
	char text[BIP32_PATH_TEXT_SIZE];
	bip32_path_format(path, text);
	return fail(STATUS_UNSUPPORTED, "review.derived: the material holds no public key for %s", text);
}

static enum status
read_derived(const json *material, struct derived_keys *derived) {
	const json *array, *one;
	TRY(json_need(material, "material", "derived", JSON_ARRAY, &array));
	if (json_size(array) > DERIVED_MAX)
		return fail(STATUS_TOO_LARGE, "review.derived: more than %zu derived keys", DERIVED_MAX);
	struct json_iterator iterator = json_iterate(array);
	while ((one = json_next(&iterator, nullptr)) != nullptr) {
		struct bytes path, key;
		TRY(json_need_string(one, "material.derived", "path", &path));
		TRY(json_need_string(one, "material.derived", "public_key", &key));
		TRY(bip32_path_parse(path, &derived->paths[derived->count]));
		TRY(hex_decode(key, derived->public_keys[derived->count++], 33));
	}
	return OK;
}

static enum status
read_assets(const json *material, struct asset_registry *registry) {
	const json *array, *one;
	TRY(json_need(material, "material", "assets", JSON_ARRAY, &array));
	struct json_iterator iterator = json_iterate(array);
	while ((one = json_next(&iterator, nullptr)) != nullptr) {
		struct bytes chain, contract, symbol;
		int64_t decimals;
		TRY(json_need_string(one, "material.asset", "chain", &chain));
		TRY(json_need_string(one, "material.asset", "contract", &contract));
		TRY(json_need_string(one, "material.asset", "symbol", &symbol));
		TRY(json_need_integer(one, "material.asset", "decimals", &decimals));
		if (decimals < 0 || decimals > ASSET_DECIMALS_MAX)
			return fail(STATUS_INVALID, "review.decimals: %lld", (long long)decimals);
		TRY(asset_registry_add(registry, chain, contract, symbol, (unsigned)decimals));
	}
	return OK;
}

static enum status
read_hash(const json *object, const char *key, struct hash256 *hash) {
	struct bytes text;
	TRY(json_need_string(object, "material", key, &text));
	if (text.len != 2 * sizeof hash->bytes)
		return fail(STATUS_INVALID, "material.%s: expected 64 hexadecimal digits", key);
	return hex_decode(text, hash->bytes, sizeof hash->bytes);
}

static enum status
canonical_of(struct arena *arena, const json *value, struct bytes *canonical) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_value(&w, value);
	TRY(json_writer_finish(&w));
	*canonical = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(canonical->data);
	return OK;
}

/* Operation and payload as they stand, and what the keeper says about them, must be one thing. */
static enum status
read_operation(struct arena *arena, const json *material, const char *instance, struct review *review,
	       const json **payload, struct bytes *payload_text) {
	const json *document;
	struct bytes text;
	struct hash256 stated_digest, stated_id, payload_hash;
	TRY(json_need(material, "material", "operation", JSON_OBJECT, &document));
	TRY(json_need(material, "material", "payload", JSON_OBJECT, payload));
	TRY(operation_read(document, &review->operation));
	TRY(canonical_of(arena, document, &text));
	TRY(canonical_of(arena, *payload, payload_text));
	review->digest = sha256(text);
	payload_hash = sha256(*payload_text);
	TRY(operation_id(review->operation.instance, review->operation.principal, review->operation.idempotency_key,
			 &review->id));
	TRY(read_hash(material, "digest", &stated_digest));
	TRY(read_hash(material, "operation_id", &stated_id));
	TRY(read_hash(material, "bundle", &review->bundle));
	if (!bytes_equal_text(review->operation.instance, instance))
		return fail(STATUS_CONFLICT, "review.instance: the operation is of \"%.*s\", and you sign for \"%s\"",
			    BYTES_ARGS(review->operation.instance), instance);
	if (!hash256_equal(&payload_hash, &review->operation.payload_hash))
		return fail(STATUS_CONFLICT, "review.payload: the payload is not the one that the requester signed");
	if (!hash256_equal(&stated_digest, &review->digest) || !hash256_equal(&stated_id, &review->id))
		return fail(STATUS_CONFLICT, "review.operation: the operation has another digest or id than stated");
	return OK;
}

struct decoding {
	struct wallet_context context;
	struct wallet_key key;
	struct key_info info;
	struct derived_keys derived;
};

static enum status
decode_transaction(struct arena *arena, const json *material, const struct operation *operation, const json *payload,
		   const struct asset_registry *registry, struct wallet_transaction **transaction) {
	const json *record;
	enum resource_type type;
	enum wallet_format format;
	struct bytes id, bytes;
	struct decoding *decoding = ARENA_NEW(arena, struct decoding);
	TRY_ALLOC(decoding);
	TRY(json_need(material, "material", "key", JSON_OBJECT, &record));
	TRY(key_read(record, &decoding->info));
	TRY(resource_parse(operation->resource, &type, &id));
	if (type != RESOURCE_KEY || !bytes_equal_text(id, decoding->info.id))
		return fail(STATUS_CONFLICT,
			    "review.key: the material is about key \"%s\", the operation about \"%.*s\"",
			    decoding->info.id, BYTES_ARGS(operation->resource));
	TRY(read_derived(material, &decoding->derived));
	TRY(wallet_key_of_record(&decoding->info, nullptr, &decoding->key));
	if (decoding->info.material == KEY_MATERIAL_EXTENDED) {
		decoding->key.derive = find_derived;
		decoding->key.context = &decoding->derived;
	}
	decoding->context = (struct wallet_context){.assets = registry, .key = &decoding->key};
	TRY(transaction_of_payload(arena, payload, &format, &bytes));
	return wallet_decode(arena, format, bytes, &decoding->context, transaction);
}

/* --- For people. --- */

static void
line(struct buffer *to, const char *name, struct bytes value) {
	buffer_append_format(to, "%-11s ", name);
	output_foreign(to, value, false);
	buffer_append_byte(to, '\n');
}

/* "3,000.25 USD" without the commas, which nobody groups alike: as many decimals as it needs, two at least. */
static void
write_usd(int64_t microcents, struct buffer *to) {
	constexpr int64_t DOLLAR = 100'000'000;
	char decimals[16];
	int len = snprintf(decimals, sizeof decimals, "%08lld", (long long)(microcents % DOLLAR));
	while (len > 2 && decimals[len - 1] == '0')
		len--;
	buffer_append_format(to, "%lld.%.*s USD", (long long)(microcents / DOLLAR), len, decimals);
}

/* Towards what is farther, so that nothing looks smaller than it is; false where it is beyond all numbers that people read. */
static bool
change_in_basis_points(int64_t before, int64_t now, int64_t *points) {
	int64_t by = now > before ? now - before : before - now;
	if (__builtin_mul_overflow(by, INT64_C(10'000), &by) || __builtin_add_overflow(by, before - 1, &by))
		return false;
	*points = by / before;
	return true;
}

static enum status
read_former_price(const json *former, int64_t *microcents, int64_t *recorded_ms) {
	TRY(json_need_integer(former, "material.former_price", "microcents", microcents));
	TRY(json_need_integer(former, "material.former_price", "recorded", recorded_ms));
	return *microcents > 0 ? OK : fail(STATUS_INVALID, "material.former_price: a price is above zero");
}

/* The new price is what the requester signed, the former one what the keeper says. */
static enum status
write_price(const json *material, const json *payload, struct buffer *to) {
	const json *stated = json_get(material, "former_price");
	int64_t now, before, recorded_ms, points;
	char time[TIME_TEXT_SIZE];
	TRY(json_need_integer(payload, "payload", "microcents", &now));
	if (now <= 0)
		return fail(STATUS_INVALID, "payload.microcents: a price is above zero");
	buffer_append_format(to, "%-11s ", "price");
	write_usd(now, to);
	if (stated == nullptr) {
		buffer_append_text(to, "; the keeper states none before it\n");
		return OK;
	}
	TRY(read_former_price(stated, &before, &recorded_ms));
	if (change_in_basis_points(before, now, &points))
		buffer_append_format(to, ", %c%lld.%02lld percent", now < before ? '-' : '+', (long long)(points / 100),
				     (long long)(points % 100));
	else
		buffer_append_text(to, ", many times more");
	time_format(recorded_ms, time);
	buffer_append_format(to, "\n%-11s ", "before");
	write_usd(before, to);
	buffer_append_format(to, ", of %s, as the keeper states\n", time);
	return OK;
}

static enum status
write_text(const struct review *review, const json *material, const json *payload,
	   const struct wallet_transaction *transaction, struct buffer *to) {
	char hex[65], time[TIME_TEXT_SIZE];
	hex_encode(hash256_bytes(&review->id), hex);
	if (review->operation.break_glass)
		buffer_append_text(to, "BREAK GLASS: the requester says that this cannot wait\n");
	line(to, "operation", bytes_of_text(hex));
	line(to, "kind", review->operation.kind);
	line(to, "requester", review->operation.principal);
	line(to, "resource", review->operation.resource);
	if (review->operation.reason.len > 0)
		line(to, "reason", review->operation.reason);
	if (review->operation.reference.len > 0)
		line(to, "reference", review->operation.reference);
	time_format(review->operation.created_ms, time);
	line(to, "submitted", bytes_of_text(time));
	time_format(review->operation.expires_ms, time);
	line(to, "expires", bytes_of_text(time));
	if (transaction != nullptr) {
		_cleanup_(buffer_free) struct buffer explained = {};
		if (wallet_explain(transaction, &explained) != OK)
			to->failed = true;
		output_foreign(to, buffer_bytes(&explained), true);
	} else if (bytes_equal_text(review->operation.kind, operation_kinds[OPERATION_PRICE_SET].name)) {
		TRY(write_price(material, payload, to));
	} else if (json_size(payload) > 0) {
		buffer_append_text(to, "payload\n");
		output_lines(payload, to);
	}
	if (review->stage > 0)
		buffer_append_format(to, "%-11s %lld: it rests on the approvals of the stage before\n", "stage",
				     (long long)review->stage + 1);
	const json *missing = json_get(material, "missing");
	if (missing != nullptr) {
		buffer_append_text(to, "still missing\n");
		output_lines(missing, to);
	}
	return buffer_status(to);
}

/* Nothing of it stands in the first stage. */
static enum status
read_stage(const json *material, struct review *review) {
	if (json_get(material, "stage") == nullptr)
		return OK;
	TRY(json_need_integer(material, "material", "stage", &review->stage));
	if (review->stage < 1 || review->stage > APPROVAL_STAGE_MAX)
		return fail(STATUS_INVALID, "material.stage: expected 1 to %lld, found %lld",
			    (long long)APPROVAL_STAGE_MAX, (long long)review->stage);
	return read_hash(material, "completed_stage", &review->completed_stage);
}

static enum status
build_view(struct review *review, struct bytes payload, const struct wallet_transaction *transaction,
	   const json *material) {
	_cleanup_(buffer_free) struct buffer view = {};
	struct hash256 stated;
	TRY(operation_view(&review->operation, payload, transaction, &view));
	review->view_digest = sha256(buffer_bytes(&view));
	TRY(read_hash(material, "view_digest", &stated));
	if (!hash256_equal(&stated, &review->view_digest))
		return fail(
			STATUS_CONFLICT,
			"review.view: what was decoded here is not what the keeper decoded; do not approve, and find "
			"out who stands between");
	return OK;
}

enum status
review_read(struct arena *arena, struct bytes material_text, const char *instance, struct review *review) {
	_cleanup_(asset_registry_destroy) struct asset_registry *registry = nullptr;
	_cleanup_(buffer_free) struct buffer text = {};
	struct wallet_transaction *transaction = nullptr;
	const json *material, *payload;
	struct bytes payload_text;
	*review = (struct review){};
	TRY(json_read(arena, material_text, (struct json_limits){}, &material));
	if (json_type_of(material) != JSON_OBJECT)
		return fail(STATUS_INVALID, "material.type: expected object, found %s",
			    json_type_name(json_type_of(material)));
	TRY(read_operation(arena, material, instance, review, &payload, &payload_text));
	TRY(asset_registry_create(&registry));
	TRY(read_assets(material, registry));
	if (bytes_equal_text(review->operation.kind, operation_kinds[OPERATION_SIGN].name))
		TRY(decode_transaction(arena, material, &review->operation, payload, registry, &transaction));
	TRY(build_view(review, payload_text, transaction, material));
	TRY(read_stage(material, review));
	TRY(write_text(review, material, payload, transaction, &text));
	review->text = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(review->text.data);
	return OK;
}

enum status
review_vote(const struct review *review, const struct key_file *key, const struct review_choice *choice,
	    struct buffer *body) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct approval_statement statement = {.instance = review->operation.instance,
					       .operation_id = review->id,
					       .operation_digest = review->digest,
					       .view_digest = review->view_digest,
					       .bundle_hash = review->bundle,
					       .stage = review->stage,
					       .has_completed_stage = review->stage > 0,
					       .completed_stage = review->completed_stage,
					       .verdict = choice->verdict,
					       .person = choice->person.len > 0 ? choice->person : key->principal,
					       .reason = choice->reason,
					       .client = choice->client,
					       .expires_ms = review->operation.expires_ms};
	struct hash256 digest;
	uint8_t signature[64];
	struct json_writer w;
	random_bytes(statement.nonce, sizeof statement.nonce);
	TRY(approval_digest(&statement, &digest));
	TRY(key_file_sign(key, APPROVAL_SIGNATURE_LABEL, &digest, signature));
	TRY(approval_write(&statement, &text));
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_key(&w, "signature");
	json_write_object(&w);
	json_write_member_string(&w, "key_id", key->key_id);
	json_write_member_hex(&w, "signature", BYTES_OF_ARRAY(signature));
	json_write_end(&w);
	json_write_key(&w, "statement");
	json_write_canonical(&w, buffer_bytes(&text));
	json_write_end(&w);
	return json_writer_finish(&w);
}
