#include "keeper/projection.h"

#include <stdio.h>

#include "base/log.h"
#include "gate/record.h"
#include "keeper/answer.h"
#include "keeper/explanation.h"
#include "model/operation_kind.h"

static struct bytes
text_of(const json *object, const char *key) {
	const json *value = json_get(object, key);
	return value != nullptr && json_type_of(value) == JSON_STRING ? json_string(value) : (struct bytes){};
}

static const char *
state_of_decision(const json *body) {
	struct bytes decision = text_of(body, "decision"), outcome = text_of(body, "outcome");
	if (bytes_equal_text(decision, decision_name(DECISION_HELD)))
		return operation_state_name(OPERATION_HELD);
	if (bytes_equal_text(decision, decision_name(DECISION_DENY)))
		return operation_state_name(OPERATION_DENIED);
	if (bytes_equal_text(outcome, outcome_name(OUTCOME_DONE)))
		return operation_state_name(OPERATION_DONE);
	return operation_state_name(bytes_equal_text(outcome, outcome_name(OUTCOME_INTENDED)) ? OPERATION_UNKNOWN
											      : OPERATION_FAILED);
}

/* Where keeper/explanation.h looks for a bundle. */
static enum status
note_bundle(struct projection *projection, const struct projection_entry *entry) {
	char id[EXPLANATION_ID_DIGITS + 1];
	snprintf(id, sizeof id, "%0*llu", EXPLANATION_ID_DIGITS, (unsigned long long)entry->index);
	return projection_put_object(projection, EXPLANATION_ACTIVATIONS, bytes_of_text(id), (struct bytes){},
				     BYTES_OF_LITERAL("{}"), entry->index);
}

static enum status
note_activation(struct projection *projection, const struct projection_entry *entry,
		const struct projection_operation *operation) {
	if (!bytes_equal_text(operation->kind, operation_kinds[OPERATION_POLICY_ACTIVATE].name) ||
	    !bytes_equal_text(operation->state, operation_state_name(OPERATION_DONE)))
		return OK;
	return note_bundle(projection, entry);
}

/* --- What an operation is found by. --- */

static void
add_word(struct buffer *words, struct bytes word) {
	if (word.len == 0)
		return;
	if (words->len > 0)
		buffer_append_text(words, "\n");
	size_t start = words->len;
	buffer_append_bytes(words, word);
	for (size_t i = start; i < words->len; i++)
		if (words->data[i] >= 'A' && words->data[i] <= 'Z')
			words->data[i] |= 0x20;
}

/* Of the facts, which are most of an entry, only where a transfer goes. */
static void
add_destinations(const json *body, struct buffer *words) {
	const json *verified = json_get(json_get(body, "facts"), "verified");
	const json *destinations = json_get(verified, "transfer.destinations");
	if (destinations == nullptr)
		return;
	struct json_iterator iterator = json_iterate(destinations);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;)
		add_word(words, json_string(one));
}

constexpr size_t WORD_MAX = 128;   /* an address of any chain, an id, a digest; no transaction and no certificate */
constexpr size_t WORDS_MAX = 4096; /* of one operation's payload, all together */

/* The short texts of an administrative payload: names, people, addresses that come and go. */
static void
add_texts(const json *value, struct buffer *words) {
	struct bytes text = json_type_of(value) == JSON_STRING ? json_string(value) : (struct bytes){};
	if (text.len <= WORD_MAX && words->len < WORDS_MAX)
		add_word(words, text);
	if (json_type_of(value) != JSON_OBJECT && json_type_of(value) != JSON_ARRAY)
		return;
	struct json_iterator iterator = json_iterate(value);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;)
		add_texts(one, words);
}

static enum status
add_payload(struct bytes leaf, struct buffer *words) {
	_cleanup_(arena_free) struct arena arena = {.block_size = 4 * 1024};
	struct entry entry;
	struct bytes text;
	const json *payload;
	TRY(entry_peek(leaf, &entry));
	enum status status = json_member_text(entry.body, "payload", &text);
	if (status == STATUS_NOT_FOUND)
		return OK; /* a large one lies beside the log */
	TRY(status);
	TRY(json_read(&arena, text, (struct json_limits){}, &payload));
	add_texts(payload, words);
	return OK;
}

static enum status
write_words(const struct projection_entry *entry, const struct projection_operation *operation, struct buffer *words) {
	const json *document = json_get(entry->body, "document");
	add_word(words, operation->kind);
	add_word(words, operation->principal);
	add_word(words, operation->resource);
	add_word(words, text_of(document, "reference"));
	add_word(words, text_of(document, "reason"));
	if (bytes_equal_text(operation->kind, operation_kinds[OPERATION_SIGN].name)) {
		add_word(words, BYTES_OF_LITERAL("transfer")); /* as people call it */
		add_destinations(entry->body, words);
	} else
		TRY(add_payload(entry->leaf, words));
	return buffer_status(words);
}

/* --- Entries. --- */

static enum status
apply_decision(struct projection *projection, const struct projection_entry *entry) {
	const json *document = json_get(entry->body, "document");
	struct projection_operation operation = {.id = text_of(entry->body, "operation"),
						 .kind = text_of(document, "kind"),
						 .principal = text_of(document, "principal"),
						 .resource = text_of(document, "resource"),
						 .state = bytes_of_text(state_of_decision(entry->body)),
						 .at_ms = entry->at_ms,
						 .index = entry->index,
						 .legal_entity = text_of(entry->body, "legal_entity")};
	_cleanup_(buffer_free) struct buffer words = {};
	TRY(write_words(entry, &operation, &words));
	operation.words = buffer_bytes(&words);
	TRY(projection_put_operation(projection, &operation));
	return note_activation(projection, entry, &operation);
}

static enum status
apply_outcome(struct projection *projection, const struct projection_entry *entry) {
	bool done = bytes_equal_text(text_of(entry->body, "outcome"), outcome_name(OUTCOME_DONE));
	struct projection_operation operation = {
		.id = text_of(entry->body, "operation"),
		.state = bytes_of_text(operation_state_name(done ? OPERATION_DONE : OPERATION_FAILED)),
		.at_ms = entry->at_ms,
		.index = entry->index};
	return projection_put_operation(projection, &operation);
}

static enum status
note_rejection(struct projection *projection, const struct projection_entry *entry, const json *statement) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	rejection_write(&w, text_of(statement, "person"), text_of(statement, "reason"));
	TRY(json_writer_finish(&w));
	return projection_put_object(projection, PROJECTION_REJECTIONS, text_of(entry->body, "operation"),
				     (struct bytes){}, buffer_bytes(&body), entry->index);
}

/* Who voted, and why somebody rejected it. */
static enum status
add_voter(struct projection *projection, const struct projection_entry *entry, const json *statement) {
	_cleanup_(buffer_free) struct buffer words = {};
	add_word(&words, text_of(statement, "person"));
	add_word(&words, text_of(statement, "reason"));
	TRY(buffer_status(&words));
	return projection_add_words(projection, text_of(entry->body, "operation"), buffer_bytes(&words));
}

static enum status
apply_vote(struct projection *projection, const struct projection_entry *entry) {
	const json *statement = json_get(entry->body, "statement");
	TRY(add_voter(projection, entry, statement));
	if (!bytes_equal_text(text_of(statement, "verdict"), approval_verdict_name(APPROVAL_REJECT)))
		return OK;
	TRY(note_rejection(projection, entry, statement));
	if (!approval_entry_ends(entry->body))
		return OK;
	struct projection_operation operation = {.id = text_of(entry->body, "operation"),
						 .state = bytes_of_text(operation_state_name(OPERATION_REJECTED)),
						 .at_ms = entry->at_ms,
						 .index = entry->index};
	return projection_put_operation(projection, &operation);
}

static enum status
apply_expiry(struct projection *projection, const struct projection_entry *entry) {
	struct projection_operation operation = {.id = text_of(entry->body, "operation"),
						 .state = bytes_of_text(operation_state_name(OPERATION_EXPIRED)),
						 .at_ms = entry->at_ms,
						 .index = entry->index};
	return projection_put_operation(projection, &operation);
}

static const struct projection_handler handlers[] = {
	{"decision", apply_decision},  {"expiry", apply_expiry},   {"intent", apply_decision},
	{"local_bundle", note_bundle}, {"outcome", apply_outcome}, {"vote", apply_vote},
};

enum status
projection_start(struct keeper *keeper) {
	struct projection_config config = {.io = keeper->config.io,
					   .path = keeper->state_path,
					   .identity = sha256(bytes_of_text(keeper->installation->origin)),
					   .handlers = handlers,
					   .handler_count = ARRAY_LENGTH(handlers)};
	TRY(projection_open(&config, &keeper->projection));
	struct mark applied = projection_applied(keeper->projection);
	if (ledger_had_head(keeper->ledger, &applied) == OK)
		return OK;
	log_warning("%s is built anew: %s", keeper->state_path, fail_message());
	return projection_clear(keeper->projection);
}

static uint64_t
target_applied(void *context) {
	struct keeper *keeper = context;
	pthread_mutex_lock(&keeper->projection_mutex);
	uint64_t size = projection_applied(keeper->projection).size;
	pthread_mutex_unlock(&keeper->projection_mutex);
	return size;
}

static enum status
target_begin(void *context) {
	struct keeper *keeper = context;
	pthread_mutex_lock(&keeper->projection_mutex);
	enum status status = projection_begin(keeper->projection);
	pthread_mutex_unlock(&keeper->projection_mutex);
	return status;
}

static enum status
target_apply(void *context, const struct ledger_record *record) {
	struct keeper *keeper = context;
	/* What the handlers above look at: a tenth of what a decision says, in its first two thirds; of a vote its statement. */
	static const struct json_wanted of_document[] = {{"kind"},      {"principal"}, {"reason"},
							 {"reference"}, {"resource"},  {}},
					of_verified[] = {{"transfer.destinations"}, {}},
					of_facts[] = {{"verified", of_verified}, {}},
					of_decision[] = {{"decision"},
							 {"document", of_document},
							 {"facts", of_facts},
							 {"legal_entity"},
							 {"operation"},
							 {"outcome"},
							 {}},
					of_vote[] = {{"ends"}, {"legal_entity"}, {"operation"}, {"statement"}, {}};
	_cleanup_(arena_free) struct arena arena = {.block_size = 8 * 1024};
	_cleanup_(buffer_free) struct buffer selected = {};
	struct entry entry;
	const json *body;
	TRY(entry_peek(record->leaf, &entry));
	TRY(json_select_within(entry.body, entry.type == ENTRY_VOTE ? of_vote : of_decision, &selected));
	TRY(json_read(&arena, buffer_bytes(&selected), (struct json_limits){}, &body));
	struct projection_entry row = {.index = record->index,
				       .type = bytes_of_text(entry_kinds[entry.type].name),
				       .seq = (int64_t)entry.seq,
				       .at_ms = entry.at_ms,
				       .operation = text_of(body, "operation"),
				       .legal_entity = text_of(body, "legal_entity"),
				       .body = body,
				       .leaf = record->leaf};
	pthread_mutex_lock(&keeper->projection_mutex);
	enum status status = projection_apply(keeper->projection, &row);
	pthread_mutex_unlock(&keeper->projection_mutex);
	return status;
}

static enum status
target_finish(void *context, const struct ledger_head *head) {
	struct keeper *keeper = context;
	pthread_mutex_lock(&keeper->projection_mutex);
	enum status status = projection_commit(keeper->projection, &(struct mark){head->head.size, head->head.root});
	pthread_mutex_unlock(&keeper->projection_mutex);
	return status;
}

struct publish_target
projection_target(struct keeper *keeper) {
	return (struct publish_target){.name = "state.db",
				       .context = keeper,
				       .applied = target_applied,
				       .begin = target_begin,
				       .apply = target_apply,
				       .finish = target_finish};
}
