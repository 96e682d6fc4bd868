/*
 * Policies laid out in one way: `gatehouse policy format`.
 *
 * Tokens and comments are kept as they are and in their order; only what is between them changes. A policy, a condition, a
 * list or a chain of && stays on one line if it fits into FORMAT_WIDTH columns and holds no comment; else its parts stand on
 * lines of their own, two columns further in. What does not parse is not formatted.
 */
#ifndef GATEHOUSE_POLICY_FORMAT_H
#define GATEHOUSE_POLICY_FORMAT_H

#include "policy/policy.h"

constexpr size_t FORMAT_WIDTH = 80;

/* Appends the formatted text. Findings: policy.*. */
enum status policy_format(const char *file, struct bytes text, struct buffer *to,
			  struct policy_diagnostics *diagnostics);

#endif
