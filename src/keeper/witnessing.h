/*
 * The log's side of the rollback guard `witness`: has the newest head cosigned by the quorum of the configured witnesses, round by
 * round.
 *
 * This is the protocol without its transport (keeper/fetch_link.h carries the bytes). A round is due at the start and then at
 * most once a second when the log has grown by more than cosignatures. Its head is offered to one witness after another, with its
 * consistency from what each is taken to have cosigned last; where a witness knows another size, once more from there. Whoever
 * is away or answers nonsense is tried again with back-off and keeps nobody else waiting; once the policy's quorum has cosigned,
 * the head counts, and the lines of the others are added as they come. A witness that does not
 * agree is asked for the newest checkpoint that it cosigned: if this log's own keys signed that one and this log never had it,
 * an older or another log was put in the place of the newer one, and the keeper ends. Nothing less than our own signatures
 * proves that: what a stranger says cannot stop the keeper, it only keeps it from deciding.
 *
 * What the quorum cosigned goes to high_water_cosigned(), to an entry of type cosignature, and to public/checkpoint.witnessed.
 *
 * Owner: the caller. Errors: STATUS_CONFLICT "high_water.behind", "high_water.fork"; all else that goes wrong is kept for
 * health and tried again with back-off. Threads: one; but for witnessing_publish(), which the publisher calls.
 */
#ifndef GATEHOUSE_KEEPER_WITNESSING_H
#define GATEHOUSE_KEEPER_WITNESSING_H

#include "base/ipc_messages.h"
#include "ledger/log.h"
#include "ledger/tlog_policy.h"
#include "store/high_water.h"

constexpr size_t WITNESSING_KEYS_MAX = 16; /* their lines fit into an entry */
constexpr size_t WITNESSING_WITNESSES_MAX = 8;

struct witnessing;

struct witnessing_config {
	const struct io *io;
	struct ledger *ledger;
	const struct head_keys *keys;
	struct high_water *high_water;
	struct bytes policy; /* text of a tlog-policy with this log's two keys and a quorum */
	size_t witnesses;    /* how many there are to ask */
	const char *path;    /* public/checkpoint.witnessed */
};

/* STATUS_INVALID "witnessing.policy_log", "witnessing.policy_quorum", "witnessing.policy_keys", "policy.*". */
enum status witnessing_open(const struct witnessing_config *config, struct witnessing **witnessing);
void witnessing_close(struct witnessing **witnessing); /* a cleanup function */

/* *is_due is true where fetch is to be asked now, of one witness: the body is valid until the next call. Then exactly one of the next two
 * follows. */
enum status witnessing_next(struct witnessing *witnessing, int64_t now_ms, struct ipc_fetch *fetch, bool *is_due);
enum status witnessing_take(struct witnessing *witnessing, int64_t now_ms, const struct ipc_fetched *fetched);
void witnessing_lost(struct witnessing *witnessing, int64_t now_ms, const char *why);

/* The newest head that the quorum cosigned, with the cosignatures, appended; *size 0: none is known. */
enum status witnessing_newest(struct witnessing *witnessing, uint64_t *size, struct buffer *note);
/* Brings public/checkpoint.witnessed up to it. */
enum status witnessing_publish(struct witnessing *witnessing);

/* What went wrong in a row, since the quorum agreed last. */
unsigned witnessing_failures(const struct witnessing *witnessing);

/* {"cosigned":size,"error":"...","failures":n,"witnesses":[{"cosigned":size,"error":"...","failures":n}]}: what went wrong since the
 * quorum agreed last; and of each witness, since it cosigned last. */
void witnessing_write_health(struct witnessing *witnessing, struct json_writer *writer);

#endif
