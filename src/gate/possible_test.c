/*
 * What cannot be done as things are is refused when it is asked for, by name, and put before nobody; what became impossible meanwhile
 * fails as it is done. Forms: tests/payloads_test.py.
 */
#include "tests/test.h"

#include "gate/administration.h"
#include "tests/gate_fixture.h"

#define SYSTEM "system:gatehouse"
/* A new person has a voice no sooner than the shipped policies let anybody have one. */
#define LATER ",\"effective_from\":9000000000000"
#define NEW_KEY(name, key, more) "{\"class\":\"terminal\",\"name\":\"" name "\",\"public_key\":\"" key "\"" more "}"
#define A_POINT "5866666666666666666666666666666666666666666666666666666666666666"
#define NOT_A_POINT "0200000000000000000000000000000000000000000000000000000000000000"
#define LISTED "eip155:1:0x3535353535353535353535353535353535353535"
#define SPELLED "eip155:1:0x3535353535353535353535353535353535353536"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"

static const struct {
	const char *kind, *resource, *payload, *name;
} impossible[] = {
	{"key.create", "account:nowhere",
	 "{\"algorithm\":\"secp256k1\",\"id\":\"a\",\"material\":\"single\",\"purpose\":\"transfer\"}", "key.account"},
	{"key.create", "account:options", /* a desk */
	 "{\"algorithm\":\"secp256k1\",\"id\":\"a\",\"material\":\"single\",\"purpose\":\"transfer\"}", "key.account"},
	{"key.create", "account:options-hot",
	 "{\"algorithm\":\"secp256k1\",\"id\":\"eth-hot\",\"material\":\"single\",\"purpose\":\"transfer\"}",
	 "key.exists"},
	{"key.unfreeze", "key:eth-hot", "{}", "key.state"},
	{"key.unfreeze", "key:nowhere", "{}", "key.unknown"},
	{"key.rotate", "key:eth-hot", "{\"id\":\"eth-hot\"}", "key.exists"},
	{"unit.add", SYSTEM, "{\"id\":\"options\",\"kind\":\"desk\",\"parent\":\"northwind-trading\"}",
	 "directory.exists"},
	{"unit.add", SYSTEM, "{\"id\":\"a\",\"kind\":\"desk\",\"parent\":\"nowhere\"}", "directory.parent"},
	{"unit.add", SYSTEM, "{\"id\":\"a\",\"kind\":\"account\",\"parent\":\"northwind-trading\"}",
	 "directory.parent"},
	{"unit.add", SYSTEM, "{\"id\":\"a\",\"kind\":\"legal_entity\",\"parent\":\"options\"}", "directory.parent"},
	{"zone.add", SYSTEM, "{\"id\":\"trading\"}", "directory.exists"},
	{"zone.add", SYSTEM, "{\"id\":\"lab\",\"networks\":[\"10.1.0.0/16\",\"10.1.2.0/24\"]}", "zones.overlap"},
	{"person.add", "desk:nowhere",
	 "{\"keys\":[" NEW_KEY("a", A_POINT, LATER) "],\"person\":\"person:p-00000000000000aa\"}", "directory.unknown"},
	{"person.add", "desk:options",
	 "{\"keys\":[" NEW_KEY("a", A_POINT, LATER) "],\"person\":\"person:p-0000000000000001\"}", "directory.exists"},
	{"person.add", "desk:options",
	 "{\"keys\":[" NEW_KEY("a", NOT_A_POINT, LATER) "],\"person\":\"person:p-00000000000000aa\"}",
	 "directory.public_key"},
	{"person.add", "desk:options",
	 "{\"keys\":[" NEW_KEY("a", A_POINT,
			       LATER ",\"zone\":\"nowhere\"") "],\"person\":\"person:p-00000000000000aa\"}",
	 "directory.unknown"},
	{"workload.add", "desk:options", "{\"keys\":[" NEW_KEY("a", A_POINT, "") "],\"workload\":\"workload:quotes\"}",
	 "directory.key_class"},
	{"principal.key_add", "person:p-00000000000000aa", NEW_KEY("a", A_POINT, ",\"effective_from\":1"),
	 "directory.unknown"},
	{"auditor.grant", "person:p-0000000000000001", "{\"entity\":\"options\",\"from\":1,\"until\":2}",
	 "payload.entity"},
	{"auditor.grant", "person:p-0000000000000001", "{\"entity\":\"northwind-trading\",\"from\":2,\"until\":2}",
	 "access.period"},
	{"personal.grant", "person:p-00000000000000aa", "{\"until\":9000000000000}", "directory.unknown"},
	{"group.add", SYSTEM, "{\"id\":\"treasury\"}", "directory.exists"},
	{"group.member_remove", "group:nowhere", "{\"person\":\"person:p-0000000000000001\"}", "directory.unknown"},
	{"group.member_remove", "group:security", "{\"person\":\"person:p-0000000000000001\"}", "directory.unknown"},
	{"list.create", SYSTEM, "{\"id\":\"sanctions\",\"kind\":\"sanctioned\"}", "destinations.exists"},
	{"list.remove", "list:nowhere", "{\"entries\":[\"" LISTED "\"]}", "destinations.unknown"},
	{"list.remove", "list:sanctions", "{\"entries\":[\"" LISTED "\"]}", "destinations.absent"},
	{"list.add", "list:sanctions", "{\"entries\":[\"" SPELLED "\",\"" SPELLED "\"]}", "destinations.twice"},
	{"list.add", "list:sanctions", "{\"entries\":[\"" SPELLED "\"],\"probation\":1}", "destinations.terms"},
	{"asset.add", SYSTEM, "{\"chain\":\"eip155:1\",\"decimals\":6,\"symbol\":\"ETH\"}", "asset.conflict"},
	{"asset.add", SYSTEM,
	 "{\"chain\":\"eip155:1\",\"contract\":\"0x3535353535353535353535353535353535353535\",\"decimals\":6,"
	 "\"symbol\":\"U5DC\"}",
	 "asset.symbol_taken"},
	{"asset.add", SYSTEM, "{\"chain\":\"eip155:1\",\"contract\":\"0x35\",\"decimals\":6,\"symbol\":\"DAI\"}",
	 "asset.contract"},
	{"price.set", "asset:eip155:1/nowhere", "{\"microcents\":1}", "asset.unknown"},
	{"keeper.remove", SYSTEM, "{\"name\":\"nobody\"}", "keepers.unknown"},
	{"keeper.readmit", SYSTEM, "{\"name\":\"nobody\",\"root\":\"" ZERO "\",\"size\":1}", "keepers.unknown"},
	{"keeper.add", SYSTEM,
	 "{\"certificate\":\"" ZERO "\",\"key\":\"" A_POINT "\",\"log_keys\":[\"a\",\"b\"],\"name\":\"b\",\"party\":2}",
	 "vkey"},
};

static void
what_cannot_be_done_is_refused_before_anybody_is_asked(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	set_up(&b);
	make_hot_key(&b);
	size_t entries = b.count, refused = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(impossible); i++) {
		_cleanup_(submitted_free) struct submitted s;
		struct firm_operation operation = {.by = FIRM_PERSON_4,
						   .kind = impossible[i].kind,
						   .resource = impossible[i].resource,
						   .payload = impossible[i].payload};
		submit(&b, &operation, &s);
		if (s.status == OK || strncmp(fail_message(), impossible[i].name, strlen(impossible[i].name)) != 0)
			fail_msg("%s on %s with %s: expected %s, found %s", impossible[i].kind, impossible[i].resource,
				 impossible[i].payload, impossible[i].name,
				 s.status == OK ? operation_state_name(s.step.state) : fail_message());
		assert_non_null(s.submission.key_id.data); /* so that it is recorded as refused */
		assert_null(find_submitted(&b, &s));
		refused++;
	}
	assert_int_equal(entries, b.count);
	print_message("%zu operations that cannot be done, each refused by name\n", refused);
	assert_restarts_alike(&b);
}

static void
what_became_impossible_meanwhile_fails_with_its_reason(void **) {
	_cleanup_(tear_down) struct bench_gate b;
	_cleanup_(submitted_free) struct submitted first, second;
	static const struct firm_operation group = {
		.by = FIRM_PERSON_4, .kind = "group.add", .resource = SYSTEM, .payload = "{\"id\":\"night\"}"};
	set_up(&b);
	submit(&b, &group, &first);
	submit(&b, &group, &second);
	assert_int_equal(OPERATION_HELD, first.step.state);
	assert_int_equal(OPERATION_HELD, second.step.state);
	vote(&b, first.step.operation, FIRM_PERSON_3, "approve");
	assert_int_equal(OPERATION_DONE, vote(&b, first.step.operation, FIRM_PERSON_5, "approve"));
	vote(&b, second.step.operation, FIRM_PERSON_3, "approve");
	assert_int_equal(OPERATION_FAILED, vote(&b, second.step.operation, FIRM_PERSON_5, "approve"));
	struct bytes last = buffer_bytes(&b.leaves[b.count - 1]);
	assert_non_null(memmem(last.data, last.len, "directory.exists", 16));
	assert_restarts_alike(&b);
}

RUN_TESTS(T(what_cannot_be_done_is_refused_before_anybody_is_asked),
	  T(what_became_impossible_meanwhile_fails_with_its_reason))
