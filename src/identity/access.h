/*
 * Who may read what, where it is not what everybody may: auditors, who read the record of a legal entity and a period and
 * nothing else, and those who may read personal values (design §5, §6).
 *
 * Whoever was made an auditor stays one: without a grant they read nothing. The period is of the records (when their entries were
 * made), not of the reading; that ends when the grant is revoked. Personal values may be read until a time.
 *
 * Owner: the keeper's state; strings are copied. Threads: one. Errors: "access.*".
 */
#ifndef GATEHOUSE_IDENTITY_ACCESS_H
#define GATEHOUSE_IDENTITY_ACCESS_H

#include "base/map.h"

constexpr size_t ACCESS_GRANTS_MAX = 16; /* of one auditor */
constexpr size_t ACCESS_NAME_MAX = 128;  /* bytes of a principal's id, or of a legal entity's */

struct access_grant {
	char entity[ACCESS_NAME_MAX + 1];
	int64_t from_ms, until_ms; /* entries from the first on, before the second */
};

struct access {
	struct map auditors; /* a principal's id to struct auditor */
	struct map readers;  /* of personal values: a principal's id to struct personal_reader */
};
void access_free(struct access *access); /* a cleanup function */

/* --- Auditors. --- */

enum status access_make_auditor(struct access *access, struct bytes principal);
bool access_is_auditor(const struct access *access, struct bytes principal);
/* Makes them an auditor. In the place of an earlier grant of that entity: one entity, one period. STATUS_INVALID
 * "access.period", STATUS_TOO_LARGE "access.grants". */
enum status access_grant(struct access *access, struct bytes principal, struct bytes entity, int64_t from_ms,
			 int64_t until_ms);
/* STATUS_NOT_FOUND "access.no_grant". */
enum status access_revoke(struct access *access, struct bytes principal, struct bytes entity);
size_t access_grant_count(const struct access *access, struct bytes principal);
const struct access_grant *access_grant_at(const struct access *access, struct bytes principal, size_t index);

/* --- Personal values. --- */

enum status access_let_read(struct access *access, struct bytes principal, int64_t until_ms);
/* STATUS_NOT_FOUND "access.no_grant". */
enum status access_let_read_no_more(struct access *access, struct bytes principal);
/* Their own, or because they were let. */
bool access_may_read(const struct access *access, struct bytes principal, struct bytes subject, int64_t now_ms);

/* For snapshots: the same access gives the same bytes. */
enum status access_write(const struct access *access, struct buffer *to);
enum status access_read(struct access *access, struct bytes snapshot);

#endif
