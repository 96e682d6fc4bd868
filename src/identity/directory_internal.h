/* Between directory.c and directory_groups.c: the directory as it lies in memory. */
#ifndef GATEHOUSE_IDENTITY_DIRECTORY_INTERNAL_H
#define GATEHOUSE_IDENTITY_DIRECTORY_INTERNAL_H

#include "base/arena.h"
#include "identity/directory.h"
#include "identity/registry.h"

struct stored_principal {
	struct principal principal;                     /* first: what readers hold points here */
	struct delegation delegations[DELEGATIONS_MAX]; /* in order of their beginnings */
};

struct stored_group {
	struct group group; /* first */
	struct map members; /* person's id ─► struct member of directory_groups.c */
};

struct directory {
	struct arena arena; /* all that is registered; nothing is ever removed */
	struct registry units;
	struct registry zones;
	struct registry principals;
	struct registry keys;
	struct registry groups;
	struct map by_public_key;
	struct map by_credential; /* passkeys */
};

/* STATUS_NOT_FOUND "directory.unknown" */
enum status directory_unknown(const char *what, struct bytes id);
/* Begins with a letter or digit; letters of lower case only, so that no two names look alike but for their case. */
enum status directory_check_name(struct bytes name, const char *others);
enum status directory_find_principal(const struct directory *directory, struct bytes id,
				     struct stored_principal **principal);

#endif
