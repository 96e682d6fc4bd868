#include "keys/threshold/frost/bip340.h"

#include <stdlib.h>

#include "base/secret.h"
#include "crypto/declassify.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

/* --- Points, of which the one at infinity may be one --- */

struct sum {
	bool is_infinite;
	struct point point;
};

static const uint8_t INFINITE[POINT_SIZE];

/* Two points that cancel out are the one case in which combining them fails. */
static struct sum
add(const struct sum *a, const struct sum *b) {
	struct sum result = a->is_infinite ? *b : *a;
	if (!a->is_infinite && !b->is_infinite)
		result.is_infinite = point_add(&a->point, &b->point, &result.point) != OK;
	return result;
}

static struct sum
multiply(const struct point *point, const struct scalar *number) {
	struct sum product = {};
	product.is_infinite = point_multiply_public(point, number, &product.point) != OK;
	return product;
}

static void
write_sum(const struct sum *sum, uint8_t bytes[POINT_SIZE]) {
	if (sum->is_infinite)
		memset(bytes, 0, POINT_SIZE);
	else
		point_write(&sum->point, bytes);
}

static enum status
read_sum(const uint8_t bytes[POINT_SIZE], struct sum *sum) {
	sum->is_infinite = memcmp(bytes, INFINITE, POINT_SIZE) == 0;
	return sum->is_infinite ? OK : point_read(bytes, &sum->point);
}

static bool
is_odd(const struct point *point) {
	uint8_t bytes[POINT_SIZE];
	point_write(point, bytes);
	return bytes[0] == 3;
}

/* Nothing is called for a sign: what runs is the same for every key and nonce. */
static struct scalar
signed_scalar(const struct scalar *number, bool is_negative) {
	struct scalar negated = scalar_negate(number);
	const struct scalar number_or_negated = is_negative ? negated : *number;
	secret_wipe(&negated, sizeof negated);
	return number_or_negated;
}

/* --- Signers --- */

static struct scalar
coefficient(const uint32_t *ids, size_t count, size_t own) {
	struct scalar numerator = scalar_of(1), denominator = scalar_of(1), at = scalar_of((uint64_t)ids[own] + 1);
	for (size_t i = 0; i < count; i++) {
		if (i == own)
			continue;
		const struct scalar other = scalar_of((uint64_t)ids[i] + 1), difference = scalar_subtract(&other, &at);
		numerator = scalar_multiply(&numerator, &other);
		denominator = scalar_multiply(&denominator, &difference);
	}
	denominator = scalar_invert(&denominator);
	return scalar_multiply(&numerator, &denominator);
}

static enum status
check_ids(const uint32_t *ids, size_t count, uint32_t total) {
	for (size_t i = 0; i < count; i++) {
		if (ids[i] >= total)
			return fail(STATUS_INVALID, "frost.id: %u is not below %u", ids[i], total);
		for (size_t j = 0; j < i; j++)
			if (ids[j] == ids[i])
				return fail(STATUS_INVALID, "frost.duplicate_id: %u stands twice", ids[i]);
	}
	return OK;
}

enum status
frost_signers_open(uint32_t total, uint32_t threshold, const uint32_t *ids, const uint8_t (*public_shares)[POINT_SIZE],
		   size_t count, const uint8_t public_key[33], struct frost_signers *signers) {
	uint8_t interpolated[POINT_SIZE];
	struct sum sum = {.is_infinite = true};
	if (threshold == 0 || threshold > total)
		return fail(STATUS_INVALID, "frost.threshold: %u of %u", threshold, total);
	if (count < threshold || count > total || count > FROST_SIGNERS_MAX)
		return fail(STATUS_INVALID, "frost.count: %zu signers where %u of %u sign", count, threshold, total);
	TRY(check_ids(ids, count, total));
	*signers = (struct frost_signers){.total = total, .threshold = threshold, .count = count};
	for (size_t i = 0; i < count; i++) {
		signers->ids[i] = ids[i];
		signers->coefficients[i] = coefficient(ids, count, i);
		if (point_read(public_shares[i], &signers->public_shares[i]) != OK)
			return fail(STATUS_INVALID, "frost.public_share: that of signer %u is no point", ids[i]);
		const struct sum term = multiply(&signers->public_shares[i], &signers->coefficients[i]);
		sum = add(&sum, &term);
	}
	write_sum(&sum, interpolated);
	if (sum.is_infinite || memcmp(interpolated, public_key, POINT_SIZE) != 0)
		return fail(STATUS_INVALID, "frost.key: the signers' public shares do not give it");
	return OK;
}

/* The position of a signer; count if there is none. */
static size_t
position_of(const struct frost_signers *signers, uint32_t id) {
	size_t position = 0;
	while (position < signers->count && signers->ids[position] != id)
		position++;
	return position;
}

/* --- The key --- */

enum status
frost_key_open(const uint8_t public_key[33], struct frost_key *key) {
	*key = (struct frost_key){};
	if (point_read(public_key, &key->point) != OK)
		return fail(STATUS_INVALID, "frost.key: no point of the curve");
	return OK;
}

enum status
frost_key_tweak(struct frost_key *key, const uint8_t tweak[32], bool is_x_only) {
	const bool negate = is_x_only && is_odd(&key->point);
	const struct scalar minus_one = signed_scalar(&(struct scalar){{1}}, true);
	struct scalar number;
	struct sum tweaked = {.point = key->point}, added = {};
	if (scalar_read(tweak, &number) != OK)
		return fail(STATUS_INVALID, "frost.tweak: not below the order of the group");
	if (negate)
		tweaked = multiply(&key->point, &minus_one);
	added.is_infinite = point_of_secret(&number, &added.point) != OK; /* zero */
	tweaked = add(&tweaked, &added);
	if (tweaked.is_infinite)
		return fail(STATUS_INVALID, "frost.tweak: gives the point at infinity");
	key->point = tweaked.point;
	key->is_negated ^= negate;
	key->tweak = signed_scalar(&key->tweak, negate);
	key->tweak = scalar_add(&key->tweak, &number);
	return OK;
}

void
frost_key_x_only(const struct frost_key *key, uint8_t x[32]) {
	uint8_t bytes[POINT_SIZE];
	point_write(&key->point, bytes);
	memcpy(x, bytes + 1, 32);
}

/* --- Nonces --- */

/* rand, or the share XOR its hash: then neither alone decides. */
static void
mask_randomness(const struct scalar *share, uint8_t random[32]) {
	if (share == nullptr)
		return;
	struct hash256 mask = tagged_hash("BIP0445/aux", bytes_of(random, 32));
	scalar_write(share, random);
	for (size_t i = 0; i < sizeof mask.bytes; i++)
		random[i] ^= mask.bytes[i];
	secret_wipe(&mask, sizeof mask);
}

static void
append_counted(struct buffer *to, struct bytes part) {
	buffer_append_byte(to, (uint8_t)part.len);
	buffer_append_bytes(to, part);
}

static void
append_inputs(struct buffer *to, const struct frost_nonce_inputs *inputs) {
	append_counted(to, inputs->public_share);
	append_counted(to, inputs->key);
	buffer_append_byte(to, inputs->message != nullptr);
	if (inputs->message != nullptr) {
		buffer_append_u64be(to, inputs->message->len);
		buffer_append_bytes(to, *inputs->message);
	}
	buffer_append_u32be(to, (uint32_t)inputs->extra.len);
	buffer_append_bytes(to, inputs->extra);
}

enum status
frost_nonce_create(const struct frost_nonce_inputs *inputs, const struct randomness *randomness,
		   struct frost_nonce *nonce, uint8_t public_nonce[66]) {
	_cleanup_(buffer_free) struct buffer hashed = {};
	uint8_t random[32];
	randomness_fill(randomness, random, sizeof random);
	mask_randomness(inputs->share, random);
	buffer_append(&hashed, random, sizeof random);
	secret_wipe(random, sizeof random);
	append_inputs(&hashed, inputs);
	buffer_append_byte(&hashed, 0);
	TRY(buffer_status(&hashed));
	for (uint8_t i = 0; i < 2; i++) {
		hashed.data[hashed.len - 1] = i;
		struct hash256 hash = tagged_hash("BIP0445/nonce", buffer_bytes(&hashed));
		nonce->numbers[i] = scalar_reduce(hash.bytes);
		secret_wipe(&hash, sizeof hash);
		TRY(point_of_secret(&nonce->numbers[i], &nonce->commitments[i])); /* zero never happens */
		declassify(&nonce->commitments[i], sizeof nonce->commitments[i]);
		point_write(&nonce->commitments[i], public_nonce + i * POINT_SIZE);
	}
	return OK;
}

enum status
frost_nonce_sum(const uint8_t (*public_nonces)[FROST_PUBLIC_NONCE_SIZE], size_t count, uint8_t sum[66],
		size_t *culprit) {
	*culprit = FROST_NO_CULPRIT;
	for (size_t half = 0; half < 2; half++) {
		struct sum total = {.is_infinite = true};
		for (size_t i = 0; i < count; i++) {
			struct sum term = {};
			if (point_read(public_nonces[i] + half * POINT_SIZE, &term.point) != OK) {
				*culprit = i;
				return fail(STATUS_INVALID, "frost.public_nonce: the one at position %zu is no point",
					    i);
			}
			total = add(&total, &term);
		}
		write_sum(&total, sum + half * POINT_SIZE);
	}
	return OK;
}

/* --- A session --- */

static int
compare_ids(const void *a, const void *b) {
	const uint32_t *left = a, *right = b;
	return (*left > *right) - (*left < *right);
}

/* Over the set of signers in one order, the nonces, the key and the message: so that a nonce cannot be moved to another session. */
static enum status
bind(const struct frost_session *session, const uint8_t nonce_sum[66], struct scalar *binding) {
	_cleanup_(buffer_free) struct buffer hashed = {};
	uint32_t ids[FROST_SIGNERS_MAX];
	memcpy(ids, session->signers->ids, session->signers->count * sizeof ids[0]);
	qsort(ids, session->signers->count, sizeof ids[0], compare_ids);
	buffer_append_u32be(&hashed, (uint32_t)(session->signers->count * sizeof ids[0]));
	for (size_t i = 0; i < session->signers->count; i++)
		buffer_append_u32be(&hashed, ids[i]);
	buffer_append(&hashed, nonce_sum, FROST_PUBLIC_NONCE_SIZE);
	buffer_append(&hashed, session->x, sizeof session->x);
	buffer_append_bytes(&hashed, session->message);
	TRY(buffer_status(&hashed));
	const struct hash256 hash = tagged_hash("BIP0445/noncecoef", buffer_bytes(&hashed));
	*binding = scalar_reduce(hash.bytes);
	return OK;
}

static enum status
challenge(struct frost_session *session) {
	_cleanup_(buffer_free) struct buffer hashed = {};
	buffer_append(&hashed, session->r, sizeof session->r);
	buffer_append(&hashed, session->x, sizeof session->x);
	buffer_append_bytes(&hashed, session->message);
	TRY(buffer_status(&hashed));
	const struct hash256 hash = tagged_hash("BIP0340/challenge", buffer_bytes(&hashed));
	session->challenge = scalar_reduce(hash.bytes);
	return OK;
}

enum status
frost_session_open(const struct frost_signers *signers, const struct frost_key *key, const uint8_t nonce_sum[66],
		   struct bytes message, struct frost_session *session) {
	const struct scalar one = scalar_of(1);
	struct sum first = {}, second = {};
	uint8_t bytes[POINT_SIZE];
	*session = (struct frost_session){.signers = signers, .key = *key, .message = message};
	frost_key_x_only(key, session->x);
	session->key_is_odd = is_odd(&key->point);
	if (read_sum(nonce_sum, &first) != OK || read_sum(nonce_sum + POINT_SIZE, &second) != OK)
		return fail(STATUS_INVALID, "frost.nonce_sum: no point of the curve");
	TRY(bind(session, nonce_sum, &session->binding));
	if (!second.is_infinite)
		second = multiply(&second.point, &session->binding);
	first = add(&first, &second);
	if (first.is_infinite) /* only if somebody cheats; then the partial signatures say who */
		TRY(point_of_secret(&one, &first.point));
	point_write(&first.point, bytes);
	session->nonce_is_odd = bytes[0] == 3;
	memcpy(session->r, bytes + 1, sizeof session->r);
	return challenge(session);
}

/* --- Partial signatures --- */

/* What signer's share is multiplied with: challenge, Lagrange coefficient, and the sign that makes the key's y even. */
static struct scalar
weight(const struct frost_session *session, size_t position) {
	struct scalar product = scalar_multiply(&session->challenge, &session->signers->coefficients[position]);
	return signed_scalar(&product, session->key_is_odd != session->key.is_negated);
}

static struct scalar
partial_of(const struct frost_session *session, size_t position, const struct scalar *share,
	   const struct frost_nonce *nonce) {
	struct scalar bound = scalar_multiply(&session->binding, &nonce->numbers[1]);
	bound = scalar_add(&bound, &nonce->numbers[0]);
	struct scalar sum = signed_scalar(&bound, session->nonce_is_odd);
	struct scalar factor = weight(session, position), product = scalar_multiply(&factor, share);
	sum = scalar_add(&sum, &product);
	secret_wipe(&bound, sizeof bound);
	secret_wipe(&product, sizeof product);
	return sum;
}

/* number · G against nonce commitments and public share. Where the nonce counts as its negative, the other two do instead. */
static bool
holds(const struct frost_session *session, size_t position, const struct point commitments[2],
      const struct scalar *number) {
	const struct scalar plain = weight(session, position), factor = signed_scalar(&plain, session->nonce_is_odd),
			    left_factor = signed_scalar(number, session->nonce_is_odd);
	const struct sum bound = multiply(&commitments[1], &session->binding),
			 nonce = add(&(struct sum){.point = commitments[0]}, &bound),
			 share = multiply(&session->signers->public_shares[position], &factor),
			 right = add(&nonce, &share);
	struct sum left = {};
	left.is_infinite = point_of_secret(&left_factor, &left.point) != OK;
	if (left.is_infinite || right.is_infinite)
		return left.is_infinite && right.is_infinite;
	return point_equal(&left.point, &right.point);
}

/* What does not verify with the signer's public share and the published commitments is not released, whatever went wrong: another
 * share, another nonce, or a fault of the machine. */
static enum status
sign_and_verify(const struct frost_session *session, uint32_t id, const struct scalar *share,
		const struct frost_nonce *nonce, uint8_t partial[32]) {
	const size_t position = position_of(session->signers, id);
	if (position == session->signers->count)
		return fail(STATUS_INVALID, "frost.signer: %u is none of the signers", id);
	if (declassified(scalar_is_zero(share)))
		return fail(STATUS_INVALID, "frost.share: is zero");
	if (declassified(scalar_is_zero(&nonce->numbers[0])) || declassified(scalar_is_zero(&nonce->numbers[1])))
		return fail(STATUS_INVALID, "frost.nonce: is zero: used already?");
	struct scalar number = partial_of(session, position, share, nonce);
	declassify(&number, sizeof number);
	if (!holds(session, position, nonce->commitments, &number))
		return fail(STATUS_INTERNAL, "frost.partial: a partial signature did not verify and was not released");
	scalar_write(&number, partial);
	return OK;
}

enum status
frost_sign(const struct frost_session *session, uint32_t id, const struct scalar *share, struct frost_nonce *nonce,
	   uint8_t partial[32]) {
	enum status status = sign_and_verify(session, id, share, nonce, partial);
	secret_wipe(nonce, sizeof *nonce);
	return status;
}

enum status
frost_partial_verify(const struct frost_session *session, size_t position, const uint8_t public_nonce[66],
		     const uint8_t partial[32]) {
	struct point commitments[2];
	struct scalar number;
	if (position >= session->signers->count)
		return fail(STATUS_INVALID, "frost.signer: position %zu of %zu", position, session->signers->count);
	for (size_t i = 0; i < 2; i++)
		if (point_read(public_nonce + i * POINT_SIZE, &commitments[i]) != OK)
			return fail(STATUS_INVALID, "frost.public_nonce: the one at position %zu is no point",
				    position);
	if (scalar_read(partial, &number) != OK || !holds(session, position, commitments, &number))
		return fail(STATUS_UNAUTHORIZED, "frost.partial: that of signer %u does not verify",
			    session->signers->ids[position]);
	return OK;
}

/* --- The signature --- */

static enum status
find_culprit(const struct frost_session *session, const uint8_t (*partials)[SCALAR_SIZE],
	     const uint8_t (*public_nonces)[FROST_PUBLIC_NONCE_SIZE], size_t *culprit) {
	for (size_t i = 0; public_nonces != nullptr && i < session->signers->count; i++)
		if (frost_partial_verify(session, i, public_nonces[i], partials[i]) != OK) {
			*culprit = i;
			return fail(STATUS_UNAUTHORIZED, "frost.partial: that of signer %u does not verify",
				    session->signers->ids[i]);
		}
	return fail(STATUS_UNAUTHORIZED, "frost.partial: the partial signatures give none that verifies");
}

enum status
frost_aggregate(const struct frost_session *session, const uint8_t (*partials)[SCALAR_SIZE],
		const uint8_t (*public_nonces)[FROST_PUBLIC_NONCE_SIZE], uint8_t signature[64], size_t *culprit) {
	struct scalar sum = scalar_multiply(&session->challenge, &session->key.tweak);
	*culprit = FROST_NO_CULPRIT;
	sum = signed_scalar(&sum, session->key_is_odd);
	for (size_t i = 0; i < session->signers->count; i++) {
		struct scalar number;
		if (scalar_read(partials[i], &number) != OK) {
			*culprit = i;
			return fail(STATUS_UNAUTHORIZED, "frost.partial: that of signer %u is not below the order",
				    session->signers->ids[i]);
		}
		sum = scalar_add(&sum, &number);
	}
	memcpy(signature, session->r, sizeof session->r);
	scalar_write(&sum, signature + 32);
	return bip340_verify(session->x, session->message, signature) == OK
		       ? OK
		       : find_culprit(session, partials, public_nonces, culprit);
}
