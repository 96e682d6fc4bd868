/* The two documents (docs/PROTOCOL.work), written and read. */
#include "policy/work.h"

static const char *const ask_names[WORK_END] = {
	[WORK_PROVE] = "prove",       [WORK_CHECK] = "check",   [WORK_COMPARE] = "compare",
	[WORK_DISJOINT] = "disjoint", [WORK_BUNDLE] = "bundle", [WORK_PEOPLE] = "people",
};

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
	json_write_member_text(&writer, "ask", ask_names[work->ask]);
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
		if (bytes_equal_text(name, ask_names[*ask]))
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

/* --- The answer --- */

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
work_write_bundle(struct bytes document, bool gateway_hostile, struct buffer *request) {
	static const struct work_file none = {BYTES_OF_LITERAL(""), BYTES_OF_LITERAL("")};
	struct hash256 hash = sha256(document);
	char name[2 * sizeof hash.bytes + 1];
	hex_encode(BYTES_OF_ARRAY(hash.bytes), name);
	const struct work work = {.ask = WORK_BUNDLE,
				  .bundle = bytes_of_text(name),
				  .document = document,
				  .gateway_hostile = gateway_hostile,
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
