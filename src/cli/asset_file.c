#include "cli/asset_file.h"

#include <stdio.h>

#include "cli/founding.h"

#define TEXT(member) {#member, YAML_TEXT, offsetof(struct written_asset, member)}

static const struct yaml_field entry_fields[] = {
	{"chain", YAML_TEXT, offsetof(struct written_asset, chain), .required = true},
	{"symbol", YAML_TEXT, offsetof(struct written_asset, symbol), .required = true},
	TEXT(contract),
	TEXT(price_usd),
	{"decimals", YAML_UINT32, offsetof(struct written_asset, decimals), .required = true,
	 .max = ASSET_DECIMALS_MAX},
};
const struct yaml_schema asset_file_entry = {entry_fields, ARRAY_LENGTH(entry_fields), sizeof(struct written_asset),
					     nullptr};

struct document {
	const struct yaml_node *assets;
};

static const struct yaml_field document_fields[] = {
	{"assets", YAML_ANY, offsetof(struct document, assets), .required = true},
};
static const struct yaml_schema document_schema = {document_fields, ARRAY_LENGTH(document_fields),
						   sizeof(struct document), nullptr};

static enum status
add_asset(struct arena *arena, const struct written_asset *asset, struct asset_registry *registry) {
	struct bytes chain = bytes_of_text(asset->chain);
	struct bytes contract = asset->contract == nullptr ? (struct bytes){} : bytes_of_text(asset->contract);
	int64_t microcents;
	TRY(asset_registry_add(registry, chain, contract, bytes_of_text(asset->symbol), asset->decimals));
	if (asset->price_usd == nullptr)
		return OK;
	TRY(price_parse(bytes_of_text(asset->price_usd), &microcents));
	struct bytes id = asset_id(arena, chain, contract);
	TRY_ALLOC(id.data);
	return asset_registry_set_price(registry, id, (uint64_t)microcents, 0);
}

/* The same failure with the place behind its name. */
static enum status
fail_at(enum status status, const char *name, const struct yaml_node *node) {
	char message[512];
	snprintf(message, sizeof message, "%s", fail_message());
	const char *colon = strstr(message, ": ");
	if (colon == nullptr)
		return status;
	return fail(status, "%.*s: %s:%zu:%zu%s", (int)(colon - message), message, name, node->line, node->column,
		    colon);
}

enum status
asset_file_read(struct arena *arena, const char *name, struct bytes text, struct asset_registry *registry) {
	const struct yaml_node *root;
	struct document document = {};
	TRY(yaml_read(arena, name, text, &root));
	TRY(yaml_fill(arena, name, root, &document_schema, &document));
	if (document.assets->kind != YAML_NODE_SEQUENCE)
		return fail(STATUS_INVALID, "yaml.type: %s:%zu:%zu: assets is a %s, and a sequence is expected", name,
			    document.assets->line, document.assets->column, yaml_kind_name(document.assets->kind));
	for (const struct yaml_node *node = document.assets->first; node != nullptr; node = node->next) {
		struct written_asset asset = {};
		TRY(yaml_fill(arena, name, node, &asset_file_entry, &asset));
		enum status status = add_asset(arena, &asset, registry);
		if (status != OK)
			return fail_at(status, name, node);
	}
	return OK;
}
