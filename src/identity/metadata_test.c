#include "tests/test.h"

#include <time.h>

#include "base/base64url.h"
#include "identity/metadata.h"
#include "tests/certificates.h"

constexpr int64_t DAY_MS = 86'400'000;
static const uint8_t GOOD[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
				 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
static const uint8_t REVOKED[16] = {0xff};
static const uint8_t UNKNOWN[16] = {0x77};

static int64_t
now_ms(void) {
	return (int64_t)time(nullptr) * 1000;
}

struct authority {
	struct certificate_made root, signer, other_name, other_root;
	struct certificate_roots *pinned;
};

static void
set_up(struct authority *a) {
	*a = (struct authority){};
	certificate_make(&(struct certificate_recipe){.subject = {"CN", "Root"}, .is_authority = true}, &a->root);
	certificate_make(&(struct certificate_recipe){.subject = {"CN", "Root"}, .is_authority = true}, &a->other_root);
	certificate_make(&(struct certificate_recipe){.subject = {"CN", METADATA_SIGNER}, .issuer = &a->root},
			 &a->signer);
	certificate_make(&(struct certificate_recipe){.subject = {"CN", "www.example.org"}, .issuer = &a->root},
			 &a->other_name);
	assert_ok(certificate_roots_create(&a->pinned));
	assert_ok(certificate_roots_add(a->pinned, buffer_bytes(&a->root.der)));
}

static void
tear_down(struct authority *a) {
	certificate_made_free(&a->root);
	certificate_made_free(&a->signer);
	certificate_made_free(&a->other_name);
	certificate_made_free(&a->other_root);
	certificate_roots_destroy(&a->pinned);
}

static void
append_base64url(struct buffer *to, struct bytes bytes) {
	char *text = malloc(BASE64URL_LENGTH(bytes.len) + 1);
	assert_non_null(text);
	base64url_encode(bytes, text);
	buffer_append_text(to, text);
	free(text);
}

/* One integer of a DER signature as 32 bytes. */
static const uint8_t *
take_integer(const uint8_t *der, uint8_t number[32]) {
	size_t len = der[1], skip = len > 32 ? len - 32 : 0;
	memset(number, 0, 32);
	memcpy(number + 32 - (len - skip), der + 2 + skip, len - skip);
	return der + 2 + len;
}

struct blob_recipe {
	const char *header_extra, *algorithm, *payload;
	const struct certificate_made *signer;
	bool no_certificate, wrong_signature, der_signature;
};

static void
make_blob(const struct authority *a, const struct blob_recipe *recipe, struct buffer *blob) {
	_cleanup_(buffer_free) struct buffer header = {}, signature = {};
	const struct certificate_made *signer = recipe->signer ?: &a->signer;
	uint8_t compact[64];
	buffer_append_format(&header, "{\"alg\":\"%s\"%s", recipe->algorithm ?: "ES256", recipe->header_extra ?: "");
	if (!recipe->no_certificate) {
		buffer_append_text(&header, ",\"x5c\":[\"");
		buffer_append_base64(&header, buffer_bytes(&signer->der));
		buffer_append_text(&header, "\"]");
	}
	buffer_append_text(&header, "}");
	append_base64url(blob, buffer_bytes(&header));
	buffer_append_byte(blob, '.');
	append_base64url(blob, bytes_of_text(recipe->payload));
	certificate_sign(signer, buffer_bytes(blob), &signature);
	(void)take_integer(take_integer(signature.data + 2, compact), compact + 32);
	compact[40] ^= recipe->wrong_signature;
	buffer_append_byte(blob, '.');
	append_base64url(blob, recipe->der_signature ? buffer_bytes(&signature) : BYTES_OF_ARRAY(compact));
}

#define ENTRY(aaguid, status, roots)                                                                                   \
	"{\"aaguid\":\"" aaguid "\",\"statusReports\":[" status                                                        \
	"],\"metadataStatement\":{\"description\":\"Key\",\"attestationRootCertificates\":[" roots "]}}"
#define CERTIFIED "{\"status\":\"FIDO_CERTIFIED_L2\",\"effectiveDate\":\"2020-01-01\"}"
#define REVOKED_STATUS "{\"status\":\"REVOKED\"}"
#define GOOD_ID "01234567-89ab-cdef-0123-456789abcdef"
#define REVOKED_ID "ff000000-0000-0000-0000-000000000000"
#define LIST(entries) "{\"no\":7,\"nextUpdate\":\"2999-01-01\",\"entries\":[" entries "]}"

static void
a_model_is_found_with_its_roots_unless_something_speaks_against_it(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(tear_down) struct authority a;
	_cleanup_(buffer_free) struct buffer blob = {}, payload = {};
	struct metadata metadata;
	const struct metadata_model *model;
	set_up(&a);
	buffer_append_text(&payload,
			   "{\"no\":7,\"nextUpdate\":\"2999-01-01\",\"entries\":[{\"aaid\":\"0013#0001\"}," ENTRY(
				   REVOKED_ID, CERTIFIED "," REVOKED_STATUS,
				   "") ",{\"aaguid\":\"" GOOD_ID "\",\"statusReports\":[" CERTIFIED
				       "],\"metadataStatement\":{\"description\":\"Key\","
				       "\"attestationRootCertificates\":[\"bm8=\",\"");
	buffer_append_base64(&payload, buffer_bytes(&a.root.der));
	buffer_append_text(&payload, "\"]}}]}");
	buffer_append_byte(&payload, '\0');
	make_blob(&a, &(struct blob_recipe){.payload = (const char *)payload.data}, &blob);
	buffer_append_byte(&blob, '\n');
	assert_ok(metadata_read(&arena, buffer_bytes(&blob), a.pinned, METADATA_SIGNER, now_ms(), &metadata));
	assert_int_equal(7, metadata.number);
	assert_int_equal(2, metadata.count);
	assert_ok(metadata_find(&metadata, GOOD, &model));
	assert_bytes(BYTES_OF_LITERAL("Key"), model->description);
	assert_int_equal(1, model->root_count);
	assert_bytes(buffer_bytes(&a.root.der), model->roots[0]);
	assert_fails(STATUS_DENIED, "metadata.status", metadata_find(&metadata, REVOKED, &model));
	assert_fails(STATUS_NOT_FOUND, "metadata.unknown", metadata_find(&metadata, UNKNOWN, &model));
}

static void
every_status_that_speaks_against_a_model_refuses_it(void **) {
	static const char *const statuses[] = {"USER_VERIFICATION_BYPASS", "ATTESTATION_KEY_COMPROMISE",
					       "USER_KEY_REMOTE_COMPROMISE", "USER_KEY_PHYSICAL_COMPROMISE", "REVOKED"};
	_cleanup_(tear_down) struct authority a;
	set_up(&a);
	for (size_t i = 0; i < ARRAY_LENGTH(statuses); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer blob = {};
		struct metadata metadata;
		const struct metadata_model *model;
		const char *payload =
			arena_format(&arena, LIST("%s%s%s"),
				     "{\"aaguid\":\"" GOOD_ID "\",\"statusReports\":[{\"status\":\"", statuses[i],
				     "\"}],\"metadataStatement\":{\"description\":\"Key\","
				     "\"attestationRootCertificates\":[]}}");
		make_blob(&a, &(struct blob_recipe){.payload = payload}, &blob);
		assert_ok(metadata_read(&arena, buffer_bytes(&blob), a.pinned, METADATA_SIGNER, now_ms(), &metadata));
		assert_fails(STATUS_DENIED, "metadata.status", metadata_find(&metadata, GOOD, &model));
	}
}

static void
a_list_that_is_not_whole_signed_and_fresh_is_refused_by_name(void **) {
	_cleanup_(tear_down) struct authority a;
	set_up(&a);
	const struct {
		struct blob_recipe recipe;
		const char *name;
		enum status status;
	} cases[] = {
		{{.payload = LIST(""), .wrong_signature = true}, "metadata.signature", STATUS_UNAUTHORIZED},
		{{.payload = LIST(""), .der_signature = true}, "metadata.signature", STATUS_UNAUTHORIZED},
		{{.payload = LIST(""), .signer = &a.other_name}, "metadata.signer", STATUS_UNAUTHORIZED},
		{{.payload = LIST(""), .signer = &a.other_root}, "certificate.chain", STATUS_UNAUTHORIZED},
		{{.payload = LIST(""), .algorithm = "none"}, "metadata.algorithm", STATUS_UNSUPPORTED},
		{{.payload = LIST(""), .algorithm = "HS256"}, "metadata.algorithm", STATUS_UNSUPPORTED},
		{{.payload = LIST(""), .algorithm = "RS256"}, "metadata.header", STATUS_INVALID},
		{{.payload = LIST(""), .header_extra = ",\"crit\":[\"b64\"]"}, "metadata.header", STATUS_INVALID},
		{{.payload = LIST(""), .header_extra = ",\"alg\":\"ES256\""}, "json.duplicate_key", STATUS_INVALID},
		{{.payload = LIST(""), .no_certificate = true}, "metadata.header.x5c", STATUS_INVALID},
		{{.payload = LIST(""), .no_certificate = true, .header_extra = ",\"x5c\":[]"},
		 "metadata.header",
		 STATUS_INVALID},
		{{.payload = LIST(""), .no_certificate = true, .header_extra = ",\"x5c\":[1]"},
		 "metadata.header",
		 STATUS_INVALID},
		{{.payload = LIST(""), .no_certificate = true, .header_extra = ",\"x5c\":[\"AA==\"]"},
		 "certificate.der",
		 STATUS_INVALID},
		{{.payload = "[]"}, "metadata.entry", STATUS_INVALID},
		{{.payload = "{\"no\":1,\"nextUpdate\":\"2020-01-01\",\"entries\":[]}"},
		 "metadata.stale",
		 STATUS_EXPIRED},
		{{.payload = "{\"no\":1,\"nextUpdate\":\"soon\",\"entries\":[]}"}, "time.syntax", STATUS_INVALID},
		{{.payload = "{\"no\":1,\"nextUpdate\":\"2999-01-01\"}"}, "metadata.entry.entries", STATUS_INVALID},
		{{.payload = LIST("{\"aaguid\":1}")}, "metadata.entry", STATUS_INVALID},
		{{.payload = LIST("{\"aaguid\":\"0123456789abcdef0123456789abcdef0000\"}")},
		 "metadata.entry",
		 STATUS_INVALID},
		{{.payload = LIST("{\"aaguid\":\"01234567-89ab-cdef-0123-456789abcdeg\"}")},
		 "hex.digit",
		 STATUS_INVALID},
		{{.payload = LIST("{\"aaguid\":\"" GOOD_ID "\"}")}, "metadata.entry.metadataStatement", STATUS_INVALID},
		{{.payload = LIST("{\"aaguid\":\"" GOOD_ID "\",\"metadataStatement\":{\"description\":\"Key\"}}")},
		 "metadata.entry.statusReports",
		 STATUS_INVALID},
		{{.payload = LIST(ENTRY(GOOD_ID, "{}", ""))}, "metadata.entry.status", STATUS_INVALID},
		{{.payload = LIST(ENTRY(GOOD_ID, CERTIFIED, "") "," ENTRY(GOOD_ID, CERTIFIED, ""))},
		 "metadata.duplicate",
		 STATUS_INVALID},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer blob = {};
		struct metadata metadata;
		make_blob(&a, &cases[i].recipe, &blob);
		enum status status =
			metadata_read(&arena, buffer_bytes(&blob), a.pinned, METADATA_SIGNER, now_ms(), &metadata);
		char name[64] = "";
		fail_name(name, sizeof name);
		if (status != cases[i].status || strcmp(name, cases[i].name) != 0)
			fail_msg("case %zu: expected %s, found %s %s", i, cases[i].name, status_name(status), name);
	}
	static const char *const forms[] = {"", ".", "a.b", "a.b.c.d", "YQ.YQ", "...."};
	for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct metadata metadata;
		assert_fails(
			STATUS_INVALID, "metadata.form",
			metadata_read(&arena, bytes_of_text(forms[i]), a.pinned, METADATA_SIGNER, now_ms(), &metadata));
	}
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer blob = {};
	struct metadata metadata;
	make_blob(&a, &(struct blob_recipe){.payload = LIST("")}, &blob);
	assert_fails(STATUS_UNAUTHORIZED, "certificate.chain",
		     metadata_read(&arena, buffer_bytes(&blob), a.pinned, METADATA_SIGNER, now_ms() + 3 * DAY_MS,
				   &metadata));
}

RUN_TESTS(T(a_model_is_found_with_its_roots_unless_something_speaks_against_it),
	  T(every_status_that_speaks_against_a_model_refuses_it),
	  T(a_list_that_is_not_whole_signed_and_fresh_is_refused_by_name))
