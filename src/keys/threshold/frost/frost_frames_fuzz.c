/*
 * Frames of FROST's dealing, of a change of members and of signing, from a peer on its own channel, and shares at rest. The input chooses
 * a protocol, a scheme, a round, a place and what is changed there in an honest frame, of a change of members also whose frame to whom,
 * and whether its sender deals another number than its share; whoever receives it must end, and nobody may come by a share or a
 * signature because of it. A blob that was changed never opens.
 * Readers: keys/threshold/frost/frost_dealing.c (check_dealer, take_dealt_share, check_opening, check_echoes, check_openings,
 * check_confirmations),
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
/* A change of members: 1 and 2 deal to 1, 3 and 4, of whom all sign. One stays, one goes, one holds on without dealing, one comes. */
constexpr uint8_t MEMBERS = 4;
constexpr uint8_t GOES = 2;
static const uint8_t STAY_OR_COME[] = {1, 3, 4};

struct change {
	uint8_t scheme; /* 0 or 1 */
	uint8_t type, from, to;
	bool lies; /* change of members: from, which deals, deals another number than its share */
	size_t at;
	struct bytes pattern;
	bool done; /* and something differs */
};

struct machines {
	struct repeating streams[MEMBERS + 1];
	struct frost_dealing *dealings[MEMBERS + 1];
	struct frost_quorum *quorums[MEMBERS + 1];
};

/* Null: this party is in no run. */
static struct exchange *
exchange_of(struct machines *machines, uint8_t party) {
	if (machines->dealings[party] != nullptr)
		return frost_dealing_exchange(machines->dealings[party]);
	return machines->quorums[party] != nullptr ? frost_quorum_exchange(machines->quorums[party]) : nullptr;
}

static void
lay_over(struct change *change, struct buffer *frame) {
	for (size_t i = 0, at = change->at; i < change->pattern.len && at < frame->len; i++, at++) {
		change->done = change->done || change->pattern.data[i] != 0;
		frame->data[at] ^= change->pattern.data[i];
	}
}

/* Whoever lies says nothing of what it finds out itself by that. */
static bool
is_kept_back(const struct change *change, uint8_t party, struct bytes frame) {
	return change->lies && party == change->from && frame.data[6] == MESSAGE_ABORT;
}

static void
carry(struct machines *machines, struct change *change, uint8_t from, uint8_t to, struct bytes frame) {
	_cleanup_(buffer_free) struct buffer carried = {};
	buffer_append_bytes(&carried, frame);
	if (from == change->from && to == change->to && frame.data[6] == change->type)
		lay_over(change, &carried);
	/* What fails shows in the state. */
	IGNORE_STATUS(exchange_receive(exchange_of(machines, to), buffer_bytes(&carried)));
}

static void
run(struct machines *machines, struct change *change) {
	for (bool moved = true; moved;) {
		moved = false;
		for (uint8_t party = 1; party <= MEMBERS; party++) {
			struct exchange *exchange = exchange_of(machines, party);
			uint8_t to;
			struct bytes frame;
			if (exchange == nullptr || !exchange_next(exchange, &to, &frame))
				continue;
			moved = true;
			if (!is_kept_back(change, party, frame))
				carry(machines, change, party, to, frame);
		}
	}
}

static void
end(struct machines *machines) {
	for (uint8_t party = 1; party <= MEMBERS; party++) {
		frost_dealing_destroy(&machines->dealings[party]);
		frost_quorum_destroy(&machines->quorums[party]);
	}
}

static enum frost_scheme
scheme_of(size_t number) {
	return number == 0 ? FROST_SCHEME_ED25519 : FROST_SCHEME_BIP340;
}

static void
start_dealing(struct machines *machines, enum frost_scheme scheme) {
	for (uint8_t party = 1; party <= PARTIES; party++) {
		machines->streams[party] = repeating_stream("fuzz", party);
		struct frost_dealing_terms terms = {.instance = INSTANCE,
						    .nonce = NONCE,
						    .self = party,
						    .randomness = {repeating_fill, &machines->streams[party]},
						    .key = {.id = "k",
							    .scheme = scheme,
							    .threshold = 2,
							    .epoch = 1,
							    .holders = parties_up_to(PARTIES)}};
		must(frost_dealing_start(&machines->dealings[party], &terms) == OK);
	}
}

/* A key of each scheme, and the same among its next members, made once. */
static struct frost_key_share *shares[2][PARTIES + 1];
static struct frost_key_info reshared[2];

/* As of a holder that has its share: what it deals and what it says of itself fit each other, and not what all others know of it. */
static void
make_lying_share(const struct frost_key_share *share, struct frost_key_share **lying) {
	const struct frost_suite *suite = frost_scheme_suite(share->key.scheme);
	const struct frost_scalar one = suite->scalar_of(1), other = suite->add(frost_key_share_value(share), &one);
	struct frost_key_info key = share->key;
	must(suite->element_of(&other, &key.public_shares[party_set_position(&key.holders, share->self)]) == OK);
	must(frost_key_share_create(lying, &key, share->self) == OK);
	*frost_key_share_value(*lying) = other;
}

static void
start_member(struct machines *machines, size_t scheme, uint8_t party, const struct frost_key_share *old_share) {
	const struct party_set dealers = parties_up_to(2), all = parties_up_to(MEMBERS);
	const struct frost_key_info *old = old_share != nullptr ? &old_share->key : &shares[scheme][1]->key;
	machines->streams[party] = repeating_stream("again", party);
	struct frost_dealing_terms terms = {.kind = FROST_DEALING_RESHARE,
					    .instance = INSTANCE,
					    .nonce = NONCE,
					    .self = party,
					    .randomness = {repeating_fill, &machines->streams[party]},
					    .key = *old,
					    .old_key = old,
					    .dealers = &dealers,
					    .old_share = old_share};
	terms.key.epoch = old->epoch + 1;
	terms.key.threshold = ARRAY_LENGTH(STAY_OR_COME);
	must(party_set_choose(&all, STAY_OR_COME, ARRAY_LENGTH(STAY_OR_COME), &terms.key.holders) == OK);
	must(frost_dealing_start(&machines->dealings[party], &terms) == OK);
}

/* liar: one of the two that deal; 0: none. */
static void
start_resharing(struct machines *machines, size_t scheme, uint8_t liar) {
	for (uint8_t party = 1; party <= MEMBERS; party++) {
		_cleanup_(frost_key_share_destroy) struct frost_key_share *lying = nullptr;
		if (party == liar)
			make_lying_share(shares[scheme][party], &lying);
		start_member(machines, scheme, party,
			     lying != nullptr ? lying
			     : party <= 2     ? shares[scheme][party]
					      : nullptr);
	}
}

static void
make_keys(void) {
	for (size_t i = 0; i < 2 && shares[i][1] == nullptr; i++) {
		struct machines machines = {}, again = {};
		struct change none = {};
		start_dealing(&machines, scheme_of(i));
		run(&machines, &none);
		for (uint8_t party = 1; party <= PARTIES; party++) {
			shares[i][party] = frost_dealing_take_share(machines.dealings[party]);
			must(shares[i][party] != nullptr);
		}
		end(&machines);
		start_resharing(&again, i, 0);
		run(&again, &none);
		must(frost_dealing_confirmed(again.dealings[1], &reshared[i]));
		end(&again);
	}
}

/* What is opened names whoever opens it, whatever of it is wrong. The echo before it does not. */
static void
check_blame(struct machines *machines, const struct change *change) {
	bool is_opening = change->type == FROST_DEALING_MESSAGES[1].type && change->at >= MESSAGE_HEADER_SIZE + 32;
	if (change->done && is_opening && !change->lies)
		must(exchange_of(machines, change->to)->culprit == change->from);
}

static void
try_dealing(struct change *change) {
	struct machines machines = {};
	start_dealing(&machines, scheme_of(change->scheme));
	run(&machines, change);
	struct frost_key_info key;
	bool confirmed = frost_dealing_confirmed(machines.dealings[VICTIM], &key);
	if (change->done)
		must(!confirmed);
	must(confirmed == (frost_dealing_exchange(machines.dealings[VICTIM])->state == EXCHANGE_DONE));
	check_blame(&machines, change);
	end(&machines);
}

/* Who confirms has the same key, of the same public shares as in an honest run; of it the one that goes holds nothing, all others their share. */
static bool
ends_well(struct machines *machines, size_t scheme, uint8_t party) {
	struct frost_key_info key;
	struct frost_dealing *dealing = machines->dealings[party];
	bool confirmed = frost_dealing_confirmed(dealing, &key);
	_cleanup_(frost_key_share_destroy) struct frost_key_share *share = frost_dealing_take_share(dealing);
	must(confirmed == (frost_dealing_exchange(dealing)->state == EXCHANGE_DONE));
	must((share != nullptr) == (confirmed && party != GOES));
	if (!confirmed)
		return false;
	must(memcmp(&key.public_key, &shares[scheme][1]->key.public_key, sizeof key.public_key) == 0);
	must(memcmp(key.chain_code, shares[scheme][1]->key.chain_code, sizeof key.chain_code) == 0);
	must(memcmp(key.public_shares, reshared[scheme].public_shares,
		    ARRAY_LENGTH(STAY_OR_COME) * sizeof key.public_shares[0]) == 0);
	must(share == nullptr || frost_key_share_check(share) == OK);
	return true;
}

static void
try_resharing(struct change *change) {
	struct machines machines = {};
	size_t blaming = 0;
	start_resharing(&machines, change->scheme, change->lies ? change->from : 0);
	run(&machines, change);
	for (uint8_t party = 1; party <= MEMBERS; party++) {
		bool is_well = ends_well(&machines, change->scheme, party);
		blaming += exchange_of(&machines, party)->culprit == change->from;
		must(!is_well || !change->lies);
		must(party != change->to || is_well == (!change->done && !change->lies));
	}
	check_blame(&machines, change);
	must(!change->lies || change->done || blaming > 0); /* who did not may have heard of that one's end first */
	end(&machines);
}

static void
try_signing(struct change *change) {
	struct machines machines = {};
	const struct party_set signers = parties_up_to(PARTIES);
	uint8_t signature[64];
	for (uint8_t party = 1; party <= PARTIES; party++) {
		machines.streams[party] = repeating_stream("fuzz", party);
		struct frost_quorum_terms terms = {.share = shares[change->scheme][party],
						   .signers = &signers,
						   .instance = INSTANCE,
						   .nonce = NONCE,
						   .message = BYTES_OF_LITERAL("sell"),
						   .randomness = {repeating_fill, &machines.streams[party]}};
		must(frost_quorum_start(&machines.quorums[party], &terms) == OK);
	}
	run(&machines, change);
	must(frost_quorum_signature(machines.quorums[VICTIM], signature) != change->done);
	end(&machines);
}

static void
try_blob(struct change *change) {
	_cleanup_(buffer_free) struct buffer blob = {};
	const struct frost_key_share *share = shares[change->scheme][1];
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

/* Of the second byte of the input the high four bits say whose frame to whom, of all pairs that there are. */
static void
choose_pair(struct change *change, uint8_t chosen) {
	uint8_t pair = chosen % (MEMBERS * (MEMBERS - 1));
	change->from = (uint8_t)(1 + pair / (MEMBERS - 1));
	change->to = (uint8_t)(1 + pair % (MEMBERS - 1));
	change->to += change->to >= change->from;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	enum { DEALING, BLOB, SIGNING, RESHARING };
	static void (*const subjects[])(struct change *change) = {
		[DEALING] = try_dealing, [BLOB] = try_blob, [SIGNING] = try_signing, [RESHARING] = try_resharing};
	if (size < 4)
		return 0;
	make_keys();
	size_t subject = data[0] / 2 % ARRAY_LENGTH(subjects);
	struct change change = {.scheme = data[0] & 1,
				.type = data[1],
				.from = LIAR,
				.to = VICTIM,
				.at = (size_t)data[2] << 8 | data[3],
				.pattern = bytes_of(data + 4, size - 4)};
	if (subject == RESHARING) {
		choose_pair(&change, data[1] >> 4);
		change.type = data[1] & 15;
		change.lies = data[0] & 0x80 && change.from <= 2;
	}
	subjects[subject](&change);
	return 0;
}
