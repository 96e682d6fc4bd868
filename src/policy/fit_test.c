#include "tests/test.h"

#include "policy/fit.h"
#include "policy/fixture.h"

static const char schema_text[] =
	"namespace N {\n"
	"entity User in [Group] {home: ipaddr, paid: decimal, at?: datetime, took: Set<duration>, boss?: User, tint: "
	"Color} "
	"tags {n: Long};\n"
	"entity Group in [Group];\n"
	"entity Color enum [\"red\"];\n"
	"action all;\n"
	"action read in all;\n"
	"action view in read appliesTo {principal: User, resource: Group, context: {who: Set<User>, net?: ipaddr}};\n"
	"}\n";

static struct policy_schema *
read_schema(void) {
	struct policy_schema *schema = nullptr;
	assert_ok(policy_schema_parse("s", bytes_of_text(schema_text), SCHEMA_CEDAR, &schema, nullptr));
	return schema;
}

static struct policy_entities *
load(const char *text, const struct policy_schema *schema) {
	struct policy_entities *entities = nullptr;
	const struct policy_source source = {"e.json", bytes_of_text(text)};
	assert_ok(policy_entities_create(&entities));
	if (policy_entities_load(entities, &source, (struct policy_entities_options){.schema = schema}, nullptr) != OK)
		fail_msg("%s", fail_message());
	return entities;
}

static void
what_the_schema_tells_may_be_left_out(void **) {
	static const char plain[] = "[{\"uid\":{\"type\":\"N::User\",\"id\":\"a\"},\"attrs\":{\"home\":{\"__extn\":{"
				    "\"fn\":\"ip\",\"arg\":\"10.0.0.1\"}},"
				    "\"paid\":{\"__extn\":{\"fn\":\"decimal\",\"arg\":\"1.5\"}},\"took\":[{\"__extn\":{"
				    "\"fn\":\"duration\",\"arg\":\"1h\"}}],"
				    "\"boss\":{\"__entity\":{\"type\":\"N::User\",\"id\":\"b\"}},"
				    "\"tint\":{\"__entity\":{\"type\":\"N::Color\",\"id\":\"red\"}}},\"parents\":[],"
				    "\"tags\":{\"t\":{\"n\":1}}}]";
	static const char brief[] = "[{\"uid\":{\"type\":\"N::User\",\"id\":\"a\"},\"attrs\":{\"home\":\"10.0.0.1\","
				    "\"paid\":{\"fn\":\"decimal\",\"arg\":\"1.5\"},"
				    "\"took\":[\"1h\",\"60m\"],\"boss\":{\"type\":\"N::User\",\"id\":\"b\"},\"tint\":{"
				    "\"type\":\"N::Color\",\"id\":\"red\"}},"
				    "\"parents\":[],\"tags\":{\"t\":{\"n\":1}}}]";
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = read_schema();
	_cleanup_(policy_entities_destroy) struct policy_entities *explicit = load(plain, nullptr);
	_cleanup_(policy_entities_destroy) struct policy_entities *implicit = load(brief, schema);
	struct policy_entity a, b;
	assert_true(policy_entities_get(explicit, fixture_uid("N::User", "a"), &a));
	assert_true(policy_entities_get(implicit, fixture_uid("N::User", "a"), &b));
	assert_true(value_equal(a.attributes, b.attributes));
	assert_true(value_equal(a.tags, b.tags));
}

static void
the_schemas_actions_come_with_its_entities(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = read_schema();
	_cleanup_(policy_entities_destroy) struct policy_entities *entities =
		load("[{\"uid\":{\"type\":\"N::Action\",\"id\":\"view\"},\"attrs\":{},\"parents\":[{\"type\":\"N::"
		     "Action\",\"id\":\"read\"}]}]",
		     schema);
	assert_int_equal(policy_entities_count(entities), 3);
	assert_true(policy_entities_is_in(entities, fixture_uid("N::Action", "view"), fixture_uid("N::Action", "all")));
	assert_false(
		policy_entities_is_in(entities, fixture_uid("N::Action", "all"), fixture_uid("N::Action", "view")));
}

static void
a_request_that_fits_is_read_and_one_in_memory_is_judged(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *schema = read_schema();
	_cleanup_(arena_free) struct arena arena = {};
	struct policy_request request;
	const struct policy_source source = {
		"r.json",
		BYTES_OF_LITERAL("{\"principal\":{\"type\":\"N::User\",\"id\":\"a\"},"
				 "\"action\":{\"__entity\":{\"type\":\"N::Action\",\"id\":\"view\"}},"
				 "\"resource\":{\"type\":\"N::Group\",\"id\":\"g\"},"
				 "\"context\":{\"who\":[{\"type\":\"N::User\",\"id\":\"b\"}],\"net\":\"::/0\"}}")};
	assert_ok(policy_request_read(&arena, &source, schema, nullptr, &request));
	assert_int_equal(value_record_get(request.context, BYTES_OF_LITERAL("net"))->type, VALUE_IPADDR);
	assert_ok(policy_request_fit(schema, &request));
	request.context = nullptr;
	assert_fails(STATUS_INVALID, "fit.missing_attribute", policy_request_fit(schema, &request));
	assert_string_equal(fail_message(), "fit.missing_attribute: context: expected the attribute who");
	request.principal = fixture_uid("N::Color", "red");
	assert_fails(STATUS_INVALID, "fit.applies_to", policy_request_fit(schema, &request));
}

RUN_TESTS(T(what_the_schema_tells_may_be_left_out), T(the_schemas_actions_come_with_its_entities),
	  T(a_request_that_fits_is_read_and_one_in_memory_is_judged))
