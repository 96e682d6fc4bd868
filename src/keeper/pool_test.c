#include "tests/test.h"

#include <stdatomic.h>

#include "keeper/pool.h"

static void
count_visit(void *context, size_t index) {
	atomic_uint *visits = context;
	atomic_fetch_add(&visits[index], 1);
}

static void
every_piece_is_done_once_in_every_run(void **) {
	for (unsigned threads = 0; threads < 4; threads++) {
		_cleanup_(pool_destroy) struct pool *pool = nullptr;
		assert_ok(pool_create(&pool, threads));
		for (size_t run = 0; run < 500; run++) {
			atomic_uint visits[64] = {};
			size_t count = run % 65;
			pool_run(pool, count, count_visit, visits);
			for (size_t i = 0; i < 64; i++)
				assert_int_equal(i < count, visits[i]);
		}
	}
}

RUN_TESTS(T(every_piece_is_done_once_in_every_run))
