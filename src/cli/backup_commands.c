#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/handlers.h"
#include "cli/init.h"
#include "cli/output.h"
#include "cli/recovery_key.h"
#include "identity/subjects.h"
#include "keeper/backup.h"
#include "supervisor/handover.h"

constexpr size_t RECOVERY_FILE_MAX = 16 * 1024;
static const char PRIVATE_TYPE[] = "gatehouse/recovery-key/v1";
static const char PUBLIC_TYPE[] = "gatehouse/recovery-public-key/v1";

/* --- Recovery keys. --- */

static enum status
write_key(const char *path, const char *type, const char *member, struct bytes key, unsigned mode) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_hex(&w, member, key);
	json_write_member_text(&w, "type", type);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	buffer_append_byte(&text, '\n');
	TRY(buffer_status(&text));
	return output_file(path, buffer_bytes(&text), mode, false);
}

static enum status
read_key(struct invocation *invocation, const char *path, const char *type, const char *member, void *key, size_t len) {
	const json *document;
	struct bytes text, found, hex;
	TRY(input_file(&invocation->arena, path, RECOVERY_FILE_MAX, &text));
	TRY(json_read(&invocation->arena, text, (struct json_limits){}, &document));
	TRY(json_need_string(document, "recovery_key", "type", &found));
	if (!bytes_equal_text(found, type))
		return fail(STATUS_INVALID, "recovery_key.type: %s is a \"%.*s\", expected \"%s\"", path,
			    (int)(found.len > 64 ? 64 : found.len), (const char *)found.data, type);
	TRY(json_need_string(document, "recovery_key", member, &hex));
	if (hex_decode(hex, key, len) != OK)
		return fail(STATUS_INVALID, "recovery_key.%s: expected %zu hexadecimal digits in %s", member, 2 * len,
			    path);
	return OK;
}

enum status
recovery_key_read_public(struct invocation *invocation, const char *path, uint8_t public_key[static KEM_PUBLIC_SIZE]) {
	return read_key(invocation, path, PUBLIC_TYPE, "public_key", public_key, KEM_PUBLIC_SIZE);
}

enum status
recovery_key_read_private(struct invocation *invocation, const char *path, struct secret *private_key) {
	TRY(secret_alloc(private_key, KEM_PRIVATE_SIZE));
	return read_key(invocation, path, PRIVATE_TYPE, "private_key", private_key->data, KEM_PRIVATE_SIZE);
}

enum status
recovery_keygen_run(struct invocation *invocation) {
	_cleanup_(secret_free) struct secret private_key = {};
	uint8_t public_key[KEM_PUBLIC_SIZE];
	const char *path = invocation_word(invocation, 0);
	const char *public_path = arena_format(&invocation->arena, "%s.pub", path);
	TRY_ALLOC(public_path);
	TRY(kem_generate(public_key, &private_key));
	TRY(write_key(path, PRIVATE_TYPE, "private_key", secret_bytes(&private_key), 0600));
	TRY(write_key(public_path, PUBLIC_TYPE, "public_key", BYTES_OF_ARRAY(public_key), 0644));
	output_note("made %s; whoever has it can read every backup that is sealed for it. Keep it away from the "
		    "installation",
		    path);
	return OK;
}

/* --- Backup. --- */

/* It is the keeper's before it has the name that the keeper looks for: a note that it cannot read it takes for none, and removes. */
static enum status
leave_note(const struct config *config, const struct backup_made *made, struct arena *arena) {
	_cleanup_(buffer_free) struct buffer text = {};
	const char *path = arena_format(arena, "%s/" BACKUP_NOTE, config->data_directory);
	const char *unnamed = arena_format(arena, "%s/" BACKUP_NOTE ".unnamed", config->data_directory);
	TRY_ALLOC(path);
	TRY_ALLOC(unnamed);
	TRY(backup_note_write(made, &text));
	TRY(io_replace_file(io_system(), unnamed, buffer_bytes(&text)));
	if (geteuid() == 0)
		TRY(handover_give_directory(unnamed, config->users[IPC_ROLE_KEEPER]));
	TRY(io_rename(io_system(), unnamed, path));
	return io_sync_parent(io_system(), path);
}

static enum status
show_made(struct invocation *invocation, const struct backup_made *made) {
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(backup_note_write(made, &text));
	return output_document(invocation, buffer_bytes(&text));
}

static void
free_config(struct config *config) {
	config_free(config);
}

enum status
backup_run(struct invocation *invocation) {
	_cleanup_(free_config) struct config config = {};
	static uint8_t keys[SEALED_FILE_RECIPIENTS_MAX][KEM_PUBLIC_SIZE];
	struct bytes recipients[SEALED_FILE_RECIPIENTS_MAX];
	size_t count = 0;
	struct backup_made made;
	TRY(config_read_file(init_config_path(invocation), &config));
	const char *path;
	for (; (path = invocation_option_at(invocation, "for", count)) != nullptr; count++) {
		if (count == SEALED_FILE_RECIPIENTS_MAX)
			return fail(STATUS_INVALID, "usage.for: at most %zu recovery keys", count);
		TRY(read_key(invocation, path, PUBLIC_TYPE, "public_key", keys[count], KEM_PUBLIC_SIZE));
		recipients[count] = BYTES_OF_ARRAY(keys[count]);
	}
	TRY(backup_make(io_system(), config.data_directory, invocation_option(invocation, "out"), recipients, count,
			&made));
	TRY(leave_note(&config, &made, &invocation->arena));
	return show_made(invocation, &made);
}

/* --- Restore. --- */

static enum status
read_loss(const struct invocation *invocation, uint64_t *loss) {
	const char *text = invocation_option(invocation, "accept-loss");
	char *end;
	*loss = 0;
	if (text == nullptr)
		return OK;
	*loss = strtoull(text, &end, 10);
	return text[0] >= '1' && text[0] <= '9' && *end == '\0'
		       ? OK
		       : fail(STATUS_INVALID, "usage.accept-loss: a number of entries");
}

/* "p-…" and "person:p-…" alike. */
static enum status
read_erased(struct invocation *invocation, struct bytes erased[COMMAND_VALUES_MAX], size_t *count) {
	const char *given;
	for (*count = 0; (given = invocation_option_at(invocation, "erased", *count)) != nullptr; ++*count) {
		const char *bare = strncmp(given, "person:", 7) == 0 ? given + 7 : given;
		if (strncmp(bare, "p-", 2) != 0 || bare[2] == '\0' || strlen(bare) > SUBJECT_ID_MAX - 7 ||
		    bare[strspn(bare, "abcdefghijklmnopqrstuvwxyz0123456789._-")] != '\0')
			return fail(STATUS_INVALID, "usage.erased: \"%s\" is no person's id", given);
		const char *whole = arena_format(&invocation->arena, "person:%s", bare);
		TRY_ALLOC(whole);
		erased[*count] = bytes_of_text(whole);
	}
	return OK;
}

static enum status
show_restored(struct invocation *invocation, const struct backup_restored *restored) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct json_writer w;
	json_writer_start(&w, &text);
	json_write_object(&w);
	json_write_member_hex(&w, "archive", hash256_bytes(&restored->archive));
	json_write_member_integer(&w, "lost", (int64_t)restored->lost);
	json_write_member_integer(&w, "size", (int64_t)restored->mark.size);
	json_write_member_integer(&w, "taken_at", restored->taken_ms);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return output_document(invocation, buffer_bytes(&text));
}

enum status
restore_run(struct invocation *invocation) {
	static const enum rollback_guard guards[] = {[CONFIG_GUARD_NONE] = ROLLBACK_NONE,
						     [CONFIG_GUARD_PATH] = ROLLBACK_PATH,
						     [CONFIG_GUARD_WITNESS] = ROLLBACK_WITNESS};
	_cleanup_(free_config) struct config config = {};
	_cleanup_(secret_free) struct secret private_key = {}, given = {};
	struct backup_restored restored;
	TRY(config_read_file(init_config_path(invocation), &config));
	TRY(secret_alloc(&private_key, KEM_PRIVATE_SIZE));
	TRY(read_key(invocation, invocation_option(invocation, "recovery-key"), PRIVATE_TYPE, "private_key",
		     private_key.data, KEM_PRIVATE_SIZE));
	struct backup_source source = {.io = io_system(),
				       .archive = invocation_word(invocation, 0),
				       .private_key = secret_bytes(&private_key),
				       .directory = config.data_directory,
				       .root_source = init_root_source(&config),
				       .guard = guards[config.rollback_guard.kind]};
	struct bytes erased[COMMAND_VALUES_MAX];
	TRY(read_loss(invocation, &source.accept_loss));
	TRY(read_erased(invocation, erased, &source.erased_count));
	source.erased = erased;
	if (source.guard == ROLLBACK_PATH) {
		TRY(io_make_directory(io_system(), config.rollback_guard.path));
		source.guard_path = arena_format(&invocation->arena, "%s/high-water", config.rollback_guard.path);
		TRY_ALLOC(source.guard_path);
	}
	TRY(init_read_root_secret(&config, false, &given));
	source.given = secret_bytes(&given);
	TRY(backup_restore(&source, &restored));
	TRY(init_give_away(&config));
	return show_restored(invocation, &restored);
}
