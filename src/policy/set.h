/* The inside of struct policy_set, for the modules of policy/ that decide, explain and search. */
#ifndef GATEHOUSE_POLICY_SET_H
#define GATEHOUSE_POLICY_SET_H

#include "policy/index.h"

struct policy_entry { /* a policy, a template, or a link of a template */
	struct bytes id;
	const struct policy_ast *ast;
	const struct entity_uid *principal; /* of a link: what stands for its slots; null: no slot */
	const struct entity_uid *resource;
	bool is_template;
};

struct policy_set {
	struct arena arena;
	struct policy_set_options options;
	struct policy_entry *entries; /* heap */
	size_t entry_count;
	size_t entry_capacity;
	size_t template_count;
	size_t statement_count; /* entries that are no links: they give the numbers of ids */
	struct map ids;         /* to entry number + 1 */
	struct compiler *compiler;
	struct compiled_policy *policies;
	size_t policy_count;
	struct policy_index index;
	bool is_sealed;
};

/* A copy of a text, for policies of it to borrow from. */
enum status policy_set_keep_source(struct policy_set *set, const char *file, struct bytes text,
				   struct policy_diagnostics *diagnostics, const struct policy_source **source);
/* Adds a parsed policy or template, whose memory lives as long as the set. id: null for one by annotation or number. */
enum status policy_set_add_ast(struct policy_set *set, const struct policy_ast *ast, const struct bytes *id,
			       struct policy_diagnostics *diagnostics);

/* Of a sealed set over sealed entities: anything else, and a context that is no record, is refused. */
enum status evaluation_start_checked(struct evaluation *evaluation, const struct policy_set *set,
				     const struct policy_entities *entities, const struct policy_request *request,
				     struct arena *scratch);

#endif
