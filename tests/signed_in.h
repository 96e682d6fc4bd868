/*
 * A house whose people have passkeys: what tests of signing in have in common. The clock is a test's own.
 */
#ifndef GATEHOUSE_TESTS_SIGNED_IN_H
#define GATEHOUSE_TESTS_SIGNED_IN_H

#include "identity/sessions.h"
#include "model/entry.h"
#include "tests/authenticator.h"
#include "tests/fault_io.h"
#include "tests/house.h"

#define SIGNED_IN_ORIGIN "https://" HOUSE_AUTHORITY
#define SIGNED_IN_RP_ID "127.0.0.1"
constexpr int64_t SIGNED_IN_HOUR_MS = 3'600'000;

struct signed_in {
	struct house house;
	struct fault_io fault;
	struct arena arena;
	struct authenticator authenticators[FIRM_MEMBERS];
	struct bytes certificate; /* reported with each request; empty: none */
	uint8_t peer[4];
};

/* Founded and open; person 2 has a passkey that counts. */
void signed_in_set_up(struct signed_in *s);
void signed_in_free(struct signed_in *s); /* a cleanup function */
void signed_in_enrol(struct signed_in *s, enum firm_member of);
/* Administers with two approvals of security. */
void signed_in_do(struct signed_in *s, const char *kind, const char *resource, const char *payload);
void signed_in_pass(struct signed_in *s, int64_t ms);

/* Signs by the member's passkey, as house.firm.sign with s as its signer. */
enum status signed_in_sign(void *s, enum firm_member by, const struct hash256 *digest, struct buffer *object);

/* A request without signature; cookie may be null. */
void signed_in_ask(struct signed_in *s, const char *method, const char *target, const char *cookie, struct bytes body,
		   struct ipc_response *response);
void signed_in_challenge(struct signed_in *s, uint8_t challenge[static 32]);
/* An assertion over that challenge, as the body of POST /v1/session, appended. */
void signed_in_body(struct signed_in *s, enum firm_member by, const uint8_t challenge[static 32], struct buffer *body);
/* The whole of it; the cookie as a browser sends it, in the arena. */
const char *signed_in_cookie(struct signed_in *s, enum firm_member by);
/* "name=value" of Set-Cookie, in the arena; null where there is none. */
const char *signed_in_set_cookie(struct signed_in *s, const struct ipc_response *response);
/* A target that is answered with that status to whoever has the cookie. */
void signed_in_read(struct signed_in *s, const char *cookie, const char *target, unsigned status);
/* A refusal of that name, which brings no cookie. */
void signed_in_assert_refused(struct signed_in *s, unsigned status, const char *problem,
			      const struct ipc_response *response);
/* How many entries of the type the log has. */
uint64_t signed_in_entries(struct signed_in *s, enum entry_type type);

#endif
