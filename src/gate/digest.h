/*
 * An opaque digest that somebody asks to have signed: nobody here knows what it is of. Only keys that were made for such sign it
 * (keys/key.h, purpose "digest"), and they sign nothing else.
 *
 * The payload is {"digest":"<64 hexadecimal digits>",["path":"m/…"]}, the result {"digest","path","public_key",["recovery"],
 * "scheme","signature"}. Errors: STATUS_INVALID "payload.digest", "payload.path", those of bip32.h.
 *
 * By ECDSA, (r, s) of the digest d under the key x + e is (r, s) of d + r·(e − e*) under x + e*. Whoever knows both e, as whoever has the
 * extended public key knows those of all steps that are not hardened, so has a signature that no policy was asked about, of a digest that it
 * did not choose. Where digests are decoded before they are signed that is of no use; of opaque ones nobody can say.
 */
#ifndef GATEHOUSE_GATE_DIGEST_H
#define GATEHOUSE_GATE_DIGEST_H

#include "base/arena.h"
#include "keys/key.h"

enum status digest_read(const json *payload, const struct key_info *key, struct signing_request *request);
/* STATUS_DENIED "digest.path": it has a step that is not hardened. */
enum status digest_check_path(const struct signing_request *request);
/* In the arena. */
enum status digest_result(struct arena *arena, const struct signing_request *request, const struct signature *signature,
			  struct bytes *result);
/* The signature of such a result, which verifies by the public key that it names. STATUS_INVALID "result.*", STATUS_UNAUTHORIZED
 * "signature.*". */
enum status digest_read_result(const json *result, const struct signing_request *request, struct signature *signature);

#endif
