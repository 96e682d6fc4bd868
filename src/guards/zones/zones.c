#include "guards/zones/zones.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"

void
zones_free(struct zones *zones) {
	free(zones->networks);
	*zones = (struct zones){};
}

enum status
zones_copy(const struct zones *from, struct zones *to) {
	if (from->count == 0)
		return OK;
	to->networks = calloc(from->count, sizeof *to->networks);
	TRY_ALLOC(to->networks);
	memcpy(to->networks, from->networks, from->count * sizeof *to->networks);
	to->count = from->count;
	return OK;
}

static bool
same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits) {
	if (memcmp(a, b, bits / 8) != 0)
		return false;
	unsigned rest = bits % 8;
	return rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0;
}

static enum status
parse_network(struct bytes text, struct zone_network *network) {
	char copy[INET6_ADDRSTRLEN + 4];
	const uint8_t *slash = memchr(text.data, '/', text.len);
	if (slash == nullptr || text.len >= sizeof copy)
		return fail(STATUS_INVALID, "zones.network: expected a prefix such as 10.1.0.0/16");
	size_t address_len = (size_t)(slash - text.data);
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	copy[address_len] = '\0';
	const char *digits = copy + address_len + 1;
	size_t digit_count = strspn(digits, "0123456789");
	if (inet_pton(AF_INET, copy, network->address) == 1)
		network->length = 4;
	else if (inet_pton(AF_INET6, copy, network->address) == 1)
		network->length = 16;
	else
		return fail(STATUS_INVALID, "zones.network: \"%s\" is not an address", copy);
	if (digit_count == 0 || digit_count > 3 || digits[digit_count] != '\0' ||
	    (digit_count > 1 && digits[0] == '0') || atoi(digits) > network->length * 8)
		return fail(STATUS_INVALID, "zones.network: \"%s\" is not a prefix length of that address", digits);
	network->prefix = (uint8_t)atoi(digits);
	for (unsigned bit = network->prefix; bit < network->length * 8U; bit++)
		if (network->address[bit / 8] >> (7 - bit % 8) & 1)
			return fail(STATUS_INVALID, "zones.host_bits: \"%s\" has bits beyond its prefix", copy);
	return OK;
}

/* Of a network that is well-formed: no overlap with those that are there. */
static enum status
add_network(struct zones *zones, const struct zone_network *network) {
	if (zones->count == ZONE_NETWORKS_MAX)
		return fail(STATUS_TOO_LARGE, "zones.count: more than %zu networks", ZONE_NETWORKS_MAX);
	for (size_t i = 0; i < zones->count; i++) {
		const struct zone_network *other = &zones->networks[i];
		unsigned shorter = other->prefix < network->prefix ? other->prefix : network->prefix;
		if (other->length == network->length && same_prefix(other->address, network->address, shorter))
			return fail(STATUS_CONFLICT, "zones.overlap: it overlaps a network of zone \"%s\"",
				    other->zone);
	}
	struct zone_network *networks = reallocarray(zones->networks, zones->count + 1, sizeof *networks);
	TRY_ALLOC(networks);
	zones->networks = networks;
	zones->networks[zones->count++] = *network;
	return OK;
}

enum status
zones_add(struct zones *zones, struct bytes zone, struct bytes text) {
	struct zone_network network = {};
	if (zone.len == 0 || zone.len >= sizeof network.zone)
		return fail(STATUS_INVALID, "zones.zone: 1 to %zu characters", sizeof network.zone - 1);
	memcpy(network.zone, zone.data, zone.len);
	TRY(parse_network(text, &network));
	return add_network(zones, &network);
}

void
zone_network_format(const struct zone_network *network, char text[static ZONE_NETWORK_TEXT_SIZE]) {
	inet_ntop(network->length == 4 ? AF_INET : AF_INET6, network->address, text, INET6_ADDRSTRLEN);
	size_t len = strlen(text);
	snprintf(text + len, ZONE_NETWORK_TEXT_SIZE - len, "/%u", network->prefix);
}

/* --- Snapshots: version and number; per network zone, prefix length, length of the address and the address. --- */

static const char FIELD[] = "zones.snapshot";
constexpr uint8_t SNAPSHOT_VERSION = 1;

enum status
zones_write(const struct zones *zones, struct buffer *to) {
	buffer_append_byte(to, SNAPSHOT_VERSION);
	buffer_append_u32be(to, (uint32_t)zones->count);
	for (size_t i = 0; i < zones->count; i++) {
		const struct zone_network *network = &zones->networks[i];
		buffer_append_prefixed(to, bytes_of_text(network->zone));
		buffer_append_byte(to, network->prefix);
		buffer_append_byte(to, network->length);
		buffer_append(to, network->address, network->length);
	}
	return buffer_status(to);
}

static enum status
read_network(struct cursor *cursor, void *zones) {
	struct zone_network network = {};
	struct bytes zone;
	TRY(cursor_prefixed(cursor, FIELD, sizeof network.zone - 1, &zone));
	TRY(cursor_u8(cursor, FIELD, &network.prefix));
	TRY(cursor_u8(cursor, FIELD, &network.length));
	if (zone.len == 0 || memchr(zone.data, '\0', zone.len) != nullptr ||
	    (network.length != 4 && network.length != 16) || network.prefix > network.length * 8)
		return fail(STATUS_INVALID, "%s: no network", FIELD);
	memcpy(network.zone, zone.data, zone.len);
	TRY(cursor_copy(cursor, FIELD, network.address, network.length));
	return add_network(zones, &network);
}

enum status
zones_read(struct zones *zones, struct bytes snapshot) {
	return cursor_read_snapshot(snapshot, FIELD, SNAPSHOT_VERSION, read_network, zones);
}

struct bytes
zones_of_address(const struct zones *zones, struct bytes address) {
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* ::ffff:0:0/96, RFC 4291 §2.5.5.2 */
	if (address.len == 16 && memcmp(address.data, mapped, sizeof mapped) == 0)
		address = bytes_of(address.data + 12, 4);
	for (size_t i = 0; i < zones->count; i++) {
		const struct zone_network *network = &zones->networks[i];
		if (network->length == address.len && same_prefix(network->address, address.data, network->prefix))
			return bytes_of_text(network->zone);
	}
	return (struct bytes){};
}
