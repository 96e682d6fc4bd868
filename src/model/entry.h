/*
 * An entry: what one leaf of the log says. docs/PROTOCOL.ledger §Entries.
 *
 *   {"at":1767225600000,"body":{...},"seq":17,"type":"decision","version":1}
 *
 * canonical JSON of at most 65,535 bytes. `at` is the batch's time and never decreases along the log; `seq` counts the entries
 * of one type from 0 without a gap, so that an omission shows; the body belongs to whoever wrote the entry. Types are one
 * table (entry.c). The last entry of every frame is of type `counts`: how many entries of each type there are until and
 * with it.
 *
 * Owner: what is read borrows from the arena or the leaf. Errors: "entry.*"; STATUS_UNSUPPORTED "entry.version" and
 * "entry.type" for what a newer program wrote.
 */
#ifndef GATEHOUSE_MODEL_ENTRY_H
#define GATEHOUSE_MODEL_ENTRY_H

#include "base/json.h"

constexpr size_t ENTRY_SIZE_MAX = 65'535;

enum entry_type {
	ENTRY_GENESIS, /* entry 0: instance, origin, keys, founders, first bundle */
	ENTRY_START,   /* hashes of binary, configuration and bundle; random bytes for the witnesses */
	ENTRY_STOP,
	ENTRY_DECISION, /* with the outcome, for inward acts; administrative ones too */
	ENTRY_INTENT,   /* before an outward act */
	ENTRY_OUTCOME,  /* after it */
	ENTRY_VOTE,
	ENTRY_EXPIRY,        /* a held operation was not approved in time */
	ENTRY_REFUSAL,       /* an authenticated request was refused before a decision */
	ENTRY_CONFIGURATION, /* was reloaded */
	ENTRY_CLOCK,         /* sample: source, offset, bound; step; acceptance */
	ENTRY_COSIGNATURE,   /* witnesses cosigned a head */
	ENTRY_READ,          /* somebody read personal values, or an auditor the record: who, whose, what */
	ENTRY_EXPORT,        /* entries were exported: which, by whom, their hash */
	ENTRY_ERASED,        /* a person's personal values were: their key is gone */
	ENTRY_BACKUP,        /* was taken: the archive's hash */
	ENTRY_RESTORE,       /* the log goes on from a backup; what was lost */
	ENTRY_RECOVERED,     /* bytes of an incomplete frame were cut: their hash */
	ENTRY_SIGN_IN,       /* a person signed in by a passkey: the assertion */
	ENTRY_SIGN_OUT,      /* and out again */
	ENTRY_PEER,          /* another keeper: the head of its log that was seen; or it is refused, and why */
	ENTRY_ENROLMENT,     /* a person enrolled a passkey by an invitation: the registration */
	ENTRY_DIVERGENCE,    /* another keeper has another passkey by the same invitation: the registration */
	ENTRY_LOCAL_BUNDLE,  /* another one, or none, is in force at this keeper: all of it */
	ENTRY_CHECK, /* a check of a protocol among keepers failed outside of an operation: which, and whom it names */
	ENTRY_LEFT,  /* a holder has left the epoch that a shared key was in before: what it had counted */
	ENTRY_OVERDUE, /* a shared key should have been dealt anew by now, as this keeper is configured */
	ENTRY_COUNTS,  /* last of every frame; written by the log itself */
	ENTRY_TYPES,
};

struct entry_kind {
	const char *name;
	int version;
	bool uses_reserve; /* may be recorded when the disk is full */
};
extern const struct entry_kind entry_kinds[ENTRY_TYPES];

struct entry {
	enum entry_type type;
	uint64_t seq;
	int64_t at_ms;
	struct bytes body;    /* canonical JSON of an object */
	const json *document; /* entry_read(): the body, parsed */
};

/* The canonical leaf, appended. The body is taken as canonical. STATUS_TOO_LARGE "entry.size". */
enum status entry_write(const struct entry *entry, struct buffer *leaf);
enum status entry_read(struct arena *arena, struct bytes leaf, struct entry *entry);
/* All but the parsed document, from the two ends of a leaf that entry_write() made; the body is not looked into. */
enum status entry_peek(struct bytes leaf, struct entry *entry);
enum status entry_type_parse(struct bytes name, enum entry_type *type);

/* {"counts":{"clock":3,...}} with every type that occurs; and back. Missing types are 0. */
enum status entry_write_counts(const uint64_t counts[ENTRY_TYPES], struct buffer *body);
enum status entry_read_counts(const json *body, uint64_t counts[ENTRY_TYPES]);

#endif
