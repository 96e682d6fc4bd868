/*
 * What the steps of the keepers' story share: three installations of one firm, each a stage of its own with processes, data and log of
 * its own, and the same people at all of them.
 *
 * Owner: the caller; troop_close() stops all and removes what it left. Threads: one. Errors: those of stages; STATUS_CONFLICT "demo.*".
 */
#ifndef GATEHOUSE_CLI_DEMO_TROOP_H
#define GATEHOUSE_CLI_DEMO_TROOP_H

#include "cli/demo/stage.h"
#include "cli/demo/wire.h"

enum troop_member { KEEPER_A, KEEPER_B, KEEPER_C, KEEPERS };

struct troop {
	struct stage *stages[KEEPERS];
	uint16_t ports[KEEPERS]; /* where its gateway listens for the others' */
	struct wire wire;        /* from a to b */
	const char *amounts;
	uint64_t nonce;  /* of the next transaction */
	uint64_t picked; /* amounts so far */
	int64_t spent; /* in the hour by the key, with the last transfer that was signed: US cents, where it was asked */
};

extern const char *const troop_names[KEEPERS];

/* Directories, keys and configurations; nothing runs yet. */
enum status troop_open(struct troop *troop, const char *amounts);
void troop_close(struct troop *troop);

/* One of security asks, two others approve. */
enum status troop_decide(struct stage *stage, const char *kind, const char *resource, const char *payload,
			 struct told *told);

/* What the keeper says of another, from GET /v1/keepers. */
enum status troop_peer(struct stage *stage, const char *name, const json **row);
/* Until it says this state of the other; until it has it up, and has seen more than so many entries of it. */
enum status troop_wait_state(struct stage *stage, const char *name, const char *state);
enum status troop_wait_shown(struct stage *stage, const char *name, int64_t more_than, int64_t *size);
enum status troop_wait_all_up(struct troop *troop);

/* A transfer of an amount between these, in gwei, that a workload asks this keeper for. */
struct troop_transfer {
	struct evm_plan plan;
	struct prepared request;
	struct hash256 operation; /* its id */
};
enum status troop_prepare(struct troop *troop, enum troop_member at, uint64_t low, uint64_t high,
			  struct troop_transfer *transfer);
/* Of a transfer that was answered, as the log has them: its amount, and what its key has signed for within the hour, in US cents. */
enum status troop_spent(struct stage *stage, const struct told *told, int64_t *cents, int64_t *hour);
/* It is signed; the amount in US cents, as the log has it. */
enum status troop_sign(struct troop *troop, enum troop_member at, int64_t *cents, const char **id);
/* It is not, and the answer's words hold `why`. */
enum status troop_expect_refused(const char *what, const struct told *told, const char *why);
/* The words of a refusal. */
const char *troop_words(struct stage *stage, const struct told *told);

/* --- The story, in its order; each is a row of keepers.c. --- */
enum status keepers_found(struct troop *troop);
enum status keepers_serve(struct troop *troop);
enum status keepers_enrol(struct troop *troop);
enum status keepers_make_key(struct troop *troop);
enum status keepers_sign(struct troop *troop);
enum status keepers_kill(struct troop *troop);
enum status keepers_roll_back(struct troop *troop);
enum status keepers_refresh(struct troop *troop);
enum status keepers_forbid(struct troop *troop);
enum status keepers_replay(struct troop *troop);

#endif
