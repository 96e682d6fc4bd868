/*
 * Files of recovery keys, as `gatehouse recovery keygen` makes them: read by who seals for one, and by who opens with one.
 * Errors: "recovery_key.*".
 */
#ifndef GATEHOUSE_CLI_RECOVERY_KEY_H
#define GATEHOUSE_CLI_RECOVERY_KEY_H

#include "cli/command.h"
#include "crypto/kem.h"

enum status recovery_key_read_public(struct invocation *invocation, const char *path,
				     uint8_t public_key[static KEM_PUBLIC_SIZE]);
enum status recovery_key_read_private(struct invocation *invocation, const char *path, struct secret *private_key);

#endif
