#include "keys/threshold/frost/frost_quorum.h"

#include <stdlib.h>

#include "crypto/declassify.h"
#include "keys/threshold/frost/bip340.h"

enum { COUNT_COMMITMENT = 1 }; /* bytes */
enum sign_field { SIGN_ECHO, SIGN_SHARE, SIGN_FIELDS };

const struct message_kind FROST_QUORUM_MESSAGES[FROST_QUORUM_ROUNDS] = {
	{16, "frost-sign.commit", 1, {{"frost-sign.commitment", 1, COUNT_COMMITMENT}}},
	{17,
	 "frost-sign.share",
	 SIGN_FIELDS,
	 {[SIGN_ECHO] = {"frost-sign.echo", 32, 0}, [SIGN_SHARE] = {"frost-sign.share", 32, 0}}},
};

struct quorum_secrets {
	struct frost_nonces nonces; /* of RFC 9591 */
	struct frost_nonce nonce;   /* of BIP-445 */
};

struct frost_quorum {
	struct exchange exchange;
	const struct frost_key_share *share;
	const struct frost_suite *suite;
	struct secret memory;
	struct buffer message;
	struct frost_key key;                                      /* BIP-340: after tweaks */
	struct frost_signers signers;                              /* of BIP-340 */
	struct frost_scalar coefficients[PARTIES_MAX];             /* of RFC 9591, in the order of the signers */
	uint8_t commitments[PARTIES_MAX][FROST_PUBLIC_NONCE_SIZE]; /* by position; Ed25519: 64 bytes of each */
	struct frost_signing signing;
	struct frost_session session;
	struct hash256 echo;
	uint8_t shares[PARTIES_MAX][SCALAR_SIZE];
	uint8_t signature[FROST_SIGNATURE_MAX];
};

static_assert(sizeof(struct frost_scalar) == SCALAR_SIZE);

static struct quorum_secrets *
secrets_of(const struct frost_quorum *quorum) {
	return (struct quorum_secrets *)(void *)quorum->memory.data;
}

static const struct party_set *
parties_of(const struct frost_quorum *quorum) {
	return &quorum->exchange.session.parties;
}

static uint8_t
self_of(const struct frost_quorum *quorum) {
	return quorum->exchange.session.self;
}

static size_t
own_position(const struct frost_quorum *quorum) {
	return party_set_position(parties_of(quorum), self_of(quorum));
}

static bool
is_peer(const struct frost_quorum *quorum, size_t position) {
	return position != own_position(quorum);
}

static size_t
commitment_size(const struct frost_quorum *quorum) {
	return 2 * quorum->suite->element_size;
}

static struct message_counts
counts(const void *context, uint8_t, uint8_t) {
	return (struct message_counts){.counts = {[COUNT_COMMITMENT] = (uint32_t)commitment_size(context)}};
}

/* --- What differs between the schemes --- */

struct scheme {
	/* What depends on who signs, and on nothing that they send. */
	enum status (*open_signers)(struct frost_quorum *quorum, const struct frost_quorum_terms *terms);
	/* The nonce of this signer, and its two commitments. */
	enum status (*commit)(struct frost_quorum *quorum, const struct randomness *randomness, uint8_t *commitment);
	/* From all commitments: what everybody signs. *culprit: the position of whose commitment is none. */
	enum status (*open)(struct frost_quorum *quorum, size_t *culprit);
	enum status (*sign)(struct frost_quorum *quorum, uint8_t share[SCALAR_SIZE]);
	/* *culprit: the position of whose share is wrong. */
	enum status (*aggregate)(struct frost_quorum *quorum, size_t *culprit);
};

static enum status
commit_ed25519(struct frost_quorum *quorum, const struct randomness *randomness, uint8_t *commitment) {
	struct frost_nonces *nonces = &secrets_of(quorum)->nonces;
	TRY(frost_commit(quorum->suite, self_of(quorum), frost_key_share_value(quorum->share), randomness, nonces));
	memcpy(commitment, nonces->commitment.hiding.bytes, quorum->suite->element_size);
	memcpy(commitment + quorum->suite->element_size, nonces->commitment.binding.bytes, quorum->suite->element_size);
	return OK;
}

static enum status
open_ed25519(struct frost_quorum *quorum, size_t *culprit) {
	const struct party_set *parties = parties_of(quorum);
	const struct frost_nonces *own = &secrets_of(quorum)->nonces;
	struct frost_commitment commitments[PARTIES_MAX];
	for (size_t i = 0; i < parties->count; i++) {
		const uint8_t *from = quorum->commitments[i];
		*culprit = i;
		commitments[i] = own->commitment;
		if (is_peer(quorum, i))
			TRY(frost_commitment_read(quorum->suite, parties->parties[i].index, from,
						  from + quorum->suite->element_size, &commitments[i]));
	}
	enum status status =
		frost_signing_open(quorum->suite, &quorum->share->key.public_key, commitments, quorum->coefficients,
				   parties->count, buffer_bytes(&quorum->message), own, &quorum->signing);
	*culprit = quorum->signing.culprit;
	return status;
}

static enum status
sign_ed25519(struct frost_quorum *quorum, uint8_t share[SCALAR_SIZE]) {
	struct frost_scalar made;
	TRY(frost_share_sign(&quorum->signing, self_of(quorum), frost_key_share_value(quorum->share),
			     &secrets_of(quorum)->nonces, &made));
	memcpy(share, made.bytes, sizeof made.bytes);
	return OK;
}

static enum status
aggregate_ed25519(struct frost_quorum *quorum, size_t *culprit) {
	const struct frost_key_info *key = &quorum->share->key;
	const struct party_set *parties = parties_of(quorum);
	struct frost_scalar shares[PARTIES_MAX];
	struct frost_element public_shares[PARTIES_MAX];
	for (size_t i = 0; i < parties->count; i++) {
		*culprit = i;
		TRY(quorum->suite->scalar_read(quorum->shares[i], &shares[i]));
		public_shares[i] = key->public_shares[party_set_position(&key->holders, parties->parties[i].index)];
	}
	return frost_shares_aggregate(&quorum->signing, shares, public_shares, quorum->signature, culprit);
}

static enum status
commit_bip340(struct frost_quorum *quorum, const struct randomness *randomness, uint8_t *commitment) {
	struct scalar share;
	uint8_t x[32];
	const struct bytes message = buffer_bytes(&quorum->message);
	frost_key_x_only(&quorum->key, x);
	TRY(scalar_read(frost_key_share_value(quorum->share)->bytes, &share));
	const struct frost_nonce_inputs inputs = {.share = &share, .key = BYTES_OF_ARRAY(x), .message = &message};
	enum status status = frost_nonce_create(&inputs, randomness, &secrets_of(quorum)->nonce, commitment);
	secret_wipe(&share, sizeof share);
	return status;
}

static enum status
open_bip340(struct frost_quorum *quorum, size_t *culprit) {
	uint8_t sum[FROST_PUBLIC_NONCE_SIZE];
	TRY(frost_nonce_sum((const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])quorum->commitments, parties_of(quorum)->count,
			    sum, culprit));
	return frost_session_open(&quorum->signers, &quorum->key, sum, buffer_bytes(&quorum->message),
				  &quorum->session);
}

static enum status
sign_bip340(struct frost_quorum *quorum, uint8_t share[SCALAR_SIZE]) {
	struct scalar own;
	TRY(scalar_read(frost_key_share_value(quorum->share)->bytes, &own));
	enum status status =
		frost_sign(&quorum->session, self_of(quorum) - 1u, &own, &secrets_of(quorum)->nonce, share);
	secret_wipe(&own, sizeof own);
	return status;
}

static enum status
aggregate_bip340(struct frost_quorum *quorum, size_t *culprit) {
	return frost_aggregate(&quorum->session, (const uint8_t(*)[SCALAR_SIZE])quorum->shares,
			       (const uint8_t(*)[FROST_PUBLIC_NONCE_SIZE])quorum->commitments, quorum->signature,
			       culprit);
}

static enum status
open_signers_ed25519(struct frost_quorum *quorum, const struct frost_quorum_terms *terms) {
	uint16_t identifiers[PARTIES_MAX];
	for (size_t i = 0; i < terms->signers->count; i++)
		identifiers[i] = terms->signers->parties[i].index;
	frost_coefficients(quorum->suite, identifiers, terms->signers->count, quorum->coefficients);
	return OK;
}

static enum status
open_signers_bip340(struct frost_quorum *quorum, const struct frost_quorum_terms *terms) {
	const struct frost_key_info *key = &terms->share->key;
	uint8_t public_shares[PARTIES_MAX][POINT_SIZE];
	uint32_t ids[PARTIES_MAX];
	for (size_t i = 0; i < terms->signers->count; i++) {
		uint8_t index = terms->signers->parties[i].index;
		ids[i] = index - 1u;
		memcpy(public_shares[i], key->public_shares[party_set_position(&key->holders, index)].bytes,
		       POINT_SIZE);
	}
	TRY(frost_signers_open(key->holders.parties[key->holders.count - 1].index, key->threshold, ids,
			       (const uint8_t(*)[POINT_SIZE])public_shares, terms->signers->count,
			       key->public_key.bytes, &quorum->signers));
	TRY(frost_key_open(key->public_key.bytes, &quorum->key));
	for (size_t i = 0; i < terms->tweak_count; i++)
		TRY(frost_key_tweak(&quorum->key, terms->tweaks[i].number, terms->tweaks[i].is_x_only));
	return OK;
}

static const struct scheme schemes[] = {
	[FROST_SCHEME_ED25519] = {open_signers_ed25519, commit_ed25519, open_ed25519, sign_ed25519, aggregate_ed25519},
	[FROST_SCHEME_BIP340] = {open_signers_bip340, commit_bip340, open_bip340, sign_bip340, aggregate_bip340},
};

static const struct scheme *
scheme_of(const struct frost_quorum *quorum) {
	return &schemes[quorum->share->key.scheme];
}

/* --- Starting --- */

static enum status
check_terms(const struct frost_quorum_terms *terms) {
	const struct frost_key_share *share = terms->share;
	const struct party_set *signers = terms->signers;
	bool may_tweak = share->key.scheme == FROST_SCHEME_BIP340;
	if (terms->message.len > FROST_MESSAGE_MAX || terms->tweak_count > (may_tweak ? FROST_TWEAKS_MAX : 0))
		return fail(STATUS_INVALID, "frost_quorum.terms: %zu bytes, %zu tweaks", terms->message.len,
			    terms->tweak_count);
	TRY(party_set_check(signers));
	if (signers->count < share->key.threshold || signers->count < 2 || !party_set_has(signers, share->self))
		return fail(STATUS_INVALID, "frost_quorum.signers: %u, of whom %u are needed, this one among them",
			    signers->count, share->key.threshold);
	for (size_t i = 0; i < signers->count; i++) {
		size_t at = party_set_position(&share->key.holders, signers->parties[i].index);
		if (at == share->key.holders.count ||
		    memcmp(signers->parties[i].identity, share->key.holders.parties[at].identity,
			   PARTY_IDENTITY_SIZE) != 0)
			return fail(STATUS_INVALID, "frost_quorum.signers: %u is no holder", signers->parties[i].index);
	}
	return frost_key_share_check(share);
}

static struct hash256
hash_request(const struct frost_quorum_terms *terms) {
	const struct frost_key_info *key = &terms->share->key;
	uint8_t tweaks[FROST_TWEAKS_MAX * 33];
	for (size_t i = 0; i < terms->tweak_count; i++) {
		tweaks[33 * i] = terms->tweaks[i].is_x_only;
		memcpy(tweaks + 33 * i + 1, terms->tweaks[i].number, 32);
	}
	const struct protocol_session none = {};
	return SESSION_HASH(&none, "gatehouse/threshold/frost/signing-request/v1", SESSION_BYTE((uint8_t)key->scheme),
			    SESSION_BYTE((uint8_t)key->purpose),
			    frost_element_bytes(frost_scheme_suite(key->scheme), &key->public_key), terms->message,
			    bytes_of(tweaks, 33 * terms->tweak_count));
}

static const struct exchange_protocol PROTOCOL;

static enum status
open_exchange(struct frost_quorum *quorum, const struct frost_quorum_terms *terms) {
	const struct frost_key_info *key = &terms->share->key;
	struct protocol_session session;
	struct hash256 request = hash_request(terms);
	TRY(session_open(&(struct session_terms){.protocol = "gatehouse/threshold/frost/signing/v1",
						 .instance = terms->instance,
						 .key_id = bytes_of_text(key->id),
						 .epoch = key->epoch,
						 .threshold = key->threshold,
						 .self = terms->share->self,
						 .parties = terms->signers,
						 .nonce = terms->nonce,
						 .request = hash256_bytes(&request)},
			 &session));
	exchange_open(&quorum->exchange, &session, &PROTOCOL, quorum);
	return OK;
}

static enum status
write_first_round(struct frost_quorum *quorum, const struct randomness *randomness) {
	uint8_t *commitment = quorum->commitments[own_position(quorum)];
	TRY(scheme_of(quorum)->commit(quorum, randomness, commitment));
	return exchange_tell_all(&quorum->exchange, bytes_of(commitment, commitment_size(quorum)));
}

enum status
frost_quorum_start(struct frost_quorum **quorum, const struct frost_quorum_terms *terms) {
	_cleanup_(frost_quorum_destroy) struct frost_quorum *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->exchange.state = EXCHANGE_ABORTED;
	TRY(check_terms(terms));
	made->share = terms->share;
	made->suite = frost_scheme_suite(terms->share->key.scheme);
	TRY(secret_alloc(&made->memory, sizeof(struct quorum_secrets)));
	buffer_append_bytes(&made->message, terms->message);
	TRY(buffer_status(&made->message));
	TRY(open_exchange(made, terms));
	TRY(scheme_of(made)->open_signers(made, terms));
	TRY(write_first_round(made, &terms->randomness));
	*quorum = TAKE(made);
	return OK;
}

void
frost_quorum_destroy(struct frost_quorum **quorum) {
	struct frost_quorum *gone = TAKE(*quorum);
	if (gone == nullptr)
		return;
	exchange_close(&gone->exchange);
	buffer_free(&gone->message);
	secret_free(&gone->memory);
	free(gone);
}

/* --- The rounds --- */

/* Whom a position names; a position beyond the signers names nobody. */
static void
suspect(struct frost_quorum *quorum, size_t position) {
	quorum->exchange.suspect =
		position < parties_of(quorum)->count ? parties_of(quorum)->parties[position].index : 0;
}

static struct hash256
hash_commitments(const struct frost_quorum *quorum) {
	struct bytes parts[2 * PARTIES_MAX];
	for (size_t i = 0; i < parties_of(quorum)->count; i++) {
		parts[2 * i] = bytes_of(&parties_of(quorum)->parties[i].index, 1);
		parts[2 * i + 1] = bytes_of(quorum->commitments[i], commitment_size(quorum));
	}
	return session_hash_parts(&quorum->exchange.session, "gatehouse/threshold/frost/sign-echo/v1", parts,
				  2 * (size_t)parties_of(quorum)->count);
}

static enum status
answer_commitments(void *self) {
	struct frost_quorum *quorum = self;
	size_t culprit = SIZE_MAX, own = own_position(quorum);
	for (size_t i = 0; i < parties_of(quorum)->count; i++) {
		struct bytes field;
		if (!is_peer(quorum, i))
			continue;
		TRY(exchange_fields(&quorum->exchange, i, &field));
		memcpy(quorum->commitments[i], field.data, field.len);
	}
	exchange_look_at(&quorum->exchange, 0);
	enum status status = scheme_of(quorum)->open(quorum, &culprit);
	if (status != OK) {
		suspect(quorum, culprit);
		return status;
	}
	exchange_look_away(&quorum->exchange);
	quorum->echo = hash_commitments(quorum);
	TRY(scheme_of(quorum)->sign(quorum, quorum->shares[own]));
	exchange_advance(&quorum->exchange);
	for (size_t i = 0; i < parties_of(quorum)->count; i++) {
		if (!is_peer(quorum, i))
			continue;
		struct buffer *frame = exchange_frame(&quorum->exchange, i);
		buffer_append_bytes(frame, hash256_bytes(&quorum->echo));
		buffer_append(frame, quorum->shares[own], SCALAR_SIZE);
		TRY(buffer_status(frame));
	}
	return OK;
}

static enum status
add_shares(void *self) {
	struct frost_quorum *quorum = self;
	size_t culprit = SIZE_MAX;
	for (size_t i = 0; i < parties_of(quorum)->count; i++) {
		struct bytes fields[SIGN_FIELDS];
		if (!is_peer(quorum, i))
			continue;
		TRY(exchange_fields(&quorum->exchange, i, fields));
		/* Who equivocated, the one that echoes or the one that committed, cannot be told. */
		exchange_look_at(&quorum->exchange, SIGN_ECHO);
		if (!bytes_equal(fields[SIGN_ECHO], hash256_bytes(&quorum->echo)))
			return fail(STATUS_UNAUTHORIZED, "frost_quorum.echo: party %u has seen other commitments",
				    parties_of(quorum)->parties[i].index);
		memcpy(quorum->shares[i], fields[SIGN_SHARE].data, SCALAR_SIZE);
	}
	exchange_look_at(&quorum->exchange, SIGN_SHARE);
	enum status status = scheme_of(quorum)->aggregate(quorum, &culprit);
	if (status != OK) {
		suspect(quorum, culprit);
		return status;
	}
	exchange_advance(&quorum->exchange);
	return OK;
}

static void
wipe_ended(void *self, enum status) {
	struct frost_quorum *quorum = self;
	secret_wipe(quorum->memory.data, quorum->memory.len);
}

static const struct exchange_protocol PROTOCOL = {
	.kinds = FROST_QUORUM_MESSAGES,
	.rounds = FROST_QUORUM_ROUNDS,
	.steps = {answer_commitments, add_shares},
	.counts = counts,
	.ended = wipe_ended,
};

struct exchange *
frost_quorum_exchange(struct frost_quorum *quorum) {
	return &quorum->exchange;
}

bool
frost_quorum_signature(const struct frost_quorum *quorum, uint8_t signature[64]) {
	if (quorum->exchange.state == EXCHANGE_DONE)
		memcpy(signature, quorum->signature, 64);
	return quorum->exchange.state == EXCHANGE_DONE;
}
