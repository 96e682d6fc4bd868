#include "policy/set.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/parser.h"

enum status
policy_set_create(const struct policy_set_options *options, struct policy_set **set) {
	entity_hash_start();
	*set = calloc(1, sizeof **set);
	TRY_ALLOC(*set);
	if (options != nullptr)
		(*set)->options = *options;
	return OK;
}

static void
drop_compiler(struct policy_set *set) {
	if (set->compiler != nullptr)
		compiler_free(set->compiler);
}

void
policy_set_destroy(struct policy_set **set) {
	if (*set == nullptr)
		return;
	drop_compiler(*set);
	map_free(&(*set)->ids);
	free((*set)->entries);
	arena_free(&(*set)->arena);
	free(*set);
	*set = nullptr;
}

static enum status
add_entry(struct policy_set *set, const struct policy_entry *entry) {
	if (set->entry_count == set->entry_capacity) {
		size_t capacity = set->entry_capacity + set->entry_capacity / 2 + 16;
		struct policy_entry *entries = reallocarray(set->entries, capacity, sizeof *entries);
		TRY_ALLOC(entries);
		set->entries = entries;
		set->entry_capacity = capacity;
	}
	if (set->entry_count >= UINT32_MAX)
		return fail(STATUS_TOO_LARGE, "policy.too_many: more than 2^32 policies");
	set->entries[set->entry_count] = *entry;
	set->entry_count++;
	set->template_count += entry->is_template;
	return map_put(&set->ids, entry->id, (void *)(uintptr_t)set->entry_count, nullptr);
}

static const struct policy_entry *
find_entry(const struct policy_set *set, struct bytes id) {
	void *number = map_get(&set->ids, id);
	return number == nullptr ? nullptr : &set->entries[(uintptr_t)number - 1];
}

static enum status
choose_id(struct policy_set *set, const struct policy_ast *ast, struct bytes *id) {
	for (size_t i = 0; i < ast->annotation_count; i++)
		if (!set->options.number_all && bytes_equal_text(ast->annotations[i].key, "id") &&
		    ast->annotations[i].value.len > 0) {
			*id = ast->annotations[i].value;
			return OK;
		}
	const char *text = arena_format(&set->arena, "policy%zu", set->statement_count);
	TRY_ALLOC(text);
	*id = bytes_of_text(text);
	return OK;
}

enum status
policy_set_add_ast(struct policy_set *set, const struct policy_ast *ast, const struct bytes *id,
		   struct policy_diagnostics *diagnostics) {
	struct policy_entry entry = {.ast = ast, .is_template = policy_ast_is_template(ast)};
	if (id != nullptr)
		entry.id = *id;
	else
		TRY(choose_id(set, ast, &entry.id));
	set->statement_count++;
	const struct policy_entry *other = find_entry(set, entry.id);
	if (other != nullptr) {
		size_t line, column;
		policy_ast_position(other->ast, other->ast->effect_place.offset, &line, &column);
		return policy_complain(diagnostics, ast->source, ast->effect_place.offset, ast->effect_place.length,
				       "policy.duplicate_id", "the id \"%.*s\" is taken by the policy at %s:%zu:%zu",
				       (int)(entry.id.len > 80 ? 80 : entry.id.len), (const char *)entry.id.data,
				       other->ast->source->file, line, column);
	}
	return add_entry(set, &entry);
}

enum status
policy_set_keep_source(struct policy_set *set, const char *file, struct bytes text,
		       struct policy_diagnostics *diagnostics, const struct policy_source **source) {
	if (set->is_sealed)
		return fail(STATUS_INTERNAL, "policy.sealed: a sealed set does not change");
	if (text.len > POLICY_TEXT_MAX) /* before it is copied */
		return policy_complain(diagnostics, &(struct policy_source){file, text}, POLICY_TEXT_MAX, 1,
				       "policy.too_large", "expected at most %zu bytes, found %zu", POLICY_TEXT_MAX,
				       text.len);
	struct policy_source *kept = ARENA_NEW(&set->arena, struct policy_source);
	TRY_ALLOC(kept);
	kept->file = arena_text(&set->arena, bytes_of_text(file));
	kept->text = arena_copy(&set->arena, text);
	TRY_ALLOC(kept->file);
	TRY_ALLOC(kept->text.data);
	*source = kept;
	return OK;
}

static enum status
add_text(struct policy_set *set, const char *file, struct bytes text, struct policy_diagnostics *diagnostics) {
	const struct policy_source *source;
	const struct policy_ast *const *policies;
	size_t count;
	TRY(policy_set_keep_source(set, file, text, diagnostics, &source));
	enum status parsed = policy_parse(&set->arena, source, set->options, diagnostics, &policies, &count);
	if (parsed != OK && parsed != STATUS_INVALID)
		return parsed;
	for (size_t i = 0; i < count; i++) {
		enum status added = policy_set_add_ast(set, policies[i], nullptr, diagnostics);
		if (added == STATUS_INVALID)
			parsed = added;
		else
			TRY(added);
	}
	return parsed;
}

enum status
policy_set_add(struct policy_set *set, const char *file, struct bytes text, struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics own = {};
	if (diagnostics == nullptr)
		diagnostics = &own;
	size_t first = diagnostics->count;
	enum status status = add_text(set, file, text, diagnostics);
	policy_diagnostics_sort(diagnostics, first);
	return status == STATUS_INVALID ? policy_diagnostics_fail(diagnostics, first) : status;
}

static enum status
copy_slot(struct policy_set *set, const char *slot, bool is_slot, const struct entity_uid *uid,
	  const struct entity_uid **copy) {
	if (is_slot != (uid != nullptr))
		return fail(STATUS_INVALID, "policy.link_slot: the template has %s ?%s", is_slot ? "a slot" : "no slot",
			    slot);
	if (uid == nullptr)
		return OK;
	if (!value_is_type_name(uid->type))
		return fail(STATUS_INVALID, "policy.link_type: ?%s: \"%.*s\" is not an entity type", slot,
			    (int)(uid->type.len > 80 ? 80 : uid->type.len), (const char *)uid->type.data);
	struct entity_uid *kept = ARENA_NEW(&set->arena, struct entity_uid);
	TRY_ALLOC(kept);
	*kept = (struct entity_uid){arena_copy(&set->arena, uid->type), arena_copy(&set->arena, uid->id)};
	TRY_ALLOC(kept->type.data);
	TRY_ALLOC(kept->id.data);
	*copy = kept;
	return OK;
}

enum status
policy_set_link(struct policy_set *set, struct bytes template_id, struct bytes id, const struct entity_uid *principal,
		const struct entity_uid *resource) {
	if (set->is_sealed)
		return fail(STATUS_INTERNAL, "policy.sealed: a sealed set does not change");
	const struct policy_entry *template = find_entry(set, template_id);
	if (template == nullptr || !template->is_template)
		return fail(STATUS_NOT_FOUND, "policy.link_template: there is no template \"%.*s\"",
			    (int)(template_id.len > 80 ? 80 : template_id.len), (const char *)template_id.data);
	if (find_entry(set, id) != nullptr)
		return fail(STATUS_CONFLICT, "policy.duplicate_id: the id \"%.*s\" is taken",
			    (int)(id.len > 80 ? 80 : id.len), (const char *)id.data);
	struct policy_entry entry = {.id = arena_copy(&set->arena, id), .ast = template->ast};
	TRY_ALLOC(entry.id.data);
	TRY(copy_slot(set, "principal", entry.ast->principal.is_slot, principal, &entry.principal));
	TRY(copy_slot(set, "resource", entry.ast->resource.is_slot, resource, &entry.resource));
	return add_entry(set, &entry);
}

static enum status
prefix_id(struct policy_set *set, struct bytes prefix, struct bytes *id) {
	uint8_t *text = arena_alloc(&set->arena, prefix.len + id->len);
	TRY_ALLOC(text);
	if (prefix.len > 0)
		memcpy(text, prefix.data, prefix.len);
	memcpy(text + prefix.len, id->data, id->len);
	*id = bytes_of(text, prefix.len + id->len);
	return OK;
}

enum status
policy_set_join(struct policy_set *set, const struct policy_set *other, struct bytes prefix) {
	if (set->is_sealed)
		return fail(STATUS_INTERNAL, "policy.sealed: a sealed set does not change");
	for (size_t i = 0; i < other->entry_count; i++) {
		struct policy_entry entry = other->entries[i];
		TRY(prefix_id(set, prefix, &entry.id));
		if (find_entry(set, entry.id) != nullptr)
			return fail(STATUS_CONFLICT, "policy.duplicate_id: the id \"%.*s\" is taken",
				    (int)(entry.id.len > 80 ? 80 : entry.id.len), (const char *)entry.id.data);
		TRY(add_entry(set, &entry));
	}
	set->statement_count += other->statement_count;
	return OK;
}

enum status
policy_set_seal(struct policy_set *set) {
	if (set->is_sealed)
		return OK;
	set->compiler = ARENA_NEW(&set->arena, struct compiler);
	TRY_ALLOC(set->compiler);
	set->compiler->arena = &set->arena;
	set->policies = ARENA_NEW_ARRAY(&set->arena, set->entry_count - set->template_count, struct compiled_policy);
	TRY_ALLOC(set->policies);
	set->policy_count = 0;
	for (size_t i = 0; i < set->entry_count; i++) {
		const struct policy_entry *entry = &set->entries[i];
		if (entry->is_template)
			continue;
		struct compiled_policy *policy = &set->policies[set->policy_count];
		TRY(policy_compile(set->compiler, entry->ast, entry->principal, entry->resource, policy));
		policy->id = entry->id;
		set->policy_count++;
	}
	TRY(policy_index_build(&set->arena, set->policies, set->policy_count, &set->index));
	set->is_sealed = true;
	return OK;
}

enum status
policy_set_parse(const char *file, struct bytes text, struct policy_set **set, struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_set_destroy) struct policy_set *made = nullptr;
	TRY(policy_set_create(nullptr, &made));
	TRY(policy_set_add(made, file, text, diagnostics));
	TRY(policy_set_seal(made));
	*set = TAKE(made);
	return OK;
}

size_t
policy_set_count(const struct policy_set *set) {
	return set->policy_count;
}

size_t
policy_set_template_count(const struct policy_set *set) {
	return set->template_count;
}

void
policy_set_view(const struct policy_set *set, size_t policy, struct policy_view *view) {
	const struct compiled_policy *compiled = &set->policies[policy];
	const struct policy_ast *ast = compiled->ast;
	*view = (struct policy_view){
		.id = compiled->id,
		.effect = ast->effect,
		.file = ast->source->file,
		.annotations = ast->annotations,
		.annotation_count = ast->annotation_count,
	};
	policy_ast_position(ast, ast->effect_place.offset, &view->line, &view->column);
}

bool
policy_view_annotation(const struct policy_view *view, const char *key, struct bytes *value) {
	for (size_t i = 0; i < view->annotation_count; i++)
		if (bytes_equal_text(view->annotations[i].key, key)) {
			*value = view->annotations[i].value;
			return true;
		}
	return false;
}
