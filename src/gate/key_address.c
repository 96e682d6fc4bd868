#include "gate/key_address.h"

#include "crypto/sign.h"
#include "wallet/bitcoin/script.h"
#include "wallet/evm/address.h"
#include "wallet/solana/address.h"

static_assert(EVM_ADDRESS_TEXT_SIZE <= KEY_ADDRESS_SIZE && SOLANA_ADDRESS_TEXT_SIZE <= KEY_ADDRESS_SIZE);

static bool
bitcoin_address(const struct key_info *key, enum bitcoin_network network, char text[KEY_ADDRESS_SIZE]) {
	enum bitcoin_template template = key->sharing == KEY_SHARED_BIP340 ? BITCOIN_P2TR : BITCOIN_P2WPKH;
	struct bitcoin_script script;
	return bitcoin_script_of_key(template, key->public_key, (struct bytes){}, &script) == OK &&
	       bitcoin_address_of_script(network, bitcoin_script_bytes(&script), text);
}

static bool
evm_address(const struct key_info *key, char text[KEY_ADDRESS_SIZE]) {
	uint8_t point[65];
	if (secp256k1_public_uncompressed(key_public(key), point) != OK)
		return false;
	struct evm_address address = evm_address_of_key(point);
	evm_address_format(&address, text);
	return true;
}

bool
key_address(const struct key_info *key, char text[KEY_ADDRESS_SIZE]) {
	bool is_unbound = key->chain[0] == '\0';
	enum bitcoin_network network = BITCOIN_MAIN;
	if (key->material != KEY_MATERIAL_SINGLE || key->algorithm == KEY_P256 || key->public_key_len == 0)
		return false;
	if (key->algorithm == KEY_ED25519) {
		struct solana_address address;
		memcpy(address.bytes, key->public_key, sizeof address.bytes);
		solana_address_format(&address, text);
		return true;
	}
	if (!is_unbound && bitcoin_network_of_chain(bytes_of_text(key->chain), &network) == OK)
		return bitcoin_address(key, network, text);
	if (key->sharing == KEY_SHARED_BIP340)
		return is_unbound && bitcoin_address(key, network, text);
	return evm_address(key, text);
}
