/*
 * The wire between two keepers, for the demo alone: a process that carries their gateways' frames and cannot read what is in them, as
 * any network could. By how long the records are it knows when both have sent the last round's frame of a signature; where it was told
 * to, it delivers neither of them, nor anything after. So one of the two can be killed in that round, whatever takes how long: its frame
 * has left, no other's has come, and nobody has two.
 *
 * Owner: the caller; wire_close() ends the process. Threads: one. Errors: STATUS_UNAVAILABLE "wire.*".
 */
#ifndef GATEHOUSE_CLI_DEMO_WIRE_H
#define GATEHOUSE_CLI_DEMO_WIRE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

struct wire {
	uint16_t port; /* on 127.0.0.1: where the one that dials finds the other */
	int control;
	pid_t process; /* 0: there is none */
};

/* Carries to that port of 127.0.0.1. Started before there are keys in this process: it has none of them. */
enum status wire_open(struct wire *wire, uint16_t to);
void wire_close(struct wire *wire);

/* From here on it holds back what ends a signature, until what it has held back is lost with its connection. */
enum status wire_arm(const struct wire *wire);
/* Until both frames are held, or `other` can be read from: then *held is false. */
enum status wire_wait(const struct wire *wire, int other, bool *held);
/* It carries all again; a connection on which something is missing by now ends. */
enum status wire_disarm(const struct wire *wire);

#endif
