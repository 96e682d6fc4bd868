/* The one round of signing with a presignature (presignature.h). */
#include <stdlib.h>

#include "crypto/declassify.h"
#include "keys/threshold/ecdsa/presignature.h"

enum online_field { ONLINE_PRESIGNATURE, ONLINE_NONCE_POINT, ONLINE_W, ONLINE_U, ONLINE_FIELDS };

const struct message_kind ONLINE_MESSAGES[ONLINE_ROUNDS] = {
	{8,
	 "online.sign",
	 ONLINE_FIELDS,
	 {[ONLINE_PRESIGNATURE] = {"online.presignature", 32, 0},
	  [ONLINE_NONCE_POINT] = {"online.nonce_point", POINT_SIZE, 0},
	  [ONLINE_W] = {"online.w", SCALAR_SIZE, 0},
	  [ONLINE_U] = {"online.u", SCALAR_SIZE, 0}}},
};

struct online {
	struct exchange exchange;
	struct ecdsa_share *share;
	struct ecdsa_request request;
	struct ecdsa_derived derived;
	struct hash256 presignature_id;
	struct point nonce_point; /* R' */
	struct scalar w, u;       /* of this signer, and then of all */
	struct ecdsa_signature signature;
};

static enum status
check_terms(const struct presignature *presignature, const struct ecdsa_share *share,
	    const struct ecdsa_request *request) {
	if (strcmp(presignature->key_id, share->key.id) != 0 || presignature->epoch != share->key.epoch)
		return fail(STATUS_CONFLICT, "presignature.key: made for %s of epoch %u", presignature->key_id,
			    presignature->epoch);
	if (request->opaque || share->key.purpose != KEY_PURPOSE_TRANSFER)
		return fail(STATUS_DENIED, "presignature.purpose: an opaque digest is signed in full rounds only");
	return OK;
}

static const struct exchange_protocol PROTOCOL;

static enum status
open_exchange(struct online *online, const struct presignature *presignature, struct bytes instance) {
	const struct ecdsa_key *key = &online->share->key;
	struct hash256 request = ecdsa_hash_request(&online->request);
	struct protocol_session session;
	TRY(session_open(&(struct session_terms){.protocol = "gatehouse/threshold/ecdsa/online/v1",
						 .instance = instance,
						 .key_id = bytes_of_text(key->id),
						 .epoch = key->epoch,
						 .threshold = key->threshold,
						 .self = online->share->self,
						 .parties = &presignature->signers,
						 .nonce = presignature->id.bytes,
						 .request = hash256_bytes(&request)},
			 &session));
	exchange_open(&online->exchange, &session, &PROTOCOL, online);
	return OK;
}

/* δ. The session binds it to key, epoch, signers, presignature and request; the points are named all the same. */
static struct scalar
hash_to_change(const struct online *online, const struct presignature *presignature) {
	uint8_t nonce_point[POINT_SIZE], public_key[POINT_SIZE], wide[64];
	point_write(&presignature->nonce_point, nonce_point);
	point_write(&online->derived.public_key, public_key);
	for (uint8_t half = 0; half < 2; half++) {
		struct hash256 hash =
			SESSION_HASH(&online->exchange.session, "gatehouse/threshold/ecdsa/rerandomise/v1",
				     hash256_bytes(&presignature->id), BYTES_OF_ARRAY(nonce_point),
				     BYTES_OF_ARRAY(online->share->key.public_key), BYTES_OF_ARRAY(public_key),
				     BYTES_OF_ARRAY(online->request.digest),
				     BYTES_OF_ARRAY(online->request.bundle_hash), bytes_of(&half, 1));
		memcpy(wide + 32 * (size_t)half, hash.bytes, 32);
	}
	return scalar_reduce_wide(wide);
}

static enum status
make_parts(struct online *online, const struct presignature *presignature) {
	const struct presignature_values *values =
		(const struct presignature_values *)(const void *)presignature->memory.data;
	struct scalar delta = hash_to_change(online, presignature), term;
	struct scalar digest = scalar_reduce(online->request.digest);
	struct point shift;
	bool above, odd;
	TRY(point_of_secret(&delta, &shift));
	TRY(point_add(&presignature->nonce_point, &shift, &online->nonce_point));
	struct scalar r = point_x(&online->nonce_point, &above, &odd);
	term = scalar_multiply(&delta, &values->phi);
	online->u = scalar_add(&values->u, &term);
	term = scalar_multiply(&online->derived.tweak, &values->phi);
	term = scalar_add(&values->v, &term);
	online->w = scalar_multiply(&r, &term);
	term = scalar_multiply(&digest, &values->phi);
	online->w = scalar_add(&online->w, &term);
	secret_wipe(&term, sizeof term);
	declassify(&online->u, sizeof online->u); /* both are sent to all */
	declassify(&online->w, sizeof online->w);
	return OK;
}

static enum status
write_round(struct online *online) {
	const struct protocol_session *session = &online->exchange.session;
	uint8_t nonce_point[POINT_SIZE], bytes[2 * SCALAR_SIZE];
	point_write(&online->nonce_point, nonce_point);
	scalar_write(&online->w, bytes);
	scalar_write(&online->u, bytes + SCALAR_SIZE);
	for (size_t i = 0; i < session->parties.count; i++) {
		if (session->parties.parties[i].index == session->self)
			continue;
		struct buffer *frame = exchange_frame(&online->exchange, i);
		buffer_append_bytes(frame, hash256_bytes(&online->presignature_id));
		buffer_append(frame, nonce_point, sizeof nonce_point);
		buffer_append(frame, bytes, sizeof bytes);
		TRY(buffer_status(frame));
	}
	return OK;
}

enum status
online_start(struct online **online, struct presignature **presignature, struct ecdsa_share *share,
	     struct bytes instance, const struct ecdsa_request *request) {
	/* Whatever happens from here on, it is used. */
	_cleanup_(presignature_destroy) struct presignature *used = TAKE(*presignature);
	_cleanup_(online_destroy) struct online *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(check_terms(used, share, request));
	/* Nothing more with a peer that was caught since. */
	TRY(ecdsa_share_check_signers(share, &used->signers));
	made->share = share;
	made->request = *request;
	made->presignature_id = used->id;
	TRY(ecdsa_derive(&share->key, &request->path, &made->derived));
	TRY(open_exchange(made, used, instance));
	TRY(make_parts(made, used));
	TRY(write_round(made));
	*online = TAKE(made);
	return OK;
}

void
online_destroy(struct online **online) {
	struct online *gone = TAKE(*online);
	if (gone == nullptr)
		return;
	exchange_close(&gone->exchange);
	secret_wipe(gone, sizeof *gone);
	free(gone);
}

static enum status
take_round(void *self) {
	struct online *online = self;
	const struct party_set *signers = &online->exchange.session.parties;
	uint8_t nonce_point[POINT_SIZE];
	struct scalar w = online->w, u = online->u;
	point_write(&online->nonce_point, nonce_point);
	for (size_t i = 0; i < signers->count; i++) {
		struct bytes fields[ONLINE_FIELDS];
		struct scalar their_w, their_u;
		if (signers->parties[i].index == online->exchange.session.self)
			continue;
		online->exchange.suspect = signers->parties[i].index;
		TRY(exchange_fields(&online->exchange, i, fields));
		exchange_look_at(&online->exchange, ONLINE_PRESIGNATURE);
		if (!bytes_equal(fields[ONLINE_PRESIGNATURE], hash256_bytes(&online->presignature_id)))
			return fail(STATUS_UNAUTHORIZED, "online.presignature: party %u uses another",
				    online->exchange.suspect);
		exchange_look_at(&online->exchange, ONLINE_NONCE_POINT);
		if (!bytes_equal(fields[ONLINE_NONCE_POINT], BYTES_OF_ARRAY(nonce_point)))
			return fail(STATUS_UNAUTHORIZED, "online.nonce_point: party %u signs with another R",
				    online->exchange.suspect);
		exchange_look_at(&online->exchange, ONLINE_W);
		TRY(scalar_read(fields[ONLINE_W].data, &their_w));
		exchange_look_at(&online->exchange, ONLINE_U);
		TRY(scalar_read(fields[ONLINE_U].data, &their_u));
		w = scalar_add(&w, &their_w);
		u = scalar_add(&u, &their_u);
		exchange_look_away(&online->exchange);
	}
	TRY(ecdsa_assemble(&online->request, &online->derived, &online->nonce_point, &w, &u, &online->signature));
	exchange_advance(&online->exchange);
	return OK;
}

static void
wipe_ended(void *self, enum status reason) {
	struct online *online = self;
	if (reason != STATUS_NO_MEMORY)
		signing_forget_pairs(online->share, &online->exchange, true);
	secret_wipe(&online->w, sizeof online->w);
	secret_wipe(&online->u, sizeof online->u);
}

static const struct exchange_protocol PROTOCOL = {
	.kinds = ONLINE_MESSAGES, .rounds = ONLINE_ROUNDS, .steps = {take_round}, .ended = wipe_ended};

struct exchange *
online_exchange(struct online *online) {
	return &online->exchange;
}

bool
online_result(const struct online *online, struct ecdsa_signature *signature) {
	if (online->exchange.state != EXCHANGE_DONE)
		return false;
	*signature = online->signature;
	return true;
}
