/* A signature by a key of FROST's schemes: its terms, and what comes of it. */
#include "keeper/threshold_internal.h"

#include "crypto/sign.h"
#include "gate/shared_request.h"

static const char NONCE_LABEL[] = "gatehouse/joint/quorum/v1";

/* The nonce names what is done, under which bundle: an operation is signed once at each keeper, so that none comes twice. */
static struct hash256
session_nonce(const struct keeper *keeper, const struct joint_session *session, size_t i) {
	uint8_t number = (uint8_t)i;
	return SHA256_PARTS(BYTES_OF_LITERAL(NONCE_LABEL), hash256_bytes(&session->operation->digest),
			    bytes_of(&number, 1), hash256_bytes(&keeper->gate->state->bundle->hash));
}

/* A Taproot output's key, spent by its key: BIP-341. */
static enum status
tweak_of(const struct frost_key_share *share, const struct signing_request *request, struct frost_tweak *tweak) {
	struct hash256 number;
	TRY(taproot_tweak(share->key.public_key.bytes + 1, request->merkle_root, &number));
	memcpy(tweak->number, number.bytes, sizeof tweak->number);
	tweak->is_x_only = true;
	return OK;
}

enum status
quorum_machine_start(struct keeper *keeper, struct joint_session *session, const struct frost_key_share *share,
		     size_t i) {
	const struct signing_request *request = &session->evaluation.requests[i];
	struct machine *machine = &session->machines[i];
	struct hash256 nonce = session_nonce(keeper, session, i);
	struct frost_tweak tweak = {};
	struct frost_quorum_terms terms = {.share = share,
					   .signers = &session->signers,
					   .instance = bytes_of_text(keeper->gate->state->instance),
					   .nonce = nonce.bytes,
					   .message = shared_request_message(request)};
	if (request->tweaked) {
		TRY(tweak_of(share, request, &tweak));
		terms.tweaks = &tweak;
		terms.tweak_count = 1;
	}
	machine_begin(keeper, machine);
	TRY(frost_quorum_start(&machine->quorum, &terms));
	machine->kind = MACHINE_QUORUM;
	return OK;
}

bool
quorum_machine_result(const struct machine *machine, const struct sharing *sharing, struct ecdsa_signature *signature) {
	*signature = (struct ecdsa_signature){};
	memcpy(signature->public_key, sharing->key.public_key, sizeof signature->public_key);
	return frost_quorum_signature(machine->quorum, signature->compact);
}
