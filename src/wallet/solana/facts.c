/*
 * Solana's row in wallet.c: from the bytes of a transaction to movements, facts, view, signing request and signed bytes.
 *
 * The destination of a token transfer is the owner of the token account that is paid, where the transaction proves it
 * (wallet/solana/step.h), else that account itself: lists of destinations name owners, as people know them.
 */
#include "wallet/format.h"

#include <stdlib.h>

#include "base/base58.h"
#include "crypto/sign.h"
#include "wallet/solana/step.h"

/* What this format keeps behind struct wallet_transaction. */
struct solana_detail {
	struct solana_transaction transaction;
	struct solana_steps steps;
	const struct solana_step *nonce; /* null: the transaction expires with its blockhash */
	bool owners_known;               /* of every token account that is paid */
	bool is_signed;                  /* by all who must */
};

static const char *const CHAINS[] = {"solana:main", "solana:test", "solana:dev"};

static const struct solana_detail *
detail_of(const struct wallet_transaction *transaction) {
	return transaction->detail;
}

/* --- Decoding --- */

/* A transaction does not name its cluster. */
static enum status
chain_of_name(struct bytes name, const char **chain) {
	for (size_t i = 0; i < ARRAY_LENGTH(CHAINS); i++)
		if (bytes_equal_text(name, CHAINS[i])) {
			*chain = CHAINS[i];
			return OK;
		}
	return fail(STATUS_INVALID,
		    "solana.chain: expected \"solana:main\", \"solana:test\" or \"solana:dev\", found \"%.*s\"",
		    BYTES_ARGS(name));
}

static enum status
find_chain(struct wallet_transaction *transaction) {
	const char *chain = CHAINS[0];
	struct bytes wanted = wallet_chain_wanted(transaction->context);
	if (wanted.len > 0)
		TRY(chain_of_name(wanted, &chain));
	transaction->chain = bytes_of_text(chain);
	return OK;
}

/* The gate signs only what is unsigned and needs no signature but its own. */
static enum status
check_signable(const struct solana_transaction *decoded) {
	if (decoded->message.signers != 1)
		return fail(STATUS_UNSUPPORTED,
			    "solana.signers: %u accounts must sign; the gate signs what it can complete alone",
			    decoded->message.signers);
	if (solana_has_signature(decoded, 0))
		return fail(STATUS_INVALID,
			    "solana.signed: the transaction is signed already; the gate signs unsigned ones");
	return OK;
}

static enum status
check_signer(const struct wallet_key *key, const struct solana_transaction *decoded) {
	if (memcmp(decoded->message.accounts[0].bytes, key->public_key, sizeof decoded->message.accounts[0].bytes) != 0)
		return fail(STATUS_INVALID, "solana.signer: the account that must sign is another than key \"%.*s\"",
			    BYTES_ARGS(key->id));
	return OK;
}

static enum status
write_address(struct arena *arena, const struct solana_address *address, struct bytes *text) {
	*text = solana_address_text(arena, address);
	TRY_ALLOC(text->data);
	return OK;
}

static bool
is_transfer(const struct solana_step *step) {
	return step->kind == SOLANA_TRANSFER || step->kind == SOLANA_TOKEN_TRANSFER;
}

/* Where value goes, or what the program that is called may do with the account's rights: null for what concerns nobody. */
static const struct solana_address *
destination_of(const struct solana_step *step) {
	switch (step->kind) {
	case SOLANA_TRANSFER:
		return step->to;
	case SOLANA_TOKEN_TRANSFER:
		return step->owner != nullptr ? step->owner : step->to;
	case SOLANA_CREATE_ACCOUNT:
		return step->owner;
	case SOLANA_UNRECOGNISED:
		return step->program;
	default:
		return nullptr;
	}
}

static int
compare_texts(const void *a, const void *b) {
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Where nothing is paid, nobody named and nothing called, the fee payer itself: there always is a destination. */
static enum status
find_destinations(struct wallet_transaction *transaction, const struct solana_detail *detail) {
	struct bytes *found = ARENA_NEW_ARRAY(transaction->arena, detail->steps.count + 1, struct bytes);
	TRY_ALLOC(found);
	size_t count = 0;
	for (size_t i = 0; i < detail->steps.count; i++) {
		const struct solana_address *destination = destination_of(&detail->steps.items[i]);
		if (destination != nullptr)
			TRY(write_address(transaction->arena, destination, &found[count++]));
	}
	if (count == 0)
		found[count++] = transaction->from;
	qsort(found, count, sizeof *found, compare_texts);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || !bytes_equal(found[i], found[transaction->destination_count - 1]))
			found[transaction->destination_count++] = found[i];
	transaction->destinations = found;
	if (transaction->destination_count == 1)
		transaction->to = found[0];
	return OK;
}

static enum status
add_transfer(struct wallet_transaction *transaction, const struct solana_step *step, struct wallet_movement *movement) {
	struct bytes contract = {}, destination;
	const struct amount amount = amount_of(step->amount);
	if (step->kind == SOLANA_TOKEN_TRANSFER)
		TRY(write_address(transaction->arena, step->mint, &contract));
	TRY(write_address(transaction->arena, destination_of(step), &destination));
	TRY(wallet_movement_fill(transaction, WALLET_PART_TRANSFER, destination, contract, &amount, movement));
	transaction->call_unrecognised |= step->kind == SOLANA_TOKEN_TRANSFER && movement->asset == nullptr;
	if (step->kind == SOLANA_TOKEN_TRANSFER && movement->asset != nullptr &&
	    movement->asset->decimals != step->decimals)
		return fail(STATUS_INVALID, "solana.token.decimals: the transfer says %u, the registry %u for %.*s",
			    step->decimals, movement->asset->decimals, BYTES_ARGS(movement->asset_id));
	return OK;
}

/* Facts speak of one asset: with a key there may be no other. */
static enum status
sum_assets(struct wallet_transaction *transaction) {
	for (size_t i = 0; i < transaction->movement_count; i++) {
		const struct wallet_movement *movement = &transaction->movements[i];
		if (movement->part == WALLET_PART_FEE)
			continue;
		if (transaction->asset_id.len == 0) {
			transaction->asset_id = movement->asset_id;
			transaction->asset = movement->asset;
		}
		if (bytes_equal(transaction->asset_id, movement->asset_id)) {
			if (!amount_add(&transaction->amount, &movement->amount, &transaction->amount))
				return fail(STATUS_INTERNAL, "solana.amount: the transfers exceed 256 bits");
		} else {
			enum status several =
				fail(STATUS_UNSUPPORTED,
				     "solana.assets: transfers of %.*s and of %.*s; the gate signs one asset at a time",
				     BYTES_ARGS(transaction->asset_id), BYTES_ARGS(movement->asset_id));
			if (transaction->context->key != nullptr)
				return several;
			TRY(wallet_note_refusal(transaction));
		}
	}
	if (transaction->asset_id.len > 0)
		return OK;
	transaction->asset_id = asset_id(transaction->arena, transaction->chain, (struct bytes){});
	TRY_ALLOC(transaction->asset_id.data);
	transaction->asset = asset_find(transaction->context->assets, transaction->asset_id);
	return OK;
}

static enum status
find_movements(struct wallet_transaction *transaction, const struct solana_detail *detail) {
	struct wallet_movement *movements =
		ARENA_NEW_ARRAY(transaction->arena, detail->steps.count + 1, struct wallet_movement);
	TRY_ALLOC(movements);
	transaction->movements = movements;
	for (size_t i = 0; i < detail->steps.count; i++)
		if (is_transfer(&detail->steps.items[i]))
			TRY(add_transfer(transaction, &detail->steps.items[i],
					 &movements[transaction->movement_count++]));
	TRY(wallet_movement_fill(transaction, WALLET_PART_FEE, (struct bytes){}, (struct bytes){},
				 &transaction->fee_max, &movements[transaction->movement_count++]));
	return sum_assets(transaction);
}

static const char *
kind_of(const struct wallet_transaction *transaction, const struct solana_steps *steps) {
	if (transaction->call_unrecognised)
		return "unrecognised_call";
	for (size_t i = 0; i < steps->count; i++)
		if (is_transfer(&steps->items[i]))
			return steps->items[i].kind == SOLANA_TRANSFER ? "native" : "token_transfer";
	return "no_transfer";
}

/* Every message stands alone, and the same message takes effect once. Not even those that advance one nonce account and state one
 * value replace each other: if that value is a recent blockhash, validators take each for a message without a nonce, and advance
 * as often as they are asked to. The bytes do not tell a blockhash from a nonce's value. */
static void
identify_spend(struct wallet_transaction *transaction, const struct solana_detail *detail) {
	transaction->has_spend = true;
	transaction->spend =
		SHA256_PARTS(BYTES_OF_LITERAL("solana/message"), transaction->chain, detail->transaction.message_bytes);
}

static enum status
request_signature(struct wallet_transaction *transaction, const struct solana_detail *detail) {
	struct signing_request *request = ARENA_NEW(transaction->arena, struct signing_request);
	TRY_ALLOC(request);
	*request = (struct signing_request){
		.scheme = SCHEME_ED25519,
		.message = detail->transaction.message_bytes,
		.expected_public_key = BYTES_OF_ARRAY(detail->transaction.message.accounts[0].bytes),
	};
	identify_spend(transaction, detail);
	transaction->requests = request;
	transaction->request_count = 1;
	return OK;
}

static void
note_details(struct solana_detail *detail) {
	detail->owners_known = true;
	for (size_t i = 0; i < detail->steps.count; i++) {
		const struct solana_step *step = &detail->steps.items[i];
		if (step->kind == SOLANA_ADVANCE_NONCE)
			detail->nonce = step;
		if (step->kind == SOLANA_TOKEN_TRANSFER && step->owner == nullptr)
			detail->owners_known = false;
	}
	detail->is_signed = true;
	for (size_t i = 0; i < detail->transaction.message.signers; i++)
		detail->is_signed = detail->is_signed && solana_has_signature(&detail->transaction, i);
}

static enum status
decode(struct wallet_transaction *transaction) {
	struct solana_detail *detail = ARENA_NEW(transaction->arena, struct solana_detail);
	const struct wallet_key *key = transaction->context->key;
	uint64_t fee;
	TRY_ALLOC(detail);
	TRY(find_chain(transaction));
	TRY(solana_decode_transaction(transaction->arena, transaction->payload, &detail->transaction));
	enum status signable = check_signable(&detail->transaction);
	if (signable != OK && key != nullptr)
		return signable;
	if (signable != OK)
		TRY(wallet_note_refusal(transaction));
	if (key != nullptr)
		TRY(check_signer(key, &detail->transaction));
	TRY(solana_read_steps(transaction->arena, &detail->transaction.message, &detail->steps));
	TRY(solana_fee_max(&detail->transaction.message, &detail->steps, &fee));
	note_details(detail);
	transaction->detail = detail;
	transaction->fee_max = amount_of(fee);
	transaction->call_unrecognised = detail->steps.has_unrecognised;
	TRY(write_address(transaction->arena, &detail->transaction.message.accounts[0], &transaction->from));
	TRY(find_destinations(transaction, detail));
	TRY(find_movements(transaction, detail));
	transaction->kind = kind_of(transaction, &detail->steps);
	return key == nullptr ? OK : request_signature(transaction, detail);
}

/* --- Parties --- */

static size_t
parties_max(const struct wallet_transaction *transaction) {
	const struct solana_message *message = &detail_of(transaction)->transaction.message;
	return message->account_count + message->lookup_count;
}

/* The message names every account that any of its instructions can touch, but for those that lookup tables hold. */
static enum status
add_parties(const struct wallet_transaction *transaction, struct arena *arena, struct wallet_party *parties,
	    size_t *count) {
	const struct solana_message *message = &detail_of(transaction)->transaction.message;
	for (size_t i = 1; i < message->account_count; i++) {
		struct wallet_party *party = &parties[(*count)++];
		party->role = i < message->signers ? WALLET_ROLE_SIGNER : WALLET_ROLE_ACCOUNT;
		TRY(write_address(arena, &message->accounts[i], &party->address));
	}
	for (size_t i = 0; i < message->lookup_count; i++) {
		struct wallet_party *party = &parties[(*count)++];
		party->role = WALLET_ROLE_LOOKUP_TABLE;
		TRY(write_address(arena, &message->lookups[i].table, &party->address));
	}
	return OK;
}

/* --- Facts --- */

static int64_t
long_of(uint64_t number) {
	return number > (uint64_t)JSON_INTEGER_MAX ? INT64_MAX
						   : (int64_t)number; /* too large: states that it does not fit */
}

static const char *
version_name(const struct solana_detail *detail) {
	return detail->transaction.message.is_versioned ? "v0" : "legacy";
}

static void
add_programs(const struct solana_steps *steps, struct facts *facts) {
	struct bytes *programs = ARENA_NEW_ARRAY(facts->arena, steps->count, struct bytes);
	size_t count = 0;
	for (size_t i = 0; programs != nullptr && i < steps->count; i++) {
		struct bytes text = solana_address_text(facts->arena, steps->items[i].program);
		bool repeated = text.data == nullptr;
		for (size_t j = 0; j < count; j++)
			repeated = repeated || bytes_equal(programs[j], text);
		facts->failed |= text.data == nullptr;
		if (!repeated)
			programs[count++] = text;
	}
	facts->failed |= programs == nullptr;
	facts_add_set_of_strings(facts, "call.programs", FACT_VERIFIED, programs, count);
}

static void
add_facts(const struct wallet_transaction *transaction, struct facts *facts) {
	const struct solana_detail *detail = detail_of(transaction);
	facts_add_string(facts, "transfer.transaction_type", FACT_VERIFIED, bytes_of_text(version_name(detail)));
	facts_add_long(facts, "transfer.instructions", FACT_VERIFIED, (int64_t)detail->steps.count);
	facts_add_long(facts, "transfer.lookup_tables", FACT_VERIFIED,
		       (int64_t)detail->transaction.message.lookup_count);
	facts_add_long(facts, "transfer.accounts_created", FACT_VERIFIED, (int64_t)detail->steps.created);
	facts_add_boolean(facts, "transfer.destination_owner_known", FACT_VERIFIED, detail->owners_known);
	facts_add_boolean(facts, "transfer.durable_nonce", FACT_VERIFIED, detail->nonce != nullptr);
	if (detail->nonce != nullptr) {
		char text[SOLANA_ADDRESS_TEXT_SIZE];
		solana_address_format(detail->nonce->to, text);
		facts_add_string(facts, "transfer.nonce_account", FACT_VERIFIED, bytes_of_text(text));
	}
	if (detail->steps.has_unit_limit)
		facts_add_long(facts, "transfer.compute_unit_limit", FACT_VERIFIED, detail->steps.unit_limit);
	if (detail->steps.has_unit_price)
		facts_add_long(facts, "transfer.compute_unit_price", FACT_VERIFIED, long_of(detail->steps.unit_price));
	add_programs(&detail->steps, facts);
}

/* --- For people --- */

static void
write_member_u64(struct json_writer *writer, const char *key, uint64_t number) {
	char text[AMOUNT_TEXT_SIZE];
	const struct amount amount = amount_of(number);
	amount_format(&amount, text);
	json_write_member_text(writer, key, text);
}

static void
write_member_address(struct json_writer *writer, const char *key, const struct solana_address *address) {
	char text[SOLANA_ADDRESS_TEXT_SIZE] = "";
	if (address != nullptr)
		solana_address_format(address, text);
	json_write_member_text(writer, key, text);
}

static void
write_step(struct json_writer *writer, const struct solana_step *step, struct bytes data) {
	const struct hash256 hash = sha256(data);
	json_write_object(writer);
	write_member_u64(writer, "amount", step->amount);
	json_write_member_hex(writer, "data_hash", hash256_bytes(&hash));
	write_member_address(writer, "from", step->from);
	json_write_member_text(writer, "kind", solana_step_name(step->kind));
	write_member_address(writer, "mint", step->mint);
	write_member_address(writer, "owner", step->owner);
	write_member_address(writer, "program", step->program);
	write_member_address(writer, "to", step->to);
	json_write_end(writer);
}

static void
write_details(const struct wallet_transaction *transaction, struct json_writer *writer) {
	const struct solana_detail *detail = detail_of(transaction);
	const struct solana_message *message = &detail->transaction.message;
	json_write_member_integer(writer, "accounts_created", (int64_t)detail->steps.created);
	write_member_u64(writer, "compute_unit_limit", detail->steps.unit_limit);
	write_member_u64(writer, "compute_unit_price", detail->steps.unit_price);
	json_write_member_boolean(writer, "durable_nonce", detail->nonce != nullptr);
	json_write_key(writer, "fee_max");
	char fee[AMOUNT_TEXT_SIZE];
	amount_format(&transaction->fee_max, fee);
	json_write_text(writer, fee);
	json_write_key(writer, "instructions");
	json_write_array(writer);
	for (size_t i = 0; i < detail->steps.count; i++)
		write_step(writer, &detail->steps.items[i], message->instructions[i].data);
	json_write_end(writer);
	json_write_key(writer, "lookup_tables");
	json_write_array(writer);
	for (size_t i = 0; i < message->lookup_count; i++) {
		char text[SOLANA_ADDRESS_TEXT_SIZE];
		solana_address_format(&message->lookups[i].table, text);
		json_write_text(writer, text);
	}
	json_write_end(writer);
	write_member_address(writer, "recent_blockhash", &message->recent_blockhash);
	json_write_member_boolean(writer, "signed", detail->is_signed);
	json_write_member_integer(writer, "signers", message->signers);
	json_write_member_text(writer, "transaction_type", version_name(detail));
}

static void
explain_step(const struct solana_step *step, struct buffer *text) {
	char address[SOLANA_ADDRESS_TEXT_SIZE], owner[SOLANA_ADDRESS_TEXT_SIZE];
	switch (step->kind) {
	case SOLANA_TOKEN_TRANSFER:
		solana_address_format(step->to, address);
		buffer_append_format(text, "%-14s%s%s\n", "pays account", address,
				     step->owner == nullptr ? ", whose owner this transaction does not show" : "");
		break;
	case SOLANA_CREATE_ACCOUNT:
		solana_address_format(step->to, address);
		solana_address_format(step->owner, owner);
		buffer_append_format(text, "%-14s%s, the token account of %s, if it is not there\n", "creates", address,
				     owner);
		break;
	case SOLANA_UNRECOGNISED:
		solana_address_format(step->program, address);
		buffer_append_format(text, "%-14s%s (%s)\n", "calls", address,
				     solana_program_name(solana_program_of(step->program)));
		break;
	default:
		break;
	}
}

static void
explain_details(const struct wallet_transaction *transaction, struct buffer *text) {
	const struct solana_detail *detail = detail_of(transaction);
	const struct solana_message *message = &detail->transaction.message;
	char address[SOLANA_ADDRESS_TEXT_SIZE];
	buffer_append_format(text, "%-14s%s message, %u to sign, %s\n", "transaction",
			     message->is_versioned ? "version 0" : "legacy", message->signers,
			     detail->is_signed ? "signed" : "unsigned");
	for (size_t i = 0; i < detail->steps.count; i++)
		explain_step(&detail->steps.items[i], text);
	for (size_t i = 0; i < message->lookup_count; i++) {
		solana_address_format(&message->lookups[i].table, address);
		buffer_append_format(text, "%-14s%s, whose accounts the transaction does not hold\n", "looks up",
				     address);
	}
	if (detail->nonce != nullptr) {
		solana_address_format(detail->nonce->to, address);
		buffer_append_format(text, "%-14s%s: does not expire\n", "durable nonce", address);
	}
	solana_address_format(&message->recent_blockhash, address);
	buffer_append_format(text, "%-14s%s\n", detail->nonce != nullptr ? "nonce" : "blockhash", address);
	if (detail->steps.has_unit_limit)
		buffer_append_format(text, "%-14s%u\n", "compute units", detail->steps.unit_limit);
	if (detail->steps.has_unit_price)
		buffer_append_format(text, "%-14s%llu micro-lamports\n", "unit price",
				     (unsigned long long)detail->steps.unit_price);
}

/* --- The signed transaction --- */

static enum status
assemble(struct arena *arena, const struct wallet_transaction *transaction, const struct signature *signatures,
	 struct wallet_result *result) {
	const struct signing_request *request = transaction->requests;
	if (!bytes_equal(request->expected_public_key,
			 bytes_of(signatures->public_key, request->expected_public_key.len)))
		return fail(STATUS_INTERNAL, "solana.signature.key: signed by another key than the transaction's");
	struct solana_transaction complete = detail_of(transaction)->transaction;
	_cleanup_(buffer_free) struct buffer bytes = {};
	char id[BASE58_TEXT_SIZE];
	complete.signatures = &signatures->bytes;
	solana_encode_transaction(&complete, &bytes);
	TRY(buffer_status(&bytes));
	result->transaction = arena_copy(arena, buffer_bytes(&bytes));
	TRY_ALLOC(result->transaction.data);
	TRY(base58_encode(BYTES_OF_ARRAY(signatures->bytes), id));
	result->transaction_id = arena_copy(arena, bytes_of_text(id));
	TRY_ALLOC(result->transaction_id.data);
	return OK;
}

static enum status
assemble_signed(struct arena *arena, const struct wallet_transaction *transaction, struct bytes signed_transaction,
		struct wallet_result *result) {
	const struct signing_request *request = transaction->requests;
	struct solana_transaction complete;
	struct signature signature = {};
	TRY(solana_decode_transaction(arena, signed_transaction, &complete));
	memcpy(signature.bytes, complete.signatures[0],
	       sizeof signature.bytes); /* there is one at least: who pays the fee */
	memcpy(signature.public_key, request->expected_public_key.data, request->expected_public_key.len);
	TRY(ed25519_verify(request->expected_public_key.data, request->message, signature.bytes));
	return assemble(arena, transaction, &signature, result);
}

static enum status
normalise_address(struct arena *arena, struct bytes chain, struct bytes text, struct bytes *address) {
	(void)chain; /* an address is the same on every cluster */
	struct solana_address parsed;
	TRY(solana_address_parse(text, &parsed));
	return write_address(arena, &parsed, address);
}

static enum status
check_chain(struct bytes chain) {
	const char *known;
	return chain_of_name(chain, &known);
}

const struct wallet_operations wallet_solana_operations = {
	.name = "solana",
	.chain_prefix = "solana:",
	.check_chain = check_chain,
	.algorithm = KEY_ED25519,
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
