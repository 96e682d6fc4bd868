/*
 * How long somebody who keeps failing is to wait: nothing for the first few times, then twice as long with every failure, up to a
 * quarter of an hour; half an hour without a failure is forgiven. Of bounded memory: where a place is wanted by more than it has
 * room for, whoever failed longest ago is forgotten, so that a flood makes the throttle forget and never grow.
 *
 * Whose failures they are is the caller's to say: an origin's (the network that the gateway reports), or an authenticator's. Places
 * are chosen by a keyed hash. Owner: the caller. Threads: one.
 */
#ifndef GATEHOUSE_IDENTITY_THROTTLE_H
#define GATEHOUSE_IDENTITY_THROTTLE_H

#include "base/bytes.h"

constexpr size_t THROTTLE_SETS = 1024;
constexpr size_t THROTTLE_WAYS = 4;
constexpr uint32_t THROTTLE_FREE = 5; /* failures that cost nothing */
constexpr int64_t THROTTLE_WAIT_MAX_MS = INT64_C(15) * 60 * 1000;
constexpr int64_t THROTTLE_FORGIVEN_MS = INT64_C(30) * 60 * 1000;

struct throttle_place {
	uint64_t who; /* keyed hash; 0: free */
	int64_t last_ms;
	uint32_t failures;
};

struct throttle {
	uint8_t key[16];
	int64_t wait_max_ms;           /* THROTTLE_WAIT_MAX_MS, unless the caller has set another after the start */
	struct throttle_place *places; /* of THROTTLE_SETS × THROTTLE_WAYS; null until somebody fails */
};

void throttle_start(struct throttle *throttle);
void throttle_free(struct throttle *throttle); /* a cleanup function */

/* How long they still have to wait; 0: not at all. */
int64_t throttle_wait(const struct throttle *throttle, struct bytes who, int64_t now_ms);
/* They failed: how often now, and in *wait_ms how long they have to wait from here. STATUS_NO_MEMORY leaves them unknown. */
enum status throttle_fail(struct throttle *throttle, struct bytes who, int64_t now_ms, uint32_t *failures,
			  int64_t *wait_ms);
/* They succeeded: all is forgiven. */
void throttle_pass(struct throttle *throttle, struct bytes who);
/* How many have to wait. */
size_t throttle_waiting(const struct throttle *throttle, int64_t now_ms);

/* The network that counts as one origin: /24 of an IPv4 address, /56 of an IPv6 one; a view of the address. */
struct bytes throttle_origin(struct bytes address);

#endif
