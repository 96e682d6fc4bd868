/*
 * Reviewing a held operation on the approver's own machine: an independent channel (design §4).
 *
 * What the installation gives is raw material (gate/material.h). Here the operation's digest and id are computed again, the transaction
 * is decoded with the keeper's own decoder, the view is built and its digest computed; only then is it shown and a statement signed.
 * Material that does not fit together is refused before anybody is asked. Errors: "review.*".
 */
#ifndef GATEHOUSE_CLI_REVIEW_H
#define GATEHOUSE_CLI_REVIEW_H

#include "cli/key_file.h"
#include "identity/statement.h"
#include "model/operation.h"

struct review {
	struct operation operation;
	struct hash256 id, digest;  /* computed here */
	struct hash256 view_digest; /* computed here */
	struct hash256 bundle;      /* as stated: the keeper counts the vote only under the bundle that it names */
	int64_t stage;              /* as stated, and so is what it rests on: the keeper refuses a vote of another */
	struct hash256 completed_stage;
	struct bytes text; /* what a person reads */
};

/* instance: what the approver signs for. Everything lives in the arena. */
enum status review_read(struct arena *arena, struct bytes material, const char *instance, struct review *review);

struct review_choice {
	enum approval_verdict verdict;
	enum approval_client client;
	struct bytes reason; /* of a rejection */
	struct bytes person; /* who delegated to the signer; empty: the signer's own vote */
};

/* The body of POST …/votes, signed, appended. */
enum status review_vote(const struct review *review, const struct key_file *key, const struct review_choice *choice,
			struct buffer *body);

#endif
