/* Messages that come before what they belong to: another keeper may be ahead. */
#include "keeper/threshold_internal.h"

#include <stdlib.h>

void
early_keep(struct keeper *keeper, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	struct threshold *threshold = keeper->threshold;
	if (threshold->early_count[peer->party] >= EARLY_MAX ||
	    threshold->early_bytes[peer->party] + body.len > EARLY_BYTES_MAX) {
		threshold_log_fault(keeper, peer, FAULT_EARLY,
				    "a message of keeper %s came too early, and too much waits already", peer->name);
		return;
	}
	struct early *made = calloc(1, sizeof *made);
	if (made == nullptr)
		return;
	made->party = peer->party;
	made->kind = kind;
	made->end_ms = threshold_now_ms(keeper) + EARLY_MS;
	buffer_append_bytes(&made->body, body);
	if (buffer_status(&made->body) != OK) {
		free(made);
		return;
	}
	threshold->early_bytes[peer->party] += body.len;
	threshold->early_count[peer->party]++;
	struct early **at = &threshold->early; /* in the order of their coming */
	while (*at != nullptr)
		at = &(*at)->next;
	*at = made;
}

static void
early_free(struct threshold *threshold, struct early *gone) {
	threshold->early_bytes[gone->party] -= gone->body.len;
	threshold->early_count[gone->party]--;
	buffer_free(&gone->body);
	free(gone);
}

static void
take_early_once(struct keeper *keeper) {
	struct threshold *threshold = keeper->threshold;
	struct early *waiting = threshold->early;
	threshold->early = nullptr;
	while (waiting != nullptr) {
		struct early *one = waiting;
		const struct peer *peer = threshold_peer(keeper, one->party);
		waiting = one->next;
		one->next = nullptr;
		if (peer == nullptr || threshold_hear(keeper, peer, one->kind, buffer_bytes(&one->body))) {
			early_free(threshold, one);
			continue;
		}
		struct early **at = &threshold->early;
		while (*at != nullptr)
			at = &(*at)->next;
		*at = one;
	}
}

void
early_take(struct keeper *keeper) {
	struct threshold *threshold = keeper->threshold;
	do {
		threshold->has_begun = false;
		take_early_once(keeper);
	} while (threshold->has_begun);
}

void
early_drop(struct keeper *keeper, uint8_t party, int64_t until_ms) {
	for (struct early **at = &keeper->threshold->early; *at != nullptr;) {
		struct early *one = *at;
		if (one->end_ms > until_ms || (party != 0 && one->party != party)) {
			at = &one->next;
			continue;
		}
		*at = one->next;
		early_free(keeper->threshold, one);
	}
}

void
early_close(struct threshold *threshold) {
	while (threshold->early != nullptr) {
		struct early *one = threshold->early;
		threshold->early = one->next;
		early_free(threshold, one);
	}
}
