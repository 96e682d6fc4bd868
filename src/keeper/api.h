/*
 * The keeper's HTTP interface: one table of routes (api.c), over requests as the gateway received them. docs/openapi.yaml.
 *
 * Operations and votes go through the gate. Everything else reads, and is signed as well (docs/PROTOCOL.request-signature), but
 * for the few routes that the table marks public: the instance's name and keys, and the published checkpoint.
 */
#ifndef GATEHOUSE_KEEPER_API_H
#define GATEHOUSE_KEEPER_API_H

#include "keeper/job.h"

/* Finds the route and sets job->kind and job->route: STATUS_NOT_FOUND "route.unknown". */
enum status api_route(struct job *job);
/* JOB_READ: the reader's signature, unless the route is public. */
enum status api_authenticate(struct job *job);
/* JOB_READ: answers. */
enum status api_read(struct job *job);

/* loop.c; each answers the job. */
void keeper_send_problem(struct keeper *keeper, struct job *job, enum status status, const char *error);
void keeper_send_body(struct keeper *keeper, struct job *job, unsigned status, const char *content_type,
		      struct bytes body);
void keeper_send_feed(struct keeper *keeper, struct job *job);
enum status keeper_answer_known(struct keeper *keeper, struct job *job, const struct gate_operation *operation);
/* leaf.data null: without the entry. commit null: in the newest head. */
enum status keeper_write_receipt(struct keeper *keeper, uint64_t index, const struct commit *commit, struct bytes leaf,
				 struct buffer *receipt);

#endif
