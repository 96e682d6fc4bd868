/*
 * Proofs about policies: what holds of every request that fits the schema, or the request for which it does not.
 *
 *   proved           no request does otherwise; with the policies that carry it, and what was assumed
 *   counterexample   a request, with its context and entities, that does; it has been decided by policy_decide()
 *   unknown          the solver's effort ran out, or a construct that terms cannot say stands in the way
 *
 * Invariants are Cedar, in files beside the policies (docs/invariants.md): a forbid says what the policies must never permit, a
 * permit what they must always permit, and a forbid with @assume which requests do not occur. Counters of what was spent are
 * facts like all others, and so are free.
 *
 * Threads: one per call. Owner: results live in the arena given. libz3 is loaded at the first use: only where it may be
 * (helpers/worker.h). Errors: "prove.*"; a question that cannot be answered is not an error but unknown.
 */
#ifndef GATEHOUSE_POLICY_PROVE_H
#define GATEHOUSE_POLICY_PROVE_H

#include "policy/policy.h"
#include "policy/schema.h"

constexpr uint32_t PROVE_ENGINE_VERSION = 1;

enum prove_verdict { PROVE_UNKNOWN, PROVE_PROVED, PROVE_COUNTEREXAMPLE };
const char *prove_verdict_name(enum prove_verdict verdict); /* "proved" */

struct prove_witness {
	struct policy_request request;
	/* In hostile mode what is true where the gateway reports request.context; else null. */
	const struct value *truth;
	const struct policy_entity *entities;
	size_t entity_count;
	enum policy_decision decision;
	const struct bytes *reasons; /* ids of the determining policies */
	size_t reason_count;
};

struct prove_finding {
	struct bytes subject; /* the invariant's or policy's id */
	const char *check;    /* "never", "always", "never_errors", "dead", ...; static */
	enum prove_verdict verdict;
	const char *reason; /* of unknown: "prove.effort: ..." */
	const struct bytes *
		carriers; /* of proved: the forbids that it needs and the permits that they or their own conditions hold back */
	size_t carrier_count;
	const struct prove_witness *witness; /* of a counterexample */
	size_t environments;                 /* in which it was asked */
};

struct prove_report {
	const struct prove_finding *findings;
	size_t finding_count;
	const char *const *assumptions; /* that every proof rests on, @assume statements included */
	size_t assumption_count;
	const char *solver; /* its version */
};

struct prove_options {
	bool gateway_hostile; /* reported facts may be lies: invariants speak of the truth, policies see the lie */
	const char *const *reported; /* context paths of reported facts, ends in null; null: those of docs/facts.md */
	uint32_t effort;             /* per question, in libz3's units; 0: PROVE_EFFORT */
	uint32_t memory_mib;         /* 0: PROVE_MEMORY_MIB */
};
constexpr uint32_t PROVE_EFFORT = 20'000'000; /* some tens of seconds */
constexpr uint32_t PROVE_MEMORY_MIB = 1024;

/* A file of invariants, read and held against the schema. Findings: "policy.*", "validate.*", "invariant.*".
 * Seals and gives a set in which each statement is an invariant by its id. */
enum status prove_invariants_read(const char *file, struct bytes text, const struct policy_schema *schema,
				  struct policy_set **invariants, struct policy_diagnostics *diagnostics);

struct prove_file {
	const char *name;
	struct bytes text;
};
/* The same of several files; ids are unique over all of them. */
enum status prove_invariants_read_files(const struct prove_file *files, size_t count,
					const struct policy_schema *schema, struct policy_set **invariants,
					struct policy_diagnostics *diagnostics);

/* All invariants: one finding each, in their order. policies are sealed and validated against the schema. */
enum status policy_prove(const struct policy_set *policies, const struct policy_schema *schema,
			 const struct policy_set *invariants, const struct prove_options *options, struct arena *arena,
			 struct prove_report *report);

/* Two findings for each environment: "newly_permitted" and "newly_denied", proved where there is no such request. All of the first
 * proved: the old set permits whatever the new one does; all of both: the two are equivalent. */
enum status policy_compare(const struct policy_set *old, const struct policy_set *new,
			   const struct policy_schema *schema, const struct prove_options *options, struct arena *arena,
			   struct prove_report *report);
/* One for each environment, "both_permit": all proved, no request is permitted by both. */
enum status policy_disjoint(const struct policy_set *one, const struct policy_set *other,
			    const struct policy_schema *schema, const struct prove_options *options,
			    struct arena *arena, struct prove_report *report);
/* Three for each policy: "never_errors", and "dead" and "shadowed", which are faults where they are proved. */
enum status policy_check_each(const struct policy_set *policies, const struct policy_schema *schema,
			      const struct prove_options *options, struct arena *arena, struct prove_report *report);

/* Who could do it together: docs/invariants.md, "People". */
struct prove_people {
	const struct policy_entities *entities; /* sealed: who is in which group */
	const struct entity_uid *people;
	size_t person_count;
	struct bytes group_type; /* "Group": of the entities that approvals.group.<id> counts members of */
	struct bytes fact;       /* "transfer.usd_cents": a Long below the context, */
	int64_t more_than;       /* which is to be more than this */
};
/* The people of a type that an entities document lists. */
enum status prove_people_find(struct arena *arena, struct bytes entities, struct bytes type,
			      struct prove_people *question);
/* For each environment that has the fact the smallest sets, "together": a counterexample each, whose reason names the people; proved
 * where none is found. */
enum status policy_people(const struct policy_set *policies, const struct policy_schema *schema,
			  const struct prove_people *question, const struct prove_options *options, struct arena *arena,
			  struct prove_report *report);

/* The first invariant's question in the first environment that it concerns, whole, as SMT-LIB text: for other solvers, which are to
 * say "unsat" where it is proved. No process asks; the benchmark measures them on what this prover alone can write. */
enum status prove_formula(const struct policy_set *policies, const struct policy_schema *schema,
			  const struct policy_set *invariants, struct buffer *text);

/* As JSON; the witness's context and entities as Cedar's JSON, ready for policy_entities_read(). */
void prove_report_write(const struct prove_report *report, struct json_writer *writer);
void prove_witness_write(const struct prove_witness *witness, struct json_writer *writer);

#endif
