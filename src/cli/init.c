#include "cli/init.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/founding.h"
#include "cli/key_file.h"
#include "cli/output.h"
#include "gate/genesis.h"
#include "identity/statement.h"
#include "keeper/installation.h"
#include "ledger/log.h"
#include "model/entry.h"
#include "store/high_water.h"
#include "supervisor/config.h"
#include "supervisor/handover.h"

constexpr size_t DOCUMENT_MAX = 1024 * 1024;
constexpr size_t SIGNERS_MAX = 16;

/* A founder's signature over the document. */
struct founder_signature {
	struct bytes key;
	uint8_t public_key[32], signature[64];
};

struct ceremony {
	struct invocation *invocation;
	struct arena *arena;
	struct config config;
	struct founding founding;
	struct key_file signers[SIGNERS_MAX];
	size_t signer_count;
	struct installation installation;
	struct buffer document;
	struct founder_signature signatures[SIGNERS_MAX];
	size_t signature_count;
};

static void
ceremony_free(struct ceremony *ceremony) {
	installation_close(&ceremony->installation);
	for (size_t i = 0; i < ceremony->signer_count; i++)
		key_file_free(&ceremony->signers[i]);
	founding_free(&ceremony->founding);
	config_free(&ceremony->config);
	buffer_free(&ceremony->document);
}

const char *
init_config_path(const struct invocation *invocation) {
	const char *path = invocation_option(invocation, "config");
	if (path == nullptr)
		path = getenv("GATEHOUSE_CONFIG");
	return path != nullptr ? path : "/etc/gatehouse/gatehouse.yaml";
}

/* --- Signing. --- */

static enum status
sign_document(const struct key_file *key, struct bytes document, struct founder_signature *signature) {
	struct hash256 digest;
	TRY(genesis_digest(document, &digest));
	signature->key = key->key_id;
	memcpy(signature->public_key, key->public_key, sizeof signature->public_key);
	return key_file_sign(key, GENESIS_LABEL, &digest, signature->signature);
}

static void
write_signature(const struct founder_signature *signature, struct json_writer *w) {
	json_write_object(w);
	json_write_member_string(w, "key", signature->key);
	json_write_member_hex(w, "public_key", BYTES_OF_ARRAY(signature->public_key));
	json_write_member_hex(w, "signature", BYTES_OF_ARRAY(signature->signature));
	json_write_end(w);
}

/* {"document":...,"signatures":[...]}: the body of entry 0. */
static enum status
write_body(const struct founder_signature *signatures, size_t count, struct bytes document, struct buffer *body) {
	struct json_writer w;
	json_writer_start(&w, body);
	json_write_object(&w);
	json_write_key(&w, "document");
	json_write_canonical(&w, document);
	json_write_key(&w, "signatures");
	json_write_array(&w);
	for (size_t i = 0; i < count; i++)
		write_signature(&signatures[i], &w);
	json_write_end(&w);
	json_write_end(&w);
	return json_writer_finish(&w);
}

static int64_t
now_ms(void) {
	return io_realtime_ns(io_system()) / 1'000'000;
}

/* The document that founders sign, appended. */
static enum status
write_document(const struct ceremony *ceremony, const char *origin, const struct head_keys *keys,
	       struct buffer *document) {
	_cleanup_(buffer_free) struct buffer ed25519 = {}, mldsa44 = {};
	note_key_format(&keys->ed25519, &ed25519);
	note_key_format(&keys->mldsa44, &mldsa44);
	TRY(buffer_status(&ed25519));
	TRY(buffer_status(&mldsa44));
	struct bytes vkeys[] = {buffer_bytes(&ed25519), buffer_bytes(&mldsa44)};
	return founding_document(&ceremony->founding, origin, vkeys, ARRAY_LENGTH(vkeys), now_ms(), document);
}

static enum status
sign_all(struct ceremony *ceremony, struct bytes document) {
	ceremony->signature_count = 0;
	for (size_t i = 0; i < ceremony->signer_count; i++)
		TRY(sign_document(&ceremony->signers[i], document, &ceremony->signatures[ceremony->signature_count++]));
	return OK;
}

/* --- Trying before anything is made. --- */

static enum status
apply_to_empty_gate(const struct ceremony *ceremony, const char *instance, struct bytes body) {
	_cleanup_(gate_destroy) struct gate *gate = nullptr;
	struct gate_config config = {.instance = bytes_of_text(instance),
				     .authorities = ceremony->config.authorities,
				     .authority_count = ceremony->config.authority_count};
	const json *document;
	TRY(json_read(ceremony->arena, body, (struct json_limits){}, &document));
	TRY(gate_create(&gate, &config));
	return genesis_apply(gate, document);
}

/* Of entry 0, as it will be written. */
static enum status
check_size(struct bytes body) {
	_cleanup_(buffer_free) struct buffer around = {};
	const struct bytes nothing = BYTES_OF_LITERAL("{}");
	TRY(entry_write(&(struct entry){.type = ENTRY_GENESIS, .at_ms = now_ms(), .body = nothing}, &around));
	size_t size = around.len - nothing.len + body.len;
	if (size <= ENTRY_SIZE_MAX)
		return OK;
	return fail(
		STATUS_TOO_LARGE,
		"founding.size: the document and its signatures are an entry of %zu bytes, and %zu at most: "
		"found with fewer policies and tests, and activate all of them afterwards (gatehouse policy activate)",
		size, ENTRY_SIZE_MAX);
}

/* A document as long as the one to come, whose keys are not made yet. */
static enum status
write_rehearsal(const struct ceremony *ceremony, struct buffer *document) {
	static const uint8_t ed25519[ED25519_PUBLIC_SIZE], mldsa44[MLDSA44_PUBLIC_SIZE];
	_cleanup_(head_keys_free) struct head_keys keys = {};
	const struct founding *founding = &ceremony->founding;
	const char *origin = arena_format(ceremony->arena, "%s/%s", founding->instance, founding->keeper);
	TRY_ALLOC(origin);
	TRY(head_keys_make(bytes_of_text(origin), ed25519, mldsa44, &keys));
	return write_document(ceremony, origin, &keys, document);
}

/* Whichever two of its people sign elsewhere, there must be room for them. */
static enum status
check_room_for_signatures(const struct ceremony *ceremony, struct bytes document) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct founder_signature longest[GENESIS_SIGNERS_MIN] = {};
	for (size_t i = 0; i < GENESIS_SIGNERS_MIN; i++)
		longest[i].key = ceremony->founding.longest_keys[i];
	TRY(write_body(longest, GENESIS_SIGNERS_MIN, document, &body));
	return check_size(buffer_bytes(&body));
}

/* With the signers at hand the whole of genesis is tried; without, all but the signatures, which genesis looks at last. */
static enum status
rehearse(struct ceremony *ceremony) {
	_cleanup_(buffer_free) struct buffer document = {}, body = {};
	TRY(write_rehearsal(ceremony, &document));
	TRY(sign_all(ceremony, buffer_bytes(&document)));
	TRY(write_body(ceremony->signatures, ceremony->signature_count, buffer_bytes(&document), &body));
	TRY(ceremony->signer_count > 0 ? check_size(buffer_bytes(&body))
				       : check_room_for_signatures(ceremony, buffer_bytes(&document)));
	enum status status = apply_to_empty_gate(ceremony, ceremony->founding.instance, buffer_bytes(&body));
	char name[64];
	fail_name(name, sizeof name);
	bool only_signatures_lack =
		status == STATUS_UNAUTHORIZED && ceremony->signer_count == 0 && strcmp(name, "genesis.signatures") == 0;
	return only_signatures_lack ? OK : status;
}

/* --- The root key. --- */

enum root_key_source
init_root_source(const struct config *config) {
	static const enum root_key_source sources[] = {[CONFIG_ROOT_KEY_DESCRIPTOR] = ROOT_KEY_PASSPHRASE,
						       [CONFIG_ROOT_KEY_CREDENTIAL] = ROOT_KEY_CREDENTIAL,
						       [CONFIG_ROOT_KEY_FILE] = ROOT_KEY_FILE};
	return sources[config->root_key.kind];
}

/* A key file that is not there is made: 64 fresh digits. */
enum status
init_read_root_secret(const struct config *config, bool may_make, struct secret *given) {
	bool is_file = config->root_key.kind == CONFIG_ROOT_KEY_FILE;
	if (is_file && may_make && access(config->root_key.source, F_OK) != 0) {
		_cleanup_(secret_free) struct secret digits = {};
		TRY(root_key_generate(&digits));
		TRY(output_file(config->root_key.source, secret_bytes(&digits), 0600, false));
		output_note("made the root key %s; whoever has this file and the data directory has every key",
			    config->root_key.source);
	}
	return handover_read_passphrase(config, given);
}

/* --- What is made. --- */

static enum status
make_installation(struct ceremony *ceremony) {
	_cleanup_(secret_free) struct secret given = {};
	_cleanup_(buffer_free) struct buffer record = {};
	struct root_key *root = nullptr;
	const struct config *config = &ceremony->config;
	TRY(init_read_root_secret(config, true, &given));
	TRY(root_key_create(&root, init_root_source(config), secret_bytes(&given), ROOT_KEY_COST, &record));
	return installation_create(io_system(), config->data_directory, ceremony->founding.instance,
				   ceremony->founding.keeper, root, buffer_bytes(&record), &ceremony->installation);
}

static enum status
make_document(struct ceremony *ceremony) {
	const struct installation *installation = &ceremony->installation;
	return write_document(ceremony, installation->origin, &installation->keys, &ceremony->document);
}

static enum status
append_genesis(struct ceremony *ceremony, struct bytes body, struct ledger_head *head) {
	_cleanup_(ledger_close) struct ledger *ledger = nullptr;
	char *path = arena_format(ceremony->arena, "%s/ledger", ceremony->installation.directory);
	TRY_ALLOC(path);
	struct ledger_config config = {.io = io_system(), .directory = path, .signer = &ceremony->installation.signer};
	struct ledger_entry entry = {.type = ENTRY_GENESIS, .body = body};
	TRY(ledger_create(&config));
	TRY(ledger_open(&config, &ledger));
	TRY(ledger_append(ledger, &entry, 1, nullptr));
	ledger_durable_head(ledger, head);
	return OK;
}

static enum status
begin_high_water(const struct ceremony *ceremony, const struct ledger_head *head) {
	static const enum rollback_guard guards[] = {[CONFIG_GUARD_NONE] = ROLLBACK_NONE,
						     [CONFIG_GUARD_PATH] = ROLLBACK_PATH,
						     [CONFIG_GUARD_WITNESS] = ROLLBACK_WITNESS};
	_cleanup_(high_water_close) struct high_water *high_water = nullptr;
	const char *folder = ceremony->config.rollback_guard.path;
	struct high_water_config config = {.guard = guards[ceremony->config.rollback_guard.kind],
					   .io = io_system(),
					   .origin = bytes_of_text(ceremony->installation.origin),
					   .data_directory = ceremony->installation.directory};
	if (config.guard == ROLLBACK_PATH) {
		TRY(io_make_directory(io_system(), folder));
		config.path = arena_format(ceremony->arena, "%s/high-water", folder);
		TRY_ALLOC(config.path);
	}
	TRY(high_water_open(&config, &high_water));
	return high_water_begin(high_water, &(struct mark){head->head.size, head->head.root});
}

enum status
init_give_away(const struct config *config) {
	uint32_t keeper = config->users[IPC_ROLE_KEEPER];
	if (geteuid() != 0)
		return OK;
	TRY(handover_give_directory(config->data_directory, keeper));
	return config->rollback_guard.kind == CONFIG_GUARD_PATH
		       ? handover_give_directory(config->rollback_guard.path, keeper)
		       : OK;
}

static enum status
write_pins(const struct ceremony *ceremony, const char **path) {
	_cleanup_(buffer_free) struct buffer text = {}, keys = {};
	*path = invocation_option(ceremony->invocation, "pins");
	if (*path == nullptr)
		*path = arena_format(ceremony->arena, "%s/public/log.policy", ceremony->installation.directory);
	TRY_ALLOC(*path);
	installation_vkeys(&ceremony->installation, &keys);
	TRY(buffer_status(&keys));
	buffer_append_format(
		&text, "# The log of %s. Keep a copy away from the installation: receipts are verified with it.\n",
		ceremony->installation.origin);
	for (struct bytes left = buffer_bytes(&keys); left.len > 0;) {
		size_t len = (size_t)((const uint8_t *)memchr(left.data, '\n', left.len) - left.data);
		buffer_append_format(&text, "log %.*s\n", (int)len, (const char *)left.data);
		left = bytes_of(left.data + len + 1, left.len - len - 1);
	}
	buffer_append_text(&text, "quorum none\n");
	TRY(buffer_status(&text));
	return output_file(*path, buffer_bytes(&text), 0644, true);
}

static enum status
say_founded(const struct ceremony *ceremony, const char *pins) {
	_cleanup_(buffer_free) struct buffer body = {}, keys = {};
	struct hash256 digest;
	struct json_writer w;
	TRY(genesis_digest(buffer_bytes(&ceremony->document), &digest));
	json_writer_start(&w, &body);
	json_write_object(&w);
	json_write_member_text(&w, "data_directory", ceremony->installation.directory);
	json_write_member_hex(&w, "document_sha256", hash256_bytes(&digest));
	json_write_member_text(&w, "instance", ceremony->installation.instance);
	json_write_key(&w, "log_keys");
	json_write_array(&w);
	const struct note_key *const log_keys[] = {&ceremony->installation.keys.ed25519,
						   &ceremony->installation.keys.mldsa44};
	for (size_t i = 0; i < ARRAY_LENGTH(log_keys); i++) {
		buffer_reset(&keys);
		note_key_format(log_keys[i], &keys);
		json_write_string(&w, buffer_bytes(&keys));
	}
	json_write_end(&w);
	json_write_member_text(&w, "origin", ceremony->installation.origin);
	json_write_member_text(&w, "pin_this_file", pins);
	json_write_key(&w, "signed_by");
	json_write_array(&w);
	for (size_t i = 0; i < ceremony->signature_count; i++)
		json_write_string(&w, ceremony->signatures[i].key);
	json_write_end(&w);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return output_document(ceremony->invocation, buffer_bytes(&body));
}

/* The document is signed: entry 0, the first mark, and what an auditor needs. */
static enum status
found(struct ceremony *ceremony) {
	_cleanup_(buffer_free) struct buffer body = {};
	struct ledger_head head;
	const char *pins;
	const json *document;
	TRY(write_body(ceremony->signatures, ceremony->signature_count, buffer_bytes(&ceremony->document), &body));
	TRY(check_size(buffer_bytes(&body)));
	TRY(json_read(ceremony->arena, buffer_bytes(&body), (struct json_limits){}, &document));
	TRY(installation_check_genesis(&ceremony->installation, document));
	TRY(apply_to_empty_gate(ceremony, ceremony->installation.instance, buffer_bytes(&body)));
	TRY(append_genesis(ceremony, buffer_bytes(&body), &head));
	TRY(begin_high_water(ceremony, &head));
	TRY(write_pins(ceremony, &pins));
	TRY(init_give_away(&ceremony->config));
	return say_founded(ceremony, pins);
}

/* A mark that is there belongs to another log; found out now, nothing is half made. */
static enum status
check_mark(const struct ceremony *ceremony) {
	if (ceremony->config.rollback_guard.kind != CONFIG_GUARD_PATH)
		return OK;
	const char *path = arena_format(ceremony->arena, "%s/high-water", ceremony->config.rollback_guard.path);
	TRY_ALLOC(path);
	return access(path, F_OK) != 0 ? OK
				       : fail(STATUS_CONFLICT, "init.mark: %s is the mark of an installation", path);
}

/* --- The ways through. --- */

static enum status
read_signers(struct ceremony *ceremony) {
	const char *path;
	for (size_t i = 0; (path = invocation_option_at(ceremony->invocation, "sign-with", i)) != nullptr; i++) {
		if (i == SIGNERS_MAX)
			return fail(STATUS_TOO_LARGE, "init.signers: more than %zu", SIGNERS_MAX);
		TRY(key_file_read(path, &ceremony->signers[i]));
		ceremony->signer_count++;
	}
	return OK;
}

static char *
document_path(const struct ceremony *ceremony) {
	return arena_format(ceremony->arena, "%s/founding.json", ceremony->config.data_directory);
}

static enum status
run_in_one_step(struct ceremony *ceremony) {
	TRY(read_signers(ceremony));
	TRY(rehearse(ceremony));
	TRY(make_installation(ceremony));
	TRY(make_document(ceremony));
	TRY(sign_all(ceremony, buffer_bytes(&ceremony->document)));
	return found(ceremony);
}

/* Makes the log's keys, which the document names, and leaves the document to be signed. */
static enum status
run_first_step(struct ceremony *ceremony) {
	TRY(rehearse(ceremony));
	TRY(make_installation(ceremony));
	TRY(make_document(ceremony));
	const char *path = document_path(ceremony);
	TRY_ALLOC(path);
	TRY(io_replace_file(io_system(), path, buffer_bytes(&ceremony->document)));
	output_note("the document is to be signed by at least %zu of its people: gatehouse init sign",
		    GENESIS_SIGNERS_MIN);
	return output_data(&ceremony->document);
}

static enum status
read_signature(struct ceremony *ceremony, const char *path) {
	static const char *const members[] = {"key", "public_key", "signature", nullptr};
	struct bytes text, public_key, signature;
	const json *document;
	if (ceremony->signature_count == SIGNERS_MAX)
		return fail(STATUS_TOO_LARGE, "init.signers: more than %zu", SIGNERS_MAX);
	struct founder_signature *one = &ceremony->signatures[ceremony->signature_count++];
	TRY(input_file(ceremony->arena, path, 4096, &text));
	TRY(json_read(ceremony->arena, text, (struct json_limits){}, &document));
	if (json_type_of(document) != JSON_OBJECT)
		return fail(STATUS_INVALID, "init.signature: %s is no signature file", path);
	TRY(json_only(document, "init.signature", members));
	TRY(json_need_string(document, "init.signature", "key", &one->key));
	TRY(json_need_string(document, "init.signature", "public_key", &public_key));
	TRY(json_need_string(document, "init.signature", "signature", &signature));
	TRY(hex_decode(public_key, one->public_key, sizeof one->public_key));
	return hex_decode(signature, one->signature, sizeof one->signature);
}

static enum status
run_second_step(struct ceremony *ceremony) {
	_cleanup_(secret_free) struct secret given = {};
	const char *file, *path = document_path(ceremony);
	TRY_ALLOC(path);
	TRY(io_read_file(io_system(), path, DOCUMENT_MAX, &ceremony->document));
	for (size_t i = 0; (file = invocation_option_at(ceremony->invocation, "signature", i)) != nullptr; i++)
		TRY(read_signature(ceremony, file));
	TRY(init_read_root_secret(&ceremony->config, false, &given));
	TRY(installation_open(io_system(), ceremony->config.data_directory, init_root_source(&ceremony->config),
			      secret_bytes(&given), &ceremony->installation));
	TRY(found(ceremony));
	return io_unlink(io_system(), path);
}

/* One founding document founds every keeper of an installation, each with a log and keys of its own. */
static enum status
choose_keeper(struct ceremony *ceremony) {
	const char *name = invocation_option(ceremony->invocation, "keeper");
	if (name == nullptr)
		return OK;
	if (ceremony->founding.keeper == nullptr)
		return fail(STATUS_INVALID, "usage.keeper: --keeper goes with --founding");
	if (!keeper_name_is_valid(bytes_of_text(name)))
		return fail(STATUS_INVALID, "usage.keeper: \"%s\", expected 1 to %zu of a-z, 0-9 and \"-\"", name,
			    KEEPER_NAME_MAX);
	ceremony->founding.keeper = name;
	return OK;
}

static enum status
run_ceremony(struct ceremony *ceremony) {
	const struct invocation *invocation = ceremony->invocation;
	const char *founding = invocation_option(invocation, "founding");
	bool prints = invocation_flag(invocation, "print-document"), signs = invocation_flag(invocation, "sign-with");
	bool completes = invocation_flag(invocation, "signature");
	if (prints + signs + completes != 1)
		return fail(STATUS_INVALID, "usage.init: give one of --sign-with, --print-document and --signature");
	if ((founding != nullptr) == completes)
		return fail(STATUS_INVALID,
			    completes ? "usage.init: --signature completes what was founded: leave --founding out"
				      : "usage.init: give --founding FILE");
	TRY(config_read_file(init_config_path(invocation), &ceremony->config));
	TRY(check_mark(ceremony));
	if (founding != nullptr)
		TRY(founding_read(founding, &ceremony->founding));
	TRY(choose_keeper(ceremony));
	return completes ? run_second_step(ceremony) : prints ? run_first_step(ceremony) : run_in_one_step(ceremony);
}

enum status
init_run(struct invocation *invocation) {
	struct ceremony *ceremony = ARENA_NEW(&invocation->arena, struct ceremony);
	TRY_ALLOC(ceremony);
	ceremony->invocation = invocation;
	ceremony->arena = &invocation->arena;
	enum status status = run_ceremony(ceremony);
	ceremony_free(ceremony);
	return status;
}

/* --- A founder's own machine. --- */

enum status
init_sign_run(struct invocation *invocation) {
	_cleanup_(key_file_free) struct key_file key = {};
	_cleanup_(buffer_free) struct buffer view = {}, text = {};
	struct founder_signature signature;
	struct bytes document;
	const json *root;
	struct json_writer w;
	TRY(key_file_read(invocation_option(invocation, "with"), &key));
	TRY(input_file(&invocation->arena, invocation_word(invocation, 0), DOCUMENT_MAX, &document));
	TRY(json_check_canonical(&invocation->arena, document));
	TRY(json_read(&invocation->arena, document, (struct json_limits){}, &root));
	struct bytes type;
	TRY(json_need_string(root, "init.document", "type", &type));
	if (!bytes_equal_text(type, GENESIS_LABEL))
		return fail(STATUS_INVALID, "init.document: a \"%.*s\", expected " GENESIS_LABEL, BYTES_ARGS(type));
	output_lines(root, &view);
	TRY(buffer_status(&view));
	output_note("%.*s", BYTES_ARGS(view));
	TRY(output_confirm(invocation, "Found this installation?"));
	TRY(sign_document(&key, document, &signature));
	json_writer_start(&w, &text);
	write_signature(&signature, &w);
	TRY(json_writer_finish(&w));
	buffer_append_byte(&text, '\n');
	TRY(buffer_status(&text));
	return output_file(invocation_option(invocation, "out"), buffer_bytes(&text), 0644, false);
}
