/*
 * A keeper lies while a key is made or dealt anew among keepers, by ECDSA and FROST's schemes: among three and four, with who comes in, who
 * leaves, who lost everything, another threshold. Every field of every frame, as the tables of messages list them for the roles
 * of the two, is changed in what it says to another: the operation fails at all, for one and the same reason outside; nobody honest is named
 * in any log; nothing is left of the new shares, and the old ones sign on. In the end, without lies, it is done.
 * GATEHOUSE_SOAK=1: at the first, middle and last byte, between every two; else at one of these, once for each pair of roles.
 */
#include "tests/team_ceremonies.h"

#include <stdlib.h>

#include "keeper/threshold_internal.h"
#include "tests/team_log.h"
#include "tests/team_outward.h"

/* --- Lies. --- */

struct lie {
	size_t liar, victim, round, field, place;
	bool is_told, is_absent; /* it says nothing of that field to that one */
};

/* Of the dealing that a frame is of, at one keeper; null where it has not begun, or is over. */
static const struct exchange *
exchange_of(const struct team *team, size_t at, struct bytes frame) {
	struct message_header header;
	struct machine *machine;
	assert_ok(message_read_header(frame, &header));
	if (session_find_frame(team->members[at].house.keeper, &header.session_id, &machine) == nullptr)
		return nullptr;
	return machine->kind == MACHINE_DEALING ? dealing_exchange(machine->dealing)
						: frost_dealing_exchange(machine->frost_dealing);
}

static size_t
size_of(const struct message_field *field, const struct message_counts *counts) {
	return field->unit * (field->count == 0 ? 1 : (size_t)counts->counts[field->count]);
}

static bool
tell(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct lie *lie = team->context;
	if (lie->is_told || kind != PEER_PROTOCOL || from != lie->liar || to != lie->victim ||
	    body->data[6] == MESSAGE_ABORT)
		return true;
	const struct exchange *exchange =
		exchange_of(team, from, buffer_bytes(body)) ?: exchange_of(team, to, buffer_bytes(body));
	if (exchange == nullptr || exchange->protocol->kinds[lie->round].type != body->data[6])
		return true;
	const struct message_kind *message = &exchange->protocol->kinds[lie->round];
	const struct message_counts counts =
		exchange->protocol->counts(exchange->self, (uint8_t)(from + 1), (uint8_t)(to + 1));
	size_t at = MESSAGE_HEADER_SIZE, size = size_of(&message->fields[0], &counts);
	for (size_t i = 0; i < lie->field; i++) {
		at += size;
		size = size_of(&message->fields[i + 1], &counts);
	}
	/* Where it says nothing of this to that one it lies by its first field, so that nothing comes of the operation. */
	lie->is_told = true;
	lie->is_absent = size == 0;
	at = lie->is_absent ? MESSAGE_HEADER_SIZE : at + lie->place * (size - 1) / 2;
	assert_true(at < body->len);
	body->data[at] ^= 1;
	return true;
}

struct told {
	size_t fields, lies, named;
};

/* False: there is no such field. */
static bool
tell_one(struct team *team, const struct scheme *scheme, const struct ceremony *ceremony, struct lie lie,
	 struct told *told) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team->on_message = tell;
	team->context = &lie;
	team_do(team, 0, ceremony_operation(team, scheme, ceremony, &arena), &arena, &response);
	team->on_message = nullptr;
	if (!lie.is_told)
		fail_msg("%s, %s, round %zu, field %zu from %zu to %zu was not told", scheme->name, ceremony->name,
			 lie.round, lie.field, lie.liar, lie.victim);
	assert_answer(409, "failed", &response);
	assert_outward(&response, ceremony->name);
	struct hash256 id = id_of(&response);
	bool is_named = false;
	for (size_t i = 0; i < team->count; i++) {
		if (!has(ceremony->members, i))
			continue;
		const struct shared_key *key = key_at(team, i, scheme);
		bool has_old = !ceremony->is_made && i < 3 && i + 1 != ceremony->lost;
		assert_int_equal(OPERATION_FAILED, team_state(team, i, &id));
		assert_int_equal(has_old, key != nullptr && key->sharing.key.epoch == 1);
		assert_int_equal(has_old, has_row(team, i, arena_format(&arena, "%s/1", scheme->key)));
		assert_false(has_row(team, i, arena_format(&arena, "%s/2", scheme->key)));
		int64_t party = named_at(team, i);
		if (i != lie.liar && party > 0 && party != (int64_t)lie.liar + 1) /* which runs on as if it had not */
			fail_msg("%s, %s, round %zu, field %zu: keeper %zu names %lld", scheme->name, ceremony->name,
				 lie.round, lie.field, i, (long long)party);
		is_named = is_named || (i == lie.victim && party > 0);
	}
	told->lies += !lie.is_absent;
	told->named += !lie.is_absent && is_named;
	return !lie.is_absent;
}

/* What is left to the soak: others of each ceremony. */
static bool
is_skipped(const struct scheme *scheme, size_t number) {
	return !team_is_soak() && number % (scheme->sharing == KEY_SHARED_ECDSA ? 17 : 5) != 0;
}

static void
tell_all(struct team *team, const struct scheme *scheme, const struct ceremony *ceremony, size_t liar, size_t victim,
	 struct told *told) {
	bool is_ecdsa = scheme->sharing == KEY_SHARED_ECDSA;
	const struct message_kind *kinds = is_ecdsa ? DEALING_MESSAGES : FROST_DEALING_MESSAGES;
	const size_t rounds = is_ecdsa ? DEALING_ROUNDS : FROST_DEALING_ROUNDS;
	for (size_t round = 0; round < rounds; round++)
		for (size_t field = 0; field < kinds[round].field_count; field++) {
			size_t number = told->fields++;
			for (size_t place = 0; place < 3; place++)
				if (team_is_soak() || (place == number % 3 && !is_skipped(scheme, number)))
					if (!tell_one(team, scheme, ceremony,
						      (struct lie){.liar = liar,
								   .victim = victim,
								   .round = round,
								   .field = field,
								   .place = place},
						      told))
						break;
		}
}

/* Deals, held a share, lost it. */
static unsigned
role_of(const struct ceremony *ceremony, size_t at) {
	return (unsigned)(has(ceremony->dealers, at) | (at < 3) << 1 | (at + 1 == ceremony->lost) << 2);
}

static void
tell_in(const struct scheme *scheme, const struct ceremony *ceremony, uint64_t seed, struct told *told) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	bool was_seen[8][8] = {};
	struct ipc_response response;
	found_for_ceremony(&team, scheme, ceremony, seed);
	for (size_t liar = 0; liar < 4; liar++)
		for (size_t victim = 0; victim < 4; victim++) {
			bool *seen = &was_seen[role_of(ceremony, liar)][role_of(ceremony, victim)];
			if (liar == victim || !has(ceremony->members, liar) || !has(ceremony->members, victim) ||
			    (*seen && !team_is_soak()))
				continue;
			*seen = true;
			tell_all(&team, scheme, ceremony, liar, victim, told);
		}
	if (!ceremony->is_made)
		assert_signs(&team, 0, scheme, 1);
	team_do(&team, 0, ceremony_operation(&team, scheme, ceremony, &arena), &arena, &response);
	assert_answer(200, "done", &response);
	assert_signs(&team, 0, scheme, 2);
}

static void
tell_in_all(const struct scheme *scheme, struct told expected, size_t fields_in_soak) {
	struct told told = {};
	for (size_t i = 0; i < ARRAY_LENGTH(CEREMONIES); i++) {
		struct told before = told;
		/* Each by one of FROST's two; every other one by ECDSA. */
		if (!team_is_soak() && (scheme == &KINDS[0] ? i % 2 != 0 : scheme != &KINDS[1 + i % 2]))
			continue;
		tell_in(scheme, &CEREMONIES[i], 61 + i, &told);
		print_message("# %s, %s: %zu lies, %zu name the liar\n", scheme->name, CEREMONIES[i].name,
			      told.lies - before.lies, told.named - before.named);
	}
	print_message("# %s: %zu lies, %zu name the liar\n", scheme->name, told.lies, told.named);
	print_message("# result %s_lies_of_dealing_keepers %zu\n", scheme->name, told.lies);
	if (team_is_soak()) {
		assert_int_equal(3 * fields_in_soak, told.lies);
		return;
	}
	assert_int_equal(expected.lies, told.lies);
	assert_int_equal(expected.named, told.named);
}

static void
no_keeper_that_lies_gets_an_ecdsa_key_dealt(void **) {
	tell_in_all(&KINDS[0], (struct told){.lies = 7, .named = 4}, 498);
}

static void
no_keeper_that_lies_gets_an_ed25519_key_dealt(void **) {
	tell_in_all(&KINDS[1], (struct told){.lies = 13, .named = 7}, 288);
}

static void
no_keeper_that_lies_gets_a_bip340_key_dealt(void **) {
	tell_in_all(&KINDS[2], (struct told){.lies = 12, .named = 6}, 288);
}

RUN_TESTS(T(no_keeper_that_lies_gets_an_ecdsa_key_dealt), T(no_keeper_that_lies_gets_an_ed25519_key_dealt),
	  T(no_keeper_that_lies_gets_a_bip340_key_dealt))
