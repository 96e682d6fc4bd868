/*
 * What the demo's steps share: the house, the people, and what was gathered on the way. Each step does one thing, compares what
 * came of it with what must come of it, and says it in one line; STATUS_CONFLICT "demo.*" where they differ.
 */
#ifndef GATEHOUSE_CLI_DEMO_STAGE_H
#define GATEHOUSE_CLI_DEMO_STAGE_H

#include "cli/demo/actors.h"
#include "cli/demo/demo.h"
#include "cli/demo/house.h"
#include "cli/demo/interrupt.h"
#include "cli/demo/narration.h"
#include "cli/demo/payloads.h"
#include "cli/review.h"

constexpr size_t STAGE_RECEIPTS_MAX = 128;

/* A receipt as somebody outside keeps it: of a decision, with the entry's number. */
struct kept_receipt {
	struct bytes text;
	int64_t entry;
};

struct stage {
	struct house house;
	struct actors actors;
	const char *amounts;
	const char *origin; /* of the log */
	bool keep;
	struct arena arena;
	/* Of the keys that the firm makes. */
	const char *ether_address;
	uint8_t bitcoin_key[33];
	uint64_t nonce; /* of the next Ethereum transaction */
	/* Of new passkeys of approvers: by the demo's policy, and by the one that is shipped; and when ours begin to count. */
	int64_t passkey_wait_ms, shipped_wait_ms, passkeys_from_ms;
	/* Kept by those who asked. */
	struct kept_receipt receipts[STAGE_RECEIPTS_MAX];
	size_t receipt_count;
	struct prepared first_request; /* the small transfer, as it went over the wire */
	struct told first_answer;
	struct told sanctioned; /* the answer that an attacker would like to be another */
	const char *attacked;   /* id of the order that a hostile gateway worked on; it is held */
	/* The newest head that the witness cosigned. */
	uint64_t witnessed_size;
	struct bytes witnessed_note;
	/* Times. */
	int64_t founded_ns, served_ns, verified_ns, replayed_ns;
	unsigned refused; /* attempts of attackers that came to nothing */
};

/* The founding document and its policies. */
enum status stage_write_founding(struct stage *stage);
/* Of a key that was made: its public key, and the address of Ethereum, in the arena. */
enum status stage_public_key(const struct told *made, uint8_t public_key[33]);
enum status stage_address(struct stage *stage, const uint8_t public_key[33], const char **address);
/* What came back is the transaction that was asked for, signed by the key at stage->ether_address. */
enum status stage_check_signed(struct stage *stage, const struct told *told, const struct evm_plan *plan,
			       const char **id);

/* --- Expectations. --- */

/* The answer has this state ("done"), and a receipt, which is kept. */
enum status stage_expect(struct stage *stage, const char *what, const struct told *told, const char *state);
/* The answer is a refusal of this name. */
enum status stage_expect_refusal(const char *what, const struct told *told, const char *type);
enum status stage_check(bool holds, const char *what, const char *expected);

/* "2 of treasury, 1 independent": the missing approvals, as the answer states them. */
enum status stage_missing(struct stage *stage, const struct told *told, const char **text, int64_t *of_groups);
/* How many decisions released something, by the published log. */
enum status stage_released(struct stage *stage, size_t *released);

/* Everybody hangs up, and the processes stop in order. */
enum status stage_stop(struct stage *stage);

/* --- Facts that the log keeps of a decision, by `policy explain`'s route. --- */
struct decision_facts {
	const json *facts;
};
enum status stage_facts(struct stage *stage, const struct told *told, struct decision_facts *facts);
enum status stage_fact_long(const struct decision_facts *facts, const char *name, int64_t *number);
enum status stage_fact_text(struct stage *stage, const struct decision_facts *facts, const char *name,
			    const char **text);

/* --- Approving by a passkey, as in a browser: passkey_steps.c. --- */
/* The body of an approval of what was asked, by the passkey of persons 1 or 2; waits until it counts. */
enum status passkey_vote(struct stage *stage, enum actor_id by, const struct review *asked, struct buffer *body);
enum status passkey_approve(struct stage *stage, enum actor_id by, const char *operation, struct told *told);
/* A link at the console by which this person enrols another one, once. */
enum status passkey_invite(struct stage *stage, enum actor_id person, const char **link);

/* --- The story, in its order; each is a row of demo.c. --- */
enum status step_found(struct stage *stage);
enum status step_serve(struct stage *stage);
enum status step_enrol_passkeys(struct stage *stage);
enum status step_make_keys(struct stage *stage);

enum status step_small_transfer(struct stage *stage);
enum status step_token_transfer(struct stage *stage);
enum status step_bitcoin(struct stage *stage);
enum status step_sanctioned(struct stage *stage);
enum status step_unlimited_approve(struct stage *stage);
enum status step_tampered(struct stage *stage);
enum status step_replayed(struct stage *stage);
enum status step_velocity(struct stage *stage);
enum status step_witness(struct stage *stage);

enum status attack_root(struct stage *stage);
enum status attack_gateway(struct stage *stage);
enum status attack_display(struct stage *stage);
enum status attack_old_data(struct stage *stage);
enum status attack_operator(struct stage *stage);

enum status audit_verify(struct stage *stage);
enum status audit_replay(struct stage *stage);
enum status audit_times(struct stage *stage);

#endif
