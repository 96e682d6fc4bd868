/*
 * What reads that have a file of their own share with the table of routes (api.c). Each answers on the deciding thread, or, where it says
 * so, fills job->body beside it and touches nothing of the state.
 */
#ifndef GATEHOUSE_KEEPER_API_READS_H
#define GATEHOUSE_KEEPER_API_READS_H

#include "base/json.h"
#include "base/path_pattern.h"
#include "keeper/job.h"

/* Borrows from the request. */
struct route_match {
	struct path_parameters path;
	struct bytes query;
};

/* Answers 200 with what was written. */
enum status api_send_json(struct job *job, const struct json_writer *writer);

/* Keys: api_keys.c. */
enum status api_read_key(struct job *job, const struct route_match *match);
enum status api_read_derived_key(struct job *job, const struct route_match *match);
enum status api_read_import_key(struct job *job, const struct route_match *match);
enum status api_read_sharing(struct job *job, const struct route_match *match);

/* The log: api_log.c. The receipt of job->index, an entry's and a tile: beside the deciding thread. */
enum status api_read_checkpoint(struct job *job, const struct route_match *match);
enum status api_read_receipt(struct job *job, const struct route_match *match);
enum status api_read_entry(struct job *job, const struct route_match *match);
enum status api_read_tile(struct job *job, const struct route_match *match);

#endif
