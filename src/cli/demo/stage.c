#include "cli/demo/stage.h"

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
