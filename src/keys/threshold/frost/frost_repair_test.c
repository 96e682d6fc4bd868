/*
 * A lost share is made again by the others, byte for byte, and nobody else learns it; whoever gives something wrong is named.
 * frost_repair.c is compiled into this test, so that a helper can lie well.
 */
#include "tests/test.h"

#include "tests/frost_holders.h"
/* In place of the library's copy. */
#include "keys/threshold/frost/frost_repair.c"

static const enum frost_scheme SCHEMES[] = {FROST_SCHEME_ED25519, FROST_SCHEME_BIP340};
static struct frost_repair *repairs[KEEPERS_MAX + 1];

static const struct randomness SYSTEM;

static void
start_all(const struct frost_holders *holders, uint8_t lost, struct network *network) {
	struct party_set helpers;
	assert_ok(party_set_choose(&holders->key.holders, (const uint8_t[]){1, 2}, 2, &helpers));
	frost_start_repairs(holders, &helpers, lost, &SYSTEM, repairs, network);
}

static void
end_repairs(void) {
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		frost_repair_destroy(&repairs[i]);
}

static void
store_all(void) {
	for (size_t i = 0; i <= KEEPERS_MAX; i++)
		if (repairs[i] != nullptr && frost_repair_is_repaired(repairs[i]))
			assert_ok(frost_repair_stored(repairs[i]));
}

/* --- What is lost comes back --- */

static void
repair_and_compare(const struct frost_holders *holders, const uint8_t *helping, size_t count, uint8_t lost) {
	struct party_set helpers;
	assert_ok(party_set_choose(&holders->key.holders, helping, count, &helpers));
	_cleanup_(frost_key_share_destroy) struct frost_key_share *share =
		frost_holders_repair(holders, &helpers, lost, &SYSTEM);
	assert_non_null(share);
	assert_ok(frost_key_share_check(share));
	assert_memory_equal(frost_key_share_value(share), frost_key_share_value(holders->shares[lost]), 32);
}

static void
every_share_is_made_again_by_every_set_of_helpers(void **) {
	static const uint8_t shapes[][2] = {{2, 3}, {3, 4}, {3, 5}};
	size_t repaired = 0;
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++)
		for (size_t k = 0; k < ARRAY_LENGTH(shapes); k++) {
			struct frost_holders holders = {};
			frost_holders_generate(&holders, SCHEMES[s], shapes[k][0], shapes[k][1]);
			for (uint8_t lost = 1; lost <= shapes[k][1]; lost++)
				for (unsigned subset = 1; subset < 1U << shapes[k][1]; subset++) {
					uint8_t helping[KEEPERS_MAX];
					size_t count = 0;
					for (uint8_t i = 1; i <= shapes[k][1]; i++)
						if (subset >> (i - 1) & 1)
							helping[count++] = i;
					if (count != shapes[k][0] || subset >> (lost - 1) & 1)
						continue;
					repair_and_compare(&holders, helping, count, lost);
					repaired++;
				}
			frost_holders_end(&holders);
		}
	print_message("%zu repairs\n", repaired);
	assert_int_equal(repaired, 2 * (3 + 4 + 5 * 4));
}

static void
a_party_that_lost_its_peers_frames_gets_them_again(void **) {
	struct frost_holders holders = {};
	struct network network = {};
	frost_holders_generate(&holders, FROST_SCHEME_ED25519, 2, 3);
	start_all(&holders, 3, &network);
	network_run(&network);
	size_t frames = network.frames;
	for (uint8_t i = 1; i <= 3; i++)
		exchange_rewind(frost_repair_exchange(repairs[i]));
	network_run(&network); /* everything once more, byte for byte */
	network_expect_ok(&network);
	assert_int_equal(network.frames, 2 * frames);
	_cleanup_(frost_key_share_destroy) struct frost_key_share *share = frost_repair_take_share(repairs[3]);
	assert_memory_equal(frost_key_share_value(share), frost_key_share_value(holders.shares[3]), 32);
	end_repairs();
	frost_holders_end(&holders);
}

/* --- Terms --- */

static void
terms_that_make_no_sense_are_refused(void **) {
	struct frost_holders holders = {};
	struct frost_repair *repair = nullptr;
	struct party_set helpers[4], stranger;
	frost_holders_generate(&holders, FROST_SCHEME_ED25519, 2, 4);
	struct frost_key_info later = holders.key;
	later.epoch++;
	assert_ok(party_set_choose(&holders.key.holders, (const uint8_t[]){1, 2}, 2, &helpers[0]));
	assert_ok(party_set_choose(&holders.key.holders, (const uint8_t[]){1}, 1, &helpers[1]));
	assert_ok(party_set_choose(&holders.key.holders, (const uint8_t[]){1, 2, 4}, 3, &helpers[2]));
	assert_ok(party_set_choose(&holders.key.holders, (const uint8_t[]){1, 3}, 2, &helpers[3]));
	stranger = helpers[0];
	stranger.parties[1].identity[3] ^= 1;
	const struct frost_repair_terms base = {.instance = KEEPERS_INSTANCE,
						.nonce = KEEPERS_NONCE,
						.key = &holders.key,
						.helpers = &helpers[0],
						.lost = 3,
						.self = 1,
						.share = holders.shares[1]};
	struct frost_repair_terms cases[] = {base, base, base, base, base, base, base, base};
	cases[0].helpers = &helpers[1];     /* too few */
	cases[1].helpers = &helpers[2];     /* too many */
	cases[2].helpers = &helpers[3];     /* the lost one helps */
	cases[3].lost = 9;                  /* no holder */
	cases[4].share = nullptr;           /* a helper without a share */
	cases[5].share = holders.shares[2]; /* another's */
	cases[6].key = &later;              /* of another epoch */
	cases[7].helpers = &stranger;       /* another keeper under that index */
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		assert_fails(STATUS_INVALID, "frost_repair.terms", frost_repair_start(&repair, &cases[i]));
		assert_null(repair);
	}
	frost_holders_end(&holders);
}

/* --- Liars: helper 2, towards the lost holder 3 and the other helper 1 --- */

constexpr uint8_t LIAR = 2;
constexpr uint8_t LOST = 3;

static void
a_helper_cannot_split_another_number_than_its_share(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		struct frost_holders holders = {};
		struct network network = {};
		frost_holders_generate(&holders, SCHEMES[s], 2, 3);
		start_all(&holders, LOST, &network);
		struct frost_repair *liar = repairs[LIAR];
		struct frost_scalar one = liar->suite->scalar_of(1), *part = &secrets_of(liar)->parts[0];
		*part = liar->suite->add(part, &one);
		assert_ok(liar->suite->element_of(part, &liar->commitments[1][0]));
		assert_ok(write_first_round(liar));
		network_run_apart(&network);
		for (uint8_t i = 1; i <= LOST; i += 2) {
			assert_string_equal(network.failure[i], "frost_repair.number");
			assert_int_equal(frost_repair_exchange(repairs[i])->culprit, LIAR);
			assert_null(frost_repair_take_share(repairs[i]));
		}
		end_repairs();
		frost_holders_end(&holders);
	}
}

static void
a_helper_cannot_give_another_sum_than_it_was_given(void **) {
	struct frost_holders holders = {};
	struct network network = {};
	frost_holders_generate(&holders, FROST_SCHEME_BIP340, 2, 3);
	start_all(&holders, LOST, &network);
	struct frost_repair *liar = repairs[LIAR];
	struct frost_scalar one = liar->suite->scalar_of(1), *sum = &secrets_of(liar)->sum;
	*sum = liar->suite->add(sum, &one);
	network_run_apart(&network);
	assert_string_equal(network.failure[LOST], "frost_repair.sum");
	assert_int_equal(frost_repair_exchange(repairs[LOST])->culprit, LIAR);
	assert_null(frost_repair_take_share(repairs[LOST]));
	end_repairs();
	frost_holders_end(&holders);
}

struct change {
	uint8_t type, to;
	size_t at;
	bool done;
};

static void
apply(void *context, uint8_t from, uint8_t to, struct buffer *frame) {
	struct change *change = context;
	if (from != LIAR || to != change->to || frame->data[6] != change->type || change->done)
		return;
	frame->data[change->at] ^= 1;
	change->done = true;
}

static void
check_change(enum frost_scheme scheme, const struct message_kind *kind, const char *field, uint8_t to, size_t at) {
	struct frost_holders holders = {};
	struct change change = {.type = kind->type, .to = to, .at = at};
	struct network network = {.on_frame = apply, .context = &change};
	frost_holders_generate(&holders, scheme, 2, 3);
	start_all(&holders, LOST, &network);
	network_run(&network);
	if (!change.done)
		store_all();
	network_run(&network);
	if (!change.done)
		fail_msg("%s was never sent", field);
	/* Of the last round the others may have heard everything before. */
	for (uint8_t i = 1; i <= 3; i++)
		if (frost_repair_exchange(repairs[i])->state != EXCHANGE_ABORTED && (i == to || kind->type != 15))
			fail_msg("%s, byte %zu: party %u has not ended", field, at, i);
	assert_null(frost_repair_take_share(repairs[to]));
	uint8_t expected = strcmp(field, "frost-repair.echo") == 0 ? 0 : LIAR;
	if (frost_repair_exchange(repairs[to])->culprit != expected)
		fail_msg("%s, byte %zu: party %u is named (%s)", field, at, frost_repair_exchange(repairs[to])->culprit,
			 network.failure[to]);
	end_repairs();
	frost_holders_end(&holders);
}

static void
a_changed_field_ends_it_whatever_it_is(void **) {
	size_t fields = 0, changes = 0;
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++)
		for (uint8_t to = 1; to <= LOST; to += 2) {
			const size_t element = frost_scheme_suite(SCHEMES[s])->element_size;
			const size_t counts[] = {1, 2 * element, to != LOST, to == LOST};
			for (size_t round = 0; round < FROST_REPAIR_ROUNDS; round++) {
				const struct message_kind *kind = &FROST_REPAIR_MESSAGES[round];
				size_t at = MESSAGE_HEADER_SIZE;
				for (size_t i = 0; i < kind->field_count; i++) {
					const struct message_field *field = &kind->fields[i];
					size_t size = field->unit * counts[field->count];
					if (size == 0)
						continue;
					const size_t places[] = {at, at + size / 2, at + size - 1};
					for (size_t k = 0; k < ARRAY_LENGTH(places); k++, changes++)
						check_change(SCHEMES[s], kind, field->name, to, places[k]);
					at += size;
					fields++;
				}
			}
		}
	print_message("%zu fields, %zu changes\n", fields, changes);
	assert_int_equal(fields, 2 * (4 + 4));
	assert_int_equal(changes, 2 * (12 + 12));
}

RUN_TESTS(T(every_share_is_made_again_by_every_set_of_helpers), T(a_party_that_lost_its_peers_frames_gets_them_again),
	  T(terms_that_make_no_sense_are_refused), T(a_helper_cannot_split_another_number_than_its_share),
	  T(a_helper_cannot_give_another_sum_than_it_was_given), T(a_changed_field_ends_it_whatever_it_is))
