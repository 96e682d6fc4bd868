/*
 * The founding document: who and what an installation starts with, as a firm writes it (examples/firm/firm.yaml), and as the
 * changes of genesis (gate/genesis.h).
 *
 * Strict YAML: instance, keeper, legal_entities with desks and accounts, zones with networks, groups, people and workloads with
 * their public keys, lists, assets with prices, and the directory of the first policy bundle. Paths are relative to the document. What a change may be
 * is not judged here: genesis applies them all to an empty gate first.
 * Owner: everything lives in the founding's arena. Errors: "yaml.*" with file, line and column; "founding.*".
 */
#ifndef GATEHOUSE_CLI_FOUNDING_H
#define GATEHOUSE_CLI_FOUNDING_H

#include "base/json.h"
#include "gate/genesis.h"

struct founding {
	struct arena arena;
	const char *instance;
	const char *keeper;
	struct bytes changes;                           /* canonical JSON: an array */
	struct bytes longest_keys[GENESIS_SIGNERS_MIN]; /* ids of keys of people, the longest first */
	size_t people, workloads, entities, zones, assets;
};

enum status founding_read(const char *path, struct founding *founding);
void founding_free(struct founding *founding); /* a cleanup function */

/* The document that founders sign, canonical JSON, appended. vkeys: of the log. */
enum status founding_document(const struct founding *founding, const char *origin, const struct bytes *vkeys,
			      size_t vkey_count, int64_t created_ms, struct buffer *to);

/* "3000", "0.99995" US dollars as 10⁻⁸ dollars (microcents): "price.form", "price.range". */
enum status price_parse(struct bytes dollars, int64_t *microcents);

#endif
