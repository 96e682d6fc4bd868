/* What docs/openapi.yaml lists of every route: made of it by described_statuses.py. Ends with a row without method. */
#ifndef GATEHOUSE_TESTS_DESCRIBED_STATUSES_H
#define GATEHOUSE_TESTS_DESCRIBED_STATUSES_H

struct described_route {
	const char *method, *pattern; /* base/path_pattern.h */
	unsigned statuses[32];        /* ends with 0 */
};

extern const struct described_route described_routes[];

#endif
