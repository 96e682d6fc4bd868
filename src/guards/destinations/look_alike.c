#include "guards/destinations/look_alike.h"

constexpr size_t SEEN = 4; /* characters that people compare, at each end */
constexpr size_t FAMILY_MAX = 16;

/* What is compared of an entry. */
struct look {
	uint8_t text[FAMILY_MAX + 2 * SEEN];
	size_t len;
};

static struct bytes
look_bytes(const struct look *look) {
	return bytes_of(look->text, look->len);
}

static uint8_t
lower(uint8_t c) {
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static struct bytes
address_of(struct bytes entry) {
	const uint8_t *colon = entry.len == 0 ? nullptr : memrchr(entry.data, ':', entry.len);
	return colon == nullptr ? entry : bytes_of(colon + 1, entry.len - (size_t)(colon + 1 - entry.data));
}

static bool
begins_with(struct bytes text, const char *prefix) {
	size_t len = strlen(prefix);
	return text.len > len && memcmp(text.data, prefix, len) == 0;
}

/* Hexadecimal, and Bech32 with its version: what stands before says nothing, and case means nothing. */
static bool
skip_common(struct bytes *address) {
	static const char *const prefixes[] = {"0x", "bc1q", "bc1p", "tb1q", "tb1p", "bcrt1q", "bcrt1p", nullptr};
	for (size_t i = 0; prefixes[i] != nullptr; i++)
		if (begins_with(*address, prefixes[i])) {
			size_t len = strlen(prefixes[i]);
			*address = bytes_of(address->data + len, address->len - len);
			return true;
		}
	return false;
}

/* False where the entry is too short to be looked at so. */
static bool
look_of(struct bytes entry, struct look *look) {
	struct bytes address = address_of(entry);
	const uint8_t *colon = entry.len == 0 ? nullptr : memchr(entry.data, ':', entry.len);
	size_t family = colon == nullptr ? 0 : (size_t)(colon - entry.data);
	bool is_caseless = skip_common(&address);
	if (family > FAMILY_MAX || address.len < 2 * SEEN)
		return false;
	if (family > 0)
		memcpy(look->text, entry.data, family);
	for (size_t i = 0; i < SEEN; i++) {
		uint8_t first = address.data[i], last = address.data[address.len - SEEN + i];
		look->text[family + i] = is_caseless ? lower(first) : first;
		look->text[family + SEEN + i] = is_caseless ? lower(last) : last;
	}
	look->len = family + 2 * SEEN;
	return true;
}

static bool
same_address(struct bytes entry, struct bytes other) {
	struct bytes a = address_of(entry), b = address_of(other);
	bool is_caseless = begins_with(a, "0x");
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (is_caseless ? lower(a.data[i]) != lower(b.data[i]) : a.data[i] != b.data[i])
			return false;
	return true;
}

bool
destinations_look_alike(struct bytes entry, struct bytes other) {
	struct look a, b;
	return look_of(entry, &a) && look_of(other, &b) && bytes_equal(look_bytes(&a), look_bytes(&b)) &&
	       !same_address(entry, other);
}

/* Of all pairs the first in order: which one is found must not depend on how a map lies in memory. */
struct pair {
	struct bytes entry, other;
};

static void
consider(struct pair *first, struct bytes entry, struct bytes other) {
	int order = first->entry.len == 0 ? -1 : bytes_compare(entry, first->entry);
	if (order < 0 || (order == 0 && bytes_compare(other, first->other) < 0))
		*first = (struct pair){entry, other};
}

/* The new ones by their looks; of those that look like one another the first. */
static enum status
look_at_new(const struct bytes *entries, size_t count, struct map *looks, struct pair *first) {
	for (size_t i = 0; i < count; i++) {
		struct look look;
		if (!look_of(entries[i], &look))
			continue;
		const struct bytes *known = map_get(looks, look_bytes(&look));
		if (known == nullptr)
			TRY(map_put(looks, look_bytes(&look), (void *)(uintptr_t)&entries[i], nullptr));
		else if (!same_address(*known, entries[i]))
			consider(first, entries[i], *known);
	}
	return OK;
}

static void
look_at_list(const struct destination_list *list, const struct map *looks, struct pair *first) {
	size_t at = 0;
	void *value;
	while (map_next(&list->entries, &at, nullptr, &value)) {
		struct bytes known = bytes_of_text(((const struct destination_entry *)value)->spelling);
		struct look look;
		const struct bytes *added = look_of(known, &look) ? map_get(looks, look_bytes(&look)) : nullptr;
		if (added != nullptr && !same_address(*added, known))
			consider(first, *added, known);
	}
}

enum status
destinations_find_look_alike(const struct destinations *destinations, const struct bytes *entries, size_t count,
			     struct bytes *entry, struct bytes *other) {
	_cleanup_(map_free) struct map looks = {};
	struct pair first = {};
	size_t at = 0;
	void *list;
	TRY(look_at_new(entries, count, &looks, &first));
	while (map_next(&destinations->lists, &at, nullptr, &list))
		look_at_list(list, &looks, &first);
	*entry = first.entry;
	*other = first.other;
	return OK;
}
