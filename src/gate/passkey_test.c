/* The whole gate in one process, with people who hold passkeys: enrolment, operations and votes by assertion, restart, replay. */
#include "tests/test.h"

#include "tests/authenticator.h"
#include "tests/certificates.h"
#include "tests/gate_fixture.h"

#define ORIGIN "https://gate.northwind.example:8443"
#define RP_ID "gate.northwind.example"
constexpr int64_t HOUR_MS = 3'600'000;

/* Who signs by a passkey, and how. */
struct fixture {
	struct bench_gate b;
	struct authenticator authenticators[FIRM_MEMBERS];
	bool signs[FIRM_MEMBERS];
	const char *key_id;             /* null: the member's own passkey */
	const uint8_t *other_challenge; /* null: what is to be signed */
	bool ed25519_form;
};

static void
append_hex(struct buffer *to, const struct buffer *bytes) {
	buffer_append_hex(to, buffer_bytes(bytes));
}

static enum status
sign(void *context, enum firm_member by, const struct hash256 *digest, struct buffer *object) {
	struct fixture *f = context;
	_cleanup_(assertion_made_free) struct assertion_made made = {};
	if (!f->signs[by]) {
		f->b.firm.sign = nullptr;
		return STATUS_INTERNAL;
	}
	struct bytes challenge =
		f->other_challenge != nullptr ? bytes_of(f->other_challenge, 32) : hash256_bytes(digest);
	authenticator_assert(&f->authenticators[by], challenge, &made);
	if (f->ed25519_form) {
		buffer_append_text(object, "{");
		while (made.signature.len < 64)
			buffer_append_byte(&made.signature, 0);
		made.signature.len = 64;
	} else {
		buffer_append_text(object, "{\"assertion\":{\"authenticator_data\":\"");
		append_hex(object, &made.authenticator_data);
		buffer_append_text(object, "\",\"client_data\":\"");
		append_hex(object, &made.client_data);
		buffer_append_text(object, "\"},");
	}
	if (f->key_id != nullptr)
		buffer_append_format(object, "\"key_id\":\"%s\"", f->key_id);
	else
		buffer_append_format(object, "\"key_id\":\"%s/passkey\"", f->b.firm.members[by].principal);
	buffer_append_text(object, ",\"signature\":\"");
	append_hex(object, &made.signature);
	buffer_append_text(object, "\"}");
	return buffer_status(object);
}

static void
begin(struct fixture *f) {
	*f = (struct fixture){};
	set_up(&f->b);
	for (uint8_t i = 0; i < FIRM_MEMBERS; i++)
		authenticator_start(&f->authenticators[i], i, RP_ID, ORIGIN);
	f->b.firm.signer = f;
}

static void
end(struct fixture *f) {
	tear_down(&f->b);
}

/* From now on this member signs by passkey, or not. */
static void
by_passkey(struct fixture *f, enum firm_member member, bool signs) {
	f->signs[member] = signs;
	f->b.firm.sign = signs ? sign : nullptr;
}

static void
submit_of(struct fixture *f, enum firm_member by, const char *kind, const char *resource, const char *payload,
	  struct submitted *s) {
	struct firm_operation operation = {
		.by = by, .kind = kind, .resource = resource, .payload = payload, .lifetime_ms = 48 * HOUR_MS};
	submit(&f->b, &operation, s);
}

static enum status
vote_of(struct fixture *f, const struct gate_operation *operation, enum firm_member by, enum operation_state *state) {
	struct firm_choice choice = {.verdict = "approve", .client = APPROVAL_CLIENT_CLI};
	return vote_as(&f->b, operation, by, &choice, state);
}

static void
approve(struct fixture *f, const struct gate_operation *operation, enum firm_member by, enum operation_state expected) {
	enum operation_state state;
	assert_ok(vote_of(f, operation, by, &state));
	assert_int_equal(expected, state);
}

/* What the payload of an enrolment is made of; zero members are right. */
struct enrolment {
	const char *instance, *person, *name; /* that the challenge names */
	int64_t waiting_ms;
	bool self_attested;
};

static const char *
enrolment_payload(struct fixture *f, struct arena *arena, enum firm_member of, const struct enrolment *wanted) {
	_cleanup_(registration_made_free) struct registration_made made = {};
	_cleanup_(buffer_free) struct buffer payload = {};
	static const uint8_t nonce[16] = {7};
	struct hash256 challenge;
	int64_t waiting_ms = wanted->waiting_ms == 0 ? 25 * HOUR_MS : wanted->waiting_ms;
	assert_ok(passkey_enrolment_challenge(bytes_of_text(wanted->instance ?: INSTANCE),
					      bytes_of_text(wanted->person ?: f->b.firm.members[of].principal),
					      bytes_of_text(wanted->name ?: "passkey"), nonce, &challenge));
	authenticator_register(&f->authenticators[of], hash256_bytes(&challenge), wanted->self_attested, &made);
	buffer_append_text(&payload, "{\"attestation_object\":\"");
	append_hex(&payload, &made.attestation_object);
	buffer_append_text(&payload, "\",\"client_data\":\"");
	append_hex(&payload, &made.client_data);
	buffer_append_format(&payload,
			     "\",\"name\":\"passkey\",\"nonce\":\"07000000000000000000000000000000\",\"rp_id\":\"" RP_ID
			     "\",\"usable_from\":%lld}",
			     (long long)(f->b.now_ms + waiting_ms));
	const char *text = arena_text(arena, buffer_bytes(&payload));
	assert_non_null(text);
	return text;
}

static void
submit_enrolment(struct fixture *f, enum firm_member of, const struct enrolment *wanted, struct submitted *s) {
	_cleanup_(arena_free) struct arena arena = {};
	submit_of(f, FIRM_PERSON_4, "principal.passkey_add", f->b.firm.members[of].principal,
		  enrolment_payload(f, &arena, of, wanted), s);
}

/* Enrolled by two of security, and past its waiting time. */
static void
enrol(struct fixture *f, enum firm_member of) {
	_cleanup_(submitted_free) struct submitted s;
	submit_enrolment(f, of, &(struct enrolment){.self_attested = true}, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, s.step.state);
	approve(f, s.step.operation, FIRM_PERSON_3, OPERATION_HELD);
	approve(f, s.step.operation, FIRM_PERSON_5, OPERATION_DONE);
	f->b.now_ms += 26 * HOUR_MS;
}

static bool
recorded(const struct fixture *f, const char *text) {
	const struct buffer *leaf = &f->b.leaves[f->b.count - 1];
	return memmem(leaf->data, leaf->len, text, strlen(text)) != nullptr;
}

static const char *
replay_difference(const struct fixture *f, size_t changed_entry, struct bytes leaf) {
	static char difference[256];
	_cleanup_(replayer_destroy) struct replayer *replayer = nullptr;
	assert_ok(replayer_create(&replayer, &(struct record_blobs){}));
	for (size_t i = 0; i < f->b.count; i++) {
		enum replay_result result;
		const char *found;
		assert_ok(replayer_add(replayer, i, i == changed_entry ? leaf : buffer_bytes(&f->b.leaves[i]), &result,
				       &found));
		if (found == nullptr)
			continue;
		snprintf(difference, sizeof difference, "%s", found);
		return difference;
	}
	return nullptr;
}

static void
assert_all_replays(const struct fixture *f) {
	const char *difference = replay_difference(f, SIZE_MAX, (struct bytes){});
	if (difference != nullptr)
		fail_msg("replay: %s", difference);
}

/* --- Enrolling. --- */

static void
a_passkey_of_an_approver_is_held_and_counts_only_after_its_waiting_time(void **) {
	_cleanup_(end) struct fixture f;
	_cleanup_(submitted_free) struct submitted s, waiting, asked;
	enum operation_state state;
	begin(&f);
	submit_enrolment(&f, FIRM_PERSON_1, &(struct enrolment){}, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_HELD, s.step.state);
	assert_true(recorded(&f, "\"change.approver\":true"));
	assert_true(recorded(&f, "\"change.certified\":false"));
	assert_true(recorded(&f, "\"change.key_class\":\"passkey\""));
	assert_true(recorded(&f, "\"change.synced\":false"));
	assert_true(recorded(&f, "\"change.waiting_ms\":90000000"));
	approve(&f, s.step.operation, FIRM_PERSON_3, OPERATION_HELD);
	approve(&f, s.step.operation, FIRM_PERSON_5, OPERATION_DONE);
	submit_of(&f, FIRM_PERSON_4, "group.add", "system:gatehouse", "{\"id\":\"extra\"}", &asked);
	by_passkey(&f, FIRM_PERSON_1, true);
	assert_fails(STATUS_UNAUTHORIZED, "directory.key_waiting",
		     vote_of(&f, asked.step.operation, FIRM_PERSON_1, &state));
	submit_of(&f, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000002", "{}", &waiting);
	assert_fails(STATUS_UNAUTHORIZED, "directory.key_waiting", waiting.status);
	f.b.now_ms += 26 * HOUR_MS;
	approve(&f, asked.step.operation, FIRM_PERSON_1, OPERATION_HELD);
	assert_all_replays(&f);
}

static void
a_shorter_waiting_time_is_denied_whoever_approves(void **) {
	_cleanup_(end) struct fixture f;
	_cleanup_(submitted_free) struct submitted s, late;
	begin(&f);
	submit_enrolment(&f, FIRM_PERSON_1, &(struct enrolment){.waiting_ms = 23 * HOUR_MS}, &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_DENIED, s.step.state);
	/* And where the approvals come so late that less than a day is left. */
	submit_enrolment(&f, FIRM_PERSON_2, &(struct enrolment){}, &late);
	assert_int_equal(OPERATION_HELD, late.step.state);
	f.b.now_ms += 2 * HOUR_MS;
	approve(&f, late.step.operation, FIRM_PERSON_3, OPERATION_DENIED);
	assert_null(directory_key(f.b.gate->state->directory, BYTES_OF_LITERAL("person:p-0000000000000002/passkey")));
	assert_all_replays(&f);
}

/* Yubico YSA-2026-02, Rodauth 2.46.0: a credential of somebody else. Ours is one person's for ever. */
static void
an_enrolment_serves_one_person_one_name_one_installation_and_one_address(void **) {
	static const struct {
		struct enrolment wanted;
		const char *origin, *rp_id, *name;
		uint8_t flags;
	} cases[] = {
		{{.person = "person:p-0000000000000002"}, ORIGIN, RP_ID, "client_data.challenge", 0x05},
		{{.name = "other"}, ORIGIN, RP_ID, "client_data.challenge", 0x05},
		{{.instance = "elsewhere.example"}, ORIGIN, RP_ID, "client_data.challenge", 0x05},
		{{}, "https://gate.northwind.example", RP_ID, "client_data.origin", 0x05},
		{{}, "http://gate.northwind.example:8443", RP_ID, "client_data.origin", 0x05},
		{{}, "https://evil.example", RP_ID, "client_data.origin", 0x05},
		{{}, ORIGIN, "northwind.example", "authenticator_data.rp_id", 0x05},
		{{}, ORIGIN, RP_ID, "authenticator_data.user_present", 0x04},
		{{}, ORIGIN, RP_ID, "authenticator_data.user_verified", 0x01},
	};
	_cleanup_(end) struct fixture f;
	begin(&f);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(submitted_free) struct submitted s;
		f.authenticators[FIRM_PERSON_1].origin = cases[i].origin;
		f.authenticators[FIRM_PERSON_1].rp_id = cases[i].rp_id;
		f.authenticators[FIRM_PERSON_1].flags = cases[i].flags;
		submit_enrolment(&f, FIRM_PERSON_1, &cases[i].wanted, &s);
		assert_fails(STATUS_UNAUTHORIZED, cases[i].name, s.status);
	}
	enrol(&f, FIRM_PERSON_2);
	_cleanup_(submitted_free) struct submitted taken;
	f.authenticators[FIRM_PERSON_1] = f.authenticators[FIRM_PERSON_2];
	submit_enrolment(&f, FIRM_PERSON_1, &(struct enrolment){}, &taken);
	assert_fails(STATUS_CONFLICT, "directory.key_taken", taken.status);
	assert_all_replays(&f);
}

/* --- Signing. --- */

static void
an_operation_signed_by_a_passkey_states_its_assurance_and_replays(void **) {
	_cleanup_(end) struct fixture f;
	_cleanup_(submitted_free) struct submitted by_key, s;
	begin(&f);
	enrol(&f, FIRM_PERSON_1);
	submit_of(&f, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000002", "{}", &by_key);
	assert_ok(by_key.status);
	assert_true(recorded(&f, "\"mfa.aal\":1"));
	assert_true(recorded(&f, "\"mfa.phishing_resistant\":false"));
	by_passkey(&f, FIRM_PERSON_1, true);
	submit_of(&f, FIRM_PERSON_1, "session.revoke", "person:p-0000000000000003", "{}", &s);
	assert_ok(s.status);
	assert_int_equal(OPERATION_DONE, s.step.state);
	assert_true(recorded(&f, "\"mfa.aal\":2"));
	assert_true(recorded(&f, "\"mfa.phishing_resistant\":true"));
	assert_true(recorded(&f, "\"identity.terminal_key\":false"));
	assert_true(recorded(&f, "\"method\":\"passkey\""));
	assert_all_replays(&f);
}

static void
a_vote_by_passkey_counts_as_one_and_never_as_independent(void **) {
	_cleanup_(end) struct fixture f;
	_cleanup_(submitted_free) struct submitted asked;
	begin(&f);
	enrol(&f, FIRM_PERSON_3);
	enrol(&f, FIRM_PERSON_5);
	submit_of(&f, FIRM_PERSON_4, "group.add", "system:gatehouse", "{\"id\":\"extra\"}", &asked);
	by_passkey(&f, FIRM_PERSON_3, true);
	approve(&f, asked.step.operation, FIRM_PERSON_3, OPERATION_HELD);
	by_passkey(&f, FIRM_PERSON_5, true);
	/* Two of security by now, and none from a terminal: the policy asks for one. */
	approve(&f, asked.step.operation, FIRM_PERSON_5, OPERATION_HELD);
	assert_bytes(BYTES_OF_LITERAL("{\"independent\":1}"), asked.step.operation->held->missing);
	by_passkey(&f, FIRM_PERSON_3, false);
	approve(&f, asked.step.operation, FIRM_PERSON_1, OPERATION_DONE);
	assert_true(recorded(&f, "\"approvals.phishing_resistant\":2"));
	assert_true(recorded(&f, "\"approvals.independent\":1"));
	assert_true(recorded(&f, "\"approvals.total\":3"));
	assert_all_replays(&f);
}

/* Each refused by its name, and nothing of it in the log. */
static void
an_assertion_that_is_not_for_this_is_refused(void **) {
	static const uint8_t other[32] = {1};
	static const struct {
		const char *name, *origin, *rp_id, *key_id, *extra;
		const uint8_t *challenge;
		uint8_t flags;
		bool ed25519_form, other_key;
	} cases[] = {
		{"client_data.challenge", .challenge = other},
		{"client_data.origin", .origin = "https://evil.example"},
		{"client_data.origin", .origin = "https://gate.northwind.example"},
		{"client_data.origin", .origin = "http://gate.northwind.example:8443"},
		{"client_data.origin", .origin = "https://gate.northwind.example:8443.evil.example"},
		{"client_data.cross_origin", .extra = ",\"topOrigin\":\"https://evil.example\""},
		{"json.duplicate_key", .extra = ",\"type\":\"webauthn.get\""},
		{"authenticator_data.rp_id", .rp_id = "northwind.example"},
		{"authenticator_data.user_present", .flags = 0x04},
		{"authenticator_data.user_verified", .flags = 0x01}, /* GHSA-h4fw-6r7f-w494, GHSA-6whf-q6p5-84wg */
		{"authenticator_data.backup", .flags = 0x15},
		{"passkey.backup", .flags = 0x0d},
		{"signature.mismatch", .other_key = true},
		{"signature.mismatch", .key_id = "person:p-0000000000000001/terminal"},
		{"person_signature.mismatch", .ed25519_form = true},
		{"signature.mismatch", .key_id = "person:p-0000000000000001/none"},
		/* Another's passkey, and another's name on one's own (GitLab 585333: id and rawId that differ). */
		{"signature.mismatch", .key_id = "person:p-0000000000000003/passkey"},
	};
	_cleanup_(end) struct fixture f;
	begin(&f);
	enrol(&f, FIRM_PERSON_1);
	enrol(&f, FIRM_PERSON_3);
	_cleanup_(submitted_free) struct submitted asked;
	submit_of(&f, FIRM_PERSON_4, "group.add", "system:gatehouse", "{\"id\":\"extra\"}", &asked);
	by_passkey(&f, FIRM_PERSON_1, true);
	size_t before = f.b.count;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		_cleanup_(submitted_free) struct submitted s;
		struct authenticator *authenticator = &f.authenticators[FIRM_PERSON_1], kept = *authenticator;
		enum operation_state state;
		authenticator->origin = cases[i].origin ?: ORIGIN;
		authenticator->rp_id = cases[i].rp_id ?: RP_ID;
		authenticator->flags = cases[i].flags == 0 ? 0x05 : cases[i].flags;
		authenticator->client_extra = cases[i].extra;
		if (cases[i].other_key)
			authenticator->private_key[0] ^= 1;
		f.key_id = cases[i].key_id;
		f.other_challenge = cases[i].challenge;
		f.ed25519_form = cases[i].ed25519_form;
		submit_of(&f, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000002", "{}", &s);
		char name[64] = "";
		fail_name(name, sizeof name);
		if (s.status == OK || strcmp(name, cases[i].name) != 0)
			fail_msg("operation %zu: expected %s, found %s", i, cases[i].name, name);
		enum status status = vote_of(&f, asked.step.operation, FIRM_PERSON_1, &state);
		fail_name(name, sizeof name);
		if (status == OK || strcmp(name, cases[i].name) != 0)
			fail_msg("vote %zu: expected %s, found %s", i, cases[i].name, name);
		*authenticator = kept;
	}
	assert_int_equal(before, f.b.count);
	f.key_id = nullptr;
	f.other_challenge = nullptr;
	f.ed25519_form = false;
	approve(&f, asked.step.operation, FIRM_PERSON_1, OPERATION_HELD);
}

/* GHSA-v9hx-v6vf-g36j: a counter that is never kept. Here it outlives a restart. */
static void
a_counter_that_goes_back_is_refused_also_after_a_restart(void **) {
	_cleanup_(end) struct fixture f;
	_cleanup_(submitted_free) struct submitted first, copied, again, next, asked;
	enum operation_state state;
	begin(&f);
	enrol(&f, FIRM_PERSON_1);
	struct authenticator *authenticator = &f.authenticators[FIRM_PERSON_1];
	by_passkey(&f, FIRM_PERSON_1, true);
	authenticator->counter = 7;
	submit_of(&f, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000002", "{}", &first);
	assert_ok(first.status);
	authenticator->counter = 7;
	submit_of(&f, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000003", "{}", &copied);
	assert_fails(STATUS_UNAUTHORIZED, "authenticator_data.counter", copied.status);
	start_gate(&f.b);
	authenticator->counter = 6;
	submit_of(&f, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000003", "{}", &again);
	assert_fails(STATUS_UNAUTHORIZED, "authenticator_data.counter", again.status);
	authenticator->counter = 8;
	submit_of(&f, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000002", "{}", &next);
	assert_ok(next.status);
	/* Votes move it as well. */
	by_passkey(&f, FIRM_PERSON_1, false);
	submit_of(&f, FIRM_PERSON_4, "group.add", "system:gatehouse", "{\"id\":\"extra\"}", &asked);
	by_passkey(&f, FIRM_PERSON_1, true);
	authenticator->counter = 20;
	approve(&f, asked.step.operation, FIRM_PERSON_1, OPERATION_HELD);
	struct hash256 id = asked.step.operation->id;
	start_gate(&f.b);
	authenticator->counter = 20;
	assert_fails(STATUS_UNAUTHORIZED, "authenticator_data.counter",
		     vote_of(&f, operations_find(&f.b.gate->state->operations, &id), FIRM_PERSON_1, &state));
	assert_all_replays(&f);
}

static void
a_revoked_passkey_signs_nothing(void **) {
	_cleanup_(end) struct fixture f;
	_cleanup_(submitted_free) struct submitted revoked, s;
	begin(&f);
	enrol(&f, FIRM_PERSON_1);
	submit_of(&f, FIRM_PERSON_1, "principal.key_revoke", "person:p-0000000000000001",
		  "{\"key\":\"person:p-0000000000000001/passkey\"}", &revoked);
	assert_int_equal(OPERATION_DONE, revoked.step.state);
	by_passkey(&f, FIRM_PERSON_1, true);
	submit_of(&f, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000002", "{}", &s);
	assert_fails(STATUS_UNAUTHORIZED, "directory.key_revoked", s.status);
}

/* --- Trust, and the state as bytes. --- */

static void
believe(struct fixture *f, const struct certificate_made *root) {
	_cleanup_(buffer_free) struct buffer payload = {};
	_cleanup_(submitted_free) struct submitted s;
	buffer_append_text(&payload, "{\"aaguid\":\"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\",\"roots\":[");
	if (root != nullptr) {
		buffer_append_text(&payload, "\"");
		append_hex(&payload, &root->der);
		buffer_append_text(&payload, "\"");
	}
	buffer_append_text(&payload, "]}");
	buffer_append_byte(&payload, '\0');
	submit_of(f, FIRM_PERSON_4, "authenticator.trust", "system:gatehouse", (const char *)payload.data, &s);
	assert_ok(s.status);
	approve(f, s.step.operation, FIRM_PERSON_3, OPERATION_HELD);
	approve(f, s.step.operation, FIRM_PERSON_5, OPERATION_DONE);
}

static const struct passkey *
passkey_of(const struct fixture *f, enum firm_member of) {
	char id[80];
	snprintf(id, sizeof id, "%s/passkey", f->b.firm.members[of].principal);
	const struct directory_key *key = directory_key(f->b.gate->state->directory, bytes_of_text(id));
	assert_non_null(key);
	return key->passkey;
}

/* A self attestation is nobody's word, whoever is believed; and what is believed may be taken back. */
static void
only_a_believed_maker_certifies(void **) {
	_cleanup_(end) struct fixture f;
	_cleanup_(certificate_made_free) struct certificate_made root = {};
	const uint8_t aaguid[16] = {0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee,
				    0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0xee};
	begin(&f);
	certificate_make(&(struct certificate_recipe){.subject = {"CN", "Root"}, .is_authority = true}, &root);
	believe(&f, &root);
	assert_non_null(authenticator_trust_of(&f.b.gate->state->trust, BYTES_OF_ARRAY(aaguid)));
	enrol(&f, FIRM_PERSON_1);
	assert_false(passkey_of(&f, FIRM_PERSON_1)->is_certified);
	assert_int_equal(2, passkey_assurance_level(passkey_of(&f, FIRM_PERSON_1)));
	believe(&f, nullptr);
	assert_null(authenticator_trust_of(&f.b.gate->state->trust, BYTES_OF_ARRAY(aaguid)));
	assert_all_replays(&f);
}

static void
a_snapshot_keeps_passkeys_their_counters_and_who_is_believed(void **) {
	static const char *const authorities[] = {AUTHORITY};
	struct gate_config config = {
		.instance = bytes_of_text(INSTANCE), .authorities = authorities, .authority_count = 1};
	_cleanup_(end) struct fixture f;
	_cleanup_(gate_destroy) struct gate *again = nullptr;
	_cleanup_(certificate_made_free) struct certificate_made root = {};
	_cleanup_(buffer_free) struct buffer first = {}, second = {};
	_cleanup_(submitted_free) struct submitted s, back;
	begin(&f);
	certificate_make(&(struct certificate_recipe){.subject = {"CN", "Root"}, .is_authority = true}, &root);
	believe(&f, &root);
	enrol(&f, FIRM_PERSON_1);
	by_passkey(&f, FIRM_PERSON_1, true);
	f.authenticators[FIRM_PERSON_1].counter = 9;
	submit_of(&f, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000002", "{}", &s);
	assert_ok(s.status);
	assert_ok(gate_snapshot_write(f.b.gate, &first));
	assert_ok(gate_create(&again, &config));
	assert_ok(gate_snapshot_read(again, buffer_bytes(&first)));
	assert_ok(gate_snapshot_write(again, &second));
	assert_bytes(buffer_bytes(&first), buffer_bytes(&second));
	struct gate *before = f.b.gate;
	f.b.gate = again;
	again = before;
	assert_int_equal(9, passkey_of(&f, FIRM_PERSON_1)->counter);
	f.authenticators[FIRM_PERSON_1].counter = 9;
	submit_of(&f, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000003", "{}", &back);
	assert_fails(STATUS_UNAUTHORIZED, "authenticator_data.counter", back.status);
	/* And the log read from its beginning gives the same. */
	struct hash256 live, restored;
	assert_ok(gate_state_digest(f.b.gate, f.b.now_ms, &live));
	start_gate(&f.b);
	assert_ok(gate_state_digest(f.b.gate, f.b.now_ms, &restored));
	assert_true(hash256_equal(&live, &restored));
}

/* --- Evidence. --- */

static void
exchange(const struct fixture *f, size_t entry, const char *from, const char *to, struct buffer *changed) {
	struct bytes leaf = buffer_bytes(&f->b.leaves[entry]);
	const uint8_t *at = memmem(leaf.data, leaf.len, from, strlen(from));
	assert_non_null(at);
	size_t before = (size_t)(at - leaf.data), after = before + strlen(from);
	buffer_append(changed, leaf.data, before);
	buffer_append_text(changed, to);
	buffer_append(changed, leaf.data + after, leaf.len - after);
}

/* Whoever can write the log changes what a passkey signed, or what is said about it: replay notices. */
static void
evidence_that_was_changed_does_not_replay(void **) {
	static const struct {
		size_t back; /* from the last entry */
		const char *from, *to;
	} changes[] = {
		{0, "\"mfa.aal\":2", "\"mfa.aal\":4"},
		{0, "\"method\":\"passkey\"", "\"method\":\"digest-signature\""},
		{0, "\"authenticator_data\":\"", "\"authenticator_data\":\"00"},
		{0, "2274797065223a22776562617574686e2e676574", "2274797065223a22776562617574686e2e676575"},
		{0, "person:p-0000000000000001/passkey", "person:p-0000000000000001/terminal"},
	};
	_cleanup_(end) struct fixture f;
	_cleanup_(submitted_free) struct submitted s;
	begin(&f);
	enrol(&f, FIRM_PERSON_1);
	by_passkey(&f, FIRM_PERSON_1, true);
	submit_of(&f, FIRM_PERSON_1, "principal.suspend", "person:p-0000000000000002", "{}", &s);
	assert_ok(s.status);
	assert_all_replays(&f);
	for (size_t i = 0; i < ARRAY_LENGTH(changes); i++) {
		_cleanup_(buffer_free) struct buffer changed = {};
		size_t entry = f.b.count - 1 - changes[i].back;
		exchange(&f, entry, changes[i].from, changes[i].to, &changed);
		if (replay_difference(&f, entry, buffer_bytes(&changed)) == nullptr)
			fail_msg("change %zu replays", i);
	}
}

/* A vote that claims a terminal's weight though a passkey gave it. */
static void
a_passkeys_vote_cannot_be_recorded_as_independent(void **) {
	_cleanup_(end) struct fixture f;
	_cleanup_(submitted_free) struct submitted asked;
	_cleanup_(buffer_free) struct buffer changed = {};
	begin(&f);
	enrol(&f, FIRM_PERSON_3);
	submit_of(&f, FIRM_PERSON_4, "group.add", "system:gatehouse", "{\"id\":\"extra\"}", &asked);
	by_passkey(&f, FIRM_PERSON_3, true);
	approve(&f, asked.step.operation, FIRM_PERSON_3, OPERATION_HELD);
	by_passkey(&f, FIRM_PERSON_3, false);
	approve(&f, asked.step.operation, FIRM_PERSON_5, OPERATION_DONE);
	assert_all_replays(&f);
	exchange(&f, f.b.count - 1, "\"approvals.independent\":1", "\"approvals.independent\":2", &changed);
	assert_string_equal("approvals.independent is 2, and 1 such votes approve",
			    replay_difference(&f, f.b.count - 1, buffer_bytes(&changed)));
}

RUN_TESTS(T(a_passkey_of_an_approver_is_held_and_counts_only_after_its_waiting_time),
	  T(a_shorter_waiting_time_is_denied_whoever_approves),
	  T(an_enrolment_serves_one_person_one_name_one_installation_and_one_address),
	  T(an_operation_signed_by_a_passkey_states_its_assurance_and_replays),
	  T(a_vote_by_passkey_counts_as_one_and_never_as_independent), T(an_assertion_that_is_not_for_this_is_refused),
	  T(a_counter_that_goes_back_is_refused_also_after_a_restart), T(a_revoked_passkey_signs_nothing),
	  T(only_a_believed_maker_certifies), T(a_snapshot_keeps_passkeys_their_counters_and_who_is_believed),
	  T(evidence_that_was_changed_does_not_replay), T(a_passkeys_vote_cannot_be_recorded_as_independent))
