/*
 * What other keepers have counted in the windows of limits, and this one has not: with it a keeper decides on the union of what
 * all signers know (docs/PROTOCOL.threshold §16).
 *
 * What they tell while a key's epoch lasts is in memory only, and told anew when this process or they have started: each counts what it
 * signs durably itself, and signers meet. What a holder tells as it leaves an epoch is *kept*: an entry of the log says it (gate/leaving.h),
 * and it stays for the week that a window sees.
 *
 * What each peer says is kept for itself, so that no peer takes back, makes smaller or crowds out what another told; of what is told of
 * one identity the greatest counts. Peers say how long ago a spend was, by one clock, and it counts from so long before it was told by
 * this keeper's clock: a spend leaves a window here no sooner than there, whatever the two clocks say. Operations that the own limits
 * hold count there and not here.
 *
 * Owner: copies. Threads: one. Errors: STATUS_NO_MEMORY; STATUS_TOO_LARGE "counted.full" beyond COUNTED_OPERATIONS_MAX or COUNTED_BYTES_MAX of one peer, or
 * beyond COUNTED_IDENTITIES_MAX of one operation; what is kept of another peer, as much or more, takes no room; of snapshots STATUS_INVALID "counted.snapshot".
 */
#ifndef GATEHOUSE_GATE_COUNTED_H
#define GATEHOUSE_GATE_COUNTED_H

#include "base/map.h"
#include "guards/limits/limits.h"

constexpr size_t COUNTED_OPERATIONS_MAX = 20'000;
constexpr size_t COUNTED_PARTIES_MAX = 32;
constexpr size_t COUNTED_BYTES_MAX = 64 << 20;
constexpr uint8_t COUNTED_IDENTITIES_MAX = 32; /* that one peer hands on of one operation: an honest one has told one */

struct counted_spends {
	struct map by_telling;  /* operation, party and number to struct counted_spend */
	struct map by_identity; /* to struct tellings */
	size_t of_party[COUNTED_PARTIES_MAX + 1], bytes_of_party[COUNTED_PARTIES_MAX + 1];
	size_t handed_on_by_party[COUNTED_PARTIES_MAX + 1]; /* beside those: of what is kept already */
};

void counted_free(struct counted_spends *counted); /* a cleanup function */
/* The peer of this party (1 to 32) has counted this spend. */
enum status counted_add(struct counted_spends *counted, uint8_t party, const struct spend *spend);
/* The same, and the log says so. */
enum status counted_keep(struct counted_spends *counted, uint8_t party, const struct spend *spend);
/* It gave it back: nothing was released. What is kept stays. */
void counted_withdraw(struct counted_spends *counted, uint8_t party, const uint8_t operation[32]);
/* It counts here, for good: what is not kept of it goes. */
void counted_forget(struct counted_spends *counted, const uint8_t operation[32]);
/* Forgets whatever that peer has told, but what is kept. */
void counted_forget_party(struct counted_spends *counted, uint8_t party);
/* Cents of each part's subject in the windows that end at at_ms, of operations that own does not hold: sums[part][window]. Spends of one
 * identity count as the greatest of them; those of asked's identity exclude it, and do not count. Takes as long as there are spends. */
void counted_sums(const struct counted_spends *counted, const struct limits *own, const struct spend *asked,
		  int64_t at_ms, int64_t (*sums)[LIMIT_WINDOWS]);
/* Drops what no window sees any more. */
void counted_expire(struct counted_spends *counted, int64_t now_ms);

typedef enum status counted_visitor(void *context, const struct spend *spend);
/* What that party told of a key, in the order of the operations' ids. */
enum status counted_visit(const struct counted_spends *counted, uint8_t party, struct bytes key, counted_visitor *visit,
			  void *context);
/* What is kept of a key and own does not hold, whoever told it: of one operation and identity the greatest of each part, and the last
 * time. In the order of the ids. */
enum status counted_visit_kept(const struct counted_spends *counted, const struct limits *own, struct bytes key,
			       counted_visitor *visit, void *context);

/* What is kept: the same spends give the same bytes; read where there are none. */
enum status counted_snapshot_write(const struct counted_spends *counted, struct buffer *to);
enum status counted_snapshot_read(struct counted_spends *counted, struct bytes snapshot);

#endif
