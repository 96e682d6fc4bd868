/*
 * Where the installation is and who asks: a small strict YAML file, every member of which an option can replace.
 *
 *   url: https://gate.example:8443
 *   authority: gate.example:8443          # default: host and port of the URL
 *   instance: northwind.example           # what operations and votes are signed for
 *   key: anna.json                        # relative to this file
 *   pin: 3f…                              # SHA-256 of the server's certificate; or
 *   ca: authority.pem                     # who signed it; neither: the system's authorities
 *   source: 10.1.0.7                      # the own address to connect from: the gate sees in which zone it is
 *
 * The instance is never asked from the server: a person who is led to another one would sign for it. Errors: "profile.*", "yaml.*".
 */
#ifndef GATEHOUSE_CLI_PROFILE_H
#define GATEHOUSE_CLI_PROFILE_H

#include "cli/command.h"
#include "crypto/hash.h"

struct profile {
	const char *host; /* of the URL: name, or address without brackets */
	const char *port;
	const char *authority;
	const char *instance; /* null: not given */
	const char *key;      /* null: not given */
	const char *ca;
	const char *source; /* the own address to connect from; null: the system's choice */
	bool has_pin;
	struct hash256 pin;
	bool insecure_demo;
};

/* Everything lives in the invocation's arena. A profile that was named must exist; the default one need not. */
enum status profile_read(struct invocation *invocation, struct profile *profile);
/* STATUS_INVALID "profile.instance" where none was given. */
enum status profile_need_instance(const struct profile *profile);

#endif
