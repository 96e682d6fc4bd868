#include "cli/command.h"

#include <stdio.h>

#include "cli/output.h"

/* --- What is shared. --- */

static const struct command_option connecting[] = {
	{"profile", "FILE",
	 "who asks, and where the installation is (else $GATEHOUSE_PROFILE, else ~/.config/gatehouse/profile.yaml)"},
	{"url", "URL", "https://HOST:PORT of the installation"},
	{"authority", "NAME", "what the installation calls itself, HOST:PORT (default: that of the URL)"},
	{"instance", "NAME", "the installation that operations are signed for"},
	{"key", "FILE", "key file of the person or workload that signs"},
	{"ca", "FILE", "PEM file of the authority that signed the server's certificate"},
	{"pin", "HEX", "SHA-256 of the server's certificate; any other is refused"},
	{"source", "ADDRESS", "own address to connect from, where this machine has several: the gate sees its zone"},
	{"insecure-demo", nullptr, "take any certificate, from a loopback address only"},
};

static const struct command_option submitting[] = {
	{"reason", "TEXT", "why; policies may demand it"},
	{"reference", "TEXT", "a ticket or order that this belongs to"},
	{"break-glass", nullptr, "it cannot wait: give --reason; it is reviewed afterwards"},
	{"idempotency-key", "KEY", "the same key gives the same operation again (default: a random one)"},
	{"expires", "DURATION", "how long it may wait for approvals: 30s, 5m, 24h, 7d (default 24h)"},
	{"totp-file", "FILE",
	 "holds a one-time password that goes beside the signature; - to be asked for it, or standard input"},
};

static const struct command_option configuring[] = {
	{"config", "FILE",
	 "the installation's configuration (default: $GATEHOUSE_CONFIG, else /etc/gatehouse/gatehouse.yaml)"},
};

static const struct command_option always[] = {
	{"json", nullptr, "answer in JSON"},
	{"help", nullptr, "show what the command takes"},
};

static const struct {
	unsigned group; /* 0: every command */
	const struct command_option *options;
	size_t count;
} groups[] = {
	{COMMAND_CONFIG, configuring, ARRAY_LENGTH(configuring)},
	{COMMAND_SUBMITS, submitting, ARRAY_LENGTH(submitting)},
	{COMMAND_CONNECTS, connecting, ARRAY_LENGTH(connecting)},
	{0, always, ARRAY_LENGTH(always)},
};

const struct command_option *
command_option_at(const struct command *command, size_t i) {
	size_t own = 0;
	while (own < COMMAND_OPTIONS_MAX && command->options[own].name != nullptr)
		own++;
	if (i < own)
		return &command->options[i];
	i -= own;
	for (size_t g = 0; g < ARRAY_LENGTH(groups); g++) {
		if (groups[g].group != 0 && (groups[g].group & command->groups) == 0)
			continue;
		if (i < groups[g].count)
			return &groups[g].options[i];
		i -= groups[g].count;
	}
	return nullptr;
}

/* --- What was given. --- */

const char *
invocation_option_at(const struct invocation *invocation, const char *name, size_t i) {
	for (size_t at = 0; at < invocation->value_count; at++)
		if (strcmp(invocation->values[at].name, name) == 0 && i-- == 0)
			return invocation->values[at].value;
	return nullptr;
}

const char *
invocation_option(const struct invocation *invocation, const char *name) {
	return invocation_option_at(invocation, name, 0);
}

const char *
invocation_word(const struct invocation *invocation, size_t i) {
	return i < invocation->word_count ? invocation->words[i] : nullptr;
}

/* --- Parsing. --- */

/* How many of the words a name takes that is made of words itself; 0: it is not what they begin with. */
static size_t
match_name(const char *name, int argc, char *const *argv) {
	size_t count = 0;
	for (const char *at = name; *at != '\0'; count++) {
		size_t len = strcspn(at, " ");
		if (count == (size_t)argc || strlen(argv[count]) != len || memcmp(argv[count], at, len) != 0)
			return 0;
		at += len;
		at += strspn(at, " ");
	}
	return count;
}

static size_t
match_command(const struct command *command, int argc, char *const *argv) {
	size_t noun = command->noun == nullptr ? 0 : match_name(command->noun, argc, argv);
	if (command->noun != nullptr && noun == 0)
		return 0;
	size_t verb = match_name(command->verb, argc - (int)noun, argv + noun);
	return verb == 0 ? 0 : noun + verb;
}

const struct command *
command_find(int argc, char *const *argv, size_t *used) {
	const struct command *found = nullptr;
	*used = 0;
	for (size_t i = 0; i < command_count; i++) {
		size_t matched = match_command(&commands[i], argc, argv);
		if (matched > *used) {
			*used = matched;
			found = &commands[i];
		}
	}
	return found;
}

/* How many words of a noun the words begin with, of the noun that has the most: 1 in "key --help", 2 in "ledger verify --help". */
static size_t
find_noun(int argc, char *const *argv) {
	size_t most = 0;
	for (size_t i = 0; i < command_count; i++) {
		if (commands[i].is_hidden || commands[i].noun == nullptr)
			continue;
		size_t count = 0;
		for (const char *at = commands[i].noun; *at != '\0' && count < (size_t)argc; count++) {
			size_t len = strcspn(at, " ");
			if (strlen(argv[count]) != len || memcmp(argv[count], at, len) != 0)
				break;
			at += len;
			at += strspn(at, " ");
		}
		most = count > most ? count : most;
	}
	return most;
}

static enum status
fail_unknown_command(int argc, char *const *argv) {
	_cleanup_(buffer_free) struct buffer name = {};
	size_t count = find_noun(argc, argv) + 1;
	for (size_t i = 0; i < (count < 2 ? 2 : count) && i < (size_t)argc; i++)
		buffer_append_format(&name, "%s%s", i == 0 ? "" : " ", argv[i]);
	TRY(buffer_status(&name));
	return fail(STATUS_INVALID, "usage.command: there is no command \"%.*s\"", BYTES_ARGS(name));
}

static const struct command_option *
find_option(const struct command *command, struct bytes name) {
	const struct command_option *option;
	for (size_t i = 0; (option = command_option_at(command, i)) != nullptr; i++)
		if (bytes_equal_text(name, option->name))
			return option;
	return nullptr;
}

static enum status
add_value(struct invocation *invocation, const struct command_option *option, const char *value) {
	if (!option->is_repeatable && invocation_option(invocation, option->name) != nullptr)
		return fail(STATUS_INVALID, "usage.repeated: --%s stands twice", option->name);
	if (invocation->value_count == COMMAND_VALUES_MAX)
		return fail(STATUS_INVALID, "usage.many: more than %zu options", COMMAND_VALUES_MAX);
	invocation->values[invocation->value_count].name = option->name;
	invocation->values[invocation->value_count++].value = value;
	return OK;
}

/* "--name value", "--name=value" or "--flag". */
static enum status
take_option(struct invocation *invocation, int argc, char **argv, int *at) {
	const char *text = argv[*at] + 2, *equals = strchr(text, '=');
	struct bytes name = bytes_of(text, equals == nullptr ? strlen(text) : (size_t)(equals - text));
	const struct command_option *option = find_option(invocation->command, name);
	if (option == nullptr)
		return fail(STATUS_INVALID, "usage.option: --%.*s is not an option of this command", BYTES_ARGS(name));
	if (option->value == nullptr)
		return equals == nullptr ? add_value(invocation, option, "")
					 : fail(STATUS_INVALID, "usage.flag: --%s takes no value", option->name);
	if (equals != nullptr)
		return add_value(invocation, option, equals + 1);
	if (*at + 1 == argc)
		return fail(STATUS_INVALID, "usage.value: --%s needs %s", option->name, option->value);
	return add_value(invocation, option, argv[++*at]);
}

static enum status
take_word(struct invocation *invocation, const char *word) {
	if (invocation->word_count == COMMAND_WORDS_MAX)
		return fail(STATUS_INVALID, "usage.words: more than %zu words", COMMAND_WORDS_MAX);
	invocation->words[invocation->word_count++] = word;
	return OK;
}

/* How many words the row asks for. */
static void
count_words(const char *words, size_t *least, size_t *most) {
	*least = *most = 0;
	for (const char *at = words; *at != '\0';) {
		size_t len = strcspn(at, " ");
		*least += at[0] != '[';
		*most += 1;
		if (memmem(at, len, "...", 3) != nullptr)
			*most = COMMAND_WORDS_MAX;
		at += len;
		at += strspn(at, " ");
	}
}

static enum status
check_words(const struct invocation *invocation) {
	size_t least, most;
	count_words(invocation->command->words, &least, &most);
	if (invocation->word_count < least)
		return fail(STATUS_INVALID, "usage.words: expected %s", invocation->command->words);
	if (invocation->word_count > most)
		return fail(STATUS_INVALID, "usage.words: \"%s\" is one word too many", invocation->words[most]);
	const struct command_option *option;
	for (size_t i = 0; (option = command_option_at(invocation->command, i)) != nullptr; i++)
		if (option->is_required && invocation_option(invocation, option->name) == nullptr)
			return fail(STATUS_INVALID, "usage.missing: --%s %s is needed", option->name, option->value);
	return OK;
}

enum status
command_parse(int argc, char **argv, struct invocation *invocation) {
	size_t used = 0;
	invocation->command = nullptr;
	if (argc < 2)
		return fail(STATUS_INVALID, "usage.command: expected a command");
	invocation->command = command_find(argc - 1, argv + 1, &used);
	if (invocation->command == nullptr)
		return fail_unknown_command(argc - 1, argv + 1);
	bool only_words = false;
	for (int at = 1 + (int)used; at < argc; at++) {
		if (!only_words && strcmp(argv[at], "--") == 0)
			only_words = true;
		else if (!only_words && strncmp(argv[at], "--", 2) == 0)
			TRY(take_option(invocation, argc, argv, &at));
		else if (!only_words && argv[at][0] == '-' && argv[at][1] != '\0')
			return fail(STATUS_INVALID, "usage.option: \"%s\": options have two dashes", argv[at]);
		else
			TRY(take_word(invocation, argv[at]));
	}
	invocation->json = invocation_flag(invocation, "json");
	return invocation_flag(invocation, "help") ? OK : check_words(invocation);
}

/* --- Running. --- */

int
command_exit_code(enum status status) {
	switch (status) {
	case OK:
		return EXIT_DONE;
	case STATUS_INVALID:
	case STATUS_UNSUPPORTED:
	case STATUS_NOT_FOUND:
	case STATUS_TOO_LARGE:
		return EXIT_USAGE;
	case STATUS_UNAUTHORIZED:
	case STATUS_DENIED:
	case STATUS_CONFLICT:
	case STATUS_EXPIRED:
	case STATUS_CORRUPT:
		return EXIT_FOUND;
	case STATUS_UNAVAILABLE:
	case STATUS_RATE:
		return EXIT_UNREACHABLE;
	default:
		return EXIT_INTERNAL;
	}
}

static int
say_usage_error(const struct command *command) {
	_cleanup_(buffer_free) struct buffer text = {};
	if (command != nullptr)
		command_write_usage(command, &text);
	else
		buffer_append_text(&text, "gatehouse --help shows the commands\n");
	fprintf(stderr, "gatehouse: %s\n%.*s", fail_message(), BYTES_ARGS(text));
	return EXIT_USAGE;
}

/* "gatehouse --help", "gatehouse key --help", "gatehouse ledger verify" alone. Negative: not asked for. */
static int
overview(int argc, char **argv) {
	_cleanup_(buffer_free) struct buffer text = {}, noun = {};
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		buffer_append_text(&text, "gatehouse " GATEHOUSE_VERSION "\n");
		return output_data(&text) == OK ? EXIT_DONE : EXIT_INTERNAL;
	}
	bool all = argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0);
	size_t used, count = argc < 2 ? 0 : find_noun(argc - 1, argv + 1);
	bool is_alone = argc == 1 + (int)count;
	bool one = count > 0 && (is_alone || strcmp(argv[1 + count], "--help") == 0);
	/* "init" is a command and a noun: its own help is the better answer. */
	if (!all && (!one || command_find(argc - 1, argv + 1, &used) != nullptr))
		return -1;
	for (size_t i = 0; i < count; i++)
		buffer_append_format(&noun, "%s%s", i == 0 ? "" : " ", argv[1 + i]);
	command_write_overview(buffer_bytes(&noun), &text);
	if (buffer_status(&noun) != OK || output_data(&text) != OK)
		return EXIT_INTERNAL;
	return all || !is_alone ? EXIT_DONE : EXIT_USAGE;
}

int
command_main(int argc, char **argv) {
	_cleanup_(buffer_free) struct buffer help = {};
	int code = overview(argc, argv);
	if (code >= 0)
		return code;
	struct invocation invocation = {};
	enum status status = command_parse(argc, argv, &invocation);
	if (status != OK)
		return say_usage_error(invocation.command);
	if (invocation_flag(&invocation, "help")) {
		command_write_help(invocation.command, &help);
		if (invocation.command->write_more_help != nullptr &&
		    invocation.command->write_more_help(&invocation, &help) != OK)
			return say_usage_error(invocation.command);
		return output_data(&help) == OK ? EXIT_DONE : EXIT_INTERNAL;
	}
	status = invocation.command->run(&invocation);
	code = invocation.exit_code > EXIT_DONE ? invocation.exit_code : command_exit_code(status);
	if (status != OK) {
		char name[64];
		fail_name(name, sizeof name);
		if (strncmp(name, "usage.", 6) == 0)
			code = say_usage_error(invocation.command);
		else
			fprintf(stderr, "gatehouse: %s\n", fail_message());
	}
	arena_free(&invocation.arena);
	return code;
}
