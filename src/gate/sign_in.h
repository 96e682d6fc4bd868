/*
 * Signing in: a passkey's assertion over a challenge of this process (identity/challenges.h) begins a session that reads.
 *
 * The body is {"assertion": {"authenticator_data", "client_data"}, "credential_id", "signature"}, hexadecimal. No person is named:
 * the credential says who it is. What becomes of it is an entry, with the assertion as evidence, before the session's token
 * leaves; replay verifies it again. docs/PROTOCOL.entries.
 *
 * Threads: sign_in_read() many at once; everything else in order. Errors: those of identity/challenges.h, gate/person_signature.h
 * and identity/passkey.h, which whoever asks is not told (keeper/signing_in.h).
 */
#ifndef GATEHOUSE_GATE_SIGN_IN_H
#define GATEHOUSE_GATE_SIGN_IN_H

#include "gate/gate.h"
#include "identity/challenges.h"

struct sign_in {
	struct discovered_signature discovered;
	struct bytes key_id; /* that signed in; empty until the signature holds */
	int assurance_level;
};

/* Form only: what is wrong with it does not depend on whom it names. */
enum status sign_in_read(struct arena *arena, struct bytes body, struct sign_in *sign_in);
/* The challenge is ours and fresh, and the signature holds. sign_in->key_id is set also where its key is not in force. */
enum status sign_in_verify(const struct gate *gate, struct arena *arena, const struct challenges *challenges,
			   int64_t now_ms, struct sign_in *sign_in);
/* In order: the key is still in force and past its waiting time, its counter goes on, the challenge is used now. Only then the
 * counter is kept: what follows is to be recorded. */
enum status sign_in_take(struct gate *gate, struct challenges *challenges, int64_t now_ms, struct sign_in *sign_in);

/* The bodies of both entries, which name the legal entity of whose key it is. session: its id, 16 bytes. */
enum status sign_in_write(const struct gate_state *state, const struct sign_in *sign_in, struct bytes session,
			  int64_t ends_ms, int64_t now_ms, struct buffer *body);
enum status sign_out_write(const struct gate_state *state, struct bytes key_id, struct bytes session, int64_t now_ms,
			   struct buffer *body);

#endif
