/*
 * libz3, as far as proofs need it, loaded when it is needed: no process but the one that proves maps it.
 *
 * Loading comes before confinement, which forbids to open files. One table for the whole process, made once; contexts are
 * used by one thread each. Errors: STATUS_UNAVAILABLE "prove.library".
 */
#ifndef GATEHOUSE_POLICY_PROVE_Z3_LIBRARY_H
#define GATEHOUSE_POLICY_PROVE_Z3_LIBRARY_H

#include <z3.h>

#include "base/status.h"

#define Z3_FUNCTIONS(X)                                                                                                \
	X(get_full_version)                                                                                            \
	X(global_param_set)                                                                                            \
	X(mk_config)                                                                                                   \
	X(del_config)                                                                                                  \
	X(set_param_value)                                                                                             \
	X(mk_context)                                                                                                  \
	X(del_context)                                                                                                 \
	X(set_error_handler)                                                                                           \
	X(get_error_msg)                                                                                               \
	X(mk_string_symbol)                                                                                            \
	X(mk_bool_sort)                                                                                                \
	X(mk_bv_sort)                                                                                                  \
	X(mk_func_decl)                                                                                                \
	X(mk_app)                                                                                                      \
	X(mk_true)                                                                                                     \
	X(mk_false)                                                                                                    \
	X(mk_unsigned_int64)                                                                                           \
	X(mk_not)                                                                                                      \
	X(mk_and)                                                                                                      \
	X(mk_or)                                                                                                       \
	X(mk_implies)                                                                                                  \
	X(mk_ite)                                                                                                      \
	X(mk_eq)                                                                                                       \
	X(mk_bvslt)                                                                                                    \
	X(mk_bvadd)                                                                                                    \
	X(mk_bvsub)                                                                                                    \
	X(mk_bvmul)                                                                                                    \
	X(mk_bvadd_no_overflow)                                                                                        \
	X(mk_bvadd_no_underflow)                                                                                       \
	X(mk_bvsub_no_overflow)                                                                                        \
	X(mk_bvsub_no_underflow)                                                                                       \
	X(mk_bvmul_no_overflow)                                                                                        \
	X(mk_bvmul_no_underflow)                                                                                       \
	X(mk_bvsdiv)                                                                                                   \
	X(mk_bvsrem)                                                                                                   \
	X(mk_bvlshr)                                                                                                   \
	X(mk_bvand)                                                                                                    \
	X(mk_bvnot)                                                                                                    \
	X(mk_params)                                                                                                   \
	X(params_inc_ref)                                                                                              \
	X(params_dec_ref)                                                                                              \
	X(params_set_uint)                                                                                             \
	X(mk_simple_solver)                                                                                            \
	X(solver_inc_ref)                                                                                              \
	X(solver_dec_ref)                                                                                              \
	X(solver_set_params)                                                                                           \
	X(solver_push)                                                                                                 \
	X(solver_pop)                                                                                                  \
	X(solver_assert)                                                                                               \
	X(solver_check_assumptions)                                                                                    \
	X(solver_get_model)                                                                                            \
	X(solver_get_unsat_core)                                                                                       \
	X(solver_get_reason_unknown)                                                                                   \
	X(solver_to_string)                                                                                            \
	X(ast_to_string)                                                                                               \
	X(model_inc_ref)                                                                                               \
	X(model_dec_ref)                                                                                               \
	X(model_eval)                                                                                                  \
	X(get_bool_value)                                                                                              \
	X(get_numeral_uint64)                                                                                          \
	X(ast_vector_inc_ref)                                                                                          \
	X(ast_vector_dec_ref)                                                                                          \
	X(ast_vector_size)                                                                                             \
	X(ast_vector_get)

struct z3_library {
#define Z3_MEMBER(name) typeof(&Z3_##name) name;
	Z3_FUNCTIONS(Z3_MEMBER)
#undef Z3_MEMBER
};

enum status z3_library_load(const struct z3_library **library);

#endif
