#include "model/entry.h"

#include "base/cursor.h"

const struct entry_kind entry_kinds[ENTRY_TYPES] = {
	/* name, version, may use the reserve */
	[ENTRY_GENESIS] = {"genesis", 1, false},
	[ENTRY_START] = {"start", 1, true},
	[ENTRY_STOP] = {"stop", 1, true},
	[ENTRY_DECISION] = {"decision", 1, false},
	[ENTRY_INTENT] = {"intent", 1, false},
	[ENTRY_OUTCOME] = {"outcome", 1, true}, /* what has happened must be told */
	[ENTRY_VOTE] = {"vote", 1, false},
	[ENTRY_EXPIRY] = {"expiry", 1, true},
	[ENTRY_REFUSAL] = {"refusal", 1, true},
	[ENTRY_CONFIGURATION] = {"configuration", 1, true},
	[ENTRY_CLOCK] = {"clock", 1, true},
	[ENTRY_COSIGNATURE] = {"cosignature", 1, false},
	[ENTRY_READ] = {"read", 1, false},
	[ENTRY_EXPORT] = {"export", 1, false},
	[ENTRY_ERASED] = {"erased", 1, true}, /* with the outcome of its operation */
	[ENTRY_BACKUP] = {"backup", 1, false},
	[ENTRY_RESTORE] = {"restore", 1, true},
	[ENTRY_RECOVERED] = {"recovered", 1, true},
	[ENTRY_SIGN_IN] = {"sign_in", 1, false},
	[ENTRY_SIGN_OUT] = {"sign_out", 1, true},
	[ENTRY_PEER] = {"peer", 1, true},
	[ENTRY_ENROLMENT] = {"enrolment", 1, false},
	[ENTRY_DIVERGENCE] = {"divergence", 1, false},
	[ENTRY_LOCAL_BUNDLE] = {"local_bundle", 1, true}, /* what it forbids is forbidden also when the disk is full */
	[ENTRY_CHECK] = {"check", 1, true},
	[ENTRY_LEFT] = {"left", 1, true}, /* without it nothing is signed with the key */
	[ENTRY_OVERDUE] = {"overdue", 1, false},
	[ENTRY_COUNTS] = {"counts", 1, true},
};

enum status
entry_type_parse(struct bytes name, enum entry_type *type) {
	for (size_t i = 0; i < ENTRY_TYPES; i++)
		if (bytes_equal_text(name, entry_kinds[i].name)) {
			*type = (enum entry_type)i;
			return OK;
		}
	return fail(STATUS_UNSUPPORTED, "entry.type: \"%.*s\" is not known to this program",
		    (int)(name.len > 64 ? 64 : name.len), (const char *)name.data);
}

enum status
entry_write(const struct entry *entry, struct buffer *leaf) {
	const struct entry_kind *kind = &entry_kinds[entry->type];
	size_t start = leaf->len;
	if (entry->body.len < 2 || entry->body.data[0] != '{' || entry->body.data[entry->body.len - 1] != '}')
		return fail(STATUS_INTERNAL, "entry.body: the body of a %s entry is not an object", kind->name);
	if (entry->at_ms < 0 || entry->at_ms > JSON_INTEGER_MAX || entry->seq > (uint64_t)JSON_INTEGER_MAX)
		return fail(STATUS_INTERNAL, "entry.range: at %lld, seq %llu", (long long)entry->at_ms,
			    (unsigned long long)entry->seq);
	buffer_append_text(leaf, "{\"at\":");
	buffer_append_decimal(leaf, (uint64_t)entry->at_ms);
	buffer_append_text(leaf, ",\"body\":");
	buffer_append_bytes(leaf, entry->body);
	buffer_append_text(leaf, ",\"seq\":");
	buffer_append_decimal(leaf, entry->seq);
	buffer_append_text(leaf, ",\"type\":\"");
	buffer_append_text(leaf, kind->name);
	buffer_append_text(leaf, "\",\"version\":");
	buffer_append_decimal(leaf, (uint64_t)kind->version);
	buffer_append_byte(leaf, '}');
	TRY(buffer_status(leaf));
	size_t len = leaf->len - start;
	if (len <= ENTRY_SIZE_MAX)
		return OK;
	leaf->len = start;
	return fail(STATUS_TOO_LARGE, "entry.size: a %s entry of %zu bytes, at most %zu", kind->name, len,
		    ENTRY_SIZE_MAX);
}

static enum status
read_count(const json *object, const char *where, const char *key, int64_t *number) {
	TRY(json_need_integer(object, where, key, number));
	return *number >= 0 ? OK : fail(STATUS_INVALID, "%s.%s: negative", where, key);
}

enum status
entry_read(struct arena *arena, struct bytes leaf, struct entry *entry) {
	static const char *const members[] = {"at", "body", "seq", "type", "version", nullptr};
	const json *root;
	struct bytes type;
	int64_t version, seq;
	*entry = (struct entry){};
	if (leaf.len > ENTRY_SIZE_MAX)
		return fail(STATUS_TOO_LARGE, "entry.size: %zu bytes, at most %zu", leaf.len, ENTRY_SIZE_MAX);
	TRY(json_read(arena, leaf, (struct json_limits){}, &root));
	if (json_type_of(root) != JSON_OBJECT)
		return fail(STATUS_INVALID, "entry.object: expected object, found %s",
			    json_type_name(json_type_of(root)));
	TRY(json_need_string(root, "entry", "type", &type));
	TRY(entry_type_parse(type, &entry->type));
	TRY(read_count(root, "entry", "version", &version));
	if (version != entry_kinds[entry->type].version)
		return fail(STATUS_UNSUPPORTED, "entry.version: a %s entry of version %lld, this program reads %d",
			    entry_kinds[entry->type].name, (long long)version, entry_kinds[entry->type].version);
	TRY(json_only(root, "entry", members));
	TRY(read_count(root, "entry", "at", &entry->at_ms));
	TRY(read_count(root, "entry", "seq", &seq));
	entry->seq = (uint64_t)seq;
	TRY(json_need(root, "entry", "body", JSON_OBJECT, &entry->document));
	/* Canonical: the body stands between the time and the number. */
	static const char before[] = ",\"body\":", after[] = ",\"seq\":";
	const uint8_t *from = memmem(leaf.data, leaf.len, before, sizeof before - 1);
	const uint8_t *to = from == nullptr ? nullptr : memrchr(from, '}', leaf.len - (size_t)(from - leaf.data) - 1);
	if (from == nullptr || to == nullptr || (size_t)(leaf.data + leaf.len - to) < sizeof after ||
	    memcmp(to + 1, after, sizeof after - 1) != 0)
		return fail(STATUS_INVALID, "entry.canonical: members are not in canonical order");
	from += sizeof before - 1;
	entry->body = bytes_of(from, (size_t)(to + 1 - from));
	return OK;
}

/* --- Peeking: the text between the body's end and the leaf's end holds at most two numbers and a name. --- */

static bool
take_text(struct cursor *cursor, const char *text) {
	struct bytes taken;
	size_t len = strlen(text);
	if (cursor->left < len || memcmp(cursor->at, text, len) != 0)
		return false;
	return cursor_take(cursor, "entry", len, &taken) == OK;
}

static bool
take_number(struct cursor *cursor, uint64_t *number) {
	size_t digits = 0;
	*number = 0;
	while (digits < cursor->left && cursor->at[digits] >= '0' && cursor->at[digits] <= '9' && digits < 17)
		*number = *number * 10 + (uint64_t)(cursor->at[digits++] - '0');
	struct bytes taken;
	return digits > 0 && (digits == 1 || cursor->at[0] != '0') && *number <= (uint64_t)JSON_INTEGER_MAX &&
	       cursor_take(cursor, "entry", digits, &taken) == OK;
}

enum status
entry_peek(struct bytes leaf, struct entry *entry) {
	struct cursor head = cursor_of(leaf);
	uint64_t at, version;
	struct bytes name;
	*entry = (struct entry){};
	if (!take_text(&head, "{\"at\":") || !take_number(&head, &at) || !take_text(&head, ",\"body\":{"))
		return fail(STATUS_INVALID, "entry.head: a leaf of %zu bytes does not begin as an entry", leaf.len);
	const uint8_t *brace = head.left < 2 ? nullptr : memrchr(head.at, '}', head.left - 1);
	struct cursor tail = {};
	if (brace != nullptr)
		tail = cursor_of(bytes_of(brace + 1, (size_t)(head.at + head.left - brace - 1)));
	if (!take_text(&tail, ",\"seq\":") || !take_number(&tail, &entry->seq) || !take_text(&tail, ",\"type\":\"") ||
	    cursor_until(&tail, "entry", '"', &name) != OK || !take_text(&tail, ",\"version\":") ||
	    !take_number(&tail, &version) || !take_text(&tail, "}") || tail.left != 0)
		return fail(STATUS_INVALID, "entry.tail: a leaf of %zu bytes does not end as an entry", leaf.len);
	entry->at_ms = (int64_t)at;
	entry->body = bytes_of(head.at - 1, (size_t)(brace + 2 - head.at));
	TRY(entry_type_parse(name, &entry->type));
	if (version != (uint64_t)entry_kinds[entry->type].version)
		return fail(STATUS_UNSUPPORTED, "entry.version: a %s entry of version %llu, this program reads %d",
			    entry_kinds[entry->type].name, (unsigned long long)version,
			    entry_kinds[entry->type].version);
	return OK;
}

/* The table is in the order of the log's life, the object in the order of names. */
static void
sort_types(enum entry_type sorted[ENTRY_TYPES]) {
	for (size_t i = 0; i < ENTRY_TYPES; i++) {
		size_t at = i;
		for (; at > 0 && strcmp(entry_kinds[sorted[at - 1]].name, entry_kinds[i].name) > 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = (enum entry_type)i;
	}
}

enum status
entry_write_counts(const uint64_t counts[ENTRY_TYPES], struct buffer *body) {
	enum entry_type sorted[ENTRY_TYPES];
	struct json_writer writer;
	sort_types(sorted);
	json_writer_start(&writer, body);
	json_write_object(&writer);
	json_write_key(&writer, "counts");
	json_write_object(&writer);
	for (size_t i = 0; i < ENTRY_TYPES; i++)
		if (counts[sorted[i]] > 0)
			json_write_member_integer(&writer, entry_kinds[sorted[i]].name, (int64_t)counts[sorted[i]]);
	json_write_end(&writer);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

enum status
entry_read_counts(const json *body, uint64_t counts[ENTRY_TYPES]) {
	static const char *const members[] = {"counts", nullptr};
	const json *object, *count;
	struct bytes name;
	memset(counts, 0, ENTRY_TYPES * sizeof *counts);
	TRY(json_only(body, "entry.counts", members));
	TRY(json_need(body, "entry.counts", "counts", JSON_OBJECT, &object));
	struct json_iterator iterator = json_iterate(object);
	while ((count = json_next(&iterator, &name)) != nullptr) {
		enum entry_type type;
		TRY(entry_type_parse(name, &type));
		if (json_type_of(count) != JSON_INTEGER || json_integer(count) <= 0)
			return fail(STATUS_INVALID, "entry.counts: the count of %s is not a positive integer",
				    entry_kinds[type].name);
		counts[type] = (uint64_t)json_integer(count);
	}
	return OK;
}
