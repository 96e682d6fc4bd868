#include "policy/prove/like.h"

#include "base/map.h"

constexpr size_t POSITIONS_MAX = 191; /* of one pattern: characters and wildcards */
constexpr size_t WISHES_MAX = 12;
constexpr size_t ALPHABET_MAX = 256;
constexpr size_t VISITS_MAX = 20'000;
constexpr uint32_t WILDCARD = UINT32_MAX;

/* A pattern as positions: what stands there is read, or is a wildcard, which reads anything and nothing. */
struct line {
	uint32_t symbols[POSITIONS_MAX];
	size_t count;
};

struct places { /* in which of its positions a pattern can be */
	uint64_t bits[(POSITIONS_MAX + 1 + 63) / 64];
};

struct state {
	struct places places[WISHES_MAX];
};

struct visit { /* one string on the way: its last character and the visit before */
	struct state state;
	uint32_t character;
	uint32_t before;
};

struct search {
	struct arena *arena;
	const struct like_wish *wishes;
	size_t count;
	struct line *lines;
	uint32_t alphabet[ALPHABET_MAX];
	size_t alphabet_count;
	struct visit *visits;
	size_t visit_count;
	struct map seen; /* a state's visits, as a pointer */
};

static uint32_t
decode(const uint8_t *text, size_t length) {
	uint32_t character = length == 1 ? text[0] : text[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++)
		character = character << 6 | (text[i] & 0x3f);
	return character;
}

static size_t
encode(uint32_t character, uint8_t *text) {
	if (character < 0x80) {
		text[0] = (uint8_t)character;
		return 1;
	}
	size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
	for (size_t i = length - 1; i > 0; i--, character >>= 6)
		text[i] = (uint8_t)(0x80 | (character & 0x3f));
	text[0] = (uint8_t)((0xf00u >> length) | character);
	return length;
}

static bool
add_character(struct search *search, uint32_t character) {
	for (size_t i = 0; i < search->alphabet_count; i++)
		if (search->alphabet[i] == character)
			return true;
	if (search->alphabet_count == ALPHABET_MAX)
		return false;
	search->alphabet[search->alphabet_count++] = character;
	return true;
}

static bool
add_position(struct line *line, uint32_t symbol) {
	if (line->count == POSITIONS_MAX)
		return false;
	line->symbols[line->count++] = symbol;
	return true;
}

static enum status
lay_out(struct search *search, size_t number) {
	const struct like_wish *wish = &search->wishes[number];
	struct line *line = &search->lines[number];
	bool fits = true;
	for (size_t i = 0; i < wish->part_count; i++) {
		struct bytes part = wish->parts[i];
		for (size_t at = 0, length; at < part.len; at += length) {
			length = utf8_length(part.data + at, part.len - at);
			if (length == 0)
				return fail(STATUS_INVALID, "prove.like: a pattern is not UTF-8");
			uint32_t character = decode(part.data + at, length);
			fits &= add_position(line, character) && add_character(search, character);
		}
		if (i + 1 < wish->part_count)
			fits &= add_position(line, WILDCARD);
	}
	return fits ? OK : fail(STATUS_TOO_LARGE, "prove.like: patterns that are too long");
}

/* One that no pattern names: a readable one if there is any left. */
static enum status
add_other(struct search *search) {
	static const char readable[] = "xyzwvutsrqponmlkjihgfedcbaXYZ0123456789-_";
	for (size_t i = 0; i < sizeof readable - 1; i++) {
		size_t before = search->alphabet_count;
		if (!add_character(search, (uint8_t)readable[i]))
			break;
		if (search->alphabet_count > before)
			return OK;
	}
	for (uint32_t character = 0x4e00; character < 0x4e00 + 2 * ALPHABET_MAX; character++) {
		size_t before = search->alphabet_count;
		if (add_character(search, character) && search->alphabet_count > before)
			return OK;
	}
	return fail(STATUS_TOO_LARGE, "prove.like: patterns with too many characters");
}

static bool
holds(const struct places *places, size_t at) {
	return (places->bits[at / 64] >> at % 64 & 1) != 0;
}

/* At a position, and behind the wildcards that follow. */
static void
enter(struct places *places, const struct line *line, size_t at) {
	for (;; at++) {
		places->bits[at / 64] |= UINT64_C(1) << at % 64;
		if (at == line->count || line->symbols[at] != WILDCARD)
			return;
	}
}

static void
step(const struct search *search, const struct state *from, uint32_t character, struct state *to) {
	*to = (struct state){};
	for (size_t i = 0; i < search->count; i++) {
		const struct line *line = &search->lines[i];
		for (size_t at = 0; at < line->count; at++) {
			if (!holds(&from->places[i], at))
				continue;
			if (line->symbols[at] == WILDCARD)
				enter(&to->places[i], line, at);
			else if (line->symbols[at] == character)
				enter(&to->places[i], line, at + 1);
		}
	}
}

static bool
accepts(const struct search *search, const struct state *state) {
	for (size_t i = 0; i < search->count; i++)
		if (holds(&state->places[i], search->lines[i].count) != search->wishes[i].matches)
			return false;
	return true;
}

/* More than `wanted` ways to one state give no string that is shorter than those. */
static enum status
visit(struct search *search, const struct state *state, uint32_t character, uint32_t before, size_t wanted) {
	struct bytes key = bytes_of(state, search->count * sizeof state->places[0]);
	uintptr_t times = (uintptr_t)map_get(&search->seen, key);
	if (times >= wanted)
		return OK;
	if (search->visit_count == VISITS_MAX)
		return fail(STATUS_TOO_LARGE, "prove.like: patterns that are too many to run together");
	search->visits[search->visit_count++] = (struct visit){*state, character, before};
	return map_put(&search->seen, key, (void *)(times + 1), nullptr);
}

static enum status
spell(struct search *search, uint32_t at, struct bytes *string) {
	size_t length = 0;
	for (uint32_t i = at; i != 0; i = search->visits[i].before)
		length++;
	uint8_t *text = arena_alloc(search->arena, 4 * length + 1), character[4];
	TRY_ALLOC(text);
	size_t end = 4 * length;
	for (uint32_t i = at; i != 0; i = search->visits[i].before) {
		size_t size = encode(search->visits[i].character, character);
		end -= size;
		memcpy(text + end, character, size);
	}
	*string = bytes_of(text + end, 4 * length - end);
	return OK;
}

static enum status
run(struct search *search, size_t wanted, struct bytes *strings, size_t *found) {
	struct state next = {};
	for (size_t i = 0; i < search->count; i++)
		enter(&next.places[i], &search->lines[i], 0);
	TRY(visit(search, &next, 0, 0, wanted));
	for (uint32_t at = 0; at < search->visit_count && *found < wanted; at++) {
		if (accepts(search, &search->visits[at].state))
			TRY(spell(search, at, &strings[(*found)++]));
		for (size_t i = 0; i < search->alphabet_count; i++) {
			step(search, &search->visits[at].state, search->alphabet[i], &next);
			TRY(visit(search, &next, search->alphabet[i], at, wanted));
		}
	}
	return OK;
}

enum status
like_strings(struct arena *arena, const struct like_wish *wishes, size_t count, size_t wanted, struct bytes *strings,
	     size_t *found, bool *is_all) {
	_cleanup_(arena_free) struct arena scratch = {};
	struct search search = {.arena = arena, .wishes = wishes, .count = count};
	*found = 0;
	if (count > WISHES_MAX)
		return fail(STATUS_TOO_LARGE, "prove.like: more than %zu patterns about one string", WISHES_MAX);
	search.lines = ARENA_NEW_ARRAY(&scratch, count, struct line);
	search.visits = ARENA_NEW_ARRAY(&scratch, VISITS_MAX, struct visit);
	TRY_ALLOC(search.lines);
	TRY_ALLOC(search.visits);
	for (size_t i = 0; i < count; i++)
		TRY(lay_out(&search, i));
	TRY(add_other(&search));
	enum status status = run(&search, wanted, strings, found);
	map_free(&search.seen);
	*is_all = status == OK && *found < wanted;
	return status;
}
