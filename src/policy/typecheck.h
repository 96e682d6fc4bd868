/* Typing of one expression in one environment: what validator.c asks of typecheck.c. */
#ifndef GATEHOUSE_POLICY_TYPECHECK_H
#define GATEHOUSE_POLICY_TYPECHECK_H

#include "policy/ast.h"
#include "policy/capability.h"
#include "policy/schema.h"

struct environment {
	uint32_t action; /* numbers in the schema */
	uint32_t principal;
	uint32_t resource;
};

struct typed {
	const struct type *type;             /* null: there is a finding */
	const struct capability *capability; /* if the expression is true */
};

struct checker {
	const struct policy_schema *schema;
	struct arena arena; /* of one policy in one environment */
	struct environment environment;
	const struct policy_source *source;
	struct policy_diagnostics *diagnostics;
	size_t findings;
};

/* Typed knowing that the capabilities hold. Findings are noted; the status is of memory only. */
enum status typecheck(struct checker *checker, const struct expression *expression, const struct capability *known,
		      struct typed *typed);

/* A chain of && so far: what it has typed as, what it has made safe, and that with what was known before it. */
struct conjunction {
	struct typed typed;
	const struct capability *known;
};

/* Goes on with one more operand. */
enum status typecheck_and(struct checker *checker, const struct expression *expression,
			  struct conjunction *conjunction);

/* Notes a finding once per place, whatever the environment. */
void typecheck_note(struct checker *checker, struct place place, const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* What follows is between typecheck.c and typecheck_member.c. */

void typecheck_note_type(struct checker *checker, const struct expression *expression, const char *expected,
			 const struct type *found);
void typecheck_note_incompatible(struct checker *checker, const struct expression *expression, const struct type *a,
				 const struct type *b);
/* True where the expression has a type, and one of that kind; another is noted. */
bool typecheck_need(struct checker *checker, const struct expression *expression, const struct typed *typed,
		    enum type_kind kind);

enum status typecheck_attribute(struct checker *checker, const struct expression *expression,
				const struct capability *known, struct typed *typed);
enum status typecheck_has(struct checker *checker, const struct expression *expression, const struct capability *known,
			  struct typed *typed);
enum status typecheck_set(struct checker *checker, const struct expression *expression, const struct capability *known,
			  struct typed *typed);
enum status typecheck_record(struct checker *checker, const struct expression *expression,
			     const struct capability *known, struct typed *typed);
enum status typecheck_call(struct checker *checker, const struct expression *expression, const struct capability *known,
			   struct typed *typed);

#endif
