/*
 * Who may read what through the API, and the entries that say what was read.
 *
 * Everybody whom the directory knows reads the state and the record. An auditor reads of the record what was made for their legal
 * entities in their periods, and nothing else; personal values are read by whom they are of, and by whom an operation lets
 * (identity/access.h). One function judges it from the authenticated principal, however they were authenticated.
 *
 * What an auditor reads, personal values, and exports are recorded: the answer is withheld until the entry is durable, so that nothing
 * leaves that the log does not show. What is refused, and what fails, is answered at once.
 *
 * Threads: the deciding one; keeper_read_check_leaf() any. Errors: STATUS_DENIED "read.*".
 */
#ifndef GATEHOUSE_KEEPER_READING_H
#define GATEHOUSE_KEEPER_READING_H

#include "identity/access.h"
#include "keeper/job.h"

enum read_right {
	READ_STATE,    /* everybody but auditors; also what of the record no auditor needs */
	READ_PUBLIC,   /* unsigned */
	READ_SELF,     /* who is signed in, of the session itself */
	READ_RECORD,   /* everybody, and auditors within their grants */
	READ_PERSONAL, /* who may is said per person: keeper_read_check_subject() */
	READ_EXPORT,   /* as READ_RECORD; always recorded */
};

/* What an answer is held to; lives in the job's arena. */
struct read_scope {
	bool is_limited;
	struct access_grant grants[ACCESS_GRANTS_MAX];
	size_t count;
};

/* Whether the principal may read by this right at all, and within which scope. */
enum status keeper_read_authorise(const struct keeper *keeper, struct bytes principal, enum read_right right,
				  struct read_scope *scope);
/* The job's principal by its route's right; what is recorded is withheld from here on. */
enum status keeper_read_begin(struct job *job, enum read_right right);
/* Personal values of that person. */
enum status keeper_read_check_subject(const struct job *job, struct bytes subject);
/* An entry of the log within the job's scope: "read.out_of_scope". */
enum status keeper_read_check_leaf(const struct job *job, struct bytes leaf);
/* The one grant that a listing is of: of the entity that was asked for, or the only one: "read.entity". */
enum status keeper_read_choose_grant(const struct job *job, struct bytes entity, const struct access_grant **grant);

/* The answer was given to keeper_send_*(): it leaves, now or after its entry; the job is given back. */
void keeper_read_finish(struct job *job);
/* The entry is durable, or will not be. */
void keeper_read_settle(struct job *job);

#endif
