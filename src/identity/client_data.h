/*
 * What a browser says that it was asked (WebAuthn Level 3 §5.8.1, collected client data), and the checks of §7.1 steps 6 to 11 and
 * §7.2 steps 10 to 14: type, challenge, exact origin, not in a frame of another site.
 *
 * JSON in UTF-8, read strictly (no duplicates, no byte order mark); members beyond those that are checked are permitted, because
 * browsers add some at random. An origin is compared byte by byte: scheme, host and port.
 *
 * Views borrow from text and arena. Errors: STATUS_INVALID json.*, client_data.form; STATUS_UNAUTHORIZED client_data.type,
 * .challenge, .origin, .cross_origin.
 */
#ifndef GATEHOUSE_IDENTITY_CLIENT_DATA_H
#define GATEHOUSE_IDENTITY_CLIENT_DATA_H

#include "base/json.h"

constexpr size_t CLIENT_DATA_MAX = 4096;
constexpr size_t CHALLENGE_MAX = 64;

enum client_data_type { CLIENT_DATA_CREATE, CLIENT_DATA_GET }; /* webauthn.create, webauthn.get */

struct client_data {
	struct bytes type;
	struct bytes challenge; /* base64url, as it stands there */
	struct bytes origin;
	bool is_cross_origin; /* or says of which page it was a frame */
};

/* Form only. */
enum status client_data_read(struct arena *arena, struct bytes text, struct client_data *client_data);

enum status client_data_check_type(const struct client_data *client_data, enum client_data_type type);
/* challenge: at most CHALLENGE_MAX bytes, what was to be signed. */
enum status client_data_check_challenge(const struct client_data *client_data, struct bytes challenge);
/* One of the origins exactly, and no frame within another. */
enum status client_data_check_origin(const struct client_data *client_data, const char *const *origins, size_t count);

/* Whether an origin may speak for a relying party at all: https, and its host is rp_id or below it (§5.1.3 step 8); http where
 * rp_id is "localhost". Exact origins are configured; this holds for any of them, so that evidence can be checked without them.
 * client_data.origin. */
enum status client_data_check_relying_party(const struct client_data *client_data, struct bytes rp_id);

#endif
