/*
 * What can be seen to be impossible without a solver: literals of a conjunction that contradict each other, by intervals of
 * numbers and by truth. It never says impossible of what is possible.
 */
#ifndef GATEHOUSE_POLICY_PROVE_PRECHECK_H
#define GATEHOUSE_POLICY_PROVE_PRECHECK_H

#include "policy/prove/term.h"

/* All of the terms together. */
bool precheck_is_impossible(const struct term *const *terms, size_t count);

#endif
