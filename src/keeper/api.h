/*
 * The keeper's HTTP interface: one table of routes (api.c), over requests as the gateway received them. docs/openapi.yaml.
 *
 * Operations and votes go through the gate. Everything else reads, by a signed request (docs/PROTOCOL.request-signature) or in a
 * session, but for the few routes that the table marks public: the instance's name and keys, the published checkpoint, and where
 * people sign in. job->reader is who reads, whichever way it was shown.
 */
#ifndef GATEHOUSE_KEEPER_API_H
#define GATEHOUSE_KEEPER_API_H

#include "keeper/job.h"

/* Large payloads take longer to decide and to decode, hundreds of inputs most of all, and fill the disk: each so many bytes count as
 * one request more. */
constexpr size_t API_BYTES_OF_ONE_REQUEST = 4 * 1024;

/* Finds the route and sets job->kind and job->route: STATUS_NOT_FOUND "route.unknown". */
enum status api_route(struct job *job);
/* JOB_READ: the reader's signature, or the cookie of a session (keeper/signing_in.h), unless the route is public. */
enum status api_authenticate(struct job *job);
/* JOB_READ: what it takes of the reader's limit. */
uint32_t api_cost(const struct job *job);
/* JOB_READ: answers, or hands the job to the slow reads: *is_under_way, and it is theirs. */
enum status api_read(struct job *job, bool *is_under_way);
/* On the thread of the slow reads. */
enum status api_read_slowly(struct job *job);

#endif
