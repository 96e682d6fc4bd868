#include "tests/test.h"
#include "base/yaml.h"

static const struct yaml_node *
parse(struct arena *arena, const char *text) {
	const struct yaml_node *root = nullptr;
	assert_ok(yaml_read(arena, "test.yaml", bytes_of_text(text), &root));
	return root;
}

static void
a_tree_keeps_order_and_places(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const struct yaml_node *root = parse(&arena, "# heading\n"
						     "name: treasury\n"
						     "zones:\n"
						     "  - id: hot   # comment\n"
						     "    limit: \"10\"\n"
						     "  - {id: cold, limit: 0}\n"
						     "empty:\n");
	assert_int_equal(YAML_NODE_MAPPING, root->kind);
	assert_int_equal(3, root->count);
	const struct yaml_node *name = yaml_get(root, "name"), *zones = yaml_get(root, "zones"),
			       *empty = yaml_get(root, "empty");
	assert_bytes(BYTES_OF_LITERAL("treasury"), name->text);
	assert_int_equal(2, name->line);
	assert_int_equal(1, name->column);
	assert_ptr_equal(root->first, name);
	assert_ptr_equal(name->next, zones);
	assert_int_equal(YAML_NODE_SEQUENCE, zones->kind);
	assert_int_equal(2, zones->count);
	const struct yaml_node *hot = zones->first, *cold = hot->next;
	assert_int_equal(4, hot->line);
	assert_int_equal(5, hot->column);
	assert_false(yaml_get(hot, "limit")->plain);
	assert_true(yaml_get(cold, "limit")->plain);
	assert_bytes(BYTES_OF_LITERAL("cold"), yaml_get(cold, "id")->text);
	assert_int_equal(6, yaml_get(cold, "id")->line);
	assert_int_equal(6, yaml_get(cold, "id")->column);
	assert_int_equal(0, empty->text.len);
	assert_null(yaml_get(root, "limit"));
	assert_null(yaml_get(name, "limit"));
}

static void
every_scalar_is_text(void **) {
	static const char *const words[] = {"yes",  "no",  "true", "null", "~",         "0x10",
					    "1:30", "1e3", "012",  ".inf", "2026-11-21"};
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		const struct yaml_node *root = parse(&arena, arena_format(&arena, "k: %s", words[i]));
		assert_int_equal(YAML_NODE_SCALAR, root->first->kind);
		assert_bytes(bytes_of_text(words[i]), root->first->text);
		assert_true(root->first->plain);
	}
}

static void
quoted_and_block_texts_are_read_whole(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const struct yaml_node *root =
		parse(&arena, "a: 'it''s'\nb: \"tab\\t\\u20ac\"\nc: |\n  one\n  two\n\"<<\": quoted\n");
	assert_bytes(BYTES_OF_LITERAL("it's"), yaml_get(root, "a")->text);
	assert_bytes(BYTES_OF_LITERAL("tab\t\xe2\x82\xac"), yaml_get(root, "b")->text);
	assert_bytes(BYTES_OF_LITERAL("one\ntwo\n"), yaml_get(root, "c")->text);
	assert_bytes(BYTES_OF_LITERAL("quoted"), yaml_get(root, "<<")->text);
}

static void
bad_input_is_refused_by_name_and_place(void **) {
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "yaml.empty: test.yaml"},
		{"# only a comment\n", "yaml.empty: test.yaml"},
		{"a: &x 1\n", "yaml.anchor: test.yaml:1:4"},
		{"a: &x [1]\n", "yaml.anchor: test.yaml:1:4"},
		{"a: &x {b: 1}\n", "yaml.anchor: test.yaml:1:4"},
		{"&x a: 1\n", "yaml.anchor: test.yaml:1:1"},
		{"a: *x\n", "yaml.alias: test.yaml:1:4"},
		{"a: !!int 1\n", "yaml.tag: test.yaml:1:4"},
		{"a: ! 1\n", "yaml.tag: test.yaml:1:4"},
		{"a: !!map {}\n", "yaml.tag: test.yaml:1:4"},
		{"a: !x [1]\n", "yaml.tag: test.yaml:1:4"},
		{"a: 1\n---\nb: 2\n", "yaml.documents: test.yaml:2:1"},
		{"%YAML 1.1\n---\na: 1\n", "yaml.directive: test.yaml:1:1"},
		{"%TAG ! tag:x,1:\n---\na: 1\n", "yaml.directive: test.yaml:1:1"},
		{"a: 1\nb: 2\na: 3\n", "yaml.duplicate_key: test.yaml:3:1: \"a\" stands on line 1"},
		{"x:\n  - {a: 1, \"a\": 2}\n", "yaml.duplicate_key: test.yaml:2:12"},
		{"<<: {a: 1}\n", "yaml.merge_key: test.yaml:1:1"},
		{"? [a]\n: 1\n", "yaml.key: test.yaml:1:3"},
		{"? {a: 1}\n: 1\n", "yaml.key: test.yaml:1:3"},
		{"a: [1\n", "yaml.syntax: test.yaml:2:1"},
		{"a: b: c\n", "yaml.syntax: test.yaml:1:5"},
		{"\ta: 1\n", "yaml.syntax: test.yaml:1:1"},
		{"a: \"\\0\"\n", "yaml.nul: test.yaml:1:4"},
		{"\xef\xbb\xbf"
		 "a: 1\n",
		 "yaml.encoding: test.yaml"},
		{"a: 1\n\xef\xbb\xbf"
		 "b: 1\n",
		 "yaml.encoding: test.yaml"},
		{"a: \xff\n", "yaml.encoding: test.yaml"},
		{"\xff\xfe"
		 "a",
		 "yaml.encoding: test.yaml"},
		{"a: \xc0\xaf\n", "yaml.encoding: test.yaml"},
		{"a: \x07\n", "yaml.encoding: test.yaml"},
		{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "yaml.depth: test.yaml:1:33"},
		{"- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - 1", "yaml.depth: test.yaml:1:65"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		const struct yaml_node *root;
		assert_int_equal(STATUS_INVALID, yaml_read(&arena, "test.yaml", bytes_of_text(cases[i].text), &root));
		if (strncmp(fail_message(), cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("case %zu: expected \"%s\", got \"%s\"", i, cases[i].message, fail_message());
	}
}

static void
a_nul_byte_is_refused(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const struct yaml_node *root;
	assert_fails(STATUS_INVALID, "yaml.nul", yaml_read(&arena, "t", BYTES_OF_LITERAL("a: 1\0b"), &root));
}

static void
the_limit_on_depth_itself_is_read(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const struct yaml_node *node =
		parse(&arena, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	size_t depth = 1;
	for (; node->first != nullptr; node = node->first)
		depth++;
	assert_int_equal(YAML_DEPTH_MAX, depth);
}

static void
a_text_over_the_limit_is_refused_and_one_at_it_is_read(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const struct yaml_node *root;
	_cleanup_(buffer_free) struct buffer text = {};
	buffer_append_text(&text, "a: ");
	while (text.len < YAML_SIZE_MAX)
		buffer_append_byte(&text, 'x');
	assert_ok(yaml_read(&arena, "t", buffer_bytes(&text), &root));
	buffer_append_byte(&text, 'x');
	assert_fails(STATUS_TOO_LARGE, "yaml.size", yaml_read(&arena, "t", buffer_bytes(&text), &root));
}

/* libyaml alone needs minutes for this text; a regression would show as the test's time limit. */
static void
a_megabyte_of_open_brackets_is_refused_at_once(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	const struct yaml_node *root;
	uint8_t *text = malloc(YAML_SIZE_MAX);
	assert_non_null(text);
	memset(text, '[', YAML_SIZE_MAX);
	enum status status = yaml_read(&arena, "t", bytes_of(text, YAML_SIZE_MAX), &root);
	free(text);
	assert_fails(STATUS_INVALID, "yaml.depth", status);
}

static void
many_keys_are_read_and_the_one_repeated_is_found(void **) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer text = {};
	const struct yaml_node *root;
	for (int i = 0; i < 20'000; i++)
		buffer_append_format(&text, "key-%d: 1\n", i);
	assert_ok(yaml_read(&arena, "t", buffer_bytes(&text), &root));
	assert_int_equal(20'000, root->count);
	buffer_append_text(&text, "key-7: 1\n");
	assert_fails(STATUS_INVALID, "yaml.duplicate_key", yaml_read(&arena, "t", buffer_bytes(&text), &root));
}

RUN_TESTS(T(a_tree_keeps_order_and_places), T(every_scalar_is_text), T(quoted_and_block_texts_are_read_whole),
	  T(bad_input_is_refused_by_name_and_place), T(a_nul_byte_is_refused), T(the_limit_on_depth_itself_is_read),
	  T(a_text_over_the_limit_is_refused_and_one_at_it_is_read), T(a_megabyte_of_open_brackets_is_refused_at_once),
	  T(many_keys_are_read_and_the_one_repeated_is_found))
