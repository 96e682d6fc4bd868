#include "helpers/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static struct curl_library functions;
static bool is_loaded;
static char reason[256];

static void
load(void) {
	/* For the life of the process: what it registers cannot be taken back. */
	void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	if (handle == nullptr) {
		snprintf(reason, sizeof reason, "%s", dlerror());
		return;
	}
	bool is_whole = true;
#define CURL_FIND(name)                                                                                                \
	functions.name = (typeof(functions.name))dlsym(handle, "curl_" #name);                                         \
	is_whole = is_whole && functions.name != nullptr;
	CURL_FUNCTIONS(CURL_FIND)
#undef CURL_FIND
	functions.easy_set = (typeof(functions.easy_set))dlsym(handle, "curl_easy_setopt");
	functions.easy_info = (typeof(functions.easy_info))dlsym(handle, "curl_easy_getinfo");
	is_whole = is_whole && functions.easy_set != nullptr && functions.easy_info != nullptr;
	if (!is_whole || functions.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		snprintf(reason, sizeof reason, "it lacks a function, or does not start");
		return;
	}
	is_loaded = true;
}

enum status
curl_library_load(const struct curl_library **library) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load);
	if (!is_loaded)
		return fail(STATUS_UNAVAILABLE, "mail.library: libcurl cannot be loaded: %s", reason);
	*library = &functions;
	return OK;
}
