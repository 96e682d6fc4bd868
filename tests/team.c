#include "tests/test.h"
#include "tests/team.h"

#include <stdio.h>

#include "crypto/sign.h"
#include "keeper/internal.h"
#include "keeper/threshold_internal.h"
#include "keys/threshold/message.h"

static const char *const names[TEAM_MAX] = {"one", "two", "three", "four", "five"};

/* --- The link. --- */

static const struct peer *
link_at(void *context, size_t index) {
	struct team_member *member = context;
	size_t other = index < member->index ? index : index + 1;
	return other < member->team->count ? &member->peers[other] : nullptr;
}

static uint8_t
link_own_party(void *context) {
	return (uint8_t)(((struct team_member *)context)->index + 1);
}

/* How often each place was taken by a machine that had nothing of the one before. */
static int replaced[TEAM_MAX];

/* What a keeper signs with, as the others know it. */
static void
keys_of(size_t index, struct pledge_keys *keys) {
	static uint8_t seeds[TEAM_MAX][32], publics[TEAM_MAX][32];
	memset(seeds[index], 0x40 + (int)index + 0x10 * replaced[index], sizeof seeds[index]);
	assert_ok(ed25519_public_key(seeds[index], publics[index]));
	*keys = (struct pledge_keys){.seed = seeds[index], .key = publics[index]};
	memset(keys->certificate.bytes, 0x60 + (int)index, sizeof keys->certificate.bytes);
}

static void
identity_of(size_t index, uint8_t identity[32]) {
	struct pledge_keys keys;
	keys_of(index, &keys);
	keeper_identity(HOUSE_INSTANCE, names[index], (uint8_t)(index + 1), &keys.certificate, keys.key, identity);
}

static void
link_own_keys(void *context, struct pledge_keys *keys) {
	keys_of(((struct team_member *)context)->index, keys);
}

static const uint8_t *
link_own_identity(void *context) {
	static uint8_t identities[TEAM_MAX][32];
	struct team_member *member = context;
	identity_of(member->index, identities[member->index]);
	return identities[member->index];
}

static const uint8_t *
link_own_epoch(void *context) {
	static uint8_t epochs[TEAM_MAX][PEER_EPOCH_SIZE];
	const struct team_member *member = context;
	memset(epochs[member->index], member->boots, PEER_EPOCH_SIZE);
	return epochs[member->index];
}

static enum status
link_send(void *context, const struct peer *peer, enum peer_kind kind, struct bytes body) {
	struct team_member *from = context;
	struct team_member *to = &from->team->members[peer->party - 1];
	const struct peer_kind_row *row = &peer_kinds[kind];
	if (peer->state != PEER_UP)
		return fail(STATUS_UNAVAILABLE, "peers.absent: keeper %s is not there", peer->name);
	if (row->is_of_channel || body.len < row->min || body.len > row->max)
		return fail(STATUS_TOO_LARGE, "peers.body: %zu bytes of kind %s", body.len, row->name);
	struct team_message *made = calloc(1, sizeof *made);
	assert_non_null(made);
	made->from = from->index;
	made->kind = kind;
	buffer_append_bytes(&made->body, body);
	struct team_message **at = &to->inbox;
	while (*at != nullptr)
		at = &(*at)->next;
	*at = made;
	return OK;
}

static void
message_free(struct team_message *message) {
	buffer_free(&message->body);
	free(message);
}

/* One message to each; true if there was one. */
static bool
deliver(struct team *team, struct team_member *to) {
	struct team_message *message = to->inbox;
	if (message == nullptr)
		return false;
	to->inbox = message->next;
	bool passes = to->is_open && !to->has_ended && !team->is_cut[message->from][to->index];
	if (passes && team->on_message != nullptr)
		passes = team->on_message(team, message->from, to->index, message->kind, &message->body) &&
			 to->is_open && !team->is_cut[message->from][to->index];
	if (passes) {
		team->messages++;
		threshold_message(to->house.keeper, &to->peers[message->from], message->kind,
				  buffer_bytes(&message->body));
	}
	message_free(message);
	return true;
}

static bool
step(struct team *team) {
	bool moved = false;
	for (size_t i = 0; i < team->count; i++)
		moved = deliver(team, &team->members[i]) || moved;
	for (size_t i = 0; i < team->count; i++) {
		struct team_member *member = &team->members[i];
		if (!member->is_open || member->has_ended)
			continue;
		uint64_t before = member->house.keeper->outstanding;
		keeper_turn(member->house.keeper);
		moved = moved || before > 0;
	}
	return moved;
}

static void
link_wait(void *context) {
	struct team_member *member = context;
	if (!step(member->team)) /* nobody can go on: time does */
		team_pass_ms(member->team, 100);
}

static void
note_end(void *context, const char *) {
	((struct team_member *)context)->has_ended = true;
}

/* --- Keepers. --- */

static void
see_each_other(struct team *team, size_t a, size_t b, enum peer_state state) {
	for (int turn = 0; turn < 2; turn++) {
		struct team_member *at = &team->members[turn == 0 ? a : b];
		const struct team_member *of = &team->members[turn == 0 ? b : a];
		struct peer *peer = &at->peers[of->index];
		bool was_up = peer->state == PEER_UP;
		peer->state = state;
		memset(peer->boot_epoch, of->boots, sizeof peer->boot_epoch);
		if (!at->is_open || was_up == (state == PEER_UP))
			continue;
		if (state == PEER_UP)
			threshold_peer_up(at->house.keeper, peer);
		else
			threshold_peer_down(at->house.keeper, peer);
	}
}

static void
drop_messages(struct team_member *to, size_t from) {
	for (struct team_message **at = &to->inbox; *at != nullptr;) {
		struct team_message *message = *at;
		if (message->from != from) {
			at = &message->next;
			continue;
		}
		*at = message->next;
		message_free(message);
	}
}

void
team_cut(struct team *team, size_t a, size_t b) {
	team->is_cut[a][b] = team->is_cut[b][a] = true;
	drop_messages(&team->members[a], b);
	drop_messages(&team->members[b], a);
	see_each_other(team, a, b, PEER_ABSENT);
}

void
team_remove(struct team *team, size_t at, size_t removed) {
	struct enrolled_keeper **of = &state_of(team, at)->keepers.of_party[removed + 1];
	if (*of == nullptr)
		*of = calloc(1, sizeof **of);
	assert_non_null(*of);
	(*of)->party = (uint8_t)(removed + 1);
	(*of)->is_enrolled = false;
}

void
team_connect(struct team *team, size_t a, size_t b) {
	team->is_cut[a][b] = team->is_cut[b][a] = false;
	if (team->members[a].is_open && team->members[b].is_open)
		see_each_other(team, a, b, PEER_UP);
}

void
team_stop(struct team *team, size_t index) {
	struct team_member *member = &team->members[index];
	for (size_t i = 0; i < team->count; i++) {
		drop_messages(member, i);
		drop_messages(&team->members[i], index);
	}
	member->is_open = false;
	atomic_store(&member->house.keeper->has_ended, true); /* it says nothing any more */
	house_close(&member->house);
	simulated_disk_restart(member->disk);
	for (size_t i = 0; i < team->count; i++)
		if (i != index)
			see_each_other(team, index, i, PEER_ABSENT);
}

void
team_start(struct team *team, size_t index) {
	struct team_member *member = &team->members[index];
	struct threshold_link link = {.context = member,
				      .at = link_at,
				      .own_party = link_own_party,
				      .own_identity = link_own_identity,
				      .own_keys = link_own_keys,
				      .own_epoch = link_own_epoch,
				      .send = link_send,
				      .wait = link_wait};
	member->boots++;
	member->has_ended = false;
	assert_ok(house_open(&member->house));
	member->is_open = true;
	assert_ok(threshold_start(member->house.keeper, &link));
	for (size_t i = 0; i < team->count; i++)
		if (i != index && !team->is_cut[index][i] && team->members[i].is_open &&
		    !threshold_is_mute(member->house.keeper))
			see_each_other(team, index, i, PEER_UP);
}

void
team_keep(struct team *team, struct simulated_disk *copies[TEAM_MAX]) {
	for (size_t i = 0; i < team->count; i++)
		assert_ok(simulated_disk_copy(team->members[i].disk, &copies[i], i));
}

void
team_put_back(struct team *team, struct simulated_disk *const copies[TEAM_MAX], uint64_t seed) {
	for (size_t i = 0; i < team->count; i++)
		if (team->members[i].is_open)
			team_stop(team, i);
	memset(team->is_cut, 0, sizeof team->is_cut);
	for (size_t i = 0; i < team->count; i++) {
		struct team_member *member = &team->members[i];
		simulated_disk_destroy(&member->disk);
		assert_ok(simulated_disk_copy(copies[i], &member->disk, seed + i));
		member->house.io = simulated_disk_io(member->disk);
	}
	for (size_t i = 0; i < team->count; i++)
		team_start(team, i);
	team_settle(team);
}

void
team_keys(size_t index, struct pledge_keys *keys, struct party *party) {
	keys_of(index, keys);
	party->index = (uint8_t)(index + 1);
	identity_of(index, party->identity);
}

static void
found_member(struct team *team, size_t index) {
	struct team_member *member = &team->members[index];
	if (member->disk != nullptr)
		house_found_as(&member->house, simulated_disk_io(member->disk), names[index]);
	else
		house_found_here(&member->house, names[index]);
	member->house.fatal = note_end;
	member->house.fatal_context = member;
	for (size_t j = 0; j < team->count; j++) {
		struct peer *peer = &member->peers[j];
		snprintf(peer->name, sizeof peer->name, "%s", names[j]);
		peer->party = (uint8_t)(j + 1);
		peer->is_enrolled = true;
		identity_of(j, peer->identity);
	}
}

static void
found(struct team *team) {
	for (size_t i = 0; i < team->count; i++)
		found_member(team, i);
	team_pass_ms(team, 1'000);
	for (size_t i = 0; i < team->count; i++)
		team_start(team, i);
	team_settle(team);
}

void
team_replace(struct team *team, size_t index, uint64_t seed) {
	struct team_member *member = &team->members[index];
	if (member->is_open)
		team_stop(team, index);
	house_free(&member->house);
	simulated_disk_destroy(&member->disk);
	assert_ok(simulated_disk_create(&member->disk, seed));
	const struct io *others = team->members[index == 0 ? 1 : 0].house.io;
	simulated_disk_advance_clock(member->disk,
				     io_realtime_ns(others) - io_realtime_ns(simulated_disk_io(member->disk)));
	replaced[index]++;
	found_member(team, index);
	for (size_t i = 0; i < team->count; i++)
		identity_of(index, team->members[i].peers[index].identity);
	team_pass_ms(team, 1'000);
	team_start(team, index);
	team_settle(team);
}

void
team_found(struct team *team, size_t count, uint64_t seed) {
	*team = (struct team){.count = count};
	memset(replaced, 0, sizeof replaced);
	for (size_t i = 0; i < count; i++) {
		team->members[i] = (struct team_member){.team = team, .index = i};
		assert_ok(simulated_disk_create(&team->members[i].disk, seed + i));
	}
	found(team);
}

void
team_found_here(struct team *team, size_t count) {
	*team = (struct team){.count = count};
	for (size_t i = 0; i < count; i++)
		team->members[i] = (struct team_member){.team = team, .index = i};
	found(team);
}

void
team_free(struct team *team) {
	for (size_t i = 0; i < team->count; i++) {
		struct team_member *member = &team->members[i];
		for (size_t j = 0; j < team->count; j++)
			drop_messages(member, j);
		member->is_open = false;
		house_free(&member->house);
		simulated_disk_destroy(&member->disk);
	}
	arena_free(&team->arena);
}

void
team_pass_ms(struct team *team, int64_t ms) {
	for (size_t i = 0; i < team->count; i++)
		if (team->members[i].disk != nullptr)
			simulated_disk_advance_clock(team->members[i].disk, ms * 1'000'000);
}

void
team_settle(struct team *team) {
	for (int quiet = 0; quiet < 3;) {
		quiet = step(team) ? 0 : quiet + 1;
		if (quiet > 0)
			team_pass_ms(team, 150);
	}
}

void
team_restart_all(struct team *team) {
	for (size_t i = 0; i < team->count; i++) {
		team_stop(team, i);
		team_start(team, i);
	}
	team_settle(team);
}

/* --- Operations. --- */

void
team_submit(struct team *team, size_t at, struct firm_operation operation, struct arena *arena,
	    struct ipc_response *response) {
	struct house *house = &team->members[at].house;
	char key[48];
	if (operation.idempotency_key == nullptr) {
		snprintf(key, sizeof key, "team-%u", team->members[0].house.next_key++);
		operation.idempotency_key = arena_format(arena, "%s", key);
	}
	team_pass_ms(team, 20);
	assert_ok(house_submit(house, arena, operation, response));
	team_settle(team);
}

void
team_vote(struct team *team, size_t at, struct bytes operation, enum firm_member by, struct arena *arena,
	  struct ipc_response *response) {
	team_pass_ms(team, 20);
	assert_ok(house_vote(&team->members[at].house, arena, operation, by, "approve", response));
	team_settle(team);
}

void
team_do(struct team *team, size_t at, struct firm_operation operation, struct arena *arena,
	struct ipc_response *response) {
	team_submit(team, at, operation, arena, response);
	struct bytes id = response->operation;
	for (enum firm_member by = FIRM_PERSON_2; response->status == 202 && by <= FIRM_PERSON_5; by++)
		if (by != operation.by)
			team_vote(team, at, id, by, arena, response);
}

void
team_activate(struct team *team, const char *policies) {
	_cleanup_(arena_free) struct arena arena = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	struct ipc_response response;
	assert_ok(firm_activation(policies, &payload));
	team_do(team, 0,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "policy.activate",
					.resource = "system:gatehouse",
					.payload = (const char *)payload.data,
					.reason = "as agreed"},
		&arena, &response);
	assert_answer(200, "done", &response);
}

void
team_ask_key_as(struct team *team, const struct team_key *wanted, struct arena *arena, struct ipc_response *response) {
	_cleanup_(buffer_free) struct buffer parties = {};
	for (size_t i = 0; i < team->count; i++)
		buffer_append_format(&parties, "%s\"%s\"", i == 0 ? "" : ",", names[i]);
	const char *payload = arena_format(arena,
					   "{\"algorithm\":\"secp256k1\"%s,\"id\":\"%s\",\"material\":\"%s\","
					   "\"parties\":[%.*s],\"purpose\":\"%s\",\"scheme\":\"ecdsa\","
					   "\"threshold\":\"%s\"}",
					   wanted->more ?: "", wanted->id, wanted->material ?: "single",
					   BYTES_ARGS(parties), wanted->purpose ?: "transfer", wanted->threshold);
	team_do(team, 0,
		(struct firm_operation){.by = FIRM_PERSON_4,
					.kind = "key.create",
					.resource = "account:options-hot",
					.payload = payload},
		arena, response);
}

void
team_ask_key(struct team *team, const char *id, const char *threshold, struct arena *arena,
	     struct ipc_response *response) {
	team_ask_key_as(team, &(struct team_key){.id = id, .threshold = threshold}, arena, response);
}

void
team_make_key(struct team *team, const char *id, const char *threshold) {
	_cleanup_(arena_free) struct arena arena = {};
	struct ipc_response response;
	team_ask_key(team, id, threshold, &arena, &response);
	assert_answer(200, "done", &response);
}

enum operation_state
team_state(struct team *team, size_t at, const struct hash256 *operation) {
	const struct gate_operation *known =
		operations_find(&keeper_gate(team->members[at].house.keeper)->state->operations, operation);
	return known == nullptr ? OPERATION_STATES : known->state;
}

bool
team_corrupt(struct team *team, size_t from, size_t to, enum peer_kind kind, struct buffer *body) {
	struct corruption *corruption = team->context;
	if (corruption->is_done || from != corruption->from || to != corruption->to || kind != PEER_PROTOCOL ||
	    body->data[6] != corruption->type)
		return true;
	assert_true(MESSAGE_HEADER_SIZE + corruption->at < body->len);
	body->data[MESSAGE_HEADER_SIZE + corruption->at] ^= 1;
	corruption->is_done = true;
	return true;
}

void
team_seal_counted(struct team *team, size_t from, size_t to, struct bytes spends, struct buffer *body) {
	static const char label[] = "gatehouse/threshold/counted/v1";
	const struct threshold_link *teller = &team->members[from].house.keeper->threshold->link,
				    *hearer = &team->members[to].house.keeper->threshold->link;
	const struct hash256 *heard = &team->members[to].house.keeper->threshold->heard_head[from + 1];
	struct hash256 head = SHA256_PARTS(hash256_bytes(heard), spends);
	_cleanup_(buffer_free) struct buffer statement = {};
	struct pledge_keys keys;
	struct counted_seal seal;
	teller->own_keys(teller->context, &keys);
	buffer_append(&statement, label, sizeof label);
	buffer_append_prefixed(&statement, bytes_of_text(HOUSE_INSTANCE));
	buffer_append(&statement, teller->own_identity(teller->context), PARTY_IDENTITY_SIZE);
	buffer_append(&statement, hearer->own_identity(hearer->context), PARTY_IDENTITY_SIZE);
	buffer_append_bytes(&statement, hash256_bytes(&head));
	seal.certificate = keys.certificate;
	memcpy(seal.key, keys.key, sizeof seal.key);
	assert_ok(ed25519_sign(keys.seed, keys.key, buffer_bytes(&statement), seal.signature));
	buffer_reset(body);
	counted_seal_write(body, &seal);
	buffer_append_bytes(body, spends);
	assert_ok(buffer_status(body));
}
