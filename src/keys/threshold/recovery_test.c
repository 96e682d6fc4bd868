#include "tests/test.h"

#include "crypto/kem.h"
#include "keys/threshold/audit.h"
#include "keys/threshold/recovery.h"
#include "tests/threshold_keepers.h"

/* A key of 3 of 5 that was dealt, as its holders know it. */
struct fixture {
	struct keepers keepers;
	struct sharing sharing;
	uint8_t recovery_key[KEM_PUBLIC_SIZE];
	struct secret recovery_private;
};

static int
set_up(void **state) {
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->keepers = (struct keepers){};
	keepers_generate(&f->keepers, 3, 5, KEY_PURPOSE_TRANSFER);
	f->sharing = (struct sharing){
		.scheme = KEY_SHARED_ECDSA, .key = f->keepers.key, .names = {"one", "two", "three", "four", "five"}};
	assert_ok(kem_generate(f->recovery_key, &f->recovery_private));
	*state = f;
	return 0;
}

static int
tear_down(void **state) {
	struct fixture *f = *state;
	keepers_end(&f->keepers);
	secret_free(&f->recovery_private);
	free(f);
	return 0;
}

static void
every_quorum_of_escrows_gives_the_key_and_no_fewer(void **state) {
	struct fixture *f = *state;
	struct buffer escrows[6] = {};
	for (uint8_t i = 1; i <= 5; i++) {
		assert_ok(recovery_escrow(&f->sharing, f->keepers.shares[i], KEEPERS_INSTANCE,
					  BYTES_OF_ARRAY(f->recovery_key), &escrows[i]));
		assert_ok(recovery_check(&f->sharing, i, KEEPERS_INSTANCE, BYTES_OF_ARRAY(f->recovery_key),
					 buffer_bytes(&escrows[i])));
		assert_fails(STATUS_UNAUTHORIZED, "escrow.proof",
			     recovery_check(&f->sharing, i % 5 + 1, KEEPERS_INSTANCE, BYTES_OF_ARRAY(f->recovery_key),
					    buffer_bytes(&escrows[i])));
	}
	static const uint8_t quorums[][3] = {{1, 2, 3}, {5, 2, 4}, {1, 4, 5}};
	for (size_t i = 0; i < ARRAY_LENGTH(quorums); i++) {
		_cleanup_(secret_free) struct secret whole = {};
		struct bytes given[3];
		uint8_t public_key[33];
		for (size_t j = 0; j < 3; j++)
			given[j] = buffer_bytes(&escrows[quorums[i][j]]);
		assert_ok(recovery_join(&f->sharing, KEEPERS_INSTANCE, secret_bytes(&f->recovery_private), quorums[i],
					given, 3, &whole));
		struct scalar number;
		struct point point;
		assert_ok(scalar_read(whole.data, &number));
		assert_ok(point_of_secret(&number, &point));
		point_write(&point, public_key);
		assert_memory_equal(public_key, f->sharing.key.public_key, sizeof public_key);
		_cleanup_(secret_free) struct secret none = {};
		assert_fails(STATUS_INVALID, "recovery.escrows",
			     recovery_join(&f->sharing, KEEPERS_INSTANCE, secret_bytes(&f->recovery_private),
					   quorums[i], given, 2, &none));
		/* Whose an escrow is, is part of it. */
		static const uint8_t swapped[] = {1, 2, 5};
		struct bytes wrong[] = {buffer_bytes(&escrows[2]), buffer_bytes(&escrows[1]),
					buffer_bytes(&escrows[5])};
		assert_fails(STATUS_UNAUTHORIZED, "escrow.recovery",
			     recovery_join(&f->sharing, KEEPERS_INSTANCE, secret_bytes(&f->recovery_private), swapped,
					   wrong, 3, &none));
	}
	for (size_t i = 0; i < ARRAY_LENGTH(escrows); i++)
		buffer_free(&escrows[i]);
}

static void
an_audit_proves_that_each_share_fits_and_that_all_fit_together(void **state) {
	struct fixture *f = *state;
	static const uint8_t challenge[32] = {7}, other[32] = {8};
	assert_ok(share_audit_public(&f->sharing));
	for (uint8_t i = 1; i <= 5; i++) {
		struct knowledge_proof proof;
		assert_ok(share_audit_prove(&f->sharing, f->keepers.shares[i], KEEPERS_INSTANCE, challenge, &proof));
		assert_ok(share_audit_verify(&f->sharing, i, KEEPERS_INSTANCE, challenge, &proof));
		assert_fails(STATUS_UNAUTHORIZED, "knowledge.proof",
			     share_audit_verify(&f->sharing, i, KEEPERS_INSTANCE, other, &proof));
		assert_fails(STATUS_UNAUTHORIZED, "knowledge.proof",
			     share_audit_verify(&f->sharing, i % 5 + 1, KEEPERS_INSTANCE, challenge, &proof));
	}
	for (size_t i = 0; i < 5; i++) {
		struct sharing changed = f->sharing;
		memcpy(changed.key.public_shares[i], f->sharing.key.public_shares[(i + 1) % 5], POINT_SIZE);
		assert_fails(STATUS_CORRUPT, "sharing.polynomial", share_audit_public(&changed));
	}
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_quorum_of_escrows_gives_the_key_and_no_fewer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_audit_proves_that_each_share_fits_and_that_all_fit_together, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
