#include "keeper/enrolments.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "crypto/aead.h"
#include "gate/enrolment.h"
#include "keeper/threshold_internal.h"

static const char LABEL[] = "gatehouse/enrolment-rows/v1";
static const char COLLECTION[] = "enrolment";
constexpr int64_t TURN_MS = 1'000;
/* Until whoever has not taken it is asked again. */
constexpr int64_t AGAIN_MIN_MS = 2'000;
constexpr int64_t AGAIN_MAX_MS = 60'000;
constexpr size_t ROWS_A_TURN = 16; /* handed to one peer */

/* What others may not have. Parties are bits. */
struct handed_over {
	struct handed_over *next;
	struct hash256 token; /* SHA-256 of it: names the row */
	char key_id[DIRECTORY_KEY_ID_MAX + 1];
	int64_t end_ms;  /* of the invitation, and what is added for this; by the recorded time */
	bool is_durable; /* its entry is */
	uint32_t have, told, refused;
	uint32_t owed;              /* who is to hear that it is there, when it is durable */
	int64_t again_ms, pause_ms; /* boot time */
};

struct enrolments {
	struct secret key;
	struct handed_over *first;
	int64_t turn_ms; /* boot time: the next look */
};

static uint32_t
bit_of(uint8_t party) {
	return UINT32_C(1) << party;
}

/* --- Rows. --- */

constexpr size_t ROW_NAME = 2 * sizeof(struct hash256);

static struct bytes
row_name(const struct hash256 *token, char name[static ROW_NAME + 1]) {
	hex_encode(hash256_bytes(token), name);
	return bytes_of(name, ROW_NAME);
}

static enum status
write_associated(const struct keeper *keeper, struct bytes name, struct buffer *to) {
	buffer_append_bytes(to, BYTES_OF_LITERAL(LABEL));
	buffer_append_byte(to, 0);
	buffer_append_prefixed(to, bytes_of_text(keeper->installation->origin));
	buffer_append_prefixed(to, name);
	return buffer_status(to);
}

static enum status
store_row(struct keeper *keeper, const struct hash256 *token, struct bytes body) {
	_cleanup_(buffer_free) struct buffer associated = {}, sealed = {};
	char hex[ROW_NAME + 1];
	struct bytes name = row_name(token, hex);
	TRY(write_associated(keeper, name, &associated));
	if (!buffer_reserve(&sealed, body.len + AEAD_OVERHEAD))
		return buffer_status(&sealed);
	sealed.len = body.len + AEAD_OVERHEAD;
	TRY(aead_seal(keeper->enrolments->key.data, buffer_bytes(&associated), body, sealed.data));
	enum status status = secrets_create(keeper->installation->secrets, COLLECTION, name, buffer_bytes(&sealed));
	return status == STATUS_CONFLICT /* of one that was never taken */
		       ? secrets_replace(keeper->installation->secrets, COLLECTION, name, buffer_bytes(&sealed))
		       : status;
}

static enum status
open_row(const struct keeper *keeper, struct bytes name, struct bytes sealed, struct buffer *body) {
	_cleanup_(buffer_free) struct buffer associated = {};
	if (sealed.len <= AEAD_OVERHEAD)
		return fail(STATUS_CORRUPT, "enrolments.row: %zu bytes", sealed.len);
	TRY(write_associated(keeper, name, &associated));
	if (!buffer_reserve(body, sealed.len - AEAD_OVERHEAD))
		return buffer_status(body);
	body->len = sealed.len - AEAD_OVERHEAD;
	return aead_open(keeper->enrolments->key.data, buffer_bytes(&associated), sealed, body->data) == OK
		       ? OK
		       : fail(STATUS_CORRUPT, "enrolments.row: \"%.*s\" does not open", BYTES_ARGS(name));
}

static enum status
destroy_row(const struct keeper *keeper, const struct hash256 *token) {
	char hex[ROW_NAME + 1];
	return secrets_destroy(keeper->installation->secrets, COLLECTION, row_name(token, hex));
}

/* --- What is kept. --- */

static struct handed_over *
find(const struct keeper *keeper, const struct hash256 *token) {
	struct handed_over *row = keeper->enrolments->first;
	while (row != nullptr && !hash256_equal(&row->token, token))
		row = row->next;
	return row;
}

static enum status
add(struct keeper *keeper, const struct invitation *invitation, bool is_durable) {
	struct handed_over *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->token = invitation->token;
	snprintf(made->key_id, sizeof made->key_id, "%.*s/%.*s", BYTES_ARGS(invitation->person),
		 BYTES_ARGS(invitation->name));
	made->end_ms = invitation->expires_ms + INVITATION_HANDOVER_MS;
	made->is_durable = is_durable;
	made->next = keeper->enrolments->first;
	keeper->enrolments->first = made;
	return OK;
}

/* Nobody is to get it any more. */
static void
end(struct keeper *keeper, struct handed_over **at) {
	struct handed_over *gone = *at;
	if (destroy_row(keeper, &gone->token) != OK) /* the next start tries again */
		log_warning("an enrolment's row stays in secrets.db for now: %s", fail_message());
	*at = gone->next;
	free(gone);
}

static bool
is_revoked(const struct keeper *keeper, const struct handed_over *row) {
	const struct directory_key *key = directory_key(keeper->gate->state->directory, bytes_of_text(row->key_id));
	return key == nullptr || key->revoked;
}

/* --- Beginning and end. --- */

struct loading {
	struct keeper *keeper;
	struct buffer unwanted; /* token hashes */
};

static bool
stands_in_the_log(struct loading *loading, struct arena *arena, struct bytes name, struct bytes body,
		  const struct invitation **invitation) {
	const struct gate_state *state = loading->keeper->gate->state;
	struct enrolment enrolment;
	char hex[ROW_NAME + 1];
	if (enrolment_read(arena, body, &enrolment) != OK || !bytes_equal(name, row_name(&enrolment.token, hex)))
		return false;
	struct hash256 registration = enrolment_registration_hash(&enrolment);
	*invitation = invitations_remembered(&state->invitations, &enrolment.token, state->now_ms);
	return *invitation != nullptr && (*invitation)->is_used &&
	       hash256_equal(&(*invitation)->registration, &registration);
}

static enum status
load_row(void *context, struct bytes name, struct bytes sealed) {
	_cleanup_(buffer_free) struct buffer body = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct loading *loading = context;
	const struct invitation *invitation;
	struct hash256 token;
	TRY(open_row(loading->keeper, name, sealed, &body));
	if (stands_in_the_log(loading, &arena, name, buffer_bytes(&body), &invitation))
		return add(loading->keeper, invitation, true);
	if (name.len != ROW_NAME || hex_decode(name, token.bytes, sizeof token.bytes) != OK)
		return fail(STATUS_CORRUPT, "enrolments.row: \"%.*s\" names no token", BYTES_ARGS(name));
	buffer_append_bytes(&loading->unwanted, hash256_bytes(&token));
	return buffer_status(&loading->unwanted);
}

enum status
enrolments_start(struct keeper *keeper) {
	struct loading loading = {.keeper = keeper};
	keeper->enrolments = calloc(1, sizeof *keeper->enrolments);
	TRY_ALLOC(keeper->enrolments);
	TRY(secret_alloc(&keeper->enrolments->key, AEAD_KEY_SIZE));
	TRY(root_key_derive(keeper->installation->root, LABEL, keeper->enrolments->key.data));
	enum status status = secrets_visit(keeper->installation->secrets, COLLECTION, load_row, &loading);
	for (size_t at = 0; status == OK && at < loading.unwanted.len; at += sizeof(struct hash256)) {
		struct hash256 token;
		memcpy(token.bytes, loading.unwanted.data + at, sizeof token.bytes);
		status = destroy_row(keeper, &token);
	}
	buffer_free(&loading.unwanted);
	return status;
}

void
enrolments_stop(struct keeper *keeper) {
	struct enrolments *gone = TAKE(keeper->enrolments);
	if (gone == nullptr)
		return;
	while (gone->first != nullptr) {
		struct handed_over *row = gone->first;
		gone->first = row->next;
		free(row);
	}
	secret_free(&gone->key);
	free(gone);
}

/* --- Handing over. --- */

/* As a gateway would bring it; nothing but the body counts. */
static enum status
write_request(struct keeper *keeper, const struct handed_over *row, struct buffer *request) {
	static const uint8_t nowhere[4];
	_cleanup_(buffer_free) struct buffer sealed = {}, body = {};
	char hex[ROW_NAME + 1];
	struct bytes name = row_name(&row->token, hex);
	TRY(secrets_get(keeper->installation->secrets, COLLECTION, name, &sealed));
	TRY(open_row(keeper, name, buffer_bytes(&sealed), &body));
	ipc_write_request(request, &(struct ipc_request){.method = BYTES_OF_LITERAL("POST"),
							 .target = BYTES_OF_LITERAL("/v1/enrolment"),
							 .host = bytes_of_text(keeper->installation->instance),
							 .content_type = BYTES_OF_LITERAL("application/json"),
							 .body = buffer_bytes(&body),
							 .reported = {.peer_address = BYTES_OF_ARRAY(nowhere),
								      .tls_group = BYTES_OF_LITERAL("none")}});
	return buffer_status(request);
}

static enum status
hand_over(struct keeper *keeper, const struct handed_over *row, const struct peer *peer) {
	const struct threshold_link *link = &keeper->threshold->link;
	_cleanup_(buffer_free) struct buffer request = {};
	TRY(write_request(keeper, row, &request));
	return link->send(link->context, peer, PEER_REQUEST, buffer_bytes(&request));
}

/* By decision state as well, which the link follows a moment later. */
static bool
has_peers(const struct keeper *keeper) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct gate_state *state = keeper->gate->state;
	const struct peer *peer;
	for (size_t party = 1; party <= KEEPERS_MAX; party++) {
		const struct enrolled_keeper *other = state->keepers.of_party[party];
		if (other != nullptr && other->is_enrolled && strcmp(other->name, state->keeper) != 0)
			return true;
	}
	for (size_t i = 0; link->at != nullptr && (peer = link->at(link->context, i)) != nullptr; i++)
		if (peer->is_enrolled)
			return true;
	return false;
}

/* A peer that is not enrolled any more waits for nothing. */
static bool
all_have(const struct keeper *keeper, const struct handed_over *row) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct peer *peer;
	for (size_t i = 0; (peer = link->at(link->context, i)) != nullptr; i++)
		if (peer->is_enrolled && (row->have & bit_of(peer->party)) == 0)
			return false;
	return true;
}

static void
hand_to(struct keeper *keeper, const struct peer *peer) {
	size_t count = 0;
	for (struct handed_over *row = keeper->enrolments->first; row != nullptr && count < ROWS_A_TURN;
	     row = row->next) {
		if (!row->is_durable || ((row->have | row->told) & bit_of(peer->party)) != 0)
			continue;
		count++;
		enum status status = hand_over(keeper, row, peer);
		row->told |= bit_of(peer->party); /* told or not: again after a while */
		if (status == OK)
			continue;
		log_warning("an enrolment is handed to keeper %s later: %s", peer->name, fail_message());
		return;
	}
}

static void
ask_again(struct handed_over *row, int64_t now_ms) {
	if (row->again_ms == 0) {
		row->pause_ms = AGAIN_MIN_MS;
	} else if (now_ms >= row->again_ms) {
		row->told = 0;
		row->pause_ms = row->pause_ms >= AGAIN_MAX_MS / 2 ? AGAIN_MAX_MS : 2 * row->pause_ms;
	} else
		return;
	row->again_ms = now_ms + row->pause_ms;
}

static void
end_what_is_over(struct keeper *keeper, int64_t now_ms) {
	for (struct handed_over **at = &keeper->enrolments->first; *at != nullptr;) {
		struct handed_over *row = *at;
		if (!row->is_durable) {
			at = &row->next;
			continue;
		}
		bool is_wanted = !is_revoked(keeper, row) && !all_have(keeper, row);
		bool is_over = keeper->batch_ms >= row->end_ms;
		if (is_wanted && is_over)
			log_warning("%s has not reached every keeper, and its link is over: invite them to another",
				    row->key_id);
		if (is_over || !is_wanted) {
			end(keeper, at);
			continue;
		}
		ask_again(row, now_ms);
		at = &row->next;
	}
}

/* Until it knows who it is, it knows nobody else either. */
static bool
knows_peers(const struct keeper *keeper) {
	const struct threshold_link *link = keeper->threshold == nullptr ? nullptr : &keeper->threshold->link;
	return link != nullptr && link->at != nullptr && link->own_party(link->context) != 0;
}

static void
go_on(struct keeper *keeper) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct peer *peer;
	end_what_is_over(keeper, threshold_now_ms(keeper));
	for (size_t i = 0; keeper->enrolments->first != nullptr && (peer = link->at(link->context, i)) != nullptr; i++)
		if (peer->is_enrolled && peer->state == PEER_UP)
			hand_to(keeper, peer);
}

void
enrolments_turn(struct keeper *keeper) {
	int64_t now_ms = threshold_now_ms(keeper);
	if (keeper->enrolments->first == nullptr || now_ms < keeper->enrolments->turn_ms || !knows_peers(keeper))
		return;
	keeper->enrolments->turn_ms = now_ms + TURN_MS;
	go_on(keeper);
}

void
enrolments_peer_up(struct keeper *keeper, const struct peer *peer) {
	for (struct handed_over *row = keeper->enrolments->first; row != nullptr; row = row->next)
		row->told &= ~bit_of(peer->party);
	if (knows_peers(keeper))
		go_on(keeper);
}

void
enrolments_peer_down(struct keeper *keeper, const struct peer *peer) {
	for (struct handed_over *row = keeper->enrolments->first; row != nullptr; row = row->next)
		row->told &= ~bit_of(peer->party);
}

size_t
enrolments_waiting(const struct keeper *keeper) {
	size_t count = 0;
	for (const struct handed_over *row = keeper->enrolments->first; row != nullptr; row = row->next)
		count++;
	return count;
}

/* --- Taking. --- */

enum status
enrolments_name_sender(struct job *job) {
	const struct peer *peer = threshold_peer(job->keeper, job->forwarded_by);
	if (peer == nullptr)
		return fail(STATUS_UNAVAILABLE, "peers.absent: the keeper that handed this over is gone");
	job->enrolment.from = arena_copy(&job->arena, bytes_of_text(peer->name));
	TRY_ALLOC(job->enrolment.from.data);
	job->enrolment.party = job->forwarded_by;
	return OK;
}

enum status
enrolments_keep(struct keeper *keeper, const struct job *job, const struct invitation *invitation) {
	if (!has_peers(keeper))
		return OK;
	TRY(store_row(keeper, &job->enrolment.token, job->http.body));
	return add(keeper, invitation, false);
}

void
enrolments_drop(struct keeper *keeper, const struct job *job) {
	for (struct handed_over **at = &keeper->enrolments->first; *at != nullptr; at = &(*at)->next)
		if (hash256_equal(&(*at)->token, &job->enrolment.token)) {
			end(keeper, at);
			return;
		}
}

static void
answer(struct keeper *keeper, uint8_t party, const struct hash256 *token, enum enrolment_answer result,
       const char *reason) {
	const struct peer *peer = threshold_peer(keeper, party);
	struct joint_answer answer = {
		.kind = ANSWER_ENROLMENT, .operation = *token, .enrolment = result, .reason = bytes_of_text(reason)};
	if (peer != nullptr)
		threshold_send_answer(keeper, peer, &answer);
}

/* The entry is durable: it may go to the others, and those who had it as well are told so. */
static void
begin(struct keeper *keeper, const struct job *job) {
	struct handed_over *row = find(keeper, &job->enrolment.token);
	if (row == nullptr)
		return;
	row->is_durable = true;
	if (job->forwarded_by != 0)
		row->owed |= bit_of(job->forwarded_by);
	row->have |= row->owed;
	for (uint8_t party = 1; party <= KEEPERS_MAX; party++)
		if ((row->owed & bit_of(party)) != 0)
			answer(keeper, party, &row->token, ENROLMENT_ANSWER_HAS, "");
	if (knows_peers(keeper))
		go_on(keeper);
}

/* It is there already; what a crash could yet undo is not said. */
static void
confirm(struct keeper *keeper, const struct job *job) {
	struct handed_over *row = find(keeper, &job->enrolment.token);
	uint32_t bit = bit_of(job->forwarded_by);
	if (row != nullptr && !row->is_durable) {
		row->owed |= bit;
		return;
	}
	if (row != nullptr)
		row->have |= bit;
	answer(keeper, job->forwarded_by, &job->enrolment.token, ENROLMENT_ANSWER_HAS, "");
}

void
enrolments_follow(struct keeper *keeper, const struct job *job) {
	const struct enrolment *enrolment = &job->enrolment;
	switch (enrolment->outcome) {
	case ENROLMENT_MADE:
		begin(keeper, job);
		return;
	case ENROLMENT_KNOWN:
		confirm(keeper, job);
		return;
	case ENROLMENT_DIFFERS:
		log_error(
			"keeper %.*s has another passkey as %.*s, by the same invitation: its link made two; revoke it",
			BYTES_ARGS(enrolment->from), BYTES_ARGS(enrolment->key_id));
		break;
	case ENROLMENT_DIFFERS_KNOWN:
		break;
	}
	answer(keeper, job->forwarded_by, &enrolment->token, ENROLMENT_ANSWER_DIFFERS, "");
}

void
enrolments_refused(struct keeper *keeper, const struct job *job, const char *reason) {
	static const struct hash256 none;
	if (!hash256_equal(&job->enrolment.token, &none))
		answer(keeper, job->forwarded_by, &job->enrolment.token, ENROLMENT_ANSWER_NOT_NOW, reason);
}

void
enrolments_hear(struct keeper *keeper, const struct peer *peer, const struct joint_answer *answer) {
	struct handed_over *row = find(keeper, &answer->operation);
	uint32_t bit = bit_of(peer->party);
	if (row == nullptr)
		return;
	if (answer->enrolment != ENROLMENT_ANSWER_NOT_NOW) {
		row->have |= bit;
		keeper->enrolments->turn_ms = 0;
	}
	if (answer->enrolment == ENROLMENT_ANSWER_DIFFERS)
		threshold_log_fault(keeper, peer, FAULT_ENROLMENT,
				    "keeper %s says that another passkey was enrolled there by the same invitation",
				    peer->name);
	else if (answer->enrolment == ENROLMENT_ANSWER_NOT_NOW && (row->refused & bit) == 0) {
		row->refused |= bit;
		log_warning("keeper %s does not take an enrolment yet: %.*s", peer->name, BYTES_ARGS(answer->reason));
	}
}
