/*
 * Castagnoli CRC: names corruption in frames, in memory and on disk. It is no protection against an attacker.
 * Uses the processor's instruction where there is one. Source: RFC 3720 appendix B.4.
 */
#ifndef GATEHOUSE_BASE_CRC32C_H
#define GATEHOUSE_BASE_CRC32C_H

#include "base/bytes.h"

/* Start with 0; the result of one part is the start of the next. */
uint32_t crc32c(uint32_t crc, struct bytes data);

#endif
