#include "tests/test.h"

#include <stdio.h>

#include "base/time.h"
#include "keeper/keeper.h"
#include "ledger/receipt.h"
#include "tests/founding.h"

#define AUTHORITY "127.0.0.1:8443"
static const char INSTANCE[] = "northwind.example";
static const char PASSPHRASE[] = "correct horse battery";

/* An installation in a directory of its own, founded and opened: the keeper without processes. */
struct house {
	struct firm firm;
	char directory[128], data[160], mark[160];
	struct installation installation;
	struct keeper *keeper;
	int requests;
};

static int64_t
now_ms(void) {
	return io_realtime_ns(io_system()) / 1'000'000;
}

static void
found(struct house *house) {
	struct founding founding = {.instance = INSTANCE,
				    .data = house->data,
				    .source = ROOT_KEY_PASSPHRASE,
				    .given = bytes_of_text(PASSPHRASE),
				    .guard = ROLLBACK_PATH,
				    .mark = house->mark};
	assert_ok(found_installation(&house->firm, &founding));
}

static enum status
open_house(struct house *house) {
	static const char *const authorities[] = {AUTHORITY};
	struct keeper_config config = {.io = io_system(),
				       .authorities = authorities,
				       .authority_count = 1,
				       .guard = ROLLBACK_PATH,
				       .guard_path = house->mark,
				       .pool_threads = 1};
	TRY(installation_open(io_system(), house->data, ROOT_KEY_PASSPHRASE, bytes_of_text(PASSPHRASE),
			      &house->installation));
	return keeper_open(&config, &house->installation, &house->keeper);
}

static void
close_house(struct house *house) {
	keeper_close(&house->keeper);
	installation_close(&house->installation);
}

static void
set_up(struct house *house) {
	*house = (struct house){};
	firm_make(&house->firm, 7);
	snprintf(house->directory, sizeof house->directory, "/tmp/gatehouse-keeper-test-XXXXXX");
	assert_non_null(mkdtemp(house->directory));
	snprintf(house->data, sizeof house->data, "%s/data", house->directory);
	snprintf(house->mark, sizeof house->mark, "%s/high-water", house->directory);
	found(house);
	assert_ok(open_house(house));
}

static void
move(const char *command, const char *from, const char *to) {
	char line[512];
	snprintf(line, sizeof line, "%s '%s' '%s'", command, from, to);
	assert_int_equal(0, system(line));
}

static void
tear_down(struct house *house) {
	close_house(house);
	firm_free(&house->firm);
	move("rm -rf", house->directory, house->directory);
}

static struct bytes
field(const struct http_request *request, const char *name) {
	for (size_t i = 0; i < request->field_count; i++)
		if (bytes_equal_text(request->fields[i].name, name))
			return request->fields[i].value;
	return (struct bytes){};
}

static void
answer(struct house *house, struct arena *arena, const struct http_request *request, struct ipc_response *response) {
	struct ipc_request received = {.method = request->method,
				       .target = request->target,
				       .host = field(request, "host"),
				       .content_type = field(request, "content-type"),
				       .content_digest = field(request, "content-digest"),
				       .idempotency_key = field(request, "idempotency-key"),
				       .signature_input = field(request, "signature-input"),
				       .signature = field(request, "signature"),
				       .body = request->body};
	if (received.host.len == 0)
		received.host = BYTES_OF_LITERAL(AUTHORITY);
	static const uint8_t trading[] = {127, 1, 0, 9};
	received.reported.peer_address = BYTES_OF_ARRAY(trading);
	received.reported.peer_port = 50'000;
	received.reported.tls_group = BYTES_OF_LITERAL("X25519MLKEM768");
	assert_ok(keeper_answer(house->keeper, &received, arena, response));
}

static void
submit(struct house *house, struct arena *arena, struct firm_operation operation, struct ipc_response *response) {
	char key[32];
	struct http_request request;
	snprintf(key, sizeof key, "request-%d", house->requests++);
	if (operation.idempotency_key == nullptr)
		operation.idempotency_key = key;
	operation.created_ms = now_ms();
	assert_ok(firm_request(&house->firm, arena, INSTANCE, AUTHORITY, &operation, &request));
	answer(house, arena, &request, response);
}

static void
get(struct house *house, struct arena *arena, const char *target, struct ipc_response *response) {
	struct http_request request = {.method = BYTES_OF_LITERAL("GET"), .target = bytes_of_text(target)};
	struct http_field *fields = ARENA_NEW_ARRAY(arena, 6, struct http_field);
	struct http_request_signer signer = {.key_id = bytes_of_text(house->firm.members[FIRM_PERSON_1].key_id),
					     .seed = house->firm.members[FIRM_PERSON_1].seed};
	memcpy(signer.public_key, house->firm.members[FIRM_PERSON_1].public_key, 32);
	assert_ok(http_signature_create(arena, &signer, &request, BYTES_OF_LITERAL(AUTHORITY),
					BYTES_OF_LITERAL("application/json"), BYTES_OF_LITERAL("read"), now_ms(), 60,
					fields));
	request.fields = fields;
	request.field_count = 6;
	answer(house, arena, &request, response);
}

static void
assert_status(unsigned expected, const struct ipc_response *response) {
	if (response->status != expected)
		fail_msg("expected %u, got %u: %.*s", expected, response->status, BYTES_ARGS(response->body));
}

static const json *
parse(struct arena *arena, const struct ipc_response *response) {
	const json *document;
	assert_ok(json_read(arena, response->body, (struct json_limits){}, &document));
	return document;
}

static void
assert_text(const char *expected, const json *document, const char *key) {
	const json *value = json_get(document, key);
	if (value == nullptr || !bytes_equal_text(json_string(value), expected))
		fail_msg("%s: expected %s, found %.*s", key, expected, value ? (int)json_string(value).len : 4,
			 value ? (const char *)json_string(value).data : "none");
}

static void
vote(struct house *house, struct arena *arena, struct bytes operation, enum firm_member by,
     struct ipc_response *response) {
	_cleanup_(buffer_free) struct buffer body = {};
	char target[160];
	snprintf(target, sizeof target, "/v1/operations/%.*s/payload", BYTES_ARGS(operation));
	struct ipc_response material;
	get(house, arena, target, &material);
	assert_status(200, &material);
	assert_ok(firm_vote(&house->firm, INSTANCE, by, material.body, "approve", now_ms(), &body));
	snprintf(target, sizeof target, "/v1/operations/%.*s/votes", BYTES_ARGS(operation));
	struct http_request request = {
		.method = BYTES_OF_LITERAL("POST"), .target = bytes_of_text(target), .body = buffer_bytes(&body)};
	answer(house, arena, &request, response);
}

static void
make_key(struct house *house, struct arena *arena, const char *id) {
	struct ipc_response response;
	char *payload = arena_format(arena,
				     "{\"algorithm\":\"secp256k1\",\"id\":\"%s\",\"material\":\"single\","
				     "\"purpose\":\"transfer\"}",
				     id);
	submit(house, arena,
	       (struct firm_operation){.by = FIRM_PERSON_4,
				       .kind = "key.create",
				       .resource = "account:options-hot",
				       .payload = payload},
	       &response);
	assert_status(202, &response);
	struct bytes operation = arena_copy(arena, json_string(json_get(parse(arena, &response), "operation")));
	vote(house, arena, operation, FIRM_PERSON_3, &response);
	assert_status(202, &response);
	vote(house, arena, operation, FIRM_PERSON_5, &response);
	assert_status(200, &response);
}

/* 0.1 ETH by EIP-1559 to the allowed destination. */
#define TRANSFER(nonce)                                                                                                \
	"{\"format\":\"evm\",\"transaction\":"                                                                         \
	"\"0x02f001" nonce "843b9aca008506fc23ac00825208943535353535353535353535353535353535353535"                    \
	"88016345785d8a000080c0\"}"

static struct firm_operation
transfer(const char *payload) {
	return (struct firm_operation){
		.by = FIRM_SETTLEMENT, .kind = "sign", .resource = "key:eth-hot", .payload = payload};
}

static void
a_transfer_is_signed_with_a_receipt_that_verifies(void **) {
	_cleanup_(tear_down) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct receipt receipt;
	set_up(&house);
	make_key(&house, &arena, "eth-hot");
	submit(&house, &arena, transfer(TRANSFER("80")), &response);
	assert_status(200, &response);
	const json *document = parse(&arena, &response);
	assert_text("done", document, "state");
	assert_text("permit", document, "decision");
	assert_ok(receipt_parse(&arena, json_string(json_get(document, "receipt")), &receipt));
	assert_ok(note_verify_ed25519(&receipt.note, &house.installation.keys.ed25519));
	/* The entry itself, from the log, is the leaf that the receipt proves. */
	char target[64];
	struct ipc_response entry;
	struct receipt with_entry;
	snprintf(target, sizeof target, "/v1/ledger/entries/%llu", (unsigned long long)receipt.index);
	get(&house, &arena, target, &entry);
	assert_status(200, &entry);
	assert_ok(receipt_parse(&arena, entry.body, &with_entry));
	assert_ok(receipt_check_entry(&receipt, with_entry.entry));
}

static void
a_restart_remembers_everything_that_was_acknowledged(void **) {
	_cleanup_(tear_down) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response first, again;
	struct firm_operation operation = transfer(TRANSFER("80"));
	set_up(&house);
	make_key(&house, &arena, "eth-hot");
	operation.idempotency_key = "invoice-1";
	submit(&house, &arena, operation, &first);
	close_house(&house);
	assert_ok(open_house(&house));
	submit(&house, &arena, operation, &again);
	assert_status(200, &again);
	const json *a = json_get(json_get(parse(&arena, &first), "result"), "transaction");
	const json *b = json_get(json_get(parse(&arena, &again), "result"), "transaction");
	assert_bytes(json_string(a), json_string(b));
	struct ipc_response listed;
	get(&house, &arena, "/v1/keys/eth-hot", &listed);
	assert_status(200, &listed);
}

static void
an_older_data_directory_is_refused(void **) {
	_cleanup_(tear_down) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	set_up(&house);
	close_house(&house);
	char old[200];
	snprintf(old, sizeof old, "%s.old", house.data);
	move("cp -a", house.data, old);
	assert_ok(open_house(&house));
	make_key(&house, &arena, "eth-hot");
	close_house(&house);
	move("rm -rf", house.data, house.data);
	move("mv", old, house.data);
	assert_fails(STATUS_CONFLICT, "ledger.behind", open_house(&house));
}

static void
hostile_requests_are_refused_by_name(void **) {
	_cleanup_(tear_down) struct house house;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	set_up(&house);
	make_key(&house, &arena, "eth-hot");
	struct firm_operation operation = transfer(TRANSFER("80"));
	operation.idempotency_key = "x";
	operation.created_ms = now_ms();
	struct http_request request;
	static const struct {
		const char *from, *to, *type;
		unsigned status;
	} cases[] = {
		{"\"resource\":\"key:eth-hot\"", "\"resource\":\"key:eth-hut\"", "request_signature.content_differs",
		 401},
		{"0x02f00180", "0x02f00181", "operation.payload_sha256", 401},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		assert_ok(firm_request(&house.firm, &arena, INSTANCE, AUTHORITY, &operation, &request));
		uint8_t *at = memmem(request.body.data, request.body.len, cases[i].from, strlen(cases[i].from));
		assert_non_null(at);
		memcpy(at, cases[i].to, strlen(cases[i].to));
		answer(&house, &arena, &request, &response);
		assert_status(cases[i].status, &response);
		char type[128];
		snprintf(type, sizeof type, "urn:gatehouse:problem:%s", cases[i].type);
		assert_text(type, parse(&arena, &response), "type");
	}
	/* The same signed request twice is a repetition and gives the same answer; nothing is signed twice. */
	assert_ok(firm_request(&house.firm, &arena, INSTANCE, AUTHORITY, &operation, &request));
	struct ipc_response first, second;
	answer(&house, &arena, &request, &first);
	answer(&house, &arena, &request, &second);
	assert_status(200, &first);
	assert_status(200, &second);
	const json *a = json_get(parse(&arena, &first), "entry"), *b = json_get(parse(&arena, &second), "entry");
	assert_int_equal(json_integer(a), json_integer(b));
}

static void
a_reloaded_configuration_is_an_entry(void **) {
	_cleanup_(tear_down) struct house house;
	uint64_t counts[ENTRY_TYPES];
	struct hash256 hash = {{7}};
	set_up(&house);
	assert_ok(keeper_record_configuration(house.keeper, &hash));
	close_house(&house);
	assert_ok(open_house(&house));
	ledger_counts(keeper_ledger(house.keeper), counts);
	assert_int_equal(1, counts[ENTRY_CONFIGURATION]);
}

RUN_TESTS(T(a_reloaded_configuration_is_an_entry), T(a_transfer_is_signed_with_a_receipt_that_verifies),
	  T(a_restart_remembers_everything_that_was_acknowledged), T(an_older_data_directory_is_refused),
	  T(hostile_requests_are_refused_by_name))
