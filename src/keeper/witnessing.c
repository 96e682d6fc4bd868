#include "keeper/witnessing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "ledger/witness.h"

constexpr int64_t INTERVAL_MS = 1'000;
constexpr int64_t BACK_OFF_MAX_MS = 30'000;

enum step { RESTING, OFFERING, ASKING };

struct witnessing {
	struct witnessing_config config;
	struct tlog_policy *policy;
	const struct note_key *keys[WITNESSING_KEYS_MAX];
	size_t key_count;
	/* The round. */
	enum step step;
	bool is_told;  /* the witness has said in this round from which size it wants the proof */
	bool must_ask; /* the next step is to ask for what it cosigned last */
	uint64_t old_size;
	uint64_t offered_weight;
	struct ledger_head offered;
	struct buffer note, request;
	/* Between rounds. */
	int64_t next_ms;
	unsigned failures;
	char error[256];
	uint64_t cosigned_weight;
	/* The newest cosigned head, which the publisher reads. */
	pthread_mutex_t mutex;
	uint64_t cosigned_size, published_size;
	struct buffer cosigned;
};

/* --- Opening --- */

static enum status
check_log_key(const struct witnessing *witnessing, const struct note_key *own) {
	for (size_t i = 0; i < tlog_policy_log_count(witnessing->policy); i++) {
		const struct note_key *key = &tlog_policy_log(witnessing->policy, i)->key;
		if (key->type == own->type && bytes_equal(note_key_name(key), note_key_name(own)) &&
		    bytes_equal(bytes_of(key->public_key, key->public_key_len),
				bytes_of(own->public_key, own->public_key_len)))
			return OK;
	}
	return fail(STATUS_INVALID,
		    "witnessing.policy_log: the witness policy has no log line for %s's key of type 0x%02x", own->name,
		    (unsigned)own->type);
}

static enum status
read_policy(struct witnessing *witnessing) {
	TRY(tlog_policy_parse(witnessing->config.policy, &witnessing->policy));
	TRY(check_log_key(witnessing, &witnessing->config.keys->ed25519));
	TRY(check_log_key(witnessing, &witnessing->config.keys->mldsa44));
	if (!tlog_policy_demands_witnesses(witnessing->policy))
		return fail(STATUS_INVALID, "witnessing.policy_quorum: the witness policy demands no witness");
	witnessing->key_count = tlog_policy_witness_count(witnessing->policy);
	if (witnessing->key_count > WITNESSING_KEYS_MAX)
		return fail(STATUS_INVALID, "witnessing.policy_keys: %zu witness lines, at most %zu expected",
			    witnessing->key_count, WITNESSING_KEYS_MAX);
	for (size_t i = 0; i < witnessing->key_count; i++)
		witnessing->keys[i] = &tlog_policy_witness(witnessing->policy, i)->key;
	return OK;
}

/* Of an earlier start: where to begin the proof. It was a pin of the log that is open; that it stands says nothing of now. */
static enum status
read_published(struct witnessing *witnessing) {
	_cleanup_(arena_free) struct arena arena = {};
	struct checkpoint checkpoint;
	struct note *note = ARENA_NEW(&arena, struct note);
	TRY_ALLOC(note);
	enum status status =
		io_read_file(witnessing->config.io, witnessing->config.path, NOTE_SIZE_MAX, &witnessing->cosigned);
	if (status == STATUS_NOT_FOUND)
		return OK;
	TRY(status);
	TRY(note_parse(&arena, buffer_bytes(&witnessing->cosigned), note));
	TRY(checkpoint_parse(note->text, &checkpoint));
	witnessing->old_size = witnessing->cosigned_size = witnessing->published_size = checkpoint.size;
	return OK;
}

enum status
witnessing_open(const struct witnessing_config *config, struct witnessing **witnessing) {
	_cleanup_(witnessing_close) struct witnessing *opened = calloc(1, sizeof *opened);
	TRY_ALLOC(opened);
	pthread_mutex_init(&opened->mutex, nullptr);
	opened->config = *config;
	TRY(read_policy(opened));
	TRY(read_published(opened));
	opened->config.policy = (struct bytes){};
	*witnessing = TAKE(opened);
	return OK;
}

void
witnessing_close(struct witnessing **witnessing) {
	struct witnessing *gone = TAKE(*witnessing);
	if (gone == nullptr)
		return;
	tlog_policy_destroy(&gone->policy);
	buffer_free(&gone->note);
	buffer_free(&gone->request);
	buffer_free(&gone->cosigned);
	pthread_mutex_destroy(&gone->mutex);
	free(gone);
}

/* --- The end of a round --- */

static void
rest(struct witnessing *witnessing, int64_t now_ms, int64_t delay_ms) {
	witnessing->step = RESTING;
	witnessing->next_ms = now_ms + delay_ms;
}

/* Cut between characters, since it is shown as text. */
static void
keep_error(struct witnessing *witnessing, const char *why) {
	fail_keep("%.*s", (int)sizeof witnessing->error - 1, why);
	snprintf(witnessing->error, sizeof witnessing->error, "%s", fail_message());
}

void
witnessing_lost(struct witnessing *witnessing, int64_t now_ms, const char *why) {
	unsigned doublings = witnessing->failures > 5 ? 5 : witnessing->failures;
	int64_t delay_ms = INTERVAL_MS << doublings;
	if (witnessing->failures++ == 0)
		log_warning("the head was not cosigned: %s", why);
	keep_error(witnessing, why);
	witnessing->is_told = witnessing->must_ask = false;
	rest(witnessing, now_ms, delay_ms > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : delay_ms);
}

static void
ignore_done(void *, enum status, const struct ledger_commit *, uint64_t) {}

static enum status
record(struct witnessing *witnessing, struct bytes lines) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	json_write_object(&w);
	json_write_member_string(&w, "lines", lines);
	json_write_member_hex(&w, "root", hash256_bytes(&witnessing->offered.head.root));
	json_write_member_integer(&w, "size", (int64_t)witnessing->offered.head.size);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return ledger_submit(witnessing->config.ledger,
			     &(struct ledger_entry){.type = ENTRY_COSIGNATURE, .body = buffer_bytes(&body)}, 1,
			     ignore_done, nullptr);
}

/* Whether the policy's quorum stands behind the head that was offered, our own keys among the signers. */
static enum status
check_quorum(const struct witnessing *witnessing, struct bytes cosigned) {
	_cleanup_(arena_free) struct arena arena = {};
	struct note *note = ARENA_NEW(&arena, struct note);
	struct checkpoint checkpoint;
	struct tlog_verdict verdict;
	TRY_ALLOC(note);
	TRY(note_parse(&arena, cosigned, note));
	TRY(checkpoint_parse(note->text, &checkpoint));
	TRY(tlog_policy_check(witnessing->policy, note, &checkpoint, &verdict));
	if (!verdict.has_ed25519 || !verdict.has_mldsa44)
		return fail(STATUS_INTERNAL, "witnessing.own_signatures: the head that was offered lacks one");
	return verdict.has_quorum ? OK
				  : fail(STATUS_UNAVAILABLE,
					 "witnessing.quorum: %zu cosignatures are fewer than the policy demands",
					 verdict.cosignatures);
}

static void
keep_cosigned(struct witnessing *witnessing, struct buffer *cosigned) {
	pthread_mutex_lock(&witnessing->mutex);
	struct buffer former = witnessing->cosigned;
	witnessing->cosigned = *cosigned;
	witnessing->cosigned_size = witnessing->offered.head.size;
	*cosigned = former;
	pthread_mutex_unlock(&witnessing->mutex);
}

static enum status
accept(struct witnessing *witnessing, int64_t now_ms, struct bytes lines) {
	_cleanup_(buffer_free) struct buffer cosigned = {};
	const struct head *head = &witnessing->offered.head;
	buffer_append_bytes(&cosigned, buffer_bytes(&witnessing->note));
	buffer_append_bytes(&cosigned, lines);
	TRY(buffer_status(&cosigned));
	witnessing->old_size = head->size;
	TRY(check_quorum(witnessing, buffer_bytes(&cosigned)));
	high_water_cosigned(witnessing->config.high_water, &(struct mark){head->size, head->root});
	keep_cosigned(witnessing, &cosigned);
	if (record(witnessing, lines) != OK)
		log_warning("a cosignature could not be recorded: %s", fail_message());
	if (witnessing->failures > 0)
		log_notice("the head of %llu entries is cosigned", (unsigned long long)head->size);
	witnessing->cosigned_weight = witnessing->offered_weight;
	witnessing->failures = 0;
	witnessing->error[0] = '\0';
	witnessing->is_told = witnessing->must_ask = false;
	rest(witnessing, now_ms, INTERVAL_MS);
	return OK;
}

/* --- Offering --- */

/* How many entries there are that deserve a cosignature. A cosignature's own entry does not: each would bring the next. */
static uint64_t
weigh(struct ledger *ledger) {
	uint64_t counts[ENTRY_TYPES], weight = 0;
	ledger_counts(ledger, counts);
	for (size_t i = 0; i < ENTRY_TYPES; i++)
		weight += i == ENTRY_COSIGNATURE || i == ENTRY_COUNTS ? 0 : counts[i];
	return weight;
}

static enum status
write_offer(struct witnessing *witnessing) {
	struct proof proof = {};
	const struct head *head = &witnessing->offered.head;
	ledger_durable_head(witnessing->config.ledger, &witnessing->offered);
	if (witnessing->old_size > head->size)
		return fail(STATUS_INTERNAL, "witnessing.old_size: %llu of a log of %llu entries",
			    (unsigned long long)witnessing->old_size, (unsigned long long)head->size);
	if (witnessing->old_size > 0 && witnessing->old_size < head->size)
		TRY(ledger_prove_consistency(witnessing->config.ledger, witnessing->old_size, head->size, &proof));
	buffer_reset(&witnessing->note);
	buffer_reset(&witnessing->request);
	head_format(&witnessing->note, witnessing->config.keys, head, &witnessing->offered.signatures);
	TRY(buffer_status(&witnessing->note));
	witness_request_write(&witnessing->request, witnessing->old_size, &proof, buffer_bytes(&witnessing->note));
	return buffer_status(&witnessing->request);
}

static enum status
write_question(struct witnessing *witnessing) {
	struct hash256 origin = sha256(head_keys_origin(witnessing->config.keys));
	buffer_reset(&witnessing->request);
	buffer_append_bytes(&witnessing->request, hash256_bytes(&origin));
	return buffer_status(&witnessing->request);
}

enum status
witnessing_next(struct witnessing *witnessing, int64_t now_ms, struct ipc_fetch *fetch, bool *is_due) {
	*is_due = false;
	if (witnessing->step != RESTING || now_ms < witnessing->next_ms)
		return OK;
	bool asks = witnessing->must_ask;
	if (!asks) {
		/* Before the head is taken: the head has these entries at least. */
		witnessing->offered_weight = weigh(witnessing->config.ledger);
		if (witnessing->offered_weight == witnessing->cosigned_weight) {
			rest(witnessing, now_ms, INTERVAL_MS);
			return OK;
		}
	}
	TRY(asks ? write_question(witnessing) : write_offer(witnessing));
	*fetch = (struct ipc_fetch){.action = asks ? IPC_FETCH_WITNESS_NEWEST : IPC_FETCH_WITNESS_ADD,
				    .body = buffer_bytes(&witnessing->request)};
	witnessing->step = asks ? ASKING : OFFERING;
	*is_due = true;
	return OK;
}

/* --- What was answered --- */

/* The witness wants the proof from another size: once that is believed, if it can be; then it has to show what it has. */
static void
take_size(struct witnessing *witnessing, int64_t now_ms, uint64_t size) {
	bool can_be = size <= witnessing->offered.head.size && size != witnessing->old_size && !witnessing->is_told;
	witnessing->is_told = true;
	if (can_be)
		witnessing->old_size = size;
	witnessing->must_ask = !can_be;
	keep_error(witnessing, fail_message());
	rest(witnessing, now_ms, 0);
}

static enum status
take_offer(struct witnessing *witnessing, int64_t now_ms, const struct ipc_fetched *fetched) {
	_cleanup_(buffer_free) struct buffer lines = {};
	uint64_t size = 0;
	char name[64];
	enum status status = witness_response_read(fetched->status, fetched->content_type, fetched->body,
						   buffer_bytes(&witnessing->note), witnessing->keys,
						   witnessing->key_count, &lines, &size);
	if (status == OK)
		return accept(witnessing, now_ms, buffer_bytes(&lines));
	fail_name(name, sizeof name);
	if (status == STATUS_CONFLICT && strcmp(name, "witness.size") == 0) {
		take_size(witnessing, now_ms, size);
		return OK;
	}
	if (status == STATUS_CONFLICT) {
		keep_error(witnessing, fail_message());
		witnessing->must_ask = true;
		rest(witnessing, now_ms, 0);
		return OK;
	}
	return status;
}

/* A checkpoint that both of this log's keys signed. */
static enum status
read_own_checkpoint(const struct witnessing *witnessing, struct bytes text, struct mark *mark) {
	_cleanup_(arena_free) struct arena arena = {};
	struct note *note = ARENA_NEW(&arena, struct note);
	struct checkpoint checkpoint;
	uint64_t time_s;
	TRY_ALLOC(note);
	TRY(note_parse(&arena, text, note));
	TRY(checkpoint_parse(note->text, &checkpoint));
	if (!bytes_equal(checkpoint.origin, head_keys_origin(witnessing->config.keys)))
		return fail(STATUS_INVALID, "witnessing.origin: the witness shows a checkpoint of \"%.*s\"",
			    BYTES_ARGS(checkpoint.origin));
	TRY(note_verify_ed25519(note, &witnessing->config.keys->ed25519));
	TRY(cosignature_verify(note, &checkpoint, &witnessing->config.keys->mldsa44, &time_s));
	*mark = (struct mark){checkpoint.size, checkpoint.root};
	return OK;
}

static enum status
take_newest(struct witnessing *witnessing, int64_t now_ms, const struct ipc_fetched *fetched) {
	struct mark mark;
	struct ledger_head own;
	char reason[sizeof witnessing->error];
	if (fetched->status != 200)
		return fail(STATUS_UNAVAILABLE, "witnessing.newest: status %u; before: %s", fetched->status,
			    witnessing->error);
	TRY(read_own_checkpoint(witnessing, fetched->body, &mark));
	enum status status = ledger_had_head(witnessing->config.ledger, &mark);
	if (status == OK) { /* an older head of ours: the next round begins there */
		witnessing->old_size = mark.size;
		snprintf(reason, sizeof reason, "%s", witnessing->error);
		witnessing_lost(witnessing, now_ms, reason);
		return OK;
	}
	if (status != STATUS_CONFLICT)
		return status;
	ledger_durable_head(witnessing->config.ledger, &own);
	if (mark.size > own.head.size)
		return fail(STATUS_CONFLICT,
			    "high_water.behind: the witness holds a head of %llu entries that this log signed, and the "
			    "log has "
			    "%llu: an older state was put in its place",
			    (unsigned long long)mark.size, (unsigned long long)own.head.size);
	return fail(STATUS_CONFLICT,
		    "high_water.fork: the witness holds another head of %llu entries that this log signed: an older or "
		    "another "
		    "log was put in its place",
		    (unsigned long long)mark.size);
}

enum status
witnessing_take(struct witnessing *witnessing, int64_t now_ms, const struct ipc_fetched *fetched) {
	enum status status = OK;
	if (witnessing->step == RESTING)
		return OK; /* given up already */
	bool is_offer = witnessing->step == OFFERING;
	if (fetched->status == 0)
		status = fail(STATUS_UNAVAILABLE, "%.*s", BYTES_ARGS(fetched->error));
	else
		status = is_offer ? take_offer(witnessing, now_ms, fetched) : take_newest(witnessing, now_ms, fetched);
	if (status == OK || (status == STATUS_CONFLICT && !is_offer))
		return status;
	witnessing_lost(witnessing, now_ms, fail_message());
	return OK;
}

/* --- What others are shown --- */

enum status
witnessing_newest(struct witnessing *witnessing, uint64_t *size, struct buffer *note) {
	pthread_mutex_lock(&witnessing->mutex);
	*size = witnessing->cosigned_size;
	buffer_append_bytes(note, buffer_bytes(&witnessing->cosigned));
	pthread_mutex_unlock(&witnessing->mutex);
	return buffer_status(note);
}

enum status
witnessing_publish(struct witnessing *witnessing) {
	_cleanup_(buffer_free) struct buffer note = {};
	uint64_t size;
	TRY(witnessing_newest(witnessing, &size, &note));
	if (size == witnessing->published_size)
		return OK;
	TRY(io_replace_file(witnessing->config.io, witnessing->config.path, buffer_bytes(&note)));
	witnessing->published_size = size;
	return OK;
}

void
witnessing_write_health(struct witnessing *witnessing, struct json_writer *writer) {
	json_write_object(writer);
	json_write_member_integer(writer, "cosigned", (int64_t)witnessing->cosigned_size);
	json_write_member_text(writer, "error", witnessing->error);
	json_write_member_integer(writer, "failures", witnessing->failures);
	json_write_end(writer);
}
