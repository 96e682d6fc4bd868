#include "tests/test.h"
#include "tests/log_keys.h"
#include "tests/remove_tree.h"
#include "base/json.h"
#include "ledger/log_testing.h"
#include "ledger/receipt.h"
#include "ledger/tile_writer.h"
#include "ledger/tlog_policy.h"
#include "ledger/verify_command.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

/* A data directory with a log, published files, and what auditors hold: receipts, heads, a consistency proof, policies. */
static struct fixture {
	char directory[64];
	uint8_t witness_seed[32];
	struct mldsa44_private *witness_mldsa44;
	struct cosigner witness;
	struct buffer keys[2]; /* vkeys of the log, with an end */
	struct ledger *ledger;
} f;

static const char *
path_of(const char *name) {
	static char paths[4][PATH_MAX];
	static size_t next;
	char *path = paths[next++ % ARRAY_LENGTH(paths)];
	snprintf(path, PATH_MAX, "%s/%s", f.directory, name);
	return path;
}

static void
write_file(const char *name, struct bytes content) {
	assert_ok(io_replace_file(io_system(), path_of(name), content));
}

static void
add_key(struct buffer *text, const char *start, const struct note_key *key) {
	buffer_append_text(text, start);
	note_key_format(key, text);
	buffer_append_byte(text, '\n');
}

static void
write_policies(void) {
	const struct head_keys *keys = &log_test_keys()->keys;
	_cleanup_(buffer_free) struct buffer policy = {}, without = {};
	add_key(&policy, "log ", &keys->ed25519);
	add_key(&policy, "log ", &keys->mldsa44);
	buffer_append_bytes(&without, buffer_bytes(&policy));
	buffer_append_text(&without, "quorum none\n");
	add_key(&policy, "witness w ", &f.witness.mldsa44);
	buffer_append_text(&policy, "quorum w\n");
	write_file("policy", buffer_bytes(&policy));
	write_file("policy.none", buffer_bytes(&without));
	note_key_format(&keys->ed25519, &f.keys[0]);
	note_key_format(&keys->mldsa44, &f.keys[1]);
	buffer_append_byte(&f.keys[0], '\0');
	buffer_append_byte(&f.keys[1], '\0');
}

static void
make_witness(void) {
	log_witness_make(f.witness_seed, &f.witness_mldsa44, &f.witness);
}

static void
append(uint64_t count) {
	char body[256];
	for (uint64_t i = 0; i < count; i++) {
		struct ledger_entry entry = {.type = ENTRY_VOTE, .body = log_test_body(body, sizeof body, i, 8)};
		assert_ok(ledger_append(f.ledger, &entry, 1, nullptr));
	}
}

/* The durable head as a note; with the witness's lines. */
static uint64_t
format_head(bool is_witnessed, struct buffer *note) {
	struct ledger_head head;
	ledger_durable_head(f.ledger, &head);
	head_format(note, &log_test_keys()->keys, &head.head, &head.signatures);
	if (!is_witnessed)
		return head.head.size;
	_cleanup_(buffer_free) struct buffer text = {};
	struct checkpoint checkpoint;
	checkpoint_format(&text, head_keys_origin(&log_test_keys()->keys), head.head.size, &head.head.root);
	assert_ok(checkpoint_parse(buffer_bytes(&text), &checkpoint));
	assert_ok(cosigner_sign(&f.witness, buffer_bytes(&text), &checkpoint, 1'800'000'000, note));
	return head.head.size;
}

static void
write_head(const char *name, bool is_witnessed) {
	_cleanup_(buffer_free) struct buffer note = {};
	format_head(is_witnessed, &note);
	write_file(name, buffer_bytes(&note));
}

static void
write_receipt(const char *name, uint64_t index, bool is_bare) {
	_cleanup_(buffer_free) struct buffer note = {}, bytes = {}, text = {};
	struct ledger_record record;
	struct proof proof;
	uint64_t size = format_head(true, &note);
	assert_ok(ledger_read(f.ledger, index, &bytes, &record));
	assert_ok(ledger_prove(f.ledger, index, size, &proof));
	receipt_write(&text, is_bare ? (struct bytes){} : record.leaf, index, &proof, buffer_bytes(&note));
	write_file(name, buffer_bytes(&text));
	write_file("entry", record.leaf);
}

static enum status
add_tile_entry(void *writer, const struct ledger_record *record) {
	return tile_writer_append(writer, record->leaf, record->leaf_hash);
}

static void
publish(void) {
	_cleanup_(tile_writer_close) struct tile_writer *writer = nullptr;
	struct ledger_head head;
	ledger_durable_head(f.ledger, &head);
	assert_ok(tile_writer_open(io_system(), path_of("public"), &writer));
	assert_ok(ledger_visit(f.ledger, tile_writer_size(writer), head.head.size, add_tile_entry, writer));
	assert_ok(tile_writer_publish(writer, head.head.size, &head.head.root));
	write_head("public/checkpoint", false);
	write_head("public/checkpoint.witnessed", true);
}

static int
make_fixture(void **) {
	f = (struct fixture){.directory = "/tmp/gatehouse-verify-test-XXXXXX", .witness_seed = {3}};
	assert_non_null(mkdtemp(f.directory));
	make_witness();
	write_policies();
	assert_ok(io_make_directory(io_system(), path_of("ledger")));
	assert_ok(io_make_directory(io_system(), path_of("public")));
	struct ledger_config config = log_test_config(io_system(), path_of("ledger"));
	config.is_manual = false;
	assert_ok(ledger_create(&config));
	assert_ok(ledger_open(&config, &f.ledger));
	append(3);
	write_head("older", false);
	write_receipt("older.receipt", 2, false);
	append(4);
	write_receipt("receipt", 4, false);
	write_receipt("bare", 4, true);
	write_head("checkpoint", true);
	struct proof proof;
	_cleanup_(buffer_free) struct buffer lines = {};
	assert_ok(ledger_prove_consistency(f.ledger, 6, 14, &proof));
	proof_append_lines(&lines, &proof);
	write_file("consistency", buffer_bytes(&lines));
	publish();
	return 0;
}

static int
free_fixture(void **) {
	ledger_close(&f.ledger);
	note_key_free(&f.witness.ed25519);
	note_key_free(&f.witness.mldsa44);
	mldsa44_private_destroy(&f.witness_mldsa44);
	buffer_free(&f.keys[0]);
	buffer_free(&f.keys[1]);
	return remove_tree(f.directory);
}

/* Runs the command, in a child of this process or as the static program; returns its exit code. */
static int
run(const char *program, const char *const *arguments, char *output, size_t capacity) {
	const char *list[32] = {program != nullptr ? program : "gatehouse-verify"};
	int count = 1, ends[2], status;
	for (; arguments[count - 1] != nullptr; count++)
		list[count] = arguments[count - 1];
	assert_int_equal(0, pipe(ends));
	fflush(nullptr);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		if (null < 0 || dup2(null, STDERR_FILENO) < 0)
			_exit(126);
		char **argv = (char **)(uintptr_t)list;
		if (program != nullptr)
			execv(program, argv);
		_exit(program != nullptr ? 127 : verify_command(count, argv));
	}
	close(ends[1]);
	size_t len = 0;
	for (ssize_t got; (got = read(ends[0], output + len, capacity - 1 - len)) > 0;)
		len += (size_t)got;
	output[len] = '\0';
	close(ends[0]);
	assert_int_equal(child, waitpid(child, &status, 0));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}
#define RUN(output, ...) run(nullptr, (const char *const[]){__VA_ARGS__, nullptr}, (output), sizeof(output))

static void
assert_first_line(const char *expected, const char *output) {
	size_t len = strlen(expected);
	if (strncmp(output, expected, len) != 0)
		fail_msg("expected %s, got %s", expected, output);
}

static void
what_is_verified_in_full_exits_with_zero(void **) {
	char output[8192];
	assert_int_equal(0, RUN(output, "receipt", path_of("receipt"), "--policy", path_of("policy")));
	assert_first_line("verified\n", output);
	assert_non_null(strstr(output, "entry          4\n"));
	assert_int_equal(
		0, RUN(output, "receipt", path_of("bare"), "--entry", path_of("entry"), "--policy", path_of("policy")));
	assert_int_equal(0, RUN(output, "checkpoint", path_of("checkpoint"), "--policy", path_of("policy"), "--older",
				path_of("older"), "--consistency", path_of("consistency")));
	assert_first_line("verified\n", output);
	assert_int_equal(0, RUN(output, "log", f.directory, "--policy", path_of("policy"), "--older", path_of("older"),
				"--older", path_of("older.receipt"), "--tiles", "--heads", "all"));
	assert_first_line("verified\n", output);
	assert_non_null(strstr(output, "types          counts 7 vote 7\n"));
	assert_non_null(strstr(output, "tiles checked  2\n"));
}

static void
what_is_missing_is_named_and_exits_with_one(void **) {
	char output[8192];
	const char *ed25519 = (const char *)f.keys[0].data, *mldsa44 = (const char *)f.keys[1].data;
	assert_int_equal(1, RUN(output, "receipt", path_of("receipt")));
	assert_first_line("weaker\nunpinned: ", output);
	assert_int_equal(1, RUN(output, "receipt", path_of("receipt"), "--policy", path_of("policy.none")));
	assert_first_line("weaker\nunwitnessed: ", output);
	assert_non_null(strstr(output, "\nno-older-head: "));
	assert_int_equal(1, RUN(output, "checkpoint", path_of("checkpoint"), "--key", ed25519, "--key", mldsa44));
	assert_first_line("weaker\nunwitnessed: ", output);
	assert_int_equal(1, RUN(output, "checkpoint", path_of("checkpoint"), "--key", mldsa44));
	assert_first_line("weaker\nsingle-signature: ", output);
	assert_int_equal(1, RUN(output, "checkpoint", path_of("checkpoint"), "--policy", path_of("policy"), "--older",
				path_of("older")));
	assert_first_line("weaker\nolder-not-compared: ", output);
	assert_int_equal(1, RUN(output, "checkpoint", path_of("older"), "--policy", path_of("policy"), "--older",
				path_of("older")));
	assert_first_line("weaker\nunwitnessed: ", output);
	assert_null(strstr(output, "no-older-head"));
	assert_int_equal(1, RUN(output, "log", path_of("ledger"), "--policy", path_of("policy")));
	assert_first_line("weaker\nunwitnessed: ", output);
}

static void
what_contradicts_is_refused_and_exits_with_one(void **) {
	char output[8192];
	assert_int_equal(1, RUN(output, "receipt", path_of("bare"), "--entry", path_of("policy"), "--policy",
				path_of("policy")));
	assert_first_line("refused: proof.root: ", output);
	assert_int_equal(1, RUN(output, "checkpoint", path_of("older"), "--policy", path_of("policy"), "--older",
				path_of("checkpoint")));
	assert_first_line("refused: verify.behind: ", output);
	assert_int_equal(1, RUN(output, "checkpoint", path_of("checkpoint"), "--policy", path_of("policy"), "--older",
				path_of("older"), "--consistency", path_of("entry")));
	assert_first_line("refused: consistency.proof: ", output);
	assert_int_equal(1, RUN(output, "receipt", path_of("entry"), "--policy", path_of("policy")));
	assert_first_line("refused: note.separator: ", output);
	_cleanup_(buffer_free) struct buffer damaged = {};
	assert_ok(io_read_file(io_system(), path_of("receipt"), RECEIPT_SIZE_MAX, &damaged));
	damaged.data[40] ^= 1;
	write_file("damaged", buffer_bytes(&damaged));
	assert_int_equal(1, RUN(output, "receipt", path_of("damaged"), "--policy", path_of("policy")));
	assert_first_line("refused: ", output);
}

static void
wrong_usage_and_missing_files_exit_with_two(void **) {
	char output[8192];
	assert_int_equal(2, RUN(output, "receipt"));
	assert_int_equal(2, RUN(output, "receipt", path_of("receipt"), "--older", "a", "--older", "b"));
	assert_int_equal(2, RUN(output, "other", path_of("receipt")));
	assert_int_equal(2, RUN(output, "receipt", path_of("receipt"), path_of("bare")));
	assert_int_equal(2, RUN(output, "receipt", path_of("receipt"), "--unknown"));
	assert_int_equal(2, RUN(output, "receipt", path_of("receipt"), "--policy"));
	assert_int_equal(2, RUN(output, "receipt", path_of("receipt"), "--tiles"));
	assert_int_equal(2, RUN(output, "receipt", path_of("receipt"), "--policy", "a", "--policy", "b"));
	assert_int_equal(2, RUN(output, "receipt", path_of("receipt"), "--policy", "a", "--key", "b"));
	assert_int_equal(2, RUN(output, "checkpoint", path_of("checkpoint"), "--entry", path_of("entry")));
	assert_int_equal(2, RUN(output, "checkpoint", path_of("checkpoint"), "--consistency", path_of("consistency")));
	assert_int_equal(2, RUN(output, "log", f.directory, "--heads", "many"));
	assert_int_equal(2, RUN(output, "log", path_of("ledger"), "--tiles"));
	assert_int_equal(2, RUN(output, "receipt", path_of("absent")));
	assert_int_equal(2, RUN(output, "receipt", path_of("bare"), "--policy", path_of("policy")));
	assert_int_equal(2, RUN(output, "receipt", path_of("receipt"), "--policy", path_of("absent")));
	assert_int_equal(2, RUN(output, "log", path_of("public")));
	assert_string_equal("", output);
}

static void
help_and_version_go_to_standard_output_and_exit_with_zero(void **) {
	static const char program[] = TEST_BUILD_ROOT "/src/ledger/gatehouse-verify";
	static const char *const options[] = {"--policy", "--key",   "--older", "--consistency", "--entry",
					      "--tiles",  "--heads", "--json",  "--witnessed",   "--accept-tail"};
	char output[8192];
	const char *const asked[][4] = {
		{"--help", nullptr}, {"receipt", "--help", nullptr}, {"log", "x", "--help", nullptr}};
	for (size_t i = 0; i < ARRAY_LENGTH(asked); i++) {
		assert_int_equal(0, run(program, asked[i], output, sizeof output));
		assert_first_line("usage: gatehouse-verify receipt FILE [options]\n", output);
		assert_non_null(strstr(output, "example:\n  gatehouse-verify receipt "));
		assert_non_null(strstr(output, "exit codes:\n  0 verified; "));
		for (size_t o = 0; o < ARRAY_LENGTH(options); o++)
			assert_non_null(strstr(output, options[o]));
	}
	const char *const version[] = {"--version", nullptr};
	assert_int_equal(0, run(program, version, output, sizeof output));
	assert_string_equal("gatehouse-verify " GATEHOUSE_VERSION "\n", output);
}

static void
json_says_the_same_canonically(void **) {
	char output[8192];
	static const struct {
		const char *verb, *file, *policy, *result;
		int code;
		size_t weaknesses;
	} cases[] = {
		{"receipt", "receipt", "policy", "verified", 0, 0},
		{"receipt", "receipt", "policy.none", "weaker", 1, 2},
		{"checkpoint", "checkpoint", "policy", "verified", 0, 0},
		{"log", "", "policy", "verified", 0, 0},
		{"log", "", "policy.none", "weaker", 1, 2},
		{"receipt", "damaged", "policy", "refused", 1, 0},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(arena_free) struct arena arena = {};
		const json *root, *weaknesses;
		struct bytes result;
		assert_int_equal(cases[i].code, RUN(output, cases[i].verb, path_of(cases[i].file), "--policy",
						    path_of(cases[i].policy), "--json"));
		struct bytes text = bytes_of(output, strlen(output) - 1);
		assert_ok(json_check_canonical(&arena, text));
		assert_ok(json_read(&arena, text, (struct json_limits){}, &root));
		assert_ok(json_need_string(root, "verify", "result", &result));
		assert_bytes(bytes_of_text(cases[i].result), result);
		assert_ok(json_need(root, "verify", "weaknesses", JSON_ARRAY, &weaknesses));
		assert_int_equal(cases[i].weaknesses, json_size(weaknesses));
		assert_int_equal(cases[i].code == 1 && cases[i].weaknesses == 0, json_get(root, "error") != nullptr);
	}
}

/* Without the checkpoint that says which tiles there are none of them would be compared: that is no "verified". */
static void
tiles_of_no_checkpoint_are_not_verified(void **) {
	char output[8192];
	const char *path = path_of("public/checkpoint"), *aside = path_of("aside");
	assert_int_equal(0, rename(path, aside));
	assert_int_equal(2, RUN(output, "log", f.directory, "--policy", path_of("policy"), "--tiles"));
	assert_string_equal("", output);
	assert_int_equal(0, rename(path_of("aside"), path_of("public/checkpoint")));
}

/* Built with all it needs inside; where a sanitizer is built in it is an ordinary program. */
static void
the_program_of_its_own_verifies_the_same(void **) {
	static const char program[] = TEST_BUILD_ROOT "/src/ledger/gatehouse-verify";
	char output[8192];
	const char *const good[] = {"log", f.directory, "--policy", path_of("policy"), "--tiles", nullptr};
	assert_int_equal(0, run(program, good, output, sizeof output));
	assert_first_line("verified\n", output);
	const char *const bad[] = {"receipt", path_of("damaged"), "--policy", path_of("policy"), nullptr};
	assert_int_equal(1, run(program, bad, output, sizeof output));
	assert_first_line("refused: ", output);
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		T(what_is_verified_in_full_exits_with_zero),
		T(what_is_missing_is_named_and_exits_with_one),
		T(what_contradicts_is_refused_and_exits_with_one),
		T(wrong_usage_and_missing_files_exit_with_two),
		T(help_and_version_go_to_standard_output_and_exit_with_zero),
		T(json_says_the_same_canonically),
		T(tiles_of_no_checkpoint_are_not_verified),
		T(the_program_of_its_own_verifies_the_same),
	};
	return cmocka_run_group_tests(tests, make_fixture, free_fixture);
}
