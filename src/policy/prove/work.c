#include "policy/work.h"

#include "policy/bundle.h"
#include "policy/set.h"
#include "policy/validator.h"

struct material;

static const struct ask_row {
	const char *name;
	enum status (*perform)(const struct work *work, struct material *material, struct arena *arena,
			       struct policy_diagnostics *diagnostics, struct prove_report *report);
} asks[WORK_END];

/* --- The request --- */

static void
write_file(struct json_writer *writer, const struct work_file *file) {
	json_write_object(writer);
	json_write_member_string(writer, "name", file->name);
	json_write_member_string(writer, "text", file->text);
	json_write_end(writer);
}

static void
write_files(struct json_writer *writer, const char *key, const struct work_file *files, size_t count) {
	json_write_key(writer, key);
	json_write_array(writer);
	for (size_t i = 0; i < count; i++)
		write_file(writer, &files[i]);
	json_write_end(writer);
}

enum status
work_write(const struct work *work, struct buffer *request) {
	struct json_writer writer;
	json_writer_start(&writer, request);
	json_write_object(&writer);
	json_write_member_text(&writer, "ask", asks[work->ask].name);
	json_write_member_string(&writer, "bundle", work->bundle);
	if (work->document.len > 0) {
		json_write_key(&writer, "document");
		json_write_canonical(&writer, work->document);
	}
	json_write_key(&writer, "entities");
	write_file(&writer, &work->entities);
	json_write_member_string(&writer, "fact", work->fact);
	json_write_member_boolean(&writer, "gateway_hostile", work->gateway_hostile);
	json_write_key(&writer, "invariants");
	write_file(&writer, &work->invariants);
	json_write_member_integer(&writer, "more_than", work->more_than);
	write_files(&writer, "old", work->old, work->old_count);
	write_files(&writer, "policies", work->policies, work->policy_count);
	json_write_key(&writer, "schema");
	write_file(&writer, &work->schema);
	json_write_member_boolean(&writer, "schema_is_json", work->schema_is_json);
	json_write_member_text(&writer, "type", "gatehouse/worker-request/v1");
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

static enum status
read_file(const json *root, const char *key, struct work_file *file) {
	static const char *const members[] = {"name", "text", nullptr};
	const json *value;
	TRY(json_need(root, "work", key, JSON_OBJECT, &value));
	TRY(json_only(value, "work.file", members));
	TRY(json_need_string(value, "work.file", "name", &file->name));
	return json_need_string(value, "work.file", "text", &file->text);
}

static enum status
read_policies(struct arena *arena, const json *root, const char *key, const struct work_file **policies,
	      size_t *policy_count) {
	static const char *const members[] = {"name", "text", nullptr};
	const json *list;
	TRY(json_need(root, "work", key, JSON_ARRAY, &list));
	size_t count = json_size(list);
	if (count > WORK_FILES_MAX)
		return fail(STATUS_TOO_LARGE, "work.%s: %zu files, at most %zu", key, count, WORK_FILES_MAX);
	struct work_file *files = ARENA_NEW_ARRAY(arena, count, struct work_file);
	TRY_ALLOC(files);
	struct json_iterator iterator = json_iterate(list);
	for (const json *item; (item = json_next(&iterator, nullptr)) != nullptr;) {
		struct work_file *file = &files[(*policy_count)++];
		if (json_type_of(item) != JSON_OBJECT)
			return fail(STATUS_INVALID, "work.%s: expected objects", key);
		TRY(json_only(item, "work.file", members));
		TRY(json_need_string(item, "work.file", "name", &file->name));
		TRY(json_need_string(item, "work.file", "text", &file->text));
	}
	*policies = files;
	return OK;
}

static enum status
read_ask(const json *root, enum work_ask *ask) {
	struct bytes name;
	TRY(json_need_string(root, "work", "ask", &name));
	for (*ask = 0; *ask < WORK_END; (*ask)++)
		if (bytes_equal_text(name, asks[*ask].name))
			return OK;
	return fail(STATUS_UNSUPPORTED, "work.ask: \"%.*s\" is not known", (int)(name.len > 40 ? 40 : name.len),
		    (const char *)name.data);
}

/* As it was: canonical JSON has one form. */
static enum status
read_document(struct arena *arena, const json *root, struct work *work) {
	const json *document = json_get(root, "document");
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	if ((document != nullptr) != (work->ask == WORK_BUNDLE))
		return fail(STATUS_INVALID, "work.document: expected for a bundle, and only there");
	if (document == nullptr)
		return OK;
	json_writer_start(&writer, &text);
	json_write_value(&writer, document);
	TRY(json_writer_finish(&writer));
	work->document = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(work->document.data);
	return OK;
}

enum status
work_read(struct arena *arena, struct bytes request, struct work *work) {
	static const char *const members[] = {
		"ask",        "bundle",    "document", "entities", "fact",   "gateway_hostile",
		"invariants", "more_than", "old",      "policies", "schema", "schema_is_json",
		"type",       nullptr};
	const json *root;
	struct bytes type;
	*work = (struct work){};
	TRY(json_read(arena, request, (struct json_limits){}, &root));
	TRY(json_need_string(root, "work", "type", &type));
	if (!bytes_equal_text(type, "gatehouse/worker-request/v1"))
		return fail(STATUS_UNSUPPORTED, "work.version: \"%.*s\", expected gatehouse/worker-request/v1",
			    (int)(type.len > 40 ? 40 : type.len), (const char *)type.data);
	TRY(json_only(root, "work", members));
	TRY(read_ask(root, &work->ask));
	TRY(json_need_string(root, "work", "bundle", &work->bundle));
	TRY(json_need_boolean(root, "work", "gateway_hostile", &work->gateway_hostile));
	TRY(json_need_boolean(root, "work", "schema_is_json", &work->schema_is_json));
	TRY(read_document(arena, root, work));
	TRY(json_need_string(root, "work", "fact", &work->fact));
	TRY(json_need_integer(root, "work", "more_than", &work->more_than));
	TRY(read_file(root, "entities", &work->entities));
	TRY(read_file(root, "invariants", &work->invariants));
	TRY(read_file(root, "schema", &work->schema));
	TRY(read_policies(arena, root, "old", &work->old, &work->old_count));
	return read_policies(arena, root, "policies", &work->policies, &work->policy_count);
}

/* --- The work --- */

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
	return policy_prove(material->bundle->policies, material->bundle->schema, material->invariants, nullptr, arena,
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

static const struct ask_row asks[WORK_END] = {
	[WORK_PROVE] = {"prove", perform_prove},       [WORK_CHECK] = {"check", perform_check},
	[WORK_COMPARE] = {"compare", perform_compare}, [WORK_DISJOINT] = {"disjoint", perform_disjoint},
	[WORK_BUNDLE] = {"bundle", perform_bundle},    [WORK_PEOPLE] = {"people", perform_people},
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
	TRY(asks[work->ask].perform(work, &material, arena, diagnostics, &findings));
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

static enum status
read_hash(const json *root, const char *key, struct hash256 *hash) {
	struct bytes text;
	TRY(json_need_string(root, "work.answer", key, &text));
	return hex_decode(text, hash->bytes, sizeof hash->bytes);
}

static enum status
read_verdict(const json *item, struct work_finding *finding) {
	struct bytes verdict;
	const json *reason = json_get(item, "reason");
	*finding = (struct work_finding){.whole = item};
	TRY(json_need_string(item, "work.answer", "subject", &finding->subject));
	TRY(json_need_string(item, "work.answer", "check", &finding->check));
	TRY(json_need_string(item, "work.answer", "verdict", &verdict));
	if (reason != nullptr)
		TRY(json_need_string(item, "work.answer", "reason", &finding->reason));
	for (enum prove_verdict known = PROVE_UNKNOWN; known <= PROVE_COUNTEREXAMPLE; known++)
		if (bytes_equal_text(verdict, prove_verdict_name(known))) {
			finding->verdict = known;
			return OK;
		}
	return fail(STATUS_INVALID, "work.answer: verdict \"%.*s\"", (int)(verdict.len > 40 ? 40 : verdict.len),
		    (const char *)verdict.data);
}

static enum status
read_report(struct arena *arena, const json *root, struct work_answer *answer) {
	const json *list;
	TRY(json_need(root, "work.answer", "report", JSON_OBJECT, &answer->report));
	TRY(json_need(answer->report, "work.answer", "findings", JSON_ARRAY, &list));
	struct work_finding *findings = ARENA_NEW_ARRAY(arena, json_size(list), struct work_finding);
	TRY_ALLOC(findings);
	struct json_iterator iterator = json_iterate(list);
	for (const json *item; (item = json_next(&iterator, nullptr)) != nullptr;)
		TRY(read_verdict(item, &findings[answer->verdict_count++]));
	answer->verdicts = findings;
	return OK;
}

static enum status
read_answer(struct arena *arena, struct bytes request, const json *root, struct work_answer *answer) {
	struct hash256 expected = sha256(request);
	struct bytes type;
	int64_t engine;
	TRY(json_need_string(root, "work.answer", "type", &type));
	if (!bytes_equal_text(type, "gatehouse/worker-answer/v1"))
		return fail(STATUS_UNSUPPORTED, "work.answer: it is of another type");
	TRY(json_need_integer(root, "work.answer", "engine", &engine));
	if (engine != PROVE_ENGINE_VERSION)
		return fail(STATUS_UNSUPPORTED, "work.engine: version %lld, expected %u", (long long)engine,
			    PROVE_ENGINE_VERSION);
	TRY(read_hash(root, "request", &answer->request));
	if (memcmp(answer->request.bytes, expected.bytes, sizeof expected.bytes) != 0)
		return fail(STATUS_CONFLICT, "work.mismatch: it answers another request");
	TRY(read_hash(root, "invariants", &answer->invariants));
	TRY(json_need_string(root, "work.answer", "bundle", &answer->bundle));
	answer->findings = json_get(root, "findings");
	answer->is_done = json_get(root, "error") == nullptr;
	return answer->is_done ? read_report(arena, root, answer)
			       : json_need_string(root, "work.answer", "error", &answer->error);
}

enum status
work_read_answer(struct arena *arena, struct bytes request, struct bytes text, struct work_answer *answer) {
	const json *root;
	*answer = (struct work_answer){};
	if (text.len > WORK_ANSWER_MAX)
		return fail(STATUS_TOO_LARGE, "work.answer: %zu bytes, at most %zu", text.len, WORK_ANSWER_MAX);
	TRY(json_read(arena, text, (struct json_limits){}, &root));
	return read_answer(arena, request, root, answer);
}

enum status
work_write_bundle(struct bytes document, struct buffer *request) {
	static const struct work_file none = {BYTES_OF_LITERAL(""), BYTES_OF_LITERAL("")};
	struct hash256 hash = sha256(document);
	char name[2 * sizeof hash.bytes + 1];
	hex_encode(BYTES_OF_ARRAY(hash.bytes), name);
	const struct work work = {.ask = WORK_BUNDLE,
				  .bundle = bytes_of_text(name),
				  .document = document,
				  .schema = none,
				  .invariants = none,
				  .entities = none,
				  .fact = BYTES_OF_LITERAL("")};
	return work_write(&work, request);
}

#define NAME_ARGS(name) (int)((name).len > 120 ? 120 : (name).len), (const char *)(name).data

enum status
work_answer_is_proved(const struct work_answer *answer) {
	const struct work_finding *unknown = nullptr;
	if (!answer->is_done)
		return fail(STATUS_INVALID, "%.*s", (int)(answer->error.len > 400 ? 400 : answer->error.len),
			    (const char *)answer->error.data);
	for (size_t i = 0; i < answer->verdict_count; i++) {
		const struct work_finding *finding = &answer->verdicts[i];
		if (finding->verdict == PROVE_COUNTEREXAMPLE)
			return fail(STATUS_DENIED, "work.refuted: the invariant \"%.*s\" does not hold",
				    NAME_ARGS(finding->subject));
		if (finding->verdict != PROVE_PROVED)
			unknown = finding;
	}
	if (unknown == nullptr)
		return OK;
	return fail(STATUS_UNAVAILABLE, "work.unknown: the invariant \"%.*s\" is not proved: %.*s",
		    NAME_ARGS(unknown->subject), NAME_ARGS(unknown->reason));
}
