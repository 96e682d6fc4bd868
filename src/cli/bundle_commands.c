#include "cli/handlers.h"

#include <stdio.h>
#include <string.h>

#include "cli/bundle_source.h"
#include "cli/client.h"
#include "cli/key_file.h"
#include "cli/output.h"
#include "gate/activation.h"
#include "policy/bundle_check.h"
#include "policy/bundle_directory.h"
#include "policy/bundle_tests.h"
#include "policy/limits_table.h"
#include "policy/transfer_rules.h"

/* --- Packing. --- */

static enum status
write_signature(const char *path, const struct hash256 *bundle, struct json_writer *w) {
	_cleanup_(key_file_free) struct key_file key = {};
	uint8_t signature[64];
	TRY(key_file_read(path, &key));
	if (!key_file_is_person(&key))
		return fail(STATUS_INVALID, "bundle.signer: %s is not a person's key", path);
	TRY(key_file_sign(&key, BUNDLE_SIGNATURE_LABEL, bundle, signature));
	json_write_object(w);
	json_write_member_string(w, "key", key.key_id);
	json_write_member_hex(w, "public_key", BYTES_OF_ARRAY(key.public_key));
	json_write_member_hex(w, "signature", BYTES_OF_ARRAY(signature));
	json_write_end(w);
	return OK;
}

static enum status
write_packed(const struct invocation *invocation, const struct bundle *bundle, struct buffer *to) {
	struct json_writer w;
	const char *signer;
	json_writer_start(&w, to);
	json_write_object(&w);
	json_write_key(&w, "bundle");
	json_write_canonical(&w, bundle->text);
	if (invocation_flag(invocation, "sign-with")) {
		json_write_key(&w, "signatures");
		json_write_array(&w);
		for (size_t i = 0; (signer = invocation_option_at(invocation, "sign-with", i)) != nullptr; i++)
			TRY(write_signature(signer, &bundle->hash, &w));
		json_write_end(&w);
	}
	json_write_end(&w);
	return json_writer_finish(&w);
}

static enum status
say_summary(struct invocation *invocation, const struct bundle *bundle) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	bundle_write_summary(bundle, &w);
	TRY(json_writer_finish(&w));
	return output_document(invocation, buffer_bytes(&text));
}

/* With --out the summary is what is printed; else the bundle is. */
enum status
policy_pack_run(struct invocation *invocation) {
	_cleanup_(bundle_source_close) struct bundle_source source = {};
	_cleanup_(buffer_free) struct buffer packed = {};
	const char *out = invocation_option(invocation, "out");
	TRY(bundle_source_open(invocation, invocation_word(invocation, 0), &source));
	if (source.bundle == nullptr)
		return OK;
	if (invocation_flag(invocation, "local")) {
		enum status status = bundle_check_forbids(source.bundle, source.diagnostics);
		if (status == STATUS_INVALID)
			return bundle_source_show_findings(invocation, &source);
		TRY(status);
	}
	TRY(write_packed(invocation, source.bundle, &packed));
	TRY(output_file(out, buffer_bytes(&packed), 0644, true));
	return out == nullptr ? OK : say_summary(invocation, source.bundle);
}

enum status
policy_unpack_run(struct invocation *invocation) {
	_cleanup_(bundle_source_close) struct bundle_source source = {};
	TRY(bundle_source_open(invocation, invocation_word(invocation, 0), &source));
	if (source.bundle == nullptr)
		return OK;
	TRY(bundle_directory_write(io_system(), invocation_word(invocation, 1), source.bundle));
	return say_summary(invocation, source.bundle);
}

/* --- Tests. --- */

static enum status
show_tests(struct invocation *invocation, const struct bundle *bundle, const struct bundle_tests *tests) {
	_cleanup_(buffer_free) struct buffer text = {}, shown = {};
	struct json_writer w;
	if (!invocation->json) {
		bundle_tests_print(tests, &text);
		output_foreign(&shown, buffer_bytes(&text), true);
		return output_data(&shown);
	}
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_hex(&w, "bundle", hash256_bytes(&bundle->hash));
	bundle_tests_write(tests, &w);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	buffer_append_byte(&text, '\n');
	return output_data(&text);
}

enum status
policy_test_run(struct invocation *invocation) {
	_cleanup_(bundle_source_close) struct bundle_source source = {};
	_cleanup_(bundle_tests_free) struct bundle_tests tests = {};
	struct coverage_gap gap;
	TRY(bundle_source_open(invocation, invocation_word(invocation, 0), &source));
	if (source.bundle == nullptr)
		return OK;
	enum status status = bundle_tests_run(source.bundle, &source.host->bundles, &tests, source.diagnostics);
	if (status == STATUS_INVALID && source.diagnostics->count > 0)
		return bundle_source_show_findings(invocation, &source);
	TRY(status);
	bool lacks = invocation_flag(invocation, "full-coverage") && coverage_gap(tests.coverage, 0, &gap);
	invocation->exit_code = tests.failed > 0 || lacks ? EXIT_FOUND : EXIT_DONE;
	return show_tests(invocation, source.bundle, &tests);
}

/* --- Lists of transfer rules. --- */

enum status
policy_import_run(struct invocation *invocation) {
	_cleanup_(transfer_rules_free) struct transfer_rules rules = {};
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(buffer_free) struct buffer text = {}, findings = {};
	const char *path = invocation_word(invocation, 0);
	struct bytes given;
	TRY(input_file(&invocation->arena, path, RULES_TEXT_MAX, &given));
	enum status status = transfer_rules_read(&rules, path, given, &diagnostics);
	if (status == STATUS_INVALID && diagnostics.count > 0) {
		invocation->exit_code = EXIT_FOUND;
		policy_diagnostics_print(&diagnostics, &findings);
		output_note("%.*s", BYTES_ARGS(findings));
		return OK;
	}
	TRY(status);
	TRY(transfer_rules_compile(&rules, &text));
	return output_file(invocation_option(invocation, "out"), buffer_bytes(&text), 0644, true);
}

/* --- Limits. --- */

static enum status
convert_limits(struct invocation *invocation, const char *path, struct bytes text, struct limits_table *table,
	       struct policy_diagnostics *diagnostics, struct buffer *to) {
	const char *verb = invocation_word(invocation, 0), *format = invocation_option(invocation, "to");
	bool is_yaml = format != nullptr && strcmp(format, "yaml") == 0;
	if (format != nullptr && !is_yaml && strcmp(format, "csv") != 0)
		return fail(STATUS_INVALID, "usage.to: expected csv or yaml, found \"%s\"", format);
	if (strcmp(verb, "compile") == 0) {
		TRY(limits_table_read(table, path, text, diagnostics));
		return limits_table_compile(table, to);
	}
	if (strcmp(verb, "extract") != 0)
		return fail(STATUS_INVALID, "usage.verb: expected compile or extract, found \"%s\"", verb);
	TRY(limits_table_extract(table, path, text, diagnostics));
	is_yaml ? limits_table_write_yaml(table, to) : limits_table_write_csv(table, to);
	return buffer_status(to);
}

enum status
policy_limits_run(struct invocation *invocation) {
	_cleanup_(limits_table_free) struct limits_table table = {};
	_cleanup_(policy_diagnostics_free) struct policy_diagnostics diagnostics = {};
	_cleanup_(buffer_free) struct buffer text = {}, findings = {};
	const char *path = invocation_word(invocation, 1);
	struct bytes given;
	TRY(input_file(&invocation->arena, path, BUNDLE_SIZE_MAX, &given));
	enum status status = convert_limits(invocation, path, given, &table, &diagnostics, &text);
	if (status == STATUS_INVALID && diagnostics.count > 0) {
		invocation->exit_code = EXIT_FOUND;
		policy_diagnostics_print(&diagnostics, &findings);
		output_note("%.*s", BYTES_ARGS(findings));
		return OK;
	}
	TRY(status);
	return output_file(invocation_option(invocation, "out"), buffer_bytes(&text), 0644, true);
}

/* --- What is or was in force. --- */

/* As a packed bundle, which can be unpacked and activated again. */
static enum status
save_shown(struct invocation *invocation, struct bytes body, const char *path) {
	_cleanup_(buffer_free) struct buffer packed = {};
	const json *root, *document;
	struct json_writer w;
	TRY(json_read(&invocation->arena, body, (struct json_limits){}, &root));
	TRY(json_need(root, "policy", "document", JSON_OBJECT, &document));
	json_writer_start(&w, &packed);
	json_write_object(&w);
	json_write_key(&w, "bundle");
	json_write_value(&w, document);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return output_file(path, buffer_bytes(&packed), 0644, true);
}

enum status
policy_show_run(struct invocation *invocation) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct connection_answer answer;
	const char *hash = invocation_option(invocation, "bundle"), *out = invocation_option(invocation, "out");
	const char *target =
		hash == nullptr ? "/v1/policy" : arena_format(&invocation->arena, "/v1/policy/bundles/%s", hash);
	TRY_ALLOC(target);
	TRY(client_create(invocation, false, &client));
	TRY(client_get(client, &invocation->arena, target, &answer));
	invocation->exit_code = client_exit_code(answer.status);
	if (answer.status >= 300) {
		client_say_problem(&invocation->arena, &answer);
		return OK;
	}
	return out == nullptr ? output_document(invocation, answer.body) : save_shown(invocation, answer.body, out);
}
