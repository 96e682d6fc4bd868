/*
 * People and workloads, with what they sign and sign in with: keys, passkeys, invitations to make one, one-time passwords, and
 * which makers of authenticators are believed. The errors are those of identity/ and of gate/passkey_enrolment.h,
 * gate/enrolment.h and gate/one_time.h, and "payload.*".
 */
#ifndef GATEHOUSE_GATE_CHANGE_PRINCIPALS_H
#define GATEHOUSE_GATE_CHANGE_PRINCIPALS_H

#include "gate/change.h"

change_effect change_person_add, change_workload_add;
change_effect change_principal_suspend, change_principal_resume;
change_effect change_principal_key_add, change_principal_key_revoke;
change_effect change_principal_passkey_add, change_principal_invite, change_principal_totp_add;
/* No roots: that model's maker is believed no more. Where a root is taken back, passkeys of the model are certified no more. */
change_effect change_authenticator_trust;

/* Before somebody can do nothing any more: that three others are left, besides whoever asks, who could ask and vote, one of them at an
 * own terminal. STATUS_DENIED "principal.last_people". */
change_effect change_check_people_left;

change_facts_of facts_of_person_add, facts_of_principal_resume, facts_of_principal_key_add,
	facts_of_principal_passkey_add, facts_of_principal_invite, facts_of_principal_totp_add;

change_check_of can_person_add;
change_check_of can_workload_add;
change_check_of can_change_principal;
change_check_of can_principal_key_add;
change_check_of can_principal_passkey_add;
change_check_of can_principal_invite;

#endif
