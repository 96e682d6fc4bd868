#include "ledger/verify_command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/time.h"

enum { EXIT_FOUND = 1, EXIT_USAGE = 2, EXIT_INTERNAL = 4 };

/* What was verified and what is to be said about it. */
struct run {
	const struct verify_arguments *arguments;
	struct arena arena;
	struct tlog_policy *policy;
	struct verify_head older[VERIFY_OLDER_MAX];
	unsigned weaknesses;
	struct buffer lines; /* for people */
	struct buffer json;  /* members, in order */
	struct json_writer writer;
};

/* --- Input --- */

static enum status
read_file(struct run *run, const char *path, size_t max, struct bytes *content) {
	_cleanup_(buffer_free) struct buffer read = {};
	TRY(io_read_file(io_system(), path, max, &read));
	*content = arena_copy(&run->arena, buffer_bytes(&read));
	TRY_ALLOC(content->data);
	return OK;
}

/* Keys on the command line are a policy without witnesses. */
static enum status
load_policy(struct run *run) {
	const struct verify_arguments *arguments = run->arguments;
	_cleanup_(buffer_free) struct buffer text = {};
	if (arguments->policy != nullptr) {
		struct bytes content;
		TRY(read_file(run, arguments->policy, TLOG_POLICY_SIZE_MAX, &content));
		return tlog_policy_parse(content, &run->policy);
	}
	if (arguments->key_count == 0)
		return OK;
	for (size_t i = 0; i < arguments->key_count; i++)
		buffer_append_format(&text, "log %s\n", arguments->keys[i]);
	buffer_append_text(&text, "quorum none\n");
	TRY(buffer_status(&text));
	return tlog_policy_parse(buffer_bytes(&text), &run->policy);
}

/* text: what the file holds, which is read once: a file that changes meanwhile is not verified in parts. */
static enum status
load_head(struct run *run, const char *path, struct verify_head *head, struct bytes *text) {
	TRY(read_file(run, path, RECEIPT_SIZE_MAX, text));
	return verify_read_head(&run->arena, *text, path, run->policy, head);
}

static enum status
load_older(struct run *run) {
	struct bytes text;
	for (size_t i = 0; i < run->arguments->older_count; i++)
		TRY(load_head(run, run->arguments->older[i], &run->older[i], &text));
	return OK;
}

static enum status
load_consistency(struct run *run, struct proof *proof) {
	struct bytes text;
	TRY(read_file(run, run->arguments->consistency, 64 * 1024, &text));
	_cleanup_(buffer_free) struct buffer ended = {}; /* by the empty line that ends proofs elsewhere */
	buffer_append_bytes(&ended, text);
	buffer_append_byte(&ended, '\n');
	TRY(buffer_status(&ended));
	struct cursor cursor = cursor_of(buffer_bytes(&ended));
	TRY(proof_parse_lines(&cursor, "consistency.proof", proof));
	return cursor_end(&cursor, "consistency");
}

/* --- Saying it --- */

static void
say_text(struct run *run, const char *key, const char *label, struct bytes text) {
	json_write_member_string(&run->writer, key, text);
	buffer_append_format(&run->lines, "%-14s ", label);
	buffer_append_foreign(&run->lines, text, false);
	buffer_append_byte(&run->lines, '\n');
}

/* What JSON's integers do not hold is a string of decimal digits there. */
static void
say_number(struct run *run, const char *key, const char *label, uint64_t number) {
	char digits[24];
	snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
	if (number <= (uint64_t)JSON_INTEGER_MAX)
		json_write_member_integer(&run->writer, key, (int64_t)number);
	else
		json_write_member_text(&run->writer, key, digits);
	buffer_append_format(&run->lines, "%-14s %s\n", label, digits);
}

/* 0 is no time. */
static void
say_time(struct run *run, const char *key, const char *label, uint64_t time_ms) {
	char text[TIME_TEXT_SIZE];
	if (time_ms == 0 || time_ms > (uint64_t)INT64_C(253'402'300'799'999))
		return;
	time_format((int64_t)time_ms, text);
	say_text(run, key, label, bytes_of_text(text));
}

static void
say_hash(struct run *run, const char *key, const char *label, const struct hash256 *hash) {
	char text[65];
	hex_encode(hash256_bytes(hash), text);
	say_text(run, key, label, bytes_of_text(text));
}

static uint64_t
ms_of(uint64_t seconds) {
	return seconds > INT64_MAX / 1000 ? 0 : seconds * 1000;
}

/* --- receipt and checkpoint --- */

static enum status
compare_with_older(struct run *run, const struct verify_head *head) {
	struct proof proof;
	bool is_compared = false;
	if (run->arguments->older_count == 0) {
		if (run->weaknesses & VERIFY_UNWITNESSED)
			run->weaknesses |= VERIFY_NO_OLDER_HEAD;
		return OK;
	}
	if (run->arguments->consistency != nullptr)
		TRY(load_consistency(run, &proof));
	TRY(verify_compare_heads(&run->older[0], head, run->arguments->consistency != nullptr ? &proof : nullptr,
				 &is_compared));
	if (!is_compared)
		run->weaknesses |= VERIFY_OLDER_NOT_COMPARED;
	return OK;
}

static enum status
verify_entry(struct run *run, struct bytes text, struct verify_head *head) {
	struct bytes entry;
	if (run->arguments->entry == nullptr)
		return head->has_leaf ? OK
				      : fail(STATUS_INVALID,
					     "usage.entry: the receipt does not carry its entry: give --entry");
	struct receipt *receipt = ARENA_NEW(&run->arena, struct receipt);
	TRY_ALLOC(receipt);
	TRY(read_file(run, run->arguments->entry, RECEIPT_ENTRY_SIZE_MAX, &entry));
	TRY(receipt_parse(&run->arena, text, receipt));
	TRY(receipt_check_entry(receipt, entry));
	head->has_leaf = true;
	head->index = receipt->index;
	head->leaf = tree_leaf_hash(entry);
	return OK;
}

static enum status
verify_one_head(struct run *run, bool is_receipt) {
	struct verify_head head;
	struct bytes text;
	TRY(load_head(run, run->arguments->subject, &head, &text));
	if (is_receipt)
		TRY(verify_entry(run, text, &head));
	run->weaknesses = verify_weaknesses_of(run->policy, &head.verdict);
	TRY(compare_with_older(run, &head));
	say_number(run, "cosignatures", "cosignatures", head.verdict.cosignatures);
	if (is_receipt) {
		say_number(run, "index", "entry", head.index);
		say_hash(run, "leaf", "leaf", &head.leaf);
	}
	say_text(run, "origin", "log", head.checkpoint.origin);
	say_hash(run, "root", "root", &head.checkpoint.root);
	say_time(run, "signed_at", "signed at", ms_of(head.verdict.log_time_s));
	say_number(run, "size", "entries", head.checkpoint.size);
	say_time(run, "witnessed_at", "witnessed at", ms_of(head.verdict.witnessed_s));
	return OK;
}

static enum status
verify_receipt_verb(struct run *run) {
	return verify_one_head(run, true);
}

static enum status
verify_checkpoint_verb(struct run *run) {
	return verify_one_head(run, false);
}

/* --- log --- */

static bool
is_directory(const char *path) {
	struct stat found;
	return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static enum status
find_directories(struct run *run, struct verify_log_options *options) {
	const char *given = run->arguments->subject;
	char *ledger = arena_format(&run->arena, "%s/ledger", given);
	char *public = arena_format(&run->arena, "%s/public", given);
	TRY_ALLOC(ledger);
	TRY_ALLOC(public);
	options->ledger_directory = is_directory(ledger) ? ledger : given;
	options->public_directory = is_directory(public) ? public : nullptr;
	return OK;
}

static enum status
parse_heads(const char *text, enum verify_signatures *signatures) {
	static const struct {
		const char *name;
		enum verify_signatures signatures;
	} names[] = {
		{"all", VERIFY_EVERY_HEAD},
		{"some", VERIFY_SOME_HEADS},
		{"newest", VERIFY_NEWEST_HEAD},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++)
		if (text == nullptr || strcmp(text, names[i].name) == 0) {
			*signatures = text == nullptr ? VERIFY_SOME_HEADS : names[i].signatures;
			return OK;
		}
	return fail(STATUS_INVALID, "usage.heads: %s: expected all, some or newest", text);
}

static int
compare_types(const void *a, const void *b) {
	return strcmp(((const struct verify_type *)a)->name, ((const struct verify_type *)b)->name);
}

static void
say_types(struct run *run, struct verify_log_report *report) {
	qsort(report->types, report->type_count, sizeof report->types[0], compare_types);
	json_write_key(&run->writer, "types");
	json_write_object(&run->writer);
	buffer_append_format(&run->lines, "%-14s", "types");
	for (size_t i = 0; i < report->type_count; i++) {
		json_write_member_integer(&run->writer, report->types[i].name, (int64_t)report->types[i].count);
		buffer_append_format(&run->lines, " %s %llu", report->types[i].name,
				     (unsigned long long)report->types[i].count);
	}
	json_write_end(&run->writer);
	buffer_append_byte(&run->lines, '\n');
}

static void
say_report(struct run *run, struct verify_log_report *report) {
	say_number(run, "entries", "entries", report->entries);
	say_time(run, "first_at", "first entry", report->first_ms);
	say_number(run, "frames", "frames", report->frames);
	say_time(run, "last_at", "last entry", report->last_ms);
	say_number(run, "leaf_bytes", "leaf bytes", report->leaf_bytes);
	if (report->origin[0] != '\0')
		say_text(run, "origin", "log", bytes_of_text(report->origin));
	say_number(run, "published", "published", report->published);
	say_hash(run, "root", "root", &report->root);
	say_number(run, "signatures_checked", "heads checked", report->signatures_checked);
	say_time(run, "signed_at", "signed at", ms_of(report->head_time_s));
	if (report->tail[0] != '\0')
		say_text(run, "tail", "tail", bytes_of_text(report->tail));
	if (run->arguments->tiles)
		say_number(run, "tiles_checked", "tiles checked", report->tiles_checked);
	say_types(run, report);
	say_number(run, "witnessed", "witnessed", report->witnessed);
	say_time(run, "witnessed_at", "witnessed at", ms_of(report->witnessed_s));
}

static enum status
verify_log_verb(struct run *run) {
	struct verify_head witnessed;
	struct bytes text;
	struct verify_log_report *report = ARENA_NEW(&run->arena, struct verify_log_report);
	TRY_ALLOC(report);
	struct verify_log_options options = {
		.io = io_system(),
		.policy = run->policy,
		.older = run->older,
		.older_count = run->arguments->older_count,
		.check_tiles = run->arguments->tiles,
		.accept_tail = run->arguments->accept_tail,
	};
	TRY(find_directories(run, &options));
	TRY(parse_heads(run->arguments->heads, &options.signatures));
	if (run->arguments->witnessed != nullptr) {
		TRY(load_head(run, run->arguments->witnessed, &witnessed, &text));
		options.witnessed = &witnessed;
	}
	if (options.check_tiles && options.public_directory == nullptr)
		return fail(STATUS_NOT_FOUND, "verify.public: there is no %s/public to compare with",
			    run->arguments->subject);
	TRY(verify_log(&options, report));
	if (options.check_tiles && report->published == 0)
		return fail(STATUS_NOT_FOUND, "verify.public: %s has no checkpoint that tiles could be compared for",
			    options.public_directory);
	run->weaknesses = report->weaknesses;
	say_report(run, report);
	return OK;
}

/* --- The command --- */

static const struct {
	const char *name;
	enum status (*verify)(struct run *run);
	bool takes_entry, takes_consistency, takes_log_options;
} verbs[] = {
	{"receipt", verify_receipt_verb, .takes_entry = true, .takes_consistency = true},
	{"checkpoint", verify_checkpoint_verb, .takes_consistency = true},
	{"log", verify_log_verb, .takes_log_options = true},
};

static enum status
check_options(const struct verify_arguments *arguments, size_t verb) {
	const char *name = verbs[verb].name;
	bool has_log_options = arguments->witnessed != nullptr || arguments->heads != nullptr || arguments->tiles ||
			       arguments->accept_tail;
	if (arguments->policy != nullptr && arguments->key_count > 0)
		return fail(STATUS_INVALID, "usage.pins: --policy and --key do not go together");
	if (arguments->entry != nullptr && !verbs[verb].takes_entry)
		return fail(STATUS_INVALID, "usage.option: --entry goes with receipt, and not with %s", name);
	if (arguments->consistency != nullptr && !verbs[verb].takes_consistency)
		return fail(STATUS_INVALID,
			    "usage.option: --consistency goes with receipt and checkpoint, and not with %s", name);
	if (arguments->consistency != nullptr && arguments->older_count != 1)
		return fail(STATUS_INVALID, "usage.consistency: it proves what comes after --older: give that too");
	if (has_log_options && !verbs[verb].takes_log_options)
		return fail(
			STATUS_INVALID,
			"usage.option: --witnessed, --heads, --tiles and --accept-tail go with log, and not with %s",
			name);
	if (arguments->older_count > 1 && !verbs[verb].takes_log_options)
		return fail(STATUS_INVALID, "usage.repeated: --older stands more than once; only log takes several");
	return OK;
}

static enum status
find_verb(const struct verify_arguments *arguments, size_t *verb) {
	for (*verb = 0; *verb < ARRAY_LENGTH(verbs); (*verb)++)
		if (arguments->verb != nullptr && strcmp(arguments->verb, verbs[*verb].name) == 0)
			return check_options(arguments, *verb);
	return fail(STATUS_INVALID, "usage.verb: expected receipt, checkpoint or log");
}

static int
print(const struct buffer *text) {
	if (buffer_status(text) != OK)
		return EXIT_INTERNAL;
	return fwrite(text->data, 1, text->len, stdout) == text->len && fflush(stdout) == 0 ? EXIT_SUCCESS
											    : EXIT_INTERNAL;
}

/* {"detail"?,"error"?,...,"result","weaknesses"?}: members of the report stand under "report", so that keys stay in order. */
static int
print_json(struct run *run, const char *result, enum status status) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	char name[64];
	json_writer_start(&writer, &text);
	json_write_object(&writer);
	if (status != OK) {
		fail_name(name, sizeof name);
		/* A path from the command line may be no UTF-8. */
		json_write_member_text(&writer, "detail",
				       utf8_is_valid(bytes_of_text(fail_message())) ? fail_message() : name);
		json_write_member_text(&writer, "error", name);
	}
	json_write_member_text(&writer, "kind", run->arguments->verb);
	if (status == OK) {
		json_write_key(&writer, "report");
		json_write_canonical(&writer, buffer_bytes(&run->json));
	}
	json_write_member_text(&writer, "result", result);
	json_write_key(&writer, "weaknesses");
	json_write_array(&writer);
	const struct verify_weakness_text *weakness;
	for (size_t i = 0; status == OK && (weakness = verify_weakness_at(i)) != nullptr; i++)
		if (run->weaknesses & weakness->weakness)
			json_write_text(&writer, weakness->name);
	json_write_end(&writer);
	json_write_end(&writer);
	buffer_append_byte(&text, '\n');
	return json_writer_finish(&writer) == OK ? print(&text) : EXIT_INTERNAL;
}

static int
print_lines(struct run *run, const char *result, enum status status) {
	_cleanup_(buffer_free) struct buffer text = {};
	if (status != OK) {
		buffer_append_format(&text, "%s: %s\n", result, fail_message());
		return print(&text);
	}
	buffer_append_format(&text, "%s\n", result);
	const struct verify_weakness_text *weakness;
	for (size_t i = 0; (weakness = verify_weakness_at(i)) != nullptr; i++)
		if (run->weaknesses & weakness->weakness)
			buffer_append_format(&text, "%s: %s\n", weakness->name, weakness->meaning);
	buffer_append_bytes(&text, buffer_bytes(&run->lines));
	return print(&text);
}

/* What is not there or cannot be read is no verdict about the log. */
static int
code_of(enum status status, unsigned weaknesses) {
	char name[64];
	switch (status) {
	case OK:
		return weaknesses == 0 ? EXIT_SUCCESS : EXIT_FOUND;
	case STATUS_NOT_FOUND:
		return EXIT_USAGE;
	case STATUS_NO_MEMORY:
	case STATUS_INTERNAL:
	case STATUS_IO:
		return EXIT_INTERNAL;
	default:
		fail_name(name, sizeof name);
		return strncmp(name, "usage.", 6) == 0 ? EXIT_USAGE : EXIT_FOUND;
	}
}

static int
conclude(struct run *run, enum status status) {
	if (status == OK && json_writer_finish(&run->writer) != OK)
		status = STATUS_INTERNAL;
	int code = code_of(status, run->weaknesses);
	if (code == EXIT_USAGE || code == EXIT_INTERNAL) {
		fprintf(stderr, "%s: %s\n", run->arguments->program, fail_message());
		return code;
	}
	const char *result = status != OK ? "refused" : run->weaknesses == 0 ? "verified" : "weaker";
	int printed = run->arguments->json ? print_json(run, result, status) : print_lines(run, result, status);
	return printed == EXIT_SUCCESS ? code : printed;
}

static enum status
verify(struct run *run, size_t verb) {
	json_writer_start(&run->writer, &run->json);
	json_write_object(&run->writer);
	TRY(load_policy(run));
	TRY(load_older(run));
	TRY(verbs[verb].verify(run));
	json_write_end(&run->writer);
	return OK;
}

int
verify_run(const struct verify_arguments *arguments) {
	struct run run = {.arguments = arguments};
	size_t verb;
	enum status status = find_verb(arguments, &verb);
	int code = conclude(&run, status == OK ? verify(&run, verb) : status);
	tlog_policy_destroy(&run.policy);
	arena_free(&run.arena);
	buffer_free(&run.lines);
	buffer_free(&run.json);
	return code;
}

/* --- The words of the program of its own --- */

static const char USAGE[] = "usage: gatehouse-verify receipt FILE [options]\n"
			    "       gatehouse-verify checkpoint FILE [options]\n"
			    "       gatehouse-verify log DIRECTORY [options]\n"
			    "       gatehouse-verify --help | --version\n";

static const char HELP[] =
	"\n"
	"Verifies offline what a log proves: that an entry stands in it (receipt), one signed head (checkpoint), or "
	"all of a data\n"
	"directory (log). Nothing is asked of anybody, and nothing is written.\n"
	"\n"
	"options:\n"
	"  --policy FILE       the pinned logs, witnesses and quorum (tlog-policy); without it or --key nothing is "
	"proven\n"
	"  --key VKEY          a pinned key of the log, instead of --policy; give both of its keys; may be repeated\n"
	"  --older FILE        a head or receipt that was kept: this must continue it; with log it may be repeated\n"
	"  --consistency FILE  receipt, checkpoint: a consistency proof from --older, one base64 hash a line\n"
	"  --entry FILE        receipt: the entry, where the receipt does not carry it\n"
	"  --witnessed FILE    log: the newest cosigned head (default: DIRECTORY/public/checkpoint.witnessed)\n"
	"  --heads WHICH       log: whose signatures are checked besides the newest head's: all, some or newest "
	"(default some)\n"
	"  --tiles             log: compare the published tiles with it\n"
	"  --accept-tail       log: entries beyond the newest cosigned head do not weaken the result\n"
	"  --json              answer in JSON\n"
	"\n"
	"example:\n"
	"  gatehouse-verify receipt order.tlog-proof --policy pinned.policy\n"
	"\n"
	"exit codes:\n"
	"  0 verified; 1 weaker than it could be, or refused; 2 usage, or a file that is not there; 4 internal\n";

static bool
take_flag(struct verify_arguments *arguments, const char *name) {
	const struct {
		const char *name;
		bool *to;
	} flags[] = {
		{"--tiles", &arguments->tiles},
		{"--accept-tail", &arguments->accept_tail},
		{"--json", &arguments->json},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(flags); i++)
		if (strcmp(name, flags[i].name) == 0)
			return *flags[i].to = true;
	return false;
}

static enum status
take_value(struct verify_arguments *arguments, const char *name, const char *value) {
	const struct {
		const char *name;
		const char **to;
		size_t *count, max;
	} options[] = {
		{"--entry", &arguments->entry, nullptr, 1},
		{"--policy", &arguments->policy, nullptr, 1},
		{"--consistency", &arguments->consistency, nullptr, 1},
		{"--witnessed", &arguments->witnessed, nullptr, 1},
		{"--heads", &arguments->heads, nullptr, 1},
		{"--key", arguments->keys, &arguments->key_count, VERIFY_KEYS_MAX},
		{"--older", arguments->older, &arguments->older_count, VERIFY_OLDER_MAX},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(options); i++) {
		if (strcmp(name, options[i].name) != 0)
			continue;
		size_t at = options[i].count != nullptr ? *options[i].count : options[i].to[0] != nullptr;
		if (value == nullptr)
			return fail(STATUS_INVALID, "usage.value: %s needs a value", name);
		if (at == options[i].max)
			return fail(STATUS_INVALID, "usage.repeated: %s stands more than %zu times", name, at);
		options[i].to[at] = value;
		if (options[i].count != nullptr)
			(*options[i].count)++;
		return OK;
	}
	return fail(STATUS_INVALID, "usage.option: there is no option %s", name);
}

static enum status
parse_arguments(int argc, char **argv, struct verify_arguments *arguments) {
	arguments->verb = argc > 1 ? argv[1] : nullptr;
	for (int i = 2; i < argc; i++) {
		if (argv[i][0] == '-' && !take_flag(arguments, argv[i])) {
			TRY(take_value(arguments, argv[i], i + 1 < argc ? argv[i + 1] : nullptr));
			i++;
		} else if (argv[i][0] != '-') {
			if (arguments->subject != nullptr)
				return fail(STATUS_INVALID, "usage.words: \"%s\" is one word too many", argv[i]);
			arguments->subject = argv[i];
		}
	}
	size_t verb;
	TRY(find_verb(arguments, &verb));
	return arguments->subject != nullptr ? OK : fail(STATUS_INVALID, "usage.words: what is to be verified?");
}

int
verify_command(int argc, char **argv) {
	struct verify_arguments arguments = {.program = argc > 0 ? argv[0] : "gatehouse-verify"};
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0)
			return fputs(USAGE, stdout) >= 0 && fputs(HELP, stdout) >= 0 && fflush(stdout) == 0
				       ? EXIT_SUCCESS
				       : EXIT_INTERNAL;
	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return puts("gatehouse-verify " GATEHOUSE_VERSION) >= 0 && fflush(stdout) == 0 ? EXIT_SUCCESS
											       : EXIT_INTERNAL;
	if (parse_arguments(argc, argv, &arguments) == OK)
		return verify_run(&arguments);
	fprintf(stderr, "%s: %s\n%s", arguments.program, fail_message(), USAGE);
	return EXIT_USAGE;
}
