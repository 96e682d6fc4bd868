#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "policy/bundle_check.h"
#include "policy/bundle_directory.h"
#include "policy/fixture.h"

static const char *const open_record = "approvals.group";

static const char schema[] = "entity User in [Team]; entity Team; entity Doc = { level: Long };\n"
			     "type GroupVotes = { a: Long };\n"
			     "type Approvals = { group: GroupVotes, total: Long };\n"
			     "action all;\n"
			     "action read in [all] appliesTo { principal: [User], resource: [Doc],\n"
			     "  context: { approvals: Approvals, n: Long, note?: String, tags: Set<String> } };\n";

#define FILE_OF(part, name, text) {part, BYTES_OF_LITERAL(name), BYTES_OF_LITERAL(text)}

static const struct bundle_file good[] = {
	FILE_OF(BUNDLE_POLICIES, "b.cedar", "@id(\"b\") permit (principal == ?principal, action, resource);"),
	FILE_OF(BUNDLE_POLICIES, "a.cedar",
		"@id(\"a\") permit (principal, action, resource) when { context.n < Tier::\"low\".most };"),
	FILE_OF(BUNDLE_LINKS, "links.json",
		"{\"templateLinks\":[{\"templateId\":\"b\",\"newId\":\"b1\",\"values\":{\"?principal\":"
		"{\"__entity\":{\"type\":\"User\",\"id\":\"u\"}}}}]}"),
	FILE_OF(BUNDLE_ENTITIES, "entities.json",
		"[{\"uid\":{\"type\":\"Tier\",\"id\":\"low\"},\"attrs\":{\"most\":5},\"parents\":[]}]"),
	FILE_OF(BUNDLE_SCHEMA, "schema.cedarschema",
		"entity User in [Team]; entity Team; entity Doc = { level: Long }; entity Tier = { most: Long };\n"
		"action all;\n"
		"action read in [all] appliesTo { principal: [User], resource: [Doc],\n"
		"  context: { approvals: { group: { a: Long, b: Long }, total: Long }, n: Long, note?: String } };\n"),
	FILE_OF(BUNDLE_TESTS, "tests/a.yaml", "tests: []\n"),
};
constexpr size_t GOOD = sizeof good / sizeof *good;

static struct bundle_host
make_host(struct policy_schema **parsed) {
	static const struct monotone_fact facts[] = {{"approvals.total", MONOTONE_COUNT},
						     {"approvals.group", MONOTONE_COUNTS}};
	assert_ok(policy_schema_parse("host.cedarschema", bytes_of_text(schema), SCHEMA_CEDAR, parsed, nullptr));
	return (struct bundle_host){*parsed, &open_record, 1, {facts, 2, nullptr, 0}};
}

static enum status
create(const struct bundle_file *files, size_t count, struct bundle **bundle) {
	return bundle_create_of_files(bundle, BYTES_OF_LITERAL("firm"), BYTES_OF_LITERAL("7"), files, count, nullptr);
}

static void
a_bundle_is_its_document_and_has_one_hash(void **) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr, *again = nullptr;
	struct bundle_file reversed[GOOD];
	for (size_t i = 0; i < GOOD; i++)
		reversed[i] = good[GOOD - 1 - i];
	assert_ok(create(good, GOOD, &bundle));
	assert_ok(create(reversed, GOOD, &again));
	assert_memory_equal(bundle->hash.bytes, again->hash.bytes, 32);
	struct hash256 hash = sha256(bundle->text);
	assert_memory_equal(bundle->hash.bytes, hash.bytes, 32);
	assert_int_equal(policy_set_count(bundle->policies), 2);
	assert_int_equal(bundle->entity_count, 1);
	assert_bytes(bytes_of_text("a.cedar"), bundle_file(bundle, BUNDLE_POLICIES, 0)->name);
	assert_null(bundle_file(bundle, BUNDLE_POLICIES, 2));
	static const char start[] = "{\"entities\":[{\"file\":\"entities.json\",\"text\":\"[{";
	assert_memory_equal(bundle->text.data, start, sizeof start - 1);
	/* One byte of any part makes another bundle. */
	for (size_t i = 0; i < GOOD; i++) {
		struct bundle_file changed[GOOD];
		_cleanup_(buffer_free) struct buffer text = {}, document = {};
		memcpy(changed, good, sizeof good);
		buffer_append_bytes(&text, good[i].text);
		buffer_append_byte(&text, '\n');
		changed[i].text = buffer_bytes(&text);
		assert_ok(bundle_write(BYTES_OF_LITERAL("firm"), BYTES_OF_LITERAL("7"), changed, GOOD, &document));
		struct hash256 other = sha256(buffer_bytes(&document));
		assert_memory_not_equal(bundle->hash.bytes, other.bytes, 32);
	}
}

static void
its_entities_come_and_go_with_it(void **) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	struct policy_entities *entities = fixture_entities("[]");
	assert_ok(create(good, GOOD, &bundle));
	assert_ok(bundle_put_entities(bundle, entities));
	assert_ok(policy_entities_seal(entities));
	assert_int_equal(policy_entities_count(entities), 1);
	assert_ok(bundle_remove_entities(bundle, entities));
	assert_int_equal(policy_entities_count(entities), 0);
	policy_entities_destroy(&entities);
}

static void
a_directory_and_its_bundle_lead_to_each_other(void **) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr, *again = nullptr, *completed = nullptr;
	char path[64] = "/tmp/gatehouse-bundle-test-XXXXXX", inside[96], command[512];
	assert_ok(create(good, GOOD, &bundle));
	assert_non_null(mkdtemp(path));
	snprintf(inside, sizeof inside, "%s/made", path);
	assert_ok(bundle_directory_write(io_system(), inside, bundle));
	assert_fails(STATUS_CONFLICT, "bundle.directory", bundle_directory_write(io_system(), inside, bundle));
	assert_ok(bundle_create_of_directory(&again, io_system(), inside, (struct bytes){}, nullptr));
	assert_memory_equal(bundle->hash.bytes, again->hash.bytes, 32);

	/* Without a schema it takes the host's, with its own groups; a table of limits becomes policies. */
	snprintf(command, sizeof command, "rm %s/schema.cedarschema %s/links.json %s/entities.json", inside, inside,
		 inside);
	assert_int_equal(0, system(command));
	const struct {
		const char *name, *text;
	} files[] = {
		{"bundle.yaml", "name: firm\nversion: \"8\"\ngroups: [risk-officers]\n"},
		{"a.cedar",
		 "permit (principal, action, resource) when { context.approvals.group[\"risk-officers\"] > 0 };"},
		{"limits.csv", "who,account,asset,window,per,amount,approvals\n*,*,*,transaction,-,1,never\n"},
		{"limits.cedar", "// this is made again"},
		{"README.md", "for people"},
		{".hidden", "passed over"},
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char file[128];
		snprintf(file, sizeof file, "%s/%s", inside, files[i].name);
		assert_ok(io_replace_file(io_system(), file, bytes_of_text(files[i].text)));
	}
	assert_ok(bundle_create_of_directory(&completed, io_system(), inside, bytes_of_text(schema), nullptr));
	const struct bundle_file *made = bundle_file(completed, BUNDLE_SCHEMA, 0);
	assert_non_null(memmem(made->text.data, made->text.len, "type GroupVotes = { \"risk-officers\": Long };", 44));
	assert_bytes(bytes_of_text("limits.cedar"), bundle_file(completed, BUNDLE_POLICIES, 2)->name);
	assert_int_equal(policy_set_count(completed->policies), 2);

	static const struct {
		const char *name, *text, *error;
	} bad[] = {
		{"polices.ceda", "x", "bundle.file"},
		{"tests/a.txt", "x", "bundle.file"},
		{"limits.yaml", "limits: []\n", "bundle.limits"},
		{"schema.json", "{}", "bundle.groups"},
		{"bundle.yaml", "name: firm\n", "yaml.missing_key"},
		{"bundle.yaml", "name: firm\nversion: 1\ngroups: [\"a\\\"\"]\n", "bundle.groups"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		_cleanup_(bundle_destroy) struct bundle *refused = nullptr;
		char file[128], name[64];
		snprintf(file, sizeof file, "%s/%s", inside, bad[i].name);
		assert_ok(io_replace_file(io_system(), file, bytes_of_text(bad[i].text)));
		enum status status =
			bundle_create_of_directory(&refused, io_system(), inside, bytes_of_text(schema), nullptr);
		fail_name(name, sizeof name);
		if (status != STATUS_INVALID || strcmp(name, bad[i].error) != 0)
			fail_msg("%s: expected %s, got %s", bad[i].name, bad[i].error, fail_message());
		unlink(file);
	}
	snprintf(command, sizeof command, "rm -r '%s'", path);
	assert_int_equal(0, system(command));
}

static void
a_document_that_is_none_is_refused_by_name(void **) {
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	assert_ok(create(good, GOOD, &bundle));
	static const struct {
		const char *from, *to;
		enum status status;
		const char *name;
	} cases[] = {
		{"{\"entities\"", "[\"entities\"", STATUS_INVALID, "json.syntax"},
		{"bundle/v1", "bundle/v2", STATUS_UNSUPPORTED, "bundle.type"},
		{"\"strict\":true", "\"strict\":false", STATUS_UNSUPPORTED, "bundle.strict"},
		{",\"strict\":true", "", STATUS_INVALID, "bundle.strict"},
		{"\"strict\":true", "\"strict\":true,\"trust\":true", STATUS_INVALID, "bundle.trust"},
		{"\"strict\":true", "\"strict\": true", STATUS_INVALID, "bundle.canonical"},
		{"\"name\":\"firm\"", "\"name\":\"\"", STATUS_INVALID, "bundle.name"},
		{"\"version\":\"7\"", "\"version\":7", STATUS_INVALID, "bundle.version"},
		{"\"limits\":[]", "\"limits\":{}", STATUS_INVALID, "bundle.limits"},
		{"\"file\":\"a.cedar\"", "\"file\":\"../a.cedar\"", STATUS_INVALID, "bundle.file"},
		{"\"file\":\"a.cedar\"", "\"file\":\".a.cedar\"", STATUS_INVALID, "bundle.file"},
		{"\"file\":\"a.cedar\"", "\"file\":\"a\\u0000.cedar\"", STATUS_INVALID, "bundle.file"},
		{"\"file\":\"a.cedar\"", "\"file\":\"b.cedar\"", STATUS_INVALID, "bundle.file"},
		{"\"file\":\"a.cedar\"", "\"file\":\"c.cedar\"", STATUS_INVALID, "bundle.file"},
		{"\"file\":\"a.cedar\"", "\"name\":\"a.cedar\"", STATUS_INVALID, "bundle.file.name"},
		{"permit (principal, action", "permit (principal action", STATUS_INVALID, "policy.unexpected_token"},
		{"entity Team;", "entity Team", STATUS_INVALID, "policy.unexpected_token"},
		{"\\\"templateId\\\":\\\"b\\\"", "\\\"templateId\\\":\\\"c\\\"", STATUS_INVALID,
		 "policy.link_template"},
		{"\\\"parents\\\":[]", "\\\"parents\\\":1", STATUS_INVALID, "entities.parents"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		_cleanup_(bundle_destroy) struct bundle *refused = nullptr;
		_cleanup_(buffer_free) struct buffer text = {};
		const uint8_t *at = memmem(bundle->text.data, bundle->text.len, cases[i].from, strlen(cases[i].from));
		assert_non_null(at);
		size_t before = (size_t)(at - bundle->text.data), after = before + strlen(cases[i].from);
		buffer_append(&text, bundle->text.data, before);
		buffer_append_text(&text, cases[i].to);
		buffer_append(&text, bundle->text.data + after, bundle->text.len - after);
		char name[64];
		enum status status = bundle_create(&refused, buffer_bytes(&text), nullptr);
		fail_name(name, sizeof name);
		if (status != cases[i].status || strcmp(name, cases[i].name) != 0)
			fail_msg("%s: expected %s, got %s", cases[i].to, cases[i].name, fail_message());
	}
	_cleanup_(buffer_free) struct buffer large = {};
	while (large.len <= BUNDLE_SIZE_MAX)
		buffer_append_text(&large, "////////////////////////////////////////////////////////////////////////");
	assert_fails(STATUS_TOO_LARGE, "bundle.size", bundle_create(&bundle, buffer_bytes(&large), nullptr));
}

/* What does not fit the host, or does not hold by itself: one change to the good one each. */
static void
what_does_not_fit_is_refused_where_it_stands(void **) {
	static const struct {
		size_t file;
		const char *from, *to, *message;
	} cases[] = {
		{4, "entity Team;", "", "schema.unknown_type: schema.cedarschema:1:17"},
		{4, "entity User in [Team]", "entity User",
		 "bundle.schema_entity: schema.cedarschema:1:8: User: expected it to be in Team"},
		{4, "entity Doc = { level: Long }", "entity Doc = { level: String }",
		 "bundle.schema_fact: schema.cedarschema:1:52: Doc.level: expected Long, found String"},
		{4, "entity Doc = { level: Long }", "entity Doc = { level: Long, title: Long }",
		 "bundle.schema_fact: schema.cedarschema:1:65: Doc.title: nothing states such a fact"},
		{4, "entity Team;", "entity Team enum [\"x\"];", "bundle.schema_entity: schema.cedarschema:1:17"},
		{4, "note?: String", "note: String",
		 "bundle.schema_fact: schema.cedarschema:4:80: note: may be absent"},
		{4, "n: Long, note", "m: Long, note",
		 "bundle.schema_fact: schema.cedarschema:4:71: m: nothing states such a fact"},
		{4, "a: Long, b: Long", "a: String",
		 "bundle.schema_fact: schema.cedarschema:4:36: approvals.group.a: expected Long"},
		{4, "group: { a: Long, b: Long }", "group: Long",
		 "bundle.schema_fact: schema.cedarschema:4:27: approvals.group: expected a record"},
		{4, "read in [all]", "read",
		 "bundle.schema_action: schema.cedarschema:3:8: read: expected it to be in all"},
		{4, "principal: [User], resource: [Doc]", "principal: [Team], resource: [Doc]",
		 "bundle.schema_action: schema.cedarschema:3:8: read: expected principals of type User"},
		{4, "principal: [User], resource: [Doc]", "principal: [User], resource: [Team]",
		 "bundle.schema_action: schema.cedarschema:3:8: read: expected resources of type Doc"},
		{4, "principal: [User], resource: [Doc]", "principal: [User, Team], resource: [Doc]",
		 "bundle.schema_action: schema.cedarschema:1:"},
		{4, "principal: [User], resource: [Doc]", "principal: [User], resource: [Team, Doc]",
		 "bundle.schema_action: schema.cedarschema:1:"},
		{4, "action all;", "action all, own;",
		 "bundle.schema_action: schema.cedarschema:2:13: there is no action \"own\""},
		{3, "\"type\":\"Tier\",\"id\":\"low\"},\"attrs\":{\"most\":5}",
		 "\"type\":\"Team\",\"id\":\"low\"},\"attrs\":{}", "bundle.shadows: entities.json:1:"},
		{3, "\"most\":5", "\"most\":\"5\"", "fit.type: entities.json:1:"},
		{3, "\"most\":5", "\"least\":5", "fit.unknown_attribute: entities.json:1:"},
		{3, "\"most\":5", "", "fit.missing_attribute: entities.json:1:"},
		{3, "\"parents\":[]", "\"parents\":[{\"type\":\"Doc\",\"id\":\"d\"}]", "fit.parent: entities.json:1:"},
		{3, "\"parents\":[]", "\"parents\":[],\"tags\":{\"x\":1}", "fit.tag: entities.json:1:"},
		{1, "context.n <", "context.m <", "validate."},
		{1, "context.n <", "context.approvals.total <", "monotone.approvals: a.cedar:1:"},
	};
	_cleanup_(policy_schema_destroy) struct policy_schema *parsed = nullptr;
	_cleanup_(bundle_destroy) struct bundle *whole = nullptr;
	struct bundle_host host = make_host(&parsed);
	assert_ok(create(good, GOOD, &whole));
	assert_ok(bundle_check(whole, &host, nullptr, nullptr));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
		_cleanup_(buffer_free) struct buffer text = {};
		struct bundle_file files[GOOD];
		memcpy(files, good, sizeof good);
		struct bytes whole_text = good[cases[i].file].text;
		const uint8_t *at = memmem(whole_text.data, whole_text.len, cases[i].from, strlen(cases[i].from));
		assert_non_null(at);
		size_t before = (size_t)(at - whole_text.data), after = before + strlen(cases[i].from);
		buffer_append(&text, whole_text.data, before);
		buffer_append_text(&text, cases[i].to);
		buffer_append(&text, whole_text.data + after, whole_text.len - after);
		files[cases[i].file].text = buffer_bytes(&text);
		enum status status = create(files, GOOD, &bundle);
		if (status == OK)
			status = bundle_check(bundle, &host, nullptr, nullptr);
		if (status != STATUS_INVALID ||
		    strncmp(fail_message(), cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("%s: expected %s, got %s", cases[i].to, cases[i].message,
				 status == OK ? "nothing" : fail_message());
	}
}

static void
limits_are_what_their_table_compiles_to(void **) {
	static const struct bundle_file table =
		FILE_OF(BUNDLE_LIMITS, "limits.csv", "who,account,asset,window,per,amount,approvals\n");
	static const struct bundle_file compiled =
		FILE_OF(BUNDLE_POLICIES, "limits.cedar", "// Made from a table of limits: change the table.\n");
	static const struct bundle_file edited = FILE_OF(BUNDLE_POLICIES, "limits.cedar", "// Made by hand.\n");
	_cleanup_(policy_schema_destroy) struct policy_schema *parsed = nullptr;
	struct bundle_host host = make_host(&parsed);
	struct bundle_file files[GOOD + 2];
	memcpy(files, good, sizeof good);
	static const struct {
		const struct bundle_file *added[2];
		size_t count;
		bool holds;
	} cases[] = {{{&table, &compiled}, 2, true},
		     {{&table, &edited}, 2, false},
		     {{&table}, 1, false},
		     {{&compiled}, 1, false}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
		for (size_t j = 0; j < cases[i].count; j++)
			files[GOOD + j] = *cases[i].added[j];
		assert_ok(create(files, GOOD + cases[i].count, &bundle));
		if (cases[i].holds)
			assert_ok(bundle_check(bundle, &host, nullptr, nullptr));
		else
			assert_fails(STATUS_INVALID, "bundle.limits_differ",
				     bundle_check(bundle, &host, nullptr, nullptr));
	}
}

static void
groups_that_it_counts_on_are_told(void **) {
	_cleanup_(policy_schema_destroy) struct policy_schema *parsed = nullptr;
	_cleanup_(bundle_destroy) struct bundle *bundle = nullptr;
	_cleanup_(arena_free) struct arena arena = {};
	struct bundle_host host = make_host(&parsed);
	const struct bytes *names;
	size_t count;
	assert_ok(create(good, GOOD, &bundle));
	assert_ok(bundle_open_names(bundle, &host, &arena, &names, &count));
	assert_int_equal(count, 2);
	assert_bytes(bytes_of_text("a"), names[0]);
	assert_bytes(bytes_of_text("b"), names[1]);
}

RUN_TESTS(T(a_bundle_is_its_document_and_has_one_hash), T(its_entities_come_and_go_with_it),
	  T(a_directory_and_its_bundle_lead_to_each_other), T(a_document_that_is_none_is_refused_by_name),
	  T(what_does_not_fit_is_refused_where_it_stands), T(limits_are_what_their_table_compiles_to),
	  T(groups_that_it_counts_on_are_told))
