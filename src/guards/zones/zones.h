/*
 * Zones and the networks that belong to them. The zone of an operation is the one registered with the requester's verified
 * key; the network that the gateway saw is only reported and can only narrow: a difference is the fact zone.mismatch.
 *
 * Networks are IPv4 or IPv6 prefixes that do not overlap between zones, so that an address has one zone or none.
 * Threads: one writer or many readers. Owner: zones own copies. Errors: "zones.*".
 */
#ifndef GATEHOUSE_GUARDS_ZONES_ZONES_H
#define GATEHOUSE_GUARDS_ZONES_ZONES_H

#include "base/bytes.h"

constexpr size_t ZONE_NETWORKS_MAX = 1024;        /* of all zones */
constexpr size_t ZONE_NETWORK_TEXT_SIZE = 46 + 4; /* an IPv6 address with its NUL, "/128" */

struct zone_network {
	char zone[65];
	uint8_t address[16];
	uint8_t prefix; /* bits */
	uint8_t length; /* 4 or 16 */
};

struct zones {
	struct zone_network *networks;
	size_t count;
};

void zones_free(struct zones *zones);                               /* a cleanup function */
enum status zones_copy(const struct zones *from, struct zones *to); /* to is empty */

/* "10.1.0.0/16" or "fd00::/8", host bits zero: "zones.network", "zones.host_bits"; "zones.overlap" with another network. */
enum status zones_add(struct zones *zones, struct bytes zone, struct bytes network);
/* As it is given to zones_add(). */
void zone_network_format(const struct zone_network *network, char text[static ZONE_NETWORK_TEXT_SIZE]);
/* For snapshots; read into empty ones. Errors: zones.snapshot (STATUS_CORRUPT, STATUS_UNSUPPORTED). */
enum status zones_write(const struct zones *zones, struct buffer *to);
enum status zones_read(struct zones *zones, struct bytes snapshot);
/* The zone of an address of 4 or 16 bytes (IPv4-mapped IPv6 counts as IPv4); empty if none. */
struct bytes zones_of_address(const struct zones *zones, struct bytes address);

#endif
