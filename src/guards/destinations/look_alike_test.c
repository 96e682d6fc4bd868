#include "tests/test.h"

#include "guards/destinations/look_alike.h"

#define ETH "eip155:1:0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"

static void
what_begins_and_ends_alike_looks_alike(void **) {
	static const struct {
		const char *entry, *other;
		bool is_alike;
	} cases[] = {
		{ETH, "eip155:1:0xd8dA000000000000000000000000000000006045", true},
		{ETH, "eip155:1:0xD8DA000000000000000000000000000000006045", true},
		{ETH, "eip155:10:0xd8dA000000000000000000000000000000006045", true}, /* one key has it on all chains */
		{ETH, ETH, false},
		{ETH, "eip155:10:0xd8da6bf26964af9d7eed9e03e53415d37aa96045", false}, /* the same address */
		{ETH, "eip155:1:0xd8dB000000000000000000000000000000006045", false},
		{ETH, "eip155:1:0xd8dA000000000000000000000000000000006044", false},
		{"bitcoin:main:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
		 "bitcoin:main:bc1qw508aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaf3t4", true},
		{"bitcoin:main:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
		 "bitcoin:main:bc1pw508aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaf3t4", true},
		{"bitcoin:main:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
		 "bitcoin:main:bc1qw509aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaf3t4", false},
		{"bitcoin:main:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "bitcoin:main:1BvBaaaaaaaaaaaaaaaaaaaaaaaaaaNVN2",
		 true},
		{"bitcoin:main:1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "bitcoin:main:1Bvbaaaaaaaaaaaaaaaaaaaaaaaaaaanvn2",
		 false}, /* Base58 means its case */
		{"solana:main:4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T",
		 "solana:main:4Nd1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaDB4T", true},
		{"solana:main:4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T",
		 "bitcoin:main:4Nd1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaDB4T", false},
		{"eip155:1:0x1234567", "eip155:1:0x1234567", false}, /* too short to be told from itself */
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct bytes entry = bytes_of_text(cases[i].entry), other = bytes_of_text(cases[i].other);
		if (destinations_look_alike(entry, other) != cases[i].is_alike ||
		    destinations_look_alike(other, entry) != cases[i].is_alike)
			fail_msg("case %zu: %s, %s", i, cases[i].entry, cases[i].other);
	}
}

static void
the_first_of_all_is_found_in_any_list_and_among_the_new(void **) {
	_cleanup_(destinations_free) struct destinations lists = {};
	struct bytes known = bytes_of_text(ETH), entry, other;
	const struct bytes honest[] = {BYTES_OF_LITERAL("eip155:1:0x3535353535353535353535353535353535353535"),
				       BYTES_OF_LITERAL(ETH)};
	const struct bytes poisoned[] = {BYTES_OF_LITERAL("eip155:1:0xd8dA000000000000000000000000000000006045"),
					 BYTES_OF_LITERAL("eip155:1:0x3535353535353535353535353535353535353535"),
					 BYTES_OF_LITERAL("eip155:1:0x3535000000000000000000000000000000003535")};
	assert_ok(destinations_create_list(&lists, BYTES_OF_LITERAL("counterparties"), DESTINATIONS_ALLOWED, 1));
	assert_ok(destinations_create_list(&lists, BYTES_OF_LITERAL("blocked"), DESTINATIONS_SANCTIONED, 1));
	assert_ok(destinations_find_look_alike(&lists, poisoned, 1, &entry, &other));
	assert_int_equal(0, entry.len);
	assert_ok(destinations_add(&lists, BYTES_OF_LITERAL("blocked"), &known, 1, nullptr, 1));
	assert_ok(destinations_find_look_alike(&lists, honest, ARRAY_LENGTH(honest), &entry, &other));
	assert_int_equal(0, entry.len);
	assert_ok(destinations_find_look_alike(&lists, poisoned, 1, &entry, &other));
	assert_bytes(poisoned[0], entry);
	assert_bytes(known, other);
	assert_ok(destinations_find_look_alike(&lists, poisoned, ARRAY_LENGTH(poisoned), &entry, &other));
	assert_bytes(poisoned[2], entry); /* before 0xd8… */
	assert_bytes(poisoned[1], other);
}

RUN_TESTS(T(what_begins_and_ends_alike_looks_alike), T(the_first_of_all_is_found_in_any_list_and_among_the_new))
