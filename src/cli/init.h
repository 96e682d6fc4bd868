/*
 * `gatehouse init`: the key ceremony that founds an installation. It makes the log's keys, maps the founding document to genesis,
 * has it signed by at least two of the people that it names, and writes entry 0. Before it no key exists; after it every change is an
 * operation.
 *
 * In one step, where the founders' key files are at hand:   init --founding FILE --sign-with KEYFILE --sign-with KEYFILE
 * In two, where they are not:   init --founding FILE --print-document > DOCUMENT
 *                               init sign DOCUMENT --with KEYFILE --out SIGNATURE      (each founder, on an own machine)
 *                               init --signature SIGNATURE --signature SIGNATURE
 *
 * The founding changes are applied to an empty gate first: what would not hold leaves nothing on disk. Errors: "init.*", those of
 * founding, genesis, installation and ledger.
 */
#ifndef GATEHOUSE_CLI_INIT_H
#define GATEHOUSE_CLI_INIT_H

#include "cli/command.h"
#include "keys/root_key.h"
#include "supervisor/config.h"

enum status init_run(struct invocation *invocation);
enum status init_sign_run(struct invocation *invocation);

/* The configuration that --config, $GATEHOUSE_CONFIG or the default name. */
const char *init_config_path(const struct invocation *invocation);

/* The root key's source and secret as the configuration says; a key file that is not there is made where may_make says so. */
enum root_key_source init_root_source(const struct config *config);
enum status init_read_root_secret(const struct config *config, bool may_make, struct secret *given);
/* Root makes what another user will own; who is not root keeps it. */
enum status init_give_away(const struct config *config);

#endif
