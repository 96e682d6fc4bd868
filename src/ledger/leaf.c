#include "ledger/leaf.h"

constexpr unsigned DEPTH_MAX = 64; /* more than canonical JSON has */

struct scanner {
	const uint8_t *start, *at, *end;
};

static enum status
fail_form(const struct scanner *scanner, const char *expected) {
	return fail(STATUS_CORRUPT, "leaf.form: at offset %zu: expected %s", (size_t)(scanner->at - scanner->start),
		    expected);
}

static enum status
expect(struct scanner *scanner, const char *text, size_t len) {
	if ((size_t)(scanner->end - scanner->at) < len || memcmp(scanner->at, text, len) != 0)
		return fail_form(scanner, text);
	scanner->at += len;
	return OK;
}
#define EXPECT(scanner, literal) expect((scanner), (literal), sizeof(literal) - 1)

static enum status
scan_number(struct scanner *scanner, uint64_t *number) {
	const uint8_t *first = scanner->at;
	while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9')
		scanner->at++;
	if (decimal_decode(bytes_of(first, (size_t)(scanner->at - first)), number) != OK)
		return fail_form(scanner, "a decimal number");
	return OK;
}

/* Whether a byte of the eight is a quote, a backslash or a control character (SWAR; exact for bytes below 0x80). */
static bool
has_special(const uint8_t *eight) {
	constexpr uint64_t ones = 0x0101010101010101;
	constexpr uint64_t highs = 0x8080808080808080;
	uint64_t word;
	memcpy(&word, eight, sizeof word);
	uint64_t quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
	uint64_t found = ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((word - ones * 0x20) & ~word);
	return (found & highs) != 0;
}

/* From behind the opening quote to behind the closing one. */
static enum status
skip_string(struct scanner *scanner) {
	for (;;) {
		while (scanner->end - scanner->at >= 8 && !has_special(scanner->at))
			scanner->at += 8;
		if (scanner->at == scanner->end || *scanner->at < 0x20)
			return fail_form(scanner, "the end of a string");
		uint8_t c = *scanner->at++;
		if (c == '"')
			return OK;
		if (c == '\\' && scanner->at < scanner->end)
			scanner->at++;
	}
}

/* From the opening brace to behind the closing one. */
static enum status
skip_object(struct scanner *scanner) {
	uint64_t is_object = 0; /* a bit for each open bracket, the innermost last */
	unsigned depth = 0;
	do {
		if (scanner->at == scanner->end)
			return fail_form(scanner, "a closing bracket");
		uint8_t c = *scanner->at++;
		switch (c) {
		case '"':
			TRY(skip_string(scanner));
			break;
		case '{':
		case '[':
			if (depth++ == DEPTH_MAX)
				return fail_form(scanner, "fewer brackets");
			is_object = is_object << 1 | (c == '{');
			break;
		case '}':
		case ']':
			if ((is_object & 1) != (c == '}'))
				return fail_form(scanner, "the bracket that was opened");
			is_object >>= 1;
			depth--;
			break;
		default:
			if (c <= ' ' || c >= 0x7f)
				return fail_form(scanner, "no white space");
		}
	} while (depth > 0);
	return OK;
}

static enum status
scan_name(struct scanner *scanner, struct bytes *name) {
	const uint8_t *first = scanner->at;
	while (scanner->at < scanner->end && ((*scanner->at >= 'a' && *scanner->at <= 'z') || *scanner->at == '_'))
		scanner->at++;
	*name = bytes_of(first, (size_t)(scanner->at - first));
	return name->len > 0 ? OK : fail_form(scanner, "a name of lower-case letters");
}

enum status
leaf_scan(struct bytes leaf, struct leaf_view *view) {
	struct scanner scanner = {leaf.data, leaf.data, leaf.data + leaf.len};
	TRY(EXPECT(&scanner, "{\"at\":"));
	TRY(scan_number(&scanner, &view->at_ms));
	TRY(EXPECT(&scanner, ",\"body\":"));
	const uint8_t *body = scanner.at;
	if (body == scanner.end || *body != '{')
		return fail_form(&scanner, "an object");
	TRY(skip_object(&scanner));
	view->body = bytes_of(body, (size_t)(scanner.at - body));
	TRY(EXPECT(&scanner, ",\"seq\":"));
	TRY(scan_number(&scanner, &view->seq));
	TRY(EXPECT(&scanner, ",\"type\":\""));
	TRY(scan_name(&scanner, &view->type));
	TRY(EXPECT(&scanner, "\",\"version\":"));
	TRY(scan_number(&scanner, &view->version));
	TRY(EXPECT(&scanner, "}"));
	return scanner.at == scanner.end ? OK : fail_form(&scanner, "the end of the leaf");
}

enum status
leaf_next_count(struct bytes *left, struct bytes *type, uint64_t *count) {
	static const struct bytes start = BYTES_OF_LITERAL("{\"counts\":{");
	struct scanner scanner = {left->data, left->data, left->data + left->len};
	if (left->len >= start.len && memcmp(left->data, start.data, start.len) == 0)
		scanner.at += start.len;
	else
		TRY(EXPECT(&scanner, ","));
	TRY(EXPECT(&scanner, "\""));
	TRY(scan_name(&scanner, type));
	TRY(EXPECT(&scanner, "\":"));
	TRY(scan_number(&scanner, count));
	*left = bytes_of(scanner.at, (size_t)(scanner.end - scanner.at));
	if (bytes_equal_text(*left, "}}"))
		*left = (struct bytes){};
	return OK;
}
