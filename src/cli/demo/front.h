/*
 * The console of the demo at http://localhost: a process of its own that takes plain HTTP on the loopback and passes it to the gateway
 * over TLS, byte for byte. A browser takes passkeys and secure cookies on localhost without a certificate, and so nobody has to import
 * one; with `ssh -L` from elsewhere too. It is part of the demo alone: the gateway itself speaks TLS only, and `serve` knows
 * no such listener.
 *
 * Owner: the caller ends the process. Errors: STATUS_UNAVAILABLE "front.*".
 */
#ifndef GATEHOUSE_CLI_DEMO_FRONT_H
#define GATEHOUSE_CLI_DEMO_FRONT_H

#include <sys/types.h>

#include "base/bytes.h"

constexpr uint32_t FRONT_USER = 70'411; /* where the demo was started as root */

/* On 127.0.0.1, at a port that is free. */
enum status front_listen(int *listener, uint16_t *port);

/* Borrowed while it is started. */
struct front {
	int listener;
	const char *port; /* of the gateway on 127.0.0.1 */
	const char *ca;   /* PEM: whose certificate the gateway has */
};
/* Started before there are keys in this process: it has none of them. */
enum status front_start(const struct front *front, pid_t *process);

#endif
