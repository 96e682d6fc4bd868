/*
 * The directory: who may ask and who may vote. People (random pseudonyms), workloads, groups of people, their Ed25519 keys
 * and passkeys, zones, and the units that everything stands in: account ─► desk ─► legal entity.
 *
 * A principal is named "person:p-3f9c0a5512d07e84" or "workload:settlement-1"; a key "<principal>/<name>". A public key
 * belongs to one principal for ever, so that nobody votes twice and nobody's key speaks for another. Nothing is removed:
 * what is over is suspended or revoked, so that old entries keep their meaning.
 *
 * Owner: the keeper's state owns one directory and is its only writer (genesis and operations); strings are copied.
 * Threads: many readers or one writer. Lookups are O(1). Errors: "directory.*".
 * directory.c: units, zones, principals, keys; directory_groups.c: groups, and who votes for whom.
 */
#ifndef GATEHOUSE_IDENTITY_DIRECTORY_H
#define GATEHOUSE_IDENTITY_DIRECTORY_H

#include "identity/passkey.h"

constexpr size_t DIRECTORY_NAME_MAX = 64; /* of a unit, zone, group, workload, pseudonym or key name */
constexpr size_t DIRECTORY_PRINCIPAL_MAX = 9 + DIRECTORY_NAME_MAX; /* "workload:" */
constexpr size_t DIRECTORY_KEY_ID_MAX = DIRECTORY_PRINCIPAL_MAX + 1 + DIRECTORY_NAME_MAX;
constexpr size_t PERSON_ID_SIZE = 9 + 16 + 1; /* "person:p-", 16 hexadecimal digits, NUL */

enum unit_kind { UNIT_LEGAL_ENTITY, UNIT_DESK, UNIT_ACCOUNT };
enum principal_kind { PRINCIPAL_PERSON, PRINCIPAL_WORKLOAD };
enum directory_key_class {
	DIRECTORY_KEY_PLAIN,
	DIRECTORY_KEY_TERMINAL, /* enrolled on the holder's own machine: its votes are independent (design §4) */
	DIRECTORY_KEY_PASSKEY,  /* an authenticator in a browser: resists phishing, and is never independent */
};

struct unit {
	struct bytes id;
	enum unit_kind kind;
	const struct unit *parent; /* null: a legal entity */
};

struct zone {
	struct bytes id;
};

struct principal;

struct directory_key {
	struct bytes id; /* "workload:settlement-1/2026a" */
	const struct principal *principal;
	uint8_t public_key[32];  /* Ed25519; zero, which is no key, where it is a passkey */
	struct passkey *passkey; /* DIRECTORY_KEY_PASSKEY only; its counter follows what it signed */
	enum directory_key_class class;
	const struct zone *zone; /* where its operations come from; null: none registered */
	int64_t usable_from_ms;  /* a new key may wait, so that whoever is robbed can revoke it first */
	bool revoked;
	const struct directory_key *next; /* of the same principal */
};

struct principal {
	struct bytes id;
	enum principal_kind kind;
	const struct unit *unit;
	bool suspended;
	bool is_auditor; /* reads, and does nothing else: gate_state_make_auditor() says it */
	size_t number;   /* in the order of registration */
	const struct directory_key *keys;
};

struct group {
	struct bytes id;     /* a Cedar identifier: context.approvals.group.<id> */
	size_t member_count; /* who is yet to begin included */
};

/* What begins later may be revoked before: the notice that others get is worth as much as they can still do. */
struct delegation {
	const struct principal *by; /* null: none */
	int64_t from_ms, until_ms;
};
constexpr size_t DELEGATIONS_MAX = 2; /* of one person: the one that holds, and the one that takes its place later */

struct directory;

enum status directory_create(struct directory **directory);
void directory_destroy(struct directory **directory); /* a cleanup function */

/* --- Writing. Each says STATUS_CONFLICT "directory.exists" for an id that is there, STATUS_NOT_FOUND "directory.unknown" for
 * one that is not, STATUS_INVALID "directory.name" for characters beyond [a-z0-9._-] (groups: [a-z][a-z0-9_]*). --- */
/* parent: a desk's legal entity, an account's desk; empty for a legal entity. Error: directory.parent. */
enum status directory_add_unit(struct directory *directory, enum unit_kind kind, struct bytes id, struct bytes parent);
enum status directory_add_zone(struct directory *directory, struct bytes id);
/* id with its prefix "person:p-" or "workload:". */
enum status directory_add_person(struct directory *directory, struct bytes id, struct bytes unit);
enum status directory_add_workload(struct directory *directory, struct bytes id, struct bytes unit);
/* zone may be empty. Only people's keys can be of the class TERMINAL (directory.key_class). A public key that is known
 * already, small-order or not a point is refused: directory.key_taken (STATUS_CONFLICT), directory.public_key. */
enum status directory_add_key(struct directory *directory, struct bytes principal, struct bytes name,
			      const uint8_t public_key[32], enum directory_key_class class, struct bytes zone);
/* A passkey, copied. A credential belongs to one person for ever: directory.key_taken; only people have them: directory.key_class. */
enum status directory_add_passkey(struct directory *directory, struct bytes person, struct bytes name,
				  const struct passkey *passkey, int64_t usable_from_ms);
/* Whether that principal could be given a key of that name: "directory.unknown", "directory.exists". */
enum status directory_check_new_key(const struct directory *directory, struct bytes of, struct bytes name);
/* Whether each could be added, as the functions that add them say; nothing is. */
enum status directory_check_unit(const struct directory *directory, enum unit_kind kind, struct bytes id,
				 struct bytes parent);
enum status directory_check_zone(const struct directory *directory, struct bytes id);
enum status directory_check_principal(const struct directory *directory, enum principal_kind kind, struct bytes id,
				      struct bytes unit);
enum status directory_check_group(const struct directory *directory, struct bytes id);
/* is_added: whether the person could be added to the group; else whether they are in it. */
enum status directory_check_member(const struct directory *directory, struct bytes group, struct bytes person,
				   bool is_added);
enum status directory_check_delegation(const struct directory *directory, struct bytes of, struct bytes by,
				       int64_t from_ms, int64_t until_ms);
/* The makers of that model's authenticators are believed no more: no passkey of it is certified any longer. */
void directory_distrust_model(struct directory *directory, struct bytes aaguid);
/* The counter of an assertion that was taken. */
void directory_set_counter(struct directory *directory, struct bytes key_id, uint32_t counter);
/* Whether that key could be given to a new principal of the kind: so that a principal is added with all its keys or not at
 * all. */
enum status directory_check_key(const struct directory *directory, enum principal_kind kind, struct bytes name,
				const uint8_t public_key[32], enum directory_key_class class, struct bytes zone);
enum status directory_revoke_key(struct directory *directory, struct bytes key_id); /* final */
enum status directory_suspend(struct directory *directory, struct bytes principal, bool suspended);
/* For good. It is no part of a snapshot: who is an auditor is kept with what they may read (identity/access.h). */
enum status directory_make_auditor(struct directory *directory, struct bytes principal);
enum status directory_add_group(struct directory *directory, struct bytes id);
enum status directory_add_member(struct directory *directory, struct bytes group, struct bytes person, int64_t from_ms);
enum status directory_remove_member(struct directory *directory, struct bytes group, struct bytes person);
/* Between the two times, the delegate may cast the vote of of. One delegate at a time: what begins later takes the place of what
 * holds when it begins, and not before; until then it takes the place of whatever else was to begin. Both times 0: nobody votes for
 * of any more, now or later. Error: directory.delegation where both are the same, either is not a person, or it ends before it
 * begins. */
enum status directory_delegate(struct directory *directory, struct bytes of, struct bytes by, int64_t from_ms,
			       int64_t until_ms, int64_t now_ms);
/* What is yet to begin at now_ms never does. STATUS_CONFLICT "directory.begun" where it has, or where there is none. */
enum status directory_cancel_member(struct directory *directory, struct bytes group, struct bytes person,
				    int64_t now_ms);
enum status directory_cancel_delegation(struct directory *directory, struct bytes of, int64_t now_ms);
/* A key that was just added begins to count then. */
void directory_set_usable_from(struct directory *directory, struct bytes key_id, int64_t usable_from_ms);

/* --- Reading. Null where there is none. Results live as long as the directory. --- */
const struct unit *directory_unit(const struct directory *directory, struct bytes id);
const struct zone *directory_zone(const struct directory *directory, struct bytes id);
const struct principal *directory_principal(const struct directory *directory, struct bytes id);
const struct directory_key *directory_key(const struct directory *directory, struct bytes key_id);
/* The passkey with that credential. */
const struct directory_key *directory_passkey(const struct directory *directory, struct bytes credential_id);
const struct group *directory_group(const struct directory *directory, struct bytes id);
/* Whether the person's membership has begun at now_ms; INT64_MAX: whether there is one, begun or not. */
bool directory_is_member(const struct directory *directory, const struct group *group, const struct principal *person,
			 int64_t now_ms);
/* When it begins; 0 where there is none, or where it began when it was made. */
int64_t directory_member_from(const struct directory *directory, const struct group *group,
			      const struct principal *person);
/* Each of a group's members, those yet to begin included, in no order: *at begins at 0. Null after the last. */
const struct principal *directory_next_of_group(const struct group *group, size_t *at, int64_t *from_ms);
struct membership {
	const struct principal *person;
	int64_t from_ms;
};
/* All of them, group->member_count, in the order of registration; the caller frees the array. */
enum status directory_list_members(const struct group *group, struct membership **members);
/* When the next membership begins after now_ms; INT64_MAX where none does. */
int64_t directory_next_member(const struct directory *directory, int64_t now_ms);
/* True if signer is person, or holds person's delegation at now_ms; and neither is an auditor. */
bool directory_may_vote(const struct directory *directory, const struct principal *signer,
			const struct principal *person, int64_t now_ms);
/* unit or the parent of that kind above it; null if it stands higher. */
const struct unit *unit_above(const struct unit *unit, enum unit_kind kind);
const char *unit_kind_name(enum unit_kind kind);                      /* "legal_entity", "desk", "account" */
const char *principal_kind_name(enum principal_kind kind);            /* "person", "workload" */
const char *directory_key_class_name(enum directory_key_class class); /* "plain", "terminal", "passkey" */

/* In order of addition: for snapshots, entities and listings. */
size_t directory_unit_count(const struct directory *directory);
const struct unit *directory_unit_at(const struct directory *directory, size_t index);
size_t directory_zone_count(const struct directory *directory);
const struct zone *directory_zone_at(const struct directory *directory, size_t index);
size_t directory_principal_count(const struct directory *directory);
const struct principal *directory_principal_at(const struct directory *directory, size_t index);
size_t directory_group_count(const struct directory *directory);
const struct group *directory_group_at(const struct directory *directory, size_t index);
/* Those that are not over at now_ms, in order of their beginnings; INT64_MIN: all that are kept. Yields how many. */
size_t directory_delegations(const struct directory *directory, const struct principal *person, int64_t now_ms,
			     struct delegation found[static DELEGATIONS_MAX]);
/* For snapshots: one more of them, which begins after those that there are. */
enum status directory_restore_delegation(struct directory *directory, struct bytes of, struct bytes by, int64_t from_ms,
					 int64_t until_ms);

/* A fresh pseudonym, "person:p-" and 64 random bits. */
void directory_new_person_id(char id[static 26]);

/* The key of an incoming signature: known, not revoked, its principal not suspended. Errors, all STATUS_UNAUTHORIZED:
 * directory.key_unknown, directory.key_revoked, directory.principal_suspended. */
enum status directory_active_key(const struct directory *directory, struct bytes key_id,
				 const struct directory_key **key);
/* The same, and it may do more than read: directory.auditor (STATUS_DENIED). Whatever asks for something, votes or vouches goes by
 * this one. */
enum status directory_acting_key(const struct directory *directory, struct bytes key_id,
				 const struct directory_key **key);
/* The same, and it is no passkey: directory.key_class. */
enum status directory_acting_ed25519(const struct directory *directory, struct bytes key_id,
				     const struct directory_key **key);
/* Whether its waiting time is over: directory.key_waiting (STATUS_UNAUTHORIZED). */
enum status directory_key_check_waiting(const struct directory_key *key, int64_t now_ms);

/* For snapshots: the same directory gives the same bytes; read into an empty one (identity/directory_snapshot.c). Errors:
 * directory.snapshot (STATUS_CORRUPT, STATUS_UNSUPPORTED). */
enum status directory_write(const struct directory *directory, struct buffer *to);
enum status directory_read(struct directory *directory, struct bytes snapshot);

#endif
