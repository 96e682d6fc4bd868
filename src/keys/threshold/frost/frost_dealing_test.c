/*
 * Keys for FROST come to be, and their shares change while they stay: what signs before signs afterwards, what is old does not,
 * and whoever deals something wrong is named. frost_dealing.c is compiled into this test, so that a dealer can lie well.
 */
#include "tests/test.h"

#include "tests/frost_holders.h"
#include "tests/seen_fields.h"
/* In place of the library's copy. */
#include "keys/threshold/frost/frost_dealing.c"

static const enum frost_scheme SCHEMES[] = {FROST_SCHEME_ED25519, FROST_SCHEME_BIP340};
static const uint8_t WRAPPING_KEY[32] = {1, 2, 3};

static void
every_subset_signs_with_a_key_that_is_nobodys(void **) {
	static const uint8_t shapes[][2] = {{2, 2}, {2, 3}, {3, 3}, {3, 4}, {3, 5}, {5, 5}};
	size_t subsets = 0, verified_before = frost_verified_by_openssl;
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++)
		for (size_t i = 0; i < ARRAY_LENGTH(shapes); i++) {
			struct frost_holders holders = {};
			frost_holders_generate(&holders, SCHEMES[s], shapes[i][0], shapes[i][1]);
			subsets += frost_holders_sign_all(&holders);
			frost_holders_end(&holders);
		}
	print_message("%zu subsets sign\n", subsets);
	assert_int_equal(subsets, 2 * (1 + 4 + 1 + 5 + 16 + 1));
	assert_int_equal(frost_verified_by_openssl - verified_before, subsets / 2); /* BIP-340 is libsecp256k1's */
}

static void
fewer_than_the_threshold_do_not_sign(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		struct frost_holders holders = {};
		frost_holders_generate(&holders, SCHEMES[s], 3, 4);
		assert_fails(STATUS_INVALID, "frost_quorum.signers",
			     frost_holders_sign(&holders, 0b0011, BYTES_OF_LITERAL("sell")));
		frost_holders_end(&holders);
	}
}

static void
two_keys_are_never_the_same(void **) {
	struct frost_holders one = {}, other = {};
	frost_holders_generate(&one, FROST_SCHEME_ED25519, 2, 3);
	frost_holders_generate(&other, FROST_SCHEME_ED25519, 2, 3);
	assert_memory_not_equal(&one.key.public_key, &other.key.public_key, sizeof one.key.public_key);
	assert_memory_not_equal(one.key.chain_code, other.key.chain_code, sizeof one.key.chain_code);
	frost_holders_end(&one);
	frost_holders_end(&other);
}

static void
a_refresh_changes_shares_and_not_the_key(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		struct frost_holders holders = {};
		frost_holders_generate(&holders, SCHEMES[s], 2, 3);
		struct frost_key_info old = holders.key;
		struct frost_key_share *kept = TAKE(holders.shares[2]);
		struct frost_scalar before = *frost_key_share_value(holders.shares[1]);
		struct party_set dealers;
		assert_ok(party_set_choose(&old.holders, (const uint8_t[]){1, 3}, 2, &dealers));
		const struct frost_dealing_terms terms = frost_reshare_terms(&old, &dealers);
		frost_holders_deal(&holders, &terms);
		assert_memory_equal(&old.public_key, &holders.key.public_key, sizeof old.public_key);
		assert_memory_equal(old.chain_code, holders.key.chain_code, sizeof old.chain_code);
		assert_int_equal(holders.key.epoch, 2);
		assert_memory_not_equal(&before, frost_key_share_value(holders.shares[1]), sizeof before);
		assert_int_equal(frost_holders_sign_all(&holders), 4);
		/* A share of before beside one of now gives nothing: in no session that both are of, and not as a number either. */
		struct frost_key_share *now = TAKE(holders.shares[2]);
		holders.shares[2] = kept;
		assert_fails(STATUS_UNAUTHORIZED, "holders.signature",
			     frost_holders_sign(&holders, 0b011, BYTES_OF_LITERAL("sell")));
		*frost_key_share_value(now) = *frost_key_share_value(kept);
		holders.shares[2] = now;
		assert_fails(STATUS_CORRUPT, "frost_share.number",
			     frost_holders_sign(&holders, 0b011, BYTES_OF_LITERAL("sell")));
		frost_key_share_destroy(&kept);
		frost_holders_end(&holders);
	}
}

static void
members_and_threshold_change_and_the_key_stays(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		struct frost_holders holders = {};
		frost_holders_generate(&holders, SCHEMES[s], 2, 3);
		struct frost_key_info old = holders.key;
		struct party_set dealers;
		assert_ok(party_set_choose(&old.holders, (const uint8_t[]){2, 3}, 2, &dealers));
		/* 2 of {1, 2, 3} becomes 3 of {2, 3, 4, 5}. */
		struct frost_dealing_terms terms = frost_reshare_terms(&old, &dealers);
		struct party_set all = parties_up_to(5);
		assert_ok(party_set_choose(&all, (const uint8_t[]){2, 3, 4, 5}, 4, &terms.key.holders));
		terms.key.threshold = 3;
		frost_holders_deal(&holders, &terms);
		frost_key_share_destroy(&holders.shares[1]);
		assert_memory_equal(&old.public_key, &holders.key.public_key, sizeof old.public_key);
		assert_int_equal(frost_holders_sign_all(&holders), 5);
		/* And back: 2 of {1, 2}, dealt by three. */
		struct frost_key_info between = holders.key;
		assert_ok(party_set_choose(&between.holders, (const uint8_t[]){2, 4, 5}, 3, &dealers));
		terms = frost_reshare_terms(&between, &dealers);
		terms.key.holders = parties_up_to(2);
		terms.key.threshold = 2;
		frost_holders_deal(&holders, &terms);
		assert_memory_equal(&old.public_key, &holders.key.public_key, sizeof old.public_key);
		assert_ok(frost_holders_sign(&holders, 0b00011, BYTES_OF_LITERAL("sell")));
		frost_holders_end(&holders);
	}
}

static void
a_party_that_lost_its_peers_frames_gets_them_again(void **) {
	struct frost_holders holders = {};
	struct frost_dealing *dealings[KEEPERS_MAX + 1] = {};
	struct network network = {};
	const struct frost_dealing_terms terms = frost_generate_terms(FROST_SCHEME_ED25519, 2, 3);
	struct frost_key_info key;
	frost_start_all(&holders, &terms, dealings, &network);
	network_run(&network);
	for (uint8_t i = 1; i <= 3; i++) {
		exchange_rewind(frost_dealing_exchange(dealings[i]));
		assert_true(frost_dealing_confirmed(dealings[i], &key));
	}
	network_run(&network); /* everything once more, byte for byte: to those that are done it says nothing new */
	for (uint8_t i = 1; i <= 3; i++) {
		assert_string_equal("exchange.over", network.failure[i]);
		assert_int_equal(EXCHANGE_DONE, frost_dealing_exchange(dealings[i])->state);
		assert_true(frost_dealing_confirmed(dealings[i], &key));
	}
	for (uint8_t i = 1; i <= 3; i++)
		frost_dealing_destroy(&dealings[i]);
}

/* --- Terms --- */

static void
terms_that_make_no_sense_are_refused(void **) {
	struct frost_holders holders = {};
	struct frost_dealing *dealing = nullptr;
	frost_holders_generate(&holders, FROST_SCHEME_ED25519, 2, 3);
	const struct frost_key_info old = holders.key;
	struct party_set two, one;
	assert_ok(party_set_choose(&old.holders, (const uint8_t[]){1, 2}, 2, &two));
	assert_ok(party_set_choose(&old.holders, (const uint8_t[]){1}, 1, &one));
	struct frost_dealing_terms cases[] = {
		frost_generate_terms(FROST_SCHEME_ED25519, 1, 3), /* one is not many */
		frost_generate_terms(FROST_SCHEME_ED25519, 4, 3), /* more than there are */
		frost_generate_terms((enum frost_scheme)3, 2, 3), /* no scheme */
		frost_generate_terms(FROST_SCHEME_ED25519, 2, 3), /* no purpose: below */
		frost_reshare_terms(&old, &one),                  /* too few dealers */
		frost_reshare_terms(&old, &two),                  /* the same epoch: below */
		frost_reshare_terms(&old, &two),                  /* another scheme: below */
		frost_reshare_terms(&old, &two),                  /* another public key: below */
		frost_reshare_terms(&old, &two),                  /* a dealer without its share */
		frost_reshare_terms(&old, &two),                  /* a share that does not deal: below */
		frost_reshare_terms(&old, &two),                  /* a stranger deals: below */
	};
	struct party_set strangers = two;
	strangers.parties[1].identity[0] ^= 1;
	cases[3].key.purpose = KEY_PURPOSE_COUNT;
	cases[5].key.epoch = old.epoch;
	cases[6].key.scheme = FROST_SCHEME_BIP340;
	cases[7].key.public_key.bytes[0] ^= 1;
	cases[10].dealers = &strangers;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		cases[i].self = i == 9 ? 3 : 1;
		cases[i].old_share = cases[i].dealers == nullptr || i == 8 ? nullptr : holders.shares[cases[i].self];
		assert_fails(STATUS_INVALID, "frost_dealing.terms", frost_dealing_start(&dealing, &cases[i]));
		assert_null(dealing);
	}
	frost_holders_end(&holders);
}

/* --- Liars --- */

constexpr uint8_t LIAR = 2;
constexpr uint8_t VICTIM = 1;

static struct frost_dealing *dealings[KEEPERS_MAX + 1];

static void
end_dealings(void) {
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		frost_dealing_destroy(&dealings[i]);
}

/* What is opened is made anew from the polynomial, but for the proof, and committed to. */
static void
open_anew(struct frost_dealing *liar) {
	struct frost_element element;
	for (size_t i = 0; i < liar->key.threshold; i++) {
		assert_ok(liar->suite->element_of(&secrets_of(liar)->polynomial[i], &element));
		memcpy(liar->opening.coefficients + i * liar->suite->element_size, element.bytes,
		       liar->suite->element_size);
	}
}

static void
prove_anew(struct frost_dealing *liar, const struct frost_scalar *secret) {
	struct frost_element element;
	const struct randomness system = {};
	assert_ok(liar->suite->element_of(secret, &element));
	assert_ok(frost_knowledge_prove(liar->suite, &liar->exchange.session, LIAR, secret, &element, &system,
					liar->opening.proof));
}

static void
expect_refusal(struct network *network, const char *name, uint8_t culprit) {
	struct frost_key_info key;
	network_run_apart(network);
	for (uint8_t i = 1; i <= 3; i += 2) {
		assert_string_equal(network->failure[i], name);
		assert_int_equal(frost_dealing_exchange(dealings[i])->culprit, culprit);
		assert_int_equal(frost_dealing_exchange(dealings[i])->state, EXCHANGE_ABORTED);
		assert_false(frost_dealing_confirmed(dealings[i], &key));
		assert_null(frost_dealing_take_share(dealings[i]));
	}
	end_dealings();
}

static void
an_old_holder_cannot_deal_another_number_than_its_share(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		struct frost_holders holders = {};
		struct network network = {};
		frost_holders_generate(&holders, SCHEMES[s], 2, 3);
		const struct frost_key_info old = holders.key;
		struct party_set dealers;
		assert_ok(party_set_choose(&old.holders, (const uint8_t[]){1, LIAR}, 2, &dealers));
		const struct frost_dealing_terms terms = frost_reshare_terms(&old, &dealers);
		frost_start_all(&holders, &terms, dealings, &network);
		struct frost_dealing *liar = dealings[LIAR];
		struct frost_scalar one = liar->suite->scalar_of(1), *number = &secrets_of(liar)->polynomial[0];
		*number = liar->suite->add(number, &one);
		open_anew(liar);
		prove_anew(liar, number);
		assert_ok(write_first_round(liar));
		expect_refusal(&network, "frost_dealing.number", LIAR);
		frost_holders_end(&holders);
	}
}

static void
a_proof_of_another_number_is_no_proof(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		struct frost_holders holders = {};
		struct network network = {};
		const struct frost_dealing_terms terms = frost_generate_terms(SCHEMES[s], 2, 3);
		frost_start_all(&holders, &terms, dealings, &network);
		struct frost_scalar other = dealings[LIAR]->suite->scalar_of(3);
		prove_anew(dealings[LIAR], &other);
		assert_ok(write_first_round(dealings[LIAR]));
		expect_refusal(&network, "frost_knowledge.proof", LIAR);
	}
}

/* The index is in the commitment and the prover in the proof: what party 1 deals is of no use to party 2. */
static void
a_copied_opening_is_its_makers_only(void **) {
	struct frost_holders holders = {};
	struct network network = {};
	const struct frost_dealing_terms terms = frost_generate_terms(FROST_SCHEME_BIP340, 2, 3);
	frost_start_all(&holders, &terms, dealings, &network);
	dealings[LIAR]->opening = dealings[1]->opening;
	*secrets_of(dealings[LIAR]) = *secrets_of(dealings[1]);
	assert_ok(write_first_round(dealings[LIAR]));
	expect_refusal(&network, "frost_knowledge.proof", LIAR);
}

/* Every field of every message from the liar to the victim, changed at its first, middle and last byte. */
struct change {
	uint8_t type;
	size_t at;
	bool done;
	size_t words, aborts; /* of the victim, since */
};

static void
apply(void *context, uint8_t from, uint8_t to, struct buffer *frame) {
	struct change *change = context;
	if (from == VICTIM && change->done) {
		change->words += frame->data[6] != MESSAGE_ABORT;
		change->aborts += frame->data[6] == MESSAGE_ABORT && frame->len == MESSAGE_HEADER_SIZE;
	}
	if (from != LIAR || to != VICTIM || frame->data[6] != change->type || change->done)
		return;
	frame->data[change->at] ^= 1;
	change->done = true;
}

/* Their change shows in a comparison to which several contribute; all others name the sender. */
static bool
names_nobody(const char *field) {
	static const char *const fields[] = {"frost-deal.commitment", "frost-deal.echo", "frost-deal.transcript"};
	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
		if (strcmp(fields[i], field) == 0)
			return true;
	return false;
}

static const struct seen SEEN_ELSEWHERE[] = {
	{"frost-deal.commitment", "frost-deal.echo", 1},
	{"frost-deal.salt", nullptr, 0},
	{"frost-deal.coefficients", nullptr, 0},
	{"frost-deal.proof", nullptr, 0},
	{"frost-deal.chain", nullptr, 0},
};

static void
check_change(enum frost_scheme scheme, const struct message_kind *kind, const char *field, size_t at) {
	struct frost_holders holders = {};
	struct change change = {.type = kind->type, .at = at};
	struct network network = {.on_frame = apply, .context = &change};
	const struct frost_dealing_terms terms = frost_generate_terms(scheme, 2, 3);
	frost_start_all(&holders, &terms, dealings, &network);
	network_run(&network);
	if (!change.done)
		fail_msg("%s was never sent", field);
	/* In the last round others may be done: what they have is worth nothing before all have pledged to keep theirs. */
	bool is_last = kind == &FROST_DEALING_MESSAGES[FROST_DEALING_ROUNDS - 1];
	for (uint8_t i = 1; i <= 3; i++)
		if (!(is_last && i != VICTIM) && (frost_dealing_exchange(dealings[i])->state != EXCHANGE_ABORTED ||
						  frost_dealing_take_share(dealings[i]) != nullptr))
			fail_msg("%s, byte %zu: party %u has not ended", field, at, i);
	uint8_t culprit = frost_dealing_exchange(dealings[VICTIM])->culprit;
	if (culprit != (names_nobody(field) ? 0 : LIAR))
		fail_msg("%s, byte %zu: party %u is named (%s)", field, at, culprit, network.failure[VICTIM]);
	assert_seen(frost_dealing_exchange(dealings[VICTIM]), (size_t)(kind - FROST_DEALING_MESSAGES), field,
		    SEEN_ELSEWHERE, ARRAY_LENGTH(SEEN_ELSEWHERE));
	/* A commitment is seen to be wrong when it is opened: until then the victim goes on. */
	assert_int_equal(change.words, kind->type == FROST_DEALING_MESSAGES[0].type ? 2 : 0);
	assert_int_equal(change.aborts, 2);
	end_dealings();
}

static void
a_changed_field_ends_it_whatever_it_is(void **) {
	size_t fields = 0, changes = 0;
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		const struct frost_suite *suite = frost_scheme_suite(SCHEMES[s]);
		const size_t element = suite->element_size;
		const size_t counts[] = {1, 2 * element, element + 32, 1, 1};
		for (size_t round = 0; round < FROST_DEALING_ROUNDS; round++) {
			const struct message_kind *kind = &FROST_DEALING_MESSAGES[round];
			size_t at = MESSAGE_HEADER_SIZE;
			for (size_t i = 0; i < kind->field_count; i++, fields++) {
				const struct message_field *field = &kind->fields[i];
				size_t size = field->unit * counts[field->count];
				const size_t places[] = {at, at + size / 2, at + size - 1};
				for (size_t k = 0; k < ARRAY_LENGTH(places); k++, changes++)
					check_change(SCHEMES[s], kind, field->name, places[k]);
				at += size;
			}
		}
	}
	print_message("%zu fields, %zu changes\n", fields, changes);
	assert_int_equal(fields, 2 * 8);
	assert_int_equal(changes, 2 * 24);
}

/* --- What is known, and when it is handed over --- */

static bool
is_wiped(const struct frost_dealing *dealing) {
	for (size_t i = 0; i < dealing->memory.len; i++)
		if (dealing->memory.data[i] != 0)
			return false;
	return true;
}

static void
spoil(void *context, uint8_t from, uint8_t to, struct buffer *frame) {
	const struct message_kind *spoiled = context;
	if (from == LIAR && to == VICTIM && frame->data[6] == spoiled->type)
		frame->data[frame->len - 1] ^= 1;
}

/* Whether a check here ends it or another's abort, in whatever round; and when it is done. */
static void
check_wiped(enum frost_scheme scheme, const struct message_kind *spoiled) {
	struct frost_holders holders = {};
	struct message_kind kind = spoiled == nullptr ? (struct message_kind){} : *spoiled;
	struct network network = {.on_frame = spoil, .context = &kind};
	const struct frost_dealing_terms terms = frost_generate_terms(scheme, 2, 3);
	frost_start_all(&holders, &terms, dealings, &network);
	for (uint8_t i = 1; i <= 3; i++)
		assert_false(is_wiped(dealings[i]));
	network_run(&network);
	assert_int_equal(spoiled == nullptr ? EXCHANGE_DONE : EXCHANGE_ABORTED,
			 frost_dealing_exchange(dealings[VICTIM])->state);
	for (uint8_t i = 1; i <= 3; i++) {
		assert_int_not_equal(EXCHANGE_RUNNING, frost_dealing_exchange(dealings[i])->state);
		assert_true(is_wiped(dealings[i]));
		bool is_done = frost_dealing_exchange(dealings[i])->state == EXCHANGE_DONE;
		assert_int_equal(is_done, dealings[i]->share != nullptr);
	}
	end_dealings();
}

static void
what_a_dealer_knew_is_wiped_when_it_has_ended(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		check_wiped(SCHEMES[s], nullptr);
		for (size_t round = 0; round < FROST_DEALING_ROUNDS; round++)
			check_wiped(SCHEMES[s], &FROST_DEALING_MESSAGES[round]);
	}
}

/* It is there from the second round on, and nobody's before all have said that they have theirs. */
static void
a_share_is_handed_over_when_all_have_confirmed_and_not_before(void **) {
	struct frost_holders holders = {};
	struct network network = {};
	struct held_frames held = {};
	const struct frost_dealing_terms terms = frost_generate_terms(FROST_SCHEME_ED25519, 2, 3);
	struct frost_key_info key;
	frost_start_all(&holders, &terms, dealings, &network);
	network_run_holding(&network, FROST_DEALING_MESSAGES[FROST_DEALING_ROUNDS - 1].type, &held);
	for (uint8_t i = 1; i <= 3; i++) {
		assert_non_null(dealings[i]->share);
		assert_false(frost_dealing_confirmed(dealings[i], &key));
		assert_null(frost_dealing_take_share(dealings[i]));
	}
	network_hand_on(&network, &held);
	network_expect_ok(&network);
	for (uint8_t i = 1; i <= 3; i++) {
		struct frost_key_share *share = frost_dealing_take_share(dealings[i]);
		assert_non_null(share);
		assert_null(frost_dealing_take_share(dealings[i]));
		frost_key_share_destroy(&share);
	}
	end_dealings();
}

/* --- At rest --- */

static void
a_sealed_share_opens_where_it_belongs_and_nowhere_else(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(buffer_free) struct buffer blob = {};
		_cleanup_(frost_key_share_destroy) struct frost_key_share *opened = nullptr;
		struct frost_holders holders = {};
		frost_holders_generate(&holders, SCHEMES[s], 2, 3);
		assert_ok(frost_key_share_seal(holders.shares[2], WRAPPING_KEY, KEEPERS_INSTANCE, &blob));
		assert_ok(frost_key_share_open(&opened, &holders.key, 2, WRAPPING_KEY, KEEPERS_INSTANCE,
					       buffer_bytes(&blob)));
		assert_memory_equal(frost_key_share_value(opened), frost_key_share_value(holders.shares[2]), 32);

		struct {
			const char *name;
			struct frost_key_info key;
			uint8_t self, change_at, key_byte;
			size_t len;
			struct bytes instance;
		} cases[] = {
			{"frost_blob.magic", holders.key, 2, 0, 1, blob.len, KEEPERS_INSTANCE},
			{"frost_blob.magic", holders.key, 2, UINT8_MAX, 1, 14, KEEPERS_INSTANCE},
			{"frost_blob.version", holders.key, 2, 5, 1, blob.len, KEEPERS_INSTANCE},
			{"frost_blob.attributes", holders.key, 2, 6, 1, blob.len, KEEPERS_INSTANCE},
			{"frost_blob.attributes", holders.key, 1, UINT8_MAX, 1, blob.len, KEEPERS_INSTANCE},
			{"frost_blob.length", holders.key, 2, UINT8_MAX, 1, blob.len - 1, KEEPERS_INSTANCE},
			{"frost_blob.sealed", holders.key, 2, 30, 1, blob.len, KEEPERS_INSTANCE},
			{"frost_blob.sealed", holders.key, 2, UINT8_MAX, 9, blob.len, KEEPERS_INSTANCE},
			{"frost_blob.sealed", holders.key, 2, UINT8_MAX, 1, blob.len, BYTES_OF_LITERAL("another")},
			{"frost_blob.sealed", holders.key, 2, UINT8_MAX, 1, blob.len, KEEPERS_INSTANCE},
		};
		cases[9].key.public_shares[0] = holders.key.public_shares[1];
		for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
			struct frost_key_share *none = nullptr;
			uint8_t key[32];
			memcpy(key, WRAPPING_KEY, sizeof key);
			key[0] = cases[i].key_byte;
			if (cases[i].change_at != UINT8_MAX)
				blob.data[cases[i].change_at] ^= 8;
			enum status status = frost_key_share_open(&none, &cases[i].key, cases[i].self, key,
								  cases[i].instance, bytes_of(blob.data, cases[i].len));
			assert_fails(i == 2 ? STATUS_UNSUPPORTED : STATUS_CORRUPT, cases[i].name, status);
			assert_null(none);
			if (cases[i].change_at != UINT8_MAX)
				blob.data[cases[i].change_at] ^= 8;
		}
		/* What was sealed as the share of another public share. */
		struct frost_scalar *number = frost_key_share_value(holders.shares[2]);
		*number = *frost_key_share_value(holders.shares[1]);
		buffer_reset(&blob);
		assert_ok(frost_key_share_seal(holders.shares[2], WRAPPING_KEY, KEEPERS_INSTANCE, &blob));
		struct frost_key_share *none = nullptr;
		assert_fails(STATUS_CORRUPT, "frost_blob.public_share",
			     frost_key_share_open(&none, &holders.key, 2, WRAPPING_KEY, KEEPERS_INSTANCE,
						  buffer_bytes(&blob)));
		frost_holders_end(&holders);
	}
}

RUN_TESTS(T(every_subset_signs_with_a_key_that_is_nobodys), T(fewer_than_the_threshold_do_not_sign),
	  T(two_keys_are_never_the_same), T(a_refresh_changes_shares_and_not_the_key),
	  T(members_and_threshold_change_and_the_key_stays), T(a_party_that_lost_its_peers_frames_gets_them_again),
	  T(terms_that_make_no_sense_are_refused), T(an_old_holder_cannot_deal_another_number_than_its_share),
	  T(a_proof_of_another_number_is_no_proof), T(a_copied_opening_is_its_makers_only),
	  T(a_changed_field_ends_it_whatever_it_is), T(what_a_dealer_knew_is_wiped_when_it_has_ended),
	  T(a_share_is_handed_over_when_all_have_confirmed_and_not_before),
	  T(a_sealed_share_opens_where_it_belongs_and_nowhere_else))
