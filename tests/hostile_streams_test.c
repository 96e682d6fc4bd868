/*
 * A gateway that lies about the streams of peers, and about draining: every frame of docs/PROTOCOL.ipc §4.6 and §4.11 that it may send,
 * cut short, too long, out of order, of streams that are not open, beyond the credit. Each case states what comes of it: the channel
 * ends, and the keeper's log names the check; or the channel stays, and a counter says so. Nothing is signed, and the next gateway is
 * served with an honest transfer.
 *
 * Data beyond what was granted needs a peer that has proved itself: keeper/peers_test.c.
 */
#include "tests/test.h"
#include "tests/house.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate/record.h"
#include "keeper/internal.h"
#include "ledger/log.h"
#include "tests/log_keys.h"

constexpr int PATIENCE_MS = 240'000;
constexpr uint64_t QUESTION = 1'000'000; /* the request that is asked behind the frames */

#define FRAME(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define CAME_IN FRAME("\1\0\0\0\1\2\2\0\0\0\1\0") /* party 2 says that it is there */
#define DIALLED FRAME("\1\0\0\0\1\2\2\0\0\0\1\1")
#define NOBODY FRAME("\1\0\0\0\1\5\2\0\0\0\1\1")
#define ONE_BYTE FRAME("\1\0\0\0\1x")
#define NO_HANDSHAKE FRAME("\1\0\0\0\7GET / H")
#define WINDOW FRAME("\1\0\0\0\4\0\4\0\0")
#define ONE_MORE FRAME("\1\0\0\0\4\0\0\0\1")
#define ALL_THERE_IS FRAME("\1\0\0\0\4\xff\xff\xff\xff")

struct said {
	enum ipc_type type;
	uint64_t stream;
	struct bytes payload;
	size_t zeros; /* behind it */
};

struct stream_case {
	const char *what;
	struct said said[3];
	const char *check;   /* ends the channel */
	const char *counter; /* or the channel stays, and this goes up by one */
};

#define STRAYS "gatehouse_peers_strays_total "
#define DROPPED(reason) "gatehouse_peers_dropped_total{reason=\"" reason "\"} "

/* An installation whose keeper shares keys with another, which never comes. */
static const struct stream_case shared[] = {
	{"a stream that is opened twice",
	 {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_OPENED, 7, CAME_IN}},
	 "peers.stream"},
	{"a stream that is opened once more the other way",
	 {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_OPENED, 7, DIALLED}},
	 "peers.stream"},
	{"credit beyond the window",
	 {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_CREDIT, 7, ALL_THERE_IS}},
	 "peers.credit"},
	{"credit beyond the window, in two parts",
	 {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_CREDIT, 7, WINDOW}, {IPC_PEER_CREDIT, 7, ONE_MORE}},
	 "peers.credit"},
	{"closed, with a payload",
	 {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_CLOSED, 7, FRAME("\0")}},
	 "peer_link.closed"},
	{"closed with a payload, of a stream that is not open", {{IPC_PEER_CLOSED, 8, ONE_BYTE}}, "peer_link.closed"},
	{"opened, cut after a field", {{IPC_PEER_OPENED, 7, FRAME("\1\0\0\0\1\2")}}, "ipc.peer_opened.dialler"},
	{"opened, cut in a field", {{IPC_PEER_OPENED, 7, FRAME("\1\0\0\0\1\2\2\0\0\0\1")}}, "ipc.peer_opened"},
	{"opened, without a payload", {{IPC_PEER_OPENED, 7}}, "ipc.peer_opened.party"},
	{"opened, with a field more",
	 {{IPC_PEER_OPENED, 7, FRAME("\1\0\0\0\1\2\2\0\0\0\1\0\3\0\0\0\0")}},
	 "ipc.peer_opened.tag"},
	{"opened by party 0", {{IPC_PEER_OPENED, 7, FRAME("\1\0\0\0\1\0\2\0\0\0\1\0")}}, "ipc.peer_opened.party"},
	{"opened by party 17", {{IPC_PEER_OPENED, 7, FRAME("\1\0\0\0\1\x11\2\0\0\0\1\0")}}, "ipc.peer_opened.party"},
	{"opened neither way", {{IPC_PEER_OPENED, 7, FRAME("\1\0\0\0\1\2\2\0\0\0\1\2")}}, "ipc.peer_opened.dialler"},
	{"data without a payload", {{IPC_PEER_DATA, 7}}, "ipc.peer_data.bytes"},
	{"data of no bytes", {{IPC_PEER_DATA, 7, FRAME("\1\0\0\0\0")}}, "ipc.peer_data.bytes"},
	{"data of a byte too many", {{IPC_PEER_DATA, 7, FRAME("\1\0\1\0\1"), 65'537}}, "ipc.peer_data.bytes"},
	{"data that ends early", {{IPC_PEER_DATA, 7, FRAME("\1\0\0\0\2x")}}, "ipc.peer_data"},
	{"data with a field more", {{IPC_PEER_DATA, 7, FRAME("\1\0\0\0\1x\2\0\0\0\0")}}, "ipc.peer_data.tag"},
	{"credit without a payload", {{IPC_PEER_CREDIT, 7}}, "ipc.peer_credit.bytes"},
	{"credit of three bytes", {{IPC_PEER_CREDIT, 7, FRAME("\1\0\0\0\3\0\0\1")}}, "ipc.peer_credit.bytes"},
	{"credit of five bytes", {{IPC_PEER_CREDIT, 7, FRAME("\1\0\0\0\5\0\0\0\0\1")}}, "ipc.peer_credit.bytes"},
	{"credit with a field more",
	 {{IPC_PEER_CREDIT, 7, FRAME("\1\0\0\0\4\0\0\0\1\2\0\0\0\0")}},
	 "ipc.peer_credit.tag"},
	{"who the peers are, which the keeper says", {{IPC_PEERS, 0, FRAME("\1\0\0\0\1\2\2\0\0\0\0")}}, "keeper.frame"},
	{"drain, with a payload", {{IPC_DRAIN, 0, ONE_BYTE}}, "keeper.drain"},
	{"a request after drain", {{IPC_DRAIN, 0}}, "keeper.drained"},

	{"opened to nobody who is enrolled", {{IPC_PEER_OPENED, 7, NOBODY}}, .counter = DROPPED("limit")},
	{"data of a stream that was never open", {{IPC_PEER_DATA, 8, ONE_BYTE}}, .counter = STRAYS},
	{"credit of a stream that was never open", {{IPC_PEER_CREDIT, 8, ALL_THERE_IS}}, .counter = STRAYS},
	{"closed, of a stream that was never open", {{IPC_PEER_CLOSED, 8}}, .counter = STRAYS},
	{"closed, and once more",
	 {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_CLOSED, 7}, {IPC_PEER_CLOSED, 7}},
	 .counter = STRAYS},
	{"data after the end",
	 {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_CLOSED, 7}, {IPC_PEER_DATA, 7, ONE_BYTE}},
	 .counter = STRAYS},
	{"data that is no handshake",
	 {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_DATA, 7, NO_HANDSHAKE}},
	 .counter = DROPPED("handshake")},
	{"data after it was no handshake",
	 {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_DATA, 7, NO_HANDSHAKE}, {IPC_PEER_DATA, 7, ONE_BYTE}},
	 .counter = STRAYS},
};

/* One whose keeper shares no key: nobody is enrolled. */
static const struct stream_case alone[] = {
	{"opened", {{IPC_PEER_OPENED, 7, CAME_IN}}, .counter = DROPPED("limit")},
	{"opened, as if it had been told to dial", {{IPC_PEER_OPENED, 7, DIALLED}}, .counter = DROPPED("limit")},
	{"opened and data", {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_DATA, 7, NO_HANDSHAKE}}, .counter = STRAYS},
	{"opened and credit", {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_CREDIT, 7, ALL_THERE_IS}}, .counter = STRAYS},
	{"opened and closed", {{IPC_PEER_OPENED, 7, CAME_IN}, {IPC_PEER_CLOSED, 7}}, .counter = STRAYS},
	{"drain, with a payload", {{IPC_DRAIN, 0, ONE_BYTE}}, "keeper.drain"},
};

/* One whose keeper cannot share any, since its name cannot be a peer's. */
static const struct stream_case unnamed[] = {
	{"opened", {{IPC_PEER_OPENED, 7, CAME_IN}}, "peer_link.none"},
	{"data", {{IPC_PEER_DATA, 7, ONE_BYTE}}, "peer_link.none"},
	{"credit", {{IPC_PEER_CREDIT, 7, ONE_MORE}}, "peer_link.none"},
	{"closed", {{IPC_PEER_CLOSED, 7}}, "peer_link.none"},
};

/* Which frames a gateway may send, of all that there are: the rest is refused by its type. A type that is added needs a place here. */
enum sender { OTHERS, GATEWAY, BOTH_ONCE };
static const enum sender senders[] = {
	[IPC_HELLO] = BOTH_ONCE,     [IPC_REQUEST] = GATEWAY,     [IPC_URGENT_REQUEST] = GATEWAY,
	[IPC_DRAIN] = GATEWAY,       [IPC_PEER_OPENED] = GATEWAY, [IPC_PEER_DATA] = GATEWAY,
	[IPC_PEER_CREDIT] = GATEWAY, [IPC_PEER_CLOSED] = GATEWAY,
};
static_assert(ARRAY_LENGTH(senders) == IPC_TYPE_END);

/* --- The keeper's side of it. --- */

/* From the next report; one comes at once when a gateway does, and then every second. */
static int64_t
counted(struct house *house, const char *name) {
	for (;;) {
		struct ipc_frame frame;
		bool found;
		assert_ok(ipc_flush(&house->channel));
		assert_ok(ipc_next(&house->channel, &frame, &found));
		if (found && frame.type == IPC_REPORT) {
			struct ipc_report report;
			assert_ok(ipc_read_report(frame.payload, &report));
			const uint8_t *at = memmem(report.metrics.data, report.metrics.len, name, strlen(name));
			if (at == nullptr)
				fail_msg("no metric is called %s", name);
			return strtoll((const char *)at + strlen(name), nullptr, 10);
		}
		if (found)
			continue;
		assert_false(house->channel.closed);
		struct pollfd polled = {.fd = house->channel.descriptor, .events = POLLIN};
		assert_int_equal(1, poll(&polled, 1, PATIENCE_MS));
		assert_ok(ipc_receive(&house->channel));
	}
}

static void
say(struct house *house, const struct stream_case *c) {
	for (size_t i = 0; i < ARRAY_LENGTH(c->said) && c->said[i].type != 0; i++) {
		const struct said *said = &c->said[i];
		_cleanup_(buffer_free) struct buffer payload = {};
		buffer_append_bytes(&payload, said->payload);
		for (size_t zero = 0; zero < said->zeros; zero++)
			buffer_append_byte(&payload, 0);
		assert_ok(ipc_send(&house->channel, said->type, said->stream, false, buffer_bytes(&payload)));
	}
}

/* Behind the frames something that anyone may ask: whether it is answered tells whether the channel stays. */
static bool
is_answered(struct house *house) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	struct http_request plain = {.method = BYTES_OF_LITERAL("GET"),
				     .target = BYTES_OF_LITERAL("/v1/ledger/checkpoint")};
	struct ipc_request request = house_frame(&plain);
	struct ipc_response response;
	uint64_t answered = 0;
	ipc_write_request(&payload, &request);
	assert_ok(ipc_send(&house->channel, IPC_REQUEST, QUESTION, false, buffer_bytes(&payload)));
	while (answered != QUESTION) {
		enum status status = house_receive(house, PATIENCE_MS, &answered, &arena, &response);
		if (status == STATUS_EXPIRED)
			fail_msg("neither an answer nor an end");
		if (status != OK)
			return false;
	}
	return true;
}

static void
try_case(struct house *house, const struct stream_case *c) {
	char named[64];
	snprintf(named, sizeof named, "%s: ", c->check == nullptr ? "the gateway's channel ends" : c->check);
	size_t said = house_times_said(house, named);
	int64_t before = c->counter == nullptr ? 0 : counted(house, c->counter);
	say(house, c);
	if (is_answered(house) != (c->check == nullptr))
		fail_msg("%s: the channel %s", c->what, c->check == nullptr ? "ends" : "stays");
	if (house_times_said(house, named) - said != (c->check == nullptr ? 0 : 1))
		fail_msg("%s: the keeper's log does not say \"%s\" once", c->what, named);
	house_next_channel(house);
	if (c->counter != nullptr && counted(house, c->counter) != before + 1)
		fail_msg("%s: %sdoes not go up by one", c->what, c->counter);
}

/* --- Houses. --- */

static void
do_as_all(struct house *house, const char *kind, const char *payload) {
	static const enum firm_member approvers[] = {FIRM_PERSON_3, FIRM_PERSON_5};
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	assert_ok(house_submit(house, &arena,
			       (struct firm_operation){.by = FIRM_PERSON_4,
						       .kind = kind,
						       .resource = "system:gatehouse",
						       .payload = payload,
						       .reason = "keepers"},
			       &response));
	struct bytes operation = house_text(&arena, &response, "operation");
	for (size_t i = 0; response.status == 202 && i < ARRAY_LENGTH(approvers); i++)
		assert_ok(house_vote(house, &arena, operation, approvers[i], "approve", &response));
	assert_answer(200, "done", &response);
}

static void
enrol(struct house *house, const char *name, uint8_t party, const struct head_keys *log,
      const struct hash256 *certificate, const uint8_t key[32]) {
	_cleanup_(buffer_free) struct buffer payload = {};
	struct json_writer w;
	json_writer_start(&w, &payload);
	keeper_write_enrolment(&w, name, party, log, certificate, key);
	assert_ok(json_writer_finish(&w));
	buffer_append_byte(&payload, 0);
	do_as_all(house, "keeper.add", (const char *)payload.data);
}

/* This keeper as party 1, and another as party 2. */
static void
enrol_both(struct house *house) {
	static const uint8_t seed[32] = {2};
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *mldsa44 = nullptr;
	_cleanup_(head_keys_free) struct head_keys log = {};
	const struct hash256 certificate = {{2}};
	uint8_t key[32];
	assert_ok(house_open(house));
	const struct peer_keys *own = &house->keeper->peer_keys;
	enrol(house, "k1", 1, &house->installation.keys, pinned_identity_hash(own->identity), own->key);
	assert_ok(ed25519_public_key(seed, key));
	log_keys_make(seed, HOUSE_INSTANCE "/k2", &mldsa44, &log);
	enrol(house, "k2", 2, &log, &certificate, key);
	house_close(house);
}

static enum status
count_signed(void *context, const struct ledger_record *record) {
	_cleanup_(arena_free) struct arena arena = {};
	struct entry entry;
	struct decision_record decision;
	TRY(entry_read(&arena, record->leaf, &entry));
	if (entry.type != ENTRY_DECISION)
		return OK;
	TRY(decision_record_read(&arena, entry.document, nullptr, &decision));
	*(size_t *)context += decision.outcome == OUTCOME_DONE && decision.has_spend;
	return OK;
}

/* Each case, and after each an honest transfer through the gateway that comes next. Nothing else is signed. */
static void
try_cases(struct house *house, const struct stream_case *cases, size_t count) {
	struct ledger_head head;
	size_t signed_count = 0;
	house_start(house);
	house_make_key(house, "eth-hot");
	for (size_t i = 0; i < count; i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		house_next_channel(house); /* whose first report is still to come */
		try_case(house, &cases[i]);
		assert_ok(house_submit(house, &arena, house_sign(house_transfer(&arena, 1, i, 30)), &response));
		if (response.status != 200)
			fail_msg("after %s: %.*s", cases[i].what, BYTES_ARGS(response.body));
	}
	assert_int_equal(0, house_stop(house));
	assert_ok(house_open(house));
	ledger_durable_head(keeper_ledger(house->keeper), &head);
	assert_ok(ledger_visit(keeper_ledger(house->keeper), 0, head.head.size, count_signed, &signed_count));
	assert_int_equal(count, signed_count);
	print_message("%zu cases\n", count);
}

static void
what_a_gateway_says_of_streams_opens_nothing_and_ends_nothing_but_its_channel(void **) {
	_cleanup_(house_free) struct house house;
	house_found(&house, nullptr);
	enrol_both(&house);
	try_cases(&house, shared, ARRAY_LENGTH(shared));
}

static void
every_frame_that_only_others_send_ends_the_channel(void **) {
	static char texts[IPC_TYPE_END][32];
	struct stream_case cases[IPC_TYPE_END] = {};
	size_t count = 0;
	_cleanup_(house_free) struct house house;
	for (int type = IPC_HELLO; type < IPC_TYPE_END; type++) {
		if (senders[type] == GATEWAY)
			continue;
		snprintf(texts[type], sizeof texts[type], "type %d", type);
		cases[count++] = (struct stream_case){
			.what = texts[type],
			.said = {{.type = (enum ipc_type)type, .payload = ONE_BYTE}},
			.check = senders[type] == BOTH_ONCE ? "ipc.hello_repeated" : "keeper.frame",
		};
	}
	house_found(&house, nullptr);
	try_cases(&house, cases, count);
}

static void
a_keeper_that_shares_no_key_takes_no_stream(void **) {
	_cleanup_(house_free) struct house house;
	house_found(&house, nullptr);
	try_cases(&house, alone, ARRAY_LENGTH(alone));
}

static void
a_keeper_that_cannot_share_any_ends_the_channel(void **) {
	_cleanup_(house_free) struct house house;
	house_found_here(&house, "K1");
	house.is_manual = false;
	house.has_small_segments = true;
	try_cases(&house, unnamed, ARRAY_LENGTH(unnamed));
}

RUN_TESTS(T(what_a_gateway_says_of_streams_opens_nothing_and_ends_nothing_but_its_channel),
	  T(every_frame_that_only_others_send_ends_the_channel), T(a_keeper_that_shares_no_key_takes_no_stream),
	  T(a_keeper_that_cannot_share_any_ends_the_channel))
