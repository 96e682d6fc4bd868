/*
 * The command line: one table of commands, from which help, usage errors, shell completion and the manual page are made.
 *
 * A command is a noun and a verb ("op approve", "ledger verify log"), or a verb alone ("init"). What it takes is said by its row: the words after it,
 * options of its own, and options that many share. Nothing else in the program reads argv.
 *
 * Exit codes: 0 done; 1 denied, refused or found; 2 usage, or an input that is not there or not well formed; 3 unreachable;
 * 4 internal. Data goes to standard output, all else to standard error.
 */
#ifndef GATEHOUSE_CLI_COMMAND_H
#define GATEHOUSE_CLI_COMMAND_H

#include "base/arena.h"

enum { EXIT_DONE = 0, EXIT_FOUND = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3, EXIT_INTERNAL = 4 };

constexpr size_t COMMAND_OPTIONS_MAX = 16; /* of its own */
constexpr size_t COMMAND_VALUES_MAX = 64;  /* options given in one call */
constexpr size_t COMMAND_WORDS_MAX = 16;   /* words given in one call */
constexpr size_t COMMAND_NAME_MAX = 3;     /* words of a command's name */

struct command_option {
	const char *name;    /* without the dashes */
	const char *value;   /* what stands for it in help: "FILE"; null: a flag */
	const char *summary; /* one sentence without a full stop */
	bool is_repeatable;
	bool is_required;
};

/* Options that many commands share. */
enum command_group {
	COMMAND_CONNECTS = 1 << 0, /* where the installation is and who asks: cli/profile.h */
	COMMAND_SUBMITS = 1 << 1,  /* reason, reference, ... of an operation */
	COMMAND_CONFIG = 1 << 2,   /* --config */
};

struct invocation;

struct command {
	const char *noun; /* null: the verb stands alone; may be several words: "ledger verify" */
	const char *verb;
	const char *words; /* "KIND RESOURCE [FILE]", "FILE..."; "" for none */
	const char *summary;
	enum status (*run)(struct invocation *invocation);
	unsigned groups;
	struct command_option options[COMMAND_OPTIONS_MAX];
	bool is_hidden;
	const char *kind; /* administrative commands: the kind of operation that they submit */
	/* What --help says behind the options, appended; null: nothing. The words may be fewer than the command needs. */
	enum status (*write_more_help)(const struct invocation *invocation, struct buffer *to);
	const char *example;    /* a line that somebody could type; null: none */
	const char *exit_codes; /* where they say more than those of every command */
};

struct invocation {
	const struct command *command;
	struct arena arena;
	struct {
		const char *name, *value;
	} values[COMMAND_VALUES_MAX];
	size_t value_count;
	const char *words[COMMAND_WORDS_MAX];
	size_t word_count;
	bool json;     /* --json */
	int exit_code; /* set by the command where it says more than its status: not 0 */
};

/* The table (cli/commands.c). */
extern const struct command commands[];
extern const size_t command_count;

/* The option's value, the last where it stands more than once; null if it was not given. A flag's value is "". */
const char *invocation_option(const struct invocation *invocation, const char *name);
static inline bool
invocation_flag(const struct invocation *invocation, const char *name) {
	return invocation_option(invocation, name) != nullptr;
}
/* The i-th value of a repeatable option; null beyond the last. */
const char *invocation_option_at(const struct invocation *invocation, const char *name, size_t i);
/* The i-th word after the command; null if there are fewer. */
const char *invocation_word(const struct invocation *invocation, size_t i);

/* Reads argv against the table: STATUS_INVALID "usage.*". *command is set as soon as it is known, else null. */
enum status command_parse(int argc, char **argv, struct invocation *invocation);
/* The command that the words begin with, the longest name where several do ("init sign" before "init"), and how many words its name has;
 * null if there is none. */
const struct command *command_find(int argc, char *const *argv, size_t *used);
/* The whole program: parses, runs, says what went wrong, and returns the exit code. */
int command_main(int argc, char **argv);
/* What a failed command's status means to the caller of the program. */
int command_exit_code(enum status status);

/* --- Made from the table. --- */
void command_write_usage(const struct command *command, struct buffer *to); /* one line */
void command_write_help(const struct command *command, struct buffer *to);  /* with options */
void command_write_overview(struct bytes noun, struct buffer *to);          /* of nouns that begin so; empty: all */
void command_write_completion(struct buffer *to);                           /* for bash */
void command_write_manual(struct buffer *to);                               /* roff, for man(7) */

/* The options that a command takes, its own first, then those it shares, then --json and --help; null after the last. */
const struct command_option *command_option_at(const struct command *command, size_t i);

#endif
