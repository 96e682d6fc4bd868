#include "tests/test.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/ipc_control.h"
#include "base/ipc_messages.h"

/* --- Checksum --- */

static void
crc32c_gives_the_values_of_rfc_3720(void **) {
	uint8_t bytes[32] = {};
	assert_int_equal(0x8a9136aa, crc32c(0, BYTES_OF_ARRAY(bytes)));
	memset(bytes, 0xff, sizeof bytes);
	assert_int_equal(0x62a8ab43, crc32c(0, BYTES_OF_ARRAY(bytes)));
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(0x46dd794e, crc32c(0, BYTES_OF_ARRAY(bytes)));
	assert_int_equal(0x46dd794e, crc32c(crc32c(0, bytes_of(bytes, 13)), bytes_of(bytes + 13, 19)));
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(31 - i);
	assert_int_equal(0x113fdb5c, crc32c(0, BYTES_OF_ARRAY(bytes)));
}

/* --- Frames --- */

static void
append_frame(struct buffer *to, uint16_t type, uint64_t request, struct bytes payload) {
	size_t start = to->len;
	buffer_append_u32be(to, (uint32_t)payload.len);
	buffer_append_u16be(to, type);
	buffer_append_u16be(to, 0);
	buffer_append_u64be(to, request);
	uint32_t checksum = crc32c(crc32c(0, bytes_of(to->data + start, 16)), payload);
	buffer_append_u32be(to, checksum);
	buffer_append_bytes(to, payload);
}

static void
a_frame_is_read_once_it_is_whole(void **) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	append_frame(&bytes, IPC_RESPONSE, 0x0102030405060708, BYTES_OF_LITERAL("answer"));
	struct ipc_frame frame;
	bool found;
	for (size_t len = 0; len < bytes.len; len++) {
		struct cursor cursor = {bytes.data, len};
		assert_ok(ipc_read_frame(&cursor, &frame, &found));
		assert_false(found);
		assert_int_equal(len, cursor.left);
	}
	struct cursor cursor = cursor_of(buffer_bytes(&bytes));
	assert_ok(ipc_read_frame(&cursor, &frame, &found));
	assert_true(found);
	assert_int_equal(0, cursor.left);
	assert_int_equal(IPC_RESPONSE, frame.type);
	assert_true(frame.request == 0x0102030405060708);
	assert_bytes(BYTES_OF_LITERAL("answer"), frame.payload);
}

static void
every_flipped_bit_of_a_frame_is_noticed(void **) {
	_cleanup_(buffer_free) struct buffer bytes = {};
	append_frame(&bytes, IPC_REQUEST, 7, BYTES_OF_LITERAL("to be trusted only if whole"));
	for (size_t bit = 0; bit < bytes.len * 8; bit++) {
		bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		struct cursor cursor = cursor_of(buffer_bytes(&bytes));
		struct ipc_frame frame;
		bool found;
		/* A greater length waits for more; everything else is refused. */
		assert_false(ipc_read_frame(&cursor, &frame, &found) == OK && found);
		bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void
bad_frames_are_refused_by_name(void **) {
	static const struct {
		struct bytes bytes;
		enum status status;
		const char *name;
	} cases[] = {
		{BYTES_OF_LITERAL("\x00\x0f\xff\xed\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), STATUS_INVALID,
		 "ipc.frame_size"},
		{BYTES_OF_LITERAL("\xff\xff\xff\xff\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), STATUS_INVALID,
		 "ipc.frame_size"},
		{BYTES_OF_LITERAL("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), STATUS_INVALID, "ipc.frame_type"},
		{BYTES_OF_LITERAL("\0\0\0\0\0\x13\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), STATUS_INVALID, "ipc.frame_type"},
		{BYTES_OF_LITERAL("\0\0\0\0\1\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), STATUS_INVALID, "ipc.frame_type"},
		{BYTES_OF_LITERAL("\0\0\0\0\0\3\0\1\0\0\0\0\0\0\0\0\0\0\0\0"), STATUS_INVALID, "ipc.frame_flags"},
		{BYTES_OF_LITERAL("\0\0\0\0\0\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), STATUS_CORRUPT, "ipc.checksum"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct cursor cursor = cursor_of(cases[i].bytes);
		struct ipc_frame frame;
		bool found;
		assert_fails(cases[i].status, cases[i].name, ipc_read_frame(&cursor, &frame, &found));
	}
}

/* --- Channels --- */

struct pair {
	struct ipc_channel gateway, keeper;
};

static void
pair_start(struct pair *pair) {
	int descriptors[2];
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, descriptors));
	assert_ok(ipc_start(&pair->gateway, descriptors[0], IPC_ROLE_GATEWAY, IPC_ROLE_KEEPER));
	assert_ok(ipc_start(&pair->keeper, descriptors[1], IPC_ROLE_KEEPER, IPC_ROLE_GATEWAY));
}

static void
pair_stop(struct pair *pair) {
	ipc_stop(&pair->gateway);
	ipc_stop(&pair->keeper);
}

/* The next frame, letting both sides work until it is there. */
static void
receive_frame(struct ipc_channel *from, struct ipc_channel *to, struct ipc_frame *frame) {
	bool found = false;
	for (int turns = 0; !found && turns < 1000; turns++) {
		assert_ok(ipc_next(to, frame, &found));
		if (found)
			return;
		assert_ok(ipc_flush(from));
		assert_ok(ipc_receive(to));
	}
	assert_true(found);
}

static void
frames_of_every_size_pass_in_order(void **) {
	_cleanup_(pair_stop) struct pair pair = {};
	pair_start(&pair);
	static const size_t sizes[] = {0, 1, 300, 65'536, IPC_PAYLOAD_MAX, 2, 100'000};
	uint8_t *content = test_malloc(IPC_PAYLOAD_MAX);
	for (size_t i = 0; i < IPC_PAYLOAD_MAX; i++)
		content[i] = (uint8_t)(i * 31 >> 3);
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++)
		assert_ok(ipc_send(&pair.gateway, IPC_REQUEST, i, false, bytes_of(content, sizes[i])));
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		struct ipc_frame frame;
		receive_frame(&pair.gateway, &pair.keeper, &frame);
		assert_true(frame.request == i);
		assert_bytes(bytes_of(content, sizes[i]), frame.payload);
	}
	assert_false(ipc_wants_write(&pair.gateway));
	test_free(content);
}

static void
a_frame_over_the_limit_is_dropped_and_the_channel_goes_on(void **) {
	_cleanup_(pair_stop) struct pair pair = {};
	pair_start(&pair);
	uint8_t *content = test_calloc(1, IPC_PAYLOAD_MAX + 1);
	assert_fails(STATUS_TOO_LARGE, "ipc.frame_size",
		     ipc_send(&pair.keeper, IPC_RESPONSE, 1, false, bytes_of(content, IPC_PAYLOAD_MAX + 1)));
	assert_ok(ipc_send(&pair.keeper, IPC_RESPONSE, 2, false, BYTES_OF_LITERAL("small")));
	struct ipc_frame frame;
	receive_frame(&pair.keeper, &pair.gateway, &frame);
	assert_true(frame.request == 2);
	test_free(content);
}

static void
urgent_frames_overtake_ordinary_ones_that_are_not_on_the_wire(void **) {
	_cleanup_(pair_stop) struct pair pair = {};
	pair_start(&pair);
	uint8_t *content = test_calloc(1, 300'000);
	for (uint64_t i = 1; i <= 20; i++)
		assert_ok(ipc_send(&pair.gateway, IPC_REQUEST, i, false, bytes_of(content, 300'000)));
	assert_ok(ipc_flush(&pair.gateway)); /* fills the socket and stops in the middle of a frame */
	assert_true(ipc_wants_write(&pair.gateway));
	assert_ok(ipc_send(&pair.gateway, IPC_URGENT_REQUEST, 100, true, BYTES_OF_LITERAL("freeze")));
	assert_ok(ipc_send(&pair.gateway, IPC_URGENT_REQUEST, 101, true, BYTES_OF_LITERAL("freeze more")));
	uint64_t ordinary = 0, ordinary_before_urgent = 0, urgent = 99;
	for (int i = 0; i < 22; i++) {
		struct ipc_frame frame;
		receive_frame(&pair.gateway, &pair.keeper, &frame);
		if (frame.type == IPC_URGENT_REQUEST) {
			assert_true(frame.request == ++urgent);
			ordinary_before_urgent = ordinary;
		} else {
			assert_true(frame.request == ++ordinary);
			assert_int_equal(300'000, frame.payload.len);
		}
	}
	assert_true(ordinary == 20 && urgent == 101);
	assert_true(ordinary_before_urgent < 10);
	test_free(content);
}

static void
a_peer_that_does_not_read_is_met_with_refusal_and_not_with_memory(void **) {
	_cleanup_(pair_stop) struct pair pair = {};
	pair_start(&pair);
	uint8_t *content = test_calloc(1, IPC_PAYLOAD_MAX);
	enum status status = OK;
	int sent = 0;
	for (; status == OK && sent < 100; sent++) {
		status = ipc_send(&pair.gateway, IPC_REQUEST, 1, false, bytes_of(content, IPC_PAYLOAD_MAX));
		assert_ok(ipc_flush(&pair.gateway));
	}
	assert_fails(STATUS_UNAVAILABLE, "ipc.backlog", status);
	assert_in_range(sent, 8, 12);
	assert_ok(ipc_send(&pair.gateway, IPC_URGENT_REQUEST, 2, true, BYTES_OF_LITERAL("freeze")));
	test_free(content);
}

static void
frames_sent_before_the_peer_closed_are_still_read(void **) {
	_cleanup_(pair_stop) struct pair pair = {};
	pair_start(&pair);
	assert_ok(ipc_send(&pair.keeper, IPC_RESPONSE, 9, false, BYTES_OF_LITERAL("last words")));
	assert_ok(ipc_flush(&pair.keeper));
	ipc_stop(&pair.keeper);
	struct ipc_frame frame;
	bool found;
	assert_ok(ipc_receive(&pair.gateway));
	assert_ok(ipc_next(&pair.gateway, &frame, &found));
	assert_true(found);
	assert_ok(ipc_receive(&pair.gateway));
	assert_true(pair.gateway.closed);
	assert_ok(ipc_next(&pair.gateway, &frame, &found));
	assert_false(found);
	assert_ok(ipc_send(&pair.gateway, IPC_REQUEST, 10, false, BYTES_OF_LITERAL("too late")));
	assert_fails(STATUS_UNAVAILABLE, "ipc.closed", ipc_flush(&pair.gateway));
}

static void
a_bad_hello_is_refused_by_name(void **) {
	_cleanup_(buffer_free) struct buffer build = {};
	buffer_append_byte(&build, (uint8_t)strlen(ipc_build_id()));
	buffer_append_text(&build, ipc_build_id());
	static const struct {
		uint16_t type;
		struct bytes start; /* the build follows if own_build is true */
		bool own_build;
		enum status status;
		const char *name;
	} cases[] = {
		{IPC_HELLO, BYTES_OF_LITERAL("gate-ipc\0\1\2"), true, OK, ""},
		{IPC_HELLO, BYTES_OF_LITERAL("gate-ipx\0\1\2"), true, STATUS_INVALID, "ipc.hello_magic"},
		{IPC_HELLO, BYTES_OF_LITERAL("gate-ipc\0\2\2"), true, STATUS_UNSUPPORTED, "ipc.hello_version"},
		{IPC_HELLO, BYTES_OF_LITERAL("gate-ipc\0\1\3"), true, STATUS_INVALID, "ipc.hello_role"},
		{IPC_HELLO, BYTES_OF_LITERAL("gate-ipc\0\1\2\5other"), false, STATUS_UNSUPPORTED, "ipc.hello_build"},
		{IPC_HELLO, BYTES_OF_LITERAL("gate-ipc\0\1\2\6other"), false, STATUS_INVALID, "ipc.hello"},
		{IPC_HELLO, BYTES_OF_LITERAL("gate-ipc\0\1\2\5otherX"), false, STATUS_INVALID, "ipc.hello.trailing"},
		{IPC_HELLO, BYTES_OF_LITERAL("gate"), false, STATUS_INVALID, "ipc.hello"},
		{IPC_REQUEST, BYTES_OF_LITERAL("gate-ipc\0\1\2"), true, STATUS_INVALID, "ipc.hello_missing"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer payload = {}, bytes = {};
		buffer_append_bytes(&payload, cases[i].start);
		if (cases[i].own_build)
			buffer_append_bytes(&payload, buffer_bytes(&build));
		append_frame(&bytes, cases[i].type, 0, buffer_bytes(&payload));
		int descriptors[2];
		assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, descriptors));
		_cleanup_(ipc_stop) struct ipc_channel keeper = {};
		assert_ok(ipc_start(&keeper, descriptors[1], IPC_ROLE_KEEPER, IPC_ROLE_GATEWAY));
		assert_int_equal((ssize_t)bytes.len, write(descriptors[0], bytes.data, bytes.len));
		close(descriptors[0]);
		struct ipc_frame frame;
		bool found;
		assert_ok(ipc_receive(&keeper));
		if (cases[i].status == OK) {
			assert_ok(ipc_next(&keeper, &frame, &found));
			assert_true(keeper.greeted);
		} else
			assert_fails(cases[i].status, cases[i].name, ipc_next(&keeper, &frame, &found));
	}
}

static void
a_second_hello_is_refused(void **) {
	_cleanup_(pair_stop) struct pair pair = {};
	pair_start(&pair);
	assert_ok(ipc_send(&pair.gateway, IPC_HELLO, 0, false, BYTES_OF_LITERAL("again")));
	assert_ok(ipc_flush(&pair.gateway));
	assert_ok(ipc_receive(&pair.keeper));
	struct ipc_frame frame;
	bool found;
	assert_fails(STATUS_INVALID, "ipc.hello_repeated", ipc_next(&pair.keeper, &frame, &found));
}

/* --- Messages --- */

#define TEXT(literal) BYTES_OF_LITERAL(literal)

static struct ipc_request
example_request(void) {
	return (struct ipc_request){
		.method = TEXT("POST"),
		.target = TEXT("/v1/operations?dry=1"),
		.host = TEXT("gate.example:8443"),
		.content_type = TEXT("application/json"),
		.content_digest = TEXT("sha-256=:AAAA:"),
		.idempotency_key = TEXT("k-1"),
		.signature_input = TEXT("sig=(\"@method\");keyid=\"workload:w/1\""),
		.signature = TEXT("sig=:AAAA:"),
		.cookie = TEXT("a=\"b\""),
		.body = TEXT("{\"binary\":\"\x00\xff\"}"),
		.reported =
			{
				.peer_address = TEXT("\x7f\0\0\1"),
				.peer_port = 54321,
				.tls_group = TEXT("X25519MLKEM768"),
				.client_certificate = TEXT("0123456789abcdef0123456789abcdef"),
			},
	};
}

static void
a_request_comes_through_unchanged(void **) {
	struct ipc_request sent = example_request(), got;
	_cleanup_(buffer_free) struct buffer payload = {};
	ipc_write_request(&payload, &sent);
	assert_ok(ipc_read_request(buffer_bytes(&payload), &got));
	assert_bytes(sent.method, got.method);
	assert_bytes(sent.target, got.target);
	assert_bytes(sent.host, got.host);
	assert_bytes(sent.content_type, got.content_type);
	assert_bytes(sent.content_digest, got.content_digest);
	assert_bytes(sent.idempotency_key, got.idempotency_key);
	assert_bytes(sent.signature_input, got.signature_input);
	assert_bytes(sent.signature, got.signature);
	assert_null(got.last_event_id.data);
	assert_bytes(sent.cookie, got.cookie);
	assert_bytes(sent.body, got.body);
	assert_bytes(sent.reported.peer_address, got.reported.peer_address);
	assert_int_equal(54321, got.reported.peer_port);
	assert_bytes(sent.reported.tls_group, got.reported.tls_group);
	assert_bytes(sent.reported.client_certificate, got.reported.client_certificate);
}

static void
bad_requests_are_refused_by_name(void **) {
	static const struct {
		struct bytes
			replaced; /* of the encoded example request; both of one length, or the payload ends after `replaced` */
		struct bytes by;
		const char *name;
	} cases[] = {
		{TEXT("\1\0\0\0\4POST"), TEXT("\0\0\0\0\4POST"), "ipc.request.tag"},
		{TEXT("\1\0\0\0\4POST"), TEXT("\x10\0\0\0\4POST"), "ipc.request.tag"},
		{TEXT("\1\0\0\0\4POST"), TEXT("\2\0\0\0\4POST"), "ipc.request.method"},
		{TEXT("\2\0\0\0\x14/v1"), TEXT("\1\0\0\0\x14/v1"), "ipc.request.order"},
		{TEXT("\4\0\0\0\x10"), TEXT("\3\0\0\0\x10"), "ipc.request.order"},
		{TEXT("\1\0\0\0\4POST"), TEXT("\1\0\0\0\4PO T"), "ipc.request.method"},
		{TEXT("/v1/operations?dry=1"), TEXT("/v1/operations?dry=\n"), "ipc.request.target"},
		{TEXT("gate.example:8443"), TEXT("gate.example:844\r"), "ipc.request.host"},
		{TEXT("application/json"), TEXT("application/jso\0"), "ipc.request.content_type"},
		{TEXT("keyid=\"workload"),
		 TEXT("keyid=\"work\xc3\xa4"
		      "ad"),
		 "ipc.request.signature_input"},
		{TEXT("\x0c\0\0\0\x0eX25519MLKEM768"), TEXT("\x0d\0\0\0\x0eX25519MLKEM768"), "ipc.request.tls_group"},
		{TEXT("\x0a\0\0\0\4\x7f\0\0\1"), TEXT("\x0a\0\0\0\3\x7f\0\0\1"), "ipc.request.peer_address"},
		{TEXT("\x0b\0\0\0\2"), TEXT("\x0b\0\0\0\3"), "ipc.request.peer_port"},
		{TEXT("\x0d\0\0\0\x20"), TEXT("\x0d\0\0\0\x1f"), "ipc.request.client_certificate"},
		{TEXT("\x0e\0\0\0\x0f"), TEXT("\x0e\xff\xff\xff\xff"), "ipc.request"},
		{TEXT("\x0f\0\0\0\x05"), TEXT("\x0f\0\0\0\x06"), "ipc.request"},
		{TEXT("a=\"b\""), TEXT("a=\"b\n"), "ipc.request.cookie"},
		{TEXT("\1\0\0\0\4POST"), {}, "ipc.request.target"},
		{TEXT("X25519MLKEM768\x0d\0"), {}, "ipc.request"},
	};
	struct ipc_request example = example_request(), got;
	_cleanup_(buffer_free) struct buffer payload = {};
	ipc_write_request(&payload, &example);
	assert_fails(STATUS_INVALID, "ipc.request.method", ipc_read_request((struct bytes){}, &got));
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer bad = {};
		buffer_append_bytes(&bad, buffer_bytes(&payload));
		uint8_t *place = memmem(bad.data, bad.len, cases[i].replaced.data, cases[i].replaced.len);
		assert_non_null(place);
		if (cases[i].by.len == 0)
			bad.len = (size_t)(place - bad.data) + cases[i].replaced.len;
		else {
			assert_int_equal(cases[i].replaced.len, cases[i].by.len);
			memcpy(place, cases[i].by.data, cases[i].by.len);
		}
		assert_fails(STATUS_INVALID, cases[i].name, ipc_read_request(buffer_bytes(&bad), &got));
	}
}

static void
a_response_comes_through_unchanged(void **) {
	struct ipc_response sent = {
		.status = 202,
		.content_type = TEXT("application/json"),
		.operation = TEXT("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
		.retry_after = TEXT("1"),
		.is_feed = true,
		.stream = 7,
		.set_cookie = TEXT("a=b; Path=/"),
		.body = TEXT("{}"),
	};
	struct ipc_response got;
	_cleanup_(buffer_free) struct buffer payload = {};
	ipc_write_response(&payload, &sent);
	assert_ok(ipc_read_response(buffer_bytes(&payload), &got));
	assert_int_equal(202, got.status);
	assert_bytes(sent.content_type, got.content_type);
	assert_bytes(sent.operation, got.operation);
	assert_bytes(sent.retry_after, got.retry_after);
	assert_null(got.etag.data);
	assert_true(got.is_feed);
	assert_int_equal(7, got.stream);
	assert_bytes(sent.set_cookie, got.set_cookie);
	assert_bytes(sent.body, got.body);
}

static void
bad_answers_of_the_keeper_are_refused_by_name(void **) {
	static const struct {
		struct bytes payload;
		const char *name;
	} responses[] = {
		{TEXT(""), "ipc.response.status"},
		{TEXT("\1\0\0\0\2\0\xc7"), "ipc.response.status"},
		{TEXT("\1\0\0\0\2\2\x58"), "ipc.response.status"},
		{TEXT("\1\0\0\0\2\0\xc8\x09\0\0\0\1x"), "ipc.response.content_type"},
		{TEXT("\1\0\0\0\2\0\xc8\2\0\0\0\3a\r\n"), "ipc.response.content_type"},
		{TEXT("\1\0\0\0\2\0\xc8\4\0\0\0\3/\n/"), "ipc.response.location"},
		{TEXT("\1\0\0\0\2\0\xc8\3\0\0\0\1a"), "ipc.response.operation"},
		{TEXT("\1\0\0\0\2\0\xc8\x08\0\0\0\1a"), "ipc.response.is_feed"},
		{TEXT("\1\0\0\0\2\0\xc8\x0a\0\0\0\0"), "ipc.response.stream"},
		{TEXT("\1\0\0\0\2\0\xc8\x0b\0\0\0\0"), "ipc.response.set_cookie"},
		{TEXT("\1\0\0\0\2\0\xc8\x0b\0\0\0\3a\r\n"), "ipc.response.set_cookie"},
		{TEXT("\1\0\0\0\2\0\xc8\x0c\0\0\0\0"), "ipc.response.tag"},
	};
	struct ipc_response response;
	for (size_t i = 0; i < ARRAY_LENGTH(responses); i++)
		assert_fails(STATUS_INVALID, responses[i].name, ipc_read_response(responses[i].payload, &response));
	struct ipc_credit credit;
	assert_fails(STATUS_INVALID, "ipc.credit.ordinary", ipc_read_credit(TEXT(""), &credit));
	assert_fails(STATUS_INVALID, "ipc.credit.urgent", ipc_read_credit(TEXT("\1\0\0\0\4\0\0\0\1"), &credit));
	struct ipc_feed feed;
	assert_fails(STATUS_INVALID, "ipc.feed.data",
		     ipc_read_feed(TEXT("\1\0\0\0\x08\0\0\0\0\0\0\0\1\2\0\0\0\1e\3\0\0\0\3a\nb"), &feed));
	struct ipc_stream_end end;
	assert_fails(STATUS_INVALID, "ipc.stream_end.stream", ipc_read_stream_end(TEXT(""), &end));
	assert_fails(STATUS_INVALID, "ipc.stream_end.stream", ipc_read_stream_end(TEXT("\1\0\0\0\1\0"), &end));
	struct ipc_peers peers;
	static const struct {
		struct bytes payload;
		const char *name;
	} bad_peers[] = {
		{TEXT(""), "ipc.peers.own"},
		{TEXT("\1\0\0\0\1\1"), "ipc.peers.dialled"},
		{TEXT("\1\0\0\0\1\x11\2\0\0\0\0"), "ipc.peers.own"},
		{TEXT("\1\0\0\0\1\1\2\0\0\0\3\0\1b"), "ipc.peers.party"},
		{TEXT("\1\0\0\0\1\1\2\0\0\0\3\x11\1b"), "ipc.peers.party"},
		{TEXT("\1\0\0\0\1\1\2\0\0\0\6\2\1b\2\1c"), "ipc.peers.party"},
		{TEXT("\1\0\0\0\1\1\2\0\0\0\2\2\0"), "ipc.peers.name"},
		{TEXT("\1\0\0\0\1\1\2\0\0\0\3\2\1 "), "ipc.peers.name"},
		{TEXT("\1\0\0\0\1\1\2\0\0\0\3\2\2b"), "ipc.peers.dialled"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(bad_peers); i++)
		assert_fails(STATUS_INVALID, bad_peers[i].name, ipc_read_peers(bad_peers[i].payload, &peers));
	struct ipc_peer_opened opened;
	assert_fails(STATUS_INVALID, "ipc.peer_opened.party",
		     ipc_read_peer_opened(TEXT("\1\0\0\0\1\0\2\0\0\0\1\1"), &opened));
	assert_fails(STATUS_INVALID, "ipc.peer_opened.party",
		     ipc_read_peer_opened(TEXT("\1\0\0\0\1\x11\2\0\0\0\1\1"), &opened));
	assert_fails(STATUS_INVALID, "ipc.peer_opened.dialler",
		     ipc_read_peer_opened(TEXT("\1\0\0\0\1\1\2\0\0\0\1\2"), &opened));
	struct ipc_peer_data data;
	assert_fails(STATUS_INVALID, "ipc.peer_data.bytes", ipc_read_peer_data(TEXT("\1\0\0\0\0"), &data));
	struct ipc_peer_credit peer_credit;
	assert_fails(STATUS_INVALID, "ipc.peer_credit.bytes",
		     ipc_read_peer_credit(TEXT("\1\0\0\0\3\0\0\1"), &peer_credit));
	struct ipc_report report;
	assert_fails(STATUS_INVALID, "ipc.report.ready",
		     ipc_read_report(TEXT("\1\0\0\0\1\2\2\0\0\0\2{}\3\0\0\0\0"), &report));
	assert_fails(STATUS_INVALID, "ipc.report.metrics",
		     ipc_read_report(TEXT("\1\0\0\0\1\1\2\0\0\0\2{}\3\0\0\0\1\r"), &report));
}

static void
bad_fetches_and_what_was_badly_fetched_are_refused_by_name(void **) {
	static const struct {
		struct bytes payload;
		const char *name;
	} fetches[] =
		{
			{TEXT(""), "ipc.fetch.action"},
			{TEXT("\1\0\0\0\1\0\2\0\0\0\0\3\0\0\0\1\0"), "ipc.fetch.action"},
			{TEXT("\1\0\0\0\1\4\2\0\0\0\0\3\0\0\0\1\0"), "ipc.fetch.action"},
			{TEXT("\1\0\0\0\2\0\1\2\0\0\0\0"), "ipc.fetch.action"},
			{TEXT("\1\0\0\0\1\1"), "ipc.fetch.body"},
			{TEXT("\1\0\0\0\1\1\2\0\0\0\1"), "ipc.fetch"},
			{TEXT("\1\0\0\0\1\1\2\0\0\0\0"), "ipc.fetch.witness"},
			{TEXT("\1\0\0\0\1\1\2\0\0\0\0\3\0\0\0\0"), "ipc.fetch.witness"},
			{TEXT("\1\0\0\0\1\1\2\0\0\0\0\3\0\0\0\2\0\0"), "ipc.fetch.witness"},
			{TEXT("\1\0\0\0\1\1\2\0\0\0\0\4\0\0\0\0"), "ipc.fetch.tag"},
		},
	  answers[] = {
		  {TEXT(""), "ipc.fetched.status"},
		  {TEXT("\1\0\0\0\2\0\x63"), "ipc.fetched.status"},
		  {TEXT("\1\0\0\0\2\2\x58"), "ipc.fetched.status"},
		  {TEXT("\1\0\0\0\2\0\0"), "ipc.fetched.error"},
		  {TEXT("\1\0\0\0\2\0\0\4\0\0\0\0"), "ipc.fetched.error"},
		  {TEXT("\1\0\0\0\2\0\0\4\0\0\0\1\n"), "ipc.fetched.error"},
		  {TEXT("\1\0\0\0\2\0\xc8\4\0\0\0\1e"), "ipc.fetched.error"},
		  {TEXT("\1\0\0\0\2\0\xc8\2\0\0\0\1\r"), "ipc.fetched.content_type"},
		  {TEXT("\1\0\0\0\2\0\xc8\3\0\0\0\0\2\0\0\0\0"), "ipc.fetched.order"},
		  {TEXT("\1\0\0\0\2\0\xc8\5\0\0\0\0"), "ipc.fetched.tag"},
	  };
	struct ipc_fetch fetch;
	for (size_t i = 0; i < ARRAY_LENGTH(fetches); i++)
		assert_fails(STATUS_INVALID, fetches[i].name, ipc_read_fetch(fetches[i].payload, &fetch));
	struct ipc_fetched fetched;
	for (size_t i = 0; i < ARRAY_LENGTH(answers); i++)
		assert_fails(STATUS_INVALID, answers[i].name, ipc_read_fetched(answers[i].payload, &fetched));
	/* Bodies over their limits, which no literal holds. */
	_cleanup_(buffer_free) struct buffer large = {}, payload = {};
	assert_true(buffer_reserve(&large, IPC_FETCH_BODY_MAX + 1));
	memset(large.data, 'x', IPC_FETCH_BODY_MAX + 1);
	ipc_write_fetch(&payload, &(struct ipc_fetch){.action = IPC_FETCH_WITNESS_ADD,
						      .body = bytes_of(large.data, IPC_FETCH_BODY_MAX)});
	assert_ok(ipc_read_fetch(buffer_bytes(&payload), &fetch));
	buffer_reset(&payload);
	ipc_write_fetch(&payload, &(struct ipc_fetch){.action = IPC_FETCH_WITNESS_ADD,
						      .body = bytes_of(large.data, IPC_FETCH_BODY_MAX + 1)});
	assert_fails(STATUS_INVALID, "ipc.fetch.body", ipc_read_fetch(buffer_bytes(&payload), &fetch));
	buffer_reset(&payload);
	ipc_write_fetched(&payload,
			  &(struct ipc_fetched){.status = 200, .body = bytes_of(large.data, IPC_FETCHED_BODY_MAX + 1)});
	assert_fails(STATUS_INVALID, "ipc.fetched.body", ipc_read_fetched(buffer_bytes(&payload), &fetched));
}

static void
credit_feed_report_and_fetch_come_through_unchanged(void **) {
	_cleanup_(buffer_free) struct buffer payload = {};
	ipc_write_credit(&payload, &(struct ipc_credit){64, 8});
	struct ipc_credit credit;
	assert_ok(ipc_read_credit(buffer_bytes(&payload), &credit));
	assert_true(credit.ordinary == 64 && credit.urgent == 8);
	buffer_reset(&payload);
	ipc_write_feed(&payload, &(struct ipc_feed){UINT64_MAX, TEXT("entry"), TEXT("{\"n\":1}")});
	struct ipc_feed feed;
	assert_ok(ipc_read_feed(buffer_bytes(&payload), &feed));
	assert_true(feed.index == UINT64_MAX);
	assert_bytes(TEXT("{\"n\":1}"), feed.data);
	buffer_reset(&payload);
	ipc_write_stream_end(&payload, &(struct ipc_stream_end){UINT64_MAX - 1});
	struct ipc_stream_end end;
	assert_ok(ipc_read_stream_end(buffer_bytes(&payload), &end));
	assert_true(end.stream == UINT64_MAX - 1);
	buffer_reset(&payload);
	ipc_write_peers(&payload, &(struct ipc_peers){2, {{1, TEXT("a")}, {16, TEXT("keeper-p")}}, 2});
	struct ipc_peers peers;
	assert_ok(ipc_read_peers(buffer_bytes(&payload), &peers));
	assert_true(peers.own == 2 && peers.count == 2 && peers.dialled[1].party == 16);
	assert_bytes(TEXT("keeper-p"), peers.dialled[1].name);
	buffer_reset(&payload);
	ipc_write_peer_opened(&payload, &(struct ipc_peer_opened){3, true});
	struct ipc_peer_opened opened;
	assert_ok(ipc_read_peer_opened(buffer_bytes(&payload), &opened));
	assert_true(opened.party == 3 && opened.is_dialler);
	buffer_reset(&payload);
	ipc_write_peer_data(&payload, &(struct ipc_peer_data){TEXT("opaque")});
	struct ipc_peer_data data;
	assert_ok(ipc_read_peer_data(buffer_bytes(&payload), &data));
	assert_bytes(TEXT("opaque"), data.bytes);
	buffer_reset(&payload);
	ipc_write_peer_credit(&payload, &(struct ipc_peer_credit){65'536});
	struct ipc_peer_credit peer_credit;
	assert_ok(ipc_read_peer_credit(buffer_bytes(&payload), &peer_credit));
	assert_int_equal(peer_credit.bytes, 65'536);
	buffer_reset(&payload);
	ipc_write_report(&payload, &(struct ipc_report){true, TEXT("{}"), TEXT("a 1\n"), TEXT("treasury")});
	struct ipc_report report;
	assert_ok(ipc_read_report(buffer_bytes(&payload), &report));
	assert_true(report.ready);
	assert_bytes(TEXT("a 1\n"), report.metrics);
	assert_bytes(TEXT("treasury"), report.instance);
	buffer_reset(&payload);
	ipc_write_fetch(&payload, &(struct ipc_fetch){IPC_FETCH_WITNESS_NEWEST, TEXT("hash"), 7});
	struct ipc_fetch fetch;
	assert_ok(ipc_read_fetch(buffer_bytes(&payload), &fetch));
	assert_int_equal(IPC_FETCH_WITNESS_NEWEST, fetch.action);
	assert_int_equal(7, fetch.witness);
	assert_bytes(TEXT("hash"), fetch.body);
	buffer_reset(&payload);
	ipc_write_fetched(&payload, &(struct ipc_fetched){409, TEXT("text/x.tlog.size"), TEXT("7\n"), {}});
	struct ipc_fetched fetched;
	assert_ok(ipc_read_fetched(buffer_bytes(&payload), &fetched));
	assert_int_equal(409, fetched.status);
	assert_bytes(TEXT("text/x.tlog.size"), fetched.content_type);
	assert_bytes(TEXT("7\n"), fetched.body);
	assert_null(fetched.error.data);
	buffer_reset(&payload);
	ipc_write_work(&payload, &(struct ipc_work){TEXT("{}")});
	struct ipc_work work;
	assert_ok(ipc_read_work(buffer_bytes(&payload), &work));
	assert_bytes(TEXT("{}"), work.document);
	assert_fails(STATUS_INVALID, "ipc.work.document", ipc_read_work((struct bytes){}, &work));
	assert_fails(STATUS_INVALID, "ipc.work.tag", ipc_read_work(TEXT("\2\0\0\0\1x"), &work));
}

/* --- Control --- */

static void
control_hands_on_descriptors(void **) {
	int control[2], content[2];
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control));
	assert_int_equal(0, pipe2(content, O_CLOEXEC));
	struct ipc_control_message sent = {.type = IPC_CONTROL_CHANNEL,
					   .peer = IPC_ROLE_GATEWAY,
					   .descriptors = {content[0]},
					   .descriptor_count = 1};
	struct ipc_control_message got;
	assert_ok(ipc_control_send(control[0], &sent));
	assert_ok(ipc_control_receive(control[1], &got));
	assert_int_equal(IPC_CONTROL_CHANNEL, got.type);
	assert_int_equal(IPC_ROLE_GATEWAY, got.peer);
	assert_int_equal(1, got.descriptor_count);
	assert_int_equal(FD_CLOEXEC, fcntl(got.descriptors[0], F_GETFD));
	char byte;
	assert_int_equal(1, write(content[1], "x", 1));
	assert_int_equal(1, read(got.descriptors[0], &byte, 1));
	ipc_control_close_descriptors(&got);

	sent = (struct ipc_control_message){.type = IPC_CONTROL_FAILED, .value = 1, .text = "keeper.lock: held"};
	assert_ok(ipc_control_send(control[1], &sent));
	assert_ok(ipc_control_receive(control[0], &got));
	assert_string_equal("keeper.lock: held", got.text);
	assert_int_equal(1, got.value);
	close(content[0]);
	close(content[1]);
	close(control[1]);
	assert_fails(STATUS_UNAVAILABLE, "control.closed", ipc_control_receive(control[0], &got));
	close(control[0]);
}

static void
bad_control_messages_are_refused_by_name(void **) {
	static const struct {
		struct bytes bytes;
		const char *name;
	} cases[] = {
		{TEXT("\6\0\0\0\0"), "control.header"},   {TEXT("\0\0\0\0\0\0"), "control.type"},
		{TEXT("\xff\0\0\0\0\0"), "control.type"}, {TEXT("\1\0\0\0\0\0"), "control.descriptors"},
		{TEXT("\6\2\0\0\0\0"), "control.peer"},
	};
	int control[2];
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control));
	struct ipc_control_message got;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		assert_int_equal((ssize_t)cases[i].bytes.len,
				 write(control[0], cases[i].bytes.data, cases[i].bytes.len));
		assert_fails(STATUS_INVALID, cases[i].name, ipc_control_receive(control[1], &got));
	}
	uint8_t large[600] = {IPC_CONTROL_START};
	assert_int_equal((ssize_t)sizeof large, write(control[0], large, sizeof large));
	assert_fails(STATUS_INVALID, "control.truncated", ipc_control_receive(control[1], &got));
	struct ipc_control_message sent = {.type = IPC_CONTROL_START, .descriptors = {0}, .descriptor_count = 1};
	assert_fails(STATUS_INVALID, "control.descriptors", ipc_control_send(control[0], &sent));
	close(control[0]);
	close(control[1]);
}

RUN_TESTS(T(crc32c_gives_the_values_of_rfc_3720), T(a_frame_is_read_once_it_is_whole),
	  T(every_flipped_bit_of_a_frame_is_noticed), T(bad_frames_are_refused_by_name),
	  T(frames_of_every_size_pass_in_order), T(a_frame_over_the_limit_is_dropped_and_the_channel_goes_on),
	  T(urgent_frames_overtake_ordinary_ones_that_are_not_on_the_wire),
	  T(a_peer_that_does_not_read_is_met_with_refusal_and_not_with_memory),
	  T(frames_sent_before_the_peer_closed_are_still_read), T(a_bad_hello_is_refused_by_name),
	  T(a_second_hello_is_refused), T(a_request_comes_through_unchanged), T(bad_requests_are_refused_by_name),
	  T(a_response_comes_through_unchanged), T(bad_answers_of_the_keeper_are_refused_by_name),
	  T(bad_fetches_and_what_was_badly_fetched_are_refused_by_name),
	  T(credit_feed_report_and_fetch_come_through_unchanged), T(control_hands_on_descriptors),
	  T(bad_control_messages_are_refused_by_name))
