#include "gate/one_time.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "crypto/aead.h"
#include "identity/totp.h"

static const char COLLECTION[] = "totp";
static const char FIELD[] = "one_time.snapshot";
constexpr size_t ROW_SIZE = DIRECTORY_PRINCIPAL_MAX + 10 + 64 + 1; /* "<person>/sha256-6-<commitment>" */

static_assert(ONE_TIME_TRIED_MAX > ONE_TIME_FAILURES_MAX / ONE_TIME_TRIES);

/* An operation beside which a code did not match. */
struct tried {
	struct hash256 operation;
	uint8_t failures;
};

struct one_time {
	enum totp_algorithm algorithm;
	unsigned digits;
	char row[ROW_SIZE];
	struct secret secret; /* empty where this process holds no keys */
	int64_t last_step;
	uint32_t failures;                      /* since a code matched */
	struct tried tried[ONE_TIME_TRIED_MAX]; /* the newest last */
	size_t tried_count;
};

static void
free_one(struct one_time *gone) {
	if (gone == nullptr)
		return;
	secret_free(&gone->secret);
	free(gone);
}

void
one_time_free(struct gate_state *state) {
	size_t at = 0;
	void *value;
	while (map_next(&state->one_time, &at, nullptr, &value))
		free_one(value);
	map_free(&state->one_time);
	throttle_free(&state->one_time_throttle);
	secret_free(&state->one_time_key);
}

/* --- Payloads. --- */

struct terms {
	enum totp_algorithm algorithm;
	unsigned digits;
	struct hash256 commitment;
};

static enum status
read_terms(const json *payload, struct terms *terms) {
	struct bytes algorithm, commitment;
	int64_t digits;
	TRY(json_need_string(payload, "payload", "algorithm", &algorithm));
	TRY(totp_algorithm_parse(algorithm, &terms->algorithm));
	TRY(json_need_string(payload, "payload", "commitment", &commitment));
	TRY(json_need_integer(payload, "payload", "digits", &digits));
	if (commitment.len != 2 * sizeof terms->commitment.bytes ||
	    hex_decode(commitment, terms->commitment.bytes, sizeof terms->commitment.bytes) != OK)
		return fail(STATUS_INVALID, "payload.commitment: expected 64 hexadecimal digits");
	if (digits < TOTP_DIGITS_MIN || digits > TOTP_DIGITS_MAX)
		return fail(STATUS_INVALID, "payload.digits: expected %u to %u", TOTP_DIGITS_MIN, TOTP_DIGITS_MAX);
	terms->digits = (unsigned)digits;
	return OK;
}

enum status
one_time_check_payload(const json *payload) {
	struct terms terms;
	return read_terms(payload, &terms);
}

static void
write_row(char row[static ROW_SIZE], struct bytes person, const struct terms *terms) {
	char commitment[65];
	hex_encode(hash256_bytes(&terms->commitment), commitment);
	snprintf(row, ROW_SIZE, "%.*s/%s-%u-%s",
		 (int)(person.len <= DIRECTORY_PRINCIPAL_MAX ? person.len : DIRECTORY_PRINCIPAL_MAX), person.data,
		 totp_algorithm_name(terms->algorithm), terms->digits, commitment);
}

/* --- Sealing: what a row is for is part of what it is sealed with. --- */

static enum status
write_associated(const struct gate_state *state, const char *row, enum totp_algorithm algorithm, unsigned digits,
		 struct buffer *to) {
	buffer_append_bytes(to, BYTES_OF_LITERAL(ONE_TIME_LABEL));
	buffer_append_byte(to, 0);
	buffer_append_prefixed(to, bytes_of_text(state->instance));
	buffer_append_prefixed(to, bytes_of_text(row));
	buffer_append_byte(to, (uint8_t)algorithm);
	buffer_append_byte(to, (uint8_t)digits);
	return buffer_status(to);
}

static enum status
need_keys(const struct gate_state *state) {
	return state->secrets != nullptr && state->one_time_key.len > 0
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "key.locked: this process holds no keys");
}

static enum status
store(struct gate_state *state, const char *row, const struct terms *terms, struct bytes plain) {
	_cleanup_(buffer_free) struct buffer associated = {};
	uint8_t sealed[TOTP_SECRET_MAX + AEAD_OVERHEAD];
	TRY(totp_check_form(terms->algorithm, terms->digits, plain.len));
	TRY(write_associated(state, row, terms->algorithm, terms->digits, &associated));
	TRY(aead_seal(state->one_time_key.data, buffer_bytes(&associated), plain, sealed));
	return secrets_create(state->secrets, COLLECTION, bytes_of_text(row),
			      bytes_of(sealed, plain.len + AEAD_OVERHEAD));
}

static enum status
open_one(struct gate_state *state, struct one_time *authenticator) {
	_cleanup_(buffer_free) struct buffer sealed = {}, associated = {};
	if (authenticator->secret.len > 0)
		return OK;
	TRY(secrets_get(state->secrets, COLLECTION, bytes_of_text(authenticator->row), &sealed));
	if (sealed.len < AEAD_OVERHEAD + TOTP_SECRET_MIN || sealed.len > AEAD_OVERHEAD + TOTP_SECRET_MAX)
		return fail(STATUS_CORRUPT, "totp.row: %zu bytes", sealed.len);
	TRY(write_associated(state, authenticator->row, authenticator->algorithm, authenticator->digits, &associated));
	TRY(secret_alloc(&authenticator->secret, sealed.len - AEAD_OVERHEAD));
	if (aead_open(state->one_time_key.data, buffer_bytes(&associated), buffer_bytes(&sealed),
		      authenticator->secret.data) == OK)
		return OK;
	secret_free(&authenticator->secret);
	return fail(STATUS_CORRUPT, "totp.sealed: the row of %s does not open", authenticator->row);
}

/* The same commitment as that of an imported key: SHA-256(salt ‖ value). */
static enum status
check_commitment(const json *secret, const struct terms *terms, struct bytes *value) {
	static const char *const members[] = {"salt", "value", nullptr};
	uint8_t salt[32];
	struct bytes text;
	TRY(json_only(secret, "secret", members));
	TRY(json_need_string(secret, "secret", "salt", &text));
	TRY(hex_decode(text, salt, sizeof salt));
	TRY(json_need_string(secret, "secret", "value", value));
	struct hash256 computed = SHA256_PARTS(BYTES_OF_ARRAY(salt), *value);
	return secret_equal(hash256_bytes(&computed), hash256_bytes(&terms->commitment))
		       ? OK
		       : fail(STATUS_UNAUTHORIZED,
			      "secret.commitment: the secret is not the one that the payload commits to");
}

enum status
one_time_store(struct gate_state *state, struct bytes person, const json *payload, const json *secret) {
	_cleanup_(secret_free) struct secret plain = {};
	struct terms terms;
	struct bytes value;
	char row[ROW_SIZE] = {};
	TRY(need_keys(state));
	TRY(read_terms(payload, &terms));
	TRY(check_commitment(secret, &terms, &value));
	if (value.len % 2 != 0 || value.len < 2 * TOTP_SECRET_MIN || value.len > 2 * TOTP_SECRET_MAX)
		return fail(STATUS_INVALID, "totp.secret: expected %zu to %zu bytes as hexadecimal digits",
			    TOTP_SECRET_MIN, TOTP_SECRET_MAX);
	TRY(secret_alloc(&plain, value.len / 2));
	TRY(hex_decode(value, plain.data, plain.len));
	write_row(row, person, &terms);
	return store(state, row, &terms, secret_bytes(&plain));
}

/* --- The change. --- */

/* Takes it over. */
static enum status
put(struct gate_state *state, struct bytes person, struct one_time *made) {
	void *before = nullptr;
	enum status status = map_put(&state->one_time, person, made, &before);
	free_one(status == OK ? before : made);
	return status;
}

enum status
one_time_add(struct gate_state *state, struct bytes person, const json *payload) {
	struct terms terms;
	const struct principal *principal = directory_principal(state->directory, person);
	TRY(read_terms(payload, &terms));
	if (principal == nullptr || principal->kind != PRINCIPAL_PERSON)
		return fail(STATUS_NOT_FOUND, "totp.person: there is no person \"%.*s\"", BYTES_ARGS(person));
	struct one_time *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	made->algorithm = terms.algorithm;
	made->digits = terms.digits;
	write_row(made->row, person, &terms);
	bool is_live = state->ring != nullptr && need_keys(state) == OK;
	enum status status = is_live ? open_one(state, made) : OK;
	if (status != OK) {
		free_one(made);
		return status;
	}
	throttle_pass(&state->one_time_throttle, person);
	return put(state, person, made);
}

/* --- Using. --- */

static struct tried *
find_tried(struct one_time *authenticator, const struct hash256 *operation) {
	for (size_t i = 0; i < authenticator->tried_count; i++)
		if (hash256_equal(&authenticator->tried[i].operation, operation))
			return &authenticator->tried[i];
	return nullptr;
}

static void
note_tried(struct one_time *authenticator, const struct hash256 *operation) {
	struct tried *tried = find_tried(authenticator, operation);
	if (tried == nullptr) {
		if (authenticator->tried_count == ONE_TIME_TRIED_MAX) {
			memmove(authenticator->tried, authenticator->tried + 1,
				(ONE_TIME_TRIED_MAX - 1) * sizeof authenticator->tried[0]);
			authenticator->tried_count--;
		}
		tried = &authenticator->tried[authenticator->tried_count++];
		*tried = (struct tried){.operation = *operation};
	}
	if (tried->failures < ONE_TIME_TRIES)
		tried->failures++;
}

enum status
one_time_take(struct gate_state *state, struct bytes person, const struct hash256 *operation, struct bytes code,
	      int64_t now_ms, int64_t *step) {
	struct one_time *authenticator = map_get(&state->one_time, person);
	if (authenticator == nullptr)
		return fail(STATUS_UNAUTHORIZED, "totp.none: no one-time passwords are enrolled");
	if (authenticator->secret.len == 0)
		return need_keys(state);
	if (authenticator->failures >= ONE_TIME_FAILURES_MAX)
		return fail(STATUS_UNAUTHORIZED, "totp.disabled: %u failures in a row; enrol another",
			    ONE_TIME_FAILURES_MAX);
	const struct tried *tried = find_tried(authenticator, operation);
	if (tried != nullptr && tried->failures >= ONE_TIME_TRIES)
		return fail(STATUS_UNAUTHORIZED,
			    "totp.tried: %u codes beside this operation did not match; ask for it anew",
			    ONE_TIME_TRIES);
	int64_t wait_ms = throttle_wait(&state->one_time_throttle, person, now_ms);
	if (wait_ms > 0)
		return fail(STATUS_RATE, "totp.throttled: too many that did not match; wait %lld s",
			    (long long)((wait_ms + 999) / 1000));
	enum status status = totp_match(authenticator->algorithm, secret_bytes(&authenticator->secret),
					authenticator->digits, code, now_ms, authenticator->last_step, step);
	if (status == OK) {
		one_time_follow(state, person, *step);
	} else if (status == STATUS_UNAUTHORIZED) {
		uint32_t failures;
		one_time_follow_failure(state, person, operation);
		if (throttle_fail(&state->one_time_throttle, person, now_ms, &failures, &wait_ms) != OK)
			return STATUS_NO_MEMORY;
		return fail(STATUS_UNAUTHORIZED, "totp.mismatch: not a code of now, or one that was taken before");
	}
	return status;
}

void
one_time_follow(struct gate_state *state, struct bytes person, int64_t step) {
	struct one_time *authenticator = map_get(&state->one_time, person);
	if (authenticator == nullptr || step <= authenticator->last_step)
		return; /* of an operation that is decided again */
	authenticator->failures = 0;
	authenticator->last_step = step;
	throttle_pass(&state->one_time_throttle, person);
}

void
one_time_follow_failure(struct gate_state *state, struct bytes person, const struct hash256 *operation) {
	struct one_time *authenticator = map_get(&state->one_time, person);
	if (authenticator == nullptr)
		return;
	authenticator->failures += authenticator->failures < ONE_TIME_FAILURES_MAX;
	if (operation != nullptr)
		note_tried(authenticator, operation);
}

/* --- Start. --- */

enum status
one_time_open(struct gate_state *state) {
	size_t at = 0;
	void *value;
	if (need_keys(state) != OK)
		return OK;
	while (map_next(&state->one_time, &at, nullptr, &value))
		TRY(open_one(state, value));
	return OK;
}

static enum secrets_recorded
recorded(void *context, struct bytes row) {
	const struct gate_state *state = context;
	const uint8_t *slash = row.len == 0 ? nullptr : memrchr(row.data, '/', row.len);
	if (slash == nullptr)
		return SECRETS_UNRECORDED;
	const struct one_time *authenticator =
		map_get(&state->one_time, bytes_of(row.data, (size_t)(slash - row.data)));
	return authenticator != nullptr && bytes_equal_text(row, authenticator->row) ? SECRETS_CREATED
										     : SECRETS_UNRECORDED;
}

enum status
one_time_reconcile(struct gate_state *state) {
	struct secrets_reconciled reconciled;
	if (need_keys(state) != OK)
		return OK;
	return secrets_reconcile(state->secrets, COLLECTION, recorded, state, state->one_time.count, &reconciled);
}

/* --- Snapshots: in order of the people; person, algorithm, digits, row, last step, failures, and how many operations failed, each with its
 * failures. --- */

enum status
one_time_write(const struct gate_state *state, struct buffer *to) {
	struct bytes *people;
	TRY(map_sorted_keys(&state->one_time, &people));
	for (size_t i = 0; i < state->one_time.count; i++) {
		const struct one_time *authenticator = map_get(&state->one_time, people[i]);
		buffer_append_prefixed(to, people[i]);
		buffer_append_byte(to, (uint8_t)authenticator->algorithm);
		buffer_append_byte(to, (uint8_t)authenticator->digits);
		buffer_append_prefixed(to, bytes_of_text(authenticator->row));
		buffer_append_u64be(to, (uint64_t)authenticator->last_step);
		buffer_append_u32be(to, authenticator->failures);
		buffer_append_byte(to, (uint8_t)authenticator->tried_count);
		for (size_t j = 0; j < authenticator->tried_count; j++) {
			buffer_append_bytes(to, hash256_bytes(&authenticator->tried[j].operation));
			buffer_append_byte(to, authenticator->tried[j].failures);
		}
	}
	free(people);
	return buffer_status(to);
}

static enum status
read_tried(struct cursor *cursor, struct one_time *authenticator) {
	uint8_t count;
	TRY(cursor_u8(cursor, FIELD, &count));
	if (count > ONE_TIME_TRIED_MAX)
		return fail(STATUS_INVALID, "%s: %u operations that failed", FIELD, count);
	for (; authenticator->tried_count < count; authenticator->tried_count++) {
		struct tried *tried = &authenticator->tried[authenticator->tried_count];
		struct bytes operation;
		TRY(cursor_take(cursor, FIELD, sizeof tried->operation.bytes, &operation));
		memcpy(tried->operation.bytes, operation.data, sizeof tried->operation.bytes);
		TRY(cursor_u8(cursor, FIELD, &tried->failures));
		if (tried->failures == 0 || tried->failures > ONE_TIME_TRIES)
			return fail(STATUS_INVALID, "%s: %u failures of one operation", FIELD, tried->failures);
	}
	return OK;
}

static enum status
read_one(struct cursor *cursor, struct bytes *person, struct one_time *authenticator) {
	struct bytes row;
	uint8_t algorithm, digits;
	uint64_t last_step;
	TRY(cursor_prefixed(cursor, FIELD, DIRECTORY_PRINCIPAL_MAX, person));
	TRY(cursor_u8(cursor, FIELD, &algorithm));
	TRY(cursor_u8(cursor, FIELD, &digits));
	TRY(cursor_prefixed(cursor, FIELD, ROW_SIZE - 1, &row));
	TRY(cursor_u64be(cursor, FIELD, &last_step));
	TRY(cursor_u32be(cursor, FIELD, &authenticator->failures));
	if (algorithm >= TOTP_ALGORITHMS || digits < TOTP_DIGITS_MIN || digits > TOTP_DIGITS_MAX ||
	    last_step > (uint64_t)INT64_MAX || authenticator->failures > ONE_TIME_FAILURES_MAX ||
	    memchr(row.data, 0, row.len) != nullptr)
		return fail(STATUS_INVALID, "%s: no one-time password", FIELD);
	authenticator->algorithm = (enum totp_algorithm)algorithm;
	authenticator->digits = digits;
	authenticator->last_step = (int64_t)last_step;
	memcpy(authenticator->row, row.data, row.len);
	return read_tried(cursor, authenticator);
}

enum status
one_time_read(struct gate_state *state, struct bytes part) {
	for (struct cursor cursor = cursor_of(part); cursor.left > 0;) {
		struct bytes person;
		struct one_time *made = calloc(1, sizeof *made);
		TRY_ALLOC(made);
		enum status status = read_one(&cursor, &person, made);
		if (status == OK && map_get(&state->one_time, person) != nullptr)
			status = fail(STATUS_INVALID, "%s: a person twice", FIELD);
		if (status != OK) {
			free_one(made);
			return status;
		}
		TRY(put(state, person, made));
	}
	return OK;
}
