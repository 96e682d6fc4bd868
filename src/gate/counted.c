#include "gate/counted.h"

#include <stdckdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cursor.h"

constexpr size_t TELLING_SIZE = 34; /* operation, party, number */

struct counted_spend {
	struct spend spend;
	uint8_t party;  /* that told it */
	uint8_t number; /* of those that it told of this operation: there is one of each below */
	bool is_kept;
	bool is_handed_on; /* no more than is kept of it already: it takes none of the party's room */
	struct counted_spend *next, **referrer; /* of the same identity; what points here */
	struct arena arena;
};

/* Of one identity, whoever told them. */
struct tellings {
	struct counted_spend *first;
};

constexpr size_t UNIT = alignof(max_align_t); /* whose multiples an arena hands out */

static size_t
in_units(size_t size) {
	return (size + UNIT - 1) / UNIT * UNIT;
}

/* What copy_spend() asks for: one block of just this size holds it. */
static size_t
bytes_of_parts(const struct spend *spend) {
	size_t size = in_units((spend->part_count + 1) * sizeof spend->parts[0]);
	for (size_t i = 0; i < spend->part_count; i++)
		size += in_units(spend->parts[i].subject.len + 1);
	return size;
}

/* What it takes in memory, with its names and places in the maps, and what the allocator adds to five pieces. */
static size_t
bytes_of_spend(const struct spend *spend) {
	return sizeof(struct counted_spend) + bytes_of_parts(spend) + 416;
}

static void
spend_destroy(struct counted_spend *gone) {
	arena_free(&gone->arena);
	free(gone);
}

void
counted_free(struct counted_spends *counted) {
	size_t at = 0;
	void *value;
	while (map_next(&counted->by_telling, &at, nullptr, &value))
		spend_destroy(value);
	map_free(&counted->by_telling);
	at = 0;
	while (map_next(&counted->by_identity, &at, nullptr, &value))
		free(value);
	map_free(&counted->by_identity);
}

/* of_party says also whether there is anything of that party. */
static void
count(struct counted_spends *counted, const struct counted_spend *spend, int by) {
	size_t bytes = bytes_of_spend(&spend->spend);
	if (spend->is_handed_on)
		counted->handed_on_by_party[spend->party] += (size_t)by;
	else {
		counted->of_party[spend->party] += (size_t)by;
		counted->bytes_of_party[spend->party] += by > 0 ? bytes : -bytes;
	}
}

static bool
has_told(const struct counted_spends *counted, uint8_t party) {
	return counted->of_party[party] + counted->handed_on_by_party[party] > 0;
}

static struct bytes
telling_of(const uint8_t operation[32], uint8_t party, uint8_t number, uint8_t telling[static TELLING_SIZE]) {
	memcpy(telling, operation, 32);
	telling[32] = party;
	telling[33] = number;
	return bytes_of(telling, TELLING_SIZE);
}

static struct counted_spend *
told(const struct counted_spends *counted, const uint8_t operation[32], uint8_t party, uint8_t number) {
	uint8_t telling[TELLING_SIZE];
	return map_get(&counted->by_telling, telling_of(operation, party, number, telling));
}

static enum status
copy_spend(const struct spend *from, struct counted_spend *to) {
	struct limit_part *parts = ARENA_NEW_ARRAY(&to->arena, from->part_count + 1, struct limit_part);
	TRY_ALLOC(parts);
	to->spend = *from;
	to->spend.parts = parts;
	for (size_t i = 0; i < from->part_count; i++) {
		parts[i] = from->parts[i];
		parts[i].subject = arena_copy(&to->arena, parts[i].subject);
		TRY_ALLOC(parts[i].subject.data);
	}
	return OK;
}

static enum status
link_identity(struct counted_spends *counted, struct counted_spend *spend) {
	struct bytes identity = BYTES_OF_ARRAY(spend->spend.identity);
	struct tellings *tellings = map_get(&counted->by_identity, identity);
	if (tellings == nullptr) {
		tellings = calloc(1, sizeof *tellings);
		TRY_ALLOC(tellings);
		enum status status = map_put(&counted->by_identity, identity, tellings, nullptr);
		if (status != OK) {
			free(tellings);
			return status;
		}
	}
	spend->next = tellings->first;
	if (spend->next != nullptr)
		spend->next->referrer = &spend->next;
	spend->referrer = &tellings->first;
	tellings->first = spend;
	return OK;
}

static void
unlink_identity(struct counted_spends *counted, const struct counted_spend *gone) {
	struct bytes identity = BYTES_OF_ARRAY(gone->spend.identity);
	struct tellings *tellings = map_get(&counted->by_identity, identity);
	*gone->referrer = gone->next;
	if (gone->next != nullptr)
		gone->next->referrer = gone->referrer;
	if (tellings->first == nullptr)
		free(map_remove(&counted->by_identity, identity));
}

static enum status
insert(struct counted_spends *counted, uint8_t party, uint8_t number, const struct spend *spend,
       struct counted_spend **made) {
	uint8_t telling[TELLING_SIZE];
	*made = calloc(1, sizeof **made);
	TRY_ALLOC(*made);
	(*made)->arena.block_size = bytes_of_parts(spend);
	(*made)->party = party;
	(*made)->number = number;
	enum status status = copy_spend(spend, *made);
	if (status == OK)
		status = map_put(&counted->by_telling, telling_of(spend->operation, party, number, telling), *made,
				 nullptr);
	if (status == OK && link_identity(counted, *made) == OK)
		return OK;
	if (status == OK)
		map_remove(&counted->by_telling, telling_of(spend->operation, party, number, telling));
	spend_destroy(*made);
	return STATUS_NO_MEMORY;
}

/* Honest ones hand it on as they have it, part by part in one order. */
static bool
has_part(const struct spend *kept, size_t i, const struct limit_part *part) {
	return i < kept->part_count && kept->parts[i].dimension == part->dimension &&
	       kept->parts[i].cents >= part->cents && bytes_equal(kept->parts[i].subject, part->subject);
}

static bool
is_within(const struct spend *spend, const struct spend *kept) {
	if (memcmp(spend->identity, kept->identity, sizeof spend->identity) != 0)
		return false;
	for (size_t i = 0; i < spend->part_count; i++)
		if (!has_part(kept, i, &spend->parts[i]))
			return false;
	return true;
}

/* Whoever tells as it leaves an epoch hands on what it keeps, which is kept here as well where both heard it: else a keeper that lies
 * would fill the room of all who are honest by filling its own. */
static bool
is_kept_of_another(const struct counted_spends *counted, uint8_t party, const struct spend *spend) {
	const struct counted_spend *known;
	for (uint8_t other = 1; other <= COUNTED_PARTIES_MAX; other++)
		for (uint8_t number = 0;
		     other != party && has_told(counted, other) && number < COUNTED_IDENTITIES_MAX &&
		     (known = told(counted, spend->operation, other, number)) != nullptr;
		     number++)
			if (known->is_kept && is_within(spend, &known->spend))
				return true;
	return false;
}

static bool
has_room(const struct counted_spends *counted, uint8_t party, const struct spend *spend, size_t max) {
	return max == SIZE_MAX || (counted->of_party[party] < max &&
				   counted->bytes_of_party[party] + bytes_of_spend(spend) <= COUNTED_BYTES_MAX);
}

/* What was told stays as it was told first. Who hands on what others have told may do so of one operation with several identities. */
static enum status
add(struct counted_spends *counted, uint8_t party, const struct spend *spend, size_t max,
    struct counted_spend **known) {
	for (uint8_t number = 0; number < COUNTED_IDENTITIES_MAX; number++) {
		*known = told(counted, spend->operation, party, number);
		if (*known != nullptr && memcmp((*known)->spend.identity, spend->identity, sizeof spend->identity) == 0)
			return OK;
		if (*known != nullptr)
			continue;
		bool is_handed_on = is_kept_of_another(counted, party, spend);
		if (!is_handed_on && !has_room(counted, party, spend, max))
			return fail(STATUS_TOO_LARGE,
				    "counted.full: it counts more than %zu operations, or %zu bytes, that are not "
				    "known here",
				    max, COUNTED_BYTES_MAX);
		TRY(insert(counted, party, number, spend, known));
		(*known)->is_handed_on = is_handed_on;
		count(counted, *known, 1);
		return OK;
	}
	return fail(STATUS_TOO_LARGE, "counted.full: it counts one operation with more than %u identities",
		    COUNTED_IDENTITIES_MAX);
}

enum status
counted_add(struct counted_spends *counted, uint8_t party, const struct spend *spend) {
	struct counted_spend *known;
	return add(counted, party, spend, COUNTED_OPERATIONS_MAX, &known);
}

enum status
counted_keep(struct counted_spends *counted, uint8_t party, const struct spend *spend) {
	struct counted_spend *known;
	TRY(add(counted, party, spend, SIZE_MAX, &known));
	known->is_kept = true;
	return OK;
}

/* Those behind it move up, under names that are there: whoever looks for one stops at the first that is not. */
static void
drop(struct counted_spends *counted, struct counted_spend *gone) {
	const uint8_t *operation = gone->spend.operation;
	uint8_t telling[TELLING_SIZE], last = gone->number;
	while (told(counted, operation, gone->party, last + 1) != nullptr)
		last++;
	struct counted_spend *moved =
		map_remove(&counted->by_telling, telling_of(operation, gone->party, last, telling));
	for (uint8_t number = last; number-- > gone->number;) {
		void *former = nullptr;
		moved->number = number;
		IGNORE_STATUS(map_put(&counted->by_telling, telling_of(operation, gone->party, number, telling), moved,
				      &former));
		moved = former;
	}
	count(counted, gone, -1);
	unlink_identity(counted, gone);
	spend_destroy(gone);
}

void
counted_withdraw(struct counted_spends *counted, uint8_t party, const uint8_t operation[32]) {
	struct counted_spend *known;
	for (uint8_t number = 0; (known = told(counted, operation, party, number)) != nullptr;)
		if (known->is_kept)
			number++;
		else
			drop(counted, known);
}

void
counted_forget(struct counted_spends *counted, const uint8_t operation[32]) {
	for (uint8_t party = 1; party <= COUNTED_PARTIES_MAX; party++)
		if (has_told(counted, party))
			counted_withdraw(counted, party, operation);
}

/* Those until then; of a party (0: of any) what is not kept. Without memory they stay, and count. */
static void
sweep(struct counted_spends *counted, uint8_t party, int64_t until_ms) {
	size_t at = 0, count = 0;
	void *value;
	if (counted->by_telling.count == 0)
		return;
	struct counted_spend **gone = calloc(counted->by_telling.count, sizeof(struct counted_spend *));
	while (gone != nullptr && map_next(&counted->by_telling, &at, nullptr, &value)) {
		struct counted_spend *spend = value;
		if ((party == 0 || (spend->party == party && !spend->is_kept)) && spend->spend.at_ms <= until_ms)
			gone[count++] = spend;
	}
	while (count > 0)
		drop(counted, gone[--count]);
	free(gone);
}

void
counted_forget_party(struct counted_spends *counted, uint8_t party) {
	if (has_told(counted, party))
		sweep(counted, party, INT64_MAX);
}

void
counted_expire(struct counted_spends *counted, int64_t now_ms) {
	sweep(counted, 0, now_ms - limit_window_ms[LIMIT_WEEK]);
}

/* --- Sums. --- */

static int64_t
cents_of(const struct spend *spend, enum limit_dimension dimension, struct bytes subject) {
	int64_t cents = 0;
	for (size_t i = 0; i < spend->part_count; i++)
		if (spend->parts[i].dimension == dimension && bytes_equal(spend->parts[i].subject, subject) &&
		    __builtin_add_overflow(cents, spend->parts[i].cents, &cents))
			cents = INT64_MAX;
	return cents;
}

/* What the spends of one identity count in each window: the greatest of them that own does not hold. */
static void
greatest_of(const struct counted_spend *first, const struct limits *own, const struct limit_part *part, int64_t at_ms,
	    int64_t greatest[LIMIT_WINDOWS]) {
	for (const struct counted_spend *told = first; told != nullptr; told = told->next) {
		int64_t cents = cents_of(&told->spend, part->dimension, part->subject);
		if (cents <= greatest[LIMIT_HOUR] || told->spend.at_ms <= at_ms - limit_window_ms[LIMIT_WEEK] ||
		    limits_holds(own, told->spend.operation))
			continue;
		for (int window = 0; window < LIMIT_WINDOWS; window++)
			if (told->spend.at_ms > at_ms - limit_window_ms[window] && cents > greatest[window])
				greatest[window] = cents;
	}
}

void
counted_sums(const struct counted_spends *counted, const struct limits *own, const struct spend *asked, int64_t at_ms,
	     int64_t (*sums)[LIMIT_WINDOWS]) {
	struct bytes identity;
	size_t at = 0;
	void *value;
	memset(sums, 0, asked->part_count * sizeof *sums);
	while (map_next(&counted->by_identity, &at, &identity, &value)) {
		const struct tellings *tellings = value;
		if (bytes_equal(identity, BYTES_OF_ARRAY(asked->identity)))
			continue;
		for (size_t i = 0; i < asked->part_count; i++) {
			int64_t greatest[LIMIT_WINDOWS] = {};
			greatest_of(tellings->first, own, &asked->parts[i], at_ms, greatest);
			for (int window = 0; window < LIMIT_WINDOWS; window++)
				if (ckd_add(&sums[i][window], sums[i][window], greatest[window]))
					sums[i][window] = INT64_MAX;
		}
	}
}

/* --- Of one key. --- */

static bool
is_of_key(const struct spend *spend, struct bytes key) {
	for (size_t i = 0; i < spend->part_count; i++)
		if (spend->parts[i].dimension == LIMIT_KEY && bytes_equal(spend->parts[i].subject, key))
			return true;
	return false;
}

enum status
counted_visit(const struct counted_spends *counted, uint8_t party, struct bytes key, counted_visitor *visit,
	      void *context) {
	_cleanup_(map_free) struct map found = {};
	struct bytes telling, *tellings;
	enum status status = OK;
	size_t at = 0;
	void *value;
	while (map_next(&counted->by_telling, &at, &telling, &value)) {
		const struct counted_spend *told = value;
		if (told->party == party && is_of_key(&told->spend, key))
			TRY(map_put(&found, telling, value, nullptr));
	}
	if (found.count == 0)
		return OK;
	TRY(map_sorted_keys(&found, &tellings));
	for (size_t i = 0; status == OK && i < found.count; i++)
		status = visit(context, &((const struct counted_spend *)map_get(&found, tellings[i]))->spend);
	free(tellings);
	return status;
}

static void
merge_part(struct limit_part *parts, size_t *count, size_t likely, const struct limit_part *part) {
	size_t at = likely < *count && parts[likely].dimension == part->dimension &&
				    bytes_equal(parts[likely].subject, part->subject)
			    ? likely
			    : 0;
	while (at < *count &&
	       (parts[at].dimension != part->dimension || !bytes_equal(parts[at].subject, part->subject)))
		at++;
	if (at == *count)
		parts[(*count)++] = *part;
	else if (parts[at].cents < part->cents)
		parts[at].cents = part->cents;
}

static enum status
merge(struct arena *arena, struct map *merged, const struct spend *spend) {
	uint8_t name[64];
	memcpy(name, spend->operation, 32);
	memcpy(name + 32, spend->identity, 32);
	struct spend *into = map_get(merged, BYTES_OF_ARRAY(name));
	if (into == nullptr) {
		into = ARENA_NEW(arena, struct spend);
		TRY_ALLOC(into);
		*into = *spend;
		return map_put(merged, BYTES_OF_ARRAY(name), into, nullptr);
	}
	into->at_ms = into->at_ms > spend->at_ms ? into->at_ms : spend->at_ms;
	struct limit_part *parts = ARENA_NEW_ARRAY(arena, into->part_count + spend->part_count, struct limit_part);
	TRY_ALLOC(parts);
	memcpy(parts, into->parts, into->part_count * sizeof *parts);
	into->parts = parts;
	for (size_t i = 0; i < spend->part_count; i++)
		merge_part(parts, &into->part_count, i, &spend->parts[i]);
	return OK;
}

static enum status
visit_merged(const struct map *merged, counted_visitor *visit, void *context) {
	struct bytes *names;
	enum status status = OK;
	if (merged->count == 0)
		return OK;
	TRY(map_sorted_keys(merged, &names));
	for (size_t i = 0; status == OK && i < merged->count; i++)
		status = visit(context, map_get(merged, names[i]));
	free(names);
	return status;
}

enum status
counted_visit_kept(const struct counted_spends *counted, const struct limits *own, struct bytes key,
		   counted_visitor *visit, void *context) {
	_cleanup_(map_free) struct map merged = {};
	_cleanup_(arena_free) struct arena arena = {};
	size_t at = 0;
	void *value;
	while (map_next(&counted->by_telling, &at, nullptr, &value)) {
		const struct counted_spend *spend = value;
		if (spend->is_kept && is_of_key(&spend->spend, key) && !limits_holds(own, spend->spend.operation))
			TRY(merge(&arena, &merged, &spend->spend));
	}
	return visit_merged(&merged, visit, context);
}

/* --- Snapshots: of each that is kept party, operation, identity, time, and its parts: dimension, subject, cents. --- */

static const char FIELD[] = "counted.snapshot";
constexpr size_t SUBJECT_MAX = 4096;
constexpr uint32_t PARTS_MAX = 4096;

static void
write_spend(const struct counted_spend *told, struct buffer *to) {
	const struct spend *spend = &told->spend;
	buffer_append_byte(to, told->party);
	buffer_append(to, spend->operation, sizeof spend->operation);
	buffer_append(to, spend->identity, sizeof spend->identity);
	buffer_append_u64be(to, (uint64_t)spend->at_ms);
	buffer_append_u32be(to, (uint32_t)spend->part_count);
	for (size_t i = 0; i < spend->part_count; i++) {
		buffer_append_byte(to, (uint8_t)spend->parts[i].dimension);
		buffer_append_prefixed(to, spend->parts[i].subject);
		buffer_append_u64be(to, (uint64_t)spend->parts[i].cents);
	}
}

enum status
counted_snapshot_write(const struct counted_spends *counted, struct buffer *to) {
	struct bytes *tellings;
	if (counted->by_telling.count == 0)
		return OK;
	TRY(map_sorted_keys(&counted->by_telling, &tellings));
	for (size_t i = 0; i < counted->by_telling.count; i++) {
		const struct counted_spend *spend = map_get(&counted->by_telling, tellings[i]);
		if (spend->is_kept)
			write_spend(spend, to);
	}
	free(tellings);
	return buffer_status(to);
}

static enum status
read_part(struct cursor *cursor, struct limit_part *part) {
	uint8_t dimension;
	uint64_t cents;
	TRY(cursor_u8(cursor, FIELD, &dimension));
	TRY(cursor_prefixed(cursor, FIELD, SUBJECT_MAX, &part->subject));
	TRY(cursor_u64be(cursor, FIELD, &cents));
	if (dimension >= LIMIT_DIMENSIONS || cents > INT64_MAX)
		return fail(STATUS_INVALID, "%s: no part of a spend", FIELD);
	part->dimension = (enum limit_dimension)dimension;
	part->cents = (int64_t)cents;
	return OK;
}

static enum status
read_spend(struct cursor *cursor, struct arena *arena, uint8_t *party, struct spend *spend) {
	uint64_t at_ms;
	uint32_t count;
	TRY(cursor_u8(cursor, FIELD, party));
	TRY(cursor_copy(cursor, FIELD, spend->operation, sizeof spend->operation));
	TRY(cursor_copy(cursor, FIELD, spend->identity, sizeof spend->identity));
	TRY(cursor_u64be(cursor, FIELD, &at_ms));
	TRY(cursor_u32be(cursor, FIELD, &count));
	if (*party == 0 || *party > COUNTED_PARTIES_MAX || at_ms > INT64_MAX || count == 0 || count > PARTS_MAX)
		return fail(STATUS_INVALID, "%s: no spend that a peer told", FIELD);
	struct limit_part *parts = ARENA_NEW_ARRAY(arena, count, struct limit_part);
	TRY_ALLOC(parts);
	for (size_t i = 0; i < count; i++)
		TRY(read_part(cursor, &parts[i]));
	spend->at_ms = (int64_t)at_ms;
	spend->parts = parts;
	spend->part_count = count;
	return OK;
}

enum status
counted_snapshot_read(struct counted_spends *counted, struct bytes snapshot) {
	_cleanup_(arena_free) struct arena arena = {};
	struct cursor cursor = cursor_of(snapshot);
	while (cursor.left > 0) {
		struct spend spend = {};
		uint8_t party;
		arena_reset(&arena);
		TRY(read_spend(&cursor, &arena, &party, &spend));
		TRY(counted_keep(counted, party, &spend));
	}
	return OK;
}
