#include "identity/der.h"

enum { TAG_NUMBER = 0x1f, CONTEXT_CONSTRUCTED = 0xa0, CLASS_AND_FORM = 0xe0, LONG_FORM = 0x80 };

static enum status
take(struct cursor *cursor, size_t len, struct bytes *bytes) {
	if (len > cursor->left)
		return fail(STATUS_INVALID, "der.truncated: %zu bytes expected, %zu left", len, cursor->left);
	return cursor_take(cursor, "der", len, bytes);
}

/* X.690 §8.1.2: numbers of 31 and more follow in groups of seven bits, the first of which is not zero. */
static enum status
read_tag(struct cursor *cursor, uint32_t *tag) {
	struct bytes byte;
	TRY(take(cursor, 1, &byte));
	uint8_t first = byte.data[0];
	uint32_t number = first & TAG_NUMBER;
	if (number == TAG_NUMBER) {
		number = 0;
		do {
			TRY(take(cursor, 1, &byte));
			number = number << 7 | (byte.data[0] & 0x7f);
		} while ((byte.data[0] & 0x80) != 0 && number != 0 && number < 0x10000);
		if ((byte.data[0] & 0x80) != 0 || number < TAG_NUMBER)
			return fail(STATUS_INVALID, "der.tag: a tag number that is not minimal, or too large");
		if ((first & CLASS_AND_FORM) != CONTEXT_CONSTRUCTED)
			return fail(STATUS_INVALID, "der.tag: a large tag number outside context class");
	}
	*tag = (first & CLASS_AND_FORM) == CONTEXT_CONSTRUCTED ? DER_CONTEXT(number) : first;
	return OK;
}

static enum status
read_length(struct cursor *cursor, size_t *len) {
	struct bytes bytes;
	TRY(take(cursor, 1, &bytes));
	*len = bytes.data[0];
	if (*len < LONG_FORM)
		return OK;
	size_t count = *len - LONG_FORM;
	if (count == 0 || count > 2)
		return fail(STATUS_INVALID, "der.length: indefinite, or over 65,535 bytes");
	TRY(take(cursor, count, &bytes));
	*len = count == 1 ? bytes.data[0] : (size_t)bytes.data[0] << 8 | bytes.data[1];
	if (*len < (count == 1 ? LONG_FORM : 0x100))
		return fail(STATUS_INVALID, "der.length: not minimal");
	return OK;
}

enum status
der_read(struct cursor *cursor, struct der_element *element) {
	size_t len;
	TRY(read_tag(cursor, &element->tag));
	TRY(read_length(cursor, &len));
	return take(cursor, len, &element->content);
}

enum status
der_read_tag(struct cursor *cursor, uint32_t tag, struct bytes *content) {
	struct der_element element;
	TRY(der_read(cursor, &element));
	if (element.tag != tag)
		return fail(STATUS_INVALID, "der.tag: expected %x, found %x", tag, element.tag);
	*content = element.content;
	return OK;
}

enum status
der_read_number(struct cursor *cursor, uint32_t tag, uint32_t *number) {
	struct bytes content;
	TRY(der_read_tag(cursor, tag, &content));
	bool padded = content.len > 1 && content.data[0] == 0 && content.data[1] < 0x80;
	if (content.len == 0 || content.len > 4 || content.data[0] >= 0x80 || padded)
		return fail(STATUS_INVALID, "der.integer: negative, over 31 bits or not minimal");
	*number = 0;
	for (size_t i = 0; i < content.len; i++)
		*number = *number << 8 | content.data[i];
	return OK;
}

static void
append_integer(struct buffer *to, const uint8_t number[static 32]) {
	size_t skipped = 0;
	while (skipped < 31 && number[skipped] == 0)
		skipped++;
	bool pad = number[skipped] >= 0x80;
	buffer_append_byte(to, DER_INTEGER);
	buffer_append_byte(to, (uint8_t)(32 - skipped + pad));
	if (pad)
		buffer_append_byte(to, 0);
	buffer_append(to, number + skipped, 32 - skipped);
}

void
der_append_signature(struct buffer *to, const uint8_t compact[static 64]) {
	size_t start = to->len;
	buffer_append_byte(to, DER_SEQUENCE);
	buffer_append_byte(to, 0);
	append_integer(to, compact);
	append_integer(to, compact + 32);
	if (!to->failed)
		to->data[start + 1] = (uint8_t)(to->len - start - 2);
}
