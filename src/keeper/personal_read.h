/*
 * Personal values, opened for whoever may read them: a person's profile, and what lies sealed beside one entry.
 *
 * Each fills the job's list of what was read, for the entry that goes before the answer (keeper/reading.h). An opening is believed only
 * where the leaf commits to it. Threads: the deciding one. Errors: STATUS_DENIED "read.personal"; STATUS_CORRUPT "personal.*".
 */
#ifndef GATEHOUSE_KEEPER_PERSONAL_READ_H
#define GATEHOUSE_KEEPER_PERSONAL_READ_H

#include "keeper/job.h"

/* {"erased","person","values":{"contact":{"entry","value"},...}}; person with or without "person:". */
enum status personal_read_profile(struct job *job, struct bytes person, struct json_writer *writer);
/* {"entry","subjects":[{"erased","fields":{"source_address":{"salt","value"},...},"subject"}]}: whole openings, from which the leaf's
 * commitments follow. */
enum status personal_read_entry(struct job *job, uint64_t index, struct json_writer *writer);
/* For a buffer that held values: a cleanup function. */
void personal_read_wipe(struct buffer *buffer);

#endif
