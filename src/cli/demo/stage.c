#include "cli/demo/stage.h"

#include "cli/demo/journal.h"

static enum status
keep_receipt(struct stage *stage, const struct told *told) {
	if (stage->receipt_count == STAGE_RECEIPTS_MAX)
		return fail(STATUS_TOO_LARGE, "demo.receipts: more than %zu", STAGE_RECEIPTS_MAX);
	stage->receipts[stage->receipt_count++] = (struct kept_receipt){told->receipt, told->entry};
	return OK;
}

enum status
stage_expect(struct stage *stage, const char *what, const struct told *told, const char *state) {
	if (strcmp(told->state, state) != 0)
		return fail(STATUS_CONFLICT, "demo.answer: %s: expected %s, found %u %s: %.*s", what, state,
			    told->status, told->state[0] == '\0' ? told->type : told->state,
			    (int)(told->body.len > 400 ? 400 : told->body.len), (const char *)told->body.data);
	if (told->receipt.len == 0 || told->entry < 0)
		return fail(STATUS_CONFLICT, "demo.receipt: %s: the answer has none", what);
	return keep_receipt(stage, told);
}

enum status
stage_expect_refusal(const char *what, const struct told *told, const char *type) {
	return told->status >= 400 && strcmp(told->type, type) == 0
		       ? OK
		       : fail(STATUS_CONFLICT, "demo.refusal: %s: expected %s, found %u %s %s", what, type,
			      told->status, told->type, told->state);
}

enum status
stage_check(bool holds, const char *what, const char *expected) {
	return holds ? OK : fail(STATUS_CONFLICT, "demo.check: %s: %s", what, expected);
}

enum status
stage_stop(struct stage *stage) {
	actors_hang_up(&stage->actors);
	return house_stop(&stage->house);
}

enum status
stage_missing(struct stage *stage, const struct told *told, const char **text, int64_t *of_groups) {
	_cleanup_(buffer_free) struct buffer words = {};
	const json *missing, *count;
	struct bytes key;
	TRY(json_need(told->document, "answer", "missing", JSON_OBJECT, &missing));
	struct json_iterator iterator = json_iterate(missing);
	*of_groups = 0;
	while ((count = json_next(&iterator, &key)) != nullptr) {
		static const struct bytes group = BYTES_OF_LITERAL("group.");
		bool is_group = key.len > group.len && memcmp(key.data, group.data, group.len) == 0;
		if (is_group) {
			key = bytes_of(key.data + group.len, key.len - group.len);
			*of_groups += json_integer(count);
		}
		buffer_append_format(&words, "%s%lld %s%.*s", words.len == 0 ? "" : ", ",
				     (long long)json_integer(count), is_group ? "of " : "", BYTES_ARGS(key));
	}
	TRY(buffer_status(&words));
	*text = arena_text(&stage->arena, buffer_bytes(&words));
	TRY_ALLOC(*text);
	return OK;
}

enum status
stage_released(struct stage *stage, size_t *released) {
	_cleanup_(journal_free) struct journal journal = {};
	const char *directory = house_path(&stage->house, "data/public");
	size_t decisions;
	TRY_ALLOC(directory);
	TRY(journal_read(directory, &journal));
	return journal_decisions(&journal, &decisions, released);
}

/* --- Facts. --- */

enum status
stage_facts(struct stage *stage, const struct told *told, struct decision_facts *facts) {
	struct told explained;
	const char *target = arena_format(&stage->arena, "/v1/operations/%s/explanation", told->operation);
	TRY_ALLOC(target);
	TRY(actor_get(&stage->actors, ACTOR_PERSON_1, target, &explained));
	if (explained.status != 200)
		return fail(STATUS_CONFLICT, "demo.explanation: %u %s", explained.status, explained.type);
	return json_need(explained.document, "explanation", "facts", JSON_OBJECT, &facts->facts);
}

enum status
stage_fact_long(const struct decision_facts *facts, const char *name, int64_t *number) {
	const json *fact;
	TRY(json_need(facts->facts, "facts", name, JSON_OBJECT, &fact));
	return json_need_integer(fact, name, "value", number);
}

enum status
stage_fact_text(struct stage *stage, const struct decision_facts *facts, const char *name, const char **text) {
	const json *fact;
	struct bytes value;
	TRY(json_need(facts->facts, "facts", name, JSON_OBJECT, &fact));
	TRY(json_need_string(fact, name, "value", &value));
	*text = arena_text(&stage->arena, value);
	TRY_ALLOC(*text);
	return OK;
}
