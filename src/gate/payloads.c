#include "gate/payloads.h"

#include <stdio.h>

#include "gate/break_glass.h"
#include "gate/keepers.h"
#include "gate/payload_text.h"
#include "guards/zones/zones.h"
#include "identity/directory.h"
#include "keys/threshold/sharing.h"
#include "model/operation.h"
#include "wallet/asset.h"
#include "wallet/wallet.h"

constexpr size_t MEMBERS_MAX = 14;

enum form_id {
	ADMISSION,
	ALGORITHM,
	ATTESTATION,
	BOOLEAN,
	BUNDLE,
	CHAIN,
	CLIENT_DATA,
	CONTRACT,
	DECIMALS,
	DESTINATION,
	DESTINATIONS,
	DIGITS,
	FINDING,
	FORMAT,
	GROUP_NAME,
	HASH,
	HEX16,
	HEX64,
	IMPORT_SCHEME,
	KEEPER_NAME,
	KEEPER_NAMES,
	KEY_CLASS,
	KEY_ID,
	KEY_RECORD,
	LIST_KIND,
	LOG_KEY,
	LOG_KEYS,
	MATERIAL,
	MOMENT,
	NAME,
	NETWORK,
	NETWORKS,
	NEW_KEY,
	NEW_KEYS,
	NOTE,
	PARTY,
	PATH,
	PATHS,
	PERSON,
	POINT,
	PURPOSE,
	RECOVERY_KEY,
	ROOT,
	ROOTS,
	RP_ID,
	SCHEME,
	SECRET_KIND,
	SHARING,
	SIGNATURE,
	SIGNATURES,
	SIGNER,
	SYMBOL,
	THRESHOLD,
	TIME,
	TOTP_ALGORITHM,
	TRANSACTION,
	UNIT_KIND,
	WAITING,
	WHOLE,
	WORKLOAD,
};

enum status
payload_destination(struct arena *arena, struct bytes given, struct bytes *destination) {
	const uint8_t *colon = given.len == 0 ? nullptr : memrchr(given.data, ':', given.len);
	if (colon == nullptr)
		return fail(STATUS_INVALID, "payload.entries: no colon");
	struct bytes chain = bytes_of(given.data, (size_t)(colon - given.data)), address;
	TRY(wallet_normalise_address(arena, chain, bytes_of(colon + 1, given.len - chain.len - 1), &address));
	*destination = bytes_of_text(arena_format(arena, "%.*s:%.*s", BYTES_ARGS(chain), BYTES_ARGS(address)) ?: "");
	return destination->len > 0 ? OK : fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
}

static bool
is_destination(struct bytes text) {
	_cleanup_(arena_free) struct arena arena = {.block_size = 1024};
	struct bytes destination;
	return payload_destination(&arena, text, &destination) == OK;
}

static bool
is_key_record(const json *value) {
	struct key_info key;
	return key_read(value, &key) == OK;
}

static bool
is_sharing(const json *value) {
	struct sharing sharing;
	return sharing_read(value, &sharing) == OK;
}

/* --- The table of forms. --- */

static const char *const algorithms[] = {"secp256k1", "p256", "ed25519", nullptr};
static const char *const formats[] = {"evm", "psbt", "solana", nullptr};
static const char *const import_schemes[] = {"ecdsa", nullptr};
static const char *const key_classes[] = {"plain", "terminal", nullptr};
static const char *const list_kinds[] = {"allowed", "sanctioned", nullptr};
static const char *const materials[] = {"single", "extended", nullptr};
static const char *const purposes[] = {"transfer", "digest", nullptr};
static const char *const schemes[] = {"ecdsa", "ed25519", "bip340", nullptr};
static const char *const secret_kinds[] = {"private_key", "scalar", "mnemonic", "xprv", "parts", nullptr};
static const char *const totp_algorithms[] = {"sha1", "sha256", nullptr};
static const char *const unit_kinds[] = {"legal_entity", "desk", "account", nullptr};

struct payload_member {
	const char *name;
	enum form_id form;
	bool is_optional;
};

constexpr bool OPTIONAL = true;

static const struct payload_member new_key[MEMBERS_MAX] = {{"class", KEY_CLASS},
							   {"effective_from", MOMENT, OPTIONAL},
							   {"name", NAME},
							   {"public_key", HASH},
							   {"zone", NAME, OPTIONAL}};
static const struct payload_member signature[MEMBERS_MAX] = {
	{"key", SIGNER}, {"public_key", HASH}, {"signature", HEX64}};

static const struct form {
	enum json_type type;
	int64_t min, max; /* of an integer; bytes of a string, elements of an array */
	const char *expected;
	bool (*fits)(struct bytes text);
	bool (*fits_object)(const json *value);
	const char *const *choices;
	const struct payload_member *members; /* of an object; null: whoever reads it knows */
	enum form_id element;
} forms[] = {
	[ADMISSION] = {JSON_INTEGER, 1, 1'000'000, "a number from 1 to 1000000"},
	[ALGORITHM] = {JSON_STRING, .choices = algorithms},
	[ATTESTATION] = {JSON_STRING, 2, 32'768, "hexadecimal digits of 1 to 16384 bytes", payload_text_is_hex},
	[BOOLEAN] = {JSON_BOOLEAN, .expected = "true or false"},
	[BUNDLE] = {JSON_OBJECT, .expected = "a bundle, as policy pack writes it"},
	[CHAIN] = {JSON_STRING, 1, ASSET_CHAIN_MAX,
		   "a chain such as \"eip155:1\" or \"bitcoin:main\", as docs/facts.md writes them",
		   payload_text_is_chain},
	[CLIENT_DATA] = {JSON_STRING, 4, 8'192, "hexadecimal digits of 2 to 4096 bytes", payload_text_is_hex},
	[CONTRACT] = {JSON_STRING, 1, ASSET_CONTRACT_MAX, "an address: 1 to 64 letters and digits",
		      payload_text_is_contract},
	[DECIMALS] = {JSON_INTEGER, 0, ASSET_DECIMALS_MAX, "a number from 0 to 36"},
	[DESTINATION] = {JSON_STRING, 1, 256, "\"<chain>:<address>\", both as docs/facts.md writes them",
			 is_destination},
	[DESTINATIONS] = {JSON_ARRAY, 1, 4'096, "1 to 4096 entries", .element = DESTINATION},
	[DIGITS] = {JSON_INTEGER, 6, 8, "6, 7 or 8"},
	[FINDING] = {JSON_STRING, 1, BREAK_GLASS_FINDING_MAX, "what was found, in 1 to 1024 bytes of text",
		     payload_text_is_finding},
	[FORMAT] = {JSON_STRING, .choices = formats},
	[GROUP_NAME] = {JSON_STRING, 1, DIRECTORY_NAME_MAX, "1 to 64 of a-z, 0-9 and _, a letter first",
			payload_text_is_group_name},
	[HASH] = {JSON_STRING, 64, 64, "64 hexadecimal digits, in lower case", payload_text_is_hex},
	[HEX16] = {JSON_STRING, 32, 32, "32 hexadecimal digits, in lower case", payload_text_is_hex},
	[HEX64] = {JSON_STRING, 128, 128, "128 hexadecimal digits, in lower case", payload_text_is_hex},
	[IMPORT_SCHEME] = {JSON_STRING, .choices = import_schemes},
	[KEEPER_NAME] = {JSON_STRING, 1, KEEPER_NAME_MAX, "1 to 32 of a-z, 0-9 and -", payload_text_is_keeper_name},
	[KEEPER_NAMES] = {JSON_ARRAY, 2, KEY_PARTIES_MAX, "2 to 16 keepers", .element = KEEPER_NAME},
	[KEY_CLASS] = {JSON_STRING, .choices = key_classes},
	[KEY_ID] = {JSON_STRING, 1, DIRECTORY_KEY_ID_MAX, "a key's id such as \"workload:settlement/1\"",
		    payload_text_is_key_id},
	[KEY_RECORD] = {JSON_OBJECT, .expected = "a key's record, as key parties shows it",
			.fits_object = is_key_record},
	[LIST_KIND] = {JSON_STRING, .choices = list_kinds},
	[LOG_KEY] = {JSON_STRING, 1, 8'192, "a key of its log"},
	[LOG_KEYS] = {JSON_ARRAY, 2, 2, "2 keys of its log", .element = LOG_KEY},
	[MATERIAL] = {JSON_STRING, .choices = materials},
	[MOMENT] = {JSON_INTEGER, 1, JSON_INTEGER_MAX, "milliseconds since 1970, above zero"},
	[NAME] = {JSON_STRING, 1, DIRECTORY_NAME_MAX, "1 to 64 of a-z, 0-9 and, after the first, . _ -",
		  payload_text_is_name},
	[NETWORK] = {JSON_STRING, 1, 64, "a prefix such as \"10.1.0.0/16\", with no bits beyond it",
		     payload_text_is_network},
	[NETWORKS] = {JSON_ARRAY, 0, ZONE_NETWORKS_MAX, "networks", .element = NETWORK},
	[NEW_KEY] = {JSON_OBJECT, .members = new_key},
	[NEW_KEYS] = {JSON_ARRAY, 1, 8, "1 to 8 keys", .element = NEW_KEY},
	[NOTE] = {JSON_STRING, 1, 64, "1 to 64 letters, digits, spaces and . _ - / #", payload_text_is_note},
	[PARTY] = {JSON_INTEGER, 1, KEY_PARTIES_MAX, "a number from 1 to 16"},
	[PATH] = {JSON_STRING, 1, 256, "a path such as \"m/84'/0'/0'\"", payload_text_is_path},
	[PATHS] = {JSON_ARRAY, 0, KEY_BRANCHES_MAX, "at most 4 paths", .element = PATH},
	[PERSON] = {JSON_STRING, 1, 64, "\"person:p-\" and 16 hexadecimal digits, drawn at random",
		    payload_text_is_person},
	[POINT] = {JSON_STRING, 66, 66, "66 hexadecimal digits, a compressed point", payload_text_is_point},
	[PURPOSE] = {JSON_STRING, .choices = purposes},
	[RECOVERY_KEY] = {JSON_STRING, 2'432, 2'432, "2432 hexadecimal digits, in lower case", payload_text_is_hex},
	[ROOT] = {JSON_STRING, 2, 65'536, "a certificate in DER, in hexadecimal digits", payload_text_is_hex},
	[ROOTS] = {JSON_ARRAY, 0, 64, "at most 64 certificates", .element = ROOT},
	[RP_ID] = {JSON_STRING, 1, 253, "a relying party's id, in 1 to 253 bytes"},
	[SCHEME] = {JSON_STRING, .choices = schemes},
	[SECRET_KIND] = {JSON_STRING, .choices = secret_kinds},
	[SHARING] = {JSON_OBJECT, .expected = "how the key is shared, as key parties shows it",
		     .fits_object = is_sharing},
	[SIGNATURE] = {JSON_OBJECT, .members = signature},
	[SIGNATURES] = {JSON_ARRAY, 0, 16, "at most 16 signatures", .element = SIGNATURE},
	[SIGNER] = {JSON_STRING, 1, DIRECTORY_KEY_ID_MAX, "a key's id"},
	[SYMBOL] = {JSON_STRING, 1, ASSET_SYMBOL_MAX, "1 to 16 letters, digits and, between them, . and -",
		    payload_text_is_symbol},
	[THRESHOLD] = {JSON_STRING, 1, 8, "a threshold such as \"2-of-3\", of at most 16", payload_text_is_threshold},
	[TIME] = {JSON_INTEGER, 0, JSON_INTEGER_MAX, "milliseconds since 1970"},
	[TOTP_ALGORITHM] = {JSON_STRING, .choices = totp_algorithms},
	[TRANSACTION] = {JSON_STRING, 1, INT64_MAX, "an unsigned transaction"},
	[UNIT_KIND] = {JSON_STRING, .choices = unit_kinds},
	[WAITING] = {JSON_INTEGER, 0, 31'536'000'000, "milliseconds, at most a year"},
	[WHOLE] = {JSON_INTEGER, 1, JSON_INTEGER_MAX, "a number above zero"},
	[WORKLOAD] = {JSON_STRING, 1, DIRECTORY_PRINCIPAL_MAX, "\"workload:\" and 1 to 64 of a-z, 0-9 and . _ -",
		      payload_text_is_workload},
};

/* --- The table of payloads. --- */

static const struct payload_member payloads[OPERATION_KINDS][MEMBERS_MAX] = {
	[OPERATION_SIGN] = {{"chain", CHAIN, OPTIONAL}, {"format", FORMAT}, {"transaction", TRANSACTION}},
	[OPERATION_DIGEST_SIGN] = {{"digest", HASH}, {"path", PATH, OPTIONAL}},
	[OPERATION_KEY_CREATE] = {{"algorithm", ALGORITHM},
				  {"branches", PATHS, OPTIONAL},
				  {"chain", CHAIN, OPTIONAL},
				  {"id", NAME},
				  {"material", MATERIAL},
				  {"parties", KEEPER_NAMES, OPTIONAL},
				  {"purpose", PURPOSE},
				  {"scheme", SCHEME, OPTIONAL},
				  {"threshold", THRESHOLD, OPTIONAL}},
	[OPERATION_KEY_IMPORT] = {{"algorithm", ALGORITHM},
				  {"branches", PATHS, OPTIONAL},
				  {"chain", CHAIN, OPTIONAL},
				  {"chain_code", HASH, OPTIONAL},
				  {"commitment", HASH},
				  {"id", NAME},
				  {"material", MATERIAL},
				  {"parties", KEEPER_NAMES, OPTIONAL},
				  {"public_key", POINT, OPTIONAL},
				  {"purpose", PURPOSE},
				  {"scheme", IMPORT_SCHEME, OPTIONAL},
				  {"secret_kind", SECRET_KIND},
				  {"threshold", THRESHOLD, OPTIONAL}},
	[OPERATION_KEY_FREEZE] = {},
	[OPERATION_KEY_UNFREEZE] = {},
	[OPERATION_KEY_ROTATE] = {{"id", NAME}},
	[OPERATION_KEY_REFRESH] = {},
	[OPERATION_KEY_RESHARE] = {{"key", KEY_RECORD, OPTIONAL},
				   {"parties", KEEPER_NAMES},
				   {"sharing", SHARING, OPTIONAL},
				   {"threshold", THRESHOLD}},
	[OPERATION_KEY_BACKUP] = {{"recovery_key", RECOVERY_KEY}},
	[OPERATION_KEY_DESTROY] = {},
	[OPERATION_UNIT_ADD] = {{"id", NAME}, {"kind", UNIT_KIND}, {"parent", NAME, OPTIONAL}},
	[OPERATION_ZONE_ADD] = {{"id", NAME}, {"networks", NETWORKS, OPTIONAL}},
	[OPERATION_PERSON_ADD] = {{"auditor", BOOLEAN, OPTIONAL}, {"keys", NEW_KEYS}, {"person", PERSON}},
	[OPERATION_WORKLOAD_ADD] = {{"auditor", BOOLEAN, OPTIONAL}, {"keys", NEW_KEYS}, {"workload", WORKLOAD}},
	[OPERATION_PRINCIPAL_SUSPEND] = {},
	[OPERATION_PRINCIPAL_RESUME] = {{"effective_from", MOMENT, OPTIONAL}},
	[OPERATION_PRINCIPAL_KEY_ADD] = {{"class", KEY_CLASS},
					 {"effective_from", MOMENT, OPTIONAL},
					 {"name", NAME},
					 {"public_key", HASH},
					 {"zone", NAME, OPTIONAL}},
	[OPERATION_PRINCIPAL_PASSKEY_ADD] = {{"attestation_object", ATTESTATION},
					     {"client_data", CLIENT_DATA},
					     {"name", NAME},
					     {"nonce", HEX16},
					     {"rp_id", RP_ID},
					     {"usable_from", TIME}},
	[OPERATION_PRINCIPAL_INVITE] = {{"certified", BOOLEAN},
					{"expires", TIME},
					{"name", NAME},
					{"synced", BOOLEAN},
					{"token_sha256", HASH},
					{"waiting_ms", WAITING}},
	[OPERATION_PRINCIPAL_TOTP_ADD] = {{"algorithm", TOTP_ALGORITHM}, {"commitment", HASH}, {"digits", DIGITS}},
	[OPERATION_AUTHENTICATOR_TRUST] = {{"aaguid", HEX16}, {"roots", ROOTS}},
	[OPERATION_PRINCIPAL_KEY_REVOKE] = {{"key", KEY_ID}},
	[OPERATION_SESSION_REVOKE] = {},
	[OPERATION_PERSON_PROFILE] = {{"contact", HASH, OPTIONAL}, {"name", HASH, OPTIONAL}},
	[OPERATION_PERSON_ERASE] = {},
	[OPERATION_AUDITOR_GRANT] = {{"entity", NAME}, {"from", TIME}, {"until", TIME}},
	[OPERATION_AUDITOR_REVOKE] = {{"entity", NAME}},
	[OPERATION_PERSONAL_GRANT] = {{"until", TIME}},
	[OPERATION_PERSONAL_REVOKE] = {},
	[OPERATION_GROUP_ADD] = {{"id", GROUP_NAME}},
	[OPERATION_GROUP_MEMBER_ADD] = {{"effective_from", MOMENT, OPTIONAL}, {"person", PERSON}},
	[OPERATION_GROUP_MEMBER_REMOVE] = {{"person", PERSON}},
	[OPERATION_DELEGATE] = {{"by", PERSON}, {"effective_from", MOMENT, OPTIONAL}, {"until", TIME}},
	[OPERATION_ADDITION_CANCEL] = {{"person", PERSON, OPTIONAL}},
	[OPERATION_LIST_CREATE] = {{"id", NAME}, {"kind", LIST_KIND}},
	[OPERATION_LIST_ADD] = {{"effective_from", MOMENT, OPTIONAL},
				{"entries", DESTINATIONS},
				{"expires", MOMENT, OPTIONAL},
				{"note", NOTE, OPTIONAL},
				{"probation", WHOLE, OPTIONAL}},
	[OPERATION_LIST_CONFIRM] = {{"entries", DESTINATIONS}},
	[OPERATION_LIST_REMOVE] = {{"entries", DESTINATIONS}},
	[OPERATION_ASSET_ADD] = {{"chain", CHAIN},
				 {"contract", CONTRACT, OPTIONAL},
				 {"decimals", DECIMALS},
				 {"symbol", SYMBOL}},
	[OPERATION_PRICE_SET] = {{"microcents", WHOLE}},
	[OPERATION_POLICY_ACTIVATE] = {{"bundle", BUNDLE}, {"signatures", SIGNATURES, OPTIONAL}},
	[OPERATION_KEEPER_ADD] = {{"admission", ADMISSION, OPTIONAL},
				  {"certificate", HASH},
				  {"key", HASH},
				  {"log_keys", LOG_KEYS},
				  {"name", KEEPER_NAME},
				  {"party", PARTY}},
	[OPERATION_KEEPER_REMOVE] = {{"name", KEEPER_NAME}},
	[OPERATION_KEEPER_READMIT] = {{"name", KEEPER_NAME}, {"root", HASH}, {"size", WHOLE}},
	[OPERATION_CLOCK_ACCEPT] = {{"realtime", TIME}},
	[OPERATION_INTENT_RESOLVE] = {{"happened", BOOLEAN}},
	[OPERATION_NOTIFICATION_TEST] = {{"receiver", KEEPER_NAME}},
	[OPERATION_BREAK_GLASS_REVIEW] = {{"finding", FINDING}},
};

/* --- Checking. --- */

/* Where a value stands; written out only where something is wrong with it. */
struct place {
	const struct place *above; /* null: the payload */
	const char *name;          /* null: an element of an array */
	size_t index;
};

constexpr size_t PLACE_TEXT_MAX = 96;

static const char *
text_of(const struct place *place, char text[static PLACE_TEXT_MAX]) {
	if (place->above == nullptr) {
		snprintf(text, PLACE_TEXT_MAX, "%s", place->name);
		return text;
	}
	size_t len = strlen(text_of(place->above, text));
	if (place->name != nullptr)
		snprintf(text + len, PLACE_TEXT_MAX - len, ".%s", place->name);
	else
		snprintf(text + len, PLACE_TEXT_MAX - len, "[%zu]", place->index);
	return text;
}

/* At most so many bytes of it, and no character by halves. */
static int
shown(struct bytes text) {
	constexpr size_t SHOWN_MAX = 80;
	size_t at = 0, length;
	while (at < text.len && (length = utf8_length(text.data + at, text.len - at)) > 0 && at + length <= SHOWN_MAX)
		at += length;
	return (int)at;
}

#define REFUSE(place, format, ...)                                                                                     \
	fail(STATUS_INVALID, "%s: " format, text_of(place, (char[PLACE_TEXT_MAX]){}) __VA_OPT__(, ) __VA_ARGS__)

constexpr size_t CHOICES_TEXT_MAX = 96;

/* "\"plain\" or \"terminal\"". */
static const char *
text_of_choices(const struct form *form, char text[static CHOICES_TEXT_MAX]) {
	size_t len = 0;
	for (size_t i = 0; form->choices[i] != nullptr; i++)
		len += (size_t)snprintf(text + len, CHOICES_TEXT_MAX - len, "%s\"%s\"", i == 0 ? "" : " or ",
					form->choices[i]);
	return text;
}

static enum status
check_choice(const struct place *place, const struct form *form, struct bytes text) {
	char expected[CHOICES_TEXT_MAX];
	for (size_t i = 0; form->choices[i] != nullptr; i++)
		if (bytes_equal_text(text, form->choices[i]))
			return OK;
	return REFUSE(place, "expected %s, found \"%.*s\"", text_of_choices(form, expected), shown(text),
		      (const char *)text.data);
}

static enum status
check_text(const struct place *place, const struct form *form, struct bytes text) {
	if (form->choices != nullptr)
		return check_choice(place, form, text);
	if ((int64_t)text.len < form->min || (int64_t)text.len > form->max)
		return REFUSE(place, "expected %s, found %zu bytes", form->expected, text.len);
	return form->fits == nullptr || form->fits(text) ? OK
							 : REFUSE(place, "expected %s, found \"%.*s\"", form->expected,
								  shown(text), (const char *)text.data);
}

static enum status check_value(const struct place *place, const struct form *form, const json *value);

static enum status
check_array(const struct place *place, const struct form *form, const json *array) {
	size_t index = 0;
	if ((int64_t)json_size(array) < form->min || (int64_t)json_size(array) > form->max)
		return REFUSE(place, "expected %s, found %zu", form->expected, json_size(array));
	struct json_iterator iterator = json_iterate(array);
	for (const json *element; (element = json_next(&iterator, nullptr)) != nullptr; index++) {
		struct place at = {.above = place, .index = index};
		TRY(check_value(&at, &forms[form->element], element));
	}
	return OK;
}

static const struct payload_member *
find_member(const struct payload_member *members, struct bytes name) {
	for (size_t i = 0; members[i].name != nullptr; i++)
		if (bytes_equal_text(name, members[i].name))
			return &members[i];
	return nullptr;
}

static enum status
check_members(const struct place *place, const struct payload_member *members, const json *object) {
	struct json_iterator iterator = json_iterate(object);
	struct bytes name = {};
	for (const json *value; (value = json_next(&iterator, &name)) != nullptr;) {
		const struct payload_member *member = find_member(members, name);
		struct place at = {.above = place, .name = member == nullptr ? nullptr : member->name};
		if (member == nullptr)
			return REFUSE(place, "unknown member \"%.*s\"", shown(name), (const char *)name.data);
		TRY(check_value(&at, &forms[member->form], value));
	}
	for (size_t i = 0; members[i].name != nullptr; i++) {
		struct place at = {.above = place, .name = members[i].name};
		if (!members[i].is_optional && json_get(object, members[i].name) == nullptr)
			return REFUSE(&at, "missing");
	}
	return OK;
}

static enum status
check_object(const struct place *place, const struct form *form, const json *object) {
	if (form->members != nullptr)
		return check_members(place, form->members, object);
	if (form->fits_object == nullptr || form->fits_object(object))
		return OK;
	char reason[160];
	snprintf(reason, sizeof reason, "%s", fail_message());
	return REFUSE(place, "expected %s: %s", form->expected, reason);
}

static enum status
check_value(const struct place *place, const struct form *form, const json *value) {
	if (json_type_of(value) != form->type)
		return REFUSE(place, "expected %s, found %s", json_type_name(form->type),
			      json_type_name(json_type_of(value)));
	int64_t number = form->type == JSON_INTEGER ? json_integer(value) : 0;
	switch (form->type) {
	case JSON_INTEGER:
		return number >= form->min && number <= form->max
			       ? OK
			       : REFUSE(place, "expected %s, found %lld", form->expected, (long long)number);
	case JSON_STRING:
		return check_text(place, form, json_string(value));
	case JSON_ARRAY:
		return check_array(place, form, value);
	case JSON_OBJECT:
		return check_object(place, form, value);
	default: /* a boolean is as good as the other */
		return OK;
	}
}

enum status
payload_check(enum operation_kind_id kind, const json *payload) {
	const struct place place = {.name = "payload"};
	if (json_type_of(payload) != JSON_OBJECT)
		return fail(STATUS_INVALID, "payload.type: expected object, found %s",
			    json_type_name(json_type_of(payload)));
	return check_members(&place, payloads[kind], payload);
}

/* --- Saying it. --- */

static void
describe_form(const struct form *form, struct buffer *to) {
	char choices[CHOICES_TEXT_MAX];
	if (form->type == JSON_OBJECT && form->members != nullptr)
		buffer_append_text(to, "an object");
	else
		buffer_append_text(to, form->choices != nullptr ? text_of_choices(form, choices) : form->expected);
	if (form->type == JSON_ARRAY) {
		buffer_append_text(to, ", each ");
		describe_form(&forms[form->element], to);
	}
}

static void
describe_members(const struct payload_member *members, int depth, struct buffer *to) {
	constexpr int COLUMN = 24;
	for (size_t i = 0; members[i].name != nullptr; i++) {
		const struct form *form = &forms[members[i].form];
		buffer_append_format(to, "%*s%-*s", 2 * depth, "", COLUMN - 2 * depth, members[i].name);
		describe_form(form, to);
		buffer_append_text(to, members[i].is_optional ? "; may be left out\n" : "\n");
		const struct form *inside = form->type == JSON_ARRAY ? &forms[form->element] : form;
		if (inside->members != nullptr)
			describe_members(inside->members, depth + 1, to);
	}
}

void
payload_describe(enum operation_kind_id kind, struct buffer *to) {
	if (payloads[kind][0].name == nullptr)
		buffer_append_text(to, "  none\n");
	describe_members(payloads[kind], 1, to);
}
