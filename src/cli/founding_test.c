#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "cli/founding.h"

/* A small firm; rows below replace one text of it by another. */
static const char good[] = "instance: small.example\n"
			   "keeper: k1\n"
			   "legal_entities:\n"
			   "  - id: firm\n"
			   "    desks:\n"
			   "      - {id: desk, accounts: [hot]}\n"
			   "zones: [{id: office, networks: [10.0.0.0/8]}]\n"
			   "groups: [security]\n"
			   "people:\n"
			   "  - {id: p-0000000000000001, desk: desk, groups: [security], public_key: \"11\"}\n"
			   "workloads:\n"
			   "  - {id: bot, desk: desk, zone: office, key_name: a, public_key: \"22\"}\n"
			   "lists: [{id: known, kind: allowed, entries: [\"eip155:1:0x35\"]}]\n"
			   "assets: [{chain: \"eip155:1\", symbol: ETH, decimals: 18, price_usd: \"3000\"}]\n"
			   "bundle: policy\n";

/* "11" stands for 64 digits, as it does in every text here. */
static void
expand_keys(const char *text, struct buffer *to) {
	for (; *text != '\0'; text++) {
		if ((strncmp(text, "\"11\"", 4) == 0 || strncmp(text, "\"22\"", 4) == 0)) {
			buffer_append_byte(to, '"');
			for (int i = 0; i < 64; i++)
				buffer_append_byte(to, (uint8_t)text[1]);
			text += 3; /* at the closing quote */
		}
		buffer_append_byte(to, (uint8_t)*text);
	}
}

struct folder {
	char path[64], file[96];
};

static void
make_folder(struct folder *folder) {
	static const struct {
		const char *name, *text;
	} files[] = {
		{"bundle.yaml", "name: small\nversion: \"1\"\ngroups: [security]\n"},
		{"all.cedar", "permit (principal, action, resource);"},
	};
	char path[96];
	snprintf(folder->path, sizeof folder->path, "/tmp/gatehouse-founding-test-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->file, sizeof folder->file, "%s/firm.yaml", folder->path);
	snprintf(path, sizeof path, "%s/policy", folder->path);
	assert_ok(io_make_directory(io_system(), path));
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++) {
		snprintf(path, sizeof path, "%s/policy/%s", folder->path, files[i].name);
		assert_ok(io_replace_file(io_system(), path, bytes_of_text(files[i].text)));
	}
}

static void
remove_folder(struct folder *folder) {
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", folder->path);
	assert_int_equal(0, system(command));
}

static enum status
read_changed(const struct folder *folder, const char *from, const char *to, struct founding *founding) {
	_cleanup_(buffer_free) struct buffer text = {}, file = {};
	const char *at = strstr(good, from);
	assert_non_null(at);
	buffer_append(&text, good, (size_t)(at - good));
	buffer_append_text(&text, to);
	buffer_append_text(&text, at + strlen(from));
	buffer_append_byte(&text, '\0');
	assert_ok(buffer_status(&text));
	expand_keys((const char *)text.data, &file);
	assert_ok(buffer_status(&file));
	assert_ok(io_replace_file(io_system(), folder->file, buffer_bytes(&file)));
	return founding_read(folder->file, founding);
}

static void
a_firm_becomes_changes_in_the_order_in_which_they_hold(void **) {
	_cleanup_(remove_folder) struct folder folder;
	_cleanup_(founding_free) struct founding founding = {};
	_cleanup_(buffer_free) struct buffer document = {};
	static const char *const kinds[] = {
		"unit.add",         "unit.add",    "unit.add", "zone.add",  "person.add", "workload.add",   "group.add",
		"group.member_add", "list.create", "list.add", "asset.add", "price.set",  "policy.activate"};
	make_folder(&folder);
	assert_ok(read_changed(&folder, "keeper", "keeper", &founding));
	const struct bytes vkey = BYTES_OF_LITERAL("a+b");
	assert_ok(founding_document(&founding, "small.example/k1", &vkey, 1, 17, &document));
	assert_ok(json_check_canonical(&founding.arena, buffer_bytes(&document)));
	const json *root, *change;
	assert_ok(json_read(&founding.arena, buffer_bytes(&document), (struct json_limits){}, &root));
	struct json_iterator iterator = json_iterate(json_get(root, "changes"));
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		assert_non_null(change = json_next(&iterator, nullptr));
		assert_bytes(bytes_of_text(kinds[i]), json_string(json_get(change, "kind")));
	}
	assert_null(json_next(&iterator, nullptr));
	static const char workload[] = "\"resource\":\"desk:desk\"},{\"kind\":\"group.add\"";
	assert_non_null(memmem(document.data, document.len, workload, strlen(workload)));
	static const char price[] = "{\"microcents\":300000000000},\"resource\":\"asset:eip155:1/native\"";
	assert_non_null(memmem(document.data, document.len, price, strlen(price)));
}

static void
a_bad_document_is_refused_by_name(void **) {
	static const struct {
		const char *from, *to;
		enum status status;
		const char *name;
	} rows[] = {
		{"keeper: k1\n", "", STATUS_INVALID, "yaml.missing_key"},
		{"keeper: k1\n", "keeper: k1\nkeeper: k2\n", STATUS_INVALID, "yaml.duplicate_key"},
		{"keeper: k1\n", "keeper: k1\nchief: me\n", STATUS_INVALID, "yaml.unknown_key"},
		{"keeper: k1", "keeper: [k1]", STATUS_INVALID, "yaml.type"},
		{"keeper: k1", "keeper: &a k1", STATUS_INVALID, "yaml.anchor"},
		{"accounts: [hot]", "accounts: hot", STATUS_INVALID, "yaml.type"},
		{"kind: allowed", "kind: maybe", STATUS_INVALID, "yaml.choice"},
		{"decimals: 18", "decimals: many", STATUS_INVALID, "yaml.type"},
		{"decimals: 18", "decimals: 37", STATUS_INVALID, "yaml.range"},
		{"\"3000\"", "\"3,000\"", STATUS_INVALID, "price.form"},
		{"\"3000\"", "\"0\"", STATUS_INVALID, "price.range"},
		{", public_key: \"11\"", "", STATUS_INVALID, "founding.key"},
		{"public_key: \"11\"", "public_key: \"11\", key: a.pub", STATUS_INVALID, "founding.key"},
		{"public_key: \"11\"", "public_key: abc", STATUS_INVALID, "founding.public_key"},
		{"public_key: \"11\"", "key: nowhere.pub", STATUS_NOT_FOUND, "input.open"},
		{"bundle: policy", "bundle: nowhere", STATUS_NOT_FOUND, "io.open"},
		{"people:\n", "people: []\nmen:\n", STATUS_INVALID, "yaml.unknown_key"},
	};
	_cleanup_(remove_folder) struct folder folder;
	make_folder(&folder);
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct founding founding;
		enum status status = read_changed(&folder, rows[i].from, rows[i].to, &founding);
		char name[64];
		fail_name(name, sizeof name);
		if (status != rows[i].status || strcmp(name, rows[i].name) != 0)
			fail_msg("%s → %s: %s %s", rows[i].from, rows[i].to, status_name(status), fail_message());
	}
}

RUN_TESTS(T(a_firm_becomes_changes_in_the_order_in_which_they_hold), T(a_bad_document_is_refused_by_name))
