/*
 * state.db: the log as tables, for listing and looking up. A projection, rebuilt from the log, never read for a decision.
 *
 * It stores up to which size, and with which root, the log has been applied, in the same transaction as the rows; what is
 * missing is applied again at start, and a projection of another log is dropped and built anew. Every entry gives a row in
 * `entries`; a table of handlers, by entry type, gives the rest.
 *
 * Threads: one at a time; a visitor may not use the projection that visits it. A query between begin and commit sees what is
 * applied already. Errors: those of store/database.h; "projection.*".
 */
#ifndef GATEHOUSE_STORE_PROJECTION_H
#define GATEHOUSE_STORE_PROJECTION_H

#include "base/json.h"
#include "store/database.h"
#include "store/mark.h"

struct projection;

/* One entry of the log, as the projection needs it. */
struct projection_entry {
	uint64_t index;
	struct bytes type;
	int64_t seq;
	int64_t at_ms;
	struct bytes operation;    /* the operation id that its body names, or empty */
	struct bytes legal_entity; /* the same */
	const json *body;
	struct bytes leaf;
};

struct projection_handler {
	const char *type;
	enum status (*apply)(struct projection *projection, const struct projection_entry *entry);
};

struct projection_config {
	const struct io *io;
	const char *path;
	struct hash256 identity; /* of the log */
	const struct projection_handler *handlers;
	size_t handler_count;
};

enum status projection_open(const struct projection_config *config, struct projection **projection);
void projection_close(struct projection **projection); /* a cleanup function */
/* How far it is; size 0 if nothing is applied. */
struct mark projection_applied(const struct projection *projection);
/* Drops every row. */
enum status projection_clear(struct projection *projection);
/* Entries in order between begin and commit; commit binds the rows to the mark. begin drops what was begun and not
 * committed. */
enum status projection_begin(struct projection *projection);
enum status projection_apply(struct projection *projection, const struct projection_entry *entry);
enum status projection_commit(struct projection *projection, const struct mark *mark);
/* SHA-256 over every row of every table in order: equal for equal content. */
enum status projection_fingerprint(struct projection *projection, struct hash256 *fingerprint);

/* --- For handlers. --- */

/* An operation, created or updated: empty views leave a member as it is. */
struct projection_operation {
	struct bytes id; /* hexadecimal */
	struct bytes kind;
	struct bytes principal;
	struct bytes resource;
	struct bytes state; /* "held", "denied", "signed", ... */
	int64_t at_ms;
	uint64_t index;         /* of the entry that says so */
	struct bytes rejection; /* of a listed one: the object of PROJECTION_REJECTIONS, or empty; not put here */
	struct bytes legal_entity;
	struct bytes
		words; /* what it is found by, one a line, ASCII in lower case; the first that are put stay; not listed */
};
#define PROJECTION_REJECTIONS "rejections" /* by operation: canonical JSON, who rejected it and why */
/* One that is there is found by an entry that was applied before, and names it. */
enum status projection_put_operation(struct projection *projection, const struct projection_operation *operation);
/* More that an operation which is there is found by; what it is found by already is not added again. */
enum status projection_add_words(struct projection *projection, struct bytes id, struct bytes words);

/* Anything else with an id: keys, people, groups, lists, prices. body is canonical JSON; an empty state leaves it. */
enum status projection_put_object(struct projection *projection, const char *collection, struct bytes id,
				  struct bytes state, struct bytes body, uint64_t index);

/* --- Queries. Newest first; `before` is the index of the last row of the page before (0: from the newest). --- */

constexpr size_t PROJECTION_PAGE_MAX = 1000;
/* What a search looks at before it says how far it came. */
constexpr size_t PROJECTION_SEARCH_ROWS = 20'000;
constexpr size_t PROJECTION_SEARCH_WORDS = 4;

struct projection_operation_filter {
	struct bytes kind, principal, resource, state, legal_entity; /* empty: any */
	int64_t from_ms, to_ms;                                      /* of the newest entry, both included; 0: open */
	struct bytes search[PROJECTION_SEARCH_WORDS]; /* all of them in its words, or begin its id; empty: any */
	uint64_t before;
	size_t limit; /* 1 to PROJECTION_PAGE_MAX */
};
/* *next: `before` of the page after this one; 0: there is none. A search may give fewer than there are on its page, and a next. */
enum status projection_list_operations(struct projection *projection, const struct projection_operation_filter *filter,
				       enum status (*visit)(void *context,
							    const struct projection_operation *operation),
				       void *context, uint64_t *next);

struct projection_row {
	uint64_t index;
	struct bytes type;
	int64_t seq;
	int64_t at_ms;
	struct bytes operation;
};
struct projection_entry_filter {
	struct bytes type, operation, legal_entity; /* empty: any */
	int64_t from_ms, to_ms;                     /* both included; 0: open */
	uint64_t before;
	size_t limit;
};
enum status projection_list_entries(struct projection *projection, const struct projection_entry_filter *filter,
				    enum status (*visit)(void *context, const struct projection_row *row),
				    void *context);
enum status
projection_list_objects(struct projection *projection, const char *collection, struct bytes after, size_t limit,
			enum status (*visit)(void *context, struct bytes id, struct bytes state, struct bytes body),
			void *context);

#endif
