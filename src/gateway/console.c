#include "gateway/console.h"

#include <strings.h>

#include "gateway/http_response.h"

/* Where a page may take anything from, and what may be done with it. Names of Trusted Types policies: none, so that no text can
 * become code. */
static const char page_fields[] =
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src "
	"'self'; "
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
	"trusted-types 'none'\r\n"
	"Cross-Origin-Opener-Policy: same-origin\r\n"
	"Cross-Origin-Resource-Policy: same-origin\r\n"
	"Referrer-Policy: no-referrer\r\n"
	"Permissions-Policy: publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), "
	"clipboard-read=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()\r\n"
	"Vary: Accept-Encoding\r\n";

const struct console_asset *
console_find(struct bytes path) {
	for (size_t i = 0; i < console_asset_count; i++)
		if (bytes_equal_text(path, console_assets[i].path))
			return &console_assets[i];
	return nullptr;
}

/* --- Fields of a request --- */

static struct bytes
trim(struct bytes text) {
	while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = bytes_of(text.data + 1, text.len - 1);
	while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* What stands before the separator, which is dropped with it from *text. */
static struct bytes
next_part(struct bytes *text, char separator) {
	const uint8_t *end = text->len == 0 ? nullptr : memchr(text->data, separator, text->len);
	struct bytes part = bytes_of(text->data, end == nullptr ? text->len : (size_t)(end - text->data));
	size_t used = part.len + (end != nullptr);
	*text = used == 0 ? *text : bytes_of(text->data + used, text->len - used);
	return trim(part);
}

/* RFC 9110 §12.4.2: "q=0", "q=0.", "q=0.000". */
static bool
is_refusal(struct bytes parameter) {
	if (parameter.len < 3 || (parameter.data[0] | 0x20) != 'q' || parameter.data[1] != '=')
		return false;
	for (size_t i = 2; i < parameter.len; i++)
		if (parameter.data[i] != '0' && parameter.data[i] != '.')
			return false;
	return true;
}

static bool
takes_gzip(struct bytes accept_encoding) {
	static const char name[] = "gzip";
	while (accept_encoding.len > 0) {
		struct bytes element = next_part(&accept_encoding, ',');
		struct bytes coding = next_part(&element, ';');
		if (coding.len == sizeof name - 1 && strncasecmp((const char *)coding.data, name, coding.len) == 0)
			return !is_refusal(next_part(&element, ';'));
	}
	return false;
}

/* The weak comparison, which is that of If-None-Match. A tag has no comma in it. */
static bool
has_tag(struct bytes if_none_match, const char *tag) {
	while (if_none_match.len > 0) {
		struct bytes element = next_part(&if_none_match, ',');
		if (element.len > 2 && memcmp(element.data, "W/", 2) == 0)
			element = bytes_of(element.data + 2, element.len - 2);
		if (bytes_equal_text(element, tag) || bytes_equal_text(element, "*"))
			return true;
	}
	return false;
}

/* --- The answer --- */

unsigned
console_write(struct buffer *to, const struct console_asset *asset, struct bytes accept_encoding,
	      struct bytes if_none_match, bool close, time_t now) {
	bool is_known = has_tag(if_none_match, asset->tag), compress = takes_gzip(accept_encoding);
	struct bytes content = compress ? asset->compressed : asset->plain;
	unsigned status = is_known ? 304 : 200;
	buffer_reserve(to, 2048 + (is_known ? 0 : content.len));
	http_write_start(to, status, now);
	buffer_append_text(to, page_fields);
	buffer_append_format(to, "ETag: W/%s\r\nCache-Control: %s\r\n", asset->tag,
			     asset->is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
	if (asset->download != nullptr)
		buffer_append_format(to, "Content-Disposition: attachment; filename=\"%s\"\r\n", asset->download);
	if (close)
		buffer_append_text(to, "Connection: close\r\n");
	if (is_known) {
		buffer_append_text(to, "\r\n");
		return status;
	}
	buffer_append_format(to, "Content-Type: %s\r\n%sContent-Length: %zu\r\n\r\n", asset->content_type,
			     compress ? "Content-Encoding: gzip\r\n" : "", content.len);
	buffer_append_bytes(to, content);
	return status;
}
