/*
 * gatehouse-verify: the offline verifier as a program of its own, statically linked (docs/PROTOCOL.receipt). Its result must
 * not depend on the machine that it runs on, so the crypto library reads no configuration.
 */
#include <openssl/crypto.h>

#include "ledger/verify_command.h"

int
main(int argc, char **argv) {
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1)
		return 4;
	return verify_command(argc, argv);
}
