#include "gate/pledges.h"

#include "crypto/sign.h"
#include "gate/keepers.h"

static const char COLLECTION[] = "pledge";
static const char LABEL[] = "gatehouse/threshold/pledge/v1";
static const char MAGIC[] = "GHPL";
constexpr uint16_t VERSION = 1;

/* --- One. --- */

/* Whoever will never take a share may never have known of which key and sharing it was. */
static enum status
write_statement(const struct gate_state *state, const struct pledged *pledged, const struct sharing *sharing,
		const struct party *holder, enum pledge_word word, struct buffer *statement) {
	static const struct hash256 none;
	bool keeps = word == PLEDGE_KEEPS;
	buffer_append(statement, LABEL, sizeof LABEL); /* with its zero byte */
	buffer_append_prefixed(statement, bytes_of_text(state->instance));
	buffer_append_bytes(statement, hash256_bytes(&pledged->operation));
	buffer_append_bytes(statement, hash256_bytes(&pledged->digest));
	buffer_append_byte(statement, (uint8_t)word);
	buffer_append_byte(statement, holder->index);
	buffer_append(statement, holder->identity, sizeof holder->identity);
	buffer_append_prefixed(statement, keeps ? bytes_of_text(sharing->key.id) : (struct bytes){});
	buffer_append_u32be(statement, keeps ? sharing->key.epoch : 0);
	buffer_append_bytes(statement, hash256_bytes(keeps ? &pledged->sharing_hash : &none));
	return buffer_status(statement);
}

enum status
pledge_sign(const struct gate_state *state, const struct pledged *pledged, const struct sharing *sharing,
	    const struct party *holder, enum pledge_word word, const struct pledge_keys *keys, struct pledge *pledge) {
	_cleanup_(buffer_free) struct buffer statement = {};
	*pledge = (struct pledge){.holder = holder->index, .word = word, .certificate = keys->certificate};
	memcpy(pledge->key, keys->key, sizeof pledge->key);
	TRY(write_statement(state, pledged, sharing, holder, word, &statement));
	return ed25519_sign(keys->seed, keys->key, buffer_bytes(&statement), pledge->signature);
}

enum status
pledge_check(const struct gate_state *state, const struct pledged *pledged, const struct sharing *sharing,
	     const struct pledge *pledge) {
	_cleanup_(buffer_free) struct buffer statement = {};
	size_t position = party_set_position(&sharing->key.holders, pledge->holder);
	uint8_t identity[32];
	if (position >= sharing->key.holders.count)
		return fail(STATUS_INVALID, "pledge.holder: party %u is to hold no share", pledge->holder);
	const struct party *holder = &sharing->key.holders.parties[position];
	keeper_identity(state->instance, sharing->names[position], holder->index, &pledge->certificate, pledge->key,
			identity);
	if (memcmp(identity, holder->identity, sizeof identity) != 0)
		return fail(STATUS_INVALID, "pledge.identity: party %u is known by other keys", pledge->holder);
	TRY(write_statement(state, pledged, sharing, holder, pledge->word, &statement));
	return ed25519_verify(pledge->key, buffer_bytes(&statement), pledge->signature);
}

/* --- All that are known. --- */

const struct pledge *
pledges_find(const struct pledges *pledges, uint8_t holder, enum pledge_word word) {
	for (size_t i = 0; i < pledges->count; i++)
		if (pledges->of[i].holder == holder && pledges->of[i].word == word)
			return &pledges->of[i];
	return nullptr;
}

bool
pledges_add(struct pledges *pledges, const struct pledge *pledge) {
	if (pledges->count >= PLEDGES_MAX || pledges_find(pledges, pledge->holder, pledge->word) != nullptr)
		return false;
	pledges->of[pledges->count++] = *pledge;
	return true;
}

bool
pledges_are_complete(const struct pledges *pledges, const struct party_set *holders) {
	for (size_t i = 0; i < holders->count; i++)
		if (pledges_find(pledges, holders->parties[i].index, PLEDGE_KEEPS) == nullptr)
			return false;
	return holders->count > 0;
}

bool
pledges_are_hopeless(const struct pledges *pledges, const struct sharing *sharing, uint8_t self) {
	const struct party_set *holders = &sharing->key.holders;
	size_t never = 0, others = holders->count - 1U;
	for (size_t i = 0; i < holders->count; i++)
		never += holders->parties[i].index != self &&
			 pledges_find(pledges, holders->parties[i].index, PLEDGE_NEVER) != nullptr;
	return never >= (sharing->key.threshold < others ? sharing->key.threshold : others);
}

void
pledges_write(struct buffer *to, const struct pledges *pledges) {
	buffer_append_byte(to, pledges->count);
	for (size_t i = 0; i < pledges->count; i++) {
		const struct pledge *pledge = &pledges->of[i];
		buffer_append_byte(to, pledge->holder);
		buffer_append_byte(to, (uint8_t)pledge->word);
		buffer_append_bytes(to, hash256_bytes(&pledge->certificate));
		buffer_append(to, pledge->key, sizeof pledge->key);
		buffer_append(to, pledge->signature, sizeof pledge->signature);
	}
}

static enum status
read_one(struct cursor *cursor, struct pledge *pledge) {
	uint8_t word;
	TRY(cursor_u8(cursor, "pledge.holder", &pledge->holder));
	TRY(cursor_u8(cursor, "pledge.word", &word));
	if (word != PLEDGE_KEEPS && word != PLEDGE_NEVER)
		return fail(STATUS_INVALID, "pledge.word: %u", word);
	pledge->word = (enum pledge_word)word;
	TRY(cursor_copy(cursor, "pledge.certificate", pledge->certificate.bytes, sizeof pledge->certificate.bytes));
	TRY(cursor_copy(cursor, "pledge.key", pledge->key, sizeof pledge->key));
	return cursor_copy(cursor, "pledge.signature", pledge->signature, sizeof pledge->signature);
}

enum status
pledges_read(struct cursor *cursor, struct pledges *pledges) {
	uint8_t count;
	*pledges = (struct pledges){};
	TRY(cursor_u8(cursor, "pledge.count", &count));
	if (count == 0 || count > PLEDGES_MAX)
		return fail(STATUS_INVALID, "pledge.count: %u; 1 to %zu are possible", count, PLEDGES_MAX);
	for (size_t i = 0; i < count; i++) {
		struct pledge pledge;
		TRY(read_one(cursor, &pledge));
		if (!pledges_add(pledges, &pledge))
			return fail(STATUS_INVALID, "pledge.twice: party %u has said this before", pledge.holder);
	}
	return OK;
}

/* --- Rows. --- */

static struct bytes
row_name(const struct hash256 *operation, char name[2 * sizeof operation->bytes + 1]) {
	hex_encode(hash256_bytes(operation), name);
	return bytes_of(name, 2 * sizeof operation->bytes);
}

static void
write_row(const struct pledged *pledged, const struct pledges *pledges, struct buffer *row) {
	buffer_append_text(row, MAGIC);
	buffer_append_u16be(row, VERSION);
	buffer_append_bytes(row, hash256_bytes(&pledged->operation));
	buffer_append_bytes(row, hash256_bytes(&pledged->digest));
	buffer_append_bytes(row, hash256_bytes(&pledged->sharing_hash));
	pledges_write(row, pledges);
}

enum status
pledges_store(const struct gate_state *state, const struct pledged *pledged, const struct pledges *pledges) {
	_cleanup_(buffer_free) struct buffer row = {};
	char text[2 * sizeof pledged->operation.bytes + 1];
	struct bytes name = row_name(&pledged->operation, text);
	write_row(pledged, pledges, &row);
	TRY(buffer_status(&row));
	enum status status = secrets_replace(state->secrets, COLLECTION, name, buffer_bytes(&row));
	return status == STATUS_NOT_FOUND ? secrets_create(state->secrets, COLLECTION, name, buffer_bytes(&row))
					  : status;
}

static enum status
read_row(struct bytes row, struct pledged *pledged, struct pledges *pledges) {
	static const char FIELD[] = "pledge_row";
	struct cursor cursor = cursor_of(row);
	struct bytes magic;
	uint16_t version;
	TRY(cursor_take(&cursor, FIELD, strlen(MAGIC), &magic));
	TRY(cursor_u16be(&cursor, FIELD, &version));
	if (!bytes_equal_text(magic, MAGIC) || version != VERSION)
		return fail(STATUS_UNSUPPORTED, "pledge_row.version: another kind of row, or version %u", version);
	TRY(cursor_copy(&cursor, FIELD, pledged->operation.bytes, sizeof pledged->operation.bytes));
	TRY(cursor_copy(&cursor, FIELD, pledged->digest.bytes, sizeof pledged->digest.bytes));
	TRY(cursor_copy(&cursor, FIELD, pledged->sharing_hash.bytes, sizeof pledged->sharing_hash.bytes));
	TRY(pledges_read(&cursor, pledges));
	return cursor_end(&cursor, FIELD);
}

enum status
pledges_of_operation(const struct gate_state *state, const struct hash256 *operation, struct pledged *pledged,
		     struct pledges *pledges) {
	_cleanup_(buffer_free) struct buffer row = {};
	char text[2 * sizeof operation->bytes + 1];
	*pledged = (struct pledged){};
	*pledges = (struct pledges){};
	TRY(secrets_get(state->secrets, COLLECTION, row_name(operation, text), &row));
	return read_row(buffer_bytes(&row), pledged, pledges) == OK && hash256_equal(&pledged->operation, operation)
		       ? OK
		       : fail(STATUS_CORRUPT, "pledge_row.form: the row of %s cannot be read", text);
}

bool
pledges_row_is_known(const struct gate_state *state, struct bytes name) {
	struct hash256 operation;
	return name.len == 2 * sizeof operation.bytes &&
	       hex_decode(name, operation.bytes, sizeof operation.bytes) == OK &&
	       operations_find(&state->operations, &operation) != nullptr;
}
