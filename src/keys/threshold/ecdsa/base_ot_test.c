/* Each transfer by its definition: the receiver has the key of its choice, and nothing that gives the other one. */
#include "tests/test.h"

#include "tests/oblivious_pair.h"

static struct base_ot_receiver receiver;
static struct base_ot_sender sender;
static uint8_t sender_keys[OT_KAPPA][2][OT_SEED_SIZE], receiver_keys[OT_KAPPA][OT_SEED_SIZE];
static const struct randomness SYSTEM = {};
static struct oblivious *oblivious;
static struct hash256 context;

static void
start(const uint8_t *choices) {
	context = sha256(BYTES_OF_LITERAL("base"));
	assert_ok(base_ot_receiver_start(&receiver, oblivious, &context, choices, &SYSTEM));
	assert_ok(base_ot_sender_start(&sender, &SYSTEM));
}

static void
finish(void) {
	assert_ok(base_ot_sender_finish(&sender, oblivious, &context, receiver.offer, sender_keys));
	assert_ok(base_ot_receiver_finish(&receiver, oblivious, &context, sender.answer, receiver_keys));
}

static void
the_receiver_has_the_key_of_its_choice_only(void **) {
	static const uint8_t patterns[][OT_KAPPA / 8] = {{}, {[0] = 0xff, [7] = 0x81, [15] = 0x80}};
	uint8_t random[OT_KAPPA / 8];
	random_bytes(random, sizeof random);
	for (size_t run = 0; run < 3; run++) {
		const uint8_t *choices = run < 2 ? patterns[run] : random;
		start(choices);
		finish();
		for (size_t i = 0; i < OT_KAPPA; i++) {
			unsigned choice = choices[i / 8] >> (i % 8) & 1;
			assert_memory_equal(sender_keys[i][choice], receiver_keys[i], OT_SEED_SIZE);
			assert_memory_not_equal(sender_keys[i][1 - choice], receiver_keys[i], OT_SEED_SIZE);
		}
	}
}

static void
a_context_of_another_pair_gives_other_keys(void **) {
	uint8_t choices[OT_KAPPA / 8] = {0x55};
	start(choices);
	assert_ok(base_ot_sender_finish(&sender, oblivious, &context, receiver.offer, sender_keys));
	context = sha256(BYTES_OF_LITERAL("other"));
	assert_ok(base_ot_receiver_finish(&receiver, oblivious, &context, sender.answer, receiver_keys));
	for (size_t i = 0; i < OT_KAPPA; i++)
		for (size_t slot = 0; slot < 2; slot++)
			assert_memory_not_equal(sender_keys[i][slot], receiver_keys[i], OT_SEED_SIZE);
}

static void
a_changed_offer_or_answer_touches_its_own_transfer_only(void **) {
	uint8_t choices[OT_KAPPA / 8] = {0xaa, 0xaa}, spare[POINT_SIZE];
	start(choices);
	memcpy(spare, sender.answer, POINT_SIZE); /* a valid point in the wrong place */
	memcpy(receiver.offer + 3 * 2 * POINT_SIZE, spare, POINT_SIZE);
	memcpy(sender.answer + 9 * POINT_SIZE, spare, POINT_SIZE);
	finish();
	for (size_t i = 0; i < OT_KAPPA; i++) {
		unsigned choice = choices[i / 8] >> (i % 8) & 1;
		bool same = memcmp(sender_keys[i][choice], receiver_keys[i], OT_SEED_SIZE) == 0;
		assert_int_equal(same, i != 3 && i != 9);
	}
}

static void
what_is_no_point_is_refused_by_name(void **) {
	uint8_t choices[OT_KAPPA / 8] = {};
	start(choices);
	receiver.offer[127 * 2 * POINT_SIZE] = 4;
	assert_fails(STATUS_INVALID, "point.encoding",
		     base_ot_sender_finish(&sender, oblivious, &context, receiver.offer, sender_keys));
	memset(sender.answer + 5 * POINT_SIZE + 1, 0xff, 32);
	assert_fails(STATUS_INVALID, "point.encoding",
		     base_ot_receiver_finish(&receiver, oblivious, &context, sender.answer, receiver_keys));
}

static int
create(void **) {
	return oblivious_create(&oblivious) == OK ? 0 : -1;
}

static int
destroy(void **) {
	oblivious_destroy(&oblivious);
	return 0;
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(the_receiver_has_the_key_of_its_choice_only),
		T(a_context_of_another_pair_gives_other_keys),
		T(a_changed_offer_or_answer_touches_its_own_transfer_only),
		T(what_is_no_point_is_refused_by_name),
	};
	return cmocka_run_group_tests(tests, create, destroy);
}
