/*
 * Reader: policy/prove/invariants.c
 *
 * Files of invariants against a schema: what is taken compiles to terms in every environment, each statement once.
 */
#include <stdlib.h>

#include "policy/prove/scene.h"
#include "policy/set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char schema_text[] = "entity Group in [Group]; entity Colour enum [\"red\", \"blue\"];"
				  "entity User in [Group] = { level: Long, name?: String, friends: Set<User>, home: { "
				  "net: ipaddr, tint?: Colour } } tags Long;"
				  "action all; action sign, read in [all] appliesTo { principal: User, resource: "
				  "[User, Group], context: { amount: Long,"
				  "  votes: { a: Long, b: Long }, to: Set<String>, pairs: Set<{x: Long}>, memo?: "
				  "String, now: datetime, span: duration,"
				  "  ratio: decimal, source: ipaddr, ok: Bool } };";

static void
need(bool property) {
	if (!property)
		abort();
}

static enum status
compile(struct prover *prover, struct environment environment, void *) {
	_cleanup_(scene_free) struct scene scene = {};
	bool concerns;
	enum status status = scene_start(&scene, prover, environment, &concerns);
	if (status == OK)
		status = scene_compile(&scene);
	need(status == OK || status == STATUS_TOO_LARGE);
	/* A policy is never satisfied and failing at once: that is one term, which is false or speaks of something. */
	for (size_t i = 0; status == OK && i < prover->invariants->policy_count; i++) {
		const struct compiled *it = &scene.invariants[i];
		need(it->satisfied->width == WIDTH_TRUTH && it->errs->width == WIDTH_TRUTH);
		need(!term_is_true(it->satisfied) || !term_is_true(it->errs));
	}
	return OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = nullptr;
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	_cleanup_(arena_free) struct arena arena = {};
	need(policy_schema_parse("s", bytes_of_text(schema_text), SCHEMA_CEDAR, &schema, nullptr) == OK);
	enum status status = prove_invariants_read("i", bytes_of(data, size), schema, &set, &diagnostics);
	need(status == OK || (status == STATUS_INVALID && diagnostics.count > 0));
	if (status != OK)
		return 0;
	struct prover prover = {.schema = schema, .sets = {set}, .set_count = 1, .invariants = set, .arena = &arena};
	need(prover_start(&prover) == OK && prover_visit(&prover, compile, nullptr) == OK);
	return 0;
}
