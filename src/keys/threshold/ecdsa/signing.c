#include "keys/threshold/ecdsa/signing.h"

#include <stdlib.h>

#include "base/fault.h"
#include "crypto/declassify.h"
#include "keys/threshold/ecdsa/multiply.h"
#include "keys/threshold/ecdsa/presignature.h"
#include "keys/threshold/shamir.h"

enum start_field { START_COMMITMENT, START_CORRECTIONS, START_CHOICE_SUM, START_COLUMN_HASH, START_FIELDS };
enum multiply_field {
	MULTIPLY_ECHO,
	MULTIPLY_SALT,
	MULTIPLY_NONCE_POINT,
	MULTIPLY_KEY_POINT,
	MULTIPLY_MASKED,
	MULTIPLY_ETA,
	MULTIPLY_MU,
	MULTIPLY_GAMMA_NONCE,
	MULTIPLY_GAMMA_KEY,
	MULTIPLY_PSI,
	MULTIPLY_FIELDS
};
enum finish_field { FINISH_NONCE_POINT, FINISH_W, FINISH_U, FINISH_FIELDS };

const struct message_kind SIGNING_MESSAGES[SIGNING_ROUNDS] = {
	{5,
	 "sign.start",
	 START_FIELDS,
	 {[START_COMMITMENT] = {"sign.commitment", 32, 0},
	  [START_CORRECTIONS] = {"sign.corrections", sizeof(((struct extension_message *)nullptr)->corrections), 0},
	  [START_CHOICE_SUM] = {"sign.choice_sum", 16, 0},
	  [START_COLUMN_HASH] = {"sign.column_hash", 32, 0}}},
	{6,
	 "sign.multiply",
	 MULTIPLY_FIELDS,
	 {[MULTIPLY_ECHO] = {"sign.echo", 32, 0},
	  [MULTIPLY_SALT] = {"sign.salt", 32, 0},
	  [MULTIPLY_NONCE_POINT] = {"sign.nonce_point", POINT_SIZE, 0},
	  [MULTIPLY_KEY_POINT] = {"sign.key_point", POINT_SIZE, 0},
	  [MULTIPLY_MASKED] = {"sign.masked", sizeof(((struct multiply_message *)nullptr)->masked), 0},
	  [MULTIPLY_ETA] = {"sign.eta", SCALAR_SIZE, 0},
	  [MULTIPLY_MU] = {"sign.mu", 32, 0},
	  [MULTIPLY_GAMMA_NONCE] = {"sign.gamma_nonce", POINT_SIZE, 0},
	  [MULTIPLY_GAMMA_KEY] = {"sign.gamma_key", POINT_SIZE, 0},
	  [MULTIPLY_PSI] = {"sign.psi", SCALAR_SIZE, 0}}},
	{7,
	 "sign.finish",
	 FINISH_FIELDS,
	 {[FINISH_NONCE_POINT] = {"sign.nonce_sum", POINT_SIZE, 0},
	  [FINISH_W] = {"sign.w", SCALAR_SIZE, 0},
	  [FINISH_U] = {"sign.u", SCALAR_SIZE, 0}}},
};

/* Between this signer and one other. */
struct peer_secrets {
	uint8_t choices[EXTENSION_ROWS / 8];
	struct scalar chi;
	extension_row received[EXTENSION_ROWS];
	extension_row sent[EXTENSION_ROWS];
};

struct signing_secrets {
	struct scalar nonce, phi, key;
	struct scalar phi_all; /* φ_i plus the ψ of all others */
	struct scalar u, v;
	struct peer_secrets peers[];
};

struct signing {
	struct exchange exchange;
	struct ecdsa_share *share;
	bool prepares;
	struct ecdsa_request request;
	struct ecdsa_derived derived;
	struct randomness randomness;
	struct oblivious *oblivious;
	struct secret memory;
	uint8_t salt[32];
	uint8_t nonce_point[POINT_SIZE], key_point[POINT_SIZE]; /* of this signer */
	struct hash256 commitments[PARTIES_MAX], echo;
	struct point sum;    /* R */
	bool pairs_are_gone; /* forgotten by another signing that failed */
	struct ecdsa_signature signature;
	struct presignature *presignature;
};

static struct signing_secrets *
secrets_of(const struct signing *signing) {
	return (struct signing_secrets *)(void *)signing->memory.data;
}

static const struct party_set *
signers_of(const struct signing *signing) {
	return &signing->exchange.session.parties;
}

static bool
is_peer(const struct signing *signing, size_t position) {
	return signers_of(signing)->parties[position].index != signing->exchange.session.self;
}

/* --- Terms --- */

static enum status
check_purpose(const struct signing_terms *terms) {
	bool digest_key = terms->share->key.purpose == KEY_PURPOSE_DIGEST;
	if (terms->request == nullptr ? digest_key : terms->request->opaque != digest_key)
		return fail(STATUS_DENIED, "ecdsa.purpose: key %s signs %s", terms->share->key.id,
			    digest_key ? "opaque digests, in full rounds, and nothing else"
				       : "decoded transactions, never an opaque digest");
	if (digest_key && terms->request->path.count > 0)
		return fail(STATUS_DENIED, "ecdsa.path: an opaque digest is signed by the key itself, not below it");
	return OK;
}

static const struct exchange_protocol SIGNING, PREPARING;

static enum status
open_exchange(struct signing *signing, const struct signing_terms *terms) {
	const struct ecdsa_key *key = &terms->share->key;
	struct hash256 request = signing->prepares ? (struct hash256){} : ecdsa_hash_request(terms->request);
	const struct protocol_session none = {};
	struct hash256 all =
		SESSION_HASH(&none, "gatehouse/threshold/ecdsa/signing-request/v1",
			     SESSION_BYTE(signing->prepares ? 1 : 0), SESSION_BYTE((uint8_t)key->purpose),
			     BYTES_OF_ARRAY(key->public_key), BYTES_OF_ARRAY(key->chain_code), hash256_bytes(&request));
	struct protocol_session session;
	TRY(session_open(&(struct session_terms){.protocol = "gatehouse/threshold/ecdsa/signing/v1",
						 .instance = terms->instance,
						 .key_id = bytes_of_text(key->id),
						 .epoch = key->epoch,
						 .threshold = key->threshold,
						 .self = terms->share->self,
						 .parties = terms->signers,
						 .nonce = terms->nonce,
						 .request = hash256_bytes(&all)},
			 &session));
	exchange_open(&signing->exchange, &session, signing->prepares ? &PREPARING : &SIGNING, signing);
	return OK;
}

/* --- First round --- */

/* Pseudorandom numbers that add up to zero over all signers: one with each other, added by the lower and taken off by
 * the higher. */
static struct scalar
share_of_zero(const struct signing *signing) {
	const struct protocol_session *session = &signing->exchange.session;
	struct scalar sum = {};
	for (size_t i = 0; i < session->parties.count; i++) {
		if (!is_peer(signing, i))
			continue;
		uint8_t peer = session->parties.parties[i].index, wide[64];
		for (uint8_t half = 0; half < 2; half++) {
			struct hash256 hash = SESSION_HASH(
				session, "gatehouse/threshold/ecdsa/zero-share/v1",
				bytes_of(ecdsa_share_pair(signing->share, peer)->zero_seed, 32), bytes_of(&half, 1));
			memcpy(wide + 32 * (size_t)half, hash.bytes, 32);
			secret_wipe(&hash, sizeof hash);
		}
		struct scalar part = scalar_reduce_wide(wide);
		sum = session->self < peer ? scalar_add(&sum, &part) : scalar_subtract(&sum, &part);
		secret_wipe(&part, sizeof part);
		secret_wipe(wide, sizeof wide);
	}
	return sum;
}

static enum status
publish(const struct scalar *secret, uint8_t encoded[POINT_SIZE]) {
	struct point point;
	TRY(point_of_secret(secret, &point));
	declassify(&point, sizeof point);
	point_write(&point, encoded);
	return OK;
}

static enum status
make_own_parts(struct signing *signing) {
	struct signing_secrets *secrets = secrets_of(signing);
	const struct protocol_session *session = &signing->exchange.session;
	secrets->nonce = scalar_random(&signing->randomness);
	secrets->phi = scalar_random(&signing->randomness);
	randomness_fill(&signing->randomness, signing->salt, sizeof signing->salt);
	struct scalar zero = share_of_zero(signing),
		      coefficient = lagrange_coefficient(&session->parties, session->self);
	secrets->key = scalar_multiply(&coefficient, ecdsa_share_value(signing->share));
	secrets->key = scalar_add(&secrets->key, &zero);
	secret_wipe(&zero, sizeof zero);
	TRY(publish(&secrets->nonce, signing->nonce_point));
	return publish(&secrets->key, signing->key_point);
}

static struct hash256
commit_to(const struct signing *signing, uint8_t index, struct bytes salt, struct bytes nonce_point,
	  struct bytes key_point) {
	return SESSION_HASH(&signing->exchange.session, "gatehouse/threshold/ecdsa/sign-commitment/v1",
			    bytes_of(&index, 1), salt, nonce_point, key_point);
}

/* Of one extension: its receiver's fresh commitment makes it unlike any other. */
static struct hash256
extension_context(const struct signing *signing, uint8_t sender, uint8_t receiver) {
	const struct protocol_session *session = &signing->exchange.session;
	uint8_t peer = sender == session->self ? receiver : sender;
	const struct hash256 *commitment = &signing->commitments[party_set_position(&session->parties, receiver)];
	return SESSION_HASH(session, "gatehouse/threshold/ecdsa/extension/v1", bytes_of(&sender, 1),
			    bytes_of(&receiver, 1), hash256_bytes(&ecdsa_share_pair(signing->share, peer)->setup_id),
			    hash256_bytes(commitment));
}

/* Of one multiplication: all commitments, the fresh one of its sender among them. */
static struct hash256
multiply_context(const struct signing *signing, uint8_t alice, uint8_t bob) {
	const struct protocol_session *session = &signing->exchange.session;
	uint8_t peer = alice == session->self ? bob : alice;
	return SESSION_HASH(session, "gatehouse/threshold/ecdsa/multiply/v1", bytes_of(&alice, 1), bytes_of(&bob, 1),
			    hash256_bytes(&ecdsa_share_pair(signing->share, peer)->setup_id),
			    hash256_bytes(&signing->echo));
}

static enum status
start_extension(struct signing *signing, size_t position, const struct hash256 *commitment) {
	const struct protocol_session *session = &signing->exchange.session;
	uint8_t peer = session->parties.parties[position].index;
	struct peer_secrets *secrets = &secrets_of(signing)->peers[position];
	struct hash256 context = extension_context(signing, peer, session->self);
	struct extension_message message;
	randomness_fill(&signing->randomness, secrets->choices, sizeof secrets->choices);
	secrets->chi = multiply_input(secrets->choices);
	extension_receive(signing->oblivious, &context, &ecdsa_share_pair(signing->share, peer)->as_receiver,
			  secrets->choices, &signing->randomness, &message, secrets->received);
	struct buffer *frame = exchange_frame(&signing->exchange, position);
	buffer_append_bytes(frame, hash256_bytes(commitment));
	buffer_append(frame, &message, sizeof message);
	return buffer_status(frame);
}

static enum status
write_first_round(struct signing *signing) {
	const struct protocol_session *session = &signing->exchange.session;
	struct hash256 commitment = commit_to(signing, session->self, BYTES_OF_ARRAY(signing->salt),
					      BYTES_OF_ARRAY(signing->nonce_point), BYTES_OF_ARRAY(signing->key_point));
	declassify(&commitment, sizeof commitment);
	signing->commitments[party_set_position(&session->parties, session->self)] = commitment;
	for (size_t i = 0; i < session->parties.count; i++)
		if (is_peer(signing, i))
			TRY(start_extension(signing, i, &commitment));
	return OK;
}

enum status
signing_start(struct signing **signing, const struct signing_terms *terms) {
	_cleanup_(signing_destroy) struct signing *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(check_purpose(terms));
	TRY(party_set_check(terms->signers));
	TRY(ecdsa_share_check_signers(terms->share, terms->signers));
	made->share = terms->share;
	made->prepares = terms->request == nullptr;
	made->randomness = terms->randomness;
	if (!made->prepares) {
		made->request = *terms->request;
		TRY(ecdsa_derive(&terms->share->key, &terms->request->path, &made->derived));
	}
	TRY(secret_alloc(&made->memory,
			 sizeof(struct signing_secrets) + terms->signers->count * sizeof(struct peer_secrets)));
	TRY(oblivious_create(&made->oblivious));
	TRY(open_exchange(made, terms));
	TRY(make_own_parts(made));
	TRY(write_first_round(made));
	*signing = TAKE(made);
	return OK;
}

void
signing_destroy(struct signing **signing) {
	struct signing *gone = TAKE(*signing);
	if (gone == nullptr)
		return;
	exchange_close(&gone->exchange);
	oblivious_destroy(&gone->oblivious);
	presignature_destroy(&gone->presignature);
	secret_free(&gone->memory);
	secret_wipe(gone, sizeof *gone);
	free(gone);
}

/* --- Second round --- */

/* As the sender of the extension that a peer has started. */
static enum status
finish_extension(struct signing *signing, size_t position, const struct bytes fields[START_FIELDS]) {
	const struct protocol_session *session = &signing->exchange.session;
	uint8_t peer = session->parties.parties[position].index;
	struct hash256 context = extension_context(signing, session->self, peer);
	struct extension_message message;
	memcpy(message.corrections, fields[START_CORRECTIONS].data, sizeof message.corrections);
	memcpy(message.choice_sum, fields[START_CHOICE_SUM].data, sizeof message.choice_sum);
	memcpy(message.column_hash, fields[START_COLUMN_HASH].data, sizeof message.column_hash);
	signing->exchange.suspect = peer;
	exchange_look_at(&signing->exchange, START_COLUMN_HASH);
	TRY(extension_send(signing->oblivious, &context, &ecdsa_share_pair(signing->share, peer)->as_sender, &message,
			   secrets_of(signing)->peers[position].sent));
	exchange_look_away(&signing->exchange);
	return OK;
}

/* Alice's part with one peer: her shares go into the sums, everything else into the frame. */
static enum status
write_multiplication(struct signing *signing, size_t position) {
	const struct protocol_session *session = &signing->exchange.session;
	struct signing_secrets *secrets = secrets_of(signing);
	struct peer_secrets *with = &secrets->peers[position];
	uint8_t peer = session->parties.parties[position].index, gamma[POINT_SIZE] = {}, psi[SCALAR_SIZE];
	struct hash256 context = multiply_context(signing, session->self, peer);
	struct scalar inputs[MULTIPLY_INPUTS] = {secrets->nonce, secrets->key}, shares[MULTIPLY_INPUTS];
	struct buffer *frame = exchange_frame(&signing->exchange, position);
	buffer_append_bytes(frame, hash256_bytes(&signing->echo));
	buffer_append(frame, signing->salt, sizeof signing->salt);
	buffer_append(frame, signing->nonce_point, POINT_SIZE);
	buffer_append(frame, signing->key_point, POINT_SIZE);
	if (!buffer_reserve(frame, sizeof(struct multiply_message)))
		return buffer_status(frame);
	struct multiply_message *message = (struct multiply_message *)(frame->data + frame->len);
	frame->len += sizeof *message;
	enum status status = multiply_send(signing->oblivious, &context, with->sent,
					   ecdsa_share_pair(signing->share, peer)->as_sender.delta, inputs,
					   &signing->randomness, message, shares);
	secret_wipe(inputs, sizeof inputs);
	TRY(status);
	message->mu[0] ^= FAULT_LIE;
	for (size_t i = 0; i < MULTIPLY_INPUTS && status == OK; i++) {
		status = publish(&shares[i], gamma);
		buffer_append(frame, gamma, sizeof gamma);
	}
	struct scalar difference = scalar_subtract(&secrets->phi, &with->chi);
	scalar_write(&difference, psi);
	declassify(psi, sizeof psi);
	buffer_append(frame, psi, sizeof psi);
	secrets->u = scalar_add(&secrets->u, &shares[0]);
	secrets->v = scalar_add(&secrets->v, &shares[1]);
	secret_wipe(shares, sizeof shares);
	TRY(status);
	return buffer_status(frame);
}

/* Before each step. Another signing with the same share may have found a peer out meanwhile: a pair that was forgotten is
 * all zeros, and whoever knows that would know what it masks. */
static enum status
check_pairs(struct signing *signing) {
	enum status status = ecdsa_share_check_signers(signing->share, signers_of(signing));
	signing->pairs_are_gone = status != OK;
	return status;
}

static enum status
take_first_round(void *self) {
	struct signing *signing = self;
	TRY(check_pairs(signing));
	struct bytes fields[PARTIES_MAX][START_FIELDS];
	size_t count = signers_of(signing)->count;
	for (size_t i = 0; i < count; i++) {
		if (!is_peer(signing, i))
			continue;
		TRY(exchange_fields(&signing->exchange, i, fields[i]));
		memcpy(signing->commitments[i].bytes, fields[i][START_COMMITMENT].data, 32);
	}
	signing->echo = session_hash_of_all(&signing->exchange.session, "gatehouse/threshold/ecdsa/sign-echo/v1",
					    signing->commitments);
	for (size_t i = 0; i < count; i++)
		if (is_peer(signing, i))
			TRY(finish_extension(signing, i, fields[i]));
	exchange_advance(&signing->exchange);
	secrets_of(signing)->phi_all = secrets_of(signing)->phi;
	for (size_t i = 0; i < count; i++)
		if (is_peer(signing, i))
			TRY(write_multiplication(signing, i));
	return OK;
}

/* --- Third round --- */

/* χ·P = d·G + Γ: what the peer multiplied by was log(P). d and χ stay secret; the points are of no use to others. */
static enum status
check_input(const struct scalar *chi, const struct point *claimed, const struct scalar *share, struct bytes gamma_field,
	    uint8_t peer) {
	struct point product, own, gamma, sum;
	TRY(point_read(gamma_field.data, &gamma));
	TRY(point_multiply_secret(claimed, chi, &product));
	enum status status = point_of_secret(share, &own);
	if (status == OK)
		status = point_add(&own, &gamma, &sum);
	bool same = status == OK && declassified(point_equal(&product, &sum));
	secret_wipe(&product, sizeof product);
	secret_wipe(&own, sizeof own);
	secret_wipe(&sum, sizeof sum);
	TRY(status);
	return same ? OK
		    : fail(STATUS_UNAUTHORIZED, "signing.input: party %u multiplied by another number than it claims",
			   peer);
}

/* Bob's shares of the products with one peer: they go into the sums, and stay nowhere else. */
static enum status
take_products(struct signing *signing, size_t position, const struct bytes fields[MULTIPLY_FIELDS],
	      const struct point *nonce_point, const struct point *key_point) {
	const struct protocol_session *session = &signing->exchange.session;
	struct signing_secrets *secrets = secrets_of(signing);
	const struct peer_secrets *with = &secrets->peers[position];
	uint8_t peer = session->parties.parties[position].index;
	struct hash256 context = multiply_context(signing, peer, session->self);
	struct scalar shares[MULTIPLY_INPUTS] = {};
	/* The three fields of the multiplication stand one behind the other; what is wrong in any is seen by the last. */
	exchange_look_at(&signing->exchange, MULTIPLY_MU);
	enum status status = multiply_receive(signing->oblivious, &context, with->received, with->choices,
					      (const struct multiply_message *)fields[MULTIPLY_MASKED].data, shares);
	if (status == OK) {
		exchange_look_at(&signing->exchange, MULTIPLY_GAMMA_NONCE);
		status = check_input(&with->chi, nonce_point, &shares[0], fields[MULTIPLY_GAMMA_NONCE], peer);
	}
	if (status == OK) {
		exchange_look_at(&signing->exchange, MULTIPLY_GAMMA_KEY);
		status = check_input(&with->chi, key_point, &shares[1], fields[MULTIPLY_GAMMA_KEY], peer);
	}
	secrets->u = scalar_add(&secrets->u, &shares[0]);
	secrets->v = scalar_add(&secrets->v, &shares[1]);
	secret_wipe(shares, sizeof shares);
	return status;
}

/* Bob's part with one peer. */
static enum status
check_multiplication(struct signing *signing, size_t position, const struct bytes fields[MULTIPLY_FIELDS],
		     struct point *nonce_point, struct point *key_point) {
	const struct protocol_session *session = &signing->exchange.session;
	struct signing_secrets *secrets = secrets_of(signing);
	uint8_t peer = session->parties.parties[position].index;
	struct hash256 commitment = commit_to(signing, peer, fields[MULTIPLY_SALT], fields[MULTIPLY_NONCE_POINT],
					      fields[MULTIPLY_KEY_POINT]);
	struct scalar psi;
	if (!hash256_equal(&commitment, &signing->commitments[position]))
		return fail(STATUS_UNAUTHORIZED, "signing.commitment: party %u opens another than it committed to",
			    peer);
	exchange_look_at(&signing->exchange, MULTIPLY_NONCE_POINT);
	TRY(point_read(fields[MULTIPLY_NONCE_POINT].data, nonce_point));
	exchange_look_at(&signing->exchange, MULTIPLY_KEY_POINT);
	TRY(point_read(fields[MULTIPLY_KEY_POINT].data, key_point));
	exchange_look_at(&signing->exchange, MULTIPLY_PSI);
	TRY(scalar_read(fields[MULTIPLY_PSI].data, &psi));
	secrets->phi_all = scalar_add(&secrets->phi_all, &psi);
	return take_products(signing, position, fields, nonce_point, key_point);
}

/* The key's shares add up to the key, and R is what everyone committed to. */
static enum status
sum_points(struct signing *signing, struct point *nonce_points, struct point *key_points) {
	size_t own = party_set_position(signers_of(signing), signing->exchange.session.self);
	struct point sum, key;
	TRY(point_read(signing->nonce_point, &nonce_points[own]));
	TRY(point_read(signing->key_point, &key_points[own]));
	TRY(point_sum(key_points, signers_of(signing)->count, &sum));
	TRY(point_read(signing->share->key.public_key, &key));
	if (!point_equal(&sum, &key))
		return fail(STATUS_UNAUTHORIZED, "signing.key: the signers' shares are not of the key");
	return point_sum(nonce_points, signers_of(signing)->count, &signing->sum);
}

static enum status
prepare(struct signing *signing) {
	const struct signing_secrets *secrets = secrets_of(signing);
	uint8_t nonce_point[POINT_SIZE];
	TRY(presignature_create(&signing->presignature));
	struct presignature *made = signing->presignature;
	point_write(&signing->sum, nonce_point);
	made->id = SESSION_HASH(&signing->exchange.session, "gatehouse/threshold/ecdsa/presignature/v1",
				hash256_bytes(&signing->echo), BYTES_OF_ARRAY(nonce_point));
	memcpy(made->key_id, signing->share->key.id, sizeof made->key_id);
	made->epoch = signing->share->key.epoch;
	made->signers = *signers_of(signing);
	made->nonce_point = signing->sum;
	*(struct presignature_values *)(void *)made->memory.data =
		(struct presignature_values){.phi = secrets->phi, .u = secrets->u, .v = secrets->v};
	return OK;
}

/* w_i = digest·φ_i + r_x·(v_i + tweak·φ_i), and u_i, to everyone. */
static enum status
write_last_round(struct signing *signing) {
	struct signing_secrets *secrets = secrets_of(signing);
	uint8_t nonce_point[POINT_SIZE], bytes[2 * SCALAR_SIZE];
	bool above, odd;
	struct scalar r = point_x(&signing->sum, &above, &odd), digest = scalar_reduce(signing->request.digest);
	struct scalar term = scalar_multiply(&signing->derived.tweak, &secrets->phi), w;
	term = scalar_add(&term, &secrets->v);
	w = scalar_multiply(&r, &term);
	term = scalar_multiply(&digest, &secrets->phi);
	w = scalar_add(&w, &term);
	scalar_write(&w, bytes);
	scalar_write(&secrets->u, bytes + SCALAR_SIZE);
	declassify(bytes, sizeof bytes);
	point_write(&signing->sum, nonce_point);
	for (size_t i = 0; i < signers_of(signing)->count; i++) {
		if (!is_peer(signing, i))
			continue;
		struct buffer *frame = exchange_frame(&signing->exchange, i);
		buffer_append(frame, nonce_point, sizeof nonce_point);
		buffer_append(frame, bytes, sizeof bytes);
		TRY(buffer_status(frame));
	}
	secrets->v = w; /* from here on v is not needed */
	secret_wipe(&term, sizeof term);
	return OK;
}

static enum status
take_second_round(void *self) {
	struct signing *signing = self;
	struct point nonce_points[PARTIES_MAX], key_points[PARTIES_MAX];
	struct bytes fields[PARTIES_MAX][MULTIPLY_FIELDS];
	struct signing_secrets *secrets = secrets_of(signing);
	const struct party_set *signers = signers_of(signing);
	TRY(check_pairs(signing));
	for (size_t i = 0; i < signers->count; i++) {
		if (!is_peer(signing, i))
			continue;
		TRY(exchange_fields(&signing->exchange, i, fields[i]));
		/* Who equivocated, the one that echoes or the one that committed, cannot be told. */
		exchange_look_at(&signing->exchange, MULTIPLY_ECHO);
		if (!bytes_equal(fields[i][MULTIPLY_ECHO], hash256_bytes(&signing->echo)))
			return fail(STATUS_UNAUTHORIZED, "signing.echo: party %u has seen other commitments",
				    signers->parties[i].index);
	}
	exchange_look_away(&signing->exchange);
	for (size_t i = 0; i < signers->count; i++) {
		if (!is_peer(signing, i))
			continue;
		signing->exchange.suspect = signers->parties[i].index;
		TRY(check_multiplication(signing, i, fields[i], &nonce_points[i], &key_points[i]));
		exchange_look_away(&signing->exchange);
	}
	TRY(sum_points(signing, nonce_points, key_points));
	struct scalar term = scalar_multiply(&secrets->nonce, &secrets->phi_all);
	secrets->u = scalar_add(&secrets->u, &term);
	term = scalar_multiply(&secrets->key, &secrets->phi_all);
	secrets->v = scalar_add(&secrets->v, &term);
	secret_wipe(&term, sizeof term);
	exchange_advance(&signing->exchange);
	if (!signing->prepares)
		return write_last_round(signing);
	TRY(prepare(signing));
	secret_wipe(signing->memory.data, signing->memory.len);
	return OK;
}

/* --- The end --- */

static enum status
take_last_round(void *self) {
	struct signing *signing = self;
	struct signing_secrets *secrets = secrets_of(signing);
	const struct party_set *signers = signers_of(signing);
	uint8_t nonce_point[POINT_SIZE];
	TRY(check_pairs(signing));
	struct scalar w = secrets->v, u = secrets->u;
	declassify(&w, sizeof w); /* both have been sent to all */
	declassify(&u, sizeof u);
	point_write(&signing->sum, nonce_point);
	for (size_t i = 0; i < signers->count; i++) {
		struct bytes fields[FINISH_FIELDS];
		struct scalar their_w, their_u;
		if (!is_peer(signing, i))
			continue;
		signing->exchange.suspect = signers->parties[i].index;
		TRY(exchange_fields(&signing->exchange, i, fields));
		exchange_look_at(&signing->exchange, FINISH_NONCE_POINT);
		if (!bytes_equal(fields[FINISH_NONCE_POINT], BYTES_OF_ARRAY(nonce_point)))
			return fail(STATUS_UNAUTHORIZED, "signing.nonce_point: party %u signs with another R",
				    signing->exchange.suspect);
		exchange_look_at(&signing->exchange, FINISH_W);
		TRY(scalar_read(fields[FINISH_W].data, &their_w));
		exchange_look_at(&signing->exchange, FINISH_U);
		TRY(scalar_read(fields[FINISH_U].data, &their_u));
		w = scalar_add(&w, &their_w);
		u = scalar_add(&u, &their_u);
		exchange_look_away(&signing->exchange);
	}
	TRY(ecdsa_assemble(&signing->request, &signing->derived, &signing->sum, &w, &u, &signing->signature));
	secret_wipe(signing->memory.data, signing->memory.len);
	exchange_advance(&signing->exchange);
	return OK;
}

void
signing_forget_pairs(struct ecdsa_share *share, const struct exchange *exchange, bool has_given) {
	const struct party_set *signers = &exchange->session.parties;
	bool concerns_all = exchange->culprit == 0 && exchange->ended_by == 0 && has_given;
	for (size_t i = 0; i < signers->count; i++) {
		uint8_t index = signers->parties[i].index;
		if (index != share->self && (concerns_all || index == exchange->culprit))
			pairwise_forget(ecdsa_share_pair(share, index));
	}
}

static void
wipe_ended(void *self, enum status reason) {
	struct signing *signing = self;
	bool has_given = !signing->prepares && signing->exchange.round == SIGNING_ROUNDS - 1;
	secret_wipe(signing->memory.data, signing->memory.len);
	presignature_destroy(&signing->presignature);
	if (reason != STATUS_NO_MEMORY && !signing->pairs_are_gone)
		signing_forget_pairs(signing->share, &signing->exchange, has_given);
}

static const struct exchange_protocol SIGNING = {
	.kinds = SIGNING_MESSAGES,
	.rounds = SIGNING_ROUNDS,
	.steps = {take_first_round, take_second_round, take_last_round},
	.ended = wipe_ended,
};
static const struct exchange_protocol PREPARING = {
	.kinds = SIGNING_MESSAGES,
	.rounds = SIGNING_ROUNDS_TO_PREPARE,
	.steps = {take_first_round, take_second_round},
	.ended = wipe_ended,
};

struct exchange *
signing_exchange(struct signing *signing) {
	return &signing->exchange;
}

bool
signing_result(const struct signing *signing, struct ecdsa_signature *signature) {
	if (signing->prepares || signing->exchange.state != EXCHANGE_DONE)
		return false;
	*signature = signing->signature;
	return true;
}

struct presignature *
signing_take_presignature(struct signing *signing) {
	return signing->exchange.state == EXCHANGE_DONE ? TAKE(signing->presignature) : nullptr;
}
