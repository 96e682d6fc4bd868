/* Cedar's `like`: text against a pattern. */
#ifndef GATEHOUSE_POLICY_LIKE_H
#define GATEHOUSE_POLICY_LIKE_H

#include "base/bytes.h"

/* parts: of the pattern, at least one; between each two a wildcard, which stands for anything and nothing. The first part begins the
 * text, the last ends it, the others are found between, each as early as possible. */
bool like_matches(struct bytes text, const struct bytes *parts, size_t part_count);

#endif
