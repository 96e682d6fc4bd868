#include "keys/threshold/frost/scheme.h"

const struct frost_suite *
frost_scheme_suite(enum frost_scheme scheme) {
	switch (scheme) {
	case FROST_SCHEME_ED25519:
		return &frost_ed25519;
	case FROST_SCHEME_BIP340:
		return &frost_secp256k1;
	}
	return nullptr;
}
