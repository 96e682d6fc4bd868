/*
 * Payloads of operations: which members each kind has, of what type and form. One table, held against docs/openapi.yaml.
 *
 * The form is checked before anything is decided, and so before anybody is asked to approve: what can never be done is refused with the
 * member's name, what was expected there and what was found.
 *
 * Threads: any. Errors: STATUS_INVALID "payload.<member>", of an element "payload.<member>[<index>]".
 */
#ifndef GATEHOUSE_GATE_PAYLOADS_H
#define GATEHOUSE_GATE_PAYLOADS_H

#include "base/json.h"
#include "model/operation_kind.h"

enum status payload_check(enum operation_kind_id kind, const json *payload);
/* The same table for people, appended: a member a line with what is expected there, those of an object below it. */
void payload_describe(enum operation_kind_id kind, struct buffer *to);
/* "<chain>:<address>" with the address as facts write it, so that what was entered in another spelling is found as well. */
enum status payload_destination(struct arena *arena, struct bytes given, struct bytes *destination);

#endif
