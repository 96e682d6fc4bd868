#include "tests/test.h"

#include "base/path_pattern.h"

static void
a_path_matches_by_segments(void **) {
	static const struct {
		const char *pattern, *path, *parameters; /* each with a comma; null: no match */
	} cases[] = {
		{"/v1/keys", "/v1/keys", ""},
		{"/v1/keys", "/v1/keys/", nullptr},
		{"/v1/keys", "/v1/key", nullptr},
		{"/v1/keys", "/v1/keysx", nullptr},
		{"/v1/keys", "/v1", nullptr},
		{"/v1/keys", "v1/keys", nullptr},
		{"/v1/keys", "x/v1/keys", nullptr},
		{"/v1/keys", "", nullptr},
		{"/v1/keys", "/", nullptr},
		{"/", "/", ""},
		{"/", "", nullptr},
		{"/", "//", nullptr},
		{"/", "/v1", nullptr},
		{"/*", "/", nullptr},
		{"/v1/keys/*", "/v1/keys/eth-hot", "eth-hot,"},
		{"/v1/keys/*", "/v1/keys/", nullptr},
		{"/v1/keys/*", "/v1/keys//", nullptr},
		{"/v1/keys/*", "/v1/keys/a/b", nullptr},
		{"/v1/keys/*/derived", "/v1/keys/a/derived", "a,"},
		{"/v1/keys/*/derived", "/v1/keys//derived", nullptr},
		{"/*/b/*", "/a/b/c", "a,c,"},
		{"/*/*/*", "/a/b/c", nullptr}, /* more than a pattern may have */
		{"/tile/**", "/tile/0/x001/067", "0/x001/067,"},
		{"/tile/**", "/tile/0", "0,"},
		{"/tile/**", "/tile/", nullptr},
		{"/tile/**", "/tile//0", nullptr},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct path_parameters parameters = {.count = 99};
		_cleanup_(buffer_free) struct buffer text = {};
		bool matches = path_pattern_matches(cases[i].pattern, bytes_of_text(cases[i].path), &parameters);
		if (matches != (cases[i].parameters != nullptr))
			fail_msg("%s against %s", cases[i].path, cases[i].pattern);
		assert_int_equal(matches,
				 path_pattern_matches(cases[i].pattern, bytes_of_text(cases[i].path), nullptr));
		if (!matches) {
			assert_int_equal(99, parameters.count);
			continue;
		}
		for (size_t j = 0; j < parameters.count; j++) {
			buffer_append_bytes(&text, parameters.values[j]);
			buffer_append_byte(&text, ',');
		}
		assert_bytes(bytes_of_text(cases[i].parameters), buffer_bytes(&text));
	}
}

RUN_TESTS(T(a_path_matches_by_segments))
