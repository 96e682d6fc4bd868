/* The keeper as it runs in production, confined: it does its work, and what it must not do is refused inside that very process. */
#include "tests/test.h"
#include "tests/house.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/confine.h"

static void
work(struct house *house) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	house_make_key(house, "eth-hot");
	assert_ok(house_submit(house, &arena, house_sign(house_transfer(&arena, 10, 0, 30)), &response));
	assert_answer(200, "done", &response);
}

static void
try_everything(void) {
	size_t count;
	const struct confine_attempt *attempts = confine_attempts(&count);
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		int error = attempts[i].try();
		if (error != EPERM && error != EACCES)
			fail_msg("%s: errno %d", attempts[i].name, error);
	}
}

static void
be_a_confined_keeper(struct house *house) {
	struct confinement confinement;
	struct confine_request request = {.role = IPC_ROLE_KEEPER, .read_write = {house->directory}};
	assert_ok(confine_enter(&request, &confinement));
	assert_true(confinement.seccomp && confinement.landlock);
	assert_ok(house_open(house));
	try_everything();
	work(house);
	try_everything();
	house_close(house);
	assert_ok(house_open(house));
	house_close(house);
}

static void
a_confined_keeper_works_and_is_refused_everything_else(void **) {
	_cleanup_(house_free) struct house house;
	int status;
	house_found(&house, nullptr);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		be_a_confined_keeper(&house);
		_exit(0); /* a failed assertion does not come here */
	}
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFEXITED(status));
	assert_int_equal(0, WEXITSTATUS(status));
}

RUN_TESTS(T(a_confined_keeper_works_and_is_refused_everything_else))
