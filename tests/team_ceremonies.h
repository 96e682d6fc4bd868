/*
 * For tests of whatever deals a key among keepers: the ceremonies, by ECDSA and FROST's schemes, what is asked for in each, and whether the key
 * signs. Keepers of tests/team.h, which permit everything (tests/frost_team.h). Include in place of both.
 */
#ifndef GATEHOUSE_TESTS_TEAM_CEREMONIES_H
#define GATEHOUSE_TESTS_TEAM_CEREMONIES_H

#include "tests/frost_team.h"

static const struct scheme KINDS[] = {
	{.key = "vault", .algorithm = "secp256k1", .name = "ecdsa", .sharing = KEY_SHARED_ECDSA},
	{"sol-vault", "ed25519", "ed25519", KEY_SHARED_ED25519, nullptr, nullptr},
	{"btc-vault", "secp256k1", "bip340", KEY_SHARED_BIP340, nullptr, nullptr},
};

/* What is done with a key that three of four keepers share, 2-of-3, or a new one. */
static const struct ceremony {
	const char *name, *parties, *threshold;
	unsigned members, dealers; /* bits by place */
	bool is_made, is_stated;
	size_t lost; /* 1 + the place of one that lost everything before */
} CEREMONIES[] = {
	{.name = "made, 3 of 4",
	 .parties = "\"one\",\"two\",\"three\",\"four\"",
	 .threshold = "3-of-4",
	 .members = 0b1111,
	 .dealers = 0b1111,
	 .is_made = true},
	{.name = "refreshed", .members = 0b0111, .dealers = 0b0011},
	{.name = "one comes in, one leaves",
	 .parties = "\"one\",\"two\",\"four\"",
	 .threshold = "2-of-3",
	 .members = 0b1011,
	 .dealers = 0b0011,
	 .is_stated = true},
	{.name = "one comes in, 3 of 4",
	 .parties = "\"one\",\"two\",\"three\",\"four\"",
	 .threshold = "3-of-4",
	 .members = 0b1111,
	 .dealers = 0b0011,
	 .is_stated = true},
	{.name = "repaired",
	 .parties = "\"one\",\"two\",\"three\"",
	 .threshold = "2-of-3",
	 .members = 0b0111,
	 .dealers = 0b0101,
	 .is_stated = true,
	 .lost = 2},
};

static inline bool
has(unsigned set, size_t at) {
	return (set >> at & 1) != 0;
}

/* --- What is asked for. --- */

static inline const char *
stated(struct team *team, const struct scheme *scheme, struct arena *arena) {
	_cleanup_(buffer_free) struct buffer key = {}, sharing = {};
	struct json_writer w;
	json_writer_start(&w, &key);
	key_write(&w, gate_state_key(state_of(team, 0), bytes_of_text(scheme->key)));
	assert_ok(json_writer_finish(&w));
	json_writer_start(&w, &sharing);
	sharing_write(&w, &key_at(team, 0, scheme)->sharing);
	assert_ok(json_writer_finish(&w));
	return arena_format(arena, "\"key\":%.*s,\"sharing\":%.*s,", BYTES_ARGS(key), BYTES_ARGS(sharing));
}

/* Asked of the first keeper. */
static inline struct firm_operation
ceremony_operation(struct team *team, const struct scheme *scheme, const struct ceremony *ceremony,
		   struct arena *arena) {
	const char *said = ceremony->is_stated ? stated(team, scheme, arena) : "", *payload = "{}";
	if (ceremony->is_made)
		payload = arena_format(arena,
				       "{\"algorithm\":\"%s\",\"id\":\"%s\",\"material\":\"single\",\"parties\":[%s],"
				       "\"purpose\":\"transfer\",\"scheme\":\"%s\",\"threshold\":\"%s\"}",
				       scheme->algorithm, scheme->key, ceremony->parties, scheme->name,
				       ceremony->threshold);
	else if (ceremony->parties != nullptr)
		payload = arena_format(arena, "{%s\"parties\":[%s],\"threshold\":\"%s\"}", said, ceremony->parties,
				       ceremony->threshold);
	return (struct firm_operation){.by = FIRM_PERSON_4,
				       .kind = ceremony->is_made              ? "key.create"
					       : ceremony->parties == nullptr ? "key.refresh"
									      : "key.reshare",
				       .resource = ceremony->is_made ? "account:options-hot"
								     : arena_format(arena, "key:%s", scheme->key),
				       .payload = payload,
				       .reason = "as planned"};
}

/* Four keepers that permit everything, with the key that the ceremony is of, and one that lost everything where it says so. */
static inline void
found_for_ceremony(struct team *team, const struct scheme *scheme, const struct ceremony *ceremony, uint64_t seed) {
	team_found(team, 4, seed);
	learn(team, 0);
	if (!ceremony->is_made)
		make_key_among(team, scheme, "\"one\",\"two\",\"three\"", "2-of-3");
	if (ceremony->lost != 0) {
		team_replace(team, ceremony->lost - 1, seed + 100);
		learn(team, ceremony->lost - 1);
	}
}

/* By libraries of neither FROST nor the gate, but for ECDSA's: there every keeper has verified with libsecp256k1 (team_vault.h). */
static inline void
assert_signs(struct team *team, size_t at, const struct scheme *scheme, uint32_t number) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	if (scheme->sharing != KEY_SHARED_ECDSA) {
		struct scheme known = scheme->sharing == KEY_SHARED_ED25519 ? SCHEMES[0] : SCHEMES[1];
		team_submit(team, at, transfer(team, &known, number, &arena), &arena, &response);
		assert_signed(team, at, &known, number, &arena, &response);
		return;
	}
	struct firm_operation asked = house_sign(house_transfer(&arena, 1, number, 30));
	asked.resource = "key:vault";
	team_submit(team, at, asked, &arena, &response);
	assert_answer(200, "done", &response);
	assert_true(says(&response, "\"transaction\":"));
}

#endif
