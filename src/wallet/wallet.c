#include "wallet/wallet.h"

#include <stdio.h>

#include "wallet/bitcoin/transaction.h"
#include "wallet/evm/transaction.h"
#include "wallet/format.h"
#include "wallet/solana/message.h"

static const struct wallet_operations *const FORMATS[WALLET_FORMAT_COUNT] = {
	[WALLET_EVM] = &wallet_evm_operations,
	[WALLET_PSBT] = &wallet_bitcoin_operations,
	[WALLET_SOLANA] = &wallet_solana_operations,
	[WALLET_BITCOIN] = &wallet_bitcoin_network_operations,
};

static const char *const PART_NAMES[] = {
	[WALLET_PART_TRANSFER] = "transfer",
	[WALLET_PART_ALLOWANCE] = "allowance",
	[WALLET_PART_FEE] = "fee",
};

/* --- Decoding and assembling --- */

static enum status
no_format(struct bytes name) {
	return fail(STATUS_UNSUPPORTED, "wallet.format: \"%.*s\" is not a transaction format that is handled",
		    (int)(name.len > 32 ? 32 : name.len), (const char *)name.data);
}

enum status
wallet_decode(struct arena *arena, enum wallet_format format, struct bytes payload,
	      const struct wallet_context *context, struct wallet_transaction **transaction) {
	if ((unsigned)format >= WALLET_FORMAT_COUNT)
		return no_format(BYTES_OF_LITERAL("?"));
	if (payload.len > WALLET_PAYLOAD_MAX)
		return fail(STATUS_TOO_LARGE, "wallet.payload: %zu bytes, at most %zu", payload.len,
			    WALLET_PAYLOAD_MAX);
	if (context->key != nullptr && context->key->algorithm != FORMATS[format]->algorithm)
		return fail(STATUS_UNSUPPORTED,
			    "wallet.key: key \"%.*s\" is of another algorithm than %s transactions are signed with",
			    BYTES_ARGS(context->key->id), FORMATS[format]->name);
	struct wallet_transaction *decoded = ARENA_NEW(arena, struct wallet_transaction);
	TRY_ALLOC(decoded);
	*decoded = (struct wallet_transaction){
		.operations = FORMATS[format],
		.format = format,
		.arena = arena,
		.payload = payload,
		.context = context,
	};
	TRY(decoded->operations->decode(decoded));
	*transaction = decoded;
	return OK;
}

enum status
wallet_assemble(struct arena *arena, const struct wallet_transaction *transaction, const struct signature *signatures,
		size_t count, struct wallet_result *result) {
	*result = (struct wallet_result){}; /* formats that have no PSBT say nothing of it */
	if (count != transaction->request_count || count == 0)
		return fail(STATUS_INVALID, "wallet.signatures: expected %zu, found %zu", transaction->request_count,
			    count);
	return transaction->operations->assemble(arena, transaction, signatures, result);
}

enum status
wallet_assemble_signed(struct arena *arena, const struct wallet_transaction *transaction,
		       struct bytes signed_transaction, struct wallet_result *result) {
	*result = (struct wallet_result){};
	if (transaction->format != WALLET_PSBT && transaction->request_count == 0)
		return fail(STATUS_INVALID, "wallet.signed: nobody's key is known that would have signed it");
	return transaction->operations->assemble_signed(arena, transaction, signed_transaction, result);
}

enum status
wallet_movement_fill(const struct wallet_transaction *transaction, enum wallet_part part, struct bytes destination,
		     struct bytes contract, const struct amount *amount, struct wallet_movement *movement) {
	const struct wallet_context *context = transaction->context;
	*movement = (struct wallet_movement){.part = part, .destination = destination, .amount = *amount};
	movement->asset_id = asset_id(transaction->arena, transaction->chain, contract);
	TRY_ALLOC(movement->asset_id.data);
	movement->asset = asset_find(context->assets, movement->asset_id);
	movement->value = asset_usd_cents(movement->asset, amount, context->now_ms, context->price_age_max_ms,
					  &movement->usd_cents);
	return OK;
}

enum status
wallet_note_refusal(struct wallet_transaction *transaction) {
	if (transaction->refusal != nullptr)
		return OK;
	transaction->refusal = arena_text(transaction->arena, bytes_of_text(fail_message()));
	TRY_ALLOC(transaction->refusal);
	return OK;
}

/* --- Parties --- */

static const char *const ROLE_NAMES[WALLET_ROLES] = {
	[WALLET_ROLE_SENDER] = "sender",           [WALLET_ROLE_DESTINATION] = "destination",
	[WALLET_ROLE_CHANGE] = "change",           [WALLET_ROLE_CONTRACT] = "contract",
	[WALLET_ROLE_TOKEN_OWNER] = "token_owner", [WALLET_ROLE_SIGNER] = "signer",
	[WALLET_ROLE_ACCOUNT] = "account",         [WALLET_ROLE_LOOKUP_TABLE] = "lookup_table",
};

const char *
wallet_role_name(enum wallet_role role) {
	return ROLE_NAMES[role];
}

enum status
wallet_parties(const struct wallet_transaction *transaction, struct arena *arena, const struct wallet_party **parties,
	       size_t *count) {
	size_t most = 1 + transaction->destination_count + transaction->operations->parties_max(transaction);
	struct wallet_party *found = ARENA_NEW_ARRAY(arena, most, struct wallet_party);
	TRY_ALLOC(found);
	*count = 0;
	*parties = found;
	if (transaction->from.len > 0)
		found[(*count)++] = (struct wallet_party){WALLET_ROLE_SENDER, transaction->from};
	for (size_t i = 0; i < transaction->destination_count; i++)
		found[(*count)++] = (struct wallet_party){WALLET_ROLE_DESTINATION, transaction->destinations[i]};
	return transaction->operations->add_parties(transaction, arena, found, count);
}

/* --- Values --- */

/* The worst of two: missing before stale before too large. */
static enum asset_value
worse(enum asset_value a, enum asset_value b) {
	static const int RANKS[] = {
		[ASSET_VALUED] = 0, [ASSET_VALUE_TOO_LARGE] = 1, [ASSET_PRICE_STALE] = 2, [ASSET_PRICE_MISSING] = 3};
	return RANKS[a] >= RANKS[b] ? a : b;
}

/* The value of the movements whose part is (or is not) a fee; wanted null: of all. */
static enum asset_value
sum_cents(const struct wallet_transaction *transaction, const bool *wanted_fee, int64_t *cents) {
	enum asset_value value = ASSET_VALUED;
	int64_t sum = 0;
	for (size_t i = 0; i < transaction->movement_count; i++) {
		const struct wallet_movement *movement = &transaction->movements[i];
		if (wanted_fee != nullptr && *wanted_fee != (movement->part == WALLET_PART_FEE))
			continue;
		value = worse(value, movement->value);
		if (movement->value == ASSET_VALUED && __builtin_add_overflow(sum, movement->usd_cents, &sum))
			value = worse(value, ASSET_VALUE_TOO_LARGE);
	}
	if (value == ASSET_VALUED && sum > JSON_INTEGER_MAX)
		value = ASSET_VALUE_TOO_LARGE;
	*cents = value == ASSET_VALUED ? sum : 0;
	return value;
}

enum asset_value
wallet_usd_cents(const struct wallet_transaction *transaction, int64_t *cents) {
	return sum_cents(transaction, nullptr, cents);
}

/* --- Facts --- */

static void
add_cents(struct facts *facts, const char *name, enum asset_value value, int64_t cents) {
	if (value == ASSET_VALUED)
		facts_add_long(facts, name, FACT_FEED, cents);
	else if (value == ASSET_VALUE_TOO_LARGE)
		facts_add_long(facts, name, FACT_FEED, INT64_MAX); /* states that it does not fit */
}

static void
add_values(const struct wallet_transaction *transaction, struct facts *facts) {
	bool missing = false, stale = false;
	for (size_t i = 0; i < transaction->movement_count; i++) {
		missing |= transaction->movements[i].value == ASSET_PRICE_MISSING;
		stale |= transaction->movements[i].value == ASSET_PRICE_STALE;
	}
	facts_add_boolean(facts, "transfer.price_missing", FACT_FEED, missing);
	facts_add_boolean(facts, "transfer.price_stale", FACT_FEED, stale);

	int64_t cents;
	enum asset_value value = wallet_usd_cents(transaction, &cents);
	add_cents(facts, "transfer.usd_cents", value, cents);
	value = sum_cents(transaction, &(bool){false}, &cents);
	add_cents(facts, "transfer.amount_usd_cents", value, cents);
	value = sum_cents(transaction, &(bool){true}, &cents);
	add_cents(facts, "transfer.fee_usd_cents", value, cents);
}

static void
add_milli(struct facts *facts, const char *name, const struct asset *asset, const struct amount *amount) {
	int64_t milli;
	if (asset == nullptr)
		return;
	if (!asset_milli_units(amount, asset->decimals, &milli))
		milli = INT64_MAX; /* states that it does not fit */
	facts_add_long(facts, name, FACT_FEED, milli);
}

static const struct asset *
native_asset(const struct wallet_transaction *transaction) {
	return asset_find_contract(transaction->context->assets, transaction->chain, (struct bytes){});
}

enum status
wallet_facts(const struct wallet_transaction *transaction, struct facts *facts) {
	facts_add_string(facts, "transfer.format", FACT_VERIFIED, bytes_of_text(transaction->operations->name));
	facts_add_string(facts, "transfer.kind", FACT_VERIFIED, bytes_of_text(transaction->kind));
	facts_add_string(facts, "transfer.chain", FACT_VERIFIED, transaction->chain);
	facts_add_string(facts, "transfer.asset", FACT_VERIFIED, transaction->asset_id);
	facts_add_boolean(facts, "transfer.asset_known", FACT_VERIFIED, transaction->asset != nullptr);
	if (transaction->asset != nullptr)
		facts_add_string(facts, "transfer.symbol", FACT_FEED, transaction->asset->symbol);
	if (transaction->from.len > 0)
		facts_add_string(facts, "transfer.from", FACT_VERIFIED, transaction->from);
	if (transaction->to.len > 0)
		facts_add_string(facts, "transfer.to", FACT_VERIFIED, transaction->to);
	facts_add_set_of_strings(facts, "transfer.destinations", FACT_VERIFIED, transaction->destinations,
				 transaction->destination_count);
	facts_add_long(facts, "transfer.destination_count", FACT_VERIFIED, (int64_t)transaction->destination_count);
	facts_add_amount(facts, "transfer.amount", FACT_VERIFIED, &transaction->amount);
	add_milli(facts, "transfer.amount_milli", transaction->asset, &transaction->amount);
	facts_add_amount(facts, "transfer.fee_max", FACT_VERIFIED, &transaction->fee_max);
	add_milli(facts, "transfer.fee_max_milli", native_asset(transaction), &transaction->fee_max);
	add_values(transaction, facts);
	facts_add_boolean(facts, "call.unrecognised", FACT_VERIFIED, transaction->call_unrecognised);
	facts_add_boolean(facts, "approve.revokes", FACT_VERIFIED, transaction->approve_revokes);
	facts_add_boolean(facts, "approve.unlimited", FACT_VERIFIED, transaction->approve_unlimited);
	transaction->operations->add_facts(transaction, facts);
	return facts_status(facts);
}

/* --- The view --- */

static void
write_amount(struct json_writer *writer, const char *key, const struct amount *amount) {
	char text[AMOUNT_TEXT_SIZE];
	amount_format(amount, text);
	json_write_member_text(writer, key, text);
}

/* "12.5 USDC"; smallest units and the id where the asset is not registered, which it has not where no chain is named. */
static void
format_amount(const struct wallet_movement *movement, char *text, size_t capacity) {
	char number[ASSET_AMOUNT_TEXT_SIZE];
	asset_amount_format(&movement->amount, movement->asset == nullptr ? 0 : movement->asset->decimals, number);
	if (movement->asset != nullptr)
		snprintf(text, capacity, "%s %.*s", number, BYTES_ARGS(movement->asset->symbol));
	else if (movement->asset_id.len > 0)
		snprintf(text, capacity, "%s smallest units of %.*s", number, BYTES_ARGS(movement->asset_id));
	else
		snprintf(text, capacity, "%s smallest units of whatever the chain's own asset is", number);
}

static void
write_movement(struct json_writer *writer, const struct wallet_movement *movement) {
	char text[256];
	format_amount(movement, text, sizeof text);
	json_write_object(writer);
	write_amount(writer, "amount", &movement->amount);
	json_write_member_string(writer, "asset", movement->asset_id);
	json_write_member_string(writer, "destination", movement->destination);
	json_write_member_text(writer, "part", PART_NAMES[movement->part]);
	json_write_member_text(writer, "text", text);
	json_write_end(writer);
}

enum status
wallet_view(const struct wallet_transaction *transaction, struct buffer *view) {
	struct json_writer writer;
	json_writer_start(&writer, view);
	json_write_object(&writer);
	json_write_member_boolean(&writer, "approve_unlimited", transaction->approve_unlimited);
	json_write_member_boolean(&writer, "call_unrecognised", transaction->call_unrecognised);
	json_write_member_string(&writer, "chain", transaction->chain);
	json_write_key(&writer, "destinations");
	json_write_array(&writer);
	for (size_t i = 0; i < transaction->destination_count; i++)
		json_write_string(&writer, transaction->destinations[i]);
	json_write_end(&writer);
	json_write_key(&writer, "details");
	json_write_object(&writer);
	transaction->operations->write_details(transaction, &writer);
	json_write_end(&writer);
	json_write_member_text(&writer, "format", transaction->operations->name);
	json_write_member_string(&writer, "from", transaction->from);
	json_write_member_text(&writer, "kind", transaction->kind);
	json_write_key(&writer, "movements");
	json_write_array(&writer);
	for (size_t i = 0; i < transaction->movement_count; i++)
		write_movement(&writer, &transaction->movements[i]);
	json_write_end(&writer);
	struct hash256 payload_hash = sha256(transaction->payload);
	json_write_member_hex(&writer, "payload_hash", hash256_bytes(&payload_hash));
	if (transaction->refusal != nullptr)
		json_write_member_text(&writer, "refusal", transaction->refusal);
	json_write_member_text(&writer, "type", "gatehouse/view/v1");
	json_write_end(&writer);
	return json_writer_finish(&writer);
}

/* --- For people --- */

static void
explain_value(const struct wallet_movement *movement, struct buffer *text) {
	switch (movement->value) {
	case ASSET_VALUED:
		if (!amount_is_zero(&movement->amount))
			buffer_append_format(text, "  ($%lld.%02lld)", (long long)(movement->usd_cents / 100),
					     (long long)(movement->usd_cents % 100));
		break;
	case ASSET_PRICE_MISSING:
		buffer_append_text(text, "  (no price)");
		break;
	case ASSET_PRICE_STALE:
		buffer_append_text(text, "  (price too old)");
		break;
	case ASSET_VALUE_TOO_LARGE:
		buffer_append_text(text, "  (value beyond what is counted)");
		break;
	}
}

static void
explain_movement(const struct wallet_movement *movement, struct buffer *text) {
	static const char *const LABELS[] = {[WALLET_PART_TRANSFER] = "sends",
					     [WALLET_PART_ALLOWANCE] = "allows",
					     [WALLET_PART_FEE] = "fee at most"};
	char amount[256];
	format_amount(movement, amount, sizeof amount);
	buffer_append_format(text, "%-14s%s", LABELS[movement->part], amount);
	if (movement->destination.len > 0)
		buffer_append_format(text, " to %.*s", BYTES_ARGS(movement->destination));
	explain_value(movement, text);
	buffer_append_byte(text, '\n');
}

enum status
wallet_explain(const struct wallet_transaction *transaction, struct buffer *text) {
	buffer_append_format(text, "%-14s%s\n", "kind", transaction->kind);
	if (transaction->chain.len > 0)
		buffer_append_format(text, "%-14s%.*s\n", "chain", BYTES_ARGS(transaction->chain));
	if (transaction->from.len > 0)
		buffer_append_format(text, "%-14s%.*s\n", "from", BYTES_ARGS(transaction->from));
	for (size_t i = 0; i < transaction->movement_count; i++)
		explain_movement(&transaction->movements[i], text);
	transaction->operations->explain_details(transaction, text);
	if (transaction->refusal != nullptr)
		buffer_append_format(text, "%-14sthe gate does not sign this: %s\n", "warning", transaction->refusal);
	if (transaction->approve_revokes)
		buffer_append_text(text, "note          takes an allowance back: nothing moves but the fee\n");
	if (transaction->approve_unlimited)
		buffer_append_text(
			text,
			"warning       the allowance is unlimited: the spender can take every token, now and later\n");
	if (transaction->call_unrecognised)
		buffer_append_text(text,
				   "warning       what this call does is not known: it may move more than is shown\n");
	return buffer_status(text);
}

/* --- Names, text, addresses --- */

const char *
wallet_format_name(enum wallet_format format) {
	return FORMATS[format]->name;
}

/* Among the first count of them. */
static enum status
find_format(struct bytes name, size_t count, enum wallet_format *format) {
	for (size_t i = 0; i < count; i++)
		if (bytes_equal_text(name, FORMATS[i]->name)) {
			*format = (enum wallet_format)i;
			return OK;
		}
	return no_format(name);
}

enum status
wallet_format_of_name(struct bytes name, enum wallet_format *format) {
	return find_format(name, WALLET_FORMATS_SIGNED, format);
}

static bool
is_space(uint8_t c) {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct bytes
trim(struct bytes text) {
	while (text.len > 0 && is_space(text.data[0]))
		text = bytes_of(text.data + 1, text.len - 1);
	while (text.len > 0 && is_space(text.data[text.len - 1]))
		text.len--;
	return text;
}

static bool
starts_with(struct bytes text, const void *prefix, size_t len) {
	return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

static const char PSBT_MAGIC[] = "psbt\xff";

static bool
is_hexadecimal(struct bytes text) {
	for (size_t i = 0; i < text.len; i++) {
		uint8_t lower = text.data[i] | 0x20;
		if (!(text.data[i] >= '0' && text.data[i] <= '9') && !(lower >= 'a' && lower <= 'f'))
			return false;
	}
	return text.len > 0 && text.len % 2 == 0;
}

static enum status
decode_text(struct arena *arena, struct bytes text, struct bytes *payload) {
	uint8_t *bytes = arena_alloc(arena, text.len);
	TRY_ALLOC(bytes);
	bool has_prefix = starts_with(text, "0x", 2);
	if (has_prefix)
		text = bytes_of(text.data + 2, text.len - 2);
	if (is_hexadecimal(text)) {
		*payload = bytes_of(bytes, text.len / 2);
		return hex_decode(text, bytes, text.len / 2);
	}
	size_t len = 0;
	if (has_prefix || base64_decode(text, bytes, text.len, &len) != OK || len == 0)
		return fail(STATUS_INVALID, "wallet.text: expected a transaction in hexadecimal, or a PSBT or a "
					    "transaction of Solana in base64");
	*payload = bytes_of(bytes, len);
	return OK;
}

/* A binary transaction never is printable text: a PSBT holds 0xff, an Ethereum transaction begins below 0x20 or above 0x7f. */
static bool
is_text(struct bytes bytes) {
	for (size_t i = 0; i < bytes.len; i++)
		if ((bytes.data[i] < 0x20 && !is_space(bytes.data[i])) || bytes.data[i] > 0x7e)
			return false;
	return true;
}

static enum status
read_text(struct arena *arena, struct bytes text, struct bytes *payload) {
	if (text.len > 2 * WALLET_PAYLOAD_MAX + 64)
		return fail(STATUS_TOO_LARGE, "wallet.text: %zu bytes, at most %zu", text.len,
			    2 * WALLET_PAYLOAD_MAX + 64);
	*payload = text;
	return is_text(text) ? decode_text(arena, trim(text), payload) : OK;
}

enum status
wallet_payload_of_text(struct arena *arena, struct bytes text, enum wallet_format *format, struct bytes *payload) {
	TRY(read_text(arena, text, payload));
	*format = starts_with(*payload, PSBT_MAGIC, sizeof PSBT_MAGIC - 1)           ? WALLET_PSBT
		  : !evm_is_transaction(*payload) && solana_is_transaction(*payload) ? WALLET_SOLANA
										     : WALLET_EVM;
	return OK;
}

/* Of bytes that begin with a version of Bitcoin: what reads as a whole counts, and where neither does what looks like Solana's. */
static enum status
tell_from_solana(struct arena *arena, struct bytes payload, enum wallet_format *format) {
	struct bitcoin_transaction network;
	struct solana_transaction solana;
	bool is_bitcoin = bitcoin_transaction_read(arena, payload, &network) == OK;
	*format = !is_bitcoin && solana_is_transaction(payload) ? WALLET_SOLANA : WALLET_BITCOIN;
	if (is_bitcoin && solana_decode_transaction(arena, payload, &solana) == OK)
		return fail(STATUS_INVALID, "wallet.ambiguous: reads as a transaction of Bitcoin and of Solana: name "
					    "its format");
	return OK;
}

enum status
wallet_reader_payload_of_text(struct arena *arena, struct bytes text, struct bytes wanted, enum wallet_format *format,
			      struct bytes *payload) {
	if (wanted.len > 0) {
		TRY(find_format(wanted, WALLET_FORMAT_COUNT, format));
		return read_text(arena, text, payload);
	}
	TRY(wallet_payload_of_text(arena, text, format, payload));
	return bitcoin_begins_transaction(*payload) ? tell_from_solana(arena, *payload, format) : OK;
}

static enum status
find_operations(struct bytes chain, const struct wallet_operations **operations) {
	for (size_t i = 0; i < WALLET_FORMATS_SIGNED; i++)
		if (starts_with(chain, FORMATS[i]->chain_prefix, strlen(FORMATS[i]->chain_prefix))) {
			*operations = FORMATS[i];
			return OK;
		}
	return fail(STATUS_UNSUPPORTED, "wallet.chain: \"%.*s\" is no chain that is handled",
		    (int)(chain.len > ASSET_CHAIN_MAX ? ASSET_CHAIN_MAX : chain.len), (const char *)chain.data);
}

enum status
wallet_check_chain(struct bytes chain) {
	const struct wallet_operations *operations;
	TRY(find_operations(chain, &operations));
	return operations->check_chain(chain);
}

enum status
wallet_normalise_address(struct arena *arena, struct bytes chain, struct bytes text, struct bytes *address) {
	const struct wallet_operations *operations;
	TRY(find_operations(chain, &operations));
	TRY(operations->check_chain(
		chain)); /* an entry of a list under another spelling of it would hold nobody back */
	return operations->normalise_address(arena, chain, text, address);
}
