/*
 * The head of a log: its size and root under both of the log's signatures.
 *
 * A head is signed by Ed25519 (note type 0x01, over the checkpoint's text) and by ML-DSA-44 (note type 0x06, over the whole
 * tree as a subtree from 0), both under the log's origin as key name. The ML-DSA-44 signature carries a time in seconds.
 * head_sign() verifies what it signed before it gives it out. A frame stores struct head_signatures as they are here.
 *
 * Owner: a signer borrows its private keys, which stay where they lie; head_keys own their expanded key.
 * Threads: signing and verifying may run concurrently. Errors: STATUS_UNAUTHORIZED "head.ed25519", "head.mldsa44".
 */
#ifndef GATEHOUSE_LEDGER_HEAD_H
#define GATEHOUSE_LEDGER_HEAD_H

#include "ledger/checkpoint.h"
#include "ledger/note.h"

constexpr size_t HEAD_SIGNATURES_SIZE = 64 + 8 + 2420;

/* The public keys that a log is pinned by. */
struct head_keys {
	struct note_key ed25519; /* 0x01 */
	struct note_key mldsa44; /* 0x06 */
};

enum status head_keys_make(struct bytes origin, const uint8_t ed25519[32], const uint8_t mldsa44[1312],
			   struct head_keys *keys);
void head_keys_free(struct head_keys *keys); /* a cleanup function */
struct bytes head_keys_origin(const struct head_keys *keys);

struct head_signer {
	const struct head_keys *keys;
	const uint8_t *ed25519_seed; /* 32 bytes, read where they lie */
	const struct mldsa44_private *mldsa44;
};

struct head {
	uint64_t size;
	struct hash256 root;
};

struct head_signatures {
	uint8_t ed25519[ED25519_SIGNATURE_SIZE];
	uint64_t mldsa44_time_s; /* POSIX seconds, not 0 */
	uint8_t mldsa44[MLDSA44_SIGNATURE_SIZE];
};

/* "head.range" if size or time cannot be signed; signatures are undefined if it fails. */
enum status head_sign(const struct head_signer *signer, const struct head *head, uint64_t time_s,
		      struct head_signatures *signatures);
/* The two halves of head_sign(), which may run at once; each verifies what it signed. */
enum status head_sign_ed25519(const struct head_signer *signer, const struct head *head,
			      struct head_signatures *signatures);
enum status head_sign_mldsa44(const struct head_signer *signer, const struct head *head, uint64_t time_s,
			      struct head_signatures *signatures);
enum status head_verify(const struct head_keys *keys, const struct head *head,
			const struct head_signatures *signatures);
/* One of the two, by a key of type 0x01 or 0x06 whose name is the log's origin. */
enum status head_verify_by(const struct note_key *key, const struct head *head,
			   const struct head_signatures *signatures);
/* ed25519 ‖ time, big-endian ‖ mldsa44: HEAD_SIGNATURES_SIZE bytes. */
void head_signatures_store(const struct head_signatures *signatures, uint8_t *to);
enum status head_signatures_load(struct bytes stored, struct head_signatures *signatures);
/* The signed note: what <prefix>/checkpoint serves and a receipt ends in. Cosignature lines may be appended to it. */
void head_format(struct buffer *to, const struct head_keys *keys, const struct head *head,
		 const struct head_signatures *signatures);

#endif
