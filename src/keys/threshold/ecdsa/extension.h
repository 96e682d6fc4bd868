/*
 * SoftSpoken oblivious transfer extension: from all-but-one seeds, 512 correlated transfers at once.
 *
 * The receiver has choices x and gets rows v_j; the sender has Δ and gets rows q_j = v_j ⊕ x_j·Δ. Column 4i + b of V is
 * the sum of the streams of those leaves x of block i whose bit b is set, and u_i the sum of all its streams; the
 * receiver sends u_i ⊕ x for every block. The check: with χ from the hash of what was sent, the sums of χ_m · (128 bits
 * of a column), plus a last, random block, must fit for every column and the choices; what is sent of them is that sum
 * of the choices, and a hash over all columns' sums, which the sender computes from its own (never the check of KOS15,
 * whose proof is wrong). Each extension has a context of its own; with one context twice, Δ and choices would leak.
 * Errors: STATUS_UNAUTHORIZED "extension.check". Source: Roy, SoftSpokenOT, ePrint 2022/192, made non-interactive by
 * Fiat and Shamir's transformation.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_EXTENSION_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_EXTENSION_H

#include "keys/threshold/ecdsa/pprf.h"
#include "keys/threshold/randomness.h"

constexpr size_t EXTENSION_ROWS = 512;
constexpr size_t EXTENSION_COLUMN_SIZE = (EXTENSION_ROWS + OT_KAPPA) / 8; /* with the random block */

struct extension_message {
	uint8_t corrections[PPRF_BLOCKS][EXTENSION_COLUMN_SIZE];
	uint8_t choice_sum[16];
	uint8_t column_hash[32];
};

typedef uint8_t extension_row[OT_KAPPA / 8];

void extension_receive(struct oblivious *oblivious, const struct hash256 *context, const struct pprf_full *full,
		       const uint8_t choices[EXTENSION_ROWS / 8], const struct randomness *randomness,
		       struct extension_message *message, extension_row rows[EXTENSION_ROWS]);
enum status extension_send(struct oblivious *oblivious, const struct hash256 *context,
			   const struct pprf_punctured *punctured, const struct extension_message *message,
			   extension_row rows[EXTENSION_ROWS]);

#endif
