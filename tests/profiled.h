/*
 * A house that knows somebody's name and contact, for tests: entering them, reading them, erasing them, and looking for them on the disk.
 *
 * Owner: struct profiled belongs to the caller; profiled_end() frees what it holds. Whatever fails ends the test.
 */
#ifndef GATEHOUSE_TESTS_PROFILED_H
#define GATEHOUSE_TESTS_PROFILED_H

#include "model/entry.h"
#include "store/opening.h"
#include "tests/house.h"

#define PERSON_2 "person:p-0000000000000002" /* whose values they are */
#define PERSON_4 "person:p-0000000000000004"
extern const char PERSONAL_NAME[], PERSONAL_CONTACT[];

struct profiled {
	struct house house;
	struct arena arena;
};

/* Founded and open. */
void profiled_begin(struct profiled *world);
void profiled_end(struct profiled *world); /* a cleanup function */
void profiled_restart(struct profiled *world);

const char *profiled_hex(struct arena *arena, struct bytes bytes);
/* To the value under the salt that the field's name gives. */
const char *profiled_commitment(struct arena *arena, const char *name, const char *value);
struct firm_operation profiled_profile(struct arena *arena, const char *person, const char *name, const char *contact);
struct firm_operation profiled_erasure(const char *person);
/* Held; then done by the votes of 3 and 5, or what the votes make of it. */
void profiled_submit(struct profiled *world, struct firm_operation operation, unsigned expected, const char *state);
void profiled_enter_profile(struct profiled *world);
void profiled_erase(struct profiled *world);
const json *profiled_read_as(struct profiled *world, enum firm_member by, const char *target, unsigned expected);
const json *profiled_read_profile(struct profiled *world, enum firm_member by, unsigned expected);

uint64_t profiled_count(struct profiled *world, enum entry_type type);
/* Files of the directory, whole and as they are, in which these bytes stand: free pages, journals and padding included. */
size_t profiled_files_with(const char *directory, struct bytes bytes);
void profiled_assert_nowhere(const struct profiled *world, struct bytes bytes, const char *what);

#endif
