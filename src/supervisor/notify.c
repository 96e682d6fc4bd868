#include "supervisor/notify.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

enum status
notify_open(int *descriptor) {
	*descriptor = -1;
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (path == nullptr)
		return OK;
	size_t len = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof address.sun_path)
		return fail(STATUS_INVALID, "notify.socket: NOTIFY_SOCKET is neither a path nor an abstract name");
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (made < 0)
		return fail_errno(STATUS_IO, "notify.socket");
	if (connect(made, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) != 0) {
		close(made);
		return fail_errno(STATUS_IO, "notify.connect: %s", path);
	}
	*descriptor = made;
	return OK;
}

void
notify_send(int descriptor, const char *state) {
	if (descriptor >= 0 && send(descriptor, state, strlen(state), MSG_NOSIGNAL) < 0)
		log_warning("the service manager was not told %s: %s", state, strerror(errno));
}

int
notify_watchdog_interval_ms(void) {
	const char *interval = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
	if (interval == nullptr || (process != nullptr && strtol(process, nullptr, 10) != getpid()))
		return 0;
	long long microseconds = strtoll(interval, nullptr, 10);
	if (microseconds <= 0 || microseconds > INT64_C(86'400'000'000))
		return 0;
	return (int)(microseconds / 2000) > 0 ? (int)(microseconds / 2000) : 1;
}
