/*
 * A peer that lies, on a channel that is its own: every field of every message of every round, as the tables of
 * messages list them, is changed in what party 2 sends to party 1, at its first, middle and last byte. Whatever the
 * field: all parties end without a share or signature, nobody honest is named, all that the victim says from then on is
 * the abort frame, and its set-up with those concerned is gone, and no other: with three signers, and with four, of each pair both ends are
 * compared, every abort being delivered. Which fields name nobody is a table. That none of it depends on the key is one_refusal_test.c.
 */
#include "tests/test.h"

#include "tests/seen_fields.h"
#include "tests/threshold_keepers.h"

constexpr uint8_t LIAR = 2;
constexpr uint8_t VICTIM = 1;
constexpr uint8_t OTHER = 3;
static const uint8_t NONCE[32] = {77};

/* Fields whose change shows only in a sum or a comparison to which several contribute, so that nobody can be named. All
 * others name the sender. */
static const char *const NAMES_NOBODY[] = {
	"deal.commitment", "deal.echo", "deal.transcript", "sign.echo", "sign.psi",
	"sign.w",          "sign.u",    "online.w",        "online.u",
};

static const struct seen SEEN_ELSEWHERE[] = {
	{"deal.commitment", "deal.echo", 1},
	{"deal.offer", nullptr, 0},      /* no point */
	{"deal.offer", "deal.trees", 1}, /* another point: other keys come of it */
	{"deal.salt", nullptr, 0},
	{"deal.coefficients", nullptr, 0},
	{"deal.proof", nullptr, 0},
	{"deal.chain", nullptr, 0},
	{"deal.answer", nullptr, 0},      /* no point */
	{"deal.answer", "deal.trees", 1}, /* another */
	{"deal.trees", "deal.setup", 1},  /* or in itself, by which tree it is */
	{"deal.trees", "deal.trees", 0},
	{"deal.contribution", "deal.setup", 1},
	{"sign.commitment", "sign.column_hash", 0},
	{"sign.corrections", "sign.column_hash", 0},
	{"sign.choice_sum", "sign.column_hash", 0},
	{"sign.salt", nullptr, 0},
	{"sign.nonce_point", nullptr, 0},
	{"sign.key_point", nullptr, 0},
	{"sign.masked", "sign.mu", 0},
	{"sign.eta", "sign.mu", 0},
	{"sign.psi", nullptr, 1},
	{"sign.w", nullptr, 0},
	{"sign.u", nullptr, 0},
	{"online.w", nullptr, 0},
	{"online.u", nullptr, 0},
};

/* Of these what all signers see alike is compared before anybody has given its part of the signature: no pair is lost. */
static const char *const COSTS_NOTHING[] = {"sign.echo"};

static bool
is_among(const char *field, const char *const *fields, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (strcmp(fields[i], field) == 0)
			return true;
	return false;
}

static bool
names_nobody(const char *field) {
	return is_among(field, NAMES_NOBODY, ARRAY_LENGTH(NAMES_NOBODY));
}

static bool
costs_nothing(const char *field) {
	return is_among(field, COSTS_NOTHING, ARRAY_LENGTH(COSTS_NOTHING));
}

/* One change: in the frame of this type from the liar to the victim. */
struct change {
	uint8_t type;
	size_t at;
	bool done;
	/* What the victim has said since, apart from abort frames; and how many of these. */
	size_t words, aborts;
	uint8_t abort_frames[KEEPERS_MAX][MESSAGE_HEADER_SIZE];
};

static uint8_t parties;     /* that sign: 1 to this */
static size_t places_tried; /* of a field */

static void
apply(void *context, uint8_t from, uint8_t to, struct buffer *frame) {
	struct change *change = context;
	if (from == VICTIM && change->done) {
		if (frame->data[6] != MESSAGE_ABORT) {
			change->words++;
			return;
		}
		assert_int_equal(frame->len, MESSAGE_HEADER_SIZE);
		assert_true(change->aborts + 1U < parties);
		memcpy(change->abort_frames[change->aborts++], frame->data, frame->len);
	}
	if (from != LIAR || to != VICTIM || frame->data[6] != change->type || change->done)
		return;
	assert_true(change->at < frame->len);
	frame->data[change->at] ^= 1;
	change->done = true;
}

static size_t fields_changed, changes_made;
static struct ecdsa_share *originals[KEEPERS_MAX + 1];

static struct ecdsa_share *
copy_share(const struct ecdsa_share *share) {
	struct ecdsa_share *copy = nullptr;
	assert_ok(ecdsa_share_create(&copy, &share->key, share->self));
	memcpy(copy->memory.data, share->memory.data, share->memory.len);
	return copy;
}

static void
fresh_keepers(struct keepers *keepers) {
	for (uint8_t i = 1; i <= parties; i++) {
		ecdsa_share_destroy(&keepers->shares[i]);
		keepers->shares[i] = copy_share(originals[i]);
		keepers->streams[i] = repeating_stream("corruption", i);
	}
	keepers->key = originals[1]->key;
	keepers->seeded = true;
}

/* A protocol as these tests see it: start it at all three, tell how it ended. */
struct subject {
	const struct message_kind *kinds;
	size_t rounds;
	void (*start)(struct keepers *keepers, struct network *network);
	const struct protocol *protocol;
	bool (*has_result)(void *machine);
	void (*destroy)(void *machine);
	bool forgets; /* pairs, where a check fails */
};

static bool
is_ready(const struct keepers *keepers, uint8_t party, uint8_t with) {
	return ecdsa_share_pair(keepers->shares[party], with)->ready;
}

/* Whoever is named loses its pair with who has found it out, and that one no other. What names nobody takes all pairs of who has given its
 * part by then and cannot make a signature of what it has got; whoever hears an abort keeps all. */
static bool
is_kept(const struct exchange *exchange, uint8_t party, uint8_t with, const char *field) {
	if (party == VICTIM)
		return costs_nothing(field) || (!names_nobody(field) && with != LIAR);
	return exchange->state != EXCHANGE_ABORTED || exchange->ended_by != 0 || costs_nothing(field);
}

static void
check_pairs(const struct keepers *keepers, const struct network *network, const char *field) {
	for (uint8_t i = 1; i <= parties; i++)
		for (uint8_t j = 1; j <= parties; j++) {
			bool kept = is_kept(network->protocol->exchange(network->machines[i]), i, j, field);
			if (i != j && i != LIAR && is_ready(keepers, i, j) != kept)
				fail_msg("%s: the pair of %u with %u is %s", field, i, j, kept ? "gone" : "kept");
		}
	bool costs_others = names_nobody(field) && !costs_nothing(field);
	for (uint8_t i = 1; !costs_others && i <= parties; i++)
		for (uint8_t j = 1; j <= parties; j++)
			if (i != j && i != LIAR && j != LIAR)
				assert_true(is_ready(keepers, i, j));
}

static void
check_one(const struct subject *subject, const struct message_kind *kind, const struct message_field *field, size_t at,
	  struct bytes *outward) {
	struct keepers keepers = {};
	struct change change = {.type = kind->type, .at = at};
	struct network network = {.on_frame = apply, .context = &change};
	fresh_keepers(&keepers);
	subject->start(&keepers, &network);
	network_run(&network);
	if (!change.done)
		fail_msg("%s: was never sent", field->name);
	for (uint8_t i = 1; i <= parties; i++) {
		if (subject->protocol->exchange(network.machines[i])->state != EXCHANGE_ABORTED ||
		    subject->has_result(network.machines[i]))
			fail_msg("%s, byte %zu: party %u did not end (%s)", field->name, at, i,
				 network.failure[VICTIM]);
	}
	uint8_t culprit = subject->protocol->exchange(network.machines[VICTIM])->culprit;
	if (culprit != (names_nobody(field->name) ? 0 : LIAR))
		fail_msg("%s, byte %zu: party %u is named (%s)", field->name, at, culprit, network.failure[VICTIM]);
	assert_seen(subject->protocol->exchange(network.machines[VICTIM]), (size_t)(kind - subject->kinds), field->name,
		    SEEN_ELSEWHERE, ARRAY_LENGTH(SEEN_ELSEWHERE));
	/* Whoever hears of it by an abort names nobody: the one that ended it may be honest. */
	uint8_t named_by_other = subject->protocol->exchange(network.machines[OTHER])->culprit;
	assert_true(named_by_other == 0 || named_by_other == LIAR);
	assert_int_equal(change.aborts, parties - 1);
	static uint8_t first[KEEPERS_MAX][MESSAGE_HEADER_SIZE];
	if (outward->data == nullptr) {
		memcpy(first, change.abort_frames, sizeof first);
		*outward = bytes_of(first, sizeof first);
	}
	assert_memory_equal(outward->data, change.abort_frames, sizeof change.abort_frames);
	if (subject->forgets)
		check_pairs(&keepers, &network, field->name);
	for (uint8_t i = 1; i <= parties; i++)
		subject->destroy(network.machines[i]);
	keepers_end(&keepers);
	changes_made++;
}

static void
check_all(const struct subject *subject, const struct message_counts *counts) {
	struct bytes outward = {};
	fields_changed = changes_made = 0;
	for (size_t round = 0; round < subject->rounds; round++) {
		const struct message_kind *kind = &subject->kinds[round];
		size_t at = MESSAGE_HEADER_SIZE;
		for (size_t i = 0; i < kind->field_count; i++) {
			const struct message_field *field = &kind->fields[i];
			size_t size = field->unit * (field->count == 0 ? 1 : (size_t)counts->counts[field->count]);
			assert_true(size > 0);
			const size_t places[] = {at, at + size / 2, at + size - 1};
			for (size_t k = 0; k < places_tried; k++)
				check_one(subject, kind, field, places[k], &outward);
			at += size;
			fields_changed++;
		}
	}
	print_message("%zu fields, %zu changes\n", fields_changed, changes_made);
}

/* --- Dealing --- */

static void
start_dealing(struct keepers *keepers, struct network *network) {
	network->protocol = &dealing_protocol;
	for (uint8_t i = 1; i <= 3; i++) {
		struct dealing_terms terms = generate_terms(2, 3);
		struct dealing *dealing = nullptr;
		terms.self = i;
		terms.randomness = keepers_randomness(keepers, i);
		assert_ok(dealing_start(&dealing, &terms));
		network->machines[i] = dealing;
	}
}

static bool
dealing_has_result(void *machine) {
	struct ecdsa_key key;
	return dealing_confirmed(machine, &key);
}

static void
destroy_dealing(void *machine) {
	struct dealing *dealing = machine;
	dealing_destroy(&dealing);
}

static void
every_field_of_a_dealing(void **) {
	const struct subject subject = {
		.kinds = DEALING_MESSAGES,
		.rounds = DEALING_ROUNDS,
		.start = start_dealing,
		.protocol = &dealing_protocol,
		.has_result = dealing_has_result,
		.destroy = destroy_dealing,
	};
	struct keepers keepers = {};
	struct network network = {};
	fresh_keepers(&keepers);
	start_dealing(&keepers, &network);
	struct message_counts counts = dealing_counts(network.machines[VICTIM], LIAR, VICTIM);
	for (uint8_t i = 1; i <= 3; i++)
		destroy_dealing(network.machines[i]);
	keepers_end(&keepers);
	check_all(&subject, &counts);
}

/* --- Signing --- */

static void
start_signing(struct keepers *keepers, const struct ecdsa_request *request, struct network *network) {
	struct signing *signings[KEEPERS_MAX + 1] = {};
	keepers_start_signing(keepers, &keepers->key.holders, request, NONCE, signings, network);
}

static void
start_full(struct keepers *keepers, struct network *network) {
	struct ecdsa_request request = plain_request("pay");
	start_signing(keepers, &request, network);
}

static bool
signing_has_result(void *machine) {
	struct ecdsa_signature signature;
	struct presignature *presignature = signing_take_presignature(machine);
	bool prepared = presignature != nullptr;
	presignature_destroy(&presignature);
	return prepared || signing_result(machine, &signature);
}

static void
destroy_signing(void *machine) {
	struct signing *signing = machine;
	signing_destroy(&signing);
}

static const struct subject SIGNING = {
	.kinds = SIGNING_MESSAGES,
	.rounds = SIGNING_ROUNDS,
	.start = start_full,
	.protocol = &signing_protocol,
	.has_result = signing_has_result,
	.destroy = destroy_signing,
	.forgets = true,
};

static void
every_field_of_a_signing(void **) {
	check_all(&SIGNING, &(struct message_counts){});
}

static void
make_originals(uint8_t count) {
	struct keepers keepers = {};
	keepers_generate(&keepers, 2, count, KEY_PURPOSE_TRANSFER);
	for (uint8_t i = 1; i <= KEEPERS_MAX; i++) {
		ecdsa_share_destroy(&originals[i]);
		originals[i] = TAKE(keepers.shares[i]);
	}
	parties = count;
	places_tried = count == 3 ? 3 : 1;
}

static void
every_field_of_a_signing_of_four(void **) {
	make_originals(4);
	check_all(&SIGNING, &(struct message_counts){});
	make_originals(3);
}

/* --- Online --- */

static void
start_online(struct keepers *keepers, struct network *network) {
	struct presignature *presignatures[KEEPERS_MAX + 1] = {};
	struct online *onlines[KEEPERS_MAX + 1] = {};
	struct ecdsa_request request = plain_request("pay");
	keepers_prepare(keepers, &keepers->key.holders, NONCE, presignatures);
	keepers_start_online(keepers, presignatures, &keepers->key.holders, &request, onlines, network);
}

static bool
online_has_result(void *machine) {
	struct ecdsa_signature signature;
	return online_result(machine, &signature);
}

static void
destroy_online(void *machine) {
	struct online *online = machine;
	online_destroy(&online);
}

/* In one round the others may be done before the victim finds out; it alone was lied to, and it alone must end. */
static void
lie_online(const struct message_field *field, size_t at) {
	struct keepers keepers = {};
	struct change change = {.type = ONLINE_MESSAGES[0].type, .at = at};
	struct network network = {.on_frame = apply, .context = &change};
	fresh_keepers(&keepers);
	start_online(&keepers, &network);
	network_run(&network);
	const struct exchange *victim = online_exchange(network.machines[VICTIM]);
	assert_int_equal(victim->state, EXCHANGE_ABORTED);
	assert_false(online_has_result(network.machines[VICTIM]));
	if (victim->culprit != (names_nobody(field->name) ? 0 : LIAR))
		fail_msg("%s: party %u is named", field->name, victim->culprit);
	assert_seen(victim, 0, field->name, SEEN_ELSEWHERE, ARRAY_LENGTH(SEEN_ELSEWHERE));
	check_pairs(&keepers, &network, field->name);
	for (uint8_t i = 1; i <= parties; i++)
		destroy_online(network.machines[i]);
	keepers_end(&keepers);
}

static void
every_field_of_the_online_round(void **) {
	for (uint8_t count = 3; count <= 4; count++) {
		const struct message_kind *kind = &ONLINE_MESSAGES[0];
		size_t at = MESSAGE_HEADER_SIZE;
		make_originals(count);
		for (size_t i = 0; i < kind->field_count; at += kind->fields[i++].unit)
			for (size_t k = 0; k < 3; k++)
				lie_online(&kind->fields[i], at + k * (kind->fields[i].unit - 1) / 2);
	}
	make_originals(3);
}

/* --- After it --- */

static void
a_pair_that_is_forgotten_signs_again_after_a_refresh_only(void **) {
	struct keepers keepers = {};
	struct network network = {}, refresh = {};
	struct change change = {.type = 6, .at = MESSAGE_HEADER_SIZE + 500};
	struct signing *signing = nullptr;
	fresh_keepers(&keepers);
	keepers.seeded = false;
	network.on_frame = apply;
	network.context = &change;
	start_full(&keepers, &network);
	network_run(&network);
	assert_string_equal(network.failure[VICTIM], "multiply.check");
	for (uint8_t i = 1; i <= 3; i++)
		destroy_signing(network.machines[i]);
	struct party_set pair = choose_signers(&keepers, (const uint8_t[]){1, 2}, 2);
	struct ecdsa_request request = plain_request("pay again");
	struct signing_terms terms = {.share = keepers.shares[VICTIM],
				      .signers = &pair,
				      .instance = KEEPERS_INSTANCE,
				      .nonce = KEEPERS_NONCE,
				      .request = &request};
	assert_fails(STATUS_DENIED, "ecdsa.no_setup", signing_start(&signing, &terms));
	struct ecdsa_key old = keepers.key;
	struct dealing_terms again = {.kind = DEALING_RESHARE,
				      .instance = KEEPERS_INSTANCE,
				      .nonce = NONCE,
				      .key = old,
				      .old_key = &old,
				      .dealers = &pair};
	again.key.epoch++;
	keepers_deal(&keepers, &again, &refresh);
	terms.share = keepers.shares[VICTIM];
	assert_ok(signing_start(&signing, &terms));
	signing_destroy(&signing);
	keepers_end(&keepers);
}

/* Two signings at once with the same shares; the first one is where the liar is found out. */
static void
a_signing_under_way_does_not_use_a_pair_that_was_forgotten(void **) {
	static const uint8_t second_nonce[32] = {78};
	struct keepers keepers = {};
	struct change change = {.type = 5, .at = MESSAGE_HEADER_SIZE + 40};
	struct network first = {.on_frame = apply, .context = &change}, second = {};
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct ecdsa_request request = plain_request("pay");
	fresh_keepers(&keepers);
	keepers.seeded = false;
	struct party_set two = choose_signers(&keepers, (const uint8_t[]){VICTIM, LIAR}, 2);
	keepers_start_signing(&keepers, &two, &request, second_nonce, signings, &second);
	start_full(&keepers, &first);
	network_run(&first);
	assert_string_equal(first.failure[VICTIM], "extension.check");
	struct bytes frame;
	uint8_t to;
	size_t frames = 0;
	while (network_step(&second, LIAR))
		;
	assert_string_equal(second.failure[VICTIM], "ecdsa.no_setup");
	assert_int_equal(signing_exchange(signings[VICTIM])->culprit, 0);
	assert_int_equal(signing_exchange(signings[VICTIM])->state, EXCHANGE_ABORTED);
	while (exchange_next(signing_exchange(signings[VICTIM]), &to, &frame)) {
		assert_int_equal(frame.len, MESSAGE_HEADER_SIZE); /* an abort, nothing that a zero would mask */
		frames++;
	}
	assert_int_equal(frames, 1);
	assert_true(ecdsa_share_pair(keepers.shares[VICTIM], OTHER)->ready);
	for (uint8_t i = 1; i <= 3; i++)
		destroy_signing(first.machines[i]);
	end_signings(signings);
	keepers_end(&keepers);
}

static void
a_frame_that_strays_ends_nothing(void **) {
	struct keepers keepers = {};
	fresh_keepers(&keepers);
	for (size_t at = 0; at < MESSAGE_HEADER_SIZE; at++) {
		struct network network = {};
		uint8_t to;
		struct bytes frame;
		if (at == 6)
			continue; /* the type: a frame of this peer and of no round */
		start_full(&keepers, &network);
		while (exchange_next(signing_exchange(network.machines[LIAR]), &to, &frame) && to != VICTIM)
			;
		_cleanup_(buffer_free) struct buffer changed = {};
		buffer_append_bytes(&changed, frame);
		changed.data[at] ^= 0x40;
		assert_fails(STATUS_INVALID, "exchange.stray",
			     exchange_receive(signing_exchange(network.machines[VICTIM]), buffer_bytes(&changed)));
		assert_int_equal(signing_exchange(network.machines[VICTIM])->state, EXCHANGE_RUNNING);
		assert_ok(exchange_receive(signing_exchange(network.machines[VICTIM]), frame));
		for (uint8_t i = 1; i <= 3; i++)
			destroy_signing(network.machines[i]);
	}
	assert_true(ecdsa_share_pair(keepers.shares[VICTIM], LIAR)->ready);
	keepers_end(&keepers);
}

static int
set_up(void **) {
	make_originals(3);
	return 0;
}

static int
tear_down(void **) {
	for (uint8_t i = 1; i <= KEEPERS_MAX; i++)
		ecdsa_share_destroy(&originals[i]);
	return 0;
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(every_field_of_a_dealing),
		T(every_field_of_a_signing),
		T(every_field_of_a_signing_of_four),
		T(every_field_of_the_online_round),
		T(a_pair_that_is_forgotten_signs_again_after_a_refresh_only),
		T(a_signing_under_way_does_not_use_a_pair_that_was_forgotten),
		T(a_frame_that_strays_ends_nothing),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
