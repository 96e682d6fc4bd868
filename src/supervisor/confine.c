#include "supervisor/confine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "supervisor/call_filter.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BUILT_WITH_SANITIZERS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define BUILT_WITH_SANITIZERS 1
#endif
#endif
#ifdef BUILT_WITH_SANITIZERS
static const bool built_with_sanitizers = true;
#else
static const bool built_with_sanitizers = false;
#endif

/* --- Landlock --- */

/* What each version of the kernel's interface can restrict; headers older than the kernel do not name it all. */
constexpr uint64_t FILE_RIGHTS =
	LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE;
constexpr uint64_t ALL_RIGHTS_1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
constexpr uint64_t RIGHT_REFER = UINT64_C(1) << 13;     /* from version 2 */
constexpr uint64_t RIGHT_TRUNCATE = UINT64_C(1) << 14;  /* 3 */
constexpr uint64_t RIGHT_IOCTL_DEV = UINT64_C(1) << 15; /* 5 */
constexpr uint64_t NET_BIND_AND_CONNECT = 3;            /* 4 */
constexpr uint64_t NET_CONNECT = 2;
constexpr int VERSION_OF_NET = 4;
constexpr int RULE_NET_PORT = 2;
constexpr uint64_t SCOPE_SOCKETS_AND_SIGNALS = 3; /* 6 */

struct landlock_rules {
	uint64_t files;
	uint64_t network;
	uint64_t scope;
};

static int
landlock_version(void) {
	long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
	return version < 0 ? 0 : (int)version;
}

static struct landlock_rules
rules_of_version(int version) {
	return (struct landlock_rules){
		.files = ALL_RIGHTS_1 | (version >= 2 ? RIGHT_REFER : 0) | (version >= 3 ? RIGHT_TRUNCATE : 0) |
			 (version >= 5 ? RIGHT_IOCTL_DEV : 0),
		.network = version >= VERSION_OF_NET ? NET_BIND_AND_CONNECT : 0,
		.scope = version >= 6 ? SCOPE_SOCKETS_AND_SIGNALS : 0,
	};
}

/* Processes inherit what the supervisor enters, and each adds its own: so the supervisor reads and runs what they need, and listens where
 * a new configuration says. */
static struct landlock_rules
rules_of_role(enum ipc_role role, int version) {
	struct landlock_rules rules = rules_of_version(version);
	if (role == IPC_ROLE_SUPERVISOR) {
		rules.files &=
			~(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
		rules.network = 0;
	}
	return rules;
}

static enum status
allow_path(int ruleset, const char *path, uint64_t rights) {
	int descriptor = open(path, O_PATH | O_CLOEXEC);
	struct stat stat;
	if (descriptor < 0)
		return fail_errno(STATUS_UNAVAILABLE, "confine.path: %s", path);
	if (fstat(descriptor, &stat) != 0) {
		close(descriptor);
		return fail_errno(STATUS_UNAVAILABLE, "confine.path: %s", path);
	}
	if (!S_ISDIR(stat.st_mode))
		rights &= FILE_RIGHTS | RIGHT_TRUNCATE;
	struct landlock_path_beneath_attr beneath = {.allowed_access = rights, .parent_fd = descriptor};
	long result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
	close(descriptor);
	return result == 0 ? OK : fail_errno(STATUS_UNAVAILABLE, "confine.landlock: a rule for %s", path);
}

static enum status
add_paths(int ruleset, const struct confine_request *request, uint64_t rights) {
	for (size_t i = 0; i < CONFINE_PATHS_MAX && request->read_write[i] != nullptr; i++)
		TRY(allow_path(ruleset, request->read_write[i], rights & ~LANDLOCK_ACCESS_FS_EXECUTE));
	for (size_t i = 0; i < CONFINE_PATHS_MAX && request->read_only[i] != nullptr; i++)
		TRY(allow_path(ruleset, request->read_only[i],
			       LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR));
	return OK;
}

/* struct landlock_net_port_attr of newer headers */
struct port_rule {
	uint64_t allowed_access;
	uint64_t port;
};

static enum status
add_ports(int ruleset, const uint16_t ports[CONFINE_PORTS_MAX]) {
	for (size_t i = 0; i < CONFINE_PORTS_MAX && ports[i] != 0; i++) {
		struct port_rule rule = {NET_CONNECT, ports[i]};
		if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule, 0) != 0)
			return fail_errno(STATUS_UNAVAILABLE, "confine.landlock: a rule for port %u", ports[i]);
	}
	return OK;
}

static enum status
enter_landlock(const struct confine_request *request, int version) {
	struct landlock_rules rules = rules_of_role(request->role, version);
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
	if (ruleset < 0)
		return fail_errno(STATUS_UNAVAILABLE, "confine.landlock: version %d", version);
	enum status status = add_paths(ruleset, request, rules.files);
	if (status == OK && rules.network != 0)
		status = add_ports(ruleset, request->connect_ports);
	if (status == OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		status = fail_errno(STATUS_UNAVAILABLE, "confine.landlock: entering it");
	close(ruleset);
	return status;
}

/* --- Entering --- */

static void
note_lack(struct confinement *result, const char *what) {
	size_t used = strlen(result->lacks);
	snprintf(result->lacks + used, sizeof result->lacks - used, "%s%s", used == 0 ? "" : "; ", what);
	result->degraded = true;
}

/* An empty network namespace has the loopback interface and nothing else. */
static bool
has_network(void) {
	char line[512];
	int lines = 0;
	FILE *interfaces = fopen("/proc/self/net/dev", "re");
	if (interfaces == nullptr)
		return true;
	while (fgets(line, sizeof line, interfaces) != nullptr)
		lines++;
	fclose(interfaces);
	return lines > 3; /* two of headings */
}

static size_t
count_threads(void) {
	DIR *tasks = opendir("/proc/self/task");
	size_t count = 0;
	if (tasks == nullptr)
		return 0;
	for (const struct dirent *entry; (entry = readdir(tasks)) != nullptr;)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

/* Shared by all roles: no new privileges, no core dump, not to be traced. */
static enum status
enter_process_limits(void) {
	struct rlimit none = {};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		return fail_errno(STATUS_UNAVAILABLE, "confine.process: no_new_privs, dumpable and core size");
	return OK;
}

static enum status
lack(const struct confine_request *request, struct confinement *result, const char *what) {
	if (!request->degraded_allowed)
		return fail(STATUS_UNAVAILABLE, "confine.%s", what);
	log_warning("the %s runs without full confinement: %s", ipc_role_name(request->role), what);
	note_lack(result, what);
	return OK;
}

enum status
confine_enter(const struct confine_request *request, struct confinement *result) {
	*result = (struct confinement){};
	if (built_with_sanitizers) {
		note_lack(result, "sanitizers: this build confines nothing");
		log_warning("the %s is not confined: this build has sanitizers", ipc_role_name(request->role));
		return OK;
	}
	bool is_supervisor = request->role == IPC_ROLE_SUPERVISOR;
	const struct call_role *role = call_role_find(request->role);
	if (role == nullptr && !is_supervisor)
		return fail(STATUS_INTERNAL, "confine.role: the table has no %s", ipc_role_name(request->role));
	if (count_threads() > 1)
		return fail(STATUS_INTERNAL, "confine.threads: the process has threads already, which would stay free");
	bool connects = role != nullptr && call_role_connects(role) && request->connect_ports[0] != 0;
	TRY(enter_process_limits());
	result->network_namespace = !has_network();
	result->landlock_abi = landlock_version();
	if (result->landlock_abi == 0)
		TRY(lack(request, result, "landlock: the kernel has none"));
	else {
		TRY(enter_landlock(request, result->landlock_abi));
		result->landlock = true;
	}
	if (connects && result->landlock && result->landlock_abi < VERSION_OF_NET)
		TRY(lack(request, result, "landlock: the kernel holds no process to a port"));
	int error = call_filter_load(role, connects);
	if (error != 0)
		TRY(lack(request, result, "seccomp: the filter could not be loaded"));
	result->seccomp = error == 0;
	return result->degraded ? OK : confine_verify(request->role, connects);
}

void
confine_write(struct json_writer *writer, const struct confinement *confinement) {
	json_write_object(writer);
	json_write_member_boolean(writer, "degraded", confinement->degraded);
	json_write_member_text(writer, "lacks", confinement->lacks);
	json_write_member_boolean(writer, "landlock", confinement->landlock);
	json_write_member_integer(writer, "landlock_abi", confinement->landlock_abi);
	json_write_member_boolean(writer, "network_namespace", confinement->network_namespace);
	json_write_member_boolean(writer, "seccomp", confinement->seccomp);
	json_write_end(writer);
}

enum status
confine_describe(const struct confinement *confinement, struct ipc_control_message *message) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer writer;
	json_writer_start(&writer, &text);
	confine_write(&writer, confinement);
	TRY(json_writer_finish(&writer));
	if (text.len >= sizeof message->text)
		return fail(STATUS_INTERNAL, "confine.describe: %zu bytes, at most %zu expected", text.len,
			    sizeof message->text - 1);
	memcpy(message->text, text.data, text.len);
	message->text[text.len] = '\0';
	message->value = confinement->degraded;
	return OK;
}

bool
confine_leave_network(void) {
	return unshare(CLONE_NEWNET) == 0;
}
