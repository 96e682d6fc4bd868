#include "policy/prove.h"

#include "policy/prove/precheck.h"
#include "policy/prove/scene.h"
#include "policy/set.h"

const char *
prove_verdict_name(enum prove_verdict verdict) {
	static const char *const names[] = {
		[PROVE_UNKNOWN] = "unknown",
		[PROVE_PROVED] = "proved",
		[PROVE_COUNTEREXAMPLE] = "counterexample",
	};
	return names[verdict];
}

/* --- One invariant, over all environments --- */

struct progress {
	struct prove_finding finding;
	bool is_decided; /* by a counterexample */
	bool *carries;   /* by policy */
};

struct proof {
	struct prover prover;
	struct progress *progress; /* by invariant */
	size_t count;
};

static void
give_up(struct progress *progress, const char *reason) {
	progress->finding.verdict = PROVE_UNKNOWN;
	if (progress->finding.reason == nullptr)
		progress->finding.reason = reason;
}

/* The terms of a question that stand beside each permit: what must hold for the invariant to be broken. */
static const struct term *
broken(const struct scene *scene, size_t invariant) {
	struct term_table *terms = (struct term_table *)(uintptr_t)&scene->encoding.terms;
	const struct compiled *it = &scene->invariants[invariant];
	return term_and(terms, scene->assumed, term_or(terms, it->satisfied, it->errs));
}

/* --- What needs no solver --- */

constexpr size_t GUARDS_MAX = 12;
constexpr size_t SYMBOLS_MAX = 256;

/* Forbids that speak of nothing but what the invariant speaks of: mostly they are what carries it. */
struct guards {
	uint32_t policies[GUARDS_MAX];
	const struct term *silent[GUARDS_MAX];
	size_t count;
	const struct term *spoken[SYMBOLS_MAX]; /* applications in the invariant, and all that was seen besides */
	size_t spoken_count;
	bool is_full;
};

static bool
is_spoken(const struct guards *guards, const struct term *term) {
	for (size_t i = 0; i < guards->spoken_count; i++)
		if (guards->spoken[i] == term)
			return true;
	return false;
}

/* Recursion is bounded by what expressions nest. */
static void
note_spoken(struct guards *guards, const struct term *term) {
	if (guards->is_full || term_is_constant(term))
		return;
	if (term->kind == TERM_APPLY && !is_spoken(guards, term)) {
		if (guards->spoken_count == SYMBOLS_MAX)
			guards->is_full = true;
		else
			guards->spoken[guards->spoken_count++] = term;
	}
	for (uint32_t i = 0; i < term->count; i++)
		note_spoken(guards, term->operands[i]);
}

static bool
speaks_of_known(const struct guards *guards, const struct term *term, unsigned *left) {
	if (*left == 0)
		return false;
	--*left;
	if (term->kind == TERM_APPLY && !is_spoken(guards, term))
		return false;
	for (uint32_t i = 0; i < term->count; i++)
		if (!speaks_of_known(guards, term->operands[i], left))
			return false;
	return true;
}

static void
find_guards(struct scene *scene, const struct term *bad, struct guards *guards) {
	constexpr unsigned SIZE_MAX_OF_ONE = 64;
	const struct policy_set *set = scene->prover->sets[0];
	guards->count = guards->spoken_count = 0;
	guards->is_full = false;
	note_spoken(guards, bad);
	for (size_t i = 0; i < set->policy_count && guards->count < GUARDS_MAX && !guards->is_full; i++) {
		const struct compiled *forbid = &scene->policies[0][i];
		unsigned left = SIZE_MAX_OF_ONE;
		if (set->policies[i].effect != POLICY_FORBID || term_is_false(forbid->satisfied) ||
		    !speaks_of_known(guards, forbid->satisfied, &left) || !speaks_of_known(guards, forbid->errs, &left))
			continue;
		guards->policies[guards->count] = (uint32_t)i;
		guards->silent[guards->count++] = scene_is_silent(scene, forbid);
	}
}

/* without: a guard that is left out; GUARDS_MAX: none. */
static bool
is_impossible(const struct guards *guards, size_t without, const struct term *bad, const struct term *permit) {
	const struct term *terms[GUARDS_MAX + 2] = {bad, permit};
	size_t count = 2;
	for (size_t i = 0; i < guards->count; i++)
		if (i != without)
			terms[count++] = guards->silent[i];
	return precheck_is_impossible(terms, count);
}

/* Leaves out what no permit needs; what is left carries the proof. */
static void
drop_guards(struct guards *guards, const struct term *bad, const struct term *const *held, size_t count) {
	for (size_t at = guards->count; at-- > 0;) {
		bool is_needed = false;
		for (size_t i = 0; i < count && !is_needed; i++)
			is_needed = !is_impossible(guards, at, bad, held[i]);
		if (is_needed)
			continue;
		guards->count--;
		guards->policies[at] = guards->policies[guards->count];
		guards->silent[at] = guards->silent[guards->count];
	}
}

/* Permits that could be satisfied where the invariant is broken, as far as can be seen without a solver. */
static const struct term *
possible_permits(struct scene *scene, const struct term *bad, struct progress *progress) {
	const struct policy_set *set = scene->prover->sets[0];
	struct term_table *terms = &scene->encoding.terms;
	const struct term **permits = ARENA_NEW_ARRAY(&scene->arena, set->policy_count, const struct term *);
	const struct term **held = ARENA_NEW_ARRAY(&scene->arena, set->policy_count, const struct term *);
	struct guards *guards = ARENA_NEW(&scene->arena, struct guards);
	size_t count = 0, held_count = 0;
	if (permits == nullptr || held == nullptr || guards == nullptr) {
		terms->failed = true;
		return terms->no;
	}
	find_guards(scene, bad, guards);
	for (size_t i = 0; i < set->policy_count; i++) {
		const struct term *satisfied = scene->policies[0][i].satisfied;
		if (set->policies[i].effect != POLICY_PERMIT || term_is_false(satisfied))
			continue;
		progress->carries[i] = true;
		if (is_impossible(guards, GUARDS_MAX, bad, satisfied))
			held[held_count++] = satisfied;
		else
			permits[count++] = satisfied;
	}
	drop_guards(guards, bad, held, held_count);
	for (size_t i = 0; i < guards->count; i++)
		progress->carries[guards->policies[i]] = true;
	return term_any(terms, permits, count);
}

struct never {
	struct scene *scene;
	struct progress *progress;
	size_t invariant;
	struct question question; /* 0: broken, 1: permits, then forbids */
	bool *is_added;           /* by policy */
	uint32_t *policies;       /* of switch number 2 on */
};

/* The forbids that the evaluator says deny the request are what the question lacks. */
static enum status
add_forbid(struct never *never, size_t policy, bool *is_new) {
	const struct policy_set *set = never->scene->prover->sets[0];
	if (set->policies[policy].effect != POLICY_FORBID || never->is_added[policy])
		return OK;
	*is_new = true;
	never->is_added[policy] = true;
	never->policies[never->question.count] = (uint32_t)policy;
	return question_add(never->scene, &never->question,
			    scene_is_silent(never->scene, &never->scene->policies[0][policy]));
}

static enum status
add_forbids(struct never *never, const struct policy_result *result, bool *is_new) {
	*is_new = false;
	for (size_t i = 0; i < result->reason_count; i++)
		TRY(add_forbid(never, result->reasons[i], is_new));
	for (size_t i = 0; i < result->error_count; i++)
		TRY(add_forbid(never, result->errors[i].policy, is_new));
	return OK;
}

static bool
is_broken_by(const struct scene *scene, size_t invariant, const struct replayed *replayed) {
	const struct prover *prover = scene->prover;
	for (size_t i = 0; i < prover->invariants->policy_count; i++)
		if (scene_is_assumption(prover, i) && replayed->invariants[i].outcome == POLICY_SATISFIED)
			return false;
	enum policy_outcome outcome = replayed->invariants[invariant].outcome;
	return outcome == POLICY_SATISFIED || outcome == POLICY_ERRORED;
}

static enum status
confirm_broken(struct scene *scene, struct prove_witness *witness, void *context, bool *agrees) {
	_cleanup_(arena_free) struct arena scratch = {};
	struct replayed replayed;
	TRY(scene_replay(scene, 0, witness, &scratch, &replayed));
	*agrees = replayed.result.decision == POLICY_ALLOW && is_broken_by(scene, *(const size_t *)context, &replayed);
	return OK;
}

/* True once there is an answer: a counterexample, or a disagreement. */
static enum status
take_model(struct never *never, bool *is_done) {
	_cleanup_(arena_free) struct arena scratch = {};
	struct prove_witness *witness;
	struct replayed replayed;
	*is_done = true;
	TRY(scene_witness(never->scene, &witness));
	TRY(scene_replay(never->scene, 0, witness, &scratch, &replayed));
	if (replayed.result.decision == POLICY_ALLOW) {
		if (!is_broken_by(never->scene, never->invariant, &replayed)) {
			give_up(never->progress, scene_disagreement(never->scene));
			return OK;
		}
		TRY(scene_make_plain(never->scene, &never->question, confirm_broken, &never->invariant, &witness));
		never->progress->finding.verdict = PROVE_COUNTEREXAMPLE;
		never->progress->finding.witness = witness;
		never->progress->is_decided = true;
		return OK;
	}
	bool is_new;
	TRY(add_forbids(never, &replayed.result, &is_new));
	*is_done = !is_new;
	if (!is_new)
		give_up(never->progress, scene_disagreement(never->scene));
	return OK;
}

/* Leaves out one forbid after the other that the proof does not need: what is left carries it. */
static enum status
note_carriers(struct never *never, struct question *needed) {
	constexpr size_t TRIES_MAX = 32;
	enum solver_answer answer;
	const char *reason;
	for (size_t at = 0, tries = 0; at < needed->count && tries < TRIES_MAX; tries++) {
		struct question *fewer = ARENA_NEW(&never->scene->arena, struct question);
		TRY_ALLOC(fewer);
		for (size_t i = 0; i < needed->count; i++)
			if (i != at)
				fewer->switches[fewer->count++] = needed->switches[i];
		TRY(scene_ask(never->scene, fewer, &answer, &reason, nullptr));
		if (answer == SOLVER_IMPOSSIBLE)
			*needed = *fewer;
		else
			at++;
	}
	for (size_t i = 0; i < needed->count; i++)
		for (size_t j = 2; j < never->question.count; j++)
			if (never->question.switches[j] == needed->switches[i])
				never->progress->carries[never->policies[j]] = true;
	return OK;
}

static enum status
ask_never(struct never *never) {
	struct question *needed = ARENA_NEW(&never->scene->arena, struct question);
	TRY_ALLOC(needed);
	for (bool is_done = false; !is_done;) {
		enum solver_answer answer;
		const char *reason = nullptr;
		TRY(scene_ask(never->scene, &never->question, &answer, &reason, needed));
		if (answer == SOLVER_IMPOSSIBLE)
			return never->question.count > 2 ? note_carriers(never, needed) : OK;
		if (answer == SOLVER_UNKNOWN) {
			give_up(never->progress, reason);
			return OK;
		}
		TRY(take_model(never, &is_done));
	}
	return OK;
}

/* No request that the invariant forbids is permitted. */
static enum status
prove_never(struct scene *scene, size_t invariant, struct progress *progress) {
	size_t policies = scene->prover->sets[0]->policy_count;
	const struct term *bad = broken(scene, invariant);
	if (term_is_false(bad))
		return OK;
	const struct term *permits = possible_permits(scene, bad, progress);
	TRY(encoding_status(&scene->encoding));
	if (term_is_false(permits))
		return OK;
	struct never *never = ARENA_NEW(&scene->arena, struct never);
	TRY_ALLOC(never);
	*never = (struct never){.scene = scene, .progress = progress, .invariant = invariant};
	never->is_added = ARENA_NEW_ARRAY(&scene->arena, policies, bool);
	never->policies = ARENA_NEW_ARRAY(&scene->arena, policies + 2, uint32_t);
	TRY_ALLOC(never->is_added);
	TRY_ALLOC(never->policies);
	TRY(question_add(scene, &never->question, bad));
	TRY(question_add(scene, &never->question, permits));
	return ask_never(never);
}

/* --- What must always be permitted --- */

static enum status
confirm_denied(struct scene *scene, struct prove_witness *witness, void *context, bool *agrees) {
	_cleanup_(arena_free) struct arena scratch = {};
	struct replayed replayed;
	TRY(scene_replay(scene, 0, witness, &scratch, &replayed));
	*agrees = replayed.result.decision == POLICY_DENY && is_broken_by(scene, *(const size_t *)context, &replayed);
	return OK;
}

static enum status
prove_always(struct scene *scene, size_t invariant, struct progress *progress) {
	struct term_table *terms = &scene->encoding.terms;
	struct judgement judgement;
	const struct term *denied = term_not(terms, scene_is_permitted(scene, 0));
	const struct term *terms_of_it[] = {scene->assumed, scene->invariants[invariant].satisfied, denied};
	for (size_t i = 0; i < scene->prover->sets[0]->policy_count; i++)
		if (scene->prover->sets[0]->policies[i].effect == POLICY_PERMIT &&
		    !term_is_false(scene->policies[0][i].satisfied))
			progress->carries[i] = true;
	TRY(scene_judge(scene, term_all(terms, terms_of_it, ARRAY_LENGTH(terms_of_it)), confirm_denied, &invariant,
			&judgement));
	if (judgement.verdict == PROVE_UNKNOWN)
		give_up(progress, judgement.reason);
	if (judgement.verdict != PROVE_COUNTEREXAMPLE)
		return OK;
	progress->finding.verdict = PROVE_COUNTEREXAMPLE;
	progress->finding.witness = judgement.witness;
	progress->is_decided = true;
	return OK;
}

/* --- All of them --- */

/* What a scene is too large for is unknown, for each invariant that it concerns. */
static enum status
or_unknown(enum status status, struct progress *progress, struct arena *arena) {
	if (status != STATUS_TOO_LARGE && status != STATUS_UNSUPPORTED)
		return status;
	const char *reason = arena_text(arena, bytes_of_text(fail_message()));
	TRY_ALLOC(reason);
	give_up(progress, reason);
	return OK;
}

static enum status
prove_invariants(struct proof *proof, struct scene *scene, enum status compiled) {
	for (size_t i = 0; i < proof->count; i++) {
		struct progress *progress = &proof->progress[i];
		const struct compiled *invariant = &scene->invariants[i];
		bool concerns = !term_is_false(invariant->satisfied) || !term_is_false(invariant->errs);
		if (progress->is_decided || !concerns || scene_is_assumption(&proof->prover, i))
			continue;
		progress->finding.environments++;
		enum status status = compiled;
		if (status == OK && proof->prover.invariants->policies[i].effect == POLICY_FORBID)
			status = prove_never(scene, i, progress);
		else if (status == OK)
			status = prove_always(scene, i, progress);
		TRY(or_unknown(status, progress, proof->prover.arena));
	}
	return OK;
}

static enum status
prove_environment(struct prover *prover, struct environment environment, void *context) {
	_cleanup_(scene_free) struct scene scene = {};
	bool concerns;
	TRY(scene_start(&scene, prover, environment, &concerns));
	if (!concerns)
		return OK;
	enum status status = scene_compile(&scene);
	if (status != OK && status != STATUS_TOO_LARGE)
		return status;
	return prove_invariants(context, &scene, status);
}

static enum status
start(struct proof *proof) {
	struct prover *prover = &proof->prover;
	TRY(prover_start(prover));
	proof->count = prover->invariants->policy_count;
	proof->progress = ARENA_NEW_ARRAY(prover->arena, proof->count, struct progress);
	TRY_ALLOC(proof->progress);
	for (size_t i = 0; i < proof->count; i++) {
		struct progress *progress = &proof->progress[i];
		const struct compiled_policy *invariant = &prover->invariants->policies[i];
		progress->finding = (struct prove_finding){
			.subject = arena_copy(prover->arena, invariant->id),
			.check = invariant->effect == POLICY_FORBID ? "never" : "always",
			.verdict = PROVE_PROVED,
		};
		progress->carries = ARENA_NEW_ARRAY(prover->arena, prover->sets[0]->policy_count, bool);
		TRY_ALLOC(progress->finding.subject.data);
		TRY_ALLOC(progress->carries);
	}
	return OK;
}

static enum status
conclude(const struct proof *proof, struct progress *progress) {
	const struct policy_set *set = proof->prover.sets[0];
	struct arena *arena = proof->prover.arena;
	struct prove_finding *finding = &progress->finding;
	if (progress->finding.witness == nullptr && finding->reason != nullptr)
		finding->verdict = PROVE_UNKNOWN;
	if (finding->verdict != PROVE_PROVED)
		return OK;
	struct bytes *carriers = ARENA_NEW_ARRAY(arena, set->policy_count, struct bytes);
	TRY_ALLOC(carriers);
	for (size_t i = 0; i < set->policy_count; i++)
		if (progress->carries[i]) {
			carriers[finding->carrier_count] = arena_copy(arena, set->policies[i].id);
			TRY_ALLOC(carriers[finding->carrier_count].data);
			finding->carrier_count++;
		}
	finding->carriers = carriers;
	return OK;
}

static enum status
report_findings(const struct proof *proof, struct prove_report *report) {
	struct prove_finding *findings = ARENA_NEW_ARRAY(proof->prover.arena, proof->count, struct prove_finding);
	TRY_ALLOC(findings);
	for (size_t i = 0; i < proof->count; i++) {
		if (scene_is_assumption(&proof->prover, i))
			continue;
		TRY(conclude(proof, &proof->progress[i]));
		findings[report->finding_count++] = proof->progress[i].finding;
	}
	report->findings = findings;
	return prover_list_assumptions(&proof->prover, report);
}

enum status
policy_prove(const struct policy_set *policies, const struct policy_schema *schema, const struct policy_set *invariants,
	     const struct prove_options *options, struct arena *arena, struct prove_report *report) {
	struct proof proof = {.prover = {.schema = schema,
					 .sets = {policies},
					 .set_count = 1,
					 .invariants = invariants,
					 .wants_plain = true,
					 .arena = arena}};
	if (options != nullptr)
		proof.prover.options = *options;
	*report = (struct prove_report){};
	if (!policies->is_sealed || !invariants->is_sealed)
		return fail(STATUS_INTERNAL, "prove.unsealed: policies and invariants are to be sealed");
	TRY(start(&proof));
	enum status status = prover_visit(&proof.prover, prove_environment, &proof);
	prover_free(&proof.prover);
	TRY(status);
	return report_findings(&proof, report);
}

/* --- For other solvers --- */

static enum status
write_formula(struct scene *scene, struct buffer *text) {
	struct question *question = ARENA_NEW(&scene->arena, struct question);
	TRY_ALLOC(question);
	const struct term *bad = term_and(&scene->encoding.terms, broken(scene, 0), scene_is_permitted(scene, 0));
	TRY(question_add(scene, question, bad));
	buffer_append_text(text, solver_text(scene->prover->solver));
	buffer_append_format(text, "(check-sat-assuming (%s))\n", solver_switch_name(scene->prover->solver, 0));
	return buffer_status(text);
}

static enum status
try_formula(struct prover *prover, struct environment environment, void *context) {
	_cleanup_(scene_free) struct scene scene = {};
	struct buffer *text = context;
	bool concerns;
	if (text->len > 0)
		return OK;
	TRY(scene_start(&scene, prover, environment, &concerns));
	if (!concerns)
		return OK;
	TRY(scene_compile(&scene));
	return write_formula(&scene, text);
}

enum status
prove_formula(const struct policy_set *policies, const struct policy_schema *schema,
	      const struct policy_set *invariants, struct buffer *text) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(prover_free) struct prover prover = {
		.schema = schema, .sets = {policies}, .set_count = 1, .invariants = invariants, .arena = &arena};
	TRY(prover_start(&prover));
	return prover_visit(&prover, try_formula, text);
}
