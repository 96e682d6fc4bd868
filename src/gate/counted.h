/*
 * What other keepers have counted in the windows of limits, and this one has not: with it a keeper decides on the union of what
 * all signers know (docs/PROTOCOL.threshold §16).
 *
 * In memory only: peers tell it anew when this process or they have started. It is kept per peer, so that a peer can only take
 * back what it told itself. Times are this keeper's own, of when it was told: a peer's clock moves nothing out of a window.
 * Operations that the own limits hold count there and not here.
 *
 * Owner: copies. Threads: one. Errors: STATUS_NO_MEMORY; STATUS_TOO_LARGE "counted.full" beyond COUNTED_OPERATIONS_MAX.
 */
#ifndef GATEHOUSE_GATE_COUNTED_H
#define GATEHOUSE_GATE_COUNTED_H

#include "base/map.h"
#include "guards/limits/limits.h"

constexpr size_t COUNTED_OPERATIONS_MAX = 100'000;

struct counted_spends {
	struct map by_operation; /* id to struct counted_spend */
};

void counted_free(struct counted_spends *counted); /* a cleanup function */
/* The peer of this party (1 to 32) has counted this spend, as of now_ms. */
enum status counted_add(struct counted_spends *counted, uint8_t party, const struct spend *spend, int64_t now_ms);
/* It gave it back: nothing was released. */
void counted_withdraw(struct counted_spends *counted, uint8_t party, const uint8_t operation[32]);
/* Whatever that peer has told. */
void counted_forget_party(struct counted_spends *counted, uint8_t party);
/* Cents of one subject in a window that ends at at_ms, of operations that own does not hold. Spends of one identity count as
 * the greatest of them; those of the given identity exclude the one asked about, and do not count. */
int64_t counted_sum(const struct counted_spends *counted, const struct limits *own, enum limit_dimension dimension,
		    struct bytes subject, enum limit_window window, int64_t at_ms, const uint8_t *identity);
/* Drops what no window sees any more. */
void counted_expire(struct counted_spends *counted, int64_t now_ms);

#endif
