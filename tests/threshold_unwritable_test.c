/*
 * A check of ECDSA's protocols has failed, and what it cost cannot be written: the pair is gone in this process, nobody hears that it is,
 * nothing is signed or prepared with the key here until it can be written, and others sign meanwhile. A process that could not write it
 * either speaks to nobody. The same of what a dealing is made from. The keepers
 * are those of tests/team.h.
 */
#include "tests/test.h"
#include "tests/refusing_io.h"
#include "tests/team_limits.h"
#include "tests/team_log.h"

#include <sys/mman.h>

#include "base/ipc_messages.h"
#include "keeper/peer_link.h"
#include "keeper/peer_set.h"
#include "keeper/threshold_internal.h"

constexpr size_t WHO = 0;    /* its disk */
constexpr size_t LIAR = 1;   /* lies to it */
constexpr size_t OTHER = 2;  /* sees nothing of it */
constexpr size_t UNTIL = 16; /* seconds, in each of which a failed write is tried again */
constexpr uint8_t SIGN_MULTIPLY = 6;

static struct refusing_io disk;

/* What it is told wrongly, once, and what it says from then on. */
struct lie {
	uint8_t type; /* of the frame, */
	size_t at;    /* and where */
	bool hides;   /* who lies has the signature, and shows it to nobody */
	bool is_told;
	size_t said, aborts, refusals, pairs, begun;
	struct buffer frame; /* what was told */
};

static bool
lie_and_listen(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct lie *lie = team->context;
	if (!lie->is_told && kind == PEER_PROTOCOL && from == LIAR && to == WHO && body->data[6] == lie->type) {
		body->data[MESSAGE_HEADER_SIZE + lie->at] ^= 1;
		buffer_append_bytes(&lie->frame, buffer_bytes(body));
		lie->is_told = disk.refuses = true;
		return true;
	}
	if (lie->hides && from == LIAR && kind == PEER_ANSWER &&
	    (body->data[0] == ANSWER_SIGNED || body->data[0] == ANSWER_SHOWN))
		return false;
	if (!lie->is_told || from != WHO)
		return true;
	lie->said++;
	lie->aborts += kind == PEER_PROTOCOL && body->data[6] == MESSAGE_ABORT && to == LIAR;
	lie->begun += kind == PEER_PROTOCOL && body->data[6] == 5; /* sign.start */
	lie->begun += kind == PEER_PROPOSE && body->data[0] == PROPOSE_PREPARE;
	lie->refusals += kind == PEER_ANSWER && body->data[0] == ANSWER_REFUSED;
	lie->pairs += kind == PEER_ANSWER && body->data[0] == ANSWER_PAIRS;
	return true;
}

static void
found_with(struct team *team, uint64_t seed, const char *name) {
	team_found(team, 3, seed);
	team_stop(team, WHO);
	refusing_io_start(&disk, team->members[WHO].house.io, name);
	team->members[WHO].house.io = &disk.io;
	team_start(team, WHO);
	team_settle(team);
}

static struct keeper *
keeper_at(struct team *team, size_t at) {
	return team->members[at].house.keeper;
}

static bool
is_ready(struct team *team, size_t at, size_t with) {
	return shared_key_is_ready_with(vault_at(team, at), (uint8_t)(with + 1));
}

static void
wait_for_tries(struct team *team) {
	for (size_t i = 0; i < UNTIL; i++) {
		team_pass_ms(team, 1'000);
		team_settle(team);
	}
}

/* What is ready for it and the liar. */
static size_t
count_ready(struct team *team) {
	struct party_set signers;
	assert_ok(party_set_choose(&vault_at(team, WHO)->sharing.key.holders, (const uint8_t[]){WHO + 1, LIAR + 1}, 2,
				   &signers));
	return pool_count(keeper_at(team, WHO), BYTES_OF_LITERAL("vault"), &signers);
}

static bool
count_entry(void *context, struct bytes body) {
	*(size_t *)context += memmem(body.data, body.len, "\"shared_key\":\"vault\"", 20) != nullptr;
	return false;
}

/* Its pair is gone, it says nothing of that, and it begins nothing and takes part in nothing. */
static void
assert_closed(struct team *team, const struct lie *lie) {
	assert_false(team->members[WHO].has_ended);
	assert_int_equal(1, threshold_keys_closed(keeper_at(team, WHO)));
	assert_false(is_ready(team, WHO, LIAR));
	assert_int_equal(0, count_ready(team));
	assert_true(is_ready(team, WHO, OTHER) && is_ready(team, LIAR, WHO));
	assert_int_equal(0, lie->aborts);
	assert_int_equal(0, lie->refusals);
	assert_int_equal(0, lie->pairs);
	assert_int_equal(0, lie->begun);
}

static void
assert_opened(struct team *team) {
	for (size_t restarts = 0; restarts < 2; restarts++) {
		assert_int_equal(0, threshold_keys_closed(keeper_at(team, WHO)));
		assert_false(is_ready(team, WHO, LIAR) || is_ready(team, LIAR, WHO));
		assert_true(is_ready(team, WHO, OTHER) && is_ready(team, OTHER, WHO));
		team_stop(team, WHO);
		team_start(team, WHO);
		team_settle(team);
	}
}

/* By the first, and by whoever says that it is: neither is begun. */
static void
propose_to_prepare(struct team *team) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct keeper *keeper = keeper_at(team, WHO);
	struct proposal proposal = {.kind = PROPOSE_PREPARE,
				    .key_id = BYTES_OF_LITERAL("vault"),
				    .epoch = 1,
				    .counter = keeper->threshold->heard[OTHER + 1] + 1,
				    .signer_count = 2,
				    .signers = {WHO + 1, OTHER + 1}};
	proposal_write(&body, &proposal);
	size_t before = keeper->threshold->preparing_count;
	/* The first of them proposes, and that is itself: as if it were another. */
	struct peer proposer = team->members[WHO].peers[OTHER];
	proposer.party = WHO + 1;
	threshold_message(keeper, &proposer, PEER_PROPOSE, buffer_bytes(&body));
	assert_int_equal(before, keeper->threshold->preparing_count);
}

static void
found_closed(struct team *team, uint64_t seed, struct lie *lie) {
	found_with(team, seed, "secrets.db");
	team_make_key(team, "vault", "2-of-3");
	presignature_pool_discard(&keeper_at(team, WHO)->threshold->pool);
	team->on_message = lie_and_listen;
	team->context = lie;
	team_settle(team);
	for (size_t i = 0; i < 10 && !lie->is_told; i++) {
		team_pass_ms(team, 100);
		team_settle(team);
	}
	assert_true(lie->is_told && disk.refused > 0);
	assert_closed(team, lie);
}

static void
a_pair_lost_while_preparing_is_written_before_anybody_hears_of_it(void **) {
	/* Soon, while others still wait for what follows, or later. */
	for (size_t is_late = 0; is_late < 2; is_late++) {
		_cleanup_(team_free) struct team team;
		_cleanup_(arena_free) struct arena arena = {};
		struct ipc_response response;
		struct lie lie = {.type = SIGN_MULTIPLY, .at = 32}; /* salt */
		found_closed(&team, 41, &lie);
		size_t entries = 0;
		threshold_message(keeper_at(&team, WHO), &team.members[WHO].peers[LIAR], PEER_PROTOCOL,
				  buffer_bytes(&lie.frame)); /* changes nothing of what has failed */
		log_search(&team, WHO, ENTRY_CHECK, count_entry, &entries);
		assert_int_equal(1, entries);
		if (is_late == 1) {
			wait_for_tries(&team);
			propose_to_prepare(&team);
			/* Who asks this keeper hears why; the others sign without it. */
			team_submit(&team, WHO, transfer(&arena, 10, 0), &arena, &response);
			assert_answer(409, "failed", &response);
			assert_true(says(&response, "joint.reseal: what key vault has lost cannot be written"));
			lie.refusals = 0; /* of what it was asked itself */
			assert_true(sign_at(&team, LIAR, 1));
			assert_true(sign_at(&team, OTHER, 2));
			wait_for_tries(&team);
			team_pass_ms(&team, LEAVING_TURN_MS); /* it would say again what it has lost */
			team_settle(&team);
			assert_closed(&team, &lie);
		}
		disk.refuses = false;
		team_pass_ms(&team, SEAL_TURN_MS);
		team_settle(&team);
		assert_int_equal(is_late == 0, lie.aborts);
		assert_true(lie.pairs > 0);
		assert_opened(&team);
		assert_true(sign_at(&team, WHO, 3));
		buffer_free(&lie.frame);
	}
}

/* The signature of the last round does not hold here; it does at the liar, which shows it to nobody for now. */
static void
a_pair_lost_while_signing_is_written_before_anybody_hears_of_it(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct lie lie = {.type = ONLINE_SIGN, .at = 128, .hides = true};
	found_with(&team, 42, "secrets.db");
	team_make_key(&team, "vault", "2-of-3");
	team_settle(&team);
	team.on_message = lie_and_listen;
	team.context = &lie;
	team_submit(&team, WHO, transfer(&arena, 10, 0), &arena, &response);
	assert_true(lie.is_told && disk.refused > 0);
	assert_answer(202, "unknown", &response); /* whoever asked does not wait for a disk */
	struct hash256 id = id_of(&response);
	assert_closed(&team, &lie);
	/* What else comes changes nothing of what has failed. */
	threshold_message(keeper_at(&team, WHO), &team.members[WHO].peers[LIAR], PEER_PROTOCOL,
			  buffer_bytes(&lie.frame));
	/* Nor does anybody hear of it where something else would end it. */
	team_cut(&team, WHO, LIAR);
	team_connect(&team, WHO, LIAR);
	wait_for_tries(&team);
	assert_closed(&team, &lie);
	assert_false(log_says(&team, WHO, ENTRY_CHECK, "\"check\":\"joint.ended: "));
	disk.refuses = false;
	team_pass_ms(&team, SEAL_TURN_MS);
	team_settle(&team);
	assert_int_equal(1, lie.aborts);
	assert_int_equal(2, lie.refusals); /* to both */
	assert_true(log_says(&team, WHO, ENTRY_CHECK,
			     "\"names\":{\"check\":\"ecdsa.signature: what the signers gave is no signature\""));
	assert_int_equal(OPERATION_UNKNOWN, team_state(&team, WHO, &id));
	lie.hides = false;
	team_pass_ms(&team, OPEN_TURN_MS);
	team_settle(&team);
	assert_int_equal(OPERATION_DONE, team_state(&team, WHO, &id));
	assert_opened(&team);
	assert_true(sign_at(&team, WHO, 1));
	buffer_free(&lie.frame);
}

/* Its share is gone then, with all that it lost. */
static void
a_session_whose_end_is_not_told_ends_with_its_key(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct lie lie = {.type = ONLINE_SIGN, .at = 128, .hides = true};
	found_with(&team, 48, "secrets.db");
	team_make_key(&team, "vault", "2-of-3");
	team_settle(&team);
	assert_true(count_ready(&team) > 0);
	team.on_message = lie_and_listen;
	team.context = &lie;
	team_submit(&team, WHO, transfer(&arena, 10, 0), &arena, &response);
	assert_answer(202, "unknown", &response);
	struct hash256 id = id_of(&response);
	assert_closed(&team, &lie);
	assert_non_null(keeper_at(&team, WHO)->threshold->sessions);
	threshold_end_key(keeper_at(&team, WHO), BYTES_OF_LITERAL("vault"));
	assert_null(keeper_at(&team, WHO)->threshold->sessions);
	assert_int_equal(OPERATION_UNKNOWN, team_state(&team, WHO, &id));
	assert_true(log_says(&team, WHO, ENTRY_CHECK, "\"check\":\"joint.key: "));
	buffer_free(&lie.frame);
}

/* Somebody says that it has lost its half, and the disk cannot be written. */
static void
lose_half(struct team *team, size_t with) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct joint_answer pairs = {
		.kind = ANSWER_PAIRS, .key_id = BYTES_OF_LITERAL("vault"), .lost_count = 1, .lost = {WHO + 1}};
	assert_ok(sharing_hash(&vault_at(team, WHO)->sharing, &pairs.digest));
	joint_answer_write(&body, &pairs);
	disk.refuses = true;
	threshold_message(keeper_at(team, WHO), &team->members[WHO].peers[with], PEER_ANSWER, buffer_bytes(&body));
}

static bool
lose_half_when_proposed(struct team *team, size_t, size_t to, enum peer_kind kind, struct buffer *body) {
	size_t *frames = team->context;
	*frames += kind == PEER_PROTOCOL && disk.refuses && body->data[6] == ONLINE_SIGN && to == LIAR;
	if (kind == PEER_PROPOSE && body->data[0] == PROPOSE_SIGN && to == WHO)
		lose_half(team, OTHER);
	return true;
}

/* It had permitted it before, and is asked to sign now. */
static void
nothing_is_signed_from_when_it_cannot_be_written(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	size_t frames = 0;
	found_with(&team, 47, "secrets.db");
	team_make_key(&team, "vault", "2-of-3");
	team_settle(&team);
	team.on_message = lose_half_when_proposed;
	team.context = &frames;
	team_submit(&team, LIAR, transfer(&arena, 10, 0), &arena, &response);
	assert_true(disk.refused > 0);
	assert_int_equal(0, frames);
	assert_true(says(&response, "\"state\":\"unknown\"")); /* the asker's share had left */
	assert_true(log_says(&team, LIAR, ENTRY_CHECK, "\"check\":\"joint.reseal: "));
}

/* What others say is lost is lost here as well, and is told when it is written. */
static void
the_other_half_of_a_lost_pair_is_written_before_it_is_told(void **) {
	_cleanup_(team_free) struct team team;
	struct lie lie = {.is_told = true};
	found_with(&team, 43, "secrets.db");
	team_make_key(&team, "vault", "2-of-3");
	team_settle(&team);
	team.on_message = lie_and_listen;
	team.context = &lie;
	lose_half(&team, LIAR);
	wait_for_tries(&team);
	assert_closed(&team, &lie);
	disk.refuses = false;
	wait_for_tries(&team);
	assert_opened(&team);
}

/* A process ended before it could write what was lost, and the next one cannot either: it does nothing with others, by name, until it can. */
static void
who_cannot_write_what_it_would_lose_speaks_to_nobody(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct lie lie = {.type = SIGN_MULTIPLY, .at = 32};
	found_closed(&team, 44, &lie);
	team_stop(&team, WHO);
	size_t said = lie.said;
	team_start(&team, WHO);
	wait_for_tries(&team);
	assert_true(threshold_is_mute(keeper_at(&team, WHO)));
	assert_int_equal(1, threshold_keys_closed(keeper_at(&team, WHO)));
	team_submit(&team, WHO, transfer(&arena, 10, 0), &arena, &response);
	assert_answer(409, "failed", &response);
	assert_true(says(&response, "joint.reseal"));
	assert_int_equal(said, lie.said);
	assert_true(sign_at(&team, LIAR, 1));
	/* From when it can on it is there. */
	disk.refuses = false;
	team_pass_ms(&team, SEAL_TURN_MS);
	team_settle(&team);
	assert_false(threshold_is_mute(keeper_at(&team, WHO)));
	assert_int_equal(0, threshold_keys_closed(keeper_at(&team, WHO)));
	team_connect(&team, WHO, LIAR);
	team_connect(&team, WHO, OTHER);
	team_settle(&team);
	assert_true(sign_at(&team, WHO, 2));
	buffer_free(&lie.frame);
}

/* How many frames of that kind it has given its gateway to do. */
static size_t
given(const struct ipc_channel *channel, enum ipc_type type) {
	struct bytes left = buffer_bytes(&channel->ordinary.bytes);
	size_t count = 0;
	while (left.len > 0) {
		size_t size = IPC_HEADER_SIZE + load_u32be(left.data);
		assert_true(size <= left.len);
		count += (left.data[4] << 8 | left.data[5]) == (int)type;
		left = bytes_of(left.data + size, left.len - size);
	}
	return count;
}

/* The gateway is not told whom to dial, and whoever comes by it is not heard. */
static void
who_speaks_to_nobody_has_its_gateway_connect_to_nobody(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer opened = {};
	_cleanup_(ipc_stop) struct ipc_channel channel = {.descriptor = -1};
	found_with(&team, 46, "secrets.db");
	team_make_key(&team, "vault", "2-of-3");
	struct ipc_response response;
	team_do(&team, 0,
		(struct firm_operation){
			.by = FIRM_PERSON_4,
			.kind = "key.create",
			.resource = "account:options-hot",
			.payload = "{\"algorithm\":\"ed25519\",\"id\":\"sol\",\"material\":\"single\",\"parties\":["
				   "\"one\",\"two\",\"three\"],\"purpose\":\"transfer\",\"scheme\":\"ed25519\","
				   "\"threshold\":\"2-of-3\"}"},
		&arena, &response);
	assert_answer(200, "done", &response); /* has no pairs, and nothing to lose */
	team_settle(&team);
	team_stop(&team, WHO);
	disk.refuses = true;
	team_start(&team, WHO);
	struct keeper *keeper = keeper_at(&team, WHO);
	assert_int_equal(1, threshold_keys_closed(keeper));
	assert_ok(ipc_start(&channel, memfd_create("gateway", 0), IPC_ROLE_KEEPER, IPC_ROLE_GATEWAY));
	keeper->channel = &channel;
	ipc_write_peer_opened(&opened, &(struct ipc_peer_opened){.party = LIAR + 1});
	struct ipc_frame frame = {.type = IPC_PEER_OPENED, .request = 7, .payload = buffer_bytes(&opened)};
	peer_link_begin(keeper);
	assert_ok(peer_link_take(keeper, &frame));
	assert_int_equal(0, given(&channel, IPC_PEERS));
	assert_int_equal(1, given(&channel, IPC_PEER_CLOSED));
	assert_int_equal(0, peers_counters(keeper->peers)->dropped[PEER_DROP_LIMIT].value);
	disk.refuses = false;
	team_pass_ms(&team, SEAL_TURN_MS);
	team_settle(&team);
	assert_int_equal(1, given(&channel, IPC_PEERS));
	assert_ok(peer_link_take(keeper, &frame));
	assert_int_equal(1,
			 peers_counters(keeper->peers)->dropped[PEER_DROP_LIMIT].value); /* nobody is enrolled here */
	keeper->channel = nullptr;
}

/* --- Dealings. --- */

constexpr uint8_t DEAL_OPEN = 2;

/* It goes before it hears a frame of the second round, and cannot write when it comes. */
struct going {
	bool is_gone;
	size_t said; /* frames since */
};

static bool
go_and_come(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct going *going = team->context;
	if (kind != PEER_PROTOCOL)
		return true;
	going->said += going->is_gone && from == WHO;
	if (going->is_gone || to != WHO || body->data[6] != DEAL_OPEN)
		return true;
	going->is_gone = disk.refuses = true;
	team_stop(team, WHO);
	team_start(team, WHO);
	return false;
}

static void
a_dealing_goes_on_only_where_it_could_be_forgotten(void **) {
	_cleanup_(team_free) struct team team;
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	struct going going = {};
	found_with(&team, 45, "dealings.db");
	team_make_key(&team, "vault", "2-of-3");
	team.on_message = go_and_come;
	team.context = &going;
	team_do(&team, OTHER,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "key.refresh",
					.resource = "key:vault",
					.payload = "{}",
					.reason = "as planned"},
		&arena, &response);
	assert_true(going.is_gone && disk.refused > 0);
	assert_true(team.members[WHO].has_ended);
	assert_int_equal(0, going.said);
	disk.refuses = false;
	team.on_message = nullptr;
	team_stop(&team, WHO);
	team_start(&team, WHO);
	team_settle(&team);
	team_pass_ms(&team, 31'000);
	team_settle(&team);
	assert_true(sign_at(&team, WHO, 0));
}

RUN_TESTS(T(a_pair_lost_while_preparing_is_written_before_anybody_hears_of_it),
	  T(a_pair_lost_while_signing_is_written_before_anybody_hears_of_it),
	  T(a_session_whose_end_is_not_told_ends_with_its_key), T(nothing_is_signed_from_when_it_cannot_be_written),
	  T(the_other_half_of_a_lost_pair_is_written_before_it_is_told),
	  T(who_cannot_write_what_it_would_lose_speaks_to_nobody),
	  T(who_speaks_to_nobody_has_its_gateway_connect_to_nobody),
	  T(a_dealing_goes_on_only_where_it_could_be_forgotten))
