/*
 * What a keeper keeps of a dealing that is under way, so that it goes on after a restart: what all its randomness comes from, and every
 * frame that it has sent, or has heard and answered. docs/PROTOCOL.threshold §22.
 *
 * A dealing has one row of dealings.db, collection "dealing", named by the operation id in hexadecimal; it is replaced as a whole. The
 * row is sealed under a key that the root key gives, bound to keeper, operation, key and epoch. It is durable before any frame of which
 * it says that it may have left does leave, and gone before anybody hears that the dealing has failed. dealings.db is in no backup.
 *
 * Of one whose share is stored the row has the last frames alone, for holders that may not have had them.
 *
 * Owner: the keeper. Threads: the deciding one. Errors: STATUS_CORRUPT "joint.journal"; STATUS_NOT_FOUND where there is none; those of
 * the database.
 */
#ifndef GATEHOUSE_KEEPER_THRESHOLD_JOURNAL_H
#define GATEHOUSE_KEEPER_THRESHOLD_JOURNAL_H

#include "keeper/vm_generation.h"
#include "keys/threshold/exchange.h"
#include "keys/threshold/scalar.h"
#include "keys/threshold/seeded.h"

constexpr size_t JOURNAL_FRAME_MAX = 16 * 1024; /* more than the longest frame of a dealing */
constexpr size_t JOURNALS_MAX = 64;             /* dealings that one keeper has under way */

/* As it is written and read. What is read borrows from the bytes. */
struct journal {
	int64_t begun_ms;
	struct hash256 bundle; /* in force when it was decided */
	bool has_generation;
	struct bytes generation; /* of the computer when the seed was drawn */
	struct bytes seed;       /* empty where the share is stored */
	struct bytes part;       /* of a key that comes in; else empty */
	uint8_t rounds;          /* of how many it has made frames, which may have left */
	/* From the first of them on. Frames by position, the own one's empty. */
	struct hash256 session_id, parties;
	uint8_t party_count;
	struct bytes sent[EXCHANGE_ROUNDS_MAX][PARTIES_MAX], received[EXCHANGE_ROUNDS_MAX][PARTIES_MAX];
};

static inline bool
journal_is_stored(const struct journal *journal) {
	return journal->seed.len == 0;
}

void journal_write_row(const struct journal *journal, struct buffer *to);
enum status journal_read_row(struct bytes text, struct journal *journal);

/* What the key of the rows is derived from the root key for (keys/root_key.h). */
#define JOURNAL_LABEL "gatehouse/threshold-dealings/v1"
/* What a row is of. */
struct journal_place {
	const char *origin; /* of the keeper's log */
	struct hash256 operation, digest;
	const char *key_id;
	uint32_t epoch;
};
/* The row as it is stored, appended. */
enum status journal_seal(const struct journal *journal, const struct journal_place *place, const uint8_t key[32],
			 struct buffer *row);

/* What a session has of its row in memory. */
struct kept_journal {
	bool is_kept;
	uint8_t rounds;
	int64_t begun_ms;
	struct hash256 bundle;
	struct hash256 parties;
	struct secret secret; /* the seed, then the part */
	bool has_part;
};

struct keeper;
struct joint_session;
struct joint_key;
struct gate_operation;

/* The rows, where there are any; none of a keeper that never dealt. */
enum status journals_open(struct keeper *keeper);
void journals_close(struct keeper *keeper);
/* Removes every row of which there is no session. */
enum status journals_sweep(struct keeper *keeper);

/* A new one, from a seed that is drawn now; nothing has been sent. part: null where no key comes in. */
enum status journal_begin(struct keeper *keeper, const struct gate_operation *operation, const struct joint_key *wanted,
			  const uint8_t part[SCALAR_SIZE]);
/* Opens the row of the session's operation into memory; what is read borrows from plain. */
enum status journal_open(struct keeper *keeper, struct joint_session *session, struct secret *plain,
			 struct journal *journal);
/* All that there is by now, durably: before what is new of it leaves. */
enum status journal_keep(struct keeper *keeper, struct joint_session *session);
/* The share is durable: the last frames are left, and nothing secret. */
enum status journal_keep_last(struct keeper *keeper, struct joint_session *session);
/* It is gone, durably, or this process ends. */
void journal_end(struct keeper *keeper, struct joint_session *session);

#endif
