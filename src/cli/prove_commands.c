/* Proofs about policies, in files alone: what `gatehouse policy prove`, `diff` and `lint` ask of a worker and show. */
#include <fcntl.h>
#include <unistd.h>

#include "cli/bundle_source.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "helpers/worker_client.h"
#include "policy/work.h"

constexpr size_t FILE_MAX = 512 * 1024;
constexpr int64_t SECOND = 1000;

static enum status
read_file(struct invocation *invocation, const char *path, struct work_file *file) {
	file->name = bytes_of_text(path);
	return input_file(&invocation->arena, path, FILE_MAX, &file->text);
}

static bool
ends_in(const char *path, const char *suffix) {
	size_t length = strlen(path), end = strlen(suffix);
	return length >= end && strcmp(path + length - end, suffix) == 0;
}

static enum status
read_timeout(const struct invocation *invocation, int64_t *timeout_ms) {
	const char *given = invocation_option(invocation, "timeout");
	uint64_t seconds = 60;
	if (given != nullptr &&
	    (decimal_decode(bytes_of_text(given), &seconds) != OK || seconds == 0 || seconds > 3600))
		return fail(STATUS_INVALID, "usage.timeout: expected 1 to 3600 seconds, found %s", given);
	*timeout_ms = (int64_t)seconds * SECOND;
	return OK;
}

static enum status
ask(struct invocation *invocation, struct bytes request, struct work_answer *result) {
	_cleanup_(buffer_free) struct buffer answer = {};
	int64_t timeout_ms;
	TRY(read_timeout(invocation, &timeout_ms));
	int program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	if (program < 0)
		return fail_errno(STATUS_IO, "worker.program: /proc/self/exe");
	enum status status = worker_client_run(program, request, timeout_ms, &answer);
	close(program);
	TRY(status);
	struct bytes kept = arena_copy(&invocation->arena, buffer_bytes(&answer));
	TRY_ALLOC(kept.data);
	return work_read_answer(&invocation->arena, request, kept, result);
}

/* --- What a person reads --- */

static void
show_names(const json *list, struct buffer *text) {
	constexpr size_t SHOWN_MAX = 12;
	size_t count = 0;
	if (list == nullptr || json_type_of(list) != JSON_ARRAY)
		return;
	struct json_iterator names = json_iterate(list);
	for (const json *name; (name = json_next(&names, nullptr)) != nullptr; count++) {
		if (json_type_of(name) != JSON_STRING || count >= SHOWN_MAX)
			continue;
		buffer_append_text(text, count == 0 ? " " : ", ");
		output_foreign(text, json_string(name), false);
	}
	if (count > SHOWN_MAX)
		buffer_append_format(text, " and %zu more", count - SHOWN_MAX);
}

static void
show_finding(const struct work_finding *finding, struct buffer *text) {
	const json *carriers = json_get(finding->whole, "carriers"), *witness = json_get(finding->whole, "witness");
	buffer_append_format(text, "%-15s", prove_verdict_name(finding->verdict));
	output_foreign(text, finding->check, false);
	buffer_append_text(text, " ");
	output_foreign(text, finding->subject, false);
	buffer_append_text(text, "\n");
	if (finding->reason.len > 0) {
		buffer_append_text(text, "    ");
		output_foreign(text, finding->reason, false);
		buffer_append_text(text, "\n");
	}
	if (finding->verdict == PROVE_PROVED && carriers != nullptr && json_size(carriers) > 0) {
		buffer_append_text(text, "    carried by");
		show_names(carriers, text);
		buffer_append_text(text, "\n");
	}
	if (witness != nullptr) {
		_cleanup_(buffer_free) struct buffer lines = {}, shown = {};
		output_lines(witness, &lines);
		output_foreign(&shown, buffer_bytes(&lines), true);
		const char *at = (const char *)shown.data;
		for (size_t left = shown.len; left > 0;) {
			const char *end = memchr(at, '\n', left);
			size_t length = end == nullptr ? left : (size_t)(end - at) + 1;
			buffer_append_text(text, "    ");
			buffer_append(text, at, length);
			at += length;
			left -= length;
		}
	}
}

static void
show_assumptions(const json *report, struct buffer *text) {
	const json *list = json_get(report, "assumptions");
	if (list == nullptr || json_type_of(list) != JSON_ARRAY)
		return;
	buffer_append_text(text, "assumed\n");
	struct json_iterator assumptions = json_iterate(list);
	for (const json *item; (item = json_next(&assumptions, nullptr)) != nullptr;) {
		if (json_type_of(item) != JSON_STRING)
			continue;
		buffer_append_text(text, "    ");
		output_foreign(text, json_string(item), false);
		buffer_append_text(text, "\n");
	}
}

static void
show_diagnostics(const struct work_answer *answer) {
	_cleanup_(buffer_free) struct buffer lines = {}, shown = {};
	if (answer->findings == nullptr)
		return;
	output_lines(answer->findings, &lines);
	output_foreign(&shown, buffer_bytes(&lines), true);
	output_note("%.*s", BYTES_ARGS(buffer_bytes(&shown)));
}

/* Is it what one wants to hear? */
typedef bool is_well(const struct work_finding *finding);

static bool
is_proved(const struct work_finding *finding) {
	return finding->verdict == PROVE_PROVED;
}

/* "dead" and "shadowed" are faults where they are proved. */
static bool
is_sound(const struct work_finding *finding) {
	return bytes_equal_text(finding->check, "never_errors") ? finding->verdict == PROVE_PROVED
								: finding->verdict == PROVE_COUNTEREXAMPLE;
}

static enum status
show(struct invocation *invocation, const struct work_answer *answer, is_well *well, bool shows_well) {
	_cleanup_(buffer_free) struct buffer text = {};
	bool is_all = true;
	for (size_t i = 0; i < answer->verdict_count; i++) {
		bool holds = well(&answer->verdicts[i]);
		is_all &= holds;
		if (!invocation->json && (shows_well || !holds))
			show_finding(&answer->verdicts[i], &text);
	}
	if (invocation->json) {
		struct json_writer writer;
		json_writer_start(&writer, &text);
		json_write_value(&writer, answer->report);
		TRY(json_writer_finish(&writer));
		buffer_append_byte(&text, '\n');
	} else
		show_assumptions(answer->report, &text);
	invocation->exit_code = is_all ? EXIT_DONE : EXIT_FOUND;
	return output_data(&text);
}

static enum status
show_answer(struct invocation *invocation, const struct work_answer *answer, is_well *well, bool shows_well) {
	if (answer->is_done)
		return show(invocation, answer, well, shows_well);
	show_diagnostics(answer);
	return fail(STATUS_INVALID, "%.*s", BYTES_ARGS(answer->error));
}

static enum status
ask_and_show(struct invocation *invocation, const struct work *work, is_well *well, bool shows_well) {
	_cleanup_(buffer_free) struct buffer request = {};
	struct work_answer answer;
	TRY(work_write(work, &request));
	TRY(ask(invocation, buffer_bytes(&request), &answer));
	return show_answer(invocation, &answer, well, shows_well);
}

static enum status
read_schema(struct invocation *invocation, struct work *work) {
	const char *schema = invocation_option(invocation, "schema");
	work->bundle = work->fact = BYTES_OF_LITERAL("");
	work->invariants = work->entities = (struct work_file){BYTES_OF_LITERAL(""), BYTES_OF_LITERAL("")};
	work->schema_is_json = ends_in(schema, ".json");
	return read_file(invocation, schema, &work->schema);
}

static enum status
read_words(struct invocation *invocation, struct work_file policies[COMMAND_WORDS_MAX], struct work *work) {
	work->policies = policies;
	for (const char *path; (path = invocation_word(invocation, work->policy_count)) != nullptr;
	     work->policy_count++)
		TRY(read_file(invocation, path, &policies[work->policy_count]));
	return OK;
}

static enum status
prove_bundle(struct invocation *invocation) {
	_cleanup_(bundle_source_close) struct bundle_source source = {};
	_cleanup_(buffer_free) struct buffer request = {};
	struct work_answer answer;
	if (invocation_word(invocation, 1) != nullptr)
		return fail(STATUS_INVALID, "usage.schema: several files need --schema and --invariants");
	TRY(bundle_source_open(invocation, invocation_word(invocation, 0), &source));
	if (source.bundle == nullptr)
		return OK; /* what is wrong with it has been shown */
	TRY(work_write_bundle(source.bundle->text, invocation_flag(invocation, "gateway-hostile"), &request));
	TRY(ask(invocation, buffer_bytes(&request), &answer));
	return show_answer(invocation, &answer, is_proved, true);
}

/* Of a bundle, or of files. */
enum status
policy_prove_run(struct invocation *invocation) {
	struct work_file policies[COMMAND_WORDS_MAX] = {};
	struct work work = {.ask = WORK_PROVE, .gateway_hostile = invocation_flag(invocation, "gateway-hostile")};
	const char *schema = invocation_option(invocation, "schema"),
		   *invariants = invocation_option(invocation, "invariants");
	if ((schema == nullptr) != (invariants == nullptr))
		return fail(STATUS_INVALID, "usage.schema: --schema and --invariants go together");
	if (schema == nullptr)
		return prove_bundle(invocation);
	TRY(read_schema(invocation, &work));
	TRY(read_file(invocation, invariants, &work.invariants));
	TRY(read_words(invocation, policies, &work));
	return ask_and_show(invocation, &work, is_proved, true);
}

enum status
policy_lint_run(struct invocation *invocation) {
	struct work_file policies[COMMAND_WORDS_MAX] = {};
	struct work work = {.ask = WORK_CHECK};
	TRY(read_schema(invocation, &work));
	TRY(read_words(invocation, policies, &work));
	return ask_and_show(invocation, &work, is_sound, false);
}

enum status
policy_diff_run(struct invocation *invocation) {
	struct work_file old = {}, new = {};
	struct work work = {.ask = invocation_flag(invocation, "disjoint") ? WORK_DISJOINT : WORK_COMPARE,
			    .policies = &new,
			    .policy_count = 1,
			    .old = &old,
			    .old_count = 1};
	TRY(read_schema(invocation, &work));
	TRY(read_file(invocation, invocation_word(invocation, 0), &old));
	TRY(read_file(invocation, invocation_word(invocation, 1), &new));
	return ask_and_show(invocation, &work, is_proved, false);
}

enum status
policy_people_run(struct invocation *invocation) {
	struct work_file policies[COMMAND_WORDS_MAX] = {};
	struct work work = {.ask = WORK_PEOPLE};
	const char *given = invocation_option(invocation, "more-than"), *fact = invocation_option(invocation, "fact");
	uint64_t more_than;
	if (decimal_decode(bytes_of_text(given), &more_than) != OK || more_than > JSON_INTEGER_MAX)
		return fail(STATUS_INVALID, "usage.more-than: expected a whole number, found %s", given);
	TRY(read_schema(invocation, &work));
	work.more_than = (int64_t)more_than;
	work.fact = bytes_of_text(fact == nullptr ? "transfer.usd_cents" : fact);
	TRY(read_file(invocation, invocation_option(invocation, "entities"), &work.entities));
	TRY(read_words(invocation, policies, &work));
	return ask_and_show(invocation, &work, is_proved, true);
}
