#include "gate/key_address.h"

#include "crypto/sign.h"
#include "wallet/bitcoin/script.h"
#include "wallet/evm/address.h"
#include "wallet/solana/address.h"

static_assert(EVM_ADDRESS_TEXT_SIZE <= KEY_ADDRESS_SIZE && SOLANA_ADDRESS_TEXT_SIZE <= KEY_ADDRESS_SIZE);

static bool
bitcoin_address(enum bitcoin_template template, const uint8_t public_key[33], enum bitcoin_network network,
		char text[KEY_ADDRESS_SIZE]) {
	struct bitcoin_script script;
	return bitcoin_script_of_key(template, public_key, (struct bytes){}, &script) == OK &&
	       bitcoin_address_of_script(network, bitcoin_script_bytes(&script), text);
}

static bool
evm_address(struct bytes public_key, char text[KEY_ADDRESS_SIZE]) {
	uint8_t point[65];
	if (secp256k1_public_uncompressed(public_key, point) != OK)
		return false;
	struct evm_address address = evm_address_of_key(point);
	evm_address_format(&address, text);
	return true;
}

bool
key_address(const struct key_info *key, char text[KEY_ADDRESS_SIZE]) {
	bool is_unbound = key->chain[0] == '\0';
	enum bitcoin_network network = BITCOIN_MAIN;
	enum bitcoin_template template = key->sharing == KEY_SHARED_BIP340 ? BITCOIN_P2TR : BITCOIN_P2WPKH;
	if (key->material != KEY_MATERIAL_SINGLE || key->algorithm == KEY_P256 || key->public_key_len == 0)
		return false;
	if (key->algorithm == KEY_ED25519) {
		struct solana_address address;
		memcpy(address.bytes, key->public_key, sizeof address.bytes);
		solana_address_format(&address, text);
		return true;
	}
	if (!is_unbound && bitcoin_network_of_chain(bytes_of_text(key->chain), &network) == OK)
		return bitcoin_address(template, key->public_key, network, text);
	if (key->sharing == KEY_SHARED_BIP340)
		return is_unbound && bitcoin_address(template, key->public_key, network, text);
	return evm_address(key_public(key), text);
}

/* --- Below an extended key. --- */

constexpr uint32_t HARDENED = UINT32_C(1) << 31;
constexpr uint32_t COIN_BITCOIN = HARDENED; /* SLIP-44 */
constexpr uint32_t COIN_ETHEREUM = HARDENED | 60;

/* By the first step of the whole path. */
static const struct {
	uint32_t purpose;
	enum bitcoin_template template;
} purposes[] = {
	{HARDENED | 44, BITCOIN_P2PKH},       /* BIP-44 */
	{HARDENED | 49, BITCOIN_P2SH_P2WPKH}, /* BIP-49 */
	{HARDENED | 84, BITCOIN_P2WPKH},      /* BIP-84 */
	{HARDENED | 86, BITCOIN_P2TR},        /* BIP-86 */
};

/* Of the path from the master; 0, which is none that these are, where it is shorter. */
static uint32_t
step(const struct key_info *key, const struct signing_path *path, size_t at) {
	if (at < key->origin.count)
		return key->origin.steps[at];
	at -= key->origin.count;
	return at < path->count ? path->steps[at] : 0;
}

static bool
bitcoin_address_below(const struct key_info *key, const struct signing_path *path, const uint8_t public_key[33],
		      enum bitcoin_network network, char text[KEY_ADDRESS_SIZE]) {
	for (size_t i = 0; i < ARRAY_LENGTH(purposes); i++) {
		bool is_taproot = purposes[i].template == BITCOIN_P2TR;
		if (purposes[i].purpose != step(key, path, 0))
			continue;
		return key->sharing != (is_taproot ? KEY_SHARED_ECDSA : KEY_SHARED_BIP340) &&
		       bitcoin_address(purposes[i].template, public_key, network, text);
	}
	return false;
}

bool
key_address_below(const struct key_info *key, const struct signing_path *path, const uint8_t public_key[33],
		  char text[KEY_ADDRESS_SIZE]) {
	static const char evm[] = "eip155:";
	uint32_t coin = step(key, path, 1);
	enum bitcoin_network network;
	if (key->material != KEY_MATERIAL_EXTENDED || key->algorithm != KEY_SECP256K1)
		return false;
	if (key->chain[0] == '\0' && coin == COIN_BITCOIN)
		return bitcoin_address_below(key, path, public_key, BITCOIN_MAIN, text);
	if (key->chain[0] != '\0' && bitcoin_network_of_chain(bytes_of_text(key->chain), &network) == OK)
		return bitcoin_address_below(key, path, public_key, network, text);
	bool is_evm = key->chain[0] == '\0' ? step(key, path, 0) == (HARDENED | 44) && coin == COIN_ETHEREUM
					    : strncmp(key->chain, evm, sizeof evm - 1) == 0;
	return is_evm && key->sharing != KEY_SHARED_BIP340 && evm_address(bytes_of(public_key, 33), text);
}
