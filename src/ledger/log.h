/*
 * The log: the one place through which anything becomes evidence. docs/PROTOCOL.ledger, design §6.
 *
 * Entries are submitted in order; each is given its `seq` and `at` there. A committer takes whatever has arrived as one batch
 * (no delay is added, but for a round of decisions that holds it), closes it with the counts entry, appends it to the Merkle tree, signs the new head with both keys,
 * writes one frame, issues one fdatasync, and only then calls back: index, head and proof come from memory. Nothing of a
 * batch is visible before it is durable. There is one frame in flight at most, so recovery never meets more than one that
 * is incomplete.
 *
 * Whatever fails between submission and durability (a write, a sync, a signature) ends the process: the decision state that
 * the entries belong to is rebuilt from what is durable. A failed sync is never repeated. A full disk is different: room is
 * prepared ahead, so submissions are refused (STATUS_UNAVAILABLE "ledger.disk_full") before the room ends, entry types that use
 * the reserve go on for a while, reading goes on, and submitting works again when there is space.
 *
 * Owner: submitted bytes are copied. Threads: submitting, reading and proving from any; callbacks run on the committer's
 * thread and must not wait. Errors: "ledger.*", "segment.*", "frame.*".
 */
#ifndef GATEHOUSE_LEDGER_LOG_H
#define GATEHOUSE_LEDGER_LOG_H

#include "base/io.h"
#include "ledger/head.h"
#include "ledger/proof.h"
#include "model/entry.h"
#include "store/mark.h"

struct ledger;
struct recent_frame;

/* A size and root that the log must contain: a mark, a published head, a cosigned head, a snapshot. */
struct ledger_pin {
	const char *what; /* "the published checkpoint" */
	struct mark mark;
};

/* An entry that is read back. */
struct ledger_record {
	uint64_t index;
	struct bytes leaf;
	const struct hash256 *leaf_hash; /* null unless it comes from memory */
	struct bytes openings[4];        /* sealed */
	size_t opening_count;
};
constexpr size_t LEDGER_OPENINGS_MAX = 4; /* per entry */

struct ledger_config {
	const struct io *io;
	const char *directory; /* "<data>/ledger" */
	const struct head_signer *signer;
	const struct ledger_pin *pins;
	size_t pin_count;
	/* A file of snapshot_write() or null, and the key that it is made with. Where it is authentic, replay begins behind it and its
	 * decision state is handed over first; where that cannot be read (STATUS_CORRUPT, STATUS_UNSUPPORTED, with nothing restored), or the
	 * file is damaged, foreign or newer, the log is replayed from its beginning. */
	const char *snapshot_path;
	struct bytes snapshot_key;
	enum status (*restore)(void *context, struct bytes decision_state);
	/* Every entry in order, behind the snapshot if there was one. May be null. */
	enum status (*replay)(void *context, const struct ledger_record *record);
	void *context;
	/* Tree nodes older than those in memory (ledger/tile.h); may be null. */
	const struct tree_reader *older;
	uint64_t first_segment_size, segment_size; /* 0: the defaults of store/segment.h */
	/* After the last ledger_done of a batch, on the same thread: for whoever passes on together what a batch became. May be null. */
	void (*told)(void *context);
	/* Called once when nothing durable can be promised any more; null: an error line and _exit(). Not to return in production. */
	void (*fatal)(void *context, const char *message);
	/* No threads: submitted entries wait for ledger_commit_now(). For tools and deterministic tests. */
	bool is_manual;
};

/* A new log of no entries. STATUS_CONFLICT "ledger.exists". */
enum status ledger_create(const struct ledger_config *config);
/*
 * Locks the directory (STATUS_CONFLICT "ledger.locked"), recovers, replays, checks the pins and the last head's signatures.
 * Refuses with STATUS_CORRUPT "ledger.damaged", "ledger.chain", "ledger.root", "ledger.head", "ledger.counts",
 * STATUS_CONFLICT "ledger.behind" (a pin is beyond the end) or "ledger.fork" (another root at a pin).
 */
enum status ledger_open(const struct ledger_config *config, struct ledger **ledger);
/* Commits what was submitted, then closes. */
void ledger_close(struct ledger **ledger); /* a cleanup function */

/* Hashes of cut bytes that no `recovered` entry names yet; each needs one, with body {"cut":"<hex>"}. */
size_t ledger_unrecorded_cuts(const struct ledger *ledger, const struct hash256 **cuts);
/* Submits those entries. */
enum status ledger_record_cuts(struct ledger *ledger);

/* --- Appending. --- */

struct ledger_entry {
	enum entry_type type;
	struct bytes body;            /* canonical JSON of an object */
	const struct bytes *openings; /* sealed: store/opening.h */
	size_t opening_count;
};

/* What a batch became; valid during the callback. */
struct ledger_commit {
	uint64_t first_index;
	uint64_t entry_count; /* with the counts entry */
	struct head head;
	const struct head_signatures *signatures;
	struct bytes note; /* the signed checkpoint, as text */
	struct ledger *ledger;
};

/* status is OK when the entry is durable at `index`; otherwise commit is null and the ledger has ended. */
typedef void ledger_done(void *context, enum status status, const struct ledger_commit *commit, uint64_t index);

/*
 * Takes count entries, in order and in one batch; done is called once for each, in order. If it fails nothing was
 * taken: STATUS_UNAVAILABLE "ledger.disk_full", "ledger.overloaded", "ledger.ended"; STATUS_TOO_LARGE "ledger.entry_size".
 */
enum status ledger_submit(struct ledger *ledger, const struct ledger_entry *entries, size_t count, ledger_done *done,
			  void *context);
/* Between the two the committer leaves what is submitted lying, so that a round of decisions shares one head and one sync; a batch that
 * has become large goes nevertheless. For one submitting thread, and short: whoever waits for an entry waits for the release. */
void ledger_hold(struct ledger *ledger);
void ledger_release(struct ledger *ledger);
/* What ledger_submit() would say to entries of these types and sizes; their bodies are not looked at. For callers that must
 * not do what they could not record. */
enum status ledger_check_room(struct ledger *ledger, const struct ledger_entry *entries, size_t count);
/* Submits and waits; *first_index (may be null) receives the index of the first entry. */
enum status ledger_append(struct ledger *ledger, const struct ledger_entry *entries, size_t count,
			  uint64_t *first_index);
/* The time that entries submitted now would carry: the wall clock, but never below the last entry's. */
int64_t ledger_time_ms(struct ledger *ledger);
/* is_manual: commits what was submitted, on this thread. */
enum status ledger_commit_now(struct ledger *ledger);

/* --- Reading: durable entries only. --- */

struct ledger_head {
	struct head head;
	struct head_signatures signatures;
};
void ledger_durable_head(struct ledger *ledger, struct ledger_head *head);
/* The inclusion proof of a durable entry in the tree of `size`; during a callback that of the commit's. */
enum status ledger_prove(struct ledger *ledger, uint64_t index, uint64_t size, struct proof *proof);
enum status ledger_prove_consistency(struct ledger *ledger, uint64_t old_size, uint64_t size, struct proof *proof);
/* *record borrows from *bytes. */
enum status ledger_read(struct ledger *ledger, uint64_t index, struct buffer *bytes, struct ledger_record *record);
/* Entries from..to−1, in order. */
enum status ledger_visit(struct ledger *ledger, uint64_t from, uint64_t to,
			 enum status (*visit)(void *context, const struct ledger_record *record), void *context);
/*
 * For the one reader that follows the log (ledger/publisher.h). From ledger_keep_recent() on, durable frames stay in memory
 * until they are taken, up to so many bytes; 0: no longer. Taking them gives the durable head of the same moment, too; *recent,
 * which may be null, is given back. ledger_visit_recent() is ledger_visit() that reads from memory what is there.
 */
void ledger_keep_recent(struct ledger *ledger, size_t bytes_max);
struct recent_frame *ledger_take_recent(struct ledger *ledger, struct ledger_head *durable);
void ledger_give_back_recent(struct ledger *ledger, struct recent_frame *recent);
enum status ledger_visit_recent(struct ledger *ledger, const struct recent_frame *recent, uint64_t from, uint64_t to,
				enum status (*visit)(void *context, const struct ledger_record *record), void *context);
/* The head of the frame that holds a durable entry, as it was signed: for publishing in pieces. */
enum status ledger_head_of_entry(struct ledger *ledger, uint64_t index, struct ledger_head *head);
/* OK if this log once had this durable head (or the mark is empty): STATUS_CONFLICT "ledger.behind", "ledger.fork". */
enum status ledger_had_head(struct ledger *ledger, const struct mark *mark);
/* Every frame read again and checked against its root; slow, for background verification. */
enum status ledger_check(struct ledger *ledger);
/* How many entries of each type are durable. */
void ledger_counts(struct ledger *ledger, uint64_t counts[ENTRY_TYPES]);

/* Writes a snapshot of decision state that reflects exactly the durable entries: STATUS_UNAVAILABLE "ledger.pending" if
 * something is submitted and not durable yet. */
enum status ledger_snapshot(struct ledger *ledger, const char *path, struct bytes key, struct bytes decision_state);

/*
 * A newer snapshot in the place of an earlier one, without a word to who submits: what a start does, done beside the running log.
 * The earlier one's decision state is handed to restore() where it fits (as in ledger_open()), replay() gets every entry since,
 * and write() appends the state that they lead to. From any thread, one at a time. replay() may fail to end it early.
 */
struct ledger_renewal {
	const char *snapshot_path;
	struct bytes snapshot_key;
	enum status (*restore)(void *context, struct bytes decision_state);
	enum status (*replay)(void *context, const struct ledger_record *record);
	enum status (*write)(void *context, struct buffer *decision_state);
	void *context;
};
enum status ledger_renew_snapshot(struct ledger *ledger, const struct ledger_renewal *renewal);
/* How many entries the snapshot holds that ledger_open() began from; 0: none was used. */
uint64_t ledger_restored_size(const struct ledger *ledger);

struct ledger_statistics {
	uint64_t frames, entries, bytes;     /* since opening */
	uint64_t sign_ns, write_ns, sync_ns; /* sums over frames */
	uint64_t pending;                    /* entries submitted and not durable */
	bool is_disk_full; /* there is none for the next segment: once this one is used up to its reserve, only entries that use that are taken */
};
void ledger_statistics(struct ledger *ledger, struct ledger_statistics *statistics);

#endif
