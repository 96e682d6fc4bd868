/*
 * Frames of every threshold ECDSA message, from a peer on its own channel. The input chooses a protocol and a round, a
 * place and bytes to put there in an honest frame (or a frame of its own); the party that receives it must end, stray
 * or go on, and never hand out a share, presignature or signature that an honest run would not have given; nor any, once it has taken
 * a frame that differs.
 * Readers: keys/threshold/message.c (message_read_header, message_read_fields, field_size),
 * keys/threshold/exchange.c (read_header, round_of, counts_between, accept),
 * keys/threshold/ecdsa/dealing.c (check_dealer, take_dealt_share, check_opening, check_openings, check_confirmations)
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

/* Honest runs, made once, and what of them is changed: all that party 2 sends to party 1, and of a reshare all that anybody sends. */
enum subject { DEALING, SIGNING, ONLINE, RESHARING, SUBJECTS };
enum { PARTIES = 3, DEAL_FRAMES = 3, SIGN_FRAMES = 3, ONLINE_FRAMES = 1, RESHARE_FRAMES = 3 * PARTIES * (PARTIES - 1) };
enum { FRAMES = DEAL_FRAMES + SIGN_FRAMES + ONLINE_FRAMES + RESHARE_FRAMES };
static const size_t FIRST[SUBJECTS + 1] = {0, DEAL_FRAMES, DEAL_FRAMES + SIGN_FRAMES,
					   DEAL_FRAMES + SIGN_FRAMES + ONLINE_FRAMES, FRAMES};
static struct {
	uint8_t to;
	struct buffer frame;
} honest[FRAMES];
static struct ecdsa_share *shares[PARTIES + 1];
static struct presignature *prepared[PARTIES + 1];
static struct ecdsa_request request = {.digest = {7}};
static struct ecdsa_signature honest_signature[2];
static struct ecdsa_key reshared;

struct machines {
	enum subject subject;
	struct repeating streams[PARTIES + 1];
	struct dealing *dealings[PARTIES + 1];
	struct signing *signings[PARTIES + 1];
	struct online *onlines[PARTIES + 1];
	struct ecdsa_share *copies[PARTIES + 1];
};

/* In a reshare parties 1 and 2 deal, and 1 and 3 hold what comes of it: one stays, one goes, one comes. */
static uint8_t
parties_in(enum subject subject) {
	return subject == RESHARING ? PARTIES : 2;
}

static struct ecdsa_share *
copy_share(const struct ecdsa_share *share) {
	struct ecdsa_share *copy = nullptr;
	must(ecdsa_share_create(&copy, &share->key, share->self) == OK);
	memcpy(copy->memory.data, share->memory.data, share->memory.len);
	return copy;
}

static struct exchange *
exchange_of(struct machines *machines, uint8_t index) {
	switch (machines->subject) {
	case SIGNING:
		return signing_exchange(machines->signings[index]);
	case ONLINE:
		return online_exchange(machines->onlines[index]);
	default:
		return dealing_exchange(machines->dealings[index]);
	}
}

static enum status
receive(struct machines *machines, uint8_t index, struct bytes frame) {
	return exchange_receive(exchange_of(machines, index), frame);
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
start_resharing(struct machines *machines, uint8_t index) {
	static const uint8_t holders[] = {1, 3};
	const struct party_set all = parties_up_to(PARTIES), dealers = parties_up_to(2);
	const struct ecdsa_key *old = &shares[1]->key;
	machines->streams[index] = repeating_stream("again", index);
	struct dealing_terms terms = {.kind = DEALING_RESHARE,
				      .instance = INSTANCE,
				      .nonce = NONCE,
				      .self = index,
				      .randomness = {repeating_fill, &machines->streams[index]},
				      .key = *old,
				      .old_key = old,
				      .dealers = &dealers,
				      .old_share = shares[index]};
	terms.key.epoch = old->epoch + 1;
	must(party_set_choose(&all, holders, ARRAY_LENGTH(holders), &terms.key.holders) == OK);
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
	else if (machines->subject == RESHARING)
		start_resharing(machines, index);
	else if (machines->subject == SIGNING)
		start_signing(machines, index, &request);
	else
		start_online(machines, index);
}

static void
end(struct machines *machines) {
	for (size_t i = 1; i <= PARTIES; i++) {
		dealing_destroy(&machines->dealings[i]);
		signing_destroy(&machines->signings[i]);
		online_destroy(&machines->onlines[i]);
		ecdsa_share_destroy(&machines->copies[i]);
	}
}

/* All parties, honest, until none says anything; what may be changed is kept, from first on. */
static void
exchange_honestly(struct machines *machines, size_t first, bool is_kept) {
	uint8_t to;
	struct bytes frame;
	for (bool moved = true; moved;) {
		moved = false;
		for (uint8_t i = 1; i <= parties_in(machines->subject); i++)
			while (exchange_next(exchange_of(machines, i), &to, &frame)) {
				must(receive(machines, to, frame) == OK);
				moved = true;
				if (!is_kept || (to != 1 && machines->subject != RESHARING))
					continue;
				must(first < FIRST[machines->subject + 1]);
				honest[first].to = to;
				buffer_append_bytes(&honest[first++].frame, frame);
			}
	}
	must(!is_kept || first == FIRST[machines->subject + 1]);
}

/* Presignatures of both, from which every online round starts. */
static void
prepare(void) {
	struct machines machines = {.subject = SIGNING};
	for (uint8_t i = 1; i <= 2; i++)
		start_signing(&machines, i, nullptr);
	exchange_honestly(&machines, 0, false);
	for (uint8_t i = 1; i <= 2; i++)
		prepared[i] = signing_take_presignature(machines.signings[i]);
	end(&machines);
}

static void
run_honestly(enum subject subject) {
	struct machines machines = {.subject = subject};
	if (subject == ONLINE)
		prepare();
	for (uint8_t i = 1; i <= parties_in(subject); i++)
		start_one(&machines, i);
	exchange_honestly(&machines, FIRST[subject], true);
	for (uint8_t i = 1; subject == DEALING && i <= 2; i++)
		shares[i] = dealing_take_share(machines.dealings[i]);
	if (subject == RESHARING)
		must(dealing_confirmed(machines.dealings[1], &reshared));
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

/* Whether there is a result; it is the honest one. */
static bool
has_result(struct machines *machines, uint8_t index) {
	struct ecdsa_key key;
	struct ecdsa_signature signature;
	switch (machines->subject) {
	case SIGNING:
		if (!signing_result(machines->signings[index], &signature))
			return false;
		check_signature(&signature, &honest_signature[0]);
		return true;
	case ONLINE:
		if (!online_result(machines->onlines[index], &signature))
			return false;
		check_signature(&signature, &honest_signature[1]);
		return true;
	default:
		if (!dealing_confirmed(machines->dealings[index], &key))
			return false;
		must(memcmp(key.public_key, shares[1]->key.public_key, POINT_SIZE) == 0);
		must(machines->subject == DEALING ||
		     memcmp(key.public_shares, reshared.public_shares, 2 * POINT_SIZE) == 0);
		return true;
	}
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

/* What the receiver of a frame hears in that run before it, or after it. */
static void
hear_honestly(struct machines *machines, size_t which, bool is_before) {
	for (size_t i = is_before ? FIRST[machines->subject] : which + 1;
	     i < (is_before ? which : FIRST[machines->subject + 1]); i++)
		if (honest[i].to == honest[which].to) {
			enum status status = receive(machines, honest[i].to, buffer_bytes(&honest[i].frame));
			must(!is_before || status == OK);
		}
}

static enum subject
subject_of(size_t which) {
	enum subject subject = DEALING;
	while (which >= FIRST[subject + 1])
		subject++;
	return subject;
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
	const size_t which = choice % FRAMES;
	const uint8_t to = honest[which].to;
	struct machines machines = {.subject = subject_of(which)};
	start_one(&machines, to);
	hear_honestly(&machines, which, true);
	_cleanup_(buffer_free) struct buffer frame = {};
	buffer_append_bytes(&frame, buffer_bytes(&honest[which].frame));
	size_t at = way & 1 ? place % frame.len : place % MESSAGE_HEADER_SIZE;
	for (size_t i = 0; i < input.left && at + i < frame.len; i++)
		frame.data[at + i] ^= input.at[i];
	if (way & 2)
		frame.len = place % (frame.len + 1);
	if (way & 4)
		buffer_append_bytes(&frame, bytes_of(input.at, input.left));
	const struct bytes sent = way & 8 ? bytes_of(input.at, input.left) : buffer_bytes(&frame),
			   meant = buffer_bytes(&honest[which].frame);
	bool is_misled = receive(&machines, to, sent) == OK && !bytes_equal(sent, meant);
	if (!is_misled || way & 16)
		IGNORE_STATUS(receive(&machines, to, meant)); /* again, or for the first time */
	hear_honestly(&machines, which, false);
	must(!(has_result(&machines, to) && is_misled));
	end(&machines);
	return 0;
}
