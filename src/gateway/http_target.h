/*
 * The target of a request: which bytes it may have, and its path, which is decoded once, here. The keeper gets the target as it came.
 *
 * Owner: nobody; the path goes where the caller has room. Threads: any. Source: RFC 3986 §2.1, §3.3 and §3.4.
 */
#ifndef GATEHOUSE_GATEWAY_HTTP_TARGET_H
#define GATEHOUSE_GATEWAY_HTTP_TARGET_H

#include "base/bytes.h"
#include "gateway/http_refusal.h"

/* path has room for as many bytes as the target has, and receives it without the query. REFUSED_END: it holds; else why not, and in
 * *offset the place in the target of a byte or an escape that is refused. */
enum http_refused http_target_decode(struct bytes target, uint8_t *path, size_t *path_len, size_t *offset);

#endif
