/*
 * Shares at rest, from outside: what a stranger made never opens, and what was sealed here opens to the same.
 * Reader: keys/threshold/ecdsa/share_blob.c
 */
#include "keys/threshold/ecdsa/share.h"
#include "tests/fuzz.h"
#include "tests/threshold_parties.h"

static const struct bytes INSTANCE = {(const uint8_t *)"fuzz", 4};
static const uint8_t WRAPPING_KEY[32] = {1};
static struct ecdsa_key key;

static struct ecdsa_share *
make_share(void) {
	struct ecdsa_share *share = nullptr;
	struct scalar value = scalar_of(77);
	struct point point;
	key = (struct ecdsa_key){.id = "k", .threshold = 2, .epoch = 3, .holders = parties_up_to(2)};
	must(point_of_secret(&value, &point) == OK);
	point_write(&point, key.public_shares[0]);
	must(ecdsa_share_create(&share, &key, 1) == OK);
	*ecdsa_share_value(share) = value;
	memset(ecdsa_share_pair(share, 2)->zero_seed, 9, 32);
	ecdsa_share_pair(share, 2)->ready = true;
	return share;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct ecdsa_share *share;
	static struct buffer sealed;
	struct ecdsa_share *opened = nullptr;
	if (share == nullptr) {
		share = make_share();
		must(ecdsa_share_seal(share, WRAPPING_KEY, INSTANCE, &sealed) == OK);
	}
	must(ecdsa_share_open(&opened, &key, 1, WRAPPING_KEY, INSTANCE, bytes_of(data, size)) != OK &&
	     opened == nullptr);
	/* The input laid over an honest blob, from the place that its first two bytes say. */
	_cleanup_(buffer_free) struct buffer changed = {};
	buffer_append_bytes(&changed, buffer_bytes(&sealed));
	bool differs = false;
	for (size_t i = 2, at = size < 2 ? 0 : (size_t)data[0] << 8 | data[1]; i < size && at < changed.len;
	     i++, at++) {
		differs = differs || data[i] != 0;
		changed.data[at] ^= data[i];
	}
	enum status status = ecdsa_share_open(&opened, &key, 1, WRAPPING_KEY, INSTANCE, buffer_bytes(&changed));
	must((status == OK) == !differs);
	if (status == OK)
		must(memcmp(opened->memory.data, share->memory.data, share->memory.len) == 0);
	ecdsa_share_destroy(&opened);
	return 0;
}
