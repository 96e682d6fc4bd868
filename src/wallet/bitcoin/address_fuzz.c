/*
 * Reads the input as an address of each network, and as a script: an address that is read is written again in its one form, a
 * script that has an address is what that address is read to.
 * Reader: wallet/bitcoin/address.c
 */
#include "wallet/bitcoin/address.h"

#include "tests/fuzz.h"
#include "wallet/bitcoin/script.h"

static bool
equal_but_for_case(struct bytes text, const char *other) {
	return text.len == strlen(other) && strncasecmp((const char *)text.data, other, text.len) == 0;
}

static void
check_address(enum bitcoin_network network, struct bytes input) {
	uint8_t script[BITCOIN_ADDRESS_SCRIPT_MAX];
	char text[BITCOIN_ADDRESS_SIZE];
	size_t len;
	if (bitcoin_address_to_script(network, input, script, &len) == OK)
		must(bitcoin_address_of_script(network, bytes_of(script, len), text) &&
		     equal_but_for_case(input, text));
}

static void
check_script(enum bitcoin_network network, struct bytes input) {
	uint8_t script[BITCOIN_ADDRESS_SCRIPT_MAX];
	char text[BITCOIN_ADDRESS_SIZE];
	size_t len;
	if (!bitcoin_address_of_script(network, input, text))
		return;
	must(bitcoin_address_to_script(network, bytes_of_text(text), script, &len) == OK);
	must(bytes_equal(bytes_of(script, len), input));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	unsigned required, keys;
	struct bytes input = bytes_of(data, size);
	for (size_t i = 0; i < BITCOIN_NETWORK_COUNT; i++) {
		check_address((enum bitcoin_network)i, input);
		check_script((enum bitcoin_network)i, input);
	}
	enum bitcoin_network named;
	if (bitcoin_network_of_chain(input, &named) == OK)
		must(bytes_equal_text(input, bitcoin_network_chain(named)) && bitcoin_network_coin_type(named) <= 1);
	enum bitcoin_template template = bitcoin_script_template(input);
	must((template == BITCOIN_MULTISIG) == bitcoin_script_multisig(input, &required, &keys));
	must(bitcoin_script_payload(input).len <= size);
	return 0;
}
