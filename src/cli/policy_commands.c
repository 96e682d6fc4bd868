/* Policies, schemas and entities in files: checked, laid out, converted. */
#include <stdio.h>

#include "cli/handlers.h"
#include "cli/output.h"
#include "policy/conform.h"
#include "policy/fit.h"
#include "policy/format.h"
#include "policy/policy_json.h"
#include "policy/policy_text.h"
#include "policy/schema_write.h"
#include "policy/validator.h"

constexpr size_t POLICY_FILE_MAX = 16 << 20;

static bool
ends_with(const char *text, const char *end) {
	size_t text_length = strlen(text), length = strlen(end);
	return text_length >= length && strcmp(text + text_length - length, end) == 0;
}

static bool
is_schema(const char *path) {
	return ends_with(path, ".cedarschema") || ends_with(path, ".cedarschema.json");
}

static struct bytes
without_space(struct bytes text) {
	while (text.len > 0 && (text.data[0] == ' ' || (text.data[0] >= '\t' && text.data[0] <= '\r')))
		text = bytes_of(text.data + 1, text.len - 1);
	return text;
}

/* By its first character, which neither syntax shares with the other. */
static bool
is_json(struct bytes text) {
	struct bytes rest = without_space(text);
	return rest.len > 0 && (rest.data[0] == '{' || rest.data[0] == '[');
}

/* --- Check. --- */

struct check {
	struct invocation *invocation;
	struct policy_set *set;
	struct policy_schema *schema; /* null: none was given, or it does not hold */
	struct policy_entities *entities;
	struct policy_diagnostics errors, warnings;
};

static void
free_check(struct check *check) {
	policy_set_destroy(&check->set);
	policy_schema_destroy(&check->schema);
	policy_entities_destroy(&check->entities);
	policy_diagnostics_free(&check->errors);
	policy_diagnostics_free(&check->warnings);
}

/* What is found is kept, and looking goes on. */
static enum status
go_on(enum status status) {
	return status == STATUS_INVALID ? OK : status;
}

static enum status
read_set(const char *path, struct bytes text, struct policy_diagnostics *diagnostics, struct policy_set **set) {
	_cleanup_(policy_set_destroy) struct policy_set *made = nullptr;
	TRY(policy_set_create(nullptr, &made));
	TRY((is_json(text) ? policy_set_add_json : policy_set_add)(made, path, text, diagnostics));
	TRY(policy_set_seal(made));
	*set = TAKE(made);
	return OK;
}

static enum status
check_schema(struct check *check) {
	const char *path = invocation_option(check->invocation, "schema");
	struct bytes text;
	if (path == nullptr)
		return OK;
	TRY(input_file(&check->invocation->arena, path, POLICY_FILE_MAX, &text));
	return go_on(policy_schema_parse(path, text, is_json(text) ? SCHEMA_JSON : SCHEMA_CEDAR, &check->schema,
					 &check->errors));
}

static enum status
check_entities(struct check *check) {
	const char *path = invocation_option(check->invocation, "entities");
	struct policy_source source = {.file = path};
	if (path == nullptr)
		return OK;
	TRY(input_file(&check->invocation->arena, path, POLICY_FILE_MAX, &source.text));
	TRY(policy_entities_create(&check->entities));
	return go_on(policy_entities_load(check->entities, &source,
					  (struct policy_entities_options){.schema = check->schema}, &check->errors));
}

static enum status
check_requests(struct check *check) {
	const char *path;
	for (size_t i = 0; (path = invocation_option_at(check->invocation, "request", i)) != nullptr; i++) {
		struct policy_source source = {.file = path};
		struct policy_request request;
		TRY(input_file(&check->invocation->arena, path, POLICY_FILE_MAX, &source.text));
		TRY(go_on(policy_request_read(&check->invocation->arena, &source, check->schema, &check->errors,
					      &request)));
	}
	return OK;
}

static enum status
run_check(struct check *check, const char *path) {
	struct bytes text;
	TRY(input_file(&check->invocation->arena, path, POLICY_FILE_MAX, &text));
	TRY(go_on(read_set(path, text, &check->errors, &check->set)));
	TRY(check_schema(check));
	TRY(check_entities(check));
	TRY(check_requests(check));
	if (check->set == nullptr || check->schema == nullptr)
		return OK;
	return go_on(policy_validate(check->set, check->schema, (struct policy_validator_options){}, &check->errors,
				     &check->warnings));
}

static enum status
write_check(const struct check *check, struct buffer *to) {
	struct json_writer w;
	json_writer_start(&w, to);
	json_write_object(&w);
	if (check->entities != nullptr)
		json_write_member_integer(&w, "entities", (int64_t)policy_entities_count(check->entities));
	json_write_key(&w, "findings");
	policy_diagnostics_write(&check->errors, &w);
	json_write_member_integer(&w, "policies", check->set == nullptr ? 0 : (int64_t)policy_set_count(check->set));
	json_write_member_integer(&w, "templates",
				  check->set == nullptr ? 0 : (int64_t)policy_set_template_count(check->set));
	json_write_key(&w, "warnings");
	policy_diagnostics_write(&check->warnings, &w);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	buffer_append_byte(to, '\n');
	return OK;
}

static void
print_check(const struct check *check, const char *path, struct buffer *to) {
	policy_diagnostics_print(&check->errors, to);
	for (size_t i = 0; i < check->warnings.count; i++)
		buffer_append_format(to, "%s:%zu:%zu: warning: %s: %s\n", check->warnings.items[i].file,
				     check->warnings.items[i].line, check->warnings.items[i].column,
				     check->warnings.items[i].name, check->warnings.items[i].message);
	if (check->errors.count > 0 || check->set == nullptr)
		return;
	buffer_append_format(to, "%s: %zu policies", path, policy_set_count(check->set));
	if (policy_set_template_count(check->set) > 0)
		buffer_append_format(to, ", %zu templates", policy_set_template_count(check->set));
	if (check->schema != nullptr)
		buffer_append_text(to, ", valid by the schema");
	buffer_append_text(to, "\n");
}

enum status
policy_check_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct check *check = ARENA_NEW(&invocation->arena, struct check);
	TRY_ALLOC(check);
	check->invocation = invocation;
	const char *path = invocation_word(invocation, 0);
	enum status status = run_check(check, path);
	if (status == OK && invocation->json)
		status = write_check(check, &text);
	else if (status == OK)
		print_check(check, path, &text);
	invocation->exit_code = check->errors.count == 0 ? EXIT_DONE : EXIT_FOUND;
	free_check(check);
	TRY(status);
	return output_data(&text);
}

enum status
policy_conform_run(struct invocation *invocation) {
	_cleanup_(conform_report_free) struct conform_report report = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	TRY(conform_run(io_system(), invocation_word(invocation, 0), &report));
	if (invocation->json) {
		json_writer_start(&w, &text);
		conform_write(&report, &w);
		TRY(json_writer_finish(&w));
		buffer_append_byte(&text, '\n');
	} else
		conform_print(&report, &text);
	invocation->exit_code = report.difference_count == 0 ? EXIT_DONE : EXIT_FOUND;
	return output_data(&text);
}

/* --- Format, convert. --- */

/* The result of what may find something: on standard error, with exit 1. */
static enum status
report(struct invocation *invocation, enum status status, struct policy_diagnostics *diagnostics) {
	_cleanup_(buffer_free) struct buffer text = {};
	if (status == STATUS_INVALID) {
		policy_diagnostics_print(diagnostics, &text);
		invocation->exit_code = EXIT_FOUND;
		if (text.len > 0)
			output_note("%.*s", (int)text.len - 1, (const char *)text.data);
	}
	policy_diagnostics_free(diagnostics);
	return status == STATUS_INVALID ? OK : status;
}

enum status
policy_format_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer formatted = {};
	struct policy_diagnostics *diagnostics = ARENA_NEW(&invocation->arena, struct policy_diagnostics);
	const char *path = invocation_word(invocation, 0);
	struct bytes text;
	TRY_ALLOC(diagnostics);
	TRY(input_file(&invocation->arena, path, POLICY_FILE_MAX, &text));
	enum status status = policy_format(path, text, &formatted, diagnostics);
	TRY(report(invocation, status, diagnostics));
	if (status != OK)
		return OK;
	bool is_same = bytes_equal(text, buffer_bytes(&formatted));
	if (!invocation_flag(invocation, "check"))
		return output_data(&formatted);
	if (!is_same) {
		output_note("gatehouse: %s is not laid out as `policy format` does", path);
		invocation->exit_code = EXIT_FOUND;
	}
	return OK;
}

static enum status
convert(const char *path, struct bytes text, struct policy_diagnostics *diagnostics, struct buffer *to) {
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	if (is_schema(path))
		return policy_schema_convert(path, text, is_json(text) ? SCHEMA_JSON : SCHEMA_CEDAR, to, diagnostics);
	TRY(read_set(path, text, diagnostics, &set));
	TRY((is_json(text) ? policy_set_write_text : policy_set_write_json)(set, to));
	if (!is_json(text))
		buffer_append_byte(to, '\n');
	return buffer_status(to);
}

enum status
policy_convert_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer converted = {};
	struct policy_diagnostics *diagnostics = ARENA_NEW(&invocation->arena, struct policy_diagnostics);
	const char *path = invocation_word(invocation, 0);
	struct bytes text;
	TRY_ALLOC(diagnostics);
	TRY(input_file(&invocation->arena, path, POLICY_FILE_MAX, &text));
	enum status status = convert(path, text, diagnostics, &converted);
	TRY(report(invocation, status, diagnostics));
	return status == OK ? output_file(invocation_option(invocation, "out"), buffer_bytes(&converted), 0644, false)
			    : OK;
}
