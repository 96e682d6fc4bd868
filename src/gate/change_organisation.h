/*
 * How the firm is arranged: units, zones, groups of approvers and who stands in for whom. The errors are those of
 * identity/directory.h and guards/zones/zones.h, and "payload.*".
 */
#ifndef GATEHOUSE_GATE_CHANGE_ORGANISATION_H
#define GATEHOUSE_GATE_CHANGE_ORGANISATION_H

#include "gate/change.h"

constexpr size_t ENTITY_GROUPS_MAX = 64; /* that one person is in */

/* Now or later; 0 for whom nobody knows. */
size_t groups_of_count(const struct directory *directory, struct bytes person);
/* Whether their vote can count, now or later: of any person but an auditor, since policies count votes of anybody. */
bool has_voice(const struct directory *directory, struct bytes id);

change_effect change_unit_add, change_zone_add;
change_effect change_group_add, change_group_member_add, change_group_member_remove;
change_effect change_delegate;
/* Of a group, who is about to enter it; of a person, the delegation that is about to begin. */
change_effect change_addition_cancel;

change_facts_of facts_of_group_member_add, facts_of_delegate;

change_check_of can_unit_add;
change_check_of can_zone_add;
change_check_of can_group_add;
change_check_of can_group_member_add;
change_check_of can_group_member_remove;
change_check_of can_delegate;

#endif
