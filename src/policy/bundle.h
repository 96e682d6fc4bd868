/*
 * A policy bundle: everything that policy is made of, as one document under one hash.
 *
 *   {"entities":[{"file","text"},...],"invariants":[...],"limits":[...],"links":[...],"name","policies":[...],
 *    "schema":[{...}],"strict":true,"tests":[...],"type":"gatehouse/bundle/v1","version"}
 *
 * canonical JSON (docs/PROTOCOL.bundle); its SHA-256 is the bundle's hash, which decisions record and approvers sign. It covers
 * everything that can change a decision, and also what shows that the policies do what they should: tests, invariants, and the
 * table of limits that part of them was made from. So what was tested and proved is bound to what is put into force.
 *
 * Owner: a bundle owns its document and all that is compiled from it; it is immutable, and any number of threads may read it.
 * Errors: "bundle.*" for the document, and the findings of the readers of its parts, each with file, line and column.
 */
#ifndef GATEHOUSE_POLICY_BUNDLE_H
#define GATEHOUSE_POLICY_BUNDLE_H

#include "crypto/hash.h"
#include "policy/policy.h"
#include "policy/schema.h"

constexpr size_t BUNDLE_SIZE_MAX = 768 * 1024; /* of the document: it travels in one request */
constexpr size_t BUNDLE_FILES_MAX = 256;
constexpr size_t BUNDLE_NAME_MAX = 100; /* of a file, and of the bundle */

#define BUNDLE_LABEL "gatehouse/bundle/v1"
/* Begins no id of a bundle's own: by it the policies of a keeper's local bundle are told from those of the common one. */
#define BUNDLE_LOCAL_PREFIX "local:"
#define BUNDLE_LIMITS_FILE "limits.cedar" /* the policies that a table of limits is compiled to */

enum bundle_part {
	BUNDLE_ENTITIES,
	BUNDLE_INVARIANTS,
	BUNDLE_LIMITS,
	BUNDLE_LINKS,
	BUNDLE_POLICIES,
	BUNDLE_SCHEMA,
	BUNDLE_TESTS,
	BUNDLE_PARTS,
};

/* What a file of a bundle's directory is, by its name there; BUNDLE_PARTS: it is no part of the bundle. */
enum bundle_part bundle_part_of(const char *file);

struct bundle_file {
	enum bundle_part part;
	struct bytes name; /* "policies/transfers.cedar"; NUL-terminated in a bundle */
	struct bytes text;
};

struct bundle {
	struct hash256 hash;
	struct bytes text;               /* the document */
	struct bytes name, version;      /* what the firm calls it */
	const struct bundle_file *files; /* by part, then by name */
	size_t file_count;
	struct policy_set *policies; /* sealed, links included */
	struct policy_schema *schema;
	struct policy_entities *store; /* what it brings along, and the actions of its schema; null: nothing */
	const struct entity_uid *entities;
	size_t entity_count;
	struct arena arena;
};

/* Reads and compiles a document. diagnostics may be null. "bundle.size", "bundle.canonical", "bundle.type" (a newer one is
 * refused by name), "bundle.file", "bundle.schema", "bundle.empty"; findings. */
enum status bundle_create(struct bundle **bundle, struct bytes document, struct policy_diagnostics *diagnostics);
/* The same from the files themselves, in any order; the document is in bundle->text. */
enum status bundle_create_of_files(struct bundle **bundle, struct bytes name, struct bytes version,
				   const struct bundle_file *files, size_t count,
				   struct policy_diagnostics *diagnostics);
void bundle_destroy(struct bundle **bundle); /* a cleanup function */

/* The document, appended: without looking into the files. */
enum status bundle_write(struct bytes name, struct bytes version, const struct bundle_file *files, size_t count,
			 struct buffer *to);

/* The i-th file of a part; null beyond the last. */
const struct bundle_file *bundle_file(const struct bundle *bundle, enum bundle_part part, size_t i);

/* Both bundles' policies as one set, those of the local one behind BUNDLE_LOCAL_PREFIX. Both must outlive it. */
enum status bundle_join(const struct bundle *common, const struct bundle *local, struct policy_set **joined);

/* Its entities into a store, or out of it; the caller seals. */
enum status bundle_put_entities(const struct bundle *bundle, struct policy_entities *entities);
enum status bundle_remove_entities(const struct bundle *bundle, struct policy_entities *entities);

/* {"bundle":hash,"files":[{"bytes","file","part","sha256"}],"name","policies":count,"version"}: an overview. */
void bundle_write_summary(const struct bundle *bundle, struct json_writer *writer);

#endif
