#include "identity/metadata.h"

#include <stdio.h>

#include "base/base64url.h"
#include "base/time.h"
#include "identity/der.h"

constexpr size_t HEADER_MAX = 65'536;
constexpr size_t COMMON_NAME_MAX = 256;
constexpr size_t ES256_SIGNATURE_SIZE = 64;

/* FIDO Metadata Service 3.0 §3.1.4: what makes a model unfit for signing anything that matters. */
static const char *const REFUSED[] = {
	"USER_VERIFICATION_BYPASS",
	"ATTESTATION_KEY_COMPROMISE",
	"USER_KEY_REMOTE_COMPROMISE",
	"USER_KEY_PHYSICAL_COMPROMISE",
	"REVOKED",
};

/* --- The signature. --- */

struct jws {
	struct bytes signing_input; /* header.payload, as they stand there */
	struct bytes header, payload, signature;
};

static enum status
decode_part(struct arena *arena, struct bytes text, struct bytes *part) {
	size_t capacity = BASE64URL_DECODED_MAX(text.len), len;
	uint8_t *bytes = arena_alloc(arena, capacity);
	TRY_ALLOC(bytes);
	TRY(base64url_decode(text, bytes, capacity, &len));
	*part = bytes_of(bytes, len);
	return OK;
}

static enum status
split(struct arena *arena, struct bytes blob, struct jws *jws) {
	struct bytes parts[3] = {};
	size_t count = 0, start = 0;
	while (blob.len > 0 && (blob.data[blob.len - 1] == '\n' || blob.data[blob.len - 1] == '\r'))
		blob.len--;
	for (size_t i = 0; i <= blob.len; i++)
		if (i == blob.len || blob.data[i] == '.') {
			if (count < ARRAY_LENGTH(parts))
				parts[count] = bytes_of(blob.data + start, i - start);
			count++;
			start = i + 1;
		}
	if (count != ARRAY_LENGTH(parts) || parts[0].len > HEADER_MAX)
		return fail(STATUS_INVALID, "metadata.form: expected three parts with two dots between them");
	jws->signing_input = bytes_of(blob.data, parts[0].len + 1 + parts[1].len);
	TRY(decode_part(arena, parts[0], &jws->header));
	TRY(decode_part(arena, parts[1], &jws->payload));
	return decode_part(arena, parts[2], &jws->signature);
}

static enum status
read_chain(struct arena *arena, const json *header, struct certificate_chain *chain) {
	const json *array;
	TRY(json_need(header, "metadata.header", "x5c", JSON_ARRAY, &array));
	struct json_iterator iterator = json_iterate(array);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;) {
		if (json_type_of(one) != JSON_STRING)
			return fail(STATUS_INVALID, "metadata.header: a certificate is not a string");
		struct bytes text = json_string(one);
		size_t len;
		uint8_t *der = arena_alloc(arena, text.len + 1);
		TRY_ALLOC(der);
		TRY(base64_decode(text, der, text.len, &len));
		TRY(certificate_chain_add(chain, bytes_of(der, len)));
	}
	return chain->count > 0 ? OK : fail(STATUS_INVALID, "metadata.header: no certificate");
}

/* RFC 7515 §4.1.11: what is critical and not understood makes it invalid; we understand no extension. */
static enum status
read_algorithm(const json *header, enum signature_algorithm *algorithm) {
	struct bytes name;
	TRY(json_need_string(header, "metadata.header", "alg", &name));
	if (json_get(header, "crit") != nullptr)
		return fail(STATUS_INVALID, "metadata.header: critical extensions");
	*algorithm = bytes_equal_text(name, "ES256") ? SIGNATURE_ES256 : SIGNATURE_RS256;
	if (!bytes_equal_text(name, signature_algorithm_name(*algorithm)))
		return fail(STATUS_UNSUPPORTED, "metadata.algorithm: expected RS256 or ES256");
	return OK;
}

/* JOSE writes r ‖ s (RFC 7518 §3.4). */
static enum status
to_der(struct bytes compact, struct buffer *der) {
	if (compact.len != ES256_SIGNATURE_SIZE)
		return fail(STATUS_UNAUTHORIZED, "metadata.signature: %zu bytes", compact.len);
	der_append_signature(der, compact.data);
	return buffer_status(der);
}

static enum status
verify(const struct jws *jws, const struct certificate_chain *chain, enum signature_algorithm algorithm) {
	_cleanup_(public_key_destroy) struct public_key *key = nullptr;
	_cleanup_(buffer_free) struct buffer der = {};
	TRY(certificate_public_key(chain->certificates[0], &key));
	if (public_key_algorithm(key) != algorithm)
		return fail(STATUS_INVALID, "metadata.header: the algorithm is not that of the signer's key");
	if (algorithm == SIGNATURE_ES256)
		TRY(to_der(jws->signature, &der));
	if (public_key_verify(key, jws->signing_input,
			      algorithm == SIGNATURE_ES256 ? buffer_bytes(&der) : jws->signature) != OK)
		return fail(STATUS_UNAUTHORIZED, "metadata.signature: does not verify");
	return OK;
}

static enum status
check_signature(struct arena *arena, const struct jws *jws, const struct certificate_roots *roots, const char *signer,
		int64_t now_ms) {
	_cleanup_(certificate_chain_free) struct certificate_chain chain = {};
	enum signature_algorithm algorithm;
	char name[COMMON_NAME_MAX];
	const json *header;
	TRY(json_read(arena, jws->header, (struct json_limits){}, &header));
	TRY(read_algorithm(header, &algorithm));
	TRY(read_chain(arena, header, &chain));
	TRY(certificate_chain_verify(&chain, roots, now_ms));
	if (!certificate_subject_field(chain.certificates[0], "CN", name, sizeof name) || strcmp(name, signer) != 0)
		return fail(STATUS_UNAUTHORIZED, "metadata.signer: the certificate is not that of \"%s\"", signer);
	return verify(jws, &chain, algorithm);
}

/* --- The list. --- */

/* "01234567-89ab-…": 32 digits and four hyphens. */
static enum status
read_aaguid(struct bytes text, uint8_t aaguid[16]) {
	uint8_t digits[32];
	size_t count = 0;
	bool valid = text.len == 36;
	for (size_t i = 0; valid && i < text.len; i++) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
		valid = hyphen == (text.data[i] == '-');
		if (!hyphen)
			digits[count++] = text.data[i];
	}
	if (!valid)
		return fail(STATUS_INVALID, "metadata.entry: an AAGUID that is none");
	return hex_decode(BYTES_OF_ARRAY(digits), aaguid, 16);
}

static enum status
read_status(const json *entry, struct metadata_model *model) {
	const json *reports;
	TRY(json_need(entry, "metadata.entry", "statusReports", JSON_ARRAY, &reports));
	struct json_iterator iterator = json_iterate(reports);
	for (const json *report; (report = json_next(&iterator, nullptr)) != nullptr;) {
		struct bytes status;
		TRY(json_need_string(report, "metadata.entry", "status", &status));
		for (size_t i = 0; i < ARRAY_LENGTH(REFUSED) && model->status.len == 0; i++)
			if (bytes_equal_text(status, REFUSED[i]))
				model->status = status;
	}
	return OK;
}

/* A certificate that cannot be read vouches for nothing: the others stay. */
static enum status
read_roots(struct arena *arena, const json *statement, struct metadata_model *model) {
	const json *array;
	TRY(json_need(statement, "metadata.entry", "attestationRootCertificates", JSON_ARRAY, &array));
	if (json_size(array) > METADATA_ROOTS_MAX)
		return fail(STATUS_INVALID, "metadata.entry: more than %zu certificates", METADATA_ROOTS_MAX);
	model->roots = ARENA_NEW_ARRAY(arena, json_size(array) + 1, struct bytes);
	TRY_ALLOC(model->roots);
	struct json_iterator iterator = json_iterate(array);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;) {
		_cleanup_(certificate_destroy) struct certificate *certificate = nullptr;
		struct bytes text = json_type_of(one) == JSON_STRING ? json_string(one) : (struct bytes){};
		size_t len;
		uint8_t *der = arena_alloc(arena, text.len + 1);
		TRY_ALLOC(der);
		if (base64_decode(text, der, text.len, &len) == OK &&
		    certificate_read(bytes_of(der, len), &certificate) == OK)
			model->roots[model->root_count++] = bytes_of(der, len);
	}
	return OK;
}

/* Entries without an AAGUID are of older protocols. */
static enum status
read_entry(struct arena *arena, const json *entry, struct metadata *metadata) {
	const json *aaguid = json_get(entry, "aaguid"), *statement;
	struct metadata_model *model = &metadata->models[metadata->count];
	if (aaguid == nullptr)
		return OK;
	if (json_type_of(aaguid) != JSON_STRING)
		return fail(STATUS_INVALID, "metadata.entry: an AAGUID that is no string");
	TRY(read_aaguid(json_string(aaguid), model->aaguid));
	for (size_t i = 0; i < metadata->count; i++)
		if (memcmp(metadata->models[i].aaguid, model->aaguid, sizeof model->aaguid) == 0)
			return fail(STATUS_INVALID, "metadata.duplicate: an AAGUID stands there twice");
	TRY(json_need(entry, "metadata.entry", "metadataStatement", JSON_OBJECT, &statement));
	TRY(json_need_string(statement, "metadata.entry", "description", &model->description));
	TRY(read_status(entry, model));
	TRY(read_roots(arena, statement, model));
	metadata->count++;
	return OK;
}

static enum status
read_list(struct arena *arena, struct bytes payload, int64_t now_ms, struct metadata *metadata) {
	const json *document, *entries;
	int64_t stale_ms;
	/* Some statements measure false acceptance in fractions; nothing here reads them. */
	TRY(json_read(arena, payload, (struct json_limits){.floats_as_null = true}, &document));
	TRY(json_need_integer(document, "metadata.entry", "no", &metadata->number));
	TRY(json_need_string(document, "metadata.entry", "nextUpdate", &metadata->next_update));
	TRY(json_need(document, "metadata.entry", "entries", JSON_ARRAY, &entries));
	char text[32];
	snprintf(text, sizeof text, "%.*sT23:59:59Z",
		 (int)(metadata->next_update.len > 10 ? 10 : metadata->next_update.len),
		 (const char *)metadata->next_update.data);
	TRY(time_parse(bytes_of_text(text), &stale_ms));
	if (now_ms > stale_ms)
		return fail(STATUS_EXPIRED, "metadata.stale: it was to be replaced by %.*s",
			    BYTES_ARGS(metadata->next_update));
	if (json_size(entries) > METADATA_MODELS_MAX)
		return fail(STATUS_INVALID, "metadata.entry: more than %zu entries", METADATA_MODELS_MAX);
	metadata->models = ARENA_NEW_ARRAY(arena, json_size(entries) + 1, struct metadata_model);
	TRY_ALLOC(metadata->models);
	struct json_iterator iterator = json_iterate(entries);
	for (const json *entry; (entry = json_next(&iterator, nullptr)) != nullptr;)
		TRY(read_entry(arena, entry, metadata));
	return OK;
}

enum status
metadata_read(struct arena *arena, struct bytes blob, const struct certificate_roots *roots, const char *signer,
	      int64_t now_ms, struct metadata *metadata) {
	struct jws jws;
	*metadata = (struct metadata){};
	TRY(split(arena, blob, &jws));
	TRY(check_signature(arena, &jws, roots, signer, now_ms));
	return read_list(arena, jws.payload, now_ms, metadata);
}

enum status
metadata_find(const struct metadata *metadata, const uint8_t aaguid[16], const struct metadata_model **model) {
	for (size_t i = 0; i < metadata->count; i++) {
		const struct metadata_model *one = &metadata->models[i];
		if (memcmp(one->aaguid, aaguid, sizeof one->aaguid) != 0)
			continue;
		if (one->status.len > 0)
			return fail(STATUS_DENIED, "metadata.status: the model is reported as %.*s",
				    BYTES_ARGS(one->status));
		*model = one;
		return OK;
	}
	return fail(STATUS_NOT_FOUND, "metadata.unknown: no such model in metadata %lld", (long long)metadata->number);
}
