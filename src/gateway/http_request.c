#include "gateway/http_request.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/ipc_messages.h"
#include "gateway/http_target.h"

static const struct {
	const char *name;
	bool printed; /* the value must be printed ASCII */
	bool many;    /* it may stand more than once: the first is looked at */
} field_table[HTTP_FIELD_COUNT] = {
	[HTTP_HOST] = {"host", true},
	[HTTP_CONTENT_TYPE] = {"content-type", true},
	[HTTP_CONTENT_DIGEST] = {"content-digest", true},
	[HTTP_IDEMPOTENCY_KEY] = {"idempotency-key", true},
	[HTTP_SIGNATURE_INPUT] = {"signature-input", true},
	[HTTP_SIGNATURE] = {"signature", true},
	[HTTP_LAST_EVENT_ID] = {"last-event-id", true},
	[HTTP_ACCEPT_ENCODING] = {"accept-encoding", false, true},
	[HTTP_IF_NONE_MATCH] = {"if-none-match", false, true},
	[HTTP_COOKIE] = {"cookie", true},
	[HTTP_SEC_FETCH_SITE] = {"sec-fetch-site", true},
	[HTTP_EXPECT] = {"expect", false},
	[HTTP_CONTENT_ENCODING] = {"content-encoding", false},
	[HTTP_TRANSFER_ENCODING] = {"transfer-encoding", false},
	[HTTP_UPGRADE] = {"upgrade", false},
};

static struct http_reader *
reader_of(llhttp_t *parser) {
	return parser->data;
}

/* Ends the parsing: llhttp stops at a callback that does not return 0. */
static int
refuse(struct http_reader *reader, enum http_refused refused) {
	if (reader->refusal == nullptr)
		reader->refusal = http_refusal(refused);
	return HPE_USER;
}

/* The same, and what the table cannot say: where, how much, what was expected. What the client sent is quoted nowhere but as a number
 * or as a name of ours. */
static int __attribute__((format(printf, 3, 4)))
refuse_saying(struct http_reader *reader, enum http_refused refused, const char *format, ...) {
	va_list arguments;
	if (reader->refusal != nullptr)
		return HPE_USER;
	va_start(arguments, format);
	vsnprintf(reader->detail, sizeof reader->detail, format, arguments);
	va_end(arguments);
	return refuse(reader, refused);
}

static struct bytes
view(const struct http_reader *reader, struct http_span span) {
	return bytes_of(reader->head.data + span.at, span.len);
}

static int
append_to_head(struct http_reader *reader, struct http_span *span, const char *at, size_t len) {
	if (span->len == 0)
		span->at = reader->head.len;
	buffer_append(&reader->head, at, len);
	span->len += len;
	return reader->head.failed ? refuse(reader, REFUSED_MEMORY) : 0;
}

/* --- Request line --- */

static int
on_url(llhttp_t *parser, const char *at, size_t len) {
	struct http_reader *reader = reader_of(parser);
	if (reader->target.len + len > IPC_TARGET_MAX)
		return refuse_saying(reader, REFUSED_TARGET_SIZE, "The target is of more than %zu bytes.",
				     IPC_TARGET_MAX);
	return append_to_head(reader, &reader->target, at, len);
}

static int
check_target(struct http_reader *reader) {
	size_t offset;
	if (!buffer_reserve(&reader->head, reader->target.len))
		return refuse(reader, REFUSED_MEMORY);
	struct bytes target = view(reader, reader->target);
	reader->path.at = reader->head.len;
	enum http_refused refused =
		http_target_decode(target, reader->head.data + reader->path.at, &reader->path.len, &offset);
	reader->head.len += reader->path.len;
	switch (refused) {
	case REFUSED_END:
		return 0;
	case REFUSED_TARGET_ESCAPE:
		return refuse_saying(reader, refused,
				     "The percent escape at offset %zu of the target is malformed, or hides a control "
				     "character or a slash.",
				     offset);
	case REFUSED_TARGET_CHARACTER:
		return refuse_saying(reader, refused,
				     "Byte 0x%02x at offset %zu of the target is none that RFC 3986 allows there.",
				     target.data[offset], offset);
	default:
		return refuse(reader, refused);
	}
}

/* --- Header section --- */

static int
on_header_field(llhttp_t *parser, const char *at, size_t len) {
	struct http_reader *reader = reader_of(parser);
	if (reader->head_complete)
		return refuse(reader, REFUSED_TRAILERS);
	/* A name longer than every one that is looked at is none of them. */
	for (size_t i = 0; i < len; i++) {
		if (reader->name_length == sizeof reader->name)
			break;
		char c = at[i];
		reader->name[reader->name_length++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return 0;
}

static int
on_header_field_complete(llhttp_t *parser) {
	struct http_reader *reader = reader_of(parser);
	if (++reader->header_count > HTTP_HEADER_COUNT_MAX)
		return refuse_saying(reader, REFUSED_HEADER_COUNT, "There are more than %u fields.",
				     HTTP_HEADER_COUNT_MAX);
	struct bytes name = {(const uint8_t *)reader->name, reader->name_length};
	reader->name_length = 0;
	reader->field = HTTP_NO_FIELD;
	for (unsigned i = 0; i < HTTP_FIELD_COUNT; i++)
		if (bytes_equal_text(name, field_table[i].name))
			reader->field = (uint8_t)i;
	if (reader->field == HTTP_NO_FIELD)
		return 0;
	if (reader->fields_seen & 1U << reader->field) {
		if (!field_table[reader->field].many)
			return refuse_saying(reader, REFUSED_DUPLICATE_FIELD,
					     "The field %s stands twice, and may stand once.",
					     field_table[reader->field].name);
		reader->field = HTTP_NO_FIELD;
		return 0;
	}
	reader->fields_seen |= 1U << reader->field;
	reader->fields[reader->field] = (struct http_span){reader->head.len, 0};
	return 0;
}

static int
on_header_value(llhttp_t *parser, const char *at, size_t len) {
	struct http_reader *reader = reader_of(parser);
	if (reader->field == HTTP_NO_FIELD)
		return 0;
	return append_to_head(reader, &reader->fields[reader->field], at, len);
}

static int
on_header_value_complete(llhttp_t *parser) {
	struct http_reader *reader = reader_of(parser);
	if (reader->field == HTTP_NO_FIELD)
		return 0;
	struct http_span *span = &reader->fields[reader->field];
	struct bytes value = view(reader, *span);
	while (span->len > 0 && (value.data[span->len - 1] == ' ' || value.data[span->len - 1] == '\t'))
		span->len--;
	if (!field_table[reader->field].printed)
		return 0;
	if (span->len > IPC_FIELD_MAX)
		return refuse_saying(reader, REFUSED_HEADER_SIZE,
				     "The value of the field %s is of %zu bytes, expected %zu at most.",
				     field_table[reader->field].name, span->len, IPC_FIELD_MAX);
	for (size_t i = 0; i < span->len; i++)
		if (value.data[i] < 0x20 || value.data[i] > 0x7e)
			return refuse_saying(
				reader, REFUSED_FIELD_VALUE,
				"The value of the field %s has byte 0x%02x at offset %zu, expected 0x20 to 0x7e.",
				field_table[reader->field].name, value.data[i], i);
	return 0;
}

static bool
is_word(struct bytes value, const char *word) {
	return value.len == strlen(word) && strncasecmp((const char *)value.data, word, value.len) == 0;
}

/* What is no authority at all is not said back to anyone. */
static bool
can_be_quoted(struct bytes host) {
	constexpr size_t QUOTED_MAX = 64;
	for (size_t i = 0; i < host.len; i++) {
		uint8_t c = host.data[i];
		bool is_alphanumeric = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		if (!is_alphanumeric && (c == '\0' || strchr(".:-_[]", c) == nullptr))
			return false;
	}
	return host.len <= QUOTED_MAX;
}

static int
check_host(struct http_reader *reader) {
	struct bytes host = http_field(reader, HTTP_HOST);
	if (host.len == 0)
		return refuse(reader, REFUSED_NO_HOST);
	for (const char *const *authority = reader->common->authorities; *authority != nullptr; authority++)
		if (is_word(host, *authority))
			return 0;
	if (!can_be_quoted(host))
		return refuse(reader, REFUSED_HOST);
	return refuse_saying(reader, REFUSED_HOST,
			     "Host is %.*s, expected an authority of this installation as its configuration has them.",
			     BYTES_ARGS(host));
}

static int
check_fields(struct http_reader *reader) {
	uint32_t seen = reader->fields_seen;
	if (check_host(reader) != 0)
		return HPE_USER;
	if (seen & 1U << HTTP_TRANSFER_ENCODING && !is_word(http_field(reader, HTTP_TRANSFER_ENCODING), "chunked"))
		return refuse(reader, REFUSED_TRANSFER_ENCODING);
	if (seen & 1U << HTTP_CONTENT_ENCODING && !is_word(http_field(reader, HTTP_CONTENT_ENCODING), "identity"))
		return refuse(reader, REFUSED_CONTENT_ENCODING);
	if (seen & 1U << HTTP_UPGRADE)
		return refuse(reader, REFUSED_UPGRADE);
	reader->expects_continue = seen & 1U << HTTP_EXPECT;
	if (reader->expects_continue && !is_word(http_field(reader, HTTP_EXPECT), "100-continue"))
		return refuse(reader, REFUSED_EXPECT);
	return 0;
}

static bool
announces_body(const struct http_reader *reader) {
	return reader->parser.content_length > 0 || reader->fields_seen & 1U << HTTP_TRANSFER_ENCODING;
}

/* Of what all large bodies together may have: one client cannot take it from the others for longer than its deadline, and from who
 * freezes, revokes or votes not at all. */
static int
take_body_bytes(struct http_reader *reader, size_t len) {
	if (reader->route->body_max <= HTTP_BODY_SMALL || len <= reader->body_bytes)
		return 0;
	if (len - reader->body_bytes > reader->common->body_bytes_left)
		return refuse_saying(
			reader, REFUSED_MEMORY,
			"There is no room for the body now: all that are under way have %zu bytes together.",
			HTTP_BODY_BYTES_IN_ALL);
	reader->common->body_bytes_left -= len - reader->body_bytes;
	reader->body_bytes = len;
	return buffer_reserve(&reader->body, len - reader->body.len) ? 0 : refuse(reader, REFUSED_MEMORY);
}

static void
give_body_bytes_back(struct http_reader *reader) {
	reader->common->body_bytes_left += reader->body_bytes;
	reader->body_bytes = 0;
}

/* RFC 9110 §8.3.1: the type in any case, and parameters after it. */
static bool
is_json(struct bytes type) {
	static const char json[] = "application/json";
	size_t len = sizeof json - 1;
	return type.len >= len && is_word(bytes_of(type.data, len), json) &&
	       (type.len == len || strchr("; \t", type.data[len]) != nullptr);
}

/* Another site's page can make a browser send a form with the cookies of this one, and read nothing; JSON it may send only after it has
 * asked, which nobody here allows. Browsers that say from where a request comes (W3C Fetch Metadata) are believed. */
static int
check_who_sends(struct http_reader *reader) {
	struct bytes site = http_field(reader, HTTP_SEC_FETCH_SITE);
	if (bytes_equal_text(http_method(reader), "GET"))
		return 0;
	if (site.data != nullptr && !is_word(site, "same-origin") && !is_word(site, "none"))
		return refuse(reader, REFUSED_CROSS_SITE);
	if (bytes_equal_text(http_method(reader), "POST") && !is_json(http_field(reader, HTTP_CONTENT_TYPE)))
		return refuse(reader, REFUSED_CONTENT_TYPE);
	return 0;
}

static void
refuse_no_method(struct http_reader *reader) {
	char allowed[ROUTE_ALLOWED_SIZE];
	route_allowed_methods(http_path(reader), allowed);
	refuse_saying(reader, REFUSED_NO_METHOD, "There is something at this path for %s, and for no other method.",
		      allowed);
}

static int
refuse_body_size(struct http_reader *reader, uint64_t size) {
	size_t max = reader->route == nullptr ? 0 : reader->route->body_max;
	if (max == 0)
		return refuse_saying(reader, REFUSED_BODY_SIZE, "This path takes no body with this method.");
	return refuse_saying(reader, REFUSED_BODY_SIZE,
			     "The body is of %llu bytes or more, and this path takes %zu at most.",
			     (unsigned long long)size, max);
}

static int
find_route(struct http_reader *reader) {
	switch (route_find(http_method(reader), http_path(reader), &reader->route)) {
	case ROUTE_FOUND:
		break;
	case ROUTE_NO_PATH:
		reader->refusal = http_refusal(REFUSED_NO_ROUTE);
		return announces_body(reader) ? HPE_USER : 0;
	case ROUTE_NO_METHOD:
		refuse_no_method(reader);
		return announces_body(reader) ? HPE_USER : 0;
	}
	if (check_who_sends(reader) != 0)
		return HPE_USER;
	if (reader->parser.content_length > reader->route->body_max)
		return refuse_body_size(reader, reader->parser.content_length);
	return take_body_bytes(reader, (size_t)reader->parser.content_length);
}

static int
on_headers_complete(llhttp_t *parser) {
	struct http_reader *reader = reader_of(parser);
	reader->head_complete = true;
	reader->raw_bytes = 0;
	int error;
	if (llhttp_get_http_major(parser) != 1 || llhttp_get_http_minor(parser) != 1)
		error = refuse(reader, REFUSED_VERSION);
	else if ((error = check_target(reader)) == 0 && (error = check_fields(reader)) == 0)
		error = find_route(reader);
	return error == 0 ? 0 : -1;
}

/* --- Body --- */

static int
on_body(llhttp_t *parser, const char *at, size_t len) {
	struct http_reader *reader = reader_of(parser);
	/* Without a route there is no body: find_route() has seen to it. */
	if (reader->route == nullptr || len > reader->route->body_max - reader->body.len)
		return refuse_body_size(reader, (uint64_t)(reader->route == nullptr ? 0 : reader->route->body_max) + 1);
	if (take_body_bytes(reader, reader->body.len + len) != 0)
		return HPE_USER;
	buffer_append(&reader->body, at, len);
	return reader->body.failed ? refuse(reader, REFUSED_MEMORY) : 0;
}

static int
on_chunk_extension(llhttp_t *parser, const char *, size_t) {
	return refuse(reader_of(parser), REFUSED_CHUNK);
}

static int
on_message_complete(llhttp_t *parser) {
	reader_of(parser)->complete = true;
	return HPE_PAUSED;
}

/* --- The reader --- */

static enum http_refused
refusal_of_error(const llhttp_t *parser, llhttp_errno_t error) {
	switch (error) {
	case HPE_INVALID_CONTENT_LENGTH:
	case HPE_UNEXPECTED_CONTENT_LENGTH:
		return REFUSED_LENGTH;
	case HPE_INVALID_TRANSFER_ENCODING:
		return REFUSED_TRANSFER_ENCODING;
	case HPE_INVALID_CHUNK_SIZE:
		return REFUSED_CHUNK;
	case HPE_INVALID_METHOD:
		return REFUSED_METHOD;
	case HPE_INVALID_VERSION: /* also what follows a good version */
		return parser->http_major == 1 && parser->http_minor == 1 ? REFUSED_SYNTAX : REFUSED_VERSION;
	case HPE_PAUSED_H2_UPGRADE:
		return REFUSED_VERSION;
	case HPE_PAUSED_UPGRADE:
		return REFUSED_UPGRADE;
	default:
		return REFUSED_SYNTAX;
	}
}

/* Counted to where a name was whole: however the bytes are cut, the same is said. */
static void
refuse_syntax(struct http_reader *reader, llhttp_errno_t error) {
	/* HPE_INVALID_VERSION here is what follows a good one. */
	bool is_line_end = error == HPE_CR_EXPECTED || error == HPE_LF_EXPECTED || error == HPE_INVALID_VERSION;
	const char *what = is_line_end ? "a line that does not end in CR LF" : "a byte that is not expected";
	if (reader->head_complete)
		refuse_saying(reader, REFUSED_SYNTAX, "The body is not framed as RFC 9112 says: %s.", what);
	else if (reader->header_count == 0)
		refuse_saying(reader, REFUSED_SYNTAX,
			      "The request line or the first field is not as RFC 9112 says: %s.", what);
	else
		refuse_saying(reader, REFUSED_SYNTAX, "Field %u or what follows it is not as RFC 9112 says: %s.",
			      reader->header_count, what);
}

static const llhttp_settings_t *
settings(void) {
	static const llhttp_settings_t callbacks = {
		.on_url = on_url,
		.on_header_field = on_header_field,
		.on_header_field_complete = on_header_field_complete,
		.on_header_value = on_header_value,
		.on_header_value_complete = on_header_value_complete,
		.on_headers_complete = on_headers_complete,
		.on_body = on_body,
		.on_chunk_extension_name = on_chunk_extension,
		.on_message_complete = on_message_complete,
	};
	return &callbacks;
}

static void
start_message(struct http_reader *reader) {
	llhttp_init(&reader->parser, HTTP_REQUEST, settings());
	reader->parser.data = reader;
	reader->field = HTTP_NO_FIELD;
}

void
http_reader_start(struct http_reader *reader, struct http_common *common) {
	*reader = (struct http_reader){.common = common};
	start_message(reader);
}

void
http_reader_free(struct http_reader *reader) {
	give_body_bytes_back(reader);
	buffer_free(&reader->head);
	buffer_free(&reader->body);
}

/* A connection that waits for its next request keeps no more than this. */
static void
clear_buffer(struct buffer *buffer) {
	constexpr size_t KEPT = 16 * 1024;
	if (buffer->capacity > KEPT) {
		buffer_free(buffer);
		return;
	}
	if (buffer->len > 0)
		explicit_bzero(buffer->data, buffer->len);
	buffer_reset(buffer);
}

void
http_reader_reset(struct http_reader *reader) {
	give_body_bytes_back(reader);
	clear_buffer(&reader->head);
	clear_buffer(&reader->body);
	struct buffer head = reader->head, body = reader->body;
	*reader = (struct http_reader){.common = reader->common, .head = head, .body = body};
	start_message(reader);
}

/* One call of llhttp; *used receives what it took. */
static enum http_progress
execute(struct http_reader *reader, struct bytes input, size_t *used) {
	llhttp_errno_t error = llhttp_execute(&reader->parser, (const char *)input.data, input.len);
	*used = input.len;
	if (error == HPE_OK)
		return HTTP_WANTS_MORE;
	if (reader->complete && error == HPE_PAUSED) {
		*used = (size_t)(llhttp_get_error_pos(&reader->parser) - (const char *)input.data);
		return HTTP_COMPLETE;
	}
	enum http_refused refused = refusal_of_error(&reader->parser, error);
	if (refused == REFUSED_SYNTAX)
		refuse_syntax(reader, error);
	refuse(reader, refused);
	return HTTP_REFUSED;
}

enum http_progress
http_reader_feed(struct http_reader *reader, struct bytes input, size_t *used) {
	*used = 0;
	while (*used < input.len) {
		struct bytes part = {input.data + *used, input.len - *used};
		/* The header section is given no more bytes than it may have, however they are spaced out. */
		bool in_head = !reader->head_complete;
		if (in_head && part.len > HTTP_HEADER_BYTES_MAX - reader->raw_bytes)
			part.len = HTTP_HEADER_BYTES_MAX - reader->raw_bytes;
		size_t body_before = reader->body.len, taken;
		reader->started = true;
		if (in_head)
			reader->raw_bytes += part.len; /* set to 0 when the section ends in this part */
		enum http_progress progress = execute(reader, part, &taken);
		*used += taken;
		if (progress != HTTP_WANTS_MORE)
			return progress;
		if (!reader->head_complete && reader->raw_bytes == HTTP_HEADER_BYTES_MAX) {
			refuse_saying(reader, REFUSED_HEADER_SIZE,
				      "Request line and fields are of more than %zu bytes.", HTTP_HEADER_BYTES_MAX);
			return HTTP_REFUSED;
		}
		/* One-byte chunks cost six bytes each: as much framing as a header section, and the body's own size, is
		 * enough. */
		if (!in_head)
			reader->raw_bytes += taken - (reader->body.len - body_before);
		if (reader->raw_bytes > HTTP_HEADER_BYTES_MAX + reader->body.len && reader->head_complete) {
			refuse_saying(
				reader, REFUSED_CHUNK,
				"What frames the chunks is of %zu bytes more than the body, expected %zu at most.",
				reader->raw_bytes - reader->body.len, HTTP_HEADER_BYTES_MAX);
			return HTTP_REFUSED;
		}
	}
	return HTTP_WANTS_MORE;
}

struct bytes
http_method(const struct http_reader *reader) {
	return bytes_of_text(llhttp_method_name((llhttp_method_t)reader->parser.method));
}

struct bytes
http_target(const struct http_reader *reader) {
	return view(reader, reader->target);
}

struct bytes
http_path(const struct http_reader *reader) {
	return view(reader, reader->path);
}

struct bytes
http_field(const struct http_reader *reader, enum http_field field) {
	return reader->fields_seen & 1U << field ? view(reader, reader->fields[field]) : (struct bytes){};
}

const char *
http_refusal_detail(const struct http_reader *reader) {
	return reader->detail[0] == '\0' ? reader->refusal->detail : reader->detail;
}

void
http_reader_refuse(struct http_reader *reader, enum http_refused refused, const char *detail) {
	if (detail != nullptr)
		refuse_saying(reader, refused, "%s", detail);
	refuse(reader, refused);
}

bool
http_keep_alive(const struct http_reader *reader) {
	return llhttp_should_keep_alive(&reader->parser);
}
