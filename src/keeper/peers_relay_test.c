/*
 * A relay between two keepers that drops, changes and joins what they say, or holds back what was genuinely said until it is no longer
 * new: nothing arrives that was not sent, and nobody is blamed for it.
 */
#include "tests/test.h"

#include "crypto/random.h"
#include "tests/peer_network.h"

/* --- One that disturbs. --- */

enum act { PASS, DROP, REPEAT, TRUNCATE, CORRUPT, INSERT, ACTS };

struct relay {
	unsigned one_in; /* of so many pieces one is disturbed */
	size_t disturbed, passed;
};

static void
disturb(void *context, const struct network_node *, const struct network_node *, struct buffer *bytes) {
	struct relay *relay = context;
	uint8_t choice[12];
	random_bytes(choice, sizeof choice);
	if (load_u32be(choice) % relay->one_in != 0) {
		relay->passed++;
		return;
	}
	relay->disturbed++;
	size_t at = load_u32be(choice + 4) % bytes->len;
	_cleanup_(buffer_free) struct buffer copy = {};
	buffer_append_bytes(&copy, buffer_bytes(bytes));
	switch ((enum act)(1 + choice[8] % (ACTS - 1))) {
	case DROP:
		buffer_reset(bytes);
		break;
	case REPEAT:
		buffer_append_bytes(bytes, buffer_bytes(&copy));
		break;
	case TRUNCATE:
		bytes->len = at;
		break;
	case INSERT:
		buffer_append(bytes, choice, sizeof choice);
		break;
	default:
		bytes->data[at] ^= (uint8_t)(1 << choice[9] % 8);
	}
}

struct numbered {
	uint32_t next, highest;
	bool is_out_of_order;
	size_t messages;
};

static void
hear_number(void *context, const struct peer *, enum peer_kind, struct bytes body) {
	struct numbered *heard = context;
	uint32_t number = body.len == 4 ? load_u32be(body.data) : 0;
	heard->is_out_of_order = heard->is_out_of_order || body.len != 4 || number <= heard->highest;
	heard->highest = number;
	heard->messages++;
}

static void
under_a_hostile_relay_nothing_arrives_that_was_not_sent_and_nothing_is_refused(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct relay relay = {.one_in = 6};
	struct numbered heard = {};
	uint32_t sent = 0;
	peer_network_start(&network, 2);
	network.on_bytes = disturb;
	network.context = &relay;
	peers_listen(B->peers, &(struct peers_listener){.message = hear_number, .context = &heard});
	for (size_t round = 0; round < 20'000 && relay.disturbed <= 100; round++) {
		uint8_t number[4];
		peer_network_pass(&network, 100);
		store_u32be(number, sent + 1);
		if (peers_send(A->peers, network_peer(A, B), PEER_PROTOCOL, BYTES_OF_ARRAY(number)) == OK)
			sent++;
	}
	assert_false(heard.is_out_of_order);
	assert_true(heard.highest <= sent);
	assert_true(heard.messages > 0 && heard.messages <= sent);
	assert_true(relay.disturbed > 100);
	/* Whatever the relay did: no keeper was blamed for it. */
	assert_false(A->keepers.of_party[2]->is_refused);
	assert_false(B->keepers.of_party[1]->is_refused);
	assert_int_equal(network_dropped(A, PEER_DROP_PROTOCOL) + network_dropped(B, PEER_DROP_PROTOCOL), 0);
	assert_int_equal(network_dropped(A, PEER_DROP_REFUSED) + network_dropped(B, PEER_DROP_REFUSED), 0);
	assert_true(network_dropped(A, PEER_DROP_HANDSHAKE) + network_dropped(B, PEER_DROP_HANDSHAKE) > 10);
	print_message("# %zu pieces disturbed, %zu passed; %zu of %u messages arrived\n", relay.disturbed, relay.passed,
		      heard.messages, sent);
	network.on_bytes = nullptr;
	peer_network_pass(&network, 12'000);
	assert_true(network_all_up(&network));
}

/* Every wire ends at a third: it sees ends of two channels, and joins them crosswise. */
static void
two_channels_that_are_spliced_end(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_heard a = {}, b = {}, c = {};
	peer_network_start(&network, 3);
	peer_network_pass(&network, 500);
	network_listen(A, &a);
	network_listen(B, &b);
	network_listen(C, &c);
	struct network_wire *ab = nullptr, *ac = nullptr;
	for (size_t i = 0; i < NETWORK_WIRES_MAX; i++) {
		struct network_wire *wire = &network.wires[i];
		if (wire->is_used && wire->ends[0] == A && wire->ends[1] == B)
			ab = wire;
		if (wire->is_used && wire->ends[0] == A && wire->ends[1] == C)
			ac = wire;
	}
	assert_non_null(ab);
	assert_non_null(ac);
	assert_ok(SEND(A, B, "for b"));
	assert_ok(SEND(A, C, "for c"));
	peers_turn(A->peers, network.now_ms);
	struct buffer swapped = ab->queued[1];
	ab->queued[1] = ac->queued[1];
	ac->queued[1] = swapped;
	peer_network_run(&network);
	assert_int_equal(b.messages + c.messages, 0);
	assert_int_equal(b.down + c.down, 2);
	assert_int_equal(network_dropped(B, PEER_DROP_HANDSHAKE) + network_dropped(C, PEER_DROP_HANDSHAKE), 2);
	peer_network_pass(&network, 1000);
	assert_true(network_all_up(&network));
}

/* --- One that holds back what was genuinely said. --- */

/* Whatever of it is late: the word of a stream counts as of when it was asked for it. */
static void
what_was_true_and_held_back_until_the_log_had_grown_blames_nobody(void **) {
	const struct network_holder late[] = {
		{.piece = 3}, /* the hello */
		{.piece = 2, .tail = NETWORK_PROOF},
		{.piece = 3, .tail = NETWORK_FIRST_CONSISTENCY},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(late); i++) {
		_cleanup_(peer_network_end) struct peer_network network;
		struct network_holder holder = late[i];
		struct network_heard b = {};
		peer_network_start(&network, 2);
		network_listen(B, &b);
		struct network_wire *wire = network_connect_held(A, B, &holder);
		network_reset_dialler(wire);
		network_connect(A, B);
		network_grow(A, 5);
		peer_network_pass(&network, 1500);
		assert_int_equal(15, peers_shown(B->peers, network_peer(B, A))->size);
		network_release(wire, &holder, SIZE_MAX);
		assert_int_equal(1, network_dropped(B, PEER_DROP_STALE));
		assert_int_equal(0, network_dropped(B, PEER_DROP_REFUSED));
		assert_false(B->keepers.of_party[1]->is_refused);
		assert_int_equal(15, peers_shown(B->peers, network_peer(B, A))->size);
		assert_ok(SEND(A, B, "still here"));
		peer_network_pass(&network, 500);
		assert_string_equal(b.text, "still here");
		assert_int_equal(1, b.up);
		assert_int_equal(0, b.down);
	}
}

/* A stream that comes up, and of which the far end does not hear that it is over. */
static void
show_once(struct network_node *from, struct network_node *to) {
	struct network_wire *wire = network_connect(from, to);
	peer_network_run(from->network);
	assert_int_equal(network_peer(to, from)->state, PEER_UP);
	wire->hides_end = true;
	network_reset_dialler(wire);
}

static void
a_log_that_was_put_back_before_it_greets_is_refused_however_late_its_hello_comes(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_holder greeting = {.piece = 3, .tail = NETWORK_FIRST_CONSISTENCY}, holder = {.piece = 3};
	struct network_heard b = {};
	peer_network_start(&network, 2);
	network_listen(B, &b);
	show_once(A, B);
	struct network_wire *other = network_connect_held(A, B, &greeting);
	network_reset_dialler(other);
	network_shrink(A, 9);
	struct network_wire *wire = network_connect_held(A, B, &holder);
	network_release(wire, &holder, SIZE_MAX);
	assert_int_equal(network_peer(B, A)->state, PEER_REFUSED);
	assert_string_equal(B->keepers.of_party[1]->reason, "peers.behind");
	assert_int_equal(0, network_dropped(B, PEER_DROP_STALE));
	/* What it said in time on a stream that is not up yet does not bring it back. */
	network_release(other, &greeting, SIZE_MAX);
	assert_int_equal(network_peer(B, A)->state, PEER_REFUSED);
	assert_int_equal(1, b.up);
}

/* It would be held against what the log had shown before. */
static void
a_stream_that_began_before_a_log_was_re_admitted_is_over(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_holder holder = {.piece = 2, .tail = NETWORK_PROOF};
	peer_network_start(&network, 2);
	show_once(A, B);
	network_shrink(A, 9);
	network_connect(A, B);
	peer_network_run(&network);
	assert_int_equal(network_peer(B, A)->state, PEER_REFUSED);
	peers_turn(B->peers, network.now_ms);
	struct network_wire *wire = network_connect_held(A, B, &holder);
	const struct mark head = {tree_size(A->tree), tree_root(A->tree)};
	assert_ok(keepers_readmit(&B->keepers, BYTES_OF_LITERAL("a"), &head));
	int64_t strays = peers_counters(B->peers)->strays.value;
	network_release(wire, &holder, SIZE_MAX);
	assert_int_equal(strays + 1, peers_counters(B->peers)->strays.value);
	assert_false(B->keepers.of_party[1]->is_refused);
	network_connect(A, B);
	peer_network_run(&network);
	assert_int_equal(network_peer(B, A)->state, PEER_UP);
}

/* Both are signed: no order in which they come makes it one log, be it the size that is shown now or that was then. */
static void
another_log_of_the_same_size_is_refused_though_its_hello_was_overtaken(void **) {
	for (uint64_t more = 0; more <= 5; more += 5) {
		_cleanup_(peer_network_end) struct peer_network network;
		struct network_holder holder = {.piece = 3};
		peer_network_start(&network, 2);
		if (more > 0)
			show_once(A, B);
		network_fork(A);
		struct network_wire *wire = network_connect_held(A, B, &holder);
		network_reset_dialler(wire);
		network_shrink(A, 10 + more);
		network_connect(A, B);
		peer_network_run(&network);
		assert_int_equal(10 + more, peers_shown(B->peers, network_peer(B, A))->size);
		network_release(wire, &holder, SIZE_MAX);
		assert_int_equal(network_peer(B, A)->state, PEER_REFUSED);
		assert_string_equal(B->keepers.of_party[1]->reason, "peers.fork");
	}
}

static void
of_streams_that_greet_side_by_side_one_is_open(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_holder holders[2] = {{.piece = 3, .tail = NETWORK_FIRST_CONSISTENCY},
					    {.piece = 3, .tail = NETWORK_FIRST_CONSISTENCY}};
	struct network_wire *wires[2];
	struct network_heard b = {};
	peer_network_start(&network, 2);
	network_listen(B, &b);
	for (size_t i = 0; i < 2; i++)
		wires[i] = network_connect_held(A, B, &holders[i]);
	assert_int_equal(0, b.up);
	for (size_t i = 0; i < 2; i++)
		network_release(wires[i], &holders[i], SIZE_MAX);
	assert_int_equal(2, b.up);
	assert_int_equal(1, b.down);
	assert_int_equal(1, network_dropped(B, PEER_DROP_REPLACED));
	assert_ok(peers_data(B->peers, wires[0]->numbers[1], BYTES_OF_LITERAL("x"), network.now_ms));
	assert_int_equal(1, peers_counters(B->peers)->strays.value);
	assert_int_equal(network_peer(B, A)->state, PEER_UP);
}

static void
who_is_up_is_who_its_own_stream_said(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_holder before = {.piece = 3}, now = {.piece = 3, .tail = NETWORK_FIRST_CONSISTENCY};
	struct network_heard b = {};
	peer_network_start(&network, 2);
	network_listen(B, &b);
	struct network_wire *old = network_connect_held(A, B, &before);
	peers_renew_epoch(A->peers);
	struct network_wire *wire = network_connect_held(A, B, &now);
	network_release(old, &before, before.held.len - NETWORK_FIRST_CONSISTENCY); /* the hello of another epoch */
	network_release(wire, &now, SIZE_MAX);
	assert_int_equal(1, b.up);
	assert_memory_equal(b.epoch, peers_own_epoch(A->peers), PEER_EPOCH_SIZE);
}

/* A gateway that lets its keeper dial twice: what the other remembers it was told on the other stream. */
static void
a_log_that_grew_while_its_hello_was_held_back_does_not_take_itself_for_an_older_one(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_holder holder = {.piece = 2, .tail = NETWORK_PROOF};
	peer_network_start(&network, 2);
	struct network_wire *wire = network_connect_held(A, B, &holder);
	network_connect(A, B);
	network_grow(A, 5);
	peer_network_pass(&network, 1500);
	network_release(wire, &holder, SIZE_MAX);
	wire->is_stuck = false;
	peer_network_run(&network);
	assert_false(peers_own_log_is_behind(A->peers));
	assert_int_equal(1, network_dropped(A, PEER_DROP_STALE));
	assert_true(network_all_up(&network));
}

/* It began as long as the old keys counted. */
static void
a_handshake_does_not_outlive_the_keys_that_it_began_with(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_holder holder = {.piece = 2};
	struct network_heard b = {};
	peer_network_start(&network, 2);
	network_listen(B, &b);
	struct network_wire *wire = network_connect_held(A, B, &holder);
	B->keepers.of_party[1]->key[0] ^= 1;
	B->keepers.changes++;
	peers_turn(B->peers, network.now_ms);
	network_release(wire, &holder, SIZE_MAX);
	wire->is_stuck = false;
	peer_network_run(&network);
	assert_int_equal(0, b.up);
	assert_int_equal(network_peer(B, A)->state, PEER_ABSENT);
}

RUN_TESTS(T(under_a_hostile_relay_nothing_arrives_that_was_not_sent_and_nothing_is_refused),
	  T(two_channels_that_are_spliced_end), T(what_was_true_and_held_back_until_the_log_had_grown_blames_nobody),
	  T(a_log_that_was_put_back_before_it_greets_is_refused_however_late_its_hello_comes),
	  T(a_stream_that_began_before_a_log_was_re_admitted_is_over),
	  T(another_log_of_the_same_size_is_refused_though_its_hello_was_overtaken),
	  T(of_streams_that_greet_side_by_side_one_is_open), T(who_is_up_is_who_its_own_stream_said),
	  T(a_log_that_grew_while_its_hello_was_held_back_does_not_take_itself_for_an_older_one),
	  T(a_handshake_does_not_outlive_the_keys_that_it_began_with))
