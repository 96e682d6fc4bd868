#include "keeper/threshold_journal.h"

#include <stdlib.h>

#include "base/log.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "keeper/threshold_internal.h"

static const char COLLECTION[] = "dealing";
static const char LABEL[] = JOURNAL_LABEL;
static const char FILE_NAME[] = "dealings.db";
static const char FIELD[] = "joint.journal";
static const char MAGIC[] = "GHTJ";
constexpr uint16_t VERSION = 1;
constexpr size_t HEADER_SIZE = 6;
constexpr size_t FIXED_MAX = 512; /* of all but the frames */
constexpr size_t ROW_NAME = 2 * sizeof(struct hash256);

/* --- Form. --- */

static void
write_frames(const struct bytes *frames, size_t count, struct buffer *to) {
	for (size_t i = 0; i < count; i++)
		buffer_append_prefixed(to, frames[i]);
}

void
journal_write_row(const struct journal *journal, struct buffer *to) {
	buffer_append_u64be(to, (uint64_t)journal->begun_ms);
	buffer_append_bytes(to, hash256_bytes(&journal->bundle));
	buffer_append_byte(to, journal->has_generation);
	buffer_append_prefixed(to, journal->generation);
	buffer_append_prefixed(to, journal->seed);
	buffer_append_prefixed(to, journal->part);
	buffer_append_byte(to, journal->rounds);
	if (journal->rounds == 0)
		return;
	buffer_append_bytes(to, hash256_bytes(&journal->session_id));
	buffer_append_bytes(to, hash256_bytes(&journal->parties));
	buffer_append_byte(to, journal->party_count);
	for (size_t round = journal_is_stored(journal) ? journal->rounds - 1U : 0; round < journal->rounds; round++) {
		write_frames(journal->sent[round], journal->party_count, to);
		if (round + 1 < journal->rounds)
			write_frames(journal->received[round], journal->party_count, to);
	}
}

static enum status
read_frames(struct cursor *cursor, size_t count, struct bytes *frames) {
	for (size_t i = 0; i < count; i++)
		TRY(cursor_prefixed(cursor, FIELD, JOURNAL_FRAME_MAX, &frames[i]));
	return OK;
}

/* Nothing, or as many bytes. */
static enum status
read_secret(struct cursor *cursor, size_t size, struct bytes *secret) {
	TRY(cursor_prefixed(cursor, FIELD, size, secret));
	return secret->len == 0 || secret->len == size ? OK : fail(STATUS_INVALID, "%s: a secret is cut", FIELD);
}

static enum status
read_rounds(struct cursor *cursor, struct journal *journal) {
	TRY(cursor_copy(cursor, FIELD, journal->session_id.bytes, sizeof journal->session_id.bytes));
	TRY(cursor_copy(cursor, FIELD, journal->parties.bytes, sizeof journal->parties.bytes));
	TRY(cursor_u8(cursor, FIELD, &journal->party_count));
	if (journal->party_count < 2 || journal->party_count > PARTIES_MAX)
		return fail(STATUS_INVALID, "%s: %u parties", FIELD, journal->party_count);
	for (size_t round = journal_is_stored(journal) ? journal->rounds - 1U : 0; round < journal->rounds; round++) {
		TRY(read_frames(cursor, journal->party_count, journal->sent[round]));
		if (round + 1 < journal->rounds)
			TRY(read_frames(cursor, journal->party_count, journal->received[round]));
	}
	return OK;
}

enum status
journal_read_row(struct bytes text, struct journal *journal) {
	struct cursor cursor = cursor_of(text);
	uint64_t begun_ms;
	uint8_t has_generation;
	*journal = (struct journal){};
	TRY(cursor_u64be(&cursor, FIELD, &begun_ms));
	journal->begun_ms = (int64_t)begun_ms;
	TRY(cursor_copy(&cursor, FIELD, journal->bundle.bytes, sizeof journal->bundle.bytes));
	TRY(cursor_u8(&cursor, FIELD, &has_generation));
	if (has_generation > 1)
		return fail(STATUS_INVALID, "%s: generation %u", FIELD, has_generation);
	journal->has_generation = has_generation == 1;
	TRY(cursor_prefixed(&cursor, FIELD, VM_GENERATION_MAX, &journal->generation));
	TRY(read_secret(&cursor, SEEDED_SIZE, &journal->seed));
	TRY(read_secret(&cursor, SCALAR_SIZE, &journal->part));
	TRY(cursor_u8(&cursor, FIELD, &journal->rounds));
	if (journal->rounds > EXCHANGE_ROUNDS_MAX ||
	    (journal_is_stored(journal) && (journal->rounds != EXCHANGE_ROUNDS_MAX || journal->part.len > 0)))
		return fail(STATUS_INVALID, "%s: %u rounds", FIELD, journal->rounds);
	if (journal->rounds > 0)
		TRY(read_rounds(&cursor, journal));
	return cursor_end(&cursor, FIELD);
}

static enum status
write_associated(const struct journal_place *place, struct buffer *to) {
	buffer_append(to, LABEL, sizeof LABEL); /* with its zero byte */
	buffer_append_text(to, MAGIC);
	buffer_append_u16be(to, VERSION);
	buffer_append_prefixed(to, bytes_of_text(place->origin));
	buffer_append_bytes(to, hash256_bytes(&place->operation));
	buffer_append_bytes(to, hash256_bytes(&place->digest));
	buffer_append_prefixed(to, bytes_of_text(place->key_id));
	buffer_append_u32be(to, place->epoch);
	return buffer_status(to);
}

static size_t
size_of(const struct journal *journal) {
	size_t size = FIXED_MAX;
	for (size_t round = 0; round < EXCHANGE_ROUNDS_MAX; round++)
		for (size_t i = 0; i < PARTIES_MAX; i++)
			size += 8 + journal->sent[round][i].len + journal->received[round][i].len;
	return size;
}

enum status
journal_seal(const struct journal *journal, const struct journal_place *place, const uint8_t key[32],
	     struct buffer *row) {
	_cleanup_(buffer_free) struct buffer plain = {}, associated = {};
	TRY(write_associated(place, &associated));
	if (!buffer_reserve(&plain, size_of(journal))) /* at once, so that no copy of it is left behind */
		return buffer_status(&plain);
	journal_write_row(journal, &plain);
	TRY(buffer_status(&plain));
	buffer_append_text(row, MAGIC);
	buffer_append_u16be(row, VERSION);
	if (!buffer_reserve(row, plain.len + AEAD_OVERHEAD))
		return buffer_status(row);
	TRY(aead_seal(key, buffer_bytes(&associated), buffer_bytes(&plain), row->data + row->len));
	row->len += plain.len + AEAD_OVERHEAD;
	return OK;
}

/* --- Rows. --- */

static struct journal_place
place_of(const struct keeper *keeper, const struct gate_operation *operation, const struct key_info *key) {
	return (struct journal_place){.origin = keeper->installation->origin,
				      .operation = operation->id,
				      .digest = operation->digest,
				      .key_id = key->id,
				      .epoch = key->epoch};
}

static struct bytes
row_name(const struct hash256 *operation, char name[static ROW_NAME + 1]) {
	hex_encode(hash256_bytes(operation), name);
	return bytes_of(name, ROW_NAME);
}

void
journals_close(struct keeper *keeper) {
	secrets_close(&keeper->threshold->journals);
	secret_free(&keeper->threshold->journal_key);
}

static enum status
open_database(struct keeper *keeper) {
	struct threshold *threshold = keeper->threshold;
	if (threshold->journals != nullptr)
		return OK;
	char *path = installation_path(keeper->installation, FILE_NAME);
	TRY_ALLOC(path);
	enum status status = secrets_open(keeper->config.io, path, &threshold->journals);
	free(path);
	if (status == OK)
		status = secret_alloc(&threshold->journal_key, AEAD_KEY_SIZE);
	if (status == OK)
		status = root_key_derive(keeper->installation->root, LABEL, threshold->journal_key.data);
	if (status != OK)
		journals_close(keeper); /* nothing is sealed without the key */
	return status;
}

static bool
is_there(const struct keeper *keeper) {
	char *path = installation_path(keeper->installation, FILE_NAME);
	int file;
	bool is_file = path != nullptr && io_open(keeper->config.io, path, IO_READ, &file) == OK;
	if (is_file)
		IGNORE_STATUS(io_close(keeper->config.io, file)); /* read only */
	free(path);
	return is_file;
}

enum status
journals_open(struct keeper *keeper) {
	return is_there(keeper) ? open_database(keeper) : OK;
}

static enum status
count_row(void *context, struct bytes, struct bytes) {
	++*(size_t *)context;
	return OK;
}

static enum status
create_row(struct keeper *keeper, struct bytes name, struct bytes row) {
	size_t count = 0;
	TRY(secrets_visit(keeper->threshold->journals, COLLECTION, count_row, &count));
	if (count >= JOURNALS_MAX)
		return fail(STATUS_UNAVAILABLE, "joint.dealings: %zu are under way here, and no more can be", count);
	return secrets_create(keeper->threshold->journals, COLLECTION, name, row);
}

static enum status
put(struct keeper *keeper, const struct gate_operation *operation, const struct key_info *key,
    const struct journal *journal, bool is_new) {
	_cleanup_(buffer_free) struct buffer row = {};
	char hex[ROW_NAME + 1];
	struct bytes name = row_name(&operation->id, hex);
	struct journal_place place = place_of(keeper, operation, key);
	TRY(open_database(keeper));
	TRY(journal_seal(journal, &place, keeper->threshold->journal_key.data, &row));
	return is_new ? create_row(keeper, name, buffer_bytes(&row))
		      : secrets_replace(keeper->threshold->journals, COLLECTION, name, buffer_bytes(&row));
}

enum status
journal_begin(struct keeper *keeper, const struct gate_operation *operation, const struct joint_key *wanted,
	      const uint8_t part[SCALAR_SIZE]) {
	_cleanup_(secret_free) struct secret seed = {};
	struct machine machine = {};
	machine_begin(keeper, &machine);
	TRY(secret_alloc(&seed, SEEDED_SIZE));
	random_bytes(seed.data, seed.len);
	struct journal journal = {.begun_ms = keeper->batch_ms,
				  .bundle = keeper->gate->state->bundle->hash,
				  .has_generation = machine.generation.is_given,
				  .generation = bytes_of(machine.generation.value, machine.generation.len),
				  .seed = secret_bytes(&seed),
				  .part = bytes_of(part, part == nullptr ? 0 : SCALAR_SIZE)};
	return put(keeper, operation, &wanted->key, &journal, true);
}

static enum status
damaged(const char *how) {
	return fail(STATUS_CORRUPT, "%s: what is stored of this dealing %s", FIELD, how);
}

static enum status
open_row(const struct keeper *keeper, const struct joint_session *session, struct bytes row, struct secret *plain,
	 struct journal *journal) {
	_cleanup_(buffer_free) struct buffer associated = {};
	if (row.len <= HEADER_SIZE + AEAD_OVERHEAD || memcmp(row.data, MAGIC, 4) != 0)
		return damaged("is none");
	if ((row.data[4] << 8 | row.data[5]) != VERSION)
		return damaged("is of another version");
	struct bytes sealed = bytes_of(row.data + HEADER_SIZE, row.len - HEADER_SIZE);
	struct journal_place place = place_of(keeper, session->operation, &session->wanted.key);
	TRY(write_associated(&place, &associated));
	TRY(secret_alloc(plain, sealed.len - AEAD_OVERHEAD));
	if (aead_open(keeper->threshold->journal_key.data, buffer_bytes(&associated), sealed, plain->data) != OK)
		return damaged("does not open");
	return journal_read_row(secret_bytes(plain), journal) == OK ? OK : damaged("cannot be read");
}

static enum status
take(struct kept_journal *kept, const struct journal *journal) {
	kept->rounds = journal->rounds;
	kept->begun_ms = journal->begun_ms;
	kept->bundle = journal->bundle;
	kept->parties = journal->parties;
	kept->has_part = journal->part.len > 0;
	secret_free(&kept->secret);
	if (journal_is_stored(journal))
		return OK;
	TRY(secret_alloc(&kept->secret, SEEDED_SIZE + SCALAR_SIZE));
	memcpy(kept->secret.data, journal->seed.data, SEEDED_SIZE);
	if (kept->has_part)
		memcpy(kept->secret.data + SEEDED_SIZE, journal->part.data, SCALAR_SIZE);
	return OK;
}

enum status
journal_open(struct keeper *keeper, struct joint_session *session, struct secret *plain, struct journal *journal) {
	_cleanup_(buffer_free) struct buffer row = {};
	char hex[ROW_NAME + 1];
	struct bytes name = row_name(&session->operation->id, hex);
	if (keeper->threshold->journals == nullptr)
		return fail(STATUS_NOT_FOUND, "%s: there is none", FIELD);
	enum status status = secrets_get(keeper->threshold->journals, COLLECTION, name, &row);
	session->journal.is_kept = status != STATUS_NOT_FOUND;
	TRY(status);
	TRY(open_row(keeper, session, buffer_bytes(&row), plain, journal));
	return take(&session->journal, journal);
}

static void
note_frames(const struct exchange *exchange, uint8_t rounds, struct journal *journal) {
	journal->session_id = exchange->session.id;
	journal->party_count = exchange->session.parties.count;
	for (size_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < journal->party_count; i++) {
			journal->sent[round][i] = buffer_bytes(&exchange->sent[round][i]);
			if (round + 1 < rounds)
				journal->received[round][i] = buffer_bytes(&exchange->received[round][i]);
		}
}

enum status
journal_keep(struct keeper *keeper, struct joint_session *session) {
	const struct exchange *exchange = machine_exchange(&session->dealing);
	const struct vm_generation *generation = &session->dealing.generation;
	struct kept_journal *kept = &session->journal;
	uint8_t rounds = machine_rounds(&session->dealing);
	if (exchange == nullptr || kept->secret.len == 0 || rounds < kept->rounds)
		return fail(STATUS_INTERNAL, "%s: there is nothing to keep", FIELD);
	if (rounds == kept->rounds)
		return OK;
	struct journal journal = {.begun_ms = kept->begun_ms,
				  .bundle = kept->bundle,
				  .parties = kept->parties,
				  .has_generation = generation->is_given,
				  .generation = bytes_of(generation->value, generation->len),
				  .seed = bytes_of(kept->secret.data, SEEDED_SIZE),
				  .part = bytes_of(kept->secret.data + SEEDED_SIZE, kept->has_part ? SCALAR_SIZE : 0),
				  .rounds = rounds};
	note_frames(exchange, rounds, &journal);
	TRY(put(keeper, session->operation, &session->wanted.key, &journal, false));
	kept->rounds = rounds;
	return OK;
}

enum status
journal_keep_last(struct keeper *keeper, struct joint_session *session) {
	struct kept_journal *kept = &session->journal;
	const struct party_set *holders = &session->holders;
	struct journal journal = {.begun_ms = kept->begun_ms,
				  .bundle = kept->bundle,
				  .parties = kept->parties,
				  .rounds = EXCHANGE_ROUNDS_MAX,
				  .party_count = holders->count};
	for (size_t i = 0; i < holders->count; i++)
		journal.sent[EXCHANGE_ROUNDS_MAX - 1][i] =
			buffer_bytes(&session->parties[holders->parties[i].index].confirmation);
	secret_free(&kept->secret);
	return put(keeper, session->operation, &session->wanted.key, &journal, false);
}

static enum status
destroy(struct keeper *keeper, struct bytes name) {
	return secrets_destroy(keeper->threshold->journals, COLLECTION, name);
}

void
journal_end(struct keeper *keeper, struct joint_session *session) {
	char hex[ROW_NAME + 1];
	secret_free(&session->journal.secret);
	if (!session->journal.is_kept || keeper->threshold->journals == nullptr)
		return;
	session->journal.is_kept = false;
	if (destroy(keeper, row_name(&session->operation->id, hex)) != OK)
		keeper_end(keeper, "joint.journal: what a dealing was made from would stay");
}

/* --- At the start. --- */

struct sweeping {
	struct keeper *keeper;
	struct buffer names; /* of rows that nobody needs, each ROW_NAME long */
};

static enum status
look_at_row(void *context, struct bytes name, struct bytes) {
	struct sweeping *sweeping = context;
	struct hash256 id;
	bool is_id = name.len == ROW_NAME && hex_decode(name, id.bytes, sizeof id.bytes) == OK;
	if (is_id && session_find(sweeping->keeper, &id) != nullptr)
		return OK;
	if (name.len == ROW_NAME)
		buffer_append_bytes(&sweeping->names, name);
	return buffer_status(&sweeping->names);
}

enum status
journals_sweep(struct keeper *keeper) {
	struct sweeping sweeping = {.keeper = keeper};
	if (keeper->threshold->journals == nullptr)
		return OK;
	enum status status = secrets_visit(keeper->threshold->journals, COLLECTION, look_at_row, &sweeping);
	for (size_t at = 0; status == OK && at < sweeping.names.len; at += ROW_NAME)
		status = destroy(keeper, bytes_of(sweeping.names.data + at, ROW_NAME));
	buffer_free(&sweeping.names);
	return status;
}
