/*
 * A witness: it cosigns heads of logs that it knows, each only if it is consistent with the last one that it cosigned, so
 * that no log can show two histories without two sets of witnesses. docs/PROTOCOL.witness.
 *
 * This is the protocol without its transport: bytes of a request in, status and bytes of an answer out. Checking and storing
 * are one step: what is cosigned is durable before the answer, and the directory is locked against a second witness.
 * Of a log that is pinned by two keys both must have signed.
 *
 * witness_request_write() and witness_response_read() are the log's side; what carries the bytes is the caller's.
 *
 * Owner: the caller. Threads: one at a time. Errors: what a client does wrong is an answer, not an error; STATUS_CORRUPT
 * "witness.state" where the stored state is damaged, and failures of base/io.h, after which nothing may be cosigned any
 * more. Source: C2SP tlog-witness v1.0.0.
 */
#ifndef GATEHOUSE_LEDGER_WITNESS_H
#define GATEHOUSE_LEDGER_WITNESS_H

#include "base/io.h"
#include "ledger/proof.h"
#include "ledger/tlog_policy.h"

constexpr size_t WITNESS_REQUEST_MAX = 256 * 1024;
constexpr size_t WITNESS_PROOF_MAX = 63;

struct witness;

/* directory exists; logs (their log lines) and cosigner must outlive the witness. STATUS_CONFLICT "witness.locked". */
enum status witness_open(const struct io *io, const char *directory, const struct tlog_policy *logs,
			 const struct cosigner *cosigner, struct witness **witness);
void witness_close(struct witness **witness); /* a cleanup function */

struct witness_answer {
	int status; /* of HTTP */
	const char *content_type;
	struct buffer body;
};
void witness_answer_free(struct witness_answer *answer); /* a cleanup function */

/* POST add-checkpoint: 200, 400, 403, 404, 409, 422. */
enum status witness_add_checkpoint(struct witness *witness, struct bytes request, struct witness_answer *answer);
/* GET <hex SHA-256 of the origin>/checkpoint: the newest cosigned checkpoint, 200 or 404. */
enum status witness_get_checkpoint(struct witness *witness, struct bytes origin_hash, struct witness_answer *answer);

/* The body of add-checkpoint: the log's signed checkpoint, and its consistency from the size cosigned last. */
void witness_request_write(struct buffer *request, uint64_t old_size, const struct proof *proof, struct bytes note);

/*
 * What a witness answered to a request with this note. 200: its lines by `keys`, verified, are appended to *lines; lines of
 * other keys are dropped, and STATUS_UNAUTHORIZED "witness.no_signature" if none is left. 409 with a size: STATUS_CONFLICT
 * "witness.size" and *size is the one to prove consistency from; if it is beyond the log's own, the log was set back.
 * Else STATUS_INVALID "witness.refused_400", STATUS_UNAUTHORIZED "witness.refused_403", STATUS_NOT_FOUND
 * "witness.refused_404", STATUS_CONFLICT "witness.refused_409" or "witness.refused_422", STATUS_UNAVAILABLE
 * "witness.status".
 */
enum status witness_response_read(int status, struct bytes content_type, struct bytes body, struct bytes note,
				  const struct note_key *const *keys, size_t key_count, struct buffer *lines,
				  uint64_t *size);

#endif
