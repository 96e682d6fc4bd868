/* What there is: one thing, or a listing in all its pages. */
#include "cli/handlers.h"

#include "cli/client.h"
#include "cli/output.h"
#include "gate/key_address.h"
#include "keys/bip32.h"

static enum status
get(struct invocation *invocation, const char *target, struct connection_answer *answer) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	TRY(client_create(invocation, false, &client));
	TRY(client_get(client, &invocation->arena, target, answer));
	invocation->exit_code = client_exit_code(answer->status);
	if (answer->status >= 300)
		client_say_problem(&invocation->arena, answer);
	return OK;
}

static enum status
show(struct invocation *invocation, const char *target) {
	struct connection_answer answer;
	TRY(get(invocation, target, &answer));
	return answer.status < 300 || invocation->json ? output_document(invocation, answer.body) : OK;
}

enum status
instance_show_run(struct invocation *invocation) {
	return show(invocation, "/v1/instance");
}

/* Appends the page's items, and says where the next begins; null at the end. */
static enum status
take_page(struct invocation *invocation, const char *path, struct bytes body, const char *array,
	  struct json_writer *items, const char **next) {
	const json *page, *item;
	TRY(json_read(&invocation->arena, body, (struct json_limits){}, &page));
	struct json_iterator iterator = json_iterate(json_get(page, array));
	while ((item = json_next(&iterator, nullptr)) != nullptr)
		json_write_value(items, item);
	const json *cursor = json_get(page, "next");
	if (cursor == nullptr) {
		*next = nullptr;
		return OK;
	}
	const char *hex = json_type_of(cursor) == JSON_STRING ? (const char *)json_string(cursor).data : "";
	const char *target = arena_format(&invocation->arena, "%s?after=%s", path, hex);
	TRY_ALLOC(target);
	/* Whoever answers must neither write the next request nor make this go round for ever. */
	if (hex[0] == '\0' || hex[strspn(hex, "0123456789abcdef")] != '\0' || strcmp(target, *next) <= 0)
		return fail(STATUS_INVALID, "listing.next: no place after the one before");
	*next = target;
	return OK;
}

/* All pages of a listing; the array stands in items, what stands around it on the last page in *last. */
static enum status
get_pages(struct invocation *invocation, const char *path, const char *array, struct buffer *items,
	  struct bytes *last) {
	_cleanup_(client_destroy) struct client *client = nullptr;
	struct json_writer w;
	const char *next = path;
	TRY(client_create(invocation, false, &client));
	json_writer_start(&w, items);
	json_write_array(&w);
	while (next != nullptr) {
		struct connection_answer answer;
		TRY(client_get(client, &invocation->arena, next, &answer));
		*last = answer.body;
		invocation->exit_code = client_exit_code(answer.status);
		if (answer.status >= 300) {
			client_say_problem(&invocation->arena, &answer);
			return OK;
		}
		TRY(take_page(invocation, path, answer.body, array, &w, &next));
	}
	json_write_end(&w);
	return json_writer_finish(&w);
}

static enum status
show_problem(struct invocation *invocation, struct bytes problem) {
	return invocation->json ? output_document(invocation, problem) : OK;
}

enum status
listing_run(struct invocation *invocation) {
	static const struct {
		const char *noun, *path;
	} paths[] = {{"key", "/v1/keys"},     {"person", "/v1/people"}, {"workload", "/v1/workloads"},
		     {"group", "/v1/groups"}, {"list", "/v1/lists"},    {"zone", "/v1/zones"},
		     {"price", "/v1/prices"}, {"op", "/v1/inbox"}};
	_cleanup_(buffer_free) struct buffer items = {};
	struct bytes last;
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
		if (strcmp(invocation->command->noun, paths[i].noun) != 0)
			continue;
		TRY(get_pages(invocation, paths[i].path, "items", &items, &last));
		return invocation->exit_code == EXIT_DONE ? output_document(invocation, buffer_bytes(&items))
							  : show_problem(invocation, last);
	}
	return fail(STATUS_INTERNAL, "command.noun: %s has no listing", invocation->command->noun);
}

static bool
is_id(const char *id) {
	return id[0] != '\0' && id[strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-._")] == '\0';
}

static enum status
check_key_id(const char *id) {
	return is_id(id) ? OK : fail(STATUS_INVALID, "usage.key: \"%s\" is no key's id", id);
}

/* The record as the installation has it, and what follows from it: where a key that signs transfers is paid to. */
static enum status
write_key_shown(struct invocation *invocation, struct bytes body, struct buffer *text) {
	char address[KEY_ADDRESS_SIZE];
	struct key_info key;
	const json *record, *value;
	struct bytes name;
	struct json_writer w;
	TRY(json_read(&invocation->arena, body, (struct json_limits){}, &record));
	TRY(key_read(record, &key));
	bool is_due = key.purpose == KEY_PURPOSE_TRANSFER && key_address(&key, address);
	json_writer_start(&w, text);
	json_write_object(&w);
	for (struct json_iterator at = json_iterate(record); (value = json_next(&at, &name)) != nullptr;) {
		bool is_before = bytes_equal_text(name, "account"); /* names stand in their order */
		if (is_due && !is_before)
			json_write_member_text(&w, "address", address);
		is_due = is_due && is_before;
		json_write_key_bytes(&w, name);
		json_write_value(&w, value);
	}
	json_write_end(&w);
	return json_writer_finish(&w);
}

enum status
key_show_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer text = {};
	struct connection_answer answer;
	const char *id = invocation_word(invocation, 0);
	TRY(check_key_id(id));
	const char *target = arena_format(&invocation->arena, "/v1/keys/%s", id);
	TRY_ALLOC(target);
	TRY(get(invocation, target, &answer));
	if (answer.status >= 300)
		return show_problem(invocation, answer.body);
	TRY(write_key_shown(invocation, answer.body, &text));
	return output_document(invocation, buffer_bytes(&text));
}

/* What the installation answered, and the address where the key's record and the path imply one. */
static enum status
write_derived_shown(struct invocation *invocation, const struct signing_path *path, struct bytes derived,
		    struct bytes record, struct buffer *text) {
	char path_text[BIP32_PATH_TEXT_SIZE];
	uint8_t public_key[33];
	char address[KEY_ADDRESS_SIZE];
	struct key_info key;
	const json *document, *answer;
	struct bytes id, stated_path, hex;
	struct json_writer w;
	TRY(json_read(&invocation->arena, record, (struct json_limits){}, &document));
	TRY(key_read(document, &key));
	TRY(json_read(&invocation->arena, derived, (struct json_limits){}, &answer));
	TRY(json_need_string(answer, "derived", "key", &id));
	TRY(json_need_string(answer, "derived", "path", &stated_path));
	TRY(json_need_string(answer, "derived", "public_key", &hex));
	bip32_path_format(path, path_text);
	const char *asked = invocation_word(invocation, 0);
	if (strcmp(key.id, asked) != 0 || !bytes_equal_text(id, asked) || !bytes_equal_text(stated_path, path_text))
		return fail(STATUS_CONFLICT, "derived.answer: it is of another key or path than was asked for");
	if (hex.len != 2 * sizeof public_key)
		return fail(STATUS_INVALID, "derived.public_key: expected %zu hexadecimal digits",
			    2 * sizeof public_key);
	TRY(hex_decode(hex, public_key, sizeof public_key));
	json_writer_start(&w, text);
	json_write_object(&w);
	if (key.purpose == KEY_PURPOSE_TRANSFER && key_address_below(&key, path, public_key, address))
		json_write_member_text(&w, "address", address);
	json_write_member_string(&w, "key", id);
	json_write_member_string(&w, "path", stated_path);
	json_write_member_string(&w, "public_key", hex);
	json_write_end(&w);
	return json_writer_finish(&w);
}

/* Hardened steps are written with h: an apostrophe has no place in a query. */
enum status
key_derive_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer shown = {};
	const char *id = invocation_word(invocation, 0);
	struct connection_answer derived, record;
	struct signing_path path;
	char text[BIP32_PATH_TEXT_SIZE];
	TRY(check_key_id(id));
	TRY(bip32_path_parse(bytes_of_text(invocation_word(invocation, 1)), &path));
	bip32_path_format(&path, text);
	for (char *c = text; *c != '\0'; c++)
		if (*c == '\'')
			*c = 'h';
	const char *target = arena_format(&invocation->arena, "/v1/keys/%s", id);
	TRY_ALLOC(target);
	TRY(get(invocation, target, &record));
	if (record.status >= 300)
		return show_problem(invocation, record.body);
	target = arena_format(&invocation->arena, "/v1/keys/%s/derived?path=%s", id, text);
	TRY_ALLOC(target);
	TRY(get(invocation, target, &derived));
	if (derived.status >= 300)
		return show_problem(invocation, derived.body);
	TRY(write_derived_shown(invocation, &path, derived.body, record.body, &shown));
	return output_document(invocation, buffer_bytes(&shown));
}

/* As one document, its entries from all pages. */
enum status
list_show_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer entries = {}, text = {};
	const char *id = invocation_word(invocation, 0);
	const json *list, *all, *member;
	struct bytes last, name;
	struct json_writer w;
	if (!is_id(id))
		return fail(STATUS_INVALID, "usage.list: \"%s\" is no list's id", id);
	const char *path = arena_format(&invocation->arena, "/v1/lists/%s", id);
	TRY_ALLOC(path);
	TRY(get_pages(invocation, path, "entries", &entries, &last));
	if (invocation->exit_code != EXIT_DONE)
		return show_problem(invocation, last);
	TRY(json_read(&invocation->arena, last, (struct json_limits){}, &list));
	TRY(json_read(&invocation->arena, buffer_bytes(&entries), (struct json_limits){}, &all));
	struct json_iterator iterator = json_iterate(list);
	json_writer_start(&w, &text);
	json_write_object(&w);
	while ((member = json_next(&iterator, &name)) != nullptr) {
		json_write_key_bytes(&w, name);
		json_write_value(&w, bytes_equal_text(name, "entries") ? all : member);
	}
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return output_document(invocation, buffer_bytes(&text));
}
