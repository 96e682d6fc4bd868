/*
 * For tests of the threshold ECDSA protocols: some holders in one place and a network between them that hands frames
 * on, in order, and may change one on its way. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_THRESHOLD_KEEPERS_H
#define GATEHOUSE_TESTS_THRESHOLD_KEEPERS_H

#include "keys/threshold/ecdsa/dealing.h"
#include "keys/threshold/ecdsa/presignature.h"
#include "tests/threshold_parties.h"

constexpr size_t KEEPERS_MAX = 5;

/* What the network does with a protocol: one table for dealing, signing and the online round. */
struct protocol {
	struct exchange *(*exchange)(void *machine);
};

#define PROTOCOL(name)                                                                                                 \
	static inline struct exchange *name##_exchange_of(void *machine) {                                             \
		return name##_exchange(machine);                                                                       \
	}                                                                                                              \
	static const struct protocol name##_protocol = {name##_exchange_of};
PROTOCOL(dealing)
PROTOCOL(signing)
PROTOCOL(online)

struct network {
	const struct protocol *protocol;
	void *machines[KEEPERS_MAX + 1]; /* by index; null: not there */
	/* Sees every frame before it is handed on, and may change it; may be null. */
	void (*on_frame)(void *context, uint8_t from, uint8_t to, struct buffer *frame);
	void *context;
	size_t frames, bytes;
	enum status status[KEEPERS_MAX +
			   1]; /* the first failure of each, with its name; of frames that stray if no other */
	char failure[KEEPERS_MAX + 1][64];
};

static inline void
network_deliver(struct network *network, uint8_t from, uint8_t to, struct bytes frame) {
	_cleanup_(buffer_free) struct buffer carried = {};
	buffer_append_bytes(&carried, frame);
	if (network->on_frame != nullptr)
		network->on_frame(network->context, from, to, &carried);
	network->frames++;
	network->bytes += carried.len;
	enum status status =
		exchange_receive(network->protocol->exchange(network->machines[to]), buffer_bytes(&carried));
	bool is_first = network->status[to] == OK || strcmp(network->failure[to], "exchange.stray") == 0;
	if (status != OK && is_first) {
		network->status[to] = status;
		fail_name(network->failure[to], sizeof network->failure[to]);
	}
}

static inline bool
network_step(struct network *network, uint8_t from) {
	uint8_t to;
	struct bytes frame;
	if (network->machines[from] == nullptr ||
	    !exchange_next(network->protocol->exchange(network->machines[from]), &to, &frame))
		return false;
	network_deliver(network, from, to, frame);
	return true;
}

/* Until nobody has anything to send. */
static inline void
network_run(struct network *network) {
	for (bool moved = true; moved;) {
		moved = false;
		for (uint8_t i = 1; i <= KEEPERS_MAX; i++)
			moved = network_step(network, i) || moved;
	}
}

/* Frames of one type, held back. */
struct held_frames {
	struct {
		uint8_t from, to;
		struct buffer frame;
	} frames[KEEPERS_MAX * KEEPERS_MAX];
	size_t count;
};

/* Until nobody has anything to send but what is held back. */
static inline void
network_run_holding(struct network *network, uint8_t type, struct held_frames *held) {
	for (bool moved = true; moved;) {
		moved = false;
		for (uint8_t i = 1; i <= KEEPERS_MAX; i++) {
			uint8_t to;
			struct bytes frame;
			if (network->machines[i] == nullptr ||
			    !exchange_next(network->protocol->exchange(network->machines[i]), &to, &frame))
				continue;
			moved = true;
			if (frame.data[6] != type) {
				network_deliver(network, i, to, frame);
				continue;
			}
			held->frames[held->count].from = i;
			held->frames[held->count].to = to;
			buffer_append_bytes(&held->frames[held->count++].frame, frame);
		}
	}
}

static inline void
network_hand_on(struct network *network, struct held_frames *held) {
	for (size_t i = 0; i < held->count; i++) {
		network_deliver(network, held->frames[i].from, held->frames[i].to,
				buffer_bytes(&held->frames[i].frame));
		buffer_free(&held->frames[i].frame);
	}
	held->count = 0;
}

/* Everyone speaks before anyone hears, and aborts are lost: each party comes to its own conclusion. */
static inline void
network_run_apart(struct network *network) {
	struct {
		uint8_t from, to;
		struct buffer frame;
	} queue[KEEPERS_MAX * KEEPERS_MAX];
	size_t count;
	do {
		count = 0;
		for (uint8_t i = 1; i <= KEEPERS_MAX; i++) {
			uint8_t to;
			struct bytes frame;
			while (network->machines[i] != nullptr &&
			       exchange_next(network->protocol->exchange(network->machines[i]), &to, &frame)) {
				if (frame.data[6] == MESSAGE_ABORT)
					continue;
				queue[count].from = i;
				queue[count].to = to;
				queue[count].frame = (struct buffer){};
				buffer_append_bytes(&queue[count++].frame, frame);
			}
		}
		for (size_t i = 0; i < count; i++) {
			network_deliver(network, queue[i].from, queue[i].to, buffer_bytes(&queue[i].frame));
			buffer_free(&queue[i].frame);
		}
	} while (count > 0);
}

static inline void
network_expect_ok(const struct network *network) {
	for (uint8_t i = 1; i <= KEEPERS_MAX; i++)
		if (network->status[i] != OK)
			fail_msg("party %u: %s: %s", i, status_name(network->status[i]), network->failure[i]);
}

static const uint8_t KEEPERS_NONCE[32] = {42};
static const struct bytes KEEPERS_INSTANCE = {(const uint8_t *)"northwind", 9};

struct keepers {
	struct ecdsa_key key;
	struct ecdsa_share *shares[KEEPERS_MAX + 1]; /* by index */
	struct repeating streams[KEEPERS_MAX + 1];   /* used where seeded */
	bool seeded;
	struct randomness source;         /* used where not seeded */
	const struct randomness *sources; /* by index; used where not null */
};

static inline struct randomness
keepers_randomness(struct keepers *keepers, uint8_t index) {
	if (keepers->sources != nullptr)
		return keepers->sources[index];
	if (!keepers->seeded)
		return keepers->source;
	return (struct randomness){.fill = repeating_fill, .context = &keepers->streams[index]};
}

static inline void
keepers_end(struct keepers *keepers) {
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		ecdsa_share_destroy(&keepers->shares[i]);
}

static inline struct dealing_terms
generate_terms(uint8_t threshold, uint8_t count) {
	return (struct dealing_terms){
		.kind = DEALING_GENERATE,
		.instance = KEEPERS_INSTANCE,
		.nonce = KEEPERS_NONCE,
		.key = {.id = "vault", .threshold = threshold, .epoch = 1, .holders = parties_up_to(count)},
	};
}

/* Runs a dealing among all its parties until it is confirmed, and takes the shares. */
static inline void
keepers_deal(struct keepers *keepers, const struct dealing_terms *terms, struct network *network) {
	struct party_set parties;
	struct dealing *dealings[KEEPERS_MAX + 1] = {};
	assert_ok(party_set_union(terms->dealers == nullptr ? &terms->key.holders : terms->dealers, &terms->key.holders,
				  &parties));
	network->protocol = &dealing_protocol;
	for (size_t i = 0; i < parties.count; i++) {
		uint8_t index = parties.parties[i].index;
		struct dealing_terms own = *terms;
		own.self = index;
		own.randomness = keepers_randomness(keepers, index);
		if (terms->dealers != nullptr && party_set_has(terms->dealers, index))
			own.old_share = keepers->shares[index];
		if (terms->part != nullptr)
			own.part = terms->part + SCALAR_SIZE * i;
		assert_ok(dealing_start(&dealings[index], &own));
		network->machines[index] = dealings[index];
	}
	network_run(network);
	network_expect_ok(network);
	for (uint8_t i = 1; i <= KEEPERS_MAX; i++) {
		if (dealings[i] == nullptr)
			continue;
		assert_int_equal(dealing_exchange(dealings[i])->state, EXCHANGE_DONE);
		assert_true(dealing_confirmed(dealings[i], &keepers->key));
		ecdsa_share_destroy(&keepers->shares[i]);
		keepers->shares[i] = dealing_take_share(dealings[i]);
		assert_int_equal(keepers->shares[i] != nullptr, party_set_has(&terms->key.holders, i));
		dealing_destroy(&dealings[i]);
		network->machines[i] = nullptr;
	}
}

static inline void
keepers_generate(struct keepers *keepers, uint8_t threshold, uint8_t count, enum key_purpose purpose) {
	struct network network = {};
	struct dealing_terms terms = generate_terms(threshold, count);
	terms.key.purpose = purpose;
	keepers_deal(keepers, &terms, &network);
}

static inline struct ecdsa_request
plain_request(const char *message) {
	struct ecdsa_request request = {.bundle_hash = {9}};
	struct hash256 digest = sha256(bytes_of_text(message));
	memcpy(request.digest, digest.bytes, sizeof request.digest);
	return request;
}

/* Starts a signing (request null: a preparation) at every signer. */
static inline void
keepers_start_signing(struct keepers *keepers, const struct party_set *signers, const struct ecdsa_request *request,
		      const uint8_t nonce[32], struct signing *signings[KEEPERS_MAX + 1], struct network *network) {
	network->protocol = &signing_protocol;
	for (size_t i = 0; i < signers->count; i++) {
		uint8_t index = signers->parties[i].index;
		assert_ok(signing_start(&signings[index],
					&(struct signing_terms){.share = keepers->shares[index],
								.signers = signers,
								.instance = KEEPERS_INSTANCE,
								.nonce = nonce,
								.request = request,
								.randomness = keepers_randomness(keepers, index)}));
		network->machines[index] = signings[index];
	}
}

static inline void
end_signings(struct signing *signings[KEEPERS_MAX + 1]) {
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		signing_destroy(&signings[i]);
}

static inline struct party_set
choose_signers(const struct keepers *keepers, const uint8_t *indices, size_t count) {
	struct party_set signers;
	assert_ok(party_set_choose(&keepers->key.holders, indices, count, &signers));
	return signers;
}

/* A presignature at every signer. */
static inline void
keepers_prepare(struct keepers *keepers, const struct party_set *signers, const uint8_t nonce[32],
		struct presignature *presignatures[KEEPERS_MAX + 1]) {
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct network network = {};
	keepers_start_signing(keepers, signers, nullptr, nonce, signings, &network);
	network_run(&network);
	network_expect_ok(&network);
	for (size_t i = 0; i < signers->count; i++) {
		uint8_t index = signers->parties[i].index;
		presignatures[index] = signing_take_presignature(signings[index]);
		assert_non_null(presignatures[index]);
		assert_true(hash256_equal(&presignatures[index]->id, &presignatures[signers->parties[0].index]->id));
	}
	end_signings(signings);
}

static inline void
keepers_start_online(struct keepers *keepers, struct presignature *presignatures[KEEPERS_MAX + 1],
		     const struct party_set *signers, const struct ecdsa_request *request,
		     struct online *onlines[KEEPERS_MAX + 1], struct network *network) {
	network->protocol = &online_protocol;
	for (size_t i = 0; i < signers->count; i++) {
		uint8_t index = signers->parties[i].index;
		assert_ok(online_start(&onlines[index], &presignatures[index], keepers->shares[index], KEEPERS_INSTANCE,
				       request));
		assert_null(presignatures[index]);
		network->machines[index] = onlines[index];
	}
}

static inline void
end_onlines(struct online *onlines[KEEPERS_MAX + 1]) {
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		online_destroy(&onlines[i]);
}

#endif
