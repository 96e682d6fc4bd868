/*
 * A party that lies, on a channel that is its own, in every ceremony that deals a key: made, brought in, refreshed, with who comes in, who
 * leaves, who lost its share, another threshold; by ECDSA and FROST's schemes. Every field of every message, as the tables of
 * messages list them for the roles of the two, is changed in what the liar sends to another one. Whatever it was: all end without a new
 * share, nobody honest is named, all that the victim says from then on is that it has ended, and the shares as they were sign on.
 * GATEHOUSE_SOAK=1: at the first, middle and last byte, between every two parties; else at one of these, once for each pair of roles.
 */
#include "tests/test.h"

#include <stdio.h>

#include "tests/threshold_ceremonies.h"

/* After all the lies: as many as it took sign, whoever they are. */
static void
old_signs(enum scheme scheme, const struct ceremony *ceremony) {
	if (ceremony->old_threshold == 0)
		return;
	if (scheme != ECDSA) {
		(void)frost_holders_sign_all(&holders);
		return;
	}
	struct network network = {};
	struct signing *signings[KEEPERS_MAX + 1] = {};
	struct ecdsa_request request = plain_request("pay");
	struct party_set signers = choose_signers(&keepers, ceremony->old_holders, ceremony->old_threshold);
	keepers_start_signing(&keepers, &signers, &request, KEEPERS_NONCE, signings, &network);
	network_run(&network);
	network_expect_ok(&network);
	for (size_t i = 0; i < signers.count; i++) {
		struct ecdsa_signature signature;
		assert_true(signing_result(signings[signers.parties[i].index], &signature));
		assert_ok(secp256k1_verify(BYTES_OF_ARRAY(keepers.key.public_key), request.digest, signature.compact));
	}
	end_signings(signings);
}

/* --- A lie. --- */

/* Their change shows in a comparison to which several contribute, so that nobody can be named. All others name the sender. */
static bool
names_nobody(const char *field) {
	static const char *const fields[] = {"deal.commitment",       "deal.echo",       "deal.transcript",
					     "frost-deal.commitment", "frost-deal.echo", "frost-deal.transcript"};
	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
		if (strcmp(fields[i], field) == 0)
			return true;
	return false;
}

struct lie {
	uint8_t liar, victim, type;
	size_t at;
	bool is_done;
	size_t aborts, words_after; /* of the victim */
};

static void
tell(void *context, uint8_t from, uint8_t to, struct buffer *frame) {
	struct lie *lie = context;
	if (from == lie->victim && lie->is_done) {
		bool is_abort = frame->data[6] == MESSAGE_ABORT;
		assert_true(!is_abort || frame->len == MESSAGE_HEADER_SIZE);
		lie->aborts += is_abort;
		lie->words_after += !is_abort && lie->aborts > 0;
	}
	if (from == lie->liar && frame->data[6] == MESSAGE_ABORT)
		frame->data[0] ^= 1; /* it has no scruples: this strays, and ends nothing */
	if (from != lie->liar || to != lie->victim || frame->data[6] != lie->type || lie->is_done)
		return;
	assert_true(lie->at < frame->len);
	frame->data[lie->at] ^= 1;
	lie->is_done = true;
}

/* All that was told, counted. */
struct told {
	size_t fields, lies, named, given_up;
};

static void
tell_one(enum scheme scheme, const struct ceremony *ceremony, const char *field, struct lie lie, struct told *told) {
	struct network network = {.on_frame = tell, .context = &lie};
	size_t parties = 0;
	start_ceremony(scheme, ceremony, &network);
	const struct exchange_protocol *protocol = exchange_at(&network, lie.victim)->protocol;
	bool is_last = lie.type == protocol->kinds[protocol->rounds - 1].type;
	network_run(&network);
	if (!lie.is_done)
		fail_msg("%s: never sent", field);
	/* Where the victim could not know yet, the liar has seen what came of it, and says no more: then time ends it. */
	bool is_given_up = exchange_at(&network, lie.victim)->state != EXCHANGE_ABORTED;
	if (is_given_up && (is_last || exchange_at(&network, lie.liar)->state != EXCHANGE_ABORTED))
		fail_msg("%s, %s, %s from %u to %u: it has not ended", SCHEME_NAMES[scheme], ceremony->name, field,
			 lie.liar, lie.victim);
	/* Where the last round shows it (of trees that the victim does not open nothing but their hash does), who has heard all others may
	 * be done, and has a share, which is worth nothing before all have pledged to keep theirs. */
	bool is_shown_last = !is_given_up && exchange_at(&network, lie.victim)->failed_round + 1 == protocol->rounds;
	for (uint8_t i = 1; i <= KEEPERS_MAX; i++) {
		if (network.machines[i] == nullptr)
			continue;
		parties++;
		bool may_be_done = is_shown_last && i != lie.victim;
		if (exchange_at(&network, i)->state != EXCHANGE_ABORTED && !may_be_done && !is_given_up)
			fail_msg("%s, %s, %s from %u to %u: party %u has not ended", SCHEME_NAMES[scheme],
				 ceremony->name, field, lie.liar, lie.victim, i);
		if (has_share(i) && !may_be_done && !(is_given_up && i != lie.victim))
			fail_msg("%s, %s, %s from %u to %u: party %u has a share (%d)", SCHEME_NAMES[scheme],
				 ceremony->name, field, lie.liar, lie.victim, i, is_given_up);
		uint8_t culprit = exchange_at(&network, i)->culprit;
		if (culprit != 0 && culprit != lie.liar && i != lie.liar) /* which runs on as if it had not lied */
			fail_msg("%s, %s, %s: party %u names %u", SCHEME_NAMES[scheme], ceremony->name, field, i,
				 culprit);
	}
	uint8_t culprit = exchange_at(&network, lie.victim)->culprit;
	if (culprit != (names_nobody(field) || is_given_up ? 0 : lie.liar))
		fail_msg("%s, %s, %s from %u to %u: %u is named (%s)", SCHEME_NAMES[scheme], ceremony->name, field,
			 lie.liar, lie.victim, culprit, network.failure[lie.victim]);
	assert_int_equal(is_given_up ? 0 : parties - 1, lie.aborts);
	assert_int_equal(0, lie.words_after);
	told->named += culprit != 0;
	told->given_up += is_given_up;
	told->lies++;
	end_ceremony();
}

/* Which dealings of ECDSA are left to the soak, since one takes a tenth of a second: others in each ceremony. */
static bool
is_skipped(enum scheme scheme, const struct ceremony *ceremony, size_t number) {
	return scheme == ECDSA && !is_soak() && (number + (size_t)(ceremony - CEREMONIES)) % 31 != 0;
}

static void
tell_field(enum scheme scheme, const struct ceremony *ceremony, const struct message_field *field, size_t size,
	   struct lie lie, struct told *told) {
	const size_t places[] = {lie.at, lie.at + size / 2, lie.at + size - 1};
	size_t number = told->fields++;
	for (size_t k = 0; k < ARRAY_LENGTH(places); k++) {
		lie.at = places[k];
		if (is_soak() || (k == number % ARRAY_LENGTH(places) && !is_skipped(scheme, ceremony, number)))
			tell_one(scheme, ceremony, field->name, lie, told);
	}
}

/* All that the liar says to the victim. */
static void
tell_all(enum scheme scheme, const struct ceremony *ceremony, const struct exchange_protocol *protocol,
	 const struct message_counts *counts, uint8_t liar, uint8_t victim, struct told *told) {
	for (size_t round = 0; round < protocol->rounds; round++) {
		const struct message_kind *kind = &protocol->kinds[round];
		size_t at = MESSAGE_HEADER_SIZE;
		for (size_t i = 0; i < kind->field_count; i++) {
			const struct message_field *field = &kind->fields[i];
			size_t size = field->unit * (field->count == 0 ? 1 : (size_t)counts->counts[field->count]);
			if (size > 0)
				tell_field(scheme, ceremony, field, size,
					   (struct lie){.liar = liar, .victim = victim, .type = kind->type, .at = at},
					   told);
			at += size;
		}
		assert_int_equal(message_size(kind, counts), at);
	}
}

static void
tell_among_all(enum scheme scheme, const struct ceremony *ceremony, struct told *told) {
	bool was_seen[16][16] = {};
	const struct exchange_protocol *protocol = nullptr;
	struct message_counts counts[KEEPERS_MAX + 1][KEEPERS_MAX + 1]; /* from, to */
	struct network network = {};
	start_ceremony(scheme, ceremony, &network);
	for (uint8_t from = 1; from <= KEEPERS_MAX; from++)
		for (uint8_t to = 1; to <= KEEPERS_MAX; to++)
			if (from != to && network.machines[from] != nullptr && network.machines[to] != nullptr) {
				protocol = exchange_at(&network, to)->protocol;
				counts[from][to] = protocol->counts(exchange_at(&network, to)->self, from, to);
			}
	end_ceremony();
	for (uint8_t liar = 1; liar <= KEEPERS_MAX; liar++)
		for (uint8_t victim = 1; victim <= KEEPERS_MAX; victim++) {
			bool are_parties = network.machines[liar] != nullptr && network.machines[victim] != nullptr;
			bool *seen = &was_seen[role_of(ceremony, liar)][role_of(ceremony, victim)];
			if (liar == victim || !are_parties || (*seen && !is_soak()))
				continue;
			*seen = true;
			tell_all(scheme, ceremony, protocol, &counts[liar][victim], liar, victim, told);
		}
}

static void
tell_in_all(enum scheme scheme, struct told expected, size_t fields_in_soak) {
	struct told told = {};
	for (size_t i = 0; i < ARRAY_LENGTH(CEREMONIES); i++) {
		const struct ceremony *ceremony = &CEREMONIES[i];
		struct told before = told;
		if (ceremony->is_import && scheme != ECDSA)
			continue;
		make_old(scheme, ceremony);
		tell_among_all(scheme, ceremony, &told);
		old_signs(scheme, ceremony);
		forget_old();
		print_message("# %s, %s: %zu fields, %zu lies, %zu name the liar, %zu are given up\n",
			      SCHEME_NAMES[scheme], ceremony->name, told.fields - before.fields,
			      told.lies - before.lies, told.named - before.named, told.given_up - before.given_up);
	}
	print_message("# %s: %zu fields, %zu lies, %zu name the liar, %zu are given up\n", SCHEME_NAMES[scheme],
		      told.fields, told.lies, told.named, told.given_up);
	print_message("# result %s_lies_in_ceremonies %zu\n", SCHEME_NAMES[scheme], told.lies);
	if (is_soak()) {
		assert_int_equal(fields_in_soak, told.fields);
		assert_int_equal(3 * fields_in_soak, told.lies);
		return;
	}
	assert_int_equal(expected.fields, told.fields);
	assert_int_equal(expected.lies, told.lies);
	/* Of what a choice bit decides who sees it first, the liar or the victim. */
	assert_int_equal(expected.named, told.named + told.given_up);
}

static void
no_lie_gets_an_ecdsa_key_dealt(void **) {
	tell_in_all(ECDSA, (struct told){.fields = 368, .lies = 12, .named = 9}, 977);
}

static void
no_lie_gets_an_ed25519_key_dealt(void **) {
	tell_in_all(ED25519, (struct told){.fields = 215, .lies = 215, .named = 113}, 539);
}

static void
no_lie_gets_a_bip340_key_dealt(void **) {
	tell_in_all(BIP340, (struct told){.fields = 215, .lies = 215, .named = 113}, 539);
}

RUN_TESTS(T(no_lie_gets_an_ecdsa_key_dealt), T(no_lie_gets_an_ed25519_key_dealt), T(no_lie_gets_a_bip340_key_dealt))
