/*
 * What policy.activate puts into force: {"bundle":{...},"signatures":[{"key","public_key","signature"},...]}, the content of a
 * packed bundle's file. Signatures are optional: people's, over the label gatehouse/bundle/v1, a zero byte and the bundle's hash.
 *
 * An assessment says what is known of a bundle before anyone decides whether it may be activated: that it holds by itself and
 * fits this installation (policy/bundle_check.h), and that its tests pass (policy/bundle_tests.h). It depends on nothing but the bundle, and so is kept
 * by its hash. A bundle that fails is refused, with the evidence; one that does not is still only proposed.
 */
#ifndef GATEHOUSE_GATE_ACTIVATION_H
#define GATEHOUSE_GATE_ACTIVATION_H

#include "base/json.h"
#include "base/map.h"
#include "gate/host.h"
#include "identity/directory.h"

#define BUNDLE_SIGNATURE_LABEL BUNDLE_LABEL
constexpr size_t BUNDLE_SIGNATURES_MAX = 16;

/* The bundle's document, canonical, in the arena: "payload.bundle". */
enum status activation_document(struct arena *arena, const json *payload, struct bytes *document);
/* How many people's enrolled keys signed the bundle, each counted once; any signature that does not hold is refused:
 * "bundle.signature"; so is one by a key that is new and does not count yet, "directory.key_waiting". */
enum status activation_signers(const json *payload, const struct hash256 *bundle, const struct directory *directory,
			       int64_t now_ms, int64_t *people);

/* Invariants are proved by the worker (policy/work.h), which this module knows nothing of: it only keeps what came of it. */
enum assessment_proof {
	ASSESSMENT_UNPROVED, /* there are invariants, and nobody has proved them in this process */
	ASSESSMENT_PROVED,   /* all of them are; or there are none */
	ASSESSMENT_REFUSED,  /* one is refuted, or nothing is known */
};

struct assessment {
	struct hash256 bundle;
	enum status status; /* OK: it may be proposed */
	char error[512];
	int64_t policies, invariants, tests; /* invariants: as many as are proved */
	enum assessment_proof proof;
	enum status proof_status; /* ASSESSMENT_REFUSED: why, and the evidence */
	char proof_error[512];
	const struct bytes *groups; /* that its schema counts on */
	size_t group_count;
	struct arena arena;
};

struct assessments;
enum status assessments_create(struct assessments **assessments);
void assessments_destroy(struct assessments **assessments); /* a cleanup function */
/* The bundle's assessment, made now if it is not known; valid until the next call. */
enum status assessments_get(struct assessments *assessments, struct bytes document, const struct assessment **found);

/* The bundle's hash; true: it may be proposed but for its invariants, which are to be proved first. */
bool assessments_want_proof(struct assessments *assessments, struct bytes document, struct hash256 *bundle);
/* False only while a proof is wanted. */
bool assessments_has_proof(const struct assessments *assessments, const struct hash256 *bundle);
/* What came of it: OK, or a status with the evidence as its detail. count: of invariants. */
void assessments_settle(struct assessments *assessments, const struct hash256 *bundle, enum status status,
			int64_t count);
/* STATUS_UNAVAILABLE "bundle.unproved"; what refuted it, or why nothing is known, which is asked again the next time. */
enum status assessments_check_proof(struct assessments *assessments, const struct hash256 *bundle);

/* A group that the bundle's schema counts on and the directory has not: "bundle.group". */
enum status activation_check_groups(const struct assessment *assessment, const struct directory *directory);

#endif
