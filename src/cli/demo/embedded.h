/* The files of examples/firm as they stood when the program was built (scripts/embed.py): the demo needs nothing beside itself. */
#ifndef GATEHOUSE_CLI_DEMO_EMBEDDED_H
#define GATEHOUSE_CLI_DEMO_EMBEDDED_H

#include "base/bytes.h"

extern const struct bytes embedded_firm, embedded_bundle, embedded_policies, embedded_invariants;

#endif
