#include "tests/test.h"

#include <stdio.h>

#include "base/io.h"
#include "crypto/sign.h"
#include "gate/keepers.h"
#include "gate/pledges.h"
#include "tests/remove_tree.h"

#define INSTANCE "northwind.example"
constexpr uint8_t HOLDERS = 4;

static struct gate_state state = {.instance = INSTANCE};
static uint8_t seeds[HOLDERS][32], publics[HOLDERS][32];

static struct pledge_keys
keys_of(size_t position) {
	struct pledge_keys keys = {.seed = seeds[position], .key = publics[position]};
	memset(seeds[position], 0x20 + (int)position, sizeof seeds[position]);
	assert_ok(ed25519_public_key(seeds[position], publics[position]));
	memset(keys.certificate.bytes, 0x60 + (int)position, sizeof keys.certificate.bytes);
	return keys;
}

/* "one" to "four", with indices that are not their places. */
static struct sharing
example_sharing(uint8_t threshold, uint8_t count) {
	static const char *const names[] = {"one", "two", "three", "four"};
	struct sharing sharing = {
		.key = {.id = "vault", .threshold = threshold, .epoch = 7, .holders = {.count = count}}};
	for (uint8_t i = 0; i < count; i++) {
		struct pledge_keys keys = keys_of(i);
		struct party *party = &sharing.key.holders.parties[i];
		party->index = (uint8_t)(2 * i + 1);
		memcpy(sharing.names[i], names[i], strlen(names[i]));
		keeper_identity(INSTANCE, names[i], party->index, &keys.certificate, keys.key, party->identity);
	}
	return sharing;
}

static struct pledge
signed_by(const struct sharing *sharing, const struct pledged *pledged, size_t position, enum pledge_word word) {
	struct pledge_keys keys = keys_of(position);
	struct pledge pledge;
	assert_ok(pledge_sign(&state, pledged, sharing, &sharing->key.holders.parties[position], word, &keys, &pledge));
	return pledge;
}

static void
a_pledge_holds_for_what_it_names_and_nothing_else(void **) {
	struct sharing sharing = example_sharing(2, 3), other;
	struct pledged pledged = {.operation = {{1}}, .digest = {{2}}, .sharing_hash = {{3}}}, changed;
	struct pledge keeps = signed_by(&sharing, &pledged, 1, PLEDGE_KEEPS),
		      never = signed_by(&sharing, &pledged, 1, PLEDGE_NEVER), bad;
	assert_ok(pledge_check(&state, &pledged, &sharing, &keeps));
	assert_ok(pledge_check(&state, &pledged, &sharing, &never));
	/* Another operation, digest, sharing, key, epoch. */
	for (size_t i = 0; i < sizeof pledged; i++) {
		changed = pledged;
		((uint8_t *)&changed)[i] ^= 1;
		assert_true(pledge_check(&state, &changed, &sharing, &keeps) != OK);
		bool names_it = i < offsetof(struct pledged, sharing_hash);
		assert_true((pledge_check(&state, &changed, &sharing, &never) != OK) == names_it);
	}
	other = sharing;
	other.key.id[0] = 'w';
	assert_true(pledge_check(&state, &pledged, &other, &keeps) != OK);
	other = sharing;
	other.key.epoch++;
	assert_true(pledge_check(&state, &pledged, &other, &keeps) != OK);
	static struct gate_state elsewhere = {.instance = "southwind.example"};
	assert_fails(STATUS_INVALID, "pledge.identity", pledge_check(&elsewhere, &pledged, &sharing, &keeps));
	/* The other word, another holder, other keys, another signature. */
	bad = keeps;
	bad.word = PLEDGE_NEVER;
	assert_true(pledge_check(&state, &pledged, &sharing, &bad) != OK);
	bad = keeps;
	bad.holder = 1;
	assert_fails(STATUS_INVALID, "pledge.identity", pledge_check(&state, &pledged, &sharing, &bad));
	bad.holder = 2;
	assert_fails(STATUS_INVALID, "pledge.holder", pledge_check(&state, &pledged, &sharing, &bad));
	bad = keeps;
	bad.certificate.bytes[31] ^= 1;
	assert_fails(STATUS_INVALID, "pledge.identity", pledge_check(&state, &pledged, &sharing, &bad));
	bad = keeps;
	memcpy(bad.key, publics[0], sizeof bad.key);
	assert_fails(STATUS_INVALID, "pledge.identity", pledge_check(&state, &pledged, &sharing, &bad));
	for (size_t i = 0; i < sizeof keeps.signature; i++) {
		bad = keeps;
		bad.signature[i] ^= 1;
		assert_true(pledge_check(&state, &pledged, &sharing, &bad) != OK);
	}
}

/* How many of the others must say never, so that an honest one is among them. */
static const struct {
	uint8_t threshold, count, never;
} hopeless[] = {{2, 2, 1}, {2, 3, 2}, {3, 3, 2}, {2, 4, 2}, {3, 4, 3}, {4, 4, 3}};

static void
all_keep_or_as_many_as_sign_never_will(void **) {
	struct pledged pledged = {};
	/* Where it is not known who is to keep, nobody does. */
	assert_false(pledges_are_complete(&(struct pledges){}, &(struct party_set){}));
	for (size_t row = 0; row < ARRAY_LENGTH(hopeless); row++) {
		struct sharing sharing = example_sharing(hopeless[row].threshold, hopeless[row].count);
		const struct party_set *holders = &sharing.key.holders;
		struct pledges keeping = {}, refusing = {};
		struct pledge own = signed_by(&sharing, &pledged, 0, PLEDGE_NEVER);
		assert_true(pledges_add(&refusing, &own)); /* does not count: it is the one that asks */
		for (size_t i = 0; i < holders->count; i++) {
			struct pledge keeps = signed_by(&sharing, &pledged, i, PLEDGE_KEEPS);
			assert_false(pledges_are_complete(&keeping, holders));
			assert_true(pledges_add(&keeping, &keeps));
			assert_false(pledges_add(&keeping, &keeps));
		}
		assert_true(pledges_are_complete(&keeping, holders));
		assert_false(pledges_are_hopeless(&keeping, &sharing, 1));
		for (size_t i = 1; i < holders->count; i++) {
			struct pledge never = signed_by(&sharing, &pledged, i, PLEDGE_NEVER);
			assert_int_equal(i > hopeless[row].never, pledges_are_hopeless(&refusing, &sharing, 1));
			assert_true(pledges_add(&refusing, &never));
			assert_int_equal(i >= hopeless[row].never, pledges_are_hopeless(&refusing, &sharing, 1));
		}
		assert_false(pledges_are_complete(&refusing, holders));
	}
}

/* --- Known answers: tests/vectors/threshold-pledges.json, which tests/threshold_pledge_vectors.py makes again in another language, from
 * docs/PROTOCOL.threshold §16. GATEHOUSE_WRITE_VECTORS=1 writes the file anew. --- */

static const struct pledged KNOWN = {.operation = {{1, [31] = 0xa1}}, .digest = {{2, [31] = 0xa2}}};

/* Times the generator. */
static void
write_point(uint64_t number, uint8_t to[POINT_SIZE]) {
	const struct scalar scalar = scalar_of(number);
	struct point point;
	assert_ok(point_of_secret(&scalar, &point));
	point_write(&point, to);
}

/* Of 2 of 3: the share of index i is 9 + i, the key 9. */
static struct sharing
known_sharing(void) {
	struct sharing sharing = example_sharing(2, 3);
	sharing.scheme = KEY_SHARED_ECDSA;
	memset(sharing.key.chain_code, 7, sizeof sharing.key.chain_code);
	write_point(9, sharing.key.public_key);
	for (size_t i = 0; i < sharing.key.holders.count; i++) {
		write_point(9U + sharing.key.holders.parties[i].index, sharing.key.public_shares[i]);
		sharing.admissions[i] = i + 1;
	}
	return sharing;
}

static void
write_parties(struct json_writer *w, const struct sharing *sharing) {
	json_write_key(w, "parties");
	json_write_array(w);
	for (size_t i = 0; i < sharing->key.holders.count; i++) {
		struct pledge_keys keys = keys_of(i);
		json_write_object(w);
		json_write_member_hex(w, "certificate", hash256_bytes(&keys.certificate));
		json_write_member_hex(w, "peer_key_seed", bytes_of(keys.seed, 32));
		json_write_end(w);
	}
	json_write_end(w);
}

/* What is known of a dealing, as it is stored: all have pledged to keep, and the first the other word as well. */
static void
write_row(struct json_writer *w, const struct pledged *pledged, const struct pledges *pledges) {
	_cleanup_(buffer_free) struct buffer row = {};
	char directory[] = "/tmp/gatehouse-pledges-XXXXXX", path[64], name[65];
	struct pledged read;
	struct pledges again;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/secrets.db", directory);
	assert_ok(secrets_open(io_system(), path, &state.secrets));
	assert_ok(pledges_store(&state, pledged, pledges));
	hex_encode(hash256_bytes(&pledged->operation), name);
	assert_ok(secrets_get(state.secrets, "pledge", bytes_of_text(name), &row));
	assert_ok(pledges_of_operation(&state, &pledged->operation, &read, &again));
	assert_memory_equal(pledged, &read, sizeof read);
	secrets_close(&state.secrets);
	assert_int_equal(0, remove_tree(directory));
	json_write_member_hex(w, "row", buffer_bytes(&row));
}

static void
write_known(struct json_writer *w) {
	_cleanup_(buffer_free) struct buffer text = {};
	const struct sharing sharing = known_sharing();
	struct pledged pledged = KNOWN;
	struct pledges pledges = {};
	struct json_writer of_sharing;
	assert_ok(sharing_hash(&sharing, &pledged.sharing_hash));
	json_writer_start(&of_sharing, &text);
	sharing_write(&of_sharing, &sharing);
	assert_ok(json_writer_finish(&of_sharing));
	for (size_t i = 0; i < 4; i++) {
		struct pledge pledge = signed_by(&sharing, &pledged, i % 3, i < 3 ? PLEDGE_KEEPS : PLEDGE_NEVER);
		assert_ok(pledge_check(&state, &pledged, &sharing, &pledge));
		assert_true(pledges_add(&pledges, &pledge));
	}
	json_write_object(w);
	json_write_member_hex(w, "digest", hash256_bytes(&pledged.digest));
	json_write_member_text(w, "instance", INSTANCE);
	json_write_member_hex(w, "operation", hash256_bytes(&pledged.operation));
	write_parties(w, &sharing);
	write_row(w, &pledged, &pledges);
	json_write_key(w, "sharing");
	json_write_canonical(w, buffer_bytes(&text));
	json_write_member_hex(w, "sharing_sha256", hash256_bytes(&pledged.sharing_hash));
	json_write_end(w);
}

static void
pledges_and_what_is_stored_of_them_are_the_recorded_ones(void **) {
	_cleanup_(buffer_free) struct buffer text = {}, recorded = {};
	struct json_writer w;
	char path[4096];
	json_writer_start(&w, &text);
	write_known(&w);
	assert_ok(json_writer_finish(&w));
	buffer_append_text(&text, "\n");
	snprintf(path, sizeof path, "%s/tests/vectors/threshold-pledges.json", test_source_root());
	if (getenv("GATEHOUSE_WRITE_VECTORS") != nullptr)
		assert_ok(io_replace_file(io_system(), path, buffer_bytes(&text)));
	assert_ok(io_read_file(io_system(), path, 1 << 20, &recorded));
	assert_bytes(buffer_bytes(&recorded), buffer_bytes(&text));
}

RUN_TESTS(T(a_pledge_holds_for_what_it_names_and_nothing_else), T(all_keep_or_as_many_as_sign_never_will),
	  T(pledges_and_what_is_stored_of_them_are_the_recorded_ones))
