/* One run of a protocol at this keeper, whichever it is. */
#include "keeper/threshold_internal.h"

void
machine_begin(const struct keeper *keeper, struct machine *machine) {
	machine->generation = keeper->config.vm_generation;
	if (!machine->generation.is_read)
		vm_generation_has_changed(&machine->generation, keeper->config.io);
}

/* What one copy of a machine has sent, the other must not send otherwise. */
static enum status
check_generation(const struct keeper *keeper, const struct machine *machine) {
	struct vm_generation generation = machine->generation;
	return vm_generation_has_changed(&generation, keeper->config.io)
		       ? fail(STATUS_DENIED, "joint.generation: the machine was put back or copied since what this is "
					     "made from was drawn")
		       : OK;
}

void
machine_close(struct machine *machine) {
	switch (machine->kind) {
	case MACHINE_DEALING:
		dealing_destroy(&machine->dealing);
		break;
	case MACHINE_SIGNING:
		signing_destroy(&machine->signing);
		break;
	case MACHINE_ONLINE:
		online_destroy(&machine->online);
		break;
	case MACHINE_FROST_DEALING:
		frost_dealing_destroy(&machine->frost_dealing);
		break;
	case MACHINE_QUORUM:
		frost_quorum_destroy(&machine->quorum);
		break;
	case MACHINE_NONE:
		break;
	}
	seeded_end(&machine->seeded);
	*machine = (struct machine){};
}

struct exchange *
machine_exchange(const struct machine *machine) {
	switch (machine->kind) {
	case MACHINE_DEALING:
		return dealing_exchange(machine->dealing);
	case MACHINE_SIGNING:
		return signing_exchange(machine->signing);
	case MACHINE_ONLINE:
		return online_exchange(machine->online);
	case MACHINE_FROST_DEALING:
		return frost_dealing_exchange(machine->frost_dealing);
	case MACHINE_QUORUM:
		return frost_quorum_exchange(machine->quorum);
	case MACHINE_NONE:
		break;
	}
	return nullptr;
}

uint8_t
machine_rounds(const struct machine *machine) {
	const struct exchange *exchange = machine_exchange(machine);
	if (exchange == nullptr || exchange->state == EXCHANGE_ABORTED)
		return 0;
	return (uint8_t)(exchange->round < exchange->protocol->rounds ? exchange->round + 1
								      : exchange->protocol->rounds);
}

static struct bytes
frame_with(const struct machine *machine, size_t round, uint8_t party, bool is_sent) {
	const struct exchange *exchange = machine_exchange(machine);
	size_t position = exchange == nullptr ? 0 : party_set_position(&exchange->session.parties, party);
	if (exchange == nullptr || position >= exchange->session.parties.count || round >= EXCHANGE_ROUNDS_MAX)
		return (struct bytes){};
	return buffer_bytes(is_sent ? &exchange->sent[round][position] : &exchange->received[round][position]);
}

struct bytes
machine_sent(const struct machine *machine, size_t round, uint8_t party) {
	return frame_with(machine, round, party, true);
}

struct bytes
machine_heard(const struct machine *machine, size_t round, uint8_t party) {
	return frame_with(machine, round, party, false);
}

enum status
machine_receive(struct machine *machine, struct bytes frame) {
	struct exchange *exchange = machine_exchange(machine);
	return exchange != nullptr ? exchange_receive(exchange, frame)
				   : fail(STATUS_INTERNAL, "joint.machine: none runs");
}

enum exchange_state
machine_state(const struct machine *machine) {
	const struct exchange *exchange = machine_exchange(machine);
	return exchange != nullptr ? exchange->state : EXCHANGE_ABORTED;
}

uint8_t
machine_culprit(const struct machine *machine) {
	const struct exchange *exchange = machine_exchange(machine);
	return exchange != nullptr ? exchange->culprit : 0;
}

void
machine_write_blame(const struct machine *machine, struct bytes legal_entity, struct json_writer *writer) {
	static const char *const protocols[] = {[MACHINE_NONE] = "none",
						[MACHINE_DEALING] = "dealing",
						[MACHINE_SIGNING] = "signing",
						[MACHINE_ONLINE] = "online",
						[MACHINE_FROST_DEALING] = "frost-dealing",
						[MACHINE_QUORUM] = "frost-signing"};
	const struct exchange *exchange = machine_exchange(machine);
	json_write_member_text(writer, "check", fail_message());
	if (exchange != nullptr && exchange->failed_field != nullptr)
		json_write_member_text(writer, "field", exchange->failed_field->name);
	if (legal_entity.len > 0)
		json_write_member_string(writer, "legal_entity", legal_entity);
	if (exchange != nullptr && exchange->failed_round < exchange->protocol->rounds)
		json_write_member_text(writer, "message", exchange->protocol->kinds[exchange->failed_round].name);
	if (machine_culprit(machine) != 0)
		json_write_member_integer(writer, "party", machine_culprit(machine));
	json_write_member_text(writer, "protocol", protocols[machine->kind]);
	if (exchange != nullptr)
		json_write_member_integer(writer, "round",
					  (int64_t)(exchange->failed_round < exchange->protocol->rounds
							    ? exchange->failed_round
							    : exchange->round) +
						  1);
}

/* only: one party, or 0. */
static enum status
send_frames(struct keeper *keeper, struct machine *machine, const struct party_set *parties, uint8_t only) {
	const struct threshold_link *link = &keeper->threshold->link;
	struct exchange *exchange = machine_exchange(machine);
	struct bytes frame;
	uint8_t to;
	while (exchange != nullptr && exchange_next(exchange, &to, &frame)) {
		struct message_header header;
		TRY(check_generation(keeper, machine));
		TRY(message_read_header(frame, &header));
		machine->session_id = header.session_id;
		machine->has_session_id = true;
		if (only != 0 && to != only)
			continue;
		size_t position = party_set_position(parties, to);
		const struct peer *peer =
			position < parties->count ? threshold_holder(keeper, &parties->parties[position]) : nullptr;
		if (peer == nullptr && machine->waits)
			continue;
		if (peer == nullptr)
			return fail(STATUS_UNAVAILABLE, "joint.absent: party %u is not there", to);
		machine->has_shown |= header.type == exchange->protocol->kinds[exchange->protocol->rounds - 1].type;
		TRY(link->send(link->context, peer, PEER_PROTOCOL, frame));
	}
	return OK;
}

enum status
machine_send(struct keeper *keeper, struct machine *machine, const struct party_set *parties) {
	return send_frames(keeper, machine, parties, 0);
}

enum status
machine_send_again(struct keeper *keeper, struct machine *machine, const struct party_set *parties, uint8_t party) {
	struct exchange *exchange = machine_exchange(machine);
	if (exchange != nullptr)
		exchange_rewind(exchange);
	return send_frames(keeper, machine, parties, party);
}

struct buffer
machine_take_newest(struct machine *machine, uint8_t party) {
	struct exchange *exchange = machine_exchange(machine);
	struct buffer newest = {};
	if (exchange == nullptr || exchange->state == EXCHANGE_ABORTED)
		return newest;
	size_t position = party_set_position(&exchange->session.parties, party);
	for (size_t round = EXCHANGE_ROUNDS_MAX; position < exchange->session.parties.count && round-- > 0;) {
		struct buffer *sent = &exchange->sent[round][position];
		if (sent->len == 0)
			continue;
		newest = *sent;
		*sent = (struct buffer){};
		break;
	}
	return newest;
}
