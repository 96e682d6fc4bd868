/* What the worker does with a request, and the answer that it makes of it. */
#include "policy/bundle.h"
#include "policy/set.h"
#include "policy/validator.h"
#include "policy/work.h"

static const char *
file_name(struct arena *arena, const struct work_file *file) {
	const char *name = arena_text(arena, file->name);
	return name == nullptr ? "" : name;
}

/* The texts of a request, read. */
struct material {
	struct policy_schema *schema;
	struct policy_entities *entities;
	struct bundle *bundle;
	struct policy_set *policies, *old, *invariants; /* witnesses borrow from all of them */
};

static void
material_free(struct material *material) {
	policy_schema_destroy(&material->schema);
	policy_entities_destroy(&material->entities);
	bundle_destroy(&material->bundle);
	policy_set_destroy(&material->policies);
	policy_set_destroy(&material->old);
	policy_set_destroy(&material->invariants);
}

static enum status
read_set(const struct work_file *files, size_t count, const struct policy_schema *schema, struct arena *arena,
	 struct policy_diagnostics *diagnostics, struct policy_set **set) {
	_cleanup_(policy_set_destroy) struct policy_set *made = nullptr;
	TRY(policy_set_create(nullptr, &made));
	for (size_t i = 0; i < count; i++)
		TRY(policy_set_add(made, file_name(arena, &files[i]), files[i].text, diagnostics));
	TRY(policy_validate(made, schema, (struct policy_validator_options){}, diagnostics, nullptr));
	TRY(policy_set_seal(made));
	*set = TAKE(made);
	return OK;
}

static enum status
read_material(const struct work *work, struct arena *arena, struct policy_diagnostics *diagnostics,
	      struct material *material) {
	TRY(policy_schema_parse(file_name(arena, &work->schema), work->schema.text,
				work->schema_is_json ? SCHEMA_JSON : SCHEMA_CEDAR, &material->schema, diagnostics));
	TRY(read_set(work->policies, work->policy_count, material->schema, arena, diagnostics, &material->policies));
	return read_set(work->old, work->old_count, material->schema, arena, diagnostics, &material->old);
}

static enum status
perform_prove(const struct work *work, struct material *material, struct arena *arena,
	      struct policy_diagnostics *diagnostics, struct prove_report *report) {
	struct prove_options options = {.gateway_hostile = work->gateway_hostile};
	TRY(prove_invariants_read(file_name(arena, &work->invariants), work->invariants.text, material->schema,
				  &material->invariants, diagnostics));
	return policy_prove(material->policies, material->schema, material->invariants, &options, arena, report);
}

static enum status
perform_check(const struct work *, struct material *material, struct arena *arena, struct policy_diagnostics *,
	      struct prove_report *report) {
	return policy_check_each(material->policies, material->schema, nullptr, arena, report);
}

static enum status
perform_compare(const struct work *, struct material *material, struct arena *arena, struct policy_diagnostics *,
		struct prove_report *report) {
	return policy_compare(material->old, material->policies, material->schema, nullptr, arena, report);
}

static enum status
perform_disjoint(const struct work *, struct material *material, struct arena *arena, struct policy_diagnostics *,
		 struct prove_report *report) {
	return policy_disjoint(material->old, material->policies, material->schema, nullptr, arena, report);
}

/* What it is proved of is what was sent: its hash is the bundle's. */
static enum status
perform_bundle(const struct work *work, struct material *material, struct arena *arena,
	       struct policy_diagnostics *diagnostics, struct prove_report *report) {
	const struct prove_options options = {.gateway_hostile = work->gateway_hostile};
	struct hash256 hash = sha256(work->document);
	char name[2 * sizeof hash.bytes + 1];
	size_t count = 0;
	hex_encode(BYTES_OF_ARRAY(hash.bytes), name);
	if (!bytes_equal_text(work->bundle, name))
		return fail(STATUS_CONFLICT, "work.bundle: the document's hash is %s", name);
	TRY(bundle_create(&material->bundle, work->document, diagnostics));
	struct prove_file files[BUNDLE_FILES_MAX];
	for (const struct bundle_file *file;
	     count < BUNDLE_FILES_MAX && (file = bundle_file(material->bundle, BUNDLE_INVARIANTS, count)) != nullptr;)
		files[count++] = (struct prove_file){(const char *)file->name.data, file->text};
	TRY(prove_invariants_read_files(files, count, material->bundle->schema, &material->invariants, diagnostics));
	return policy_prove(material->bundle->policies, material->bundle->schema, material->invariants, &options, arena,
			    report);
}

static enum status
perform_people(const struct work *work, struct material *material, struct arena *arena,
	       struct policy_diagnostics *diagnostics, struct prove_report *report) {
	struct policy_source source = {file_name(arena, &work->entities), work->entities.text};
	struct prove_people question = {
		.group_type = BYTES_OF_LITERAL("Group"), .fact = work->fact, .more_than = work->more_than};
	TRY(policy_entities_create(&material->entities));
	TRY(policy_entities_read(material->entities, &source,
				 (struct policy_entities_options){.implicit_entities = true}, diagnostics));
	TRY(policy_entities_seal(material->entities));
	question.entities = material->entities;
	TRY(prove_people_find(arena, work->entities.text, BYTES_OF_LITERAL("Person"), &question));
	return policy_people(material->policies, material->schema, &question, nullptr, arena, report);
}

/* By enum work_ask. */
static enum status (*const performers[WORK_END])(const struct work *work, struct material *material,
						 struct arena *arena, struct policy_diagnostics *diagnostics,
						 struct prove_report *report) = {
	[WORK_PROVE] = perform_prove,       [WORK_CHECK] = perform_check,   [WORK_COMPARE] = perform_compare,
	[WORK_DISJOINT] = perform_disjoint, [WORK_BUNDLE] = perform_bundle, [WORK_PEOPLE] = perform_people,
};

/* --- The answer --- */

static enum status
write_answer(struct bytes request, const struct work *work, const char *error,
	     const struct policy_diagnostics *diagnostics, struct bytes report, struct buffer *answer) {
	struct json_writer writer;
	json_writer_start(&writer, answer);
	json_write_object(&writer);
	json_write_member_string(&writer, "bundle", work->bundle);
	json_write_member_integer(&writer, "engine", PROVE_ENGINE_VERSION);
	if (error != nullptr)
		json_write_member_text(&writer, "error", error);
	if (diagnostics->count > 0) {
		json_write_key(&writer, "findings");
		policy_diagnostics_write(diagnostics, &writer);
	}
	struct hash256 invariants = sha256(work->invariants.text), hash = sha256(request);
	json_write_member_hex(&writer, "invariants", BYTES_OF_ARRAY(invariants.bytes));
	if (error == nullptr) {
		json_write_key(&writer, "report");
		json_write_canonical(&writer, report);
	}
	json_write_member_hex(&writer, "request", BYTES_OF_ARRAY(hash.bytes));
	json_write_member_text(&writer, "type", "gatehouse/worker-answer/v1");
	json_write_end(&writer);
	TRY(json_writer_finish(&writer));
	return answer->len > WORK_ANSWER_MAX
		       ? fail(STATUS_TOO_LARGE, "work.answer: %zu bytes, at most %zu", answer->len, WORK_ANSWER_MAX)
		       : OK;
}

static enum status
perform(struct bytes request, struct arena *arena, struct policy_diagnostics *diagnostics, struct work *work,
	struct buffer *report) {
	_cleanup_(material_free) struct material material = {};
	struct prove_report findings;
	struct json_writer writer;
	TRY(work_read(arena, request, work));
	if (work->ask != WORK_BUNDLE)
		TRY(read_material(work, arena, diagnostics, &material));
	TRY(performers[work->ask](work, &material, arena, diagnostics, &findings));
	json_writer_start(&writer, report);
	prove_report_write(&findings, &writer);
	return json_writer_finish(&writer);
}

/* Only the text of a message that can stand in JSON. */
static void
keep_error(char *error, size_t capacity) {
	const char *message = fail_message();
	size_t length = strlen(message);
	if (length >= capacity)
		length = capacity - 1;
	while (length > 0 && !utf8_is_valid(bytes_of(message, length)))
		length--;
	memcpy(error, message, length);
	error[length] = '\0';
}

enum status
work_perform(struct bytes request, struct buffer *answer) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(buffer_free) struct buffer report = {};
	struct work work = {};
	char error[512];
	enum status status = perform(request, &arena, &diagnostics, &work, &report);
	if (status == OK) {
		status = write_answer(request, &work, nullptr, &diagnostics, buffer_bytes(&report), answer);
		if (status == OK)
			return OK;
	}
	keep_error(error, sizeof error);
	buffer_reset(answer);
	return write_answer(request, &work, error[0] == '\0' ? "work.unknown: no reason given" : error, &diagnostics,
			    (struct bytes){}, answer);
}
