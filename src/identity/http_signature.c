#include "identity/http_signature.h"

#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/sign.h"
#include "identity/directory.h"
#include "identity/structured_field.h"

/* The covered components, in the order that Signature-Input must give them. */
#define COVERED                                                                                                        \
	"(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-type\" \"content-digest\" \"idempotency-key\")"

static const char TAG[] = "gatehouse";
static const char LABEL[] = "gatehouse"; /* the one that http_signature_create() gives; any is read */
constexpr size_t FIELD_VALUE_MAX = 1024;
constexpr size_t CONTENT_TYPE_MAX = 128;
constexpr size_t TARGET_MAX = 4096;
constexpr size_t NONCE_BYTES = 16;

/* What the signature base is made of. */
struct signed_parts {
	struct bytes method;
	struct bytes authority;
	struct bytes path;
	struct bytes query;
	struct bytes content_type;
	struct bytes content_digest;
	struct bytes idempotency_key;
	struct bytes parameters; /* the inner list and its parameters, as they stand in Signature-Input */
};

/* RFC 9421 §2.5, for these components. */
static enum status
build_base(struct arena *arena, const struct signed_parts *parts, struct bytes *base) {
	const struct bytes lines[] = {
		BYTES_OF_LITERAL("\"@method\": "),
		parts->method,
		BYTES_OF_LITERAL("\n\"@authority\": "),
		parts->authority,
		BYTES_OF_LITERAL("\n\"@path\": "),
		parts->path,
		BYTES_OF_LITERAL("\n\"@query\": ?"),
		parts->query,
		BYTES_OF_LITERAL("\n\"content-type\": "),
		parts->content_type,
		BYTES_OF_LITERAL("\n\"content-digest\": "),
		parts->content_digest,
		BYTES_OF_LITERAL("\n\"idempotency-key\": "),
		parts->idempotency_key,
		BYTES_OF_LITERAL("\n\"@signature-params\": "),
		parts->parameters,
	};
	*base = arena_join(arena, lines, ARRAY_LENGTH(lines));
	TRY_ALLOC(base->data);
	return OK;
}

/* --- Fields --- */

static uint8_t
lower(uint8_t c) {
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool
equal_ignoring_case(struct bytes a, struct bytes b) {
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	return true;
}

static struct bytes
trim(struct bytes value) {
	while (value.len > 0 && (value.data[0] == ' ' || value.data[0] == '\t'))
		value = bytes_of(value.data + 1, value.len - 1);
	while (value.len > 0 && (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t'))
		value.len--;
	return value;
}

static bool
is_printable(struct bytes text) {
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return false;
	return true;
}

static bool
has_field(const struct http_request *request, const char *name) {
	for (size_t i = 0; i < request->field_count; i++)
		if (equal_ignoring_case(request->fields[i].name, bytes_of_text(name)))
			return true;
	return false;
}

/* Nobody says who asks: something else than a signature that is malformed (RFC 9110 §15.5.2). */
static enum status
check_is_signed(const struct http_request *request) {
	return has_field(request, "signature-input") || has_field(request, "signature")
		       ? OK
		       : fail(STATUS_UNAUTHORIZED,
			      "request_signature.none: the request is not signed; expected Signature-Input and "
			      "Signature (RFC 9421, docs/PROTOCOL.request-signature)");
}

/* A field that must stand exactly once: two of one name could mean one thing to the signer and another to us. */
static enum status
need_field(const struct http_request *request, const char *name, struct bytes *value) {
	const struct http_field *found = nullptr;
	const struct bytes wanted = bytes_of_text(name);
	for (size_t i = 0; i < request->field_count; i++) {
		struct bytes here = request->fields[i].name;
		if (!bytes_equal(here, wanted) && !equal_ignoring_case(here, wanted))
			continue;
		if (found != nullptr)
			return fail(STATUS_INVALID, "request_signature.field_repeated: %s stands more than once", name);
		found = &request->fields[i];
	}
	if (found == nullptr)
		return fail(
			STATUS_INVALID,
			"request_signature.field_missing: expected the field %s, as of every request that is signed",
			name);
	*value = trim(found->value);
	if (value->len == 0 || value->len > FIELD_VALUE_MAX || !is_printable(*value))
		return fail(STATUS_INVALID, "request_signature.field: %s: expected 1 to %zu printable ASCII characters",
			    name, FIELD_VALUE_MAX);
	return OK;
}

/* --- The request --- */

static enum status
read_method(const struct http_request *request, struct signed_parts *parts) {
	parts->method = request->method;
	bool valid = parts->method.len > 0 && parts->method.len <= 16;
	for (size_t i = 0; valid && i < parts->method.len; i++)
		valid = parts->method.data[i] >= 'A' && parts->method.data[i] <= 'Z';
	return valid ? OK : fail(STATUS_INVALID, "request_signature.method: expected 1 to 16 capital letters");
}

static enum status
read_target(const struct http_request *request, struct signed_parts *parts) {
	struct bytes target = request->target;
	bool valid = target.len > 0 && target.len <= TARGET_MAX && target.data[0] == '/' && is_printable(target) &&
		     memchr(target.data, ' ', target.len) == nullptr && memchr(target.data, '#', target.len) == nullptr;
	if (!valid)
		return fail(STATUS_INVALID, "request_signature.target: expected a path of at most %zu characters",
			    TARGET_MAX);
	const uint8_t *question = memchr(target.data, '?', target.len);
	parts->path = bytes_of(target.data, question == nullptr ? target.len : (size_t)(question - target.data));
	if (question != nullptr)
		parts->query = bytes_of(question + 1, target.len - parts->path.len - 1);
	return OK;
}

static enum status
read_authority(const struct http_request *request, struct bytes authority, struct signed_parts *parts) {
	struct bytes host;
	TRY(need_field(request, "host", &host));
	if (!equal_ignoring_case(host, authority))
		return fail(STATUS_UNAUTHORIZED, "request_signature.authority: expected %.*s, found %.*s",
			    BYTES_ARGS(authority), BYTES_ARGS(host));
	parts->authority = authority;
	return OK;
}

/* RFC 9530: exactly one digest, SHA-256, of the body as it was received. */
static enum status
read_content_digest(const struct http_request *request, struct signed_parts *parts) {
	static const char FIELD[] = "request_signature.content_digest";
	struct hash256 stated, actual = sha256(request->body);
	TRY(need_field(request, "content-digest", &parts->content_digest));
	struct cursor cursor = cursor_of(parts->content_digest);
	TRY(structured_field_expect(&cursor, FIELD, "sha-256="));
	TRY(structured_field_bytes(&cursor, FIELD, stated.bytes, sizeof stated.bytes));
	TRY(cursor_end(&cursor, FIELD));
	if (!hash256_equal(&stated, &actual))
		return fail(STATUS_UNAUTHORIZED,
			    "request_signature.content_differs: the body is not what content-digest states");
	return OK;
}

static bool
is_alphanumeric(uint8_t c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool
is_made_of(struct bytes text, const char *others) {
	for (size_t i = 0; i < text.len; i++)
		if (!is_alphanumeric(text.data[i]) && (text.data[i] == '\0' || strchr(others, text.data[i]) == nullptr))
			return false;
	return true;
}

/* The characters of an operation's idempotency key (docs/PROTOCOL.operation). */
static enum status
check_idempotency_key(struct bytes key) {
	if (key.len == 0 || key.len > IDEMPOTENCY_KEY_MAX || !is_made_of(key, "._:/@-"))
		return fail(STATUS_INVALID,
			    "request_signature.idempotency_key: expected 1 to %zu letters, digits, '.', '_', ':', '/', "
			    "'@', '-'",
			    IDEMPOTENCY_KEY_MAX);
	return OK;
}

static enum status
check_content_type(struct bytes type) {
	if (type.len == 0 || type.len > CONTENT_TYPE_MAX || !is_printable(type))
		return fail(STATUS_INVALID, "request_signature.content_type: expected 1 to %zu characters",
			    CONTENT_TYPE_MAX);
	return OK;
}

static enum status
read_request(const struct http_request *request, struct bytes authority, struct signed_parts *parts) {
	TRY(read_method(request, parts));
	TRY(read_target(request, parts));
	TRY(read_authority(request, authority, parts));
	TRY(need_field(request, "content-type", &parts->content_type));
	TRY(check_content_type(parts->content_type));
	TRY(need_field(request, "idempotency-key", &parts->idempotency_key));
	TRY(check_idempotency_key(parts->idempotency_key));
	return read_content_digest(request, parts);
}

/* --- Signature-Input and Signature --- */

struct parameters {
	int64_t created;
	int64_t expires;
	struct bytes nonce;
	struct bytes keyid;
	struct bytes tag;
};

static const struct parameter {
	const char *name;
	size_t integer_offset; /* of an int64_t, or */
	size_t string_offset;  /* of a struct bytes; SIZE_MAX: not of this type */
} PARAMETERS[] = {
	{"created", offsetof(struct parameters, created), SIZE_MAX},
	{"expires", offsetof(struct parameters, expires), SIZE_MAX},
	{"nonce", SIZE_MAX, offsetof(struct parameters, nonce)},
	{"keyid", SIZE_MAX, offsetof(struct parameters, keyid)},
	{"tag", SIZE_MAX, offsetof(struct parameters, tag)},
};

static const char INPUT_FIELD[] = "request_signature.input";

/* ";name=value", of a name that is listed and was not there before. */
static enum status
read_parameter(struct cursor *cursor, struct parameters *parameters, bool seen[static ARRAY_LENGTH(PARAMETERS)]) {
	struct bytes name;
	size_t i = 0;
	TRY(structured_field_expect(cursor, INPUT_FIELD, ";"));
	TRY(structured_field_key(cursor, INPUT_FIELD, &name));
	while (i < ARRAY_LENGTH(PARAMETERS) && !bytes_equal_text(name, PARAMETERS[i].name))
		i++;
	if (i == ARRAY_LENGTH(PARAMETERS))
		return fail(STATUS_INVALID, "request_signature.parameter_unknown: %.*s",
			    (int)(name.len > 32 ? 32 : name.len), (const char *)name.data);
	if (seen[i])
		return fail(STATUS_INVALID, "request_signature.parameter_repeated: %s", PARAMETERS[i].name);
	seen[i] = true;
	TRY(structured_field_expect(cursor, INPUT_FIELD, "="));
	uint8_t *base = (uint8_t *)parameters;
	if (PARAMETERS[i].integer_offset != SIZE_MAX)
		return structured_field_integer(cursor, INPUT_FIELD,
						(int64_t *)(void *)(base + PARAMETERS[i].integer_offset));
	return structured_field_string(cursor, INPUT_FIELD,
				       (struct bytes *)(void *)(base + PARAMETERS[i].string_offset));
}

static enum status
read_parameters(struct cursor *cursor, struct parameters *parameters) {
	bool seen[ARRAY_LENGTH(PARAMETERS)] = {};
	*parameters = (struct parameters){};
	while (cursor->left > 0)
		TRY(read_parameter(cursor, parameters, seen));
	for (size_t i = 0; i < ARRAY_LENGTH(PARAMETERS); i++)
		if (!seen[i])
			return fail(STATUS_INVALID, "request_signature.parameter_missing: %s", PARAMETERS[i].name);
	return OK;
}

/* "label=(components);parameters", of exactly one label. */
static enum status
read_input(const struct http_request *request, struct bytes *label, struct signed_parts *parts,
	   struct parameters *parameters) {
	struct bytes value;
	TRY(need_field(request, "signature-input", &value));
	struct cursor cursor = cursor_of(value);
	TRY(structured_field_key(&cursor, INPUT_FIELD, label));
	TRY(structured_field_expect(&cursor, INPUT_FIELD, "="));
	parts->parameters = bytes_of(cursor.at, cursor.left);
	if (!structured_field_take(&cursor, COVERED))
		return fail(STATUS_INVALID, "request_signature.components: expected %s", COVERED);
	return read_parameters(&cursor, parameters);
}

static enum status
read_signature(const struct http_request *request, struct bytes label, uint8_t signature[64]) {
	static const char FIELD[] = "request_signature.signature";
	struct bytes value, other;
	TRY(need_field(request, "signature", &value));
	struct cursor cursor = cursor_of(value);
	TRY(structured_field_key(&cursor, FIELD, &other));
	if (!bytes_equal(label, other))
		return fail(STATUS_INVALID, "request_signature.label: signature-input has %.*s, signature has %.*s",
			    BYTES_ARGS(label), BYTES_ARGS(other));
	TRY(structured_field_expect(&cursor, FIELD, "="));
	TRY(structured_field_bytes(&cursor, FIELD, signature, 64));
	return cursor_end(&cursor, FIELD);
}

/* --- What the parameters may be --- */

static enum status
check_times(const struct parameters *parameters, int64_t now_ms) {
	int64_t lifetime = parameters->expires - parameters->created; /* both at most 15 digits */
	if (lifetime <= 0 || lifetime > REQUEST_SIGNATURE_LIFETIME_MAX_S)
		return fail(STATUS_INVALID,
			    "request_signature.lifetime: expires must be 1 to %lld s after created, found %lld",
			    (long long)REQUEST_SIGNATURE_LIFETIME_MAX_S, (long long)lifetime);
	if ((parameters->created - REQUEST_SIGNATURE_SKEW_S) * 1000 > now_ms)
		return fail(STATUS_EXPIRED, "request_signature.created: %lld is in the future",
			    (long long)parameters->created);
	if (parameters->expires * 1000 <= now_ms)
		return fail(STATUS_EXPIRED, "request_signature.expired: at %lld", (long long)parameters->expires);
	return OK;
}

/* The principal, a slash and a name. Whether there is such a key, the directory knows. */
static enum status
check_key_id(struct bytes key_id) {
	const uint8_t *slash = key_id.len == 0 ? nullptr : memchr(key_id.data, '/', key_id.len);
	size_t before = slash == nullptr ? 0 : (size_t)(slash - key_id.data);
	if (before == 0 || before + 1 >= key_id.len || key_id.len > DIRECTORY_KEY_ID_MAX ||
	    !is_made_of(key_id, ":._/-"))
		return fail(STATUS_INVALID, "request_signature.keyid: expected a principal, '/' and a key's name");
	return OK;
}

static enum status
check_parameters(const struct parameters *parameters, int64_t now_ms) {
	if (!bytes_equal_text(parameters->tag, TAG))
		return fail(STATUS_INVALID, "request_signature.tag: expected \"%s\"", TAG);
	TRY(check_key_id(parameters->keyid));
	if (parameters->nonce.len < REQUEST_NONCE_MIN || parameters->nonce.len > REQUEST_NONCE_MAX ||
	    !is_made_of(parameters->nonce, "+/=_-"))
		return fail(STATUS_INVALID,
			    "request_signature.nonce: expected %zu to %zu characters of base64 or hexadecimal",
			    REQUEST_NONCE_MIN, REQUEST_NONCE_MAX);
	return check_times(parameters, now_ms);
}

enum status
http_signature_read(struct arena *arena, const struct http_request *request, struct bytes authority, int64_t now_ms,
		    struct http_signature *signature) {
	struct signed_parts parts = {};
	struct parameters parameters;
	struct bytes label;
	*signature = (struct http_signature){};
	TRY(check_is_signed(request));
	TRY(read_input(request, &label, &parts, &parameters));
	TRY(read_signature(request, label, signature->signature));
	TRY(check_parameters(&parameters, now_ms));
	TRY(read_request(request, authority, &parts));
	signature->key_id = parameters.keyid;
	signature->nonce = parameters.nonce;
	signature->idempotency_key = parts.idempotency_key;
	signature->created_s = parameters.created;
	signature->expires_s = parameters.expires;
	signature->path = parts.path;
	signature->query = parts.query;
	return build_base(arena, &parts, &signature->base);
}

enum status
http_signature_verify(const struct http_signature *signature, const uint8_t public_key[32]) {
	return ed25519_verify(public_key, signature->base, signature->signature) == OK
		       ? OK
		       : http_signature_mismatch(signature);
}

enum status
http_signature_mismatch(const struct http_signature *signature) {
	return fail(
		STATUS_UNAUTHORIZED,
		"request_signature.mismatch: the signature is not by %.*s over this request, or there is no such key",
		BYTES_ARGS(signature->key_id));
}

struct bytes
http_signature_principal(struct bytes key_id) {
	const uint8_t *slash = key_id.len == 0 ? nullptr : memchr(key_id.data, '/', key_id.len);
	return slash == nullptr ? (struct bytes){} : bytes_of(key_id.data, (size_t)(slash - key_id.data));
}

/* --- The client's side --- */

static enum status
format_parameters(struct arena *arena, struct bytes key_id, int64_t now_ms, int64_t lifetime_s,
		  struct bytes *parameters) {
	uint8_t nonce[NONCE_BYTES];
	char nonce_text[2 * NONCE_BYTES + 1];
	random_bytes(nonce, sizeof nonce);
	hex_encode(BYTES_OF_ARRAY(nonce), nonce_text);
	int64_t created = now_ms / 1000;
	const char *text = arena_format(
		arena, COVERED ";created=%lld;expires=%lld;nonce=\"%s\";keyid=\"%.*s\";tag=\"%s\"", (long long)created,
		(long long)(created + lifetime_s), nonce_text, BYTES_ARGS(key_id), TAG);
	TRY_ALLOC(text);
	*parameters = bytes_of_text(text);
	return OK;
}

static enum status
format_content_digest(struct arena *arena, struct bytes body, struct bytes *value) {
	struct hash256 digest = sha256(body);
	char base64[BASE64_LENGTH(sizeof digest.bytes) + 1];
	base64_encode(hash256_bytes(&digest), base64);
	const char *text = arena_format(arena, "sha-256=:%s:", base64);
	TRY_ALLOC(text);
	*value = bytes_of_text(text);
	return OK;
}

static enum status
sign_base(struct arena *arena, const struct http_request_signer *signer, const struct signed_parts *parts,
	  struct bytes *input, struct bytes *value) {
	struct bytes base;
	uint8_t signature[64];
	char base64[BASE64_LENGTH(sizeof signature) + 1];
	TRY(build_base(arena, parts, &base));
	TRY(ed25519_sign(signer->seed, signer->public_key, base, signature));
	base64_encode(BYTES_OF_ARRAY(signature), base64);
	const char *input_text = arena_format(arena, "%s=%.*s", LABEL, BYTES_ARGS(parts->parameters));
	const char *value_text = arena_format(arena, "%s=:%s:", LABEL, base64);
	TRY_ALLOC(input_text);
	TRY_ALLOC(value_text);
	*input = bytes_of_text(input_text);
	*value = bytes_of_text(value_text);
	return OK;
}

enum status
http_signature_create(struct arena *arena, const struct http_request_signer *signer, const struct http_request *request,
		      struct bytes authority, struct bytes content_type, struct bytes idempotency_key, int64_t now_ms,
		      int64_t lifetime_s, struct http_field fields[static 6]) {
	struct signed_parts parts = {
		.authority = authority, .content_type = content_type, .idempotency_key = idempotency_key};
	struct bytes input, value;
	if (lifetime_s <= 0 || lifetime_s > REQUEST_SIGNATURE_LIFETIME_MAX_S)
		return fail(STATUS_INVALID, "request_signature.lifetime: expected 1 to %lld s, found %lld",
			    (long long)REQUEST_SIGNATURE_LIFETIME_MAX_S, (long long)lifetime_s);
	TRY(read_method(request, &parts));
	TRY(read_target(request, &parts));
	TRY(check_content_type(content_type));
	TRY(check_idempotency_key(idempotency_key));
	TRY(check_key_id(signer->key_id));
	TRY(format_content_digest(arena, request->body, &parts.content_digest));
	TRY(format_parameters(arena, signer->key_id, now_ms, lifetime_s, &parts.parameters));
	TRY(sign_base(arena, signer, &parts, &input, &value));
	fields[0] = (struct http_field){BYTES_OF_LITERAL("host"), authority};
	fields[1] = (struct http_field){BYTES_OF_LITERAL("content-type"), content_type};
	fields[2] = (struct http_field){BYTES_OF_LITERAL("content-digest"), parts.content_digest};
	fields[3] = (struct http_field){BYTES_OF_LITERAL("idempotency-key"), idempotency_key};
	fields[4] = (struct http_field){BYTES_OF_LITERAL("signature-input"), input};
	fields[5] = (struct http_field){BYTES_OF_LITERAL("signature"), value};
	return OK;
}
