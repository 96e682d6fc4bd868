#include "tests/test.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "crypto/aead.h"
#include "crypto/random.h"
#include "crypto/sign.h"
#include "crypto/start.h"

static bool takes_all_points;

/* Stands before the library's, which is of another kind where all points are taken: as before the fix of CVE-2025-69277. */
int
crypto_core_ed25519_is_valid_point(const unsigned char *point) {
	typedef int check(const unsigned char *);
	check *of_the_library = (check *)dlsym(RTLD_NEXT, "crypto_core_ed25519_is_valid_point");
	return takes_all_points ? 1 : of_the_library(point);
}

/* First of the tests: the check is made once in a process. */
static void
a_library_that_takes_points_of_mixed_order_is_not_used(void **) {
	pid_t child = fork();
	int status;
	if (child == 0) {
		takes_all_points = true;
		(void)close(STDERR_FILENO);
		(void)crypto_start();
		_exit(0);
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(SIGABRT, WTERMSIG(status));
}

static void *
use_everything(void *) {
	static uint8_t mldsa_public[1312], mldsa_signature[2420];
	uint8_t key[32], public_key[33], signature[64], sealed[32 + AEAD_OVERHEAD];
	_cleanup_(mldsa44_private_destroy) struct mldsa44_private *private = nullptr;
	_cleanup_(mldsa44_public_destroy) struct mldsa44_public *public = nullptr;
	random_bytes(key, sizeof key);
	key[0] = 0;
	struct hash256 digest = keccak256(BYTES_OF_ARRAY(key));
	assert_ok(mldsa44_private_create(&private, key));
	mldsa44_private_public_key(private, mldsa_public);
	assert_ok(mldsa44_public_create(&public, mldsa_public));
	assert_ok(mldsa44_sign(private, hash256_bytes(&digest), mldsa_signature));
	assert_ok(mldsa44_verify(public, hash256_bytes(&digest), mldsa_signature));
	assert_ok(p256_public_key(key, public_key));
	assert_ok(p256_sign(key, digest.bytes, signature));
	assert_ok(p256_verify(BYTES_OF_ARRAY(public_key), digest.bytes, signature));
	assert_ok(secp256k1_sign(key, digest.bytes, signature, nullptr));
	assert_ok(bip340_sign(key, hash256_bytes(&digest), key, signature));
	assert_ok(ed25519_public_key(key, public_key));
	assert_ok(aead_seal(key, (struct bytes){}, BYTES_OF_ARRAY(key), sealed));
	assert_ok(aead_open(key, (struct bytes){}, BYTES_OF_ARRAY(sealed), key));
	assert_ok(argon2id(BYTES_OF_ARRAY(key), BYTES_OF_ARRAY(key), (struct argon2id_cost){8, 1, 1}, key, 32));
	assert_ok(hkdf_sha256(BYTES_OF_ARRAY(key), (struct bytes){}, (struct bytes){}, key, 32));
	assert_ok(pbkdf2_hmac_sha512(BYTES_OF_ARRAY(key), BYTES_OF_ARRAY(key), 1, key, 32));
	return nullptr;
}

static void
after_the_start_no_file_is_needed(void **) {
	assert_ok(crypto_start());
	struct rlimit before, none = {};
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(open("/dev/null", O_RDONLY | O_CLOEXEC), -1);
	use_everything(nullptr);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, nullptr, use_everything, nullptr), 0);
	assert_int_equal(pthread_join(thread, nullptr), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

RUN_TESTS(T(a_library_that_takes_points_of_mixed_order_is_not_used), T(after_the_start_no_file_is_needed))
