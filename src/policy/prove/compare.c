/* Two sets of policies: what one permits and the other does not, and what both permit. */
#include "policy/prove/scene.h"

constexpr size_t ENVIRONMENTS_MAX = 4096;

struct comparison {
	struct prover prover;
	struct prove_finding *findings;
	size_t count, capacity;
	bool is_disjoint; /* asks what both permit */
};

static const char *
describe(const struct prover *prover, struct environment environment) {
	const struct policy_schema *schema = prover->schema;
	const struct schema_action *action = policy_schema_action(schema, environment.action);
	return arena_format(prover->arena, "%.*s %.*s::\"%.*s\" %.*s",
			    BYTES_ARGS(policy_schema_entity(schema, environment.principal)->name),
			    BYTES_ARGS(action->uid.type), BYTES_ARGS(action->uid.id),
			    BYTES_ARGS(policy_schema_entity(schema, environment.resource)->name));
}

struct expected {
	enum policy_decision decisions[SCENE_SETS]; /* of the old set, of the new one */
};

static enum status
confirm_decisions(struct scene *scene, struct prove_witness *witness, void *context, bool *agrees) {
	const struct expected *expected = context;
	*agrees = true;
	for (size_t i = 0; i < SCENE_SETS; i++) { /* the new one last: it is its decision that the witness shows */
		_cleanup_(arena_free) struct arena scratch = {};
		struct replayed replayed;
		TRY(scene_replay(scene, i, witness, &scratch, &replayed));
		*agrees &= replayed.result.decision == expected->decisions[i];
	}
	return OK;
}

static enum status
add_finding(struct comparison *comparison, const char *check, struct environment environment,
	    const struct judgement *judgement) {
	const char *subject = describe(&comparison->prover, environment);
	TRY_ALLOC(subject);
	if (comparison->count == comparison->capacity)
		return fail(STATUS_TOO_LARGE, "prove.environments: more than %zu findings", comparison->capacity);
	comparison->findings[comparison->count++] = (struct prove_finding){
		.subject = bytes_of_text(subject),
		.check = check,
		.verdict = judgement->verdict,
		.reason = judgement->reason,
		.witness = judgement->witness,
		.environments = 1,
	};
	return OK;
}

static enum status
judge_one(struct comparison *comparison, struct scene *scene, const char *check, const struct term *term,
	  struct expected expected) {
	struct judgement judgement;
	TRY(scene_judge(scene, term, confirm_decisions, &expected, &judgement));
	return add_finding(comparison, check, scene->encoding.environment, &judgement);
}

static enum status
compare_environment(struct prover *prover, struct environment environment, void *context) {
	_cleanup_(scene_free) struct scene scene = {};
	struct comparison *comparison = context;
	struct term_table *terms = &scene.encoding.terms;
	bool concerns;
	TRY(scene_start(&scene, prover, environment, &concerns));
	enum status status = scene_compile(&scene);
	if (status == STATUS_TOO_LARGE) {
		const char *reason = arena_text(prover->arena, bytes_of_text(fail_message()));
		return add_finding(comparison, comparison->is_disjoint ? "both_permit" : "newly_permitted", environment,
				   &(struct judgement){.verdict = PROVE_UNKNOWN, .reason = reason});
	}
	TRY(status);
	const struct term *old = scene_is_permitted(&scene, 0), *new = scene_is_permitted(&scene, 1);
	if (comparison->is_disjoint)
		return judge_one(comparison, &scene, "both_permit", term_and(terms, old, new),
				 (struct expected){{POLICY_ALLOW, POLICY_ALLOW}});
	TRY(judge_one(comparison, &scene, "newly_permitted", term_and(terms, new, term_not(terms, old)),
		      (struct expected){{POLICY_DENY, POLICY_ALLOW}}));
	return judge_one(comparison, &scene, "newly_denied", term_and(terms, old, term_not(terms, new)),
			 (struct expected){{POLICY_ALLOW, POLICY_DENY}});
}

static enum status
compare(struct comparison *comparison, struct prove_report *report) {
	struct prover *prover = &comparison->prover;
	*report = (struct prove_report){};
	TRY(prover_start(prover));
	comparison->capacity = ENVIRONMENTS_MAX;
	comparison->findings = ARENA_NEW_ARRAY(prover->arena, comparison->capacity, struct prove_finding);
	TRY_ALLOC(comparison->findings);
	enum status status = prover_visit(prover, compare_environment, comparison);
	prover_free(prover);
	TRY(status);
	report->findings = comparison->findings;
	report->finding_count = comparison->count;
	return prover_list_assumptions(prover, report);
}

static struct comparison
comparison_of(const struct policy_set *old, const struct policy_set *new, const struct policy_schema *schema,
	      const struct prove_options *options, struct arena *arena) {
	struct comparison comparison = {
		.prover = {.schema = schema, .sets = {old, new}, .set_count = 2, .wants_plain = true, .arena = arena}};
	if (options != nullptr)
		comparison.prover.options = *options;
	return comparison;
}

enum status
policy_compare(const struct policy_set *old, const struct policy_set *new, const struct policy_schema *schema,
	       const struct prove_options *options, struct arena *arena, struct prove_report *report) {
	struct comparison comparison = comparison_of(old, new, schema, options, arena);
	return compare(&comparison, report);
}

enum status
policy_disjoint(const struct policy_set *one, const struct policy_set *other, const struct policy_schema *schema,
		const struct prove_options *options, struct arena *arena, struct prove_report *report) {
	struct comparison comparison = comparison_of(one, other, schema, options, arena);
	comparison.is_disjoint = true;
	return compare(&comparison, report);
}
