/*
 * Timestamped signatures over checkpoints: by witnesses and other cosigners (types 0x04 and 0x06), and by the log itself
 * (0x06).
 *
 * 0x04, Ed25519, signs "cosignature/v1", the time and the whole checkpoint text; not the cosigner's name, so a key serves
 * one name only. 0x06, ML-DSA-44, signs the cosigner's name, the time, the log's origin, and a subtree [start, end) with its
 * hash; a checkpoint is the subtree [0, size). It does not cover extension lines.
 * Errors: STATUS_UNAUTHORIZED "cosignature.*" and "signature.*". Threads: pure functions.
 * Source: C2SP tlog-cosignature v1.1.0-rc.1.
 */
#ifndef GATEHOUSE_LEDGER_COSIGNATURE_H
#define GATEHOUSE_LEDGER_COSIGNATURE_H

#include "ledger/checkpoint.h"
#include "ledger/note.h"

constexpr size_t COSIGNATURE_SUBTREE_MESSAGE_MAX = 12 + 1 + 255 + 8 + 1 + 255 + 8 + 8 + 32;

/* The message of a 0x06 signature over a whole tree; both names have 1 to 255 bytes. Returns its length. */
size_t cosignature_subtree_message(struct bytes cosigner, uint64_t time_s, struct bytes origin, uint64_t size,
				   const struct hash256 *root, uint8_t message[COSIGNATURE_SUBTREE_MESSAGE_MAX]);
/* The message of a 0x04 signature. */
void cosignature_v1_message(struct buffer *to, uint64_t time_s, struct bytes text);

/*
 * The one signature of a 0x04 or 0x06 key on a note whose text is a checkpoint. *time_s receives its time, which for 0x06
 * may be 0: then it says nothing of being the largest. STATUS_NOT_FOUND "note.unsigned" if the key did not sign.
 */
enum status cosignature_verify(const struct note *note, const struct checkpoint *checkpoint, const struct note_key *key,
			       uint64_t *time_s);

/* One who signs in both ways. Private keys are read where they lie. */
struct cosigner {
	struct note_key ed25519; /* 0x04 */
	struct note_key mldsa44; /* 0x06 */
	const uint8_t *ed25519_seed;
	const struct mldsa44_private *mldsa44_private;
};

/* Two signature lines over the checkpoint that is `text`, each verified before it is appended. time_s is not 0. */
enum status cosigner_sign(const struct cosigner *cosigner, struct bytes text, const struct checkpoint *checkpoint,
			  uint64_t time_s, struct buffer *lines);

#endif
