#include "gateway/routes.h"

#include "base/ipc_messages.h"

constexpr size_t KIB = 1024;

static const struct route routes[] = {
	{"POST", "/v1/operations", IPC_BODY_MAX, ROUTE_FORWARD},
	{"GET", "/v1/operations", 0, ROUTE_FORWARD},
	{"GET", "/v1/operations/*", 0, ROUTE_FORWARD},
	{"GET", "/v1/operations/*/payload", 0, ROUTE_FORWARD},
	{"GET", "/v1/operations/*/receipt", 0, ROUTE_FORWARD},
	{"GET", "/v1/operations/*/explanation", 0, ROUTE_FORWARD},
	{"POST", "/v1/operations/*/votes", 16 * KIB, ROUTE_FORWARD},
	{"POST", "/v1/protective", 16 * KIB, ROUTE_FORWARD_URGENT},
	{"GET", "/v1/keys", 0, ROUTE_FORWARD},
	{"GET", "/v1/keys/*", 0, ROUTE_FORWARD},
	{"GET", "/v1/keys/*/derived", 0, ROUTE_FORWARD},
	{"GET", "/v1/people", 0, ROUTE_FORWARD},
	{"GET", "/v1/workloads", 0, ROUTE_FORWARD},
	{"GET", "/v1/groups", 0, ROUTE_FORWARD},
	{"GET", "/v1/lists", 0, ROUTE_FORWARD},
	{"GET", "/v1/lists/*", 0, ROUTE_FORWARD},
	{"GET", "/v1/zones", 0, ROUTE_FORWARD},
	{"GET", "/v1/prices", 0, ROUTE_FORWARD},
	{"GET", "/v1/policy", 0, ROUTE_FORWARD},
	{"GET", "/v1/policy/bundles/*", 0, ROUTE_FORWARD},
	{"GET", "/v1/instance", 0, ROUTE_FORWARD},
	{"GET", "/v1/ledger/checkpoint", 0, ROUTE_FORWARD},
	{"GET", "/v1/ledger/entries/*", 0, ROUTE_FORWARD},
	{"GET", "/v1/ledger/tile/**", 0, ROUTE_FORWARD},
	{"GET", "/v1/events", 0, ROUTE_FORWARD},
	{"GET", "/healthz", 0, ROUTE_HEALTH},
	{"GET", "/readyz", 0, ROUTE_READY},
	{"GET", "/metrics", 0, ROUTE_METRICS},
};

/* The next segment of a path that begins with "/"; false at its end. */
static bool
next_segment(struct bytes *path, struct bytes *segment) {
	if (path->len == 0)
		return false;
	struct bytes rest = {path->data + 1, path->len - 1};
	const uint8_t *slash = rest.len == 0 ? nullptr : memchr(rest.data, '/', rest.len);
	segment->data = rest.data;
	segment->len = slash == nullptr ? rest.len : (size_t)(slash - rest.data);
	*path = (struct bytes){rest.data + segment->len, rest.len - segment->len};
	return true;
}

static bool
pattern_matches(const char *pattern, struct bytes path) {
	struct bytes left = bytes_of_text(pattern), wanted, segment;
	while (next_segment(&left, &wanted)) {
		if (!next_segment(&path, &segment) || segment.len == 0)
			return false;
		if (bytes_equal_text(wanted, "**"))
			return true;
		if (!bytes_equal_text(wanted, "*") && !bytes_equal(wanted, segment))
			return false;
	}
	return path.len == 0;
}

enum route_match
route_find(struct bytes method, struct bytes path, const struct route **route) {
	enum route_match match = ROUTE_NO_PATH;
	for (size_t i = 0; i < ARRAY_LENGTH(routes); i++) {
		if (!pattern_matches(routes[i].pattern, path))
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
		if (!pattern_matches(routes[i].pattern, path))
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
