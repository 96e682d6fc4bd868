/*
 * Lists of destinations and their entries. The errors are those of guards/destinations/destinations.h and wallet/wallet.h, and
 * "payload.*".
 */
#ifndef GATEHOUSE_GATE_CHANGE_DESTINATIONS_H
#define GATEHOUSE_GATE_CHANGE_DESTINATIONS_H

#include "gate/change.h"

change_effect change_list_create, change_list_add, change_list_confirm, change_list_remove;

change_facts_of facts_of_list_create, facts_of_list;
/* How long new entries wait, until when they hold, and what may be sent there before they are confirmed. */
change_facts_of facts_of_list_add;
/* Whether every entry is on the list, on probation, and had its test transfer. */
change_facts_of facts_of_list_confirm;

change_check_of can_list_create;
change_check_of can_list_add;
change_check_of can_list_remove;
change_check_of can_list_confirm;

#endif
