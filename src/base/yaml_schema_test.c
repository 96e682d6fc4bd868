#include "tests/test.h"
#include "base/yaml_schema.h"

struct port {
	uint16_t number;
	const char *address;
};

struct settings {
	const char *name;
	bool strict;
	int64_t balance;
	uint32_t connections;
	int64_t timeout_ms;
	int guard;
	struct yaml_texts authorities;
	struct port main;
	struct yaml_objects ports;
	const struct yaml_node *anything;
};

static const struct port PORT_DEFAULTS = {.address = "127.0.0.1"};
static const struct yaml_field PORT_FIELDS[] = {
	{"number", YAML_UINT16, offsetof(struct port, number), .required = true, .min = 1, .max = 65535},
	{"address", YAML_TEXT, offsetof(struct port, address)},
};
static const struct yaml_schema PORT = {PORT_FIELDS, ARRAY_LENGTH(PORT_FIELDS), sizeof(struct port), &PORT_DEFAULTS};
static const char *const GUARDS[] = {"none", "path", "witness", nullptr};
static const struct yaml_field SETTINGS_FIELDS[] = {
	{"name", YAML_TEXT, offsetof(struct settings, name), .required = true},
	{"strict", YAML_BOOLEAN, offsetof(struct settings, strict)},
	{"balance", YAML_INT64, offsetof(struct settings, balance)},
	{"connections", YAML_UINT32, offsetof(struct settings, connections)},
	{"timeout", YAML_DURATION, offsetof(struct settings, timeout_ms), .min = 1, .max = 86'400'000},
	{"guard", YAML_CHOICE, offsetof(struct settings, guard), .choices = GUARDS},
	{"authorities", YAML_TEXTS, offsetof(struct settings, authorities), .min = 1, .max = 2},
	{"main", YAML_OBJECT, offsetof(struct settings, main), .schema = &PORT},
	{"ports", YAML_OBJECTS, offsetof(struct settings, ports), .schema = &PORT},
	{"anything", YAML_ANY, offsetof(struct settings, anything)},
};
static const struct yaml_schema SETTINGS = {SETTINGS_FIELDS, ARRAY_LENGTH(SETTINGS_FIELDS), sizeof(struct settings)};

static enum status
read_settings(struct arena *arena, const char *text, struct settings *settings) {
	const struct yaml_node *root;
	TRY(yaml_read(arena, "test.yaml", bytes_of_text(text), &root));
	return yaml_fill(arena, "test.yaml", root, &SETTINGS, settings);
}

static void
every_type_is_read_into_its_field(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct settings settings = {};
	assert_ok(read_settings(&arena,
				"name: \"12\"\n"
				"strict: true\n"
				"balance: -12\n"
				"connections: 4294967295\n"
				"timeout: 90s\n"
				"guard: witness\n"
				"authorities: [gate.example, \"[::1]:8443\"]\n"
				"main: {number: 8443}\n"
				"ports:\n"
				"  - {number: 1, address: \"::1\"}\n"
				"  - number: 65535\n"
				"anything: {whatever: [1]}\n",
				&settings));
	assert_string_equal("12", settings.name);
	assert_true(settings.strict);
	assert_int_equal(-12, settings.balance);
	assert_true(settings.connections == UINT32_MAX);
	assert_int_equal(90'000, settings.timeout_ms);
	assert_int_equal(2, settings.guard);
	assert_int_equal(2, settings.authorities.count);
	assert_string_equal("[::1]:8443", settings.authorities.items[1]);
	assert_int_equal(8443, settings.main.number);
	assert_null(settings.main.address);
	assert_int_equal(2, settings.ports.count);
	const struct port *ports = settings.ports.items;
	assert_string_equal("::1", ports[0].address);
	assert_int_equal(65535, ports[1].number);
	assert_string_equal("127.0.0.1", ports[1].address);
	assert_non_null(yaml_get(settings.anything, "whatever"));
}

static void
what_is_absent_keeps_its_default(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	struct settings settings = {.connections = 64, .strict = true, .guard = 1};
	assert_ok(read_settings(&arena, "name: x\n", &settings));
	assert_int_equal(64, settings.connections);
	assert_true(settings.strict);
	assert_int_equal(1, settings.guard);
}

static void
durations_have_one_unit(void **) {
	static const struct {
		const char *text;
		int64_t expected_ms;
	} cases[] = {{"1ms", 1}, {"2s", 2'000}, {"3m", 180'000}, {"4h", 14'400'000}, {"1d", 86'400'000}};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct settings settings = {};
		assert_ok(read_settings(&arena, arena_format(&arena, "name: x\ntimeout: %s\n", cases[i].text),
					&settings));
		assert_int_equal(cases[i].expected_ms, settings.timeout_ms);
	}
}

static void
bad_values_are_refused_by_name_and_place(void **) {
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"[1]", "yaml.type: test.yaml:1:1: expected a mapping, found a sequence"},
		{"strict: true", "yaml.missing_key: test.yaml:1:1: \"name\" is required here"},
		{"name: x\nmain: {}", "yaml.missing_key: test.yaml:2:1: \"number\""},
		{"name: x\nports:\n  - address: y\n", "yaml.missing_key: test.yaml:3:5: \"number\""},
		{"name: x\nnam: y\n", "yaml.unknown_key: test.yaml:2:1: \"nam\"; known here: name, strict,"},
		{"name: x\nmain:\n  number: 1\n  host: y\n",
		 "yaml.unknown_key: test.yaml:4:3: \"host\"; known here: number, address"},
		{"name:\n", "yaml.type: test.yaml:1:1: expected a text, found nothing"},
		{"name: [x]\n", "yaml.type: test.yaml:1:1: expected a text, found a sequence"},
		{"name: x\nstrict: yes\n", "yaml.type: test.yaml:2:1: expected true or false, found \"yes\""},
		{"name: x\nstrict: True\n", "yaml.type: test.yaml:2:1"},
		{"name: x\nstrict: \"true\"\n", "yaml.type: test.yaml:2:1"},
		{"name: x\nbalance: \"1\"\n", "yaml.type: test.yaml:2:1: expected an integer"},
		{"name: x\nbalance: 0x10\n", "yaml.type: test.yaml:2:1"},
		{"name: x\nbalance: 010\n", "yaml.type: test.yaml:2:1"},
		{"name: x\nbalance: -0\n", "yaml.type: test.yaml:2:1"},
		{"name: x\nbalance: +1\n", "yaml.type: test.yaml:2:1"},
		{"name: x\nbalance: 1_000\n", "yaml.type: test.yaml:2:1"},
		{"name: x\nbalance: 1.0\n", "yaml.type: test.yaml:2:1"},
		{"name: x\nbalance: -\n", "yaml.syntax: test.yaml:2:10"},
		{"name: x\nbalance: 1000000000000000000\n", "yaml.type: test.yaml:2:1"},
		{"name: x\nbalance: {}\n", "yaml.type: test.yaml:2:1: expected an integer, found a mapping"},
		{"name: x\nconnections: -1\n", "yaml.range: test.yaml:2:1: expected 0 to 4294967295, found -1"},
		{"name: x\nconnections: 4294967296\n", "yaml.range: test.yaml:2:1"},
		{"name: x\nmain: {number: 0}\n", "yaml.range: test.yaml:2:8: expected 1 to 65535, found 0"},
		{"name: x\nmain: {number: 65536}\n", "yaml.range: test.yaml:2:8"},
		{"name: x\ntimeout: 5\n", "yaml.type: test.yaml:2:1: expected a duration"},
		{"name: x\ntimeout: 5 s\n", "yaml.type: test.yaml:2:1"},
		{"name: x\ntimeout: 1m30s\n", "yaml.type: test.yaml:2:1"},
		{"name: x\ntimeout: -5s\n", "yaml.type: test.yaml:2:1"},
		{"name: x\ntimeout: \"5s\"\n", "yaml.type: test.yaml:2:1"},
		{"name: x\ntimeout: 0s\n", "yaml.range: test.yaml:2:1"},
		{"name: x\ntimeout: 2d\n", "yaml.range: test.yaml:2:1"},
		{"name: x\ntimeout: 999999999999999999d\n", "yaml.range: test.yaml:2:1"},
		{"name: x\nguard: tpm\n",
		 "yaml.choice: test.yaml:2:1: expected one of none, path, witness, found \"tpm\""},
		{"name: x\nguard: []\n", "yaml.type: test.yaml:2:1"},
		{"name: x\nauthorities: a\n", "yaml.type: test.yaml:2:1: expected a sequence, found \"a\""},
		{"name: x\nauthorities: []\n", "yaml.range: test.yaml:2:1: expected 1 to 2 items, found 0"},
		{"name: x\nauthorities: [a, b, c]\n", "yaml.range: test.yaml:2:1"},
		{"name: x\nauthorities: [a, [b]]\n", "yaml.type: test.yaml:2:18"},
		{"name: x\nmain: 8443\n", "yaml.type: test.yaml:2:1: expected a mapping"},
		{"name: x\nports: {number: 1}\n", "yaml.type: test.yaml:2:1: expected a sequence"},
		{"name: x\nports: [1]\n", "yaml.type: test.yaml:2:9: expected a mapping"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		struct settings settings = {};
		assert_int_equal(STATUS_INVALID, read_settings(&arena, cases[i].text, &settings));
		if (strncmp(fail_message(), cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("case %zu: expected \"%s\", got \"%s\"", i, cases[i].message, fail_message());
	}
}

static void
an_arena_without_room_is_told(void **) {
	for (size_t limit = 16; limit < 4096; limit += 16) {
		_cleanup_(arena_free) struct arena arena = {.limit = limit};
		struct settings settings = {};
		enum status status =
			read_settings(&arena, "name: x\nports: [{number: 1}]\nauthorities: [a]\n", &settings);
		assert_true(status == OK || status == STATUS_NO_MEMORY);
	}
}

RUN_TESTS(T(every_type_is_read_into_its_field), T(what_is_absent_keeps_its_default), T(durations_have_one_unit),
	  T(bad_values_are_refused_by_name_and_place), T(an_arena_without_room_is_told))
