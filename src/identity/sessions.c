#include "identity/sessions.h"

#include <stdlib.h>

#include "crypto/random.h"

constexpr int64_t MINUTE_MS = INT64_C(60'000);
constexpr int64_t HOUR_MS = 60 * MINUTE_MS;

static int64_t
shorter_of(int64_t configured_ms, int64_t standard_ms) {
	return configured_ms > 0 && configured_ms < standard_ms ? configured_ms : standard_ms;
}

struct session_limits
session_limits_of(struct session_limits configured, int assurance_level) {
	struct session_limits standard = assurance_level >= 3 ? (struct session_limits){12 * HOUR_MS, 15 * MINUTE_MS}
							      : (struct session_limits){24 * HOUR_MS, HOUR_MS};
	return (struct session_limits){shorter_of(configured.overall_ms, standard.overall_ms),
				       shorter_of(configured.idle_ms, standard.idle_ms)};
}

/* One answer for whatever it is: who asks without a session learns nothing. */
static enum status
none(void) {
	return fail(STATUS_UNAUTHORIZED, "session.none: sign in first");
}

/* --- Tokens. --- */

/* What is looked up is the hash: how long a search takes says nothing of a token. */
static struct hash256
hash_of(const uint8_t token[static SESSION_TOKEN_SIZE]) {
	return sha256_of_secret(bytes_of(token, SESSION_TOKEN_SIZE));
}

static enum status
put_token(struct sessions *sessions, struct session *session, uint8_t token[static SESSION_TOKEN_SIZE],
	  struct hash256 *hash) {
	random_bytes(token, SESSION_TOKEN_SIZE);
	*hash = hash_of(token);
	return map_put(&sessions->by_token, hash256_bytes(hash), session, nullptr);
}

static void
remove_token(struct sessions *sessions, const struct hash256 *hash) {
	(void)map_remove(&sessions->by_token, hash256_bytes(hash));
}

/* --- The list. --- */

static void
link_newest(struct sessions *sessions, struct session *session) {
	session->older = sessions->newest;
	if (sessions->newest != nullptr)
		sessions->newest->newer = session;
	else
		sessions->oldest = session;
	sessions->newest = session;
	sessions->count++;
}

static void
unlink_session(struct sessions *sessions, struct session *session) {
	*(session->newer != nullptr ? &session->newer->older : &sessions->newest) = session->older;
	*(session->older != nullptr ? &session->older->newer : &sessions->oldest) = session->newer;
	sessions->count--;
}

static void
end(struct sessions *sessions, struct session *session) {
	if (sessions->ended != nullptr)
		sessions->ended(sessions->context, session);
	remove_token(sessions, &session->token);
	if (session->has_next)
		remove_token(sessions, &session->next_token);
	if (session->has_former)
		remove_token(sessions, &session->former_token);
	unlink_session(sessions, session);
	free(session);
}

void
sessions_free(struct sessions *sessions) {
	sessions->ended = nullptr;
	while (sessions->newest != nullptr)
		end(sessions, sessions->newest);
	map_free(&sessions->by_token);
}

static bool
is_of(const struct session *session, struct bytes person) {
	size_t len = strlen(session->key);
	return len > person.len && session->key[person.len] == '/' &&
	       memcmp(session->key, person.data, person.len) == 0;
}

/* --- Starting and ending. --- */

static struct session_time
after(struct session_time now, int64_t ms) {
	return (struct session_time){now.now_ms + ms, now.boot_ms + ms};
}

/* Whoever signs in again and again leaves no more behind than these. */
static void
make_room(struct sessions *sessions, struct bytes key_id) {
	const uint8_t *slash = memchr(key_id.data, '/', key_id.len);
	struct bytes person = bytes_of(key_id.data, slash == nullptr ? key_id.len : (size_t)(slash - key_id.data));
	struct session *oldest = nullptr;
	size_t own = 0;
	for (struct session *session = sessions->newest; session != nullptr; session = session->older)
		if (is_of(session, person)) {
			own++;
			oldest = session;
		}
	if (own >= SESSIONS_PER_PERSON_MAX)
		end(sessions, oldest);
}

enum status
sessions_start(struct sessions *sessions, struct bytes key_id, int assurance_level, struct bytes certificate,
	       struct session_time now, uint8_t token[static SESSION_TOKEN_SIZE], const struct session **session) {
	struct session_limits limits = session_limits_of(sessions->configured, assurance_level);
	if (key_id.len > DIRECTORY_KEY_ID_MAX)
		return fail(STATUS_INTERNAL, "session.key: %zu bytes", key_id.len);
	make_room(sessions, key_id);
	struct session *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	*made = (struct session){.number = ++sessions->last_number,
				 .assurance_level = assurance_level,
				 .started = now,
				 .ends = after(now, limits.overall_ms),
				 .idle_ends = after(now, limits.idle_ms),
				 .token_since_ms = now.boot_ms,
				 .has_certificate = certificate.len == sizeof made->certificate.bytes};
	random_bytes(made->id, sizeof made->id);
	memcpy(made->key, key_id.data, key_id.len);
	if (made->has_certificate)
		memcpy(made->certificate.bytes, certificate.data, certificate.len);
	enum status status = put_token(sessions, made, token, &made->token);
	if (status != OK) {
		free(made);
		return status;
	}
	link_newest(sessions, made);
	*session = made;
	return OK;
}

void
sessions_end(struct sessions *sessions, const struct session *session) {
	end(sessions, (struct session *)session);
}

size_t
sessions_end_of(struct sessions *sessions, struct bytes person) {
	size_t count = 0;
	for (struct session *session = sessions->newest; session != nullptr;) {
		struct session *older = session->older;
		if (is_of(session, person)) {
			end(sessions, session);
			count++;
		}
		session = older;
	}
	return count;
}

const struct session *
sessions_next_of(const struct sessions *sessions, struct bytes person, const struct session *after) {
	const struct session *session = after == nullptr ? sessions->newest : after->older;
	while (session != nullptr && !is_of(session, person))
		session = session->older;
	return session;
}

/* By either clock. */
static bool
has_come(struct session_time time, struct session_time now) {
	return now.now_ms >= time.now_ms || now.boot_ms >= time.boot_ms;
}

static bool
is_over(const struct session *session, const struct directory *directory, struct session_time now) {
	const struct directory_key *key;
	bool is_of_the_future = now.now_ms < session->started.now_ms || now.boot_ms < session->started.boot_ms;
	return is_of_the_future || has_come(session->ends, now) || has_come(session->idle_ends, now) ||
	       directory_active_key(directory, bytes_of_text(session->key), &key) != OK;
}

void
sessions_sweep(struct sessions *sessions, const struct directory *directory, struct session_time now) {
	for (struct session *session = sessions->newest; session != nullptr;) {
		struct session *older = session->older;
		if (is_over(session, directory, now))
			end(sessions, session);
		session = older;
	}
}

/* --- Using. --- */

/* Not over, but for what sessions_use() itself ends. */
static struct session *
find(const struct sessions *sessions, const struct hash256 *hash, struct bytes certificate, int64_t boot_ms) {
	struct session *session = map_get(&sessions->by_token, hash256_bytes(hash));
	if (session == nullptr)
		return nullptr;
	if (session->has_certificate && !bytes_equal(hash256_bytes(&session->certificate), certificate))
		return nullptr;
	bool is_former = session->has_former && hash256_equal(hash, &session->former_token);
	return is_former && boot_ms >= session->former_until_ms ? nullptr : session;
}

enum status
sessions_find(const struct sessions *sessions, const struct directory *directory,
	      const uint8_t token[static SESSION_TOKEN_SIZE], struct bytes certificate, struct session_time now,
	      const struct session **session) {
	struct hash256 hash = hash_of(token);
	*session = find(sessions, &hash, certificate, now.boot_ms);
	return *session != nullptr && !is_over(*session, directory, now) ? OK : none();
}

/* The new token has arrived: the one before ends soon. */
static void
take_next(struct sessions *sessions, struct session *session, int64_t boot_ms) {
	if (session->has_former)
		remove_token(sessions, &session->former_token);
	session->former_token = session->token;
	session->has_former = true;
	session->former_until_ms = boot_ms + SESSION_OVERLAP_MS;
	session->token = session->next_token;
	session->has_next = false;
	session->token_since_ms = session->next_since_ms;
}

static bool
wants_renewal(const struct session *session, int64_t boot_ms) {
	return boot_ms - session->token_since_ms >= SESSION_RENEWAL_MS &&
	       (!session->has_next || boot_ms - session->next_since_ms >= SESSION_RENEWAL_RETRY_MS);
}

static enum status
renew(struct sessions *sessions, struct session *session, int64_t boot_ms, uint8_t token[static SESSION_TOKEN_SIZE]) {
	if (session->has_next)
		remove_token(sessions, &session->next_token);
	session->has_next = false;
	TRY(put_token(sessions, session, token, &session->next_token));
	session->has_next = true;
	session->next_since_ms = boot_ms;
	return OK;
}

enum status
sessions_use(struct sessions *sessions, const struct directory *directory,
	     const uint8_t token[static SESSION_TOKEN_SIZE], struct bytes certificate, struct session_time now,
	     struct session_use *use, const struct session **found) {
	struct hash256 hash = hash_of(token);
	struct session *session = find(sessions, &hash, certificate, now.boot_ms);
	use->is_renewed = false;
	if (session == nullptr)
		return none();
	if (is_over(session, directory, now)) {
		end(sessions, session);
		return none();
	}
	if (session->has_next && hash256_equal(&hash, &session->next_token))
		take_next(sessions, session, now.boot_ms);
	if (use->is_activity)
		session->idle_ends =
			after(now, session_limits_of(sessions->configured, session->assurance_level).idle_ms);
	if (use->may_renew && hash256_equal(&hash, &session->token) && wants_renewal(session, now.boot_ms)) {
		TRY(renew(sessions, session, now.boot_ms, use->token));
		use->is_renewed = true;
	}
	*found = session;
	return OK;
}
