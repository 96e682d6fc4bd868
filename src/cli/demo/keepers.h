/*
 * `gatehouse demo --keepers`: three keepers, each with processes, a log and a directory of its own, make a key that exists nowhere whole and
 * sign with it; one dies in the middle of a signing, one is copied and put back, one has a policy of its own. Told and compared as
 * cli/demo/demo.h says.
 */
#ifndef GATEHOUSE_CLI_DEMO_KEEPERS_H
#define GATEHOUSE_CLI_DEMO_KEEPERS_H

#include "base/status.h"

/* Everything that it started has stopped when it returns. */
enum status keepers_demo(const char *amounts);

#endif
