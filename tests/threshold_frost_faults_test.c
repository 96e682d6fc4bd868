/*
 * What goes wrong between keepers that share a key of FROST's schemes: every field changed on its way, in dealing and signing, frames that come
 * again, a machine that is copied, and a keeper that goes at any message.
 */
#include "tests/frost_team.h"

#include "keys/threshold/frost/frost_quorum.h"
#include "tests/team_log.h"
#include "tests/team_outward.h"

/* --- Checks of the protocols. --- */

/* Every field of every message of a dealing, in both directions: there is no key afterwards, nor a share of one; and then it is made. */
static void
a_changed_field_of_a_dealing_leaves_no_key_anywhere(void **) {
	size_t changes = 0;
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		size_t e = SCHEMES[s].sharing == KEY_SHARED_ED25519 ? 32 : 33;
		const struct {
			uint8_t type;
			size_t at[2];
		} fields[] = {
			{9, {0, 31}},                     /* commitment */
			{10, {0, 31}},                    /* echo */
			{10, {32, 63}},                   /* salt */
			{10, {64, 63 + 2 * e}},           /* coefficients */
			{10, {64 + 2 * e, 95 + 3 * e}},   /* proof */
			{10, {96 + 3 * e, 127 + 3 * e}},  /* chain */
			{10, {128 + 3 * e, 159 + 3 * e}}, /* share */
			{11, {0, 31}},                    /* transcript */
		};
		const char *attributes =
			SCHEMES[s].sharing == KEY_SHARED_ED25519
				? "\"algorithm\":\"ed25519\",\"material\":\"single\",\"purpose\":\"transfer\""
				: "\"algorithm\":\"secp256k1\",\"material\":\"single\",\"purpose\":\"transfer\"";
		team_found(&team, 2, 14);
		rule(&team, "");
		team.on_message = team_corrupt;
		for (size_t f = 0; f < ARRAY_LENGTH(fields); f++)
			for (size_t k = 0; k < 4; k++) {
				_cleanup_(arena_free) struct arena arena = {};
				struct ipc_response response;
				struct corruption corruption = {.from = k % 2,
								.to = 1 - k % 2,
								.at = fields[f].at[k / 2],
								.type = fields[f].type};
				team.context = &corruption;
				ask_key(&team, &SCHEMES[s], attributes, "2-of-2", &arena, &response);
				assert_true(corruption.is_done);
				assert_answer(409, "failed", &response);
				assert_outward(&response, SCHEMES[s].name);
				int64_t party = named_at(&team, corruption.to);
				assert_true(party == 0 || party == (int64_t)corruption.from + 1);
				for (size_t i = 0; i < 2; i++) {
					assert_null(key_at(&team, i, &SCHEMES[s]));
					assert_null(gate_state_key(state_of(&team, i), bytes_of_text(SCHEMES[s].key)));
					assert_false(has_row(&team, i, arena_format(&arena, "%s/1", SCHEMES[s].key)));
				}
				changes++;
			}
		team.on_message = nullptr;
		make_key(&team, &SCHEMES[s], "2-of-2");
	}
	assert_int_equal(64, changes);
}

/* --- What is changed on its way. --- */

/* Every field of every message, in both directions. Whom it reaches ends it, and names nobody but the one that changed something; what
 * is told outside is one of two answers, by whether a share had left, and the same whatever was changed. Nothing is signed but by whoever
 * got its part unchanged, and that is what was asked for. */
static void
a_changed_field_ends_it_and_names_nobody_else(void **) {
	static const struct {
		size_t at[3];
		size_t round;
		/* Of what is no point, or no share, the sender is named; what others cannot have seen names nobody. */
		bool never_names;
	} fields[2][4] = {
		{{{0, 16, 31}, 0, false}, {{32, 48, 63}, 0, false}, {{0, 16, 31}, 1, true}, {{32, 48, 63}, 1, false}},
		{{{0, 16, 32}, 0, false}, {{33, 49, 65}, 0, false}, {{0, 16, 31}, 1, true}, {{32, 48, 63}, 1, false}},
	};
	size_t changes = 0, named = 0, signatures = 0;
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		uint32_t number = 0;
		found(&team, 2, &SCHEMES[s], "2-of-2", 8);
		team.on_message = team_corrupt;
		for (size_t f = 0; f < ARRAY_LENGTH(fields[s]); f++)
			for (size_t k = 0; k < 6; k++) {
				_cleanup_(arena_free) struct arena arena = {};
				struct ipc_response response;
				struct corruption corruption = {.from = k % 2,
								.to = 1 - k % 2,
								.at = fields[s][f].at[k / 2],
								.type = FROST_QUORUM_MESSAGES[fields[s][f].round].type};
				team.context = &corruption;
				team_submit(&team, 0, transfer(&team, &SCHEMES[s], ++number, &arena), &arena,
					    &response);
				assert_true(corruption.is_done);
				struct hash256 id = id_of(&response);
				/* Of what is no element it is found before a share is made; else its own had left, and where the
				 * other has the signature it is shown it. */
				bool is_early = team_state(&team, corruption.to, &id) == OPERATION_FAILED;
				int64_t party =
					is_early ? named_at(&team, corruption.to) : named_open_at(&team, corruption.to);
				assert_int_equal(is_early, fields[s][f].round == 0 && party != 0);
				if (!is_early)
					assert_int_equal(fields[s][f].round == 0 ? OPERATION_UNKNOWN : OPERATION_DONE,
							 team_state(&team, corruption.to, &id));
				assert_int_equal(fields[s][f].round == 0 ? OPERATION_UNKNOWN : OPERATION_DONE,
						 team_state(&team, corruption.from, &id));
				if (fields[s][f].round == 1 && corruption.to == 1) {
					/* The one that was asked has all that it takes. */
					assert_signed(&team, 0, &SCHEMES[s], number, &arena, &response);
					signatures++;
				} else {
					bool is_failed = is_early && corruption.to == 0;
					assert_answer(is_failed ? 409 : 202, is_failed ? "failed" : "unknown",
						      &response);
					assert_outward(&response, SCHEMES[s].name);
				}
				if (party != 0 && party != (int64_t)corruption.from + 1)
					fail_msg("scheme %zu, field %zu: keeper %zu names %lld", s, f, corruption.to,
						 (long long)party);
				assert_true(party == 0 || !fields[s][f].never_names);
				if (f == 3) /* a wrong share is found out */
					assert_int_equal(corruption.from + 1, party);
				named += party != 0;
				changes++;
			}
		/* The key is as it was: nothing between the two was lost. */
		team.on_message = nullptr;
		sign(&team, 1, &SCHEMES[s], ++number);
	}
	print_message("%zu changes, %zu of them name the one that made them\n", changes, named);
	assert_int_equal(48, changes);
	assert_int_equal(12, signatures);
}

/* A share that has left is not made a second time: the same frames again, later, do nothing. */
struct recording {
	struct buffer bodies[16];
	size_t count;
};

static bool
record(struct team *team, size_t, size_t to, enum peer_kind kind, struct buffer *body) {
	struct recording *recording = team->context;
	if (to == 1 && (kind == PEER_PROTOCOL || kind == PEER_PROPOSE) && recording->count < 16)
		buffer_append_bytes(&recording->bodies[recording->count++], buffer_bytes(body));
	return true;
}

static void
frames_that_come_again_sign_nothing(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		struct recording recording = {};
		found(&team, 2, &SCHEMES[s], "2-of-2", 9);
		team.on_message = record;
		team.context = &recording;
		sign(&team, 0, &SCHEMES[s], 1);
		team.on_message = nullptr;
		assert_true(recording.count >= 3);
		for (unsigned starts = 0; starts < 2; starts++) {
			uint64_t before = team.messages;
			for (size_t i = 0; i < recording.count; i++)
				threshold_message(team.members[1].house.keeper, &team.members[1].peers[0],
						  recording.bodies[i].data[0] == 'G' ? PEER_PROTOCOL : PEER_PROPOSE,
						  buffer_bytes(&recording.bodies[i]));
			team_settle(&team);
			assert_int_equal(before, team.messages); /* not a word */
			team_stop(&team, 1);
			team_start(&team, 1);
			team_settle(&team);
		}
		for (size_t i = 0; i < recording.count; i++)
			buffer_free(&recording.bodies[i]);
		sign(&team, 0, &SCHEMES[s], 2);
	}
}

/* The machine of keeper two is copied after its nonces were drawn, before it has made its share. */
static bool
copy_machine(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	const int *file = team->context;
	if (from == 0 && to == 1 && kind == PEER_PROTOCOL && body->data[6] == FROST_QUORUM_MESSAGES[0].type)
		assert_ok(io_write_at(team->members[1].house.io, *file, 0, "2", 1));
	return true;
}

static void
nonces_sign_on_the_machine_that_drew_them_alone(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		int file;
		found(&team, 2, &SCHEMES[s], "2-of-2", 13);
		const struct io *io = team.members[1].house.io;
		assert_ok(io_open(io, arena_format(&arena, "%s/generation", team.members[1].house.data),
				  IO_READ | IO_WRITE | IO_CREATE, &file));
		assert_ok(io_write_at(io, file, 0, "1", 1));
		team.members[1].house.keeper->config.vm_generation =
			(struct vm_generation){.is_given = true, .file = file};
		sign(&team, 0, &SCHEMES[s], 1);
		team.on_message = copy_machine;
		team.context = &file;
		team_submit(&team, 0, transfer(&team, &SCHEMES[s], 2, &arena), &arena, &response);
		team.on_message = nullptr;
		/* The asker's share had left. */
		assert_answer(202, "unknown", &response);
		assert_true(log_says(&team, 0, ENTRY_CHECK, "\"check\":\"joint.generation: "));
		assert_true(log_says(&team, 0, ENTRY_CHECK, "(keeper two)\""));
		/* With nonces of its own the new machine signs. */
		sign(&team, 0, &SCHEMES[s], 3);
		assert_ok(io_close(io, file));
	}
}

/* --- A keeper that goes. --- */

/* Takes the power from one before a message. */
struct fall {
	size_t victim;
	uint64_t at, seen; /* messages of the protocol */
};

static bool
let_fall(struct team *team, size_t, size_t, enum peer_kind kind, struct buffer *) {
	struct fall *fall = team->context;
	if (kind != PEER_PROTOCOL && kind != PEER_PROPOSE && kind != PEER_ANSWER)
		return true;
	if (fall->seen++ == fall->at)
		team_stop(team, fall->victim);
	return team->members[fall->victim].is_open;
}

/* At every message, each of two: what was not signed is not signed later, and the next one is. */
static void
a_keeper_that_goes_in_the_middle_leaves_nothing_half_signed(void **) {
	for (size_t s = 0; s < ARRAY_LENGTH(SCHEMES); s++) {
		_cleanup_(team_free) struct team team;
		uint32_t number = 0;
		size_t falls = 0;
		found(&team, 3, &SCHEMES[s], "2-of-3", 10);
		for (size_t victim = 0; victim < 2; victim++)
			for (uint64_t at = 0;; at++) {
				_cleanup_(arena_free) struct arena arena = {};
				struct ipc_response response = {};
				struct fall fall = {.victim = victim, .at = at};
				set_apart(&team, 3, true);
				team.on_message = let_fall;
				team.context = &fall;
				struct firm_operation asked = transfer(&team, &SCHEMES[s], ++number, &arena);
				if (victim == 0)
					asked.idempotency_key = arena_format(&arena, "fall-%u", number);
				team_submit(&team, victim == 0 ? 1 : 0, asked, &arena, &response);
				team.on_message = nullptr;
				bool fell = !team.members[victim].is_open;
				if (fell) {
					team_start(&team, victim);
					falls++;
				} else
					assert_signed(&team, victim == 0 ? 1 : 0, &SCHEMES[s], number, &arena,
						      &response);
				set_apart(&team, 3, false);
				team_settle(&team);
				if (!fell)
					break;
				sign(&team, victim, &SCHEMES[s], ++number);
			}
		print_message("%s: %zu falls\n", SCHEMES[s].name, falls);
		assert_true(falls >= 8);
	}
}

RUN_TESTS(T(a_changed_field_of_a_dealing_leaves_no_key_anywhere), T(a_changed_field_ends_it_and_names_nobody_else),
	  T(frames_that_come_again_sign_nothing), T(nonces_sign_on_the_machine_that_drew_them_alone),
	  T(a_keeper_that_goes_in_the_middle_leaves_nothing_half_signed))
