/* Amounts as tests write them. */
#ifndef GATEHOUSE_MODEL_AMOUNT_TESTING_H
#define GATEHOUSE_MODEL_AMOUNT_TESTING_H

#include "model/amount.h"

/* Of decimal digits, below 2^256. */
static inline struct amount
amount_of_text(const char *text) {
	struct amount amount = {};
	for (; *text != '\0'; text++) {
		struct amount digit = amount_of((uint64_t)(*text - '0'));
		assert_in_range(*text, '0', '9');
		assert_true(amount_multiply_u64(&amount, 10, &amount) && amount_add(&amount, &digit, &amount));
	}
	return amount;
}

#endif
