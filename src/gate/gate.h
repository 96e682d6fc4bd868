/*
 * The gate: every sensitive operation passes here. observe ─► decide ─► act ─► prove.
 *
 *   gate_begin_operation()  the request as received becomes a submission: form, digests. Needs no order: many at once
 *   gate_verify_operation() its signature, and what its kind demands. As many at once; until then nothing of it is believed
 *   gate_submit()           in order: idempotency, nonce, guards, policy, act; yields one entry and the state to come
 *   gate_vote()             in order: a vote; with the last one needed, the operation is decided afresh
 *   gate_settle()           after the entry is durable: the state is what the entry says, and the answer may leave
 *
 * The gate writes nothing itself: the keeper gives every entry to the log before it lets an answer out. Nothing is undone: if
 * an entry cannot become durable the process ends, and the state is rebuilt from what is.
 *
 * Threads: reading submissions may run in many threads while no other function runs; everything else in one.
 * Errors: what a requester did wrong is a status with a stable name, which the keeper answers and records.
 */
#ifndef GATEHOUSE_GATE_GATE_H
#define GATEHOUSE_GATE_GATE_H

#include "gate/entities_text.h"
#include "gate/personal.h"
#include "gate/person_signature.h"
#include "gate/record.h"
#include "gate/state.h"
#include "gate/view.h"
#include "identity/http_signature.h"
#include "model/entry.h"

struct gate {
	struct gate_state *state;
	struct policy_entities *entities;
	struct assessments *assessments;
	struct entities_text entities_text;
	int64_t entities_ms;      /* until when the entities have followed memberships that begin later */
	int64_t entities_next_ms; /* when the next begins */
	struct known_point points[KNOWN_POINTS];
	struct record_blobs blobs;
	struct arena scratch;
	const char *const *authorities; /* what @authority may be */
	size_t authority_count;
	struct secret subject_wrapping; /* of people's keys (gate/personal.h); none where there is no root key */
	struct arena names;
	const char **origins; /* of those authorities: where passkeys may be asked */
	size_t origin_count;
	int64_t price_age_max_ms; /* older prices are stale */
	int64_t skew_ms;          /* how far created may lie ahead */
	/* Of one requester: what is held stays in memory until it is decided or expires. */
	size_t held_by_one_max, held_bytes_by_one_max;
	size_t over_at;                /* where the last one was found that had expired */
	struct import_key *import_key; /* null: not asked for yet (gate/import_key.h) */
};

struct gate_config {
	struct bytes instance;
	struct bytes keeper;            /* its name among keepers that share keys; may be empty */
	const char *const *authorities; /* borrowed; at least one */
	size_t authority_count;
	const struct root_key *root; /* null: no signing */
	struct secrets *secrets;
	struct record_blobs blobs;
	int64_t price_age_max_ms; /* 0: one hour */
};

enum status gate_create(struct gate **gate, const struct gate_config *config);
void gate_destroy(struct gate **gate); /* a cleanup function */

/* --- Submissions. --- */

/* What the requester did and how the keeper knows; everything lives in the arena. */
struct submission {
	struct arena *arena;
	bool may_wait; /* gate_sign() and gate_finish() follow, before anything that is decided later is recorded */
	struct operation operation;
	struct bytes document; /* canonical JSON */
	struct bytes payload;  /* canonical JSON */
	const json *payload_document;
	const json *root;                      /* of the body */
	const struct http_signature *asserted; /* of the request, read and not verified yet; null: a person's */
	const json *secret;                    /* key.import only: what must not be recorded */
	struct personal_values personal;       /* person.profile only: what is recorded sealed */
	struct hash256 id, digest;
	enum operation_kind_id kind;
	enum resource_type resource_type;
	struct bytes resource_id;
	struct bytes key_id;      /* that signed */
	struct bytes asserted_by; /* the passkey that the signature names, whether it holds or not; empty: none */
	struct bytes nonce;       /* of the request signature; empty where a person signed the digest */
	int64_t nonce_expires_s;
	bool nonce_taken;  /* also where the operation was refused after it */
	uint32_t counter;  /* where a passkey signed: its authenticator's */
	struct bytes totp; /* a one-time password beside an Ed25519 signature, as it was typed; empty: none */
	bool has_totp;     /* it was taken: its step stands in the evidence, or in the refusal */
	int64_t totp_step;
	struct bytes requester;          /* canonical JSON: evidence of the signature */
	struct bytes peer_address;       /* reported */
	const struct seen_network *seen; /* in its place where the operation is decided again */
	const struct others *told;       /* what others had counted, as it is recorded: for replay */
};

/* The body is {"operation":{...},"payload":{...}} with "signature":{"key_id","signature"} where a person signs, and
 * "signature":{"assertion":{"authenticator_data","client_data"},"key_id","signature"} where they sign by a passkey. An operation
 * that was refused here and whose signature verified has submission->key_id set: it is recorded as refused.
 *
 * In two steps, for many at once: where requests are read and then signatures verified, neither drives the other's code and data out
 * of the processor's caches. The request stays. */
enum status gate_begin_operation(const struct gate *gate, const struct http_request *request, struct bytes peer_address,
				 int64_t now_ms, struct submission *submission);
enum status gate_verify_operation(const struct gate *gate, const struct http_request *request, int64_t now_ms,
				  struct submission *submission);

struct vote_submission {
	struct arena *arena;
	struct hash256 operation_id;
	struct approval_statement statement;
	struct bytes statement_text;
	struct hash256 statement_digest;
	struct bytes key_id;
	struct person_signature signature;
	struct bytes peer_address; /* reported; set by the caller */
};

/* The body is {"statement":{...},"signature":{...}}, signed in either of those ways. vote->key_id is set only if its signature verified. */
enum status gate_read_vote(const struct gate *gate, struct arena *arena, struct bytes body,
			   struct vote_submission *vote);

/* Whether the secret travels beside the payload and must be there when the act is done. */
bool submission_needs_secret(enum operation_kind_id kind);

/* A request's signature, by the key that it names; a key that nobody has, or that is a passkey, is answered as one that did not
 * sign, at the same cost. What has become of the key is told to whoever signs with it. Errors: those of http_signature_verify() and
 * directory_active_key(). */
enum status gate_verify_request(const struct gate *gate, const struct http_signature *signature,
				const struct directory_key **key);

/* What a request's @authority must be: its Host where that is one of ours, and our first name otherwise. */
struct bytes gate_authority_of(const struct gate *gate, const struct http_request *request);

/* --- Steps. --- */

/* One entry to be written. */
struct gate_entry {
	enum entry_type type;
	struct buffer body;
	struct bytes openings[PERSONAL_PARTS_MAX]; /* sealed, beside it; in the submission's arena */
	size_t opening_count;
};

enum gate_step_kind {
	GATE_KNOWN, /* an idempotent repetition: the answer is in the entry that the operation names; nothing to write */
	GATE_IN_FLIGHT, /* the same operation is being written now: ask again when it is durable */
	GATE_DECIDED,   /* entries[0..entry_count) are to be written, then gate_settle() */
};

struct unsigned_step;

struct gate_step {
	enum gate_step_kind kind;
	struct unsigned_step *to_sign; /* in the submission's arena; null: the entries are whole */
	struct gate_operation *operation;
	struct gate_entry entries
		[3]; /* a vote, the decision or refusal that it brought about, and an erasure that this makes known */
	size_t entry_count;
	enum operation_state state; /* that the operation has when the entries are durable */
	bool is_outward;            /* an intent: gate_perform() follows when it is durable, */
	bool is_joint;              /* or, where it takes other keepers, a session and gate_conclude() (gate/joint.h) */
	bool destroys; /* a key, its shares of an earlier epoch, or a person's: rows go when this step is durable */
	struct personal_record personal; /* that the step's entries hold */
	/* What the last entry says, for the answer; in the submission's arena. Null after a vote that decided nothing. */
	const struct decision_record *record;
	bool is_break_glass;
	struct bytes refusal; /* why a last vote could not decide; empty otherwise */
};
void gate_step_free(struct gate_step *step); /* a cleanup function */

/* now_ms is the batch's time: not below any before. Statuses: STATUS_CONFLICT "operation.differs" (same idempotency key,
 * another operation), STATUS_EXPIRED "operation.expired", STATUS_CONFLICT "nonces.replayed", and those of directory, payload
 * and wallet. After a failure nothing has changed but the nonce, which is used. */
enum status gate_submit(struct gate *gate, struct submission *submission, int64_t now_ms, struct gate_step *step);
enum status gate_vote(struct gate *gate, const struct vote_submission *vote, int64_t now_ms, struct gate_step *step);

/* Of a step that is decided, its spend counted, and to be signed: signs; and makes its entry whole. Several transfers are decided, then
 * signed, then written: each of the three costs less where it is not interrupted by the others. That the key can sign is known when it is
 * decided: what fails here is broken, the state holds what no entry says, and the process ends. */
enum status gate_sign(struct gate *gate, struct gate_step *step);
enum status gate_finish(struct gate *gate, struct gate_step *step);

/* The stage in which an operation's next vote is cast: the first of which approvals are missing. 0 where the bundle in force knows
 * no order. */
enum status gate_next_stage(struct gate *gate, struct arena *arena, const struct gate_operation *operation,
			    int64_t now_ms, int64_t *stage);

/* The entries are durable; entry is the index of the last. */
void gate_settle(struct gate *gate, struct gate_step *step, uint64_t entry);

/* An outward act, its intent durable: does it, from what was kept of the operation (its last step may have been a vote), and
 * yields the entry of its outcome. */
enum status gate_perform(struct gate *gate, struct gate_operation *operation, int64_t now_ms, struct gate_step *step);

/* How an act that took other keepers came out. */
struct conclusion {
	enum outcome outcome;     /* OUTCOME_DONE or OUTCOME_FAILED */
	struct bytes result;      /* done: canonical JSON */
	struct bytes nonce_chain; /* done, Ethereum: chain and nonce that were signed; empty otherwise */
	uint64_t nonce;
	bool redeals;       /* done: shares of an earlier epoch go when this is durable */
	const char *error;  /* failed: why, by a stable name */
	struct bytes again; /* what this keeper decided once more (gate/joint.h); empty: nothing */
	struct bytes blame; /* failed: canonical JSON, for the own log: party, round, check; may be empty */
	bool gives_back; /* failed, and this keeper has released nothing: the limits that it reserved are free again */
};
/* The intent's outcome: makes the change and yields the entry. STATUS_CONFLICT "operation.not_unknown" where somebody has
 * resolved it meanwhile. */
enum status gate_conclude(struct gate *gate, struct gate_operation *operation, const struct conclusion *conclusion,
			  int64_t now_ms, struct gate_step *step);

/* Limits and nonces forget what no window sees. */
void gate_tick(struct gate *gate, int64_t now_ms);
/* A held operation past its time becomes expired, and that an entry; step->entry_count is 0 where there is none. Until its entry is
 * made an operation stays held, and is neither voted on nor decided. */
enum status gate_expire(struct gate *gate, int64_t now_ms, struct gate_step *step);

/* The recorded time goes on: what was to begin by then has begun. */
enum status gate_follow_time(struct gate *gate, int64_t now_ms);
/* Makes a change and lets the policy's entities follow it: live and when restoring. */
enum status gate_apply_change(struct gate *gate, const struct change *change);

/* --- Restoring. --- */

/* Applies one entry of the log, in order, from entry 0 on. Errors: STATUS_CORRUPT "restore.*". */
enum status gate_restore_entry(struct gate *gate, uint64_t index, struct bytes leaf);
/* The same of one that was read, into the arena. */
enum status gate_restore_read_entry(struct gate *gate, struct arena *arena, uint64_t index, const struct entry *entry);
/* After the last: keys that secrets.db has and the log has not are removed, and the reverse is an error. */
enum status gate_restore_finish(struct gate *gate);
/* Rows of keys that are destroyed, or that no entry made, are removed. */
enum status gate_reconcile_keys(struct gate *gate);

#endif
