#include "gate/replay_internal.h"

#include "model/entry.h"

static void
explain_policy(const struct policy_set *policies, const struct policy_explanation *explanation,
	       struct json_writer *writer) {
	struct policy_view view;
	policy_set_view(policies, explanation->policy, &view);
	json_write_object(writer);
	json_write_member_integer(writer, "column", (int64_t)explanation->column);
	json_write_member_text(writer, "effect", view.effect == POLICY_PERMIT ? "permit" : "forbid");
	if (explanation->error != nullptr)
		json_write_member_text(writer, "error", explanation->error->message);
	json_write_member_string(writer, "id", view.id);
	json_write_member_integer(writer, "line", (int64_t)explanation->line);
	json_write_member_text(writer, "outcome", policy_outcome_name(explanation->outcome));
	struct bytes reason;
	if (policy_view_annotation(&view, "reason", &reason))
		json_write_member_string(writer, "reason", reason);
	json_write_end(writer);
}

enum status
replayer_explain(struct replayer *replayer, struct bytes leaf, struct buffer *explanation) {
	struct entry entry;
	struct decision_record record;
	const struct policy_explanation *rows;
	const struct policy_set *policies;
	_cleanup_(replay_request_free) struct replay_request made = {};
	arena_reset(&replayer->arena);
	TRY(entry_read(&replayer->arena, leaf, &entry));
	if (entry.type != ENTRY_DECISION && entry.type != ENTRY_INTENT)
		return fail(STATUS_INVALID, "replay.entry: a %s is not a decision", entry_kinds[entry.type].name);
	TRY(decision_record_read(&replayer->arena, entry.document, &replayer->blobs, &record));
	const struct bundle *bundle = map_get(&replayer->bundles, hash256_bytes(&record.bundle));
	if (bundle == nullptr)
		return fail(STATUS_NOT_FOUND, "replay.bundle: the decision's bundle is not known");
	TRY(replay_find_policies(replayer, bundle, &record, &policies));
	TRY(replay_request_make(&replayer->arena, bundle, &record, &made));
	TRY(policy_explain(policies, made.entities, &made.request, &replayer->arena, &rows));
	struct json_writer writer;
	json_writer_start(&writer, explanation);
	json_write_object(&writer);
	json_write_member_hex(&writer, "bundle", hash256_bytes(&record.bundle));
	json_write_member_text(&writer, "decision", decision_name(record.decision));
	json_write_key(&writer, "facts");
	facts_write_by_name(&writer, made.facts);
	if (record.has_local_bundle)
		json_write_member_hex(&writer, "local_bundle", hash256_bytes(&record.local_bundle));
	if (record.missing.len > 0) {
		json_write_key(&writer, "missing");
		json_write_canonical(&writer, record.missing);
	}
	json_write_member_hex(&writer, "operation", hash256_bytes(&record.operation_id));
	json_write_key(&writer, "policies");
	json_write_array(&writer);
	for (size_t i = 0; i < policy_set_count(policies); i++)
		explain_policy(policies, &rows[i], &writer);
	json_write_end(&writer);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

enum status
replayer_write_bundle(const struct replayer *replayer, const struct hash256 *hash, struct buffer *to) {
	const struct bundle *bundle = map_get(&replayer->bundles, hash256_bytes(hash));
	struct json_writer writer;
	if (bundle == nullptr)
		bundle = map_get(&replayer->locals, hash256_bytes(hash));
	if (bundle == nullptr)
		return fail(STATUS_NOT_FOUND, "replay.bundle: no such bundle was ever in force");
	json_writer_start(&writer, to);
	json_write_object(&writer);
	json_write_member_hex(&writer, "bundle", hash256_bytes(hash));
	json_write_key(&writer, "document");
	json_write_canonical(&writer, bundle->text);
	json_write_end(&writer);
	return json_writer_finish(&writer);
}
