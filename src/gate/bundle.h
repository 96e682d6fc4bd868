/*
 * The policy bundle in force: the text of the policies, compiled, under one hash.
 *
 * The hash covers everything that can change a decision: policies, and (empty in this version) links, schema, entities and
 * invariants, and the strict mode, which is always on. A decision records it; replay finds the bundle in the log by it.
 */
#ifndef GATEHOUSE_GATE_BUNDLE_H
#define GATEHOUSE_GATE_BUNDLE_H

#include "crypto/hash.h"
#include "policy/policy.h"

constexpr size_t BUNDLE_SIZE_MAX = 48 * 1024; /* of its text: it stands in one entry */

struct bundle {
	struct hash256 hash;
	struct bytes text; /* owned */
	struct policy_set *policies;
};

/* "bundle.policy" with the first diagnostic where the text does not parse; "bundle.size"; "bundle.empty". */
enum status bundle_create(struct bundle **bundle, struct bytes policies);
void bundle_destroy(struct bundle **bundle); /* a cleanup function */

/* The hash without compiling: SHA-256 of the canonical JSON of the bundle. */
enum status bundle_hash(struct bytes policies, struct hash256 *hash);

#endif
