#include "cli/bundle_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/output.h"
#include "crypto/sign.h"
#include "gate/activation.h"
#include "identity/statement.h"
#include "policy/bundle_directory.h"

void
bundle_source_close(struct bundle_source *source) {
	bundle_destroy(&source->bundle);
	host_destroy(&source->host);
	if (source->diagnostics != nullptr)
		policy_diagnostics_free(source->diagnostics);
	source->diagnostics = nullptr;
}

/* By the key that stands beside it: whose that is, the installation knows. */
static enum status
check_signatures(const json *signatures, const struct hash256 *bundle) {
	struct json_iterator iterator = json_iterate(signatures);
	for (const json *one; (one = json_next(&iterator, nullptr)) != nullptr;) {
		struct bytes text;
		uint8_t public_key[32], signature[64];
		TRY(json_need_string(one, "bundle.signature", "public_key", &text));
		TRY(hex_decode(text, public_key, sizeof public_key));
		TRY(json_need_string(one, "bundle.signature", "signature", &text));
		TRY(hex_decode(text, signature, sizeof signature));
		if (person_verify(BUNDLE_SIGNATURE_LABEL, bundle, public_key, signature) != OK)
			return fail(STATUS_UNAUTHORIZED, "bundle.signature: a signature does not verify");
	}
	return OK;
}

static enum status
keep_signatures(struct arena *arena, const json *signatures, struct bytes *kept) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_value(&w, signatures);
	TRY(json_writer_finish(&w));
	*kept = arena_copy(arena, buffer_bytes(&text));
	TRY_ALLOC(kept->data);
	return OK;
}

static enum status
open_file(struct invocation *invocation, const char *path, struct bundle_source *source) {
	static const char *const members[] = {"bundle", "signatures", nullptr};
	const json *root, *signatures;
	struct bytes text, document;
	TRY(input_file(&invocation->arena, path, 2 * BUNDLE_SIZE_MAX, &text));
	TRY(json_read(&invocation->arena, text, (struct json_limits){}, &root));
	TRY(json_only(root, "bundle", members));
	TRY(activation_document(&invocation->arena, root, &document));
	TRY(bundle_create(&source->bundle, document, source->diagnostics));
	signatures = json_get(root, "signatures");
	if (signatures == nullptr)
		return OK;
	TRY(json_need(root, "bundle", "signatures", JSON_ARRAY, &signatures));
	TRY(check_signatures(signatures, &source->bundle->hash));
	return keep_signatures(&invocation->arena, signatures, &source->signatures);
}

static enum status
open_either(struct invocation *invocation, const char *path, struct bundle_source *source) {
	struct stat found;
	bool is_directory = stat(path, &found) == 0 && S_ISDIR(found.st_mode);
	TRY(is_directory ? bundle_create_of_directory(&source->bundle, io_system(), path, host_schema_text,
						      source->diagnostics)
			 : open_file(invocation, path, source));
	return bundle_check(source->bundle, &source->host->bundles, source->diagnostics, nullptr);
}

static enum status
show_findings(struct invocation *invocation, const struct policy_diagnostics *diagnostics) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	invocation->exit_code = EXIT_FOUND;
	if (!invocation->json) {
		policy_diagnostics_print(diagnostics, &text);
		return output_data(&text);
	}
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_key(&w, "findings");
	policy_diagnostics_write(diagnostics, &w);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	buffer_append_byte(&text, '\n');
	return output_data(&text);
}

enum status
bundle_source_open(struct invocation *invocation, const char *path, struct bundle_source *source) {
	*source = (struct bundle_source){.diagnostics = ARENA_NEW(&invocation->arena, struct policy_diagnostics)};
	TRY_ALLOC(source->diagnostics);
	TRY(host_create(&source->host));
	enum status status = open_either(invocation, path, source);
	if (status != STATUS_INVALID || source->diagnostics->count == 0)
		return status;
	bundle_destroy(&source->bundle);
	return show_findings(invocation, source->diagnostics);
}

enum status
bundle_source_show_findings(struct invocation *invocation, const struct bundle_source *source) {
	return show_findings(invocation, source->diagnostics);
}

void
bundle_source_write_members(const struct bundle_source *source, struct json_writer *w) {
	json_write_key(w, "bundle");
	json_write_canonical(w, source->bundle->text);
	if (source->signatures.len == 0)
		return;
	json_write_key(w, "signatures");
	json_write_canonical(w, source->signatures);
}
