/*
 * Who is to be told of what, and what became of it: a queue for each receiver that is configured (docs/notifications.md).
 *
 * What happens to operations is taken from the log's own entries, behind the durable head, so that a restart finds again what was not
 * delivered: the file `notified` says up to which entry each receiver has everything. Alarms, and operations about to expire, come
 * from the state. Every notice is delivered at least once or given up after a time that is configured; its id stays the same. A queue is
 * bounded: beyond it the notices of one kind become one that says how many.
 *
 * This is without transport, as keeper/witnessing.h is. Owner: the caller. Threads: the publisher calls notifier_applied(), notifier_apply() and
 * notifier_finish(), the deciding one all else. Errors: none stops anything; what fails is counted, kept for health, and tried again with
 * back-off.
 */
#ifndef GATEHOUSE_KEEPER_NOTIFIER_H
#define GATEHOUSE_KEEPER_NOTIFIER_H

#include "base/io.h"
#include "base/ipc_messages.h"
#include "base/metrics.h"
#include "gate/operations.h"
#include "ledger/log.h"
#include "model/notice.h"

constexpr size_t NOTIFIER_RECEIVERS_MAX = 8;
constexpr size_t NOTIFIER_METRICS_MAX = 3 * NOTIFIER_RECEIVERS_MAX;

struct notifier_receiver {
	const char *name;   /* borrowed */
	unsigned notices;   /* bits 1 << enum notice_kind */
	int64_t give_up_ms; /* after what happened */
};

struct notifier_config {
	const struct io *io;
	const char *path;     /* the file `notified` */
	const char *instance; /* borrowed, as all of these are */
	const struct notifier_receiver *receivers;
	size_t receiver_count;
	uint64_t size; /* of the log: whoever is new hears of what comes from here on */
	int64_t now_ms;
};

struct notifier;

enum status notifier_open(const struct notifier_config *config, struct notifier **notifier);
/* Writes down what is delivered. */
void notifier_close(struct notifier **notifier); /* a cleanup function */

/* Whether a receiver of that name is configured: STATUS_NOT_FOUND notification.receiver. notifier may be null: none is. */
enum status notifier_check_receiver(const struct notifier *notifier, struct bytes name);

/* --- What happened. now_ms is the batch's time. --- */
uint64_t notifier_applied(void *notifier); /* for publish_target */
enum status notifier_apply(void *notifier, const struct ledger_record *record);
enum status notifier_finish(void *notifier, const struct ledger_head *head);
/* An alarm is told when it begins; that a passkey was enrolled by a link, with its entry. */
void notifier_alarm(struct notifier *notifier, enum notice_alarm alarm, bool is_on, int64_t now_ms);
/* Held operations that are about to expire: an hour before, or when a quarter of their time is left. */
void notifier_tick(struct notifier *notifier, const struct operations *operations, int64_t now_ms);

/* --- What is to be sent. boot_ms never steps. --- */
/* *is_due is true where fetch is to be asked now; the body is valid until the next call. Then exactly one of the next two follows. */
enum status notifier_next(struct notifier *notifier, int64_t boot_ms, struct ipc_fetch *fetch, bool *is_due);
void notifier_take(struct notifier *notifier, int64_t boot_ms, int64_t now_ms, const struct ipc_fetched *fetched);
void notifier_lost(struct notifier *notifier, int64_t boot_ms, int64_t now_ms, const char *why);

/* --- How it goes. --- */
/* [{"delivered":n,"failed":n,"failing_for_long":true,"failing_since":ms,"error":"...","name":"...","pending":n,"retried":n}] */
void notifier_write_health(struct notifier *notifier, int64_t now_ms, struct json_writer *writer);
/* How many were put into the table. */
size_t notifier_metrics(struct notifier *notifier, struct metric *table[static NOTIFIER_METRICS_MAX]);

#endif
