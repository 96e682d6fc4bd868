#include "gate/change.h"

struct bytes
payload_text(const json *object, const char *key) {
	const json *value = json_get(object, key);
	return value != nullptr && json_type_of(value) == JSON_STRING ? json_string(value) : (struct bytes){};
}

enum status
payload_optional_number(const json *payload, const char *member, int64_t *number) {
	*number = 0;
	if (json_get(payload, member) == nullptr)
		return OK;
	TRY(json_need_integer(payload, "payload", member, number));
	return *number > 0 ? OK : fail(STATUS_INVALID, "payload.%s: expected a number above zero", member);
}

void
facts_add_payload_text(struct facts *facts, const char *name, const json *payload, const char *member) {
	struct bytes text = payload_text(payload, member);
	if (text.data != nullptr)
		facts_add_string(facts, name, FACT_VERIFIED, text);
}

void
facts_add_waiting(const struct change *change, bool approver, struct facts *facts) {
	int64_t effective_ms;
	if (payload_optional_number(change->payload, "effective_from", &effective_ms) != OK)
		return;
	facts_add_voice(change, approver, effective_ms, facts);
}

void
facts_add_voice(const struct change *change, bool approver, int64_t from_ms, struct facts *facts) {
	facts_add_boolean(facts, "change.approver", FACT_VERIFIED, approver);
	facts_add_long(facts, "change.waiting_ms", FACT_VERIFIED,
		       from_ms > change->now_ms ? from_ms - change->now_ms : 0);
}

void
facts_add_duration(const struct change *change, struct facts *facts) {
	const json *until = json_get(change->payload, "until");
	if (until != nullptr && json_type_of(until) == JSON_INTEGER)
		facts_add_long(facts, "change.duration_ms", FACT_VERIFIED, json_integer(until) - change->now_ms);
}

void
facts_of_own(const struct gate_state *, const struct change *change, struct facts *facts) {
	facts_add_boolean(facts, "change.own", FACT_VERIFIED,
			  bytes_equal(change->operation->principal, change->operation->resource));
}
