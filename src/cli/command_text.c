/* What is made from the table of commands: help, completion, the manual page. */
#include "cli/command.h"

static const char EXIT_CODES[] =
	"0 done; 1 denied, refused or found; 2 usage, or an input that is not there or not well formed; 3 "
	"unreachable; 4 internal";

static const char *
exit_codes_of(const struct command *command) {
	return command->exit_codes != nullptr ? command->exit_codes : EXIT_CODES;
}

static void
write_name(const struct command *command, struct buffer *to) {
	buffer_append_format(to, "%s%s%s", command->noun == nullptr ? "" : command->noun,
			     command->noun == nullptr ? "" : " ", command->verb);
}

void
command_write_usage(const struct command *command, struct buffer *to) {
	const struct command_option *option;
	buffer_append_text(to, "usage: gatehouse ");
	write_name(command, to);
	if (command->words[0] != '\0')
		buffer_append_format(to, " %s", command->words);
	for (size_t i = 0; (option = command_option_at(command, i)) != nullptr; i++)
		if (option->is_required)
			buffer_append_format(to, " --%s %s", option->name, option->value);
	buffer_append_text(to, " [options]\n");
}

void
command_write_help(const struct command *command, struct buffer *to) {
	const struct command_option *option;
	command_write_usage(command, to);
	buffer_append_format(to, "\n%s.\n\noptions:\n", command->summary);
	for (size_t i = 0; (option = command_option_at(command, i)) != nullptr; i++) {
		size_t start = to->len;
		buffer_append_format(to, "  --%s%s%s", option->name, option->value == nullptr ? "" : " ",
				     option->value == nullptr ? "" : option->value);
		size_t width = to->len - start;
		buffer_append_format(to, "%*s %s%s\n", (int)(width < 26 ? 26 - width : 0), "", option->summary,
				     option->is_repeatable ? "; may be repeated" : "");
	}
	if (command->example != nullptr)
		buffer_append_format(to, "\nexample:\n  %s\n", command->example);
	buffer_append_format(to, "\nexit codes:\n  %s\n", exit_codes_of(command));
}

/* --- The words of a command's name. --- */

struct name {
	struct bytes words[COMMAND_NAME_MAX];
	size_t count;
};

static void
add_words(struct name *name, const char *text) {
	while (*text != '\0' && name->count < COMMAND_NAME_MAX) {
		size_t len = strcspn(text, " ");
		name->words[name->count++] = bytes_of(text, len);
		text += len;
		text += strspn(text, " ");
	}
}

static struct name
name_of(const struct command *command) {
	struct name name = {};
	if (command->noun != nullptr)
		add_words(&name, command->noun);
	add_words(&name, command->verb);
	return name;
}

/* Whether both have so many words, and the same. */
static bool
begin_alike(const struct name *a, const struct name *b, size_t count) {
	for (size_t i = 0; i < count; i++)
		if (a->count < count || b->count < count || !bytes_equal(a->words[i], b->words[i]))
			return false;
	return true;
}

/* Whether no command before it in the table begins with the same words; false for what is hidden or has fewer. */
static bool
is_first_that_begins(size_t at, size_t count) {
	struct name name = name_of(&commands[at]);
	for (size_t i = 0; i < at; i++) {
		struct name other = name_of(&commands[i]);
		if (!commands[i].is_hidden && begin_alike(&other, &name, count))
			return false;
	}
	return !commands[at].is_hidden && name.count >= count;
}

static bool
begins_with(const struct command *command, struct bytes noun) {
	_cleanup_(buffer_free) struct buffer text = {};
	write_name(command, &text);
	return noun.len == 0 ||
	       (buffer_status(&text) == OK && text.len >= noun.len && memcmp(text.data, noun.data, noun.len) == 0 &&
		(text.len == noun.len || text.data[noun.len] == ' '));
}

void
command_write_overview(struct bytes noun, struct buffer *to) {
	if (noun.len == 0)
		buffer_append_text(to, "usage: gatehouse NOUN VERB [words] [options]\n"
				       "       gatehouse NOUN VERB --help\n\n");
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];
		if (command->is_hidden || !begins_with(command, noun))
			continue;
		size_t start = to->len;
		buffer_append_text(to, "  ");
		write_name(command, to);
		if (command->words[0] != '\0')
			buffer_append_format(to, " %s", command->words);
		size_t width = to->len - start;
		buffer_append_format(to, "%*s %s\n", (int)(width < 40 ? 40 - width : 0), "", command->summary);
	}
}

/* --- Completion. --- */

static void
write_options(const struct command *command, struct buffer *to) {
	const struct command_option *option;
	for (size_t i = 0; (option = command_option_at(command, i)) != nullptr; i++)
		buffer_append_format(to, "%s--%s", i == 0 ? "" : " ", option->name);
}

/* The words that go on where the first ones of a command are given. */
static void
write_next_words(size_t at, size_t count, struct buffer *to) {
	struct name name = name_of(&commands[at]);
	for (size_t i = 0; i < command_count; i++) {
		struct name other = name_of(&commands[i]);
		if (is_first_that_begins(i, count + 1) && begin_alike(&other, &name, count))
			buffer_append_format(to, "%.*s ", BYTES_ARGS(other.words[count]));
	}
}

/* What can follow the first words of a command: more of them, and where they are a whole name its options and files. */
static void
write_case(size_t at, size_t count, struct buffer *to) {
	struct name name = name_of(&commands[at]);
	const struct command *whole = nullptr;
	for (size_t i = 0; i < command_count; i++) {
		struct name other = name_of(&commands[i]);
		if (!commands[i].is_hidden && other.count == count && begin_alike(&other, &name, count))
			whole = &commands[i];
	}
	buffer_append_text(to, "\t\t\"");
	for (size_t i = 0; i < count; i++)
		buffer_append_format(to, "%.*s ", BYTES_ARGS(name.words[i]));
	buffer_append_format(to, "\"*) %schoices=\"", whole != nullptr && whole->words[0] != '\0' ? "files=1 " : "");
	write_next_words(at, count, to);
	if (whole != nullptr)
		write_options(whole, to);
	buffer_append_text(to, "\" ;;\n");
}

void
command_write_completion(struct buffer *to) {
	buffer_append_text(to, "# bash completion of gatehouse; made by `gatehouse completion bash`\n_gatehouse() {\n"
			       "\tlocal word=${COMP_WORDS[COMP_CWORD]} choices= files=\n"
			       "\tcase ${COMP_WORDS[COMP_CWORD-1]} in\n\t");
	/* An option whose value is a file completes files. */
	bool first = true;
	static const char *const file_options[] = {"profile",     "key",      "ca",        "config",      "payload",
						   "transaction", "founding", "sign-with", "signature",   "with",
						   "logs",        "policy",   "older",     "out",         "offline",
						   "witnessed",   "pins",     "entry",     "consistency", "assets"};
	for (size_t i = 0; i < ARRAY_LENGTH(file_options); i++, first = false)
		buffer_append_format(to, "%s--%s", first ? "" : "|", file_options[i]);
	buffer_append_text(to, ") COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n\tesac\n"
			       "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n\t\tchoices=\"");
	write_next_words(0, 0, to);
	/* The words before the one that is completed; the longest names stand first. */
	buffer_append_text(to, "--help --version\"\n\telse\n\t\tcase \"${COMP_WORDS[*]:1:COMP_CWORD-1} \" in\n");
	for (size_t count = COMMAND_NAME_MAX; count > 0; count--)
		for (size_t i = 0; i < command_count; i++)
			if (is_first_that_begins(i, count))
				write_case(i, count, to);
	buffer_append_text(
		to, "\t\tesac\n\tfi\n"
		    "\tCOMPREPLY=($(compgen -W \"$choices\" -- \"$word\"))\n"
		    "\t[ -n \"$files\" ] && [ \"${word#-}\" = \"$word\" ] && COMPREPLY+=($(compgen -f -- \"$word\"))\n"
		    "}\ncomplete -F _gatehouse gatehouse\n");
}

/* --- The manual page. --- */

/* In roff a dash is "\-", a backslash "\e", and a line must not begin with a dot or an apostrophe. */
static void
write_roff(const char *text, struct buffer *to) {
	if (text[0] == '.' || text[0] == '\'')
		buffer_append_text(to, "\\&");
	for (; *text != '\0'; text++)
		if (*text == '-')
			buffer_append_text(to, "\\-");
		else if (*text == '\\')
			buffer_append_text(to, "\\e");
		else
			buffer_append_byte(to, (uint8_t)*text);
}

static void
write_roff_options(const struct command_option *options, size_t count, struct buffer *to) {
	for (size_t i = 0; i < count; i++) {
		buffer_append_text(to, ".TP\n.B \\-\\-");
		write_roff(options[i].name, to);
		if (options[i].value != nullptr) {
			buffer_append_text(to, " \\fI");
			write_roff(options[i].value, to);
			buffer_append_text(to, "\\fR");
		}
		buffer_append_byte(to, '\n');
		write_roff(options[i].summary, to);
		buffer_append_text(to, options[i].is_repeatable ? "; may be repeated.\n" : ".\n");
	}
}

static void
write_roff_command(const struct command *command, struct buffer *to) {
	size_t own = 0;
	buffer_append_text(to, ".SS gatehouse ");
	_cleanup_(buffer_free) struct buffer name = {};
	write_name(command, &name);
	if (command->words[0] != '\0')
		buffer_append_format(&name, " %s", command->words);
	buffer_append_byte(&name, '\0');
	if (buffer_status(&name) == OK)
		write_roff((const char *)name.data, to);
	buffer_append_byte(to, '\n');
	write_roff(command->summary, to);
	buffer_append_text(to, ".\n");
	while (own < COMMAND_OPTIONS_MAX && command->options[own].name != nullptr)
		own++;
	write_roff_options(command->options, own, to);
	if (command->example != nullptr) {
		buffer_append_text(to, ".PP\nFor example:\n.PP\n.RS\n");
		write_roff(command->example, to);
		buffer_append_text(to, "\n.RE\n");
	}
	if (command->exit_codes != nullptr) {
		buffer_append_text(to, ".PP\nExit status: ");
		write_roff(command->exit_codes, to);
		buffer_append_text(to, ".\n");
	}
	if (command->groups & COMMAND_SUBMITS)
		buffer_append_text(to, ".PP\nSubmits an operation: see SUBMITTING.\n");
	if (command->groups & COMMAND_CONNECTS)
		buffer_append_text(to, ".PP\nTalks to the installation: see CONNECTING.\n");
}

/* The options of one group alone, read off a command that takes nothing else. */
static void
write_roff_group(const char *title, unsigned group, struct buffer *to) {
	const struct command bare = {.verb = "", .words = "", .groups = group};
	const struct command_option *option;
	buffer_append_format(to, ".SH %s\n", title);
	for (size_t i = 0; (option = command_option_at(&bare, i)) != nullptr; i++)
		if (group == 0 || (strcmp(option->name, "json") != 0 && strcmp(option->name, "help") != 0))
			write_roff_options(option, 1, to);
}

void
command_write_manual(struct buffer *to) {
	buffer_append_text(to,
			   ".TH GATEHOUSE 1 \"\" \"gatehouse " GATEHOUSE_VERSION "\"\n.SH NAME\n"
			   "gatehouse \\- every sensitive operation passes one gate, and every pass leaves a proof\n"
			   ".SH SYNOPSIS\n.B gatehouse\n.I NOUN VERB\n[words] [options]\n.SH COMMANDS\n");
	for (size_t i = 0; i < command_count; i++)
		if (!commands[i].is_hidden)
			write_roff_command(&commands[i], to);
	write_roff_group("SUBMITTING", COMMAND_SUBMITS, to);
	write_roff_group("CONNECTING", COMMAND_CONNECTS, to);
	write_roff_group("EVERY COMMAND", 0, to);
	buffer_append_text(to, ".SH EXIT STATUS\n");
	write_roff(EXIT_CODES, to);
	buffer_append_text(to, ".\n.SH FILES\n.I ~/.config/gatehouse/profile.yaml\n"
			       ".br\n.I /etc/gatehouse/gatehouse.yaml\n");
}
