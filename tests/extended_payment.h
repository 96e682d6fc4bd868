/*
 * For tests of keys whose paths have no hardened steps: a PSBT that spends one coin of each kind that ECDSA signs, at m/0/…, pays
 * the address of BIP-173's examples, and sends change to m/1/5. Include after tests/test.h.
 */
#ifndef GATEHOUSE_TESTS_EXTENDED_PAYMENT_H
#define GATEHOUSE_TESTS_EXTENDED_PAYMENT_H

#include "tests/psbt_fixture.h"

constexpr size_t EXTENDED_COINS = 3;
constexpr uint64_t EXTENDED_COIN_SATS = 100'000;
constexpr uint64_t EXTENDED_FEE_SATS = 2'000;

typedef enum status extended_derive(const void *context, const struct signing_path *path, uint8_t public_key[33]);

/* change: the path that the change output says it is at; its key is that of m/1/5. */
static inline struct bytes
extended_payment(struct arena *arena, const uint8_t fingerprint[4], extended_derive *derive, const void *context,
		 const struct signing_path *change, uint32_t seed) {
	static const enum bitcoin_template kinds[EXTENDED_COINS] = {BITCOIN_P2PKH, BITCOIN_P2SH_P2WPKH, BITCOIN_P2WPKH};
	static const uint8_t payee[22] = {0x00, 0x14, 0x75, 0x1e, 0x76, 0xe8, 0x19, 0x91, 0x96, 0xd4, 0x54,
					  0x94, 0x1c, 0x45, 0xd1, 0xb3, 0xa3, 0x23, 0xf1, 0x43, 0x3b, 0xd6};
	static const struct signing_path change_key = {.steps = {1, 5}, .count = 2};
	struct psbt_fixture_coin coins[EXTENDED_COINS];
	for (uint32_t i = 0; i < EXTENDED_COINS; i++) {
		coins[i] = (struct psbt_fixture_coin){
			.template = kinds[i], .sats = EXTENDED_COIN_SATS, .path = {.steps = {0, i}, .count = 2}};
		assert_ok(derive(context, &coins[i].path, coins[i].public_key));
	}
	struct psbt_payment outputs[2] = {
		{.sats = 60'000, .script = BYTES_OF_ARRAY(payee)},
		{.sats = EXTENDED_COINS * EXTENDED_COIN_SATS - 60'000 - EXTENDED_FEE_SATS,
		 .is_change = true,
		 .template = BITCOIN_P2WPKH,
		 .path = *change},
	};
	assert_ok(derive(context, &change_key, outputs[1].public_key));
	struct psbt_fixture fixture = {.coins = coins,
				       .coin_count = EXTENDED_COINS,
				       .outputs = outputs,
				       .output_count = 2,
				       .sequence = 0xffff'fffd,
				       .lock_time = 840'000,
				       .seed = seed};
	struct bytes psbt;
	memcpy(fixture.fingerprint, fingerprint, sizeof fixture.fingerprint);
	assert_ok(psbt_fixture_build(arena, &fixture, &psbt));
	return psbt;
}

#endif
