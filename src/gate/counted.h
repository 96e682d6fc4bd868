/*
 * What other keepers have counted in the windows of limits, and this one has not: with it a keeper decides on the union of what
 * all signers know (docs/PROTOCOL.threshold §16).
 *
 * In memory only: peers tell it anew when this process or they have started. What each peer says is kept for itself, so that no
 * peer takes back, makes smaller or crowds out what another told; of what is told of one identity the greatest counts. Peers say
 * how long ago a spend was, by one clock, and it counts from so long before it was told by this keeper's clock: a spend leaves a
 * window here no sooner than there, whatever the two clocks say. Operations that the own limits hold count there and not here.
 *
 * Owner: copies. Threads: one. Errors: STATUS_NO_MEMORY; STATUS_TOO_LARGE "counted.full" beyond COUNTED_OPERATIONS_MAX of one peer.
 */
#ifndef GATEHOUSE_GATE_COUNTED_H
#define GATEHOUSE_GATE_COUNTED_H

#include "base/map.h"
#include "guards/limits/limits.h"

constexpr size_t COUNTED_OPERATIONS_MAX = 20'000;
constexpr size_t COUNTED_PARTIES_MAX = 32;

struct counted_spends {
	struct map by_telling; /* operation and party to struct counted_spend */
	size_t of_party[COUNTED_PARTIES_MAX + 1];
};

void counted_free(struct counted_spends *counted); /* a cleanup function */
/* The peer of this party (1 to 32) has counted this spend. */
enum status counted_add(struct counted_spends *counted, uint8_t party, const struct spend *spend);
/* It gave it back: nothing was released. */
void counted_withdraw(struct counted_spends *counted, uint8_t party, const uint8_t operation[32]);
/* Forgets whatever that peer has told. */
void counted_forget_party(struct counted_spends *counted, uint8_t party);
/* Cents of one subject in a window that ends at at_ms, of operations that own does not hold. Spends of one identity count as
 * the greatest of them; those of the given identity exclude the one asked about, and do not count. Without memory: more than any
 * limit lets through. */
int64_t counted_sum(const struct counted_spends *counted, const struct limits *own, enum limit_dimension dimension,
		    struct bytes subject, enum limit_window window, int64_t at_ms, const uint8_t *identity);
/* Drops what no window sees any more. */
void counted_expire(struct counted_spends *counted, int64_t now_ms);

#endif
