/*
 * What keepers tell each other about operations that they do together: bodies of the kinds request, propose, answer and counted of
 * keeper/peer_kind.h. docs/PROTOCOL.threshold §16. A frame of a protocol is a body as it is.
 *
 * Everything here came through a channel that authenticated the peer; it is read as strictly as if it had not. Memory: what is
 * read borrows from the body; lists live in the arena. Errors: STATUS_INVALID "joint.*".
 */
#ifndef GATEHOUSE_KEEPER_THRESHOLD_MESSAGE_H
#define GATEHOUSE_KEEPER_THRESHOLD_MESSAGE_H

#include "base/arena.h"
#include "base/cursor.h"
#include "gate/pledges.h"
#include "guards/limits/limits.h"
#include "keys/threshold/ecdsa/request.h"
#include "keys/threshold/exchange.h"
#include "keys/threshold/session.h"

constexpr size_t JOINT_REQUESTS_MAX = 16; /* signatures of one operation */
constexpr size_t JOINT_REASON_MAX = 400;
constexpr size_t JOINT_RESULT_MAX = 1000 * 1000; /* what is larger is not shown */

enum proposal_kind {
	PROPOSE_SIGN = 1, /* these sign the operation, with these presignatures; whoever was asked says so */
	PROPOSE_PREPARE,  /* a presignature by these, whose first says so */
	PROPOSE_RESUME,   /* the sender has stored its share of the operation's key, and was started anew */
	PROPOSE_LEAVE,    /* whoever has left the key's epoch before this one is to say so, and what it counted */
	PROPOSE_CONTINUE, /* the sender deals in that session, and this is what it has sent the receiver */
	PROPOSE_SHOW,     /* the sender does not know what became of that signing: who has a signature is to show it */
};

struct proposal {
	enum proposal_kind kind;
	struct hash256 operation; /* sign, resume, continue, show */
	uint8_t signer_count;     /* sign, prepare: indices, ascending */
	uint8_t signers[PARTIES_MAX];
	uint8_t presignature_count; /* sign: one for each signature; all zero: full rounds */
	struct hash256 presignatures[JOINT_REQUESTS_MAX];
	struct bytes key_id;                        /* prepare, leave */
	uint32_t epoch;                             /* prepare, leave */
	uint64_t counter;                           /* prepare: of its sender, and never before */
	struct hash256 nonce;                       /* resume: SHA-256 of the sharing; continue: the session's id */
	uint8_t round_count;                        /* continue: of how many rounds, */
	struct hash256 rounds[EXCHANGE_ROUNDS_MAX]; /* and SHA-256 of each frame */
};

enum answer_kind {
	ANSWER_PERMITTED =
		1,        /* the intent is durable here, its limits are reserved, and all that was counted is told */
	ANSWER_REFUSED,   /* it ends here, for this reason */
	ANSWER_STORED,    /* the share of the operation's key is durable here */
	ANSWER_SIGNED,    /* the signatures */
	ANSWER_PLEDGED,   /* what is known of what holders have pledged */
	ANSWER_ENROLMENT, /* of an enrolment that was handed over (keeper/enrolments.h) */
	ANSWER_LEFT, /* nothing is signed with the key's former epoch here any more, and all that was counted is told */
	ANSWER_PAIRS, /* what was set up with these holders of the key is gone here */
	ANSWER_SHOWN, /* what the signing gave, as it stands in the log there */
};

enum enrolment_answer {
	ENROLMENT_ANSWER_HAS = 1, /* it is enrolled here */
	ENROLMENT_ANSWER_DIFFERS, /* another one is, by the same token */
	ENROLMENT_ANSWER_NOT_NOW, /* for this reason */
};

/* Who told something, and signs all that it has told on this connection. */
struct counted_seal {
	struct hash256 certificate;
	uint8_t key[32]; /* Ed25519 */
	uint8_t signature[64];
};

struct joint_answer {
	enum answer_kind kind;
	struct hash256 operation; /* all but left and pairs; enrolment: SHA-256 of the token */
	struct hash256 digest;    /* permitted: of the operation; stored, left, pairs: SHA-256 of the sharing */
	struct hash256 bundle;    /* permitted: in force here */
	uint32_t epoch;           /* permitted: of the key, as it is here, or as it is dealt */
	struct hash256
		holders;   /* permitted, of a dealing: to whom it is dealt, as they are enrolled here; else zeros */
	bool gives_back;   /* refused: nothing was released here, nor will be; */
	bool is_undecided; /* or it was not decided here, and may be yet */
	enum enrolment_answer enrolment;
	struct bytes reason; /* refused, or an enrolment not now: by a stable name */
	uint8_t signature_count;
	struct ecdsa_signature signatures[JOINT_REQUESTS_MAX]; /* without their public keys */
	struct pledges pledges;                                /* pledged */
	struct bytes result;                                   /* shown: canonical JSON */
	struct bytes key_id;                                   /* left, pairs */
	uint8_t lost_count;                                    /* pairs: indices, ascending */
	uint8_t lost[PARTIES_MAX];
	bool is_stopped;          /* left: the key is frozen or destroyed there */
	struct counted_seal seal; /* left */
};

void proposal_write(struct buffer *body, const struct proposal *proposal);
enum status proposal_read(struct bytes body, struct proposal *proposal);
void joint_answer_write(struct buffer *body, const struct joint_answer *answer);
enum status joint_answer_read(struct bytes body, struct joint_answer *answer);

/* Before the spends. */
void counted_seal_write(struct buffer *body, const struct counted_seal *seal);
enum status counted_seal_read(struct cursor *cursor, struct counted_seal *seal);
/* One spend after the other, to the end of the body. How long before now_ms it was is what is told: now_ms is the sender's time here
 * and the receiver's there. */
void counted_write(struct buffer *body, const struct spend *spend, int64_t now_ms);
/* The next one, whose parts live in the arena. */
enum status counted_read(struct cursor *cursor, struct arena *arena, int64_t now_ms, struct spend *spend);

#endif
