/*
 * Frames of FROST's dealing and signing, from a peer on its own channel, and shares at rest. The input chooses a protocol, a scheme, a
 * round, a place and what is changed there in an honest frame; whoever receives it must end, and nobody may come by a share or a
 * signature because of it. A blob that was changed never opens.
 * Readers: keys/threshold/frost/frost_dealing.c (check_dealer, take_dealt_share, check_opening, check_echoes, check_openings),
 * keys/threshold/frost/frost_quorum.c (answer_commitments, add_shares),
 * keys/threshold/frost/key_share.c (check_header, frost_key_share_open), keys/threshold/frost/knowledge.c
 */
#include "keys/threshold/frost/frost_dealing.h"
#include "keys/threshold/frost/frost_quorum.h"
#include "tests/fuzz.h"
#include "tests/threshold_parties.h"

static const struct bytes INSTANCE = {(const uint8_t *)"fuzz", 4};
static const uint8_t NONCE[32] = {1}, WRAPPING_KEY[32] = {2};
constexpr uint8_t PARTIES = 3;
constexpr uint8_t LIAR = 2;
constexpr uint8_t VICTIM = 3;

struct change {
	uint8_t type;
	size_t at;
	struct bytes pattern;
	bool done; /* and something differs */
};

struct machines {
	struct frost_dealing *dealings[PARTIES + 1];
	struct frost_quorum *quorums[PARTIES + 1];
};

static bool
next(struct machines *machines, uint8_t party, uint8_t *to, struct bytes *frame) {
	return machines->dealings[party] != nullptr
		       ? exchange_next(frost_dealing_exchange(machines->dealings[party]), to, frame)
		       : exchange_next(frost_quorum_exchange(machines->quorums[party]), to, frame);
}

/* What fails shows in the state. */
static void
receive(struct machines *machines, uint8_t party, struct bytes frame) {
	if (machines->dealings[party] != nullptr)
		IGNORE_STATUS(exchange_receive(frost_dealing_exchange(machines->dealings[party]), frame));
	else
		IGNORE_STATUS(exchange_receive(frost_quorum_exchange(machines->quorums[party]), frame));
}

static void
lay_over(struct change *change, struct buffer *frame) {
	for (size_t i = 0, at = change->at; i < change->pattern.len && at < frame->len; i++, at++) {
		change->done = change->done || change->pattern.data[i] != 0;
		frame->data[at] ^= change->pattern.data[i];
	}
}

static void
run(struct machines *machines, struct change *change) {
	for (bool moved = true; moved;) {
		moved = false;
		for (uint8_t party = 1; party <= PARTIES; party++) {
			uint8_t to;
			struct bytes frame;
			if (!next(machines, party, &to, &frame))
				continue;
			_cleanup_(buffer_free) struct buffer carried = {};
			buffer_append_bytes(&carried, frame);
			if (change != nullptr && party == LIAR && to == VICTIM && frame.data[6] == change->type)
				lay_over(change, &carried);
			receive(machines, to, buffer_bytes(&carried));
			moved = true;
		}
	}
}

static void
start_dealing(struct machines *machines, enum frost_scheme scheme, struct repeating *streams) {
	for (uint8_t party = 1; party <= PARTIES; party++) {
		streams[party] = repeating_stream("fuzz", party);
		struct frost_dealing_terms terms = {.instance = INSTANCE,
						    .nonce = NONCE,
						    .self = party,
						    .randomness = {repeating_fill, &streams[party]},
						    .key = {.id = "k",
							    .scheme = scheme,
							    .threshold = 2,
							    .epoch = 1,
							    .holders = parties_up_to(PARTIES)}};
		must(frost_dealing_start(&machines->dealings[party], &terms) == OK);
	}
}

/* A key of each scheme, made once. */
static struct frost_key_share *shares[2][PARTIES + 1];

static enum frost_scheme
scheme_of(size_t number) {
	return number == 0 ? FROST_SCHEME_ED25519 : FROST_SCHEME_BIP340;
}

static void
make_keys(void) {
	for (size_t i = 0; i < 2 && shares[i][1] == nullptr; i++) {
		struct machines machines = {};
		struct repeating streams[PARTIES + 1];
		start_dealing(&machines, scheme_of(i), streams);
		run(&machines, nullptr);
		for (uint8_t party = 1; party <= PARTIES; party++) {
			shares[i][party] = frost_dealing_take_share(machines.dealings[party]);
			must(shares[i][party] != nullptr);
			frost_dealing_destroy(&machines.dealings[party]);
		}
	}
}

static void
try_dealing(size_t scheme, struct change *change) {
	struct machines machines = {};
	struct repeating streams[PARTIES + 1];
	start_dealing(&machines, scheme_of(scheme), streams);
	run(&machines, change);
	struct frost_key_info key;
	bool confirmed = frost_dealing_confirmed(machines.dealings[VICTIM], &key);
	if (change->done)
		must(!confirmed);
	must(confirmed == (frost_dealing_exchange(machines.dealings[VICTIM])->state == EXCHANGE_DONE));
	for (uint8_t party = 1; party <= PARTIES; party++)
		frost_dealing_destroy(&machines.dealings[party]);
}

static void
try_signing(size_t scheme, struct change *change) {
	struct machines machines = {};
	struct repeating streams[PARTIES + 1];
	const struct party_set signers = parties_up_to(PARTIES);
	uint8_t signature[64];
	for (uint8_t party = 1; party <= PARTIES; party++) {
		streams[party] = repeating_stream("fuzz", party);
		struct frost_quorum_terms terms = {.share = shares[scheme][party],
						   .signers = &signers,
						   .instance = INSTANCE,
						   .nonce = NONCE,
						   .message = BYTES_OF_LITERAL("sell"),
						   .randomness = {repeating_fill, &streams[party]}};
		must(frost_quorum_start(&machines.quorums[party], &terms) == OK);
	}
	run(&machines, change);
	must(frost_quorum_signature(machines.quorums[VICTIM], signature) != change->done);
	for (uint8_t party = 1; party <= PARTIES; party++)
		frost_quorum_destroy(&machines.quorums[party]);
}

static void
try_blob(size_t scheme, struct change *change) {
	_cleanup_(buffer_free) struct buffer blob = {};
	const struct frost_key_share *share = shares[scheme][1];
	struct frost_key_share *opened = nullptr;
	must(frost_key_share_seal(share, WRAPPING_KEY, INSTANCE, &blob) == OK);
	size_t whole = blob.len;
	if (change->type & 1) /* shorter than it was */
		blob.len = change->at < whole ? change->at : whole;
	lay_over(change, &blob);
	bool differs = change->done || blob.len != whole;
	enum status status = frost_key_share_open(&opened, &share->key, 1, WRAPPING_KEY, INSTANCE, buffer_bytes(&blob));
	must((status == OK) == !differs);
	frost_key_share_destroy(&opened);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static void (*const subjects[])(size_t scheme, struct change *change) = {try_dealing, try_blob, try_signing};
	if (size < 4)
		return 0;
	make_keys();
	struct change change = {
		.type = data[1], .at = (size_t)data[2] << 8 | data[3], .pattern = bytes_of(data + 4, size - 4)};
	subjects[data[0] / 2 % ARRAY_LENGTH(subjects)](data[0] & 1, &change);
	return 0;
}
