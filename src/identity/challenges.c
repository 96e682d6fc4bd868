#include "identity/challenges.h"

#include "base/secret.h"
#include "crypto/declassify.h"
#include "crypto/hash.h"
#include "crypto/random.h"

static const char LABEL[] = "gatehouse/sign-in-challenge/v1"; /* its zero byte is part of it */
constexpr size_t STATED = 16;                                 /* time and random bytes */

void
challenges_start(struct challenges *challenges) {
	*challenges = (struct challenges){};
	random_bytes(challenges->key, sizeof challenges->key);
}

void
challenges_free(struct challenges *challenges) {
	map_free(&challenges->used);
	map_free(&challenges->used_before);
	secret_wipe(challenges->key, sizeof challenges->key);
}

static void
authenticate(const struct challenges *challenges, const uint8_t stated[static STATED], uint8_t mac[static 16]) {
	uint8_t message[sizeof LABEL + STATED];
	memcpy(message, LABEL, sizeof LABEL);
	memcpy(message + sizeof LABEL, stated, STATED);
	struct hash256 whole = hmac_sha256(BYTES_OF_ARRAY(challenges->key), BYTES_OF_ARRAY(message));
	memcpy(mac, whole.bytes, 16);
}

int64_t
challenge_make(const struct challenges *challenges, int64_t now_ms, uint8_t challenge[static CHALLENGE_SIZE]) {
	store_u64be(challenge, (uint64_t)now_ms);
	random_bytes(challenge + 8, 8);
	authenticate(challenges, challenge, challenge + STATED);
	return now_ms + CHALLENGE_LIFETIME_MS;
}

int64_t
challenge_time(const uint8_t challenge[static CHALLENGE_SIZE]) {
	return (int64_t)(load_u64be(challenge) & INT64_MAX);
}

static bool
is_over(const uint8_t challenge[static CHALLENGE_SIZE], int64_t now_ms) {
	return now_ms - challenge_time(challenge) >= CHALLENGE_LIFETIME_MS;
}

enum status
challenge_check(const struct challenges *challenges, const uint8_t challenge[static CHALLENGE_SIZE], int64_t now_ms) {
	uint8_t mac[16];
	authenticate(challenges, challenge, mac);
	if (!declassified(secret_equal(BYTES_OF_ARRAY(mac), bytes_of(challenge + STATED, sizeof mac))))
		return fail(STATUS_UNAUTHORIZED, "challenge.foreign: what was signed is no challenge of this process");
	if (is_over(challenge, now_ms))
		return fail(STATUS_UNAUTHORIZED, "challenge.expired: it was made over two minutes ago");
	return OK;
}

/* What was used a lifetime ago has expired since. */
static void
forget(struct challenges *challenges, int64_t now_ms) {
	if (now_ms - challenges->began_ms < CHALLENGE_LIFETIME_MS)
		return;
	map_free(&challenges->used_before);
	challenges->used_before = challenges->used;
	challenges->used = (struct map){};
	if (now_ms - challenges->began_ms >= 2 * CHALLENGE_LIFETIME_MS)
		map_free(&challenges->used_before);
	challenges->began_ms = now_ms;
}

enum status
challenge_use(struct challenges *challenges, const uint8_t challenge[static CHALLENGE_SIZE], int64_t now_ms) {
	struct bytes view = bytes_of(challenge, CHALLENGE_SIZE);
	TRY(challenge_check(challenges, challenge, now_ms));
	forget(challenges, now_ms);
	if (map_get(&challenges->used, view) != nullptr || map_get(&challenges->used_before, view) != nullptr)
		return fail(STATUS_UNAUTHORIZED, "challenge.used: somebody has signed in with it");
	if (challenges->used.count >= CHALLENGES_USED_MAX)
		return fail(STATUS_UNAVAILABLE, "challenge.overloaded: %zu sign-ins within two minutes",
			    CHALLENGES_USED_MAX);
	return map_put(&challenges->used, view, challenges, nullptr);
}
