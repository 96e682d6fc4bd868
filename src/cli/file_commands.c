#include "cli/handlers.h"

#include <stdio.h>
#include <sys/stat.h>

#include "cli/asset_file.h"
#include "cli/client.h"
#include "cli/log_files.h"
#include "cli/output.h"
#include "gate/replay.h"
#include "ledger/read_only_io.h"
#include "ledger/verify_command.h"
#include "store/segment.h"
#include "wallet/bitcoin/psbt.h"
#include "wallet/wallet.h"

/* --- Transactions. --- */

/* What everybody knows: the assets of the chains themselves, but for those that a file of assets has named already. */
static enum status
know_native_assets(struct asset_registry *registry) {
	static const struct {
		const char *chain, *symbol;
		unsigned decimals;
	} natives[] = {{"eip155:1", "ETH", 18},         {"bitcoin:main", "BTC", 8},    {"bitcoin:test", "tBTC", 8},
		       {"bitcoin:testnet4", "tBTC", 8}, {"bitcoin:signet", "sBTC", 8}, {"bitcoin:regtest", "rBTC", 8},
		       {"solana:main", "SOL", 9},       {"solana:test", "SOL", 9},     {"solana:dev", "SOL", 9}};
	for (size_t i = 0; i < ARRAY_LENGTH(natives); i++) {
		struct bytes chain = bytes_of_text(natives[i].chain);
		if (asset_find_contract(registry, chain, (struct bytes){}) == nullptr)
			TRY(asset_registry_add(registry, chain, (struct bytes){}, bytes_of_text(natives[i].symbol),
					       natives[i].decimals));
	}
	return OK;
}

/* Tokens are known to an installation, and here to a file of assets, as far as one is given. */
static enum status
know_assets(struct invocation *invocation, struct asset_registry *registry) {
	const char *path = invocation_option(invocation, "assets");
	struct bytes text;
	if (path != nullptr && strcmp(path, "-") == 0 && strcmp(invocation_word(invocation, 0), "-") == 0)
		return fail(STATUS_INVALID, "usage.assets: transaction and assets cannot both be standard input");
	if (path != nullptr) {
		TRY(input_file(&invocation->arena, path, YAML_SIZE_MAX, &text));
		TRY(asset_file_read(&invocation->arena, path, text, registry));
	}
	return know_native_assets(registry);
}

static enum status
read_network(struct invocation *invocation, enum wallet_format format, struct bytes *chain) {
	const char *name = invocation_option(invocation, "network");
	if (name == nullptr)
		return OK;
	if (format == WALLET_EVM)
		return fail(STATUS_INVALID, "usage.network: an Ethereum transaction names its chain itself");
	const char *prefix = format == WALLET_SOLANA ? "solana" : "bitcoin";
	*chain = bytes_of_text(arena_format(&invocation->arena, "%s:%s", prefix, name));
	TRY_ALLOC(chain->data);
	return wallet_check_chain(*chain);
}

static enum status
decode(struct invocation *invocation, struct buffer *text) {
	_cleanup_(asset_registry_destroy) struct asset_registry *registry = nullptr;
	struct bytes given, bytes;
	enum wallet_format format;
	struct wallet_transaction *transaction;
	TRY(asset_registry_create(&registry));
	enum status known = know_assets(invocation, registry);
	if (known == STATUS_CONFLICT) /* two of them contradict each other: the file is at fault */
		invocation->exit_code = EXIT_USAGE;
	TRY(known);
	struct wallet_context context = {.assets = registry};
	TRY(input_file(&invocation->arena, invocation_word(invocation, 0), 2 * WALLET_PAYLOAD_MAX + 64, &given));
	invocation->exit_code = EXIT_FOUND; /* from here on it is the transaction that is refused */
	const char *wanted = invocation_option(invocation, "format");
	enum status status = wallet_reader_payload_of_text(&invocation->arena, given,
							   wanted == nullptr ? (struct bytes){} : bytes_of_text(wanted),
							   &format, &bytes);
	if (status == STATUS_UNSUPPORTED) /* the format that was named, and not the transaction */
		invocation->exit_code = EXIT_USAGE;
	TRY(status);
	status = read_network(invocation, format, &context.chain);
	if (status != OK) {
		invocation->exit_code = EXIT_USAGE;
		return status;
	}
	TRY(wallet_decode(&invocation->arena, format, bytes, &context, &transaction));
	TRY(invocation->json ? wallet_view(transaction, text) : wallet_explain(transaction, text));
	invocation->exit_code = transaction->refusal == nullptr ? EXIT_DONE : EXIT_FOUND;
	if (invocation->json)
		buffer_append_byte(text, '\n');
	return OK;
}

enum status
tx_decode_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer text = {}, shown = {};
	TRY(decode(invocation, &text));
	if (invocation->json)
		return output_data(&text);
	output_foreign(&shown, buffer_bytes(&text), true);
	return output_data(&shown);
}

static enum status
read_psbt(struct invocation *invocation, size_t word, struct psbt *psbt) {
	struct bytes given, bytes;
	enum wallet_format format;
	TRY(input_file(&invocation->arena, invocation_word(invocation, word), 2 * WALLET_PAYLOAD_MAX + 64, &given));
	TRY(wallet_payload_of_text(&invocation->arena, given, &format, &bytes));
	if (format != WALLET_PSBT)
		return fail(STATUS_INVALID, "psbt.magic: %s is no PSBT", invocation_word(invocation, word));
	return psbt_read(&invocation->arena, bytes, psbt);
}

/* BIP-174's combiner: what several signers or wallets have added to one transaction, in one file. Nothing is verified by it. */
enum status
tx_combine_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer combined = {}, text = {};
	struct psbt first, second;
	struct json_writer writer;
	TRY(read_psbt(invocation, 0, &first));
	TRY(read_psbt(invocation, 1, &second));
	invocation->exit_code = EXIT_FOUND; /* from here on they do not go together */
	TRY(psbt_combine(&invocation->arena, &first, &second, &combined));
	invocation->exit_code = EXIT_DONE;
	if (invocation->json) {
		json_writer_start(&writer, &text);
		json_write_object(&writer);
		json_write_key(&writer, "psbt");
		json_write_base64(&writer, buffer_bytes(&combined));
		json_write_end(&writer);
		TRY(json_writer_finish(&writer));
	} else
		buffer_append_base64(&text, buffer_bytes(&combined));
	buffer_append_byte(&text, '\n');
	return output_data(&text);
}

/* --- A log on disk, only read. --- */

struct one_entry {
	uint64_t wanted;
	struct arena *arena;
	struct bytes leaf;
};

static enum status
keep_wanted(void *context, uint64_t index, struct bytes leaf) {
	struct one_entry *one = context;
	if (index != one->wanted)
		return OK;
	one->leaf = arena_copy(one->arena, leaf);
	TRY_ALLOC(one->leaf.data);
	return OK;
}

static enum status
read_index(const struct invocation *invocation, size_t word, uint64_t *index) {
	if (decimal_decode(bytes_of_text(invocation_word(invocation, word)), index) != OK)
		return fail(STATUS_INVALID, "usage.index: \"%s\" is no index of an entry",
			    invocation_word(invocation, word));
	return OK;
}

enum status
ledger_show_run(struct invocation *invocation) {
	struct one_entry one = {.arena = &invocation->arena};
	struct log_visit log = {.context = &one, .visit = keep_wanted};
	TRY(read_index(invocation, 1, &one.wanted));
	TRY(log_files_visit(&invocation->arena, invocation_word(invocation, 0), &log));
	if (one.leaf.data == nullptr)
		return fail(STATUS_NOT_FOUND, "ledger.index: the log has %llu entries", (unsigned long long)log.next);
	return output_document(invocation, one.leaf);
}

enum status
ledger_receipt_run(struct invocation *invocation) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct connection_answer answer;
	uint64_t index;
	TRY(read_index(invocation, 0, &index));
	const char *target = arena_format(&invocation->arena, "/v1/ledger/entries/%llu%s", (unsigned long long)index,
					  invocation_flag(invocation, "cosigned") ? "?cosigned=1" : "");
	TRY_ALLOC(target);
	TRY(client_create(invocation, false, &client));
	TRY(client_get(client, &invocation->arena, target, &answer));
	invocation->exit_code = client_exit_code(answer.status);
	if (answer.status < 300)
		return output_file(invocation_option(invocation, "out"), answer.body, 0644, false);
	client_say_problem(&invocation->arena, &answer);
	return OK;
}

/* --- Replay. --- */

constexpr size_t DIFFERENCES_SHOWN = 10;

struct replay {
	struct replayer *replayer;
	size_t shown;
};

static enum status
replay_entry(void *context, uint64_t index, struct bytes leaf) {
	struct replay *replay = context;
	enum replay_result result;
	const char *difference;
	TRY(replayer_add(replay->replayer, index, leaf, &result, &difference));
	if (result == REPLAY_DIFFERENT && replay->shown++ < DIFFERENCES_SHOWN) {
		_cleanup_(buffer_free) struct buffer text = {};
		output_foreign(&text, bytes_of_text(difference == nullptr ? "no reason given" : difference), false);
		TRY(buffer_status(&text));
		output_note("gatehouse: entry %llu differs: %.*s", (unsigned long long)index, BYTES_ARGS(text));
	}
	return OK;
}

static enum status
foresee_entry(void *context, uint64_t, struct bytes leaf) {
	return replayer_foresee(((struct replay *)context)->replayer, leaf);
}

enum status
ledger_replay_run(struct invocation *invocation) {
	struct read_only_io io = read_only_io_over(io_system());
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	_cleanup_(buffer_free) struct buffer text = {};
	const char *directory = invocation_word(invocation, 0);
	struct record_blobs blobs = {.io = &io.io,
				     .directory = arena_format(&invocation->arena, "%s/blobs", directory)};
	TRY_ALLOC(blobs.directory);
	TRY(replayer_create(&replayer, &blobs));
	struct replay replay = {.replayer = replayer};
	struct log_visit before = {.context = &replay, .visit = foresee_entry, .is_quiet = true};
	struct log_visit log = {.context = &replay, .visit = replay_entry};
	TRY(log_files_visit(&invocation->arena, directory, &before));
	TRY(log_files_visit(&invocation->arena, directory, &log));
	struct replay_counts counts = replayer_counts(replayer);
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_integer(&w, "again", (int64_t)counts.again);
	json_write_member_integer(&w, "bundles", (int64_t)counts.bundles);
	json_write_member_integer(&w, "different", (int64_t)counts.different);
	json_write_member_integer(&w, "enrolments", (int64_t)counts.enrolments);
	json_write_member_integer(&w, "entries", (int64_t)counts.entries);
	json_write_member_integer(&w, "erased", (int64_t)counts.erased);
	json_write_member_integer(&w, "partly", (int64_t)counts.partly);
	json_write_member_integer(&w, "recomputed", (int64_t)counts.recomputed);
	json_write_member_integer(&w, "same", (int64_t)counts.same);
	json_write_member_integer(&w, "sign_ins", (int64_t)counts.sign_ins);
	json_write_member_integer(&w, "unknown", (int64_t)counts.unknown);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	if (counts.partly > 0)
		output_note("gatehouse: of %llu decisions some facts are taken as they are recorded: docs/verify.md",
			    (unsigned long long)counts.partly);
	if (counts.unknown > 0)
		output_note("gatehouse: the facts of %llu decisions are not recomputed: entry %llu is left out",
			    (unsigned long long)counts.unknown, (unsigned long long)counts.left_out);
	invocation->exit_code = counts.different == 0 ? EXIT_DONE : EXIT_FOUND;
	return output_document(invocation, buffer_bytes(&text));
}

/* All values of an option that may be repeated. */
static enum status
take_values(const struct invocation *invocation, const char *option, size_t max, const char **values, size_t *count) {
	const char *value;
	for (*count = 0; (value = invocation_option_at(invocation, option, *count)) != nullptr; (*count)++) {
		if (*count == max)
			return fail(STATUS_INVALID, "usage.many: --%s stands more than %zu times", option, max);
		values[*count] = value;
	}
	return OK;
}

enum status
ledger_verify_run(struct invocation *invocation) {
	struct verify_arguments arguments = {.program = "gatehouse ledger verify",
					     .verb = invocation->command->verb,
					     .subject = invocation_word(invocation, 0),
					     .entry = invocation_option(invocation, "entry"),
					     .policy = invocation_option(invocation, "policy"),
					     .consistency = invocation_option(invocation, "consistency"),
					     .witnessed = invocation_option(invocation, "witnessed"),
					     .heads = invocation_option(invocation, "heads"),
					     .tiles = invocation_flag(invocation, "tiles"),
					     .accept_tail = invocation_flag(invocation, "accept-tail"),
					     .json = invocation->json};
	TRY(take_values(invocation, "key", ARRAY_LENGTH(arguments.keys), arguments.keys, &arguments.key_count));
	TRY(take_values(invocation, "older", ARRAY_LENGTH(arguments.older), arguments.older, &arguments.older_count));
	invocation->exit_code = verify_run(&arguments);
	return OK;
}
