/*
 * What a policy bundle is held against: the entities, actions and facts that there are (examples/schema.cedarschema, which is in
 * the program), which of the facts are counts of approvals, and which are reported by the gateway.
 *
 * Owner: the caller. Threads: any may read it.
 */
#ifndef GATEHOUSE_GATE_HOST_H
#define GATEHOUSE_GATE_HOST_H

#include "policy/bundle_check.h"

struct host {
	struct bundle_host bundles;
	struct policy_schema *schema;
};

extern const struct bytes host_schema_text;

enum status host_create(struct host **host);
void host_destroy(struct host **host); /* a cleanup function */

#endif
