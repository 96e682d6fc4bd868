/* An old data directory is put back; an operator who holds all keys of the log writes another history. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/demo/stage.h"
#include "cli/demo/witness_call.h"
#include "keeper/installation.h"
#include "ledger/head.h"
#include "ledger/receipt.h"
#include "ledger/verify.h"
#include "model/entry.h"
#include "supervisor/handover.h"

/* --- Old data. --- */

static enum status
move(const char *from, const char *to) {
	return rename(from, to) == 0 ? OK : fail_errno(STATUS_IO, "demo.rename: %s to %s", from, to);
}

enum status
attack_old_data(struct stage *stage) {
	struct house *house = &stage->house;
	const char *old = house_path(house, "old"), *aside = house_path(house, "aside"), *reason = "";
	char number[NUMBER_SIZE], name[NUMBER_SIZE];
	TRY_ALLOC(old);
	TRY_ALLOC(aside);
	TRY(move(house->data, aside));
	TRY(house_copy(old, house->data));
	enum status status = house_serve(house, &reason);
	TRY(stage_check(status == STATUS_DENIED, "an old data directory", "expected a refusal to start"));
	snprintf(name, sizeof name, "%.*s", (int)strcspn(reason, ":"), reason);
	TRY(stage_check(strcmp(name, "ledger.behind") == 0, "an old data directory", "expected ledger.behind"));
	TRY(house_remove(house->data));
	TRY(move(aside, house->data));
	stage->refused++;
	snprintf(number, sizeof number, "%llu entries", (unsigned long long)stage->witnessed_size);
	narrate("old data is put back", "refused", number, "are behind the mark outside; the keeper does not start: %s",
		name);
	return OK;
}

/* --- Another history. --- */

struct forged_log {
	struct arena arena;
	struct bytes *leaves;
	size_t count;
	struct tree *tree;
	struct buffer note;
	struct checkpoint checkpoint;
};

static void
forged_log_free(struct forged_log *forged) {
	tree_destroy(&forged->tree);
	buffer_free(&forged->note);
	arena_free(&forged->arena);
}

static enum status
add_leaf(struct forged_log *forged, const struct entry *entry) {
	_cleanup_(buffer_free) struct buffer leaf = {};
	TRY(entry_write(entry, &leaf));
	forged->leaves[forged->count] = arena_copy(&forged->arena, buffer_bytes(&leaf));
	TRY_ALLOC(forged->leaves[forged->count].data);
	forged->count++;
	return OK;
}

/* Behind the deleted entry the numbers of its type, and the counts, become such as if it had never been. */
static enum status
rewrite(struct forged_log *forged, struct bytes leaf, enum entry_type deleted) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct entry entry;
	TRY(entry_read(&forged->arena, leaf, &entry));
	if (entry.type == deleted)
		entry.seq--;
	if (entry.type == ENTRY_COUNTS) {
		uint64_t counts[ENTRY_TYPES];
		TRY(entry_read_counts(entry.document, counts));
		counts[deleted]--;
		TRY(entry_write_counts(counts, &body));
		entry.body = buffer_bytes(&body);
	}
	return add_leaf(forged, &entry);
}

/* One harmless entry more at the end, so that the two histories are of one length. */
static enum status
fill_up(struct forged_log *forged, const struct journal *journal) {
	uint64_t clocks = 0;
	struct entry last = {}, filler = {.type = ENTRY_CLOCK, .body = BYTES_OF_LITERAL("{}")};
	for (size_t i = 0; i < journal->count; i++) {
		TRY(entry_peek(journal->leaves[i], &last));
		clocks += last.type == ENTRY_CLOCK;
	}
	filler.seq = clocks;
	filler.at_ms = last.at_ms;
	return add_leaf(forged, &filler);
}

static enum status
write_history(const struct journal *journal, size_t victim, struct forged_log *forged) {
	struct entry gone;
	forged->leaves = ARENA_NEW_ARRAY(&forged->arena, journal->count, struct bytes);
	TRY_ALLOC(forged->leaves);
	TRY(entry_peek(journal->leaves[victim], &gone));
	for (size_t i = 0; i < victim; i++)
		forged->leaves[forged->count++] = journal->leaves[i];
	for (size_t i = victim + 1; i < journal->count; i++)
		TRY(rewrite(forged, journal->leaves[i], gone.type));
	TRY(fill_up(forged, journal));
	return journal_tree(forged->leaves, forged->count, &forged->tree);
}

/* With both of the log's keys, which an operator can take out of a copy of the data directory. */
static enum status
sign_history(struct stage *stage, struct forged_log *forged) {
	_cleanup_(installation_close) struct installation installation = {};
	_cleanup_(secret_free) struct secret digits = {};
	const char *stolen = house_path(&stage->house, "stolen");
	struct head_signatures signatures;
	struct head head = {.size = forged->count, .root = tree_root(forged->tree)};
	TRY_ALLOC(stolen);
	TRY(house_copy(stage->house.data, stolen));
	TRY(secret_read_file(&digits, stage->house.config.root_key.source, 1024));
	TRY(installation_open(io_system(), stolen, ROOT_KEY_FILE, secret_bytes(&digits), &installation));
	TRY(head_sign(&installation.signer, &head, (uint64_t)io_realtime_ns(io_system()) / 1'000'000'000, &signatures));
	head_format(&forged->note, &installation.keys, &head, &signatures);
	TRY(buffer_status(&forged->note));
	struct note *note = ARENA_NEW(&forged->arena, struct note);
	TRY_ALLOC(note);
	TRY(note_parse(&forged->arena, buffer_bytes(&forged->note), note));
	return checkpoint_parse(note->text, &forged->checkpoint);
}

static enum status
read_log_policy(struct stage *stage, struct tlog_policy **policy) {
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(io_read_file(io_system(), stage->house.pins_path, TLOG_POLICY_SIZE_MAX, &text));
	return tlog_policy_parse(buffer_bytes(&text), policy);
}

/* Whoever keeps a receipt asks the new history to prove that it continues the receipt's head. */
static enum status
count_contradictions(struct stage *stage, const struct forged_log *forged, size_t *contradicting) {
	*contradicting = 0;
	for (size_t i = 0; i < stage->receipt_count; i++) {
		struct receipt *receipt = ARENA_NEW(&stage->arena, struct receipt);
		struct proof proof;
		TRY_ALLOC(receipt);
		TRY(receipt_parse(&stage->arena, stage->receipts[i].text, receipt));
		const struct checkpoint *old = &receipt->checkpoint;
		TRY(journal_consistency(forged->tree, old->size, forged->count, &proof));
		*contradicting += proof_verify_consistency(old->size, &old->root, forged->count,
							   &forged->checkpoint.root, proof.hashes, proof.count) != OK;
	}
	return OK;
}

static enum status
show_two_heads(struct stage *stage, const struct journal *journal, const struct forged_log *forged) {
	_cleanup_(tlog_policy_destroy) struct tlog_policy *policy = nullptr;
	struct verify_head true_head, forged_head;
	bool compared;
	char name[64], number[NUMBER_SIZE];
	TRY(read_log_policy(stage, &policy));
	TRY(verify_read_head(&stage->arena, journal->note, "the head that one auditor sees", policy, &true_head));
	TRY(verify_read_head(&stage->arena, buffer_bytes(&forged->note), "the head that another sees", policy,
			     &forged_head));
	TRY(stage_check(forged_head.verdict.has_ed25519 && forged_head.verdict.has_mldsa44, "the forged head",
			"expected both signatures of the log to hold"));
	TRY(stage_check(verify_compare_heads(&true_head, &forged_head, nullptr, &compared) == STATUS_CONFLICT,
			"two heads", "expected a contradiction"));
	fail_name(name, sizeof name);
	TRY(stage_check(strcmp(name, "verify.fork") == 0, "two heads", "expected verify.fork"));
	snprintf(number, sizeof number, "%zu entries", forged->count);
	narrate("an operator re-signs", "forged", number,
		"a new history without entry %lld, its head signed with both keys; two heads: %s",
		(long long)stage->first_answer.entry, name);
	return OK;
}

static enum status
show_receipts(struct stage *stage, const struct forged_log *forged) {
	size_t contradicting, expected = 0;
	char number[NUMBER_SIZE];
	TRY(count_contradictions(stage, forged, &contradicting));
	for (size_t i = 0; i < stage->receipt_count; i++)
		expected += stage->receipts[i].entry >= stage->first_answer.entry;
	TRY(stage_check(contradicting >= expected && expected > 0, "old receipts",
			"expected every later one to contradict"));
	stage->refused++;
	snprintf(number, sizeof number, "%zu of %zu", contradicting, stage->receipt_count);
	narrate("  an old receipt", "caught", number, "receipts that people kept do not lead to the new head");
	return OK;
}

static enum status
show_witness(struct stage *stage, const struct forged_log *forged) {
	_cleanup_(http_reply_free) struct http_reply reply = {};
	struct proof proof = {};
	char number[NUMBER_SIZE];
	TRY(journal_consistency(forged->tree, stage->witnessed_size, forged->count, &proof));
	TRY(witness_ask(stage, buffer_bytes(&forged->note), &proof, &reply));
	TRY(stage_check(reply.status == 422, "the witness", "expected 422: not consistent with what it cosigned"));
	stage->refused++;
	snprintf(number, sizeof number, "HTTP %d", reply.status);
	narrate("  the witness", "caught", number,
		"it cosigned %llu entries of the other history, and refuses this head",
		(unsigned long long)stage->witnessed_size);
	return OK;
}

enum status
attack_operator(struct stage *stage) {
	_cleanup_(journal_free) struct journal journal = {};
	_cleanup_(forged_log_free) struct forged_log forged = {};
	const char *directory = house_path(&stage->house, "data/public");
	TRY_ALLOC(directory);
	TRY(journal_read(directory, &journal));
	TRY(write_history(&journal, (size_t)stage->first_answer.entry, &forged));
	TRY(sign_history(stage, &forged));
	TRY(show_two_heads(stage, &journal, &forged));
	TRY(show_receipts(stage, &forged));
	return show_witness(stage, &forged);
}
