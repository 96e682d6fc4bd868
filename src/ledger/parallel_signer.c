#include "ledger/parallel_signer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct parallel_signer {
	struct head_signer signer;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t asked, answered;
	enum { NOTHING, ASKED, SIGNING, ANSWERED, STOPPING } state;
	struct head head;
	struct head_signatures signatures; /* its Ed25519 half */
	enum status status;
	char message[512];
};

static void *
run_thread(void *argument) {
	struct parallel_signer *parallel = argument;
	pthread_mutex_lock(&parallel->mutex);
	for (;;) {
		while (parallel->state != ASKED && parallel->state != STOPPING)
			pthread_cond_wait(&parallel->asked, &parallel->mutex);
		if (parallel->state == STOPPING)
			break;
		parallel->state = SIGNING;
		pthread_mutex_unlock(&parallel->mutex);
		enum status status = head_sign_ed25519(&parallel->signer, &parallel->head, &parallel->signatures);
		pthread_mutex_lock(&parallel->mutex);
		parallel->status = status;
		if (status != OK)
			snprintf(parallel->message, sizeof parallel->message, "%s", fail_message());
		parallel->state = ANSWERED;
		pthread_cond_signal(&parallel->answered);
	}
	pthread_mutex_unlock(&parallel->mutex);
	return nullptr;
}

enum status
parallel_signer_create(const struct head_signer *signer, struct parallel_signer **parallel) {
	_cleanup_(parallel_signer_destroy) struct parallel_signer *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->signer = *signer;
	pthread_mutex_init(&made->mutex, nullptr);
	pthread_cond_init(&made->asked, nullptr);
	pthread_cond_init(&made->answered, nullptr);
	if ((errno = pthread_create(&made->thread, nullptr, run_thread, made)) != 0)
		return fail_errno(STATUS_NO_MEMORY, "ledger.thread: the second signer");
	made->has_thread = true;
	*parallel = TAKE(made);
	return OK;
}

void
parallel_signer_destroy(struct parallel_signer **parallel) {
	if (*parallel == nullptr)
		return;
	struct parallel_signer *gone = TAKE(*parallel);
	if (gone->has_thread) {
		pthread_mutex_lock(&gone->mutex);
		gone->state = STOPPING;
		pthread_cond_signal(&gone->asked);
		pthread_mutex_unlock(&gone->mutex);
		pthread_join(gone->thread, nullptr);
	}
	pthread_cond_destroy(&gone->asked);
	pthread_cond_destroy(&gone->answered);
	pthread_mutex_destroy(&gone->mutex);
	free(gone);
}

static void
ask(struct parallel_signer *parallel, const struct head *head) {
	pthread_mutex_lock(&parallel->mutex);
	parallel->head = *head;
	parallel->state = ASKED;
	pthread_mutex_unlock(&parallel->mutex);
	pthread_cond_signal(&parallel->asked);
}

/* False if the thread has not begun: then it will not. */
static bool
fetch(struct parallel_signer *parallel, struct head_signatures *signatures, enum status *status) {
	pthread_mutex_lock(&parallel->mutex);
	bool has_begun = parallel->state != ASKED;
	while (has_begun && parallel->state != ANSWERED)
		pthread_cond_wait(&parallel->answered, &parallel->mutex);
	parallel->state = NOTHING;
	*status = OK;
	if (has_begun && parallel->status != OK)
		*status = fail(parallel->status, "%s", parallel->message);
	else if (has_begun)
		memcpy(signatures->ed25519, parallel->signatures.ed25519, sizeof signatures->ed25519);
	pthread_mutex_unlock(&parallel->mutex);
	return has_begun;
}

enum status
parallel_signer_sign(struct parallel_signer *parallel, const struct head *head, uint64_t time_s,
		     struct head_signatures *signatures) {
	enum status other;
	ask(parallel, head);
	enum status status = head_sign_mldsa44(&parallel->signer, head, time_s, signatures);
	bool is_signed = fetch(parallel, signatures, &other);
	TRY(status);
	return is_signed ? other : head_sign_ed25519(&parallel->signer, head, signatures);
}
