#include "cli/operation_id.h"

#include <time.h>

#include "base/json.h"

enum status
operation_id_check(const char *given) {
	size_t len = strlen(given);
	if (len < OPERATION_ID_DIGITS_MIN || len > OPERATION_ID_DIGITS ||
	    given[strspn(given, "0123456789abcdef")] != '\0')
		return fail(
			STATUS_INVALID,
			"usage.id: an operation's id has %zu hexadecimal digits, of which the first %zu or more do; "
			"\"%s\" has not",
			OPERATION_ID_DIGITS, OPERATION_ID_DIGITS_MIN, given);
	return OK;
}

struct search {
	struct invocation *invocation;
	const char *given, *found;
	int64_t before; /* where the next page begins; 0: there is none */
};

/* The listing's words find more than ids: only what begins as was asked for counts. */
static enum status
take_id(struct search *search, struct bytes id) {
	size_t len = strlen(search->given);
	if (id.len != OPERATION_ID_DIGITS || memcmp(id.data, search->given, len) != 0 ||
	    (search->found != nullptr && bytes_equal_text(id, search->found)))
		return OK;
	if (search->found != nullptr)
		return fail(STATUS_CONFLICT, "operation.ambiguous: both %s and %.*s begin with %s: give more of it",
			    search->found, BYTES_ARGS(id), search->given);
	search->found = arena_format(&search->invocation->arena, "%.*s", BYTES_ARGS(id));
	TRY_ALLOC(search->found);
	return OK;
}

static enum status
take_page(struct search *search, struct bytes body) {
	const json *page, *operations, *one;
	int64_t rest = 0;
	TRY(json_read(&search->invocation->arena, body, (struct json_limits){}, &page));
	TRY(json_need(page, "listing", "operations", JSON_ARRAY, &operations));
	struct json_iterator iterator = json_iterate(operations);
	while ((one = json_next(&iterator, nullptr)) != nullptr) {
		struct bytes id;
		TRY(json_need_string(one, "listing.operations", "operation", &id));
		TRY(take_id(search, id));
	}
	if (json_get(page, "rest") != nullptr)
		TRY(json_need_integer(page, "listing", "rest", &rest));
	/* Whoever answers must not make this go round for ever. */
	if (rest < 0 || (rest > 0 && search->before > 0 && rest >= search->before))
		return fail(STATUS_INVALID, "listing.rest: no place before the one asked for");
	search->before = rest;
	return OK;
}

/* All pages of the listing. A problem leaves *answer as it came. */
static enum status
search_listing(struct search *search, struct client *client, struct connection_answer *answer) {
	struct arena *arena = &search->invocation->arena;
	const char *first = arena_format(arena, "/v1/operations?search=%s&limit=1000", search->given), *target = first;
	search->before = 0;
	do {
		TRY_ALLOC(target);
		TRY(client_get(client, arena, target, answer));
		if (answer->status >= 300)
			return OK;
		TRY(take_page(search, answer->body));
		target = arena_format(arena, "%s&before=%lld", first, (long long)search->before);
	} while (search->before > 0);
	return OK;
}

/* An id that an answer has just shown stands in the listing within a second: what is not there yet is looked for again. */
enum status
operation_id_find(struct invocation *invocation, struct client *client, const char *given, const char **id,
		  struct connection_answer *answer) {
	constexpr int AGAIN = 10;
	static const struct timespec PAUSE = {.tv_nsec = 200'000'000};
	struct search search = {.invocation = invocation, .given = given};
	*id = operation_id_is_whole(given) ? given : nullptr;
	if (*id != nullptr)
		return OK;
	TRY(search_listing(&search, client, answer));
	for (int i = 0; i < AGAIN && search.found == nullptr && answer->status < 300; i++) {
		nanosleep(&PAUSE, nullptr);
		TRY(search_listing(&search, client, answer));
	}
	*id = search.found;
	return *id != nullptr || answer->status >= 300
		       ? OK
		       : fail(STATUS_NOT_FOUND, "operation.unknown: none that is listed begins with %s", given);
}
