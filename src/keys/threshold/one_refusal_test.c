/*
 * Who lies to a party learns nothing of the key by how that one ends. Every field of every message, as the tables of messages list them, is
 * changed in what one party sends to another, in every protocol: dealings of all kinds, signing in full rounds, of opaque
 * digests, prepared and with what was prepared, by ECDSA and FROST's schemes. Then the same again with other keys, all else alike: the
 * randomness too, but for what is dealt. At one place, over all keys, these must be equal:
 *   - what the honest say, in order: who to whom, of which type, how long; an abort frame byte for byte, but for the session's id, which the
 *     public key is in. Other frames carry commitments and points of the key; who makes one has not heard of the lie
 *   - which functions ran, in order, at all parties from first to last: those of keys/threshold/, and what they call of base/ and crypto/,
 *     are compiled here with a call at every entry and exit
 *   - how each of the honest ended, and what it keeps to itself: which check failed, of whom, in which round and field.
 * The abort frame is also the same at all places. Pairs of ECDSA's holders keep what they have set up with each other, which no key is in.
 * GATEHOUSE_SOAK=1: 100 keys at each place; fields are changed in one way of three in ceremonies, in all in signing; by FROST, between
 * parties of all roles. Else 3 keys, one way, and of ECDSA's ceremonies each field in one of them.
 */
#include "tests/test.h"

#include <stdio.h>

#include "keys/threshold/shamir.h"
#include "tests/threshold_ceremonies.h"

constexpr size_t KEYS_IN_SOAK = 100;
constexpr size_t KEYS = 3;

/* --- What is played. --- */

struct play {
	const char *name;
	enum scheme scheme;
	const struct ceremony *ceremony; /* how the key comes to be; of signing, how it did */
	void (*sign)(struct network *network);
	enum key_purpose purpose;
};

/* ECDSA's, of as few parties as have all fields: a dealing among three takes a fifth of a second. */
static const struct ceremony SMALL[] = {
	{.name = "made", .threshold = 2, .holders = {1, 2}},
	{.name = "brought in", .threshold = 2, .holders = {1, 2}, .is_import = true},
	{.name = "refreshed",
	 .old_threshold = 2,
	 .old_holders = {1, 2},
	 .dealers = {1, 2},
	 .threshold = 2,
	 .holders = {1, 2}},
	{.name = "one comes in, one leaves",
	 .old_threshold = 2,
	 .old_holders = {1, 2},
	 .dealers = {1, 2},
	 .threshold = 2,
	 .holders = {1, 3}},
	{.name = "repaired",
	 .old_threshold = 2,
	 .old_holders = {1, 2, 3},
	 .dealers = {1, 3},
	 .threshold = 2,
	 .holders = {1, 2, 3},
	 .renewed = 2},
};
static const struct ceremony SIGNED = {.old_threshold = 2, .old_holders = {1, 2, 3}};

static const uint8_t NONCE[32] = {77};
static struct signing *signings[KEEPERS_MAX + 1];
static struct online *onlines[KEEPERS_MAX + 1];
static struct frost_quorum *quorums[KEEPERS_MAX + 1];

static void
sign_in_full(struct network *network) {
	struct ecdsa_request request = plain_request("pay");
	request.opaque = keepers.key.purpose == KEY_PURPOSE_DIGEST;
	keepers_start_signing(&keepers, &keepers.key.holders, &request, NONCE, signings, network);
}

static void
prepare(struct network *network) {
	keepers_start_signing(&keepers, &keepers.key.holders, nullptr, NONCE, signings, network);
}

static void
sign_online(struct network *network) {
	struct presignature *presignatures[KEEPERS_MAX + 1] = {};
	struct ecdsa_request request = plain_request("pay");
	keepers_prepare(&keepers, &keepers.key.holders, NONCE, presignatures);
	keepers_start_online(&keepers, presignatures, &keepers.key.holders, &request, onlines, network);
}

/* A lie about φ shows only in what all add up, when what was prepared is signed with. */
static void
sign_if_prepared(struct network *network) {
	struct presignature *presignatures[KEEPERS_MAX + 1] = {};
	struct ecdsa_request request = plain_request("pay");
	size_t prepared = 0;
	for (uint8_t i = 1; i <= keepers.key.holders.count; i++) {
		presignatures[i] = signing_take_presignature(signings[i]);
		prepared += presignatures[i] != nullptr;
	}
	if (prepared == keepers.key.holders.count)
		keepers_start_online(&keepers, presignatures, &keepers.key.holders, &request, onlines, network);
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		presignature_destroy(&presignatures[i]);
}

static void
sign_by_frost(struct network *network) {
	network->protocol = &frost_quorum_protocol;
	for (size_t i = 0; i < holders.key.holders.count; i++) {
		uint8_t index = holders.key.holders.parties[i].index;
		const struct frost_quorum_terms terms = {.share = holders.shares[index],
							 .signers = &holders.key.holders,
							 .instance = KEEPERS_INSTANCE,
							 .nonce = NONCE,
							 .message = BYTES_OF_LITERAL("sell 3 calls"),
							 .randomness = holders.sources[index]};
		assert_ok(frost_quorum_start(&quorums[index], &terms));
		network->machines[index] = quorums[index];
	}
}

static void
start(const struct play *play, struct network *network) {
	if (play->sign != nullptr)
		play->sign(network);
	else
		start_ceremony(play->scheme, play->ceremony, network);
}

static void
end(void) {
	end_ceremony();
	end_signings(signings);
	end_onlines(onlines);
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		frost_quorum_destroy(&quorums[i]);
}

/* --- Keys. --- */

/* What a party draws: the numbers that it deals are of the key, all else is not. */
struct drawing {
	struct repeating of_key, other;
	size_t dealt; /* numbers, which come first */
};
static struct drawing drawings[KEEPERS_MAX + 1];
static struct randomness sources[KEEPERS_MAX + 1];

static void
draw(void *context, void *to, size_t len) {
	struct drawing *drawing = context;
	bool is_dealt = drawing->dealt > 0 && len == 64;
	drawing->dealt -= is_dealt;
	repeating_fill(is_dealt ? &drawing->of_key : &drawing->other, to, len);
}

static void
seed_sources(const char *of_key, const char *other) {
	for (uint8_t i = 0; i <= KEEPERS_MAX; i++) {
		drawings[i] = (struct drawing){repeating_stream(of_key, i), repeating_stream(other, i), 0};
		sources[i] = (struct randomness){.fill = draw, .context = &drawings[i]};
	}
	keepers.sources = holders.sources = sources;
}

static bool
has_old(const struct play *play) {
	return play->ceremony->old_threshold != 0;
}

static struct ecdsa_share *originals[KEEPERS_MAX + 1]; /* of ECDSA: what pairs have set up */

static void
open_play(const struct play *play) {
	seed_sources("first key", "set-up");
	make_old(play->scheme, play->ceremony);
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		originals[i] = TAKE(keepers.shares[i]);
}

static void
close_play(void) {
	forget_old();
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		ecdsa_share_destroy(&originals[i]);
}

/* Shares of another key with the set-up of the first. */
static void
change_ecdsa_key(const struct play *play) {
	const struct randomness source = {.fill = repeating_fill, .context = &drawings[0].of_key};
	struct scalar secret = scalar_random(&source);
	struct polynomial polynomial;
	struct point point;
	polynomial_create(&polynomial, &secret, keepers.key.threshold, &source);
	assert_ok(point_of_secret(&secret, &point));
	point_write(&point, keepers.key.public_key);
	keepers.key.purpose = play->purpose;
	for (uint8_t i = 1; i <= keepers.key.holders.count; i++) {
		struct scalar share = polynomial_evaluate(&polynomial, i);
		ecdsa_share_destroy(&keepers.shares[i]);
		assert_ok(ecdsa_share_create(&keepers.shares[i], &keepers.key, i));
		memcpy(keepers.shares[i]->memory.data, originals[i]->memory.data, originals[i]->memory.len);
		*ecdsa_share_value(keepers.shares[i]) = share;
		assert_ok(point_of_secret(&share, &point));
		point_write(&point, keepers.key.public_shares[i - 1]);
	}
	for (uint8_t i = 1; i <= keepers.key.holders.count; i++)
		keepers.shares[i]->key = keepers.key;
}

static void
set_key(const struct play *play, size_t number, const char *other) {
	const struct ceremony *ceremony = play->ceremony;
	char of_key[24];
	snprintf(of_key, sizeof of_key, "key %zu", number);
	seed_sources(of_key, other);
	if (has_old(play) && play->scheme == ECDSA)
		change_ecdsa_key(play);
	if (has_old(play) && play->scheme != ECDSA) {
		frost_holders_end(&holders);
		seed_sources("set-up", of_key);
		make_old(play->scheme, ceremony);
		seed_sources(of_key, other);
	}
	repeating_fill(&drawings[0].of_key, imported_key, sizeof imported_key);
	splitting = (struct randomness){.fill = repeating_fill, .context = &drawings[0].of_key};
	for (uint8_t i = 1; play->sign == nullptr && i <= KEEPERS_MAX; i++)
		drawings[i].dealt =
			has(has_old(play) ? ceremony->dealers : ceremony->holders, i) ? ceremony->threshold : 0;
}

/* --- What runs. --- */

static struct {
	bool is_on;
	uint64_t hash, calls;
} trace;

__attribute__((no_instrument_function)) static void
note_call(const void *function, uint64_t way) {
	if (!trace.is_on)
		return;
	trace.hash = (trace.hash ^ (uint64_t)(uintptr_t)function ^ way) * UINT64_C(0x9e3779b97f4a7c15);
	trace.hash ^= trace.hash >> 29;
	trace.calls++;
}

__attribute__((no_instrument_function)) void
__cyg_profile_func_enter(void *function, void *) {
	note_call(function, 1);
}

__attribute__((no_instrument_function)) void
__cyg_profile_func_exit(void *function, void *) {
	note_call(function, 2);
}

/* --- A lie, and what is said. --- */

/* One bit: of a point's sign, so that it is a point still; nothing that any field may be; what is of its kind, and of another session. */
enum way { BIT, ONES, OTHER, WAYS };

struct place {
	uint8_t liar, victim;
	size_t round;
	const struct message_field *field;
	size_t at, size;
	enum way way;
};

/* What the liar said to the victim in another session. */
static struct buffer donors[EXCHANGE_ROUNDS_MAX];

/* The guard on the guard: what a leak would be. */
static enum { NOTHING, A_CALL, A_BYTE } planted;
static size_t planted_bit; /* of the victim's share */

struct hearing {
	const struct play *play;
	const struct place *place; /* field null: nothing is changed, and what the liar says is kept */
	const struct network *network;
	bool is_told, has_ended[KEEPERS_MAX + 1];
	struct hash256 said;
	size_t refusals, other_refusals, words_after;
};

static void
change(const struct hearing *hearing, struct buffer *frame) {
	const struct place *place = hearing->place;
	uint8_t *field = frame->data + place->at;
	uint8_t before[1 << 16];
	assert_true(place->at + place->size <= frame->len && place->size <= sizeof before);
	memcpy(before, field, place->size);
	if (place->way == BIT && hearing->play->scheme == ED25519)
		field[place->size - 1] ^= 0x80;
	else if (place->way == BIT)
		field[0] ^= 1;
	else if (place->way == ONES)
		memset(field, 0xff, place->size);
	else {
		assert_int_equal(frame->len, donors[place->round].len);
		memcpy(field, donors[place->round].data + place->at, place->size);
	}
	assert_memory_not_equal(before, field, place->size);
}

static void
lie(struct hearing *hearing, uint8_t to, struct buffer *frame) {
	const struct place *place = hearing->place;
	const struct exchange_protocol *protocol = exchange_at(hearing->network, place->victim)->protocol;
	if (frame->data[6] == MESSAGE_ABORT)
		frame->data[0] ^= 1; /* it has no scruples: this strays, and ends nothing */
	for (size_t round = 0; round < protocol->rounds && to == place->victim; round++) {
		if (protocol->kinds[round].type != frame->data[6])
			continue;
		if (place->field == nullptr) {
			buffer_reset(&donors[round]);
			buffer_append_bytes(&donors[round], buffer_bytes(frame));
		} else if (round == place->round && !hearing->is_told) {
			change(hearing, frame);
			hearing->is_told = true;
		}
	}
}

static void
read_share(const struct play *play, uint8_t index, uint8_t number[32]) {
	if (play->scheme == ECDSA)
		scalar_write(ecdsa_share_value(keepers.shares[index]), number);
	else
		memcpy(number, frost_key_share_value(holders.shares[index])->bytes, 32);
}

static bool
bit_of(const uint8_t number[32], size_t at) {
	return number[at / 8] >> at % 8 & 1;
}

__attribute__((noinline)) static void
leak(void) {
	__asm__ volatile("");
}

static void
leak_if_planted(const struct hearing *hearing, struct buffer *frame) {
	uint8_t share[32];
	if (planted == NOTHING)
		return;
	read_share(hearing->play, hearing->place->victim, share);
	if (!bit_of(share, planted_bit))
		return;
	if (planted == A_CALL)
		leak();
	else
		buffer_append_byte(frame, 0);
}

static void
hear(void *context, uint8_t from, uint8_t to, struct buffer *frame) {
	struct hearing *hearing = context;
	if (from == hearing->place->liar) {
		lie(hearing, to, frame);
		return;
	}
	uint8_t length[4], said[MESSAGE_HEADER_SIZE];
	uint8_t refusal[MESSAGE_HEADER_SIZE] = {'G', 'H', 'T', 'M', 0, MESSAGE_VERSION, MESSAGE_ABORT, from, to};
	bool is_refusal = frame->data[6] == MESSAGE_ABORT;
	if (is_refusal && from == hearing->place->victim)
		leak_if_planted(hearing, frame);
	store_u32be(length, (uint32_t)frame->len);
	memcpy(said, frame->data, sizeof said);
	const struct hash256 *session = &exchange_at(hearing->network, from)->session.id;
	for (size_t i = 0; i < sizeof session->bytes; i++) /* zeros where it is the session's */
		said[sizeof said - sizeof session->bytes + i] ^= session->bytes[i];
	hearing->said = SHA256_PARTS(hash256_bytes(&hearing->said), BYTES_OF_ARRAY(length), BYTES_OF_ARRAY(said));
	hearing->refusals += is_refusal;
	hearing->other_refusals +=
		is_refusal && (frame->len != sizeof refusal || memcmp(said, refusal, sizeof refusal) != 0);
	hearing->words_after += !is_refusal && hearing->has_ended[from];
	hearing->has_ended[from] = hearing->has_ended[from] || is_refusal;
}

/* --- How it ends. --- */

struct party_ending {
	enum exchange_state state;
	enum status status;
	uint8_t culprit, ended_by;
	size_t failed_round;
	const struct message_field *failed_field;
	char failure[64];
};

struct ending {
	struct hash256 said;
	size_t refusals;
	uint64_t trace, calls;
	struct party_ending honest[KEEPERS_MAX + 1];
	bool is_given_up; /* the liar, which has seen what came of it, says no more, and the victim could not know yet: time ends it */
};

static void
note_endings(const struct network *network, uint8_t liar, struct ending *ending) {
	for (uint8_t i = 1; i <= KEEPERS_MAX; i++) {
		if (network->machines[i] == nullptr || i == liar)
			continue;
		const struct exchange *exchange = exchange_at(network, i);
		struct party_ending *honest = &ending->honest[i];
		honest->state = exchange->state;
		honest->status = network->status[i];
		honest->culprit = exchange->culprit;
		honest->ended_by = exchange->ended_by;
		honest->failed_round = exchange->failed_round;
		honest->failed_field = exchange->failed_field;
		memcpy(honest->failure, network->failure[i], sizeof honest->failure);
	}
}

static void
run(const struct play *play, const struct place *place, size_t key, struct ending *ending) {
	struct network network = {};
	struct hearing hearing = {.play = play, .place = place, .network = &network};
	set_key(play, key, place->field == nullptr ? "another session" : "session");
	memset(ending, 0, sizeof *ending);
	network.on_frame = hear;
	network.context = &hearing;
	trace.hash = trace.calls = 0;
	trace.is_on = true;
	start(play, &network);
	network_run(&network);
	if (hearing.is_told && play->sign == prepare)
		sign_if_prepared(&network);
	network_run(&network);
	trace.is_on = false;
	ending->said = hearing.said;
	ending->refusals = hearing.refusals;
	ending->trace = trace.hash;
	ending->calls = trace.calls;
	note_endings(&network, place->liar, ending);
	ending->is_given_up = exchange_at(&network, place->victim)->state == EXCHANGE_RUNNING &&
			      exchange_at(&network, place->liar)->state == EXCHANGE_ABORTED;
	if (place->field != nullptr) {
		assert_true(hearing.is_told);
		assert_int_equal(0, hearing.words_after);
		if (planted == NOTHING)
			assert_int_equal(0, hearing.other_refusals);
	}
	end();
}

static bool
ends_alike(const struct party_ending *a, const struct party_ending *b) {
	return a->state == b->state && a->status == b->status && a->culprit == b->culprit &&
	       a->ended_by == b->ended_by && a->failed_round == b->failed_round && a->failed_field == b->failed_field &&
	       strcmp(a->failure, b->failure) == 0;
}

/* Null: nothing. */
static const char *
difference(const struct ending *a, const struct ending *b) {
	if (!hash256_equal(&a->said, &b->said) || a->refusals != b->refusals)
		return "what is said";
	if (a->calls != b->calls || a->trace != b->trace)
		return "what runs";
	for (size_t i = 0; i < ARRAY_LENGTH(a->honest); i++)
		if (!ends_alike(&a->honest[i], &b->honest[i]))
			return "how it ends";
	return nullptr;
}

/* --- All places. --- */

struct told {
	size_t places, runs, given_up;
};

static bool
is_ecdsa_ceremony(const struct play *play) {
	return play->scheme == ECDSA && play->sign == nullptr;
}

static void
tell_at(const struct play *play, const struct place *place, struct told *told) {
	struct ending first, again;
	run(play, place, 0, &first);
	const struct party_ending *victim = &first.honest[place->victim];
	if (victim->state != EXCHANGE_ABORTED && !first.is_given_up)
		fail_msg("%s %s, %s from %u to %u: the victim has not ended", SCHEME_NAMES[play->scheme], play->name,
			 place->field->name, place->liar, place->victim);
	assert_true(first.is_given_up || first.refusals > 0);
	assert_true(victim->culprit == 0 || victim->culprit == place->liar);
	assert_true(first.calls > 100);
	for (size_t key = 1; key < (is_soak() ? KEYS_IN_SOAK : KEYS); key++, told->runs++) {
		run(play, place, key, &again);
		const char *what = difference(&first, &again);
		if (what != nullptr)
			fail_msg("%s %s, %s from %u to %u, way %d: %s differs from key to key (%s, %s)",
				 SCHEME_NAMES[play->scheme], play->name, place->field->name, place->liar, place->victim,
				 place->way, what, victim->failure, again.honest[place->victim].failure);
	}
	told->places++;
	told->runs++;
	told->given_up += first.is_given_up;
}

/* Whether a field is changed in that way; ordinal: of the ceremony. */
static bool
is_tried(const struct play *play, size_t ordinal, size_t number, enum way way) {
	if (is_soak() && play->sign != nullptr)
		return true;
	return way == (number + ordinal) % WAYS &&
	       (is_soak() || !is_ecdsa_ceremony(play) || number % ARRAY_LENGTH(SMALL) == ordinal);
}

/* Which fields of the table have had their place. */
typedef bool fields_seen[EXCHANGE_ROUNDS_MAX][MESSAGE_FIELDS_MAX];

static void
tell_between(const struct play *play, size_t ordinal, uint8_t liar, uint8_t victim, fields_seen seen,
	     struct told *told) {
	struct network network = {};
	struct ending ending;
	struct place place = {.liar = liar, .victim = victim};
	set_key(play, 0, "session");
	start(play, &network);
	const struct exchange *exchange = exchange_at(&network, victim);
	const struct exchange_protocol *protocol = exchange->protocol;
	struct message_counts counts = {};
	if (protocol->counts != nullptr)
		counts = protocol->counts(exchange->self, liar, victim);
	end();
	run(play, &place, KEYS_IN_SOAK, &ending);
	size_t number = 0;
	for (size_t round = 0; round < protocol->rounds; round++) {
		const struct message_kind *kind = &protocol->kinds[round];
		size_t at = MESSAGE_HEADER_SIZE;
		for (size_t i = 0; i < kind->field_count; i++, at += place.size, number++) {
			place.field = &kind->fields[i];
			place.round = round;
			place.at = at;
			place.size = place.field->unit *
				     (place.field->count == 0 ? 1 : (size_t)counts.counts[place.field->count]);
			if (place.size == 0 || (seen[round][i] && (!is_soak() || play->scheme == ECDSA)))
				continue;
			seen[round][i] = true;
			for (place.way = 0; place.way < WAYS; place.way++)
				if (is_tried(play, ordinal, number, place.way))
					tell_at(play, &place, told);
		}
		assert_int_equal(message_size(kind, &counts), at);
	}
	for (size_t round = 0; round < EXCHANGE_ROUNDS_MAX; round++)
		buffer_free(&donors[round]);
}

/* Between every two that have other roles than any two before; returns how many fields the tables of its messages have. */
static size_t
tell_in(const struct play *play, size_t ordinal, struct told *told) {
	bool were_seen[16][16] = {};
	fields_seen seen = {};
	struct network network = {};
	struct told before = *told;
	size_t fields = 0;
	open_play(play);
	set_key(play, 0, "session");
	start(play, &network);
	const struct exchange_protocol *protocol = exchange_at(&network, 1)->protocol;
	end();
	for (uint8_t liar = 1; liar <= KEEPERS_MAX; liar++)
		for (uint8_t victim = 1; victim <= KEEPERS_MAX; victim++) {
			bool are_parties = network.machines[liar] != nullptr && network.machines[victim] != nullptr;
			bool *pair = &were_seen[role_of(play->ceremony, liar)][role_of(play->ceremony, victim)];
			if (liar == victim || !are_parties || *pair)
				continue;
			*pair = true;
			tell_between(play, ordinal, liar, victim, seen, told);
		}
	close_play();
	for (size_t round = 0; round < protocol->rounds; round++)
		for (size_t i = 0; i < protocol->kinds[round].field_count; i++, fields++)
			if (!seen[round][i])
				fail_msg("%s %s: %s was never sent", SCHEME_NAMES[play->scheme], play->name,
					 protocol->kinds[round].fields[i].name);
	print_message("# %s, %s: %zu places, %zu runs, %zu given up\n", SCHEME_NAMES[play->scheme], play->name,
		      told->places - before.places, told->runs - before.runs, told->given_up - before.given_up);
	return fields;
}

static void
print_told(const char *name, const struct told *told) {
	print_message("# result one_refusal_%s_places %zu\n# result one_refusal_%s_runs %zu\n", name, told->places,
		      name, told->runs);
	assert_int_equal(told->places * (is_soak() ? KEYS_IN_SOAK : KEYS), told->runs);
}

static void
no_key_shows_in_how_a_dealing_of_ecdsa_ends(void **) {
	struct told told = {};
	size_t fields = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(SMALL); i++)
		fields += tell_in(&(struct play){.name = SMALL[i].name, .scheme = ECDSA, .ceremony = &SMALL[i]}, i,
				  &told);
	print_told("ecdsa_dealing", &told);
	assert_int_equal(is_soak() ? fields : fields / ARRAY_LENGTH(SMALL), told.places);
}

static const struct play ECDSA_SIGNING[] = {
	{"signs", ECDSA, &SIGNED, sign_in_full, KEY_PURPOSE_TRANSFER},
	{"signs an opaque digest", ECDSA, &SIGNED, sign_in_full, KEY_PURPOSE_DIGEST},
	{"prepares", ECDSA, &SIGNED, prepare, KEY_PURPOSE_TRANSFER},
	{"signs what is prepared", ECDSA, &SIGNED, sign_online, KEY_PURPOSE_TRANSFER},
};
static const struct play FROST_SIGNING[] = {
	{"signs", ED25519, &SIGNED, sign_by_frost, KEY_PURPOSE_TRANSFER},
	{"signs", BIP340, &SIGNED, sign_by_frost, KEY_PURPOSE_TRANSFER},
};

static void
tell_in_signing(const char *name, const struct play *plays, size_t count) {
	struct told told = {};
	size_t fields = 0;
	for (size_t i = 0; i < count; i++)
		fields += tell_in(&plays[i], i, &told);
	print_told(name, &told);
	assert_int_equal(fields * (is_soak() ? WAYS : 1), told.places);
}

static void
no_key_shows_in_how_a_signing_by_ecdsa_ends(void **) {
	tell_in_signing("ecdsa_signing", ECDSA_SIGNING, ARRAY_LENGTH(ECDSA_SIGNING));
}

static void
no_key_shows_in_how_a_signing_by_frost_ends(void **) {
	tell_in_signing("frost_signing", FROST_SIGNING, ARRAY_LENGTH(FROST_SIGNING));
}

/* In the long run between all roles, of which the tables have fields_in_soak. */
static void
tell_in_frost_dealing(enum scheme scheme, size_t fields_in_soak) {
	struct told told = {};
	size_t fields = 0;
	char name[32];
	for (size_t i = 0; i < ARRAY_LENGTH(CEREMONIES); i++)
		if (!CEREMONIES[i].is_import)
			fields += tell_in(&(struct play){.name = CEREMONIES[i].name,
							 .scheme = scheme,
							 .ceremony = &CEREMONIES[i]},
					  i, &told);
	snprintf(name, sizeof name, "%s_dealing", SCHEME_NAMES[scheme]);
	print_told(name, &told);
	assert_int_equal(is_soak() ? fields_in_soak : fields, told.places);
}

static void
no_key_shows_in_how_a_dealing_of_ed25519_ends(void **) {
	tell_in_frost_dealing(ED25519, 215);
}

static void
no_key_shows_in_how_a_dealing_of_bip340_ends(void **) {
	tell_in_frost_dealing(BIP340, 215);
}

/* --- The guard on the guard. --- */

/* A bit of the victim's share in which the first two keys differ. */
static void
choose_bit(const struct play *play, uint8_t victim) {
	uint8_t shares[2][32];
	for (size_t key = 0; key < 2; key++) {
		set_key(play, key, "session");
		read_share(play, victim, shares[key]);
	}
	for (planted_bit = 0; bit_of(shares[0], planted_bit) == bit_of(shares[1], planted_bit); planted_bit++)
		assert_true(planted_bit < 255);
}

static void
find_leaks(const struct play *play, size_t *found) {
	struct place place = {.liar = 1, .victim = 2, .at = MESSAGE_HEADER_SIZE, .size = 32, .way = ONES};
	struct network network = {};
	struct ending endings[2];
	open_play(play);
	choose_bit(play, place.victim);
	start(play, &network);
	place.field = exchange_at(&network, place.victim)->protocol->kinds[0].fields;
	end();
	for (planted = NOTHING; planted <= A_BYTE; planted++) {
		run(play, &place, 0, &endings[0]);
		run(play, &place, 1, &endings[1]);
		const char *what = difference(&endings[0], &endings[1]);
		static const char *const expected[] = {"nothing", "what runs", "what is said"};
		assert_string_equal(expected[planted], what ?: "nothing");
		*found += what != nullptr;
	}
	planted = NOTHING;
	close_play();
}

static void
a_leak_that_is_planted_is_found(void **) {
	size_t found = 0;
	find_leaks(&(struct play){.scheme = ECDSA, .ceremony = &SMALL[2]}, &found);
	for (enum scheme scheme = ED25519; scheme <= BIP340; scheme++)
		find_leaks(&(struct play){.scheme = scheme, .ceremony = &CEREMONIES[3]}, &found);
	for (size_t i = 0; i < ARRAY_LENGTH(ECDSA_SIGNING); i++)
		find_leaks(&ECDSA_SIGNING[i], &found);
	for (size_t i = 0; i < ARRAY_LENGTH(FROST_SIGNING); i++)
		find_leaks(&FROST_SIGNING[i], &found);
	print_message("# result one_refusal_planted_leaks_found %zu\n", found);
	assert_int_equal(2 * (3 + ARRAY_LENGTH(ECDSA_SIGNING) + ARRAY_LENGTH(FROST_SIGNING)), found);
}

/* Another failure is another trace; the refusal is the same all the same (run()). */
static void
another_check_that_fails_runs_otherwise(void **) {
	static const char *const failures[] = {"extension.check",
					       "signing.echo"}; /* of the first field of each round */
	struct place place = {.liar = 1, .victim = 2, .at = MESSAGE_HEADER_SIZE, .size = 32, .way = ONES};
	struct ending endings[2];
	open_play(&ECDSA_SIGNING[0]);
	for (; place.round < 2; place.round++) {
		place.field = &SIGNING_MESSAGES[place.round].fields[0];
		assert_int_equal(place.size, place.field->unit);
		run(&ECDSA_SIGNING[0], &place, 0, &endings[place.round]);
		assert_string_equal(failures[place.round], endings[place.round].honest[2].failure);
	}
	assert_true(endings[0].calls != endings[1].calls && endings[0].trace != endings[1].trace);
	close_play();
}

RUN_TESTS(T(no_key_shows_in_how_a_dealing_of_ecdsa_ends), T(no_key_shows_in_how_a_signing_by_ecdsa_ends),
	  T(no_key_shows_in_how_a_dealing_of_ed25519_ends), T(no_key_shows_in_how_a_dealing_of_bip340_ends),
	  T(no_key_shows_in_how_a_signing_by_frost_ends), T(a_leak_that_is_planted_is_found),
	  T(another_check_that_fails_runs_otherwise))
