/*
 * Whether a path is of a route's pattern: segments match themselves, "*" any one segment, and a final "**" one segment or more.
 * Both tables of routes, the gateway's and the keeper's, are read with it. Nothing is decoded, no
 * segment is empty but that of the pattern "/".
 *
 * Owner: parameters are views of the path. Threads: any. Errors: none.
 */
#ifndef GATEHOUSE_BASE_PATH_PATTERN_H
#define GATEHOUSE_BASE_PATH_PATTERN_H

#include "base/bytes.h"

constexpr size_t PATH_PARAMETERS_MAX = 2; /* of a pattern */

/* What "*" and "**" stood for, in order. */
struct path_parameters {
	struct bytes values[PATH_PARAMETERS_MAX];
	size_t count;
};

/* path: without its query. parameters may be null. */
bool path_pattern_matches(const char *pattern, struct bytes path, struct path_parameters *parameters);

#endif
