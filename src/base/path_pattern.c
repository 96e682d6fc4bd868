#include "base/path_pattern.h"

/* The next segment of a path that goes on with "/"; false where it does not. */
static bool
next_segment(struct bytes *path, struct bytes *segment) {
	if (path->len == 0 || path->data[0] != '/')
		return false;
	struct bytes rest = bytes_of(path->data + 1, path->len - 1);
	const uint8_t *slash = rest.len == 0 ? nullptr : memchr(rest.data, '/', rest.len);
	*segment = bytes_of(rest.data, slash == nullptr ? rest.len : (size_t)(slash - rest.data));
	*path = bytes_of(rest.data + segment->len, rest.len - segment->len);
	return true;
}

static bool
take_parameter(struct path_parameters *parameters, struct bytes value) {
	if (parameters->count == PATH_PARAMETERS_MAX)
		return false;
	parameters->values[parameters->count++] = value;
	return true;
}

bool
path_pattern_matches(const char *pattern, struct bytes path, struct path_parameters *parameters) {
	struct bytes left = bytes_of_text(pattern), wanted, segment;
	struct path_parameters found = {};
	while (next_segment(&left, &wanted)) {
		struct bytes before = path;
		if (!next_segment(&path, &segment) || (segment.len == 0 && wanted.len != 0))
			return false;
		bool takes_all = bytes_equal_text(wanted, "**");
		if (takes_all) {
			segment = bytes_of(before.data + 1, before.len - 1);
			path = (struct bytes){};
		}
		if (takes_all || bytes_equal_text(wanted, "*")) {
			if (!take_parameter(&found, segment))
				return false;
		} else if (!bytes_equal(wanted, segment))
			return false;
	}
	if (path.len != 0)
		return false;
	if (parameters != nullptr)
		*parameters = found;
	return true;
}
