/* Reports of proofs, for machines and for people. */
#include "policy/prove.h"

static void
write_uid(struct json_writer *writer, struct entity_uid uid) {
	json_write_object(writer);
	json_write_member_string(writer, "id", uid.id);
	json_write_member_string(writer, "type", uid.type);
	json_write_end(writer);
}

static void
write_names(struct json_writer *writer, const char *key, const struct bytes *names, size_t count) {
	json_write_key(writer, key);
	json_write_array(writer);
	for (size_t i = 0; i < count; i++)
		json_write_string(writer, names[i]);
	json_write_end(writer);
}

/* An object whose keys may be any text: tags. */
static void
write_record(struct json_writer *writer, const struct value *record) {
	static const struct value none = {.type = VALUE_RECORD};
	value_write(writer, record == nullptr ? &none : record);
}

static void
write_entity(struct json_writer *writer, const struct policy_entity *entity) {
	json_write_object(writer);
	json_write_key(writer, "attrs");
	write_record(writer, entity->attributes);
	json_write_key(writer, "parents");
	json_write_array(writer);
	for (size_t i = 0; i < entity->parent_count; i++)
		write_uid(writer, entity->parents[i]);
	json_write_end(writer);
	if (entity->tags != nullptr) {
		json_write_key(writer, "tags");
		write_record(writer, entity->tags);
	}
	json_write_key(writer, "uid");
	write_uid(writer, entity->uid);
	json_write_end(writer);
}

void
prove_witness_write(const struct prove_witness *witness, struct json_writer *writer) {
	json_write_object(writer);
	json_write_key(writer, "action");
	write_uid(writer, witness->request.action);
	json_write_key(writer, "context");
	write_record(writer, witness->request.context);
	json_write_member_text(writer, "decision", witness->decision == POLICY_ALLOW ? "permit" : "deny");
	json_write_key(writer, "entities");
	json_write_array(writer);
	for (size_t i = 0; i < witness->entity_count; i++)
		write_entity(writer, &witness->entities[i]);
	json_write_end(writer);
	json_write_key(writer, "principal");
	write_uid(writer, witness->request.principal);
	write_names(writer, "reasons", witness->reasons, witness->reason_count);
	json_write_key(writer, "resource");
	write_uid(writer, witness->request.resource);
	if (witness->truth != nullptr) {
		json_write_key(writer, "truth");
		write_record(writer, witness->truth);
	}
	json_write_end(writer);
}

static void
write_finding(const struct prove_finding *finding, struct json_writer *writer) {
	json_write_object(writer);
	write_names(writer, "carriers", finding->carriers, finding->carrier_count);
	json_write_member_text(writer, "check", finding->check);
	json_write_member_integer(writer, "environments", (int64_t)finding->environments);
	if (finding->reason != nullptr)
		json_write_member_text(writer, "reason", finding->reason);
	json_write_member_string(writer, "subject", finding->subject);
	json_write_member_text(writer, "verdict", prove_verdict_name(finding->verdict));
	if (finding->witness != nullptr) {
		json_write_key(writer, "witness");
		prove_witness_write(finding->witness, writer);
	}
	json_write_end(writer);
}

void
prove_report_write(const struct prove_report *report, struct json_writer *writer) {
	json_write_object(writer);
	json_write_key(writer, "assumptions");
	json_write_array(writer);
	for (size_t i = 0; i < report->assumption_count; i++)
		json_write_text(writer, report->assumptions[i]);
	json_write_end(writer);
	json_write_member_integer(writer, "engine", PROVE_ENGINE_VERSION);
	json_write_key(writer, "findings");
	json_write_array(writer);
	for (size_t i = 0; i < report->finding_count; i++)
		write_finding(&report->findings[i], writer);
	json_write_end(writer);
	json_write_member_text(writer, "solver", report->solver);
	json_write_end(writer);
}
