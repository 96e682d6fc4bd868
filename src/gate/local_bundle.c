#include "gate/local_bundle.h"

#include <stdio.h>

#include "gate/activation.h"
#include "policy/bundle_check.h"
#include "store/blob.h"

static enum status
check_as_common(const struct gate *gate, struct bytes document) {
	const struct assessment *assessment;
	TRY(assessments_get(gate->assessments, document, &assessment));
	if (assessment->status != OK)
		return fail(assessment->status, "%s", assessment->error);
	return activation_check_groups(assessment, gate->state->directory);
}

static enum status
open_file(const struct gate *gate, struct bytes file, struct bundle **bundle) {
	static const char *const members[] = {"bundle", "signatures", nullptr};
	_cleanup_(arena_free) struct arena arena = {.block_size = 64 * 1024};
	_cleanup_(bundle_destroy) struct bundle *made = nullptr;
	const json *root;
	struct bytes document;
	int64_t signers;
	TRY(json_read(&arena, file, (struct json_limits){}, &root));
	if (json_type_of(root) != JSON_OBJECT)
		return fail(STATUS_INVALID, "bundle.file: expected a packed bundle, found %s",
			    json_type_name(json_type_of(root)));
	TRY(json_only(root, "bundle", members));
	TRY(activation_document(&arena, root, &document));
	TRY(bundle_create(&made, document, nullptr));
	TRY(bundle_check_forbids(made, nullptr));
	/* The log holds it whole: that a signer or a group has gone since is no reason to stop, least of all at a start. */
	if (gate->state->local != nullptr && hash256_equal(&made->hash, &gate->state->local->hash)) {
		*bundle = TAKE(made);
		return OK;
	}
	TRY(activation_signers(root, &made->hash, gate->state->directory, gate->state->now_ms, &signers));
	TRY(check_as_common(gate, document));
	*bundle = TAKE(made);
	return OK;
}

enum status
local_bundle_open(const struct gate *gate, struct bytes file, struct bundle **bundle) {
	enum status status = open_file(gate, file, bundle);
	if (status == OK || status == STATUS_NO_MEMORY)
		return status;
	char why[512];
	snprintf(why, sizeof why, "%s", fail_message());
	return fail(status, "local_bundle.refused: %s", why);
}

/* --- Its entry. --- */

enum status
local_bundle_write(const struct bundle *bundle, const struct record_blobs *blobs, struct buffer *body) {
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	if (bundle != nullptr) {
		json_write_member_hex(&w, "bundle", hash256_bytes(&bundle->hash));
		TRY(record_put_large(blobs, bundle->text));
		if (bundle->text.len > BLOB_THRESHOLD) /* under its own hash, which stands there already */
			json_write_member_hex(&w, "document_blob", hash256_bytes(&bundle->hash));
		else {
			json_write_key(&w, "document");
			json_write_canonical(&w, bundle->text);
		}
	}
	json_write_end(&w);
	return json_writer_finish(&w);
}

static enum status
read_document(struct arena *arena, const json *body, const struct record_blobs *blobs, struct buffer *text) {
	const json *document = json_get(body, "document");
	struct bytes hex;
	struct hash256 hash;
	if (document == nullptr) {
		TRY(json_need_string(body, "local_bundle", "document_blob", &hex));
		TRY(hex_decode(hex, hash.bytes, sizeof hash.bytes));
		return blob_get(blobs->io, blobs->directory, &hash, text);
	}
	struct json_writer w;
	json_writer_start(&w, text);
	json_write_value(&w, document);
	TRY(json_writer_finish(&w));
	return json_check_canonical(arena, buffer_bytes(text));
}

enum status
local_bundle_read(struct arena *arena, const json *body, const struct record_blobs *blobs, struct bundle **bundle) {
	static const char *const members[] = {"bundle", "document", "document_blob", nullptr};
	_cleanup_(bundle_destroy) struct bundle *made = nullptr;
	_cleanup_(buffer_free) struct buffer text = {};
	struct bytes hex;
	struct hash256 hash;
	*bundle = nullptr;
	TRY(json_only(body, "local_bundle", members));
	if (json_get(body, "bundle") == nullptr)
		return OK;
	TRY(json_need_string(body, "local_bundle", "bundle", &hex));
	TRY(hex_decode(hex, hash.bytes, sizeof hash.bytes));
	TRY(read_document(arena, body, blobs, &text));
	TRY(bundle_create(&made, buffer_bytes(&text), nullptr));
	if (!hash256_equal(&made->hash, &hash))
		return fail(STATUS_CORRUPT, "local_bundle.entry: the document has another hash");
	TRY(bundle_check_forbids(made, nullptr));
	*bundle = TAKE(made);
	return OK;
}

/* --- In force. --- */

enum status
local_bundle_apply(struct gate_state *state, struct bundle **bundle) {
	struct bundle *former = state->local;
	state->local = *bundle;
	enum status status = gate_state_join(state);
	if (status != OK) {
		state->local = former;
		return status;
	}
	*bundle = former;
	bundle_destroy(bundle);
	return OK;
}
