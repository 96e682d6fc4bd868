/*
 * Addresses that look like one another: people compare the first characters and the last. Whoever makes addresses until one begins and
 * ends like a counterparty's, and has it entered or copied in the place of that, is paid by whoever looks no closer.
 *
 * Two entries look alike where they are of one kind of chain (all of Ethereum's are one), and their addresses begin with the same
 * four characters and end with the same four, after what all of their kind begin with ("0x", "bc1q"), and are not the same.
 * Found views borrow from what was given. Threads: one. Errors: STATUS_NO_MEMORY.
 */
#ifndef GATEHOUSE_GUARDS_DESTINATIONS_LOOK_ALIKE_H
#define GATEHOUSE_GUARDS_DESTINATIONS_LOOK_ALIKE_H

#include "guards/destinations/destinations.h"

bool destinations_look_alike(struct bytes entry, struct bytes other);

/* Of entries that are to be added, the first that looks like one of any list, or like one before it; and which. Both are empty where
 * there is none. */
enum status destinations_find_look_alike(const struct destinations *destinations, const struct bytes *entries,
					 size_t count, struct bytes *entry, struct bytes *other);

#endif
