/* Root edits the allow list: there is no file to edit. What holds it is the signed log; what shows it is only shown. */
#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/demo/stage.h"
#include "store/projection.h"
#include "supervisor/handover.h"
#include "wallet/bitcoin/address.h"
#include "wallet/bitcoin/script.h"

constexpr size_t FILE_MAX = 64 * 1024 * 1024;

/* --- Looking for the list, and writing over it wherever it stands. --- */

static struct search {
	struct bytes from, to; /* of one length; to empty: only count */
	size_t files, holding;
	enum status status;
} search;

static enum status
search_file(const char *path, mode_t mode) {
	_cleanup_(buffer_free) struct buffer content = {};
	(void)mode;
	TRY(io_read_file(io_system(), path, FILE_MAX, &content));
	uint8_t *at = content.len == 0 ? nullptr : memmem(content.data, content.len, search.from.data, search.from.len);
	search.holding += at != nullptr;
	if (at == nullptr || search.to.len == 0)
		return OK;
	for (size_t left; at != nullptr; at = memmem(at, left, search.from.data, search.from.len)) {
		memcpy(at, search.to.data, search.to.len);
		left = content.len - (size_t)(at - content.data);
	}
	FILE *file = fopen(path, "r+");
	if (file == nullptr)
		return fail_errno(STATUS_IO, "demo.open: %s", path);
	size_t written = fwrite(content.data, 1, content.len, file);
	return fclose(file) == 0 && written == content.len ? OK : fail_errno(STATUS_IO, "demo.write: %s", path);
}

static int
visit(const char *path, const struct stat *found, int kind, struct FTW *) {
	if (kind != FTW_F)
		return 0;
	search.files++;
	search.status = search_file(path, found->st_mode);
	return search.status == OK ? 0 : 1;
}

static enum status
search_tree(const char *directory, const char *from, const char *to) {
	search = (struct search){.from = bytes_of_text(from),
				 .to = to == nullptr ? (struct bytes){} : bytes_of_text(to)};
	int result = nftw(directory, visit, 16, FTW_PHYS | FTW_MOUNT);
	TRY(search.status);
	return result == 0 ? OK : fail_errno(STATUS_IO, "demo.search: %s", directory);
}

/* --- The steps. --- */

/* An address of the attacker's own, as long as the one that is allowed. */
static enum status
attacker_address(struct stage *stage, const char **address) {
	uint8_t program[20];
	char text[BITCOIN_ADDRESS_SIZE];
	struct hash256 hash = sha256(bytes_of_text(stage->house.directory));
	memcpy(program, hash.bytes, sizeof program);
	struct bitcoin_script script = bitcoin_script_witness(0, BYTES_OF_ARRAY(program));
	TRY(stage_check(bitcoin_address_of_script(BITCOIN_MAIN, bitcoin_script_bytes(&script), text) &&
				strlen(text) == strlen(BITCOIN_PAYEE_ADDRESS),
			"the attacker's address", "has another length"));
	*address = arena_text(&stage->arena, bytes_of_text(text));
	TRY_ALLOC(*address);
	return OK;
}

static enum status
edit_log(struct stage *stage, const char *attacker) {
	const char *reason = "", *ledger = house_path(&stage->house, "data/ledger"),
		   *old = house_path(&stage->house, "old");
	char number[NUMBER_SIZE], name[NUMBER_SIZE];
	TRY_ALLOC(ledger);
	TRY_ALLOC(old);
	TRY(search_tree(stage->house.data, BITCOIN_PAYEE_ADDRESS, nullptr));
	size_t files = search.files, holding = search.holding;
	TRY(search_tree(ledger, BITCOIN_PAYEE_ADDRESS, attacker));
	TRY(stage_check(search.holding > 0, "the allow list", "stands in no segment of the log"));
	snprintf(number, sizeof number, "%zu of %zu files", holding, files);
	enum status status = house_serve(&stage->house, &reason);
	TRY(stage_check(status == STATUS_DENIED, "an edited log", "expected a refusal to start"));
	snprintf(name, sizeof name, "%.*s", (int)strcspn(reason, ":"), reason);
	TRY(stage_check(strncmp(name, "ledger.", 7) == 0 || strncmp(name, "segment.", 8) == 0 ||
				strncmp(name, "frame.", 6) == 0,
			"an edited log", "expected a refusal by the ledger's name"));
	stage->refused++;
	narrate("root edits the allow list", "refused", number,
		"hold it, all made from the signed log; edited there: %s", name);
	return house_copy(old, stage->house.data);
}

/* The tables that people look at: the denied operation is done now, and the list has one more address. */
static enum status
edit_tables(struct stage *stage, const char *attacker) {
	_cleanup_(projection_close) struct projection *projection = nullptr;
	_cleanup_(buffer_free) struct buffer body = {};
	const char *path = house_path(&stage->house, "data/state.db");
	TRY_ALLOC(path);
	struct projection_config config = {
		.io = io_system(), .path = path, .identity = sha256(bytes_of_text(stage->origin))};
	TRY(projection_open(&config, &projection));
	struct mark mark = projection_applied(projection);
	TRY(stage_check(mark.size > 0, "state.db", "is of another log"));
	struct projection_operation operation = {.id = bytes_of_text(stage->sanctioned.operation),
						 .state = BYTES_OF_LITERAL("done"),
						 .index = (uint64_t)stage->sanctioned.entry};
	buffer_append_format(&body, "{\"entries\":[\"bitcoin:main:%s\"],\"kind\":\"allowed\"}", attacker);
	TRY(buffer_status(&body));
	TRY(projection_begin(projection));
	TRY(projection_put_operation(projection, &operation));
	TRY(projection_put_object(projection, "lists", BYTES_OF_LITERAL("counterparties"), BYTES_OF_LITERAL("active"),
				  buffer_bytes(&body), mark.size - 1));
	return projection_commit(projection, &mark);
}

static enum status
give_back(const struct stage *stage) {
	return geteuid() == 0 ? handover_give_directory(stage->house.data, stage->house.config.users[IPC_ROLE_KEEPER])
			      : OK;
}

/* A transfer to the address that root would like to be allowed, and the operation that root would like to be done. */
static enum status
try_edited_tables(struct stage *stage, const char *attacker) {
	struct psbt_order order = {.to = attacker,
				   .sats = amount_pick(stage->amounts, "to the attacker", 100'000, 900'000),
				   .fee_sats = 2'000,
				   .serial = 2};
	struct told told, shown;
	const char *payload, *reason, *target;
	char number[NUMBER_SIZE];
	memcpy(order.public_key, stage->bitcoin_key, sizeof order.public_key);
	TRY(house_serve(&stage->house, &reason));
	TRY(psbt_payload(&stage->arena, &order, &payload));
	TRY(actor_ask(&stage->actors, ACTOR_TREASURER, "sign", "key:btc-treasury", payload, &told));
	TRY(stage_expect(stage, "a transfer to the attacker", &told, "denied"));
	target = arena_format(&stage->arena, "/v1/operations/%s", stage->sanctioned.operation);
	TRY_ALLOC(target);
	TRY(actor_get(&stage->actors, ACTOR_PERSON_1, target, &shown));
	TRY(stage_check(strcmp(shown.state, "denied") == 0, "the sanctioned transfer", "expected it to stay denied"));
	stage->refused++;
	snprintf(number, sizeof number, "entry %lld", (long long)told.entry);
	narrate("root edits state.db", "no effect", number, "an address added, a denial undone: both still denied");
	return stage_stop(stage);
}

enum status
attack_root(struct stage *stage) {
	const char *attacker, *old = house_path(&stage->house, "old");
	TRY_ALLOC(old);
	TRY(house_copy(stage->house.data, old));
	TRY(attacker_address(stage, &attacker));
	TRY(edit_log(stage, attacker));
	TRY(edit_tables(stage, attacker));
	TRY(give_back(stage));
	return try_edited_tables(stage, attacker);
}
