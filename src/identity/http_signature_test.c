#include "tests/test.h"

#include "crypto/sign.h"
#include "identity/http_signature.h"

/* RFC 8032 §7.1, test 1; the example of docs/PROTOCOL.request-signature. */
static const uint8_t SEED[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
				 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
				 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
static const char KEY_ID[] = "workload:settlement-1/2026a";
static const char AUTHORITY[] = "gate.example:8443";
static const char BODY[] = "{\"hello\":\"gate\"}";
static const char DIGEST[] = "sha-256=:F7J3M1zvK5zgRBY56RmblE7Q2L/3K9Y2NccTPz5/gGw=:";
#define COMPONENTS                                                                                                     \
	"(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-type\" \"content-digest\" \"idempotency-key\")"
#define PARAMETERS(created, expires, nonce, keyid, tag)                                                                \
	";created=" created ";expires=" expires ";nonce=\"" nonce "\";keyid=\"" keyid "\";tag=\"" tag "\""
#define NONCE "AAAAAAAAAAAAAAAAAAAAAA=="
#define KEY "workload:settlement-1/2026a"
#define INPUT "gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000060", NONCE, KEY, "gatehouse")
#define SIGNATURE "Sq3P5ICRGs7HS0CZ8Kd0Sm1O1MSoYUlbGdkZaY1jerq52Sp8gr9g1+Phl69q25nBLmESSQjBJKYvb7QgOfa9CA=="
constexpr int64_t NOW_MS = INT64_C(1'800'000'000'000);

enum { HOST, CONTENT_TYPE, CONTENT_DIGEST, IDEMPOTENCY_KEY, SIGNATURE_INPUT, SIGNATURE_FIELD, ACCEPT, FIELDS };

struct example {
	struct http_field fields[FIELDS + 1];
	struct http_request request;
};

static void
example_fill(struct example *example) {
	*example = (struct example){
		.fields =
			{
				[HOST] = {BYTES_OF_LITERAL("Host"), bytes_of_text(AUTHORITY)},
				[CONTENT_TYPE] = {BYTES_OF_LITERAL("Content-Type"),
						  BYTES_OF_LITERAL("application/json")},
				[CONTENT_DIGEST] = {BYTES_OF_LITERAL("Content-Digest"), bytes_of_text(DIGEST)},
				[IDEMPOTENCY_KEY] = {BYTES_OF_LITERAL("Idempotency-Key"),
						     BYTES_OF_LITERAL(" example-1 \t")},
				[SIGNATURE_INPUT] = {BYTES_OF_LITERAL("Signature-Input"), BYTES_OF_LITERAL(INPUT)},
				[SIGNATURE_FIELD] = {BYTES_OF_LITERAL("signature"),
						     BYTES_OF_LITERAL("gatehouse=:" SIGNATURE ":")},
				[ACCEPT] = {BYTES_OF_LITERAL("Accept"), BYTES_OF_LITERAL("\xff not looked at")},
			},
		.request = {.method = BYTES_OF_LITERAL("POST"),
			    .target = BYTES_OF_LITERAL("/v1/operations?dry=1"),
			    .field_count = FIELDS,
			    .body = bytes_of_text(BODY)},
	};
	example->request.fields = example->fields;
}

static enum status
read_at(const struct example *example, int64_t now_ms) {
	_cleanup_(arena_free) struct arena arena = {};
	struct http_signature signature;
	return http_signature_read(&arena, &example->request, bytes_of_text(AUTHORITY), now_ms, &signature);
}

static void
the_documented_example_is_accepted(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct example example;
	struct http_signature signature;
	uint8_t public_key[32];
	example_fill(&example);
	assert_ok(http_signature_read(&arena, &example.request, bytes_of_text(AUTHORITY), NOW_MS, &signature));
	assert_bytes(bytes_of_text(KEY_ID), signature.key_id);
	assert_bytes(BYTES_OF_LITERAL("workload:settlement-1"), http_signature_principal(signature.key_id));
	assert_bytes(BYTES_OF_LITERAL(NONCE), signature.nonce);
	assert_bytes(BYTES_OF_LITERAL("example-1"), signature.idempotency_key);
	assert_bytes(BYTES_OF_LITERAL("/v1/operations"), signature.path);
	assert_bytes(BYTES_OF_LITERAL("dry=1"), signature.query);
	assert_int_equal(1'800'000'000, signature.created_s);
	assert_int_equal(1'800'000'060, signature.expires_s);
	assert_bytes(
		BYTES_OF_LITERAL("\"@method\": POST\n\"@authority\": gate.example:8443\n\"@path\": /v1/operations\n"
				 "\"@query\": ?dry=1\n\"content-type\": application/json\n"
				 "\"content-digest\": sha-256=:F7J3M1zvK5zgRBY56RmblE7Q2L/3K9Y2NccTPz5/gGw=:\n"
				 "\"idempotency-key\": example-1\n\"@signature-params\": " COMPONENTS PARAMETERS(
					 "1800000000", "1800000060", NONCE, KEY, "gatehouse")),
		signature.base);
	assert_ok(ed25519_public_key(SEED, public_key));
	assert_ok(http_signature_verify(&signature, public_key));
	public_key[0] ^= 1;
	assert_fails(STATUS_UNAUTHORIZED, "request_signature.mismatch", http_signature_verify(&signature, public_key));
}

/* RFC 9421 appendices B.1.4 and B.2.6: its key, its base, its signature. That form covers other components, so its input is
 * refused here by name. */
static void
the_key_and_signature_of_rfc_9421_verify(void **) {
	static const char PUBLIC_KEY[] = "JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";
	static const char SIGNED[] =
		"\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@method\": POST\n\"@path\": /foo\n\"@authority\": "
		"example.com\n"
		"\"content-type\": application/json\n\"content-length\": 18\n\"@signature-params\": (\"date\" "
		"\"@method\" \"@path\" "
		"\"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"";
	static const char RFC_SIGNATURE[] =
		"wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==";
	struct http_signature signature = {.base = BYTES_OF_LITERAL(SIGNED)};
	uint8_t public_key[32];
	size_t len;
	assert_ok(base64_decode(BYTES_OF_LITERAL(PUBLIC_KEY), public_key, sizeof public_key, &len));
	assert_ok(
		base64_decode(BYTES_OF_LITERAL(RFC_SIGNATURE), signature.signature, sizeof signature.signature, &len));
	assert_ok(http_signature_verify(&signature, public_key));

	struct example example;
	example_fill(&example);
	example.fields[SIGNATURE_INPUT].value =
		BYTES_OF_LITERAL("sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" "
				 "\"content-length\");created=1618884473;"
				 "keyid=\"test-key-ed25519\"");
	assert_fails(STATUS_INVALID, "request_signature.components", read_at(&example, NOW_MS));
}

/* RFC 9530, appendix B: {"hello": "world"} and a line feed. */
static void
the_digest_of_rfc_9530_is_accepted(void **) {
	struct example example;
	example_fill(&example);
	example.request.body = BYTES_OF_LITERAL("{\"hello\": \"world\"}\n");
	example.fields[CONTENT_DIGEST].value =
		BYTES_OF_LITERAL("sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
	assert_ok(read_at(&example, NOW_MS));
}

static void
what_is_created_here_is_accepted_here(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	static const char *const targets[] = {"/", "/v1/operations", "/a?", "/a?b?c=%20"};
	struct http_request_signer signer = {.key_id = bytes_of_text(KEY_ID), .seed = SEED};
	assert_ok(ed25519_public_key(SEED, signer.public_key));
	struct bytes last_nonce = {};
	for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
		struct http_field fields[6];
		struct http_signature signature;
		struct http_request request = {.method = BYTES_OF_LITERAL("POST"), .target = bytes_of_text(targets[i])};
		assert_ok(http_signature_create(&arena, &signer, &request, bytes_of_text(AUTHORITY),
						BYTES_OF_LITERAL("application/json"), BYTES_OF_LITERAL("k-1"),
						NOW_MS + 999, 300, fields));
		request.fields = fields;
		request.field_count = 6;
		assert_ok(http_signature_read(&arena, &request, bytes_of_text(AUTHORITY), NOW_MS, &signature));
		assert_ok(http_signature_verify(&signature, signer.public_key));
		assert_false(bytes_equal(last_nonce, signature.nonce));
		last_nonce = signature.nonce;
	}
}

static void
what_cannot_be_accepted_is_not_created(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct http_field fields[6];
	const struct http_request good = {.method = BYTES_OF_LITERAL("POST"), .target = BYTES_OF_LITERAL("/")};
	static const struct {
		const char *key_id, *method, *target, *type, *key;
		int64_t lifetime_s;
		const char *name;
	} cases[] = {
		{KEY, "POST", "/", "application/json", "k", 301, "request_signature.lifetime"},
		{KEY, "POST", "/", "application/json", "k", 0, "request_signature.lifetime"},
		{"workload:x", "POST", "/", "application/json", "k", 60, "request_signature.keyid"},
		{KEY, "post", "/", "application/json", "k", 60, "request_signature.method"},
		{KEY, "POST", "v1", "application/json", "k", 60, "request_signature.target"},
		{KEY, "POST", "/", "", "k", 60, "request_signature.content_type"},
		{KEY, "POST", "/", "a\r\nb: c", "k", 60, "request_signature.content_type"},
		{KEY, "POST", "/", "application/json", "", 60, "request_signature.idempotency_key"},
		{KEY, "POST", "/", "application/json", "a b", 60, "request_signature.idempotency_key"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct http_request_signer signer = {.key_id = bytes_of_text(cases[i].key_id), .seed = SEED};
		struct http_request request = good;
		request.method = bytes_of_text(cases[i].method);
		request.target = bytes_of_text(cases[i].target);
		assert_fails(STATUS_INVALID, cases[i].name,
			     http_signature_create(&arena, &signer, &request, bytes_of_text(AUTHORITY),
						   bytes_of_text(cases[i].type), bytes_of_text(cases[i].key), NOW_MS,
						   cases[i].lifetime_s, fields));
	}
}

static void
bad_fields_are_refused_by_name(void **) {
	static const struct {
		int field;
		const char *value, *name;
		enum status status;
	} cases[] = {
		{HOST, "gate.example", "request_signature.authority", STATUS_UNAUTHORIZED},
		{HOST, "evil.example:8443", "request_signature.authority", STATUS_UNAUTHORIZED},
		{HOST, "", "request_signature.field", STATUS_INVALID},
		{CONTENT_TYPE, "", "request_signature.field", STATUS_INVALID},
		{CONTENT_TYPE, "\xc3\xa9", "request_signature.field", STATUS_INVALID},
		{IDEMPOTENCY_KEY, "a b", "request_signature.idempotency_key", STATUS_INVALID},
		{IDEMPOTENCY_KEY, "\"a\"", "request_signature.idempotency_key", STATUS_INVALID},
		{CONTENT_DIGEST, "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
		 "request_signature.content_differs", STATUS_UNAUTHORIZED},
		{CONTENT_DIGEST, "sha-512=:F7J3M1zvK5zgRBY56RmblE7Q2L/3K9Y2NccTPz5/gGw=:",
		 "request_signature.content_digest.syntax", STATUS_INVALID},
		{CONTENT_DIGEST, "sha-256=F7J3M1zvK5zgRBY56RmblE7Q2L/3K9Y2NccTPz5/gGw=",
		 "request_signature.content_digest.syntax", STATUS_INVALID},
		{CONTENT_DIGEST, "sha-256=:F7J3M1zvK5zgRBY56RmblE7Q2L/3K9Y2NccTPz5/gGx=:",
		 "request_signature.content_digest.syntax", STATUS_INVALID},
		{CONTENT_DIGEST, "sha-256=:F7J3M1zvK5zgRBY56RmblE7Q2L/3K9Y2NccTPz5/gA==:",
		 "request_signature.content_digest.syntax", STATUS_INVALID},
		{CONTENT_DIGEST, "sha-256=:F7J3M1zvK5zgRBY56RmblE7Q2L/3K9Y2NccTPz5/gGw=:, sha-512=:AA==:",
		 "request_signature.content_digest.trailing", STATUS_INVALID},
		{SIGNATURE_FIELD, "other=:" SIGNATURE ":", "request_signature.label", STATUS_INVALID},
		{SIGNATURE_FIELD, "=:" SIGNATURE ":", "request_signature.signature.syntax", STATUS_INVALID},
		{SIGNATURE_FIELD, "Gatehouse=:" SIGNATURE ":", "request_signature.signature.syntax", STATUS_INVALID},
		{SIGNATURE_FIELD, "gatehouse=" SIGNATURE, "request_signature.signature.syntax", STATUS_INVALID},
		{SIGNATURE_FIELD, "gatehouse=:AAAA:", "request_signature.signature.syntax", STATUS_INVALID},
		{SIGNATURE_FIELD, "gatehouse=:" SIGNATURE, "request_signature.signature.syntax", STATUS_INVALID},
		{SIGNATURE_FIELD, "gatehouse=:" SIGNATURE ":;a=1", "request_signature.signature.trailing",
		 STATUS_INVALID},
		{SIGNATURE_FIELD, "gatehouse=:" SIGNATURE ":, b=:" SIGNATURE ":",
		 "request_signature.signature.trailing", STATUS_INVALID},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct example example;
		example_fill(&example);
		example.fields[cases[i].field].value = bytes_of_text(cases[i].value);
		assert_fails(cases[i].status, cases[i].name, read_at(&example, NOW_MS));
	}
}

static void
bad_signature_inputs_are_refused_by_name(void **) {
#define GOOD_PARAMETERS PARAMETERS("1800000000", "1800000060", NONCE, KEY, "gatehouse")
	static const struct {
		const char *value, *name;
	} cases[] = {
		{"gatehouse", "request_signature.input.syntax"},
		{"gatehouse=", "request_signature.components"},
		{"gatehouse=()" GOOD_PARAMETERS, "request_signature.components"},
		{"gatehouse=(\"@method\")" GOOD_PARAMETERS, "request_signature.components"},
		{"gatehouse=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-type\" \"idempotency-key\" "
		 "\"content-digest\")",
		 "request_signature.components"},
		{"gatehouse=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-type\" "
		 "\"content-digest\")" GOOD_PARAMETERS,
		 "request_signature.components"},
		{"gatehouse=( \"@method\" \"@authority\" \"@path\" \"@query\" \"content-type\" \"content-digest\" "
		 "\"idempotency-key\")",
		 "request_signature.components"},
		{"gatehouse=(\"@method\";req \"@authority\" \"@path\" \"@query\" \"content-type\" \"content-digest\" "
		 "\"idempotency-key\")",
		 "request_signature.components"},
		{"gatehouse=" COMPONENTS, "request_signature.parameter_missing"},
		{"gatehouse=" COMPONENTS ";created=1800000000", "request_signature.parameter_missing"},
		{"gatehouse=" COMPONENTS GOOD_PARAMETERS ";alg=\"ed25519\"", "request_signature.parameter_unknown"},
		{"gatehouse=" COMPONENTS GOOD_PARAMETERS ";created=1800000000", "request_signature.parameter_repeated"},
		{"gatehouse=" COMPONENTS GOOD_PARAMETERS ", b=()", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS "; created=1800000000", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";created", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";created=", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";created=01800000000", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";created=-1", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";created=1.5", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";created=1234567890123456", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";created=\"1800000000\"", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";nonce=1", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";nonce=\"a", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";nonce=\"a\\\"b\"", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";Created=1", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS ";=1", "request_signature.input.syntax"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000060", NONCE, KEY, "other"),
		 "request_signature.tag"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000060", "short", KEY, "gatehouse"),
		 "request_signature.nonce"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000060", "AAAAAAAAAAAAAAAA AAAA", KEY,
						    "gatehouse"),
		 "request_signature.nonce"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000060", NONCE NONCE NONCE, KEY, "gatehouse"),
		 "request_signature.nonce"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000060", NONCE, "", "gatehouse"),
		 "request_signature.keyid"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000060", NONCE, "workload:a", "gatehouse"),
		 "request_signature.keyid"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000060", NONCE, "/a", "gatehouse"),
		 "request_signature.keyid"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000060", NONCE, "a/", "gatehouse"),
		 "request_signature.keyid"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000060", NONCE, "a/b c", "gatehouse"),
		 "request_signature.keyid"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000301", NONCE, KEY, "gatehouse"),
		 "request_signature.lifetime"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1800000000", NONCE, KEY, "gatehouse"),
		 "request_signature.lifetime"},
		{"gatehouse=" COMPONENTS PARAMETERS("1800000000", "1799999999", NONCE, KEY, "gatehouse"),
		 "request_signature.lifetime"},
		{"gatehouse=" COMPONENTS PARAMETERS("0", "999999999999999", NONCE, KEY, "gatehouse"),
		 "request_signature.lifetime"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct example example;
		example_fill(&example);
		example.fields[SIGNATURE_INPUT].value = bytes_of_text(cases[i].value);
		assert_fails(STATUS_INVALID, cases[i].name, read_at(&example, NOW_MS));
	}
}

static void
a_signature_lasts_from_created_to_expires(void **) {
	struct example example;
	example_fill(&example);
	assert_fails(STATUS_EXPIRED, "request_signature.created", read_at(&example, NOW_MS - 5001));
	assert_ok(read_at(&example, NOW_MS - 5000));
	assert_ok(read_at(&example, NOW_MS + 59'999));
	assert_fails(STATUS_EXPIRED, "request_signature.expired", read_at(&example, NOW_MS + 60'000));
}

static void
a_field_that_is_missing_or_repeated_is_refused(void **) {
	for (size_t i = 0; i < ACCEPT; i++) {
		struct example example;
		example_fill(&example);
		example.fields[FIELDS] = example.fields[i];
		example.fields[FIELDS].name = BYTES_OF_LITERAL("x-other");
		example.request.field_count = FIELDS + 1;
		assert_ok(read_at(&example, NOW_MS));
		example.fields[FIELDS].name = example.fields[i].name;
		assert_fails(STATUS_INVALID, "request_signature.field_repeated", read_at(&example, NOW_MS));
		example.fields[FIELDS].name = example.fields[i].name = BYTES_OF_LITERAL("x-other");
		assert_fails(STATUS_INVALID, "request_signature.field_missing", read_at(&example, NOW_MS));
	}
}

/* Half of a signature is one that is malformed. */
static void
a_request_without_a_signature_is_nobodys(void **) {
	struct example example;
	example_fill(&example);
	example.fields[SIGNATURE_INPUT].name = BYTES_OF_LITERAL("x-other");
	assert_fails(STATUS_INVALID, "request_signature.field_missing", read_at(&example, NOW_MS));
	example.fields[SIGNATURE_FIELD].name = BYTES_OF_LITERAL("x-another");
	assert_fails(STATUS_UNAUTHORIZED, "request_signature.none", read_at(&example, NOW_MS));
	example.request.field_count = 0;
	assert_fails(STATUS_UNAUTHORIZED, "request_signature.none", read_at(&example, NOW_MS));
	example.request.field_count = FIELDS;
	example.fields[SIGNATURE_FIELD].name = BYTES_OF_LITERAL("SIGNATURE");
	assert_fails(STATUS_INVALID, "request_signature.field_missing", read_at(&example, NOW_MS));
}

/* Whatever is changed, either it is refused by name or the signature no longer fits. */
static void
every_change_of_the_request_is_noticed(void **) {
	uint8_t public_key[32];
	assert_ok(ed25519_public_key(SEED, public_key));
	for (size_t i = 0; i < 6; i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct example example;
		struct http_signature signature;
		example_fill(&example);
		switch (i) {
		case 0:
			example.request.method = BYTES_OF_LITERAL("PUT");
			break;
		case 1:
			example.request.target = BYTES_OF_LITERAL("/v1/operations?dry=0");
			break;
		case 2:
			example.request.target = BYTES_OF_LITERAL("/v1/operationz?dry=1");
			break;
		case 3:
			example.fields[CONTENT_TYPE].value = BYTES_OF_LITERAL("text/plain");
			break;
		case 4:
			example.fields[IDEMPOTENCY_KEY].value = BYTES_OF_LITERAL("example-2");
			break;
		case 5:
			example.fields[SIGNATURE_INPUT].value = BYTES_OF_LITERAL("gatehouse=" COMPONENTS PARAMETERS(
				"1800000000", "1800000061", NONCE, KEY, "gatehouse"));
			break;
		}
		assert_ok(http_signature_read(&arena, &example.request, bytes_of_text(AUTHORITY), NOW_MS, &signature));
		assert_fails(STATUS_UNAUTHORIZED, "request_signature.mismatch",
			     http_signature_verify(&signature, public_key));
	}
}

static void
bad_methods_and_targets_are_refused(void **) {
	static const char *const methods[] = {"", "post", "PO ST", "POST1", "ABCDEFGHIJKLMNOPQ"};
	static const char *const targets[] = {"",          "v1", "http://gate.example/", "*", "/a b", "/a#b", "/\x7f",
					      "/\xc3\xa9", "/\n"};
	struct example example;
	for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
		example_fill(&example);
		example.request.method = bytes_of_text(methods[i]);
		assert_fails(STATUS_INVALID, "request_signature.method", read_at(&example, NOW_MS));
	}
	for (size_t i = 0; i < ARRAY_LENGTH(targets); i++) {
		example_fill(&example);
		example.request.target = bytes_of_text(targets[i]);
		assert_fails(STATUS_INVALID, "request_signature.target", read_at(&example, NOW_MS));
	}
	static uint8_t longest[4097] = "/";
	memset(longest + 1, 'a', sizeof longest - 1);
	example_fill(&example);
	example.request.target = bytes_of(longest, 4096);
	assert_ok(read_at(&example, NOW_MS));
	example.request.target.len++;
	assert_fails(STATUS_INVALID, "request_signature.target", read_at(&example, NOW_MS));
}

RUN_TESTS(T(the_documented_example_is_accepted), T(the_key_and_signature_of_rfc_9421_verify),
	  T(the_digest_of_rfc_9530_is_accepted), T(what_is_created_here_is_accepted_here),
	  T(what_cannot_be_accepted_is_not_created), T(bad_fields_are_refused_by_name),
	  T(bad_signature_inputs_are_refused_by_name), T(a_signature_lasts_from_created_to_expires),
	  T(a_field_that_is_missing_or_repeated_is_refused), T(a_request_without_a_signature_is_nobodys),
	  T(every_change_of_the_request_is_noticed), T(bad_methods_and_targets_are_refused))
