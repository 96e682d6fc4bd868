/*
 * Whether a name that ends in an Ethereum address is written as facts write it: policies compare texts, and one in lower case, as others
 * export them, would never be equal to any. Whether the checksum holds is not looked at: a wrong one is a typing error, and no spelling.
 */
#ifndef GATEHOUSE_POLICY_HEX_ADDRESS_H
#define GATEHOUSE_POLICY_HEX_ADDRESS_H

#include "base/bytes.h"

constexpr size_t HEX_ADDRESS_SIZE = 2 + 40;

/* False: the last 42 characters are 0x and 40 hexadecimal digits, with letters, all of them lower or all upper case. */
static inline bool
hex_address_is_as_in_facts(struct bytes name) {
	bool lower = false, upper = false;
	if (name.len < HEX_ADDRESS_SIZE)
		return true;
	const uint8_t *text = name.data + name.len - HEX_ADDRESS_SIZE;
	if (text[0] != '0' || (text[1] | 0x20) != 'x')
		return true;
	for (size_t i = 2; i < HEX_ADDRESS_SIZE; i++) {
		if (text[i] >= '0' && text[i] <= '9')
			continue;
		if ((text[i] | 0x20) < 'a' || (text[i] | 0x20) > 'f')
			return true;
		lower |= text[i] >= 'a';
		upper |= text[i] < 'a';
	}
	return lower == upper;
}

#endif
