#include "gate/personal.h"

#include <arpa/inet.h>

#include "base/log.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "gate/gate.h"

static const char COLLECTION[] = "subject"; /* in secrets.db */
static const char WRAPPING_LABEL[] = "gatehouse/subject-key/v1";
constexpr size_t WRAPPED_SIZE = AEAD_KEY_SIZE + AEAD_OVERHEAD;

/* --- Values that are brought. --- */

static enum status
check_text(const char *name, struct bytes value) {
	if (value.len == 0)
		return fail(STATUS_INVALID, "%s: empty", name);
	return text_check(name, value, PERSONAL_TEXT_MAX);
}

/* A mail address, as far as its form matters here: one @ with something on either side, nothing that a header line or a shell
 * would take for its own (RFC 5321 §4.1.2 has more, which nobody uses). */
static enum status
check_contact(struct bytes value) {
	size_t at_signs = 0;
	TRY(check_text("personal.contact", value));
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] == ' ' || strchr("<>()[],;:\\\"", value.data[i]) != nullptr)
			return fail(STATUS_INVALID, "personal.contact: a character that no mail address has");
		at_signs += value.data[i] == '@';
	}
	if (at_signs != 1 || value.data[0] == '@' || value.data[value.len - 1] == '@')
		return fail(STATUS_INVALID, "personal.contact: expected a mail address");
	return OK;
}

static enum status
check_name(struct bytes value) {
	return check_text("personal.name", value);
}

static const struct {
	const char *name;
	enum status (*check)(struct bytes value);
} profile[] = {{"contact", check_contact}, {"name", check_name}};
static_assert(ARRAY_LENGTH(profile) < PERSONAL_FIELDS_MAX); /* and the source address */

const char *
personal_profile_field(size_t index) {
	return index < ARRAY_LENGTH(profile) ? profile[index].name : nullptr;
}

bool
personal_is_profile_field(struct bytes name) {
	for (size_t i = 0; i < ARRAY_LENGTH(profile); i++)
		if (bytes_equal_text(name, profile[i].name))
			return true;
	return false;
}

static enum status
read_hex(const json *object, const char *where, const char *member, uint8_t bytes[32]) {
	struct bytes text;
	TRY(json_need_string(object, where, member, &text));
	if (text.len != 64 || hex_decode(text, bytes, 32) != OK)
		return fail(STATUS_INVALID, "%s.%s: expected 64 hexadecimal digits", where, member);
	return OK;
}

static enum status
read_value(const json *payload, const json *brought, size_t at, struct opening_field *field) {
	static const char *const members[] = {"salt", "value", nullptr};
	const json *one;
	struct hash256 stated;
	*field = (struct opening_field){.name = bytes_of_text(profile[at].name)};
	TRY(read_hex(payload, "payload", profile[at].name, stated.bytes));
	TRY(json_need(brought, "personal", profile[at].name, JSON_OBJECT, &one));
	TRY(json_only(one, "personal", members));
	TRY(read_hex(one, "personal", "salt", field->salt));
	TRY(json_need_string(one, "personal", "value", &field->value));
	TRY(profile[at].check(field->value));
	struct hash256 computed = opening_commit(field);
	return hash256_equal(&computed, &stated)
		       ? OK
		       : fail(STATUS_UNAUTHORIZED, "personal.commitment: the payload commits to another %s",
			      profile[at].name);
}

enum status
personal_read(const json *payload, const json *brought, struct personal_values *values) {
	static const char *const members[] = {"contact", "name", nullptr};
	*values = (struct personal_values){};
	TRY(json_only(payload, "payload", members));
	TRY(json_only(brought, "personal", members));
	for (size_t i = 0; i < ARRAY_LENGTH(profile); i++) {
		if (json_get(payload, profile[i].name) == nullptr && json_get(brought, profile[i].name) == nullptr)
			continue;
		TRY(read_value(payload, brought, i, &values->fields[values->count]));
		values->count++;
	}
	return values->count > 0 ? OK : fail(STATUS_INVALID, "personal.fields: no value was brought");
}

/* --- Keys. --- */

static enum status
need_keys(const struct gate *gate) {
	return gate->subject_wrapping.data != nullptr && gate->state->secrets != nullptr
		       ? OK
		       : fail(STATUS_UNAVAILABLE, "personal.locked: this process holds no keys");
}

/* What a wrapped key is bound to: whose it is, and where. */
static enum status
associated_data(const struct gate *gate, struct bytes subject, struct buffer *associated) {
	buffer_append(associated, WRAPPING_LABEL, sizeof WRAPPING_LABEL);
	buffer_append_prefixed(associated, bytes_of_text(gate->state->instance));
	buffer_append_bytes(associated, subject);
	return buffer_status(associated);
}

static enum status
get_key(const struct gate *gate, struct bytes subject, struct secret *key) {
	_cleanup_(buffer_free) struct buffer wrapped = {}, associated = {};
	TRY(need_keys(gate));
	TRY(secrets_get(gate->state->secrets, COLLECTION, subject, &wrapped));
	if (wrapped.len != WRAPPED_SIZE)
		return fail(STATUS_CORRUPT, "personal.key: %zu bytes", wrapped.len);
	TRY(associated_data(gate, subject, &associated));
	TRY(secret_alloc(key, AEAD_KEY_SIZE));
	return aead_open(gate->subject_wrapping.data, buffer_bytes(&associated), buffer_bytes(&wrapped), key->data);
}

/* The row first, then the entry: a row without an entry is removed at the next start (design §6). */
static enum status
make_key(const struct gate *gate, struct bytes subject, struct secret *key) {
	_cleanup_(buffer_free) struct buffer associated = {};
	uint8_t wrapped[WRAPPED_SIZE];
	TRY(need_keys(gate));
	TRY(associated_data(gate, subject, &associated));
	TRY(secret_alloc(key, AEAD_KEY_SIZE));
	random_bytes(key->data, key->len);
	TRY(aead_seal(gate->subject_wrapping.data, buffer_bytes(&associated), secret_bytes(key), wrapped));
	return secrets_create(gate->state->secrets, COLLECTION, subject, BYTES_OF_ARRAY(wrapped));
}

static enum status
get_or_make_key(const struct gate *gate, struct bytes subject, struct secret *key) {
	enum status status = get_key(gate, subject, key);
	return status == STATUS_NOT_FOUND ? make_key(gate, subject, key) : status;
}

static enum secrets_recorded
key_recorded(void *context, struct bytes id) {
	const struct subject *subject = subjects_find(&((const struct gate *)context)->state->subjects, id);
	if (subject == nullptr || (!subject->has_openings && !subject->is_erased))
		return SECRETS_UNRECORDED;
	return subject->is_erased ? SECRETS_DESTROYED : SECRETS_CREATED;
}

enum status
personal_reconcile(struct gate *gate) {
	struct secrets_reconciled reconciled;
	if (need_keys(gate) != OK)
		return OK;
	return secrets_reconcile(gate->state->secrets, COLLECTION, key_recorded, gate,
				 subjects_keys(&gate->state->subjects), &reconciled);
}

/* --- Sealing. --- */

/* One person's part of an entry. */
struct part {
	struct bytes subject;
	struct personal_values values;
};

static void
write_part(struct json_writer *w, const struct part *part) {
	json_write_object(w);
	json_write_key(w, "fields");
	json_write_object(w);
	for (size_t i = 0; i < part->values.count; i++) {
		struct hash256 commitment = opening_commit(&part->values.fields[i]);
		json_write_key_bytes(w, part->values.fields[i].name);
		json_write_hex(w, hash256_bytes(&commitment));
	}
	json_write_end(w);
	json_write_member_string(w, "subject", part->subject);
	json_write_end(w);
}

static enum status
write_members(struct arena *arena, const struct part *parts, size_t count, struct bytes *members) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_array(&w);
	for (size_t i = 0; i < count; i++)
		write_part(&w, &parts[i]);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	*members = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(members->data);
	return OK;
}

static enum status
seal(struct gate *gate, struct arena *arena, const struct part *part, struct bytes *opening) {
	_cleanup_(secret_free) struct secret key = {};
	_cleanup_(buffer_free) struct buffer sealed = {};
	TRY(get_or_make_key(gate, part->subject, &key));
	TRY(opening_seal(key.data, part->subject, part->values.fields, part->values.count, &sealed));
	*opening = arena_copy(arena, buffer_bytes(&sealed));
	TRY_ALLOC(opening->data);
	return OK;
}

static bool
is_erased(const struct gate *gate, struct bytes id) {
	const struct subject *subject = subjects_find(&gate->state->subjects, id);
	return subject != nullptr && subject->is_erased;
}

/* As text: what somebody who reads it wants. */
static enum status
add_address(struct arena *arena, struct bytes address, struct personal_values *values) {
	char text[INET6_ADDRSTRLEN];
	if (inet_ntop(address.len == 4 ? AF_INET : AF_INET6, address.data, text, sizeof text) == nullptr)
		return fail(STATUS_INVALID, "personal." PERSONAL_SOURCE_ADDRESS ": %zu bytes", address.len);
	struct bytes value = arena_copy(arena, bytes_of_text(text));
	TRY_ALLOC(value.data);
	values->fields[values->count++] = opening_field_of(BYTES_OF_LITERAL(PERSONAL_SOURCE_ADDRESS), value);
	return OK;
}

static enum status
gather_parts(struct gate *gate, struct arena *arena, const struct personal_source *source,
	     struct part parts[PERSONAL_PARTS_MAX], size_t *count) {
	*count = 0;
	if (source->subject.len > 0) {
		TRY(need_keys(gate));
		if (is_erased(gate, source->subject))
			return fail(STATUS_CONFLICT, "personal.erased: %.*s was erased, and has no values any more",
				    BYTES_ARGS(source->subject));
		parts[(*count)++] = (struct part){source->subject, *source->values};
	}
	if (source->requester.len == 0 || (source->peer_address.len != 4 && source->peer_address.len != 16) ||
	    need_keys(gate) != OK || is_erased(gate, source->requester))
		return OK;
	bool is_same = *count > 0 && bytes_equal(source->subject, source->requester);
	struct part *part = &parts[is_same ? 0 : (*count)++];
	if (!is_same)
		*part = (struct part){.subject = source->requester};
	return add_address(arena, source->peer_address, &part->values);
}

enum status
personal_record_make(struct gate *gate, struct arena *arena, const struct personal_source *source,
		     struct personal_record *record) {
	struct part parts[PERSONAL_PARTS_MAX];
	size_t count;
	*record = (struct personal_record){.subject = source->subject};
	TRY(gather_parts(gate, arena, source, parts, &count));
	for (size_t i = 0; source->subject.len > 0 && i < source->values->count; i++) {
		record->offered[i].field = source->values->fields[i].name;
		record->offered[i].commitment = opening_commit(&source->values->fields[i]);
		record->offered_count++;
	}
	for (size_t i = 0; i < count; i++) {
		struct bytes opening;
		enum status status = seal(gate, arena, &parts[i], &opening);
		if (status == STATUS_UNAVAILABLE && !bytes_equal(parts[i].subject, source->subject)) {
			/* A full disk must not keep anybody from freezing a key: where they are is left out. */
			log_warning("where a request comes from is not recorded: %s", fail_message());
			continue;
		}
		TRY(status);
		parts[record->opening_count] = parts[i];
		record->openings[record->opening_count++] = opening;
	}
	return record->opening_count == 0 ? OK : write_members(arena, parts, record->opening_count, &record->members);
}

/* --- What the state knows of it. --- */

enum status
personal_note(struct gate *gate, struct personal_record *record) {
	struct subjects *subjects = &gate->state->subjects;
	if (record->is_noted)
		return OK;
	record->is_noted = true;
	for (size_t i = 0; i < record->opening_count; i++) {
		struct bytes subject;
		TRY(opening_subject(record->openings[i], &subject));
		TRY(subjects_note_opening(subjects, subject));
	}
	for (size_t i = 0; i < record->offered_count; i++)
		TRY(subjects_offer(subjects, record->subject, record->offered[i].field,
				   &record->offered[i].commitment));
	return OK;
}

void
personal_place(struct gate *gate, const struct personal_record *record, uint64_t entry) {
	for (size_t i = 0; i < record->offered_count; i++)
		subjects_place(&gate->state->subjects, record->subject, &record->offered[i].commitment, entry);
}

static enum status
restore_fields(struct gate *gate, uint64_t entry, struct bytes subject, const json *fields) {
	struct json_iterator iterator = json_iterate(fields);
	struct bytes name;
	for (const json *hex; (hex = json_next(&iterator, &name)) != nullptr;) {
		struct hash256 commitment;
		if (!personal_is_profile_field(name))
			continue;
		if (json_type_of(hex) != JSON_STRING || hex_decode(json_string(hex), commitment.bytes, 32) != OK)
			return fail(STATUS_CORRUPT, "personal.commitment: no hash");
		TRY(subjects_offer(&gate->state->subjects, subject, name, &commitment));
		subjects_place(&gate->state->subjects, subject, &commitment, entry);
	}
	return OK;
}

enum status
personal_restore(struct gate *gate, uint64_t entry, const json *members) {
	if (members == nullptr)
		return OK;
	struct json_iterator iterator = json_iterate(members);
	for (const json *part; (part = json_next(&iterator, nullptr)) != nullptr;) {
		struct bytes subject;
		const json *fields;
		TRY(json_need_string(part, "personal", "subject", &subject));
		TRY(json_need(part, "personal", "fields", JSON_OBJECT, &fields));
		TRY(subjects_note_opening(&gate->state->subjects, subject));
		TRY(restore_fields(gate, entry, subject, fields));
	}
	return OK;
}

/* --- Opening. --- */

enum status
personal_open(struct gate *gate, struct arena *arena, struct bytes sealed, struct opening_field **fields,
	      size_t *count) {
	_cleanup_(secret_free) struct secret key = {};
	struct bytes subject;
	TRY(opening_subject(sealed, &subject));
	TRY(get_key(gate, subject, &key));
	return opening_open(key.data, sealed, arena, fields, count);
}
