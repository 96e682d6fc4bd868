/*
 * Backups of an installation, taken while it serves, and restoring one. docs/PROTOCOL.backup §4.
 *
 * A copy is consistent because secrets.db did not change while the log was copied: a key's row stands before its entry and goes after
 * it, so that every log of that time fits these rows. If it did change, the copy is made again. Segments are copied the newest
 * first: what the copy lacks is the end of the log, as after a crash.
 *
 * Restoring never sets a log back in silence: where a mark outside the data directory knows more entries than the backup has, it is
 * refused unless whoever restores names how many entries are given up; the log's `restore` entry says so. Behind a witness a log that
 * was set back does not start: nobody can lift that.
 *
 * Errors: STATUS_CONFLICT "backup.exists", "backup.behind", "backup.fork"; STATUS_UNAVAILABLE "backup.busy"; STATUS_CORRUPT
 * "backup.*", "archive.*", "sealed_file.*"; those of installation_open() and ledger_open(). Nothing is left in place of the data
 * directory after an error.
 */
#ifndef GATEHOUSE_KEEPER_BACKUP_H
#define GATEHOUSE_KEEPER_BACKUP_H

#include "keeper/installation.h"
#include "store/high_water.h"
#include "store/sealed_file.h"

#define BACKUP_NOTE "backup-note"

struct backup_made {
	struct hash256 archive; /* SHA-256 of the file */
	uint64_t size;          /* entries of the published head, at the least */
	int64_t taken_ms;
};

/* recipients: public recovery keys. out must not exist. */
enum status backup_make(const struct io *io, const char *directory, const char *out, const struct bytes *recipients,
			size_t count, struct backup_made *made);
/* What a keeper takes from <data>/BACKUP_NOTE and makes an entry of: canonical JSON, appended. */
enum status backup_note_write(const struct backup_made *made, struct buffer *to);

struct backup_source {
	const struct io *io;
	const char *archive;
	struct bytes private_key; /* recovery key */
	const char *directory;    /* must not exist, or be empty */
	enum root_key_source root_source;
	struct bytes given; /* passphrase or digits of the root key */
	enum rollback_guard guard;
	const char *guard_path;
	uint64_t accept_loss;       /* entries that are given up; 0: none */
	const struct bytes *erased; /* people who were erased since: they are erased again, by entries of their own */
	size_t erased_count;
};

struct backup_restored {
	struct hash256 archive;
	struct mark mark; /* the head that the backup held */
	uint64_t lost;
	int64_t taken_ms;
};
enum status backup_restore(const struct backup_source *source, struct backup_restored *restored);

#endif
