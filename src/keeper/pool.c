#include "keeper/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

constexpr unsigned THREADS_MAX = 64;

struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t wake, done;
	pthread_t threads[THREADS_MAX];
	unsigned thread_count;
	bool ending;
	/* The present run; a thread joins in when it sees a new generation. */
	unsigned long generation;
	unsigned inside; /* threads that are working on it */
	atomic_size_t next;
	size_t count;
	void (*work)(void *, size_t);
	void *context;
};

static void
work_off(struct pool *pool) {
	for (size_t i; (i = atomic_fetch_add(&pool->next, 1)) < pool->count;)
		pool->work(pool->context, i);
}

static void *
thread_main(void *argument) {
	struct pool *pool = argument;
	unsigned long seen = 0;
	pthread_mutex_lock(&pool->mutex);
	for (;;) {
		while (!pool->ending && pool->generation == seen)
			pthread_cond_wait(&pool->wake, &pool->mutex);
		if (pool->ending)
			break;
		seen = pool->generation;
		pool->inside++;
		pthread_mutex_unlock(&pool->mutex);
		work_off(pool);
		pthread_mutex_lock(&pool->mutex);
		if (--pool->inside == 0)
			pthread_cond_signal(&pool->done);
	}
	pthread_mutex_unlock(&pool->mutex);
	return nullptr;
}

enum status
pool_create(struct pool **pool, unsigned threads) {
	_cleanup_(pool_destroy) struct pool *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	pthread_mutex_init(&made->mutex, nullptr);
	pthread_cond_init(&made->wake, nullptr);
	pthread_cond_init(&made->done, nullptr);
	for (; made->thread_count < threads && made->thread_count < THREADS_MAX; made->thread_count++)
		if (pthread_create(&made->threads[made->thread_count], nullptr, thread_main, made) != 0)
			return fail(STATUS_UNAVAILABLE, "pool.thread: cannot start thread %u", made->thread_count);
	*pool = TAKE(made);
	return OK;
}

void
pool_destroy(struct pool **pool) {
	struct pool *gone = TAKE(*pool);
	if (gone == nullptr)
		return;
	pthread_mutex_lock(&gone->mutex);
	gone->ending = true;
	pthread_cond_broadcast(&gone->wake);
	pthread_mutex_unlock(&gone->mutex);
	for (unsigned i = 0; i < gone->thread_count; i++)
		pthread_join(gone->threads[i], nullptr);
	pthread_cond_destroy(&gone->done);
	pthread_cond_destroy(&gone->wake);
	pthread_mutex_destroy(&gone->mutex);
	free(gone);
}

size_t
pool_threads(const struct pool *pool) {
	return pool->thread_count + 1;
}

void
pool_run(struct pool *pool, size_t count, void (*work)(void *, size_t), void *context) {
	if (count <= 1 || pool->thread_count == 0) { /* waking others would cost more than it saves */
		for (size_t i = 0; i < count; i++)
			work(context, i);
		return;
	}
	pthread_mutex_lock(&pool->mutex);
	while (pool->inside > 0) /* one that woke late for the run before */
		pthread_cond_wait(&pool->done, &pool->mutex);
	pool->work = work;
	pool->context = context;
	pool->count = count;
	atomic_store(&pool->next, 0);
	pool->generation++;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->mutex);
	work_off(pool);
	pthread_mutex_lock(&pool->mutex);
	while (pool->inside > 0)
		pthread_cond_wait(&pool->done, &pool->mutex);
	pool->count = 0; /* a thread that wakes late finds nothing to do */
	pthread_mutex_unlock(&pool->mutex);
}
