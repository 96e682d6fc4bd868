#include "gate/keepers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"

constexpr int64_t ADMISSION_MAX = 1'000'000; /* that can be stated */

void
keepers_free(struct keepers *keepers) {
	for (size_t party = 0; party <= KEEPERS_MAX; party++) {
		if (keepers->of_party[party] == nullptr)
			continue;
		head_keys_free(&keepers->of_party[party]->log);
		free(keepers->of_party[party]);
		keepers->of_party[party] = nullptr;
	}
}

void
keeper_identity(const char *instance, const char *name, uint8_t party, const struct hash256 *certificate,
		const uint8_t key[32], uint8_t identity[32]) {
	static const uint8_t label[] = "gatehouse/peer-identity/v1";
	uint8_t lengths[2][4];
	store_u32be(lengths[0], (uint32_t)strlen(instance));
	store_u32be(lengths[1], (uint32_t)strlen(name));
	struct hash256 hash = SHA256_PARTS(BYTES_OF_ARRAY(label), BYTES_OF_ARRAY(lengths[0]), bytes_of_text(instance),
					   BYTES_OF_ARRAY(lengths[1]), bytes_of_text(name), bytes_of(&party, 1),
					   hash256_bytes(certificate), bytes_of(key, 32));
	memcpy(identity, hash.bytes, sizeof hash.bytes);
}

bool
keeper_name_is_valid(struct bytes name) {
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] == 0 || strchr("abcdefghijklmnopqrstuvwxyz0123456789-", name.data[i]) == nullptr)
			return false;
	return name.len >= 1 && name.len <= KEEPER_NAME_MAX;
}

struct enrolled_keeper *
keepers_named(const struct keepers *keepers, struct bytes name) {
	for (size_t party = 1; party <= KEEPERS_MAX; party++)
		if (keepers->of_party[party] != nullptr && bytes_equal_text(name, keepers->of_party[party]->name))
			return keepers->of_party[party];
	return nullptr;
}

static enum status
find(const struct keepers *keepers, struct bytes name, struct enrolled_keeper **keeper) {
	*keeper = keepers_named(keepers, name);
	if (*keeper != nullptr && (*keeper)->is_enrolled)
		return OK;
	return fail(STATUS_NOT_FOUND, "keepers.unknown: no keeper \"%.*s\" is enrolled", BYTES_ARGS(name));
}

/* --- Enrolment. --- */

static void
destroy(struct enrolled_keeper **keeper) {
	struct enrolled_keeper *gone = TAKE(*keeper);
	if (gone == nullptr)
		return;
	head_keys_free(&gone->log);
	free(gone);
}

/* One key of each type, both of the log that the name says. */
static enum status
read_log_keys(const json *payload, const char *instance, struct enrolled_keeper *keeper) {
	const json *array;
	char origin[NOTE_NAME_MAX + 1];
	int len = snprintf(origin, sizeof origin, "%s/%s", instance, keeper->name);
	TRY(json_need(payload, "payload", "log_keys", JSON_ARRAY, &array));
	if (len < 0 || (size_t)len >= sizeof origin || json_size(array) != 2)
		return fail(STATUS_INVALID, "keepers.log_keys: expected two keys of a log");
	struct note_key *keys[] = {&keeper->log.ed25519, &keeper->log.mldsa44};
	static const enum note_key_type types[] = {NOTE_ED25519, NOTE_COSIGNATURE_MLDSA44};
	struct json_iterator iterator = json_iterate(array);
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		const json *vkey = json_next(&iterator, nullptr);
		if (json_type_of(vkey) != JSON_STRING)
			return fail(STATUS_INVALID, "keepers.log_keys: an element is not a string");
		TRY(note_key_parse(json_string(vkey), keys[i]));
		if (keys[i]->type != types[i] || strcmp(keys[i]->name, origin) != 0)
			return fail(STATUS_INVALID,
				    "keepers.log_keys: key %zu is of type %d and of \"%s\", expected type %d of \"%s\"",
				    i, (int)keys[i]->type, keys[i]->name, (int)types[i], origin);
	}
	return OK;
}

static enum status
read_enrolment(const json *payload, const char *instance, struct enrolled_keeper *keeper) {
	struct bytes name, certificate, key;
	int64_t party;
	TRY(json_need_string(payload, "payload", "name", &name));
	if (!keeper_name_is_valid(name))
		return fail(STATUS_INVALID, "keepers.name: expected 1 to %zu of a-z, 0-9 and \"-\"", KEEPER_NAME_MAX);
	memcpy(keeper->name, name.data, name.len);
	TRY(json_need_integer(payload, "payload", "party", &party));
	if (party < 1 || party > (int64_t)KEEPERS_MAX)
		return fail(STATUS_INVALID, "keepers.party: expected 1 to %zu", KEEPERS_MAX);
	keeper->party = (uint8_t)party;
	TRY(json_need_string(payload, "payload", "certificate", &certificate));
	TRY(hex_decode(certificate, keeper->certificate.bytes, sizeof keeper->certificate.bytes));
	TRY(json_need_string(payload, "payload", "key", &key));
	TRY(hex_decode(key, keeper->key, sizeof keeper->key));
	TRY(ed25519_public_check(keeper->key));
	return read_log_keys(payload, instance, keeper);
}

/* What shared keys are dealt to is an admission, which all their holders must count alike: to a keeper that is founded later than the
 * others it is stated how often they have admitted this one. Never fewer than it has counted itself. */
static enum status
count_admission(const json *payload, const struct enrolled_keeper *before, struct enrolled_keeper *keeper) {
	int64_t stated;
	keeper->admission = before == nullptr ? 1 : before->admission + 1;
	if (json_get(payload, "admission") == nullptr)
		return OK;
	TRY(json_need_integer(payload, "payload", "admission", &stated));
	if (stated < (int64_t)keeper->admission || stated > ADMISSION_MAX)
		return fail(STATUS_INVALID, "keepers.admission: %lld, expected %llu to %lld", (long long)stated,
			    (unsigned long long)keeper->admission, (long long)ADMISSION_MAX);
	keeper->admission = (uint64_t)stated;
	return OK;
}

/* Nothing of what is enrolled may be anybody else's: who two keys could be is nobody. */
static enum status
check_distinct(const struct keepers *keepers, const struct enrolled_keeper *added) {
	for (size_t party = 1; party <= KEEPERS_MAX; party++) {
		const struct enrolled_keeper *other = keepers->of_party[party];
		if (other == nullptr)
			continue;
		bool is_same_name = strcmp(other->name, added->name) == 0, is_same_party = party == added->party;
		if (is_same_name && other->is_enrolled)
			return fail(STATUS_CONFLICT, "keepers.exists: \"%s\" is enrolled", added->name);
		if (is_same_name != is_same_party)
			return fail(STATUS_CONFLICT, "keepers.party: party %zu is \"%s\" for good", party, other->name);
		if (!is_same_name && (hash256_equal(&other->certificate, &added->certificate) ||
				      memcmp(other->key, added->key, sizeof other->key) == 0))
			return fail(STATUS_CONFLICT, "keepers.key: it is \"%s\"'s", other->name);
	}
	return OK;
}

enum status
keepers_check_add(const struct keepers *keepers, const char *instance, const json *payload) {
	_cleanup_(destroy) struct enrolled_keeper *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(read_enrolment(payload, instance, made));
	TRY(check_distinct(keepers, made));
	return count_admission(payload, keepers->of_party[made->party], made);
}

enum status
keepers_add(struct keepers *keepers, const char *instance, const json *payload) {
	_cleanup_(destroy) struct enrolled_keeper *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(read_enrolment(payload, instance, made));
	TRY(check_distinct(keepers, made));
	uint8_t party = made->party;
	struct enrolled_keeper *before = keepers->of_party[party];
	TRY(count_admission(payload, before, made));
	made->is_enrolled = true;
	keepers->of_party[party] = TAKE(made);
	keepers->changes++;
	destroy(&before);
	return OK;
}

enum status
keepers_remove(struct keepers *keepers, struct bytes name) {
	struct enrolled_keeper *keeper;
	TRY(find(keepers, name, &keeper));
	keeper->is_enrolled = false;
	keepers->changes++;
	return OK;
}

/* --- What it has shown. --- */

enum status
keepers_readmit(struct keepers *keepers, struct bytes name, const struct mark *head) {
	struct enrolled_keeper *keeper;
	TRY(find(keepers, name, &keeper));
	keeper->seen = *head;
	keeper->is_refused = false;
	keeper->shown = (struct mark){};
	keeper->reason[0] = '\0';
	keeper->admission++;
	keepers->changes++;
	return OK;
}

enum status
keepers_see(struct keepers *keepers, struct bytes name, const struct mark *head) {
	struct enrolled_keeper *keeper;
	TRY(find(keepers, name, &keeper));
	if (head->size > keeper->seen.size)
		keeper->seen = *head;
	return OK;
}

enum status
keepers_refuse(struct keepers *keepers, struct bytes name, const struct mark *shown, struct bytes reason) {
	struct enrolled_keeper *keeper;
	TRY(find(keepers, name, &keeper));
	if (reason.len > KEEPER_REASON_MAX)
		return fail(STATUS_INVALID, "keepers.reason: %zu characters", reason.len);
	keeper->is_refused = true;
	keeper->shown = *shown;
	memcpy(keeper->reason, reason.data, reason.len);
	keeper->reason[reason.len] = '\0';
	keepers->changes++;
	return OK;
}

/* --- As JSON. --- */

void
keeper_write_enrolment(struct json_writer *writer, const char *name, uint8_t party, const struct head_keys *log,
		       const struct hash256 *certificate, const uint8_t key[32]) {
	const struct note_key *keys[] = {&log->ed25519, &log->mldsa44};
	json_write_object(writer);
	json_write_member_hex(writer, "certificate", hash256_bytes(certificate));
	json_write_member_hex(writer, "key", bytes_of(key, 32));
	json_write_key(writer, "log_keys");
	json_write_array(writer);
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		_cleanup_(buffer_free) struct buffer vkey = {};
		note_key_format(keys[i], &vkey);
		json_write_string(writer, buffer_bytes(&vkey));
	}
	json_write_end(writer);
	json_write_member_text(writer, "name", name);
	if (party != 0)
		json_write_member_integer(writer, "party", party);
	json_write_end(writer);
}

enum status
keepers_write_entry(const struct enrolled_keeper *keeper, const struct mark *head, const char *reason,
		    struct buffer *body) {
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_key(&w, "head");
	json_write_object(&w);
	json_write_member_hex(&w, "root", hash256_bytes(&head->root));
	json_write_member_integer(&w, "size", (int64_t)head->size);
	json_write_end(&w);
	json_write_member_text(&w, "keeper", keeper->name);
	if (reason != nullptr)
		json_write_member_text(&w, "reason", reason);
	json_write_member_text(&w, "state", reason == nullptr ? "seen" : "refused");
	json_write_end(&w);
	return json_writer_finish(&w);
}

static enum status
read_mark(const json *object, struct mark *mark) {
	struct bytes root;
	int64_t size;
	TRY(json_need_integer(object, "peer.head", "size", &size));
	TRY(json_need_string(object, "peer.head", "root", &root));
	TRY(hex_decode(root, mark->root.bytes, sizeof mark->root.bytes));
	mark->size = (uint64_t)size;
	return size >= 0 ? OK : fail(STATUS_INVALID, "peer.head: a size below zero");
}

enum status
keepers_restore_entry(struct keepers *keepers, const json *body) {
	struct bytes name, state, reason;
	const json *object;
	struct mark head;
	TRY(json_need_string(body, "peer", "keeper", &name));
	TRY(json_need_string(body, "peer", "state", &state));
	TRY(json_need(body, "peer", "head", JSON_OBJECT, &object));
	TRY(read_mark(object, &head));
	if (bytes_equal_text(state, "seen"))
		return keepers_see(keepers, name, &head);
	TRY(json_need_string(body, "peer", "reason", &reason));
	return keepers_refuse(keepers, name, &head, reason);
}

/* --- In the snapshot: for each party name, keys, admission, enrolled, seen, refused, shown, reason. --- */

static const char FIELD[] = "keepers.snapshot";

static void
write_mark(struct buffer *to, const struct mark *mark) {
	buffer_append_u64be(to, mark->size);
	buffer_append_bytes(to, hash256_bytes(&mark->root));
}

enum status
keepers_write(const struct keepers *keepers, struct buffer *to) {
	for (size_t party = 1; party <= KEEPERS_MAX; party++) {
		const struct enrolled_keeper *keeper = keepers->of_party[party];
		if (keeper == nullptr)
			continue;
		buffer_append_byte(to, (uint8_t)party);
		buffer_append_prefixed(to, bytes_of_text(keeper->name));
		buffer_append(to, keeper->log.ed25519.public_key, ED25519_PUBLIC_SIZE);
		buffer_append(to, keeper->log.mldsa44.public_key, MLDSA44_PUBLIC_SIZE);
		buffer_append_bytes(to, hash256_bytes(&keeper->certificate));
		buffer_append(to, keeper->key, sizeof keeper->key);
		buffer_append_u64be(to, keeper->admission);
		buffer_append_byte(to, keeper->is_enrolled);
		write_mark(to, &keeper->seen);
		buffer_append_byte(to, keeper->is_refused);
		write_mark(to, &keeper->shown);
		buffer_append_prefixed(to, bytes_of_text(keeper->reason));
	}
	return buffer_status(to);
}

static enum status
take_mark(struct cursor *cursor, struct mark *mark) {
	TRY(cursor_u64be(cursor, FIELD, &mark->size));
	return cursor_copy(cursor, FIELD, mark->root.bytes, sizeof mark->root.bytes);
}

static enum status
take_boolean(struct cursor *cursor, bool *value) {
	uint8_t byte;
	TRY(cursor_u8(cursor, FIELD, &byte));
	*value = byte == 1;
	return byte <= 1 ? OK : fail(STATUS_INVALID, "%s: neither true nor false", FIELD);
}

static enum status
take_who(struct cursor *cursor, const char *instance, struct enrolled_keeper *keeper) {
	uint8_t ed25519[ED25519_PUBLIC_SIZE], mldsa44[MLDSA44_PUBLIC_SIZE];
	char origin[NOTE_NAME_MAX + 1];
	struct bytes name;
	TRY(cursor_u8(cursor, FIELD, &keeper->party));
	TRY(cursor_prefixed(cursor, FIELD, KEEPER_NAME_MAX, &name));
	if (keeper->party == 0 || keeper->party > KEEPERS_MAX || !keeper_name_is_valid(name))
		return fail(STATUS_INVALID, "%s: no keeper", FIELD);
	memcpy(keeper->name, name.data, name.len);
	TRY(cursor_copy(cursor, FIELD, ed25519, sizeof ed25519));
	TRY(cursor_copy(cursor, FIELD, mldsa44, sizeof mldsa44));
	int len = snprintf(origin, sizeof origin, "%s/%s", instance, keeper->name);
	TRY(head_keys_make(bytes_of(origin, len < 0 ? 0 : (size_t)len), ed25519, mldsa44, &keeper->log));
	TRY(cursor_copy(cursor, FIELD, keeper->certificate.bytes, sizeof keeper->certificate.bytes));
	return cursor_copy(cursor, FIELD, keeper->key, sizeof keeper->key);
}

static enum status
take_one(struct cursor *cursor, const char *instance, struct enrolled_keeper *keeper) {
	struct bytes reason;
	TRY(take_who(cursor, instance, keeper));
	TRY(cursor_u64be(cursor, FIELD, &keeper->admission));
	TRY(take_boolean(cursor, &keeper->is_enrolled));
	TRY(take_mark(cursor, &keeper->seen));
	TRY(take_boolean(cursor, &keeper->is_refused));
	TRY(take_mark(cursor, &keeper->shown));
	TRY(cursor_prefixed(cursor, FIELD, KEEPER_REASON_MAX, &reason));
	memcpy(keeper->reason, reason.data, reason.len);
	return OK;
}

enum status
keepers_read(struct keepers *keepers, const char *instance, struct bytes from) {
	struct cursor cursor = cursor_of(from);
	while (cursor.left > 0) {
		_cleanup_(destroy) struct enrolled_keeper *made = calloc(1, sizeof *made);
		TRY_ALLOC(made);
		TRY(take_one(&cursor, instance, made));
		if (keepers->of_party[made->party] != nullptr || keepers_named(keepers, bytes_of_text(made->name)))
			return fail(STATUS_INVALID, "%s: a keeper twice", FIELD);
		uint8_t party = made->party;
		keepers->of_party[party] = TAKE(made);
	}
	return OK;
}
