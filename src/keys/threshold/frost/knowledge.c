#include "keys/threshold/frost/knowledge.h"

#include "base/secret.h"
#include "crypto/declassify.h"
#include "keys/threshold/frost/key_share.h"

static struct frost_scalar
challenge(const struct frost_suite *suite, const struct protocol_session *session, uint8_t prover,
	  const struct frost_element *statement, const struct frost_element *nonce) {
	struct hash256 hash = SESSION_HASH(session, "gatehouse/threshold/frost/knowledge/v1", bytes_of(&prover, 1),
					   frost_element_bytes(suite, statement), frost_element_bytes(suite, nonce));
	const struct bytes part = hash256_bytes(&hash);
	return suite->binding(&part, 1);
}

enum status
frost_knowledge_prove(const struct frost_suite *suite, const struct protocol_session *session, uint8_t prover,
		      const struct frost_scalar *secret, const struct frost_element *statement,
		      const struct randomness *randomness, uint8_t proof[FROST_PROOF_MAX]) {
	struct frost_scalar nonce = frost_scalar_random(suite, randomness);
	struct frost_element element;
	enum status status = suite->element_of(&nonce, &element);
	if (status == OK) {
		struct frost_scalar response = challenge(suite, session, prover, statement, &element);
		response = suite->multiply(&response, secret);
		response = suite->add(&response, &nonce);
		memcpy(proof, element.bytes, suite->element_size);
		memcpy(proof + suite->element_size, response.bytes, sizeof response.bytes);
		declassify(proof, suite->element_size + sizeof response.bytes);
	}
	secret_wipe(&nonce, sizeof nonce);
	return status;
}

enum status
frost_knowledge_verify(const struct frost_suite *suite, const struct protocol_session *session, uint8_t prover,
		       const struct frost_element *statement, const uint8_t *proof) {
	struct frost_element nonce, left, right;
	struct frost_scalar response;
	if (suite->element_read(proof, &nonce) != OK ||
	    suite->scalar_read(proof + suite->element_size, &response) != OK)
		return fail(STATUS_UNAUTHORIZED, "frost_knowledge.proof: of party %u is none", prover);
	const struct frost_scalar factor = challenge(suite, session, prover, statement, &nonce);
	if (suite->element_of(&response, &left) != OK || suite->element_multiply(statement, &factor, &right) != OK ||
	    suite->element_add(&right, &nonce, &right) != OK || memcmp(&left, &right, suite->element_size) != 0)
		return fail(STATUS_UNAUTHORIZED, "frost_knowledge.proof: of party %u does not hold", prover);
	return OK;
}
