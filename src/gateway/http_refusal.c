#include "gateway/http_refusal.h"

static const struct http_refusal refusals[REFUSED_END] = {
	[REFUSED_SYNTAX] = {400, "request.syntax", "The request is not HTTP/1.1 as RFC 9112 writes it."},
	[REFUSED_VERSION] = {505, "request.version", "Only HTTP/1.1 is spoken here."},
	[REFUSED_METHOD] = {400, "request.method", "The request does not begin with one of HTTP's methods."},
	[REFUSED_LENGTH] =
		{400, "request.content_length",
		 "Content-Length is not one plain decimal number, stands twice, or beside Transfer-Encoding."},
	[REFUSED_TRANSFER_ENCODING] = {400, "request.transfer_encoding",
				       "Transfer-Encoding is not just chunked, or stands beside Content-Length."},
	[REFUSED_CHUNK] = {400, "request.chunk",
			   "A chunk's size is not plain hexadecimal or too large, or the chunk has extensions."},
	[REFUSED_TRAILERS] = {400, "request.trailers", "Fields after the body are not taken."},
	[REFUSED_HEADER_SIZE] = {431, "request.header_size", "Request line and fields are over the limit."},
	[REFUSED_HEADER_COUNT] = {431, "request.header_count", "There are more fields than the limit."},
	[REFUSED_DUPLICATE_FIELD] = {400, "request.duplicate_field", "A field that may stand once stands twice."},
	[REFUSED_FIELD_VALUE] = {400, "request.field_value", "A field's value has characters outside printed ASCII."},
	[REFUSED_NO_HOST] = {400, "request.host_missing", "The field Host is missing or empty."},
	[REFUSED_HOST] = {421, "request.host",
			  "Host is no authority of this installation as its configuration has them."},
	[REFUSED_EXPECT] = {400, "request.expect", "Expect asks for something other than 100-continue."},
	[REFUSED_CONTENT_ENCODING] = {415, "request.content_encoding",
				      "Content-Encoding asks for a coding; bodies are taken as they are."},
	[REFUSED_UPGRADE] = {400, "request.upgrade",
			     "Upgrade or CONNECT asks for another protocol, and there is none."},
	[REFUSED_TARGET_FORM] = {400, "request.target_form", "The target does not begin with a slash, as a path does."},
	[REFUSED_TARGET_SIZE] = {414, "request.target_size", "The target is over the limit."},
	[REFUSED_TARGET_CHARACTER] = {400, "request.target_character",
				      "The target has a character that RFC 3986 does not allow."},
	[REFUSED_TARGET_ESCAPE] = {400, "request.target_escape",
				   "A percent escape is malformed, or hides a control character or a slash."},
	[REFUSED_TARGET_DOTS] = {400, "request.target_dots", "The path has an empty or dot segment."},
	[REFUSED_NO_ROUTE] = {404, "request.not_found", "There is nothing at this path."},
	[REFUSED_NO_METHOD] = {405, "request.method_not_allowed", "The path has other methods; see Allow."},
	[REFUSED_CONTENT_TYPE] = {415, "request.content_type",
				  "Content-Type is not application/json, and this is posted."},
	[REFUSED_CROSS_SITE] = {403, "request.cross_site",
				"Sec-Fetch-Site says that a page of another origin sent this, and nothing was done."},
	[REFUSED_BODY_SIZE] = {413, "request.body_size", "The body is over what this path takes."},
	[REFUSED_MEMORY] = {503, "request.memory", "There is no memory for the request."},
	[REFUSED_TIMEOUT] = {408, "request.timeout", "The request did not arrive in time."},
};

const struct http_refusal *
http_refusal(enum http_refused refused) {
	return &refusals[refused];
}

const struct http_refusal *
http_refusals(size_t *count) {
	*count = REFUSED_END;
	return refusals;
}
