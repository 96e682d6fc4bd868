#include "keys/threshold/frost/frost_dealing.h"

#include <stdlib.h>

#include "crypto/declassify.h"
#include "keys/threshold/frost/knowledge.h"

enum { COUNT_COEFFICIENTS = 1, COUNT_PROOF, COUNT_DEALER, COUNT_SHARE }; /* the first two in bytes */

enum open_field { OPEN_ECHO, OPEN_SALT, OPEN_COEFFICIENTS, OPEN_PROOF, OPEN_CHAIN, OPEN_SHARE, OPEN_FIELDS };

/* One field, a hash: of what is committed to, of the result that is confirmed. */
constexpr size_t HASH_FIELDS = 1;

const struct message_kind FROST_DEALING_MESSAGES[FROST_DEALING_ROUNDS] = {
	{9, "frost-deal.commit", HASH_FIELDS, {{"frost-deal.commitment", 32, 0}}},
	{10,
	 "frost-deal.open",
	 OPEN_FIELDS,
	 {[OPEN_ECHO] = {"frost-deal.echo", 32, 0},
	  [OPEN_SALT] = {"frost-deal.salt", 32, 0},
	  [OPEN_COEFFICIENTS] = {"frost-deal.coefficients", 1, COUNT_COEFFICIENTS},
	  [OPEN_PROOF] = {"frost-deal.proof", 1, COUNT_PROOF},
	  [OPEN_CHAIN] = {"frost-deal.chain", 32, COUNT_DEALER},
	  [OPEN_SHARE] = {"frost-deal.share", 32, COUNT_SHARE}}},
	{11, "frost-deal.confirm", HASH_FIELDS, {{"frost-deal.transcript", 32, 0}}},
};

/* What is opened by one party; a party that does not deal opens a salt only. */
struct opening {
	uint8_t salt[32];
	uint8_t coefficients[PARTIES_MAX * sizeof(struct frost_element)];
	uint8_t proof[FROST_PROOF_MAX];
	uint8_t chain[32];
};

struct dealing_secrets {
	struct frost_scalar polynomial[PARTIES_MAX];
	struct frost_scalar share;
};

struct frost_dealing {
	struct exchange exchange;
	enum frost_dealing_kind kind;
	const struct frost_suite *suite;
	struct frost_key_info key; /* becomes complete in the second round */
	struct party_set dealers;
	struct secret memory;
	struct opening opening;
	struct frost_element expected[PARTIES_MAX]; /* reshare: the number of each dealer times the generator */
	struct hash256 commitments[PARTIES_MAX];
	struct hash256 echo, transcript;
	bool confirmed;
	struct frost_key_share *share;
};

static struct dealing_secrets *
secrets_of(const struct frost_dealing *dealing) {
	return (struct dealing_secrets *)(void *)dealing->memory.data;
}

static bool
deals(const struct frost_dealing *dealing, uint8_t index) {
	return party_set_has(&dealing->dealers, index);
}

static bool
holds(const struct frost_dealing *dealing, uint8_t index) {
	return party_set_has(&dealing->key.holders, index);
}

struct message_counts
frost_dealing_counts(const void *context, uint8_t from, uint8_t to) {
	const struct frost_dealing *dealing = context;
	bool dealer = deals(dealing, from);
	uint32_t element = (uint32_t)dealing->suite->element_size;
	return (struct message_counts){.counts = {
					       [COUNT_COEFFICIENTS] = dealer ? dealing->key.threshold * element : 0,
					       [COUNT_PROOF] = dealer ? element + 32 : 0,
					       [COUNT_DEALER] = dealer,
					       [COUNT_SHARE] = dealer && holds(dealing, to),
				       }};
}

static const struct party_set *
parties_of(const struct frost_dealing *dealing) {
	return &dealing->exchange.session.parties;
}

static uint8_t
self_of(const struct frost_dealing *dealing) {
	return dealing->exchange.session.self;
}

static bool
is_peer(const struct frost_dealing *dealing, size_t position) {
	return parties_of(dealing)->parties[position].index != self_of(dealing);
}

/* --- Terms --- */

static enum status
check_reshare(const struct frost_dealing_terms *terms) {
	const struct frost_key_info *key = &terms->key, *old = terms->old_key;
	if (old == nullptr || terms->dealers == nullptr || terms->dealers->count != old->threshold ||
	    key->epoch <= old->epoch || key->purpose != old->purpose || key->scheme != old->scheme ||
	    strcmp(key->id, old->id) != 0 || memcmp(&key->public_key, &old->public_key, sizeof key->public_key) != 0 ||
	    memcmp(key->chain_code, old->chain_code, sizeof key->chain_code) != 0)
		return fail(STATUS_INVALID, "frost_dealing.terms: do not follow from the key as it was");
	TRY(party_set_check(terms->dealers));
	for (size_t i = 0; i < terms->dealers->count; i++) {
		const struct party *dealer = &terms->dealers->parties[i];
		size_t at = party_set_position(&old->holders, dealer->index);
		if (at == old->holders.count ||
		    memcmp(dealer->identity, old->holders.parties[at].identity, PARTY_IDENTITY_SIZE) != 0)
			return fail(STATUS_INVALID, "frost_dealing.terms: dealer %u was no holder", dealer->index);
	}
	bool deals = party_set_has(terms->dealers, terms->self);
	if (deals != (terms->old_share != nullptr) ||
	    (deals && (terms->old_share->self != terms->self || terms->old_share->key.epoch != old->epoch)))
		return fail(STATUS_INVALID,
			    "frost_dealing.terms: a dealer needs its share of the old epoch, and nobody else");
	return OK;
}

static enum status
check_terms(const struct frost_dealing_terms *terms) {
	const struct frost_key_info *key = &terms->key;
	TRY(party_set_check(&key->holders));
	if (key->holders.count < 2 || key->threshold < 2 || key->threshold > key->holders.count)
		return fail(STATUS_INVALID, "frost_dealing.terms: %u of %u", key->threshold, key->holders.count);
	if ((unsigned)key->purpose >= KEY_PURPOSE_COUNT || frost_scheme_suite(key->scheme) == nullptr)
		return fail(STATUS_INVALID, "frost_dealing.terms: purpose %d, scheme %d", (int)key->purpose,
			    (int)key->scheme);
	TRY(key_check_id(bytes_of_text(key->id)));
	return terms->kind == FROST_DEALING_RESHARE ? check_reshare(terms) : OK;
}

static struct hash256
hash_request(const struct frost_dealing_terms *terms, const struct frost_suite *suite,
	     const struct party_set *dealers) {
	uint8_t old_epoch[4] = {}, dealing[PARTIES_MAX], holding[PARTIES_MAX];
	bool known = terms->kind == FROST_DEALING_RESHARE;
	for (size_t i = 0; i < dealers->count; i++)
		dealing[i] = dealers->parties[i].index;
	for (size_t i = 0; i < terms->key.holders.count; i++)
		holding[i] = terms->key.holders.parties[i].index;
	if (known)
		store_u32be(old_epoch, terms->old_key->epoch);
	const struct protocol_session none = {};
	return SESSION_HASH(&none, "gatehouse/threshold/frost/dealing-request/v1", SESSION_BYTE((uint8_t)terms->kind),
			    SESSION_BYTE((uint8_t)terms->key.scheme), SESSION_BYTE((uint8_t)terms->key.purpose),
			    bytes_of(dealing, dealers->count), bytes_of(holding, terms->key.holders.count),
			    BYTES_OF_ARRAY(old_epoch),
			    bytes_of(terms->key.public_key.bytes, known ? suite->element_size : 0),
			    bytes_of(terms->key.chain_code, known ? sizeof terms->key.chain_code : 0));
}

static const struct exchange_protocol PROTOCOL;

static enum status
open_exchange(struct frost_dealing *dealing, const struct frost_dealing_terms *terms) {
	struct party_set parties;
	struct protocol_session session;
	struct hash256 request = hash_request(terms, dealing->suite, &dealing->dealers);
	TRY(party_set_union(&dealing->dealers, &terms->key.holders, &parties));
	TRY(session_open(&(struct session_terms){.protocol = "gatehouse/threshold/frost/dealing/v1",
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

static void
dealer_coefficient(const struct frost_dealing *dealing, size_t position, struct frost_scalar *coefficient) {
	uint16_t identifiers[PARTIES_MAX];
	for (size_t i = 0; i < dealing->dealers.count; i++)
		identifiers[i] = dealing->dealers.parties[i].index;
	*coefficient = frost_coefficient(dealing->suite, identifiers, dealing->dealers.count, position);
}

/* Reshare: what each dealer must deal is known from the old public shares. */
static enum status
expect_numbers(struct frost_dealing *dealing, const struct frost_dealing_terms *terms) {
	for (size_t i = 0; terms->kind == FROST_DEALING_RESHARE && i < dealing->dealers.count; i++) {
		struct frost_scalar coefficient;
		size_t holder = party_set_position(&terms->old_key->holders, dealing->dealers.parties[i].index);
		dealer_coefficient(dealing, i, &coefficient);
		TRY(dealing->suite->element_multiply(&terms->old_key->public_shares[holder], &coefficient,
						     &dealing->expected[i]));
	}
	return OK;
}

static enum status
make_polynomial(struct frost_dealing *dealing, const struct frost_dealing_terms *terms) {
	struct frost_scalar *polynomial = secrets_of(dealing)->polynomial;
	for (size_t i = 0; i < dealing->key.threshold; i++)
		polynomial[i] = frost_scalar_random(dealing->suite, &terms->randomness);
	if (terms->kind == FROST_DEALING_GENERATE)
		return OK;
	struct frost_scalar coefficient;
	TRY(frost_key_share_check(terms->old_share));
	dealer_coefficient(dealing, party_set_position(&dealing->dealers, terms->self), &coefficient);
	polynomial[0] = dealing->suite->multiply(&coefficient, frost_key_share_value(terms->old_share));
	return OK;
}

static enum status
make_opening(struct frost_dealing *dealing, const struct frost_dealing_terms *terms) {
	struct opening *opening = &dealing->opening;
	const struct frost_suite *suite = dealing->suite;
	if (deals(dealing, terms->self)) {
		struct frost_element first = {}, element;
		TRY(make_polynomial(dealing, terms));
		for (size_t i = 0; i < dealing->key.threshold; i++) {
			TRY(suite->element_of(&secrets_of(dealing)->polynomial[i], &element));
			memcpy(opening->coefficients + i * suite->element_size, element.bytes, suite->element_size);
			first = i == 0 ? element : first;
		}
		TRY(frost_knowledge_prove(suite, &dealing->exchange.session, terms->self,
					  &secrets_of(dealing)->polynomial[0], &first, &terms->randomness,
					  opening->proof));
		randomness_fill(&terms->randomness, opening->chain, sizeof opening->chain);
	}
	randomness_fill(&terms->randomness, opening->salt, sizeof opening->salt);
	return OK;
}

static struct hash256
commit_to(const struct frost_dealing *dealing, uint8_t index, const struct bytes fields[OPEN_FIELDS]) {
	return SESSION_HASH(&dealing->exchange.session, "gatehouse/threshold/frost/deal-commitment/v1",
			    bytes_of(&index, 1), fields[OPEN_SALT], fields[OPEN_COEFFICIENTS], fields[OPEN_PROOF],
			    fields[OPEN_CHAIN]);
}

/* The own opening, as if it had been received. */
static void
own_fields(const struct frost_dealing *dealing, struct bytes fields[OPEN_FIELDS]) {
	const struct opening *opening = &dealing->opening;
	struct message_counts counts = frost_dealing_counts(dealing, self_of(dealing), self_of(dealing));
	fields[OPEN_SALT] = BYTES_OF_ARRAY(opening->salt);
	fields[OPEN_COEFFICIENTS] = bytes_of(opening->coefficients, counts.counts[COUNT_COEFFICIENTS]);
	fields[OPEN_PROOF] = bytes_of(opening->proof, counts.counts[COUNT_PROOF]);
	fields[OPEN_CHAIN] = bytes_of(opening->chain, 32 * (size_t)counts.counts[COUNT_DEALER]);
}

static enum status
write_first_round(struct frost_dealing *dealing) {
	struct bytes own[OPEN_FIELDS] = {};
	own_fields(dealing, own);
	struct hash256 commitment = commit_to(dealing, self_of(dealing), own);
	declassify(&commitment, sizeof commitment);
	dealing->commitments[party_set_position(parties_of(dealing), self_of(dealing))] = commitment;
	return exchange_tell_all(&dealing->exchange, hash256_bytes(&commitment));
}

enum status
frost_dealing_start(struct frost_dealing **dealing, const struct frost_dealing_terms *terms) {
	_cleanup_(frost_dealing_destroy) struct frost_dealing *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->exchange.state = EXCHANGE_ABORTED;
	TRY(check_terms(terms));
	made->kind = terms->kind;
	made->key = terms->key;
	made->suite = frost_scheme_suite(terms->key.scheme);
	made->dealers = terms->kind == FROST_DEALING_RESHARE ? *terms->dealers : terms->key.holders;
	TRY(secret_alloc(&made->memory, sizeof(struct dealing_secrets)));
	TRY(open_exchange(made, terms));
	TRY(expect_numbers(made, terms));
	TRY(make_opening(made, terms));
	TRY(write_first_round(made));
	*dealing = TAKE(made);
	return OK;
}

void
frost_dealing_destroy(struct frost_dealing **dealing) {
	struct frost_dealing *gone = TAKE(*dealing);
	if (gone == nullptr)
		return;
	exchange_close(&gone->exchange);
	frost_key_share_destroy(&gone->share);
	secret_free(&gone->memory);
	free(gone);
}

/* --- Second round --- */

static struct frost_scalar
share_for(const struct frost_dealing *dealing, uint8_t index) {
	const struct frost_suite *suite = dealing->suite;
	const struct frost_scalar *polynomial = secrets_of(dealing)->polynomial, at = suite->scalar_of(index);
	struct frost_scalar value = polynomial[dealing->key.threshold - 1];
	for (size_t i = dealing->key.threshold - 1u; i-- > 0;) {
		value = suite->multiply(&value, &at);
		value = suite->add(&value, &polynomial[i]);
	}
	return value;
}

static enum status
append_opening(const struct frost_dealing *dealing, size_t position, struct buffer *frame) {
	struct bytes own[OPEN_FIELDS] = {};
	uint8_t index = parties_of(dealing)->parties[position].index;
	own_fields(dealing, own);
	buffer_append_bytes(frame, hash256_bytes(&dealing->echo));
	for (size_t field = OPEN_SALT; field <= OPEN_CHAIN; field++)
		buffer_append_bytes(frame, own[field]);
	if (deals(dealing, self_of(dealing)) && holds(dealing, index)) {
		struct frost_scalar share = share_for(dealing, index);
		buffer_append(frame, share.bytes, sizeof share.bytes);
		secret_wipe(&share, sizeof share);
	}
	return buffer_status(frame);
}

static enum status
answer_commitments(void *self) {
	struct frost_dealing *dealing = self;
	const struct protocol_session *session = &dealing->exchange.session;
	for (size_t i = 0; i < session->parties.count; i++) {
		struct bytes field;
		if (!is_peer(dealing, i))
			continue;
		TRY(exchange_fields(&dealing->exchange, i, &field));
		memcpy(dealing->commitments[i].bytes, field.data, 32);
	}
	dealing->echo = session_hash_of_all(session, "gatehouse/threshold/frost/deal-echo/v1", dealing->commitments);
	exchange_advance(&dealing->exchange);
	for (size_t i = 0; i < session->parties.count; i++)
		if (is_peer(dealing, i))
			TRY(append_opening(dealing, i, exchange_frame(&dealing->exchange, i)));
	return OK;
}

/* --- Third round --- */

/* The coefficients of one dealer, its proof and its number. */
static enum status
check_dealer(struct frost_dealing *dealing, uint8_t index, const struct bytes fields[OPEN_FIELDS],
	     struct frost_element coefficients[PARTIES_MAX]) {
	const struct frost_suite *suite = dealing->suite;
	exchange_look_at(&dealing->exchange, OPEN_COEFFICIENTS);
	for (size_t k = 0; k < dealing->key.threshold; k++)
		TRY(suite->element_read(fields[OPEN_COEFFICIENTS].data + k * suite->element_size, &coefficients[k]));
	exchange_look_at(&dealing->exchange, OPEN_PROOF);
	TRY(frost_knowledge_verify(suite, &dealing->exchange.session, index, &coefficients[0],
				   fields[OPEN_PROOF].data));
	exchange_look_at(&dealing->exchange, OPEN_COEFFICIENTS);
	if (dealing->kind == FROST_DEALING_RESHARE &&
	    memcmp(&coefficients[0], &dealing->expected[party_set_position(&dealing->dealers, index)],
		   suite->element_size) != 0)
		return fail(STATUS_UNAUTHORIZED,
			    "frost_dealing.number: party %u deals another number than its old share", index);
	return OK;
}

static enum status
take_dealt_share(struct frost_dealing *dealing, uint8_t index, struct bytes field,
		 const struct frost_element *coefficients) {
	const struct frost_suite *suite = dealing->suite;
	struct frost_scalar dealt, *sum = &secrets_of(dealing)->share;
	struct frost_element expected, actual;
	exchange_look_at(&dealing->exchange, OPEN_SHARE);
	TRY(suite->scalar_read(field.data, &dealt));
	classify_received(&dealt, sizeof dealt);
	enum status status = suite->element_of(&dealt, &actual); /* its dealer has it, and the commitments give it */
	if (status == OK)
		status = frost_commitment_at(suite, coefficients, dealing->key.threshold, self_of(dealing), &expected);
	if (status == OK && memcmp(&expected, &actual, suite->element_size) != 0)
		status = fail(STATUS_UNAUTHORIZED,
			      "frost_dealing.share: party %u deals a share that its commitments deny", index);
	*sum = suite->add(sum, &dealt);
	secret_wipe(&dealt, sizeof dealt);
	return status;
}

/* Everything that one other party opened. */
static enum status
check_opening(struct frost_dealing *dealing, size_t position, const struct bytes fields[OPEN_FIELDS],
	      struct frost_element (*coefficients)[PARTIES_MAX]) {
	uint8_t index = parties_of(dealing)->parties[position].index;
	struct hash256 commitment = commit_to(dealing, index, fields);
	if (!hash256_equal(&commitment, &dealing->commitments[position]))
		return fail(STATUS_UNAUTHORIZED,
			    "frost_dealing.commitment: party %u opens another than it committed to", index);
	if (!deals(dealing, index))
		return OK;
	struct frost_element *own = coefficients[party_set_position(&dealing->dealers, index)];
	TRY(check_dealer(dealing, index, fields, own));
	return holds(dealing, self_of(dealing)) ? take_dealt_share(dealing, index, fields[OPEN_SHARE], own) : OK;
}

static enum status
compute_key(struct frost_dealing *dealing, struct frost_element (*coefficients)[PARTIES_MAX],
	    const struct bytes *chains) {
	const struct frost_suite *suite = dealing->suite;
	struct frost_key_info *key = &dealing->key;
	struct frost_element total[PARTIES_MAX];
	for (size_t k = 0; k < key->threshold; k++) {
		total[k] = coefficients[0][k];
		for (size_t i = 1; i < dealing->dealers.count; i++)
			TRY(suite->element_add(&total[k], &coefficients[i][k], &total[k]));
	}
	if (dealing->kind == FROST_DEALING_RESHARE && memcmp(&total[0], &key->public_key, suite->element_size) != 0)
		return fail(STATUS_UNAUTHORIZED,
			    "frost_dealing.public_key: the numbers dealt do not add up to the key");
	key->public_key = total[0];
	if (dealing->kind == FROST_DEALING_GENERATE) {
		struct hash256 chain =
			session_hash_parts(&dealing->exchange.session, "gatehouse/threshold/frost/chain-code/v1",
					   chains, dealing->dealers.count);
		memcpy(key->chain_code, chain.bytes, sizeof chain.bytes);
	}
	for (size_t i = 0; i < key->holders.count; i++)
		TRY(frost_commitment_at(suite, total, key->threshold, key->holders.parties[i].index,
					&key->public_shares[i]));
	return OK;
}

static struct hash256
hash_result(const struct frost_dealing *dealing) {
	const struct frost_key_info *key = &dealing->key;
	struct bytes parts[3 + PARTIES_MAX] = {hash256_bytes(&dealing->echo),
					       frost_element_bytes(dealing->suite, &key->public_key),
					       BYTES_OF_ARRAY(key->chain_code)};
	for (size_t i = 0; i < key->holders.count; i++)
		parts[3 + i] = frost_element_bytes(dealing->suite, &key->public_shares[i]);
	return session_hash_parts(&dealing->exchange.session, "gatehouse/threshold/frost/deal-transcript/v1", parts,
				  3 + (size_t)key->holders.count);
}

/* The share itself, held back until all have confirmed. */
static enum status
make_share(struct frost_dealing *dealing) {
	TRY(frost_key_share_create(&dealing->share, &dealing->key, self_of(dealing)));
	*frost_key_share_value(dealing->share) = secrets_of(dealing)->share;
	return frost_key_share_check(dealing->share);
}

/* What the own dealing gives to this party itself. */
static enum status
deal_to_self(struct frost_dealing *dealing, struct frost_element (*coefficients)[PARTIES_MAX], struct bytes *chains) {
	const struct frost_suite *suite = dealing->suite;
	size_t position = party_set_position(&dealing->dealers, self_of(dealing));
	if (position == dealing->dealers.count)
		return OK;
	for (size_t k = 0; k < dealing->key.threshold; k++)
		TRY(suite->element_read(dealing->opening.coefficients + k * suite->element_size,
					&coefficients[position][k]));
	chains[position] = BYTES_OF_ARRAY(dealing->opening.chain);
	if (holds(dealing, self_of(dealing)))
		secrets_of(dealing)->share = share_for(dealing, self_of(dealing));
	return OK;
}

static enum status
check_echoes(struct frost_dealing *dealing, struct bytes (*fields)[OPEN_FIELDS]) {
	for (size_t i = 0; i < parties_of(dealing)->count; i++) {
		if (!is_peer(dealing, i))
			continue;
		TRY(exchange_fields(&dealing->exchange, i, fields[i]));
		/* Who equivocated, the one that echoes or the one that committed, cannot be told. */
		exchange_look_at(&dealing->exchange, OPEN_ECHO);
		if (!bytes_equal(fields[i][OPEN_ECHO], hash256_bytes(&dealing->echo)))
			return fail(STATUS_UNAUTHORIZED, "frost_dealing.echo: party %u has seen other commitments",
				    parties_of(dealing)->parties[i].index);
	}
	exchange_look_away(&dealing->exchange);
	return OK;
}

static enum status
check_openings(void *self) {
	struct frost_dealing *dealing = self;
	struct frost_element coefficients[PARTIES_MAX][PARTIES_MAX];
	struct bytes fields[PARTIES_MAX][OPEN_FIELDS] = {}, chains[PARTIES_MAX];
	TRY(check_echoes(dealing, fields));
	TRY(deal_to_self(dealing, coefficients, chains));
	declassify(dealing->opening.chain, sizeof dealing->opening.chain); /* sent to all */
	for (size_t i = 0; i < parties_of(dealing)->count; i++) {
		if (!is_peer(dealing, i))
			continue;
		dealing->exchange.suspect = parties_of(dealing)->parties[i].index;
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
	return exchange_tell_all(&dealing->exchange, hash256_bytes(&dealing->transcript));
}

/* --- The end --- */

static enum status
check_confirmations(void *self) {
	struct frost_dealing *dealing = self;
	for (size_t i = 0; i < parties_of(dealing)->count; i++) {
		struct bytes field;
		if (!is_peer(dealing, i))
			continue;
		TRY(exchange_fields(&dealing->exchange, i, &field));
		if (bytes_equal(field, hash256_bytes(&dealing->transcript)))
			continue;
		dealing->exchange.suspect = 0; /* who equivocated cannot be told */
		exchange_look_at(&dealing->exchange, 0);
		return fail(STATUS_UNAUTHORIZED, "frost_dealing.transcript: party %u has another result",
			    parties_of(dealing)->parties[i].index);
	}
	dealing->confirmed = true;
	secret_wipe(dealing->memory.data, dealing->memory.len);
	exchange_advance(&dealing->exchange);
	return OK;
}

static void
wipe_ended(void *self, enum status) {
	struct frost_dealing *dealing = self;
	dealing->confirmed = false;
	frost_key_share_destroy(&dealing->share);
	secret_wipe(dealing->memory.data, dealing->memory.len);
}

static const struct exchange_protocol PROTOCOL = {
	.kinds = FROST_DEALING_MESSAGES,
	.rounds = FROST_DEALING_ROUNDS,
	.steps = {answer_commitments, check_openings, check_confirmations},
	.counts = frost_dealing_counts,
	.ended = wipe_ended,
};

struct exchange *
frost_dealing_exchange(struct frost_dealing *dealing) {
	return &dealing->exchange;
}

bool
frost_dealing_confirmed(const struct frost_dealing *dealing, struct frost_key_info *key) {
	if (dealing->confirmed)
		*key = dealing->key;
	return dealing->confirmed;
}

struct frost_key_share *
frost_dealing_take_share(struct frost_dealing *dealing) {
	return dealing->confirmed ? TAKE(dealing->share) : nullptr;
}
