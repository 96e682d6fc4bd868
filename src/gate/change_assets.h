/*
 * Assets and their prices. The errors are those of wallet/asset.h, and "payload.*".
 */
#ifndef GATEHOUSE_GATE_CHANGE_ASSETS_H
#define GATEHOUSE_GATE_CHANGE_ASSETS_H

#include "gate/change.h"

change_effect change_asset_add, change_price_set;

/* How far the price would move, and how far below the highest of the day and the week it would be, in hundredths of a percent,
 * rounded up; absent for a first price. */
change_facts_of facts_of_price_set;

change_check_of can_asset_add;
change_check_of can_price_set;

#endif
