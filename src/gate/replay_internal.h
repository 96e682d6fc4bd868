/*
 * What the parts of a replayer share: gate/replay.h is what others see.
 *
 * replay.c follows the log; replay_evidence.c says whether who asked did ask; replay_votes.c whose approvals there are;
 * replay_decision.c whether the policies say so again; replay_past.c whether the facts are what the entries before make them;
 * replay_result.c whether the keys did what they are said to have done. A part that finds a difference says which in replayer->difference.
 */
#ifndef GATEHOUSE_GATE_REPLAY_INTERNAL_H
#define GATEHOUSE_GATE_REPLAY_INTERNAL_H

#include <stdio.h>

#include "gate/enrolled.h"
#include "gate/evaluate.h"
#include "gate/gate.h"
#include "gate/person_signature.h"
#include "gate/replay.h"
#include "gate/replay_request.h"
#include "model/entry.h"

/* What has moved the state, since the first entry: what is decided once more is recorded with its outcome, and others may stand between. */
struct moved {
	int64_t counted_cents, freed_cents; /* of spends; at most INT64_MAX */
	uint64_t signed_count;              /* transfers that were signed, */
	uint64_t change_count;              /* and whatever else has changed what decisions are made from */
};

/* The decision state as the entries so far made it, by the functions that make a keeper's at its start. */
struct replay_past {
	struct moved moved;
	struct gate *gate;  /* holds no keys; null: not known, since entries were left out */
	uint64_t next;      /* the entry that comes next */
	bool is_unfit;      /* the entry's operation has no form that could be asked: nothing follows of it */
	bool hears_others;  /* keys are shared: limits count what others told, too */
	bool is_of_another; /* the version of the program that decided */
	bool is_exact; /* what is decided once more is held to the state as it is, whatever has changed it meanwhile */
};

/* An operation between whose intent and outcome something else was changed: what it was decided on once more stands in the outcome, after all
 * that, and is tried on each state that there was meanwhile. */
struct foreseen {
	struct foreseen *next; /* of those that are intended where the log has come to */
	uint64_t since;        /* changes before its intent */
	bool is_transfer;      /* what signing one moves is no change */
	bool holds;            /* on one of the states so far */
	size_t len;            /* of the outcome; 0: nothing was changed meanwhile */
	uint8_t leaf[];
};

struct replayer {
	struct record_blobs blobs;
	struct map bundles;          /* hash to struct bundle */
	const struct bundle *bundle; /* in force where the log has come to */
	struct map locals;           /* the same of the keeper's own: gate/local_bundle.h */
	struct map joined;           /* hashes of both to struct policy_set */
	const struct bundle *local;  /* in force where the log has come to; null: none */
	struct map votes;            /* statement digest to struct seen_vote: verified */
	struct map cast;             /* operation to the newest of its votes, which leads to the others */
	struct map erased;           /* people, by id */
	struct map intended;         /* operations that have no outcome yet, to struct intended */
	struct map foreseen;         /* operations to struct foreseen */
	struct foreseen *open;       /* of them */
	uint64_t foreseen_changes;
	uint64_t foreseen_open; /* intended: else a change concerns nothing */
	struct enrolled enrolled;
	struct replay_past past;
	char instance[OPERATION_TEXT_MAX + 1]; /* of genesis */
	struct arena arena;
	struct replay_counts counts;
	char difference[256];
};

/* In a function that says whether something holds. */
#define DIFFERS(...)                                                                                                   \
	do {                                                                                                           \
		snprintf(replayer->difference, sizeof replayer->difference, __VA_ARGS__);                              \
		return false;                                                                                          \
	} while (0)

/* --- replay_evidence.c --- */

/* The signature holds by a key that the log enrolled; a passkey's assertion was asked by its own relying party. */
enum status replay_verify_by_enrolled(struct replayer *replayer, const struct enrolled_key *key, const char *label,
				      const struct hash256 *digest, struct person_signature *signature);
/* The document is what was decided, and had not expired. */
bool replay_document_holds(struct replayer *replayer, const struct decision_record *record,
			   struct operation *operation);
/* The requester's signature over exactly this operation, by a key that the log enrolled for them. */
bool replay_evidence_holds(struct replayer *replayer, const struct decision_record *record,
			   const struct operation *operation, const struct facts *facts);
/* An entry about a principal or a key, other than of an operation, names the legal entity that they stand in, if any. */
bool replay_entity_holds(struct replayer *replayer, const struct entry *entry);
/* A passkey that the log enrolled signed this challenge, which was fresh. */
bool replay_sign_in_holds(struct replayer *replayer, const json *body);

/* --- replay_votes.c --- */

/* A vote counts in replay only if its own entry came before, its signature holds, by the key that its signer has, and it could be cast
 * then: by its signer, for that seat, on what is held. */
enum status replay_add_vote(struct replayer *replayer, const json *body, bool *holds);
/* The policy was told of no more approvals than stand, and of all votes that do. */
bool replay_votes_hold(struct replayer *replayer, const struct decision_record *record,
		       const struct operation *operation, const struct facts *facts);
/* The operation is decided, for good. */
void replay_forget_votes(struct replayer *replayer, const struct hash256 *operation);
void replay_votes_free(struct replayer *replayer);

/* --- replay_decision.c --- */

/* What decided, of a bundle that was added. STATUS_NOT_FOUND "replay.local_bundle". */
enum status replay_find_policies(struct replayer *replayer, const struct bundle *bundle,
				 const struct decision_record *record, const struct policy_set **policies);
bool replay_same_decision(struct replayer *replayer, const struct decision_record *record);
/* What a decision, and the outcome of what was intended, have moved. */
void replay_note_moved(struct replayer *replayer, const struct decision_record *record);
void replay_note_ended(struct replayer *replayer, const struct hash256 *id, const json *body);
/* What was decided once more before a share left, of what was intended. */
bool replay_same_again(struct replayer *replayer, const json *body);
enum status replay_note_intended(struct replayer *replayer, const struct decision_record *record);

/* --- replay_result.c --- */

/* A key made or signed what the decision's result says, and that is what it was asked for. */
bool replay_result_holds(struct replayer *replayer, const struct decision_record *record,
			 const struct submission *submission, const struct evaluation *evaluation);
/* The same of what several keepers signed together. */
bool replay_outcome_holds(struct replayer *replayer, const struct hash256 *id, const json *body);

/* --- replay_past.c --- */

enum status replay_past_begin(struct replayer *replayer, const json *genesis);
/* An entry was left out: from here on nothing is known. */
void replay_past_lose(struct replayer *replayer);
/* Whether what the operation has come to allows this entry: it is decided once, and carried out once. */
bool replay_past_admits(struct replayer *replayer, const struct entry *entry);
/* *holds is set to false where the entry does not go with what was before. */
enum status replay_past_follow(struct replayer *replayer, uint64_t index, const struct entry *entry, bool *holds);
/* The operation has a form that could be asked; else nothing follows of it. */
bool replay_past_fits(struct replayer *replayer, const struct decision_record *record);
/* The facts are those that the guards state by the entries before, and so are entities, spend, nonce and what is missing. */
bool replay_past_holds(struct replayer *replayer, const struct decision_record *record, const struct facts *facts);
/* The same of what was decided once more, with what others had told. since: what had moved the state when the operation was intended, its own
 * spend included. */
bool replay_past_again_holds(struct replayer *replayer, const struct moved *since, const struct decision_record *record,
			     const struct facts *facts);
/* A vote, whose signature holds, could be cast then. */
bool replay_past_vote_holds(struct replayer *replayer, const struct vote_submission *vote, const json *body,
			    int64_t cast_ms);

#endif
