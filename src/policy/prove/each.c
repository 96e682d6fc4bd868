/* What can be said of single policies: whether they can fail, ever say anything, and make any difference. */
#include "policy/prove/scene.h"
#include "policy/set.h"

enum check { CHECK_NEVER_ERRORS, CHECK_DEAD, CHECK_SHADOWED, CHECK_COUNT };

static const char *const check_names[CHECK_COUNT] = {
	[CHECK_NEVER_ERRORS] =
		"never_errors",        /* proved: it cannot fail, where the entities that are spoken of are there */
	[CHECK_DEAD] = "dead",         /* proved: it is never satisfied */
	[CHECK_SHADOWED] = "shadowed", /* proved: without it everything would be decided as it is */
};

struct each {
	struct prover prover;
	struct prove_finding *findings; /* by policy and check */
};

/* What the witness is to show of the policy. */
struct wanted {
	size_t policy;
	enum check check;
};

static bool
decides_alone(const struct scene *scene, const struct policy_result *result, size_t policy) {
	const struct policy_set *set = scene->prover->sets[0];
	if (result->reason_count == 1 && result->reasons[0] == policy)
		return true;
	size_t forbids = 0;
	bool is_it = false;
	for (size_t i = 0; i < result->error_count; i++)
		if (set->policies[result->errors[i].policy].effect == POLICY_FORBID) {
			forbids++;
			is_it |= result->errors[i].policy == policy;
		}
	return result->denied_by_error && forbids == 1 && is_it;
}

static enum status
confirm(struct scene *scene, struct prove_witness *witness, void *context, bool *agrees) {
	_cleanup_(arena_free) struct arena scratch = {};
	const struct wanted *wanted = context;
	struct replayed replayed;
	TRY(scene_replay(scene, 0, witness, &scratch, &replayed));
	enum policy_outcome outcome = replayed.policies[wanted->policy].outcome;
	bool is_permit = scene->prover->sets[0]->policies[wanted->policy].effect == POLICY_PERMIT;
	if (wanted->check == CHECK_NEVER_ERRORS)
		*agrees = outcome == POLICY_ERRORED;
	else if (wanted->check == CHECK_DEAD)
		*agrees = outcome == POLICY_SATISFIED;
	else
		*agrees = (replayed.result.decision == POLICY_ALLOW) == is_permit &&
			  decides_alone(scene, &replayed.result, wanted->policy);
	return OK;
}

/* All entities that any policy speaks of are in the store. */
static const struct term *
all_there(struct scene *scene) {
	struct encoding *encoding = &scene->encoding;
	const struct term *all = encoding->terms.yes;
	for (size_t i = 0; i < encoding->entities.count; i++) {
		struct symbolic entity =
			symbolic_entity(encoding->entities.items[i].type, encoding->entities.items[i].id);
		all = term_and(&encoding->terms, all, entity_exists(encoding, &entity));
	}
	return all;
}

/* The policy alone makes the decision: with it permitted and without it denied, or the other way. */
static const struct term *
makes_a_difference(struct scene *scene, size_t policy) {
	const struct policy_set *set = scene->prover->sets[0];
	struct term_table *terms = &scene->encoding.terms;
	bool is_permit = set->policies[policy].effect == POLICY_PERMIT;
	const struct term **others = ARENA_NEW_ARRAY(&scene->arena, set->policy_count, const struct term *);
	const struct term **silent = ARENA_NEW_ARRAY(&scene->arena, set->policy_count, const struct term *);
	size_t other_count = 0, silent_count = 0;
	if (others == nullptr || silent == nullptr) {
		terms->failed = true;
		return terms->no;
	}
	for (size_t i = 0; i < set->policy_count; i++) {
		const struct compiled *other = &scene->policies[0][i];
		if (i == policy)
			continue;
		if (set->policies[i].effect == POLICY_PERMIT)
			others[other_count++] = other->satisfied;
		else
			silent[silent_count++] = scene_is_silent(scene, other);
	}
	const struct compiled *it = &scene->policies[0][policy];
	const struct term *permitted = term_any(terms, others, other_count);
	const struct term *speaks = is_permit ? it->satisfied : term_or(terms, it->satisfied, it->errs);
	const struct term *all[] = {speaks, is_permit ? term_not(terms, permitted) : permitted,
				    term_all(terms, silent, silent_count)};
	return term_all(terms, all, ARRAY_LENGTH(all));
}

static enum status
check_one(struct each *each, struct scene *scene, struct wanted wanted) {
	struct prove_finding *finding = &each->findings[wanted.policy * CHECK_COUNT + wanted.check];
	const struct compiled *policy = &scene->policies[0][wanted.policy];
	struct judgement judgement;
	if (finding->verdict == PROVE_COUNTEREXAMPLE || term_is_false(policy->scope))
		return OK;
	finding->environments++;
	const struct term *term = wanted.check == CHECK_NEVER_ERRORS
					  ? term_and(&scene->encoding.terms, policy->errs, all_there(scene))
				  : wanted.check == CHECK_DEAD ? policy->satisfied
							       : makes_a_difference(scene, wanted.policy);
	TRY(scene_judge(scene, term, confirm, &wanted, &judgement));
	if (judgement.verdict == PROVE_COUNTEREXAMPLE) {
		finding->verdict = PROVE_COUNTEREXAMPLE;
		finding->witness = judgement.witness;
		finding->reason = nullptr;
	} else if (judgement.verdict == PROVE_UNKNOWN) {
		finding->verdict = PROVE_UNKNOWN;
		finding->reason = judgement.reason;
	}
	return OK;
}

static enum status
check_environment(struct prover *prover, struct environment environment, void *context) {
	_cleanup_(scene_free) struct scene scene = {};
	struct each *each = context;
	bool concerns;
	TRY(scene_start(&scene, prover, environment, &concerns));
	TRY(scene_compile(&scene));
	for (size_t i = 0; i < prover->sets[0]->policy_count; i++)
		for (enum check check = 0; check < CHECK_COUNT; check++)
			TRY(check_one(each, &scene, (struct wanted){i, check}));
	return OK;
}

enum status
policy_check_each(const struct policy_set *policies, const struct policy_schema *schema,
		  const struct prove_options *options, struct arena *arena, struct prove_report *report) {
	struct each each = {.prover = {.schema = schema, .sets = {policies}, .set_count = 1, .arena = arena}};
	size_t count = policies->policy_count * CHECK_COUNT;
	if (options != nullptr)
		each.prover.options = *options;
	*report = (struct prove_report){};
	TRY(prover_start(&each.prover));
	each.findings = ARENA_NEW_ARRAY(arena, count, struct prove_finding);
	TRY_ALLOC(each.findings);
	for (size_t i = 0; i < count; i++) {
		each.findings[i].subject = arena_copy(arena, policies->policies[i / CHECK_COUNT].id);
		each.findings[i].check = check_names[i % CHECK_COUNT];
		each.findings[i].verdict = PROVE_PROVED;
		TRY_ALLOC(each.findings[i].subject.data);
	}
	enum status status = prover_visit(&each.prover, check_environment, &each);
	prover_free(&each.prover);
	TRY(status);
	report->findings = each.findings;
	report->finding_count = count;
	return prover_list_assumptions(&each.prover, report);
}
