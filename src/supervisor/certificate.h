/*
 * A certificate for the gateway where none is configured: signed by itself, ECDSA P-256, for the authorities of the
 * installation, made anew at each start and kept over reloads. Clients pin it or are told to accept it; it proves continuity
 * within one run only. Source: RFC 5280.
 */
#ifndef GATEHOUSE_SUPERVISOR_CERTIFICATE_H
#define GATEHOUSE_SUPERVISOR_CERTIFICATE_H

#include "base/secret.h"

/* Both in PEM. authorities: "gate.example:8443", "127.0.0.1", "[::1]:1"; the port is left out. */
enum status certificate_create_self_signed(const char *const *authorities, size_t count, int days,
					   struct buffer *certificate, struct secret *key);

#endif
