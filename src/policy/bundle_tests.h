/*
 * The tests of a bundle: tables of requests with the decision that each must get, beside the policies.
 *
 *   defaults:                        # of all tests of the file; each may be said again by a test
 *     principal: Workload::"settlement"
 *     action: sign                   # or Action::"sign"
 *     resource: Key::"eth-hot"
 *     facts: {key.same_desk: true, transfer.usd_cents: 500000, time.now: 2026-01-01T00:00:00Z}
 *   entities:
 *     - {uid: Key::"eth-hot", parents: [Account::"hot"], attrs: {state: active}}
 *   tests:
 *     - name: a small transfer
 *       facts: {transfer.usd_cents: absent}
 *       expect: permit               # or deny, held
 *       reasons: [small_transfer]    # the determining policies, if they matter
 *       errors: []                   # policies that could not be evaluated; none are expected where it is left out
 *       missing: {group.treasury: 2} # of a held one: the approvals that are missing
 *
 * Facts have the types of the bundle's schema; a default that an action's context does not have is passed over, `absent` takes
 * one away, and counts of approvals that are not stated are 0. The entities are those of the file and of the bundle.
 *
 * A JSON file holds recorded operations: [{"name","recorded":ENTRY,"expect","reasons","errors","missing"},...], where ENTRY is what
 * `ledger show` prints of a decision.
 *
 * Errors: findings "tests.*", "yaml.*", "json.*", "fit.*", each with file, line and column.
 */
#ifndef GATEHOUSE_POLICY_BUNDLE_TESTS_H
#define GATEHOUSE_POLICY_BUNDLE_TESTS_H

#include "policy/bundle_check.h"
#include "policy/coverage.h"

constexpr size_t BUNDLE_TESTS_MAX = 4096;

struct bundle_test_result {
	const char *file;
	size_t line, column;
	struct bytes name;
	bool passed;
	const char *message; /* what was expected and what came; "" where it passed */
};

struct bundle_tests {
	struct arena arena;
	struct bundle_test_result *results;
	size_t count, failed;
	struct coverage *coverage;
};

/* Reads and runs all tests of a bundle that bundle_check() accepted. STATUS_INVALID where a file cannot be read; that a test
 * fails is no error. */
enum status bundle_tests_run(const struct bundle *bundle, const struct bundle_host *host, struct bundle_tests *tests,
			     struct policy_diagnostics *diagnostics);
void bundle_tests_free(struct bundle_tests *tests); /* a cleanup function */

/* {"conditions":{"covered","total","uncovered":[...]},"failed","passed","policies":{...},"tests":[...]} as members of an object
 * that has been begun. */
void bundle_tests_write(const struct bundle_tests *tests, struct json_writer *w);
/* As people read it: what failed, and what was not covered. */
void bundle_tests_print(const struct bundle_tests *tests, struct buffer *to);

#endif
