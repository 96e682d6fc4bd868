#include "gateway/routes.h"

#include "base/ipc_messages.h"
#include "base/path_pattern.h"

constexpr size_t KIB = 1024;

static const struct route routes[] = {
	{"POST", "/v1/operations", IPC_BODY_MAX, ROUTE_FORWARD},
	{"GET", "/v1/operations", 0, ROUTE_FORWARD},
	{"GET", "/v1/operations/*", 0, ROUTE_FORWARD},
	{"GET", "/v1/operations/*/payload", 0, ROUTE_FORWARD},
	{"GET", "/v1/operations/*/receipt", 0, ROUTE_FORWARD},
	{"GET", "/v1/operations/*/explanation", 0, ROUTE_FORWARD},
	{"GET", "/v1/operations/*/view", 0, ROUTE_FORWARD},
	{"GET", "/v1/operations/*/timeline", 0, ROUTE_FORWARD},
	{"GET", "/v1/inbox", 0, ROUTE_FORWARD},
	{"GET", "/v1/limits", 0, ROUTE_FORWARD},
	{"POST", "/v1/operations/*/votes", 16 * KIB, ROUTE_FORWARD},
	{"POST", "/v1/protective", 16 * KIB, ROUTE_FORWARD_URGENT},
	{"GET", "/v1/keys", 0, ROUTE_FORWARD},
	{"GET", "/v1/keys/*", 0, ROUTE_FORWARD},
	{"GET", "/v1/keys/*/derived", 0, ROUTE_FORWARD},
	{"GET", "/v1/import-key", 0, ROUTE_FORWARD},
	{"GET", "/v1/keys/*/sharing", 0, ROUTE_FORWARD},
	{"GET", "/v1/people", 0, ROUTE_FORWARD},
	{"GET", "/v1/people/*/personal", 0, ROUTE_FORWARD},
	{"GET", "/v1/workloads", 0, ROUTE_FORWARD},
	{"GET", "/v1/groups", 0, ROUTE_FORWARD},
	{"GET", "/v1/lists", 0, ROUTE_FORWARD},
	{"GET", "/v1/lists/*", 0, ROUTE_FORWARD},
	{"GET", "/v1/zones", 0, ROUTE_FORWARD},
	{"GET", "/v1/prices", 0, ROUTE_FORWARD},
	{"GET", "/v1/policy", 0, ROUTE_FORWARD},
	{"GET", "/v1/policy/limits", 0, ROUTE_FORWARD},
	{"GET", "/v1/policy/bundles/*", 0, ROUTE_FORWARD},
	{"GET", "/v1/keepers", 0, ROUTE_FORWARD},
	{"GET", "/v1/instance", 0, ROUTE_FORWARD},
	{"GET", "/v1/ledger/checkpoint", 0, ROUTE_FORWARD},
	{"GET", "/v1/ledger/entries/*", 0, ROUTE_FORWARD},
	{"GET", "/v1/ledger/entries/*/personal", 0, ROUTE_FORWARD},
	{"GET", "/v1/ledger/export", 0, ROUTE_FORWARD},
	{"GET", "/v1/ledger/tile/**", 0, ROUTE_FORWARD},
	{"GET", "/v1/events", 0, ROUTE_FORWARD},
	{"POST", "/v1/session/challenge", 1 * KIB, ROUTE_FORWARD},
	{"POST", "/v1/session", 16 * KIB, ROUTE_FORWARD},
	{"POST", "/v1/session/activity", 0, ROUTE_FORWARD},
	{"GET", "/v1/session", 0, ROUTE_FORWARD},
	{"DELETE", "/v1/session", 0, ROUTE_FORWARD},
	{"POST", "/v1/enrolment/options", 1 * KIB, ROUTE_FORWARD},
	{"POST", "/v1/enrolment", 64 * KIB, ROUTE_FORWARD},
	{"GET", "/healthz", 0, ROUTE_HEALTH},
	{"GET", "/readyz", 0, ROUTE_READY},
	{"GET", "/metrics", 0, ROUTE_METRICS},
	{"GET", "/", 0, ROUTE_CONSOLE},
	{"GET", "/assets/*", 0, ROUTE_CONSOLE},
};

enum route_match
route_find(struct bytes method, struct bytes path, const struct route **route) {
	enum route_match match = ROUTE_NO_PATH;
	for (size_t i = 0; i < ARRAY_LENGTH(routes); i++) {
		if (!path_pattern_matches(routes[i].pattern, path, nullptr))
			continue;
		match = ROUTE_NO_METHOD;
		if (bytes_equal_text(method, routes[i].method)) {
			*route = &routes[i];
			return ROUTE_FOUND;
		}
	}
	return match;
}

void
route_allowed_methods(struct bytes path, char *allowed) {
	allowed[0] = '\0';
	for (size_t i = 0; i < ARRAY_LENGTH(routes); i++) {
		if (!path_pattern_matches(routes[i].pattern, path, nullptr))
			continue;
		strncat(allowed, allowed[0] == '\0' ? "" : ", ", ROUTE_ALLOWED_SIZE - strlen(allowed) - 1);
		strncat(allowed, routes[i].method, ROUTE_ALLOWED_SIZE - strlen(allowed) - 1);
	}
}

const struct route *
route_table(size_t *count) {
	*count = ARRAY_LENGTH(routes);
	return routes;
}
