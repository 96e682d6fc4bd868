#include "tests/test.h"

#include "gateway/console.h"

/* --- What is asked for in the place of the console's own table --- */

const struct console_asset console_assets[] = {
	{"/", "text/html; charset=utf-8", "\"aa\"", false, BYTES_OF_LITERAL("<p>"), BYTES_OF_LITERAL("zip")},
	{"/assets/a-1.js", "text/javascript; charset=utf-8", "\"bb\"", true, BYTES_OF_LITERAL("a()"),
	 BYTES_OF_LITERAL("z")},
	{"/assets/saved.html", "text/html; charset=utf-8", "\"cc\"", false, BYTES_OF_LITERAL("<b>"),
	 BYTES_OF_LITERAL("zip"), "saved.html"},
};
const size_t console_asset_count = ARRAY_LENGTH(console_assets);

static struct buffer
answer_of(const char *path, const char *accept_encoding, const char *if_none_match, unsigned status) {
	struct buffer answer = {};
	const struct console_asset *asset = console_find(bytes_of_text(path));
	assert_non_null(asset);
	unsigned got = console_write(
		&answer, asset, accept_encoding == nullptr ? (struct bytes){} : bytes_of_text(accept_encoding),
		if_none_match == nullptr ? (struct bytes){} : bytes_of_text(if_none_match), false, 0);
	assert_int_equal(status, got);
	buffer_append_byte(&answer, '\0');
	assert_false(answer.failed);
	return answer;
}

static bool
has(const struct buffer *answer, const char *text) {
	return strstr((const char *)answer->data, text) != nullptr;
}

static void
only_what_is_in_the_table_is_found(void **) {
	assert_ptr_equal(&console_assets[1], console_find(BYTES_OF_LITERAL("/assets/a-1.js")));
	static const char *const others[] = {"", "/assets", "/assets/a-1.j", "/assets/a-1.jsx", "/index.html"};
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++)
		assert_null(console_find(bytes_of_text(others[i])));
}

static void
who_takes_gzip_gets_it_and_who_does_not_gets_the_plain_content(void **) {
	static const struct {
		const char *accepts;
		bool compressed;
	} cases[] = {
		{nullptr, false},
		{"", false},
		{"gzip", true},
		{"gzip, deflate, br", true},
		{"br;q=1.0, GZIP;q=0.8", true},
		{"br", false},
		{"gzip;q=0", false},
		{"gzip; q=0.000", false},
		{"gzip;q=0.001", true},
		{"xgzip", false},
		{"gzipx,br", false},
		{"identity,", false},
		{",,gzip", true},
		{"gzip;q=", true},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer answer = answer_of("/", cases[i].accepts, nullptr, 200);
		if (has(&answer, "Content-Encoding: gzip\r\n") != cases[i].compressed ||
		    !has(&answer,
			 cases[i].compressed ? "Content-Length: 3\r\n\r\nzip" : "Content-Length: 3\r\n\r\n<p>"))
			fail_msg("%s: %s", cases[i].accepts, answer.data);
		assert_true(has(&answer, "Vary: Accept-Encoding\r\n"));
	}
}

static void
what_the_browser_has_is_not_sent_again(void **) {
	static const struct {
		const char *if_none_match;
		unsigned status;
	} cases[] = {
		{nullptr, 200}, {"\"bb\"", 200}, {"W/\"aa\"", 304}, {"\"aa\"", 304}, {"\"x\", W/\"aa\"", 304},
		{"*", 304},     {"aa", 200},     {"W/", 200},       {",", 200},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(buffer_free) struct buffer answer =
			answer_of("/", "gzip", cases[i].if_none_match, cases[i].status);
		assert_true(has(&answer, "ETag: W/\"aa\"\r\n"));
		assert_int_equal(cases[i].status == 304, !has(&answer, "Content-Length"));
	}
}

static void
only_what_its_name_tells_apart_is_kept_for_ever(void **) {
	_cleanup_(buffer_free) struct buffer page = answer_of("/", nullptr, nullptr, 200);
	_cleanup_(buffer_free) struct buffer script = answer_of("/assets/a-1.js", nullptr, nullptr, 200);
	assert_true(has(&page, "Cache-Control: no-cache\r\n") && !has(&page, "immutable"));
	assert_true(has(&script, "Cache-Control: public, max-age=31536000, immutable\r\n"));
}

static void
what_is_to_be_opened_from_disk_is_saved_and_not_shown(void **) {
	_cleanup_(buffer_free) struct buffer saved = answer_of("/assets/saved.html", nullptr, nullptr, 200);
	_cleanup_(buffer_free) struct buffer page = answer_of("/", nullptr, nullptr, 200);
	assert_true(has(&saved, "Content-Disposition: attachment; filename=\"saved.html\"\r\n"));
	assert_false(has(&page, "Content-Disposition"));
}

static void
every_answer_keeps_the_browser_to_what_is_served_here(void **) {
	static const char *const fields[] = {
		"default-src 'none';",
		"script-src 'self';",
		"frame-ancestors 'none';",
		"require-trusted-types-for 'script';",
		"trusted-types 'none'",
		"X-Content-Type-Options: nosniff\r\n",
		"Referrer-Policy: no-referrer\r\n",
		"Cross-Origin-Opener-Policy: same-origin\r\n",
		"Cross-Origin-Resource-Policy: same-origin\r\n",
	};
	static const char *const tags[] = {nullptr, "\"aa\""};
	for (size_t i = 0; i < ARRAY_LENGTH(tags); i++) {
		_cleanup_(buffer_free) struct buffer answer =
			answer_of("/", nullptr, tags[i], tags[i] == nullptr ? 200 : 304);
		for (size_t j = 0; j < ARRAY_LENGTH(fields); j++)
			if (!has(&answer, fields[j]))
				fail_msg("no %s", fields[j]);
		assert_false(has(&answer, "unsafe") || has(&answer, "https:") || has(&answer, "data:"));
	}
}

int
main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_in_the_table_is_found),
		cmocka_unit_test(who_takes_gzip_gets_it_and_who_does_not_gets_the_plain_content),
		cmocka_unit_test(what_the_browser_has_is_not_sent_again),
		cmocka_unit_test(only_what_its_name_tells_apart_is_kept_for_ever),
		cmocka_unit_test(what_is_to_be_opened_from_disk_is_saved_and_not_shown),
		cmocka_unit_test(every_answer_keeps_the_browser_to_what_is_served_here),
	};
	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
