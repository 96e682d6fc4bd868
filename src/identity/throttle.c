#include "identity/throttle.h"

#include <sodium.h>
#include <stdlib.h>

#include "crypto/random.h"

constexpr int64_t FIRST_WAIT_MS = 1000;
static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == sizeof(uint64_t));

void
throttle_start(struct throttle *throttle) {
	*throttle = (struct throttle){.wait_max_ms = THROTTLE_WAIT_MAX_MS};
	random_bytes(throttle->key, sizeof throttle->key);
}

void
throttle_free(struct throttle *throttle) {
	free(throttle->places);
	throttle->places = nullptr;
}

static uint64_t
hash_of(const struct throttle *throttle, struct bytes who) {
	uint64_t hash;
	crypto_shorthash((unsigned char *)&hash, who.data, who.len, throttle->key);
	return hash == 0 ? 1 : hash;
}

static struct throttle_place *
set_of(const struct throttle *throttle, uint64_t hash) {
	return throttle->places + hash % THROTTLE_SETS * THROTTLE_WAYS;
}

static struct throttle_place *
find(const struct throttle *throttle, struct bytes who) {
	if (throttle->places == nullptr)
		return nullptr;
	uint64_t hash = hash_of(throttle, who);
	struct throttle_place *set = set_of(throttle, hash);
	for (size_t i = 0; i < THROTTLE_WAYS; i++)
		if (set[i].who == hash)
			return &set[i];
	return nullptr;
}

static bool
is_forgiven(const struct throttle_place *place, int64_t now_ms) {
	return now_ms - place->last_ms >= THROTTLE_FORGIVEN_MS;
}

/* From the last failure on. */
static int64_t
wait_of(const struct throttle *throttle, const struct throttle_place *place) {
	if (place->failures <= THROTTLE_FREE)
		return 0;
	uint32_t doublings = place->failures - THROTTLE_FREE - 1;
	int64_t wait_ms = doublings >= 10 ? THROTTLE_WAIT_MAX_MS : FIRST_WAIT_MS << doublings;
	return wait_ms < throttle->wait_max_ms ? wait_ms : throttle->wait_max_ms;
}

static int64_t
left_of(const struct throttle *throttle, const struct throttle_place *place, int64_t now_ms) {
	int64_t end_ms = place->last_ms + wait_of(throttle, place);
	return is_forgiven(place, now_ms) || end_ms <= now_ms ? 0 : end_ms - now_ms;
}

int64_t
throttle_wait(const struct throttle *throttle, struct bytes who, int64_t now_ms) {
	const struct throttle_place *place = find(throttle, who);
	return place == nullptr ? 0 : left_of(throttle, place, now_ms);
}

/* A free place, or that of whoever failed longest ago. */
static struct throttle_place *
make_place(struct throttle *throttle, uint64_t hash) {
	struct throttle_place *set = set_of(throttle, hash), *oldest = set;
	for (size_t i = 0; i < THROTTLE_WAYS && oldest->who != 0; i++)
		if (set[i].who == 0 || set[i].last_ms < oldest->last_ms)
			oldest = &set[i];
	*oldest = (struct throttle_place){.who = hash};
	return oldest;
}

enum status
throttle_fail(struct throttle *throttle, struct bytes who, int64_t now_ms, uint32_t *failures, int64_t *wait_ms) {
	*failures = 0;
	*wait_ms = 0;
	if (throttle->places == nullptr)
		throttle->places = calloc(THROTTLE_SETS * THROTTLE_WAYS, sizeof *throttle->places);
	TRY_ALLOC(throttle->places);
	struct throttle_place *place = find(throttle, who);
	if (place == nullptr)
		place = make_place(throttle, hash_of(throttle, who));
	else if (is_forgiven(place, now_ms))
		place->failures = 0;
	place->last_ms = now_ms;
	place->failures += place->failures < UINT32_MAX;
	*failures = place->failures;
	*wait_ms = wait_of(throttle, place);
	return OK;
}

void
throttle_pass(struct throttle *throttle, struct bytes who) {
	struct throttle_place *place = find(throttle, who);
	if (place != nullptr)
		*place = (struct throttle_place){};
}

size_t
throttle_waiting(const struct throttle *throttle, int64_t now_ms) {
	size_t count = 0;
	for (size_t i = 0; throttle->places != nullptr && i < THROTTLE_SETS * THROTTLE_WAYS; i++)
		count += throttle->places[i].who != 0 && left_of(throttle, &throttle->places[i], now_ms) > 0;
	return count;
}

struct bytes
throttle_origin(struct bytes address) {
	size_t prefix = address.len == 4 ? 3 : 7;
	return bytes_of(address.data, address.len < prefix ? address.len : prefix);
}
