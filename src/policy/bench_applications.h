/*
 * The three applications of the Cedar paper (OOPSLA 2024, arXiv:2403.04651, section 5): their policies come from the public
 * test data, their entities are drawn here, 50 of each kind, in hierarchies like the paper's.
 */
#ifndef GATEHOUSE_POLICY_BENCH_APPLICATIONS_H
#define GATEHOUSE_POLICY_BENCH_APPLICATIONS_H

#include "policy/policy.h"

struct bench_draw { /* pseudo-random: the same entities and requests in every run */
	uint64_t state;
};

uint32_t bench_draw_below(struct bench_draw *draw, uint32_t limit);

struct bench_request {
	struct policy_request request;
	char ids[2][24];
};

struct bench_application {
	const char *name;
	const char *policies; /* below the folder of the public test data */
	enum status (*fill)(struct policy_entities *entities, struct bench_draw *draw);
	void (*ask)(struct bench_request *request, struct bench_draw *draw);
};

extern const struct bench_application bench_applications[];
extern const size_t bench_application_count;

#endif
