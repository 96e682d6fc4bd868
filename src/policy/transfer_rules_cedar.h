/* Between transfer_rules.c, which reads, and transfer_rules_cedar.c, which compiles. */
#ifndef GATEHOUSE_POLICY_TRANSFER_RULES_CEDAR_H
#define GATEHOUSE_POLICY_TRANSFER_RULES_CEDAR_H

#include "base/bytes.h"

/* "account:hot" as an entity of a scope; asks: of who asks, else of where the key stands. False: it is none. */
bool transfer_rules_subject(struct bytes name, bool asks, const char **entity, bool *is_group, struct bytes *id);

#endif
