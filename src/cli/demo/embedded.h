/* The files of examples/firm as they stood when the program was built (demo/embed.py): the demo needs nothing beside itself. */
#ifndef GATEHOUSE_CLI_DEMO_EMBEDDED_H
#define GATEHOUSE_CLI_DEMO_EMBEDDED_H

#include "base/bytes.h"

extern const struct bytes embedded_firm, embedded_policies;

#endif
