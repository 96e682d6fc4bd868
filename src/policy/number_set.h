/* A set of numbers, as an array in ascending order, each once. The array is whoever's it is. */
#ifndef GATEHOUSE_POLICY_NUMBER_SET_H
#define GATEHOUSE_POLICY_NUMBER_SET_H

#include <stddef.h>
#include <stdint.h>

/* Makes one of an array in any order; yields how many are left at its front. */
size_t number_set_make(uint32_t *numbers, size_t count);
bool number_set_has(const uint32_t *numbers, size_t count, uint32_t number);

#endif
