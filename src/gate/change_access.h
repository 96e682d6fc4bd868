/*
 * Personal values of people, and who may read what: profiles, erasure, auditors, and leave to read personal values. The errors
 * are those of identity/access.h, identity/subjects.h and identity/directory.h, and "payload.*".
 */
#ifndef GATEHOUSE_GATE_CHANGE_ACCESS_H
#define GATEHOUSE_GATE_CHANGE_ACCESS_H

#include "gate/change.h"

change_effect change_person_profile, change_person_erase;
change_effect change_auditor_grant, change_auditor_revoke;
change_effect change_personal_grant, change_personal_revoke;

change_facts_of facts_of_auditor, facts_of_personal_grant;

change_check_of can_auditor_grant;

#endif
