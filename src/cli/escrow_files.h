/*
 * What keepers gave to key.backup, in files, and which of it is believed. Any file can be a liar's, the first one too, so that none says
 * by itself what the others must be: files are grouped by the sharing that they state (its hash) and by what else of the key's record
 * decides what the key becomes; of each it is checked, in its own group, that the recovery key gets a share out of it; and the group of
 * which most are sound is the key's. With fewer liars than the threshold, and as many honest files as sign, no group of liars is as large.
 * What cannot be read, is of another group, is no sound escrow, or is of a keeper that a sound one of the group is of, is named and left out.
 *
 * Memory: everything lives in the arena. Errors: STATUS_CONFLICT "escrow.groups" where two groups have as many sound ones;
 * STATUS_UNAVAILABLE "recovery.escrows" where none is sound. Format: docs/PROTOCOL.threshold §15.
 */
#ifndef GATEHOUSE_CLI_ESCROW_FILES_H
#define GATEHOUSE_CLI_ESCROW_FILES_H

#include "base/arena.h"
#include "keys/threshold/recovery.h"

struct escrow_file {
	const char *path;
	const char *refusal; /* why it is left out; null: it is a sound one of the collection's key */
	bool is_read;        /* what follows is there */
	bool is_sound;       /* in its own group */
	struct hash256 group;
	uint8_t holder;
	struct bytes escrow;
	struct key_info key;
	struct sharing sharing;
};

struct escrow_collection {
	struct escrow_file *files; /* as they were given */
	size_t count;
	/* Of the largest group, in it. */
	const struct key_info *key;
	const struct sharing *sharing;
	/* The sound ones of it, as recovery_join() takes them. */
	size_t sound;
	uint8_t holders[PARTIES_MAX];
	struct bytes escrows[PARTIES_MAX];
};

/* What one file says, unchecked: the answer of one keeper to key.backup, or the result in it. */
enum status escrow_file_read(struct arena *arena, struct bytes text, struct escrow_file *file);
enum status escrow_files_collect(struct arena *arena, const char *const *paths, size_t count, struct bytes instance,
				 struct bytes recovery_key, struct escrow_collection *collection);
/* What the file says whose it is; "nobody" where it names no holder. */
const char *escrow_file_keeper(const struct escrow_file *file);

#endif
