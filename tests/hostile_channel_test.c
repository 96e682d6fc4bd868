/*
 * A gateway that breaks the protocol between the processes: hello, frame headers, field lists, credit. Whatever it does ends its
 * own channel, by the check that the case states; the keeper serves the next gateway.
 */
#include "tests/test.h"
#include "tests/house.h"

#include <stdio.h>
#include <sys/socket.h>

#include "base/crc32c.h"

/* --- Bytes as a gateway that may lie about everything writes them. --- */

enum lie {
	NONE,
	HELLO_MAGIC,
	HELLO_VERSION,
	HELLO_ROLE,
	HELLO_BUILD,
	HELLO_SHORT,
	HELLO_LONG,
	HELLO_MISSING,
	HELLO_TWICE,
	LENGTH,
	TYPE,
	FLAGS,
	REQUEST_NUMBER,
	CHECKSUM,
	PAYLOAD,
	KEEPERS_TYPE,
	TAG,
	ORDER,
	REPEATED,
	FIELD_LENGTH,
	PEER_ADDRESS,
	CONTROL_CHARACTER,
	CREDIT,
	URGENT_CREDIT,
	CUT_IN_HEADER,
	CUT_IN_PAYLOAD,
};

static const struct lie_case {
	enum lie lie;
	const char *what;
	const char *check; /* in the keeper's log, or of the answer */
	bool is_answered;  /* the channel stays */
} cases[] = {
	{HELLO_MAGIC, "another magic", "ipc.hello_magic", false},
	{HELLO_VERSION, "a newer version", "ipc.hello_version", false},
	{HELLO_ROLE, "another role", "ipc.hello_role", false},
	{HELLO_BUILD, "another build", "ipc.hello_build", false},
	{HELLO_SHORT, "a hello that ends early", "ipc.hello", false},
	{HELLO_LONG, "a hello with more behind it", "ipc.hello.trailing", false},
	{HELLO_MISSING, "a request before the hello", "ipc.hello_missing", false},
	{HELLO_TWICE, "a second hello", "ipc.hello_repeated", false},
	{LENGTH, "a frame beyond 1 MiB", "ipc.frame_size", false},
	{TYPE, "an unknown frame type", "ipc.frame_type", false},
	{FLAGS, "flags", "ipc.frame_flags", false},
	{REQUEST_NUMBER, "another request number", "ipc.checksum", false},
	{CHECKSUM, "another checksum", "ipc.checksum", false},
	{PAYLOAD, "another payload", "ipc.checksum", false},
	{KEEPERS_TYPE, "a frame that only the keeper sends", "keeper.frame", false},
	{CREDIT, "more requests than were granted", "keeper.credit", false},
	{URGENT_CREDIT, "more urgent requests than were granted", "keeper.credit", false},
	{CUT_IN_HEADER, "a header that ends early", "", false},
	{CUT_IN_PAYLOAD, "a payload that ends early", "", false},
	{TAG, "an unknown field", "ipc.request.tag", true},
	{ORDER, "fields out of order", "ipc.request.order", true},
	{REPEATED, "a field twice", "ipc.request.order", true},
	{FIELD_LENGTH, "a field longer than its frame", "ipc.request", true},
	{PEER_ADDRESS, "an address of five bytes", "ipc.request.peer_address", true},
	{CONTROL_CHARACTER, "a control character in the target", "ipc.request.target", true},
};

static void
append_frame(struct buffer *to, uint16_t type, uint16_t flags, uint64_t request, struct bytes payload, enum lie lie) {
	size_t start = to->len;
	buffer_append_u32be(to, lie == LENGTH ? 2 << 20 : (uint32_t)payload.len);
	buffer_append_u16be(to, type);
	buffer_append_u16be(to, flags);
	buffer_append_u64be(to, request);
	uint32_t checksum = crc32c(crc32c(0, bytes_of(to->data + start, 16)), payload);
	buffer_append_u32be(to, lie == CHECKSUM ? checksum ^ 1 : checksum);
	buffer_append_bytes(to, payload);
	if (lie == REQUEST_NUMBER)
		to->data[start + 15] ^= 1;
	if (lie == PAYLOAD)
		to->data[start + IPC_HEADER_SIZE] ^= 1;
}

static void
append_hello(struct buffer *to, enum lie lie) {
	_cleanup_(buffer_free) struct buffer payload = {};
	const char *build = lie == HELLO_BUILD ? "0.0.0+00" : ipc_build_id();
	buffer_append_text(&payload, lie == HELLO_MAGIC ? "gate-ipd" : "gate-ipc");
	buffer_append_u16be(&payload, lie == HELLO_VERSION ? IPC_VERSION + 1 : IPC_VERSION);
	buffer_append_byte(&payload, lie == HELLO_ROLE ? IPC_ROLE_WATCHER : IPC_ROLE_GATEWAY);
	buffer_append_byte(&payload, (uint8_t)strlen(build));
	buffer_append_text(&payload, build);
	if (lie == HELLO_LONG)
		buffer_append_byte(&payload, 0);
	if (lie == HELLO_SHORT)
		payload.len--;
	append_frame(to, IPC_HELLO, 0, 0, buffer_bytes(&payload), NONE);
}

static void
append_field(struct buffer *to, uint8_t tag, struct bytes value) {
	buffer_append_byte(to, tag);
	buffer_append_u32be(to, (uint32_t)value.len);
	buffer_append_bytes(to, value);
}

/* GET /v1/ledger/checkpoint, which anyone may ask for. */
static void
write_request(struct buffer *payload, enum lie lie) {
	static const uint8_t address[5] = {127, 0, 0, 1, 1}, port[2] = {1, 2};
	append_field(payload, 1, BYTES_OF_LITERAL("GET"));
	if (lie == REPEATED)
		append_field(payload, 1, BYTES_OF_LITERAL("GET"));
	append_field(payload, 2,
		     lie == CONTROL_CHARACTER ? BYTES_OF_LITERAL("/v1/\001")
					      : BYTES_OF_LITERAL("/v1/ledger/checkpoint"));
	append_field(payload, 3, BYTES_OF_LITERAL(HOUSE_AUTHORITY));
	append_field(payload, 10, bytes_of(address, lie == PEER_ADDRESS ? 5 : 4));
	append_field(payload, 11, BYTES_OF_ARRAY(port));
	append_field(payload, 12, BYTES_OF_LITERAL("X25519MLKEM768"));
	if (lie == ORDER)
		append_field(payload, 4, BYTES_OF_LITERAL("application/json"));
	if (lie == TAG)
		append_field(payload, 16, BYTES_OF_LITERAL("x"));
	if (lie == FIELD_LENGTH) {
		buffer_append_byte(payload, 14);
		buffer_append_u32be(payload, UINT32_MAX);
	}
}

static void
write_session(const struct house *house, enum lie lie, struct buffer *bytes) {
	_cleanup_(buffer_free) struct buffer payload = {};
	bool urgent = lie == URGENT_CREDIT;
	size_t requests = lie == CREDIT || urgent ? house->credits + 1 : 1;
	uint16_t type = lie == TYPE ? 99 : lie == KEEPERS_TYPE ? IPC_CREDIT : urgent ? IPC_URGENT_REQUEST : IPC_REQUEST;
	write_request(&payload, lie);
	if (lie != HELLO_MISSING)
		append_hello(bytes, lie);
	if (lie == HELLO_TWICE)
		append_hello(bytes, NONE);
	size_t start = bytes->len;
	for (size_t i = 0; i < requests; i++)
		append_frame(bytes, type, lie == FLAGS, i + 1, buffer_bytes(&payload), lie);
	if (lie == CUT_IN_HEADER)
		bytes->len = start + 7;
	if (lie == CUT_IN_PAYLOAD)
		bytes->len--;
}

/* --- What comes of it. --- */

/* Everything that the keeper says until it closes, or until the answer to request 1. */
static bool
read_answer(struct house *house, struct arena *arena, struct ipc_response *response) {
	uint64_t request = 0;
	while (house_receive(house, 120'000, &request, arena, response) == OK)
		if (request == 1)
			return true;
	return false;
}

static void
try_lie(struct house *house, const struct lie_case *c) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer session = {};
	struct ipc_response response = {};
	/* The channel's own hello is dropped: this gateway writes its bytes itself. */
	buffer_reset(&house->channel.ordinary.bytes);
	house->channel.ordinary.written = house->channel.ordinary.cut_at = 0;
	write_session(house, c->lie, &session);
	assert_int_equal(session.len, send(house->channel.descriptor, session.data, session.len, MSG_NOSIGNAL));
	bool is_cut = c->lie == CUT_IN_HEADER || c->lie == CUT_IN_PAYLOAD;
	if (is_cut)
		shutdown(house->channel.descriptor, SHUT_WR);
	bool answered = read_answer(house, &arena, &response);
	if (answered != c->is_answered)
		fail_msg("%s: %s", c->what, answered ? "answered" : "not answered");
	if (c->is_answered) {
		struct bytes name = house_problem(&arena, &response);
		if (name.len < strlen(c->check) || memcmp(name.data, c->check, strlen(c->check)) != 0)
			fail_msg("%s: refused by \"%.*s\", expected \"%s\"", c->what, BYTES_ARGS(name), c->check);
	} else if (!house->channel.closed && !answered)
		fail_msg("%s: the channel stays open", c->what);
	house_next_channel(house);
}

static void
whatever_breaks_the_protocol_ends_its_channel_and_nothing_else(void **) {
	_cleanup_(house_free) struct house house;
	house_found(&house, nullptr);
	house_start(&house);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		char named[64];
		bool is_named = !cases[i].is_answered && cases[i].check[0] != '\0';
		snprintf(named, sizeof named, "%s: ", cases[i].check);
		size_t said = house_times_said(&house, named);
		try_lie(&house, &cases[i]);
		assert_ok(
			house_get(&house, &arena, "/v1/ledger/checkpoint", &response)); /* the next gateway is served */
		assert_answer(200, nullptr, &response);
		if (is_named && house_times_said(&house, named) != said + 1)
			fail_msg("%s: the keeper's log does not name %s", cases[i].what, cases[i].check);
		house_next_channel(&house);
	}
	assert_int_equal(0, house_stop(&house));
	print_message("%zu ways to break the protocol\n", ARRAY_LENGTH(cases));
}

/* A gateway that sends and never reads: the keeper keeps serving the next one. */
static void
a_gateway_that_does_not_read_costs_no_more_than_its_credit(void **) {
	_cleanup_(house_free) struct house house;
	_cleanup_(buffer_free) struct buffer session = {}, payload = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	house_found(&house, nullptr);
	house_start(&house);
	write_request(&payload, NONE);
	for (uint64_t i = 1; i <= house.credits; i++)
		append_frame(&session, IPC_REQUEST, 0, i, buffer_bytes(&payload), NONE);
	assert_ok(ipc_flush(&house.channel));
	assert_int_equal(session.len, send(house.channel.descriptor, session.data, session.len, MSG_NOSIGNAL));
	house_next_channel(&house);
	assert_ok(house_get(&house, &arena, "/v1/ledger/checkpoint", &response));
	assert_answer(200, nullptr, &response);
	assert_int_equal(0, house_stop(&house));
}

RUN_TESTS(T(whatever_breaks_the_protocol_ends_its_channel_and_nothing_else),
	  T(a_gateway_that_does_not_read_costs_no_more_than_its_credit))
