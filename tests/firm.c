#include "tests/test.h"
#include "tests/firm.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"
#include "base/time.h"
#include "crypto/random.h"
#include "crypto/sign.h"
#include "gate/genesis.h"
#include "gate/host.h"
#include "identity/statement.h"
#include "policy/bundle_directory.h"

static const struct {
	const char *principal, *key;
} names[FIRM_MEMBERS] = {
	[FIRM_PERSON_1] = {"person:p-0000000000000001", "person:p-0000000000000001/terminal"},
	[FIRM_PERSON_2] = {"person:p-0000000000000002", "person:p-0000000000000002/terminal"},
	[FIRM_PERSON_3] = {"person:p-0000000000000003", "person:p-0000000000000003/terminal"},
	[FIRM_PERSON_4] = {"person:p-0000000000000004", "person:p-0000000000000004/terminal"},
	[FIRM_PERSON_5] = {"person:p-0000000000000005", "person:p-0000000000000005/terminal"},
	[FIRM_SETTLEMENT] = {"workload:settlement", "workload:settlement/main"},
	[FIRM_TREASURER] = {"workload:treasurer", "workload:treasurer/main"},
	[FIRM_PRICES] = {"workload:prices", "workload:prices/main"},
};

void
firm_make(struct firm *firm, uint8_t seed) {
	*firm = (struct firm){};
	for (size_t i = 0; i < FIRM_MEMBERS; i++) {
		uint8_t material[2] = {seed, (uint8_t)i};
		struct hash256 hash = sha256(BYTES_OF_ARRAY(material));
		firm->members[i].principal = names[i].principal;
		firm->members[i].key_id = names[i].key;
		memcpy(firm->members[i].seed, hash.bytes, 32);
		if (ed25519_public_key(firm->members[i].seed, firm->members[i].public_key) != OK)
			abort();
	}
}

void
firm_free(struct firm *firm) {
	arena_free(&firm->arena);
}

static void
add_change(struct buffer *to, const char *kind, const char *resource, const char *payload) {
	buffer_append_format(to, "%s{\"kind\":\"%s\",\"payload\":%s,\"resource\":\"%s\"}", to->len == 0 ? "" : ",",
			     kind, payload, resource);
}

static void
add_principal(const struct firm *firm, struct buffer *to, enum firm_member member, const char *desk, const char *zone) {
	char hex[65], payload[512], resource[80];
	bool person = member <= FIRM_PERSON_5;
	hex_encode(BYTES_OF_ARRAY(firm->members[member].public_key), hex);
	snprintf(payload, sizeof payload,
		 "{\"keys\":[{\"class\":\"%s\",\"name\":\"%s\",\"public_key\":\"%s\"%s%s%s}],\"%s\":\"%s\"}",
		 person ? "terminal" : "plain", person ? "terminal" : "main", hex, zone ? ",\"zone\":\"" : "",
		 zone ? zone : "", zone ? "\"" : "", person ? "person" : "workload", firm->members[member].principal);
	snprintf(resource, sizeof resource, "desk:%s", desk);
	add_change(to, person ? "person.add" : "workload.add", resource, payload);
}

static void
add_member(const struct firm *firm, struct buffer *to, const char *group, enum firm_member member) {
	char payload[128], resource[80];
	snprintf(payload, sizeof payload, "{\"person\":\"%s\"}", firm->members[member].principal);
	snprintf(resource, sizeof resource, "group:%s", group);
	add_change(to, "group.member_add", resource, payload);
}

static enum status
write_activation(const char *policies, bool alone, bool with_invariants, struct buffer *payload) {
	_cleanup_(bundle_directory_free) struct bundle_directory directory = {};
	_cleanup_(buffer_free) struct buffer document = {};
	char path[1024];
	struct json_writer w;
	snprintf(path, sizeof path, "%s/examples/firm/policy", test_source_root());
	TRY(bundle_directory_read(io_system(), path, host_schema_text, &directory, nullptr));
	/* No worker proves them here. */
	for (size_t i = 0; i < directory.count && !with_invariants; i++)
		if (directory.files[i].part == BUNDLE_INVARIANTS)
			directory.files[i] = directory.files[--directory.count];
	/* Its tests are of its own policies. */
	for (size_t i = directory.count; i-- > 0 && policies != nullptr;)
		if (directory.files[i].part == BUNDLE_TESTS || (alone && directory.files[i].part == BUNDLE_POLICIES))
			directory.files[i] = directory.files[--directory.count];
	if (policies != nullptr)
		directory.files[directory.count++] = (struct bundle_file){
			BUNDLE_POLICIES, BYTES_OF_LITERAL("policies/test.cedar"), bytes_of_text(policies)};
	TRY(bundle_write(directory.name, directory.version, directory.files, directory.count, &document));
	json_writer_start(&w, payload);
	json_write_object(&w);
	json_write_key(&w, "bundle");
	json_write_canonical(&w, buffer_bytes(&document));
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	buffer_append_byte(payload, '\0');
	return buffer_status(payload);
}

enum status
firm_activation(const char *policies, struct buffer *payload) {
	return write_activation(policies, false, false, payload);
}

enum status
firm_activation_alone(const char *policies, struct buffer *payload) {
	return write_activation(policies, true, false, payload);
}

enum status
firm_activation_with_invariants(struct buffer *payload) {
	return write_activation(nullptr, false, true, payload);
}

static enum status
add_policies(struct buffer *to) {
	_cleanup_(buffer_free) struct buffer payload = {};
	TRY(firm_activation(nullptr, &payload));
	add_change(to, "policy.activate", "system:gatehouse", (const char *)payload.data);
	return OK;
}

static enum status
add_changes(const struct firm *firm, struct buffer *to) {
	static const char *const units[] = {
		"{\"id\":\"northwind-trading\",\"kind\":\"legal_entity\"}",
		"{\"id\":\"northwind-custody\",\"kind\":\"legal_entity\"}",
		"{\"id\":\"options\",\"kind\":\"desk\",\"parent\":\"northwind-trading\"}",
		"{\"id\":\"treasury\",\"kind\":\"desk\",\"parent\":\"northwind-custody\"}",
		"{\"id\":\"options-hot\",\"kind\":\"account\",\"parent\":\"options\"}",
		"{\"id\":\"treasury-cold\",\"kind\":\"account\",\"parent\":\"treasury\"}",
	};
	static const char *const zones[] = {
		"{\"id\":\"trading\",\"networks\":[\"127.0.0.0/16\",\"127.1.0.0/16\"]}",
		"{\"id\":\"treasury\",\"networks\":[\"127.2.0.0/16\"]}",
		"{\"id\":\"office\",\"networks\":[\"127.3.0.0/16\"]}",
	};
	static const char *const assets[] = {
		"{\"chain\":\"eip155:1\",\"decimals\":18,\"symbol\":\"ETH\"}",
		("{\"chain\":\"eip155:1\",\"contract\":\"0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48\",\"decimals\":6,"
		 "\"symbol\":\"USDC\"}"),
		"{\"chain\":\"bitcoin:main\",\"decimals\":8,\"symbol\":\"BTC\"}",
	};
	static const struct {
		const char *resource, *payload;
	} prices[] = {
		{"asset:eip155:1/native", "{\"microcents\":300000000000}"},
		{"asset:eip155:1/0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "{\"microcents\":100000000}"},
		{"asset:bitcoin:main/native", "{\"microcents\":6000000000000}"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(units); i++)
		add_change(to, "unit.add", "system:gatehouse", units[i]);
	for (size_t i = 0; i < ARRAY_LENGTH(zones); i++)
		add_change(to, "zone.add", "system:gatehouse", zones[i]);
	add_principal(firm, to, FIRM_PERSON_1, "treasury", nullptr);
	add_principal(firm, to, FIRM_PERSON_2, "treasury", nullptr);
	add_principal(firm, to, FIRM_PERSON_3, "treasury", nullptr);
	add_principal(firm, to, FIRM_PERSON_4, "options", nullptr);
	add_principal(firm, to, FIRM_PERSON_5, "options", nullptr);
	add_principal(firm, to, FIRM_SETTLEMENT, "options", "trading");
	add_principal(firm, to, FIRM_TREASURER, "treasury", "treasury");
	add_principal(firm, to, FIRM_PRICES, "options", "office");
	add_change(to, "group.add", "system:gatehouse", "{\"id\":\"treasury\"}");
	add_change(to, "group.add", "system:gatehouse", "{\"id\":\"security\"}");
	for (enum firm_member i = FIRM_PERSON_1; i <= FIRM_PERSON_3; i++)
		add_member(firm, to, "treasury", i);
	for (enum firm_member i = FIRM_PERSON_3; i <= FIRM_PERSON_5; i++)
		add_member(firm, to, "security", i);
	add_change(to, "list.create", "system:gatehouse", "{\"id\":\"counterparties\",\"kind\":\"allowed\"}");
	add_change(to, "list.create", "system:gatehouse", "{\"id\":\"sanctions\",\"kind\":\"sanctioned\"}");
	add_change(to, "list.add", "list:counterparties",
		   "{\"entries\":[\"bitcoin:main:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4\","
		   "\"eip155:1:0x3535353535353535353535353535353535353535\"]}");
	add_change(to, "list.add", "list:sanctions",
		   "{\"entries\":[\"eip155:1:0x7F367cC41522cE07553e823bf3be79A889DEbe1B\"]}");
	for (size_t i = 0; i < ARRAY_LENGTH(assets); i++)
		add_change(to, "asset.add", "system:gatehouse", assets[i]);
	for (size_t i = 0; i < ARRAY_LENGTH(prices); i++)
		add_change(to, "price.set", prices[i].resource, prices[i].payload);
	TRY(add_policies(to));
	return buffer_status(to);
}

static enum status
canonical_again(struct arena *arena, struct buffer *text) {
	const json *root;
	TRY(json_read(arena, buffer_bytes(text), (struct json_limits){}, &root));
	buffer_reset(text);
	struct json_writer w;
	json_writer_start(&w, text);
	json_write_value(&w, root);
	return json_writer_finish(&w);
}

enum status
firm_genesis(struct firm *firm, const char *instance, const char *origin, const char *log_keys, int64_t now_ms,
	     struct buffer *body) {
	_cleanup_(buffer_free) struct buffer changes = {}, document = {};
	TRY(add_changes(firm, &changes));
	buffer_append_format(&document,
			     "{\"changes\":[%.*s],\"created\":%lld,\"format\":1,\"instance\":\"%s\",\"log_keys\":%s,"
			     "\"origin\":\"%s\",\"type\":\"" GENESIS_LABEL "\"}",
			     BYTES_ARGS(changes), (long long)now_ms, instance, log_keys, origin);
	TRY(buffer_status(&document));
	TRY(canonical_again(&firm->arena, &document));
	struct hash256 digest;
	TRY(genesis_digest(buffer_bytes(&document), &digest));
	buffer_append_format(body, "{\"document\":%.*s,\"signatures\":[", BYTES_ARGS(document));
	static const enum firm_member signers[] = {FIRM_PERSON_1, FIRM_PERSON_3};
	for (size_t i = 0; i < ARRAY_LENGTH(signers); i++) {
		uint8_t signature[64];
		char hex[129], public_hex[65];
		TRY(person_sign(GENESIS_LABEL, &digest, firm->members[signers[i]].seed,
				firm->members[signers[i]].public_key, signature));
		hex_encode(BYTES_OF_ARRAY(signature), hex);
		hex_encode(BYTES_OF_ARRAY(firm->members[signers[i]].public_key), public_hex);
		buffer_append_format(body, "%s{\"key\":\"%s\",\"public_key\":\"%s\",\"signature\":\"%s\"}",
				     i == 0 ? "" : ",", firm->members[signers[i]].key_id, public_hex, hex);
	}
	buffer_append_text(body, "]}");
	return buffer_status(body);
}

static enum status
append_signature(const struct firm *firm, enum firm_member by, const char *label, const struct hash256 *digest,
		 struct buffer *body) {
	uint8_t signature[64];
	char hex[129];
	if (firm->sign != nullptr)
		return firm->sign(firm->signer, by, digest, body);
	TRY(person_sign(label, digest, firm->members[by].seed, firm->members[by].public_key, signature));
	hex_encode(BYTES_OF_ARRAY(signature), hex);
	buffer_append_format(body, "{\"key_id\":\"%s\",\"signature\":\"%s\"}", firm->members[by].key_id, hex);
	return buffer_status(body);
}

enum status
firm_body(struct firm *firm, const char *instance, const struct firm_operation *wanted, struct buffer *body) {
	_cleanup_(buffer_free) struct buffer payload = {}, document = {};
	bool person = wanted->by <= FIRM_PERSON_5;
	buffer_append_text(&payload, wanted->payload);
	TRY(canonical_again(&firm->arena, &payload));
	struct operation operation = {
		.instance = bytes_of_text(instance),
		.kind = bytes_of_text(wanted->kind),
		.principal = bytes_of_text(firm->members[wanted->by].principal),
		.resource = bytes_of_text(wanted->resource),
		.idempotency_key = bytes_of_text(wanted->idempotency_key),
		.reason = wanted->reason == nullptr ? (struct bytes){} : bytes_of_text(wanted->reason),
		.reference = wanted->reference == nullptr ? (struct bytes){} : bytes_of_text(wanted->reference),
		.payload_hash = sha256(buffer_bytes(&payload)),
		.break_glass = wanted->break_glass,
		.created_ms = wanted->created_ms,
		.expires_ms = wanted->created_ms + (wanted->lifetime_ms == 0 ? HOUR_MS : wanted->lifetime_ms)};
	TRY(operation_write(&operation, &document));
	buffer_append_format(body, "{\"operation\":%.*s,\"payload\":%.*s", BYTES_ARGS(document), BYTES_ARGS(payload));
	if (wanted->personal != nullptr)
		buffer_append_format(body, ",\"personal\":%s", wanted->personal);
	if (wanted->secret != nullptr)
		buffer_append_format(body, ",\"secret\":%s", wanted->secret);
	if (person) {
		struct hash256 digest = sha256(buffer_bytes(&document));
		buffer_append_text(body, ",\"signature\":");
		TRY(append_signature(firm, wanted->by, OPERATION_SIGNATURE_LABEL, &digest, body));
	}
	buffer_append_byte(body, '}');
	return buffer_status(body);
}

enum status
firm_request(struct firm *firm, struct arena *arena, const char *instance, const char *authority,
	     const struct firm_operation *operation, struct http_request *request) {
	_cleanup_(buffer_free) struct buffer body = {};
	TRY(firm_body(firm, instance, operation, &body));
	struct http_field *fields = ARENA_NEW_ARRAY(arena, 6, struct http_field);
	TRY_ALLOC(fields);
	*request = (struct http_request){.method = BYTES_OF_LITERAL("POST"),
					 .target = BYTES_OF_LITERAL("/v1/operations"),
					 .body = arena_copy(arena, buffer_bytes(&body))};
	struct http_request_signer signer = {.key_id = bytes_of_text(firm->members[operation->by].key_id),
					     .seed = firm->members[operation->by].seed};
	memcpy(signer.public_key, firm->members[operation->by].public_key, 32);
	const char *header_key = operation->header_key == nullptr ? operation->idempotency_key : operation->header_key;
	TRY(http_signature_create(arena, &signer, request, bytes_of_text(authority),
				  BYTES_OF_LITERAL("application/json"), bytes_of_text(header_key),
				  operation->created_ms, 300, fields));
	request->fields = fields;
	request->field_count = 6;
	return OK;
}

static enum status
read_hash(const json *material, const char *key, struct hash256 *hash) {
	struct bytes text;
	TRY(json_need_string(material, "material", key, &text));
	return hex_decode(text, hash->bytes, sizeof hash->bytes);
}

enum status
firm_vote(struct firm *firm, const char *instance, enum firm_member by, struct bytes material, const char *verdict,
	  int64_t now_ms, struct buffer *body) {
	struct firm_choice choice = {.verdict = verdict, .client = APPROVAL_CLIENT_CLI};
	return firm_vote_as(firm, instance, by, material, &choice, now_ms, body);
}

enum status
firm_vote_as(struct firm *firm, const char *instance, enum firm_member by, struct bytes material,
	     const struct firm_choice *choice, int64_t now_ms, struct buffer *body) {
	const json *document;
	const char *person = choice->person == nullptr ? firm->members[by].principal : choice->person;
	struct approval_statement statement = {.instance = bytes_of_text(instance),
					       .person = bytes_of_text(person),
					       .client = choice->client,
					       .expires_ms = now_ms + 10 * MINUTE_MS};
	TRY(json_read(&firm->arena, material, (struct json_limits){}, &document));
	TRY(read_hash(document, "operation_id", &statement.operation_id));
	TRY(read_hash(document, "digest", &statement.operation_digest));
	TRY(read_hash(document, "view_digest", &statement.view_digest));
	TRY(read_hash(document, "bundle", &statement.bundle_hash));
	for (int i = APPROVAL_APPROVE; i <= APPROVAL_WITHDRAW; i++)
		if (strcmp(choice->verdict, approval_verdict_name((enum approval_verdict)i)) == 0)
			statement.verdict = (enum approval_verdict)i;
	if (statement.verdict == APPROVAL_REJECT)
		statement.reason = bytes_of_text(choice->reason == nullptr ? "tested" : choice->reason);
	if (json_get(document, "stage") != nullptr) {
		TRY(json_need_integer(document, "material", "stage", &statement.stage));
		TRY(read_hash(document, "completed_stage", &statement.completed_stage));
	}
	statement.stage = choice->stage > 0 ? choice->stage : statement.stage;
	statement.has_completed_stage = statement.stage > 0;
	random_bytes(statement.nonce, sizeof statement.nonce);
	struct hash256 digest;
	TRY(approval_digest(&statement, &digest));
	buffer_append_text(body, "{\"signature\":");
	TRY(append_signature(firm, by, APPROVAL_SIGNATURE_LABEL, &digest, body));
	buffer_append_text(body, ",\"statement\":");
	TRY(approval_write(&statement, body));
	buffer_append_byte(body, '}');
	return buffer_status(body);
}
