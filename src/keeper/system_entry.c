#include "keeper/system_entry.h"

#include <stdio.h>
#include <sys/timex.h>

#include "crypto/random.h"
#include "base/log.h"
#include "gate/local_bundle.h"
#include "gate/record.h"
#include "keeper/backup.h"

static void
write_running(struct keeper *keeper, struct json_writer *w) {
	json_write_member_hex(w, "binary", hash256_bytes(&keeper->config.binary));
	json_write_member_hex(w, "bundle", hash256_bytes(&keeper->gate->state->bundle->hash));
	json_write_member_hex(w, "configuration", hash256_bytes(&keeper->config.configuration));
	json_write_member_text(w, "engine", ENGINE_VERSION);
	json_write_member_text(w, "guard", rollback_guard_name(keeper->config.guard));
}

enum status
system_entry_start(struct keeper *keeper) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	uint8_t nonce[HIGH_WATER_NONCE_SIZE];
	uint64_t index;
	high_water_start(keeper->high_water, nonce);
	json_writer_start(&w, &body);
	json_write_object(&w);
	write_running(keeper, &w);
	json_write_member_hex(&w, "random", BYTES_OF_ARRAY(nonce));
	json_write_member_text(&w, "version", GATEHOUSE_VERSION);
	if (keeper->config.guard == ROLLBACK_WITNESS) {
		struct hash256 policy = sha256(keeper->config.witness_policy);
		json_write_member_hex(&w, "witness_policy", hash256_bytes(&policy));
	}
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	TRY(ledger_append(keeper->ledger, &(struct ledger_entry){.type = ENTRY_START, .body = buffer_bytes(&body)}, 1,
			  &index));
	high_water_started(keeper->high_water, index);
	return OK;
}

enum status
system_entry_stop(struct keeper *keeper) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	json_write_object(&w);
	write_running(keeper, &w);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return ledger_append(keeper->ledger, &(struct ledger_entry){.type = ENTRY_STOP, .body = buffer_bytes(&body)}, 1,
			     nullptr);
}

static void
ignore_done(void *, enum status, const struct ledger_commit *, uint64_t) {}

static void
write_number_text(struct json_writer *w, const char *key, int64_t number) {
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)number);
	json_write_member_text(w, key, text);
}

enum status
system_entry_clock(struct keeper *keeper) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	struct timex kernel = {};
	int state = adjtimex(&kernel); /* reads only: modes is 0 */
	json_writer_start(&w, &body);
	json_write_object(&w);
	write_number_text(&w, "boottime_ns", io_boottime_ns(keeper->config.io));
	json_write_member_integer(&w, "bound_us", state < 0 ? -1 : kernel.maxerror);
	json_write_member_boolean(&w, "doubt", keeper->clock.in_doubt);
	json_write_member_integer(&w, "offset_us", state < 0 ? 0 : kernel.offset);
	write_number_text(&w, "realtime_ns", io_realtime_ns(keeper->config.io));
	json_write_member_text(&w, "source", "kernel");
	write_number_text(&w, "step_ns", clock_step_ns(&keeper->clock));
	json_write_member_boolean(&w, "synchronised", state >= 0 && state != TIME_ERROR);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return ledger_submit(keeper->ledger, &(struct ledger_entry){.type = ENTRY_CLOCK, .body = buffer_bytes(&body)},
			     1, ignore_done, nullptr);
}

enum status
system_entry_check(struct keeper *keeper, struct bytes body) {
	return ledger_submit(keeper->ledger, &(struct ledger_entry){.type = ENTRY_CHECK, .body = body}, 1, ignore_done,
			     nullptr);
}

enum status
system_entry_left(struct keeper *keeper, struct bytes body) {
	return ledger_submit(keeper->ledger, &(struct ledger_entry){.type = ENTRY_LEFT, .body = body}, 1, ignore_done,
			     nullptr);
}

enum status
system_entry_overdue(struct keeper *keeper, struct bytes body) {
	return ledger_submit(keeper->ledger, &(struct ledger_entry){.type = ENTRY_OVERDUE, .body = body}, 1,
			     ignore_done, nullptr);
}

enum status
refusal_write(struct buffer *body, struct bytes key_id, struct bytes legal_entity, const struct hash256 *operation,
	      const struct submission *submission, int64_t now_ms, const char *error) {
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_member_text(&w, "error", error);
	json_write_member_string(&w, "key", key_id);
	json_write_member_string(&w, "legal_entity", legal_entity);
	if (submission->nonce_taken)
		json_write_member_string(&w, "nonce", submission->nonce);
	if (operation != nullptr)
		json_write_member_hex(&w, "operation", hash256_bytes(operation));
	json_write_member_integer(&w, "refused_at", now_ms);
	if (submission->nonce_taken)
		json_write_member_integer(&w, "signature_expires", submission->nonce_expires_s);
	if (submission->has_totp)
		json_write_member_integer(&w, "totp_step", submission->totp_step);
	json_write_end(&w);
	return json_writer_finish(&w);
}

enum status
keeper_record_configuration(struct keeper *keeper, const struct hash256 *configuration) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	json_write_object(&w);
	json_write_member_hex(&w, "configuration", hash256_bytes(configuration));
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return ledger_submit(keeper->ledger,
			     &(struct ledger_entry){.type = ENTRY_CONFIGURATION, .body = buffer_bytes(&body)}, 1,
			     ignore_done, nullptr);
}

static bool
is_in_force(const struct gate_state *state, const struct bundle *bundle) {
	if (bundle == nullptr || state->local == nullptr)
		return bundle == state->local;
	return hash256_equal(&bundle->hash, &state->local->hash);
}

/* The entry stands before all that is decided under it: entries are made durable in the order in which they are submitted. */
static enum status
put_in_force(struct keeper *keeper, struct bundle **bundle) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct gate_state *state = keeper->gate->state;
	if (is_in_force(state, *bundle))
		return OK;
	TRY(local_bundle_write(*bundle, &keeper->gate->blobs, &body));
	TRY(ledger_submit(keeper->ledger,
			  &(struct ledger_entry){.type = ENTRY_LOCAL_BUNDLE, .body = buffer_bytes(&body)}, 1,
			  ignore_done, nullptr));
	if (local_bundle_apply(state, bundle) != OK) {
		keeper_end(keeper, fail_message());
		return fail_with(STATUS_INTERNAL);
	}
	if (state->local == nullptr)
		log_notice("no local bundle is in force any more");
	else
		log_notice("a local bundle is in force: %.*s, %zu policies that forbid", BYTES_ARGS(state->local->name),
			   policy_set_count(state->local->policies));
	return OK;
}

enum status
keeper_take_local_bundle(struct keeper *keeper, const struct bytes *file) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	enum status status = file == nullptr ? OK : local_bundle_open(keeper->gate, *file, &bundle);
	if (status == OK)
		return put_in_force(keeper, &bundle);
	if (status == STATUS_NO_MEMORY || keeper->gate->state->local == nullptr)
		return status;
	log_error("the local bundle stays as it was: %s", fail_message());
	return OK;
}

constexpr size_t NOTE_SIZE = 4096;

/* {"archive","size","taken_at"}, canonical, and nothing else. */
static enum status
check_note(struct bytes text) {
	static const char *const members[] = {"archive", "size", "taken_at", nullptr};
	_cleanup_(arena_free) struct arena arena = {};
	const json *note;
	struct bytes archive;
	int64_t number;
	struct hash256 hash;
	TRY(json_check_canonical(&arena, text));
	TRY(json_read(&arena, text, (struct json_limits){}, &note));
	if (json_type_of(note) != JSON_OBJECT)
		return fail(STATUS_INVALID, "backup.note: not an object");
	TRY(json_only(note, "backup.note", members));
	TRY(json_need_string(note, "backup.note", "archive", &archive));
	TRY(hex_decode(archive, hash.bytes, sizeof hash.bytes));
	TRY(json_need_integer(note, "backup.note", "size", &number));
	return json_need_integer(note, "backup.note", "taken_at", &number);
}

void
system_entry_backup(struct keeper *keeper) {
	_cleanup_(buffer_free) struct buffer text = {};
	if (io_read_file(keeper->config.io, keeper->backup_note_path, NOTE_SIZE, &text) == STATUS_NOT_FOUND)
		return;
	enum status status = check_note(buffer_bytes(&text));
	if (status == OK)
		status = ledger_submit(keeper->ledger,
				       &(struct ledger_entry){.type = ENTRY_BACKUP, .body = buffer_bytes(&text)}, 1,
				       ignore_done, nullptr);
	if (status == STATUS_UNAVAILABLE)
		return; /* the log takes nothing now: the next second */
	if (status != OK)
		log_warning("%s is not what `gatehouse backup` writes: %s", keeper->backup_note_path, fail_message());
	if (io_unlink(keeper->config.io, keeper->backup_note_path) != OK)
		log_warning("%s stays: %s", keeper->backup_note_path, fail_message());
}
