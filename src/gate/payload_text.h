/*
 * Which texts may stand in payloads: names, ids, hexadecimal digits, chains, paths. What each is expected to be says its row in
 * gate/payloads.c, which bounds their lengths as well: none is empty here.
 *
 * Threads: any. Errors: none of their own; a reason that is more exact is left in the error of whoever was asked.
 */
#ifndef GATEHOUSE_GATE_PAYLOAD_TEXT_H
#define GATEHOUSE_GATE_PAYLOAD_TEXT_H

#include "base/bytes.h"

bool payload_text_is_name(struct bytes text);
bool payload_text_is_group_name(struct bytes text);
bool payload_text_is_keeper_name(struct bytes text);
bool payload_text_is_hex(struct bytes text); /* of whole bytes, in lower case */
/* People are pseudonyms in the log, for ever: nothing that could be a name (design §5). */
bool payload_text_is_person(struct bytes text);
bool payload_text_is_workload(struct bytes text);
bool payload_text_is_key_id(struct bytes text); /* of a person or a workload */
bool payload_text_is_chain(struct bytes text);
bool payload_text_is_contract(struct bytes text);
bool payload_text_is_symbol(struct bytes text);
bool payload_text_is_path(struct bytes text);
bool payload_text_is_threshold(struct bytes text); /* "2-of-3" */
bool payload_text_is_network(struct bytes text);
bool payload_text_is_point(struct bytes text); /* compressed */
bool payload_text_is_note(struct bytes text);
bool payload_text_is_finding(struct bytes text); /* of a review after a break-glass operation */

#endif
