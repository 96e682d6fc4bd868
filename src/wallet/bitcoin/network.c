/*
 * The row of Bitcoin's network transactions in wallet.c: what everybody can broadcast, read for people and never signed. The gate
 * signs PSBTs, which say what is spent; of a network transaction alone nobody knows what its inputs are worth, whose they are, what
 * the fee is, which outputs come back, and whether its signatures hold.
 */
#include "wallet/bitcoin/describe.h"
#include "wallet/bitcoin/script.h"
#include "wallet/format.h"

struct network_detail {
	struct bitcoin_transaction transaction;
	const struct bytes *names; /* of the outputs */
	size_t signed_inputs;      /* that bear a script or a witness */
	struct hash256 txid, wtxid;
	size_t weight; /* BIP-141 */
};

static const struct network_detail *
detail_of(const struct wallet_transaction *transaction) {
	return transaction->detail;
}

/* --- Decoding --- */

static bool
is_input_signed(const struct bitcoin_input *input) {
	return input->script_sig.len > 0 || input->witness.len > 0;
}

/* Reading is strict, so that the bytes given are those that would be written. */
static enum status
measure(struct network_detail *detail, struct bytes encoded) {
	_cleanup_(buffer_free) struct buffer stripped = {};
	bitcoin_transaction_write_without_witness(&detail->transaction, &stripped);
	TRY(buffer_status(&stripped));
	detail->weight = 3 * stripped.len + encoded.len;
	detail->txid = sha256_twice(buffer_bytes(&stripped));
	detail->wtxid = sha256_twice(encoded);
	for (size_t i = 0; i < detail->transaction.input_count; i++)
		detail->signed_inputs += is_input_signed(&detail->transaction.inputs[i]);
	return OK;
}

static enum status
find_movements(struct wallet_transaction *transaction, const struct network_detail *detail) {
	size_t count = detail->transaction.output_count;
	struct wallet_movement *movements = ARENA_NEW_ARRAY(transaction->arena, count, struct wallet_movement);
	struct bytes *destinations = ARENA_NEW_ARRAY(transaction->arena, count, struct bytes);
	TRY_ALLOC(movements);
	TRY_ALLOC(destinations);
	for (size_t i = 0; i < count; i++) {
		destinations[i] = detail->names[i];
		TRY(bitcoin_add_output(transaction, detail->names[i], detail->transaction.outputs[i].sats,
				       &movements[i]));
	}
	transaction->movements = movements;
	transaction->movement_count = count;
	bitcoin_set_destinations(transaction, destinations, count);
	return OK;
}

static enum status
note_refusal(struct wallet_transaction *transaction, const struct bitcoin_transaction *decoded) {
	uint64_t output_sats;
	enum status status = bitcoin_transaction_check(transaction->arena, decoded, &output_sats);
	if (status == STATUS_NO_MEMORY)
		return status;
	if (status == OK) /* it may be on the chain, and is not for us */
		fail_keep("bitcoin.network_transaction: a network transaction; the gate signs PSBTs (BIP-174)");
	return wallet_note_refusal(transaction);
}

static enum status
decode(struct wallet_transaction *transaction) {
	struct network_detail *detail = ARENA_NEW(transaction->arena, struct network_detail);
	enum bitcoin_network network;
	TRY_ALLOC(detail);
	if (transaction->context->key != nullptr)
		return fail(STATUS_UNSUPPORTED,
			    "bitcoin.network_transaction: a network transaction; the gate signs PSBTs (BIP-174)");
	*detail = (struct network_detail){};
	transaction->detail = detail;
	transaction->kind = "native";
	TRY(bitcoin_transaction_read(transaction->arena, transaction->payload, &detail->transaction));
	TRY(bitcoin_find_network(transaction, &network));
	TRY(bitcoin_name_outputs(transaction->arena, network, &detail->transaction, &detail->names));
	TRY(measure(detail, transaction->payload));
	TRY(find_movements(transaction, detail));
	return note_refusal(transaction, &detail->transaction);
}

/* --- Parties and facts: destinations say it all, and no policy is asked. --- */

static size_t
parties_max(const struct wallet_transaction *) {
	return 0;
}

static enum status
add_parties(const struct wallet_transaction *, struct arena *, struct wallet_party *, size_t *) {
	return OK;
}

static void
add_facts(const struct wallet_transaction *, struct facts *) {}

/* --- For people --- */

static void
write_hash(struct json_writer *writer, const char *key, const struct hash256 *hash) {
	char text[BITCOIN_HASH_TEXT_SIZE];
	bitcoin_hash_text(hash, text);
	json_write_member_text(writer, key, text);
}

static void
write_input(struct json_writer *writer, const struct bitcoin_input *input) {
	json_write_object(writer);
	json_write_member_integer(writer, "index", input->previous.index);
	json_write_member_integer(writer, "sequence", input->sequence);
	json_write_member_boolean(writer, "signed", is_input_signed(input));
	write_hash(writer, "txid", &input->previous.txid);
	json_write_end(writer);
}

static void
write_output(struct json_writer *writer, const struct bitcoin_output *output, struct bytes name) {
	json_write_object(writer);
	bitcoin_write_sats(writer, "amount", output->sats);
	json_write_member_string(writer, "destination", name);
	json_write_member_hex(writer, "script", output->script);
	json_write_member_text(writer, "type", bitcoin_template_name(bitcoin_script_template(output->script)));
	json_write_end(writer);
}

static size_t
virtual_bytes(const struct network_detail *detail) {
	return (detail->weight + 3) / 4;
}

static void
write_details(const struct wallet_transaction *transaction, struct json_writer *writer) {
	const struct network_detail *detail = detail_of(transaction);
	const struct bitcoin_transaction *decoded = &detail->transaction;
	json_write_key(writer, "inputs");
	json_write_array(writer);
	for (size_t i = 0; i < decoded->input_count; i++)
		write_input(writer, &decoded->inputs[i]);
	json_write_end(writer);
	json_write_member_integer(writer, "lock_time", decoded->lock_time);
	json_write_key(writer, "outputs");
	json_write_array(writer);
	for (size_t i = 0; i < decoded->output_count; i++)
		write_output(writer, &decoded->outputs[i], detail->names[i]);
	json_write_end(writer);
	json_write_member_boolean(writer, "replaceable", bitcoin_transaction_is_replaceable(decoded));
	json_write_member_boolean(writer, "signed", detail->signed_inputs == decoded->input_count);
	json_write_member_integer(writer, "size", (int64_t)transaction->payload.len);
	json_write_member_boolean(writer, "time_locked", bitcoin_transaction_is_time_locked(decoded));
	write_hash(writer, "txid", &detail->txid);
	json_write_member_integer(writer, "version", decoded->version);
	json_write_member_integer(writer, "virtual_bytes", (int64_t)virtual_bytes(detail));
	json_write_member_integer(writer, "weight", (int64_t)detail->weight);
	write_hash(writer, "wtxid", &detail->wtxid);
}

static void
explain_ids(const struct network_detail *detail, struct buffer *text) {
	char id[BITCOIN_HASH_TEXT_SIZE];
	bool is_whole = detail->signed_inputs == detail->transaction.input_count;
	bitcoin_hash_text(&detail->txid, id);
	buffer_append_format(text, "%-14s%s%s\n", "txid", id, is_whole ? "" : "  (another where a script is signed)");
	bitcoin_hash_text(&detail->wtxid, id);
	buffer_append_format(text, "%-14s%s\n", "wtxid", id);
}

static void
explain_details(const struct wallet_transaction *transaction, struct buffer *text) {
	const struct network_detail *detail = detail_of(transaction);
	const struct bitcoin_transaction *decoded = &detail->transaction;
	char txid[BITCOIN_HASH_TEXT_SIZE];
	for (size_t i = 0; i < decoded->input_count; i++) {
		const struct bitcoin_input *input = &decoded->inputs[i];
		bitcoin_hash_text(&input->previous.txid, txid);
		buffer_append_format(text, "%-14s%s:%u  amount not known, sequence %u, %s\n", "spends", txid,
				     input->previous.index, input->sequence,
				     is_input_signed(input) ? "signed" : "unsigned");
	}
	buffer_append_format(text, "%-14snot known: a network transaction does not say what its inputs are worth\n",
			     "fee");
	buffer_append_format(text, "%-14snot known: any output may go back to whoever pays\n", "change");
	buffer_append_format(text,
			     "%-14sversion %u, %zu of %zu inputs signed, by whom and whether it holds not known\n",
			     "transaction", decoded->version, detail->signed_inputs, decoded->input_count);
	explain_ids(detail, text);
	buffer_append_format(text, "%-14s%zu bytes, %zu vB, weight %zu\n", "size", transaction->payload.len,
			     virtual_bytes(detail), detail->weight);
	bitcoin_explain_times(decoded, text);
}

/* Without signing requests nothing is assembled, and addresses are the PSBT's affair. */
const struct wallet_operations wallet_bitcoin_network_operations = {
	.name = "bitcoin",
	.chain_prefix = "bitcoin:",
	.algorithm = KEY_SECP256K1,
	.decode = decode,
	.parties_max = parties_max,
	.add_parties = add_parties,
	.add_facts = add_facts,
	.write_details = write_details,
	.explain_details = explain_details,
};
