#include "tests/test.h"
#include "guards/zones/zones.h"

static struct bytes
zone_of(const struct zones *zones, const uint8_t *address, size_t len) {
	return zones_of_address(zones, bytes_of(address, len));
}

static void
an_address_has_the_zone_of_its_network_or_none(void **) {
	_cleanup_(zones_free) struct zones zones = {};
	assert_ok(zones_add(&zones, BYTES_OF_LITERAL("trading"), BYTES_OF_LITERAL("10.1.0.0/16")));
	assert_ok(zones_add(&zones, BYTES_OF_LITERAL("treasury"), BYTES_OF_LITERAL("10.2.3.128/25")));
	assert_ok(zones_add(&zones, BYTES_OF_LITERAL("office"), BYTES_OF_LITERAL("fd00:12::/32")));
	assert_bytes(BYTES_OF_LITERAL("trading"), zone_of(&zones, (uint8_t[]){10, 1, 255, 1}, 4));
	assert_bytes(BYTES_OF_LITERAL("treasury"), zone_of(&zones, (uint8_t[]){10, 2, 3, 200}, 4));
	assert_bytes(BYTES_OF_LITERAL(""), zone_of(&zones, (uint8_t[]){10, 2, 3, 127}, 4));
	assert_bytes(BYTES_OF_LITERAL("office"), zone_of(&zones, (uint8_t[16]){0xfd, 0, 0, 0x12, 5}, 16));
	assert_bytes(BYTES_OF_LITERAL("trading"), zone_of(&zones, (uint8_t[16]){[10] = 0xff, 0xff, 10, 1, 0, 9}, 16));
	assert_bytes(BYTES_OF_LITERAL(""), zone_of(&zones, (uint8_t[]){10, 1}, 2));
}

static void
bad_and_overlapping_networks_are_refused(void **) {
	static const struct {
		const char *network, *error;
		enum status status;
	} cases[] = {
		{"10.1.0.0", "zones.network", STATUS_INVALID},     {"10.1.0.0/33", "zones.network", STATUS_INVALID},
		{"10.1.0.0/", "zones.network", STATUS_INVALID},    {"10.1.0.0/+8", "zones.network", STATUS_INVALID},
		{"10.1.0.0/08", "zones.network", STATUS_INVALID},  {"10.1.0/16", "zones.network", STATUS_INVALID},
		{"x/16", "zones.network", STATUS_INVALID},         {"10.1.0.1/16", "zones.host_bits", STATUS_INVALID},
		{"fd00::1/64", "zones.host_bits", STATUS_INVALID}, {"10.0.0.0/8", "zones.overlap", STATUS_CONFLICT},
		{"10.1.2.0/24", "zones.overlap", STATUS_CONFLICT}, {"0.0.0.0/0", "zones.overlap", STATUS_CONFLICT},
	};
	_cleanup_(zones_free) struct zones zones = {};
	assert_ok(zones_add(&zones, BYTES_OF_LITERAL("trading"), BYTES_OF_LITERAL("10.1.0.0/16")));
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_fails(cases[i].status, cases[i].error,
			     zones_add(&zones, BYTES_OF_LITERAL("other"), bytes_of_text(cases[i].network)));
	assert_int_equal(1, zones.count);
}

RUN_TESTS(T(an_address_has_the_zone_of_its_network_or_none), T(bad_and_overlapping_networks_are_refused))
