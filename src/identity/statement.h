/*
 * What people sign: docs/PROTOCOL.approval. A signature by a person is Ed25519 over a label, a zero byte and a SHA-256 digest,
 * so that no signature given for one purpose ever serves another.
 *
 * An operation is signed with its digest; a vote with the digest of an approval statement, canonical JSON that names
 * everything that the vote rests on. The keeper never trusts a statement: it builds its own from its state and refuses a vote
 * whose statement differs in any member (approval_check).
 *
 * Owner: strings borrow from what was read. Errors: "approval.*", "person_signature.*".
 */
#ifndef GATEHOUSE_IDENTITY_STATEMENT_H
#define GATEHOUSE_IDENTITY_STATEMENT_H

#include "base/json.h"
#include "crypto/hash.h"

#define OPERATION_SIGNATURE_LABEL "gatehouse/operation/v1"
#define APPROVAL_SIGNATURE_LABEL "gatehouse/approval/v1"

/* label: one of the above. Errors: person_signature.mismatch (STATUS_UNAUTHORIZED). */
enum status person_sign(const char *label, const struct hash256 *digest, const uint8_t seed[32],
			const uint8_t public_key[32], uint8_t signature[64]);
enum status person_verify(const char *label, const struct hash256 *digest, const uint8_t public_key[32],
			  const uint8_t signature[64]);

enum approval_verdict { APPROVAL_APPROVE, APPROVAL_REJECT, APPROVAL_WITHDRAW };
enum approval_client { APPROVAL_CLIENT_CONSOLE, APPROVAL_CLIENT_CLI, APPROVAL_CLIENT_OFFLINE, APPROVAL_CLIENTS };

constexpr size_t APPROVAL_NONCE_SIZE = 16;
constexpr int64_t APPROVAL_STAGE_MAX = 15; /* of the form; policies speak of fewer: identity/votes.h */
constexpr size_t APPROVAL_REASON_MAX = 512;

struct approval_statement {
	struct bytes instance;
	struct hash256 operation_id;
	struct hash256 operation_digest;
	struct hash256 view_digest; /* of the decoded view that was shown */
	struct hash256 bundle_hash;
	int64_t stage;                  /* 0 where stages are not ordered or this is the first */
	bool has_completed_stage;       /* in ordered stages after the first */
	struct hash256 completed_stage; /* votes_stage_digest() of the stage before */
	enum approval_verdict verdict;
	struct bytes person; /* whose vote it is: the signer, or who delegated to the signer */
	struct bytes reason; /* why it is rejected: in rejections only, and may be empty there */
	enum approval_client client;
	int64_t expires_ms;
	uint8_t nonce[16]; /* random */
};

/* Canonical JSON, appended. */
enum status approval_write(const struct approval_statement *statement, struct buffer *to);
/* Every member, exactly; text must be canonical. Errors: approval.<member>, approval.canonical, json.*. */
enum status approval_read(struct arena *arena, struct bytes text, struct approval_statement *statement);
enum status approval_digest(const struct approval_statement *statement, struct hash256 *digest);

/* The keeper's rebuild-and-compare. expected holds what the keeper would state; verdict, reason, person, client, expiry and nonce
 * are the voter's to choose and are taken from statement (the expiry must lie after now_ms and at most at expected->expires_ms).
 * Errors: STATUS_CONFLICT approval.instance_differs, .operation_id_differs, .operation_digest_differs, .view_digest_differs,
 * .bundle_hash_differs, .stage_differs, .completed_stage_differs; STATUS_EXPIRED approval.expired, approval.expires_late. */
enum status approval_check(const struct approval_statement *statement, const struct approval_statement *expected,
			   int64_t now_ms);

const char *approval_verdict_name(enum approval_verdict verdict);
const char *approval_client_name(enum approval_client client);

/* Of a rejection's entry: whether it ended the operation, as all of them did that do not say so. */
bool approval_entry_ends(const json *entry);

#endif
