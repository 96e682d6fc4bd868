/*
 * A schema in its other syntax: Cedar's from JSON, JSON from Cedar's.
 *
 * What is written declares the same: reading both gives equal types, hierarchies and actions. Comments and annotations are
 * left out. Findings: as policy_schema_parse() has; schema.ambiguous where Cedar's syntax has no words for what JSON says (an
 * entity type that a common type of that name hides).
 */
#ifndef GATEHOUSE_POLICY_SCHEMA_WRITE_H
#define GATEHOUSE_POLICY_SCHEMA_WRITE_H

#include "policy/schema.h"

/* syntax: of the text; the other one is appended. */
enum status policy_schema_convert(const char *file, struct bytes text, enum schema_syntax syntax, struct buffer *to,
				  struct policy_diagnostics *diagnostics);

#endif
