/*
 * The votes on one held operation, and what they count for (design §4).
 *
 * One human is one vote: a person signs for one seat per operation, their own or that of the person who delegated to them, and
 * a seat is filled once. Neither the initiator's hand nor the initiator's seat counts. A vote counts only under the bundle that
 * it names, until it expires, while its signer is active and its seat a member of the group. Votes arrive here verified: signature,
 * statement and delegation were checked (identity/statement.h, directory_may_vote). docs/PROTOCOL.approval.
 *
 * Owner: copies what it is given. Threads: one. Errors: "votes.*".
 */
#ifndef GATEHOUSE_IDENTITY_VOTES_H
#define GATEHOUSE_IDENTITY_VOTES_H

#include "base/arena.h"
#include "identity/directory.h"
#include "identity/statement.h"
#include "model/facts.h"

constexpr size_t VOTES_CAST_MAX = 1024;      /* on one operation, withdrawn and replaced ones included */
constexpr size_t VOTES_CAST_BY_ONE_MAX = 16; /* of those, by one signer */

struct vote {
	struct bytes key_id; /* of the signature; its principal is the signer */
	struct bytes person; /* the seat */
	enum approval_verdict verdict;
	enum approval_client client; /* as the voter says */
	int64_t stage;
	struct hash256 completed_stage; /* of stages after the first */
	struct hash256 statement_digest;
	struct hash256 bundle_hash;
	int64_t expires_ms;
};

struct votes;

enum status votes_create(struct votes **votes, struct bytes initiator);
void votes_destroy(struct votes **votes); /* a cleanup function */

/* A vote of the same signer on the same seat replaces; so does a person's own vote that of their delegate, and any that of a
 * delegate whose delegation is over at now_ms: it takes up neither the seat nor the hand any more. WITHDRAW takes the signer's own
 * vote back. A statement counts once: given again it is refused, so that no withdrawn vote comes back.
 * Errors: votes.signer (STATUS_UNAUTHORIZED) where key or seat is not a person's; votes.initiator (STATUS_DENIED) where hand or
 * seat is the initiator's; votes.repeated, votes.signer_voted (for another seat), votes.seat_taken, votes.nothing_to_withdraw
 * (STATUS_CONFLICT); votes.full (STATUS_TOO_LARGE). An approval does not replace one of another stage,
 * which would change what that stage's successors rest on: votes.stage_voted (STATUS_CONFLICT); it is withdrawn first. */
enum status votes_cast(struct votes *votes, const struct directory *directory, const struct vote *vote, int64_t now_ms);

/* The statement was given before, whatever became of that vote. */
bool votes_have(const struct votes *votes, const struct hash256 *statement_digest);

struct votes_count {
	size_t approvals;          /* distinct people */
	size_t independent;        /* of those, with a key enrolled for a terminal */
	size_t phishing_resistant; /* of those, with a passkey */
	size_t rejections;
	size_t by_client[APPROVAL_CLIENTS]; /* of the approvals: what the voter says that they used */
};

/* What is to be counted: at which time, under which bundle; group null: any; stage below zero: any. */
struct votes_question {
	const struct directory *directory;
	const struct hash256 *bundle_hash;
	int64_t now_ms;
	const struct group *group;
	int64_t stage;
};
struct votes_count votes_count(const struct votes *votes, const struct votes_question *question);

constexpr unsigned VOTES_STAGES = 3;                      /* that policies can speak of */
extern const char *const votes_stage_names[VOTES_STAGES]; /* "first", "second", "third" */

/* approvals.total, .independent, .phishing_resistant and .rejections, the record approvals.by_client, and records with one count
 * for every group of the directory: approvals.group, and for so many stages approvals.first, .second and .third, of the approvals
 * that were cast in that stage. votes may be null: nobody voted. */
void votes_facts(const struct votes *votes, const struct directory *directory, const struct hash256 *bundle_hash,
		 unsigned stages, int64_t now_ms, struct facts *facts);

/* SHA-256 over "gatehouse/stage/v1", a zero byte, and the statement digests, sorted, of the standing approvals of a stage that rest
 * on the stage before: what the next stage's votes name. A vote of a later stage counts only as long as this is what it named. */
struct hash256 votes_stage_digest(const struct votes *votes, int64_t stage);
/* The same of statement digests that are at hand; sorts them. */
struct hash256 votes_digest_of_stage(struct hash256 *digests, size_t count);

/* The latest stage that has standing approvals; 0 where there are none. */
int64_t votes_last_stage(const struct votes *votes);

/* The standing votes, in order of casting: for listings. */
size_t votes_size(const struct votes *votes);
const struct vote *votes_at(const struct votes *votes, size_t index);
struct bytes votes_initiator(const struct votes *votes);

/* For snapshots: everything, repeated statements included. votes_read() makes a new one. Error: votes.snapshot (STATUS_CORRUPT). */
enum status votes_write(const struct votes *votes, struct buffer *to);
enum status votes_read(struct bytes snapshot, struct votes **votes);

#endif
