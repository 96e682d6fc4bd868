#include "keeper/peer_kind.h"

const struct peer_kind_row peer_kinds[PEER_KINDS] = {
	[PEER_PROOF] = {"proof", 64, 64, true},
	[PEER_HELLO] = {"hello", 1, 16 * 1024, true},
	[PEER_CONSISTENCY] = {"consistency", 16, 16 + 64 * 32, true},
	[PEER_BEAT] = {"beat", 72, 72, true},
	[PEER_PROTOCOL] = {"protocol", 1, PEER_BODY_MAX, false},
	[PEER_PROPOSE] = {"propose", 1, PEER_BODY_MAX, false},
	[PEER_ANSWER] = {"answer", 1, PEER_BODY_MAX, false},
	[PEER_REQUEST] = {"request", 1, PEER_BODY_MAX, false},
	[PEER_COUNTED] = {"counted", 1, PEER_BODY_MAX, false},
};
