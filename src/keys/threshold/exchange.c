#include "keys/threshold/exchange.h"

#include "crypto/declassify.h"

void
exchange_open(struct exchange *exchange, const struct protocol_session *session,
	      const struct exchange_protocol *protocol, void *self) {
	*exchange = (struct exchange){.session = *session, .protocol = protocol, .self = self};
}

void
exchange_close(struct exchange *exchange) {
	for (size_t party = 0; party < PARTIES_MAX; party++) {
		for (size_t round = 0; round < EXCHANGE_ROUNDS_MAX; round++)
			buffer_free(&exchange->received[round][party]);
		for (size_t round = 0; round <= EXCHANGE_ROUNDS_MAX; round++)
			buffer_free(&exchange->sent[round][party]);
	}
	*exchange = (struct exchange){.state = EXCHANGE_ABORTED};
}

static void
start_frame(struct exchange *exchange, struct buffer *frame, uint8_t type, size_t position) {
	buffer_reset(frame);
	message_start(frame, &(struct message_header){.type = type,
						      .from = exchange->session.self,
						      .to = exchange->session.parties.parties[position].index,
						      .session_id = exchange->session.id});
}

struct buffer *
exchange_frame(struct exchange *exchange, size_t position) {
	struct buffer *frame = &exchange->sent[exchange->round][position];
	start_frame(exchange, frame, exchange->protocol->kinds[exchange->round].type, position);
	return frame;
}

enum status
exchange_tell_all(struct exchange *exchange, struct bytes fields) {
	const struct party_set *parties = &exchange->session.parties;
	for (size_t i = 0; i < parties->count; i++) {
		if (parties->parties[i].index == exchange->session.self)
			continue;
		struct buffer *frame = exchange_frame(exchange, i);
		buffer_append_bytes(frame, fields);
		TRY(buffer_status(frame));
	}
	return OK;
}

static struct message_counts
counts_between(const struct exchange *exchange, uint8_t from, uint8_t to) {
	const struct exchange_protocol *protocol = exchange->protocol;
	return protocol->counts == nullptr ? (struct message_counts){} : protocol->counts(exchange->self, from, to);
}

/* Which round the type belongs to; rounds if to none. */
static size_t
round_of(const struct exchange *exchange, uint8_t type) {
	size_t round = 0;
	while (round < exchange->protocol->rounds && exchange->protocol->kinds[round].type != type)
		round++;
	return round;
}

static enum status
read_header(const struct exchange *exchange, struct bytes frame, struct message_header *header) {
	const struct protocol_session *session = &exchange->session;
	TRY(message_read_header(frame, header));
	if (!hash256_equal(&header->session_id, &session->id) || header->to != session->self ||
	    header->from == session->self || !party_set_has(&session->parties, header->from))
		return fail(STATUS_INVALID, "exchange.stray: a frame from %u to %u that is not of this session",
			    header->from, header->to);
	return OK;
}

/* Where it fails, *ends says whether the session must end. */
static enum status
accept(struct exchange *exchange, struct bytes frame, bool *ends) {
	struct message_header header;
	*ends = false;
	if (exchange->state != EXCHANGE_RUNNING)
		return fail(STATUS_CONFLICT, "exchange.over: the session has ended");
	if (read_header(exchange, frame, &header) != OK)
		return fail(STATUS_INVALID, "exchange.stray: a frame that is not of this session");
	*ends = true;
	exchange_look_away(exchange);
	exchange->failed_round = round_of(exchange, header.type);
	if (header.type == MESSAGE_ABORT) {
		exchange->ended_by = header.from;
		return fail(STATUS_DENIED, "exchange.peer_aborted: party %u has ended the session", header.from);
	}
	exchange->culprit = header.from;
	size_t round = round_of(exchange, header.type),
	       position = party_set_position(&exchange->session.parties, header.from);
	if (round >= exchange->protocol->rounds || round > exchange->round + 1)
		return fail(STATUS_INVALID, "exchange.round: type %u from party %u in round %zu", header.type,
			    header.from, exchange->round + 1);
	struct buffer *kept = &exchange->received[round][position];
	if (kept->len > 0 && !bytes_equal(buffer_bytes(kept), frame))
		return fail(STATUS_CONFLICT, "exchange.twice: party %u has sent two different messages of round %zu",
			    header.from, round + 1);
	if (kept->len == 0) {
		struct message_counts counts = counts_between(exchange, header.from, header.to);
		struct bytes fields[MESSAGE_FIELDS_MAX];
		TRY(message_read_fields(frame, &exchange->protocol->kinds[round], &counts, fields));
		buffer_append_bytes(kept, frame);
		TRY(buffer_status(kept));
	}
	*ends = false;
	exchange->culprit = 0;
	return OK;
}

enum status
exchange_fields(const struct exchange *exchange, size_t position, struct bytes *fields) {
	const struct protocol_session *session = &exchange->session;
	struct message_counts counts =
		counts_between(exchange, session->parties.parties[position].index, session->self);
	return message_read_fields(buffer_bytes(&exchange->received[exchange->round][position]),
				   &exchange->protocol->kinds[exchange->round], &counts, fields);
}

void
exchange_advance(struct exchange *exchange) {
	exchange->round++;
	if (exchange->round == exchange->protocol->rounds)
		exchange->state = EXCHANGE_DONE;
}

/* The abort frames are the same whatever the reason. What was not yet taken stays unsent; what has come is of no more
 * use. */
static enum status
end(struct exchange *exchange, enum status reason, uint8_t culprit) {
	exchange->state = EXCHANGE_ABORTED;
	exchange->culprit = reason == STATUS_NO_MEMORY || reason == STATUS_INTERNAL ? 0 : culprit;
	if (exchange->looked_at > 0 && exchange->failed_round < exchange->protocol->rounds)
		exchange->failed_field =
			&exchange->protocol->kinds[exchange->failed_round].fields[exchange->looked_at - 1];
	for (size_t i = 0; i < exchange->session.parties.count; i++) {
		for (size_t round = 0; round < EXCHANGE_ROUNDS_MAX; round++) {
			buffer_free(&exchange->sent[round][i]);
			buffer_free(&exchange->received[round][i]);
		}
		if (exchange->session.parties.parties[i].index != exchange->session.self)
			start_frame(exchange, &exchange->sent[EXCHANGE_ROUNDS_MAX][i], MESSAGE_ABORT, i);
	}
	exchange->next_round = EXCHANGE_ROUNDS_MAX;
	exchange->next_party = 0;
	exchange->protocol->ended(exchange->self, reason);
	return reason;
}

/* All have been heard in the current round, and this party has spoken. */
static bool
is_complete(const struct exchange *exchange) {
	const struct party_set *parties = &exchange->session.parties;
	for (size_t i = 0; i < parties->count; i++)
		if (parties->parties[i].index != exchange->session.self &&
		    (exchange->received[exchange->round][i].len == 0 || exchange->sent[exchange->round][i].len == 0))
			return false;
	return true;
}

enum status
exchange_go_on(struct exchange *exchange) {
	while (exchange->state == EXCHANGE_RUNNING && is_complete(exchange)) {
		exchange_look_away(exchange);
		exchange->failed_round = exchange->round;
		enum status status = exchange->protocol->steps[exchange->round](exchange->self);
		if (status != OK)
			return end(exchange, status, exchange->suspect);
	}
	return OK;
}

enum status
exchange_receive(struct exchange *exchange, struct bytes frame) {
	bool ends;
	enum status status = accept(exchange, frame, &ends);
	if (status != OK)
		return ends ? end(exchange, status, exchange->culprit) : status;
	return exchange_go_on(exchange);
}

bool
exchange_next(struct exchange *exchange, uint8_t *to, struct bytes *frame) {
	const struct party_set *parties = &exchange->session.parties;
	for (; exchange->next_round <= EXCHANGE_ROUNDS_MAX; exchange->next_round++, exchange->next_party = 0) {
		if (exchange->state != EXCHANGE_ABORTED && exchange->next_round > exchange->round)
			return false;
		while (exchange->next_party < parties->count) {
			size_t party = exchange->next_party;
			const struct buffer *sent = &exchange->sent[exchange->next_round][party];
			if (sent->len == 0 && exchange->state != EXCHANGE_ABORTED &&
			    exchange->next_round == exchange->round &&
			    parties->parties[party].index != exchange->session.self)
				return false; /* not made yet */
			exchange->next_party++;
			if (sent->len > 0) {
				*to = parties->parties[party].index;
				*frame = buffer_bytes(sent);
				declassify(frame->data, frame->len); /* its receiver knows it */
				return true;
			}
		}
	}
	return false;
}

void
exchange_rewind(struct exchange *exchange) {
	exchange->next_round = exchange->state == EXCHANGE_ABORTED ? EXCHANGE_ROUNDS_MAX : 0;
	exchange->next_party = 0;
}
