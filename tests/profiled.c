#include "tests/profiled.h"

#include <ftw.h>
#include <stdio.h>

#include "keeper/internal.h"
#include "tests/test.h"

const char PERSONAL_NAME[] = "Grete Hermann-Zyx";
const char PERSONAL_CONTACT[] = "grete.hermann@quantum-desk.example";

void
profiled_begin(struct profiled *world) {
	*world = (struct profiled){};
	house_found(&world->house, nullptr);
	assert_ok(house_open(&world->house));
}

void
profiled_end(struct profiled *world) {
	house_free(&world->house);
	arena_free(&world->arena);
}

void
profiled_restart(struct profiled *world) {
	house_close(&world->house);
	assert_ok(house_open(&world->house));
}

/* --- Asking. --- */

static struct opening_field
field_of(const char *name, const char *value) {
	struct opening_field field = {.name = bytes_of_text(name), .value = bytes_of_text(value)};
	memset(field.salt, name[0], sizeof field.salt);
	return field;
}

const char *
profiled_hex(struct arena *arena, struct bytes bytes) {
	char *text = arena_alloc(arena, 2 * bytes.len + 1);
	hex_encode(bytes, text);
	return text;
}

const char *
profiled_commitment(struct arena *arena, const char *name, const char *value) {
	struct opening_field field = field_of(name, value);
	struct hash256 commitment = opening_commit(&field);
	return profiled_hex(arena, hash256_bytes(&commitment));
}

static const char *
brought(struct arena *arena, const char *name, const char *value) {
	struct opening_field field = field_of(name, value);
	return arena_format(arena, "\"%s\":{\"salt\":\"%s\",\"value\":\"%s\"}", name,
			    profiled_hex(arena, BYTES_OF_ARRAY(field.salt)), value);
}

struct firm_operation
profiled_profile(struct arena *arena, const char *person, const char *name, const char *contact) {
	return (struct firm_operation){.by = FIRM_PERSON_4,
				       .kind = "person.profile",
				       .resource = person,
				       .payload = arena_format(arena, "{\"contact\":\"%s\",\"name\":\"%s\"}",
							       profiled_commitment(arena, "contact", contact),
							       profiled_commitment(arena, "name", name)),
				       .personal = arena_format(arena, "{%s,%s}", brought(arena, "contact", contact),
								brought(arena, "name", name)),
				       .reason = "who it is"};
}

/* Held; then done by the votes of 3 and 5, or what the votes make of it. */
void
profiled_submit(struct profiled *world, struct firm_operation operation, unsigned expected, const char *state) {
	struct ipc_response response;
	assert_ok(house_submit(&world->house, &world->arena, operation, &response));
	if (response.status == 202) {
		struct bytes id = response.operation;
		assert_ok(house_vote(&world->house, &world->arena, id, FIRM_PERSON_3, "approve", &response));
		assert_answer(202, "held", &response);
		assert_ok(house_vote(&world->house, &world->arena, id, FIRM_PERSON_5, "approve", &response));
	}
	assert_answer(expected, state, &response);
}

void
profiled_enter_profile(struct profiled *world) {
	profiled_submit(world, profiled_profile(&world->arena, PERSON_2, PERSONAL_NAME, PERSONAL_CONTACT), 200, "done");
}

struct firm_operation
profiled_erasure(const char *person) {
	return (struct firm_operation){.by = FIRM_PERSON_4,
				       .kind = "person.erase",
				       .resource = person,
				       .payload = "{}",
				       .reason = "asked to be forgotten"};
}

void
profiled_erase(struct profiled *world) {
	profiled_submit(world, profiled_erasure(PERSON_2), 200, "done");
}

const json *
profiled_read_as(struct profiled *world, enum firm_member by, const char *target, unsigned expected) {
	struct ipc_response response;
	const json *document;
	assert_ok(house_get_by(&world->house, &world->arena, by, target, &response));
	assert_answer(expected, nullptr, &response);
	assert_ok(json_read(&world->arena, response.body, (struct json_limits){}, &document));
	return document;
}

const json *
profiled_read_profile(struct profiled *world, enum firm_member by, unsigned expected) {
	return profiled_read_as(world, by, "/v1/people/p-0000000000000002/personal", expected);
}

uint64_t
profiled_count(struct profiled *world, enum entry_type type) {
	uint64_t counts[ENTRY_TYPES];
	ledger_counts(keeper_ledger(world->house.keeper), counts);
	return counts[type];
}

/* --- The disk. --- */

static struct bytes wanted;
static size_t found_in;
static char found_where[512];

static int
look_into(const char *path, const struct stat *, int kind, struct FTW *) {
	_cleanup_(buffer_free) struct buffer content = {};
	if (kind != FTW_F || io_read_file(io_system(), path, 256 << 20, &content) != OK)
		return 0;
	if (content.len > 0 && memmem(content.data, content.len, wanted.data, wanted.len) != nullptr) {
		found_in++;
		snprintf(found_where, sizeof found_where, "%s", path);
	}
	return 0;
}

size_t
profiled_files_with(const char *directory, struct bytes bytes) {
	wanted = bytes;
	found_in = 0;
	assert_int_equal(0, nftw(directory, look_into, 16, FTW_PHYS));
	return found_in;
}

void
profiled_assert_nowhere(const struct profiled *world, struct bytes bytes, const char *what) {
	if (profiled_files_with(world->house.directory, bytes) > 0)
		fail_msg("%s stands in %zu files, such as %s", what, found_in, found_where);
}
