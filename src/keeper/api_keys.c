/* What is read of keys. */
#include "base/time.h"
#include "gate/import_key.h"
#include "gate/key_address.h"
#include "gate/shared_keys.h"
#include "keeper/api_reads.h"
#include "keeper/listing.h"
#include "keeper/refresh_schedule.h"
#include "keeper/respond.h"
#include "keeper/threshold.h"
#include "keys/bip32.h"
#include "keys/threshold/audit.h"

enum status
api_read_key(struct job *job, const struct route_match *match) {
	_cleanup_(buffer_free) struct buffer body = {};
	const struct key_info *key = gate_state_key(job->keeper->gate->state, match->path.values[0]);
	struct json_writer w;
	if (key == nullptr)
		return fail(STATUS_NOT_FOUND, "key.unknown: there is no key \"%.*s\"",
			    BYTES_ARGS(match->path.values[0]));
	json_writer_start(&w, &body);
	key_write(&w, key);
	return api_send_json(job, &w);
}

/* The public key below an extended key, for wallets that hand out addresses: ?path=m/84h/0h/0h/0/5, from the key itself. */
enum status
api_read_derived_key(struct job *job, const struct route_match *match) {
	static const char name[] = "path=";
	struct signing_path path;
	uint8_t public_key[33];
	char text[BIP32_PATH_TEXT_SIZE];
	if (match->query.len < sizeof name - 1 || memcmp(match->query.data, name, sizeof name - 1) != 0)
		return fail(STATUS_INVALID, "query.path: expected path=m/84h/0h/0h/0/5");
	TRY(bip32_path_parse(bytes_of(match->query.data + sizeof name - 1, match->query.len - (sizeof name - 1)),
			     &path));
	TRY(gate_state_public_key(job->keeper->gate->state, match->path.values[0], &path, public_key));
	bip32_path_format(&path, text);
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	json_writer_start(&w, &body);
	json_write_object(&w);
	json_write_member_string(&w, "key", match->path.values[0]);
	json_write_member_text(&w, "path", text);
	json_write_member_hex(&w, "public_key", BYTES_OF_ARRAY(public_key));
	json_write_end(&w);
	return api_send_json(job, &w);
}

/* Made where there is none yet; whoever wants to rely on it compares its hash with what the keeper's log says. */
enum status
api_read_import_key(struct job *job, const struct route_match *) {
	const struct gate_state *state = job->keeper->gate->state;
	const struct import_key *key;
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	TRY(import_key_get(job->keeper->gate, &key));
	json_writer_start(&w, &body);
	json_write_object(&w);
	json_write_member_text(&w, "instance", state->instance);
	json_write_member_text(&w, "keeper", state->keeper);
	json_write_member_hex(&w, "public_key", BYTES_OF_ARRAY(key->public_key));
	json_write_member_text(&w, "type", "gatehouse/import-key/v1");
	json_write_end(&w);
	return api_send_json(job, &w);
}

/* Proved for a challenge of whoever asks: ?challenge=<64 hexadecimal digits>. */
static enum status
write_audit(const struct gate_state *state, const struct shared_key *key, struct bytes query, struct json_writer *w) {
	static const char name[] = "challenge=";
	uint8_t challenge[AUDIT_CHALLENGE_SIZE], proof[AUDIT_PROOF_MAX];
	struct frost_scalar number;
	size_t len;
	if (query.len == 0)
		return OK;
	if (query.len < sizeof name - 1 || memcmp(query.data, name, sizeof name - 1) != 0 ||
	    hex_decode(bytes_of(query.data + sizeof name - 1, query.len - (sizeof name - 1)), challenge,
		       sizeof challenge) != OK)
		return fail(STATUS_INVALID, "query.challenge: expected challenge=<64 hexadecimal digits>");
	shared_key_number(key, &number);
	enum status status = share_audit_prove(&key->sharing, shared_key_self(key), &number,
					       bytes_of_text(state->instance), challenge, proof, &len);
	secret_wipe(&number, sizeof number);
	TRY(status);
	json_write_member_hex(w, "proof", bytes_of(proof, len));
	return OK;
}

enum status
api_read_sharing(struct job *job, const struct route_match *match) {
	const struct gate_state *state = job->keeper->gate->state;
	const struct shared_key *key = shared_keys_find(state, match->path.values[0]);
	_cleanup_(buffer_free) struct buffer body = {};
	struct json_writer w;
	if (key == nullptr)
		return fail(STATUS_NOT_FOUND, "key.not_shared: there is no shared key \"%.*s\"",
			    BYTES_ARGS(match->path.values[0]));
	json_writer_start(&w, &body);
	json_write_object(&w);
	uint8_t self = shared_key_self(key);
	int64_t due_ms = refresh_schedule_due_ms(job->keeper, key);
	const struct key_info *record = gate_state_key(state, match->path.values[0]);
	char address[KEY_ADDRESS_SIZE];
	if (record != nullptr && key_address(record, address))
		json_write_member_text(&w, "address", address);
	json_write_member_integer(&w, "age_days", (job->keeper->batch_ms - key->dealt_ms) / DAY_MS);
	json_write_member_integer(&w, "dealt_at", key->dealt_ms);
	if (self != 0)
		json_write_member_integer(&w, "holder", self);
	json_write_member_text(&w, "instance", state->instance);
	json_write_member_integer(&w, "prepared", (int64_t)threshold_prepared(job->keeper, match->path.values[0]));
	if (self != 0) {
		TRY(write_audit(state, key, match->query, &w));
		json_write_key(&w, "ready");
		json_write_array(&w);
		for (size_t i = 0; i < key->sharing.key.holders.count; i++)
			if (shared_key_is_ready_with(key, key->sharing.key.holders.parties[i].index))
				json_write_integer(&w, key->sharing.key.holders.parties[i].index);
		json_write_end(&w);
	}
	if (due_ms != INT64_MAX) {
		json_write_member_integer(&w, "refresh_due_at", due_ms);
		json_write_member_boolean(&w, "refresh_is_overdue", due_ms <= job->keeper->batch_ms);
	}
	json_write_key(&w, "sharing");
	sharing_write(&w, &key->sharing);
	json_write_end(&w);
	return api_send_json(job, &w);
}
