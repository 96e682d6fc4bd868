/*
 * Replay: every decision in the log, decided again from what the log itself holds.
 *
 * A replayer needs nothing but the entries in order: bundles come from genesis and from policy.activate; the state that guards observe is
 * made by the entries, with the functions that a keeper starts with, and the facts by those that it decides with. A decision is *same* if it
 * is the operation's first, or its second after it was held; if it was made by the bundle that the log says was in force, about the
 * principal, action and resource of the signed document and before that expired; if facts, entities, spend, decision, determining policies and errors
 * are equal, for a held one also the missing approvals; and if the evidence holds: the requester's signature over exactly this
 * operation and every vote that stands and no other, each by a key that the log itself enrolled for its signer, on this document, and
 * no more approvals than those of them that are of this bundle and in time. It is *erased* where
 * it is decided the same, and the personal values that its entry commits to can be opened by nobody any more: the log says later that
 * their person was erased. Else it is *different*, with what differs. A sign-in is held to its assertion in the same way,
 * what a keeper decided once more before its share of a key left to its policies and to what others had told, an enrolment to its invitation and
 * registration, a vote to what could be voted on then; one that does not hold is different. What is taken as recorded: docs/verify.md.
 *
 * Threads: one. Errors: only what makes going on impossible (a log that is not one): "replay.*".
 */
#ifndef GATEHOUSE_GATE_REPLAY_H
#define GATEHOUSE_GATE_REPLAY_H

#include "gate/record.h"

enum replay_result { REPLAY_NOT_A_DECISION, REPLAY_SAME, REPLAY_DIFFERENT, REPLAY_ERASED };

struct replayer;

enum status replayer_create(struct replayer **replayer, const struct record_blobs *blobs);
void replayer_destroy(struct replayer **replayer); /* a cleanup function */

/* Before the first replayer_add(): every entry of the log, for what it says of erasures, and of what was decided once more before something
 * changed. Left out, nothing is erased, and such facts are taken as recorded. */
enum status replayer_foresee(struct replayer *replayer, struct bytes leaf);
/* Entries in order; where one is left out facts are not recomputed from there on. *difference (valid until the next call) says what differs; null otherwise. */
enum status replayer_add(struct replayer *replayer, uint64_t index, struct bytes leaf, enum replay_result *result,
			 const char **difference);

/* Only what explaining needs: the bundles that the entry puts into force, in whatever order. Nothing is judged. */
enum status replayer_add_bundles(struct replayer *replayer, struct bytes leaf);

struct replay_counts {
	uint64_t entries, same, different, erased, bundles;
	uint64_t sign_ins, enrolments; /* by invitation; whose assertions and registrations hold */
	uint64_t again; /* decisions on what all signers had counted, beside those above, that are the same */
	/* Of all of these: whose facts are all those that the entries before make; some of whose facts are taken as recorded; all of whose
	 * are, since entries before it were left out. */
	uint64_t recomputed, partly, unknown;
	uint64_t left_out; /* the first of those entries; 0: none */
};
struct replay_counts replayer_counts(const struct replayer *replayer);

/* One decision, explained: {"bundle","decision","facts":{name:{"origin","value"}},"policies":[{"id","outcome","line",
 * "annotations"}],...} as canonical JSON, appended. The leaf's bundle must have been added. */
enum status replayer_explain(struct replayer *replayer, struct bytes leaf, struct buffer *explanation);

/* {"bundle":hash,"document":{...}} of a bundle that was added: STATUS_NOT_FOUND "replay.bundle". */
enum status replayer_write_bundle(const struct replayer *replayer, const struct hash256 *hash, struct buffer *to);

#endif
