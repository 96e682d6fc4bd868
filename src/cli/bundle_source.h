/*
 * A bundle as it is given on the command line: a directory (policy/bundle_directory.h), or the file that `policy pack` makes,
 *
 *   {"bundle":{...},"signatures":[{"key","public_key","signature"},...]}
 *
 * canonical JSON on one line, each signature over the label gatehouse/bundle/v1, a zero byte and the bundle's hash. It is held
 * against what this program knows of facts and actions, as activation will be. Errors: "bundle.*" and those of its parts.
 */
#ifndef GATEHOUSE_CLI_BUNDLE_SOURCE_H
#define GATEHOUSE_CLI_BUNDLE_SOURCE_H

#include "base/json.h"
#include "cli/command.h"
#include "gate/host.h"

struct bundle_source {
	struct bundle *bundle;
	struct host *host;
	struct bytes signatures; /* canonical JSON; empty: there are none. In the invocation's arena */
	struct policy_diagnostics *diagnostics;
};

void bundle_source_close(struct bundle_source *source); /* a cleanup function */

/* Opens and checks it. Where there are findings they are shown (as {"findings":[...]} with --json), the exit code is that of
 * something found, and source->bundle stays null. */
enum status bundle_source_open(struct invocation *invocation, const char *path, struct bundle_source *source);
/* What was noted while something was done with it, shown in the same way. */
enum status bundle_source_show_findings(struct invocation *invocation, const struct bundle_source *source);
/* "bundle" and "signatures", as members of an object that has been begun. */
void bundle_source_write_members(const struct bundle_source *source, struct json_writer *w);

#endif
