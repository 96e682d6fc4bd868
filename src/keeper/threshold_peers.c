/* The channels between keepers (keeper/peers.h) as what joint operations are done over. */
#include "keeper/threshold.h"

#include "keeper/internal.h"

static const struct peer *
at(void *context, size_t index) {
	return peers_at(context, index);
}

static uint8_t
own_party(void *context) {
	return peers_own_party(context);
}

static const uint8_t *
own_identity(void *context) {
	return peers_own_identity(context);
}

static const uint8_t *
own_epoch(void *context) {
	return peers_own_epoch(context);
}

static void
own_keys(void *context, struct pledge_keys *keys) {
	peers_own_keys(context, keys);
}

static enum status
send(void *context, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	return peers_send(context, peer, kind, body);
}

static void
up(void *context, const struct peer *peer) {
	threshold_peer_up(context, peer);
}

static void
down(void *context, const struct peer *peer, size_t) {
	threshold_peer_down(context, peer);
}

static void
message(void *context, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	threshold_message(context, peer, kind, body);
}

enum status
threshold_connect(struct keeper *keeper, struct peers *peers) {
	struct threshold_link link = {.context = peers,
				      .at = at,
				      .own_party = own_party,
				      .own_identity = own_identity,
				      .own_keys = own_keys,
				      .own_epoch = own_epoch,
				      .send = send};
	struct peers_listener listener = {.up = up, .down = down, .message = message, .context = keeper};
	peers_listen(peers, &listener);
	return threshold_start(keeper, &link);
}
