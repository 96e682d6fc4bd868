#include "identity/authenticator_trust.h"

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
