#include "keeper/peer_link.h"

#include "base/log.h"
#include "keeper/peer_set.h"
#include "keeper/threshold.h"

constexpr int64_t GENERATION_MS = 1'000;

static int64_t
now_ms(const struct keeper *keeper) {
	return io_boottime_ns(keeper->config.io) / 1'000'000;
}

/* --- What the set asks of its keeper. --- */

static void
own_head(void *context, struct head *head, struct head_signatures *signatures) {
	struct keeper *keeper = context;
	struct ledger_head durable;
	ledger_durable_head(keeper->ledger, &durable);
	*head = durable.head;
	*signatures = durable.signatures;
}

static enum status
prove(void *context, uint64_t old_size, uint64_t size, struct proof *proof) {
	struct keeper *keeper = context;
	return ledger_prove_consistency(keeper->ledger, old_size, size, proof);
}

static struct hash256
own_bundle(void *context) {
	struct keeper *keeper = context;
	return keeper->gate->state->bundle->hash;
}

/* The durability of this entry is nobody's answer: a failure of the log ends the process. */
static void
ignore_done(void *, enum status, const struct ledger_commit *, uint64_t) {}

static enum status
record(void *context, struct enrolled_keeper *peer, const struct mark *head, const char *reason) {
	struct keeper *keeper = context;
	_cleanup_(buffer_free) struct buffer body = {};
	struct keepers *keepers = &keeper->gate->state->keepers;
	struct bytes name = bytes_of_text(peer->name);
	TRY(keepers_write_entry(peer, head, reason, &body));
	TRY(ledger_submit(keeper->ledger, &(struct ledger_entry){.type = ENTRY_PEER, .body = buffer_bytes(&body)}, 1,
			  ignore_done, nullptr));
	return reason == nullptr ? keepers_see(keepers, name, head)
				 : keepers_refuse(keepers, name, head, bytes_of_text(reason));
}

/* A gateway that is gone takes its streams with it: what is for them goes nowhere. */
static bool
send_bytes(void *context, uint64_t stream, struct bytes bytes) {
	struct keeper *keeper = context;
	struct buffer *payload;
	if (keeper->channel == nullptr)
		return true;
	if (ipc_begin(keeper->channel, IPC_PEER_DATA, stream, false, &payload) != OK)
		return false;
	ipc_write_peer_data(payload, &(struct ipc_peer_data){bytes});
	return ipc_end(keeper->channel) == OK;
}

static bool
grant(void *context, uint64_t stream, size_t bytes) {
	struct keeper *keeper = context;
	struct buffer *payload;
	if (keeper->channel == nullptr || bytes == 0)
		return true;
	if (ipc_begin(keeper->channel, IPC_PEER_CREDIT, stream, false, &payload) != OK)
		return false;
	ipc_write_peer_credit(payload, &(struct ipc_peer_credit){(uint32_t)bytes});
	return ipc_end(keeper->channel) == OK;
}

static void
close_stream(void *context, uint64_t stream) {
	struct keeper *keeper = context;
	if (keeper->channel != nullptr)
		IGNORE_STATUS(ipc_send(keeper->channel, IPC_PEER_CLOSED, stream, false, (struct bytes){}));
}

static void
announce(void *context, uint8_t own, const uint8_t *parties, const char *const *names, size_t count) {
	struct keeper *keeper = context;
	struct ipc_peers peers = {.own = own, .count = count};
	struct buffer *payload;
	if (keeper->channel == nullptr || threshold_is_mute(keeper))
		return; /* peer_link_begin() says it */
	for (size_t i = 0; i < count; i++)
		peers.dialled[i] = (struct ipc_peer){parties[i], bytes_of_text(names[i])};
	if (ipc_begin(keeper->channel, IPC_PEERS, 0, false, &payload) != OK)
		return;
	ipc_write_peers(payload, &peers);
	IGNORE_STATUS(ipc_end(keeper->channel));
}

static void
follow_generation(struct keeper *keeper) {
	if (now_ms(keeper) - keeper->generation_looked_ms < GENERATION_MS)
		return;
	keeper->generation_looked_ms = now_ms(keeper);
	if (!vm_generation_has_changed(&keeper->config.vm_generation, keeper->config.io))
		return;
	log_error("the machine has been put back or copied: what this keeper had in memory with its peers is void");
	peers_renew_epoch(keeper->peers);
}

/* --- Opening and closing. --- */

enum status
peer_link_open(struct keeper *keeper) {
	const char *name = installation_keeper_name(keeper->installation);
	if (!keeper_name_is_valid(bytes_of_text(name))) {
		log_warning("\"%s\" cannot be the name of a peer: this keeper works by itself", name);
		return OK;
	}
	TRY(peer_keys_open(keeper->installation, &keeper->peer_keys));
	const struct peers_host host = {.context = keeper,
					.instance = keeper->installation->instance,
					.name = name,
					.identity = keeper->peer_keys.identity,
					.seed = keeper->peer_keys.seed,
					.key = keeper->peer_keys.key,
					.log = &keeper->installation->keys,
					.keepers = &keeper->gate->state->keepers,
					.head = own_head,
					.prove = prove,
					.bundle = own_bundle,
					.record = record,
					.send = send_bytes,
					.grant = grant,
					.close = close_stream,
					.announce = announce};
	return peers_create(&host, &keeper->peers);
}

void
peer_link_close(struct keeper *keeper) {
	peers_destroy(&keeper->peers);
	peer_keys_close(&keeper->peer_keys);
}

void
peer_link_begin(struct keeper *keeper) {
	if (keeper->peers != nullptr)
		peers_announce(keeper->peers);
}

void
peer_link_end(struct keeper *keeper) {
	if (keeper->peers != nullptr)
		peers_lose_gateway(keeper->peers);
}

enum status
keeper_join_peers(struct keeper *keeper) {
	return keeper->peers == nullptr ? OK : threshold_connect(keeper, keeper->peers);
}

/* --- Frames of the gateway. --- */

bool
peer_link_is_for(enum ipc_type type) {
	return type == IPC_PEER_OPENED || type == IPC_PEER_DATA || type == IPC_PEER_CREDIT || type == IPC_PEER_CLOSED;
}

enum status
peer_link_take(struct keeper *keeper, const struct ipc_frame *frame) {
	struct ipc_peer_opened opened;
	struct ipc_peer_data data;
	struct ipc_peer_credit credit;
	if (keeper->peers == nullptr)
		return fail(STATUS_INVALID, "peer_link.none: this keeper has no peers");
	switch (frame->type) {
	case IPC_PEER_OPENED:
		TRY(ipc_read_peer_opened(frame->payload, &opened));
		if (threshold_is_mute(keeper)) {
			close_stream(keeper, frame->request);
			return OK;
		}
		return peers_opened(keeper->peers, frame->request, opened.party, opened.is_dialler, now_ms(keeper));
	case IPC_PEER_DATA:
		TRY(ipc_read_peer_data(frame->payload, &data));
		return peers_data(keeper->peers, frame->request, data.bytes, now_ms(keeper));
	case IPC_PEER_CREDIT:
		TRY(ipc_read_peer_credit(frame->payload, &credit));
		return peers_credited(keeper->peers, frame->request, credit.bytes);
	default:
		if (frame->payload.len > 0)
			return fail(STATUS_INVALID, "peer_link.closed: %zu bytes of payload, expected none",
				    frame->payload.len);
		peers_closed(keeper->peers, frame->request);
		return OK;
	}
}

void
peer_link_turn(struct keeper *keeper) {
	if (keeper->peers == nullptr)
		return;
	follow_generation(keeper);
	peers_turn(keeper->peers, now_ms(keeper));
}

/* --- What is shown. --- */

static const char *
state_name(const struct peer *peer) {
	static const char *const names[] = {[PEER_ABSENT] = "missing", [PEER_UP] = "up", [PEER_REFUSED] = "refused"};
	return peer->is_enrolled ? names[peer->state] : "removed";
}

static void
write_names(const struct keeper *keeper, struct json_writer *w, const char *state) {
	const struct peer *peer;
	json_write_key(w, state);
	json_write_array(w);
	for (size_t i = 0; (peer = peers_at(keeper->peers, i)) != nullptr; i++)
		if (strcmp(state_name(peer), state) == 0)
			json_write_text(w, peer->name);
	json_write_end(w);
}

void
peer_link_write_health(struct keeper *keeper, struct json_writer *w) {
	json_write_object(w);
	if (keeper->peers != nullptr) {
		write_names(keeper, w, "missing");
		json_write_member_boolean(w, "own_log_is_behind", peers_own_log_is_behind(keeper->peers));
		write_names(keeper, w, "refused");
		write_names(keeper, w, "up");
		json_write_member_boolean(w, "vm_generation", keeper->config.vm_generation.is_given);
	}
	json_write_end(w);
}

static void
write_mark(struct json_writer *w, const char *key, const struct mark *mark) {
	if (mark->size == 0)
		return;
	json_write_key(w, key);
	json_write_object(w);
	json_write_member_hex(w, "root", hash256_bytes(&mark->root));
	json_write_member_integer(w, "size", (int64_t)mark->size);
	json_write_end(w);
}

static void
write_peer(const struct keeper *keeper, const struct peer *peer, struct json_writer *w) {
	const struct enrolled_keeper *row = keeper->gate->state->keepers.of_party[peer->party];
	json_write_object(w);
	json_write_member_integer(w, "admission", (int64_t)peer->admission);
	if (peer->version != 0) {
		json_write_member_hex(w, "boot_epoch", BYTES_OF_ARRAY(peer->boot_epoch));
		json_write_member_text(w, "build", peer->build);
		json_write_member_hex(w, "bundle", hash256_bytes(&peer->bundle));
	}
	json_write_key(w, "enrolment");
	keeper_write_enrolment(w, row->name, row->party, &row->log, &row->certificate, row->key);
	json_write_member_text(w, "name", peer->name);
	if (row->is_refused)
		json_write_member_text(w, "reason", row->reason);
	write_mark(w, "refused_at", &row->shown);
	write_mark(w, "shown", peers_shown(keeper->peers, peer));
	json_write_member_text(w, "state", state_name(peer));
	if (peer->version != 0)
		json_write_member_integer(w, "version", peer->version);
	json_write_end(w);
}

void
peer_link_write_listing(struct keeper *keeper, struct json_writer *w) {
	const struct peer *peer;
	json_write_object(w);
	if (keeper->peers != nullptr) {
		json_write_key(w, "own");
		keeper_write_enrolment(w, installation_keeper_name(keeper->installation),
				       peers_own_party(keeper->peers), &keeper->installation->keys,
				       pinned_identity_hash(keeper->peer_keys.identity), keeper->peer_keys.key);
	}
	json_write_key(w, "peers");
	json_write_array(w);
	for (size_t i = 0; keeper->peers != nullptr && (peer = peers_at(keeper->peers, i)) != nullptr; i++)
		write_peer(keeper, peer, w);
	json_write_end(w);
	json_write_end(w);
}
