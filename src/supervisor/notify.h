/*
 * What the service manager is told: sd_notify(3)'s protocol, one datagram to the socket that NOTIFY_SOCKET names.
 * Without one nothing is sent. Source: sd_notify(3), "Standalone Implementations".
 */
#ifndef GATEHOUSE_SUPERVISOR_NOTIFY_H
#define GATEHOUSE_SUPERVISOR_NOTIFY_H

#include "base/status.h"

/* Connects; nothing happens where there is no socket to connect to. */
enum status notify_open(int *descriptor); /* −1: no manager listens */
/* "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=..."; lines are separated by line feeds. */
void notify_send(int descriptor, const char *state);
/* How often WATCHDOG=1 is to be sent, in milliseconds: half of what the manager waits; 0: never. */
int notify_watchdog_interval_ms(void);

#endif
