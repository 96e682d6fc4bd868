#include "policy/conform.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/validator.h"

constexpr size_t CASE_FILE_MAX = 16 << 20;
constexpr size_t PATH_MAX_BYTES = 4096;
constexpr size_t FOLDERS_DEEP_MAX = 16;
constexpr size_t FOLDERS_ABOVE_MAX = 8;
constexpr size_t CASE_DEPTH_MAX = 64;

struct run {
	const struct io *io;
	const char *directory;
	struct conform_report *report;
	struct arena arena;   /* of one case */
	struct arena scratch; /* of one decision */
	struct policy_validator_options options;
	bool validates;
};

void
conform_report_free(struct conform_report *report) {
	for (size_t i = 0; i < report->difference_count && i < CONFORM_DIFFERENCES_MAX; i++)
		free(report->differences[i]);
	*report = (struct conform_report){};
}

static void
free_run(struct run *run) {
	arena_free(&run->arena);
	arena_free(&run->scratch);
}

static bool
ends_with(const char *text, const char *end) {
	size_t text_length = strlen(text), length = strlen(end);
	return text_length >= length && strcmp(text + text_length - length, end) == 0;
}

/* Keeps "<case>: <what>" if there is room. */
static enum status note_difference(struct run *run, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static enum status
note_difference(struct run *run, const char *path, const char *format, ...) {
	struct conform_report *report = run->report;
	if (report->difference_count++ >= CONFORM_DIFFERENCES_MAX)
		return OK;
	_cleanup_(buffer_free) struct buffer text = {};
	char what[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(what, sizeof what, format, arguments);
	va_end(arguments);
	buffer_append_format(&text, "%s: %s", path, what);
	buffer_append_byte(&text, 0);
	enum status status = buffer_status(&text);
	report->differences[report->difference_count - 1] = status == OK ? strdup((const char *)text.data) : nullptr;
	if (report->differences[report->difference_count - 1] == nullptr) {
		report->difference_count--;
		return fail(STATUS_NO_MEMORY, "memory: out of memory noting a difference");
	}
	return OK;
}

static struct bytes
folder_of(struct bytes path) {
	size_t length = path.len;
	while (length > 0 && path.data[length - 1] != '/')
		length--;
	return bytes_of(path.data, length == 0 ? 0 : length - 1);
}

static struct bytes
base_name(struct bytes path) {
	struct bytes folder = folder_of(path);
	size_t skip = folder.len == 0 && (path.len == 0 || path.data[0] != '/') ? 0 : folder.len + 1;
	return bytes_of(path.data + skip, path.len - skip);
}

/* The file that a case names: under one of the folders above the case, or else beside it by its base name. */
static enum status
read_named_file(struct run *run, const char *case_path, struct bytes name, struct buffer *content) {
	struct bytes folder = folder_of(bytes_of_text(case_path)), base = base_name(name);
	if (name.len == 0 || name.len >= PATH_MAX_BYTES || memchr(name.data, 0, name.len) != nullptr)
		return fail(STATUS_INVALID, "conform.file: a case names a file without a name");
	for (size_t i = 0; i < FOLDERS_ABOVE_MAX && folder.len > 0; i++, folder = folder_of(folder)) {
		const char *path = arena_format(&run->arena, "%.*s/%.*s", BYTES_ARGS(folder), BYTES_ARGS(name));
		TRY_ALLOC(path);
		enum status status = io_read_file(run->io, path, CASE_FILE_MAX, content);
		if (status != STATUS_NOT_FOUND)
			return status;
	}
	folder = folder_of(bytes_of_text(case_path));
	const char *path = arena_format(&run->arena, "%.*s/%.*s", BYTES_ARGS(folder), BYTES_ARGS(base));
	TRY_ALLOC(path);
	return io_read_file(run->io, path, CASE_FILE_MAX, content);
}

struct expected {
	enum policy_decision decision;
	const json *reasons;
	const json *errors;
};

static enum status
read_expected(const json *request, struct expected *expected) {
	struct bytes decision;
	TRY(json_need_string(request, "conform", "decision", &decision));
	TRY(json_need(request, "conform", "reason", JSON_ARRAY, &expected->reasons));
	TRY(json_need(request, "conform", "errors", JSON_ARRAY, &expected->errors));
	expected->decision = bytes_equal_text(decision, "allow") ? POLICY_ALLOW : POLICY_DENY;
	if (expected->decision == POLICY_DENY && !bytes_equal_text(decision, "deny"))
		return fail(STATUS_INVALID, "conform.decision: expected allow or deny");
	return OK;
}

static enum status
read_request(struct run *run, const json *document, struct policy_request *request) {
	const json *value;
	struct value *context = ARENA_NEW(&run->arena, struct value);
	TRY_ALLOC(context);
	TRY(json_need(document, "conform", "principal", JSON_OBJECT, &value));
	TRY(value_read_uid(value, &request->principal));
	TRY(json_need(document, "conform", "action", JSON_OBJECT, &value));
	TRY(value_read_uid(value, &request->action));
	TRY(json_need(document, "conform", "resource", JSON_OBJECT, &value));
	TRY(value_read_uid(value, &request->resource));
	TRY(json_need(document, "conform", "context", JSON_OBJECT, &value));
	TRY(value_read_implicit(&run->arena, value, context));
	request->context = context;
	return OK;
}

static bool
lists(const json *ids, struct bytes id) {
	struct json_iterator iterator = json_iterate(ids);
	for (const json *item; (item = json_next(&iterator, nullptr)) != nullptr;)
		if (json_type_of(item) == JSON_STRING && bytes_equal(json_string(item), id))
			return true;
	return false;
}

/* Both as sets; neither has an id twice. */
static bool
reasons_agree(const struct policy_set *set, const struct policy_result *result, const json *ids) {
	struct policy_view view;
	for (size_t i = 0; i < result->reason_count; i++) {
		policy_set_view(set, result->reasons[i], &view);
		if (!lists(ids, view.id))
			return false;
	}
	return result->reason_count == json_size(ids);
}

static bool
errors_agree(const struct policy_set *set, const struct policy_result *result, const json *ids) {
	struct policy_view view;
	for (size_t i = 0; i < result->error_count; i++) {
		policy_set_view(set, result->errors[i].policy, &view);
		if (!lists(ids, view.id))
			return false;
	}
	return result->error_count == json_size(ids);
}

static enum status
run_request(struct run *run, const char *path, size_t number, const struct policy_set *set,
	    const struct policy_entities *entities, const json *document) {
	struct policy_request request;
	struct policy_result result;
	struct expected expected;
	TRY(read_expected(document, &expected));
	TRY(read_request(run, document, &request));
	arena_reset(&run->scratch);
	TRY(policy_decide(set, entities, &request, (struct policy_options){}, &run->scratch, &result));
	if (result.decision != expected.decision)
		return note_difference(run, path, "request %zu: expected %s, found %s", number,
				       expected.decision == POLICY_ALLOW ? "allow" : "deny",
				       result.decision == POLICY_ALLOW ? "allow" : "deny");
	if (!reasons_agree(set, &result, expected.reasons))
		return note_difference(run, path, "request %zu: other reasons than expected", number);
	if (!errors_agree(set, &result, expected.errors))
		return note_difference(run, path, "request %zu: other errors than expected%s%s", number,
				       result.error_count > 0 ? ", found " : "",
				       result.error_count > 0 ? result.errors[0].message : "");
	run->report->agree++;
	return OK;
}

static const struct policy_set_options lenient = {
	.number_all = true, .allow_bidirectional = true, .allow_any_arguments = true};

static enum status
load_case(struct run *run, const char *path, const json *document, struct policy_set **set,
	  struct policy_entities **entities) {
	_cleanup_(buffer_free) struct buffer policies = {}, entities_text = {};
	struct bytes name;
	TRY(json_need_string(document, "conform", "policies", &name));
	TRY(read_named_file(run, path, name, &policies));
	TRY(policy_set_create(&lenient, set));
	TRY(policy_set_add(*set, arena_text(&run->arena, name), buffer_bytes(&policies), nullptr));
	TRY(policy_set_seal(*set));
	TRY(json_need_string(document, "conform", "entities", &name));
	TRY(read_named_file(run, path, name, &entities_text));
	struct policy_source source = {arena_text(&run->arena, name), buffer_bytes(&entities_text)};
	TRY_ALLOC(source.file);
	TRY(policy_entities_create(entities));
	struct policy_entities_options options = {.implicit_entities = true};
	TRY(policy_entities_read(*entities, &source, options, nullptr));
	return policy_entities_seal(*entities);
}

static enum status
read_schema(struct run *run, const char *path, struct bytes name, struct policy_schema **schema) {
	_cleanup_(buffer_free) struct buffer text = {};
	const char *file = arena_text(&run->arena, name);
	TRY_ALLOC(file);
	TRY(read_named_file(run, path, name, &text));
	enum schema_syntax syntax = ends_with(file, ".json") ? SCHEMA_JSON : SCHEMA_CEDAR;
	return policy_schema_parse(file, buffer_bytes(&text), syntax, schema, nullptr);
}

static enum status
run_validation(struct run *run, const char *path, const json *document, const struct policy_set *set) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = nullptr;
	const json *expected = json_get(document, "shouldValidate");
	struct bytes name;
	if (expected == nullptr || json_type_of(expected) != JSON_BOOLEAN || json_get(document, "schema") == nullptr)
		return OK;
	run->report->validations++;
	TRY(json_need_string(document, "conform", "schema", &name));
	TRY(read_schema(run, path, name, &schema));
	enum status status = policy_validate(set, schema, run->options, nullptr, nullptr);
	if (status != OK && status != STATUS_INVALID)
		return status;
	if ((status == OK) == json_boolean(expected)) {
		run->report->validations_agree++;
		return OK;
	}
	return note_difference(run, path, "validation: expected %s, found %s",
			       json_boolean(expected) ? "valid" : "invalid", status == OK ? "valid" : fail_message());
}

static bool
is_no_difference(enum status status) {
	return status == OK || status == STATUS_NO_MEMORY || status == STATUS_IO || status == STATUS_INTERNAL;
}

/* What a case says and we refuse to read is a difference, not the end of the run. */
static enum status
run_case(struct run *run, const char *path, const json *document, const json *requests) {
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	_cleanup_(policy_entities_destroy) struct policy_entities *entities = nullptr;
	run->report->cases++;
	run->report->requests += json_size(requests);
	enum status status = load_case(run, path, document, &set, &entities);
	if (status != OK)
		return is_no_difference(status) ? status : note_difference(run, path, "%s", fail_message());
	if (run->validates)
		status = run_validation(run, path, document, set);
	if (!is_no_difference(status))
		status = note_difference(run, path, "validation: %s", fail_message());
	TRY(status);
	struct json_iterator iterator = json_iterate(requests);
	size_t number = 0;
	for (const json *request; (request = json_next(&iterator, nullptr)) != nullptr; number++) {
		status = run_request(run, path, number, set, entities, request);
		if (!is_no_difference(status))
			status = note_difference(run, path, "request %zu: %s", number, fail_message());
		TRY(status);
	}
	return OK;
}

static enum status
run_file(struct run *run, const char *path) {
	_cleanup_(buffer_free) struct buffer text = {};
	const json *document;
	const json *requests;
	if (!ends_with(path, ".json") || ends_with(path, ".entities.json"))
		return OK;
	TRY(io_read_file(run->io, path, CASE_FILE_MAX, &text));
	arena_reset(&run->arena);
	struct json_limits limits = {.integers = JSON_INT64_INTEGERS, .depth = CASE_DEPTH_MAX};
	enum status status = json_read(&run->arena, buffer_bytes(&text), limits, &document);
	if (status == STATUS_INVALID) {
		run->report->cases++;
		return note_difference(run, path, "%s", fail_message());
	}
	TRY(status);
	bool is_case = json_type_of(document) == JSON_OBJECT && json_get(document, "policies") != nullptr &&
		       json_get(document, "entities") != nullptr;
	requests = is_case ? json_get(document, "requests") : nullptr;
	if (requests == nullptr || json_type_of(requests) != JSON_ARRAY)
		return OK;
	return run_case(run, path, document, requests);
}

struct names {
	char **items;
	size_t count;
	size_t capacity;
};

static void
free_names(struct names *names) {
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
}

static enum status
add_name(void *context, const char *name) {
	struct names *names = context;
	if (names->count == names->capacity) {
		size_t capacity = names->capacity == 0 ? 64 : names->capacity * 2;
		char **items = reallocarray(names->items, capacity, sizeof *items);
		TRY_ALLOC(items);
		names->items = items;
		names->capacity = capacity;
	}
	names->items[names->count] = strdup(name);
	TRY_ALLOC(names->items[names->count]);
	names->count++;
	return OK;
}

static int
compare_texts(const void *a, const void *b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* By name, so that the first differences are the same on every machine. What is no folder is tried as a file. */
static enum status
run_folder(struct run *run, const char *path, size_t depth) {
	_cleanup_(free_names) struct names names = {};
	TRY(io_list_directory(run->io, path, add_name, &names));
	if (names.count > 1)
		qsort(names.items, names.count, sizeof *names.items, compare_texts);
	for (size_t i = 0; i < names.count; i++) {
		_cleanup_(buffer_free) struct buffer child = {};
		buffer_append_format(&child, "%s/%s", path, names.items[i]);
		buffer_append_byte(&child, 0);
		TRY(buffer_status(&child));
		if (strchr(names.items[i], '.') != nullptr)
			TRY(run_file(run, (const char *)child.data));
		else if (depth < FOLDERS_DEEP_MAX) {
			enum status status = run_folder(run, (const char *)child.data, depth + 1);
			if (status != STATUS_IO && status != STATUS_NOT_FOUND) /* a file without a dot in its name */
				TRY(status);
		}
	}
	return OK;
}

static enum status
run_directory(const struct io *io, const char *directory, bool validates, struct conform_report *report) {
	_cleanup_(free_run) struct run run = {.io = io,
					      .directory = directory,
					      .report = report,
					      .options = {.inapplicable_is_error = true},
					      .validates = validates};
	*report = (struct conform_report){};
	TRY(run_folder(&run, directory, 0));
	if (report->cases == 0)
		return fail(STATUS_NOT_FOUND, "conform.none: there is no test case below %s", directory);
	return OK;
}

enum status
conform_run(const struct io *io, const char *directory, struct conform_report *report) {
	return run_directory(io, directory, true, report);
}

enum status
conform_run_requests(const struct io *io, const char *directory, struct conform_report *report) {
	return run_directory(io, directory, false, report);
}

void
conform_print(const struct conform_report *report, struct buffer *to) {
	buffer_append_format(to, "cases: %zu\nrequests: %zu\nagree: %zu\nvalidations: %zu\nvalidations_agree: %zu\n",
			     report->cases, report->requests, report->agree, report->validations,
			     report->validations_agree);
	for (size_t i = 0; i < report->difference_count && i < CONFORM_DIFFERENCES_MAX; i++)
		buffer_append_format(to, "difference: %s\n", report->differences[i]);
	if (report->difference_count > CONFORM_DIFFERENCES_MAX)
		buffer_append_format(to, "and %zu more differences\n",
				     report->difference_count - CONFORM_DIFFERENCES_MAX);
}

void
conform_write(const struct conform_report *report, struct json_writer *writer) {
	json_write_object(writer);
	json_write_member_integer(writer, "agree", (int64_t)report->agree);
	json_write_member_integer(writer, "cases", (int64_t)report->cases);
	json_write_key(writer, "differences");
	json_write_array(writer);
	for (size_t i = 0; i < report->difference_count && i < CONFORM_DIFFERENCES_MAX; i++)
		json_write_text(writer, report->differences[i]);
	json_write_end(writer);
	json_write_member_integer(writer, "requests", (int64_t)report->requests);
	json_write_member_integer(writer, "validations", (int64_t)report->validations);
	json_write_member_integer(writer, "validations_agree", (int64_t)report->validations_agree);
	json_write_end(writer);
}
