#include "keys/threshold/session.h"

#include "base/secret.h"
#include "crypto/check.h"

enum status
party_set_check(const struct party_set *set) {
	if (set->count == 0 || set->count > PARTIES_MAX)
		return fail(STATUS_INVALID, "session.parties: %u parties where 1 to %zu are possible", set->count,
			    PARTIES_MAX);
	for (size_t i = 0; i < set->count; i++) {
		const struct party *party = &set->parties[i];
		if (party->index == 0 || (i > 0 && party->index <= party[-1].index))
			return fail(STATUS_INVALID, "session.party_index: %u at place %zu", party->index, i);
		for (size_t k = 0; k < i; k++)
			if (memcmp(party->identity, set->parties[k].identity, PARTY_IDENTITY_SIZE) == 0)
				return fail(STATUS_INVALID, "session.party_identity: parties %u and %u are one",
					    set->parties[k].index, party->index);
	}
	return OK;
}

size_t
party_set_position(const struct party_set *set, uint8_t index) {
	for (size_t i = 0; i < set->count; i++)
		if (set->parties[i].index == index)
			return i;
	return set->count;
}

static enum status
insert(struct party_set *set, const struct party *party) {
	size_t at = 0;
	while (at < set->count && set->parties[at].index < party->index)
		at++;
	if (at < set->count && set->parties[at].index == party->index) {
		if (memcmp(set->parties[at].identity, party->identity, PARTY_IDENTITY_SIZE) != 0)
			return fail(STATUS_INVALID, "session.party_identity: two of index %u", party->index);
		return OK;
	}
	if (set->count == PARTIES_MAX)
		return fail(STATUS_INVALID, "session.parties: more than %zu", PARTIES_MAX);
	memmove(&set->parties[at + 1], &set->parties[at], (set->count - at) * sizeof *set->parties);
	set->parties[at] = *party;
	set->count++;
	return OK;
}

enum status
party_set_union(const struct party_set *a, const struct party_set *b, struct party_set *both) {
	struct party_set made = {};
	for (size_t i = 0; i < a->count; i++)
		TRY(insert(&made, &a->parties[i]));
	for (size_t i = 0; i < b->count; i++)
		TRY(insert(&made, &b->parties[i]));
	*both = made;
	return party_set_check(both);
}

enum status
party_set_choose(const struct party_set *set, const uint8_t *indices, size_t count, struct party_set *chosen) {
	struct party_set made = {};
	for (size_t i = 0; i < count; i++) {
		size_t at = party_set_position(set, indices[i]);
		if (at == set->count)
			return fail(STATUS_INVALID, "session.party_unknown: %u", indices[i]);
		TRY(insert(&made, &set->parties[at]));
	}
	if (made.count != count)
		return fail(STATUS_INVALID, "session.party_index: one stands twice");
	*chosen = made;
	return party_set_check(chosen);
}

static void
add_part(struct sha256_stream *stream, struct bytes part) {
	uint8_t length[4];
	store_u32be(length, (uint32_t)part.len);
	sha256_stream_add(stream, BYTES_OF_ARRAY(length));
	sha256_stream_add(stream, part);
}

/* A stream of its own, which the library wipes. */
static struct hash256
hash_parts(const char *label, struct bytes first, const struct bytes *parts, size_t count) {
	_cleanup_(sha256_stream_destroy) struct sha256_stream *stream = nullptr;
	crypto_must(sha256_stream_create(&stream) == OK, "memory for a hash");
	add_part(stream, bytes_of_text(label));
	add_part(stream, first);
	for (size_t i = 0; i < count; i++)
		add_part(stream, parts[i]);
	return sha256_stream_finish(stream);
}

struct hash256
session_hash_parts(const struct protocol_session *session, const char *label, const struct bytes *parts, size_t count) {
	return hash_parts(label, hash256_bytes(&session->id), parts, count);
}

struct hash256
session_hash_of_all(const struct protocol_session *session, const char *label, const struct hash256 *values) {
	struct bytes parts[2 * PARTIES_MAX] = {};
	for (size_t i = 0; i < session->parties.count; i++) {
		parts[2 * i] = bytes_of(&session->parties.parties[i].index, 1);
		parts[2 * i + 1] = hash256_bytes(&values[i]);
	}
	return session_hash_parts(session, label, parts, 2 * (size_t)session->parties.count);
}

static struct hash256
hash_party_set(const struct party_set *set) {
	struct bytes parts[2 * PARTIES_MAX] = {};
	for (size_t i = 0; i < set->count; i++) {
		parts[2 * i] = bytes_of(&set->parties[i].index, 1);
		parts[2 * i + 1] = bytes_of(set->parties[i].identity, PARTY_IDENTITY_SIZE);
	}
	return hash_parts("gatehouse/threshold/parties/v1", SESSION_BYTE(set->count), parts, 2 * (size_t)set->count);
}

enum status
session_open(const struct session_terms *terms, struct protocol_session *session) {
	uint8_t epoch[4];
	TRY(party_set_check(terms->parties));
	if (terms->instance.len == 0 || terms->instance.len > SESSION_NAME_MAX)
		return fail(STATUS_INVALID, "session.instance: a name of %zu bytes", terms->instance.len);
	if (!party_set_has(terms->parties, terms->self))
		return fail(STATUS_INVALID, "session.self: %u is no party", terms->self);
	if (terms->threshold == 0 || terms->threshold > PARTIES_MAX)
		return fail(STATUS_INVALID, "session.threshold: %u", terms->threshold);
	store_u32be(epoch, terms->epoch);
	struct hash256 parties = hash_party_set(terms->parties);
	const struct bytes parts[] = {
		terms->instance,         terms->key_id,
		BYTES_OF_ARRAY(epoch),   SESSION_BYTE(terms->threshold),
		hash256_bytes(&parties), bytes_of(terms->nonce, 32),
		terms->request,
	};
	*session = (struct protocol_session){
		.id = hash_parts("gatehouse/threshold/session/v1", bytes_of_text(terms->protocol), parts,
				 ARRAY_LENGTH(parts)),
		.parties = *terms->parties,
		.self = terms->self,
		.threshold = terms->threshold,
	};
	return OK;
}
