/*
 * Random cases against the reference implementation (npm @cedar-policy/cedar-wasm, run by node in batches): what is accepted, which
 * policies validate, every decision with its reasons and errors. 100,000 cases in `make soak`, and every construct of the grammars
 * at least a hundred times; a few hundred in `make test`.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "policy/differential_case.h"
#include "policy/fit.h"
#include "policy/policy_json.h"
#include "policy/set.h"
#include "policy/validator.h"
#include "tests/soak.h"

constexpr size_t BATCH = 500;
constexpr size_t SHORT_CASES = 300;
constexpr size_t SOAK_CASES = 100'000;
constexpr size_t CONSTRUCTS_IN_SOAK = 100;

struct made { /* one case, on our side */
	struct arena arena;
	struct differential_case drawn;
	struct policy_schema *schema;
	struct policy_set *set; /* null: refused */
	struct policy_entities *entities;
	struct buffer json; /* the set as the reference gets it, if it is in JSON */
};

static void
free_made(struct made *made) {
	policy_entities_destroy(&made->entities);
	policy_set_destroy(&made->set);
	policy_schema_destroy(&made->schema);
	buffer_free(&made->json);
	arena_free(&made->arena);
}

/* --- Our answers. --- */

static struct entity_uid
slot_uid(const struct differential_case *drawn, size_t template, size_t slot) {
	return (struct entity_uid){bytes_of_text(drawn->slots[template][slot].type),
				   bytes_of_text(drawn->slots[template][slot].id)};
}

static enum status
add_texts(const struct differential_case *drawn, struct policy_set *set) {
	TRY(policy_set_add(set, "case.cedar", bytes_of_text(drawn->policies), nullptr));
	for (size_t i = 0; i < ARRAY_LENGTH(drawn->templates) && drawn->templates[i] != nullptr; i++) {
		char template[] = "t0", link[] = "l0";
		struct entity_uid uids[2];
		template[1] = link[1] = (char)('0' + i);
		TRY(policy_set_add(set, "template.cedar", bytes_of_text(drawn->templates[i]), nullptr));
		for (size_t slot = 0; slot < 2; slot++)
			if (drawn->slots[i][slot].type != nullptr)
				uids[slot] = slot_uid(drawn, i, slot);
		TRY(policy_set_link(set, bytes_of_text(template), bytes_of_text(link),
				    drawn->slots[i][0].type == nullptr ? nullptr : &uids[0],
				    drawn->slots[i][1].type == nullptr ? nullptr : &uids[1]));
	}
	return OK;
}

/* In JSON it is the JSON that counts: it is written from what the text gave, and read again. */
static enum status
load_policies(struct made *made, struct policy_set **set) {
	_cleanup_(policy_set_destroy) struct policy_set *text = nullptr, *again = nullptr;
	TRY(policy_set_create(nullptr, &text));
	TRY(add_texts(&made->drawn, text));
	if (made->drawn.is_json) {
		TRY(policy_set_write_json(text, &made->json));
		TRY(policy_set_create(nullptr, &again));
		TRY(policy_set_add_json(again, "case.json", buffer_bytes(&made->json), nullptr));
		TRY(policy_set_seal(again));
		*set = TAKE(again);
		return OK;
	}
	TRY(policy_set_seal(text));
	*set = TAKE(text);
	return OK;
}

static void
append_ids(struct buffer *to, const char *const *ids, size_t count) {
	buffer_append_text(to, "[");
	for (size_t i = 0; i < count; i++)
		buffer_append_format(to, "%s\"%s\"", i == 0 ? "" : ",", ids[i]);
	buffer_append_text(to, "]");
}

static int
compare_texts(const void *a, const void *b) {
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each entry of the set is validated as if it stood alone. */
static void
answer_validation(struct made *made, struct buffer *to) {
	const char **ids = ARENA_NEW_ARRAY(&made->arena, made->set->entry_count, const char *);
	size_t count = 0;
	for (size_t i = 0; i < made->set->entry_count; i++) {
		struct policy_set alone = *made->set;
		alone.entries = &made->set->entries[i];
		alone.entry_count = 1;
		enum status status =
			policy_validate(&alone, made->schema, (struct policy_validator_options){}, nullptr, nullptr);
		assert_true(status == OK || status == STATUS_INVALID);
		if (status == STATUS_INVALID)
			ids[count++] = arena_text(&made->arena, alone.entries[0].id);
	}
	qsort(ids, count, sizeof *ids, compare_texts);
	append_ids(to, ids, count);
}

static void
answer_decision(struct made *made, const struct policy_request *request, struct buffer *to) {
	struct policy_result result;
	struct policy_view view;
	assert_ok(policy_decide(made->set, made->entities, request, (struct policy_options){}, &made->arena, &result));
	const char **ids = ARENA_NEW_ARRAY(&made->arena, made->set->entry_count, const char *);
	buffer_append_text(to, result.decision == POLICY_ALLOW ? "[\"allow\"," : "[\"deny\",");
	for (size_t i = 0; i < result.reason_count; i++) {
		policy_set_view(made->set, result.reasons[i], &view);
		ids[i] = arena_text(&made->arena, view.id);
	}
	qsort(ids, result.reason_count, sizeof *ids, compare_texts);
	append_ids(to, ids, result.reason_count);
	buffer_append_text(to, ",");
	for (size_t i = 0; i < result.error_count; i++) {
		policy_set_view(made->set, result.errors[i].policy, &view);
		ids[i] = arena_text(&made->arena, view.id);
	}
	qsort(ids, result.error_count, sizeof *ids, compare_texts);
	append_ids(to, ids, result.error_count);
	buffer_append_text(to, "]");
}

static enum status
read_entities(struct made *made, const struct policy_schema *schema) {
	const struct policy_source source = {"entities.json", bytes_of_text(made->drawn.entities)};
	policy_entities_destroy(&made->entities);
	assert_ok(policy_entities_create(&made->entities));
	TRY(policy_entities_read(made->entities, &source, (struct policy_entities_options){.schema = schema}, nullptr));
	return policy_entities_seal(made->entities);
}

static void
answer_requests(struct made *made, struct buffer *to) {
	const struct policy_schema *schema = made->drawn.is_implicit ? made->schema : nullptr;
	bool has_entities = read_entities(made, schema) == OK;
	for (size_t i = 0; i < CASE_REQUESTS; i++) {
		struct policy_request request;
		const struct policy_source source = {"request.json", bytes_of_text(made->drawn.requests[i])};
		buffer_append_text(to, i == 0 ? "" : ",");
		if (has_entities && policy_request_read(&made->arena, &source, schema, nullptr, &request) == OK)
			answer_decision(made, &request, to);
		else
			buffer_append_text(to, "[\"refused\"]");
	}
}

static void
answer_fits(struct made *made, struct buffer *to) {
	for (size_t i = 0; i < CASE_REQUESTS; i++) {
		struct policy_request request;
		const struct policy_source source = {"request.json", bytes_of_text(made->drawn.requests[i])};
		enum status status = policy_request_read(&made->arena, &source, made->schema, nullptr, &request);
		assert_true(status == OK || status == STATUS_INVALID);
		buffer_append_format(to, "%s%s", i == 0 ? ",\"fits\":[" : ",", status == OK ? "true" : "false");
	}
	buffer_append_text(to, "]");
}

/* What cedar-differential.mjs would print. */
static void
answer(struct made *made, struct buffer *to) {
	enum schema_syntax syntax = made->drawn.schema_is_json ? SCHEMA_JSON : SCHEMA_CEDAR;
	bool has_schema = policy_schema_parse("case.cedarschema", bytes_of_text(made->drawn.schema), syntax,
					      &made->schema, nullptr) == OK;
	enum status loaded = load_policies(made, &made->set);
	assert_true(loaded == OK || loaded == STATUS_INVALID);
	if (loaded != OK)
		made->drawn.is_json = false; /* there is no JSON of it */
	buffer_append_format(to, "{\"schema\":%s,\"policies\":%s", has_schema ? "true" : "false",
			     made->set != nullptr ? "true" : "false");
	if (has_schema) {
		bool has_entities = read_entities(made, made->schema) == OK;
		buffer_append_format(to, ",\"entities\":%s", has_entities ? "true" : "false");
		if (!made->drawn.is_implicit || !has_entities)
			answer_fits(made, to);
		if (made->set != nullptr) {
			buffer_append_text(to, ",\"invalid\":");
			answer_validation(made, to);
			if (!made->drawn.is_implicit || has_entities) {
				buffer_append_text(to, ",\"requests\":[");
				answer_requests(made, to);
				buffer_append_text(to, "]");
			}
		}
	}
	buffer_append_text(to, "}");
}

/* --- The reference's. --- */

static void
append_string(struct buffer *to, const char *text) {
	struct json_writer writer;
	json_writer_start(&writer, to);
	json_write_string(&writer, bytes_of_text(text));
	assert_ok(json_writer_finish(&writer));
}

static void
append_policies(const struct made *made, struct buffer *to) {
	const struct differential_case *drawn = &made->drawn;
	if (drawn->is_json) {
		buffer_append_bytes(to, buffer_bytes(&made->json));
		return;
	}
	buffer_append_text(to, "{\"staticPolicies\":");
	append_string(to, drawn->policies);
	buffer_append_text(to, ",\"templates\":{");
	for (size_t i = 0; i < ARRAY_LENGTH(drawn->templates) && drawn->templates[i] != nullptr; i++) {
		buffer_append_format(to, "%s\"t%zu\":", i == 0 ? "" : ",", i);
		append_string(to, drawn->templates[i]);
	}
	buffer_append_text(to, "},\"templateLinks\":[");
	for (size_t i = 0; i < ARRAY_LENGTH(drawn->templates) && drawn->templates[i] != nullptr; i++) {
		const char *separator = "";
		buffer_append_format(to, "%s{\"templateId\":\"t%zu\",\"newId\":\"l%zu\",\"values\":{",
				     i == 0 ? "" : ",", i, i);
		for (size_t slot = 0; slot < 2; slot++) {
			if (drawn->slots[i][slot].type == nullptr)
				continue;
			buffer_append_format(to, "%s\"%s\":{\"type\":\"%s\",\"id\":\"%s\"}", separator,
					     slot == 0 ? "?principal" : "?resource", drawn->slots[i][slot].type,
					     drawn->slots[i][slot].id);
			separator = ",";
		}
		buffer_append_text(to, "}}");
	}
	buffer_append_text(to, "]}");
}

/* A line for the reference. */
static void
append_case(const struct made *made, struct buffer *to) {
	const struct differential_case *drawn = &made->drawn;
	buffer_append_text(to, "{\"schema\":");
	if (drawn->schema_is_json)
		buffer_append_text(to, drawn->schema);
	else
		append_string(to, drawn->schema);
	buffer_append_format(to,
			     ",\"implicit\":%s,\"entities\":%s,\"policies\":", drawn->is_implicit ? "true" : "false",
			     drawn->entities);
	append_policies(made, to);
	for (size_t i = 0; i < CASE_REQUESTS; i++)
		buffer_append_format(to, "%s%s", i == 0 ? ",\"requests\":[" : ",", drawn->requests[i]);
	buffer_append_text(to, "]}\n");
}

struct batch {
	char folder[64];
	struct buffer cases, ours, theirs;
};

static void
free_batch(struct batch *batch) {
	buffer_free(&batch->cases);
	buffer_free(&batch->ours);
	buffer_free(&batch->theirs);
}

static void
write_file(const char *path, struct bytes text) {
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
	assert_int_equal(fclose(file), 0);
}

static void
ask_reference(struct batch *batch) {
	char cases[96], answers[96], command[1024];
	snprintf(cases, sizeof cases, "%s/cases", batch->folder);
	snprintf(answers, sizeof answers, "%s/answers", batch->folder);
	write_file(cases, buffer_bytes(&batch->cases));
	snprintf(command, sizeof command, "node '%s/tests/independent/cedar-differential.mjs' < %s > %s",
		 test_source_root(), cases, answers);
	assert_int_equal(system(command), 0);
	FILE *file = fopen(answers, "r");
	char block[65536];
	assert_non_null(file);
	for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
		buffer_append(&batch->theirs, block, got);
	fclose(file);
	unlink(cases);
	unlink(answers);
}

static struct bytes
take_line(struct bytes *text) {
	const uint8_t *end = text->len == 0 ? nullptr : memchr(text->data, '\n', text->len);
	if (end == nullptr)
		fail_msg("the reference gave too few answers");
	struct bytes line = bytes_of(text->data, (size_t)(end - text->data));
	*text = bytes_of(end + 1, text->len - line.len - 1);
	return line;
}

/* The number of differences; the first few are shown whole. */
static size_t
compare_batch(const struct batch *batch, uint64_t seed, size_t count) {
	struct bytes cases = buffer_bytes(&batch->cases), ours = buffer_bytes(&batch->ours);
	struct bytes theirs = buffer_bytes(&batch->theirs);
	size_t differences = 0;
	for (size_t i = 0; i < count; i++) {
		struct bytes described = take_line(&cases), our = take_line(&ours), their = take_line(&theirs);
		if (bytes_equal(our, their))
			continue;
		if (differences++ < 3)
			fprintf(stderr, "seed %llu\n%.*s\nours:   %.*s\ntheirs: %.*s\n", (unsigned long long)(seed + i),
				BYTES_ARGS(described), BYTES_ARGS(our), BYTES_ARGS(their));
	}
	return differences;
}

static size_t
run_batch(uint64_t seed, size_t count, size_t counts[CONSTRUCT_COUNT]) {
	_cleanup_(free_batch) struct batch batch = {.folder = "/tmp/gatehouse-cedar-XXXXXX"};
	assert_non_null(mkdtemp(batch.folder));
	for (size_t i = 0; i < count; i++) {
		_cleanup_(free_made) struct made made = {};
		assert_ok(differential_draw(&made.arena, seed + i, counts, &made.drawn));
		answer(&made, &batch.ours);
		buffer_append_text(&batch.ours, "\n");
		append_case(&made, &batch.cases);
	}
	ask_reference(&batch);
	rmdir(batch.folder);
	return compare_batch(&batch, seed, count);
}

static uint64_t
number_from(const char *variable, uint64_t otherwise) {
	const char *text = getenv(variable);
	return text == nullptr ? otherwise : strtoull(text, nullptr, 10);
}

static void
the_reference_gives_the_same_answers(void **) {
	char installed[1024];
	size_t counts[CONSTRUCT_COUNT] = {}, differences = 0, least = 0;
	bool is_soak = soak_is_on();
	uint64_t first = number_from("GATEHOUSE_SEED", 1) * 1'000'000;
	uint64_t cases = number_from("GATEHOUSE_CASES", is_soak ? SOAK_CASES : SHORT_CASES);
	snprintf(installed, sizeof installed, "%s/tests/independent/node_modules", test_source_root());
	if (access(installed, F_OK) != 0)
		skip();
	uint64_t done = 0;
	while (done < cases && differences == 0) {
		size_t count = cases - done < BATCH ? (size_t)(cases - done) : BATCH;
		differences += run_batch(first + done, count, counts);
		done += count;
	}
	for (size_t i = 0; i < CONSTRUCT_COUNT; i++)
		if (counts[i] < counts[least])
			least = i;
	printf("# result cases %llu\n# result rarest_construct %s, %zu times\n", (unsigned long long)done,
	       construct_names[least], counts[least]);
	assert_int_equal(differences, 0);
	assert_true(counts[least] >= (is_soak && cases >= SOAK_CASES ? CONSTRUCTS_IN_SOAK : 1));
}

RUN_TESTS(T(the_reference_gives_the_same_answers))
