#include "tests/test.h"

#include "crypto/kem.h"
#include "keys/threshold/audit.h"
#include "keys/threshold/recovery.h"
#include "tests/frost_holders.h"

/* A key of 3 of 5 that was dealt, as its holders know it, of each scheme. */
struct fixture {
	struct sharing sharing;
	struct frost_scalar numbers[6]; /* by index */
};

static struct fixture fixtures[3];
static uint8_t recovery_key[KEM_PUBLIC_SIZE];
static struct secret recovery_private;
static const char *const NAMES[] = {"one", "two", "three", "four", "five"};

static void
deal_ecdsa(struct fixture *f) {
	struct keepers keepers = {};
	keepers_generate(&keepers, 3, 5, KEY_PURPOSE_TRANSFER);
	f->sharing = (struct sharing){.scheme = KEY_SHARED_ECDSA, .key = keepers.key};
	for (size_t i = 1; i <= 5; i++)
		scalar_write(ecdsa_share_value(keepers.shares[i]), f->numbers[i].bytes);
	keepers_end(&keepers);
}

static void
deal_frost(struct fixture *f, enum frost_scheme scheme) {
	struct frost_holders holders = {};
	struct frost_key_info again;
	frost_holders_generate(&holders, scheme, 3, 5);
	sharing_of_frost(&holders.key, &f->sharing);
	sharing_to_frost(&f->sharing, &again);
	assert_memory_equal(&again, &holders.key, sizeof again);
	for (size_t i = 1; i <= 5; i++)
		f->numbers[i] = *frost_key_share_value(holders.shares[i]);
	frost_holders_end(&holders);
}

static int
set_up(void **) {
	deal_ecdsa(&fixtures[0]);
	deal_frost(&fixtures[1], FROST_SCHEME_ED25519);
	deal_frost(&fixtures[2], FROST_SCHEME_BIP340);
	for (size_t k = 0; k < ARRAY_LENGTH(fixtures); k++)
		for (size_t i = 0; i < ARRAY_LENGTH(NAMES); i++)
			strcpy(fixtures[k].sharing.names[i], NAMES[i]);
	return kem_generate(recovery_key, &recovery_private) == OK ? 0 : -1;
}

static int
tear_down(void **) {
	secret_free(&recovery_private);
	return 0;
}

static void
check_escrows(const struct fixture *f) {
	const struct frost_suite *suite = sharing_suite(&f->sharing);
	struct buffer escrows[6] = {};
	for (uint8_t i = 1; i <= 5; i++) {
		assert_ok(recovery_escrow(&f->sharing, i, &f->numbers[i], KEEPERS_INSTANCE,
					  BYTES_OF_ARRAY(recovery_key), &escrows[i]));
		assert_ok(recovery_check(&f->sharing, i, KEEPERS_INSTANCE, BYTES_OF_ARRAY(recovery_key),
					 buffer_bytes(&escrows[i])));
		assert_fails(STATUS_UNAUTHORIZED, "escrow.proof",
			     recovery_check(&f->sharing, i % 5 + 1, KEEPERS_INSTANCE, BYTES_OF_ARRAY(recovery_key),
					    buffer_bytes(&escrows[i])));
	}
	static const uint8_t quorums[][3] = {{1, 2, 3}, {5, 2, 4}, {1, 4, 5}};
	for (size_t i = 0; i < ARRAY_LENGTH(quorums); i++) {
		_cleanup_(secret_free) struct secret whole = {};
		struct bytes given[3];
		for (size_t j = 0; j < 3; j++)
			given[j] = buffer_bytes(&escrows[quorums[i][j]]);
		assert_ok(recovery_join(&f->sharing, KEEPERS_INSTANCE, secret_bytes(&recovery_private), quorums[i],
					given, 3, &whole));
		struct frost_scalar number;
		struct frost_element point;
		assert_ok(suite->scalar_read(whole.data, &number));
		assert_ok(suite->element_of(&number, &point));
		assert_memory_equal(point.bytes, f->sharing.key.public_key, suite->element_size);
		_cleanup_(secret_free) struct secret none = {};
		assert_fails(STATUS_INVALID, "recovery.escrows",
			     recovery_join(&f->sharing, KEEPERS_INSTANCE, secret_bytes(&recovery_private), quorums[i],
					   given, 2, &none));
		/* Whose an escrow is, is part of it. */
		static const uint8_t swapped[] = {1, 2, 5};
		struct bytes wrong[] = {buffer_bytes(&escrows[2]), buffer_bytes(&escrows[1]),
					buffer_bytes(&escrows[5])};
		assert_fails(STATUS_UNAUTHORIZED, "escrow.recovery",
			     recovery_join(&f->sharing, KEEPERS_INSTANCE, secret_bytes(&recovery_private), swapped,
					   wrong, 3, &none));
	}
	for (size_t i = 0; i < ARRAY_LENGTH(escrows); i++)
		buffer_free(&escrows[i]);
}

static void
every_quorum_of_escrows_gives_the_key_and_no_fewer(void **) {
	for (size_t k = 0; k < ARRAY_LENGTH(fixtures); k++)
		check_escrows(&fixtures[k]);
	/* Of one key and epoch, but of another group: nothing is mistaken for it. */
	_cleanup_(buffer_free) struct buffer escrow = {};
	assert_ok(recovery_escrow(&fixtures[0].sharing, 1, &fixtures[0].numbers[1], KEEPERS_INSTANCE,
				  BYTES_OF_ARRAY(recovery_key), &escrow));
	for (size_t k = 1; k < ARRAY_LENGTH(fixtures); k++)
		assert_fails(STATUS_UNAUTHORIZED, "escrow.proof",
			     recovery_check(&fixtures[k].sharing, 1, KEEPERS_INSTANCE, BYTES_OF_ARRAY(recovery_key),
					    buffer_bytes(&escrow)));
}

/* Escrows hold whatever the key is said to be: what they give is compared with it, and else nobody has it. */
static void
what_escrows_give_is_this_key_or_nothing(void **) {
	static const uint8_t holders[] = {1, 2, 3};
	const struct fixture *f = &fixtures[1];
	struct sharing other = f->sharing;
	struct buffer escrows[3] = {};
	struct bytes given[3];
	_cleanup_(secret_free) struct secret whole = {};
	memcpy(other.key.public_key, f->sharing.key.public_shares[0], POINT_SIZE);
	for (uint8_t i = 1; i <= 3; i++) {
		assert_ok(recovery_escrow(&f->sharing, i, &f->numbers[i], KEEPERS_INSTANCE,
					  BYTES_OF_ARRAY(recovery_key), &escrows[i - 1]));
		given[i - 1] = buffer_bytes(&escrows[i - 1]);
	}
	assert_fails(
		STATUS_CORRUPT, "recovery.key",
		recovery_join(&other, KEEPERS_INSTANCE, secret_bytes(&recovery_private), holders, given, 3, &whole));
	assert_null(whole.data);
	for (size_t i = 0; i < 3; i++)
		buffer_free(&escrows[i]);
}

static void
check_audit(const struct fixture *f) {
	static const uint8_t challenge[32] = {7}, other[32] = {8};
	const char *error = sharing_is_frost(f->sharing.scheme) ? "frost_knowledge.proof" : "knowledge.proof";
	assert_ok(share_audit_public(&f->sharing));
	for (uint8_t i = 1; i <= 5; i++) {
		uint8_t proof[AUDIT_PROOF_MAX];
		size_t len;
		assert_ok(share_audit_prove(&f->sharing, i, &f->numbers[i], KEEPERS_INSTANCE, challenge, proof, &len));
		struct bytes given = bytes_of(proof, len);
		assert_ok(share_audit_verify(&f->sharing, i, KEEPERS_INSTANCE, challenge, given));
		assert_fails(STATUS_UNAUTHORIZED, error,
			     share_audit_verify(&f->sharing, i, KEEPERS_INSTANCE, other, given));
		assert_fails(STATUS_UNAUTHORIZED, error,
			     share_audit_verify(&f->sharing, i % 5 + 1, KEEPERS_INSTANCE, challenge, given));
		assert_fails(STATUS_INVALID, "audit.proof",
			     share_audit_verify(&f->sharing, i, KEEPERS_INSTANCE, challenge, bytes_of(proof, len - 1)));
		assert_fails(STATUS_NOT_FOUND, "sharing.holder",
			     share_audit_verify(&f->sharing, 6, KEEPERS_INSTANCE, challenge, given));
		/* Whoever has another number has no proof. */
		assert_ok(share_audit_prove(&f->sharing, i, &f->numbers[i % 5 + 1], KEEPERS_INSTANCE, challenge, proof,
					    &len));
		assert_fails(STATUS_UNAUTHORIZED, error,
			     share_audit_verify(&f->sharing, i, KEEPERS_INSTANCE, challenge, bytes_of(proof, len)));
	}
	for (size_t i = 0; i < 5; i++) {
		struct sharing changed = f->sharing;
		memcpy(changed.key.public_shares[i], f->sharing.key.public_shares[(i + 1) % 5], POINT_SIZE);
		assert_fails(STATUS_CORRUPT, "sharing.polynomial", share_audit_public(&changed));
	}
}

static void
an_audit_proves_that_each_share_fits_and_that_all_fit_together(void **) {
	for (size_t k = 0; k < ARRAY_LENGTH(fixtures); k++)
		check_audit(&fixtures[k]);
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_quorum_of_escrows_gives_the_key_and_no_fewer),
		cmocka_unit_test(what_escrows_give_is_this_key_or_nothing),
		cmocka_unit_test(an_audit_proves_that_each_share_fits_and_that_all_fit_together),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
