#include "gateway/http_request.h"

#include <strings.h>

#include "base/ipc_messages.h"

enum refusal {
	REFUSED_SYNTAX,
	REFUSED_VERSION,
	REFUSED_METHOD,
	REFUSED_LENGTH,
	REFUSED_TRANSFER_ENCODING,
	REFUSED_CHUNK,
	REFUSED_TRAILERS,
	REFUSED_HEADER_SIZE,
	REFUSED_HEADER_COUNT,
	REFUSED_DUPLICATE_FIELD,
	REFUSED_FIELD_VALUE,
	REFUSED_NO_HOST,
	REFUSED_HOST,
	REFUSED_EXPECT,
	REFUSED_CONTENT_ENCODING,
	REFUSED_UPGRADE,
	REFUSED_TARGET_FORM,
	REFUSED_TARGET_SIZE,
	REFUSED_TARGET_CHARACTER,
	REFUSED_TARGET_ESCAPE,
	REFUSED_TARGET_DOTS,
	REFUSED_NO_ROUTE,
	REFUSED_NO_METHOD,
	REFUSED_CONTENT_TYPE,
	REFUSED_CROSS_SITE,
	REFUSED_BODY_SIZE,
	REFUSED_MEMORY,
	REFUSED_TIMEOUT,
	REFUSED_END,
};

static const struct http_refusal refusals[REFUSED_END] = {
	[REFUSED_SYNTAX] = {400, "request.syntax", "The request is not HTTP/1.1 as RFC 9112 writes it."},
	[REFUSED_VERSION] = {505, "request.version", "Only HTTP/1.1 is spoken here."},
	[REFUSED_METHOD] = {400, "request.method", "The method is not one of HTTP's."},
	[REFUSED_LENGTH] = {400, "request.content_length",
			    "Content-Length is not one plain number, or there is more than one."},
	[REFUSED_TRANSFER_ENCODING] = {400, "request.transfer_encoding",
				       "Transfer-Encoding is not just chunked, or stands beside Content-Length."},
	[REFUSED_CHUNK] = {400, "request.chunk", "A chunk's size is malformed, or the chunk has extensions."},
	[REFUSED_TRAILERS] = {400, "request.trailers", "Fields after the body are not taken."},
	[REFUSED_HEADER_SIZE] = {431, "request.header_size", "The header section is over 16 KiB."},
	[REFUSED_HEADER_COUNT] = {431, "request.header_count", "There are over 100 header fields."},
	[REFUSED_DUPLICATE_FIELD] = {400, "request.duplicate_field", "A field that may stand once stands twice."},
	[REFUSED_FIELD_VALUE] = {400, "request.field_value", "A field's value has characters outside printed ASCII."},
	[REFUSED_NO_HOST] = {400, "request.host_missing", "There is no Host field."},
	[REFUSED_HOST] = {421, "request.host", "Host names another authority than this installation's."},
	[REFUSED_EXPECT] = {400, "request.expect", "Expect asks for something other than 100-continue."},
	[REFUSED_CONTENT_ENCODING] = {415, "request.content_encoding",
				      "Bodies are taken as they are, without content coding."},
	[REFUSED_UPGRADE] = {400, "request.upgrade", "There is no other protocol to change to."},
	[REFUSED_TARGET_FORM] = {400, "request.target_form", "The target is not a path."},
	[REFUSED_TARGET_SIZE] = {414, "request.target_size", "The target is over 8 KiB."},
	[REFUSED_TARGET_CHARACTER] = {400, "request.target_character",
				      "The target has a character that RFC 3986 does not allow."},
	[REFUSED_TARGET_ESCAPE] = {400, "request.target_escape",
				   "A percent escape is malformed, or hides a control character or a slash."},
	[REFUSED_TARGET_DOTS] = {400, "request.target_dots", "The path has an empty or dot segment."},
	[REFUSED_NO_ROUTE] = {404, "request.not_found", "There is nothing at this path."},
	[REFUSED_NO_METHOD] = {405, "request.method_not_allowed", "The path has other methods; see Allow."},
	[REFUSED_CONTENT_TYPE] = {415, "request.content_type", "What is posted here says that it is application/json."},
	[REFUSED_CROSS_SITE] = {403, "request.cross_site", "A page of another origin sent this, and nothing was done."},
	[REFUSED_BODY_SIZE] = {413, "request.body_size", "The body is over what this path takes."},
	[REFUSED_MEMORY] = {503, "request.memory", "There is no memory for the request."},
	[REFUSED_TIMEOUT] = {408, "request.timeout", "The request did not arrive in time."},
};

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
refuse(struct http_reader *reader, enum refusal refusal) {
	if (reader->refusal == nullptr)
		reader->refusal = &refusals[refusal];
	return HPE_USER;
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
		return refuse(reader, REFUSED_TARGET_SIZE);
	return append_to_head(reader, &reader->target, at, len);
}

static int
hex_value(uint8_t digit) {
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
		return (digit | 0x20) - 'a' + 10;
	return -1;
}

/* RFC 3986 §3.3 and §3.4: unreserved, sub-delims, ":", "@", and in the query "/" and "?". */
static bool
is_target_character(uint8_t c) {
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._~!$&'()*+,;=:@/", c) != nullptr);
}

/* Decodes one escape of the target at *at. */
static bool
decode_escape(struct bytes target, size_t *at, uint8_t *byte) {
	if (target.len - *at < 3)
		return false;
	int high = hex_value(target.data[*at + 1]), low = hex_value(target.data[*at + 2]);
	if (high < 0 || low < 0)
		return false;
	*byte = (uint8_t)(high << 4 | low);
	*at += 3;
	return *byte >= 0x20 && *byte != 0x7f;
}

static bool
has_bad_segment(struct bytes path) {
	for (size_t start = 1; start <= path.len;) {
		const uint8_t *segment = path.data + start;
		const uint8_t *slash = start == path.len ? nullptr : memchr(segment, '/', path.len - start);
		size_t len = slash == nullptr ? path.len - start : (size_t)(slash - segment);
		bool is_last = slash == nullptr;
		if ((len == 0 && !(is_last && path.len == 1)) || (len == 1 && segment[0] == '.') ||
		    (len == 2 && segment[0] == '.' && segment[1] == '.'))
			return true;
		start += len + 1;
	}
	return false;
}

/* The path is decoded once, here; the keeper gets the target as it came. */
static int
check_target(struct http_reader *reader) {
	size_t end = reader->target.at + reader->target.len;
	bool in_query = false;
	if (reader->target.len == 0 || view(reader, reader->target).data[0] != '/')
		return refuse(reader, REFUSED_TARGET_FORM);
	if (!buffer_reserve(&reader->head, reader->target.len))
		return refuse(reader, REFUSED_MEMORY);
	struct bytes target = {reader->head.data, end};
	reader->path.at = reader->head.len;
	for (size_t at = reader->target.at; at < end;) {
		uint8_t c = target.data[at];
		if (c == '%') {
			if (!decode_escape(target, &at, &c) || (!in_query && c == '/'))
				return refuse(reader, REFUSED_TARGET_ESCAPE);
		} else if (c == '?') {
			in_query = true;
			at++;
		} else if (is_target_character(c))
			at++;
		else
			return refuse(reader, REFUSED_TARGET_CHARACTER);
		if (!in_query)
			reader->head.data[reader->head.len++] = c;
	}
	reader->path.len = reader->head.len - reader->path.at;
	return has_bad_segment(view(reader, reader->path)) ? refuse(reader, REFUSED_TARGET_DOTS) : 0;
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
		return refuse(reader, REFUSED_HEADER_COUNT);
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
			return refuse(reader, REFUSED_DUPLICATE_FIELD);
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
		return refuse(reader, REFUSED_HEADER_SIZE);
	for (size_t i = 0; i < span->len; i++)
		if (value.data[i] < 0x20 || value.data[i] > 0x7e)
			return refuse(reader, REFUSED_FIELD_VALUE);
	return 0;
}

static bool
is_word(struct bytes value, const char *word) {
	return value.len == strlen(word) && strncasecmp((const char *)value.data, word, value.len) == 0;
}

static int
check_host(struct http_reader *reader) {
	struct bytes host = http_field(reader, HTTP_HOST);
	if (host.len == 0)
		return refuse(reader, REFUSED_NO_HOST);
	for (const char *const *authority = reader->common->authorities; *authority != nullptr; authority++)
		if (is_word(host, *authority))
			return 0;
	return refuse(reader, REFUSED_HOST);
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
		return refuse(reader, REFUSED_MEMORY);
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

static int
find_route(struct http_reader *reader) {
	switch (route_find(http_method(reader), http_path(reader), &reader->route)) {
	case ROUTE_FOUND:
		break;
	case ROUTE_NO_PATH:
		reader->refusal = &refusals[REFUSED_NO_ROUTE];
		return announces_body(reader) ? HPE_USER : 0;
	case ROUTE_NO_METHOD:
		reader->refusal = &refusals[REFUSED_NO_METHOD];
		return announces_body(reader) ? HPE_USER : 0;
	}
	if (check_who_sends(reader) != 0)
		return HPE_USER;
	if (reader->parser.content_length > reader->route->body_max)
		return refuse(reader, REFUSED_BODY_SIZE);
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
		return refuse(reader, REFUSED_BODY_SIZE);
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

static enum refusal
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
	if (reader->refusal == nullptr)
		reader->refusal = &refusals[refusal_of_error(&reader->parser, error)];
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
			refuse(reader, REFUSED_HEADER_SIZE);
			return HTTP_REFUSED;
		}
		/* One-byte chunks cost six bytes each: as much framing as a header section, and the body's own size, is
		 * enough. */
		if (!in_head)
			reader->raw_bytes += taken - (reader->body.len - body_before);
		if (reader->raw_bytes > HTTP_HEADER_BYTES_MAX + reader->body.len && reader->head_complete) {
			refuse(reader, REFUSED_CHUNK);
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

bool
http_keep_alive(const struct http_reader *reader) {
	return llhttp_should_keep_alive(&reader->parser);
}

const struct http_refusal *
http_refusal_of_no_route(void) {
	return &refusals[REFUSED_NO_ROUTE];
}

const struct http_refusal *
http_refusal_of_slow_client(void) {
	return &refusals[REFUSED_TIMEOUT];
}

const struct http_refusal *
http_refusals(size_t *count) {
	*count = REFUSED_END;
	return refusals;
}
