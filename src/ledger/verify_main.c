/*
 * gatehouse-verify: the offline verifier as a program of its own, statically linked (docs/PROTOCOL.receipt). Its result must
 * not depend on the machine that it runs on, so the crypto library reads no configuration.
 */
#include <openssl/crypto.h>

#include "ledger/verify_command.h"

int
main(int argc, char **argv) {
	static char name[] = "gatehouse-verify";
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1)
		return 4;
	if (argc > 0)
		argv[0] = name; /* wherever it stands */
	return verify_command(argc, argv);
}
