#include "identity/authenticator_trust.h"

#include "base/cursor.h"

void
authenticator_trust_free(struct authenticator_trust *trust) {
	size_t at = 0;
	void *value;
	while (map_next(&trust->models, &at, nullptr, &value)) {
		struct certificate_roots *roots = value;
		certificate_roots_destroy(&roots);
	}
	map_free(&trust->models);
}

enum status
authenticator_trust_set(struct authenticator_trust *trust, struct bytes aaguid, struct certificate_roots *roots) {
	void *before = nullptr;
	if (roots == nullptr) {
		before = map_remove(&trust->models, aaguid);
	} else {
		if (trust->models.count >= AUTHENTICATOR_MODELS_MAX && map_get(&trust->models, aaguid) == nullptr)
			return fail(STATUS_TOO_LARGE, "authenticator_trust.full: %zu models", AUTHENTICATOR_MODELS_MAX);
		TRY(map_put(&trust->models, aaguid, roots, &before));
	}
	struct certificate_roots *gone = before;
	certificate_roots_destroy(&gone);
	return OK;
}

const struct certificate_roots *
authenticator_trust_of(const struct authenticator_trust *trust, struct bytes aaguid) {
	return map_get(&trust->models, aaguid);
}

static bool
is_among(struct bytes certificate, const struct certificate_roots *roots) {
	struct cursor cursor = cursor_of(certificate_roots_encoding(roots));
	struct bytes one;
	while (cursor.left > 0 && cursor_prefixed(&cursor, "roots", SIZE_MAX, &one) == OK)
		if (bytes_equal(one, certificate))
			return true;
	return false;
}

bool
authenticator_trust_includes(const struct authenticator_trust *trust, struct bytes aaguid,
			     const struct certificate_roots *roots) {
	const struct certificate_roots *now = authenticator_trust_of(trust, aaguid);
	if (now == nullptr)
		return true;
	struct cursor cursor = cursor_of(certificate_roots_encoding(now));
	struct bytes one;
	while (cursor.left > 0)
		if (roots == nullptr || cursor_prefixed(&cursor, "roots", SIZE_MAX, &one) != OK ||
		    !is_among(one, roots))
			return false;
	return true;
}
