#include "tests/test.h"
#include "base/secret.h"

#include <linux/capability.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void
a_secret_is_zeroed_whatever_its_size(void **) {
	static const size_t sizes[] = {0, 1, 32, 256, 257, 4096, 4097, 100'000};
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		_cleanup_(secret_free) struct secret secret = {};
		assert_ok(secret_alloc(&secret, sizes[i]));
		assert_int_equal(sizes[i], secret.len);
		assert_non_null(secret.data);
		for (size_t j = 0; j < secret.len; j++)
			assert_int_equal(0, secret.data[j]);
		memset(secret.data, 0xff, secret.len);
		secret_free(&secret);
		assert_null(secret.data);
		assert_int_equal(0, secret.len);
	}
	struct secret secret;
	assert_fails(STATUS_NO_MEMORY, "memory", secret_alloc(&secret, SIZE_MAX));
}

static void
comparison_looks_at_every_byte_and_at_the_length(void **) {
	uint8_t a[64] = {}, b[64] = {};
	assert_true(secret_equal(BYTES_OF_ARRAY(a), BYTES_OF_ARRAY(b)));
	assert_true(secret_equal((struct bytes){}, (struct bytes){}));
	assert_false(secret_equal(BYTES_OF_ARRAY(a), bytes_of(b, 63)));
	for (size_t i = 0; i < sizeof a; i++)
		for (int bit = 0; bit < 8; bit++) {
			b[i] ^= (uint8_t)(1 << bit);
			assert_false(secret_equal(BYTES_OF_ARRAY(a), BYTES_OF_ARRAY(b)));
			b[i] ^= (uint8_t)(1 << bit);
		}
}

static int
descriptor_with(const char *text) {
	int ends[2];
	assert_int_equal(0, pipe(ends));
	assert_int_equal(strlen(text), write(ends[1], text, strlen(text)));
	close(ends[1]);
	return ends[0];
}

static void
one_final_line_feed_is_not_part_of_a_secret(void **) {
	static const struct {
		const char *text, *secret;
	} cases[] = {{"", ""},
		     {"\n", ""},
		     {"pass\n", "pass"},
		     {"pass", "pass"},
		     {"pass\n\n", "pass\n"},
		     {" p \r\n", " p \r"}};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(secret_free) struct secret secret = {};
		int descriptor = descriptor_with(cases[i].text);
		assert_ok(secret_read_descriptor(&secret, descriptor, 8));
		close(descriptor);
		assert_bytes(bytes_of_text(cases[i].secret), secret_bytes(&secret));
	}
}

static void
a_secret_over_its_limit_or_that_cannot_be_read_is_refused(void **) {
	_cleanup_(secret_free) struct secret secret = {};
	int descriptor = descriptor_with("123456789");
	assert_fails(STATUS_TOO_LARGE, "secret.size", secret_read_descriptor(&secret, descriptor, 8));
	close(descriptor);
	assert_fails(STATUS_IO, "secret.read", secret_read_descriptor(&secret, -1, 8));
	assert_fails(STATUS_IO, "secret.open", secret_read_file(&secret, "/no/such/file", 8));
	assert_null(secret.data);
}

static void
a_region_gives_each_slot_once_and_wipes_what_comes_back(void **) {
	constexpr size_t slots = 300;
	_cleanup_(secret_region_destroy) struct secret_region *region = nullptr;
	uint8_t *taken[slots];
	assert_ok(secret_region_create(&region, 32, slots));
	for (size_t i = 0; i < slots; i++) {
		taken[i] = secret_region_take(region);
		assert_non_null(taken[i]);
		memset(taken[i], (int)(i % 255 + 1), 32);
	}
	assert_null(secret_region_take(region));
	for (size_t i = 0; i < slots; i++)
		for (size_t j = 0; j < 32; j++)
			assert_int_equal(i % 255 + 1, taken[i][j]);
	secret_region_give_back(region, taken[7]);
	secret_region_give_back(region, nullptr);
	uint8_t *again = secret_region_take(region);
	assert_ptr_equal(taken[7], again);
	for (size_t j = 0; j < 32; j++)
		assert_int_equal(0, again[j]);
	assert_null(secret_region_take(region));
}

static void
a_region_of_no_size_is_refused(void **) {
	struct secret_region *region = nullptr;
	assert_fails(STATUS_INVALID, "secret.region", secret_region_create(&region, 0, 1));
	assert_fails(STATUS_INVALID, "secret.region", secret_region_create(&region, 32, 0));
	assert_fails(STATUS_INVALID, "secret.region", secret_region_create(&region, SIZE_MAX, 2));
	assert_fails(STATUS_INVALID, "secret.region", secret_region_create(&region, 1, (size_t)UINT32_MAX + 1));
	assert_null(region);
}

/* A child sees zeros (MADV_WIPEONFORK) or has no such memory (MADV_DONTFORK), never the secret. */
static void
a_forked_child_does_not_have_the_secrets(void **) {
	_cleanup_(secret_region_destroy) struct secret_region *region = nullptr;
	_cleanup_(secret_free) struct secret secret = {};
	assert_ok(secret_region_create(&region, 32, 4));
	assert_ok(secret_alloc(&secret, 4096));
	uint8_t *slot = secret_region_take(region);
	memset(slot, 0xa5, 32);
	memset(secret.data, 0xa5, secret.len);
	for (const volatile uint8_t *const *target = (const volatile uint8_t *const[]){slot, secret.data, nullptr};
	     *target != nullptr; target++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			/* cmocka's handler would go on with the tests here. */
			signal(SIGSEGV, SIG_DFL);
			signal(SIGBUS, SIG_DFL);
			_exit(**target == 0xa5 ? 1 : 0);
		}
		int status;
		assert_int_equal(child, waitpid(child, &status, 0));
		assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) != 1);
	}
	assert_int_equal(0xa5, slot[0]);
}

/* In a child, which has neither the limit nor root's power to exceed it. */
static void
memory_that_cannot_be_locked_is_said_not_to_be(void **) {
	_cleanup_(secret_region_destroy) struct secret_region *region = nullptr;
	assert_ok(secret_region_create(&region, 32, 4));
	assert_true(secret_region_is_locked(region) || !secret_region_is_isolated(region));
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
		struct __user_cap_data_struct none[2] = {};
		struct secret_region *unlocked = nullptr;
		if (setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){}) != 0 || syscall(SYS_capset, &header, none) != 0 ||
		    secret_region_create(&unlocked, 32, 4) != OK)
			_exit(2);
		_exit(secret_region_is_locked(unlocked) || secret_region_is_isolated(unlocked) ? 1 : 0);
	}
	int status;
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFEXITED(status));
	assert_int_equal(0, WEXITSTATUS(status));
}

RUN_TESTS(T(a_secret_is_zeroed_whatever_its_size), T(comparison_looks_at_every_byte_and_at_the_length),
	  T(one_final_line_feed_is_not_part_of_a_secret), T(a_secret_over_its_limit_or_that_cannot_be_read_is_refused),
	  T(a_region_gives_each_slot_once_and_wipes_what_comes_back), T(a_region_of_no_size_is_refused),
	  T(a_forked_child_does_not_have_the_secrets), T(memory_that_cannot_be_locked_is_said_not_to_be))
