/* Files of invariants: Cedar, with an id each, and annotations that are known (docs/invariants.md). */
#include "policy/prove.h"

#include "policy/set.h"
#include "policy/validator.h"

static bool
is_known_annotation(struct bytes key) {
	static const char *const known[] = {"id", "reason", "assume"};
	for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
		if (bytes_equal_text(key, known[i]))
			return true;
	return false;
}

#define NAME_ARGS(name) (int)((name).len > 80 ? 80 : (name).len), (const char *)(name).data

static enum status
check_statement(const struct policy_entry *entry, struct policy_diagnostics *diagnostics) {
	const struct policy_ast *ast = entry->ast;
	struct place place = ast->effect_place;
	enum status status = OK;
	bool has_id = false, is_assumption = false;
	for (size_t i = 0; i < ast->annotation_count; i++) {
		const struct policy_annotation *annotation = &ast->annotations[i];
		has_id |= bytes_equal_text(annotation->key, "id") && annotation->value.len > 0;
		is_assumption |= bytes_equal_text(annotation->key, "assume");
		if (!is_known_annotation(annotation->key))
			status = policy_complain(
				diagnostics, ast->source, place.offset, place.length, "invariant.annotation",
				"expected @id, @reason or @assume, found @%.*s", NAME_ARGS(annotation->key));
		else if (!bytes_equal_text(annotation->key, "id") && annotation->value.len == 0)
			status = policy_complain(diagnostics, ast->source, place.offset, place.length,
						 "invariant.sentence", "@%.*s is to hold a sentence",
						 NAME_ARGS(annotation->key));
	}
	if (!has_id)
		status = policy_complain(diagnostics, ast->source, place.offset, place.length, "invariant.id",
					 "an invariant needs an @id, by which proofs speak of it");
	if (is_assumption && ast->effect != POLICY_FORBID)
		status = policy_complain(diagnostics, ast->source, place.offset, place.length, "invariant.assume",
					 "an assumption is a forbid: it says which requests do not occur");
	if (entry->is_template)
		status = policy_complain(diagnostics, ast->source, place.offset, place.length, "invariant.template",
					 "an invariant has no slots");
	return status;
}

enum status
prove_invariants_read_files(const struct prove_file *files, size_t count, const struct policy_schema *schema,
			    struct policy_set **invariants, struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	if (diagnostics == nullptr)
		diagnostics = &own;
	size_t first = diagnostics->count;
	TRY(policy_set_create(nullptr, &set));
	for (size_t i = 0; i < count; i++)
		TRY(policy_set_add(set, files[i].name, files[i].text, diagnostics));
	enum status status = OK;
	for (size_t i = 0; i < set->entry_count; i++)
		if (check_statement(&set->entries[i], diagnostics) != OK)
			status = STATUS_INVALID;
	if (status != OK)
		return policy_diagnostics_fail(diagnostics, first);
	/* A statement that no action fits would be proved of nothing. */
	TRY(policy_validate(set, schema, (struct policy_validator_options){.inapplicable_is_error = true}, diagnostics,
			    nullptr));
	TRY(policy_set_seal(set));
	*invariants = TAKE(set);
	return OK;
}

enum status
prove_invariants_read(const char *file, struct bytes text, const struct policy_schema *schema,
		      struct policy_set **invariants, struct policy_diagnostics *diagnostics) {
	return prove_invariants_read_files(&(struct prove_file){file, text}, 1, schema, invariants, diagnostics);
}
