#include "tests/test.h"
#include "tests/house.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path_pattern.h"
#include "gate/replay.h"
#include "tests/described_statuses.h"
#include "tests/founding.h"

static const char PASSPHRASE[] = "correct horse battery";
constexpr uint64_t SMALL_SEGMENT = 512 * 1024; /* so that several are used; a batch takes a quarter of it at most */

/* --- Founding, opening, ending. --- */

static void
make_directory(struct house *house) {
	const char *temporary = getenv("TMPDIR");
	snprintf(house->directory, sizeof house->directory, "%s/gatehouse-house-XXXXXX",
		 temporary ? temporary : "/tmp");
	assert_non_null(mkdtemp(house->directory));
	snprintf(house->data, sizeof house->data, "%s/data", house->directory);
	snprintf(house->mark, sizeof house->mark, "%s/high-water", house->directory);
}

void
house_found_here(struct house *house, const char *keeper) {
	*house = (struct house){.io = io_system(), .credits = 64, .channel = {.descriptor = -1}, .is_manual = true};
	firm_make(&house->firm, 7);
	make_directory(house);
	struct founding founding = {.instance = HOUSE_INSTANCE,
				    .keeper = keeper,
				    .data = house->data,
				    .source = ROOT_KEY_PASSPHRASE,
				    .given = bytes_of_text(PASSPHRASE),
				    .guard = ROLLBACK_PATH,
				    .mark = house->mark,
				    .segment_size = SMALL_SEGMENT};
	assert_ok(found_installation(&house->firm, &founding));
}

void
house_found(struct house *house, const struct io *io) {
	*house = (struct house){.io = io == nullptr ? io_system() : io, .credits = 64, .channel = {.descriptor = -1}};
	firm_make(&house->firm, 7);
	make_directory(house);
	struct founding founding = {.instance = HOUSE_INSTANCE,
				    .data = house->data,
				    .source = ROOT_KEY_PASSPHRASE,
				    .given = bytes_of_text(PASSPHRASE),
				    .guard = ROLLBACK_PATH,
				    .mark = house->mark};
	assert_ok(found_installation(&house->firm, &founding));
}

void
house_found_on_disk(struct house *house, const struct io *io) {
	house_found_as(house, io, nullptr);
}

void
house_found_as(struct house *house, const struct io *io, const char *keeper) {
	*house = (struct house){.io = io,
				.credits = 64,
				.channel = {.descriptor = -1},
				.is_manual = true,
				.data = "/data",
				.mark = "/elsewhere/high-water"};
	firm_make(&house->firm, 7);
	assert_ok(io_make_directory(io, "/elsewhere"));
	assert_ok(io_make_directory(io, house->data));
	assert_ok(io_sync_directory(io, "/"));
	struct founding founding = {.io = io,
				    .instance = HOUSE_INSTANCE,
				    .keeper = keeper,
				    .data = house->data,
				    .source = ROOT_KEY_PASSPHRASE,
				    .given = bytes_of_text(PASSPHRASE),
				    .guard = ROLLBACK_PATH,
				    .mark = house->mark,
				    .segment_size = SMALL_SEGMENT};
	assert_ok(found_installation(&house->firm, &founding));
}

/* Of whatever a test had a keeper do here. */
struct replaying {
	struct replayer *replayer;
	uint64_t index;
	char difference[256];
};

/* What is about the installation, a keeper or the log, and nobody in it. */
static bool
is_of_nobody(const struct entry *entry) {
	static const bool of_nobody[ENTRY_TYPES] = {
		[ENTRY_GENESIS] = true, /* of all of its legal entities */
		[ENTRY_START] = true,        [ENTRY_STOP] = true,        [ENTRY_CONFIGURATION] = true,
		[ENTRY_CLOCK] = true,        [ENTRY_BACKUP] = true,      [ENTRY_RESTORE] = true,
		[ENTRY_RECOVERED] = true,    [ENTRY_COSIGNATURE] = true, /* by witnesses, of the log */
		[ENTRY_PEER] = true,                                     /* another keeper's log */
		[ENTRY_LOCAL_BUNDLE] = true,                             /* this keeper's own policy */
		[ENTRY_COUNTS] = true,
	};
	if (entry->type == ENTRY_CHECK) /* of another keeper, or of a key that keepers share */
		return json_get(entry->document, "shared_key") == nullptr;
	if (entry->type == ENTRY_ERASED) /* repeated by a restore, which knows nobody */
		return json_get(entry->document, "operation") == nullptr;
	return of_nobody[entry->type];
}

/* Each entry about a person, a workload or a key says where they stand; replay says whether they do. */
static void
assert_names_its_legal_entity(const struct ledger_record *record) {
	_cleanup_(arena_free) struct arena arena = {};
	struct entry entry;
	assert_ok(entry_read(&arena, record->leaf, &entry));
	const json *named = json_get(entry.document, "legal_entity");
	bool is_named = named != nullptr && json_type_of(named) == JSON_STRING && json_string(named).len > 0;
	if (!is_named && !is_of_nobody(&entry))
		fail_msg("entry %llu, %s, names no legal entity: %.*s", (unsigned long long)record->index,
			 entry_kinds[entry.type].name, BYTES_ARGS(entry.body));
}

static enum status
replay_entry(void *context, const struct ledger_record *record) {
	struct replaying *replaying = context;
	enum replay_result result;
	const char *difference;
	assert_names_its_legal_entity(record);
	TRY(replayer_add(replaying->replayer, record->index, record->leaf, &result, &difference));
	if (difference == nullptr || replaying->difference[0] != 0)
		return OK;
	replaying->index = record->index;
	snprintf(replaying->difference, sizeof replaying->difference, "%s", difference);
	return OK;
}

/* Anyone decides again from the log what the keeper decided, and sees whose each entry is. */
static void
assert_log_replays(struct house *house) {
	struct replaying replaying = {};
	struct ledger *ledger = keeper_ledger(house->keeper);
	struct ledger_head head;
	ledger_durable_head(ledger, &head);
	assert_ok(replayer_create(&replaying.replayer, &keeper_gate(house->keeper)->blobs));
	assert_ok(ledger_visit(ledger, 0, head.head.size, replay_entry, &replaying));
	replayer_destroy(&replaying.replayer);
	if (replaying.difference[0] != 0)
		fail_msg("entry %llu: %s", (unsigned long long)replaying.index, replaying.difference);
}

void
house_free(struct house *house) {
	char command[256];
	if (house->keeper != nullptr && !house->is_forged)
		assert_log_replays(house);
	house_kill(house);
	house_close(house);
	firm_free(&house->firm);
	if (house->directory[0] == '\0')
		return;
	snprintf(command, sizeof command, "rm -rf '%s'", house->directory);
	assert_int_equal(0, system(command));
}

int64_t
house_now_ms(const struct house *house) {
	return io_realtime_ns(house->io) / 1'000'000;
}

enum status
house_open(struct house *house) {
	static const char *const authorities[] = {HOUSE_AUTHORITY};
	bool is_small = house->is_manual || house->has_small_segments;
	struct keeper_config config = {.io = house->io,
				       .authorities = authorities,
				       .authority_count = 1,
				       .guard = ROLLBACK_PATH,
				       .guard_path = house->mark,
				       .pool_threads = house->is_manual ? 0 : 1,
				       .credits = house->credits,
				       .urgent_credits = house->credits,
				       .requests_per_principal_per_s = house->rate,
				       .reads_per_principal_per_s = house->read_rate,
				       .first_segment_size = is_small ? SMALL_SEGMENT : 0,
				       .segment_size = is_small ? SMALL_SEGMENT : 0,
				       .snapshot_entries = house->snapshot_entries,
				       .refresh = house->refresh,
				       .fatal = house->fatal,
				       .fatal_context = house->fatal_context,
				       .is_manual = house->is_manual};
	TRY(installation_open(house->io, house->data, ROOT_KEY_PASSPHRASE, bytes_of_text(PASSPHRASE),
			      &house->installation));
	return keeper_open(&config, &house->installation, &house->keeper);
}

void
house_close(struct house *house) {
	keeper_close(&house->keeper);
	installation_close(&house->installation);
}

/* --- The keeper in a child. --- */

static int
serve(struct house *house, const int theirs[HOUSE_CHANNELS]) {
	struct keeper_watch nothing = {.descriptor = -1};
	enum status status = house_open(house);
	for (size_t i = 0; i < HOUSE_CHANNELS && status == OK; i++)
		status = keeper_serve(house->keeper, theirs[i], &nothing);
	if (status != OK)
		fprintf(stderr, "the keeper ends: %s\n", fail_message());
	house_close(house);
	return status == OK ? 0 : 4;
}

static void
be_the_keeper(struct house *house, const int theirs[HOUSE_CHANNELS]) {
	for (size_t i = 0; i < HOUSE_CHANNELS; i++)
		close(house->waiting[i]);
	(void)!freopen(house->errors, "a", stderr);
	_exit(serve(house, theirs));
}

void
house_start(struct house *house) {
	int theirs[HOUSE_CHANNELS];
	snprintf(house->errors, sizeof house->errors, "%s/errors", house->directory);
	for (size_t i = 0; i < HOUSE_CHANNELS; i++) {
		int pair[2];
		assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
		house->waiting[i] = pair[0];
		theirs[i] = pair[1];
	}
	house->served = 0;
	fflush(nullptr);
	house->process = fork();
	assert_true(house->process >= 0);
	if (house->process == 0)
		be_the_keeper(house, theirs);
	for (size_t i = 0; i < HOUSE_CHANNELS; i++)
		close(theirs[i]);
	house_next_channel(house);
}

void
house_next_channel(struct house *house) {
	ipc_stop(&house->channel);
	assert_true(house->served < HOUSE_CHANNELS);
	assert_ok(ipc_start(&house->channel, house->waiting[house->served++], IPC_ROLE_GATEWAY, IPC_ROLE_KEEPER));
}

int
house_stop(struct house *house) {
	int status;
	ipc_stop(&house->channel);
	while (house->served < HOUSE_CHANNELS)
		close(house->waiting[house->served++]);
	assert_int_equal(house->process, waitpid(house->process, &status, 0));
	house->process = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
house_kill(struct house *house) {
	if (house->process <= 0)
		return;
	kill(house->process, SIGKILL);
	(void)house_stop(house);
}

size_t
house_times_said(struct house *house, const char *text) {
	_cleanup_(buffer_free) struct buffer said = {};
	size_t times = 0, len = strlen(text);
	if (io_read_file(io_system(), house->errors, 64 << 20, &said) != OK)
		return 0;
	const uint8_t *at = said.data, *end = said.data + said.len;
	while ((at = memmem(at, (size_t)(end - at), text, len)) != nullptr) {
		times++;
		at += len;
	}
	return times;
}

bool
house_said(struct house *house, const char *text) {
	return house_times_said(house, text) > 0;
}

/* --- Asking. --- */

static struct bytes
field(const struct http_request *request, const char *name) {
	for (size_t i = 0; i < request->field_count; i++)
		if (bytes_equal_text(request->fields[i].name, name))
			return request->fields[i].value;
	return (struct bytes){};
}

struct ipc_request
house_frame(const struct http_request *request) {
	static const uint8_t address[4] = {127, 1, 0, 1};
	return (struct ipc_request){.method = request->method,
				    .target = request->target,
				    .host = request->field_count == 0 ? BYTES_OF_LITERAL(HOUSE_AUTHORITY)
								      : field(request, "host"),
				    .content_type = field(request, "content-type"),
				    .content_digest = field(request, "content-digest"),
				    .idempotency_key = field(request, "idempotency-key"),
				    .signature_input = field(request, "signature-input"),
				    .signature = field(request, "signature"),
				    .body = request->body,
				    .reported = {.peer_address = BYTES_OF_ARRAY(address),
						 .peer_port = 50000,
						 .tls_group = BYTES_OF_LITERAL("X25519MLKEM768")}};
}

static void
copy_response(struct arena *arena, const struct ipc_response *from, struct ipc_response *to) {
	*to = *from;
	to->body = arena_copy(arena, from->body);
	to->content_type = arena_copy(arena, from->content_type);
	to->operation = arena_copy(arena, from->operation);
}

enum status
house_receive(struct house *house, int timeout_ms, uint64_t *request, struct arena *arena,
	      struct ipc_response *response) {
	for (;;) {
		struct ipc_frame frame;
		bool found;
		TRY(ipc_flush(&house->channel));
		TRY(ipc_next(&house->channel, &frame, &found));
		if (found && frame.type == IPC_RESPONSE) {
			struct ipc_response read;
			TRY(ipc_read_response(frame.payload, &read));
			copy_response(arena, &read, response);
			*request = frame.request;
			return OK;
		}
		if (found && frame.type == IPC_STREAM_END) {
			struct ipc_stream_end end;
			TRY(ipc_read_stream_end(frame.payload, &end));
			house->stream_ended = end.stream;
		}
		if (found)
			continue;
		if (house->channel.closed)
			return fail(STATUS_UNAVAILABLE, "house.closed: the keeper is gone");
		struct pollfd polled = {.fd = house->channel.descriptor,
					.events = (short)(POLLIN | (ipc_wants_write(&house->channel) ? POLLOUT : 0))};
		if (poll(&polled, 1, timeout_ms) == 0)
			return fail(STATUS_EXPIRED, "house.silent: no answer within %d ms", timeout_ms);
		TRY(ipc_receive(&house->channel));
	}
}

/* What docs/openapi.yaml lists of the route. A hostile gateway asks for things that are none. */
static void
check_status(const struct ipc_request *request, unsigned status) {
	const uint8_t *mark =
		request->target.len == 0 ? nullptr : memchr(request->target.data, '?', request->target.len);
	struct bytes path = request->target;
	path.len = mark == nullptr ? path.len : (size_t)(mark - path.data);
	for (const struct described_route *route = described_routes; route->method != nullptr; route++) {
		if (!bytes_equal_text(request->method, route->method) ||
		    !path_pattern_matches(route->pattern, path, nullptr))
			continue;
		const unsigned *listed = route->statuses;
		while (*listed != 0 && *listed != status)
			listed++;
		if (*listed != status)
			fail_msg("%s %s: docs/openapi.yaml does not list %u", route->method, route->pattern, status);
	}
}

enum status
house_ask_payload(struct house *house, struct bytes payload, struct arena *arena, struct ipc_response *response) {
	uint64_t number = ++house->next_request, answered = 0;
	TRY(ipc_send(&house->channel, IPC_REQUEST, number, false, payload));
	while (answered != number)
		TRY(house_receive(house, 60'000, &answered, arena, response));
	return OK;
}

static enum status
ask(struct house *house, const struct ipc_request *request, struct arena *arena, struct ipc_response *response) {
	if (house->process <= 0)
		return keeper_answer(house->keeper, request, arena, response);
	_cleanup_(buffer_free) struct buffer payload = {};
	ipc_write_request(&payload, request);
	return house_ask_payload(house, buffer_bytes(&payload), arena, response);
}

enum status
house_ask(struct house *house, const struct ipc_request *request, struct arena *arena, struct ipc_response *response) {
	TRY(ask(house, request, arena, response));
	check_status(request, response->status);
	return OK;
}

void
house_request(struct house *house, struct arena *arena, struct firm_operation operation, struct ipc_request *request) {
	struct http_request signed_request;
	if (operation.idempotency_key == nullptr)
		operation.idempotency_key = arena_format(arena, "request-%u", house->next_key++);
	if (operation.created_ms == 0)
		operation.created_ms = house_now_ms(house);
	assert_ok(firm_request(&house->firm, arena, HOUSE_INSTANCE, HOUSE_AUTHORITY, &operation, &signed_request));
	*request = house_frame(&signed_request);
}

enum status
house_submit(struct house *house, struct arena *arena, struct firm_operation operation, struct ipc_response *response) {
	struct ipc_request request;
	house_request(house, arena, operation, &request);
	return house_ask(house, &request, arena, response);
}

enum status
house_get(struct house *house, struct arena *arena, const char *target, struct ipc_response *response) {
	return house_get_by(house, arena, FIRM_PERSON_1, target, response);
}

void
house_get_request(struct house *house, struct arena *arena, enum firm_member by, const char *target,
		  struct ipc_request *frame) {
	struct http_request request = {.method = BYTES_OF_LITERAL("GET"), .target = bytes_of_text(target)};
	struct http_field *fields = ARENA_NEW_ARRAY(arena, 6, struct http_field);
	struct http_request_signer signer = {.key_id = bytes_of_text(house->firm.members[by].key_id),
					     .seed = house->firm.members[by].seed};
	memcpy(signer.public_key, house->firm.members[by].public_key, 32);
	assert_ok(http_signature_create(arena, &signer, &request, BYTES_OF_LITERAL(HOUSE_AUTHORITY),
					BYTES_OF_LITERAL("application/json"), BYTES_OF_LITERAL("read"),
					house_now_ms(house), 60, fields));
	request.fields = fields;
	request.field_count = 6;
	*frame = house_frame(&request);
}

enum status
house_get_by(struct house *house, struct arena *arena, enum firm_member by, const char *target,
	     struct ipc_response *response) {
	struct ipc_request frame;
	house_get_request(house, arena, by, target, &frame);
	return house_ask(house, &frame, arena, response);
}

void
house_vote_request(struct house *house, struct arena *arena, struct bytes operation, enum firm_member by,
		   const char *verdict, struct ipc_request *request) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct ipc_response material;
	assert_ok(house_get(house, arena, arena_format(arena, "/v1/operations/%.*s/payload", BYTES_ARGS(operation)),
			    &material));
	assert_answer(200, nullptr, &material);
	assert_ok(firm_vote(&house->firm, HOUSE_INSTANCE, by, material.body, verdict, house_now_ms(house), &body));
	struct http_request plain = {
		.method = BYTES_OF_LITERAL("POST"),
		.target = bytes_of_text(arena_format(arena, "/v1/operations/%.*s/votes", BYTES_ARGS(operation))),
		.body = arena_copy(arena, buffer_bytes(&body))};
	*request = house_frame(&plain);
}

enum status
house_vote(struct house *house, struct arena *arena, struct bytes operation, enum firm_member by, const char *verdict,
	   struct ipc_response *response) {
	struct ipc_request request;
	house_vote_request(house, arena, operation, by, verdict, &request);
	return house_ask(house, &request, arena, response);
}

/* --- Answers. --- */

struct bytes
house_text(struct arena *arena, const struct ipc_response *response, const char *member) {
	const json *document;
	if (json_read(arena, arena_copy(arena, response->body), (struct json_limits){}, &document) != OK)
		return (struct bytes){};
	const json *value = json_get(document, member);
	return value != nullptr && json_type_of(value) == JSON_STRING ? json_string(value) : (struct bytes){};
}

struct bytes
house_problem(struct arena *arena, const struct ipc_response *response) {
	static const size_t prefix = sizeof "urn:gatehouse:problem:" - 1;
	struct bytes type = house_text(arena, response, "type");
	return type.len < prefix ? (struct bytes){} : bytes_of(type.data + prefix, type.len - prefix);
}

void
house_expect(const char *file, int line, unsigned status, const char *state, const struct ipc_response *response) {
	_cleanup_(arena_free) struct arena arena = {};
	if (response->status == status &&
	    (state == nullptr || bytes_equal_text(house_text(&arena, response, "state"), state)))
		return;
	print_error("expected %u %s, got %u: %.*s\n", status, state == nullptr ? "" : state, response->status,
		    (int)(response->body.len > 600 ? 600 : response->body.len), (const char *)response->body.data);
	_fail(file, line);
}

/* --- What is asked for. --- */

void
house_make_key(struct house *house, const char *id) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	const char *payload = arena_format(&arena,
					   "{\"algorithm\":\"secp256k1\",\"id\":\"%s\",\"material\":\"single\","
					   "\"purpose\":\"transfer\"}",
					   id);
	assert_ok(house_submit(house, &arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = "key.create",
						       .resource = "account:options-hot",
						       .payload = payload},
			       &response));
	assert_answer(202, "held", &response);
	struct bytes operation = response.operation;
	assert_ok(house_vote(house, &arena, operation, FIRM_PERSON_3, "approve", &response));
	assert_answer(202, "held", &response);
	assert_ok(house_vote(house, &arena, operation, FIRM_PERSON_5, "approve", &response));
	assert_answer(200, "done", &response);
}

/* An RLP string of at most 55 bytes, appended as hexadecimal. */
static void
rlp_number(struct buffer *to, unsigned __int128 number) {
	uint8_t bytes[17];
	size_t at = sizeof bytes;
	for (; number > 0; number >>= 8)
		bytes[--at] = (uint8_t)number;
	size_t length = sizeof bytes - at;
	if (length != 1 || bytes[at] >= 0x80)
		buffer_append_byte(to, (uint8_t)(0x80 + length));
	buffer_append(to, bytes + at, length);
}

const char *
house_transfer(struct arena *arena, unsigned hundredths, uint64_t nonce, unsigned fee_gwei) {
	_cleanup_(buffer_free) struct buffer list = {}, transaction = {};
	uint8_t destination[20];
	memset(destination, 0x35, sizeof destination);
	rlp_number(&list, 1);
	rlp_number(&list, nonce);
	rlp_number(&list, 1'000'000'000);
	rlp_number(&list, (unsigned __int128)fee_gwei * 1'000'000'000);
	rlp_number(&list, 21'000);
	buffer_append_byte(&list, 0x80 + sizeof destination);
	buffer_append(&list, destination, sizeof destination);
	rlp_number(&list, (unsigned __int128)hundredths * 10'000'000'000'000'000ULL);
	buffer_append_byte(&list, 0x80); /* no data */
	buffer_append_byte(&list, 0xc0); /* no access list */
	buffer_append_byte(&transaction, 0x02);
	if (list.len > 55)
		buffer_append_byte(&transaction, 0xf8);
	buffer_append_byte(&transaction, (uint8_t)(list.len > 55 ? list.len : 0xc0 + list.len));
	buffer_append_bytes(&transaction, buffer_bytes(&list));
	char hex[512];
	assert_true(transaction.len < sizeof hex / 2);
	hex_encode(buffer_bytes(&transaction), hex);
	return arena_format(arena, "{\"format\":\"evm\",\"transaction\":\"0x%s\"}", hex);
}

struct firm_operation
house_sign(const char *payload) {
	return (struct firm_operation){
		.by = FIRM_SETTLEMENT, .kind = "sign", .resource = "key:eth-hot", .payload = payload};
}
