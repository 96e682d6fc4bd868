/*
 * Reader: ledger/leaf.c
 * The quick look at a leaf against the JSON parser: of canonical JSON both see the same members, and a leaf that the parser reads as
 * an entry is never passed over by the quick look.
 */
#include "base/json.h"
#include "ledger/leaf.h"
#include "tests/fuzz.h"

static bool
is_name(struct bytes text) {
	for (size_t i = 0; i < text.len; i++)
		if ((text.data[i] < 'a' || text.data[i] > 'z') && text.data[i] != '_')
			return false;
	return text.len > 0;
}

/* The members by the parser; false if it is no entry. */
static bool
read_slowly(struct arena *arena, struct bytes text, struct leaf_view *view, const json **body) {
	static const char *const names[] = {"at", "body", "seq", "type", "version", nullptr};
	const json *root;
	int64_t at, seq, version;
	if (json_check_canonical(arena, text) != OK || json_read(arena, text, (struct json_limits){}, &root) != OK ||
	    json_only(root, "leaf", names) != OK || json_need_integer(root, "leaf", "at", &at) != OK ||
	    json_need(root, "leaf", "body", JSON_OBJECT, body) != OK ||
	    json_need_integer(root, "leaf", "seq", &seq) != OK ||
	    json_need_string(root, "leaf", "type", &view->type) != OK ||
	    json_need_integer(root, "leaf", "version", &version) != OK || at < 0 || seq < 0 || version < 0 ||
	    !is_name(view->type))
		return false;
	view->at_ms = (uint64_t)at;
	view->seq = (uint64_t)seq;
	view->version = (uint64_t)version;
	return true;
}

static void
try_counts(struct bytes body) {
	struct bytes left = body, type;
	uint64_t count;
	while (left.len > 0 && leaf_next_count(&left, &type, &count) == OK)
		must(is_name(type));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer body_text = {};
	struct leaf_view quick, slow;
	struct bytes text = bytes_of(data, size);
	const json *body;
	enum status status = leaf_scan(text, &quick);
	if (status == OK)
		try_counts(quick.body);
	if (!read_slowly(&arena, text, &slow, &body))
		return 0;
	must(status == OK);
	must(quick.at_ms == slow.at_ms && quick.seq == slow.seq && quick.version == slow.version);
	must(bytes_equal(quick.type, slow.type));
	struct json_writer writer;
	json_writer_start(&writer, &body_text);
	json_write_value(&writer, body);
	must(json_writer_finish(&writer) == OK && bytes_equal(buffer_bytes(&body_text), quick.body));
	return 0;
}
