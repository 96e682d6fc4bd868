/*
 * Readers: policy/fit_json.c, policy/fit.c
 * An array is read as entities, anything else as a request, both by a schema. Properties: what is refused is refused with findings
 * that have places in the text; what is read fits the schema, also when it is judged in memory, and decides.
 */
#include <stdlib.h>

#include "policy/entity_store.h"
#include "policy/fit.h"

static const char schema_text[] =
	"entity User in [User, Group] {n: Long, s?: String, b?: Bool, ip?: ipaddr, d?: decimal, at?: datetime, t?: "
	"duration, "
	"u?: User, c?: Color, l?: Set<User>, r?: {x: Set<ipaddr>, y?: {z: Long}}} tags Set<decimal>;"
	"entity Group; entity Color enum [\"red\"]; action all; action read in all;"
	"action view in read appliesTo {principal: [User, Color], resource: Group, context: {n?: Long, u?: User, a?: "
	"Action, "
	"l?: Set<Set<Long>>, r?: {x?: datetime, y?: {z?: duration}}}};";

static void
need(bool property) {
	if (!property)
		abort();
}

static const struct policy_schema *
schema(void) {
	static struct policy_schema *read;
	if (read == nullptr)
		need(policy_schema_parse("schema", bytes_of_text(schema_text), SCHEMA_CEDAR, &read, nullptr) == OK);
	return read;
}

static void
check_findings(enum status status, const struct policy_diagnostics *diagnostics, size_t size) {
	need(status == OK || (status == STATUS_INVALID && diagnostics->count > 0));
	for (size_t i = 0; i < diagnostics->count; i++)
		need(diagnostics->items[i].line <= size + 1 && diagnostics->items[i].column <= size + 1);
}

static void
check_entities(const struct policy_source *source) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	need(policy_entities_create(&entities) == OK);
	enum status status = policy_entities_load(entities, source,
						  (struct policy_entities_options){.schema = schema()}, &diagnostics);
	check_findings(status, &diagnostics, source->text.len);
	for (uint32_t i = 0; status == OK && i < entity_store_limit(entities); i++) {
		struct policy_entity entity;
		struct fit fit = {.schema = schema()};
		struct entity_uid parents[8];
		if (!entity_store_is_present(entities, i))
			continue;
		need(policy_entities_get(entities, entity_store_uid(entities, i), &entity));
		entity.parent_count = policy_entities_parents(entities, entity.uid, parents, ARRAY_LENGTH(parents));
		entity.parents = parents;
		if (entity.parent_count > ARRAY_LENGTH(parents))
			continue;
		fit_entity(&fit, &entity);
		need(fit.findings == 0);
	}
}

static void
check_request(const struct policy_source *source) {
	_cleanup_(arena_free) struct arena arena = {};
	struct policy_request request;
	for (size_t i = 0; i < 2; i++) {
		_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
		const struct policy_schema *given = i == 0 ? nullptr : schema();
		enum status status = policy_request_read(&arena, source, given, &diagnostics, &request);
		check_findings(status, &diagnostics, source->text.len);
		if (status == OK && given != nullptr)
			need(policy_request_fit(given, &request) == OK);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const struct policy_source source = {"fuzz.json", bytes_of(data, size)};
	if (size > 0 && data[0] == '[')
		check_entities(&source);
	else
		check_request(&source);
	return 0;
}
