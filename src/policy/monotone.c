#include "policy/monotone.h"

#include <stdio.h>

#include "base/effort.h"
#include "policy/context_path.h"
#include "policy/set.h"

/* How a Boolean moves as approvals grow, or as a report is taken away. */
enum direction { DIRECTION_DOWN, DIRECTION_UP };

enum touch {
	TOUCH_NONE,
	TOUCH_WHOLE, /* a record that holds such a fact, as a value */
	TOUCH_FACT,
};

struct pass {
	const struct policy_schema *schema;
	const struct monotone_rules *rules;
	bool is_reported;  /* the pass over reported facts; else over approvals */
	bool is_emergency; /* a pass like that over reported facts, of the flag that says that something cannot wait */
	const struct policy_ast *policy;
	struct policy_diagnostics *diagnostics;
	size_t findings;
};

struct seen {
	bool depends;  /* on a fact of this pass */
	bool may_fail; /* whatever that fact is */
};

static const char *
rule_name(const struct pass *pass) {
	return pass->is_emergency  ? "monotone.break_glass"
	       : pass->is_reported ? "monotone.reported"
				   : "monotone.approvals";
}

#define COMPLAIN(pass, expression, name, ...)                                                                          \
	do {                                                                                                           \
		(pass)->findings++;                                                                                    \
		policy_note((pass)->diagnostics, (pass)->policy->source, (expression)->place.offset,                   \
			    (expression)->place.length, name, __VA_ARGS__);                                            \
	} while (0)

/* --- What a path is. --- */

static bool
is_of_pass(const struct pass *pass, const struct monotone_fact *fact) {
	if (fact->kind == MONOTONE_EMERGENCY)
		return pass->is_emergency;
	return !pass->is_emergency &&
	       pass->is_reported == (fact->kind == MONOTONE_FLAG || fact->kind == MONOTONE_REPORT);
}

static enum touch
touch_of(const struct pass *pass, const char *path, const struct monotone_fact **touched) {
	enum touch touch = TOUCH_NONE;
	for (size_t i = 0; i < pass->rules->count; i++) {
		const struct monotone_fact *fact = &pass->rules->facts[i];
		if (!is_of_pass(pass, fact))
			continue;
		bool is_inside = context_path_is_below(path, fact->path) &&
				 (fact->kind != MONOTONE_COUNTS || strlen(path) > strlen(fact->path));
		if (is_inside) {
			*touched = fact;
			return TOUCH_FACT;
		}
		if (context_path_is_below(fact->path, path))
			touch = TOUCH_WHOLE;
	}
	return touch;
}

/* `context.zone has seen`: does it tell whether there is a report? Approvals are always there. */
static enum touch
touch_of_has(const struct pass *pass, const struct expression *expression, const struct monotone_fact **touched) {
	struct context_path path;
	if (!expression_context_path(expression->operands[0], &path))
		return TOUCH_NONE;
	for (size_t i = 0; i < expression->name_count; i++)
		context_path_append(&path, expression->names[i]);
	return pass->is_reported && touch_of(pass, path.text, touched) == TOUCH_FACT ? TOUCH_FACT : TOUCH_NONE;
}

/* --- What an expression mentions. --- */

struct mention {
	bool any;
	bool only_reports; /* all that it mentions is absent without a report */
};

static void
add_touch(enum touch touch, const struct monotone_fact *fact, struct mention *mention) {
	if (touch == TOUCH_NONE)
		return;
	mention->any = true;
	mention->only_reports = mention->only_reports && touch == TOUCH_FACT && fact->kind == MONOTONE_REPORT;
}

/* Recursion is bounded by EXPRESSION_DEPTH_MAX. */
static void
find_mentions(const struct pass *pass, const struct expression *expression, struct mention *mention) {
	struct context_path path;
	const struct monotone_fact *fact = nullptr;
	if (expression_context_path(expression, &path)) {
		enum touch touch = touch_of(pass, path.text, &fact);
		add_touch(touch, fact, mention);
		return;
	}
	if (expression->kind == EXPRESSION_HAS && expression_context_path(expression->operands[0], &path)) {
		enum touch touch = touch_of_has(pass, expression, &fact);
		add_touch(touch, fact, mention);
		return;
	}
	for (size_t i = 0; i < expression->operand_count; i++)
		find_mentions(pass, expression->operands[i], mention);
}

static struct mention
mentions(const struct pass *pass, const struct expression *expression) {
	struct mention mention = {.only_reports = true};
	find_mentions(pass, expression, &mention);
	return mention;
}

/* --- What can fail although it was validated: arithmetic, and entities that are not there. --- */

/* True if, in some action's context, the path leads through an entity. */
static bool
leads_through_entity(const struct policy_schema *schema, const struct expression *expression) {
	struct bytes names[EXPRESSION_DEPTH_MAX];
	size_t count = 0;
	for (; expression->kind == EXPRESSION_ATTRIBUTE; expression = expression->operands[0])
		names[count++] = expression->names[0];
	for (uint32_t i = 0; i < policy_schema_action_count(schema); i++) {
		const struct type *type = policy_schema_action(schema, i)->context;
		for (size_t left = count; left > 0 && type != nullptr; left--) {
			if (type->kind == TYPE_ENTITY)
				return true;
			const struct type_field *field =
				type->kind == TYPE_RECORD ? type_find_field(type, names[left - 1]) : nullptr;
			type = field == nullptr ? nullptr : field->type;
		}
	}
	return false;
}

static bool
attribute_may_fail(const struct pass *pass, const struct expression *expression) {
	struct context_path path;
	if (expression_context_path(expression, &path))
		return leads_through_entity(pass->schema, expression);
	const struct expression *base = expression->operands[0];
	return base->kind != EXPRESSION_RECORD;
}

static bool
call_may_fail(const struct expression *expression) {
	switch (expression->function->id) {
	case FUNCTION_DECIMAL:
	case FUNCTION_IP:
	case FUNCTION_DATETIME:
	case FUNCTION_DURATION:
		return expression->operands[0]->kind != EXPRESSION_LITERAL;
	case FUNCTION_GET_TAG:
	case FUNCTION_OFFSET:
	case FUNCTION_DURATION_SINCE:
	case FUNCTION_TO_DATE:
		return true;
	default:
		return false;
	}
}

static bool
may_fail(const struct pass *pass, const struct expression *expression) {
	switch (expression->kind) {
	case EXPRESSION_ADD:
	case EXPRESSION_SUBTRACT:
	case EXPRESSION_MULTIPLY:
	case EXPRESSION_NEGATE:
		return true;
	case EXPRESSION_ATTRIBUTE:
		if (attribute_may_fail(pass, expression))
			return true;
		break;
	case EXPRESSION_CALL:
		if (call_may_fail(expression))
			return true;
		break;
	default:
		break;
	}
	for (size_t i = 0; i < expression->operand_count; i++)
		if (may_fail(pass, expression->operands[i]))
			return true;
	return false;
}

/* --- Positions. --- */

/* What a Boolean operand is asked: which way it may move; and whether it stands among the clauses of a permit, of which one
 * that fails and one that is false come to the same. */
struct position {
	enum direction allowed;
	bool is_clause;
	bool is_negated; /* below an odd number of `!`, `unless` counted */
};

static struct seen check(struct pass *pass, const struct expression *expression, struct position position);

static void
complain_position(struct pass *pass, const struct expression *expression) {
	bool is_permit = pass->policy->effect == POLICY_PERMIT;
	if (pass->is_emergency)
		COMPLAIN(pass, expression, rule_name(pass),
			 "a forbid must not be lifted because something cannot wait: expected the flag only where it "
			 "adds to "
			 "what is forbidden");
	else if (pass->is_reported)
		COMPLAIN(pass, expression, rule_name(pass),
			 is_permit
				 ? "a permit must not gain from what the gateway reports: expected it only where a "
				   "report can take the permission away"
				 : "a forbid must not be lifted by what the gateway reports: expected it only where a "
				   "report can add to what is forbidden");
	else
		COMPLAIN(pass, expression, rule_name(pass),
			 is_permit
				 ? "more approvals would take the permission away: expected `>=` or `>` where it is "
				   "required, not its opposite"
				 : "more approvals would make this forbid hold: expected approvals only where more of "
				   "them lift it");
}

static struct seen
plain(const struct pass *pass, const struct expression *expression) {
	return (struct seen){.may_fail = may_fail(pass, expression)};
}

/* && and ||, as they are evaluated: from the left, up to the first that decides. */
static struct seen
check_chain(struct pass *pass, const struct expression *expression, struct position position) {
	struct seen all = {};
	bool is_and = expression->kind == EXPRESSION_AND;
	bool is_clause = position.is_clause && is_and == !position.is_negated;
	bool reveals = (position.allowed == DIRECTION_UP) == is_and && !is_clause;
	for (size_t i = 0; i < expression->operand_count; i++) {
		const struct expression *operand = expression->operands[i];
		struct position inside = {position.allowed, is_clause, position.is_negated};
		struct seen seen = check(pass, operand, inside);
		if (all.depends && seen.may_fail && reveals)
			COMPLAIN(pass, operand, "monotone.may_fail",
				 "this can fail, and %s would bring it to be evaluated: put it before, or into a "
				 "clause of its own",
				 pass->is_reported ? "taking a report away" : "more approvals");
		all.depends |= seen.depends;
		all.may_fail |= seen.may_fail;
	}
	return all;
}

static struct seen
check_if(struct pass *pass, const struct expression *expression, struct position position) {
	struct seen all = plain(pass, expression->operands[0]);
	position.is_clause = false;
	if (mentions(pass, expression->operands[0]).any)
		COMPLAIN(pass, expression->operands[0], rule_name(pass), "expected no %s in the condition of an `if`",
			 pass->is_reported ? "reported fact" : "approvals");
	for (size_t i = 1; i < 3; i++) {
		struct seen seen = check(pass, expression->operands[i], position);
		all.depends |= seen.depends;
		all.may_fail |= seen.may_fail;
	}
	return all;
}

static bool
is_comparison(enum expression_kind kind) {
	return kind == EXPRESSION_LESS || kind == EXPRESSION_LESS_EQUAL || kind == EXPRESSION_GREATER ||
	       kind == EXPRESSION_GREATER_EQUAL;
}

/* `count >= other`, or the other way round: which way does it move as approvals grow? False: it is another thing. */
static bool
comparison_direction(const struct pass *pass, const struct expression *expression, enum direction *direction) {
	struct context_path path;
	const struct monotone_fact *fact = nullptr;
	if (pass->is_reported || !is_comparison(expression->kind))
		return false;
	for (size_t side = 0; side < 2; side++) {
		if (!expression_context_path(expression->operands[side], &path) ||
		    touch_of(pass, path.text, &fact) != TOUCH_FACT ||
		    mentions(pass, expression->operands[1 - side]).any)
			continue;
		bool is_greater =
			expression->kind == EXPRESSION_GREATER || expression->kind == EXPRESSION_GREATER_EQUAL;
		bool is_up = (is_greater == (side == 0)) == (fact->kind != MONOTONE_OBJECTION);
		*direction = is_up ? DIRECTION_UP : DIRECTION_DOWN;
		return true;
	}
	return false;
}

/* A reported flag as it stands, or the question whether there is a report: either is true only with one. */
static bool
is_report_itself(const struct pass *pass, const struct expression *expression) {
	struct context_path path;
	const struct monotone_fact *fact = nullptr;
	if (!pass->is_reported)
		return false;
	if (expression->kind == EXPRESSION_HAS)
		return touch_of_has(pass, expression, &fact) == TOUCH_FACT;
	return expression_context_path(expression, &path) && touch_of(pass, path.text, &fact) == TOUCH_FACT &&
	       (fact->kind == MONOTONE_FLAG || fact->kind == MONOTONE_EMERGENCY);
}

static struct seen
check_atom(struct pass *pass, const struct expression *expression, struct position position) {
	struct mention mention = mentions(pass, expression);
	struct seen seen = {.depends = mention.any, .may_fail = may_fail(pass, expression)};
	enum direction direction;
	if (!mention.any)
		return seen;
	if (comparison_direction(pass, expression, &direction)) {
		if (direction != position.allowed)
			complain_position(pass, expression);
	} else if (is_report_itself(pass, expression) || (pass->is_reported && mention.only_reports)) {
		/* Without a report the first is false; the others are not reached, being behind a `has`. */
		if (position.allowed != DIRECTION_DOWN)
			complain_position(pass, expression);
	} else
		COMPLAIN(pass, expression, rule_name(pass),
			 pass->is_reported ? "expected a reported fact as it stands, or behind its `has`"
					   : "expected approvals only compared by <, <=, > or >= with what does not "
					     "depend on approvals");
	return seen;
}

static struct seen
check(struct pass *pass, const struct expression *expression, struct position position) {
	switch (expression->kind) {
	case EXPRESSION_AND:
	case EXPRESSION_OR:
		return check_chain(pass, expression, position);
	case EXPRESSION_NOT:
		position.allowed = position.allowed == DIRECTION_UP ? DIRECTION_DOWN : DIRECTION_UP;
		position.is_negated = !position.is_negated;
		return check(pass, expression->operands[0], position);
	case EXPRESSION_IF:
		return check_if(pass, expression, position);
	default:
		return check_atom(pass, expression, position);
	}
}

/* A permit is to rise with approvals, and as reports are taken away; a forbid is to fall. */
static void
check_policy(struct pass *pass) {
	const struct policy_ast *policy = pass->policy;
	bool is_permit = policy->effect == POLICY_PERMIT;
	for (size_t i = 0; i < policy->condition_count; i++) {
		const struct condition *condition = &policy->conditions[i];
		bool rises = is_permit != condition->is_unless;
		(void)check(pass, condition->body,
			    (struct position){.allowed = rises ? DIRECTION_UP : DIRECTION_DOWN,
					      .is_clause = is_permit,
					      .is_negated = condition->is_unless});
	}
}

/* --- What cannot wait. --- */

/* Where the flag can help: as it stands, or in anything but && and ||; not where it is only excluded. */
static const struct expression *
gain_of(const struct pass *pass, const struct expression *expression, bool is_negated) {
	const struct expression *gain = nullptr;
	switch (expression->kind) {
	case EXPRESSION_AND:
	case EXPRESSION_OR:
		for (size_t i = 0; i < expression->operand_count && gain == nullptr; i++)
			gain = gain_of(pass, expression->operands[i], is_negated);
		return gain;
	case EXPRESSION_NOT:
		return gain_of(pass, expression->operands[0], !is_negated);
	default:
		if (!mentions(pass, expression).any || (is_negated && is_report_itself(pass, expression)))
			return nullptr;
		return expression;
	}
}

/* `count >= 2` or more, `count > 1` or more; or the other way round. */
static bool
demands_two(const struct pass *pass, const struct expression *expression) {
	struct pass approvals = *pass;
	struct context_path path;
	const struct monotone_fact *fact = nullptr;
	approvals.is_reported = approvals.is_emergency = false;
	if (!is_comparison(expression->kind))
		return false;
	for (size_t side = 0; side < 2; side++) {
		const struct expression *other = expression->operands[1 - side];
		bool is_least = expression->kind == (side == 0 ? EXPRESSION_GREATER_EQUAL : EXPRESSION_LESS_EQUAL);
		bool is_above = expression->kind == (side == 0 ? EXPRESSION_GREATER : EXPRESSION_LESS);
		if (expression_context_path(expression->operands[side], &path) &&
		    touch_of(&approvals, path.text, &fact) == TOUCH_FACT && fact->kind != MONOTONE_OBJECTION &&
		    other->kind == EXPRESSION_LITERAL && other->value.type == VALUE_LONG)
			return (is_least && other->value.integer >= 2) || (is_above && other->value.integer >= 1);
	}
	return false;
}

/* Among what must all hold: the clauses, and what stands between && in them. */
static bool
clause_demands_two(const struct pass *pass, const struct expression *expression) {
	if (expression->kind != EXPRESSION_AND)
		return demands_two(pass, expression);
	for (size_t i = 0; i < expression->operand_count; i++)
		if (clause_demands_two(pass, expression->operands[i]))
			return true;
	return false;
}

static void
check_emergency(struct pass *pass) {
	const struct policy_ast *policy = pass->policy;
	const struct expression *gain = nullptr;
	bool has_two = false;
	if (policy->effect == POLICY_FORBID) {
		check_policy(pass);
		return;
	}
	for (size_t i = 0; i < policy->condition_count; i++) {
		const struct condition *condition = &policy->conditions[i];
		if (gain == nullptr)
			gain = gain_of(pass, condition->body, condition->is_unless);
		has_two = has_two || (!condition->is_unless && clause_demands_two(pass, condition->body));
	}
	if (gain != nullptr && !has_two)
		COMPLAIN(pass, gain, rule_name(pass),
			 "what cannot wait needs two people as well: expected a count of approvals that is at least 2, "
			 "in a clause "
			 "of its own or between && and &&");
}

/* --- Which policies. --- */

static bool
is_guarded(const struct pass *pass, uint32_t action) {
	for (size_t i = 0; i < pass->rules->guarded_count; i++) {
		uint32_t group = policy_schema_find_action(pass->schema, pass->rules->guarded[i]);
		if (group != SCHEMA_NONE && policy_schema_action_is_in(pass->schema, action, group))
			return true;
	}
	return pass->rules->guarded_count == 0;
}

static bool
scope_has_action(const struct pass *pass, uint32_t action) {
	const struct scope *scope = &pass->policy->action;
	if (scope->kind == SCOPE_ANY)
		return true;
	for (size_t i = 0; i < scope->entity_count; i++) {
		uint32_t named = policy_schema_find_action(pass->schema, scope->entities[i]);
		if (named == SCHEMA_NONE || named == action ||
		    (scope->kind == SCOPE_IN && policy_schema_action_is_in(pass->schema, action, named)))
			return true;
	}
	return false;
}

static bool
concerns_guarded(const struct pass *pass) {
	for (uint32_t i = 0; i < policy_schema_action_count(pass->schema); i++)
		if (is_guarded(pass, i) && scope_has_action(pass, i))
			return true;
	return false;
}

enum status
monotone_check(const struct policy_set *set, const struct policy_schema *schema, const struct monotone_rules *rules,
	       struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own = {};
	struct pass pass = {
		.schema = schema, .rules = rules, .diagnostics = diagnostics == nullptr ? &own : diagnostics};
	size_t first = pass.diagnostics->count;
	for (size_t i = 0; i < set->entry_count && pass.diagnostics->count < DIAGNOSTICS_MAX; i++) {
		const struct policy_entry *entry = &set->entries[i];
		if (entry->principal != nullptr || entry->resource != nullptr)
			continue; /* a link: its template is checked */
		TRY(effort_check());
		pass.policy = entry->ast;
		pass.is_reported = false;
		check_policy(&pass);
		pass.is_reported = true;
		if (concerns_guarded(&pass))
			check_policy(&pass);
		pass.is_emergency = true;
		check_emergency(&pass);
		pass.is_emergency = false;
	}
	return pass.findings == 0 ? OK : policy_diagnostics_fail(pass.diagnostics, first);
}
