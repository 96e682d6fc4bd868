#include "gate/activation.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/effort.h"
#include "identity/statement.h"
#include "policy/bundle_tests.h"

constexpr size_t ASSESSMENTS_MAX = 64; /* kept; then all are forgotten and made again */
/* Of processor time. Nothing else is decided meanwhile; 1,000 policies and 588 tests take 0.1 s. */
constexpr int64_t ASSESSMENT_EFFORT_MS = 3'000;

struct assessments {
	struct host *host;
	struct map by_bundle; /* to struct assessment */
};

/* --- The payload. --- */

enum status
activation_document(struct arena *arena, const json *payload, struct bytes *document) {
	_cleanup_(buffer_free) struct buffer text = {};
	const json *bundle;
	struct json_writer writer;
	TRY(json_need(payload, "payload", "bundle", JSON_OBJECT, &bundle));
	json_writer_start(&writer, &text);
	json_write_value(&writer, bundle);
	TRY(json_writer_finish(&writer));
	*document = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(document->data);
	return OK;
}

static enum status
verify_signature(const json *one, const struct hash256 *bundle, const struct directory *directory, int64_t now_ms,
		 const struct principal **person) {
	static const char *const members[] = {"key", "public_key", "signature", nullptr};
	const struct directory_key *key;
	struct bytes id, text;
	uint8_t public_key[32], signature[64];
	TRY(json_only(one, "bundle.signature", members));
	TRY(json_need_string(one, "bundle.signature", "key", &id));
	TRY(json_need_string(one, "bundle.signature", "public_key", &text));
	TRY(hex_decode(text, public_key, sizeof public_key));
	TRY(json_need_string(one, "bundle.signature", "signature", &text));
	TRY(hex_decode(text, signature, sizeof signature));
	TRY(directory_acting_key(directory, id, &key));
	TRY(directory_key_check_waiting(key, now_ms));
	if (key->principal->kind != PRINCIPAL_PERSON || memcmp(key->public_key, public_key, sizeof public_key) != 0)
		return fail(STATUS_UNAUTHORIZED, "bundle.signature: \"%.*s\" is not that key of a person",
			    (int)(id.len > 80 ? 80 : id.len), (const char *)id.data);
	if (person_verify(BUNDLE_SIGNATURE_LABEL, bundle, public_key, signature) != OK)
		return fail(STATUS_UNAUTHORIZED, "bundle.signature: the signature by \"%.*s\" does not verify",
			    BYTES_ARGS(id));
	*person = key->principal;
	return OK;
}

enum status
activation_signers(const json *payload, const struct hash256 *bundle, const struct directory *directory, int64_t now_ms,
		   int64_t *people) {
	const struct principal *seen[BUNDLE_SIGNATURES_MAX], *person;
	const json *signatures = json_get(payload, "signatures");
	*people = 0;
	if (signatures == nullptr)
		return OK;
	if (json_type_of(signatures) != JSON_ARRAY || json_size(signatures) > BUNDLE_SIGNATURES_MAX)
		return fail(STATUS_INVALID, "payload.signatures: expected an array of at most %zu",
			    BUNDLE_SIGNATURES_MAX);
	struct json_iterator iterator = json_iterate(signatures);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;) {
		bool again = false;
		TRY(verify_signature(one, bundle, directory, now_ms, &person));
		for (int64_t i = 0; i < *people; i++)
			again = again || seen[i] == person;
		if (!again)
			seen[(*people)++] = person;
	}
	return OK;
}

/* --- Assessments. --- */

static void
assessment_free(struct assessment *assessment) {
	arena_free(&assessment->arena);
	free(assessment);
}

static void
forget_all(struct assessments *assessments) {
	size_t at = 0;
	void *value;
	while (map_next(&assessments->by_bundle, &at, nullptr, &value))
		assessment_free(value);
	map_free(&assessments->by_bundle);
}

enum status
assessments_create(struct assessments **assessments) {
	_cleanup_(assessments_destroy) struct assessments *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	TRY(host_create(&made->host));
	*assessments = TAKE(made);
	return OK;
}

void
assessments_destroy(struct assessments **assessments) {
	struct assessments *gone = TAKE(*assessments);
	if (gone == nullptr)
		return;
	forget_all(gone);
	host_destroy(&gone->host);
	free(gone);
}

static enum status
keep_groups(const struct bundle *bundle, const struct bundle_host *host, struct assessment *assessment) {
	const struct bytes *names;
	TRY(bundle_open_names(bundle, host, &assessment->arena, &names, &assessment->group_count));
	struct bytes *kept = ARENA_NEW_ARRAY(&assessment->arena, assessment->group_count + 1, struct bytes);
	TRY_ALLOC(kept);
	for (size_t i = 0; i < assessment->group_count; i++) {
		kept[i] = arena_copy(&assessment->arena, names[i]);
		TRY_ALLOC(kept[i].data);
	}
	assessment->groups = kept;
	return OK;
}

/* The first that fails is the evidence; all of them are shown by `policy test`. */
static enum status
run_tests(const struct bundle *bundle, const struct bundle_host *host, struct assessment *assessment) {
	_cleanup_(bundle_tests_free) struct bundle_tests tests = {};
	TRY(bundle_tests_run(bundle, host, &tests, nullptr));
	assessment->tests = (int64_t)tests.count;
	for (size_t i = 0; i < tests.count; i++) {
		const struct bundle_test_result *one = &tests.results[i];
		if (!one->passed)
			return fail(STATUS_INVALID, "bundle.tests: %zu of %zu fail: %s:%zu:%zu: %.*s: %s", tests.failed,
				    tests.count, one->file, one->line, one->column,
				    (int)(one->name.len > 80 ? 80 : one->name.len), (const char *)one->name.data,
				    one->message);
	}
	return OK;
}

static enum status
assess_all(const struct assessments *assessments, struct bytes document, struct assessment *assessment) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	TRY(bundle_create(&bundle, document, nullptr));
	TRY(bundle_check(bundle, &assessments->host->bundles, nullptr, nullptr));
	TRY(run_tests(bundle, &assessments->host->bundles, assessment));
	assessment->policies = (int64_t)policy_set_count(bundle->policies);
	bool has_invariants = bundle_file(bundle, BUNDLE_INVARIANTS, 0) != nullptr;
	assessment->proof = has_invariants ? ASSESSMENT_UNPROVED : ASSESSMENT_PROVED;
	return keep_groups(bundle, &assessments->host->bundles, assessment);
}

/* Whoever handed it in may have made it so that this never ends. */
static enum status
assess(const struct assessments *assessments, struct bytes document, struct assessment *assessment) {
	effort_limit(ASSESSMENT_EFFORT_MS);
	enum status status = assess_all(assessments, document, assessment);
	effort_limit(0);
	return status;
}

enum status
assessments_get(struct assessments *assessments, struct bytes document, const struct assessment **found) {
	struct hash256 hash = sha256(document);
	struct assessment *assessment = map_get(&assessments->by_bundle, hash256_bytes(&hash));
	if (assessment == nullptr) {
		if (assessments->by_bundle.count >= ASSESSMENTS_MAX)
			forget_all(assessments);
		assessment = calloc(1, sizeof *assessment);
		TRY_ALLOC(assessment);
		assessment->bundle = hash;
		assessment->status = assess(assessments, document, assessment);
		if (assessment->status != OK)
			snprintf(assessment->error, sizeof assessment->error, "%s", fail_message());
		enum status status =
			assessment->status == STATUS_NO_MEMORY
				? STATUS_NO_MEMORY
				: map_put(&assessments->by_bundle, hash256_bytes(&hash), assessment, nullptr);
		if (status != OK) {
			assessment_free(assessment);
			return status;
		}
	}
	*found = assessment;
	return OK;
}

/* --- Proofs. --- */

bool
assessments_want_proof(struct assessments *assessments, struct bytes document, struct hash256 *bundle) {
	const struct assessment *assessment;
	if (assessments_get(assessments, document, &assessment) != OK)
		return false;
	*bundle = assessment->bundle;
	return assessment->status == OK && assessment->proof == ASSESSMENT_UNPROVED;
}

bool
assessments_has_proof(const struct assessments *assessments, const struct hash256 *bundle) {
	const struct assessment *assessment = map_get(&assessments->by_bundle, hash256_bytes(bundle));
	return assessment == nullptr || assessment->proof != ASSESSMENT_UNPROVED;
}

void
assessments_settle(struct assessments *assessments, const struct hash256 *bundle, enum status status, int64_t count) {
	struct assessment *assessment = map_get(&assessments->by_bundle, hash256_bytes(bundle));
	if (assessment == nullptr)
		return;
	assessment->proof = status == OK ? ASSESSMENT_PROVED : ASSESSMENT_REFUSED;
	assessment->proof_status = status;
	assessment->invariants = status == OK ? count : 0;
	if (status != OK)
		snprintf(assessment->proof_error, sizeof assessment->proof_error, "%s", fail_message());
}

enum status
assessments_check_proof(struct assessments *assessments, const struct hash256 *bundle) {
	struct assessment *assessment = map_get(&assessments->by_bundle, hash256_bytes(bundle));
	if (assessment != nullptr && assessment->proof == ASSESSMENT_PROVED)
		return OK;
	if (assessment == nullptr || assessment->proof == ASSESSMENT_UNPROVED)
		return fail(STATUS_UNAVAILABLE, "bundle.unproved: nobody has proved its invariants");
	if (assessment->proof_status == STATUS_UNAVAILABLE)
		assessment->proof = ASSESSMENT_UNPROVED;
	return fail(assessment->proof_status, "%s", assessment->proof_error);
}

enum status
activation_check_groups(const struct assessment *assessment, const struct directory *directory) {
	for (size_t i = 0; i < assessment->group_count; i++)
		if (directory_group(directory, assessment->groups[i]) == nullptr)
			return fail(STATUS_CONFLICT,
				    "bundle.group: its schema counts on the group \"%.*s\", which is not there",
				    BYTES_ARGS(assessment->groups[i]));
	return OK;
}
