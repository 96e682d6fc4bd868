/*
 * A notice: what somebody outside is told that something waits for them. It says which operation or which alarm, when, and where to
 * look, and nothing else: no amounts, no names, no addresses. docs/notifications.md.
 *
 * Its id is the same however often it is sent, by whichever start of the keeper: receivers drop what they have seen. Data only;
 * texts borrow. Errors: "notice.*" (STATUS_INVALID).
 */
#ifndef GATEHOUSE_MODEL_NOTICE_H
#define GATEHOUSE_MODEL_NOTICE_H

#include "base/arena.h"
#include "base/json.h"
#include "crypto/hash.h"

enum notice_kind {
	NOTICE_HELD,
	NOTICE_EXPIRING,
	NOTICE_DENIED,
	NOTICE_REJECTED,
	NOTICE_OBJECTED,
	NOTICE_ALERT,
	NOTICE_BREAK_GLASS,
	NOTICE_GLASS_BROKEN,
	NOTICE_ENROLLED,
	NOTICE_TEST,
	NOTICE_KINDS,
};

enum notice_alarm {
	ALARM_NONE,
	ALARM_CLOCK_DOUBT,
	ALARM_DISK_RESERVE,
	ALARM_NOTIFICATION_FAILED,
	ALARM_OUTCOME_CONTRADICTED,
	ALARM_PASSKEY_ENROLLED,
	ALARM_PASSKEYS_DIFFER,
	ALARM_REFRESH_OVERDUE,
	ALARM_REVIEW_OVERDUE,
	ALARM_ROLLBACK_GUARD_NONE,
	ALARM_WITNESS_QUORUM_MISSING,
	ALARMS,
};

struct notice {
	enum notice_kind kind;
	enum notice_alarm alarm; /* NOTICE_ALERT, and only there */
	struct hash256 id;
	struct bytes instance;
	struct bytes operation; /* 64 hexadecimal digits; empty with an alert */
	int64_t at_ms;
	int64_t count; /* of how many it is the first; 1 but where too many came at once */
};

const char *notice_kind_name(enum notice_kind kind); /* "held", "break_glass", ... */
enum status notice_kind_parse(struct bytes name, enum notice_kind *kind);
const char *notice_alarm_name(enum notice_alarm alarm);   /* "clock_doubt", ... */
const char *notice_sentence(const struct notice *notice); /* for people to read, in English, without a full stop */

/* SHA-256 over what it is of: the operation, or the alarm and when it began. */
struct hash256 notice_id(const struct notice *notice);

/* Canonical JSON, appended, and back; what is read borrows from the arena. */
enum status notice_write(const struct notice *notice, struct buffer *to);
enum status notice_read(struct arena *arena, struct bytes text, struct notice *notice);

#endif
