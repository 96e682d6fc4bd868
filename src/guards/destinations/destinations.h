/*
 * Named lists of destinations: allow lists, and lists of sanctioned addresses. They change only by operations; root editing
 * a file changes nothing, because no file is read.
 *
 * An entry is "<chain>:<address>" in the spelling that the wallet's decoder gives ("ethereum:0x…" in EIP-55,
 * "bitcoin:bc1…"); Ethereum's are compared without regard to case. An entry of an allow list may have terms: from when it is
 * in force, until when, and that it is on probation until somebody confirms that a small transfer arrived there. A list's hash
 * is the SHA-256 of its name and sorted entries with their terms: it stands in every decision, so that replay can tell which
 * list was in force.
 * Threads: one. Owner: lists own copies of all text. Errors: "destinations.*".
 */
#ifndef GATEHOUSE_GUARDS_DESTINATIONS_DESTINATIONS_H
#define GATEHOUSE_GUARDS_DESTINATIONS_DESTINATIONS_H

#include "base/map.h"
#include "crypto/hash.h"

enum destination_list_kind { DESTINATIONS_ALLOWED, DESTINATIONS_SANCTIONED, DESTINATION_LIST_KINDS };

constexpr size_t DESTINATION_NOTE_MAX = 64;

/* What a test transfer is worth at least, or all that the probation allows where that is less: what arrives must be seen. */
constexpr int64_t DESTINATION_TEST_MIN_CENTS = 100;

struct destination_terms {
	int64_t effective_ms;    /* 0: at once */
	int64_t expires_ms;      /* 0: never */
	int64_t probation_cents; /* 0: none. Else what a transfer there may be worth until the entry is confirmed */
	char note[DESTINATION_NOTE_MAX + 1];
};

/* From the worst to the best: what a transaction pays is as good as the worst of its destinations. */
enum destination_state {
	DESTINATION_UNLISTED,
	DESTINATION_EXPIRED,
	DESTINATION_WAITING,
	DESTINATION_PROBATION,
	DESTINATION_IN_FORCE,
	DESTINATION_STATES,
};

struct destination_entry {
	struct destination_terms terms;
	bool is_tested;        /* while it was on probation, a transfer that its terms allow was signed */
	uint8_t tested_by[32]; /* the newest such operation */
	char spelling[];       /* as given */
};

struct destination_list {
	char name[65];
	enum destination_list_kind kind;
	int64_t version; /* changes so far */
	int64_t changed_ms;
	struct hash256 hash;
	struct map entries; /* the spelling that is compared, to struct destination_entry */
	/* Of a list of sanctioned addresses: each of Ethereum's alone, to on how many chains it stands. One key has it on all of them. */
	struct map anywhere;
};

struct destinations {
	struct map lists; /* name to struct destination_list */
	/* Over the hashes of all lists of a kind, in the order of their names. Zero before the first list. */
	struct hash256 hashes[DESTINATION_LIST_KINDS];
};

void destinations_free(struct destinations *destinations); /* a cleanup function */

/* Whether each change could be made, as the functions that make them say; nothing is. terms are not null. */
enum status destinations_check_list(const struct destinations *destinations, struct bytes name);
enum status destinations_check_add(const struct destinations *destinations, struct bytes name,
				   const struct bytes *entries, size_t count, const struct destination_terms *terms,
				   int64_t now_ms);
enum status destinations_check_remove(const struct destinations *destinations, struct bytes name,
				      const struct bytes *entries, size_t count);
enum status destinations_check_confirm(const struct destinations *destinations, struct bytes name,
				       const struct bytes *entries, size_t count);

enum status destinations_create_list(struct destinations *destinations, struct bytes name,
				     enum destination_list_kind kind, int64_t now_ms);
/* All of the entries, or none of them on error. Adding what is there and removing what is not are refused by name. terms: of
 * all of the entries; null: none. Errors also: "destinations.terms". */
enum status destinations_add(struct destinations *destinations, struct bytes name, const struct bytes *entries,
			     size_t count, const struct destination_terms *terms, int64_t now_ms);
enum status destinations_remove(struct destinations *destinations, struct bytes name, const struct bytes *entries,
				size_t count, int64_t now_ms);

/* Ends the probation of entries that were tested: "destinations.untested", "destinations.confirmed". */
enum status destinations_confirm(struct destinations *destinations, struct bytes name, const struct bytes *entries,
				 size_t count, int64_t now_ms);
/* A transfer of so much to it was signed: a test of the entries that are on probation and allow as much, if it is worth enough. */
void destinations_note_transfer(struct destinations *destinations, struct bytes entry, int64_t cents,
				const uint8_t operation[static 32], int64_t now_ms);

/* For snapshots: the same lists give the same bytes; read into empty ones. Errors: destinations.snapshot (STATUS_CORRUPT,
 * STATUS_UNSUPPORTED). */
enum status destinations_write(const struct destinations *destinations, struct buffer *to);
enum status destinations_read(struct destinations *destinations, struct bytes snapshot);

const struct destination_list *destinations_find(const struct destinations *destinations, struct bytes name);
/* Null if there is none. */
const struct destination_entry *destination_list_entry(const struct destination_list *list, struct bytes entry);
enum destination_state destination_entry_state(const struct destination_entry *entry, int64_t now_ms);
const char *destination_state_name(enum destination_state state); /* "in_force", ... */

/* True if any list of the kind has an entry at all. */
bool destinations_have_any(const struct destinations *destinations, enum destination_list_kind kind);
/* True if any list of the kind has the entry, of sanctioned ones also on another chain of Ethereum; *list (may be null) receives it. */
bool destinations_any_has(const struct destinations *destinations, enum destination_list_kind kind, struct bytes entry,
			  const struct destination_list **list);

/* How an address stands: on the allow list where it stands best. */
struct destination_standing {
	enum destination_state state;
	int64_t from_ms;         /* waiting: when that is over */
	int64_t until_ms;        /* on probation, in force; INT64_MAX: without end */
	int64_t probation_cents; /* on probation; of several the smallest */
};
struct destination_standing destinations_standing(const struct destinations *destinations, struct bytes entry,
						  int64_t now_ms);

const char *destination_list_kind_name(enum destination_list_kind kind); /* "allowed", "sanctioned" */
enum status destination_list_kind_parse(struct bytes text, enum destination_list_kind *kind);

#endif
