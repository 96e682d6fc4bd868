/*
 * A policy: which logs and witnesses are trusted, and which cosignatures are enough.
 *
 *   log <vkey> [url]
 *   witness <name> <vkey> [url]
 *   group <name> all|any|<k> <member>...
 *   quorum <name>|none
 *
 * A log that signs with two keys has two log lines with the same origin as key name. Every signature of a known key must
 * verify; what is missing shows in the verdict, for the caller to name.
 *
 * Owner: tlog_policy_parse() creates, tlog_policy_destroy() frees. Threads: a parsed policy is only read.
 * Errors: STATUS_INVALID "policy.*" with the line; STATUS_UNAUTHORIZED "policy.origin", "policy.unsigned", "signature.*",
 * "cosignature.*". Source: C2SP tlog-policy.
 */
#ifndef GATEHOUSE_LEDGER_TLOG_POLICY_H
#define GATEHOUSE_LEDGER_TLOG_POLICY_H

#include "ledger/cosignature.h"

constexpr size_t TLOG_POLICY_SIZE_MAX = 1024 * 1024;
constexpr size_t TLOG_POLICY_LOGS_MAX = 64;
constexpr size_t TLOG_POLICY_WITNESSES_MAX = 64;
constexpr size_t TLOG_POLICY_GROUPS_MAX = 64;

struct tlog_policy;

enum status tlog_policy_parse(struct bytes text, struct tlog_policy **policy);
void tlog_policy_destroy(struct tlog_policy **policy); /* a cleanup function */

/* In the order of their lines; url is empty where none is given. */
struct tlog_policy_key {
	struct bytes name; /* of a witness, within the policy */
	struct bytes url;
	struct note_key key;
};
size_t tlog_policy_log_count(const struct tlog_policy *policy);
const struct tlog_policy_key *tlog_policy_log(const struct tlog_policy *policy, size_t i);
size_t tlog_policy_witness_count(const struct tlog_policy *policy);
const struct tlog_policy_key *tlog_policy_witness(const struct tlog_policy *policy, size_t i);
bool tlog_policy_demands_witnesses(const struct tlog_policy *policy); /* false: "quorum none" */

struct tlog_verdict {
	bool has_ed25519;     /* the log's own signatures: type 0x01 */
	bool has_mldsa44;     /* and 0x06 */
	uint64_t log_time_s;  /* of the latter */
	size_t cosignatures;  /* by witnesses of the policy */
	uint64_t witnessed_s; /* the newest time among them */
	bool has_quorum;      /* never with "quorum none" */
};

/* Of a note whose text is this checkpoint. */
enum status tlog_policy_check(const struct tlog_policy *policy, const struct note *note,
			      const struct checkpoint *checkpoint, struct tlog_verdict *verdict);

#endif
