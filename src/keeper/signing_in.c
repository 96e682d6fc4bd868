#include "keeper/signing_in.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/log.h"
#include "identity/cookie.h"
#include "keeper/decide.h"
#include "keeper/enrolments.h"
#include "keeper/respond.h"

/* Streams of those who sign what they ask for are numbered by who they are; those of sessions by the session. */
constexpr uint64_t STREAM_OF_PRINCIPAL = UINT64_C(1) << 63;
constexpr int64_t PAIR_WAIT_MAX_MS = 60'000;

static uint64_t
stream_of(struct bytes principal) {
	struct hash256 hash = sha256(principal);
	return STREAM_OF_PRINCIPAL | load_u64be(hash.bytes);
}

static void
end_stream(struct keeper *keeper, uint64_t stream) {
	_cleanup_(buffer_free) struct buffer payload = {};
	if (keeper->channel == nullptr)
		return;
	ipc_write_stream_end(&payload, &(struct ipc_stream_end){stream});
	if (ipc_send(keeper->channel, IPC_STREAM_END, 0, false, buffer_bytes(&payload)) != OK)
		log_warning("a stream goes on that is over: %s", fail_message());
}

static void
end_stream_of_session(void *context, const struct session *session) {
	end_stream(context, session->number);
}

/* Whoever asks again is judged again. */
static void
end_streams_of(struct keeper *keeper, struct bytes principal) {
	for (const struct session *session = nullptr;
	     (session = sessions_next_of(&keeper->sessions, principal, session)) != nullptr;)
		end_stream(keeper, session->number);
	end_stream(keeper, stream_of(principal));
}

static struct session_time
times_of(const struct keeper *keeper) {
	return (struct session_time){keeper->batch_ms, keeper->batch_boot_ms};
}

void
signing_in_start(struct keeper *keeper) {
	challenges_start(&keeper->challenges);
	throttle_start(&keeper->origins);
	throttle_start(&keeper->pairs);
	keeper->pairs.wait_max_ms = PAIR_WAIT_MAX_MS;
	keeper->sessions.configured = keeper->config.session_limits;
	keeper->sessions.ended = end_stream_of_session;
	keeper->sessions.context = keeper;
}

void
signing_in_free(struct keeper *keeper) {
	sessions_free(&keeper->sessions);
	throttle_free(&keeper->origins);
	throttle_free(&keeper->pairs);
	challenges_free(&keeper->challenges);
}

/* --- On the pool. --- */

enum status
signing_in_authenticate(struct job *job) {
	const struct session *session;
	const struct keeper *keeper = job->keeper;
	struct bytes text;
	if (cookie_find(job->received.cookie, SESSION_COOKIE, &text) != OK)
		return fail(STATUS_UNAUTHORIZED, "session.none: sign in first");
	TRY(session_token_parse(text, job->session_token));
	TRY(sessions_find(&keeper->sessions, keeper->gate->state->directory, job->session_token,
			  job->received.reported.client_certificate, times_of(keeper), &session));
	job->reader = arena_copy(&job->arena, bytes_of_text(session->key));
	TRY_ALLOC(job->reader.data);
	job->by_session = true;
	return OK;
}

enum status
signing_in_read(struct job *job) {
	const struct keeper *keeper = job->keeper;
	TRY(sign_in_read(&job->arena, job->http.body, &job->sign_in));
	job->hides_why = true;
	return sign_in_verify(keeper->gate, &job->arena, &keeper->challenges, keeper->batch_ms, &job->sign_in);
}

enum status
signing_in_read_enrolment(struct job *job) {
	const struct keeper *keeper = job->keeper;
	TRY(enrolment_read(&job->arena, job->http.body, &job->enrolment));
	if (job->forwarded_by != 0)
		TRY(enrolments_name_sender(job));
	return enrolment_verify(keeper->gate, &job->arena, keeper->batch_ms, &job->enrolment);
}

/* --- In order. --- */

static void
give_cookie(struct job *job, const uint8_t token[static SESSION_TOKEN_SIZE]) {
	char text[SESSION_TOKEN_TEXT + 1];
	session_token_format(token, text);
	snprintf(job->set_cookie, sizeof job->set_cookie, "%s=%s; Path=/; Secure; HttpOnly; SameSite=Strict",
		 SESSION_COOKIE, text);
}

static enum status
use(struct job *job, bool is_activity, bool may_renew, const struct session **session) {
	struct keeper *keeper = job->keeper;
	struct session_use use = {.is_activity = is_activity, .may_renew = may_renew};
	TRY(sessions_use(&keeper->sessions, keeper->gate->state->directory, job->session_token,
			 job->received.reported.client_certificate, times_of(keeper), &use, session));
	if (use.is_renewed)
		give_cookie(job, use.token);
	return OK;
}

enum status
signing_in_use(struct job *job, bool is_activity, bool may_renew) {
	TRY(use(job, is_activity, may_renew, &job->session));
	job->stream = job->session->number;
	return OK;
}

void
signing_in_name_stream(struct job *job) {
	if (!job->by_session)
		job->stream = stream_of(http_signature_principal(job->reader));
}

static enum status
write_groups(const struct gate_state *state, const struct principal *person, struct json_writer *w) {
	const struct directory *directory = state->directory;
	json_write_key(w, "groups");
	json_write_array(w);
	for (size_t i = 0; i < directory_group_count(directory); i++) {
		const struct group *group = directory_group_at(directory, i);
		if (directory_is_member(directory, group, person, state->now_ms))
			json_write_string(w, group->id);
	}
	json_write_end(w);
	return OK;
}

static enum status
write_session(const struct keeper *keeper, const struct session *session, struct json_writer *w) {
	const struct directory *directory = keeper->gate->state->directory;
	const struct directory_key *key = directory_key(directory, bytes_of_text(session->key));
	int64_t ends = session->ends.now_ms, idle = session->idle_ends.now_ms < ends ? session->idle_ends.now_ms : ends;
	json_write_object(w);
	json_write_member_integer(w, "aal", session->assurance_level);
	json_write_member_integer(w, "expires", ends);
	TRY(write_groups(keeper->gate->state, key->principal, w));
	json_write_member_integer(w, "idle_expires", idle);
	json_write_member_integer(w, "idle_ms",
				  session_limits_of(keeper->sessions.configured, session->assurance_level).idle_ms);
	json_write_member_string(w, "person", key->principal->id);
	json_write_key(w, "roles");
	json_write_array(w);
	if (access_is_auditor(&keeper->gate->state->access, key->principal->id))
		json_write_text(w, "auditor");
	json_write_end(w);
	json_write_end(w);
	return OK;
}

enum status
signing_in_write_session(struct job *job, struct json_writer *writer) {
	if (job->session == nullptr)
		return fail(STATUS_UNAUTHORIZED, "session.none: sign in first");
	return write_session(job->keeper, job->session, writer);
}

/* The host of the address that was asked: passkeys are made for it. */
static struct bytes
relying_party_of(const struct job *job) {
	struct bytes authority = gate_authority_of(job->keeper->gate, &job->http);
	const uint8_t *colon = memrchr(authority.data, ':', authority.len);
	bool has_port = colon != nullptr && authority.data[authority.len - 1] != ']';
	return has_port ? bytes_of(authority.data, (size_t)(colon - authority.data)) : authority;
}

enum status
signing_in_write_challenge(struct job *job, struct json_writer *writer) {
	uint8_t challenge[CHALLENGE_SIZE];
	struct bytes body = job->http.body;
	if (body.len > 0 && !bytes_equal_text(body, "{}"))
		return fail(STATUS_INVALID, "request.body: expected none, or {}");
	int64_t expires_ms = challenge_make(&job->keeper->challenges, job->keeper->batch_ms, challenge);
	json_write_object(writer);
	json_write_member_hex(writer, "challenge", BYTES_OF_ARRAY(challenge));
	json_write_member_integer(writer, "expires", expires_ms);
	json_write_member_string(writer, "rp_id", relying_party_of(job));
	json_write_end(writer);
	return OK;
}

/* What the page gives to navigator.credentials.create(); the algorithms are COSE's numbers of those that identity/cose.h reads. */
enum status
signing_in_write_options(struct job *job, struct json_writer *writer) {
	static const int64_t algorithms[] = {-7, -8, -35, -257};
	const struct gate_state *state = job->keeper->gate->state;
	const struct invitation *invitation;
	struct hash256 token, challenge;
	struct bytes instance = bytes_of_text(state->instance);
	TRY(enrolment_read_token(&job->arena, job->http.body, &token));
	TRY(enrolment_find(job->keeper->gate, &token, job->keeper->batch_ms, &invitation));
	const uint8_t *nonce = invitation_nonce(invitation);
	TRY(passkey_enrolment_challenge(instance, invitation->person, invitation->name, nonce, &challenge));
	json_write_object(writer);
	json_write_key(writer, "algorithms");
	json_write_array(writer);
	for (size_t i = 0; i < ARRAY_LENGTH(algorithms); i++)
		json_write_integer(writer, algorithms[i]);
	json_write_end(writer);
	json_write_member_text(writer, "attestation", invitation->must_be_certified ? "direct" : "none");
	json_write_member_hex(writer, "challenge", hash256_bytes(&challenge));
	json_write_member_integer(writer, "expires", invitation->expires_ms);
	json_write_member_string(writer, "instance", instance);
	json_write_member_string(writer, "name", invitation->name);
	json_write_member_hex(writer, "nonce", bytes_of(nonce, INVITATION_NONCE_SIZE));
	json_write_member_string(writer, "person", invitation->person);
	json_write_member_string(writer, "rp_id", relying_party_of(job));
	json_write_member_integer(writer, "waiting_ms", invitation->waiting_ms);
	json_write_end(writer);
	return OK;
}

/* The answer's body is written now, since the session may be over when the entry is durable. */
static enum status
begin_session(struct keeper *keeper, struct job *job, struct buffer *entry) {
	uint8_t token[SESSION_TOKEN_SIZE];
	struct json_writer w;
	const struct session *session;
	TRY(sessions_start(&keeper->sessions, job->sign_in.key_id, job->sign_in.assurance_level,
			   job->received.reported.client_certificate, times_of(keeper), token, &session));
	job->session = session;
	give_cookie(job, token);
	json_writer_start(&w, &job->body);
	TRY(write_session(keeper, session, &w));
	TRY(json_writer_finish(&w));
	return sign_in_write(keeper->gate->state, &job->sign_in, BYTES_OF_ARRAY(session->id), session->ends.now_ms,
			     keeper->batch_ms, entry);
}

static enum status
end_session(struct keeper *keeper, struct job *job, struct buffer *entry) {
	const struct session *session;
	TRY(use(job, false, false, &session));
	TRY(sign_out_write(keeper->gate->state, bytes_of_text(session->key), BYTES_OF_ARRAY(session->id),
			   keeper->batch_ms, entry));
	sessions_end(&keeper->sessions, session);
	snprintf(job->set_cookie, sizeof job->set_cookie, "%s=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0",
		 SESSION_COOKIE);
	return OK;
}

/* For the other keepers it is durable before its entry is. */
static enum status
take_enrolment(struct keeper *keeper, struct job *job) {
	const struct invitation *invitation =
		invitations_remembered(&keeper->gate->state->invitations, &job->enrolment.token, keeper->batch_ms);
	bool may_be_made = invitation != nullptr && !invitation->is_used;
	if (may_be_made)
		TRY(enrolments_keep(keeper, job, invitation));
	enum status status = enrolment_take(keeper->gate, &job->arena, keeper->batch_ms, &job->enrolment);
	if (may_be_made && status != OK) {
		char why[sizeof job->error];
		snprintf(why, sizeof why, "%s", fail_message());
		enrolments_drop(keeper, job);
		fail_keep("%s", why);
	}
	return status;
}

/* The entry stays empty where there is nothing to record. */
static enum status
enrol(struct keeper *keeper, struct job *job, enum entry_type *type, struct buffer *entry) {
	struct json_writer w;
	TRY(take_enrolment(keeper, job));
	job->is_taken = job->enrolment.outcome == ENROLMENT_MADE || job->enrolment.outcome == ENROLMENT_DIFFERS;
	*type = job->enrolment.outcome == ENROLMENT_DIFFERS ? ENTRY_DIVERGENCE : ENTRY_ENROLMENT;
	if (!job->is_taken)
		return OK;
	json_writer_start(&w, &job->body);
	json_write_object(&w);
	json_write_member_string(&w, "key", job->enrolment.key_id);
	json_write_member_integer(&w, "usable_from", job->enrolment.usable_from_ms);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return enrolment_write(&job->enrolment, keeper->batch_ms, entry);
}

static void
take_back(struct keeper *keeper, struct job *job) {
	if (job->session != nullptr)
		sessions_end(&keeper->sessions, job->session);
	job->session = nullptr;
	job->set_cookie[0] = '\0';
	buffer_free(&job->body);
}

/* What each of them does, and what is recorded of it. */
static enum status
take(struct keeper *keeper, struct job *job, enum entry_type *type, struct buffer *entry) {
	switch (job->kind) {
	case JOB_SIGN_IN:
		*type = ENTRY_SIGN_IN;
		TRY(sign_in_take(keeper->gate, &keeper->challenges, keeper->batch_ms, &job->sign_in));
		return begin_session(keeper, job, entry);
	case JOB_SIGN_OUT:
		*type = ENTRY_SIGN_OUT;
		return end_session(keeper, job, entry);
	default:
		return enrol(keeper, job, type, entry);
	}
}

/* Overload and a full disk: nothing was done, and nobody is refused. */
static void
turn_away(struct keeper *keeper, struct job *job, enum status status) {
	take_back(keeper, job);
	keeper_send_problem(keeper, job, status, fail_message());
	job_give_back(keeper, job);
}

void
signing_in_decide(struct keeper *keeper, struct job *job) {
	_cleanup_(buffer_free) struct buffer entry = {};
	enum entry_type type;
	enum status status = job->kind == JOB_SIGN_OUT ? OK : decide_check_room(keeper);
	if (status != OK) {
		turn_away(keeper, job, status);
		return;
	}
	status = take(keeper, job, &type, &entry);
	if (status != OK && job->kind != JOB_SIGN_OUT && !job->is_taken && job->session == nullptr) {
		decide_refuse(keeper, job, status);
		return;
	}
	if (status == OK && entry.len == 0) { /* handed over, and nothing new */
		signing_in_answer(keeper, job);
		job_give_back(keeper, job);
		return;
	}
	if (status == OK)
		status = decide_record(keeper, job, type, buffer_bytes(&entry));
	if (status == OK) {
		job->session = nullptr; /* it may end before this is durable */
		return;
	}
	if (job->is_taken) /* the state holds what no entry says */
		keeper_end(keeper, fail_message());
	turn_away(keeper, job, status);
}

void
signing_in_answer(struct keeper *keeper, struct job *job) {
	bool has_body = job->kind != JOB_SIGN_OUT;
	metric_add(&keeper->signed_in, job->kind == JOB_SIGN_IN);
	if (job->kind == JOB_ENROLMENT)
		enrolments_follow(keeper, job);
	keeper_send_body(keeper, job, has_body ? 201 : 204, "application/json", buffer_bytes(&job->body));
}

void
signing_in_hide(struct job *job) {
	if (!job->hides_why || (job->read_status != STATUS_UNAUTHORIZED && job->read_status != STATUS_INVALID))
		return;
	job->read_status = STATUS_UNAUTHORIZED;
	snprintf(job->error, sizeof job->error,
		 "session.refused: this does not sign you in; ask for another challenge");
}

/* "192.0.2.0/24": what is counted, and no more of an address. */
static void
write_origin(struct bytes address, char text[static INET6_ADDRSTRLEN + 8]) {
	char network[INET6_ADDRSTRLEN];
	uint8_t bytes[16] = {};
	struct bytes origin = throttle_origin(address);
	memcpy(bytes, origin.data, origin.len);
	bool is_v4 = address.len == 4;
	if (inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes, network, sizeof network) == nullptr)
		network[0] = '\0';
	snprintf(text, INET6_ADDRSTRLEN + 8, "%s%s", network, is_v4 ? "/24" : "/56");
}

/* The passkey that a request names, known or not: by its credential or by its key's id. Empty: none, or another keeper's affair. */
static struct bytes
asserted_by(const struct job *job) {
	if (job->forwarded_by != 0)
		return (struct bytes){};
	switch (job->kind) {
	case JOB_SIGN_IN:
		return job->sign_in.discovered.credential_id;
	case JOB_OPERATION:
		return job->submission.asserted_by;
	case JOB_VOTE:
		return job->vote.signature.is_passkey ? job->vote.signature.key_id : (struct bytes){};
	default:
		return (struct bytes){};
	}
}

static struct hash256
pair_of(const struct job *job, struct bytes passkey) {
	struct bytes network = throttle_origin(job->received.reported.peer_address);
	uint8_t form[] = {job->kind == JOB_SIGN_IN, (uint8_t)network.len};
	return SHA256_PARTS(BYTES_OF_ARRAY(form), network, passkey);
}

static void
tell_to_wait(struct job *job, int64_t wait_ms) {
	snprintf(job->retry_after, sizeof job->retry_after, "%lld", (long long)((wait_ms + 999) / 1000));
	job->read_status = STATUS_RATE;
	snprintf(job->error, sizeof job->error, "session.throttled: too many that were refused; wait before the next");
}

enum status
signing_in_check_throttled(struct job *job) {
	struct keeper *keeper = job->keeper;
	struct bytes passkey = asserted_by(job);
	if (passkey.len == 0)
		return OK;
	struct hash256 pair = pair_of(job, passkey);
	if (job->read_status == OK) { /* right, whatever strangers sent: there is nothing to guess behind a passkey */
		throttle_pass(&keeper->pairs, hash256_bytes(&pair));
		return OK;
	}
	int64_t wait_ms = throttle_wait(&keeper->pairs, hash256_bytes(&pair), keeper->batch_ms);
	if (wait_ms == 0)
		return OK;
	tell_to_wait(job, wait_ms);
	return fail(STATUS_RATE, "%s", job->error);
}

/* How long the passkey of this network is to wait: 0 where none was named. */
static int64_t
slow_pair_down(struct job *job) {
	struct bytes passkey = asserted_by(job);
	uint32_t failures;
	int64_t wait_ms = 0;
	if (passkey.len == 0)
		return 0;
	struct hash256 pair = pair_of(job, passkey);
	IGNORE_STATUS(throttle_fail(&job->keeper->pairs, hash256_bytes(&pair), job->keeper->batch_ms, &failures,
				    &wait_ms)); /* without memory nobody waits */
	return wait_ms;
}

static int64_t
slow_network_down(struct job *job) {
	struct keeper *keeper = job->keeper;
	struct bytes address = job->received.reported.peer_address;
	char origin[INET6_ADDRSTRLEN + 8];
	uint32_t failures;
	int64_t wait_ms;
	metric_add(&keeper->unknown_refused[job->kind == JOB_ENROLMENT], 1);
	if (throttle_fail(&keeper->origins, throttle_origin(address), keeper->batch_ms, &failures, &wait_ms) != OK)
		return 0;
	if (failures > THROTTLE_FREE && (failures & (failures - 1)) == 0) { /* a sample: at 8, 16, 32, … */
		write_origin(address, origin);
		log_warning("%u sign-ins or enrolments that were nobody's were refused from %s", failures, origin);
	}
	return wait_ms;
}

void
signing_in_slow_down(struct job *job) {
	if (job->read_status != STATUS_UNAUTHORIZED || job->forwarded_by != 0) /* another keeper is no network */
		return;
	int64_t pair_ms = slow_pair_down(job), network_ms = 0;
	if (job->kind == JOB_SIGN_IN || job->kind == JOB_ENROLMENT)
		network_ms = slow_network_down(job);
	if (pair_ms > 0 || network_ms > 0)
		tell_to_wait(job, pair_ms > network_ms ? pair_ms : network_ms);
}

/* "person:p-…" or "workload:…"; no more than a directory holds. */
static struct bytes
principal_that(const struct decision_record *done, char text[static DIRECTORY_PRINCIPAL_MAX + 1]) {
	enum resource_type type = bytes_equal_text(done->resource.type, resource_kinds[RESOURCE_PERSON].entity)
					  ? RESOURCE_PERSON
					  : RESOURCE_WORKLOAD;
	snprintf(text, DIRECTORY_PRINCIPAL_MAX + 1, "%s:%.*s", resource_kinds[type].prefix,
		 BYTES_ARGS(done->resource.id));
	return bytes_of_text(text);
}

void
signing_in_follow(struct keeper *keeper, const struct decision_record *done) {
	enum operation_kind_id kind;
	char text[DIRECTORY_PRINCIPAL_MAX + 1];
	if (operation_kind_parse(done->action.id, &kind) != OK)
		return;
	switch (kind) {
	case OPERATION_SESSION_REVOKE:
	case OPERATION_PERSON_ERASE:
		(void)sessions_end_of(&keeper->sessions, principal_that(done, text));
		return;
	case OPERATION_AUDITOR_GRANT:
	case OPERATION_PRINCIPAL_SUSPEND:
	case OPERATION_PRINCIPAL_KEY_REVOKE:
		end_streams_of(keeper, principal_that(done, text));
		break;
	default:
		break;
	}
	if (operation_kinds[kind].is_protective)
		signing_in_tick(keeper);
}

void
signing_in_tick(struct keeper *keeper) {
	sessions_sweep(&keeper->sessions, keeper->gate->state->directory, times_of(keeper));
}
