#include "keeper/report.h"

#include "base/ipc_messages.h"
#include "keeper/loop.h"
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
	const struct keyring *ring = keeper->gate->state->ring;
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_member_hex(&w, "bundle", hash256_bytes(&keeper->gate->state->bundle->hash));
	json_write_member_boolean(&w, "clock_in_doubt", keeper->clock.in_doubt);
	json_write_member_boolean(&w, "disk_full", statistics.is_disk_full);
	json_write_member_integer(&w, "entries", (int64_t)head.head.size);
	json_write_member_integer(&w, "held", (int64_t)keeper->gate->state->operations.kept.count);
	json_write_member_boolean(&w, "keys_isolated", ring != nullptr && keyring_is_isolated(ring));
	json_write_member_integer(&w, "published", (int64_t)published.published);
	if (published.failing != nullptr)
		json_write_member_text(&w, "publisher_failing", published.failing);
	json_write_member_text(&w, "rollback_guard", rollback_guard_name(keeper->config.guard));
	json_write_member_text(&w, "root_key", root_key_source_name(root_key_source(keeper->installation->root)));
	if (keeper->witnessing != nullptr) {
		json_write_key(&w, "witness");
		witnessing_write_health(keeper->witnessing, &w);
	}
	json_write_end(&w);
	return json_writer_finish(&w);
}

enum status
report_send(struct keeper *keeper) {
	_cleanup_(buffer_free) struct buffer health = {}, metrics = {}, payload = {};
	TRY(write_health(keeper, &health));
	loop_write_metrics(keeper, &metrics);
	TRY(buffer_status(&metrics));
	bool ready = !keeper->clock.in_doubt && high_water_may_decide(keeper->high_water) == OK;
	struct ipc_report report = {.ready = ready,
				    .health = buffer_bytes(&health),
				    .metrics = buffer_bytes(&metrics),
				    .instance = bytes_of_text(keeper->installation->instance)};
	ipc_write_report(&payload, &report);
	TRY(buffer_status(&payload));
	return ipc_send(keeper->channel, IPC_REPORT, 0, false, buffer_bytes(&payload));
}
