/*
 * Past transfers of any other system, from a table, for gate/shadow.h: before anything is installed.
 *
 * CSV with a header. Columns, in any order:
 *
 *   time         needed: 2026-01-02T12:00:00Z; rows ascend
 *   requester    needed: the workload or person that asked: workload:ID, person:ID
 *   key          needed: the key or wallet that signed
 *   usd          needed: value in US dollars, at most two decimals; empty: not known
 *   destination  needed: chain:address
 *   asset        an asset's id (default: the chain's own, <chain>/native)
 *   account, desk, legal_entity   where the key stands (default: "account", "desk", "firm")
 *   requester_desk                where the requester stands (default: the key's desk)
 *   allowed, sanctioned           true or false, of the destination (default: true, false)
 *   approvals    "treasury:2 independent:1" (default: none)
 *   decision     permit, deny or held: what the other system did (default: nothing to compare with)
 *   fact:NAME    any other fact, by its name (docs/facts.md), of the schema's type
 *
 * What is spent in each window is summed up from the rows themselves that were not denied. Errors: "csv.*", "history.*",
 * "tests.*" of facts, each with file, line and column.
 */
#ifndef GATEHOUSE_GATE_SHADOW_HISTORY_H
#define GATEHOUSE_GATE_SHADOW_HISTORY_H

#include "gate/shadow.h"

enum status shadow_add_history(struct shadow *shadow, const struct bundle *bundle, const struct host *host,
			       const char *name, struct bytes text, struct policy_diagnostics *diagnostics);

#endif
