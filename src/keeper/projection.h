/*
 * What of the log the keeper keeps as tables for listing: operations and votes (store/projection.h). Never read for a decision.
 */
#ifndef GATEHOUSE_KEEPER_PROJECTION_H
#define GATEHOUSE_KEEPER_PROJECTION_H

#include "keeper/internal.h"

enum status projection_start(struct keeper *keeper);
struct publish_target projection_target(struct keeper *keeper);

#endif
