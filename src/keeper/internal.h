/*
 * The keeper's own structure, for the files of this folder only.
 */
#ifndef GATEHOUSE_KEEPER_INTERNAL_H
#define GATEHOUSE_KEEPER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/metrics.h"
#include "identity/challenges.h"
#include "identity/sessions.h"
#include "identity/throttle.h"
#include "keeper/event.h"
#include "keeper/keeper.h"
#include "keeper/notifier.h"
#include "keeper/peer_keys.h"
#include "keeper/rate.h"
#include "keeper/witnessing.h"

struct job;
struct work_answer;
struct threshold;
struct enrolments;
struct peers;

constexpr size_t DECIDED_MAX = 16;

struct keeper {
	struct keeper_config config;
	struct installation *installation;
	struct gate *gate;
	struct ledger *ledger;
	struct tree_reader older;
	struct tile_writer *tiles;
	struct tile_node_reader *tile_nodes;
	struct projection *projection;
	pthread_mutex_t projection_mutex; /* the publisher writes it, listings read it */
	struct publisher *publisher;
	struct publish_target targets[6];
	struct checkpoint_target checkpoint;
	struct high_water *high_water;
	struct witnessing *witnessing; /* null with another guard */
	struct ipc_channel fetch;
	uint64_t fetch_request;    /* number of the last */
	int64_t fetch_asked_ms;    /* 0: no answer is awaited */
	bool fetch_notifies;       /* what was asked is a notification */
	struct notifier *notifier; /* null: nobody is to be told of anything */
	struct ipc_channel worker;
	struct { /* keeper/worker_link.h */
		struct buffer request;
		uint64_t number; /* of the last */
		bool is_sent;
		int64_t end_ms;
		void (*done)(void *context, const struct work_answer *answer); /* null: nothing is asked */
		void *context;
		void (*lost)(void *context); /* the worker is to be ended; may be null */
		void *lost_context;
	} work;
	struct peer_keys peer_keys;
	struct peers *peers; /* keeper/peer_link.h; null where this keeper's name cannot be a peer's */
	int64_t generation_looked_ms;
	struct job *activating; /* keeper/activating.h */
	struct hash256 proving; /* what the worker is asked about */
	struct threshold *threshold;
	struct enrolments *enrolments;
	struct pool *pool;
	struct clock clock;
	int64_t batch_ms;      /* the present batch's time */
	int64_t batch_boot_ms; /* the same since the machine started */
	int64_t sampled_ms, reported_ms, ticked_ms;
	bool ready;
	struct state_snapshots *snapshots;
	struct secret snapshot_key;
	atomic_bool has_ended; /* nothing is answered any more */
	/* Paths, owned. */
	char *ledger_path, *blobs_path, *public_path, *checkpoint_path, *cosigned_path, *state_path, *snapshot_path,
		*backup_note_path, *notified_path, *erasures_path; /* the last: null with another guard than path */
	size_t erasures_written;                                   /* how many stand in that file, as far as is known */
	/* Serving. */
	struct ipc_channel *channel; /* null between gateways */
	int wake;                    /* eventfd: the committer has finished something */
	struct job *free_jobs;
	struct job *waiting; /* for an operation that is being recorded */
	pthread_mutex_t done_mutex;
	struct job *done_first, *done_last; /* durable, in order; filled by the committer, a batch at a time */
	struct job *told_first, *told_last; /* the committer's: of the batch that it is telling of */
	struct commit *last_commit;         /* of that batch; null between them */
	struct job *decided[DECIDED_MAX];   /* in this order, not given to the log yet: keeper/decide.h */
	size_t decided_count;
	uint64_t outstanding;
	unsigned rounds_without_waiting;            /* for more requests: keeper/loop.c */
	uint32_t credits_due, urgent_credits_due;   /* to be granted with the next flush */
	uint32_t credits_left, urgent_credits_left; /* granted and not used */
	struct rate request_rate, read_rate;
	struct rate forwarded_rate, forwarded_refusals; /* by the party that forwards; the second by the minute */
	struct slow_reads *slow_reads;
	struct challenges challenges;
	struct sessions sessions;
	struct throttle origins; /* of sign-ins and enrolments that are refused and nobody's */
	struct throttle pairs;   /* of a passkey and a network: assertions that did not hold */
	/* Metrics. */
	struct metric decisions[3];
	struct metric refusals;
	struct metric signed_in, unknown_refused[2]; /* sign-ins, enrolments */
	struct metric stray_frames;                  /* keeper/threshold.h */
	struct metric limited[2];                    /* operations and votes, reads */
	struct metric reads;
	struct metric batches;
	struct metric events[EVENT_KINDS];
	uint64_t event_id;    /* of the newest that was told */
	unsigned events_told; /* within this second */
	struct metric decide_seconds;
	struct metric_histogram decide_histogram;
};

/* A gate of this installation that nothing was applied to; without keys it follows the log and signs nothing. */
enum status keeper_make_gate(struct keeper *keeper, bool with_keys, struct gate **gate);

/* The end where going on would promise what is not so: only a restart makes the state what the log says. */
void keeper_end(struct keeper *keeper, const char *why);

#endif
