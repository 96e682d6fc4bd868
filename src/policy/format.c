#include "policy/format.h"

#include <stdlib.h>

#include "policy/parser.h"

constexpr size_t INDENT = 2;

/* Comments of a token: those on lines of their own before it, and one behind it on its line. */
struct comments {
	uint32_t first; /* among all comments */
	uint32_t leading;
	bool has_trailing; /* the comment after the leading ones of the next token would be its first */
	uint32_t trailing;
};

struct formatter {
	const struct policy_source *source;
	const struct token *tokens; /* the last is TOKEN_END */
	size_t count;               /* TOKEN_END included */
	const struct token *comments;
	struct comments *of; /* by token */
	size_t *closing;     /* by token: of an opening bracket, its closing one */
	struct buffer *to;
	size_t column;
	size_t indent;
	bool must_break; /* a comment ends the line */
	bool is_line_start;
};

static struct bytes
text_of(const struct formatter *f, const struct token *token) {
	return token_text(f->source, token);
}

static bool
is_word(const struct formatter *f, size_t at, const char *word) {
	return f->tokens[at].kind == TOKEN_NAME && bytes_equal_text(text_of(f, &f->tokens[at]), word);
}

/* A reserved word that joins expressions; as an annotation's key it is a name like any other. */
static bool
is_keyword(const struct formatter *f, size_t at) {
	static const char *const words[] = {"if", "then", "else", "in", "has", "like", "is"};
	if (at > 0 && f->tokens[at - 1].kind == TOKEN_AT)
		return false;
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++)
		if (is_word(f, at, words[i]))
			return true;
	return false;
}

static bool
has_newline(const struct formatter *f, size_t from, size_t to) {
	return to > from && memchr(f->source->text.data + from, '\n', to - from) != nullptr;
}

/* Which token each comment belongs to. */
static void
assign_comments(struct formatter *f, size_t comment_count) {
	size_t comment = 0, previous_end = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct comments *own = &f->of[i];
		bool is_first = true;
		for (; comment < comment_count && f->comments[comment].offset < f->tokens[i].offset; comment++) {
			const struct token *c = &f->comments[comment];
			if (is_first && i > 0 && !has_newline(f, previous_end, c->offset)) {
				f->of[i - 1].has_trailing = true;
				f->of[i - 1].trailing = (uint32_t)comment;
			} else if (own->leading++ == 0)
				own->first = (uint32_t)comment;
			is_first = false;
		}
		previous_end = f->tokens[i].offset + f->tokens[i].length;
	}
}

static bool
is_opening(enum token_kind kind) {
	return kind == TOKEN_OPEN_PARENTHESIS || kind == TOKEN_OPEN_BRACE || kind == TOKEN_OPEN_BRACKET;
}

static bool
is_closing(enum token_kind kind) {
	return kind == TOKEN_CLOSE_PARENTHESIS || kind == TOKEN_CLOSE_BRACE || kind == TOKEN_CLOSE_BRACKET;
}

/* The text has been parsed: brackets match. */
static enum status
match_brackets(struct formatter *f) {
	size_t depth = 0;
	size_t *stack = calloc(f->count, sizeof *stack);
	TRY_ALLOC(stack);
	for (size_t i = 0; i < f->count; i++) {
		if (is_opening(f->tokens[i].kind))
			stack[depth++] = i;
		else if (is_closing(f->tokens[i].kind) && depth > 0)
			f->closing[stack[--depth]] = i;
	}
	free(stack);
	return OK;
}

static bool
ends_operand(const struct formatter *f, size_t at) {
	enum token_kind kind = f->tokens[at].kind;
	return (kind == TOKEN_NAME && !is_keyword(f, at)) || kind == TOKEN_STRING || kind == TOKEN_NUMBER ||
	       kind == TOKEN_SLOT || is_closing(kind);
}

static bool
is_sign(const struct formatter *f, size_t at) {
	enum token_kind kind = f->tokens[at].kind;
	return kind == TOKEN_NOT || (kind == TOKEN_MINUS && (at == 0 || !ends_operand(f, at - 1)));
}

/* Whether a space stands between the token and the one before it, on one line. */
static bool
wants_space(const struct formatter *f, size_t at) {
	if (at == 0)
		return false;
	enum token_kind left = f->tokens[at - 1].kind, right = f->tokens[at].kind;
	if (left == TOKEN_AT || left == TOKEN_DOT || left == TOKEN_PATH || left == TOKEN_OPEN_PARENTHESIS ||
	    left == TOKEN_OPEN_BRACKET || left == TOKEN_OPEN_BRACE || is_sign(f, at - 1))
		return false;
	if (right == TOKEN_DOT || right == TOKEN_PATH || right == TOKEN_COMMA || right == TOKEN_SEMICOLON ||
	    right == TOKEN_COLON || is_closing(right))
		return false;
	if (right == TOKEN_OPEN_PARENTHESIS || right == TOKEN_OPEN_BRACKET)
		return !ends_operand(f, at - 1);
	return true;
}

static void
put(struct formatter *f, struct bytes text) {
	buffer_append_bytes(f->to, text);
	for (size_t at = 0; at < text.len;) {
		size_t length = utf8_length(text.data + at, text.len - at);
		f->column = text.data[at] == '\n' ? 0 : f->column + 1;
		at += length == 0 ? 1 : length;
	}
	f->is_line_start = false;
}

static void
new_line(struct formatter *f) {
	if (!f->is_line_start)
		buffer_append_text(f->to, "\n");
	f->column = 0;
	f->is_line_start = true;
	f->must_break = false;
}

static void
put_indent(struct formatter *f) {
	if (!f->is_line_start)
		return;
	for (size_t i = 0; i < f->indent; i++)
		buffer_append_byte(f->to, ' ');
	f->column = f->indent;
	f->is_line_start = false;
}

static void
put_comment(struct formatter *f, size_t comment) {
	struct bytes text = text_of(f, &f->comments[comment]);
	while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
		text.len--;
	put_indent(f);
	put(f, text);
}

/* One empty line is kept where there were some, between comments and what follows them. */
static void
keep_empty_line(struct formatter *f, size_t from, size_t to) {
	size_t lines = 0;
	for (size_t i = from; i < to; i++)
		lines += f->source->text.data[i] == '\n';
	if (lines > 1)
		buffer_append_text(f->to, "\n");
}

static void
put_leading(struct formatter *f, size_t at) {
	const struct comments *own = &f->of[at];
	size_t further = is_closing(f->tokens[at].kind) ? INDENT : 0; /* they are still within the brackets */
	f->indent += further;
	for (uint32_t i = 0; i < own->leading; i++) {
		const struct token *comment = &f->comments[own->first + i];
		size_t end = comment->offset + comment->length;
		size_t next = i + 1 < own->leading ? f->comments[own->first + i + 1].offset : f->tokens[at].offset;
		new_line(f);
		put_comment(f, own->first + i);
		new_line(f);
		bool is_last = f->tokens[at].kind == TOKEN_END && i + 1 == own->leading;
		if (f->indent == 0 && !is_last)
			keep_empty_line(f, end, next);
	}
	f->indent -= further;
}

/* The token with its comments; the caller has seen to the line. */
static void
put_token(struct formatter *f, size_t at) {
	put_leading(f, at);
	if (f->must_break)
		new_line(f);
	if (!f->is_line_start && f->column > 0 && wants_space(f, at))
		put(f, bytes_of_text(" "));
	put_indent(f);
	put(f, text_of(f, &f->tokens[at]));
	if (f->of[at].has_trailing) {
		put(f, bytes_of_text(" "));
		put_comment(f, f->of[at].trailing);
		f->must_break = true;
	}
}

static size_t
width_of(const struct formatter *f, const struct token *token) {
	struct bytes text = text_of(f, token);
	size_t width = 0;
	for (size_t at = 0; at < text.len; width++) {
		size_t length = utf8_length(text.data + at, text.len - at);
		at += length == 0 ? 1 : length;
	}
	return width;
}

/* The columns of [from, to) on one line; SIZE_MAX where a comment or a line feed within forbids that. */
static size_t
flat_width(const struct formatter *f, size_t from, size_t to) {
	size_t width = 0;
	for (size_t i = from; i < to; i++) {
		if ((i > from && f->of[i].leading > 0) || (i + 1 < to && f->of[i].has_trailing) ||
		    has_newline(f, f->tokens[i].offset, f->tokens[i].offset + f->tokens[i].length))
			return SIZE_MAX;
		width += width_of(f, &f->tokens[i]) + (i > from && wants_space(f, i));
		if (width > FORMAT_WIDTH)
			return SIZE_MAX;
	}
	return width;
}

static bool
fits(const struct formatter *f, size_t from, size_t to, size_t behind) {
	size_t width = flat_width(f, from, to);
	size_t column = f->is_line_start || f->must_break ? f->indent : f->column + wants_space(f, from);
	return width != SIZE_MAX && f->of[from].leading == 0 && column + width + behind <= FORMAT_WIDTH;
}

static void
put_flat(struct formatter *f, size_t from, size_t to) {
	for (size_t i = from; i < to; i++)
		put_token(f, i);
}

/* Past the bracket's group, or the next token. */
static size_t
after(const struct formatter *f, size_t at) {
	return is_opening(f->tokens[at].kind) ? f->closing[at] + 1 : at + 1;
}

/* The next token of that kind in [from, to), outside brackets; to if there is none. */
static size_t
find(const struct formatter *f, size_t from, size_t to, enum token_kind kind) {
	while (from < to && f->tokens[from].kind != kind)
		from = after(f, from);
	return from < to ? from : to;
}

static void put_expression(struct formatter *f, size_t from, size_t to, size_t behind);

/* Parts separated by the operator, which ends a line; further in, if the first does not begin one. */
static void
put_chain(struct formatter *f, size_t from, size_t to, enum token_kind kind, size_t behind) {
	size_t further = f->is_line_start ? 0 : INDENT;
	f->indent += further;
	for (size_t end = find(f, from, to, kind); end < to; end = find(f, from, to, kind)) {
		put_expression(f, from, end, 3);
		put_token(f, end);
		new_line(f);
		from = end + 1;
	}
	put_expression(f, from, to, behind);
	f->indent -= further;
}

static size_t
find_branch(const struct formatter *f, size_t from, size_t to, const char *word) {
	size_t nested = 0;
	for (; from < to; from = after(f, from)) {
		if (!is_keyword(f, from))
			continue;
		if (is_word(f, from, "if"))
			nested++;
		else if (is_word(f, from, word) && nested-- == 0)
			return from;
	}
	return to;
}

static void
put_if(struct formatter *f, size_t from, size_t to, size_t behind) {
	size_t then = find_branch(f, from + 1, to, "then"), otherwise = find_branch(f, then + 1, to, "else");
	put_token(f, from);
	put_expression(f, from + 1, then, 0);
	new_line(f);
	put_token(f, then);
	put_expression(f, then + 1, otherwise, 0);
	new_line(f);
	put_token(f, otherwise);
	put_expression(f, otherwise + 1, to, behind);
}

/* A bracket, its elements on a line each, and its closing. */
static void
put_group(struct formatter *f, size_t open) {
	size_t close = f->closing[open], at = open + 1;
	put_token(f, open);
	f->indent += INDENT;
	while (at < close) {
		size_t end = find(f, at, close, TOKEN_COMMA);
		new_line(f);
		if (end > at)
			put_expression(f, at, end, 1);
		if (end < close)
			put_token(f, end);
		at = end + 1;
	}
	f->indent -= INDENT;
	new_line(f);
	put_token(f, close);
}

/* Operands and what joins them, groups broken where they do not fit. */
static void
put_tokens(struct formatter *f, size_t from, size_t to, size_t behind) {
	for (size_t at = from; at < to; at = after(f, at)) {
		size_t end = after(f, at);
		/* A call's parenthesis and what is behind the group must stand on the line as well. */
		if (!is_opening(f->tokens[at].kind))
			put_token(f, at);
		else if (fits(f, at, end, end == to ? behind : 1))
			put_flat(f, at, end);
		else
			put_group(f, at);
	}
}

/* Recursion is bounded by the parser, which has read the text. */
static void
put_expression(struct formatter *f, size_t from, size_t to, size_t behind) {
	if (from == to)
		return;
	if (fits(f, from, to, behind))
		put_flat(f, from, to);
	else if (is_keyword(f, from) && is_word(f, from, "if"))
		put_if(f, from, to, behind);
	else if (find(f, from, to, TOKEN_OR) < to)
		put_chain(f, from, to, TOKEN_OR, behind);
	else if (find(f, from, to, TOKEN_AND) < to)
		put_chain(f, from, to, TOKEN_AND, behind);
	else
		put_tokens(f, from, to, behind);
}

/* @key or @key("value"), each on a line. */
static size_t
put_annotations(struct formatter *f, size_t at) {
	while (f->tokens[at].kind == TOKEN_AT) {
		size_t end = at + 2;
		if (f->tokens[end].kind == TOKEN_OPEN_PARENTHESIS)
			end = f->closing[end] + 1;
		put_flat(f, at, end);
		new_line(f);
		at = end;
	}
	return at;
}

/* when { ... } on one line if it fits, with the semicolon. */
static size_t
put_condition(struct formatter *f, size_t at) {
	size_t open = at + 1, close = f->closing[open];
	size_t width = flat_width(f, at, close + 1);
	bool is_flat = width != SIZE_MAX && f->of[at].leading == 0 && width + 3 <= FORMAT_WIDTH;
	put_token(f, at);
	put_token(f, open);
	if (is_flat) {
		put(f, bytes_of_text(" "));
		put_flat(f, open + 1, close);
		put(f, bytes_of_text(" "));
		put_token(f, close);
		return close + 1;
	}
	f->indent += INDENT;
	new_line(f);
	put_expression(f, open + 1, close, 0);
	f->indent -= INDENT;
	new_line(f);
	put_token(f, close);
	return close + 1;
}

/* From the first annotation to the semicolon. */
static size_t
put_policy(struct formatter *f, size_t at) {
	at = put_annotations(f, at);
	put_token(f, at++);
	if (!f->must_break) /* permit (...) is no call */
		put(f, bytes_of_text(" "));
	size_t close = f->closing[at];
	if (fits(f, at, close + 1, 1))
		put_flat(f, at, close + 1);
	else
		put_group(f, at);
	for (at = close + 1; f->tokens[at].kind != TOKEN_SEMICOLON;) {
		new_line(f);
		at = put_condition(f, at);
	}
	put_token(f, at);
	return at + 1;
}

static void
put_policies(struct formatter *f) {
	size_t at = 0;
	while (f->tokens[at].kind != TOKEN_END) {
		at = put_policy(f, at);
		new_line(f);
		if (f->tokens[at].kind != TOKEN_END || f->of[at].leading > 0)
			buffer_append_text(f->to, "\n");
	}
	put_leading(f, at);
	if (!f->is_line_start)
		buffer_append_text(f->to, "\n");
}

static bool
says_the_same(const struct policy_source *a, const struct policy_tokens *tokens_a, const struct policy_source *b,
	      const struct policy_tokens *tokens_b) {
	if (tokens_a->count != tokens_b->count)
		return false;
	for (size_t i = 0; i < tokens_a->count; i++) {
		struct bytes left = token_text(a, &tokens_a->items[i]), right = token_text(b, &tokens_b->items[i]);
		while (tokens_a->items[i].kind == TOKEN_COMMENT && left.len > 0 &&
		       (left.data[left.len - 1] == ' ' || left.data[left.len - 1] == '\t'))
			left.len--; /* as put_comment() leaves it */
		if (!bytes_equal(left, right))
			return false;
	}
	return true;
}

/* The formatted text has the same tokens and comments: a fault here must not change anyone's policy. */
static enum status
check_result(const struct formatter *f, const struct policy_tokens *tokens, const struct policy_tokens *comments,
	     size_t start) {
	_cleanup_(policy_tokens_free) struct policy_tokens new_tokens = {}, new_comments = {};
	TRY(buffer_status(f->to));
	const struct policy_source result = {f->source->file, bytes_of(f->to->data + start, f->to->len - start)};
	TRY(policy_tokenize(&result, (struct lexer_options){.comments = &new_comments}, nullptr, &new_tokens));
	if (says_the_same(f->source, tokens, &result, &new_tokens) &&
	    says_the_same(f->source, comments, &result, &new_comments))
		return OK;
	return fail(STATUS_INTERNAL, "policy.format: the formatted text of %s differs from it", f->source->file);
}

static void
free_formatter(struct formatter *f) {
	free(f->of);
	free(f->closing);
}

enum status
policy_format(const char *file, struct bytes text, struct buffer *to, struct policy_diagnostics *diagnostics) {
	_cleanup_(policy_tokens_free) struct policy_tokens tokens = {}, comments = {};
	_cleanup_(policy_set_destroy) struct policy_set *set = nullptr;
	_cleanup_(free_formatter) struct formatter f = {.to = to, .is_line_start = true};
	const struct policy_source source = {file, text};
	TRY(policy_set_create(&(struct policy_set_options){.number_all = true}, &set));
	TRY(policy_set_add(set, file, text, diagnostics));
	TRY(policy_tokenize(&source, (struct lexer_options){.comments = &comments}, diagnostics, &tokens));
	f.source = &source;
	f.tokens = tokens.items;
	f.count = tokens.count;
	f.comments = comments.items;
	f.of = calloc(f.count, sizeof *f.of);
	f.closing = calloc(f.count, sizeof *f.closing);
	TRY_ALLOC(f.of);
	TRY_ALLOC(f.closing);
	assign_comments(&f, comments.count);
	TRY(match_brackets(&f));
	size_t start = to->len;
	if (!buffer_reserve(to, 1)) /* an empty text has no bytes, but a place */
		return buffer_status(to);
	put_policies(&f);
	return check_result(&f, &tokens, &comments, start);
}
