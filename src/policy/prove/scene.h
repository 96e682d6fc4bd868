/*
 * One environment with everything compiled in it, and the questions that are asked there.
 *
 * A scene holds one or two sets of policies (two for comparisons) and the invariants. A model is never believed: what it says is
 * made a request, and decided by the evaluator.
 */
#ifndef GATEHOUSE_POLICY_PROVE_SCENE_H
#define GATEHOUSE_POLICY_PROVE_SCENE_H

#include "policy/prove.h"
#include "policy/prove/compile.h"
#include "policy/prove/solver.h"
#include "policy/prove/witness.h"

constexpr size_t SCENE_SETS = 2;

struct prover { /* of one report */
	const struct policy_schema *schema;
	const struct policy_set *sets[SCENE_SETS];
	size_t set_count;
	const struct policy_set *invariants; /* null: none */
	struct prove_options options;
	struct arena *arena;   /* of the report */
	bool wants_plain;      /* counterexamples are for people: small numbers, where there are any */
	struct solver *solver; /* made at the first question that needs it */
};

enum status prover_start(struct prover *prover);
/* Every environment of the schema. */
enum status prover_visit(struct prover *prover,
			 enum status (*visit)(struct prover *prover, struct environment environment, void *context),
			 void *context);
enum status prover_list_assumptions(const struct prover *prover, struct prove_report *report);
void prover_free(struct prover *prover); /* a cleanup function */

struct scene {
	struct prover *prover;
	struct arena arena;
	struct encoding encoding;
	struct symbolic seen, truth; /* contexts; the same unless the gateway is hostile */
	struct compiled *policies[SCENE_SETS];
	struct compiled *invariants;
	const struct term *assumed; /* what the @assume statements say */
	bool is_open;               /* to the solver */
};

/* Compiles the invariants alone, and tells whether any of them concerns the environment. */
enum status scene_start(struct scene *scene, struct prover *prover, struct environment environment, bool *concerns);
/* Compiles the policies as well, and all that follows from what was spoken of. */
enum status scene_compile(struct scene *scene);
void scene_free(struct scene *scene); /* a cleanup function */

/* A question: the terms that are to hold together, each behind a switch. */
constexpr size_t QUESTION_MAX = 4096;
struct question {
	uint32_t switches[QUESTION_MAX];
	size_t count;
};
enum status question_add(struct scene *scene, struct question *question, const struct term *term);

/* *reason: why the answer is unknown, in the report's arena. needed: of the switches, where impossible; may be null. */
enum status scene_ask(struct scene *scene, const struct question *question, enum solver_answer *answer,
		      const char **reason, struct question *needed);

/* After SOLVER_POSSIBLE: the request, not decided yet. */
enum status scene_witness(struct scene *scene, struct prove_witness **witness);

struct replayed {
	struct policy_result result;
	const struct policy_explanation *policies;   /* what each of the set said */
	const struct policy_explanation *invariants; /* what each said of the truth; null: there are none */
};
/* What the evaluator makes of it. Results in scratch; decision and reasons in the witness. */
enum status scene_replay(struct scene *scene, size_t set, struct prove_witness *witness, struct arena *scratch,
			 struct replayed *replayed);

/* A forbid is out of the way only if it can be evaluated, and is not satisfied. */
const struct term *scene_is_silent(struct scene *scene, const struct compiled *forbid);
const struct term *scene_is_permitted(struct scene *scene, size_t set);

struct judgement {
	enum prove_verdict verdict; /* proved: the term cannot hold */
	const char *reason;
	struct prove_witness *witness;
};
/* Can the term hold? *agrees: the evaluator finds of the witness what the term says. */
typedef enum status scene_confirms(struct scene *scene, struct prove_witness *witness, void *context, bool *agrees);
/* A witness with numbers that people read, if there is one and the evaluator agrees; else *witness stays. */
enum status scene_make_plain(struct scene *scene, const struct question *question, scene_confirms *confirms,
			     void *context, struct prove_witness **witness);
enum status scene_judge(struct scene *scene, const struct term *term, scene_confirms *confirms, void *context,
			struct judgement *judgement);

/* "prove.unsupported: a set of records (treasury.cedar:3:4)", or that the evaluator differs. */
const char *scene_disagreement(struct scene *scene);

bool scene_is_assumption(const struct prover *prover, size_t invariant);

#endif
