/*
 * The console: pages, scripts and styles that are part of the program (console/build.mjs makes the table), served as they are and
 * with the fields that keep a browser to them: no script, style or connection from elsewhere, no inline code, no frames.
 *
 * Owner: assets are constant. Threads: any. Errors: none. Sources: W3C CSP Level 3 and Trusted Types; RFC 9110 §8.8, §12.5.3, §13.1.2.
 */
#ifndef GATEHOUSE_GATEWAY_CONSOLE_H
#define GATEHOUSE_GATEWAY_CONSOLE_H

#include <time.h>

#include "base/bytes.h"

struct console_asset {
	const char *path;
	const char *content_type;
	const char *tag;   /* with its quotes: of the content, however it is encoded */
	bool is_immutable; /* the path names the content */
	struct bytes plain, compressed;
	const char *download; /* the name under which it is saved; null: it is shown */
};

extern const struct console_asset console_assets[];
extern const size_t console_asset_count;

/* Null: there is nothing at the path. */
const struct console_asset *console_find(struct bytes path);

/* The answer, appended: 200 with the content, compressed for whoever takes gzip, or 304. The two are a request's fields; data
 * null: absent. Returns the status. */
unsigned console_write(struct buffer *to, const struct console_asset *asset, struct bytes accept_encoding,
		       struct bytes if_none_match, bool close, time_t now);

#endif
