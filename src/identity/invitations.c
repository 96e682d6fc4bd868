#include "identity/invitations.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "identity/directory.h"

static const char FIELD[] = "invitations.snapshot";
enum { MUST_BE_CERTIFIED = 0x01, MAY_BE_SYNCED = 0x02, IS_USED = 0x04, IS_OUTDATED = 0x08 };

enum status
invitation_read(const json *payload, struct bytes person, struct invitation *invitation) {
	struct bytes token;
	*invitation = (struct invitation){.person = person};
	TRY(json_need_boolean(payload, "payload", "certified", &invitation->must_be_certified));
	TRY(json_need_integer(payload, "payload", "expires", &invitation->expires_ms));
	TRY(json_need_string(payload, "payload", "name", &invitation->name));
	TRY(json_need_boolean(payload, "payload", "synced", &invitation->may_be_synced));
	TRY(json_need_string(payload, "payload", "token_sha256", &token));
	TRY(json_need_integer(payload, "payload", "waiting_ms", &invitation->waiting_ms));
	if (token.len != 2 * sizeof invitation->token.bytes ||
	    hex_decode(token, invitation->token.bytes, sizeof invitation->token.bytes) != OK)
		return fail(STATUS_INVALID, "payload.token_sha256: expected 64 hexadecimal digits");
	if (invitation->expires_ms < 0)
		return fail(STATUS_INVALID, "payload.expires: before 1970");
	if (invitation->waiting_ms < 0 || invitation->waiting_ms > INVITATION_WAITING_MAX_MS)
		return fail(STATUS_INVALID, "payload.waiting_ms: expected 0 to a year");
	return OK;
}

const uint8_t *
invitation_nonce(const struct invitation *invitation) {
	static_assert(INVITATION_NONCE_SIZE <= sizeof invitation->token.bytes);
	return invitation->token.bytes;
}

void
invitations_free(struct invitations *invitations) {
	size_t at = 0;
	void *invitation;
	while (map_next(&invitations->by_token, &at, nullptr, &invitation))
		free(invitation);
	map_free(&invitations->by_token);
}

/* Everything in one piece of memory. */
static struct invitation *
copy_of(const struct invitation *from) {
	struct invitation *copy = malloc(sizeof *copy + from->person.len + from->name.len);
	if (copy == nullptr)
		return nullptr;
	uint8_t *text = (uint8_t *)(copy + 1);
	*copy = *from;
	memcpy(text, from->person.data, from->person.len);
	memcpy(text + from->person.len, from->name.data, from->name.len);
	copy->person.data = text;
	copy->name.data = text + from->person.len;
	return copy;
}

static void
forget(struct invitations *invitations, const struct invitation *gone) {
	struct hash256 token = gone->token;
	free(map_remove(&invitations->by_token, hash256_bytes(&token)));
}

static bool
is_remembered(const struct invitation *invitation, int64_t now_ms) {
	return now_ms < invitation->expires_ms || now_ms - invitation->expires_ms < INVITATION_HANDOVER_MS;
}

static bool
is_open(const struct invitation *invitation, int64_t now_ms) {
	return !invitation->is_used && !invitation->is_outdated && now_ms < invitation->expires_ms;
}

static bool
ends_before(const struct invitation *a, const struct invitation *b) {
	return a->expires_ms != b->expires_ms ? a->expires_ms < b->expires_ms
					      : memcmp(a->token.bytes, b->token.bytes, sizeof a->token.bytes) < 0;
}

/* The one that is not open and ends first: the same whatever the order in memory. Null where all are open. */
static const struct invitation *
first_to_forget(const struct invitations *invitations, int64_t now_ms) {
	const struct invitation *first = nullptr;
	size_t at = 0;
	void *value;
	while (map_next(&invitations->by_token, &at, nullptr, &value))
		if (!is_open(value, now_ms) && (first == nullptr || ends_before(value, first)))
			first = value;
	return first;
}

static void
make_room(struct invitations *invitations, int64_t now_ms) {
	const struct invitation *first;
	while ((first = first_to_forget(invitations, now_ms)) != nullptr &&
	       (!is_remembered(first, now_ms) || invitations->by_token.count >= INVITATIONS_MAX))
		forget(invitations, first);
}

enum status
invitations_add(struct invitations *invitations, const struct invitation *invitation, int64_t now_ms) {
	struct bytes token = hash256_bytes(&invitation->token);
	make_room(invitations, now_ms);
	if (map_get(&invitations->by_token, token) != nullptr)
		return fail(STATUS_CONFLICT, "invitation.exists: there is an invitation with this token");
	if (invitations->by_token.count >= INVITATIONS_MAX)
		return fail(STATUS_TOO_LARGE, "invitation.full: %zu invitations are open", INVITATIONS_MAX);
	struct invitation *copy = copy_of(invitation);
	TRY_ALLOC(copy);
	enum status status = map_put(&invitations->by_token, token, copy, nullptr);
	if (status != OK)
		free(copy);
	return status;
}

const struct invitation *
invitations_find(const struct invitations *invitations, const struct hash256 *token, int64_t now_ms) {
	const struct invitation *found = map_get(&invitations->by_token, hash256_bytes(token));
	return found != nullptr && is_open(found, now_ms) ? found : nullptr;
}

const struct invitation *
invitations_remembered(const struct invitations *invitations, const struct hash256 *token, int64_t now_ms) {
	const struct invitation *found = map_get(&invitations->by_token, hash256_bytes(token));
	return found != nullptr && is_remembered(found, now_ms) ? found : nullptr;
}

/* The reason is for whoever has the token: a guess finds none. */
enum status
invitations_check(const struct invitations *invitations, const struct hash256 *token, bool is_handed_over,
		  int64_t now_ms, const struct invitation **invitation) {
	const struct invitation *found = invitations_remembered(invitations, token, now_ms);
	bool is_over = found == nullptr || (!is_handed_over && (found->is_used || now_ms >= found->expires_ms));
	*invitation = nullptr;
	if (is_over)
		return fail(STATUS_UNAUTHORIZED, "enrolment.refused: there is no such invitation, or it is over");
	if (found->is_outdated)
		return fail(
			STATUS_UNAUTHORIZED,
			"enrolment.outdated: since this invitation was approved its person was given a voice, or the "
			"policy became another: ask for a new invitation");
	*invitation = found;
	return OK;
}

void
invitations_outdate(struct invitations *invitations, struct bytes person) {
	size_t at = 0;
	void *value;
	while (map_next(&invitations->by_token, &at, nullptr, &value)) {
		struct invitation *invitation = value;
		if (!invitation->is_used && (person.len == 0 || bytes_equal(invitation->person, person)))
			invitation->is_outdated = true;
	}
}

void
invitations_use(struct invitations *invitations, const struct hash256 *token, const struct hash256 *registration) {
	struct invitation *found = map_get(&invitations->by_token, hash256_bytes(token));
	if (found == nullptr)
		return;
	found->is_used = true;
	found->registration = *registration;
}

void
invitations_differ(struct invitations *invitations, const struct hash256 *token, uint8_t party) {
	struct invitation *found = map_get(&invitations->by_token, hash256_bytes(token));
	if (found != nullptr && party < 32)
		found->differing |= UINT32_C(1) << party;
}

bool
invitations_withdraw(struct invitations *invitations, struct bytes person, struct bytes name, const struct hash256 *but,
		     int64_t now_ms) {
	bool any = false, found;
	do {
		size_t at = 0;
		void *value;
		found = false;
		while (!found && map_next(&invitations->by_token, &at, nullptr, &value)) {
			const struct invitation *invitation = value;
			found = !invitation->is_used && is_remembered(invitation, now_ms) &&
				bytes_equal(invitation->person, person) && bytes_equal(invitation->name, name) &&
				(but == nullptr || !hash256_equal(&invitation->token, but));
			if (found)
				forget(invitations, invitation);
		}
		any = any || found;
	} while (found);
	return any;
}

/* --- Snapshots. --- */

enum status
invitations_write(const struct invitations *invitations, struct buffer *to) {
	struct bytes *tokens;
	TRY(map_sorted_keys(&invitations->by_token, &tokens));
	for (size_t i = 0; i < invitations->by_token.count; i++) {
		const struct invitation *invitation = map_get(&invitations->by_token, tokens[i]);
		buffer_append_bytes(to, tokens[i]);
		buffer_append_prefixed(to, invitation->person);
		buffer_append_prefixed(to, invitation->name);
		buffer_append_u64be(to, (uint64_t)invitation->expires_ms);
		buffer_append_u64be(to, (uint64_t)invitation->waiting_ms);
		buffer_append_byte(to, (uint8_t)((invitation->must_be_certified ? MUST_BE_CERTIFIED : 0) |
						 (invitation->may_be_synced ? MAY_BE_SYNCED : 0) |
						 (invitation->is_used ? IS_USED : 0) |
						 (invitation->is_outdated ? IS_OUTDATED : 0)));
		if (!invitation->is_used)
			continue;
		buffer_append_bytes(to, hash256_bytes(&invitation->registration));
		buffer_append_u32be(to, invitation->differing);
	}
	free(tokens);
	return buffer_status(to);
}

static enum status
read_one(struct cursor *cursor, struct invitation *invitation) {
	struct bytes token;
	uint64_t expires_ms, waiting_ms;
	uint8_t flags;
	TRY(cursor_take(cursor, FIELD, sizeof invitation->token.bytes, &token));
	TRY(cursor_prefixed(cursor, FIELD, DIRECTORY_PRINCIPAL_MAX, &invitation->person));
	TRY(cursor_prefixed(cursor, FIELD, DIRECTORY_NAME_MAX, &invitation->name));
	TRY(cursor_u64be(cursor, FIELD, &expires_ms));
	TRY(cursor_u64be(cursor, FIELD, &waiting_ms));
	TRY(cursor_u8(cursor, FIELD, &flags));
	if (expires_ms > (uint64_t)JSON_INTEGER_MAX || waiting_ms > (uint64_t)INVITATION_WAITING_MAX_MS ||
	    flags > (MUST_BE_CERTIFIED | MAY_BE_SYNCED | IS_USED | IS_OUTDATED) ||
	    (flags & IS_USED && flags & IS_OUTDATED))
		return fail(STATUS_INVALID, "%s: no time, or an unknown flag", FIELD);
	memcpy(invitation->token.bytes, token.data, token.len);
	invitation->expires_ms = (int64_t)expires_ms;
	invitation->waiting_ms = (int64_t)waiting_ms;
	invitation->must_be_certified = flags & MUST_BE_CERTIFIED;
	invitation->may_be_synced = flags & MAY_BE_SYNCED;
	invitation->is_used = flags & IS_USED;
	invitation->is_outdated = flags & IS_OUTDATED;
	if (!invitation->is_used)
		return OK;
	TRY(cursor_copy(cursor, FIELD, invitation->registration.bytes, sizeof invitation->registration.bytes));
	return cursor_u32be(cursor, FIELD, &invitation->differing);
}

enum status
invitations_read(struct invitations *invitations, struct bytes part) {
	for (struct cursor cursor = cursor_of(part); cursor.left > 0;) {
		struct invitation invitation;
		TRY(read_one(&cursor, &invitation));
		TRY(invitations_add(invitations, &invitation, INT64_MIN));
	}
	return OK;
}
