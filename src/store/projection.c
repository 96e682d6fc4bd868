#include "store/projection.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static const char schema[] =
	"CREATE TABLE applied(one INTEGER PRIMARY KEY CHECK(one = 1), identity BLOB, size INTEGER, root BLOB);"
	"CREATE TABLE entries(idx INTEGER PRIMARY KEY, type TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,"
	" operation TEXT NOT NULL, legal_entity TEXT NOT NULL);"
	/* Ids are hashes, so that their beginnings tell them apart; whole, they would make most of what a commit writes. */
	"CREATE INDEX entries_operation ON entries(substr(operation, 1, 16)) WHERE operation <> '';"
	"CREATE INDEX entries_legal_entity ON entries(legal_entity) WHERE legal_entity <> '';"
	/* An operation stands under its newest entry, and is found through its entries: an index of its own would be a second tree that
	   grows at random places, of which each commit writes nearly every page. */
	"CREATE TABLE operations(idx INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, principal TEXT NOT "
	"NULL,"
	" resource TEXT NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL, legal_entity TEXT NOT NULL, words TEXT NOT "
	"NULL);"
	/* What is asked for by its kind is rare; what is signed is most of what there is, and pays nothing for this. */
	"CREATE INDEX operations_kind ON operations(kind) WHERE kind <> 'sign';"
	"CREATE INDEX operations_principal ON operations(principal);"
	"CREATE INDEX operations_resource ON operations(resource);"
	"CREATE INDEX operations_state ON operations(state);"
	"CREATE INDEX operations_legal_entity ON operations(legal_entity);"
	"CREATE INDEX operations_legal_entity_state ON operations(legal_entity, state);"
	"CREATE TABLE objects(collection TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL,"
	" idx INTEGER NOT NULL, PRIMARY KEY(collection, id)) WITHOUT ROWID;";
constexpr int VERSION = 9;

struct projection {
	struct database *database;
	struct hash256 identity;
	const struct projection_handler *handlers;
	size_t handler_count;
	struct mark applied;
};

/* --- Opening. --- */

static enum status
remove_file(const struct io *io, const char *path, const char *suffix) {
	char name[PATH_MAX];
	if ((size_t)snprintf(name, sizeof name, "%s%s", path, suffix) >= sizeof name)
		return fail(STATUS_INVALID, "io.path: too long: %s", path);
	enum status status = io_unlink(io, name);
	return status == STATUS_NOT_FOUND ? OK : status;
}

static enum status
open_database(const struct projection_config *config, struct database **database) {
	struct database_config sqlite = {
		.io = config->io, .path = config->path, .kind = DATABASE_STATE, .version = VERSION, .schema = schema};
	enum status status = database_open(&sqlite, database);
	if (status != STATUS_CORRUPT)
		return status;
	log_warning("%s is built anew from the log: %s", config->path, fail_message());
	TRY(remove_file(config->io, config->path, "-wal"));
	TRY(remove_file(config->io, config->path, "-journal"));
	TRY(remove_file(config->io, config->path, ""));
	return database_open(&sqlite, database);
}

static enum status
read_applied(struct projection *projection, bool *is_ours) {
	struct sqlite3_stmt *statement;
	bool row;
	TRY(database_statement(projection->database, "SELECT identity, size, root FROM applied", &statement));
	TRY(database_step(projection->database, statement, &row));
	*is_ours = !row;
	if (!row)
		return OK;
	struct bytes root = database_bytes(statement, 2);
	if (bytes_equal(database_bytes(statement, 0), hash256_bytes(&projection->identity)) &&
	    root.len == sizeof projection->applied.root && database_integer(statement, 1) > 0) {
		projection->applied.size = (uint64_t)database_integer(statement, 1);
		memcpy(projection->applied.root.bytes, root.data, root.len);
		*is_ours = true;
	}
	database_reset(statement);
	return OK;
}

enum status
projection_open(const struct projection_config *config, struct projection **projection) {
	bool is_ours;
	_cleanup_(projection_close) struct projection *opened = calloc(1, sizeof *opened);
	TRY_ALLOC(opened);
	opened->identity = config->identity;
	opened->handlers = config->handlers;
	opened->handler_count = config->handler_count;
	TRY(open_database(config, &opened->database));
	TRY(read_applied(opened, &is_ours));
	if (!is_ours) {
		log_warning("%s is of another log and is built anew", config->path);
		TRY(projection_clear(opened));
	}
	*projection = TAKE(opened);
	return OK;
}

void
projection_close(struct projection **projection) {
	if (*projection == nullptr)
		return;
	struct projection *gone = TAKE(*projection);
	database_close(&gone->database);
	free(gone);
}

struct mark
projection_applied(const struct projection *projection) {
	return projection->applied;
}

enum status
projection_clear(struct projection *projection) {
	TRY(database_begin(projection->database));
	enum status status = database_execute(projection->database,
					      "DELETE FROM applied; DELETE FROM entries; DELETE FROM operations;"
					      "DELETE FROM objects");
	if (status != OK) {
		database_rollback(projection->database);
		return status;
	}
	TRY(database_commit(projection->database));
	projection->applied = (struct mark){};
	return OK;
}

/* --- Applying. --- */

enum status
projection_begin(struct projection *projection) {
	database_rollback(projection->database); /* of a round that failed before its end */
	return database_begin(projection->database);
}

static enum status
insert_entry(struct projection *projection, const struct projection_entry *entry) {
	struct sqlite3_stmt *statement;
	TRY(database_statement(projection->database,
			       "INSERT INTO entries(idx, type, seq, at, operation, legal_entity)"
			       " VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
			       &statement));
	database_bind_integer(statement, 1, (int64_t)entry->index);
	database_bind_text(statement, 2, entry->type);
	database_bind_integer(statement, 3, entry->seq);
	database_bind_integer(statement, 4, entry->at_ms);
	database_bind_text(statement, 5, entry->operation);
	database_bind_text(statement, 6, entry->legal_entity);
	return database_run(projection->database, statement);
}

enum status
projection_apply(struct projection *projection, const struct projection_entry *entry) {
	TRY(insert_entry(projection, entry));
	for (size_t i = 0; i < projection->handler_count; i++)
		if (bytes_equal_text(entry->type, projection->handlers[i].type))
			return projection->handlers[i].apply(projection, entry);
	return OK;
}

enum status
projection_commit(struct projection *projection, const struct mark *mark) {
	struct sqlite3_stmt *statement;
	enum status status = database_statement(
		projection->database, "INSERT OR REPLACE INTO applied(one, identity, size, root) VALUES(1, ?1, ?2, ?3)",
		&statement);
	if (status == OK) {
		database_bind_blob(statement, 1, hash256_bytes(&projection->identity));
		database_bind_integer(statement, 2, (int64_t)mark->size);
		database_bind_blob(statement, 3, hash256_bytes(&mark->root));
		status = database_run(projection->database, statement);
	}
	if (status == OK)
		status = database_commit(projection->database);
	else
		database_rollback(projection->database);
	if (status == OK)
		projection->applied = *mark;
	return status;
}

/* Under which entry before this one the operation stands; NO_ENTRY: under none. */
constexpr int64_t NO_ENTRY = -1;

static enum status
find_operation(struct projection *projection, struct bytes id, int64_t before, int64_t *index) {
	struct sqlite3_stmt *statement;
	bool row;
	TRY(database_statement(projection->database,
			       "SELECT operations.idx FROM entries JOIN operations USING(idx) WHERE operation <> ''"
			       " AND substr(operation, 1, 16) = substr(?1, 1, 16) AND entries.idx < ?2"
			       " AND operations.id = ?1",
			       &statement));
	database_bind_text(statement, 1, id);
	database_bind_integer(statement, 2, before);
	TRY(database_step(projection->database, statement, &row));
	*index = row ? database_integer(statement, 0) : NO_ENTRY;
	if (row)
		database_reset(statement);
	return OK;
}

#define FOLLOWED                                                                                                       \
	" kind = iif(?2 = '', kind, ?2), principal = iif(?3 = '', principal, ?3),"                                     \
	" resource = iif(?4 = '', resource, ?4), state = iif(?5 = '', state, ?5), at = ?6, idx = ?7,"                  \
	" legal_entity = iif(?8 = '', legal_entity, ?8), words = iif(words = '', ?9, words)"

enum status
projection_put_operation(struct projection *projection, const struct projection_operation *operation) {
	struct sqlite3_stmt *statement;
	int64_t former;
	TRY(find_operation(projection, operation->id, (int64_t)operation->index, &former));
	TRY(database_statement(
		projection->database,
		former == NO_ENTRY
			? "INSERT INTO operations(id, kind, principal, resource, state, at, idx, legal_entity, words)"
			  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT(idx) DO UPDATE SET" FOLLOWED
			  " WHERE id = ?1"
			: "UPDATE operations SET" FOLLOWED " WHERE idx = ?10 AND id = ?1",
		&statement));
	database_bind_text(statement, 1, operation->id);
	database_bind_text(statement, 2, operation->kind);
	database_bind_text(statement, 3, operation->principal);
	database_bind_text(statement, 4, operation->resource);
	database_bind_text(statement, 5, operation->state);
	database_bind_integer(statement, 6, operation->at_ms);
	database_bind_integer(statement, 7, (int64_t)operation->index);
	database_bind_text(statement, 8, operation->legal_entity);
	database_bind_text(statement, 9, operation->words);
	if (former != NO_ENTRY)
		database_bind_integer(statement, 10, former);
	return database_run(projection->database, statement);
}

enum status
projection_add_words(struct projection *projection, struct bytes id, struct bytes words) {
	struct sqlite3_stmt *statement;
	int64_t index;
	TRY(find_operation(projection, id, INT64_MAX, &index));
	TRY(database_statement(
		projection->database,
		"UPDATE operations SET words = words || char(10) || ?2 WHERE idx = ?1 AND instr(words, ?2) = 0",
		&statement));
	database_bind_integer(statement, 1, index); /* none has NO_ENTRY */
	database_bind_text(statement, 2, words);
	return database_run(projection->database, statement);
}

enum status
projection_put_object(struct projection *projection, const char *collection, struct bytes id, struct bytes state,
		      struct bytes body, uint64_t index) {
	struct sqlite3_stmt *statement;
	TRY(database_statement(projection->database,
			       "INSERT INTO objects(collection, id, state, body, idx) VALUES(?1, ?2, ?3, ?4, ?5)"
			       " ON CONFLICT(collection, id) DO UPDATE SET state = iif(?3 = '', state, ?3),"
			       " body = iif(?4 = '', body, ?4), idx = ?5",
			       &statement));
	database_bind_text(statement, 1, bytes_of_text(collection));
	database_bind_text(statement, 2, id);
	database_bind_text(statement, 3, state);
	database_bind_text(statement, 4, body);
	database_bind_integer(statement, 5, (int64_t)index);
	return database_run(projection->database, statement);
}

/* --- Comparing. --- */

static enum status
hash_rows(struct projection *projection, const char *sql, int columns, struct sha256_stream *hash) {
	struct sqlite3_stmt *statement;
	bool row;
	TRY(database_statement(projection->database, sql, &statement));
	for (;;) {
		TRY(database_step(projection->database, statement, &row));
		if (!row)
			return OK;
		for (int i = 0; i < columns; i++) {
			struct bytes value = database_bytes(statement, i);
			uint8_t len[8];
			store_u64be(len, value.len);
			sha256_stream_add(hash, BYTES_OF_ARRAY(len));
			sha256_stream_add(hash, value);
		}
	}
}

enum status
projection_fingerprint(struct projection *projection, struct hash256 *fingerprint) {
	static const struct {
		const char *sql;
		int columns;
	} tables[] = {
		{"SELECT identity, size, root FROM applied", 3},
		{"SELECT idx, type, seq, at, operation, legal_entity FROM entries ORDER BY idx", 6},
		{"SELECT id, kind, principal, resource, state, at, idx, legal_entity, words FROM operations ORDER BY "
		 "id",
		 9},
		{"SELECT collection, id, state, body, idx FROM objects ORDER BY collection, id", 5},
	};
	_cleanup_(sha256_stream_destroy) struct sha256_stream *hash = nullptr;
	TRY(sha256_stream_create(&hash));
	for (size_t i = 0; i < ARRAY_LENGTH(tables); i++)
		TRY(hash_rows(projection, tables[i].sql, tables[i].columns, hash));
	*fingerprint = sha256_stream_finish(hash);
	return OK;
}

/* --- Queries. Each filter that has an index of its own has a statement that uses it; the others are compared. --- */

#define OPERATION_COLUMNS                                                                                              \
	"SELECT id, kind, principal, resource, state, at, idx, coalesce((SELECT body FROM objects WHERE"               \
	" collection = '" PROJECTION_REJECTIONS "' AND objects.id = operations.id), '') FROM "
#define OPERATION_ROWS(indexed)                                                                                        \
	"operations WHERE " indexed                                                                                    \
	" AND (?1 = '' OR kind = ?1) AND (?2 = '' OR principal = ?2) AND (?3 = '' OR resource = ?3)"                   \
	" AND (?4 = '' OR state = ?4) AND (?5 = '' OR legal_entity = ?5) AND at >= ?6 AND at <= ?7 AND idx >= ?8"      \
	" AND idx < ?9 ORDER BY idx DESC LIMIT ?10"
#define FOUND(word) "(" word " = '' OR instr(words, " word ") > 0 OR substr(id, 1, length(" word ")) = " word ")"

static const struct {
	const char *list, *search, *reach;
} operation_statements[] = {
#define OPERATION_STATEMENTS(indexed)                                                                                  \
	{                                                                                                              \
		OPERATION_COLUMNS OPERATION_ROWS(indexed),                                                             \
		OPERATION_COLUMNS "(SELECT * FROM " OPERATION_ROWS(indexed) ") AS operations WHERE " FOUND(            \
			"?11") " AND " FOUND("?12") " AND " FOUND("?13") " AND " FOUND("?14") " ORDER BY idx DESC"     \
											      " LIMIT ?15",            \
		"SELECT count(*), min(idx) FROM (SELECT idx FROM " OPERATION_ROWS(indexed) ")",                        \
	}
	OPERATION_STATEMENTS("true"),
	OPERATION_STATEMENTS("principal = ?2"),
	OPERATION_STATEMENTS("resource = ?3"),
	OPERATION_STATEMENTS("state = ?4"),
	OPERATION_STATEMENTS("legal_entity = ?5"),
	OPERATION_STATEMENTS("legal_entity = ?5 AND state = ?4"),
	OPERATION_STATEMENTS("kind = ?1 AND kind <> 'sign'"),
};

/* Which of them: by what leaves the fewest. An auditor of one legal entity asks for it always. */
static size_t
statement_for(const struct projection_operation_filter *filter) {
	if (filter->kind.len > 0 && !bytes_equal_text(filter->kind, "sign"))
		return 6;
	if (filter->principal.len > 0 || filter->resource.len > 0)
		return filter->principal.len > 0 ? 1 : 2;
	if (filter->legal_entity.len > 0)
		return filter->state.len > 0 ? 5 : 4;
	return filter->state.len > 0 ? 3 : 0;
}

static enum status
check_limit(size_t limit) {
	if (limit == 0 || limit > PROJECTION_PAGE_MAX)
		return fail(STATUS_INVALID, "projection.limit: %zu rows, expected 1 to %zu", limit,
			    PROJECTION_PAGE_MAX);
	return OK;
}

struct window {
	int64_t from_ms, to_ms;
	uint64_t before;
	size_t limit;
};

/* Entries stand in the order of their times: the first that is not before the time, of those that were committed; their number where all
 * are before it. Unknown where one of them is not there. */
static enum status
find_time(struct projection *projection, int64_t at_ms, uint64_t unknown, uint64_t *index) {
	struct sqlite3_stmt *statement;
	uint64_t low = 0, high = projection->applied.size;
	TRY(database_statement(projection->database, "SELECT at FROM entries WHERE idx = ?1", &statement));
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		bool row;
		database_bind_integer(statement, 1, (int64_t)middle);
		TRY(database_step(projection->database, statement, &row));
		if (!row) {
			*index = unknown;
			return OK;
		}
		bool is_before = database_integer(statement, 0) < at_ms;
		database_reset(statement);
		low = is_before ? middle + 1 : low;
		high = is_before ? high : middle;
	}
	*index = low;
	return OK;
}

/* Both times, and between which entries they are. */
static enum status
bind_window(struct projection *projection, struct sqlite3_stmt *statement, int parameter, const struct window *window) {
	uint64_t size = projection->applied.size, first = 0, end = size,
		 before = window->before == 0 || window->before > INT64_MAX ? INT64_MAX : window->before;
	if (window->from_ms > 0)
		TRY(find_time(projection, window->from_ms, 0, &first));
	if (window->to_ms > 0 && window->to_ms < INT64_MAX)
		TRY(find_time(projection, window->to_ms + 1, size, &end));
	if (end < size && end < before) /* else what is not committed yet is seen as well */
		before = end;
	database_bind_integer(statement, parameter, window->from_ms);
	database_bind_integer(statement, parameter + 1, window->to_ms == 0 ? INT64_MAX : window->to_ms);
	database_bind_integer(statement, parameter + 2, (int64_t)first);
	database_bind_integer(statement, parameter + 3, (int64_t)before);
	database_bind_integer(statement, parameter + 4, (int64_t)window->limit);
	return OK;
}

static enum status
visit_operations(struct projection *projection, struct sqlite3_stmt *statement,
		 enum status (*visit)(void *context, const struct projection_operation *operation), void *context) {
	bool row;
	for (;;) {
		TRY(database_step(projection->database, statement, &row));
		if (!row)
			return OK;
		struct projection_operation operation = {
			.id = database_bytes(statement, 0),
			.kind = database_bytes(statement, 1),
			.principal = database_bytes(statement, 2),
			.resource = database_bytes(statement, 3),
			.state = database_bytes(statement, 4),
			.at_ms = database_integer(statement, 5),
			.index = (uint64_t)database_integer(statement, 6),
			.rejection = database_bytes(statement, 7),
		};
		enum status status = visit(context, &operation);
		if (status != OK) {
			database_reset(statement);
			return status;
		}
	}
}

/* Counts what is visited, and keeps the last. */
struct counted {
	enum status (*visit)(void *context, const struct projection_operation *operation);
	void *context;
	size_t count;
	uint64_t last;
};

static enum status
count_operation(void *context, const struct projection_operation *operation) {
	struct counted *counted = context;
	counted->count++;
	counted->last = operation->index;
	return counted->visit(counted->context, operation);
}

static enum status
bind_filter(struct projection *projection, const char *sql, const struct projection_operation_filter *filter,
	    size_t limit, struct sqlite3_stmt **statement) {
	TRY(database_statement(projection->database, sql, statement));
	database_bind_text(*statement, 1, filter->kind);
	database_bind_text(*statement, 2, filter->principal);
	database_bind_text(*statement, 3, filter->resource);
	database_bind_text(*statement, 4, filter->state);
	database_bind_text(*statement, 5, filter->legal_entity);
	return bind_window(projection, *statement, 6,
			   &(struct window){filter->from_ms, filter->to_ms, filter->before, limit});
}

/* Where a search stopped looking; 0: it has seen everything. */
static enum status
read_reach(struct projection *projection, const char *sql, const struct projection_operation_filter *filter,
	   uint64_t *next) {
	struct sqlite3_stmt *statement;
	bool row;
	TRY(bind_filter(projection, sql, filter, PROJECTION_SEARCH_ROWS, &statement));
	TRY(database_step(projection->database, statement, &row));
	*next = row && database_integer(statement, 0) == PROJECTION_SEARCH_ROWS
			? (uint64_t)database_integer(statement, 1)
			: 0;
	database_reset(statement);
	return OK;
}

enum status
projection_list_operations(struct projection *projection, const struct projection_operation_filter *filter,
			   enum status (*visit)(void *context, const struct projection_operation *operation),
			   void *context, uint64_t *next) {
	size_t by = statement_for(filter);
	bool is_search = filter->search[0].len > 0;
	struct counted counted = {.visit = visit, .context = context};
	struct sqlite3_stmt *statement;
	TRY(check_limit(filter->limit));
	TRY(bind_filter(projection, is_search ? operation_statements[by].search : operation_statements[by].list, filter,
			is_search ? PROJECTION_SEARCH_ROWS : filter->limit, &statement));
	for (size_t i = 0; is_search && i < PROJECTION_SEARCH_WORDS; i++)
		database_bind_text(statement, 11 + (int)i, filter->search[i]);
	if (is_search)
		database_bind_integer(statement, 11 + (int)PROJECTION_SEARCH_WORDS, (int64_t)filter->limit);
	TRY(visit_operations(projection, statement, count_operation, &counted));
	*next = counted.count == filter->limit ? counted.last : 0;
	return is_search && *next == 0 ? read_reach(projection, operation_statements[by].reach, filter, next) : OK;
}

#define ENTRY_COLUMNS "SELECT idx, type, seq, at, operation FROM entries WHERE "
#define ENTRY_FILTERS                                                                                                  \
	" AND (?1 = '' OR type = ?1) AND (?2 = '' OR operation = ?2) AND (?3 = '' OR legal_entity = ?3)"               \
	" AND at >= ?4 AND at <= ?5 AND idx >= ?6 AND idx < ?7"                                                        \
	" ORDER BY idx DESC LIMIT ?8"

enum status
projection_list_entries(struct projection *projection, const struct projection_entry_filter *filter,
			enum status (*visit)(void *context, const struct projection_row *row), void *context) {
	const char *sql = filter->operation.len > 0 ? ENTRY_COLUMNS
				  "operation <> '' AND substr(operation, 1, 16) = substr(?2, 1, 16)" ENTRY_FILTERS
			  : filter->legal_entity.len > 0 ? ENTRY_COLUMNS
				  "legal_entity <> '' AND legal_entity = ?3" ENTRY_FILTERS
							 : ENTRY_COLUMNS "true" ENTRY_FILTERS;
	struct sqlite3_stmt *statement;
	bool row;
	TRY(check_limit(filter->limit));
	TRY(database_statement(projection->database, sql, &statement));
	database_bind_text(statement, 1, filter->type);
	database_bind_text(statement, 2, filter->operation);
	database_bind_text(statement, 3, filter->legal_entity);
	TRY(bind_window(projection, statement, 4,
			&(struct window){filter->from_ms, filter->to_ms, filter->before, filter->limit}));
	for (;;) {
		TRY(database_step(projection->database, statement, &row));
		if (!row)
			return OK;
		struct projection_row found = {
			.index = (uint64_t)database_integer(statement, 0),
			.type = database_bytes(statement, 1),
			.seq = database_integer(statement, 2),
			.at_ms = database_integer(statement, 3),
			.operation = database_bytes(statement, 4),
		};
		enum status status = visit(context, &found);
		if (status != OK) {
			database_reset(statement);
			return status;
		}
	}
}

enum status
projection_list_objects(struct projection *projection, const char *collection, struct bytes after, size_t limit,
			enum status (*visit)(void *context, struct bytes id, struct bytes state, struct bytes body),
			void *context) {
	struct sqlite3_stmt *statement;
	bool row;
	TRY(check_limit(limit));
	TRY(database_statement(
		projection->database,
		"SELECT id, state, body FROM objects WHERE collection = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
		&statement));
	database_bind_text(statement, 1, bytes_of_text(collection));
	database_bind_text(statement, 2, after);
	database_bind_integer(statement, 3, (int64_t)limit);
	for (;;) {
		TRY(database_step(projection->database, statement, &row));
		if (!row)
			return OK;
		enum status status = visit(context, database_bytes(statement, 0), database_bytes(statement, 1),
					   database_bytes(statement, 2));
		if (status != OK) {
			database_reset(statement);
			return status;
		}
	}
}
