/* What peers do wrong stands in the own log, each of it once a minute for each of them, however often they do it. */
#include "keeper/threshold_internal.h"

#include <stdio.h>

#include "base/log.h"

void
threshold_log_fault(struct keeper *keeper, const struct peer *peer, enum peer_fault fault, const char *format, ...) {
	struct fault_log *log = &keeper->threshold->faults[peer->party][fault];
	int64_t now_ms = threshold_now_ms(keeper);
	char text[512];
	va_list arguments;
	if (now_ms < log->next_ms) {
		log->unsaid++;
		return;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (log->unsaid == 0)
		log_warning("%s", text);
	else
		log_warning("%s; and %llu times more since that was last said", text, (unsigned long long)log->unsaid);
	*log = (struct fault_log){.next_ms = now_ms + FAULT_LOG_MS};
}
