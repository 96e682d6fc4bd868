#include "tests/test.h"

#include <time.h>

#include "identity/attestation.h"
#include "tests/authenticator.h"
#include "tests/certificates.h"
#include "tests/hex.h"
#include "tests/webauthn.h"

static enum status
verify(struct arena *arena, struct bytes object, struct bytes client_data, struct attestation_result *result) {
	struct attestation attestation;
	struct hash256 hash = sha256(client_data);
	TRY(attestation_read(object, &attestation));
	return attestation_verify(arena, &attestation, &hash, result);
}

static int64_t
now_ms(void) {
	return (int64_t)time(nullptr) * 1000;
}

/* --- Published statements. --- */

/* SHA-1 (RS1) and keys out of canonical order are refused by design (docs/people.md). */
static void
published_statements_verify_or_are_refused_by_design(void **) {
	static const struct {
		const char *name;
		enum attestation_format format;
		enum attestation_kind kind;
		size_t certificates;
		const char *refused;
		enum status status;
	} cases[] = {
		{"helpers-none", ATTESTATION_FORMAT_NONE, ATTESTATION_NONE, 0},
		{"none-0", ATTESTATION_FORMAT_NONE, ATTESTATION_NONE, 0},
		{"w3c-none-es256", ATTESTATION_FORMAT_NONE, ATTESTATION_NONE, 0},
		{"w3c-packed-self-es256", ATTESTATION_FORMAT_PACKED, ATTESTATION_SELF, 0},
		{"fido2-lib-packed-self", ATTESTATION_FORMAT_PACKED, ATTESTATION_SELF, 0},
		{"packed-self-1", ATTESTATION_FORMAT_PACKED, ATTESTATION_SELF, 0},
		{"helpers-packed-feitian", ATTESTATION_FORMAT_PACKED, ATTESTATION_CERTIFIED, 3},
		{"packed-certified-0", ATTESTATION_FORMAT_PACKED, ATTESTATION_CERTIFIED, 3},
		{"packed-certified-1", ATTESTATION_FORMAT_PACKED, ATTESTATION_CERTIFIED, 1},
		{"w3c-packed-es256", ATTESTATION_FORMAT_PACKED, ATTESTATION_CERTIFIED, 1},
		{"helpers-fido-u2f-yubico", ATTESTATION_FORMAT_FIDO_U2F, ATTESTATION_CERTIFIED, 1},
		{"helpers-fido-u2f-hypersecu", ATTESTATION_FORMAT_FIDO_U2F, ATTESTATION_CERTIFIED, 1},
		{"fido-u2f-0", ATTESTATION_FORMAT_FIDO_U2F, ATTESTATION_CERTIFIED, 1},
		{"fido-u2f-1", ATTESTATION_FORMAT_FIDO_U2F, ATTESTATION_CERTIFIED, 1},
		{"packed-virtual", ATTESTATION_FORMAT_PACKED, ATTESTATION_CERTIFIED, 1},
		{"apple-device", ATTESTATION_FORMAT_APPLE, ATTESTATION_CERTIFIED, 2},
		{"android-key-simulated", ATTESTATION_FORMAT_ANDROID_KEY, ATTESTATION_CERTIFIED, 2},
		{"android-key-device", ATTESTATION_FORMAT_ANDROID_KEY, ATTESTATION_CERTIFIED, 2},
		{"w3c-none-es256-top-origin", ATTESTATION_FORMAT_NONE, ATTESTATION_NONE, 0},
		/* Everything but the manufacturer, which is the conformance tool's. */
		{"tpm-2", ATTESTATION_FORMAT_TPM, ATTESTATION_NONE, 0, "attestation.certificate", STATUS_INVALID},
		{"tpm-device", ATTESTATION_FORMAT_TPM, ATTESTATION_NONE, 0, "cose.algorithm", STATUS_UNSUPPORTED},
		{"tpm-1", ATTESTATION_FORMAT_TPM, ATTESTATION_NONE, 0, "cose.algorithm", STATUS_UNSUPPORTED},
		{"helpers-tpm", ATTESTATION_FORMAT_TPM, ATTESTATION_NONE, 0, "cbor.key_order", STATUS_INVALID},
		{"packed-self-0", ATTESTATION_FORMAT_PACKED, ATTESTATION_NONE, 0, "cose.algorithm", STATUS_UNSUPPORTED},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(attestation_result_free) struct attestation_result result = {};
		struct published published = published_registration(&arena, cases[i].name);
		struct attestation attestation;
		enum status status = verify(&arena, published.attestation_object, published.client_data, &result);
		if (cases[i].refused != nullptr) {
			assert_fails(cases[i].status, cases[i].refused, status);
			continue;
		}
		if (status != OK)
			fail_msg("%s: %s", cases[i].name, fail_message());
		assert_int_equal(cases[i].kind, result.kind);
		assert_int_equal(cases[i].certificates, result.chain.count);
		assert_ok(attestation_read(published.attestation_object, &attestation));
		assert_int_equal(cases[i].format, attestation.format);
	}
}

/* The chains that came with them lead to nothing that is pinned here, whatever they end in. */
static void
a_published_chain_is_worth_nothing_without_its_root(void **) {
	static const char *const names[] = {"helpers-packed-feitian", "packed-certified-0", "packed-certified-1",
					    "apple-device",           "android-key-device", "fido-u2f-0"};
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(certificate_roots_destroy) struct certificate_roots *none = nullptr;
	assert_ok(certificate_roots_create(&none));
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		_cleanup_(attestation_result_free) struct attestation_result result = {};
		struct published published = published_registration(&arena, names[i]);
		assert_ok(verify(&arena, published.attestation_object, published.client_data, &result));
		assert_fails(STATUS_UNAUTHORIZED, "certificate.chain",
			     attestation_check_trust(&result, none, now_ms()));
	}
}

/* One bit of the client data, of the authenticator data, of the statement: each refused, by a name that says which. */
static void
a_changed_bit_is_refused(void **) {
	static const struct {
		const char *name, *client_data, *counter;
	} cases[] = {
		{"w3c-packed-self-es256", "attestation.signature", "attestation.signature"},
		{"helpers-packed-feitian", "attestation.signature", "attestation.signature"},
		{"apple-device", "attestation.nonce", "attestation.nonce"},
		{"android-key-device", "attestation.signature", "attestation.signature"},
		{"tpm-2", "attestation.nonce", "attestation.nonce"},
		/* U2F does not sign the counter of a registration. */
		{"helpers-fido-u2f-yubico", "attestation.signature", nullptr},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(attestation_result_free) struct attestation_result result = {};
		struct published published = published_registration(&arena, cases[i].name);
		struct bytes client_data = arena_copy(&arena, published.client_data);
		struct bytes object = arena_copy(&arena, published.attestation_object);
		((uint8_t *)(uintptr_t)client_data.data)[client_data.len / 2] ^= 1;
		assert_fails(STATUS_UNAUTHORIZED, cases[i].client_data, verify(&arena, object, client_data, &result));
		if (cases[i].counter == nullptr)
			continue;
		struct attestation attestation;
		assert_ok(attestation_read(object, &attestation));
		((uint8_t *)(uintptr_t)attestation.data.encoding.data)[36] ^= 1;
		assert_fails(STATUS_UNAUTHORIZED, cases[i].counter,
			     verify(&arena, object, published.client_data, &result));
	}
}

/* --- Malformed objects. --- */

#define RP "bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b5"
#define AAGUID "8446ccb9ab1db374750b2367ff6f3a1f"
#define ID "f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4"
#define KEY                                                                                                            \
	"a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61"                         \
	"225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220"
#define DATA "58a4" RP "4500000000" AAGUID "0020" ID KEY
#define FMT "63666d74"
#define STATEMENT "6761747453746d74"
#define AUTH_DATA "686175746844617461"
#define NONE FMT "646e6f6e65"
#define PACKED FMT "667061636b6564"
#define TPM FMT "6374706d"
#define U2F FMT "686669646f2d753266"
#define APPLE FMT "656170706c65"
#define ANDROID FMT "6b616e64726f69642d6b6579"
#define ALG "63616c67"
#define SIG "63736967"
#define X5C "63783563"
#define VER "63766572"
#define PUB_AREA "6770756241726561"
#define CERT_INFO "6863657274496e666f"

static void
malformed_objects_are_refused_by_name(void **) {
	static const struct {
		const char *hex, *name;
		enum status status;
	} bad[] = {
		{"", "cbor.truncated", STATUS_INVALID},
		{"a0", "attestation.object.missing", STATUS_INVALID},
		{"80", "cbor.type", STATUS_INVALID},
		{"f6", "cbor.type", STATUS_INVALID},
		{"bf" NONE STATEMENT "a0" AUTH_DATA DATA "ff", "cbor.indefinite", STATUS_INVALID},
		{"a3" NONE STATEMENT "a0" AUTH_DATA DATA "00", "cbor.trailing", STATUS_INVALID},
		{"a3" NONE STATEMENT "a0" AUTH_DATA DATA "a0", "cbor.trailing", STATUS_INVALID},
		{"a3" NONE STATEMENT "a0" AUTH_DATA, "cbor.truncated", STATUS_INVALID},
		{"a3" NONE STATEMENT "a0", "cbor.truncated", STATUS_INVALID},
		{"a2" NONE STATEMENT "a0", "attestation.object.missing", STATUS_INVALID},
		{"a2" NONE AUTH_DATA DATA, "attestation.object.missing", STATUS_INVALID},
		{"a2" STATEMENT "a0" AUTH_DATA DATA, "attestation.object.missing", STATUS_INVALID},
		{"a4" NONE NONE STATEMENT "a0" AUTH_DATA DATA, "attestation.object.duplicate", STATUS_INVALID},
		{"a4" NONE STATEMENT "a0" STATEMENT "a0" AUTH_DATA DATA, "attestation.object.duplicate",
		 STATUS_INVALID},
		{"a4" NONE STATEMENT "a0" AUTH_DATA DATA AUTH_DATA DATA, "attestation.object.duplicate",
		 STATUS_INVALID},
		{"a4" NONE STATEMENT "a0" AUTH_DATA DATA "626570f6", "attestation.object.unknown_member",
		 STATUS_INVALID},
		{"a4" NONE STATEMENT "a0" AUTH_DATA DATA "0100", "attestation.object.unknown_member", STATUS_INVALID},
		{"a3" FMT "446e6f6e65" STATEMENT "a0" AUTH_DATA DATA, "attestation.object.type", STATUS_INVALID},
		{"a3" FMT "00" STATEMENT "a0" AUTH_DATA DATA, "attestation.object.type", STATUS_INVALID},
		{"a3" NONE STATEMENT "80" AUTH_DATA DATA, "attestation.object.type", STATUS_INVALID},
		{"a3" NONE STATEMENT "f6" AUTH_DATA DATA, "attestation.object.type", STATUS_INVALID},
		{"a3" NONE STATEMENT "a0" AUTH_DATA "60", "attestation.object.type", STATUS_INVALID},
		{"a3" FMT "60" STATEMENT "a0" AUTH_DATA DATA, "attestation.format", STATUS_UNSUPPORTED},
		{"a3" FMT "644e6f6e65" STATEMENT "a0" AUTH_DATA DATA, "attestation.format", STATUS_UNSUPPORTED},
		{"a3" FMT "71616e64726f69642d7361666574796e6574" STATEMENT "a0" AUTH_DATA DATA, "attestation.format",
		 STATUS_UNSUPPORTED},
		{"a3" FMT "68636f6d706f756e64" STATEMENT "a0" AUTH_DATA DATA, "attestation.format", STATUS_UNSUPPORTED},
		{"a3" NONE STATEMENT "a0" AUTH_DATA "40", "authenticator_data.truncated", STATUS_INVALID},
		{"a3" NONE STATEMENT "a0" AUTH_DATA "5825" RP "0500000000", "attestation.object.credential",
		 STATUS_INVALID},
		{"a3" NONE STATEMENT "a0" AUTH_DATA "5826" RP "050000000000", "authenticator_data.trailing",
		 STATUS_INVALID},
		{"a3" NONE STATEMENT "a1" SIG "40" AUTH_DATA DATA, "attestation.statement.unknown_member",
		 STATUS_INVALID},
		{"a3" NONE STATEMENT "a1" ALG "26" AUTH_DATA DATA, "attestation.statement.unknown_member",
		 STATUS_INVALID},
		{"a3" PACKED STATEMENT "a0" AUTH_DATA DATA, "attestation.statement.missing", STATUS_INVALID},
		{"a3" PACKED STATEMENT "a1" ALG "26" AUTH_DATA DATA, "attestation.statement.missing", STATUS_INVALID},
		{"a3" PACKED STATEMENT "a1" SIG "40" AUTH_DATA DATA, "attestation.statement.missing", STATUS_INVALID},
		{"a3" PACKED STATEMENT "a2" ALG "07" SIG "40" AUTH_DATA DATA, "attestation.statement.type",
		 STATUS_INVALID},
		{"a3" PACKED STATEMENT "a2" ALG "26" SIG "60" AUTH_DATA DATA, "attestation.statement.type",
		 STATUS_INVALID},
		{"a3" PACKED STATEMENT "a2" ALG "26" SIG "40" AUTH_DATA DATA, "attestation.signature",
		 STATUS_UNAUTHORIZED},
		{"a3" PACKED STATEMENT "a2" ALG "27" SIG "40" AUTH_DATA DATA, "attestation.statement.alg",
		 STATUS_INVALID},
		{"a3" PACKED STATEMENT "a2" ALG "390100" SIG "40" AUTH_DATA DATA, "attestation.statement.alg",
		 STATUS_INVALID},
		{"a3" PACKED STATEMENT "a2" ALG "39fffe" SIG "40" AUTH_DATA DATA, "cose.algorithm", STATUS_UNSUPPORTED},
		{"a3" PACKED STATEMENT "a3" ALG "26" ALG "26" SIG "40" AUTH_DATA DATA, "cbor.duplicate_key",
		 STATUS_INVALID},
		{"a3" PACKED STATEMENT "a3" ALG "26" SIG "40" X5C "80" AUTH_DATA DATA, "attestation.statement.x5c",
		 STATUS_INVALID},
		{"a3" PACKED STATEMENT "a3" ALG "26" SIG "40" X5C "40" AUTH_DATA DATA, "attestation.statement.type",
		 STATUS_INVALID},
		{"a3" PACKED STATEMENT "a3" ALG "26" SIG "40" X5C "8160" AUTH_DATA DATA, "cbor.type", STATUS_INVALID},
		{"a3" PACKED STATEMENT "a3" ALG "26" SIG "40" X5C "8140" AUTH_DATA DATA, "certificate.der",
		 STATUS_INVALID},
		{"a3" PACKED STATEMENT "a3" ALG "26" SIG "40" X5C "81423000" AUTH_DATA DATA, "certificate.der",
		 STATUS_INVALID},
		{"a3" PACKED STATEMENT "a3" ALG "26" SIG "40" X5C "818180" AUTH_DATA DATA, "cbor.type", STATUS_INVALID},
		{"a3" PACKED STATEMENT "a3" ALG "26" SIG "40"
		 "6a65636461614b65794964"
		 "40" AUTH_DATA DATA,
		 "attestation.statement.unknown_member", STATUS_INVALID},
		{"a3" U2F STATEMENT "a1" SIG "40" AUTH_DATA DATA, "attestation.statement.missing", STATUS_INVALID},
		{"a3" U2F STATEMENT "a2" SIG "40" X5C "80" AUTH_DATA DATA, "attestation.statement.x5c", STATUS_INVALID},
		{"a3" U2F STATEMENT "a3" ALG "26" SIG "40" X5C "80" AUTH_DATA DATA,
		 "attestation.statement.unknown_member", STATUS_INVALID},
		{"a3" APPLE STATEMENT "a0" AUTH_DATA DATA, "attestation.statement.missing", STATUS_INVALID},
		{"a3" APPLE STATEMENT "a1" X5C "80" AUTH_DATA DATA, "attestation.statement.x5c", STATUS_INVALID},
		{"a3" APPLE STATEMENT "a2" SIG "40" X5C "80" AUTH_DATA DATA, "attestation.statement.unknown_member",
		 STATUS_INVALID},
		{"a3" ANDROID STATEMENT "a2" ALG "26" SIG "40" AUTH_DATA DATA, "attestation.statement.missing",
		 STATUS_INVALID},
		{"a3" ANDROID STATEMENT "a3" ALG "26" SIG "40" X5C "80" AUTH_DATA DATA, "attestation.statement.x5c",
		 STATUS_INVALID},
		{"a3" TPM STATEMENT "a0" AUTH_DATA DATA, "attestation.statement.missing", STATUS_INVALID},
		{"a3" TPM STATEMENT "a6" ALG "26" SIG "40" VER "63312e32" X5C "80" PUB_AREA "40" CERT_INFO
		 "40" AUTH_DATA DATA,
		 "attestation.statement.ver", STATUS_INVALID},
		{"a3" TPM STATEMENT "a6" ALG "26" SIG "40" VER "63322e30" X5C "80" PUB_AREA "40" CERT_INFO
		 "40" AUTH_DATA DATA,
		 "attestation.tpm", STATUS_INVALID},
		{"a3" TPM STATEMENT "a6" ALG "26" SIG "40" VER "63322e30" X5C "80" PUB_AREA
		 "4c000100040000000000000010" CERT_INFO "40" AUTH_DATA DATA,
		 "attestation.tpm", STATUS_INVALID},
		{"a3" TPM STATEMENT "a6" ALG "26" SIG "40" VER "63322e30" X5C "80" PUB_AREA
		 "4c0008000b0000000000000010" CERT_INFO "40" AUTH_DATA DATA,
		 "attestation.tpm", STATUS_INVALID},
	};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(bad); i++) {
		_cleanup_(attestation_result_free) struct attestation_result result = {};
		enum status status = verify(&arena, unhex(&arena, bad[i].hex), BYTES_OF_LITERAL("{}"), &result);
		char name[64] = "";
		fail_name(name, sizeof name);
		if (status != bad[i].status || strcmp(name, bad[i].name) != 0)
			fail_msg("%s: expected %s, found %s %s", bad[i].hex, bad[i].name, status_name(status), name);
	}
	static const uint8_t large[ATTESTATION_OBJECT_MAX + 1];
	struct attestation attestation;
	assert_fails(STATUS_INVALID, "attestation.size", attestation_read(BYTES_OF_ARRAY(large), &attestation));
}

/* --- Statements of our own making. --- */

static const uint8_t CLIENT_DATA[] = "{\"type\":\"webauthn.create\"}";
#define CLIENT bytes_of(CLIENT_DATA, sizeof CLIENT_DATA - 1)

static void
put_data(const struct authenticator *authenticator, struct buffer *data) {
	struct hash256 rp = sha256(bytes_of_text(authenticator->rp_id));
	buffer_append_bytes(data, hash256_bytes(&rp));
	buffer_append_byte(data, 0x45);
	buffer_append_u32be(data, 1);
	buffer_append(data, authenticator->aaguid, sizeof authenticator->aaguid);
	buffer_append_u16be(data, sizeof authenticator->credential_id);
	buffer_append(data, authenticator->credential_id, sizeof authenticator->credential_id);
	authenticator_key(authenticator, data);
}

static void
put_signed_bytes(struct bytes data, struct buffer *to) {
	struct hash256 hash = sha256(CLIENT);
	buffer_append_bytes(to, data);
	buffer_append_bytes(to, hash256_bytes(&hash));
}

/* fmt, then attStmt with what put_statement writes, then authData. */
static void
put_object(const char *format, struct bytes statement, struct bytes data, struct buffer *object) {
	cbor_put(object, 5, 3);
	cbor_put_text(object, "fmt");
	cbor_put_text(object, format);
	cbor_put_text(object, "attStmt");
	buffer_append_bytes(object, statement);
	cbor_put_text(object, "authData");
	cbor_put_bytes(object, data);
}

static void
packed_with(const struct authenticator *authenticator, const struct certificate_made *leaf,
	    const struct certificate_made *above, struct buffer *object) {
	_cleanup_(buffer_free) struct buffer data = {}, message = {}, signature = {}, statement = {};
	put_data(authenticator, &data);
	put_signed_bytes(buffer_bytes(&data), &message);
	certificate_sign(leaf, buffer_bytes(&message), &signature);
	cbor_put(&statement, 5, 3);
	cbor_put_text(&statement, "alg");
	cbor_put_integer(&statement, -7);
	cbor_put_text(&statement, "sig");
	cbor_put_bytes(&statement, buffer_bytes(&signature));
	cbor_put_text(&statement, "x5c");
	cbor_put(&statement, 4, above == nullptr ? 1 : 2);
	cbor_put_bytes(&statement, buffer_bytes(&leaf->der));
	if (above != nullptr)
		cbor_put_bytes(&statement, buffer_bytes(&above->der));
	put_object("packed", buffer_bytes(&statement), buffer_bytes(&data), object);
}

static void
make_root(struct certificate_made *root, const char *name) {
	certificate_make(&(struct certificate_recipe){.subject = {"CN", name}, .is_authority = true}, root);
}

/* What the certificate of a packed attestation must be like (§8.2.1). */
static void
a_packed_certificate_keeps_its_rules(void **) {
	static const uint8_t right[] = {0x04, 0x10, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
					0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
	static const uint8_t other[] = {0x04, 0x10, 0xef, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
					0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
	static const char aaguid[] = "1.3.6.1.4.1.45724.1.1.4";
#define GOOD_SUBJECT .subject = {"C", "SE", "O", "Maker", "OU", "Authenticator Attestation", "CN", "Model"}
	const struct {
		struct certificate_recipe recipe;
		const char *name;
		enum status status;
	} cases[] = {
		{{GOOD_SUBJECT}, nullptr, OK},
		{{GOOD_SUBJECT, .extensions = {{aaguid, BYTES_OF_ARRAY(right)}}}, nullptr, OK},
		{{GOOD_SUBJECT, .extensions = {{aaguid, BYTES_OF_ARRAY(other)}}},
		 "attestation.aaguid",
		 STATUS_UNAUTHORIZED},
		{{GOOD_SUBJECT, .extensions = {{aaguid, BYTES_OF_ARRAY(right), true}}},
		 "attestation.certificate",
		 STATUS_INVALID},
		{{GOOD_SUBJECT, .extensions = {{aaguid, bytes_of(right, 17)}}},
		 "attestation.certificate",
		 STATUS_INVALID},
		{{GOOD_SUBJECT, .extensions = {{aaguid, bytes_of(right + 2, 16)}}},
		 "attestation.certificate",
		 STATUS_INVALID},
		{{GOOD_SUBJECT, .is_authority = true}, "attestation.certificate", STATUS_INVALID},
		{{GOOD_SUBJECT, .no_basic_constraints = true}, "attestation.certificate", STATUS_INVALID},
		{{GOOD_SUBJECT, .version_1 = true}, "attestation.certificate", STATUS_INVALID},
		{{.subject = {"O", "Maker", "OU", "Authenticator Attestation", "CN", "Model"}},
		 "attestation.certificate",
		 STATUS_INVALID},
		{{.subject = {"C", "se", "O", "Maker", "OU", "Authenticator Attestation", "CN", "Model"}},
		 "attestation.certificate",
		 STATUS_INVALID},
		{{.subject = {"C", "SE", "OU", "Authenticator Attestation", "CN", "Model"}},
		 "attestation.certificate",
		 STATUS_INVALID},
		{{.subject = {"C", "SE", "O", "Maker", "CN", "Model"}}, "attestation.certificate", STATUS_INVALID},
		{{.subject = {"C", "SE", "O", "Maker", "OU", "Authenticator", "CN", "Model"}},
		 "attestation.certificate",
		 STATUS_INVALID},
		{{.subject = {"C", "SE", "O", "Maker", "OU", "Authenticator Attestation"}},
		 "attestation.certificate",
		 STATUS_INVALID},
	};
	_cleanup_(arena_free) struct arena arena = {};
	struct authenticator authenticator;
	authenticator_start(&authenticator, 1, "example.org", "https://example.org");
	_cleanup_(certificate_made_free) struct certificate_made root = {};
	make_root(&root, "Root");
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(certificate_made_free) struct certificate_made leaf = {};
		_cleanup_(attestation_result_free) struct attestation_result result = {};
		_cleanup_(buffer_free) struct buffer object = {};
		struct certificate_recipe recipe = cases[i].recipe;
		recipe.issuer = &root;
		certificate_make(&recipe, &leaf);
		packed_with(&authenticator, &leaf, nullptr, &object);
		enum status status = verify(&arena, buffer_bytes(&object), CLIENT, &result);
		if (cases[i].name == nullptr)
			assert_ok(status);
		else
			assert_fails(cases[i].status, cases[i].name, status);
	}
}

/* GHSA-6hxq-p678-4hr2: a statement that brings its own root convinces nobody. */
static void
only_a_pinned_root_is_trusted_and_only_in_its_time(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct authenticator authenticator;
	authenticator_start(&authenticator, 1, "example.org", "https://example.org");
	_cleanup_(certificate_made_free) struct certificate_made root = {}, impostor = {}, leaf = {}, expired = {},
								 alone = {};
	_cleanup_(certificate_roots_destroy) struct certificate_roots *pinned = nullptr, *leaf_pinned = nullptr;
	make_root(&root, "Root");
	make_root(&impostor, "Root");
	certificate_make(&(struct certificate_recipe){GOOD_SUBJECT, .issuer = &root}, &leaf);
	certificate_make(
		&(struct certificate_recipe){GOOD_SUBJECT, .issuer = &root, .starts_s = -7200, .ends_s = -3600},
		&expired);
	certificate_make(&(struct certificate_recipe){GOOD_SUBJECT}, &alone);
	assert_ok(certificate_roots_create(&pinned));
	assert_ok(certificate_roots_add(pinned, buffer_bytes(&root.der)));
	assert_ok(certificate_roots_create(&leaf_pinned));
	assert_ok(certificate_roots_add(leaf_pinned, buffer_bytes(&leaf.der)));
	assert_fails(STATUS_INVALID, "certificate.der", certificate_roots_add(pinned, BYTES_OF_LITERAL("x")));
	assert_int_equal(1, certificate_roots_count(pinned));
	const struct {
		const struct certificate_made *leaf, *above;
		const struct certificate_roots *roots;
		int64_t at_ms;
		bool trusted;
	} cases[] = {
		{&leaf, nullptr, pinned, now_ms(), true},
		{&leaf, &root, pinned, now_ms(), true},
		{&leaf, &impostor, pinned, now_ms(), true}, /* it has the same name, and is not the issuer */
		{&leaf, nullptr, leaf_pinned, now_ms(), true},
		{&leaf, nullptr, pinned, now_ms() + INT64_C(2) * 86'400'000, false},
		{&leaf, nullptr, pinned, now_ms() - INT64_C(86'400'000), false},
		{&expired, nullptr, pinned, now_ms(), false},
		{&expired, nullptr, pinned, now_ms() - 5'400'000, false}, /* the root is younger */
		{&alone, nullptr, pinned, now_ms(), false},
		{&alone, &root, pinned, now_ms(), false},
		{&alone, nullptr, leaf_pinned, now_ms(), false},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(attestation_result_free) struct attestation_result result = {};
		_cleanup_(buffer_free) struct buffer object = {};
		packed_with(&authenticator, cases[i].leaf, cases[i].above, &object);
		assert_ok(verify(&arena, buffer_bytes(&object), CLIENT, &result));
		enum status status = attestation_check_trust(&result, cases[i].roots, cases[i].at_ms);
		if (cases[i].trusted)
			assert_ok(status);
		else
			assert_fails(STATUS_UNAUTHORIZED, "certificate.chain", status);
	}
	_cleanup_(attestation_result_free) struct attestation_result self = {.kind = ATTESTATION_SELF};
	assert_fails(STATUS_UNAUTHORIZED, "attestation.untrusted", attestation_check_trust(&self, pinned, now_ms()));
}

/* A leaf that signs further certificates is no authority: nothing below it is trusted. */
static void
a_leaf_is_no_authority(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct authenticator authenticator;
	authenticator_start(&authenticator, 1, "example.org", "https://example.org");
	_cleanup_(certificate_made_free) struct certificate_made root = {}, leaf = {}, below = {};
	_cleanup_(certificate_roots_destroy) struct certificate_roots *pinned = nullptr;
	_cleanup_(buffer_free) struct buffer object = {};
	_cleanup_(attestation_result_free) struct attestation_result result = {};
	make_root(&root, "Root");
	certificate_make(&(struct certificate_recipe){.subject = {"CN", "Leaf"}, .issuer = &root}, &leaf);
	certificate_make(&(struct certificate_recipe){GOOD_SUBJECT, .issuer = &leaf, .issuer_name = "Leaf"}, &below);
	assert_ok(certificate_roots_create(&pinned));
	assert_ok(certificate_roots_add(pinned, buffer_bytes(&root.der)));
	packed_with(&authenticator, &below, &leaf, &object);
	assert_ok(verify(&arena, buffer_bytes(&object), CLIENT, &result));
	assert_fails(STATUS_UNAUTHORIZED, "certificate.chain", attestation_check_trust(&result, pinned, now_ms()));
}

/* --- TPM. --- */

/* directoryName { manufacturer, "M", "1" } (TCG EK credential profile §3.2.9). */
static void
put_tpm_names(const char *manufacturer, struct buffer *to) {
	static const uint8_t model_and_version[] = {0x31, 0x0c, 0x30, 0x0a, 0x06, 0x05, 0x67, 0x81, 0x05, 0x02,
						    0x02, 0x0c, 0x01, 0x4d, 0x31, 0x0c, 0x30, 0x0a, 0x06, 0x05,
						    0x67, 0x81, 0x05, 0x02, 0x03, 0x0c, 0x01, 0x31};
	static const uint8_t head[] = {0x30, 0x38, 0xa4, 0x36, 0x30, 0x34, 0x31, 0x16, 0x30, 0x14,
				       0x06, 0x05, 0x67, 0x81, 0x05, 0x02, 0x01, 0x0c, 0x0b};
	assert_int_equal(11, strlen(manufacturer));
	buffer_append(to, head, sizeof head);
	buffer_append_text(to, manufacturer);
	buffer_append(to, model_and_version, sizeof model_and_version);
}

struct tpm_case {
	const char *manufacturer;
	const char *subject;
	const char *name;
	enum status status;
	bool other_usage, wrong_magic, wrong_type, wrong_extra, wrong_name, wrong_curve, trailing_area, trailing_info,
		is_authority;
};

static void
put_public_area(const struct authenticator *authenticator, const struct tpm_case *c, struct buffer *area) {
	_cleanup_(buffer_free) struct buffer key = {};
	authenticator_key(authenticator, &key);
	buffer_append_u16be(area, 0x0023);
	buffer_append_u16be(area, 0x000b);
	buffer_append_u32be(area, 0x00060472);
	buffer_append_u16be(area, 0); /* authPolicy */
	buffer_append_u16be(area, 0x0010);
	buffer_append_u16be(area, 0x0018); /* ECDSA */
	buffer_append_u16be(area, 0x000b);
	buffer_append_u16be(area, c->wrong_curve ? 0x0004 : 0x0003);
	buffer_append_u16be(area, 0x0010);
	for (size_t at = 10; at <= 10 + 35; at += 35) { /* both coordinates of the COSE key */
		buffer_append_u16be(area, 32);
		buffer_append(area, key.data + at, 32);
	}
	if (c->trailing_area)
		buffer_append_byte(area, 0);
}

static void
put_certification(struct bytes message, struct bytes area, const struct tpm_case *c, struct buffer *info) {
	static const uint8_t clock_and_firmware[25] = {};
	struct hash256 extra = sha256(message), name = sha256(area);
	extra.bytes[0] ^= c->wrong_extra;
	name.bytes[31] ^= c->wrong_name;
	buffer_append_u32be(info, c->wrong_magic ? 0 : 0xff544347);
	buffer_append_u16be(info, c->wrong_type ? 0x8018 : 0x8017);
	buffer_append_u16be(info, 0);
	buffer_append_u16be(info, 32);
	buffer_append_bytes(info, hash256_bytes(&extra));
	buffer_append(info, clock_and_firmware, sizeof clock_and_firmware);
	buffer_append_u16be(info, 34);
	buffer_append_u16be(info, 0x000b);
	buffer_append_bytes(info, hash256_bytes(&name));
	buffer_append_u16be(info, 0);
	if (c->trailing_info)
		buffer_append_byte(info, 0);
}

static void
tpm_with(const struct authenticator *authenticator, const struct certificate_made *leaf, const struct tpm_case *c,
	 struct buffer *object) {
	_cleanup_(buffer_free) struct buffer data = {}, message = {}, signature = {}, statement = {}, area = {},
					     info = {};
	put_data(authenticator, &data);
	put_signed_bytes(buffer_bytes(&data), &message);
	put_public_area(authenticator, c, &area);
	put_certification(buffer_bytes(&message), buffer_bytes(&area), c, &info);
	certificate_sign(leaf, buffer_bytes(&info), &signature);
	cbor_put(&statement, 5, 6);
	cbor_put_text(&statement, "alg");
	cbor_put_integer(&statement, -7);
	cbor_put_text(&statement, "sig");
	cbor_put_bytes(&statement, buffer_bytes(&signature));
	cbor_put_text(&statement, "ver");
	cbor_put_text(&statement, "2.0");
	cbor_put_text(&statement, "x5c");
	cbor_put(&statement, 4, 1);
	cbor_put_bytes(&statement, buffer_bytes(&leaf->der));
	cbor_put_text(&statement, "pubArea");
	cbor_put_bytes(&statement, buffer_bytes(&area));
	cbor_put_text(&statement, "certInfo");
	cbor_put_bytes(&statement, buffer_bytes(&info));
	put_object("tpm", buffer_bytes(&statement), buffer_bytes(&data), object);
}

static void
a_tpm_certifies_the_credential_and_its_key_is_certified(void **) {
	static const uint8_t aik[] = {0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x03};
	static const uint8_t server[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
	static const char good[] = "id:49465800";
	const struct tpm_case cases[] = {
		{.manufacturer = good},
		{.manufacturer = "id:00000000", .name = "attestation.certificate", .status = STATUS_INVALID},
		{.manufacturer = good, .subject = "x", .name = "attestation.certificate", .status = STATUS_INVALID},
		{.manufacturer = good,
		 .other_usage = true,
		 .name = "attestation.certificate",
		 .status = STATUS_INVALID},
		{.manufacturer = nullptr, .name = "attestation.certificate", .status = STATUS_INVALID},
		{.manufacturer = good,
		 .is_authority = true,
		 .name = "attestation.certificate",
		 .status = STATUS_INVALID},
		{.manufacturer = good, .wrong_magic = true, .name = "attestation.tpm", .status = STATUS_INVALID},
		{.manufacturer = good, .wrong_type = true, .name = "attestation.tpm", .status = STATUS_INVALID},
		{.manufacturer = good, .wrong_extra = true, .name = "attestation.nonce", .status = STATUS_UNAUTHORIZED},
		{.manufacturer = good, .wrong_name = true, .name = "attestation.key", .status = STATUS_UNAUTHORIZED},
		{.manufacturer = good, .wrong_curve = true, .name = "attestation.key", .status = STATUS_UNAUTHORIZED},
		{.manufacturer = good,
		 .trailing_area = true,
		 .name = "attestation.tpm.trailing",
		 .status = STATUS_INVALID},
		{.manufacturer = good,
		 .trailing_info = true,
		 .name = "attestation.tpm.trailing",
		 .status = STATUS_INVALID},
	};
	_cleanup_(arena_free) struct arena arena = {};
	struct authenticator authenticator;
	authenticator_start(&authenticator, 2, "example.org", "https://example.org");
	_cleanup_(certificate_made_free) struct certificate_made root = {};
	_cleanup_(certificate_roots_destroy) struct certificate_roots *pinned = nullptr;
	make_root(&root, "Root");
	assert_ok(certificate_roots_create(&pinned));
	assert_ok(certificate_roots_add(pinned, buffer_bytes(&root.der)));
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(certificate_made_free) struct certificate_made leaf = {};
		_cleanup_(attestation_result_free) struct attestation_result result = {};
		_cleanup_(buffer_free) struct buffer object = {}, names = {};
		struct certificate_recipe recipe = {.issuer = &root, .is_authority = cases[i].is_authority};
		recipe.extensions[0].oid = "2.5.29.37";
		recipe.extensions[0].value = cases[i].other_usage ? BYTES_OF_ARRAY(server) : BYTES_OF_ARRAY(aik);
		if (cases[i].manufacturer != nullptr) {
			put_tpm_names(cases[i].manufacturer, &names);
			recipe.extensions[1].oid = "2.5.29.17";
			recipe.extensions[1].value = buffer_bytes(&names);
			recipe.extensions[1].is_critical = true;
		}
		if (cases[i].subject != nullptr) {
			recipe.subject[0] = "CN";
			recipe.subject[1] = cases[i].subject;
		}
		certificate_make(&recipe, &leaf);
		tpm_with(&authenticator, &leaf, &cases[i], &object);
		enum status status = verify(&arena, buffer_bytes(&object), CLIENT, &result);
		if (cases[i].name != nullptr) {
			assert_fails(cases[i].status, cases[i].name, status);
			continue;
		}
		assert_ok(status);
		assert_int_equal(ATTESTATION_CERTIFIED, result.kind);
		assert_ok(attestation_check_trust(&result, pinned, now_ms()));
	}
}

/* Whatever is changed in what one of them made shows, and in whom it leads to: a bit of each member of the statement. */
static void
what_a_tpm_made_is_taken_whole_and_nothing_beside_it(void **) {
	static const struct {
		const char *name;
		enum signature_algorithm algorithm;
	} cases[] = {{"swtpm-es256", SIGNATURE_ES256}, {"swtpm-rs256", SIGNATURE_RS256}};
	_cleanup_(arena_free) struct arena arena = {};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(attestation_result_free) struct attestation_result result = {}, none = {};
		_cleanup_(certificate_roots_destroy) struct certificate_roots *own = nullptr, *other = nullptr;
		struct published made = registration_in(&arena, "tpm.json", cases[i].name);
		struct attestation attestation;
		assert_ok(certificate_roots_create(&own));
		assert_ok(certificate_roots_create(&other));
		assert_ok(certificate_roots_add(own, made.root));
		struct published stranger = registration_in(&arena, "tpm.json", cases[1 - i].name);
		assert_ok(attestation_read(made.attestation_object, &attestation));
		assert_int_equal(ATTESTATION_FORMAT_TPM, attestation.format);
		assert_int_equal(cases[i].algorithm, attestation.data.key.algorithm);
		assert_ok(verify(&arena, made.attestation_object, made.client_data, &result));
		assert_int_equal(ATTESTATION_CERTIFIED, result.kind);
		assert_int_equal(1, result.chain.count);
		assert_ok(attestation_check_trust(&result, own, now_ms()));
		assert_fails(STATUS_UNAUTHORIZED, "certificate.chain",
			     attestation_check_trust(&result, other, now_ms()));
		assert_fails(STATUS_UNAUTHORIZED, "attestation.nonce",
			     verify(&arena, made.attestation_object, BYTES_OF_LITERAL("{}"), &none));
		assert_true(bytes_equal(made.root, stranger.root)); /* one maker */
		size_t refused = 0;
		for (size_t at = 0; at < made.attestation_object.len; at += 7) {
			_cleanup_(attestation_result_free) struct attestation_result changed = {};
			struct bytes object = arena_copy(&arena, made.attestation_object);
			((uint8_t *)(uintptr_t)object.data)[at] ^= 0x10;
			enum status status = verify(&arena, object, made.client_data, &changed);
			if (status == OK) /* in the certificate, whose signature is its maker's */
				status = attestation_check_trust(&changed, own, now_ms());
			if (status == OK)
				fail_msg("%s: byte %zu may be another", cases[i].name, at);
			refused++;
		}
		assert_true(refused > 100);
	}
}

RUN_TESTS(T(published_statements_verify_or_are_refused_by_design),
	  T(a_published_chain_is_worth_nothing_without_its_root), T(a_changed_bit_is_refused),
	  T(malformed_objects_are_refused_by_name), T(a_packed_certificate_keeps_its_rules),
	  T(only_a_pinned_root_is_trusted_and_only_in_its_time), T(a_leaf_is_no_authority),
	  T(a_tpm_certifies_the_credential_and_its_key_is_certified),
	  T(what_a_tpm_made_is_taken_whole_and_nothing_beside_it))
