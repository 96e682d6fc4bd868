/*
 * The one round of signing with a presignature: for which key, epoch and pairs it begins, what a pool remembers of those that were used, and what is left of
 * it when it has ended. online.c is compiled into this test, so that it can see what a party knows.
 */
#include "tests/test.h"

#include "tests/threshold_keepers.h"
/* In place of the library's copy. */
#include "keys/threshold/ecdsa/online.c"

static const uint8_t NONCES[4][32] = {{1}, {2}, {3}, {4}};
static struct keepers keepers;

static void
prepare(const uint8_t nonce[32], struct presignature *presignatures[KEEPERS_MAX + 1]) {
	struct party_set two = choose_signers(&keepers, (const uint8_t[]){1, 2}, 2);
	keepers_prepare(&keepers, &two, nonce, presignatures);
}

/* Each time the presignature is used up. */
static void
a_presignature_is_of_one_key_one_epoch_and_pairs_that_are_whole(void **) {
	enum { OF_KEY, OF_EPOCH, OF_EPOCH_BEFORE, OF_PAIR, FAULTS };
	struct ecdsa_request request = plain_request("pay");
	keepers = (struct keepers){};
	keepers_generate(&keepers, 2, 3, KEY_PURPOSE_TRANSFER);
	for (size_t fault = 0; fault < FAULTS; fault++) {
		struct presignature *presignatures[KEEPERS_MAX + 1] = {};
		struct online *online = nullptr;
		prepare(NONCES[fault], presignatures);
		if (fault == OF_KEY)
			presignatures[1]->key_id[0] = 'w';
		else if (fault == OF_EPOCH)
			presignatures[1]->epoch++;
		else if (fault == OF_EPOCH_BEFORE)
			presignatures[1]->epoch--;
		else
			pairwise_forget(ecdsa_share_pair(keepers.shares[1], 2));
		assert_fails(fault == OF_PAIR ? STATUS_DENIED : STATUS_CONFLICT,
			     fault == OF_PAIR ? "ecdsa.no_setup" : "presignature.key",
			     online_start(&online, &presignatures[1], keepers.shares[1], KEEPERS_INSTANCE, &request));
		assert_null(online);
		assert_null(presignatures[1]);
		presignature_destroy(&presignatures[2]);
	}
	keepers_end(&keepers);
}

/* One of two is lied to, or hears that the other has ended it. */
static void
spoil(void *context, uint8_t from, uint8_t, struct buffer *frame) {
	size_t *spoiled_at = context;
	if (from == 2 && frame->data[6] != MESSAGE_ABORT)
		frame->data[MESSAGE_HEADER_SIZE + *spoiled_at] ^= 1;
}

static void
what_a_signer_gave_is_wiped_when_it_has_ended(void **) {
	static const size_t places[] = {0, 40, 65 + 31, 65 + 63}; /* presignature, R, w, u */
	struct ecdsa_request request = plain_request("pay");
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		struct presignature *presignatures[KEEPERS_MAX + 1] = {};
		struct online *onlines[KEEPERS_MAX + 1] = {};
		size_t place = places[i];
		struct network network = {.on_frame = spoil, .context = &place};
		keepers = (struct keepers){};
		keepers_generate(&keepers, 2, 2, KEY_PURPOSE_TRANSFER);
		prepare(NONCES[0], presignatures);
		keepers_start_online(&keepers, presignatures, &keepers.key.holders, &request, onlines, &network);
		assert_false(scalar_is_zero(&onlines[1]->w) || scalar_is_zero(&onlines[1]->u));
		network_run(&network);
		assert_int_equal(EXCHANGE_ABORTED, online_exchange(onlines[1])->state);
		assert_true(scalar_is_zero(&onlines[1]->w) && scalar_is_zero(&onlines[1]->u));
		end_onlines(onlines);
		keepers_end(&keepers);
	}
}

static struct hash256
id_of(size_t number) {
	uint8_t bytes[4];
	store_u32be(bytes, (uint32_t)number);
	return sha256(BYTES_OF_ARRAY(bytes));
}

static void
use_one(struct presignature_pool *pool, size_t number) {
	_cleanup_(presignature_destroy) struct presignature *made = nullptr;
	struct hash256 id = id_of(number);
	assert_ok(presignature_create(&made));
	made->id = id;
	made->signers = parties_up_to(2);
	assert_ok(presignature_pool_add(pool, &made));
	assert_ok(presignature_pool_take(pool, &id, &made));
}

static void
a_pool_remembers_the_last_that_were_used_and_no_more(void **) {
	_cleanup_(presignature_pool_free) struct presignature_pool pool = {};
	struct presignature *none;
	for (size_t i = 0; i < PRESIGNATURES_REMEMBERED + 3; i++)
		use_one(&pool, i);
	assert_int_equal(PRESIGNATURES_REMEMBERED, pool.used.count);
	for (size_t i = 0; i < PRESIGNATURES_REMEMBERED + 3; i++) {
		struct hash256 id = id_of(i);
		assert_int_equal(i >= 3, presignature_pool_knows(&pool, &id));
		if (i < 3)
			assert_fails(STATUS_NOT_FOUND, "presignature.unknown",
				     presignature_pool_take(&pool, &id, &none));
		else
			assert_fails(STATUS_CONFLICT, "presignature.used", presignature_pool_take(&pool, &id, &none));
	}
}

RUN_TESTS(T(a_presignature_is_of_one_key_one_epoch_and_pairs_that_are_whole),
	  T(what_a_signer_gave_is_wiped_when_it_has_ended), T(a_pool_remembers_the_last_that_were_used_and_no_more))
