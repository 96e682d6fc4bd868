/*
 * One request on its way through the keeper, from frame to answer. Jobs are pooled: an arena each, reset and wiped after use.
 */
#ifndef GATEHOUSE_KEEPER_JOB_H
#define GATEHOUSE_KEEPER_JOB_H

#include <stdatomic.h>

#include "gate/gate.h"
#include "gate/enrolment.h"
#include "gate/sign_in.h"
#include "keeper/internal.h"

enum job_kind {
	JOB_OPERATION,
	JOB_VOTE,
	JOB_READ,
	JOB_SIGN_IN,
	JOB_SIGN_OUT,
	JOB_ENROLMENT,
	JOB_EXPIRY, /* nobody asked */
};

/* What a batch became, shared by its jobs. */
struct commit {
	atomic_uint references;
	uint64_t size; /* of the head */
	struct buffer note;
};

struct job {
	struct job *next;
	struct keeper *keeper;
	uint64_t request; /* the gateway's number */
	bool urgent;
	enum job_kind kind;
	struct arena arena;
	struct ipc_request received;
	struct http_field fields[8];
	struct http_request http;
	/* After reading. */
	enum status read_status;
	char error[512];
	struct submission submission;
	struct vote_submission vote;
	struct hash256 bundle;         /* keeper/activating.h: what is to be proved */
	const struct api_route *route; /* JOB_READ */
	struct bytes reader;           /* JOB_READ: the key that signed, or that signed in; verified */
	/* keeper/signing_in.h */
	bool by_session; /* the reader has a cookie, not a signature */
	bool hides_why;  /* a sign-in: whoever asks is told that it is refused, and no more */
	uint8_t session_token[SESSION_TOKEN_SIZE];
	const struct session *session;
	uint64_t stream;      /* of a feed */
	char retry_after[24]; /* seconds; empty: what is usual */
	bool is_taken;        /* an enrolment stands in the state, and is to be recorded */
	struct sign_in sign_in;
	struct enrolment enrolment;
	char set_cookie[160]; /* goes out with the answer; empty: none */
	/* Of a read, keeper/reading.h. */
	struct read_scope *scope;
	bool is_withheld; /* its answer waits for the entry that says what was read */
	enum entry_type recorded_as;
	struct ipc_response withheld; /* in the job's arena */
	struct bytes subjects_read;   /* canonical JSON: whose personal values, and which */
	struct {
		size_t count;
		uint64_t first, last;
	} exported;
	struct {
		struct bytes name, text;
	} limits;           /* of a slow read of them: copies; the name ends in a NUL */
	struct buffer body; /* of a slow read, with its type */
	const char *content_type;
	/* After deciding. */
	struct gate_step step;
	struct bytes
		missing; /* of what the step left held; in the job's arena: before it is answered another may have ended it */
	bool is_refusal; /* what is being recorded is that it was refused */
	unsigned entries_pending;
	bool is_lost; /* its entries did not become durable */
	/* After it became durable; of a slow read, the entry that it is about. */
	uint64_t index;
	struct commit *commit;
	/* keeper_answer(): where the answer goes instead of the channel. */
	struct ipc_response *response;
	struct arena *response_arena;
	bool is_answered;
	/* Keepers that act together (keeper/threshold.h). */
	uint64_t forwarded_at; /* by the number of connections between keepers that had come up until then */
	uint8_t forwarded_by;  /* the party whose gateway got it; 0: the own one's */
	bool is_forwarded;     /* another keeper was handed it from here */
	bool is_internal;      /* nobody asked: an outcome that only has to be recorded */
	const struct decision_record *intent; /* what the outcome is of; its result once there is one */
};

/* A job from the pool, empty but for its arena. Null when out of memory. */
struct job *job_take(struct keeper *keeper);
void job_give_back(struct keeper *keeper, struct job *job);
/* Keeps the thread's last detail as the job's. */
void job_keep_error(struct job *job);
/* The key that signed what was asked, verified; empty as long as none is known. */
struct bytes job_asking_key(const struct job *job);
void jobs_free(struct job *job); /* and those after it */
void commit_release(struct commit *commit);

#endif
