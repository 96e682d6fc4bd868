#include "keeper/witnessing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "ledger/witness.h"

constexpr int64_t INTERVAL_MS = 1'000;
constexpr int64_t BACK_OFF_MAX_MS = 30'000;

constexpr size_t NOBODY = SIZE_MAX;

/* One of the configured witnesses, and where we stand with it. */
struct peer {
	bool is_settled; /* it has cosigned the round's head */
	bool is_told;    /* it has said of this head from which size it wants the proof */
	bool must_ask;   /* the next step is to ask for what it cosigned last */
	uint64_t old_size;
	int64_t next_ms;
	unsigned failures; /* since it cosigned last */
	char error[256];
};

struct witnessing {
	struct witnessing_config config;
	struct tlog_policy *policy;
	const struct note_key *keys[WITNESSING_KEYS_MAX];
	size_t key_count;
	struct peer peers[WITNESSING_WITNESSES_MAX];
	/* The round: one head, offered to each. */
	bool has_round, has_quorum;
	int64_t next_round_ms;
	uint64_t offered_weight;
	struct ledger_head offered;
	struct buffer note, lines; /* the head, and the cosignatures of it that have come */
	/* The question that is out. */
	size_t asked; /* NOBODY: none */
	bool asks_newest;
	size_t turn; /* who is looked at first */
	struct buffer request;
	/* Between rounds. */
	unsigned failures; /* since the quorum agreed last */
	char error[256];
	uint64_t cosigned_weight;
	/* The newest cosigned head, which the publisher reads. */
	pthread_mutex_t mutex;
	bool is_published;
	uint64_t cosigned_size;
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
	witnessing->cosigned_size = checkpoint.size;
	for (size_t i = 0; i < witnessing->config.witnesses; i++)
		witnessing->peers[i].old_size = checkpoint.size;
	return OK;
}

enum status
witnessing_open(const struct witnessing_config *config, struct witnessing **witnessing) {
	_cleanup_(witnessing_close) struct witnessing *opened = calloc(1, sizeof *opened);
	TRY_ALLOC(opened);
	pthread_mutex_init(&opened->mutex, nullptr);
	opened->config = *config;
	opened->asked = NOBODY;
	opened->is_published = true;
	if (config->witnesses == 0 || config->witnesses > WITNESSING_WITNESSES_MAX)
		return fail(STATUS_INVALID, "witnessing.witnesses: %zu, expected 1 to %zu", config->witnesses,
			    WITNESSING_WITNESSES_MAX);
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
	buffer_free(&gone->lines);
	buffer_free(&gone->request);
	buffer_free(&gone->cosigned);
	pthread_mutex_destroy(&gone->mutex);
	free(gone);
}

/* --- What goes wrong --- */

/* Cut between characters, since it is shown as text. */
static void
keep_error(char error[static 256], const char *why) {
	fail_keep("%.*s", 255, why);
	snprintf(error, 256, "%s", fail_message());
}

static int64_t
back_off_ms(unsigned failures) {
	int64_t delay_ms = INTERVAL_MS << (failures > 5 ? 5 : failures);
	return delay_ms > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : delay_ms;
}

static void
lose_peer(struct peer *peer, int64_t now_ms, const char *why) {
	peer->is_settled = peer->is_told = peer->must_ask = false;
	peer->next_ms = now_ms + back_off_ms(peer->failures++);
	keep_error(peer->error, why);
}

void
witnessing_lost(struct witnessing *witnessing, int64_t now_ms, const char *why) {
	char kept[sizeof witnessing->error];
	keep_error(kept, why);
	if (witnessing->failures++ == 0)
		log_warning("a head was not cosigned: %s", kept);
	memcpy(witnessing->error, kept, sizeof kept);
	if (witnessing->asked != NOBODY)
		lose_peer(&witnessing->peers[witnessing->asked], now_ms, kept);
	else
		witnessing->next_round_ms = now_ms + back_off_ms(witnessing->failures - 1);
	witnessing->asked = NOBODY;
}

/* --- A cosignature --- */

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

static enum status
keep_cosigned(struct witnessing *witnessing, struct bytes cosigned) {
	_cleanup_(buffer_free) struct buffer copy = {};
	buffer_append_bytes(&copy, cosigned);
	TRY(buffer_status(&copy));
	pthread_mutex_lock(&witnessing->mutex);
	struct buffer former = witnessing->cosigned;
	witnessing->cosigned = copy;
	witnessing->cosigned_size = witnessing->offered.head.size;
	witnessing->is_published = false;
	pthread_mutex_unlock(&witnessing->mutex);
	copy = former;
	return OK;
}

/* For the first time in this round. */
static void
take_quorum(struct witnessing *witnessing, int64_t now_ms) {
	const struct head *head = &witnessing->offered.head;
	high_water_cosigned(witnessing->config.high_water, &(struct mark){head->size, head->root});
	if (record(witnessing, buffer_bytes(&witnessing->lines)) != OK)
		log_warning("a cosignature could not be recorded: %s", fail_message());
	if (witnessing->failures > 0)
		log_notice("the head of %llu entries is cosigned", (unsigned long long)head->size);
	witnessing->has_quorum = true;
	witnessing->cosigned_weight = witnessing->offered_weight;
	witnessing->next_round_ms = now_ms + INTERVAL_MS;
	witnessing->failures = 0;
	witnessing->error[0] = '\0';
}

static bool
are_all_settled(const struct witnessing *witnessing) {
	for (size_t i = 0; i < witnessing->config.witnesses; i++)
		if (!witnessing->peers[i].is_settled)
			return false;
	return true;
}

/* Everybody has cosigned, and it is not enough: the policy names keys that none of them has. */
static void
give_round_up(struct witnessing *witnessing, int64_t now_ms, const char *why) {
	witnessing->asked = NOBODY;
	witnessing_lost(witnessing, now_ms, why);
	witnessing->has_round = false;
}

/* What came from one witness stands beside what came from others; enough of it is a quorum. */
static enum status
take_cosignature(struct witnessing *witnessing, int64_t now_ms, struct bytes lines) {
	_cleanup_(buffer_free) struct buffer cosigned = {};
	struct peer *peer = &witnessing->peers[witnessing->asked];
	buffer_append_bytes(&witnessing->lines, lines);
	buffer_append_bytes(&cosigned, buffer_bytes(&witnessing->note));
	buffer_append_bytes(&cosigned, buffer_bytes(&witnessing->lines));
	TRY(buffer_status(&witnessing->lines));
	TRY(buffer_status(&cosigned));
	*peer = (struct peer){.is_settled = true, .old_size = witnessing->offered.head.size, .next_ms = now_ms};
	witnessing->asked = NOBODY;
	enum status status = check_quorum(witnessing, buffer_bytes(&cosigned));
	if (status == OK) {
		TRY(keep_cosigned(witnessing, buffer_bytes(&cosigned)));
		if (!witnessing->has_quorum)
			take_quorum(witnessing, now_ms);
	} else if (are_all_settled(witnessing))
		give_round_up(witnessing, now_ms, fail_message());
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

/* A head is offered until the quorum has cosigned it; the next follows once there is more to cosign. */
static enum status
begin_round(struct witnessing *witnessing, int64_t now_ms) {
	if ((witnessing->has_round && !witnessing->has_quorum) || now_ms < witnessing->next_round_ms)
		return OK;
	uint64_t weight =
		weigh(witnessing->config.ledger); /* before the head is taken: the head has these entries at least */
	if (witnessing->has_round && weight == witnessing->cosigned_weight)
		return OK; /* who lags behind still gets the present one */
	witnessing->has_round = witnessing->has_quorum = false;
	ledger_durable_head(witnessing->config.ledger, &witnessing->offered);
	buffer_reset(&witnessing->note);
	buffer_reset(&witnessing->lines);
	head_format(&witnessing->note, witnessing->config.keys, &witnessing->offered.head,
		    &witnessing->offered.signatures);
	TRY(buffer_status(&witnessing->note));
	for (size_t i = 0; i < witnessing->config.witnesses; i++)
		witnessing->peers[i].is_settled = witnessing->peers[i].is_told = false;
	witnessing->offered_weight = weight;
	witnessing->has_round = true;
	return OK;
}

static enum status
write_offer(struct witnessing *witnessing, const struct peer *peer) {
	struct proof proof = {};
	const struct head *head = &witnessing->offered.head;
	if (peer->old_size > head->size)
		return fail(STATUS_INTERNAL, "witnessing.old_size: %llu of a head of %llu entries",
			    (unsigned long long)peer->old_size, (unsigned long long)head->size);
	if (peer->old_size > 0 && peer->old_size < head->size)
		TRY(ledger_prove_consistency(witnessing->config.ledger, peer->old_size, head->size, &proof));
	buffer_reset(&witnessing->request);
	witness_request_write(&witnessing->request, peer->old_size, &proof, buffer_bytes(&witnessing->note));
	return buffer_status(&witnessing->request);
}

static enum status
write_question(struct witnessing *witnessing) {
	struct hash256 origin = sha256(head_keys_origin(witnessing->config.keys));
	buffer_reset(&witnessing->request);
	buffer_append_bytes(&witnessing->request, hash256_bytes(&origin));
	return buffer_status(&witnessing->request);
}

/* The next in turn to which something is to be said. */
static size_t
find_due(const struct witnessing *witnessing, int64_t now_ms) {
	for (size_t i = 0; i < witnessing->config.witnesses; i++) {
		size_t at = (witnessing->turn + i) % witnessing->config.witnesses;
		if (!witnessing->peers[at].is_settled && now_ms >= witnessing->peers[at].next_ms)
			return at;
	}
	return NOBODY;
}

enum status
witnessing_next(struct witnessing *witnessing, int64_t now_ms, struct ipc_fetch *fetch, bool *is_due) {
	*is_due = false;
	if (witnessing->asked != NOBODY)
		return OK;
	TRY(begin_round(witnessing, now_ms));
	size_t due = witnessing->has_round ? find_due(witnessing, now_ms) : NOBODY;
	if (due == NOBODY)
		return OK;
	const struct peer *peer = &witnessing->peers[due];
	witnessing->asked = due;
	witnessing->asks_newest = peer->must_ask;
	witnessing->turn = due + 1;
	TRY(peer->must_ask ? write_question(witnessing) : write_offer(witnessing, peer));
	*fetch = (struct ipc_fetch){.action = peer->must_ask ? IPC_FETCH_WITNESS_NEWEST : IPC_FETCH_WITNESS_ADD,
				    .body = buffer_bytes(&witnessing->request),
				    .witness = (uint8_t)due};
	*is_due = true;
	return OK;
}

/* --- What was answered --- */

/* The witness wants the proof from another size: once that is believed, if it can be; then it has to show what it has. */
static void
take_size(struct witnessing *witnessing, struct peer *peer, uint64_t size) {
	bool can_be = size <= witnessing->offered.head.size && size != peer->old_size && !peer->is_told;
	peer->is_told = true;
	if (can_be)
		peer->old_size = size;
	peer->must_ask = !can_be;
	keep_error(peer->error, fail_message());
}

/* Which of the policy's keys have not cosigned the round's head: a witness that repeats another's line adds nothing, and must
 * not make the note one that has a key twice. */
static enum status
missing_keys(struct witnessing *witnessing, const struct note_key *keys[WITNESSING_KEYS_MAX], size_t *count) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	struct note *note = ARENA_NEW(&arena, struct note);
	TRY_ALLOC(note);
	buffer_append_bytes(&text, buffer_bytes(&witnessing->note));
	buffer_append_bytes(&text, buffer_bytes(&witnessing->lines));
	TRY(buffer_status(&text));
	TRY(note_parse(&arena, buffer_bytes(&text), note));
	*count = 0;
	for (size_t i = 0; i < witnessing->key_count; i++) {
		const struct note_signature *found;
		if (note_find_signature(note, witnessing->keys[i], &found) == STATUS_NOT_FOUND)
			keys[(*count)++] = witnessing->keys[i];
	}
	return OK;
}

static enum status
read_response(struct witnessing *witnessing, const struct ipc_fetched *fetched, const struct note_key *const *keys,
	      size_t key_count, struct buffer *lines, uint64_t *size) {
	return witness_response_read(fetched->status, fetched->content_type, fetched->body,
				     buffer_bytes(&witnessing->note), keys, key_count, lines, size);
}

static enum status
take_offer(struct witnessing *witnessing, int64_t now_ms, const struct ipc_fetched *fetched) {
	_cleanup_(buffer_free) struct buffer lines = {}, known = {};
	const struct note_key *missing[WITNESSING_KEYS_MAX];
	struct peer *peer = &witnessing->peers[witnessing->asked];
	size_t count;
	uint64_t size = 0;
	char name[64];
	TRY(missing_keys(witnessing, missing, &count));
	enum status status = read_response(witnessing, fetched, missing, count, &lines, &size);
	fail_name(name, sizeof name);
	if (status == STATUS_UNAUTHORIZED &&
	    strcmp(name, "witness.no_signature") == 0) /* or by keys that have cosigned */
		status = read_response(witnessing, fetched, witnessing->keys, witnessing->key_count, &known, &size);
	if (status == OK)
		return take_cosignature(witnessing, now_ms, buffer_bytes(&lines));
	if (status != STATUS_CONFLICT)
		return status;
	if (strcmp(name, "witness.size") == 0)
		take_size(witnessing, peer, size);
	else {
		keep_error(peer->error, fail_message());
		peer->must_ask = true;
	}
	peer->next_ms = now_ms;
	witnessing->asked = NOBODY;
	return OK;
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
	struct peer *peer = &witnessing->peers[witnessing->asked];
	if (fetched->status != 200)
		return fail(STATUS_UNAVAILABLE, "witnessing.newest: status %u; before: %s", fetched->status,
			    peer->error);
	TRY(read_own_checkpoint(witnessing, fetched->body, &mark));
	enum status status = ledger_had_head(witnessing->config.ledger, &mark);
	if (status == OK && mark.size <= witnessing->offered.head.size) { /* an older head of ours: from there again */
		peer->old_size = mark.size;
		witnessing_lost(witnessing, now_ms, peer->error);
		return OK;
	}
	if (status == OK) /* a newer one of ours, of before a restart that was not offered yet */
		return fail(STATUS_UNAVAILABLE, "witnessing.newer: the witness has a newer head than the one offered");
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
	if (witnessing->asked == NOBODY)
		return OK; /* given up already */
	bool is_offer = !witnessing->asks_newest;
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
	pthread_mutex_lock(&witnessing->mutex);
	bool is_published = witnessing->is_published;
	if (!is_published)
		buffer_append_bytes(&note, buffer_bytes(&witnessing->cosigned));
	witnessing->is_published = true;
	pthread_mutex_unlock(&witnessing->mutex);
	if (is_published)
		return OK;
	enum status status = buffer_status(&note);
	if (status == OK)
		status = io_replace_file(witnessing->config.io, witnessing->config.path, buffer_bytes(&note));
	if (status == OK)
		return OK;
	pthread_mutex_lock(&witnessing->mutex);
	witnessing->is_published = false; /* again in the next round of publishing */
	pthread_mutex_unlock(&witnessing->mutex);
	return status;
}

static void
write_progress(struct json_writer *writer, const char *error, unsigned failures) {
	json_write_member_text(writer, "error", error);
	json_write_member_integer(writer, "failures", failures);
}

void
witnessing_write_health(struct witnessing *witnessing, struct json_writer *writer) {
	json_write_object(writer);
	json_write_member_integer(writer, "cosigned", (int64_t)witnessing->cosigned_size);
	write_progress(writer, witnessing->error, witnessing->failures);
	json_write_key(writer, "witnesses");
	json_write_array(writer);
	for (size_t i = 0; i < witnessing->config.witnesses; i++) {
		const struct peer *peer = &witnessing->peers[i];
		json_write_object(writer);
		json_write_member_integer(writer, "cosigned", (int64_t)peer->old_size);
		write_progress(writer, peer->error, peer->failures);
		json_write_end(writer);
	}
	json_write_end(writer);
	json_write_end(writer);
}

unsigned
witnessing_failures(const struct witnessing *witnessing) {
	return witnessing->failures;
}
