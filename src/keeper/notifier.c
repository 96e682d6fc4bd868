#include "keeper/notifier.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/time.h"
#include "crypto/random.h"
#include "gate/record.h"
#include "keeper/event.h"
#include "keeper/notified.h"
#include "model/entry.h"
#include "model/operation_kind.h"

constexpr size_t QUEUE_MAX = 64;
constexpr int64_t BACK_OFF_FIRST_MS = 2'000;
constexpr int64_t BACK_OFF_MAX_MS = 5 * MINUTE_MS;
constexpr int64_t LONG_MS = 10 * MINUTE_MS;
constexpr int64_t WRITE_MS = 5'000;
constexpr size_t NOBODY = SIZE_MAX;

struct pending {
	struct notice notice;
	char operation[65];
	uint64_t entry;    /* that it was taken from; UINT64_MAX: none */
	int64_t due_ms;    /* NOTICE_EXPIRING: when it fell due */
	unsigned attempts; /* by this start of the keeper */
};

enum result { DELIVERED, RETRIED, FAILED, RESULTS };

struct receiver {
	struct notifier_receiver config;
	struct pending queue[QUEUE_MAX + NOTICE_KINDS]; /* the last ones stand for many */
	size_t count;
	uint64_t from;            /* what entries below it say was settled by an earlier start */
	int64_t expiring_from_ms; /* what fell due up to it is settled or in the queue */
	int64_t next_ms;
	int64_t failing_since_ms; /* 0: it does not */
	bool is_given_up;         /* something was, since the last delivery */
	char error[256];
	char labels[RESULTS][96];
	struct metric metrics[RESULTS];
};

struct notifier {
	pthread_mutex_t mutex;
	const struct io *io;
	const char *path, *instance;
	struct receiver receivers[NOTIFIER_RECEIVERS_MAX];
	size_t count;
	size_t asked, last_asked; /* whose notice is on its way, or NOBODY */
	uint64_t scanned;         /* entries below it were looked at */
	bool alarms[ALARMS];
	struct buffer request, written;
	int64_t written_ms;
};

/* --- The file. --- */

static uint64_t
settled_entry(const struct notifier *notifier, const struct receiver *receiver) {
	uint64_t entry = notifier->scanned > receiver->from ? notifier->scanned : receiver->from;
	for (size_t i = 0; i < receiver->count; i++)
		if (receiver->queue[i].entry < entry)
			entry = receiver->queue[i].entry;
	return entry;
}

static int64_t
settled_expiring_ms(const struct receiver *receiver) {
	int64_t settled_ms = receiver->expiring_from_ms;
	for (size_t i = 0; i < receiver->count; i++)
		if (receiver->queue[i].notice.kind == NOTICE_EXPIRING && receiver->queue[i].due_ms <= settled_ms)
			settled_ms = receiver->queue[i].due_ms - 1;
	return settled_ms;
}

static enum status
write_marks(const struct notifier *notifier, struct buffer *to) {
	struct notified_mark marks[NOTIFIER_RECEIVERS_MAX];
	for (size_t i = 0; i < notifier->count; i++) {
		const struct receiver *receiver = &notifier->receivers[i];
		marks[i] = (struct notified_mark){.name = bytes_of_text(receiver->config.name),
						  .entry = settled_entry(notifier, receiver),
						  .expiring_ms = settled_expiring_ms(receiver)};
	}
	return notified_write(marks, notifier->count, to);
}

/* Called with the mutex; what is written comes from memory, so a write that fails is repeated. */
static enum status
save(struct notifier *notifier) {
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(write_marks(notifier, &text));
	if (bytes_equal(buffer_bytes(&text), buffer_bytes(&notifier->written)))
		return OK;
	TRY(io_replace_file(notifier->io, notifier->path, buffer_bytes(&text)));
	buffer_reset(&notifier->written);
	buffer_append_bytes(&notifier->written, buffer_bytes(&text));
	return OK;
}

/* A log that was restored from a backup may be shorter; a clock may have been wrong. */
static void
take_mark(struct notifier *notifier, const struct notified_mark *mark, const struct notifier_config *config) {
	for (size_t i = 0; i < notifier->count; i++) {
		struct receiver *receiver = &notifier->receivers[i];
		if (!bytes_equal_text(mark->name, receiver->config.name))
			continue;
		receiver->from = mark->entry < config->size ? mark->entry : config->size;
		receiver->expiring_from_ms = mark->expiring_ms < config->now_ms ? mark->expiring_ms : config->now_ms;
	}
}

static enum status
read_marks(struct notifier *notifier, const struct notifier_config *config) {
	_cleanup_(buffer_free) struct buffer text = {};
	_cleanup_(arena_free) struct arena arena = {};
	struct notified_mark marks[NOTIFIED_MARKS_MAX];
	size_t count;
	enum status status = io_read_file(config->io, config->path, NOTIFIED_SIZE_MAX, &text);
	if (status == STATUS_NOT_FOUND)
		return OK;
	TRY(status);
	TRY(notified_read(&arena, buffer_bytes(&text), marks, &count));
	for (size_t i = 0; i < count; i++)
		take_mark(notifier, &marks[i], config);
	return OK;
}

/* --- Opening. --- */

static void
start_receiver(struct receiver *receiver, const struct notifier_receiver *config) {
	static const char *const results[RESULTS] = {"delivered", "retried", "failed"};
	receiver->config = *config;
	for (size_t i = 0; i < RESULTS; i++) {
		snprintf(receiver->labels[i], sizeof receiver->labels[i], "receiver=\"%s\",result=\"%s\"", config->name,
			 results[i]);
		receiver->metrics[i].name = "gatehouse_notifications";
		receiver->metrics[i].help = "Notifications by receiver and what became of them.";
		receiver->metrics[i].kind = METRIC_COUNTER;
		receiver->metrics[i].labels = receiver->labels[i];
	}
}

static void
forget_marks(struct notifier *notifier, const struct notifier_config *config) {
	for (size_t i = 0; i < notifier->count; i++) {
		notifier->receivers[i].from = config->size;
		notifier->receivers[i].expiring_from_ms = config->now_ms;
	}
}

enum status
notifier_open(const struct notifier_config *config, struct notifier **notifier) {
	_cleanup_(notifier_close) struct notifier *made = calloc(1, sizeof *made);
	TRY_ALLOC(made);
	pthread_mutex_init(&made->mutex, nullptr);
	made->io = config->io;
	made->instance = config->instance;
	made->asked = NOBODY;
	made->count = config->receiver_count;
	for (size_t i = 0; i < made->count; i++)
		start_receiver(&made->receivers[i], &config->receivers[i]);
	forget_marks(made, config);
	made->path = config->path;
	if (read_marks(made, config) != OK) {
		log_warning("%s is left aside, and notifications begin anew: %s", config->path, fail_message());
		forget_marks(made, config);
	}
	made->scanned = config->size;
	for (size_t i = 0; i < made->count; i++)
		if (made->receivers[i].from < made->scanned)
			made->scanned = made->receivers[i].from;
	*notifier = TAKE(made);
	return OK;
}

enum status
notifier_check_receiver(const struct notifier *notifier, struct bytes name) {
	for (size_t i = 0; notifier != nullptr && i < notifier->count; i++)
		if (bytes_equal_text(name, notifier->receivers[i].config.name))
			return OK;
	return fail(STATUS_NOT_FOUND, "notification.receiver: none of the name \"%.*s\" is configured",
		    (int)(name.len > 64 ? 64 : name.len), (const char *)name.data);
}

void
notifier_close(struct notifier **notifier) {
	struct notifier *gone = TAKE(*notifier);
	if (gone == nullptr)
		return;
	if (gone->path != nullptr && save(gone) != OK)
		log_warning("%s could not be written: some notifications will come twice: %s", gone->path,
			    fail_message());
	buffer_free(&gone->request);
	buffer_free(&gone->written);
	pthread_mutex_destroy(&gone->mutex);
	free(gone);
}

/* --- The queues. --- */

static struct pending
make_pending(const struct notifier *notifier, enum notice_kind kind, enum notice_alarm alarm, struct bytes operation,
	     int64_t at_ms) {
	struct pending made = {.entry = UINT64_MAX,
			       .notice = {.kind = kind,
					  .alarm = alarm,
					  .instance = bytes_of_text(notifier->instance),
					  .operation = operation,
					  .at_ms = at_ms < 0 ? 0 : at_ms,
					  .count = 1}};
	made.notice.id = notice_id(&made.notice);
	made.notice.operation = (struct bytes){}; /* it lies beside it, and will move */
	if (operation.len > 0 && operation.len < sizeof made.operation)
		memcpy(made.operation, operation.data, operation.len);
	return made;
}

/* Behind the last place there is one for each kind, which stands for many. */
static void
enqueue(struct receiver *receiver, const struct pending *pending) {
	if ((receiver->config.notices & 1U << pending->notice.kind) == 0)
		return;
	for (size_t i = QUEUE_MAX; i < receiver->count; i++)
		if (receiver->queue[i].notice.kind == pending->notice.kind) {
			receiver->queue[i].notice.count++;
			return;
		}
	receiver->queue[receiver->count++] = *pending;
}

static void
enqueue_to_all(struct notifier *notifier, const struct pending *pending) {
	for (size_t i = 0; i < notifier->count; i++)
		if (pending->entry == UINT64_MAX || pending->entry >= notifier->receivers[i].from)
			enqueue(&notifier->receivers[i], pending);
}

/* --- From entries. --- */

static bool
says(struct bytes body, const char *text) {
	return memmem(body.data, body.len, text, strlen(text)) != nullptr;
}

static struct bytes
text_of(const json *object, const char *key) {
	const json *value = json_get(object, key);
	return value != nullptr && json_type_of(value) == JSON_STRING ? json_string(value) : (struct bytes){};
}

static void
take_test(struct notifier *notifier, const json *body, const struct pending *pending) {
	struct bytes name = text_of(json_get(body, "payload"), "receiver");
	for (size_t i = 0; i < notifier->count; i++)
		if (bytes_equal_text(name, notifier->receivers[i].config.name)) {
			if (pending->entry >= notifier->receivers[i].from)
				enqueue(&notifier->receivers[i], pending);
			return;
		}
	log_warning("a test was asked for of a receiver that is not configured: %.*s",
		    (int)(name.len > 64 ? 64 : name.len), (const char *)name.data);
}

/* What lets somebody ask and vote in another way. */
static bool
gives_a_key(struct bytes kind) {
	static const enum operation_kind_id kinds[] = {OPERATION_PERSON_ADD, OPERATION_PRINCIPAL_RESUME,
						       OPERATION_PRINCIPAL_KEY_ADD, OPERATION_PRINCIPAL_PASSKEY_ADD,
						       OPERATION_PRINCIPAL_TOTP_ADD};
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++)
		if (bytes_equal_text(kind, operation_kinds[kinds[i]].name))
			return true;
	return false;
}

static void
take_decision(struct notifier *notifier, const json *body, const struct entry *entry, uint64_t index) {
	struct bytes decision = text_of(body, "decision"), operation = text_of(body, "operation");
	bool is_test = bytes_equal_text(text_of(json_get(body, "document"), "kind"),
					operation_kinds[OPERATION_NOTIFICATION_TEST].name) &&
		       bytes_equal_text(text_of(body, "outcome"), outcome_name(OUTCOME_DONE));
	bool is_held = bytes_equal_text(decision, decision_name(DECISION_HELD)),
	     is_denied = bytes_equal_text(decision, decision_name(DECISION_DENY));
	bool enrols = gives_a_key(text_of(json_get(body, "document"), "kind")) &&
		      bytes_equal_text(text_of(body, "outcome"), outcome_name(OUTCOME_DONE));
	bool breaks_glass = json_get(json_get(body, "document"), "break_glass") != nullptr;
	bool goes_through =
		!is_held && !is_denied && !bytes_equal_text(text_of(body, "outcome"), outcome_name(OUTCOME_FAILED));
	if (breaks_glass && (is_held || goes_through)) {
		struct pending glass = make_pending(notifier, is_held ? NOTICE_BREAK_GLASS : NOTICE_GLASS_BROKEN,
						    ALARM_NONE, operation, entry->at_ms);
		glass.entry = index;
		enqueue_to_all(notifier, &glass);
	}
	if (!is_test && !enrols && !is_held && !is_denied)
		return;
	struct pending pending = make_pending(notifier,
					      is_test   ? NOTICE_TEST
					      : enrols  ? NOTICE_ENROLLED
					      : is_held ? NOTICE_HELD
							: NOTICE_DENIED,
					      ALARM_NONE, operation, entry->at_ms);
	pending.entry = index;
	if (is_test)
		take_test(notifier, body, &pending);
	else
		enqueue_to_all(notifier, &pending);
}

static void
take_vote(struct notifier *notifier, const json *body, const struct entry *entry, uint64_t index) {
	if (!bytes_equal_text(text_of(json_get(body, "statement"), "verdict"), approval_verdict_name(APPROVAL_REJECT)))
		return;
	struct pending pending = make_pending(notifier, approval_entry_ends(body) ? NOTICE_REJECTED : NOTICE_OBJECTED,
					      ALARM_NONE, text_of(body, "operation"), entry->at_ms);
	pending.entry = index;
	enqueue_to_all(notifier, &pending);
}

/* That a key should have been dealt anew; that an invitation's link was used, of whose approval alone they were told; or that somebody says to
 * be signed what failed. */
static void
take_alarm(struct notifier *notifier, enum notice_alarm alarm, const struct entry *entry, uint64_t index) {
	struct pending pending = make_pending(notifier, NOTICE_ALERT, alarm, (struct bytes){}, entry->at_ms);
	pending.entry = index;
	enqueue_to_all(notifier, &pending);
}

/* Most entries tell nobody anything: what they surely do not say is not read. Within a text a quotation mark stands behind a backslash. */
static bool
may_matter(const struct entry *entry) {
	switch (entry->type) {
	case ENTRY_DECISION:
	case ENTRY_INTENT:
		return says(entry->body, "\"decision\":\"held\"") || says(entry->body, "\"decision\":\"deny\"") ||
		       says(entry->body, "\"break_glass\":true") ||
		       says(entry->body, "\"kind\":\"notification.test\"") ||
		       says(entry->body, "\"kind\":\"principal.") || says(entry->body, "\"kind\":\"person.add\"");
	case ENTRY_VOTE:
		return says(entry->body, "\"verdict\":\"reject\"");
	default:
		return false;
	}
}

uint64_t
notifier_applied(void *context) {
	struct notifier *notifier = context;
	pthread_mutex_lock(&notifier->mutex);
	uint64_t scanned = notifier->scanned;
	pthread_mutex_unlock(&notifier->mutex);
	return scanned;
}

enum status
notifier_apply(void *context, const struct ledger_record *record) {
	static const char *const members[] = {"decision", "document", "ends",      "operation",
					      "outcome",  "payload",  "statement", nullptr};
	struct notifier *notifier = context;
	_cleanup_(arena_free) struct arena arena = {.block_size = 8 * 1024};
	_cleanup_(buffer_free) struct buffer selected = {};
	struct entry entry;
	const json *body = nullptr;
	TRY(entry_peek(record->leaf, &entry));
	if (may_matter(&entry)) {
		TRY(json_select(entry.body, members, &selected));
		TRY(json_read(&arena, buffer_bytes(&selected), (struct json_limits){}, &body));
	}
	pthread_mutex_lock(&notifier->mutex);
	if (entry.type == ENTRY_ENROLMENT)
		take_alarm(notifier, ALARM_PASSKEY_ENROLLED, &entry, record->index);
	else if (entry.type == ENTRY_OVERDUE)
		take_alarm(notifier, ALARM_REFRESH_OVERDUE, &entry, record->index);
	else if (entry.type == ENTRY_CHECK && says(entry.body, "\"check\":\"joint.contradiction: "))
		take_alarm(notifier, ALARM_OUTCOME_CONTRADICTED, &entry, record->index);
	else if (body != nullptr && entry.type == ENTRY_VOTE)
		take_vote(notifier, body, &entry, record->index);
	else if (body != nullptr)
		take_decision(notifier, body, &entry, record->index);
	notifier->scanned = record->index + 1;
	pthread_mutex_unlock(&notifier->mutex);
	return OK;
}

enum status
notifier_finish(void *context, const struct ledger_head *) {
	struct notifier *notifier = context;
	int64_t now_ms = io_boottime_ns(notifier->io) / 1'000'000;
	enum status status = OK;
	pthread_mutex_lock(&notifier->mutex);
	if (notifier->written_ms == 0 || now_ms - notifier->written_ms >= WRITE_MS) {
		status = save(notifier);
		notifier->written_ms = now_ms;
	}
	pthread_mutex_unlock(&notifier->mutex);
	return status;
}

/* --- From the state. --- */

void
notifier_alarm(struct notifier *notifier, enum notice_alarm alarm, bool is_on, int64_t now_ms) {
	pthread_mutex_lock(&notifier->mutex);
	if (is_on && !notifier->alarms[alarm]) {
		struct pending pending = make_pending(notifier, NOTICE_ALERT, alarm, (struct bytes){}, now_ms);
		enqueue_to_all(notifier, &pending);
	}
	notifier->alarms[alarm] = is_on;
	pthread_mutex_unlock(&notifier->mutex);
}

static void
tell_expiring(struct notifier *notifier, const struct gate_operation *operation, int64_t now_ms) {
	int64_t due_ms = event_expiring_from_ms(operation);
	char id[65];
	if (due_ms > now_ms)
		return;
	hex_encode(hash256_bytes(&operation->id), id);
	struct pending pending = make_pending(notifier, NOTICE_EXPIRING, ALARM_NONE, bytes_of_text(id), due_ms);
	pending.due_ms = due_ms;
	for (size_t i = 0; i < notifier->count; i++)
		if (due_ms > notifier->receivers[i].expiring_from_ms)
			enqueue(&notifier->receivers[i], &pending);
}

void
notifier_tick(struct notifier *notifier, const struct operations *operations, int64_t now_ms) {
	size_t at = 0;
	void *value;
	pthread_mutex_lock(&notifier->mutex);
	while (map_next(&operations->kept, &at, nullptr, &value)) {
		const struct gate_operation *operation = value;
		if (operation->state == OPERATION_HELD && operation->held != nullptr)
			tell_expiring(notifier, operation, now_ms);
	}
	for (size_t i = 0; i < notifier->count; i++)
		if (now_ms > notifier->receivers[i].expiring_from_ms)
			notifier->receivers[i].expiring_from_ms = now_ms;
	pthread_mutex_unlock(&notifier->mutex);
}

/* --- Sending. --- */

static enum status
write_request(struct notifier *notifier, size_t number, struct ipc_fetch *fetch) {
	struct notice notice = notifier->receivers[number].queue[0].notice;
	if (notice.kind != NOTICE_ALERT)
		notice.operation = bytes_of_text(notifier->receivers[number].queue[0].operation);
	buffer_reset(&notifier->request);
	TRY(notice_write(&notice, &notifier->request));
	*fetch = (struct ipc_fetch){
		.action = IPC_FETCH_NOTIFY, .body = buffer_bytes(&notifier->request), .witness = (uint8_t)number};
	return OK;
}

enum status
notifier_next(struct notifier *notifier, int64_t boot_ms, struct ipc_fetch *fetch, bool *is_due) {
	enum status status = OK;
	*is_due = false;
	pthread_mutex_lock(&notifier->mutex);
	for (size_t i = 1; notifier->asked == NOBODY && i <= notifier->count; i++) {
		size_t number = (notifier->last_asked + i) % notifier->count;
		const struct receiver *receiver = &notifier->receivers[number];
		if (receiver->count == 0 || receiver->next_ms > boot_ms)
			continue;
		notifier->asked = notifier->last_asked = number;
		status = write_request(notifier, number, fetch);
		*is_due = status == OK;
	}
	pthread_mutex_unlock(&notifier->mutex);
	return status;
}

static void
drop_first(struct receiver *receiver) {
	receiver->count--;
	memmove(receiver->queue, receiver->queue + 1, receiver->count * sizeof *receiver->queue);
}

/* Doubling, each time up to a half longer, so that many do not come at once. */
static int64_t
back_off_ms(unsigned attempts) {
	uint8_t byte = 0;
	int64_t delay_ms = BACK_OFF_FIRST_MS << (attempts > 8 ? 8 : attempts);
	delay_ms = delay_ms > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : delay_ms;
	random_bytes(&byte, sizeof byte);
	return delay_ms + delay_ms * byte / 512;
}

/* The others are told, once until something is delivered again. */
static void
give_up(struct notifier *notifier, struct receiver *receiver, int64_t now_ms) {
	metric_add(&receiver->metrics[FAILED], receiver->queue[0].notice.count);
	log_error("a notification to \"%s\" is given up: %s", receiver->config.name, receiver->error);
	drop_first(receiver);
	if (receiver->is_given_up)
		return;
	receiver->is_given_up = true;
	struct pending pending =
		make_pending(notifier, NOTICE_ALERT, ALARM_NOTIFICATION_FAILED, (struct bytes){}, now_ms);
	for (size_t i = 0; i < notifier->count; i++)
		if (&notifier->receivers[i] != receiver)
			enqueue(&notifier->receivers[i], &pending);
}

static void
fail_first(struct notifier *notifier, struct receiver *receiver, int64_t boot_ms, int64_t now_ms, const char *why) {
	struct pending *first = &receiver->queue[0];
	fail_keep("%.*s", (int)sizeof receiver->error - 1, why); /* cut between characters */
	snprintf(receiver->error, sizeof receiver->error, "%s", fail_message());
	if (receiver->failing_since_ms == 0) {
		receiver->failing_since_ms = now_ms;
		log_warning("a notification to \"%s\" was not delivered: %s", receiver->config.name, receiver->error);
	}
	receiver->next_ms = boot_ms + back_off_ms(first->attempts++);
	if (now_ms - first->notice.at_ms >= receiver->config.give_up_ms)
		give_up(notifier, receiver, now_ms);
	else
		metric_add(&receiver->metrics[RETRIED], 1);
}

void
notifier_take(struct notifier *notifier, int64_t boot_ms, int64_t now_ms, const struct ipc_fetched *fetched) {
	pthread_mutex_lock(&notifier->mutex);
	if (notifier->asked != NOBODY) {
		struct receiver *receiver = &notifier->receivers[notifier->asked];
		char why[320];
		if (fetched->status >= 200 && fetched->status < 300) {
			metric_add(&receiver->metrics[DELIVERED], 1);
			drop_first(receiver);
			receiver->failing_since_ms = 0;
			receiver->error[0] = '\0';
			receiver->next_ms = 0;
			receiver->is_given_up = false;
		} else {
			if (fetched->status != 0)
				snprintf(why, sizeof why, "notifier.status: the receiver answered %u", fetched->status);
			else
				snprintf(why, sizeof why, "%.*s",
					 (int)(fetched->error.len > 300 ? 300 : fetched->error.len),
					 (const char *)fetched->error.data);
			fail_first(notifier, receiver, boot_ms, now_ms, why);
		}
		notifier->asked = NOBODY;
	}
	pthread_mutex_unlock(&notifier->mutex);
}

void
notifier_lost(struct notifier *notifier, int64_t boot_ms, int64_t now_ms, const char *why) {
	pthread_mutex_lock(&notifier->mutex);
	if (notifier->asked != NOBODY)
		fail_first(notifier, &notifier->receivers[notifier->asked], boot_ms, now_ms, why);
	notifier->asked = NOBODY;
	pthread_mutex_unlock(&notifier->mutex);
}

/* --- Health and metrics. --- */

void
notifier_write_health(struct notifier *notifier, int64_t now_ms, struct json_writer *w) {
	pthread_mutex_lock(&notifier->mutex);
	json_write_array(w);
	for (size_t i = 0; i < notifier->count; i++) {
		const struct receiver *receiver = &notifier->receivers[i];
		int64_t since_ms = receiver->failing_since_ms;
		json_write_object(w);
		json_write_member_integer(w, "delivered", receiver->metrics[DELIVERED].value);
		if (since_ms != 0)
			json_write_member_text(w, "error", receiver->error);
		json_write_member_integer(w, "failed", receiver->metrics[FAILED].value);
		if (since_ms != 0) {
			json_write_member_boolean(w, "failing_for_long", now_ms - since_ms >= LONG_MS);
			json_write_member_integer(w, "failing_since", since_ms);
		}
		json_write_member_text(w, "name", receiver->config.name);
		json_write_member_integer(w, "pending", (int64_t)receiver->count);
		json_write_member_integer(w, "retried", receiver->metrics[RETRIED].value);
		json_write_end(w);
	}
	json_write_end(w);
	pthread_mutex_unlock(&notifier->mutex);
}

size_t
notifier_metrics(struct notifier *notifier, struct metric *table[static NOTIFIER_METRICS_MAX]) {
	size_t count = 0;
	for (size_t i = 0; i < notifier->count; i++)
		for (size_t result = 0; result < RESULTS; result++)
			table[count++] = &notifier->receivers[i].metrics[result];
	return count;
}
