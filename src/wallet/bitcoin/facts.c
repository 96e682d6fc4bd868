/*
 * Bitcoin's row in wallet.c: from the bytes of a PSBT to movements, facts, view, signing requests and the final transaction.
 */
#include "wallet/format.h"

#include <stdio.h>

#include "wallet/bitcoin/describe.h"
#include "wallet/bitcoin/psbt_final.h"
#include "wallet/bitcoin/spend.h"

/* What this format keeps behind struct wallet_transaction. */
struct bitcoin_detail {
	struct psbt psbt;
	struct bitcoin_spend spend;
	const struct bytes *names; /* of the outputs: addresses, or what stands for one */
};

/* "m", ten steps of "/2147483647'", NUL */
constexpr size_t PATH_TEXT_SIZE = 2 + SIGNING_PATH_MAX * 12;

static const struct bitcoin_detail *
detail_of(const struct wallet_transaction *transaction) {
	return transaction->detail;
}

/* --- Decoding --- */

static enum status
find_destinations(struct wallet_transaction *transaction, const struct bitcoin_detail *detail) {
	size_t outputs = detail->psbt.transaction.output_count, count = 0;
	struct bytes *destinations = ARENA_NEW_ARRAY(transaction->arena, outputs, struct bytes);
	TRY_ALLOC(destinations);
	for (size_t i = 0; i < outputs; i++)
		if (!detail->spend.outputs[i].is_change)
			destinations[count++] = detail->names[i];
	bitcoin_set_destinations(transaction, destinations, count);
	return OK;
}

static enum status
find_movements(struct wallet_transaction *transaction, const struct bitcoin_detail *detail) {
	const struct bitcoin_transaction *decoded = &detail->psbt.transaction;
	struct wallet_movement *movements =
		ARENA_NEW_ARRAY(transaction->arena, decoded->output_count + 1, struct wallet_movement);
	TRY_ALLOC(movements);
	for (size_t i = 0; i < decoded->output_count; i++)
		if (!detail->spend.outputs[i].is_change)
			TRY(bitcoin_add_output(transaction, detail->names[i], decoded->outputs[i].sats,
					       &movements[transaction->movement_count++]));
	if (detail->spend.has_fee)
		TRY(wallet_movement_fill(transaction, WALLET_PART_FEE, (struct bytes){}, (struct bytes){},
					 &transaction->fee_max, &movements[transaction->movement_count++]));
	transaction->movements = movements;
	return OK;
}

static enum status
read_spend(struct wallet_transaction *transaction, struct bitcoin_detail *detail) {
	enum bitcoin_network network;
	TRY(bitcoin_find_network(transaction, &network));
	const struct wallet_key *key = transaction->context->key;
	if (key == nullptr)
		return bitcoin_spend_read(transaction->arena, &detail->psbt, network, &detail->spend,
					  &transaction->refusal);
	return bitcoin_spend_of(transaction->arena, &detail->psbt, network, key, &detail->spend);
}

static enum status
request_signatures(struct wallet_transaction *transaction, const struct bitcoin_spend *spend) {
	struct signing_request *requests;
	TRY(bitcoin_spend_requests(transaction->arena, spend, &requests));
	TRY(bitcoin_spend_identity(transaction->arena, spend, &transaction->spend));
	transaction->has_spend = true;
	transaction->requests = requests;
	transaction->request_count = spend->psbt->transaction.input_count;
	return OK;
}

static enum status
decode(struct wallet_transaction *transaction) {
	struct bitcoin_detail *detail = ARENA_NEW(transaction->arena, struct bitcoin_detail);
	TRY_ALLOC(detail);
	transaction->detail = detail;
	transaction->kind = "native";
	TRY(psbt_read(transaction->arena, transaction->payload, &detail->psbt));
	TRY(read_spend(transaction, detail));
	transaction->fee_max = amount_of(detail->spend.fee_sats);
	TRY(bitcoin_name_outputs(transaction->arena, detail->spend.network, &detail->psbt.transaction, &detail->names));
	TRY(find_destinations(transaction, detail));
	TRY(find_movements(transaction, detail));
	return transaction->context->key == nullptr ? OK : request_signatures(transaction, &detail->spend);
}

/* --- Parties --- */

static size_t
parties_max(const struct wallet_transaction *transaction) {
	const struct bitcoin_transaction *decoded = &detail_of(transaction)->psbt.transaction;
	return decoded->input_count + decoded->output_count;
}

static enum status
add_parties(const struct wallet_transaction *transaction, struct arena *arena, struct wallet_party *parties,
	    size_t *count) {
	const struct bitcoin_detail *detail = detail_of(transaction);
	for (size_t i = 0; i < detail->psbt.transaction.input_count; i++) {
		const struct bitcoin_spend_input *input = &detail->spend.inputs[i];
		struct wallet_party party = {.role = WALLET_ROLE_SENDER};
		if (!input->is_known)
			continue;
		TRY(bitcoin_name_script(arena, detail->spend.network, input->spent.output.script, &party.address));
		parties[(*count)++] = party;
	}
	for (size_t i = 0; i < detail->psbt.transaction.output_count; i++)
		if (detail->spend.outputs[i].is_change)
			parties[(*count)++] = (struct wallet_party){WALLET_ROLE_CHANGE, detail->names[i]};
	return OK;
}

/* --- Facts --- */

static void
add_input_types(const struct bitcoin_spend *spend, struct facts *facts) {
	bool seen[BITCOIN_TEMPLATE_COUNT] = {};
	struct bytes types[BITCOIN_TEMPLATE_COUNT];
	size_t count = 0;
	for (size_t i = 0; i < spend->psbt->transaction.input_count; i++) {
		enum bitcoin_template template = spend->inputs[i].spent.template;
		if (!seen[template])
			types[count++] = bytes_of_text(bitcoin_template_name(template));
		seen[template] = true;
	}
	facts_add_set_of_strings(facts, "transfer.input_types", FACT_VERIFIED, types, count);
}

static void
add_outputs(const struct bitcoin_spend *spend, struct facts *facts) {
	const struct bitcoin_transaction *decoded = &spend->psbt->transaction;
	int64_t change = 0, data = 0, unnamed = 0;
	for (size_t i = 0; i < decoded->output_count; i++) {
		char text[BITCOIN_ADDRESS_SIZE];
		change += spend->outputs[i].is_change;
		data += bitcoin_script_template(decoded->outputs[i].script) == BITCOIN_DATA;
		unnamed += !bitcoin_address_of_script(spend->network, decoded->outputs[i].script, text);
	}
	struct amount change_amount = amount_of(spend->change_sats);
	facts_add_amount(facts, "transfer.change", FACT_VERIFIED, &change_amount);
	facts_add_long(facts, "transfer.change_outputs", FACT_VERIFIED, change);
	facts_add_long(facts, "transfer.data_outputs", FACT_VERIFIED, data);
	facts_add_long(facts, "transfer.outputs", FACT_VERIFIED, (int64_t)decoded->output_count);
	facts_add_long(facts, "transfer.outputs_without_address", FACT_VERIFIED, unnamed);
}

static void
add_facts(const struct wallet_transaction *transaction, struct facts *facts) {
	const struct bitcoin_spend *spend = &detail_of(transaction)->spend;
	const struct bitcoin_transaction *decoded = &spend->psbt->transaction;
	add_outputs(spend, facts);
	facts_add_long(facts, "transfer.inputs", FACT_VERIFIED, (int64_t)decoded->input_count);
	add_input_types(spend, facts);
	facts_add_long(facts, "transfer.lock_time", FACT_VERIFIED, decoded->lock_time);
	facts_add_boolean(facts, "transfer.rbf", FACT_VERIFIED, spend->replaceable);
	facts_add_boolean(facts, "transfer.time_locked", FACT_VERIFIED, spend->time_locked);
	if (transaction->context->key == nullptr)
		return; /* sizes are known only of what we sign */
	facts_add_long(facts, "transfer.fee_sats", FACT_VERIFIED, (int64_t)spend->fee_sats);
	facts_add_long(facts, "transfer.fee_rate", FACT_VERIFIED, (int64_t)spend->fee_rate);
	facts_add_boolean(facts, "transfer.fee_over_ceiling", FACT_VERIFIED,
			  spend->fee_sats > BITCOIN_FEE_CEILING_SATS || spend->fee_rate > BITCOIN_FEE_RATE_CEILING);
	facts_add_long(facts, "transfer.virtual_bytes", FACT_VERIFIED, (int64_t)spend->virtual_bytes);
}

/* --- For people --- */

/* "m/84'/0'/0'/1/3"; "" for a path of no steps. */
static void
format_path(const struct signing_path *path, char text[static PATH_TEXT_SIZE]) {
	constexpr uint32_t HARDENED = UINT32_C(1) << 31;
	size_t at = 0;
	text[0] = '\0';
	for (size_t i = 0; i < path->count; i++)
		at += (size_t)snprintf(text + at, PATH_TEXT_SIZE - at, "%s%u%s", i == 0 ? "m/" : "/",
				       path->steps[i] & ~HARDENED, path->steps[i] & HARDENED ? "'" : "");
}

static void
write_path(struct json_writer *writer, const struct signing_path *path) {
	char text[PATH_TEXT_SIZE];
	format_path(path, text);
	json_write_member_text(writer, "path", text);
}

static void
write_input(struct json_writer *writer, const struct bitcoin_input *input, const struct bitcoin_spend_input *spent,
	    enum bitcoin_network network) {
	char txid[BITCOIN_HASH_TEXT_SIZE], address[BITCOIN_ADDRESS_SIZE];
	bitcoin_hash_text(&input->previous.txid, txid);
	json_write_object(writer);
	if (spent->is_known && bitcoin_address_of_script(network, spent->spent.output.script, address))
		json_write_member_text(writer, "address", address);
	if (spent->is_known)
		bitcoin_write_sats(writer, "amount", spent->spent.output.sats);
	json_write_member_integer(writer, "index", input->previous.index);
	write_path(writer, &spent->origin_path);
	json_write_member_integer(writer, "sequence", input->sequence);
	json_write_member_text(writer, "txid", txid);
	json_write_member_text(writer, "type", spent->is_known ? bitcoin_template_name(spent->spent.template) : "");
	json_write_end(writer);
}

static void
write_output(struct json_writer *writer, const struct bitcoin_output *output, const struct bitcoin_spend_output *spent,
	     struct bytes name) {
	json_write_object(writer);
	bitcoin_write_sats(writer, "amount", output->sats);
	json_write_member_boolean(writer, "change", spent->is_change);
	json_write_member_string(writer, "destination", name);
	write_path(writer, &spent->origin_path);
	json_write_member_hex(writer, "script", output->script);
	json_write_member_text(writer, "type", bitcoin_template_name(bitcoin_script_template(output->script)));
	json_write_end(writer);
}

static void
write_details(const struct wallet_transaction *transaction, struct json_writer *writer) {
	const struct bitcoin_detail *detail = detail_of(transaction);
	const struct bitcoin_spend *spend = &detail->spend;
	const struct bitcoin_transaction *decoded = &detail->psbt.transaction;
	bitcoin_write_sats(writer, "change", spend->change_sats);
	if (spend->has_fee)
		bitcoin_write_sats(writer, "fee", spend->fee_sats);
	if (spend->virtual_bytes > 0)
		json_write_member_integer(writer, "fee_rate", (int64_t)spend->fee_rate);
	json_write_key(writer, "inputs");
	json_write_array(writer);
	for (size_t i = 0; i < decoded->input_count; i++)
		write_input(writer, &decoded->inputs[i], &spend->inputs[i], spend->network);
	json_write_end(writer);
	json_write_member_integer(writer, "lock_time", decoded->lock_time);
	json_write_key(writer, "outputs");
	json_write_array(writer);
	for (size_t i = 0; i < decoded->output_count; i++)
		write_output(writer, &decoded->outputs[i], &spend->outputs[i], detail->names[i]);
	json_write_end(writer);
	json_write_member_boolean(writer, "replaceable", spend->replaceable);
	json_write_member_boolean(writer, "time_locked", spend->time_locked);
	json_write_member_integer(writer, "version", decoded->version);
}

/* In the network's own asset; where that is not registered, in satoshi. */
static void
explain_amount(struct buffer *text, const struct asset *asset, uint64_t sats) {
	char number[ASSET_AMOUNT_TEXT_SIZE];
	struct amount amount = amount_of(sats);
	asset_amount_format(&amount, asset == nullptr ? 0 : asset->decimals, number);
	if (asset == nullptr)
		buffer_append_format(text, "%s satoshi", number);
	else
		buffer_append_format(text, "%s %.*s", number, BYTES_ARGS(asset->symbol));
}

static void
explain_input(struct buffer *text, const struct asset *asset, const struct bitcoin_input *input,
	      const struct bitcoin_spend_input *spent) {
	char txid[BITCOIN_HASH_TEXT_SIZE], path[PATH_TEXT_SIZE];
	bitcoin_hash_text(&input->previous.txid, txid);
	format_path(&spent->origin_path, path);
	buffer_append_format(text, "%-14s%s:%u  ", "spends", txid, input->previous.index);
	if (spent->is_known) {
		explain_amount(text, asset, spent->spent.output.sats);
		buffer_append_format(text, "  %s", bitcoin_template_name(spent->spent.template));
	} else {
		buffer_append_text(text, "amount not known");
	}
	buffer_append_format(text, "%s%s\n", path[0] == '\0' ? "" : "  ", path);
}

static void
explain_change(struct buffer *text, const struct asset *asset, const struct bitcoin_output *output,
	       const struct bitcoin_spend_output *spent, struct bytes name) {
	char path[PATH_TEXT_SIZE];
	format_path(&spent->origin_path, path);
	buffer_append_format(text, "%-14s", "change");
	explain_amount(text, asset, output->sats);
	buffer_append_format(text, " to %.*s  %s, proven to be ours\n", BYTES_ARGS(name), path);
}

static void
explain_details(const struct wallet_transaction *transaction, struct buffer *text) {
	const struct bitcoin_detail *detail = detail_of(transaction);
	const struct bitcoin_spend *spend = &detail->spend;
	const struct bitcoin_transaction *decoded = &detail->psbt.transaction;
	for (size_t i = 0; i < decoded->output_count; i++)
		if (spend->outputs[i].is_change)
			explain_change(text, transaction->asset, &decoded->outputs[i], &spend->outputs[i],
				       detail->names[i]);
	for (size_t i = 0; i < decoded->input_count; i++)
		explain_input(text, transaction->asset, &decoded->inputs[i], &spend->inputs[i]);
	if (!spend->has_fee)
		buffer_append_format(text, "%-14snot known: the amounts of all inputs are needed\n", "fee");
	if (spend->virtual_bytes > 0)
		buffer_append_format(text, "%-14s%llu sat/vB, %llu vB once signed\n", "fee rate",
				     (unsigned long long)spend->fee_rate, (unsigned long long)spend->virtual_bytes);
	bitcoin_explain_times(decoded, text);
}

/* --- The final transaction --- */

static enum status
add_signature(struct arena *arena, struct psbt *psbt, size_t index, const struct bitcoin_spend_input *input,
	      const struct signature *signature) {
	if (memcmp(signature->public_key + 1, input->public_key + 1, 32) != 0)
		return fail(STATUS_INTERNAL, "psbt.signature_key: input %zu is signed by another key than asked for",
			    index);
	if (input->spent.template == BITCOIN_P2TR)
		return psbt_add_taproot_signature(arena, psbt, index, input->spent.hash_type, signature->bytes);
	return psbt_add_ecdsa_signature(arena, psbt, index, input->public_key, signature->bytes);
}

static enum status
copy_out(struct arena *arena, const struct buffer *buffer, struct bytes *bytes) {
	TRY(buffer_status(buffer));
	*bytes = arena_copy(arena, buffer_bytes(buffer));
	TRY_ALLOC(bytes->data);
	return OK;
}

static enum status
write_result(struct arena *arena, const struct psbt *psbt, struct wallet_result *result) {
	_cleanup_(buffer_free) struct buffer buffer = {};
	psbt_write(psbt, &buffer);
	TRY(copy_out(arena, &buffer, &result->psbt));
	struct bitcoin_transaction final;
	TRY(psbt_extract(arena, psbt, &final));
	buffer_reset(&buffer);
	bitcoin_transaction_write(&final, &buffer);
	TRY(copy_out(arena, &buffer, &result->transaction));
	struct hash256 txid;
	TRY(bitcoin_transaction_id(&final, &txid));
	char text[BITCOIN_HASH_TEXT_SIZE];
	bitcoin_hash_text(&txid, text);
	result->transaction_id = arena_copy(arena, bytes_of_text(text));
	TRY_ALLOC(result->transaction_id.data);
	return OK;
}

/* The decoded PSBT is left as it is. */
static enum status
copy_psbt(struct arena *arena, const struct wallet_transaction *transaction, struct psbt *psbt) {
	const struct psbt *decoded = &detail_of(transaction)->psbt;
	size_t count = decoded->transaction.input_count;
	*psbt = *decoded;
	psbt->inputs = ARENA_NEW_ARRAY(arena, count, struct psbt_input);
	TRY_ALLOC(psbt->inputs);
	memcpy(psbt->inputs, decoded->inputs, count * sizeof *psbt->inputs);
	return OK;
}

/* BIP-174's signer, finaliser and extractor in one. */
static enum status
assemble(struct arena *arena, const struct wallet_transaction *transaction, const struct signature *signatures,
	 struct wallet_result *result) {
	const struct bitcoin_detail *detail = detail_of(transaction);
	struct psbt psbt;
	TRY(copy_psbt(arena, transaction, &psbt));
	for (size_t i = 0; i < psbt.transaction.input_count; i++)
		TRY(add_signature(arena, &psbt, i, &detail->spend.inputs[i], &signatures[i]));
	TRY(psbt_finalise(arena, &psbt));
	return write_result(arena, &psbt, result);
}

/* Each signature goes back to where signers put it, and the finaliser verifies it. */
static enum status
assemble_signed(struct arena *arena, const struct wallet_transaction *transaction, struct bytes signed_transaction,
		struct wallet_result *result) {
	struct psbt psbt;
	struct bitcoin_transaction final;
	TRY(copy_psbt(arena, transaction, &psbt));
	TRY(bitcoin_transaction_read(arena, signed_transaction, &final));
	if (final.input_count != psbt.transaction.input_count)
		return fail(STATUS_INVALID, "psbt.signature_missing: %zu inputs, and %zu of what was signed",
			    psbt.transaction.input_count, final.input_count);
	for (size_t i = 0; i < final.input_count; i++)
		TRY(psbt_add_final_signature(arena, &psbt, i, &final.inputs[i]));
	TRY(psbt_finalise(arena, &psbt));
	return write_result(arena, &psbt, result);
}

static enum status
normalise_address(struct arena *arena, struct bytes chain, struct bytes text, struct bytes *address) {
	enum bitcoin_network network;
	uint8_t script[BITCOIN_ADDRESS_SCRIPT_MAX];
	size_t len;
	TRY(bitcoin_network_of_chain(chain, &network));
	TRY(bitcoin_address_to_script(network, text, script, &len));
	return bitcoin_name_script(arena, network, bytes_of(script, len), address);
}

static enum status
check_chain(struct bytes chain) {
	enum bitcoin_network network;
	return bitcoin_network_of_chain(chain, &network);
}

const struct wallet_operations wallet_bitcoin_operations = {
	.name = "psbt",
	.chain_prefix = "bitcoin:",
	.algorithm = KEY_SECP256K1,
	.check_chain = check_chain,
	.decode = decode,
	.parties_max = parties_max,
	.add_parties = add_parties,
	.add_facts = add_facts,
	.write_details = write_details,
	.explain_details = explain_details,
	.assemble = assemble,
	.assemble_signed = assemble_signed,
	.normalise_address = normalise_address,
};
