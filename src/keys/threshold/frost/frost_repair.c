#include "keys/threshold/frost/frost_repair.h"

#include <stdlib.h>

#include "crypto/declassify.h"

enum { COUNT_COMMITMENTS = 1, COUNT_PART, COUNT_SUM }; /* the first in bytes */
enum split_field { SPLIT_COMMITMENTS, SPLIT_PART, SPLIT_FIELDS };
enum sum_field { SUM_ECHO, SUM_SUM, SUM_FIELDS };

const struct message_kind FROST_REPAIR_MESSAGES[FROST_REPAIR_ROUNDS] = {
	{13,
	 "frost-repair.split",
	 SPLIT_FIELDS,
	 {[SPLIT_COMMITMENTS] = {"frost-repair.commitments", 1, COUNT_COMMITMENTS},
	  [SPLIT_PART] = {"frost-repair.part", 32, COUNT_PART}}},
	{14,
	 "frost-repair.sum",
	 SUM_FIELDS,
	 {[SUM_ECHO] = {"frost-repair.echo", 32, 0}, [SUM_SUM] = {"frost-repair.sum", 32, COUNT_SUM}}},
	{15, "frost-repair.stored", 1, {{"frost-repair.stored", 32, 0}}},
};

struct repair_secrets {
	struct frost_scalar parts[PARTIES_MAX]; /* of the own product, in the order of helpers */
	struct frost_scalar sum;                /* of what came; at the lost holder, in the end, its share */
};

struct frost_repair {
	struct exchange exchange;
	const struct frost_suite *suite;
	struct frost_key_info key;
	struct party_set helpers;
	uint8_t lost;
	struct secret memory;
	/* commitments[i][j]: to what helper i gives helper j. */
	struct frost_element commitments[PARTIES_MAX][PARTIES_MAX];
	struct hash256 echo;
	bool repaired, stored;
	struct frost_key_share *share;
};

static struct repair_secrets *
secrets_of(const struct frost_repair *repair) {
	return (struct repair_secrets *)(void *)repair->memory.data;
}

static const struct party_set *
parties_of(const struct frost_repair *repair) {
	return &repair->exchange.session.parties;
}

static uint8_t
self_of(const struct frost_repair *repair) {
	return repair->exchange.session.self;
}

static bool
helps(const struct frost_repair *repair, uint8_t index) {
	return party_set_has(&repair->helpers, index);
}

static bool
is_peer(const struct frost_repair *repair, size_t position) {
	return parties_of(repair)->parties[position].index != self_of(repair);
}

struct message_counts
frost_repair_counts(const void *context, uint8_t from, uint8_t to) {
	const struct frost_repair *repair = context;
	uint32_t element = (uint32_t)repair->suite->element_size;
	bool helper = helps(repair, from);
	return (struct message_counts){.counts = {
					       [COUNT_COMMITMENTS] = helper ? repair->helpers.count * element : 0,
					       [COUNT_PART] = helper && helps(repair, to),
					       [COUNT_SUM] = helper && to == repair->lost,
				       }};
}

/* --- Terms --- */

static enum status
check_terms(const struct frost_repair_terms *terms) {
	const struct frost_key_info *key = terms->key;
	TRY(party_set_check(&key->holders));
	TRY(party_set_check(terms->helpers));
	bool is_lost = terms->self == terms->lost;
	if (frost_scheme_suite(key->scheme) == nullptr || !party_set_has(&key->holders, terms->lost) ||
	    party_set_has(terms->helpers, terms->lost) || terms->helpers->count != key->threshold ||
	    key->threshold < 2 || is_lost != (terms->share == nullptr))
		return fail(
			STATUS_INVALID,
			"frost_repair.terms: %u helpers for holder %u, where %u others are needed, with a share each",
			terms->helpers->count, terms->lost, key->threshold);
	for (size_t i = 0; i < terms->helpers->count; i++) {
		const struct party *helper = &terms->helpers->parties[i];
		size_t at = party_set_position(&key->holders, helper->index);
		if (at == key->holders.count ||
		    memcmp(helper->identity, key->holders.parties[at].identity, PARTY_IDENTITY_SIZE) != 0)
			return fail(STATUS_INVALID, "frost_repair.terms: helper %u is no holder", helper->index);
	}
	if (!is_lost && (terms->share->self != terms->self || terms->share->key.epoch != key->epoch))
		return fail(STATUS_INVALID, "frost_repair.terms: the share is another's or of another epoch");
	return OK;
}

static const struct exchange_protocol PROTOCOL;

static enum status
open_exchange(struct frost_repair *repair, const struct frost_repair_terms *terms) {
	struct party_set parties, lost;
	struct protocol_session session;
	uint8_t helping[PARTIES_MAX];
	const struct protocol_session none = {};
	for (size_t i = 0; i < repair->helpers.count; i++)
		helping[i] = repair->helpers.parties[i].index;
	struct hash256 request = SESSION_HASH(&none, "gatehouse/threshold/frost/repair-request/v1",
					      SESSION_BYTE((uint8_t)repair->key.scheme), SESSION_BYTE(terms->lost),
					      bytes_of(helping, repair->helpers.count),
					      frost_element_bytes(repair->suite, &repair->key.public_key));
	TRY(party_set_choose(&repair->key.holders, &terms->lost, 1, &lost));
	TRY(party_set_union(&repair->helpers, &lost, &parties));
	TRY(session_open(&(struct session_terms){.protocol = "gatehouse/threshold/frost/repair/v1",
						 .instance = terms->instance,
						 .key_id = bytes_of_text(repair->key.id),
						 .epoch = repair->key.epoch,
						 .threshold = repair->key.threshold,
						 .self = terms->self,
						 .parties = &parties,
						 .nonce = terms->nonce,
						 .request = hash256_bytes(&request)},
			 &session));
	exchange_open(&repair->exchange, &session, &PROTOCOL, repair);
	return OK;
}

/* --- First round --- */

static struct frost_scalar
coefficient_of(const struct frost_repair *repair, size_t position) {
	uint16_t identifiers[PARTIES_MAX];
	for (size_t i = 0; i < repair->helpers.count; i++)
		identifiers[i] = repair->helpers.parties[i].index;
	return frost_coefficient_at(repair->suite, identifiers, repair->helpers.count, position, repair->lost);
}

/* Random summands of coefficient · share, and their commitments. */
static enum status
split_share(struct frost_repair *repair, const struct frost_repair_terms *terms) {
	const struct frost_suite *suite = repair->suite;
	size_t own = party_set_position(&repair->helpers, terms->self), last = repair->helpers.count - 1u;
	struct frost_scalar *parts = secrets_of(repair)->parts, rest = coefficient_of(repair, own);
	TRY(frost_key_share_check(terms->share));
	rest = suite->multiply(&rest, frost_key_share_value(terms->share));
	for (size_t i = 0; i < last; i++) {
		parts[i] = frost_scalar_random(suite, &terms->randomness);
		rest = suite->subtract(&rest, &parts[i]);
	}
	parts[last] = rest;
	secret_wipe(&rest, sizeof rest);
	for (size_t i = 0; i <= last; i++)
		TRY(suite->element_of(&parts[i], &repair->commitments[own][i]));
	secrets_of(repair)->sum = parts[own];
	return OK;
}

static enum status
write_first_round(struct frost_repair *repair) {
	const struct frost_suite *suite = repair->suite;
	size_t own = party_set_position(&repair->helpers, self_of(repair));
	for (size_t i = 0; i < parties_of(repair)->count; i++) {
		if (!is_peer(repair, i))
			continue;
		struct buffer *frame = exchange_frame(&repair->exchange, i);
		size_t to = party_set_position(&repair->helpers, parties_of(repair)->parties[i].index);
		for (size_t k = 0; own < repair->helpers.count && k < repair->helpers.count; k++)
			buffer_append_bytes(frame, frost_element_bytes(suite, &repair->commitments[own][k]));
		if (own < repair->helpers.count && to < repair->helpers.count)
			buffer_append(frame, secrets_of(repair)->parts[to].bytes, 32);
		TRY(buffer_status(frame));
	}
	return OK;
}

enum status
frost_repair_start(struct frost_repair **repair, const struct frost_repair_terms *terms) {
	_cleanup_(frost_repair_destroy) struct frost_repair *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->exchange.state = EXCHANGE_ABORTED;
	TRY(check_terms(terms));
	made->key = *terms->key;
	made->suite = frost_scheme_suite(terms->key->scheme);
	made->helpers = *terms->helpers;
	made->lost = terms->lost;
	TRY(secret_alloc(&made->memory, sizeof(struct repair_secrets)));
	TRY(open_exchange(made, terms));
	if (terms->share != nullptr)
		TRY(split_share(made, terms));
	TRY(write_first_round(made));
	*repair = TAKE(made);
	return OK;
}

void
frost_repair_destroy(struct frost_repair **repair) {
	struct frost_repair *gone = TAKE(*repair);
	if (gone == nullptr)
		return;
	exchange_close(&gone->exchange);
	frost_key_share_destroy(&gone->share);
	secret_free(&gone->memory);
	free(gone);
}

/* --- Second round --- */

/* The sum of elements, in a column or row of commitments. */
static enum status
sum_elements(const struct frost_suite *suite, const struct frost_element *first, size_t stride, size_t count,
	     struct frost_element *sum) {
	*sum = *first;
	for (size_t i = 1; i < count; i++)
		TRY(suite->element_add(sum, first + i * stride, sum));
	return OK;
}

/* What a helper commits to adds up to its coefficient times its public share. */
static enum status
check_commitments(struct frost_repair *repair, size_t helper, struct bytes field) {
	const struct frost_suite *suite = repair->suite;
	uint8_t index = repair->helpers.parties[helper].index;
	const struct frost_element *public_share =
		&repair->key.public_shares[party_set_position(&repair->key.holders, index)];
	struct frost_scalar coefficient = coefficient_of(repair, helper);
	struct frost_element expected, sum;
	for (size_t i = 0; i < repair->helpers.count; i++)
		TRY(suite->element_read(field.data + i * suite->element_size, &repair->commitments[helper][i]));
	TRY(suite->element_multiply(public_share, &coefficient, &expected));
	TRY(sum_elements(suite, repair->commitments[helper], 1, repair->helpers.count, &sum));
	if (memcmp(&sum, &expected, suite->element_size) != 0)
		return fail(STATUS_UNAUTHORIZED, "frost_repair.number: helper %u splits another number than its share",
			    index);
	return OK;
}

static enum status
take_part(struct frost_repair *repair, size_t helper, struct bytes field) {
	const struct frost_suite *suite = repair->suite;
	size_t own = party_set_position(&repair->helpers, self_of(repair));
	struct frost_scalar part, *sum = &secrets_of(repair)->sum;
	struct frost_element actual;
	TRY(suite->scalar_read(field.data, &part));
	enum status status = suite->element_of(&part, &actual); /* its maker has committed to it */
	if (status == OK && memcmp(&actual, &repair->commitments[helper][own], suite->element_size) != 0)
		status = fail(STATUS_UNAUTHORIZED, "frost_repair.part: helper %u gives another than it committed to",
			      repair->helpers.parties[helper].index);
	*sum = suite->add(sum, &part);
	secret_wipe(&part, sizeof part);
	return status;
}

static struct hash256
hash_commitments(const struct frost_repair *repair) {
	_cleanup_(buffer_free) struct buffer all = {};
	for (size_t i = 0; i < repair->helpers.count; i++)
		for (size_t k = 0; k < repair->helpers.count; k++)
			buffer_append_bytes(&all, frost_element_bytes(repair->suite, &repair->commitments[i][k]));
	return SESSION_HASH(&repair->exchange.session, "gatehouse/threshold/frost/repair-commitments/v1",
			    buffer_bytes(&all));
}

static enum status
write_sums(struct frost_repair *repair) {
	bool helper = helps(repair, self_of(repair));
	for (size_t i = 0; i < parties_of(repair)->count; i++) {
		if (!is_peer(repair, i))
			continue;
		struct buffer *frame = exchange_frame(&repair->exchange, i);
		buffer_append_bytes(frame, hash256_bytes(&repair->echo));
		if (helper && parties_of(repair)->parties[i].index == repair->lost)
			buffer_append(frame, secrets_of(repair)->sum.bytes, 32);
		TRY(buffer_status(frame));
	}
	return OK;
}

static enum status
check_splits(void *self) {
	struct frost_repair *repair = self;
	for (size_t i = 0; i < parties_of(repair)->count; i++) {
		struct bytes fields[SPLIT_FIELDS];
		uint8_t index = parties_of(repair)->parties[i].index;
		size_t helper = party_set_position(&repair->helpers, index);
		if (!is_peer(repair, i) || helper == repair->helpers.count)
			continue;
		TRY(exchange_fields(&repair->exchange, i, fields));
		repair->exchange.suspect = index;
		TRY(check_commitments(repair, helper, fields[SPLIT_COMMITMENTS]));
		if (helps(repair, self_of(repair)))
			TRY(take_part(repair, helper, fields[SPLIT_PART]));
		repair->exchange.suspect = 0;
	}
	repair->echo = hash_commitments(repair);
	exchange_advance(&repair->exchange);
	return write_sums(repair);
}

/* --- Third round --- */

static enum status
take_sum(struct frost_repair *repair, size_t helper, struct bytes field) {
	const struct frost_suite *suite = repair->suite;
	struct frost_scalar sum, *share = &secrets_of(repair)->sum;
	struct frost_element actual, expected;
	TRY(suite->scalar_read(field.data, &sum));
	enum status status = suite->element_of(&sum, &actual); /* the commitments give it */
	if (status == OK)
		status = sum_elements(suite, &repair->commitments[0][helper], PARTIES_MAX, repair->helpers.count,
				      &expected);
	if (status == OK && memcmp(&actual, &expected, suite->element_size) != 0)
		status = fail(STATUS_UNAUTHORIZED,
			      "frost_repair.sum: helper %u gives another sum than that of what it was given",
			      repair->helpers.parties[helper].index);
	*share = suite->add(share, &sum);
	secret_wipe(&sum, sizeof sum);
	return status;
}

static enum status
make_share(struct frost_repair *repair) {
	TRY(frost_key_share_create(&repair->share, &repair->key, repair->lost));
	*frost_key_share_value(repair->share) = secrets_of(repair)->sum;
	return frost_key_share_check(repair->share);
}

static enum status
check_sums(void *self) {
	struct frost_repair *repair = self;
	struct bytes fields[PARTIES_MAX][SUM_FIELDS];
	bool is_lost = self_of(repair) == repair->lost;
	for (size_t i = 0; i < parties_of(repair)->count; i++) {
		if (!is_peer(repair, i))
			continue;
		TRY(exchange_fields(&repair->exchange, i, fields[i]));
		/* Who equivocated, the one that echoes or a helper, cannot be told. */
		if (!bytes_equal(fields[i][SUM_ECHO], hash256_bytes(&repair->echo)))
			return fail(STATUS_UNAUTHORIZED, "frost_repair.echo: party %u has seen other commitments",
				    parties_of(repair)->parties[i].index);
	}
	for (size_t i = 0; is_lost && i < parties_of(repair)->count; i++) {
		if (!is_peer(repair, i))
			continue;
		repair->exchange.suspect = parties_of(repair)->parties[i].index;
		TRY(take_sum(repair, party_set_position(&repair->helpers, repair->exchange.suspect),
			     fields[i][SUM_SUM]));
		repair->exchange.suspect = 0;
	}
	if (is_lost)
		TRY(make_share(repair));
	secret_wipe(repair->memory.data, repair->memory.len);
	repair->repaired = true;
	exchange_advance(&repair->exchange);
	return OK;
}

static enum status
check_stored(void *self) {
	struct frost_repair *repair = self;
	for (size_t i = 0; i < parties_of(repair)->count; i++) {
		struct bytes field;
		if (!is_peer(repair, i))
			continue;
		repair->exchange.suspect = parties_of(repair)->parties[i].index;
		TRY(exchange_fields(&repair->exchange, i, &field));
		if (!bytes_equal(field, hash256_bytes(&repair->echo)))
			return fail(STATUS_UNAUTHORIZED, "frost_repair.stored: party %u has stored another result",
				    repair->exchange.suspect);
		repair->exchange.suspect = 0;
	}
	exchange_advance(&repair->exchange);
	return OK;
}

static void
wipe_ended(void *self, enum status) {
	struct frost_repair *repair = self;
	repair->repaired = false;
	frost_key_share_destroy(&repair->share);
	secret_wipe(repair->memory.data, repair->memory.len);
}

static const struct exchange_protocol PROTOCOL = {
	.kinds = FROST_REPAIR_MESSAGES,
	.rounds = FROST_REPAIR_ROUNDS,
	.steps = {check_splits, check_sums, check_stored},
	.counts = frost_repair_counts,
	.ended = wipe_ended,
};

enum status
frost_repair_stored(struct frost_repair *repair) {
	if (!repair->repaired || repair->stored)
		return fail(STATUS_CONFLICT, "frost_repair.state: not repaired, or stored before");
	repair->stored = true;
	TRY(exchange_tell_all(&repair->exchange, hash256_bytes(&repair->echo)));
	return exchange_go_on(&repair->exchange);
}

struct exchange *
frost_repair_exchange(struct frost_repair *repair) {
	return &repair->exchange;
}

bool
frost_repair_is_repaired(const struct frost_repair *repair) {
	return repair->repaired;
}

struct frost_key_share *
frost_repair_take_share(struct frost_repair *repair) {
	return repair->repaired ? TAKE(repair->share) : nullptr;
}
