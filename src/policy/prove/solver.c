#include "policy/prove/solver.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/prove/z3_library.h"

struct queue {
	const struct term **items;
	size_t count, capacity;
};

struct solver {
	const struct z3_library *z3;
	Z3_context context;
	Z3_solver solver;
	Z3_sort truth, code, number;
	Z3_model model;
	struct term_table *terms;
	Z3_ast *lowered; /* by a term's number; null: not yet */
	size_t lowered_capacity;
	Z3_func_decl *symbols; /* by a symbol's number */
	size_t symbol_capacity;
	Z3_ast *switches;
	size_t switch_count, switch_capacity;
	struct queue axioms; /* of terms that were lowered, not asserted yet */
	int generation;      /* of tables, for names that no other one has */
	char reason[160];
	bool failed;
};

static thread_local bool refused; /* by libz3, since it was last looked at */
static thread_local char refusal[160];

static void
note_refusal(Z3_context context, Z3_error_code code) {
	const struct z3_library *z3;
	refused = true;
	if (z3_library_load(&z3) == OK)
		snprintf(refusal, sizeof refusal, "%s", z3->get_error_msg(context, code));
}

static enum status
check(const struct solver *solver) {
	if (solver->failed)
		return fail(STATUS_NO_MEMORY, "memory: out of memory for a question to the solver");
	if (!refused)
		return OK;
	refused = false;
	return fail(STATUS_INTERNAL, "prove.solver: %s", refusal);
}

const char *
solver_version(void) {
	const struct z3_library *z3;
	return z3_library_load(&z3) == OK ? z3->get_full_version() : "none";
}

static enum status
start(struct solver *solver, uint32_t memory_mib) {
	char limit[16];
	TRY(z3_library_load(&solver->z3));
	const struct z3_library *z3 = solver->z3;
	snprintf(limit, sizeof limit, "%u", memory_mib);
	z3->global_param_set("memory_max_size", limit);
	refused = false;
	Z3_config config = z3->mk_config();
	z3->set_param_value(config, "auto_config", "false");
	solver->context = z3->mk_context(config);
	z3->del_config(config);
	if (solver->context == nullptr)
		return fail(STATUS_NO_MEMORY, "memory: no memory for a context of libz3");
	z3->set_error_handler(solver->context, note_refusal);
	solver->truth = z3->mk_bool_sort(solver->context);
	solver->code = z3->mk_bv_sort(solver->context, WIDTH_CODE);
	solver->number = z3->mk_bv_sort(solver->context, WIDTH_NUMBER);
	solver->solver = z3->mk_simple_solver(solver->context);
	if (solver->solver != nullptr)
		z3->solver_inc_ref(solver->context, solver->solver);
	return check(solver);
}

enum status
solver_create(uint32_t memory_mib, struct solver **solver) {
	_cleanup_(solver_destroy) struct solver *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(start(made, memory_mib));
	*solver = TAKE(made);
	return OK;
}

static void
drop_model(struct solver *solver) {
	if (solver->model != nullptr)
		solver->z3->model_dec_ref(solver->context, solver->model);
	solver->model = nullptr;
}

void
solver_destroy(struct solver **solver) {
	struct solver *gone = TAKE(*solver);
	if (gone == nullptr)
		return;
	if (gone->context != nullptr) {
		solver_end(gone);
		if (gone->solver != nullptr)
			gone->z3->solver_dec_ref(gone->context, gone->solver);
		gone->z3->del_context(gone->context);
	}
	free(gone->lowered);
	free(gone->symbols);
	free(gone->switches);
	free(gone->axioms.items);
	free(gone);
}

enum status
solver_begin(struct solver *solver, struct term_table *terms) {
	solver_end(solver);
	solver->terms = terms;
	solver->generation++;
	solver->z3->solver_push(solver->context, solver->solver);
	return check(solver);
}

void
solver_end(struct solver *solver) {
	const struct z3_library *z3 = solver->z3;
	if (solver->terms == nullptr)
		return;
	drop_model(solver);
	z3->solver_pop(solver->context, solver->solver, 1);
	/* The context keeps its expressions for as long as it lives. */
	if (solver->lowered != nullptr)
		memset(solver->lowered, 0, solver->lowered_capacity * sizeof(Z3_ast));
	if (solver->symbols != nullptr)
		memset(solver->symbols, 0, solver->symbol_capacity * sizeof(Z3_func_decl));
	solver->switch_count = 0;
	solver->axioms.count = 0;
	solver->terms = nullptr;
}

/* --- Lowering --- */

/* Room for item `at`; what is new is null. */
static bool
make_room(void *list, size_t *capacity, size_t at, size_t size) {
	void **items = list;
	if (at < *capacity)
		return true;
	size_t larger = *capacity == 0 ? 256 : *capacity;
	while (larger <= at)
		larger *= 2;
	uint8_t *grown = realloc(*items, larger * size);
	if (grown == nullptr)
		return false;
	memset(grown + *capacity * size, 0, (larger - *capacity) * size);
	*items = grown;
	*capacity = larger;
	return true;
}

static Z3_sort
sort_of(const struct solver *solver, uint8_t width) {
	return width == WIDTH_TRUTH ? solver->truth : width == WIDTH_CODE ? solver->code : solver->number;
}

/* Numbers of tables and symbols make names that no other has. */
static Z3_func_decl
declare(struct solver *solver, const struct symbol *symbol) {
	const struct z3_library *z3 = solver->z3;
	Z3_sort arguments[SYMBOL_ARGUMENTS_MAX];
	char name[64];
	if (!make_room(&solver->symbols, &solver->symbol_capacity, symbol->number, sizeof(Z3_func_decl))) {
		solver->failed = true;
		return nullptr;
	}
	if (solver->symbols[symbol->number] != nullptr)
		return solver->symbols[symbol->number];
	for (size_t i = 0; i < symbol->argument_count; i++)
		arguments[i] = sort_of(solver, symbol->argument_widths[i]);
	snprintf(name, sizeof name, "s%d.%u", solver->generation, symbol->number);
	return solver->symbols[symbol->number] =
		       z3->mk_func_decl(solver->context, z3->mk_string_symbol(solver->context, name),
					symbol->argument_count, arguments, sort_of(solver, symbol->width));
}

static Z3_ast
lower_constant(struct solver *solver, const struct term *term) {
	const struct z3_library *z3 = solver->z3;
	if (term->width == WIDTH_TRUTH)
		return term->constant != 0 ? z3->mk_true(solver->context) : z3->mk_false(solver->context);
	return z3->mk_unsigned_int64(solver->context, term->constant, sort_of(solver, term->width));
}

static Z3_ast
both(struct solver *solver, Z3_ast a, Z3_ast b) {
	return solver->z3->mk_and(solver->context, 2, (const Z3_ast[]){a, b});
}

static Z3_ast
lower_pair(struct solver *solver, const struct term *term, Z3_ast a, Z3_ast b) {
	const struct z3_library *z3 = solver->z3;
	Z3_context context = solver->context;
	switch (term->kind) {
	case TERM_EQUAL:
		return z3->mk_eq(context, a, b);
	case TERM_LESS:
		return z3->mk_bvslt(context, a, b);
	case TERM_ADD:
		return z3->mk_bvadd(context, a, b);
	case TERM_SUBTRACT:
		return z3->mk_bvsub(context, a, b);
	case TERM_MULTIPLY:
		return z3->mk_bvmul(context, a, b);
	case TERM_ADD_FITS:
		return both(solver, z3->mk_bvadd_no_overflow(context, a, b, true),
			    z3->mk_bvadd_no_underflow(context, a, b));
	case TERM_SUBTRACT_FITS:
		return both(solver, z3->mk_bvsub_no_overflow(context, a, b),
			    z3->mk_bvsub_no_underflow(context, a, b, true));
	case TERM_MULTIPLY_FITS:
		return both(solver, z3->mk_bvmul_no_overflow(context, a, b, true),
			    z3->mk_bvmul_no_underflow(context, a, b));
	case TERM_DIVIDE:
		return z3->mk_bvsdiv(context, a, b);
	case TERM_REMAINDER:
		return z3->mk_bvsrem(context, a, b);
	case TERM_SHIFT_RIGHT:
		return z3->mk_bvlshr(context, a, b);
	default:
		return z3->mk_bvand(context, a, b);
	}
}

static Z3_ast lower(struct solver *solver, const struct term *term);

static Z3_ast
lower_node(struct solver *solver, const struct term *term) {
	const struct z3_library *z3 = solver->z3;
	Z3_ast few[8] = {}, *operands = term->count <= ARRAY_LENGTH(few) ? few : calloc(term->count, sizeof *operands);
	Z3_ast made = nullptr;
	if (operands == nullptr) {
		solver->failed = true;
		return nullptr;
	}
	bool is_whole = true;
	for (uint32_t i = 0; i < term->count; i++) {
		operands[i] = lower(solver, term->operands[i]);
		is_whole &= operands[i] != nullptr;
	}
	Z3_func_decl symbol = term->kind == TERM_APPLY ? declare(solver, term->symbol) : nullptr;
	if (!is_whole || (term->kind == TERM_APPLY && symbol == nullptr))
		made = nullptr;
	else if (term->kind == TERM_CONSTANT)
		made = lower_constant(solver, term);
	else if (term->kind == TERM_APPLY)
		made = z3->mk_app(solver->context, symbol, term->count, operands);
	else if (term->kind == TERM_NOT)
		made = z3->mk_not(solver->context, operands[0]);
	else if (term->kind == TERM_AND)
		made = z3->mk_and(solver->context, term->count, operands);
	else if (term->kind == TERM_OR)
		made = z3->mk_or(solver->context, term->count, operands);
	else if (term->kind == TERM_IF)
		made = z3->mk_ite(solver->context, operands[0], operands[1], operands[2]);
	else if (term->kind == TERM_BIT_NOT)
		made = z3->mk_bvnot(solver->context, operands[0]);
	else
		made = lower_pair(solver, term, operands[0], operands[1]);
	if (operands != few)
		free(operands);
	return made;
}

static void
queue_axioms(struct solver *solver, const struct term *term) {
	if (term->axioms == nullptr)
		return;
	if (!make_room(&solver->axioms.items, &solver->axioms.capacity, solver->axioms.count, sizeof(struct term *)))
		solver->failed = true;
	else
		solver->axioms.items[solver->axioms.count++] = term;
}

/* Recursion is bounded by what expressions nest. */
static Z3_ast
lower(struct solver *solver, const struct term *term) {
	if (!make_room(&solver->lowered, &solver->lowered_capacity, term->number, sizeof(Z3_ast))) {
		solver->failed = true;
		return nullptr;
	}
	if (solver->lowered[term->number] != nullptr)
		return solver->lowered[term->number];
	Z3_ast made = lower_node(solver, term);
	if (made == nullptr) {
		solver->failed = true;
		return nullptr;
	}
	solver->lowered[term->number] = made;
	if (term->kind == TERM_APPLY)
		queue_axioms(solver, term);
	return made;
}

static enum status
assert_term(struct solver *solver, const struct term *term) {
	Z3_ast lowered = lower(solver, term);
	TRY(check(solver));
	solver->z3->solver_assert(solver->context, solver->solver, lowered);
	return check(solver);
}

static enum status
assert_axioms(struct solver *solver) {
	while (solver->axioms.count > 0) {
		const struct term *term = solver->axioms.items[--solver->axioms.count];
		for (const struct term_axiom *axiom = term->axioms; axiom != nullptr; axiom = axiom->next)
			TRY(assert_term(solver, axiom->term));
	}
	return check(solver);
}

/* --- Questions --- */

enum status
solver_learn(struct solver *solver, const struct term *term) {
	drop_model(solver);
	TRY(assert_term(solver, term));
	return assert_axioms(solver);
}

enum status
solver_add(struct solver *solver, const struct term *term, uint32_t *number) {
	const struct z3_library *z3 = solver->z3;
	char name[48];
	drop_model(solver);
	Z3_ast lowered = lower(solver, term);
	TRY(check(solver));
	TRY(assert_axioms(solver));
	if (!make_room(&solver->switches, &solver->switch_capacity, solver->switch_count, sizeof(Z3_ast)))
		return fail(STATUS_NO_MEMORY, "memory: out of memory for a question to the solver");
	snprintf(name, sizeof name, "a%d.%zu", solver->generation, solver->switch_count);
	Z3_func_decl decl = z3->mk_func_decl(solver->context, z3->mk_string_symbol(solver->context, name), 0, nullptr,
					     solver->truth);
	Z3_ast on = z3->mk_app(solver->context, decl, 0, nullptr);
	TRY(check(solver));
	solver->switches[solver->switch_count] = on;
	*number = (uint32_t)solver->switch_count++;
	z3->solver_assert(solver->context, solver->solver, z3->mk_implies(solver->context, on, lowered));
	return check(solver);
}

static enum status
read_needed(struct solver *solver, const uint32_t *switches, size_t count, uint32_t *needed, size_t *needed_count) {
	const struct z3_library *z3 = solver->z3;
	*needed_count = 0;
	Z3_ast_vector core = z3->solver_get_unsat_core(solver->context, solver->solver);
	TRY(check(solver));
	z3->ast_vector_inc_ref(solver->context, core);
	unsigned size = z3->ast_vector_size(solver->context, core);
	for (size_t i = 0; i < count; i++)
		for (unsigned j = 0; j < size; j++)
			if (z3->ast_vector_get(solver->context, core, j) == solver->switches[switches[i]]) {
				needed[(*needed_count)++] = switches[i];
				break;
			}
	z3->ast_vector_dec_ref(solver->context, core);
	return check(solver);
}

enum status
solver_ask(struct solver *solver, const uint32_t *switches, size_t count, uint32_t effort, enum solver_answer *answer,
	   uint32_t *needed, size_t *needed_count) {
	const struct z3_library *z3 = solver->z3;
	Z3_ast *assumed = calloc(count == 0 ? 1 : count, sizeof *assumed);
	TRY_ALLOC(assumed);
	for (size_t i = 0; i < count; i++)
		assumed[i] = solver->switches[switches[i]];
	drop_model(solver);
	Z3_params limits = z3->mk_params(solver->context);
	z3->params_inc_ref(solver->context, limits);
	z3->params_set_uint(solver->context, limits, z3->mk_string_symbol(solver->context, "rlimit"), effort);
	z3->solver_set_params(solver->context, solver->solver, limits);
	z3->params_dec_ref(solver->context, limits);
	Z3_lbool found = z3->solver_check_assumptions(solver->context, solver->solver, (unsigned)count, assumed);
	free(assumed);
	*answer = found == Z3_L_TRUE ? SOLVER_POSSIBLE : found == Z3_L_FALSE ? SOLVER_IMPOSSIBLE : SOLVER_UNKNOWN;
	if (refused) { /* out of memory is no fault: there is no answer */
		snprintf(solver->reason, sizeof solver->reason, "%s", refusal);
		refused = false;
		*answer = SOLVER_UNKNOWN;
		return OK;
	}
	if (*answer == SOLVER_UNKNOWN)
		snprintf(solver->reason, sizeof solver->reason, "%s",
			 z3->solver_get_reason_unknown(solver->context, solver->solver));
	if (*answer == SOLVER_POSSIBLE) {
		solver->model = z3->solver_get_model(solver->context, solver->solver);
		if (solver->model != nullptr)
			z3->model_inc_ref(solver->context, solver->model);
	}
	if (*answer == SOLVER_IMPOSSIBLE && needed != nullptr)
		TRY(read_needed(solver, switches, count, needed, needed_count));
	return check(solver);
}

const char *
solver_reason(const struct solver *solver) {
	return solver->reason;
}

bool
solver_knows(const struct solver *solver, const struct term *term) {
	return term->kind == TERM_CONSTANT ||
	       (term->number < solver->lowered_capacity && solver->lowered[term->number] != nullptr);
}

uint64_t
solver_value(struct solver *solver, const struct term *term, uint64_t fallback) {
	const struct z3_library *z3 = solver->z3;
	Z3_ast value = nullptr;
	uint64_t number = 0;
	if (term->kind == TERM_CONSTANT)
		return term->constant;
	if (!solver_knows(solver, term) || solver->model == nullptr ||
	    !z3->model_eval(solver->context, solver->model, solver->lowered[term->number], true, &value))
		return fallback;
	if (term->width == WIDTH_TRUTH)
		return z3->get_bool_value(solver->context, value) == Z3_L_TRUE;
	return z3->get_numeral_uint64(solver->context, value, &number) ? number : fallback;
}

const char *
solver_text(struct solver *solver) {
	return solver->z3->solver_to_string(solver->context, solver->solver);
}

const char *
solver_switch_name(struct solver *solver, uint32_t number) {
	return solver->z3->ast_to_string(solver->context, solver->switches[number]);
}
