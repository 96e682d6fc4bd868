/*
 * What the gateway serves: one table, and nothing that is not in it. Patterns: base/path_pattern.h.
 */
#ifndef GATEHOUSE_GATEWAY_ROUTES_H
#define GATEHOUSE_GATEWAY_ROUTES_H

#include "base/bytes.h"

enum route_action {
	ROUTE_FORWARD,        /* to the keeper */
	ROUTE_FORWARD_URGENT, /* ahead of all others: protective operations only, which the keeper checks */
	ROUTE_HEALTH,         /* alive, and in what state */
	ROUTE_READY,          /* able to take operations */
	ROUTE_METRICS,
	ROUTE_CONSOLE, /* pages and what they load */
};

struct route {
	const char *method;
	const char *pattern;
	size_t body_max; /* bytes; 0: no body */
	enum route_action action;
};

/* A path in the form of a target, without its query. */
enum route_match { ROUTE_FOUND, ROUTE_NO_PATH, ROUTE_NO_METHOD };
enum route_match route_find(struct bytes method, struct bytes path, const struct route **route);

/* "GET, POST": the methods that the path has. allowed holds ROUTE_ALLOWED_SIZE. */
constexpr size_t ROUTE_ALLOWED_SIZE = 64;
void route_allowed_methods(struct bytes path, char *allowed);

/* The table: the gateway asks by path; tests ask of every route what must hold of every route. */
const struct route *route_table(size_t *count);

#endif
