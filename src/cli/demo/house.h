/*
 * The demo's installation on disk and its processes: a temporary directory, the supervisor with what it starts, a witness with a
 * user, key and directory of its own, and programs that are run to their end.
 *
 * Everything is this same program, exec'd from the file that runs, and dies with whoever started it. Owner: the caller;
 * house_close() stops all and removes the directory. Threads: one. Errors: STATUS_UNAVAILABLE "house.*".
 */
#ifndef GATEHOUSE_CLI_DEMO_HOUSE_H
#define GATEHOUSE_CLI_DEMO_HOUSE_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/io.h"
#include "supervisor/config.h"

constexpr uint32_t HOUSE_WITNESS_USER = 70'410; /* where the demo was started as root */

struct house {
	struct arena arena;
	char *directory; /* all of the following lie in it */
	char *data, *mark, *keys, *witness, *log;
	char *config_path, *founding_path, *certificate_path, *pins_path, *policy_path;
	char *authority; /* "127.0.0.1:40123" */
	char *port;
	const char *guard;      /* of the configuration: "{kind: none}" */
	const char *also_known; /* more names that clients may call it by: ", \"127.0.0.1:40126\"" */
	const char *settings;   /* more lines of the configuration */
	char *console;          /* "http://localhost:40125": what the front takes (cli/demo/front.h) */
	int front_listener;
	struct config config;
	int program;
	pid_t serving, witnessing, fronting; /* 0: not running */
	char *witness_address;               /* "http://127.0.0.1:40124" */
};

/* The directory, with configuration and certificate; nothing runs yet, but the console's front where it is wanted. */
enum status house_open(struct house *house, bool with_front);
void house_close(struct house *house);
/* The last lines of what the processes said, to standard error. */
void house_show_log(const struct house *house);

/* A port on the loopback, which nobody else is given while this process lives. */
enum status house_choose_port(uint16_t *port);

/* <directory>/<name>, in the arena; null when out of memory. */
char *house_path(struct house *house, const char *name);

/* Runs `gatehouse ARGUMENTS...` to its end, under a user if one is given; its standard output is appended. */
enum status house_run(struct house *house, uint32_t user, const char *const *arguments, struct buffer *output,
		      int *exit_code);
#define HOUSE_RUN(house, user, output, exit_code, ...)                                                                 \
	house_run(house, user, (const char *const[]){__VA_ARGS__, nullptr}, output, exit_code)

/* Starts the supervisor and waits until the keeper says that it is ready. Where it ends instead, STATUS_DENIED
 * "house.refused" and *reason receives what the keeper said ("ledger.behind: ..."), in the arena. */
enum status house_serve(struct house *house, const char **reason);
/* Writes the configuration that its members say; in force from the next start or reload on. */
enum status house_configure(struct house *house);
/* From the next start on, the witness is what guards against older data: it cosigns head after head. */
enum status house_guard_by_witness(struct house *house);
/* The supervisor's process of that role; 0: there is none. */
pid_t house_process(const struct house *house, const char *role);
/* All of its processes at once, as when the machine goes. */
void house_crash(struct house *house);
/* Tells it to stop and waits: the gateway drains, the keeper records its stop. */
enum status house_stop(struct house *house);

/* The witness's key lines for a policy, and the witness itself. logs: a policy file. */
enum status house_make_witness(struct house *house, struct buffer *lines);
enum status house_start_witness(struct house *house, const char *logs);

/* A tree of files, with owners and modes; whatever was at `to` is gone. */
enum status house_copy(const char *from, const char *to);
enum status house_remove(const char *path);

#endif
