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
 * "bundle.signature". */
enum status activation_signers(const json *payload, const struct hash256 *bundle, const struct directory *directory,
			       int64_t *people);

struct assessment {
	struct hash256 bundle;
	enum status status; /* OK: it may be proposed */
	char error[512];
	int64_t policies, invariants, tests;
	const struct bytes *groups; /* that its schema counts on */
	size_t group_count;
	struct arena arena;
};

struct assessments;
enum status assessments_create(struct assessments **assessments);
void assessments_destroy(struct assessments **assessments); /* a cleanup function */
/* The bundle's assessment, made now if it is not known; valid until the next call. */
enum status assessments_get(struct assessments *assessments, struct bytes document, const struct assessment **found);

/* A group that the bundle's schema counts on and the directory has not: "bundle.group". */
enum status activation_check_groups(const struct assessment *assessment, const struct directory *directory);

#endif
