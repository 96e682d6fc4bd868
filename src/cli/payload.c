#include "cli/payload.h"

#include "base/io.h"
#include "base/time.h"
#include "cli/submit.h"

void
payload_free(struct payload *payload) {
	buffer_free(&payload->text);
}

void
payload_start(struct payload *payload, struct invocation *invocation) {
	payload->invocation = invocation;
	json_writer_start(&payload->w, &payload->text);
	json_write_object(&payload->w);
}

void
payload_option(struct payload *payload, const char *member, const char *option) {
	const char *value = invocation_option(payload->invocation, option);
	if (value != nullptr)
		json_write_member_text(&payload->w, member, value);
}

void
payload_texts(struct payload *payload, const char *member, const char *option) {
	const char *value;
	if (invocation_option(payload->invocation, option) == nullptr)
		return;
	json_write_key(&payload->w, member);
	json_write_array(&payload->w);
	for (size_t i = 0; (value = invocation_option_at(payload->invocation, option, i)) != nullptr; i++)
		json_write_text(&payload->w, value);
	json_write_end(&payload->w);
}

enum status
payload_submit(struct payload *payload, const char *type, const char *id, struct bytes secret,
	       const char *idempotency_key) {
	json_write_end(&payload->w);
	if (json_writer_finish(&payload->w) != OK)
		return fail(STATUS_INVALID, "payload.text: what was given is no UTF-8 text");
	const char *resource =
		arena_format(&payload->invocation->arena, "%s%s%s", type, type[0] == '\0' ? "" : ":", id);
	TRY_ALLOC(resource);
	return submit_operation(payload->invocation,
				&(struct submit_request){.kind = payload->invocation->command->kind,
							 .resource = resource,
							 .payload = buffer_bytes(&payload->text),
							 .secret = secret,
							 .idempotency_key = idempotency_key});
}

enum status
payload_submit_system(struct payload *payload) {
	return payload_submit(payload, "system", "gatehouse", (struct bytes){}, nullptr);
}

enum status
payload_submit_on(struct payload *payload, const char *type, const char *id) {
	return payload_submit(payload, type, id, (struct bytes){}, nullptr);
}

enum status
payload_read_effective(const struct invocation *invocation, int64_t *effective_ms) {
	const char *from = invocation_option(invocation, "effective-from"),
		   *wait = invocation_option(invocation, "wait");
	*effective_ms = 0;
	if (from != nullptr && wait != nullptr)
		return fail(STATUS_INVALID, "usage.wait: give --effective-from or --wait");
	if (from != nullptr)
		return time_parse(bytes_of_text(from), effective_ms);
	if (wait == nullptr)
		return OK;
	TRY(duration_parse(wait, effective_ms));
	*effective_ms += io_realtime_ns(io_system()) / 1'000'000;
	return OK;
}

enum status
payload_effective(struct payload *payload) {
	int64_t effective_ms;
	TRY(payload_read_effective(payload->invocation, &effective_ms));
	if (effective_ms != 0)
		json_write_member_integer(&payload->w, "effective_from", effective_ms);
	return OK;
}
