#include "gate/host.h"

#include <stdlib.h>

#include "gate/break_glass.h"

/* tests/facts_test.py holds this table against docs/facts.md. */
static const struct monotone_fact facts[] = {
	{"approvals.by_client", MONOTONE_COUNTS},
	{"approvals.first", MONOTONE_COUNTS},
	{"approvals.group", MONOTONE_COUNTS},
	{"approvals.independent", MONOTONE_COUNT},
	{"approvals.phishing_resistant", MONOTONE_COUNT},
	{"approvals.rejections", MONOTONE_OBJECTION},
	{"approvals.second", MONOTONE_COUNTS},
	{"approvals.third", MONOTONE_COUNTS},
	{"approvals.total", MONOTONE_COUNT},
	{"request.break_glass", MONOTONE_EMERGENCY},
	{"zone.mismatch", MONOTONE_FLAG},
	{"zone.seen", MONOTONE_REPORT},
};

#define ACTION(id) {BYTES_OF_LITERAL("Action"), BYTES_OF_LITERAL(id)}

/* One count for every group. */
static const char *const open_records[] = {"approvals.first", "approvals.group", "approvals.second", "approvals.third"};

/* Funds, keys and policy (design §5). */
static const struct entity_uid guarded[] = {ACTION("move_funds"), ACTION("keys"), ACTION("policy")};

enum status
host_create(struct host **host) {
	_cleanup_(host_destroy) struct host *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(policy_schema_parse("host.cedarschema", host_schema_text, SCHEMA_CEDAR, &made->schema, nullptr));
	made->bundles = (struct bundle_host){.schema = made->schema,
					     .open_records = open_records,
					     .open_record_count = ARRAY_LENGTH(open_records),
					     .floor = &break_glass_floor,
					     .monotone = {facts, ARRAY_LENGTH(facts), guarded, ARRAY_LENGTH(guarded)}};
	*host = TAKE(made);
	return OK;
}

void
host_destroy(struct host **host) {
	struct host *gone = TAKE(*host);
	if (gone == nullptr)
		return;
	policy_schema_destroy(&gone->schema);
	free(gone);
}
