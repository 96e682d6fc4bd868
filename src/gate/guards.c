#include "gate/guards.h"

#include <stdckdint.h>

#include "gate/administration.h"

/* --- request: the operation itself, and the time of its decision. --- */

static enum status
observe_request(struct observation *o, struct facts *facts) {
	facts_add(facts, "time.now", FACT_VERIFIED, (struct value){.type = VALUE_DATETIME, .integer = o->now_ms});
	facts_add_long(facts, "request.age_ms", FACT_VERIFIED, o->now_ms - o->operation->created_ms);
	size_t overdue = reviews_overdue(&o->state->reviews, o->now_ms);
	if (overdue > 0)
		facts_add_long(facts, "request.reviews_overdue", FACT_VERIFIED, (int64_t)overdue);
	facts_add_boolean(facts, "request.break_glass", FACT_VERIFIED, o->operation->break_glass);
	facts_add_boolean(facts, "request.has_reason", FACT_VERIFIED, o->operation->reason.len > 0);
	facts_add_boolean(facts, "request.has_reference", FACT_VERIFIED, o->operation->reference.len > 0);
	return OK;
}

/* --- identity: who asks, by which key, and where they stand. --- */

static enum status
observe_identity(struct observation *o, struct facts *facts) {
	const struct unit *desk = unit_above(o->requester->unit, UNIT_DESK);
	const struct unit *legal_entity = unit_above(o->requester->unit, UNIT_LEGAL_ENTITY);
	facts_add_string(facts, "identity.kind", FACT_VERIFIED, bytes_of_text(principal_kind_name(o->requester->kind)));
	facts_add_boolean(facts, "identity.terminal_key", FACT_VERIFIED, o->key->class == DIRECTORY_KEY_TERMINAL);
	if (o->requester->kind == PRINCIPAL_PERSON) {
		facts_add_long(facts, "mfa.aal", FACT_VERIFIED,
			       o->key->passkey != nullptr ? passkey_assurance_level(o->key->passkey)
			       : o->has_totp              ? 2
							  : 1);
		facts_add_boolean(facts, "mfa.phishing_resistant", FACT_VERIFIED, o->key->passkey != nullptr);
	}
	if (desk != nullptr)
		facts_add_string(facts, "identity.desk", FACT_VERIFIED, desk->id);
	if (legal_entity != nullptr)
		facts_add_string(facts, "identity.legal_entity", FACT_VERIFIED, legal_entity->id);
	return OK;
}

/* --- zone: the one registered with the key; what the gateway saw can only narrow. --- */

static enum status
observe_zone(struct observation *o, struct facts *facts) {
	const struct zone *zone = o->key->zone;
	if (zone != nullptr)
		facts_add_string(facts, "zone.registered", FACT_VERIFIED, zone->id);
	struct seen_network seen = {.zone = zones_of_address(&o->state->zones, o->peer_address)};
	seen.is_elsewhere = zone != nullptr && o->peer_address.len > 0 && seen.zone.len == 0;
	if (o->seen != nullptr)
		seen = *o->seen;
	if (seen.zone.len > 0)
		facts_add_string(facts, "zone.seen", FACT_REPORTED, seen.zone);
	bool differs = zone != nullptr && seen.zone.len > 0 && !bytes_equal(seen.zone, zone->id);
	facts_add_boolean(facts, "zone.mismatch", FACT_REPORTED, differs || seen.is_elsewhere);
	return OK;
}

struct seen_network
seen_network_of(const struct facts *facts) {
	const struct fact *seen = facts_find(facts, "zone.seen"), *mismatch = facts_find(facts, "zone.mismatch");
	struct seen_network network = {};
	if (seen != nullptr)
		network.zone = seen->value.string;
	network.is_elsewhere = seen == nullptr && mismatch != nullptr && mismatch->value.boolean;
	return network;
}

/* --- key: the key that is to act, and whether requester and key stand in the same units. --- */

static enum status
observe_key(struct observation *o, struct facts *facts) {
	if (o->resource_type != RESOURCE_KEY)
		return OK;
	facts_add_boolean(facts, "key.known", FACT_VERIFIED, o->subject_key != nullptr);
	if (o->subject_key == nullptr)
		return OK;
	facts_add_string(facts, "key.state", FACT_VERIFIED, bytes_of_text(key_state_name(o->subject_key->state)));
	if (o->subject_key->sharing != KEY_WHOLE) {
		facts_add_long(facts, "key.parties", FACT_VERIFIED, o->subject_key->parties);
		facts_add_long(facts, "key.threshold", FACT_VERIFIED, o->subject_key->threshold);
	}
	const struct unit *account = directory_unit(o->state->directory, bytes_of_text(o->subject_key->account));
	if (account == nullptr)
		return OK;
	const struct unit *desk = unit_above(account, UNIT_DESK),
			  *legal_entity = unit_above(account, UNIT_LEGAL_ENTITY);
	facts_add_string(facts, "key.account", FACT_VERIFIED, account->id);
	facts_add_boolean(facts, "key.same_desk", FACT_VERIFIED,
			  desk != nullptr && desk == unit_above(o->requester->unit, UNIT_DESK));
	facts_add_boolean(facts, "key.same_legal_entity", FACT_VERIFIED,
			  legal_entity != nullptr && legal_entity == unit_above(o->requester->unit, UNIT_LEGAL_ENTITY));
	return OK;
}

/* --- transfer: what the transaction does, decoded from its bytes. --- */

static enum status
observe_transfer(struct observation *o, struct facts *facts) {
	if (o->transaction == nullptr)
		return OK;
	TRY(wallet_facts(o->transaction, facts));
	uint64_t nonce;
	if (o->subject_key != nullptr &&
	    gate_state_last_nonce(o->state, bytes_of_text(o->subject_key->id), o->transaction->chain, &nonce))
		facts_add_long(facts, "transfer.last_nonce", FACT_VERIFIED,
			       nonce > (uint64_t)JSON_INTEGER_MAX ? INT64_MAX : (int64_t)nonce);
	return OK;
}

/* --- destinations: allow lists for every destination of the transaction, sanctions for every address that it names. --- */

/* The worst of them all; with no destination there is none that is good. */
static void
add_standing(const struct destination_standing *other, struct destination_standing *all) {
	all->state = other->state < all->state ? other->state : all->state;
	if (other->state == DESTINATION_WAITING)
		all->from_ms = other->from_ms > all->from_ms ? other->from_ms : all->from_ms;
	all->until_ms = other->until_ms < all->until_ms ? other->until_ms : all->until_ms;
	if (other->state == DESTINATION_PROBATION)
		all->probation_cents =
			other->probation_cents < all->probation_cents ? other->probation_cents : all->probation_cents;
}

static void
add_standing_facts(const struct observation *o, const struct destination_standing *all, struct facts *facts) {
	bool is_usable = all->state == DESTINATION_IN_FORCE || all->state == DESTINATION_PROBATION;
	facts_add_boolean(facts, "destination.allowed", FACT_FEED, all->state == DESTINATION_IN_FORCE);
	facts_add_boolean(facts, "destination.expired", FACT_FEED, all->state == DESTINATION_EXPIRED);
	facts_add_boolean(facts, "destination.probation", FACT_FEED, all->state == DESTINATION_PROBATION);
	facts_add_boolean(facts, "destination.waiting", FACT_FEED, all->state == DESTINATION_WAITING);
	if (is_usable && all->until_ms != INT64_MAX)
		facts_add_long(facts, "destination.expires_in_ms", FACT_FEED, all->until_ms - o->now_ms);
	if (all->state == DESTINATION_PROBATION)
		facts_add_long(facts, "destination.test_cents", FACT_FEED, all->probation_cents);
	if (all->state == DESTINATION_WAITING)
		facts_add_long(facts, "destination.waiting_ms", FACT_FEED, all->from_ms - o->now_ms);
}

/* Whoever has a part in it: a transferFrom takes from its owner, an instruction acts for its authority. */
static enum status
add_sanctions(const struct observation *o, struct facts *facts) {
	const struct destinations *lists = &o->state->destinations;
	const struct destination_list *by = nullptr;
	const struct wallet_party *parties;
	size_t count = 0, at = 0;
	if (destinations_have_any(lists, DESTINATIONS_SANCTIONED))
		TRY(wallet_parties(o->transaction, o->arena, &parties, &count));
	for (; at < count; at++) {
		struct bytes name = destination_name(o->arena, o->transaction->chain, parties[at].address);
		if (name.len == 0)
			return fail(STATUS_NO_MEMORY, "memory: out of memory in %s", __func__);
		if (destinations_any_has(lists, DESTINATIONS_SANCTIONED, name, &by))
			break;
	}
	facts_add_boolean(facts, "destination.sanctioned", FACT_FEED, by != nullptr);
	if (by == nullptr)
		return OK;
	facts_add_string(facts, "destination.sanctioned_as", FACT_FEED,
			 bytes_of_text(wallet_role_name(parties[at].role)));
	facts_add_string(facts, "destination.sanctioned_by", FACT_FEED, bytes_of_text(by->name));
	return OK;
}

static enum status
observe_destinations(struct observation *o, struct facts *facts) {
	const struct wallet_transaction *transaction = o->transaction;
	if (transaction == nullptr)
		return OK;
	bool any_allowed = false;
	struct destination_standing all = {.state = transaction->destination_count > 0 ? DESTINATION_IN_FORCE
										       : DESTINATION_UNLISTED,
					   .until_ms = INT64_MAX,
					   .probation_cents = INT64_MAX};
	for (size_t i = 0; i < transaction->destination_count; i++) {
		struct bytes name = destination_name(o->arena, transaction->chain, transaction->destinations[i]);
		struct destination_standing standing = destinations_standing(&o->state->destinations, name, o->now_ms);
		add_standing(&standing, &all);
		any_allowed |= standing.state == DESTINATION_IN_FORCE;
	}
	add_standing_facts(o, &all, facts);
	facts_add_boolean(facts, "destination.some_allowed", FACT_FEED, any_allowed);
	TRY(add_sanctions(o, facts));
	static const struct {
		const char *fact;
		enum destination_list_kind kind;
	} hashes[] = {
		{"destination.allow_hash", DESTINATIONS_ALLOWED},
		{"destination.sanctions_hash", DESTINATIONS_SANCTIONED},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(hashes); i++) {
		char text[65];
		hex_encode(hash256_bytes(&o->state->destinations.hashes[hashes[i].kind]), text);
		facts_add_string(facts, hashes[i].fact, FACT_FEED, bytes_of_text(text));
	}
	return OK;
}

/* --- limits: what was spent in each window, this operation included, and what other keepers have told that they counted. --- */

/* Over several subjects of one dimension (destinations, assets) the greatest sum is stated. */
static enum status
add_limit_fact(const struct observation *o, enum limit_dimension dimension, int64_t (*sums)[LIMIT_WINDOWS],
	       struct facts *facts) {
	static const char *const names[LIMIT_DIMENSIONS] = {
		"limits.key",       "limits.account",     "limits.desk",  "limits.legal_entity",
		"limits.requester", "limits.destination", "limits.asset",
	};
	int64_t greatest[LIMIT_WINDOWS] = {};
	bool any = false;
	for (size_t i = 0; i < o->spend.part_count; i++) {
		const struct limit_part *part = &o->spend.parts[i];
		if (part->dimension != dimension)
			continue;
		any = true;
		for (int window = 0; window < LIMIT_WINDOWS; window++) {
			int64_t sum;
			if (ckd_add(&sum, sums[i][window], o->others.rows[i].cents[window]))
				sum = INT64_MAX;
			greatest[window] = sum > greatest[window] ? sum : greatest[window];
		}
	}
	if (!any)
		return OK;
	struct value_field *fields = ARENA_NEW_ARRAY(o->arena, LIMIT_WINDOWS, struct value_field);
	TRY_ALLOC(fields);
	static const enum limit_window by_name[LIMIT_WINDOWS] = {LIMIT_DAY, LIMIT_HOUR, LIMIT_WEEK};
	for (size_t i = 0; i < LIMIT_WINDOWS; i++) {
		int64_t sum = greatest[by_name[i]];
		fields[i] = (struct value_field){bytes_of_text(limit_window_names[by_name[i]]),
						 value_long(sum > JSON_INTEGER_MAX ? JSON_INTEGER_MAX : sum)};
	}
	facts_add(facts, names[dimension], FACT_VERIFIED,
		  (struct value){.type = VALUE_RECORD, .record = {fields, LIMIT_WINDOWS}});
	return OK;
}

static enum status
observe_limits(struct observation *o, struct facts *facts) {
	int64_t total;
	if (o->transaction == nullptr || o->subject_key == nullptr ||
	    facts_find(facts, "transfer.usd_cents") == nullptr ||
	    wallet_usd_cents(o->transaction, &total) != ASSET_VALUED)
		return OK;
	const struct unit *account = directory_unit(o->state->directory, bytes_of_text(o->subject_key->account));
	if (account == nullptr) /* a policy that forbids above a sum sees no sum, and would let everything through */
		return fail(STATUS_DENIED, "limits.account: key %s is of account \"%s\", which is not known here",
			    o->subject_key->id, o->subject_key->account);
	struct spend_source source = {.transaction = o->transaction,
				      .key = o->subject_key,
				      .account = account,
				      .requester = o->operation->principal,
				      .operation = *o->operation_id,
				      .at_ms = o->now_ms};
	TRY(spend_of_transaction(o->arena, &source, &o->spend));
	o->has_spend = true;
	return guards_observe_spend(o, facts);
}

enum status
guards_observe_spend(struct observation *o, struct facts *facts) {
	int64_t(*sums)[LIMIT_WINDOWS] = arena_alloc_array(o->arena, o->spend.part_count, sizeof *sums);
	TRY_ALLOC(sums);
	limits_sums(o->state->limits, &o->spend, o->now_ms, sums);
	TRY(others_of_spend(o->arena, &o->state->counted, o->state->limits, &o->spend, o->now_ms, o->told, &o->others));
	for (int dimension = 0; dimension < LIMIT_DIMENSIONS; dimension++)
		TRY(add_limit_fact(o, (enum limit_dimension)dimension, sums, facts));
	return facts_status(facts);
}

/* --- change: what an administrative operation would change. --- */

static enum status
observe_change(struct observation *o, struct facts *facts) {
	return change_facts(o->state, o->change, facts);
}

/* --- bundle: what is to be put into force, and what is known of it. --- */

static enum status
observe_bundle(struct observation *o, struct facts *facts) {
	const struct assessment *assessment = o->assessment;
	char hash[65];
	int64_t signers;
	if (assessment == nullptr)
		return OK;
	TRY(activation_signers(o->change->payload, &assessment->bundle, o->state->directory, o->now_ms, &signers));
	hex_encode(hash256_bytes(&assessment->bundle), hash);
	facts_add_string(facts, "bundle.hash", FACT_VERIFIED, bytes_of_text(hash));
	facts_add_long(facts, "bundle.invariants", FACT_VERIFIED, assessment->invariants);
	facts_add_long(facts, "bundle.policies", FACT_VERIFIED, assessment->policies);
	facts_add_long(facts, "bundle.signers", FACT_VERIFIED, signers);
	facts_add_long(facts, "bundle.tests", FACT_VERIFIED, assessment->tests);
	return OK;
}

/* --- approvals: distinct eligible people. --- */

static enum status
observe_approvals(struct observation *o, struct facts *facts) {
	votes_facts(o->votes, o->state->directory, &o->state->bundle->hash, gate_state_stages(o->state), o->now_ms,
		    facts);
	return OK;
}

const struct guard guards[] = {
	{"request", observe_request, {}, {"time", "request"}},
	{"identity", observe_identity, {}, {"identity", "mfa"}},
	{"zone", observe_zone, {}, {"zone"}},
	{"key", observe_key, {}, {"key"}},
	{"transfer", observe_transfer, {}, {"transfer", "call", "approve"}},
	{"destinations", observe_destinations, {}, {"destination"}},
	{"limits", observe_limits, {"transfer.usd_cents"}, {"limits"}},
	{"change", observe_change, {}, {"change", "price"}},
	{"bundle", observe_bundle, {}, {"bundle"}},
	{"approvals", observe_approvals, {}, {"approvals"}},
};
const size_t guard_count = ARRAY_LENGTH(guards);

enum status
guards_observe(struct observation *observation, struct facts *facts) {
	for (size_t i = 0; i < guard_count; i++)
		TRY(guards[i].observe(observation, facts));
	return facts_status(facts);
}
