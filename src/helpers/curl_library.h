/*
 * libcurl, as far as mail needs it, loaded when a mail server is configured: no process but that fetch maps it and what it
 * brings along.
 *
 * Loading comes before confinement, which forbids to open files. One table for the whole process, made once. Errors:
 * STATUS_UNAVAILABLE "mail.library".
 */
#ifndef GATEHOUSE_HELPERS_CURL_LIBRARY_H
#define GATEHOUSE_HELPERS_CURL_LIBRARY_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/status.h"

#define CURL_FUNCTIONS(X)                                                                                              \
	X(global_init)                                                                                                 \
	X(easy_init)                                                                                                   \
	X(easy_perform)                                                                                                \
	X(easy_cleanup)                                                                                                \
	X(easy_strerror)                                                                                               \
	X(slist_append)                                                                                                \
	X(slist_free_all)

struct curl_library {
#define CURL_MEMBER(name) typeof(curl_##name) *name;
	CURL_FUNCTIONS(CURL_MEMBER)
#undef CURL_MEMBER
	CURLcode (*easy_set)(CURL *handle, CURLoption option, ...);
	CURLcode (*easy_info)(CURL *handle, CURLINFO info, ...);
};

enum status curl_library_load(const struct curl_library **library);

#endif
