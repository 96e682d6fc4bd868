/*
 * For tests of what keepers do together: some sets of peers in one process, each with keys and a log of its own, and a network
 * between them that carries bytes as the gateways do, may be cut, and may be listened to and disturbed. The channels are the
 * real ones. Include after tests/test.h.
 *
 * peer_network_run() carries until nobody has anything more to say; time goes by peer_network_pass() alone.
 */
#ifndef GATEHOUSE_TESTS_PEER_NETWORK_H
#define GATEHOUSE_TESTS_PEER_NETWORK_H

#include <stdio.h>
#include <string.h>

#include "keeper/peer_set.h"
#include "ledger/tree.h"

constexpr size_t NETWORK_NODES_MAX = 5;
constexpr size_t NETWORK_WIRES_MAX = 64;
constexpr size_t NETWORK_CREDIT = 256 * 1024;
#define NETWORK_INSTANCE "northwind"

struct peer_network;

struct network_node {
	struct peer_network *network;
	uint8_t party; /* its place, from 1 */
	char name[8];  /* "a", "b", ... */
	struct peers *peers;
	struct keepers keepers; /* of its own decision state */
	struct pinned_identity *identity;
	uint8_t seed[32], key[32], log_seed[32];
	struct mldsa44_private *mldsa44;
	struct head_keys log;
	struct head_signer signer;
	struct tree *tree;
	struct hash256 bundle;
	uint8_t wanted[NETWORK_NODES_MAX]; /* that its gateway is to dial */
	size_t wanted_count;
	uint8_t announced;                                 /* who it says that it is */
	size_t recorded;                                   /* entries "peer" */
	bool grants_nothing;                               /* its gateway reads nothing */
	bool does_record;                                  /* makes its log grow, too */
	struct head claimed;                               /* instead of its log's; size 0: not */
	void (*forge)(struct head_signatures *signatures); /* what becomes of its log's; null: nothing */
};

/* A connection: both ends have a number of their own. */
struct network_wire {
	bool is_used, is_stuck; /* stuck: takes bytes and carries nothing */
	bool hides_end;         /* that one end has closed it is not said to the other */
	struct network_node *ends[2];
	uint64_t numbers[2];
	struct buffer queued[2]; /* to that end */
	bool closed[2];          /* that end has been told, or knows */
};

struct peer_network {
	struct network_node nodes[NETWORK_NODES_MAX + 1]; /* from 1 */
	size_t count;
	struct network_wire wires[NETWORK_WIRES_MAX];
	uint64_t next_number;
	int64_t now_ms;
	bool cut[NETWORK_NODES_MAX + 1][NETWORK_NODES_MAX + 1];
	/* Sees what goes from one to another and may change it; may be null. */
	void (*on_bytes)(void *context, const struct network_node *from, const struct network_node *to,
			 struct buffer *bytes);
	void *context;
	size_t bytes; /* carried */
};

/* --- What a node's set asks of its keeper. --- */

static inline void
network_grow(struct network_node *node, uint64_t entries) {
	for (uint64_t i = 0; i < entries; i++) {
		uint8_t entry[9] = {node->party};
		store_u64be(entry + 1, tree_size(node->tree));
		struct hash256 leaf = tree_leaf_hash(BYTES_OF_ARRAY(entry));
		assert_ok(tree_append(node->tree, &leaf));
	}
}

/* As if it had been put back: the newest entries are gone. */
static inline void
network_shrink(struct network_node *node, uint64_t entries) {
	const struct tree_frontier none = {};
	tree_restart(node->tree, &none);
	network_grow(node, entries);
}

/* As many entries, and the last of them another: it is no older log, and it is not the one that was shown. */
static inline void
network_fork(struct network_node *node) {
	const struct hash256 other = {{1}};
	network_shrink(node, 9);
	assert_ok(tree_append(node->tree, &other));
}

static inline void
network_head(void *context, struct head *head, struct head_signatures *signatures) {
	struct network_node *node = context;
	*head = (struct head){tree_size(node->tree), tree_root(node->tree)};
	if (node->claimed.size > 0)
		*head = node->claimed;
	assert_ok(head_sign(&node->signer, head, 1, signatures));
	if (node->forge != nullptr)
		node->forge(signatures);
}

static inline enum status
network_prove(void *context, uint64_t old_size, uint64_t size, struct proof *proof) {
	struct network_node *node = context;
	struct tree_source source = {.tree = node->tree};
	struct tree_reader reader = tree_reader_of(&source);
	return proof_make_consistency(&reader, old_size, size, proof);
}

static inline struct hash256
network_bundle(void *context) {
	return ((struct network_node *)context)->bundle;
}

static inline enum status
network_record(void *context, struct enrolled_keeper *keeper, const struct mark *head, const char *reason) {
	struct network_node *node = context;
	node->recorded++;
	if (node->does_record)
		network_grow(node, 2);
	struct bytes name = bytes_of_text(keeper->name);
	return reason == nullptr ? keepers_see(&node->keepers, name, head)
				 : keepers_refuse(&node->keepers, name, head, bytes_of_text(reason));
}

static inline struct network_wire *
network_find(struct peer_network *network, const struct network_node *node, uint64_t number, size_t *end) {
	for (size_t i = 0; i < NETWORK_WIRES_MAX; i++)
		for (*end = 0; *end < 2; ++*end)
			if (network->wires[i].is_used && network->wires[i].ends[*end] == node &&
			    network->wires[i].numbers[*end] == number)
				return &network->wires[i];
	return nullptr;
}

static inline bool
network_send(void *context, uint64_t number, struct bytes bytes) {
	struct network_node *node = context;
	size_t end;
	struct network_wire *wire = network_find(node->network, node, number, &end);
	if (wire == nullptr || wire->closed[end])
		return true; /* into the void, as a socket does */
	buffer_append_bytes(&wire->queued[1 - end], bytes);
	return true;
}

static inline bool
network_grant(void *context, uint64_t, size_t) {
	return !((struct network_node *)context)->grants_nothing;
}

static inline void
network_close(void *context, uint64_t number) {
	struct network_node *node = context;
	size_t end;
	struct network_wire *wire = network_find(node->network, node, number, &end);
	if (wire != nullptr)
		wire->closed[end] = true;
}

static inline void
network_announce(void *context, uint8_t own, const uint8_t *parties, const char *const *, size_t count) {
	struct network_node *node = context;
	node->announced = own;
	node->wanted_count = count;
	for (size_t i = 0; i < count; i++)
		node->wanted[i] = parties[i];
}

/* --- Nodes. --- */

static inline void
network_make_keys(struct network_node *node) {
	uint8_t seed[32] = {node->party, 9}, ed25519[32], mldsa44[1312];
	_cleanup_(buffer_free) struct buffer der = {};
	char origin[64];
	node->seed[0] = node->party;
	node->seed[1] = 1;
	node->log_seed[0] = node->party;
	node->log_seed[1] = 2;
	assert_ok(ed25519_public_key(node->seed, node->key));
	assert_ok(pinned_certificate_make(seed, &der));
	assert_ok(pinned_identity_create(&node->identity, seed, buffer_bytes(&der)));
	assert_ok(ed25519_public_key(node->log_seed, ed25519));
	assert_ok(mldsa44_private_create(&node->mldsa44, seed));
	mldsa44_private_public_key(node->mldsa44, mldsa44);
	snprintf(origin, sizeof origin, NETWORK_INSTANCE "/%s", node->name);
	assert_ok(head_keys_make(bytes_of_text(origin), ed25519, mldsa44, &node->log));
	node->signer = (struct head_signer){&node->log, node->log_seed, node->mldsa44};
}

/* One of the nodes, as keeper.add has it, in the state of another. */
static inline enum status
network_enrol(struct network_node *at, const struct network_node *added) {
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(arena_free) struct arena arena = {};
	const json *payload;
	struct json_writer w;
	json_writer_start(&w, &text);
	keeper_write_enrolment(&w, added->name, added->party, &added->log, pinned_identity_hash(added->identity),
			       added->key);
	assert_ok(json_writer_finish(&w));
	assert_ok(json_read(&arena, buffer_bytes(&text), (struct json_limits){}, &payload));
	return keepers_add(&at->keepers, NETWORK_INSTANCE, payload);
}

static inline void
network_start_node(struct network_node *node) {
	const struct peers_host host = {.context = node,
					.instance = NETWORK_INSTANCE,
					.name = node->name,
					.identity = node->identity,
					.seed = node->seed,
					.key = node->key,
					.log = &node->log,
					.keepers = &node->keepers,
					.head = network_head,
					.prove = network_prove,
					.bundle = network_bundle,
					.record = network_record,
					.send = network_send,
					.grant = network_grant,
					.close = network_close,
					.announce = network_announce};
	assert_ok(peers_create(&host, &node->peers));
}

static inline void
network_free_wire(struct network_wire *wire) {
	buffer_free(&wire->queued[0]);
	buffer_free(&wire->queued[1]);
	*wire = (struct network_wire){};
}

/* The process is gone, and what it had in memory with it; the others learn it from their connections. */
static inline void
network_stop_node(struct network_node *node) {
	peers_destroy(&node->peers);
	for (size_t i = 0; i < NETWORK_WIRES_MAX; i++)
		for (size_t end = 0; end < 2; end++)
			if (node->network->wires[i].is_used && node->network->wires[i].ends[end] == node)
				node->network->wires[i].closed[end] = true;
}

static inline void
peer_network_start(struct peer_network *network, size_t count) {
	*network = (struct peer_network){.count = count, .now_ms = 1'000'000, .next_number = 1};
	for (size_t i = 1; i <= count; i++) {
		struct network_node *node = &network->nodes[i];
		*node = (struct network_node){.network = network, .party = (uint8_t)i, .name = {(char)('a' + i - 1)}};
		network_make_keys(node);
		assert_ok(tree_create(&node->tree, 4096));
		network_grow(node, 10);
	}
	for (size_t i = 1; i <= count; i++) {
		for (size_t j = 1; j <= count; j++)
			assert_ok(network_enrol(&network->nodes[i], &network->nodes[j]));
		network_start_node(&network->nodes[i]);
	}
}

static inline void
peer_network_end(struct peer_network *network) {
	for (size_t i = 1; i <= network->count; i++) {
		struct network_node *node = &network->nodes[i];
		peers_destroy(&node->peers);
		keepers_free(&node->keepers);
		pinned_identity_destroy(&node->identity);
		mldsa44_private_destroy(&node->mldsa44);
		head_keys_free(&node->log);
		tree_destroy(&node->tree);
	}
	for (size_t i = 0; i < NETWORK_WIRES_MAX; i++)
		network_free_wire(&network->wires[i]);
}

/* --- Carrying. --- */

static inline bool
network_is_cut(const struct peer_network *network, const struct network_node *a, const struct network_node *b) {
	return network->cut[a->party][b->party] || network->cut[b->party][a->party];
}

static inline bool
network_has_wire(const struct peer_network *network, const struct network_node *a, const struct network_node *b) {
	for (size_t i = 0; i < NETWORK_WIRES_MAX; i++)
		if (network->wires[i].is_used && network->wires[i].ends[0] == a && network->wires[i].ends[1] == b)
			return true;
	return false;
}

/* What two gateways do when one of them dials. */
static inline struct network_wire *
network_connect(struct network_node *from, struct network_node *to) {
	struct peer_network *network = from->network;
	size_t free_wire = 0;
	while (free_wire < NETWORK_WIRES_MAX && network->wires[free_wire].is_used)
		free_wire++;
	assert_true(free_wire < NETWORK_WIRES_MAX);
	struct network_wire *wire = &network->wires[free_wire];
	*wire = (struct network_wire){.is_used = true, .ends = {from, to}};
	wire->numbers[0] = network->next_number++;
	wire->numbers[1] = network->next_number++;
	assert_ok(peers_opened(to->peers, wire->numbers[1], from->party, false, network->now_ms));
	assert_ok(peers_credited(to->peers, wire->numbers[1], NETWORK_CREDIT));
	assert_ok(peers_opened(from->peers, wire->numbers[0], to->party, true, network->now_ms));
	assert_ok(peers_credited(from->peers, wire->numbers[0], NETWORK_CREDIT));
	return wire;
}

static inline bool
network_carry(struct peer_network *network, struct network_wire *wire) {
	bool moved = false;
	if (wire->is_stuck || network_is_cut(network, wire->ends[0], wire->ends[1]))
		return false;
	for (size_t end = 0; end < 2; end++) {
		struct buffer bytes = wire->queued[end];
		struct network_node *from = wire->ends[1 - end], *to = wire->ends[end];
		wire->queued[end] = (struct buffer){};
		if (bytes.len > 0 && to->peers != nullptr && !wire->closed[end]) {
			size_t carried = bytes.len;
			if (network->on_bytes != nullptr)
				network->on_bytes(network->context, from, to, &bytes);
			network->bytes += bytes.len;
			assert_ok(peers_data(to->peers, wire->numbers[end], buffer_bytes(&bytes), network->now_ms));
			if (from->peers != nullptr)
				assert_ok(peers_credited(from->peers, wire->numbers[1 - end], carried));
			moved = true;
		}
		buffer_free(&bytes);
	}
	for (size_t end = 0; end < 2; end++)
		if (wire->closed[1 - end] && !wire->closed[end] && !wire->hides_end && wire->queued[end].len == 0) {
			wire->closed[end] = true;
			if (wire->ends[end]->peers != nullptr)
				peers_closed(wire->ends[end]->peers, wire->numbers[end]);
			moved = true;
		}
	if (wire->closed[0] && wire->closed[1])
		network_free_wire(wire);
	return moved;
}

static inline void
peer_network_run(struct peer_network *network) {
	for (bool moved = true; moved;) {
		moved = false;
		for (size_t i = 0; i < NETWORK_WIRES_MAX; i++)
			if (network->wires[i].is_used)
				moved = network_carry(network, &network->wires[i]) || moved;
	}
}

/* What every process does again and again: dials whom it should, lets time pass. */
static inline void
peer_network_pass(struct peer_network *network, int64_t ms) {
	const int64_t until_ms = network->now_ms + ms;
	do {
		network->now_ms += ms < 500 ? ms : 500;
		for (size_t i = 1; i <= network->count; i++)
			if (network->nodes[i].peers != nullptr)
				peers_turn(network->nodes[i].peers, network->now_ms);
		for (size_t i = 1; i <= network->count; i++)
			for (size_t j = 0; network->nodes[i].peers != nullptr && j < network->nodes[i].wanted_count;
			     j++) {
				struct network_node *from = &network->nodes[i], *to = &network->nodes[from->wanted[j]];
				if (to->peers != nullptr && !network_is_cut(network, from, to) &&
				    !network_has_wire(network, from, to))
					network_connect(from, to);
			}
		peer_network_run(network);
	} while (network->now_ms < until_ms);
}

/* --- Holding back. --- */

/* What TLS makes of a message: a record of its header and one of its body, each with 5, the type and a tag of 16 (RFC 8446 §5.2). */
constexpr size_t NETWORK_PROOF = 2 * 22 + 5 + 64;
constexpr size_t NETWORK_FIRST_CONSISTENCY = 2 * 22 + 5 + 16; /* nothing is remembered: no hashes */

/* A dialler says in pieces: 1 its TLS hello; 2 the end of its handshake, and its proof; 3 its hello, and consistency. */
struct network_holder {
	size_t piece, tail; /* holds back all from there on; of that piece the last bytes alone (0: all of it) */
	const struct network_node *to;
	size_t pieces;
	struct buffer held;
};

static inline void
network_hold(void *context, const struct network_node *, const struct network_node *to, struct buffer *bytes) {
	struct network_holder *holder = context;
	if (to != holder->to || ++holder->pieces < holder->piece)
		return;
	size_t passed = holder->pieces == holder->piece && holder->tail > 0 ? bytes->len - holder->tail : 0;
	buffer_append(&holder->held, bytes->data + passed, bytes->len - passed);
	bytes->len = passed;
}

/* Another connection, of which what is for the far end is held back; afterwards it is stuck. */
static inline struct network_wire *
network_connect_held(struct network_node *from, struct network_node *to, struct network_holder *holder) {
	struct peer_network *network = from->network;
	struct network_wire *wire = network_connect(from, to);
	wire->hides_end = true;
	holder->to = to;
	network->on_bytes = network_hold;
	network->context = holder;
	peer_network_run(network);
	network->on_bytes = nullptr;
	wire->is_stuck = true;
	assert_true(holder->held.len > 0);
	return wire;
}

/* So many of the bytes, at most. */
static inline void
network_release(struct network_wire *wire, struct network_holder *holder, size_t bytes) {
	size_t len = bytes < holder->held.len ? bytes : holder->held.len;
	assert_ok(peers_data(wire->ends[1]->peers, wire->numbers[1], (struct bytes){holder->held.data, len},
			     wire->ends[1]->network->now_ms));
	buffer_free(&holder->held);
}

/* The dialler's half alone: the other end is not told. */
static inline void
network_reset_dialler(struct network_wire *wire) {
	wire->closed[0] = true;
	peers_closed(wire->ends[0]->peers, wire->numbers[0]);
}

static inline const struct peer *
network_peer(const struct network_node *at, const struct network_node *of) {
	const struct peer *peer = peers_of_party(at->peers, of->party);
	assert_non_null(peer);
	return peer;
}

static inline bool
network_all_up(const struct peer_network *network) {
	for (size_t i = 1; i <= network->count; i++)
		for (size_t j = 1; j <= network->count; j++)
			if (i != j && network_peer(&network->nodes[i], &network->nodes[j])->state != PEER_UP)
				return false;
	return true;
}

/* --- What listeners of a node heard. --- */

struct network_heard {
	size_t up, down, bundles, messages;
	char text[4096]; /* of messages, one after another */
	size_t len;
	uint8_t epoch[PEER_EPOCH_SIZE];
	size_t queued;
	/* Answers every message. */
	struct peers *peers;
	bool does_answer;
};

static inline void
network_hear_up(void *context, const struct peer *peer) {
	struct network_heard *heard = context;
	heard->up++;
	memcpy(heard->epoch, peer->boot_epoch, sizeof heard->epoch);
}

static inline void
network_hear_down(void *context, const struct peer *, size_t queued) {
	struct network_heard *heard = context;
	heard->down++;
	heard->queued = queued;
}

static inline void
network_hear_message(void *context, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	struct network_heard *heard = context;
	heard->messages++;
	size_t len = body.len < sizeof heard->text - heard->len ? body.len : sizeof heard->text - heard->len;
	memcpy(heard->text + heard->len, body.data, len);
	heard->len += len;
	if (heard->does_answer && kind == PEER_PROPOSE)
		assert_ok(peers_send(heard->peers, peer, PEER_ANSWER, BYTES_OF_LITERAL("taken")));
}

static inline void
network_hear_bundle(void *context, const struct peer *) {
	((struct network_heard *)context)->bundles++;
}

static inline void
network_listen(struct network_node *node, struct network_heard *heard) {
	heard->peers = node->peers;
	peers_listen(node->peers, &(struct peers_listener){network_hear_up, network_hear_down, network_hear_message,
							   network_hear_bundle, heard});
}

static inline int64_t
network_dropped(const struct network_node *node, enum peer_drop why) {
	return peers_counters(node->peers)->dropped[why].value;
}

/* In a test whose network has this name. */
#define A (&network.nodes[1])
#define B (&network.nodes[2])
#define C (&network.nodes[3])
#define SEND(from, to, text)                                                                                           \
	peers_send((from)->peers, network_peer((from), (to)), PEER_PROTOCOL, BYTES_OF_LITERAL(text))

#endif
