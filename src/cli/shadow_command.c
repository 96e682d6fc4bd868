#include "cli/handlers.h"

#include "base/time.h"
#include "cli/bundle_source.h"
#include "cli/log_files.h"
#include "cli/output.h"
#include "gate/shadow_history.h"

constexpr size_t HISTORY_MAX = 64 * 1024 * 1024;

static enum status
read_time(const struct invocation *invocation, const char *option, int64_t *ms) {
	const char *text = invocation_option(invocation, option);
	return text == nullptr ? OK : time_parse(bytes_of_text(text), ms);
}

static enum status
add_entry(void *context, uint64_t index, struct bytes leaf) {
	return shadow_add_entry(context, index, leaf);
}

static enum status
add_what_is_named(struct invocation *invocation, struct bundle_source *source, struct shadow *shadow) {
	const char *ledger = invocation_option(invocation, "ledger"),
		   *history = invocation_option(invocation, "history");
	struct bytes text;
	if ((ledger == nullptr) == (history == nullptr))
		return fail(STATUS_INVALID, "usage.shadow: expected either --ledger or --history");
	if (ledger != nullptr) {
		struct log_visit log = {.context = shadow, .visit = add_entry};
		return log_files_visit(&invocation->arena, ledger, &log);
	}
	TRY(input_file(&invocation->arena, history, HISTORY_MAX, &text));
	return shadow_add_history(shadow, source->bundle, source->host, history, text, source->diagnostics);
}

enum status
policy_shadow_run(struct invocation *invocation) {
	_cleanup_(bundle_source_close) struct bundle_source source = {};
	_cleanup_(shadow_destroy) struct shadow *shadow = nullptr;
	_cleanup_(buffer_free) struct buffer text = {};
	struct read_only_io io = read_only_io_over(io_system());
	const char *ledger = invocation_option(invocation, "ledger");
	struct record_blobs blobs = {.io = &io.io, .directory = nullptr};
	int64_t from_ms = 0, until_ms = INT64_MAX;
	TRY(read_time(invocation, "from", &from_ms));
	TRY(read_time(invocation, "until", &until_ms));
	TRY(bundle_source_open(invocation, invocation_word(invocation, 0), &source));
	if (source.bundle == nullptr)
		return OK;
	if (ledger != nullptr) {
		blobs.directory = arena_format(&invocation->arena, "%s/blobs", ledger);
		TRY_ALLOC(blobs.directory);
	}
	TRY(shadow_create(&shadow, source.bundle, source.host, &blobs));
	shadow_set_period(shadow, from_ms, until_ms);
	enum status status = add_what_is_named(invocation, &source, shadow);
	if (status == STATUS_INVALID && source.diagnostics->count > 0)
		return bundle_source_show_findings(invocation, &source);
	TRY(status);
	TRY(shadow_write(shadow, &text));
	invocation->exit_code = shadow_counts(shadow).different == 0 ? EXIT_DONE : EXIT_FOUND;
	return output_document(invocation, buffer_bytes(&text));
}
