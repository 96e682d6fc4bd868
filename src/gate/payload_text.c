#include "gate/payload_text.h"

#include "gate/break_glass.h"
#include "gate/keepers.h"
#include "guards/zones/zones.h"
#include "identity/directory.h"
#include "keys/bip32.h"
#include "keys/threshold/sharing.h"
#include "model/operation.h"
#include "wallet/asset.h"
#include "wallet/wallet.h"

static bool
is_lower_alphanumeric(uint8_t c) {
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool
is_alphanumeric(uint8_t c) {
	return is_lower_alphanumeric(c) || (c >= 'A' && c <= 'Z');
}

/* Of a-z, 0-9 and others. */
static bool
is_made_of(struct bytes text, const char *others) {
	for (size_t i = 0; i < text.len; i++)
		if (!is_lower_alphanumeric(text.data[i]) &&
		    (text.data[i] == '\0' || strchr(others, text.data[i]) == nullptr))
			return false;
	return text.len > 0;
}

bool
payload_text_is_name(struct bytes text) {
	return text.len <= DIRECTORY_NAME_MAX && is_made_of(text, "._-") && is_lower_alphanumeric(text.data[0]);
}

bool
payload_text_is_group_name(struct bytes text) {
	return payload_text_is_name(text) && is_made_of(text, "_") && text.data[0] >= 'a';
}

bool
payload_text_is_keeper_name(struct bytes text) {
	return text.len <= KEEPER_NAME_MAX && is_made_of(text, "-");
}

bool
payload_text_is_hex(struct bytes text) {
	for (size_t i = 0; i < text.len; i++)
		if (!is_lower_alphanumeric(text.data[i]) || text.data[i] > 'f')
			return false;
	return text.len % 2 == 0;
}

static struct bytes
without(struct bytes text, const char *prefix) {
	size_t len = strlen(prefix);
	bool has = text.len > len && memcmp(text.data, prefix, len) == 0;
	return has ? bytes_of(text.data + len, text.len - len) : (struct bytes){};
}

/* People are pseudonyms in the log, for ever: nothing that could be a name (design §5). */
bool
payload_text_is_person(struct bytes text) {
	struct bytes digits = without(text, "person:p-");
	return digits.len == 16 && payload_text_is_hex(digits);
}

bool
payload_text_is_workload(struct bytes text) {
	return payload_text_is_name(without(text, "workload:"));
}

bool
payload_text_is_key_id(struct bytes text) {
	const uint8_t *slash = text.len == 0 ? nullptr : memchr(text.data, '/', text.len);
	if (slash == nullptr)
		return false;
	struct bytes principal = bytes_of(text.data, (size_t)(slash - text.data));
	return (payload_text_is_person(principal) || payload_text_is_workload(principal)) &&
	       payload_text_is_name(bytes_of(slash + 1, text.len - principal.len - 1));
}

bool
payload_text_is_chain(struct bytes text) {
	return text.len <= ASSET_CHAIN_MAX && wallet_check_chain(text) == OK;
}

bool
payload_text_is_contract(struct bytes text) {
	for (size_t i = 0; i < text.len; i++)
		if (!is_alphanumeric(text.data[i]))
			return false;
	return true;
}

bool
payload_text_is_symbol(struct bytes text) {
	return asset_symbol_is_valid(text);
}

bool
payload_text_is_path(struct bytes text) {
	struct signing_path path;
	return bip32_path_parse(text, &path) == OK;
}

bool
payload_text_is_threshold(struct bytes text) {
	uint8_t threshold, parties;
	return sharing_parse_threshold(text, &threshold, &parties) == OK && parties <= KEY_PARTIES_MAX;
}

bool
payload_text_is_network(struct bytes text) {
	_cleanup_(zones_free) struct zones zones = {};
	return zones_add(&zones, BYTES_OF_LITERAL("any"), text) == OK;
}

bool
payload_text_is_point(struct bytes text) {
	return payload_text_is_hex(text) && text.data[0] == '0' && (text.data[1] == '2' || text.data[1] == '3');
}

bool
payload_text_is_note(struct bytes text) {
	for (size_t i = 0; i < text.len; i++)
		if (!is_alphanumeric(text.data[i]) && strchr(" ._/#-", text.data[i]) == nullptr)
			return false;
	return memchr(text.data, '\0', text.len) == nullptr;
}

bool
payload_text_is_finding(struct bytes text) {
	return text_check("payload.finding", text, BREAK_GLASS_FINDING_MAX) == OK;
}
