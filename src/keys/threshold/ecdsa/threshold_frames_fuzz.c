/*
 * Frames of every threshold ECDSA message, from a peer on its own channel. The input chooses a protocol and a round, a
 * place and bytes to put there in an honest frame (or a frame of its own); the party that receives it must end, stray
 * or go on, and never hand out a share, presignature or signature that an honest run would not have given.
 * Readers: keys/threshold/message.c (message_read_header, message_read_fields, field_size),
 * keys/threshold/exchange.c (read_header, round_of, counts_between, accept)
 */
#include <stdio.h>
#include "base/cursor.h"
#include "crypto/sign.h"
#include "keys/threshold/ecdsa/dealing.h"
#include "keys/threshold/ecdsa/presignature.h"
#include "tests/fuzz.h"
#include "tests/threshold_parties.h"

static const struct bytes INSTANCE = {(const uint8_t *)"fuzz", 4};
static const uint8_t NONCE[32] = {1};

/* Honest runs of two parties, made once: every frame that party 2 sends to party 1, by kind. */
enum { DEAL_FRAMES = 3, SIGN_FRAMES = 3, ONLINE_FRAMES = 1, FRAMES = DEAL_FRAMES + SIGN_FRAMES + ONLINE_FRAMES };
static struct buffer honest[FRAMES];
static struct ecdsa_share *shares[3];
static struct presignature *prepared[3];
static struct ecdsa_request request = {.digest = {7}};
static struct ecdsa_signature honest_signature[2];

enum subject { DEALING, SIGNING, ONLINE, SUBJECTS };
static const size_t FIRST[SUBJECTS + 1] = {0, DEAL_FRAMES, DEAL_FRAMES + SIGN_FRAMES, FRAMES};

struct machines {
	enum subject subject;
	struct repeating streams[3];
	struct dealing *dealings[3];
	struct signing *signings[3];
	struct online *onlines[3];
	struct ecdsa_share *copies[3];
};

static struct ecdsa_share *
copy_share(const struct ecdsa_share *share) {
	struct ecdsa_share *copy = nullptr;
	must(ecdsa_share_create(&copy, &share->key, share->self) == OK);
	memcpy(copy->memory.data, share->memory.data, share->memory.len);
	return copy;
}

static enum status
receive(struct machines *machines, uint8_t index, struct bytes frame) {
	switch (machines->subject) {
	case DEALING:
		return exchange_receive(dealing_exchange(machines->dealings[index]), frame);
	case SIGNING:
		return exchange_receive(signing_exchange(machines->signings[index]), frame);
	default:
		return exchange_receive(online_exchange(machines->onlines[index]), frame);
	}
}

static bool
next(struct machines *machines, uint8_t index, struct bytes *frame) {
	uint8_t to;
	switch (machines->subject) {
	case DEALING:
		return exchange_next(dealing_exchange(machines->dealings[index]), &to, frame);
	case SIGNING:
		return exchange_next(signing_exchange(machines->signings[index]), &to, frame);
	default:
		return exchange_next(online_exchange(machines->onlines[index]), &to, frame);
	}
}

static void
start_dealing(struct machines *machines, uint8_t index) {
	machines->streams[index] = repeating_stream("fuzz", index);
	struct dealing_terms terms = {.instance = INSTANCE,
				      .nonce = NONCE,
				      .self = index,
				      .randomness = {repeating_fill, &machines->streams[index]}};
	terms.key = (struct ecdsa_key){.id = "k", .threshold = 2, .epoch = 1, .holders = parties_up_to(2)};
	must(dealing_start(&machines->dealings[index], &terms) == OK);
}

static void
start_signing(struct machines *machines, uint8_t index, const struct ecdsa_request *wanted) {
	struct party_set parties = parties_up_to(2);
	machines->streams[index] = repeating_stream("fuzz", index);
	machines->copies[index] = copy_share(shares[index]);
	struct signing_terms terms = {.share = machines->copies[index],
				      .signers = &parties,
				      .instance = INSTANCE,
				      .nonce = NONCE,
				      .request = wanted,
				      .randomness = {repeating_fill, &machines->streams[index]}};
	must(signing_start(&machines->signings[index], &terms) == OK);
}

static void
start_online(struct machines *machines, uint8_t index) {
	struct presignature *copy = nullptr;
	must(presignature_create(&copy) == OK);
	struct secret memory = copy->memory;
	memcpy(memory.data, prepared[index]->memory.data, memory.len);
	*copy = *prepared[index];
	copy->memory = memory;
	machines->copies[index] = copy_share(shares[index]);
	must(online_start(&machines->onlines[index], &copy, machines->copies[index], INSTANCE, &request) == OK);
}

static void
start_one(struct machines *machines, uint8_t index) {
	if (machines->subject == DEALING)
		start_dealing(machines, index);
	else if (machines->subject == SIGNING)
		start_signing(machines, index, &request);
	else
		start_online(machines, index);
}

static void
end(struct machines *machines) {
	for (size_t i = 1; i <= 2; i++) {
		dealing_destroy(&machines->dealings[i]);
		signing_destroy(&machines->signings[i]);
		online_destroy(&machines->onlines[i]);
		ecdsa_share_destroy(&machines->copies[i]);
	}
}

/* Both parties, honest, until neither says anything; what party 2 says is kept where keep is not null. */
static void
exchange_honestly(struct machines *machines, struct buffer *keep) {
	struct bytes frame;
	for (bool moved = true; moved;) {
		moved = false;
		for (uint8_t i = 1; i <= 2; i++)
			while (next(machines, i, &frame)) {
				must(receive(machines, 3 - i, frame) == OK);
				if (i == 2 && keep != nullptr)
					buffer_append_bytes(keep++, frame);
				moved = true;
			}
	}
}

/* Presignatures of both, from which every online round starts. */
static void
prepare(void) {
	struct machines machines = {.subject = SIGNING};
	for (uint8_t i = 1; i <= 2; i++)
		start_signing(&machines, i, nullptr);
	exchange_honestly(&machines, nullptr);
	for (uint8_t i = 1; i <= 2; i++)
		prepared[i] = signing_take_presignature(machines.signings[i]);
	end(&machines);
}

static void
run_honestly(enum subject subject) {
	struct machines machines = {.subject = subject};
	if (subject == ONLINE)
		prepare();
	for (uint8_t i = 1; i <= 2; i++)
		start_one(&machines, i);
	struct buffer *keep = &honest[FIRST[subject]];
	if (subject == DEALING) {
		exchange_honestly(&machines, keep);
		for (uint8_t i = 1; i <= 2; i++)
			shares[i] = dealing_take_share(machines.dealings[i]);
	} else
		exchange_honestly(&machines, keep);
	if (subject == SIGNING)
		must(signing_result(machines.signings[1], &honest_signature[0]));
	if (subject == ONLINE)
		must(online_result(machines.onlines[1], &honest_signature[1]));
	end(&machines);
}

static void
check_signature(const struct ecdsa_signature *got, const struct ecdsa_signature *expected) {
	must(memcmp(got->compact, expected->compact, sizeof got->compact) == 0 && got->recovery == expected->recovery);
	must(secp256k1_verify(BYTES_OF_ARRAY(got->public_key), request.digest, got->compact) == OK);
}

/* Whatever the frame was: no result, or the honest one. */
static void
check_result(struct machines *machines) {
	struct ecdsa_key key;
	struct ecdsa_signature signature;
	if (machines->subject == DEALING && dealing_confirmed(machines->dealings[1], &key))
		must(memcmp(key.public_key, shares[1]->key.public_key, POINT_SIZE) == 0);
	if (machines->subject == SIGNING && signing_result(machines->signings[1], &signature))
		check_signature(&signature, &honest_signature[0]);
	if (machines->subject == ONLINE && online_result(machines->onlines[1], &signature))
		check_signature(&signature, &honest_signature[1]);
}

static void
read_frame_alone(struct bytes frame) {
	struct message_header header;
	struct bytes fields[MESSAGE_FIELDS_MAX];
	struct message_counts counts = {.counts = {0, 1, 2, 1, 1}};
	if (message_read_header(frame, &header) != OK)
		return;
	for (size_t i = 0; i < DEALING_ROUNDS; i++)
		IGNORE_STATUS(message_read_fields(frame, &DEALING_MESSAGES[i], &counts, fields)); /* only read */
	for (size_t i = 0; i < SIGNING_ROUNDS; i++)
		IGNORE_STATUS(message_read_fields(frame, &SIGNING_MESSAGES[i], &counts, fields));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static bool made;
	for (enum subject subject = 0; !made && subject < SUBJECTS; subject++)
		run_honestly(subject);
	made = true;
	struct cursor input = cursor_of(bytes_of(data, size));
	uint8_t choice, way;
	uint16_t place;
	read_frame_alone(bytes_of(data, size));
	if (cursor_u8(&input, "choice", &choice) != OK || cursor_u8(&input, "way", &way) != OK ||
	    cursor_u16be(&input, "place", &place) != OK)
		return 0;
	size_t which = choice % FRAMES;
	enum subject subject = which < FIRST[SIGNING] ? DEALING : which < FIRST[ONLINE] ? SIGNING : ONLINE;
	struct machines machines = {.subject = subject};
	start_one(&machines, 1);
	/* Honest up to the frame, then the one from the input. */
	for (size_t i = FIRST[subject]; i < which; i++)
		must(receive(&machines, 1, buffer_bytes(&honest[i])) == OK);
	_cleanup_(buffer_free) struct buffer frame = {};
	buffer_append_bytes(&frame, buffer_bytes(&honest[which]));
	size_t at = way & 1 ? place % frame.len : place % MESSAGE_HEADER_SIZE;
	for (size_t i = 0; i < input.left && at + i < frame.len; i++)
		frame.data[at + i] ^= input.at[i];
	if (way & 2)
		frame.len = place % (frame.len + 1);
	if (way & 4)
		buffer_append_bytes(&frame, bytes_of(input.at, input.left));
	IGNORE_STATUS(receive(&machines, 1, way & 8 ? bytes_of(input.at, input.left) : buffer_bytes(&frame)));
	IGNORE_STATUS(receive(&machines, 1, buffer_bytes(&honest[which]))); /* again, or for the first time */
	check_result(&machines);
	end(&machines);
	return 0;
}
