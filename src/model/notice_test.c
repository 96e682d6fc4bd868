#include "tests/test.h"
#include "model/notice.h"

#define OPERATION "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ID "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"
#define MEMBERS "\"at\":1767225600000,\"count\":1,\"id\":\"" ID "\",\"instance\":\"northwind.example\","
#define HELD "{" MEMBERS "\"kind\":\"held\",\"operation\":\"" OPERATION "\"}"
#define ALERT "{\"alarm\":\"clock_doubt\"," MEMBERS "\"kind\":\"alert\"}"

static void
what_was_written_is_read_to_the_byte(void **) {
	static const char *const texts[] = {HELD, ALERT};
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		_cleanup_(buffer_free) struct buffer written = {};
		struct notice notice;
		assert_ok(notice_read(&arena, bytes_of_text(texts[i]), &notice));
		assert_ok(notice_write(&notice, &written));
		assert_bytes(bytes_of_text(texts[i]), buffer_bytes(&written));
	}
}

static void
bad_notices_are_refused_by_name(void **) {
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"", "json.syntax"},
		{"[]", "notice.form"},
		{"{}", "notice.kind"},
		{"{" MEMBERS "\"kind\":\"held\"}", "notice.operation"},
		{"{" MEMBERS "\"kind\":\"hold\",\"operation\":\"" OPERATION "\"}", "notice.kind"},
		{"{" MEMBERS "\"kind\":\"held\",\"operation\":\"00\"}", "notice.operation"},
		{"{" MEMBERS "\"kind\":\"held\",\"operation\":\"" OPERATION "00\"}", "notice.operation"},
		{"{\"amount\":1," MEMBERS "\"kind\":\"held\",\"operation\":\"" OPERATION "\"}", "notice.amount"},
		{"{" MEMBERS "\"kind\":\"alert\"}", "notice.alarm"},
		{"{\"alarm\":\"\"," MEMBERS "\"kind\":\"alert\"}", "notice.alarm"},
		{"{\"alarm\":\"fire\"," MEMBERS "\"kind\":\"alert\"}", "notice.alarm"},
		{"{\"alarm\":\"clock_doubt\"," MEMBERS "\"kind\":\"held\",\"operation\":\"" OPERATION "\"}",
		 "notice.alarm"},
		{"{\"at\":-1,\"count\":1,\"id\":\"" ID
		 "\",\"instance\":\"n\",\"kind\":\"test\",\"operation\":\"" OPERATION "\"}",
		 "notice.number"},
		{"{\"at\":1,\"count\":0,\"id\":\"" ID
		 "\",\"instance\":\"n\",\"kind\":\"test\",\"operation\":\"" OPERATION "\"}",
		 "notice.number"},
		{"{\"at\":1,\"count\":1,\"id\":\"" ID "\",\"instance\":\"a\\r\\nBcc: "
		 "x\",\"kind\":\"test\",\"operation\":\"" OPERATION "\"}",
		 "notice.instance"},
		{"{\"at\":1,\"count\":1,\"id\":\"" ID
		 "\",\"instance\":\"\",\"kind\":\"test\",\"operation\":\"" OPERATION "\"}",
		 "notice.instance"},
		{"{\"at\":1,\"count\":1,\"id\":\"0\",\"instance\":\"n\",\"kind\":\"test\",\"operation\":\"" OPERATION
		 "\"}",
		 "notice.id"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct notice notice;
		assert_fails(STATUS_INVALID, cases[i].error,
			     notice_read(&arena, bytes_of_text(cases[i].text), &notice));
	}
}

static void
the_id_is_of_what_happened_and_not_of_when_it_is_told(void **) {
	struct notice one = {.kind = NOTICE_HELD,
			     .instance = BYTES_OF_LITERAL("n"),
			     .operation = BYTES_OF_LITERAL(OPERATION),
			     .at_ms = 1,
			     .count = 1},
		      again = one, other = one, instance = one;
	again.at_ms = 2;
	again.count = 7;
	other.kind = NOTICE_EXPIRING;
	instance.instance = BYTES_OF_LITERAL("m");
	struct hash256 id = notice_id(&one), of_again = notice_id(&again), of_other = notice_id(&other),
		       of_instance = notice_id(&instance);
	assert_true(hash256_equal(&id, &of_again));
	assert_false(hash256_equal(&id, &of_other));
	assert_false(hash256_equal(&id, &of_instance));
	struct notice alarm = {.kind = NOTICE_ALERT, .alarm = ALARM_CLOCK_DOUBT, .at_ms = 1}, later = alarm;
	later.at_ms = 2;
	struct hash256 of_alarm = notice_id(&alarm), of_later = notice_id(&later);
	assert_false(hash256_equal(&of_alarm, &of_later));
}

static void
every_kind_has_a_name_of_its_own_and_words(void **) {
	for (size_t i = 0; i < NOTICE_KINDS; i++) {
		enum notice_kind kind;
		assert_ok(notice_kind_parse(bytes_of_text(notice_kind_name((enum notice_kind)i)), &kind));
		assert_int_equal(i, kind);
		assert_true(strlen(notice_sentence(&(struct notice){.kind = kind, .alarm = ALARM_CLOCK_DOUBT})) > 10);
	}
	for (size_t i = ALARM_NONE + 1; i < ALARMS; i++)
		assert_true(strlen(notice_sentence(
				    &(struct notice){.kind = NOTICE_ALERT, .alarm = (enum notice_alarm)i})) > 10);
}

RUN_TESTS(T(what_was_written_is_read_to_the_byte), T(bad_notices_are_refused_by_name),
	  T(the_id_is_of_what_happened_and_not_of_when_it_is_told), T(every_kind_has_a_name_of_its_own_and_words))
