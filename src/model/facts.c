#include "model/facts.h"

#include <stdlib.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

constexpr size_t NAME_MAX_LENGTH = 63; /* what struct json_writer compares keys by */
constexpr size_t NAME_PARTS_MAX = 4;
constexpr size_t USUAL_COUNT = 96; /* room for most operations' facts; what has more is copied once or twice */

static const char *const ORIGIN_NAMES[] = {
	[FACT_VERIFIED] = "verified",
	[FACT_FEED] = "feed",
	[FACT_REPORTED] = "reported",
};

/* Where in a name these stand, one bit a character, the first in the lowest. */
struct name_places {
	uint64_t dots, others; /* others: neither letters, digits, underscores nor dots */
};

static void
note_sixteen(const char *sixteen, size_t at, struct name_places *places) {
#if defined(__SSE2__)
	__m128i here = _mm_loadu_si128((const __m128i *)sixteen);
	__m128i letter = _mm_sub_epi8(_mm_or_si128(here, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
	__m128i digit = _mm_sub_epi8(here, _mm_set1_epi8('0'));
	__m128i dots = _mm_cmpeq_epi8(here, _mm_set1_epi8('.'));
	__m128i fits = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8('z' - 'a')), letter),
				    _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit));
	fits = _mm_or_si128(fits, _mm_or_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8('_')), dots));
	places->dots |= (uint64_t)(uint32_t)_mm_movemask_epi8(dots) << at;
	places->others |= (uint64_t)((uint32_t)_mm_movemask_epi8(fits) ^ 0xffff) << at;
#else
	for (size_t i = 0; i < 16; i++) {
		char c = sixteen[i];
		bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
		places->dots |= (uint64_t)(c == '.') << (at + i);
		places->others |= (uint64_t)(!fits && c != '.') << (at + i);
	}
#endif
}

/* Parts of letters, digits and underscores, joined by dots. All of these characters sort above the dot, so that the order
 * of the dotted names is also the order of the records they become. */
static bool
is_name(const char *name, size_t len) {
	struct name_places places = {};
	char padded[16] = "________________";
	const char *text = name;
	if (len == 0 || len > NAME_MAX_LENGTH)
		return false;
	if (len < sizeof padded)
		text = memcpy(padded, name, len);
	size_t last = len < sizeof padded
			      ? 0
			      : len - sizeof padded; /* where the last sixteen begin, perhaps in part once more */
	for (size_t at = 0; at < last; at += sizeof padded)
		note_sixteen(text + at, at, &places);
	note_sixteen(text + last, last, &places);
	uint64_t dots = places.dots;
	if (places.others != 0 || (dots & 1) != 0 || (dots >> (len - 1) & 1) != 0 || (dots & dots >> 1) != 0)
		return false; /* a part without characters */
	for (size_t parts = 1; parts < NAME_PARTS_MAX; parts++)
		dots &= dots - (dots != 0);
	return dots == 0;
}

void
facts_start(struct facts *facts, struct arena *arena) {
	facts->arena = arena;
	facts->count = facts->capacity = 0;
	facts->last = 0;
	facts->failed = false;
	facts->items = nullptr;
	memset(facts->slots, 0, sizeof facts->slots);
}

/* By eight characters, the last ones perhaps twice, each step as in FNV-1a. The names are our own: nobody outside chooses them. */
static size_t
slot_of(const char *name, size_t len) {
	uint64_t hash = UINT64_C(0xcbf29ce484222325), word = 0;
	size_t at = 0;
	for (; at + sizeof word <= len; at += sizeof word) {
		memcpy(&word, name + at, sizeof word);
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	if (len >= sizeof word)
		memcpy(&word, name + len - sizeof word, sizeof word);
	else
		for (; at < len; at++)
			word = word << 8 | (uint8_t)name[at];
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(hash >> 32) % FACTS_SLOTS;
}

/* The slot that holds the name, or the free one where it belongs. */
static size_t
find_slot(const struct facts *facts, const char *name, size_t len) {
	size_t slot = slot_of(name, len);
	while (facts->slots[slot] != 0 && strcmp(facts->items[facts->slots[slot] - 1].name, name) != 0)
		slot = (slot + 1) % FACTS_SLOTS;
	return slot;
}

const struct fact *
facts_find(const struct facts *facts, const char *name) {
	size_t index = facts->slots[find_slot(facts, name, strlen(name))];
	return index == 0 ? nullptr : &facts->items[index - 1];
}

bool
facts_long_at(const struct facts *facts, const char *path, int64_t *integer) {
	const struct fact *fact = facts_find(facts, path);
	if (fact != nullptr) {
		*integer = fact->value.integer;
		return fact->value.type == VALUE_LONG;
	}
	const char *dot = strrchr(path, '.');
	char parent[NAME_MAX_LENGTH + 1];
	if (dot == nullptr || (size_t)(dot - path) >= sizeof parent)
		return false;
	memcpy(parent, path, (size_t)(dot - path));
	parent[dot - path] = '\0';
	fact = facts_find(facts, parent);
	if (fact == nullptr || fact->value.type != VALUE_RECORD)
		return false;
	for (size_t i = 0; i < fact->value.record.count; i++) {
		const struct value_field *field = &fact->value.record.fields[i];
		if (!bytes_equal_text(field->name, dot + 1))
			continue;
		*integer = field->value.integer;
		return field->value.type == VALUE_LONG;
	}
	return false;
}

static bool
stands_before(const struct facts *facts, size_t place, const char *name) {
	return strcmp(facts->items[facts->order[place]].name, name) < 0;
}

/* A guard states its facts nearly in order, one behind the other: so the search begins behind the last, and with what follows it. */
static void
put_in_order(struct facts *facts, size_t item) {
	const char *name = facts->items[item].name;
	size_t low = 0, high = item;
	if (item > 0 && stands_before(facts, facts->last, name)) {
		low = facts->last + 1;
		high = low == item || !stands_before(facts, low, name) ? low : item;
	} else if (item > 0)
		high = facts->last;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (stands_before(facts, middle, name))
			low = middle + 1;
		else
			high = middle;
	}
	memmove(facts->order + low + 1, facts->order + low, item - low);
	facts->order[low] = (uint8_t)item;
	facts->last = (uint8_t)low;
}

/* Room for one more. What facts_find() gave stays as it is where the items move. */
static bool
make_room(struct facts *facts) {
	if (facts->count < facts->capacity)
		return true;
	size_t capacity = facts->capacity == 0 ? USUAL_COUNT : 2 * facts->capacity;
	capacity = capacity < FACTS_MAX ? capacity : FACTS_MAX;
	if (facts->count == capacity)
		return false;
	struct fact *items = ARENA_NEW_ARRAY(facts->arena, capacity, struct fact);
	if (items == nullptr)
		return false;
	if (facts->count > 0)
		memcpy(items, facts->items, facts->count * sizeof *items);
	facts->items = items;
	facts->capacity = capacity;
	return true;
}

void
facts_add(struct facts *facts, const char *name, enum fact_origin origin, struct value value) {
	size_t len = strlen(name), slot = find_slot(facts, name, len);
	if (!is_name(name, len) || facts->slots[slot] != 0 || !make_room(facts)) {
		facts->failed = true;
		return;
	}
	facts->slots[slot] = (uint8_t)(facts->count + 1);
	facts->items[facts->count] = (struct fact){name, origin, value};
	put_in_order(facts, facts->count++);
}

void
facts_add_boolean(struct facts *facts, const char *name, enum fact_origin origin, bool boolean) {
	facts_add(facts, name, origin, value_boolean(boolean));
}

void
facts_add_long(struct facts *facts, const char *name, enum fact_origin origin, int64_t integer) {
	if (integer >= -JSON_INTEGER_MAX && integer <= JSON_INTEGER_MAX) {
		facts_add(facts, name, origin, value_long(integer));
		return;
	}
	const char *fits = arena_format(facts->arena, "%s_fits", name);
	if (fits == nullptr)
		facts->failed = true;
	else
		facts_add_boolean(facts, fits, origin, false);
}

void
facts_add_string(struct facts *facts, const char *name, enum fact_origin origin, struct bytes string) {
	struct bytes copy = arena_copy(facts->arena, string);
	if (copy.data == nullptr)
		facts->failed = true;
	else
		facts_add(facts, name, origin, value_string(copy));
}

void
facts_add_amount(struct facts *facts, const char *name, enum fact_origin origin, const struct amount *amount) {
	char text[AMOUNT_TEXT_SIZE];
	amount_format(amount, text);
	facts_add_string(facts, name, origin, bytes_of_text(text));
}

static int
compare_strings(const void *a, const void *b) {
	return bytes_compare(((const struct value *)a)->string, ((const struct value *)b)->string);
}

void
facts_add_set_of_strings(struct facts *facts, const char *name, enum fact_origin origin, const struct bytes *strings,
			 size_t count) {
	struct value *items = ARENA_NEW_ARRAY(facts->arena, count, struct value);
	if (items == nullptr) {
		facts->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct bytes copy = arena_copy(facts->arena, strings[i]);
		if (copy.data == nullptr) {
			facts->failed = true;
			return;
		}
		items[i] = value_string(copy);
	}
	if (count > 1)
		qsort(items, count, sizeof *items, compare_strings);
	size_t distinct = 0;
	for (size_t i = 0; i < count; i++)
		if (distinct == 0 || !bytes_equal(items[distinct - 1].string, items[i].string))
			items[distinct++] = items[i];
	facts_add(facts, name, origin, (struct value){.type = VALUE_SET, .set = {items, distinct, true}});
}

enum status
facts_status(const struct facts *facts) {
	if (facts->failed)
		return fail(STATUS_INTERNAL,
			    "facts.incomplete: out of memory or room, or a name malformed or given twice");
	return OK;
}

static const struct fact *
fact_in_order(const struct facts *facts, size_t place) {
	return &facts->items[facts->order[place]];
}

/* Of its name the part that begins at offset. */
static struct bytes
part_of(const struct fact *fact, size_t offset) {
	const char *part = fact->name + offset;
	size_t length = 0;
	while (part[length] != '.' && part[length] != '\0')
		length++;
	return bytes_of(part, length);
}

/* Whether the fact's name continues at offset with this part. The names agree before it, so offset is inside of both. */
static bool
has_part(const struct fact *fact, size_t offset, struct bytes part) {
	const char *name = fact->name + offset;
	return strncmp(name, (const char *)part.data, part.len) == 0 &&
	       (name[part.len] == '.' || name[part.len] == '\0');
}

/* The record, of at most room fields, of the facts at places first to end − 1, whose names agree up to offset; recursion ends with the
 * parts of a name (NAME_PARTS_MAX). */
static enum status
build_record(const struct facts *facts, size_t first, size_t end, size_t offset, size_t room, struct value *record) {
	struct value_field *fields = ARENA_NEW_ARRAY(facts->arena, room, struct value_field);
	size_t groups = 0;
	TRY_ALLOC(fields);
	for (size_t i = first; i < end;) {
		const struct fact *fact = fact_in_order(facts, i);
		struct value_field *field = &fields[groups++];
		field->name = part_of(fact, offset);
		size_t after = i + 1, name_end = offset + field->name.len;
		while (after < end && has_part(fact_in_order(facts, after), offset, field->name))
			after++;
		if (fact->name[name_end] != '\0')
			TRY(build_record(facts, i, after, name_end + 1, after - i, &field->value));
		else if (after == i + 1)
			field->value = fact->value;
		else
			return fail(STATUS_INTERNAL, "facts.nested: \"%s\" is both a fact and a part of \"%s\"",
				    fact->name, fact_in_order(facts, i + 1)->name);
		i = after;
	}
	*record = (struct value){.type = VALUE_RECORD, .record = {fields, groups}};
	return OK;
}

enum status
facts_context(const struct facts *facts, struct value *context) {
	size_t records = 0; /* some ten, where there are some sixty facts */
	struct bytes part;
	TRY(facts_status(facts));
	for (size_t i = 0; i < facts->count; i++) {
		const struct fact *fact = fact_in_order(facts, i);
		if (i > 0 && has_part(fact, 0, part))
			continue;
		part = part_of(fact, 0);
		records++;
	}
	return build_record(facts, 0, facts->count, 0, records, context);
}

/* In the order of their names, which is the order of the members. */
static const enum fact_origin ORIGINS_BY_NAME[] = {FACT_FEED, FACT_REPORTED, FACT_VERIFIED};

static bool
any_of_origin(const struct facts *facts, enum fact_origin origin) {
	for (size_t i = 0; i < facts->count; i++)
		if (facts->items[i].origin == origin)
			return true;
	return false;
}

void
facts_write(struct json_writer *writer, const struct facts *facts) {
	json_write_object(writer);
	for (size_t origin = 0; origin < ARRAY_LENGTH(ORIGINS_BY_NAME); origin++) {
		if (!any_of_origin(facts, ORIGINS_BY_NAME[origin]))
			continue;
		json_write_key(writer, ORIGIN_NAMES[ORIGINS_BY_NAME[origin]]);
		json_write_object(writer);
		for (size_t i = 0; i < facts->count; i++) {
			const struct fact *fact = fact_in_order(facts, i);
			if (fact->origin != ORIGINS_BY_NAME[origin])
				continue;
			json_write_key(writer, fact->name);
			value_write(writer, &fact->value);
		}
		json_write_end(writer);
	}
	json_write_end(writer);
	if (facts->failed)
		writer->failed = true;
}

void
facts_write_by_name(struct json_writer *writer, const struct facts *facts) {
	json_write_object(writer);
	for (size_t i = 0; i < facts->count; i++) {
		const struct fact *fact = fact_in_order(facts, i);
		json_write_key(writer, fact->name);
		json_write_object(writer);
		json_write_member_text(writer, "origin", fact_origin_name(fact->origin));
		json_write_key(writer, "value");
		value_write(writer, &fact->value);
		json_write_end(writer);
	}
	json_write_end(writer);
	if (facts->failed)
		writer->failed = true;
}

static enum status
read_origin(struct bytes text, enum fact_origin *origin) {
	for (size_t i = 0; i < ARRAY_LENGTH(ORIGIN_NAMES); i++)
		if (bytes_equal_text(text, ORIGIN_NAMES[i])) {
			*origin = (enum fact_origin)i;
			return OK;
		}
	return fail(STATUS_INVALID, "facts.origin: expected verified, feed or reported, found \"%.*s\"",
		    (int)(text.len > 40 ? 40 : text.len), (const char *)text.data);
}

static enum status
read_fact(struct facts *facts, struct bytes name, enum fact_origin origin, const json *encoded) {
	struct fact fact = {.name = arena_text(facts->arena, name), .origin = origin};
	TRY_ALLOC(fact.name);
	if (!is_name((const char *)name.data, name.len))
		return fail(STATUS_INVALID,
			    "facts.name: expected parts of letters, digits and _ joined by dots, found \"%.*s\"",
			    (int)(name.len > 80 ? 80 : name.len), (const char *)name.data);
	TRY(value_read(facts->arena, encoded, &fact.value));
	facts_add(facts, fact.name, fact.origin, fact.value);
	return OK;
}

static enum status
read_facts_of_origin(struct facts *facts, enum fact_origin origin, const json *group) {
	if (json_type_of(group) != JSON_OBJECT)
		return fail(STATUS_INVALID, "facts.group: expected object, found %s",
			    json_type_name(json_type_of(group)));
	if (json_size(group) > FACTS_MAX - facts->count)
		return fail(STATUS_TOO_LARGE, "facts.count: more than %zu facts", FACTS_MAX);
	struct json_iterator iterator = json_iterate(group);
	struct bytes name;
	for (const json *member; (member = json_next(&iterator, &name)) != nullptr;)
		TRY(read_fact(facts, name, origin, member));
	return OK;
}

enum status
facts_read(struct facts *facts, const json *encoded) {
	if (json_type_of(encoded) != JSON_OBJECT)
		return fail(STATUS_INVALID, "facts: expected object, found %s", json_type_name(json_type_of(encoded)));
	struct json_iterator iterator = json_iterate(encoded);
	struct bytes name;
	for (const json *group; (group = json_next(&iterator, &name)) != nullptr;) {
		enum fact_origin origin;
		TRY(read_origin(name, &origin));
		TRY(read_facts_of_origin(facts, origin, group));
	}
	return facts_status(facts);
}

const char *
fact_origin_name(enum fact_origin origin) {
	return ORIGIN_NAMES[origin];
}
