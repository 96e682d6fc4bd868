/* The witness hears of the log; an auditor verifies and replays it offline, with what was pinned at the founding. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/demo/journal.h"
#include "cli/demo/stage.h"
#include "cli/demo/witness_call.h"
#include "gate/replay.h"
#include "ledger/receipt.h"
#include "ledger/verify_log.h"

static enum status
read_policy(struct stage *stage, struct tlog_policy **policy) {
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(io_read_file(io_system(), stage->house.policy_path, TLOG_POLICY_SIZE_MAX, &text));
	return tlog_policy_parse(buffer_bytes(&text), policy);
}

enum status
witness_ask(struct stage *stage, struct bytes note, const struct proof *proof, struct http_reply *reply) {
	_cleanup_(buffer_free) struct buffer request = {};
	witness_request_write(&request, stage->witnessed_size, proof, note);
	TRY(buffer_status(&request));
	struct http_target target;
	struct http_call call = {.is_post = true,
				 .path = "/add-checkpoint",
				 .body = buffer_bytes(&request),
				 .timeout_ms = 10'000,
				 .answer_max = 64 * 1024};
	TRY(http_target_parse(bytes_of_text(stage->house.witness_address), &target));
	return http_exchange(&target, nullptr, &call, reply);
}

/* Beside the published checkpoint, where verifiers look for it; it is the keeper's like all else there. */
static enum status
publish_cosigned(struct stage *stage) {
	const char *path = house_path(&stage->house, "data/public/checkpoint.witnessed");
	uint32_t keeper = stage->house.config.users[IPC_ROLE_KEEPER];
	TRY_ALLOC(path);
	TRY(io_replace_file(io_system(), path, stage->witnessed_note));
	return geteuid() != 0 || chown(path, keeper, keeper) == 0 ? OK : fail_errno(STATUS_IO, "demo.owner: %s", path);
}

/* The head with the witness's two lines behind it. */
static enum status
keep_cosigned(struct stage *stage, const struct journal *journal, const struct http_reply *reply) {
	_cleanup_(tlog_policy_destroy) struct tlog_policy *policy = nullptr;
	_cleanup_(buffer_free) struct buffer cosigned = {};
	uint64_t size = 0;
	TRY(read_policy(stage, &policy));
	const struct note_key *keys[2];
	TRY(stage_check(tlog_policy_witness_count(policy) == ARRAY_LENGTH(keys), "the auditor's policy",
			"expected two witness keys"));
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
		keys[i] = &tlog_policy_witness(policy, i)->key;
	buffer_append_bytes(&cosigned, journal->note);
	TRY(witness_response_read(reply->status, buffer_bytes(&reply->content_type), buffer_bytes(&reply->body),
				  journal->note, keys, ARRAY_LENGTH(keys), &cosigned, &size));
	TRY(buffer_status(&cosigned));
	stage->witnessed_note = arena_copy(&stage->arena, buffer_bytes(&cosigned));
	TRY_ALLOC(stage->witnessed_note.data);
	stage->witnessed_size = journal->checkpoint.size;
	return publish_cosigned(stage);
}

static enum status
carry_head(struct stage *stage, const struct journal *journal) {
	_cleanup_(http_reply_free) struct http_reply reply = {};
	struct proof proof = {};
	TRY(journal_consistency(journal->tree, stage->witnessed_size, journal->checkpoint.size, &proof));
	TRY(witness_ask(stage, journal->note, &proof, &reply));
	return keep_cosigned(stage, journal, &reply);
}

static enum status
read_journal(struct stage *stage, struct journal *journal) {
	const char *directory = house_path(&stage->house, "data/public");
	TRY_ALLOC(directory);
	return journal_read(directory, journal);
}

/* What was published last when the processes stopped. */
enum status
step_witness(struct stage *stage) {
	_cleanup_(journal_free) struct journal journal = {};
	char number[NUMBER_SIZE];
	if (stage->house.serving != 0)
		TRY(stage_stop(stage));
	TRY(read_journal(stage, &journal));
	TRY(carry_head(stage, &journal));
	snprintf(number, sizeof number, "%zu entries", journal.count);
	narrate("the head is witnessed", "cosigned", number,
		"signed by the witness with both its keys; the processes are stopped");
	return OK;
}

/* --- Verifying. --- */

/* Every receipt that somebody keeps: its head is of this log, and its entry stands where it says. */
static enum status
verify_receipts(struct stage *stage, const struct journal *journal, const struct tlog_policy *policy) {
	for (size_t i = 0; i < stage->receipt_count; i++) {
		const struct kept_receipt *kept = &stage->receipts[i];
		struct receipt *receipt = ARENA_NEW(&stage->arena, struct receipt);
		struct tlog_verdict verdict;
		struct proof proof;
		TRY_ALLOC(receipt);
		TRY(receipt_parse(&stage->arena, kept->text, receipt));
		TRY(stage_check((int64_t)receipt->index == kept->entry && receipt->index < journal->count, "a receipt",
				"names another entry than the answer"));
		TRY(receipt_check_entry(receipt, journal->leaves[receipt->index]));
		TRY(tlog_policy_check(policy, &receipt->note, &receipt->checkpoint, &verdict));
		TRY(stage_check(verdict.has_ed25519 && verdict.has_mldsa44, "a receipt",
				"lacks one of the log's signatures"));
		TRY(journal_consistency(journal->tree, receipt->checkpoint.size, journal->count, &proof));
		TRY(proof_verify_consistency(receipt->checkpoint.size, &receipt->checkpoint.root,
					     journal->checkpoint.size, &journal->checkpoint.root, proof.hashes,
					     proof.count));
	}
	return OK;
}

static enum status
verify_directory(struct stage *stage, const struct tlog_policy *policy, struct verify_log_report *report) {
	const char *ledger = house_path(&stage->house, "data/ledger"),
		   *public = house_path(&stage->house, "data/public");
	TRY_ALLOC(ledger);
	TRY_ALLOC(public);
	struct verify_log_options options = {.io = io_system(),
					     .ledger_directory = ledger,
					     .public_directory = public,
					     .policy = policy,
					     .signatures = VERIFY_EVERY_HEAD,
					     .check_tiles = true};
	TRY(verify_log(&options, report));
	for (size_t i = 0; verify_weakness_at(i) != nullptr; i++)
		if (report->weaknesses & verify_weakness_at(i)->weakness)
			return fail(STATUS_CONFLICT, "demo.verify: %s: %s", verify_weakness_at(i)->name,
				    verify_weakness_at(i)->meaning);
	return OK;
}

enum status
audit_verify(struct stage *stage) {
	_cleanup_(tlog_policy_destroy) struct tlog_policy *policy = nullptr;
	_cleanup_(journal_free) struct journal journal = {};
	struct verify_log_report report;
	char number[NUMBER_SIZE], count[NUMBER_SIZE], time[NUMBER_SIZE];
	TRY(read_policy(stage, &policy));
	TRY(read_journal(stage, &journal));
	int64_t start_ns = io_boottime_ns(io_system());
	TRY(verify_directory(stage, policy, &report));
	TRY(verify_receipts(stage, &journal, policy));
	stage->verified_ns = io_boottime_ns(io_system()) - start_ns;
	snprintf(number, sizeof number, "%s entries", number_count(report.entries, count));
	narrate("offline verification", "verified", number,
		"%llu heads under both log keys, witnessed; %zu receipts; %s",
		(unsigned long long)report.signatures_checked, stage->receipt_count,
		number_time(stage->verified_ns, time));
	return OK;
}

/* --- Replaying. --- */

enum status
audit_replay(struct stage *stage) {
	_cleanup_(journal_free) struct journal journal = {};
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	const char *blobs = house_path(&stage->house, "data/blobs");
	char number[NUMBER_SIZE], time[NUMBER_SIZE];
	TRY_ALLOC(blobs);
	TRY(read_journal(stage, &journal));
	TRY(replayer_create(&replayer, &(struct record_blobs){io_system(), blobs}));
	int64_t start_ns = io_boottime_ns(io_system());
	for (size_t i = 0; i < journal.count; i++) {
		enum replay_result result;
		const char *difference;
		TRY(replayer_add(replayer, i, journal.leaves[i], &result, &difference));
		if (result == REPLAY_DIFFERENT)
			return fail(STATUS_CONFLICT, "demo.replay: entry %zu: %s", i, difference);
	}
	stage->replayed_ns = io_boottime_ns(io_system()) - start_ns;
	struct replay_counts counts = replayer_counts(replayer);
	size_t decisions, released;
	TRY(journal_decisions(&journal, &decisions, &released));
	TRY(stage_check(counts.same == decisions && counts.erased == 0, "replay",
			"expected every decision of the log"));
	snprintf(number, sizeof number, "%llu decisions", (unsigned long long)counts.same);
	narrate("replay", "all same", number, "decided again: same %llu, different %llu, erased %llu; %s",
		(unsigned long long)counts.same, (unsigned long long)counts.different,
		(unsigned long long)counts.erased, number_time(stage->replayed_ns, time));
	return OK;
}

/* --- Times. --- */

static int
compare_times(const void *a, const void *b) {
	int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
	return (one > other) - (one < other);
}

enum status
audit_times(struct stage *stage) {
	struct actors *actors = &stage->actors;
	char median[NUMBER_SIZE], slowest[NUMBER_SIZE];
	size_t count = actors->time_count;
	TRY(stage_check(count > 0, "timings", "nothing was measured"));
	qsort(actors->times_ns, count, sizeof actors->times_ns[0], compare_times);
	narrate("answers with receipts", "measured", number_time(actors->times_ns[count / 2], median),
		"median of %zu, TLS and fdatasync included; the slowest took %s", count,
		number_time(actors->times_ns[count - 1], slowest));
	return OK;
}
