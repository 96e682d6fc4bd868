/* Dealing a shared key: among whom, from what, and the rounds until the own share is durable. */
#include "keeper/threshold_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static const char NONCE_LABEL[] = "gatehouse/joint/dealing/v1";

/* Its process has just ended, and is most likely being started anew: a dealing waits for it as if that had been a moment later. */
static bool
is_back_soon(const struct keeper *keeper, const struct peer *peer) {
	int64_t down_ms = keeper->threshold->down_ms[peer->party];
	return peer->state == PEER_ABSENT && down_ms != 0 && threshold_now_ms(keeper) - down_ms < BACK_MS;
}

/* The keepers that are named, each by the index and identity of its enrolment. To begin all must be there: each gets a share. */
static enum status
find_party(const struct keeper *keeper, const char *name, bool is_there, struct party *party) {
	const struct threshold_link *link = &keeper->threshold->link;
	const struct peer *peer;
	if (strcmp(name, keeper->gate->state->keeper) == 0) {
		party->index = link->own_party(link->context);
		if (party->index == 0)
			return fail(STATUS_UNAVAILABLE,
				    "joint.enrolment: this keeper is not enrolled among the others");
		memcpy(party->identity, link->own_identity(link->context), sizeof party->identity);
		return OK;
	}
	for (size_t i = 0; (peer = link->at(link->context, i)) != nullptr; i++) {
		if (!peer->is_enrolled || strcmp(peer->name, name) != 0)
			continue;
		if (is_there && peer->state != PEER_UP && !is_back_soon(keeper, peer))
			return fail(STATUS_UNAVAILABLE, "joint.absent: keeper %s is not there", name);
		party->index = peer->party;
		memcpy(party->identity, peer->identity, sizeof party->identity);
		return OK;
	}
	return fail(STATUS_NOT_FOUND, "joint.enrolment: no keeper %s is enrolled", name);
}

/* Ordered by index, names with them. */
static void
insert_party(struct sharing *sharing, const struct party *party, const char *name, uint64_t admission) {
	struct party_set *holders = &sharing->key.holders;
	size_t at = holders->count++;
	for (; at > 0 && holders->parties[at - 1].index > party->index; at--) {
		holders->parties[at] = holders->parties[at - 1];
		memcpy(sharing->names[at], sharing->names[at - 1], sizeof sharing->names[at]);
		sharing->admissions[at] = sharing->admissions[at - 1];
	}
	holders->parties[at] = *party;
	memset(sharing->names[at], 0, sizeof sharing->names[at]);
	memcpy(sharing->names[at], name, strlen(name));
	sharing->admissions[at] = admission;
}

enum status
dealing_find_parties(struct keeper *keeper, struct joint_session *session, bool is_there) {
	struct sharing *sharing = &session->sharing;
	for (size_t i = 0; i < session->wanted.party_count; i++) {
		struct party party = {};
		TRY(find_party(keeper, session->wanted.names[i], is_there, &party));
		insert_party(sharing, &party, session->wanted.names[i], threshold_admission(keeper, party.index));
	}
	TRY(party_set_check(&sharing->key.holders));
	session->holders = sharing->key.holders;
	return OK;
}

static struct ecdsa_key
wanted_key(const struct joint_session *session) {
	struct ecdsa_key key = {.purpose = session->wanted.key.purpose,
				.threshold = session->wanted.key.threshold,
				.epoch = session->wanted.key.epoch,
				.holders = session->holders};
	memcpy(key.id, session->wanted.key.id, sizeof key.id);
	return key;
}

/* Those that deal an old key: of the new holders the first ones whose shares are what they were dealt. */
static enum status
find_dealers(const struct joint_session *session, const struct sharing *old, struct party_set *dealers) {
	*dealers = (struct party_set){};
	for (size_t i = 0; i < old->key.holders.count && dealers->count < old->key.threshold; i++) {
		const struct party *party = &old->key.holders.parties[i];
		size_t position = party_set_position(&session->holders, party->index);
		if (position < session->holders.count &&
		    memcmp(session->holders.parties[position].identity, party->identity, sizeof party->identity) == 0 &&
		    session->sharing.admissions[position] == old->admissions[i])
			dealers->parties[dealers->count++] = *party;
	}
	return dealers->count == old->key.threshold
		       ? OK
		       : fail(STATUS_UNAVAILABLE,
			      "joint.dealers: %u of %u that must deal the key hold its shares still", dealers->count,
			      old->key.threshold);
}

static uint8_t
own_party(const struct keeper *keeper) {
	return keeper->threshold->link.own_party(keeper->threshold->link.context);
}

/* Who deals a key anew, and this keeper's share of it where it is one of them; else null. */
static enum status
find_old(struct keeper *keeper, const struct joint_session *session, struct party_set *dealers,
	 const struct shared_key **held) {
	struct shared_key *key;
	*held = nullptr;
	TRY(find_dealers(session, &session->wanted.old, dealers));
	if (!party_set_has(dealers, own_party(keeper)))
		return OK;
	TRY(shared_keys_need_share(keeper->gate->state, bytes_of_text(session->wanted.key.id), &key));
	*held = key;
	return OK;
}

static enum status
start_frost(struct keeper *keeper, struct joint_session *session, const struct hash256 *nonce) {
	struct sharing wanted = {.scheme = session->wanted.key.sharing, .key = wanted_key(session)};
	struct frost_dealing_terms terms = {.kind = FROST_DEALING_GENERATE,
					    .instance = bytes_of_text(keeper->gate->state->instance),
					    .nonce = nonce->bytes,
					    .self = own_party(keeper),
					    .randomness = seeded_randomness(&session->dealing.seeded)};
	struct frost_key_info old_key;
	struct party_set dealers;
	const struct shared_key *held;
	sharing_to_frost(&wanted, &terms.key);
	if (!session->wanted.is_made) {
		TRY(find_old(keeper, session, &dealers, &held));
		sharing_to_frost(&session->wanted.old, &old_key);
		terms.kind = FROST_DEALING_RESHARE;
		terms.old_key = &old_key;
		terms.dealers = &dealers;
		terms.old_share = held == nullptr ? nullptr : held->frost_share;
		terms.key.public_key = old_key.public_key;
		memcpy(terms.key.chain_code, old_key.chain_code, sizeof terms.key.chain_code);
	}
	TRY(frost_dealing_start(&session->dealing.frost_dealing, &terms));
	session->dealing.kind = MACHINE_FROST_DEALING;
	return OK;
}

enum status
dealing_start_machine(struct keeper *keeper, struct joint_session *session) {
	struct hash256 nonce = SHA256_PARTS(BYTES_OF_LITERAL(NONCE_LABEL), hash256_bytes(&session->operation->digest));
	struct dealing_terms terms = {.kind = DEALING_GENERATE,
				      .instance = bytes_of_text(keeper->gate->state->instance),
				      .nonce = nonce.bytes,
				      .self = own_party(keeper),
				      .randomness = seeded_randomness(&session->dealing.seeded),
				      .key = wanted_key(session)};
	struct party_set dealers;
	const struct shared_key *held;
	const struct ecdsa_key *old = &session->wanted.old.key;
	const struct kept_journal *kept = &session->journal;
	if (kept->secret.len == 0 || kept->has_part != session->wanted.is_imported)
		return fail(STATUS_INTERNAL, "joint.journal: a dealing without what it is made from");
	machine_begin(keeper, &session->dealing);
	session->dealing.waits = true;
	TRY(seeded_start(&session->dealing.seeded, bytes_of(kept->secret.data, SEEDED_SIZE),
			 &session->operation->digest));
	if (sharing_is_frost(session->wanted.key.sharing))
		return start_frost(keeper, session, &nonce);
	if (session->wanted.is_imported) {
		terms.kind = DEALING_IMPORT;
		terms.part = kept->secret.data + SEEDED_SIZE;
		memcpy(terms.key.public_key, session->wanted.key.public_key, POINT_SIZE);
		memcpy(terms.key.chain_code, session->wanted.chain_code, sizeof terms.key.chain_code);
	}
	if (!session->wanted.is_made) {
		TRY(find_old(keeper, session, &dealers, &held));
		terms.kind = DEALING_RESHARE;
		terms.old_key = old;
		terms.dealers = &dealers;
		terms.old_share = held == nullptr ? nullptr : held->share;
		memcpy(terms.key.public_key, old->public_key, POINT_SIZE);
		memcpy(terms.key.chain_code, old->chain_code, sizeof terms.key.chain_code);
	}
	TRY(dealing_start(&session->dealing.dealing, &terms));
	session->dealing.kind = MACHINE_DEALING;
	return OK;
}
/* To that peer; null: to all. */
void
dealing_tell_permitted(struct keeper *keeper, const struct joint_session *session, const struct peer *peer) {
	struct joint_answer permitted = {.kind = ANSWER_PERMITTED,
					 .operation = session->operation->id,
					 .digest = session->operation->digest,
					 .bundle = session->journal.bundle,
					 .epoch = session->wanted.key.epoch,
					 .holders = session->journal.parties};
	if (peer != nullptr)
		threshold_send_answer(keeper, peer, &permitted);
	else
		threshold_tell(keeper, &session->holders, &permitted);
}

/* What is not kept yet stays here: after a restart something else might be said instead. */
enum status
dealing_need_kept(const struct joint_session *session) {
	return machine_rounds(&session->dealing) == session->journal.rounds
		       ? OK
		       : fail(STATUS_INTERNAL, "joint.journal: what would be sent is not kept");
}

/* To whom frames go as they are made. The others hear all of them when they have said how far they are. */
static enum status
send_new(struct keeper *keeper, struct joint_session *session) {
	struct party_set met = {};
	for (size_t i = 0; i < session->holders.count; i++)
		if (session->parties[session->holders.parties[i].index].is_met)
			met.parties[met.count++] = session->holders.parties[i];
	TRY(dealing_need_kept(session));
	return machine_send(keeper, &session->dealing, &met);
}

enum status
dealing_session_start(struct keeper *keeper, struct joint_session *session) {
	TRY(dealing_session_prepare(keeper, session));
	TRY(dealing_find_parties(keeper, session, true));
	TRY(dealing_start_machine(keeper, session));
	session->state = SESSION_RUNNING;
	dealing_note_parties(session);
	TRY(journal_keep(keeper, session));
	for (size_t i = 0; i < session->holders.count; i++) {
		const struct peer *peer = threshold_holder(keeper, &session->holders.parties[i]);
		if (peer == nullptr)
			continue;
		session->parties[peer->party].is_met = true;
		threshold_ask_again(keeper, session, peer);
	}
	dealing_tell_permitted(keeper, session, nullptr);
	return send_new(keeper, session);
}

/* Who missed a dealing, or was put back to a time before it, deals another epoch: in another session, in which nobody hears it. */
static enum status
check_epoch(const struct keeper *keeper, const struct joint_session *session, const struct peer *peer, uint32_t epoch) {
	uint32_t own = session->wanted.key.epoch;
	const char *id = session->wanted.key.id, *self = keeper->gate->state->keeper;
	if (epoch == own)
		return OK;
	if (epoch < own)
		return fail(
			STATUS_CONFLICT,
			"key.behind: keeper %s has key %s as of epoch %u, and it is of epoch %u here: gatehouse key "
			"repair %s --keeper %s",
			peer->name, id, epoch - 1, own - 1, id, peer->name);
	return fail(STATUS_CONFLICT,
		    "key.behind: keeper %s has key %s as of epoch %u, and %s as of epoch %u: gatehouse key repair %s "
		    "--keeper %s",
		    self, id, own - 1, peer->name, epoch - 1, id, self);
}

enum status
dealing_session_permitted(const struct keeper *keeper, const struct joint_session *session, const struct peer *peer,
			  const struct joint_answer *answer) {
	if (!hash256_equal(&answer->bundle, &session->journal.bundle))
		return fail(STATUS_CONFLICT, "joint.bundle: keeper %s has another policy bundle in force", peer->name);
	TRY(check_epoch(keeper, session, peer, answer->epoch));
	/* What is stored says so too, and later: here nothing is stored yet. */
	return hash256_equal(&answer->holders, &session->journal.parties)
		       ? OK
		       : fail(STATUS_CONFLICT,
			      "joint.sharing_differs: keeper %s deals it to holders that are admitted otherwise here",
			      peer->name);
}

/* --- Running. --- */

/* False until all have confirmed: the key as it now is. */
static bool
is_confirmed(const struct machine *machine, struct sharing *sharing) {
	struct frost_key_info key;
	if (machine->kind == MACHINE_DEALING)
		return dealing_confirmed(machine->dealing, &sharing->key);
	if (!frost_dealing_confirmed(machine->frost_dealing, &key))
		return false;
	sharing_of_frost(&key, sharing);
	return true;
}

static enum status
store_share(struct keeper *keeper, struct joint_session *session) {
	static const char none[] = "joint.share: the dealing gave no share";
	if (session->dealing.kind == MACHINE_FROST_DEALING) {
		_cleanup_(frost_key_share_destroy) struct frost_key_share *share =
			frost_dealing_take_share(session->dealing.frost_dealing);
		return share == nullptr ? fail(STATUS_INTERNAL, "%s", none)
					: shared_keys_store_frost(keeper->gate->state, &session->sharing, share);
	}
	_cleanup_(ecdsa_share_destroy) struct ecdsa_share *share = dealing_take_share(session->dealing.dealing);
	return share == nullptr ? fail(STATUS_INTERNAL, "%s", none)
				: shared_keys_store(keeper->gate->state, &session->sharing, share);
}

/* The share is durable before anybody hears that it is. */
static enum status
store(struct keeper *keeper, struct joint_session *session) {
	session->sharing.scheme = session->wanted.key.sharing;
	TRY(joint_check_state(keeper->gate,
			      &session->wanted)); /* from here on it may end well, whatever this keeper does */
	TRY(sharing_hash(&session->sharing, &session->sharing_hash));
	TRY(store_share(keeper, session));
	for (size_t i = 0; i < session->holders.count; i++) {
		uint8_t index = session->holders.parties[i].index;
		session->parties[index].confirmation = machine_take_newest(&session->dealing, index);
	}
	machine_close(&session->dealing);
	if (journal_keep_last(keeper, session) != OK) /* what is there serves as well */
		log_warning("what a dealing was made from stays until it has ended: %s", fail_message());
	dealing_session_has_stored(keeper, session);
	return OK;
}

void
dealing_session_frame(struct keeper *keeper, struct joint_session *session, struct bytes frame) {
	if (session->state != SESSION_RUNNING)
		return;
	enum status status = machine_receive(&session->dealing, frame);
	if (status != OK && machine_state(&session->dealing) == EXCHANGE_RUNNING)
		return; /* stray */
	if (status == OK)
		status = journal_keep(keeper, session);
	if (status == OK)
		status = send_new(keeper, session);
	if (status == OK && is_confirmed(&session->dealing, &session->sharing))
		status = store(keeper, session);
	if (status != OK) {
		bool is_check =
			machine_state(&session->dealing) == EXCHANGE_ABORTED && session->state == SESSION_RUNNING;
		char error[512];
		snprintf(error, sizeof error, "%s", fail_message());
		journal_end(keeper, session); /* before anybody learns that a check has failed: it is not tried again */
		if (atomic_load(&keeper->has_ended))
			return;
		if (machine_state(&session->dealing) ==
		    EXCHANGE_ABORTED) /* it says so, and nothing else is left to say */
			IGNORE_STATUS(machine_send(keeper, &session->dealing, &session->holders));
		fail_keep("%s", error);
		session_fail(keeper, session, is_check ? &session->dealing : nullptr);
		return;
	}
	if (session->state == SESSION_STORED)
		dealing_session_settle(keeper, session);
}
