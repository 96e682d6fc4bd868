#include "tests/test.h"

#include "identity/cookie.h"

static void
a_cookie_is_found_among_others(void **) {
	static const struct {
		const char *field, *value;
	} cases[] = {
		{"n=v", "v"},
		{"n=", ""},
		{"a=b; n=v", "v"},
		{"n=v; a=b", "v"},
		{"a=b; n=v=w; c=d", "v=w"},
		{"nn=x; n=v; N=y", "v"},
		{"a=\"quoted\"; n=a b,c", "a b,c"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct bytes value;
		assert_ok(cookie_find(bytes_of_text(cases[i].field), "n", &value));
		assert_bytes(bytes_of_text(cases[i].value), value);
	}
}

static void
what_is_no_cookie_field_is_refused_by_name(void **) {
	static const struct {
		const char *field;
		enum status status;
		const char *name;
	} cases[] = {
		{"", STATUS_NOT_FOUND, "cookie.absent"},
		{"a=b", STATUS_NOT_FOUND, "cookie.absent"},
		{"n", STATUS_INVALID, "cookie.form"},
		{"=v", STATUS_INVALID, "cookie.form"},
		{";", STATUS_INVALID, "cookie.form"},
		{"n=v;", STATUS_INVALID, "cookie.form"},
		{"n=v; ", STATUS_INVALID, "cookie.form"},
		{"n=v;a=b", STATUS_INVALID, "cookie.form"},
		{"n=v;  a=b", STATUS_INVALID, "cookie.form"},
		{" n=v", STATUS_INVALID, "cookie.form"},
		{"n =v", STATUS_INVALID, "cookie.form"},
		{"n(=v", STATUS_INVALID, "cookie.form"},
		{"n=\x01", STATUS_INVALID, "cookie.form"},
		{"n=\x7f", STATUS_INVALID, "cookie.form"},
		{"n=\\", STATUS_INVALID, "cookie.form"},
		{"n=\xc3\xa4", STATUS_INVALID, "cookie.form"},
		{"n=v; n=v", STATUS_INVALID, "cookie.duplicate"},
		{"n=v; a=b; n=w", STATUS_INVALID, "cookie.duplicate"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct bytes value;
		assert_fails(cases[i].status, cases[i].name, cookie_find(bytes_of_text(cases[i].field), "n", &value));
	}
}

RUN_TESTS(T(a_cookie_is_found_among_others), T(what_is_no_cookie_field_is_refused_by_name))
