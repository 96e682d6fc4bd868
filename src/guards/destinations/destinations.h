/*
 * Named lists of destinations: allow lists, and lists of sanctioned addresses. They change only by operations; root editing
 * a file changes nothing, because no file is read.
 *
 * An entry is "<chain>:<address>" in the spelling that the wallet's decoder gives ("ethereum:0x…" in EIP-55,
 * "bitcoin:bc1…"); Ethereum's are compared without regard to case. A list's hash is the SHA-256 of its name and sorted
 * entries, each length-prefixed: it stands in every decision, so that replay can tell which list was in force.
 * Threads: one. Owner: lists own copies of all text. Errors: "destinations.*".
 */
#ifndef GATEHOUSE_GUARDS_DESTINATIONS_DESTINATIONS_H
#define GATEHOUSE_GUARDS_DESTINATIONS_DESTINATIONS_H

#include "base/map.h"
#include "crypto/hash.h"

enum destination_list_kind { DESTINATIONS_ALLOWED, DESTINATIONS_SANCTIONED, DESTINATION_LIST_KINDS };

struct destination_list {
	char name[65];
	enum destination_list_kind kind;
	int64_t version; /* changes so far */
	int64_t changed_ms;
	struct hash256 hash;
	struct map entries; /* the spelling that is compared, to itself as given */
};

struct destinations {
	struct map lists; /* name to struct destination_list */
	/* Over the hashes of all lists of a kind, in the order of their names. Zero before the first list. */
	struct hash256 hashes[DESTINATION_LIST_KINDS];
};

void destinations_free(struct destinations *destinations); /* a cleanup function */

enum status destinations_create_list(struct destinations *destinations, struct bytes name,
				     enum destination_list_kind kind, int64_t now_ms);
/* All of the entries, or none of them on error. Adding what is there and removing what is not are refused by name. */
enum status destinations_add(struct destinations *destinations, struct bytes name, const struct bytes *entries,
			     size_t count, int64_t now_ms);
enum status destinations_remove(struct destinations *destinations, struct bytes name, const struct bytes *entries,
				size_t count, int64_t now_ms);

/* For snapshots: the same lists give the same bytes; read into empty ones. Errors: destinations.snapshot (STATUS_CORRUPT,
 * STATUS_UNSUPPORTED). */
enum status destinations_write(const struct destinations *destinations, struct buffer *to);
enum status destinations_read(struct destinations *destinations, struct bytes snapshot);

const struct destination_list *destinations_find(const struct destinations *destinations, struct bytes name);
bool destination_list_has(const struct destination_list *list, struct bytes entry);

/* True if any list of the kind has the entry; *list (may be null) receives it. */
bool destinations_any_has(const struct destinations *destinations, enum destination_list_kind kind, struct bytes entry,
			  const struct destination_list **list);

const char *destination_list_kind_name(enum destination_list_kind kind); /* "allowed", "sanctioned" */
enum status destination_list_kind_parse(struct bytes text, enum destination_list_kind *kind);

#endif
