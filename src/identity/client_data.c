#include "identity/client_data.h"

#include "base/base64url.h"

static const char *const TYPES[] = {[CLIENT_DATA_CREATE] = "webauthn.create", [CLIENT_DATA_GET] = "webauthn.get"};

/* crossOrigin is absent or false where no other site frames the page; topOrigin is there only where one does. */
static enum status
read_frame(const json *document, struct client_data *client_data) {
	const json *cross = json_get(document, "crossOrigin"), *top = json_get(document, "topOrigin");
	if (cross != nullptr && json_type_of(cross) != JSON_BOOLEAN)
		return fail(STATUS_INVALID, "client_data.form: crossOrigin is no boolean");
	client_data->is_cross_origin = top != nullptr || (cross != nullptr && json_boolean(cross));
	return OK;
}

enum status
client_data_read(struct arena *arena, struct bytes text, struct client_data *client_data) {
	const json *document;
	const struct {
		const char *name;
		struct bytes *to;
	} members[] = {
		{"type", &client_data->type},
		{"challenge", &client_data->challenge},
		{"origin", &client_data->origin},
	};
	*client_data = (struct client_data){};
	if (text.len > CLIENT_DATA_MAX)
		return fail(STATUS_INVALID, "client_data.form: %zu bytes, and at most %zu are read", text.len,
			    CLIENT_DATA_MAX);
	TRY(json_read(arena, text, (struct json_limits){}, &document));
	for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
		const json *value = json_get(document, members[i].name);
		if (value == nullptr || json_type_of(value) != JSON_STRING)
			return fail(STATUS_INVALID, "client_data.form: %s is missing or no string", members[i].name);
		*members[i].to = json_string(value);
	}
	return read_frame(document, client_data);
}

enum status
client_data_check_type(const struct client_data *client_data, enum client_data_type type) {
	if (!bytes_equal_text(client_data->type, TYPES[type]))
		return fail(STATUS_UNAUTHORIZED, "client_data.type: expected \"%s\", found \"%.*s\"", TYPES[type],
			    (int)(client_data->type.len > 32 ? 32 : client_data->type.len),
			    (const char *)client_data->type.data);
	return OK;
}

enum status
client_data_check_challenge(const struct client_data *client_data, struct bytes challenge) {
	char text[BASE64URL_LENGTH(CHALLENGE_MAX) + 1];
	if (challenge.len == 0 || challenge.len > CHALLENGE_MAX)
		return fail(STATUS_INTERNAL, "client_data.challenge: %zu bytes are no challenge", challenge.len);
	base64url_encode(challenge, text);
	if (!bytes_equal_text(client_data->challenge, text))
		return fail(STATUS_UNAUTHORIZED, "client_data.challenge: something else was signed");
	return OK;
}

enum status
client_data_check_origin(const struct client_data *client_data, const char *const *origins, size_t count) {
	if (client_data->is_cross_origin)
		return fail(STATUS_UNAUTHORIZED, "client_data.cross_origin: asked from within another site's page");
	for (size_t i = 0; i < count; i++)
		if (bytes_equal_text(client_data->origin, origins[i]))
			return OK;
	return fail(STATUS_UNAUTHORIZED, "client_data.origin: asked from \"%.*s\"",
		    (int)(client_data->origin.len > 128 ? 128 : client_data->origin.len),
		    (const char *)client_data->origin.data);
}

/* --- Origins and relying parties. --- */

static bool
take_prefix(struct bytes *text, const char *prefix) {
	size_t len = strlen(prefix);
	if (text->len < len || memcmp(text->data, prefix, len) != 0)
		return false;
	*text = bytes_of(text->data + len, text->len - len);
	return true;
}

/* ":" and one to five digits, or nothing. */
static bool
is_port(struct bytes text) {
	if (text.len == 0)
		return true;
	bool valid = text.len >= 2 && text.len <= 6 && text.data[0] == ':';
	for (size_t i = 1; valid && i < text.len; i++)
		valid = text.data[i] >= '0' && text.data[i] <= '9';
	return valid;
}

static bool
is_host_below(struct bytes host, struct bytes rp_id) {
	if (rp_id.len == 0 || host.len < rp_id.len ||
	    memcmp(host.data + host.len - rp_id.len, rp_id.data, rp_id.len) != 0)
		return false;
	return host.len == rp_id.len || host.data[host.len - rp_id.len - 1] == '.';
}

static bool
is_host(struct bytes host) {
	for (size_t i = 0; i < host.len; i++)
		if (!((host.data[i] >= 'a' && host.data[i] <= 'z') || (host.data[i] >= '0' && host.data[i] <= '9') ||
		      host.data[i] == '.' || host.data[i] == '-'))
			return false;
	return host.len > 0;
}

enum status
client_data_check_relying_party(const struct client_data *client_data, struct bytes rp_id) {
	struct bytes rest = client_data->origin;
	bool is_local = bytes_equal_text(rp_id, "localhost");
	bool known = take_prefix(&rest, "https://") || (is_local && take_prefix(&rest, "http://"));
	const uint8_t *colon = rest.len == 0 ? nullptr : memchr(rest.data, ':', rest.len);
	size_t len = colon == nullptr ? rest.len : (size_t)(colon - rest.data);
	struct bytes host = bytes_of(rest.data, len), port = bytes_of(rest.data + len, rest.len - len);
	if (client_data->is_cross_origin)
		return fail(STATUS_UNAUTHORIZED, "client_data.cross_origin: asked from within another site's page");
	if (!known || !is_host(host) || !is_port(port) || !is_host_below(host, rp_id))
		return fail(STATUS_UNAUTHORIZED, "client_data.origin: \"%.*s\" does not speak for \"%.*s\"",
			    (int)(client_data->origin.len > 128 ? 128 : client_data->origin.len),
			    (const char *)client_data->origin.data, (int)(rp_id.len > 128 ? 128 : rp_id.len),
			    (const char *)rp_id.data);
	return OK;
}
