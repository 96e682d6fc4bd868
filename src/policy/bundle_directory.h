/*
 * A bundle as a directory that people edit, and back.
 *
 *   bundle.yaml                     name, version, groups
 *   schema.cedarschema | schema.json   where there is none, the host's, with these groups
 *   NAME.cedar, policies/NAME.cedar   policies and templates
 *   links.json                      links of templates: {"templateLinks":[{"templateId","newId","values"}]}
 *   entities.json                   entities of the bundle's own types
 *   invariants.cedar, invariants/NAME.cedar
 *   tests/NAME.yaml, tests/NAME.json
 *   limits.csv | limits.yaml        compiled to limits.cedar, which is not edited
 *   README.md                       is for people, and no part of the bundle
 *
 * A file that is none of these is refused, so that no policy is left out by its name; names that begin with a dot are passed over.
 * Errors: "bundle.directory", "bundle.file"; "yaml.*"; findings of the parts.
 */
#ifndef GATEHOUSE_POLICY_BUNDLE_DIRECTORY_H
#define GATEHOUSE_POLICY_BUNDLE_DIRECTORY_H

#include "base/io.h"
#include "policy/bundle.h"

#define BUNDLE_GROUPS_LINE "type GroupVotes = "

struct bundle_directory {
	struct arena arena;
	struct bytes name, version;
	struct bundle_file files[BUNDLE_FILES_MAX];
	size_t count;
};

void bundle_directory_free(struct bundle_directory *directory); /* a cleanup function */
/* Reads the files, compiles the table of limits, and completes the schema: host_schema is a text with a line that begins with
 * BUNDLE_GROUPS_LINE, which groups take the place of. Nothing else is looked into. */
enum status bundle_directory_read(const struct io *io, const char *path, struct bytes host_schema,
				  struct bundle_directory *directory, struct policy_diagnostics *diagnostics);
/* Writes a bundle into a directory that does not exist yet or is empty: "bundle.directory". */
enum status bundle_directory_write(const struct io *io, const char *path, const struct bundle *bundle);

/* The bundle of a directory, compiled. */
enum status bundle_create_of_directory(struct bundle **bundle, const struct io *io, const char *path,
				       struct bytes host_schema, struct policy_diagnostics *diagnostics);

#endif
