/*
 * What the true members of a firm have signed, and that a log holds nothing else: each decision is on a document that one of them signed, each
 * vote a statement, by the keys that the test knows them by. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_TRULY_SIGNED_H
#define GATEHOUSE_TESTS_TRULY_SIGNED_H

#include "base/map.h"
#include "crypto/sign.h"
#include "gate/record.h"
#include "identity/statement.h"
#include "ledger/log.h"
#include "tests/house.h"

struct truly_signed {
	struct map documents;  /* digests of operations */
	struct map statements; /* digests of approval statements */
};

struct truly_reading {
	const struct truly_signed *truth;
	const struct house *house;
	size_t decisions, votes, done;
};

static inline void
truly_signed_free(struct truly_signed *truth) {
	map_free(&truth->documents);
	map_free(&truth->statements);
}

static inline void
truly_signed_add(struct map *map, struct bytes text) {
	struct hash256 digest = sha256(text);
	assert_ok(map_put(map, hash256_bytes(&digest), map, nullptr));
}

static inline const uint8_t *
truly_key_of(const struct house *house, struct bytes key_id) {
	for (size_t i = 0; i < FIRM_MEMBERS; i++)
		if (bytes_equal_text(key_id, house->firm.members[i].key_id))
			return house->firm.members[i].public_key;
	fail_msg("the log names a key that nobody has: %.*s", BYTES_ARGS(key_id));
	return nullptr;
}

static inline struct bytes
truly_text(const json *object, const char *name) {
	struct bytes text;
	assert_ok(json_need_string(object, "log", name, &text));
	return text;
}

/* The requester's signature, by the key that the test knows them by, over a document that they truly signed. */
static inline void
truly_check_decision(struct truly_reading *reading, struct arena *arena, const json *body) {
	struct decision_record record;
	const json *requester;
	uint8_t signature[64];
	assert_ok(decision_record_read(arena, body, nullptr, &record));
	struct hash256 digest = sha256(record.document);
	if (map_get(&reading->truth->documents, hash256_bytes(&digest)) == nullptr)
		fail_msg("the log decides what nobody asked for: %.*s", BYTES_ARGS(record.document));
	assert_ok(json_read(arena, record.requester, (struct json_limits){}, &requester));
	const uint8_t *key = truly_key_of(reading->house, truly_text(requester, "key"));
	assert_ok(hex_decode(truly_text(requester, "signature"), signature, sizeof signature));
	if (bytes_equal_text(truly_text(requester, "method"), "digest-signature"))
		assert_ok(person_verify(OPERATION_SIGNATURE_LABEL, &digest, key, signature));
	else
		assert_ok(ed25519_verify(key, truly_text(requester, "base"), signature));
	reading->decisions++;
	reading->done += record.outcome == OUTCOME_DONE;
}

static inline void
truly_check_vote(struct truly_reading *reading, const json *body) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	uint8_t signature[64];
	json_writer_start(&writer, &text);
	json_write_value(&writer, json_get(body, "statement"));
	assert_ok(json_writer_finish(&writer));
	struct hash256 digest = sha256(buffer_bytes(&text));
	if (map_get(&reading->truth->statements, hash256_bytes(&digest)) == nullptr)
		fail_msg("the log counts a vote that nobody gave: %.*s", BYTES_ARGS(text));
	assert_ok(hex_decode(truly_text(body, "signature"), signature, sizeof signature));
	assert_ok(person_verify(APPROVAL_SIGNATURE_LABEL, &digest,
				truly_key_of(reading->house, truly_text(body, "key")), signature));
	reading->votes++;
}

static inline enum status
truly_check_entry(void *context, const struct ledger_record *record) {
	struct truly_reading *reading = context;
	_cleanup_(arena_free) struct arena arena = {};
	struct entry entry;
	TRY(entry_read(&arena, record->leaf, &entry));
	if (entry.type == ENTRY_DECISION || entry.type == ENTRY_INTENT)
		truly_check_decision(reading, &arena, entry.document);
	if (entry.type == ENTRY_VOTE)
		truly_check_vote(reading, entry.document);
	return OK;
}

/* The whole log of the keeper, which is open here. */
static inline struct truly_reading
truly_signed_read(const struct truly_signed *truth, const struct house *house) {
	struct truly_reading reading = {.truth = truth, .house = house};
	struct ledger_head head;
	ledger_durable_head(keeper_ledger(house->keeper), &head);
	assert_ok(ledger_visit(keeper_ledger(house->keeper), 0, head.head.size, truly_check_entry, &reading));
	return reading;
}

#endif
