/*
 * Of whom the log holds personal values: to which values it commits, beside which entry their openings lie, and who was erased
 * (design §5). The values themselves are never here.
 *
 * A value is first offered (an operation brings it), then placed (its entry is durable), then taken (the operation is carried
 * out). Whoever is erased stays so: nothing about them is offered or taken again, since their key is never made anew.
 *
 * Owner: the keeper's state; strings are copied. Threads: one. Errors: STATUS_CONFLICT "personal.erased", STATUS_NOT_FOUND
 * "personal.not_offered"; "personal.snapshot".
 */
#ifndef GATEHOUSE_IDENTITY_SUBJECTS_H
#define GATEHOUSE_IDENTITY_SUBJECTS_H

#include "base/map.h"
#include "crypto/hash.h"

constexpr size_t SUBJECT_FIELD_MAX = 32;
constexpr size_t SUBJECT_ID_MAX = 128;

struct subject_value {
	char field[SUBJECT_FIELD_MAX + 1]; /* "contact" */
	struct hash256 commitment;
	uint64_t entry; /* UINT64_MAX: not durable yet */
	bool is_taken;  /* it is the field's value; at most one is */
};

struct subject {
	bool has_openings; /* sealed under its key: the key must exist unless it is erased */
	bool is_erased;
	struct subject_value *values; /* in the order in which they were offered */
	size_t count;
};

struct subjects {
	struct map by_id; /* a principal's id to struct subject */
};
void subjects_free(struct subjects *subjects); /* a cleanup function */

/* Null: nothing is known of it. */
const struct subject *subjects_find(const struct subjects *subjects, struct bytes id);
/* The field's value; null if there is none, or it is not durable yet. */
const struct subject_value *subjects_value(const struct subjects *subjects, struct bytes id, const char *field);

/* An opening about the subject is sealed under its key. */
enum status subjects_note_opening(struct subjects *subjects, struct bytes id);
enum status subjects_offer(struct subjects *subjects, struct bytes id, struct bytes field,
			   const struct hash256 *commitment);
/* What was offered under that commitment lies beside this entry. Nothing where it was not. */
void subjects_place(struct subjects *subjects, struct bytes id, const struct hash256 *commitment, uint64_t entry);
/* The field's value from now on, in the place of the former one. */
enum status subjects_take(struct subjects *subjects, struct bytes id, struct bytes field,
			  const struct hash256 *commitment);
/* For ever. OK where it is already. */
enum status subjects_erase(struct subjects *subjects, struct bytes id);

/* How many keys of subjects must exist. */
size_t subjects_keys(const struct subjects *subjects);

/* Ids of whoever is erased, ascending, borrowed; the caller frees the array. */
enum status subjects_list_erased(const struct subjects *subjects, struct bytes **ids, size_t *count);

/* For snapshots: the same subjects give the same bytes. */
enum status subjects_write(const struct subjects *subjects, struct buffer *to);
enum status subjects_read(struct subjects *subjects, struct bytes snapshot);

#endif
