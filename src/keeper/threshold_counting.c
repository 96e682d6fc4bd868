/* What each keeper has counted, told to the others as lists that it signs, so that who told what can be shown. */
#include "keeper/threshold_internal.h"

#include <stdio.h>

#include "base/log.h"
#include "crypto/sign.h"
#include "gate/keepers.h"
#include "keeper/loop.h"
#include "keeper/system_entry.h"

static const char LABEL[] = "gatehouse/threshold/counted/v1";

/* All that was told on this connection, the newest list included. */
static struct hash256
head_after(const struct hash256 *head, struct bytes spends) {
	return SHA256_PARTS(hash256_bytes(head), spends);
}

static enum status
write_statement(const struct keeper *keeper, const uint8_t teller[32], const uint8_t hearer[32],
		const struct hash256 *head, struct buffer *statement) {
	buffer_append(statement, LABEL, sizeof LABEL); /* with its zero byte */
	buffer_append_prefixed(statement, bytes_of_text(keeper->gate->state->instance));
	buffer_append(statement, teller, PARTY_IDENTITY_SIZE);
	buffer_append(statement, hearer, PARTY_IDENTITY_SIZE);
	buffer_append_bytes(statement, hash256_bytes(head));
	return buffer_status(statement);
}

enum status
counting_seal(const struct keeper *keeper, struct bytes statement, struct counted_seal *sealed) {
	const struct threshold_link *link = &keeper->threshold->link;
	struct pledge_keys keys;
	if (link->own_keys == nullptr || link->own_party(link->context) == 0)
		return fail(STATUS_UNAVAILABLE, "joint.enrolment: this keeper is not enrolled among the others");
	link->own_keys(link->context, &keys);
	sealed->certificate = keys.certificate;
	memcpy(sealed->key, keys.key, sizeof sealed->key);
	return ed25519_sign(keys.seed, keys.key, statement, sealed->signature);
}

enum status
counting_check_seal(const struct keeper *keeper, const struct peer *peer, const struct counted_seal *sealed,
		    struct bytes statement) {
	uint8_t identity[PARTY_IDENTITY_SIZE];
	keeper_identity(keeper->gate->state->instance, peer->name, peer->party, &sealed->certificate, sealed->key,
			identity);
	if (memcmp(identity, peer->identity, sizeof identity) != 0)
		return fail(STATUS_UNAUTHORIZED, "joint.counted_signature: by other keys than those of the keeper");
	return ed25519_verify(sealed->key, statement, sealed->signature) == OK
		       ? OK
		       : fail(STATUS_UNAUTHORIZED, "joint.counted_signature: not what the keeper signed");
}

/* --- Telling. --- */

struct telling {
	struct keeper *keeper;
	const struct peer *peer;
	struct buffer *spends; /* not sent yet */
	uint8_t *until;        /* of what is kept: the last that is among them, or was sent; null: own spends */
};

static enum status
seal(const struct telling *telling, struct hash256 *head, struct counted_seal *sealed) {
	const struct threshold_link *link = &telling->keeper->threshold->link;
	_cleanup_(buffer_free) struct buffer statement = {};
	*head = head_after(&telling->keeper->threshold->told_head[telling->peer->party], buffer_bytes(telling->spends));
	TRY(write_statement(telling->keeper, link->own_identity(link->context), telling->peer->identity, head,
			    &statement));
	return counting_seal(telling->keeper, buffer_bytes(&statement), sealed);
}

static enum status
send_counted(struct telling *telling) {
	const struct threshold_link *link = &telling->keeper->threshold->link;
	_cleanup_(buffer_free) struct buffer body = {};
	struct counted_seal sealed;
	struct hash256 head;
	TRY(buffer_status(telling->spends));
	if (telling->spends->len == 0)
		return OK;
	TRY(seal(telling, &head, &sealed));
	counted_seal_write(&body, &sealed);
	buffer_append_bytes(&body, buffer_bytes(telling->spends));
	TRY(buffer_status(&body));
	TRY(link->send(link->context, telling->peer, PEER_COUNTED, buffer_bytes(&body)));
	telling->keeper->threshold->told_head[telling->peer->party] = head;
	buffer_reset(telling->spends);
	return OK;
}

/* Certificate, key, and signature. */
constexpr size_t SEAL_SIZE = 32 + 32 + 64;

/* What waits goes first: a message holds some, or one that is larger. Where the channel has no room now this one was not taken. */
static enum status
tell_spend(void *context, const struct spend *spend) {
	struct telling *telling = context;
	_cleanup_(buffer_free) struct buffer written = {};
	uint8_t name[64];
	memcpy(name, spend->operation, 32);
	memcpy(name + 32, spend->identity, 32);
	if (telling->until != nullptr && memcmp(name, telling->until, sizeof name) <= 0)
		return OK;
	counted_write(&written, spend, telling->keeper->batch_ms);
	TRY(buffer_status(&written));
	if (written.len > PEER_BODY_MAX - SEAL_SIZE) /* it must not keep back what comes after it */
		return fail(STATUS_TOO_LARGE, "joint.counted: a spend of %zu bytes is told to nobody", written.len);
	if (telling->spends->len + written.len > PEER_BODY_MAX / 2)
		TRY(send_counted(telling));
	buffer_append_bytes(telling->spends, buffer_bytes(&written));
	TRY(buffer_status(telling->spends));
	if (telling->until != nullptr)
		memcpy(telling->until, name, sizeof name);
	return OK;
}

/* The channel hands on in order and whole, or is lost: then all is told again. */
enum status
signing_tell_counted(struct keeper *keeper, const struct peer *peer) {
	struct threshold *threshold = keeper->threshold;
	struct telling telling = {.keeper = keeper, .peer = peer, .spends = &threshold->untold[peer->party]};
	uint64_t from = threshold->was_told[peer->party] ? threshold->told[peer->party] : 0;
	if (keeper->gate->state->shared_keys.count == 0)
		return OK;
	loop_begin_batch(keeper); /* what time it is */
	enum status status = limits_visit(keeper->gate->state->limits, &from, tell_spend, &telling);
	threshold->told[peer->party] = from;
	threshold->was_told[peer->party] = true;
	if (status == OK)
		status = send_counted(&telling);
	threshold->is_untold[peer->party] = status != OK;
	return status;
}

enum status
counting_tell_kept(struct keeper *keeper, const struct peer *peer, struct shared_key *key) {
	const struct gate_state *state = keeper->gate->state;
	struct telling telling = {.keeper = keeper,
				  .peer = peer,
				  .spends = &keeper->threshold->untold[peer->party],
				  .until = key->kept_until[peer->party]};
	TRY(counted_visit_kept(&state->counted, state->limits, bytes_of_text(key->sharing.key.id), tell_spend,
			       &telling));
	return send_counted(&telling);
}

void
counting_restart(struct keeper *keeper, uint8_t party) {
	struct threshold *threshold = keeper->threshold;
	buffer_reset(&threshold->untold[party]);
	threshold->was_told[party] = threshold->is_untold[party] = false;
	threshold->told_head[party] = (struct hash256){};
}

void
counting_turn(struct keeper *keeper) {
	for (uint8_t party = 1; party <= PARTIES_MAX; party++) {
		const struct peer *peer = keeper->threshold->is_untold[party] ? threshold_peer(keeper, party) : nullptr;
		if (peer != nullptr && peer->state == PEER_UP)
			IGNORE_STATUS(signing_tell_counted(keeper, peer)); /* no room: the next turn */
	}
}

/* --- Hearing. --- */

/* By the keys that the teller's identity is the hash of; over all that it has told, in its order. */
static enum status
check_seal(struct keeper *keeper, const struct peer *peer, const struct counted_seal *sealed, struct bytes spends) {
	const struct threshold_link *link = &keeper->threshold->link;
	struct hash256 *heard = &keeper->threshold->heard_head[peer->party], head = head_after(heard, spends);
	_cleanup_(buffer_free) struct buffer statement = {};
	TRY(write_statement(keeper, peer->identity, link->own_identity(link->context), &head, &statement));
	TRY(counting_check_seal(keeper, peer, sealed, buffer_bytes(&statement)));
	*heard = head;
	return OK;
}

/* What may yet be given back here is remembered as what the other counted. */
static bool
counts_for_good(const struct gate_state *state, const struct spend *spend) {
	struct hash256 id;
	memcpy(id.bytes, spend->operation, sizeof id.bytes);
	const struct gate_operation *operation = operations_find(&state->operations, &id);
	return operation != nullptr && operation->state != OPERATION_UNKNOWN &&
	       operation->state != OPERATION_IN_FLIGHT && limits_holds(state->limits, spend->operation);
}

static enum status
hear_spend(struct keeper *keeper, const struct peer *peer, const struct spend *spend) {
	struct gate_state *state = keeper->gate->state;
	return counts_for_good(state, spend) ? OK : counted_add(&state->counted, peer->party, spend);
}

static enum status
hear(struct keeper *keeper, const struct peer *peer, struct bytes body) {
	_cleanup_(arena_free) struct arena arena = {};
	struct cursor cursor = cursor_of(body);
	struct counted_seal sealed;
	TRY(counted_seal_read(&cursor, &sealed));
	TRY(check_seal(keeper, peer, &sealed, bytes_of(cursor.at, cursor.left)));
	loop_begin_batch(keeper);
	while (cursor.left > 0) {
		struct spend spend;
		arena_reset(&arena);
		TRY(counted_read(&cursor, &arena, keeper->batch_ms, &spend));
		TRY(hear_spend(keeper, peer, &spend));
	}
	return OK;
}

/* The last error, in the own log, where people find why others sign. */
static void
record_unheard(struct keeper *keeper, const struct peer *peer) {
	_cleanup_(buffer_free) struct buffer body = {};
	int64_t now_ms = threshold_now_ms(keeper), *next_ms = &keeper->threshold->unheard_entry_ms[peer->party];
	struct json_writer writer;
	char error[512];
	if (now_ms < *next_ms)
		return;
	*next_ms = now_ms + UNHEARD_ENTRY_MS;
	snprintf(error, sizeof error, "%s", fail_message());
	loop_begin_batch(keeper);
	json_writer_start(&writer, &body);
	json_write_object(&writer);
	json_write_member_integer(&writer, "at", keeper->batch_ms);
	json_write_member_text(&writer, "check", error);
	json_write_member_text(&writer, "keeper", peer->name);
	json_write_member_integer(&writer, "party", peer->party);
	json_write_member_text(&writer, "protocol", "counted");
	json_write_end(&writer);
	if (json_writer_finish(&writer) != OK || system_entry_check(keeper, buffer_bytes(&body)) != OK)
		log_error("that a list was refused is not recorded: %s", fail_message());
}

/* Where not all that it counted is known, nothing is signed with it until it has told all again: others are asked to sign. */
void
signing_hear_counted(struct keeper *keeper, const struct peer *peer, struct bytes body) {
	if (hear(keeper, peer, body) == OK)
		return;
	log_error("keeper %s: %s", peer->name, fail_message());
	if (!keeper->threshold->is_unheard[peer->party])
		record_unheard(keeper, peer);
	keeper->threshold->is_unheard[peer->party] = true;
}
