#include "tests/test.h"

#include "tests/peer_network.h"

static void
keepers_find_each_other_and_talk(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_heard a = {}, b = {.does_answer = true}, c = {};
	peer_network_start(&network, 3);
	network_listen(A, &a);
	network_listen(B, &b);
	network_listen(C, &c);
	assert_fails(STATUS_UNAVAILABLE, "peers.absent", (peers_turn(C->peers, network.now_ms), SEND(C, A, "early")));
	peer_network_pass(&network, 500);
	assert_true(network_all_up(&network));
	assert_int_equal(a.up + b.up + c.up, 6);
	assert_memory_equal(network_peer(A, B)->boot_epoch, peers_own_epoch(B->peers), PEER_EPOCH_SIZE);
	assert_memory_equal(network_peer(A, B)->identity, peers_own_identity(B->peers), 32);
	assert_memory_equal(network_peer(C, B)->identity, network_peer(A, B)->identity, 32);
	assert_int_equal(peers_own_party(C->peers), 3);
	assert_int_equal(network_peer(A, C)->version, PEER_VERSION);
	assert_ok(SEND(A, B, "one "));
	assert_ok(SEND(A, B, "two"));
	assert_ok(peers_send(A->peers, network_peer(A, B), PEER_PROPOSE, BYTES_OF_LITERAL("?")));
	peer_network_pass(&network, 500);
	assert_int_equal(b.messages, 3);
	assert_string_equal(b.text, "one two?");
	assert_string_equal(a.text, "taken");
	assert_int_equal(c.messages, 0);
	assert_fails(STATUS_INVALID, "peers.kind",
		     peers_send(A->peers, network_peer(A, B), PEER_BEAT, BYTES_OF_LITERAL("x")));
	assert_fails(STATUS_TOO_LARGE, "peers.body",
		     peers_send(A->peers, network_peer(A, B), PEER_PROTOCOL, (struct bytes){}));
	/* The bundle of one changes: the others hear it with the next beat. */
	B->bundle = (struct hash256){{7}};
	peer_network_pass(&network, 1500);
	assert_int_equal(a.bundles + c.bundles, 2);
	assert_int_equal(network_peer(A, B)->bundle.bytes[0], 7);
	assert_int_equal(peers_counters(A->peers)->up.value, 2);
}

static void
large_messages_arrive_whole_under_credit_and_a_full_queue_is_said(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	_cleanup_(buffer_free) struct buffer large = {};
	struct network_heard b = {};
	peer_network_start(&network, 2);
	network_listen(B, &b);
	peer_network_pass(&network, 500);
	for (size_t i = 0; i < PEER_BODY_MAX; i++)
		buffer_append_byte(&large, (uint8_t)i);
	enum status status = OK;
	size_t sent = 0;
	for (; status == OK; sent += status == OK)
		status = peers_send(A->peers, network_peer(A, B), PEER_PROTOCOL, buffer_bytes(&large));
	assert_fails(STATUS_UNAVAILABLE, "peers.backlog",
		     peers_send(A->peers, network_peer(A, B), PEER_PROTOCOL, buffer_bytes(&large)));
	assert_int_equal(sent, 7); /* with what TLS adds, eight do not fit */
	peer_network_pass(&network, 500);
	assert_int_equal(b.messages, sent);
	assert_ok(peers_send(A->peers, network_peer(A, B), PEER_PROTOCOL, buffer_bytes(&large)));
}

static void
a_cut_is_noticed_in_seconds_and_healed_with_the_same_epoch(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_heard a = {}, c = {};
	peer_network_start(&network, 3);
	network_listen(A, &a);
	network_listen(C, &c);
	peer_network_pass(&network, 500);
	uint8_t epoch[PEER_EPOCH_SIZE];
	memcpy(epoch, network_peer(A, B)->boot_epoch, sizeof epoch);
	network.cut[1][2] = true;
	assert_ok(SEND(A, B, "lost"));
	peer_network_pass(&network, 3000);
	assert_int_equal(network_peer(A, B)->state, PEER_UP);
	peer_network_pass(&network, 2000);
	assert_int_equal(network_peer(A, B)->state, PEER_ABSENT);
	assert_int_equal(network_peer(B, A)->state, PEER_ABSENT);
	assert_int_equal(network_peer(C, B)->state, PEER_UP);
	assert_int_equal(a.down, 1);
	assert_int_equal(network_dropped(A, PEER_DROP_SILENT), 1);
	assert_int_equal(peers_counters(A->peers)->missing.value, 1);
	assert_fails(STATUS_UNAVAILABLE, "peers.absent", SEND(A, B, "x"));
	network.cut[1][2] = false;
	peer_network_pass(&network, 1000);
	assert_true(network_all_up(&network));
	assert_memory_equal(a.epoch, epoch, sizeof epoch);
	assert_int_equal(c.down, 0);
}

static void
a_restart_is_seen_by_its_new_epoch(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_heard a = {};
	peer_network_start(&network, 2);
	network_listen(A, &a);
	peer_network_pass(&network, 500);
	uint8_t epoch[PEER_EPOCH_SIZE];
	memcpy(epoch, a.epoch, sizeof epoch);
	network_stop_node(B);
	peer_network_pass(&network, 500);
	assert_int_equal(network_peer(A, B)->state, PEER_ABSENT);
	network_start_node(B);
	peer_network_pass(&network, 1000);
	assert_true(network_all_up(&network));
	assert_memory_not_equal(a.epoch, epoch, sizeof epoch);
	/* So does a machine that was put back, which only its generation tells. */
	memcpy(epoch, a.epoch, sizeof epoch);
	peers_renew_epoch(B->peers);
	peer_network_pass(&network, 1000);
	assert_true(network_all_up(&network));
	assert_int_equal(a.down, 2);
	assert_memory_not_equal(a.epoch, epoch, sizeof epoch);
}

/* --- Logs that go back. --- */

static void
an_older_log_is_refused_by_name_until_people_re_admit_it(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	peer_network_start(&network, 3);
	peer_network_pass(&network, 500);
	network_grow(B, 50);
	peer_network_pass(&network, 1500); /* said by beats */
	assert_int_equal(peers_shown(A->peers, network_peer(A, B))->size, 60);
	network_stop_node(B);
	peer_network_pass(&network, 15'000); /* away: made durable */
	assert_int_equal(A->keepers.of_party[2]->seen.size, 60);
	network_shrink(B, 30);
	network_start_node(B);
	peer_network_pass(&network, 1000);
	assert_int_equal(network_peer(A, B)->state, PEER_REFUSED);
	assert_int_equal(network_peer(C, B)->state, PEER_REFUSED);
	assert_string_equal(A->keepers.of_party[2]->reason, "peers.behind");
	assert_int_equal(A->keepers.of_party[2]->shown.size, 30);
	assert_true(peers_own_log_is_behind(B->peers));
	assert_false(peers_own_log_is_behind(C->peers));
	assert_true(network_dropped(A, PEER_DROP_REFUSED) > 0);
	/* Growing past it does not help: the history is another. */
	network_grow(B, 1);
	network_stop_node(A); /* the refusal is durable */
	network_start_node(A);
	peer_network_pass(&network, 3000);
	assert_int_equal(network_peer(A, B)->state, PEER_REFUSED);
	assert_int_equal(network_peer(C, A)->state, PEER_UP);
	uint64_t admission = network_peer(A, B)->admission;
	struct mark head = {tree_size(B->tree), tree_root(B->tree)};
	assert_ok(keepers_readmit(&A->keepers, BYTES_OF_LITERAL("b"), &head));
	peer_network_pass(&network, 2000);
	assert_int_equal(network_peer(A, B)->state, PEER_UP);
	assert_int_equal(network_peer(A, B)->admission, admission + 1);
	assert_int_equal(network_peer(C, B)->state, PEER_REFUSED);
}

static void
a_head_that_cannot_be_is_no_head(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	peer_network_start(&network, 2);
	peer_network_pass(&network, 500);
	B->claimed = (struct head){UINT64_C(1) << 53, {{1}}};
	peer_network_pass(&network, 3000);
	assert_true(network_dropped(A, PEER_DROP_PROTOCOL) > 0);
	assert_int_equal(network_peer(A, B)->state, PEER_ABSENT);
	assert_false(A->keepers.of_party[2]->is_refused);
	assert_int_equal(peers_shown(A->peers, network_peer(A, B))->size, 10);
	B->claimed.size = 0;
	peer_network_pass(&network, 3000);
	assert_true(network_all_up(&network));
}

/* Restored, and gone on by itself beyond what the others have seen: larger, and no continuation. */
static void
a_log_that_went_another_way_is_refused_by_its_history(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	peer_network_start(&network, 2);
	peer_network_pass(&network, 500);
	network_grow(B, 50);
	peer_network_pass(&network, 1500);
	network_stop_node(B);
	peer_network_pass(&network, 500);
	network_shrink(B, 30);
	struct hash256 other = {{1}};
	assert_ok(tree_append(B->tree, &other));
	network_grow(B, 100);
	network_start_node(B);
	peer_network_pass(&network, 1000);
	assert_int_equal(network_peer(A, B)->state, PEER_REFUSED);
	assert_string_equal(A->keepers.of_party[2]->reason, "peers.fork");
}

static void
another_log_of_the_same_size_is_refused(void **) {
	for (int restarts = 0; restarts <= 1; restarts++) { /* told by a beat, and by the next hello */
		_cleanup_(peer_network_end) struct peer_network network;
		peer_network_start(&network, 2);
		peer_network_pass(&network, 500);
		assert_int_equal(peers_shown(A->peers, network_peer(A, B))->size, 10);
		if (restarts) {
			network_stop_node(B);
			peer_network_pass(&network, 500);
		}
		network_fork(B);
		if (restarts)
			network_start_node(B);
		peer_network_pass(&network, 1500);
		assert_int_equal(network_peer(A, B)->state, PEER_REFUSED);
		assert_string_equal(A->keepers.of_party[2]->reason, "peers.fork");
	}
}

static void
forge_ed25519(struct head_signatures *signatures) {
	signatures->ed25519[5] ^= 1;
}

static void
forge_mldsa44(struct head_signatures *signatures) {
	signatures->mldsa44[5] ^= 1;
}

/* Whoever has a keeper's channel keys, and not both of its log's, cannot say what its log is. */
static void
a_hello_whose_head_the_log_has_not_signed_is_not_taken(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_heard a = {};
	peer_network_start(&network, 2);
	network_listen(A, &a);
	static void (*const forged[])(struct head_signatures *) = {forge_ed25519, forge_mldsa44};
	for (size_t i = 0; i < ARRAY_LENGTH(forged); i++) {
		int64_t before = network_dropped(A, PEER_DROP_HELLO);
		B->forge = forged[i];
		peer_network_pass(&network, 3000);
		assert_true(network_dropped(A, PEER_DROP_HELLO) > before);
		assert_int_equal(network_peer(A, B)->state, PEER_ABSENT);
		assert_int_equal(a.up, 0);
		assert_int_equal(peers_shown(A->peers, network_peer(A, B))->size, 0);
		assert_false(A->keepers.of_party[2]->is_refused);
	}
	B->forge = nullptr;
	peer_network_pass(&network, 3000);
	assert_int_equal(a.up, 1);
}

static void
a_head_that_shrinks_on_an_open_channel_is_refused(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_heard a = {};
	peer_network_start(&network, 2);
	network_listen(A, &a);
	peer_network_pass(&network, 500);
	network_grow(B, 5);
	peer_network_pass(&network, 1500);
	network_shrink(B, 12); /* no less than its hello said, and less than a beat did */
	peer_network_pass(&network, 1500);
	assert_int_equal(network_peer(A, B)->state, PEER_REFUSED);
	assert_int_equal(a.down, 1);
	assert_int_equal(0, network_dropped(A, PEER_DROP_STALE)); /* by the beat itself, and not by a next hello */
}

static void
what_was_seen_is_durable_once_a_minute_and_does_not_feed_itself(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	peer_network_start(&network, 3);
	for (size_t i = 1; i <= 3; i++)
		network.nodes[i].does_record = true;
	peer_network_pass(&network, 1000);
	size_t at_first = A->recorded;
	peer_network_pass(&network, 600'000);
	assert_true(network_all_up(&network));
	assert_in_range(A->recorded - at_first, 2 * 9, 2 * 10); /* two peers, ten minutes */
	assert_true(A->keepers.of_party[2]->seen.size > 10);
}

/* What one writes of the other makes its log grow, which the other has to write down in its turn. */
static void
a_connection_that_comes_and_goes_writes_no_more_than_one_that_stays(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	peer_network_start(&network, 2);
	network.nodes[1].does_record = network.nodes[2].does_record = true;
	peer_network_pass(&network, 1000);
	size_t at_first = A->recorded;
	for (size_t i = 0; i < 120; i++) {
		peers_renew_epoch(B->peers);
		peer_network_pass(&network, 1000);
		assert_true(network_all_up(&network));
	}
	assert_in_range(A->recorded - at_first, 1, 2); /* two minutes */
	/* Whoever stays away, or ends, loses nothing of it. */
	network_grow(B, 50);
	peer_network_pass(&network, 1500);
	uint64_t shown = peers_shown(A->peers, network_peer(A, B))->size;
	assert_true(A->keepers.of_party[2]->seen.size < shown);
	network_stop_node(A);
	assert_int_equal(A->keepers.of_party[2]->seen.size, shown);
}

/* --- Who may speak. --- */

static void
a_keeper_that_is_removed_is_heard_no_more(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_heard a = {};
	peer_network_start(&network, 3);
	network_listen(A, &a);
	peer_network_pass(&network, 500);
	assert_ok(keepers_remove(&A->keepers, BYTES_OF_LITERAL("b")));
	peer_network_pass(&network, 3000);
	assert_int_equal(a.down, 1);
	assert_null(peers_of_party(A->peers, 2));
	assert_false(peers_at(A->peers, 0)->is_enrolled);
	assert_int_equal(network_peer(B, A)->state, PEER_ABSENT);
	assert_int_equal(network_peer(B, C)->state, PEER_UP);
	/* And again, under its keys: another admission. */
	assert_ok(network_enrol(A, B));
	peer_network_pass(&network, 3000);
	assert_true(network_all_up(&network));
	assert_int_equal(network_peer(A, B)->admission, 2);
}

static void
a_stranger_and_one_with_other_keys_are_never_up(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_heard b = {};
	peer_network_start(&network, 3);
	network_listen(B, &b);
	/* C is not enrolled at B; at A it is with the keys of another machine. */
	assert_ok(keepers_remove(&B->keepers, BYTES_OF_LITERAL("c")));
	A->keepers.of_party[3]->key[0] ^= 1;
	peer_network_pass(&network, 5000);
	assert_int_equal(network_peer(C, A)->state, PEER_ABSENT);
	assert_int_equal(network_peer(C, B)->state, PEER_ABSENT);
	assert_int_equal(network_peer(A, C)->state, PEER_ABSENT);
	assert_int_equal(network_peer(A, B)->state, PEER_UP);
	assert_int_equal(b.up, 1);
	assert_true(network_dropped(A, PEER_DROP_HANDSHAKE) > 0);
	/* One that is enrolled with keys that it has not, says nothing at all. */
	assert_ok(keepers_remove(&C->keepers, BYTES_OF_LITERAL("c")));
	peer_network_pass(&network, 1000);
	assert_int_equal(C->announced, 0);
	assert_int_equal(peers_own_party(C->peers), 0);
	assert_null(peers_own_identity(C->peers));
}

static void
strangers_are_bounded_in_number_rate_and_time(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	peer_network_start(&network, 2);
	peer_network_pass(&network, 500);
	for (uint64_t i = 0; i < 100; i++)
		assert_ok(peers_opened(A->peers, 1'000'000 + i, 2, false, network.now_ms));
	int64_t turned_away = network_dropped(A, PEER_DROP_LIMIT);
	assert_int_equal(turned_away, 100 - PEER_STRANGERS_MAX);
	assert_true(network_all_up(&network));
	peer_network_pass(&network, 6000);
	assert_int_equal(network_dropped(A, PEER_DROP_TIMEOUT), PEER_STRANGERS_MAX);
	assert_true(network_all_up(&network));
	/* As many as are let in, closed at once: the rate is bounded. */
	for (uint64_t i = 0; i < 100; i++) {
		assert_ok(peers_opened(A->peers, 2'000'000 + i, 2, false, network.now_ms));
		peers_closed(A->peers, 2'000'000 + i);
	}
	assert_in_range(100 - (network_dropped(A, PEER_DROP_LIMIT) - turned_away), 1, PEER_STRANGERS_PER_S + 1);
}

/* What no honest gateway says ends its channel (keeper/peer_link.h); frames that crossed a drop are counted and nothing more. */
static void
what_a_gateway_may_not_say_of_a_stream_is_refused_by_name(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	peer_network_start(&network, 2);
	peer_network_pass(&network, 500);
	struct network_wire *wire = &network.wires[0];
	uint64_t open = wire->numbers[wire->ends[1] == A], unknown = 1'000'000;
	int64_t limit = network_dropped(A, PEER_DROP_LIMIT);
	assert_fails(STATUS_INVALID, "peers.stream", peers_opened(A->peers, open, 2, true, network.now_ms));
	assert_fails(STATUS_INVALID, "peers.stream", peers_opened(A->peers, open, 1, false, network.now_ms));
	assert_int_equal(limit, network_dropped(A, PEER_DROP_LIMIT));
	assert_fails(STATUS_INVALID, "peers.credit", peers_credited(A->peers, open, PEER_WINDOW + 1));
	assert_fails(STATUS_INVALID, "peers.credit", peers_credited(A->peers, open, UINT32_MAX));
	assert_fails(STATUS_INVALID, "peers.credit", peers_credited(A->peers, open, SIZE_MAX));
	assert_true(network_all_up(&network));
	assert_int_equal(0, peers_counters(A->peers)->strays.value);
	assert_ok(peers_data(A->peers, unknown, BYTES_OF_LITERAL("x"), network.now_ms));
	assert_ok(peers_credited(A->peers, unknown, UINT32_MAX));
	peers_closed(A->peers, unknown);
	assert_int_equal(3, peers_counters(A->peers)->strays.value);
	/* Closed, and closed again. */
	peers_closed(A->peers, open);
	peers_closed(A->peers, open);
	assert_int_equal(4, peers_counters(A->peers)->strays.value);
	assert_int_equal(network_peer(A, B)->state, PEER_ABSENT);
}

/* A gateway that does not read what it is granted sends on all the same: a window, and the frame that overruns it. */
static void
data_beyond_what_was_granted_is_refused_by_name(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	_cleanup_(buffer_free) struct buffer large = {};
	struct network_heard b = {};
	peer_network_start(&network, 2);
	network_listen(B, &b);
	peer_network_pass(&network, 500);
	struct network_wire *wire = &network.wires[0];
	size_t to_b = wire->ends[1] == B;
	for (size_t i = 0; i < 100'000; i++)
		buffer_append_byte(&large, (uint8_t)i);
	B->grants_nothing = true;
	enum status status = OK;
	size_t given = 0, last = 0;
	while (status == OK) {
		assert_ok(peers_send(A->peers, network_peer(A, B), PEER_PROTOCOL, buffer_bytes(&large)));
		peers_turn(A->peers, network.now_ms);
		struct buffer bytes = wire->queued[to_b];
		wire->queued[to_b] = (struct buffer){};
		assert_true(bytes.len > 0);
		status = peers_data(B->peers, wire->numbers[to_b], buffer_bytes(&bytes), network.now_ms);
		assert_ok(peers_credited(A->peers, wire->numbers[1 - to_b], bytes.len));
		last = bytes.len;
		given += status == OK ? bytes.len : 0;
		buffer_free(&bytes);
	}
	assert_int_equal(STATUS_INVALID, status);
	assert_fails(STATUS_INVALID, "peers.window",
		     peers_data(B->peers, wire->numbers[to_b], BYTES_OF_LITERAL("x"), network.now_ms));
	assert_in_range(given, PEER_WINDOW, PEER_WINDOW + last);
	/* Once they are granted again, it goes on. */
	assert_true(b.messages > 0);
}

static void
the_gateway_may_go_and_come(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_heard a = {};
	peer_network_start(&network, 2);
	network_listen(A, &a);
	peer_network_pass(&network, 500);
	peers_lose_gateway(A->peers);
	assert_int_equal(a.down, 1);
	assert_int_equal(network_peer(A, B)->state, PEER_ABSENT);
	A->wanted_count = 0;
	peers_announce(A->peers);
	assert_int_equal(A->wanted_count, 1);
	for (size_t i = 0; i < NETWORK_WIRES_MAX; i++)
		if (network.wires[i].is_used)
			network.wires[i].closed[0] = true; /* A's gateway is gone, and with it its sockets */
	peer_network_pass(&network, 1500);
	assert_true(network_all_up(&network));
}

/* A dead connection that nobody closed, and a new one beside it. */
static void
a_newer_channel_takes_the_place_of_an_older_one(void **) {
	_cleanup_(peer_network_end) struct peer_network network;
	struct network_heard a = {}, b = {};
	peer_network_start(&network, 2);
	network_listen(A, &a);
	network_listen(B, &b);
	peer_network_pass(&network, 500);
	for (size_t i = 0; i < NETWORK_WIRES_MAX; i++)
		network.wires[i].is_stuck = network.wires[i].is_used;
	network_connect(A, B);
	peer_network_run(&network);
	assert_int_equal(a.up, 2);
	assert_int_equal(b.up, 2);
	assert_int_equal(a.down, 1);
	assert_ok(SEND(A, B, "on the new one"));
	peer_network_pass(&network, 500);
	assert_string_equal(b.text, "on the new one");
	assert_int_equal(network_dropped(B, PEER_DROP_REPLACED), 1);
}

RUN_TESTS(T(keepers_find_each_other_and_talk), T(large_messages_arrive_whole_under_credit_and_a_full_queue_is_said),
	  T(a_cut_is_noticed_in_seconds_and_healed_with_the_same_epoch), T(a_restart_is_seen_by_its_new_epoch),
	  T(an_older_log_is_refused_by_name_until_people_re_admit_it),
	  T(a_log_that_went_another_way_is_refused_by_its_history), T(a_head_that_cannot_be_is_no_head),
	  T(another_log_of_the_same_size_is_refused), T(a_hello_whose_head_the_log_has_not_signed_is_not_taken),
	  T(a_head_that_shrinks_on_an_open_channel_is_refused),
	  T(what_was_seen_is_durable_once_a_minute_and_does_not_feed_itself),
	  T(a_connection_that_comes_and_goes_writes_no_more_than_one_that_stays),
	  T(a_keeper_that_is_removed_is_heard_no_more), T(a_stranger_and_one_with_other_keys_are_never_up),
	  T(strangers_are_bounded_in_number_rate_and_time),
	  T(what_a_gateway_may_not_say_of_a_stream_is_refused_by_name),
	  T(data_beyond_what_was_granted_is_refused_by_name), T(the_gateway_may_go_and_come),
	  T(a_newer_channel_takes_the_place_of_an_older_one))
