/*
 * A maker of authenticators, who vouches for the model of tests/authenticator.c: a root to pin, and a certificate below it that attests
 * (WebAuthn Level 3 §8.2, packed with x5c). Include after tests/test.h; the program is built with tests/certificates.c.
 */
#ifndef GATEHOUSE_TESTS_MAKER_H
#define GATEHOUSE_TESTS_MAKER_H

#include "tests/authenticator.h"
#include "tests/certificates.h"

#define MAKER_MODEL "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
constexpr long MAKER_TEN_YEARS_S = 10L * 365 * 24 * 3600; /* tests have clocks of their own */

struct maker {
	struct certificate_made root, leaf;
	struct authenticator_maker attests;
};

static inline void
maker_free(struct maker *maker) {
	certificate_made_free(&maker->root);
	certificate_made_free(&maker->leaf);
}

static inline void
maker_sign(const void *key, struct bytes message, struct buffer *signature) {
	certificate_sign(key, message, signature);
}

static inline void
maker_make(struct maker *maker) {
	*maker = (struct maker){};
	certificate_make(&(struct certificate_recipe){.subject = {"CN", "Root"},
						      .is_authority = true,
						      .starts_s = -MAKER_TEN_YEARS_S,
						      .ends_s = MAKER_TEN_YEARS_S},
			 &maker->root);
	certificate_make(&(struct certificate_recipe){.issuer = &maker->root,
						      .subject = {"C", "SE", "O", "Maker", "OU",
								  "Authenticator Attestation", "CN", "Model"},
						      .starts_s = -MAKER_TEN_YEARS_S,
						      .ends_s = MAKER_TEN_YEARS_S},
			 &maker->leaf);
	maker->attests = (struct authenticator_maker){buffer_bytes(&maker->leaf.der), &maker->leaf, maker_sign};
}

/* The payload of authenticator.trust, NUL-terminated: these makers are believed, and nobody else. */
static inline void
maker_trust(const struct maker *const *makers, size_t count, struct buffer *payload) {
	buffer_append_text(payload, "{\"aaguid\":\"" MAKER_MODEL "\",\"roots\":[");
	for (size_t i = 0; i < count; i++) {
		buffer_append_text(payload, i == 0 ? "\"" : ",\"");
		buffer_append_hex(payload, buffer_bytes(&makers[i]->root.der));
		buffer_append_text(payload, "\"");
	}
	buffer_append_text(payload, "]}");
	buffer_append_byte(payload, '\0');
	assert_ok(buffer_status(payload));
}

#endif
