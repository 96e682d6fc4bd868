/*
 * Sessions of people who signed in by a passkey. A session reads and does nothing else (design §4); it lives in memory, so that a
 * restart signs everyone out, and of its token only the SHA-256 is kept.
 *
 * A token is 256 random bits, and is renewed every quarter of an hour: the new one goes out with an answer, and the old one is
 * good until half a minute after the new one is first seen, so that requests side by side and an answer that is lost do not sign
 * anyone out. Overall and idle limits are those of NIST SP 800-63B-4 §2.2.3 and §2.3.3 for the assurance of the sign-in. Where
 * the sign-in came under a TLS client certificate, the session is used under that certificate alone.
 *
 * They are held to by both clocks: the recorded time, which stands still where people accept that the wall clock was ahead, and the
 * time since the machine started, which nobody sets. Whichever says so first ends the session; one that began later than either
 * says it is now is over.
 *
 * Owner: struct sessions owns all of them; a session that is handed out lives until the next call that may end one. Threads:
 * sessions_find() many readers, all else one. Errors: STATUS_UNAUTHORIZED session.none, and nothing more to whoever asks.
 */
#ifndef GATEHOUSE_IDENTITY_SESSIONS_H
#define GATEHOUSE_IDENTITY_SESSIONS_H

#include "base/map.h"
#include "crypto/hash.h"
#include "identity/directory.h"

constexpr size_t SESSION_TOKEN_SIZE = 32;
constexpr size_t SESSION_TOKEN_TEXT = 43; /* base64url */
constexpr size_t SESSION_ID_SIZE = 16;
constexpr size_t SESSIONS_PER_PERSON_MAX = 8; /* one more ends the oldest */
constexpr int64_t SESSION_RENEWAL_MS = 15 * 60 * 1000;
constexpr int64_t SESSION_RENEWAL_RETRY_MS = 60 * 1000; /* the answer with the new token was lost: another one */
constexpr int64_t SESSION_OVERLAP_MS = 30 * 1000;

struct session_limits {
	int64_t overall_ms, idle_ms;
};
/* 24 h and 1 h; at level 3 12 h and 15 min; or what the installation is configured with, where that is shorter. */
struct session_limits session_limits_of(struct session_limits configured, int assurance_level);

struct session_time {
	int64_t now_ms;  /* recorded */
	int64_t boot_ms; /* since the machine started; never less than before */
};

struct session {
	uint8_t id[SESSION_ID_SIZE];        /* random; what entries call it by. It opens nothing */
	uint64_t number;                    /* never 0; of this process */
	char key[DIRECTORY_KEY_ID_MAX + 1]; /* the passkey that signed in */
	int assurance_level;
	struct session_time started, ends, idle_ends;
	bool has_certificate;
	struct hash256 certificate; /* the TLS client's */
	/* Hashes of the tokens: in use; handed out and not seen yet; the one before, until then. */
	struct hash256 token, next_token, former_token;
	bool has_next, has_former;
	int64_t token_since_ms, next_since_ms, former_until_ms; /* since the machine started */
	struct session *newer, *older;
};

struct sessions {
	struct map by_token; /* SHA-256 to struct session */
	struct session *newest, *oldest;
	size_t count;
	struct session_limits configured; /* 0: the standard's */
	uint64_t last_number;
	/* Told of each that ends, before it is gone; may be null. */
	void (*ended)(void *context, const struct session *session);
	void *context;
};

void sessions_free(struct sessions *sessions); /* without telling; a cleanup function */

/* certificate: 32 bytes, or empty. *session lives as said above. */
enum status sessions_start(struct sessions *sessions, struct bytes key_id, int assurance_level,
			   struct bytes certificate, struct session_time now, uint8_t token[static SESSION_TOKEN_SIZE],
			   const struct session **session);

/* The session of a token, within its limits and under its certificate; its key is still in force in the directory. */
enum status sessions_find(const struct sessions *sessions, const struct directory *directory,
			  const uint8_t token[static SESSION_TOKEN_SIZE], struct bytes certificate,
			  struct session_time now, const struct session **session);

/* The same in order: what its person does is noted, and a token that is old enough is renewed. One whose key is not in force any
 * more, or whose time is over, ends. */
struct session_use {
	bool is_activity; /* of a person: moves the idle limit */
	bool may_renew;
	bool is_renewed;
	uint8_t token[SESSION_TOKEN_SIZE]; /* where it is: the new one */
};
enum status sessions_use(struct sessions *sessions, const struct directory *directory,
			 const uint8_t token[static SESSION_TOKEN_SIZE], struct bytes certificate,
			 struct session_time now, struct session_use *use, const struct session **session);

void sessions_end(struct sessions *sessions, const struct session *session);
/* All of a person; how many. */
size_t sessions_end_of(struct sessions *sessions, struct bytes person);
/* The newest of a person's that is older than that one, which may be null: the newest of all. Null past the last. */
const struct session *sessions_next_of(const struct sessions *sessions, struct bytes person,
				       const struct session *after);
/* Those whose time is over or whose key is not in force any more. */
void sessions_sweep(struct sessions *sessions, const struct directory *directory, struct session_time now);

/* "43 characters of base64url", as it stands in the cookie: STATUS_UNAUTHORIZED session.none. */
enum status session_token_parse(struct bytes text, uint8_t token[static SESSION_TOKEN_SIZE]);
void session_token_format(const uint8_t token[static SESSION_TOKEN_SIZE], char text[static SESSION_TOKEN_TEXT + 1]);

#endif
