/*
 * Bits of 128 columns into rows of 128 bits: row j has at place c the bit j of column c (least significant bit of the
 * first byte first). No branch or index on the content. SSE2 where it is part of the architecture; the portable way
 * gives the same.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_TRANSPOSE_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_TRANSPOSE_H

#include "base/bytes.h"

/* columns: 128 of stride bytes each; rows: a multiple of eight, at most 8 · stride. */
void transpose_columns(const uint8_t *columns, size_t stride, size_t rows, uint8_t (*to)[16]);
void transpose_columns_portable(const uint8_t *columns, size_t stride, size_t rows, uint8_t (*to)[16]);

#endif
