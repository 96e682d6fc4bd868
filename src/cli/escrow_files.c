#include "cli/escrow_files.h"

#include "base/json.h"
#include "cli/output.h"
#include "keys/threshold/audit.h"

constexpr size_t ESCROW_FILE_MAX = 1024 * 1024;
constexpr size_t ESCROW_MAX = 256 * 1024;

const char *
escrow_file_keeper(const struct escrow_file *file) {
	const struct party_set *holders = &file->sharing.key.holders;
	size_t position = party_set_position(holders, file->holder);
	return position < holders->count ? file->sharing.names[position] : "nobody";
}

/* --- One file. --- */

static enum status
read_escrow(struct arena *arena, struct bytes base64, struct bytes *escrow) {
	uint8_t *bytes = arena_alloc(arena, ESCROW_MAX);
	size_t len;
	TRY_ALLOC(bytes);
	TRY(base64_decode(base64, bytes, ESCROW_MAX, &len));
	*escrow = bytes_of(bytes, len);
	return OK;
}

/* Of what makes one key of it: the sharing, and as what key_recover writes the number that comes out. */
static enum status
hash_group(struct escrow_file *file) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct hash256 sharing;
	TRY(sharing_hash(&file->sharing, &sharing));
	buffer_append_bytes(&text, hash256_bytes(&sharing));
	buffer_append_prefixed(&text, bytes_of_text(key_algorithm_name(file->key.algorithm)));
	buffer_append_prefixed(&text, bytes_of_text(key_material_name(file->key.material)));
	buffer_append_prefixed(&text, bytes_of_text(file->key.chain));
	TRY(buffer_status(&text));
	file->group = sha256(buffer_bytes(&text));
	return OK;
}

enum status
escrow_file_read(struct arena *arena, struct bytes text, struct escrow_file *file) {
	const json *document, *key, *sharing;
	struct bytes base64;
	int64_t holder;
	TRY(json_read(arena, text, (struct json_limits){}, &document));
	if (json_get(document, "result") != nullptr)
		document = json_get(document, "result");
	TRY(json_need_string(document, "escrow", "escrow", &base64));
	TRY(json_need_integer(document, "escrow", "holder", &holder));
	TRY(json_need(document, "escrow", "sharing", JSON_OBJECT, &sharing));
	TRY(sharing_read(sharing, &file->sharing));
	TRY(json_need(document, "escrow", "key", JSON_OBJECT, &key));
	TRY(key_read(key, &file->key));
	TRY(sharing_check_record(&file->sharing, &file->key));
	if (holder < 1 || holder > UINT8_MAX)
		return fail(STATUS_INVALID, "escrow.holder: %lld", (long long)holder);
	file->holder = (uint8_t)holder;
	TRY(read_escrow(arena, base64, &file->escrow));
	TRY(hash_group(file));
	file->is_read = true;
	return OK;
}

static enum status
read_file(struct arena *arena, struct escrow_file *file) {
	struct bytes text;
	TRY(input_file(arena, file->path, ESCROW_FILE_MAX, &text));
	return escrow_file_read(arena, text, file);
}

static enum status
check_file(const struct escrow_collection *collection, const struct escrow_file *file, struct bytes instance,
	   struct bytes recovery_key) {
	TRY(share_audit_public(&file->sharing));
	TRY(recovery_check(&file->sharing, file->holder, instance, recovery_key, file->escrow));
	for (const struct escrow_file *other = collection->files; other < file; other++)
		if (other->is_sound && other->holder == file->holder && hash256_equal(&other->group, &file->group))
			return fail(STATUS_INVALID, "escrow.holder: of keeper %s, as %s is", escrow_file_keeper(file),
				    other->path);
	return OK;
}

/* What is wrong with a file is said of it, and stops nobody from using the others. */
static enum status
take_file(struct arena *arena, const struct escrow_collection *collection, struct escrow_file *file,
	  struct bytes instance, struct bytes recovery_key) {
	enum status status = read_file(arena, file);
	if (status == OK)
		status = check_file(collection, file, instance, recovery_key);
	if (status == STATUS_NO_MEMORY)
		return status;
	file->is_sound = status == OK;
	if (status != OK) {
		file->refusal = arena_text(arena, bytes_of_text(fail_message()));
		TRY_ALLOC(file->refusal);
	}
	return OK;
}

/* --- All of them. --- */

static size_t
sound_beside(const struct escrow_collection *collection, const struct escrow_file *file) {
	size_t sound = 0;
	for (size_t i = 0; i < collection->count; i++)
		sound += collection->files[i].is_sound && hash256_equal(&collection->files[i].group, &file->group);
	return sound;
}

/* The first of the group of which most are sound. */
static enum status
find_largest(const struct escrow_collection *collection, const struct escrow_file **largest) {
	const struct escrow_file *found = nullptr, *rival = nullptr;
	size_t most = 0;
	for (size_t i = 0; i < collection->count; i++) {
		const struct escrow_file *file = &collection->files[i];
		size_t sound = file->is_sound ? sound_beside(collection, file) : 0;
		if (sound > most) {
			most = sound;
			found = file;
			rival = nullptr;
		} else if (found != nullptr && sound == most && !hash256_equal(&file->group, &found->group)) {
			rival = file;
		}
	}
	if (found == nullptr)
		return fail(STATUS_UNAVAILABLE, "recovery.escrows: none of %zu is sound", collection->count);
	if (rival != nullptr)
		return fail(STATUS_CONFLICT,
			    "escrow.groups: %s and %s are of different keys, sharings or epochs, and as many are sound "
			    "of each: %zu. Say which by leaving out the others",
			    found->path, rival->path, most);
	*largest = found;
	return OK;
}

static void
gather(struct escrow_collection *collection, const struct escrow_file *largest) {
	collection->key = &largest->key;
	collection->sharing = &largest->sharing;
	for (size_t i = 0; i < collection->count; i++) {
		struct escrow_file *file = &collection->files[i];
		if (!file->is_sound)
			continue;
		if (!hash256_equal(&file->group, &largest->group)) {
			file->refusal = "escrow.group: of another key, sharing or epoch than most";
			continue;
		}
		collection->holders[collection->sound] = file->holder;
		collection->escrows[collection->sound++] = file->escrow;
	}
}

static void
say_refusals(const struct escrow_collection *collection) {
	for (size_t i = 0; i < collection->count; i++) {
		const struct escrow_file *file = &collection->files[i];
		if (file->refusal != nullptr && file->is_read)
			output_note("%s, which says that it is of keeper %s, is left out: %s", file->path,
				    escrow_file_keeper(file), file->refusal);
		else if (file->refusal != nullptr)
			output_note("%s is left out: %s", file->path, file->refusal);
	}
}

enum status
escrow_files_collect(struct arena *arena, const char *const *paths, size_t count, struct bytes instance,
		     struct bytes recovery_key, struct escrow_collection *collection) {
	const struct escrow_file *largest = nullptr;
	*collection = (struct escrow_collection){.files = ARENA_NEW_ARRAY(arena, count, struct escrow_file)};
	TRY_ALLOC(collection->files);
	for (; collection->count < count; collection->count++) {
		struct escrow_file *file = &collection->files[collection->count];
		file->path = paths[collection->count];
		TRY(take_file(arena, collection, file, instance, recovery_key));
	}
	enum status status = find_largest(collection, &largest);
	if (status == OK)
		gather(collection, largest);
	say_refusals(collection);
	return status;
}
