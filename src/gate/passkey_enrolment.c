#include "gate/passkey_enrolment.h"

#include "gate/hex_member.h"

enum status
passkey_enrolment_read(struct arena *arena, struct bytes instance, struct bytes person, const json *payload,
		       const char *const *origins, size_t origin_count, const struct authenticator_trust *trust,
		       int64_t at_ms, struct passkey_enrolment *enrolment) {
	struct relying_party party = {.origins = origins, .origin_count = origin_count};
	struct passkey_registration registration;
	struct hash256 challenge;
	struct bytes nonce;
	*enrolment = (struct passkey_enrolment){};
	TRY(json_need_string(payload, "payload", "name", &enrolment->name));
	TRY(json_need_string(payload, "payload", "rp_id", &party.id));
	TRY(json_need_integer(payload, "payload", "usable_from", &enrolment->usable_from_ms));
	TRY(hex_member_read(arena, payload, "payload", "nonce", 16, &nonce));
	TRY(hex_member_read(arena, payload, "payload", "attestation_object", ATTESTATION_OBJECT_MAX,
			    &registration.attestation_object));
	TRY(hex_member_read(arena, payload, "payload", "client_data", CLIENT_DATA_MAX, &registration.client_data));
	if (nonce.len != 16 || party.id.len > RP_ID_MAX || enrolment->usable_from_ms < 0)
		return fail(STATUS_INVALID, "payload.nonce: 16 bytes; rp_id at most %zu; usable_from a time",
			    RP_ID_MAX);
	TRY(passkey_enrolment_challenge(instance, person, enrolment->name, nonce.data, &challenge));
	return passkey_register(arena, &party, hash256_bytes(&challenge), &registration, trust, at_ms,
				&enrolment->passkey);
}
