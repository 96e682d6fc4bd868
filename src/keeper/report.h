/*
 * What the keeper tells the gateway about once a second: readiness, health and metrics.
 */
#ifndef GATEHOUSE_KEEPER_REPORT_H
#define GATEHOUSE_KEEPER_REPORT_H

#include "keeper/internal.h"

void report_start_metrics(struct keeper *keeper);
/* Operations are decided: what /readyz says. */
bool report_is_ready(struct keeper *keeper);
enum status report_send(struct keeper *keeper);

#endif
