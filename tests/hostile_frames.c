#include "tests/test.h"
#include "tests/hostile_frames.h"

#include <stdio.h>

#include "crypto/hash.h"

const char *const manipulation_names[MANIPULATIONS] = {
	[ALTERED] = "altered", [CONSISTENT] = "consistent", [FOREIGN] = "foreign",
	[REMOVED] = "removed", [ADDED] = "added",           [RETYPED] = "retyped",
};

/* --- Values. --- */

/* Another value of the same length and, for what has one, the same alphabet. */
static struct bytes
other_text(struct arena *arena, struct bytes text) {
	struct bytes copy = arena_copy(arena, text);
	assert_non_null(copy.data);
	uint8_t *at = (uint8_t *)(uintptr_t)copy.data + text.len / 2;
	if (text.len == 0)
		return BYTES_OF_LITERAL("x");
	*at = *at == '0'                 ? '1'
	      : *at >= '0' && *at <= '9' ? *at - 1
	      : *at == 'b'               ? 'c'
	      : *at > ' ' && *at < 0x7f  ? 'b'
					 : *at ^ 1;
	return copy;
}

static const json *
parse(struct arena *arena, struct bytes text) {
	const json *root;
	assert_ok(json_read(arena, arena_copy(arena, text), (struct json_limits){}, &root));
	return root;
}

static struct bytes
canonical(struct arena *arena, const json *value) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	json_write_value(&writer, value);
	assert_ok(json_writer_finish(&writer));
	return arena_copy(arena, buffer_bytes(&text));
}

/* --- Documents: nodes are numbered in document order; one of them is written otherwise. --- */

struct rewriting {
	struct arena *arena;
	struct json_writer writer;
	size_t next, target; /* SIZE_MAX: nothing is rewritten */
	enum manipulation manipulation;
	bool done;
	char path[256]; /* of the target */
};

static void
write_other(struct rewriting *r, const json *value, const json *other) {
	struct json_writer *w = &r->writer;
	if (r->manipulation == FOREIGN && other != nullptr) {
		json_write_value(w, other);
		return;
	}
	if (r->manipulation == RETYPED) {
		if (json_type_of(value) == JSON_STRING)
			json_write_integer(w, 7);
		else
			json_write_text(w, "7");
		return;
	}
	switch (json_type_of(value)) {
	case JSON_STRING:
		json_write_string(w, other_text(r->arena, json_string(value)));
		break;
	case JSON_INTEGER:
		json_write_integer(w, json_integer(value) + 1);
		break;
	default:
		json_write_boolean(w, json_type_of(value) != JSON_BOOLEAN || !json_boolean(value));
	}
}

static bool
fits(const struct rewriting *r, const json *value, const json *other, bool is_root) {
	bool container = json_type_of(value) == JSON_OBJECT || json_type_of(value) == JSON_ARRAY;
	switch (r->manipulation) {
	case ADDED:
		return json_type_of(value) == JSON_OBJECT;
	case FOREIGN:
		return other != nullptr && !is_root &&
		       !bytes_equal(canonical(r->arena, value), canonical(r->arena, other));
	case REMOVED:
	case RETYPED:
		return !is_root;
	default:
		return !container;
	}
}

static void rewrite(struct rewriting *r, const json *value, const json *other, const char *path, bool is_root);

/* Whether the member that comes next is the target and is to be left out. */
static bool
leaves_out(struct rewriting *r, const char *path) {
	if (r->next != r->target || r->manipulation != REMOVED)
		return false;
	r->next++;
	r->done = true;
	snprintf(r->path, sizeof r->path, "%s", path);
	return true;
}

static void
rewrite_object(struct rewriting *r, const json *value, const json *other, const char *path, bool adds) {
	struct json_iterator iterator = json_iterate(value);
	struct bytes key;
	json_write_object(&r->writer);
	for (const json *member; (member = json_next(&iterator, &key)) != nullptr;) {
		const char *below = arena_format(r->arena, "%s%s%.*s", path, *path == '\0' ? "" : ".", BYTES_ARGS(key));
		if (leaves_out(r, below))
			continue;
		json_write_key_bytes(&r->writer, key);
		rewrite(r, member, other == nullptr ? nullptr : json_get_bytes(other, key), below, false);
	}
	if (adds) {
		json_write_key(&r->writer, "~unknown");
		json_write_boolean(&r->writer, true);
	}
	json_write_end(&r->writer);
}

static void
rewrite(struct rewriting *r, const json *value, const json *other, const char *path, bool is_root) {
	bool is_target = r->next++ == r->target && fits(r, value, other, is_root);
	if (is_target) {
		r->done = true;
		snprintf(r->path, sizeof r->path, "%s", path);
	}
	if (json_type_of(value) == JSON_OBJECT && (!is_target || r->manipulation == ADDED))
		rewrite_object(r, value, other, path, is_target);
	else if (is_target)
		write_other(r, value, other);
	else
		json_write_value(&r->writer, value);
}

/* --- Consistency. --- */

static void
write_with_hash(struct arena *arena, struct json_writer *w, const json *operation, struct bytes payload) {
	struct hash256 hash = sha256(payload);
	struct json_iterator iterator = json_iterate(operation);
	struct bytes key;
	json_write_object(w);
	for (const json *member; (member = json_next(&iterator, &key)) != nullptr;) {
		json_write_key_bytes(w, key);
		if (bytes_equal_text(key, "payload_sha256"))
			json_write_hex(w, hash256_bytes(&hash));
		else
			json_write_value(w, member);
	}
	json_write_end(w);
	(void)arena;
}

static struct bytes
with_payload_hash(struct arena *arena, const json *root) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	struct bytes key, payload = canonical(arena, json_get(root, "payload"));
	struct json_iterator iterator = json_iterate(root);
	json_writer_start(&w, &text);
	json_write_object(&w);
	for (const json *member; (member = json_next(&iterator, &key)) != nullptr;) {
		json_write_key_bytes(&w, key);
		if (bytes_equal_text(key, "operation") && json_type_of(member) == JSON_OBJECT)
			write_with_hash(arena, &w, member, payload);
		else
			json_write_value(&w, member);
	}
	json_write_end(&w);
	assert_ok(json_writer_finish(&w));
	return arena_copy(arena, buffer_bytes(&text));
}

static void
make_consistent(struct arena *arena, struct ipc_request *request, bool payload_hash) {
	const json *root = parse(arena, request->body), *operation = json_get(root, "operation");
	if (payload_hash && operation != nullptr && json_get(root, "payload") != nullptr)
		request->body = with_payload_hash(arena, root);
	if (request->content_digest.data != nullptr) {
		struct hash256 hash = sha256(request->body);
		char text[BASE64_LENGTH(32) + 1];
		base64_encode(hash256_bytes(&hash), text);
		request->content_digest = bytes_of_text(arena_format(arena, "sha-256=:%s:", text));
	}
	const json *key = json_get(operation, "idempotency_key");
	if (request->idempotency_key.data != nullptr && key != nullptr && json_type_of(key) == JSON_STRING)
		request->idempotency_key = arena_copy(arena, json_string(key));
}

/* --- Frames. --- */

struct trying {
	struct arena *arena;
	const struct ipc_request *request, *other;
	enum status (*try)(void *context, const struct hostile_frame *frame);
	void *context;
};

static const char *
path_of(struct trying *t, const struct rewriting *r) {
	return arena_format(t->arena, "document%s%s", r->path[0] == '\0' ? "" : ".", r->path);
}

/* Every node of the body in one way; stops after the last node. */
static enum status
try_nodes(struct trying *t, enum manipulation manipulation) {
	const json *root = parse(t->arena, t->request->body), *other = parse(t->arena, t->other->body);
	size_t nodes = 1;
	for (size_t target = 0; target < nodes; target++) {
		_cleanup_(buffer_free) struct buffer text = {};
		struct rewriting r = {.arena = t->arena, .target = target, .manipulation = manipulation};
		json_writer_start(&r.writer, &text);
		rewrite(&r, root, other, "", true);
		assert_ok(json_writer_finish(&r.writer));
		nodes = r.next > nodes ? r.next : nodes;
		if (!r.done)
			continue;
		struct hostile_frame frame = {path_of(t, &r), manipulation, *t->request};
		frame.request.body = arena_copy(t->arena, buffer_bytes(&text));
		if (manipulation != ALTERED)
			make_consistent(t->arena, &frame.request,
					strcmp(frame.field, "document.operation.payload_sha256") != 0);
		if (bytes_equal(frame.request.body, t->request->body))
			continue;
		TRY(t->try(t->context, &frame));
	}
	return OK;
}

/* By their tags. */
static const struct hostile_field {
	const char *name;
	size_t offset;
	bool is_number; /* of two bytes; else text or bytes, which may be absent */
} fields[] = {
	{"method", offsetof(struct ipc_request, method)},
	{"target", offsetof(struct ipc_request, target)},
	{"host", offsetof(struct ipc_request, host)},
	{"content-type", offsetof(struct ipc_request, content_type)},
	{"content-digest", offsetof(struct ipc_request, content_digest)},
	{"idempotency-key", offsetof(struct ipc_request, idempotency_key)},
	{"signature-input", offsetof(struct ipc_request, signature_input)},
	{"signature", offsetof(struct ipc_request, signature)},
	{"last-event-id", offsetof(struct ipc_request, last_event_id)},
	{"peer-address", offsetof(struct ipc_request, reported.peer_address)},
	{"peer-port", offsetof(struct ipc_request, reported.peer_port), true},
	{"tls-group", offsetof(struct ipc_request, reported.tls_group)},
	{"client-certificate", offsetof(struct ipc_request, reported.client_certificate)},
	{"body", offsetof(struct ipc_request, body)},
	{"cookie", offsetof(struct ipc_request, cookie)},
};

/* "peer-port" here, "ipc.request.peer_port" in the code. */
static bool
is_called(const struct hostile_field *field, const char *in_code) {
	const char *name = field->name;
	in_code += strlen("ipc.request.");
	for (; *name != '\0' && (*name == *in_code || (*name == '-' && *in_code == '_')); name++)
		in_code++;
	return *name == '\0' && *in_code == '\0';
}

/* A field that is added to requests is missing here until somebody says what refuses it. */
static void
assert_every_field_is_here(void) {
	unsigned tag = 1;
	for (const char *in_code; (in_code = ipc_request_field(tag)) != nullptr; tag++)
		if (tag > ARRAY_LENGTH(fields) || !is_called(&fields[tag - 1], in_code))
			fail_msg("%s, tag %u, is no field that is tampered with", in_code, tag);
	assert_int_equal(ARRAY_LENGTH(fields), tag - 1);
}

static const uint8_t some_hash[32] = {1}; /* of a client's certificate */

static struct bytes *
field_at(struct ipc_request *request, size_t i) {
	return (struct bytes *)(void *)((uint8_t *)request + fields[i].offset);
}

/* Without it: no request says so. */
static enum status
try_number(struct trying *t, size_t i) {
	struct hostile_frame frame = {fields[i].name, ALTERED, *t->request};
	uint16_t *value = (uint16_t *)(void *)((uint8_t *)&frame.request + fields[i].offset);
	*value ^= 1;
	TRY(t->try(t->context, &frame));
	*value ^= 1;
	frame.manipulation = REMOVED;
	frame.left_out = (unsigned)i + 1;
	return t->try(t->context, &frame);
}

static enum status
try_field(struct trying *t, size_t i) {
	if (fields[i].is_number)
		return try_number(t, i);
	struct ipc_request other = *t->other;
	struct hostile_frame frame = {fields[i].name, ALTERED, *t->request};
	struct bytes *value = field_at(&frame.request, i);
	struct bytes theirs = *field_at(&other, i), own = *value;
	*value = strcmp(fields[i].name, "client-certificate") == 0 ? bytes_of(some_hash, sizeof some_hash)
								   : other_text(t->arena, own);
	TRY(t->try(t->context, &frame));
	if (own.data != nullptr) {
		frame.manipulation = REMOVED;
		*value = (struct bytes){};
		TRY(t->try(t->context, &frame));
	}
	if (theirs.data == nullptr || bytes_equal(theirs, own))
		return OK;
	frame.manipulation = FOREIGN;
	*value = theirs;
	return t->try(t->context, &frame);
}

/* One of the parts of Signature-Input, found by its name, with its value exchanged. */
static enum status
try_parameter(struct trying *t, const char *name, const char *opening, const char *closing) {
	struct bytes input = t->request->signature_input, theirs = t->other->signature_input;
	const uint8_t *at = memmem(input.data, input.len, opening, strlen(opening));
	if (at == nullptr)
		return OK;
	at += strlen(opening);
	const uint8_t *end = memmem(at, (size_t)(input.data + input.len - at), closing, strlen(closing));
	struct bytes before = bytes_of(input.data, (size_t)(at - input.data)),
		     value = bytes_of(at, end == nullptr ? (size_t)(input.data + input.len - at) : (size_t)(end - at));
	struct bytes after = bytes_of(at + value.len, input.len - before.len - value.len);
	const char *field = arena_format(t->arena, "signature-input.%s", name);
	struct hostile_frame frame = {field, ALTERED, *t->request};
	struct bytes altered = other_text(t->arena, value);
	frame.request.signature_input = bytes_of_text(
		arena_format(t->arena, "%.*s%.*s%.*s", BYTES_ARGS(before), BYTES_ARGS(altered), BYTES_ARGS(after)));
	TRY(t->try(t->context, &frame));
	frame.manipulation = REMOVED; /* name and value: from the ";" before it */
	size_t cut = before.len;
	while (cut > 0 && before.data[cut - 1] != ';' && before.data[cut - 1] != '=')
		cut--;
	while (cut > 0 && before.data[cut - 1] != ';' && strcmp(name, "components") != 0)
		cut--;
	size_t skip = after.len > 0 && after.data[0] == '"' ? 1 : 0;
	frame.request.signature_input = bytes_of_text(
		arena_format(t->arena, "%.*s%.*s", (int)(cut > 0 && before.data[cut - 1] == ';' ? cut - 1 : cut),
			     (const char *)before.data, (int)(after.len - skip), (const char *)after.data + skip));
	TRY(t->try(t->context, &frame));
	const uint8_t *foreign = memmem(theirs.data, theirs.len, opening, strlen(opening));
	if (foreign == nullptr)
		return OK;
	foreign += strlen(opening);
	const uint8_t *stop = memmem(foreign, (size_t)(theirs.data + theirs.len - foreign), closing, strlen(closing));
	struct bytes replaced = bytes_of(foreign, stop == nullptr ? (size_t)(theirs.data + theirs.len - foreign)
								  : (size_t)(stop - foreign));
	if (bytes_equal(replaced, value))
		return OK;
	frame.manipulation = FOREIGN;
	frame.request.signature_input = bytes_of_text(
		arena_format(t->arena, "%.*s%.*s%.*s", BYTES_ARGS(before), BYTES_ARGS(replaced), BYTES_ARGS(after)));
	return t->try(t->context, &frame);
}

enum status
hostile_frames(struct arena *arena, const struct ipc_request *request, const struct ipc_request *other,
	       enum status (*try)(void *context, const struct hostile_frame *frame), void *context) {
	static const struct {
		const char *name, *opening, *closing;
	} parameters[] = {
		{"label", "", "="},
		{"components", "=", ";"},
		{"created", ";created=", ";"},
		{"expires", ";expires=", ";"},
		{"nonce", ";nonce=\"", "\""},
		{"keyid", ";keyid=\"", "\""},
		{"tag", ";tag=\"", "\""},
	};
	struct trying t = {arena, request, other, try, context};
	assert_every_field_is_here();
	for (size_t i = 0; i < ARRAY_LENGTH(fields); i++)
		TRY(try_field(&t, i));
	for (size_t i = 0; request->signature_input.len > 0 && i < ARRAY_LENGTH(parameters); i++)
		TRY(try_parameter(&t, parameters[i].name, parameters[i].opening, parameters[i].closing));
	for (int manipulation = ALTERED; manipulation < MANIPULATIONS; manipulation++)
		TRY(try_nodes(&t, (enum manipulation)manipulation));
	return OK;
}

void
hostile_write(const struct hostile_frame *frame, struct buffer *payload) {
	_cleanup_(buffer_free) struct buffer whole = {};
	ipc_write_request(&whole, &frame->request);
	assert_ok(buffer_status(&whole));
	for (struct cursor cursor = cursor_of(buffer_bytes(&whole)); cursor.left > 0;) {
		const uint8_t *start = cursor.at;
		uint8_t tag;
		uint32_t length;
		struct bytes value;
		assert_ok(cursor_u8(&cursor, "hostile", &tag));
		assert_ok(cursor_u32be(&cursor, "hostile", &length));
		assert_ok(cursor_take(&cursor, "hostile", length, &value));
		if (tag != frame->left_out)
			buffer_append(payload, start, (size_t)(cursor.at - start));
	}
	assert_ok(buffer_status(payload));
}

/* --- What must refuse it. --- */

static bool
matches(const char *pattern, const char *text) {
	size_t length = strlen(pattern);
	return length > 0 && pattern[length - 1] == '*' ? strncmp(pattern, text, length - 1) == 0
							: strcmp(pattern, text) == 0;
}

/* "operation.kind", "approval.stage", "signature.key_id". */
static bool
is_own_reader(const char *field, const char *found) {
	static const char statement[] = "statement.", approval[] = "approval.";
	const char *name = field + strlen("document.");
	if (strncmp(name, statement, strlen(statement)) != 0)
		return strcmp(name, found) == 0;
	return strncmp(found, approval, strlen(approval)) == 0 &&
	       strcmp(name + strlen(statement), found + strlen(approval)) == 0;
}

void
hostile_judge(struct hostile_rule *rules, size_t count, const char *frame, const char *field,
	      enum manipulation manipulation, const char *found) {
	const char *name = manipulation == ANY ? "" : manipulation_names[manipulation];
	size_t i = 0;
	while (i < count && !(matches(rules[i].frame, frame) && matches(rules[i].field, field) &&
			      (rules[i].manipulation == ANY || rules[i].manipulation == manipulation)))
		i++;
	if (i == count)
		fail_msg("%s: %s %s: refused by \"%s\", and no rule says by what", frame, field, name, found);
	if (strcmp(rules[i].check, "@") == 0 ? !is_own_reader(field, found) : strcmp(rules[i].check, found) != 0)
		fail_msg("%s: %s %s: refused by \"%s\", expected \"%s\"", frame, field, name, found, rules[i].check);
	rules[i].refused++;
}

void
hostile_judge_rules(const struct hostile_rule *rules, size_t count) {
	size_t refusing = 0;
	for (size_t i = 0; i < count; i++) {
		if (rules[i].refused == 0)
			fail_msg("no case meets the rule %s, %s: %s", rules[i].frame, rules[i].field, rules[i].check);
		refusing += rules[i].check[0] != '\0';
	}
	print_message("%zu rules, %zu of them refuse\n", count, refusing);
}

struct bytes
hostile_member(struct arena *arena, struct bytes body, const char *name) {
	return canonical(arena, json_get(parse(arena, arena_copy(arena, body)), name));
}
