#include "keeper/report.h"

#include "base/ipc_messages.h"
#include "base/time.h"
#include "gate/shared_keys.h"
#include "keeper/decide.h"
#include "keeper/enrolments.h"
#include "keeper/peer_link.h"
#include "keeper/peer_set.h"
#include "keeper/slow_read.h"
#include "keeper/threshold.h"
#include "model/entry.h"

/* A JSON object for /healthz: nothing secret, nothing personal. */
static enum status
write_health(struct keeper *keeper, struct buffer *to) {
	struct publisher_health published;
	struct ledger_statistics statistics;
	struct ledger_head head;
	struct json_writer w;
	publisher_health(keeper->publisher, &published);
	ledger_statistics(keeper->ledger, &statistics);
	ledger_durable_head(keeper->ledger, &head);
	const struct bundle *local = keeper->gate->state->local;
	const struct keyring *ring = keeper->gate->state->ring;
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_member_hex(&w, "bundle", hash256_bytes(&keeper->gate->state->bundle->hash));
	json_write_member_boolean(&w, "clock_in_doubt", keeper->clock.in_doubt);
	json_write_member_boolean(&w, "disk_full", statistics.is_disk_full);
	json_write_member_integer(&w, "entries", (int64_t)head.head.size);
	json_write_member_integer(&w, "held", (int64_t)keeper->gate->state->operations.kept.count);
	struct refresh_ages ages = refresh_schedule_ages(keeper);
	json_write_member_integer(&w, "key_pairs_lost", (int64_t)shared_keys_pairs_lost(keeper->gate->state));
	json_write_member_integer(&w, "keys_closed", (int64_t)threshold_keys_closed(keeper));
	json_write_member_boolean(&w, "keys_isolated", ring != nullptr && keyring_is_isolated(ring));
	json_write_member_boolean(&w, "keys_locked", ring != nullptr && keyring_is_locked(ring));
	json_write_member_integer(&w, "keys_overdue", (int64_t)ages.overdue);
	if (local != nullptr)
		json_write_member_hex(&w, "local_bundle", hash256_bytes(&local->hash));
	if (keeper->notifier != nullptr) {
		json_write_key(&w, "notifications");
		notifier_write_health(keeper->notifier, keeper->batch_ms, &w);
	}
	json_write_key(&w, "peers");
	peer_link_write_health(keeper, &w);
	json_write_member_integer(&w, "published", (int64_t)published.published);
	if (published.failing != nullptr)
		json_write_member_text(&w, "publisher_failing", published.failing);
	json_write_member_integer(&w, "reviews_open", (int64_t)keeper->gate->state->reviews.open.count);
	json_write_member_integer(&w, "reviews_overdue",
				  (int64_t)reviews_overdue(&keeper->gate->state->reviews, keeper->batch_ms));
	json_write_member_text(&w, "rollback_guard", rollback_guard_name(keeper->config.guard));
	json_write_member_text(&w, "root_key", root_key_source_name(root_key_source(keeper->installation->root)));
	if (keeper->witnessing != nullptr) {
		json_write_key(&w, "witness");
		witnessing_write_health(keeper->witnessing, &w);
	}
	json_write_end(&w);
	return json_writer_finish(&w);
}

/* --- Metrics. --- */

void
report_start_metrics(struct keeper *keeper) {
	static const char *const labels[] = {[DECISION_PERMIT] = "decision=\"permit\"",
					     [DECISION_DENY] = "decision=\"deny\"",
					     [DECISION_HELD] = "decision=\"held\""};
	for (size_t i = 0; i < ARRAY_LENGTH(keeper->decisions); i++) {
		keeper->decisions[i].name = "gatehouse_decisions";
		keeper->decisions[i].help = "Decisions recorded.";
		keeper->decisions[i].kind = METRIC_COUNTER;
		keeper->decisions[i].labels = labels[i];
	}
	keeper->refusals.name = "gatehouse_keeper_refusals";
	keeper->refusals.help = "Requests refused before a decision.";
	static const char *const limited[] = {"of=\"operations\"", "of=\"reads\""};
	for (size_t i = 0; i < ARRAY_LENGTH(keeper->limited); i++) {
		keeper->limited[i].name = "gatehouse_rate_refusals";
		keeper->limited[i].help =
			"Requests over the limit of their principal, or of the keeper that forwards them.";
		keeper->limited[i].labels = limited[i];
	}
	keeper->signed_in.name = "gatehouse_sign_ins";
	keeper->signed_in.help = "Sign-ins by passkey.";
	static const char *const unknown[] = {"of=\"sign_ins\"", "of=\"enrolments\""};
	for (size_t i = 0; i < ARRAY_LENGTH(keeper->unknown_refused); i++) {
		keeper->unknown_refused[i].name = "gatehouse_unknown_refusals";
		keeper->unknown_refused[i].help = "Sign-ins and enrolments that were nobody's, and refused.";
		keeper->unknown_refused[i].labels = unknown[i];
	}
	keeper->stray_frames.name = "gatehouse_stray_frames";
	keeper->stray_frames.help = "Frames among keepers that were not their senders' to send, and dropped.";
	keeper->reads.name = "gatehouse_reads";
	keeper->reads.help = "Reads that were taken.";
	keeper->batches.name = "gatehouse_batches";
	keeper->batches.help = "Batches made durable.";
	for (size_t i = 0; i < EVENT_KINDS; i++) {
		static const char *const of[EVENT_KINDS] = {[EVENT_HELD] = "event=\"held\"",
							    [EVENT_EXPIRING] = "event=\"expiring\"",
							    [EVENT_EXPIRED] = "event=\"expired\"",
							    [EVENT_DENIED] = "event=\"denied\"",
							    [EVENT_REJECTED] = "event=\"rejected\"",
							    [EVENT_OBJECTED] = "event=\"objected\"",
							    [EVENT_REFUSED] = "event=\"refused\"",
							    [EVENT_APPROVED] = "event=\"approved\"",
							    [EVENT_BREAK_GLASS] = "event=\"break_glass\"",
							    [EVENT_REVIEW_OVERDUE] = "event=\"review_overdue\""};
		keeper->events[i].name = "gatehouse_events";
		keeper->events[i].help = "What happened to operations that others than the requester wait for.";
		keeper->events[i].labels = of[i];
	}
	keeper->decide_histogram.first_ns = 10'000;
	keeper->decide_seconds.name = "gatehouse_decide_seconds";
	keeper->decide_seconds.help = "Reading, verifying, deciding and acting on one batch.";
	keeper->decide_seconds.kind = METRIC_HISTOGRAM;
	keeper->decide_seconds.histogram = &keeper->decide_histogram;
}

static void
write_metrics(struct keeper *keeper, struct buffer *to) {
	struct ledger_statistics statistics;
	struct publisher_health published;
	ledger_statistics(keeper->ledger, &statistics);
	publisher_health(keeper->publisher, &published);
	struct refresh_ages ages = refresh_schedule_ages(keeper);
	struct metric counters[] = {
		{.name = "gatehouse_entries",
		 .help = "Entries made durable since the start.",
		 .value = (int64_t)statistics.entries},
		{.name = "gatehouse_frames",
		 .help = "Frames made durable since the start.",
		 .value = (int64_t)statistics.frames},
		{.name = "gatehouse_ledger_bytes",
		 .help = "Bytes of frames since the start.",
		 .value = (int64_t)statistics.bytes},
		{.name = "gatehouse_ledger_sync_milliseconds",
		 .help = "Time spent in fdatasync.",
		 .value = (int64_t)(statistics.sync_ns / 1'000'000)},
		{.name = "gatehouse_ledger_sign_milliseconds",
		 .help = "Time spent signing heads.",
		 .value = (int64_t)(statistics.sign_ns / 1'000'000)},
		{.name = "gatehouse_outstanding",
		 .help = "Requests being recorded.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)keeper->outstanding},
		{.name = "gatehouse_slow_reads",
		 .help = "Reads of the log, of listings and tiles under way.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)slow_reads_outstanding(keeper->slow_reads)},
		{.name = "gatehouse_key_pairs_lost",
		 .help = "Pairs of this keeper and another that sign nothing with a shared key until it is refreshed.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)shared_keys_pairs_lost(keeper->gate->state)},
		{.name = "gatehouse_keys_closed",
		 .help = "Shared keys that sign nothing here until it can be written which pairs they have lost.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)threshold_keys_closed(keeper)},
		{.name = "gatehouse_key_sharing_age_seconds",
		 .help = "Since when the shared key that was not dealt anew for the longest time is shared as it is.",
		 .kind = METRIC_GAUGE,
		 .value = ages.oldest_ms / SECOND_MS},
		{.name = "gatehouse_keys_refresh_overdue",
		 .help = "Shared keys that should have been dealt anew by now.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)ages.overdue},
		{.name = "gatehouse_enrolments_waiting",
		 .help = "Passkeys enrolled by a link that not every keeper has taken yet.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)enrolments_waiting(keeper)},
		{.name = "gatehouse_sessions",
		 .help = "Sessions of people who are signed in.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)keeper->sessions.count},
		{.name = "gatehouse_throttled_origins",
		 .help = "Networks that are told to wait, because what they asked was refused too often.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)throttle_waiting(&keeper->origins, keeper->batch_ms)},
		{.name = "gatehouse_throttled_passkeys",
		 .help = "Passkeys of which too many assertions from one network did not hold: pairs of both that "
			 "wait.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)throttle_waiting(&keeper->pairs, keeper->batch_ms)},
		{.name = "gatehouse_break_glass_reviews_open",
		 .help = "Break-glass operations that nobody has reviewed.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)keeper->gate->state->reviews.open.count},
		{.name = "gatehouse_break_glass_reviews_overdue",
		 .help = "Of those, how many should have been.",
		 .kind = METRIC_GAUGE,
		 .value = (int64_t)reviews_overdue(&keeper->gate->state->reviews, keeper->batch_ms)},
		{.name = "gatehouse_clock_step_milliseconds",
		 .help = "Wall clock against boot clock.",
		 .kind = METRIC_GAUGE,
		 .value = clock_step_ns(&keeper->clock) / 1'000'000},
		{.name = "gatehouse_clock_in_doubt",
		 .help = "1: wall clock and boot clock disagree.",
		 .kind = METRIC_GAUGE,
		 .value = keeper->clock.in_doubt},
		{.name = "gatehouse_disk_full",
		 .help = "1: the next segment of the log has no room.",
		 .kind = METRIC_GAUGE,
		 .value = statistics.is_disk_full},
		{.name = "gatehouse_publisher_failing",
		 .help = "1: the log is not published.",
		 .kind = METRIC_GAUGE,
		 .value = published.failing != nullptr},
		{.name = "gatehouse_witness_failures",
		 .help = "Rounds in a row that did not bring the quorum of witnesses.",
		 .kind = METRIC_GAUGE,
		 .value = keeper->witnessing == nullptr ? 0 : (int64_t)witnessing_failures(keeper->witnessing)},
	};
	struct metric *table[ARRAY_LENGTH(counters) + ARRAY_LENGTH(keeper->decisions) + ARRAY_LENGTH(keeper->limited) +
			     ARRAY_LENGTH(keeper->unknown_refused) + EVENT_KINDS + 6 + PEERS_METRICS_MAX +
			     NOTIFIER_METRICS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(keeper->decisions); i++)
		table[count++] = &keeper->decisions[i];
	table[count++] = &keeper->refusals;
	for (size_t i = 0; i < ARRAY_LENGTH(keeper->limited); i++)
		table[count++] = &keeper->limited[i];
	for (size_t i = 0; i < EVENT_KINDS; i++)
		table[count++] = &keeper->events[i];
	table[count++] = &keeper->signed_in;
	for (size_t i = 0; i < ARRAY_LENGTH(keeper->unknown_refused); i++)
		table[count++] = &keeper->unknown_refused[i];
	table[count++] = &keeper->stray_frames;
	table[count++] = &keeper->reads;
	table[count++] = &keeper->batches;
	table[count++] = &keeper->decide_seconds;
	for (size_t i = 0; i < ARRAY_LENGTH(counters); i++)
		table[count++] = &counters[i];
	if (keeper->notifier != nullptr)
		count += notifier_metrics(keeper->notifier, table + count);
	if (keeper->peers != nullptr)
		count += peers_list_metrics(keeper->peers, table + count, ARRAY_LENGTH(table) - count);
	metrics_write(to, table, count);
}

/* A log that waits for its next segment a moment is ready; one that has none is not once its last room is used. */
static bool
is_full(struct keeper *keeper) {
	struct ledger_statistics statistics;
	ledger_statistics(keeper->ledger, &statistics);
	return statistics.is_disk_full && decide_check_room(keeper) != OK;
}

bool
report_is_ready(struct keeper *keeper) {
	return !keeper->clock.in_doubt && high_water_may_decide(keeper->high_water) == OK && !is_full(keeper);
}

enum status
report_send(struct keeper *keeper) {
	_cleanup_(buffer_free) struct buffer health = {}, metrics = {}, payload = {};
	TRY(write_health(keeper, &health));
	write_metrics(keeper, &metrics);
	TRY(buffer_status(&metrics));
	struct ipc_report report = {.ready = report_is_ready(keeper),
				    .health = buffer_bytes(&health),
				    .metrics = buffer_bytes(&metrics),
				    .instance = bytes_of_text(keeper->installation->instance)};
	ipc_write_report(&payload, &report);
	TRY(buffer_status(&payload));
	return ipc_send(keeper->channel, IPC_REPORT, 0, false, buffer_bytes(&payload));
}
