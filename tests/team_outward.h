/*
 * For tests of whatever a check of a protocol finds among keepers: what the requester hears, compared byte for byte with one of exactly two
 * bodies, in which nothing stands of the check (docs/PROTOCOL.threshold §16). Where another keeper said first that it has ended, its name
 * stands behind that: it is left out here. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_TEAM_OUTWARD_H
#define GATEHOUSE_TESTS_TEAM_OUTWARD_H

#include "tests/team.h"

/* Nothing had left. */
static const char OUTWARD_FAILED[] =
	"{\"decision\":\"permit\",\"detail\":\"joint.ended: the session was ended by a party\",\"errors\":[],"
	"\"state\":\"failed\",\"status\":409,\"title\":\"Permitted, but it could not be done; nothing was released "
	"here\",\"type\":\"urn:gatehouse:problem:operation.failed\"}";
/* A share had left. */
static const char OUTWARD_UNKNOWN[] =
	"{\"decision\":\"permit\",\"detail\":\"Intended; whether it was done or signed is not known here yet: ask for "
	"it "
	"again, and submit nothing in its place under another idempotency key: joint.ended: the session was ended by a "
	"party\",\"errors\":[],\"state\":\"unknown\"}";

/* Which operation it was, by which rules, and where it stands in which log. */
static inline bool
is_of_operation(struct bytes member) {
	static const char *const names[] = {"bundle", "entry", "operation", "reasons", "receipt"};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (bytes_equal_text(member, names[i]))
			return true;
	return false;
}

/* "(keeper two)", at the end of the detail. */
static inline struct bytes
without_teller(struct bytes detail) {
	static const char *const tellers[] = {" (keeper one)", " (keeper two)", " (keeper three)", " (keeper four)",
					      " (keeper five)"};
	static_assert(ARRAY_LENGTH(tellers) == TEAM_MAX);
	for (size_t i = 0; i < ARRAY_LENGTH(tellers); i++) {
		size_t len = strlen(tellers[i]);
		if (detail.len > len && memcmp(detail.data + detail.len - len, tellers[i], len) == 0)
			return bytes_of(detail.data, detail.len - len);
	}
	return detail;
}

static inline void
write_rest(struct bytes body, struct buffer *rest) {
	_cleanup_(arena_free) struct arena arena = {};
	struct json_writer writer;
	const json *document, *value;
	struct bytes member;
	assert_ok(json_read(&arena, arena_copy(&arena, body), (struct json_limits){}, &document));
	struct json_iterator members = json_iterate(document);
	json_writer_start(&writer, rest);
	json_write_object(&writer);
	while ((value = json_next(&members, &member)) != nullptr) {
		if (is_of_operation(member))
			continue;
		json_write_key_bytes(&writer, member);
		if (bytes_equal_text(member, "detail"))
			json_write_string(&writer, without_teller(json_string(value)));
		else
			json_write_value(&writer, value);
	}
	json_write_end(&writer);
	assert_ok(json_writer_finish(&writer));
}

/* The rest of the body, whatever stands in it, is one of the two. */
static inline void
assert_outward(const struct ipc_response *response, const char *what) {
	_cleanup_(buffer_free) struct buffer rest = {};
	bool is_failed = response->status == 409;
	write_rest(response->body, &rest);
	if ((!is_failed && response->status != 202) ||
	    !bytes_equal_text(buffer_bytes(&rest), is_failed ? OUTWARD_FAILED : OUTWARD_UNKNOWN))
		fail_msg("%s: %u %.*s", what, response->status, BYTES_ARGS(rest));
}

#endif
