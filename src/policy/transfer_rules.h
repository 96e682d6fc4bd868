/*
 * A list of transfer rules as custody vendors export them, in which the first rule that matches decides, compiled to Cedar that
 * decides the same.
 *
 *   {"type":"gatehouse/transfer-rules/v1",
 *    "groups":{"hot":["account:options-hot"],"exchanges":["eip155:1:0x3535…"]},
 *    "rules":[{"id":"r1","initiator":[…],"source":["hot"],"destination":"allowed","asset":["eip155:1/native"],
 *              "amount":{"over_usd":"1000.00","up_to_usd":"50000.00"},"period":"day","per":"account",
 *              "action":"approve","approvals":{"treasury":2,"independent":1},"note":"…"},…]}
 *
 *   initiator    who asks: person:ID, workload:ID, desk:ID, entity:ID, or names of groups; absent: anyone
 *   source       where the key stands: key:ID, account:ID, desk:ID, entity:ID, or names of groups; absent: any
 *   destination  "any" (also absent), "allowed" (every destination is on an allow list), or a list of chain:address and groups,
 *                of which every destination must be one; of a rule that blocks or asks for approvals, see below
 *   asset        a list of assets' ids, or groups; absent: any
 *   amount       US dollars: more than over_usd and at most up_to_usd, either absent; of the transaction, or of what is spent in
 *                the period (hour, day, week; "transaction" or absent: of the transaction), this transfer included, summed up per
 *                key, account, desk, legal_entity, requester, destination or asset
 *   action       "allow", "block", or "approve": allowed with these approvals, by groups, or total and independent
 *
 * The first rule whose conditions all hold decides; where none does, the transfer is blocked. So is one that reaches a rule that blocks or
 * asks for approvals and has some of its destinations in that rule's list, or on an allow list where it says "allowed", and others not.
 * A transfer whose value is not known, or whose spending in a period that some rule asks for, and a call that is not recognised as a
 * transfer are blocked whatever the rules say.
 *
 * Each rule that allows becomes a permit that holds unless an earlier rule that does not allow the same matches: so what
 * decided is seen in the reasons. Owner: rules live in the arena. Errors: findings "rules.*", "json.*" with file, line, column.
 */
#ifndef GATEHOUSE_POLICY_TRANSFER_RULES_H
#define GATEHOUSE_POLICY_TRANSFER_RULES_H

#include "policy/diagnostic.h"

constexpr size_t RULES_MAX = 1000;
constexpr size_t RULES_TEXT_MAX = 4 * 1024 * 1024; /* of the Cedar */

enum rule_action { RULE_ALLOW, RULE_BLOCK, RULE_APPROVE };
enum rule_period { RULE_TRANSACTION, RULE_HOUR, RULE_DAY, RULE_WEEK };

struct rule_names { /* as written, groups put in */
	const struct bytes *items;
	size_t count;
	bool is_any;
};

struct rule_approvals {
	struct bytes group;
	int64_t count;
};

struct transfer_rule {
	struct bytes id, note;
	struct rule_names initiator, source, destination, asset;
	bool is_allowed_destination; /* on an allow list */
	bool has_over, has_up_to;
	int64_t over_cents, up_to_cents;
	enum rule_period period;
	struct bytes per; /* empty for RULE_TRANSACTION */
	enum rule_action action;
	struct rule_approvals approvals[8];
	size_t approval_count;
};

struct transfer_rules {
	struct arena arena;
	struct transfer_rule *rules;
	size_t count;
};

enum status transfer_rules_read(struct transfer_rules *rules, const char *name, struct bytes text,
				struct policy_diagnostics *diagnostics);
void transfer_rules_free(struct transfer_rules *rules); /* a cleanup function */
/* Cedar, appended: STATUS_TOO_LARGE "rules.size". */
enum status transfer_rules_compile(const struct transfer_rules *rules, struct buffer *to);

#endif
