#include "cli/demo/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t came;

static void
note(int) {
	came = 1;
}

void
interrupt_watch(void) {
	struct sigaction action = {.sa_handler = note}; /* without SA_RESTART: what waits returns */
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, nullptr);
	sigaction(SIGTERM, &action, nullptr);
	sigaction(SIGHUP, &action, nullptr);
	signal(SIGPIPE, SIG_IGN);
}

bool
interrupt_came(void) {
	return came != 0;
}
