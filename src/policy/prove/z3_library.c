#include "policy/prove/z3_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static struct z3_library functions;
static bool is_loaded;
static char reason[256];

static void
load(void) {
	/* For the life of the process: what it registers cannot be taken back. */
	void *handle = dlopen("libz3.so.4", RTLD_NOW | RTLD_LOCAL);
	const char *missing = nullptr;
	if (handle == nullptr) {
		snprintf(reason, sizeof reason, "%s", dlerror());
		return;
	}
#define Z3_FIND(name)                                                                                                  \
	do {                                                                                                           \
		functions.name = (typeof(functions.name))dlsym(handle, "Z3_" #name);                                   \
		if (functions.name == nullptr)                                                                         \
			missing = "it has no Z3_" #name;                                                               \
	} while (0);
	Z3_FUNCTIONS(Z3_FIND)
#undef Z3_FIND
	if (missing != nullptr) {
		snprintf(reason, sizeof reason, "%s", missing);
		return;
	}
	is_loaded = true;
}

enum status
z3_library_load(const struct z3_library **library) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load);
	if (!is_loaded)
		return fail(STATUS_UNAVAILABLE, "prove.library: libz3 cannot be loaded: %s", reason);
	*library = &functions;
	return OK;
}
