#include "identity/directory_internal.h"

#include <stdlib.h>

/* --- Groups --- */

static enum status
find_group(const struct directory *directory, struct bytes id, struct stored_group **group) {
	*group = map_get(&directory->groups.by_id, id);
	return *group == nullptr ? directory_unknown("group", id) : OK;
}

static enum status
find_person(const struct directory *directory, struct bytes id, struct stored_principal **person) {
	TRY(directory_find_principal(directory, id, person));
	if ((*person)->principal.kind != PRINCIPAL_PERSON)
		return directory_unknown("person", id);
	return OK;
}

enum status
directory_check_group(const struct directory *directory, struct bytes id) {
	TRY(directory_check_name(id, "_"));
	if (id.data[0] >= '0' && id.data[0] <= '9')
		return fail(STATUS_INVALID,
			    "directory.name: a group begins with a letter, so that policies can name it");
	return registry_check_new(&directory->groups, "group", id);
}

enum status
directory_add_group(struct directory *directory, struct bytes id) {
	TRY(directory_check_group(directory, id));
	struct stored_group *stored = ARENA_NEW(&directory->arena, struct stored_group);
	TRY_ALLOC(stored);
	stored->group.id = arena_copy(&directory->arena, id);
	TRY_ALLOC(stored->group.id.data);
	return registry_add(&directory->groups, stored->group.id, stored);
}

enum status
directory_check_member(const struct directory *directory, struct bytes group, struct bytes person, bool is_added) {
	struct stored_group *stored;
	struct stored_principal *found;
	TRY(find_group(directory, group, &stored));
	TRY(find_person(directory, person, &found));
	bool is_there = map_get(&stored->members, person) != nullptr;
	if (is_added && is_there)
		return fail(STATUS_CONFLICT, "directory.exists: %.*s in group %.*s", BYTES_ARGS(person),
			    BYTES_ARGS(group));
	return is_added || is_there ? OK : directory_unknown("member", person);
}

enum status
directory_add_member(struct directory *directory, struct bytes group, struct bytes person, int64_t from_ms) {
	struct stored_group *stored;
	struct stored_principal *found;
	TRY(directory_check_member(directory, group, person, true));
	TRY(find_group(directory, group, &stored));
	TRY(find_person(directory, person, &found));
	struct membership *member = ARENA_NEW(&directory->arena, struct membership);
	TRY_ALLOC(member);
	*member = (struct membership){&found->principal, from_ms};
	TRY(map_put(&stored->members, found->principal.id, member, nullptr));
	stored->group.member_count++;
	return OK;
}

enum status
directory_cancel_member(struct directory *directory, struct bytes group, struct bytes person, int64_t now_ms) {
	struct stored_group *stored;
	TRY(find_group(directory, group, &stored));
	const struct membership *member = map_get(&stored->members, person);
	if (member == nullptr || member->from_ms <= now_ms)
		return fail(STATUS_CONFLICT, "directory.begun: %.*s is not about to enter group %.*s",
			    (int)(person.len > DIRECTORY_PRINCIPAL_MAX ? DIRECTORY_PRINCIPAL_MAX : person.len),
			    (const char *)person.data, BYTES_ARGS(group));
	return directory_remove_member(directory, group, person);
}

enum status
directory_remove_member(struct directory *directory, struct bytes group, struct bytes person) {
	struct stored_group *stored;
	TRY(find_group(directory, group, &stored));
	if (map_remove(&stored->members, person) == nullptr)
		return directory_unknown("member", person);
	stored->group.member_count--;
	return OK;
}

/* --- Delegations --- */

static struct delegation *
last_delegation(struct stored_principal *person) {
	size_t count = 0;
	while (count < DELEGATIONS_MAX && person->delegations[count].by != nullptr)
		count++;
	return count == 0 ? nullptr : &person->delegations[count - 1];
}

enum status
directory_cancel_delegation(struct directory *directory, struct bytes of, int64_t now_ms) {
	struct stored_principal *person;
	TRY(directory_find_principal(directory, of, &person));
	struct delegation *last = last_delegation(person);
	if (last == nullptr || last->from_ms <= now_ms)
		return fail(STATUS_CONFLICT, "directory.begun: %.*s is not about to delegate", BYTES_ARGS(of));
	*last = (struct delegation){};
	return OK;
}

static enum status
find_delegation(const struct directory *directory, struct bytes of, struct bytes by, struct stored_principal **person,
		struct stored_principal **delegate) {
	TRY(directory_find_principal(directory, of, person));
	TRY(directory_find_principal(directory, by, delegate));
	return *person != *delegate && (*person)->principal.kind == PRINCIPAL_PERSON &&
			       (*delegate)->principal.kind == PRINCIPAL_PERSON
		       ? OK
		       : fail(STATUS_INVALID, "directory.delegation: from one person to another");
}

/* Of a person's: the one that has begun last by now_ms, or the one that is yet to begin. */
static struct delegation
pick_delegation(const struct delegation delegations[static DELEGATIONS_MAX], bool has_begun, int64_t now_ms) {
	struct delegation picked = {};
	for (size_t i = 0; i < DELEGATIONS_MAX; i++)
		if (delegations[i].by != nullptr && (delegations[i].from_ms <= now_ms) == has_begun)
			picked = delegations[i];
	return picked;
}

enum status
directory_check_delegation(const struct directory *directory, struct bytes of, struct bytes by, int64_t from_ms,
			   int64_t until_ms) {
	struct stored_principal *person, *delegate;
	TRY(find_delegation(directory, of, by, &person, &delegate));
	bool ends = from_ms == 0 && until_ms == 0;
	if (from_ms < 0 || (until_ms <= from_ms && !ends))
		return fail(STATUS_INVALID, "directory.delegation: it would end before it begins");
	return OK;
}

enum status
directory_delegate(struct directory *directory, struct bytes of, struct bytes by, int64_t from_ms, int64_t until_ms,
		   int64_t now_ms) {
	struct stored_principal *person, *delegate;
	TRY(directory_check_delegation(directory, of, by, from_ms, until_ms));
	TRY(find_delegation(directory, of, by, &person, &delegate));
	bool ends = from_ms == 0 && until_ms == 0;
	bool begins_now = from_ms <= now_ms;
	struct delegation made = {&delegate->principal, from_ms, until_ms};
	struct delegation other =
		ends ? (struct delegation){} : pick_delegation(person->delegations, !begins_now, now_ms);
	struct delegation *kept = person->delegations;
	memset(kept, 0, sizeof person->delegations);
	if (ends)
		return OK;
	if (other.by == nullptr) {
		kept[0] = made;
		return OK;
	}
	kept[begins_now ? 0 : 1] = made;
	kept[begins_now ? 1 : 0] = other;
	return OK;
}

enum status
directory_restore_delegation(struct directory *directory, struct bytes of, struct bytes by, int64_t from_ms,
			     int64_t until_ms) {
	struct stored_principal *person, *delegate;
	TRY(find_delegation(directory, of, by, &person, &delegate));
	struct delegation *last = last_delegation(person), *next = last == nullptr ? person->delegations : last + 1;
	if (next == person->delegations + DELEGATIONS_MAX || from_ms < 0 || until_ms <= from_ms ||
	    (last != nullptr && from_ms <= last->from_ms))
		return fail(STATUS_INVALID, "directory.delegation: out of order, or one too many");
	*next = (struct delegation){&delegate->principal, from_ms, until_ms};
	return OK;
}

/* --- Reading --- */

const struct group *
directory_group(const struct directory *directory, struct bytes id) {
	return map_get(&directory->groups.by_id, id);
}

size_t
directory_group_count(const struct directory *directory) {
	return directory->groups.count;
}

const struct group *
directory_group_at(const struct directory *directory, size_t index) {
	return registry_at(&directory->groups, index);
}

static const struct map *
members_of(const struct group *group) {
	return &((const struct stored_group *)group)->members;
}

bool
directory_is_member(const struct directory *, const struct group *group, const struct principal *person,
		    int64_t now_ms) {
	const struct membership *member = map_get(members_of(group), person->id);
	return member != nullptr && member->from_ms <= now_ms;
}

int64_t
directory_member_from(const struct directory *, const struct group *group, const struct principal *person) {
	const struct membership *member = map_get(members_of(group), person->id);
	return member == nullptr ? 0 : member->from_ms;
}

const struct principal *
directory_next_of_group(const struct group *group, size_t *at, int64_t *from_ms) {
	void *value;
	if (!map_next(members_of(group), at, nullptr, &value))
		return nullptr;
	const struct membership *member = value;
	*from_ms = member->from_ms;
	return member->person;
}

static int
compare_numbers(const void *a, const void *b) {
	size_t one = ((const struct membership *)a)->person->number,
	       other = ((const struct membership *)b)->person->number;
	return (one > other) - (one < other);
}

enum status
directory_list_members(const struct group *group, struct membership **members) {
	size_t at = 0, count = 0;
	struct membership *listed = calloc(group->member_count + 1, sizeof *listed);
	TRY_ALLOC(listed);
	while ((listed[count].person = directory_next_of_group(group, &at, &listed[count].from_ms)) != nullptr)
		count++;
	qsort(listed, count, sizeof *listed, compare_numbers);
	*members = listed;
	return OK;
}

int64_t
directory_next_member(const struct directory *directory, int64_t now_ms) {
	int64_t next_ms = INT64_MAX;
	for (size_t i = 0; i < directory->groups.count; i++) {
		const struct stored_group *group = directory->groups.items[i];
		size_t at = 0;
		void *value;
		while (map_next(&group->members, &at, nullptr, &value)) {
			const struct membership *member = value;
			if (member->from_ms > now_ms && member->from_ms < next_ms)
				next_ms = member->from_ms;
		}
	}
	return next_ms;
}

size_t
directory_delegations(const struct directory *, const struct principal *person, int64_t now_ms,
		      struct delegation found[static DELEGATIONS_MAX]) {
	size_t count = 0;
	const struct stored_principal *stored = (const struct stored_principal *)person;
	for (size_t i = 0; i < DELEGATIONS_MAX && stored->delegations[i].by != nullptr; i++) {
		const struct delegation *one = &stored->delegations[i], *next = one + 1;
		bool has_next = i + 1 < DELEGATIONS_MAX && next->by != nullptr;
		if (one->until_ms > now_ms && !(has_next && next->from_ms <= now_ms))
			found[count++] = *one;
	}
	return count;
}

bool
directory_may_vote(const struct directory *directory, const struct principal *signer, const struct principal *person,
		   int64_t now_ms) {
	if (signer->kind != PRINCIPAL_PERSON || person->kind != PRINCIPAL_PERSON || signer->is_auditor ||
	    person->is_auditor)
		return false;
	if (signer == person)
		return true;
	struct delegation held[DELEGATIONS_MAX];
	return directory_delegations(directory, person, now_ms, held) > 0 && held[0].by == signer &&
	       held[0].from_ms <= now_ms;
}
