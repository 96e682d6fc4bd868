/*
 * Assets as people write them: the "assets" of a founding document (examples/firm/firm.yaml), or a document that holds these alone
 * (examples/assets.yaml), for whoever decodes a transaction where no installation is.
 *
 * Owner: texts live in the given arena, a registry copies. Threads: one. Errors: those of base/yaml.h and base/yaml_schema.h, of
 * wallet/asset.h and of price_parse(), each with file, line and column: "asset.contract: assets.yaml:3:5: ...".
 */
#ifndef GATEHOUSE_CLI_ASSET_FILE_H
#define GATEHOUSE_CLI_ASSET_FILE_H

#include "base/yaml_schema.h"
#include "wallet/asset.h"

struct written_asset {
	const char *chain, *contract, *symbol,
		*price_usd; /* contract null: the chain's own asset; price_usd null: without a price */
	uint32_t decimals;
};

extern const struct yaml_schema asset_file_entry;

/* Adds every asset of the document, with the price that it states. name is the file's, for messages. */
enum status asset_file_read(struct arena *arena, const char *name, struct bytes text, struct asset_registry *registry);

#endif
