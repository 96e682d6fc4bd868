#include "policy/prove/scene.h"

#include <stdlib.h>

#include "policy/prove/precheck.h"
#include "policy/set.h"

constexpr unsigned LESSONS_MAX = 64; /* how often patterns may teach the solver, for one question */

enum status
prover_start(struct prover *prover) {
	static const char *const reported[] = {"zone.mismatch", "zone.seen", nullptr};
	if (prover->options.reported == nullptr)
		prover->options.reported = reported;
	if (prover->options.effort == 0)
		prover->options.effort = PROVE_EFFORT;
	if (prover->options.memory_mib == 0)
		prover->options.memory_mib = PROVE_MEMORY_MIB;
	return OK;
}

void
prover_free(struct prover *prover) {
	solver_destroy(&prover->solver);
}

enum status
prover_visit(struct prover *prover,
	     enum status (*visit)(struct prover *prover, struct environment environment, void *context),
	     void *context) {
	const struct policy_schema *schema = prover->schema;
	for (uint32_t i = 0; i < policy_schema_action_count(schema); i++) {
		const struct schema_action *action = policy_schema_action(schema, i);
		for (size_t j = 0; j < action->principal_count; j++)
			for (size_t k = 0; k < action->resource_count; k++)
				TRY(visit(prover, (struct environment){i, action->principals[j], action->resources[k]},
					  context));
	}
	return OK;
}

enum status
prover_list_assumptions(const struct prover *prover, struct prove_report *report) {
	static const char *const always[] = {
		"request: it fits the schema, and so do its context and the entities",
		"entities: principal and resource are in the store; what else is there is free",
		"numbers: every Long of facts and entities is within 2^53-1 either way (docs/facts.md)",
	};
	size_t most = ARRAY_LENGTH(always) + 1 + (prover->invariants == nullptr ? 0 : prover->invariants->policy_count);
	const char **list = ARENA_NEW_ARRAY(prover->arena, most, const char *);
	TRY_ALLOC(list);
	for (size_t i = 0; i < ARRAY_LENGTH(always); i++)
		list[report->assumption_count++] = always[i];
	if (!prover->options.gateway_hostile)
		list[report->assumption_count++] = "gateway: what it reports is true";
	for (size_t i = 0; prover->invariants != nullptr && i < prover->invariants->policy_count; i++) {
		struct policy_view view;
		struct bytes why;
		policy_set_view(prover->invariants, i, &view);
		if (!policy_view_annotation(&view, "assume", &why))
			continue;
		const char *text = arena_format(prover->arena, "%.*s: %.*s", BYTES_ARGS(view.id), BYTES_ARGS(why));
		TRY_ALLOC(text);
		list[report->assumption_count++] = text;
	}
	report->assumptions = list;
	report->solver = solver_version();
	return OK;
}

bool
scene_is_assumption(const struct prover *prover, size_t invariant) {
	struct policy_view view;
	struct bytes why;
	policy_set_view(prover->invariants, invariant, &view);
	return policy_view_annotation(&view, "assume", &why);
}

/* --- The truth beside what a hostile gateway reports --- */

static struct symbolic replace_path(struct encoding *encoding, const struct symbolic *record, const struct type *type,
				    struct bytes path, struct bytes whole);

static struct symbolic
replaced_field(struct encoding *encoding, const struct symbolic_field *field, const struct type_field *type,
	       struct bytes rest, struct bytes whole, const struct term **present) {
	struct bytes name = symbolic_path(encoding, BYTES_OF_LITERAL("truth"), ".", whole);
	*present = field->present;
	if (rest.len > 0 && field->value->type == VALUE_RECORD)
		return replace_path(encoding, field->value, type->type, rest, whole);
	if (rest.len > 0)
		return *field->value;
	if (!type->is_required)
		*present = symbolic_present(encoding, name, nullptr, 0);
	return symbolic_free(encoding, name, nullptr, 0, type->type);
}

/* The record with another free value at the path, if it has it. */
static struct symbolic
replace_path(struct encoding *encoding, const struct symbolic *record, const struct type *type, struct bytes path,
	     struct bytes whole) {
	struct symbolic made = *record;
	const uint8_t *dot = memchr(path.data, '.', path.len);
	size_t length = dot == nullptr ? path.len : (size_t)(dot - path.data);
	struct bytes first = bytes_of(path.data, length);
	struct bytes rest = dot == nullptr ? (struct bytes){} : bytes_of(dot + 1, path.len - length - 1);
	struct symbolic_field *fields = ARENA_NEW_ARRAY(encoding->arena, record->record.count, struct symbolic_field);
	struct symbolic *value = ARENA_NEW(encoding->arena, struct symbolic);
	if (fields == nullptr || value == nullptr) {
		encoding->failed = true;
		return made;
	}
	for (size_t i = 0; i < record->record.count; i++) {
		fields[i] = record->record.fields[i];
		if (!bytes_equal(fields[i].name, first))
			continue;
		*value = replaced_field(encoding, &record->record.fields[i], &type->fields[i], rest, whole,
					&fields[i].present);
		fields[i].value = value;
	}
	made.record.fields = fields;
	return made;
}

static void
set_contexts(struct scene *scene) {
	struct encoding *encoding = &scene->encoding;
	const struct prove_options *options = &scene->prover->options;
	const struct type *type = policy_schema_action(encoding->schema, encoding->environment.action)->context;
	scene->seen = scene->truth = encoding->context;
	for (size_t i = 0; options->gateway_hostile && options->reported[i] != nullptr; i++) {
		struct bytes path = bytes_of_text(options->reported[i]);
		scene->truth = replace_path(encoding, &scene->truth, type, path, path);
	}
}

/* --- Compiling --- */

static enum status
compile_set(struct scene *scene, const struct policy_set *set, struct compiled **compiled) {
	*compiled = ARENA_NEW_ARRAY(&scene->arena, set->policy_count, struct compiled);
	TRY_ALLOC(*compiled);
	for (size_t i = 0; i < set->policy_count; i++)
		compile_policy(&scene->encoding, &set->policies[i], &(*compiled)[i]);
	return encoding_status(&scene->encoding);
}

enum status
scene_start(struct scene *scene, struct prover *prover, struct environment environment, bool *concerns) {
	*scene = (struct scene){.prover = prover};
	TRY(encoding_start(&scene->encoding, prover->schema, environment, &scene->arena));
	set_contexts(scene);
	scene->assumed = scene->encoding.terms.yes;
	*concerns = prover->invariants == nullptr;
	if (prover->invariants == nullptr)
		return OK;
	scene->encoding.context = scene->truth;
	TRY(compile_set(scene, prover->invariants, &scene->invariants));
	struct term_table *terms = &scene->encoding.terms;
	for (size_t i = 0; i < prover->invariants->policy_count; i++) {
		const struct compiled *invariant = &scene->invariants[i];
		if (!scene_is_assumption(prover, i))
			*concerns |= !term_is_false(invariant->satisfied) || !term_is_false(invariant->errs);
		else
			scene->assumed = term_and(terms, scene->assumed, term_not(terms, invariant->satisfied));
	}
	return encoding_status(&scene->encoding);
}

enum status
scene_compile(struct scene *scene) {
	scene->encoding.context = scene->seen;
	for (size_t i = 0; i < scene->prover->set_count; i++)
		TRY(compile_set(scene, scene->prover->sets[i], &scene->policies[i]));
	return encoding_finish(&scene->encoding);
}

void
scene_free(struct scene *scene) {
	if (scene->is_open)
		solver_end(scene->prover->solver);
	encoding_free(&scene->encoding);
	arena_free(&scene->arena);
}

/* --- Asking --- */

static enum status
open_solver(struct scene *scene) {
	struct prover *prover = scene->prover;
	if (scene->is_open)
		return OK;
	if (prover->solver == nullptr)
		TRY(solver_create(prover->options.memory_mib, &prover->solver));
	TRY(solver_begin(prover->solver, &scene->encoding.terms));
	scene->is_open = true;
	return OK;
}

enum status
question_add(struct scene *scene, struct question *question, const struct term *term) {
	TRY(encoding_status(&scene->encoding));
	TRY(open_solver(scene));
	if (question->count == QUESTION_MAX)
		return fail(STATUS_TOO_LARGE, "prove.question: more than %zu parts", QUESTION_MAX);
	return solver_add(scene->prover->solver, term, &question->switches[question->count++]);
}

static enum status
note_reason(struct scene *scene, const char **reason, const char *text) {
	*reason = arena_text(scene->prover->arena, bytes_of_text(text));
	TRY_ALLOC(*reason);
	return OK;
}

enum status
scene_ask(struct scene *scene, const struct question *question, enum solver_answer *answer, const char **reason,
	  struct question *needed) {
	struct prover *prover = scene->prover;
	size_t needed_count = 0;
	for (unsigned lesson = 0; lesson < LESSONS_MAX; lesson++) {
		TRY(solver_ask(prover->solver, question->switches, question->count, prover->options.effort, answer,
			       needed == nullptr ? nullptr : needed->switches, &needed_count));
		if (needed != nullptr)
			needed->count = needed_count;
		if (*answer == SOLVER_UNKNOWN) {
			const char *text = arena_format(prover->arena, "prove.effort: the solver gave up: %s",
							solver_reason(prover->solver));
			TRY_ALLOC(text);
			*reason = text;
		}
		if (*answer != SOLVER_POSSIBLE)
			return OK;
		_cleanup_(reading_free) struct reading reading = {&scene->encoding, prover->solver, &scene->arena};
		bool again;
		enum status status = reading_settle(&reading, &again);
		if (status == STATUS_TOO_LARGE) {
			*answer = SOLVER_UNKNOWN;
			return note_reason(scene, reason, fail_message());
		}
		TRY(status);
		if (!again)
			return OK;
	}
	*answer = SOLVER_UNKNOWN;
	return note_reason(scene, reason, "prove.like: the patterns lead from one string to the next");
}

enum status
scene_witness(struct scene *scene, struct prove_witness **witness) {
	struct prover *prover = scene->prover;
	_cleanup_(reading_free) struct reading reading = {&scene->encoding, prover->solver, prover->arena};
	bool again;
	*witness = ARENA_NEW(prover->arena, struct prove_witness);
	TRY_ALLOC(*witness);
	TRY(reading_settle(&reading, &again)); /* names the strings once more, as scene_ask() found them */
	if (again)
		return fail(STATUS_INTERNAL, "prove.like: the strings of a model are no longer what they were");
	return reading_witness(&reading, &scene->seen, prover->options.gateway_hostile ? &scene->truth : nullptr,
			       *witness);
}

/* --- What the evaluator says --- */

static enum status
make_store(const struct scene *scene, const struct prove_witness *witness, struct policy_entities **entities) {
	const struct policy_schema *schema = scene->prover->schema;
	_cleanup_(policy_entities_destroy) struct policy_entities *made = nullptr;
	TRY(policy_entities_create(&made));
	for (size_t i = 0; i < witness->entity_count; i++)
		TRY(policy_entities_put(made, &witness->entities[i]));
	/* Actions and what they are in, by the schema. */
	for (uint32_t i = 0; i < policy_schema_action_count(schema); i++) {
		const struct schema_action *action = policy_schema_action(schema, i);
		struct entity_uid *parents = calloc(action->ancestor_count + 1, sizeof *parents);
		TRY_ALLOC(parents);
		for (size_t j = 0; j < action->ancestor_count; j++)
			parents[j] = policy_schema_action(schema, action->ancestors[j])->uid;
		enum status status = policy_entities_put(
			made, &(struct policy_entity){action->uid, nullptr, nullptr, parents, action->ancestor_count});
		free(parents);
		TRY(status);
	}
	TRY(policy_entities_seal(made));
	*entities = TAKE(made);
	return OK;
}

static enum status
note_decision(const struct prover *prover, const struct policy_set *set, const struct policy_result *result,
	      struct prove_witness *witness) {
	struct bytes *reasons = ARENA_NEW_ARRAY(prover->arena, result->reason_count, struct bytes);
	TRY_ALLOC(reasons);
	for (size_t i = 0; i < result->reason_count; i++) {
		reasons[i] = arena_copy(prover->arena, set->policies[result->reasons[i]].id);
		TRY_ALLOC(reasons[i].data);
	}
	witness->decision = result->decision;
	witness->reasons = reasons;
	witness->reason_count = result->reason_count;
	return OK;
}

enum status
scene_replay(struct scene *scene, size_t set, struct prove_witness *witness, struct arena *scratch,
	     struct replayed *replayed) {
	const struct prover *prover = scene->prover;
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	struct policy_request truth = witness->request;
	*replayed = (struct replayed){};
	if (witness->truth != nullptr)
		truth.context = witness->truth;
	TRY(make_store(scene, witness, &entities));
	TRY(policy_decide(prover->sets[set], entities, &witness->request, (struct policy_options){.strict = true},
			  scratch, &replayed->result));
	TRY(policy_explain(prover->sets[set], entities, &witness->request, scratch, &replayed->policies));
	TRY(note_decision(prover, prover->sets[set], &replayed->result, witness));
	return prover->invariants == nullptr
		       ? OK
		       : policy_explain(prover->invariants, entities, &truth, scratch, &replayed->invariants);
}

const char *
scene_disagreement(struct scene *scene) {
	struct arena *arena = scene->prover->arena;
	size_t line, column;
	if (scene->encoding.unsupported.count == 0)
		return "prove.replay: the evaluator decides the solver's request otherwise: this is a fault of the "
		       "program";
	const struct unsupported *first = &scene->encoding.unsupported.items[0];
	policy_ast_position(first->policy, first->place.offset, &line, &column);
	const char *text = arena_format(arena, "prove.unsupported: %s (%s:%zu:%zu)", first->construct,
					first->policy->source->file, line, column);
	return text == nullptr ? "prove.unsupported: a construct" : text;
}

/* --- What policies say together --- */

const struct term *
scene_is_silent(struct scene *scene, const struct compiled *forbid) {
	struct term_table *terms = &scene->encoding.terms;
	return term_not(terms, term_or(terms, forbid->satisfied, forbid->errs));
}

const struct term *
scene_is_permitted(struct scene *scene, size_t set) {
	const struct policy_set *policies = scene->prover->sets[set];
	struct term_table *terms = &scene->encoding.terms;
	const struct term **permits = ARENA_NEW_ARRAY(&scene->arena, policies->policy_count, const struct term *);
	const struct term **silent = ARENA_NEW_ARRAY(&scene->arena, policies->policy_count, const struct term *);
	size_t permit_count = 0, silent_count = 0;
	if (permits == nullptr || silent == nullptr) {
		terms->failed = true;
		return terms->no;
	}
	for (size_t i = 0; i < policies->policy_count; i++) {
		const struct compiled *policy = &scene->policies[set][i];
		if (policies->policies[i].effect == POLICY_PERMIT)
			permits[permit_count++] = policy->satisfied;
		else
			silent[silent_count++] = scene_is_silent(scene, policy);
	}
	return term_and(terms, term_any(terms, permits, permit_count), term_all(terms, silent, silent_count));
}

constexpr int64_t PLAIN_MAX = 1'000'000'000;
constexpr uint32_t PLAIN_EFFORT = 2'000'000;

enum status
scene_make_plain(struct scene *scene, const struct question *question, scene_confirms *confirms, void *context,
		 struct prove_witness **witness) {
	struct prover *prover = scene->prover;
	struct term_table *terms = &scene->encoding.terms;
	const struct term *plain = terms->yes, *zero = term_number(terms, 0), *most = term_number(terms, PLAIN_MAX);
	struct question *asked = ARENA_NEW(&scene->arena, struct question);
	uint32_t effort = prover->options.effort;
	enum solver_answer answer;
	const char *reason;
	struct prove_witness *other;
	bool agrees = false;
	TRY_ALLOC(asked);
	if (!prover->wants_plain)
		return OK;
	for (size_t i = 0; i < scene->encoding.longs.count; i++) {
		const struct term *number = scene->encoding.longs.items[i];
		if (solver_knows(prover->solver, number))
			plain = term_and(terms, plain,
					 term_and(terms, term_less_equal(terms, zero, number),
						  term_less_equal(terms, number, most)));
	}
	*asked = *question;
	TRY(question_add(scene, asked, plain));
	prover->options.effort = PLAIN_EFFORT;
	enum status status = scene_ask(scene, asked, &answer, &reason, nullptr);
	prover->options.effort = effort;
	TRY(status);
	if (answer != SOLVER_POSSIBLE)
		return OK;
	TRY(scene_witness(scene, &other));
	TRY(confirms(scene, other, context, &agrees));
	*witness = agrees ? other : *witness;
	return OK;
}

enum status
scene_judge(struct scene *scene, const struct term *term, scene_confirms *confirms, void *context,
	    struct judgement *judgement) {
	enum solver_answer answer;
	bool agrees = false;
	*judgement = (struct judgement){.verdict = PROVE_PROVED};
	TRY(encoding_status(&scene->encoding));
	if (term_is_false(term) || precheck_is_impossible(&term, 1))
		return OK;
	struct question *question = ARENA_NEW(&scene->arena, struct question);
	TRY_ALLOC(question);
	TRY(question_add(scene, question, term));
	TRY(scene_ask(scene, question, &answer, &judgement->reason, nullptr));
	if (answer == SOLVER_IMPOSSIBLE)
		return OK;
	judgement->verdict = PROVE_UNKNOWN;
	if (answer == SOLVER_UNKNOWN)
		return OK;
	TRY(scene_witness(scene, &judgement->witness));
	TRY(confirms(scene, judgement->witness, context, &agrees));
	if (agrees) {
		judgement->verdict = PROVE_COUNTEREXAMPLE;
		TRY(scene_make_plain(scene, question, confirms, context, &judgement->witness));
	} else {
		judgement->reason = scene_disagreement(scene);
		judgement->witness = nullptr;
	}
	return OK;
}
