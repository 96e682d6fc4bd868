/*
 * Signals that end the demo: noted when they come, looked at between steps and where it waits, so that everything is put away in
 * order.
 */
#ifndef GATEHOUSE_CLI_DEMO_INTERRUPT_H
#define GATEHOUSE_CLI_DEMO_INTERRUPT_H

/* SIGINT, SIGTERM and SIGHUP are noted from here on; SIGPIPE is ignored. */
void interrupt_watch(void);
bool interrupt_came(void);

#endif
