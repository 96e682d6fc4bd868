#include "keeper/refresh_schedule.h"

#include "base/log.h"
#include "base/time.h"
#include "gate/shared_keys.h"
#include "keeper/system_entry.h"

static uint32_t
days_of(const struct refresh_schedule *schedule, const char *key) {
	for (size_t i = 0; i < schedule->exception_count; i++)
		if (strcmp(schedule->exceptions[i].key, key) == 0)
			return schedule->exceptions[i].days;
	return schedule->days;
}

/* There is a share here that a dealing would replace. */
static bool
is_held(const struct keeper *keeper, const struct shared_key *key) {
	const struct key_info *record = gate_state_key(keeper->gate->state, bytes_of_text(key->sharing.key.id));
	return shared_key_self(key) != 0 && record != nullptr && record->state != KEY_DESTROYED;
}

int64_t
refresh_schedule_due_ms(const struct keeper *keeper, const struct shared_key *key) {
	uint32_t days = days_of(&keeper->config.refresh, key->sharing.key.id);
	return days == 0 || !is_held(keeper, key) ? INT64_MAX : key->dealt_ms + days * DAY_MS;
}

struct refresh_ages
refresh_schedule_ages(const struct keeper *keeper) {
	struct refresh_ages ages = {};
	size_t at = 0;
	void *value;
	while (map_next(&keeper->gate->state->shared_keys, &at, nullptr, &value)) {
		const struct shared_key *key = value;
		if (!is_held(keeper, key))
			continue;
		int64_t age_ms = keeper->batch_ms - key->dealt_ms;
		ages.oldest_ms = age_ms > ages.oldest_ms ? age_ms : ages.oldest_ms;
		ages.overdue += refresh_schedule_due_ms(keeper, key) <= keeper->batch_ms;
	}
	return ages;
}

/* False: the log takes nothing now. */
static bool
tell(struct keeper *keeper, const struct shared_key *key, int64_t due_ms) {
	_cleanup_(buffer_free) struct buffer body = {};
	_cleanup_(arena_free) struct arena arena = {};
	const json *document;
	struct json_writer w;
	json_writer_start(&w, &body);
	json_write_object(&w);
	json_write_member_integer(&w, "dealt_at", key->dealt_ms);
	json_write_member_integer(&w, "due_at", due_ms);
	json_write_member_integer(&w, "epoch", key->sharing.key.epoch);
	json_write_member_string(&w, "legal_entity",
				 gate_state_entity_of_key(keeper->gate->state, bytes_of_text(key->sharing.key.id)));
	json_write_member_text(&w, "shared_key", key->sharing.key.id);
	json_write_end(&w);
	if (json_writer_finish(&w) != OK ||
	    json_read(&arena, buffer_bytes(&body), (struct json_limits){}, &document) != OK ||
	    system_entry_overdue(keeper, buffer_bytes(&body)) != OK)
		return false;
	if (shared_keys_apply_overdue(keeper->gate->state, document) != OK)
		keeper_end(keeper, fail_message());
	log_warning("key %s was dealt %lld days ago and is overdue: gatehouse key refresh %s", key->sharing.key.id,
		    (long long)((keeper->batch_ms - key->dealt_ms) / DAY_MS), key->sharing.key.id);
	return true;
}

void
refresh_schedule_turn(struct keeper *keeper) {
	size_t at = 0;
	void *value;
	while (map_next(&keeper->gate->state->shared_keys, &at, nullptr, &value)) {
		const struct shared_key *key = value;
		int64_t due_ms = refresh_schedule_due_ms(keeper, key);
		if (due_ms > keeper->batch_ms || due_ms <= key->told_due_ms)
			continue;
		if (!tell(keeper, key, due_ms))
			log_debug("that a key is overdue is not recorded yet: %s", fail_message());
		return;
	}
}
