/* One run of a protocol at this keeper, whichever it is. */
#include "keeper/threshold_internal.h"

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
	case MACHINE_NONE:
		break;
	}
	*machine = (struct machine){};
}

enum status
machine_receive(struct machine *machine, struct bytes frame) {
	switch (machine->kind) {
	case MACHINE_DEALING:
		return dealing_receive(machine->dealing, frame);
	case MACHINE_SIGNING:
		return signing_receive(machine->signing, frame);
	case MACHINE_ONLINE:
		return online_receive(machine->online, frame);
	case MACHINE_NONE:
		break;
	}
	return fail(STATUS_INTERNAL, "joint.machine: none runs");
}

enum exchange_state
machine_state(const struct machine *machine) {
	switch (machine->kind) {
	case MACHINE_DEALING:
		return dealing_state(machine->dealing);
	case MACHINE_SIGNING:
		return signing_state(machine->signing);
	case MACHINE_ONLINE:
		return online_state(machine->online);
	case MACHINE_NONE:
		break;
	}
	return EXCHANGE_ABORTED;
}

uint8_t
machine_culprit(const struct machine *machine) {
	switch (machine->kind) {
	case MACHINE_DEALING:
		return dealing_culprit(machine->dealing);
	case MACHINE_SIGNING:
		return signing_culprit(machine->signing);
	case MACHINE_ONLINE:
		return online_culprit(machine->online);
	case MACHINE_NONE:
		break;
	}
	return 0;
}

static bool
machine_next(struct machine *machine, uint8_t *to, struct bytes *frame) {
	switch (machine->kind) {
	case MACHINE_DEALING:
		return dealing_next(machine->dealing, to, frame);
	case MACHINE_SIGNING:
		return signing_next(machine->signing, to, frame);
	case MACHINE_ONLINE:
		return online_next(machine->online, to, frame);
	case MACHINE_NONE:
		break;
	}
	return false;
}

enum status
machine_send(struct keeper *keeper, struct machine *machine, const struct party_set *parties) {
	const struct threshold_link *link = &keeper->threshold->link;
	struct bytes frame;
	uint8_t to;
	while (machine_next(machine, &to, &frame)) {
		struct message_header header;
		TRY(message_read_header(frame, &header));
		machine->session_id = header.session_id;
		machine->has_session_id = true;
		size_t position = party_set_position(parties, to);
		const struct peer *peer =
			position < parties->count ? threshold_holder(keeper, &parties->parties[position]) : nullptr;
		if (peer == nullptr)
			return fail(STATUS_UNAVAILABLE, "joint.absent: party %u is not there", to);
		TRY(link->send(link->context, peer, PEER_PROTOCOL, frame));
	}
	return OK;
}
