#include "model/notice.h"

#include <stdio.h>

constexpr size_t OPERATION_DIGITS = 64;
constexpr size_t INSTANCE_MAX = 256;

static const struct {
	const char *name, *sentence;
} kinds[NOTICE_KINDS] = {
	[NOTICE_HELD] = {"held", "An operation waits for approval"},
	[NOTICE_EXPIRING] = {"expiring", "An operation that waits for approval is about to expire"},
	[NOTICE_DENIED] = {"denied", "An operation was denied"},
	[NOTICE_REJECTED] = {"rejected", "An operation was rejected by an approver"},
	[NOTICE_OBJECTED] = {"objected", "Somebody who is not asked rejects an operation, which still waits"},
	[NOTICE_ALERT] = {"alert", nullptr},
	[NOTICE_BREAK_GLASS] = {"break_glass", "Somebody asks for an operation by break-glass"},
	[NOTICE_GLASS_BROKEN] = {"glass_broken", "An operation went through by break-glass: it must be reviewed"},
	[NOTICE_ENROLLED] = {"enrolled", "Somebody was added or resumed, or was given a key or a passkey"},
	[NOTICE_TEST] = {"test", "A test of this notification"},
};

static const struct {
	const char *name, *sentence;
} alarms[ALARMS] = {
	[ALARM_NONE] = {"", ""},
	[ALARM_CLOCK_DOUBT] = {"clock_doubt", "The clocks disagree: nothing is decided"},
	[ALARM_DISK_RESERVE] = {"disk_reserve",
				"The disk is full: when the log has used its last room nothing is decided"},
	[ALARM_NOTIFICATION_FAILED] = {"notification_failed",
				       "Notifications of another receiver could not be delivered"},
	[ALARM_OUTCOME_CONTRADICTED] =
		{"outcome_contradicted",
		 "Another keeper says that an operation is signed which failed, or did not happen as people said: the "
		 "log of the keeper names both, and the chain tells"},
	[ALARM_PASSKEY_ENROLLED] = {"passkey_enrolled",
				    "A passkey was enrolled by a link: it can be revoked if it is not its owner's"},
	[ALARM_PASSKEYS_DIFFER] = {"passkeys_differ", "Two keepers have enrolled different passkeys by one link"},
	[ALARM_REFRESH_OVERDUE] =
		{"refresh_overdue",
		 "A shared key should have been dealt anew by now: the log of the keeper names it, and "
		 "gatehouse key refresh KEY asks for it"},
	[ALARM_REVIEW_OVERDUE] = {"review_overdue", "An operation by break-glass was not reviewed in time"},
	[ALARM_ROLLBACK_GUARD_NONE] = {"rollback_guard_none", "Nothing would show that the log was set back"},
	[ALARM_WITNESS_QUORUM_MISSING] = {"witness_quorum_missing", "The witnesses' quorum is missing"},
};

const char *
notice_kind_name(enum notice_kind kind) {
	return kinds[kind].name;
}

enum status
notice_kind_parse(struct bytes name, enum notice_kind *kind) {
	for (size_t i = 0; i < NOTICE_KINDS; i++)
		if (bytes_equal_text(name, kinds[i].name)) {
			*kind = (enum notice_kind)i;
			return OK;
		}
	return fail(STATUS_INVALID, "notice.kind: \"%.*s\" is no kind of notice", (int)(name.len > 40 ? 40 : name.len),
		    (const char *)name.data);
}

const char *
notice_alarm_name(enum notice_alarm alarm) {
	return alarms[alarm].name;
}

const char *
notice_sentence(const struct notice *notice) {
	return notice->kind == NOTICE_ALERT ? alarms[notice->alarm].sentence : kinds[notice->kind].sentence;
}

struct hash256
notice_id(const struct notice *notice) {
	char began[24] = "";
	if (notice->kind == NOTICE_ALERT)
		snprintf(began, sizeof began, "%lld", (long long)notice->at_ms);
	_cleanup_(buffer_free) struct buffer content = {};
	buffer_append_text(&content, "gatehouse/notice/v1");
	buffer_append_prefixed(&content, notice->instance);
	buffer_append_prefixed(&content, bytes_of_text(notice_kind_name(notice->kind)));
	buffer_append_prefixed(&content, notice->operation);
	buffer_append_prefixed(&content, bytes_of_text(notice_alarm_name(notice->alarm)));
	buffer_append_prefixed(&content, bytes_of_text(began));
	return sha256(buffer_bytes(&content));
}

/* --- As JSON. --- */

enum status
notice_write(const struct notice *notice, struct buffer *to) {
	struct json_writer w;
	json_writer_start(&w, to);
	json_write_object(&w);
	if (notice->kind == NOTICE_ALERT)
		json_write_member_text(&w, "alarm", notice_alarm_name(notice->alarm));
	json_write_member_integer(&w, "at", notice->at_ms);
	json_write_member_integer(&w, "count", notice->count);
	json_write_member_hex(&w, "id", hash256_bytes(&notice->id));
	json_write_member_string(&w, "instance", notice->instance);
	json_write_member_text(&w, "kind", notice_kind_name(notice->kind));
	if (notice->kind != NOTICE_ALERT)
		json_write_member_string(&w, "operation", notice->operation);
	json_write_end(&w);
	return json_writer_finish(&w);
}

/* It goes into mail headers and into others' markup. */
static enum status
check_instance(struct bytes instance) {
	bool good = instance.len > 0 && instance.len <= INSTANCE_MAX;
	for (size_t i = 0; good && i < instance.len; i++)
		good = instance.data[i] > ' ' && instance.data[i] < 0x7f;
	return good ? OK : fail(STATUS_INVALID, "notice.instance: expected 1 to %zu visible characters", INSTANCE_MAX);
}

static enum status
read_alarm(const json *object, enum notice_alarm *alarm) {
	struct bytes name;
	TRY(json_need_string(object, "notice", "alarm", &name));
	for (size_t i = ALARM_NONE + 1; i < ALARMS; i++)
		if (bytes_equal_text(name, alarms[i].name)) {
			*alarm = (enum notice_alarm)i;
			return OK;
		}
	return fail(STATUS_INVALID, "notice.alarm: not one that is known");
}

static enum status
read_operation(const json *object, struct bytes *operation) {
	struct hash256 id;
	TRY(json_need_string(object, "notice", "operation", operation));
	if (operation->len != OPERATION_DIGITS || hex_decode(*operation, id.bytes, sizeof id.bytes) != OK)
		return fail(STATUS_INVALID, "notice.operation: expected %zu hexadecimal digits", OPERATION_DIGITS);
	return OK;
}

enum status
notice_read(struct arena *arena, struct bytes text, struct notice *notice) {
	static const char *const of_alert[] = {"alarm", "at", "count", "id", "instance", "kind", nullptr};
	static const char *const of_operation[] = {"at", "count", "id", "instance", "kind", "operation", nullptr};
	const json *object;
	struct bytes kind, id;
	*notice = (struct notice){};
	TRY(json_read(arena, text, (struct json_limits){}, &object));
	if (json_type_of(object) != JSON_OBJECT)
		return fail(STATUS_INVALID, "notice.form: expected object, found %s",
			    json_type_name(json_type_of(object)));
	TRY(json_need_string(object, "notice", "kind", &kind));
	TRY(notice_kind_parse(kind, &notice->kind));
	TRY(json_only(object, "notice", notice->kind == NOTICE_ALERT ? of_alert : of_operation));
	TRY(notice->kind == NOTICE_ALERT ? read_alarm(object, &notice->alarm)
					 : read_operation(object, &notice->operation));
	TRY(json_need_integer(object, "notice", "at", &notice->at_ms));
	TRY(json_need_integer(object, "notice", "count", &notice->count));
	TRY(json_need_string(object, "notice", "id", &id));
	if (hex_decode(id, notice->id.bytes, sizeof notice->id.bytes) != OK)
		return fail(STATUS_INVALID, "notice.id: expected 64 hexadecimal digits");
	TRY(json_need_string(object, "notice", "instance", &notice->instance));
	TRY(check_instance(notice->instance));
	return notice->at_ms >= 0 && notice->count > 0 ? OK : fail(STATUS_INVALID, "notice.number: out of range");
}
