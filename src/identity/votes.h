/*
 * The votes on one held operation, and what they count for (design §4).
 *
 * One human is one vote: a person signs for one seat per operation, their own or that of the person who delegated to them, and
 * a seat is filled once. Neither the initiator's hand nor the initiator's seat counts. A vote counts only under the bundle that
 * it names, until it expires, while its signer is active and its seat a member of the group. Votes arrive here verified:
 * signature, statement and delegation were checked (identity/statement.h, directory_may_vote).
 *
 * Owner: copies what it is given. Threads: one. Errors: "votes.*".
 */
#ifndef GATEHOUSE_IDENTITY_VOTES_H
#define GATEHOUSE_IDENTITY_VOTES_H

#include "base/arena.h"
#include "identity/directory.h"
#include "identity/statement.h"
#include "model/facts.h"

constexpr size_t VOTES_MAX = 256; /* on one operation */

struct vote {
	struct bytes key_id; /* of the signature; its principal is the signer */
	struct bytes person; /* the seat */
	enum approval_verdict verdict;
	int64_t stage;
	struct hash256 statement_digest;
	struct hash256 bundle_hash;
	int64_t expires_ms;
};

struct votes;

enum status votes_create(struct votes **votes, struct bytes initiator);
void votes_destroy(struct votes **votes); /* a cleanup function */

/* Errors: votes.initiator (STATUS_DENIED) where hand or seat is the initiator's; votes.signer_voted, votes.seat_taken
 * (STATUS_CONFLICT); votes.nothing_to_withdraw (STATUS_CONFLICT); votes.repeated (STATUS_CONFLICT) for the same statement again;
 * votes.full (STATUS_TOO_LARGE). The same signer on the same seat replaces; WITHDRAW takes the vote back. */
enum status votes_cast(struct votes *votes, const struct directory *directory, const struct vote *vote);

struct votes_count {
	size_t approvals;   /* distinct people */
	size_t independent; /* of those, with a key enrolled for a terminal */
	size_t rejections;
};

/* group null: any group. */
struct votes_count votes_count(const struct votes *votes, const struct directory *directory, const struct group *group,
                               const struct hash256 *bundle_hash, int64_t now_ms);

/* approvals.total, approvals.independent, approvals.rejections and the record approvals.group, with one count for every group
 * of the directory. votes may be null: nobody voted. */
void votes_facts(const struct votes *votes, const struct directory *directory, const struct hash256 *bundle_hash,
                 int64_t now_ms, struct facts *facts);

/* SHA-256 over the statement digests of the approvals of a stage, sorted: what the next stage's votes name. */
struct hash256 votes_stage_digest(const struct votes *votes, int64_t stage);

/* In order of casting, replaced and withdrawn ones left out: for listings and snapshots. */
size_t votes_size(const struct votes *votes);
const struct vote *votes_at(const struct votes *votes, size_t index);
struct bytes votes_initiator(const struct votes *votes);

#endif
