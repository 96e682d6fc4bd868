#include "base/log.h"
#include "ledger/log_state.h"
#include "store/snapshot.h"

/* The log's own part, followed from one head to another. */
struct renewal {
	const struct ledger_renewal *config;
	struct log_state state;
	struct buffer cuts; /* what state.recorded_cuts points to */
};

static void
renewal_free(struct renewal *renewal) {
	buffer_free(&renewal->cuts);
}

static enum status
note_cut(struct renewal *renewal, struct bytes leaf) {
	_cleanup_(arena_free) struct arena arena = {};
	struct entry entry;
	struct bytes text;
	struct hash256 cut;
	TRY(entry_read(&arena, leaf, &entry));
	TRY(json_need_string(entry.document, "entry.recovered", "cut", &text));
	TRY(hex_decode(text, cut.bytes, sizeof cut.bytes));
	buffer_append_bytes(&renewal->cuts, hash256_bytes(&cut));
	return buffer_status(&renewal->cuts);
}

static enum status
follow(void *context, const struct ledger_record *record) {
	struct renewal *renewal = context;
	struct log_state *state = &renewal->state;
	struct entry entry;
	struct hash256 leaf = tree_leaf_hash(record->leaf);
	TRY(tree_frontier_append(&state->frontier, &leaf));
	TRY(entry_peek(record->leaf, &entry));
	state->counts[entry.type]++;
	state->at_ms = entry.at_ms;
	if (entry.type == ENTRY_RECOVERED)
		TRY(note_cut(renewal, record->leaf));
	return renewal->config->replay(renewal->config->context, record);
}

/* From the earlier snapshot where it is ours, lies on this log and is understood; otherwise from nothing. */
static enum status
begin(struct ledger *ledger, struct renewal *renewal) {
	const struct ledger_renewal *config = renewal->config;
	_cleanup_(buffer_free) struct buffer bytes = {};
	struct snapshot snapshot;
	struct log_state state;
	if (snapshot_read(ledger->io, config->snapshot_path, config->snapshot_key, &bytes, &snapshot) != OK ||
	    !hash256_equal(&snapshot.identity, &ledger->identity) || ledger_had_head(ledger, &snapshot.mark) != OK ||
	    log_state_read(snapshot.log_state, snapshot.mark.size, &state) != OK)
		return OK;
	enum status status = config->restore(config->context, snapshot.decision_state);
	if (status == STATUS_CORRUPT || status == STATUS_UNSUPPORTED)
		return OK;
	TRY(status);
	buffer_append_bytes(&renewal->cuts, state.recorded_cuts);
	renewal->state = state;
	return buffer_status(&renewal->cuts);
}

enum status
ledger_renew_snapshot(struct ledger *ledger, const struct ledger_renewal *config) {
	_cleanup_(renewal_free) struct renewal renewal = {.config = config};
	_cleanup_(buffer_free) struct buffer log_state = {}, decision_state = {};
	struct ledger_head head;
	ledger_durable_head(ledger, &head);
	TRY(begin(ledger, &renewal));
	TRY(ledger_visit(ledger, renewal.state.frontier.size, head.head.size, follow, &renewal));
	struct hash256 root = tree_frontier_root(&renewal.state.frontier);
	if (!hash256_equal(&root, &head.head.root))
		return fail(STATUS_CORRUPT, "ledger.root: the entries up to %llu do not have the root of their head",
			    (unsigned long long)head.head.size);
	renewal.state.recorded_cuts = buffer_bytes(&renewal.cuts);
	TRY(log_state_write(&renewal.state, &log_state));
	TRY(config->write(config->context, &decision_state));
	struct snapshot snapshot = {.identity = ledger->identity,
				    .mark = {head.head.size, head.head.root},
				    .log_state = buffer_bytes(&log_state),
				    .decision_state = buffer_bytes(&decision_state)};
	return snapshot_write(ledger->io, config->snapshot_path, config->snapshot_key, &snapshot);
}
