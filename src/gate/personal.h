/*
 * Personal values on their way: brought beside a payload that commits to them, sealed beside the entry that holds the commitments
 * under a key of the person alone, and opened again (design §5, docs/PROTOCOL.ledger §5).
 *
 * A person's key lies in secrets.db, wrapped by a key from the root key; it is made with the first opening and destroyed by
 * person.erase. It is in clear only while something is sealed or opened. Nothing here keeps a value: they live in the caller's arena.
 *
 * Threads: personal_read() any; all else the deciding one. Errors: "personal.*", which never say a value; "aead.open".
 */
#ifndef GATEHOUSE_GATE_PERSONAL_H
#define GATEHOUSE_GATE_PERSONAL_H

#include "base/json.h"
#include "store/opening.h"

struct gate;

constexpr size_t PERSONAL_FIELDS_MAX = 3; /* of one person in one entry */
constexpr size_t PERSONAL_PARTS_MAX = 2;  /* people whom one entry holds values of: requester and resource */
constexpr size_t PERSONAL_TEXT_MAX = 256;
#define PERSONAL_SOURCE_ADDRESS "source_address"

struct personal_values {
	struct opening_field fields[PERSONAL_FIELDS_MAX]; /* by name, ascending */
	size_t count;
};

/* payload: {"contact"?: commitment, "name"?: commitment}; brought: the same members as {"salt","value"}. Every commitment is of
 * what was brought, and every value is well formed. */
enum status personal_read(const json *payload, const json *brought, struct personal_values *values);
/* Of a profile: "contact", "name"; in order, null after the last. */
const char *personal_profile_field(size_t index);
bool personal_is_profile_field(struct bytes name);

/* What is known of one entry. */
struct personal_source {
	struct bytes requester;    /* a person's id; empty: no person asks */
	struct bytes peer_address; /* 4 or 16 bytes; may be empty */
	struct bytes subject;      /* whose values these are; may be empty */
	const struct personal_values *values;
};

/* Commitments for the leaf, and openings for beside it. */
struct personal_record {
	struct bytes members; /* canonical JSON [{"fields":{name: commitment},"subject"}]; empty: nothing personal */
	struct bytes openings[PERSONAL_PARTS_MAX];
	size_t opening_count;
	struct bytes subject;
	struct {
		struct bytes field;
		struct hash256 commitment;
	} offered[PERSONAL_FIELDS_MAX]; /* of subject */
	size_t offered_count;
	bool is_noted;
};

/* Seals, in the arena. The address of somebody who was erased, where this process holds no keys, or no room for another, is left out; values of such are an
 * error: personal.erased, personal.locked. */
enum status personal_record_make(struct gate *gate, struct arena *arena, const struct personal_source *source,
				 struct personal_record *record);
/* The entry is about to stand: the state knows of it. Once. */
enum status personal_note(struct gate *gate, struct personal_record *record);
/* It stands there. */
void personal_place(struct gate *gate, const struct personal_record *record, uint64_t entry);
/* Both, from the entry's member "personal"; null: nothing. */
enum status personal_restore(struct gate *gate, uint64_t entry, const json *members);

/* The values of one opening: STATUS_NOT_FOUND "secrets.missing" where its subject's key is gone. */
enum status personal_open(struct gate *gate, struct arena *arena, struct bytes sealed, struct opening_field **fields,
			  size_t *count);
/* Keys of people who were erased, or of whom no entry holds anything, are removed. */
enum status personal_reconcile(struct gate *gate);

#endif
