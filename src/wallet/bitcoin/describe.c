#include "wallet/bitcoin/describe.h"

#include <stdlib.h>

#include "wallet/format.h"

enum status
bitcoin_find_network(struct wallet_transaction *transaction, enum bitcoin_network *network) {
	struct bytes chain = wallet_chain_wanted(transaction->context);
	*network = BITCOIN_MAIN;
	if (chain.len > 0)
		TRY(bitcoin_network_of_chain(chain, network));
	transaction->chain = bytes_of_text(bitcoin_network_chain(*network));
	transaction->asset_id = asset_id(transaction->arena, transaction->chain, (struct bytes){});
	TRY_ALLOC(transaction->asset_id.data);
	transaction->asset = asset_find(transaction->context->assets, transaction->asset_id);
	return OK;
}

enum status
bitcoin_name_script(struct arena *arena, enum bitcoin_network network, struct bytes script, struct bytes *name) {
	char text[BITCOIN_ADDRESS_SIZE] = "script:";
	if (!bitcoin_address_of_script(network, script, text)) {
		struct hash256 hash = sha256(script);
		hex_encode(hash256_bytes(&hash), text + strlen("script:"));
	}
	*name = arena_copy(arena, bytes_of_text(text));
	TRY_ALLOC(name->data);
	return OK;
}

enum status
bitcoin_name_outputs(struct arena *arena, enum bitcoin_network network, const struct bitcoin_transaction *transaction,
		     const struct bytes **names) {
	struct bytes *made = ARENA_NEW_ARRAY(arena, transaction->output_count, struct bytes);
	TRY_ALLOC(made);
	for (size_t i = 0; i < transaction->output_count; i++)
		TRY(bitcoin_name_script(arena, network, transaction->outputs[i].script, &made[i]));
	*names = made;
	return OK;
}

static int
compare_names(const void *a, const void *b) {
	return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

void
bitcoin_set_destinations(struct wallet_transaction *transaction, struct bytes *names, size_t count) {
	qsort(names, count, sizeof *names, compare_names);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || compare_names(&names[i], &names[transaction->destination_count - 1]) != 0)
			names[transaction->destination_count++] = names[i];
	transaction->destinations = names;
	if (transaction->destination_count == 1)
		transaction->to = names[0];
}

enum status
bitcoin_add_output(struct wallet_transaction *transaction, struct bytes name, uint64_t sats,
		   struct wallet_movement *movement) {
	struct amount amount = amount_of(sats);
	TRY(wallet_movement_fill(transaction, WALLET_PART_TRANSFER, name, (struct bytes){}, &amount, movement));
	if (!amount_add(&transaction->amount, &amount, &transaction->amount))
		return fail(STATUS_INTERNAL, "bitcoin.money_range: the outputs exceed 256 bits");
	return OK;
}

void
bitcoin_write_sats(struct json_writer *writer, const char *key, uint64_t sats) {
	char text[AMOUNT_TEXT_SIZE];
	struct amount amount = amount_of(sats);
	amount_format(&amount, text);
	json_write_member_text(writer, key, text);
}

void
bitcoin_explain_times(const struct bitcoin_transaction *transaction, struct buffer *text) {
	constexpr uint32_t LOCK_TIME_IS_SECONDS = 500'000'000; /* below it, a height */
	buffer_append_format(text, "%-14s%s\n", "replaceable",
			     bitcoin_transaction_is_replaceable(transaction) ? "yes (BIP-125)" : "no");
	if (bitcoin_transaction_is_time_locked(transaction))
		buffer_append_format(text, "%-14s%u (%s)\n", "lock time", transaction->lock_time,
				     transaction->lock_time == 0 ? "an input waits for a number of blocks or seconds"
				     : transaction->lock_time < LOCK_TIME_IS_SECONDS ? "block height"
										     : "seconds since 1970");
	else if (transaction->lock_time != 0)
		buffer_append_format(text, "%-14s%u (without effect: every input is final)\n", "lock time",
				     transaction->lock_time);
}
