#include "keys/threshold/ecdsa/dealing.h"

#include <stdlib.h>

#include "crypto/declassify.h"
#include "keys/threshold/ecdsa/dealing_terms.h"
#include "keys/threshold/shamir.h"

enum { COUNT_SETUP = 1, COUNT_COEFFICIENTS, COUNT_DEALER, COUNT_SHARE };

enum commit_field { COMMIT_COMMITMENT, COMMIT_OFFER, COMMIT_ANSWER, COMMIT_FIELDS };
enum open_field {
	OPEN_ECHO,
	OPEN_SALT,
	OPEN_COEFFICIENTS,
	OPEN_PROOF,
	OPEN_CHAIN,
	OPEN_SHARE,
	OPEN_TREES,
	OPEN_CONTRIBUTION,
	OPEN_FIELDS
};
enum confirm_field { CONFIRM_TRANSCRIPT, CONFIRM_SETUP, CONFIRM_FIELDS };

const struct message_kind DEALING_MESSAGES[DEALING_ROUNDS] = {
	{1,
	 "deal.commit",
	 COMMIT_FIELDS,
	 {[COMMIT_COMMITMENT] = {"deal.commitment", 32, 0},
	  [COMMIT_OFFER] = {"deal.offer", BASE_OT_OFFER_SIZE, COUNT_SETUP},
	  [COMMIT_ANSWER] = {"deal.answer", BASE_OT_ANSWER_SIZE, COUNT_SETUP}}},
	{2,
	 "deal.open",
	 OPEN_FIELDS,
	 {[OPEN_ECHO] = {"deal.echo", 32, 0},
	  [OPEN_SALT] = {"deal.salt", 32, 0},
	  [OPEN_COEFFICIENTS] = {"deal.coefficients", POINT_SIZE, COUNT_COEFFICIENTS},
	  [OPEN_PROOF] = {"deal.proof", sizeof(struct knowledge_proof), COUNT_DEALER},
	  [OPEN_CHAIN] = {"deal.chain", 32, COUNT_DEALER},
	  [OPEN_SHARE] = {"deal.share", SCALAR_SIZE, COUNT_SHARE},
	  [OPEN_TREES] = {"deal.trees", sizeof(struct pprf_message), COUNT_SETUP},
	  [OPEN_CONTRIBUTION] = {"deal.contribution", 32, COUNT_SETUP}}},
	{3,
	 "deal.confirm",
	 CONFIRM_FIELDS,
	 {[CONFIRM_TRANSCRIPT] = {"deal.transcript", 32, 0}, [CONFIRM_SETUP] = {"deal.setup", 32, COUNT_SETUP}}},
};

/* What is opened by one party; a party that does not deal opens a salt only. */
struct opening {
	uint8_t salt[32];
	uint8_t coefficients[PARTIES_MAX * POINT_SIZE];
	struct knowledge_proof proof;
	uint8_t chain[32];
};

struct dealing_secrets {
	struct polynomial polynomial;
	struct scalar share;
	struct pairwise pairs[PARTIES_MAX]; /* in the order of parties */
	struct pairwise_setup setups[PARTIES_MAX];
};

struct dealing {
	struct exchange exchange;
	enum dealing_kind kind;
	struct ecdsa_key key; /* becomes complete in the second round */
	struct party_set dealers;
	struct randomness randomness;
	struct oblivious *oblivious;
	struct secret memory;
	struct opening opening;
	struct point expected[PARTIES_MAX]; /* reshare: the number of each dealer times the generator */
	struct hash256 commitments[PARTIES_MAX];
	struct hash256 echo, transcript;
	bool confirmed;
	struct ecdsa_share *share;
};

static struct dealing_secrets *
secrets_of(const struct dealing *dealing) {
	return (struct dealing_secrets *)(void *)dealing->memory.data;
}

static bool
deals(const struct dealing *dealing, uint8_t index) {
	return party_set_has(&dealing->dealers, index);
}

static bool
holds(const struct dealing *dealing, uint8_t index) {
	return party_set_has(&dealing->key.holders, index);
}

struct message_counts
dealing_counts(const void *context, uint8_t from, uint8_t to) {
	const struct dealing *dealing = context;
	bool dealer = deals(dealing, from);
	return (struct message_counts){.counts = {
					       [COUNT_SETUP] = holds(dealing, from) && holds(dealing, to),
					       [COUNT_COEFFICIENTS] = dealer ? dealing->key.threshold : 0,
					       [COUNT_DEALER] = dealer,
					       [COUNT_SHARE] = dealer && holds(dealing, to),
				       }};
}

static const struct party_set *
parties_of(const struct dealing *dealing) {
	return &dealing->exchange.session.parties;
}

static uint8_t
self_of(const struct dealing *dealing) {
	return dealing->exchange.session.self;
}

static size_t
own_position(const struct dealing *dealing) {
	return party_set_position(parties_of(dealing), self_of(dealing));
}

static bool
is_peer(const struct dealing *dealing, size_t position) {
	return position != own_position(dealing);
}

static bool
sets_up_with(const struct dealing *dealing, size_t position) {
	return is_peer(dealing, position) && holds(dealing, self_of(dealing)) &&
	       holds(dealing, parties_of(dealing)->parties[position].index);
}

static const struct exchange_protocol PROTOCOL;

static enum status
open_exchange(struct dealing *dealing, const struct dealing_terms *terms) {
	struct party_set parties;
	struct protocol_session session;
	struct hash256 request = dealing_hash_request(terms, &dealing->dealers);
	TRY(party_set_union(&dealing->dealers, &terms->key.holders, &parties));
	TRY(session_open(&(struct session_terms){.protocol = "gatehouse/threshold/ecdsa/dealing/v1",
						 .instance = terms->instance,
						 .key_id = bytes_of_text(terms->key.id),
						 .epoch = terms->key.epoch,
						 .threshold = terms->key.threshold,
						 .self = terms->self,
						 .parties = &parties,
						 .nonce = terms->nonce,
						 .request = hash256_bytes(&request)},
			 &session));
	exchange_open(&dealing->exchange, &session, &PROTOCOL, dealing);
	return OK;
}

/* --- First round --- */

/* The number that this party deals. */
static enum status
own_number(const struct dealing *dealing, const struct dealing_terms *terms, struct scalar *number) {
	if (terms->kind == DEALING_GENERATE) {
		*number = scalar_random(&terms->randomness);
		return OK;
	}
	if (terms->kind == DEALING_IMPORT)
		return scalar_read(terms->part, number);
	TRY(ecdsa_share_check(terms->old_share));
	struct scalar coefficient = lagrange_coefficient(&dealing->dealers, terms->self);
	*number = scalar_multiply(&coefficient, ecdsa_share_value(terms->old_share));
	return OK;
}

/* Reshare: what each dealer must deal is known from the old public shares. */
static enum status
expect_numbers(struct dealing *dealing, const struct dealing_terms *terms) {
	for (size_t i = 0; terms->kind == DEALING_RESHARE && i < dealing->dealers.count; i++) {
		uint8_t index = dealing->dealers.parties[i].index;
		struct scalar coefficient = lagrange_coefficient(&dealing->dealers, index);
		struct point share;
		TRY(point_read(terms->old_key->public_shares[party_set_position(&terms->old_key->holders, index)],
			       &share));
		TRY(point_multiply_public(&share, &coefficient, &dealing->expected[i]));
	}
	return OK;
}

static enum status
make_opening(struct dealing *dealing, const struct dealing_terms *terms) {
	struct opening *opening = &dealing->opening;
	struct polynomial *polynomial = &secrets_of(dealing)->polynomial;
	if (deals(dealing, terms->self)) {
		struct scalar number;
		struct point points[PARTIES_MAX];
		TRY(own_number(dealing, terms, &number));
		polynomial_create(polynomial, &number, dealing->key.threshold, &terms->randomness);
		secret_wipe(&number, sizeof number);
		TRY(polynomial_commit(polynomial, points));
		for (size_t i = 0; i < dealing->key.threshold; i++)
			point_write(&points[i], opening->coefficients + i * POINT_SIZE);
		TRY(knowledge_prove(&dealing->exchange.session, terms->self, &polynomial->coefficients[0], &points[0],
				    &terms->randomness, &opening->proof));
		randomness_fill(&terms->randomness, opening->chain, sizeof opening->chain);
	}
	randomness_fill(&terms->randomness, opening->salt, sizeof opening->salt);
	return OK;
}

static struct hash256
commit_to(const struct dealing *dealing, uint8_t index, const struct bytes fields[OPEN_FIELDS]) {
	return SESSION_HASH(&dealing->exchange.session, "gatehouse/threshold/ecdsa/deal-commitment/v1",
			    bytes_of(&index, 1), fields[OPEN_SALT], fields[OPEN_COEFFICIENTS], fields[OPEN_PROOF],
			    fields[OPEN_CHAIN]);
}

/* The own opening, as if it had been received. */
static void
own_fields(const struct dealing *dealing, struct bytes fields[OPEN_FIELDS]) {
	const struct opening *opening = &dealing->opening;
	bool dealer = deals(dealing, self_of(dealing));
	fields[OPEN_SALT] = BYTES_OF_ARRAY(opening->salt);
	fields[OPEN_COEFFICIENTS] =
		bytes_of(opening->coefficients, dealer ? (size_t)dealing->key.threshold * POINT_SIZE : 0);
	fields[OPEN_PROOF] = bytes_of(&opening->proof, dealer ? sizeof opening->proof : 0);
	fields[OPEN_CHAIN] = bytes_of(opening->chain, dealer ? sizeof opening->chain : 0);
}

static enum status
write_first_round(struct dealing *dealing) {
	struct bytes own[OPEN_FIELDS] = {};
	const struct protocol_session *session = &dealing->exchange.session;
	own_fields(dealing, own);
	struct hash256 commitment = commit_to(dealing, session->self, own);
	declassify(&commitment, sizeof commitment);
	dealing->commitments[own_position(dealing)] = commitment;
	for (size_t i = 0; i < session->parties.count; i++) {
		if (!is_peer(dealing, i))
			continue;
		struct buffer *frame = exchange_frame(&dealing->exchange, i);
		buffer_append_bytes(frame, hash256_bytes(&commitment));
		if (sets_up_with(dealing, i)) {
			struct pairwise_setup *setup = &secrets_of(dealing)->setups[i];
			TRY(pairwise_start(setup, dealing->oblivious, session, session->parties.parties[i].index,
					   &dealing->randomness));
			buffer_append(frame, setup->receiver.offer, sizeof setup->receiver.offer);
			buffer_append(frame, setup->sender.answer, sizeof setup->sender.answer);
		}
		TRY(buffer_status(frame));
	}
	return OK;
}

enum status
dealing_start(struct dealing **dealing, const struct dealing_terms *terms) {
	_cleanup_(dealing_destroy) struct dealing *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->exchange.state = EXCHANGE_ABORTED;
	TRY(dealing_check_terms(terms));
	made->kind = terms->kind;
	made->key = terms->key;
	made->randomness = terms->randomness;
	made->dealers = terms->kind == DEALING_RESHARE ? *terms->dealers : terms->key.holders;
	TRY(secret_alloc(&made->memory, sizeof(struct dealing_secrets)));
	TRY(oblivious_create(&made->oblivious));
	TRY(open_exchange(made, terms));
	TRY(expect_numbers(made, terms));
	TRY(make_opening(made, terms));
	TRY(write_first_round(made));
	*dealing = TAKE(made);
	return OK;
}

void
dealing_destroy(struct dealing **dealing) {
	struct dealing *gone = TAKE(*dealing);
	if (gone == nullptr)
		return;
	exchange_close(&gone->exchange);
	oblivious_destroy(&gone->oblivious);
	ecdsa_share_destroy(&gone->share);
	secret_free(&gone->memory);
	free(gone);
}

/* --- Second round --- */

static void
append_opening(const struct dealing *dealing, size_t position, struct buffer *frame) {
	struct bytes own[OPEN_FIELDS] = {};
	uint8_t index = parties_of(dealing)->parties[position].index, bytes[SCALAR_SIZE];
	own_fields(dealing, own);
	buffer_append_bytes(frame, hash256_bytes(&dealing->echo));
	for (size_t field = OPEN_SALT; field <= OPEN_CHAIN; field++)
		buffer_append_bytes(frame, own[field]);
	if (deals(dealing, self_of(dealing)) && holds(dealing, index)) {
		struct scalar share = polynomial_evaluate(&secrets_of(dealing)->polynomial, index);
		scalar_write(&share, bytes);
		buffer_append(frame, bytes, sizeof bytes);
		secret_wipe(&share, sizeof share);
		secret_wipe(bytes, sizeof bytes);
	}
}

static enum status
answer_commitments(void *self) {
	struct dealing *dealing = self;
	const struct protocol_session *session = &dealing->exchange.session;
	struct bytes fields[PARTIES_MAX][COMMIT_FIELDS] = {};
	for (size_t i = 0; i < session->parties.count; i++) {
		if (!is_peer(dealing, i))
			continue;
		TRY(exchange_fields(&dealing->exchange, i, fields[i]));
		memcpy(dealing->commitments[i].bytes, fields[i][COMMIT_COMMITMENT].data, 32);
	}
	dealing->echo = session_hash_of_all(&dealing->exchange.session, "gatehouse/threshold/ecdsa/deal-echo/v1",
					    dealing->commitments);
	for (size_t i = 0; i < session->parties.count; i++) {
		if (!sets_up_with(dealing, i))
			continue;
		dealing->exchange.suspect = session->parties.parties[i].index;
		TRY(pairwise_answer(&secrets_of(dealing)->setups[i], dealing->oblivious, session,
				    fields[i][COMMIT_OFFER], fields[i][COMMIT_ANSWER], &secrets_of(dealing)->pairs[i]));
		exchange_look_away(&dealing->exchange);
	}
	exchange_advance(&dealing->exchange);
	for (size_t i = 0; i < session->parties.count; i++) {
		if (!is_peer(dealing, i))
			continue;
		struct buffer *frame = exchange_frame(&dealing->exchange, i);
		append_opening(dealing, i, frame);
		if (sets_up_with(dealing, i)) {
			const struct pairwise_setup *setup = &secrets_of(dealing)->setups[i];
			buffer_append(frame, &setup->trees, sizeof setup->trees);
			buffer_append(frame, setup->contribution, sizeof setup->contribution);
		}
		TRY(buffer_status(frame));
	}
	return OK;
}

/* --- Third round --- */

/* The coefficients of one dealer, its proof and its number. */
static enum status
check_dealer(struct dealing *dealing, uint8_t index, const struct bytes fields[OPEN_FIELDS],
	     struct point points[PARTIES_MAX]) {
	struct knowledge_proof proof;
	exchange_look_at(&dealing->exchange, OPEN_COEFFICIENTS);
	for (size_t k = 0; k < dealing->key.threshold; k++)
		TRY(point_read(fields[OPEN_COEFFICIENTS].data + k * POINT_SIZE, &points[k]));
	memcpy(&proof, fields[OPEN_PROOF].data, sizeof proof);
	exchange_look_at(&dealing->exchange, OPEN_PROOF);
	TRY(knowledge_verify(&dealing->exchange.session, index, &points[0], &proof));
	exchange_look_at(&dealing->exchange, OPEN_COEFFICIENTS);
	if (dealing->kind == DEALING_RESHARE &&
	    !point_equal(&points[0], &dealing->expected[party_set_position(&dealing->dealers, index)]))
		return fail(STATUS_UNAUTHORIZED, "dealing.number: party %u deals another number than its old share",
			    index);
	return OK;
}

static enum status
take_dealt_share(struct dealing *dealing, uint8_t index, struct bytes field, const struct point *points) {
	struct scalar dealt, *sum = &secrets_of(dealing)->share;
	struct point expected, actual;
	exchange_look_at(&dealing->exchange, OPEN_SHARE);
	TRY(scalar_read(field.data, &dealt));
	classify_received(&dealt, sizeof dealt);
	enum status status = point_of_secret(&dealt, &actual);
	declassify(&actual, sizeof actual); /* its dealer has it, and the commitments give it */
	if (status == OK)
		status = polynomial_commitment_at(points, dealing->key.threshold, self_of(dealing), &expected);
	if (status == OK && !point_equal(&expected, &actual))
		status = fail(STATUS_UNAUTHORIZED, "dealing.share: party %u deals a share that its commitments deny",
			      index);
	*sum = scalar_add(sum, &dealt);
	secret_wipe(&dealt, sizeof dealt);
	return status;
}

/* Everything that one other party opened; adds its coefficients to the sums. */
static enum status
check_opening(struct dealing *dealing, size_t position, const struct bytes fields[OPEN_FIELDS],
	      struct point (*sums)[PARTIES_MAX]) {
	uint8_t index = parties_of(dealing)->parties[position].index;
	struct hash256 commitment = commit_to(dealing, index, fields);
	if (!hash256_equal(&commitment, &dealing->commitments[position]))
		return fail(STATUS_UNAUTHORIZED, "dealing.commitment: party %u opens another than it committed to",
			    index);
	if (deals(dealing, index)) {
		struct point *points = sums[party_set_position(&dealing->dealers, index)];
		TRY(check_dealer(dealing, index, fields, points));
		if (holds(dealing, self_of(dealing)))
			TRY(take_dealt_share(dealing, index, fields[OPEN_SHARE], points));
	}
	exchange_look_at(&dealing->exchange, OPEN_TREES);
	if (sets_up_with(dealing, position))
		TRY(pairwise_finish(&secrets_of(dealing)->setups[position], dealing->oblivious,
				    &dealing->exchange.session, fields[OPEN_TREES], fields[OPEN_CONTRIBUTION],
				    &secrets_of(dealing)->pairs[position]));
	return OK;
}

static enum status
compute_key(struct dealing *dealing, struct point (*coefficients)[PARTIES_MAX], const struct bytes *chains) {
	struct ecdsa_key *key = &dealing->key;
	struct point total[PARTIES_MAX], column[PARTIES_MAX], public_share;
	uint8_t public_key[POINT_SIZE];
	for (size_t k = 0; k < key->threshold; k++) {
		for (size_t i = 0; i < dealing->dealers.count; i++)
			column[i] = coefficients[i][k];
		TRY(point_sum(column, dealing->dealers.count, &total[k]));
	}
	point_write(&total[0], public_key);
	if (dealing->kind != DEALING_GENERATE && memcmp(public_key, key->public_key, sizeof public_key) != 0)
		return fail(STATUS_UNAUTHORIZED, "dealing.public_key: the numbers dealt do not add up to the key");
	memcpy(key->public_key, public_key, sizeof public_key);
	if (dealing->kind == DEALING_GENERATE) {
		struct hash256 chain =
			session_hash_parts(&dealing->exchange.session, "gatehouse/threshold/ecdsa/chain-code/v1",
					   chains, dealing->dealers.count);
		memcpy(key->chain_code, chain.bytes, sizeof chain.bytes);
	}
	for (size_t i = 0; i < key->holders.count; i++) {
		TRY(polynomial_commitment_at(total, key->threshold, key->holders.parties[i].index, &public_share));
		point_write(&public_share, key->public_shares[i]);
	}
	return OK;
}

static struct hash256
hash_result(const struct dealing *dealing) {
	const struct ecdsa_key *key = &dealing->key;
	return SESSION_HASH(&dealing->exchange.session, "gatehouse/threshold/ecdsa/deal-transcript/v1",
			    hash256_bytes(&dealing->echo), BYTES_OF_ARRAY(key->public_key),
			    BYTES_OF_ARRAY(key->chain_code),
			    bytes_of(key->public_shares, key->holders.count * sizeof key->public_shares[0]));
}

/* The share itself, held back until all have confirmed. */
static enum status
make_share(struct dealing *dealing) {
	TRY(ecdsa_share_create(&dealing->share, &dealing->key, self_of(dealing)));
	*ecdsa_share_value(dealing->share) = secrets_of(dealing)->share;
	for (size_t i = 0; i < parties_of(dealing)->count; i++)
		if (sets_up_with(dealing, i))
			*ecdsa_share_pair(dealing->share, parties_of(dealing)->parties[i].index) =
				secrets_of(dealing)->pairs[i];
	return ecdsa_share_check(dealing->share);
}

static void
write_confirmation(struct dealing *dealing) {
	for (size_t i = 0; i < parties_of(dealing)->count; i++) {
		if (!is_peer(dealing, i))
			continue;
		struct buffer *frame = exchange_frame(&dealing->exchange, i);
		buffer_append_bytes(frame, hash256_bytes(&dealing->transcript));
		if (sets_up_with(dealing, i))
			buffer_append_bytes(frame, hash256_bytes(&secrets_of(dealing)->pairs[i].setup_id));
	}
}

/* What the own dealing gives to this party itself. */
static enum status
deal_to_self(struct dealing *dealing, struct point (*coefficients)[PARTIES_MAX], struct bytes *chains) {
	uint8_t self = self_of(dealing);
	size_t position = party_set_position(&dealing->dealers, self);
	if (position == dealing->dealers.count)
		return OK;
	for (size_t k = 0; k < dealing->key.threshold; k++)
		TRY(point_read(dealing->opening.coefficients + k * POINT_SIZE, &coefficients[position][k]));
	chains[position] = BYTES_OF_ARRAY(dealing->opening.chain);
	if (holds(dealing, self))
		secrets_of(dealing)->share = polynomial_evaluate(&secrets_of(dealing)->polynomial, self);
	return OK;
}

static enum status
check_openings(void *self) {
	struct dealing *dealing = self;
	struct point coefficients[PARTIES_MAX][PARTIES_MAX];
	struct bytes fields[PARTIES_MAX][OPEN_FIELDS] = {}, chains[PARTIES_MAX];
	const struct party_set *parties = parties_of(dealing);
	for (size_t i = 0; i < parties->count; i++) {
		if (!is_peer(dealing, i))
			continue;
		TRY(exchange_fields(&dealing->exchange, i, fields[i]));
		/* Who equivocated, the one that echoes or the one that committed, cannot be told. */
		exchange_look_at(&dealing->exchange, OPEN_ECHO);
		if (!bytes_equal(fields[i][OPEN_ECHO], hash256_bytes(&dealing->echo)))
			return fail(STATUS_UNAUTHORIZED, "dealing.echo: party %u has seen other commitments",
				    parties->parties[i].index);
	}
	exchange_look_away(&dealing->exchange);
	TRY(deal_to_self(dealing, coefficients, chains));
	declassify(dealing->opening.chain, sizeof dealing->opening.chain); /* sent to all */
	for (size_t i = 0; i < parties->count; i++) {
		if (!is_peer(dealing, i))
			continue;
		dealing->exchange.suspect = parties->parties[i].index;
		TRY(check_opening(dealing, i, fields[i], coefficients));
		if (deals(dealing, dealing->exchange.suspect))
			chains[party_set_position(&dealing->dealers, dealing->exchange.suspect)] =
				fields[i][OPEN_CHAIN];
		exchange_look_away(&dealing->exchange);
	}
	TRY(compute_key(dealing, coefficients, chains));
	dealing->transcript = hash_result(dealing);
	if (holds(dealing, self_of(dealing)))
		TRY(make_share(dealing));
	exchange_advance(&dealing->exchange);
	write_confirmation(dealing);
	return OK;
}

/* --- The end --- */

static enum status
check_confirmations(void *self) {
	struct dealing *dealing = self;
	for (size_t i = 0; i < parties_of(dealing)->count; i++) {
		struct bytes fields[CONFIRM_FIELDS];
		if (!is_peer(dealing, i))
			continue;
		TRY(exchange_fields(&dealing->exchange, i, fields));
		exchange_look_at(&dealing->exchange, CONFIRM_TRANSCRIPT);
		if (!bytes_equal(fields[CONFIRM_TRANSCRIPT], hash256_bytes(&dealing->transcript)))
			return fail(STATUS_UNAUTHORIZED, "dealing.transcript: party %u has another result",
				    parties_of(dealing)->parties[i].index);
		dealing->exchange.suspect = parties_of(dealing)->parties[i].index;
		exchange_look_at(&dealing->exchange, CONFIRM_SETUP);
		if (sets_up_with(dealing, i) &&
		    !bytes_equal(fields[CONFIRM_SETUP], hash256_bytes(&secrets_of(dealing)->pairs[i].setup_id)))
			return fail(STATUS_UNAUTHORIZED, "dealing.setup: party %u has another set-up",
				    dealing->exchange.suspect);
		exchange_look_away(&dealing->exchange);
	}
	dealing->confirmed = true;
	secret_wipe(dealing->memory.data, dealing->memory.len);
	exchange_advance(&dealing->exchange);
	return OK;
}

static void
wipe_ended(void *self, enum status) {
	struct dealing *dealing = self;
	dealing->confirmed = false;
	ecdsa_share_destroy(&dealing->share);
	secret_wipe(dealing->memory.data, dealing->memory.len);
}

static const struct exchange_protocol PROTOCOL = {
	.kinds = DEALING_MESSAGES,
	.rounds = DEALING_ROUNDS,
	.steps = {answer_commitments, check_openings, check_confirmations},
	.counts = dealing_counts,
	.ended = wipe_ended,
};

struct exchange *
dealing_exchange(struct dealing *dealing) {
	return &dealing->exchange;
}

bool
dealing_confirmed(const struct dealing *dealing, struct ecdsa_key *key) {
	if (dealing->confirmed)
		*key = dealing->key;
	return dealing->confirmed;
}

struct ecdsa_share *
dealing_take_share(struct dealing *dealing) {
	return dealing->confirmed ? TAKE(dealing->share) : nullptr;
}
